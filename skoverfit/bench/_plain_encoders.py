# SPDX-License-Identifier: BSD-3-Clause
"""skrub's fitted column encoders as plain values, and back.

A safe file must not name skrub's types, functions and dtypes. What a fitted
``TableVectorizer`` does to a column is a chain of small transformers; each is written
here as the name of its class, one of a fixed list, and its plain attributes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skoverfit.exceptions import BadInputError

__all__ = ["PlainVectorizer", "dtype_from_plain", "plain_dtype"]

_HOMES = {
    "BoundedStringEncoder": "skoverfit.bench._text",
    "CleanCategories": "skrub._clean_categories",
    "CleanNullStrings": "skrub._clean_null_strings",
    "DatetimeEncoder": "skrub._datetime_encoder",
    "DropUninformative": "skrub._drop_uninformative",
    "DurationToFloat": "skrub._duration_to_float",
    "PassThrough": "skrub._table_vectorizer",
    "ToDatetime": "skrub._to_datetime",
    "ToFloat": "skrub._to_float",
    "ToStr": "skrub._to_str",
}
_PLAIN = (bool, int, float, str, type(None), np.ndarray, np.generic)


class PlainVectorizer:
    """What a fitted ``TableVectorizer`` does to each column, as plain values.

    Parameters
    ----------
    chains : mapping of str to list
        The transformers of each column in turn, as `_plain` writes them.
    outputs : list of (str, list of int)
        For each column with outputs their places among all outputs.
    """

    def __init__(self, chains: Mapping[str, list[Any]], outputs: list[Any]) -> None:
        self.chains = dict(chains)
        self.outputs = outputs
        self._steps = {
            name: [_made(step) for step in chain] for name, chain in chains.items()
        }

    @classmethod
    def of(cls, vectorizer: Any) -> PlainVectorizer:
        """Read a fitted ``TableVectorizer``; one of these is returned as it is."""
        if isinstance(vectorizer, PlainVectorizer):
            return vectorizer
        place = {name: i for i, name in enumerate(vectorizer.all_outputs_)}
        chains, outputs = {}, []
        for name, made in vectorizer.input_to_outputs_.items():
            if not made:
                continue  # dropped: it told nothing
            *steps, _ = vectorizer.all_processing_steps_[name]
            chains[name] = [_plain(step, name) for step in steps]
            outputs.append([name, [place[output] for output in made]])
        return cls(chains, outputs)

    def transform(self, frame: Any) -> np.ndarray:
        """Encode the columns of a frame.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            The columns that the vectorizer was fitted on, with the same types.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs) of float64
            As the vectorizer's, of single precision.
        """
        n_outputs = sum(len(places) for _, places in self.outputs)
        values = np.empty((len(frame), n_outputs))
        for name, places in self.outputs:
            column = frame[name]
            for step in self._steps[name]:
                # An encoder of scikit-learn takes a table, skrub's take a column.
                alone = type(step).__module__.startswith("sklearn.")
                column = step.transform(column.to_frame() if alone else column)
            encoded = np.asarray(column, dtype=np.float32)
            values[:, places] = encoded.reshape(len(frame), len(places))
        return values


def plain_dtype(dtype: Any) -> Any:
    """Write a dtype as plain values; categories are texts."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": [str(c) for c in dtype.categories]}
    return {"dtype": str(dtype)}


def dtype_from_plain(written: Mapping[str, Any]) -> Any:
    """Return the dtype that `plain_dtype` wrote."""
    import pandas as pd

    if "categories" in written:
        return pd.CategoricalDtype(written["categories"])
    return pd.api.types.pandas_dtype(written["dtype"])


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, where) for item in value]
    if isinstance(value, dict):
        return {
            "items": [[_plain(k, where), _plain(v, where)] for k, v in value.items()]
        }
    kind = type(value)
    if kind.__name__ in _HOMES and kind.__module__ == _HOMES[kind.__name__]:
        return {"kind": kind.__name__, "state": _plain(vars(value), where)}
    if isinstance(value, BaseEstimator) and kind.__module__.startswith("sklearn."):
        return {"estimator": value}
    if hasattr(value, "itemsize") and hasattr(value, "name"):
        return plain_dtype(value)
    raise BadInputError(
        f"The encoding of the column {where!r} can't be saved: it holds a "
        f"{kind.__module__}.{kind.__qualname__}; leave that column out."
    )


def _made(written: Any) -> Any:
    if isinstance(written, list):
        return [_made(item) for item in written]
    if not isinstance(written, dict):
        return written
    if "items" in written:
        return {_made(k): _made(v) for k, v in written["items"]}
    if "estimator" in written:
        return written["estimator"]
    if "kind" not in written:
        return dtype_from_plain(written)
    name = written["kind"]
    if name not in _HOMES:
        raise ValueError(f"it names an unknown encoder of columns, {name!r}")
    kind = getattr(importlib.import_module(_HOMES[name]), name)
    made = kind.__new__(kind)
    made.__dict__.update(_made(written["state"]))
    return made
