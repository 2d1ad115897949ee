# SPDX-License-Identifier: BSD-3-Clause
"""The exchange of rows between two nets."""

import numpy as np
import pytest
import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import CoTeaching, StepModel
from skoverfit.neural_network._co_teaching import kept_weights
from skoverfit.neural_network._data import Batch


def test_the_rows_of_smallest_loss_are_kept():
    losses = torch.tensor([[3.0, 1.0, 2.0, 4.0]])
    kept = kept_weights(losses, torch.ones(1, 4), 0.5)
    assert kept.tolist() == [[0, 1, 1, 0]]


def test_the_row_at_the_border_counts_in_part():
    losses = torch.tensor([[3.0, 1.0, 2.0, 4.0]])
    kept = kept_weights(losses, torch.ones(1, 4), 0.7)
    assert kept[0].tolist() == pytest.approx([0.8, 1, 1, 0])


@pytest.mark.parametrize("grouped", [False, True])
def test_a_weight_is_a_number_of_rows(grouped):
    rng = np.random.default_rng(0)
    losses = torch.from_numpy(rng.normal(size=(2, 12)))
    times = torch.from_numpy(rng.integers(1, 4, size=12))
    groups = torch.from_numpy(rng.integers(3, size=(2, 12))) if grouped else None
    kept = kept_weights(losses, times.double().expand(2, 12).contiguous(), 0.6, groups)
    repeated = kept_weights(
        losses.repeat_interleave(times, dim=1),
        torch.ones(2, int(times.sum()), dtype=torch.float64),
        0.6,
        None if groups is None else groups.repeat_interleave(times, dim=1),
    )
    place = torch.arange(12).repeat_interleave(times)
    summed = torch.zeros(2, 12, dtype=torch.float64).index_add_(1, place, repeated)
    assert torch.allclose(kept, summed)


def test_each_group_keeps_the_share():
    rng = np.random.default_rng(1)
    losses = torch.from_numpy(rng.normal(size=(3, 40)))
    groups = torch.from_numpy(rng.integers(4, size=(3, 40)))
    # A group whose losses are all large would be lost without the guard.
    losses = losses + 10 * (groups == 2)
    weight = torch.ones(3, 40, dtype=torch.float64)
    kept = kept_weights(losses, weight, 0.7, groups)
    for net in range(3):
        for k in range(4):
            own = groups[net] == k
            assert kept[net][own].sum().item() == pytest.approx(0.7 * own.sum().item())
            order = losses[net][own].argsort()
            assert (kept[net][own][order].diff() <= 0).all()
    unguarded = kept_weights(losses, weight, 0.7)
    assert unguarded[groups == 2].sum() < kept[groups == 2].sum()


def test_the_kept_share_falls_as_published():
    step = CoTeaching(0.4, n_gradual=10, exponent=2.0, pretrain_epochs=3)
    for epoch in range(20):
        grown = min(max(epoch - 3, 0) / 10, 1) ** 2
        assert step.kept_share(epoch + 0.5) == pytest.approx(1 - 0.4 * grown)
    assert CoTeaching(0.3, n_gradual=0).kept_share(0) == pytest.approx(0.7)


@pytest.mark.parametrize("exchange", ["cross", "split"])
def test_orders_are_shared_by_a_pair(exchange):
    step = CoTeaching(exchange=exchange)
    rows = torch.arange(100, 140)
    generators = [torch.Generator().manual_seed(k) for k in range(4)]
    orders = [step.order(k, rows, g) for k, g in enumerate(generators)]
    for order in orders:
        assert sorted(order.tolist()) == rows.tolist()
    assert not torch.equal(orders[0], orders[2])  # another pair
    for first, second in (orders[:2], orders[2:]):
        if exchange == "cross":
            assert torch.equal(first, second)
            continue
        # In no step do both nets of a pair meet a row.
        for begin in range(0, 40, 10):
            part = slice(begin, begin + 10)
            assert not set(first[part].tolist()) & set(second[part].tolist())


def asked(exchange):
    """Two nets of fixed outputs, and what reaches each of them."""
    # Net 0 finds even columns easy, net 1 odd ones: a row's column decides its loss.
    slope = torch.tensor([1.0, -1.0]).view(2, 1, 1)
    rows = torch.arange(8.0).view(1, 8, 1).repeat(2, 1, 1)
    if exchange == "split":
        rows[1] += 100
    module = torch.nn.Linear(1, 1)
    seen = []

    def loss(output, target, weight):
        if weight is not None:
            seen.append(weight)
        return output.squeeze(-1) * (1 if weight is None else weight)

    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=lambda x: slope * x,
        loss=loss,
        generators=[torch.Generator(), torch.Generator()],
        module=module,
        epoch=5.0,
    )
    batch = Batch(
        dense=rows,
        codes=None,
        target=torch.zeros(2, 8, dtype=torch.int64),
        weight=None,
        count=8,
        rows=torch.arange(8).repeat(2, 1),
    )
    step = CoTeaching(0.5, n_gradual=0, exchange=exchange)
    step.count_rows(8)
    step(model, batch)
    return seen[0], step


@pytest.mark.parametrize("exchange", ["cross", "split"])
def test_a_net_learns_what_its_peer_finds_easy(exchange):
    # The loss of net 0 grows with the row, that of net 1 falls.
    weights, step = asked(exchange)
    assert weights.tolist() == [[0] * 4 + [2] * 4, [2] * 4 + [0] * 4]
    assert np.allclose(step.chosen_frequency(), 0.5)


def test_it_needs_pairs():
    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=lambda x: x,
        loss=lambda output, target, weight: output,
        generators=[torch.Generator()],
        module=torch.nn.Linear(1, 1),
    )
    batch = Batch(
        dense=torch.zeros(3, 1), codes=None, target=torch.zeros(3), weight=None, count=3
    )
    with pytest.raises(BadInputError, match="even number of nets"):
        CoTeaching()(model, batch)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"forget_rate": 1.0}, "'forget_rate' parameter of CoTeaching"),
        ({"forget_rate": -0.1}, "'forget_rate' parameter of CoTeaching"),
        ({"n_gradual": -1}, "'n_gradual' parameter"),
        ({"exponent": 0}, "'exponent' parameter"),
        ({"exchange": "both"}, "'exchange' parameter"),
        ({"pretrain_epochs": -1}, "'pretrain_epochs' parameter"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(BadInputError, match=message):
        CoTeaching(**parameters)
