# SPDX-License-Identifier: BSD-3-Clause
"""From encoded rows back to the numbers of the table, and forth."""

from __future__ import annotations

import numpy as np
import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._encoding import CLIP, TableEncoder
from skoverfit.neural_network._export import RowEncoder

__all__ = ["TableSpace"]


class TableSpace(RowEncoder):
    """Encode rows, and give encoded rows their columns and units back.

    Parameters
    ----------
    encoder : TableEncoder
        Of a table of numbers without missing ones.
    dtype : torch.dtype
        Of the rows in both forms.

    Raises
    ------
    BadInputError
        If the table has something else than numbers.
    """

    constant: torch.Tensor
    back: torch.Tensor | None

    def __init__(self, encoder: TableEncoder, dtype: torch.dtype) -> None:
        if encoder.nominal_columns or encoder.has_missing.any():
            what = "nominal columns" if encoder.nominal_columns else "missing values"
            raise BadInputError(
                "Views in the units of the table (space='table') need a table of "
                f"numbers, and this one has {what}; use space='encoded'."
            )
        n_features = len(encoder.used)
        super().__init__(encoder, n_features, dtype)
        constant, back = np.empty(n_features), None
        where: slice | list[int] = slice(None)
        if encoder.numeric_columns is not None:
            where = encoder.numeric_columns
        constant[where] = encoder.center
        if encoder.rotation is not None:
            # Its columns are orthogonal, of the length 1 / spread.
            back = torch.from_numpy(encoder.rotation.T * encoder.spread**2)
        self.register_buffer("constant", torch.from_numpy(constant))
        self.register_buffer("back", back)

    def decode(self, dense: torch.Tensor) -> torch.Tensor:
        """Return the numbers ``(n, n_features)`` of rows ``(n, n_dense)``.

        Columns that are constant in the training, which a net doesn't read, have their
        constant.
        """
        made = dense.to(self.mean.dtype)
        if self.back is not None:
            made = made @ self.back
        made = made + self.mean
        raw = torch.empty_like(made)
        raw[:, self.order] = made
        if self.is_robust:
            # A number that was far out may be rounded to the bound itself.
            share = (raw / CLIP).clamp(-1 + 1e-7, 1 - 1e-7)
            raw = raw / torch.sqrt(1 - share**2)
        numbers = self.constant.expand(len(raw), -1).clone()
        numbers[:, self.used] = raw * self.scale + self.center
        return numbers.to(self.dtype)
