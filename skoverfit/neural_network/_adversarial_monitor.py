# SPDX-License-Identifier: BSD-3-Clause
"""Watch whether adversarial training with one step still makes a net robust."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import torch
from skorch.callbacks import Callback
from skorch.utils import to_tensor

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._adversarial import plain_row_losses
from skoverfit.neural_network._attack import climb, row_slope
from skoverfit.neural_network._data import Batch, NetData

__all__ = ["AdversarialMonitor"]


class AdversarialMonitor(Callback):
    """Attack the net after each epoch, in one step and in several.

    Where the accuracy under the single step rises while that under several falls, the
    training has broken down ("catastrophic overfitting"); the share of rows whose loss
    the single step *lowers* rises before. History gets ``fgsm_accuracy``,
    ``pgd_accuracy`` and ``abnormal_rate``, means over the nets.

    Parameters
    ----------
    eps : float, default=0.1
        Radius of the attacks.
    n_steps : int, default=10
        Steps of the stronger attack, each of ``eps / 4``.
    n_rows : int, default=256
        Training rows that are attacked, the first ones.
    stop_gap : float, default=None
        End the training where the first accuracy is above the second by more than
        this; 0.2 is a good value. None goes on.

    Attributes
    ----------
    stopped_ : bool
        Whether the gap ended the training.

    See Also
    --------
    skoverfit.inspection.pgd_accuracy : The stronger attack on a fitted net.

    References
    ----------
    Lin, Yu & Liu (2023), "Eliminating Catastrophic Overfitting Via Abnormal Adversarial
    Examples Regularization", NeurIPS, arXiv:2404.08154.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import (
    ...     AdversarialMonitor, AdversarialStep, TabularMLPClassifier)
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier(
    ...     batch_step=AdversarialStep(0.2), callbacks=[AdversarialMonitor(0.2)],
    ...     max_epochs=3, random_state=0).fit(X, y)
    >>> row = net.net_.history[-1]
    >>> 0 <= row["pgd_accuracy"] <= row["fgsm_accuracy"] <= 1
    True
    """

    stopped_: bool

    def __init__(
        self,
        eps: float = 0.1,
        *,
        n_steps: int = 10,
        n_rows: int = 256,
        stop_gap: float | None = None,
    ) -> None:
        self.eps = eps
        self.n_steps = n_steps
        self.n_rows = n_rows
        self.stop_gap = stop_gap

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters."""
        if not isinstance(self.eps, Real) or not self.eps >= 0:
            raise BadInputError(
                "The 'eps' parameter of AdversarialMonitor must be a float of at least "
                f"0. Got {self.eps!r} instead."
            )
        for name in ("n_steps", "n_rows"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise BadInputError(
                    f"The '{name}' parameter of AdversarialMonitor must be a positive "
                    f"integer. Got {value!r} instead."
                )
        self.stopped_ = False

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Attack the rows and note how the net did."""
        module, was = net.module_, net.module_.training
        module.eval()
        try:
            with torch.enable_grad():
                numbers = self._attacked(net, dataset_train)
        finally:
            module.train(was)
        for name, value in numbers.items():
            net.history.record(name, value)
        gap = numbers["fgsm_accuracy"] - numbers["pgd_accuracy"]
        if self.stop_gap is not None and gap > self.stop_gap:
            self.stopped_ = True
            raise KeyboardInterrupt

    def _attacked(self, net: Any, data: Any) -> dict[str, float]:
        dense, codes, target, output = self._rows(net, data)
        moves = torch.zeros(dense.shape[-1], dtype=dense.dtype, device=dense.device)
        moves[: getattr(net.module_, "n_numeric", dense.shape[-1])] = 1.0

        slope = row_slope(
            lambda rows: plain_row_losses(output(rows, codes), target), moves
        )
        single = dense + self.eps * slope(dense)
        several = climb(
            dense,
            slope,
            eps=self.eps,
            step_size=self.eps / 4,
            n_steps=self.n_steps,
        )
        with torch.no_grad():
            before, after, strong = (
                output(rows, codes) for rows in (dense, single, several)
            )
            was, became = (plain_row_losses(o, target) for o in (before, after))
            # The stronger attack is the worse of the two for each row.
            hit = after.argmax(dim=-1) == target
            kept = (strong.argmax(dim=-1) == target) & hit
        return {
            "fgsm_accuracy": float(hit.double().mean()),
            "pgd_accuracy": float(kept.double().mean()),
            "abnormal_rate": float((was > became).double().mean()),
        }

    def _rows(self, net: Any, data: Any) -> Any:
        """Return dense columns, codes, target, and what gives outputs for them."""
        if isinstance(data, NetData):
            n = min(self.n_rows, *(len(rows) for rows in data.train))
            rows = torch.stack([rows[:n] for rows in data.train]).to(data.dense.device)
            dense, codes, target = data.gather(rows if len(rows) > 1 else rows[0])

            def output(dense: torch.Tensor, codes: Any) -> torch.Tensor:
                batch = Batch(
                    dense=dense, codes=codes, target=dense, weight=None, count=0
                )
                return net._decode(net._encode(batch))

        else:
            pairs = [data[i] for i in range(min(self.n_rows, len(data)))]
            dense, target = (
                torch.stack([torch.as_tensor(pair[part]) for pair in pairs])
                for part in (0, 1)
            )
            dense = to_tensor(dense, device=net.device)
            target, codes = to_tensor(target, device=net.device), None

            def output(dense: torch.Tensor, codes: Any) -> torch.Tensor:
                return net.infer(dense)

        if target.is_floating_point():
            raise BadInputError(
                "AdversarialMonitor needs classes, not numbers, as target."
            )
        return dense, codes, target, output
