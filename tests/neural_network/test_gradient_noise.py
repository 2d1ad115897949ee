# SPDX-License-Identifier: BSD-3-Clause
"""Annealed noise on gradients: its size, its streams, and where it is not."""

import copy
import pickle

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, GradientNormClipping
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    GradientNoise,
    TabularMLPClassifier,
    add_gradient_noise_,
)

X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
y = (X[:, 0] + X[:, 1] > 0).astype("int64")


class Held:
    """What the callback needs of a net."""

    def __init__(self, *parameters):
        self.module_ = nn.ParameterList(parameters)
        self.callbacks_ = []

    def step(self, noise):
        for p in self.module_:
            p.grad = torch.zeros_like(p)
        noise.on_grad_computed(self, list(self.module_.named_parameters()))
        grads = [p.grad.clone() for p in self.module_]
        noise.on_batch_end(self, training=True)
        return grads


def started(net, **options):
    noise = GradientNoise(**options).initialize()
    noise.on_train_begin(net)
    return noise


@pytest.mark.parametrize("step", [0, 1000])
def test_the_variance_is_that_of_the_schedule(step):
    net = Held(nn.Parameter(torch.zeros(100, 400)))
    noise = started(net, eta=0.3, gamma=0.55, random_state=0)
    noise.step_ = step
    (grad,) = net.step(noise)
    assert grad.var().item() == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.05)
    assert abs(grad.mean().item()) < 0.01


def test_noise_is_independent_between_entries_steps_and_parameters():
    net = Held(nn.Parameter(torch.zeros(5000)), nn.Parameter(torch.zeros(5000)))
    noise = started(net, eta=1.0, random_state=0)
    a, b = net.step(noise)
    c, _ = net.step(noise)
    table = torch.stack([a, b, c, a.roll(1)])
    found = torch.corrcoef(table) - torch.eye(4)
    assert found.abs().max().item() < 0.06


def test_the_same_seed_is_the_same_noise_across_saving():
    net = Held(nn.Parameter(torch.zeros(50)))
    noise = started(net, random_state=3)
    other = started(net, random_state=3)
    assert torch.equal(net.step(noise)[0], net.step(other)[0])
    loaded = pickle.loads(pickle.dumps(noise))
    copied = copy.deepcopy(noise)
    assert loaded.step_ == 1
    wanted = net.step(noise)[0]
    assert torch.equal(net.step(loaded)[0], wanted)
    assert torch.equal(net.step(copied)[0], wanted)
    assert not torch.equal(net.step(started(net, random_state=4))[0], wanted)


def plain_net(*callbacks, **options):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)),
        criterion=nn.CrossEntropyLoss, max_epochs=3, lr=0.1, batch_size=32,
        verbose=0, callbacks=list(callbacks), **options,
    )  # fmt: skip


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.module_.parameters()])


def test_no_noise_is_the_plain_training_bit_for_bit():
    assert torch.equal(
        weights(plain_net().fit(X, y)), weights(plain_net(GradientNoise(0.0)).fit(X, y))
    )


def test_steps_are_counted_once_even_where_a_closure_is_called_often():
    noise = GradientNoise(0.001, random_state=0)
    net = plain_net(noise, optimizer=torch.optim.LBFGS, optimizer__max_iter=3)
    net.fit(X, y)
    assert net.callbacks_[-2][1].step_ == 3 * 3 or noise.step_ == 3 * 3


