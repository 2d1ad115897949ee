# SPDX-License-Identifier: BSD-3-Clause
"""From a checked table to the over-sampled one: plan, filter, write, tell."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from skoverfit._core._resampling import Resampled, ResamplingData
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import warn
from skoverfit.over_sampling._filters import FILTERS, accepted_by_callable
from skoverfit.over_sampling._plan import Notes, Options, Plan, plan_class
from skoverfit.over_sampling._tables import Table

__all__ = ["TargetRule", "oversample"]


class TargetRule(Protocol):
    """What the made rows' targets are."""

    def refine(self, plan: Plan) -> Plan:
        """Change how the rows of a plan are made."""

    def targets(self, plan: Plan, made: Any) -> np.ndarray:
        """Return the targets of the rows that were made."""


# Rounds of making rows again where a filter refused some.
ROUNDS = 20


def oversample(
    data: ResamplingData,
    table: Table,
    options: Options,
    *,
    filter: Any = None,
    keep_class_weight: bool = False,
    n_jobs: int | None = None,
    rule: TargetRule | None = None,
) -> Resampled:
    """Add the rows that ``data.targets`` asks for.

    A rule gives the made rows targets of their own; it excludes a filter.
    """
    notes, y_made = Notes(noun=data.noun), None
    wanted = {label: m for label, m in data.targets.items() if m > 0}
    if filter is None:
        plans = [
            _plan(data, table, options, notes, label, m) for label, m in wanted.items()
        ]
        if rule is None:
            X = table.assemble(plans)
        else:
            plans = [rule.refine(plan) for plan in plans]
            made = [table.make(plan) for plan in plans]
            y_made = [rule.targets(*each) for each in zip(plans, made, strict=True)]
            X = table.join(made)
    else:
        parts = [
            _filtered(data, table, options, notes, label, m, filter, n_jobs)
            for label, m in wanted.items()
        ]
        plans = [plan for part in parts for plan, _ in part]
        X = table.join([made for part in parts for _, made in part])
    result = _result(X, plans)
    if y_made is not None:
        sizes = [len(plan.base) for plan in plans]
        positions = [data.position(plan.label) for plan in plans]
        result.made_codes = np.repeat(np.array(positions, dtype=np.intp), sizes)
        result.y_made = np.concatenate(y_made) if y_made else None
    if keep_class_weight or data.sample_weight is not None:
        result.sample_weight = _weights(data, plans, keep_class_weight)
    _tell(notes, options)
    return result


def _plan(
    data: ResamplingData,
    table: Table,
    options: Options,
    notes: Notes,
    label: Any,
    m: int,
    attempt: int = 0,
) -> Plan:
    path = (f"attempt {attempt}",) if attempt else ()
    rows = data.rows_of(label)
    if data.sample_weight is not None:
        counting = data.sample_weight[rows] > 0
        if not counting.all():
            rows, notes.what = rows[counting], "rows with a positive weight"
    plan = plan_class(
        table.space(),
        rows,
        m,
        label=label,
        options=options,
        notes=notes,
        rng=data.generator(label, *path),
        stream=lambda: data.generator(label, "cells", *path),
        weights=data.sample_weight,
        group_codes=data.group_codes,
    )
    alone = plan.partner < 0
    if alone.any() and options.fallback == "raise":
        row = int(plan.base[alone][0])
        raise ValueError(
            f"Row {row} of {data.noun} {plain(label)!r} has no other row to be "
            f"combined with (its {data.noun} has {len(rows)} {notes.what}; copies and "
            "rows of other groups don't count), and fallback='raise'. Use "
            "fallback='jitter' or 'duplicate'."
        )
    return plan


