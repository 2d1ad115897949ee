# SPDX-License-Identifier: BSD-3-Clause
"""Section 6: labels that look wrong, beyond what overlapping classes explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.ensemble import RandomForestClassifier

from skoverfit._core._resampling._strategy import plain
from skoverfit._core._statistics import Comparison, row_comparison, wilson_interval
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import neighbors_of_rows
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section

if TYPE_CHECKING:
    from skoverfit.noisy_labels._clean_law import WrongShare

__all__ = ["NAME", "TITLE", "run"]

NAME = "label_noise"
TITLE = "Wrong labels"

# A smaller excess is not told from a model that is too sure of a few rows.
_MARGIN = 0.03
# Of wrong labels a forest sees about as much as the model, of rows that a model is too
# sure of, or can't fit, a half or less.
_CONFIRMED = 0.01
_MOST = 2 / 3
# Trees and others that answer in few steps are nowhere surer than a step is wide, which
# looks like a floor too; then the forest has to see this much.
_CONFIRMED_STEPS = 0.1
_TREES = 50
_LEAF = 3
_REDRAWS = 50
_BOOTSTRAP = 50
# Above so many probabilities fewer samples: their spread is small then.
_MANY = 20_000
_FEW_SAMPLES = 20
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
    samples = _BOOTSTRAP if proba.size <= _MANY else _FEW_SAMPLES
    found = excess_label_issues(
        problem.y,
        proba,
        classes=np.arange(len(problem.classes)),
        n_redraws=_REDRAWS,
        n_bootstrap=samples,
        confidence=problem.confidence,
        random_state=problem.generator(NAME),
    )
    excess = wrong_share(proba, problem.y, problem.confidence)
    likely = excess.lower > _MARGIN
    second, n_fits, notes = None, 0, []
    if likely:
        try:
            second, n_fits = _of_forest(problem, evidence)
        except NotRun as exc:
            notes.append(f"A forest was not asked for wrong labels: {exc}.")
    confirmed = (
        second is not None
        and second.lower > (_CONFIRMED_STEPS if _in_steps(evidence) else _CONFIRMED)
        and second.value > _MOST * excess.value
    )
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
    if second is not None:
        estimates["excess_of_forest"] = Estimate(
            value=second.value, lower=second.lower, upper=second.upper,
            label="the same by a forest",
        )  # fmt: skip
        if not confirmed:
            notes.append(
                "A forest doesn't see the wrong labels that this model sees: the model "
                "is too sure of some rows, or can't fit them."
            )
    finding = Finding(
        name="label_noise",
        verdict="label_noise_limited",
        effect=excess.value,
        lower=excess.lower,
        upper=excess.upper,
        # The forest's is a test by itself; that of the model has to agree.
        p_value=(excess if second is None else second).p_value,
        decisive=confirmed,
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
            f"likelihood; a finding needs more than {_MARGIN:.0%}, and that a forest "
            f"sees it too ({n_fits} further fits)"
        ),
        blind_spot=(
            "What no column explains looks like a wrong label where it also befalls "
            "the surest rows. Labels that always go from one class to the same other "
            "look like overlap of the two and are not counted. Of models that answer "
            "in few steps, such as single trees, only strong noise is told from steps."
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


def _in_steps(evidence: Evidence) -> bool:
    """Whether a model gives the same answer to most rows as to some other."""
    assert evidence.proba is not None
    answers = evidence.proba[0][evidence.splits[0][1]]
    return 2 * len(np.unique(answers, axis=0)) < len(answers)


def _of_forest(problem: Problem, evidence: Evidence) -> tuple[WrongShare, int]:
    """Return the share of wrong labels by a forest, on the folds of one repeat.

    A single tree is sure of rows and wrong, as if their labels were, and a model that
    can't fit the classes is too; a forest seldom.
    """
    from skoverfit.noisy_labels._clean_law import wrong_share

    assert problem.classes is not None
    folds = evidence.splits[: evidence.n_fits // evidence.n_repeats]
    problem.require_time(len(folds), 0.2 + 2e-4 * problem.n_samples)
    forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF)
    table = _numeric_table(problem)
    proba = np.zeros((problem.n_samples, len(problem.classes)))
    for fit in problem.fit_folds(folds, NAME, estimator=forest, X=table):
        assert fit.test.proba is not None
        proba[fit.test_rows] = fit.test.proba
    return wrong_share(proba, problem.y, problem.confidence), len(folds)


def _numeric_table(problem: Problem) -> Any:
    """Return the table as numbers, categories by their codes; missing ones are NaN."""
    if sp.issparse(problem.X):
        return sp.csr_matrix(problem.X)
    try:
        plan = problem.columns
    except (TypeError, ValueError) as exc:
        raise NotRun(f"the table has no columns for it ({exc})") from None
    return np.concatenate(
        [np.asarray(plan.numeric, dtype=np.float64), plan.codes.astype(np.float64)],
        axis=1,
    )


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
        section.estimates["noise"] = Estimate(
            value=noise.difference, lower=noise.lower, upper=noise.upper,
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


def _neighbor_noise(problem: Problem) -> Comparison | None:
    """Return half the mean squared difference of rows to their nearest, in variances.

    Rows that are nearest to each other share a difference, so that not rows but
    chains of neighbours vary by themselves.
    """
    try:
        nearest = neighbors_of_rows(problem, 1)[1][:, 0]
    except (TypeError, ValueError):  # a table without distances
        return None
    n = problem.n_samples
    links = sp.coo_array((np.ones(n), (np.arange(n), nearest)), shape=(n, n))
    chains = connected_components(links, directed=False)[1]
    squares = (problem.y - problem.y[nearest]) ** 2 / (2 * problem.judge.scale)
    return row_comparison(squares, clusters=chains, confidence=problem.confidence)
