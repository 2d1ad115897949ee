# SPDX-License-Identifier: BSD-3-Clause
"""Re-sample the rows of a fold as they were read, and encode what was made."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit.bench._columns import is_text
from skoverfit.bench._preparation import FoldPreparation
from skoverfit.catalogue import Remedy

__all__ = ["RawRows", "needs_raw_rows"]

# A nominal column is coded in two bytes, with a code for missing.
MAX_LEVELS = 2**16 - 1


def needs_raw_rows(remedy: Remedy) -> bool:
    """Tell whether a remedy re-samples the table as it was read."""
    return remedy.role == "step" and remedy.input == "raw"


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
            Gets the raw rows, less columns of more texts than can be coded. Says in
            ``sample_indices_`` and ``is_synthetic_`` what it made from which row.
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
        copied = _too_many_values(self.rows)
        shown = self.rows.drop(columns=copied) if copied else self.rows
        rows, y = sampler.fit_resample(shown, y_train, **options)
        source, made = sampler.sample_indices_, sampler.is_synthetic_
        X = X_train[source]
        if made.any():
            new = rows.loc[made] if hasattr(rows, "loc") else rows[made]
            if copied:
                base = self.rows.loc[source[made], copied].set_axis(new.index)
                new = new.assign(**dict(base.items()))
            X[made] = self.preparation.transform(new)
        return X, np.asarray(y)


def _too_many_values(rows: Any) -> list[str]:
    """Return the columns of text or categories whose values hardly ever repeat.

    Whether two rows agree in one of them says nothing, and a sampler codes no nominal
    column of so many values: a made row has that of its base row.
    """
    if not hasattr(rows, "iloc") or len(rows) <= MAX_LEVELS:
        return []
    found = [
        str(name)
        for name, column in rows.items()
        if (is_text(column) or column.dtype.name == "category")
        and column.nunique() > MAX_LEVELS
    ]
    # With no other column the sampler has to say that it can do nothing.
    return found if len(found) < rows.shape[1] else []
