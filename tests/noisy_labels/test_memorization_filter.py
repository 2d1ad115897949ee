"""Dropping memorized rows."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.datasets import make_label_noise
from skoverfit.noisy_labels import MemorizationFilter, memorization_scores

NEAREST = KNeighborsClassifier(n_neighbors=1)


def test_it_drops_what_the_scores_say():
    X, y = load_digits(return_X_y=True)
    X, y = X[:500], y[:500]
    given, is_wrong = make_label_noise(y, rate=0.1, return_mask=True, random_state=0)
    cleaner = MemorizationFilter(NEAREST, n_runs=40, random_state=7)
    cleaner.fit_resample(X, given)
    found = memorization_scores(NEAREST, X, given, n_runs=40, random_state=7)
    np.testing.assert_array_equal(cleaner.memorization_, found.memorization)
    np.testing.assert_array_equal(
        cleaner.sample_indices_, np.flatnonzero(found.memorization < 0.5)
    )
    assert is_wrong[cleaner.sample_indices_].mean() < 0.02
    assert cleaner.result_.n_runs == 40


def test_tail_safe_keeps_a_small_clump_and_drops_lone_rows():
    X, y = make_blobs(80, centers=[[0, 0], [9, 0]], random_state=0)
    clump = np.array([[30.0, 30.0]]) + 0.01 * np.arange(4)[:, None]
    lone = X[y == 0][:1] + 1e-3
    X = np.vstack([X, clump, lone])
    y = np.append(y, [1] * 5)
    scores = np.zeros(85)
    scores[80:] = 1.0  # as if nothing but these were memorized
    safe = MemorizationFilter(scores=scores, mode="tail_safe", n_neighbors=3)
    safe.fit_resample(X, y)
    assert safe.sample_indices_.tolist() == list(range(84))
    every = MemorizationFilter(scores=scores).fit_resample(X, y)
    assert len(every[1]) == 80
    assert safe.result_ is None


def test_a_class_keeps_its_least_memorized_row():
    X, y = np.arange(6.0)[:, None], np.array([0, 0, 0, 0, 1, 1])
    scores = np.array([0, 0, 0, 0, 0.9, 0.7])
    _, labels = MemorizationFilter(scores=scores).fit_resample(X, y)
    assert labels.tolist() == [0, 0, 0, 0, 1]
    _, labels = MemorizationFilter(scores=scores, sampling_strategy=[0]).fit_resample(
        X, y
    )
    assert len(labels) == 6


def test_bad_parameters_are_one_sentence():
    X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match="n_neighbors=5 needs more than 4 rows"):
        MemorizationFilter(scores=np.zeros(4), mode="tail_safe").fit_resample(X, y)
    with pytest.raises(ValueError, match="'threshold' parameter"):
        MemorizationFilter(threshold=0.0).fit_resample(X, y)
