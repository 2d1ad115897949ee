# SPDX-License-Identifier: BSD-3-Clause
"""One classifier, asked several times about variants of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    _fit_context,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    UNUSED,
    _raise_for_params,
)
from sklearn.utils.validation import _check_method_params, check_is_fitted

from skoverfit._core._random import derive_generator, derive_seed, root_entropy
from skoverfit._core._wrapping import WrappingMixin, remember_columns
from skoverfit.calibration._combine import RULES, combine_predictions
from skoverfit.calibration._dropout import dropout_layers, dropped
from skoverfit.calibration._inputs import checked_rows, estimator_params
from skoverfit.calibration._out_of_fold import inner_splits
from skoverfit.calibration._variants import (
    Columns,
    check_width,
    fit_contexts,
    look_at,
    mask,
    shift,
)

__all__ = ["SelfEnsembleClassifier"]

_PERTURBATIONS = ("gaussian", "mask", "dropout", "context")
# The widths of the measurements in the user guide.
_SCALES = {"gaussian": 0.1, "mask": 0.1, "context": 0.5}


class SelfEnsembleClassifier(WrappingMixin, ClassifierMixin, BaseEstimator):
    """Ask one classifier about several variants of a row, and combine its answers.

    A row near a decision boundary gets different answers under small changes, and the
    combination is less sure than any of them. It needs one fit only, so use it where a
    fit is expensive and the classifier is over-confident. What it costs is
    `n_variants` predictions of each row. See :doc:`/user_guide/calibration`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator instance
        Classifier with `predict_proba`. A fitted one is used as it is if wrapped in
        :class:`sklearn.frozen.FrozenEstimator`.

    perturb : {"gaussian", "mask", "dropout", "context"} or callable, \
