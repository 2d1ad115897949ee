# SPDX-License-Identifier: BSD-3-Clause
"""Training that stays near pretrained features, with rows that are features only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from skoverfit.neural_network._batch_steps import BatchStep, Mixup, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._step_tools import View, generator_on, viewed

__all__ = ["AnchoredStep", "FeatureRows"]


@dataclass(kw_only=True)
class FeatureRows:
    """Made rows: vectors of features that no row of the table has.

    Attributes
    ----------
    features : tensor of shape (n_made, m)
        On the scale of the net's features.
    target : tensor of int64 of shape (n_made,)
        Class codes.
    weight : tensor of shape (n_made,) or None
        Weights, where those of the table's rows have mean 1.
    """

    features: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor | None = None


class AnchoredStep(BatchStep):
    r"""The last stage of RCAL: ``L_c + beta L_reg``.

    .. math:: L_{reg} = \lVert f(x) - f_0(x) \rVert^2 / (m s^2)

    holds the m features of a row where the pretrained body ``f_0`` had them: the
    squared distance, as a part of the features' total variance ``m s^2``. ``L_c`` is
    the mean of the loss over the rows of the table, mixed where asked, and over made
    rows, which are given to the head and don't reach the body.

    Where rows are held, or made ones are there, the body runs in evaluation mode:
    batch normalization by the statistics of the pretraining. Anchors and made rows were
    computed in that mode, the head will be asked in it, and the first step begins at
    the anchors exactly. Where neither is there, this is the plain step, or `Mixup`.

    Parameters
    ----------
    anchors : tensor of shape (n, m)
        Features of the training rows in the pretrained body.
    scale : float, default=1.0
        The s above, root of the columns' mean variance.
    beta : float, default=0.5
        Weight of the anchors.
    mixup_alpha : float, default=0.0
        Of `Mixup`; 0 mixes nothing.
    anchor : {"rows", "mixed"}, default="rows"
        What is held: the rows as they are, or the mixed rows near mixed anchors, which
        spares the gradient of a run through the body.
    made : FeatureRows or None, default=None
        Made rows.
    made_weight : float, default=1.0
        Factor of their part in ``L_c``.
    view : callable or None, default=None
        View maker that changes the rows of each step; their anchors stay.
    """

    hides_outputs = True

    def __init__(
        self,
        anchors: torch.Tensor,
        *,
        scale: float = 1.0,
        beta: float = 0.5,
        mixup_alpha: float = 0.0,
        anchor: str = "rows",
        made: FeatureRows | None = None,
        made_weight: float = 1.0,
        view: View | None = None,
    ) -> None:
        self.anchors, self.scale, self.beta = anchors, scale, beta
        self.mixup = Mixup(mixup_alpha) if mixup_alpha > 0 else None
        self.anchor, self.made, self.share = anchor, made, 0.0
        self.view = view
        if made is not None:
            total = float(len(made.target))
            if made.weight is not None:
                total = float(made.weight.sum())
            # Of the weight of all made rows in that of all rows.
            self.share = made_weight * total / len(anchors)
        self._order = torch.empty(0, dtype=torch.int64)
        self._moved: list[tuple[torch.Tensor, int]] = []

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of the rows; their mean is that of the step.

        Parameters
        ----------
        model : StepModel
            One net with ``features`` and ``head``.
        batch : Batch
            Rows of the step.

        Returns
        -------
        tensor of shape (rows,)
            Losses of the rows with their anchors, and the made rows' mean in each.
        """
        net: Any = model.module
        rows = batch.rows
        assert net is not None
        assert rows is not None
        if self.beta > 0 or self.share > 0:
            net.body.eval()
        if self.view is not None:
            generator = generator_on(batch.dense.device, model.generators[0])
            batch = viewed(batch, self.view, generator)
        encoded = model.encode(batch)
        anchors = self.anchors.to(encoded.device)[rows.to(encoded.device)]
        anchors = anchors.to(encoded.dtype)
        if self.mixup is None:
            features = held = net.features(encoded)
            losses = model.loss(net.head(features), batch.target, batch.weight)
            target = anchors
        else:
            share = self.mixup._shares(model, encoded)
            partner = self.mixup._next(batch, len(encoded), False)
            mixed = share * encoded + (1 - share) * partner(encoded)
            features = net.features(mixed)
            losses = self.mixup._mixed_losses(
                model, batch, net.head(features), share, partner
            )
            target = anchors
            if self.anchor == "mixed":
                held = features
                target = share * anchors + (1 - share) * partner(anchors)
            elif self.beta > 0:
                held = net.features(encoded)
            else:
                held = None
        # Mixed rows are not where mixed features are, even in a net that stays.
        self._note(net, encoded, held if target is anchors else None, anchors)
        if self.share > 0:
            part = self._made_loss(model, net, len(encoded))
            losses = (losses + self.share * part) / (1 + self.share)
        if self.beta > 0:
            distance = ((held - target) / self.scale).square().mean(dim=1)
            if batch.weight is not None:
                distance = distance * batch.weight
            losses = losses + self.beta * distance
        return losses

    @torch.no_grad()
    def _note(
        self,
        net: Any,
        encoded: torch.Tensor,
        held: torch.Tensor | None,
        target: torch.Tensor,
    ) -> None:
        """Remember how far the features are from their anchors."""
        if held is None or net.body.training:
            was = net.body.training
            net.body.eval()
            held = net.features(encoded)
            net.body.train(was)
        moved = ((held - target) / self.scale).square().mean()
        self._moved.append((moved.detach(), len(encoded)))

    def _made_loss(self, model: StepModel, net: Any, n_rows: int) -> torch.Tensor:
        """Return the mean loss of the next made rows, in an order drawn each round."""
        made = self.made
        assert made is not None
        n_made = len(made.target)
        wanted = min(n_made, max(1, round(n_rows * n_made / len(self.anchors))))
        if len(self._order) < wanted:
            generator = model.generators[0]
            fresh = torch.randperm(n_made, generator=generator)
            self._order = torch.cat([self._order, fresh])
        chosen, self._order = self._order[:wanted], self._order[wanted:]
        kind = next(net.head.parameters())
        features = made.features[chosen].to(kind)
        target = made.target[chosen].to(kind.device)
        if made.weight is None:
            return model.loss(net.head(features), target, None).mean()
        weight = made.weight[chosen].to(kind)
        # Not divided by the sum of the drawn weights: a step would favour small ones.
        mean = made.weight.mean().to(kind)
        return model.loss(net.head(features), target, weight).mean() / mean

    def epoch_values(self) -> dict[str, float]:
        """Return how far the features were from their anchors in this epoch.

        Returns
        -------
        dict
            ``feature_drift``: the root of the mean square, as a part of the features'
            own scale.
        """
        total = sum(count for _, count in self._moved)
        mean = sum(float(moved) * count for moved, count in self._moved) / total
        self._moved = []
        return {"feature_drift": float(mean**0.5)}
