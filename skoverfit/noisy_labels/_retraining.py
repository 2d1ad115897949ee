# SPDX-License-Identifier: BSD-3-Clause
"""Train an estimator on many random subsets of a table and look at all rows each time.

Nets are trained as stacks; everything else is fitted one by one in processes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._random import derive_generator, derive_seed
from skoverfit._core._row_scores import aligned_proba, seeded

__all__ = ["draw_subsets", "is_net", "net_in", "outcomes_of_runs"]

Scoring = Literal["correct", "proba"]


def draw_subsets(
    codes: np.ndarray,
    runs: range,
    *,
    ratio: float,
    entropy: int,
    stratify: bool,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Return which rows each run trains on: ``int(ratio n)`` without replacement.

    Each run has a stream of its own, so that later runs leave the earlier ones as they
    are. With ``stratify`` each class has its share of rows in every run; where the
    share is no whole number, it is rounded up or down by chance (systematic sampling),
    so that every row is equally likely in.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        Class of each row.
    runs : range
        Numbers of the runs.
    ratio : float
        Share of the rows.
    entropy : int
        Source of the streams.
    stratify : bool
        Whether classes keep their shares; without groups only.
    groups : ndarray of int of shape (n,), optional
        Numbers of groups from 0 on. A share ``ratio`` of them is drawn, with all their
        rows.

    Returns
    -------
    ndarray of bool of shape (len(runs), n)
        True where a row is trained on.
    """
    if groups is not None:
        alike = np.zeros(int(groups.max()) + 1, dtype=np.intp)
        chosen = draw_subsets(alike, runs, ratio=ratio, entropy=entropy, stratify=False)
        return chosen[:, groups]
    n = len(codes)
    size = int(ratio * n)
    made = np.zeros((len(runs), n), dtype=bool)
    rows_of = [np.flatnonzero(codes == k) for k in np.unique(codes)]
    counts = np.array([len(rows) for rows in rows_of])
    for place, run in enumerate(runs):
        generator = derive_generator(entropy, "subset", run)
        if not stratify:
            made[place, generator.choice(n, size, replace=False)] = True
            continue
        # In whole numbers: the remainders of size * n_k / n, over n.
        wanted, left = np.divmod(size * counts, n)
        order = generator.permutation(len(counts))
        ends = np.cumsum(left[order])
        start = int(generator.integers(n))
        ticks = (ends + start) // n
        wanted[order] += np.diff(ticks, prepend=start // n)
        for rows, number in zip(rows_of, wanted.tolist(), strict=True):
            made[place, generator.choice(rows, number, replace=False)] = True
    return made


def net_in(estimator: Any) -> bool:
    """Whether an estimator is one of our nets or has one among its parameters.

    Whoever has a net has imported it: nothing is loaded to find out.
    """
    module = sys.modules.get("skoverfit.neural_network._base")
    if module is None:
        return False
    nested = estimator.get_params(deep=True).values()
    return any(isinstance(each, module.BaseTabularMLP) for each in (estimator, *nested))


def is_net(estimator: Any) -> bool:
    """Whether an estimator is a net classifier of ours; loads nothing, as `net_in`."""
    module = sys.modules.get("skoverfit.neural_network._tabular_mlp_classifier")
    return module is not None and isinstance(estimator, module.TabularMLPClassifier)


def outcomes_of_runs(
    estimator: Any,
    X: Any,
    labels: np.ndarray,
    included: np.ndarray,
    runs: range,
    *,
    tables: Sequence[tuple[Any, np.ndarray]],
    classes: np.ndarray,
    scoring: Scoring,
    entropy: int,
    sample_weight: np.ndarray | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> list[np.ndarray]:
    """Train on the included rows of each run and judge all rows of some tables.

    Parameters
    ----------
    estimator : classifier
        Is cloned; each run has seeds of its own.
    X : container of shape (n, p)
        The rows to train on.
    labels : ndarray of shape (n,)
        Their labels.
    included : ndarray of bool of shape (t, n)
        What each run trains on.
    runs : range
        Numbers of the runs.
    tables : sequence of (container, ndarray)
        Rows and their labels that are judged after each run.
    classes : ndarray
        All labels, sorted.
    scoring : {"correct", "proba"}
        Whether a row is predicted right, or the probability of its label.
    entropy : int
        Source of the seeds.
    sample_weight : ndarray of shape (n,), optional
        Weights in the training.
    n_jobs : int, optional
        Processes.
    verbose : int, default=0
        Whether joblib shows the progress.

    Returns
    -------
    list of ndarray of shape (t, rows), one a table
        uint8, or float32 with ``scoring="proba"``.
    """
    stacked, step = net_in(estimator), 1
    if stacked:
        from skoverfit.neural_network._planned_fits import refuse_to_be_recorded
        from skoverfit.neural_network._stack_fits import MAX_NETS

        refuse_to_be_recorded()
        # Fixed, and not by n_jobs: a stack of another size rounds in another way.
        nets = estimator.get_params(deep=False).get("n_estimators", 1)
        step = max(1, MAX_NETS // nets) if isinstance(nets, int) else 1

    def block(first: int) -> list[np.ndarray]:
        places = range(first, min(first + step, len(runs)))
        models = [
            seeded(estimator, derive_seed(entropy, "model", runs[place]))
            for place in places
        ]
        parts = []
        for place in places:
            rows = np.flatnonzero(included[place])
            weight = None if sample_weight is None else sample_weight[rows]
            parts.append((take_rows(X, rows), labels[rows], weight))
        models = _fit_nets(models, parts) if stacked else _fit_each(models, parts)
        return [
            np.stack([_judge(model, *table, classes, scoring) for model in models])
            for table in tables
        ]

    blocks = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(block)(first) for first in range(0, len(runs), step)
    )
    return [np.concatenate(part) for part in zip(*blocks, strict=True)]


def _fit_each(models: list[Any], parts: Sequence[tuple[Any, ...]]) -> list[Any]:
    for model, (rows, labels, weight) in zip(models, parts, strict=True):
        model.fit(rows, labels, **_weights(weight))
    return models


def _weights(weight: np.ndarray | None) -> dict[str, Any]:
    return {} if weight is None else {"sample_weight": weight}


def _fit_nets(models: list[Any], parts: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Fit nets, or what has nets inside, with the nets trained at once."""
    from skoverfit.neural_network._base import BaseTabularMLP
    from skoverfit.neural_network._planned_fits import FitPlan, FitRequest
    from skoverfit.neural_network._stack_fits import MAX_NETS, fit_plan, fit_requests

    if isinstance(models[0], BaseTabularMLP):
        requests = [
            FitRequest(estimator=model, X=X, y=y, sample_weight=weight)
            for model, (X, y, weight) in zip(models, parts, strict=True)
        ]
        found = fit_requests(requests, len(requests), max_nets=MAX_NETS)
        if found.interrupted:
            raise KeyboardInterrupt
        for outcome in found.outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return found.outcomes
    plan = FitPlan()
    for model, (X, y, weight) in zip(models, parts, strict=True):
        plan.record(model, X, y, **_weights(weight))
    with plan.answering(fit_plan(plan, MAX_NETS, None).outcomes):
        return _fit_each(models, parts)


def _judge(
    model: Any, X: Any, labels: np.ndarray, classes: np.ndarray, scoring: Scoring
) -> np.ndarray:
    if scoring == "correct":
        return (to_numpy(model.predict(X)) == labels).astype(np.uint8)
    proba = aligned_proba(model, X, classes)
    place = np.searchsorted(classes, labels)
    place = np.minimum(place, len(classes) - 1)
    own = proba[np.arange(len(proba)), place]
    # A label that no row of the training has is never predicted.
    return np.where(classes[place] == labels, own, 0.0).astype(np.float32)
