# SPDX-License-Identifier: BSD-3-Clause
"""What a model gains from training rows of the same group as its test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skoverfit._core._statistics import Comparison, corrected_comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._judge import Answer
from skoverfit.inspection._report._problem import Problem, Split
from skoverfit.inspection._report._types import Estimate, Finding, NotRun

__all__ = [
    "Effect",
    "Part",
    "components",
    "group_effect",
    "one_sided",
    "signal_name",
    "take_alike",
    "without_columns",
]

# Share of the folds that are cut off at each end of their differences: a group that
# nothing can be told of has a loss as large as that of all others together.
_TRIM = 0.1
_FOLDS = 10
_FEWEST_TESTED = 10


@dataclass(kw_only=True)
class Part:
    """What one look for leaks adds to the section."""

    estimates: dict[str, Estimate] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    n_fits: int = 0


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What leaking rows add to the score, and to the signal (`Judge.signal`).

    A loss of few confident mistakes can hide in its own noise a leak that the order of
    the rows shows, and the other way round: both are looked at.
    """

    score: Comparison
    signal: Comparison
    rope: float

    @property
    def leaks(self) -> bool:
        """Whether one of the two is surely more than nothing."""
        return max(self.score.lower, self.signal.lower) > self.rope

    @property
    def p_value(self) -> float:
        """One-sided, for the better of the two (Bonferroni)."""
        return min(1.0, 2 * min(one_sided(self.score), one_sided(self.signal)))

    @property
    def shown(self) -> Comparison:
        """The one that shows the leak; the score if none or both do."""
        hidden = self.score.lower <= self.rope < self.signal.lower
        return self.signal if hidden else self.score

    @property
    def size(self) -> float:
        """Difference over the smallest that matters."""
        return self.shown.difference / self.rope if self.rope > 0 else 1.0

    def numbers(self, n_tried: int = 1) -> dict[str, Any]:
        """Return what a finding tells of the worst of so many effects."""
        shown = self.shown
        return {
            "effect": shown.difference,
            "lower": shown.lower,
            "upper": shown.upper,
            "p_value": min(1.0, n_tried * self.p_value),
            "decisive": self.leaks,
            "size": self.size,
        }

    def describe(self, problem: Problem) -> str:
        """Return the difference, its interval and its unit."""
        shown = self.shown
        name = problem.judge.score_name
        unit = name if shown is self.score else signal_name(problem)
        return f"{shown.difference:.3f} [{shown.lower:.3f}, {shown.upper:.3f}] ({unit})"


def signal_name(problem: Problem) -> str:
    """Return what `Judge.signal` measures here."""
    if problem.classes is None:
        return "correlation"
    ranks = problem.judge.has_proba or hasattr(problem.estimator, "decision_function")
    return "area under the ROC curve" if ranks else "balanced accuracy"


def group_effect(
    problem: Problem,
    evidence: Evidence,
    clusters: np.ndarray,
    *path: str | int,
    X: Any = None,
    parted: np.ndarray | None = None,
) -> tuple[Effect, int]:
    """Compare training with and without rows of the clusters that are tested.

    Folds hold whole clusters. Half of a fold's rows of each cluster are tested by a
    model trained on the other folds and the other half, and by one trained on the other
    folds alone. Both are trained on as many rows: the first gives up as many others,
    of the same classes, so that a difference is not one of size.

    Parameters
    ----------
    problem, evidence
        Of the report.
    clusters : ndarray of codes
        Rows that might betray each other.
    *path : str or int
        Names the random streams.
    X : table, optional
        Other columns.
    parted : ndarray of codes, optional
        What is halved instead of rows, inside clusters: groups of the user.

    Returns
    -------
    effect : Effect
        Score with rows of the same cluster minus score without.
    n_fits : int
        Fits that it took.
    """
    folds = _whole_folds(problem, clusters, *path)
    n_fits = 3 * len(folds)
    problem.require_time(n_fits, evidence.seconds_per_fit)
    firsts, with_them = [], []
    for number, (train, test) in enumerate(folds):
        rng = problem.generator(*path, "halves", number)
        first = _halves(test, clusters, parted, rng)
        firsts.append(first)
        for asked, shown in ((test[first], test[~first]), (test[~first], test[first])):
            given_up = take_alike(problem, train, shown, rng)
            kept = np.setdiff1d(train, given_up)
            with_them.append((np.sort(np.concatenate([kept, shown])), asked))
    leaky = problem.fit_folds(with_them, *path, "with", X=X)
    clean = problem.fit_folds(folds, *path, "without", X=X)
    scores, signals = [], []
    for number, (first, fit) in enumerate(zip(firsts, clean, strict=True)):
        pair = leaky[2 * number : 2 * number + 2]
        scores.append(np.mean([half.test_score for half in pair]) - fit.test_score)
        # Both models are asked for the same half: an area under a curve needs both
        # classes, and what stands in for it elsewhere can't be compared with one.
        alone = [
            problem.judge.signal(problem.y[fit.test_rows[half]], _part(fit.test, half))
            for half in (first, ~first)
        ]
        signals.append(np.mean([half.test_signal for half in pair]) - np.mean(alone))

    def compare(differences: list) -> Comparison:
        # Folds are independent here: no row is tested twice, and which rows were
        # exchanged was drawn for each fold. So the correction of Nadeau & Bengio for
        # shared training rows, which both models share, isn't needed.
        return corrected_comparison(
            differences,
            test_train_ratio=0.0,
            confidence=problem.confidence,
            rope=problem.rope,
            trim=_TRIM,
        )

    effect = Effect(score=compare(scores), signal=compare(signals), rope=problem.rope)
    return effect, n_fits


