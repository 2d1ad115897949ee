# SPDX-License-Identifier: BSD-3-Clause
"""How many suspects there are beyond those that hard but clean classes would give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._validation import check_labels
from skoverfit.noisy_labels import _confident_learning as cl
from skoverfit.noisy_labels._clean_law import CleanLaw, clean_law, redrawn
from skoverfit.noisy_labels._find_label_issues import (
    CONSTRAINTS,
    checked_probabilities,
    judge,
)

__all__ = ["Excess", "LabelIssueExcess", "excess_label_issues"]

# Redraws of each bootstrap sample: their spread widens an interval by at most a
# quarter.
_REDRAWS_A_SAMPLE = 2
_TAKEN = ("filter_by", "tail_guard", "tau", "max_class_fraction")


@dataclass(frozen=True, kw_only=True)
class Excess:
    """A share of the rows, and what of it clean labels don't explain.

    .. versionadded:: 0.1

    Parameters
    ----------
    observed : float
        The share with the given labels.
    expected : float
        Its mean over labels that are redrawn as if none were wrong.
    observed_interval, interval : tuple of (float, float)
        Of ``observed`` and of ``excess``, by the bootstrap over rows.
    p_value : float
        How often redrawn labels reach the observed share.

    See Also
    --------
    excess_label_issues : Makes two of them.

    Examples
    --------
    >>> from skoverfit.noisy_labels import Excess
    >>> share = Excess(
    ...     observed=0.75, expected=0.25, observed_interval=(0.5, 1.0),
    ...     interval=(0.25, 0.75), p_value=0.01,
    ... )
    >>> share.excess
    0.5
    """

    observed: float
    expected: float
    observed_interval: tuple[float, float]
    interval: tuple[float, float]
    p_value: float

    @property
    def excess(self) -> float:
        """``observed - expected``: the share that only wrong labels explain."""
        return self.observed - self.expected


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelIssueExcess:
    """Suspects among the labels, beyond those of hard but clean classes.

    `excess_label_issues` returns it. See :doc:`/user_guide/label_noise`.

    .. versionadded:: 0.1

    Parameters
    ----------
    flagged : Excess
        Share of the rows that `find_label_issues` flags.
    noise_rate : Excess
        Share of wrong labels by the confident joint, one minus its trace.
    inverse_temperature : float
        Power that was applied to the probabilities before labels were redrawn.
    background : float
        Share of labels that look drawn without regard to the row, and that redrawn
        labels leave out; 0 where a temperature alone explains the labels.
    classes : ndarray of shape (n_classes,)
        Labels, in the order of the columns.
    label_counts : ndarray of shape (n_classes,)
        Rows with each label.
    flagged_by_class : ndarray of shape (n_classes,)
        Flagged share of the rows with each label; NaN where there is none.
    expected_by_class : ndarray of shape (n_classes,)
        Its mean over redrawn labels.
    issue_mask : ndarray of shape (n_samples,), bool
        The flagged rows.
    confidence : float
        Level of the intervals.

    See Also
    --------
    excess_label_issues : Makes one.
    skoverfit.inspection.LabelIssuesDisplay : Picture of it.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.noisy_labels import excess_label_issues
    >>> p = np.random.default_rng(0).dirichlet([1, 1], 500)  # overlap, no noise
    >>> y = (p[:, 1] > np.random.default_rng(1).random(500)).astype(int)
    >>> found = excess_label_issues(y, p, random_state=0)
    >>> bool(found.flagged.observed > 0.1), bool(abs(found.flagged.excess) < 0.03)
    (True, True)
    """

    flagged: Excess
    noise_rate: Excess
    inverse_temperature: float
    background: float
    classes: np.ndarray
    label_counts: np.ndarray
    flagged_by_class: np.ndarray
    expected_by_class: np.ndarray
    issue_mask: np.ndarray
    confidence: float


@validate_params(
    {
        "y": "no_validation",
        "pred_proba": "no_validation",
        "classes": ["array-like", None],
        **{name: CONSTRAINTS[name] for name in _TAKEN},
        "n_redraws": [Interval(Integral, 1, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def excess_label_issues(
    y: ArrayLike,
    pred_proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    filter_by: str = "prune_by_noise_rate",
    tail_guard: bool = True,
    tau: float = 0.5,
    max_class_fraction: float = 0.5,
    n_redraws: int = 100,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    random_state: Any = None,
) -> LabelIssueExcess:
    """Tell how many suspects there are beyond those of hard but clean classes.

    Where classes overlap, clean labels too disagree with any model, and every rule
    flags some of them. What to compare with is the number that the same rule flags
    when the labels are redrawn from the probabilities, so that none is wrong; the
    rest is the excess, with a bootstrap interval. See :doc:`the user guide
    </user_guide/label_noise>`.

    The probabilities are sharpened or softened first by a temperature, with an offset
    a class, that are fitted to the labels. Fitted alone they would explain wrong labels
    away: probabilities that are calibrated to noisy labels redraw the noise as well.
    Therefore a background is fitted with them, a share of labels that regard only how
    common a class is; it shows where even the surest rows keep a floor of other labels.
    Labels are redrawn without it. Calibration, background and comparison are ours.

    .. versionadded:: 0.1

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels of any type, some of them wrong.
    pred_proba : array-like of shape (n_samples, n_classes)
        Probabilities by models that did not train on the row. Columns are classes in
        sorted order.
    classes : array-like of shape (n_classes,), default=None
        What the columns are, where some class has no label or the order is another.
    filter_by : str, default="prune_by_noise_rate"
        Which rows are suspects; see `find_label_issues`, also for the next three.
    tail_guard : bool, default=True
        Whether rare classes are spared.
    tau : float, default=0.5
        Power of the label shares by which the guard divides.
    max_class_fraction : float, default=0.5
        Largest share of the rows with one label that the guard lets be flagged.
    n_redraws : int, default=100
        Times that labels are redrawn.
    n_bootstrap : int, default=200
        Bootstrap samples of the rows for the intervals; temperature and background
        are fitted anew in each.
    confidence : float, default=0.95
        Level of the intervals.
    random_state : int, RandomState instance or None, default=None
        Redraws labels and rows.

    Returns
    -------
    LabelIssueExcess
        With ``flagged`` and ``noise_rate``, each observed, expected and their
        difference ``excess`` with its ``interval``.

    Raises
    ------
    ValueError
        If labels are missing or of one class only, or probabilities are none.

    See Also
    --------
    find_label_issues : Says which rows.
    estimate_transition_matrix : Says which classes are confused.

    Notes
    -----
    Blind spots. Wrong labels that always go from one class to the same other one look
    like overlap of the two, and are not counted. A model that is sure and wrong (few
    votes, deep trees, naive Bayes) has a floor of errors at its surest rows that
    looks like wrong labels: answers in few steps are therefore taken for sure only
    to half a step, and a background is shrunk by ``1 - 4 / LR``, the likelihood ratio
    statistic against none; a better calibrated model is the better cure.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang, I. Chuang (2021). Confident Learning: Estimating
       Uncertainty in Dataset Labels. JAIR 70, 1373-1411. arXiv:1911.00068.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_predict
    >>> from skoverfit.datasets import make_label_noise
    >>> from skoverfit.noisy_labels import excess_label_issues
    >>> X, y = load_digits(return_X_y=True)
    >>> y = make_label_noise(y, rate=0.2, random_state=0)
    >>> p = cross_val_predict(
    ...     LogisticRegression(max_iter=200), X / 16, y, method="predict_proba"
    ... )
    >>> found = excess_label_issues(y, p, n_bootstrap=50, random_state=0)
    >>> print(f"{found.flagged.observed:.2f} - {found.flagged.expected:.2f}")
    0.20 - 0.01
    """
    present, codes = check_labels(y)
    proba, codes = checked_probabilities(pred_proba, present, codes, classes)
    if len(present) < 2:
        raise ValueError("y has one class only; labels can't be wrong among one class.")
    named = present if classes is None else np.asarray(classes)
    if len(named) != proba.shape[1]:  # whole numbers, some of which no row has
        named = np.arange(proba.shape[1])
    proba = proba.astype(np.float64, copy=False)
    rule = partial(
        judge,
        filter_by=filter_by,
        tail_guard=tail_guard,
        tau=tau,
        max_class_fraction=max_class_fraction,
    )
    entropy = root_entropy(random_state)
    law = clean_law(proba, codes)
    seen = _shares(proba, codes, rule)
    drawn, by_class = _null(proba, law, rule, n_redraws, entropy)
    boot = _bootstrap(proba, codes, law, rule, n_bootstrap, entropy)
    flagged, noise_rate = (
        _excess(seen[k], drawn[:, k], boot[:, :, k], confidence) for k in range(2)
    )
    mask = rule(proba, codes).mask
    return LabelIssueExcess(
        flagged=flagged,
        noise_rate=noise_rate,
        inverse_temperature=law.inverse_temperature,
        background=law.background,
        classes=named,
        label_counts=np.bincount(codes, minlength=proba.shape[1]),
        flagged_by_class=_by_class(mask, codes, proba.shape[1]),
        expected_by_class=by_class,
        issue_mask=mask,
        confidence=float(confidence),
    )


Rule = Callable[[np.ndarray, np.ndarray], Any]


def _shares(
    proba: np.ndarray, codes: np.ndarray, rule: Rule, mask: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the share that is flagged, and the noise rate of the confident joint."""
    joint = cl.calibrated_joint(cl.confident_counts(proba, codes))
    mask = rule(proba, codes).mask if mask is None else mask
    return float(mask.mean()), float(1 - joint.trace() / len(codes))


