# SPDX-License-Identifier: BSD-3-Clause
"""Fitted nets as functions of rows that have a gradient; imported when needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from skoverfit.neural_network._adversarial import plain_row_losses
from skoverfit.neural_network._data import Batch

__all__ = ["OurNet", "PlainNet"]

Losses = Callable[[torch.Tensor], torch.Tensor]


class OurNet:
    """A `TabularMLPClassifier`: its encoded rows, and all its nets at once."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def encoded(self, X: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return dense columns and codes in main memory."""
        model = self.estimator
        kind = np.float32 if model.dtype == "float32" else np.float64
        rows = model._encoder.transform(model._check_table(X, reset=False), dtype=kind)
        codes = None if rows.codes is None else torch.from_numpy(rows.codes)
        return torch.from_numpy(rows.dense), codes

    def moves(self, dense: torch.Tensor) -> torch.Tensor:
        """Return 1 for columns that are numbers."""
        width = dense.shape[1]
        moves = torch.zeros(width, dtype=dense.dtype)
        moves[: getattr(self.estimator.net_.module_, "n_numeric", width)] = 1.0
        return moves

    def losses(self, codes: torch.Tensor | None, target: torch.Tensor) -> Losses:
        """Return what gives the cross-entropy of the nets' mean probabilities."""
        net = self.estimator.net_
        device = torch.device(net.device)
        net.module_.eval()

        def loss(rows: torch.Tensor) -> torch.Tensor:
            here = rows.to(device)
            more = None if codes is None else codes.to(device)
            if net.n_nets > 1:
                here = here.expand(net.n_nets, *here.shape)
                more = None if more is None else more.expand(net.n_nets, *more.shape)
            batch = Batch(dense=here, codes=more, target=here, weight=None, count=0)
            logs = net._decode(net._encode(batch)).log_softmax(dim=-1)
            if net.n_nets > 1:
                logs = logs.logsumexp(dim=0)
            return plain_row_losses(logs, target.to(device))

        return loss

    def decided(self, dense: torch.Tensor, codes: torch.Tensor | None) -> np.ndarray:
        """Return the class codes that the estimator decides for."""
        outputs = self.estimator.net_.outputs(dense, codes).double().cpu().numpy()
        logs = self.estimator._log_probabilities(outputs)
        decided: np.ndarray = np.logaddexp.reduce(logs, axis=0).argmax(axis=1)
        return decided


class PlainNet:
    """A ``skorch.NeuralNetClassifier`` of one tensor of numbers."""

    def __init__(self, estimator: Any) -> None:
        self.net = estimator

    def encoded(self, X: Any) -> tuple[torch.Tensor, None]:
        """Return the rows as they are."""
        dense = torch.as_tensor(X)
        if not dense.is_floating_point():
            raise TypeError(
                f"A skorch net is attacked in floating-point rows. Got {dense.dtype} "
                "instead; use X.astype('float32')."
            )
        return dense, None

    def moves(self, dense: torch.Tensor) -> torch.Tensor:
        """Return 1 for all columns."""
        # The last axis, so that images of any number of channels are moved.
        return torch.ones(dense.shape[-1], dtype=dense.dtype)

    def losses(self, codes: None, target: torch.Tensor) -> Losses:
        """Return what gives the cross-entropy of rows."""
        net = self.net
        net.module_.eval()

        def loss(rows: torch.Tensor) -> torch.Tensor:
            output = net.infer(rows.to(net.device))
            if isinstance(net.criterion_, torch.nn.NLLLoss):  # skorch's: probabilities
                output = output.clamp(min=torch.finfo(output.dtype).tiny).log()
            return plain_row_losses(output, target.to(output.device))

        return loss

    def decided(self, dense: torch.Tensor, codes: None) -> np.ndarray:
        """Return the class codes that the net decides for."""
        decided: np.ndarray = self.net.predict_proba(dense).argmax(axis=1)
        return decided
