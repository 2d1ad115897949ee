"""Memorization and influence: closed forms, errors, runs that are added."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import skoverfit
from skoverfit._core._random import derive_seed
from skoverfit._core._row_scores import seeded
from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.noisy_labels import (
    MemorizationResult,
    influence_scores,
    memorization_scores,
)
from skoverfit.noisy_labels._retraining import draw_subsets

NEAREST = KNeighborsClassifier(n_neighbors=1)
TREE = DecisionTreeClassifier(max_features=1)
NET = TabularMLPClassifier(
    (16,),
    n_estimators=1,
    max_epochs=8,
    dropout=0.0,
    linear_start=False,
    numeric_embedding=None,
    early_stopping=False,
)


@pytest.fixture
def noisy_blobs():
    X, y = make_blobs(90, centers=3, cluster_std=2.0, random_state=0)
    return X, make_label_noise(y, rate=0.1, random_state=0)


def test_one_nearest_neighbour_in_closed_form():
    """Lone wrong rows have 1, rows amid their like 0, and a pair's depends on r."""
    crowd = np.repeat(np.arange(30.0), 4) + np.tile(np.arange(4) * 1e-3, 30)
    pairs = 1000.0 + np.repeat(10.0 * np.arange(15), 2) + np.tile([0.0, 1e-3], 15)
    wrong = np.array([5.5, 12.5])
    # Between two pairs lie rows of the other class, four of a kind.
    fence = 1005.0 + np.repeat(10.0 * np.arange(-1, 15), 8)
    X = np.concatenate([crowd, pairs, wrong, fence])[:, None]
    y = np.repeat(["a", "b", "b", "a"], [120, 30, 2, 128])
    n = len(X)
    found = memorization_scores(
        NEAREST, X, y, n_runs=400, stratify=False, random_state=0
    )
    np.testing.assert_array_equal(found.memorization[150:152], 1.0)
    assert np.abs(found.memorization[:120]).max() < 0.05
    # Without a row the answer is right if its twin is in: m of the other n - 1 are.
    expected = 1 - int(0.7 * n) / (n - 1)
    pair = found.memorization[120:150]
    assert abs(pair.mean() - expected) < 4 * found.memorization_error[120] / 15**0.5


def test_a_constant_answer_memorizes_nothing(noisy_blobs):
    found = memorization_scores(
        DummyClassifier(strategy="constant", constant=1), *noisy_blobs, n_runs=20,
        random_state=0,
    )  # fmt: skip
    np.testing.assert_array_equal(found.memorization, 0.0)
    assert (found.memorization_error > 0).all()


def test_scores_are_the_formulas_of_the_paper(noisy_blobs):
    X, y = noisy_blobs
    X_test, y_test = X[:7] + 0.1, y[:7]
    found = influence_scores(TREE, X, y, X_test, y_test, n_runs=30, random_state=3)
    for j in range(7):
        for i in (0, 11, 50):
            took = found.included[:, i]
            right = found.test_outcomes[:, j].astype(float)
            expected = right[took].mean() - right[~took].mean()
            assert found.influence()[j, i] == pytest.approx(expected, abs=1e-6)
    took = found.included[:, 4]
    right = found.outcomes[:, 4].astype(float)
    assert found.memorization[4] == right[took].mean() - right[~took].mean()
    np.testing.assert_array_equal(found.n_included, found.included.sum(axis=0))


