# SPDX-License-Identifier: BSD-3-Clause
"""Section 10: are the rows that the model will meet like those that it learnt from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import (
    chi2_contingency,
    false_discovery_control,
    ks_2samp,
    rankdata,
    spearmanr,
)
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._columns._table import column_names, table_of
from skoverfit._core._random import derive_seed
from skoverfit.inspection._measured import Measured, measure
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._judge import Answer
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._types import Estimate, Finding, NotRun, Section
from skoverfit.inspection._two_sample import clustered_auc
from skoverfit.metrics import multiclass_roc_auc

__all__ = [
    "NAME",
    "TITLE",
    "ColumnShift",
    "column_shifts",
    "forecast_area",
    "run",
    "sequential_p_value",
    "weighted_risk",
]

NAME = "shift"
TITLE = "Rows to come against rows learnt from"

_FOLDS = 5
_FEWEST_ROWS = 40
_MOST_ROWS = 5000  # of each table
_MOST_LEVELS = 255
# Area under the curve that a classifier of old and new rows surely has to reach (ours).
_SMALLEST_AREA = 0.55
# The same of the model's forecasts for both: it answers otherwise on the new rows, so
# they differ in what it looks at (ours).
_FORECAST_AREA = 0.55
_AREA_STEP = 0.1  # above one half: what counts as just so
_FEWEST_EFFECTIVE = 0.1
_IS_TIME = 0.98
_EXACT_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class ColumnShift:
    """How far the distributions of one column lie apart (0 to 1), and its test."""

    name: str
    distance: float
    p_value: float
    p_adjusted: float = 1.0


def run(problem: Problem, evidence: Evidence) -> Section:
    """Let a classifier tell old rows from new ones."""
    old, first, second, what, dropped = _tables(problem)
    labels = np.repeat([0, 1], [len(first), len(second)])
    columns = _design(first, second)
    clusters = np.unique(
        np.concatenate([first.row_keys(), second.row_keys()]), return_inverse=True
    )[1]
    seed = derive_seed(problem.entropy, NAME)
    folds = np.empty(len(labels), dtype=int)
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for number, (_, test) in enumerate(splitter.split(columns, labels, clusters)):
        folds[test] = number
    n_numeric = first.numeric.shape[1]
    model = _classifier(columns, n_numeric, seed)
    scores = np.empty(len(labels))
    for number in range(_FOLDS):
        test = folds == number
        scores[test] = _fit_predict(model, columns, labels, ~test, test)
    area, lower, upper = clustered_auc(scores, labels, clusters, problem.confidence)
    p_value, n_sequential = sequential_p_value(model, columns, labels, folds)

    loss = evidence.out_of_fold_loss()[old]
    weights = _weights(scores, labels)
    change, low, high, effective = weighted_risk(loss, weights, problem.confidence)
    shifts = column_shifts(first, second)
    moved = [s for s in shifts if s.p_adjusted <= problem.alpha]
    unit = problem.judge.loss_name
    estimates = {
        "auc": Estimate(
            value=area, lower=lower, upper=upper,
            label=f"how well {what[0]} and {what[1]} can be told apart (.5: not)",
        ),
        "columns_shifted": Estimate(
            value=float(len(moved)), label="columns that are distributed differently",
            unit=f"of {len(shifts)}",
        ),
        "weighted_loss_change": Estimate(
            value=change, lower=low, upper=high,
            label=f"change of the loss when rows count as often as in {what[1]}",
            unit=unit,
        ),
        "effective_rows": Estimate(
            value=effective, label="rows that this rests on", unit=f"of {len(first)}"
        ),
    }  # fmt: skip
    scarce = effective < _FEWEST_EFFECTIVE * len(first)
    from_time = problem.X_new is None
    forecasts, n_refits = 0.5, 0
    if not from_time and lower > _SMALLEST_AREA:
        forecasts, n_refits = forecast_area(problem, evidence)
        estimates["forecast_area"] = Estimate(
            value=forecasts,
            label="how well the model's forecasts for both can be told apart",
        )
    elsewhere = forecasts > _FORECAST_AREA
    clear = scarce or low > problem.rope or elsewhere
    named = ", ".join(s.name for s in moved[:3])
    message = (
        f"A classifier tells {what[0]} from {what[1]} with an area under the ROC curve "
        f"of {area:.2f} [{lower:.2f}, {upper:.2f}]"
    )
    if moved:
        message += f"; {len(moved)} of {len(shifts)} columns moved, most {named}"
    if scarce:
        message += (
            f"; only {effective:.0f} of {len(first)} rows are like the new ones, so "
            "the score doesn't tell how the model will do"
        )
    elif low > problem.rope:
        message += (
            f"; on such rows the loss is higher by {change:.3f} "
            f"[{low:.3f}, {high:.3f}] ({unit})"
        )
    elif elsewhere:
        message += "; the model's forecasts for them are others, too"
    finding = Finding(
        name="covariate_shift",
        # Halves of the past are no sample of what comes; section 5 tests forward.
        verdict="shifted" if clear and not from_time else "",
        effect=area - 0.5,
        lower=lower - 0.5,
        upper=upper - 0.5,
        p_value=p_value,
        decisive=lower > _SMALLEST_AREA,
        size=(area - 0.5) / _AREA_STEP,
        message=f"{message}.",
        advice=(
            "Label some of the new rows and test on them; weight the training rows, or "
            "collect rows like the new ones."
        ),
    )
    notes = []
    if dropped:
        notes.append(f"Not compared, as it is the time itself: {', '.join(dropped)}.")
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{_FOLDS + n_sequential} fits of gradient boosting on {what[0]} against "
            f"{what[1]}; p-value of its rank sums on blocks that it hasn't seen yet, "
            "each trained on the blocks before (ours); columns by Kolmogorov-Smirnov "
            "and chi-squared tests with Benjamini & Hochberg"
        ),
        blind_spot=(
            "It compares columns, not targets: that the same row means something else "
            "now can't be seen without labels."
        ),
        estimates=estimates,
        findings=[finding],
        notes=notes,
        n_fits=n_refits,
        data={
            "auc": (area, lower, upper),
            "p_value": p_value,
            "columns": [s.name for s in shifts],
            "distances": np.array([s.distance for s in shifts]),
            "p_adjusted": np.array([s.p_adjusted for s in shifts]),
            "weights": weights,
            "rows": old,
            "effective_rows": effective,
            "weighted_loss_change": (change, low, high),
        },
    )


def forecast_area(problem: Problem, evidence: Evidence) -> tuple[float, int]:
    """Return how well forecasts for X_new and for held-out rows are told apart.

    The area under the ROC curve in each fold, of the same model on both; the mean over
    folds, of the class where it is farthest from one half.
    """
    splits = evidence.splits[: evidence.n_fits // evidence.n_repeats]
    fits = problem.fit_folds(splits, "engine", 0, keep_models=True)
    areas = []
    for fit in fits:
        nothing = np.zeros(n_rows(problem.X_new), dtype=problem.y.dtype)
        new = problem.judge.answer(
            fit.model, problem.X_new, nothing, len(fit.train_rows)
        )
        both = np.concatenate([_forecasts(fit.test), _forecasts(new)])
        is_new = np.repeat([0, 1], [len(fit.test_rows), len(nothing)])
        areas.append([multiclass_roc_auc(is_new, column) for column in both.T])
    mean = np.asarray(areas).mean(axis=0)
    return float(0.5 + np.abs(mean - 0.5).max()), len(fits)


def _forecasts(answer: Answer) -> np.ndarray:
    values = answer.prediction if answer.ranking is None else answer.ranking
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)


def sequential_p_value(
    model: Any, columns: np.ndarray, labels: np.ndarray, folds: np.ndarray
) -> tuple[float, int]:
    """Return the p-value of "both samples are one", and the number of fits.

    Block after block is told by a model of the blocks before. Given these, the
    standardized rank sum of a block has mean 0 and variance 1 if labels mean nothing,
    so the sum over blocks needs no refit on permuted labels.
    """
    total, n_blocks = 0.0, 0
    for number in range(1, int(folds.max()) + 1):
        past, block = folds < number, folds == number
        m, n = int((labels[block] == 1).sum()), int((labels[block] == 0).sum())
        if len(np.unique(labels[past])) < 2 or m == 0 or n == 0:
            continue
        ranks = rankdata(_fit_predict(model, columns, labels, past, block))
        ones = ranks[labels[block] == 1].sum()
        # Of m ranks drawn from all without replacement: exact with ties too.
        variance = m * n / (m + n) * float(np.var(ranks, ddof=1))
        n_blocks += 1
        if variance > 0:
            total += (ones - m * ranks.mean()) / variance**0.5
    if n_blocks == 0:
        return 1.0, 0
    return float(ndtr(-total / n_blocks**0.5)), n_blocks


def weighted_risk(
    loss: np.ndarray, weights: np.ndarray, confidence: float
) -> tuple[float, float, float, float]:
    """Return the change of the mean loss by weights, its interval, and rows left.

    The self-normalized mean minus the plain one; interval from the influence of each
    row. Rows left: ``(sum w)^2 / sum w^2``, times the mean weight if that is below one.
    """
    # Weights of rows that cover the new ones have a mean of one. Where nothing is like
    # them, all weights are small and alike, and would pass for many rows.
    covered = min(float(weights.mean()), 1.0)
    weights = weights / weights.mean()
    weighted, plain = float(np.average(loss, weights=weights)), float(loss.mean())
    influence = weights * (loss - weighted) - (loss - plain)
    half = float(ndtri(0.5 + confidence / 2)) * float(influence.std(ddof=1))
    half /= len(loss) ** 0.5
    change = weighted - plain
    effective = covered * float(weights.sum() ** 2 / (weights @ weights))
    return change, change - half, change + half, effective


def column_shifts(first: Measured, second: Measured) -> list[ColumnShift]:
    """Compare the tables column by column; the farthest apart come first."""
    found = []
    for name, (kind, place) in zip(first.names, first.where, strict=True):
        if kind == "numeric":
            a, b = first.numeric[:, place], second.numeric[:, place]
            missing = [np.isnan(a), np.isnan(b)]
            a, b = a[~missing[0]], b[~missing[1]]
            distance, p_value = 0.0, 1.0
            if len(a) and len(b):
                exact = max(len(a), len(b)) <= _EXACT_ROWS
                test: Any = ks_2samp(a, b, method="exact" if exact else "asymp")
                distance, p_value = float(test.statistic), float(test.pvalue)
            if missing[0].any() or missing[1].any():
                gone, p_gone = _compare_codes(*(m.astype(int) for m in missing))
                # Values or their absence: the stronger, twice as there are two.
                distance = max(distance, gone)
                p_value = min(1.0, 2 * min(p_value, p_gone))
        else:
            distance, p_value = _compare_codes(
                first.codes[:, place], second.codes[:, place]
            )
        found.append(ColumnShift(name=name, distance=distance, p_value=p_value))
    adjusted = false_discovery_control([s.p_value for s in found], method="bh")
    found = [
        replace(shift, p_adjusted=float(p))
        for shift, p in zip(found, adjusted, strict=True)
    ]
    return sorted(found, key=lambda s: (s.p_adjusted, -s.distance, s.name))


def _compare_codes(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return total variation and the p-value of a chi-squared test."""
    size = int(max(a.max(), b.max())) + 1
    counts = np.array([np.bincount(part, minlength=size) for part in (a, b)])
    counts = counts[:, counts.sum(axis=0) > 0]
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    # Levels of which few are expected somewhere are counted together.
    least = min(len(a), len(b)) / (len(a) + len(b))
    rare = counts.sum(axis=0) * least < 5
    if rare.any():
        pooled = counts[:, rare].sum(axis=1, keepdims=True)
        counts = np.concatenate([counts[:, ~rare], pooled], axis=1)
    if counts.shape[1] < 2:
        return distance, 1.0
    test: Any = chi2_contingency(counts, correction=False)
    return distance, float(test.pvalue)


