# SPDX-License-Identifier: BSD-3-Clause
"""The sections, in the order in which they are shown.

Each is a module with ``NAME``, ``TITLE`` and ``run(problem, evidence) -> Section``,
which raises `NotRun` with a reason where it can't be run.
"""

from __future__ import annotations

from collections.abc import Callable

from skoverfit.inspection._report._evidence import Evidence
from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._sections import (
    _calibration,
    _complexity,
    _gap,
    _imbalance,
    _instability,
    _label_noise,
    _leakage,
    _learning_curve,
    _memorization,
    _optimism,
    _permutation,
    _shift,
)
from skoverfit.inspection._report._types import Section

__all__ = [
    "SECTIONS",
]

Run = Callable[[Problem, Evidence], Section]

SECTIONS: dict[str, tuple[str, Run]] = {
    module.NAME: (module.TITLE, module.run)
    for module in (
        _gap,
        _optimism,
        _learning_curve,
        _permutation,
        _leakage,
        _label_noise,
        _imbalance,
        _calibration,
        _memorization,
        _shift,
        _complexity,
        _instability,
    )
}
