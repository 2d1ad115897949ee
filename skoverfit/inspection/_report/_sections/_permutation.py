# SPDX-License-Identifier: BSD-3-Clause
"""Section 4: is there anything to learn? The same fits with shuffled targets."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np

from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import FoldFit, Problem
from skoverfit.inspection._report._reference import (
    reference_columns,
    reference_signal,
)
from skoverfit.inspection._report._sections._arms import signal_name
from skoverfit.inspection._report._types import Estimate, Finding, Section

__all__ = ["NAME", "TITLE", "run", "shuffled"]

NAME = "permutation"
TITLE = "Signal against chance"

# Besag & Clifford (1991): after so many shuffles that score as well, more of them
# can't bring the p-value below any level in use; p = this many / shuffles so far.
_ENOUGH = 10
# Shuffles whose training score is taken too, for the capacity.
_FOR_CAPACITY = 3


def run(problem: Problem, evidence: Evidence) -> Section:
    """Compare the signal of the model with that of the same model on shuffled y."""
    # Fewer couldn't reach the level, and everything would look like chance.
    fewest = int(np.ceil(1.0 / problem.alpha - 1e-9)) - 1
    n_permutations = max(problem.plan.n_permutations, fewest)
    # One pass of folds against one pass: what is compared has the same law if there
    # is nothing to learn, so the p-value is exact.
    per_pass = evidence.n_fits // evidence.n_repeats
    problem.require_time(n_permutations * per_pass, evidence.seconds_per_fit)
    seen = float(evidence.test_signal[:per_pass].mean())
    # A model that overfits badly hides a signal: a plain one beside it may find it.
    columns = reference_columns(problem)
    plain = -np.inf
    if columns is not None:
        plain = reference_signal(problem, columns, evidence.splits[:per_pass])
    best = max(seen, plain)
    chance = _chance(problem)
    scores: list[float] = []
    own_above = 0
    trained: list[float] = []
    above = 0
    for number in range(n_permutations):
        for_capacity = number < _FOR_CAPACITY
        other = shuffled(problem, number)
        # The engine's folds, stratified anew where it made them itself.
        splits = evidence.splits[:per_pass]
        if isinstance(problem.plan.cv, Integral):
            splits = other.splits("engine")
        fits = other.fit_folds(splits, NAME, number, train_too=for_capacity)
        scores.append(float(np.mean([fit.test_signal for fit in fits])))
        own_above += scores[-1] >= seen
        if columns is not None:
            scores[-1] = max(scores[-1], reference_signal(other, columns, splits))
        if for_capacity:
            trained += [_train_signal(other, fit) for fit in fits]
        above += scores[-1] >= best
        if above >= _ENOUGH:
            break
    n_done = len(scores)
    stopped = above >= _ENOUGH and n_done < n_permutations
    p_value = above / n_done if stopped else (above + 1) / (n_done + 1)
    train = float(evidence.train_signal.mean())
    unit = signal_name(problem)
    estimates = {
        "signal": Estimate(value=seen, label=f"signal on new rows ({unit})"),
        **(
            {}
            if columns is None
            else {
                "reference_signal": Estimate(
                    value=plain, label="signal of a regularized linear model beside it"
                )
            }
        ),
        "chance": Estimate(
            value=float(np.mean(scores)),
            lower=float(np.min(scores)), upper=float(np.max(scores)),
            label="the better of the two with shuffled targets (mean, range)"
            if columns is not None
            else "signal with shuffled targets (mean, range)",
        ),
        "p_value": Estimate(value=p_value, label="p-value of 'nothing to learn'"),
    }  # fmt: skip
    capacity = float("nan")
    if train > chance:
        capacity = (float(np.mean(trained)) - chance) / (train - chance)
        estimates["capacity"] = Estimate(
            value=capacity,
            label="training signal with shuffled over true targets (1: learns all)",
        )
    silent = p_value > problem.alpha
    who = f"the model's {unit} is {seen:.3f}"
    if columns is not None:
        who += f", that of a regularized linear model {plain:.3f}"
    message = (
        f"On new rows {who}; {above} of {n_done} shuffles of the target did as well "
        f"(p = {p_value:.3f})"
    )
    notes = []
    if not silent and (own_above + 1) / (n_done + 1) > problem.alpha:
        notes.append(
            f"The model by itself can't be told from chance ({own_above} of {n_done} "
            "shuffles did as well); the linear model finds what it misses."
        )
    finding = Finding(
        name="no_signal",
        verdict="no_signal",
        effect=p_value,
        # The test asks whether there is signal; finding none isn't proven by it.
        p_value=None,
        decisive=silent,
        size=1.0 if p_value < 0.2 else 3.0,
        message=f"{message}: what they find can't be told from chance."
        if silent
        else f"{message}: there is something to learn.",
        advice=(
            "Look for columns that have to do with the target, or for more rows; "
            "tuning this model chooses among accidents."
        ),
    )
    return Section(
        name=NAME,
        title=TITLE,
        method=(
            f"{n_done * per_pass} fits on {n_done} shuffles of the target"
            + (f", stopped after {_ENOUGH} that did as well" if stopped else "")
            + "; Ojala & Garriga (2010), Besag & Clifford (1991). The better of the "
            "model and a ridge regression counts (ours), so that a model that overfits "
            "doesn't hide a signal"
        ),
        blind_spot=(
            "It tells whether there is any relation, not whether it is useful, and a "
            "leak counts as one. With groups, targets move in whole groups; rows that "
            "depend on each other in time are treated as independent."
        ),
        estimates=estimates,
        findings=[finding],
        data={
            "signal": seen,
            "shuffled_signals": np.asarray(scores),
            "chance": chance,
            "reference_signal": plain,
            "p_value": p_value,
            "capacity": capacity,
            "signal_name": unit,
        },
        notes=notes,
        n_fits=n_done * per_pass,
    )


def shuffled(problem: Problem, number: int) -> Problem:
    """Return the problem with targets (and their weights) dealt out anew.

    With groups the targets of a group stay together: groups are put into another
    order, the targets in each too, and the sequence is laid over the rows from group
    to group. If all groups have as many rows, whole groups are exchanged, which is
    exact whatever the targets of a group have in common.
    """
    rng = problem.generator(NAME, "shuffle", number)
    order = rng.permutation(problem.n_samples)
    if problem.groups is not None:
        place = rng.permutation(problem.groups.max() + 1)
        source = order[np.argsort(place[problem.groups[order]], kind="stable")]
        order = np.empty_like(source)
        order[np.argsort(problem.groups, kind="stable")] = source
    weight = problem.sample_weight
    return replace(
        problem,
        y=problem.y[order],
        labels=problem.labels[order],
        sample_weight=None if weight is None else weight[order],
    )


def _train_signal(problem: Problem, fit: FoldFit) -> float:
    assert fit.train is not None
    return problem.judge.signal(problem.y[fit.train_rows], fit.train)


def _chance(problem: Problem) -> float:
    if problem.classes is None:
        return 0.0
    ranks = signal_name(problem) != "balanced accuracy"
    return 0.5 if ranks else 1.0 / len(problem.classes)
