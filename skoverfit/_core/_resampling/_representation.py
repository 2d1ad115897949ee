# SPDX-License-Identifier: BSD-3-Clause
"""Where rows lie for a coreset: in their columns, or by a classifier's errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy
from skoverfit._core._random import derive_seed
from skoverfit._core._resampling._chooser import fit_weights, known_table
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._row_scores import aligned_proba, seeded
from skoverfit.exceptions import BadInputError

__all__ = ["dense_rows", "points_of"]


def points_of(how: Any, data: ResamplingData) -> Any:
    """Return a point a row.

    Parameters
    ----------
    how : {"input"}, classifier or callable
        The columns, ``p - onehot(y)`` of a fitted clone, or what ``how(X, y)`` returns.
    data : ResamplingData
        The table.

    Returns
    -------
    ndarray or sparse matrix of shape (n, m)
        The points.
    """
    if isinstance(how, str):
        values = data.values
        return values.tocsr() if hasattr(values, "tocsr") else to_numpy(values)
    labels = data.classes[data.codes]
    if hasattr(how, "fit"):
        model = seeded(how, derive_seed(data.entropy, "model"))
        weight = fit_weights(how, data)
        more = {} if weight is None else {"sample_weight": weight}
        X = known_table(data)
        model.fit(X, labels, **more)
        proba = aligned_proba(model, X, data.classes)
        return proba - np.eye(len(data.classes))[data.codes]
    made = np.asarray(to_numpy(how(known_table(data), labels)))
    if made.ndim != 2 or len(made) != data.n or made.dtype.kind not in "biuf":
        raise BadInputError(
            "The 'representation' function must return numbers of shape "
            f"({data.n}, m). Got an array of dtype {made.dtype} and shape "
            f"{made.shape} instead."
        )
    if not np.isfinite(made).all():
        raise BadInputError(
            "The 'representation' function returned a number that is not finite."
        )
    return made


def dense_rows(points: Any, rows: np.ndarray) -> np.ndarray:
    """Return some points as a dense array of floats."""
    own = points[rows]
    own = own.toarray() if hasattr(own, "toarray") else own
    return np.asarray(own, dtype=np.float64)
