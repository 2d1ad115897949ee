# SPDX-License-Identifier: BSD-3-Clause
"""One honest diagnosis of an estimator on a table."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import Bunch, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_feature_names, check_is_fitted

from skoverfit._core._arrays import n_rows
from skoverfit._core._html import write_atomically
from skoverfit._core._names import suggest
from skoverfit.catalogue import get_remedy
from skoverfit.inspection._report._evidence import gather
from skoverfit.inspection._report._sections import SECTIONS
from skoverfit.inspection._report._setup import containers, engine_splits, problem_of
from skoverfit.inspection._report._summary import summary_text
from skoverfit.inspection._report._types import NotRun, Section
from skoverfit.inspection._report._verdict import grade, verdict_of

__all__ = ["OverfittingReport"]

_COLUMNS = (
    "name",
    "section",
    "verdict",
    "severity",
    "effect",
    "lower",
    "upper",
    "p_value",
    "p_adjusted",
    "message",
    "remedies",
    "advice",
)


class OverfittingReport(MetaEstimatorMixin, BaseEstimator):
    """Tell whether a model overfits, why, what would help, and how sure that is.

    One repeated cross-validation, and the few more fits that some sections need, give
    twelve sections. Each has effects with intervals, says how they were estimated and
    what it can't see. The tests of all sections are corrected together; the verdict
    is the first of a fixed list that a finding asks for (see ``verdict_``). A gap
    between training and test score alone is no harm: forests and nearest neighbours
    always show one. Harm is what a simpler or recalibrated model would recover.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or regressor, a pipeline for example; cloned, never changed.
        Without ``predict_proba`` the sections on probabilities are not run.
    scoring : str or callable, default=None
        Primary score, higher is better, for gap, learning curve and the comparisons.
        None takes minus the mean loss of a row: log-loss, error rate without
        ``predict_proba``, squared error in variances of the target (``R2 - 1``).
    cv : int, splitter or iterable, default=5
        Number of shuffled folds (stratified, of whole groups where there are groups),
        or a splitter (row numbers) that tests every row once.
    n_repeats : int, default=None
        Repetitions of the cross-validation; None: 2, with ``budget="full"`` 5.
    sections : "auto" or list of str, default="auto"
        Which sections are run, by name; "auto" runs all.
    confidence : float, default=0.95
        Level of all intervals; one minus it is the false discovery rate.
    n_bootstrap : int, default=None
        Bootstrap fits of the optimism section; None: 20, with ``budget="full"`` 50.
    n_permutations : int, default=None
        Cross-validations with shuffled targets; None: 19, with ``budget="full"`` 99.
    train_sizes : int, default=None
        Points of the learning curve; None: 5, with ``budget="full"`` 7.
    max_samples : int, default=None
        Largest number of rows that are examined, a random part of them where there
        are more; equal rows and groups stay together. None: 10 000, with
        ``budget="full"`` all.
    budget : {"fast", "full"} or float, default="fast"
        How much work is done. A number is an upper limit in seconds: sections that
        would not end in time are listed as not run, with this reason.
    rope : float, default=0.01
        Differences of the primary score up to this size count as none.
    n_jobs : int, default=None
        Fits at a time; results don't depend on it.
    random_state : int, RandomState instance or None, default=None
        Folds, resamples, and random states of the estimator that are None.

    Attributes
    ----------
    verdict_ : str
        In this order the first that a confirmed finding asks for: "leaky",
        "shifted", "no_signal", "label_noise_limited", "harmful_overfitting",
        "underfitting", "data_limited", "benign_gap"; "healthy" if none does.
    findings_ : list of Bunch
        What was looked for, confirmed findings first: ``name``, ``section``,
        ``verdict``, ``severity`` ("none" where it is not confirmed, "mild",
        "moderate", "severe"), ``effect`` with ``lower`` and ``upper``, ``p_value``,
        ``p_adjusted`` (Benjamini-Hochberg over the report), ``message``,
        ``remedies`` (names of the catalogue) and ``advice``.
    sections_ : dict of str to Bunch
        ``title``, ``method``, ``blind_spot``, ``estimates`` (each a Bunch with
        ``value``, ``lower``, ``upper``, ``label``, ``unit``), ``data`` for pictures,
        ``notes``, ``n_fits``, ``seconds``; ``reason`` says why it was not run.
    n_fits_ : int
        Fits of the estimator altogether.
    n_samples_ : int
        Rows examined.
    n_samples_seen_ : int
        Rows given.
    row_positions_ : ndarray of shape (`n_samples_`,)
        Number of each examined row in the given table; arrays of single rows in
        ``sections_`` are in this order, which depends on what is in the rows, not on
        the order in which they came.
    classes_ : ndarray of shape (n_classes,)
        Only for classifiers.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they have names that are all text.

    See Also
    --------
    assert_generalizes : One line for a test-suite.
    skoverfit.model_selection.RemedySearchCV : Tries the remedies that are named here.

    Notes
    -----
    Rows are put into an order that depends on their content, so the report is the same
    for shuffled rows. With ``time`` the order in time is looked at too.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003). "Inference for the generalization error".
       Machine Learning 52, 239-281.
    .. [2] Y. Benjamini and Y. Hochberg (1995). "Controlling the false discovery rate:
       a practical and powerful approach to multiple testing". JRSS B 57, 289-300.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.inspection import OverfittingReport
    >>> X, y = make_classification(100, 200, random_state=0)
    >>> report = OverfittingReport(
    ...     LogisticRegression(C=1e6), sections=["gap", "complexity"], random_state=0
    ... ).fit(X, y)
    >>> report.verdict_
    'harmful_overfitting'
    """

    _parameter_constraints: ClassVar[dict[str, list]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
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

        Raises
        ------
        ValueError
            If a parameter is not allowed, there are too few rows, groups or rows of a
            class for the folds, the target has one value, or the scorer gives no
            number. Errors of the estimator in the first cross-validation are passed
            on.
        """
        self._validate_params()
        start = clock.perf_counter()
        wanted = self._wanted_sections()
        X, y, groups, time, sample_weight = containers(
            X, y, groups, time, sample_weight
        )
        problem = problem_of(self, X, y, groups, time, sample_weight, X_new)
        splits, n_repeats = engine_splits(problem, self.cv, X, y, groups)
        with warnings.catch_warnings():
            # One estimator, hundreds of fits: its remarks would be repeated as often.
            warnings.simplefilter("ignore")
            evidence = gather(problem, splits, n_repeats)
            sections = {}
            for name in wanted:
                sections[name] = _run(name, problem, evidence)
        findings = [f for section in sections.values() for f in section.findings]
        graded = grade(findings, problem.alpha)
        self.verdict_ = verdict_of(graded)
        self.findings_ = [Bunch(**asdict(f), confirmed=f.confirmed) for f in graded]
        self.sections_ = {name: _published(s) for name, s in sections.items()}
        self.n_fits_ = evidence.n_fits + sum(s.n_fits for s in sections.values())
        self.n_samples_ = problem.n_samples
        self.n_samples_seen_ = n_rows(X)
        self.row_positions_ = problem.position
        self.n_features_in_ = len(problem.feature_names)
        _check_feature_names(self, X, reset=True)
        if problem.classes is not None:
            self.classes_ = problem.classes
        self._score_name = problem.judge.score_name
        self._seconds = clock.perf_counter() - start
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
        """Return the verdict, what supports it and what would help, as plain text.

        Returns
        -------
        str
            Some lines without markup.
        """
        check_is_fitted(self)
        return summary_text(self)

    def to_frame(self) -> Any:
        """Return the findings as a table, confirmed ones first.

        Returns
        -------
        pandas.DataFrame
            A row a finding.
        """
        check_is_fitted(self)
        import pandas as pd

        rows = [
            {name: finding[name] for name in _COLUMNS} for finding in self.findings_
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def recommend(self, k: int = 5) -> list[str]:
        """Return remedies of the catalogue that confirmed findings point at.

        None where the verdict is "leaky" or "no_signal": no change of the model treats
        a leak, and there is nothing to gain without a signal.

        Parameters
        ----------
        k : int, default=5
            At most so many.

        Returns
        -------
        list of str
            Names for :func:`skoverfit.catalogue.get_remedy`, the most urgent first.
        """
        check_is_fitted(self)
        if self.verdict_ in ("leaky", "no_signal"):
            return []
        names = [n for f in self.findings_ if f.confirmed for n in f.remedies]
        treating = [n for n in dict.fromkeys(names) if get_remedy(n).role != "tool"]
        return treating[:k]

    def to_html(self, path: Any = None, *, title: str = "") -> str:
        """Return the report as one HTML page, and write it where a path is given.

        Parameters
        ----------
        path : str or path-like, default=None
            A file; it is the old one or the new one, never half of it.
        title : str, default=""
            Headline; the name of the estimator by default.

        Returns
        -------
        str
            The page: no script, nothing loaded from anywhere, every name escaped.

        Raises
        ------
        BadInputError
            If the file can't be written.
        ImportError
            If jinja2 or matplotlib is not installed (extra ``bench``).
        """
        check_is_fitted(self)
        from skoverfit.inspection._report._page import render_page

        page = render_page(self, title)
        if path is not None:
            write_atomically(path, page)
        return page

    def _repr_html_(self) -> str:
        """Show the first screen in a notebook, the parameters before it was fitted."""
        if not hasattr(self, "verdict_"):
            return super()._repr_html_()
        return f"<pre>{escape(self.summary())}</pre>"


def _published(section: Section) -> Bunch:
    """Return plain containers, which any file format can hold."""
    values = asdict(section)
    values["estimates"] = {k: Bunch(**v) for k, v in values["estimates"].items()}
    del values["findings"]
    return Bunch(**values, was_run=section.was_run)


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
