# SPDX-License-Identifier: BSD-3-Clause
"""Class Gaussians in a feature space: one scale, made rows, how Gaussian they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._random import derive_generator
from skoverfit.over_sampling import CalibratedGaussianOverSampler
from skoverfit.over_sampling._gaussians import mardia

__all__ = ["MadeRows", "common_scale", "gaussianity", "made_rows"]

# Mardia's tests compare all pairs of rows, and need several rows a direction.
_MOST_ROWS = 2000
_MOST_DIRECTIONS = 8
_ROWS_A_DIRECTION = 10


@dataclass(kw_only=True)
class MadeRows:
    """Rows that a sampler made, on the scale that it was given."""

    features: np.ndarray
    labels: np.ndarray
    weight: np.ndarray | None


def common_scale(features: np.ndarray) -> float:
    """Return the root of the columns' mean variance; 1 where all are constant.

    One number for all columns: distances keep their form, and `alpha` gets a meaning.
    """
    scale = float(np.sqrt(features.var(axis=0, dtype=np.float64).mean()))
    return scale if scale > 0 else 1.0


def made_rows(
    sampler: CalibratedGaussianOverSampler,
    features: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray | None,
) -> MadeRows:
    """Fit a sampler on features and return what it made."""
    table, targets = sampler.fit_resample(features, labels, sample_weight=weight)
    made = sampler.is_synthetic_
    own = None if sampler.sample_weight_ is None else sampler.sample_weight_[made]
    return MadeRows(features=table[made], labels=targets[made], weight=own)


def gaussianity(
    features: np.ndarray, codes: np.ndarray, classes: np.ndarray, entropy: int
) -> dict[Any, tuple[float, float]]:
    """Return Mardia's p-values of each class along its leading directions.

    Features of nets have constant columns and more of them than a class has rows, where
    the tests of all columns don't exist. They are made of at most 8 directions here.

    Parameters
    ----------
    features : ndarray of shape (n, m)
        Rows.
    codes : ndarray of int of shape (n,)
        Classes; -1 for rows that are left out.
    classes : ndarray of shape (n_classes,)
        Labels.
    entropy : int
        Source of the choice of rows in large classes.
    """
    found = {}
    for code, label in enumerate(classes):
        rows = np.flatnonzero(codes == code)
        if len(rows) > _MOST_ROWS:
            rng = derive_generator(entropy, "gaussianity", code)
            rows = rng.choice(rows, _MOST_ROWS, replace=False)
        table = features[rows].astype(np.float64)
        n_directions = min(_MOST_DIRECTIONS, len(rows) // _ROWS_A_DIRECTION)
        if not n_directions:
            found[label] = (np.nan, np.nan)
            continue
        centred = table - table.mean(axis=0)
        left, singular, _ = np.linalg.svd(centred, full_matrices=False)
        spread = singular > singular[0] * 1e-6
        kept = min(n_directions, int(spread.sum()))
        found[label] = mardia(left[:, :kept]) if kept else (np.nan, np.nan)
    return found
