# SPDX-License-Identifier: BSD-3-Clause
"""The analysis of a run: everything that a report shows, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from skoverfit._core._statistics import (
    friedman_p,
    mean_ranks,
    nemenyi_critical_difference,
    wilson_interval,
)
from skoverfit._core._store import ResultStore
from skoverfit.bench import _account
from skoverfit.bench._aggregate import Measured, Results
from skoverfit.bench._estimators import ESTIMATOR_TITLES
from skoverfit.bench._questions import Metric, metric_name
from skoverfit.bench._scores import NUMBER_EDGES, RELIABILITY_EDGES
from skoverfit.bench._types import (
    Analysis,
    Comparison,
    Cost,
    Gap,
    HeatCell,
    Leader,
    Question,
    Ranks,
    Reliability,
    ReliabilityPoint,
)
from skoverfit.bench._verdicts import Judge, outcome_of

__all__ = ["analyse"]

_RELIABILITY_BINS = 10


def analyse(store: ResultStore, run: Mapping[str, Any]) -> Analysis:
    """Return the analysis of a run; a pure function of the store.

    Parameters
    ----------
    store : ResultStore
        Where the rows are.
    run : mapping
        One of ``store.runs()``.

    Returns
    -------
    Analysis
        Plain JSON values.
    """
    results = Results(run, store.get(key for key, _ in run["cells"]))
    titles = dict(ESTIMATOR_TITLES)
    titles.update({remedy["name"]: remedy["title"] for remedy in run["remedies"]})
    return _Writer(results, titles).write()


def _bounded(metric: Metric, lower: float, upper: float) -> _Bounds:
    """Cut an interval of a score where the score ends: at 0, and at 1 if it has one."""
    top = 1.0 if metric.higher_is_better else np.inf
    return {"lower": max(lower, 0.0), "upper": min(upper, top)}


def _mean_interval(total: float, squares: float, rows: float) -> tuple[float, float]:
    """Return the usual 95 % interval of a mean from its sums."""
    mean = total / rows
    variance = max(squares / rows - mean**2, 0.0) / max(rows - 1.0, 1.0)
    half = 1.96 * float(np.sqrt(variance))
    return mean - half, mean + half


class _Bounds(TypedDict):
    lower: float
    upper: float


class _Writer:
    """Write the parts of an analysis."""

    def __init__(self, results: Results, titles: Mapping[str, str]) -> None:
        self.results = results
        self.run = results.run
        self.judge = Judge(results, titles)
        self.title = self.judge.title

    def write(self) -> Analysis:
        """Put the parts together."""
        verdicts = [self.judge.verdict(metric) for metric in self.results.questions]
        counts = self.results.counts
        names = self.results.tables
        return {
            "task": self.results.task,
            "title": "Which remedy helps on "
            + (names[0] if len(names) == 1 else f"{len(names)} tables"),
            "headline": self._so_far() + self.judge.headline(verdicts),
            "groups": self.results.groups,
            "questions": [self.question(metric) for metric in self.results.questions],
            "verdicts": verdicts,
            "comparisons": self.comparisons(),
            "leaderboard": self.leaderboard(),
            "gaps": self.gaps(),
            "heat": self.heat(),
            "ranks": [self.ranks(metric) for metric in self.results.questions],
            "reliability": self.reliability(),
            "costs": self.costs(),
            "failures": _account.failures(self.results, self.title),
            "skipped": _account.skipped(self.results, self.title),
            "tables": _account.tables(self.results),
            "notes": _account.notes(self.results),
            "protocol": _account.protocol(self.results),
            "versions": dict(self.run["versions"]),
            "command": self.run["command"],
            "seed": self.run["seed"],
            "complete": counts["done"] == counts["planned"],
            "cells": {
                "planned": counts["planned"],
                "done": counts["done"],
                "failed": counts["failed"],
            },
            "created": self.results.created,
        }

    def _so_far(self) -> str:
        counts = self.results.counts
        if counts["done"] == counts["planned"]:
            return ""
        return f"So far, with {counts['done']} of {counts['planned']} cells: "

    def question(self, metric: Metric) -> Question:
        """Describe a question."""
        return {
            "id": metric.id,
            "label": metric.label,
            "metric": metric_name(metric, self.run["tables"]),
            "explanation": metric.explanation,
            "higher_is_better": metric.higher_is_better,
            "baseline": self.title(metric.baseline),
            "rope_label": metric.rope_label,
        }

    def comparisons(self) -> list[Comparison]:
        """Write every remedy against its baseline."""
        written: list[Comparison] = []
        metrics = {metric.id: metric for metric in self.results.questions}
        for key, (stat, p, tables) in self.results.comparisons().items():
            metric, pair = metrics[key.question], (key.estimator, key.remedy)
            old = (key.estimator, self.results.baseline(metric, key.remedy))
            better = self.judge.better_than_dummy(metric, key.group, pair)
            written.append(
                {
                    "question": key.question,
                    "group": key.group,
                    "estimator": self.title(key.estimator),
                    "remedy": self.title(key.remedy),
                    "difference": stat.difference,
                    "lower": stat.lower,
                    "upper": stat.upper,
                    "p_adjusted": p,
                    "p_gain": stat.p_gain,
                    "p_equivalent": stat.p_equivalent,
                    "p_loss": stat.p_loss,
                    "rope": stat.rope,
                    "score": self.results.mean_score(metric, key.group, pair, tables),
                    "baseline_score": self.results.mean_score(
                        metric, key.group, old, tables
                    ),
                    "n_tables": len(tables),
                    "n_folds": stat.n_folds,
                    "outcome": outcome_of(stat, p, better_than_dummy=better),
                    "better_than_dummy": better,
                }
            )
        return written

    def leaderboard(self) -> list[Leader]:
        """Rank the pairs that were measured on every table of their group."""
        board: list[Leader] = []
        for metric in self.results.questions:
            for group in self.results.groups:
                rows = []
                for found, estimator, remedy in self.results.pairs():
                    if found != group:
                        continue
                    pair = (estimator, remedy)
                    stat, tables = self.results.level(metric, group, pair)
                    if stat is not None and len(tables) == len(self.results.tables):
                        rows.append((stat, pair))
                rows.sort(
                    key=lambda row: row[0].difference, reverse=metric.higher_is_better
                )
                board += [
                    {
                        "question": metric.id,
                        "group": group,
                        "rank": rank,
                        "estimator": self.title(pair[0]),
                        "remedy": self.title(pair[1]),
                        "score": stat.difference,
                        **_bounded(metric, stat.lower, stat.upper),
                    }
                    for rank, (stat, pair) in enumerate(rows, start=1)
                ]
        return board

    def gaps(self) -> list[Gap]:
        """Write the train and test scores and the gap between them."""
        written: list[Gap] = []
        for metric in self.results.questions:
            for group, estimator, remedy in self.results.pairs():
                pair = (estimator, remedy)
                gap, tables = self.results.gap(metric, group, pair)
                if gap is None:
                    continue
                test = self.results.mean_score(metric, group, pair, tables)
                sign = 1 if metric.higher_is_better else -1
                written.append(
                    {
                        "question": metric.id,
                        "group": group,
                        "estimator": self.title(estimator),
                        "remedy": self.title(remedy),
                        "train": test + sign * gap.difference,
                        "test": test,
                        "gap": gap.difference,
                        "lower": gap.lower,
                        "upper": gap.upper,
                    }
                )
        return written

    def heat(self) -> list[HeatCell]:
        """Write the differences on each table alone."""
        written: list[HeatCell] = []
        for metric in self.results.questions:
            for group, estimator, remedy in self.results.pairs():
                if remedy == "nothing":
                    continue
                old = self.results.baseline(metric, remedy)
                for table in self.results.tables:
                    stat = self.results.compare_on_table(
                        metric,
                        Measured(table, group, estimator, remedy),
                        Measured(table, group, estimator, old),
                    )
                    if stat is not None:
                        written.append(
                            {
                                "question": metric.id,
                                "group": group,
                                "table": table,
                                "estimator": self.title(estimator),
                                "remedy": self.title(remedy),
                                "difference": stat.difference,
                                "lower": stat.lower,
                                "upper": stat.upper,
                            }
                        )
        return written

    def _gain_over_nothing(self, metric: Metric, place: Measured) -> float | None:
        """Return the mean gain; a remedy with nothing to do gains exactly nothing."""
        if place in self.results.skipped:
            return 0.0
        stat = self.results.compare_on_table(
            metric, place, place._replace(remedy="nothing")
        )
        return None if stat is None else stat.difference

    def ranks(self, metric: Metric) -> Ranks:
        """Rank the remedies on each table in each scenario."""
        remedies = self.results.remedies
        blocks = []
        for group in self.results.groups:
            for table in self.results.tables:
                gains = []
                for remedy in remedies:
                    of_remedy = [
                        self._gain_over_nothing(
                            metric, Measured(table, group, estimator, remedy)
                        )
                        for estimator in self.results.estimators
                    ]
                    known = [gain for gain in of_remedy if gain is not None]
                    gains.append(float(np.mean(known)) if known else None)
                if None not in gains:
                    blocks.append(gains)
        methods = [self.title(remedy) for remedy in remedies]
        if len(blocks) < 3 or len(methods) < 3:
            return {
                "question": metric.id,
                "methods": methods,
                "mean_ranks": [],
                "critical_difference": None,
                "n_blocks": len(blocks),
                "reason": "Ranks over data sets need at least three tables or "
                f"scenarios in which every remedy ran; there are {len(blocks)}.",
            }
        scores = np.array(blocks)
        p_value = friedman_p(scores)
        return {
            "question": metric.id,
            "methods": methods,
            "mean_ranks": [float(rank) for rank in mean_ranks(scores)],
            "critical_difference": float(
                nemenyi_critical_difference(len(methods), len(blocks))
            ),
            "n_blocks": len(blocks),
            "reason": ""
            if p_value < 0.05
            else "Friedman's test sees no difference between the remedies "
            f"(p = {p_value:.2f}).",
        }

    def reliability(self) -> list[Reliability]:
        """Write the curves of the estimator that forecasts each table best.

        Of probabilities, or of numbers in standard deviations from the mean.
        """
        written: list[Reliability] = []
        forecasts = ("probability", "error")
        metric = next(m for m in self.results.questions if m.id in forecasts)
        for group in self.results.groups:
            for table in self.results.tables:
                losses = {}
                for estimator in self.results.estimators:
                    place = Measured(table, group, estimator, "nothing")
                    values = list(self.results.scores(place, metric.score).values())
                    if values:
                        losses[estimator] = float(np.mean(values))
                if not losses:
                    continue
                best = min(losses, key=losses.__getitem__)
                for remedy in self.results.remedies:
                    points = self._points(Measured(table, group, best, remedy))
                    if points:
                        written.append(
                            {
                                "group": group,
                                "table": table,
                                "estimator": self.title(best),
                                "remedy": self.title(remedy),
                                "points": points,
                            }
                        )
        return written

    def _points(self, place: Measured) -> list[ReliabilityPoint]:
        """Merge the fine bins to bins of about even mass.

        Folds of a repeat are disjoint, repeats are not: counts are divided by the
        repeats, so that the interval does not pretend to more rows than there are.
        """
        cells = self.results.cells.get(place)
        if not cells:
            return []
        numbers = self.results.task == "regression"
        edges = NUMBER_EDGES if numbers else RELIABILITY_EDGES
        total = np.zeros((len(edges) + 1, 4 if numbers else 3))
        for value in cells.values():
            for index, *sums in value["reliability"]:
                total[index] += sums
        total /= len({repeat for repeat, _ in cells})
        order = np.cumsum(total[:, 0]) - total[:, 0] / 2
        bins = np.minimum(
            (order / total[:, 0].sum() * _RELIABILITY_BINS).astype(int),
            _RELIABILITY_BINS - 1,
        )
        points: list[ReliabilityPoint] = []
        for index in np.unique(bins[total[:, 0] > 0]):
            rows, forecast, hits, *squares = total[bins == index].sum(axis=0)
            lower, upper = (
                _mean_interval(hits, squares[0], rows)
                if numbers
                else wilson_interval(hits, rows)
            )
            points.append(
                {
                    "predicted": forecast / rows,
                    "observed": hits / rows,
                    "lower": float(lower),
                    "upper": float(upper),
                    "n": round(rows),
                }
            )
        return points

    def costs(self) -> list[Cost]:
        """Write what a remedy costs beside what it gains."""
        written: list[Cost] = []
        compared = self.results.comparisons()
        for key, (stat, _, tables) in compared.items():
            seconds: list[np.ndarray] = []
            ratios, memory = [], []
            for table in tables:
                place = Measured(table, key.group, key.estimator, key.remedy)
                cells = self.results.cells[place]
                plain = self.results.cells.get(place._replace(remedy="nothing"), {})
                fits = [v["fit_seconds"] for v in cells.values()]
                seconds.append(np.percentile(fits, [25, 50, 75]))
                own = float(np.median(fits))
                if plain:
                    base = np.median([v["fit_seconds"] for v in plain.values()])
                    ratios.append(own / max(float(base), 1e-9))
                memory += [
                    v["peak_memory_mb"]
                    for v in cells.values()
                    if v["peak_memory_mb"] is not None
                ]
            low, middle, high = np.mean(seconds, axis=0)
            written.append(
                {
                    "question": key.question,
                    "group": key.group,
                    "estimator": self.title(key.estimator),
                    "remedy": self.title(key.remedy),
                    "fit_seconds": float(middle),
                    "fit_seconds_lower": float(low),
                    "fit_seconds_upper": float(high),
                    "time_ratio": float(np.exp(np.mean(np.log(ratios))))
                    if ratios
                    else 1.0,
                    "peak_memory_mb": float(np.max(memory)) if memory else None,
                    "difference": stat.difference,
                    "lower": stat.lower,
                    "upper": stat.upper,
                }
            )
        return written
