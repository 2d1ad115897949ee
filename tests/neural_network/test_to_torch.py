"""Fitted nets as plain modules, and their weights alone in a file."""

import importlib
import os
import pickle

import numpy as np
import pandas
import pytest
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor

X, Y = make_classification(
    90, 6, n_classes=3, n_informative=4, n_redundant=0, random_state=0
)
SMALL = {
    "hidden_layer_sizes": (6,),
    "n_estimators": 2,
    "max_epochs": 3,
    "random_state": 0,
}


class OwnNet(torch.nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_features, 7),
            torch.nn.BatchNorm1d(7),
            torch.nn.ReLU(),
            torch.nn.Linear(7, n_outputs),
        )

    def forward(self, x):
        return self.layers(x)


def gaps():
    """Missing values, a constant, two values only, time stamps."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    X[rng.random(X.shape) < 0.15] = np.nan
    X[:, 2] = 4.0
    X[:, 3] = rng.integers(0, 2, 120)
    X[:, 4] = 1.7e9 + 1e4 * rng.normal(size=120)
    return X


def run(module, *inputs):
    with torch.no_grad():
        return module(*map(torch.as_tensor, inputs)).numpy()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_estimators": 1},
        {"module": OwnNet},
        {"module": OwnNet, "n_estimators": 1},
        {"dtype": "float64", "numeric_scaling": "standard"},
        {"hidden_layer_sizes": (), "numeric_embedding": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("table", ["whole", "gaps", "wide"])
def test_equal_to_the_estimator(parameters, table):
    X = {
        "whole": lambda: np.random.default_rng(1).normal(size=(120, 6)),
        "gaps": gaps,
        "wide": lambda: np.random.default_rng(1).normal(size=(40, 90)),
    }[table]()
    y = np.arange(len(X)) % 3
    model = TabularMLPClassifier(**{**SMALL, **parameters}).fit(X, y)
    module = model.to_torch()
    assert not module.training
    chances = run(module, X)
    assert chances.shape == (len(X), 3)
    assert np.allclose(np.exp(chances), model.predict_proba(X), atol=2e-6)
    softmax = torch.as_tensor(chances).softmax(dim=1).numpy()
    assert np.allclose(softmax, model.predict_proba(X), atol=2e-6)
    rows = run(model.to_torch(encoded=True), model.encode(X)[0])
    assert np.allclose(rows, chances, atol=1e-5)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_equal_to_the_regressor(n_targets):
    X, y = make_regression(90, 5, n_targets=n_targets, random_state=0)
    model = TabularMLPRegressor(**SMALL).fit(X, 100 * y + 7)
    answer = run(model.to_torch(), X)
    assert answer.shape == model.predict(X).shape
    assert np.allclose(answer, model.predict(X), rtol=1e-5, atol=1e-2)


def test_a_frame_of_numbers_and_one_with_levels():
    rng = np.random.default_rng(0)
    numbers = pandas.DataFrame(gaps()).add_prefix("c")
    y = rng.integers(0, 2, 120)
    model = TabularMLPClassifier(**SMALL).fit(numbers, y)
    chances = np.exp(run(model.to_torch(), numbers.to_numpy().copy()))
    assert np.allclose(chances, model.predict_proba(numbers), atol=2e-6)
    mixed = numbers.assign(
        few=rng.choice(["a", "b", "c"], 120),
        many=[f"level {i % 80}" for i in range(120)],
    )
    model = TabularMLPClassifier(**SMALL, categorical_features=["few", "many"])
    model.fit(mixed, y)
    with pytest.raises(BadInputError, match=r"2 nominal columns.*encoded=True"):
        model.to_torch()
    dense, codes = model.encode(mixed)
    assert codes.shape == (120, 1)
    chances = np.exp(run(model.to_torch(encoded=True), dense, codes))
    assert np.allclose(chances, model.predict_proba(mixed), atol=2e-6)


@pytest.mark.parametrize(
    "parameters", [{}, {"n_estimators": 1}, {"module": OwnNet}], ids=str
)
def test_goes_through_torch_export(parameters):
    X = gaps()
    model = TabularMLPClassifier(**{**SMALL, **parameters}).fit(X, np.arange(120) % 2)
    module = model.to_torch()
    exported = torch.export.export(
        module,
        (torch.as_tensor(X),),
        dynamic_shapes=({0: torch.export.Dim("rows", min=2)},),
    ).module()
    for rows in (X, X[:17]):
        assert np.allclose(run(exported, rows), run(module, rows), atol=1e-6)


def test_it_is_a_copy_without_foreign_objects():
    model = TabularMLPClassifier(**SMALL).fit(X, Y)
    before = model.predict_proba(X)
    module = model.to_torch()
    with torch.no_grad():
        for value in module.state_dict().values():
            value.zero_()
    assert np.array_equal(model.predict_proba(X), before)
    kinds = {
        type(held).__module__.split(".")[0]
        for part in module.modules()
        for held in (part, *vars(part).values())
    }
    assert not kinds & {"sklearn", "skorch"}
    module = model.to_torch()
    assert np.array_equal(run(pickle.loads(pickle.dumps(module)), X), run(module, X))


def test_it_can_be_trained_further():
    module = TabularMLPClassifier(**SMALL).fit(X, Y).to_torch().train()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            module(torch.as_tensor(X)), torch.as_tensor(Y)
        )
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_only_a_fitted_one():
    for method in ("to_torch", "encode", "save_weights", "load_weights"):
        with pytest.raises(NotFittedError):
            getattr(TabularMLPClassifier(), method)(*["x"] * (method != "to_torch"))


# --- weights alone ------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [{}, {"module": OwnNet}, {"dtype": "float64"}, {"hidden_layer_sizes": ()}],
    ids=str,
)
def test_weights_go_to_a_file_and_back(parameters, tmp_path):
    path = tmp_path / "net.safetensors"
    model = TabularMLPClassifier(**{**SMALL, **parameters}).fit(X, Y)
    model.save_weights(path)
    other = TabularMLPClassifier(**{**SMALL, **parameters, "random_state": 1})
    other.fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), model.predict_proba(X))
    assert other.load_weights(str(path)) is other
    assert np.array_equal(other.predict_proba(X), model.predict_proba(X))
    other.partial_fit(X, Y)
    assert os.listdir(tmp_path) == ["net.safetensors"]
    library = importlib.import_module("safetensors.torch")
    assert library.load_file(path).keys() == model.net_.module_.state_dict().keys()


def test_weights_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    TabularMLPClassifier(**SMALL).fit(X, Y).save_weights(path)
    for parameters, told in [
        (
            {"hidden_layer_sizes": (7,)},
            r"of another shape: 'head\.weight' is \(2, 6, 3",
        ),
        ({"n_estimators": 3}, "of another shape"),
        ({"hidden_layer_sizes": (6, 6)}, r"lack 'hidden\.1\.bias'"),
        ({"numeric_embedding": None}, r"(unknown|of another shape)"),
        ({"dtype": "float64"}, r"is \(2, 1, 3\) float32, this net has .* float64"),
    ]:
        model = TabularMLPClassifier(**{**SMALL, **parameters}).fit(X, Y)
        before = model.predict_proba(X)
        with pytest.raises(BadInputError, match=rf"safetensors' can't .*{told}"):
            model.load_weights(path)
        assert np.array_equal(model.predict_proba(X), before)


def test_damaged_and_absent_weights(tmp_path):
    path = tmp_path / "net.safetensors"
    model = TabularMLPClassifier(**SMALL).fit(X, Y)
    with pytest.raises(FileNotFoundError, match=r"net\.safetensors"):
        model.load_weights(path)
    model.save_weights(path)
    for data in (b"", b"x" * 100, path.read_bytes()[:-5]):
        path.write_bytes(data)
        with pytest.raises(BadInputError, match="no file of weights, or is damaged"):
            model.load_weights(path)


def test_without_the_package(monkeypatch, tmp_path):
    model = TabularMLPClassifier(**SMALL).fit(X, Y)
    monkeypatch.setitem(__import__("sys").modules, "safetensors.torch", None)
    with pytest.raises(ImportError, match=r"skoverfit\[safe\]"):
        model.save_weights(tmp_path / "net.safetensors")
    assert not os.listdir(tmp_path)
