# SPDX-License-Identifier: BSD-3-Clause
"""Layers with a net axis: K layers of one shape at once, as one batched product.

An input is ``(K, batch, features)``; where K is 1 it may also be ``(batch, features)``,
which saves the net axis and is the ordinary layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

__all__ = [
    "ACTIVATIONS",
    "PeriodicEmbedding",
    "StackedDropout",
    "StackedEmbedding",
    "StackedLinear",
]

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "selu": functional.selu,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "mish": functional.mish,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


class StackedLinear(nn.Module):
    """K linear maps of one shape.

    Parameters
    ----------
    n_nets, in_features, out_features : int
        Shape of the maps.
    bias : bool, default=True
        Whether to add a bias.
    """

    def __init__(
        self, n_nets: int, in_features: int, out_features: int, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.n_nets = n_nets
        self.weight = nn.Parameter(torch.zeros(n_nets, in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(n_nets, 1, out_features)) if bias else None

    @torch.no_grad()
    def reset_parameters(
        self, generators: Sequence[torch.Generator], *, gain: float = math.sqrt(2)
    ) -> None:
        """Draw normal weights of variance gain² / in, uniform biases of ± in ** -1/2.

        Each net is drawn from its own generator, so that it starts the same alone.
        """
        width = max(self.weight.shape[1], 1)
        for net, generator in enumerate(generators):
            self.weight[net].normal_(0.0, gain / math.sqrt(width), generator=generator)
            if self.bias is not None:
                bound = width**-0.5
                self.bias[net].uniform_(-bound, bound, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(K, batch, in)``, or ``(batch, in)`` where K is 1."""
        if x.dim() == 2:
            weight = self.weight.squeeze(0)
            if self.bias is None:
                return x @ weight
            return torch.addmm(self.bias.view(1, -1), x, weight)
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias, x, self.weight)


class StackedDropout(nn.Module):
    """Dropout that draws the mask of each net from that net's own generator.

    Random words are cut into 16 bits a number, four times as fast as a float a number;
    the probability is rounded to a multiple of 2**-16, and the scale is exact for that.

    Parameters
    ----------
    p : float
        Probability of a zero.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generators: Sequence[torch.Generator] | None = None
        # Rows of each net in a batch that is filled up; what a generator yields next
        # depends on how many numbers were drawn, so none are drawn for the filling.
        self.lengths: Sequence[int] | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop in training, with the generators that the net loop set."""
        if not self.training or self.p == 0.0:
            return x
        if self.generators is None:
            return functional.dropout(x, self.p)
        if x.dim() == 2:
            return x * self._mask(x, x.shape[0], self.generators[0])
        counts = self.lengths or [x.shape[1]] * len(x)
        masks = [
            self._mask(part, count, generator)
            for part, count, generator in zip(x, counts, self.generators, strict=True)
        ]
        return x * torch.stack(masks)

    def _mask(
        self, x: torch.Tensor, count: int, generator: torch.Generator
    ) -> torch.Tensor:
        """Return zeros and the scale; rows after ``count`` draw nothing."""
        bound = round(self.p * 65536)
        n = count * x.shape[1]
        words = torch.empty(-(-n // 4), dtype=torch.int64, device=x.device)
        words.random_(-(2**63), None, generator=generator)
        kept = words.view(torch.int16)[:n] >= bound - 32768
        mask = kept.to(x.dtype).mul_(65536 / (65536 - bound)).view(count, x.shape[1])
        if count < len(x):
            mask = functional.pad(mask, (0, 0, 0, len(x) - count))
        return mask


class PeriodicEmbedding(nn.Module):
    """Embed each number by cosines of trained frequencies and a linear map of its own.

    ``v_j = A_j cos(2 pi w_j x_j + b_j) + a_j`` for column j (Holzmueller, Grinsztajn
    and Steinwart 2024, "PBLD").

    Parameters
    ----------
    n_nets, n_columns : int
        Shape of the input.
    n_frequencies : int, default=16
        Cosines a column.
    embedding_dim : int, default=6
        Numbers that a column becomes; the paper has 3.
    frequency_scale : float, default=0.3
        Standard deviation of the frequencies at the start; the paper has 0.1.
    """

    def __init__(
        self,
        n_nets: int,
        n_columns: int,
        *,
        n_frequencies: int = 16,
        embedding_dim: int = 6,
        frequency_scale: float = 0.3,
    ) -> None:
        super().__init__()
        self.n_nets = n_nets
        self.frequency_scale = frequency_scale
        shape = (n_nets, 1, n_columns, n_frequencies)
        self.frequency = nn.Parameter(torch.zeros(shape))
        self.phase = nn.Parameter(torch.zeros(shape))
        self.weight = nn.Parameter(
            torch.zeros(n_nets, n_columns, n_frequencies, embedding_dim)
        )
        self.bias = nn.Parameter(torch.zeros(n_nets, n_columns, 1, embedding_dim))

    @torch.no_grad()
    def reset_parameters(self, generators: Sequence[torch.Generator]) -> None:
        """Draw all parameters, each net's from its own generator."""
        bound = self.weight.shape[2] ** -0.5
        for net, generator in enumerate(generators):
            self.frequency[net].normal_(
                0.0, 2 * math.pi * self.frequency_scale, generator=generator
            )
            self.phase[net].uniform_(-math.pi, math.pi, generator=generator)
            self.weight[net].uniform_(-bound, bound, generator=generator)
            self.bias[net].uniform_(-bound, bound, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(K, batch, columns)`` to ``(K, batch, columns * embedding_dim)``."""
        flat = x.dim() == 2
        if flat:
            x = x.unsqueeze(0)
        waves = torch.cos(x.unsqueeze(-1) * self.frequency + self.phase)
        made = torch.matmul(waves.permute(0, 2, 1, 3), self.weight) + self.bias
        made = made.permute(0, 2, 1, 3).reshape(*x.shape[:2], -1)
        return made.squeeze(0) if flat else made


class StackedEmbedding(nn.Module):
    """K tables of category vectors; code 0 (missing, unseen) has a vector, too.

    Parameters
    ----------
    n_nets, n_codes, embedding_dim : int
        Shape of the tables.
    """

    def __init__(self, n_nets: int, n_codes: int, embedding_dim: int) -> None:
        super().__init__()
        self.n_nets, self.n_codes = n_nets, n_codes
        self.weight = nn.Parameter(torch.zeros(n_nets, n_codes, embedding_dim))

    @torch.no_grad()
    def reset_parameters(self, generators: Sequence[torch.Generator]) -> None:
        """Draw normal vectors; that of code 0 starts as their mean, zero."""
        for net, generator in enumerate(generators):
            self.weight[net].normal_(0.0, 1.0, generator=generator)
            self.weight[net, 0] = 0.0

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Look up ``(K, batch)`` codes, or ``(batch,)`` where K is 1."""
        if codes.dim() == 1:
            return functional.embedding(codes, self.weight.squeeze(0))
        offsets = torch.arange(self.n_nets, device=codes.device).unsqueeze(1)
        flat = self.weight.flatten(0, 1)
        return functional.embedding(codes + offsets * self.n_codes, flat)
