# SPDX-License-Identifier: BSD-3-Clause
"""A classifier on features that were learnt from all rows, labeled or not."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from skoverfit._core._arrays import to_numpy
from skoverfit._core._validation import check_labels, refuse_missing
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._base import BaseTabularMLP
from skoverfit.representation._base_pretrained import BasePretrained, second_stage_has

__all__ = ["PretrainedClassifier"]


class PretrainedClassifier(ClassifierMixin, BasePretrained):
    """Classify by features that were learnt from all rows, with labels or without.

    First an encoder is fitted on all rows; it sees no labels. Then an estimator is
    fitted on the features of the rows that have labels, or the encoder's net is trained
    further by them. For few labels and many rows. It helps where the rows alone show
    what the classes follow, and may hurt where they don't. Read more in the
    :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    encoder : str or estimator, default="factor"
        What learns from all rows. "factor" (factor analysis), "pca", "gmm" (shares in
        the components of a Gaussian mixture), "contrastive" (`ContrastiveEncoder`), or
        any transformer, or what has ``predict_proba`` without labels.
    estimator : estimator or None, default=None
        What learns from the features; None is a logistic regression. With
        ``fine_tune`` the settings of the further training, a `TabularMLPClassifier`
        with ``n_estimators=1``; None has 50 epochs and a learning rate of 1e-3.
    fine_tune : bool, default=False
        Whether the net of the encoder itself is trained further, with a new last
        layer. The encoder has to be a net of this library.
    n_components : int or "auto", default="auto"
        Of "factor", "pca" and "gmm". "auto" has the number of factors (up to 20) of
        the highest likelihood on held-out rows, and the number of mixture components
        (1, 2 or 4 times the classes) of the lowest BIC.
    use_labeled_X : bool, default=True
        Whether the encoder sees the rows with labels, too.
    append_input : bool, default=False
        Whether the estimator gets the rows beside their features: no loss where the
        encoder finds nothing, but more columns.
    unlabeled_label : int, str or None, default=-1
        What stands in ``y`` where there is no label, as in scikit-learn's
        semi-supervised classifiers; None: all rows have labels. Labels -1 and 1 need
        another one.
    random_state : int, RandomState instance or None, default=None
        Of the encoder, if it is named, and of fine-tuning without an estimator.

    Attributes
    ----------
    encoder_ : estimator
        The fitted encoder.
    estimator_ : estimator
        The fitted second stage.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without the one that stands for none.
    n_labeled_ : int
        Rows with labels.
    n_unlabeled_ : int
        Further rows that the encoder saw.
    n_features_in_ : int
        Number of columns seen in fit.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns; only where all of them are texts.

    See Also
    --------
    PretrainedRegressor : The same for numbers.
    ContrastiveEncoder : An encoder of this library.

    Notes
    -----
    The theory bounds the excess risk by ``sqrt(C_encoder / m) + sqrt(C_head / n)`` for
    m rows and n labels, where learning from labels alone has ``sqrt(C_both / n)``, if
    the distribution of the rows determines the features up to what the estimator can
    undo (a rotation of factors, say). PCA is the right model for equal noise in all
    columns only, factor analysis for any. Weights of rows go to the second stage only.

    References
    ----------
    Ge, Tang, Fan & Jin (2024), "On the provable advantage of unsupervised
    pretraining", ICLR, arXiv:2303.01566.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.representation import PretrainedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> few = np.where(np.arange(150) % 10 == 0, y, -1)  # 15 of 150 have labels
    >>> model = PretrainedClassifier("gmm", random_state=0).fit(X, few)
    >>> model.n_labeled_, model.score(X, y) > 0.9
    (15, True)
    """

    _parameter_constraints: ClassVar[dict] = {
        **BasePretrained._parameter_constraints,
        "unlabeled_label": "no_validation",
    }

    def __init__(
        self,
        encoder: Any = "factor",
        estimator: Any = None,
        *,
        fine_tune: bool = False,
        n_components: int | str = "auto",
        use_labeled_X: bool = True,
        append_input: bool = False,
        unlabeled_label: Any = -1,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            encoder,
            estimator,
            fine_tune=fine_tune,
            n_components=n_components,
            use_labeled_X=use_labeled_X,
            append_input=append_input,
            random_state=random_state,
        )
        self.unlabeled_label = unlabeled_label

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, X_unlabeled: Any = None, sample_weight: Any = None
    ) -> PretrainedClassifier:
        """Fit the encoder on all rows, and the second stage on those with labels.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows of any kind that the encoder takes.
        y : array-like of shape (n_samples,)
            Class labels, ``unlabeled_label`` where there is none.
        X_unlabeled : table of shape (n_more, n_features), default=None
            Further rows without labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the second stage.

        Returns
        -------
        PretrainedClassifier
            The classifier itself.

        Raises
        ------
        BadInputError
            If a parameter can't be used, or there are not two classes.
        ValueError
            If the rows or labels can't be used.
        """
        self._fit(X, y, X_unlabeled, sample_weight)
        self.classes_ = self.estimator_.classes_
        return self

    def _labeled(self, y: Any) -> tuple[Any, np.ndarray]:
        refuse_missing(y)
        labels = to_numpy(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            raise ValueError(
                "Multilabel and multioutput targets are not supported. y should be a "
                f"1d array, got an array of shape {labels.shape} instead."
            )
        labels = column_or_1d(labels, warn=True)
        rows = np.ones(len(labels), dtype=bool)
        if self.unlabeled_label is not None:
            rows = _differ(labels, self.unlabeled_label)
        if not rows.any():
            raise ValueError(
                f"No row has a label: y is {self.unlabeled_label!r} everywhere, which "
                "stands for no label (unlabeled_label)."
            )
        known = labels[rows]
        check_classification_targets(known)
        classes, _ = check_labels(known)
        if len(classes) < 2:
            without = "" if rows.all() else " among the rows with labels"
            raise ValueError(
                f"PretrainedClassifier needs 2 classes at least; y has one class"
                f"{without}, {classes[0]!r}."
            )
        return known, rows

    def _default_head(self) -> Any:
        return LogisticRegression(max_iter=1000)

    def _default_net(self, seed: int) -> BaseTabularMLP:
        return TabularMLPClassifier(
            n_estimators=1,
            learning_rate=1e-3,
            max_epochs=50,
            early_stopping=False,
            random_state=seed,
        )

    @available_if(second_stage_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.asarray(self._ask("predict_proba", X))

    @available_if(second_stage_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores of the second stage.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of fit.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the second stage gives them.
        """
        return np.asarray(self._ask("decision_function", X))


def _differ(labels: np.ndarray, missing: Any) -> np.ndarray:
    """Return where labels differ from what stands for none; texts and numbers do."""
    is_text = isinstance(missing, str)
    if labels.dtype.kind in "OUST":
        return np.array([type(v) is bool or v != missing for v in labels], dtype=bool)
    if is_text or labels.dtype.kind == "b":
        return np.ones(len(labels), dtype=bool)
    return np.asarray(labels != missing)
