# SPDX-License-Identifier: BSD-3-Clause
"""Section 7: what rare classes suffer; never a verdict."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score

from skoverfit._core._resampling._strategy import plain
from skoverfit._core._statistics import corrected_comparison, wilson_interval
from skoverfit.calibration._threshold_search import (
    balanced_accuracy_values,
    decide,
    log_probabilities,
    search_offsets,
)
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import neighbors_of_rows
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section
from skoverfit.metrics import balanced_accuracy_interval, geometric_mean_score

__all__ = ["NAME", "TITLE", "run"]

NAME = "imbalance"
TITLE = "Rare classes"

# Below, classes are called even.
_UNEVEN = 1.5
_FEWEST = 10
_NEIGHBORS = 5
_KINDS = ("outlier", "rare", "borderline", "borderline", "safe", "safe")
_NAMES = ("safe", "borderline", "rare", "outlier")
_REMEDIES = (
    "threshold", "prior_threshold", "class_weight", "logit_adjusted", "smote",
)  # fmt: skip


def run(problem: Problem, evidence: Evidence) -> Section:
    """Look at each class by itself."""
    if problem.classes is None:
        raise NotRun("a target of numbers has no classes")
    n_classes = len(problem.classes)
    counts = np.bincount(problem.y, minlength=n_classes)
    rarest, ratio = int(counts.argmin()), float(counts.max() / counts.min())
    name = plain(problem.classes[rarest])
    recall = np.stack(
        [
            np.bincount(problem.y, evidence_row == problem.y, minlength=n_classes)
            for evidence_row in evidence.prediction
        ]
    ).mean(axis=0)
    low, high = wilson_interval(recall, counts, problem.confidence)
    section = Section(
        name=NAME,
        title=TITLE,
        method=(
            f"no further fits: out-of-fold predictions of the {evidence.n_fits} fits; "
            "Wilson's intervals of recalls, thresholds chosen on the other folds, "
            "kinds of rows by 5 neighbours (Napierala & Stefanowski 2016)"
        ),
        blind_spot=(
            "Which mistake costs more is not in the table; even recalls are no aim by "
            "themselves."
        ),
        estimates=_estimates(problem, evidence, ratio),
        data={
            "classes": [plain(label) for label in problem.classes],
            "counts": counts,
            "recall": recall / counts,
            "recall_lower": low,
            "recall_upper": high,
        },
    )
    fewest = min(
        int(np.bincount(problem.y[train], minlength=n_classes)[rarest])
        for train, _ in evidence.splits
    )
    section.findings.append(
        Finding(
            name="few_minority_rows",
            verdict="",
            effect=float(fewest),
            decisive=fewest < _FEWEST,
            size=_FEWEST / max(fewest, 1),
            message=(
                f"Class {name!r} has {counts[rarest]} rows, and only {fewest} in some "
                "training part: whatever is said of it rests on them."
            ),
            advice=f"Collect more rows of class {name!r}.",
        )
    )
    if ratio < _UNEVEN:
        section.notes.append(
            f"The classes are about even (largest over smallest: {ratio:.2f})."
        )
        return section
    section.data["kinds"] = _kinds(problem, rarest, counts[rarest])
    shares = section.data["kinds"]
    if shares is not None:
        for kind in _NAMES:
            section.estimates[f"minority_{kind}"] = Estimate(
                value=float(shares[kind]), label=f"share of {name!r} that is {kind}"
            )
    section.findings.append(
        Finding(
            name="minority_missed",
            verdict="",
            effect=float(1 - recall[rarest] / counts[rarest]),
            lower=float(1 - high[rarest]),
            upper=float(1 - low[rarest]),
            decisive=bool(high[rarest] < 0.5),
            size=float(1 - recall[rarest] / counts[rarest]) / 0.5,
            message=(
                f"Of the {counts[rarest]} rows of class {name!r} "
                f"{recall[rarest] / counts[rarest]:.0%} "
                f"[{low[rarest]:.0%}, {high[rarest]:.0%}] are found; the largest class "
                f"is {ratio:.1f} times as large."
            ),
            remedies=remedies_for(problem, *_REMEDIES),
        )
    )
    if evidence.proba is None:
        section.notes.append(
            f"{type(problem.estimator).__name__} has no predict_proba: no threshold "
            "was moved."
        )
        return section
    section.findings.append(_threshold(problem, evidence, section, ratio))
    return section


def _estimates(
    problem: Problem, evidence: Evidence, ratio: float
) -> dict[str, Estimate]:
    assert problem.classes is not None
    labels = np.arange(len(problem.classes))
    given = {"labels": labels, "sample_weight": problem.sample_weight}
    y, predictions = problem.y, evidence.prediction
    balanced = np.mean(
        [
            balanced_accuracy_interval(y, p, confidence=problem.confidence, **given)
            for p in predictions
        ],
        axis=0,
    )
    g_mean = np.mean([geometric_mean_score(y, p, **given) for p in predictions])
    f1 = np.mean(
        [f1_score(y, p, average="macro", zero_division=0.0, **given)
         for p in predictions]
    )  # fmt: skip
    return {
        "ratio": Estimate(value=ratio, label="rows of the largest class a smallest"),
        "balanced_accuracy": Estimate(
            value=float(balanced[0]), lower=float(balanced[1]),
            upper=float(balanced[2]), label="balanced accuracy on new rows",
        ),
        "g_mean": Estimate(value=float(g_mean), label="geometric mean of the recalls"),
        "macro_f1": Estimate(value=float(f1), label="macro F1"),
    }  # fmt: skip


def _kinds(problem: Problem, rarest: int, size: int) -> dict[str, float] | None:
    """Return the shares of kinds of minority rows, by their neighbours' classes."""
    if problem.n_samples <= _NEIGHBORS:
        return None
    try:
        indices = neighbors_of_rows(problem, _NEIGHBORS)[1]
    except (TypeError, ValueError):  # a table without distances
        return None
    own = problem.y == rarest
    same = (problem.y[indices[own]] == rarest).sum(axis=1)
    kinds = np.array(_KINDS)[same]
    return {kind: float((kinds == kind).mean()) for kind in _NAMES}


