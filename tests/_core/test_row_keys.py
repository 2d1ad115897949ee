# SPDX-License-Identifier: BSD-3-Clause
"""Keys of rows: equal content, equal key."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from skoverfit._core._row_keys import row_keys


def test_equal_rows_have_equal_keys_and_others_differ():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(500, 3)).astype(float)
    keys = row_keys(X)
    same = (X[:, None] == X[None]).all(axis=2)
    assert ((keys[:, None] == keys[None]) == same).all()


def test_missing_values_and_zeros_are_one_value():
    X = np.array([[np.nan, 0.0], [np.nan, -0.0]])
    assert len(set(row_keys(X))) == 1
    frame = pd.DataFrame({"a": ["x", None, np.nan], "b": [1, 2, 2]})
    keys = row_keys(frame)
    assert keys[1] == keys[2] != keys[0]


def test_columns_and_types_count():
    assert row_keys([[1, 2]])[0] != row_keys([[2, 1]])[0]
    assert row_keys([["1"]])[0] != row_keys([[1]])[0]


@pytest.mark.parametrize(
    "container", [pd.DataFrame, pl.DataFrame, sp.csr_array, lambda X: X.tolist()]
)
def test_keys_depend_on_nothing_but_content(container):
    X = np.array([[1.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    keys = row_keys(container(X))
    assert keys[0] == keys[2] != keys[1]
    order = [2, 1, 0]
    np.testing.assert_array_equal(row_keys(container(X[order])), keys[order])


def test_big_whole_numbers_are_told_apart():
    X = np.array([[2**60], [2**60 + 1]])
    assert len(set(row_keys(X))) == 2


def test_times():
    X = pd.DataFrame({"t": pd.to_datetime(["2020-01-01", None, "2020-01-01"])})
    keys = row_keys(X)
    assert keys[0] == keys[2] != keys[1]
