# SPDX-License-Identifier: BSD-3-Clause
"""Accuracy of a fitted net under an attack of several steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import nn
from torch.nn.functional import nll_loss

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._attacks import ascended, checked_range, moving_columns
from skoverfit.neural_network._data import Batch

__all__ = ["pgd_accuracy"]


@dataclass
class _Attacked:
    """What an attack needs of a net, whatever kind it is."""

    module: nn.Module
    rows: torch.Tensor
    target: torch.Tensor
    n_numeric: int
    log_probabilities: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def pgd_accuracy(
    net: Any,
    X: Any,
    y: Any,
    eps: float = 0.1,
    *,
    n_steps: int = 50,
    n_restarts: int = 10,
    step_size: float | None = None,
    feature_range: Any = None,
    frozen_features: Sequence[int] | None = None,
    batch_size: int = 1024,
    random_state: Any = None,
) -> float:
    """Compute the accuracy of a net on rows that were moved to mislead it.

    Each row moves by projected gradient ascent (PGD) on its cross-entropy, within
    ``eps`` in every column: first from the row itself, then from random places in the
    radius. A row counts as right if the net is right on it before and after all
    attacks. The number is an upper bound of the robust accuracy: a stronger attack may
    find more.

    Parameters
    ----------
    net : TabularMLPClassifier, skorch.NeuralNetClassifier or torch.nn.Module
        Fitted; returns one logit a class. It is left as it was.
    X : table of shape (n_samples, n_features)
        Rows, best ones that were not trained on. For a skorch net or a module an array
        or a tensor of any shape behind the first axis.
    y : array-like of shape (n_samples,)
        Their labels; class codes for a skorch net or a module.
    eps : float, default=0.1
        Radius in each column. For our estimators it is in units of the encoded columns,
        as in `AdversarialStep`: about the spread of a column. 0 is the plain accuracy.
    n_steps : int, default=50
        Steps of an attack.
    n_restarts : int, default=10
        Attacks on each row that still is right.
    step_size : float, default=None
        Length of a step; None is ``eps / 4``.
    feature_range : tuple of float or None, default=None
        Lowest and highest value of moved rows; None keeps them anywhere.
    frozen_features : sequence of int, default=None
        Dense columns that never move. In our estimators those that are not numbers
        don't, anyway.
    batch_size : int, default=1024
        Rows that are attacked at once.
    random_state : int, RandomState instance or None, default=None
        Seed of the random places.

    Returns
    -------
    float
        In [0, 1], at most the plain accuracy.

    Raises
    ------
    BadInputError
        If a parameter can't be used, or the net doesn't return one logit a class.

    See Also
    --------
    AdversarialMonitor : Two attacks after each epoch of a training.
    AdversarialStep : Training that resists.

    Notes
    -----
    Costs ``n_steps * n_restarts`` passes forward and backward on rows that resist.
    An ensemble is attacked by the mean of its nets' probabilities, read as
    cross-entropy; whether it still is right is told by its own ``predict``.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras & Vladu (2018), "Towards Deep Learning Models
    Resistant to Adversarial Attacks", ICLR, arXiv:1706.06083.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier, pgd_accuracy
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(n_estimators=2, max_epochs=20, random_state=0)
    >>> net = net.fit(X, y)
    >>> pgd_accuracy(net, X, y, 0.5, n_steps=5, n_restarts=1) < net.score(X, y)
    True
    """
    step_size = _checked(eps, step_size, n_steps, n_restarts, batch_size)
    box = checked_range(feature_range, "pgd_accuracy", data=False) or (None, None)
    check_consistent_length(X, y)
    given = _attacked(net, X, y)
    width = given.rows.shape[-1]
    n_numeric = min(given.n_numeric, width)
    moves = moving_columns(width, n_numeric, frozen_features, "pgd_accuracy")
    moves = moves.to(given.rows)
    entropy = root_entropy(random_state)
    right = 0
    with _evaluating(given.module):
        for first in range(0, len(given.rows), batch_size):
            part = torch.arange(first, min(first + batch_size, len(given.rows)))
            drawn = torch.Generator().manual_seed(derive_seed(entropy, "pgd", first))
            part = part[_is_right(given, given.rows[part], part)]
            for restart in range(n_restarts if eps > 0 else 0):
                if not len(part):
                    break
                rows = given.rows[part]
                begin = None
                if restart:
                    noise = torch.empty(rows.shape).uniform_(-1, 1, generator=drawn)
                    begin = rows + eps * moves * noise.to(rows)
                target = given.target[part]

                def losses(
                    moved: torch.Tensor,
                    part: torch.Tensor = part,
                    target: torch.Tensor = target,
                ) -> torch.Tensor:
                    logs = given.log_probabilities(moved, part)
                    return nll_loss(logs, target, reduction="none")

                moved = ascended(
                    rows,
                    losses,
                    eps=float(eps),
                    step_size=step_size,
                    n_steps=n_steps,
                    moves=moves,
                    begin=begin,
                    box=box,
                )
                part = part[_is_right(given, moved, part)]
            right += len(part)
    return right / len(given.rows)


def _checked(
    eps: Any, step_size: Any, n_steps: Any, n_restarts: Any, batch_size: Any
) -> float:
    """Check the numbers; return the length of a step."""
    for name, value in (("eps", eps), ("step_size", step_size)):
        if value is None and name == "step_size":
            continue
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not 0 <= value < math.inf:
            raise BadInputError(
                f"The '{name}' parameter of pgd_accuracy must be a float of at least "
                f"0. Got {value!r} instead."
            )
    counts = {"n_steps": n_steps, "n_restarts": n_restarts, "batch_size": batch_size}
    for name, value in counts.items():
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or value < 1:
            raise BadInputError(
                f"The '{name}' parameter of pgd_accuracy must be a positive integer. "
                f"Got {value!r} instead."
            )
    return float(eps) / 4 if step_size is None else float(step_size)


@torch.no_grad()
def _is_right(given: _Attacked, rows: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    found = given.predict(rows, part).to(given.target.device) == given.target[part]
    return found.cpu()


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    was = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was)


def _attacked(net: Any, X: Any, y: Any) -> _Attacked:
    if isinstance(net, nn.Module):
        parameter = next(net.parameters(), torch.empty(0))
        return _plain(net, net, X, y, parameter.device)
    if hasattr(net, "to_torch") and is_classifier(net):
        check_is_fitted(net)
        return _of_estimator(net, X, y)
    if hasattr(net, "infer"):
        check_is_fitted(net)
        return _plain(net.module_, net.infer, X, y, torch.device(net.device))
    raise BadInputError(
        "The 'net' parameter of pgd_accuracy must be a tabular classifier of this "
        "library, a skorch classifier or a torch module. Got "
        f"{type(net).__name__} instead."
    )


def _of_estimator(net: Any, X: Any, y: Any) -> _Attacked:
    dense, codes = net.encode(X)
    held = net.net_
    device = torch.device(held.device)
    rows = torch.from_numpy(dense).to(device)
    told = None if codes is None else torch.from_numpy(codes).to(device)
    labels = np.asarray(y)
    unknown = ~np.isin(labels, net.classes_)
    if unknown.any():
        raise BadInputError(
            f"y has the label {labels[unknown].tolist()[0]!r}, which the net doesn't "
            f"know: {net.classes_.tolist()}."
        )
    target = torch.from_numpy(np.searchsorted(net.classes_, labels)).to(device)

    def outputs(moved: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        more = None if told is None else told[part]
        if held.n_nets > 1:
            moved = moved.expand(held.n_nets, *moved.shape)
            more = None if more is None else more.expand(held.n_nets, *more.shape)
        batch = Batch(dense=moved, codes=more, target=moved, weight=None, count=0)
        found: torch.Tensor = held._decode(held._encode(batch))
        return found if held.n_nets > 1 else found.unsqueeze(0)

    def log_probabilities(moved: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        logs = outputs(moved, part).log_softmax(dim=-1)
        return logs.logsumexp(dim=0) - math.log(len(logs))

    def predict(moved: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        found = outputs(moved, part).double().cpu().numpy()
        return torch.from_numpy(net._scores_of(found).argmax(axis=1))

    n_numeric = getattr(held.module_, "n_numeric", rows.shape[1])
    return _Attacked(held.module_, rows, target, n_numeric, log_probabilities, predict)


def _plain(
    module: nn.Module, run: Callable[..., Any], X: Any, y: Any, device: torch.device
) -> _Attacked:
    rows = torch.as_tensor(np.asarray(X) if not isinstance(X, torch.Tensor) else X)
    if not rows.is_floating_point():
        raise BadInputError(
            f"pgd_accuracy can move floats only. Got X of {rows.dtype} instead."
        )
    target = torch.as_tensor(np.asarray(y) if not isinstance(y, torch.Tensor) else y)
    if target.is_floating_point() or target.dim() != 1:
        raise BadInputError(
            "pgd_accuracy needs the class codes of the rows, one integer each. Got y "
            f"of {target.dtype} with the shape {tuple(target.shape)}."
        )
    with _evaluating(module), torch.no_grad():
        found = run(rows[:1].to(device))
    if not isinstance(found, torch.Tensor) or found.dim() != 2 or found.shape[1] < 2:
        shape = tuple(getattr(found, "shape", ()))
        raise BadInputError(
            "pgd_accuracy needs a net that returns a tensor with one logit a class. A "
            f"row gave {type(found).__name__} of the shape {shape}."
        )
    if int(target.min()) < 0 or int(target.max()) >= found.shape[1]:
        raise BadInputError(
            f"y has codes from {int(target.min())} to {int(target.max())}, but the net "
            f"has {found.shape[1]} outputs."
        )
    rows, target = rows.to(device), target.to(device).long()

    def log_probabilities(moved: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        logs: torch.Tensor = run(moved).log_softmax(dim=-1)
        return logs

    def predict(moved: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        best: torch.Tensor = run(moved).argmax(dim=-1)
        return best

    n_numeric = rows.shape[-1]
    return _Attacked(module, rows, target, n_numeric, log_probabilities, predict)
