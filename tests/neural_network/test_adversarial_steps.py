# SPDX-License-Identifier: BSD-3-Clause
"""Adversarial, mixed and winsorized steps: formulas, limits, bad input."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from torch import nn
from torch.nn.functional import cross_entropy

from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.neural_network import (
    AAERLoss,
    AdversarialMonitor,
    AdversarialStep,
    BatchStepCallback,
    ManifoldMixup,
    TabularMLPClassifier,
    WinsorizedGradients,
    winsorized_mean,
)
from skoverfit.neural_network._batch_steps import StepModel
from skoverfit.neural_network._data import Batch

X = np.random.default_rng(0).normal(size=(120, 5))
y = (X[:, 0] * X[:, 1] > 0).astype(int)


def fitted(step, **options):
    model = TabularMLPClassifier(
        **{
            "hidden_layer_sizes": (8,),
            "n_estimators": 1,
            "early_stopping": False,
            "dtype": "float64",
            "max_epochs": 3,
            "batch_step": step,
            "random_state": 0,
            **options,
        }
    )
    return model.fit(X, y)


def proba(step, **options):
    return fitted(step, **options).predict_proba(X)


@pytest.mark.parametrize("start", ["random", "noise", "zero"])
def test_a_radius_of_zero_is_the_plain_step(start):
    assert np.array_equal(proba(None), proba(AdversarialStep(0.0, start=start)))


def test_a_fraction_of_zero_is_the_plain_step():
    assert np.array_equal(proba(None), proba(WinsorizedGradients(0.0)))


def test_a_fraction_that_clips_nothing_is_the_plain_step():
    plain = proba(None, dropout=0.0)
    found = proba(WinsorizedGradients(1e-9), dropout=0.0)
    np.testing.assert_allclose(found, plain, rtol=1e-7)


def test_mixup_of_a_tiny_alpha_is_the_plain_step():
    # Beta(alpha, alpha) is then 0 or 1: whole rows, of the batch or of the next place.
    # One epoch: shares are drawn from the stream that orders the rows of the next.
    plain = proba(None, dropout=0.0, max_epochs=1)
    found = proba(ManifoldMixup(1e-7), dropout=0.0, max_epochs=1)
    np.testing.assert_allclose(found, plain, rtol=1e-7)


def test_no_penalty_is_plain_adversarial_training_bit_for_bit():
    plain = proba(AdversarialStep(0.3, regularizer=None))
    assert np.array_equal(
        plain, proba(AdversarialStep(0.3, regularizer=AAERLoss(lam3=0)))
    )
    assert np.array_equal(
        plain, proba(AdversarialStep(0.3, regularizer=AAERLoss(lam2=9, lam3=0)))
    )


def test_the_official_lam2_has_no_gradient_and_ours_has():
    def of(**options):
        return proba(
            AdversarialStep(
                2.0, start="zero", warmup_epochs=0, feature_range=None,
                regularizer=AAERLoss(**options),
            ),
            max_epochs=12, learning_rate=0.02,
        )  # fmt: skip

    np.testing.assert_allclose(of(lam2=0.0), of(lam2=9.0), rtol=1e-7)
    assert not np.allclose(of(), of(lam2=9.0, ce_gradient=True), rtol=1e-5)


def logits(seed, n=30):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(n, 3, generator=generator, dtype=torch.float64)


def by_hand(before, after, target, lam1, lam2, lam3):
    l0 = cross_entropy(before, target, reduction="none").tolist()
    l1 = cross_entropy(after, target, reduction="none").tolist()
    moved = ((before - after) ** 2).sum(dim=1).tolist()
    n = len(l0)
    a = [i for i in range(n) if l0[i] > l1[i]]
    rest = [i for i in range(n) if i not in a]
    if not a or not rest:
        return sum(l1) / n
    va = sum(moved[i] for i in a) / len(a)
    vn = sum(moved[i] for i in rest) / len(rest)
    change = sum(l0[i] - l1[i] for i in a) / len(a)
    term = lam2 * change + lam3 * max(va - vn, 0)
    return sum(l1) / n + lam1 * len(a) / n * term


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_the_formula(seed):
    before, after = logits(seed), logits(seed + 10)
    target = torch.randint(3, (30,))
    loss = AAERLoss(0.7, 2.0, 1.3)
    wanted = by_hand(before, after, target, 0.7, 2.0, 1.3)
    assert loss(before, after, target).item() == pytest.approx(wanted, rel=1e-12)
    again = loss.penalty(before[None], after[None], target[None])
    mean = cross_entropy(after, target).item()
    assert again.shape == (1,)
    assert again.item() + mean == pytest.approx(wanted, rel=1e-12)


def test_the_gradient_of_the_loss_goes_through_abnormal_rows_only():
    before, after = logits(1), logits(2).requires_grad_()
    target = torch.randint(3, (30,))
    loss = AAERLoss(1.0, 0.0, 5.0)
    loss.penalty(before, after, target).backward()
    l0 = cross_entropy(before, target, reduction="none")
    l1 = cross_entropy(after, target, reduction="none")
    touched = after.grad.abs().sum(dim=1) > 0
    assert not bool((touched & ~(l0 > l1)).any())
    if loss.variation_abnormal_ > ((before - after) ** 2).sum(1)[l0 <= l1].mean():
        assert torch.equal(touched, l0 > l1)


@pytest.mark.parametrize("ce_gradient", [False, True])
def test_the_gradient_of_the_loss_is_that_of_finite_differences(ce_gradient):
    before, after = logits(3, 12), logits(4, 12)
    target = torch.randint(3, (12,), generator=torch.Generator().manual_seed(0))
    l0, l1 = (cross_entropy(z, target, reduction="none") for z in (before, after))
    abnormal = l0 > l1
    assert 0 < int(abnormal.sum()) < 12
    loss = AAERLoss(0.8, 2.0 if ce_gradient else 0.0, 1.3, ce_gradient=ce_gradient)

    def value(moved):  # normal rows are held still: their variation is a constant
        place = torch.masked_scatter(after, abnormal[:, None], moved)
        return loss(before, place, target)

    assert torch.autograd.gradcheck(value, after[abnormal].requires_grad_())


def test_rows_and_classes_may_change_places():
    before, after = logits(5), logits(6)
    target = torch.randint(3, (30,), generator=torch.Generator().manual_seed(0))
    loss = AAERLoss(1.0, 1.0, 2.0)
    value = loss(before, after, target)
    rows = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    moved = loss(before[rows], after[rows], target[rows])
    torch.testing.assert_close(moved, value)
    places = torch.tensor([2, 0, 1])
    moved = loss(before[:, places], after[:, places], places.argsort()[target])
    torch.testing.assert_close(moved, value)


def test_half_winsorized_steps_on_quadratics_go_to_the_median():
    # |w - x_i|^2 / 2: the median of the gradients is w minus the median of the rows.
    rows = torch.from_numpy(X[:41, :1])
    module = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        module.weight.fill_(5.0)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.2)
    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=module,
        loss=lambda o, t, w: 0.5 * (o - t)[:, 0] ** 2,
        generators=[torch.Generator()],
        module=module,
    )
    batch = Batch(
        dense=torch.ones_like(rows), codes=None, target=rows, weight=None, count=41
    )
    for _ in range(7):
        optimizer.zero_grad()
        WinsorizedGradients(0.5)(model, batch).mean().backward()
        optimizer.step()
    middle = rows.median().item()
    wanted = middle + 0.8**7 * (5.0 - middle)
    assert module.weight.item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("adversarial", AdversarialStep()),
        ("manifold_mixup", ManifoldMixup()),
        ("winsorized", WinsorizedGradients()),
    ],
)
def test_steps_go_by_name(name, step):
    assert np.array_equal(proba(name, max_epochs=2), proba(step, max_epochs=2))


def test_rows_of_one_kind_only_have_no_penalty():
    before, target = logits(0), torch.zeros(30, dtype=torch.int64)
    better = before.clone()
    better[:, 0] += 1
    for first, last in ((before, better), (better, before)):
        loss = AAERLoss()
        assert loss.penalty(first, last, target).item() == 0
    assert int(loss.n_abnormal_) == 0


def stepped(step, rows, bounds=None, epoch=9.0, n_numeric=None):
    """Return the inputs that the module saw in a step."""
    seen = []
    torch.manual_seed(0)
    module = nn.Linear(rows.shape[1], 2).double()
    if n_numeric is not None:
        module.n_numeric = n_numeric

    def decode(x):
        seen.append(x.detach().clone())
        return module(x)

    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=decode,
        loss=lambda o, t, w: cross_entropy(o, t, reduction="none"),
        generators=[torch.Generator().manual_seed(0)],
        module=module,
        bounds=bounds,
        epoch=epoch,
    )
    batch = Batch(
        dense=rows, codes=None, target=torch.arange(len(rows)) % 2, weight=None,
        count=len(rows),
    )  # fmt: skip
    step(model, batch)
    assert all(p.grad is None for p in module.parameters())
    return seen


@pytest.mark.parametrize("start", ["random", "noise", "zero"])
def test_rows_stay_in_the_box_and_within_the_radius(start):
    rows = torch.from_numpy(X[:40])
    box = (rows.amin(dim=0), rows.amax(dim=0))
    step = AdversarialStep(0.5, start=start)
    first, last = stepped(step, rows, bounds=lambda: box)
    for moved in (first, last):
        assert bool((moved >= box[0]).all() and (moved <= box[1]).all())
    radius = 1.5 if start == "noise" else 0.5  # N-FGSM: start of 2 eps, less 1, plus 1
    assert (last - rows).abs().max().item() <= radius + 1e-12
    assert (last - rows).abs().max().item() > 0.4


def test_a_linear_model_is_attacked_along_the_signs_of_its_weights():
    rows = torch.from_numpy(X[:40])
    step = AdversarialStep(0.5, start="zero", feature_range=None, warmup_epochs=4)
    for epoch, warm in ((0.0, 0.0), (1.0, 0.25), (2.0, 0.5), (8.0, 1.0)):
        _, last = stepped(step, rows, epoch=epoch)
        torch.manual_seed(0)
        w = nn.Linear(5, 2).double().weight
        towards = torch.where(torch.arange(40) % 2 == 0, 1.0, -1.0)
        wanted = rows + warm * 0.5 * towards[:, None] * (w[1] - w[0]).sign()
        torch.testing.assert_close(last, wanted.detach())


def test_only_free_numeric_columns_move():
    rows = torch.from_numpy(X[:40])
    step = AdversarialStep(0.5, feature_range=None, frozen_features=[0])
    _, last = stepped(step, rows, n_numeric=3)
    still = (last == rows).all(dim=0).tolist()
    assert still == [True, False, False, True, True]


def test_a_radius_beyond_the_data_is_warned_of():
    with pytest.warns(SkoverfitWarning, match=r"eps=50, but no column that moves"):
        fitted(AdversarialStep(50.0), max_epochs=1)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"eps": -1}, "eps"),
        ({"eps": float("nan")}, "eps"),
        ({"step_size": "x"}, "step_size"),
        ({"start": "middle"}, "start"),
        ({"feature_range": (1, 0)}, "feature_range"),
        ({"feature_range": 3}, "feature_range"),
        ({"regularizer": "aear"}, "regularizer"),
        ({"warmup_epochs": -1}, "warmup_epochs"),
    ],
)
def test_bad_parameters_of_the_adversarial_step_are_named(options, name):
    with pytest.raises(BadInputError, match=f"'{name}' parameter of AdversarialStep"):
        AdversarialStep(**options)


@pytest.mark.parametrize("bad", [-0.1, 0.6, "x", True])
def test_bad_fractions_are_named(bad):
    with pytest.raises(BadInputError, match="'fraction' parameter of Winsorized"):
        WinsorizedGradients(bad)


def test_bad_layers_are_named():
    with pytest.raises(BadInputError, match="'layers' parameter of ManifoldMixup"):
        ManifoldMixup(layers=[-1])
    with pytest.raises(BadInputError, match=r"has 2 linear or convolutional"):
        fitted(ManifoldMixup(layers=[5]))


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("n", [1, 2, 9, 10])
def test_the_winsorized_mean_is_that_of_sorted_values(n, fraction):
    values = torch.randn(n, 4, 3, dtype=torch.float64)
    cut = min(round(fraction * (n - 1)), (n - 1) // 2)
    ordered = values.numpy().copy()
    ordered.sort(axis=0)
    ordered[:cut] = ordered[cut]
    ordered[n - cut :] = ordered[n - 1 - cut]
    found = winsorized_mean(values, fraction).numpy()
    np.testing.assert_allclose(found, ordered.mean(axis=0), rtol=1e-12)


def test_winsorized_gradients_are_those_of_rows_one_by_one():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    rows, target = torch.from_numpy(X[:21]), torch.from_numpy(y[:21])
    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=module,
        loss=lambda o, t, w: cross_entropy(o, t, reduction="none"),
        generators=[torch.Generator()],
        module=module,
    )
    batch = Batch(dense=rows, codes=None, target=target, weight=None, count=21)
    losses = WinsorizedGradients(0.2)(model, batch)
    torch.testing.assert_close(
        losses.detach(), cross_entropy(module(rows), target, reduction="none").detach()
    )
    losses.mean().backward()
    found = [p.grad.clone() for p in module.parameters()]
    each = []
    for k in range(21):
        loss = cross_entropy(module(rows[k : k + 1]), target[k : k + 1])
        each.append(torch.autograd.grad(loss, list(module.parameters())))
    for number, gradient in enumerate(found):
        wanted = winsorized_mean(torch.stack([g[number] for g in each]), 0.2)
        torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-12)


def test_batch_norm_has_no_gradient_of_a_row():
    net = NeuralNetClassifier(
        nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
        criterion=nn.CrossEntropyLoss, verbose=0,
        callbacks=[BatchStepCallback(WinsorizedGradients(0.1))],
    )  # fmt: skip
    with pytest.raises(BadInputError, match="BatchNorm"):
        net.fit(X.astype("float32"), y)


def test_manifold_mixup_at_the_first_layer_mixes_inputs():
    rows = torch.from_numpy(X[:40])
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    inputs = []
    for layer in (module[0], module[2]):
        layer.register_forward_hook(lambda m, i, o: inputs.append(i[0].detach()))
    model = StepModel(
        encode=lambda batch: batch.dense,
        decode=module,
        loss=lambda o, t, w: cross_entropy(o, t, reduction="none"),
        generators=[torch.Generator().manual_seed(3)],
        module=module,
    )
    batch = Batch(
        dense=rows, codes=None, target=torch.arange(40) % 2, weight=None, count=40
    )
    for place in (0, 1):
        inputs.clear()
        ManifoldMixup(1.0, layers=[place])(model, batch)
        whole = [rows, torch.tanh(module[0](inputs[0])).detach()][place]
        found = inputs[place]
        other = whole.roll(-1, dims=0)
        share = ((found - other) / (whole - other)).median()
        assert 0 < share < 1
        torch.testing.assert_close(found, share * whole + (1 - share) * other)
        assert torch.equal(inputs[0], rows) == (place == 1)
    assert not module[0]._forward_pre_hooks


def test_the_monitor_notes_and_stops():
    monitor = AdversarialMonitor(0.3, n_steps=5, stop_gap=-1.0)
    model = fitted(None, callbacks=[monitor], max_epochs=5)
    assert model.n_iter_ == 1
    assert dict(model.net_.callbacks_)["AdversarialMonitor"].stopped_
    row = model.net_.history[-1]
    assert 0 <= row["pgd_accuracy"] <= row["fgsm_accuracy"] <= 1
    calm = fitted(None, callbacks=[AdversarialMonitor(0.0)], max_epochs=2)
    assert calm.net_.history[-1]["abnormal_rate"] == 0
    assert calm.n_iter_ == 2


def test_training_under_attack_resists_it():
    monitor = AdversarialMonitor(0.3, n_rows=120)
    options = {"max_epochs": 60, "learning_rate": 0.01, "callbacks": [monitor]}
    plain = fitted(None, **options).net_.history[-1]
    hard = fitted(AdversarialStep(0.3), **options).net_.history[-1]
    assert hard["pgd_accuracy"] > plain["pgd_accuracy"]
