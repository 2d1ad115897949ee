# SPDX-License-Identifier: BSD-3-Clause
"""Section 8: whether forecasts are as extreme as the outcomes allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, softmax

from skoverfit._core._statistics import Comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import remedies_for
from skoverfit.inspection._report._rows import bootstrap_counts
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section
from skoverfit.metrics import (
    brier_decomposition,
    calibration_slope_intercept,
    expected_calibration_error,
    spiegelhalter_z,
)

__all__ = ["NAME", "TITLE", "run"]

NAME = "calibration"
TITLE = "Calibration of the forecasts"

_BOOTSTRAP = 200
# Of 200 samples so many have to have a slope for an interval.
_FEWEST_SLOPES = 100
_REMEDIES = (
    "temperature", "regularization", "weight_decay", "early_stopping",
    "label_smoothing", "mixup", "self_ensemble",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Slope:
    """What multiplies the forecasts, with a bootstrap interval and its error."""

    value: float
    intercept: float
    lower: float
    upper: float
    error: float

    def p_below_one(self) -> float:
        """One-sided p-value of "the slope is at least 1"."""
        if self.error == 0:
            return float(self.value >= 1)
        return float(ndtr((self.value - 1) / self.error))


def run(problem: Problem, evidence: Evidence) -> Section:
    """Compare forecasts for rows not trained on with what happened."""
    if problem.is_classification and evidence.proba is None:
        name = type(problem.estimator).__name__
        raise NotRun(f"{name} has no predict_proba: there are no forecasts to compare")
    forecasts = _forecasts(problem, evidence)
    weights = problem.sample_weight
    slope, missing = _slope(problem, forecasts)
    gains = _recoverable(problem, evidence, forecasts)
    gain = problem.compare_rows(gains)
    unit = problem.judge.loss_name
    estimates: dict[str, Estimate] = {}
    if slope is not None:
        estimates["slope"] = Estimate(
            value=slope.value, lower=slope.lower, upper=slope.upper,
            label="calibration slope (1 is right, less is too extreme)",
        )  # fmt: skip
        if problem.classes is not None and len(problem.classes) == 2:
            estimates["intercept"] = Estimate(
                value=slope.intercept, label="calibration intercept", unit="logit"
            )
    estimates["recoverable_loss"] = Estimate(
        value=gain.difference, lower=gain.lower, upper=gain.upper,
        label="loss that a recalibration of the same model wins back", unit=unit,
    )  # fmt: skip
    data: dict[str, object] = {"kind": "regression", "gains": gains}
    if problem.classes is not None:
        scored = _scores(problem, evidence, weights)
        estimates.update(scored)
        forecast, outcome = _shown(problem, evidence)
        data = {
            "kind": "binary" if len(problem.classes) == 2 else "top_label",
            "gains": gains,
            "forecast": forecast,
            "outcome": outcome,
            "positive": problem.classes[1] if len(problem.classes) == 2 else None,
            "sample_weight": weights,
            "confidence": problem.confidence,
            "ece": scored["ece"].value,
        }
    if slope is not None:
        data["slope"] = (slope.value, slope.lower, slope.upper)
    section = Section(
        name=NAME,
        title=TITLE,
        method=(
            f"no further fits: out-of-fold forecasts of the {evidence.n_fits} fits of "
            "the cross-validation; slope of Cox (1958) with a bootstrap over rows, "
            "recalibration fitted on the other folds, interval over rows"
        ),
        blind_spot=(
            "Forecasts can be right on average and wrong for a kind of rows. A slope "
            "says nothing of the order of the rows, which recalibration leaves as it "
            "is."
        ),
        estimates=estimates,
        data=data,
    )
    if slope is None:
        section.notes.append(missing)
        return section
    section.findings = _findings(problem, slope, gain, unit)
    return section


def _findings(
    problem: Problem, slope: _Slope, gain: Comparison, unit: str
) -> list[Finding]:
    won = gain.lower > problem.rope
    size = gain.difference / problem.rope if problem.rope > 0 else 1.0
    p_gain = gain.p_value / 2 if gain.difference > 0 else 1 - gain.p_value / 2
    below = slope.p_below_one()
    told = (
        f"the calibration slope is {slope.value:.2f} "
        f"[{slope.lower:.2f}, {slope.upper:.2f}], and recalibrating the same model "
        f"changes its {unit} by {-gain.difference:+.3f} "
        f"[{-gain.upper:+.3f}, {-gain.lower:+.3f}]."
    )
    what = "Forecasts" if problem.is_classification else "Predictions"
    return [
        Finding(
            name="overconfidence",
            verdict="harmful_overfitting",
            effect=gain.difference,
            lower=gain.lower,
            upper=gain.upper,
            # Both have to hold, so the weaker of the two counts.
            p_value=max(below, p_gain),
            decisive=won and slope.upper < 1,
            size=size,
            message=f"{what} for new rows are {_word(slope)}: {told}",
            remedies=remedies_for(problem, *_REMEDIES),
            advice="" if problem.is_classification else (
                "Regularize more, or average models that were trained on bootstrap "
                "samples."
            ),
        ),
        Finding(
            name="timid_forecasts",
            # Forests are timid by averaging: no sign of too simple a model by itself.
            verdict="",
            effect=gain.difference,
            lower=gain.lower,
            upper=gain.upper,
            p_value=max(1 - below, p_gain),
            decisive=won and slope.lower > 1,
            size=size,
            message=f"{what} for new rows are {_word(slope)}: {told}",
            remedies=remedies_for(problem, "temperature"),
            advice="Regularize less, or recalibrate.",
        ),
    ]  # fmt: skip


def _word(slope: _Slope) -> str:
    if slope.upper < 1:
        return "too extreme"
    return "too timid" if slope.lower > 1 else "neither too extreme nor too timid"


def _forecasts(problem: Problem, evidence: Evidence) -> list[np.ndarray]:
    """Return the out-of-fold forecasts of each repeat."""
    if evidence.proba is None:
        return [np.asarray(p, dtype=np.float64) for p in evidence.prediction]
    made = []
    for proba in evidence.proba:
        # Rounded to float32, the least ones may have become 0.
        p = np.maximum(np.asarray(proba, dtype=np.float64), 1e-30)
        made.append(p / p.sum(axis=1, keepdims=True))
    return made


def _slope(problem: Problem, forecasts: list[np.ndarray]) -> tuple[_Slope | None, str]:
    """Return slope and interval over all repeats, or why there is none."""
    pooled = np.concatenate(forecasts)
    repeats = len(forecasts)
    y = np.tile(problem.y, repeats)
    given = problem.sample_weight
    base = np.ones(problem.n_samples) if given is None else given
    try:
        value, intercept = _fit(y, pooled, np.tile(base, repeats), problem)
    except ValueError as exc:
        return None, str(exc)
    drawn = []
    for counts in bootstrap_counts(problem, _BOOTSTRAP, "slope"):
        # Rows stay together with their forecasts of all repeats.
        weight = np.tile(counts * base, repeats)
        kept = weight > 0
        try:
            drawn.append(_fit(y[kept], pooled[kept], weight[kept], problem)[0])
        except ValueError:
            continue
    if len(drawn) < _FEWEST_SLOPES:
        return None, (
            "The calibration slope has no interval: in most bootstrap samples the "
            "forecasts separate the classes perfectly."
        )
    low, high = np.quantile(drawn, [problem.alpha / 2, 1 - problem.alpha / 2])
    return _Slope(
        value=value,
        intercept=intercept,
        lower=float(low),
        upper=float(high),
        error=float(np.std(drawn, ddof=1)),
    ), ""


def _fit(
    y: np.ndarray, forecast: np.ndarray, weight: np.ndarray, problem: Problem
) -> tuple[float, float]:
    if problem.classes is not None:
        labels = np.arange(len(problem.classes))
        return calibration_slope_intercept(
            y, forecast, labels=labels, sample_weight=weight
        )
    centre = np.average(forecast, weights=weight)
    gap = forecast - centre
    spread = float(np.average(gap**2, weights=weight))
    if spread <= 1e-12 * problem.judge.scale:
        raise ValueError(
            "The calibration slope is not defined: all predictions are equal."
        )
    slope = float(np.average(gap * y, weights=weight)) / spread
    return slope, float(np.average(y, weights=weight)) - slope * float(centre)


def _recoverable(
    problem: Problem, evidence: Evidence, forecasts: list[np.ndarray]
) -> np.ndarray:
    """Return each row's loss minus that after recalibration, mean over repeats.

    Slope and intercept come from the other folds of the same repeat; a negative slope
    is taken for 0, which leaves the shares of the classes.
    """
    weights = problem.sample_weight
    given = np.ones(problem.n_samples) if weights is None else weights
    per_repeat = evidence.n_fits // evidence.n_repeats
    gains = np.zeros(problem.n_samples)
    for number, (_, test) in enumerate(evidence.splits):
        forecast = forecasts[number // per_repeat]
        # Without the weights' zeros: a fold must keep some row.
        others = np.setdiff1d(np.arange(problem.n_samples), test)
        others = others[given[others] > 0]
        before = _loss(problem, problem.y[test], forecast[test])
        try:
            slope, intercept = _fit(
                problem.y[others], forecast[others], given[others], problem
            )
        except ValueError:
            continue  # nothing to learn from the others: the forecasts stay
        if slope < 0 and problem.classes is not None and len(problem.classes) == 2:
            share = float(np.average(problem.y[others], weights=given[others]))
            slope, intercept = 0.0, float(np.log(share / (1 - share)))
        elif slope < 0 and problem.classes is None:
            mean = float(np.average(problem.y[others], weights=given[others]))
            slope, intercept = 0.0, mean
        after = _loss(
            problem, problem.y[test],
            _recalibrated(forecast[test], max(slope, 0.0), intercept),
        )  # fmt: skip
        gains[test] += (before - after) / evidence.n_repeats
    return gains


def _recalibrated(forecast: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    if forecast.ndim == 1:
        return intercept + slope * forecast
    logs = np.log(forecast)
    if forecast.shape[1] == 2:
        p = expit(intercept + slope * (logs[:, 1] - logs[:, 0]))
        return np.column_stack([1 - p, p])
    return np.asarray(softmax(slope * logs, axis=1))


def _loss(problem: Problem, y: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    if problem.classes is None:
        return np.asarray((y - forecast) ** 2 / problem.judge.scale)
    own = forecast[np.arange(len(y)), y]
    return np.asarray(-np.log(np.maximum(own, 1e-30)))


def _scores(
    problem: Problem, evidence: Evidence, weights: np.ndarray | None
) -> dict[str, Estimate]:
    """Return the usual figures of calibration, averaged over the repeats."""
    assert problem.classes is not None
    labels = np.arange(len(problem.classes))
    given = {"labels": labels, "sample_weight": weights}
    forecasts = _forecasts(problem, evidence)
    y = problem.y
    ece = [expected_calibration_error(y, p, **given) for p in forecasts]
    parts = [brier_decomposition(y, p, **given) for p in forecasts]
    made = {
        "ece": Estimate(
            value=float(np.mean(ece)), label="expected calibration error, debiased"
        )
    }
    for name, label in (
        ("score", "Brier score"),
        ("miscalibration", "part of it that is miscalibration (CORP)"),
        ("discrimination", "what the order of the forecasts is worth (CORP)"),
        ("uncertainty", "Brier score of the class shares"),
    ):
        mean = float(np.mean([getattr(part, name) for part in parts]))
        key = "brier_score" if name == "score" else name
        made[key] = Estimate(value=mean, label=label)
    if len(labels) == 2:
        z = [spiegelhalter_z(y, p, **given) for p in forecasts]
        if np.isfinite(z).all():
            made["spiegelhalter_z"] = Estimate(
                value=float(np.mean(z)), label="Spiegelhalter's z (beyond 2: wrong)"
            )
    return made


def _shown(problem: Problem, evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return the forecast and outcome of each repeat and row that a picture draws."""
    assert problem.classes is not None
    assert evidence.proba is not None
    p = np.asarray(evidence.proba, dtype=np.float64)
    if len(problem.classes) == 2:
        return p[:, :, 1], np.broadcast_to(problem.y == 1, p.shape[:2]).copy()
    return p.max(axis=2), p.argmax(axis=2) == problem.y
