# SPDX-License-Identifier: BSD-3-Clause
"""Gradients in which no row has the last word on a weight."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._net_axis import has_net_axis, owners
from skoverfit.neural_network._step_tools import ByValue, counts_of, shifted

__all__ = ["WinsorizedGradients", "winsorized_mean"]


def winsorized_mean(values: torch.Tensor, fraction: float) -> torch.Tensor:
    """Return the mean over the first axis after clipping its extremes.

    Parameters
    ----------
    values : tensor of shape (n, ...)
        Each entry of the other axes is treated by itself.
    fraction : float
        In [0, 0.5]. Values beyond the ``round(fraction (n - 1))`` smallest and largest
        become the nearest one that is kept; 0 is the mean, 0.5 the median.

    Returns
    -------
    tensor
        Of the other axes' shape.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import winsorized_mean
    >>> winsorized_mean(torch.tensor([1.0, 2.0, 3.0, 4.0, 90.0]), 0.25)
    tensor(3.)
    """
    n = len(values)
    cut = min(round(fraction * (n - 1)), (n - 1) // 2)
    if cut == 0:
        return values.mean(dim=0)
    low = values.topk(cut + 1, dim=0, largest=False).values[-1]
    high = values.topk(cut + 1, dim=0).values[-1]
    return values.clamp(low, high).mean(dim=0)


class _Rows(nn.Module):
    """Losses of rows as a function of the module's parameters."""

    def __init__(self, module: nn.Module, model: StepModel) -> None:
        super().__init__()
        self.module, self.model = module, model

    def forward(self, batch: Batch) -> torch.Tensor:
        output = self.model.decode(self.model.encode(batch))
        return self.model.loss(output, batch.target, batch.weight)


class WinsorizedGradients(ByValue, BatchStep):
    """Clip, weight by weight, the gradients of the rows to their middle percentiles.

    What only few rows of a batch ask for, as wrong labels do, is attenuated; what most
    rows agree on is not. It fits wrong labels much more slowly, so that it matters less
    when the training stops; against a well-stopped training the gain is small.

    Parameters
    ----------
    fraction : float, default=0.1
        Share of the rows at each end that is clipped, in [0, 0.5]; 0 is the plain
        step. The paper tries up to 0.08, its code has 0.1. Batches need at least
        ``1 / (2 fraction)`` rows, or nothing is clipped.

    Notes
    -----
    The gradient of each row is kept: memory is that of the weights times the rows of a
    batch, and a step takes a few times as long. In our estimators dropout draws one
    mask for all rows of a batch. BatchNorm has no gradient of one row and is refused.

    References
    ----------
    Chatterjee (2020), "Coherent Gradients: An Approach to Understanding Generalization
    in Gradient Descent-based Optimization", ICLR, arXiv:2002.10657.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier, WinsorizedGradients
    >>> X, y = load_iris(return_X_y=True)
    >>> step = WinsorizedGradients(0.1)
    >>> net = TabularMLPClassifier((16,), batch_step=step, max_epochs=3, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    hides_outputs: ClassVar[bool] = True

    def __init__(self, fraction: float = 0.1) -> None:
        number = isinstance(fraction, Real) and not isinstance(fraction, bool)
        if not number or not 0 <= fraction <= 0.5:
            raise BadInputError(
                "The 'fraction' parameter of WinsorizedGradients must be a float in "
                f"[0, 0.5]. Got {fraction!r} instead."
            )
        self.fraction: float = fraction

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return losses whose gradient is the clipped one."""
        if self.fraction == 0:
            return super().__call__(model, batch)
        module = model.module
        assert module is not None
        if any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) for m in module.modules()
        ):
            raise BadInputError(
                "WinsorizedGradients needs the gradient of each row, which BatchNorm "
                "mixes; use LayerNorm or a module without BatchNorm."
            )
        stacked = len(model.generators) > 1
        gradients, losses = self._row_gradients(model, module, batch, stacked)
        counts = counts_of(batch, len(model.generators))
        zeros = [losses.new_zeros(()) for _ in counts]
        whole = has_net_axis(module) and stacked
        for name, p in module.named_parameters():
            if name not in gradients:
                continue
            rows = gradients[name]
            nets = range(len(counts)) if whole else [owners(module, name)]
            for net in nets:
                own = rows[: counts[net], net] if whole else rows[: counts[net]]
                wanted = winsorized_mean(own, self.fraction)
                zeros[net] = zeros[net] + ((p[net] if whole else p) * wanted).sum()
        # The value is that of the losses, the gradient that of the sums.
        sums = torch.stack(zeros)
        sums = sums - sums.detach()
        if not stacked:
            return losses.squeeze(1) + sums
        return shifted(losses.T, sums, batch)

    @staticmethod
    def _row_gradients(
        model: StepModel, module: nn.Module, batch: Batch, stacked: bool
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return gradients ``(rows, ...)`` by name, and losses ``(rows, nets)``."""
        axis = 1 if stacked else 0
        function = _Rows(module, model)
        learnt = {
            f"module.{n}": p.detach()
            for n, p in module.named_parameters()
            if p.requires_grad
        }
        random = hasattr(module, "set_lengths")
        if random:
            module.set_lengths(None)  # type: ignore[operator]

        def of_row(weights: Any, *columns: Any) -> tuple[torch.Tensor, torch.Tensor]:
            row: list[Any] = [None if c is None else c.unsqueeze(axis) for c in columns]
            one = Batch(
                dense=row[0], codes=row[1], target=row[2], weight=row[3], count=1
            )
            losses = functional_call(function, weights, (one,))
            return losses.sum(), losses.detach().reshape(-1)

        columns = [batch.dense, batch.codes, batch.target, batch.weight]
        first = [None if c is None else c.movedim(axis, 0) for c in columns]
        made, losses = vmap(
            grad(of_row, has_aux=True),
            in_dims=(None, *(None if c is None else 0 for c in first)),
            randomness="same" if random else "different",
        )(learnt, *first)
        return {name.removeprefix("module."): g for name, g in made.items()}, losses
