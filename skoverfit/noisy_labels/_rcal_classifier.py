# SPDX-License-Identifier: BSD-3-Clause
"""RCAL: representations and class distributions calibrated for wrong labels."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    _fit_context,
)
from sklearn.utils._available_if import available_if
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._validation import check_same_length
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._encoding import known_container
from skoverfit.noisy_labels._class_gaussians import (
    common_scale,
    gaussianity,
    made_rows,
)
from skoverfit.noisy_labels._rcal_stages import RCALStages, dense
from skoverfit.over_sampling import CalibratedGaussianOverSampler
from skoverfit.representation._encoded_rows import EncodedRowsMixin
from skoverfit.representation._pretraining import features_of

__all__ = ["RCALClassifier"]

_OF_SAMPLER = ("sampling_strategy", "outlier", "contamination", "n_neighbors",
               "head_classes", "n_borrow", "gamma", "alpha", "weighting", "shrinkage",
               "n_jobs")  # fmt: skip


def _second_stage_has(method: str) -> Any:
    def check(self: Any) -> bool:
        known = getattr(self, "estimator_", None)
        if known is None:
            known = TabularMLPClassifier() if self._trains_net() else self._new_head()
        getattr(known, method)  # its AttributeError says what is missing
        return True

    return check


class RCALClassifier(
    RCALStages, EncodedRowsMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Classify by RCAL, for labels that are wrong in classes of unequal size.

    1. An encoder learns features of the rows without their labels, so that no wrong
       label can spoil them. 2. The rows of each class without their outliers become a
       Gaussian. 3. Small classes borrow mean and covariance from the nearest large
       ones. 4. Features are drawn from these Gaussians until the classes are even.
       5. The encoder and a linear head are trained by the rows, which are mixed, and by
       the drawn features, while each row is held near its features of step 1.

    With an encoder that is no net of this library, or ``train_encoder=False``, the
    features stay as they are, and a head of any kind is fitted to rows and drawn
    features: the cheap mode. Read more in the :doc:`User Guide
    </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    encoder : {"contrastive", "passthrough"} or transformer, default="contrastive"
        "contrastive" is `ContrastiveEncoder` by momentum contrast, as in the paper;
        another net of this library is trained with the head as well, any other
        transformer is fixed. "passthrough" takes the columns as features. Distances
        count: give scaled columns, or a pipeline that scales.
    head : classifier or None, default=None
        What is fitted to fixed features; None is a logistic regression. A trained
        encoder has a linear layer, and takes none.
    train_encoder : bool, default=True
        Whether the encoder is trained with the head, if it is a net of this library.
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Of the "contrastive" encoder; the last one is the number of features.
    pretrain_epochs : int, default=100
        Of the "contrastive" encoder.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to have: as in imbalanced-learn. ``"auto"`` fills
        all classes up to the largest one.
    outlier : {"lof"} or None, default="lof"
        How outliers of a class are found. None takes all rows.
    contamination : "auto", float, dict or array-like, default="auto"
        Share of outliers, see `CalibratedGaussianOverSampler`.
    n_neighbors : int, default=20
        Neighbours of the outlier factor, at most the class's rows less 1.
    head_classes : "auto", int, float or array-like, default="auto"
        The classes that lend, see `CalibratedGaussianOverSampler`.
    n_borrow : int, default=3
        From how many of them, the nearest, each tail class borrows.
    gamma : float, default=0.5
        Share that is borrowed; 0 takes each class's own Gaussian.
    alpha : float, default=0.1
        Added to all entries of a tail class's covariance, where the mean variance of
        the features is 1; 0.001 to 1 in the paper.
    weighting : {"paper", "inverse", "size"}, default="paper"
        Weights of the lenders, see `CalibratedGaussianOverSampler`.
    shrinkage : float, default=0.0
        Share of each covariance that is replaced by its diagonal.
    made_weight : float, default=1.0
        Factor of the weight of drawn features in the loss of a trained encoder; 0
        leaves them out.
    beta : float, default=0.5
        Weight of the squared distance of a row from its pretrained features, as a part
        of their total variance; 0.1 to 0.5 in the paper.
    mixup_alpha : float, default=1.0
        Both parameters of mixup's Beta distribution; 0 mixes nothing.
    anchor : {"rows", "mixed"}, default="rows"
        What is held near: the rows as they are, or the mixed rows near mixed features,
        which costs less. The paper does not say which.
    view : callable or None, default=None
        What a trained encoder sees of the rows in each step of the last stage:
        ``view(rows, generator)`` returns rows, as `ImageViews` does. The paper moves
        and mirrors pictures a little there; None leaves rows as they are.
    learning_rate : float, default=1e-3
        Largest one of the last stage.
    weight_decay : float, default=1e-2
        Of the last stage.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="cosine"
        Of the last stage, as in `TabularMLPClassifier`.
    batch_size : int or "auto", default=128
        Rows of a step, at least 4; of the "contrastive" encoder as well.
    max_epochs : int, default=100
        Passes of the last stage; all are done.
    device : str or torch.device, default="auto"
        As in `TabularMLPClassifier`; of the "contrastive" encoder as well.
    n_jobs : int, default=None
        Threads of the search for outliers; the result does not depend on it.
    verbose : int, default=0
        Whether the progress of trained nets is shown.
    random_state : int, RandomState instance or None, default=None
        Source of everything random, also in an encoder and a head that have no
        ``random_state`` of their own.

    Attributes
    ----------
    encoder_ : transformer
        The fitted encoder, as it was before the last stage.
    sampler_ : CalibratedGaussianOverSampler
        Steps 2 to 4, fitted on features divided by ``feature_scale_``.
    estimator_ : classifier
        The trained net, or the fitted head.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes in what the last stage learned from, drawn features
        counted: what the probabilities stand for.
    feature_scale_ : float
        Root of the features' mean variance.
    class_means_ : ndarray of shape (n_classes, m)
        Means of the inliers, on the features' own scale.
    calibrated_means_ : ndarray of shape (n_classes, m)
        The means that features were drawn around.
    borrowed_from_ : dict
        Tail class -> (labels of the lenders, their weights).
    effective_rows_ : dict
        Class -> rows that its Gaussian rests on; with weights ``(sum w)^2 / sum w^2``.
    inlier_mask_ : ndarray of shape (n_samples,), bool
        False for outliers of their class.
    n_generated_ : dict
        Class -> features that were drawn.
    gaussianity_ : dict
        Class -> p-values of Mardia's tests of skewness and kurtosis along the up to 8
        leading directions of its inliers: small ones speak against the assumption that
        features of a class are Gaussian. NaN for classes of less than 10 rows.
    feature_drift_ : ndarray of shape (n_epochs,)
        How far the rows' features were from the pretrained ones in each epoch of the
        last stage: root of the mean square, as a part of ``feature_scale_``; with a
        ``view`` its changes count. Drawn features are stale where it is large. Empty
        for a fixed encoder.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns; only where all of them are texts.

    See Also
    --------
    skoverfit.over_sampling.CalibratedGaussianOverSampler : Steps 2 to 4 alone.
    skoverfit.representation.ContrastiveEncoder : Step 1 alone.
    CoTeachingClassifier : Nets that leave out rows with wrong labels.

    Notes
    -----
    The loss of the last stage is the mean over rows and drawn features, plus ``beta``
    times the mean squared distance from the pretrained features. The body runs by the
    batch statistics of the pretraining there, so that anchors, drawn features and
    predictions mean the same. Epochs, learning rates, gamma and the width are ours:
    the paper's are for a ResNet-32, or not known to us.

    Weights count in steps 2 to 5; the encoder is fitted without. Rows of weight 0 are
    left out of everything but ``inlier_mask_``, where they are True.

    References
    ----------
    M. Zhang, X. Zhao, J. Yao, C. Yuan, W. Huang (2023). When Noisy Labels Meet Long
    Tail Dilemmas: A Representation Calibration Method. ICCV. arXiv:2211.10955.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_blobs
    >>> from skoverfit.datasets import make_noisy_long_tail
    >>> from skoverfit.noisy_labels import RCALClassifier
    >>> X, y = make_blobs(900, centers=3, random_state=0)
    >>> data = make_noisy_long_tail(
    ...     X, y, imbalance_ratio=20, rate=0.2, random_state=0
    ... )
    >>> model = RCALClassifier("passthrough", random_state=0).fit(data.X, data.y)
    >>> model.score(X, y) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "encoder": [
            StrOptions({"contrastive", "passthrough"}),
            HasMethods(["fit", "transform"]),
        ],
        "head": [HasMethods(["fit", "predict"]), None],
        "train_encoder": ["boolean"],
        "hidden_layer_sizes": ["array-like"],
        "pretrain_epochs": [Interval(Integral, 1, None, closed="left")],
        **{
            name: CalibratedGaussianOverSampler._parameter_constraints[name]
            for name in _OF_SAMPLER
        },
        "made_weight": [Interval(Real, 0, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "mixup_alpha": [Interval(Real, 0, None, closed="left")],
        "anchor": [StrOptions({"rows", "mixed"})],
        "view": [callable, None],
        **{
            name: TabularMLPClassifier._parameter_constraints[name]
            for name in ("learning_rate", "weight_decay", "schedule", "max_epochs",
                         "device", "verbose")
        },
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 4, None, closed="left"),
        ],
        "random_state": ["random_state"],
    }  # fmt: skip

    def __init__(
        self,
        encoder: Any = "contrastive",
        head: Any = None,
        *,
        train_encoder: bool = True,
        hidden_layer_sizes: Any = (128, 128),
        pretrain_epochs: int = 100,
        sampling_strategy: Any = "auto",
        outlier: str | None = "lof",
        contamination: Any = "auto",
        n_neighbors: int = 20,
        head_classes: Any = "auto",
        n_borrow: int = 3,
        gamma: float = 0.5,
        alpha: float = 0.1,
        weighting: str = "paper",
        shrinkage: float = 0.0,
        made_weight: float = 1.0,
        beta: float = 0.5,
        mixup_alpha: float = 1.0,
        anchor: str = "rows",
        view: Any = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        schedule: str = "cosine",
        batch_size: int | str = 128,
        max_epochs: int = 100,
        device: Any = "auto",
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.encoder = encoder
        self.head = head
        self.train_encoder = train_encoder
        self.hidden_layer_sizes = hidden_layer_sizes
        self.pretrain_epochs = pretrain_epochs
        self.sampling_strategy = sampling_strategy
        self.outlier = outlier
        self.contamination = contamination
        self.n_neighbors = n_neighbors
        self.head_classes = head_classes
        self.n_borrow = n_borrow
        self.gamma = gamma
        self.alpha = alpha
        self.weighting = weighting
        self.shrinkage = shrinkage
        self.made_weight = made_weight
        self.beta = beta
        self.mixup_alpha = mixup_alpha
        self.anchor = anchor
        self.view = view
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.device = device
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # --- fitting ---------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RCALClassifier:
        """Run the five steps.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows that the encoder takes; images may have their own shape.
        y : array-like of shape (n_samples,)
            Class labels, some of which may be wrong.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in steps 2 to 5.

        Returns
        -------
        RCALClassifier
            The classifier itself. Ctrl-C ends the training of one net, the encoder's
            or the last one, and fitting goes on from there, with a warning.

        Raises
        ------
        BadInputError
            If a parameter can't be used.
        ValueError
            If the rows or labels can't be used, or there are not two classes.
        """
        self._check_stages(weighted=sample_weight is not None)
        if y is None:
            raise ValueError(
                "RCALClassifier requires y to be passed, but the target y is None."
            )
        X, y = self._check_rows(X, reset=True), known_container(y)
        check_same_length(X, y)
        classes, codes = self._checked_labels(y)
        n = len(codes)
        weight, rows = self._checked_weights(sample_weight, n), np.arange(n)
        if weight is not None:
            rows = np.flatnonzero(weight > 0)
            X, codes, weight = take_rows(X, rows), codes[rows], weight[rows]
            if len(np.unique(codes)) < 2:
                raise ValueError(
                    "RCALClassifier needs 2 classes with rows of a weight above 0; "
                    f"only {classes.tolist()[codes[0]]!r} has one."
                )
        entropy = root_entropy(self.random_state)
        encoder = self._new_encoder(entropy).fit(X)
        features = dense(features_of(encoder, X))
        scale = common_scale(features)
        sampler = CalibratedGaussianOverSampler(
            **{name: getattr(self, name) for name in _OF_SAMPLER},
            random_state=derive_seed(entropy, "sampler"),
        )
        labels = classes[codes]
        made = made_rows(sampler, features / scale, labels, weight)
        assumption = gaussianity(
            features, sampler._used_codes, sampler.classes_, entropy
        )
        drift = np.empty(0)
        if self._trains_net():
            step = self._step(encoder, features, classes, made, scale, weight)
            estimator = self._trained_net(encoder, step, X, labels, weight, entropy)
            drift = np.array([row["feature_drift"] for row in estimator.history_])
        else:
            estimator = self._fitted_head(
                features / scale, labels, weight, made, entropy
            )
        self.encoder_, self.sampler_, self.estimator_ = encoder, sampler, estimator
        self.classes_ = estimator.classes_
        self.feature_scale_, self.feature_drift_ = scale, drift
        self.class_means_ = sampler.means_ * scale
        self.calibrated_means_ = sampler.calibrated_means_ * scale
        self.borrowed_from_ = sampler.borrowed_from_
        self.effective_rows_ = sampler.n_effective_
        self.n_generated_ = sampler.n_generated_
        self.gaussianity_ = assumption
        self.inlier_mask_ = np.ones(n, dtype=bool)
        self.inlier_mask_[rows] = sampler.inlier_mask_
        self.class_prior_ = self._prior(sampler, made, labels, weight)
        return self

    # --- rows and answers ------------------------------------------------------------

    def _check_rows(self, X: Any, *, reset: bool) -> Any:
        X = known_container(X)
        flat = self._trains_net() and not getattr(self.encoder, "image_shape", None)
        if getattr(X, "ndim", 2) > 2 and flat:  # images, to a net that takes none
            X = X.reshape(n_rows(X), -1)
        return super()._check_rows(X, reset=reset)

    def _ask(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        if not self._trains_net():
            X = dense(features_of(self.encoder_, X)) / self.feature_scale_
        return np.asarray(getattr(self.estimator_, method)(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        return self._ask("predict", X)

    @available_if(_second_stage_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, for shares as in ``class_prior_``.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._ask("predict_proba", X)

    @available_if(_second_stage_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores of the second stage.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the net or the head gives them.
        """
        return self._ask("decision_function", X)

    def class_covariance(self, label: Any, *, calibrated: bool = True) -> np.ndarray:
        """Return the covariance of a class, on the features' own scale.

        Parameters
        ----------
        label : scalar
            One of ``classes_``.
        calibrated : bool, default=True
            What features were drawn from; False: the estimate of the class's inliers.

        Returns
        -------
        ndarray of shape (m, m)
            Built anew at each call.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        check_is_fitted(self)
        made = self.sampler_.covariance(label, calibrated=calibrated)
        return made * self.feature_scale_**2

    @property
    def class_covariances_(self) -> np.ndarray:
        """Unbiased covariances of the inliers, on the features' own scale.

        Returns
        -------
        ndarray of shape (n_classes, m, m)
            Built at each access; refused above 400 MB, see `class_covariance`.
        """
        check_is_fitted(self)
        return self.sampler_.covariances_ * self.feature_scale_**2
