"""Over-sampling by temperature: its limits, its shares, and the weights beside it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skoverfit._core._temperature import group_shares, tempered_counts
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection import temperature_weights
from skoverfit.over_sampling import RandomOverSampler, TemperatureOverSampler

INF = float("inf")


def long_tail(seed=0):
    y = np.repeat(["a", "b", "c"], [400, 100, 10])
    rng = np.random.default_rng(seed)
    y = rng.permutation(y)
    return rng.normal(size=(len(y), 3)) + np.unique(y, return_inverse=True)[1][
        :, None
    ], y


def counts_of(y):
    return np.unique(y, return_counts=True)[1]


def test_no_temperature_adds_nothing_and_infinity_is_the_random_sampler():
    X, y = long_tail()
    X_same, y_same = TemperatureOverSampler(1, random_state=0).fit_resample(X, y)
    assert np.array_equal(X_same, X)
    assert np.array_equal(y_same, y)
    ours = TemperatureOverSampler(INF, random_state=0).fit_resample(X, y)
    other = RandomOverSampler(random_state=0).fit_resample(X, y)
    assert np.array_equal(ours[0], other[0])
    assert np.array_equal(ours[1], other[1])


@pytest.mark.parametrize("tau", [1.5, 2, 5.0, 50])
def test_classes_get_the_shares_of_the_formula(tau):
    X, y = long_tail()
    sampler = TemperatureOverSampler(tau, random_state=0)
    counts = counts_of(sampler.fit_resample(X, y)[1])
    expected = np.array([400.0, 100, 10]) ** (1 / tau)
    np.testing.assert_allclose(
        counts / counts.sum(), expected / expected.sum(), atol=0.002
    )
    assert counts[0] == 400
    assert sampler.class_prior_after_[2] == pytest.approx(counts[2] / counts.sum())


def test_more_heat_keeps_the_copies_of_less():
    X, y = long_tail()
    fewer = TemperatureOverSampler(2, random_state=0).fit_resample(X, y)[1]
    more = TemperatureOverSampler(5, random_state=0).fit_resample(X, y)[1]
    assert (counts_of(fewer) <= counts_of(more)).all()


def test_a_strategy_says_how_much_infinity_is():
    X, y = long_tail()
    sampler = TemperatureOverSampler(2, sampling_strategy={"c": 250}, random_state=0)
    assert counts_of(sampler.fit_resample(X, y)[1]).tolist() == [400, 100, 50]


def test_noise_and_weights_are_those_of_the_random_sampler():
    X, y = long_tail()
    sampler = TemperatureOverSampler(3, shrinkage=0.5, random_state=0)
    X_more, _ = sampler.fit_resample(X, y, sample_weight=np.arange(1.0, len(y) + 1))
    made = sampler.is_synthetic_
    assert not np.isin(X_more[made][:, 0], X[:, 0]).any()
    assert len(sampler.sample_weight_) == len(X_more)


@pytest.mark.parametrize("tau", [0.5, 0, "hot", None])
def test_bad_temperatures_are_named(tau):
    X, y = long_tail()
    with pytest.raises(ValueError, match="'tau' parameter of TemperatureOverSampler"):
        TemperatureOverSampler(tau).fit_resample(X, y)


def test_the_two_formulas_agree():
    counts = np.array([1000, 30, 7])
    for tau in (1.0, 1.7, 5.0, INF):
        part = tempered_counts(counts, 1000, tau)
        np.testing.assert_allclose(part / part.sum(), group_shares(counts, tau))
    assert group_shares([3, 0, 3], INF).tolist() == [0.5, 0, 0.5]


# Weights -----------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [1.0, 2.0, 5.0, INF])
def test_weights_have_mean_one_and_the_shares_of_the_formula(tau):
    _, y = long_tail()
    weights = temperature_weights(y, tau)
    assert weights.mean() == pytest.approx(1)
    shares = [weights[y == label].sum() / len(y) for label in "abc"]
    expected = np.array([400.0, 100, 10]) ** (1 / tau)
    np.testing.assert_allclose(shares, expected / expected.sum())


def test_even_weights_are_balanced_class_weights():
    X, y = long_tail()
    weighted = LogisticRegression().fit(X, y, sample_weight=temperature_weights(y, INF))
    balanced = LogisticRegression(class_weight="balanced").fit(X, y)
    np.testing.assert_allclose(weighted.coef_, balanced.coef_, atol=1e-4)


def test_one_group_is_weighed_alike_and_bad_input_is_named():
    assert (temperature_weights(["x"] * 5, 9.0) == 1).all()
    with pytest.raises(BadInputError, match="'tau' parameter of temperature_weights"):
        temperature_weights(["x"], 0)
    with pytest.raises(ValueError, match="groups has 1 missing"):
        temperature_weights(["x", None])
