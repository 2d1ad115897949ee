# SPDX-License-Identifier: BSD-3-Clause
"""The mathematics of SMOTE, and the defects of imbalanced-learn's that it avoids."""

from collections import Counter

import imblearn.over_sampling
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.neighbors import NearestNeighbors

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.over_sampling import SMOTE


def brute_neighbours(X, k):
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [7, 40])  # 7: only the rows drawn are searched
def test_rows_lie_between_a_row_and_one_of_its_nearest(blobs, seed, m):
    X, y = blobs
    smote = SMOTE(sampling_strategy={"rare": 20 + m}, random_state=seed)
    X_res, y_res = smote.fit_resample(X, y)
    assert_array_equal(X_res[:80], X)
    assert Counter(y_res) == {"common": 60, "rare": 20 + m}
    near = brute_neighbours(X[60:], 5) + 60
    for base, partner in smote.parents_[80:]:
        assert y[base] == "rare"
        assert partner in near[base - 60]
    assert_allclose(np.einsum("np,npd->nd", smote.weights_, X[smote.parents_]), X_res)
    assert ((smote.weights_ >= 0) & (smote.weights_ <= 1)).all()


def test_the_law_is_that_of_imbalanced_learn():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.repeat([0, 1], [28, 12])

    def many(cls):
        # One call for each seed: theirs draws all rows of a call from one stream.
        made = [cls(random_state=s).fit_resample(X, y)[0][40:] for s in range(150)]
        return np.vstack(made)

    ours, theirs = many(SMOTE), many(imblearn.over_sampling.SMOTE)
    for direction in ([1, 0], [0, 1], [1, 1], [1, -2]):
        p = stats.ks_2samp(ours @ direction, theirs @ direction).pvalue
        assert p > 1e-3


def test_box_draws_a_step_for_each_column(blobs):
    X, y = blobs
    smote = SMOTE(gap="box", random_state=0)
    X_res, _ = smote.fit_resample(X, y)
    base, partner = (X[p] for p in smote.parents_[80:].T)
    steps = (X_res[80:] - base) / (partner - base)
    assert (steps > -1e-9).all()
    assert (steps < 1 + 1e-9).all()
    assert np.ptp(steps, axis=1).min() > 1e-3
    assert_allclose(steps.mean(axis=1), smote.weights_[80:, 1])


def test_interpolation_shrinks_the_variance_to_two_thirds_and_can_restore_it():
    rng = np.random.default_rng(1)
    X = np.vstack([rng.normal(size=(100, 3)) * [1, 5, 0.1], np.zeros((200, 3)) + 9])
    y, strategy = np.repeat([1, 0], [100, 200]), {1: 20_100}
    for preserving, ratio in ((False, 2 / 3), (True, 1.0)):
        smote = SMOTE(
            sampling_strategy=strategy,
            k_neighbors=99,
            variance_preserving=preserving,
            random_state=0,
        )
        made = smote.fit_resample(X, y)[0][300:]
        assert_allclose(made.var(axis=0) / X[:100].var(axis=0), ratio, rtol=0.04)


def test_sparse_tensor_and_list_agree_with_dense(blobs):
    X, y = blobs
    X = np.where(np.abs(X) < 0.8, 0.0, X)
    smote = SMOTE(random_state=0)
    dense, y_dense = smote.fit_resample(X, y)
    for container in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        made, _ = smote.fit_resample(container(X), y)
        assert type(made) is container
        assert made.nnz < np.prod(made.shape)
        assert_allclose(made.toarray(), dense)
    codes = torch.as_tensor((y == "rare").astype(int))
    made, labels = smote.fit_resample(torch.tensor(X, dtype=torch.float32), codes)
    assert made.dtype == torch.float32
    assert labels.dtype == codes.dtype
    assert made.shape == dense.shape
    rows, labels = smote.fit_resample(X.tolist(), y.tolist())
    assert_allclose(rows, dense)
    assert labels == y_dense.tolist()


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("gap", ["segment", "box"])
def test_tensors_follow_the_rules_of_arrays(blobs, gap, missing):
    X, y = blobs
    if missing:
        X = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    smote = SMOTE(gap=gap, random_state=0)
    codes = (y == "rare").astype(int)
    made, _ = smote.fit_resample(torch.tensor(X), torch.tensor(codes))
    dense, _ = smote.fit_resample(X, codes)
    assert_allclose(made.numpy(), dense)


