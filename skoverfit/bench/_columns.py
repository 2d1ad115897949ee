# SPDX-License-Identifier: BSD-3-Clause
"""Bring feature columns to five plain kinds, and tell identifiers from measurements."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

MIN_ID_ROWS = 50
_ID_NAME = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|index|idx|rowid|rownum|key|nr|unnamed: \d+)($|[\W_])"
    r"|[a-z](Id|ID|Uuid|UUID)$",
)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "boolean")
_DATES = ("datetime", "datetime64", "date")
_NESTED = (list, dict, set, frozenset, tuple, np.ndarray, bytes)


def drop_option(names: list[str], limit: int = 8) -> str:
    """Write the option of the command line that leaves these columns out.

    Examples
    --------
    >>> from skoverfit.bench._columns import drop_option
    >>> drop_option(["age", "zip code"])
    "--drop age --drop 'zip code'"
    """
    options = " ".join(f"--drop {shlex.quote(name)}" for name in names[:limit])
    return options + (" ..." if len(names) > limit else "")


def plain_column(column: pd.Series, name: str) -> pd.Series:
    """Return the column as bool, integer, float64, text, category or datetime64.

    Parameters
    ----------
    column : pandas.Series of shape (n_samples,)
        Any column; nullable and Arrow dtypes, objects and sparse ones are converted.
    name : str
        Name of the column, for messages.

    Returns
    -------
    pandas.Series of shape (n_samples,)
        Missing values are NaN or NaT.
    """
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if types.is_complex_dtype(dtype):
        raise BadInputError(
            f"The column {name!r} holds complex numbers; split it into real columns, "
            f"or leave it out with {drop_option([name])}."
        )
    if isinstance(dtype, pd.CategoricalDtype):
        texts = [str(category) for category in dtype.categories]
        if len(set(texts)) == len(texts):
            return column.cat.rename_categories(texts)
        return column.map(str, na_action="ignore").astype("category")
    if types.is_bool_dtype(dtype) and not column.isna().any():
        return column.astype(bool)
    if types.is_timedelta64_dtype(dtype):
        return column.dt.total_seconds().astype(np.float64)
    if types.is_datetime64_any_dtype(dtype):
        if not isinstance(dtype, pd.ArrowDtype):
            return column
        column = column.astype(object)
        return pd.to_datetime(column, utc=_has_zone(column))
    if types.is_numeric_dtype(dtype):
        return _plain_number(column)
    return _plain_object(column, name)


def _plain_number(column: pd.Series) -> pd.Series:
    from pandas.api import types

    if types.is_integer_dtype(column.dtype) and not column.isna().any():
        fits = len(column) == 0 or column.max() <= np.iinfo(np.int64).max
        return column.astype(np.int64 if fits else np.uint64)
    if column.dtype == object or types.is_extension_array_dtype(column.dtype):
        return column.astype("Float64").astype(np.float64)
    return column.astype(np.float64)


def _plain_object(column: pd.Series, name: str) -> pd.Series:
    import pandas as pd
    from pandas.api import types

    if column.dtype == text_dtype() and column.dtype != object:
        return column
    met = types.infer_dtype(column, skipna=True)
    if met == "string":
        return column.astype(object).where(column.notna(), None).astype(text_dtype())
    if met == "empty":
        return pd.Series(np.nan, index=column.index, dtype=np.float64)
    if met in _NUMBERS:
        return pd.to_numeric(column.astype(object)).astype(np.float64)
    if met in _DATES:
        return pd.to_datetime(column, utc=_has_zone(column))
    if met in ("timedelta", "timedelta64"):
        return pd.to_timedelta(column).dt.total_seconds().astype(np.float64)
    nested = next((v for v in column.dropna().tolist() if isinstance(v, _NESTED)), None)
    if nested is not None or met == "complex":
        what = (
            "complex numbers"
            if nested is None
            else (f"values of the type {type(nested).__name__}")
        )
        raise BadInputError(
            f"The column {name!r} holds {what} in its cells; spread it over plain "
            f"columns, or leave it out with {drop_option([name])}."
        )
    return column.map(str, na_action="ignore").astype(text_dtype())


def _has_zone(column: pd.Series) -> bool:
    present = column.dropna()
    return any(getattr(value, "tzinfo", None) is not None for value in present)


def text_dtype() -> Any:
    """Return the dtype of text columns."""
    import pandas as pd

    # pandas 2 has no text dtype that keeps NaN as NaN; its objects do.
    return "str" if int(pd.__version__.split(".")[0]) >= 3 else object


def is_text(column: pd.Series) -> bool:
    """Tell whether a plain column holds text."""
    import pandas as pd

    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def looks_like_id(column: pd.Series, name: str) -> bool:
    """Tell whether a plain column looks like an identifier or a row number.

    Real numbers and dates never do. Integers do when no two rows agree and the values
    are dense, sorted, or named as an identifier; text when more than 95 % of the
    values differ and they are single words.
    """
    present = column.dropna()
    n = len(present)
    if n < MIN_ID_ROWS or n < len(column) / 2:
        return False
    if is_text(column):
        if present.nunique() <= 0.95 * n:
            return False
        head = present.head(1000).astype(str)
        words = ~head.str.strip().str.contains(r"\s", regex=True)
        dates = head.str.match(_DATE)
        return bool(words.mean() > 0.95 and dates.mean() < 0.5)
    if column.dtype.kind not in "iuf":
        return False
    values = present.to_numpy()
    if values.dtype.kind == "f" and not np.all(values == np.floor(values)):
        return False
    if len(np.unique(values)) < n:
        return False
    dense = n / (float(values.max()) - float(values.min()) + 1.0) > 0.5
    monotone = bool(
        np.all(values[1:] > values[:-1]) or np.all(values[1:] < values[:-1])
    )
    return dense or monotone or _named_as_id(name)


def _named_as_id(name: str) -> bool:
    return bool(_ID_NAME.search(name) or _ID_NAME.search(name.lower()))


def content_hash(
    frame: pd.DataFrame,
    y: np.ndarray,
    class_names: tuple[str, ...],
    groups: np.ndarray | None,
    time: np.ndarray | None,
) -> str:
    """Hash everything that determines the cells of a table.

    The same in every process and for every file format: names, kinds and values of
    the plain columns, target, class names, groups and time; all missing values
    are one, and so are 0.0 and -0.0.
    """
    digest = hashlib.sha256()

    def add(*parts: Any) -> None:
        for part in parts:
            raw = part if isinstance(part, bytes) else json.dumps(part).encode()
            digest.update(len(raw).to_bytes(8, "little"))
            digest.update(raw)

    add("table 1", len(frame), list(frame.columns), list(class_names))
    for name in frame.columns:
        add(*_column_parts(frame[name]))
    add(np.ascontiguousarray(y, dtype="<i8" if class_names else "<f8").tobytes())
    for extra in (groups, time):
        add(extra is None)
        if extra is not None:
            kind = "<f8" if extra.dtype.kind == "f" else "<i8"
            add(np.ascontiguousarray(extra, dtype=kind).tobytes())
    return digest.hexdigest()


def _column_parts(column: pd.Series) -> list[Any]:
    import pandas as pd

    if is_text(column) or isinstance(column.dtype, pd.CategoricalDtype):
        kind = "text" if is_text(column) else "category"
        codes, uniques = pd.factorize(column)
        names = [str(value) for value in uniques]
        return [kind, names, codes.astype("<i8").tobytes()]
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        zone = str(getattr(column.dtype, "tz", None))
        if zone != "None":
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        stamps = column.to_numpy().astype("datetime64[us]").astype("<i8")
        return ["date", zone, stamps.tobytes()]
    if column.dtype.kind in "biu":
        return [column.dtype.kind, column.to_numpy().astype("<i8").tobytes()]
    values = column.to_numpy(dtype=np.float64) + 0.0
    values = np.where(np.isnan(values), np.nan, values)
    return ["f", values.astype("<f8").tobytes()]
