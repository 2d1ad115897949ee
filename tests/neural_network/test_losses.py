# SPDX-License-Identifier: BSD-3-Clause
"""Every loss has the right gradient, becomes a known one, and tells probabilities."""

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_wine, make_classification
from sklearn.metrics import log_loss
from skorch.callbacks import Callback
from torch import nn

import skoverfit
from skoverfit.exceptions import BadInputError, SkoverfitWarning, TrainingError
from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    ClassBalancedLoss,
    EnsLoss,
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
    StackedNets,
    SymmetricCrossEntropyLoss,
    TabularMLPClassifier,
)
from skoverfit.neural_network._losses import CLASSIFICATION_LOSSES, get_loss

T = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])
COUNTS = [70, 20, 10]
LOSSES = {
    "backward": BackwardCorrectedLoss(T),
    "balanced": ClassBalancedLoss(0.99),
    "balanced_focal": ClassBalancedLoss(0.9, loss=FocalLoss(1.5)),
    "exponential": ExponentialLoss(),
    "focal": FocalLoss(),
    "focal_flat": FocalLoss(0.5),
    "forward": ForwardCorrectedLoss(T),
    "gce": GeneralizedCrossEntropyLoss(),
    "hinge": HingeLoss(),
    "ldam": LDAMLoss(scale=2.0, reweight_from=0.0, beta=0.99),
    "logit_adjusted": LogitAdjustedLoss(),
    "pass_at_n": PassAtNLoss(8),
    "squared_hinge": SquaredHingeLoss(),
    "stablemax": StableMaxCrossEntropyLoss(label_smoothing=0.1),
    "sce": SymmetricCrossEntropyLoss(),
}
EVERY = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def ready(loss, reduction="none", counts=COUNTS):
    loss = copy.deepcopy(loss).prepare(counts)
    loss.reduction = reduction
    return loss


def rows(n=40, n_classes=3, size=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, n_classes, generator=generator, dtype=torch.float64) * size
    return logits, torch.randint(n_classes, (n,), generator=generator)


def cross_entropy(logits, target):
    return nn.functional.cross_entropy(logits, target, reduction="none")


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


# --- in the net -----------------------------------------------------------------------

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_estimators": 3,
    "max_epochs": 12,
    "random_state": 0,
    "numeric_embedding": None,
}
IN_NET = {name: name for name in CLASSIFICATION_LOSSES} | {
    "backward_corrected": BackwardCorrectedLoss(0.05),
    "forward_corrected": ForwardCorrectedLoss(0.05),
}


@pytest.mark.parametrize("loss", IN_NET.values(), ids=IN_NET)
def test_every_name_trains_and_tells_probabilities(loss):
    X, y = load_wine(return_X_y=True)
    options = {**SMALL, "n_estimators": 2, "max_epochs": 8}
    net = TabularMLPClassifier(loss=loss, **options).fit(X[::2], y[::2])
    proba = net.predict_proba(X[1::2])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (net.classes_[proba.argmax(axis=1)] == net.predict(X[1::2])).all()
    assert net.score(X[1::2], y[1::2]) > 0.85
    assert net.class_prior_.sum() == pytest.approx(1)
    assert log_loss(y[1::2], proba) < 1.0
    back = pickle.loads(pickle.dumps(net))
    np.testing.assert_allclose(back.predict_proba(X[1::2]), proba)


def test_margin_losses_have_honest_probabilities():
    X, y = make_classification(
        1200, 8, n_informative=5, flip_y=0.3, weights=[0.7], random_state=0
    )
    plain = TabularMLPClassifier(**SMALL).fit(X[:600], y[:600])
    base = log_loss(y[600:], plain.predict_proba(X[600:]))
    for loss in ("hinge", "squared_hinge", "ens_loss", "exponential", "focal"):
        net = TabularMLPClassifier(loss=loss, **SMALL).fit(X[:600], y[:600])
        proba = net.predict_proba(X[600:])
        assert log_loss(y[600:], proba) < base + 0.05, loss
        assert proba[:, 1].mean() == pytest.approx(y[:600].mean(), abs=0.05), loss


