# SPDX-License-Identifier: BSD-3-Clause
"""Label noise that depends on the features of each row."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtr, ndtri, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from skoverfit._core._arrays import container_of, to_numpy
from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._validation import check_same_length
from skoverfit.datasets._flip import (
    NOISE_PARAMETERS,
    Labels,
    cap_probabilities,
    flip,
    read_labels,
)

__all__ = ["instance_noise", "margin_noise"]

_FEATURES: dict[str, Any] = {
    **NOISE_PARAMETERS,
    "X": "no_validation",
    "scale": [StrOptions({"auto"}), None],
}


@validate_params(
    {**_FEATURES, "rate_sd": [Interval(Real, 0, 1, closed="left")]},
    prefer_skip_nested_validation=True,
)
def instance_noise(
    y: Any,
    X: Any,
    rate: float = 0.2,
    *,
    rate_sd: float = 0.1,
    scale: str | None = "auto",
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give rows wrong labels that depend on their features.

    Instance-dependent noise [1]_: each row has a flip rate of its own, and a random
    linear map of its features, another one for each clean class, says which wrong
    label it gets. Rows that look alike are mislabelled alike, which methods that
    assume a transition matrix can't undo.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch.
    X : container of shape (n, n_features)
        Numeric features, dense or sparse. A missing value counts as the mean of its
        column.
    rate : float, default=0.2
        Share of wrong labels, in [0, 1].
    rate_sd : float, default=0.1
        Spread of the flip rates of the rows, in [0, 1): a normal distribution around
        ``rate`` cut to [0, 1]. 0.1 is the paper's value.
    scale : {"auto"} or None, default="auto"
        "auto" standardises the columns and divides by ``sqrt(n_features)``, so that
        the map gives scores of spread 1. None takes X as it is, like the paper's code:
        on raw features the softmax then is close to 0 or 1, and the noise sends whole
        regions of a class to one wrong label.
    exact : bool, default=True
        True makes exactly ``round(rate * n)`` labels wrong; False decides on each row
        by itself.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its expected number, rounded down
        or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the mean transition matrix.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Mean over the rows of each clean class. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where X is missing, not numeric or of another length than y, and where a
        parameter is out of range, a label is missing or y has one class only.

    See Also
    --------
    make_label_noise : All kinds under one name.
    margin_noise : Wrong labels near the boundary between classes.

    Notes
    -----
    Deviation from the paper: the flip rates are scaled so that their mean is ``rate``.
    The cut to [0, 1] otherwise moves it, to 0.08 at ``rate=0``.

    References
    ----------
    .. [1] Xia et al., "Part-dependent Label Noise: Towards Instance-dependent Label
       Noise", NeurIPS 2020. arXiv:2006.07836

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.datasets import instance_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> int((instance_noise(y, X, 0.2, random_state=0) != y).sum())
    30
    """
    labels = read_labels(y)
    features = _numeric_features(X, y, "instance")
    rng = derive_generator(root_entropy(random_state), "datasets", "label_noise")
    shift, factor = _standardisation(features, scale)
    redraw = np.empty((len(labels.codes), len(labels.classes)))
    for code in range(len(labels.classes)):
        rows = labels.codes == code
        weights = rng.standard_normal((features.shape[1], redraw.shape[1]))
        weights *= factor[:, None]
        scores = features[rows] @ weights - shift @ weights
        scores[:, code] = -np.inf
        redraw[rows] = softmax(scores, axis=1)
    rates = np.full(len(labels.codes), float(rate))
    if rate_sd > 0:  # a normal distribution cut to [0, 1], by its inverse
        low, high = ndtr(-rate / rate_sd), ndtr((1 - rate) / rate_sd)
        rates += rate_sd * ndtri(rng.uniform(low, high, size=len(rates)))
        rates = rates.clip(0, 1)
    return flip(
        labels,
        cap_probabilities(rates, rate * len(rates)),
        redraw,
        rng,
        of_class=False,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )


