# SPDX-License-Identifier: BSD-3-Clause
"""Gaussians of classes as a mean and a thin factor, and what a tail borrows of a head.

A covariance S is kept as a factor F of shape (rank, m) with S = F'F, rank at most
min(rows, m). A draw from a sum of covariances is the sum of independent draws from
each, so no m x m matrix is ever made, nothing is decomposed by Cholesky, and a class
with fewer rows than columns is drawn from exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

__all__ = ["Blend", "Gaussian", "blend", "borrow", "estimate", "mardia"]


@dataclass(frozen=True)
class Gaussian:
    """Mean (m,) and factor (rank, m) of a class."""

    mean: np.ndarray
    factor: np.ndarray


def estimate(rows: np.ndarray, weights: np.ndarray | None = None) -> Gaussian:
    """Estimate mean and unbiased covariance, with weights as those of reliability."""
    w = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)
    w = w / w.max()
    total = w.sum()
    mean = w @ rows / total
    freedom = total - (w**2).sum() / total  # n - 1 with equal weights
    if len(rows) == 1 or freedom <= 0:
        return Gaussian(mean, np.empty((0, rows.shape[1])))
    factor = (rows - mean) * np.sqrt(w / freedom)[:, None]
    if len(factor) > factor.shape[1]:
        factor = np.linalg.qr(factor, mode="r")  # R'R = F'F, with fewer rows
    return Gaussian(mean, factor)


def borrow(
    k: int,
    means: np.ndarray,
    counts: np.ndarray,
    head: np.ndarray,
    n_borrow: int,
    weighting: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the head classes nearest to class k, and their weights.

    ``"paper"``: n_c d_c^2 over their sum, as printed; ``"inverse"``: n_c / d_c^2;
    ``"size"``: n_c. Where the first two have nothing to tell (distances of 0), the
    sizes decide.
    """
    squares = ((means[head] - means[k]) ** 2).sum(axis=1)
    chosen = np.argsort(squares, kind="stable")[:n_borrow]
    squares, lenders = squares[chosen], head[chosen]
    weights = counts[lenders].astype(float)
    if weighting == "paper" and squares.any():
        weights = weights * (squares / squares.max())
    elif weighting == "inverse":
        if squares.all():
            weights = weights * (squares.min() / squares)
        else:
            weights = weights * (squares == 0)
    return lenders, weights / weights.sum()


@dataclass(frozen=True)
class Blend:
    """A Gaussian whose covariance is a sum of scaled ones.

    Covariance: ``(1 - s) C + s diag(C)`` with ``C = sum_i F_i'F_i + alpha 11'`` and
    the shrinkage s.
    """

    mean: np.ndarray
    factors: tuple[np.ndarray, ...]
    alpha: float = 0.0
    shrinkage: float = 0.0

    def diagonal(self) -> np.ndarray:
        """Return the variances of the columns; shrinkage leaves them as they are."""
        start = np.full(len(self.mean), self.alpha)
        return start + sum((factor**2).sum(axis=0) for factor in self.factors)

    def covariance(self) -> np.ndarray:
        """Return the matrix."""
        m = len(self.mean)
        matrix = np.full((m, m), self.alpha)
        for factor in self.factors:
            matrix += factor.T @ factor
        out = (1.0 - self.shrinkage) * matrix
        out[np.diag_indices(m)] = matrix.diagonal()
        return out

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n rows."""
        out = np.zeros((n, len(self.mean)))
        for factor in self.factors:
            out += rng.standard_normal((n, len(factor))) @ factor
        if self.alpha:
            out += np.sqrt(self.alpha) * rng.standard_normal((n, 1))
        if self.shrinkage:
            out *= np.sqrt(1.0 - self.shrinkage)
            scale = np.sqrt(self.shrinkage * self.diagonal())
            out += scale * rng.standard_normal(out.shape)
        return out + self.mean


def blend(
    k: int,
    gaussians: list[Gaussian],
    lenders: dict[int, tuple[np.ndarray, np.ndarray]],
    gamma: float,
    alpha: float,
    shrinkage: float,
) -> Blend:
    """Return what rows of class k are drawn from: its own without lenders.

    ``lenders`` has (positions, weights) for each tail class.
    """
    own = gaussians[k]
    if k not in lenders:
        return Blend(own.mean, (own.factor,), 0.0, shrinkage)
    positions, weights = lenders[k]
    parts = [(gamma * w, gaussians[c]) for c, w in zip(positions, weights, strict=True)]
    parts.append((1.0 - gamma, own))
    mean = np.zeros_like(own.mean)
    for share, part in parts:
        mean += share * part.mean
    factors = tuple(np.sqrt(share) * part.factor for share, part in parts if share > 0)
    return Blend(mean, factors, alpha, shrinkage)


def mardia(rows: np.ndarray) -> tuple[float, float]:
    """Return the p-values of Mardia's tests of skewness and of kurtosis.

    NaN where the rows don't span the columns: the tests need the inverse covariance.
    """
    n, m = rows.shape
    centred = rows - rows.mean(axis=0)
    if n <= m:
        return np.nan, np.nan
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    if singular[-1] <= singular[0] * max(n, m) * np.finfo(float).eps:
        return np.nan, np.nan
    white = left * np.sqrt(n)  # maximum-likelihood covariance 1
    skewness = 0.0
    for start in range(0, n, 1024):
        skewness += float(((white[start : start + 1024] @ white.T) ** 3).sum())
    skewness /= n**2
    kurtosis = float(((white**2).sum(axis=1) ** 2).mean())
    freedom = m * (m + 1) * (m + 2) / 6
    z = (kurtosis - m * (m + 2)) / np.sqrt(8 * m * (m + 2) / n)
    return float(chi2.sf(n * skewness / 6, freedom)), float(2 * norm.sf(abs(z)))
