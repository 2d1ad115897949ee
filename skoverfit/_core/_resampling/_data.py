# SPDX-License-Identifier: BSD-3-Clause
"""The table that a sampler works on, checked once.

An empty sampler of imbalanced-learn spends 0.7 ms in eleven calls of ``check_array``;
here a plain float array is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from skoverfit._core._arrays import (
    ContainerSpec,
    container_of,
    kind_of,
    missing_values,
    n_rows,
    to_numpy,
    torch_of,
)
from skoverfit._core._kernel import all_finite
from skoverfit._core._random import derive_generator
from skoverfit._core._resampling._strategy import plain
from skoverfit._core._validation import check_labels

__all__ = [
    "ResamplingData",
    "check_groups",
    "check_table",
    "check_target",
    "check_weights",
    "refuse_non_tables",
]


@dataclass(kw_only=True)
class ResamplingData:
    """What a sampler's ``_resample`` gets.

    Attributes
    ----------
    X : container
        As the user gave it.
    spec : ContainerSpec
        Its kind, for `skoverfit._core._rebuild.restore`.
    values : ndarray, csr/csc matrix or array, tensor, or None
        The same table as numbers, where all columns are: real dtype, no infinity, NaN
        only where the sampler allows it. None where some column is not a number.
    finite : bool
        Whether ``values`` is a dense table known to have no missing value.
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    codes : ndarray of shape (n,), int64
        Position of each row's class.
    counts : ndarray of shape (n_classes,)
        Rows of each class.
    targets : dict
        Class -> rows to add or to keep (``sampling_strategy_``).
    sample_weight : ndarray of shape (n,) or None
        Non-negative floats.
    groups : ndarray of shape (n,) or None
        As given.
    group_codes : ndarray of shape (n,) or None
        The groups as numbers from 0.
    entropy : int
        Root of the random streams.
    """

    X: Any
    spec: ContainerSpec
    values: Any
    classes: np.ndarray
    codes: np.ndarray
    counts: np.ndarray
    targets: dict[Any, int] = field(default_factory=dict)
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    group_codes: np.ndarray | None = None
    entropy: int = 0
    finite: bool = False

    # What a sentence calls a class, and whether the classes are those of labels, each
    # row having one.
    noun: ClassVar[str] = "class"
    has_labels: ClassVar[bool] = True

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def position(self, label: Any) -> int:
        """Return the position of a class."""
        return int(np.flatnonzero(self.classes == label)[0])

    def rows_of(self, label: Any) -> np.ndarray:
        """Return the row numbers of a class, ascending."""
        return np.flatnonzero(self.codes == self.position(label))

    def totals(self) -> np.ndarray:
        """Return the weight of each class; its rows where there are no weights."""
        return np.bincount(
            self.codes, weights=self.sample_weight, minlength=len(self.classes)
        )

    def refuse_weightless(self) -> None:
        """Raise where a class has weights of zero only."""
        if self.sample_weight is None:
            return
        totals = self.totals()
        if not totals[self.counts > 0].all():
            empty = np.flatnonzero((totals == 0) & (self.counts > 0))
            raise ValueError(
                f"All rows of {self.noun} {plain(self.classes[empty[0]])!r} have a "
                "sample_weight of 0; give at least one a positive weight, or drop the "
                f"{self.noun}."
            )

    def generator(self, label: Any, *path: str) -> np.random.Generator:
        """Return the random stream of a class.

        It is addressed by the label, so that a class added to the data leaves the
        draws of the others as they were.
        """
        name = plain(label)
        if isinstance(name, float) and name.is_integer():
            name = int(name)
        return derive_generator(self.entropy, self.noun, str(name), *path)


def check_target(y: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return classes, codes and counts of labels; one-hot rows are accepted.

    Raises
    ------
    ValueError
        Where there is no label, fewer than two classes, more than one class in a row
        of a one-hot matrix, or what `check_labels` refuses.
    """
    if y is None:
        raise ValueError(
            "This sampler requires y to be passed, but the target y is None."
        )
    if sp.issparse(y):
        y = y.toarray()
    shape = np.shape(y) if not isinstance(y, (list, tuple)) else _list_shape(y)
    if len(shape) == 2 and shape[1] > 1:
        classes, codes = _one_hot(to_numpy(y))
    else:
        classes, codes = check_labels(y)
    if len(classes) < 2:
        raise ValueError(
            f"y has only 1 class ({plain(classes[0])!r}); the target 'y' needs to have "
            "more than 1 class to be resampled."
        )
    return classes, codes, np.bincount(codes, minlength=len(classes))


