# SPDX-License-Identifier: BSD-3-Clause
"""From logits to honest probabilities: what the loss says, or a fit on held-out rows.

A loss that is no proper scoring rule leaves logits whose softmax is no probability.
Where the loss can be inverted, its `log_probabilities` do it. Where it can't, one slope
and one offset a class are fitted to the logits of rows that the nets did not train on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from skoverfit.neural_network._encoding import TableEncoder
from skoverfit.neural_network._loss_base import ClassificationLoss
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings

__all__ = ["LossLinks", "fit_scaling", "scaled"]


def fit_scaling(
    logits: np.ndarray, codes: np.ndarray, weight: np.ndarray | None, n_classes: int
) -> np.ndarray:
    """Fit ``softmax(a f + b)`` to held-out rows; for two classes this is Platt's fit.

    Parameters
    ----------
    logits : ndarray of shape (n, n_classes)
        Of rows that the nets did not train on.
    codes : ndarray of int of shape (n,)
        Their classes.
    weight : ndarray of shape (n,) or None
        Their weights.
    n_classes : int
        Classes.

    Returns
    -------
    ndarray of shape (1 + n_classes,)
        The slope, above 0, and the offsets.

    Notes
    -----
    Targets are pulled from 0 and 1 as in Platt's fit: a row of a class with n rows
    counts (n + 1) / (n + 2) for it and the rest evenly for the others. A part without
    an error does not lead to certainty. (One row for each class, Laplace's rule, would
    give away a fifth of ten classes of forty rows.)
    """
    weight = np.ones(len(codes)) if weight is None else weight / weight.mean()
    centred = logits - logits.mean(axis=1, keepdims=True)
    size = float(np.sqrt(np.average((centred**2).mean(axis=1), weights=weight)))
    size = size if np.isfinite(size) and size > 0 else 1.0
    scaled_logits = centred / size
    counts = np.bincount(codes, weight, minlength=n_classes)
    spread = 1 / ((counts + 2) * (n_classes - 1))
    target = np.repeat(spread[codes][:, None], n_classes, axis=1)
    target[np.arange(len(codes)), codes] = 1 - (n_classes - 1) * spread[codes]
    target *= weight[:, None] / weight.sum()

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.exp(values[0])
        moved = slope * scaled_logits + np.append(0.0, values[1:])
        off = softmax(moved, axis=1) * target.sum(axis=1, keepdims=True) - target
        gradient = np.append(slope * (off * scaled_logits).sum(), off.sum(axis=0)[1:])
        return -float((target * log_softmax(moved, axis=1)).sum()), gradient

    bounds = [(-12.0, 8.0), *[(-60.0, 60.0)] * (n_classes - 1)]
    found = minimize(
        loss, np.zeros(n_classes), jac=True, bounds=bounds, method="L-BFGS-B"
    ).x
    offsets = np.append(0.0, found[1:])
    return np.append(np.exp(found[0]) / size, offsets - offsets.mean())


def unsmoothed(logs: np.ndarray, smoothing: float) -> np.ndarray:
    """Take label smoothing out of log-probabilities of shape (..., n_classes).

    The smoothed loss is least at ``s = (1 - e) p + e / K``, which is solved for p. What
    would be below a hundredth of the added share is raised to it.
    """
    if smoothing == 0:
        return logs
    added = smoothing / logs.shape[-1]
    p = np.maximum(np.exp(logs) - added, 0.01 * added) / (1 - smoothing)
    return np.log(p / p.sum(axis=-1, keepdims=True))


def scaled(logits: np.ndarray, scaling: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of a fitted scaling."""
    logs: np.ndarray = log_softmax(logits * scaling[0] + scaling[1:], axis=-1)
    return logs


class LossLinks:
    """Mixin of the classifiers: tells the loss the class counts, reads its logits."""

    net_: TabularNet
    warm_start: bool
    early_stopping: bool

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        settings: Settings,
        *,
        encoder: TableEncoder | None = None,
        **options: Any,
    ) -> tuple[Prepared, dict[str, Any]]:
        prepared, fitted = super()._prepare(  # type: ignore[misc]
            X, y, sample_weight, settings, encoder=encoder, **options
        )
        weight = prepared.weight
        if weight is not None:
            weight = weight / weight.mean()
        counts = np.bincount(prepared.target, weight, minlength=prepared.n_outputs)
        counts = counts.astype(np.float64)
        if encoder is not None and not self.warm_start:  # further rows
            counts += self._class_counts
        fitted["_class_counts"] = counts
        fitted["class_prior_"] = counts / counts.sum()
        loss = settings.loss
        if isinstance(loss, ClassificationLoss):
            loss.prepare(counts)
            shift = loss.start_shift()
            if shift is not None:
                prepared.bias = prepared.bias + shift.double().cpu().numpy()
            if encoder is not None:
                self.net_.criterion_.prepare(counts)
            fitted["class_prior_"] = loss.class_prior().cpu().numpy()
        return prepared, fitted

    _class_counts: np.ndarray

    def _finish(
        self, net: TabularNet, prepared: Prepared, *args: Any, **options: Any
    ) -> None:
        super()._finish(net, prepared, *args, **options)  # type: ignore[misc]
        self.__dict__.pop("_scaling", None)
        prefers = getattr(net.criterion_, "prefers_calibration", False)
        if prepared.valid is not None and prefers:
            self._scaling = _held_out_scaling(net, prepared)

    def _has_probabilities(self) -> bool:
        if hasattr(self, "net_"):
            return hasattr(self, "_scaling") or not _needs_calibration(
                self.net_.criterion_
            )
        if self.early_stopping:
            return True
        try:
            return not _needs_calibration(self._make_loss())  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            return True  # fit will say what is wrong

    def _log_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return log-probabilities of each net, from outputs (n_nets, n, n_classes)."""
        if hasattr(self, "_scaling"):
            return scaled(outputs, self._scaling)
        loss = self.net_.criterion_
        if not hasattr(loss, "log_probabilities"):
            logs: np.ndarray = log_softmax(outputs, axis=2)
            return unsmoothed(logs, getattr(loss, "label_smoothing", 0.0))
        if loss._told_counts is None:  # a file holds no counts of a loss
            loss.prepare(self._class_counts)
        tensor = torch.from_numpy(outputs)
        with torch.no_grad():
            found: np.ndarray = loss.log_probabilities(tensor).numpy()
        return found


def _needs_calibration(loss: Any) -> bool:
    return bool(getattr(loss, "needs_calibration", False))


def _held_out_scaling(net: TabularNet, prepared: Prepared) -> np.ndarray:
    rows = prepared.rows
    codes = None if rows.codes is None else torch.from_numpy(rows.codes)
    outputs = net.outputs(torch.from_numpy(rows.dense), codes).double().cpu().numpy()
    parts: Sequence[np.ndarray] = prepared.valid or []
    own = np.concatenate([outputs[k][part] for k, part in enumerate(parts)])
    held_out = np.concatenate(parts)
    weight = None if prepared.weight is None else prepared.weight[held_out]
    return fit_scaling(own, prepared.target[held_out], weight, prepared.n_outputs)