def test_without_held_out_rows_margin_losses_have_no_probabilities():
    X, y = load_wine(return_X_y=True)
    options = {**SMALL, "early_stopping": False}
    net = TabularMLPClassifier(loss=HingeLoss(), **options)
    assert not hasattr(net, "predict_proba")
    net.fit(X, y)
    assert not hasattr(net, "predict_proba")
    assert net.decision_function(X).shape == (178, 3)
    assert net.score(X, y) > 0.9
    assert hasattr(TabularMLPClassifier(loss=FocalLoss(), **options), "predict_proba")
    assert hasattr(TabularMLPClassifier(loss="no such", **options), "predict_proba")


def test_adjusted_logits_raise_the_rare_class():
    X, y = make_classification(
        800, 8, n_informative=4, weights=[0.93], class_sep=0.6, random_state=0
    )
    plain = TabularMLPClassifier(**SMALL).fit(X, y)
    for loss in ("logit_adjusted", "ldam"):
        net = TabularMLPClassifier(loss=loss, **SMALL).fit(X, y)
        np.testing.assert_allclose(net.class_prior_, 0.5)
        assert (net.predict(X) == 1).mean() > 1.5 * (plain.predict(X) == 1).mean()
    # What is trained is the same model, started at the same place.
    options = {**SMALL, "max_epochs": 1, "learning_rate": 1e-12}
    started = TabularMLPClassifier(loss="logit_adjusted", **options).fit(X, y)
    plain = TabularMLPClassifier(**options).fit(X, y)
    shift = np.log(np.bincount(y)[0] / np.bincount(y)[1])
    np.testing.assert_allclose(
        started._outputs(X)[0] @ [-1, 1], plain._outputs(X)[0] @ [-1, 1] + shift,
        atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("loss", ["ldam", "hinge", "pass_at_n", "ens_loss"])
def test_a_net_of_a_stack_is_trained_as_alone(loss):
    from skoverfit.neural_network._prepared import Prepared
    from skoverfit.neural_network._training import train_stack

    X, y = load_wine(return_X_y=True)
    model = TabularMLPClassifier(loss=loss, **SMALL, dtype="float64", dropout=0.1)
    settings = model._settings()
    prepared, _ = model._prepare(X, y, None, settings, hold_out=True)
    dense = torch.from_numpy(prepared.rows.dense)
    together = train_stack([prepared], [settings]).outputs(dense)
    for k in range(3):
        parts = vars(prepared) | {
            "train": prepared.train[k : k + 1],
            "valid": prepared.valid[k : k + 1],
            "seeds": prepared.seeds[k : k + 1],
            "bias": prepared.bias[k : k + 1],
            "linear": prepared.linear[k : k + 1],
        }
        own = model._settings()
        if hasattr(own.loss, "prepare"):
            own.loss.prepare(settings.loss._told_counts)
        alone = train_stack([Prepared(**parts)], [own]).outputs(dense)
        torch.testing.assert_close(alone[0], together[k], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "together"),
    [
        ("ens_loss", True),
        (EnsLoss(lam_range=(-1.0, 1.0), period=2, eval_loss="zero_one"), True),
        ("focal", True),
        ("hinge", True),
        ("ldam", False),
    ],
    ids=str,
)
def test_estimators_in_a_stack_are_as_alone(loss, together):
    X, y = load_wine(return_X_y=True)
    options = {**SMALL, "n_estimators": 2, "dtype": "float64", "max_epochs": 40,
               "n_iter_no_change": 2, "learning_rate": 0.01}  # fmt: skip
    nets = [TabularMLPClassifier(loss=loss, **options | {"random_state": k})
            for k in range(4)]  # fmt: skip
    rows = [np.flatnonzero(np.arange(178) % 7 != k) for k in range(4)]
    rows[3] = rows[3][:-1]
    stack = StackedNets(nets).fit(X, y, rows=rows)
    assert (len(stack.groups_) == 1) is together
    for net, own, part in zip(nets, stack.estimators_, rows, strict=True):
        alone = clone(net).fit(X[part], y[part])
        assert own.best_epochs_ == alone.best_epochs_
        np.testing.assert_allclose(
            own.predict_proba(X), alone.predict_proba(X), rtol=1e-4, atol=1e-7
        )


