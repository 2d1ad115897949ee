# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal

from skoverfit._core._arrays import (
    container_of,
    copy_index,
    missing_values,
    n_rows,
    take_rows,
    to_numpy,
)
from skoverfit._core._rebuild import concatenate_rows, restore

SPARSE = [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.csc_matrix, sp.coo_array]
SPARSE += [sp.coo_matrix, sp.lil_array, sp.dok_matrix]
VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "float": np.float32([0.5, 1.5, np.nan, 3.5]),
            "int": np.int16([1, 2, 3, 4]),
            "Int": pd.array([1, None, 3, 4], dtype="Int64"),
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "cat": pd.Categorical(
                ["u", "v", "u", None], categories=["w", "v", "u"], ordered=True
            ),
            "str": ["a", "b", None, "d"],
            "obj": np.array(["a", 1, None, "d"], dtype=object),
            "when": pd.date_range("2024-01-01", periods=4, tz="UTC"),
        },
        index=[7, 7, 3, 5],
    )


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "float": pl.Series([0.5, 1.5, None, 3.5], dtype=pl.Float32),
            "int": pl.Series([1, 2, 3, 4], dtype=pl.Int16),
            "enum": pl.Series(["u", "v", "u", None], dtype=pl.Enum(["w", "v", "u"])),
            "cat": pl.Series(["u", "v", "u", None], dtype=pl.Categorical),
            "flag": [True, None, False, True],
            "str": ["a", "b", None, "d"],
        }
    )


@pytest.mark.parametrize("rows", [[2, 0, 0], [], [False, True, True, False]])
def test_take_rows_keeps_every_pandas_dtype_and_index_label(rows):
    frame = pandas_frame()
    taken = take_rows(frame, rows)
    numbers = np.flatnonzero(rows) if rows and isinstance(rows[0], bool) else rows
    assert_array_equal(taken.index, frame.index.to_numpy()[numbers])
    assert taken.dtypes.tolist() == frame.dtypes.tolist()
    for name in frame.columns:
        expected = [frame[name].tolist()[row] for row in numbers]
        for old, new in zip(expected, taken[name].tolist(), strict=True):
            assert (pd.isna(old) and pd.isna(new)) or old == new


@pytest.mark.parametrize("rows", [[2, 0, 0], []])
def test_take_rows_keeps_every_polars_dtype(rows):
    frame = polars_frame()
    taken = take_rows(frame, np.array(rows, dtype=int))
    assert taken.schema == frame.schema
    assert taken.rows() == [frame.rows()[row] for row in rows]
    series = take_rows(frame["enum"], rows)
    assert isinstance(series, pl.Series)
    assert series.dtype == frame["enum"].dtype


def test_take_rows_knows_frames_with_two_columns_of_one_name():
    frame = pd.DataFrame(VALUES, columns=["a", "a", "b"])
    assert_array_equal(take_rows(frame, [3, 1]).to_numpy(), VALUES[[3, 1]])
    assert_array_equal(to_numpy(frame), VALUES)
    assert to_numpy(frame).dtype == np.float32


@pytest.mark.parametrize("make", SPARSE)
@pytest.mark.parametrize("rows", [[3, 1, 1], []])
def test_take_rows_keeps_the_sparse_kind(make, rows):
    X = make(VALUES)
    taken = take_rows(X, rows)
    assert type(taken) is type(X)
    assert taken.dtype == np.float32
    assert_array_equal(taken.toarray(), VALUES[rows])


def test_tensor_rows_stay_attached_and_on_their_device():
    X = torch.tensor(VALUES, requires_grad=True)
    taken = take_rows(X, [1, 1])
    assert taken.dtype == torch.float32
    assert taken.device == X.device
    taken.sum().backward()
    assert_array_equal(X.grad[:, 0].numpy(), [0, 2, 0, 0])
    assert take_rows(torch.nn.Parameter(X.detach()), []).shape == (0, 3)
    assert to_numpy(X).dtype == np.float32


