# SPDX-License-Identifier: BSD-3-Clause
"""Weights behind an arc tangent: the function, its gradient, its end."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.neural_network import (
    TabularMLPClassifier,
    WeightCompander,
    WeightCompanding,
    register_weight_compander,
    remove_weight_compander,
)
from skoverfit.neural_network._layers import StackedLinear


def module(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def test_the_inverse_is_one():
    w = torch.linspace(-2, 2, 101, dtype=torch.float64)
    compander = WeightCompander(1.5, 0.7).double()
    back = compander(compander.right_inverse(w))
    torch.testing.assert_close(back, w, rtol=1e-12, atol=1e-12)
    bound = 1.5 * math.pi / 2
    assert compander(torch.tensor([1e9])).item() <= bound * (1 + 1e-7)
    assert compander(compander.right_inverse(torch.tensor([100.0]))).item() <= bound * (
        1 + 1e-7
    )


@pytest.mark.parametrize("learnable", [False, True])
def test_the_gradient_is_that_of_finite_differences(learnable):
    v = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    compander = WeightCompander(1.5, 0.7, learnable=learnable).double()
    learnt = tuple(compander.parameters())
    assert len(learnt) == (2 if learnable else 0)

    def function(v, *_):
        return compander(v)

    assert torch.autograd.gradcheck(function, (v, *learnt))


def test_the_slope_is_the_closed_form():
    v = torch.linspace(-3, 3, 31, dtype=torch.float64, requires_grad=True)
    WeightCompander(1.5, 0.7).double()(v).sum().backward()
    a, b = torch.tensor(1.5).double(), torch.tensor(0.7).double()
    wanted = a / (b * (1 + (v.detach() / b) ** 2))
    torch.testing.assert_close(v.grad, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("learnable", [False, True])
def test_putting_on_and_taking_off_change_no_output(learnable):
    net, rows = module(), torch.randn(9, 5, dtype=torch.float64)
    names = [name for name, _ in net.named_parameters()]
    before = net(rows)
    made = register_weight_compander(net, learnable=learnable)
    assert sorted(made) == ["0", "2"]
    torch.testing.assert_close(net(rows), before, rtol=1e-9, atol=1e-9)
    remove_weight_compander(net)
    torch.testing.assert_close(net(rows), before, rtol=1e-9, atol=1e-9)
    assert [name for name, _ in net.named_parameters()] == names


@pytest.mark.parametrize("learnable", [False, True])
def test_the_state_dict_round_trip(learnable):
    net, other = module(), module(1)
    register_weight_compander(net, learnable=learnable)
    register_weight_compander(other, learnable=learnable)
    other.load_state_dict(net.state_dict())
    rows = torch.randn(9, 5, dtype=torch.float64)
    assert torch.equal(net(rows), other(rows))


def trained(net, lr=0.5, steps=200, **options):
    torch.manual_seed(1)
    rows, y = torch.randn(40, 5, dtype=torch.float64), torch.randint(3, (40,))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(rows), y).backward()
        optimizer.step()
    return net


def test_the_bound_is_never_violated():
    net = module()
    made = register_weight_compander(net)
    trained(net, lr=5.0)
    for name, compander in made.items():
        bound = compander.a.item() * math.pi / 2
        assert net.get_submodule(name).weight.abs().max().item() <= bound


def test_a_wide_compander_is_the_plain_training():
    plain, wide = module(), module()
    register_weight_compander(wide, 1e6, 1e6)
    trained(plain, steps=50)
    trained(wide, steps=50)
    remove_weight_compander(wide)
    for p, q in zip(plain.parameters(), wide.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-8)


def test_one_step_of_sgd_is_the_closed_form():
    net = nn.Linear(3, 1, bias=False).double()
    w = net.weight.detach().clone()
    compander = register_weight_compander(net, 2.0, 1.0)[""]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    (0.5 * net.weight.square().sum()).backward()  # the gradient in w is w
    optimizer.step()
    v = torch.tan(w / 2)
    wanted = 2 * torch.atan(v - 0.1 * w * 2 / (1 + v**2))
    torch.testing.assert_close(net.weight.detach(), wanted, rtol=1e-9, atol=1e-12)
    assert isinstance(compander, WeightCompander)


def test_an_optimizer_that_was_there_before_trains_it():
    net = module()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    register_weight_compander(net)
    before = net[0].weight.detach().clone()
    net(torch.ones(2, 5).double()).sum().backward()
    optimizer.step()
    assert not torch.equal(before, net[0].weight)


def test_each_net_of_a_stack_has_scales_of_its_own():
    layer = StackedLinear(3, 4, 5)
    with torch.no_grad():
        layer.weight.normal_()
        layer.weight[1] *= 10
        layer.weight[2] = 0
    compander = register_weight_compander(layer)[""]
    scales = compander.a.flatten()
    largest = layer.weight.detach().abs().amax(dim=(1, 2))
    torch.testing.assert_close(scales[:2], 3 * largest[:2])
    assert scales[2].item() == pytest.approx(3 * 4**-0.5)


def test_a_bound_below_the_weights_is_raised():
    net = nn.Linear(2, 1)
    net.weight.data = torch.tensor([[4.0, 0.1]])
    with pytest.warns(SkoverfitWarning, match="a is raised to 2.67"):
        register_weight_compander(net, 1.0, 1.0)
    torch.testing.assert_close(net.weight, torch.tensor([[4.0, 0.1]]))


@pytest.mark.parametrize("bad", [0, -1.0, math.inf, "big", True])
def test_bad_scales_are_named(bad):
    with pytest.raises(BadInputError, match="'a' parameter of WeightCompander"):
        register_weight_compander(nn.Linear(2, 2), bad)
    if bad != "big" and bad is not True:
        with pytest.raises(BadInputError, match="'b' parameter of WeightCompander"):
            WeightCompander(1.0, bad)


def test_weights_come_out_plain_and_bounded_from_an_estimator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    callback = WeightCompanding(learnable=True)
    model = TabularMLPClassifier(
        (16,), n_estimators=2, callbacks=[callback], max_epochs=40, random_state=0
    ).fit(X, y)
    held = model.net_.module_
    assert not any(parametrize.is_parametrized(m) for m in held.modules())
    own = dict(model.net_.callbacks_)["WeightCompanding"]
    groups = model.net_.optimizer_.param_groups
    learnt = [p for c in own.companders_.values() for p in c.parameters()]
    assert {id(p) for p in groups[-1]["params"]} == {id(p) for p in learnt}
    assert groups[-1]["weight_decay"] == 0
