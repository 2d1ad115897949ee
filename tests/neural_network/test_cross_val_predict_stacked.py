"""Predictions of stacked folds are those of scikit-learn's function."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, cross_val_predict
from sklearn.pipeline import make_pipeline

from skoverfit.exceptions import BadInputError, TrainingError
from skoverfit.neural_network import (
    TabularMLPClassifier,
    TabularMLPRegressor,
    _cross_val_predict_stacked,
    cross_val_predict_stacked,
)
from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import make_pipeline as make_resampling_pipeline

SMALL = {
    "hidden_layer_sizes": (6, 5),
    "dtype": "float64",
    "max_epochs": 5,
    "n_estimators": 2,
    "linear_start": False,
    "random_state": 0,
    "learning_rate": 1e-2,
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((130, 5))
    y = np.where(X[:, 0] * X[:, 1] + 0.3 * rng.standard_normal(130) > 0.3, "yes", "no")
    return X, y


@pytest.fixture
def groups_of(monkeypatch):
    """What `fit_plan` did in the last call."""
    found, real = [], _cross_val_predict_stacked.fit_plan

    def watched(*args, **options):
        found.append(real(*args, **options))
        return found[-1]

    monkeypatch.setattr(_cross_val_predict_stacked, "fit_plan", watched)
    return found


def assert_equal(found, expected):
    if expected.dtype.kind == "f":
        assert np.abs(found - expected).max() < 1e-9
    else:
        np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_equals_cross_val_predict(method, table, groups_of):
    net = TabularMLPClassifier(**SMALL)
    found = cross_val_predict_stacked(net, *table, cv=4, method=method)
    assert_equal(found, cross_val_predict(net, *table, cv=4, method=method))
    assert groups_of[0].groups == [[0, 1, 2, 3]]


def test_weights_and_groups(table, groups_of):
    X, y = table
    net = TabularMLPClassifier(**SMALL)
    rng = np.random.default_rng(1)
    weight, groups = rng.integers(0, 3, 130).astype(float), rng.integers(0, 9, 130)
    found = cross_val_predict_stacked(
        net, X, y, cv=GroupKFold(3), groups=groups, sample_weight=weight
    )
    expected = cross_val_predict(
        net, X, y, cv=GroupKFold(3), groups=groups, method="predict_proba",
        params={"sample_weight": weight},
    )  # fmt: skip
    assert_equal(found, expected)
    assert sum(map(len, groups_of[0].groups)) == 3


def test_regressor(table, groups_of):
    X, _ = table
    net = TabularMLPRegressor(**SMALL)
    found = cross_val_predict_stacked(net, X, X[:, 0] ** 2, cv=3, method="predict")
    assert_equal(found, cross_val_predict(net, X, X[:, 0] ** 2, cv=3))
    assert groups_of[0].groups == [[0, 1, 2]]


PIPELINES = {
    "pipeline": make_pipeline(SelectKBest(k=3), TabularMLPClassifier(**SMALL)),
    "sampler": make_resampling_pipeline(
        SMOTE(random_state=0), TabularMLPClassifier(**SMALL)
    ),
}


@pytest.mark.parametrize("model", PIPELINES.values(), ids=PIPELINES)
def test_pipelines(model, table, groups_of):
    found = cross_val_predict_stacked(model, *table, cv=3)
    assert_equal(found, cross_val_predict(model, *table, cv=3, method="predict_proba"))
    assert sum(map(len, groups_of[0].groups)) == 3


def test_target_transformer(table, groups_of):
    X, _ = table
    model = TransformedTargetRegressor(
        TabularMLPRegressor(**SMALL), func=np.log1p, inverse_func=np.expm1
    )
    y = np.abs(X[:, 0])
    found = cross_val_predict_stacked(model, X, y, cv=3, method="predict")
    assert_equal(found, cross_val_predict(model, X, y, cv=3))
    assert groups_of[0].groups == [[0, 1, 2]]


def test_frames_with_text(table, groups_of):
    X, y = table
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    frame["c"] = np.random.default_rng(0).choice(["u", "v", "w"], len(X))
    net = TabularMLPClassifier(**SMALL)
    found = cross_val_predict_stacked(net, frame, pd.Series(y), cv=3)
    expected = cross_val_predict(net, frame, pd.Series(y), cv=3, method="predict_proba")
    assert_equal(found, expected)
    assert groups_of[0].groups == [[0, 1, 2]]


def test_a_class_that_a_fold_lacks(table):
    X, _ = table
    y = np.zeros(130, dtype=int)
    y[40:80], y[80:84] = 1, 2
    folds = KFold(3)  # the second one has all of class 2
    net = TabularMLPClassifier(**SMALL)
    with pytest.warns(RuntimeWarning, match="does not match total number"):
        found = cross_val_predict_stacked(net, X, y, cv=folds)
    with pytest.warns(RuntimeWarning, match="does not match total number"):
        expected = cross_val_predict(net, X, y, cv=folds, method="predict_proba")
    assert_equal(found, expected)


def test_another_estimator_is_fitted_as_always(table):
    model = LogisticRegression()
    found = cross_val_predict_stacked(model, *table, cv=3)
    assert_equal(found, cross_val_predict(model, *table, cv=3, method="predict_proba"))


def test_random_preprocessing_is_fitted_as_always(table):
    model = make_resampling_pipeline(SMOTE(), TabularMLPClassifier(**SMALL))
    assert cross_val_predict_stacked(model, *table, cv=3).shape == (130, 2)


def test_bad_input_is_named(table):
    X, y = table
    net = TabularMLPClassifier(**SMALL)
    with pytest.raises(BadInputError, match=r"'method' parameter.*method='predict'"):
        cross_val_predict_stacked(TabularMLPRegressor(**SMALL), X, X[:, 0])
    with pytest.raises(ValueError, match="'method' parameter of cross_val_predict"):
        cross_val_predict_stacked(net, X, y, method="score")
    with pytest.raises(ValueError, match="'max_nets' parameter of cross_val_predict"):
        cross_val_predict_stacked(net, X, y, max_nets=0)
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict_stacked(net, X, y, cv=ShuffleSplit(2, random_state=0))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_val_predict_stacked(net, X, y[:-1])


def test_a_loss_that_explodes_says_so(table):
    X, _ = table
    net = TabularMLPRegressor(**{**SMALL, "optimizer": "sgd", "learning_rate": 1e9})
    with pytest.raises(TrainingError, match="at step"):
        cross_val_predict_stacked(net, X, X[:, 0], cv=3, method="predict")
