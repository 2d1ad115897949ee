# SPDX-License-Identifier: BSD-3-Clause
"""Mixup in the held net, in a stack and in a plain skorch net."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from skorch import NeuralNetClassifier

from skoverfit.neural_network import (
    BatchStep,
    BatchStepCallback,
    Mixup,
    TabularMLPClassifier,
)
from skoverfit.neural_network._batch_steps import StepModel
from skoverfit.neural_network._data import Batch

X, Y = load_iris(return_X_y=True)
X32 = X.astype(np.float32)


def net(step, **parameters):
    small = {"hidden_layer_sizes": (8,), "n_estimators": 2, "max_epochs": 5}
    return TabularMLPClassifier(
        **{**small, "batch_step": step, "random_state": 0, **parameters}
    )


def test_the_limit_of_mixup_is_the_plain_step():
    # Beta(alpha, alpha) with a tiny alpha is 0 or 1: rows as they are, in another order
    # where it is 0. With one batch an epoch the order does not matter.
    options = {"dropout": 0.0, "batch_size": 1000, "dtype": "float64"}
    mixed = net(Mixup(1e-9), **options).fit(X, Y)
    plain = net(None, **options).fit(X, Y)
    np.testing.assert_allclose(
        mixed.predict_proba(X), plain.predict_proba(X), rtol=1e-9
    )


def test_mixup_makes_a_net_less_sure():
    options = {"max_epochs": 40, "early_stopping": False, "linear_start": False}
    options["learning_rate"] = 0.01
    plain = net(None, **options).fit(X, Y).predict_proba(X).max(axis=1).mean()
    mixed = net(Mixup(5.0), **options).fit(X, Y)
    assert mixed.score(X, Y) > 0.9
    assert mixed.predict_proba(X).max(axis=1).mean() < plain - 0.02


def test_mixed_rows_and_losses_are_what_the_paper_says():
    generator = torch.Generator().manual_seed(3)
    rows = torch.arange(8.0).view(4, 2)
    target = torch.tensor([0, 1, 1, 0])
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0])
    seen = []

    def decode(x):
        seen.append(x)
        return x

    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=decode,
        loss=lambda output, y, w: (output[:, 0] + 10 * y) * w,
        generators=[generator],
    )
    batch = Batch(dense=rows, codes=None, target=target, weight=weight, count=4)
    losses = Mixup(1.0)(model, batch)
    following = rows.roll(-1, dims=0)
    share = ((seen[0] - following) / (rows - following))[0, 0].item()
    assert 0 < share < 1
    torch.testing.assert_close(seen[0], share * rows + (1 - share) * following)
    here = (seen[0][:, 0] + 10 * target) * weight
    there = (seen[0][:, 0] + 10 * target.roll(-1)) * weight.roll(-1)
    torch.testing.assert_close(losses, share * here + (1 - share) * there)


def test_the_names_and_equality_of_steps():
    assert Mixup(0.3) == Mixup(0.3) != Mixup(0.4)
    assert hash(Mixup(0.3)) == hash(Mixup(0.3))
    assert repr(Mixup(0.3)) == "Mixup(alpha=0.3)"
    assert pickle.loads(pickle.dumps(Mixup(0.3))) == Mixup(0.3)
    assert clone(net(Mixup(0.3))).batch_step == Mixup(0.3)
    named = net("mixup", max_epochs=2).fit(X, Y).predict_proba(X)
    made = net(Mixup(), max_epochs=2).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(named, made)


@pytest.mark.parametrize("alpha", [0, -1.0, "much", None, True])
def test_an_alpha_that_is_none(alpha):
    with pytest.raises(ValueError, match=rf"'alpha' parameter of Mixup.*{alpha!r}"):
        Mixup(alpha)


def skorch_net(callbacks):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        torch.nn.Linear(4, 3),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.05,
        max_epochs=20,
        train_split=None,
        iterator_train__shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )


def test_a_plain_skorch_net_with_the_plain_step_trains_as_before():
    order = np.random.default_rng(0).permutation(len(Y))
    rows, labels = X32[order], Y[order]
    plain = skorch_net([]).fit(rows, labels)
    stepped = skorch_net([BatchStepCallback(BatchStep())]).fit(rows, labels)
    np.testing.assert_allclose(
        stepped.predict_proba(X32), plain.predict_proba(X32), rtol=1e-5
    )
    assert "train_step_single" not in vars(stepped)  # its own step is back


def test_mixup_in_a_plain_skorch_net():
    order = np.random.default_rng(0).permutation(len(Y))
    rows, labels = X32[order], Y[order]
    plain = skorch_net([]).fit(rows, labels)
    made = skorch_net([BatchStepCallback(Mixup(5.0))]).fit(rows, labels)
    again = skorch_net([BatchStepCallback(Mixup(5.0))]).fit(rows, labels)
    assert made.score(X32, Y) > 0.8
    sure = made.predict_proba(X32).max(axis=1).mean()
    assert sure < plain.predict_proba(X32).max(axis=1).mean()
    np.testing.assert_array_equal(made.predict_proba(X32), again.predict_proba(X32))


def mixed_by(step, n_rows=5, n_columns=7):
    """Return what a step decodes and its losses, for random rows and weights."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(n_rows, n_columns, generator=generator)
    target = torch.arange(float(n_rows))
    weight = torch.rand(n_rows, generator=generator)
    seen = []

    def decode(x):
        seen.append(x)
        return x

    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=decode,
        loss=lambda output, y, w: (output[:, 0] + 10 * y) * w,
        generators=[generator],
    )
    batch = Batch(dense=rows, codes=None, target=target, weight=weight, count=n_rows)
    return rows, target, weight, step(model, batch), seen[0]


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_several_rows_are_mixed_in_shares_of_sum_one(alpha):
    rows, target, weight, losses, mixed = mixed_by(Mixup(alpha, n_mix=3))
    sources = torch.stack([rows.roll(-place, dims=0) for place in range(3)])
    flat = sources.reshape(3, -1).T
    shares = torch.linalg.lstsq(flat, mixed.reshape(-1, 1)).solution.flatten()
    assert shares.sum().item() == pytest.approx(1, abs=1e-5)
    assert (shares > -1e-5).all()
    torch.testing.assert_close(mixed, (shares.view(3, 1, 1) * sources).sum(dim=0))
    parts = [
        share * (mixed[:, 0] + 10 * target.roll(-place)) * weight.roll(-place)
        for place, share in enumerate(shares)
    ]
    torch.testing.assert_close(losses, sum(parts), rtol=1e-4, atol=1e-4)


