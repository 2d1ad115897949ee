# SPDX-License-Identifier: BSD-3-Clause
"""Columns that hold the target itself, or what was written down after it."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._sections._arms import Part, without_columns
from skoverfit.inspection._report._types import Estimate, Finding

__all__ = ["column_scores", "look"]

# A column is suspected if it alone reaches this share of what the model explains, ...
_AS_GOOD = 0.95
# ... explains nearly everything there is, ...
_NEAR_PERFECT = 0.9
# ... and the best other column leaves at least so many times as much unexplained (ours;
# without it petals of irises would be a leak).
_NEXT = 3.0
# Columns of many values can truly part classes, as two far clusters do. They give the
# verdict only if all other columns together explain at most this share of what the one
# does (ours); otherwise the suspicion is told without it.
_REST = 0.7
_FEW_LEVELS = 10
_DEPTH = 3
_LEAVES_A_CLASS = 2
_MOST_COLUMNS = 2000


def look(problem: Problem, evidence: Evidence) -> Part:
    """Let each column alone predict the target, out of fold."""
    part = Part()
    scores = column_scores(problem, evidence)
    if len(scores) == 0:
        return part
    names = [name for name, _ in scores]
    explained = np.array([value for _, value in scores])
    order = np.argsort(-explained, kind="stable")
    best = int(order[0])
    own = _explained_by_model(problem, evidence)
    part.data |= {
        "column_names": [names[i] for i in order],
        "column_explained": explained[order],
        "model_explained": own,
    }
    part.estimates |= {
        "best_column": Estimate(
            value=float(explained[best]),
            label=f"share of the target that {names[best]} alone explains",
        ),
        "model_explained": Estimate(
            value=own, label="share of the target that the model explains"
        ),
    }
    # The missingness of a column tells what the column tells.
    rest = [i for i in order[1:] if _source(names[i]) != _source(names[best])]
    following = max(float(explained[rest[0]]), 0.0) if rest else 0.0
    top = float(explained[best])
    alone = 1.0 - following >= _NEXT * (1.0 - top)
    suspicious = bool(top >= max(_AS_GOOD * own, _NEAR_PERFECT) and alone)
    certain = suspicious and (
        problem.classes is None or _has_few_levels(problem, names[best])
    )
    if suspicious and not certain:
        splits = evidence.splits[: evidence.n_fits // evidence.n_repeats]
        problem.require_time(len(splits), evidence.seconds_per_fit)
        others = _explained_by_rest(problem, splits, names[best])
        part.n_fits += len(splits)
        part.estimates["rest_explained"] = Estimate(
            value=others, label=f"share that the model explains without {names[best]}"
        )
        certain = others <= _REST * top
    part.findings.append(
        Finding(
            name="target_leak",
            verdict="leaky" if certain or not suspicious else "",
            effect=top,
            decisive=suspicious,
            size=10.0 if certain else 1.0,
            message=(
                f"{names[best]} alone explains {top:.1%} of the target (the model "
                f"{own:.1%}, the next column {following:.1%})"
                + (
                    "; check that it is known before the target is."
                    if suspicious
                    else "."
                )
            ),
            advice=f"Drop {names[best]} if it is known only after the target.",
        )
    )
    return part


def column_scores(problem: Problem, evidence: Evidence) -> list[tuple[str, float]]:
    """Return for each column the share of the target that it explains out of fold.

    The share is one minus the loss over the loss without any column: of squared
    errors, or of wrong labels weighted so that all classes count alike. Missing values
    are a column of their own too.
    """
    if sp.issparse(problem.X):
        return []
    plan = problem.columns
    numeric = np.asarray(plan.numeric, dtype=np.float64)
    if numeric.shape[1] + plan.codes.shape[1] > _MOST_COLUMNS:
        return []
    splits = evidence.splits[: evidence.n_fits // evidence.n_repeats]
    found = []
    for j, position in enumerate(plan.numeric_columns):
        values = numeric[:, j]
        name = problem.feature_names[position]
        found.append((name, _explained(problem, splits, values)))
        missing = np.isnan(values)
        if 0 < missing.sum() < len(missing):
            score = _explained(problem, splits, missing.astype(float))
            found.append((f"{name} (missing)", score))
    for j, position in enumerate(plan.nominal_columns):
        codes = plan.codes[:, j]
        name = problem.feature_names[position]
        found.append((name, _explained(problem, splits, codes, nominal=True)))
    return found


def _explained(
    problem: Problem, splits: list, values: np.ndarray, nominal: bool = False
) -> float:
    y = problem.y
    n_classes = 0 if problem.classes is None else len(problem.classes)
    said = np.empty(len(y))
    for train, test in splits:
        if nominal:
            said[test] = _by_level(values, y, train, test, n_classes)
            continue
        column = values[:, None]
        leaves = max(2**_DEPTH, _LEAVES_A_CLASS * n_classes)
        if n_classes:
            tree = DecisionTreeClassifier(
                max_leaf_nodes=leaves, class_weight="balanced", random_state=0
            )
        else:
            tree = DecisionTreeRegressor(max_leaf_nodes=64, random_state=0)
        said[test] = tree.fit(column[train], y[train]).predict(column[test])
    return _share(y, said, n_classes)


def _by_level(
    codes: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, k: int
) -> np.ndarray:
    """Predict from the training rows of the same level; a tree would order levels."""
    level = codes.astype(np.intp)
    n_levels = level.max() + 1
    counts = np.bincount(level[train], minlength=n_levels)
    if k == 0:
        sums = np.bincount(level[train], y[train], minlength=n_levels)
        mean = y[train].mean()
        return ((sums + mean) / (counts + 1.0))[level[test]]
    shares = np.bincount(y[train], minlength=k) / len(train)
    table = np.zeros((n_levels, k))
    np.add.at(table, (level[train], y[train]), 1.0)
    table /= np.maximum(shares, 1e-12)
    return table.argmax(axis=1)[level[test]]


def _share(y: np.ndarray, said: np.ndarray, n_classes: int) -> float:
    if n_classes == 0:
        return 1.0 - float(np.mean((y - said) ** 2)) / float(np.var(y))
    counts = np.bincount(y, minlength=n_classes)
    hits = np.bincount(y[said == y], minlength=n_classes)
    there = counts > 0
    recall = float((hits[there] / counts[there]).mean())
    chance = 1.0 / there.sum()
    return (recall - chance) / (1.0 - chance)


def _explained_by_model(problem: Problem, evidence: Evidence) -> float:
    n_classes = 0 if problem.classes is None else len(problem.classes)
    return _share(problem.y, evidence.prediction[0], n_classes)


def _explained_by_rest(problem: Problem, splits: list, name: str) -> float:
    """Return what the model explains where this column says nothing."""
    plan = problem.columns
    position = problem.feature_names.index(name)
    numeric = [list(plan.numeric_columns).index(position)]
    X = without_columns(problem, numeric, (), name)
    said = np.empty(problem.n_samples)
    for fit in problem.fit_folds(splits, "leakage", "rest", X=X):
        said[fit.test_rows] = fit.test.prediction
    return _share(
        problem.y, said, 0 if problem.classes is None else len(problem.classes)
    )


def _has_few_levels(problem: Problem, name: str) -> bool:
    """Whether a column (or its missingness) takes few values, as a flag does."""
    plan = problem.columns
    if name not in problem.feature_names:
        return True  # the missingness of a column
    position = problem.feature_names.index(name)
    if position in plan.nominal_columns:
        return True
    values = plan.numeric[:, list(plan.numeric_columns).index(position)]
    return len(np.unique(values)) <= _FEW_LEVELS


def _source(name: str) -> str:
    return name.removesuffix(" (missing)")
