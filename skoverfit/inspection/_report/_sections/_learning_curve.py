# SPDX-License-Identifier: BSD-3-Clause
"""Section 3: what more rows would bring."""

from __future__ import annotations

import numpy as np

from skoverfit._core._statistics import corrected_comparison
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section
from skoverfit.model_selection._extrapolation import Extrapolation, extrapolate
from skoverfit.model_selection._learning_curve_extrapolator import nested_order

__all__ = ["NAME", "TITLE", "run"]

NAME = "learning_curve"
TITLE = "What more rows would bring"

_FEWEST_ROWS = 10
_BACKTEST = 2
_LAW_SIZES = 3 + _BACKTEST
# A law ``a n^-b + c`` gains from n to 2n the share ``(m / n)^b`` of what it gained from
# m to 2m. Excess losses fall like 1 / n at best, once a model is beyond its first rows:
# the interval's lower end takes b = 1, or what the last two doublings say if that is
# more.
_STEEPEST = 2.0
_USUAL = 0.5


def run(problem: Problem, evidence: Evidence) -> Section:
    """Fit parts of the training folds, each inside the next one, on the same tests."""
    sizes = _sizes(problem, evidence)
    share = float(np.sum(sizes[:-1]) / sizes[-1])
    problem.require_time(evidence.n_fits * share, evidence.seconds_per_fit)
    y = problem.y if problem.is_classification else None
    orders = [
        nested_order(train, y, problem.groups, problem.generator(NAME, "order", number))
        for number, (train, _) in enumerate(evidence.splits)
    ]
    n_fits = evidence.n_fits
    test_scores = np.empty((n_fits, len(sizes)))
    train_scores = np.empty((n_fits, len(sizes)))
    test_scores[:, -1], train_scores[:, -1] = evidence.test_score, evidence.train_score
    tests = [test for _, test in evidence.splits]
    half_loss = np.zeros(problem.n_samples)
    for column, size in enumerate(sizes[:-1]):
        splits = [(o[:size], t) for o, t in zip(orders, tests, strict=True)]
        fits = problem.fit_folds(splits, NAME, column, train_too=True)
        test_scores[:, column] = [fit.test_score for fit in fits]
        train_scores[:, column] = [fit.train_score for fit in fits]
        if column == len(sizes) - 2:
            for fit in fits:
                half_loss[fit.test_rows] += fit.test.loss
    if problem.judge.scorer is None:
        half_loss /= evidence.in_test.sum(axis=0)
        last = problem.compare_rows(half_loss - evidence.out_of_fold_loss())
        interval = "interval over rows, widened for the models that they share"
    else:
        last = corrected_comparison(
            test_scores[:, -1] - test_scores[:, -2],
            test_train_ratio=evidence.test_train_ratio,
            confidence=problem.confidence,
            rope=problem.rope,
        )
        interval = "interval of Nadeau & Bengio (2003)"
    # The last doubling ends with a training fold, the next one begins with all rows.
    share = float(sizes[-2]) / problem.n_samples
    steepness = _steepness(test_scores)
    gain = last.difference * share**steepness
    lower = last.lower
    if lower > 0:
        lower *= share ** max(steepness, 1.0)
    lower = min(lower, gain)
    upper = max(last.upper, gain)
    unit = problem.judge.score_name
    estimates = {
        "last_doubling": Estimate(
            value=last.difference, lower=last.lower, upper=last.upper,
            label=f"gain from {sizes[-2]} to {sizes[-1]} training rows", unit=unit,
        ),
        "gain_from_doubling": Estimate(
            value=gain, lower=lower, upper=upper,
            label="expected gain from twice the rows", unit=unit,
        ),
    }  # fmt: skip
    curve, notes = _law(problem, evidence, sizes, test_scores)
    data = {
        "train_sizes": sizes,
        "test_scores": test_scores,
        "train_scores": train_scores,
        "gain": (gain, lower, upper),
        "n_samples": problem.n_samples,
        "score_name": unit,
    }
    if curve is not None:
        optimum = data["optimum"] = _optimum(problem)
        at = np.geomspace(sizes[0], 10 * sizes[-1], 60)
        low, high = curve.interval(at)
        data |= {
            "law_sizes": at,
            "law_scores": optimum - curve(at),
            "law_lower": optimum - high,
            "law_upper": optimum - low,
        }
        end = np.array([np.inf])
        low, high = curve.interval(end)
        estimates["asymptote"] = Estimate(
            value=float(optimum - curve(end)[0]),
            lower=float(optimum - high[0]), upper=float(optimum - low[0]),
            label="score with unlimited rows, if the power law goes on", unit=unit,
        )  # fmt: skip
    finding = Finding(
        name="data_limited",
        verdict="data_limited",
        effect=gain,
        lower=lower,
        upper=upper,
        p_value=last.p_value / 2 if last.difference > 0 else 1 - last.p_value / 2,
        decisive=lower > problem.rope,
        size=gain / problem.rope if problem.rope > 0 else 1.0,
        message=(
            f"The last doubling of the training rows, to {sizes[-1]}, raised the score "
            f"by {last.difference:.3f} [{last.lower:.3f}, {last.upper:.3f}]; the next "
            f"should bring about {gain:.3f} [{lower:.3f}, {upper:.3f}] ({unit})."
        ),
        remedies=("learning_curve",),
        advice="Get more rows; they help more than a change of the model would.",
    )
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{n_fits * (len(sizes) - 1)} fits on parts of the training folds, paired "
            f"on the same test rows; {interval}. What the next doubling brings is told "
            "from the last two, by a power law (ours)"
        ),
        blind_spot=(
            "It can't see a jump that only many more rows bring, nor that new rows "
            "could be of another kind. A leak that grows with the rows looks like "
            "a gain."
        ),
        estimates=estimates,
        findings=[finding],
        notes=notes,
        data=data,
        n_fits=n_fits * (len(sizes) - 1),
    )


