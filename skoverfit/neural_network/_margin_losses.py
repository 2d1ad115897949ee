# SPDX-License-Identifier: BSD-3-Clause
"""Losses of margins: hinge, squared hinge, exponential."""

from __future__ import annotations

import torch

from skoverfit.neural_network._loss_base import ClassificationLoss

__all__ = ["ExponentialLoss", "HingeLoss", "SquaredHingeLoss", "other_margins"]


def other_margins(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return ``f_y - f_k`` for all other classes ``k``, in order.

    Parameters
    ----------
    logits : tensor of shape (..., n_classes)
        Logits.
    target : tensor of int64 of shape (...,)
        Class codes.

    Returns
    -------
    tensor of shape (..., n_classes - 1)
        Margins against each other class.
    """
    own = target.unsqueeze(-1)
    places = torch.arange(logits.shape[-1] - 1, device=logits.device)
    others = places + (places >= own).long()
    return logits.gather(-1, own) - logits.gather(-1, others)


class HingeLoss(ClassificationLoss):
    """Hinge loss; for several classes in the form of Lee, Lin and Wahba.

    ``sum_{k != y} max(0, 1 / (K - 1) + g_k)`` with the centred logits ``g = f -
    mean(f)``. For two classes this is ``max(0, 1 - m)`` with the margin ``m = (f_y -
    f_k) / 2``. Of the hinge losses for several classes it is the one that leads to the
    most probable class whatever the probabilities are; those of Crammer and Singer and
    of Weston and Watkins do so only where a class has more than one half.

    Its logits say which class is most probable and nothing else, so the nets of this
    library calibrate them on held-out rows.

    Parameters
    ----------
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Lee, Lin & Wahba (2004), "Multicategory support vector machines", JASA 99.

    Tewari & Bartlett (2007), "On the consistency of multiclass classification methods",
    JMLR 8.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import HingeLoss
    >>> logits = torch.tensor([[0.0, 1.0], [0.0, 4.0]])
    >>> HingeLoss(reduction="none")(logits, torch.tensor([1, 1]))
    tensor([0.5000, 0.0000])
    """

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return True

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        centred = logits - logits.mean(dim=-1, keepdim=True)
        each = (centred + 1 / (logits.shape[-1] - 1)).clamp(min=0)
        own = torch.zeros_like(each).scatter(-1, target.unsqueeze(-1), 1.0)
        return (each * (1 - own)).sum(dim=-1)


class SquaredHingeLoss(ClassificationLoss):
    """Squared hinge loss of the margins against each other class.

    ``sum_{k != y} max(0, 1 - m_k)^2`` with ``m_k = (f_y - f_k) / 2``, the pairwise form
    of Weston and Watkins. It is consistent for any number of classes, since the squared
    hinge has a slope below 0 at 0 and no corner.

    Its logits tell probabilities only between 0 and 1 exclusively and say 0 or 1
    outside, so the nets of this library calibrate them on held-out rows.

    Parameters
    ----------
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Zhang (2004), "Statistical analysis of some multi-category large margin
    classification methods", JMLR 5.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import SquaredHingeLoss
    >>> logits = torch.tensor([[0.0, 1.0], [0.0, 4.0]])
    >>> SquaredHingeLoss(reduction="none")(logits, torch.tensor([1, 1]))
    tensor([0.2500, 0.0000])
    """

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return True

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        margins = other_margins(logits, target) / 2
        return (1 - margins).clamp(min=0).square().sum(dim=-1)


class ExponentialLoss(ClassificationLoss):
    """Exponential loss of the margins against each other class, as in boosting.

    ``sum_{k != y} exp(-m_k)`` with ``m_k = (f_y - f_k) / 2``. Logits that minimize it
    are log-probabilities up to a constant, for any number of classes, so their softmax
    is a probability. Rows that are far on the wrong side weigh exponentially: one wrong
    label may rule, and a ``gradient_clip`` is in place.

    Parameters
    ----------
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Friedman, Hastie & Tibshirani (2000), "Additive logistic regression", Annals of
    Statistics 28.

    Zhang (2004), "Statistical analysis of some multi-category large margin
    classification methods", JMLR 5.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import ExponentialLoss
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 4.0]])
    >>> ExponentialLoss(reduction="none")(logits, torch.tensor([1, 1]))
    tensor([1.0000, 0.1353])
    """

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (-other_margins(logits, target) / 2).exp().sum(dim=-1)
