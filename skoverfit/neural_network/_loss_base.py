# SPDX-License-Identifier: BSD-3-Clause
"""What all losses of the classifier share: one signature, checks, honest probabilities.

A loss that is no proper scoring rule leaves logits whose softmax is no probability.
Each loss therefore says what its logits mean: `ClassificationLoss.log_probabilities`
inverts the loss where that is possible, and `needs_calibration` tells where it is not.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from skoverfit.exceptions import BadInputError

__all__ = [
    "ClassificationLoss",
    "TrueClassLoss",
    "check_count",
    "check_number",
    "log1mexp",
    "of_true_class",
]

_REDUCTIONS = ("mean", "none", "sum")
_Loss = TypeVar("_Loss", bound="ClassificationLoss")


def check_number(
    owner: Any,
    name: str,
    value: Any,
    low: float,
    high: float = float("inf"),
    *,
    closed: str = "both",
) -> float:
    """Return a number of this interval, or say in one sentence what was met."""
    sound = isinstance(value, (Real, np.number)) and not isinstance(value, bool)
    if sound:
        above = value >= low if closed in ("both", "left") else value > low
        below = value <= high if closed in ("both", "right") else value < high
        sound = bool(above and below and np.isfinite(value))
    if not sound:
        left = "[" if closed in ("both", "left") else "("
        right = "]" if closed in ("both", "right") and high < np.inf else ")"
        raise BadInputError(
            f"The '{name}' parameter of {type(owner).__name__} must be a float in the "
            f"range {left}{low:g}, {high:g}{right}. Got {value!r} instead."
        )
    return float(value)


def check_count(owner: Any, name: str, value: Any) -> int:
    """Return an integer of at least 1, or say in one sentence what was met."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise BadInputError(
            f"The '{name}' parameter of {type(owner).__name__} must be an integer of "
            f"at least 1. Got {value!r} instead."
        )
    return int(value)


def log1mexp(x: torch.Tensor) -> torch.Tensor:
    """Return ``log(1 - exp(x))`` for x below 0, exact at both ends."""
    near = x > -0.6931471805599453
    low = torch.where(near, x, torch.full_like(x, -0.5))
    high = torch.where(near, torch.full_like(x, -1.0), x)
    return torch.where(
        near, torch.log(-torch.expm1(low)), torch.log1p(-torch.exp(high))
    )


