# SPDX-License-Identifier: BSD-3-Clause
"""A net trains with every remedy in a stack as it does alone, and in a plain net."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.neural_network import (
    AdversarialMonitor,
    AdversarialStep,
    BatchStepCallback,
    Cooldown,
    GradientNoise,
    ManifoldMixup,
    Mixup,
    PerpGrad,
    StackedNets,
    TabularMLPClassifier,
    TwoPhaseTraining,
    WeightAveraging,
    WeightCompanding,
    WinsorizedGradients,
)
from skoverfit.neural_network._training import train_stack

STEPS = {
    "adversarial": AdversarialStep(0.2, warmup_epochs=1),
    "adversarial, noise": AdversarialStep(0.2, start="noise", regularizer=None),
    "manifold mixup": ManifoldMixup(1.0),
    "mixup": Mixup(1.0),
    "mixup of three": Mixup(1.0, n_mix=3),
    "winsorized": WinsorizedGradients(0.2),
}
CALLBACKS = {
    "averaging": WeightAveraging(decay=0.8),
    "averaging, plain mean": WeightAveraging("swa", start=0.5),
    "companding": WeightCompanding(),
    "companding, learned": WeightCompanding(learnable=True),
    "cooldown": Cooldown(tau_start=float("inf"), switch=0.5),
    "noise": GradientNoise(0.05),
    "perpendicular": PerpGrad(),
    "two phases": TwoPhaseTraining(),
    "two phases, under": TwoPhaseTraining("under"),
}
REMEDIES = {
    **{name: {"batch_step": step} for name, step in STEPS.items()},
    **{name: {"callbacks": [callback]} for name, callback in CALLBACKS.items()},
}


class Own(nn.Module):
    """A module that a user may bring."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_features, 8)
        self.last = nn.Linear(8, n_outputs)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


@pytest.fixture(scope="module")
def table():
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    return X[rows], y[rows]


def prepared(table, n, seed, **options):
    model = TabularMLPClassifier(
        **{
            "hidden_layer_sizes": (9, 7),
            "n_estimators": 1,
            "early_stopping": False,
            "linear_start": False,
            "dtype": "float64",
            "batch_size": 32,
            "max_epochs": 3,
            "random_state": seed,
            **options,
        }
    )
    settings = model._settings()
    return model._prepare(table[0][:n], table[1][:n], None, settings, hold_out=False)[
        0
    ], settings


@pytest.mark.parametrize("options", [{}, {"module": Own}], ids=["ours", "own module"])
@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_net_in_a_stack_is_the_net_alone(table, remedy, options):
    options = {**options, **REMEDIES[remedy]}
    parts = [prepared(table, n, n, **options) for n in (88, 96, 90)]
    stack = train_stack([p for p, _ in parts], [s for _, s in parts])
    dense = torch.from_numpy(parts[0][0].rows.dense)[:20]
    together = stack.outputs(dense)
    for net, (own, settings) in enumerate(parts):
        alone = train_stack([own], [settings]).outputs(dense)
        torch.testing.assert_close(alone[0], together[net], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_remedy_changes_the_training_and_learns(table, remedy):
    own, settings = prepared(table, 200, 0, max_epochs=12, learning_rate=5e-3)
    plain = train_stack([own], [settings])
    settings = prepared(
        table, 200, 0, max_epochs=12, learning_rate=5e-3, **REMEDIES[remedy]
    )[1]
    net = train_stack([own], [settings])
    dense = torch.from_numpy(own.rows.dense)
    assert not torch.allclose(net.outputs(dense), plain.outputs(dense), rtol=1e-4)
    right = net.outputs(dense)[0].argmax(dim=1).numpy() == table[1][:200]
    assert right.mean() > 0.9
    names = [name for name, _ in net.module_.named_parameters()]
    assert names == [name for name, _ in plain.module_.named_parameters()]
    assert all(p.requires_grad for p in net.module_.parameters())
    copy.deepcopy(net.module_)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_warm_start_goes_on(table, remedy):
    model = TabularMLPClassifier(
        (8,), n_estimators=2, max_epochs=2, warm_start=True, random_state=0,
        early_stopping=False, **REMEDIES[remedy],
    )  # fmt: skip
    before = model.fit(*table).predict_proba(table[0])
    after = model.fit(*table).predict_proba(table[0])
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)


STARTS = {
    "adversarial": lambda: [BatchStepCallback(AdversarialStep(0.1))],
    "averaging": lambda: [WeightAveraging(decay=0.8)],
    "averaging, plain mean": lambda: [WeightAveraging("swa", start=0.5)],
    "companding": lambda: [WeightCompanding(learnable=True)],
    "manifold mixup": lambda: [BatchStepCallback(ManifoldMixup(1.0))],
    "monitor": lambda: [AdversarialMonitor(0.1, n_steps=2, n_rows=20)],
    "noise": lambda: [GradientNoise(0.01, random_state=0)],
    "perpendicular": lambda: [PerpGrad()],
    "winsorized": lambda: [BatchStepCallback(WinsorizedGradients(0.1))],
}


@pytest.mark.parametrize("remedy", STARTS)
def test_remedies_work_in_a_plain_skorch_net(table, remedy):
    X = (table[0] - table[0].mean(axis=0)) / table[0].std(axis=0)
    X, y = X.astype("float32"), table[1]
    torch.manual_seed(0)
    net = NeuralNetClassifier(
        Own(30, 2),
        criterion=nn.CrossEntropyLoss,
        lr=0.1,
        batch_size=32,
        max_epochs=5,
        verbose=0,
        callbacks=STARTS[remedy](),
    ).fit(X, y)
    assert net.score(X, y) > 0.9
    assert "train" not in vars(net.module_)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_the_same_where_estimators_leave_the_stack(table, name):
    X, y = table[0][:200], table[1][:200]
    models = [
        TabularMLPClassifier(
            (8,), n_estimators=2, batch_step=STEPS[name], n_iter_no_change=2,
            max_epochs=12, learning_rate=0.02, linear_start=False,
            dtype="float64", random_state=seed,
        )
        for seed in range(4)
    ]  # fmt: skip
    stack = StackedNets(models).fit(X, y)
    together = stack.estimators_
    assert stack.groups_ == [[0, 1, 2, 3]]
    assert len({len(model.net_.history) for model in together}) > 1
    for model, found in zip(models, together, strict=True):
        alone = model.fit(X, y).predict_proba(X)
        np.testing.assert_allclose(found.predict_proba(X), alone, rtol=1e-6, atol=1e-9)
