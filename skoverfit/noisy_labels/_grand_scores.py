# SPDX-License-Identifier: BSD-3-Clause
"""GraNd: the norm of the gradient that a row gives to a net."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from skoverfit._core._random import root_entropy
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import torch

__all__ = ["grand_scores"]

# Numbers of the gradients of a block of rows: 256 MiB in float32.
_NUMBERS_AT_ONCE = 1 << 26


@validate_params(
    {
        "estimator": [HasMethods(["fit"])],
        "X": "no_validation",
        "y": "no_validation",
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "epochs": "no_validation",
        "scope": [StrOptions({"last_layer", "all"})],
        "random_state": ["random_state", np.random.Generator],
    },
    prefer_skip_nested_validation=True,
)
def grand_scores(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_runs: int = 10,
    epochs: int | float = 0.1,
    scope: Literal["last_layer", "all"] = "last_layer",
    random_state: Any = None,
) -> np.ndarray:
    """Return the mean norm of each row's gradient early in training (GraNd).

    The norm of the gradient of a row's loss, averaged over trainings (Paul, Ganguli and
    Dziugaite). See :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : TabularMLPClassifier
        Is cloned; ``n_runs`` nets are trained at once, on all rows.
    X : table of shape (n, p)
        What the net takes.
    y : array-like of shape (n,)
        Labels.
    n_runs : int, default=10
        Nets.
    epochs : int or float, default=0.1
        How long they are trained: epochs, or a share of ``max_epochs``.
    scope : {"last_layer", "all"}, default="last_layer"
        Parameters whose gradient is taken: weights and biases of the last layer, whose
        norm has a closed form, or all that are trained.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray of shape (n,)
        Norms, of the loss that the net is trained on, without weights and masks.

    Raises
    ------
    BadInputError
        Where the estimator is no `TabularMLPClassifier`, or a parameter can't be used.

    See Also
    --------
    el2n_scores : Needs no gradient, and does as well in the paper.

    Notes
    -----
    There are no scores before the first epoch: that GraNd works at the start came from
    a faulty restart; there it follows the size of the row and is no better than chance
    [2]_.

    References
    ----------
    .. [1] M. Paul, S. Ganguli and G. K. Dziugaite (2021), Deep learning on a data diet:
       finding important examples early in training, NeurIPS, arXiv:2107.07075.
    .. [2] A. Kirsch (2023), Does "Deep learning on a data diet" reproduce? Overall yes,
       but GraNd at initialization does not, TMLR, arXiv:2303.14753.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import TabularMLPClassifier
    >>> from skoverfit.noisy_labels import grand_scores
    >>> X, y = load_iris(return_X_y=True)
    >>> y[3] = 2
    >>> net = TabularMLPClassifier((32,), linear_start=False)
    >>> scores = grand_scores(net, X, y, n_runs=5, epochs=10, random_state=0)
    >>> int(scores.argmax())
    3
    """
    from skoverfit.noisy_labels._early_training import (
        check_epochs,
        check_net,
        encoded,
        trained_nets,
    )

    check_net(estimator, "grand_scores")
    if estimator.module is not None and scope == "last_layer":
        raise BadInputError(
            "scope='last_layer' knows the last layer of our own perceptrons only; use "
            "scope='all' with a module of your own."
        )
    nets, codes = trained_nets(
        estimator,
        X,
        y,
        n_runs=n_runs,
        epochs=check_epochs(epochs, estimator.max_epochs),
        entropy=root_entropy(random_state),
    )
    import torch

    dense, nominal = encoded(nets, X)
    target = torch.from_numpy(codes)
    norms = _last_layer if scope == "last_layer" else _all_layers
    nets.net_.module_.eval()
    return norms(nets.net_, dense, nominal, target).mean(axis=0)


def _expanded(net: Any, rows: torch.Tensor) -> torch.Tensor:
    """Give rows the net axis, where there are several nets."""
    return rows if net.n_nets == 1 else rows.expand(net.n_nets, *rows.shape)


def _encoded_inputs(
    net: Any, dense: torch.Tensor, nominal: torch.Tensor | None
) -> torch.Tensor:
    from skoverfit.neural_network._data import Batch

    codes = None if nominal is None else _expanded(net, nominal)
    rows = _expanded(net, dense)
    return net._encode(
        Batch(dense=rows, codes=codes, target=rows, weight=None, count=0)
    )


def _output_slopes(
    net: Any, rows: torch.Tensor, codes: torch.Tensor | None, target: torch.Tensor
) -> torch.Tensor:
    """Return the gradient of each row's loss by the outputs, in their shape."""
    import torch

    from skoverfit.neural_network._losses import row_losses

    with torch.no_grad():
        output = net._decode(_encoded_inputs(net, rows, codes))
    output.requires_grad_()
    losses = row_losses(net.criterion_, output, _expanded(net, target))
    (slope,) = torch.autograd.grad(losses.sum(), output)
    return slope


