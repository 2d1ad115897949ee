"""SMOTE: ours against imbalanced-learn's, the machine's limit, memory and threads.

With ``SKOVERFIT_NO_KERNEL=1`` in the environment the engine works without the compiled
kernel; this file runs itself once more that way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from _measure import (
    Report,
    alternate,
    gaussian_classes,
    main,
    resident_megabytes,
    traced_megabytes,
)

# isort: split
import imblearn.over_sampling as peers
import numpy as np
from sklearn.base import BaseEstimator

from skoverfit.over_sampling import SMOTE

K = 5
ALONE = "SKOVERFIT_SMOTE_SIZES"
_GEMM = 3072


def calls_for(X: np.ndarray, y: np.ndarray, **options: Any) -> dict[str, Any]:
    """Return one call of each with equal parameters."""
    return {
        "ours": lambda: SMOTE(random_state=0, **options).fit_resample(X, y),
        "peer": lambda: peers.SMOTE(random_state=0, **options).fit_resample(X, y),
    }


def whole(report: Report, n_rare: int, n_common: int, repeats: int) -> None:
    """P1, P2, P3: the usual call, and how near it is to what the machine can do."""
    for dtype in ("float64", "float32"):
        X, y = gaussian_classes(n_rare, n_common, 20, dtype)
        calls = calls_for(X, y)
        case = f"{n_rare}+{n_common} x 20, {dtype}"
        found = alternate(calls, repeats=repeats)
        traced = {name: traced_megabytes(call) for name, call in calls.items()}
        resident = {name: resident_megabytes(call) for name, call in calls.items()}
        report.timed(case, found, traced=traced, resident=resident)
        report.ratio(case, found, 4.0)
        X_new, y_new = calls["ours"]()
        assert X_new.dtype == X.dtype
        output = (X_new.nbytes + y_new.nbytes) / 2**20
        report.goal(
            case,
            "peak over output, traced",
            traced["ours"] / output,
            1.35,
            at_most=True,
        )
        if resident["ours"] is not None:
            report.goal(
                case, "peak over output, resident", resident["ours"] / output, None
            )
        limit = n_rare**2 * 2 * 20 / gemm_rate(report)
        report.goal(
            case,
            "share of the limit (all pairs at the speed of a float32 product)",
            limit / found["ours"].cpu,
            0.45 if dtype == "float32" else None,
        )
        report.goal(
            case,
            "share of the limit if each pair is computed once",
            limit / 2 / found["ours"].cpu,
            None,
        )


def gemm_rate(report: Report) -> float:
    """Return the operations a second of a float32 product, one thread."""
    n = 256 if report.quick else _GEMM
    A = np.random.default_rng(0).random((n, n), dtype=np.float32)
    out = np.empty_like(A)
    found = alternate({"product": lambda: np.matmul(A, A, out=out)}, repeats=5)
    rate = 2 * n**3 / found["product"].cpu
    report.note(f"float32 product of {n} x {n}: {rate / 1e9:.1f} GFLOP/s")
    return rate


class Ready(BaseEstimator):
    """Neighbours that are known already: what is left is to make the rows."""

    def __init__(self, n_neighbors: int = K + 1) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: np.ndarray, y: Any = None) -> Ready:
        """Remember how many rows there are."""
        self.n_samples_fit_ = len(X)
        return self

    def kneighbors(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Return the next rows in order; with the row itself if it is asked for."""
        k = n_neighbors or self.n_neighbors
        n, own = self.n_samples_fit_, X is not None
        shift = np.arange(0 if own else 1, k if own else k + 1)
        indices = (np.arange(n)[:, None] + shift) % n
        distances = np.broadcast_to(np.sqrt(shift.astype(float)), indices.shape)
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(self, *options: Any) -> Any:
        """Be a search for imbalanced-learn, which asks whether this exists."""
        raise NotImplementedError


