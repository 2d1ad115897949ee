# SPDX-License-Identifier: BSD-3-Clause
"""Averages of weights, two phases, temperatures: what is trained on what, and when."""

import itertools
import math

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    Cooldown,
    TabularMLPClassifier,
    TemperatureSampler,
    TwoPhaseTraining,
    WeightAveraging,
    WeightCompanding,
)
from skoverfit.neural_network._temperature import row_probabilities

rng = np.random.default_rng(0)
X = rng.normal(size=(160, 4)).astype("float32")
y = (X[:, 0] + 0.5 * rng.normal(size=160) > 1.0).astype("int64")


class Weights(Callback):
    """Keep the weights of each step."""

    def __init__(self):
        self.steps = []
        self.epochs = []

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.steps.append([p.detach().clone() for p in net.module_.parameters()])

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(self.steps[-1])


def plain_net(*callbacks, module=None, **options):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        module or nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)),
        criterion=nn.CrossEntropyLoss,
        callbacks=list(callbacks),
        **{"max_epochs": 4, "lr": 0.2, "batch_size": 40, "verbose": 0, **options},
    )


def estimator(*callbacks, **options):
    return TabularMLPClassifier(
        **{
            "hidden_layer_sizes": (8,),
            "n_estimators": 2,
            "early_stopping": False,
            "max_epochs": 4,
            "batch_size": 40,
            "learning_rate": 0.02,
            "callbacks": list(callbacks),
            "random_state": 0,
            **options,
        }
    )


def moving_average(steps, decay):
    mean = [w.clone() for w in steps[0]]
    for step in steps[1:]:
        mean = [decay * m + (1 - decay) * w for m, w in zip(mean, step, strict=True)]
    return mean


@pytest.mark.parametrize("make", ["plain", "ours"])
@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_the_average_is_the_formula(make, kind):
    seen = Weights()
    average = WeightAveraging(kind, decay=0.7, start=0.5)
    if make == "plain":
        net = plain_net(seen, average).fit(X, y)
    else:
        model = estimator(seen, average).fit(X, y)
        net, seen = model.net_, dict(model.net_.callbacks_)["Weights"]
    per_epoch = len(seen.steps) // 4
    if kind == "ema":
        wanted = moving_average(seen.steps[2 * per_epoch :], 0.7)
    else:
        # Three epochs end with at least half of the training over.
        wanted = [torch.stack(ws).mean(0) for ws in zip(*seen.epochs[1:], strict=True)]
    for p, value in zip(net.module_.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.detach(), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [plain_net, estimator])
def test_no_decay_is_the_plain_training(make):
    plain = make().fit(X, y).predict_proba(X)
    found = make(WeightAveraging(decay=0.0)).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-7)


def test_the_training_goes_on_from_the_weights_as_they_are():
    first, second = Weights(), Weights()
    plain_net(first, train_split=None).fit(X, y)
    plain_net(second, WeightAveraging(decay=0.9)).fit(X, y)
    alone = plain_net(again := Weights()).fit(X, y)
    assert alone is not None
    for a, b in zip(again.steps[-1], second.steps[-1], strict=True):
        assert torch.equal(a, b)


def test_early_stopping_judges_the_average():
    model = estimator(
        WeightAveraging(decay=0.9), early_stopping=True, n_iter_no_change=3,
        max_epochs=15, linear_start=False, dtype="float64",
    )  # fmt: skip
    model.fit(X, y)
    settings = model._settings()
    prepared, _ = model._prepare(X, y, None, settings, hold_out=True)
    outputs = model._outputs(X)
    logs = outputs - np.logaddexp.reduce(outputs, axis=2, keepdims=True)
    for net, rows in enumerate(prepared.valid):
        loss = -logs[net, rows, y[rows]].mean()
        assert loss == pytest.approx(model.best_losses_[net], rel=1e-9)


