# SPDX-License-Identifier: BSD-3-Clause
"""Augmented copies of a coreset."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from skoverfit.over_sampling import CoresetAugmentation
from skoverfit.under_sampling import FacilityLocationSampler


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


@pytest.mark.parametrize("representation", ["input", LogisticRegression(max_iter=500)])
def test_the_rows_of_the_facility_location_sampler_are_augmented(iris, representation):
    X, y = iris
    core = FacilityLocationSampler(representation, fraction=0.2)
    core.fit_resample(X, y)
    seen = []

    def shift(rows, labels, generator):
        seen.append((rows, labels))
        return rows + 1.0

    sampler = CoresetAugmentation(
        shift, representation=representation, fraction=0.2, n_copies=2
    )
    X_more, y_more = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(sampler.coreset_indices_, core.sample_indices_)
    np.testing.assert_array_equal(X_more[:150], X)
    source = sampler.sample_indices_[150:]
    np.testing.assert_array_equal(X_more[150:], X[source] + 1.0)
    np.testing.assert_array_equal(y_more[150:], y[source])
    np.testing.assert_array_equal(seen[0][1], y[source])
    assert np.bincount(source).max() == 2
    assert sampler.n_generated_ == {0: 20, 1: 20, 2: 20}
    assert sampler.is_synthetic_.sum() == 60


def test_the_coreset_alone_and_chosen_classes(iris):
    X, y = iris
    names = np.array(["a", "b", "c"])[y]
    sampler = CoresetAugmentation(
        sampling_strategy=["b"], fraction=0.1, base="coreset", random_state=0
    )
    _, labels = sampler.fit_resample(pd.DataFrame(X, columns=list("wxyz")), names)
    counts = pd.Series(labels).value_counts().to_dict()
    assert counts == {"a": 50, "c": 50, "b": 10}


def test_noise_has_the_size_that_was_asked_for(iris):
    X, y = iris
    sampler = CoresetAugmentation(
        fraction=1.0, n_copies=40, strength=0.5, random_state=0
    )
    X_more, _ = sampler.fit_resample(X, y)
    noise = X_more[150:] - X[sampler.sample_indices_[150:]]
    np.testing.assert_allclose(noise.std(axis=0), 0.5 * X.std(axis=0), rtol=0.03)
    assert np.abs(noise.mean(axis=0)).max() < 0.03
    plain = CoresetAugmentation(fraction=1.0, strength=0.0).fit_resample(X, y)[0]
    np.testing.assert_array_equal(np.sort(plain[150:], axis=0), np.sort(X, axis=0))


def test_weights_of_copies_are_those_of_their_rows(iris):
    X, y = iris
    weight = np.arange(1.0, 151.0)
    sampler = CoresetAugmentation(fraction=0.1, random_state=0)
    sampler.fit_resample(X, y, sample_weight=weight)
    np.testing.assert_array_equal(
        sampler.sample_weight_, weight[sampler.sample_indices_]
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"augment": lambda X, y, g: X[:3]}, "'augment' function must return numbers"),
        ({"augment": lambda X, y, g: X * np.nan}, "'augment' function returned"),
        ({"fraction": 0.0}, "'fraction' parameter"),
        ({"base": "some"}, "'base' parameter"),
    ],
)
def test_bad_parameters_are_one_sentence(iris, parameters, message):
    sampler = CoresetAugmentation(**parameters)
    with pytest.raises(ValueError, match=message):
        sampler.fit_resample(*iris)
    assert not hasattr(sampler, "coreset_indices_")
