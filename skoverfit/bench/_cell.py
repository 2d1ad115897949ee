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
from sklearn.metrics import average_precision_score, recall_score
from threadpoolctl import threadpool_limits

from skoverfit._core._memory import PeakMemory
from skoverfit._core._neighbors._cache import clear_cache
from skoverfit.bench._raw import RawRows, needs_raw_rows
from skoverfit.catalogue import Remedy
from skoverfit.metrics import multiclass_roc_auc
from skoverfit.model_selection._apply import apply_remedy, reason_against, takes_groups

__all__ = ["RELIABILITY_EDGES", "CellTask", "FoldData", "run_cell"]

# Fine bins, even in log-odds so that rare classes are resolved; they add up over folds
# and the report merges them to bins of even mass.
RELIABILITY_EDGES = 1.0 / (1.0 + np.exp(-np.linspace(-7.0, 7.0, 57)))
_MAX_TEXT = 2000
# The training score is taken on so many rows at most: enough for it, and k-NN would
# need the square of the rows for more.
_MAX_TRAIN_SCORED = 10_000


@dataclass(frozen=True)
class FoldData:
    """What all cells of a fold share: prepared once, on training rows only."""

    X_train: np.ndarray
    y_train: np.ndarray  # what the model is told: may be noisy
    X_test: np.ndarray
    y_test: np.ndarray  # the truth
    n_classes: int
    inner: list[tuple[np.ndarray, np.ndarray]]
    # Remarks on the preparation, e.g. that noise left a class without a right label.
    notes: tuple[str, ...] = ()
    # Of the training rows: a sampler must not mix two of them.
    groups: np.ndarray | None = None
    # `RawRows.pack`: only for cells that re-sample the table as it was read.
    raw: np.ndarray | None = None

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
    counts = np.bincount(fold.y_train, minlength=fold.n_classes)
    reason = reason_against(task.remedy, task.estimator, counts[counts > 0])
    if reason:
        return task, "skipped", {"reason": reason}
    # One thread a cell: times compare, and sums are added in one order whatever n_jobs.
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = _fit_and_score(task, fold, counts)
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
    started = time.perf_counter()
    proba = _probabilities(model, fold.X_test, fold, len(fold.y_train))
    predicted = model.predict(fold.X_test)
    predict_seconds = time.perf_counter() - started
    X_seen, y_seen = _training_sample(fold)
    train_proba = _probabilities(model, X_seen, fold, len(fold.y_train))
    shares = np.tile(_shrunk(counts / counts.sum(), counts.sum()), (len(proba), 1))
    return {
        "test": _scores(fold.y_test, proba, predicted),
        "train": _scores(y_seen, train_proba, model.predict(X_seen)),
        "dummy": _scores(
            fold.y_test, shares, np.full(len(fold.y_test), counts.argmax())
        ),
        "reliability": _reliability(fold.y_test, proba),
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "peak_memory_mb": memory.megabytes,
        "n_train": len(fold.y_train),
        "n_test": len(fold.y_test),
        "notes": [*fold.notes, *(f"{task.remedy.title}: {n}" for n in applied.notes)],
    }


def _training_sample(fold: FoldData) -> tuple[np.ndarray, np.ndarray]:
    """Return the training rows that are scored, the same for all cells of a fold."""
    if len(fold.y_train) <= _MAX_TRAIN_SCORED:
        return fold.X_train, fold.y_train
    rows = np.linspace(0, len(fold.y_train) - 1, _MAX_TRAIN_SCORED).astype(int)
    # Evenly over the rows of each class in turn: every class keeps its share.
    chosen = np.sort(np.argsort(fold.y_train, kind="stable")[rows])
    return fold.X_train[chosen], fold.y_train[chosen]


def _shrunk(proba: np.ndarray, n_train: int) -> np.ndarray:
    """Let no model be surer than its training rows allow: (n p + 1/2) / (n + K/2).

    A forest or k-NN says 0 where it saw nothing; unshrunk, one such row decides a
    log-loss by the floating-point precision.
    """
    return (n_train * proba + 0.5) / (n_train + proba.shape[-1] / 2)


def _probabilities(
    model: Any, X: np.ndarray, fold: FoldData, n_train: int
) -> np.ndarray:
    proba = np.zeros((len(X), fold.n_classes))
    given = np.asarray(model.predict_proba(X), dtype=float)
    if not np.isfinite(given).all():
        raise ValueError("predict_proba gave NaN or infinity")
    proba[:, model.classes_] = given  # a class without training rows keeps 0
    return _shrunk(proba, n_train)


def _scores(
    y: np.ndarray, proba: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    present = np.unique(y)
    if proba.shape[1] == 2:
        ranking = average_precision_score(y == 1, proba[:, 1])
    else:
        ranking = multiclass_roc_auc(
            y, proba, average="ovo_macro", labels=np.arange(proba.shape[1])
        )
    given = proba[np.arange(len(y)), y]
    one_hot = np.eye(proba.shape[1])[y]
    recall = recall_score(y, predicted, labels=present, average=None)
    return {
        "ranking": float(ranking),
        "log_loss": float(-np.mean(np.log(given))),
        "balanced_accuracy": float(recall.mean()),
        "accuracy": float(np.mean(predicted == y)),
        "brier": float(np.mean(((proba - one_hot) ** 2).sum(axis=1))),
    }


def _reliability(y: np.ndarray, proba: np.ndarray) -> list[list[float]]:
    """Return [bin, rows, sum of forecasts, hits] of the bins that have rows."""
    if proba.shape[1] == 2:
        forecast, hit = proba[:, 1], y == 1
    else:
        forecast, hit = proba.max(axis=1), proba.argmax(axis=1) == y
    index = np.searchsorted(RELIABILITY_EDGES, forecast, side="right")
    size = len(RELIABILITY_EDGES) + 1
    rows = np.bincount(index, minlength=size)
    total = np.bincount(index, weights=forecast, minlength=size)
    hits = np.bincount(index, weights=hit, minlength=size)
    return [
        [int(b), int(rows[b]), float(total[b]), float(hits[b])]
        for b in np.flatnonzero(rows)
    ]
