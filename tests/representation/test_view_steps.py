# SPDX-License-Identifier: BSD-3-Clause
"""The steps behind the encoders: queue, slow copy, mixture, restoring."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from skoverfit.neural_network import MixedBarlowTwinsLoss, NTXentLoss, StepModel
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._encoder_module import EncoderModule
from skoverfit.representation import FeatureCorruption
from skoverfit.representation._view_steps import (
    BarlowTwinsStep,
    ContrastiveStep,
    MoCoStep,
    RestoringStep,
)

N, D = 12, 5


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def module(n_outputs=4, normalization=None):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EncoderModule(
            n_dense=D,
            n_codes=[],
            n_outputs=n_outputs,
            hidden_layer_sizes=(8,),
            normalization=normalization,
        ).double()


def model_of(net, seed=0):
    return StepModel(
        encode=lambda batch: net.encode(batch.dense, batch.codes),
        decode=net.decode,
        loss=lambda *_: torch.zeros(N),
        generators=[seeded(seed)],
        module=net,
    )


def batch(first=0, seed=0):
    return Batch(
        dense=torch.randn(N, D, generator=seeded(seed), dtype=torch.float64),
        codes=None,
        target=torch.arange(first, first + N),
        weight=None,
        count=N,
    )


def moco(momentum=0.9, queue_size=30, views=(None, None)):
    return MoCoStep(views, temperature=0.2, momentum=momentum, queue_size=queue_size)


def test_the_queue_holds_the_last_keys_in_order():
    step, net = moco(), module()
    for number in range(4):  # 48 keys in a queue of 30
        step(model_of(net), batch(number * N, seed=number))
    assert step.queue_rows.tolist() == list(range(18, 48))
    assert not step.queue.requires_grad
    torch.testing.assert_close(
        step.queue.norm(dim=1), torch.ones(30, dtype=torch.float64)
    )
    # The net was not trained in between, so that its keys are still the same.
    keys = functional.normalize(net(batch(36, seed=3).dense), dim=1)
    torch.testing.assert_close(step.queue[-N:], keys.detach())


def test_the_slow_copy_follows_in_closed_form():
    step, net = moco(momentum=0.9), module()
    start = copy.deepcopy(net.state_dict())
    step.follow(net)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    for _ in range(3):
        step.follow(net)
    # It is 1 - 0.9^3 of the way.
    for name, slow in step.key_module.named_parameters():
        torch.testing.assert_close(slow, start[name] + (1 - 0.9**3))
        assert not slow.requires_grad


def test_without_momentum_and_queue_the_value_is_that_of_the_one_sided_loss():
    view = FeatureCorruption(rate=0.4).fit(batch().dense)
    net = module()
    slow = moco(momentum=0.0, queue_size=0, views=(None, view))
    plain = ContrastiveStep((None, view), NTXentLoss(0.2, symmetric=False,
                                                     reduction="none"))  # fmt: skip
    net_losses = [step(model_of(net), batch()) for step in (slow, plain)]
    torch.testing.assert_close(*net_losses)
    # The gradients differ: nothing flows through keys.
    grads = []
    for losses in net_losses:
        net.zero_grad()
        losses.mean().backward()
        grads.append(net.head[0].weight.grad.clone())
    assert not torch.allclose(*grads)


def test_a_queue_is_a_softmax_over_the_own_key_and_those_of_other_rows():
    step, net = moco(momentum=1.0 - 1e-12), module()
    step(model_of(net), batch(0, seed=1))
    old = step.queue.clone()
    again = batch(6, seed=2)  # rows 6 to 11 are in the queue, too
    losses = step(model_of(net), again)
    query = functional.normalize(net(again.dense), dim=1)
    for row in range(N):
        others = [
            k for k, owner in enumerate(range(N)) if owner != int(again.target[row])
        ]
        own = query[row] @ query[row] / 0.2  # both views are the row itself
        logits = torch.cat([own.view(1), old[others] @ query[row] / 0.2])
        torch.testing.assert_close(losses[row], logits.logsumexp(0) - own)


def test_keys_go_through_normalization_in_two_halves_and_come_back_in_order():
    step, net = moco(), module(normalization="batch")
    step.follow(net)
    rows = batch()
    order = torch.randperm(N, generator=seeded(5))
    twin = copy.deepcopy(step.key_module)
    made = step.keys(rows, seeded(5))
    for half in order.tensor_split(2):
        wanted = functional.normalize(twin(rows.dense[half]), dim=1)
        torch.testing.assert_close(made[half], wanted)


def test_the_mixture_of_barlow_twins_is_of_encoded_rows():
    # One layer without anything that bends: outputs of mixtures are mixtures.
    net = EncoderModule(
        n_dense=D, n_codes=[], n_outputs=3, hidden_layer_sizes=(8,),
        activation="identity", normalization=None,
    ).double()  # fmt: skip
    loss = MixedBarlowTwinsLoss(mix_target="rescaled")
    step = BarlowTwinsStep((None, None), loss, mix_alpha=1.0, warmup_epochs=0)
    step(model_of(net), batch())
    share, perm = step._mixture(N, seeded(0))
    z = net(batch().dense)
    wanted = loss.parts(z, z, share * z + (1 - share) * z[perm], share, perm)
    told = step.epoch_values()
    assert told["loss_bt"] == pytest.approx(float(wanted[0].detach()))
    assert told["loss_mix"] == pytest.approx(
        float(wanted[1].detach()) * loss.mix_factor(3)
    )


def test_the_mixed_part_warms_up():
    step = BarlowTwinsStep(
        (None, None), MixedBarlowTwinsLoss(), mix_alpha=1.0, warmup_epochs=10
    )
    model = model_of(module())
    step(model, batch())
    assert step.epoch_values()["loss_mix"] == 0.0
    model.epoch = 5.0
    step(model, batch())
    half = step.epoch_values()["loss_mix"]
    model.epoch, model.generators = 20.0, [seeded(0)]
    step(model, batch())
    step._noted.clear()
    model.generators = [seeded(0)]
    step._mixture(N, model.generators[0])  # the draw of the first call above
    step(model, batch())
    assert step.epoch_values()["loss_mix"] == pytest.approx(2 * half)


def test_restoring_looks_up_what_has_changed():
    seen = batch().dense.clone()
    seen[:, 1] = 9.0

    class Net(nn.Module):
        def forward(self, x):
            # Restores everything, and is sure that column 1 alone was replaced.
            sure = torch.full_like(x, -50.0)
            sure[:, 1] = 50.0
            return torch.cat([batch().dense, sure], dim=1)

    net = Net()
    model = StepModel(
        encode=lambda rows: rows.dense,
        decode=net,
        loss=lambda *_: None,
        generators=[seeded()],
    )
    step = RestoringStep(lambda rows, generator: seen.clone(), alpha=2.0)
    assert float(step(model, batch()).max()) == pytest.approx(0.0, abs=1e-12)
    # A cell that is replaced by its own value counts as kept.
    seen[0, 1] = batch().dense[0, 1]
    assert float(step(model, batch())[0]) == pytest.approx(2.0 * 50 / D)


def test_held_out_rows_have_the_same_views_in_each_epoch():
    view = FeatureCorruption(rate=0.5).fit(batch().dense)
    net, steps = module(), []
    steps.append(ContrastiveStep((None, view), NTXentLoss(reduction="none")))
    steps.append(moco(views=(None, view)))
    for step in steps:
        model = model_of(net)
        before = model.generators[0].get_state()
        first = step.held_out_losses(model, batch())
        torch.testing.assert_close(step.held_out_losses(model, batch()), first)
        assert torch.equal(model.generators[0].get_state(), before)
        assert first.shape == (N,)
