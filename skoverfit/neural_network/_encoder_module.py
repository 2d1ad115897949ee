# SPDX-License-Identifier: BSD-3-Clause
"""A body that makes features and a small head behind it, for encoded tables or images.

The same class is an encoder in front of a projector, and a pretrained body in front of
the outputs of a classifier: what is learnt by one is loaded into the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from skoverfit.neural_network._encoding import TableEncoder
from skoverfit.neural_network._layers import ACTIVATIONS

__all__ = ["EncoderModule", "NetStart"]


class _Activation(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.function: Callable[[torch.Tensor], torch.Tensor] = ACTIVATIONS[name]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class EncoderModule(nn.Module):
    """Body and head; rows are encoded as `TabularMLP` has them.

    Parameters
    ----------
    n_dense : int
        Columns of the dense input.
    n_codes : sequence of int
        Codes of each nominal column that is embedded.
    n_outputs : int
        Outputs of the head.
    hidden_layer_sizes : sequence of int
        Widths of the body; its last one is that of the features.
    projector_sizes : sequence of int, default=()
        Widths of the hidden layers of the head; none make it a linear map.
    activation : str, default="relu"
        A key of ``ACTIVATIONS``.
    normalization : {"batch"} or None, default="batch"
        Whether each layer but the last is normalized over the batch.
    image_shape : tuple of int or None, default=None
        ``(C, H, W)``: rows are images, and the body begins with convolutions.
    embedding_dim : int, default=8
        Numbers that an embedded nominal column becomes.
    """

    def __init__(
        self,
        *,
        n_dense: int,
        n_codes: Sequence[int],
        n_outputs: int,
        hidden_layer_sizes: Sequence[int],
        projector_sizes: Sequence[int] = (),
        activation: str = "relu",
        normalization: str | None = "batch",
        image_shape: Sequence[int] | None = None,
        embedding_dim: int = 8,
    ) -> None:
        # What a file keeps beside the weights: every argument, by name.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.options = options
        self.n_outputs, self.n_dense = n_outputs, n_dense
        self.image_shape = None if image_shape is None else tuple(image_shape)
        self.embeddings = nn.ModuleList(
            nn.Embedding(count, embedding_dim) for count in n_codes
        )
        width = n_dense + embedding_dim * len(self.embeddings)

        def layer(made: nn.Module, size: int, *, flat: bool) -> list[nn.Module]:
            parts = [made]
            if normalization == "batch":
                parts.append(nn.BatchNorm1d(size) if flat else nn.BatchNorm2d(size))
            return [*parts, _Activation(activation)]

        body: list[nn.Module] = []
        if self.image_shape is not None:
            channels = self.image_shape[0]
            for number, size in enumerate(_CHANNELS):
                made = nn.Conv2d(channels, size, 3, padding=1)
                body += layer(made, size, flat=False)
                if number == 1 and min(self.image_shape[1:]) > 1:
                    body.append(nn.MaxPool2d(2))
                channels = size
            body += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            width = channels
        for size in hidden_layer_sizes:
            body += layer(nn.Linear(width, size), size, flat=True)
            width = size
        self.n_features = width
        for part in body:
            if isinstance(part, nn.Conv2d):
                # Convolutions are faster with the channels of a pixel side by side.
                part.weight.data = _pixelwise(part.weight.data)
        self.body = nn.Sequential(*body)
        head: list[nn.Module] = []
        for size in projector_sizes:
            head += layer(nn.Linear(width, size), size, flat=True)
            width = size
        self.head = nn.Sequential(*head, nn.Linear(width, n_outputs))
        widths = [n_dense, *hidden_layer_sizes, *projector_sizes, n_outputs]
        if self.image_shape is not None:
            widths.append(max(_CHANNELS) * math.prod(self.image_shape[1:]))
        self.numbers_per_row = max(widths)

    def encode(
        self, dense: torch.Tensor, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the input of the body, where rows can be mixed."""
        if not self.embeddings:
            return dense
        if codes is None:  # a run for the shapes only
            codes = dense.new_zeros((len(dense), len(self.embeddings))).long()
        return torch.cat(
            [dense, *(e(codes[:, j]) for j, e in enumerate(self.embeddings))], dim=1
        )

    def features(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return the features of rows that `encode` returned."""
        if self.image_shape is not None:
            encoded = _pixelwise(encoded.reshape(len(encoded), *self.image_shape))
        made: torch.Tensor = self.body(encoded)
        return made

    def decode(self, encoded: torch.Tensor) -> torch.Tensor:
        """Return the outputs of the head for rows that `encode` returned."""
        made: torch.Tensor = self.head(self.features(encoded))
        return made

    def forward(
        self, dense: torch.Tensor, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return outputs ``(batch, n_outputs)``."""
        return self.decode(self.encode(dense, codes))

    def body_weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the weights of everything but the head."""
        return {
            name: value.detach().clone()
            for name, value in self.state_dict().items()
            if not name.startswith("head.")
        }


def _pixelwise(images: torch.Tensor) -> torch.Tensor:
    """Return the same images, in memory with the channels of a pixel side by side."""
    return images.contiguous(memory_format=torch.channels_last)


# Channels of the convolutions in front of an image encoder's linear layers.
_CHANNELS = (32, 64, 128)


@dataclass(kw_only=True)
class NetStart:
    """What a net starts from, instead of a fresh `TabularMLP` on a fresh encoding.

    Attributes
    ----------
    options : dict
        Options of an `EncoderModule` beside its sizes of input and output.
    encoder : TableEncoder or None
        How rows are encoded, where that is given, too.
    weights : mapping of str to tensor
        Weights that are loaded into the module; what is not named stays as drawn.
    """

    options: Mapping[str, Any]
    encoder: TableEncoder | None = None
    weights: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def module(
        self, n_dense: int, n_codes: Sequence[int], n_outputs: int
    ) -> EncoderModule:
        """Return a module of this form, drawn by torch's own generator."""
        made = EncoderModule(
            n_dense=n_dense,
            n_codes=list(n_codes),
            n_outputs=n_outputs,
            **self.options,
        )
        if self.weights:
            made.load_state_dict({**made.state_dict(), **self.weights})
        return made
