# SPDX-License-Identifier: BSD-3-Clause
"""Gradients orthogonal to the weights: projection, optimizers, grokking."""

import math
import pickle

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    PerpGrad,
    TabularMLPClassifier,
    attach_perp_grad,
    perpendicular_gradient_,
)


def random_parameter(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(shape, generator=generator, dtype=dtype, requires_grad=True)
    w.grad = torch.randn(shape, generator=generator, dtype=dtype)
    return w


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_orthogonal_and_keeps_its_norm(seed):
    w = random_parameter(7, 5, seed=seed)
    g = w.grad.clone()
    perpendicular_gradient_(w)
    assert abs((w * w.grad).sum().item()) < 1e-10
    assert w.grad.norm().item() == pytest.approx(g.norm().item(), rel=1e-12)
    w.grad = g.clone()
    perpendicular_gradient_(w, rescale=False)
    wanted = g - (w * g).sum() / (w * w).sum() * w
    torch.testing.assert_close(w.grad, wanted.detach(), rtol=1e-12, atol=1e-12)


def test_each_net_is_projected_by_itself():
    w = random_parameter(4, 6, 5)
    alone = [w[k].detach().clone() for k in range(4)]
    for part, g in zip(alone, w.grad, strict=True):
        part.grad = g.clone()
        perpendicular_gradient_(part)
    perpendicular_gradient_(w, net_axis=True)
    wanted = torch.stack([part.grad for part in alone])
    torch.testing.assert_close(w.grad, wanted, rtol=1e-12, atol=1e-13)


def test_what_can_not_be_projected_is_left():
    scalar = torch.tensor([0.7], requires_grad=True)
    scalar.grad = torch.tensor([1.3])
    perpendicular_gradient_(scalar)
    assert scalar.grad.item() == pytest.approx(1.3)
    zero = torch.zeros(3, 2, requires_grad=True)
    zero.grad = torch.ones(3, 2)
    perpendicular_gradient_(zero)
    assert torch.equal(zero.grad, torch.ones(3, 2))
    perpendicular_gradient_(torch.ones(3, 2))  # no gradient


def test_a_gradient_along_the_weights_vanishes_instead_of_being_noise():
    w = random_parameter(5, 5)
    w.grad = 3.7 * w.detach()
    perpendicular_gradient_(w)
    assert w.grad.abs().max().item() == 0


def test_half_precision_is_projected_in_single():
    w = random_parameter(64, 64, dtype=torch.float16)
    perpendicular_gradient_(w)
    cosine = torch.cosine_similarity(
        w.detach().double().flatten(), w.grad.double().flatten(), dim=0
    )
    assert abs(cosine.item()) < 1e-4
    assert torch.isfinite(w.grad).all()


def test_sparse_gradients_are_refused():
    layer = nn.Embedding(5, 3, sparse=True)
    layer(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(BadInputError, match="sparse=False"):
        perpendicular_gradient_(layer.weight)


def test_sgd_on_a_quadratic_is_the_closed_form():
    # On |w - c|^2 / 2 the projected step rotates w; SGD by the tangent.
    c = torch.tensor([[0.0, 2.0]], dtype=torch.float64)
    w = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    attach_perp_grad(optimizer, rescale=False)
    angle, radius = 0.0, 1.0
    for _ in range(5):
        optimizer.zero_grad()
        (0.5 * (w - c).square().sum()).backward()
        optimizer.step()
        # The tangential part of the gradient is -2 cos(angle).
        move = 0.1 * 2 * math.cos(angle)
        angle += math.atan2(move, radius)
        radius = math.hypot(radius, move)
    found = w.detach().numpy()[0]
    wanted = [radius * math.cos(angle), radius * math.sin(angle)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def trained(optimizer_class, attach, *, closure=False, steps=4, **options):
    torch.manual_seed(0)
    layer = nn.Linear(4, 3).double()
    rows = torch.randn(20, 4, dtype=torch.float64)
    y = torch.randint(3, (20,))
    optimizer = optimizer_class(layer.parameters(), **options)
    handle = attach_perp_grad(optimizer) if attach else None

    def loss_of():
        optimizer.zero_grad()
        loss = cross_entropy(layer(rows), y)
        loss.backward()
        return loss

    for _ in range(steps):
        if closure:
            optimizer.step(loss_of)
        else:
            loss_of()
            optimizer.step()
    return layer, optimizer, handle


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Adagrad"])
def test_a_closure_is_the_step_without_one(name):
    cls = getattr(torch.optim, name)
    plain = trained(cls, True, lr=0.1)[0]
    closed = trained(cls, True, closure=True, lr=0.1)[0]
    other = trained(cls, False, lr=0.1)[0]
    assert torch.equal(plain.weight, closed.weight)
    assert not torch.equal(plain.weight, other.weight)


def test_lbfgs_works():
    layer, *_ = trained(torch.optim.LBFGS, True, closure=True, lr=0.1, max_iter=3)
    assert torch.isfinite(layer.weight).all()
    assert abs((layer.weight * layer.weight.grad).sum().item()) < 1e-10


def test_the_optimizer_keeps_its_own_parameters_and_state():
    layer, optimizer, handle = trained(
        torch.optim.AdamW, True, lr=0.1, betas=(0.5, 0.6), eps=1e-3
    )
    assert optimizer.defaults["betas"] == (0.5, 0.6)
    again = torch.optim.AdamW(layer.parameters(), lr=7.0)
    again.load_state_dict(pickle.loads(pickle.dumps(optimizer.state_dict())))
    assert again.param_groups[0]["betas"] == (0.5, 0.6)
    moments = [s["exp_avg"] for s in again.state.values()]
    known = [s["exp_avg"] for s in optimizer.state.values()]
    assert all(map(torch.equal, moments, known))
    handle.remove()
    w = layer.weight
    w.grad = w.detach().clone()  # along the weights: projected, it would vanish
    optimizer.step()
    assert w.grad.abs().max() > 0


def test_a_scheduler_reaches_the_optimizer():
    layer, optimizer, _ = trained(torch.optim.SGD, True, lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn_like(before)
    norm = layer.weight.grad.norm().item()
    optimizer.step()
    first = (layer.weight.detach() - before).norm().item()
    scheduler.step()
    before = layer.weight.detach().clone()
    optimizer.step()
    second = (layer.weight.detach() - before).norm().item()
    assert first == pytest.approx(0.5 * norm)
    assert second == pytest.approx(0.05 * norm, rel=1e-6)


def test_a_scheduler_of_skorch_works_beside_the_callback():
    seen = []

    class Watch(PerpGrad):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            super().on_grad_computed(net, named_parameters, **kwargs)
            seen.append(net.optimizer_.param_groups[0]["lr"])

    X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    NeuralNetClassifier(
        nn.Linear(3, 2), criterion=nn.CrossEntropyLoss, lr=0.8, batch_size=20,
        max_epochs=3, train_split=None, verbose=0,
        callbacks=[Watch(), LRScheduler("StepLR", step_size=1, gamma=0.5)],
    ).fit(X, (X[:, 0] > 0).astype("int64"))  # fmt: skip
    assert seen == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


def test_groups_and_chosen_parameters():
    a, b = random_parameter(3, 3), random_parameter(3, 3, seed=1)
    optimizer = torch.optim.SGD([{"params": [a], "lr": 0.1}, {"params": [b]}], lr=1.0)
    attach_perp_grad(optimizer, parameters=[b])
    optimizer.step()
    assert abs((a * a.grad).sum().item()) > 1e-3
    old = b.detach() + b.grad
    assert abs((old * b.grad).sum().item()) < 1e-10


def test_only_weights_of_layers_are_projected_in_our_net():
    seen = {}

    class Watch(PerpGrad):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            named_parameters = list(named_parameters)
            before = {n: p.grad.clone() for n, p in named_parameters}
            super().on_grad_computed(net, named_parameters, **kwargs)
            for name, p in named_parameters:
                cosine = torch.cosine_similarity(
                    p.detach().flatten(1), p.grad.flatten(1), dim=1
                )
                seen[name] = (torch.equal(before[name], p.grad), cosine.abs().max())

    X = np.random.default_rng(0).normal(size=(80, 4))
    TabularMLPClassifier(
        (6,), n_estimators=2, linear_start=False, dtype="float64", max_epochs=1,
        early_stopping=False, callbacks=[Watch()], random_state=0,
    ).fit(X, X[:, 0] > 0)  # fmt: skip
    changed = {name for name, (same, _) in seen.items() if not same}
    assert changed == {"hidden.0.weight", "head.weight"}
    assert all(seen[name][1] < 1e-10 for name in changed)


@pytest.mark.parametrize("bad", [-1, 1.5, True, "two"])
def test_a_bad_parameter_is_named(bad):
    with pytest.raises(BadInputError, match="'min_ndim' parameter of PerpGrad"):
        attach_perp_grad(torch.optim.SGD([torch.ones(2)], lr=0.1), min_ndim=bad)
    net = NeuralNetClassifier(
        nn.Linear(2, 2), criterion=nn.CrossEntropyLoss, callbacks=[PerpGrad(bad)]
    )
    with pytest.raises(BadInputError, match="'min_ndim' parameter of PerpGrad"):
        net.fit(np.zeros((4, 2), "float32"), np.zeros(4, "int64"))


def grokking(p, steps, *, perpendicular, weight_decay=0.0, share=0.4, width=200):
    """Train on a share of the table of addition modulo p; return both accuracies."""
    torch.manual_seed(0)
    left, right = torch.cartesian_prod(torch.arange(p), torch.arange(p)).T
    rows = torch.cat([one_hot(left, p), one_hot(right, p)], dim=1).float()
    y = (left + right) % p
    order = torch.randperm(len(y))
    train, test = order[: int(share * len(y))], order[int(share * len(y)) :]
    net = nn.Sequential(
        nn.Linear(2 * p, width, bias=False), nn.ReLU(),
        nn.Linear(width, width, bias=False), nn.ReLU(),
        nn.Linear(width, p, bias=False),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=weight_decay)
    if perpendicular:
        attach_perp_grad(optimizer)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(net(rows[train]), y[train]).backward()
        optimizer.step()
    with torch.no_grad():
        right_ = net(rows).argmax(dim=1) == y
    return right_[train].double().mean().item(), right_[test].double().mean().item()


def test_perpendicular_gradients_grok_where_plain_ones_memorize():
    # The published claim in small: p = 31 instead of 113.
    plain = grokking(31, 200, perpendicular=False, share=0.5, width=128)
    grokked = grokking(31, 200, perpendicular=True, share=0.5, width=128)
    assert plain[0] == 1.0
    assert grokked[0] > 0.99
    assert plain[1] < 0.5
    assert grokked[1] > plain[1] + 0.4


@pytest.mark.slow
def test_grokking_at_the_size_that_was_measured():
    plain = grokking(59, 300, perpendicular=False)
    grokked = grokking(59, 300, perpendicular=True)
    assert plain[0] == 1.0
    assert plain[1] < 0.1
    assert grokked[1] > 0.9
