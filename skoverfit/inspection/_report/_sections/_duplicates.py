# SPDX-License-Identifier: BSD-3-Clause
"""Copies of rows, exact and nearly, and what they do to the score."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.preprocessing import RobustScaler

from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._sections._arms import (
    Part,
    components,
    group_effect,
)
from skoverfit.inspection._report._types import Estimate, Finding

__all__ = ["coincidence_share", "copies", "look"]

# A row is nearly a copy if its nearest neighbour is closer than this share of the
# median distance to the nearest neighbour (ours).
NEAR = 1e-3
_NEIGHBORS = 5
# Cells of a table above which near copies aren't searched.
_MOST_CELLS = 50_000_000
# Of the pairs of rows that agree in all columns but one, at least so many have to agree
# in that one too; else rows are equal because columns have few values.
_COPIED = 0.8
# Share of test rows with a copy in training from which on it is worth a finding.
_SMALLEST_SHARE = 0.01
_LARGEST_CLUSTER = 0.3  # of all rows: folds of whole clusters would be too few


def look(problem: Problem, evidence: Evidence) -> Part:
    """Look for copies; measure their effect if there are any."""
    part = Part()
    exact = np.unique(problem.keys, return_inverse=True)[1]
    near = copies(problem)
    n_rows = [_in_clusters(codes) for codes in (exact, near)]
    share = _leaking_share(evidence, near)
    conflicts = _conflict_rate(problem, exact)
    n = problem.n_samples
    part.estimates["twin_share"] = Estimate(
        value=share, label="share of test rows with a copy in the training part"
    )
    part.data |= {
        "twin_share": share,
        "n_exact_copies": n_rows[0],
        "n_near_copies": n_rows[1] - n_rows[0],
        "copy_clusters": near,
    }
    if n_rows[1] == 0:
        return part
    if np.isfinite(conflicts):
        part.estimates["conflict_rate"] = Estimate(
            value=conflicts, label="share of sets of equal rows with different targets"
        )
    chance = coincidence_share(problem) if n_rows[0] else 1.0
    copied = chance >= _COPIED
    n_near = n_rows[1] - n_rows[0]
    nearly = f" ({n_near} of them nearly)" if n_near else ""
    text = (
        f"{n_rows[1]} of {n} rows have a copy in the table{nearly}, and {share:.1%} of "
        "the test rows have one in the training part"
    )
    finding = Finding(
        name="duplicates",
        verdict="",
        effect=share,
        decisive=share >= _SMALLEST_SHARE and copied,
        size=share / 0.05,
        message=f"{text}.",
        advice="Keep copies of a row in one fold: pass their numbers as groups.",
    )
    part.findings.append(finding)
    if not copied:
        part.notes.append(
            "Equal rows are about as common as rows that differ in a single column: "
            "columns have few values, and the rows need not be copies."
        )
        return part
    if share < _SMALLEST_SHARE:
        return part
    clusters = near if problem.groups is None else _across(near, problem.groups)
    if np.bincount(clusters).max() > _LARGEST_CLUSTER * n:
        part.notes.append(
            "So many rows hang together by copies that their effect on the score can't "
            "be measured."
        )
        return part
    effect, part.n_fits = group_effect(problem, evidence, clusters, "leakage", "copies")
    score = effect.score
    part.estimates["twin_effect"] = Estimate(
        value=score.difference, lower=score.lower, upper=score.upper,
        label="score that copies in the training part pretend",
        unit=problem.judge.score_name,
    )  # fmt: skip
    part.data["twin_effect"] = (score.difference, score.lower, score.upper)
    part.findings.append(
        Finding(
            name="copies_leak",
            verdict="leaky",
            **effect.numbers(),
            message=(
                f"{text}; copies in the training part raise the score by "
                f"{effect.describe(problem)}."
            ),
            advice="Drop the copies, or pass their numbers as groups.",
        )
    )
    return part


def copies(problem: Problem) -> np.ndarray:
    """Return codes of the sets of rows that are copies of each other, or nearly."""
    exact = np.unique(problem.keys, return_inverse=True)[1]
    n = problem.n_samples
    X = problem.X
    if sp.issparse(X):
        table = NeighborTable(numeric=sp.csr_array(X, dtype=np.float64))
        if X.nnz * n > 20 * _MOST_CELLS:
            return exact
    else:
        plan = problem.columns
        numeric = np.asarray(plan.numeric, dtype=np.float64)
        if numeric.size > _MOST_CELLS:
            return exact
        if numeric.shape[1]:
            numeric = RobustScaler().fit_transform(numeric)
        codes = plan.codes if plan.codes.shape[1] else None
        if numeric.shape[1] + plan.codes.shape[1] == 0:
            return exact
        table = NeighborTable(numeric=numeric, codes=codes)
    distances, indices = find_neighbors(table, min(_NEIGHBORS, n - 1))
    limit = NEAR * float(np.median(distances[:, 0]))
    close = np.isfinite(distances) & (distances <= limit) & (limit > 0)
    if not close.any():
        return exact
    i, k = np.nonzero(close)
    graph = sp.coo_array(
        (np.ones(len(i), dtype=np.int8), (i, indices[i, k])), shape=(n, n)
    )
    return components(exact, connected_components(graph, directed=False)[1])


def coincidence_share(problem: Problem) -> float:
    """Return how surely rows that agree in all columns but one agree in it too.

    The least over the columns. Of copies it is 1; of a few columns with few values it
    is what chance gives, because there rows that differ in one column are as common.
    """
    X = problem.X
    if sp.issparse(X):
        return 1.0  # too wide for coincidences
    plan = problem.columns
    n = problem.n_samples
    rng = problem.generator("leakage", "hash")
    parts = []
    for values in (*np.asarray(plan.numeric).T, *plan.codes.T):
        codes = np.unique(values, return_inverse=True)[1]
        levels = rng.integers(2**63, size=codes.max() + 1, dtype=np.uint64)
        parts.append(levels[codes])
    total = np.zeros(n, dtype=np.uint64)
    for column in parts:
        total += column
    equal = _pairs(total)
    if equal == 0 or len(parts) < 2:
        return 1.0 if equal == 0 else 0.0
    return equal / max(_pairs(total - column) for column in parts)


def _pairs(keys: np.ndarray) -> float:
    counts = np.unique(keys, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1) / 2).sum())


def _in_clusters(codes: np.ndarray) -> int:
    """Return how many rows aren't alone."""
    counts = np.bincount(codes)
    return int(counts[counts > 1].sum())


def _across(codes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the codes where rows of several groups share one, else one for each row.

    Copies inside a group stay together already.
    """
    low = np.full(codes.max() + 1, groups.max())
    high = np.zeros(codes.max() + 1, dtype=low.dtype)
    np.minimum.at(low, codes, groups)
    np.maximum.at(high, codes, groups)
    several = (high > low)[codes]
    alone = codes.max() + 1 + np.arange(len(codes))
    return np.unique(np.where(several, codes, alone), return_inverse=True)[1]


def _leaking_share(evidence: Evidence, codes: np.ndarray) -> float:
    shares = [
        float(np.isin(codes[test], codes[train]).mean())
        for train, test in evidence.splits
    ]
    return float(np.mean(shares))


def _conflict_rate(problem: Problem, codes: np.ndarray) -> float:
    """Return the share of sets of equal rows with more than one target."""
    counts = np.bincount(codes)
    if counts.max() < 2:
        return float("nan")
    low = np.full(len(counts), np.inf)
    high = np.full(len(counts), -np.inf)
    np.minimum.at(low, codes, problem.y)
    np.maximum.at(high, codes, problem.y)
    several = counts > 1
    return float((high[several] > low[several]).mean())
