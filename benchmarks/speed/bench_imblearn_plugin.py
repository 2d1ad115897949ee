"""imbalanced-learn's own samplers with `FastNearestNeighbors` as their search.

Nothing of imbalanced-learn is changed; what comes out is compared with what it gives
with its own search.
"""

from __future__ import annotations

from _measure import Report, alternate, gaussian_classes, main

# isort: split
import numpy as np
from imblearn.over_sampling import ADASYN, BorderlineSMOTE
from imblearn.under_sampling import EditedNearestNeighbours

from skoverfit.neighbors import FastNearestNeighbors


def plain(k: int) -> int:
    """Let imbalanced-learn search: it counts neighbours without the row itself."""
    return k


def fast(k: int) -> FastNearestNeighbors:
    """Search with ours; an object is asked for the row itself too."""
    return FastNearestNeighbors(n_neighbors=k + 1)


SAMPLERS = {
    "EditedNearestNeighbours": lambda find: EditedNearestNeighbours(
        n_neighbors=find(3)
    ),
    "BorderlineSMOTE": lambda find: BorderlineSMOTE(
        random_state=0, k_neighbors=find(5), m_neighbors=find(10)
    ),
    "ADASYN": lambda find: ADASYN(random_state=0, n_neighbors=find(5)),
}
# Sampler, rare rows, common rows, columns, goal, repeats.
CASES = [
    ("EditedNearestNeighbours", 1_000, 10_000, 10, 10.0, 5),
    ("BorderlineSMOTE", 1_000, 10_000, 10, 8.0, 5),
    ("ADASYN", 1_000, 10_000, 10, 8.0, 5),
    ("BorderlineSMOTE", 10_000, 100_000, 20, 3.5, 3),
]


def measure(report: Report) -> None:
    """Alternate between the two searches."""
    for name, n_rare, n_common, d, goal, repeats in CASES:
        if report.quick:
            n_rare, n_common, repeats = 60, 300, 1
        X, y = gaussian_classes(n_rare, n_common, d, "float32")
        calls = {
            who: lambda name=name, find=find, X=X, y=y: SAMPLERS[name](
                find
            ).fit_resample(X, y)
            for who, find in (("ours", fast), ("peer", plain))
        }
        case = f"{name}, {n_rare}+{n_common} x {d}"
        own, peer = (calls[who]()[0] for who in ("ours", "peer"))
        same = own.shape == peer.shape and np.allclose(own, peer, atol=1e-4)
        report.goal(case, "same output", float(same), 1.0)
        found = alternate(calls, repeats=repeats, warm=0)
        report.timed(case, found)
        report.ratio(case, found, goal)


if __name__ == "__main__":
    main(measure, __file__)
