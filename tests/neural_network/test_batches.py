# SPDX-License-Identifier: BSD-3-Clause
"""Batches: every row once an epoch, and each net as if it were alone."""

import pytest
import torch

from skoverfit.neural_network import _data
from skoverfit.neural_network._data import NetData, TrainBatches, ValidBatches


def data_of(train, valid=None, *, weight=None, n=40):
    return NetData(
        dense=torch.arange(n, dtype=torch.float64).unsqueeze(1),
        codes=None,
        target=torch.arange(n),
        weight=weight,
        train=[torch.as_tensor(rows) for rows in train],
        valid=None if valid is None else [torch.as_tensor(rows) for rows in valid],
    )


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 64, 65, 129])
def test_one_net_meets_every_row_once_in_even_batches(n):
    data = data_of([range(n)], n=n)
    batches = list(TrainBatches(data, 32, generators(0)))
    met = torch.cat([batch.target for batch in batches])
    assert sorted(met.tolist()) == list(range(n))
    sizes = [len(batch.target) for batch in batches]
    assert max(sizes) <= 32
    assert max(sizes) - min(sizes) <= 1
    assert [batch.count for batch in batches] == sizes


def test_epochs_have_different_orders_and_seeds_repeat_them():
    data = data_of([range(40)])
    iterator = TrainBatches(data, 8, generators(3))
    first = [batch.target.tolist() for batch in iterator]
    assert first != [batch.target.tolist() for batch in iterator]
    again = [batch.target.tolist() for batch in TrainBatches(data, 8, generators(3))]
    assert first == again


@pytest.mark.parametrize("lengths", [(40, 40), (40, 37), (33, 40, 38)])
def test_a_net_in_a_stack_meets_the_batches_that_it_meets_alone(lengths):
    parts = [range(n) for n in lengths]
    weight = torch.linspace(0.5, 2, 40, dtype=torch.float64)
    data = data_of(parts, weight=weight)
    stacked = list(TrainBatches(data, 8, generators(*range(len(parts)))))
    for net, rows in enumerate(parts):
        alone = data_of([rows], weight=weight)
        singles = list(TrainBatches(alone, 8, generators(net)))
        assert len(singles) == len(stacked)
        for batch, single in zip(stacked, singles, strict=True):
            real = batch.weight[net] > 0
            assert batch.target[net][real].tolist() == single.target.tolist()
            torch.testing.assert_close(batch.weight[net][real], single.weight)
            count = batch.count
            count = count if isinstance(count, int) else count[net]
            assert int(count) == len(single.target)


def test_padding_weighs_nothing_where_there_are_no_weights():
    batch = next(
        iter(TrainBatches(data_of([range(40), range(37)]), 8, generators(0, 1)))
    )
    assert batch.weight.sum(dim=1).tolist() == batch.count.tolist()


def test_weights_have_mean_one_over_the_rows_of_a_net():
    weight = torch.rand(40, dtype=torch.float64) + 0.1
    batches = list(TrainBatches(data_of([range(20)], weight=weight), 8, generators(0)))
    total = torch.cat([batch.weight for batch in batches])
    assert total.mean().item() == pytest.approx(1.0)


def test_nets_of_one_stack_have_equally_many_batches():
    data = data_of([range(40), range(9)])
    batches = list(TrainBatches(data, 8, generators(0, 1)))
    assert len(batches) == 5
    for net, n in enumerate((40, 9)):
        met = torch.cat([b.target[net][b.weight[net] > 0] for b in batches])
        assert sorted(met.tolist()) == list(range(n))


@pytest.mark.parametrize("chunk", [1, 4, 100])
@pytest.mark.parametrize("kept_bytes", [0, 1 << 28])
def test_validation_covers_the_rows_of_each_net(monkeypatch, chunk, kept_bytes):
    monkeypatch.setattr(_data, "_KEPT_BYTES", kept_bytes)
    parts = [range(10), range(5, 12)]
    batches = ValidBatches(data_of([[0], [0]], parts), chunk)
    for _ in range(2):
        met = [[], []]
        for batch in batches:
            for net in range(2):
                real = batch.weight[net] > 0
                met[net] += batch.target[net][real].tolist()
        assert met == [list(part) for part in parts]