def _tables(
    problem: Problem,
) -> tuple[np.ndarray, Measured, Measured, tuple[str, str], list[str]]:
    """Return the rows that are old, both tables, their names, and columns left out."""
    rng = problem.generator(NAME, "rows")
    if problem.X_new is not None:
        _check_columns(problem)
        old = _at_most(np.arange(problem.n_samples), rng)
        new = _at_most(np.arange(n_rows(problem.X_new)), rng)
        _require_rows(old, new, "X_new")
        first, second = measure(
            take_rows(problem.X, old), take_rows(problem.X_new, new)
        )
        return old, first, second, ("the rows", "X_new"), []
    if problem.time is None:
        raise NotRun("there is neither X_new nor time to compare the rows with")
    order = np.argsort(problem.time, kind="stable")
    middle = problem.time[order[len(order) // 2]]
    before = problem.time < middle
    if not before.any():
        before = problem.time <= middle
    old = _at_most(np.flatnonzero(before), rng)
    new = _at_most(np.flatnonzero(~before), rng)
    _require_rows(old, new, "half of the time")
    first, second = measure(take_rows(problem.X, old), take_rows(problem.X, new))
    both = np.concatenate([first.numeric, second.numeric])
    when = problem.time[np.concatenate([old, new])]
    is_time = [
        bool(
            np.isfinite(column).all()
            and np.ptp(column) > 0
            and abs(spearmanr(column, when).statistic) > _IS_TIME
        )
        for column in both.T
    ]
    numeric_names = first.names_of("numeric")
    dropped = [name for name, gone in zip(numeric_names, is_time, strict=True) if gone]
    if dropped:
        if len(dropped) == len(first.names):
            raise NotRun("every column is the time itself")
        first, second = (_drop(part, np.array(is_time)) for part in (first, second))
    return old, first, second, ("the earlier half", "the later half"), dropped


def _drop(part: Measured, gone: np.ndarray) -> Measured:
    kept = np.flatnonzero(~gone)
    place = {int(j): i for i, j in enumerate(kept)}
    names, where = [], []
    for name, (kind, j) in zip(part.names, part.where, strict=True):
        if kind == "numeric" and j not in place:
            continue
        names.append(name)
        where.append((kind, place[j] if kind == "numeric" else j))
    return replace(
        part, numeric=part.numeric[:, kept], names=tuple(names), where=tuple(where)
    )


def _check_columns(problem: Problem) -> None:
    names, _ = column_names(table_of(problem.X))
    others, _ = column_names(table_of(problem.X_new))
    if len(names) != len(others):
        raise ValueError(
            f"X_new has {len(others)} columns, but X has {len(names)}; they must agree."
        )
    differ = [(a, b) for a, b in zip(names, others, strict=True) if a != b]
    if differ:
        a, b = differ[0]
        raise ValueError(f"X_new has the column {b!r} where X has {a!r}.")


def _require_rows(old: np.ndarray, new: np.ndarray, what: str) -> None:
    if min(len(old), len(new)) < _FEWEST_ROWS:
        raise NotRun(
            f"{what} has {min(len(old), len(new))} rows; at least {_FEWEST_ROWS} are "
            "needed"
        )


def _at_most(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if len(rows) <= _MOST_ROWS:
        return rows
    return np.sort(rng.choice(rows, _MOST_ROWS, replace=False))


def _design(first: Measured, second: Measured) -> np.ndarray:
    """Return numbers, then codes (NaN where missing), of both tables."""
    numeric = np.concatenate([first.numeric, second.numeric])
    codes = np.concatenate([first.codes, second.codes]).astype(np.float64)
    codes[codes == 0] = np.nan
    return np.concatenate([numeric, codes - 1.0], axis=1)


def _classifier(columns: np.ndarray, n_numeric: int, seed: int) -> Any:
    nominal = [
        j
        for j in range(n_numeric, columns.shape[1])
        if not np.nanmax(columns[:, j], initial=-1.0) >= _MOST_LEVELS
    ]
    return HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=15,
        early_stopping=False,
        categorical_features=nominal or None,
        random_state=seed,
    )


def _fit_predict(
    model: Any, columns: np.ndarray, labels: np.ndarray, train: Any, test: Any
) -> np.ndarray:
    return model.fit(columns[train], labels[train]).predict_proba(columns[test])[:, 1]


def _weights(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the density ratio of new to old rows at the old ones.

    Boosting is too sure; a line through the logits makes its probabilities true, or
    the weights would rest on a few rows only.
    """
    p = np.clip(scores, 1e-4, 1.0 - 1e-4)
    logit = np.log(p / (1.0 - p))[:, None]
    line = LogisticRegression(C=1e6).fit(logit, labels)
    odds = np.exp(np.clip(line.decision_function(logit[labels == 0]), -20.0, 20.0))
    return odds * float((labels == 0).sum() / (labels == 1).sum())
