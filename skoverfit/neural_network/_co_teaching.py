# SPDX-License-Identifier: BSD-3-Clause
"""Co-teaching: two nets choose rows for each other, as a batch step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._loss_base import check_count, check_number
from skoverfit.neural_network._step_tools import ByValue

__all__ = ["CoTeaching", "kept_weights"]

_EXCHANGES = ("cross", "split")


def kept_weights(
    losses: torch.Tensor,
    weight: torch.Tensor,
    share: float,
    groups: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the weights of the rows with the smallest losses, zeros for the others.

    Of each group exactly ``share`` of the weight is kept; the row at the border keeps
    a part of its own, so that a row of weight 2 is two rows.

    Parameters
    ----------
    losses, weight : tensor of shape (n_nets, rows)
        Of the rows.
    share : float
        Share that is kept.
    groups : tensor of int64 of shape (n_nets, rows), optional
        Groups that keep the same share each; None is one group.
    """
    order = losses.argsort(dim=1, stable=True)
    if groups is not None:
        second = groups.gather(1, order).argsort(dim=1, stable=True)
        order = order.gather(1, second)
    sorted_weight = weight.gather(1, order).double()
    before = sorted_weight.cumsum(dim=1) - sorted_weight
    if groups is None:
        limit = share * sorted_weight.sum(dim=1, keepdim=True)
    else:
        own = groups.gather(1, order)
        n_groups = int(own.max()) + 1
        totals = sorted_weight.new_zeros(len(own), n_groups)
        totals.scatter_add_(1, own, sorted_weight)
        begins = totals.cumsum(dim=1) - totals
        before = before - begins.gather(1, own)
        limit = share * totals.gather(1, own)
    kept = torch.minimum((limit - before).clamp(min=0), sorted_weight)
    return torch.empty_like(weight).scatter_(1, order, kept.to(weight.dtype))


