"""Estimates of memorization and influence against closed forms, and groups."""

from math import comb

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.noisy_labels import (
    MemorizationFilter,
    RowScoreFilter,
    influence_scores,
    memorization_scores,
)
from skoverfit.noisy_labels._retraining import draw_subsets

NEAREST = KNeighborsClassifier(1)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(40, centers=3, cluster_std=2.5, random_state=0)
    y[:4] = (y[:4] + 1) % 3
    return X, y


def chance_of_right(order, right, size, n):
    """Return P(the first of ``order`` that is drawn is right), size of n drawn."""
    total = comb(n, size)
    return sum(
        comb(n - place - 1, size - 1) / total
        for place in range(len(order))
        if right[order[place]]
    )


def test_one_neighbour_has_the_memorization_of_order_statistics(blobs):
    X, y = blobs
    n, size = len(y), int(0.7 * len(y))
    exact = np.empty(n)
    for i in range(n):
        others = np.delete(np.arange(n), i)
        order = others[np.argsort(((X[others] - X[i]) ** 2).sum(axis=1))]
        exact[i] = 1 - chance_of_right(order, y == y[i], size, n - 1)
    found = memorization_scores(
        NEAREST, X, y, n_runs=400, stratify=False, random_state=0
    )
    apart = (found.memorization - exact) / found.memorization_error
    assert np.abs(apart).max() < 4
    assert np.corrcoef(found.memorization, exact)[0, 1] > 0.98
    assert abs(np.mean(found.memorization - exact)) < 0.01


def test_one_neighbour_has_the_influence_of_order_statistics(blobs):
    X, y = blobs
    X, y, X_test, y_test = X[:30], y[:30], X[30:], y[30:]
    n, size = 30, int(0.7 * 30)
    exact = np.empty((30, 10))
    for j in range(10):
        order = np.argsort(((X - X_test[j]) ** 2).sum(axis=1))
        right = y == y_test[j]
        for i in range(30):
            place = int(np.flatnonzero(order == i)[0])
            rest = np.delete(order, place)
            out = chance_of_right(rest, right, size, n - 1)
            # In: a nearer row decides if one is drawn, otherwise this one does.
            nearer = sum(
                comb(n - 2 - k, size - 2) / comb(n - 1, size - 1)
                for k in range(place)
                if right[order[k]]
            )
            none = comb(n - 1 - place, size - 1) / comb(n - 1, size - 1)
            exact[i, j] = nearer + none * right[i] - out
    found = influence_scores(
        NEAREST, X, y, X_test, y_test, n_runs=400, stratify=False, random_state=0
    )
    influence = found.influence().T
    assert np.abs(influence - exact).max() < 0.25
    assert np.corrcoef(influence.ravel(), exact.ravel())[0, 1] > 0.9


def test_leaving_one_row_out_is_what_ridges_hat_matrix_says(blobs):
    X, y = blobs
    y = np.where(y == 2, 0, y)
    n, alpha = len(y), 3.0
    model = RidgeClassifier(alpha=alpha)
    # All rows but one: each row is out in some runs, and the model has no chance.
    found = memorization_scores(
        model, X, y, subset_ratio=(n - 0.5) / n, n_runs=300, stratify=False,
        random_state=0,
    )  # fmt: skip
    assert (found.included.sum(axis=1) == n - 1).all()
    A = np.column_stack([X - X.mean(axis=0), np.ones(n)])
    penalty = alpha * np.eye(3)
    penalty[2, 2] = 0
    hat = A @ np.linalg.solve(A.T @ A + penalty, A.T)
    target = np.where(y == 1, 1.0, -1.0)
    residual = (target - hat @ target) / (1 - np.diag(hat))
    left_out = ((target - residual > 0) == (y == 1)).astype(float)
    outcomes = np.where(found.included, np.nan, found.outcomes)
    known = np.isfinite(outcomes).any(axis=0)
    assert known.sum() == n
    assert_allclose(np.nanmean(outcomes, axis=0), left_out)
    assert 0 < left_out.mean() < 1


def test_groups_are_drawn_whole_and_twins_hide_no_memorization():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.tile([0, 1], 15)
    twins = np.concatenate([X, X + 1e-6])
    labels, groups = np.concatenate([y, y]), np.tile(np.arange(30), 2)
    few = {"n_runs": 60, "random_state": 0}
    alone = memorization_scores(NEAREST, twins, labels, **few)
    together = memorization_scores(NEAREST, twins, labels, groups=groups, **few)
    assert_array_equal(together.included[:, :30], together.included[:, 30:])
    assert (together.included[:, :30].sum(axis=1) == 21).all()
    # Labels are random: a row whose twin is out, too, is right half of the time.
    assert np.mean(together.memorization) > np.mean(alone.memorization) + 0.1
    names = np.array([f"patient {g}" for g in groups])
    named = memorization_scores(NEAREST, twins, labels, groups=names, **few)
    assert_array_equal(named.included.sum(axis=1), together.included.sum(axis=1))


