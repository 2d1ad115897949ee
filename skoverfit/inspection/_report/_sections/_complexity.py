# SPDX-License-Identifier: BSD-3-Clause
"""Section 11: whether a simpler or a more complex setting is better on new rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.base import clone

from skoverfit._core._statistics import Comparison, corrected_comparison, holm
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._knobs import Setting, settings_for
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import learner_in, remedies_for
from skoverfit.inspection._report._types import Estimate, Finding, Section

__all__ = ["NAME", "TITLE", "run"]

NAME = "complexity"
TITLE = "Simpler and more complex settings"

_SIMPLER = ("regularization", "weight_decay", "early_stopping", "mixup")


def run(problem: Problem, evidence: Evidence) -> Section:
    """Fit other settings on the folds of the cross-validation and compare scores."""
    settings = settings_for(problem)
    n_fits = evidence.n_fits * len(settings)
    problem.require_time(
        evidence.n_fits * sum(setting.cost for setting in settings),
        evidence.seconds_per_fit,
    )
    found = [_fits(problem, evidence, setting) for setting in settings]
    scores = [score for score, _ in found]
    # The intervals hold for all settings together (Bonferroni), as Holm's tests do.
    confidence = 1 - problem.alpha / len(settings)
    compared = [_compared(problem, evidence, *pair, confidence) for pair in found]
    p_values = holm([_one_sided(c) for c in compared])
    unit = problem.judge.score_name
    name = type(learner_in(problem.estimator)[1]).__name__
    estimates = {}
    for setting, gain in zip(settings, compared, strict=True):
        kind = "simpler" if setting.simpler else "more complex"
        estimates[setting.label] = Estimate(
            value=gain.difference,
            lower=gain.lower,
            upper=gain.upper,
            label=f"gain of {name} with {setting.label} ({kind})",
            unit=unit,
        )
    findings = [
        _finding(problem, name, settings, compared, p_values, scores, evidence, simpler)
        for simpler in (True, False)
        if any(setting.simpler == simpler for setting in settings)
    ]
    intervals = (
        "over rows" if problem.judge.scorer is None else "of Nadeau & Bengio (2003)"
    )
    section = Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{n_fits} fits: {len(settings)} other settings of {name} on the folds of "
            f"the cross-validation; paired differences with intervals {intervals} for "
            "all settings together, p-values by Holm (1979)"
        ),
        blind_spot=(
            "Only the parameters named here were moved, in wide steps; another kind of "
            "model may still do better."
        ),
        estimates=estimates,
        findings=findings,
        data={
            "labels": [setting.label for setting in settings],
            "simpler": np.array([setting.simpler for setting in settings]),
            "scores": np.array(scores),
            "current_scores": evidence.test_score,
            "difference": np.array([c.difference for c in compared]),
            "lower": np.array([c.lower for c in compared]),
            "upper": np.array([c.upper for c in compared]),
            "p_value": p_values,
            "score_name": unit,
            "learner": name,
            "rope": problem.rope,
        },
        n_fits=n_fits,
    )
    if not any(f.decisive for f in findings):
        section.notes.append(
            "No probed setting is better by more than "
            f"{problem.rope:g}: the present complexity does no demonstrable harm."
        )
    return section


def _compared(
    problem: Problem,
    evidence: Evidence,
    scores: np.ndarray,
    losses: np.ndarray,
    confidence: float,
) -> Comparison:
    """Compare losses of rows, or scores of folds where the user chose the score."""
    if problem.judge.scorer is not None:
        return corrected_comparison(
            scores - evidence.test_score,
            test_train_ratio=evidence.test_train_ratio,
            rope=problem.rope,
            confidence=confidence,
        )
    differences = evidence.out_of_fold_loss() - losses
    return replace(problem, confidence=confidence).compare_rows(differences)


def _fits(
    problem: Problem, evidence: Evidence, setting: Setting
) -> tuple[np.ndarray, np.ndarray]:
    """Return the test score of each fold, and the mean out-of-fold loss of each row."""
    other = clone(problem.estimator).set_params(**setting.params)
    # The streams of the engine: where a fit draws, both settings draw the same.
    scores = []
    losses = np.zeros(problem.n_samples)
    per_repeat = evidence.n_fits // evidence.n_repeats
    for repeat in range(evidence.n_repeats):
        part = evidence.splits[repeat * per_repeat : (repeat + 1) * per_repeat]
        fits = problem.fit_folds(part, "engine", repeat, estimator=other)
        scores += [fit.test_score for fit in fits]
        for fit in fits:
            losses[fit.test_rows] += fit.test.loss / evidence.n_repeats
    return np.array(scores), losses


def _one_sided(found: Comparison) -> float:
    half = found.p_value / 2
    return half if found.difference > 0 else 1 - half


def _finding(
    problem: Problem,
    name: str,
    settings: list[Setting],
    compared: list[Comparison],
    p_values: np.ndarray,
    scores: list[np.ndarray],
    evidence: Evidence,
    simpler: bool,
) -> Finding:
    """Return what the best of the simpler (more complex) settings says."""
    own = [i for i, setting in enumerate(settings) if setting.simpler == simpler]
    best = max(own, key=lambda i: (compared[i].lower, compared[i].difference))
    found = compared[best]
    kind = "simpler" if simpler else "more complex"
    unit = problem.judge.score_name
    return Finding(
        name="too_complex" if simpler else "too_simple",
        verdict="harmful_overfitting" if simpler else "underfitting",
        effect=found.difference,
        lower=found.lower,
        upper=found.upper,
        p_value=float(p_values[best]),
        decisive=found.lower > problem.rope,
        size=found.difference / problem.rope if problem.rope > 0 else 1.0,
        message=(
            f"A {kind} {name} ({settings[best].label}) scores "
            f"{scores[best].mean():.3f} on new rows instead of "
            f"{evidence.test_score.mean():.3f} ({unit}): a difference of "
            f"{found.difference:+.3f} [{found.lower:+.3f}, {found.upper:+.3f}]."
        ),
        remedies=remedies_for(problem, *_SIMPLER) if simpler else (),
        advice=f"Try {settings[best].label} and search around it.",
    )
