# SPDX-License-Identifier: BSD-3-Clause
"""RCAL's last stage as a batch step: its loss, its limits, its gradients."""

import numpy as np
import pytest
import torch

from skoverfit.neural_network import BatchStep, Mixup, StepModel
from skoverfit.neural_network._anchored_step import AnchoredStep, FeatureRows
from skoverfit.neural_network._data import Batch
from skoverfit.neural_network._encoder_module import EncoderModule

N, M, K = 12, 5, 3


def module(seed=0, normalization="batch"):
    torch.manual_seed(seed)
    made = EncoderModule(
        n_dense=4, n_codes=[], n_outputs=K, hidden_layer_sizes=[M],
        normalization=normalization, activation="tanh",
    ).double()  # fmt: skip
    made.train()
    made.body(torch.randn(40, 4, dtype=torch.float64))  # statistics of their own
    return made


def model_of(net, seed=0):
    def loss(output, target, weight):
        rows = torch.nn.functional.cross_entropy(output, target, reduction="none")
        return rows if weight is None else rows * weight

    return StepModel(
        encode=lambda batch: net.encode(batch.dense),
        decode=net.decode,
        loss=loss,
        generators=[torch.Generator().manual_seed(seed)],
        module=net,
    )


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    rows = torch.randperm(N, generator=generator)[:8]
    dense = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    target = torch.arange(8) % K
    return Batch(
        dense=dense, codes=None, target=target, weight=None, count=8, rows=rows
    )


def anchors_of(net, batch):
    """Return anchors that are the net's own features, in evaluation mode."""
    table = torch.zeros(N, M, dtype=torch.float64)
    was = net.training
    net.eval()
    with torch.no_grad():
        table[batch.rows] = net.features(batch.dense)
    net.train(was)
    return table


def some_made(weight=None):
    generator = torch.Generator().manual_seed(9)
    return FeatureRows(
        features=torch.randn(6, M, generator=generator, dtype=torch.float64),
        target=torch.tensor([0, 1, 2, 2, 2, 1]),
        weight=weight,
    )


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_without_weights_it_is_the_plain_step(batch, alpha):
    net = module()
    step = AnchoredStep(torch.zeros(N, M), beta=0.0, mixup_alpha=alpha)
    ours = step(model_of(net), batch)
    plain = Mixup(alpha) if alpha else BatchStep()
    assert torch.equal(ours, plain(model_of(net), batch))
    assert net.body.training  # statistics of the batch, as in the plain step
    unused = AnchoredStep(
        torch.zeros(N, M), beta=0.0, made=some_made(), made_weight=0.0,
        mixup_alpha=alpha,
    )  # fmt: skip
    assert torch.equal(ours, unused(model_of(net), batch))


def test_the_first_step_begins_at_the_anchors(batch):
    net = module()
    step = AnchoredStep(anchors_of(net, batch), beta=1e6, mixup_alpha=0.0)
    losses = step(model_of(net), batch)
    assert step.epoch_values()["feature_drift"] == 0
    net.body.eval()
    assert torch.equal(losses, BatchStep()(model_of(net), batch))
    losses.mean().backward()
    # At its minimum the distance pulls nowhere: the gradient is the plain one.
    ours = net.body[0].weight.grad.clone()
    net.zero_grad()
    BatchStep()(model_of(net), batch).mean().backward()
    torch.testing.assert_close(ours, net.body[0].weight.grad)


