"""The law of the draws, what is borrowed, and what the sampler tells."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
import torch
from scipy import sparse
from sklearn.neighbors import LocalOutlierFactor

from skoverfit._core._outlier_factor import inliers, negative_outlier_factor
from skoverfit.over_sampling import CalibratedGaussianOverSampler

CLAIM = Path(__file__).parents[2] / "benchmarks/claims/claim_rcal_sampler.py"


def data(seed=0, m=3):
    """Three Gaussian classes of 80, 60 and 8 rows."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["ant", "bee", "cat"], [80, 60, 8])
    means = {"ant": 0.0, "bee": 4.0, "cat": 9.0}
    X = rng.normal(size=(148, m)) * np.arange(1, m + 1)
    return X + np.array([means[label] for label in y])[:, None], y


def test_the_outlier_factor_is_that_of_scikit_learn():
    X = np.random.default_rng(0).normal(size=(70, 4)) ** 3
    peer = LocalOutlierFactor(n_neighbors=20).fit(X)
    ours = negative_outlier_factor(X, 20)
    np.testing.assert_allclose(ours, peer.negative_outlier_factor_, rtol=1e-9)
    assert np.array_equal(inliers(X, 20, None), peer.fit_predict(X) == 1)
    share = LocalOutlierFactor(n_neighbors=200, contamination=0.1)
    with pytest.warns(UserWarning, match="n_neighbors"):
        expected = share.fit_predict(X) == 1
    assert np.array_equal(inliers(X, 200, 0.1), expected)
    assert inliers(X[:5], 20, 0.5).all()


@pytest.mark.parametrize("m", [3, 20])
def test_without_borrowing_it_draws_from_the_class_itself(m):
    X, y = data(m=m)
    n = 20_000
    sampler = CalibratedGaussianOverSampler(
        sampling_strategy={"cat": n}, outlier=None, gamma=0, random_state=0
    )
    made = sampler.fit_resample(X, y)[0][len(X) :]
    rows = X[y == "cat"]
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(made))
    assert (np.abs(made.mean(axis=0) - rows.mean(axis=0)) < 4.5 * error).all()
    truth, found = np.cov(rows.T), np.cov(made.T)
    scale = np.sqrt(np.outer(truth.diagonal(), truth.diagonal()))
    assert np.abs((found - truth) / scale).max() < 6 / np.sqrt(n)
    np.testing.assert_allclose(sampler.covariances_[2], truth, atol=1e-9)
    # Rows of a class with fewer rows than columns stay in the space of its rows.
    assert np.linalg.matrix_rank(made[:100] - rows.mean(axis=0)) == min(m, 7)


def test_the_draws_have_the_calibrated_covariance():
    X, y = data()
    sampler = CalibratedGaussianOverSampler(
        sampling_strategy={"cat": 40_000},
        outlier=None,
        gamma=0.4,
        alpha=0.5,
        shrinkage=0.3,
        random_state=1,
    )
    made = sampler.fit_resample(X, y)[0][len(X) :]
    heads, w = sampler.borrowed_from_["cat"]
    parts = {label: np.cov(X[y == label].T) for label in ("ant", "bee", "cat")}
    lent = sum(share * parts[label] for label, share in zip(heads, w, strict=True))
    expected = 0.4 * lent + 0.6 * parts["cat"] + 0.5
    expected = 0.7 * expected + 0.3 * np.diag(expected.diagonal())
    np.testing.assert_allclose(sampler.calibrated_covariances_[2], expected)
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    assert np.abs((np.cov(made.T) - expected) / scale).max() < 0.03


def test_a_tail_that_borrows_everything_has_the_nearest_mean():
    X, y = data()
    sampler = CalibratedGaussianOverSampler(gamma=1, n_borrow=1, random_state=0)
    sampler.fit_resample(X, y)
    assert list(sampler.borrowed_from_) == ["cat"]
    assert sampler.borrowed_from_["cat"][0].tolist() == ["bee"]
    assert np.array_equal(sampler.calibrated_means_[2], sampler.means_[1])
    assert np.array_equal(sampler.calibrated_means_[:2], sampler.means_[:2])


