# SPDX-License-Identifier: BSD-3-Clause
"""How often sections of `OverfittingReport` alarm: healthy draws and ill ones.

    python benchmarks/accuracy/bench_report_sections.py

Sections on more rows, shuffled targets, leaks and shift, with ``budget="fast"``. A
healthy draw has nothing that these sections look for; an ill one has one moderate
disease. Written: how often each verdict was given and each finding confirmed.
"""

import argparse
import json
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skoverfit.inspection import OverfittingReport

SECTIONS = ["learning_curve", "permutation", "leakage", "shift"]
RESULT = Path(__file__).parents[1] / "results" / "accuracy" / "report_sections.json"


def boosting():
    return HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=8)


def tree():
    return DecisionTreeClassifier(min_samples_leaf=5)


def table(n, seed, flip=0.05):
    return make_classification(
        n, 10, n_informative=4, n_redundant=2, flip_y=flip, random_state=seed
    )


def linear(seed):
    """Classification, logistic regression."""
    return LogisticRegression(), *table(600, seed), {}


def boosted(seed):
    """Classification, gradient boosting."""
    return boosting(), *table(600, seed), {}


def ridge(seed):
    """Regression, ridge."""
    X, y = make_regression(400, 10, noise=30, random_state=seed)
    return Ridge(), X, y, {}


def informative_levels(seed):
    """A category of 12 levels, ages and years of schooling that all tell something."""
    rng = np.random.default_rng(seed)
    n = 600
    job, age = rng.integers(12, size=n), rng.integers(18, 80, size=n)
    schooling = rng.integers(1, 17, size=n)
    income = 2 * schooling + 0.1 * age + rng.normal(0, 3, n)
    logit = rng.normal(0, 1, 12)[job] + 0.05 * (age - 49) + 0.2 * (income - 22)
    X = pd.DataFrame({"age": age, "schooling": schooling, "income": income})
    X["job"] = pd.Categorical([f"job {i}" for i in job])
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job"]),
        remainder="passthrough",
    )
    model = tree() if seed % 2 else LogisticRegression(max_iter=300)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)
    return make_pipeline(columns, model), X, y, {}


def coarse(seed):
    """Five columns of three values: rows are equal by chance."""
    rng = np.random.default_rng(seed)
    X = rng.integers(3, size=(600, 5)).astype(float)
    logit = X @ rng.choice([-1.0, 1.0], 5)
    y = (rng.random(600) < 1 / (1 + np.exp(logit.mean() - logit))).astype(int)
    return tree(), X, y, {}


def ordered(seed):
    """Rows in time, nothing changes."""
    model = LogisticRegression() if seed % 2 else boosting()
    return model, *table(600, seed), {"time": np.arange(600)}


def new_rows(seed):
    """X_new of the same law."""
    X, y = table(1000, seed)
    model = LogisticRegression() if seed % 2 else boosting()
    return model, X[:600], y[:600], {"X_new": X[600:]}


def idle_names(seed):
    """A column of 30 names that have nothing to do with the rows."""
    X, y = table(600, seed)
    names = np.random.default_rng(seed).integers(30, size=600)
    return tree(), np.column_stack([X, names]), y, {}


def idle_groups(seed):
    """Groups of the user that have nothing to do with the rows."""
    groups = np.random.default_rng(seed).integers(40, size=600)
    return tree(), *table(600, seed), {"groups": groups}


def copies(seed, jitter=0.0):
    """A fifth of the rows twice; 20 % random labels; tree or three neighbours."""
    X, y = table(500, seed, flip=0.2)
    rng = np.random.default_rng(seed)
    rows = rng.choice(500, 100, replace=False)
    made = X[rows] + jitter * rng.normal(size=(100, 10))
    model = DecisionTreeClassifier() if seed % 2 else KNeighborsClassifier(3)
    return model, np.concatenate([X, made]), np.concatenate([y, y[rows]]), {}


def near_copies(seed):
    """The same, copies differ by 1e-5."""
    return copies(seed, 1e-5)


