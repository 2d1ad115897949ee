# SPDX-License-Identifier: BSD-3-Clause
"""Batch steps: what is computed on a batch, the seam for training-side remedies.

A step sees the batch and a `StepModel` (encode, decode, loss) and returns the loss. It
knows neither of stacks nor of skorch, so the same step runs in the held net, in a stack
of nets, and through `BatchStepCallback` in a plain ``skorch.NeuralNetClassifier``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from scipy.special import betaincinv, gammaincinv

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._data import Batch, NetData
from skoverfit.neural_network._step_tools import real_rows

__all__ = ["BatchStep", "Mixup", "StepModel"]


@dataclass(kw_only=True)
class StepModel:
    """What a batch step may ask of the net that is trained.

    In a stack of nets all tensors have the net axis first; a step that treats the last
    two axes as rows and columns works for both.

    Parameters
    ----------
    encode : callable
        ``encode(batch)`` returns the input of the first layer, where rows can be mixed
        and moved: numbers scaled and embedded, categories as vectors.
    decode : callable
        ``decode(encoded)`` returns the output.
    loss : callable
        ``loss(output, target, weight)`` returns weighted losses of the rows; in a plain
        skorch net their mean.
    generators : sequence of torch.Generator
        One a net; all that is random in a step is drawn from them.
    module : torch.nn.Module, default=None
        What ``encode`` and ``decode`` run.
    bounds : callable, default=None
        ``bounds()`` returns the smallest and largest value of each dense column in the
        rows that a net trains on.
    epoch : float, default=0.0
        Epochs that are over in this training, with the part of the current one.
    outputs : callable, default=None
        ``outputs(dense, codes, decode)`` returns what all nets answer to the same rows
        in evaluation mode, of shape ``(n_nets, n, n_outputs)``; ``decode`` None is the
        whole net. None in a plain skorch net.

    See Also
    --------
    BatchStep : What is given this.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import StepModel
    >>> model = StepModel(
    ...     encode=lambda batch: batch.dense,
    ...     decode=torch.nn.Linear(3, 2),
    ...     loss=lambda output, target, weight: output.square().mean(dim=1),
    ...     generators=[torch.Generator().manual_seed(0)],
    ... )
    >>> model.loss(model.decode(torch.zeros(5, 3)), None, None).shape
    torch.Size([5])
    """

    encode: Callable[[Batch], torch.Tensor]
    decode: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]
    generators: Sequence[torch.Generator]
    module: torch.nn.Module | None = None
    bounds: Callable[[], tuple[torch.Tensor, torch.Tensor]] | None = None
    epoch: float = 0.0
    outputs: Callable[..., torch.Tensor] | None = None


class BatchStep:
    """Compute the loss of a batch: the plain step, and base class of all steps.

    A step is a callable ``step(model, batch) -> losses``; it draws random numbers only
    from ``model.generators``, one a net, so that a net in a stack is trained as alone.
    The batch has ``dense``, ``codes``, ``target``, ``weight`` and ``count``. Equal
    parameters should make equal steps (``__eq__``), and ``repr`` should show them: a
    search and the benchmark's store tell steps apart by it.

    See Also
    --------
    Mixup : A step that mixes rows.
    StepModel : What a step may ask of the net.
    BatchStepCallback : The same step in a plain skorch net.

    Examples
    --------
    Noise on the encoded rows, drawn by each net from its own generator:

    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import BatchStep, TabularMLPClassifier
    >>> class Noise(BatchStep):
    ...     def __call__(self, model, batch):
    ...         x = model.encode(batch)
    ...         parts = x.unsqueeze(0) if len(model.generators) == 1 else x
    ...         noise = torch.stack([
    ...             torch.randn(part.shape, generator=generator)
    ...             for part, generator in zip(parts, model.generators)
    ...         ]).view_as(x)
    ...         output = model.decode(x + 0.1 * noise)
    ...         return model.loss(output, batch.target, batch.weight)
    >>> net = TabularMLPClassifier(batch_step=Noise(), max_epochs=5, random_state=0)
    >>> net.fit(*load_iris(return_X_y=True)).score(*load_iris(return_X_y=True)) > 0.9
    True
    """

    # Whether the outputs that a step sees are not those of whole batches.
    hides_outputs: ClassVar[bool] = False
    # Whether it decides by what a net answers to all rows, where rounding may matter.
    chooses_rows: ClassVar[bool] = False

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of a batch.

        Parameters
        ----------
        model : StepModel
            The net, as a step may use it.
        batch : Batch
            Rows of the step.

        Returns
        -------
        tensor
            What ``model.loss`` returns.
        """
        output = model.decode(model.encode(batch))
        return model.loss(output, batch.target, batch.weight)

    def held_out_losses(self, model: StepModel, batch: Batch) -> torch.Tensor | None:
        """Return the losses of held-out rows, where they are not those of the target.

        Parameters
        ----------
        model : StepModel
            The net, in evaluation mode.
        batch : Batch
            Held-out rows; each epoch has the same ones.

        Returns
        -------
        tensor or None
            One loss a row, without weights; None leaves them to the criterion.
        """
        return None

    def for_training(self, model: StepModel, data: NetData) -> BatchStep:
        """Return what computes the losses of one training; here the step itself.

        A step that has to know the rows returns an object that holds them: the loop
        drops it with the end of the training.

        Parameters
        ----------
        model : StepModel
            The nets that are about to be trained.
        data : NetData
            All rows, and which of them each net trains on.

        Returns
        -------
        BatchStep
            For this training.
        """
        return self

    def on_epoch_begin(self, model: StepModel, epoch: int) -> None:
        """Do what is to be done between two epochs; here nothing.

        Parameters
        ----------
        model : StepModel
            The nets.
        epoch : int
            Epochs of this training that are over.
        """

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint has to keep of this training; here nothing.

        Returns
        -------
        dict of ndarray
            By names.
        """
        return {}

    def load_state_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from what `state_arrays` returned.

        Parameters
        ----------
        arrays : dict of ndarray
            Of a checkpoint.
        """

    def epoch_values(self) -> dict[str, float]:
        """Return what the history is to keep of the epoch that ends.

        Returns
        -------
        dict
            Numbers by name; they become columns of ``history_``.
        """
        return {}


