# SPDX-License-Identifier: BSD-3-Clause
"""Nested dropout: features in order of importance, and how many of them to keep."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._loss_base import check_number

__all__ = ["NestedDropout", "best_width", "width_probabilities"]

_LAWS = ("gaussian", "geometric")


def width_probabilities(
    n_features: int, sigma: float, mu: float = 0.0, distribution: str = "gaussian"
) -> np.ndarray:
    """Return the probabilities of keeping the first 1, 2, ... features.

    Parameters
    ----------
    n_features : int
        Features.
    sigma, mu : float
        Of ``exp(-((k - mu) / sigma) ** 2)``; the geometric law falls by
        ``exp(-1 / sigma)`` from one width to the next and knows no ``mu``.
    distribution : {"gaussian", "geometric"}
        The law.
    """
    k = np.arange(1, n_features + 1, dtype=np.float64)
    logs = -(((k - mu) / sigma) ** 2) if distribution == "gaussian" else -k / sigma
    p: np.ndarray = np.exp(logs - logs.max())
    return p / p.sum()


class NestedDropout(nn.Module):
    """Keep the first features of a layer, a random number of them.

    In each step of training the first ``k`` features stay as they are and the others
    become zero, where ``P(k)`` is proportional to ``exp(-((k - mu) / sigma)^2)`` [1]_.
    What a net needs it has to put into the first features: they are ordered by
    importance, and few of them are enough, which leaves little room to remember wrong
    labels. Unlike in dropout, what stays is not scaled.

    Parameters
    ----------
    sigma : float, default=10.0
        Width of the law; the paper has 10 for ten classes and 100 for a hundred. With a
        very large one all widths are equally probable.
    mu : float, default=0.0
        Most probable width; 0 as published.
    per_sample : bool, default=False
        Whether each row has a ``k`` of its own; the paper has one a batch.
    distribution : {"gaussian", "geometric"}, default="gaussian"
        "geometric" is the law of the first paper on nested dropout [2]_, with the
        ratio ``exp(-1 / sigma)``.
    n_active : int or None, default=None
        Features that are kept in evaluation; None keeps all.
    n_nets : int, default=1
        Nets in a stack; each draws its own ``k``.

    See Also
    --------
    skoverfit.noisy_labels.CompressedMLPClassifier : A net that has it and chooses the
        width.

    Notes
    -----
    The layer behind should have no bias, so that no class is preferred for what was
    left out. For a linear autoencoder nested dropout finds the principal components in
    their order [2]_.

    References
    ----------
    .. [1] Chen, Hu, Shen, Ai & Suykens (2022), "Compressing features for learning with
       noisy labels", IEEE TNNLS, arXiv:2206.13140.
    .. [2] Rippel, Gelbart & Adams (2014), "Learning ordered representations with nested
       dropout", ICML, arXiv:1402.0915.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.neural_network import NestedDropout
    >>> layer = NestedDropout(sigma=2.0, n_active=3)
    >>> layer.eval()(torch.ones(1, 5))
    tensor([[1., 1., 1., 0., 0.]])
    >>> torch.manual_seed(0)
    <torch._C.Generator object at ...>
    >>> layer.train()(torch.ones(1, 5))
    tensor([[1., 0., 0., 0., 0.]])
    """

    def __init__(
        self,
        sigma: float = 10.0,
        mu: float = 0.0,
        *,
        per_sample: bool = False,
        distribution: str = "gaussian",
        n_active: int | None = None,
        n_nets: int = 1,
    ) -> None:
        super().__init__()
        self.sigma = check_number(self, "sigma", sigma, 0, closed="neither")
        self.mu = check_number(self, "mu", mu, -1e9, 1e9)
        if distribution not in _LAWS:
            raise BadInputError(
                "The 'distribution' parameter of NestedDropout must be one of "
                f"{list(_LAWS)}. Got {distribution!r} instead."
            )
        if n_active is not None and (
            not isinstance(n_active, Integral) or n_active < 1
        ):
            raise BadInputError(
                "The 'n_active' parameter of NestedDropout must be an integer of at "
                f"least 1, or None. Got {n_active!r} instead."
            )
        self.per_sample, self.distribution = bool(per_sample), distribution
        self.n_nets = n_nets
        # Of each net; 0 keeps all. No buffer: stacks divide parameters among nets.
        self.active = nn.Parameter(
            torch.full((n_nets,), float(n_active or 0)), requires_grad=False
        )
        self.generators: Sequence[torch.Generator] | None = None
        self._law: torch.Tensor | None = None

    def extra_repr(self) -> str:
        """Return the parameters for the ``repr``.

        Returns
        -------
        str
            As they are written in the constructor.
        """
        return (
            f"sigma={self.sigma:g}, mu={self.mu:g}, per_sample={self.per_sample}, "
            f"distribution={self.distribution!r}"
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Mask the last features.

        Parameters
        ----------
        input : tensor of shape (..., n_features)
            With the net axis first where there are several nets.

        Returns
        -------
        tensor
            Of the same shape.
        """
        n_features = input.shape[-1]
        place = torch.arange(n_features, device=input.device)
        if self.training:
            kept = self._drawn(input)
        else:
            kept = torch.where(self.active > 0, self.active, n_features)
            kept = kept.view(-1, *[1] * (input.dim() - 1))
            kept = kept if len(kept) > 1 else kept.view(1)
        return input * (place < kept)

    def _drawn(self, x: torch.Tensor) -> torch.Tensor:
        """Return how many features are kept, to be compared with ``(..., D)``."""
        if self._law is None or len(self._law) != x.shape[-1]:
            p = width_probabilities(x.shape[-1], self.sigma, self.mu, self.distribution)
            self._law = torch.from_numpy(p.cumsum()).float()
        law = self._law = self._law.to(x.device)
        parts = x.unsqueeze(0) if x.dim() < 3 else x
        generators: Any = self.generators or [None] * len(parts)
        count = parts[0].shape[0] if self.per_sample and parts[0].dim() > 1 else 1
        uniform = torch.stack(
            [torch.rand(count, generator=g, device=x.device) for g in generators]
        )
        kept = torch.searchsorted(law, uniform).clamp(max=x.shape[-1] - 1) + 1
        kept = kept.unsqueeze(-1)  # (n_nets, rows or 1, 1)
        return kept if x.dim() > 2 else kept[0]


def best_width(
    features: np.ndarray,
    weight: np.ndarray,
    rest: np.ndarray,
    codes: np.ndarray,
    *,
    penalty: float = 1e-5,
) -> int:
    """Return the number of features with the best accuracy on held-out rows.

    ``argmax_k (accuracy_k - penalty k)``, as published.

    Parameters
    ----------
    features : ndarray of shape (n, d)
        Features without a mask.
    weight : ndarray of shape (d, n_classes)
        The last layer.
    rest : ndarray of shape (n, n_classes)
        What is added to the outputs whatever the width.
    codes : ndarray of int of shape (n,)
        Classes of the rows.
    """
    logits = rest.astype(np.float64)
    scores = np.empty(len(weight))
    for k, row in enumerate(weight):
        logits = logits + features[:, k, None] * row
        scores[k] = np.mean(logits.argmax(axis=1) == codes) - penalty * (k + 1)
    return int(scores.argmax()) + 1