def copies_of_noise(seed):
    """One neighbour, random labels, a fifth of the rows twice."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(400, 5)), rng.integers(2, size=400)
    rows = rng.choice(400, 80, replace=False)
    X, y = np.concatenate([X, X[rows]]), np.concatenate([y, y[rows]])
    return KNeighborsClassifier(1), X, y, {}


def _grouped(seed):
    rng = np.random.default_rng(seed)
    group = rng.integers(40, size=600)
    X = rng.normal(size=(40, 8))[group] + 0.5 * rng.normal(size=(600, 8))
    logit = X[:, 0] + rng.normal(0, 2, 40)[group]
    y = (rng.random(600) < 1 / (1 + np.exp(-logit))).astype(int)
    return X, y, group


def named_groups(seed):
    """Forty groups with an effect of their own, one column names them."""
    X, y, group = _grouped(seed)
    model = tree() if seed % 2 else KNeighborsClassifier(5)
    return model, np.column_stack([X, group]), y, {}


def known_groups(seed):
    """The same groups, passed as groups."""
    X, y, group = _grouped(seed)
    return (tree() if seed % 2 else KNeighborsClassifier(5)), X, y, {"groups": group}


def drift(seed):
    """The rule turns by 0.8 pi from the first row to the last."""
    rng = np.random.default_rng(seed)
    when = np.arange(600)
    X, angle = rng.normal(size=(600, 6)), 0.8 * np.pi * when / 600
    logit = 2 * (np.cos(angle) * X[:, 0] + np.sin(angle) * X[:, 1])
    y = (rng.random(600) < 1 / (1 + np.exp(-logit))).astype(int)
    return LogisticRegression() if seed % 2 else boosting(), X, y, {"time": when}


def late_column(seed):
    """A column that is the target with 2 % errors; the number with 1 % noise."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        X, y = make_regression(400, 10, noise=30, random_state=seed)
        late = y + 0.1 * y.std() * rng.normal(size=400)
        return Ridge(), np.column_stack([X, late]), y, {}
    X, y = table(600, seed)
    late = np.where(rng.random(600) < 0.02, 1 - y, y)
    return LogisticRegression(), np.column_stack([X, late]), y, {}


def noise(seed):
    """Nothing to learn; deep tree or logistic regression."""
    rng = np.random.default_rng(seed)
    model = DecisionTreeClassifier() if seed % 2 else LogisticRegression()
    return model, rng.normal(size=(300, 10)), rng.integers(2, size=300), {}


def moved_rows(seed):
    """X_new with half of the columns moved by one standard deviation."""
    model, X, y, rows = new_rows(seed)
    moved = rows["X_new"].copy()
    moved[:, :5] += moved[:, :5].std(axis=0)
    return model, X, y, {"X_new": moved}


HEALTHY = [
    linear, boosted, ridge, informative_levels, coarse, ordered, new_rows, idle_names,
    idle_groups,
]  # fmt: skip
ILL = {
    copies: "leaky", near_copies: "leaky", copies_of_noise: "leaky",
    named_groups: "leaky", known_groups: "groups_matter", drift: "shifted",
    late_column: "leaky", noise: "no_signal", moved_rows: "shifted",
}  # fmt: skip


def examine(draw, n_draws):
    """Count verdicts and confirmed findings over draws."""
    verdicts, findings = Counter(), Counter()
    start = time.perf_counter()
    for seed in range(n_draws):
        model, X, y, rows = draw(seed)
        report = OverfittingReport(model, sections=SECTIONS, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report.fit(X, y, rows.pop("groups", None), **rows)
        verdicts[report.verdict_] += 1
        findings.update(f.name for f in report.findings_ if f.confirmed)
    seconds = (time.perf_counter() - start) / n_draws
    return {
        "what": draw.__doc__,
        "draws": n_draws,
        "verdicts": dict(verdicts),
        "confirmed": dict(findings),
        "seconds_per_report": round(seconds, 2),
    }


def main():
    """Run all cases and write the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--healthy", type=int, default=30)
    parser.add_argument("--ill", type=int, default=20)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    cases = [(draw, options.healthy, None) for draw in HEALTHY]
    cases += [(draw, options.ill, asked) for draw, asked in ILL.items()]
    for draw, n_draws, asked in cases:
        if options.only and draw.__name__ not in options.only:
            continue
        result = {"asked": asked, **examine(draw, n_draws)}
        print(draw.__name__, json.dumps(result), flush=True)
        # Cases may be run by several processes: read again what is there.
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results[draw.__name__] = result
        RESULT.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
