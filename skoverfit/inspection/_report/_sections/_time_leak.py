# SPDX-License-Identifier: BSD-3-Clause
"""Whether a model of the past does as well in the future as shuffled folds pretend."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from skoverfit._core._statistics import Comparison, corrected_comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem, Split
from skoverfit.inspection._report._sections._arms import Effect, Part, take_alike
from skoverfit.inspection._report._types import Estimate, Finding

__all__ = ["forward_blocks", "lag_one", "look"]

_BLOCKS = 8
# Shares of the rows before the first block and up to the end of the last: after it some
# have to be left, or the control would be trained on the past too.
_FIRST, _LAST = 1 / 3, 11 / 12
_FEWEST = 10  # rows in a block
_SMALLEST_CORRELATION = 0.1


def look(problem: Problem, evidence: Evidence) -> Part:
    """Train on the past, and on as many rows of any time; test on the same block."""
    part = Part()
    if problem.time is None:
        return part
    blocks = forward_blocks(problem.time)
    if len(blocks) < 3:
        part.notes.append(
            "Too few rows or different times for training on the past; not compared."
        )
        return part
    forward: list[Split] = []
    control: list[Split] = []
    everyone = np.arange(problem.n_samples)
    for number, (past, block) in enumerate(blocks):
        rng = problem.generator("leakage", "time", number)
        others = np.setdiff1d(everyone, block)
        if problem.groups is not None:
            tested = np.unique(problem.groups[block])
            past = past[~np.isin(problem.groups[past], tested)]
            others = others[~np.isin(problem.groups[others], tested)]
        size = min(len(past), len(others) - 1)
        if size < _FEWEST or not _has_classes(problem, past):
            continue
        # Shares of the classes are a part of what changes in time: not matched.
        drawn = np.sort(rng.permutation(others)[:size])
        if not _has_classes(problem, drawn):
            drawn = np.sort(take_alike(problem, others, past, rng))
        forward.append((past, block))
        control.append((drawn, block))
    if len(forward) < 3:
        part.notes.append("Groups leave too few rows of the past; time not compared.")
        return part
    n_fits = 2 * len(forward)
    problem.require_time(n_fits, evidence.seconds_per_fit)
    ahead = problem.fit_folds(forward, "leakage", "time", "forward")
    mixed = problem.fit_folds(control, "leakage", "time", "control")
    scores = np.array([[fit.test_score for fit in fits] for fits in (ahead, mixed)])
    signals = np.array([[fit.test_signal for fit in fits] for fits in (ahead, mixed)])

    def compare(pair: np.ndarray) -> Comparison:
        # As for groups: blocks are disjoint, and which rows the control gets is drawn
        # anew for each. Without drift 5 % of such tests or less are significant
        # (benchmarks/accuracy/bench_report_sections.py, "ordered").
        return corrected_comparison(
            pair[1] - pair[0],
            test_train_ratio=0.0,
            confidence=problem.confidence,
            rope=problem.rope,
        )

    effect = Effect(score=compare(scores), signal=compare(signals), rope=problem.rope)
    part.n_fits = n_fits
    correlation, p_value = lag_one(problem, evidence)
    unit = problem.judge.score_name
    part.estimates |= {
        "time_effect": Estimate(
            value=effect.score.difference,
            lower=effect.score.lower, upper=effect.score.upper,
            label="score that training rows of other times pretend", unit=unit,
        ),
        "autocorrelation": Estimate(
            value=correlation, label="correlation of a row's error with the one before"
        ),
    }  # fmt: skip
    part.data |= {
        "time_effect": (
            effect.score.difference,
            effect.score.lower,
            effect.score.upper,
        ),
        "forward_scores": scores[0],
        "control_scores": scores[1],
    }
    part.findings += [
        Finding(
            name="time_drift",
            verdict="shifted",
            **effect.numbers(),
            message=(
                "On what comes next, a model trained on the past scores lower than one "
                "trained on as many rows of all times, by "
                f"{effect.describe(problem)}: shuffled folds promise too much."
            ),
            advice=(
                "Validate forward in time (TimeSeriesSplit), and train on recent rows "
                "if the world changes."
            ),
        ),
        Finding(
            name="autocorrelated_errors",
            verdict="",
            effect=correlation,
            p_value=p_value,
            decisive=correlation > _SMALLEST_CORRELATION,
            size=correlation / _SMALLEST_CORRELATION,
            message=(
                f"The error of a row correlates by {correlation:.2f} with that of the "
                "row before it in time: rows depend on each other."
            ),
            advice="Keep neighbouring times in one fold, and look for a lagged column.",
        ),
    ]
    return part


def forward_blocks(time: np.ndarray) -> list[Split]:
    """Return (past, next block) pairs; rows of equal time are never parted."""
    order = np.argsort(time, kind="stable")
    n = len(order)
    ends = np.linspace(_FIRST * n, _LAST * n, _BLOCKS + 1).round().astype(int)
    ranked = time[order]
    # Move each border to where a new time begins.
    borders = np.unique(np.searchsorted(ranked, ranked[ends]))
    return [
        (np.sort(order[:a]), np.sort(order[a:b]))
        for a, b in pairwise(borders)
        if a >= _FEWEST and b - a >= _FEWEST
    ]


def lag_one(problem: Problem, evidence: Evidence) -> tuple[float, float]:
    """Return the lag-one correlation of the errors in time, and its p-value."""
    assert problem.time is not None
    if problem.is_classification:
        error = evidence.out_of_fold_loss()
    else:
        error = problem.y - evidence.prediction.mean(axis=0)
    order = np.argsort(problem.time, kind="stable")
    error = error[order] - error.mean()
    spread = float(error @ error)
    if spread <= 0:
        return 0.0, 1.0
    correlation = float(error[1:] @ error[:-1]) / spread
    return correlation, float(ndtr(-correlation * len(error) ** 0.5))


def _has_classes(problem: Problem, rows: np.ndarray) -> bool:
    return problem.classes is None or len(np.unique(problem.y[rows])) > 1
