# SPDX-License-Identifier: BSD-3-Clause
"""How labels are confused: the transition matrix, estimated from the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import check_array
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from skoverfit._core._arrays import n_rows
from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._resampling._data import check_groups
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import (
    check_labels,
    check_same_length,
    refuse_other_columns,
)
from skoverfit.calibration._out_of_fold import inner_splits
from skoverfit.datasets import check_transition_matrix
from skoverfit.exceptions import BadInputError
from skoverfit.neighbors import FastNearestNeighbors
from skoverfit.neural_network import cross_val_predict_stacked
from skoverfit.noisy_labels import _transition_methods as methods
from skoverfit.noisy_labels._find_label_issues import warn_of_agreement
from skoverfit.noisy_labels._group_neighbors import two_of_other_groups
from skoverfit.noisy_labels._out_of_fold import checked_splits, refuse_fitted
from skoverfit.noisy_labels._small_net import small_net
from skoverfit.noisy_labels._volume import smallest_volume

__all__ = ["METHODS", "PRIORS", "estimate", "estimate_transition_matrix"]

METHODS = ("anchor", "confident_joint", "dual_t", "em", "hoc", "volmin")
PRIORS = ("proportional", "symmetric")
# What reads the rows themselves, and not only probabilities.
_READS_ROWS = ("hoc", "volmin")

CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["fit", "predict_proba"]), None],
    "method": [StrOptions(set(METHODS))],
    "cv": ["cv_object"],
    "percentile": [Interval(Real, 0, 100, closed="right"), None],
    "prior": [StrOptions(set(PRIORS)), "array-like", None],
    "prior_strength": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
}


@dataclass(frozen=True)
class Estimate:
    """A transition matrix and what it says of the clean classes."""

    classes: np.ndarray
    matrix: np.ndarray
    clean_shares: np.ndarray

    @property
    def noise_rate(self) -> float:
        """Share of all labels that are wrong."""
        return float(1 - self.clean_shares @ np.diag(self.matrix))


@validate_params(
    {
        "y": ["array-like"],
        "pred_proba": ["array-like", None],
        "X": "no_validation",
        "groups": ["array-like", None],
        "classes": ["array-like", None],
        **CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)
def estimate_transition_matrix(
    y: Any,
    pred_proba: ArrayLike | None = None,
    *,
    X: Any = None,
    estimator: Any = None,
    method: str = "confident_joint",
    cv: Any = None,
    groups: ArrayLike | None = None,
    classes: ArrayLike | None = None,
    percentile: float | None = None,
    prior: Any = None,
    prior_strength: float = 20.0,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Estimate how often a row of each class carries each label.

    ``T[i, j]`` is the probability that a row whose true class is i carries the label j:
    rows are clean classes and sum to 1, as in `skoverfit.datasets` and in the corrected
    losses of the nets, which take the matrix as it is. cleanlab's ``noise_matrix`` is
    the transpose. Read more in the :doc:`User Guide </user_guide/label_noise>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels of any type, some of them wrong.
    pred_proba : array-like of shape (n_samples, n_classes), default=None
        Probabilities of the labels by a model that did not train on the row: those of
        a model that did are too sure of wrong labels, and the matrix becomes the
        identity. None makes them here, out of fold, from X.
    X : table of shape (n_samples, n_features), default=None
        The rows; needed without ``pred_proba``, and by "hoc", which looks for
        neighbours in it and wants numbers of one scale. "volmin" trains on it, or on
        ``pred_proba`` where it is None.
    estimator : classifier, default=None
        Makes the probabilities, or is the net that "volmin" trains. None is one small
        `TabularMLPClassifier`, which takes any table.
    method : {"anchor", "confident_joint", "dual_t", "em", "hoc", "volmin"}, \
default="confident_joint"
        - ``"anchor"``: the row of the data that is most surely of a class tells how its
          label is confused [1]_.
        - ``"confident_joint"``: counts of rows that are surely of a class [2]_.
        - ``"dual_t"``: anchors lead to the predicted class, counts on to the label
          [3]_.
        - ``"em"``: maximum likelihood by expectation and maximization [4]_, where the
          probabilities of the clean classes are a sharpened ``pred_proba`` (the
          sharpening is ours: without it the identity explains the labels best).
        - ``"hoc"``: agreement of the labels of rows and their two nearest neighbours
          [5]_; needs no model.
        - ``"volmin"``: a net and the matrix are trained together, and the matrix of
          least volume is taken [6]_; needs no rows that are surely of a class.
    cv : int, splitter, iterable or None, default=None
        Folds of the probabilities; None is five, or as many as the rarest label has
        rows.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group are kept on one side of each fold; "hoc" asks neighbours of
        other groups.
    classes : array-like of shape (n_classes,), default=None
        Which class each column of ``pred_proba`` is, in sorted order; needed where a
        class has no label.
    percentile : float, default=None
        Which row is the anchor, from 0 to 100: None and 100 are the one with the
        largest probability, as published; a lower one, such as 97, is not led astray
        by single outliers.
    prior : {"proportional", "symmetric"}, array-like or None, default=None
        What rows of T are pulled to: wrong labels spread evenly, or in proportion to
        the labels, at the mean rate of all classes; or a matrix. None pulls nothing.
        The rows of rare classes rest on few rows and gain by it.
    prior_strength : float, default=20.0
        Rows that the prior counts for, beside the rows of the class.
    random_state : int, RandomState instance or None, default=None
        Source of the folds and nets.
    n_jobs : int, default=None
        Threads of the search for neighbours.

    Returns
    -------
    ndarray of shape (n_classes, n_classes)
        Row-stochastic, float64, in the order of the sorted classes.

    Raises
    ------
    BadInputError
        Where probabilities don't fit the labels, or neither they nor rows are given.
    ValueError
        Where labels are missing, a label has a single row, or the prior is no
        transition matrix.

    See Also
    --------
    TransitionMatrixEstimator : The same with the clean shares and the noise rate.
    NoiseCorrectedClassifier : Trains a net by the matrix.
    skoverfit.datasets.make_transition_matrix : Matrices of known noise.

    Notes
    -----
    Estimates take it for granted that the confusion does not depend on the row within
    a class. The confident joint underestimates noise where classes overlap.

    References
    ----------
    .. [1] Patrini, Rozza, Menon, Nock & Qu (2017), "Making deep neural networks robust
       to label noise: a loss correction approach", CVPR, arXiv:1609.03683.
    .. [2] Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty
       in dataset labels", JAIR 70, arXiv:1911.00068.
    .. [3] Yao et al. (2020), "Dual T: reducing estimation error for transition matrix
       in label-noise learning", NeurIPS, arXiv:2006.07805.
    .. [4] Dawid & Skene (1979), "Maximum likelihood estimation of observer error-rates
       using the EM algorithm", Applied Statistics 28.
    .. [5] Zhu, Song & Liu (2021), "Clusterability as an alternative to anchor points
       when learning with noisy labels", ICML, arXiv:2102.05291.
    .. [6] Li, Liu, Han, Niu & Sugiyama (2021), "Provably end-to-end label-noise
       learning without anchor points", ICML, arXiv:2102.02400.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import estimate_transition_matrix
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> y_noisy = make_label_noise(y, rate=0.2, kind="pair", random_state=0)
    >>> model = LogisticRegression(C=1e-4)
    >>> estimate_transition_matrix(
    ...     y_noisy, X=X, estimator=model, random_state=0
    ... ).round(1)
    array([[0.8, 0.2, 0. ],
           [0. , 0.8, 0.2],
           [0.2, 0. , 0.8]])
    """
    return estimate(
        y,
        pred_proba,
        X=X,
        estimator=estimator,
        method=method,
        cv=cv,
        groups=groups,
        classes=classes,
        percentile=percentile,
        prior=prior,
        prior_strength=prior_strength,
        random_state=random_state,
        n_jobs=n_jobs,
    ).matrix


