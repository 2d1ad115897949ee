# SPDX-License-Identifier: BSD-3-Clause
"""Re-sample the rows of a fold as they were read, and encode what was made."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit.bench._preparation import FoldPreparation
from skoverfit.catalogue import Remedy

__all__ = ["RawRows", "needs_raw_rows", "takes_groups"]


def needs_raw_rows(remedy: Remedy) -> bool:
    """Tell whether a remedy re-samples the table as it was read."""
    return remedy.role == "step" and remedy.input == "raw"


def takes_groups(sampler: Any) -> bool:
    """Tell whether there is a sampler and its ``fit_resample`` takes ``groups``."""
    if sampler is None:
        return False
    return "groups" in inspect.signature(sampler.fit_resample).parameters


@dataclass(frozen=True)
class RawRows:
    """The training rows of a fold before any encoding, and what encodes them.

    Parameters
    ----------
    rows : DataFrame or ndarray of shape (n_train, n_features)
        Plain columns: numbers, text, categories, dates, with missing values.
    preparation : FoldPreparation
        Fitted on ``rows``.
    """

    rows: Any
    preparation: FoldPreparation

    def pack(self) -> np.ndarray:
        """Return the bytes as one array: joblib writes it once and all workers map it.

        As an object it would go through a pipe again for each cell of the fold.
        """
        return np.frombuffer(pickle.dumps(self, protocol=5), dtype=np.uint8)

    @staticmethod
    def unpack(packed: np.ndarray) -> RawRows:
        """Return what was packed; each call makes rows of its own."""
        found = pickle.loads(packed.data)
        assert isinstance(found, RawRows)
        return found

    def resample(
        self,
        sampler: Any,
        X_train: np.ndarray,
        y_train: np.ndarray,
        groups: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Re-sample the raw rows and return them encoded.

        Rows that the sampler kept are not encoded again.

        Parameters
        ----------
        sampler : sampler
            Gets the raw rows.
        X_train : ndarray of shape (n_train, n_features_out)
            The encoded training rows.
        y_train : ndarray of shape (n_train,)
            What the model is told of their classes.
        groups : ndarray of shape (n_train,), optional
            For a sampler that takes them: a made row must not mix two of them.

        Returns
        -------
        X : ndarray of shape (n_resampled, n_features_out)
            Encoded rows.
        y : ndarray of shape (n_resampled,)
            Their classes.
        """
        options = {} if groups is None else {"groups": groups}
        rows, y = sampler.fit_resample(self.rows, y_train, **options)
        made = getattr(sampler, "is_synthetic_", None)
        if made is None:
            return self.preparation.transform(rows), np.asarray(y)
        X = X_train[sampler.sample_indices_]
        if made.any():
            new = rows.loc[made] if hasattr(rows, "loc") else rows[made]
            X[made] = self.preparation.transform(new)
        return X, np.asarray(y)
