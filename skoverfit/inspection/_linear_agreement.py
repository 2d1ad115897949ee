# SPDX-License-Identifier: BSD-3-Clause
"""How far a model decides as the simplest linear classifier of its training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils._param_validation import validate_params
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._linear_boundary import numbers_of

__all__ = ["linear_agreement"]


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "X_test": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def linear_agreement(estimator: Any, X: Any, y: Any, X_test: Any = None) -> float:
    """Measure how often a model predicts what the sum of its training rows predicts.

    That sum, ``sum_i y_i x_i`` with labels -1 and +1, is a linear classifier that needs
    no training: what a net of two layers is after one step from a tiny start. A net
    that agrees with it on new rows has learnt its training rows, and nothing that a
    linear model couldn't.

    Parameters
    ----------
    estimator : estimator object
        Fitted; has ``predict``.
    X : table of shape (n_samples, n_features)
        Training rows, of numbers.
    y : array-like of shape (n_samples,)
        The labels that were trained on. With more than two classes a row goes to the
        class with the largest sum of inner products.
    X_test : table of shape (n_test, n_features), default=None
        Rows on which they are compared; the training rows by default.

    Returns
    -------
    float
        Share of rows with the same prediction.

    Raises
    ------
    BadInputError
        If the rows are no numbers, or differ in columns.

    See Also
    --------
    GrokkingDisplay : What a net has learnt by heart and what it knows, step by step.

    References
    ----------
    Xu, Wang, Frei, Vardi & Hu (2024), "Benign Overfitting and Grokking in ReLU Networks
    for XOR Cluster Data", ICLR, arXiv:2310.02541.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skoverfit.datasets import make_xor_clusters
    >>> from skoverfit.inspection import linear_agreement
    >>> X, y = make_xor_clusters(200, 50, class_sep=5, random_state=0)
    >>> line = LogisticRegression(C=1e-6, fit_intercept=False)
    >>> for model in (line, KNeighborsClassifier(15)):
    ...     print(round(linear_agreement(model.fit(X, y), X, y), 2))
    1.0
    0.55
    """
    check_is_fitted(estimator)
    check_same_length(X, y)
    rows = numbers_of(X)
    new = rows if X_test is None else numbers_of(X_test, "X_test")
    if new.shape[1] != rows.shape[1]:
        raise BadInputError(
            f"X_test has {new.shape[1]} columns, but X has {rows.shape[1]}."
        )
    classes, codes = check_labels(y)
    sums = np.array([rows[codes == k].sum(axis=0) for k in range(len(classes))])
    said = classes[(new @ sums.T).argmax(axis=1)]
    return float(np.mean(said == estimator.predict(X if X_test is None else X_test)))