class CoTeaching(ByValue, BatchStep):
    """Let nets in pairs choose the rows of small loss for each other.

    Nets learn rows with right labels first. In each step a net is trained on the rows
    of its batch whose loss is smallest for its *peer*, which makes other errors, so
    that a net does not confirm its own. Nets 0 and 1 of a stack are a pair, 2 and 3
    are the next.

    Parameters
    ----------
    forget_rate : float, default=0.2
        Share of the rows that are left out at last: the share of wrong labels.
    n_gradual : int, default=10
        Epochs over which the share grows from 0.
    exponent : float, default=1.0
        The share is ``forget_rate min((t / n_gradual)^exponent, 1)`` in epoch t.
    exchange : {"cross", "split"}, default="cross"
        "cross": both nets of a pair meet the same batch [1]_. "split": the rows of a
        step are parted between the two [2]_, so that what a net learns from, it did
        not choose and its peer does not learn from.
    class_balanced : bool, default=True
        Whether the share is kept of each label (ours): rare classes have large losses
        and would be left out first.
    pretrain_epochs : int, default=0
        Epochs before the exchange begins, in which all rows are kept.

    See Also
    --------
    skoverfit.noisy_labels.CoTeachingClassifier : Nets that are trained by it.

    Notes
    -----
    Losses are compared in evaluation mode, without masks, which costs a run forward.
    Exactly the share is kept: the row at the border counts in part, where the papers
    round down. The step needs an even number of nets that train on the same rows: it
    works in the nets of this library only.

    References
    ----------
    .. [1] Han et al. (2018), "Co-teaching: robust training of deep neural networks with
       extremely noisy labels", NeurIPS, arXiv:1804.06872.
    .. [2] Chen, Hu, Shen, Ai & Suykens (2022), "Compressing features for learning with
       noisy labels", IEEE TNNLS, arXiv:2206.13140.

    Examples
    --------
    >>> from skoverfit.neural_network import CoTeaching
    >>> step = CoTeaching(0.4, n_gradual=4)
    >>> [round(step.kept_share(epoch), 1) for epoch in range(6)]
    [1.0, 0.9, 0.8, 0.7, 0.6, 0.6]
    """

    hides_outputs = True

    def __init__(
        self,
        forget_rate: float = 0.2,
        *,
        n_gradual: int = 10,
        exponent: float = 1.0,
        exchange: str = "cross",
        class_balanced: bool = True,
        pretrain_epochs: int = 0,
    ) -> None:
        self.forget_rate = check_number(
            self, "forget_rate", forget_rate, 0, 1, closed="left"
        )
        if n_gradual:
            check_count(self, "n_gradual", n_gradual)
        self.n_gradual = int(n_gradual)
        self.exponent = check_number(self, "exponent", exponent, 0, closed="neither")
        if exchange not in _EXCHANGES:
            raise BadInputError(
                "The 'exchange' parameter of CoTeaching must be one of "
                f"{list(_EXCHANGES)}. Got {exchange!r} instead."
            )
        self.exchange, self.class_balanced = exchange, bool(class_balanced)
        self.pretrain_epochs = int(
            check_number(self, "pretrain_epochs", pretrain_epochs, 0)
        )
        self._order: torch.Tensor | None = None
        self._chosen: torch.Tensor | None = None

    def kept_share(self, epoch: float) -> float:
        """Return the share of the rows that is kept in an epoch.

        Parameters
        ----------
        epoch : float
            Epochs that are over.

        Returns
        -------
        float
            From 1 down to ``1 - forget_rate``.
        """
        done = int(epoch) - self.pretrain_epochs
        if done < 0:
            return 1.0
        grown = 1.0
        if self.n_gradual:
            grown = min((done / self.n_gradual) ** self.exponent, 1.0)
        return 1 - self.forget_rate * grown

    def order(
        self, net: int, rows: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the rows of an epoch in the order in which a net meets them.

        Parameters
        ----------
        net : int
            Number of the net.
        rows : tensor of int64
            Its rows.
        generator : torch.Generator
            The net's own.

        Returns
        -------
        tensor of int64
            Those of its pair's first net, or ("split") the same half an epoch later.
        """
        if net % 2 == 0 or self._order is None:
            self._order = torch.randperm(len(rows), generator=generator)
            return rows[self._order]
        turn = len(rows) // 2 if self.exchange == "split" else 0
        return rows[self._order.roll(turn)]

    def count_rows(self, n: int) -> None:
        """Begin to count how often each row is chosen.

        Parameters
        ----------
        n : int
            Rows of the table.
        """
        self._chosen = torch.zeros(2, n, dtype=torch.float64)

    def chosen_frequency(self) -> Any:
        """Return how often each row was chosen once rows were left out.

        Returns
        -------
        ndarray of shape (n,)
            Between 0 and 1; 1 where no row was left out.
        """
        assert self._chosen is not None
        chosen, met = self._chosen.cpu().numpy()
        met_once = met > 0
        return (chosen + ~met_once) / (met + ~met_once)

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of the rows that the peers chose.

        Parameters
        ----------
        model : StepModel
            The nets.
        batch : Batch
            Rows of the step.

        Returns
        -------
        tensor
            What ``model.loss`` returns.

        Raises
        ------
        BadInputError
            If the nets are no pairs.
        """
        n_nets = len(model.generators)
        if n_nets % 2 or model.module is None:
            raise BadInputError(
                "CoTeaching needs an even number of nets, which teach each other in "
                f"pairs. Got n_estimators={n_nets}."
            )
        share = self.kept_share(model.epoch)
        if share >= 1:
            return super().__call__(model, batch)
        weight = batch.weight
        if weight is None:
            weight = torch.ones_like(batch.target, dtype=batch.dense.dtype)
        groups = batch.target if self.class_balanced else None
        kept = kept_weights(self._peer_losses(model, batch), weight, share, groups)
        if self._chosen is not None and batch.rows is not None:
            self._count(batch.rows, kept, weight)
        output = model.decode(model.encode(batch))
        return model.loss(output, batch.target, kept / share)

    @torch.no_grad()
    def _peer_losses(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses that each net's peer has on its rows."""
        assert model.module is not None
        asked = batch
        if self.exchange == "split":
            asked = replace(
                batch,
                dense=_swapped(batch.dense),
                codes=None if batch.codes is None else _swapped(batch.codes),
                target=_swapped(batch.target),
                weight=None,
            )
        model.module.eval()
        try:
            output = model.decode(model.encode(asked))
        finally:
            model.module.train()
        return _swapped(model.loss(output, asked.target, None))

    def _count(
        self, rows: torch.Tensor, kept: torch.Tensor, weight: torch.Tensor
    ) -> None:
        assert self._chosen is not None
        counts = self._chosen = self._chosen.to(kept.device)
        places = rows.to(kept.device).flatten()
        part = (kept / weight.clamp(min=1e-30)).flatten().double()
        counts[0].index_add_(0, places, part)
        counts[1].index_add_(0, places, torch.ones_like(part))


def _swapped(x: torch.Tensor) -> torch.Tensor:
    """Let the nets of each pair change places."""
    return x.view(-1, 2, *x.shape[1:]).flip(1).reshape(x.shape)