def test_class_counts_follow_weights_and_partial_fits():
    X, y = load_wine(return_X_y=True)
    weight = np.where(y == 0, 3.0, 1.0)
    net = TabularMLPClassifier(loss="class_balanced", **SMALL).fit(X, y, weight)
    total = np.bincount(y, weight)
    np.testing.assert_allclose(net._class_counts, total / total.sum() * 178)
    net = TabularMLPClassifier(loss="logit_adjusted", **SMALL)
    net.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    net.partial_fit(X[y == 2], y[y == 2])
    np.testing.assert_allclose(net._class_counts, np.bincount(y))
    np.testing.assert_allclose(net.net_.criterion_.class_counts, np.bincount(y))


def test_only_losses_that_need_the_counts_depend_on_them():
    for name, loss in LOSSES.items():
        first, second = (ready(loss, counts=c) for c in (COUNTS, COUNTS[::-1]))
        differ = not torch.equal(first(*rows()), second(*rows()))
        assert first.needs_counts is differ, name
        assert bool(list(first.buffers())) is differ, name


def test_losses_as_parameters_are_copied():
    loss = FocalLoss(gamma=3)
    net = TabularMLPClassifier(loss=loss, **SMALL)
    assert repr(clone(net).loss) == "FocalLoss(gamma=3.0)"
    X, y = load_wine(return_X_y=True)
    net.fit(X, y)
    assert loss._told_counts is None
    assert loss.reduction == "mean"
    for each in LOSSES.values():
        back = pickle.loads(pickle.dumps(each))
        assert repr(back) == repr(each) == repr(copy.deepcopy(each))
        made = eval(repr(each))
        assert repr(made) == repr(each)
        torch.testing.assert_close(ready(made)(*rows()), ready(each)(*rows()))


@pytest.mark.parametrize(
    "loss",
    [*LOSSES.values(), "hinge", "ldam", LDAMLoss(reweight_from=0.5), EnsLoss()],
    ids=str,
)
def test_a_net_with_a_loss_is_saved_and_goes_on(loss, tmp_path):
    X, y = load_wine(return_X_y=True)
    options = {**SMALL, "n_estimators": 2, "max_epochs": 3}
    net = TabularMLPClassifier(loss=loss, **options).fit(X, y)
    skoverfit.save(net, tmp_path / "net.skops")
    back = skoverfit.load(tmp_path / "net.skops")
    assert repr(back.loss) == repr(loss)
    np.testing.assert_array_equal(back.predict_proba(X), net.predict_proba(X))
    for each in (back, net):
        each.partial_fit(X, y)
    np.testing.assert_allclose(
        back.decision_function(X), net.decision_function(X), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "loss", [LDAMLoss(reweight_from=0.5), EnsLoss(lam_range=(-1.0, 1.0), period=2)]
)
def test_a_training_that_was_cut_off_goes_on(loss, tmp_path):
    X, y = load_wine(return_X_y=True)
    path = tmp_path / "run.ckpt"
    options = {**SMALL, "loss": loss, "early_stopping": False, "max_epochs": 6}
    whole = TabularMLPClassifier(**options).fit(X, y)

    class PowerCut(Callback):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise OSError("power cut")

    saving = {"checkpoint": path, "checkpoint_every": 1, "callbacks": [PowerCut()]}
    with pytest.raises(OSError, match="power cut"):
        TabularMLPClassifier(**options, **saving).fit(X, y)
    resumed = TabularMLPClassifier(**options, resume_from=path).fit(X, y)
    np.testing.assert_array_equal(resumed._outputs(X), whole._outputs(X))