def test_frozen_and_other_parameters_are_untouched():
    seen = {}

    class Watch(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            for name, p in named_parameters:
                seen[name] = None if p.grad is None else p.grad.clone()

    first, second = Watch(), Watch()
    net = plain_net(first, GradientNoise(1.0, params=["2.*"]), second)
    net.initialize()
    net.module_[0].bias.requires_grad_(False)
    before = net.module_[0].bias.clone()
    net.partial_fit(X, y)
    assert torch.equal(before, net.module_[0].bias)
    assert seen["0.bias"] is None


def test_sgd_with_noise_on_a_quadratic_is_the_closed_form():
    # w <- (1 - lr) w - lr n_t: means shrink, the variances of the steps add up.
    n, lr, eta, gamma, steps = 40_000, 0.3, 0.5, 0.55, 6
    w = nn.Parameter(torch.ones(n, dtype=torch.float64))
    net = Held(w)
    noise = started(net, eta=eta, gamma=gamma, random_state=0)
    optimizer = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        w.grad = w.detach().clone()
        noise.on_grad_computed(net, [("w", w)])
        optimizer.step()
        noise.on_batch_end(net, training=True)
    variance = sum(
        lr**2 * eta / (1 + t) ** gamma * (1 - lr) ** (2 * (steps - 1 - t))
        for t in range(steps)
    )
    assert w.mean().item() == pytest.approx((1 - lr) ** steps, abs=0.01)
    assert w.var().item() == pytest.approx(variance, rel=0.03)


def test_a_training_that_was_cut_off_goes_on_with_the_same_noise(tmp_path):
    class PowerCut(Callback):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise OSError("power cut")

    def model(*callbacks, **options):
        return TabularMLPClassifier(
            (6,), n_estimators=2, max_epochs=5, early_stopping=False, batch_size=32,
            callbacks=[GradientNoise(0.1), *callbacks], random_state=0, **options,
        )  # fmt: skip

    path = tmp_path / "run.ckpt"
    whole = model().fit(X, y)
    with pytest.raises(OSError, match="power cut"):
        model(PowerCut(), checkpoint=path, checkpoint_every=1).fit(X, y)
    resumed = model(resume_from=path).fit(X, y)
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    # Further training goes on at the step that it has come to.
    again = [each.partial_fit(X, y).predict_proba(X) for each in (whole, resumed)]
    assert np.array_equal(*again)
    assert dict(resumed.net_.callbacks_)["GradientNoise"].step_ == 18


def test_patterns_choose_parameters():
    net = Held(nn.Parameter(torch.zeros(5)), nn.Parameter(torch.zeros(5)))
    a, b = net.step(started(net, params=["1"], random_state=0))
    assert a.abs().max() == 0
    assert b.abs().min() > 0


def test_noise_before_clipping_is_refused():
    with pytest.raises(BadInputError, match="would clip the noise"):
        plain_net(GradientNoise(), GradientNormClipping(1.0)).fit(X, y)
    plain_net(GradientNormClipping(1.0), GradientNoise()).fit(X, y)


@pytest.mark.parametrize(("name", "bad"), [("eta", -1), ("eta", "x"), ("gamma", -0.1)])
def test_bad_parameters_are_named(name, bad):
    with pytest.raises(BadInputError, match=f"'{name}' parameter of GradientNoise"):
        plain_net(GradientNoise(**{name: bad})).fit(X, y)


def test_sparse_gradients_are_refused():
    layer = nn.Embedding(5, 3, sparse=True)
    layer(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(BadInputError, match="sparse=False"):
        add_gradient_noise_(layer.parameters(), 0.1)


def test_half_precision_gets_noise_of_its_own_dtype():
    w = torch.zeros(1000, dtype=torch.bfloat16, requires_grad=True)
    w.grad = torch.zeros_like(w)
    add_gradient_noise_([w], 0.5, torch.Generator().manual_seed(0))
    assert w.grad.dtype == torch.bfloat16
    assert w.grad.float().std().item() == pytest.approx(0.5, rel=0.1)


def test_the_estimators_seed_decides():
    def proba(seed):
        model = TabularMLPClassifier(
            (6,), n_estimators=2, max_epochs=2, early_stopping=False,
            callbacks=[GradientNoise(0.1)], random_state=seed,
        )  # fmt: skip
        return model.fit(X, y).predict_proba(X)

    assert np.array_equal(proba(0), proba(0))


def test_without_noise_a_net_of_zeros_has_no_gradient_but_in_the_last_bias():
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for p in net.parameters():
        nn.init.zeros_(p)
    nn.functional.cross_entropy(
        net(torch.from_numpy(X)), torch.from_numpy(y)
    ).backward()
    grads = [p.grad.abs().max().item() for p in net.parameters()]
    assert grads[:3] == [0, 0, 0]
    add_gradient_noise_(net.parameters(), 0.1)
    assert all(p.grad.abs().max() > 0 for p in net.parameters())
