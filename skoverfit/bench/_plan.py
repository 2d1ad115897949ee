# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a run: which cells there are, and the key of each."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from skoverfit._core._random import derive_seed
from skoverfit._core._store import content_key
from skoverfit._core._versions import code_version, minor_versions, peer_versions
from skoverfit.bench._cell import CellTask, FoldData
from skoverfit.bench._estimators import describe_estimator
from skoverfit.bench._preparation import prepare_fold
from skoverfit.bench._protocol import Fold, default_repeats, inner_folds, make_folds
from skoverfit.bench._raw import RawRows, needs_raw_rows
from skoverfit.bench._suites import AS_IT_IS, Scenario
from skoverfit.bench._types import Table, Task
from skoverfit.catalogue import Remedy, get_remedies
from skoverfit.model_selection._apply import describe_remedy, reason_against

__all__ = ["Plan", "PlannedFold"]

# What every run has beside the remedies that were asked for: "nothing", and for classes
# the tuned threshold against which decisions are judged.
ALWAYS: dict[Task, tuple[str, ...]] = {
    "classification": ("nothing", "threshold"),
    "regression": ("nothing",),
}


@dataclass(frozen=True)
class PlannedFold:
    """One fold of one table in one scenario, with its cells."""

    table: Table
    scenario: Scenario
    fold: Fold
    tasks: tuple[CellTask, ...]
    random_state: int

    def prepare(self, tasks: Iterable[CellTask] | None = None) -> FoldData:
        """Draw what the scenario draws, encode and scale: on training rows only.

        The raw rows come along if one of ``tasks``, by default all, needs them.
        """
        tasks = self.tasks if tasks is None else tasks
        y = self.table.y
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train, given = self.scenario.apply(y, self.fold.train, self.random_state)
        # One thread: the text encoder's sums would else depend on how many there are,
        # and trees turn the last digit into another split.
        with threadpool_limits(1):
            prepared = prepare_fold(
                self.table, train, self.fold.test, random_state=self.random_state
            )
        time = self.table.time
        groups = None if self.table.groups is None else self.table.groups[train]
        raw = None
        if any(needs_raw_rows(task.remedy) for task in tasks):
            raw = RawRows(prepared.raw_train, prepared.preparation).pack()
        return FoldData(
            X_train=prepared.X_train,
            y_train=given,
            X_test=prepared.X_test,
            y_test=y[self.fold.test],
            n_classes=len(self.table.class_names),
            inner=inner_folds(
                given,
                groups=groups,
                time=None if time is None else time[train],
                random_state=self.random_state,
                task=self.table.task,
            ),
            notes=(*prepared.notes, *sorted({str(w.message) for w in caught})),
            groups=groups,
            raw=raw,
            center=0.0 if self.table.class_names else float(np.mean(y)),
            scale=1.0 if self.table.class_names else float(np.std(y)),
        )