def test_a_neighbour_object_gives_the_same_rows(blobs):
    X, y = blobs
    ours = SMOTE(k_neighbors=5, random_state=0).fit_resample(X, y)
    searcher = NearestNeighbors(n_neighbors=6)
    theirs = SMOTE(k_neighbors=searcher, random_state=0).fit_resample(X, y)
    assert_allclose(ours[0], theirs[0])
    assert not hasattr(searcher, "n_samples_fit_")


def test_scaling_decides_who_is_near():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2)) * [1.0, 1e6]
    y = np.repeat([0, 1], [60, 30])
    smote = SMOTE(scaling="standard", random_state=0)
    smote.fit_resample(X, y)
    near = brute_neighbours(X[60:] / X.std(axis=0), 5) + 60
    assert all(p in near[b - 60] for b, p in smote.parents_[90:])


# --- what imbalanced-learn does wrong, and ours not -----------------------------------


def test_copies_are_no_neighbours_of_each_other():
    corners = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    X = np.vstack([np.repeat(corners, 5, axis=0), np.full((60, 2), 9.0)])
    y = np.repeat([1, 0], [20, 60])
    theirs = imblearn.over_sampling.SMOTE(random_state=0).fit_resample(X, y)[0][80:]
    assert (theirs[:, None] == corners).all(axis=2).any(axis=1).mean() > 0.5
    smote = SMOTE(random_state=0, sampling_strategy={1: 4000, 0: 60})
    ours = smote.fit_resample(X, y)[0][80:]
    assert not (ours[:, None] == corners).all(axis=2).any(axis=1).any()
    partner = smote.parents_[80:, 1]
    assert len(np.unique(partner)) == 20, "every copy is drawn"


def test_copies_are_drawn_as_often_as_they_occur():
    X = np.array([[0.0]] + [[1.0]] * 3 + [[2.0]] + [[9.0]] * 9)
    y = np.repeat([1, 0], [5, 9])
    smote = SMOTE(k_neighbors=2, random_state=0, sampling_strategy={1: 8005})
    smote.fit_resample(X, y)
    parents = X[smote.parents_[14:], 0]
    of_zero = parents[parents[:, 0] == 0, 1]
    assert abs((of_zero == 1).mean() - 0.75) < 0.05


def test_classes_have_streams_of_their_own():
    rng = np.random.default_rng(0)
    small = rng.normal(size=(15, 2))
    X = np.vstack([small, small + 100, rng.normal(size=(40, 2)) + 500])
    y = np.repeat(["a", "b", "c"], [15, 15, 40])

    def shifted(cls):
        made, labels = cls(random_state=0).fit_resample(X, y)
        made, labels = made[70:], labels[70:]
        return np.abs(made[labels == "a"] + 100 - made[labels == "b"]).max()

    assert shifted(imblearn.over_sampling.SMOTE) < 1e-9
    assert shifted(SMOTE) > 0.1
    alone, labels = SMOTE(random_state=0).fit_resample(X[y != "b"], y[y != "b"])
    both, all_labels = SMOTE(random_state=0).fit_resample(X, y)
    assert_allclose(alone[labels == "a"], both[all_labels == "a"])


@pytest.mark.parametrize("container", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int16])
def test_integers_are_not_cut(container, dtype):
    rng = np.random.default_rng(0)
    X = rng.binomial(3, 0.3, size=(400, 4)).astype(dtype)
    y = np.repeat([0, 1], [300, 100])
    X[0] = np.iinfo(dtype).max
    smote = SMOTE(random_state=0, sampling_strategy={1: 8000})
    made, _ = smote.fit_resample(container(X), container(y))
    made = np.asarray(made)
    assert made.dtype == dtype
    assert_array_equal(made[:400], X)
    base, partner = (X[p].astype(float) for p in smote.parents_[400:].T)
    u = smote.weights_[400:, 1:]
    # Unbiased: what rounding added has mean 0.
    added = made[400:] - (base + u * (partner - base))
    assert_allclose(added.mean(axis=0), 0, atol=0.02)
    smote.set_params(integer="round")
    nearest = np.asarray(smote.fit_resample(container(X), container(y))[0])[400:]
    base, partner = (X[p].astype(float) for p in smote.parents_[400:].T)
    u = smote.weights_[400:, 1:]
    assert np.abs(nearest - (base + u * (partner - base))).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, ">f8", ">f4"])
@pytest.mark.parametrize("filter", [None, "lee"])
def test_floats_of_any_width_and_byte_order(blobs, dtype, filter):
    X, y = blobs[0].astype(dtype), blobs[1]
    smote = SMOTE(random_state=0, filter=filter)
    made, _ = smote.fit_resample(X, y)
    assert made.dtype == X.dtype
    assert_array_equal(made[:80], X)
    wide = X.astype(np.float64)
    exact = np.einsum("np,npd->nd", smote.weights_, wide[smote.parents_])
    tolerance = 4e-3 if dtype is np.float16 else 1e-6
    assert_allclose(made.astype(np.float64), exact, atol=tolerance, rtol=tolerance)