@validate_params(
    {**_FEATURES, "estimator": [HasMethods(["fit", "predict_proba"]), None]},
    prefer_skip_nested_validation=True,
)
def margin_noise(
    y: Any,
    X: Any,
    rate: float = 0.2,
    *,
    estimator: Any = None,
    scale: str | None = "auto",
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Give rows near the boundary between classes wrong labels.

    The mistakes that people make: a row is mislabelled with a probability proportional
    to ``exp(-margin)`` of a reference model, where the margin is the log-odds of the
    label against the runner-up, and the wrong label is drawn from what the model
    believes of the other classes.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas, polars or torch.
    X : container of shape (n, n_features)
        Features that the reference model takes; numeric for the default one, in which
        a missing value counts as the mean of its column.
    rate : float, default=0.2
        Share of wrong labels, in [0, 1].
    estimator : classifier with predict_proba, default=None
        The reference model. A clone of it is fitted on X and the clean labels. None
        is a logistic regression on standardised features.
    scale : {"auto"} or None, default="auto"
        "auto" divides the margins by their standard deviation, so that the noise is
        alike for confident and for shy models. None takes them as they are: a
        confident model then has nearly all the noise in the rows that it gets wrong.
    exact : bool, default=True
        True makes exactly ``round(rate * n)`` labels wrong; False decides on each row
        by itself.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its expected number, rounded down
        or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the mean transition matrix.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Mean over the rows of each clean class. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where X is missing, of another length than y or not numeric, and where a
        parameter is out of range, a label is missing or y has one class only.

    See Also
    --------
    make_label_noise : All kinds under one name.
    instance_noise : Wrong labels by a random map of the features.

    Notes
    -----
    No paper stands behind this kind.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.datasets import margin_noise
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, wrong = margin_noise(y, X, 0.1, return_mask=True, random_state=0)
    >>> int(wrong.sum()), int(wrong[y == 0].sum())  # setosa lies apart
    (15, 2)
    """
    labels = read_labels(y)
    rng = derive_generator(root_entropy(random_state), "datasets", "label_noise")
    log_proba = np.log(_reference_proba(labels, X, estimator))
    rows = np.arange(len(log_proba))
    own = log_proba[rows, labels.codes]
    log_proba[rows, labels.codes] = -np.inf
    margin = own - log_proba.max(axis=1)
    spread = margin.std()
    if scale == "auto" and spread > 0:
        margin = margin / spread
    weights = np.exp(-(margin - margin.min()))
    # Rows so safe that their weight underflows still may change at very high rates.
    weights = np.maximum(weights, 1e-300)
    return flip(
        labels,
        cap_probabilities(weights, rate * len(rows)),
        softmax(log_proba, axis=1),
        rng,
        of_class=False,
        exact=exact,
        stratify=stratify,
        return_mask=return_mask,
        return_transition=return_transition,
    )


def _reference_proba(labels: Labels, X: Any, estimator: Any) -> np.ndarray:
    """Fit the reference model and return its beliefs, none of them 0."""
    if estimator is None:
        X = _numeric_features(X, labels.given, "margin")
        model = make_pipeline(
            StandardScaler(with_mean=not sp.issparse(X)),
            LogisticRegression(max_iter=1000),
        )
    else:
        _require_features(X, labels.given, "margin")
        X = to_numpy(X) if container_of(X).kind in ("tensor", "list", "tuple") else X
        model = clone(estimator)
    proba = np.asarray(model.fit(X, labels.codes).predict_proba(X), dtype=float)
    return np.clip(proba, 1e-12, 1.0)


def _require_features(X: Any, y: Any, kind: str) -> None:
    if X is None:
        raise ValueError(
            f"kind='{kind}' makes noise that depends on the features: pass X."
        )
    check_same_length(X, y)


def _numeric_features(X: Any, y: Any, kind: str) -> Any:
    """Return float64 features, dense or CSR, missing values replaced by the mean."""
    _require_features(X, y, kind)
    if sp.issparse(X):
        return X.tocsr().astype(np.float64)
    values = to_numpy(X)
    if values.ndim != 2:
        raise ValueError(
            f"X must have shape (n, n_features). Got shape {values.shape} instead."
        )
    try:
        features = values.astype(np.float64)
    except (TypeError, ValueError) as exc:
        raise ValueError(
            f"kind='{kind}' needs numeric features; X has other columns ({exc}). "
            "Encode them first, or pass the numeric columns only."
        ) from None
    if np.isinf(features).any():
        raise ValueError("X has infinite values.")
    missing = np.isnan(features)
    if missing.any():
        count = (~missing).sum(axis=0)
        means = np.where(missing, 0, features).sum(axis=0) / np.maximum(count, 1)
        features = np.where(missing, means, features)
    return features


def _standardisation(features: Any, scale: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return what to subtract from and what to multiply the columns by."""
    n_features = features.shape[1]
    if scale is None:
        return np.zeros(n_features), np.ones(n_features)
    mean = np.asarray(features.mean(axis=0)).ravel()
    if sp.issparse(features):
        square = np.asarray(features.multiply(features).mean(axis=0)).ravel()
        spread = np.sqrt(np.maximum(square - mean**2, 0))
    else:
        spread = features.std(axis=0)
    constant = spread <= 1e-12 * np.maximum(np.abs(mean), 1)
    factor = np.where(constant, 0, 1 / np.where(constant, 1, spread))
    return mean, factor / np.sqrt(n_features)
