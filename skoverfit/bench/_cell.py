# SPDX-License-Identifier: BSD-3-Clause
"""One cell: fit one estimator with one remedy on one fold, and score it."""

from __future__ import annotations

import multiprocessing
import signal
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from skoverfit._core._memory import PeakMemory
from skoverfit._core._neighbors._cache import clear_cache
from skoverfit.bench._raw import RawRows, needs_raw_rows
from skoverfit.bench._scores import score_classes, score_numbers, training_sample
from skoverfit.catalogue import Remedy
from skoverfit.model_selection._apply import apply_remedy, reason_against, takes_groups
from skoverfit.over_sampling._relevance import NoRareValueError

__all__ = ["CellTask", "FoldData", "run_cell"]

_MAX_TEXT = 2000


@dataclass(frozen=True)
class FoldData:
    """What all cells of a fold share: prepared once, on training rows only."""

    X_train: np.ndarray
    y_train: np.ndarray  # what the model is told: may be noisy
    X_test: np.ndarray
    y_test: np.ndarray  # the truth
    n_classes: int  # 0 where numbers are predicted
    inner: list[tuple[np.ndarray, np.ndarray]]
    # Remarks on the preparation, e.g. that noise left a class without a right label.
    notes: tuple[str, ...] = ()
    # Of the training rows: a sampler must not mix two of them.
    groups: np.ndarray | None = None
    # `RawRows.pack`: only for cells that re-sample the table as it was read.
    raw: np.ndarray | None = None
    # Mean and deviation of the table's target where numbers are predicted.
    center: float = 0.0
    scale: float = 1.0

    def class_counts(self) -> np.ndarray:
        """Return the training rows of each class; of all where there are numbers."""
        if self.n_classes == 0:
            return np.array([len(self.y_train)])
        return np.bincount(self.y_train, minlength=self.n_classes)

    def for_task(self, task: CellTask) -> FoldData:
        """Return what this cell needs of the fold."""
        if self.raw is None or needs_raw_rows(task.remedy):
            return self
        return replace(self, raw=None)


@dataclass(frozen=True)
class CellTask:
    """What a worker is told to fit."""

    key: str
    spec: dict[str, Any]
    estimator: BaseEstimator
    remedy: Remedy
    # Not derived from the remedy: "nothing" under a second name fits the same model.
    random_state: int


def run_cell(task: CellTask, fold: FoldData) -> tuple[CellTask, str, dict[str, Any]]:
    """Fit and score; a failure becomes a row too and never ends the run.

    Returns
    -------
    tuple
        The task, the status ("done", "skipped" or "failed") and the row's value.
    """
    if multiprocessing.parent_process() is not None:
        # Ctrl-C is the parent's business: it closes the store and ends the workers.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    counts = fold.class_counts()
    reason = reason_against(task.remedy, task.estimator, counts[counts > 0])
    if reason:
        return task, "skipped", {"reason": reason}
    # One thread a cell: times compare, and sums are added in one order whatever n_jobs.
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = _fit_and_score(task, fold, counts)
        except NoRareValueError as exc:
            return task, "skipped", {"reason": exc.reason}
        except (Exception, MemoryError) as exc:
            text = f"{type(exc).__name__}: {exc}"[:_MAX_TEXT]
            return task, "failed", {"error": text}
    value["warnings"] = sorted(
        {f"{w.category.__name__}: {w.message}"[:300] for w in caught}
    )[:5]
    return task, "done", value


def _fit_and_score(
    task: CellTask, fold: FoldData, counts: np.ndarray
) -> dict[str, Any]:
    applied = apply_remedy(
        task.remedy,
        task.estimator,
        class_counts=counts,
        inner_cv=fold.inner,
        random_state=task.random_state,
    )
    model = applied.estimator
    raw = None if fold.raw is None else RawRows.unpack(fold.raw)
    groups = fold.groups if takes_groups(applied.sampler) else None
    clear_cache()  # what an earlier cell found must not shorten this one's time
    with PeakMemory() as memory:
        started = time.perf_counter()
        X, y = fold.X_train, fold.y_train
        if raw is not None:
            X, y = raw.resample(applied.sampler, X, y, groups)
            groups = None
        model.fit(X, y, **({} if groups is None else {"groups": groups}))
        fit_seconds = time.perf_counter() - started
    seen = training_sample(fold.X_train, fold.y_train)
    if fold.n_classes == 0:
        scores = score_numbers(
            model,
            fold.X_test,
            fold.y_test,
            seen=seen,
            y_train=fold.y_train,
            center=fold.center,
            scale=fold.scale,
        )
    else:
        scores = score_classes(
            model, fold.X_test, fold.y_test, seen=seen, counts=counts
        )
    return {
        **scores,
        "fit_seconds": fit_seconds,
        "peak_memory_mb": memory.megabytes,
        "n_train": len(fold.y_train),
        "n_test": len(fold.y_test),
        "notes": [*fold.notes, *(f"{task.remedy.title}: {n}" for n in applied.notes)],
    }
