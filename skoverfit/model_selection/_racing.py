# SPDX-License-Identifier: BSD-3-Clause
"""Let candidates race over folds or over growing parts of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from skoverfit._core._progress import Progress
from skoverfit._core._random import derive_generator
from skoverfit.model_selection._bootstrap_selection import (
    Judge,
    draw_counts,
    first_best,
)
from skoverfit.model_selection._candidates import Candidate
from skoverfit.model_selection._held_out_score import HeldOutScore
from skoverfit.model_selection._search_cells import Cell, CellStore, Work, fit_cell
from skoverfit.model_selection._stacked_cells import holds_net, trained_at_once

__all__ = ["Part", "Race", "Runner", "Table"]

# Nobody is dropped before so many rows of each class (of a regressor: twice as many
# rows) were predicted; ours, the paper has no such rule.
_LEAST_ROWS = 10
# A score without a fast way is drawn so often at most to decide who is dropped.
_SLOW_DRAWS = 200


@dataclass(frozen=True)
class Part:
    """One fold of one repeat."""

    repeat: int
    train: np.ndarray
    test: np.ndarray


@dataclass
class Runner:
    """One candidate and what became of it.

    Parameters
    ----------
    candidate : Candidate
        What is tried.
    status : {"racing", "finished", "dropped", "failed", "left out", "late"}
        "late" is what the time did not suffice for.
    cells : list of Cell
        Of the folds so far.
    dropped_at : int
        Folds (of "sample_halving": rounds) before it was dropped; 0 if it was not.
    reason : str
        Error, or why it was dropped or left out.
    """

    candidate: Candidate
    status: str = "racing"
    cells: list[Cell] = field(default_factory=list)
    dropped_at: int = 0
    reason: str = ""
    # On the last part of the rows that it was compared on ("sample_halving").
    rung_score: float = np.nan

    @property
    def seconds(self) -> float:
        """Time of all its fits."""
        return sum(cell.seconds for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """The held-out rows of some folds, numbered from 0.

    Parameters
    ----------
    rows : ndarray of shape (n_held_out,)
        Their numbers in the data.
    units : ndarray of shape (n_held_out,)
        What a bootstrap draws as a whole: groups, or rows.
    judge : callable
        Scores the runners on weighted rows.
    test_train_ratio : float
        Rows tested / rows trained on in a fold, on average.
    """

    rows: np.ndarray
    units: np.ndarray
    judge: Judge
    test_train_ratio: float

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of all rows, (n_runners,) and (n_folds, n_runners)."""
        scores, folds = self.judge(np.ones((1, len(self.rows))))
        return scores[0], folds[0]