def _by_class(mask: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
    rows = np.bincount(codes, minlength=n_classes)
    hits = np.bincount(codes[mask], minlength=n_classes)
    return np.divide(hits, rows, out=np.full(n_classes, np.nan), where=rows > 0)


def _null(
    proba: np.ndarray, law: CleanLaw, rule: Rule, n_redraws: int, entropy: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return both shares of each redraw, and the mean flagged share of each class."""
    rng = derive_generator(entropy, "redraw")
    shares, flags, rows = [], np.zeros(proba.shape[1]), np.zeros(proba.shape[1])
    for _ in range(n_redraws):
        codes = redrawn(law.cumulated, rng)
        mask = rule(proba, codes).mask
        shares.append(_shares(proba, codes, rule, mask))
        flags += np.bincount(codes[mask], minlength=len(flags))
        rows += np.bincount(codes, minlength=len(rows))
    expected = np.divide(flags, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    return np.array(shares), expected


def _bootstrap(
    proba: np.ndarray,
    codes: np.ndarray,
    whole: CleanLaw,
    rule: Rule,
    n_bootstrap: int,
    entropy: int,
) -> np.ndarray:
    """Return observed and expected shares of each sample: (n_bootstrap, 2, 2)."""
    rng = derive_generator(entropy, "bootstrap")
    out = np.empty((n_bootstrap, 2, 2))
    for number in range(n_bootstrap):
        rows = rng.integers(len(codes), size=len(codes))
        part, labels = proba[rows], codes[rows]
        law = clean_law(part, labels, near=whole)
        clean = [
            _shares(part, redrawn(law.cumulated, rng), rule)
            for _ in range(_REDRAWS_A_SAMPLE)
        ]
        out[number] = _shares(part, labels, rule), np.mean(clean, axis=0)
    return out


def _excess(
    seen: float, drawn: np.ndarray, boot: np.ndarray, confidence: float
) -> Excess:
    def ends(values: np.ndarray) -> tuple[float, float]:
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)

    return Excess(
        observed=seen,
        expected=float(drawn.mean()),
        observed_interval=ends(boot[:, 0]),
        interval=ends(boot[:, 0] - boot[:, 1]),
        p_value=float((1 + np.sum(drawn >= seen)) / (1 + len(drawn))),
    )
