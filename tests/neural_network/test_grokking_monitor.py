# SPDX-License-Identifier: BSD-3-Clause
"""What the monitor notes is what predictions say, in our nets and in skorch's."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from skorch import NeuralNetClassifier
from torch import nn

import skoverfit
from skoverfit.datasets import make_xor_clusters
from skoverfit.neural_network import (
    GrokkingMonitor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))
CLEAN = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
NOISY = np.where(RNG.random(150) < 0.2, np.where(CLEAN == "yes", "no", "yes"), CLEAN)
NEW = RNG.normal(size=(90, 6))
Y_NEW = np.where(NEW[:, 0] + NEW[:, 1] > 0, "yes", "no")


def net(monitor, **options):
    return TabularMLPClassifier(
        **{
            "hidden_layer_sizes": (16,),
            "n_estimators": 1,
            "early_stopping": False,
            "max_epochs": 4,
            "callbacks": [monitor],
            "random_state": 0,
            **options,
        }
    )


def test_the_last_look_is_what_the_fitted_net_predicts():
    monitor = GrokkingMonitor(NEW, Y_NEW, y_clean=CLEAN)
    model = net(monitor).fit(X, NOISY)
    last, wrong = model.history_[-1], NOISY != CLEAN
    assert last["train_accuracy"] == pytest.approx(model.score(X, NOISY))
    assert last["test_accuracy"] == pytest.approx(model.score(NEW, Y_NEW))
    assert last["flipped_accuracy"] == pytest.approx(
        model.score(X[wrong], NOISY[wrong])
    )
    assert [row["step"] for row in model.history_] == [
        model.net_.n_steps_ * (k + 1) // 4 for k in range(4)
    ]
    assert not hasattr(monitor, "records_")  # a copy was told


def test_looking_changes_no_training():
    seen = net(GrokkingMonitor(NEW, Y_NEW)).fit(X, NOISY)
    alone = net(GrokkingMonitor(NEW, Y_NEW)).set_params(callbacks=None).fit(X, NOISY)
    np.testing.assert_array_equal(seen.predict_proba(NEW), alone.predict_proba(NEW))
    assert "flipped_accuracy" not in seen.history_[-1]


def test_every_net_is_judged_on_the_rows_that_it_trains_on():
    model = net(
        GrokkingMonitor(NEW, Y_NEW, y_clean=CLEAN),
        n_estimators=3,
        early_stopping=True,
        n_iter_no_change=50,
        max_epochs=2,
    ).fit(X, NOISY)
    (monitor,) = (c for _, c in model.net_.callbacks_)
    assert monitor.records_[0]["step"] == model.history_[0]["step"]
    assert 0 <= model.history_[1]["flipped_accuracy"] <= 1


def test_frames_with_texts_and_looks_now_and_then():
    def frame(table, labels):
        words = np.where(labels == "yes", "a", "b")
        return pd.DataFrame(table[:, :2], columns=["u", "v"]).assign(word=words)

    model = net(
        GrokkingMonitor(frame(NEW, Y_NEW), Y_NEW, every=2), max_epochs=4, batch_size=32
    ).fit(frame(X, CLEAN), CLEAN)
    looks = ["test_accuracy" in row for row in model.history_]
    assert looks == [False, True, False, True]
    assert model.history_[-1]["test_accuracy"] == pytest.approx(
        model.score(frame(NEW, Y_NEW), Y_NEW)
    )


def test_what_was_noted_is_in_the_file_and_in_the_pickle(tmp_path):
    model = net(GrokkingMonitor(NEW, Y_NEW, y_clean=CLEAN)).fit(X, NOISY)
    # Callbacks are code that loading would run: whoever loads them names them.
    known = [GrokkingMonitor]
    skoverfit.save(model, tmp_path / "net.skops", trusted=known)
    for again in (
        skoverfit.load(tmp_path / "net.skops", trusted=known),
        pickle.loads(pickle.dumps(model)),
    ):
        assert again.history_ == model.history_
        ((_, monitor),) = again.net_.callbacks_
        assert len(monitor.records_) == 4


class XorNet(nn.Module):
    """The paper's net: fixed signs behind, and outputs that are log-odds."""

    def __init__(self, n_features, width=64, omega=1e-4, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.w = nn.Parameter(
            omega * torch.randn(width, n_features, generator=generator)
        )
        signs = torch.arange(width) % 2 * 2.0 - 1
        self.register_buffer("a", signs / width**0.5)

    def forward(self, x):
        margin = (x @ self.w.T).relu() @ self.a
        return torch.stack([torch.zeros_like(margin), margin], dim=-1)


def by_hand(table, y, clean, n, steps):
    """Whole-batch gradient descent on the logistic loss, written out in numpy."""
    model = XorNet(table.shape[1])
    w, a = model.w.detach().double().numpy(), model.a.double().numpy()
    signs, seen = 2.0 * y[:n] - 1, []
    for _ in range(steps):
        hidden = table[:n] @ w.T
        margin = signs * (np.maximum(hidden, 0) @ a)
        slope = -signs / (1 + np.exp(margin)) / n
        w = w - 0.1 * ((slope[:, None] * a * (hidden > 0)).T @ table[:n])
        said = np.maximum(table @ w.T, 0) @ a > 0
        wrong = np.flatnonzero(y[:n] != clean[:n])
        seen.append(
            [
                np.mean(said[:n] == (y[:n] == 1)),
                np.mean(said[wrong] == (y[wrong] == 1)),
                np.mean(said[n:] == (clean[n:] == 1)),
            ]
        )
    return np.array(seen)


def test_gradient_descent_by_hand_and_a_plain_skorch_net_see_the_same_grokking():
    table, y, clean, _ = make_xor_clusters(
        500, 800, class_sep=10, return_clean=True, random_state=1
    )
    n, steps = 100, 12
    wanted = by_hand(table, y, clean, n, steps)
    rows = table.astype(np.float64)
    monitor = GrokkingMonitor(rows[n:], clean[n:], y_clean=clean[:n])
    model = NeuralNetClassifier(
        XorNet(800).double(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=0.1,
        batch_size=n,
        max_epochs=steps,
        train_split=None,
        callbacks=[monitor],
        verbose=0,
    ).fit(rows[:n], y[:n])
    names = ("train_accuracy", "flipped_accuracy", "test_accuracy")
    found = np.array([[row[name] for name in names] for row in monitor.records_])
    np.testing.assert_allclose(found, wanted)
    assert [row["step"] for row in monitor.records_] == list(range(1, steps + 1))
    np.testing.assert_allclose(model.history[:, "test_accuracy"], wanted[:, 2])
    # Wrong labels are learnt at once, the clusters later.
    assert wanted[0, 2] < 0.75 < 0.95 < wanted[-1, 2]
    assert wanted[-1, 1] == 1


def test_bad_input_is_named():
    for parameters, match in (
        ({"every": 0}, r"'every' parameter of GrokkingMonitor.*Got 0"),
        ({"y_clean": CLEAN[:9]}, r"'y_clean'.*has 9 labels, but .* on 150 rows"),
        ({"y_clean": np.full(150, "maybe")}, r"'y_clean'.*'maybe', which is not in y"),
    ):
        with pytest.raises(ValueError, match=match):
            net(GrokkingMonitor(NEW, Y_NEW, **parameters)).fit(X, NOISY)
    with pytest.raises(ValueError, match="X has 90 rows, but y has 3 labels"):
        net(GrokkingMonitor(NEW, Y_NEW[:3])).fit(X, NOISY)
    regressor = TabularMLPRegressor(
        (4,), callbacks=[GrokkingMonitor(NEW, NEW[:, 0])], max_epochs=1
    )
    with pytest.raises(ValueError, match="needs classes, not numbers"):
        regressor.fit(X, X[:, 0])
