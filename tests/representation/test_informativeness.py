# SPDX-License-Identifier: BSD-3-Clause
"""Do two halves of the rows give the same features, up to linear maps?"""

import pickle
import warnings
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ortho_group
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import FactorAnalysis
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skoverfit
from skoverfit.datasets import make_latent_factor
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.representation import (
    ContrastiveEncoder,
    PretrainedClassifier,
    PretrainedRegressor,
)

ROWS, TARGET, FACTORS = make_latent_factor(1000, 50, loading_scale=1.0, random_state=0)
FEW = np.where(np.arange(1000) < 40, TARGET, np.nan)
NOISE = np.random.default_rng(0).normal(size=(1000, 50))
LOW = "do not identify the features up to linear maps"


def measured(X, encoder="factor", y=FEW, **settings):
    settings = {"random_state": 0, "measure_informativeness": True, **settings}
    return PretrainedRegressor(encoder, **settings).fit(X, y).informativeness_


def quietly(*args, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkoverfitWarning)
        return measured(*args, **settings)


def variance_told(x, y, own, other):
    guess = LinearRegression().fit(x[own], y[own]).predict(x[other])
    return r2_score(y[other], guess, multioutput="variance_weighted")


class Mapped(TransformerMixin, BaseEstimator):
    """Factors under a map that each fit draws anew."""

    def __init__(self, kind="none", random_state=None):
        self.kind = kind
        self.random_state = random_state

    def fit(self, X, y=None):
        self.factors_ = FactorAnalysis(5, random_state=0).fit(X)
        rng = np.random.default_rng(self.random_state)
        self.map_ = {
            "none": np.eye(5),
            "turned": ortho_group.rvs(5, random_state=rng),
            "mapped": rng.normal(size=(5, 5)) + 3 * np.eye(5),
        }[self.kind]
        return self

    def transform(self, X):
        return 7 + self.factors_.transform(X) @ self.map_


class Recorded(TransformerMixin, BaseEstimator):
    """Factors; what they were fitted on is written down."""

    fitted: ClassVar[list] = []

    def fit(self, X, y=None):
        self.fitted.append(X)
        self.factors_ = FactorAnalysis(5).fit(X)
        return self

    def transform(self, X):
        return self.factors_.transform(X)


