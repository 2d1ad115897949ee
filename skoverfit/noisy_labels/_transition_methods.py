# SPDX-License-Identifier: BSD-3-Clause
"""Transition matrices from probabilities of the labels: five published estimates.

All take ``proba`` (n, K), the probabilities of the *labels* for rows that the model did
not see, and return a row-stochastic matrix whose rows are clean classes.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp

__all__ = [
    "anchor",
    "clean_shares",
    "confident_joint",
    "dual_t",
    "expectation_maximization",
    "hard_counts",
    "neighbour_consensus",
    "row_normalized",
    "shrunk",
]

# Probabilities below are taken for this; logarithms and shares stay finite.
_SMALLEST = 1e-12


def row_normalized(counts: np.ndarray) -> np.ndarray:
    """Let rows sum to 1; an empty row becomes that of a class without wrong labels."""
    sums = counts.sum(axis=1, keepdims=True)
    made = np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)
    empty = np.flatnonzero(sums[:, 0] == 0)
    made[empty, empty] = 1.0
    return made


def anchor(proba: np.ndarray, percentile: float) -> np.ndarray:
    """Read each row of T from the row of the data that is most surely of that class.

    ``T_i = p(x)`` for the x with the largest ``p_i(x)`` (Patrini et al. 2017); below a
    percentile of 100 the row at that percentile, which one outlier does not move.
    """
    place = round((len(proba) - 1) * percentile / 100)
    chosen = np.argsort(proba, axis=0, kind="stable")[place]
    return proba[chosen] / proba[chosen].sum(axis=1, keepdims=True)


def hard_counts(codes: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return how often each prediction (rows) meets each label (columns)."""
    flat = np.bincount(predicted * n_classes + codes, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.float64)


def dual_t(proba: np.ndarray, codes: np.ndarray, percentile: float) -> np.ndarray:
    """Split T at the predicted class: anchors lead to it, counts on to the label.

    ``T = T1 T2``: T1 is the anchor estimate of P(predicted | clean), T2 counts
    P(label | predicted), which needs no probability (Yao et al. 2020).
    """
    counts = hard_counts(codes, proba.argmax(axis=1), proba.shape[1])
    return anchor(proba, percentile) @ row_normalized(counts)


def confident_joint(proba: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Count rows that are surely of a class, whatever their label.

    A row counts for the most probable class whose probability reaches the mean of the
    rows with that label (Northcutt, Jiang & Chuang 2021). Returns the joint
    distribution, rows clean classes.
    """
    n_classes = proba.shape[1]
    labels = np.bincount(codes, minlength=n_classes)
    summed = np.bincount(
        codes, proba[np.arange(len(codes)), codes], minlength=n_classes
    )
    # A class without a label can't be confident of any row.
    limits = np.where(labels > 0, summed / np.maximum(labels, 1), np.inf)
    sure = np.where(proba >= limits - 1e-6, proba, -1.0)
    told = sure.max(axis=1) >= 0
    counts = hard_counts(codes[told], sure[told].argmax(axis=1), n_classes)
    # As published, each label keeps its number of rows.
    empty = counts.sum(axis=0) == 0
    counts[empty, empty] = 1.0
    joint = counts / counts.sum(axis=0) * labels
    return joint / joint.sum()


def clean_shares(matrix: np.ndarray, label_shares: np.ndarray) -> np.ndarray:
    """Return the shares of the clean classes that T turns into those of the labels."""
    n_classes = len(label_shares)

    def error(shares: np.ndarray) -> tuple[float, np.ndarray]:
        off = shares @ matrix - label_shares
        return float(off @ off), 2 * matrix @ off

    found = minimize(
        error,
        label_shares,
        jac=True,
        bounds=[(0, 1)] * n_classes,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 200},
    ).x.clip(0, 1)
    shares: np.ndarray = found / found.sum()
    return shares


def shrunk(
    matrix: np.ndarray, counts: np.ndarray, prior: np.ndarray, strength: float
) -> np.ndarray:
    """Pull each row towards a prior as if ``strength`` more rows had been seen."""
    weight = strength / (strength + counts)
    return weight[:, None] * prior + (1 - weight[:, None]) * matrix


# --- expectation and maximization ---------------------------------------------------


def expectation_maximization(
    proba: np.ndarray,
    codes: np.ndarray,
    start: np.ndarray,
    *,
    max_iter: int = 200,
    tol: float = 1e-6,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Fit T and sharpened probabilities of the clean classes to the labels.

    The model: a row is of clean class k with the probability ``softmax(a log p + b)_k``
    and its label is drawn from row k of T. With ``a = 1`` and ``b = 0`` fixed, p itself
    would explain the labels and T would be the identity, hence they are fitted.

    Returns
    -------
    matrix, clean shares, log_likelihoods : tuple
        The likelihoods never fall from one iteration to the next.
    """
    n_classes = proba.shape[1]
    logs = np.log(np.clip(proba, _SMALLEST, None))
    logs -= logs.mean(axis=1, keepdims=True)
    matrix = np.clip(start, 1e-6, None)
    matrix /= matrix.sum(axis=1, keepdims=True)
    link = np.concatenate([[1.0], np.zeros(n_classes)])
    told: list[float] = []
    clean = log_softmax(link[0] * logs + link[1:], axis=1)
    for _ in range(max_iter):
        joint = clean + np.log(np.clip(matrix, 1e-300, None)).T[codes]
        evidence = logsumexp(joint, axis=1)
        told.append(float(evidence.mean()))
        if len(told) > 1 and told[-1] - told[-2] < tol:
            break
        shares = np.exp(joint - evidence[:, None])
        matrix = row_normalized(
            np.stack(
                [
                    np.bincount(codes, shares[:, k], minlength=n_classes)
                    for k in range(n_classes)
                ]
            )
        )
        link = _sharpened(logs, shares, link)
        clean = log_softmax(link[0] * logs + link[1:], axis=1)
    return matrix, np.exp(clean).mean(axis=0), told


def _sharpened(logs: np.ndarray, shares: np.ndarray, link: np.ndarray) -> np.ndarray:
    """Return slope and offsets at which the classes of the rows are more likely."""

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        log_q = log_softmax(values[0] * logs + values[1:], axis=1)
        off = (np.exp(log_q) - shares) / len(shares)
        gradient = np.concatenate([[(off * logs).sum()], off.sum(axis=0)])
        return -float((shares * log_q).sum()) / len(shares), gradient

    bounds = [(1e-3, 100.0), *[(-50.0, 50.0)] * logs.shape[1]]
    # A few steps suffice: whatever is better keeps the likelihood from falling.
    found = minimize(
        loss, link, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 5}
    )
    return found.x if found.fun <= loss(link)[0] else link