@pytest.mark.parametrize(
    ("options", "name"),
    [({"kind": "mean"}, "kind"), ({"decay": 1.0}, "decay"), ({"start": -0.1}, "start")],
)
def test_bad_parameters_of_the_average_are_named(options, name):
    with pytest.raises(BadInputError, match=f"'{name}' parameter of WeightAveraging"):
        estimator(WeightAveraging(**options)).fit(X, y)


def test_companding_goes_behind_averaging():
    with pytest.raises(BadInputError, match="put it behind"):
        plain_net(WeightCompanding(), WeightAveraging()).fit(X, y)
    net = plain_net(WeightAveraging(decay=0.5), WeightCompanding()).fit(X, y)
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.mark.parametrize("make", ["plain", "ours", "own module"])
def test_only_the_last_layer_changes_in_the_second_phase(make):
    seen, phases = Weights(), TwoPhaseTraining(learning_rate=0.01)
    own = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
    if make == "plain":
        net = plain_net(
            seen, phases, module=own, train_split=None, iterator_train__shuffle=False,
            iterator_train__sampler=TemperatureSampler(y, random_state=0),
        ).fit(X, y)  # fmt: skip
    else:
        options = {"linear_start": False} if make == "ours" else {"module": own}
        model = estimator(seen, phases, weight_decay=0.1, **options).fit(X, y)
        net, seen = model.net_, dict(model.net_.callbacks_)["Weights"]
        assert model.net_.history[-1]["lr"] == pytest.approx(0.01)
    names = [name for name, _ in net.module_.named_parameters()]
    half, last = seen.epochs[1], seen.epochs[3]
    changed = {
        name
        for name, a, b in zip(names, half, last, strict=True)
        if not torch.equal(a, b)
    }
    wanted = {
        "plain": ["3."], "ours": ["head."], "own module": ["nets.0.3.", "nets.1.3."]
    }[make]  # fmt: skip
    assert changed == {n for n in names if n.startswith(tuple(wanted))}
    assert all(p.requires_grad for p in net.module_.parameters())
    if make == "plain":
        assert not net.module_[1]._forward_pre_hooks


def test_statistics_of_batch_norm_are_frozen_in_the_second_phase():
    seen = []

    class Watch(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(net.module_[1].running_mean.clone())

    plain_net(
        Watch(), TwoPhaseTraining(),
        module=nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)),
        iterator_train__shuffle=False, train_split=None,
        iterator_train__sampler=TemperatureSampler(y, random_state=0),
    ).fit(X, y)  # fmt: skip
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[1], seen[3])


class Rows(Callback):
    """Keep the targets of each epoch of our estimators."""

    def __init__(self):
        self.epochs = []

    def on_epoch_begin(self, net, **kwargs):
        self.epochs.append([])

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        self.epochs[-1].append(batch.target.reshape(net.n_nets, -1))


def shares_seen(*callbacks, **options):
    model = estimator(Rows(), *callbacks, **options).fit(X, y)
    rows = dict(model.net_.callbacks_)["Rows"].epochs
    return [torch.cat(epoch, dim=1).double().mean().item() for epoch in rows]


def test_phases_are_balanced_and_as_they_are():
    share = y.mean()
    for balance, tolerance in (("over", 0.1), ("under", 0.02)):
        seen = shares_seen(TwoPhaseTraining(balance))
        assert seen[:2] == pytest.approx([0.5, 0.5], abs=tolerance)
        assert seen[2:] == pytest.approx([share, share])