def test_large_integers_of_the_input_stay_bit_identical():
    X = np.array([[2**53 + 1], [2**53 + 3], [2**63 - 1], [-(2**63)], [1], [2], [3]])
    made, _ = SMOTE(k_neighbors=1, random_state=0).fit_resample(
        X, [1, 1, 0, 0, 0, 0, 0]
    )
    assert_array_equal(made[:7], X)


def test_missing_cells_keep_their_share():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    X[rng.random(X.shape) < [0.05, 0.3, 0.0]] = np.nan
    y = np.repeat([0, 1], [400, 200])
    smote = SMOTE(sampling_strategy={1: 6000}, random_state=0)
    made = smote.fit_resample(X, y)[0]
    assert_array_equal(made[:600], X)
    share, before = np.isnan(made[600:]).mean(axis=0), np.isnan(X[400:]).mean(axis=0)
    assert_allclose(share, before, atol=0.02)
    assert share[2] == 0
    base, partner = (X[p] for p in smote.parents_[600:].T)
    one = np.isnan(base) ^ np.isnan(partner)
    copied = one & ~np.isnan(made[600:])
    assert_array_equal(
        made[600:][copied], np.where(np.isnan(base), partner, base)[copied]
    )
    assert 0.3 < copied.sum() / one.sum() < 0.8
    smote.set_params(missing="present")
    made = smote.fit_resample(X, y)[0][600:]
    base, partner = (X[p] for p in smote.parents_[600:].T)
    assert_array_equal(np.isnan(made), np.isnan(base) & np.isnan(partner))


