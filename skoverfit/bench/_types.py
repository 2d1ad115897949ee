# SPDX-License-Identifier: BSD-3-Clause
"""What the rooms inside the main job hand to each other.

`Table` goes from the loaders to the protocol. `Analysis` goes from the analysis of the
store to the report and to ``--json``: plain JSON values only, so that a report is a
pure function of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np

Task = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is ready to be split: features, coded target, remarks.

    Parameters
    ----------
    name : str
        What a report prints.
    X : DataFrame or ndarray of shape (n_samples, n_features)
        A pandas frame (any column types, missing values allowed) or a float array.
    y : ndarray of shape (n_samples,), dtype int64 or float64
        Codes 0..K-1 into ``class_names``; in a binary task code 1 is the positive one.
        In a regression table the numbers themselves.
    class_names : tuple of str
        One a code; none in a regression table.
    groups : ndarray of shape (n_samples,), dtype int64, optional
        A code a row: rows of one group never straddle folds.
    time : ndarray of shape (n_samples,), dtype float64, optional
        A sortable number a row: training rows are then always the earlier ones.
    content_hash : str, default=""
        SHA-256 of everything that determines the cells: values, names, target, groups.
    source : str, default=""
        Where it comes from.
    notes : tuple of str, default=()
        Sentences for the report, e.g. which columns look like identifiers.
    id_like : tuple of str, default=()
        The columns that look like identifiers.

    Examples
    --------
    >>> from skoverfit.bench import embedded_tables
    >>> iris = next(embedded_tables())
    >>> iris.class_names, iris.is_binary, iris.task
    (('setosa', 'versicolor', 'virginica'), False, 'classification')
    """

    name: str
    X: Any
    y: np.ndarray
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    content_hash: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    id_like: tuple[str, ...] = field(default=())

    @property
    def is_binary(self) -> bool:
        """Whether the target has two classes."""
        return len(self.class_names) == 2

    @property
    def task(self) -> Task:
        """What is predicted: "classification" or "regression"."""
        return "classification" if self.class_names else "regression"


class Question(TypedDict):
    id: str  # "ranking" | "probability" | ..., see `_questions`
    label: str  # "Ranking"
    metric: str  # "average precision" (for mixed suites: both names)
    explanation: str  # one sentence for people
    higher_is_better: bool
    baseline: str  # "nothing", or "tuned threshold" for the decision
    rope_label: str  # "0.01" or "1 % of the log-loss"


class Clause(TypedDict):
    group: str
    sentence: str
    details: list[str]  # how far it carries, what else helps, what harms
    outcome: str  # "helps" | "none" | "no_signal" | "too_little_data"
    leads: bool  # a helped model is ahead of the best untreated one


class Verdict(TypedDict):
    question: str
    label: str
    sentence: str
    helps: bool
    clauses: list[Clause]


class Comparison(TypedDict):
    """A remedy against the baseline; differences are signed so that > 0 is better."""

    question: str
    group: str
    estimator: str
    remedy: str
    difference: float
    lower: float  # 95 % Nadeau-Bengio interval
    upper: float
    p_adjusted: float  # one-sided as observed, Holm over the question's comparisons
    p_gain: float  # posterior probability of a gain beyond the region of equivalence
    p_equivalent: float
    p_loss: float
    rope: float
    score: float  # mean over tables, in the metric's own direction
    baseline_score: float
    n_tables: int
    n_folds: int
    outcome: str  # "helps" | "harms" | "equivalent" | "undecided"
    better_than_dummy: bool


class Leader(TypedDict):
    question: str
    group: str
    rank: int
    estimator: str
    remedy: str
    score: float
    lower: float
    upper: float


class Gap(TypedDict):
    """Train and test score; gap = how much better the training score is."""

    question: str
    group: str
    estimator: str
    remedy: str
    train: float
    test: float
    gap: float
    lower: float
    upper: float


class HeatCell(TypedDict):
    question: str
    group: str
    table: str
    estimator: str
    remedy: str
    difference: float
    lower: float
    upper: float


class Ranks(TypedDict):
    """Mean ranks over tables x estimators; reason says why there is no diagram."""

    question: str
    methods: list[str]
    mean_ranks: list[float]
    critical_difference: float | None
    n_blocks: int
    reason: str


class ReliabilityPoint(TypedDict):
    predicted: float
    observed: float
    lower: float  # 95 % Wilson interval
    upper: float
    n: int


class Reliability(TypedDict):
    group: str
    table: str
    estimator: str
    remedy: str
    points: list[ReliabilityPoint]


class Cost(TypedDict):
    question: str
    group: str
    estimator: str
    remedy: str
    fit_seconds: float  # median of a fit, and its quartiles
    fit_seconds_lower: float
    fit_seconds_upper: float
    time_ratio: float  # against "nothing" with the same estimator
    peak_memory_mb: float | None  # None where the system can't tell
    difference: float
    lower: float
    upper: float


class Failure(TypedDict):
    table: str
    estimator: str
    remedy: str
    n_folds: int
    error: str


class Skipped(TypedDict):
    table: str
    estimator: str
    remedy: str
    reason: str


class TableInfo(TypedDict):
    name: str
    group: str
    source: str
    n_rows: int
    n_columns: int
    classes: dict[str, int]  # empty for a number as target
    numbers: NotRequired[dict[str, float]]  # mean, deviation and range of such a one
    positive: str | None
    dummy: dict[str, float]  # question id -> score of the class shares
    notes: list[str]


class CellCounts(TypedDict):
    planned: int
    done: int
    failed: int


class Analysis(TypedDict):
    title: str
    task: NotRequired[Task]  # absent means classification
    headline: str  # the sentence above the verdicts
    groups: list[str]  # labels of the scenarios, e.g. "as it is"
    questions: list[Question]
    verdicts: list[Verdict]
    comparisons: list[Comparison]
    leaderboard: list[Leader]
    gaps: list[Gap]
    heat: list[HeatCell]
    ranks: list[Ranks]
    reliability: list[Reliability]
    costs: list[Cost]
    failures: list[Failure]
    skipped: list[Skipped]
    tables: list[TableInfo]
    notes: list[str]
    protocol: dict[str, str]  # label -> text, in print order
    versions: dict[str, str]
    command: str
    seed: int
    complete: bool
    cells: CellCounts
    created: str  # UTC time of the last cell