def test_bfloat16_becomes_float32_and_comes_back():
    X = torch.tensor([1.5, 2.0], dtype=torch.bfloat16)
    assert to_numpy(X).dtype == np.float32
    back = restore(to_numpy(X), container_of(X))
    assert back.dtype == torch.bfloat16
    assert torch.equal(back, X)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 2)])
@pytest.mark.parametrize("dtype", [np.float16, np.int8, bool, "U3", object])
def test_numpy_of_any_shape(shape, dtype):
    X = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    taken = take_rows(X, [2, 2])
    assert taken.dtype == X.dtype
    assert_array_equal(taken, X[[2, 2]])
    assert not np.shares_memory(take_rows(X, [0, 1, 2, 3]), X)
    assert restore(X, container_of(X)).dtype == X.dtype


def test_lists_and_tuples():
    assert take_rows([[1, "a"], [2, "b"]], [1]) == [[2, "b"]]
    assert take_rows(("a", "b"), [1, 0]) == ("b", "a")
    assert container_of([[1, 2]]).ndim == 2
    assert container_of(["ab"]).ndim == 1
    assert_array_equal(to_numpy([torch.ones(2), torch.zeros(2)]), [[1, 1], [0, 0]])


@pytest.mark.parametrize(
    ("rows", "error", "match"),
    [
        ([4], IndexError, r"0\.\.3; got 4\.\.4"),
        ([-1], IndexError, r"got -1\.\.-1"),
        ([True], IndexError, "mask of 1 rows does not fit 4"),
        ([0.5], TypeError, "must be integers, got dtype float64"),
        ([[0]], ValueError, "got 2 dimensions"),
    ],
)
def test_bad_row_numbers_are_refused(rows, error, match):
    with pytest.raises(error, match=match):
        take_rows(VALUES, rows)


@pytest.mark.parametrize(
    "thing", [{"a": [1]}, "abc", 3, None, pl.LazyFrame({"a": [1]})]
)
def test_foreign_objects_are_named(thing):
    with pytest.raises(TypeError, match=f"{type(thing).__name__}; allowed are numpy"):
        n_rows(thing)


def test_scalar_array_has_no_rows():
    with pytest.raises(TypeError, match="scalar array"):
        n_rows(np.array(3))


def test_to_numpy_of_frames_takes_the_common_dtype():
    frame = pandas_frame()
    assert to_numpy(frame[["float"]]).dtype == np.float32
    assert to_numpy(frame[["float", "int"]]).dtype == np.float32
    values = to_numpy(frame[["Int", "flag"]])
    assert values.dtype == np.float64
    assert_array_equal(values, [[1, 1], [np.nan, np.nan], [3, 0], [4, 1]])
    assert to_numpy(frame).dtype == object
    assert to_numpy(frame)[:, 4].tolist()[:3] == ["u", "v", "u"]
    assert to_numpy(frame[[]]).shape == (4, 0)
    assert to_numpy(polars_frame()[["float", "int"]]).dtype == np.float32
    assert_array_equal(to_numpy(polars_frame()["flag"]), [1, np.nan, 0, 1])


def test_missing_values_of_every_kind():
    values = np.array([None, np.nan, pd.NA, pd.NaT, 0, "", "nan"], dtype=object)
    assert_array_equal(missing_values(values), [1, 1, 1, 1, 0, 0, 0])
    assert_array_equal(missing_values(np.array(["2024", "NaT"], "M8[D]")), [0, 1])
    assert not missing_values(np.array(["nan"])).any()


