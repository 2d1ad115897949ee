"""A million rare rows x 20: does our SMOTE finish, in how long, in how much memory?

No peer runs beside it: imbalanced-learn's search grows with the square of the rows. It
takes long, so ``make speed`` leaves it to a target of its own.
"""

from __future__ import annotations

import os

from _measure import (
    Report,
    Timing,
    alternate,
    gaussian_classes,
    main,
    resident_megabytes,
)

# isort: split
import numpy as np

from skoverfit.over_sampling import SMOTE


def measure(report: Report) -> None:
    """One call with all cores; as many rows are made as there are rare ones."""
    n = 2_000 if report.quick else 1_000_000
    X, y = gaussian_classes(n, 2 * n, 20, "float32")
    n_jobs = os.cpu_count() or 1
    held: dict[str, float] = {}
    peak: list[float | None] = []

    def resample() -> None:
        X_new, y_new = SMOTE(random_state=0, n_jobs=n_jobs).fit_resample(X, y)
        held["MiB"] = (X_new.nbytes + y_new.nbytes) / 2**20
        counts = np.bincount(y_new)
        assert counts[0] == counts[1] == 2 * n, counts

    # What a first call loads and keeps is not this one's memory.
    SMOTE(random_state=0, n_jobs=n_jobs).fit_resample(*gaussian_classes(600, 1_200, 20))
    found: dict[str, Timing] = alternate(
        {"ours": lambda: peak.append(resident_megabytes(resample))}, repeats=1, warm=0
    )
    case = f"{n} rare rows of {3 * n} x 20, float32, {n_jobs} threads"
    report.timed(case, found, resident={"ours": peak[-1]})
    report.goal(case, "seconds, wall", found["ours"].wall, None)
    if peak[-1] is not None:
        report.goal(
            case, "peak over output", peak[-1] / held["MiB"], 1.35, at_most=True
        )


if __name__ == "__main__":
    main(measure, __file__)