@pytest.mark.parametrize("scoring", ["correct", "proba"])
@pytest.mark.parametrize(("p_in", "p_out"), [(0.9, 0.5), (0.7, 0.2), (1.0, 0.0)])
def test_standard_errors_are_those_of_a_simulation(scoring, p_in, p_out):
    """Columns are replications: the spread of their scores is the standard error."""
    rng = np.random.default_rng(0)
    runs, n = 100, 4000
    included = rng.random((runs, n)).argsort(axis=0) < 70
    chance = np.where(included, p_in, p_out)
    outcomes = (rng.random((runs, n)) < chance).astype(np.uint8)
    if scoring == "proba":
        outcomes = rng.beta(8 * chance + 0.5, 8 * (1 - chance) + 0.5)
        outcomes = outcomes.astype(np.float32)
        p_in, p_out = ((8 * p + 0.5) / 9 for p in (p_in, p_out))
    found = MemorizationResult(
        included=included,
        outcomes=outcomes,
        codes=np.zeros(n, int),
        classes=np.array([0, 1]),
        scoring=scoring,
    )
    truth, spread = p_in - p_out, found.memorization.std()
    assert abs(found.memorization.mean() - truth) < 5 * spread / n**0.5 + 1e-12
    inside = found.confidence_interval(0.95)
    covered = np.mean((inside[:, 0] <= truth) & (truth <= inside[:, 1]))
    if spread > 0:
        assert found.memorization_error.mean() == pytest.approx(spread, rel=0.06)
        assert 0.93 < covered < 0.97
    else:  # always right with the row, never without: certain, but not after 30 runs
        assert 0 < found.memorization_error.max() < 0.05
        assert inside[:, 1].min() == 1.0


def test_twice_the_runs_have_a_smaller_error_by_the_root_of_two(noisy_blobs):
    few = memorization_scores(TREE, *noisy_blobs, n_runs=40, random_state=0)
    many = memorization_scores(TREE, *noisy_blobs, n_runs=160, random_state=0)
    ratio = few.memorization_error.mean() / many.memorization_error.mean()
    assert 1.6 < ratio < 2.2


def test_runs_that_are_added_are_one_larger_run(noisy_blobs):
    X, y = noisy_blobs
    test = X[:5], y[:5]
    whole = influence_scores(TREE, X, y, *test, n_runs=42, random_state=5)
    part = influence_scores(TREE, X, y, *test, n_runs=35, random_state=5)
    kept = part.outcomes.copy()
    with parallel_config(backend="threading"):
        more = influence_scores(TREE, X, y, *test, n_runs=7, earlier=part, n_jobs=2)
    for name in ("included", "outcomes", "test_outcomes", "memorization"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(more, name))
    np.testing.assert_array_equal(part.outcomes, kept)
    assert repr(more) == "MemorizationResult(42 runs, 90 rows, scoring='correct')"


def test_runs_of_something_else_are_not_added(noisy_blobs):
    X, y = noisy_blobs
    part = memorization_scores(TREE, X, y, n_runs=40, random_state=5)
    changed = y.copy()
    changed[0] = (changed[0] + 1) % 3
    for estimator, labels, more in (
        (NEAREST, y, {}),
        (TREE, changed, {}),
        (TREE, y, {"subset_ratio": 0.5}),
        (TREE, y, {"scoring": "proba"}),
    ):
        with pytest.raises(BadInputError, match="another estimator, data or setting"):
            memorization_scores(estimator, X, labels, earlier=part, **more)
    with pytest.raises(BadInputError, match="leave random_state out"):
        memorization_scores(TREE, X, y, earlier=part, random_state=6)
    other = memorization_scores(NEAREST, X, y, n_runs=40, random_state=5)
    with pytest.raises(BadInputError, match="runs can only be added"):
        part.joined(other)


@pytest.mark.parametrize("stratify", [True, False])
def test_subsets_have_their_size_and_every_row_its_chance(stratify):
    codes = np.repeat([0, 1, 2, 3], [53, 20, 6, 1])
    masks = draw_subsets(codes, range(4000), ratio=0.7, entropy=0, stratify=stratify)
    assert (masks.sum(axis=1) == 56).all()
    shares = masks.mean(axis=0)
    assert np.abs(shares - 0.7).max() < 5 * (0.21 / 4000) ** 0.5
    if stratify:
        for code, n in enumerate((53, 20, 6, 1)):
            taken = masks[:, codes == code].sum(axis=1)
            assert set(taken) <= {int(0.7 * n), int(0.7 * n) + 1}
    later = draw_subsets(codes, range(90, 95), ratio=0.7, entropy=0, stratify=stratify)
    np.testing.assert_array_equal(later, masks[90:95])


