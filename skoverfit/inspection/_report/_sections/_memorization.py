# SPDX-License-Identifier: BSD-3-Clause
"""Section 9: rows that are answered better because they were trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from skoverfit._core._statistics import corrected_comparison, corrected_mean_interval
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import neighbors_of_rows, row_interval
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section

__all__ = ["NAME", "TITLE", "run"]

NAME = "memorization"
TITLE = "Memorized rows"

# What Feldman & Zhang call high.
_HIGH = 0.25
# Accuracy that members gain, and AUC of who was a member beyond one half.
_MATTERS = 0.05
_SUBSET = 0.7
_NEIGHBORS = 5
# A row has no near neighbour if fewer than a tenth of the rows are as far from theirs.
_FAR = 0.9
_WORST = 20
_CHUNK = 10
_REMEDIES = ("regularization", "weight_decay", "early_stopping", "mixup")


def run(problem: Problem, evidence: Evidence) -> Section:
    """Compare models that were trained on a row with models that were not."""
    included, loss, correct, n_fits, notes = _runs(problem, evidence)
    gap = evidence.test_train_ratio if not n_fits else (1 - _SUBSET) / _SUBSET
    result = _result(problem, included, loss, correct)
    memory = result.memorization
    known = np.isfinite(memory)
    if not known.any():
        raise NotRun("no row was both in some training part and out of another")
    outcome = -loss if correct is None else correct.astype(np.float64)
    gaps = np.array(
        [o[i].mean() - o[~i].mean() for o, i in zip(outcome, included, strict=True)]
    )
    if known.all():
        mean = problem.compare_rows(memory)
    else:
        mean = corrected_comparison(
            gaps, test_train_ratio=gap, rope=problem.rope, confidence=problem.confidence
        )
    auc, advantage = _membership(included, loss)
    attack = corrected_mean_interval(
        auc, test_train_ratio=gap, confidence=problem.confidence
    )
    high = np.where(known, memory > _HIGH, False)
    share = row_interval(problem, high.astype(np.float64), "memorization")
    unit = "accuracy" if correct is not None else problem.judge.loss_name
    estimates = {
        "mean_memorization": Estimate(
            value=float(memory[known].mean()), lower=mean.lower, upper=mean.upper,
            label="mean memorization of the rows (the gap)", unit=unit,
        ),
        "high_share": Estimate(
            value=float(high.mean()), lower=share[0], upper=share[1],
            label=f"share of rows with a memorization above {_HIGH}",
        ),
        "membership_auc": Estimate(
            value=attack[0], lower=attack[1], upper=attack[2],
            label="AUC of telling members from others by their loss",
        ),
        "membership_advantage": Estimate(
            value=float(advantage.mean()),
            label="largest true minus false positive rate of that",
        ),
    }  # fmt: skip
    worst = np.argsort(np.where(known, -memory, np.inf), kind="stable")[:_WORST]
    data: dict[str, Any] = {
        "memorization": memory,
        "n_runs": len(included),
        "worst_rows": problem.position[worst],
        "worst_memorization": memory[worst],
    }
    if correct is not None:
        # What MemorizationDisplay needs to make the runs again.
        data |= {
            "included": included,
            "outcomes": result.outcomes,
            "codes": problem.y,
            "classes": problem.classes,
            "subset_ratio": result.subset_ratio,
        }
    if problem.is_classification:
        kinds = _kinds(problem, high)
        if kinds is not None:
            data["kinds"] = kinds
            for kind in ("noise", "atypical", "borderline"):
                estimates[f"high_{kind}"] = Estimate(
                    value=float((kinds == kind).mean()),
                    label=f"share of rows that are memorized and look like {kind}",
                )
    return Section(
        name=NAME,
        title=TITLE,
        method=_method(evidence, n_fits),
        blind_spot=(
            f"With {len(included)} fits the memorization of a single row is coarse; "
            "its mean is the gap between training and test rows, so that this section "
            "is no further evidence of one."
        ),
        estimates=estimates,
        findings=_findings(problem, mean, attack, auc, gap, high, unit),
        data=data,
        notes=notes,
        n_fits=n_fits,
    )


def _method(evidence: Evidence, n_fits: int) -> str:
    source = (
        f"{n_fits} fits on random {_SUBSET:.0%} of the rows"
        if n_fits
        else f"no further fits: the {evidence.n_fits} fits of the cross-validation"
    )
    return (
        f"{source}; memorization of Feldman & Zhang (2020), membership inference by "
        "the loss (Yeom et al. 2018) with the interval of Nadeau & Bengio (2003)"
    )


def _runs(
    problem: Problem, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int, list[str]]:
    """Return who was in which training part, losses, and what was right."""
    wanted = problem.plan.n_subsets
    folds = (evidence.in_train, evidence.loss, evidence.correct, 0)
    if not wanted:
        return (*folds, [])
    try:
        problem.require_time(wanted, evidence.seconds_per_fit)
    except NotRun as exc:
        return (*folds, [f"Fits of the cross-validation were used: {exc}."])
    included = _subsets(problem, wanted)
    loss = np.empty((wanted, problem.n_samples), dtype=np.float32)
    correct = np.empty(loss.shape, dtype=bool) if problem.is_classification else None
    for first in range(0, wanted, _CHUNK):
        part = included[first : first + _CHUNK]
        splits = [(np.flatnonzero(mask), np.flatnonzero(~mask)) for mask in part]
        fits = problem.fit_folds(splits, "memorization", first, everything=True)
        for number, fit in enumerate(fits, first):
            loss[number] = fit.test.loss
            if correct is not None:
                correct[number] = fit.test.prediction == problem.y
    return included, loss, correct, wanted, []


def _subsets(problem: Problem, n: int) -> np.ndarray:
    from skoverfit.noisy_labels._retraining import draw_subsets

    seed = int(problem.generator("subsets").integers(2**31 - 1))
    if problem.groups is not None:
        units = np.zeros(int(problem.groups.max()) + 1, dtype=np.int64)
        drawn = draw_subsets(
            units, range(n), ratio=_SUBSET, entropy=seed, stratify=False
        )
        return drawn[:, problem.groups]
    codes = (
        problem.y
        if problem.is_classification
        else np.zeros(problem.n_samples, dtype=np.int64)
    )
    return draw_subsets(codes, range(n), ratio=_SUBSET, entropy=seed, stratify=True)


def _result(
    problem: Problem,
    included: np.ndarray,
    loss: np.ndarray,
    correct: np.ndarray | None,
) -> Any:
    # The room of wrong labels loads nets, so it is opened only when needed.
    from skoverfit.noisy_labels import MemorizationResult

    if correct is not None and problem.classes is not None:
        return MemorizationResult(
            included=included,
            outcomes=correct.astype(np.uint8),
            codes=problem.y,
            classes=problem.classes,
            subset_ratio=float(included.mean()),
        )
    # Of numbers the outcome is minus the loss; it is averaged as a probability is.
    return MemorizationResult(
        included=included,
        outcomes=-loss,
        codes=np.zeros(problem.n_samples, dtype=np.int64),
        classes=np.zeros(1),
        scoring="proba",
        subset_ratio=float(included.mean()),
    )


def _membership(
    included: np.ndarray, loss: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each fit, AUC and largest advantage of guessing its members."""
    auc, advantage = np.empty(len(loss)), np.empty(len(loss))
    for number, (mask, values) in enumerate(zip(included, loss, strict=True)):
        auc[number] = roc_auc_score(mask, -values)
        false, true, _ = roc_curve(mask, -values, drop_intermediate=False)
        advantage[number] = (true - false).max()
    return auc, advantage


