# SPDX-License-Identifier: BSD-3-Clause
"""What a classifying net makes of its labels: codes of classes, weights of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, column_or_1d

from skoverfit._core._validation import check_labels
from skoverfit.exceptions import BadInputError

__all__ = ["check_classes", "weigh_classes"]


def check_classes(
    y: Any, told: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Check the labels of a net and code them.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, 1)
        Class labels.
    told : ndarray of shape (n_classes,), default=None
        All classes, where they are known already.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        ``told``, or the sorted distinct labels.
    codes : ndarray of shape (n,)
        ``classes[codes]`` are the labels.

    Raises
    ------
    ValueError
        Labels that can't be used, that are not in ``told``, or of one class only.
    """
    if np.ndim(y) == 2 and np.shape(y)[1] == 1:
        y = column_or_1d(y, warn=True)
    if np.ndim(y) > 1:
        raise ValueError(
            "Multilabel and multioutput targets are not supported. y must hold one "
            f"label a row. Got the shape {np.shape(y)} instead."
        )
    if isinstance(y, np.ndarray) and y.dtype.kind == "f":
        _check_y(y, y_numeric=True)
        check_classification_targets(y)
    classes, codes = check_labels(y)
    if told is not None:
        unknown = np.setdiff1d(classes, told)
        if len(unknown):
            raise ValueError(
                f"y has the label {unknown.tolist()[0]!r}, which is not in "
                f"classes: {told.tolist()}."
            )
        codes = np.searchsorted(told, classes)[codes]
        classes = told
    if len(classes) < 2:
        raise ValueError(
            "TabularMLPClassifier can't train when only one class is present: "
            f"{classes.tolist()[0]!r}."
        )
    return classes, codes


def weigh_classes(
    class_weight: Any,
    classes: np.ndarray,
    codes: np.ndarray,
    weight: np.ndarray | None,
) -> np.ndarray | None:
    """Return the weights of rows times those of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        As in scikit-learn; a class that a dict lacks has the weight 1.
    classes : ndarray of shape (n_classes,)
        All classes.
    codes : ndarray of shape (n,)
        That of each row.
    weight : ndarray of shape (n,) or None
        Weights of the rows; None is 1 for each.

    Returns
    -------
    ndarray of shape (n,) or None
        None where neither weighs anything.

    Raises
    ------
    BadInputError
        A class of the dict that there is not.
    """
    if class_weight is None:
        return weight
    if isinstance(class_weight, dict):
        unknown = set(class_weight) - set(classes.tolist())
        if unknown:
            raise BadInputError(
                f"class_weight has the class {min(unknown, key=str)!r}, which is "
                f"not in y: {classes.tolist()}."
            )
        factors = np.array([class_weight.get(c, 1.0) for c in classes.tolist()])
    else:
        present = np.unique(codes)
        factors = np.ones(len(classes))
        factors[present] = compute_class_weight(
            "balanced", classes=present, y=codes, sample_weight=weight
        )
    own = factors[codes]
    return own if weight is None else weight * own