def _list_shape(y: list | tuple) -> tuple[int, ...]:
    first = y[0] if len(y) else None
    nested = isinstance(first, (list, tuple, np.ndarray))
    return (len(y), len(first)) if nested else (len(y),)  # type: ignore[arg-type]


def _one_hot(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    is_flag = values.dtype.kind in "biuf" and bool(
        ((values == 0) | (values == 1)).all()
    )
    if not is_flag or not (values.sum(axis=1) == 1).all():
        raise ValueError(
            "Multilabel and multioutput targets are not supported: y of shape "
            f"{values.shape} must be one-hot, with a single 1 in each row. Give one "
            "class label a row."
        )
    classes, codes = np.unique(values.argmax(axis=1), return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)


def check_weights(sample_weight: Any, n: int) -> np.ndarray | None:
    """Return sample weights as floats.

    Raises
    ------
    ValueError
        Where there is not one finite, non-negative number a row.
    """
    if sample_weight is None:
        return None
    weights = to_numpy(sample_weight)
    if weights.ndim != 1 or len(weights) != n:
        raise ValueError(
            f"sample_weight has shape {weights.shape}, but there are {n} rows."
        )
    if weights.dtype != np.float32:
        try:
            weights = weights.astype(np.float64)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"sample_weight must hold numbers: {exc}. Got {sample_weight!r:.80}."
            ) from exc
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            "sample_weight must be finite and not negative. Got "
            f"{float(weights[row])!r} in row {row}."
        )
    return weights


