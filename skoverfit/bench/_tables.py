# SPDX-License-Identifier: BSD-3-Clause
"""From a file or a frame to a `Table` that is ready to be split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit._core._names import nearest
from skoverfit.bench._columns import (
    content_hash,
    drop_option,
    is_text,
    looks_like_id,
    plain_column,
)
from skoverfit.bench._readers import DEFAULT_MAX_BYTES, read_frame
from skoverfit.bench._targets import read_target
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DEFAULT_MAX_BYTES",
    "checked_frame",
    "load_table",
    "refuse_infinite",
    "table_from_frame",
]

MIN_ROWS = 10
# A number of days or seconds is numeric already; ISO 8601 is tried first.
_DATE_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
_SLASHED = ("%d/%m/%Y", "%m/%d/%Y")


def load_table(
    path: str | PathLike[str],
    *,
    target: str,
    groups: str | None = None,
    time: str | None = None,
    drop: Iterable[str] = (),
    positive: Any = None,
    task: str | None = None,
    name: str | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Table:
    """Load a table from a file.

    Parameters
    ----------
    path : str or path-like
        A ``.csv``, ``.csv.gz``, ``.tsv``, ``.tsv.gz`` or ``.parquet`` file. Text has to
        be UTF-8 and its first line has to name the columns; the separator is found
        from that line; pandas' words for missing values and ``?`` are missing.
    target : str
        Name of the column to predict: classes of any type, or numbers.
    groups : str, default=None
        Name of a column whose equal values mark rows that belong together; it is no
        feature.
    time : str, default=None
        Name of a column of numbers or dates that orders the rows; it is no feature.
    drop : iterable of str, default=()
        Names of columns to leave out.
    positive : object, default=None
        Positive class of a binary target, compared by its text; ``None`` takes the
        rarer class, and at a tie the later in sorted order.
    task : {"classification", "regression"}, default=None
        What the target is; ``None`` takes more than 10 different fractions or 100
        different whole numbers for numbers to predict, and all else for classes.
    name : str, default=None
        Name of the table in reports; ``None`` takes the file name without suffix.
    max_bytes : int, default=2**30
        Largest uncompressed size in bytes; a bigger file is refused unread.

    Returns
    -------
    Table
        Features, class codes or numbers, groups, time, content hash and remarks.

    Raises
    ------
    BadInputError
        If the file can't be read or can't be used. The message is one sentence that
        says what was met and what mends it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from skoverfit.bench._tables import load_table
    >>> rows = [f"{i},{'yes' if i % 4 == 0 else 'no'}" for i in range(20)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "paid.csv")
    ...     _ = path.write_text(chr(10).join(["age,paid", *rows]))
    ...     table = load_table(path, target="paid")
    >>> table.name, table.class_names, table.X.shape, int(table.y.sum())
    ('paid', ('no', 'yes'), (20, 1), 5)
    """
    if not isinstance(max_bytes, Integral) or max_bytes <= 0:
        raise BadInputError(
            f"max_bytes must be a positive number of bytes; got {max_bytes!r}."
        )
    path = Path(path)
    frame, notes = read_frame(path, max_bytes=int(max_bytes))
    return table_from_frame(
        frame,
        target=target,
        groups=groups,
        time=time,
        drop=drop,
        positive=positive,
        task=task,
        name=name if name is not None else _stem(path),
        source=str(path),
        notes=notes,
    )


def table_from_frame(
    frame: Any,
    *,
    target: str,
    groups: str | None = None,
    time: str | None = None,
    drop: Iterable[str] = (),
    positive: Any = None,
    task: str | None = None,
    name: str = "table",
    source: str = "a data frame",
    notes: Iterable[str] = (),
) -> Table:
    """Make a `Table` from a data frame; its index is ignored.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n_samples, n_columns), or polars.DataFrame
        Features and target in columns of any type but complex and nested ones. It is
        not changed.
    target, groups, time, drop, positive, task : object
        As in `load_table`.
    name : str, default="table"
        Name of the table in reports.
    source : str, default="a data frame"
        Where the table came from, for reports.
    notes : iterable of str, default=()
        Remarks to put before this function's own.

    Returns
    -------
    Table
        Features, class codes or numbers, groups, time, content hash and remarks.

    Raises
    ------
    BadInputError
        If the frame can't be used.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit.bench._tables import table_from_frame
    >>> frame = pd.DataFrame({"age": range(20), "paid": [True] * 5 + [False] * 15})
    >>> table_from_frame(frame, target="paid").class_names
    ('False', 'True')
    """
    frame = checked_frame(frame)
    target = str(target)
    groups = None if groups is None else str(groups)
    time = None if time is None else str(time)
    dropped = [drop] if isinstance(drop, str) else [str(column) for column in drop]
    _check_roles(frame, target=target, groups=groups, time=time, drop=dropped)
    if len(frame) < MIN_ROWS:
        raise BadInputError(
            f"{source} has {len(frame)} rows; at least {MIN_ROWS} are needed."
        )
    y, class_names, about_target = read_target(
        frame[target], name=target, positive=positive, task=task
    )
    group_codes = None if groups is None else _code_groups(frame[groups], groups)
    moments = None if time is None else _parse_time(frame[time], time)
    aside = {target, groups, time, *dropped}
    X, id_like, remarks = _features(frame.loc[:, ~frame.columns.isin(list(aside))])
    if time is not None:
        remarks.append(f"The column {time!r} orders the rows and is no feature.")
    if groups is not None:
        remarks.append(f"The column {groups!r} marks groups and is no feature.")
    return Table(
        name=name,
        X=X,
        y=y,
        class_names=class_names,
        groups=group_codes,
        time=moments,
        content_hash=content_hash(X, y, class_names, group_codes, moments),
        source=source,
        notes=(*notes, *about_target, *remarks),
        id_like=tuple(id_like),
    )


def _stem(path: Path) -> str:
    return re.sub(r"\.(csv|tsv|parquet)(\.gz)?$", "", path.name, flags=re.IGNORECASE)


def checked_frame(frame: Any) -> pd.DataFrame:
    """Return a frame with unique text names and a plain index, or refuse it."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) and hasattr(frame, "to_pandas"):
        frame = frame.to_pandas()
    if not isinstance(frame, pd.DataFrame):
        raise BadInputError(
            f"frame must be a pandas or polars DataFrame, got {type(frame).__name__}."
        )
    if frame.columns.nlevels > 1:
        raise BadInputError(
            f"The frame has {frame.columns.nlevels} levels of column names; join them "
            "into one."
        )
    names = [str(column) for column in frame.columns]
    repeated = sorted(column for column, n in Counter(names).items() if n > 1)
    if repeated:
        raise BadInputError(
            f"The table has more than one column named {_quoted(repeated)}; rename all "
            "but one."
        )
    return frame.set_axis(names, axis=1).reset_index(drop=True)


