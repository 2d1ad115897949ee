# SPDX-License-Identifier: BSD-3-Clause
"""Train a net on wrong labels by a loss that knows how they came about."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._validation import check_labels, refuse_missing
from skoverfit._core._wrapping import remember_columns
from skoverfit.calibration._inputs import checked_rows
from skoverfit.datasets import check_transition_matrix
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    ForwardCorrectedLoss,
    LearnedTransitionLoss,
    TabularMLPClassifier,
)
from skoverfit.noisy_labels._estimate_transition_matrix import (
    CONSTRAINTS,
    METHODS,
    estimate,
)

__all__ = ["NoiseCorrectedClassifier"]

CORRECTIONS = ("backward", "forward", "revision")
# T-revision trains the matrix once the net has learned something.
_START_EPOCH = 10


class NoiseCorrectedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Train a net by a loss that is corrected for how labels are confused.

    The transition matrix of the labels is estimated (or given), and the net is trained
    so that what it predicts, confused by the matrix, explains the labels. Its
    probabilities are those of the true classes. Read more in the :doc:`User Guide
    </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : TabularMLPClassifier, default=None
        The net; its ``loss`` is replaced. None is one with its defaults.
    correction : {"backward", "forward", "revision"}, default="forward"
        - ``"forward"``: predictions are confused by the matrix before they are compared
          with labels [1]_.
        - ``"backward"``: losses are multiplied by its inverse [1]_: right on average,
          but without a lower bound, and nets exploit it.
        - ``"revision"``: forward, and the matrix is trained with the net from the
          eleventh epoch on [2]_, which mends an estimate that is a little off.
    transition_matrix : str, float or array-like of shape (n_classes, n_classes), \
default="confident_joint"
        A method of `estimate_transition_matrix`; the share of wrong labels, spread
        evenly; or the matrix itself, whose rows are clean classes in sorted order.
    cv : int, splitter, iterable or None, default=None
        Folds of the estimate; None is five, or as many as the rarest label has rows.
    prior : {"proportional", "symmetric"}, array-like or None, default=None
        What rows of an estimate are pulled to, see `estimate_transition_matrix`.
    prior_strength : float, default=20.0
        Rows that the prior counts for.
    random_state : int, RandomState instance or None, default=None
        Source of the estimate, and of the net where its own is None.

    Attributes
    ----------
    estimator_ : TabularMLPClassifier
        The trained net.
    transition_matrix_ : ndarray of shape (n_classes, n_classes)
        The matrix; with "revision" as it was at the end of the training.
    noise_rate_ : float
        Share of labels that are wrong, by the matrix.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.

    See Also
    --------
    estimate_transition_matrix : The estimates.
    CoTeachingClassifier : Needs no matrix.

    Notes
    -----
    Sample weights count in the training; estimates of the matrix count rows, though
    the probabilities they rest on come from weighted training. With a matrix of no
    noise all corrections are cross-entropy.

    References
    ----------
    .. [1] Patrini, Rozza, Menon, Nock & Qu (2017), "Making deep neural networks robust
       to label noise: a loss correction approach", CVPR, arXiv:1609.03683.
    .. [2] Xia et al. (2019), "Are anchor points really indispensable in label-noise
       learning?", NeurIPS, arXiv:1906.00189.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> from skoverfit.noisy_labels import NoiseCorrectedClassifier
    >>> X, y = make_blobs(600, centers=3, cluster_std=0.7, random_state=1)
    >>> y_noisy = make_label_noise(y, rate=0.3, kind="pair", random_state=0)
    >>> net = TabularMLPClassifier((16,), n_estimators=1, max_epochs=20)
    >>> model = NoiseCorrectedClassifier(net, random_state=0).fit(X, y_noisy)
    >>> model.score(X, y) > 0.95
    True
    >>> round(model.noise_rate_, 1)
    0.3
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "correction": [StrOptions(set(CORRECTIONS))],
        "transition_matrix": [
            StrOptions(set(METHODS)),
            Interval(Real, 0, 1, closed="left"),
            "array-like",
        ],
        "cv": CONSTRAINTS["cv"],
        "prior": CONSTRAINTS["prior"],
        "prior_strength": CONSTRAINTS["prior_strength"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        correction: str = "forward",
        transition_matrix: Any = "confident_joint",
        cv: Any = None,
        prior: Any = None,
        prior_strength: float = 20.0,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.correction = correction
        self.transition_matrix = transition_matrix
        self.cv = cv
        self.prior = prior
        self.prior_strength = prior_strength
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Estimate the matrix and train the net.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The rows, as the net takes them.
        y : array-like of shape (n_samples,)
            Labels of any type, some of them wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the training.

        Returns
        -------
        NoiseCorrectedClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            Where labels are missing or of one class, a label has a single row, the
            matrix is no transition matrix, or the estimator is no net.
        """
        refuse_missing(y)
        X, y, weight = checked_rows(type(self).__name__, X, y, sample_weight)
        classes, codes = check_labels(y)
        if len(classes) < 2:
            raise ValueError(
                "NoiseCorrectedClassifier can't train when only one class is present: "
                f"{classes.tolist()[0]!r}."
            )
        entropy = root_entropy(self.random_state)
        net = self._net(derive_seed(entropy, "net"))
        matrix = self._matrix(X, codes, weight, derive_seed(entropy, "matrix"), classes)
        told = {} if weight is None else {"sample_weight": weight}
        loss: Any = {
            "backward": BackwardCorrectedLoss,
            "forward": ForwardCorrectedLoss,
        }.get(self.correction)
        if loss is None:
            net.set_params(loss=LearnedTransitionLoss(matrix, start_epoch=_START_EPOCH))
        else:
            net.set_params(loss=loss(matrix))
        net.fit(X, y, **told)
        if self.correction == "revision":
            matrix = net.net_.criterion_.learned_matrix
        remember_columns(self, net)
        self.estimator_, self.classes_ = net, net.classes_
        self.transition_matrix_ = matrix
        self.noise_rate_ = float(1 - net.class_prior_ @ np.diag(matrix))
        return self

    def _net(self, seed: int) -> Any:
        if self.estimator is None:
            return TabularMLPClassifier(random_state=seed)
        net = clone(self.estimator)
        parameters = net.get_params(deep=False)
        if not {"loss", "random_state"} <= set(parameters):
            raise BadInputError(
                "The 'estimator' parameter of NoiseCorrectedClassifier must be a net "
                f"whose loss can be exchanged (TabularMLPClassifier). Got "
                f"{self.estimator!r} instead."
            )
        if parameters["random_state"] is None:
            net.set_params(random_state=seed)
        return net

    def _matrix(
        self, X: Any, codes: np.ndarray, weight: Any, seed: int, classes: np.ndarray
    ) -> np.ndarray:
        given, n_classes = self.transition_matrix, len(classes)
        if isinstance(given, str):
            return estimate(
                classes[codes],
                X=X,
                method=given,
                cv=self.cv,
                prior=self.prior,
                prior_strength=self.prior_strength,
                random_state=seed,
                fit_params=None if weight is None else {"sample_weight": weight},
            ).matrix
        if isinstance(given, Real):
            even = np.full((n_classes, n_classes), float(given) / (n_classes - 1))
            np.fill_diagonal(even, 1 - float(given))
            return even
        return check_transition_matrix(given, n_classes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the true classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "estimator_")
        found: np.ndarray = self.estimator_.predict_proba(X)
        return found

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities of the true classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "estimator_")
        found: np.ndarray = self.estimator_.predict_log_proba(X)
        return found

    def decision_function(self, X: Any) -> np.ndarray:
        """Return log-odds of the second class, or log-probabilities of each.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Above 0 the second of two classes is predicted.
        """
        check_is_fitted(self, "estimator_")
        found: np.ndarray = self.estimator_.decision_function(X)
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable true class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        check_is_fitted(self, "estimator_")
        found: np.ndarray = self.estimator_.predict(X)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator
        tags.input_tags = get_tags(
            TabularMLPClassifier() if inner is None else inner
        ).input_tags
        return tags