def test_the_kind_of_table_and_the_names_of_labels_change_nothing(noisy_blobs):
    X, y = noisy_blobs
    plain = memorization_scores(NEAREST, X, y, n_runs=40, random_state=0)
    names = np.array(["x", "y", "z"])[y]
    for table, labels in (
        (X.tolist(), names.tolist()),
        (pd.DataFrame(X), pd.Series(names, dtype="category")),
        (sp.csr_array(X), names.astype(object)),
    ):
        found = memorization_scores(NEAREST, table, labels, n_runs=40, random_state=0)
        np.testing.assert_array_equal(found.memorization, plain.memorization)
        assert found.classes.tolist() == ["x", "y", "z"]


def test_probabilities_vary_less_than_answers(noisy_blobs):
    X, y = noisy_blobs
    model = LogisticRegression()
    both = [
        memorization_scores(model, X, y, n_runs=60, scoring=s, random_state=0)
        for s in ("correct", "proba")
    ]
    assert both[1].memorization_error.mean() < 0.5 * both[0].memorization_error.mean()
    assert both[1].outcomes.dtype == np.float32
    # An independent look at one run.
    took = both[1].included[3]
    proba = clone(model).fit(X[took], y[took]).predict_proba(X)
    np.testing.assert_allclose(
        both[1].outcomes[3], proba[np.arange(len(y)), y], rtol=1e-6
    )


def test_a_class_that_a_run_has_not_is_wrong_and_has_no_probability():
    X = np.arange(31.0)[:, None]
    y = np.array([0] * 15 + [1] * 15 + [2])
    for scoring in ("correct", "proba"):
        found = memorization_scores(
            NEAREST, X, y, n_runs=30, scoring=scoring, random_state=0
        )
        assert found.memorization[30] == 1.0
        assert found.outcome_excluded[30] == 0.0
    unseen = influence_scores(
        NEAREST, X, y, [[1.0], [30.0]], [7, 2], n_runs=40, scoring="proba",
        random_state=0,
    )  # fmt: skip
    np.testing.assert_array_equal(unseen.test_outcomes[:, 0], 0.0)


def test_weights_are_those_of_the_rows_that_a_run_has():
    X, y = np.array([[0.0], [0.0], [1.0], [1.0]] * 10), np.array([0, 1, 0, 1] * 10)
    weight = np.where(X[:, 0] == y, 5.0, 1.0)
    found = memorization_scores(
        DecisionTreeClassifier(), X, y, sample_weight=weight, n_runs=20, random_state=0
    )
    np.testing.assert_array_equal(found.outcomes, np.tile(X[:, 0] == y, (20, 1)))


def test_nets_in_stacks_answer_as_nets_alone(noisy_blobs):
    X, y = noisy_blobs
    stacked = memorization_scores(NET, X, y, n_runs=40, scoring="proba", random_state=2)

    for run in range(30, 33):
        took = stacked.included[run]
        seed = derive_seed(stacked.entropy, "model", run)
        alone = seeded(NET, seed).fit(X[took], y[took])
        own = alone.predict_proba(X)[np.arange(90), y]
        np.testing.assert_allclose(stacked.outcomes[run], own, atol=1e-4)
    piped = memorization_scores(
        make_pipeline(StandardScaler(), NET), X, y, n_runs=40, random_state=2
    )
    assert piped.outcomes.shape == (40, 90)
    model = seeded(make_pipeline(StandardScaler(), NET), derive_seed(2, "model", 35))
    took = piped.included[35]
    same = model.fit(X[took], y[took]).predict(X) == y
    assert np.mean(same == piped.outcomes[35]) > 0.97  # ties apart


def test_wrong_digits_are_found():
    """The issue asks for an AUC of .99; the claim measures it on more runs."""
    X, y = load_digits(return_X_y=True)
    given, is_wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    found = memorization_scores(NEAREST, X, given, n_runs=60, random_state=0)
    assert roc_auc_score(is_wrong, found.memorization) > 0.97
    assert found.memorization[is_wrong].mean() > 0.8


