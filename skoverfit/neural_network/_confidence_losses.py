# SPDX-License-Identifier: BSD-3-Clause
"""Losses that limit confidence or its numerical collapse: focal, pass@N, StableMax."""

from __future__ import annotations

import math
from typing import Any

import torch

from skoverfit.neural_network._loss_base import (
    ClassificationLoss,
    TrueClassLoss,
    check_count,
    check_number,
    log1mexp,
    of_true_class,
)

__all__ = ["FocalLoss", "PassAtNLoss", "StableMaxCrossEntropyLoss"]


class FocalLoss(TrueClassLoss):
    """Cross-entropy that turns away from rows that are already right.

    ``-(1 - p)^gamma log p`` for the softmax ``p`` of the true class.

    The softmax of its logits is too cautious; the nets of this library invert the loss:
    probabilities are proportional to ``p / ((1 - p)^gamma - gamma (1 - p)^(gamma - 1) p
    log p)`` [2]_.

    Parameters
    ----------
    gamma : float, default=2.0
        How fast it turns away; 0 is cross-entropy. The paper uses 2.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    .. [1] Lin, Goyal, Girshick, He & Dollar (2017), "Focal loss for dense object
       detection", ICCV, arXiv:1708.02002.
    .. [2] Charoenphakdee, Vongkulbhisal, Chairatanakul & Sugiyama (2021), "On focal
       loss for class-posterior probability estimation", CVPR, arXiv:2011.09172.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import FocalLoss
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    >>> FocalLoss(gamma=2, reduction="none")(logits, torch.tensor([1, 1]))
    tensor([0.1733, 0.0018])
    """

    def __init__(self, gamma: float = 2.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.gamma = check_number(self, "gamma", gamma, 0)

    def _options(self) -> dict[str, Any]:
        return {"gamma": self.gamma}

    def _loss(self, log_p: torch.Tensor) -> torch.Tensor:
        if self.gamma == 0:
            return -log_p
        rest = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        return -rest.pow(self.gamma) * log_p

    def _log_slope(self, log_p: torch.Tensor) -> torch.Tensor:
        rest = log1mexp(log_p)  # log(1 - p)
        if self.gamma == 0:
            return -log_p
        turn = torch.log(-self.gamma * log_p)
        return (self.gamma - 1) * rest + torch.logaddexp(rest - log_p, turn)


class PassAtNLoss(TrueClassLoss):
    """Chance that the true class is among N guesses (direct coverage optimization).

    ``-log(1 - (1 - p)^N)`` for the softmax ``p`` of the true class: a row whose class
    is found by N draws is pushed no further, so confidence ends near ``1 / N``.

    The softmax of its logits is what to draw N guesses from, and is under-confident on
    purpose. The loss can be inverted, probabilities are then proportional to ``(1 - (1
    - p)^N) / (1 - p)^(N - 1)``; that is steep, and right only for a net that is trained
    to the end, so the nets of this library calibrate the logits where there are rows
    that a net left out.

    Parameters
    ----------
    n_samples : int, default=16
        The N; the same as when guesses are drawn. 1 is cross-entropy.
    ignore_below : float, default=None
        Rows are done where the loss pulls at most this many times as much as
        cross-entropy does, a share from 1 (p = 0) to 0 (p = 1). In training they have
        no loss, and the others of the batch weigh more, so that the mean is over
        these; the authors put other rows in their place. None keeps all.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Chen, Raventos, Cheng, Ganguli & Druckmann (2025), "Rethinking fine-tuning when
    scaling test-time compute", NeurIPS, arXiv:2502.07154.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import PassAtNLoss
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    >>> PassAtNLoss(4, reduction="none")(logits, torch.tensor([1, 1]))
    tensor([0.0645, 0.0052])
    """

    def __init__(
        self,
        n_samples: int = 16,
        *,
        ignore_below: float | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.n_samples = check_count(self, "n_samples", n_samples)
        self.ignore_below = None
        if ignore_below is not None:
            self.ignore_below = check_number(self, "ignore_below", ignore_below, 0, 1)

    @property
    def prefers_calibration(self) -> bool:
        """Whether held-out rows tell more of the logits than the formula does."""
        return self.n_samples > 1

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"n_samples": self.n_samples}
        if self.ignore_below is not None:
            options["ignore_below"] = self.ignore_below
        return options

    def pull(self, log_p: torch.Tensor) -> torch.Tensor:
        """Return the gradient as a share of that of cross-entropy.

        Parameters
        ----------
        log_p : tensor
            Logarithms of the probability of the true class.

        Returns
        -------
        tensor
            ``N p (1 - p)^(N - 1) / (1 - (1 - p)^N)``, in [0, 1].
        """
        if self.n_samples == 1:
            return torch.ones_like(log_p)
        log_p = log_p.clamp(max=-torch.finfo(log_p.dtype).eps / 4)
        scale = math.log(self.n_samples)
        return torch.exp(scale + log_p + self._log_slope(log_p)).clamp(max=1.0)

    def forward(
        self,
        input: torch.Tensor,
        target: torch.Tensor,
        sample_weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss.

        Parameters
        ----------
        input : tensor of shape (n, n_classes)
            Logits.
        target : tensor of int64 of shape (n,)
            Class codes from 0.
        sample_weight : tensor of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        tensor
            One number, or one a row with ``reduction="none"``.

        Raises
        ------
        BadInputError
            If the shapes don't fit, or a code is no class.
        """
        self._check(input, target)
        if sample_weight is not None and sample_weight.shape != target.shape:
            return self._reduced(target, sample_weight)  # raises
        rows = self.rows_of_nets(input, target, sample_weight)
        return self._reduced(rows, sample_weight)

    def rows_of_nets(
        self, output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return one loss a row and net; rows that are done have none in training.

        Parameters
        ----------
        output : tensor of shape (n_nets, n, n_classes) or (n, n_classes)
            Logits.
        target : tensor of int64 of shape (n_nets, n) or (n,)
            Class codes.
        weight : tensor of the shape of target, or None
            Weights; the losses are not multiplied by them.

        Returns
        -------
        tensor of the shape of target
            Losses.
        """
        log_p = of_true_class(output.log_softmax(dim=-1), target)
        rows = self._loss(log_p)
        if self.ignore_below is None or not self.training:
            return rows
        going_on = (self.pull(log_p.detach()) >= self.ignore_below).to(rows.dtype)
        share = torch.ones_like(rows) if weight is None else weight.detach()
        left = (share * going_on).sum(dim=-1, keepdim=True)
        factor = share.sum(dim=-1, keepdim=True) / torch.where(left > 0, left, 1.0)
        return rows * going_on * factor

    def _loss(self, log_p: torch.Tensor) -> torch.Tensor:
        if self.n_samples == 1:
            return -log_p
        kind = torch.finfo(log_p.dtype)
        # Below, (1 - p)^N is 1 - N p to the last digit.
        small = log_p < math.log(kind.eps / self.n_samples)
        safe = torch.where(small, torch.full_like(log_p, -1.0), log_p)
        missed = self.n_samples * log1mexp(safe.clamp(max=-kind.eps / 4))
        usual = -log1mexp(missed.clamp(max=-kind.tiny))
        return torch.where(small, -log_p - math.log(self.n_samples), usual)

    def _log_slope(self, log_p: torch.Tensor) -> torch.Tensor:
        if self.n_samples == 1:
            return -log_p
        log_p = log_p.clamp(min=math.log(torch.finfo(log_p.dtype).tiny))
        rest = log1mexp(log_p)
        missed = (self.n_samples * rest).clamp(max=-torch.finfo(log_p.dtype).tiny)
        return (self.n_samples - 1) * rest - log1mexp(missed)


class StableMaxCrossEntropyLoss(ClassificationLoss):
    """Cross-entropy of StableMax, whose probabilities can't round to 0 and 1.

    ``-log(s(f_y) / sum_k s(f_k))`` with ``s(x) = x + 1`` from 0 on and ``1 / (1 - x)``
    below. With softmax, logits that grow after all rows are fitted end in losses that
    are exactly 0, and learning stops; ``s`` grows only linearly. Its probabilities are
    StableMax's, which the nets of this library return. A constant added to all logits
    changes it.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of the target that is spread over all classes.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    Notes
    -----
    Computed in float64 where the device has it and returned in the input's dtype; the
    authors' code returns float64.

    References
    ----------
    Prieto, Barsbey, Mediano & Birdal (2025), "Grokking at the edge of numerical
    stability", ICLR, arXiv:2501.04697.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import StableMaxCrossEntropyLoss
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 99.0]])
    >>> StableMaxCrossEntropyLoss(reduction="none")(logits, torch.tensor([1, 1]))
    tensor([0.6931, 0.0100])
    """

    def __init__(
        self, *, label_smoothing: float = 0.0, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.label_smoothing = check_number(
            self, "label_smoothing", label_smoothing, 0, 1, closed="left"
        )

    def _options(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing}

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logarithms of StableMax.

        Parameters
        ----------
        logits : tensor of shape (..., n_classes)
            Outputs of a net that was trained with this loss.

        Returns
        -------
        tensor of shape (..., n_classes)
            Normalized.
        """
        wide = logits if logits.device.type == "mps" else logits.double()
        # Not sign(x) log1p(|x|): that has no slope at 0.
        log_s = torch.where(
            wide >= 0, wide.clamp(min=0).log1p(), -(-wide).clamp(min=0).log1p()
        )
        return log_s.log_softmax(dim=-1).to(logits.dtype)

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logs = self.log_probabilities(logits)
        own = -of_true_class(logs, target)
        if not self.label_smoothing:
            return own
        return torch.lerp(own, -logs.mean(dim=-1), self.label_smoothing)
