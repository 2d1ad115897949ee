# SPDX-License-Identifier: BSD-3-Clause
"""Barlow Twins, and the mixed samples that guard it against overfitting."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import nn

from skoverfit.exceptions import BadInputError

__all__ = ["BarlowTwinsLoss", "MixedBarlowTwinsLoss"]


def _number(name: str, parameter: str, value: Any) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not float(value) >= 0:
        raise BadInputError(
            f"The {parameter!r} parameter of {name} must be a float of at least 0. Got "
            f"{value!r} instead."
        )


class BarlowTwinsLoss(nn.Module):
    """Make two views' outputs agree column by column, and columns say different things.

    Each column is standardized over the batch; ``C = Za^T Zb / n`` is the
    cross-correlation of the two views, and the loss is ``sum_i (C_ii - 1)^2 + lambd
    sum_(i != j) C_ij^2``.

    Parameters
    ----------
    lambd : float or None, default=None
        Weight of what is beside the diagonal; None is 1 / n_columns. The paper has
        0.0051 for 8192 columns.
    eps : float, default=1e-6
        Added to the standard deviations, which are 0 where a unit is dead.

    See Also
    --------
    MixedBarlowTwinsLoss : The same with mixed samples.
    NTXentLoss : Needs negatives, and has large batches for that.

    Notes
    -----
    As published, deviations divide by ``n - 1`` and products by ``n``: a perfect
    diagonal is ``(n - 1) / n``, and the smallest loss ``d / n^2`` for d columns.

    References
    ----------
    Zbontar, Jing, Misra, LeCun & Deny (2021), "Barlow Twins: Self-supervised learning
    via redundancy reduction", ICML, arXiv:2103.03230.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import BarlowTwinsLoss
    >>> z = torch.linalg.qr(torch.randn(64, 5, dtype=torch.float64))[0]
    >>> z = torch.linalg.qr(z - z.mean(dim=0))[0]
    >>> loss = BarlowTwinsLoss(eps=0.0)(z, z)  # equal views, uncorrelated columns
    >>> abs(float(loss) - 5 / 64**2) < 1e-9
    True
    """

    def __init__(self, lambd: float | None = None, *, eps: float = 1e-6) -> None:
        super().__init__()
        if lambd is not None:
            _number(type(self).__name__, "lambd", lambd)
        _number(type(self).__name__, "eps", eps)
        self.lambd, self.eps = lambd, eps

    def standardized(self, z: torch.Tensor) -> torch.Tensor:
        """Return columns of mean 0 and deviation 1 over the batch.

        Parameters
        ----------
        z : tensor of shape (n, d)
            Outputs.

        Returns
        -------
        tensor of shape (n, d)
            Standardized.

        Raises
        ------
        BadInputError
            If there is one row only.
        """
        if len(z) < 2:
            raise BadInputError(
                f"{type(self).__name__} needs at least 2 rows in a batch. Got {len(z)} "
                "instead."
            )
        return (z - z.mean(dim=0)) / (z.std(dim=0) + self.eps)

    def _weight(self, d: int) -> float:
        return 1.0 / d if self.lambd is None else self.lambd

    def _of_correlation(self, correlation: torch.Tensor) -> torch.Tensor:
        diagonal = correlation.diagonal()
        beside = correlation.square().sum() - diagonal.square().sum()
        off = self._weight(len(diagonal)) * beside
        return (diagonal - 1).square().sum() + off

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the loss of two views of the same rows.

        Parameters
        ----------
        first : tensor of shape (n, d)
            Outputs for the first views.
        second : tensor of shape (n, d)
            Outputs for the second views.

        Returns
        -------
        tensor
            A number.
        """
        here, there = self.standardized(first), self.standardized(second)
        return self._of_correlation(here.T @ there / len(here))


