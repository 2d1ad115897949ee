# SPDX-License-Identifier: BSD-3-Clause
"""SMOTE, SMOTENC and SMOTEN on tables with nominal columns."""

from collections import Counter

import imblearn.over_sampling
import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.metrics.pairwise import ValueDifferenceMetric
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from scipy.spatial import distance_matrix
from sklearn.neighbors import NearestNeighbors

from skoverfit.neighbors import FastNearestNeighbors
from skoverfit.over_sampling import SMOTE, SMOTEN, SMOTENC


def table(n=90, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "count": rng.integers(0, 40, n),
            "colour": pd.Categorical(rng.choice(["red", "blue", "green"], n)),
            "shop": rng.choice(["a", "b", "c", "d"], n),
            "new": rng.random(n) < 0.4,
            "day": pd.Timestamp("2024-02-01")
            + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "high"], n),
                categories=["low", "mid", "high"],
                ordered=True,
            ),
        },
        index=np.arange(n) * 7,
    )
    y = np.repeat(["no", "yes"], [n - 25, 25])
    return frame, pd.Series(y, name="bought", index=frame.index)


def test_all_kinds_of_columns_at_once():
    X, y = table()
    smote = SMOTE(random_state=0)
    X_res, y_res = smote.fit_resample(X, y)
    assert X_res.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X_res[:90], X.reset_index(drop=True))
    assert X_res.index.equals(pd.RangeIndex(130))
    assert y_res.name == "bought"
    assert Counter(y_res) == {"no": 65, "yes": 65}
    rare, made = X[y == "yes"], X_res[90:]
    for name in ("size", "count", "day", "grade"):
        assert made[name].between(rare[name].min(), rare[name].max()).all()
    for name in ("colour", "shop", "new"):
        assert set(made[name]) <= set(rare[name])
    base, partner = smote.parents_[90:].T
    u = smote.weights_[90:, 1]
    exact = X["size"].to_numpy()[base] * (1 - u) + X["size"].to_numpy()[partner] * u
    assert_allclose(made["size"], exact)
    assert set(smote.origin_frame()["source"][90:]) <= set(range(65, 90))


def test_polars_stays_polars():
    X, y = table()
    frame = pl.from_pandas(X.drop(columns="grade"))
    X_res, y_res = SMOTE(random_state=0).fit_resample(frame, pl.Series("y", y.tolist()))
    assert X_res.schema == frame.schema
    assert X_res[:90].equals(frame)
    assert y_res.name == "y"


def mixed_numbers(n, seed, classes=(0.6, 0.4)):
    rng = np.random.default_rng(seed)
    n_common = int(n * classes[0])
    y = np.repeat([0, 1], [n_common, n - n_common])
    nominal = rng.integers(0, 3, (n, 2))
    return np.column_stack([rng.normal(size=(n, 2)) * [1, 3], nominal]), y


def test_a_mismatch_costs_the_squared_median_std():
    X, y = mixed_numbers(60, 0)
    sampler = SMOTENC([2, 3], random_state=0, k_neighbors=4)
    sampler.fit_resample(X, y)
    rare = X[y == 1]
    med = np.median(rare[:, :2].std(axis=0))
    assert_allclose(sampler.median_std_[1], med)
    squared = ((rare[:, None, :2] - rare[None, :, :2]) ** 2).sum(axis=2)
    squared += med**2 * (rare[:, None, 2:] != rare[None, :, 2:]).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    furthest = np.sort(squared, axis=1)[:, 3]
    for base, partner in sampler.parents_[60:] - 36:
        assert squared[base, partner] <= furthest[base] + 1e-9


def test_a_neighbour_object_measures_levels_as_the_engine_does():
    X, y = mixed_numbers(60, 3)
    objects = NearestNeighbors(n_neighbors=6), FastNearestNeighbors(n_neighbors=6)
    made = [
        SMOTENC([2, 3], k_neighbors=k, random_state=0).fit_resample(X, y)[0]
        for k in (5, *objects)
    ]
    assert_allclose(made[0], made[1])
    assert_allclose(made[0], made[2])