class Race:
    """All candidates of a search on their folds.

    Parameters
    ----------
    work : Work
        Rows and estimator.
    candidates : sequence of Candidate
        The first one is never dropped.
    parts : sequence of Part
        The folds.
    score : HeldOutScore
        What decides.
    alpha : float
        Who is worse than the best in more than this share of draws is dropped.
    n_bootstrap : int
        Number of draws.
    entropy : int
        Seed of the draws.
    n_jobs : int or None
        Processes.
    deadline : float or None
        When no further fold is begun, as ``time.time()``.
    store : CellStore or None
        Where finished cells are kept.
    verbose : int
        0 is silent.
    """

    def __init__(
        self,
        work: Work,
        candidates: Sequence[Candidate],
        parts: Sequence[Part],
        score: HeldOutScore,
        *,
        alpha: float,
        n_bootstrap: int,
        entropy: int,
        n_jobs: int | None = None,
        deadline: float | None = None,
        store: CellStore | None = None,
        verbose: int = 0,
    ) -> None:
        self.work = work
        self.runners = [Runner(candidate) for candidate in candidates]
        self.parts = list(parts)
        self.score = score
        self.alpha = alpha
        self.n_bootstrap = n_bootstrap
        self.entropy = entropy
        self.n_jobs = n_jobs
        self.deadline = deadline
        self.store = store
        self.verbose = verbose
        # Folds that everybody who is left has finished.
        self.n_folds = 0
        self.out_of_time = False
        self._nets = holds_net(work.estimator)
        self._stack_seconds: dict[tuple[int, int], float] = {}

    @property
    def racing(self) -> list[Runner]:
        """Those that are left."""
        return [r for r in self.runners if r.status in ("racing", "finished")]

    def run(self, strategy: str, factor: int) -> None:
        """Run the race; afterwards who is left is "finished"."""
        # One thread a fit: sums are added in one order whatever n_jobs.
        alone = effective_n_jobs(self.n_jobs) == 1
        total = len(self.runners) * len(self.parts)
        with (
            threadpool_limits(1) if alone else nullcontext(),
            Progress(total, verbose=self.verbose, unit="fits") as self._progress,
        ):
            if strategy == "sample_halving":
                self._halve(factor)
            self._race(dropping=strategy == "fold_racing")
        for runner in self.racing:
            runner.status = "finished"

    # --- folds -----

    def _race(self, *, dropping: bool) -> None:
        for numbers in self._stages(dropping):
            with self._trained(numbers):
                for number in numbers:
                    if not self._finish_part(number):
                        return
                    if dropping and 2 <= self.n_folds < len(self.parts):
                        self._drop()

    def _stages(self, dropping: bool) -> list[range]:
        """Return the folds between which nobody is dropped."""
        n = len(self.parts)
        if not dropping:
            return [range(n)]
        return [range(min(2, n)), *(range(k, k + 1) for k in range(2, n))]

    @contextmanager
    def _trained(self, numbers: range) -> Iterator[None]:
        """Train the nets of all folds of a stage at once, if there are any."""
        if not self._nets:
            yield
            return
        keys, cells = [], []
        for number in numbers:
            part = self.parts[number]
            for runner in self.racing:
                if not self._is_stored(runner, part):
                    keys.append((id(runner), number))
                    cells.append((runner.candidate, part.train))
        with trained_at_once(self.work, cells, self.n_jobs) as seconds:
            self._stack_seconds = dict(zip(keys, seconds, strict=True))
            yield
            self._stack_seconds = {}

    def _is_stored(self, runner: Runner, part: Part) -> bool:
        if self.store is None:
            return False
        spec = self.store.spec(runner.candidate, part.train, part.test)
        return self.store.get(spec) is not None

    def _finish_part(self, number: int) -> bool:
        """Fit one fold; return False where the race ends with the folds before it."""
        late = self._run_part(self.parts[number], number)
        if late and number >= 2:
            # Who was late is no worse for it: all are judged on the folds before.
            for runner in self.racing:
                del runner.cells[number:]
            return False
        for runner in late:
            self._leave(runner, "late", number, "the time was up")
        self.n_folds = number + 1
        return True

    def _run_part(self, part: Part, number: int) -> list[Runner]:
        """Fit everybody who is left on one fold; return who was late."""
        late = []
        racing = self.racing
        cells = self._cells([(r, part.train, part.test) for r in racing], number < 2)
        for runner, cell in zip(racing, cells, strict=True):
            if cell.status == "late":
                self.out_of_time = True
                late.append(runner)
                continue
            if cell.status != "done":
                self._leave(runner, cell.status, number, cell.error)
                continue
            extra = self._stack_seconds.get((id(runner), number), 0.0)
            runner.cells.append(replace(cell, seconds=cell.seconds + extra))
        return late

    def _leave(self, runner: Runner, status: str, number: int, reason: str) -> None:
        runner.status, runner.dropped_at, runner.reason = status, number, reason

    def _cells(
        self, tasks: Sequence[tuple[Runner, np.ndarray, np.ndarray]], first: bool
    ) -> Iterator[Cell]:
        """Yield the cells in order; those that a store holds are not fitted."""
        specs: list[Any] = [None] * len(tasks)
        known: list[Cell | None] = [None] * len(tasks)
        if self.store is not None:
            for k, (runner, train, test) in enumerate(tasks):
                specs[k] = self.store.spec(runner.candidate, train, test)
                known[k] = self.store.get(specs[k])
        calls = []
        for k, (runner, train, test) in enumerate(tasks):
            if known[k] is None:
                # There is an answer in any case: nothing done, on two folds.
                strict = runner is self.runners[0]
                deadline = None if first and strict else self.deadline
                calls.append(
                    (self.work, runner.candidate, train, test, deadline, strict)
                )
        fitted = self._fitted(calls)
        for k in range(len(tasks)):
            cell = known[k]
            if cell is None:
                cell = next(fitted)
                if self.store is not None:
                    self.store.put(specs[k], cell)
            self._progress.advance(
                failed=cell.status == "failed", label=tasks[k][0].candidate.name
            )
            yield cell

    def _fitted(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[Cell]:
        if self._nets or effective_n_jobs(self.n_jobs) == 1:
            return (fit_cell(*call) for call in calls)
        found = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(_on_one_thread)(*call) for call in calls
        )
        return iter(found)

    # --- who is dropped -----

    def _drop(self) -> None:
        """Drop who is behind the best in nearly all draws of the rows so far."""
        if self.alpha >= 1 or not self._enough_rows():
            return
        racing = self.racing
        table = self.table(racing, self.parts[: self.n_folds])
        best = int(first_best(table.scores()[0]))
        n_draws = (
            self.n_bootstrap
            if self.score.is_fast
            else min(self.n_bootstrap, _SLOW_DRAWS)
        )
        behind, n_used = np.zeros(len(racing)), 0
        rng = derive_generator(self.entropy, "race", self.n_folds)
        for counts in draw_counts(table.units, n_draws, rng):
            scores, _ = table.judge(counts)
            scores = scores[np.isfinite(scores).all(axis=1)].round(12)
            behind += (scores[:, [best]] > scores).sum(axis=0)
            n_used += len(scores)
        for runner, lost in zip(racing[1:], behind[1:], strict=True):
            if n_used and lost / n_used > self.alpha:
                reason = (
                    f"behind {racing[best].candidate.name!r} in {lost / n_used:.1%}"
                )
                self._leave(runner, "dropped", self.n_folds, f"{reason} of the draws")

    def _enough_rows(self) -> bool:
        rows = np.unique(
            np.concatenate([part.test for part in self.parts[: self.n_folds]])
        )
        if self.work.data.classes is None:
            return len(rows) >= 2 * _LEAST_ROWS
        return bool(self.work.data.counts(rows).min() >= _LEAST_ROWS)

    def table(self, runners: Sequence[Runner], parts: Sequence[Part]) -> Table:
        """Return the held-out rows of these folds with the scores of these runners."""
        return self._table([r.cells[: len(parts)] for r in runners], parts)

    def _table(self, cells: Sequence[Sequence[Cell]], parts: Sequence[Part]) -> Table:
        data = self.work.data
        rows = np.unique(np.concatenate([part.test for part in parts]))
        units = np.arange(len(rows))
        if data.groups is not None:
            units = np.unique(data.groups[rows], return_inverse=True)[1]
        judge: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] = self.score.judge(
            data.y[rows],
            [(part.repeat, np.searchsorted(rows, part.test)) for part in parts],
            [[cell.predictions for cell in own] for own in cells],
        )
        ratio = float(np.mean([len(p.test) / len(p.train) for p in parts]))
        return Table(rows, units, judge, ratio)

    # --- parts of the rows -----

    def _halve(self, factor: int) -> None:
        """Compare all on few rows first, and go on with the best of them."""
        order = _stratified_order(self.work.data, self.entropy)
        n = len(order)
        for rung, size in enumerate((n // factor**2, n // factor)):
            rows = np.sort(order[:size])
            if self.work.data.classes is None:
                enough = size >= 4 * _LEAST_ROWS
            else:
                enough = self.work.data.counts(rows).min() >= _LEAST_ROWS
            if enough and len(self.racing) > 2:
                self._rung(rows, rung + 1, factor)

    def _rung(self, rows: np.ndarray, rung: int, factor: int) -> None:
        parts = [
            Part(
                part.repeat,
                np.intersect1d(part.train, rows),
                np.intersect1d(part.test, rows),
            )
            for part in self.parts
        ]
        parts = [part for part in parts if len(part.test) and len(part.train)]
        racing, found = self.racing, {id(r): list[Cell]() for r in self.racing}
        for part in parts:
            tasks = [(r, part.train, part.test) for r in racing if id(r) in found]
            for (runner, _, _), cell in zip(
                tasks, self._cells(tasks, first=True), strict=True
            ):
                if cell.status == "done":
                    found[id(runner)].append(cell)
                    continue
                del found[id(runner)]
                if cell.status == "late":
                    self.out_of_time = True
                    self._leave(runner, "late", rung, "the time was up")
                else:
                    self._leave(runner, cell.status, rung, cell.error)
        left = [r for r in racing if id(r) in found]
        scores, _ = self._table([found[id(r)] for r in left], parts).scores()
        for runner, score in zip(left, scores, strict=True):
            runner.rung_score = float(score)
        ranked = sorted(
            range(len(left)),
            key=lambda k: (-scores[k].round(12), left[k].candidate.remedy.cost, k),
        )
        kept = set(ranked[: -(-len(left) // factor)]) | {0}
        # The ranking changes with the rows: one of each kind goes on.
        kinds: dict[str, int] = {}
        for k in ranked:
            kinds.setdefault(left[k].candidate.remedy.kind, k)
        kept |= set(kinds.values())
        for k, runner in enumerate(left):
            if k not in kept:
                self._leave(
                    runner, "dropped", rung, f"not among the best on {len(rows)} rows"
                )


def _on_one_thread(*call: Any) -> Cell:
    with threadpool_limits(1):
        return fit_cell(*call)


def _stratified_order(data: Any, entropy: int) -> np.ndarray:
    """Return the rows in an order of which every beginning has the classes' shares."""
    rng = derive_generator(entropy, "rungs")
    if data.groups is not None:
        place = rng.permutation(len(np.unique(data.groups)))
        codes = np.unique(data.groups, return_inverse=True)[1]
        return np.argsort(place[codes], kind="stable")
    if data.classes is None:
        return rng.permutation(len(data))
    key = np.empty(len(data))
    for code in range(len(data.classes)):
        rows = np.flatnonzero(data.y == code)
        key[rows] = (rng.permutation(len(rows)) + rng.random()) / max(1, len(rows))
    return np.argsort(key, kind="stable")