def test_runs_are_added_for_the_same_groups_only(blobs):
    X, y = blobs
    groups = np.arange(40) // 2
    first = memorization_scores(NEAREST, X, y, groups=groups, n_runs=20, random_state=0)
    more = memorization_scores(NEAREST, X, y, groups=groups, n_runs=20, earlier=first)
    whole = memorization_scores(NEAREST, X, y, groups=groups, n_runs=40, random_state=0)
    assert_array_equal(more.included, whole.included)
    with pytest.raises(ValueError, match="another estimator, data or setting"):
        memorization_scores(NEAREST, X, y, n_runs=4, earlier=first)


def test_every_group_is_equally_likely_in():
    groups = np.repeat(np.arange(10), np.arange(1, 11))
    drawn = draw_subsets(
        np.zeros(55, int), range(2000), ratio=0.7, entropy=0, stratify=True,
        groups=groups,
    )  # fmt: skip
    share = drawn.mean(axis=0)
    assert_allclose(share, 0.7, atol=0.04)


def test_detectors_of_row_scores_keep_groups_together():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(60, 2)), 2, axis=0)
    y = np.repeat(rng.integers(2, size=60), 2)
    groups = np.repeat(np.arange(60), 2)
    flat = KNeighborsClassifier(1)
    # A twin on the other side of a fold answers for the row, whatever its label.
    seen = RowScoreFilter("loss", flat, random_state=0).fit(X, y)
    honest = RowScoreFilter("loss", flat, random_state=0).fit(X, y, groups=groups)
    assert np.mean(seen.scores_ > 1) < 0.25 < np.mean(honest.scores_ > 1)
    # The same of memorization, in filter and score.
    kept = MemorizationFilter(flat, n_runs=30, threshold=0.5, random_state=0)
    kept.fit_resample(X, y)
    together = MemorizationFilter(flat, n_runs=30, threshold=0.5, random_state=0)
    together.fit_resample(X, y, groups=groups)
    assert len(together.sample_indices_) < len(kept.sample_indices_)


@pytest.mark.parametrize("name", ["el2n", "forgetting", "grand", "memorization"])
def test_named_scores_have_a_learner_of_their_own(name, blobs):
    X, y = blobs
    found = RowScoreFilter(name, random_state=0).fit(X, y)
    # The four labels that were changed are among the larger scores.
    assert np.mean(found.label_quality_[:4]) < np.mean(found.label_quality_[4:])


def test_forgetting_flags_what_nets_forget_and_nothing_of_clean_rows(monkeypatch):
    # Counts of events: on clean rows a few nets forget a row once, on wrong ones often.
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 2
    clean = rng.binomial(5, 0.03, 1000) / 5
    wrong = np.arange(1000) < 200
    noisy = np.where(wrong, rng.geometric(0.15, 1000) + 1, clean)
    noisy[:20] = np.inf
    counts = {}
    monkeypatch.setattr(
        "skoverfit.noisy_labels.forgetting_scores", lambda *a, **k: counts["now"]
    )
    for counts["now"], seen in ((clean, np.zeros(1000, bool)), (noisy, wrong)):
        found = RowScoreFilter("forgetting").fit(rng.normal(size=(1000, 2)), y)
        assert not found.issue_mask_[~seen].any()
        assert found.issue_mask_[seen].sum() >= 0.8 * seen.sum()
    # Numbers without a name have no such scale.
    assert RowScoreFilter(clean).fit(np.ones((1000, 1)), y).issue_mask_.any()


def test_rows_that_a_score_cant_judge_are_no_suspects_of_unknown_quality():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(61, 2)), np.repeat([0, 1, 2], [30, 30, 1])
    X[:, 0] += 3 * y
    for contamination in ("auto", 0.99):
        found = RowScoreFilter("loss", contamination=contamination)
        with pytest.warns(match="1 row of class 2 is not judged"):
            found.fit(X, y)
        assert np.isnan(found.label_quality_[60])
        assert not found.issue_mask_[60]
        assert np.isfinite(found.label_quality_[:60]).all()
    assert found.issue_mask_.sum() == 60
    with pytest.raises(ValueError, match="1 missing"):
        RowScoreFilter(np.append(np.ones(60), np.nan)).fit(X, y)


@pytest.mark.parametrize("name", ["loss", "memorization"])
def test_texts_are_named_where_the_score_has_a_learner_for_numbers(name):
    X = pd.DataFrame({"size": np.arange(20.0), "colour": ["red", "blue"] * 10})
    with pytest.raises(ValueError, match=r"column 'colour' .* 'red' in row 0"):
        RowScoreFilter(name).fit(X, np.arange(20) % 2)
