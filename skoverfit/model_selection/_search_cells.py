# SPDX-License-Identifier: BSD-3-Clause
"""Fit one candidate on one fold, and keep what it predicted."""

from __future__ import annotations

import base64
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import (
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils import _safe_indexing

from skoverfit._core._arrays import n_rows
from skoverfit._core._store import ResultStore, content_key
from skoverfit._core._versions import code_version, minor_versions
from skoverfit.model_selection._apply import describe_remedy, takes_groups
from skoverfit.model_selection._candidates import Candidate, build_candidate
from skoverfit.model_selection._held_out_score import predict_held_out
from skoverfit.over_sampling._relevance import NoRareValueError

__all__ = ["Cell", "CellStore", "SearchData", "Work", "fit_cell", "fit_whole"]

_INNER_FOLDS = 3
_MAX_TEXT = 500


@dataclass(frozen=True)
class SearchData:
    """The rows of a search.

    Parameters
    ----------
    X : rows
        As the estimator takes them.
    labels : ndarray of shape (n_rows,)
        What models are told.
    y : ndarray of shape (n_rows,)
        Codes of the labels, or numbers.
    classes : ndarray of shape (n_classes,) or None
        The labels; None for a regressor.
    groups : ndarray of shape (n_rows,) or None
        Rows that belong together.
    params : mapping
        Arguments of `fit`; what has one value a row is split.
    """

    X: Any
    labels: np.ndarray
    y: np.ndarray
    classes: np.ndarray | None
    groups: np.ndarray | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    def counts(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of each class; for numbers of all of them."""
        if self.classes is None:
            return np.array([len(rows)])
        return np.bincount(self.y[rows], minlength=len(self.classes))

    def part(self, rows: np.ndarray) -> dict[str, Any]:
        """Return the arguments of `fit` for these rows."""
        return {
            name: _safe_indexing(value, rows)
            if _is_aligned(value, len(self))
            else value
            for name, value in self.params.items()
        }


def _is_aligned(value: Any, n: int) -> bool:
    if value is None or isinstance(value, (str, bytes, Mapping)) or np.isscalar(value):
        return False
    return hasattr(value, "__len__") and n_rows(value) == n


@dataclass(frozen=True)
class Cell:
    """What came of one candidate on one fold.

    Parameters
    ----------
    status : {"done", "failed", "left out", "late"}
        Left out is what had nothing to treat; late is what the time did not suffice
        for.
    predictions : mapping of str to ndarray
        Of the held-out rows.
    error : str
        What went wrong, or why there was nothing to treat.
    seconds : float
        Time of the fit and the predictions.
    n_warnings : int
        How many different warnings it gave.
    notes : tuple of str
        Remarks on how the remedy was put in.
    """

    status: str
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    n_warnings: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What all cells of a search share.

    Parameters
    ----------
    data : SearchData
        All rows.
    estimator : estimator
        What is treated.
    methods : sequence of tuple of str
        What is asked of the fitted models.
    seed : int
        Of everything that draws.
    """

    data: SearchData
    estimator: BaseEstimator
    methods: Sequence[tuple[str, ...]]
    seed: int

    def build(self, candidate: Candidate, rows: np.ndarray) -> tuple[Any, dict, tuple]:
        """Return the unfitted model for these rows, its arguments and remarks."""
        counts = self.data.counts(rows)
        applied = build_candidate(
            candidate,
            self.estimator,
            class_counts=counts,
            inner_cv=self._inner(rows, counts),
            random_state=self.seed,
        )
        params = self.data.part(rows)
        if self.data.groups is not None and takes_groups(applied.sampler):
            # A sampler must not mix two of them.
            params["groups"] = self.data.groups[rows]
        return applied.estimator, params, applied.notes

    def _inner(self, rows: np.ndarray, counts: np.ndarray) -> Any:
        """Return the folds on which remedies tune; groups are kept whole."""
        n_splits = int(min(_INNER_FOLDS, counts[counts > 0].min()))
        if self.data.groups is not None:
            groups = self.data.groups[rows]
            n_splits = min(n_splits, len(np.unique(groups)))
            codes = np.zeros(len(rows), dtype=np.int64)
            if self.data.classes is not None:
                codes = self.data.y[rows]
            if n_splits >= 2:
                grouped = StratifiedGroupKFold(
                    n_splits, shuffle=True, random_state=self.seed
                )
                return list(grouped.split(np.zeros(len(rows)), codes, groups))
        if self.data.classes is None:
            return KFold(max(2, n_splits), shuffle=True, random_state=self.seed)
        return StratifiedKFold(max(2, n_splits), shuffle=True, random_state=self.seed)


def fit_cell(
    work: Work,
    candidate: Candidate,
    train: np.ndarray,
    test: np.ndarray,
    deadline: float | None = None,
    strict: bool = False,
) -> Cell:
    """Fit and predict; a failure becomes a cell too, unless it is ``strict``."""
    if deadline is not None and time.time() > deadline:
        return Cell("late")
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model, params, notes = work.build(candidate, train)
            model.fit(
                _safe_indexing(work.data.X, train), work.data.labels[train], **params
            )
            predictions = predict_held_out(
                model,
                _safe_indexing(work.data.X, test),
                work.methods,
                work.data.classes,
            )
        except (Exception, MemoryError) as exc:
            if strict:
                raise
            if isinstance(exc, NoRareValueError):
                return Cell("left out", error=exc.reason)
            text = f"{type(exc).__name__}: {exc}"[:_MAX_TEXT]
            return Cell("failed", error=text)
    return Cell(
        "done",
        predictions,
        seconds=time.perf_counter() - started,
        n_warnings=len({(w.category, str(w.message)) for w in caught}),
        notes=notes,
    )


def fit_whole(work: Work, candidate: Candidate) -> Any:
    """Fit the candidate on all rows."""
    rows = np.arange(len(work.data))
    model, params, _ = work.build(candidate, rows)
    return model.fit(work.data.X, work.data.labels, **params)


class CellStore:
    """Finished cells in a file, so that a search that was cut short can go on.

    Parameters
    ----------
    path : str or Path
        File of the result store.
    work : Work
        What all cells share; it is part of their keys.
    """

    def __init__(self, path: str | Path, work: Work) -> None:
        data = work.data
        self._shared = {
            "kind": "remedy_search",
            "data": joblib.hash((data.X, data.labels, data.groups, dict(data.params))),
            "estimator": joblib.hash(work.estimator),
            "methods": [list(options) for options in work.methods],
            "seed": work.seed,
            "code": code_version(),
            "peers": minor_versions(),
        }
        self._store = ResultStore(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._store.close()

    def spec(
        self, candidate: Candidate, train: np.ndarray, test: np.ndarray
    ) -> dict[str, Any]:
        """Return what determines a cell."""
        return {
            **self._shared,
            "remedy": {
                **describe_remedy(candidate.remedy),
                "role": candidate.remedy.role,
            },
            "train": joblib.hash(train),
            "test": joblib.hash(test),
        }

    def get(self, spec: Mapping[str, Any]) -> Cell | None:
        """Return the cell, if it was finished before."""
        for row in self._store.get([content_key(spec)]):
            value = row["value"]
            return Cell(
                "done",
                {
                    name: _unpacked(given)
                    for name, given in value["predictions"].items()
                },
                seconds=value["seconds"],
                n_warnings=value["n_warnings"],
                notes=tuple(value["notes"]),
            )
        return None

    def put(self, spec: Mapping[str, Any], cell: Cell) -> None:
        """Write a finished cell; what failed is tried again another time."""
        if cell.status == "done":
            value = {
                "predictions": {n: _packed(v) for n, v in cell.predictions.items()},
                "seconds": cell.seconds,
                "n_warnings": cell.n_warnings,
                "notes": list(cell.notes),
            }
            self._store.put(content_key(spec), "done", spec, value)


def _packed(values: np.ndarray) -> dict[str, Any]:
    """Return an array as text, to the last digit."""
    return {
        "dtype": values.dtype.str,
        "shape": list(values.shape),
        "bytes": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode(),
    }


def _unpacked(packed: Mapping[str, Any]) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(packed["bytes"]), dtype=packed["dtype"])
    return raw.reshape(packed["shape"])
