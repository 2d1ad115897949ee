"""The corrected score of a winner: the paper's simulation, limits, groups, folds."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from skoverfit.model_selection import bbc_cv_score, tibshirani_bias

FAST = {"n_bootstrap": 200, "random_state": 0}


def test_the_simulation_of_the_paper():
    # Accuracies from Beta(9, 6), independent rows: naive is optimistic, BBC is not.
    naive, corrected = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = rng.beta(9, 6, size=50)
        right = rng.random((50, 40)) < truth[:, None]
        found = bbc_cv_score(None, right, None, n_bootstrap=200, random_state=seed)
        naive.append(found.naive_score - truth[found.best_index])
        corrected.append(found.score - truth[found.best_index])
    # The specification measured +.085 and -.019.
    assert np.mean(naive) == pytest.approx(0.085, abs=0.025)
    assert np.mean(corrected) == pytest.approx(-0.019, abs=0.025)


def test_one_candidate_has_the_score_of_the_cross_validation():
    right = np.random.default_rng(0).random((1, 300)) < 0.7
    found = bbc_cv_score(None, right, None, **FAST)
    assert found.score == pytest.approx(right.mean(), abs=0.01)
    assert found.naive_score == pytest.approx(right.mean())
    assert found.lower < right.mean() < found.upper
    assert (found.gain, found.gain_lower, found.gain_upper) == (0, 0, 0)


def test_identical_candidates_gain_exactly_nothing():
    rows = np.random.default_rng(0).random(80)
    found = bbc_cv_score(None, [rows] * 5, None, **FAST)
    assert (found.gain, found.gain_lower, found.gain_upper) == (0, 0, 0)
    assert found.best_index == 0
    np.testing.assert_array_equal(found.selection_shares, [1, 0, 0, 0, 0])


def test_a_candidate_that_is_better_gains_what_it_is_better_by():
    rng = np.random.default_rng(1)
    base = rng.random(400)
    found = bbc_cv_score(None, [base, base + 0.2], None, **FAST)
    assert found.gain == pytest.approx(0.2)
    assert found.selection_shares[1] == 1


def test_means_of_rows_agree_with_calls_of_the_score():
    rng = np.random.default_rng(2)
    y = rng.integers(2, size=90)
    predicted = np.where(rng.random((4, 90)) < 0.7, y, 1 - y)
    folds = np.arange(90) % 3
    for options in ({}, {"folds": folds}, {"groups": np.arange(90) // 3}):
        rows = bbc_cv_score(None, predicted == y, None, **FAST, **options)
        calls = bbc_cv_score(y, predicted, accuracy_score, **FAST, **options)
        assert rows.score == pytest.approx(calls.score)
        assert rows.gain_lower == pytest.approx(calls.gain_lower)
        np.testing.assert_array_equal(rows.selection_shares, calls.selection_shares)


def test_ranks_are_taken_within_folds():
    # Two folds whose scores are on different scales, each in perfect order.
    y = np.tile([0, 1], 40)
    folds = np.repeat([0, 1], 40)
    scores = y + 10.0 * folds
    within = bbc_cv_score(y, [scores], roc_auc_score, folds=folds, **FAST)
    pooled = bbc_cv_score(y, [scores], roc_auc_score, **FAST)
    assert within.naive_score == within.score == 1.0
    assert pooled.naive_score < 0.8


def test_groups_are_drawn_whole():
    # Copies of rows: drawn one by one they are in and out of every draw.
    rng = np.random.default_rng(3)
    right = np.repeat(rng.random((30, 20)) < 0.5, 10, axis=1)
    alone = bbc_cv_score(None, right, None, **FAST)
    whole = bbc_cv_score(None, right, None, groups=np.arange(200) // 10, **FAST)
    assert alone.score > 0.6
    assert whole.score < alone.score - 0.05


def test_the_order_of_the_candidates_does_not_matter():
    rng = np.random.default_rng(4)
    rows = rng.random((6, 50))
    order = rng.permutation(6)
    one = bbc_cv_score(None, rows, None, **FAST)
    other = bbc_cv_score(
        None, rows[order], None, baseline=int(np.flatnonzero(order == 0)[0]), **FAST
    )
    assert (one.score, one.gain) == pytest.approx((other.score, other.gain))
    assert order[other.best_index] == one.best_index


def test_the_rule_of_selection_is_repeated_in_every_draw():
    rng = np.random.default_rng(5)
    rows = rng.random((4, 60))
    folds = np.arange(60) % 3
    # A rule that looks at nothing has no luck, and its score is the candidate's own.
    fixed = bbc_cv_score(None, rows, None, select=lambda s, f: 2, **FAST)
    alone = bbc_cv_score(None, rows[[2]], None, **FAST)
    assert fixed.score == pytest.approx(alone.score)
    assert (fixed.best_index, fixed.naive_score) == (2, pytest.approx(rows[2].mean()))
    np.testing.assert_array_equal(fixed.selection_shares, [0, 0, 1, 0])
    # The best by the folds' means is what None chooses.
    seen = []

    def best(scores, fold_scores):
        seen.append(fold_scores.shape)
        assert scores == pytest.approx(fold_scores.mean(axis=0))
        return int(scores.argmax())

    own = bbc_cv_score(None, rows, None, folds=folds, select=best, **FAST)
    known = bbc_cv_score(None, rows, None, folds=folds, **FAST)
    assert own.score == pytest.approx(known.score)
    assert set(seen) == {(3, 4)}
    with pytest.raises(ValueError, match="select returned 9"):
        bbc_cv_score(None, rows, None, select=lambda s, f: 9, **FAST)


def test_the_bias_of_a_chosen_candidate():
    losses = [[0.1, 0.3], [0.3, 0.2], [0.1, 0.2]]
    assert tibshirani_bias(losses, chosen=0) == tibshirani_bias(losses)
    assert tibshirani_bias(losses, chosen=1) == pytest.approx((0.2 + 0.0 + 0.1) / 3)
    with pytest.raises(ValueError, match="none of 2"):
        tibshirani_bias(losses, chosen=2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((None, [], None), {}, "at least one candidate"),
        ((None, [[1.0, 0.0], [1.0]], None), {}, "different lengths"),
        ((None, [[1.0, 0.0]], None), {"baseline": 1}, "none of the 1 candidates"),
        (([0, 1], [[1.0, 0.0]], None), {}, "go together"),
        (([0], [[1.0, 0.0]], accuracy_score), {}, "y has 1 rows"),
        ((None, [[1.0, 0.0]], None), {"groups": [1]}, "groups"),
        ((None, [[1.0, np.nan]], None), {}, "candidate 0 is nan"),
        ((None, [[[1.0, 0.0]] * 3], None), {}, "one score a row"),
    ],
)
def test_bad_input_is_named(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        bbc_cv_score(*arguments, **options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_scores_that_rarely_exist_are_refused():
    y = np.r_[1, np.zeros(30, int)]
    with pytest.raises(ValueError, match="draws only"):
        bbc_cv_score(y, [np.arange(31.0)], roc_auc_score, **FAST)


def test_bias_of_tibshirani_and_tibshirani():
    assert tibshirani_bias([[0.2], [0.4]]) == 0
    rng = np.random.default_rng(0)
    losses = rng.random((5, 8))
    best = losses.mean(axis=0).argmin()
    wanted = losses[:, best].mean() - losses.min(axis=1).mean()
    assert tibshirani_bias(losses) == pytest.approx(wanted) != 0
    for wrong in ([0.1, 0.2], [[np.nan]], [[]]):
        with pytest.raises(ValueError, match="fold_losses"):
            tibshirani_bias(wrong)
