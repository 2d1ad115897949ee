# SPDX-License-Identifier: BSD-3-Clause
"""Losses for wrong labels: robust cross-entropies, forward and backward correction."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import torch

from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._loss_base import (
    ClassificationLoss,
    TrueClassLoss,
    check_number,
)

__all__ = [
    "BackwardCorrectedLoss",
    "ForwardCorrectedLoss",
    "GeneralizedCrossEntropyLoss",
    "SymmetricCrossEntropyLoss",
]


class GeneralizedCrossEntropyLoss(TrueClassLoss):
    """Between cross-entropy and the absolute error, which wrong labels hurt less.

    ``(1 - p^q) / q`` for the softmax ``p`` of the true class.

    The softmax of its logits is sharper than the shares of the labels; the nets of this
    library invert the loss: ``softmax((1 - q) f)`` are the probabilities of the labels
    as they are, wrong ones included. With ``q=1`` nothing can be inverted, and logits
    are calibrated on held-out rows.

    Parameters
    ----------
    q : float, default=0.7
        Towards 0 it becomes cross-entropy, 1 is the absolute error. The paper uses 0.7.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Zhang & Sabuncu (2018), "Generalized cross entropy loss for training deep neural
    networks with noisy labels", NeurIPS, arXiv:1805.07836.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import GeneralizedCrossEntropyLoss
    >>> logits = torch.tensor([[0.0, 0.0], [40.0, 0.0]])
    >>> loss = GeneralizedCrossEntropyLoss(q=0.5, reduction="none")
    >>> loss(logits, torch.tensor([1, 1]))
    tensor([0.5858, 2.0000])
    """

    def __init__(self, q: float = 0.7, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.q = check_number(self, "q", q, 0, 1, closed="right")

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return self.q == 1

    def _options(self) -> dict[str, Any]:
        return {"q": self.q}

    def _loss(self, log_p: torch.Tensor) -> torch.Tensor:
        return -torch.expm1(self.q * log_p) / self.q

    def _log_slope(self, log_p: torch.Tensor) -> torch.Tensor:
        return (self.q - 1) * log_p


class SymmetricCrossEntropyLoss(TrueClassLoss):
    """Cross-entropy plus the reverse one, in which label and prediction change places.

    ``-alpha log p - beta A (1 - p)`` for the softmax ``p`` of the true class, where
    ``A`` stands for ``log 0``. The second term is bounded, as the absolute error.

    The nets of this library invert the loss: probabilities, of the labels as they are,
    are proportional to ``p / (alpha - beta A p)``.

    Parameters
    ----------
    alpha : float, default=0.1
        Weight of the cross-entropy; above 0. The paper uses 0.1 for ten classes.
    beta : float, default=1.0
        Weight of the reverse one; 0 leaves cross-entropy.
    log_zero : float, default=-4.0
        The ``A``.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Wang, Ma, Chen, Luo, Yi & Bailey (2019), "Symmetric cross entropy for robust
    learning with noisy labels", ICCV, arXiv:1908.06112.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import SymmetricCrossEntropyLoss
    >>> logits = torch.tensor([[0.0, 0.0], [10.0, 0.0]])
    >>> SymmetricCrossEntropyLoss(reduction="none")(logits, torch.tensor([1, 1]))
    tensor([2.0693, 4.9998])
    """

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        *,
        log_zero: float = -4.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.alpha = check_number(self, "alpha", alpha, 0, closed="neither")
        self.beta = check_number(self, "beta", beta, 0)
        self.log_zero = check_number(self, "log_zero", log_zero, -1e6, 0, closed="left")

    def _options(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, "log_zero": self.log_zero}

    def _loss(self, log_p: torch.Tensor) -> torch.Tensor:
        reverse = self.log_zero * torch.expm1(log_p)
        return self.beta * reverse - self.alpha * log_p

    def _log_slope(self, log_p: torch.Tensor) -> torch.Tensor:
        return torch.log(self.alpha - self.beta * self.log_zero * log_p.exp()) - log_p


class _CorrectedLoss(ClassificationLoss):
    """Base class of the losses that know how labels are confused."""

    def __init__(
        self, transition_matrix: Any = None, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.transition_matrix = self._checked(transition_matrix)

    def _options(self) -> dict[str, Any]:
        matrix = self.transition_matrix
        return {
            "transition_matrix": [list(row) for row in matrix]
            if isinstance(matrix, tuple)
            else matrix
        }

    def _checked(self, given: Any) -> float | tuple[tuple[float, ...], ...] | None:
        name = f"The 'transition_matrix' parameter of {type(self).__name__}"
        if given is None:
            return None
        if isinstance(given, Real) and not isinstance(given, bool):
            return check_number(self, "transition_matrix", given, 0, 1, closed="left")
        if isinstance(given, torch.Tensor):
            given = given.detach().cpu()
        try:
            matrix = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as exc:
            raise BadInputError(
                f"{name} must be numbers in as many rows as columns. Got {given!r} "
                "instead."
            ) from exc
        if matrix.ndim != 2 or len(matrix) < 2 or len({*matrix.shape}) > 1:
            raise BadInputError(
                f"{name} must have as many rows as columns, two at least. Got the "
                f"shape {matrix.shape} instead."
            )
        if not (matrix >= 0).all():
            raise BadInputError(
                f"{name} must hold numbers of at least 0. Got {matrix.min():g} instead."
            )
        sums = matrix.sum(axis=1)
        worst = int(np.abs(sums - 1).argmax())
        if abs(sums[worst] - 1) > 1e-6:
            raise BadInputError(
                f"{name} must have rows that sum to 1. Row {worst} sums to "
                f"{sums[worst]:g} instead."
            )
        self._check_matrix(matrix, name)
        return tuple(tuple(row) for row in matrix.tolist())

    def _check_matrix(self, matrix: np.ndarray, name: str) -> None:
        """Check what this correction needs."""

    def _matrix(self, n_classes: int) -> np.ndarray:
        """Return the matrix for so many classes."""
        given = self.transition_matrix
        if given is None:
            raise BadInputError(
                f"{type(self).__name__} needs a transition_matrix, or the rate of "
                "wrong labels; pass an instance that has one."
            )
        if isinstance(given, float):
            matrix = np.full((n_classes, n_classes), given / (n_classes - 1))
            np.fill_diagonal(matrix, 1 - given)
            self._check_matrix(
                matrix, f"The 'transition_matrix' parameter of {type(self).__name__}"
            )
            return matrix
        if len(given) != n_classes:
            raise BadInputError(
                f"The logits have {n_classes} columns, but the transition_matrix of "
                f"{type(self).__name__} is of {len(given)} classes."
            )
        return np.array(given)

    def prepare(self, class_counts: Any) -> Any:
        """Tell the loss how many rows the labels have.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Rows of each label.

        Returns
        -------
        ClassificationLoss
            The loss itself.

        Raises
        ------
        BadInputError
            If the transition matrix is of other classes.
        """
        self._matrix(len(class_counts))
        return super().prepare(class_counts)

    def class_prior(self) -> torch.Tensor:
        """Return the shares of the true classes, as far as they can be told.

        Returns
        -------
        tensor of shape (n_classes,)
            From the shares of the labels and the transition matrix.
        """
        labels = self._shares()
        matrix = self._matrix(len(labels)).T
        found = np.linalg.lstsq(matrix, labels.cpu().numpy(), rcond=None)[0].clip(min=0)
        return torch.from_numpy(found / found.sum())


class ForwardCorrectedLoss(_CorrectedLoss):
    """Cross-entropy of the labels that a known confusion makes of the predicted ones.

    ``-log sum_i softmax(f)_i T_iy``, where ``T_ij`` is the probability that a row of
    class ``i`` carries the label ``j``. The softmax of its logits stands for the true
    classes, and so do the probabilities of a net; they differ from the labels.

    Parameters
    ----------
    transition_matrix : array-like of (n_classes, n_classes) or float, default=None
        Rows sum to 1. A float is the share of wrong labels, spread evenly. There is no
        default that works: None is refused when the loss is used.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Patrini, Rozza, Menon, Nock & Qu (2017), "Making deep neural networks robust to
    label noise: a loss correction approach", CVPR, arXiv:1609.03683.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import ForwardCorrectedLoss
    >>> loss = ForwardCorrectedLoss([[0.9, 0.1], [0.2, 0.8]], reduction="none")
    >>> loss(torch.tensor([[0.0, 0.0], [40.0, 0.0]]), torch.tensor([1, 1]))
    tensor([0.7985, 2.3026])
    """

    def _check_matrix(self, matrix: np.ndarray, name: str) -> None:
        empty = np.flatnonzero(matrix.sum(axis=0) == 0)
        if len(empty):
            raise BadInputError(
                f"{name} must let every label occur. Column {empty[0]} is 0 instead."
            )

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        matrix = torch.as_tensor(self._matrix(logits.shape[-1])).to(logits)
        of_label = matrix.T.log()[target]
        return -(logits.log_softmax(dim=-1) + of_label).logsumexp(dim=-1)


class BackwardCorrectedLoss(_CorrectedLoss):
    """Cross-entropy that is right on average over a known confusion of labels.

    ``sum_k (T^-1)_yk l_k``, where ``l_k`` is the cross-entropy for class ``k`` and
    ``T_ij`` the probability that a row of class ``i`` carries the label ``j``: its
    expectation over labels is the cross-entropy with the true classes. It has no lower
    bound, so a net that is trained long enough exploits it; `ForwardCorrectedLoss` is
    usually better. The softmax of its logits stands for the true classes.

    Parameters
    ----------
    transition_matrix : array-like of (n_classes, n_classes) or float, default=None
        Rows sum to 1; it can be inverted. A float is the share of wrong labels, spread
        evenly. A condition number above 1000 is warned of. None is refused when the
        loss is used.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    References
    ----------
    Patrini, Rozza, Menon, Nock & Qu (2017), "Making deep neural networks robust to
    label noise: a loss correction approach", CVPR, arXiv:1609.03683.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import BackwardCorrectedLoss
    >>> loss = BackwardCorrectedLoss(0.2, reduction="none")
    >>> loss(torch.tensor([[0.0, 0.0], [4.0, 0.0]]), torch.tensor([1, 1]))
    tensor([0.6931, 5.3515])
    """

    def _check_matrix(self, matrix: np.ndarray, name: str) -> None:
        condition = np.linalg.cond(matrix)
        if not condition < 1e12:
            raise BadInputError(
                f"{name} must be one that can be inverted. Got one with the condition "
                f"number {condition:.3g} instead."
            )
        if condition > 1e3:
            warn(
                f"{name} has the condition number {condition:.3g}; the corrected loss "
                "varies accordingly. ForwardCorrectedLoss needs no inverse."
            )

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        inverse = np.linalg.inv(self._matrix(logits.shape[-1]))
        of_label = torch.as_tensor(inverse).to(logits)[target]
        return -(of_label * logits.log_softmax(dim=-1)).sum(dim=-1)
