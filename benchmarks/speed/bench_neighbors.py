"""Exact self-joins: `FastNearestNeighbors` against scikit-learn's `NearestNeighbors`.

The peer runs with its defaults, which choose a tree or brute force by the number of
columns. Every answer that is timed is checked against distances of direct float64
differences.
"""

from __future__ import annotations

from _measure import Report, alternate, gaussian_classes, main, traced_megabytes

# isort: split
import numpy as np
from sklearn.neighbors import NearestNeighbors

from skoverfit.neighbors import FastNearestNeighbors

K = 5
# Columns -> how many times faster than the peer we mean to be.
GOALS = {3: 2.5, 5: 4.0, 10: 25.0, 20: 5.0, 50: 4.0, 100: 4.0, 200: 4.0}


def true_distances(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the K least distances of some rows to all others, by differences."""
    X = X.astype(np.float64)
    found = np.empty((len(rows), K))
    for place, row in enumerate(rows):
        squares = ((X - X[row]) ** 2).sum(axis=1)
        squares[row] = np.inf
        found[place] = np.sqrt(np.sort(np.partition(squares, K - 1)[:K]))
    return found


def share_exact(X: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> float:
    """Return the share of rows whose neighbours are as near as the nearest; ties pass.

    The distances are computed anew from the indices: those that were returned play no
    part.
    """
    wide = X.astype(np.float64)
    gaps = wide[indices[rows]] - wide[rows][:, None, :]
    given = np.sort(np.sqrt((gaps**2).sum(axis=2)), axis=1)
    truth = true_distances(X, rows)
    close = np.isclose(given, truth, rtol=1e-12, atol=0.0).all(axis=1)
    alone = (indices[rows] != rows[:, None]).all(axis=1)
    return float(np.mean(close & alone))


def hard_cases(n: int) -> dict[str, np.ndarray]:
    """Return tables on which |x|^2 + |y|^2 - 2xy in float32 fails."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, 20))
    stretched, apart = X.copy(), X.copy()
    stretched[:, 0] *= 1e3
    apart[: n // 2] += 1e4
    return {
        "offset 1e6": X + 1e6,
        "one column times 1e3": stretched,
        "two clusters 1e4 apart": apart,
        "each row five times": np.repeat(X[: n // 5], 5, axis=0),
    }


def search(kind: type, X: np.ndarray) -> np.ndarray:
    """Fit and return the neighbours of all rows, themselves left out."""
    return kind(n_neighbors=K).fit(X).kneighbors(return_distance=False)


def measure(report: Report) -> None:
    """Time and check by columns and dtype; the hard cases are checked only."""
    n = 300 if report.quick else 10_000
    some = np.random.default_rng(0).choice(n, min(n, 2000), replace=False)
    for d, goal in GOALS.items():
        for dtype in ("float64", "float32"):
            X, _ = gaussian_classes(n // 2, n - n // 2, d, dtype)
            calls = {
                "ours": lambda X=X: search(FastNearestNeighbors, X),
                "peer": lambda X=X: search(NearestNeighbors, X),
            }
            case = f"{n} rows, {d} columns, {dtype}"
            report.goal(
                case, "share of exact rows", share_exact(X, calls["ours"](), some), 1.0
            )
            found = alternate(calls, repeats=1 if report.quick else 5)
            memory = {name: traced_megabytes(call) for name, call in calls.items()}
            report.timed(case, found, traced=memory)
            report.ratio(case, found, goal)
    for name, X in hard_cases(n).items():
        found = search(FastNearestNeighbors, X)
        report.goal(name, "share of exact rows", share_exact(X, found, some), 1.0)


if __name__ == "__main__":
    main(measure, __file__)
