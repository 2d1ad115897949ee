# SPDX-License-Identifier: BSD-3-Clause
"""From the rows of a run to comparisons, intervals and ranks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skoverfit._core._statistics import (
    Comparison as Statistic,
    combine_comparisons,
    corrected_comparison,
    holm,
)
from skoverfit.bench._questions import ROPE, Metric, questions_of
from skoverfit.bench._types import Task

__all__ = ["Compared", "Measured", "Results", "p_of_gain"]

CONFIDENCE = 0.95


class Measured(NamedTuple):
    """What was measured: a table in a scenario, an estimator, a remedy."""

    table: str
    group: str
    estimator: str
    remedy: str


class Compared(NamedTuple):
    """What is compared over the tables of a scenario."""

    question: str
    group: str
    estimator: str
    remedy: str


def p_of_gain(stat: Statistic) -> float:
    """Return the one-sided p-value of a gain; 1 minus it is that of a loss."""
    return stat.p_value / 2 if stat.difference > 0 else 1 - stat.p_value / 2


@dataclass
class Results:
    """The rows of a run, by what was measured and by (repeat, fold).

    Parameters
    ----------
    run : mapping
        The description of the plan.
    rows : iterable of mapping
        Rows of the store.
    """

    run: Mapping[str, Any]
    rows: Iterable[Mapping[str, Any]]

    def __post_init__(self) -> None:
        self.cells: dict[Measured, dict[tuple[int, int], Any]] = defaultdict(dict)
        self.failed: dict[Measured, list[str]] = defaultdict(list)
        self.skipped: dict[Measured, str] = {}
        self.created = ""
        self.counts = {"planned": len(self.run["cells"]), "done": 0, "failed": 0}
        labels = dict(self.run["cells"])
        for row in self.rows:
            # A row made under another table name or scenario label serves this run too.
            spec = labels[row["key"]]
            place = Measured(
                spec["table"], spec["group"], spec["estimator"], spec["remedy"]
            )
            self.created = max(self.created, row["created"])
            self.counts["done"] += 1
            if row["status"] == "done":
                self.cells[place][spec["repeat"], spec["fold"]] = row["value"]
            elif row["status"] == "skipped":
                self.skipped[place] = row["value"]["reason"]
            else:
                self.failed[place].append(row["value"]["error"])
                self.counts["failed"] += 1
        self.task: Task = self.run.get("task", "classification")
        self.questions = questions_of(self.run)
        self.tables = [table["name"] for table in self.run["tables"]]
        self.groups = list(self.run["groups"])
        # Scenarios whose training folds have other class shares than the test folds.
        self.shifted_groups = frozenset(self.run["shifted_groups"])
        self.estimators = list(self.run["estimators"])
        self.remedies = [remedy["name"] for remedy in self.run["remedies"]]
        self._memory: dict[Any, Any] = {}

    def scores(self, place: Measured, score: str, part: str = "test") -> dict:
        """Return {(repeat, fold): score}."""
        return {
            fold: value[part][score]
            for fold, value in self.cells.get(place, {}).items()
        }

    def test_train_ratio(self, place: Measured) -> float:
        """Return n_test / n_train of the split, before a scenario cut rows away."""
        table = next(t for t in self.run["tables"] if t["name"] == place.table)
        if "time" not in table["folds"]:
            return 1.0 / (self.run["n_splits"] - 1)
        return float(
            np.mean([v["n_test"] / v["n_train"] for v in self.cells[place].values()])
        )

    def baseline(self, metric: Metric, remedy: str) -> str:
        """Return what this remedy must beat; the baseline itself must beat nothing."""
        return "nothing" if remedy == metric.baseline else metric.baseline

    def compare_on_table(
        self, metric: Metric, new: Measured, old: Measured, part: str = "test"
    ) -> Statistic | None:
        """Compare two measured things on the folds that both have."""
        return self._paired(
            metric,
            self.scores(new, metric.score),
            self.scores(old, metric.score, part),
            self.test_train_ratio(new) if new in self.cells else 1.0,
        )

    @staticmethod
    def _paired(
        metric: Metric, new: dict, old: dict, test_train_ratio: float
    ) -> Statistic | None:
        folds = sorted(new.keys() & old.keys())
        if len(folds) < 2:
            return None
        a = np.array([new[f] for f in folds])
        b = np.array([old[f] for f in folds])
        return corrected_comparison(
            metric.gain(a, b),
            test_train_ratio=test_train_ratio,
            rope=metric.rope(b),
            confidence=CONFIDENCE,
        )

    def over_tables(
        self, group: str, compare: Any
    ) -> tuple[Statistic | None, list[str]]:
        """Combine ``compare(table)`` over the tables of a group that have it."""
        found = [(table, compare(table)) for table in self.tables]
        kept = [(table, stat) for table, stat in found if stat is not None]
        if not kept:
            return None, []
        stats = [stat for _, stat in kept]
        return combine_comparisons(stats, confidence=CONFIDENCE), [t for t, _ in kept]

    def against(
        self, metric: Metric, group: str, new: tuple[str, str], old: tuple[str, str]
    ) -> tuple[Statistic | None, list[str]]:
        """Compare (estimator, remedy) pairs over the tables of a group."""
        return self.over_tables(
            group,
            lambda table: self.compare_on_table(
                metric, Measured(table, group, *new), Measured(table, group, *old)
            ),
        )

    def against_dummy(
        self, metric: Metric, group: str, pair: tuple[str, str]
    ) -> Statistic | None:
        """Compare a pair with a dummy that knows the training targets alone."""
        stat, _ = self.over_tables(
            group,
            lambda table: self._against_dummy_on_table(
                metric, Measured(table, group, *pair)
            ),
        )
        return stat

    def _against_dummy_on_table(
        self, metric: Metric, place: Measured
    ) -> Statistic | None:
        if place not in self.cells:
            return None
        return self._paired(
            metric,
            self.scores(place, metric.score),
            self.scores(place, metric.score, "dummy"),
            self.test_train_ratio(place),
        )

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        """Yield (group, estimator, remedy) that have at least one finished cell."""
        have = {(p.group, p.estimator, p.remedy) for p in self.cells}
        for group in self.groups:
            for estimator in self.estimators:
                for remedy in self.remedies:
                    if (group, estimator, remedy) in have:
                        yield group, estimator, remedy

    def comparisons(self) -> dict[Compared, tuple[Statistic, float, list[str]]]:
        """Return every remedy against its baseline: statistic, p, tables.

        The p-value is one-sided, in the direction that was observed, and corrected by
        Holm over all comparisons of the question in that direction.
        """
        if "comparisons" in self._memory:
            return self._memory["comparisons"]
        found = {}
        for metric in self.questions:
            for group, estimator, remedy in self.pairs():
                if remedy == "nothing":
                    continue
                old = self.baseline(metric, remedy)
                stat, tables = self.against(
                    metric, group, (estimator, remedy), (estimator, old)
                )
                if stat is not None:
                    key = Compared(metric.id, group, estimator, remedy)
                    found[key] = (stat, tables)
        adjusted: dict[Compared, float] = {}
        for metric in self.questions:
            keys = [key for key in found if key.question == metric.id]
            gain = np.array([p_of_gain(found[key][0]) for key in keys])
            for_gain, for_loss = holm(gain), holm(1 - gain)
            for key, up, down in zip(keys, for_gain, for_loss, strict=True):
                adjusted[key] = float(up if found[key][0].difference > 0 else down)
        self._memory["comparisons"] = {
            key: (stat, adjusted[key], tables) for key, (stat, tables) in found.items()
        }
        return self._memory["comparisons"]

    def mean_score(
        self, metric: Metric, group: str, pair: tuple[str, str], tables: list[str]
    ) -> float:
        """Return the mean over these tables of the mean over folds."""
        return float(
            np.mean(
                [
                    np.mean(
                        list(
                            self.scores(
                                Measured(table, group, *pair), metric.score
                            ).values()
                        )
                    )
                    for table in tables
                ]
            )
        )

    def level(
        self, metric: Metric, group: str, pair: tuple[str, str]
    ) -> tuple[Statistic | None, list[str]]:
        """Return the score itself, with its interval, as a comparison with zero."""

        def on_table(table: str) -> Statistic | None:
            place = Measured(table, group, *pair)
            values = np.array(list(self.scores(place, metric.score).values()))
            if len(values) < 2:
                return None
            return corrected_comparison(
                values,
                test_train_ratio=self.test_train_ratio(place),
                rope=ROPE,
                confidence=CONFIDENCE,
            )

        return self.over_tables(group, on_table)

    def gap(
        self, metric: Metric, group: str, pair: tuple[str, str]
    ) -> tuple[Statistic | None, list[str]]:
        """Return by how much the training score is better than the test score."""

        def on_table(table: str) -> Statistic | None:
            place = Measured(table, group, *pair)
            if place not in self.cells:
                return None
            return self._paired(
                metric,
                self.scores(place, metric.score, "train"),
                self.scores(place, metric.score),
                self.test_train_ratio(place),
            )

        return self.over_tables(group, on_table)