def test_cooldown_switches_at_its_epoch():
    seen = shares_seen(Cooldown(tau_start=math.inf, switch=0.5))
    assert seen[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert seen[2:] == pytest.approx([y.mean()] * 2)


def test_a_temperature_of_one_and_a_single_group_change_nothing():
    plain = estimator().fit(X, y).predict_proba(X)
    one = estimator(Cooldown(tau_start=1.0)).fit(X, y).predict_proba(X)
    assert np.array_equal(plain, one)


def test_probabilities_are_the_formula():
    groups = torch.tensor([0] * 90 + [1] * 9 + [3])
    for tau in (1.0, 2.0, 5.0, math.inf):
        p = row_probabilities(groups, tau)
        found = np.array([p[groups == g].sum() for g in (0, 1, 3)])
        wanted = np.array([90.0, 9.0, 1.0]) ** (1 / tau)
        np.testing.assert_allclose(found, wanted / wanted.sum(), rtol=1e-12)


def test_the_gradient_of_drawing_is_that_of_weighting():
    # E over rows drawn by p_tau equals the weighted mean over rows as they are.
    groups = torch.tensor([0] * 30 + [1] * 10)
    values = torch.randn(40, dtype=torch.float64)
    drawn = (row_probabilities(groups, 5.0) * values).sum()
    sizes = torch.tensor([30.0, 10.0], dtype=torch.float64)
    shares = sizes ** (1 / 5.0) / (sizes ** (1 / 5.0)).sum()
    weight = (shares / (sizes / 40))[groups]
    torch.testing.assert_close(drawn, (weight * values).mean())


def test_a_sampler_draws_its_shares_and_follows_its_seed():
    groups = np.array(["a"] * 80 + ["b"] * 20)
    draws = list(TemperatureSampler(groups, 2.0, 6000, random_state=1))
    assert draws == list(TemperatureSampler(groups, 2.0, 6000, random_state=1))
    share = np.mean(groups[draws] == "b")
    wanted = 20**0.5 / (20**0.5 + 80**0.5)
    assert abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / 6000)


def test_cooldown_sets_a_plain_nets_sampler_at_the_exact_step():
    seen = []

    class Watch(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            seen.append(sampler.tau)

    sampler = TemperatureSampler(y, 5.0, random_state=0)
    plain_net(
        Cooldown(switch=0.3), Watch(), iterator_train__sampler=sampler,
        iterator_train__shuffle=False, train_split=None,
    ).fit(X, y)  # fmt: skip
    assert seen == [5.0] * 5 + [1.0] * 11  # 16 steps; 0.3 of them are 4.8


@pytest.mark.parametrize("schedule", ["step", "linear", "cosine"])
def test_schedules_go_from_start_to_end(schedule):
    cooldown = Cooldown(tau_start=math.inf, tau_end=1.0, switch=0.5, schedule=schedule)
    taus = [cooldown.temperature(s) for s in np.linspace(0, 1, 41)]
    assert taus[0] == math.inf
    assert taus[20:] == [1.0] * 21
    assert all(a >= b for a, b in itertools.pairwise(taus))


@pytest.mark.parametrize(
    ("callback", "match"),
    [
        (Cooldown(tau_start=0), "'tau_start' parameter of Cooldown"),
        (Cooldown(switch=2), "'switch' parameter of Cooldown"),
        (Cooldown(schedule="slow"), "'schedule' parameter of Cooldown"),
        (Cooldown(np.arange(7)), "groups has 7 rows, but the training has 160"),
        (Cooldown("z"), "'groups' parameter"),
        (TwoPhaseTraining("both"), "'balance' parameter of TwoPhaseTraining"),
        (TwoPhaseTraining(switch=-1), "'switch' parameter of TwoPhaseTraining"),
        (TwoPhaseTraining(last_layer="tail"), "'last_layer' parameter"),
    ],
)
def test_bad_parameters_are_named(callback, match):
    with pytest.raises(BadInputError, match=match):
        estimator(callback).fit(X, y)


def test_a_plain_net_without_a_sampler_is_told():
    for callback in (Cooldown(), TwoPhaseTraining()):
        with pytest.raises(BadInputError, match="TemperatureSampler"):
            plain_net(callback).fit(X, y)
    with pytest.raises(BadInputError, match="'tau' parameter of TemperatureSampler"):
        TemperatureSampler(y, -1)
    with pytest.raises(BadInputError, match="'n_samples' parameter"):
        TemperatureSampler(y, n_samples=0)
