# SPDX-License-Identifier: BSD-3-Clause
"""Run a plan into a store: parallel, resumable, interruptible, bounded in time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Timer
from typing import Any

from joblib import effective_n_jobs
from joblib.externals.loky import get_reusable_executor
from sklearn.utils.parallel import Parallel, delayed

from skoverfit._core._progress import Progress
from skoverfit._core._store import ResultStore
from skoverfit.bench._cell import CellTask, FoldData, run_cell
from skoverfit.bench._plan import Plan
from skoverfit.exceptions import StoreError

__all__ = ["RunOutcome", "run_plan"]


class RunOutcome:
    """How a run ended: what it added, and whether the time was up."""

    def __init__(self) -> None:
        self.computed = 0
        self.reused = 0
        self.failed = 0
        self.out_of_time = False


def _failed_fold(
    tasks: list[CellTask], error: str
) -> list[tuple[CellTask, str, dict[str, Any]]]:
    return [(task, "failed", {"error": error}) for task in tasks]


def _end_workers() -> None:
    with suppress(Exception):
        # reuse=True: otherwise other settings than joblib's would wait for a new one.
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


class _Alarm:
    """End the workers when the time is up, however long their cells would take."""

    def __init__(self, seconds: float | None) -> None:
        self.rang = False
        self._timer = None if seconds is None else Timer(seconds, self._ring)

    def _ring(self) -> None:
        self.rang = True
        _end_workers()

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *exc_info: object) -> None:
        if self._timer is not None:
            self._timer.cancel()


class _Feeder:
    """Prepare fold after fold and hand out its missing cells, until the time is up.

    Each fold is prepared once, here; joblib maps its arrays into the workers' memory.
    """

    def __init__(self, plan: Plan, finished: set[str], deadline: float | None) -> None:
        self._plan = plan
        self._finished = finished
        self._deadline = deadline
        self.out_of_time = False
        self.unprepared: list[tuple[CellTask, str, dict[str, Any]]] = []

    def _time_is_up(self) -> bool:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.out_of_time = True
        return self.out_of_time

    def __iter__(self) -> Iterator[tuple[CellTask, FoldData]]:
        for planned in self._plan.folds:
            missing = [t for t in planned.tasks if t.key not in self._finished]
            if not missing:
                continue
            if self._time_is_up():
                return
            try:
                data = planned.prepare(missing)
            except Exception as exc:
                # One table that can't be encoded must not end the run on the others.
                text = f"preparing the fold failed: {type(exc).__name__}: {exc}"[:2000]
                self.unprepared += _failed_fold(missing, text)
                continue
            for task in missing:
                if self._time_is_up():
                    return
                yield task, data.for_task(task)


def run_plan(
    plan: Plan,
    store: ResultStore,
    *,
    n_jobs: int | None = None,
    max_time: float | None = None,
    verbose: int = 0,
    retry_failed: bool = True,
) -> RunOutcome:
    """Fit the cells that the store lacks; each is committed as soon as it is there.

    Parameters
    ----------
    plan : Plan
        The cells.
    store : ResultStore
        Where rows go.
    n_jobs : int, optional
        Workers, as in joblib; None is 1 unless a joblib context says otherwise.
    max_time : float, optional
        Seconds after which the run stops. Cells in flight in workers are given up; with
        one worker the cell in flight is finished.
    verbose : int, default=0
        Whether progress is shown.
    retry_failed : bool, default=True
        Whether cells that failed earlier are tried again.

    Returns
    -------
    RunOutcome
        Counts, and whether the time was up.
    """
    outcome = RunOutcome()
    keys = [task.key for task in plan.tasks()]
    finished = store.keys(keys)
    if retry_failed:
        failed = store.keys(finished, status="failed")
        store.delete(failed)
        finished -= failed
    outcome.reused = len(finished)
    deadline = None if max_time is None else time.monotonic() + max_time
    feeder = _Feeder(plan, finished, deadline)
    # Small batches would cost more than they save for cells of a millisecond; joblib's
    # own grouping is off so that a kill loses one cell a worker, not a batch.
    parallel = Parallel(
        n_jobs=n_jobs,
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
    )
    parallel_run = effective_n_jobs(n_jobs) > 1
    alarm = _Alarm(max_time if parallel_run else None)
    with Progress(len(keys) - len(finished), verbose=verbose) as progress:
        try:
            with alarm, warnings.catch_warnings():
                # Joblib's word on a run that a full disk ends; the error says why.
                warnings.filterwarnings(
                    "ignore", message=".*tasks which were still being processed"
                )
                work = (delayed(run_cell)(*pair) for pair in feeder)
                with closing(parallel(work)) as rows:
                    for row in rows:
                        _keep(store, row, outcome, progress)
        except BaseException as exc:
            if parallel_run:
                # Cells in flight would go on for nobody.
                _end_workers()
            # Ended workers are an error for joblib; here they are what was asked for.
            ended = alarm.rang and isinstance(exc, (RuntimeError, OSError))
            if not ended or isinstance(exc, StoreError):
                raise
            feeder.out_of_time = True
        for row in feeder.unprepared:
            _keep(store, row, outcome, progress)
    outcome.out_of_time = feeder.out_of_time
    return outcome


def _keep(
    store: ResultStore,
    row: tuple[CellTask, str, dict[str, Any]],
    outcome: RunOutcome,
    progress: Progress,
) -> None:
    task, status, value = row
    store.put(task.key, status, task.spec, value)
    outcome.computed += 1
    outcome.failed += status == "failed"
    progress.advance(failed=status == "failed", label=str(task.spec["table"]))
