# SPDX-License-Identifier: BSD-3-Clause
"""Predictions of held-out folds, whose nets are trained at once."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv, cross_val_predict
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import indexable
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from skoverfit._core._arrays import to_numpy
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._planned_fits import FitPlan, refuse_to_be_recorded
from skoverfit.neural_network._stack_fits import MAX_NETS, fit_plan

__all__ = ["cross_val_predict_stacked"]

_METHODS = {"decision_function", "predict", "predict_log_proba", "predict_proba"}


@validate_params(
    {
        "estimator": [HasMethods("fit")],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like"],
        "groups": ["array-like", None],
        "cv": ["cv_object"],
        "method": [StrOptions(_METHODS)],
        "sample_weight": ["array-like", None],
        "params": [dict, None],
        "max_nets": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    },
    prefer_skip_nested_validation=False,
)
def cross_val_predict_stacked(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: ArrayLike | None = None,
    cv: Any = None,
    method: str = "predict_proba",
    sample_weight: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    max_nets: int = MAX_NETS,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Predict each row by a net that did not see it, all folds trained at once.

    The same as ``sklearn.model_selection.cross_val_predict``, whose code makes the
    answer; only the nets of the folds are trained as a stack (`StackedNets`) before it
    asks for them. See :doc:`/user_guide/neural_network`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator
        A `TabularMLPClassifier` or `TabularMLPRegressor`, or what trains one in its
        ``fit``: a Pipeline that ends with it, for example. With an integer
        ``random_state`` the answer is that of ``cross_val_predict``, up to rounding.
    X : array-like, sparse matrix or dataframe of shape (n, p)
        The table.
    y : array-like of shape (n,) or (n, n_outputs)
        Labels, or values.
    groups : array-like of shape (n,), default=None
        For splitters that keep groups together.
    cv : int, splitter or iterable, default=None
        As in scikit-learn; None is 5 folds.
    method : str, default="predict_proba"
        ``"predict_proba"``, ``"predict_log_proba"``, ``"decision_function"`` or
        ``"predict"``, which a regressor needs. scikit-learn's default is
        ``"predict"``.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows in the training.
    params : dict, default=None
        Further arguments of ``fit``, such as ``"net__sample_weight"`` of a Pipeline;
        what has one entry a row is split.
    max_nets : int, default=32
        Nets of a stack at most.
    n_jobs : int, default=None
        Processes that train stacks; None is 1.

    Returns
    -------
    ndarray of shape (n,) or (n, n_classes)
        What ``method`` returned for each row when it was held out.

    Raises
    ------
    TrainingError
        Where the loss of a fold stopped being a number.

    See Also
    --------
    StackedNets : Train several estimators at once.
    StackedGridSearchCV : A grid search that trains candidates and folds at once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import (
    ...     TabularMLPClassifier, cross_val_predict_stacked
    ... )
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier((16,), n_estimators=2, max_epochs=20, random_state=0)
    >>> held_out = cross_val_predict_stacked(net, X, y, cv=5)
    >>> held_out.shape
    (150, 3)
    >>> bool((held_out.argmax(axis=1) == y).mean() > 0.9)
    True
    """
    refuse_to_be_recorded()
    X, y, groups = indexable(X, y, groups)
    if not hasattr(estimator, method):
        raise BadInputError(
            f"The 'method' parameter is {method!r}, which {type(estimator).__name__} "
            "does not have; a regressor needs method='predict'."
        )
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    splits = list(splitter.split(X, y, groups))
    more = {} if params is None else dict(params)
    if sample_weight is not None:
        more["sample_weight"] = sample_weight
    more = _check_method_params(X, params=more)
    codes = y
    if method != "predict" and is_classifier(estimator):
        # As scikit-learn does, so that its fits are recognized.
        codes = np.asarray(to_numpy(y))
        if codes.ndim == 1:
            codes = LabelEncoder().fit_transform(codes)
    plan = FitPlan()
    for train, _ in splits:
        rows, labels = _safe_split(estimator, X, codes, train)
        own = _check_method_params(X, params=more, indices=train)
        plan.record(clone(estimator), rows, labels, **own)
    found = fit_plan(plan, max_nets, n_jobs)
    with plan.answering(found.outcomes):
        return cross_val_predict(estimator, X, y, cv=splits, params=more, method=method)
