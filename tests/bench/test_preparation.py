"""Folds: fitted on training rows, always finite, and of bounded width."""

import string
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from skoverfit.bench._preparation import TEXT_COMPONENTS, prepare_fold
from skoverfit.bench._tables import load_table, table_from_frame
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError

N = 200
TRAIN, TEST = np.arange(150), np.arange(150, N)
Y = np.arange(N) % 3 // 2


def by_hand(X):
    """Return a table that went through no loader."""
    return Table(name="hand", X=X, y=Y, class_names=("0", "1"))


def prepared(columns, **options):
    frame = pd.DataFrame(columns).assign(target=Y)
    return prepare_fold(
        table_from_frame(frame, target="target"), TRAIN, TEST, **options
    )


def mixed(rng):
    days = pd.Series(pd.date_range("2020", periods=N, freq="5h"))
    columns = {
        "number": rng.normal(size=N),
        "count": rng.integers(0, 9, N),
        "flag": rng.random(N) < 0.5,
        "few": rng.choice(["a", "b", "c"], N),
        "many": [f"code {i}" for i in rng.integers(0, 80, N)],
        "category": pd.Categorical(rng.choice(["x", "y"], N)),
        "day": days,
        "zone": days.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "iso": days.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "nullable": pd.array(rng.integers(0, 5, N), dtype="Int64"),
    }
    frame = pd.DataFrame(columns)
    for name in columns:
        holes = rng.choice(N, 20, replace=False)
        frame[name] = frame[name].astype(
            "boolean" if name == "flag" else frame[name].dtype
        )
        if name != "count":
            frame.loc[holes, name] = None
    return frame


def check(fold, n_train=150, n_test=50):
    assert fold.X_train.shape == (n_train, fold.n_features_out)
    assert fold.X_test.shape == (n_test, fold.n_features_out)
    for values in (fold.X_train, fold.X_test):
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        assert np.isfinite(values).all()
    assert fold.seconds > 0
    return fold


# Numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("as_array", [True, False])
def test_clean_numbers_are_standardized_by_the_training_rows(as_array):
    X = np.random.default_rng(0).normal(3, 5, size=(N, 4))
    fold = check(prepare_fold(by_hand(X if as_array else pd.DataFrame(X)), TRAIN, TEST))
    mean, std = X[TRAIN].mean(axis=0), X[TRAIN].std(axis=0)
    np.testing.assert_allclose(fold.X_train, (X[TRAIN] - mean) / std, atol=1e-12)
    np.testing.assert_allclose(fold.X_test, (X[TEST] - mean) / std, atol=1e-12)


def test_missing_numbers_become_the_training_median_and_an_indicator():
    X = np.random.default_rng(0).normal(size=(N, 3))
    X[5, 0] = X[160, 0] = np.nan  # in both parts
    X[170, 1] = np.nan  # in the test rows only
    fold = check(prepare_fold(by_hand(X), TRAIN, TEST))
    assert fold.n_features_out == 4
    indicator = fold.X_train[:, 3]
    assert np.flatnonzero(indicator == indicator.max()).tolist() == [5]
    assert np.flatnonzero(fold.X_test[:, 3] == indicator.max()).tolist() == [10]
    for row, column in ((160, 0), (170, 1)):
        seen = X[TRAIN, column][~np.isnan(X[TRAIN, column])]
        filled = np.where(np.isnan(X[TRAIN, column]), np.median(seen), X[TRAIN, column])
        expected = (np.median(seen) - filled.mean()) / filled.std()
        assert fold.X_test[row - 150, column] == pytest.approx(expected)


@pytest.mark.parametrize("where", ["numbers", "text"])
def test_column_without_a_training_value_is_left_out(where):
    column = [np.nan if where == "numbers" else None] * 150 + (
        [1.0, 2.0] if where == "numbers" else ["a", "b"]
    ) * 25
    fold = check(prepared({"late": column, "age": np.arange(N) % 7}))
    assert fold.n_features_out == 1
    assert fold.notes == (
        "The column 'late' has no value in the training rows of a fold and was left "
        "out there.",
    )
    with pytest.raises(BadInputError, match=r"No column of the table 'table' has a"):
        prepared({"late": column})


