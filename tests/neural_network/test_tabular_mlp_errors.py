# SPDX-License-Identifier: BSD-3-Clause
"""Bad input: one sentence that names parameter and value, and nothing half-fitted."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification

from skoverfit.exceptions import TrainingError
from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor

X, Y = make_classification(60, 4, random_state=0)
ENDLESS, GONE = X.copy(), Y.astype(float)
ENDLESS[3, 1] = np.inf
GONE[3] = np.nan


def net(**parameters):
    small = {"hidden_layer_sizes": (4,), "n_estimators": 2, "max_epochs": 2}
    return TabularMLPClassifier(**{**small, "random_state": 0, **parameters})


PARAMETERS = {
    "optimizer": ({"optimizer": "adamv"}, "'optimizer'.*'adamv'.*mean 'adam' or"),
    "lbfgs": ({"optimizer": torch.optim.LBFGS}, "'optimizer'.*LBFGS.*use 'adamw'"),
    "loss": (
        {"loss": "cross_entropie"},
        r"'loss'.*'cross_entropie'.*mean 'cross_entropy'",
    ),
    "reduced loss": (
        {"loss": torch.nn.CrossEntropyLoss()},
        "needs reduction='none'.*reduction='mean'",
    ),
    "batch step": ({"batch_step": "mixupp"}, "'batch_step'.*'mixupp'"),
    "sizes": (
        {"hidden_layer_sizes": (8, 0)},
        r"'hidden_layer_sizes'.*positive integers.*\(8, 0\)",
    ),
    "fractional sizes": ({"hidden_layer_sizes": (8.5,)}, r"positive.*\(8.5,\)"),
    "device": ({"device": "abacus"}, "'device'.*'abacus'"),
    "fraction": (
        {"validation_fraction": 0.01},
        r"validation_fraction=0.01 leaves no row.*60 rows and 100 parts",
    ),
    "float16": ({"mixed_precision": "float16", "device": "cpu"}, "needs a GPU"),
    "class weight": ({"class_weight": {7: 2.0}}, r"class_weight has the class 7.*\[0"),
    "epochs": ({"max_epochs": 0}, "'max_epochs' parameter .*Got 0"),
    "module": ({"module": dict}, "'module'.*torch module.*dict"),
}
DATA = {
    "infinite X": (ENDLESS, Y, None, "(?i)input X contains infinity"),
    "missing label": (X, GONE, None, "(?i)input y contains NaN"),
    "continuous y": (X, X[:, 0], None, "(?i)continuous"),
    "one class": (X, np.zeros(60, int), None, "only one class is present"),
    "two columns": (X, np.stack([Y, Y], 1), None, r"(?i)multioutput.*\(60, 2\)"),
    "lengths": (X, Y[:-3], None, r"60.*57|57.*60"),
    "zero weights": (X, Y, np.zeros(60), "(?i)sample.weight"),
    "negative weights": (X, Y, -np.ones(60), "(?i)negative.*sample_weight"),
    "missing weights": (X, Y, np.full(60, np.nan), "(?i)sample_weight contains NaN"),
}


@pytest.mark.parametrize(("parameters", "match"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_bad_parameter(parameters, match):
    model = net(**parameters)
    with pytest.raises(ValueError, match=match):
        model.fit(X, Y)
    assert not hasattr(model, "net_")
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(("rows", "y", "weight", "match"), DATA.values(), ids=DATA)
def test_bad_data(rows, y, weight, match):
    model = net()
    with pytest.raises(ValueError, match=match):
        model.fit(rows, y, sample_weight=weight)
    assert not hasattr(model, "net_")
    assert not hasattr(model, "classes_")


def test_an_error_leaves_an_earlier_fit_as_it_was():
    model = net().fit(X, Y)
    truth = model.predict_proba(X)
    with pytest.raises(ValueError, match=r"infinity"):
        model.fit(ENDLESS, Y)
    np.testing.assert_array_equal(model.predict_proba(X), truth)


def test_a_growing_loss_is_told_with_its_step_and_rate():
    model = TabularMLPRegressor(
        (8,), n_estimators=1, optimizer="sgd", learning_rate=1e6, linear_start=False,
        early_stopping=False, warmup_epochs=0, random_state=0,
    )  # fmt: skip
    with pytest.raises(TrainingError, match=r"The loss is .* at step \d+ .*1e\+06"):
        model.fit(X, X[:, 0] * 2)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (np.where(Y == 1, np.nan, 0.0), "(?i)y contains NaN"),
        (np.where(Y == 1, np.inf, 0.0), "(?i)y contains infinity"),
        (np.array(["a", "b"])[Y], "could not convert string to float"),
    ],
)
def test_bad_targets_of_a_regressor(y, match):
    model = TabularMLPRegressor((4,), n_estimators=1, max_epochs=1)
    with pytest.raises(ValueError, match=match):
        model.fit(X, y)
    assert not hasattr(model, "net_")