def test_few_rows_take_fewer_neighbours_and_say_so(blobs):
    X, y = blobs[0][:63], blobs[1][:63]
    with pytest.raises(ValueError, match="n_neighbors <= n_samples"):
        imblearn.over_sampling.SMOTE().fit_resample(X, y)
    with pytest.warns(SkoverfitWarning, match=r"'rare' has 3 rows.*k_neighbors=2"):
        _, y_res = SMOTE(random_state=0).fit_resample(X, y)
    assert Counter(y_res) == {"common": 60, "rare": 60}


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("fallback", ["jitter", "duplicate"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_single_row_falls_back(blobs, fallback, copies, container):
    X = np.vstack([blobs[0][:60], np.repeat([[5.0, 6.0, 7.0]], copies, axis=0)])
    y = np.repeat([0, 1], [60, copies])
    smote = SMOTE(fallback=fallback, random_state=0, sampling_strategy={1: 2000})
    with pytest.warns(SkoverfitWarning, match="no|without a distinct other row"):
        made, _ = smote.fit_resample(container(X), y)
    made = made.toarray() if sparse.issparse(made) else made
    added = made[60 + copies :] - [5.0, 6.0, 7.0]
    assert (smote.parents_[60 + copies :, 1] == -1).all()
    if fallback == "duplicate":
        assert not added.any()
    else:
        pooled = X[:60].std(axis=0) * np.sqrt(60 / (60 + copies))
        assert_allclose(added.std(axis=0), pooled, rtol=0.1)
    with pytest.raises(ValueError, match=r"fallback='raise'"):
        smote.set_params(fallback="raise").fit_resample(container(X), y)


def test_jitter_of_sparse_whole_numbers_stays_within_their_dtype():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(61, 3)).astype(np.uint8)
    X[60] = 250
    smote = SMOTE(random_state=0, sampling_strategy={1: 500})
    with pytest.warns(SkoverfitWarning, match="fallback='jitter'"):
        made, _ = smote.fit_resample(sparse.csr_array(X), np.repeat([0, 1], [60, 1]))
    made = made.toarray()[61:]
    assert (made == 255).any(), "what is too large is cut off at the top"
    assert abs(float(np.median(made)) - 250) < 10


# --- weights, groups, filters ---------------------------------------------------------


def test_bases_and_neighbours_are_drawn_by_weight_and_counted_once(blobs):
    X, y = blobs
    rng = np.random.default_rng(0)
    w = rng.random(80)
    w[60:70] = 0.0
    smote = SMOTE(random_state=0, k_neighbors=3, sampling_strategy={"rare": 20_000})
    smote.fit_resample(X, y, sample_weight=w)
    base, partner = smote.parents_[80:].T
    drawn = np.bincount(base, minlength=80)[60:] / len(base)
    assert_allclose(drawn, w[60:] / w[60:].sum(), atol=0.01)
    near = brute_neighbours(X[70:], 3) + 70  # rows of weight 0 are no neighbours
    for row in range(70, 80):
        of_row = np.bincount(partner[base == row], minlength=80)
        share = np.where(np.isin(np.arange(80), near[row - 70]), w, 0.0)
        assert_allclose(of_row / of_row.sum(), share / share.sum(), atol=0.06)
    assert_allclose(smote.sample_weight_[80:], w[60:].mean())
    assert_array_equal(smote.sample_weight_[:80], w)
    # Each row's expected share of the made weight is its share of the given one.
    made = np.bincount(base, weights=smote.sample_weight_[80:], minlength=80)[60:]
    assert_allclose(made / made.sum(), w[60:] / w[60:].sum(), atol=0.01)
    smote.set_params(keep_class_weight=True).fit_resample(X, y, sample_weight=w)
    rare = np.asarray(smote.sample_indices_) >= 60
    assert_allclose(smote.sample_weight_[rare].sum(), w[60:].sum())
    assert_allclose(smote.class_prior_before_, smote.class_prior_after_)
    smote.fit_resample(X, y)
    assert_allclose(smote.sample_weight_[:60], 1.0)


def test_equal_weights_change_no_row(blobs):
    X, y = blobs
    smote = SMOTE(random_state=0)
    plain = smote.fit_resample(X, y)[0]
    weighted = smote.fit_resample(X, y, sample_weight=np.full(80, 2.5))[0]
    assert_array_equal(plain, weighted)
    assert_allclose(smote.sample_weight_, 2.5)


def test_a_weight_has_the_law_of_as_many_equal_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.repeat([0, 1], [28, 12])
    w = np.r_[np.ones(28, dtype=int), np.resize([0, 1, 2, 5], 12)]
    repeated = np.repeat(np.arange(40), w)
    asked = {1: 20_000}
    smote = SMOTE(random_state=0, sampling_strategy=asked)
    ours = smote.fit_resample(X, y, sample_weight=w)[0][40:]
    other = SMOTE(random_state=1, sampling_strategy=asked)
    copied = other.fit_resample(X[repeated], y[repeated])[0][len(repeated) :]
    for direction in ([1, 0], [0, 1], [1, 1], [1, -2]):
        assert stats.ks_2samp(ours @ direction, copied @ direction).pvalue > 1e-3


def test_weights_and_copies_and_groups_together():
    X = np.array([[0.0], [0.0], [1.0], [5.0], [5.0], [6.0], *[[9.0]] * 8])
    y, groups = np.repeat([1, 0], [6, 8]), np.r_[0, 0, 0, 1, 1, 1, [2] * 8]
    w = np.r_[1.0, 3.0, 2.0, 0.0, 1.0, 1.0, np.ones(8)]
    smote = SMOTE(k_neighbors=1, random_state=0, sampling_strategy={1: 8006})
    smote.fit_resample(X, y, sample_weight=w, groups=groups)
    base, partner = smote.parents_[14:].T
    assert_array_equal(groups[base], groups[partner])
    assert not (smote.parents_[14:] == 3).any()
    to_zero = partner[base == 2]
    assert set(to_zero) == {0, 1}
    assert abs((to_zero == 1).mean() - 0.75) < 0.05


def test_groups_are_not_mixed(blobs):
    X, y = blobs
    groups = np.array(list("abcd"))[np.arange(80) % 4]
    smote = SMOTE(random_state=0)
    with pytest.warns(SkoverfitWarning, match="4 groups are too small"):
        smote.fit_resample(X, y, groups=groups)
    parents = smote.parents_[80:]
    assert_array_equal(groups[parents[:, 0]], groups[parents[:, 1]])
    assert_array_equal(smote.groups_, groups[smote.sample_indices_])
    assert smote.split_safe(groups == "a")
    assert smote.split_safe(np.flatnonzero(groups != "b"))
    smote.set_params(group_policy="any").fit_resample(X, y, groups=groups)
    assert not smote.split_safe(groups == "a")


def test_groups_of_one_fall_back(blobs):
    X, y = blobs
    with pytest.warns(SkoverfitWarning, match="their group of 1, and so have 19 more"):
        SMOTE(random_state=0).fit_resample(X, y, groups=np.arange(80))


def test_copies_in_groups():
    X = np.array([[0.0], [0.0], [1.0], [5.0], [5.0], [6.0], *[[9.0]] * 8])
    y, groups = np.repeat([1, 0], [6, 8]), np.r_[0, 0, 0, 1, 1, 1, [2] * 8]
    smote = SMOTE(k_neighbors=1, random_state=0, sampling_strategy={1: 200})
    made = smote.fit_resample(X, y, groups=groups)[0][14:, 0]
    assert (((made > 0) & (made < 1)) | ((made > 5) & (made < 6))).all()


@pytest.mark.parametrize("container", [np.asarray, torch.as_tensor, sparse.csr_array])
@pytest.mark.parametrize(("name", "k"), [("lee", 5), ("enn", 3), ("tomek", 1)])
def test_filters_refuse_what_they_say(blobs, name, k, container):
    X, y = blobs
    codes = (y == "rare").astype(int)
    smote = SMOTE(filter=name, random_state=0)
    made, _ = smote.fit_resample(container(X), codes)
    made = made.toarray() if sparse.issparse(made) else np.asarray(made)
    assert smote.n_generated_ == {0: 0, 1: 40}
    assert_array_equal(made[:80], X)
    distances = np.linalg.norm(made[80:, None] - X[None], axis=2)
    near = np.argsort(distances, axis=1)[:, :k]
    foreign = (codes[near] == 0).mean(axis=1)
    if name == "tomek":
        own = np.linalg.norm(X[:, None] - X[None], axis=2)
        np.fill_diagonal(own, np.inf)
        mutual = distances.min(axis=1) < own.min(axis=1)[near[:, 0]]
        assert not (mutual & (foreign > 0)).any()
    else:
        assert foreign.max() < (0.5 if name == "lee" else 1e-9)
    assert_allclose(
        np.einsum("np,npd->nd", smote.weights_, X[smote.parents_]), made, atol=1e-9
    )


@pytest.mark.parametrize("container", [np.asarray, torch.as_tensor, sparse.csr_array])
def test_the_partitioning_filter_refuses_rows_among_another_class(container):
    rng = np.random.default_rng(0)
    rare = np.vstack([rng.normal(size=(37, 2)) + 6, rng.normal(size=(3, 2)) * 0.3])
    X = np.vstack([rng.normal(size=(300, 2)), rare])
    y = np.repeat([0, 1], [300, 40])

    def among_the_others(filter):
        smote = SMOTE(filter=filter, k_neighbors=2, random_state=0)
        made, _ = smote.fit_resample(container(X), y)
        made = made.toarray() if sparse.issparse(made) else np.asarray(made)
        assert smote.n_generated_ == {0: 0, 1: 260}
        return (np.linalg.norm(made[340:], axis=1) < 2).sum()

    assert among_the_others(None) > 10
    assert among_the_others("ipf") <= 2


def test_the_partitioning_filter_takes_mixed_and_incomplete_tables():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=90), "shop": rng.choice(["a", "b"], 90)})
    X.loc[3:20, "size"] = np.nan
    X.loc[70:, "size"] += 4
    smote = SMOTE(filter="ipf", random_state=0)
    made, _ = smote.fit_resample(X, np.repeat([0, 1], [70, 20]))
    again, _ = smote.fit_resample(X, np.repeat([0, 1], [70, 20]))
    assert len(made) == 140
    pd.testing.assert_frame_equal(made, again)