def test_constant_columns_stay_finite():
    X = np.ones((N, 3))
    X[:, 1] = np.arange(N) < 150  # constant among the training rows only
    X[:, 2] = 1e12
    fold = check(prepare_fold(by_hand(X), TRAIN, TEST))
    np.testing.assert_array_equal(fold.X_train, 0.0)


def test_infinite_and_huge_values_are_refused():
    X = np.random.default_rng(0).normal(size=(N, 2))
    X[160, 1] = np.inf
    with pytest.raises(BadInputError, match=r"'x1' of the table 'hand' .*infinite"):
        prepare_fold(by_hand(X), TRAIN, TEST)


@pytest.mark.parametrize("rows", [TRAIN, TEST])
def test_huge_values_are_refused_instead_of_lost(rows):
    X = np.random.default_rng(0).normal(size=(N, 2))
    X[rows, 0] *= 1e307
    X[TRAIN, 0] *= 1e-3
    with pytest.raises(BadInputError, match=r"'x0' .*too large to be standardized"):
        prepare_fold(by_hand(X), TRAIN, TEST)


def test_wide_numbers_bypass_the_vectorizer(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("TableVectorizer met numbers only")

    monkeypatch.setattr("skrub.TableVectorizer.fit_transform", refuse)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 3000))).assign(b=Y > 0)
    X[7] = X[7].astype("Float64")
    X.iloc[3, 5] = np.nan
    assert check(prepare_fold(by_hand(X), TRAIN, TEST)).n_features_out == 3002


# Everything else --------------------------------------------------------------------


def test_mixed_table_and_its_determinism():
    frame = mixed(np.random.default_rng(0))
    table = table_from_frame(frame.assign(target=Y), target="target")
    one = check(prepare_fold(table, TRAIN, TEST))
    two = prepare_fold(table, TRAIN, TEST)
    np.testing.assert_array_equal(one.X_train, two.X_train)
    np.testing.assert_array_equal(one.X_test, two.X_test)
    other = prepare_fold(table, TRAIN, TEST, random_state=1)
    assert other.n_features_out == one.n_features_out


def test_training_columns_do_not_depend_on_the_test_rows():
    frame = mixed(np.random.default_rng(0))
    table = table_from_frame(frame.assign(target=Y), target="target")
    one = prepare_fold(table, TRAIN, TEST)
    two = prepare_fold(table, TRAIN, TEST[:7])
    np.testing.assert_array_equal(one.X_train, two.X_train)
    np.testing.assert_allclose(one.X_test[:7], two.X_test, atol=1e-12)


def test_table_is_not_changed():
    frame = mixed(np.random.default_rng(0))
    table = table_from_frame(frame.assign(target=Y), target="target")
    before = table.X.copy()
    prepare_fold(table, TRAIN, TEST)
    pd.testing.assert_frame_equal(table.X, before)


def test_frame_made_by_hand_with_odd_columns():
    X = pd.DataFrame(
        {
            0: np.array([True, None, False, True] * 50, dtype=object),
            "arrow": pd.Series(pd.date_range("2020", periods=N)).astype(
                "timestamp[ns][pyarrow]"
            ),
            "mixed": np.array([1, "a", None, 2.5] * 50, dtype=object),
            "sparse": pd.arrays.SparseArray(np.arange(N) % 4 * 1.0),
        },
        index=np.arange(N) + 7,
    )
    check(prepare_fold(by_hand(X), TRAIN, TEST))


