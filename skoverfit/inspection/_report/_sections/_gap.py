# SPDX-License-Identifier: BSD-3-Clause
"""Section 1: training score, test score, and what lies between them."""

from __future__ import annotations

from skoverfit._core import _format as fmt
from skoverfit._core._statistics import corrected_comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._types import Estimate, Finding, Section

__all__ = ["NAME", "TITLE", "run"]

NAME = "gap"
TITLE = "Training and test score"


def run(problem: Problem, evidence: Evidence) -> Section:
    """Compare scores of the same models on their own rows and on others."""
    by_rows = problem.judge.scorer is None
    if by_rows:
        out, inside = evidence.out_of_fold_loss(), evidence.in_sample_loss()
        gap, test = problem.compare_rows(out - inside), problem.compare_rows(-out)
    else:
        settings: dict[str, float] = {
            "test_train_ratio": evidence.test_train_ratio,
            "confidence": problem.confidence,
            "rope": problem.rope,
        }
        gap = corrected_comparison(
            evidence.train_score - evidence.test_score, **settings
        )
        test = corrected_comparison(evidence.test_score, **settings)
    train, dummy = evidence.train_score.mean(), evidence.dummy_score.mean()
    unit = problem.judge.score_name
    estimates = {
        "train_score": Estimate(
            value=float(train), label="score on training rows", unit=unit
        ),
        "test_score": Estimate(
            value=test.difference, lower=test.lower, upper=test.upper,
            label="score on new rows", unit=unit,
        ),
        "gap": Estimate(
            value=gap.difference, lower=gap.lower, upper=gap.upper,
            label="gap", unit=unit,
        ),
    }  # fmt: skip
    if by_rows:
        estimates["dummy_score"] = Estimate(
            value=float(dummy), label="score without any column", unit=unit
        )
        if train > dummy:
            estimates["relative_gap"] = Estimate(
                value=float(gap.difference / (train - dummy)),
                label="share of the apparent gain that is lost on new rows",
            )
    finding = Finding(
        name="gap",
        verdict="benign_gap",
        effect=gap.difference,
        lower=gap.lower,
        upper=gap.upper,
        # One-sided: only a better score on the training rows is a gap.
        p_value=gap.p_value / 2 if gap.difference > 0 else 1 - gap.p_value / 2,
        decisive=gap.lower > problem.rope,
        size=gap.difference / problem.rope if problem.rope > 0 else 1.0,
        message=(
            f"The model scores {fmt.number(train)} on its training rows and "
            f"{fmt.number(test.difference)} on new ones ({unit}): a gap of "
            f"{fmt.number(gap.difference)} {fmt.interval(gap.lower, gap.upper)}."
        ),
    )
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{evidence.n_fits} fits of repeated cross-validation; "
            + (
                "intervals over rows, widened for the models that they share"
                if by_rows
                else "intervals of Nadeau & Bengio (2003)"
            )
        ),
        blind_spot=(
            "A gap alone is no harm: forests and nearest neighbours always show one. "
            "Leaks between folds hide it."
        ),
        estimates=estimates,
        findings=[finding],
        data={
            "train_scores": evidence.train_score,
            "test_scores": evidence.test_score,
            "dummy_score": float(dummy),
            "score_name": unit,
        },
    )
