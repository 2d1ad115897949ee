# SPDX-License-Identifier: BSD-3-Clause
"""One honest diagnosis of an estimator on a table."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._names import suggest
from skoverfit.inspection._report._evidence import gather
from skoverfit.inspection._report._sections import SECTIONS
from skoverfit.inspection._report._setup import engine_splits, problem_of
from skoverfit.inspection._report._types import NotRun, Section
from skoverfit.inspection._report._verdict import grade, verdict_of

__all__ = ["OverfittingReport"]


class OverfittingReport(MetaEstimatorMixin, BaseEstimator):
    """Tell whether a model overfits, why, what would help, and how sure that is.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or regressor, a pipeline for example; cloned, never changed.
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "scoring": [str, callable, None],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods(["split"])],
        "n_repeats": [Interval(Integral, 1, None, closed="left"), None],
        "sections": [StrOptions({"auto"}), "array-like"],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left"), None],
        "n_permutations": [Interval(Integral, 9, None, closed="left"), None],
        "train_sizes": [Interval(Integral, 5, None, closed="left"), None],
        "max_samples": [Interval(Integral, 20, None, closed="left"), None],
        "budget": [
            StrOptions({"fast", "full"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "rope": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = None,
        cv: Any = 5,
        n_repeats: int | None = None,
        sections: str | Sequence[str] = "auto",
        confidence: float = 0.95,
        n_bootstrap: int | None = None,
        n_permutations: int | None = None,
        train_sizes: int | None = None,
        max_samples: int | None = None,
        budget: str | float = "fast",
        rope: float = 0.01,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.n_repeats = n_repeats
        self.sections = sections
        self.confidence = confidence
        self.n_bootstrap = n_bootstrap
        self.n_permutations = n_permutations
        self.train_sizes = train_sizes
        self.max_samples = max_samples
        self.budget = budget
        self.rope = rope
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        sample_weight: Any = None,
        *,
        time: Any = None,
        X_new: Any = None,
    ) -> OverfittingReport:
        """Examine the estimator on these rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Target.
        groups : array-like of shape (n_samples,), default=None
            Rows that belong together, such as those of one person.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        time : array-like of shape (n_samples,), default=None
            When each row was made; anything that sorts.
        X_new : array-like of shape (n_new, n_features), default=None
            Rows that the model will meet, without labels.

        Returns
        -------
        OverfittingReport
            Itself.
        """
        self._validate_params()
        wanted = self._wanted_sections()
        problem = problem_of(self, X, y, groups, time, sample_weight, X_new)
        splits, n_repeats = engine_splits(problem, self.cv)
        with warnings.catch_warnings():
            # One estimator, hundreds of fits: its remarks would be repeated as often.
            warnings.simplefilter("ignore")
            evidence = gather(problem, splits, n_repeats)
            sections = {}
            for name in wanted:
                sections[name] = _run(name, problem, evidence)
        findings = [f for section in sections.values() for f in section.findings]
        self.sections_ = sections
        self.findings_ = grade(findings, problem.alpha)
        self.verdict_ = verdict_of(self.findings_)
        self.n_fits_ = evidence.n_fits + sum(s.n_fits for s in sections.values())
        self.n_samples_ = problem.n_samples
        self.row_positions_ = problem.position
        self.feature_names_ = np.asarray(problem.feature_names, dtype=object)
        if problem.classes is not None:
            self.classes_ = problem.classes
        return self

    def _wanted_sections(self) -> list[str]:
        if isinstance(self.sections, str):
            return list(SECTIONS)
        for name in self.sections:
            if name not in SECTIONS:
                raise ValueError(
                    f"sections has no {name!r}. {suggest(str(name), SECTIONS)}"
                )
        return [name for name in SECTIONS if name in set(self.sections)]

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there is a verdict."""
        return hasattr(self, "verdict_")

    def __sklearn_tags__(self) -> Any:
        """Take what the estimator takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = True
        return tags

    def summary(self) -> str:
        """Return the verdict and the findings as plain text."""
        check_is_fitted(self)
        lines = [f"Verdict: {self.verdict_.replace('_', ' ')}"]
        lines += [f"- {f.severity}: {f.message}" for f in self.findings_ if f.confirmed]
        for section in self.sections_.values():
            if not section.was_run:
                lines.append(f"- not run: {section.title}: {section.reason}.")
        return "\n".join(lines)


def _run(name: str, problem: Any, evidence: Any) -> Section:
    """Run a section; one that can't be run says why, in its place."""
    title, run = SECTIONS[name]
    start = clock.perf_counter()
    try:
        if problem.seconds_left() <= 0:
            raise NotRun("the budget is used up")
        section = run(problem, evidence)
    except NotRun as exc:
        section = Section(name=name, title=title, reason=str(exc))
    except (ValueError, TypeError, ArithmeticError, np.linalg.LinAlgError) as exc:
        reason = f"{type(exc).__name__}: {' '.join(str(exc).split())[:300]}"
        section = Section(name=name, title=title, reason=reason)
    for finding in section.findings:
        finding.section = name
    section.seconds = clock.perf_counter() - start
    return section
