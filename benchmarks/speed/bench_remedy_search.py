"""`RemedySearchCV` beside a plain GridSearchCV of as many fits.

The remedies cost one fit each, and the grid has as many candidates of the plain
estimator. So all that the search adds counts: pipelines and samplers, the draws by
which candidates are dropped, and a thousand draws for the corrected score.
"""

from __future__ import annotations

from typing import Any

from _measure import Report, alternate, gaussian_classes, main

# isort: split
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skoverfit.model_selection import RemedySearchCV

# One fit each; of three samplers two make the training set smaller or larger.
REMEDIES = ["class_weight", "prior_threshold", "random_over", "random_under", "smote"]
# Estimator, a parameter with as many values as there are candidates, rows.
CASES: list[tuple[Any, dict[str, list[Any]], int]] = [
    (LogisticRegression(max_iter=200), {"C": list(np.logspace(-2, 2, 6))}, 5_000),
    (
        HistGradientBoostingClassifier(max_iter=50, random_state=0),
        {"l2_regularization": [0.0, 0.1, 0.3, 1.0, 3.0, 10.0]},
        5_000,
    ),
]


def measure(report: Report) -> None:
    """Both strategies, five folds."""
    for estimator, grid, n in CASES:
        size = 300 if report.quick else n
        X, y = gaussian_classes(size // 10, size - size // 10, 20)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        plain = GridSearchCV(estimator, grid, cv=folds, scoring="balanced_accuracy")
        calls = {"GridSearchCV": lambda plain=plain, X=X, y=y: plain.fit(X, y)}
        for strategy in ("exhaustive", "fold_racing"):
            search = RemedySearchCV(
                estimator, REMEDIES, strategy=strategy, cv=folds, random_state=0
            )
            calls[strategy] = lambda search=search, X=X, y=y: search.fit(X, y)
        found = alternate(calls, repeats=1 if report.quick else 5)
        case = f"{type(estimator).__name__}, {size} x 20, 6 candidates, 5 folds"
        report.timed(case, found)
        for strategy in ("exhaustive", "fold_racing"):
            ratio = found[strategy].cpu / found["GridSearchCV"].cpu
            report.goal(
                case, f"{strategy} / GridSearchCV, CPU", ratio, 3.0, at_most=True
            )


if __name__ == "__main__":
    main(measure, __file__)
