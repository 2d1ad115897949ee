# SPDX-License-Identifier: BSD-3-Clause
"""Which row, which neighbour, which step: decided before anything is written.

A class is planned from a table of a few integers for each new row; the new rows
themselves are then written once, where they belong in the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from skoverfit.over_sampling._spaces import Space

__all__ = ["Notes", "Options", "Plan", "plan_class"]


@dataclass(kw_only=True)
class Options:
    """The parameters of a sampler that decide how rows are made."""

    k: int = 5
    gap: str = "segment"
    integer: str = "stochastic"
    missing: str = "propagate"
    fallback: str = "jitter"
    within_groups: bool = True
    variance_preserving: bool = False
    # Width of noise in standard deviations; None: no partner is given up for noise.
    perturbation: float | None = None
    # Whether a plan keeps the neighbours of its bases, beside spaces that vote.
    keep_neighbors: bool = False


@dataclass(kw_only=True)
class Notes:
    """What the user has to be told once, at the end."""

    clipped: list[tuple[Any, int, int]] = field(default_factory=list)
    alone: list[tuple[Any, int, bool]] = field(default_factory=list)
    small_groups: int = 0
    what: str = "rows"
    noun: str = "class"


@dataclass(kw_only=True)
class Plan:
    """The new rows of one class.

    Attributes
    ----------
    label : object
        The class.
    base, partner : ndarray of shape (m,)
        Row numbers of the input; partner is -1 where the base has no neighbour.
    step : ndarray of shape (m,)
        Share of the partner.
    stream : callable
        Makes the generator of draws for single cells, which most plans don't need.
    seeds : ndarray of shape (s,)
        Distinct base rows, ascending.
    near : ndarray of shape (s, k)
        Their neighbours, -1 where there are fewer; empty where nobody votes.
    noise : ndarray of shape (m,) or None, default=None
        Width of the noise of each row without a partner, in standard deviations of
        its class; None: one pooled standard deviation of all classes.
    """

    label: Any
    base: np.ndarray
    partner: np.ndarray
    step: np.ndarray
    stream: Callable[[], np.random.Generator]
    seeds: np.ndarray
    near: np.ndarray
    noise: np.ndarray | None = None

    @cached_property
    def cells(self) -> np.random.Generator:
        """Where draws for single cells come from."""
        return self.stream()

    def take(self, chosen: np.ndarray) -> Plan:
        """Return the plan of some of the rows."""
        return Plan(
            label=self.label,
            base=self.base[chosen],
            partner=self.partner[chosen],
            step=self.step[chosen],
            stream=self.stream,
            seeds=self.seeds,
            near=self.near,
            noise=None if self.noise is None else self.noise[chosen],
        )


@dataclass(kw_only=True)
class _Near:
    """Neighbours of the seeds of a class, and how often each is to be drawn."""

    near: np.ndarray
    count: np.ndarray
    # Only where rows of the class are equal: how many rows each neighbour stands for.
    copies: np.ndarray | None = None
    twins: dict[int, np.ndarray] = field(default_factory=dict)


def plan_class(
    space: Space,
    rows: np.ndarray,
    m: int,
    *,
    label: Any,
    options: Options,
    notes: Notes,
    rng: np.random.Generator,
    stream: Callable[[], np.random.Generator],
    weights: np.ndarray | None,
    group_codes: np.ndarray | None,
) -> Plan:
    """Draw m bases with neighbours and steps in the class that has these rows.

    (base, neighbour) is uniform over the class, or both are drawn in proportion to
    their weights, as if a row of weight w occurred w times; ``rows`` are those of a
    positive weight. The step is uniform in [0, 1).
    """
    n = len(rows)
    if weights is not None and np.ptp(weights[rows]) == 0:
        weights = None  # equal weights change no draw
    if weights is None:
        drawn = rng.integers(n, size=m)
    else:
        share = weights[rows].astype(np.float64)
        drawn = rng.choice(n, size=m, p=share / share.sum())
    slot, step = rng.random(m), rng.random(m)
    # Only the rows drawn need neighbours. A search of all of them visits each pair
    # once, which is worth more than leaving out the few that weren't drawn if m >= n.
    seeds = np.unique(drawn) if m < n else np.arange(n)
    found = _neighbours(space, rows, seeds, label, options, notes, group_codes)
    at = np.searchsorted(seeds, drawn) if m < n else drawn
    partner = _partners(found, at, slot, rng, weights)
    step[partner < 0] = 0.0
    keep = space.votes or options.keep_neighbors
    return Plan(
        label=label,
        base=_narrow(rows)[drawn],
        partner=partner,
        step=step,
        stream=stream,
        seeds=rows if len(seeds) == n else rows[seeds],
        near=found.near if keep else found.near[:0].copy(),
    )


def _narrow(rows: np.ndarray) -> np.ndarray:
    """Return row numbers, which ascend, in the narrowest type.

    Beside the output they and what is computed from them are what the memory goes to.
    """
    return rows.astype(np.int32 if rows[-1] < 2**31 - 1 else np.int64)


def _partners(
    found: _Near,
    at: np.ndarray,
    slot: np.ndarray,
    rng: np.random.Generator,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Choose one neighbour for each drawn base."""
    count = found.count[at]
    if found.near.shape[1] == 0:
        return np.full(len(at), -1, dtype=found.near.dtype)
    mass = found.copies if weights is None else _mass(found, weights)
    if mass is None:
        slot *= count  # nobody needs it afterwards
        pick = slot.astype(np.int32)
        np.minimum(pick, np.maximum(count - 1, 0), out=pick)
        return found.near[at, pick]
    edges = np.cumsum(mass, axis=1)[at]
    pick = (edges <= (slot * edges[:, -1])[:, None]).sum(axis=1)
    np.minimum(pick, np.maximum(count - 1, 0), out=pick)
    partner = found.near[at, pick]
    if found.copies is None:
        return partner
    which = rng.random(len(at))
    for row in np.flatnonzero(found.copies[at, pick] > 1):
        equal = found.twins[int(partner[row])]
        if weights is None:
            partner[row] = equal[int(which[row] * len(equal))]
        else:
            ends = np.cumsum(weights[equal], dtype=np.float64)
            place = int(np.searchsorted(ends, which[row] * ends[-1], side="right"))
            partner[row] = equal[min(place, len(equal) - 1)]
    return partner


