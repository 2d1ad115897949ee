# SPDX-License-Identifier: BSD-3-Clause
"""Layers with a net axis are K ordinary layers."""

import math

import pytest
import torch
from torch import nn

from skoverfit.neural_network._layers import (
    PeriodicEmbedding,
    StackedDropout,
    StackedEmbedding,
    StackedLinear,
)
from skoverfit.neural_network._tabular_mlp import TabularMLP


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("n_nets", [1, 3])
def test_stacked_linear_is_k_linear_maps_with_their_gradients(n_nets):
    layer = StackedLinear(n_nets, 5, 4).double()
    layer.reset_parameters(generators(*range(n_nets)))
    x = torch.randn(n_nets, 7, 5, dtype=torch.float64)
    output = layer(x)
    output.square().sum().backward()
    for net in range(n_nets):
        plain = nn.Linear(5, 4, dtype=torch.float64)
        plain.weight.data = layer.weight.data[net].T.clone()
        plain.bias.data = layer.bias.data[net, 0].clone()
        alone = plain(x[net])
        torch.testing.assert_close(output[net], alone)
        alone.square().sum().backward()
        torch.testing.assert_close(layer.weight.grad[net].T, plain.weight.grad)
        torch.testing.assert_close(layer.bias.grad[net, 0], plain.bias.grad)


def test_one_net_may_lack_the_net_axis():
    layer = StackedLinear(1, 5, 4)
    layer.reset_parameters(generators(0))
    x = torch.randn(7, 5)
    torch.testing.assert_close(layer(x), layer(x.unsqueeze(0)).squeeze(0))


def test_weights_have_the_variance_of_their_gain():
    layer = StackedLinear(1, 400, 500)
    layer.reset_parameters(generators(0), gain=math.sqrt(2))
    # The standard deviation of 200 000 draws has a relative error of 0.0016.
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / 400), rel=0.01)
    assert layer.bias.abs().max().item() <= 400**-0.5


def test_dropout_draws_each_mask_from_its_net():
    x = torch.ones(2, 50, 20)
    stacked, alone = StackedDropout(0.3), StackedDropout(0.3)
    stacked.generators = generators(4, 5)
    both = stacked(x)
    for net, seed in enumerate((4, 5)):
        alone.generators = generators(seed)
        torch.testing.assert_close(both[net], alone(x[net]))
    kept = (both > 0).double().mean().item()
    # 2000 draws: the share of kept ones has a standard error of 0.01.
    assert kept == pytest.approx(0.7, abs=0.04)
    # The scale is exact for the rounded probability, so that means are kept.
    scale = 65536 / (65536 - round(0.3 * 65536))
    torch.testing.assert_close(both[both > 0], torch.full_like(both[both > 0], scale))
    stacked.eval()
    assert stacked(x) is x


def test_masks_of_filled_up_batches_are_those_of_real_rows():
    stacked, alone = StackedDropout(0.5), StackedDropout(0.5)
    stacked.generators, stacked.lengths = generators(4, 5), [6, 4]
    alone.generators = generators(5)
    for _ in range(3):
        both = stacked(torch.ones(2, 6, 3))
        torch.testing.assert_close(both[1, :4], alone(torch.ones(4, 3)))
        assert (both[1, 4:] == 0).all()


def test_every_mask_bit_is_fair():
    dropout = StackedDropout(0.25)
    dropout.generators = generators(0)
    kept = (dropout(torch.ones(4000, 64)) > 0).double().mean(dim=0)
    # 64 columns with a standard error of 0.0068 each: 4.5 errors.
    assert (kept - 0.75).abs().max().item() < 0.031


def test_periodic_embedding_is_the_published_formula():
    layer = PeriodicEmbedding(2, 3, n_frequencies=4, embedding_dim=2).double()
    layer.reset_parameters(generators(0, 1))
    x = torch.randn(2, 6, 3, dtype=torch.float64)
    made = layer(x).view(2, 6, 3, 2)
    for net in range(2):
        for column in range(3):
            wave = torch.cos(
                x[net, :, column, None] * layer.frequency[net, 0, column]
                + layer.phase[net, 0, column]
            )
            wanted = wave @ layer.weight[net, column] + layer.bias[net, column]
            torch.testing.assert_close(made[net, :, column], wanted)


def test_stacked_embedding_looks_up_each_net_table():
    layer = StackedEmbedding(3, 5, 2)
    layer.reset_parameters(generators(0, 1, 2))
    codes = torch.randint(5, (3, 9))
    made = layer(codes)
    for net in range(3):
        torch.testing.assert_close(made[net], layer.weight[net][codes[net]])
    assert (layer.weight[:, 0] == 0).all()


def net_of(n_nets, **changes):
    options = {
        "n_numeric": 2,
        "n_dense": 4,
        "n_codes": [6],
        "n_outputs": 3,
        "hidden_layer_sizes": (5, 5),
        "numeric_embedding": "periodic",
        "linear_skip": True,
        **changes,
    }
    return TabularMLP(n_nets=n_nets, **options).double()


def test_a_stack_of_mlps_is_the_mlps_one_by_one():
    stack = net_of(3)
    stack.reset_parameters(generators(7, 8, 9))
    stack.set_output_bias(torch.randn(3, 3, dtype=torch.float64))
    stack.set_linear(torch.randn(3, 4, 3, dtype=torch.float64), trainable=True)
    dense = torch.randn(3, 8, 4, dtype=torch.float64)
    codes = torch.randint(6, (3, 8, 1))
    together = stack(dense, codes)
    for net, seed in enumerate((7, 8, 9)):
        single = net_of(1)
        single.reset_parameters(generators(seed))
        single.set_output_bias(stack.head.bias.data[net])
        single.set_linear(stack.skip.weight.data[net : net + 1], trainable=True)
        torch.testing.assert_close(single(dense[net], codes[net]), together[net])


def test_a_zero_head_starts_at_the_skip_and_the_bias():
    module = net_of(1, zero_head=True)
    module.reset_parameters(generators(0))
    weight = torch.randn(1, 4, 3, dtype=torch.float64)
    bias = torch.tensor([[0.1, -0.2, 0.3]], dtype=torch.float64)
    module.set_output_bias(bias)
    module.set_linear(weight, trainable=False)
    dense = torch.randn(8, 4, dtype=torch.float64)
    output = module(dense, torch.zeros(8, 1, dtype=torch.int64))
    torch.testing.assert_close(output, dense @ weight[0] + bias)
    assert not module.skip.weight.requires_grad


def test_gradients_agree_with_finite_differences():
    module = net_of(2, activation="selu")
    module.reset_parameters(generators(0, 1))
    codes = torch.randint(6, (2, 3, 1))
    dense = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: module(x, codes), (dense,))