def test_a_loss_in_a_plain_skorch_net():
    from skorch import NeuralNetClassifier

    X, y = load_wine(return_X_y=True)
    X = ((X - X.mean(0)) / X.std(0)).astype("float32")
    net = NeuralNetClassifier(
        nn.Linear(13, 3), criterion=HingeLoss, criterion__reduction="mean", lr=0.3,
        train_split=None, verbose=0, max_epochs=15,
    )  # fmt: skip
    assert net.fit(X, y).score(X, y) > 0.9


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logits", "target", "weight", "message"),
    [
        (torch.zeros(4, 1), torch.zeros(4).long(), None, r"shape \(4, 1\)"),
        (torch.zeros(1, 4, 3), torch.zeros(4).long(), None, r"shape \(1, 4, 3\)"),
        (torch.zeros(4, 3), torch.zeros(3).long(), None, r"4 class codes.*\(3,\)"),
        (torch.zeros(2, 3), torch.tensor([0, 3]), None, r"code 3.*from 0 to 2"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(3), r"\(3,\).* 4 rows"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(4, 1), r"\(4, 1\).* 4"),
    ],
)
@EVERY
def test_every_loss_tells_a_bad_shape(loss, logits, target, weight, message):
    with pytest.raises(BadInputError, match=message):
        ready(loss)(logits, target, weight)