def _mass(found: _Near, weights: np.ndarray) -> np.ndarray:
    """Return the weight of each neighbour, of all rows that it stands for."""
    mass = weights.astype(np.float64)
    for first, equal in found.twins.items():
        mass[first] = weights[equal].sum(dtype=np.float64)
    return np.where(found.near >= 0, mass[found.near], 0.0)


def _neighbours(
    space: Space,
    rows: np.ndarray,
    seeds: np.ndarray,
    label: Any,
    options: Options,
    notes: Notes,
    group_codes: np.ndarray | None,
) -> _Near:
    """Search the neighbours of the seeds: in the class, or in each of its groups."""
    k = space.k(options.k)
    if group_codes is None or not options.within_groups:
        found = _search_block(space, rows, seeds, label, options)
        if found.near.shape[1] == 0:
            notes.alone.append((label, len(rows), False))
        elif len(rows) <= k:
            notes.clipped.append((label, len(rows), found.near.shape[1]))
        return found
    codes = group_codes[rows]
    is_seed = np.zeros(len(rows), dtype=bool)
    is_seed[seeds] = True
    out = _Near(
        near=np.full((len(seeds), k), -1, dtype=_narrow(rows).dtype),
        count=np.zeros(len(seeds), dtype=np.int32),
    )
    order = np.argsort(codes, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        asked = np.flatnonzero(is_seed[members])
        if len(asked) == 0:
            continue
        found = _search_block(space, rows[members], asked, label, options)
        width = found.near.shape[1]
        if width == 0:
            notes.alone.append((label, len(members), True))
        elif len(members) <= k:
            notes.small_groups += 1
        at = np.searchsorted(seeds, members[asked])
        out.near[at, :width] = found.near
        out.count[at] = found.count
        if found.copies is not None:
            if out.copies is None:
                out.copies = (np.arange(k) < out.count[:, None]).astype(np.int64)
            out.copies[at, :width] = found.copies
            out.twins |= found.twins
        elif out.copies is not None:
            out.copies[at, :width] = 1
    return out


def _search_block(
    space: Space, rows: np.ndarray, seeds: np.ndarray, label: Any, options: Options
) -> _Near:
    """Search among rows that may be combined with each other."""
    n, s = len(rows), len(seeds)
    nothing = _Near(
        near=np.empty((s, 0), dtype=_narrow(rows).dtype),
        count=np.zeros(s, dtype=np.int32),
    )
    k = min(space.k(options.k), n - 1)
    if k < 1:
        return nothing
    distances, local = space.search(rows, k, None if s == n else seeds, label)
    if not space.collapses or distances[:, 0].min() > 0:
        return _Near(near=_narrow(rows)[local], count=np.full(s, k, dtype=np.int32))
    identity = space.identity(rows)
    copies = np.bincount(identity)
    if len(copies) == n:  # rows at distance 0 that aren't equal, as with missing cells
        return _Near(near=_narrow(rows)[local], count=np.full(s, k, dtype=np.int32))
    k = min(space.k(options.k), len(copies) - 1)
    if k < 1:
        return nothing
    # One row stands for all that are equal to it, and is drawn as often as they are.
    order = np.argsort(identity, kind="stable")
    members = np.split(order, np.cumsum(copies)[:-1])
    first = np.array([group[0] for group in members])
    asked, at = np.unique(identity[seeds], return_inverse=True)
    everyone = None if len(asked) == len(first) else asked
    _, local = space.search(rows[first], k, everyone, label)
    near = _narrow(rows)[first[local]]
    twins = {int(rows[g[0]]): rows[g] for g in members if len(g) > 1}
    return _Near(
        near=near[at],
        count=np.full(s, k, dtype=np.int32),
        copies=copies[local][at],
        twins=twins,
    )
