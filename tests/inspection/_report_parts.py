# SPDX-License-Identifier: BSD-3-Clause
"""What tests of the sections of a report need: a problem and its evidence."""

from skoverfit.inspection import OverfittingReport
from skoverfit.inspection._report._evidence import gather
from skoverfit.inspection._report._setup import engine_splits, problem_of


def setup(
    estimator,
    X,
    y,
    *,
    groups=None,
    time=None,
    sample_weight=None,
    X_new=None,
    **options,
):
    """Return what a section gets."""
    options = {"random_state": 0, **options}
    report = OverfittingReport(estimator, **options)
    problem = problem_of(report, X, y, groups, time, sample_weight, X_new)
    splits, n_repeats = engine_splits(problem, report.cv, X, y, groups)
    return problem, gather(problem, splits, n_repeats)


def finding(section, name):
    (found,) = [f for f in section.findings if f.name == name]
    return found
