# SPDX-License-Identifier: BSD-3-Clause
"""Where each row of the output came from, stored for the made rows only."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy

__all__ = ["ProvenanceMixin"]

# The compact storage; plain arrays, so that fitted samplers save to safe files.
STORED = (
    "_n_source",
    "_kept_rows",
    "_made_base",
    "_made_partner",
    "_made_step",
    "_n_parents",
)


class ProvenanceMixin:
    """Properties that unfold the base, partner and step of the made rows.

    A fitted sampler has ``_n_source`` (rows of the input), ``_kept_rows`` (their
    numbers in the output; None: all, in order), ``_made_base`` (m,), ``_made_partner``
    (m,) with -1 for none, or None, ``_made_step`` (m,) or None, and ``_n_parents``: 2
    where made rows lie between base and partner, 1 for copies of the base, 0 for draws
    from a distribution that was fitted around the base.
    """

    _n_source: int
    _kept_rows: np.ndarray | None
    _made_base: np.ndarray
    _made_partner: np.ndarray | None
    _made_step: np.ndarray | None
    _n_parents: int

    def _require_resampled(self, name: str) -> None:
        if "_made_base" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__} has no {name!r} before fit_resample was called."
            )

    def _kept(self) -> np.ndarray:
        if self._kept_rows is None:
            return np.arange(self._n_source, dtype=np.intp)
        return self._kept_rows

    @property
    def sample_indices_(self) -> np.ndarray:
        """Source row of each output row; the base row of a made one.

        Returns
        -------
        ndarray of shape (n_out,), intp
            Always valid row numbers of the input.
        """
        self._require_resampled("sample_indices_")
        kept = self._kept()
        out = np.empty(len(kept) + len(self._made_base), dtype=np.intp)
        out[: len(kept)] = kept
        out[len(kept) :] = self._made_base
        return out

    @property
    def is_synthetic_(self) -> np.ndarray:
        """Which output rows were made.

        Returns
        -------
        ndarray of shape (n_out,), bool
            False for rows of the input.
        """
        self._require_resampled("is_synthetic_")
        kept = len(self._kept())
        out = np.ones(kept + len(self._made_base), dtype=bool)
        out[:kept] = False
        return out

    @property
    def parents_(self) -> np.ndarray:
        """Input rows that each output row is made of.

        Returns
        -------
        ndarray of shape (n_out, n_parents), intp
            Padded with -1. A kept row is its own parent; a draw from a fitted
            distribution has none.
        """
        self._require_resampled("parents_")
        kept = self._kept()
        n_kept, made = len(kept), slice(len(kept), None)
        out = np.full(
            (n_kept + len(self._made_base), max(self._n_parents, 1)), -1, dtype=np.intp
        )
        out[:n_kept, 0] = kept
        if self._n_parents >= 1:
            out[made, 0] = self._made_base
        if self._n_parents >= 2 and self._made_partner is not None:
            out[made, 1] = self._made_partner
        return out

    @property
    def weights_(self) -> np.ndarray:
        """Share of each parent in each output row.

        Returns
        -------
        ndarray of shape (n_out, n_parents), float64
            Rows sum to 1; a row without parents has 0.
        """
        self._require_resampled("weights_")
        n_kept = len(self._kept())
        out = np.zeros((n_kept + len(self._made_base), max(self._n_parents, 1)))
        out[:n_kept, 0] = 1.0
        if self._n_parents >= 1:
            out[n_kept:, 0] = 1.0
        if self._n_parents >= 2 and self._made_step is not None:
            out[n_kept:, 1] = self._made_step
            out[n_kept:, 0] -= self._made_step
        return out

    def origin_frame(self) -> Any:
        """Return where each output row came from, as a table.

        Returns
        -------
        pandas.DataFrame
            Columns ``source``, ``is_synthetic``, ``parent_0`` ..., ``weight_0`` ...;
            one row for each row of the output.
        """
        from importlib import import_module

        pandas = import_module("pandas")
        parents, weights = self.parents_, self.weights_
        columns = {"source": self.sample_indices_, "is_synthetic": self.is_synthetic_}
        columns |= {f"parent_{j}": column for j, column in enumerate(parents.T)}
        columns |= {f"weight_{j}": column for j, column in enumerate(weights.T)}
        return pandas.DataFrame(columns)

    def split_safe(self, train_indices: Any) -> bool:
        """Tell whether made rows of a training set know nothing outside of it.

        Parameters
        ----------
        train_indices : array-like of int, or a mask of bool of shape (n_samples,)
            Rows of the input that are used for training.

        Returns
        -------
        bool
            True where every made row whose base is a training row has all its parents
            among the training rows.

        Raises
        ------
        ValueError
            Where a row number is out of range, or a mask has another length.
        """
        self._require_resampled("split_safe")
        rows = to_numpy(train_indices)
        inside = np.zeros(self._n_source, dtype=bool)
        if rows.dtype == bool and rows.shape == inside.shape:
            inside = rows
        elif rows.size:
            wrong = rows.ndim != 1 or rows.dtype.kind not in "iu"
            if wrong or rows.min() < 0 or rows.max() >= self._n_source:
                raise ValueError(
                    "train_indices must be row numbers in "
                    f"0..{self._n_source - 1} or a mask of {self._n_source} booleans. "
                    f"Got {train_indices!r:.80}."
                )
            inside[rows] = True
        if self._n_parents < 2 or self._made_partner is None:
            return True
        partner = self._made_partner
        uses = inside[self._made_base] & (partner >= 0)
        return bool(inside[partner[uses]].all())
