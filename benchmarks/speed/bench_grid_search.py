"""A search over C behind a sampler: our `Pipeline` against imbalanced-learn's.

Both hold the same sampler (imbalanced-learn's) and must give the same scores; ours
re-samples a fold once for all candidates that differ only behind it. A third search
has our SMOTE in our pipeline.
"""

from __future__ import annotations

from typing import Any

from _measure import Report, alternate, gaussian_classes, main

# isort: split
import imblearn.pipeline as peer
import numpy as np
from imblearn.over_sampling import SMOTE, BorderlineSMOTE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skoverfit.over_sampling as ours
from skoverfit.pipeline import Pipeline

# Sampler, rare rows, common rows, goal.
CASES = [(SMOTE, 3_000, 27_000, 1.8), (BorderlineSMOTE, 1_500, 13_500, 3.0)]
GRID = {"model__C": list(np.logspace(-3, 1, 8))}


def search(pipeline: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean score of every candidate."""
    found = GridSearchCV(
        pipeline,
        GRID,
        cv=StratifiedKFold(3),
        scoring="average_precision",
        refit=False,
    )
    return found.fit(X, y).cv_results_["mean_test_score"]


def steps(sampler: Any) -> list[tuple[str, Any]]:
    """Return what both pipelines hold."""
    return [("sampler", sampler), ("model", LogisticRegression(max_iter=200))]


def measure(report: Report) -> None:
    """Both samplers, 8 values of C, 3 folds."""
    for kind, n_rare, n_common, goal in CASES:
        if report.quick:
            n_rare, n_common = 60, 300
        X, y = gaussian_classes(n_rare, n_common, 20)
        calls = {
            "ours": lambda kind=kind, X=X, y=y: search(
                Pipeline(steps(kind(random_state=0))), X, y
            ),
            "peer": lambda kind=kind, X=X, y=y: search(
                peer.Pipeline(steps(kind(random_state=0))), X, y
            ),
        }
        if kind is SMOTE:
            calls["ours with our SMOTE"] = lambda X=X, y=y: search(
                Pipeline(steps(ours.SMOTE(random_state=0))), X, y
            )
        case = f"{kind.__name__}, {n_rare}+{n_common} x 20, 8 values of C"
        gap = np.abs(calls["ours"]() - calls["peer"]()).max()
        report.goal(case, "largest difference of scores", gap, 0.0, at_most=True)
        found = alternate(calls, repeats=1 if report.quick else 5, warm=0)
        report.timed(case, found)
        report.ratio(case, found, goal)
        if kind is SMOTE:
            report.ratio(case, found, None, ours="ours with our SMOTE")


if __name__ == "__main__":
    main(measure, __file__)
