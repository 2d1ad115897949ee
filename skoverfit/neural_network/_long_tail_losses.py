# SPDX-License-Identifier: BSD-3-Clause
"""Losses for rare classes: margins, adjusted logits, effective numbers of rows."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._loss_base import (
    ClassificationLoss,
    check_number,
)

__all__ = ["ClassBalancedLoss", "LDAMLoss", "LogitAdjustedLoss", "effective_weights"]


def effective_weights(counts: torch.Tensor, beta: float) -> torch.Tensor:
    """Return weights of the classes by the effective numbers of their rows.

    Parameters
    ----------
    counts : tensor of shape (n_classes,)
        Rows of each class.
    beta : float
        The weight of a class is proportional to ``(1 - beta) / (1 - beta^n)``.

    Returns
    -------
    tensor of shape (n_classes,)
        Weights of mean 1.
    """
    counts = counts.double() if counts.device.type != "mps" else counts
    if beta == 1:
        weights = 1 / counts
    else:
        log_beta = torch.log(torch.as_tensor(beta).to(counts))
        weights = -1 / torch.expm1(counts * log_beta)
    return weights * (len(weights) / weights.sum())


class LDAMLoss(ClassificationLoss):
    """Cross-entropy with label-distribution-aware margins: larger for rarer classes.

    Cross-entropy of ``s (f - D_y e_y)`` with ``D_k`` proportional to ``n_k^(-1/4)`` and
    the largest at ``max_margin``. With ``reweight_from`` it is followed by the paper's
    deferred re-weighting: late epochs weigh classes by their effective number of rows.

    The nets of this library invert the loss and return probabilities *for even
    classes*: ``v_k (1 - v_k (1 - exp(-s D_k)))`` with ``v = softmax(s f)``, divided by
    the shares of the classes and normalized (our derivation; the paper decides for the
    largest logit).

    Parameters
    ----------
    max_margin : float, default=0.5
        Margin of the rarest class, as in the paper. 0 is cross-entropy.
    scale : float, default=1.0
        The ``s``. The paper has 30 with a last layer of unit vectors, whose logits are
        cosines; our nets have ordinary logits.
    reweight_from : float or None, default=None
        Share of ``max_epochs`` after which classes are weighed; the paper has 0.8.
        Turn early stopping off, or have the patience. None never does. In evaluation
        the classes are then always weighed, so that epochs can be compared.
    beta : float, default=0.9999
        Of the effective numbers in these weights.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    Notes
    -----
    It needs the class counts: the nets tell them, those of all rows that are fitted,
    also where a net of an ensemble leaves some out; elsewhere call ``prepare(counts)``.
    In a loop of your own call ``on_epoch_begin(epoch, n_epochs)`` before each epoch.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga & Ma (2019), "Learning imbalanced datasets with
    label-distribution-aware margin loss", NeurIPS, arXiv:1906.07413.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import LDAMLoss
    >>> loss = LDAMLoss(reduction="none").prepare([160_000, 10_000])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.8259, 0.9741])
    """

    needs_counts = True
    reweighted: torch.Tensor

    def __init__(
        self,
        max_margin: float = 0.5,
        *,
        scale: float = 1.0,
        reweight_from: float | None = None,
        beta: float = 0.9999,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.max_margin = check_number(self, "max_margin", max_margin, 0)
        self.scale = check_number(self, "scale", scale, 0, closed="neither")
        self.reweight_from = reweight_from
        if reweight_from is not None:
            check_number(self, "reweight_from", reweight_from, 0, 1)
        self.beta = check_number(self, "beta", beta, 0, 1)
        # In the state: the probabilities of a loaded net depend on it.
        self.register_buffer("reweighted", torch.tensor(reweight_from == 0))

    def _options(self) -> dict[str, Any]:
        return {
            "max_margin": self.max_margin,
            "scale": self.scale,
            "reweight_from": self.reweight_from,
            "beta": self.beta,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "reweighted": bool(self.reweighted)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.reweighted.fill_(bool(state["reweighted"]))

    def on_epoch_begin(self, epoch: int, n_epochs: int) -> None:
        """Tell the loss that an epoch begins; the nets of this library do so.

        Parameters
        ----------
        epoch : int
            Epochs before this one.
        n_epochs : int
            Most epochs of the training.
        """
        if self.reweight_from is not None:
            self.reweighted.fill_(epoch >= self.reweight_from * n_epochs)

    def class_prior(self) -> torch.Tensor:
        """Return the shares of the classes that the probabilities stand for.

        Returns
        -------
        tensor of shape (n_classes,)
            Even ones.
        """
        shares = self._shares()
        return torch.full_like(shares, 1 / len(shares))

    def _margins(self, logits: torch.Tensor) -> torch.Tensor:
        margins = self._counts(logits) ** -0.25
        return margins * (self.max_margin / margins.max())

    def _weighs(self) -> bool:
        if self.reweight_from is None:
            return False
        return not self.training or bool(self.reweighted)

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        own = self._margins(logits)[target].unsqueeze(-1)
        moved = logits.scatter_add(-1, target.unsqueeze(-1), -own)
        rows = nn.functional.cross_entropy(self.scale * moved, target, reduction="none")
        if self._weighs():
            weights = effective_weights(self._counts(logits), self.beta)
            rows = rows * weights.to(rows)[target]
        return rows

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logarithms of the probabilities for even classes.

        Parameters
        ----------
        logits : tensor of shape (..., n_classes)
            Outputs of a net that was trained with this loss.

        Returns
        -------
        tensor of shape (..., n_classes)
            Normalized.
        """
        logs = (self.scale * logits).log_softmax(dim=-1)
        inside = -torch.expm1(-self.scale * self._margins(logits))
        counts = self._counts(logits)
        logs = logs + torch.log1p(-inside * logs.exp()) - counts.log()
        if bool(self.reweighted):
            logs = logs - effective_weights(counts, self.beta).to(logs).log()
        return logs.log_softmax(dim=-1)