def _last_layer(
    net: Any,
    dense: torch.Tensor,
    nominal: torch.Tensor | None,
    target: torch.Tensor,
) -> np.ndarray:
    """Return ``|g| sqrt(|h|^2 + 1)``: g by the logits, h what the layer reads."""
    import torch

    seen: list[torch.Tensor] = []
    handle = net.module_.head.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].detach())
    )
    made = []
    try:
        step = net.rows_at_once(dense.shape[1])
        for first in range(0, len(dense), step):
            part = slice(first, first + step)
            seen.clear()
            rows = dense[part].to(net.device)
            codes = None if nominal is None else nominal[part].to(net.device)
            slope = _output_slopes(net, rows, codes, target[part].to(net.device))
            size = (seen[0].double().square().sum(dim=-1) + 1).sqrt()
            norm = slope.double().norm(dim=-1) * size
            made.append(norm.reshape(net.n_nets, -1).cpu())
    finally:
        handle.remove()
    return torch.cat(made, dim=1).numpy()


def _all_layers(
    net: Any,
    dense: torch.Tensor,
    nominal: torch.Tensor | None,
    target: torch.Tensor,
) -> np.ndarray:
    """Return the norms of whole gradients, row by row in blocks."""
    import torch
    from torch.func import functional_call, grad, vmap

    module = net.module_
    learnt = {k: p.detach() for k, p in module.named_parameters() if p.requires_grad}
    rest = {k: p.detach() for k, p in module.named_parameters() if not p.requires_grad}
    owner = getattr(module, "owner", None)

    def pulled(
        parameters: dict[str, torch.Tensor],
        row: torch.Tensor,
        code: torch.Tensor | None,
        slope: torch.Tensor,
    ) -> torch.Tensor:
        # Its gradient is that of the loss whose gradient by the output is `slope`: a
        # loss that looks at its labels can't be run under vmap.
        rows = _expanded(net, row.unsqueeze(0))
        codes = () if code is None else (_expanded(net, code.unsqueeze(0)),)
        output = functional_call(module, {**parameters, **rest}, (rows, *codes))
        return (output * slope.view_as(output)).sum()

    slopes = vmap(grad(pulled), in_dims=(None, 0, None if nominal is None else 0, 0))
    numbers = sum(p.numel() for p in learnt.values())
    step = max(1, _NUMBERS_AT_ONCE // max(numbers, 1))
    made = []
    for first in range(0, len(dense), step):
        part = slice(first, first + step)
        codes = None if nominal is None else nominal[part].to(net.device)
        rows = dense[part].to(net.device)
        slope = _output_slopes(net, rows, codes, target[part].to(net.device))
        by_row = slope if slope.dim() == 2 else slope.transpose(0, 1)
        found = slopes(learnt, rows, codes, by_row)
        squares = torch.zeros(len(dense[part]), net.n_nets, dtype=torch.float64)
        for name, own in found.items():
            size = own.double().square()
            if net.n_nets == 1:
                squares[:, 0] += size.flatten(1).sum(dim=1).cpu()
            elif owner is not None:  # modules of any kind, each with its parameters
                squares[:, owner(name)] += size.flatten(1).sum(dim=1).cpu()
            else:
                squares += size.flatten(2).sum(dim=2).cpu()
        made.append(squares.sqrt().T)
    return torch.cat(made, dim=1).numpy()