# --- labels of neighbours -----------------------------------------------------------


def neighbour_consensus(
    triples: np.ndarray, n_classes: int, *, max_iter: int = 2000
) -> tuple[np.ndarray, np.ndarray]:
    """Find T and the clean shares behind the labels of rows and their neighbours.

    A row and its two nearest neighbours are taken for rows of one clean class, with
    labels that are drawn apart: their joint distribution is ``sum_k p_k T_ka T_kb
    T_kc``, whose shares of one, two and three labels are matched (Zhu, Song & Liu
    2021). No probabilities and no anchors are needed.

    Parameters
    ----------
    triples : ndarray of int of shape (n, 3)
        Labels of each row and of two neighbours.
    """
    a, b, c = triples.T
    flat = np.bincount((a * n_classes + b) * n_classes + c, minlength=n_classes**3)
    third = flat.reshape((n_classes,) * 3) / len(triples)
    second = np.zeros((n_classes, n_classes))
    np.add.at(second, (np.concatenate([a, a]), np.concatenate([b, c])), 1.0)
    second /= second.sum()
    first = second.sum(axis=1)

    def unpacked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = values.reshape(n_classes + 1, n_classes)
        soft = np.exp(log_softmax(logits, axis=1))
        return soft[0], soft[1:]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        shares, matrix = unpacked(values)
        weighted = shares[:, None] * matrix
        off1 = shares @ matrix - first
        off2 = weighted.T @ matrix - second
        pairs = matrix[:, :, None] * matrix[:, None, :]
        off3 = np.einsum("ka,kbc->abc", weighted, pairs, optimize=True) - third
        value = (off1**2).sum() + (off2**2).sum() + (off3**2).sum()
        one = matrix @ (2 * off1)
        two = matrix @ (off2 + off2.T)
        three = np.einsum("abc,kbc->ka", 2 * off3, pairs, optimize=True)
        three_b = np.einsum("abc,ka,kc->kb", 2 * off3, matrix, matrix, optimize=True)
        three_c = np.einsum("abc,ka,kb->kc", 2 * off3, matrix, matrix, optimize=True)
        by_matrix = shares[:, None] * (2 * off1 + 2 * two + three + three_b + three_c)
        by_shares = one + (matrix * two).sum(axis=1) + (matrix * three).sum(axis=1)
        # Through the softmax of each row.
        grad = np.vstack([by_shares, by_matrix])
        soft = np.vstack([shares, matrix])
        back = soft * (grad - (grad * soft).sum(axis=1, keepdims=True))
        return 1e4 * value, 1e4 * back.ravel()

    # Classes are named by where T starts: the larger part of a class keeps its label.
    start = np.full((n_classes, n_classes), 0.3 / max(n_classes - 1, 1))
    np.fill_diagonal(start, 0.7)
    begin = np.log(np.vstack([np.clip(first, 1e-3, None), start]))
    found = minimize(
        loss,
        begin.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "ftol": 1e-12, "gtol": 1e-8, "maxfun": 10**5},
    )
    shares, matrix = unpacked(found.x)
    return matrix, shares
