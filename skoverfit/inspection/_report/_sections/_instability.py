# SPDX-License-Identifier: BSD-3-Clause
"""Section 12: how much a forecast depends on which rows were trained on."""

from __future__ import annotations

import numpy as np

from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import row_interval
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section

__all__ = ["NAME", "TITLE", "run"]

NAME = "instability"
TITLE = "Instability of single forecasts"

# Half of ten: of a tenth of the rows the answer is a matter of the draw.
_MATTERS = 0.05
_WORST = 20


def run(problem: Problem, evidence: Evidence) -> Section:
    """Compare what the repeats say of the same rows."""
    if evidence.n_repeats < 2:
        raise NotRun("two repeats of the cross-validation are needed; there is one")
    spread = _spread(problem, evidence)
    lower, upper = row_interval(problem, spread, "instability")
    of = "probability" if evidence.proba is not None else "prediction"
    estimates: dict[str, Estimate] = {}
    if spread.any() or evidence.proba is not None or not problem.is_classification:
        estimates["mean_deviation"] = Estimate(
            value=float(spread.mean()), lower=lower, upper=upper,
            label=f"mean distance of a row's {of} from its mean over models",
            unit="" if problem.is_classification else "standard deviations of y",
        )  # fmt: skip
    findings = []
    flips = None
    if problem.is_classification:
        flips = _flips(problem, evidence)
        low, high = row_interval(problem, flips, "flips")
        estimates["flip_rate"] = Estimate(
            value=float(flips.mean()), lower=low, upper=high,
            label="share of rows whose class two such models disagree on",
        )  # fmt: skip
        name, effect, matters = "class_flips", float(flips.mean()), _MATTERS
        message = (
            f"Two models that were trained on different parts of the rows give "
            f"{effect:.1%} [{low:.1%}, {high:.1%}] of the rows different classes."
        )
    else:
        low, high = lower, upper
        name, effect, matters = "unstable_predictions", float(spread.mean()), 0.1
        message = (
            f"Predictions of the same row by models that were trained on different "
            f"parts of the rows differ from their mean by {effect:.2f} "
            f"[{low:.2f}, {high:.2f}] standard deviations of the target."
        )
    findings.append(
        Finding(
            name=name,
            verdict="",
            effect=effect,
            lower=low,
            upper=high,
            decisive=low > matters,
            size=effect / matters,
            message=message,
            remedies=remedies_for(problem, "regularization", "self_ensemble"),
            advice="Average models of several bootstrap samples, or regularize more.",
        )
    )
    rank = spread if flips is None or spread.any() else flips
    worst = np.argsort(-rank, kind="stable")[:_WORST]
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"no further fits: out-of-fold answers of {evidence.n_repeats} repeats of "
            "the cross-validation, after Riley & Collins (2023), times "
            "sqrt(R / (R - 1)) for R repeats; bootstrap over rows"
        ),
        blind_spot=(
            "The training parts of two repeats share most of their rows, so a fresh "
            "sample would change forecasts more."
        ),
        estimates=estimates,
        findings=findings,
        data={
            "deviation": spread,
            "flips": flips,
            "worst_rows": problem.position[worst],
            "worst_deviation": rank[worst],
        },
    )


def _spread(problem: Problem, evidence: Evidence) -> np.ndarray:
    """Return the mean distance of each row's answers from their mean."""
    repeats = evidence.n_repeats
    # The mean of few lies nearer to each of them than the mean of all would.
    factor = np.sqrt(repeats / (repeats - 1))
    if evidence.proba is not None:
        p = np.asarray(evidence.proba, dtype=np.float64)
        # Half the sum over classes: for two classes the distance of the second one.
        gaps = np.abs(p - p.mean(axis=0)).sum(axis=2) / 2
    elif problem.is_classification:
        return np.zeros(problem.n_samples)
    else:
        p = np.asarray(evidence.prediction, dtype=np.float64)
        gaps = np.abs(p - p.mean(axis=0)) / np.sqrt(problem.judge.scale)
    return np.asarray(factor * gaps.mean(axis=0))


def _flips(problem: Problem, evidence: Evidence) -> np.ndarray:
    """Return how often two of the repeats disagree on the class of each row."""
    assert problem.classes is not None
    repeats = evidence.n_repeats
    same = np.zeros(problem.n_samples)
    for code in range(len(problem.classes)):
        votes = (evidence.prediction == code).sum(axis=0)
        same += votes * (votes - 1)
    return 1 - same / (repeats * (repeats - 1))