class MixedBarlowTwinsLoss(BarlowTwinsLoss):
    """Barlow Twins whose outputs are also to be linear between two rows.

    A batch is mixed as ``Xm = alpha Xa + (1 - alpha) Xb[perm]``. Where outputs were
    linear, the cross-correlations of the mixed outputs with both views would be those
    mixtures of correlations that are known without it; the loss adds ``mix_weight
    lambd`` times the squared differences. It guards against overfitting on little data
    and with wide outputs.

    Parameters
    ----------
    lambd : float or None, default=None
        Weight of what is beside the diagonal; None is 1 / n_columns. The paper has
        1 / 128 for small images and 1024 columns.
    mix_weight : float, default=4.0
        Weight of the mixed part, in units of ``lambd``; the paper has 1 to 4.
    mix_target : {"paper", "rescaled"}, default="paper"
        "rescaled" divides the target by ``sqrt(alpha^2 + (1 - alpha)^2)``. It is ours:
        mixed outputs are standardized by their own deviation, which is smaller by
        that factor, so that the published target isn't reached even by linear outputs.
    eps : float, default=1e-6
        Added to the standard deviations, which are 0 where a unit is dead.

    See Also
    --------
    BarlowTwinsLoss : The loss without mixtures.

    Notes
    -----
    Gradients flow through the targets, too, as in the authors' code.

    References
    ----------
    Bandara, De Melo & Patel (2023), "Guarding Barlow Twins against overfitting with
    mixed samples", arXiv:2312.02151.

    Examples
    --------
    With ``alpha`` 1 the mixed batch is the first view, and the mixed part is 0:

    >>> import torch
    >>> from skoverfit.neural_network import BarlowTwinsLoss, MixedBarlowTwinsLoss
    >>> za, zb = torch.randn(32, 4), torch.randn(32, 4)
    >>> loss = MixedBarlowTwinsLoss()(za, zb, za, 1.0, torch.randperm(32))
    >>> torch.allclose(loss, BarlowTwinsLoss()(za, zb))
    True
    """

    def __init__(
        self,
        lambd: float | None = None,
        *,
        mix_weight: float = 4.0,
        mix_target: str = "paper",
        eps: float = 1e-6,
    ) -> None:
        super().__init__(lambd, eps=eps)
        _number(type(self).__name__, "mix_weight", mix_weight)
        if mix_target not in ("paper", "rescaled"):
            raise BadInputError(
                "The 'mix_target' parameter of MixedBarlowTwinsLoss must be 'paper' or "
                f"'rescaled'. Got {mix_target!r} instead."
            )
        self.mix_weight, self.mix_target = mix_weight, mix_target

    def twins(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the loss without the mixed part.

        Parameters
        ----------
        first : tensor of shape (n, d)
            Outputs for the first views.
        second : tensor of shape (n, d)
            Outputs for the second views.

        Returns
        -------
        tensor
            A number.
        """
        return BarlowTwinsLoss.forward(self, first, second)

    def mix_factor(self, d: int) -> float:
        """Return what the mixed part is multiplied by.

        Parameters
        ----------
        d : int
            Columns of the outputs.

        Returns
        -------
        float
            ``mix_weight lambd``.
        """
        return self.mix_weight * self._weight(d)

    def parts(
        self,
        first: torch.Tensor,
        second: torch.Tensor,
        mixed: torch.Tensor,
        alpha: float,
        perm: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of Barlow Twins, and the squared differences of the mixture.

        Parameters
        ----------
        first : tensor of shape (n, d)
            Outputs for the first views.
        second : tensor of shape (n, d)
            Outputs for the second views.
        mixed : tensor of shape (n, d)
            Outputs for ``alpha first_views + (1 - alpha) second_views[perm]``.
        alpha : float
            Share of the first views.
        perm : tensor of int of shape (n,)
            Which second view each first view is mixed with.

        Returns
        -------
        twins, mix : tensor
            Two numbers; the loss is ``twins + mix_weight lambd mix``.
        """
        n = len(first)
        za, zb, zm = (self.standardized(z) for z in (first, second, mixed))
        twins = self._of_correlation(za.T @ zb / n)
        # The mixture that linear outputs would give, with the views' own deviations.
        linear = alpha * za + (1 - alpha) * zb[perm]
        if self.mix_target == "rescaled":
            linear = linear / (alpha**2 + (1 - alpha) ** 2) ** 0.5
        difference = (zm - linear).T / n
        to_first = (difference @ za).square().sum()
        to_second = (difference @ zb).square().sum()
        return twins, to_first + to_second

    def forward(  # type: ignore[override]
        self,
        first: torch.Tensor,
        second: torch.Tensor,
        mixed: torch.Tensor,
        alpha: float,
        perm: torch.Tensor,
    ) -> torch.Tensor:
        """Return the loss of two views and their mixture.

        Parameters
        ----------
        first : tensor of shape (n, d)
            Outputs for the first views.
        second : tensor of shape (n, d)
            Outputs for the second views.
        mixed : tensor of shape (n, d)
            Outputs for ``alpha first_views + (1 - alpha) second_views[perm]``.
        alpha : float
            Share of the first views.
        perm : tensor of int of shape (n,)
            Which second view each first view is mixed with.

        Returns
        -------
        tensor
            A number.
        """
        twins, mix = self.parts(first, second, mixed, alpha, perm)
        return twins + self.mix_factor(first.shape[1]) * mix
