# SPDX-License-Identifier: BSD-3-Clause
"""The check for test-suites."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.inspection import assert_generalizes


@pytest.fixture
def noise():
    rng = np.random.default_rng(0)
    return rng.normal(size=(100, 3)), np.arange(100) % 2


def test_nearest_neighbour_of_noise_fails_with_both_scores(noise):
    with pytest.raises(
        AssertionError, match=r"KNeighborsClassifier .*max_gap=0\.1.* 1\.000 on its"
    ):
        assert_generalizes(KNeighborsClassifier(1), *noise)


def test_model_without_features_has_no_gap(noise):
    # Two equal classes in stratified folds: the same share in every part.
    assert assert_generalizes(DummyClassifier(), *noise, max_gap=0.0).gap == 0.0


def test_groups_stay_together(noise):
    # Each row has a twin with its label, which shuffled folds leak.
    X, y = np.repeat(noise[0], 2, axis=0), np.repeat(noise[1], 2)
    groups = np.repeat(np.arange(100), 2)
    model = KNeighborsClassifier(1)
    shuffled = KFold(5, shuffle=True, random_state=0)
    assert_generalizes(model, X, y, max_gap=0.3, cv=shuffled)
    with pytest.raises(AssertionError, match="does not generalize"):
        assert_generalizes(model, X, y, max_gap=0.3, cv=GroupKFold(5), groups=groups)


def test_estimator_and_rows_are_untouched(noise):
    X, y = noise
    before = X.copy()
    model = KNeighborsClassifier(1)
    assert_generalizes(model, X, y, max_gap=1.0)
    assert not hasattr(model, "classes_")
    np.testing.assert_array_equal(X, before)


def test_groups_that_would_be_ignored_are_refused(noise):
    with pytest.raises(ValueError, match="would ignore groups"):
        assert_generalizes(DummyClassifier(), *noise, groups=np.arange(100))


def test_negative_bound_is_refused(noise):
    with pytest.raises(ValueError, match="max_gap"):
        assert_generalizes(DummyClassifier(), *noise, max_gap=-0.1)


def test_failing_scorer_is_told(noise):
    def broken(estimator, X, y):
        raise ValueError("no score today")

    with pytest.raises(ValueError, match="no score today"):
        assert_generalizes(DummyClassifier(), *noise, scoring=broken)
