# SPDX-License-Identifier: BSD-3-Clause
"""Bad input ends in one sentence; any sensible table comes through unchanged."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings, strategies as st
from imblearn.pipeline import make_pipeline
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.over_sampling import SMOTE, SMOTEN, SMOTENC, RandomOverSampler

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.repeat(["no", "yes"], [28, 12])


def changed(row, column, value, dtype=float):
    table = X.astype(dtype)
    table[row, column] = value
    return table


@pytest.mark.parametrize(
    ("parameters", "table", "labels", "fit", "words"),
    [
        (
            {"sampling_strategy": {"yes": 5}},
            X,
            Y,
            {},
            "12 samples of class 'yes' and 5",
        ),
        ({"sampling_strategy": {"maybe": 50}}, X, Y, {}, "'maybe'.*not present"),
        ({"sampling_strategy": {"yes": 20.5}}, X, Y, {}, "asks for 20.5 rows"),
        ({"sampling_strategy": 0.1}, X, Y, {}, "increase the ratio"),
        ({"sampling_strategy": lambda y: 3}, X, Y, {}, "must return a dict"),
        (
            {"sampling_strategy": 0.5},
            X,
            np.arange(40) % 3,
            {},
            "only when the type of target is binary; there are 3",
        ),
        ({}, changed(3, 1, np.inf), Y, {}, "infinity: column 1 has inf in row 3"),
        (
            {},
            pd.DataFrame(changed(3, 1, -np.inf), columns=list("abc")),
            Y,
            {},
            "infinity: column 'b' has -inf in row 3",
        ),
        (
            {},
            sparse.csr_array(changed(3, 1, np.inf)),
            Y,
            {},
            "infinity: column 1 has inf in row 3",
        ),
        (
            {},
            torch.tensor(changed(3, 1, np.inf)),
            Y,
            {},
            "infinity: column 1 has inf in row 3",
        ),
        ({"missing": "raise"}, changed(3, 1, np.nan), Y, {}, "missing='raise'"),
        ({}, changed(slice(None), 1, np.nan), Y, {}, "has no value"),
        ({}, X, Y[:-1], {}, "40 rows, but y has 39"),
        ({}, X, np.where(Y == "no", None, Y), {}, "missing labels"),
        ({}, X, X[:, 0], {}, "Unknown label type"),
        ({}, X, np.full(40, "no"), {}, r"only 1 class \('no'\)"),
        ({}, X, np.eye(3)[np.arange(40) % 3] + 1, {}, "must be one-hot"),
        ({}, X[:, 0], Y, {}, "Reshape your"),
        ({}, X, Y, {"sample_weight": -np.ones(40)}, "not negative. Got -1.0 in row 0"),
        ({}, X, Y, {"sample_weight": np.full(40, np.nan)}, "must be finite"),
        ({}, X, Y, {"sample_weight": np.ones(39)}, "but there are 40 rows"),
        ({}, X, Y, {"sample_weight": ["a"] * 40}, "must hold numbers"),
        ({}, X, Y, {"sample_weight": (Y == "no") * 1.0}, "All rows of class 'yes'"),
        ({}, X, Y, {"groups": np.arange(39)}, "but there are 40 rows"),
        ({}, X, Y, {"groups": [None] * 40}, "missing values"),
        ({"fallback": "raise"}, X, Y, {"groups": np.arange(40)}, "fallback='raise'"),
        ({"categorical_features": [7]}, X, Y, {}, "categorical_features"),
        ({"categorical_features": ["colour"]}, X, Y, {}, "'colour'"),
        ({"k_neighbors": 0}, X, Y, {}, "'k_neighbors' parameter of SMOTE"),
        ({"gap": "line"}, X, Y, {}, "'gap' parameter of SMOTE"),
        (
            {"k_neighbors": NearestNeighbors(), "categorical_features": [0, 1, 2]},
            X,
            Y,
            {},
            "can't measure nominal columns",
        ),
    ],
)
def test_one_sentence(parameters, table, labels, fit, words):
    with pytest.raises(ValueError, match=words) as caught:
        SMOTE(**parameters).fit_resample(table, labels, **fit)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("sampler", [SMOTE(), RandomOverSampler()])
@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pl.LazyFrame({"a": [1.0, 2.0]}), r"LazyFrame\. Call its collect"),
        ({"a": [1.0, 2.0]}, r"is a builtins\.dict"),
    ],
)
def test_what_is_no_table_is_named(sampler, table, words):
    with pytest.raises(ValueError, match=words):
        sampler.fit_resample(table, ["no", "yes"])


@pytest.mark.parametrize("sampler", [SMOTE, SMOTEN, RandomOverSampler])
def test_tables_of_pyarrow_stay_that(sampler):
    table = pa.table({"size": X[:, 0], "shop": ["a", "b"] * 20})
    made, _ = sampler(random_state=0).fit_resample(table, Y)
    assert made.schema.equals(table.schema)
    assert made.slice(0, 40).equals(table)
    assert made.num_rows == 56


def test_a_column_of_mixed_types_is_refused_by_name():
    frame = pd.DataFrame(X, columns=list("abc")).assign(c=["x", 1] * 20)
    with pytest.raises(TypeError, match="'c' mixes"):
        SMOTE().fit_resample(frame, Y)


def test_a_misspelt_parameter_of_fit_resample_is_an_error():
    with pytest.raises(TypeError, match="sample_weights"):
        SMOTE().fit_resample(X, Y, sample_weights=np.ones(40))


def test_provenance_is_not_there_before_and_survives_pickling():
    smote = SMOTE(random_state=0)
    for name in ("sample_indices_", "is_synthetic_", "parents_", "weights_"):
        with pytest.raises(AttributeError, match="before fit_resample"):
            getattr(smote, name)
    smote.fit_resample(X, Y)
    back = pickle.loads(pickle.dumps(smote))
    assert_array_equal(back.parents_, smote.parents_)
    assert smote.sample_indices_.dtype == np.intp
    assert_array_equal(smote.sample_indices_[:40], np.arange(40))
    stored = sum(v.nbytes for v in vars(smote).values() if isinstance(v, np.ndarray))
    assert stored < 40 * smote.is_synthetic_.sum() + 200
    with pytest.raises(ValueError, match=r"row numbers in 0\.\.39"):
        smote.split_safe([40])
    smote.fit(X, Y)
    assert not hasattr(smote, "parents_")


def test_priors_and_counts():
    smote = SMOTE(sampling_strategy={"yes": 20}, random_state=0)
    smote.fit_resample(X, Y)
    assert_array_equal(smote.classes_, ["no", "yes"])
    np.testing.assert_allclose(smote.class_prior_before_, [0.7, 0.3])
    np.testing.assert_allclose(smote.class_prior_after_, [28 / 48, 20 / 48])
    assert smote.n_generated_ == {"no": 0, "yes": 8}
    assert smote.sampling_strategy_ == {"yes": 8}


def test_it_works_in_a_search():
    pipeline = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"smote__k_neighbors": [2, 4]}, cv=2)
    assert search.fit(X, Y).best_score_ > 0
    assert clone(SMOTENC([0])).categorical_features == [0]


# --- any table ------------------------------------------------------------------------


@st.composite
def tables(draw):
    counts = draw(st.lists(st.integers(1, 12), min_size=2, max_size=3))
    y = np.repeat(np.arange(len(counts)), counts)
    n, seed = len(y), draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    kinds = draw(
        st.lists(
            st.sampled_from(["f8", "f4", "i8", "u1", "bool", "cat", "text", "date"]),
            min_size=1,
            max_size=4,
        )
    )
    columns = {}
    for j, kind in enumerate(kinds):
        few = draw(st.booleans())
        numbers = rng.integers(0, 3 if few else 200, n)
        gone = rng.random(n) < draw(st.sampled_from([0.0, 0.3]))
        if gone.all():
            gone[:] = False
        if kind in ("f8", "f4"):
            columns[j] = np.where(gone, np.nan, numbers / 2).astype(kind)
        elif kind in ("i8", "u1"):
            columns[j] = numbers.astype(kind)
        elif kind == "bool":
            columns[j] = numbers % 2 == 0
        elif kind == "date":
            days = np.datetime64("2020-01-01", "s") + numbers.astype("m8[s]")
            columns[j] = np.where(gone, np.datetime64("NaT"), days)
        else:
            text = np.where(gone, None, np.array([f"v{v}" for v in numbers], object))
            columns[j] = pd.Series(text, dtype="category" if kind == "cat" else object)
    frame = pd.DataFrame(columns).add_prefix("c")
    numeric = all(kind in ("f8", "f4", "i8", "u1") for kind in kinds)
    container = draw(st.sampled_from(["frame", "numpy"] if numeric else ["frame"]))
    return (frame if container == "frame" else frame.to_numpy()), y


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    data=tables(),
    cls=st.sampled_from([SMOTE, SMOTE, SMOTEN]),
    gap=st.sampled_from(["segment", "box"]),
    grouped=st.booleans(),
    filter=st.sampled_from([None, None, "lee", "tomek", "ipf"]),
)
def test_any_table_comes_through(data, cls, gap, grouped, filter):
    table, y = data
    before = table.copy()
    sampler = cls(random_state=0, filter=filter)
    if cls is SMOTE:
        sampler.set_params(gap=gap)
    groups = np.arange(len(y)) % 3 if grouped else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkoverfitWarning)
        made, labels = sampler.fit_resample(table, y, groups=groups)
    n = len(y)
    assert type(made) is type(table)
    assert len(made) == len(labels) == len(sampler.sample_indices_)
    if filter is None:
        assert np.ptp(np.bincount(labels)) == 0
    assert_array_equal(labels, y[sampler.sample_indices_])
    if isinstance(table, pd.DataFrame):
        pd.testing.assert_frame_equal(table, before)
        pd.testing.assert_frame_equal(made[:n], before)
        for name in table.columns:
            if table[name].dtype.kind not in "fiuM" or cls is SMOTEN:
                assert set(made[name].dropna()) <= set(table[name].dropna())
    else:
        assert_array_equal(table, before)
        assert_array_equal(made[:n], before)
        assert made.dtype == table.dtype