class Drawn(TransformerMixin, BaseEstimator):
    """Features that only the seed decides."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X, y=None):
        rng = np.random.default_rng(self.random_state)
        self.map_ = rng.normal(size=(X.shape[1], 3))
        return self

    def transform(self, X):
        return X @ self.map_


@pytest.mark.parametrize("n_components", [5, "auto"])
def test_strong_factors_are_identified(n_components):
    assert measured(ROWS, n_components=n_components) > 0.99


@pytest.mark.parametrize("encoder", ["factor", "pca", "gmm"])
def test_noise_has_nothing_to_be_identified(encoder):
    with pytest.warns(SkoverfitWarning, match=rf"{LOW}.* R\^2 = 0\.\d\d .* below 0.8"):
        assert measured(NOISE, encoder, n_components=5) < 0.3


def test_components_of_a_mixture_are_identified_where_they_are_apart():
    rng = np.random.default_rng(0)
    kinds = rng.integers(4, size=600)
    centers = rng.normal(size=(4, 6))
    noise = rng.normal(size=(600, 6))
    y = np.where(np.arange(600) < 40, kinds % 2, -1)
    model = PretrainedClassifier(
        "gmm", n_components=4, random_state=0, measure_informativeness=True
    )
    # Components are in another order in each half.
    assert model.fit(9 * centers[kinds] + noise, y).informativeness_ > 0.99
    with pytest.warns(SkoverfitWarning, match=LOW):
        assert model.fit(0.2 * centers[kinds] + noise, y).informativeness_ < 0.5


def test_it_is_what_a_plain_rule_says():
    # Two halves; maps by least squares, in both directions, each judged on rows that
    # it was not fitted on.
    rows, _, _ = make_latent_factor(1000, 30, loading_scale=0.4, random_state=3)
    Recorded.fitted.clear()
    told = quietly(rows, Recorded(), y=rows[:, 0])
    whole, *halves = Recorded.fitted
    number = {row.tobytes(): k for k, row in enumerate(rows)}
    np.testing.assert_array_equal(whole, rows)
    first, second = ([number[row.tobytes()] for row in half] for half in halves)
    assert sorted(first + second) == list(range(1000))
    assert len(first) == len(second) == 500
    a, b = (FactorAnalysis(5).fit(half).transform(rows) for half in halves)
    part = np.r_[first[::2], second[::2]]
    rest = np.r_[first[1::2], second[1::2]]
    wanted = [
        variance_told(x, y, own, other)
        for x, y in ((a, b), (b, a))
        for own, other in ((part, rest), (rest, part))
    ]
    assert told == pytest.approx(np.mean(wanted), abs=0.005)


def test_turned_features_are_the_same_features():
    rows, _, _ = make_latent_factor(400, 50, loading_scale=0.2, random_state=1)
    few = np.where(np.arange(400) < 40, rows[:, 0], np.nan)
    plain, turned, mapped = (
        quietly(rows, Mapped(kind), y=few) for kind in ("none", "turned", "mapped")
    )
    assert turned == pytest.approx(plain, abs=1e-6)
    # Another map weights the features otherwise; 1 stays 1.
    assert abs(mapped - plain) < 0.1
    assert measured(ROWS, Mapped("mapped")) > 0.99


def test_what_only_the_seed_decides_is_not_identified():
    with pytest.warns(SkoverfitWarning, match=LOW):
        assert measured(NOISE, Drawn(random_state=0)) < 0.3
    scaled = make_pipeline(StandardScaler(), Drawn(random_state=0))
    with pytest.warns(SkoverfitWarning, match=LOW):
        assert measured(NOISE, scaled) < 0.3
    # What no half decides is known from the start.
    assert measured(NOISE[:, :3], FunctionTransformer()) == pytest.approx(1)


def test_no_label_is_read():
    order = np.argsort(np.isnan(FEW), kind="stable")
    rows, y = ROWS[order], FEW[order]
    wanted = measured(rows, n_components=5, y=y)
    known = ~np.isnan(y)
    poisoned = np.where(known, -1e3 * y, np.nan)
    assert measured(rows, n_components=5, y=poisoned) == wanted
    assert measured(rows, n_components=5, y=TARGET) == wanted
    # By the other door, and with weights.
    model = PretrainedRegressor(
        n_components=5, random_state=0, measure_informativeness=True
    )
    model.fit(
        rows[known],
        y[known],
        X_unlabeled=rows[~known],
        sample_weight=np.arange(known.sum()),
    )
    assert model.informativeness_ == wanted


def test_it_is_measured_on_request_and_changes_nothing_else(tmp_path):
    frame = pd.DataFrame(ROWS, columns=[f"c{k}" for k in range(50)])
    plain = PretrainedRegressor(random_state=0, n_components=5).fit(frame, FEW)
    assert not hasattr(plain, "informativeness_")
    model = clone(plain).set_params(measure_informativeness=True).fit(frame, FEW)
    np.testing.assert_array_equal(model.predict(frame), plain.predict(frame))
    again = clone(model).fit(frame, FEW)
    assert isinstance(model.informativeness_, float)
    assert model.informativeness_ == again.informativeness_
    other = clone(model).set_params(random_state=1).fit(frame, FEW)
    assert other.informativeness_ != model.informativeness_  # other halves
    assert pickle.loads(pickle.dumps(model)).informativeness_ == again.informativeness_
    skoverfit.save(model, tmp_path / "model.skops")
    back = skoverfit.load(tmp_path / "model.skops")
    assert back.informativeness_ == model.informativeness_
    # A later fit that does not measure it does not keep it.
    model.set_params(measure_informativeness=False).fit(frame, FEW)
    assert not hasattr(model, "informativeness_")


@pytest.mark.parametrize(("n", "n_components", "least"), [(39, 2, 40), (79, 20, 80)])
def test_too_few_rows_have_none(n, n_components, least):
    message = rf"measured on {n} rows and is NaN: {n_components} features need {least}"
    with pytest.warns(SkoverfitWarning, match=message):
        value = measured(ROWS[:n], n_components=n_components, y=TARGET[:n])
    assert np.isnan(value)
    enough = quietly(ROWS[:least], n_components=n_components, y=TARGET[:least])
    assert np.isfinite(enough)


def test_features_that_never_vary_have_none():
    with pytest.warns(SkoverfitWarning, match="every row the same features"):
        value = measured(
            ROWS, FunctionTransformer(np.ones_like), estimator=DummyRegressor()
        )
    assert np.isnan(value)


def test_a_net_is_asked_as_well_and_fine_tuned_after():
    X, y = load_iris(return_X_y=True)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    encoder = ContrastiveEncoder((8,), max_epochs=5, device="cpu", random_state=0)
    model = PretrainedClassifier(
        encoder, fine_tune=True, measure_informativeness=True, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkoverfitWarning)
        told = [clone(model).fit(X, few).informativeness_ for _ in range(2)]
    assert told[0] == told[1]
    assert 0.2 < told[0] < 1
