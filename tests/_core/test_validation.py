# SPDX-License-Identifier: BSD-3-Clause
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal

from skoverfit._core._names import nearest, suggest
from skoverfit._core._validation import check_labels, check_same_length, warn
from skoverfit.exceptions import SkoverfitWarning


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["b", "a", "b"], ["a", "b"]),
        ((2, 1, 2), [1, 2]),
        (np.array([[1.0], [0.0]]), [0.0, 1.0]),
        (np.array([True, False]), [False, True]),
        (np.array(["b", "a"], dtype=object), ["a", "b"]),
        (np.array([2, 1], dtype=object), [1, 2]),
        (pd.Series(["y", "x"], dtype="category"), ["x", "y"]),
        (pd.Series([3, 1], dtype="Int64"), [1, 3]),
        (pd.Series([True, False], dtype="boolean"), [False, True]),
        (pd.DataFrame({"target": ["n", "p"]}), ["n", "p"]),
        (pl.Series(["n", "p"], dtype=pl.Enum(["p", "n"])), ["n", "p"]),
        (torch.tensor([3, 1]), [1, 3]),
        (np.array([-1, 1], dtype=np.int8), [-1, 1]),
    ],
)
def test_labels_of_every_kind(y, classes):
    found, codes = check_labels(y)
    assert found.tolist() == classes
    assert codes.dtype == np.int64
    flat = y.iloc[:, 0] if isinstance(y, pd.DataFrame) else y
    assert_array_equal(found[codes], np.ravel(np.asarray(flat)))


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([], "y is empty"),
        ([0.0, 0.37], r"y looks continuous: .*0\.37.* in row 1"),
        ([0.0, np.inf], "y looks continuous: .*inf"),
        (np.array([1.5, 2.0], dtype=object), "y looks continuous: 1.5 in row 0"),
        ([0.0, np.nan], r"1 missing labels, the first in row 1 \(.*nan"),
        (["a", None], r"1 missing labels, the first in row 1 \(None\)"),
        ([1, None, None], "2 missing labels, the first in row 1"),
        (pd.Series(["a", None]), "1 missing labels, the first in row 1"),
        (pd.Series([1, None], dtype="Int64"), "1 missing labels"),
        (pd.Series([True, None], dtype="boolean"), "1 missing labels"),
        (pd.Series(["a", None], dtype="category"), "1 missing labels"),
        (pl.Series(["a", None]), "1 missing labels"),
        (np.eye(3), r"shape \(3, 3\)"),
        (np.array(1), r"shape \(\)"),
    ],
)
def test_bad_values_are_named(y, match):
    with pytest.raises(ValueError, match=match):
        check_labels(y)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([1, "a"], r"numbers \(1 in row 0\) and strings \('a' in row 1\)"),
        (np.array([True, 1, "a"], dtype=object), "booleans .* and numbers .* and str"),
        ("abc", "one class label a row. Got 'abc'"),
        (3, "one class label a row. Got 3"),
        (np.array([1j, 2j]), "dtype complex128"),
    ],
)
def test_bad_types_are_named(y, match):
    with pytest.raises(TypeError, match=match):
        check_labels(y)


def test_the_parameter_is_called_by_its_name():
    with pytest.raises(ValueError, match=r"^y_true is empty"):
        check_labels([], name="y_true")


def test_suggest_lists_all_where_none_is_near():
    assert suggest("zzz", ["pair", "joint"]) == "Known are: 'pair', 'joint'."
    assert suggest("par", ["pair", "joint"]) == "Did you mean 'pair'?"
    assert nearest("AGE", ["Age", "income"]) == ["Age"]


def test_same_length():
    check_same_length(np.eye(3), ["a", "b", "c"])
    with pytest.raises(ValueError, match="X has 3 rows, but y has 2 labels"):
        check_same_length(np.eye(3), ["a", "b"])


def test_warnings_point_at_the_caller():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("watch out")
    assert caught[0].category is SkoverfitWarning
    assert caught[0].filename == __file__