@pytest.mark.parametrize("weighting", ["paper", "inverse", "size"])
def test_the_lenders_weights_are_the_printed_ones(weighting):
    X, y = data()
    settings = {"outlier": None, "weighting": weighting, "random_state": 0}
    one, ten = (CalibratedGaussianOverSampler(**settings) for _ in range(2))
    one.fit_resample(X, y)
    ten.fit_resample(10 * X, y)
    heads, w = one.borrowed_from_["cat"]
    means = {label: X[y == label].mean(axis=0) for label in ("ant", "bee", "cat")}
    squares = np.array([((means[c] - means["cat"]) ** 2).sum() for c in heads])
    sizes = np.array([(y == c).sum() for c in heads])
    raw = sizes * {"paper": squares, "inverse": 1 / squares, "size": 1}[weighting]
    np.testing.assert_allclose(w, raw / raw.sum())
    np.testing.assert_allclose(ten.borrowed_from_["cat"][1], w)
    assert w.sum() == pytest.approx(1)


def test_classes_of_one_row_borrow_their_covariance():
    X, y = data()
    X, y = X[:141], y[:141]
    sampler = CalibratedGaussianOverSampler(random_state=0)
    made, labels = sampler.fit_resample(X, y)
    assert (labels == "cat").sum() == 80
    assert not sampler.covariances_[2].any()
    assert sampler.n_effective_["cat"] == 1
    assert np.linalg.matrix_rank(sampler.covariance("cat")) == 3
    assert np.isfinite(made).all()


@pytest.mark.parametrize(
    ("head", "tail"),
    [("auto", ["cat"]), (1, ["bee", "cat"]), (0.7, ["cat"]), (["bee"], ["ant", "cat"])],
)
def test_head_classes(head, tail):
    X, y = data()
    sampler = CalibratedGaussianOverSampler(head_classes=head, random_state=0)
    sampler.fit_resample(X, y)
    assert list(sampler.borrowed_from_) == tail


def test_outliers_are_left_out_and_dropped_where_wished():
    X, y = data()
    X[3] += 100
    sampler = CalibratedGaussianOverSampler(return_cleaned=True, random_state=0)
    out, labels = sampler.fit_resample(X, y)
    assert not sampler.inlier_mask_[3]
    kept = sampler.inlier_mask_.sum()
    assert np.array_equal(out[:kept], X[sampler.inlier_mask_])
    assert len(out) == len(labels) == kept + 20 + 72
    assert np.array_equal(
        sampler.sample_indices_[:kept], np.flatnonzero(sampler.inlier_mask_)
    )
    assert sampler.inlier_mask_[sampler.sample_indices_[kept:]].all()


def test_what_it_tells_about_the_rows():
    X, y = data()
    sampler = CalibratedGaussianOverSampler(random_state=0)
    out, labels = sampler.fit_resample(X, y)
    assert np.array_equal(out[: len(X)], X)
    assert np.array_equal(y[sampler.sample_indices_], labels)
    assert sampler.is_synthetic_.sum() == 20 + 72
    assert (sampler.parents_[len(X) :] == -1).all()
    assert sampler.split_safe(np.arange(len(X)))
    assert not sampler.split_safe(np.arange(1, len(X), 2))
    heads_only = np.flatnonzero(y == "bee")
    assert sampler.split_safe(heads_only)  # a head class rests on its own rows only
    assert not sampler.split_safe(np.flatnonzero(y == "cat"))


def test_even_classes_get_no_rows():
    X, y = data()
    X, y = X[20:140], y[20:140]
    out, _ = CalibratedGaussianOverSampler().fit_resample(X, y)
    assert np.array_equal(out, X)
    assert out is not X


def test_weights_count_as_repetitions_do_in_the_mean():
    X, y = data()
    w = np.ones(len(X))
    w[:10], w[10:20] = 3.0, 0.0
    sampler = CalibratedGaussianOverSampler(outlier=None, random_state=0)
    sampler.fit_resample(X, y, sample_weight=w)
    np.testing.assert_allclose(
        sampler.means_[0], np.average(X[:80], axis=0, weights=w[:80])
    )
    assert np.array_equal(sampler.sample_weight_[: len(X)], w)
    assert (sampler.sample_weight_[len(X) :] == 1).all()
    without = CalibratedGaussianOverSampler(outlier=None, random_state=0)
    even = CalibratedGaussianOverSampler(outlier=None, random_state=0)
    first = without.fit_resample(X, y)[0]
    second = even.fit_resample(X, y, sample_weight=np.full(len(X), 7.0))[0]
    np.testing.assert_allclose(first, second)


