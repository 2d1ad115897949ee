# SPDX-License-Identifier: BSD-3-Clause
"""The rows between which neighbours are searched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from skoverfit._core._arrays import torch_of
from skoverfit._core._kernel import all_finite

__all__ = ["NeighborTable"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NeighborTable:
    """Numeric and nominal columns of one table, checked once.

    The squared distance of two rows is the sum of the squared differences of the
    numeric columns, plus ``mismatch`` for each nominal column in which they differ.
    With missing values it is the partial distance: the sum over the columns that both
    rows have, times ``n_columns / n_present``; infinity where they share none.

    Parameters
    ----------
    numeric : ndarray or scipy sparse or torch tensor of shape (n, d)
        Numbers, float32 or float64; other numbers become float64. NaN is a missing
        value (dense tables only). ``d`` may be 0 where there are codes.
    codes : ndarray of shape (n, c), default=None
        Levels of the nominal columns as uint8 or uint16 from 1 on; 0 is a missing
        value.
    mismatch : float, default=1.0
        What a differing category adds to the squared distance.

    Raises
    ------
    ValueError
        Where shapes disagree or a value is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._neighbors import NeighborTable
    >>> table = NeighborTable(numeric=np.eye(3), codes=np.array([[1], [2], [0]]))
    >>> len(table), table.n_columns, table.has_missing
    (3, 4, True)
    """

    numeric: Any
    codes: np.ndarray | None = None
    mismatch: float = 1.0

    def __post_init__(self) -> None:
        numeric = self.numeric
        if sp.issparse(numeric):
            numeric = _as_csr(numeric)
        elif torch_of(numeric) is not None:
            numeric = _as_float_tensor(numeric)
        else:
            numeric = np.ascontiguousarray(numeric)
            if numeric.dtype not in (np.float32, np.float64):
                numeric = numeric.astype(np.float64)
        if numeric.ndim != 2:
            raise ValueError(
                f"A table must have 2 dimensions. Got {numeric.ndim} instead."
            )
        object.__setattr__(self, "numeric", numeric)
        if self.codes is not None:
            self._set_codes(np.asarray(_to_host(self.codes)))
        if not 0 <= self.mismatch < np.inf:
            raise ValueError(
                "The weight of a mismatch must be a finite number from 0 on. Got "
                f"{self.mismatch!r} instead."
            )
        self._refuse_infinite()

    def _set_codes(self, codes: np.ndarray) -> None:
        if codes.ndim != 2 or len(codes) != len(self):
            raise ValueError(
                f"codes must have shape ({len(self)}, c). Got {codes.shape} instead."
            )
        if codes.dtype not in (np.uint8, np.uint16):
            if codes.size and not 0 <= codes.min() <= codes.max() < 2**16:
                raise ValueError(
                    "codes must lie in 0..65535. Got "
                    f"{codes.min()}..{codes.max()} instead."
                )
            small = not codes.size or codes.max() < 2**8
            codes = codes.astype(np.uint8 if small else np.uint16)
        kept = np.ascontiguousarray(codes) if codes.shape[1] else None
        object.__setattr__(self, "codes", kept)

    def _refuse_infinite(self) -> None:
        values = self.numeric.data if self.is_sparse else self.numeric
        if self.is_tensor:
            infinite = bool(values.isinf().any())
        elif all_finite(values):
            return  # one cheap pass: no NaN either
        else:
            infinite = bool(np.isinf(values).any())
        if infinite:
            raise ValueError(
                "Neighbours can't be searched among infinite values. Replace them, "
                "for example by NaN where they mean a missing value."
            )
        if self.is_sparse and np.isnan(values).any():
            raise ValueError(
                "A sparse table must not have missing values (NaN). Make it dense, or "
                "fill them."
            )

    def __len__(self) -> int:
        return int(self.numeric.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns of both kinds."""
        return int(self.numeric.shape[1]) + self.n_nominal

    @property
    def n_nominal(self) -> int:
        """Number of nominal columns."""
        return 0 if self.codes is None else self.codes.shape[1]

    @property
    def is_sparse(self) -> bool:
        """Whether the numbers are a scipy sparse array."""
        return bool(sp.issparse(self.numeric))

    @property
    def is_tensor(self) -> bool:
        """Whether the numbers are a torch tensor."""
        return torch_of(self.numeric) is not None

    @cached_property
    def has_missing(self) -> bool:
        """Whether any value is missing."""
        if self.codes is not None and not self.codes.all():
            return True
        if self.is_sparse:
            return False
        if self.is_tensor:
            return bool(self.numeric.isnan().any())
        total = self.numeric.sum(dtype=np.float64)  # NaN here may be inf - inf
        return bool(np.isnan(total) and np.isnan(self.numeric).any())

    def take(self, rows: Any) -> NeighborTable:
        """Return the table of these rows (numbers or a slice)."""
        numeric = self.numeric
        if self.is_tensor and not isinstance(rows, slice):
            torch = torch_of(numeric)
            index = torch.as_tensor(_to_host(rows), device=numeric.device)
            numeric = numeric.index_select(0, index.long())
        else:
            numeric = numeric[rows]
        codes = None if self.codes is None else self.codes[_to_host(rows)]
        return self._unchecked(numeric, codes)

    def _unchecked(self, numeric: Any, codes: np.ndarray | None) -> NeighborTable:
        """Return a table of values that were checked already."""
        other = object.__new__(NeighborTable)
        for name, value in (
            ("numeric", numeric),
            ("codes", codes),
            ("mismatch", self.mismatch),
        ):
            object.__setattr__(other, name, value)
        if not self.__dict__.get("has_missing", True):
            other.__dict__["has_missing"] = False
        return other


def _to_host(values: Any) -> Any:
    return values.detach().cpu().numpy() if torch_of(values) is not None else values


def _as_csr(numeric: Any) -> Any:
    if numeric.dtype not in (np.float32, np.float64):
        numeric = numeric.astype(np.float64)
    return sp.csr_array(numeric)


def _as_float_tensor(numeric: Any) -> Any:
    torch = torch_of(numeric)
    numeric = numeric.detach()
    if numeric.dtype in (torch.float16, torch.bfloat16):
        return numeric.float().contiguous()
    if numeric.dtype not in (torch.float32, torch.float64):
        numeric = numeric.double()
    return numeric.contiguous()