class Mixup(BatchStep):
    """Train on convex combinations of pairs of rows, or of more.

    ``x = lam x_i + (1 - lam) x_j`` with the loss ``lam l(f(x), y_i) + (1 - lam) l(f(x),
    y_j)``; one ``lam`` a batch and net, drawn from Beta(alpha, alpha). The rows of a
    batch come in random order, so each is paired with the next one. Nominal columns are
    mixed as vectors, behind their embedding.

    Parameters
    ----------
    alpha : float, default=0.2
        Both parameters of the Beta distribution; the paper uses 0.1 to 0.4 on large
        image sets and 1 on small ones. Towards 0 it becomes the plain step.
    n_mix : int, default=2
        Rows in a combination (d-mixup [2]_): their shares are drawn from a Dirichlet
        distribution of ``alpha``, and each row is mixed with the next ``n_mix - 1``. 1
        is the plain step.

    See Also
    --------
    BatchStep : The plain step, and how to write one.
    BatchStepCallback : Mixup in a plain skorch net.

    Notes
    -----
    The paper mixes the rows as they are read; here numbers are mixed behind their
    scaling and embedding, too. A batch of ``n`` rows is still ``n`` rows, so a step
    costs a second evaluation of the loss and nothing else. Each of the two losses has
    the weight of its own row. Probabilities of a net that was trained on mixtures are
    less extreme; validation losses are those of plain rows.

    References
    ----------
    .. [1] Zhang, Cisse, Dauphin & Lopez-Paz (2018), "mixup: Beyond empirical risk
       minimization", ICLR, arXiv:1710.09412.
    .. [2] Chidambaram & Ge (2024), "On the Limitations of Temperature Scaling for
       Distributions with Overlaps", ICLR, arXiv:2306.00740.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import Mixup, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(
    ...     batch_step=Mixup(0.4), max_epochs=10, random_state=0
    ... ).fit(X, y)
    >>> net.score(X, y) > 0.9
    True
    """

    def __init__(self, alpha: float = 0.2, *, n_mix: int = 2) -> None:
        number = isinstance(alpha, Real) and not isinstance(alpha, bool)
        if not number or not alpha > 0:
            raise BadInputError(
                f"The 'alpha' parameter of Mixup must be a float above 0. Got {alpha!r}"
                " instead."
            )
        whole = isinstance(n_mix, Integral) and not isinstance(n_mix, bool)
        if not whole or n_mix < 1:
            raise BadInputError(
                "The 'n_mix' parameter of Mixup must be an integer of at least 1. Got "
                f"{n_mix!r} instead."
            )
        self.alpha: float = alpha
        self.n_mix = int(n_mix)

    def __repr__(self) -> str:
        more = "" if self.n_mix == 2 else f", n_mix={self.n_mix}"
        return f"Mixup(alpha={self.alpha}{more})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *sorted(vars(self).items())))

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of the mixed batch.

        Parameters
        ----------
        model : StepModel
            The net, as a step may use it.
        batch : Batch
            Rows of the step.

        Returns
        -------
        tensor
            What ``model.loss`` returns.
        """
        if self.n_mix == 1:
            return super().__call__(model, batch)
        encoded = model.encode(batch)
        stacked = len(model.generators) > 1
        if self.n_mix > 2:
            return self._many(model, batch, encoded, stacked)
        rows = self._shares(model, encoded)
        columns = rows.view(-1, 1, 1) if stacked else rows
        partner = self._next(batch, encoded.shape[-2], stacked)
        mixed = columns * encoded + (1 - columns) * partner(encoded)
        return self._mixed_losses(model, batch, model.decode(mixed), rows, partner)

    def _shares(self, model: StepModel, encoded: torch.Tensor) -> torch.Tensor:
        """Draw the share of the first row: ``(n_nets, 1)``, or one number alone."""
        uniform = [torch.rand((), generator=g).item() for g in model.generators]
        share = torch.tensor(
            [betaincinv(self.alpha, self.alpha, u) for u in uniform],
            dtype=encoded.dtype,
            device=encoded.device,
        )
        return share.unsqueeze(1) if len(uniform) > 1 else share

    def _many(
        self, model: StepModel, batch: Batch, encoded: torch.Tensor, stacked: bool
    ) -> torch.Tensor:
        """Return the losses of combinations of more than two rows."""
        uniform = [
            torch.rand(self.n_mix, generator=g).numpy() for g in model.generators
        ]
        drawn = [gammaincinv(self.alpha, u.astype(np.float64)) for u in uniform]
        # Where all are too small for a double, the largest is all that is left.
        drawn = [
            part if part.sum() > 0 else np.eye(self.n_mix)[u.argmax()]
            for part, u in zip(drawn, uniform, strict=True)
        ]
        table = torch.as_tensor(np.stack([part / part.sum() for part in drawn]))
        table = table.to(dtype=encoded.dtype, device=encoded.device)
        shares = [column.view(-1, 1) if stacked else column for column in table.T]
        partners = [
            self._next(batch, encoded.shape[-2], stacked, place)
            for place in range(self.n_mix)
        ]
        mixed = sum(
            (share.view(-1, 1, 1) if stacked else share) * partner(encoded)
            for share, partner in zip(shares, partners, strict=True)
        )
        output = model.decode(torch.as_tensor(mixed))
        return self._summed(model, batch, output, shares, partners)

    @classmethod
    def _mixed_losses(
        cls,
        model: StepModel,
        batch: Batch,
        output: torch.Tensor,
        rows: torch.Tensor,
        partner: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return the losses with both targets, mixed in the same shares."""
        shares = [rows, 1 - rows]
        return cls._summed(model, batch, output, shares, [lambda x: x, partner])

    @staticmethod
    def _summed(
        model: StepModel,
        batch: Batch,
        output: torch.Tensor,
        shares: Sequence[torch.Tensor],
        partners: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    ) -> torch.Tensor:
        real = real_rows(batch)
        total: torch.Tensor | None = None
        for share, partner in zip(shares, partners, strict=True):
            weight = None if batch.weight is None else partner(batch.weight)
            if weight is not None and real is not None:
                weight = weight * real  # rows that fill a batch up have no partner
            part = model.loss(output, partner(batch.target), weight)
            part = (share.squeeze() if part.dim() == 0 else share) * part
            total = part if total is None else total + part
        assert total is not None
        return total

    @staticmethod
    def _next(
        batch: Batch, length: int, stacked: bool, by: int = 1
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return a function that puts the next real row of its net at each place.

        ``by`` is how many rows further on it is; 0 is the row itself.
        """
        axis = 1 if stacked else 0
        if by == 0:
            return lambda x: x
        if not isinstance(batch.count, torch.Tensor):
            return lambda x: x.roll(-by, dims=axis)
        place = torch.arange(length, device=batch.dense.device)
        last = batch.count.long().unsqueeze(1)
        following = (place + by) % last.clamp(min=1)
        # Rows that only fill the batch up stay with themselves, whose weight is 0.
        following = torch.where(place < last, following, place)

        def take(x: torch.Tensor) -> torch.Tensor:
            index = following.view(*following.shape, *([1] * (x.dim() - 2)))
            return x.gather(1, index.expand_as(x))

        return take