@pytest.mark.parametrize("loss", ["cross_entropy", "ens_loss", "hinge", "exponential"])
def test_a_learning_rate_that_explodes_is_named_at_its_step(loss):
    X, y = make_classification(120, 4, n_redundant=0, random_state=0)
    net = TabularMLPClassifier(
        (8,), n_estimators=1, loss=loss, optimizer="sgd", learning_rate=1e6,
        early_stopping=False, linear_start=False, warmup_epochs=0, random_state=0,
    )  # fmt: skip
    with pytest.raises(
        TrainingError, match=r"at step \d+ .*learning rate is 1e\+06.*try learning_rate"
    ):
        net.fit(X, y)
    assert not hasattr(net, "net_")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss(-1), r"'gamma' parameter of FocalLoss.*\[0, inf\).*-1"),
        (lambda: GeneralizedCrossEntropyLoss(0), r"'q' parameter.*\(0, 1\].*Got 0"),
        (lambda: PassAtNLoss(0), r"'n_samples' parameter of PassAtNLoss.*Got 0"),
        (lambda: PassAtNLoss(2.5), r"'n_samples'.*integer.*2\.5"),
        (lambda: SymmetricCrossEntropyLoss(0), r"'alpha'.*Got 0"),
        (lambda: LDAMLoss(reweight_from=2), r"'reweight_from'.*Got 2"),
        (lambda: ClassBalancedLoss(1.5), r"'beta'.*Got 1\.5"),
        (lambda: ClassBalancedLoss(loss=nn.L1Loss()), r"'loss'.*L1Loss"),
        (lambda: HingeLoss(reduction="max"), r"'reduction'.*\['mean'.*Got 'max'"),
        (lambda: ForwardCorrectedLoss([[0.9, 0.2], [0, 1]]), r"Row 0 sums to 1\.1"),
        (lambda: ForwardCorrectedLoss([[1, 0, 0]]), r"as many rows.*\(1, 3\)"),
        (lambda: ForwardCorrectedLoss([[1.5, -0.5], [0, 1]]), r"at least 0.*-0\.5"),
        (lambda: ForwardCorrectedLoss([[1, 0], [1, 0]]), r"Column 1 is 0"),
        (lambda: ForwardCorrectedLoss("x"), r"'transition_matrix'.*Got 'x'"),
        (lambda: ForwardCorrectedLoss(1.0), r"'transition_matrix'.*Got 1\.0"),
        (lambda: BackwardCorrectedLoss([[0.5, 0.5], [0.5, 0.5]]), r"inverted.*cond"),
        (lambda: LDAMLoss().prepare([3]), r"class_counts.*\(1,\)"),
        (lambda: LDAMLoss().prepare([3, -1]), r"class_counts.*-1"),
        (lambda: LDAMLoss()(*rows()), r"LDAMLoss needs.*class counts.*prepare"),
        (lambda: ForwardCorrectedLoss()(*rows()), r"needs a transition_matrix"),
        (lambda: ForwardCorrectedLoss(np.eye(2))(*rows()), r"3 columns.*2 classes"),
        (lambda: LDAMLoss().prepare([1, 2])(*rows()), r"3 columns.*2 classes"),
        (lambda: HingeLoss()(torch.zeros(4, 1), torch.zeros(4).long()), r"\(4, 1\)"),
        (lambda: HingeLoss()(torch.zeros(4, 2), torch.zeros(3).long()), r"4 class.*3"),
        (lambda: HingeLoss()(torch.zeros(4, 2), torch.zeros(4)), r"int64.*float32"),
        (lambda: HingeLoss()(torch.zeros(1, 2), torch.tensor([2])), r"code 2.*0 to 1"),
        (lambda: HingeLoss()(torch.zeros(1, 2), torch.tensor([-1])), r"code -1"),
        (lambda: HingeLoss()(*rows(), torch.ones(3)), r"sample_weight.*\(3,\).*40"),
        (lambda: get_loss("logit_ajusted", CLASSIFICATION_LOSSES), "logit_adjusted"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(make, message):
    with pytest.raises(BadInputError, match=message):
        make()


def test_a_badly_conditioned_matrix_is_warned_of():
    with pytest.warns(SkoverfitWarning, match="condition number"):
        BackwardCorrectedLoss([[0.5001, 0.4999], [0.4999, 0.5001]])


def test_a_matrix_of_other_classes_is_told_before_any_work():
    X, y = load_wine(return_X_y=True)
    net = TabularMLPClassifier(loss=ForwardCorrectedLoss(np.eye(2)), **SMALL)
    with pytest.raises(BadInputError, match=r"3 columns.*2 classes"):
        net.fit(X, y)
    net = TabularMLPClassifier(loss="forward_corrected", **SMALL)
    with pytest.raises(BadInputError, match="needs a transition_matrix"):
        net.fit(X, y)


def test_smoothed_labels_are_for_cross_entropy():
    net = TabularMLPClassifier(loss="hinge", label_smoothing=0.1)
    with pytest.raises(BadInputError, match=r"label_smoothing=0\.1.*Got loss='hinge'"):
        net.fit([[0.0], [1.0]], [0, 1])


def test_names_are_classes_of_one_signature():
    for name, kind in CLASSIFICATION_LOSSES.items():
        loss = get_loss(name, CLASSIFICATION_LOSSES)
        assert type(loss) is kind
        assert loss.reduction == "none"
    assert isinstance(get_loss(EnsLoss, CLASSIFICATION_LOSSES), EnsLoss)


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


def test_a_net_leaves_done_rows_out():
    X, y = make_classification(200, random_state=0)
    small = {"n_estimators": 2, "max_epochs": 5, "random_state": 0}
    nets = [
        TabularMLPClassifier(loss=PassAtNLoss(4, ignore_below=least), **small).fit(X, y)
        for least in (None, 0.0, 0.4)
    ]
    p = [net.predict_proba(X) for net in nets]
    np.testing.assert_allclose(p[0], p[1], atol=1e-5)
    assert np.abs(p[0] - p[2]).max() > 1e-3