def of_true_class(table: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the entry of each row's own class."""
    return table.gather(-1, target.unsqueeze(-1)).squeeze(-1)


class ClassificationLoss(nn.Module):
    """Base class of the losses of logits and class codes.

    A subclass writes `_rows`, one loss a row. It works in any torch loop; in the nets
    of this library it is told the class counts by `prepare` and its logits are read by
    `log_probabilities`.

    Parameters
    ----------
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import ClassificationLoss
    >>> class BrierLoss(ClassificationLoss):
    ...     def _rows(self, logits, target):
    ...         wanted = torch.nn.functional.one_hot(target, logits.shape[1])
    ...         return (logits.softmax(dim=1) - wanted).square().sum(dim=1)
    >>> BrierLoss()(torch.zeros(3, 2), torch.tensor([0, 1, 1]))
    tensor(0.5000)
    """

    #: Whether `prepare` has to tell the class counts before the first call.
    needs_counts: bool = False

    class_counts: torch.Tensor | None

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in _REDUCTIONS:
            raise BadInputError(
                f"The 'reduction' parameter of {type(self).__name__} must be one of "
                f"{list(_REDUCTIONS)}. Got {reduction!r} instead."
            )
        self.reduction = reduction
        # No tensor of the state: an estimator tells them again after it was loaded, and
        # who keeps a state dict finds them in the extra state. Only what the loss
        # depends on is public: nets with equal losses are trained together.
        self.register_buffer("class_counts", None, persistent=False)
        self._told_counts: np.ndarray | None = None

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return False

    @property
    def prefers_calibration(self) -> bool:
        """Whether held-out rows tell more of the logits than the formula does."""
        return self.needs_calibration

    def prepare(self: _Loss, class_counts: Any) -> _Loss:
        """Tell the loss how many rows the classes have; an estimator does so itself.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Rows of each class, or sums of their weights. A class without a row counts
            as one row.

        Returns
        -------
        ClassificationLoss
            The loss itself.

        Raises
        ------
        BadInputError
            If there are fewer than two counts, or one is negative or no number.
        """
        counts = torch.as_tensor(np.asarray(class_counts, dtype=np.float64))
        if counts.dim() != 1 or len(counts) < 2:
            raise BadInputError(
                "class_counts must hold one number a class, of two classes at least. "
                f"Got the shape {tuple(counts.shape)} instead."
            )
        if not bool(torch.isfinite(counts).all()) or bool((counts < 0).any()):
            raise BadInputError(
                f"class_counts must be numbers of at least 0. Got {counts.tolist()} "
                "instead."
            )
        counts = torch.where(counts > 0, counts, torch.ones_like(counts))
        self._told_counts = counts.numpy()
        if self.needs_counts:
            device = None if self.class_counts is None else self.class_counts.device
            # Some devices have no doubles.
            self.class_counts = counts.float().to(device)
        return self

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
            Weights of the rows; "mean" is the weighted mean then.

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
        return self._reduced(self._rows(input, target), sample_weight)

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return one loss a row."""
        raise NotImplementedError

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logarithms of the class probabilities that the logits stand for.

        They are what the logits that minimize the expected loss tell of the classes,
        whose shares are `class_prior`.

        Parameters
        ----------
        logits : tensor of shape (..., n_classes)
            Outputs of a net that was trained with this loss.

        Returns
        -------
        tensor of shape (..., n_classes)
            Normalized. Where ``needs_calibration`` is true it is only the softmax.
        """
        return logits.log_softmax(dim=-1)

    def start_shift(self) -> torch.Tensor | None:
        """Return what to add to the logits of a cross-entropy model to start from."""
        return None

    def class_prior(self) -> torch.Tensor:
        """Return the shares of the classes that the probabilities stand for.

        Returns
        -------
        tensor of shape (n_classes,)
            Usually those of the rows, as `prepare` was told.
        """
        return self._shares()

    def _shares(self) -> torch.Tensor:
        if self._told_counts is None:
            raise BadInputError(
                f"{type(self).__name__} needs to know the class counts: call "
                "prepare(class_counts) first."
            )
        return torch.from_numpy(self._told_counts / self._told_counts.sum())

    def on_epoch_begin(self, epoch: int, n_epochs: int) -> None:
        """Tell the loss that an epoch begins; the nets of this library do so.

        Parameters
        ----------
        epoch : int
            Epochs before this one.
        n_epochs : int
            Most epochs of the training.
        """

    def _counts(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the counts in the dtype of the logits, checked against their width."""
        counts = self.class_counts
        if counts is None:
            raise BadInputError(
                f"{type(self).__name__} needs to know the class counts: call "
                "prepare(class_counts) first."
            )
        if len(counts) != logits.shape[-1]:
            raise BadInputError(
                f"The logits have {logits.shape[-1]} columns, but {type(self).__name__}"
                f" was prepared for {len(counts)} classes."
            )
        return counts.to(logits)

    @staticmethod
    def _check(input: torch.Tensor, target: torch.Tensor) -> None:
        if input.dim() != 2 or input.shape[1] < 2:
            raise BadInputError(
                "The logits must have one column a class, of two classes at least. Got "
                f"the shape {tuple(input.shape)} instead."
            )
        if target.shape != input.shape[:1] or target.dtype != torch.int64:
            raise BadInputError(
                f"The target must hold {len(input)} class codes of dtype int64. Got the"
                f" shape {tuple(target.shape)} and {target.dtype} instead."
            )
        if target.device.type == "cpu" and len(target):  # elsewhere it would wait
            low, high = (int(v) for v in target.aminmax())
            if low < 0 or high >= input.shape[1]:
                raise BadInputError(
                    f"The target has the code {low if low < 0 else high}, but the "
                    f"logits have {input.shape[1]} columns: codes go from 0 to "
                    f"{input.shape[1] - 1}."
                )

    def _reduced(
        self, rows: torch.Tensor, sample_weight: torch.Tensor | None
    ) -> torch.Tensor:
        total: Any = len(rows)
        if sample_weight is not None:
            if sample_weight.shape != rows.shape:
                raise BadInputError(
                    f"sample_weight has the shape {tuple(sample_weight.shape)}, but "
                    f"there are {len(rows)} rows."
                )
            rows, total = rows * sample_weight, sample_weight.sum()
        if self.reduction == "none":
            return rows
        return rows.sum() if self.reduction == "sum" else rows.sum() / total

    def _options(self) -> dict[str, Any]:
        """Return the constructor's parameters but ``reduction``, for the ``repr``."""
        return {}

    def get_extra_state(self) -> list[float] | None:
        """Return the class counts for the state dict; None before `prepare`.

        Returns
        -------
        list of float or None
            One number a class.
        """
        return None if self._told_counts is None else self._told_counts.tolist()

    def set_extra_state(self, state: list[float] | None) -> None:
        """Take the class counts of a state dict.

        Parameters
        ----------
        state : list of float or None
            What `get_extra_state` returned.
        """
        if state is not None:
            self.prepare(state)

    def __getstate__(self) -> dict[str, Any]:
        # Plain values, so that a file that is safe to load can hold a loss of ours.
        if not type(self).__module__.startswith("skoverfit."):
            return self.__dict__.copy()
        return {
            "options": {**self._options(), "reduction": self.reduction},
            "training": self.training,
            "class_counts": self._told_counts,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "options" not in state:
            super().__setstate__(state)
            return
        type(self).__init__(self, **state["options"])
        self.train(bool(state["training"]))
        if state["class_counts"] is not None:
            self.prepare(state["class_counts"])

    def __repr__(self) -> str:
        options = dict(self._options())
        if self.reduction != "mean":
            options["reduction"] = self.reduction
        inside = ", ".join(f"{key}={value!r}" for key, value in options.items())
        return f"{type(self).__name__}({inside})"


class TrueClassLoss(ClassificationLoss):
    """Base class of losses ``l(p)`` of the softmax that the true class gets.

    The softmax ``v`` that minimizes ``sum_k P_k l(v_k)`` has ``P_k l'(v_k)`` constant,
    so ``P_k`` is proportional to ``-1 / l'(v_k)``: the true probabilities can be read
    from the logits whether or not the loss is a proper scoring rule.
    """

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self._loss(of_true_class(logits.log_softmax(dim=-1), target))

    def _loss(self, log_p: torch.Tensor) -> torch.Tensor:
        """Return the loss, from the logarithm of the true class's softmax."""
        raise NotImplementedError

    def _log_slope(self, log_p: torch.Tensor) -> torch.Tensor:
        """Return ``log(-l'(p))``; log_p is below 0."""
        raise NotImplementedError

    def log_probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logarithms of the class probabilities that the logits stand for.

        Parameters
        ----------
        logits : tensor of shape (..., n_classes)
            Outputs of a net that was trained with this loss.

        Returns
        -------
        tensor of shape (..., n_classes)
            Logarithm of ``-1 / l'(softmax)``, normalized.
        """
        log_p = logits.log_softmax(dim=-1)
        log_p = log_p.clamp(max=-torch.finfo(log_p.dtype).eps / 4)
        return (-self._log_slope(log_p)).log_softmax(dim=-1)
