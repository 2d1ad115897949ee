"""Wrong labels: confident learning against cleanlab, LOF against scikit-learn.

Both with equal answers: the masks are identical, the factors agree to rounding.
"""

from __future__ import annotations

from _measure import Report, alternate, main, traced_megabytes

# isort: split
import numpy as np
from cleanlab.filter import find_label_issues as theirs
from sklearn.neighbors import LocalOutlierFactor

from skoverfit._core._outlier_factor import negative_outlier_factor
from skoverfit.noisy_labels import find_label_issues

# The rule that the goal is about, and the two defaults.
GOALS = {"confident_learning": 5.0, "prune_by_noise_rate": None, "prune_by_class": None}


def noisy(n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels, of which a tenth was drawn anew, and probabilities."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, n)
    proba = rng.dirichlet(np.full(n_classes, 0.3), n)
    proba[np.arange(n), y] += 1.0
    proba /= proba.sum(axis=1, keepdims=True)
    anew = rng.random(n) < 0.1
    y[anew] = rng.integers(0, n_classes, anew.sum())
    return y, proba


def low_rank(n: int, d: int) -> np.ndarray:
    """Return rows of intrinsic dimension 16."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 16), dtype=np.float32)
    X = X @ rng.standard_normal((16, d), dtype=np.float32)
    return X + 0.5 * rng.standard_normal((n, d), dtype=np.float32)


def measure(report: Report) -> None:
    """One thread; cleanlab's processes are turned off."""
    n, n_classes = (20_000, 10) if report.quick else (1_000_000, 10)
    y, proba = noisy(n, n_classes)
    for rule, target in GOALS.items():
        calls = {
            "ours": lambda rule=rule: find_label_issues(
                y, proba, filter_by=rule, tail_guard=False
            ),
            "peer": lambda rule=rule: theirs(y, proba, filter_by=rule, n_jobs=1),
            "ours, tail guard": lambda rule=rule: find_label_issues(
                y, proba, filter_by=rule
            ),
        }
        assert np.array_equal(calls["ours"](), calls["peer"]())
        case = f"{rule}, {n} x {n_classes}"
        found = alternate(calls, repeats=5)
        memory = {name: traced_megabytes(call) for name, call in calls.items()}
        report.timed(case, found, traced=memory)
        report.ratio(case, found, target)
    rows = low_rank(2_000 if report.quick else 20_000, 128)
    lof = {
        "ours": lambda: negative_outlier_factor(rows, 20),
        "peer": lambda: LocalOutlierFactor(20).fit(rows).negative_outlier_factor_,
    }
    difference = float(np.abs(lof["ours"]() - lof["peer"]()).max())
    assert difference < 1e-4, difference
    case = f"LOF, {len(rows)} x 128 float32, 20 neighbours"
    found = alternate(lof, repeats=3)
    report.timed(case, found)
    report.ratio(case, found, 1.8)


if __name__ == "__main__":
    main(measure, __file__)