def _quoted(names: list[str], limit: int = 8) -> str:
    text = ", ".join(repr(name) for name in names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _check_roles(
    frame: pd.DataFrame,
    *,
    target: str,
    groups: str | None,
    time: str | None,
    drop: list[str],
) -> None:
    columns = list(frame.columns)
    roles = [("target", target), ("groups", groups), ("time", time)]
    taken: dict[str, str] = {}
    for role, column in roles + [("drop", column) for column in drop]:
        if column is None:
            continue
        if column not in columns:
            near = nearest(column, columns)
            guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise BadInputError(
                f"{role}={column!r} is not a column of the table; {guess}"
                f"Its columns are {_quoted(columns, 12)}."
            )
        if taken.get(column, role) != role:
            raise BadInputError(
                f"The column {column!r} can't be both {taken[column]} and {role}; "
                "name it once."
            )
        taken[column] = role


def _code_groups(column: pd.Series, name: str) -> np.ndarray:
    import pandas as pd

    n_missing = int(column.isna().sum())
    if n_missing:
        raise BadInputError(
            f"The groups column {name!r} is missing in {n_missing} of {len(column)} "
            "rows; give each such row a group of its own or remove it."
        )
    codes, uniques = pd.factorize(plain_column(column, name))
    if len(uniques) < 2:
        raise BadInputError(
            f"The groups column {name!r} holds a single group, so no rows are left to "
            "test on; choose another column or no groups."
        )
    return codes.astype(np.int64)


def _parse_time(column: pd.Series, name: str) -> np.ndarray:
    """Return numbers, or seconds since the earliest row, in the order of the rows."""
    plain = plain_column(column, name)
    if is_text(plain) or plain.dtype.name == "category":
        plain = _parse_dates(plain.astype(object), name)
    missing = np.flatnonzero(plain.isna().to_numpy())
    if missing.size:
        raise BadInputError(
            f"The time column {name!r} is missing in {missing.size} of {len(plain)} "
            f"rows (the first is row {missing[0] + 1}); every row needs its time."
        )
    if plain.dtype.kind == "b":
        raise BadInputError(
            f"The time column {name!r} holds booleans; it has to hold numbers or dates."
        )
    if plain.dtype.kind == "f" and not np.isfinite(plain.to_numpy()).all():
        first = int(np.flatnonzero(~np.isfinite(plain.to_numpy()))[0])
        raise BadInputError(
            f"The time column {name!r} holds {plain.iloc[first]} in row {first + 1}; "
            "every row needs a finite time."
        )
    if plain.nunique() == 1:
        raise BadInputError(
            f"The time column {name!r} holds a single value, so it can't order the "
            "rows; choose another column or no time."
        )
    if plain.dtype.kind in "iu":
        # Unsigned differences can't overflow, and large numbers keep their last digits.
        values = plain.to_numpy().astype(np.uint64)
        return (values - np.uint64(int(plain.min()) % 2**64)).astype(np.float64)
    if plain.dtype.kind == "f":
        return plain.to_numpy(dtype=np.float64)
    return (plain - plain.min()).dt.total_seconds().to_numpy(dtype=np.float64)


def _parse_dates(column: pd.Series, name: str) -> pd.Series:
    import pandas as pd

    present = column.notna()
    numbers = pd.to_numeric(column, errors="coerce")
    if bool(numbers.notna().eq(present).all()):
        return numbers
    parsed = {
        layout: pd.to_datetime(column, format=layout, errors="coerce", utc=True)
        for layout in ("ISO8601", *_DATE_FORMATS, *_SLASHED)
    }
    fitting = [
        layout for layout, dates in parsed.items() if dates.notna().eq(present).all()
    ]
    if set(_SLASHED) <= set(fitting):
        raise BadInputError(
            f"The time column {name!r} holds dates such as {column[present].iloc[0]!r} "
            "that can be read day first or month first; write them as YYYY-MM-DD."
        )
    if fitting:
        return parsed[fitting[0]]
    best = max(parsed.values(), key=lambda dates: int(dates.notna().sum()))
    bad = int(np.flatnonzero((best.isna() & present).to_numpy())[0])
    raise BadInputError(
        f"The time column {name!r} holds {column.iloc[bad]!r} in row {bad + 1}, which "
        "is neither a number nor a date; write dates as YYYY-MM-DD."
    )


def _features(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    import pandas as pd

    if frame.shape[1] == 0:
        raise BadInputError(
            "No feature column is left beside the target and the columns set aside; "
            "the table needs at least one."
        )
    columns = {name: plain_column(column, str(name)) for name, column in frame.items()}
    empty = [str(name) for name, column in columns.items() if column.isna().all()]
    if empty:
        raise BadInputError(
            f"{'The column' if len(empty) == 1 else 'The columns'} {_quoted(empty)} "
            f"{'has' if len(empty) == 1 else 'have'} no value in any row; leave out "
            f"what carries nothing with {drop_option(empty)}."
        )
    for name, column in columns.items():
        refuse_infinite(column, str(name))
    X = pd.DataFrame(columns)
    id_like = [str(n) for n, column in columns.items() if looks_like_id(column, str(n))]
    constant = [
        str(n) for n, column in columns.items() if column.nunique(dropna=False) == 1
    ]
    notes = []
    if id_like:
        one = len(id_like) == 1
        notes.append(
            f"{'The column' if one else 'The columns'} {_quoted(id_like)} "
            f"{'looks like an identifier' if one else 'look like identifiers'} and "
            f"{'was' if one else 'were'} kept; --drop leaves columns out."
        )
    if constant:
        one = len(constant) == 1
        notes.append(
            f"{'The column' if one else 'The columns'} {_quoted(constant)} "
            f"{'is' if one else 'are'} constant."
        )
    return X, id_like, notes


def refuse_infinite(column: pd.Series, name: str) -> None:
    """Refuse a plain column that holds infinite numbers."""
    if column.dtype.kind != "f":
        return
    n_infinite = int(np.isinf(column.to_numpy()).sum())
    if n_infinite:
        raise BadInputError(
            f"The column {name!r} holds {n_infinite} infinite "
            f"{'value' if n_infinite == 1 else 'values'}; replace what has no finite "
            "value by an empty cell, which counts as missing."
        )