default="gaussian"
        What a variant is. ``"gaussian"`` shifts each numeric column by a normal number;
        ``"mask"`` gives random columns their typical value (mean, or most frequent
        level); ``"dropout"`` drops units of a net that has dropout; ``"context"``
        leaves out training rows, for classifiers whose `fit` only stores them (nearest
        neighbours), any other is fitted `n_variants` times. A callable
        ``perturb(X, generator)`` returns changed rows, and must not depend on which
        rows stand beside one another.

    n_variants : int, default=20
        Answers to each row, the one to the row itself included.

    scale : float, default=None
        Standard deviations of a column (``"gaussian"``), share of columns
        (``"mask"``), or share of training rows that are left out (``"context"``). None
        is 0.1, 0.1 and 0.5. Dropout has the rates of the net.

    combine : {"max", "mean", "majority", "auto"}, default="max"
        How answers are combined, see :func:`combine_predictions`. ``"max"`` is the
        paper's best for over-confident models, and makes well-calibrated ones too
        timid. ``"auto"`` takes the one with the least log-loss of out-of-fold
        predictions.

    include_original : bool, default=True
        Whether the row itself is one of the variants.

    categorical_features : array-like of int, str or bool, default=None
        Columns of numbers that are none: positions, names or a mask. Text, categories,
        booleans and dates never get a shift.

    cv : int, float, cross-validation generator or iterable, default=None
        The inner cross-validation of ``combine="auto"``: None means min(5, rows of the
        rarest class) stratified folds. A frozen classifier is judged on the rows given
        to `fit`, which it should not have been trained on.

    random_state : int, RandomState, Generator or None, default=None
        Seed of the variants, which are drawn once, in `fit`.

    Attributes
    ----------
    estimator_ : estimator instance
        The one fitted classifier.

    classes_ : ndarray of shape (n_classes,)
        Class labels.

    combine_ : str
        The rule that is used.

    rule_losses_ : dict of str -> float
        Out-of-fold log-loss of each rule; only with ``combine="auto"``.

    context_estimators_ : list of estimator instances
        Classifiers of parts of the rows; only with ``perturb="context"``.

    n_features_in_ : int
        Number of features, if the classifier tells.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names, if the classifier tells.

    See Also
    --------
    combine_predictions : The combination alone.
    sklearn.calibration.CalibratedClassifierCV : Needs held-out rows instead.

    Notes
    -----
    The paper varies the prompt of a language model; what replaces it in a table is
    ours. All rows get the same shift, the same masked columns or dropped units, as all
    rows get the same prompts: the answer to a row doesn't depend on other rows. Whole
    numbers become floats where they are shifted. In a sparse table only stored cells
    are shifted, and masked ones become 0.

    References
    ----------
    C. Li, H. Zhou, G. Glavas, A. Korhonen, I. Vulic (2023). On Task Performance and
    Model Calibration with Supervised and Self-Ensembled In-Context Learning.
    arXiv:2312.13772.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.metrics import log_loss
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skoverfit.calibration import SelfEnsembleClassifier
    >>> X, y = make_classification(1000, flip_y=0.1, random_state=0)
    >>> tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    >>> model = SelfEnsembleClassifier(tree, scale=0.3, random_state=0)
    >>> model = model.fit(X[:500], y[:500])
    >>> before, after = (
    ...     log_loss(y[500:], each.predict_proba(X[500:]))
    ...     for each in (model.estimator_, model)
    ... )
    >>> bool(after < 0.5 * before)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "perturb": [StrOptions(set(_PERTURBATIONS)), callable],
        "n_variants": [Interval(Integral, 1, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="left"), None],
        "combine": [StrOptions({*RULES, "auto"})],
        "include_original": ["boolean"],
        "categorical_features": ["array-like", None],
        "cv": ["cv_object", Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state", np.random.Generator],
    }

    # Weights and groups go to the classifier where it asks for them.
    __metadata_request__fit: ClassVar[dict] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
    }

    def __init__(
        self,
        estimator: Any,
        *,
        perturb: Literal["gaussian", "mask", "dropout", "context"]
        | Callable[[Any, np.random.Generator], Any] = "gaussian",
        n_variants: int = 20,
        scale: float | None = None,
        combine: Literal["max", "mean", "majority", "auto"] = "max",
        include_original: bool = True,
        categorical_features: ArrayLike | None = None,
        cv: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.perturb = perturb
        self.n_variants = n_variants
        self.scale = scale
        self.combine = combine
        self.include_original = include_original
        self.categorical_features = categorical_features
        self.cv = cv
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **fit_params: Any,
    ) -> SelfEnsembleClassifier:
        """Fit the classifier and draw the variants.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Training rows, as the classifier takes them.

        y : array-like of shape (n_samples,)
            Class labels of any type.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the classifier, the spread of the columns and the
            log-loss of ``combine="auto"``.

        groups : array-like of shape (n_samples,), default=None
            Groups of the rows, for a classifier that takes them.

        **fit_params : dict
            With metadata routing enabled: what the classifier's `fit` requests.

        Returns
        -------
        self : object
            The fitted instance.

        Raises
        ------
        ValueError
            If `scale` is no share where it has to be one, the classifier has no
            dropout or doesn't take the weights or groups, or ``combine="auto"`` has
            too few rows of a class.
        """
        _raise_for_params(fit_params, self, "fit")
        self._check_scale()
        X, y, weights = checked_rows(type(self).__name__, X, y, sample_weight)
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen:
            check_is_fitted(self.estimator)
        params = {}
        if not frozen:
            params = estimator_params(self, weights, groups, fit_params)
        entropy = root_entropy(self.random_state)
        whole = self._asked(X, y, weights, params, entropy)
        classes = np.asarray(whole["estimator"].classes_)
        rule: str = self.combine
        losses = None
        if self.combine == "auto":
            held_out = (
                [(whole, np.arange(len(y)))]
                if frozen
                else self._folds(X, y, weights, params, entropy, classes)
            )
            losses = self._losses(held_out, X, y, weights, classes, entropy)
            rule = min(losses, key=lambda name: losses[name])
        for name in (
            "n_features_in_",
            "feature_names_in_",
            "rule_losses_",
            "context_estimators_",
        ):
            self.__dict__.pop(name, None)  # of an earlier fit
        remember_columns(self, whole["estimator"])
        if losses is not None:
            self.rule_losses_ = losses
        if self.perturb == "context":
            self.context_estimators_ = whole["contexts"]
        self.estimator_, self.classes_ = whole["estimator"], classes
        self.combine_ = rule
        self._columns, self._entropy = whole["columns"], entropy
        return self

    @property
    def _n_made(self) -> int:
        return self.n_variants - bool(self.include_original)

    def _width(self) -> float:
        if self.scale is not None:
            return float(self.scale)
        return _SCALES.get(self.perturb, 0.0) if isinstance(self.perturb, str) else 0.0

    def _check_scale(self) -> None:
        width = self._width()
        below = {"mask": width <= 1, "context": width < 1}
        if isinstance(self.perturb, str) and not below.get(self.perturb, True):
            raise ValueError(
                f"The 'scale' parameter of {type(self).__name__} is a share with "
                f"perturb={self.perturb!r}, and must be below 1. Got {self.scale!r}."
            )

    def _asked(
        self, X: Any, y: np.ndarray, weights: Any, params: dict, entropy: int
    ) -> dict[str, Any]:
        """Fit the classifier, and find what the variants of rows need to know."""
        if isinstance(self.estimator, FrozenEstimator):
            estimator = self.estimator
        else:
            estimator = clone(self.estimator).fit(X, y, **params)
        unknown = np.setdiff1d(y, estimator.classes_)
        if len(unknown):
            raise ValueError(
                f"y has the class {unknown[0]!s}, which the fitted 'estimator' does "
                "not know."
            )
        columns: Columns = {}
        contexts: list[Any] = []
        if self.perturb in ("gaussian", "mask") and self._n_made:
            columns = look_at(X, weights, self.categorical_features)
        elif self.perturb == "dropout" and not dropout_layers(estimator):
            raise ValueError(
                "perturb='dropout' needs a net that has dropout with a rate above 0. "
                f"Got {self.estimator!r} instead; use 'gaussian' or 'mask'."
            )
        elif self.perturb == "context":
            contexts = self._contexts(X, y, params, entropy)
        return {"estimator": estimator, "columns": columns, "contexts": contexts}

    def _contexts(self, X: Any, y: np.ndarray, params: dict, entropy: int) -> list[Any]:
        if isinstance(self.estimator, FrozenEstimator):
            raise ValueError(
                "perturb='context' leaves out training rows, and a FrozenEstimator is "
                "not trained again; give the estimator itself."
            )
        share = 1 - self._width()
        return fit_contexts(self.estimator, X, y, params, share, self._n_made, entropy)

    def _answers(
        self, asked: dict[str, Any], X: Any, entropy: int
    ) -> Iterator[np.ndarray]:
        """Yield the probabilities of each variant, in the columns of all classes."""
        estimator, columns = asked["estimator"], asked["columns"]
        if self.include_original:
            yield estimator.predict_proba(X)
        width = self._width()
        layers = dropout_layers(estimator) if self.perturb == "dropout" else []
        for variant in range(self._n_made):
            rng = derive_generator(entropy, "variant", variant)
            rows: Any = X
            hooks: Any = nullcontext()
            if columns:
                check_width(type(self).__name__, X, columns)
            if self.perturb == "gaussian":
                spread = columns["spread"]
                rows = shift(X, width * spread * rng.standard_normal(len(spread)))
            elif self.perturb == "mask":
                chosen = rng.random(len(columns["spread"])) < width
                rows = mask(X, chosen, columns["typical"])
            elif self.perturb == "dropout":
                hooks = dropped(layers, entropy, variant)
            elif self.perturb == "context":
                yield asked["contexts"][variant].predict_proba(X)
                continue
            else:
                rows = self.perturb(X, rng)
            with hooks:
                yield estimator.predict_proba(rows)

    def _folds(
        self,
        X: Any,
        y: np.ndarray,
        weights: Any,
        params: dict,
        entropy: int,
        classes: np.ndarray,
    ) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
        """Yield what was fitted to the training rows of a fold, and its other rows."""
        seed = derive_seed(entropy, "folds")
        for train, test in inner_splits(self.cv, X, y, classes, {}, seed):
            missing = np.setdiff1d(classes, y[train])
            if len(missing):
                raise ValueError(
                    f"A training fold of cv has no row of class {missing[0]!s}; use a "
                    "stratified cv, or fewer folds."
                )
            part = _check_method_params(X, params, indices=train)
            rows = _safe_indexing(X, train)
            share = None if weights is None else weights[train]
            yield self._asked(rows, y[train], share, part, entropy), test

    def _losses(
        self,
        held_out: Any,
        X: Any,
        y: np.ndarray,
        weights: Any,
        classes: np.ndarray,
        entropy: int,
    ) -> dict[str, float]:
        """Return the log-loss of each rule on rows that were left out."""
        totals, share = dict.fromkeys(RULES, 0.0), 0.0
        for asked, test in held_out:
            rows = _safe_indexing(X, test)
            answers = np.stack(list(self._answers(asked, rows, entropy)))
            own = np.searchsorted(classes, y[test])
            weight = np.ones(len(test)) if weights is None else weights[test]
            share += float(weight.sum())
            for rule in RULES:
                p = combine_predictions(answers, rule)[np.arange(len(test)), own]
                least = np.finfo(p.dtype).eps
                totals[rule] -= float(weight @ np.log(p.clip(min=least)))
        if not share:
            raise ValueError("combine='auto' needs held-out rows of positive weight.")
        return {rule: total / share for rule, total in totals.items()}

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the combined probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; rows sum to 1.
        """
        check_is_fitted(self, "combine_")
        asked = {
            "estimator": self.estimator_,
            "columns": self._columns,
            "contexts": getattr(self, "context_estimators_", []),
        }
        answers = list(self._answers(asked, X, self._entropy))
        if len(answers) == 1:
            return answers[0]
        return combine_predictions(np.stack(answers), self.combine_)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the combined probabilities.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities; minus infinity where no variant gave a class any.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of the largest combined probability.

        Parameters
        ----------
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        decided = self.predict_proba(X).argmax(axis=1)
        return self.classes_[decided]
