# SPDX-License-Identifier: BSD-3-Clause
"""Section 5: what the score profits from, and won't have later."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.pipeline import Pipeline

from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._sections import (
    _duplicates,
    _group_leak,
    _target_leak,
    _time_leak,
)
from skoverfit.inspection._report._sections._arms import Part
from skoverfit.inspection._report._types import NotRun, Section

__all__ = ["NAME", "TITLE", "run"]

NAME = "leakage"
TITLE = "Leaks"

_LOOKS = {
    "copies": _duplicates.look,
    "columns that hold the target": _target_leak.look,
    "groups": _group_leak.look,
    "time": _time_leak.look,
}


def run(problem: Problem, evidence: Evidence) -> Section:
    """Look for copies, groups, time and the target among the columns."""
    section = Section(
        name=NAME,
        title=TITLE,
        blind_spot=(
            "Groups that no column names and copies that were changed stay hidden; so "
            "does what was computed from all rows before the table came here. A column "
            "that truly determines the target looks like a leak."
        ),
    )
    for what, look in _LOOKS.items():
        try:
            part: Part = look(problem, evidence)
        except NotRun as exc:
            section.notes.append(f"Not looked for {what}: {exc}.")
            continue
        section.estimates |= part.estimates
        section.findings += part.findings
        section.notes += part.notes
        section.data |= part.data
        section.n_fits += part.n_fits
    section.data["score_name"] = problem.judge.score_name
    remark = _scaled_before(problem)
    if remark:
        section.notes.append(remark)
    section.method = (
        f"{section.n_fits} fits that compare training with and without rows of the "
        "same set (copies, group) or of later times, on the same test rows and with as "
        "many training rows; t-intervals of differences over folds, trimmed (Yuen 1974)"
    )
    return section


def _scaled_before(problem: Problem) -> str:
    """Return a remark where all columns have mean 0 and variance 1 exactly."""
    if isinstance(problem.estimator, Pipeline) or sp.issparse(problem.X):
        return ""
    plan = problem.columns
    numeric = np.asarray(plan.numeric, dtype=np.float64)
    if numeric.shape[1] == 0 or np.isnan(numeric).any():
        return ""
    mean, variance = numeric.mean(axis=0), numeric.var(axis=0)
    if np.abs(mean).max() > 1e-6 or np.abs(variance - 1.0).max() > 1e-6:
        return ""
    return (
        "All columns have mean 0 and variance 1 over all rows: if they were scaled (or "
        "chosen) before this report, test rows had a part in it. Put such steps into a "
        "pipeline."
    )