def test_the_law_of_smotenc_is_that_of_imbalanced_learn():
    X, y = mixed_numbers(40, 1, classes=(0.7, 0.3))
    ours, theirs = (
        np.vstack(
            [cls([2, 3], random_state=s).fit_resample(X, y)[0][40:] for s in range(60)]
        )
        for cls in (SMOTENC, imblearn.over_sampling.SMOTENC)
    )
    for column in (0, 1):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > 1e-3
    for column in (2, 3):
        counts = [np.bincount(t[:, column].astype(int), minlength=3)[:3]
                  for t in (ours, theirs)]  # fmt: skip
        counts = np.array(counts)[:, np.sum(counts, axis=0) > 0]
        assert stats.chi2_contingency(counts).pvalue > 1e-3


def test_levels_are_those_with_most_votes_and_ties_are_drawn():
    X, y = mixed_numbers(50, 2)
    sampler = SMOTENC([2, 3], random_state=0, sampling_strategy={1: 3000})
    made = sampler.fit_resample(X, y)[0][50:]
    rare = X[y == 1]
    med = sampler.median_std_[1]
    squared = ((rare[:, None, :2] - rare[None, :, :2]) ** 2).sum(axis=2)
    squared += med**2 * (rare[:, None, 2:] != rare[None, :, 2:]).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    near = np.argsort(squared, axis=1, kind="stable")[:, :5]
    seen_ties = 0
    for row in range(len(rare)):
        of_row = made[sampler.parents_[50:, 0] == row + 30]
        for column in (2, 3):
            votes = Counter(rare[near[row], column])
            best = {level for level, v in votes.items() if v == max(votes.values())}
            assert set(of_row[:, column]) == best
            if len(best) == 2:
                seen_ties += 1
                share = (of_row[:, column] == min(best)).mean()
                assert 0.3 < share < 0.7
    assert seen_ties > 3


def test_originals_with_large_integers_survive_where_imblearn_changes_them():
    X, y = table()
    X = X[["size", "count", "shop"]].assign(count=2**53 + 1 + 2 * X["count"])
    made, _ = SMOTENC(["shop"], random_state=0).fit_resample(X, y)
    assert made["count"][:90].tolist() == X["count"].tolist()
    low, high = X["count"].min(), X["count"].max()
    assert made["count"].between(low, high).all()


def test_dates_strings_and_tables_of_one_kind_work_where_imblearn_raises():
    X, y = table()
    for columns in (["size", "day", "shop"], ["shop", "new"], ["size", "count"]):
        made, _ = SMOTENC("auto", random_state=0).fit_resample(X[columns], y)
        assert len(made) == 130
        assert made[columns].dtypes.equals(X[columns].dtypes)
    with pytest.raises(Exception, match=r".+"):
        imblearn.over_sampling.SMOTENC(["shop"]).fit_resample(
            X[["size", "day", "shop"]], y
        )


def test_numeric_columns_without_spread_leave_the_choice_to_the_levels():
    X = np.array([[1.0, c] for c in (0, 0, 0, 1, 1, 1)] + [[1.0, 2]] * 9)
    y = np.repeat([1, 0], [6, 9])
    sampler = SMOTENC([1], k_neighbors=1, random_state=0, fallback="duplicate")
    made = sampler.fit_resample(X, y)[0][15:]
    assert set(made[:, 1]) == {0, 1}
    assert (made[:, 0] == 1).all()


def test_missing_levels_keep_their_share():
    X, y = table(600)
    rng = np.random.default_rng(0)
    X = X.assign(shop=X["shop"].where(rng.random(600) > 0.3))
    y[:] = np.repeat(["no", "yes"], [400, 200])
    smote = SMOTE(random_state=0, sampling_strategy={"yes": 6000})
    made = smote.fit_resample(X, y)[0][600:]
    assert abs(made["shop"].isna().mean() - X["shop"][400:].isna().mean()) < 0.03


