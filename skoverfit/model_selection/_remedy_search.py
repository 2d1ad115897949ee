# SPDX-License-Identifier: BSD-3-Clause
"""Search the catalogue for what helps, and say what of the gain is luck."""

from __future__ import annotations

import time
from contextlib import nullcontext
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    is_classifier,
    is_regressor,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._best_estimator import BestEstimatorMixin
from skoverfit.model_selection._candidates import (
    list_candidates,
    takes_weights,
    with_seeds,
)
from skoverfit.model_selection._held_out_score import HeldOutScore
from skoverfit.model_selection._nested_search import nested_scores
from skoverfit.model_selection._racing import Race
from skoverfit.model_selection._search_cells import CellStore, Work, fit_whole
from skoverfit.model_selection._search_estimate import SearchEstimate, estimate
from skoverfit.model_selection._search_folds import checked_data, make_parts
from skoverfit.model_selection._search_report import SearchReport

__all__ = ["RemedySearchCV"]


class RemedySearchCV(BestEstimatorMixin, MetaEstimatorMixin, BaseEstimator):
    """Try the remedies of the catalogue on an estimator, and keep one that helps.

    Every remedy (class weights, re-sampling, thresholds, calibration, stronger
    regularization, cleaned labels, ...) is put around the estimator and cross-validated
    on the same folds; "nothing" is always among them. The best of many looks better
    than it is. The search therefore repeats its own selection on bootstrap draws of the
    held-out predictions and judges each winner on rows that did not choose it (BBC,
    [1]_): `cv_score_corrected_` and `gain_` are what is left of the lead, and with
    ``require_gain`` a remedy is kept only where the lower limit of its gain is above 0.

    Read more in the :doc:`user guide </user_guide/diagnosis>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier or regressor
        What is treated: a model or a whole pipeline, which may take data frames with
        text. It is cloned; a ``random_state`` in it that is no number gets the
        search's.
    remedies : "auto" or list of str or Remedy, default="auto"
        Names of `skoverfit.catalogue`, also with parameters, as
        ``"smote@k_neighbors=3"``, or rows of the catalogue. "auto" takes what the
        benchmark takes, for classes or for numbers, and what applies to this estimator
        and these classes.
    scoring : str or callable, default=None
        The one score that decides, as in scikit-learn. None is balanced accuracy for a
        classifier and R2 for a regressor. Scores that rank rows (ROC AUC) are taken in
        each fold and averaged, since the models of two folds are not on one scale;
        other ones are taken over the rows of all folds.
    cv : int, splitter or iterable, default=5
        A number makes shuffled, stratified folds, which keep ``groups`` whole.
    n_repeats : int, default=1
        How often the folds are redrawn; only where ``cv`` is a number.
    strategy : {"fold_racing", "sample_halving", "exhaustive"}, default="fold_racing"
        "fold_racing" drops after each fold who is behind the best in more than
        ``alpha`` of the bootstrap draws (BBCD-CV, [1]_). "sample_halving" compares on
        parts of the rows first; strong regularization wins on few rows and loses later,
        and the luck of these first rounds is not corrected. "exhaustive" drops nobody.
    alpha : float, default=0.99
        See ``strategy``; 1 drops nobody.
    factor : int, default=3
        "sample_halving" has rounds on ``1 / factor**2`` and ``1 / factor`` of the rows,
        and one of ``factor`` candidates goes on, one of each kind at least.
    n_bootstrap : int, default=1000
        Number of bootstrap draws.
    correction : {"bbc", "tt", "nested", "all"}, default="bbc"
        What `cv_score_corrected_` is: the bootstrap's; the winner's score less
        `tibshirani_bias`; or that of the whole search inside outer folds, which takes
        as many searches. "all" makes all three and publishes the bootstrap's.
    outer_cv : int, splitter or iterable, default=None
        Outer folds of "nested"; None is 5.
    rope : float, default=0.01
        Differences of less than this don't matter, in units of the score.
    require_gain : bool, default=True
        Whether "nothing" is kept where the lower limit of the gain's 95 % interval is
        not above 0.
    max_candidates : int, default=40
        At most so many are tried, "nothing" included; with "auto" the cheap ones.
    max_time : float, default=None
        Seconds after which no further fit is begun but the last one, on all rows, and
        those of "nothing" on two folds. Everybody is then judged on the
        folds that all have finished, two at least; within the first two folds who
        came too late is left out.
    store : str or path-like, default=None
        A file for finished fits: a search that was cut short and is repeated with the
        same arguments goes on there. It needs an integer ``random_state``.
    refit : bool, default=True
        Whether the winner is trained on all rows.
    report : OverfittingReport, default=None
        One that was computed on these training rows and no others: what it recommends
        is tried first.
    n_jobs : int, default=None
        Fits at once, as in joblib. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Draws folds, bootstraps, and what remedies draw.
    verbose : int, default=0
        1 shows the progress.

    Attributes
    ----------
    best_remedy_ : str
        Name of the remedy that was kept; "nothing" where none helps for sure.
    best_estimator_ : estimator
        The estimator with it, trained on all rows; only with ``refit``.
    best_index_ : int
        Its place in `cv_results_`.
    winner_ : str
        The remedy that the rule of selection chose, before ``require_gain``.
    cv_score_naive_ : float
        The best score of all: what a plain search would report.
    cv_score_corrected_ : float
        Honest score of what was kept, see ``correction``.
    corrected_interval_ : tuple of float
        Its 95 % interval.
    nested_score_ : float
        Mean score of the search on outer folds; None without.
    gain_ : float
        What the winner gains over "nothing", corrected for the selection.
    gain_interval_ : tuple of float
        Its 95 % interval.
    luck_ : float
        The part of the winner's lead over "nothing" that is luck: naive lead less
        `gain_`.
    p_better_ : float
        Probability that the winner is better than "nothing" by more than ``rope``, by
        the correlated Bayesian t-test [2]_ over the folds; not corrected for selection.
    cv_results_ : dict of list
        One entry for each candidate that was asked for: name, title, status, score and
        so on; see `report_`.
    remedy_table_ : DataFrame
        The same as a table, the best first.
    dropped_at_fold_ : dict of str to int
        Folds that were known when a candidate was dropped; with "sample_halving" the
        number of the round.
    oof_predictions_ : dict of str to list of tuple
        For each candidate that finished: rows and predictions of each fold.
    report_ : SearchReport
        What was tried and what it is worth, for people.
    summary_ : dict
        The numbers that `report_` prints; ``summary_["nested"]`` has the scores and
        remedies of the outer folds.
    n_splits_ : int
        Folds that were used.
    scorer_ : callable
        What decides.
    classes_ : ndarray of shape (n_classes,)
        The labels; only of a classifier.
    n_features_in_ : int
        Columns seen; where the estimator knows them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names; where the estimator knows them.

    See Also
    --------
    bbc_cv_score : The correction alone, after any search.
    CertifiedSearchCV : A search whose winner has an upper bound of its error.

    Notes
    -----
    Of the remedies within one standard error of the best, the cheapest is chosen
    (``cost`` of the catalogue, at least 1), and of equally cheap ones the best;
    "nothing" where no remedy scores better. Each bootstrap draw applies the same rule.
    Re-sampling, cleaning and tuning see training folds only, and held-out labels are
    never cleaned. A candidate that fails is a row with its error. Candidates that were
    dropped do not take part in the bootstrap, as in [1]_.

    References
    ----------
    .. [1] I. Tsamardinos, E. Greasidou and G. Borboudakis (2018). "Bootstrapping the
       out-of-sample predictions for efficient and accurate cross-validation". Machine
       Learning 107, 1895-1922.
    .. [2] A. Benavoli, G. Corani, J. Demsar and M. Zaffalon (2017). "Time for a change:
       a tutorial for comparing multiple classifiers through Bayesian analysis". Journal
       of Machine Learning Research 18, 1-36.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.model_selection import RemedySearchCV
    >>> X, y = make_classification(1500, weights=[0.95], random_state=0)
    >>> search = RemedySearchCV(
    ...     LogisticRegression(), ["class_weight", "random_under"], random_state=0
    ... ).fit(X, y)
    >>> search.best_remedy_
    'class_weight'
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "remedies": [str, list, tuple],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"fold_racing", "sample_halving", "exhaustive"})],
        "alpha": [Interval(Real, 0.5, 1, closed="both")],
        "factor": [Interval(Integral, 2, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "correction": [StrOptions({"bbc", "tt", "nested", "all"})],
        "outer_cv": ["cv_object"],
        "rope": [Interval(Real, 0, None, closed="left")],
        "require_gain": ["boolean"],
        "max_candidates": [Interval(Integral, 1, None, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "store": [str, PathLike, None],
        "refit": ["boolean"],
        "report": [HasMethods(["recommend"]), None],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # Weights are for the candidates; the search itself divides rows by groups only.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        remedies: Any = "auto",
        *,
        scoring: Any = None,
        cv: Any = 5,
        n_repeats: int = 1,
        strategy: str = "fold_racing",
        alpha: float = 0.99,
        factor: int = 3,
        n_bootstrap: int = 1000,
        correction: str = "bbc",
        outer_cv: Any = None,
        rope: float = 0.01,
        require_gain: bool = True,
        max_candidates: int = 40,
        max_time: float | None = None,
        store: Any = None,
        refit: bool = True,
        report: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.remedies = remedies
        self.scoring = scoring
        self.cv = cv
        self.n_repeats = n_repeats
        self.strategy = strategy
        self.alpha = alpha
        self.factor = factor
        self.n_bootstrap = n_bootstrap
        self.correction = correction
        self.outer_cv = outer_cv
        self.rope = rope
        self.require_gain = require_gain
        self.max_candidates = max_candidates
        self.max_time = max_time
        self.store = store
        self.refit = refit
        self.report = report
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        **fit_params: Any,
    ) -> RemedySearchCV:
        """Try the remedies, keep one, and train it on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Training rows, as the estimator takes them.
        y : array-like of shape (n_samples,)
            Their labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the fits; the scores are not weighted.
        groups : array-like of shape (n_samples,), default=None
            Rows that belong together: they are never divided between folds, and a
            bootstrap draws them as a whole.
        **fit_params : dict
            Handed to `fit` of every candidate; what has one value a row is split.

        Returns
        -------
        self : RemedySearchCV
            The fitted search.

        Raises
        ------
        ValueError
            A parameter that can't be used, an unknown remedy; whatever the plain
            estimator raises on these rows.
        """
        self._validate_params()
        self._check_parameters(sample_weight)
        given = {**fit_params, "sample_weight": sample_weight}
        params = {k: v for k, v in given.items() if v is not None}
        if _routing_enabled():
            if groups is not None:
                params["groups"] = groups
            params = dict(process_routing(self, "fit", **params).estimator.fit)
        data = checked_data(self, X, y, groups, params)
        entropy = root_entropy(self.random_state)
        deadline = None if self.max_time is None else time.time() + self.max_time
        counts = None if data.classes is None else data.counts(np.arange(len(data)))
        candidates, left_out = list_candidates(
            self.remedies,
            self.estimator,
            counts,
            max_candidates=self.max_candidates,
            first=() if self.report is None else self.report.recommend(),
        )
        score = HeldOutScore(self.scoring, self.estimator, data.classes)
        seed = derive_seed(entropy, "model")
        work = Work(data, with_seeds(self.estimator, seed), score.methods, seed)
        parts = make_parts(data, self.cv, self.n_repeats, derive_seed(entropy, "folds"))
        with (
            nullcontext() if self.store is None else CellStore(self.store, work)
        ) as store:
            race = Race(
                work,
                candidates,
                parts,
                score,
                alpha=self.alpha,
                n_bootstrap=self.n_bootstrap,
                entropy=entropy,
                n_jobs=self.n_jobs,
                deadline=deadline,
                store=store,
                verbose=self.verbose,
            )
            race.run(self.strategy, self.factor)
        found = estimate(
            race,
            rope=self.rope,
            require_gain=self.require_gain,
            n_bootstrap=self.n_bootstrap,
            entropy=entropy,
        )
        nested = None
        if self.correction in ("nested", "all"):
            nested = nested_scores(self, data, entropy)
        best = None
        if self.refit:
            best = fit_whole(work, found.kept.candidate)
        self._publish(data, score, race, found, nested, left_out, best)
        return self

    def _check_parameters(self, sample_weight: Any) -> None:
        if not (is_classifier(self.estimator) or is_regressor(self.estimator)):
            raise BadInputError(
                "estimator must be a classifier or a regressor. Got "
                f"{self.estimator!r}."
            )
        if self.store is not None and not isinstance(
            self.random_state, (int, np.integer)
        ):
            raise BadInputError(
                "A store keeps the fits of a search that can be repeated: give an "
                f"integer random_state. Got random_state={self.random_state!r}."
            )
        if sample_weight is not None and not takes_weights(self.estimator):
            raise ValueError(
                f"{type(self.estimator).__name__}.fit takes no sample_weight."
            )

    def get_metadata_routing(self) -> MetadataRouter:
        """Return what goes where.

        Returns
        -------
        MetadataRouter
            ``groups`` stay here; everything else goes to the `fit` of the candidates,
            where the estimator requests it.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self.estimator, method_mapping=mapping)
        )

    # --- results -----

    def _publish(
        self,
        data: Any,
        score: HeldOutScore,
        race: Race,
        found: SearchEstimate,
        nested: dict[str, Any] | None,
        left_out: list[tuple[str, str]],
        best: Any,
    ) -> None:
        """Set all attributes, now that all went well, after everything went well."""
        for name in ("best_estimator_", "classes_"):
            self.__dict__.pop(name, None)  # of an earlier fit
        if data.classes is not None:
            self.classes_ = data.classes
        if best is not None:
            self.best_estimator_ = best
        self.scorer_ = score.scorer
        self.n_splits_ = race.n_folds
        self.cv_results_ = found.results(race, left_out)
        self.best_remedy_ = found.kept.candidate.name
        self.winner_ = found.winner.candidate.name
        self.best_index_ = self.cv_results_["name"].index(self.best_remedy_)
        self.cv_score_naive_ = found.naive_score
        self.gain_, self.gain_interval_ = found.gain, found.gain_interval
        self.luck_ = found.naive_lead - found.gain
        self.p_better_ = found.comparison.p_gain
        self.cv_score_corrected_, self.corrected_interval_ = found.corrected(
            self.correction, nested
        )
        self.nested_score_ = None if nested is None else nested["score"]
        self.dropped_at_fold_ = {
            runner.candidate.name: runner.dropped_at
            for runner in race.runners
            if runner.status == "dropped"
        }
        self.oof_predictions_ = {
            runner.candidate.name: [
                (part.test, dict(cell.predictions))
                for part, cell in zip(race.parts, runner.cells, strict=False)
            ]
            for runner in race.runners
            if runner.status == "finished"
        }
        self.summary_ = found.values(
            self, race, nested, score.name, len(data), type(self.estimator).__name__
        )

    @property
    def report_(self) -> SearchReport:
        """What was tried and what it is worth, for people."""
        check_is_fitted(self)
        return SearchReport(self.summary_, self.cv_results_)

    @property
    def remedy_table_(self) -> Any:
        """All that was asked for, the best first, as a data frame."""
        check_is_fitted(self)
        return self.report_.to_frame()
