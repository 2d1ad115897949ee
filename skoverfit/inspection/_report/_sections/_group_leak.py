# SPDX-License-Identifier: BSD-3-Clause
"""Rows that belong together, such as those of one person, in different folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._sections._arms import (
    Part,
    group_effect,
    without_columns,
)
from skoverfit.inspection._report._types import Estimate, Finding

__all__ = ["Candidate", "candidates", "look"]

# What makes a column look like the name of a group (all ours; the reasons are in
# `candidates`).
_FEWEST_LEVELS = 8
_LARGEST_LEVEL = 0.5
_SMALLEST_LIFT = 0.3
_ORDERED = 0.5
_STANDS_OUT = 2.0
_SAME = 0.95
_MOST_CANDIDATES = 3
_ASKED = 400
_MOST_COLUMNS = 200


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that might say which rows belong together.

    ``lift`` is how much more often than by chance the nearest row (by the other
    columns) has the same value, from 0 to 1. ``columns`` are the positions of the
    column and of those that say the same.
    """

    name: str
    codes: np.ndarray
    lift: float
    numeric: tuple[int, ...]
    nominal: tuple[int, ...]


def look(problem: Problem, evidence: Evidence) -> Part:
    """Measure what groups pretend: the user's, or columns that look like some."""
    if problem.groups is not None:
        return _given(problem, evidence, problem.groups)
    part = Part()
    found = candidates(problem)
    part.data["group_candidates"] = [(c.name, c.lift) for c in found]
    rows = []
    for candidate in found:
        X = without_columns(
            problem, candidate.numeric, candidate.nominal, candidate.name
        )
        effect, n_fits = group_effect(
            problem, evidence, candidate.codes, "leakage", "group", candidate.name, X=X
        )
        part.n_fits += n_fits
        rows.append((candidate, effect))
    part.data["group_effects"] = [
        (c.name, e.score.difference, e.score.lower, e.score.upper) for c, e in rows
    ]
    if not rows:
        return part
    for candidate, effect in rows:
        part.estimates[f"group_effect_{candidate.name}"] = Estimate(
            value=effect.score.difference,
            lower=effect.score.lower, upper=effect.score.upper,
            label=f"score that rows of the same {candidate.name} pretend",
            unit=problem.judge.score_name,
        )  # fmt: skip
    candidate, effect = max(rows, key=lambda row: row[1].shown.lower)
    part.findings.append(
        Finding(
            name="group_leak",
            verdict="leaky",
            **effect.numbers(n_tried=len(rows)),
            message=(
                f"Rows of the same {candidate.name} ({candidate.codes.max() + 1} "
                "values) resemble each other; having some in the training part raises "
                "the score, even without that column, by "
                f"{effect.describe(problem)}."
            ),
            advice=(
                f"If new rows will come from a new {candidate.name}, drop the column "
                "and pass it as groups; if not, the score stands."
            ),
        )
    )
    return part


def _given(problem: Problem, evidence: Evidence, groups: np.ndarray) -> Part:
    effect, n_fits = group_effect(problem, evidence, groups, "leakage", "groups")
    unit = problem.judge.score_name
    score = effect.score
    return Part(
        estimates={
            "group_effect": Estimate(
                value=score.difference, lower=score.lower, upper=score.upper,
                label="score that folds which part the groups would pretend", unit=unit,
            )
        },
        findings=[
            Finding(
                name="groups_matter",
                verdict="",
                **effect.numbers(),
                message=(
                    "Folds that part your groups would raise the score by "
                    f"{effect.describe(problem)}; this report keeps groups together."
                ),
                advice="Keep using folds of whole groups.",
            )
        ],
        data={
            "group_effects": [
                ("groups", score.difference, score.lower, score.upper)
            ],
        },
        n_fits=n_fits,
    )  # fmt: skip


