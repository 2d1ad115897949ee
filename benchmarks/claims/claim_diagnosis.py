"""The overfitting report names the disease that was planted, and spares the healthy.

A promise of ours. Every draw has fresh rows, sizes, an estimator and a severity from
the ranges below, which were fixed before the first full run.
"""

import sys
import warnings
from collections import Counter

import numpy as np
from _claim import Claim, Outcome, falls_below, holds_in, main, told
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skoverfit.inspection import OverfittingReport

RIGHT = {
    "no signal": {"no_signal"},
    "leaking column": {"leaky"},
    "duplicates": {"leaky"},
    "label noise": {"label_noise_limited"},
    "harmful overfitting": {"harmful_overfitting"},
    "underfitting": {"underfitting"},
    "shift": {"shifted"},
    "healthy": {"healthy", "benign_gap"},
}
N_HEALTHY = 100
N_COVERAGE = 200


def logistic(C=1.0):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))


def linear_table(rng, n, p, strength=2.0):
    """Draw rows whose log-odds are linear: a logistic regression is the right model."""
    X = rng.normal(size=(n, p))
    coef = rng.normal(size=p)
    odds = X @ (strength * coef / np.linalg.norm(coef))
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def separated_table(rng, n, p=10, n_classes=2):
    return make_classification(
        n,
        p,
        n_informative=5,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        class_sep=rng.uniform(1.5, 2.5),
        flip_y=0.0,
        random_state=int(rng.integers(2**31)),
    )


def no_signal(rng):
    n, p = int(rng.integers(150, 600)), int(rng.integers(5, 40))
    X = rng.normal(size=(n, p))
    y = (rng.random(n) < rng.uniform(0.3, 0.5)).astype(int)
    kinds = (logistic(), DecisionTreeClassifier(), RandomForestClassifier(50))
    return kinds[rng.integers(len(kinds))], X, y, {}


def leaking_column(rng):
    n, p = int(rng.integers(200, 800)), int(rng.integers(5, 20))
    X, y = linear_table(rng, n, p, rng.uniform(0.5, 1.5))
    told_on = np.where(rng.random(n) < rng.uniform(0, 0.02), 1 - y, y)
    leak = told_on + rng.normal(scale=0.05, size=n)
    kinds = (logistic(), DecisionTreeClassifier(max_depth=5))
    return kinds[rng.integers(len(kinds))], np.column_stack([X, leak]), y, {}


def duplicates(rng):
    n, p = int(rng.integers(200, 500)), int(rng.integers(5, 20))
    X, y = linear_table(rng, n, p, rng.uniform(0.5, 1.5))
    again = rng.choice(n, int(n * rng.uniform(0.2, 0.5)), replace=False)
    kinds = (KNeighborsClassifier(1), RandomForestClassifier(50))
    return kinds[rng.integers(len(kinds))], *(np.concatenate([a, a[again]])
                                              for a in (X, y)), {}  # fmt: skip


def label_noise(rng):
    n = int(rng.integers(600, 1500))
    n_classes = int(rng.integers(2, 5))
    X, y = separated_table(rng, n, n_classes=n_classes)
    wrong = rng.random(n) < rng.uniform(0.15, 0.3)
    y = np.where(wrong, (y + rng.integers(1, n_classes, n)) % n_classes, y)
    return logistic(), X, y, {}


def harmful_overfitting(rng):
    n = int(rng.integers(100, 300))
    X, y = linear_table(rng, n, int(n * rng.uniform(0.3, 1.5)))
    return logistic(10 ** rng.uniform(4, 6)), X, y, {}


def underfitting(rng):
    X, y = linear_table(rng, int(rng.integers(300, 1000)), int(rng.integers(5, 20)))
    return logistic(10 ** rng.uniform(-5, -3)), X, y, {}


