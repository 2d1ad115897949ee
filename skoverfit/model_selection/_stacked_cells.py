# SPDX-License-Identifier: BSD-3-Clause
"""Train the nets of many cells at once, before the cells ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from skoverfit.catalogue import resolve
from skoverfit.model_selection._candidates import Candidate
from skoverfit.model_selection._search_cells import Work

__all__ = ["holds_net", "trained_at_once"]

_ROOM = "skoverfit.neural_network"


def holds_net(estimator: Any) -> bool:
    """Whether a net of this library is in the estimator, at any depth."""
    inside = [estimator, *estimator.get_params(deep=True).values()]
    return any(type(each).__module__.startswith(_ROOM) for each in inside)


@contextmanager
def trained_at_once(
    work: Work,
    cells: Sequence[tuple[Candidate, np.ndarray]],
    n_jobs: int | None,
) -> Iterator[list[float]]:
    """Train the nets of these cells as stacks; inside, their fits are answered.

    What can't be foreseen (the further nets of a remedy that tunes on inner folds) is
    trained when it is asked for.

    Parameters
    ----------
    work : Work
        Rows and estimator.
    cells : sequence of (Candidate, ndarray)
        Candidates and their training rows.
    n_jobs : int or None
        Processes that train stacks.

    Yields
    ------
    list of float
        Each cell's share of the time of the stacks.
    """
    # By name: this room does not load torch, and whoever has a net has it loaded.
    plan = resolve(f"{_ROOM}._planned_fits.FitPlan")()
    numbers: list[int | None] = []
    for candidate, rows in cells:
        try:
            model, params, _ = work.build(candidate, rows)
        except Exception:  # the cell itself says so
            numbers.append(None)
            continue
        part = _safe_indexing(work.data.X, rows)
        numbers.append(plan.record(model, part, work.data.labels[rows], **params))
    most = resolve(f"{_ROOM}._stack_fits.MAX_NETS")
    found = resolve(f"{_ROOM}._stack_fits.fit_plan")(plan, most, n_jobs)
    seconds = [0.0 if n is None else float(found.seconds[n]) for n in numbers]
    with plan.answering(found.outcomes):
        yield seconds
