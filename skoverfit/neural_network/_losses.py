# SPDX-License-Identifier: BSD-3-Clause
"""Losses by name. Each is a torch module with ``reduction``, usable anywhere."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._confidence_losses import (
    FocalLoss,
    PassAtNLoss,
    StableMaxCrossEntropyLoss,
)
from skoverfit.neural_network._ens_loss import EnsLoss
from skoverfit.neural_network._long_tail_losses import (
    ClassBalancedLoss,
    LDAMLoss,
    LogitAdjustedLoss,
)
from skoverfit.neural_network._loss_base import ClassificationLoss
from skoverfit.neural_network._margin_losses import (
    ExponentialLoss,
    HingeLoss,
    SquaredHingeLoss,
)
from skoverfit.neural_network._noise_losses import (
    BackwardCorrectedLoss,
    ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss,
    SymmetricCrossEntropyLoss,
)

__all__ = ["CLASSIFICATION_LOSSES", "REGRESSION_LOSSES", "get_loss", "row_losses"]

CLASSIFICATION_LOSSES: dict[str, type[nn.Module]] = {
    "backward_corrected": BackwardCorrectedLoss,
    "class_balanced": ClassBalancedLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "ens_loss": EnsLoss,
    "exponential": ExponentialLoss,
    "focal": FocalLoss,
    "forward_corrected": ForwardCorrectedLoss,
    "generalized_cross_entropy": GeneralizedCrossEntropyLoss,
    "hinge": HingeLoss,
    "ldam": LDAMLoss,
    "logit_adjusted": LogitAdjustedLoss,
    "pass_at_n": PassAtNLoss,
    "squared_hinge": SquaredHingeLoss,
    "stablemax": StableMaxCrossEntropyLoss,
    "symmetric_cross_entropy": SymmetricCrossEntropyLoss,
}
REGRESSION_LOSSES: dict[str, type[nn.Module]] = {
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
    "squared_error": nn.MSELoss,
}


def get_loss(loss: Any, known: dict[str, type[nn.Module]], **parameters: Any) -> Any:
    """Return a loss of one value a row, from a name, a class or an instance.

    Raises
    ------
    BadInputError
        If the name is unknown (the message offers the nearest), or the loss can't
        leave its rows apart (no ``reduction``).
    """
    if isinstance(loss, str):
        if loss not in known:
            raise BadInputError(
                f"The 'loss' parameter must be one of {sorted(known)} or a torch "
                f"module. Got {loss!r} instead. {suggest(loss, known)}"
            )
        return known[loss](reduction="none", **parameters)
    if isinstance(loss, type) and issubclass(loss, nn.Module):
        try:
            return loss(reduction="none")
        except TypeError as exc:
            raise BadInputError(
                f"The loss {loss.__name__} can't be made with reduction='none': {exc}. "
                "One value a row is needed for sample weights and for stacked nets."
            ) from exc
    if isinstance(loss, ClassificationLoss):
        loss = copy.deepcopy(loss)  # it will be told the class counts
        loss.reduction = "none"
        return loss
    if isinstance(loss, nn.Module):
        if getattr(loss, "reduction", None) != "none":
            raise BadInputError(
                "A loss that is given as an instance needs reduction='none', since "
                "rows are weighted after it. Got "
                f"reduction={getattr(loss, 'reduction', None)!r} instead."
            )
        return loss
    raise BadInputError(
        f"The 'loss' parameter must be one of {sorted(known)} or a torch module. Got "
        f"{loss!r} instead."
    )


def row_losses(
    criterion: nn.Module,
    output: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return one loss a row, in the shape of the leading axes of the output.

    Parameters
    ----------
    criterion : module
        A loss with ``reduction="none"``.
    output : tensor of shape (..., batch, n_outputs)
        Logits, or values.
    target : tensor of shape (..., batch) or (..., batch, n_outputs)
        Class codes, or values.
    weight : tensor of the shape of the leading axes, optional
        For a loss that looks at several rows at once (`EnsLoss`, `PassAtNLoss`): rows
        of weight 0 are none. The losses are not multiplied by it.
    """
    if isinstance(criterion, (EnsLoss, PassAtNLoss)):
        return criterion.rows_of_nets(output, target, weight)
    if target.dim() == output.dim() - 1:  # class codes
        rows = criterion(output.flatten(0, -2), target.flatten())
        return rows.view(target.shape)
    rows = criterion(output, target)
    return rows.mean(dim=-1) if rows.dim() == output.dim() else rows