class LogitAdjustedLoss(ClassificationLoss):
    """Cross-entropy of logits that the shares of the classes are added to.

    Cross-entropy of ``f + tau log(share)``. What is left for the logits to learn is
    what speaks for a class beyond its frequency: with ``tau=1`` their softmax is the
    probability *for even classes*, which the nets of this library return and decide by.
    `skoverfit.calibration.PriorCorrectedClassifier` leads to other shares.

    Parameters
    ----------
    tau : float, default=1.0
        How much of the shares is added; 0 is cross-entropy. The paper's theory has 1.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    Notes
    -----
    It needs the class counts: the nets tell them, those of all rows that are fitted,
    also where a net of an ensemble leaves some out; elsewhere call ``prepare(counts)``.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit & Kumar (2021), "Long-tail learning via logit
    adjustment", ICLR, arXiv:2007.07314.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import LogitAdjustedLoss
    >>> loss = LogitAdjustedLoss(reduction="none").prepare([90, 10])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.1054, 2.3026])
    """

    needs_counts = True

    def __init__(self, tau: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.tau = check_number(self, "tau", tau, 0)

    def _options(self) -> dict[str, Any]:
        return {"tau": self.tau}

    def class_prior(self) -> torch.Tensor:
        """Return the shares of the classes that the probabilities stand for.

        Returns
        -------
        tensor of shape (n_classes,)
            Even ones with ``tau=1``.
        """
        return ((1 - self.tau) * self._shares().log()).softmax(dim=0)

    def _shift(self, counts: torch.Tensor) -> torch.Tensor:
        return self.tau * (counts / counts.sum()).log()

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        adjusted = logits + self._shift(self._counts(logits))
        return nn.functional.cross_entropy(adjusted, target, reduction="none")

    def start_shift(self) -> torch.Tensor | None:
        """Return what to add to the logits of a cross-entropy model to start from.

        Returns
        -------
        tensor of shape (n_classes,)
            Minus the adjustment, centred.
        """
        shift = self._shift(self._shares())
        return shift.mean() - shift


class ClassBalancedLoss(ClassificationLoss):
    """A loss weighed by the effective numbers of rows of the classes.

    ``w_y l`` with ``w_k`` proportional to ``(1 - beta) / (1 - beta^n_k)`` and of mean 1
    over the classes: between no weights (``beta=0``) and inverse counts (``beta=1``).

    As with ``class_weight``, the probabilities of a net stand for classes whose shares
    are multiplied by these weights.

    Parameters
    ----------
    beta : float, default=0.999
        Rows beyond about ``1 / (1 - beta)`` add nothing to a class. The paper tries 0.9
        to 0.9999.
    loss : ClassificationLoss or None, default=None
        What is weighed, such as `FocalLoss`; None is cross-entropy.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up. The mean is
        over rows, not over weights.

    Notes
    -----
    It needs the class counts: the nets tell them, those of all rows that are fitted,
    also where a net of an ensemble leaves some out; elsewhere call ``prepare(counts)``.

    References
    ----------
    Cui, Jia, Lin, Song & Belongie (2019), "Class-balanced loss based on effective
    number of samples", CVPR, arXiv:1901.05555.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import ClassBalancedLoss
    >>> loss = ClassBalancedLoss(reduction="none").prepare([900, 100])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.1916, 1.1947])
    """

    needs_counts = True

    def __init__(
        self,
        beta: float = 0.999,
        *,
        loss: ClassificationLoss | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.beta = check_number(self, "beta", beta, 0, 1)
        self.loss: ClassificationLoss | None = None
        if loss is not None:
            if not isinstance(loss, ClassificationLoss) or hasattr(
                loss, "rows_of_nets"
            ):
                raise BadInputError(
                    "The 'loss' parameter of ClassBalancedLoss must be None or a loss "
                    f"of single rows, such as FocalLoss(). Got {loss!r} instead."
                )
            self.loss = copy.deepcopy(loss)

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return self.loss is not None and self.loss.needs_calibration

    def _options(self) -> dict[str, Any]:
        return {"beta": self.beta, "loss": self.loss}

    def _weights(self) -> torch.Tensor:
        counts = torch.from_numpy(self._told_counts)
        return effective_weights(counts, self.beta)

    def prepare(self, class_counts: Any) -> ClassBalancedLoss:
        """Tell the loss, and the one inside, how many rows the classes have.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Rows of each class.

        Returns
        -------
        ClassBalancedLoss
            The loss itself.
        """
        if self.loss is not None:
            self.loss.prepare(class_counts)
        return super().prepare(class_counts)

    def class_prior(self) -> torch.Tensor:
        """Return the shares of the classes that the probabilities stand for.

        Returns
        -------
        tensor of shape (n_classes,)
            Those of the loss inside, multiplied by the weights and normalized.
        """
        inside = self._shares() if self.loss is None else self.loss.class_prior()
        weighed = inside * self._weights()
        return weighed / weighed.sum()

    def start_shift(self) -> torch.Tensor | None:
        """Return what to add to the logits of a cross-entropy model to start from.

        Returns
        -------
        tensor of shape (n_classes,)
            Logarithms of the weights, centred, and what the loss inside asks for.
        """
        shift = self._weights().log()
        inside = None if self.loss is None else self.loss.start_shift()
        shift = shift if inside is None else shift + inside
        return shift - shift.mean()

    def on_epoch_begin(self, epoch: int, n_epochs: int) -> None:
        """Tell the loss inside that an epoch begins.

        Parameters
        ----------
        epoch : int
            Epochs before this one.
        n_epochs : int
            Most epochs of the training.
        """
        if self.loss is not None:
            self.loss.on_epoch_begin(epoch, n_epochs)

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.loss is None:
            rows = nn.functional.cross_entropy(logits, target, reduction="none")
        else:
            rows = self.loss._rows(logits, target)
        weights = effective_weights(self._counts(logits), self.beta)
        return rows * weights.to(rows)[target]

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logarithms of the probabilities, read as those of the loss inside.

        Parameters
        ----------
        logits : tensor of shape (..., n_classes)
            Outputs of a net that was trained with this loss.

        Returns
        -------
        tensor of shape (..., n_classes)
            Normalized.
        """
        if self.loss is None:
            return super().log_probabilities(logits)
        return self.loss.log_probabilities(logits)
