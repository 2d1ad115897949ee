# SPDX-License-Identifier: BSD-3-Clause
"""Losses in the nets: by name, in stacks, in files, in plain skorch."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_wine, make_classification
from sklearn.metrics import log_loss
from skorch.callbacks import Callback
from torch import nn

import skoverfit
from skoverfit import neural_network
from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    EnsLoss,
    FocalLoss,
    ForwardCorrectedLoss,
    HingeLoss,
    LDAMLoss,
    PassAtNLoss,
    StackedNets,
    TabularMLPClassifier,
)
from skoverfit.neural_network._losses import CLASSIFICATION_LOSSES
from tests.neural_network._losses import (
    COUNTS,
    EVERY,
    LOSSES,
    ready,
    rows,
)

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


@EVERY
def test_the_state_dict_round_trip(loss):
    told = ready(loss)
    other = copy.deepcopy(loss)
    if told.needs_counts:
        other.prepare(COUNTS[::-1])
    other.load_state_dict(told.state_dict())
    other.reduction = "none"
    torch.testing.assert_close(other(*rows()), told(*rows()))


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
        made = eval(repr(each), vars(neural_network))
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
