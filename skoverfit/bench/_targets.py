# SPDX-License-Identifier: BSD-3-Clause
"""Turn a target column of any type into codes or numbers, or refuse it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit.bench._columns import plain_column
from skoverfit.bench._types import Task
from skoverfit.exceptions import BadInputError

if TYPE_CHECKING:
    import pandas as pd

MAX_FLOAT_CLASSES = 10
MAX_INTEGER_CLASSES = 100
MISSING_WORDS = "empty, NA, NaN, null, None and ? count as missing"
TASKS: tuple[Task, ...] = ("classification", "regression")


def read_target(
    column: pd.Series, *, name: str, positive: Any = None, task: str | None = None
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Read a target column as classes or as numbers.

    Parameters
    ----------
    column : pandas.Series of shape (n_samples,)
        The target.
    name : str
        Name of the column, for messages.
    positive : object, default=None
        As in `code_target`.
    task : {"classification", "regression"}, default=None
        What the column is; None finds out: more than 10 different fractions or 100
        different whole numbers are numbers to predict, all else is classes.

    Returns
    -------
    tuple of (ndarray of shape (n_samples,), tuple of str, tuple of str)
        Codes and class names, or numbers and no names; and remarks.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit.bench._targets import read_target
    >>> y, classes, notes = read_target(pd.Series(range(200)), name="price")
    >>> y.dtype, classes
    (dtype('float64'), ())
    >>> print(*notes)
    The target 'price' holds 200 different numbers and is read as a number to predict; \
--task classification takes them as classes.
    """
    if task is not None and task not in TASKS:
        raise BadInputError(f"task={task!r} is neither {TASKS[0]!r} nor {TASKS[1]!r}.")
    _refuse_missing(column, name)
    found, n_distinct = _found_task(column)
    if (task or found) == "regression":
        if positive is not None:
            raise BadInputError(
                f"positive={label_text(positive)!r} needs a target of two classes, but "
                f"the column {name!r} is read as a number to predict; --task "
                "classification takes its values as classes."
            )
        notes = (
            f"The target {name!r} holds {n_distinct} different numbers and is read as "
            "a number to predict; --task classification takes them as classes.",
        )
        return _number_target(column, name), (), () if task else notes
    y, class_names = code_target(
        column, name=name, positive=positive, declared=task is not None
    )
    remark = (
        f"The target {name!r} holds {n_distinct} different whole numbers, which are "
        "read as classes; --task regression takes it as a number to predict.",
    )
    several = task is None and n_distinct > MAX_FLOAT_CLASSES
    return y, class_names, remark if several else ()


def _found_task(column: pd.Series) -> tuple[Task, int]:
    """Return what a column looks like, and how many numbers it holds, 0 for texts."""
    import pandas as pd
    from pandas.api import types

    dtype = column.dtype
    if (
        isinstance(dtype, pd.CategoricalDtype)
        or not types.is_numeric_dtype(dtype)
        or types.is_bool_dtype(dtype)
        or types.is_complex_dtype(dtype)
    ):
        return "classification", 0
    values = column.to_numpy(dtype=np.float64)
    distinct = np.unique(values[np.isfinite(values)])
    whole = bool(np.all(distinct == np.floor(distinct)))
    most = MAX_INTEGER_CLASSES if whole else MAX_FLOAT_CLASSES
    return "regression" if len(distinct) > most else "classification", len(distinct)


def _number_target(column: pd.Series, name: str) -> np.ndarray:
    from pandas.api import types

    if column.dtype.name == "category":
        column = column.astype(column.cat.categories.dtype)
    if types.is_timedelta64_dtype(column.dtype):
        raise BadInputError(
            f"The target column {name!r} holds durations; write them as numbers of "
            "seconds or days to predict them."
        )
    plain = plain_column(column, name)
    if plain.dtype.kind not in "iuf":
        met = next(iter(plain.tolist()), "")
        raise BadInputError(
            f"The target column {name!r} holds values such as {str(met)!r}, which are "
            "no numbers, so it can't be the target of a regression."
        )
    values = plain.to_numpy(dtype=np.float64)
    n_bad = int((~np.isfinite(values)).sum())
    if n_bad:
        raise BadInputError(
            f"The target column {name!r} holds {n_bad} infinite values; remove these "
            "rows."
        )
    if np.ptp(values) == 0:
        raise BadInputError(
            f"The target column {name!r} holds the single value "
            f"{label_text(values[0])!r} in all {len(values)} rows; there is nothing to "
            "predict."
        )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        deviation = float(np.std(values))
    if not np.isfinite(deviation**2) or deviation**2 == 0:
        raise BadInputError(
            f"The target column {name!r} holds numbers whose variance is out of "
            "range; rescale it."
        )
    return values


def _refuse_missing(column: pd.Series, name: str) -> None:
    n_missing = int(column.isna().sum())
    if n_missing:
        raise BadInputError(
            f"The target column {name!r} is missing in {n_missing} of {len(column)} "
            f"rows ({MISSING_WORDS}); remove these rows or fill in their class."
        )


