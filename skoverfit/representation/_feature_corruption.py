# SPDX-License-Identifier: BSD-3-Clause
"""Views of table rows: some features are replaced."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import torch

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._step_tools import ByValue

__all__ = ["FeatureCorruption"]

_METHODS = ("gaussian", "marginal", "swap", "uniform", "zero")


class FeatureCorruption(ByValue):
    """Replace a random part of the features of each row.

    The view maker of tables: what a row says of itself in the features that are left
    has to be enough to recognize it. Read more in the
    :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    method : {"gaussian", "marginal", "swap", "uniform", "zero"}, default="marginal"
        Where the new values come from. "marginal": for each cell a row of the training
        data is drawn, and its value taken (SCARF). "swap": the column is permuted
        within the batch (VIME). "uniform": uniform between the smallest and largest
        value. "gaussian": noise is added. "zero": the column's mean.
    rate : float, default=0.6
        Share of the features that is replaced. SCARF has 0.6, VIME 0.3.
    exact : bool, default=True
        True: in each row exactly ``floor(rate * n_features)`` features (SCARF). False:
        each with this probability (VIME).
    categorical_groups : sequence of sequences of int, default=None
        Columns that belong together, such as the one-hot columns of a category: they
        are replaced at once by the values of one row, and count as one feature.
        "uniform" and "gaussian" take them from the marginals, too.
    noise_scale : float or None, default=None
        Standard deviation of the noise of "gaussian" in those of the column; None is 1.

    See Also
    --------
    ImageViews : Views of images.
    ContrastiveEncoder : Learns from views.

    Notes
    -----
    The encoders of this room give it the *encoded* table with its groups, so that
    categories and missing numbers need nothing here.

    References
    ----------
    Bahri, Jiang, Tay & Metzler (2022), "SCARF: Self-supervised contrastive learning
    using random feature corruption", ICLR, arXiv:2106.15147.

    Yoon, Zhang, Jordon & van der Schaar (2020), "VIME: Extending the success of self-
    and semi-supervised learning to tabular domain", NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.representation import FeatureCorruption
    >>> rows = torch.arange(12.0).view(3, 4)
    >>> view = FeatureCorruption(rate=0.5).fit(rows)
    >>> made = view(rows, torch.Generator().manual_seed(0))
    >>> bool(((made == rows).sum(dim=1) >= 2).all())  # two of four are kept, or more
    True
    """

    def __init__(
        self,
        method: str = "marginal",
        *,
        rate: float = 0.6,
        exact: bool = True,
        categorical_groups: Sequence[Sequence[int]] | None = None,
        noise_scale: float | None = None,
    ) -> None:
        self.method = method
        self.rate = rate
        self.exact = exact
        self.categorical_groups = categorical_groups
        self.noise_scale = noise_scale
        self._check()

    def _check(self) -> None:
        if self.method not in _METHODS:
            raise BadInputError(
                f"The 'method' parameter of FeatureCorruption must be one of "
                f"{list(_METHODS)}. Got {self.method!r} instead. "
                f"{suggest(self.method, _METHODS)}"
            )
        number = isinstance(self.rate, Real) and not isinstance(self.rate, bool)
        if not number or not 0 <= float(self.rate) <= 1:
            raise BadInputError(
                "The 'rate' parameter of FeatureCorruption must be a float from 0 to 1."
                f" Got {self.rate!r} instead."
            )
        scale = self.noise_scale
        if scale is not None and not (isinstance(scale, Real) and float(scale) >= 0):
            raise BadInputError(
                "The 'noise_scale' parameter of FeatureCorruption must be None or a "
                f"float of at least 0. Got {scale!r} instead."
            )

    def fit(
        self, X: torch.Tensor, y: Any = None, *, groups: Any = None
    ) -> FeatureCorruption:
        """Store what is needed of the training rows.

        Parameters
        ----------
        X : tensor of shape (n_samples, n_features)
            Training rows.
        y : None
            Not used.
        groups : sequence of sequences of int, default=None
            Groups to use instead of ``categorical_groups``.

        Returns
        -------
        FeatureCorruption
            The view maker itself.

        Raises
        ------
        BadInputError
            If the rows are none, or groups name columns twice or that aren't there.
        """
        self._check()
        if not isinstance(X, torch.Tensor) or X.dim() != 2 or not len(X):
            raise BadInputError(
                "FeatureCorruption needs a tensor of at least one row and of two axes. "
                f"Got {_shape(X)} instead."
            )
        given = self.categorical_groups if groups is None else groups
        block = _blocks(given, X.shape[1])
        self._n_blocks = int(block.max()) + 1 if len(block) else 0
        in_group = torch.zeros(X.shape[1], dtype=torch.bool)
        for group in given or ():
            in_group[list(group)] = True
        self._rows, self._block = X.detach(), block.to(X.device)
        self._in_group = in_group.to(X.device)
        # Once: a view is made for each batch, and the table may be large.
        self._statistics: tuple[torch.Tensor, ...] = ()
        if self.method == "zero":
            self._statistics = (X.detach().mean(dim=0),)
        elif self.method == "uniform":
            self._statistics = X.detach().aminmax(dim=0)
        elif self.method == "gaussian":
            self._statistics = (X.detach().std(dim=0, correction=0),)
        return self

    def __call__(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return a view of a batch.

        Parameters
        ----------
        rows : tensor of shape (n, n_features)
            The batch; it is not changed.
        generator : torch.Generator
            Source of all that is random, on the device of the rows.

        Returns
        -------
        tensor of shape (n, n_features)
            Of the same dtype.

        Raises
        ------
        BadInputError
            If it was not fitted, or on other columns.
        """
        if not hasattr(self, "_rows"):
            raise BadInputError("FeatureCorruption was not fitted; call fit first.")
        if rows.dim() != 2 or rows.shape[1] != self._rows.shape[1]:
            raise BadInputError(
                f"FeatureCorruption was fitted on {self._rows.shape[1]} columns. Got "
                f"{_shape(rows)} instead."
            )
        if self._rows.device != rows.device:
            for name in ("_rows", "_block", "_in_group"):
                setattr(self, name, getattr(self, name).to(rows.device))
            self._statistics = tuple(s.to(rows.device) for s in self._statistics)
        mask = self._mask(rows, generator)[:, self._block]
        return torch.where(mask, self._values(rows, generator).to(rows.dtype), rows)

    def _uniform(
        self, rows: torch.Tensor, generator: torch.Generator, *, columns: int
    ) -> torch.Tensor:
        shape = (len(rows), columns)
        return torch.rand(shape, generator=generator, device=rows.device)

    def _mask(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return which blocks are replaced."""
        noise = self._uniform(rows, generator, columns=self._n_blocks)
        if not self.exact:
            return noise < self.rate
        # A product such as 0.6 * 5 may lie just below the whole number that is meant.
        count = int(self.rate * self._n_blocks + 1e-9)
        chosen = noise.argsort(dim=1)[:, :count]
        return torch.zeros_like(noise, dtype=torch.bool).scatter_(1, chosen, value=True)

    def _values(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        known = self._rows
        if self.method == "zero":
            return self._statistics[0].expand_as(rows)
        if self.method == "swap":
            noise = self._uniform(rows, generator, columns=self._n_blocks)
            return rows.gather(0, noise.argsort(dim=0)[:, self._block])
        shape = (len(rows), self._n_blocks)
        drawn = torch.randint(
            len(known), shape, generator=generator, device=rows.device
        )
        marginal = known.gather(0, drawn[:, self._block])
        if self.method == "marginal":
            return marginal
        if self.method == "uniform":
            low, high = self._statistics
            share = self._uniform(rows, generator, columns=rows.shape[1])
            moved = low + share.to(rows.dtype) * (high - low)
        else:
            noise = torch.randn(rows.shape, generator=generator, device=rows.device)
            scale = 1.0 if self.noise_scale is None else float(self.noise_scale)
            moved = rows + scale * self._statistics[0] * noise.to(rows.dtype)
        return torch.where(self._in_group, marginal, moved)

    def unfitted(self) -> FeatureCorruption:
        """Return a copy without the training rows.

        Returns
        -------
        FeatureCorruption
            With the same parameters.
        """
        return type(self)(**copy.deepcopy(self._shown()))  # type: ignore[arg-type]


def _shape(X: Any) -> str:
    return f"the shape {tuple(X.shape)}" if hasattr(X, "shape") else repr(X)


def _blocks(groups: Any, n_columns: int) -> torch.Tensor:
    """Return the block of each column; columns without a group are blocks alone."""
    owner = [-1] * n_columns
    for number, group in enumerate(groups or ()):
        for column in group:
            if not isinstance(column, Integral) or not 0 <= int(column) < n_columns:
                raise BadInputError(
                    "The 'categorical_groups' parameter of FeatureCorruption must hold "
                    f"columns from 0 to {n_columns - 1}. Got {column!r} instead."
                )
            if owner[int(column)] != -1:
                raise BadInputError(
                    "The 'categorical_groups' parameter of FeatureCorruption must name "
                    f"a column once. Got {column!r} in two groups."
                )
            owner[int(column)] = number
    place: dict[int, int] = {}
    made = []
    for column, number in enumerate(owner):
        key = number if number != -1 else -2 - column
        made.append(place.setdefault(key, len(place)))
    return torch.tensor(made, dtype=torch.int64)
