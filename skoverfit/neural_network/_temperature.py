# SPDX-License-Identifier: BSD-3-Clause
"""Rare groups drawn more often, and less so as the training goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch.utils.data import Sampler

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit._core._temperature import check_tau, group_shares
from skoverfit.exceptions import BadInputError

__all__ = ["Cooldown", "TemperatureSampler", "group_codes", "row_probabilities"]

SCHEDULES = ("step", "linear", "cosine")


def group_codes(groups: Any) -> torch.Tensor:
    """Return groups of any type as integers."""
    if isinstance(groups, torch.Tensor):
        groups = groups.cpu().numpy()
    array = np.asarray(groups)
    if array.ndim != 1 or not len(array):
        raise BadInputError(
            f"groups must have one axis and a row at least. Got shape {array.shape}."
        )
    return torch.from_numpy(np.unique(array, return_inverse=True)[1].astype(np.int64))


def row_probabilities(groups: torch.Tensor, tau: float) -> torch.Tensor:
    """Return the probability of each row: ``n_g ** (1 / tau)`` a group, rows alike."""
    sizes = torch.bincount(groups)
    shares = torch.from_numpy(group_shares(sizes.cpu().numpy(), tau)).to(groups.device)
    return (shares / sizes.clamp(min=1))[groups]


class TemperatureSampler(Sampler[int]):
    """Draw rows so that group i has the share ``n_i ** (1 / tau)``.

    A torch sampler, for ``DataLoader(sampler=...)`` or a skorch net's
    ``iterator_train__sampler``. Rows are drawn with replacement.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Group of each row: a class, a domain.
    tau : float, default=5.0
        1 draws groups in proportion to their rows, infinity all alike.
    n_samples : int, default=None
        Rows an epoch; None: as many as there are.
    random_state : int, RandomState instance or None, default=None
        Seed. Each epoch draws anew.

    See Also
    --------
    Cooldown : Change tau while a net trains.

    Notes
    -----
    Where the groups are the classes, probabilities follow the shares that were drawn;
    correct them by `skoverfit.calibration.PriorCorrectedClassifier`.

    References
    ----------
    Li, Xu, Tan, Murray & Khashabi (2025), "Upsample or Upweight? Balanced Training on
    Heavily Imbalanced Datasets", NAACL, arXiv:2410.04579.

    Examples
    --------
    >>> from skoverfit.neural_network import TemperatureSampler
    >>> groups = [0] * 90 + [1] * 10
    >>> sampler = TemperatureSampler(groups, float("inf"), 10_000, random_state=0)
    >>> round(sum(row >= 90 for row in sampler) / 10_000, 1)
    0.5
    """

    def __init__(
        self,
        groups: Any,
        tau: float = 5.0,
        n_samples: int | None = None,
        *,
        random_state: Any = None,
    ) -> None:
        if n_samples is not None and not (
            isinstance(n_samples, Integral) and n_samples > 0
        ):
            raise BadInputError(
                "The 'n_samples' parameter of TemperatureSampler must be a positive "
                f"integer or None. Got {n_samples!r} instead."
            )
        self.codes = group_codes(groups)
        self.n_samples = len(self.codes) if n_samples is None else int(n_samples)
        seed = derive_seed(root_entropy(random_state), "temperature")
        self.generator = torch.Generator().manual_seed(seed)
        self.set_tau(tau)

    def set_tau(self, tau: float) -> None:
        """Draw by another temperature from the next row on.

        Parameters
        ----------
        tau : float
            Above 0.
        """
        check_tau("TemperatureSampler", "tau", tau)
        self.tau = float(tau)
        self._ends = row_probabilities(self.codes, self.tau).cumsum(0)

    def __len__(self) -> int:
        return self.n_samples

    def __iter__(self) -> Iterator[int]:
        points = torch.rand(
            self.n_samples, generator=self.generator, dtype=torch.float64
        )
        last = len(self.codes) - 1
        for point in points:
            row = torch.searchsorted(self._ends, point * self._ends[-1], right=True)
            yield min(int(row), last)


class Cooldown(Callback):
    """Draw rare groups more often at first, and as they are later.

    In our estimators it draws the rows of each epoch, as many as there are, with
    replacement; at temperature 1 every row comes once, as without it. In a plain
    skorch net it sets the temperature of the `TemperatureSampler` that is the net's
    ``iterator_train__sampler``, step by step.

    Parameters
    ----------
    groups : "y" or array-like of shape (n,), default="y"
        Group of each row given to ``fit``; "y": the classes. Only for our estimators.
    tau_start : float, default=5.0
        Temperature at first; infinity draws all groups alike.
    tau_end : float, default=1.0
        Temperature later. The same as ``tau_start``: no cooldown.
    switch : float, default=0.2
        Share of the epochs after which ``tau_end`` is reached.
    schedule : {"step", "linear", "cosine"}, default="step"
        How it is reached.

    Attributes
    ----------
    tau_ : float
        The temperature now.

    Notes
    -----
    The speed of high temperatures and their overfitting of rare groups reproduce; that
    cooling down is better than the best constant temperature with early stopping did
    not, in our runs. Early stopping judges by held-out rows as they are.

    References
    ----------
    Li, Xu, Tan, Murray & Khashabi (2025), "Upsample or Upweight? Balanced Training on
    Heavily Imbalanced Datasets", NAACL, arXiv:2410.04579.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skoverfit.neural_network import Cooldown, TabularMLPClassifier
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> net = TabularMLPClassifier(callbacks=[Cooldown()], max_epochs=5, random_state=0)
    >>> net.fit(X, y).score(X, y) > 0.8
    True
    """

    tau_: float
    _epoch: int
    _step: int
    _n_batches: int

    def __init__(
        self,
        groups: Any = "y",
        *,
        tau_start: float = 5.0,
        tau_end: float = 1.0,
        switch: float = 0.2,
        schedule: str = "step",
    ) -> None:
        self.groups = groups
        self.tau_start = tau_start
        self.tau_end = tau_end
        self.switch = switch
        self.schedule = schedule

    def temperature(self, share: float) -> float:
        """Return the temperature at a share of the training.

        Parameters
        ----------
        share : float
            In [0, 1].

        Returns
        -------
        float
            The temperature.
        """
        if share >= self.switch:
            return self.tau_end
        if self.schedule == "step":
            return self.tau_start
        part = share / self.switch
        if self.schedule == "cosine":
            part = 0.5 * (1 - math.cos(math.pi * part))
        # In 1 / tau, so that an infinite start cools down, too.
        inverse = (1 - part) / self.tau_start + part / self.tau_end
        return math.inf if inverse == 0 else 1 / inverse

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters."""
        check_tau("Cooldown", "tau_start", self.tau_start)
        check_tau("Cooldown", "tau_end", self.tau_end)
        if not isinstance(self.switch, Real) or not 0 <= self.switch <= 1:
            raise BadInputError(
                "The 'switch' parameter of Cooldown must be a float in [0, 1]. Got "
                f"{self.switch!r} instead."
            )
        if self.schedule not in SCHEDULES:
            raise BadInputError(
                f"The 'schedule' parameter of Cooldown must be one of {SCHEDULES}. Got "
                f"{self.schedule!r} instead."
            )
        self._epoch, self._step, self._n_batches = 0, 0, 1
        self.tau_ = self.temperature(0.0)

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Set the temperature of the epoch."""
        if hasattr(net, "plan"):
            self.tau_ = self.temperature(self._epoch / net.max_epochs)
            codes = _codes_of(self.groups, dataset_train)

            def order(
                net_: int, rows: torch.Tensor, generator: torch.Generator
            ) -> torch.Tensor:
                if self.tau_ == 1:
                    return rows[torch.randperm(len(rows), generator=generator)]
                shares = row_probabilities(codes[rows], self.tau_)
                drawn = torch.multinomial(
                    shares, len(rows), replacement=True, generator=generator
                )
                return rows[drawn]

            dataset_train.order = order
        else:
            sampler = net.get_params_for("iterator_train").get("sampler")
            if not isinstance(sampler, TemperatureSampler):
                raise BadInputError(
                    "Cooldown needs a TemperatureSampler as iterator_train__sampler of "
                    f"a plain skorch net. Got {sampler!r} instead."
                )
            self._sampler = sampler
            size = net.batch_size if net.batch_size > 0 else len(sampler)
            self._n_batches = -(-len(sampler) // size)
            self._set(net)
        self._epoch += 1

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, **_: Any
    ) -> None:
        """Set the temperature of the next step of a plain net."""
        if training and not hasattr(net, "plan"):
            self._step += 1
            self._set(net)

    def _set(self, net: Any) -> None:
        tau = self.temperature(self._step / (self._n_batches * net.max_epochs))
        if tau != self._sampler.tau:
            self._sampler.set_tau(tau)
        self.tau_ = tau

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Forget the sampler."""
        self.__dict__.pop("_sampler", None)


def _codes_of(groups: Any, data: Any) -> torch.Tensor:
    """Return the group of each row of the table that the nets train on."""
    n = len(data.dense)
    if isinstance(groups, str):
        if groups != "y":
            raise BadInputError(
                f"The 'groups' parameter must be 'y' or an array. Got {groups!r}."
            )
        if data.target.is_floating_point():
            raise BadInputError(
                "groups='y' needs classes, but the target is a number; give an array."
            )
        return data.target.cpu()
    codes = group_codes(groups)
    if n % len(codes):
        raise BadInputError(
            f"groups has {len(codes)} rows, but the training has {n} (rows of weight 0 "
            "are left out)."
        )
    return codes.repeat(n // len(codes))