def _kinds(problem: Problem, high: np.ndarray) -> np.ndarray | None:
    """Return "" or what each highly memorized row looks like.

    "atypical": it has no near neighbour; "noise": at most one of its five neighbours
    has its label; "borderline": anything else.
    """
    if problem.n_samples <= _NEIGHBORS:
        return None
    try:
        distances, indices = neighbors_of_rows(problem, _NEIGHBORS)
    except (TypeError, ValueError):  # a table without distances
        return None
    kinds = np.full(problem.n_samples, "", dtype="<U10")
    same = (problem.y[indices] == problem.y[:, None]).sum(axis=1)
    far = distances[:, 0] > np.quantile(distances[:, 0], _FAR)
    kinds[high] = "borderline"
    kinds[high & (same <= 1)] = "noise"
    kinds[high & far] = "atypical"
    return kinds


def _findings(
    problem: Problem,
    mean: Any,
    attack: tuple[float, float, float],
    auc: np.ndarray,
    ratio: float,
    high: np.ndarray,
    unit: str,
) -> list[Finding]:
    above = corrected_comparison(
        auc - 0.5, test_train_ratio=ratio, confidence=problem.confidence
    )
    remedies = remedies_for(problem, *_REMEDIES)
    return [
        Finding(
            name="memorization",
            verdict="",
            effect=mean.difference,
            lower=mean.lower,
            upper=mean.upper,
            p_value=_one_sided(mean),
            decisive=mean.lower > _MATTERS,
            size=mean.difference / _MATTERS,
            message=(
                f"A row that was trained on is answered better by "
                f"{mean.difference:.3f} [{mean.lower:.3f}, {mean.upper:.3f}] ({unit}) "
                f"than one that was not; {high.mean():.0%} of the rows are memorized."
            ),
            remedies=remedies + remedies_for(problem, "memorization"),
        ),
        Finding(
            name="membership",
            verdict="",
            effect=attack[0] - 0.5,
            lower=attack[1] - 0.5,
            upper=attack[2] - 0.5,
            p_value=_one_sided(above),
            decisive=attack[1] > 0.5 + _MATTERS,
            size=(attack[0] - 0.5) / _MATTERS,
            message=(
                "The loss of a row tells whether the model was trained on it with an "
                f"AUC of {attack[0]:.2f} [{attack[1]:.2f}, {attack[2]:.2f}]; 0.5 tells "
                "nothing."
            ),
            remedies=remedies,
            advice="Don't publish the model if the rows are private.",
        ),
    ]


def _one_sided(found: Any) -> float:
    half = found.p_value / 2
    return float(half if found.difference > 0 else 1 - half)
