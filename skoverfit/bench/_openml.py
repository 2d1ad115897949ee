# SPDX-License-Identifier: BSD-3-Clause
"""Fetch a table from OpenML, with clear words when that does not work."""

from __future__ import annotations

import json
import re
import socket
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from numbers import Integral
from os import PathLike
from typing import Any
from urllib.error import HTTPError, URLError

from skoverfit.bench._tables import table_from_frame
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError

__all__ = ["load_openml"]

_RETRIES = ("A network error occurred", "Invalid cache, redownloading")


def load_openml(
    data_id: int,
    *,
    target: str | None = None,
    groups: str | None = None,
    time: str | None = None,
    drop: Iterable[str] = (),
    positive: Any = None,
    task: str | None = None,
    name: str | None = None,
    data_home: str | PathLike[str] | None = None,
    timeout: float = 60.0,
) -> Table:
    """Load a table from OpenML by scikit-learn's ``fetch_openml``.

    A data set is downloaded once: afterwards it comes from the cache, without any
    network. Columns that OpenML marks as row identifiers or as ignored are left out.

    Parameters
    ----------
    data_id : int
        OpenML's number of the data set.
    target : str, default=None
        Name of the column to predict; ``None`` takes the default target of the
        description.
    groups, time, drop, positive, task : object
        As in `load_table`.
    name : str, default=None
        Name of the table in reports; ``None`` takes OpenML's.
    data_home : str or path-like, default=None
        Folder of the cache; ``None`` takes scikit-learn's (environment variable
        ``SCIKIT_LEARN_DATA``).
    timeout : float, default=60.0
        Seconds without an answer after which a connection is given up.

    Returns
    -------
    Table
        Nominal columns are categories, as the description declares them.

    Raises
    ------
    BadInputError
        If the server can't be reached or has no such data set, if the data set has no
        default target or several, or if it can't be used as a table.

    Examples
    --------
    >>> from skoverfit.bench._openml import load_openml
    >>> load_openml("iris")
    Traceback (most recent call last):
        ...
    skoverfit.exceptions.BadInputError: data_id must be a positive integer, ...
    """
    data_id = _checked_id(data_id)
    remarks: list[str] = []
    with _timeout(timeout), _plain_words(data_id, data_home), _as_notes(remarks):
        bunch = _fetch(data_id, target, data_home)
    details = bunch.details
    title = f"{details.get('name', data_id)}, version {details.get('version', '?')}"
    return table_from_frame(
        bunch.frame,
        target=target if target is not None else _default_target(bunch, data_id),
        groups=groups,
        time=time,
        drop=drop,
        positive=positive,
        task=task,
        name=name if name is not None else str(details.get("name", data_id)),
        source=f"OpenML data set {data_id} ({title})",
        notes=remarks,
    )


def _checked_id(data_id: Any) -> int:
    whole = isinstance(data_id, Integral) and not isinstance(data_id, bool)
    if whole and int(data_id) > 0:
        return int(data_id)
    raise BadInputError(
        f"data_id must be a positive integer, OpenML's number of a data set; got "
        f"{data_id!r}."
    )


def _fetch(data_id: int, target: str | None, data_home: Any) -> Any:
    from sklearn.datasets import fetch_openml

    # A named target stays in the frame, so that a misspelt one is answered with the
    # names that exist. The slower parser reads every nominal value as the text that the
    # file declares; the one on pandas fails on digits with scikit-learn 1.9 and pandas
    # 3.1 (scikit-learn #34892) and then throws the cached file away.
    return fetch_openml(
        data_id=data_id,
        target_column="default-target" if target is None else None,
        as_frame=True,
        parser="liac-arff",
        data_home=data_home,
    )


def _default_target(bunch: Any, data_id: int) -> str:
    names = list(bunch.target_names)
    if len(names) == 1:
        return names[0]
    columns = ", ".join(map(repr, list(bunch.frame.columns)[:12]))
    if not names:
        raise BadInputError(
            f"OpenML data set {data_id} names no default target; choose one with "
            f"--target (its first columns are {columns})."
        )
    raise BadInputError(
        f"OpenML data set {data_id} has {len(names)} targets "
        f"({', '.join(map(repr, names))}); choose one with --target and leave the "
        "others out with --drop."
    )


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    # fetch_openml opens its connections without a time limit of its own.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextmanager
def _as_notes(remarks: list[str]) -> Iterator[None]:
    """Turn what OpenML warns of (an inactive version, say) into remarks."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        yield
    for warning in caught:
        text = str(warning.message)
        if not issubclass(warning.category, (UserWarning, RuntimeWarning)):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif not text.startswith(_RETRIES):
            remarks.append(text)


@contextmanager
def _plain_words(data_id: int, data_home: Any) -> Iterator[None]:
    what = f"OpenML data set {data_id}"
    try:
        yield
    except HTTPError as exc:
        exc.close()
        raise BadInputError(
            f"{what} could not be fetched: the server answered with HTTP {exc.code} "
            f"({exc.reason}); try again later. {_cache_words(data_home)}"
        ) from exc
    except (URLError, TimeoutError, ConnectionError, HTTPException) as exc:
        reason = getattr(exc, "reason", None) or exc or type(exc).__name__
        raise BadInputError(
            f"{what} could not be fetched: the server can't be reached ({reason}); "
            f"check the network and try again. {_cache_words(data_home)}"
        ) from exc
    except json.JSONDecodeError as exc:
        raise BadInputError(
            f"{what} could not be fetched: the server's answer is not JSON ({exc}); "
            "try again later."
        ) from exc
    except OSError as exc:
        raise BadInputError(
            f"{what} could not be kept in the cache: {exc.strerror or exc}; choose "
            "another folder with the environment variable SCIKIT_LEARN_DATA."
        ) from exc
    except Exception as exc:  # the ARFF parser's own errors have no public base class
        raise _refusal(what, exc) from exc


def _cache_words(data_home: Any) -> str:
    from sklearn.datasets import get_data_home

    return f"Data sets fetched before are read from {get_data_home(data_home)}."


def _refusal(what: str, exc: Exception) -> BadInputError:
    text = str(exc)
    if text.endswith("not found."):
        return BadInputError(
            f"{what} does not exist; look the number up on OpenML's web page."
        )
    if "md5 checksum" in text:
        return BadInputError(
            f"{what} arrived damaged: its file does not have the md5 checksum that the "
            "description states; try again later."
        )
    if text.startswith("Sparse ARFF"):
        return BadInputError(
            f"{what} is stored sparse, which is not supported; choose a dense one."
        )
    missing = re.search(r"Target column '(.*)' has (\d+) missing", text)
    if missing:
        return BadInputError(
            f"{what} has {missing[2]} rows without a value of its target "
            f"{missing[1]!r}; choose another target with --target."
        )
    reason = text.strip().splitlines()[0].rstrip(".") if text.strip() else repr(exc)
    return BadInputError(f"{what} can't be read: {reason}.")