def _threshold(
    problem: Problem, evidence: Evidence, section: Section, ratio: float
) -> Finding:
    gains = _threshold_gains(problem, evidence)
    gain = corrected_comparison(
        gains,
        test_train_ratio=evidence.test_train_ratio,
        rope=problem.rope,
        confidence=problem.confidence,
    )
    section.data["threshold_gains"] = gains
    section.estimates["threshold_gain"] = Estimate(
        value=gain.difference, lower=gain.lower, upper=gain.upper,
        label="balanced accuracy that moving the threshold adds",
    )  # fmt: skip
    return Finding(
        name="threshold",
        verdict="",
        effect=gain.difference,
        lower=gain.lower,
        upper=gain.upper,
        p_value=gain.p_value / 2 if gain.difference > 0 else 1 - gain.p_value / 2,
        decisive=gain.lower > problem.rope,
        size=gain.difference / problem.rope if problem.rope > 0 else 1.0,
        message=(
            f"The largest class has {ratio:.1f} times the rows of the smallest; a "
            "threshold that was chosen on other rows changes balanced accuracy by "
            f"{gain.difference:+.3f} [{gain.lower:+.3f}, {gain.upper:+.3f}]."
        ),
        remedies=remedies_for(problem, *_REMEDIES),
        advice="Move the threshold if a missed row of a rare class costs more.",
    )


def _threshold_gains(problem: Problem, evidence: Evidence) -> np.ndarray:
    """Return what a threshold of the other folds adds to each fold's score."""
    assert problem.classes is not None
    assert evidence.proba is not None
    n_classes = len(problem.classes)
    y = problem.y
    weights = problem.sample_weight
    given = np.ones(len(y)) if weights is None else weights
    per_repeat = evidence.n_fits // evidence.n_repeats
    logs = [log_probabilities(p) for p in evidence.proba]
    gains = np.empty(evidence.n_fits)
    for number, (_, test) in enumerate(evidence.splits):
        log_p = logs[number // per_repeat]
        others = np.setdiff1d(np.arange(len(y)), test)
        others = others[given[others] > 0]
        codes = y[others]
        values = balanced_accuracy_values(codes, given[others])

        def right(
            decided: np.ndarray,
            codes: np.ndarray = codes,
            values: np.ndarray = values,
        ) -> float:
            return float(values[decided == codes].sum())

        shares = np.bincount(codes, given[others], n_classes) + 1e-9
        found = search_offsets(
            log_p[others], codes, shares / shares.sum(), right, values=values
        )
        tested = test[given[test] > 0]
        if not len(tested):
            gains[number] = 0.0
            continue
        own = balanced_accuracy_values(y[tested], given[tested])
        before = decide(log_p[tested], np.zeros(n_classes)) == y[tested]
        after = decide(log_p[tested], found.offsets) == y[tested]
        gains[number] = own[after].sum() - own[before].sum()
    return gains
