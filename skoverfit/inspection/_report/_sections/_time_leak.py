# SPDX-License-Identifier: BSD-3-Clause
"""Whether a model of the past does as well in the future as shuffled folds pretend."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from skoverfit._core._statistics import corrected_comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem, Split
from skoverfit.inspection._report._sections._arms import Part, one_sided, take_alike
from skoverfit.inspection._report._types import Estimate, Finding

__all__ = ["forward_blocks", "lag_one", "look"]

_BLOCKS = 8
_FIRST = 1 / 3  # of the rows that the first model is trained on
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
    ratio = float(np.mean([len(test) / len(train) for train, test in forward]))
    effect = corrected_comparison(
        scores[1] - scores[0],
        test_train_ratio=ratio,
        confidence=problem.confidence,
        rope=problem.rope,
    )
    part.n_fits = n_fits
    correlation, p_value = lag_one(problem, evidence)
    unit = problem.judge.score_name
    part.estimates |= {
        "time_effect": Estimate(
            value=effect.difference, lower=effect.lower, upper=effect.upper,
            label="score that training rows of other times pretend", unit=unit,
        ),
        "autocorrelation": Estimate(
            value=correlation, label="correlation of a row's error with the one before"
        ),
    }  # fmt: skip
    part.data |= {
        "time_effect": (effect.difference, effect.lower, effect.upper),
        "forward_scores": scores[0],
        "control_scores": scores[1],
    }
    rope = problem.rope
    part.findings += [
        Finding(
            name="time_drift",
            verdict="shifted",
            effect=effect.difference,
            lower=effect.lower,
            upper=effect.upper,
            p_value=one_sided(effect),
            decisive=effect.lower > rope,
            size=effect.difference / rope if rope > 0 else 1.0,
            message=(
                "Trained on the past, the model scores "
                f"{effect.difference:.3f} [{effect.lower:.3f}, {effect.upper:.3f}] "
                "lower on what comes next than trained on as many rows of all times "
                f"({unit}): shuffled folds promise too much."
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
    ends = np.linspace(_FIRST * n, n, _BLOCKS + 1).round().astype(int)
    ranked = time[order]
    # Move each border to where a new time begins.
    starts = np.unique(np.searchsorted(ranked, ranked[np.minimum(ends, n - 1)]))
    borders = np.unique(np.append(starts, n))
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
