# SPDX-License-Identifier: BSD-3-Clause
"""The codec of mixed tables: rows survive it bit-identically, made rows keep dtypes."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from polars.testing import assert_frame_equal as assert_polars_equal

from skoverfit._core._columns import analyse_columns

DAYS = [dt.date(2020, 1, d) for d in (1, 2, 5, 9)]
SERIES = {
    "int8": pd.Series([1, -128, 127, 4], dtype="int8"),
    "int64 above 2**53": pd.Series([2**60 + 1, 2**60 + 7, 2**60 + 3, 2**60]),
    "uint64": pd.Series([2**64 - 1, 2**64 - 5, 2**64 - 9, 2**64 - 2], dtype="uint64"),
    "float16": pd.Series([1.5, np.nan, 2, 3], dtype="float16"),
    "float32": pd.Series([1.5, np.nan, 2, 3], dtype="float32"),
    "bool": pd.Series([True, False, True, True]),
    "object strings": pd.Series(["b", "a", None, "b"], dtype=object),
    "strings": pd.Series(["b", "a", None, "b"], dtype="str"),
    "nullable strings": pd.Series(["b", "a", None, "b"], dtype="string"),
    "arrow strings": pd.Series(["b", "a", None, "b"]).astype("string[pyarrow]"),
    "category": pd.Series(list("yxxy")).astype(pd.CategoricalDtype(list("zyx"))),
    "category of ints": pd.Series(pd.Categorical([3, 1, None, 3])),
    "ordered": pd.Series(pd.Categorical(["lo", "hi", None, "lo"], ["lo", "hi"], True)),
    "days": pd.Series(pd.to_datetime(DAYS)),
    "dates with NaT": pd.Series(pd.to_datetime([*DAYS[:3], None])),
    "zoned": pd.Series(pd.date_range("2020-03-28", periods=4, tz="Europe/Berlin")),
    "durations": pd.Series(pd.to_timedelta([1, 2, None, 4], unit="h")),
    "periods": pd.Series(pd.period_range("2020-01", periods=4, freq="M")),
    "Int64": pd.Series([1, None, 2**60 + 1, 4], dtype="Int64"),
    "UInt8": pd.Series([1, None, 255, 4], dtype="UInt8"),
    "Float32": pd.Series([1, None, 3, 4], dtype="Float32"),
    "boolean": pd.Series([True, None, False, True], dtype="boolean"),
    "arrow ints": pd.Series([1, None, 3, 4]).astype("int64[pyarrow]"),
    "arrow floats": pd.Series([1, None, 3, 4]).astype("double[pyarrow]"),
    "arrow bools": pd.Series([True, None, False, True]).astype("bool[pyarrow]"),
    "arrow dates": pd.Series(DAYS, dtype=pd.ArrowDtype(pa.date32())),
    "arrow zoned": pd.Series(pd.date_range("2020", periods=4, tz="UTC")).astype(
        pd.ArrowDtype(pa.timestamp("us", "UTC"))
    ),
    "arrow decimals": pd.Series(
        [Decimal("1.25"), None, Decimal(2), Decimal("0.5")],
        dtype=pd.ArrowDtype(pa.decimal128(10, 2)),
    ),
    "decimals": pd.Series([Decimal("1.25"), None, Decimal(2), Decimal("0.5")]),
    "date objects": pd.Series(DAYS, dtype=object),
    "datetime objects": pd.Series(
        [dt.datetime(2020, 1, d, 5) for d in range(1, 5)], dtype=object
    ),
    "int objects": pd.Series([1, None, 2, 3], dtype=object),
    "huge int objects": pd.Series([1, 5, 2**70, 3], dtype=object),
    "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1, 2])),
}
POLARS = {
    "ints": pl.Series([1, None, 3], dtype=pl.Int16),
    "uint64": pl.Series([2**64 - 1, 2**64 - 2, 2**64 - 9], dtype=pl.UInt64),
    "floats": pl.Series([1.0, None, 3.0], dtype=pl.Float32),
    "bools": pl.Series([True, None, False]),
    "strings": pl.Series(["b", None, "a"]),
    "categories": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "enum": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "z", "x"])),
    "dates": pl.Series([DAYS[0], None, DAYS[2]]),
    "zoned": pl.Series(
        [dt.datetime(2020, 1, 1), None, dt.datetime(2021, 1, 1)]
    ).dt.replace_time_zone("Europe/Berlin"),
    "durations": pl.Series([dt.timedelta(1), None, dt.timedelta(2)]),
    "decimals": pl.Series([Decimal("1.25"), None, Decimal(2)], dtype=pl.Decimal(9, 2)),
}


@pytest.mark.parametrize("name", SERIES)
def test_pandas_columns_round_trip(name):
    X = pd.DataFrame({"column": SERIES[name]})
    X.index = [7, 7, 3, 1]
    plan = analyse_columns(X)
    out = plan.assemble(plan.numeric, plan.codes)
    expected = pd.concat([X, X], ignore_index=True)
    pd.testing.assert_frame_equal(out, expected)
    assert list(out.index) == list(range(8))


@pytest.mark.parametrize("name", POLARS)
def test_polars_columns_round_trip(name):
    X = pl.DataFrame({"column": POLARS[name]})
    plan = analyse_columns(X)
    out = plan.assemble(plan.numeric, plan.codes)
    assert out.schema == X.schema
    assert_polars_equal(out, pl.concat([X, X]))


def test_arrow_tables_keep_their_schema():
    X = pl.DataFrame(
        {"i": [1, None, 3], "s": ["b", None, "a"], "b": [True, None, False]}
    ).to_arrow()
    plan = analyse_columns(X)
    out = plan.assemble(plan.numeric, plan.codes)
    assert out.schema.types == X.schema.types
    assert out.slice(3).to_pylist() == X.to_pylist()


@pytest.mark.parametrize("name", SERIES)
def test_any_column_may_be_declared_nominal(name):
    X = pd.DataFrame({"column": SERIES[name]})
    plan = analyse_columns(X, [0])
    assert plan.numeric.shape == (4, 0)
    out = plan.assemble(None, plan.codes)
    pd.testing.assert_frame_equal(out, pd.concat([X, X], ignore_index=True))


def test_roles_are_found_from_the_dtypes():
    X = pd.DataFrame({name: SERIES[name] for name in SERIES})
    plan = analyse_columns(X)
    nominal = {plan.names[j] for j in plan.nominal_columns}
    assert nominal == {
        *("bool", "boolean", "arrow bools", "category", "category of ints"),
        *("object strings", "strings", "nullable strings", "arrow strings"),
    }
    floats = {
        n for n, w in zip(plan.numeric_columns, plan.is_integer, strict=True) if not w
    }
    assert {plan.names[j] for j in floats} == {
        *("float16", "float32", "Float32", "arrow floats"),
    }


def test_interpolation_far_above_two_to_the_53_is_exact():
    X = pd.DataFrame({"id": [2**60 + 1, 2**60 + 101]})
    plan = analyse_columns(X)
    made = plan.assemble([[plan.numeric.mean()]], None, kept=[])
    assert int(made["id"][0]) == 2**60 + 51


def test_made_integers_are_clipped_to_the_dtype():
    X = np.array([[-100, 0], [100, 255]], dtype=np.int16)
    plan = analyse_columns(X.astype(np.int8))
    out = plan.assemble([[1e6, -1e6]], None)
    assert out[-1].tolist() == [127, -128]


def test_days_stay_days_and_the_clock_stays():
    X = pd.DataFrame({"day": pd.to_datetime(["2020-01-01 06:00", "2020-01-04 06:00"])})
    plan = analyse_columns(X)
    assert plan.numeric.ravel().tolist() == [0, 3]
    assert plan.assemble([[1.0]])["day"][2] == pd.Timestamp("2020-01-02 06:00")


def test_ordered_categories_are_positions_also_unused_ones():
    levels = pd.CategoricalDtype(["lo", "mid", "hi"], ordered=True)
    X = pd.DataFrame({"size": pd.Series(["lo", "hi"], dtype=levels)})
    plan = analyse_columns(X)
    assert plan.numeric.ravel().tolist() == [0, 2]
    made = plan.assemble([[1.2], [9.0], [-3.0]], None, kept=[])
    assert made["size"].tolist() == ["mid", "hi", "lo"]


def test_polars_enums_can_be_ordinal():
    X = pl.DataFrame({"e": pl.Series(["x", "y"], dtype=pl.Enum(["y", "z", "x"]))})
    plan = analyse_columns(X, ordinal_features=["e"])
    assert plan.numeric.ravel().tolist() == [2, 0]
    assert plan.assemble([[1.0]])["e"].to_list() == ["x", "y", "z"]


def test_equal_column_names_are_kept_apart():
    X = pd.DataFrame([[1, "a"], [2, "b"]], columns=["c", "c"])
    out = analyse_columns(X).assemble([[5.0]], [[2]])
    assert out.columns.tolist() == ["c", "c"]
    assert out.iloc[2].tolist() == [5, "b"]


def test_objects_keep_their_identity():
    word = "".join(["so", "me"])
    X = np.array([[word, 1], ["other", 2.5]], dtype=object)
    out = analyse_columns(X).assemble([[1.5]], [[2]])
    assert out[0, 0] is word
    assert out[2, 0] is word
    assert out[2, 1] == 1.5


def test_lists_and_tuples_come_back():
    out = analyse_columns([(1, "a"), (2, None)]).assemble([[7.0]], [[1]])
    assert out == [(1, "a"), (2, None), (7, "a")]


def test_sparse_and_tensors_come_back():
    dense = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    for X in (sp.csr_matrix(dense), sp.csc_array(dense)):
        out = analyse_columns(X, [0]).assemble([[5.0]], [[1]])
        assert (type(out), out.dtype, out.format) == (type(X), X.dtype, X.format)
        assert out.toarray()[2].tolist() == [0, 5]
    out = analyse_columns(torch.tensor(dense), [0]).assemble([[5.0]], [[2]])
    assert out.dtype == torch.float32
    assert out[2].tolist() == [1, 5]


def test_short_floats_stay_short_and_kept_rows_are_chosen():
    X = np.array([[1, 2], [3, 4]], dtype=np.float32)
    plan = analyse_columns(X)
    assert plan.numeric.dtype == np.float32
    assert plan.assemble([[9, 9]], None, kept=[1]).tolist() == [[3, 4], [9, 9]]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["b"], [1]),
        ([-1, 0], [0, 2]),
        (np.array([True, False, False]), [0]),
        (None, []),
    ],
)
def test_columns_are_named_by_position_name_or_mask(chosen, expected):
    X = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    assert analyse_columns(X, chosen).nominal_columns.tolist() == expected


FRAME = pd.DataFrame({"age": [1.0, 2.0], "job": ["a", "b"]})
BAD = {
    "no column": (FRAME, ["jop"], r"'jop'.*Did you mean 'job'"),
    "out of range": (FRAME, [5], r"column 5.*0 to 1"),
    "short mask": (FRAME, [True], "mask of 1 columns"),
    "names without names": (np.ones((2, 2)), ["a"], "no column names"),
    "a number as name": (FRAME, [1.5], "positions, column names or a mask"),
    "undeclared text": (FRAME, ["age"], "'job' holds categories or text"),
    "infinite": (
        FRAME.assign(age=[1, np.inf]),
        "auto",
        "infinity: column 'age'.*row 1",
    ),
    "missing": (FRAME.assign(age=[np.nan] * 2), "auto", "'age' has no value: all 2"),
    "no rows": (FRAME[:0], "auto", "0 sample"),
    "no columns": (FRAME[[]], "auto", "0 feature"),
    "ragged": ([[1], [2, 3]], "auto", "different lengths"),
    "one-dimensional": (np.ones(3), "auto", "Expected 2D array"),
    "complex": (np.ones((2, 2), complex), "auto", "Complex data not supported"),
    "strings and numbers": (
        [["a"], [1]],
        "auto",
        r"mixes numbers \(1 in row 1\) and strings \('a' in row 0\)",
    ),
    "booleans and strings": ([[True], ["a"]], "auto", "mixes booleans.*and strings"),
    "nested": (pd.DataFrame({"a": [[1], [2]]}), "auto", r"'a' has \[1\] in row 0"),
    "levels": (np.arange(70_000).reshape(-1, 1), [0], "70000 distinct values"),
    "intervals": (
        pd.DataFrame({"a": pd.arrays.IntervalArray.from_breaks([0, 1, 2])}),
        "auto",
        "'a' has dtype interval",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_get_one_sentence(case):
    X, chosen, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        analyse_columns(X, chosen)


def test_unordered_text_is_no_ordinal_column():
    with pytest.raises(ValueError, match="'job' is in ordinal_features"):
        analyse_columns(FRAME, ordinal_features=["job"])
    with pytest.raises(ValueError, match="name it once"):
        analyse_columns(FRAME, ["job"], ordinal_features=["job"])


def test_missing_is_never_made_where_none_was():
    plan = analyse_columns(FRAME)
    with pytest.raises(ValueError, match="'age' has no missing value"):
        analyse_columns(FRAME.astype({"age": int})).assemble([[np.nan]], [[1]])
    with pytest.raises(ValueError, match="'job' has no missing value"):
        plan.assemble([[1.0]], [[0]])
    with pytest.raises(ValueError, match="made rows have the shapes"):
        plan.assemble([[1.0, 2.0]], [[1]])


def test_identifiers_are_called_by_their_name():
    X = pd.DataFrame({"id": [f"row {i}" for i in range(100)], "x": range(100)})
    with pytest.warns(UserWarning, match="'id' has another text in each of its 100"):
        analyse_columns(X)


COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=5, max_size=5),
    st.lists(
        st.one_of(st.none(), st.integers(-(2**66), 2**66)), min_size=5, max_size=5
    ),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=5, max_size=5),
    st.lists(st.one_of(st.none(), st.dates()), min_size=5, max_size=5),
    st.lists(st.floats(allow_infinity=False), min_size=5, max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(COLUMN, min_size=1, max_size=4))
def test_random_objects_keep_kind_and_rows(columns):
    X = np.empty((5, len(columns)), dtype=object)
    for j, column in enumerate(columns):
        X[:, j] = column
    plan = analyse_columns(X, allow_all_missing=True)
    out = plan.assemble(plan.numeric, plan.codes)
    assert all(a is b for a, b in zip(out[:5].ravel(), X.ravel(), strict=True))
    assert set(plan.numeric_columns) | set(plan.nominal_columns) == set(
        range(X.shape[1])
    )
    for j in range(X.shape[1]):
        assert set(map(type, out[5:, j])) <= set(map(type, X[:, j]))
    for j in plan.nominal_columns:
        assert out[5:, j].tolist() == X[:, j].tolist()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.int16, np.int32, np.int64, np.uint64, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements={"allow_infinity": False, "allow_nan": False},
    )
)
def test_random_numbers_stay_in_their_range(X):
    plan = analyse_columns(X)
    out = plan.assemble(plan.numeric, None)
    assert out.dtype == X.dtype
    np.testing.assert_array_equal(out[: len(X)], X)
    made = out[len(X) :]
    if X.dtype.kind == "f" or int(X.max()) - int(X.min()) <= 2**53:
        np.testing.assert_array_equal(made, X)
    error = np.abs(made.astype(float) - X.astype(float))
    assert (error <= 2.0**-51 * (float(X.max()) - float(X.min()))).all()


def test_the_raw_adult_table_round_trips(real_data):
    X = pd.read_csv(real_data / "mixed_adult_train.csv.gz")
    plan = analyse_columns(X)
    assert (len(plan.numeric_columns), len(plan.nominal_columns)) == (6, 9)
    out = plan.assemble(plan.numeric, plan.codes)
    pd.testing.assert_frame_equal(out, pd.concat([X, X], ignore_index=True))