@pytest.mark.parametrize(
    "X",
    [
        VALUES,
        VALUES.tolist(),
        tuple(VALUES[:, 0].tolist()),
        torch.tensor(VALUES),
        torch.tensor([1, 2], dtype=torch.int16),
        pd.Series([1.5, None], dtype="float32", name="s"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["a", "b", None], dtype="category", name=3),
        pl.Series("s", [1, 2], dtype=pl.UInt8),
        pl.Series("s", ["u", None], dtype=pl.Enum(["u", "v"])),
        pandas_frame(),
        polars_frame(),
        pd.DataFrame(VALUES, columns=["a", "a", 1]),
        *[make(VALUES) for make in SPARSE],
    ],
    ids=lambda X: type(X).__name__,
)
def test_restore_returns_what_went_in(X):
    back = restore(to_numpy(X), container_of(X))
    assert type(back) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(back, X.reset_index(drop=True))
    elif isinstance(X, pd.Series):
        pd.testing.assert_series_equal(back, X)
    elif isinstance(X, (pl.DataFrame, pl.Series)):
        assert back.equals(X, null_equal=True)
        assert container_of(back) == container_of(X)
    else:
        assert_array_equal(to_numpy(back), to_numpy(X))
        assert getattr(back, "dtype", None) == getattr(X, "dtype", None)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.array([1, 2]), "The input has dtype int64 and can't hold"),
        (torch.tensor([1, 2]), "The tensor has dtype int64"),
        (pd.Series([1, 2], name="age"), "Column 'age' has dtype int64"),
        (pd.DataFrame({"age": [1, 2]}), "Column 'age' has dtype int64"),
    ],
)
def test_restore_never_cuts_a_fraction(X, match):
    values = to_numpy(X) + 0.5
    with pytest.raises(ValueError, match=match):
        restore(values, container_of(X))


def test_restore_refuses_an_unknown_category():
    spec = container_of(pd.Series(["a", "b"], dtype="category", name="c"))
    with pytest.raises(
        ValueError, match=r"Column 'c' has no category for the value 'z'"
    ):
        restore(np.array(["a", "z"], dtype=object), spec)


def test_restore_widens_strings():
    assert restore(np.array(["long"]), container_of(np.array(["a"])))[0] == "long"


def test_concatenate_keeps_kind_and_dtype():
    frame = pandas_frame()
    joined = concatenate_rows([frame, take_rows(frame, [3])])
    assert joined.dtypes.tolist() == frame.dtypes.tolist()
    assert joined.index.tolist() == [0, 1, 2, 3, 4]
    series = concatenate_rows([frame["cat"], frame["cat"]])
    assert series.dtype == frame["cat"].dtype
    assert (series.name, len(series)) == ("cat", 8)
    polars = polars_frame()
    assert concatenate_rows([polars, polars]).schema == polars.schema
    assert concatenate_rows([polars["int"], polars["int"]]).name == "int"
    assert concatenate_rows([[1], [2, 3]]) == [1, 2, 3]
    assert concatenate_rows([(1,), (2,)]) == (1, 2)
    both = concatenate_rows([np.float32([1]), np.float64([2])])
    assert both.dtype == np.float32
    assert concatenate_rows([np.array(["a"]), np.array(["bc"])]).tolist() == ["a", "bc"]
    tensor = torch.tensor(VALUES)
    assert concatenate_rows([tensor, tensor.double()]).dtype == torch.float32
    for make in SPARSE:
        stacked = concatenate_rows([make(VALUES), make(VALUES)])
        assert type(stacked) is type(make(VALUES))
        assert stacked.dtype == np.float32


def test_concatenate_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="0 parts"):
        concatenate_rows([])
    with pytest.raises(TypeError, match=r"\['list', 'numpy'\]"):
        concatenate_rows([[1], np.array([1])])
    with pytest.raises(ValueError, match="can't hold the new values"):
        concatenate_rows([np.array([1]), np.array([0.5])])
    with pytest.raises(TypeError, match="Column 'a' is int64 in the first part"):
        concatenate_rows([pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [0.5]})])


def test_copy_index():
    source = pd.Series([1, 2], index=["x", "y"])
    new = pd.Series([3, 4])
    assert copy_index(new, source).index.tolist() == ["x", "y"]
    assert new.index.tolist() == [0, 1]
    assert copy_index([3], source) == [3]


def test_the_bridge_loads_no_heavy_library():
    code = (
        "import sys, numpy as np; import skoverfit.datasets as d;"
        "d.make_label_noise(np.array([0, 1] * 10));"
        # scikit-learn itself loads pandas where it is installed.
        "bad = {'torch', 'polars', 'matplotlib', 'skorch'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
