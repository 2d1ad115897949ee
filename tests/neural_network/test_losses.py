# SPDX-License-Identifier: BSD-3-Clause
"""Every loss has the right gradient, becomes a known one, and tells probabilities."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    ClassBalancedLoss,
    ExponentialLoss,
    FocalLoss,
    ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss,
    HingeLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    PassAtNLoss,
    SquaredHingeLoss,
    StableMaxCrossEntropyLoss,
    SymmetricCrossEntropyLoss,
)
from tests.neural_network._losses import (
    COUNTS,
    EVERY,
    LOSSES,
    T,
    cross_entropy,
    ready,
    rows,
)

# --- gradients ------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradients_are_those_of_finite_differences(loss, reduction):
    logits, target = rows(6)
    loss = ready(loss, reduction)
    weight = torch.linspace(0.5, 2, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda z: loss(z, target, weight), logits.requires_grad_()
    )


@EVERY
@pytest.mark.parametrize("size", [1e-3, 300.0])
def test_values_and_gradients_stay_finite(loss, size):
    if isinstance(loss, ExponentialLoss):  # overflows as its name says
        size = min(size, 5.0)
    logits, target = rows(200)
    for kind in (torch.float32, torch.float64):
        z = (logits.detach() * size).to(kind).requires_grad_()
        values = ready(loss)(z, target)
        values.sum().backward()
        assert values.dtype == kind
        assert torch.isfinite(values).all()
        assert torch.isfinite(z.grad).all()


@EVERY
def test_logs_of_probabilities_are_finite_and_sum_to_one(loss):
    for size in (1.0, 100.0):
        logs = ready(loss).log_probabilities(rows(50)[0] * size)
        assert not logs.isnan().any()
        torch.testing.assert_close(logs.exp().sum(1), torch.ones(50).double())


# --- limits ---------------------------------------------------------------------------

EVEN = [50, 50, 50]


@pytest.mark.parametrize(
    ("loss", "counts"),
    [
        (FocalLoss(0), COUNTS),
        (GeneralizedCrossEntropyLoss(1e-9), COUNTS),
        (LDAMLoss(0.0), COUNTS),
        (LogitAdjustedLoss(), EVEN),
        (LogitAdjustedLoss(0.0), COUNTS),
        (ClassBalancedLoss(), EVEN),
        (ClassBalancedLoss(0.0), COUNTS),
        (ForwardCorrectedLoss(np.eye(3)), COUNTS),
        (ForwardCorrectedLoss(0.0), COUNTS),
        (BackwardCorrectedLoss(np.eye(3)), COUNTS),
        (SymmetricCrossEntropyLoss(1.0, 0.0), COUNTS),
        (PassAtNLoss(1), COUNTS),
    ],
    ids=repr,
)
def test_limits_are_cross_entropy(loss, counts):
    logits, target = rows()
    z, w = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    values, wanted = ready(loss, counts=counts)(z, target), cross_entropy(w, target)
    torch.testing.assert_close(values, wanted, rtol=1e-6, atol=1e-7)
    values.sum().backward()
    wanted.sum().backward()
    torch.testing.assert_close(z.grad, w.grad, rtol=1e-6, atol=1e-7)


def test_other_limits_and_definitions():
    logits, target = rows()
    p = logits.softmax(1).gather(1, target[:, None])[:, 0]
    check = torch.testing.assert_close
    check(ready(GeneralizedCrossEntropyLoss(1.0))(logits, target), 1 - p)
    check(ready(FocalLoss(3))(logits, target), -((1 - p) ** 3) * p.log())
    check(ready(PassAtNLoss(5))(logits, target), -(1 - (1 - p) ** 5).log())
    check(
        ready(SymmetricCrossEntropyLoss(0.3, 2.0))(logits, target),
        -0.3 * p.log() + 2.0 * 4 * (1 - p),
    )
    s = torch.where(logits >= 0, logits + 1, 1 / (1 - logits))
    s = s / s.sum(1, keepdim=True)
    check(
        ready(StableMaxCrossEntropyLoss())(logits, target),
        -s.gather(1, target[:, None])[:, 0].log(),
    )
    mixed = logits.softmax(1) @ torch.from_numpy(T)
    check(
        ready(ForwardCorrectedLoss(T))(logits, target),
        -mixed.gather(1, target[:, None])[:, 0].log(),
    )
    adjusted = logits + (torch.tensor(COUNTS) / 100).double().log()
    check(ready(LogitAdjustedLoss())(logits, target), cross_entropy(adjusted, target),
          rtol=1e-6, atol=1e-6)  # fmt: skip


def test_margin_losses_of_two_classes_are_the_textbook_ones():
    logits, target = rows(n_classes=2)
    m = (2 * target - 1) * (logits[:, 1] - logits[:, 0]) / 2
    for loss, wanted in (
        (HingeLoss(), (1 - m).clamp(min=0)),
        (SquaredHingeLoss(), (1 - m).clamp(min=0) ** 2),
        (ExponentialLoss(), (-m).exp()),
    ):
        torch.testing.assert_close(ready(loss, counts=[1, 1])(logits, target), wanted)


def test_pass_at_n_damps_the_gradient_of_cross_entropy():
    logits, target = rows()
    z, w = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    ready(PassAtNLoss(6))(z, target).sum().backward()
    cross_entropy(w, target).sum().backward()
    p = logits.softmax(1).gather(1, target[:, None])
    factor = 6 * p * (1 - p) ** 5 / (1 - (1 - p) ** 6)
    torch.testing.assert_close(z.grad, factor * w.grad)


def test_pass_at_n_of_hopeless_and_of_certain_rows():
    z = torch.tensor([[-80.0, 0.0], [60.0, 0.0]]).double().requires_grad_()
    values = ready(PassAtNLoss(16), counts=[1, 1])(z, torch.tensor([0, 0]))
    assert values[0].item() == pytest.approx(80 - np.log(16))
    assert 0 <= values[1].item() < 1e-15
    values.sum().backward()
    assert z.grad[0, 0].item() == pytest.approx(-1)
    assert z.grad[1].abs().max() < 1e-12


def test_stablemax_has_a_slope_at_zero_and_no_collapse():
    z = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    ready(StableMaxCrossEntropyLoss(), counts=[1, 1])(z, torch.tensor([1])).backward()
    torch.testing.assert_close(z.grad, torch.tensor([[0.5, -0.5]]).double())
    far = torch.tensor([[0.0, 50.0]], requires_grad=True)
    assert cross_entropy(far, torch.tensor([1])).item() == 0
    ready(StableMaxCrossEntropyLoss(), counts=[1, 1])(far, torch.tensor([1])).backward()
    assert far.grad.abs().min() > 0
    big = torch.tensor([[1e30, -1e30]], dtype=torch.float64)
    assert torch.isfinite(
        ready(StableMaxCrossEntropyLoss(), counts=[1, 1])(big, torch.tensor([1]))
    )


def test_backward_correction_is_right_on_average():
    logits, _ = rows(5)
    loss = ready(BackwardCorrectedLoss(T))
    by_label = [loss(logits, torch.full((5,), k)) for k in range(3)]
    for true in range(3):
        mean = sum(T[true, k] * by_label[k] for k in range(3))
        wanted = cross_entropy(logits, torch.full((5,), true))
        torch.testing.assert_close(mean, wanted)


def test_margins_of_ldam_and_its_late_weights():
    logits, target = rows()
    loss = LDAMLoss(0.7, scale=3.0, reweight_from=0.5, beta=0.9, reduction="none")
    loss.prepare(COUNTS)
    margins = torch.tensor(COUNTS).double() ** -0.25
    margins = 0.7 * margins / margins.max()
    moved = logits - nn.functional.one_hot(target, 3) * margins
    plain = cross_entropy(3 * moved, target)
    weights = 0.1 / (1 - 0.9 ** torch.tensor(COUNTS).double())
    weights = weights * 3 / weights.sum()
    loss.on_epoch_begin(4, 10)
    torch.testing.assert_close(loss(logits, target), plain, rtol=1e-6, atol=1e-6)
    weighed = plain * weights[target]
    loss.eval()  # epochs can be compared
    torch.testing.assert_close(loss(logits, target), weighed, rtol=1e-5, atol=1e-6)
    loss.train().on_epoch_begin(5, 10)
    torch.testing.assert_close(loss(logits, target), weighed, rtol=1e-5, atol=1e-6)


def test_effective_numbers_between_none_and_inverse_counts():
    logits, target = rows()
    inverse = 1 / torch.tensor(COUNTS).double()
    inverse = inverse * 3 / inverse.sum()
    loss = ready(ClassBalancedLoss(1.0))
    torch.testing.assert_close(
        loss(logits, target), cross_entropy(logits, target) * inverse[target],
        rtol=1e-6, atol=1e-6,
    )  # fmt: skip


# --- symmetries -----------------------------------------------------------------------


@EVERY
def test_rows_and_classes_may_change_places(loss):
    logits, target = rows()
    values = ready(loss)(logits, target)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ready(loss)(logits[order], target[order]), values[order])
    places = torch.tensor([2, 0, 1])  # new column k was places[k]
    other = copy.deepcopy(loss)
    if hasattr(other, "transition_matrix"):
        other = type(loss)(T[places][:, places])
    other = ready(other, counts=[COUNTS[k] for k in places])
    torch.testing.assert_close(
        other(logits[:, places], places.argsort()[target]), values
    )


@EVERY
def test_weights_are_repetition(loss):
    logits, target = rows(6)
    times = torch.tensor([1, 2, 0, 3, 1, 1])
    repeated = logits.repeat_interleave(times, 0), target.repeat_interleave(times)
    for reduction in ("mean", "sum"):
        own = ready(loss, reduction)
        torch.testing.assert_close(own(logits, target, times.double()), own(*repeated))


# --- probabilities --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [n for n, loss in LOSSES.items()
     if not loss.needs_calibration and n not in ("stablemax", "forward", "backward")],
)  # fmt: skip
def test_the_logits_that_minimize_a_loss_tell_the_probabilities(name):
    loss = ready(LOSSES[name])
    truth = np.array([0.5, 0.3, 0.2])
    labels = torch.arange(3)

    def risk(f):
        z = torch.tensor(f).requires_grad_()
        value = (loss(z.expand(3, 3), labels) * torch.from_numpy(truth)).sum()
        value.backward()
        return value.item(), z.grad.numpy()

    found = minimize(risk, np.zeros(3), jac=True, tol=1e-14, method="BFGS").x
    told = loss.log_probabilities(torch.from_numpy(found)).exp().numpy()
    shares = np.array(COUNTS) / 100
    wanted = truth
    if name in ("ldam", "logit_adjusted"):
        wanted = truth / shares
    elif name.startswith("balanced"):
        wanted = truth * loss.class_prior().numpy() / shares
    np.testing.assert_allclose(told, wanted / wanted.sum(), atol=1e-4)
    assert loss.class_prior().sum().item() == pytest.approx(1)


def test_corrected_losses_find_the_true_classes():
    truth = np.array([0.5, 0.3, 0.2])
    observed = truth @ T
    for loss in (ready(ForwardCorrectedLoss(T)), ready(BackwardCorrectedLoss(T))):

        def risk(f, loss=loss):
            z = torch.tensor(f).requires_grad_()
            each = loss(z.expand(3, 3), torch.arange(3))
            value = (each * torch.from_numpy(observed)).sum()
            value.backward()
            return value.item(), z.grad.numpy()

        found = minimize(risk, np.zeros(3), jac=True, tol=1e-14, method="BFGS").x
        told = loss.log_probabilities(torch.from_numpy(found)).exp().numpy()
        np.testing.assert_allclose(told, truth, atol=1e-5)
        loss.prepare(observed * 1000)
        np.testing.assert_allclose(loss.class_prior().numpy(), truth, atol=1e-6)


def test_pull_of_pass_at_n_is_the_ratio_of_gradients():
    log_p = torch.linspace(-30, -1e-9, 400, dtype=torch.float64)
    for n in (1, 2, 16, 256):
        at = log_p.clone().requires_grad_()
        PassAtNLoss(n)._loss(at).sum().backward()
        # The slope of cross-entropy in log p is -1.
        np.testing.assert_allclose(PassAtNLoss(n).pull(log_p), -at.grad, atol=1e-7)


def test_rows_that_are_done_are_left_out_of_the_mean():
    logits = torch.tensor([[9.0, 0.0], [0.0, 0.0], [0.0, 1.0]], requires_grad=True)
    target = torch.tensor([0, 0, 0])
    weight = torch.tensor([5.0, 1.0, 3.0])
    loss = PassAtNLoss(4, ignore_below=0.1)
    plain = PassAtNLoss(4)
    value = loss(logits, target)
    torch.testing.assert_close(value, plain(logits[1:], target[1:]))
    value.backward()
    assert (logits.grad[0] == 0).all()
    assert (logits.grad[1:] != 0).all()
    torch.testing.assert_close(
        loss(logits, target, weight), plain(logits[1:], target[1:], weight[1:])
    )
    # Each net of a stack has rows of its own, and a row of weight 0 is none.
    stacked = torch.stack([logits, logits.flip(0)]).detach()
    rows = loss.rows_of_nets(stacked, target.expand(2, 3), torch.ones(2, 3))
    torch.testing.assert_close(rows[0], rows[1].flip(0))
    padded = loss.rows_of_nets(stacked[0], target, torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(padded[1], 2 * plain(logits[1:2], target[1:2]))
    loss.eval()
    torch.testing.assert_close(loss(logits, target), plain(logits, target))


def test_a_batch_in_which_all_rows_are_done_has_no_gradient():
    logits = torch.tensor([[9.0, 0.0]], requires_grad=True)
    value = PassAtNLoss(4, ignore_below=0.5)(logits, torch.tensor([0]))
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()
    with pytest.raises(BadInputError, match=r"'ignore_below'.*\[0, 1\].*Got 2"):
        PassAtNLoss(ignore_below=2)
    assert repr(PassAtNLoss(4, ignore_below=0.5)).endswith("ignore_below=0.5)")
    assert pickle.loads(pickle.dumps(PassAtNLoss(ignore_below=0.5))).ignore_below == 0.5