def shift(rng):
    n, p = int(rng.integers(300, 1000)), int(rng.integers(5, 15))
    X, y = linear_table(rng, n, p)
    moved = rng.normal(size=(n // 2, p))
    columns = rng.choice(p, max(2, p // 4), replace=False)
    moved[:, columns] += rng.uniform(0.75, 1.5, len(columns))
    return logistic(), X, y, {"X_new": moved}


def healthy(rng):
    n, p = int(rng.integers(800, 1500)), int(rng.integers(4, 10))
    if rng.random() < 0.25:
        X = rng.normal(size=(n, p))
        return Ridge(), X, X @ rng.normal(size=p) + rng.normal(size=n), {}
    X, y = linear_table(rng, n, p, rng.uniform(1.5, 4))
    return logistic(), X, y, {}


DISEASES = {
    "no signal": no_signal,
    "leaking column": leaking_column,
    "duplicates": duplicates,
    "label noise": label_noise,
    "harmful overfitting": harmful_overfitting,
    "underfitting": underfitting,
    "shift": shift,
    "healthy": healthy,
}


def verdict_of(disease, seed):
    # Another stream for every disease, and none that development used.
    rng = np.random.default_rng([seed, sorted(DISEASES).index(disease), 2026])
    estimator, X, y, more = DISEASES[disease](rng)
    report = OverfittingReport(estimator, random_state=seed)
    return report.fit(X, y, **more).verdict_


def same_data(seed):
    """Return the verdict on one fixed table, where only the random state differs."""
    X, y = linear_table(np.random.default_rng(12), 150, 120)
    return OverfittingReport(logistic(1e5), random_state=seed).fit(X, y).verdict_


def digits_excess(seed):
    """Return the excess on digits with a fifth flipped, and the rate."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng([seed, 99])
    wrong = rng.random(len(y)) < 0.2
    y = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
    report = OverfittingReport(
        logistic(0.01), sections=["label_noise"], random_state=seed
    ).fit(X / 16, y)
    return report.sections_["label_noise"].estimates["excess"], wrong.mean()


def gap_interval(seed):
    """Return the gap's estimate and interval on one simulated set, and the truth's."""
    rng = np.random.default_rng([seed, 7])
    X, y = linear_table(rng, 200, 20)
    report = OverfittingReport(logistic(), sections=["gap"], random_state=seed)
    gap = report.fit(X, y).sections_["gap"].estimates["gap"]
    # The expected gap of a model on 160 rows, from fresh ones.
    X, y = linear_table(np.random.default_rng([seed, 7]), 200, 20)
    return gap.value, gap.lower, gap.upper


def true_gap(n_draws=400):
    """Return the mean gap of models on 160 rows of fresh problems."""
    gaps = []
    for number in range(n_draws):
        rng = np.random.default_rng([number, 8])
        X, y = linear_table(rng, 160 + 4000, 20)
        model = logistic().fit(X[:160], y[:160])
        proba = model.predict_proba(X)[np.arange(len(y)), y]
        loss = -np.log(proba)
        gaps.append(loss[160:].mean() - loss[:160].mean())
    return float(np.mean(gaps))


def experiment(seeds):
    full = len(seeds) == len(CLAIM.seeds)
    warnings.simplefilter("ignore")
    table = {d: Counter(verdict_of(d, seed) for seed in seeds) for d in RIGHT}
    findings = []
    for disease, right in RIGHT.items():
        hits = sum(table[disease][verdict] for verdict in right)
        held = [True] * hits + [False] * (len(seeds) - hits)
        findings.append(holds_in(f"{disease}: the right verdict", held, 18))
    n_healthy = N_HEALTHY if full else len(seeds)
    alarms = [
        verdict_of("healthy", 3000 + i) not in RIGHT["healthy"]
        for i in range(n_healthy)
    ]
    table["healthy, fresh draws"] = Counter(
        {"false alarm": sum(alarms), "right": n_healthy - sum(alarms)}
    )
    findings.append(holds_in("healthy: no false alarm", [not a for a in alarms], 95))
    verdicts = Counter(same_data(seed) for seed in seeds)
    most = max(verdicts.values())
    findings.append(
        holds_in(
            "the same data under other random states: the same verdict",
            [True] * most + [False] * (len(seeds) - most),
            18,
        )
    )
    X, y = load_breast_cancer(return_X_y=True)
    cancer = [
        OverfittingReport(logistic(), random_state=s).fit(X, y).verdict_ for s in seeds
    ]
    table["breast cancer"] = Counter(cancer)
    findings.append(
        holds_in(
            "breast cancer, logistic regression: healthy or benign gap",
            [verdict in RIGHT["healthy"] for verdict in cancer],
            18,
        )
    )
    excess = [digits_excess(seed) for seed in seeds]
    findings.append(
        holds_in(
            "digits, a fifth flipped: the interval of the excess meets rate +- .05",
            [e.lower - 0.05 <= rate <= e.upper + 0.05 for e, rate in excess],
            18,
        )
    )
    findings.append(
        told("digits, a fifth flipped: excess", [e.value for e, _ in excess])
    )
    truth = true_gap(400 if full else 40)
    sets = [gap_interval(seed) for seed in range(N_COVERAGE if full else len(seeds))]
    covered = np.array([low <= truth <= high for _, low, high in sets])
    findings.append(
        holds_in("the gap's interval covers the truth", covered, int(0.9 * len(sets)))
    )
    width = np.array([high - low for _, low, high in sets])
    oracle = 2 * 1.96 * np.std([gap for gap, *_ in sets], ddof=1)
    if full:
        findings.append(
            falls_below(
                "width of the gap interval, in the oracle's", width / oracle, 1.5
            )
        )
    print_table(table)
    notes = (
        "A first full run, on seeds 0 to 19, named a leaking column on 3 of 20 draws "
        "and a shift on 6 of 20: columns of many values had to part classes perfectly, "
        "and new rows had to cost score for sure; now it suffices that the model's "
        "forecasts for them are others. Both rules were changed, on other seeds, and "
        "everything was run again on seeds that nobody had seen.",
    )
    return Outcome(findings, {"verdicts": table, "true gap": truth}, notes)


def print_table(table):
    for disease, verdicts in table.items():
        counts = ", ".join(f"{name} {n}" for name, n in verdicts.most_common())
        print(f"    {disease}: {counts}", flush=True)


CLAIM = Claim(
    name="diagnosis",
    paper="Ours: the verdicts of the overfitting report",
    published=(
        "The report names a planted disease of moderate severity on at least 18 of 20 "
        "draws, raises at most 5 false alarms on 100 healthy ones, and its intervals "
        "cover at least 90 % of the time at no more than 1.5 times the width of an "
        "interval that knows the spread."
    ),
    here=(
        "20 fresh draws of each disease (rows, columns, estimator and severity at "
        "random), 100 healthy ones, 200 sets for the intervals; budget fast."
    ),
    seeds=range(40, 60),
    experiment=experiment,
    own=True,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