def test_one_row_is_the_plain_step_and_few_alphas_leave_one_row():
    rows, target, weight, losses, mixed = mixed_by(Mixup(1.0, n_mix=1))
    assert mixed is rows
    torch.testing.assert_close(losses, (rows[:, 0] + 10 * target) * weight)
    rows, *_, mixed = mixed_by(Mixup(1e-9, n_mix=4))
    alone = [torch.equal(mixed, rows.roll(-place, dims=0)) for place in range(4)]
    assert sum(alone) == 1


def test_shares_are_those_of_a_dirichlet_distribution():
    """The variance of a share is (d - 1) / (d^2 (d alpha + 1))."""
    drawn = []
    for seed in range(400):
        model = StepModel(
            encode=lambda batch: batch.dense,
            decode=lambda x: drawn.append(x[0, :3].clone()) or x,
            loss=lambda output, y, w: output[:, 0],
            generators=[torch.Generator().manual_seed(seed)],
        )
        batch = Batch(
            dense=torch.eye(3), codes=None, target=torch.zeros(3), weight=None, count=3
        )
        Mixup(2.0, n_mix=3)(model, batch)
    shares = torch.stack(drawn).numpy()
    np.testing.assert_allclose(shares.mean(axis=0), 1 / 3, atol=0.04)
    np.testing.assert_allclose(shares.var(axis=0), 2 / (9 * 7), rtol=0.25)


def test_a_net_mixes_three_rows():
    mixed, again, plain = (
        net(step, max_epochs=3).fit(X, Y).predict_proba(X)
        for step in (Mixup(1.0, n_mix=3), Mixup(1.0, n_mix=3), None)
    )
    assert np.array_equal(mixed, again)
    assert np.abs(mixed - plain).max() > 1e-3


@pytest.mark.parametrize("n_mix", [0, 2.5, True, "two"])
def test_bad_numbers_of_rows_are_named(n_mix):
    with pytest.raises(ValueError, match=rf"'n_mix' parameter of Mixup.*{n_mix!r}"):
        Mixup(n_mix=n_mix)
    assert repr(Mixup(1.0, n_mix=3)) == "Mixup(alpha=1.0, n_mix=3)"
    assert Mixup(1.0, n_mix=3) != Mixup(1.0)