def _filtered(
    data: ResamplingData,
    table: Table,
    options: Options,
    notes: Notes,
    label: Any,
    m: int,
    filter: Any,
    n_jobs: int | None,
) -> list[tuple[Plan, Any]]:
    """Make rows until m were accepted, or the rounds are over."""
    kept: list[tuple[Plan, Any]] = []
    missing, quiet = m, Notes()
    foreign = data.codes != data.position(label)
    labels, originals = data.classes[data.codes], None
    for attempt in range(ROUNDS):
        told = notes if attempt == 0 else quiet
        # A few more than missing: the last one would else take a round for itself.
        m_round = missing if attempt == 0 else max(missing, 32)
        plan = _plan(data, table, options, told, label, m_round, attempt)
        made = table.make(plan)
        if callable(filter):
            accepted = accepted_by_callable(
                filter, table.public(made), m_round, label, data.X, labels
            )
        else:
            if originals is None:
                originals = table.neighbor_table(label)
            rule, queries = FILTERS[filter], table.queries(made, label)
            rng = data.generator(label, "filter", f"attempt {attempt}")
            accepted = rule(originals, queries, foreign, n_jobs, rng)
        chosen = np.flatnonzero(accepted)[:missing]
        kept.append((plan.take(chosen), table.pick(made, chosen)))
        missing -= len(chosen)
        if missing == 0:
            return kept
    warn(
        f"Filter {filter!r} accepted {m - missing} of the {m} rows wanted for class "
        f"{plain(label)!r} within {ROUNDS} rounds; n_generated_ has the counts."
    )
    return kept


def _result(X: Any, plans: list[Plan]) -> Resampled:
    if not plans:
        nothing = np.empty(0, dtype=np.int32)
        return Resampled(X=X, base=nothing, partner=nothing, step=np.empty(0))
    if len(plans) == 1:
        (plan,) = plans
        return Resampled(X=X, base=plan.base, partner=plan.partner, step=plan.step)
    return Resampled(
        X=X,
        base=np.concatenate([plan.base for plan in plans]),
        partner=np.concatenate([plan.partner for plan in plans]),
        step=np.concatenate([plan.step for plan in plans]),
    )


def _weights(
    data: ResamplingData, plans: list[Plan], keep_class_weight: bool
) -> np.ndarray:
    """Return weights of all rows: a made row gets the mean weight of its class.

    Bases and neighbours were drawn in proportion to their weights, so that equal
    weights leave the weighted rows of a class where they were. Their mean keeps the
    total in step with the number of rows; it may also be kept as it was.
    """
    given = data.sample_weight
    given = np.ones(data.n) if given is None else given
    made = [
        np.full(len(plan.base), given[data.rows_of(plan.label)].mean(dtype=np.float64))
        for plan in plans
    ]
    weights = np.concatenate([given, *made])
    if keep_class_weight:
        codes = np.concatenate([data.codes, *(data.codes[p.base] for p in plans)])
        before = np.bincount(data.codes, weights=given)
        weights *= (before / np.bincount(codes, weights=weights))[codes]
    return weights.astype(given.dtype, copy=False)


def _tell(notes: Notes, options: Options) -> None:
    """Warn once about each thing that was done in another way than asked."""
    for label, n, k in notes.clipped:
        warn(
            f"{notes.noun.capitalize()} {plain(label)!r} has {n} {notes.what}, so that "
            f"a row has {k} others: k_neighbors={k} is used for it instead of "
            f"{options.k}."
        )
    if notes.alone:
        label, n, in_group = notes.alone[0]
        place = "group" if in_group else notes.noun
        more = len(notes.alone) - 1
        others = f", and so have {more} more" if more else ""
        how = f"by fallback={options.fallback!r} they are duplicated"
        if options.perturbation is not None:
            how = f"they get noise of perturbation={options.perturbation:g}"
        elif options.fallback == "jitter":
            how = (
                "by fallback='jitter' noise of the pooled within-"
                f"{notes.noun} standard deviation is added"
            )
        warn(
            f"{notes.noun.capitalize()} {plain(label)!r} has rows without a distinct "
            f"other row in their {place} of {n}{others}; {how}."
        )
    if notes.small_groups:
        warn(
            f"{notes.small_groups} groups are too small for k_neighbors={options.k}; "
            "all other rows of such a group are its rows' neighbours."
        )
