"""Detectors of wrong labels: what all of them promise, and each one's own limits."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import (
    KNeighborsClassifier,
    LocalOutlierFactor,
    NearestNeighbors,
)

from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.noisy_labels import (
    CleanedClassifier,
    ConfidentLearningFilter,
    DetectorEnsemble,
    ForestDisagreementFilter,
    LOFClassFilter,
    NeighborDisagreementFilter,
    RowScoreFilter,
    SmallLossFilter,
    _group_neighbors,
)
from skoverfit.noisy_labels._detectors import DETECTORS, detector_for
from skoverfit.noisy_labels._mixture import upper_share

CV, SEED = 3, 0
ALL = {
    "confident_learning": ConfidentLearningFilter(cv=CV, random_state=SEED),
    "neighbors": NeighborDisagreementFilter(),
    "forest": ForestDisagreementFilter(40, random_state=SEED),
    "small_loss": SmallLossFilter(cv=CV, random_state=SEED),
    "lof": LOFClassFilter(),
    "row_score": RowScoreFilter("loss", contamination=0.2, random_state=SEED),
    "ensemble": DetectorEnsemble(
        [("model", "confident_learning"), ("near", "neighbors"), ("lof", "lof")],
        cv=CV,
        random_state=SEED,
    ),
}
every = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:900] / 16, y[:900]


@pytest.fixture(scope="module")
def noisy(digits):
    X, clean = digits
    y, wrong = make_label_noise(clean, rate=0.2, return_mask=True, random_state=0)
    return X, y, wrong


@pytest.fixture(scope="module")
def blobs():
    X, codes = make_blobs(150, centers=3, cluster_std=1.3, random_state=1)
    clean = np.array(["ant", "bee", "cat"])[codes]
    y, wrong = make_label_noise(clean, rate=0.15, return_mask=True, random_state=0)
    return X, y, wrong


# --- promises of all ------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ALL if name != "lof"])
def test_a_fifth_of_wrong_labels_is_ranked_first(noisy, name):
    X, y, wrong = noisy
    found = clone(ALL[name]).fit(X, y)
    assert roc_auc_score(wrong, -found.label_quality_) > 0.95
    assert found.issue_mask_[wrong].mean() > 0.6
    assert wrong[found.issue_mask_].mean() > 0.6


@pytest.mark.parametrize("name", [name for name in ALL if name != "row_score"])
def test_few_rows_are_flagged_where_no_label_is_wrong(digits, name):
    assert clone(ALL[name]).fit(*digits).issue_mask_.mean() <= 0.05


# Bags and the folds of a score are dealt by row number, and can't be passed.
@pytest.mark.parametrize("name", sorted(set(ALL) - {"forest", "row_score"}))
def test_rows_in_another_order_are_judged_alike(blobs, name):
    X, y, _ = blobs
    detector = clone(ALL[name])
    order = np.random.default_rng(0).permutation(len(y))
    if "cv" in detector.get_params(deep=False):
        half = np.arange(len(y)) % 2 == 0
        rows = np.arange(len(y))
        splits = [(rows[half], rows[~half]), (rows[~half], rows[half])]
        place = np.argsort(order)
        moved = [(np.sort(place[a]), np.sort(place[b])) for a, b in splits]
        first, second = clone(detector), clone(detector)
        first.set_params(cv=splits)
        second.set_params(cv=moved)
    else:
        first, second = clone(detector), clone(detector)
    one = first.fit(X, y).label_quality_[order]
    two = second.fit(X[order], y[order]).label_quality_
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@every
def test_labels_of_any_type_are_judged_alike(blobs, name):
    X, y, _ = blobs
    codes = np.unique(y, return_inverse=True)[1]
    text = clone(ALL[name]).fit(X, y)
    number = clone(ALL[name]).fit(X, codes + 5)
    series = clone(ALL[name]).fit(pd.DataFrame(X, columns=["a", "b"]), pd.Series(y))
    for other in (number, series):
        np.testing.assert_array_equal(text.issue_mask_, other.issue_mask_)
        np.testing.assert_allclose(text.label_quality_, other.label_quality_)
    assert text.classes_.tolist() == ["ant", "bee", "cat"]


@every
def test_sparse_rows_are_judged_as_dense_ones(blobs, name):
    X, y, _ = blobs
    dense = clone(ALL[name]).fit(X, y)
    sparse = clone(ALL[name]).fit(csr_matrix(X), y)
    np.testing.assert_allclose(
        dense.label_quality_, sparse.label_quality_, rtol=1e-5, atol=1e-6
    )


@every
def test_groups_are_taken(blobs, name):
    X, y, _ = blobs
    groups = np.arange(len(y)) // 3
    found = clone(ALL[name]).fit(X, y, groups=groups)
    assert found.label_quality_.shape == y.shape


@every
def test_every_detector_goes_with_every_mode(blobs, name):
    X, y, wrong = blobs
    detector = clone(ALL[name])
    for mode in ("drop", "weight", "relabel"):
        model = CleanedClassifier(LogisticRegression(), detector, mode=mode)
        if mode == "relabel" and detector.fit(X, y).predicted_label_ is None:
            with pytest.raises(ValueError, match="the detector proposes none"):
                model.fit(X, y)
            continue
        assert model.fit(X, y).score(X[~wrong], y[~wrong]) > 0.8


@every
def test_what_is_known_by_name_is_what_is_made_by_hand(name):
    if name not in DETECTORS:
        return
    assert type(detector_for(name)) is type(ALL[name])


@every
def test_two_workers_find_what_one_finds(blobs, name):
    X, y, _ = blobs
    one = clone(ALL[name]).fit(X, y)
    with parallel_config("threading"):
        two = clone(ALL[name]).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.issue_mask_, two.issue_mask_)
    np.testing.assert_allclose(one.label_quality_, two.label_quality_, rtol=1e-12)


@every
def test_missing_labels_are_told(blobs, name):
    X, _, _ = blobs
    y = np.array([None, *["a", "b"] * 74, "a"], dtype=object)
    with pytest.raises(ValueError, match="1 missing labels, the first in row 0"):
        clone(ALL[name]).fit(X, y)


def test_tensors_are_taken(blobs):
    X, y, _ = blobs
    for detector in (NeighborDisagreementFilter(), LOFClassFilter()):
        array = clone(detector).fit(X, y).label_quality_
        tensor = clone(detector).fit(torch.from_numpy(X), y).label_quality_
        np.testing.assert_allclose(array, tensor)


# --- neighbours -----------------------------------------------------------------------


def test_neighbour_disagreement_is_a_count(blobs):
    X, y, _ = blobs
    found = NeighborDisagreementFilter(7, tail_guard=False).fit(X, y)
    near = NearestNeighbors(n_neighbors=7).fit(X).kneighbors(return_distance=False)
    np.testing.assert_allclose(
        found.label_quality_, (y[near] == y[:, None]).mean(axis=1)
    )
    votes = np.array([(y[near] == label).sum(axis=1) for label in found.classes_])
    best = votes.max(axis=0)
    own = votes[np.searchsorted(found.classes_, y), np.arange(len(y))]
    np.testing.assert_array_equal(found.issue_mask_, own < best)


def test_neighbours_of_the_own_group_have_no_vote():
    X, y = make_blobs(60, centers=2, random_state=0)
    twice, labels = np.vstack([X, X]), np.tile(y, 2)
    wrong = labels.copy()
    wrong[[0, 60]] = 1 - y[0]  # both copies
    groups = np.tile(np.arange(60), 2)
    seen = NeighborDisagreementFilter(1).fit(twice, wrong)
    assert not seen.issue_mask_[0]
    apart = NeighborDisagreementFilter(1).fit(twice, wrong, groups=groups)
    assert apart.issue_mask_[[0, 60]].all()
    with pytest.raises(ValueError, match="no neighbour outside its group"):
        NeighborDisagreementFilter(1).fit(X, y, groups=np.zeros(60))


def test_the_only_row_of_a_class_is_not_judged_by_neighbours(blobs):
    X, y, _ = blobs
    y = np.where(np.arange(len(y)) == 9, "dog", y)
    with pytest.warns(SkoverfitWarning, match="1 row of class 'dog' is not judged"):
        found = NeighborDisagreementFilter(tail_guard=False).fit(X, y)
    assert np.isnan(found.label_quality_[9])
    assert found.predicted_label_[9] == "dog"
    assert not found.issue_mask_[9]
    # A class within one group has no row that another may ask.
    groups = np.where(np.arange(len(y)) < 20, 0, np.arange(len(y)))
    alone = np.where(np.arange(len(y)) < 5, "elk", y)
    with pytest.warns(SkoverfitWarning, match="6 rows of class 'dog' and others are"):
        found = NeighborDisagreementFilter().fit(X, alone, groups=groups)
    assert np.flatnonzero(np.isnan(found.label_quality_)).tolist() == [0, 1, 2, 3, 4, 9]
    with pytest.raises(ValueError, match="No row can be judged: no two rows"):
        NeighborDisagreementFilter().fit(X[:4], list("abcd"))


@pytest.mark.parametrize("sparse", [False, True])
def test_large_groups_are_asked_as_small_ones(blobs, sparse, monkeypatch):
    X, y, _ = blobs
    table = csr_matrix(X) if sparse else X
    groups = np.arange(len(y)) // 2
    groups[np.arange(len(y)) % 3 == 0] = 1000
    groups[np.arange(len(y)) % 7 == 0] = 2000
    # By hand: all others, sorted.
    far = np.linalg.norm(X[:, None] - X[None], axis=2)
    far[groups[:, None] == groups] = np.inf
    near = np.argsort(far, axis=1, kind="stable")[:, :10]
    share = (y[near] == y[:, None]).mean(axis=1)
    for largest, at_once in ((256, 1 << 22), (1, 1), (10, 500)):
        monkeypatch.setattr(_group_neighbors, "_LARGE_GROUP", largest)
        monkeypatch.setattr(_group_neighbors, "_NUMBERS_AT_ONCE", at_once)
        found = NeighborDisagreementFilter(tail_guard=False)
        found.fit(table, y, groups=groups)
        np.testing.assert_allclose(found.label_quality_, share)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    "name", ["confident_learning", "forest", "lof", "neighbors", "small_loss"]
)
def test_texts_are_named_by_column_and_row(name, kind):
    table = kind({"age": [1.0, 2.0] * 6, "city": ["Rome", "Oslo"] * 6})
    with pytest.raises(ValueError, match="column 'city' of X, which has 'Rome' in row"):
        clone(ALL[name]).fit(table, ["a", "b", "b"] * 4)


def test_dates_are_named_by_column_and_row():
    days = pd.to_datetime(["2020-01-01"] * 12)
    table = pd.DataFrame({"age": np.arange(12.0), "born": days})
    with pytest.raises(ValueError, match="column 'born' of X, which has '2020-01-01"):
        NeighborDisagreementFilter().fit(table, ["a", "b", "b"] * 4)


# --- forest ---------------------------------------------------------------------------


def test_a_forest_judges_out_of_bag(blobs):
    X, y, wrong = blobs
    found = ForestDisagreementFilter(100, random_state=0).fit(X, y)
    in_bag = RandomForestClassifier(100, random_state=0).fit(X, y)
    assert found.pred_proba_.shape == (150, 3)
    assert (in_bag.predict(X) == y).mean() > 0.98
    assert found.issue_mask_[wrong].mean() > 0.7


def test_the_only_row_of_a_class_is_not_judged_by_a_forest(blobs):
    X, y, _ = blobs
    y = np.where(np.arange(len(y)) == 9, "dog", y)
    with pytest.warns(SkoverfitWarning, match="'dog' is not judged: no other has its"):
        found = ForestDisagreementFilter(40, random_state=0).fit(X, y)
    assert not found.issue_mask_[9]
    assert np.isnan(found.label_quality_[9])


def test_rows_that_every_tree_has_seen_are_told(blobs):
    X, y, _ = blobs
    with pytest.warns(SkoverfitWarning, match=r"not judged: each of the 10 trees"):
        found = ForestDisagreementFilter(10, random_state=0).fit(X, y)
    assert 0 < np.isnan(found.label_quality_).sum() < 20


# --- small losses ---------------------------------------------------------------------


def test_two_distributions_are_told_apart():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0, 1, 300), rng.normal(12, 1, 100)])
    upper = upper_share(scores, np.zeros(400, dtype=int), 1)
    assert upper[:300].max() < 0.5 < upper[300:].min()
    one = rng.normal(size=400)
    assert (upper_share(one, np.zeros(400, dtype=int), 1, apart=2.0) == 0).all()
    assert (upper_share(scores[:9], np.zeros(9, dtype=int), 1) == 0).all()
    assert (upper_share(np.ones(40), np.zeros(40, dtype=int), 1) == 0).all()


def test_mixtures_do_not_depend_on_scale_and_shift():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(0, 1, 80), rng.normal(5, 2, 40)])
    codes = np.zeros(120, dtype=int)
    first = upper_share(scores, codes, 1)
    np.testing.assert_allclose(
        upper_share(1000 * scores + 7, codes, 1), first, atol=1e-6
    )


# --- outliers within a class ----------------------------------------------------------


def test_outlier_factors_within_a_class_are_those_of_scikit_learn(blobs):
    X, y, _ = blobs
    found = LOFClassFilter(12).fit(X, y)
    shared = LOFClassFilter(12, contamination=0.1).fit(X, y)
    for label in found.classes_:
        rows = y == label
        peer = LocalOutlierFactor(12).fit(X[rows])
        np.testing.assert_array_equal(
            found.inlier_mask_[rows], peer.negative_outlier_factor_ >= -1.5
        )
        expected = LocalOutlierFactor(12, contamination=0.1).fit_predict(X[rows])
        np.testing.assert_array_equal(shared.inlier_mask_[rows], expected == 1)


def test_classes_of_up_to_five_rows_have_no_outliers():
    X = np.vstack(
        [np.random.default_rng(0).normal(size=(40, 2)), [[0, 0]] * 4, [[99, 9]]]
    )
    y = np.repeat(["many", "few"], [40, 5])
    assert not LOFClassFilter().fit(X, y).issue_mask_[40:].any()


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_a_share_of_outliers_of_none_or_beyond_a_half_is_refused(blobs, share):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="'contamination' parameter"):
        LOFClassFilter(contamination=share).fit(X, y)


# --- any score ------------------------------------------------------------------------


def test_scores_of_ones_own(blobs):
    X, y, wrong = blobs
    scores = wrong + np.linspace(0, 0.1, len(y))
    ready = RowScoreFilter(scores, contamination=0.1).fit(X, y)
    assert ready.issue_mask_.sum() == 15
    assert wrong[ready.issue_mask_].all()
    np.testing.assert_allclose(
        ready.label_quality_[np.argsort(scores)], np.linspace(1, 0, len(y))
    )
    made = RowScoreFilter(lambda X, y: scores).fit(X, y)
    np.testing.assert_array_equal(made.issue_mask_, wrong)
    np.testing.assert_array_equal(made.scores_, scores)


@pytest.mark.parametrize("score", ["el2n", "memorization"])
def test_scores_of_this_room_are_known_by_name(blobs, score):
    X, y, wrong = blobs
    learner = LogisticRegression() if score == "el2n" else KNeighborsClassifier(1)
    filter_ = RowScoreFilter(score, learner, contamination=0.15, random_state=0)
    found = filter_.fit(X, y)
    assert found.scores_.shape == y.shape
    assert roc_auc_score(wrong, found.scores_) > 0.8
    twin = clone(filter_).fit(X, y)
    np.testing.assert_array_equal(found.scores_, twin.scores_)


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ("lost", r"no score 'lost'\. Did you mean 'loss'"),
        ([1.0, 2.0], r"150 numbers, one a row"),
        (np.full(150, np.nan), r"150 missing"),
    ],
)
def test_scores_that_are_none_are_refused(blobs, scores, sentence):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=sentence):
        RowScoreFilter(scores).fit(X, y)


@pytest.mark.parametrize("rate", [1.0, 1.5, -0.1])
def test_rates_of_one_and_more_are_refused(blobs, rate):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="'contamination' parameter"):
        RowScoreFilter("loss", contamination=rate).fit(X, y)


# --- votes ----------------------------------------------------------------------------


class Says:
    """Nothing of ours: what is not built on our base is asked by fit alone."""

    def __init__(self, mask=None, quality=None):
        self.mask, self.quality = mask, quality

    def get_params(self, deep=True):
        return {"mask": self.mask, "quality": self.quality}

    def set_params(self, **params):
        vars(self).update(params)
        return self

    def fit(self, X, y):
        self.issue_mask_, self.label_quality_ = self.mask, self.quality
        self.predicted_label_ = np.roll(y, 1)
        return self

    def issues_frame(self):
        return None


@pytest.fixture
def voters():
    masks = np.zeros((3, 150), dtype=bool)
    masks[0, :30] = masks[1, 10:40] = masks[2, 20:50] = True
    quality = [np.where(mask, 0.1 * k, 0.9) for k, mask in enumerate(masks)]
    return [(f"v{k}", Says(masks[k], quality[k])) for k in range(3)]


@pytest.mark.parametrize(
    ("voting", "suspects"),
    [
        ("any", range(50)),
        ("majority", range(10, 40)),
        ("all", range(20, 30)),
        (1, range(50)),
        (2, range(10, 40)),
        (3, range(20, 30)),
    ],
)
def test_votes_are_counted(blobs, voters, voting, suspects):
    X, y, _ = blobs
    found = DetectorEnsemble(voters, voting=voting).fit(X, y)
    assert np.flatnonzero(found.issue_mask_).tolist() == list(suspects)
    assert found.votes_[[0, 15, 25, 60]].tolist() == [1, 2, 3, 0]
    np.testing.assert_array_equal(
        found.predicted_label_, np.where(found.votes_ > 0, np.roll(y, 1), y)
    )


def test_qualities_are_averaged_by_rank(blobs, voters):
    X, y, _ = blobs
    quality = DetectorEnsemble(voters).fit(X, y).label_quality_
    assert quality[25] < quality[15] < quality[5] < quality[60]
    first = voters[0][1].quality
    scaled = [("a", Says(voters[0][1].mask, first)), ("b", Says(None, first**9))]
    scaled[1][1].mask = scaled[0][1].mask
    alone = DetectorEnsemble(scaled[:1]).fit(X, y).label_quality_
    np.testing.assert_allclose(DetectorEnsemble(scaled).fit(X, y).label_quality_, alone)


def test_parameters_of_the_voters_are_reached():
    voters = DetectorEnsemble([("near", NeighborDisagreementFilter())])
    voters.set_params(near__n_neighbors=3)
    assert voters.get_params()["near__n_neighbors"] == 3
    assert clone(voters).detectors[0][1].n_neighbors == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"detectors": []}, "at least one entry"),
        ({"detectors": ["lof"]}, r"list of \(name, detector\)"),
        ({"detectors": [("a", "loff")]}, r"no detector 'loff'\. Did you mean 'lof'"),
        ({"detectors": [("a", 3)]}, "name of a detector or an instance"),
        ({"detectors": [("a", "lof")], "voting": 2}, "voting=2 asks for more votes"),
        ({"detectors": [("a", "lof"), ("a", "lof")]}, "not unique"),
    ],
)
def test_ensembles_that_cannot_be_are_refused(blobs, options, sentence):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=sentence):
        DetectorEnsemble(**options).fit(X, y)


def test_the_classifier_that_is_cleaned_for_reaches_the_voters(blobs):
    X, y, _ = blobs
    voters = DetectorEnsemble([("model", "confident_learning"), ("l", "small_loss")])
    model = CleanedClassifier(LogisticRegression(C=0.1), voters, cv=3, random_state=0)
    inner = model.fit(X, y).detector_.detectors_
    assert all(each.estimator.C == 0.1 and each.cv == 3 for each in inner)


def test_rows_that_no_detector_could_judge_stay(blobs):
    X, y, _ = blobs
    y = np.where(np.arange(len(y)) == 9, "dog", y)
    with pytest.warns(SkoverfitWarning, match="not judged"):
        found = DetectorEnsemble(
            [("a", "confident_learning"), ("b", "small_loss")], random_state=0
        ).fit(X, y)
    assert np.isnan(found.label_quality_[9])
    assert not found.issue_mask_[9]
