# SPDX-License-Identifier: BSD-3-Clause
"""The loss of contrastive learning: a row's two views among those of all others."""

from __future__ import annotations

from numbers import Real

import torch
from torch import nn
from torch.nn import functional

from skoverfit.exceptions import BadInputError

__all__ = ["NTXentLoss"]


class NTXentLoss(nn.Module):
    """Tell which of all views in a batch belongs to the same row (NT-Xent).

    With ``u = z / |z|`` and similarities ``s_ab = u_a . u_b / temperature``, the loss
    of a view is ``-s_ab + log sum_c exp(s_ac)``, where b is the other view of its row
    and c runs over all views but itself.

    Parameters
    ----------
    temperature : float, default=0.5
        Small ones look at the most similar views only. SimCLR has 0.5 on small images
        and 0.1 on large ones, SCARF 1.
    symmetric : bool, default=True
        True: all ``2 n`` views are anchors, and keys of each other (SimCLR). False:
        first views are anchors and second views are keys (SCARF).
    reduction : {"mean", "none", "sum"}, default="mean"
        "none" returns one loss a row.

    See Also
    --------
    BarlowTwinsLoss : Learns from pairs of views without negatives.

    References
    ----------
    Chen, Kornblith, Norouzi & Hinton (2020), "A simple framework for contrastive
    learning of visual representations", ICML, arXiv:2002.05709.

    Examples
    --------
    Where all views are alike, one of ``2 n - 1`` is right:

    >>> import math
    >>> import torch
    >>> from skoverfit.neural_network import NTXentLoss
    >>> z = torch.ones(8, 3)
    >>> math.isclose(float(NTXentLoss()(z, z)), math.log(15), rel_tol=1e-6)
    True
    """

    def __init__(
        self,
        temperature: float = 0.5,
        *,
        symmetric: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        number = isinstance(temperature, Real) and not isinstance(temperature, bool)
        if not number or not temperature > 0:
            raise BadInputError(
                "The 'temperature' parameter of NTXentLoss must be a float above 0. Got"
                f" {temperature!r} instead."
            )
        check_reduction("NTXentLoss", reduction)
        self.temperature, self.symmetric = temperature, symmetric
        self.reduction = reduction

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the loss of two views of the same rows.

        Parameters
        ----------
        first : tensor of shape (n, d)
            Projections of the first views.
        second : tensor of shape (n, d)
            Projections of the second views, in the same order.

        Returns
        -------
        tensor
            A number, or one a row.
        """
        n = len(first)
        here = functional.normalize(first, dim=1)
        there = functional.normalize(second, dim=1)
        place = torch.arange(n, device=first.device)
        if not self.symmetric:
            return functional.cross_entropy(
                here @ there.T / self.temperature, place, reduction=self.reduction
            )
        views = torch.cat([here, there])
        similarity = views @ views.T / self.temperature
        # Before the logsumexp: exp(s) - exp(s_aa) would lose all digits.
        similarity.fill_diagonal_(-torch.inf)
        pairs = torch.cat([place + n, place])
        losses = functional.cross_entropy(similarity, pairs, reduction="none")
        return reduced(losses.view(2, n).mean(dim=0), self.reduction)


def check_reduction(name: str, reduction: str) -> None:
    """Refuse a reduction that torch does not have."""
    if reduction not in ("mean", "none", "sum"):
        raise BadInputError(
            f"The 'reduction' parameter of {name} must be 'mean', 'none' or 'sum'. Got "
            f"{reduction!r} instead."
        )


def reduced(rows: torch.Tensor, reduction: str) -> torch.Tensor:
    """Return the losses of rows as the reduction asks for them."""
    if reduction == "none":
        return rows
    return rows.mean() if reduction == "mean" else rows.sum()