@pytest.mark.parametrize("anchor", ["rows", "mixed"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_distance_is_that_of_a_formula(batch, alpha, anchor):
    net = module()
    anchors = torch.randn(N, M, dtype=torch.float64)
    told = AnchoredStep(anchors, beta=0.3, scale=2.0, mixup_alpha=alpha, anchor=anchor)
    ours = told(model_of(net, 5), batch)
    net.body.eval()
    plain = Mixup(alpha) if alpha else BatchStep()
    without = plain(model_of(net, 5), batch)
    x, own = batch.dense, anchors[batch.rows]
    if anchor == "mixed" and alpha:
        share = Mixup(alpha)._shares(model_of(net, 5), x)
        x = share * x + (1 - share) * x.roll(-1, 0)
        own = share * own + (1 - share) * own.roll(-1, 0)
    distance = (net.features(x) - own).square().sum(1) / (4 * M)
    torch.testing.assert_close(ours, without + 0.3 * distance)


def test_made_rows_count_as_rows(batch):
    net = module()
    made = some_made()
    step = AnchoredStep(
        torch.zeros(8, M), beta=0.0, made=made, mixup_alpha=0.0
    )  # 8 rows in a table of 8: all made rows come at once
    batch.rows = torch.arange(8)
    ours = step(model_of(net), batch).mean()
    features = torch.cat([net.features(batch.dense), made.features])
    logits = net.head(features)
    target = torch.cat([batch.target, made.target])
    union = torch.nn.functional.cross_entropy(logits, target)
    torch.testing.assert_close(ours, union)


def test_weights_of_made_rows_are_repetitions(batch):
    net = module()
    batch.rows = torch.arange(8)
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0, 3.0, 1.0], dtype=torch.float64)
    made = some_made(weight)
    repeated = made.features.repeat_interleave(weight.long(), dim=0)
    again = FeatureRows(
        features=repeated, target=made.target.repeat_interleave(weight.long())
    )
    results = []
    for rows in (made, again):
        step = AnchoredStep(torch.zeros(8, M), beta=0.0, made=rows)
        with torch.no_grad():
            step._order = torch.arange(len(rows.target))
        # Enough draws to see all of them: the table has as many rows as the batch.
        results.append(step(model_of(net), batch).mean())
    torch.testing.assert_close(*results)


def test_made_rows_do_not_reach_the_body(batch):
    net = module()
    batch.weight = torch.zeros(8, dtype=torch.float64)
    step = AnchoredStep(torch.zeros(N, M), beta=0.0, made=some_made())
    step(model_of(net), batch).mean().backward()
    assert net.head[0].weight.grad.abs().max() > 0
    assert net.body[0].weight.grad.abs().max() == 0


def test_every_made_row_comes_once_a_round(batch):
    net = module()
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, z):
            seen.append(z.detach())
            return inner(z)

        def parameters(self, recurse=True):
            return inner.parameters(recurse)

    inner = net.head
    net.head = Spy()
    step = AnchoredStep(torch.zeros(N, M), beta=0.0, made=some_made())
    for _ in range(3):  # 8 of 12 rows a step, 4 of 6 made ones
        step(model_of(net), batch)
    made = torch.cat(seen[1::2])
    assert len(made) == 12
    kinds, counts = torch.unique(made, dim=0, return_counts=True)
    assert len(kinds) == 6
    assert set(counts.tolist()) == {2}


def test_gradient_of_the_whole_loss_in_double(batch):
    net = module(normalization=None)
    step = AnchoredStep(
        torch.randn(N, M, dtype=torch.float64), beta=0.4, scale=1.3,
        mixup_alpha=1.0, made=some_made(),
    )  # fmt: skip

    def whole(weight):
        step._order = torch.empty(0, dtype=torch.int64)
        with torch.no_grad():
            net.body[0].weight.copy_(weight)
        return float(step(model_of(net, 2), batch).mean().detach())

    start = net.body[0].weight.detach().clone()
    step(model_of(net, 2), batch).mean().backward()
    exact, found = net.body[0].weight.grad.numpy(), np.zeros(start.shape)
    for index in np.ndindex(*start.shape):
        moved = [start.clone(), start.clone()]
        moved[0][index] += 1e-6
        moved[1][index] -= 1e-6
        found[index] = (whole(moved[0]) - whole(moved[1])) / 2e-6
    np.testing.assert_allclose(exact, found, atol=1e-7)


@pytest.mark.parametrize("anchor", ["rows", "mixed"])
def test_a_net_that_stays_has_no_drift_whatever_is_held(batch, anchor):
    net = module()
    step = AnchoredStep(
        anchors_of(net, batch), beta=0.5, mixup_alpha=1.0, anchor=anchor
    )  # fmt: skip
    step(model_of(net), batch)
    assert step.epoch_values()["feature_drift"] == 0


def test_drift_is_told_on_the_features_own_scale(batch):
    net = module(normalization=None)
    shifted = anchors_of(net, batch) + 3.0
    for beta in (0.0, 0.2):
        step = AnchoredStep(shifted, beta=beta, scale=2.0)
        step(model_of(net), batch)
        assert step.epoch_values()["feature_drift"] == pytest.approx(1.5)
