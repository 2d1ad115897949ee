"""SMOTE on nominal columns: ours against imbalanced-learn's SMOTENC and SMOTEN."""

from __future__ import annotations

from _measure import Report, alternate, main, resident_megabytes, traced_megabytes

# isort: split
import imblearn.over_sampling as peers
import numpy as np

import skoverfit.over_sampling as ours

LEVELS = 8
N_COLUMNS = 10  # of each kind


def mixed(n: int, n_rare: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers, then codes of nominal columns, and the classes."""
    rng = np.random.default_rng(0)
    y = np.zeros(n, dtype=np.int64)
    y[:n_rare] = 1
    codes = rng.integers(0, LEVELS, (n, N_COLUMNS))
    X = np.concatenate([rng.standard_normal((n, N_COLUMNS)), codes], axis=1)
    return X, rng.permutation(y)


def compare(report: Report, case: str, calls: dict, goal: float) -> None:
    """Time both, and their memory; the peer takes many seconds."""
    found = alternate(calls, repeats=1 if report.quick else 3, warm=0, budget=120)
    traced = {name: traced_megabytes(call) for name, call in calls.items()}
    resident = {name: resident_megabytes(call) for name, call in calls.items()}
    report.timed(case, found, traced=traced, resident=resident)
    report.ratio(case, found, goal)


def measure(report: Report) -> None:
    """SMOTENC at 100 000 rows, SMOTEN at 30 000."""
    n, n_rare = (600, 60) if report.quick else (100_000, 10_000)
    X, y = mixed(n, n_rare)
    nominal = list(range(N_COLUMNS, 2 * N_COLUMNS))
    calls = {
        who: lambda room=room: room.SMOTENC(nominal, random_state=0).fit_resample(X, y)
        for who, room in (("ours", ours), ("peer", peers))
    }
    size = f"{n} rows, {n_rare} of them rare"
    compare(
        report,
        f"SMOTENC, {size}, {N_COLUMNS} numbers and {N_COLUMNS} nominal columns",
        calls,
        30.0,
    )
    n, n_rare = (600, 60) if report.quick else (30_000, 3_000)
    X_mixed, y_nominal = mixed(n, n_rare)
    codes = X_mixed[:, N_COLUMNS:].astype(np.int64)
    nominal_calls = {
        who: lambda room=room: room.SMOTEN(random_state=0).fit_resample(
            codes, y_nominal
        )
        for who, room in (("ours", ours), ("peer", peers))
    }
    case = f"SMOTEN, {n} rows, {n_rare} of them rare, {N_COLUMNS} nominal columns"
    compare(report, case, nominal_calls, 50.0)
    matrix = n_rare**2 * 8 / 2**20
    peak = traced_megabytes(nominal_calls["ours"])
    report.goal(
        case,
        "our peak over a matrix of all rare pairs",
        peak / matrix,
        0.5,
        at_most=True,
    )


if __name__ == "__main__":
    main(measure, __file__)
