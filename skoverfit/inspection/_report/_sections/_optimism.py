# SPDX-License-Identifier: BSD-3-Clause
"""Section 2: the error on new rows from bootstrap samples."""

from __future__ import annotations

import numpy as np

from skoverfit._core._statistics import corrected_mean_interval
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._judge import Answer
from skoverfit.inspection._report._problem import Problem, Split
from skoverfit.inspection._report._types import Estimate, Section

__all__ = ["NAME", "TITLE", "no_information_loss", "run", "weight_632_plus"]

NAME = "optimism"
TITLE = "Error by the bootstrap"

# Answers for all rows are big: so many resamples are worked on at once.
_AT_ONCE = 10
_TRIES = 50
# A model whose loss on its own rows is below this share of the loss without information
# and below half of that on others has (nearly) learnt them by heart; then the optimism
# of the bootstrap, whose samples hold 63 % of the rows, is far too small.
_INTERPOLATES = 0.1


def run(problem: Problem, evidence: Evidence) -> Section:
    """Estimate the loss on new rows without parting the table into folds."""
    n_boot = problem.plan.n_bootstrap
    problem.require_time(n_boot + 1, evidence.seconds_per_fit)
    n, weights = problem.n_samples, problem.sample_weight
    everyone = np.arange(n)
    apparent_fit = problem.fit_folds([(everyone, everyone)], NAME, "all")[0]
    apparent_loss = apparent_fit.test.loss
    apparent = float(np.average(apparent_loss, weights=weights))
    gamma = no_information_loss(problem, apparent_fit.test)

    total, count = np.zeros(n), np.zeros(n)
    means, optimisms, ratios = [], [], []
    splits = [_resample(problem, number) for number in range(n_boot)]
    for first in range(0, n_boot, _AT_ONCE):
        part = splits[first : first + _AT_ONCE]
        fits = problem.fit_folds(part, NAME, first, everything=True)
        for fit in fits:
            drawn, out = fit.train_rows, fit.test_rows
            loss = fit.test.loss
            total[out] += loss[out]
            count[out] += 1
            means.append(_mean(loss, out, weights))
            optimisms.append(
                _mean(loss, everyone, weights) - _mean(loss, drawn, weights)
            )
            ratios.append(len(out) / (n - len(out)))
    seen = np.flatnonzero(count)
    per_row = total[seen] / count[seen]
    err1 = float(
        np.average(per_row, weights=None if weights is None else weights[seen])
    )
    # Resamples overlap like folds do; the correction takes the rows that they test
    # over the different rows that they are trained on.
    mean, low, high = corrected_mean_interval(
        means, test_train_ratio=float(np.mean(ratios)), confidence=problem.confidence
    )
    lower, upper = err1 - (mean - low), err1 + (high - mean)
    weight, overfit = weight_632_plus(apparent, err1, gamma)

    def blend(value: float) -> float:
        return (1 - weight) * apparent + weight * min(value, max(gamma, apparent))

    unit = problem.judge.loss_name
    estimates = {
        "apparent": Estimate(value=apparent, label="loss on its own rows", unit=unit),
        "err1": Estimate(
            value=err1, lower=max(lower, 0.0), upper=upper,
            label="loss on rows left out of a bootstrap sample", unit=unit,
        ),
        "err632_plus": Estimate(
            value=blend(err1), lower=blend(max(lower, 0.0)), upper=blend(upper),
            label=".632+ estimate of the loss on new rows", unit=unit,
        ),
        "overfitting_rate": Estimate(
            value=overfit, label="relative overfitting rate (0 none, 1 chance level)"
        ),
        "no_information": Estimate(
            value=gamma, label="loss if columns told nothing", unit=unit
        ),
    }  # fmt: skip
    notes = []
    if apparent < min(_INTERPOLATES * gamma, 0.5 * err1):
        notes.append(
            f"Harrell's optimism isn't shown: the model nearly interpolates (loss "
            f"{apparent:.3f} on its own rows), and then it is far too small."
        )
    else:
        estimates["harrell"] = Estimate(
            value=apparent + float(np.mean(optimisms)),
            label="optimism-corrected loss (Harrell)",
            unit=unit,
        )
    if len(seen) < n:
        notes.append(
            f"{n - len(seen)} rows were in every bootstrap sample; raise n_bootstrap "
            "to have a loss for each."
        )
    units = "rows" if problem.groups is None else "groups"
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{n_boot + 1} fits, {n_boot} of them on bootstrap samples of {units}; "
            "Efron & Tibshirani (1997), interval with the correction of Nadeau & "
            "Bengio (2003)"
        ),
        blind_spot=(
            "A bootstrap sample has 63 % of the different rows, so the loss of rows "
            "left out is a little too high; .632+ corrects that and can be too low "
            "for models that know their rows by heart. Copies of rows hide the error."
        ),
        estimates=estimates,
        notes=notes,
        data={
            "oob_losses": np.asarray(means),
            "apparent": apparent,
            "err1": err1,
            "err632_plus": blend(err1),
            "no_information": gamma,
            "weight": weight,
            "loss_name": unit,
        },
        n_fits=n_boot + 1,
    )


def no_information_loss(problem: Problem, answer: Answer) -> float:
    """Return the mean loss over all pairs of a target and a prediction."""
    y, weights = problem.y, problem.sample_weight
    if problem.classes is None:
        p = answer.prediction
        mean_y, mean_p = np.average(y, weights=weights), np.average(p, weights=weights)
        spread = np.average((y - mean_y) ** 2, weights=weights) + np.average(
            (p - mean_p) ** 2, weights=weights
        )
        return float((spread + (mean_y - mean_p) ** 2) / problem.judge.scale)
    n_classes = len(problem.classes)
    shares = np.bincount(y, weights=weights, minlength=n_classes)
    shares = shares / shares.sum()
    if answer.proba is not None:
        log_p = np.average(np.log(answer.proba), axis=0, weights=weights)
        return float(-(shares @ log_p))
    said = np.bincount(answer.prediction, weights=weights, minlength=n_classes)
    return float(1.0 - shares @ (said / said.sum()))


def weight_632_plus(apparent: float, err1: float, gamma: float) -> tuple[float, float]:
    """Return the weight of Err1 in .632+, and the relative overfitting rate."""
    capped = min(err1, gamma)
    rate = 0.0
    if capped > apparent and gamma > apparent:
        rate = min((capped - apparent) / (gamma - apparent), 1.0)
    return 0.632 / (1.0 - 0.368 * rate), rate


def _resample(problem: Problem, number: int) -> Split:
    """Draw rows (whole groups) with replacement; no class of two rows gets lost."""
    rng = problem.generator(NAME, number)
    n, groups = problem.n_samples, problem.groups
    members = None
    if groups is not None:
        by_group = np.argsort(groups, kind="stable")
        members = np.split(by_group, np.cumsum(np.bincount(groups))[:-1])
    needed = np.empty(0, dtype=int)
    if problem.classes is not None:
        needed = np.flatnonzero(np.bincount(problem.y) > 1)
    for _ in range(_TRIES):
        if members is None:
            drawn = rng.integers(n, size=n)
        else:
            chosen = rng.integers(len(members), size=len(members))
            drawn = np.concatenate([members[g] for g in chosen])
        out = np.setdiff1d(np.arange(n), drawn)
        if len(out) and np.isin(needed, problem.y[drawn]).all():
            break
    return drawn, out


def _mean(loss: np.ndarray, rows: np.ndarray, weights: np.ndarray | None) -> float:
    return float(
        np.average(loss[rows], weights=None if weights is None else weights[rows])
    )
