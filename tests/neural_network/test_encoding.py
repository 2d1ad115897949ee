# SPDX-License-Identifier: BSD-3-Clause
"""Tables become what a net reads, and weights are repetitions."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skoverfit.neural_network._encoding import MAX_ONE_HOT, TableEncoder


def frame(n=200, seed=0):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "income": rng.lognormal(3, 1, n),
            "age": rng.integers(18, 90, n),
            "city": rng.choice(["Bonn", "Rom", "Wien"], n),
            "member": rng.random(n) < 0.3,
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "kind": pd.Categorical(rng.choice(list("ab"), n)),
        }
    )
    made.loc[::7, "income"] = np.nan
    made.loc[::11, "city"] = None
    return made


def test_numbers_are_scaled_by_quartiles_clipped_smoothly_and_centred():
    X = np.random.default_rng(0).lognormal(0, 2, (500, 2))
    made = TableEncoder.fit(X).transform(X, np.float64).dense
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    robust = 1.35 * (X - middle) / (high - low)
    clipped = robust / np.sqrt(1 + (robust / 3) ** 2)
    wanted = clipped - clipped.mean(axis=0)
    np.testing.assert_allclose(made, wanted, rtol=1e-10)


def test_standard_scaling_is_the_standard_scaler():
    from sklearn.preprocessing import StandardScaler

    X = np.random.default_rng(0).normal(5, 3, (100, 4))
    made = TableEncoder.fit(X, scaling="standard").transform(X, np.float64).dense
    np.testing.assert_allclose(made, StandardScaler().fit_transform(X), atol=1e-10)


def test_a_weight_is_a_repetition():
    X = frame(120)
    weight = np.random.default_rng(1).integers(0, 4, 120)
    there = weight > 0
    weighted = TableEncoder.fit(X[there], weight[there].astype(float))
    repeated = TableEncoder.fit(X.loc[np.repeat(np.arange(120), weight)])
    for name, value in weighted.to_state().items():
        other = getattr(repeated, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(value, other, rtol=1e-12, err_msg=name)
        else:
            assert value == other, name


def test_columns_of_a_mixed_table():
    encoder = TableEncoder.fit(frame())
    # income, age, since; indicator of income; three cities and none; member and kind.
    assert encoder.n_numeric == 3
    assert encoder.n_dense == 3 + 1 + 4 + 2 + 2
    assert encoder.n_codes == []
    made = encoder.transform(frame(), np.float64).dense
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-9)


def test_a_polars_frame_is_encoded_as_the_pandas_frame():
    columns = ["income", "age", "city", "member"]
    X = frame()[columns]
    other = pl.DataFrame(
        {
            name: [None if pd.isna(cell) else cell for cell in X[name]]
            for name in columns
        }
    )
    first, second = TableEncoder.fit(X), TableEncoder.fit(other)
    np.testing.assert_allclose(
        first.transform(X).dense, second.transform(other).dense, atol=1e-6
    )


def test_unseen_levels_belong_to_no_level():
    X = pd.DataFrame({"city": ["Bonn", "Rom", "Wien"] * 10, "x": np.arange(30.0)})
    encoder = TableEncoder.fit(X, scaling="standard")
    new = pd.DataFrame({"city": ["Oslo", None], "x": [3.0, 3.0]})
    made = encoder.transform(new, np.float64).dense
    np.testing.assert_array_equal(made[0], made[1])
    hot = made[:, 1:] + encoder.mean[1:]
    np.testing.assert_allclose(hot, 0, atol=1e-12)


def test_missing_is_a_level_where_it_was_met():
    X = pd.DataFrame({"city": ["Bonn", None, "Wien"] * 10})
    encoder = TableEncoder.fit(X)
    hot = encoder.transform(X.iloc[:3], np.float64).dense + encoder.mean
    np.testing.assert_allclose(hot, [[0, 1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)


def test_a_column_that_is_mostly_one_value_gets_the_scale_of_the_others():
    column = np.concatenate([np.zeros(90), [4.0] * 4, [6.0] * 6])
    made = (
        TableEncoder.fit(column[:, None]).transform(column[:, None], np.float64).dense
    )
    robust = 1.35 * column / 12  # twice the median distance of the ten others
    clipped = robust / np.sqrt(1 + (robust / 3) ** 2)
    np.testing.assert_allclose(made[:, 0], clipped - clipped.mean())


def test_a_column_of_many_levels_is_embedded():
    names = [f"level {i}" for i in range(MAX_ONE_HOT + 1)]
    X = pd.DataFrame({"name": names * 2, "x": np.arange(2.0 * len(names))})
    encoder = TableEncoder.fit(X)
    assert encoder.n_codes == [len(names) + 1]
    made = encoder.transform(pd.DataFrame({"name": ["level 0", "new"], "x": [0, 1.0]}))
    assert made.codes[:, 0].tolist() == [1, 0]


def test_levels_keep_their_codes_when_a_new_table_has_others():
    X = pd.DataFrame({"name": ["b", "c", "a"] * 30, "x": np.arange(90.0)})
    encoder = TableEncoder.fit(X)
    whole = encoder.transform(X).dense
    part = encoder.transform(X.iloc[[1, 4]]).dense  # only "c" is left
    np.testing.assert_array_equal(part, whole[[1, 4]])


def test_dates_of_another_table_are_on_the_same_axis():
    X = frame()
    encoder = TableEncoder.fit(X)
    whole = encoder.transform(X, np.float64).dense
    later = X.iloc[np.argsort(X["since"].to_numpy())[-5:]]
    rows = [X.index.get_loc(label) for label in later.index]
    np.testing.assert_allclose(
        encoder.transform(later, np.float64).dense, whole[rows], rtol=1e-9
    )


def test_time_stamps_do_not_collapse_in_float32():
    stamp = 1.7e9 + np.arange(100.0)
    made = TableEncoder.fit(stamp[:, None]).transform(stamp[:, None]).dense
    assert len(np.unique(made)) == 100


def test_constant_and_empty_columns_are_left_out():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(50, 3.0), np.full(50, np.nan), rng.normal(size=50)])
    encoder = TableEncoder.fit(X)
    made = encoder.transform(X).dense
    assert np.isfinite(made).all()
    assert encoder.n_numeric == 1


def test_more_columns_than_rows_are_rotated_without_loss():
    X = np.random.default_rng(0).normal(size=(30, 400))
    encoder, plain = TableEncoder.fit(X), TableEncoder.fit(X, rotate=False)
    made = encoder.transform(X, np.float64).dense
    whole = plain.transform(X, np.float64).dense
    assert made.shape[1] <= 30
    # Inner products, and with them ridge and logistic regression, are unchanged.
    scale = encoder.spread**2
    np.testing.assert_allclose(scale * made @ made.T, whole @ whole.T, atol=1e-8)


def test_the_order_of_rows_does_not_matter():
    X = frame()
    order = np.random.default_rng(0).permutation(len(X))
    first = TableEncoder.fit(X).transform(X, np.float64).dense
    second = TableEncoder.fit(X.iloc[order]).transform(X, np.float64).dense
    np.testing.assert_allclose(first, second, atol=1e-10)


def test_the_state_is_plain_data_and_rebuilds_the_encoder():
    X = frame()
    encoder = TableEncoder.fit(X)
    state = encoder.to_state()
    plain = {k: v for k, v in state.items() if not isinstance(v, np.ndarray)}
    assert json.loads(json.dumps(plain)) == plain
    again = TableEncoder.from_state(state)
    np.testing.assert_array_equal(again.transform(X).dense, encoder.transform(X).dense)


def test_text_in_a_number_column_is_refused_by_name():
    X = frame()
    encoder = TableEncoder.fit(X)
    X["income"] = "much"
    with pytest.raises(ValueError, match="'income' holds categories or text"):
        encoder.transform(X)