def test_influential_pairs_are_the_entries_of_the_matrix(noisy_blobs):
    X, y = noisy_blobs
    found = influence_scores(NEAREST, X, y, X + 0.01, y, n_runs=40, random_state=0)
    rows, tests, values = found.influential_pairs(min_influence=0.5)
    matrix = found.influence()
    np.testing.assert_array_equal(matrix[tests, rows], values)
    high = (matrix >= 0.5) & (found.memorization >= 0.25)
    assert len(rows) == high.sum() > 0
    assert (np.diff(values) <= 0).all()
    error = found.influence_error(np.arange(3))
    assert error.shape == (3, 90)
    assert (error > 0).all()


def test_a_result_is_pickled_and_saved(noisy_blobs, tmp_path):
    found = memorization_scores(NEAREST, *noisy_blobs, n_runs=40, random_state=0)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.memorization, found.memorization)
    skoverfit.save(found, tmp_path / "runs.skops")
    loaded = skoverfit.load(tmp_path / "runs.skops")
    np.testing.assert_array_equal(loaded.memorization, found.memorization)


def test_estimators_that_cannot_be_pickled_have_scores(noisy_blobs):
    X, y = noisy_blobs
    piped = make_pipeline(FunctionTransformer(lambda X: 2 * X), NEAREST)
    found = memorization_scores(piped, X, y, n_runs=40, random_state=0)
    plain = memorization_scores(NEAREST, X, y, n_runs=40, random_state=0)
    np.testing.assert_array_equal(found.memorization, plain.memorization)


def test_rows_that_were_never_left_out_have_no_score():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(SkoverfitWarning, match=r"\d+ of 150 rows were in all of the 3"):
        found = memorization_scores(NEAREST, X, y, n_runs=3, random_state=0)
    one_sided = np.isin(found.n_included, [0, 3])
    np.testing.assert_array_equal(np.isnan(found.memorization), one_sided)
    assert np.isinf(found.memorization_error[one_sided]).all()


@pytest.mark.parametrize(
    ("estimator", "changes", "message"),
    [
        (LinearRegression(), {}, "must be a classifier"),
        (LinearSVC(), {"scoring": "proba"}, "does not have; use scoring='correct'"),
        (NEAREST, {"n_runs": 1}, "'n_runs' parameter"),
        (NEAREST, {"subset_ratio": 1.0}, "'subset_ratio' parameter"),
        (NEAREST, {"y": [0] * 149}, "X has 150 rows, but y has 149 labels"),
        (NEAREST, {"y": [0] * 150}, r"only one class \(0\)"),
        (NEAREST, {"y": [None] + [1] * 149}, "missing labels"),
        (NEAREST, {"y": [0] + [1] * 149}, "one class only; use a larger subset_ratio"),
        (NEAREST, {"subset_ratio": 0.001}, "would have no row"),
        (NEAREST, {"sample_weight": [1.0] * 3}, "sample_weight has shape"),
    ],
)
def test_bad_input_is_one_sentence(estimator, changes, message):
    X, y = load_iris(return_X_y=True)
    given = {"X": X, "y": y, "n_runs": 9, "random_state": 0, **changes}
    with pytest.raises(ValueError, match=message):
        memorization_scores(estimator, **given)


def test_a_result_without_test_rows_says_so(noisy_blobs):
    found = memorization_scores(NEAREST, *noisy_blobs, n_runs=40, random_state=0)
    with pytest.raises(BadInputError, match="There are no test rows here"):
        found.influence()
    with pytest.raises(BadInputError, match="'confidence' parameter"):
        found.confidence_interval(1.5)


def test_a_frozen_model_and_test_labels_of_another_type_are_refused():
    X, y = load_iris(return_X_y=True)
    frozen = FrozenEstimator(KNeighborsClassifier(1).fit(X, y))
    with pytest.raises(ValueError, match="fitted, frozen estimator"):
        memorization_scores(frozen, X, y)
    with pytest.raises(BadInputError, match=r"No label of y_test \('0' and so on\)"):
        influence_scores(NEAREST, X, y, X[:5], y[:5].astype(str), n_runs=4)