def code_target(
    column: pd.Series, *, name: str, positive: Any = None, declared: bool = False
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Code a target column as ``0..K-1``.

    Parameters
    ----------
    column : pandas.Series of shape (n_samples,)
        Labels: text, integers, integer-valued or few floats, booleans or categories.
    name : str
        Name of the column, for messages.
    positive : object, default=None
        Label of the positive class of a binary task, compared by its text. ``None``
        takes the rarer class, and at a tie the later in sorted order.
    declared : bool, default=False
        Whether somebody said that these are classes, however many there are.

    Returns
    -------
    tuple of (ndarray of shape (n_samples,) of int64, tuple of str)
        Codes, and the text of each class. In a binary task code 1 is positive.

    Examples
    --------
    >>> import pandas as pd
    >>> from skoverfit.bench._targets import code_target
    >>> code_target(pd.Series(["no", "yes", "no", "no", "yes"]), name="paid")
    (array([0, 1, 0, 0, 1]), ('no', 'yes'))
    """
    _refuse_missing(column, name)
    codes, labels = _code_values(column, name, declared)
    counts = np.bincount(codes, minlength=len(labels))
    if len(labels) == 1:
        raise BadInputError(
            f"The target column {name!r} holds the single value {labels[0]!r} in all "
            f"{len(column)} rows; a classification task needs two classes."
        )
    lonely = [label for label, n in zip(labels, counts, strict=True) if n == 1]
    if lonely:
        raise BadInputError(
            f"The target column {name!r} has one row only in {_list_classes(lonely)}; "
            "a class needs at least two rows to be both trained and tested, so merge "
            f"it into another class or remove the row{_or_as_numbers(column)}."
        )
    return _positive_last(codes, labels, counts, name, positive)


def _or_as_numbers(column: pd.Series) -> str:
    """Offer the other task where the values are numbers that may be meant as such."""
    enough = _found_task(column)[1] > MAX_FLOAT_CLASSES
    return ", or take the values as numbers with --task regression" if enough else ""


def _list_classes(labels: list[str], limit: int = 5) -> str:
    text = ", ".join(map(repr, labels[:limit]))
    if len(labels) > limit:
        text += f" and {len(labels) - limit} more"
    return ("class " if len(labels) == 1 else "the classes ") + text


def _positive_last(
    codes: np.ndarray,
    labels: list[str],
    counts: np.ndarray,
    name: str,
    positive: Any,
) -> tuple[np.ndarray, tuple[str, ...]]:
    shown = ", ".join(map(repr, labels[:20])) + (", ..." if len(labels) > 20 else "")
    if positive is not None and label_text(positive) not in labels:
        raise BadInputError(
            f"positive={label_text(positive)!r} is not a class of the target column "
            f"{name!r}; its classes are {shown}."
        )
    if len(labels) != 2:
        if positive is not None:
            raise BadInputError(
                f"positive={label_text(positive)!r} needs a target of two classes, "
                f"but the column {name!r} has {len(labels)}: {shown}."
            )
        return codes, tuple(labels)
    if positive is None:
        flip = bool(counts[0] < counts[1])
    else:
        flip = label_text(positive) == labels[0]
    if flip:
        return 1 - codes, (labels[1], labels[0])
    return codes, (labels[0], labels[1])


def label_text(value: Any) -> str:
    """Write a label as people type it: 1.0 is "1", blanks around a text don't count."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value).strip()


def _code_values(
    column: pd.Series, name: str, declared: bool
) -> tuple[np.ndarray, list[str]]:
    import pandas as pd
    from pandas.api import types

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
        declared = True
    if types.is_datetime64_any_dtype(column.dtype) or types.is_timedelta64_dtype(
        column.dtype
    ):
        raise BadInputError(
            f"The target column {name!r} holds dates or times; choose a column of "
            "classes as the target."
        )
    if types.is_complex_dtype(column.dtype):
        raise BadInputError(
            f"The target column {name!r} holds complex numbers, which are no classes."
        )
    if types.is_bool_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype):
        return _code_text(column, name, declared)
    return _code_numbers(column, name, declared)


def _code_numbers(
    column: pd.Series, name: str, declared: bool
) -> tuple[np.ndarray, list[str]]:
    values = column.to_numpy()
    if values.dtype == object or values.dtype.kind == "f":
        values = column.to_numpy(dtype=np.float64)
        if not np.isfinite(values).all():
            raise BadInputError(
                f"The target column {name!r} holds "
                f"{int((~np.isfinite(values)).sum())} infinite values, which are no "
                "class labels."
            )
    distinct, codes = np.unique(values, return_inverse=True)
    whole = bool(np.all(distinct == np.floor(distinct)))
    if not declared and not whole and len(distinct) > MAX_FLOAT_CLASSES:
        raise BadInputError(
            f"The target column {name!r} is continuous ({len(distinct)} distinct "
            f"values such as {label_text(distinct[len(distinct) // 2])}); take it as "
            "a regression target with --task regression, or cut it into classes."
        )
    if not declared and whole and len(distinct) > MAX_INTEGER_CLASSES:
        raise BadInputError(
            f"The target column {name!r} holds {len(distinct)} distinct integers, "
            f"more than the {MAX_INTEGER_CLASSES} that are taken for classes; take "
            "it as a regression target with --task regression, or say that these are "
            "classes with --task classification."
        )
    return codes.astype(np.int64).ravel(), [label_text(v) for v in distinct.tolist()]


def _code_text(
    column: pd.Series, name: str, declared: bool
) -> tuple[np.ndarray, list[str]]:
    import pandas as pd

    plain = (str, int, float, bool, np.generic)
    odd = next((v for v in column.tolist() if not isinstance(v, plain)), None)
    if odd is not None:
        raise BadInputError(
            f"The target column {name!r} holds a {type(odd).__name__}; class labels "
            "have to be text, numbers or booleans."
        )
    texts = pd.Series([label_text(v) for v in column.tolist()], dtype=object)
    found, uniques = pd.factorize(texts)
    if not declared and len(uniques) > 2 and len(uniques) > len(texts) / 2:
        raise BadInputError(
            f"The target column {name!r} holds {len(uniques)} different texts in "
            f"{len(texts)} rows, so it looks like an identifier rather than a class; "
            "choose another target."
        )
    order = sorted(range(len(uniques)), key=lambda i: uniques[i])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[found], [str(uniques[i]) for i in order]
