# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of a remedy: the questions of classes and those of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from skoverfit.bench._types import Task

__all__ = [
    "GUESSES",
    "NUMBER_QUESTIONS",
    "QUESTIONS",
    "ROPE",
    "Metric",
    "metric_name",
    "questions_of",
]

# The region of equivalence: below it a difference is of no use to anybody.
ROPE = 0.01
# What the worthless model does that a helped one has to be better than.
GUESSES: dict[Task, str] = {
    "classification": "forecasting the class shares",
    "regression": "predicting the same number for every row",
}


class Metric(NamedTuple):
    """A question, its score and what a remedy must beat."""

    id: str
    label: str
    score: str
    higher_is_better: bool
    baseline: str
    name: str
    explanation: str

    def gain(self, new: np.ndarray, old: np.ndarray) -> np.ndarray:
        """Return the differences, signed so that positive is better."""
        return new - old if self.higher_is_better else old - new

    def rope(self, baseline: np.ndarray) -> float:
        """Return the half-width of the region of equivalence."""
        return ROPE if self.higher_is_better else ROPE * float(np.mean(baseline))

    @property
    def rope_label(self) -> str:
        """What people read for the region of equivalence."""
        if self.higher_is_better:
            return f"{ROPE:g}"
        noun = self.name if self.id == "probability" else "error"
        return f"{100 * ROPE:g} % of the {noun} without a remedy"


QUESTIONS = (
    Metric(
        "ranking",
        "Ranking",
        "ranking",
        True,
        "nothing",
        "average precision",
        "Does the model put the right rows first?",
    ),
    Metric(
        "probability",
        "Probability",
        "log_loss",
        False,
        "nothing",
        "log-loss",
        "Are the forecast probabilities good enough to act on?",
    ),
    # Re-sampling moves the threshold; so does moving the threshold, which is cheaper.
    Metric(
        "decision",
        "Decision",
        "balanced_accuracy",
        True,
        "threshold",
        "balanced accuracy",
        "Are the predicted labels right, every class counting the same? (The tuned "
        "threshold itself is set against nothing.)",
    ),
)

# Errors are in standard deviations of the table's target, so that tables compare: who
# predicts the mean is off by about 1.
NUMBER_QUESTIONS = (
    Metric(
        "error",
        "Error",
        "rmse",
        False,
        "nothing",
        "root mean square error",
        "How far off are the predictions, large misses counting more?",
    ),
    Metric(
        "typical",
        "Typical row",
        "absolute",
        False,
        "nothing",
        "mean absolute error",
        "How far off are the predictions, every unit of a miss counting the same?",
    ),
    Metric(
        "order",
        "Ranking",
        "spearman",
        True,
        "nothing",
        "rank correlation",
        "Are the rows put in the right order?",
    ),
    # For numbers what the decision is for classes: rare rows count.
    Metric(
        "extremes",
        "Rare values",
        "extremes",
        False,
        "nothing",
        "error of extremes",
        "How far off are the predictions for the lowest and the highest twentieth of "
        "the values?",
    ),
)


def questions_of(run: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Return the questions of a run; runs of old stores don't name a task."""
    return NUMBER_QUESTIONS if run.get("task") == "regression" else QUESTIONS


def metric_name(metric: Metric, tables: Iterable[Mapping[str, Any]]) -> str:
    """Return the name of the score for the tables at hand."""
    if metric.id != "ranking":
        return metric.name
    kinds = {len(table["classes"]) == 2 for table in tables}
    if len(kinds) == 2:
        return "average precision or AUC"
    return metric.name if kinds == {True} else "one-vs-one AUC"
