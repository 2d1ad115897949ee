# SPDX-License-Identifier: BSD-3-Clause
"""Fit many nets' estimators, those of one shape as one stack."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from joblib import Parallel, delayed, effective_n_jobs

from skoverfit.exceptions import TrainingError
from skoverfit.neural_network._planned_fits import FitPlan, FitRequest
from skoverfit.neural_network._prepared import PreparationMemo, Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._stack_key import (
    reason_to_stay_alone,
    share_table,
    stack_key,
)
from skoverfit.neural_network._stack_split import split_stack
from skoverfit.neural_network._training import train_stack

__all__ = ["MAX_NETS", "StackResults", "fit_plan", "fit_requests", "nets_a_stack"]

# Where a stack is full. On a CPU the time a net shrinks up to some 16 to 32 nets of a
# usual small size; beyond it stays the same, or grows where a step leaves the cache.
MAX_NETS = 32

_LOG = logging.getLogger("skoverfit")


@dataclass(kw_only=True)
class StackResults:
    """What came of many fits.

    Attributes
    ----------
    outcomes : list of estimator or Exception
        One a request.
    groups : list of list of int
        Requests that were trained at once.
    seconds : list of float
        Each one's share of the time; 0 for what failed before the training.
    interrupted : bool
        Whether Ctrl-C ended it before all were trained.
    """

    outcomes: list[Any]
    groups: list[list[int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False


@dataclass(kw_only=True)
class _Member:
    number: int
    estimator: Any
    settings: Settings
    prepared: Prepared | None = None
    fitted: dict[str, Any] = field(default_factory=dict)
    fit: tuple[Any, ...] = ()

    @property
    def n_nets(self) -> int:
        return self.estimator.n_estimators


@dataclass(kw_only=True)
class _Outcome:
    number: int
    outcome: Any
    seconds: float
    interrupted: bool = False


def nets_a_stack(estimators: Iterable[Any], max_nets: int, n_jobs: int | None) -> int:
    """Return how many nets to stack at most so that every process has its share."""
    total = sum(estimator.n_estimators for estimator in estimators)
    return max(1, min(max_nets, math.ceil(total / effective_n_jobs(n_jobs))))


def fit_requests(
    requests: Iterable[FitRequest], n_requests: int, *, max_nets: int = MAX_NETS,
    n_jobs: int | None = None,
) -> StackResults:  # fmt: skip
    """Fit estimators, those of one shape at once; failures are returned, not raised.

    Parameters
    ----------
    requests : iterable of FitRequest
        Is read one by one, so that no more tables are held than stacks need. The
        estimators are fitted in place.
    n_requests : int
        How many there are.
    max_nets : int
        Nets of a stack at most. A larger estimator is trained alone.
    n_jobs : int, optional
        Processes that train stacks.

    Returns
    -------
    StackResults
        What came of them.
    """
    found = StackResults(outcomes=[None] * n_requests, seconds=[0.0] * n_requests)
    stacks = _stacks(requests, found, max_nets)
    try:
        if effective_n_jobs(n_jobs) == 1:
            made: Iterable[list[_Outcome]] = map(_train, stacks)
        else:
            made = Parallel(n_jobs=n_jobs, return_as="generator")(
                delayed(_train)(stack) for stack in stacks
            )
        for outcomes in made:
            for each in outcomes:
                found.outcomes[each.number] = each.outcome
                found.seconds[each.number] = each.seconds
                found.interrupted |= each.interrupted
            if found.interrupted:
                break
    except KeyboardInterrupt:
        found.interrupted = True
    for number, outcome in enumerate(found.outcomes):
        if outcome is None:
            found.outcomes[number] = TrainingError(
                "The net was not trained: an interruption came before its stack."
            )
    return found


def fit_plan(plan: FitPlan, max_nets: int, n_jobs: int | None) -> StackResults:
    """Do the fits that a search or cross-validation is going to ask for.

    Parameters
    ----------
    plan : FitPlan
        What was recorded.
    max_nets : int
        Nets of a stack at most.
    n_jobs : int or None
        Processes.

    Raises
    ------
    KeyboardInterrupt
        Where it was interrupted: half a search has no answer.
    """
    nets = [request.estimator for request in plan.requests]
    limit = nets_a_stack(nets, max_nets, n_jobs)
    found = fit_requests(plan.requests, len(nets), max_nets=limit, n_jobs=n_jobs)
    if found.interrupted:
        raise KeyboardInterrupt
    return found


def _stacks(
    requests: Iterable[FitRequest], found: StackResults, max_nets: int
) -> Iterator[list[_Member]]:
    """Prepare estimators; hand a stack on as soon as it is full."""
    waiting: dict[tuple[Any, ...], list[_Member]] = {}
    tables: dict[tuple[Any, ...], dict[str, Prepared]] = {}
    memo = PreparationMemo()

    def release(key: tuple[Any, ...]) -> list[_Member]:
        tables.pop(key)
        stack = waiting.pop(key)
        _tell(found, stack)
        return stack

    for number, request in enumerate(requests):
        try:
            key, member = _prepare(number, request, memo)
        except Exception as error:
            found.outcomes[number] = error
            continue
        if key is None:
            _tell(found, [member])
            yield [member]
            continue
        if key in waiting and _n_nets(waiting[key]) + member.n_nets > max_nets:
            yield release(key)
        waiting.setdefault(key, []).append(member)
        share_table(member.prepared, tables.setdefault(key, {}))  # type: ignore
        if _n_nets(waiting[key]) >= max_nets:
            yield release(key)
        elif sum(map(_n_nets, waiting.values())) > 4 * max_nets:
            # Many shapes at once: what waits is bounded, too.
            yield release(max(waiting, key=lambda k: _n_nets(waiting[k])))
    for key in list(waiting):
        yield release(key)


def _n_nets(stack: Sequence[_Member]) -> int:
    return sum(member.n_nets for member in stack)


def _prepare(
    number: int, request: FitRequest, memo: PreparationMemo
) -> tuple[tuple[Any, ...] | None, _Member]:
    estimator = request.estimator
    estimator._validate_params()
    settings = estimator._settings()
    member = _Member(number=number, estimator=estimator, settings=settings)
    data = request.X, request.y, request.sample_weight
    reason = reason_to_stay_alone(estimator, settings)
    if reason is not None:
        _LOG.info("Estimator %d is trained alone: %s.", number, reason)
        member.fit = data
        return None, member
    member.prepared, member.fitted = estimator._prepare(
        *data, settings, hold_out=estimator.early_stopping, memo=memo
    )
    return stack_key(settings, member.prepared), member


def _tell(found: StackResults, stack: Sequence[_Member]) -> None:
    numbers = [member.number for member in stack]
    found.groups.append(numbers)
    if len(stack) > 1:
        _LOG.info(
            "Estimators %s are trained as one stack of %d nets.",
            numbers,
            _n_nets(stack),
        )
    elif stack[0].prepared is not None:
        _LOG.info(
            "Estimator %d is trained alone: no other one has its shape (encoded "
            "columns, outputs, batches and parameters but learning_rate, weight_decay "
            "and random_state).",
            numbers[0],
        )


def _train(stack: list[_Member]) -> list[_Outcome]:
    """Train a stack, or what has to stay alone."""
    started = time.monotonic()
    if stack[0].prepared is None:
        return [_fit_alone(stack[0], started)]
    data = [member.prepared for member in stack]
    settings = [member.settings for member in stack]
    try:
        net = train_stack(data, settings)  # type: ignore[arg-type]
        nets: list[Any] = [net]
        if len(stack) > 1:
            nets = list(split_stack(net, data, settings))  # type: ignore[arg-type]
    except torch.OutOfMemoryError:
        half = len(stack) // 2
        _LOG.info("A stack of %d nets did not fit the memory.", _n_nets(stack))
        return [*_train(stack[:half]), *_train(stack[half:])]
    except Exception as error:
        return [_Outcome(number=m.number, outcome=error, seconds=0.0) for m in stack]
    seconds = (time.monotonic() - started) / _n_nets(stack)
    made = []
    for member, own in zip(stack, nets, strict=True):
        spent = seconds * member.n_nets
        outcome = own
        if not isinstance(own, Exception):
            outcome = member.estimator
            outcome._finish(own, member.prepared, member.fitted, spent)
        made.append(
            _Outcome(
                number=member.number,
                outcome=outcome,
                seconds=spent,
                interrupted=net.interrupted_,
            )
        )
    return made


def _fit_alone(member: _Member, started: float) -> _Outcome:
    X, y, weight = member.fit
    outcome = member.estimator
    interrupted = False
    try:
        # Without sample_weight=None, which a user's subclass may not know.
        outcome.fit(X, y, **({} if weight is None else {"sample_weight": weight}))
        interrupted = outcome.net_.interrupted_
    except Exception as error:
        outcome = error
    return _Outcome(
        number=member.number,
        outcome=outcome,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
    )