def test_unseen_value_is_not_taken_for_a_seen_one():
    column = ["a", "b"] * 75 + ["a", "b", "c", "d", None] * 10
    for values in (column, pd.Categorical(column)):
        fold = check(prepared({"letter": values}))
        a, b, c, d, missing = fold.X_test[:5]
        np.testing.assert_array_equal(c, d)
        np.testing.assert_array_equal(c, missing)
        for seen in (a, b):
            assert not np.array_equal(seen, c)
        np.testing.assert_array_equal(a, fold.X_train[0])


@pytest.mark.parametrize(
    "late", [["unknown"] * 50, ["2020-01-01"] * 50, [None] * 50, ["1", "x"] * 25]
)
@pytest.mark.parametrize("early", ["{}", "2021-03-{:02d}", "w{}"])
def test_test_rows_that_break_the_pattern_of_the_column(early, late):
    check(prepared({"code": [early.format(1 + i % 9) for i in range(150)] + late}))


LETTERS = string.ascii_letters


@pytest.mark.parametrize(
    "column",
    [
        [LETTERS[i % 52] for i in range(N)],  # 52 values of 26 n-grams
        ["." * (1 + i % 50) for i in range(N)],
        [f"{i:x}" * 3 for i in range(N)],
        [" ".join(LETTERS[i % 40 : i % 40 + 9]) for i in range(N)],
        ["😀" * (i % 45 + 1) + "é" for i in range(N)],
        pd.Categorical([i % 60 for i in range(N)]),
        [f"{i % 50} " + "long text " * 200 for i in range(N)],
        [f"{i % 24:02d}:{i % 60:02d}" for i in range(N)],
        ["", "  "] * 50 + [f"v{i}" for i in range(100)],
    ],
)
def test_columns_of_many_texts_have_bounded_width(column):
    fold = check(prepared({"many": column}))
    assert fold.n_features_out <= TEXT_COMPONENTS


def test_width_is_bounded_per_column():
    rng = np.random.default_rng(0)
    n = 5000
    columns = {
        "39 values": [f"v{i}" for i in rng.integers(0, 39, n)],
        "all differ": [f"{i:x}" for i in rng.integers(0, 2**60, n)],
    }
    frame = pd.DataFrame(columns).assign(target=np.arange(n) % 2)
    table = table_from_frame(frame, target="target")
    fold = prepare_fold(table, np.arange(4000), np.arange(4000, n))
    check(fold, 4000, 1000)
    assert fold.n_features_out <= 39 + TEXT_COMPONENTS


@pytest.mark.parametrize("n_train", [4, 12, 45])
def test_few_training_rows(n_train):
    frame = mixed(np.random.default_rng(1))
    table = table_from_frame(frame.assign(target=Y), target="target")
    rows = np.arange(n_train)
    check(prepare_fold(table, rows, TEST), n_train)


def test_text_keeps_what_predicts():
    rng = np.random.default_rng(0)
    words = [f"{'north' if y else 'south'}-{rng.integers(10**6)}" for y in Y]
    fold = check(prepared({"place": words, "noise": rng.normal(size=N)}))
    model = LogisticRegression().fit(fold.X_train, Y[TRAIN])
    assert balanced_accuracy_score(Y[TEST], model.predict(fold.X_test)) > 0.95


# Real tables ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("mixed_adult_train", (90, 140)),
        ("mixed_german", (55, 75)),
        ("imb_mammography", (6, 6)),
        ("multi_page_blocks", (10, 10)),
        ("wide_leukemia", (5147, 5147)),
    ],
)
def test_real_folds(real_data, name, width):
    table = load_table(real_data / f"{name}.csv.gz", target="target")
    rows = np.arange(len(table.y))
    test = rows % 5 == 0
    start = time.perf_counter()
    fold = prepare_fold(table, rows[~test], rows[test])
    check(fold, (~test).sum(), test.sum())
    assert width[0] <= fold.n_features_out <= width[1]
    # Adult takes a second or two; 70 s is what the vectorizer takes on a wide table.
    assert time.perf_counter() - start < 30
