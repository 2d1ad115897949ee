# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial training in one step, and what keeps it from breaking down."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._step_tools import (
    ByValue,
    real_rows,
    shifted,
    uniform_rows,
)

__all__ = ["AAERLoss", "AdversarialStep", "plain_row_losses"]


def plain_row_losses(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of each row, or its squared error for numbers."""
    if target.is_floating_point():
        target = target.view_as(output)
        return mse_loss(output, target, reduction="none").mean(dim=-1)
    rows = cross_entropy(output.flatten(0, -2), target.flatten(), reduction="none")
    return rows.view(target.shape)


def _check_number(owner: str, name: str, value: Any, least: float = 0.0) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not least <= value < math.inf:
        raise BadInputError(
            f"The '{name}' parameter of {owner} must be a float of at least {least:g}. "
            f"Got {value!r} instead."
        )


class AAERLoss(nn.Module):
    """Cross-entropy under attack, with a penalty on abnormal adversarial rows.

    A row is abnormal where the attack *lowered* its loss. Their share rises shortly
    before adversarial training with one step loses all robustness ("catastrophic
    overfitting"). The penalty ``lam1 (n_A / n) [lam2 mean_A(l0 - l1) + lam3 max(V_A -
    V_N, 0)]`` acts on how far the attack moves their logits: ``V`` is the mean squared
    distance of the logits of abnormal (A) and normal (N) rows; no gradient flows
    through ``V_N``. It is 0 where all rows are of one kind.

    Parameters
    ----------
    lam1 : float, default=1.0
        Weight of the penalty.
    lam2 : float, default=0.0
        Weight of the change of the losses. In the official code this term has no
        gradient, whatever its published weight.
    lam3 : float, default=1.5
        Weight of the change of the logits.
    ce_gradient : bool, default=False
        Whether the term of ``lam2`` has a gradient, as the formula says.

    Attributes
    ----------
    n_abnormal_ : tensor
        Abnormal rows of the last call.
    variation_abnormal_ : tensor
        ``V_A`` of the last call.

    References
    ----------
    Lin, Yu & Liu (2023), "Eliminating Catastrophic Overfitting Via Abnormal Adversarial
    Examples Regularization", NeurIPS, arXiv:2404.08154.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import AAERLoss
    >>> start = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    >>> attacked = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> loss = AAERLoss()
    >>> value = loss(start, attacked, torch.tensor([0, 0]))
    >>> int(loss.n_abnormal_)
    1
    """

    def __init__(
        self,
        lam1: float = 1.0,
        lam2: float = 0.0,
        lam3: float = 1.5,
        *,
        ce_gradient: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("lam1", lam1), ("lam2", lam2), ("lam3", lam3)):
            _check_number("AAERLoss", name, value)
        self.lam1, self.lam2, self.lam3 = lam1, lam2, lam3
        self.ce_gradient = ce_gradient

    def __repr__(self) -> str:
        return (
            f"AAERLoss(lam1={self.lam1}, lam2={self.lam2}, lam3={self.lam3}, "
            f"ce_gradient={self.ce_gradient})"
        )

    def penalty(
        self,
        start_logits: torch.Tensor,
        logits: torch.Tensor,
        target: torch.Tensor,
        real: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the penalty, one value a net.

        Parameters
        ----------
        start_logits, logits : tensor of shape (..., rows, n_classes)
            Before and after the attack.
        target : tensor of shape (..., rows)
            Class codes.
        real : tensor of bool of shape (..., rows), optional
            Rows that count.

        Returns
        -------
        tensor of shape (...)
            The penalty.
        """
        start_logits = start_logits.detach()
        before = plain_row_losses(start_logits, target)
        after = plain_row_losses(logits, target)
        abnormal = before > after.detach()
        normal = ~abnormal
        if real is not None:
            abnormal, normal = abnormal & real, normal & real
        n_abnormal, n_normal = abnormal.sum(dim=-1), normal.sum(dim=-1)

        def mean(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            return (values * rows).sum(dim=-1) / rows.sum(dim=-1).clamp(min=1)

        moved = (logits - start_logits).square().sum(dim=-1)
        variation = mean(moved, abnormal)
        usual = mean(moved.detach(), normal)
        change = before - (after if self.ce_gradient else after.detach())
        total = self.lam3 * torch.relu(variation - usual)
        total = total + self.lam2 * mean(change, abnormal)
        share = n_abnormal.to(logits) / (n_abnormal + n_normal).clamp(min=1)
        self.n_abnormal_ = n_abnormal.detach()
        self.variation_abnormal_ = variation.detach()
        both = (n_abnormal > 0) & (n_normal > 0)
        return torch.where(both, self.lam1 * share * total, 0.0)

    def forward(
        self, start_logits: torch.Tensor, logits: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        """Return the mean cross-entropy under attack and the penalty.

        Parameters
        ----------
        start_logits, logits : tensor of shape (rows, n_classes)
            Before and after the attack.
        target : tensor of shape (rows,)
            Class codes.

        Returns
        -------
        tensor of shape ()
            The loss.
        """
        mean = plain_row_losses(logits, target).mean(dim=-1)
        if self.is_plain:
            return mean
        return mean + self.penalty(start_logits, logits, target)

    @property
    def is_plain(self) -> bool:
        """Whether the penalty has no gradient."""
        changes = self.lam2 > 0 and self.ce_gradient
        return self.lam1 == 0 or (self.lam3 == 0 and not changes)


class AdversarialStep(ByValue, BatchStep):
    """Train on rows that were moved, in one step, to where their loss is largest.

    A row gets a random start within the radius, moves by the sign of the loss's
    gradient and is kept within the radius. Only numeric columns move. The radius is in
    units of the encoded columns: in our estimators about the spread of a column.

    Parameters
    ----------
    eps : float, default=0.1
        Radius in each column; 0 is the plain step.
    step_size : float, default=None
        Length of the step; None is 1.25 eps after a random start, otherwise eps.
    start : {"random", "noise", "zero"}, default="random"
        Uniform within the radius; within twice the radius and not cut to it
        afterwards (N-FGSM); at the row itself (FGSM, which breaks down soonest).
    feature_range : {"data"}, tuple of float or None, default="data"
        Where moved rows are kept: between the smallest and largest training value of
        each column, between two numbers, or anywhere.
    frozen_features : sequence of int, default=None
        Dense columns that never move. In our estimators those that are not numbers
        don't, anyway.
    regularizer : {"aaer"}, AAERLoss or None, default="aaer"
        Penalty on rows whose loss the attack lowers.
    warmup_epochs : float, default=5
        Epochs over which the step grows to its length.

    See Also
    --------
    AdversarialMonitor : Robustness to a stronger attack, epoch by epoch.

    Notes
    -----
    A step costs three passes instead of two. Statistics of BatchNorm are those of
    both moved tables, as in the official code.

    References
    ----------
    Lin, Yu & Liu (2023), "Eliminating Catastrophic Overfitting Via Abnormal Adversarial
    Examples Regularization", NeurIPS, arXiv:2404.08154.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import AdversarialStep, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(
    ...     batch_step=AdversarialStep(eps=0.1), max_epochs=5, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        eps: float = 0.1,
        *,
        step_size: float | None = None,
        start: str = "random",
        feature_range: Any = "data",
        frozen_features: Sequence[int] | None = None,
        regularizer: Any = "aaer",
        warmup_epochs: float = 5,
    ) -> None:
        name = type(self).__name__
        _check_number(name, "eps", eps)
        _check_number(name, "warmup_epochs", warmup_epochs)
        if step_size is not None:
            _check_number(name, "step_size", step_size)
        if start not in ("random", "noise", "zero"):
            raise BadInputError(
                f"The 'start' parameter of {name} must be 'random', 'noise' or 'zero'. "
                f"Got {start!r} instead."
            )
        known = regularizer is None or isinstance(regularizer, AAERLoss)
        if not known and regularizer != "aaer":
            raise BadInputError(
                f"The 'regularizer' parameter of {name} must be 'aaer', an AAERLoss or "
                f"None. Got {regularizer!r} instead."
            )
        self.eps = eps
        self.step_size = step_size
        self.start = start
        self.feature_range = _checked_range(feature_range)
        self.frozen_features = frozen_features
        self.regularizer = regularizer
        self.warmup_epochs = warmup_epochs

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses under attack, with the penalty."""
        if self.eps == 0:
            return super().__call__(model, batch)
        moves = self._moves(model, batch)
        low, high = self._box(model)
        if model.epoch == 0:
            self._check_radius(model, batch, moves)
        rows = batch.dense.detach()
        begin = torch.zeros_like(rows)
        if self.start != "zero":
            width = self.eps if self.start == "random" else 2 * self.eps
            begin = width * moves * uniform_rows(rows, batch, model.generators)
            begin = self._clip(rows + begin, low, high, rows) - rows
        place = (rows + begin).requires_grad_()
        first = model.decode(model.encode(dataclasses.replace(batch, dense=place)))
        loss = model.loss(first, batch.target, batch.weight).sum()
        slope = torch.autograd.grad(loss, place)[0].sign()
        moved = rows + self._step(begin, slope, model.epoch) * moves
        moved = self._clip(moved, low, high, rows)
        last = model.decode(model.encode(dataclasses.replace(batch, dense=moved)))
        losses = model.loss(last, batch.target, batch.weight)
        aaer = AAERLoss() if self.regularizer == "aaer" else self.regularizer
        if aaer is None or aaer.is_plain:
            return losses
        penalty = aaer.penalty(first, last, batch.target, real_rows(batch))
        return shifted(losses, penalty, batch)

    def _step(
        self, begin: torch.Tensor, slope: torch.Tensor, epoch: float
    ) -> torch.Tensor:
        """Return how far rows move in all."""
        warm = 1.0
        if self.warmup_epochs > 0:
            warm = min(epoch / self.warmup_epochs, 1.0)
        length = self.step_size
        if length is None:
            length = 1.25 * self.eps if self.start == "random" else self.eps
        moved = begin + warm * length * slope
        if self.start == "random":
            moved = moved.clamp(-warm * self.eps, warm * self.eps)
        return moved

    def _moves(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return 1 for columns that move, 0 for others."""
        width = batch.dense.shape[-1]
        moves = torch.zeros(width, dtype=batch.dense.dtype, device=batch.dense.device)
        moves[: getattr(model.module, "n_numeric", width)] = 1.0
        for column in self.frozen_features or ():
            if not -width <= column < width:
                raise BadInputError(
                    f"The 'frozen_features' parameter of AdversarialStep has {column}, "
                    f"but there are {width} columns."
                )
            moves[column] = 0.0
        return moves

    def _box(self, model: StepModel) -> tuple[Any, Any]:
        if self.feature_range is None:
            return None, None
        if self.feature_range != "data":
            return self.feature_range
        if model.bounds is None:
            raise BadInputError(
                "AdversarialStep can't tell the range of the data here; give "
                "feature_range=(lowest, highest) or None."
            )
        return model.bounds()

    @staticmethod
    def _clip(
        moved: torch.Tensor, low: Any, high: Any, rows: torch.Tensor
    ) -> torch.Tensor:
        """Keep moved rows in the box; a row that lies outside may stay where it is."""
        if low is None:
            return moved
        low = torch.as_tensor(low, dtype=rows.dtype, device=rows.device)
        high = torch.as_tensor(high, dtype=rows.dtype, device=rows.device)
        return torch.maximum(
            torch.minimum(moved, torch.maximum(high, rows)), torch.minimum(low, rows)
        )

    def _check_radius(
        self, model: StepModel, batch: Batch, moves: torch.Tensor
    ) -> None:
        if model.bounds is not None:
            low, high = model.bounds()
        else:
            flat = batch.dense.flatten(0, -2)
            low, high = flat.amin(dim=0), flat.amax(dim=0)
        widest = float(((high - low) * moves).max()) if moves.numel() else 0.0
        if self.eps > widest:
            warn(
                f"AdversarialStep has eps={self.eps:g}, but no column that moves is "
                f"wider than {widest:.3g}: every row can be moved onto every other. "
                "Use a smaller eps."
            )


def _checked_range(given: Any) -> Any:
    if given is None or (isinstance(given, str) and given == "data"):
        return given
    try:
        low, high = (float(value) for value in given)
        if low < high:
            return low, high
    except (TypeError, ValueError):
        pass
    raise BadInputError(
        "The 'feature_range' parameter of AdversarialStep must be 'data', None or two "
        f"numbers, the smaller first. Got {given!r} instead."
    )