# --- nominal columns only -------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
def test_smoten_searches_by_the_value_difference_metric(n_classes):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, size=(150, 6))
    y = np.resize(np.arange(n_classes), 150)
    y[rng.random(150) < 0.5] = 0
    y[(X[:, 0] == 1) & (rng.random(150) < 0.8)] = 1
    sampler = SMOTEN(random_state=0)
    sampler.fit_resample(X, y)
    metric = ValueDifferenceMetric(r=2).fit(X, y)
    rare = np.flatnonzero(y == np.bincount(y).argmin())
    distances = metric.pairwise(X[rare])
    np.fill_diagonal(distances, np.inf)
    furthest = np.sort(distances, axis=1)[:, 4]
    base, partner = sampler.parents_[sampler.is_synthetic_].T
    mine = np.isin(base, rare)
    assert mine.any()
    at = np.searchsorted(rare, base[mine]), np.searchsorted(rare, partner[mine])
    assert (distances[at] <= furthest[at[0]] + 1e-9).all()


def test_a_box_of_no_numbers_leaves_the_steps():
    X, y = table()
    smote = SMOTE(gap="box", random_state=0)
    smote.fit_resample(X[["colour", "shop"]], y)
    assert ((smote.weights_ >= 0) & (smote.weights_ <= 1)).all()


def test_the_law_of_smoten_is_that_of_imbalanced_learn_where_no_vote_ties():
    # Two levels and five votes (the base and four neighbours): no tie to be broken.
    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, size=(60, 14))
    y = np.repeat([0, 1], [40, 20])
    X[40:] |= rng.integers(0, 2, size=(20, 14))
    asked = {"k_neighbors": 4, "sampling_strategy": {1: 220}}
    ours, theirs = (
        np.vstack(
            [cls(random_state=s, **asked).fit_resample(X, y)[0][60:] for s in range(15)]
        )
        for cls in (SMOTEN, imblearn.over_sampling.SMOTEN)
    )
    for j in range(14):
        counts = np.array([np.bincount(t[:, j], minlength=2) for t in (ours, theirs)])
        if counts.sum(axis=0).all():
            assert stats.chi2_contingency(counts).pvalue > 1e-4


def test_ties_do_not_go_to_the_lowest_level():
    X = np.array([["a"], ["b"]] * 15 + [["c"]] * 100, dtype=object)
    y = np.repeat([1, 0], [30, 100])
    theirs, _ = imblearn.over_sampling.SMOTEN(random_state=0).fit_resample(X, y)
    assert set(theirs[130:, 0]) == {"a"}
    ours, _ = SMOTEN(random_state=0, k_neighbors=29).fit_resample(X, y)
    assert 0.3 < (ours[130:, 0] == "a").mean() < 0.7


def test_a_table_of_levels_is_the_same_for_smote_and_smoten():
    X, y = table()
    X = X[["colour", "shop", "new"]]
    pd.testing.assert_frame_equal(
        SMOTE(random_state=0).fit_resample(X, y)[0],
        SMOTEN(random_state=0).fit_resample(X, y)[0],
    )


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_smoten_keeps_the_sparse_format(container):
    X = container(np.random.default_rng(0).integers(0, 2, size=(40, 5)))
    made, _ = SMOTEN(random_state=0).fit_resample(X, np.repeat([0, 1], [28, 12]))
    assert type(made) is container
    assert_array_equal(made.toarray()[:40], X.toarray())


def test_scipy_s_distance_matrix_is_what_is_avoided():
    """Two classes: one number a column gives the metric, without a matrix of pairs."""
    from skoverfit.over_sampling._vdm import class_shares, embedding_space

    rng = np.random.default_rng(0)
    X, y = rng.integers(1, 6, size=(60, 4)).astype(np.uint8), rng.integers(0, 2, 60)
    space = embedding_space(X, class_shares(X, y, 2), None)
    truth = ValueDifferenceMetric(r=2).fit(X - 1, y).pairwise(X - 1)
    assert_allclose(distance_matrix(space.values, space.values) ** 2, truth)