def test_normal_rows_pass_the_test_of_the_assumption_and_others_do_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    X[300:] = rng.exponential(size=(300, 3))
    X, y = np.vstack([X, X[:3]]), np.repeat([0, 1, 2], [300, 300, 3])
    sampler = CalibratedGaussianOverSampler(outlier=None, random_state=0)
    sampler.fit_resample(X, y)
    found = sampler.gaussianity(X, y)
    assert min(found[0]) > 0.01
    assert max(found[1]) < 1e-6
    assert np.isnan(found[2]).all()
    with pytest.raises(ValueError, match="603 were resampled"):
        sampler.gaussianity(X[:5], y[:5])


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_frames_keep_their_dtypes_and_bad_columns_are_named(frame):
    X, y = data()
    table = frame({"a": X[:, 0], "n": X[:, 1].astype(np.int32)})
    out, _ = CalibratedGaussianOverSampler(random_state=0).fit_resample(table, y)
    assert isinstance(out, frame)
    assert list(out.dtypes) == list(table.dtypes)
    bad = X[:, 0].copy()
    bad[4] = np.nan
    with pytest.raises(ValueError, match="'gap' misses 1 values"):
        CalibratedGaussianOverSampler().fit_resample(frame({"gap": bad}), y)
    with pytest.raises(ValueError, match="'word' is String"):
        CalibratedGaussianOverSampler().fit_resample(frame({"word": list(y)}), y)


def test_what_is_refused():
    X, y = data()
    with pytest.raises(ValueError, match="can't keep groups"):
        CalibratedGaussianOverSampler().fit_resample(X, y, groups=y)
    with pytest.raises(TypeError, match="dense data is required"):
        CalibratedGaussianOverSampler().fit_resample(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match="'head_classes' names 'dog'"):
        CalibratedGaussianOverSampler(head_classes=["dog"]).fit_resample(X, y)
    with pytest.raises(ValueError, match="one share in"):
        CalibratedGaussianOverSampler(contamination=[0.1, 0.2]).fit_resample(X, y)
    with pytest.raises(ValueError, match="no share of class 'bee'"):
        CalibratedGaussianOverSampler(contamination={"ant": 0.1}).fit_resample(X, y)


@pytest.fixture
def claim(monkeypatch):
    monkeypatch.syspath_prepend(str(CLAIM.parent))
    spec = importlib.util.spec_from_file_location("claim_rcal_sampler", CLAIM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
def test_it_beats_smote_and_plain_fitting_on_noisy_long_tailed_digits(claim):
    runs = [claim.scores(seed) for seed in range(4)]
    ours = np.mean([run["calibrated Gaussians"] for run in runs])
    assert ours > np.mean([run["SMOTE"] for run in runs])
    assert ours > np.mean([run["nothing"] for run in runs])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
def test_the_claim_over_all_seeds(claim):
    outcome = claim.experiment(claim.CLAIM.seeds)
    judged = {f.verdict for f in outcome.findings} - {"told"}
    assert judged == {"reproduced"}


def test_a_frame_whose_columns_have_numbers_as_names():
    X, y = data()
    frame = pandas.DataFrame(X).assign(**{"whole": np.arange(len(X))})
    frame.columns = [0, 1, 2, 7]
    out, _ = CalibratedGaussianOverSampler(random_state=0).fit_resample(frame, y)
    assert list(out.columns) == [0, 1, 2, 7]
    assert out[7].dtype.kind == "i"
    frame.loc[3, 1] = np.nan
    with pytest.raises(ValueError, match="column 1 misses 1 values"):
        CalibratedGaussianOverSampler().fit_resample(frame, y)


@pytest.mark.parametrize("container", [np.asarray, pandas.DataFrame])
@pytest.mark.parametrize("dtype", ["int8", ">i4"])
def test_whole_numbers_stay_within_their_dtype(container, dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(100, 128, size=(60, 2)).astype(dtype)
    if container is pandas.DataFrame:
        X = X.astype(X.dtype.newbyteorder("="))
    y = np.repeat([0, 1], [50, 10])
    out, _ = CalibratedGaussianOverSampler(random_state=0).fit_resample(container(X), y)
    out = np.asarray(out)
    assert out.dtype == X.dtype
    assert (out > 50).all()
    assert dtype != "int8" or (out[60:] == 127).any()


def test_a_tensor_of_booleans_is_refused():
    X = torch.arange(60).reshape(20, 3) % 2 == 0
    with pytest.raises(ValueError, match="X is boolean"):
        CalibratedGaussianOverSampler().fit_resample(X, np.repeat([0, 1], [15, 5]))
