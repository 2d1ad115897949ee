# SPDX-License-Identifier: BSD-3-Clause
"""Section 6: labels that look wrong, beyond what overlapping classes explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skoverfit._core._resampling._strategy import plain
from skoverfit._core._statistics import wilson_interval
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import neighbors_of_rows, row_interval
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section

if TYPE_CHECKING:
    from skoverfit.noisy_labels._clean_law import WrongShare

__all__ = ["NAME", "TITLE", "run"]

NAME = "label_noise"
TITLE = "Wrong labels"

# A smaller excess is not told from a model that is too sure of a few rows.
_MARGIN = 0.03
# Averages are a check, and have to see no more than some.
_CONFIRMED = 0.01
_MODELS = 10
_REDRAWS = 50
_BOOTSTRAP = 50
_WORST = 20
_REMEDIES = (
    "cleaned", "confident_learning", "noise_corrected", "co_teaching",
    "generalized_cross_entropy",
)  # fmt: skip
# Residuals beyond so many robust standard deviations are outlying.
_OUTLYING = 3.5
_MANY_OUTLIERS = 0.01


def run(problem: Problem, evidence: Evidence) -> Section:
    """Look for labels that models which did not see them contradict."""
    if not problem.is_classification:
        return _numbers(problem, evidence)
    proba = evidence.mean_proba()
    if proba is None:
        name = type(problem.estimator).__name__
        raise NotRun(f"{name} has no predict_proba: labels can't be judged by it")
    return _classes(problem, evidence, proba)


def _classes(problem: Problem, evidence: Evidence, proba: np.ndarray) -> Section:
    # The room of wrong labels loads nets, so it is opened only when needed.
    from skoverfit.noisy_labels import excess_label_issues
    from skoverfit.noisy_labels._clean_law import wrong_share

    assert problem.classes is not None
    proba = proba / proba.sum(axis=1, keepdims=True)
    found = excess_label_issues(
        problem.y,
        proba,
        classes=np.arange(len(problem.classes)),
        n_redraws=_REDRAWS,
        n_bootstrap=_BOOTSTRAP,
        confidence=problem.confidence,
        random_state=problem.generator(NAME),
    )
    excess = wrong_share(proba, problem.y, problem.confidence)
    likely = excess.lower > _MARGIN
    averaged, n_fits, notes = None, 0, []
    if likely:
        try:
            averaged, n_fits = _of_averages(problem, evidence)
        except NotRun as exc:
            notes.append(f"Averages of models were not asked for wrong labels: {exc}.")
    rate = found.noise_rate
    rows = np.arange(problem.n_samples)
    others = proba.copy()
    others[rows, problem.y] = -1.0
    margin = proba[rows, problem.y] - others.max(axis=1)
    worst = np.argsort(margin, kind="stable")[:_WORST]
    suggested = others.argmax(axis=1)
    labels = np.array([plain(label) for label in problem.classes], dtype=object)
    estimates = {
        "noise_rate": Estimate(
            value=rate.observed,
            lower=rate.observed_interval[0],
            upper=rate.observed_interval[1],
            label="share of labels that look wrong (confident joint)",
        ),
        "expected": Estimate(
            value=rate.expected,
            label="the same if no label were wrong (labels redrawn)",
        ),
        "excess": Estimate(
            value=excess.value, lower=excess.lower, upper=excess.upper,
            label="share of labels that only wrong labels explain",
        ),
        "flagged": Estimate(
            value=found.flagged.observed,
            lower=found.flagged.observed_interval[0],
            upper=found.flagged.observed_interval[1],
            label="share of rows that confident learning flags",
        ),
    }  # fmt: skip
    if averaged is not None:
        estimates["excess_of_averages"] = Estimate(
            value=averaged.value, lower=averaged.lower, upper=averaged.upper,
            label=f"the same by averages of {_MODELS} models",
        )  # fmt: skip
        if averaged.lower <= _CONFIRMED:
            notes.append(
                "Averages of models see no wrong labels where single ones do: the "
                "model is too sure of some rows."
            )
    finding = Finding(
        name="label_noise",
        verdict="label_noise_limited",
        effect=excess.value,
        lower=excess.lower,
        upper=excess.upper,
        p_value=excess.p_value,
        decisive=likely and averaged is not None and averaged.lower > _CONFIRMED,
        size=excess.value / _MARGIN,
        message=(
            f"{excess.value:.1%} [{excess.lower:.1%}, {excess.upper:.1%}] of the "
            "labels are wrong beyond what overlapping classes explain; confident "
            f"learning takes {rate.observed:.1%} for wrong, and would take "
            f"{rate.expected:.1%} if none were."
        ),
        remedies=remedies_for(problem, *_REMEDIES),
        advice="Look at the worst rows first: their labels may be put right by hand.",
    )
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"out-of-fold probabilities of the {evidence.n_fits} fits of the "
            "cross-validation; confident joint of Northcutt, Jiang & Chuang (2021), "
            f"against {_REDRAWS} redraws of the labels without wrong ones; the excess "
            "is a floor of other labels under calibrated probabilities, by maximum "
            f"likelihood; a finding needs more than {_MARGIN:.0%}, and that averages "
            f"of {_MODELS} models see it too ({n_fits} further fits)"
        ),
        blind_spot=(
            "What no column explains looks like a wrong label where it also befalls "
            "the surest rows. Labels that always go from one class to the same other "
            "look like overlap of the two and are not counted."
        ),
        estimates=estimates,
        findings=[finding],
        data={
            "worst_rows": problem.position[worst],
            "worst_margin": margin[worst],
            "worst_label": labels[problem.y[worst]],
            "worst_suggested": labels[suggested[worst]],
            "flagged_rows": problem.position[found.issue_mask],
        },
        notes=notes,
        n_fits=n_fits,
    )


def _of_averages(problem: Problem, evidence: Evidence) -> tuple[WrongShare, int]:
    """Return the share of wrong labels by averages of models of bootstrap samples.

    A single tree is sure of rows and wrong, as if their labels were; averages aren't.
    """
    from skoverfit.noisy_labels._clean_law import wrong_share

    assert problem.classes is not None
    folds = evidence.splits[: evidence.n_fits // evidence.n_repeats]
    n_fits = _MODELS * len(folds)
    problem.require_time(n_fits, evidence.seconds_per_fit)
    proba = np.zeros((problem.n_samples, len(problem.classes)))
    rng = problem.generator(NAME, "samples")
    for number, (train, test) in enumerate(folds):
        samples = []
        for _ in range(_MODELS):
            sample = rng.choice(train, len(train))
            # Classes of few rows are not left out.
            _, first = np.unique(problem.y[train], return_index=True)
            samples.append((np.concatenate([sample, train[first]]), test))
        for fit in problem.fit_folds(samples, NAME, number):
            assert fit.test.proba is not None
            proba[test] += fit.test.proba / _MODELS
    return wrong_share(proba, problem.y, problem.confidence), n_fits


# --- regression ---------------------------------------------------------------------


def _numbers(problem: Problem, evidence: Evidence) -> Section:
    residual = problem.y - evidence.prediction.mean(axis=0)
    centre = np.median(residual)
    # MAD of normal residuals times 1.4826 is their standard deviation.
    scale = 1.4826 * float(np.median(np.abs(residual - centre)))
    outlying = np.abs(residual - centre) > _OUTLYING * scale if scale > 0 else None
    worst = np.argsort(-np.abs(residual), kind="stable")[:_WORST]
    section = Section(
        name=NAME,
        title=TITLE,
        method=(
            f"no further fits: out-of-fold residuals of the {evidence.n_fits} fits; "
            "noise variance by differences of nearest neighbours (Devroye et al. "
            f"2003), outlying beyond {_OUTLYING} robust standard deviations"
        ),
        blind_spot=(
            "Neighbours are far apart where columns are many: their difference then "
            "holds signal too, and the noise is over-estimated. Heavy tails look like "
            "wrong numbers."
        ),
        data={
            "worst_rows": problem.position[worst],
            "worst_residual": residual[worst],
        },
    )
    unit = "variances of y"
    error = evidence.out_of_fold_loss()
    section.estimates["error"] = Estimate(
        value=float(error.mean()), label="mean squared error on new rows", unit=unit
    )
    noise = _neighbor_noise(problem)
    if noise is None:
        section.notes.append("The table has no distances: no noise variance was taken.")
    else:
        low, high = row_interval(problem, noise, NAME, "noise")
        section.estimates["noise"] = Estimate(
            value=float(noise.mean()), lower=low, upper=high,
            label="noise variance by nearest neighbours", unit=unit,
        )  # fmt: skip
    if outlying is None:
        section.notes.append(
            "Half of the residuals are equal: none is called outlying."
        )
        return section
    count = int(outlying.sum())
    share = count / problem.n_samples
    ends = wilson_interval(count, problem.n_samples, problem.confidence)
    low, high = float(ends[0]), float(ends[1])
    section.estimates["outlying"] = Estimate(
        value=share, lower=low, upper=high, label="share of outlying residuals"
    )
    section.data["outlying_rows"] = problem.position[outlying]
    section.findings.append(
        Finding(
            name="outlying_targets",
            verdict="",
            effect=share,
            lower=low,
            upper=high,
            decisive=low > _MANY_OUTLIERS,
            size=share / _MANY_OUTLIERS,
            message=(
                f"{count} of {problem.n_samples} residuals ({share:.1%}) lie beyond "
                f"{_OUTLYING} robust standard deviations; of normal ones 0.05% would."
            ),
            remedies=remedies_for(problem, "cleaned_regressor"),
            advice="Look at the worst rows first: are their numbers right?",
        )
    )
    return section


def _neighbor_noise(problem: Problem) -> np.ndarray | None:
    """Return half the squared difference of each row to its nearest, in variances."""
    try:
        nearest = neighbors_of_rows(problem, 1)[1][:, 0]
    except (TypeError, ValueError):  # a table without distances
        return None
    return np.asarray((problem.y - problem.y[nearest]) ** 2 / (2 * problem.judge.scale))