def estimate(
    y: Any,
    pred_proba: Any = None,
    *,
    X: Any = None,
    estimator: Any = None,
    method: str = "confident_joint",
    cv: Any = None,
    groups: Any = None,
    classes: Any = None,
    percentile: float | None = None,
    prior: Any = None,
    prior_strength: float = 20.0,
    random_state: Any = None,
    n_jobs: int | None = None,
    fit_params: Mapping[str, Any] | None = None,
) -> Estimate:
    """Estimate the matrix and the clean shares; the parameters are checked."""
    known, codes = _coded(y, classes)
    n_classes = len(known)
    if X is None and (pred_proba is None or method == "hoc"):
        needs = "neighbours in X" if method == "hoc" else "pred_proba, or X to make it"
        raise BadInputError(f"method={method!r} needs {needs}; X is None.")
    if X is not None and n_rows(X) != len(codes):
        check_same_length(X, codes)
    refuse_fitted(estimator, "estimator")
    target = _prior_matrix(prior, n_classes)
    labels = np.bincount(codes, minlength=n_classes)
    entropy = root_entropy(random_state)
    proba = None
    together, group_codes = check_groups(groups, len(codes))
    if pred_proba is not None:
        refuse_other_columns(pred_proba, known, "pred_proba")
        proba = _checked_proba(pred_proba, codes, n_classes)
        warn_of_agreement(proba, codes)
    elif method not in _READS_ROWS:
        if together is None:
            # By label: what it refuses names the class.
            splits = inner_splits(cv, X, known[codes], known, {}, derive_seed(entropy))
        else:  # refuses folds that split a group
            splits = checked_splits(cv, X, codes, together, entropy)
        _check_folds(splits, codes, known)
        proba = _out_of_fold(estimator, X, codes, splits, entropy, fit_params)
    there = np.flatnonzero(labels)
    if method in _READS_ROWS:  # these know the classes by their labels
        if len(there) < 2:
            raise BadInputError(
                f"method={method!r} needs labels of two classes at least; y has only "
                f"{plain(known[there[0]])!r}."
            )
        own = np.searchsorted(there, codes)
        found: tuple[np.ndarray, np.ndarray | None]
        if method == "hoc":
            found = _by_neighbours(X, own, group_codes, n_jobs)
        else:
            seed = derive_seed(entropy, "net")
            found = smallest_volume(_net_rows(X, proba), own, estimator, seed)
        matrix, shares = _spread_out(found[0], found[1], there, n_classes)
    else:
        matrix, shares = _by_method(method, proba, codes, percentile)
    matrix = methods.row_normalized(np.clip(matrix, 0.0, None))
    # Nothing tells how a class is confused that no label names.
    matrix[labels == 0] = np.eye(n_classes)[labels == 0]
    if shares is None:
        shares = methods.clean_shares(matrix, labels / labels.sum())
    if prior is not None:
        if target is None:
            target = _spread(prior, matrix, shares, labels)
        matrix = methods.shrunk(matrix, shares * len(codes), target, prior_strength)
        shares = methods.clean_shares(matrix, labels / labels.sum())
    return Estimate(classes=known, matrix=matrix, clean_shares=shares)


