# SPDX-License-Identifier: BSD-3-Clause
"""Forward correction by a transition matrix that is trained with the net."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._loss_base import check_number
from skoverfit.neural_network._noise_losses import ForwardCorrectedLoss

__all__ = ["LearnedTransitionLoss"]

# Share of every row that a zero starts with: a softmax never leaves a zero.
_FLOOR = 1e-3


class LearnedTransitionLoss(ForwardCorrectedLoss):
    """Forward correction by a transition matrix that is learned with the net.

    ``-log sum_i softmax(f)_i T_iy + volume log det T``, where T starts at a given
    matrix. Without a volume it is the slack of T-revision [1]_, which mends an
    estimated matrix; with a small one it is VolMinNet [2]_: among the matrices that
    explain the labels as well, the one whose rows span the smallest simplex is the
    confusion, with no need for rows that are surely of a class.

    Parameters
    ----------
    transition_matrix : array-like of (n_classes, n_classes), default=None
        Where T starts; rows sum to 1 and are clean classes. There is no default that
        works: None is refused when the loss is used.
    volume : float, default=0.0
        Weight of ``log det T``; the paper on VolMinNet has 1e-4. It counts in training
        only.
    start_epoch : int, default=0
        Epochs in which T stays as it was given.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.

    Notes
    -----
    Rows of T are softmaxes of trained numbers, so that they stay rows of a transition
    matrix; the papers add a slack and normalize again (T-revision), or train sigmoids
    (VolMinNet). T-revision's own risk weighs rows by the ratio of the two posteriors
    where this is the forward-corrected one. The nets of an ensemble share one matrix.

    References
    ----------
    .. [1] Xia et al. (2019), "Are anchor points really indispensable in label-noise
       learning?", NeurIPS, arXiv:1906.00189.
    .. [2] Li, Liu, Han, Niu & Sugiyama (2021), "Provably end-to-end label-noise
       learning without anchor points", ICML, arXiv:2102.02400.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import LearnedTransitionLoss
    >>> loss = LearnedTransitionLoss([[0.9, 0.1], [0.2, 0.8]], reduction="none")
    >>> loss(torch.tensor([[0.0, 0.0], [40.0, 0.0]]), torch.tensor([1, 1])).detach()
    tensor([0.7985, 2.3026])
    >>> [tuple(p.shape) for p in loss.parameters()]
    [(2, 2)]
    """

    def __init__(
        self,
        transition_matrix: Any = None,
        *,
        volume: float = 0.0,
        start_epoch: int = 0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(transition_matrix, reduction=reduction)
        if isinstance(self.transition_matrix, float):
            raise BadInputError(
                "The 'transition_matrix' parameter of LearnedTransitionLoss must be a "
                f"matrix to start from. Got the rate {transition_matrix!r} instead."
            )
        self.volume = check_number(self, "volume", volume, 0)
        self.start_epoch = int(check_number(self, "start_epoch", start_epoch, 0))
        self.logits: nn.Parameter | None = None
        if self.transition_matrix is not None:
            start = torch.tensor(self.transition_matrix, dtype=torch.float64)
            inside = (1 - _FLOOR) * start + _FLOOR / len(start)
            keep = bool((start > 0).all())
            self.logits = nn.Parameter((start if keep else inside).log().float())

    def _options(self) -> dict[str, Any]:
        return {
            **super()._options(),
            "volume": self.volume,
            "start_epoch": self.start_epoch,
        }

    def on_epoch_begin(self, epoch: int, n_epochs: int) -> None:
        """Tell the loss that an epoch begins; T is trained from ``start_epoch`` on.

        Parameters
        ----------
        epoch : int
            Epochs before this one.
        n_epochs : int
            Most epochs of the training.
        """
        if self.logits is not None:
            self.logits.requires_grad_(epoch >= self.start_epoch)

    @property
    def learned_matrix(self) -> np.ndarray:
        """The transition matrix as it is now, in float64."""
        self._require()
        assert self.logits is not None
        matrix: np.ndarray = self.logits.detach().double().softmax(1).cpu().numpy()
        return matrix

    def _matrix(self, n_classes: int) -> np.ndarray:
        super()._matrix(n_classes)
        return self.learned_matrix

    def _require(self) -> None:
        if self.logits is None:
            super()._matrix(2)  # says what is missing

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self._require()
        assert self.logits is not None
        if logits.shape[-1] != len(self.logits):
            super()._matrix(logits.shape[-1])
        log_matrix = self.logits.to(logits.dtype).log_softmax(dim=1)
        of_label = log_matrix.T[target]
        rows = -(logits.log_softmax(dim=-1) + of_label).logsumexp(dim=-1)
        if self.volume and self.training:
            rows = rows + self.volume * torch.linalg.slogdet(log_matrix.exp())[1]
        return rows