def candidates(problem: Problem) -> list[Candidate]:
    """Return the columns that look like names of groups.

    A column of names has whole numbers or categories; has at least eight values, none
    of which half of the rows have; its numbers don't order the rows (the nearest row
    of another value doesn't have a near number, as it would for an age); and rows with
    the same name resemble each other in the *other* columns, which a category that
    merely tells something about the target doesn't make them do. Where several columns
    of numbers have that likeness, as in pictures, one has to stand out. Columns that
    say the same (a code beside its text) count as one.
    """
    if sp.issparse(problem.X):
        return []
    plan = problem.columns
    numeric = np.asarray(plan.numeric, dtype=np.float64)
    n = problem.n_samples
    if n < 4 * _FEWEST_LEVELS or numeric.shape[1] + plan.codes.shape[1] < 2:
        return []
    spread = np.nanstd(numeric, axis=0)
    spread[~(spread > 0)] = 1.0
    scaled = (numeric - np.nanmean(numeric, axis=0)) / spread
    coded: dict[tuple[bool, int], np.ndarray] = {}
    for j in range(numeric.shape[1]):
        values = numeric[:, j]
        there = values[np.isfinite(values)]
        if np.all(there == np.round(there)):
            coded[False, j] = np.unique(values, return_inverse=True)[1]
    for j in range(plan.codes.shape[1]):
        coded[True, j] = np.unique(plan.codes[:, j], return_inverse=True)[1]
    rng = problem.generator("leakage", "candidates")
    asked = np.sort(rng.choice(n, min(_ASKED, n), replace=False))
    found = []
    lifts: dict[tuple[bool, int], float] = {}
    claimed: set[tuple[bool, int]] = set()
    for place in [p for p in coded if _has_levels(coded[p])][:_MOST_COLUMNS]:
        if place in claimed:
            continue
        codes = coded[place]
        alike = [p for p in coded if p != place and _says_the_same(coded[p], codes)]
        claimed |= {place, *alike}
        drop_numeric = [j for nominal, j in [place, *alike] if not nominal]
        drop_nominal = [j for nominal, j in [place, *alike] if nominal]
        rest = np.delete(scaled, drop_numeric, axis=1)
        rest_codes = np.delete(plan.codes, drop_nominal, axis=1)
        if rest.shape[1] + rest_codes.shape[1] == 0:
            continue
        table = NeighborTable(
            numeric=rest, codes=rest_codes if rest_codes.shape[1] else None
        )
        nearest = find_neighbors(table, 1, rows=asked)[1][:, 0]
        lift, nearness = _likeness(codes, asked, nearest)
        lifts[place] = lift
        ordered = not place[0] and nearness < _ORDERED
        if lift >= _SMALLEST_LIFT and not ordered:
            position = (plan.nominal_columns if place[0] else plan.numeric_columns)[
                place[1]
            ]
            found.append(
                Candidate(
                    name=problem.feature_names[position],
                    codes=codes,
                    lift=lift,
                    numeric=tuple(drop_numeric),
                    nominal=tuple(drop_nominal),
                )
            )
    numbers = [lift for (nominal, _), lift in lifts.items() if not nominal]
    if len(numbers) > 3:
        usual = float(np.median(numbers))
        found = [c for c in found if c.nominal or c.lift >= _STANDS_OUT * usual]
    found.sort(key=lambda c: (-c.lift, c.name))
    return found[:_MOST_CANDIDATES]


def _has_levels(codes: np.ndarray) -> bool:
    counts = np.bincount(codes)
    n = len(codes)
    return _FEWEST_LEVELS <= len(counts) <= n / 2 and counts.max() <= _LARGEST_LEVEL * n


def _says_the_same(other: np.ndarray, codes: np.ndarray) -> bool:
    """Whether the codes can be told from the other column, which isn't finer."""
    n_other = other.max() + 1
    if n_other > 2 * (codes.max() + 1) or n_other < 2:
        return False
    pairs, counts = np.unique(other * (codes.max() + 1) + codes, return_counts=True)
    best = np.zeros(n_other)
    np.maximum.at(best, pairs // (codes.max() + 1), counts)
    return bool(best.sum() >= _SAME * len(codes))


def _likeness(
    codes: np.ndarray, asked: np.ndarray, nearest: np.ndarray
) -> tuple[float, float]:
    """Return the lift of equal codes, and how near unequal ones are (1: by chance)."""
    shares = np.bincount(codes) / len(codes)
    chance = float(shares @ shares)
    same = codes[asked] == codes[nearest]
    lift = (float(same.mean()) - chance) / (1.0 - chance)
    differ = ~same
    if differ.sum() < 10:
        return lift, 1.0
    steps = np.abs(codes[asked][differ] - codes[nearest][differ]).mean()
    # Mean distance of two random rows with different codes.
    below = np.cumsum(shares)[:-1]
    by_chance = 2 * float((below * (1 - below)).sum()) / (1.0 - chance)
    return lift, float(steps / by_chance)