def _sizes(problem: Problem, evidence: Evidence) -> np.ndarray:
    """Return sizes that double up to the smallest training fold."""
    largest = min(len(train) for train, _ in evidence.splits)
    fewest = _FEWEST_ROWS
    if problem.classes is not None:
        # About two rows of each class that has enough for all folds.
        shares = np.bincount(problem.y) / problem.n_samples
        common = shares[shares * largest >= 4]
        fewest = max(fewest, int(np.ceil(2 / common.min())) if len(common) else 0)
    steps = np.arange(problem.plan.train_sizes)[::-1]
    sizes = np.round(largest / 2.0**steps).astype(int)
    sizes = sizes[sizes >= fewest]
    if len(sizes) < 2:
        raise NotRun(
            f"half of a training fold has {largest // 2} rows, and the smallest class "
            f"needs {fewest}"
            if problem.classes is not None
            else f"half of a training fold has {largest // 2} rows, too few to train on"
        )
    return sizes


def _steepness(scores: np.ndarray) -> float:
    """Return the exponent b that the last two doublings tell; in [0, 2]."""
    if scores.shape[1] < 3:
        return _USUAL
    before, after = np.diff(scores.mean(axis=0))[-2:]
    if before <= 0 or after <= 0:
        return _USUAL
    return float(np.clip(np.log2(before / after), 0.0, _STEEPEST))


def _optimum(problem: Problem) -> float:
    scorer = problem.judge.scorer
    if scorer is None or getattr(scorer, "_sign", 1) == -1:
        return 0.0
    return 1.0


def _law(
    problem: Problem, evidence: Evidence, sizes: np.ndarray, scores: np.ndarray
) -> tuple[Extrapolation | None, list[str]]:
    """Fit the power law of `LearningCurveExtrapolator` where there are enough sizes."""
    if len(sizes) < _LAW_SIZES:
        return None, [
            f"A power law needs {_LAW_SIZES} sizes; there are rows for {len(sizes)}."
        ]
    optimum = _optimum(problem)
    if scores.max() > optimum + 1e-9:
        return None, ["No power law: the best value of the score isn't known."]
    curve = extrapolate(
        sizes.astype(float),
        np.maximum(optimum - scores, 0.0),
        law="pow3",
        backtest=_BACKTEST,
        n_bootstrap=100,
        confidence=problem.confidence,
        test_train_ratio=evidence.test_train_ratio,
        entropy=int(problem.generator(NAME, "law").integers(2**31)),
    )
    if curve.rising_p_value <= problem.alpha:
        return None, ["No power law: the score falls where there are more rows."]
    return curve, []
