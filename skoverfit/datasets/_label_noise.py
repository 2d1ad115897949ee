# SPDX-License-Identifier: BSD-3-Clause
"""All kinds of label noise under one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from skoverfit.datasets._class_noise import (
    asymmetric_noise,
    class_conditional_noise,
    pair_noise,
    symmetric_noise,
)
from skoverfit.datasets._feature_noise import instance_noise, margin_noise
from skoverfit.datasets._flip import NOISE_PARAMETERS
from skoverfit.datasets._joint_noise import joint_noise, joint_proportional_noise

__all__ = ["KINDS", "make_label_noise"]

KINDS = {
    "symmetric": symmetric_noise,
    "pair": pair_noise,
    "asymmetric": asymmetric_noise,
    "class_conditional": class_conditional_noise,
    "joint": joint_noise,
    "joint_proportional": joint_proportional_noise,
    "instance": instance_noise,
    "margin": margin_noise,
}
# Parameters that some kinds alone understand, with the value that means "not given".
_OWN: dict[str, tuple[Any, tuple[str, ...]]] = {
    "transition_matrix": (None, ("class_conditional",)),
    "mapping": (None, ("asymmetric",)),
    "include_self": (False, ("symmetric",)),
    "estimator": (None, ("margin",)),
    "scale": ("auto", ("instance", "margin")),
}


@validate_params(
    {
        **NOISE_PARAMETERS,
        "kind": [StrOptions(set(KINDS))],
        "transition_matrix": ["array-like", None],
        "mapping": [Mapping, None],
        "X": "no_validation",
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "include_self": ["boolean"],
        "scale": [StrOptions({"auto"}), None],
    },
    prefer_skip_nested_validation=True,
)
def make_label_noise(
    y: Any,
    *,
    kind: str = "symmetric",
    rate: float = 0.2,
    transition_matrix: ArrayLike | None = None,
    mapping: Mapping[Any, Any] | None = None,
    X: Any = None,
    estimator: Any = None,
    include_self: bool = False,
    scale: str | None = "auto",
    exact: bool = True,
    stratify: bool = False,
    return_mask: bool = False,
    return_transition: bool = False,
    random_state: Any = None,
) -> Any:
    """Make some labels wrong, in one of the ways that the literature studies.

    Use it to measure what wrong training labels do to a model, and whether a remedy
    helps; keep the labels of the test data clean.

    Parameters
    ----------
    y : container of shape (n,) or (n, 1)
        Clean labels of any dtype: numpy, list, pandas (with its categories and index),
        polars or torch.
    kind : str, default="symmetric"
        Which labels become wrong, and how:

        - ``"symmetric"``: any row gets any other label; `symmetric_noise`.
        - ``"pair"``: any row gets the label of the next class; `pair_noise`.
        - ``"asymmetric"``: rows of chosen classes get the label of one other class;
          `asymmetric_noise`.
        - ``"class_conditional"``: by a transition matrix; `class_conditional_noise`.
        - ``"joint"``: any row gets another label in proportion to the class sizes,
          the protocol of long-tailed data; `joint_noise`.
        - ``"joint_proportional"``: the same with the own class included;
          `joint_proportional_noise`.
        - ``"instance"``: by a random map of the features; `instance_noise`.
        - ``"margin"``: near the boundary between classes; `margin_noise`.

        With two classes all of them swap labels; "pair" is then "symmetric".
    rate : float, default=0.2
        Share of wrong labels in [0, 1]: of all rows; for "asymmetric" of the rows of
        the source classes. Not used by "class_conditional".
    transition_matrix : array-like of shape (n_classes, n_classes), default=None
        For "class_conditional", and needed there: rows are clean classes.
    mapping : dict, default=None
        For "asymmetric": source label to target label; None gives each class one
        random other class.
    X : container of shape (n, n_features), default=None
        Features; needed by "instance" and "margin", ignored by the others.
    estimator : classifier with predict_proba, default=None
        For "margin": the reference model; None is a logistic regression.
    include_self : bool, default=False
        For "symmetric": whether a redrawn label may stay what it was.
    scale : {"auto"} or None, default="auto"
        For "instance" and "margin": whether features or margins are standardised.
    exact : bool, default=True
        True makes exactly ``round(rate * n)`` labels wrong (with ``include_self`` and
        for "joint_proportional" that many are redrawn instead, of which some stay);
        False decides on each row by itself.
    stratify : bool, default=False
        With ``exact=True``, whether each class gets its share, rounded down or up.
    return_mask : bool, default=False
        Whether to return also which labels are wrong.
    return_transition : bool, default=False
        Whether to return also the transition matrix that was drawn from.
    random_state : int, RandomState, Generator or None, default=None
        Seed; the same one gives the same labels.

    Returns
    -------
    y_noisy : container
        Labels in the same container, dtype and index as y; y is not changed.
    is_noisy : ndarray of shape (n,), bool
        Where the label differs from y. Only with ``return_mask=True``.
    transition_matrix : ndarray of shape (n_classes, n_classes)
        Rows are clean classes, in sorted order. Only with ``return_transition=True``.

    Raises
    ------
    ValueError
        Where a parameter is out of range, needed and missing, or belongs to another
        kind; where a label is missing or continuous, or y has one class only.
    TypeError
        Where labels of different types are mixed.

    Warns
    -----
    SkoverfitWarning
        Where no row of some class is left (a class of few rows may lose all of them),
        or a wrong label becomes as frequent in a class as the right one.

    See Also
    --------
    make_noisy_long_tail : A long tail first, then noise.

    Examples
    --------
    >>> from skoverfit.datasets import make_label_noise
    >>> y = ["cat"] * 5 + ["dog"] * 5
    >>> y_noisy, is_noisy = make_label_noise(
    ...     y, rate=0.2, return_mask=True, random_state=0
    ... )
    >>> int(is_noisy.sum()), len(y_noisy), sorted(set(y_noisy))
    (2, 10, ['cat', 'dog'])
    """
    given = {
        "transition_matrix": transition_matrix,
        "mapping": mapping,
        "include_self": include_self,
        "estimator": estimator,
        "scale": scale,
    }
    options: dict[str, Any] = {
        "exact": exact,
        "stratify": stratify,
        "return_mask": return_mask,
        "return_transition": return_transition,
        "random_state": random_state,
    }
    for name, value in given.items():
        unset, kinds = _OWN[name]
        if kind in kinds:
            options[name] = value
        elif value is not unset:
            owners = " and ".join(f"kind={owner!r}" for owner in kinds)
            raise ValueError(f"{name} belongs to {owners}, not to kind={kind!r}.")
    if kind == "class_conditional":
        if transition_matrix is None:
            raise ValueError(
                "kind='class_conditional' needs transition_matrix; "
                "make_transition_matrix makes one."
            )
        return class_conditional_noise(y, **options)
    if kind in ("instance", "margin"):
        options["X"] = X
    return KINDS[kind](y, rate=rate, **options)
