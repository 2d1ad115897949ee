# SPDX-License-Identifier: BSD-3-Clause
"""The loop is the loop that a person would write, and knows which weights were best."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from skorch.callbacks import Callback
from torch import nn

from skoverfit._core._random import derive_seed, root_entropy
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._schedules import SCHEDULES, Schedule

PLAIN = {
    "hidden_layer_sizes": (12, 7),
    "n_estimators": 1,
    "linear_start": False,
    "numeric_embedding": None,
    "early_stopping": False,
    "dropout": 0.0,
    "dtype": "float64",
    "batch_size": 64,
    "random_state": 5,
}


@pytest.fixture(scope="module")
def table():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:300], y[:300]


def by_hand(X, y, start, *, epochs, learning_rate, weight_decay, weight=None):
    """Train an ordinary module from the net's start, in the net's order of rows."""
    module = nn.Sequential(
        nn.Linear(X.shape[1], 12), nn.ReLU(), nn.Linear(12, 7), nn.ReLU(),
        nn.Linear(7, 2),
    ).double()  # fmt: skip
    names = ["hidden.0", "hidden.1", "head"]
    for layer, name in zip(module[::2], names, strict=True):
        layer.weight.data = start[f"{name}.weight"][0].T.clone()
        layer.bias.data = start[f"{name}.bias"][0, 0].clone()
    optimizer = torch.optim.AdamW(
        [
            {"params": [m.weight for m in module[::2]], "weight_decay": weight_decay},
            {"params": [m.bias for m in module[::2]], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        betas=(0.9, 0.99),
    )
    seed = derive_seed(derive_seed(root_entropy(5), "net", 0), "train")
    generator = torch.Generator().manual_seed(seed)
    n_batches = -(-len(X) // 64)
    for _ in range(epochs):
        order = torch.randperm(len(X), generator=generator)
        for rows in torch.tensor_split(order, n_batches):
            losses = nn.functional.cross_entropy(
                module(X[rows]), y[rows], reduction="none"
            )
            if weight is not None:
                losses = losses * weight[rows] / weight.mean()
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
    return module


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loop_is_a_plain_loop(table, weighted):
    X, y = table
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y)) if weighted else None
    options = {**PLAIN, "learning_rate": 3e-3, "weight_decay": 0.1, "warmup_epochs": 0}
    trained = TabularMLPClassifier(max_epochs=7, **options).fit(X, y, weight)
    model = TabularMLPClassifier(max_epochs=1, **options)
    settings = model._settings()
    prepared, _ = model._prepare(X, y, weight, settings, hold_out=False)
    from skoverfit.neural_network._training import build_net

    start = build_net([prepared], [settings]).module_.state_dict()
    dense = torch.from_numpy(prepared.rows.dense)
    module = by_hand(
        dense,
        torch.from_numpy(y),
        start,
        epochs=7,
        learning_rate=3e-3,
        weight_decay=0.1,
        weight=None if weight is None else torch.from_numpy(weight),
    )
    with torch.no_grad():
        wanted = module(dense).softmax(dim=1).numpy()
    np.testing.assert_allclose(trained.predict_proba(X), wanted, rtol=1e-7)


def test_the_best_weights_are_in_place_after_early_stopping(table):
    X, y = table
    model = TabularMLPClassifier(
        hidden_layer_sizes=(32,),
        n_estimators=3,
        dtype="float64",
        max_epochs=60,
        n_iter_no_change=5,
        learning_rate=0.03,
        random_state=0,
    ).fit(X, y)
    settings = model._settings()
    prepared, _ = model._prepare(X, y, None, settings, hold_out=True)
    outputs = model._outputs(X)
    logs = outputs - np.logaddexp.reduce(outputs, axis=2, keepdims=True)
    for net, rows in enumerate(prepared.valid):
        loss = -logs[net, rows, y[rows]].mean()
        assert loss == pytest.approx(model.best_losses_[net], rel=1e-9)
        seen = [row["valid_losses"][net] for row in model.net_.history]
        best = model.best_epochs_[net]
        if best:
            assert seen[best - 1] == pytest.approx(loss, rel=1e-9)
        # Nothing after the patience of this net counts, though others went on.
        assert min(seen[: best + 5]) >= loss - 1e-5
    assert model.n_iter_ < 60


def test_patience_ends_the_training(table):
    X, y = table
    noise = np.random.default_rng(0).integers(0, 2, len(y))
    model = TabularMLPClassifier(n_estimators=2, n_iter_no_change=3, random_state=0)
    model.fit(X, noise)
    assert model.n_iter_ == max(model.best_epochs_) + 3


def test_schedules_start_high_and_end_at_zero_but_for_the_constant():
    for name in SCHEDULES:
        factor = Schedule(name, n_steps=100)
        values = [factor(step) for step in range(101)]
        assert all(0 <= value <= 1 for value in values)
        end = 1.0 if name == "constant" else 0.0
        assert values[-1] == pytest.approx(end, abs=1e-12)


def test_the_learning_rate_follows_its_schedule(table):
    X, y = table
    options = {**PLAIN, "schedule": "linear", "warmup_epochs": 2, "max_epochs": 4}
    model = TabularMLPClassifier(**options, learning_rate=0.01).fit(X, y)
    n_batches = -(-len(y) // 64)
    last = [n_batches * epoch - 1 for epoch in range(1, 5)]
    factor = Schedule("linear", 4 * n_batches, 2 * n_batches)
    wanted = [0.01 * factor(step) for step in last]
    assert [row["lr"] for row in model.net_.history] == pytest.approx(wanted)


def test_gradients_are_clipped_net_by_net(table):
    X, y = table
    norms = []

    class Watch(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            squares = sum(
                p.grad.square().flatten(1).sum(1) for _, p in named_parameters
            )
            norms.append(squares.sqrt())

    TabularMLPClassifier(
        n_estimators=3,
        gradient_clip=1e-3,
        max_epochs=2,
        linear_start=False,
        callbacks=[Watch()],
        random_state=0,
    ).fit(X, y)
    found = torch.stack(norms)
    assert found.shape[1] == 3
    assert found.max().item() <= 1e-3 * (1 + 1e-4)
    assert found.min().item() > 0.9e-3


def test_modules_of_a_user_are_clipped_one_by_one(table):
    X, y = table
    largest = []

    class Watch(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            squares = [0.0, 0.0]
            for name, p in named_parameters:
                squares[net.module_.owner(name)] += p.grad.square().sum().item()
            largest.append(max(squares) ** 0.5)

    def module(n_features, n_outputs):
        return nn.Sequential(
            nn.Linear(n_features, 5), nn.ReLU(), nn.Linear(5, n_outputs)
        )

    TabularMLPClassifier(
        module=module,
        n_estimators=2,
        gradient_clip=1e-3,
        max_epochs=2,
        callbacks=[Watch()],
        random_state=0,
    ).fit(X, y)
    assert 0.9e-3 < max(largest) <= 1e-3 * (1 + 1e-4)


def test_skorch_callbacks_are_called(table):
    X, y = table
    calls = []

    class Count(Callback):
        def on_epoch_end(self, net, **kwargs):
            calls.append("epoch")

        def on_batch_end(self, net, batch=None, training=False, **kwargs):
            calls.append("batch")

    options = {**PLAIN, "max_epochs": 3, "callbacks": [Count()]}
    TabularMLPClassifier(**options).fit(X, y)
    assert calls.count("epoch") == 3
    assert calls.count("batch") == 3 * -(-len(y) // 64)


def test_a_skorch_callback_may_end_the_training(table):
    X, y = table

    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    model = TabularMLPClassifier(**{**PLAIN, "callbacks": [Stop()]}).fit(X, y)
    assert model.n_iter_ == 2


def test_the_torch_generator_is_untouched(table):
    X, y = table
    before = torch.get_rng_state()
    TabularMLPClassifier(max_epochs=2, n_estimators=2, random_state=0).fit(X, y)
    assert torch.equal(before, torch.get_rng_state())


def test_class_shares_are_the_start_without_a_linear_model(table):
    X, y = table
    model = TabularMLPClassifier(
        linear_start=False, learning_rate=1e-12, max_epochs=1, random_state=0
    )
    model.set_params(hidden_layer_sizes=())
    shares = model.fit(X, y).predict_proba(X).mean(axis=0)
    np.testing.assert_allclose(shares, np.bincount(y) / len(y), atol=0.01)