def _net_rows(X: Any, proba: Any) -> Any:
    """Return what "volmin" trains on."""
    return X if X is not None else np.log(np.clip(proba, 1e-12, None))


def _by_method(
    method: str,
    proba: Any,
    codes: np.ndarray,
    percentile: float | None,
) -> tuple[np.ndarray, np.ndarray | None]:
    percentile = 100.0 if percentile is None else percentile
    if method == "anchor":
        return methods.anchor(proba, percentile), None
    if method == "dual_t":
        return methods.dual_t(proba, codes, percentile), None
    joint = methods.confident_joint(proba, codes)
    if method == "confident_joint":
        return joint, joint.sum(axis=1)
    matrix, shares, _ = methods.expectation_maximization(
        proba, codes, methods.row_normalized(joint)
    )
    return matrix, shares


def _spread_out(
    matrix: np.ndarray, shares: np.ndarray | None, there: np.ndarray, n_classes: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the matrix of some classes as one of all classes."""
    if len(there) == n_classes:
        return matrix, shares
    whole = np.eye(n_classes)
    whole[np.ix_(there, there)] = matrix
    if shares is None:
        return whole, None
    all_shares = np.zeros(n_classes)
    all_shares[there] = shares
    return whole, all_shares


def _coded(y: Any, classes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes and the code of each label."""
    present, codes = check_labels(y)
    if classes is None:
        if len(present) < 2:
            raise ValueError(
                "y must hold two classes at least; it has only one class: "
                f"{present.tolist()[0]!r}."
            )
        return present, codes
    known, order = check_labels(classes, "classes")
    if len(known) != len(order) or (np.diff(order) < 0).any() or len(known) < 2:
        raise BadInputError(
            "classes must hold two different labels at least, in sorted order. Got "
            f"{np.asarray(classes).tolist()!r} instead."
        )
    unknown = np.setdiff1d(present, known)
    if len(unknown):
        raise BadInputError(
            f"y has the label {unknown.tolist()[0]!r}, which is not in classes: "
            f"{known.tolist()}."
        )
    return known, np.searchsorted(known, present)[codes]


def _checked_proba(pred_proba: Any, codes: np.ndarray, n_classes: int) -> np.ndarray:
    proba = check_array(
        pred_proba, dtype=np.float64, input_name="pred_proba", ensure_2d=False
    )
    if proba.shape != (len(codes), n_classes):
        raise BadInputError(
            f"pred_proba must have the shape ({len(codes)}, {n_classes}): one row a "
            f"label and one column a class. Got the shape {proba.shape} instead; name "
            "the columns by 'classes' where a class has no label."
        )
    sums = proba.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if proba.min() < 0 or abs(sums[worst] - 1) > 1e-3:
        raise BadInputError(
            "pred_proba must hold probabilities whose rows sum to 1. Got the smallest "
            f"value {proba.min():g}, and row {worst} sums to {sums[worst]:g}."
        )
    return proba / sums[:, None]


def _prior_matrix(prior: Any, n_classes: int) -> np.ndarray | None:
    """Check a prior that is a matrix."""
    if prior is None or isinstance(prior, str):
        return None
    return check_transition_matrix(prior, n_classes)


def _spread(
    prior: str, matrix: np.ndarray, shares: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return the matrix of even or proportional noise at the mean rate."""
    rate = float(np.clip(1 - shares @ np.diag(matrix), 0.0, 1.0))
    n_classes = len(labels)
    weights = np.ones(n_classes) if prior == "symmetric" else labels + 1e-9
    spread = np.tile(weights.astype(float), (n_classes, 1))
    np.fill_diagonal(spread, 0.0)
    spread *= rate / spread.sum(axis=1, keepdims=True)
    np.fill_diagonal(spread, 1 - rate)
    return spread


def _check_folds(splits: Any, codes: np.ndarray, classes: np.ndarray) -> None:
    """Require a training row of each class in each fold, and each row once held out."""
    seen = np.concatenate([test for _, test in splits])
    if len(seen) != len(codes) or len(np.unique(seen)) != len(codes):
        raise BadInputError(
            "cv must hold out every row once, so that each has a probability. Got "
            f"{len(np.unique(seen))} of {len(codes)} rows held out, in {len(seen)} "
            "places."
        )
    for train, _ in splits:
        missing = np.setdiff1d(np.arange(len(classes)), codes[train])
        if len(missing):
            raise BadInputError(
                f"A training fold of cv has no row of class {classes[missing[0]]!s}; "
                "use a stratified cv, fewer folds, or cv=None."
            )


def _out_of_fold(
    estimator: Any,
    X: Any,
    codes: np.ndarray,
    splits: Any,
    entropy: int,
    fit_params: Mapping[str, Any] | None,
) -> np.ndarray:
    """Return held-out probabilities; nets of the folds are trained at once."""
    model = small_net(derive_seed(entropy, "net")) if estimator is None else estimator
    proba = np.asarray(
        cross_val_predict_stacked(
            clone(model),
            X,
            codes,
            cv=splits,
            method="predict_proba",
            params=None if fit_params is None else dict(fit_params),
        ),
        dtype=np.float64,
    )
    return _checked_proba(proba, codes, int(codes.max()) + 1)


def _by_neighbours(
    X: Any, codes: np.ndarray, groups: np.ndarray | None, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    if len(codes) < 3:
        raise BadInputError(
            f"method='hoc' needs two neighbours for each row. Got {len(codes)} rows."
        )
    try:
        search = FastNearestNeighbors(n_neighbors=2, n_jobs=n_jobs).fit(X)
    except ValueError as error:
        if "could not convert" not in str(error):
            raise
        raise BadInputError(
            "method='hoc' looks for neighbours and needs columns of numbers in X: "
            f"{error}. Encode such columns first, or take another method."
        ) from error
    if groups is None:
        near = search.kneighbors(return_distance=False)
    else:
        near = two_of_other_groups(check_array(X, accept_sparse="csr"), groups, n_jobs)
    triples = np.column_stack([codes, codes[near]])
    return methods.neighbour_consensus(triples, int(codes.max()) + 1)
