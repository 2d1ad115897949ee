# SPDX-License-Identifier: BSD-3-Clause
"""Watch whether a net that fits wrong labels learns the right ones nevertheless."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from skoverfit._core._arrays import kind_of, n_rows, to_numpy
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._data import NetData

__all__ = ["GrokkingMonitor"]


class GrokkingMonitor(Callback):
    """Note after each epoch what the net has learnt by heart and what it knows.

    A net may fit all wrong labels and predict at chance, and a few steps later predict
    almost perfectly while it still fits them: harmful overfitting that turns benign,
    or grokking. Early stopping would end such a training at the wrong place. History
    gets ``step``, ``train_accuracy``, ``test_accuracy`` and, with ``y_clean``,
    ``flipped_accuracy``, means over the nets; so does ``history_`` of this library's
    estimators. `skoverfit.inspection.GrokkingDisplay` draws them.

    Parameters
    ----------
    X_test : table of shape (n_test, n_features)
        New rows, as ``fit`` gets them. They are kept with the net; give an array
        where it is to be saved to a safe file.
    y_test : array-like of shape (n_test,)
        Their labels, which should be right.
    y_clean : array-like of shape (n_samples,), default=None
        Right labels of the training rows, in their order. Where they differ from those
        that are trained on, ``flipped_accuracy`` is the share of rows that the net has
        learnt by heart.
    every : int, default=1
        Epochs between two looks; the last one before the training ends may be missed.

    Attributes
    ----------
    records_ : list of dict
        What was noted. An estimator copies its callbacks and leaves yours unused; look
        at its ``history_`` then.

    See Also
    --------
    skoverfit.inspection.GrokkingDisplay : Picture of what was noted.
    skoverfit.datasets.make_xor_clusters : Rows on which nets grok.

    References
    ----------
    Xu, Wang, Frei, Vardi & Hu (2024), "Benign Overfitting and Grokking in ReLU Networks
    for XOR Cluster Data", ICLR, arXiv:2310.02541.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from skoverfit.neural_network import GrokkingMonitor, TabularMLPClassifier
    >>> X, X_test, y, y_test = train_test_split(
    ...     *load_iris(return_X_y=True), random_state=0)
    >>> noisy = y.copy()
    >>> noisy[:10] = (y[:10] + 1) % 3
    >>> net = TabularMLPClassifier(
    ...     callbacks=[GrokkingMonitor(X_test, y_test, y_clean=y)], max_epochs=3,
    ...     random_state=0).fit(X, noisy)
    >>> sorted(set(net.history_[-1]) & {"train_accuracy", "flipped_accuracy", "step"})
    ['flipped_accuracy', 'step', 'train_accuracy']
    """

    records_: list[dict[str, float]]
    _steps: int

    def __init__(
        self, X_test: Any, y_test: Any, *, y_clean: Any = None, every: int = 1
    ) -> None:
        self.X_test = X_test
        self.y_test = y_test
        self.y_clean = y_clean
        self.every = every

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what the next look makes again: tensors are in no safe file."""
        state = dict(self.__dict__)
        if "_known" in state:
            state["_known"] = None
        return state

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:
        """Check the parameters."""
        check_same_length(self.X_test, self.y_test)
        if not isinstance(self.every, Integral) or self.every < 1:
            raise BadInputError(
                "The 'every' parameter of GrokkingMonitor must be a positive integer. "
                f"Got {self.every!r} instead."
            )
        self.records_ = []
        self._steps = 0
        self._known: tuple[Any, ...] | None = None

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **_: Any) -> None:
        """Predict all rows and note how many are as they should be."""
        ours = isinstance(dataset_train, NetData)
        if not ours:
            self._steps += len(net.history[-1].get("batches", ()))
        if len(net.history) % self.every:
            return
        module, was = net.module_, net.module_.training
        try:
            look = self._look_at_table if ours else self._look_at_rows
            found = look(net, dataset_train)
        finally:
            module.train(was)
        self.records_.append(found)
        for name, value in found.items():
            net.history.record(name, value)

    def _look_at_table(self, net: Any, data: NetData) -> dict[str, float]:
        """Look at nets of this library, each with its own training rows."""
        if data.target.is_floating_point() or data.classes is None:
            raise BadInputError(
                "GrokkingMonitor needs classes, not numbers, as target."
            )
        if self._known is None:
            self._known = self._encoded(data)
        dense, codes, y_test, flipped = self._known
        target = data.target.cpu()
        here = net.outputs(data.dense, data.codes).argmax(dim=-1).cpu()
        there = net.outputs(dense, codes).argmax(dim=-1).cpu()
        right = here == target
        rows = [each.cpu() for each in data.train]
        found = {
            "step": net.n_steps_,
            "train_accuracy": _mean([r[k] for r, k in zip(right, rows, strict=True)]),
            "test_accuracy": _mean([t == y_test for t in there]),
        }
        if flipped is not None:
            learnt = [r[k[flipped[k]]] for r, k in zip(right, rows, strict=True)]
            if any(len(each) for each in learnt):
                found["flipped_accuracy"] = _mean([e for e in learnt if len(e)])
        return found

    def _encoded(self, data: NetData) -> tuple[Any, ...]:
        classes = data.classes
        X = self.X_test
        if data.encoder.nominal_columns is None:
            dense = X.toarray() if kind_of(X) == "sparse" else to_numpy(X)
            X = np.asarray(dense, dtype=np.float64)
        kind = np.float32 if data.dense.dtype is torch.float32 else np.float64
        rows = data.encoder.transform(X, dtype=kind)
        codes = None if rows.codes is None else torch.from_numpy(rows.codes)
        y_test = torch.from_numpy(_coded(self.y_test, classes, "y_test"))
        flipped = None
        if self.y_clean is not None:
            clean = _coded(self.y_clean, classes, "y_clean")
            self._check_clean(len(data.target))
            flipped = data.target.cpu() != torch.from_numpy(clean)
        return torch.from_numpy(rows.dense), codes, y_test, flipped

    def _look_at_rows(self, net: Any, data: Any) -> dict[str, float]:
        """Look at a plain net of skorch, whose labels are codes."""
        if self._known is None:
            labels = np.array([int(data[i][1]) for i in range(len(data))])
            flipped = None
            if self.y_clean is not None:
                self._check_clean(len(data))
                flipped = torch.from_numpy(to_numpy(self.y_clean) != labels)
            self._known = (
                torch.from_numpy(labels),
                torch.from_numpy(np.asarray(to_numpy(self.y_test), dtype=np.int64)),
                flipped,
            )
        labels, y_test, flipped = self._known
        here = _predicted(net.forward(data)) == labels
        there = _predicted(net.forward(self.X_test)) == y_test
        found = {
            "step": self._steps,
            "train_accuracy": _mean([here]),
            "test_accuracy": _mean([there]),
        }
        if flipped is not None and bool(flipped.any()):
            found["flipped_accuracy"] = _mean([here[flipped]])
        return found

    def _check_clean(self, n: int) -> None:
        if n_rows(self.y_clean) != n:
            raise BadInputError(
                f"The 'y_clean' parameter of GrokkingMonitor has {n_rows(self.y_clean)}"
                f" labels, but the net is trained on {n} rows (those of weight 0 and "
                "those that skorch holds out are not among them)."
            )


def _coded(y: Any, classes: np.ndarray, name: str) -> np.ndarray:
    """Return the places of labels among the classes."""
    found, codes = check_labels(y, name)
    unknown = ~np.isin(found, classes)
    if unknown.any():
        raise BadInputError(
            f"The '{name}' parameter of GrokkingMonitor has the label "
            f"{found[unknown].tolist()[0]!r}, which is not in y: "
            f"{classes[:10].tolist()}."
        )
    return np.searchsorted(classes, found).astype(np.int64)[codes]


def _predicted(output: torch.Tensor) -> torch.Tensor:
    """Return classes; one output a row is a margin."""
    output = output.cpu()
    if output.dim() == 1 or output.shape[1] == 1:
        return (output.reshape(-1) > 0).long()
    return output.argmax(dim=1)


def _mean(right: list[torch.Tensor]) -> float:
    """Return the mean over nets of the share of rows that are right."""
    return float(torch.stack([each.double().mean() for each in right]).mean())