class Plan:
    """All cells of a run, in an order in which every prefix is balanced.

    Parameters
    ----------
    tables : sequence of Table
        What is measured on.
    scenarios : sequence of Scenario
        What is done to the training folds.
    estimators : mapping of str to estimator
        What the remedies are tried on.
    remedies : sequence of Remedy
        "nothing" and the tuned threshold are added.
    n_splits : int
        Folds.
    n_repeats : int or None
        How often the folds are redrawn; None asks `default_repeats` for each table.
    random_state : int
        Seed of everything.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        *,
        scenarios: Sequence[Scenario] = (AS_IT_IS,),
        estimators: Mapping[str, BaseEstimator],
        remedies: Sequence[Remedy],
        n_splits: int = 5,
        n_repeats: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.tables = tuple(tables)
        self.scenarios = tuple(scenarios)
        self.task: Task = self.tables[0].task if self.tables else "classification"
        self.estimators = dict(estimators)
        chosen = {remedy.name: remedy for remedy in get_remedies(ALWAYS[self.task])}
        chosen.update({remedy.name: remedy for remedy in remedies})
        self.remedies = tuple(chosen.values())
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state
        # Drawn at once, so that what can't be split is said before anything is fitted.
        self.folds = tuple(self._plan_folds())

    def repeats(self, table: Table) -> int:
        """Return how often the folds of this table are redrawn."""
        if table.time is not None:
            return 1
        return self.n_repeats or default_repeats(len(table.y))

    def _plan_folds(self) -> Iterator[PlannedFold]:
        drawn = [
            (
                table,
                list(
                    make_folds(
                        table,
                        n_splits=self.n_splits,
                        n_repeats=self.repeats(table),
                        seed=self.random_state,
                    )
                ),
            )
            for table in self.tables
        ]
        most = max((len(folds) for _, folds in drawn), default=0)
        for position in range(most):
            for table, folds in drawn:
                if position < len(folds):
                    for scenario in self.scenarios:
                        yield self._planned_fold(table, scenario, folds[position])

    def _planned_fold(
        self, table: Table, scenario: Scenario, fold: Fold
    ) -> PlannedFold:
        path = (
            table.content_hash,
            content_key(scenario.spec()),
            fold.repeat,
            fold.fold,
        )
        random_state = derive_seed(self.random_state, *path)
        tasks = []
        for name, estimator in self.estimators.items():
            described = describe_estimator(estimator)
            seed = derive_seed(self.random_state, *path, content_key(described))
            for remedy in self.remedies:
                if reason_against(remedy, estimator):
                    continue
                spec = {
                    "data": table.content_hash,
                    "scenario": scenario.spec(),
                    "seed": self.random_state,
                    "n_splits": self.n_splits,
                    "repeat": fold.repeat,
                    "fold": fold.fold,
                    "estimator": described,
                    "remedy": describe_remedy(remedy),
                    "code": code_version(),
                    "peers": minor_versions(),
                }
                labels = {
                    "table": table.name,
                    "group": scenario.label,
                    "estimator": name,
                    "remedy": remedy.name,
                    "repeat": fold.repeat,
                    "fold": fold.fold,
                }
                tasks.append(
                    CellTask(content_key(spec), labels, estimator, remedy, seed)
                )
        return PlannedFold(table, scenario, fold, tuple(tasks), random_state)

    def tasks(self) -> Iterator[CellTask]:
        """Yield all cells."""
        for planned in self.folds:
            yield from planned.tasks

    def __len__(self) -> int:
        """Return the number of cells."""
        return sum(len(planned.tasks) for planned in self.folds)

    def describe(self, command: str) -> dict[str, Any]:
        """Return what a report needs beside the cells; it goes into the store."""
        return {
            "command": command,
            "task": self.task,
            "seed": self.random_state,
            "n_splits": self.n_splits,
            "tables": [self._describe_table(table) for table in self.tables],
            "groups": [scenario.label for scenario in self.scenarios],
            "shifted_groups": [
                scenario.label
                for scenario in self.scenarios
                if scenario.imbalance_ratio is not None
            ],
            "estimators": {
                name: describe_estimator(estimator)
                for name, estimator in self.estimators.items()
            },
            "remedies": [
                {
                    "title": r.title,
                    "paper": r.paper,
                    "kind": r.kind,
                    **describe_remedy(r),
                }
                for r in self.remedies
            ],
            "ruled_out": [
                {"estimator": name, "remedy": remedy.name, "reason": reason}
                for name, estimator in self.estimators.items()
                for remedy in self.remedies
                if (reason := reason_against(remedy, estimator))
            ],
            "versions": {"skoverfit": code_version(), **peer_versions()},
            "cells": [[task.key, task.spec] for task in self.tasks()],
        }

    def _describe_table(self, table: Table) -> dict[str, Any]:
        kind = "time" if table.time is not None else ""
        if table.groups is not None:
            kind = f"{kind} and groups" if kind else "groups"
        return {
            "name": table.name,
            "source": table.source,
            "hash": table.content_hash,
            "n_rows": len(table.y),
            "n_columns": int(table.X.shape[1]),
            **_describe_target(table),
            "positive": table.class_names[1] if table.is_binary else None,
            "notes": list(table.notes),
            "n_repeats": self.repeats(table),
            "folds": kind,
        }


def _describe_target(table: Table) -> dict[str, Any]:
    if table.task == "classification":
        counts = np.bincount(table.y, minlength=len(table.class_names))
        classes = zip(table.class_names, map(int, counts), strict=True)
        return {"classes": dict(classes)}
    numbers = {
        "mean": float(np.mean(table.y)),
        "deviation": float(np.std(table.y)),
        "lowest": float(np.min(table.y)),
        "highest": float(np.max(table.y)),
    }
    return {"classes": {}, "numbers": numbers}
