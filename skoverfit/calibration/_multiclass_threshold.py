# SPDX-License-Identifier: BSD-3-Clause
"""Decision thresholds tuned by cross-validation, for two or more classes."""

from __future__ import annotations

from inspect import signature
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    _fit_context,
    clone,
)
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer_names
from sklearn.utils import Bunch
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
)
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    _check_method_params,
    _estimator_has,
    check_is_fitted,
)

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._wrapping import WrappingMixin, remember_columns
from skoverfit.calibration._inputs import checked_rows
from skoverfit.calibration._out_of_fold import (
    checked_probabilities,
    fit_fold,
    inner_splits,
)
from skoverfit.calibration._threshold_search import SearchResult, log_probabilities
from skoverfit.calibration._threshold_tuning import decision_scorer, tune

__all__ = ["MulticlassTunedThresholdClassifierCV"]


class MulticlassTunedThresholdClassifierCV(
    WrappingMixin, ClassifierMixin, BaseEstimator
):
    r"""Tune decision thresholds by cross-validation, for two or more classes.

    What :class:`sklearn.model_selection.TunedThresholdClassifierCV` does for two
    classes: the classifier's probabilities stay as they are, only the decision
    changes, to

    .. math:: \hat y(x) = \arg\max_c w_c\, p_c(x),

    with class weights :math:`w_c` that maximise the score of the pooled out-of-fold
    predictions of an inner cross-validation. Use it where ranking is fine but rare
    classes are never predicted; it is the baseline that over-sampling has to beat.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator instance
        Classifier with `predict_proba`; a pipeline with imbalanced-learn's samplers
        is fine, since they act on training folds only.

    scoring : str or callable, default="balanced_accuracy"
        Scorer of decisions: a name, or what :func:`sklearn.metrics.make_scorer`
        returns. Balanced accuracy is searched exactly. For any other score a step
        tries at most 200 cut points (two classes) or 50 (more), evenly spaced by
        rank among all that change a decision, so with two classes and up to 199
        different probabilities it is exact, too.

    cv : int, float, cross-validation generator, iterable or "prefit", default=None
        The inner cross-validation. None means min(5, rows of the rarest class)
        stratified folds; an integer that many; both shuffled with `random_state`. A
        float in (0, 1) is the share of a single stratified validation split.
        "prefit" tunes a fitted `estimator` on all rows given to `fit`.

    refit : bool, default=True
        Whether to fit the final classifier on all rows. False needs a single split
        (then the classifier of its training part is kept) or ``cv="prefit"``.

    max_iter : int, default=20
        Most sweeps of the coordinate ascent over the classes, for more than two
        classes. It usually ends after two to four.

    n_jobs : int, default=None
        Jobs for the inner cross-validation; the result does not depend on it.

    random_state : int, RandomState, Generator or None, default=None
        Shuffles the folds where `cv` is None, an integer or a float. None draws
        anew at each fit; pass an integer for repeatable results.

    Attributes
    ----------
    estimator_ : estimator instance
        The fitted classifier.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    class_weights_ : ndarray of shape (n_classes,)
        The weights w_c, with mean 1; all 1 is the plain argmax.

    best_threshold_ : float
        Two classes only: the second class is decided where its probability exceeds
        this.

    best_score_ : float
        Score of the pooled out-of-fold decisions with `class_weights_`. It is the
        maximum of a search, hence optimistic.

    n_iter_ : int
        Sweeps over the classes that the search took.

    n_features_in_ : int
        Number of features, if the classifier tells.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names, if the classifier tells.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : For two classes, averaging
        folds' scores on an interpolated grid.

    Notes
    -----
    For two classes all cut points between neighbouring scores are scanned. For more,
    cyclic coordinate ascent starts from w = 1 and from w = 1 / class share, the
    thresholding of Buda et al.; with balanced accuracy each step is an exact line
    search in O(n log n), n out-of-fold rows. Cuts are put in the middle (on the log
    scale) of the best plateau, the one nearest to the present weight if there are
    several. The out-of-fold score is never below that of the plain argmax. Unlike in
    the paper the weights are tuned, not set to 1 / share.

    References
    ----------
    M. Buda, A. Maki, M. A. Mazurowski (2018). A systematic study of the class
    imbalance problem in convolutional neural networks. Neural Networks 106, 249-259.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import balanced_accuracy_score
    >>> from skoverfit.calibration import MulticlassTunedThresholdClassifierCV
    >>> X, y = make_classification(
    ...     2000, n_informative=4, n_classes=3, weights=[0.9, 0.07], random_state=0)
    >>> plain = LogisticRegression().fit(X[:1000], y[:1000])
    >>> tuned = MulticlassTunedThresholdClassifierCV(plain, random_state=0)
    >>> tuned = tuned.fit(X[:1000], y[:1000])
    >>> for model in plain, tuned:
    ...     print(f"{balanced_accuracy_score(y[1000:], model.predict(X[1000:])):.2f}")
    0.52
    0.64
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "scoring": [StrOptions(set(get_scorer_names())), callable],
        "cv": [
            "cv_object",
            StrOptions({"prefit"}),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "refit": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    # Weights go to whoever asks for them: the classifier, the scorer.
    __metadata_request__fit: ClassVar[dict] = {"sample_weight": UNUSED}

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = "balanced_accuracy",
        cv: Any = None,
        refit: bool = True,
        max_iter: int = 20,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> MulticlassTunedThresholdClassifierCV:
        """Fit the classifier and tune the class weights.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Training rows, as the classifier takes them.

        y : array-like of shape (n_samples,)
            Class labels of any type.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Without metadata routing they go to the classifier,
            which must accept them, and to the score; with it to whoever requests
            them. Rows of weight zero do not count in the score.

        **fit_params : dict
            With metadata routing enabled: what the classifier's `fit`, the
            splitter's `split` (such as `groups`) or the scorer requests.

        Returns
        -------
        self : object
            The fitted instance.

        Raises
        ------
        ValueError
            If there are fewer than two classes, too few rows of a class for `cv`,
            or a scorer that does not judge decisions.
        """
        _raise_for_params(fit_params, self, "fit")
        X, y, weights = checked_rows(type(self).__name__, X, y, sample_weight)
        scorer = self._scorer()
        routed = self._route(scorer, weights, fit_params)
        classes = self._check_classes(y, weights)
        seed = derive_seed(root_entropy(self.random_state), "threshold", "cv")
        splits = inner_splits(self.cv, X, y, classes, routed.splitter.split, seed)
        if not self.refit and len(splits) > 1:
            raise ValueError(
                f"refit=False needs a single split, but cv gives {len(splits)}."
            )
        estimator, rows, p = self._out_of_fold(
            X, y, classes, splits, routed.estimator.fit
        )
        score_params = _check_method_params(X, routed.scorer.score, indices=rows)
        prior = np.bincount(np.searchsorted(classes, y), weights=weights)
        result, best = tune(
            p, y[rows], classes, prior, scorer, score_params, self.max_iter
        )
        return self._keep(estimator, classes, result, best)

    def _out_of_fold(
        self, X: Any, y: np.ndarray, classes: np.ndarray, splits: list, params: Any
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return the final classifier, the validation rows, their probabilities."""
        rows = np.concatenate([test for _, test in splits])
        if isinstance(self.cv, str):  # "prefit"
            return (
                self.estimator,
                rows,
                checked_probabilities(self.estimator, X, classes),
            )
        folds = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_fold)(clone(self.estimator), X, y, classes, split, params)
            for split in splits
        )
        p = np.concatenate([probabilities for _, probabilities in folds])
        if not self.refit:
            return folds[0][0], rows, p
        return clone(self.estimator).fit(X, y, **params), rows, p

    def _keep(
        self, estimator: Any, classes: np.ndarray, result: SearchResult, best: float
    ) -> MulticlassTunedThresholdClassifierCV:
        """Set the fitted attributes, all at the very end of `fit`."""
        weights = np.exp(result.offsets - result.offsets.max())
        self.class_weights_ = weights / weights.mean()
        self.__dict__.pop("best_threshold_", None)  # of an earlier fit
        if len(classes) == 2:
            self.best_threshold_ = float(
                self.class_weights_[0] / self.class_weights_.sum()
            )
        self.estimator_, self.classes_ = estimator, classes
        self.best_score_, self.n_iter_ = best, result.n_iter
        remember_columns(self, estimator)
        return self

    def _scorer(self) -> Any:
        return decision_scorer(self.estimator, self.scoring)

    def _route(self, scorer: Any, weights: Any, fit_params: dict) -> Bunch:
        if _routing_enabled():
            if weights is not None:
                fit_params = {**fit_params, "sample_weight": weights}
            return process_routing(self, "fit", **fit_params)
        given: dict[str, Any] = {}
        if weights is not None:
            given["sample_weight"] = weights
            if "sample_weight" not in signature(self.estimator.fit).parameters:
                raise ValueError(
                    f"{type(self.estimator).__name__}.fit has no parameter "
                    "'sample_weight'. Leave the weights out, or enable metadata "
                    "routing and request them where they are wanted."
                )
            if not scorer._accept_sample_weight():
                raise ValueError(
                    f"The scorer {scorer!r} does not accept 'sample_weight'."
                )
        return Bunch(
            estimator=Bunch(fit=given),
            splitter=Bunch(split={}),
            scorer=Bunch(score=given),
        )

    def _check_classes(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        if isinstance(self.cv, str):  # "prefit"
            if self.refit:
                raise ValueError("cv='prefit' needs refit=False.")
            try:
                check_is_fitted(self.estimator)
            except NotFittedError as exc:
                raise NotFittedError(
                    "cv='prefit' needs a fitted 'estimator'; fit it first."
                ) from exc
            classes = np.asarray(self.estimator.classes_)
            unknown = np.setdiff1d(y, classes)
            if len(unknown):
                raise ValueError(
                    f"y has the class {unknown[0]!s}, which the fitted 'estimator' "
                    "does not know."
                )
        else:
            classes = np.unique(y)
        present = np.unique(y if weights is None else y[weights > 0])
        if len(present) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes of positive weight; "
                f"got {len(present)} class{'' if len(present) == 1 else 'es'}."
            )
        return classes

    def _log_weighted(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "class_weights_")
        log_p = log_probabilities(self.estimator_.predict_proba(X))
        return log_p + np.log(self.class_weights_)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class with the largest weighted probability.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        decided = self._log_weighted(X).argmax(axis=1)
        return self.classes_[decided]

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logarithms of the weighted probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples,)
            ``log(w_c p_c)``, finite also where a probability is 0; for two classes
            the difference of the second and the first: positive where the second is
            decided.
        """
        z = self._log_weighted(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the classifier's own probabilities, unchanged.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; their argmax is not what `predict` returns.
        """
        check_is_fitted(self, "class_weights_")
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the classifier's own probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities.
        """
        check_is_fitted(self, "class_weights_")
        return self.estimator_.predict_log_proba(X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who asks for which metadata: classifier, splitter, scorer.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            The routing of `fit`.
        """
        return (
            MetadataRouter(owner=self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
            .add(
                scorer=self._scorer(),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        )
