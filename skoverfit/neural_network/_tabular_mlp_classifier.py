# SPDX-License-Identifier: BSD-3-Clause
"""A multi-layer perceptron for tables: the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._available_if import available_if
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._validation import check_labels
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.neural_network._callbacks import with_callbacks
from skoverfit.neural_network._class_targets import check_classes, weigh_classes
from skoverfit.neural_network._linear_start import class_shares_start, logistic_start
from skoverfit.neural_network._loss_links import LossLinks
from skoverfit.neural_network._losses import CLASSIFICATION_LOSSES, get_loss

__all__ = ["TabularMLPClassifier"]


class TabularMLPClassifier(ClassifierMixin, LossLinks, BaseTabularMLP):
    """Classify rows of a table by an ensemble of small nets.

    The net takes a table as it is: numbers, texts, categories, booleans, dates, missing
    values, sparse matrices and tensors; it scales and encodes them itself. By default
    it is an ensemble of eight perceptrons that are trained at once. Each is judged on
    another eighth of the rows and keeps its best weights; each starts as a logistic
    regression and learns what that misses. Read more in the :doc:`User Guide
    </user_guide/neural_network>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(128, 128)
        Widths of the hidden layers; empty for a linear model. RealMLP [1]_ uses three
        of 256 units; on small tables less width was better.
    activation : {"relu", "selu", "silu", "gelu", "mish", "tanh", "identity"}, \
default="relu"
        What follows each hidden layer. RealMLP uses SELU; in our ablation ReLU was no
        worse.
    dropout : float, default=0.1
        Probability that a hidden unit is left out of a step; 0.15 in RealMLP.
    numeric_embedding : {"auto", "periodic"} or None, default="auto"
        "periodic" adds trained waves of each number to the input [2]_, in the form of
        RealMLP. "auto" does so on tables of at most 100 encoded columns. None reads
        the scaled numbers only.
    linear_start : bool, default=True
        Whether each net starts as a logistic regression that was fitted to its own
        training rows, and learns the rest. On small tables few steps follow, on large
        ones the start is soon left behind. Without hidden layers, or with ``module``,
        it has no effect.
    n_estimators : int, default=8
        Nets, whose probabilities are averaged [3]_. They are trained at once, as
        one batched module. RealMLP has one.
    loss : str, class or instance of torch.nn.Module, default="cross_entropy"
        "backward_corrected", "class_balanced", "cross_entropy", "ens_loss",
        "exponential", "focal", "forward_corrected", "generalized_cross_entropy",
        "hinge", "ldam", "logit_adjusted", "pass_at_n", "squared_hinge", "stablemax",
        "symmetric_cross_entropy", or a loss of logits and class codes, such as
        ``FocalLoss(gamma=3)``. A class is made with ``reduction="none"``; an instance
        of another library needs it. What probabilities are then, see Notes.
    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes (RealMLP has 0.1). It is
        taken out of the probabilities again, which it would ruin otherwise.
    optimizer : str or class of torch.optim.Optimizer, default="adamw"
        Name in lower case, such as "adam", "nadam" or "sgd", or a class. Fused where
        torch has it.
    optimizer_params : dict or None, default=None
        Its other parameters. None is ``betas=(0.9, 0.99)`` where there are such; the
        second is 0.95 in RealMLP and 0.999 in torch.
    learning_rate : float, default=4e-3
        Of the optimizer, before ``schedule``.
    weight_decay : float, default=1e-2
        Of the hidden layers and the last one; biases and embeddings are spared.
    schedule : {"constant", "coslog4", "cosine", "linear"}, default="constant"
        How the learning rate goes over ``max_epochs``. "coslog4" is RealMLP's four
        cycles. With early stopping the end of a schedule may never be reached.
    warmup_epochs : int, default=1
        Epochs over which the learning rate rises from nothing.
    batch_size : int or "auto", default="auto"
        Rows of a step and net. "auto" is a power of two near a sixteenth of the
        training rows, between 32 and 256. All batches of an epoch are of equal size, or
        one row apart.
    max_epochs : int, default=150
        Most passes over the training rows.
    early_stopping : bool, default=True
        Whether each net leaves out rows, is judged on them by the loss after each
        epoch, ends after ``n_iter_no_change`` epochs without a better one, and gets
        the weights of its best epoch back.
    validation_fraction : float, default=0.125
        Share of rows that a net leaves out. ``round(1 / validation_fraction)`` parts
        are made with even shares of the classes, and net ``k`` leaves out part ``k``,
        so that eight nets leave out every row once.
    n_iter_no_change : int, default=16
        Patience in epochs.
    tol : float, default=1e-5
        How much lower a validation loss has to be to be better.
    gradient_clip : float or None, default=None
        Largest norm of the gradient of each net.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, times ``sample_weight``. "balanced" makes
        all classes weigh the same; the probabilities are those of even classes then.
        See `skoverfit.calibration.PriorCorrectedClassifier` for the way back.
    batch_step : {"adversarial", "manifold_mixup", "mixup", "winsorized"}, BatchStep \
or None, default=None
        What is computed on a batch, such as `Mixup`. None is the plain loss.
    callbacks : list of skorch callbacks or None, default=None
        Copied, and told of the training as in skorch. For the callbacks of
        scikit-learn 1.9 use ``set_callbacks``.
    module : torch.nn.Module, or class or function that returns one, default=None
        A net of your own in place of the perceptron. A class or function is called with
        those of ``n_features`` and ``n_outputs`` that it takes; an instance is copied
        and never trained in place. It gets the encoded columns and returns logits
        ``(rows, n_outputs)``, two for two classes. All nets of the ensemble are of this
        kind; they are run one after the other.
    categorical_features : array-like, "auto" or None, default="auto"
        Names, numbers or a mask of the columns that are categories. "auto": texts,
        categories and booleans of a dataframe or an object array; in an array of
        numbers there are none.
    numeric_scaling : {"robust", "standard"}, default="robust"
        "robust": median, quartiles and a smooth clip at 3, as in RealMLP. "standard":
        mean and standard deviation.
    device : str or torch.device, default="auto"
        "auto" is a GPU where there is one; otherwise "cpu", "cuda", "mps" and others.
    dtype : {"float32", "float64"}, default="float32"
        Of the net. Numbers are scaled in float64 before they are cast.
    mixed_precision : {"bfloat16", "float16"} or None, default=None
        Dtype of the products; "float16" needs a GPU.
    max_time : float or None, default=None
        Seconds after which the training ends, at the end of an epoch. Ask for less than
        you have: rows are encoded before, and the answer then depends on the machine.
    checkpoint : str, path-like or None, default=None
        File that the state of the training is written to, atomically, every
        `checkpoint_every` epochs and at the end. Ignored by ``partial_fit``; refused
        inside a search, a cross-validation or an ensemble, whose fits would overwrite
        each other's.
    checkpoint_every : int, default=10
        Epochs between two checkpoints.
    resume_from : str, path-like or None, default=None
        Checkpoint to go on from, with the same data and parameters; `max_time`,
        `device` and `callbacks` may differ, and `max_epochs` under a constant schedule.
        A missing file is an error unless it is the same path as `checkpoint`: the
        training begins there, then.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on with the nets of the first one. The encoding of
        the columns is kept.
    verbose : int, default=0
        Whether the progress is shown on the standard error.
    random_state : int, RandomState instance or None, default=None
        Source of the parts, the start, the order of rows, and masks. With an int the
        same numbers come out for one thread and for several; on a GPU they may differ
        in the last digits.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    class_prior_ : ndarray of shape (n_classes,)
        Shares of the classes that the probabilities stand for: those of the training
        rows with their weights, unless the loss is for other ones.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.
    net_ : NeuralNet
        The skorch net that holds all nets.
    history_ : list of dict
        One row an epoch, see `history_frame`.
    n_iter_ : int
        Epochs that were trained.
    best_epochs_ : list of int of shape (n_estimators,)
        Epoch that each net was put back to, 0 for its start; only with early stopping.
    best_losses_ : list of float of shape (n_estimators,)
        Validation losses there; only with early stopping.
    fit_time_ : float
        Seconds of the last fit.

    See Also
    --------
    TabularMLPRegressor : The same for numbers.
    Mixup : Training on mixtures of rows.
    skoverfit.inspection.TrainingCurveDisplay : Picture of the training.
    skoverfit.pipeline.Pipeline : Samplers before the net.

    Notes
    -----
    An epoch costs ``O(n_estimators n (d w + w^2))`` for ``n`` rows, ``d`` encoded
    columns and width ``w``.

    What differs from RealMLP [1]_: an ensemble with parts of its own instead of one net
    and one split; the parts are stratified, epochs are chosen by the log-loss and not
    by the error, which hardly sees a rare class; a patience instead of all epochs; no
    smoothed labels; a fitted linear start instead of a random one; ordinary weights
    instead of NTK's. Categories of up to 64 levels are one-hot columns (8 there).
    Missing numbers are the median and an indicator, missing categories a level of
    their own, unseen ones are taken as missing. Tables of at least twice as many
    columns as rows (2000 at most) are rotated into the space that the rows span.

    Weights are means over a net's training rows: weights twice as large change nothing,
    and with full batches a row of weight 2 is a row that is there twice. Rows of weight
    0 are left out.

    Probabilities are what the loss makes of the logits. Cross-entropy, "exponential",
    "focal", "generalized_cross_entropy", "symmetric_cross_entropy" and "stablemax" can
    be inverted exactly. "logit_adjusted" and "ldam" give those of even classes,
    "class_balanced" those of weighed ones, "forward_corrected" and "backward_corrected"
    those of the true classes behind wrong labels. "hinge", "squared_hinge", "pass_at_n"
    and "ens_loss" leave no probabilities in the logits: a slope and an offset a class
    are fitted to the rows that each net left out, and without early stopping there is
    no ``predict_proba`` (only "pass_at_n" has a formula, too). ``predict`` is always
    the class of the largest probability, or logit where there are none. An ordinary
    torch loss is read as cross-entropy.

    References
    ----------
    .. [1] Holzmueller, Grinsztajn & Steinwart (2024), "Better by default: Strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS, arXiv:2407.04491.
    .. [2] Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features
       in tabular deep learning", NeurIPS, arXiv:2203.05556.
    .. [3] Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS, arXiv:1612.01474.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> cities = ["Rome", "Oslo", None, "Rome"] * 10
    >>> frame = pd.DataFrame({"age": [25, 61, None, 44] * 10, "city": cities})
    >>> bought = ["no", "yes", "yes", "no"] * 10
    >>> net = TabularMLPClassifier(n_estimators=4, max_epochs=30, random_state=0)
    >>> net.fit(frame, bought).predict(frame.head(3))
    array(['no', 'yes', 'yes'], dtype='<U3')
    >>> net.predict_proba(pd.DataFrame({"age": [30], "city": ["Atlantis"]})).shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseTabularMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (128, 128),
        *,
        activation: str = "relu",
        dropout: float = 0.1,
        numeric_embedding: str | None = "auto",
        linear_start: bool = True,
        n_estimators: int = 8,
        loss: Any = "cross_entropy",
        label_smoothing: float = 0.0,
        optimizer: Any = "adamw",
        optimizer_params: Any = None,
        learning_rate: float = 4e-3,
        weight_decay: float = 1e-2,
        schedule: str = "constant",
        warmup_epochs: int = 1,
        batch_size: int | str = "auto",
        max_epochs: int = 150,
        early_stopping: bool = True,
        validation_fraction: float = 0.125,
        n_iter_no_change: int = 16,
        tol: float = 1e-5,
        gradient_clip: float | None = None,
        class_weight: Any = None,
        batch_step: Any = None,
        callbacks: Any = None,
        module: Any = None,
        categorical_features: Any = "auto",
        numeric_scaling: str = "robust",
        device: Any = "auto",
        dtype: str = "float32",
        mixed_precision: str | None = None,
        max_time: float | None = None,
        checkpoint: Any = None,
        checkpoint_every: int = 10,
        resume_from: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            numeric_embedding=numeric_embedding,
            linear_start=linear_start,
            n_estimators=n_estimators,
            loss=loss,
            optimizer=optimizer,
            optimizer_params=optimizer_params,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            schedule=schedule,
            warmup_epochs=warmup_epochs,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            gradient_clip=gradient_clip,
            batch_step=batch_step,
            callbacks=callbacks,
            module=module,
            categorical_features=categorical_features,
            numeric_scaling=numeric_scaling,
            device=device,
            dtype=dtype,
            mixed_precision=mixed_precision,
            max_time=max_time,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            resume_from=resume_from,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularMLPClassifier:
        """Train the nets.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Array-like, dataframe, sparse matrix or tensor; infinite values are refused.
        y : array-like of shape (n_samples,)
            Class labels, of two classes at least.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss and in everything that is fitted before.

        Returns
        -------
        TabularMLPClassifier
            The estimator itself. After Ctrl-C it is fitted, too, and warns.

        Raises
        ------
        BadInputError
            If a parameter can't be used, or no row would be left to validate on.
        ValueError
            If the rows or labels can't be used.
        TrainingError
            If the loss stops being a number.
        """
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> TabularMLPClassifier:
        """Train for one epoch on these rows, without a held-out part.

        The first call decides how columns are encoded, and its rows should look like
        those to come. The learning rate is constant.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Some rows.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that may come; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        TabularMLPClassifier
            The estimator itself.
        """
        if not hasattr(self, "net_"):
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            self._told_classes = check_labels(classes, "classes")[0]
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_told_classes", None)

    @available_if(LossLinks._has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, the mean of the nets'.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.exp(self.predict_log_proba(X))

    @available_if(LossLinks._has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes.

        Computed as logarithms, so that small ones stay apart.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        logs = self._log_probabilities(self._outputs(X))
        mean = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return mean - np.logaddexp.reduce(mean, axis=1, keepdims=True)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return log-odds of the second class, or log-probabilities of each.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Above 0 the second of two classes is predicted.
        """
        logs = self._scores(X)
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit; unseen categories belong to no level.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        logs = self._scores(X)
        return self.classes_[logs.argmax(axis=1)]

    def _scores(self, X: Any) -> np.ndarray:
        """Return log-probabilities, or the nets' mean logits where there are none."""
        check_is_fitted(self)
        if self._has_probabilities():
            return self.predict_log_proba(X)
        return self._outputs(X).mean(axis=0)

    # --- what the base asks ----------------------------------------------------------

    def _make_loss(self) -> torch.nn.Module:
        if self.loss == "cross_entropy":
            return get_loss(
                self.loss, CLASSIFICATION_LOSSES, label_smoothing=self.label_smoothing
            )
        if self.label_smoothing:
            raise BadInputError(
                f"label_smoothing={self.label_smoothing:g} is for loss='cross_entropy';"
                f" set it to 0. Got loss={self.loss!r}."
            )
        return get_loss(self.loss, CLASSIFICATION_LOSSES)

    def _check_target(
        self, y: Any, weight: np.ndarray | None, *, first: bool
    ) -> dict[str, Any]:
        told = getattr(self, "_told_classes", None) if first else self.classes_
        classes, codes = check_classes(y, told)
        return {"target": codes, "strata": codes, "fitted": {"classes_": classes}}

    def _with_class_weight(
        self, weight: np.ndarray | None, told: Mapping[str, Any]
    ) -> np.ndarray | None:
        classes, codes = told["fitted"]["classes_"], told["target"]
        return weigh_classes(self.class_weight, classes, codes, weight)

    def _n_outputs(self, fitted: dict[str, Any]) -> int:
        return len(fitted["classes_"])

    def _start_bias(
        self, target: np.ndarray, weight: np.ndarray | None, fitted: dict[str, Any]
    ) -> np.ndarray:
        return class_shares_start(target, weight, len(fitted["classes_"]))

    def _linear_model(
        self,
        dense: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None,
        fitted: dict[str, Any],
        penalty: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        n_classes = len(fitted["classes_"])
        return logistic_start(dense, target, weight, n_classes, penalty)
