# SPDX-License-Identifier: BSD-3-Clause
"""Fitted nets for use elsewhere: a plain torch module, and weights alone in a file."""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skoverfit._core._persistence import replace_file
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._encoding import CLIP, TableEncoder
from skoverfit.neural_network._net import TabularNet
from skoverfit.neural_network._state import check_tensors

__all__ = ["PlainNet", "PortableNet", "RowEncoder"]


class RowEncoder(nn.Module):
    """Encode rows of numbers as a fitted table encoder does; statistics are buffers.

    Parameters
    ----------
    encoder : TableEncoder
        Of a table without nominal columns.
    n_features : int
        Columns of the table.
    dtype : torch.dtype
        Of the encoded rows.
    """

    used: torch.Tensor
    missing: torch.Tensor
    order: torch.Tensor
    center: torch.Tensor
    scale: torch.Tensor
    mean: torch.Tensor
    rotation: torch.Tensor | None

    def __init__(
        self, encoder: TableEncoder, n_features: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.dtype, self.is_robust = dtype, encoder.scaling == "robust"
        columns = np.arange(n_features)
        if encoder.numeric_columns is not None:
            columns = np.array(encoder.numeric_columns, dtype=np.int64)
        held = {
            "used": columns[encoder.used],
            "missing": columns[encoder.has_missing],
            "order": encoder.order,
            "center": encoder.center[encoder.used],
            "scale": encoder.scale[encoder.used],
            "mean": encoder.mean,
            "rotation": encoder.rotation,
        }
        for name, value in held.items():
            buffer = None if value is None else torch.from_numpy(np.array(value))
            self.register_buffer(name, buffer)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the dense columns ``(n, n_dense)`` of rows ``(n, n_features)``."""
        numbers = X.to(self.center.dtype)
        made = (numbers.index_select(1, self.used) - self.center) / self.scale
        made = torch.where(torch.isnan(made), torch.zeros_like(made), made)
        if self.is_robust:
            made = made / torch.sqrt(1 + (made / CLIP) ** 2)
        gone = torch.isnan(numbers.index_select(1, self.missing)).to(made.dtype)
        made = torch.cat([made, gone], dim=1).index_select(1, self.order) - self.mean
        if self.rotation is not None:
            made = made @ self.rotation
        return made.to(self.dtype)


class PlainNet(nn.Module):
    """A fitted estimator as one module; nothing of scikit-learn or skorch is in it.

    Parameters
    ----------
    net : TabularNet
        The held net; its module is copied, to the main memory.
    encoder : RowEncoder or None
        What comes before it; None for rows that are encoded already.
    scale, shift : ndarray of shape (n_outputs,), or None
        Units of the target of a regressor; None for a classifier.
    is_flat : bool, default=False
        Whether a regressor returns one number a row, without an axis for outputs.
    """

    scale: torch.Tensor | None
    shift: torch.Tensor | None

    def __init__(
        self,
        net: TabularNet,
        encoder: RowEncoder | None,
        *,
        scale: np.ndarray | None = None,
        shift: np.ndarray | None = None,
        is_flat: bool = False,
    ) -> None:
        super().__init__()
        self.encoder, self.n_nets, self.is_flat = encoder, net.n_nets, is_flat
        if hasattr(net.module_, "set_generators"):
            net.module_.set_generators(None)  # the next training sets them again
        self.net = copy.deepcopy(net.module_).cpu()
        kind = next((p.dtype for p in self.net.parameters()), torch.float32)
        for name, value in {"scale": scale, "shift": shift}.items():
            buffer = None if value is None else torch.from_numpy(value).to(kind)
            self.register_buffer(name, buffer)
        self.eval()

    def forward(
        self, X: torch.Tensor, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return log-probabilities ``(n, n_classes)``, or predictions.

        Parameters
        ----------
        X : tensor of shape (n, n_features)
            Rows of the table, NaN where a number is missing; or the encoded rows, of
            shape (n, n_dense), where the module was made for those.
        codes : tensor of int64 of shape (n, n_codes), optional
            Codes of the embedded columns, beside encoded rows.
        """
        dense = X if self.encoder is None else self.encoder(X)
        if self.n_nets > 1:
            dense = dense.unsqueeze(0).expand(self.n_nets, -1, -1)
            if codes is not None:
                codes = codes.unsqueeze(0).expand(self.n_nets, -1, -1)
        if hasattr(self.net, "encode"):
            output = self.net.decode(self.net.encode(dense, codes))
        else:
            output = self.net(dense)
        if self.n_nets == 1:
            output = output.unsqueeze(0)
        if self.scale is None or self.shift is None:
            mean = torch.logsumexp(output.log_softmax(dim=-1), dim=0)
            return mean.log_softmax(dim=-1)
        values = output.mean(dim=0) * self.scale + self.shift
        return values.squeeze(-1) if self.is_flat else values


class PortableNet:
    """Mixin: what an estimator that holds a net gives to others."""

    net_: TabularNet
    dtype: str
    n_features_in_: int
    _encoder: TableEncoder
    _check_table: Callable[..., Any]

    def encode(self, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return rows as the net reads them.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        dense : ndarray of shape (n_samples, n_dense)
            Scaled numbers, indicators of missing values, one-hot columns.
        codes : ndarray of shape (n_samples, n_codes), int64, or None
            Codes of the columns that are embedded; None where there are none.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skoverfit.neural_network import TabularMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = TabularMLPClassifier(max_epochs=2, random_state=0).fit(X, y)
        >>> dense, codes = net.encode(X)
        >>> dense.shape, codes
        ((150, 4), None)
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        kind = np.float32 if self.dtype == "float32" else np.float64
        rows = self._encoder.transform(X, dtype=kind)
        return rows.dense, rows.codes

    def to_torch(self, *, encoded: bool = False) -> PlainNet:
        """Return the fitted nets as one plain ``torch.nn.Module``.

        The module is a copy, in evaluation mode and in the main memory. It holds no
        object of scikit-learn or skorch and goes through ``torch.export``. Its state
        dict has the weights of all nets and what the table was scaled by.

        Parameters
        ----------
        encoded : bool, default=False
            Whether the module is given encoded rows, as `encode` returns them. If
            False it takes the table's own numbers, NaN where one is missing; only
            tables without nominal columns can do that.

        Returns
        -------
        torch.nn.Module
            ``module(X)`` returns log-probabilities of the classes, ordered as in
            ``classes_`` (their exponential is `predict_proba`, their softmax, too), or
            the predictions of a regressor in the units of ``y``. Numbers are scaled in
            double precision: give large ones, such as time stamps, as float64.

        Raises
        ------
        BadInputError
            If the table has nominal columns and ``encoded`` is False, or the
            probabilities are no softmax (another loss than cross-entropy, label
            smoothing).

        Examples
        --------
        >>> import torch
        >>> from sklearn.datasets import load_iris
        >>> from skoverfit.neural_network import TabularMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = TabularMLPClassifier(max_epochs=2, random_state=0).fit(X, y)
        >>> module = net.to_torch()
        >>> with torch.no_grad():
        ...     chances = module(torch.from_numpy(X)).exp()
        >>> bool(abs(chances.numpy() - net.predict_proba(X)).max() < 1e-5)
        True
        """
        check_is_fitted(self)
        encoder = None
        if not encoded:
            if self._encoder.nominal_columns:
                raise BadInputError(
                    f"The table has {len(self._encoder.nominal_columns)} nominal "
                    "columns, which are no numbers that a module could take; use "
                    "to_torch(encoded=True) and give it what `encode` returns."
                )
            kind = next(self.net_.module_.parameters()).dtype
            encoder = RowEncoder(self._encoder, self.n_features_in_, kind)
        if is_classifier(self):
            loss = self.net_.criterion_
            if hasattr(loss, "log_probabilities") or hasattr(self, "_scaling"):
                given = getattr(self, "loss", None)
                raise BadInputError(
                    f"The probabilities of loss={given!r} are no softmax, which is "
                    "what to_torch returns; use `net_.module_` for the plain outputs."
                )
            if getattr(loss, "label_smoothing", 0.0):
                raise BadInputError(
                    f"The probabilities of label_smoothing={loss.label_smoothing:g} "
                    "are no softmax, which is what to_torch returns; use "
                    "`net_.module_` for the plain outputs."
                )
            return PlainNet(self.net_, encoder)
        held = vars(self)
        return PlainNet(
            self.net_,
            encoder,
            scale=held["_target_scale"],
            shift=held["_target_mean"],
            is_flat=held["_target_is_flat"],
        )

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights of the nets to a file in the safetensors format.

        Only the weights are in it. What encodes the table is not: to keep the whole
        estimator use `skoverfit.save`.

        Parameters
        ----------
        path : str or path-like
            The file, conventionally with the ending ".safetensors"; it is replaced at
            once, so a crash leaves the old one or the new one.

        Raises
        ------
        ImportError
            If safetensors is not installed.

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn.datasets import load_iris
        >>> from skoverfit.neural_network import TabularMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = TabularMLPClassifier(max_epochs=2, random_state=0).fit(X, y)
        >>> other = TabularMLPClassifier(max_epochs=1, random_state=1).fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "iris.safetensors")
        ...     net.save_weights(path)
        ...     other = other.load_weights(path)
        >>> bool((other.predict_proba(X) == net.predict_proba(X)).all())
        True
        """
        check_is_fitted(self)
        library = _safetensors()
        weights = {
            name: value.detach().cpu().clone().contiguous()
            for name, value in self.net_.module_.state_dict().items()
            if isinstance(value, torch.Tensor)
        }
        replace_file(Path(path), library.save(weights, {"format": "pt"}))

    def load_weights(self, path: str | os.PathLike[str]) -> Any:
        """Put weights that `save_weights` wrote into this fitted estimator's nets.

        Parameters
        ----------
        path : str or path-like
            The file, of nets of the same shape.

        Returns
        -------
        self : object
            The estimator. The optimizer starts anew if training goes on.

        Raises
        ------
        BadInputError
            If the file is damaged, or of nets of another shape; the weights stay as
            they are then.
        ImportError
            If safetensors is not installed.

        Examples
        --------
        See `save_weights`.
        """
        check_is_fitted(self)
        library, name = _safetensors(), os.fspath(path)
        data = Path(path).read_bytes()
        try:
            weights = library.load(data)
        except Exception as exc:  # its errors have a type of their own
            raise BadInputError(
                f"{name!r} is no file of weights, or is damaged: {exc}."
            ) from exc
        module = self.net_.module_
        try:
            check_tensors(module, weights, "weights")
        except BadInputError as exc:
            raise BadInputError(f"{name!r} can't be loaded: {exc}.") from None
        extra = {k: v for k, v in module.state_dict().items() if k not in weights}
        module.load_state_dict({**weights, **extra})
        self.net_.optimizer_.state.clear()
        return self


def _safetensors() -> Any:
    try:
        return importlib.import_module("safetensors.torch")
    except ImportError as exc:
        raise ImportError(
            "save_weights and load_weights need safetensors: "
            'pip install "skoverfit[safe]"'
        ) from exc