def test_a_callable_filter(blobs):
    X, y = blobs

    def positive(X_new, y_new, X_old, y_old):
        assert X_new.shape[1] == 3
        assert set(y_new) == {"rare"}
        assert X_old is X
        assert_array_equal(y_old, y)
        return X_new[:, 0] > 0.5

    smote = SMOTE(filter=positive, random_state=0)
    made, _ = smote.fit_resample(X, y)
    assert len(made) == 120
    assert (made[80:, 0] > 0.5).all()
    smote.set_params(filter=lambda X_new, *_: np.zeros(len(X_new), dtype=bool))
    with pytest.warns(SkoverfitWarning, match="accepted 0 of the 40 rows wanted"):
        made, y_res = smote.fit_resample(X, y)
    assert smote.n_generated_["rare"] == 0
    assert len(made) == len(y_res) == 80
    with pytest.raises(ValueError, match="one boolean a made row"):
        smote.set_params(filter=lambda *_: 1).fit_resample(X, y)


def test_nothing_to_add_changes_nothing(blobs):
    X, y = blobs[0][:40], np.repeat([0, 1], 20)
    smote = SMOTE()
    made, labels = smote.fit_resample(X, y)
    assert_array_equal(made, X)
    assert_array_equal(labels, y)
    assert not smote.is_synthetic_.any()
    assert smote.split_safe([0, 1])
