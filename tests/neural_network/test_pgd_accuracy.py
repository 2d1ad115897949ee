# SPDX-License-Identifier: BSD-3-Clause
"""Accuracy under attack: closed forms of linear nets, limits, kinds of nets."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    TabularMLPClassifier,
    TabularMLPRegressor,
    pgd_accuracy,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(150, 4)).astype("float32")
y = (X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=150) > 0).astype("int64")


def linear():
    torch.manual_seed(0)
    return nn.Linear(4, 2)


def robust(module, eps, frozen=()):
    """Return the exact accuracy of a linear net within a radius."""
    w = (module.weight[1] - module.weight[0]).detach().numpy()
    offset = (module.bias[1] - module.bias[0]).item()
    margin = (2 * y - 1) * (X @ w + offset)
    free = [k for k in range(4) if k not in frozen]
    return np.mean(margin > eps * np.abs(w[free]).sum())


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("frozen", [(), (0, 3)])
def test_a_linear_net_is_attacked_as_far_as_it_goes(eps, frozen):
    module = linear()
    found = pgd_accuracy(
        module, X, y, eps, n_steps=8, n_restarts=2, frozen_features=frozen,
        batch_size=40, random_state=0,
    )  # fmt: skip
    assert found == pytest.approx(robust(module, eps, frozen))
    assert all(p.grad is None for p in module.parameters())
    assert module.training


def test_more_steps_restarts_and_room_never_help_the_net():
    model = TabularMLPClassifier(
        (8,), n_estimators=2, max_epochs=10, early_stopping=False, random_state=0
    ).fit(X, y)
    options = {"random_state": 0, "n_steps": 5}
    found = [
        pgd_accuracy(model, X, y, 0.0, **options),
        pgd_accuracy(model, X, y, 0.3, n_restarts=1, **options),
        pgd_accuracy(model, X, y, 0.3, n_restarts=3, **options),
    ]
    assert found[0] == model.score(X, y)
    assert found == sorted(found, reverse=True)
    assert found[1] < found[0]
    tight = pgd_accuracy(
        model, X, y, 0.3, n_restarts=3, feature_range=(-1e-6, 1e-6), **options
    )
    # Nothing leaves a box in which all rows lie outside but towards its middle.
    assert tight >= found[2]


def test_the_answer_is_that_of_predict_and_labels_may_be_texts():
    names = np.array(["no", "yes"])[y]
    model = TabularMLPClassifier(
        (8,), n_estimators=1, loss="hinge", max_epochs=5, random_state=0
    ).fit(X, names)
    assert pgd_accuracy(model, X, names, 0.0) == model.score(X, names)
    with pytest.raises(BadInputError, match="label 'maybe'"):
        pgd_accuracy(model, X[:1], ["maybe"])


def test_skorch_nets_and_images():
    net = NeuralNetClassifier(
        nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), criterion=nn.CrossEntropyLoss,
        max_epochs=3, lr=0.2, train_split=None, verbose=0,
    )  # fmt: skip
    images = X.reshape(-1, 1, 2, 2)
    net.fit(images, y)
    found = pgd_accuracy(net, images, y, 0.2, n_steps=8, n_restarts=1)
    assert found == pytest.approx(robust(net.module_[1], 0.2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pgd_accuracy(linear(), X, y, -1), r"'eps'.*Got -1"),
        (lambda: pgd_accuracy(linear(), X, y, n_steps=0), r"'n_steps'.*Got 0"),
        (lambda: pgd_accuracy(linear(), X, y, n_restarts=1.5), r"'n_restarts'.*1\.5"),
        (lambda: pgd_accuracy(linear(), X, y, step_size="x"), r"'step_size'.*'x'"),
        (lambda: pgd_accuracy(linear(), X, y, feature_range=(1, 0)), "smaller first"),
        (lambda: pgd_accuracy(linear(), X, y, frozen_features=[4]), "has 4.*4 columns"),
        (lambda: pgd_accuracy(linear(), X, y + 1), "codes from 1 to 2.*2 outputs"),
        (lambda: pgd_accuracy(linear(), X, X[:, 0]), "class codes"),
        (lambda: pgd_accuracy(linear(), (X > 0).astype(int), y), "floats only"),
        (lambda: pgd_accuracy(nn.Linear(4, 1), X, y), "one logit a class"),
        (lambda: pgd_accuracy(TabularMLPRegressor(), X, y), "TabularMLPRegressor"),
        (lambda: pgd_accuracy("net", X, y), "Got str"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