def generation(report: Report, n_rare: int, n_common: int, d: int) -> None:
    """P4: all but the search, against imbalanced-learn's and a plain fill."""
    X, y = gaussian_classes(n_rare, n_common, d, "float32")
    calls = calls_for(X, y, k_neighbors=Ready())
    shape = (2 * n_common, d)
    calls["fill"] = lambda: np.empty(shape, np.float32).fill(1.0)
    case = f"all but the search, {n_rare}+{n_common} x {d}, float32"
    found = alternate(calls, repeats=1 if report.quick else 7)
    report.timed(case, found)
    report.ratio(case, found, 2.5)
    report.goal(
        case,
        "ours / fill of the output, CPU",
        found["ours"].cpu / max(found["fill"].cpu, 1e-9),
        1.5,
        at_most=True,
    )


def few_made(report: Report, n_rare: int, n_common: int, repeats: int) -> None:
    """P8: a fifth as many rows are made as there are rare ones."""
    X, y = gaussian_classes(n_rare, n_common, 20, "float32")
    calls = calls_for(X, y, sampling_strategy={1: n_rare + n_rare // 5})
    case = f"{n_rare // 5} rows made of {n_rare} x 20, float32"
    found = alternate(calls, repeats=repeats)
    report.timed(case, found)
    report.ratio(case, found, 15.0)


def small_call(report: Report) -> None:
    """P9: what a grid of many small fits pays."""
    X, y = gaussian_classes(100, 900, 8, "float32")
    n_calls = 2 if report.quick else 40
    calls = {
        name: lambda call=call: [call() for _ in range(n_calls)]
        for name, call in calls_for(X, y).items()
    }
    case = f"{n_calls} calls on 100+900 x 8, float32"
    found = alternate(calls, repeats=7)
    report.timed(case, found)
    report.ratio(case, found, 4.0)


def second_thread(report: Report, n_rare: int, n_common: int, repeats: int) -> None:
    """What n_jobs=2 gives, on the wall clock."""
    if (os.cpu_count() or 1) < 2:
        report.note("One core: the second thread was not measured.")
        return
    X, y = gaussian_classes(n_rare, n_common, 20, "float32")
    calls = {
        f"{n} thread{'s' * (n > 1)}": lambda n=n: SMOTE(
            random_state=0, n_jobs=n
        ).fit_resample(X, y)
        for n in (1, 2)
    }
    case = f"{n_rare}+{n_common} x 20, float32"
    found = alternate(calls, repeats=repeats)
    report.timed(case, found)
    report.ratio(case, found, 1.7, ours="2 threads", peer="1 thread", clock="wall")


def without_kernel(report: Report, sizes: tuple[int, int, int]) -> None:
    """P1 again where no kernel was built: a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "SKOVERFIT_NO_KERNEL": "1", ALONE: json.dumps(sizes)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    case = f"{sizes[0]}+{sizes[1]} x 20, float64, no kernel"
    report.goal(case, "peer / ours, CPU", found["peer"] / found["ours"], 1.6)


def alone(n_rare: int, n_common: int, repeats: int) -> None:
    """Print the CPU seconds of both as JSON."""
    X, y = gaussian_classes(n_rare, n_common, 20)
    found = alternate(calls_for(X, y), repeats=repeats)
    print(json.dumps({name: timing.cpu for name, timing in found.items()}))


def measure(report: Report) -> None:
    """All of it."""
    sizes = (100, 500, 1) if report.quick else (10_000, 100_000, 5)
    whole(report, *sizes)
    without_kernel(report, sizes)
    few_made(report, *sizes)
    generation(report, *((100, 500, 50) if report.quick else (2_000, 20_000, 1_000)))
    small_call(report)
    second_thread(report, *sizes)


if __name__ == "__main__":
    if ALONE in os.environ:
        alone(*json.loads(os.environ[ALONE]))
    else:
        main(measure, __file__)