def check_groups(groups: Any, n: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return groups as an array, and as numbers from 0.

    Raises
    ------
    ValueError
        Where there is not one group a row, or one is missing.
    TypeError
        Where groups can't be compared with each other.
    """
    if groups is None:
        return None, None
    values = to_numpy(groups)
    if values.ndim != 1 or len(values) != n:
        raise ValueError(f"groups has shape {values.shape}, but there are {n} rows.")
    gone = missing_values(values)
    if gone.any():
        row = int(np.flatnonzero(gone)[0])
        raise ValueError(
            f"groups has {int(gone.sum())} missing values, the first in row {row}. "
            "Give each row a group; a row on its own gets one of its own."
        )
    try:
        codes = np.unique(values, return_inverse=True)[1]
    except TypeError:
        raise TypeError(
            "groups mixes types that can't be compared; convert them to one type, for "
            "example to str."
        ) from None
    return values, codes.astype(np.int64, copy=False)


def check_table(
    estimator: Any, X: Any, *, allow_nan: bool, allow_mixed: bool
) -> tuple[ContainerSpec, Any, bool]:
    """Check X and remember its columns in the estimator.

    Returns
    -------
    spec : ContainerSpec
        The kind of container.
    values : ndarray, sparse, tensor or None
        The table as numbers; None where it has other columns (``allow_mixed``).
    finite : bool
        Whether a dense table is known to have no missing value.
    """
    plain_floats = type(X) is np.ndarray and X.dtype in (np.float64, np.float32)
    if plain_floats and X.ndim == 2 and X.size > 0 and all_finite(X):
        _remember_columns(estimator, X.shape[1])
        return ContainerSpec(kind="numpy", ndim=2, dtype=X.dtype), X, True
    spec, values = _check_other(estimator, X, allow_nan, allow_mixed)
    return spec, values, False


def _check_other(
    estimator: Any, X: Any, allow_nan: bool, allow_mixed: bool
) -> tuple[ContainerSpec, Any]:
    try:
        kind = kind_of(X)
    except TypeError:
        refuse_non_tables(X)
        X, kind = np.asarray(X), "numpy"
    finite = "allow-nan" if allow_nan else True
    if kind == "tensor":
        return container_of(X), _check_tensor(estimator, X, allow_nan)
    if kind == "dataframe":
        return _check_frame(estimator, X, finite, allow_mixed)
    if kind == "series":
        raise ValueError(
            "Expected a 2-dimensional container but got a series instead. Reshape your "
            "data: a table of one column is X.to_frame()."
        )
    source = X
    if kind in ("list", "tuple"):
        source = _list_table(X)
    if allow_mixed and not sp.issparse(source) and source.dtype.kind in "OUSbmM":
        checked = validate_data(
            estimator, source, dtype=None, ensure_all_finite=False, reset=True
        )
        _refuse_odd_objects(checked)
        return container_of(X), None
    _refuse_infinite(source, None)
    values = validate_data(
        estimator,
        source,
        accept_sparse=["csr", "csc"],
        ensure_all_finite=finite,
        reset=True,
    )
    return container_of(X), values


def _refuse_infinite(table: Any, names: Any) -> None:
    """Name the first infinite cell; scikit-learn's sentence names only the table."""
    table = table.tocoo() if sp.issparse(table) else table
    stored = table.data if sp.issparse(table) else table
    if getattr(stored, "dtype", np.dtype(object)).kind != "f" or table.ndim != 2:
        return
    if not np.isinf(stored).any():
        return
    if sp.issparse(table):
        at = int(np.flatnonzero(np.isinf(table.data))[0])
        row, column, cell = table.row[at], table.col[at], table.data[at]
    else:
        row, column = np.argwhere(np.isinf(table))[0]
        cell = table[row, column]
    name = int(column) if names is None else names[column]
    raise ValueError(
        f"Input X contains infinity: column {name!r} has {float(cell)} in row "
        f"{int(row)}. Replace it by a number, or by NaN where the value is unknown."
    )


def refuse_non_tables(X: Any) -> None:
    """Name the type of an object that has no rows, such as a polars LazyFrame."""
    if X is None or np.ndim(X) > 0 or hasattr(X, "__array__"):
        return
    name = f"{type(X).__module__}.{type(X).__qualname__}"
    hint = " Call its collect() first." if hasattr(X, "collect") else ""
    raise ValueError(
        "Expected 2D array, got scalar array instead: X must be a table of rows and "
        f"columns, and is a {name}.{hint} Reshape your data."
    )


def _list_table(X: Any) -> np.ndarray:
    """Return a list of rows as an array that keeps the types of the cells."""
    if len(X) and torch_of(X[0]) is not None:
        return to_numpy(X)
    table = np.asarray(X, dtype=object)
    cells = table.ravel()
    if all(isinstance(cell, (int, float, np.number)) for cell in cells[:10_000]):
        return np.asarray(X)
    return table


def _refuse_odd_objects(table: np.ndarray) -> None:
    cells = table.ravel().tolist()
    for kind in set(map(type, cells)):  # collected in C: only the odd cell is searched
        if issubclass(kind, (dict, list, set, tuple, np.ndarray)):
            met = next(cell for cell in cells if type(cell) is kind)
            raise TypeError(
                "A cell of X must be a number, a string or a date: argument must be a "
                f"string or a number, not {kind.__name__!r} ({met!r:.60})."
            )
        if issubclass(kind, (complex, np.complexfloating)):
            raise ValueError("Complex data not supported: X has complex cells.")


def _remember_columns(estimator: Any, n_columns: int) -> None:
    estimator.n_features_in_ = n_columns
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _check_tensor(estimator: Any, X: Any, allow_nan: bool) -> Any:
    if X.ndim != 2 or X.shape[0] == 0 or X.shape[1] == 0:
        raise ValueError(
            f"X must be a table of at least one row and one column. Got a tensor of "
            f"shape {tuple(X.shape)}. Reshape your data."
        )
    if X.is_complex():
        raise ValueError("Complex data not supported: X is a complex tensor.")
    X = X.detach()
    if X.is_floating_point():
        bad = X.isinf() if allow_nan else ~X.isfinite()
        if bool(bad.any()):
            row, column = bad.nonzero()[0].tolist()
            cell = float(X[row, column])
            what = "NaN" if cell != cell else "infinity"
            raise ValueError(
                f"Input X contains {what}: column {column} has {cell} in row {row}."
            )
    _remember_columns(estimator, X.shape[1])
    return X


def _check_frame(
    estimator: Any, X: Any, finite: Any, allow_mixed: bool
) -> tuple[ContainerSpec, Any]:
    validate_data(estimator, X, skip_check_array=True, reset=True)
    if n_rows(X) == 0 or X.shape[1] == 0:
        raise ValueError(
            f"Found array with {n_rows(X)} sample(s) and {X.shape[1]} feature(s) "
            f"(shape={tuple(X.shape)}) while a minimum of 1 is required."
        )
    spec = container_of(X)
    sparse = _sparse_frame(X)
    if sparse is not None:
        return spec, _finite(estimator, sparse, finite)
    dtypes = list(X.dtypes) if hasattr(X, "dtypes") else []
    plain_floats = all(
        isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in dtypes
    ) or all(str(dtype) in ("Float32", "Float64") for dtype in dtypes)
    if hasattr(X, "iloc") and any(not isinstance(d, np.dtype) for d in dtypes):
        plain_floats = False  # pandas' nullable floats tell NaN from missing
    if not dtypes:
        plain_floats = False  # a table of pyarrow
    if not plain_floats and allow_mixed:
        return spec, None
    if plain_floats:
        values = to_numpy(X)
        _refuse_infinite(values, spec.columns)
        return spec, _finite(estimator, values, finite)
    try:
        values = _finite(estimator, X, finite)
    except (TypeError, ValueError) as error:  # of texts, and of dates
        if "could not convert" in str(error) or "DType" in str(error):
            _name_texts(estimator, X, error)
        raise
    if getattr(values, "dtype", np.dtype(float)).kind in "OUS":
        _name_texts(estimator, X, None)
    return spec, values


def _name_texts(estimator: Any, X: Any, error: Exception | None) -> None:
    """Name the first cell that is no number; numpy tells the text alone."""
    for name in X.columns:
        try:
            column = to_numpy(X[name])
        except (KeyError, TypeError):  # names that are there twice
            return
        if column.dtype.kind not in "OUTmM" or column.ndim != 1:
            continue
        dates = column.dtype.kind in "mM"
        for row, cell in enumerate((column.astype(str) if dates else column).tolist()):
            try:
                float(np.nan if cell is None else cell)
            except (TypeError, ValueError):
                way = ""
                if getattr(estimator, "estimator", 0) is None:
                    way = ", or give an estimator that takes them"
                raise ValueError(
                    f"{type(estimator).__name__} needs columns of numbers here: "
                    f"could not convert column {name!r} of X, which has {cell!r} in "
                    f"row {row}, to float. Encode such columns first{way}."
                ) from error


def _finite(estimator: Any, X: Any, finite: Any) -> Any:
    from sklearn.utils.validation import check_array

    return check_array(
        X,
        accept_sparse=["csr", "csc"],
        ensure_all_finite=finite,
        estimator=estimator,
        input_name="X",
    )


def _sparse_frame(X: Any) -> Any:
    """Return a pandas frame of sparse columns (fill value 0) as csr, otherwise None."""
    if not hasattr(X, "iloc"):
        return None
    sparse = all(
        type(dtype).__name__ == "SparseDtype" and dtype.fill_value == 0
        for dtype in X.dtypes
    )
    return X.sparse.to_coo().tocsr() if sparse else None
