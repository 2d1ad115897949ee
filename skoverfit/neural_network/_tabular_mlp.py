# SPDX-License-Identifier: BSD-3-Clause
"""The default module: an MLP for encoded tables, K of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import nn

from skoverfit.neural_network._layers import (
    ACTIVATIONS,
    PeriodicEmbedding,
    StackedDropout,
    StackedEmbedding,
    StackedLinear,
)
from skoverfit.neural_network._nested_dropout import NestedDropout

__all__ = ["TabularMLP"]


class TabularMLP(nn.Module):
    """Multi-layer perceptrons for encoded tables, ``n_nets`` of one shape at once.

    Parameters
    ----------
    n_numeric : int
        Columns that are numbers; they come first in the dense input and may be
        embedded.
    n_dense : int
        All columns of the dense input: numbers, indicators of missing values, one-hot
        columns.
    n_codes : sequence of int
        Codes of each nominal column that is embedded, code 0 (missing) counted.
    n_outputs : int
        Logits, or targets of a regression.
    n_nets : int, default=1
        Nets.
    hidden_layer_sizes : sequence of int
        Widths of the hidden layers; empty for a linear model.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float
        Probability of a zero behind each hidden layer.
    numeric_embedding : str or None
        "periodic" or None.
    embedding_dim : int
        Numbers that an embedded nominal column becomes.
    linear_skip : bool
        Whether a linear map of the dense input is added to the output; it starts at
        zero, or where `set_linear` puts it.
    zero_head : bool
        Whether the last layer starts at zero, so that the net starts as its skip.
    nested_sigma : float or None
        Width of the law of nested dropout before the last layer; None has none.
    feature_dropout : float or None
        Probability of a zero before the last layer, in place of ``dropout``.
    head_bias : bool
        Whether the last layer has a bias.
    """

    def __init__(
        self,
        *,
        n_numeric: int,
        n_dense: int,
        n_codes: Sequence[int],
        n_outputs: int,
        n_nets: int = 1,
        hidden_layer_sizes: Sequence[int] = (128, 128),
        activation: str = "relu",
        dropout: float = 0.0,
        numeric_embedding: str | None = None,
        embedding_dim: int = 8,
        linear_skip: bool = False,
        zero_head: bool = False,
        nested_sigma: float | None = None,
        feature_dropout: float | None = None,
        head_bias: bool = True,
    ) -> None:
        # What a file keeps beside the weights: every argument, by name.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.options = options
        self.n_nets, self.n_outputs = n_nets, n_outputs
        self.n_numeric, self.n_dense = n_numeric, n_dense
        self.zero_head = zero_head
        self.activation: Callable[[torch.Tensor], torch.Tensor] = ACTIVATIONS[
            activation
        ]
        width = n_dense
        self.periodic: PeriodicEmbedding | None = None
        if numeric_embedding == "periodic" and n_numeric:
            self.periodic = PeriodicEmbedding(n_nets, n_numeric)
            width += n_numeric * self.periodic.weight.shape[-1]
        self.embeddings = nn.ModuleList(
            StackedEmbedding(n_nets, count, embedding_dim) for count in n_codes
        )
        width += embedding_dim * len(self.embeddings)
        self.n_encoded = width
        self.hidden = nn.ModuleList()
        for size in hidden_layer_sizes:
            self.hidden.append(StackedLinear(n_nets, width, size))
            width = size
        self.dropout = StackedDropout(dropout)
        last = dropout if feature_dropout is None else feature_dropout
        self.feature_dropout = StackedDropout(last if hidden_layer_sizes else 0.0)
        self.nested: NestedDropout | None = None
        if nested_sigma is not None:
            self.nested = NestedDropout(nested_sigma, n_nets=n_nets)
        self.head = StackedLinear(n_nets, width, n_outputs, bias=head_bias)
        self.skip: StackedLinear | None = None
        if linear_skip:
            self.skip = StackedLinear(n_nets, n_dense, n_outputs, bias=False)

    def _layers(self) -> list[StackedLinear]:
        return [cast(StackedLinear, layer) for layer in self.hidden]

    def reset_parameters(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the parameters of each net from its own generator.

        Parameters
        ----------
        generators : sequence of torch.Generator, one a net
            On the main memory's device: a net starts the same on every device.
        """
        if self.periodic is not None:
            self.periodic.reset_parameters(generators)
        for embedding in self.embeddings:
            cast(StackedEmbedding, embedding).reset_parameters(generators)
        gain = 1.0 if self.activation is ACTIVATIONS["selu"] else 2**0.5
        for layer in self._layers():
            layer.reset_parameters(generators, gain=gain)
        if not self.zero_head or not self.hidden:
            self.head.reset_parameters(generators, gain=1.0)
        if not self.hidden:
            with torch.no_grad():
                self.head.weight.zero_()

    @torch.no_grad()
    def set_output_bias(self, bias: torch.Tensor) -> None:
        """Start the output at these values of shape ``(n_nets, n_outputs)``."""
        if self.head.bias is not None:
            self.head.bias.copy_(bias.unsqueeze(1))

    @torch.no_grad()
    def set_linear(self, weight: torch.Tensor, *, trainable: bool) -> None:
        """Start the skip path at these weights ``(n_nets, n_dense, n_outputs)``."""
        assert self.skip is not None
        self.skip.weight.copy_(weight)
        self.skip.weight.requires_grad_(trainable)

    def set_generators(self, generators: Sequence[torch.Generator] | None) -> None:
        """Draw the masks of dropout from these generators, one a net."""
        for dropout in (self.dropout, self.feature_dropout):
            dropout.generators, dropout.lengths = generators, None
        if self.nested is not None:
            self.nested.generators = generators

    def set_lengths(self, lengths: Sequence[int]) -> None:
        """Say how many rows each net really has in the batch that comes."""
        self.dropout.lengths = self.feature_dropout.lengths = lengths

    @property
    def numbers_per_row(self) -> int:
        """Numbers that the widest layer holds for a row, in all nets."""
        widths = [self.n_encoded, *(layer.weight.shape[2] for layer in self._layers())]
        if self.periodic is not None:
            widths.append(self.periodic.frequency[0].numel())
        return self.n_nets * max(widths)

    def encode(
        self, dense: torch.Tensor, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the input of the first hidden layer, where rows can be mixed."""
        parts = [dense]
        if self.periodic is not None:
            numbers = dense
            if self.n_numeric < self.n_dense:
                numbers = dense[..., : self.n_numeric]
            parts.append(self.periodic(numbers))
        if codes is not None:
            parts += [e(codes[..., j]) for j, e in enumerate(self.embeddings)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def decode(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return the outputs for rows that `encode` returned."""
        x = self.features(encoded)
        if self.nested is not None:
            x = self.nested(x)
        return self._output(self.head(x), encoded)

    def features(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return what the last layer reads, before the mask of nested dropout."""
        x = encoded
        for number, layer in enumerate(self.hidden, 1):
            x = self.activation(layer(x))
            last = number == len(self.hidden)
            dropout = self.feature_dropout if last else self.dropout
            if dropout.p:
                x = dropout(x)
        return x

    def _output(self, x: torch.Tensor, encoded: torch.Tensor) -> torch.Tensor:
        """Add the skip path to what the last layer returned."""
        if self.skip is not None:
            # `encode` puts the dense columns first.
            dense = encoded
            if self.n_dense < self.n_encoded:
                dense = encoded[..., : self.n_dense]
            x = x + self.skip(dense)
        return x

    def forward(
        self, dense: torch.Tensor, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return outputs ``(n_nets, batch, n_outputs)``.

        Parameters
        ----------
        dense : tensor of shape (n_nets, batch, n_dense)
            Or ``(batch, n_dense)`` where ``n_nets`` is 1; the output lacks the net
            axis, too, then.
        codes : tensor of int64 of shape (n_nets, batch, n_nominal), optional
            Codes of the nominal columns.
        """
        return self.decode(self.encode(dense, codes))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return parameters apart that weight decay spares: biases and embeddings."""
        decayed: list[nn.Parameter] = []
        spared: list[nn.Parameter] = []
        for name, parameter in self.named_parameters():
            if not parameter.requires_grad:
                continue
            plain = name.startswith(("hidden", "head")) and name.endswith("weight")
            (decayed if plain else spared).append(parameter)
        return [
            {"params": decayed, "decayed": True},
            {"params": spared, "decayed": False},
        ]
