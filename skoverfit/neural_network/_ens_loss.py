# SPDX-License-Identifier: BSD-3-Clause
"""EnsLoss: another convex, calibrated loss in every batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import gammaln, ndtr, ndtri
from torch import nn

from skoverfit._core._random import derive_seed
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._loss_base import (
    ClassificationLoss,
    check_count,
    check_number,
)
from skoverfit.neural_network._margin_losses import other_margins

__all__ = ["EnsLoss"]

# Order statistics of more draws are as good as quantiles.
_MOST_RANKS = 512


def _box_cox(u: Any, lam: float) -> Any:
    """Return the inverse Box-Cox transform of normal numbers, tensors or arrays."""
    if lam == 0:
        return u.exp() if isinstance(u, torch.Tensor) else np.exp(u)
    base = u * lam + 1
    base = base.clamp(min=0) if isinstance(u, torch.Tensor) else np.maximum(base, 0)
    if isinstance(u, torch.Tensor):
        return base ** (1 / lam)
    with np.errstate(divide="ignore"):
        return base ** (1 / lam)


@functools.lru_cache(maxsize=256)
def _expected_draws(count: int, lam: float, clip: float | None) -> np.ndarray:
    """Return running sums of the expected sorted draws, from 0, ``count + 1`` numbers.

    The k-th smallest of ``count`` draws is the quantile function at a Beta(k, count - k
    + 1) variable; integrated on both sides of the corner that the clip makes.
    """
    corner = 0.5
    if clip is not None:
        level = np.log(clip) if lam == 0 else (clip**lam - 1) / lam
        corner = float(np.clip(1 - ndtr(level), 1e-9, 1 - 1e-9))
    nodes, weights = np.polynomial.legendre.leggauss(384)
    u = np.concatenate(
        [(nodes + 1) / 2 * corner, corner + (nodes + 1) / 2 * (1 - corner)]
    )
    w = np.concatenate([weights / 2 * corner, weights / 2 * (1 - corner)])
    drawn = -_box_cox(-ndtri(u), lam)
    if clip is not None:
        drawn = np.maximum(drawn, -clip)
    k = np.arange(1, count + 1)[:, None]
    logs = gammaln(count + 1) - gammaln(k) - gammaln(count - k + 1)
    density = np.exp(logs + (k - 1) * np.log(u) + (count - k) * np.log1p(-u)) * w
    means = (density @ drawn) / density.sum(axis=1)
    return np.concatenate([[0.0], np.cumsum(means)])


class EnsLoss(ClassificationLoss):
    """Train with a freshly drawn convex, calibrated loss in every batch.

    A loss of margins ``z = y f(x)`` enters a step only by its slopes at the margins of
    the batch. EnsLoss draws these slopes: negative random numbers, the most negative
    one for the smallest margin and so on, which makes the loss that they belong to
    convex and calibrated; slopes of margins above 1 are divided by the margin, so that
    it is bounded below (on the border with ``tail_power=1``).

    The value in training is ``mean(g z)``, whose gradient is right and which means
    nothing as a number. In evaluation it is ``eval_loss``. The logits say which class
    is most probable, and are no log-odds: the nets of this library calibrate them on
    held-out rows.

    Parameters
    ----------
    lam : float, default=0.0
        Of the inverse Box-Cox transform ``max(1 + lam u, 0)^(1 / lam)`` of a normal
        number; 0 is ``exp(u)``. All published results have 0.
    lam_range : tuple of two floats or None, default=None
        ``lam`` is drawn from here anew every ``period`` epochs.
    period : int, default=10
        Epochs between new ``lam``; only with ``lam_range``.
    clip : float or None, default=1.0
        Largest size of a slope before the tail. At 1, half of the slopes are -1.
    tail_power : float, default=1.0
        Slopes of margins above 1 are divided by this power of the margin. The paper has
        1; only above 1 is the loss bounded below.
    eps : float, default=1e-6
        Subtracted from all slopes, so that none is 0.
    sampling : {"random", "expected"}, default="random"
        "expected" gives each margin the expected slope of its rank instead of a drawn
        one (ours): no randomness, half the cost, and equal accuracy where we measured.
    multiclass : {"pairwise", "ovr"}, default="pairwise"
        Our extension to several classes. "pairwise": all margins ``f_y - f_k`` of a
        batch are sorted together; for two classes this is the published rule. "ovr":
        the margins ``f_y`` and ``-f_k`` are sorted class by class.
    eval_loss : {"logistic", "hinge", "zero_one"}, default="logistic"
        The loss in evaluation: cross-entropy, the mean hinge of the margins, or errors.
    reduction : {"mean", "none", "sum"}, default="mean"
        Whether the losses of the rows are averaged, left apart or added up.
    generator : torch.Generator or None, default=None
        What slopes are drawn from; None is torch's own. The nets of this library bring
        a generator of each net.

    Notes
    -----
    Weights multiply the losses of the rows; rows of weight 0 take no part in the
    ranks. With ``sampling="expected"`` a row of weight 2 has the ranks of two rows,
    with "random" one draw that counts twice.
    Slopes are found in float32 at least, on the device of the logits; one sort a batch.
    Ties are broken by the order of the sort. In a loop of your own with ``lam_range``
    call ``on_epoch_begin(epoch, n_epochs)`` before each epoch.

    References
    ----------
    Dai (2025), "EnsLoss: Stochastic calibrated loss ensembles for preventing
    overfitting in classification", ICML, arXiv:2409.00908.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import EnsLoss
    >>> loss = EnsLoss(generator=torch.Generator().manual_seed(0))
    >>> margins = torch.tensor([-2.0, 0.1, 0.5, 3.0], requires_grad=True)
    >>> loss(margins, torch.tensor([1, 1, 1, 1])).backward()
    >>> bool((margins.grad.diff() >= 0).all()), bool((margins.grad < 0).all())
    (True, True)
    """

    def __init__(
        self,
        *,
        lam: float = 0.0,
        lam_range: tuple[float, float] | None = None,
        period: int = 10,
        clip: float | None = 1.0,
        tail_power: float = 1.0,
        eps: float = 1e-6,
        sampling: str = "random",
        multiclass: str = "pairwise",
        eval_loss: str = "logistic",
        reduction: str = "mean",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(reduction=reduction)
        self.lam = check_number(self, "lam", lam, -1e3, 1e3)
        self.lam_range = lam_range
        if lam_range is not None:
            if np.shape(lam_range) != (2,) or not lam_range[0] <= lam_range[1]:
                raise BadInputError(
                    "The 'lam_range' parameter of EnsLoss must be two numbers, the "
                    f"smaller one first, or None. Got {lam_range!r} instead."
                )
            self.lam_range = (float(lam_range[0]), float(lam_range[1]))
        self.period = check_count(self, "period", period)
        self.clip = clip
        if clip is not None:
            self.clip = check_number(self, "clip", clip, 0, closed="neither")
        elif min(self.lam, *(self.lam_range or (0.0,))) < 0:
            raise BadInputError(
                "The 'clip' parameter of EnsLoss can't be None where lam may be below "
                "0: slopes would be infinite."
            )
        self.tail_power = check_number(self, "tail_power", tail_power, 0)
        self.eps = check_number(self, "eps", eps, 0)
        self.sampling = self._known("sampling", sampling, ("expected", "random"))
        self.multiclass = self._known("multiclass", multiclass, ("ovr", "pairwise"))
        self.eval_loss = self._known(
            "eval_loss", eval_loss, ("hinge", "logistic", "zero_one")
        )
        self._generators: Sequence[torch.Generator | None] = [generator]
        self._lams: list[float] | None = None

    @staticmethod
    def _known(name: str, value: str, known: tuple[str, ...]) -> str:
        if value not in known:
            raise BadInputError(
                f"The '{name}' parameter of EnsLoss must be one of {list(known)}. Got "
                f"{value!r} instead."
            )
        return value

    def _options(self) -> dict[str, Any]:
        names = ("lam", "lam_range", "period", "clip", "tail_power", "eps", "sampling",
                 "multiclass", "eval_loss")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @property
    def needs_calibration(self) -> bool:
        """Whether no formula turns the logits into probabilities."""
        return True

    def set_generators(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the slopes of each net from its own generator.

        Parameters
        ----------
        generators : sequence of torch.Generator, one a net
            On the device of the logits, or in main memory.
        """
        self._generators = generators

    def on_epoch_begin(self, epoch: int, n_epochs: int) -> None:
        """Tell the loss that an epoch begins, when it may draw a new ``lam``.

        Parameters
        ----------
        epoch : int
            Epochs before this one.
        n_epochs : int
            Most epochs of the training.
        """
        if self.lam_range is None:
            return
        number = epoch // self.period
        low, high = self.lam_range
        self._lams = [
            low + (high - low) * self._uniform(generator, number)
            for generator in self._generators
        ]

    def _uniform(self, generator: torch.Generator | None, number: int) -> float:
        """Return a number that depends on the seed only, so that training resumes."""
        seed = torch.initial_seed() if generator is None else generator.initial_seed()
        own = torch.Generator().manual_seed(derive_seed(seed, "lam", number))
        return float(torch.rand((), generator=own))

    def forward(
        self,
        input: torch.Tensor,
        target: torch.Tensor,
        sample_weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the loss; in training its gradient counts and not its value.

        Parameters
        ----------
        input : tensor of shape (n, n_classes), (n, 1) or (n,)
            Logits, or for two classes the margins of class 1.
        target : tensor of shape (n,)
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
        if input.dim() == 1 or (input.dim() == 2 and input.shape[1] == 1):
            target = target.reshape(-1)
            if not bool(((target == 0) | (target == 1)).all()):
                wrong = target[(target != 0) & (target != 1)][0]
                raise BadInputError(
                    "One column of logits needs the labels 0 and 1. Got the label "
                    f"{wrong.item():g} instead."
                )
            half = input.reshape(-1, 1) / 2
            input, target = torch.cat([-half, half], dim=1), target.long()
        self._check(input, target)
        if sample_weight is not None and sample_weight.shape != target.shape:
            return self._reduced(target, sample_weight)  # raises
        rows = self.rows_of_nets(input, target, sample_weight)
        return self._reduced(rows, sample_weight)

    def rows_of_nets(
        self, output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return one loss a row and net; each net sorts its own margins.

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
        if output.dtype in (torch.float16, torch.bfloat16):
            output = output.float()
        if not self.training:
            return self._evaluation_rows(output, target)
        if self.multiclass == "pairwise":
            margins = other_margins(output, target)
        else:
            own = torch.zeros_like(output).scatter(-1, target.unsqueeze(-1), 2.0)
            margins = (own - 1) * output
        stacked = margins if target.dim() == 2 else margins.unsqueeze(0)
        weights = None
        if weight is not None:
            weights = (weight if target.dim() == 2 else weight.unsqueeze(0)).detach()
        slopes = self._slopes(stacked.detach(), weights).view_as(margins)
        return (slopes * margins).mean(dim=-1)

    def _evaluation_rows(
        self, output: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        if self.eval_loss == "logistic":
            flat = nn.functional.cross_entropy(
                output.flatten(0, -2), target.flatten(), reduction="none"
            )
            return flat.view(target.shape)
        margins = other_margins(output, target)
        if self.eval_loss == "hinge":
            return (1 - margins).clamp(min=0).mean(dim=-1)
        least = margins.min(dim=-1).values
        return (1 - least.sign()) / 2  # a tie is half an error

    def _slopes(
        self, margins: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the slopes of the loss of this batch at margins (nets, n, columns)."""
        if self.multiclass == "pairwise":  # all margins of a net are one sort
            z = margins.flatten(1)
            w = None if weight is None else (
                weight.unsqueeze(-1).expand_as(margins).flatten(1)
            )  # fmt: skip
        else:  # one sort a class
            z = margins.transpose(1, 2).flatten(0, 1)
            w = None if weight is None else (
                weight.unsqueeze(1).expand(-1, margins.shape[2], -1).flatten(0, 1)
            )  # fmt: skip
        live = torch.ones_like(z, dtype=torch.bool) if w is None else w > 0
        counts = None if w is None else live.sum(dim=1).tolist()
        if counts is not None and min(counts) == z.shape[1]:
            counts = None
        key = z if counts is None else z.masked_fill(~live, float("inf"))
        order = key.argsort(dim=1)
        if self.sampling == "random":
            drawn = self._drawn(z, counts)
        else:
            drawn = self._expected(z, None if w is None else w.gather(1, order))
        slopes = torch.empty_like(z).scatter_(1, order, drawn)
        slopes = slopes * z.clamp(min=1) ** -self.tail_power - self.eps
        if self.multiclass == "pairwise":
            return slopes.view_as(margins)
        nets, n, columns = margins.shape
        return slopes.view(nets, columns, n).transpose(1, 2).contiguous()

    def _net_of(self, line: int, n_lines: int) -> int:
        """Return the net whose margins are sorted in this line."""
        return line * len(self._generators) // n_lines

    def _lam(self, net: int) -> float:
        return self.lam if self._lams is None else self._lams[net]

    def _drawn(self, z: torch.Tensor, counts: list[int] | None) -> torch.Tensor:
        """Return sorted draws of each line; what is only filled up comes last, at 0."""
        n_lines, width = z.shape
        if len(self._generators) > n_lines or n_lines % len(self._generators):
            raise BadInputError(
                f"EnsLoss has generators of {len(self._generators)} nets, but the "
                f"logits are of {n_lines}."
            )
        lines = []
        for line in range(n_lines):
            net = self._net_of(line, n_lines)
            generator = self._generators[net]
            device = z.device if generator is None else generator.device
            count = width if counts is None else counts[line]
            u = torch.randn(count, generator=generator, device=device, dtype=z.dtype)
            own = -_box_cox(u.to(z.device), self._lam(net))
            if count < width:
                own = torch.cat([own, own.new_zeros(width - count)])
            lines.append(own)
        drawn = torch.stack(lines)
        if self.clip is not None:
            drawn = drawn.clamp(min=-self.clip)
        return drawn.sort(dim=1).values

    def _expected(self, z: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
        """Return expected draws by rank; a weight is a number of ranks."""
        n_lines, width = z.shape
        lines = []
        for line in range(n_lines):
            lam = self._lam(self._net_of(line, n_lines))
            if weight is None and width <= _MOST_RANKS:
                sums = _expected_draws(width, lam, self.clip)
                lines.append(torch.from_numpy(np.diff(sums)).to(z))
                continue
            own = np.ones(width)
            if weight is not None:
                own = weight[line].double().cpu().numpy()
            ends = np.cumsum(own)
            # The smallest weight is one rank, so weights of all scales are alike.
            ranks = round(min(ends[-1] / own[own > 0].min(), _MOST_RANKS))
            sums = _expected_draws(ranks, lam, self.clip)
            ends = np.concatenate([[0.0], ends]) * (ranks / ends[-1])
            area = np.diff(np.interp(ends, np.arange(ranks + 1), sums))
            size = np.diff(ends)
            slope = np.divide(area, size, out=np.zeros(width), where=size > 0)
            lines.append(torch.from_numpy(slope).to(z))
        return torch.stack(lines)