def _whole_folds(
    problem: Problem, clusters: np.ndarray, *path: str | int
) -> list[Split]:
    """Return folds of whole clusters with rows for two halves."""
    k = max(min(_FOLDS, problem.n_samples // _FEWEST_TESTED), 2)
    plan = replace(problem.plan, cv=k)
    folds = replace(problem, plan=plan).folds_of(clusters, *path)
    folds = [split for split in folds if len(split[1]) >= 4 and len(split[0]) >= 4]
    if problem.classes is not None:
        folds = [split for split in folds if len(np.unique(problem.y[split[0]])) > 1]
    if len(folds) < 3:
        raise NotRun("there are too few sets of rows that belong together for folds")
    return folds


def _part(answer: Answer, rows: np.ndarray) -> Answer:
    return Answer(
        loss=answer.loss[rows],
        prediction=answer.prediction[rows],
        proba=None if answer.proba is None else answer.proba[rows],
        ranking=None if answer.ranking is None else answer.ranking[rows],
    )


def one_sided(comparison: Comparison) -> float:
    """Return the p-value against a positive difference."""
    half = comparison.p_value / 2
    return half if comparison.difference > 0 else 1 - half


def take_alike(
    problem: Problem, pool: np.ndarray, model: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw as many rows of the pool as the model has, of the same classes if it can."""
    size = min(len(model), len(pool) - 1)
    pool = rng.permutation(pool)
    if problem.classes is None:
        return pool[:size]
    n_classes = len(problem.classes)
    wanted = np.bincount(problem.y[model], minlength=n_classes)
    there = np.bincount(problem.y[pool], minlength=n_classes)
    # One row of a class is left at least.
    wanted = np.minimum(wanted, np.maximum(there - 1, 0))
    rank = np.empty(len(pool), dtype=int)
    for code in range(n_classes):
        mine = problem.y[pool] == code
        rank[mine] = np.arange(mine.sum())
    chosen = rank < wanted[problem.y[pool]]
    return pool[chosen][:size]


def components(*partitions: np.ndarray) -> np.ndarray:
    """Join rows that share a code in any of the partitions; return codes."""
    n = len(partitions[0])
    starts, ends = [], []
    for codes in partitions:
        _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        starts.append(np.arange(n))
        ends.append(first[inverse])
    i, j = np.concatenate(starts), np.concatenate(ends)
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _halves(
    rows: np.ndarray,
    clusters: np.ndarray,
    parted: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return which rows are in the first half of their cluster."""
    units = rows if parted is None else parted[rows]
    _, first, unit = np.unique(units, return_index=True, return_inverse=True)
    n_units = len(first)
    cluster = clusters[rows][first]
    shuffled = rng.permutation(n_units)
    order = shuffled[np.argsort(cluster[shuffled], kind="stable")]
    # Counted on from cluster to cluster, so that single rows fall into both halves.
    side = np.empty(n_units, dtype=bool)
    side[order] = np.arange(n_units) % 2 == 0
    if n_units == 1:
        return np.arange(len(rows)) % 2 == 0
    return side[unit]


def without_columns(
    problem: Problem, numeric: Sequence[int], nominal: Sequence[int], *path: str
) -> Any:
    """Return the table with these columns of the plan shuffled: they say nothing.

    Shuffled and not dropped: a pipeline may ask for a column by its name.
    """
    plan = problem.columns
    order = problem.generator("leakage", "shuffle", *path).permutation(
        problem.n_samples
    )
    values, codes = plan.numeric.copy(), plan.codes.copy()
    for j in numeric:
        values[:, j] = values[order, j]
    for j in nominal:
        codes[:, j] = codes[order, j]
    return plan.assemble(values, codes, kept=np.empty(0, dtype=np.intp))
