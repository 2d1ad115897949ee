# SPDX-License-Identifier: BSD-3-Clause
"""Encoders by name, sized on rows without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold

from skoverfit._core._names import suggest
from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError
from skoverfit.representation._contrastive_encoder import ContrastiveEncoder

__all__ = ["ENCODERS", "features_of", "fitted_encoder"]

ENCODERS = ("contrastive", "factor", "gmm", "pca")
_MOST_FACTORS = 20
_FOLDS = 3
# Of the covariances of a mixture.
_MOST_BYTES = 4e8


def fitted_encoder(
    name: str, X: Any, n_components: Any, n_classes: int, entropy: int
) -> Any:
    """Return an encoder of this name, fitted on rows.

    Parameters
    ----------
    name : str
        One of ``ENCODERS``.
    X : table
        All rows.
    n_components : int or "auto"
        Factors or mixture components; "auto" judges them on the rows.
    n_classes : int
        For the numbers of mixture components that are tried.
    entropy : int
        Source of all that is random.
    """
    if name not in ENCODERS:
        raise BadInputError(
            f"The 'encoder' parameter must be one of {list(ENCODERS)}, a transformer or"
            " what has predict_proba without labels. "
            f"Got {name!r} instead. {suggest(name, ENCODERS)}"
        )
    seed = derive_seed(entropy, "encoder")
    if name == "contrastive":
        if n_components != "auto":
            raise BadInputError(
                "n_components is for 'factor', 'pca' and 'gmm'; give the widths of a "
                "contrastive encoder to ContrastiveEncoder itself. Got "
                f"n_components={n_components!r}."
            )
        return ContrastiveEncoder(random_state=seed).fit(X)
    rows = np.asarray(X, dtype=np.float64)
    if name == "gmm":
        return _mixture(rows, n_components, n_classes, seed)
    kind = {"factor": FactorAnalysis, "pca": PCA}[name]
    if n_components == "auto":
        n_components = _n_factors(kind, rows, seed)
    elif n_components > min(rows.shape):
        raise BadInputError(
            f"n_components={n_components} is more than {len(rows)} rows of "
            f"{rows.shape[1]} columns have."
        )
    return kind(n_components=n_components, random_state=seed).fit(rows)


def _n_factors(kind: Any, rows: np.ndarray, seed: int) -> int:
    """Return the number of factors of the highest likelihood on held-out rows."""
    least = len(rows) - len(rows) // _FOLDS - 1
    most = max(1, min(_MOST_FACTORS, rows.shape[1] // 2, least))
    if most == 1 or len(rows) < 2 * _FOLDS:
        return 1
    folds = list(KFold(_FOLDS, shuffle=True, random_state=seed).split(rows))

    def likelihood(n: int) -> float:
        model = kind(n_components=n, random_state=seed)
        return sum(model.fit(rows[a]).score(rows[b]) for a, b in folds)

    # It rises to its only peak: two falls in a row end the search.
    best, highest, falls = 1, -np.inf, 0
    for n in range(1, most + 1):
        now = likelihood(n)
        falls = 0 if now > highest else falls + 1
        if now > highest:
            best, highest = n, now
        if falls == 2:
            break
    return best


def _mixture(rows: np.ndarray, n_components: Any, n_classes: int, seed: int) -> Any:
    """Return a mixture of Gaussians, of the lowest BIC where none is named."""
    sizes = [n_components]
    if n_components == "auto":
        # A component of several columns needs some rows.
        most = max(1, len(rows) // 5)
        sizes = sorted({min(most, n_classes * times) for times in (1, 2, 4)})
    size = 8.0 * rows.shape[1] ** 2 * max(sizes)
    if size > _MOST_BYTES:
        raise BadInputError(
            f"encoder='gmm' has {max(sizes)} covariances of {rows.shape[1]} x "
            f"{rows.shape[1]} numbers here, {size / 1e9:.1f} GB; reduce the columns "
            "first, as in encoder=make_pipeline(PCA(20), GaussianMixture(2))."
        )
    # Small against the columns whatever their unit, where theirs is not large.
    spread = rows.var(axis=0)
    unit = spread[spread > 0].min(initial=1.0)
    models = [
        GaussianMixture(n, random_state=seed, reg_covar=1e-3 * unit).fit(rows)
        for n in sizes
    ]
    return min(models, key=lambda model: model.bic(rows))


def features_of(encoder: Any, X: Any) -> Any:
    """Return the features that a fitted encoder makes of rows."""
    if hasattr(encoder, "transform"):
        return encoder.transform(X)
    return encoder.predict_proba(X)
