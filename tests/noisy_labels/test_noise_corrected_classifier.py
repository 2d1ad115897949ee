# SPDX-License-Identifier: BSD-3-Clause
"""Corrected training: plain without noise, clean with the right matrix."""

import io

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import cross_entropy

import skoverfit
from skoverfit.datasets import make_label_noise, make_transition_matrix
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    ForwardCorrectedLoss,
    LearnedTransitionLoss,
    TabularMLPClassifier,
)
from skoverfit.noisy_labels import NoiseCorrectedClassifier

NET = TabularMLPClassifier(
    (16,), n_estimators=1, max_epochs=15, dropout=0.0, random_state=0
)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(600, centers=3, cluster_std=0.7, random_state=1)
    return X, y, make_label_noise(y, rate=0.3, kind="pair", random_state=0)


@pytest.mark.parametrize("correction", ["forward", "backward"])
def test_an_estimate_of_no_noise_leaves_cross_entropy(correction):
    X, y = make_blobs(300, centers=3, cluster_std=0.3, random_state=1)
    model = NoiseCorrectedClassifier(NET, correction=correction, random_state=0)
    model.fit(X, y)
    assert np.array_equal(model.transition_matrix_, np.eye(3))
    assert model.noise_rate_ == 0
    plain = TabularMLPClassifier(**NET.get_params()).fit(X, y)
    assert np.allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-5)


def test_forward_finds_the_true_classes_and_says_their_shares(blobs):
    X, y, noisy = blobs
    T = make_transition_matrix(3, 0.3, "pair")
    model = NoiseCorrectedClassifier(NET, transition_matrix=T, random_state=0)
    model.fit(X, noisy)
    assert model.score(X, y) > 0.97
    truth = model.predict_proba(X)[np.arange(len(y)), y].mean()
    assert truth > 0.9  # the labels' own probability would be 0.7
    assert model.noise_rate_ == pytest.approx(0.3, abs=1e-6)
    rate = NoiseCorrectedClassifier(NET, transition_matrix=0.3, random_state=0)
    wanted = make_transition_matrix(3, 0.3)
    assert np.allclose(rate.fit(X, noisy).transition_matrix_, wanted)


def test_revision_mends_a_wrong_matrix(blobs):
    X, _, noisy = blobs
    T, wrong = make_transition_matrix(3, 0.3, "pair"), make_transition_matrix(3, 0.45)
    net = TabularMLPClassifier(
        (16,), n_estimators=1, max_epochs=60, early_stopping=False, random_state=0
    )
    model = NoiseCorrectedClassifier(
        net, correction="revision", transition_matrix=wrong
    ).fit(X, noisy)
    before, after = (np.abs(M - T).sum() for M in (wrong, model.transition_matrix_))
    assert after < before / 2
    assert np.allclose(model.transition_matrix_.sum(axis=1), 1)


def test_a_revised_matrix_survives_a_safe_file(blobs, tmp_path):
    X, _, noisy = blobs
    model = NoiseCorrectedClassifier(
        NET, correction="revision", transition_matrix=0.3, random_state=0
    )
    model.fit(X, noisy)
    skoverfit.save(model, tmp_path / "model.skops")
    loaded = skoverfit.load(tmp_path / "model.skops")
    learned = loaded.estimator_.net_.criterion_.learned_matrix
    assert np.allclose(learned, model.transition_matrix_)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_texts_weights_and_the_seed(blobs):
    X, noisy = blobs[0][:150], blobs[2][:150]
    names = np.array(["a", "b", "c"])[noisy]
    weight = np.linspace(0.5, 1.5, len(X))
    models = [
        NoiseCorrectedClassifier(
            TabularMLPClassifier((8,), n_estimators=1, max_epochs=3), random_state=3
        ).fit(X, names, sample_weight=weight)
        for _ in range(2)
    ]
    assert models[0].classes_.tolist() == ["a", "b", "c"]
    first, second = (model.predict_proba(X) for model in models)
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"transition_matrix": 1.0}, "'transition_matrix' parameter"),
        ({"transition_matrix": 1.5}, "'transition_matrix' parameter"),
        ({"transition_matrix": np.ones((3, 3))}, "must sum to 1"),
        ({"transition_matrix": np.eye(2)}, "2 classes.*have 3"),
        ({"transition_matrix": -np.eye(3)}, r"lie in \[0, 1\]"),
        ({"transition_matrix": np.full((3, 3), 1 / 3), "correction": "backward"},
         "can be inverted"),
        ({"estimator": LogisticRegression()}, "must be a net"),
        ({"correction": "sideways"}, "'correction' parameter"),
    ],
)  # fmt: skip
def test_bad_parameters_are_one_sentence(blobs, parameters, message):
    X, _, noisy = blobs
    with pytest.raises(ValueError, match=message):
        NoiseCorrectedClassifier(**parameters).fit(X, noisy)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None] * 5, "missing labels, the first in row 1"),
        ([1] * 10, "only one class"),
        ([0] * 9 + [1], "class 1 has 1"),
    ],
)
def test_bad_labels_are_one_sentence(labels, message):
    model = NoiseCorrectedClassifier(NET)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(np.arange(20.0).reshape(10, 2), labels)
    assert not hasattr(model, "estimator_")


# --- the loss ------------------------------------------------------------------------

MATRIX = make_transition_matrix(3, 0.3, "random", random_state=0)


def test_it_starts_as_forward_correction_and_without_noise_as_cross_entropy():
    logits, target = torch.randn(20, 3).double(), torch.arange(20) % 3
    learned = LearnedTransitionLoss(MATRIX)(logits, target)
    fixed = ForwardCorrectedLoss(MATRIX)(logits, target)
    assert learned.item() == pytest.approx(fixed.item(), abs=1e-6)
    plain = LearnedTransitionLoss(np.eye(3))(logits, target)
    # A softmax never leaves a zero, so a thousandth is left in each row.
    assert plain.item() == pytest.approx(cross_entropy(logits, target).item(), abs=5e-3)


def test_the_volume_counts_in_training_only():
    logits, target = torch.randn(20, 3), torch.arange(20) % 3
    plain = LearnedTransitionLoss(MATRIX)(logits, target)
    loss = LearnedTransitionLoss(MATRIX, volume=0.5)
    added = 0.5 * np.log(np.linalg.det(MATRIX))
    assert loss(logits, target).item() == pytest.approx(plain.item() + added, abs=1e-5)
    assert loss.eval()(logits, target).item() == pytest.approx(plain.item(), abs=1e-6)


def test_gradients_of_the_matrix_are_right():
    loss = LearnedTransitionLoss(MATRIX, volume=0.1).double()
    logits, target = torch.randn(6, 3).double(), torch.arange(6) % 3
    parameter = loss.logits

    def value(entries):
        with torch.no_grad():
            parameter.copy_(entries)
        return loss(logits, target)

    start = parameter.detach().clone()
    value(start).backward()
    for place in np.ndindex(3, 3):
        step = torch.zeros_like(start)
        step[place] = 1e-5
        slope = (value(start + step) - value(start - step)).item() / 2e-5
        assert parameter.grad[place].item() == pytest.approx(slope, abs=1e-6)


def test_the_matrix_waits_for_its_first_epoch():
    loss = LearnedTransitionLoss(MATRIX, start_epoch=2)
    loss.on_epoch_begin(1, 10)
    assert not loss.logits.requires_grad
    loss.on_epoch_begin(2, 10)
    assert loss.logits.requires_grad


def test_a_rate_is_no_start_and_nothing_neither():
    with pytest.raises(BadInputError, match="matrix to start from"):
        LearnedTransitionLoss(0.2)
    with pytest.raises(BadInputError, match="needs a transition_matrix"):
        LearnedTransitionLoss()(torch.zeros(2, 3), torch.tensor([0, 1]))
    with pytest.raises(BadInputError, match="4 columns"):
        LearnedTransitionLoss(MATRIX)(torch.zeros(2, 4), torch.tensor([0, 1]))


def test_it_is_copied_as_plain_values():
    loss = LearnedTransitionLoss(MATRIX, volume=0.25, start_epoch=3)
    buffer = io.BytesIO()
    torch.save(loss.__getstate__(), buffer)
    state = loss.__getstate__()["options"]
    assert state["volume"] == 0.25
    assert state["start_epoch"] == 3
    assert np.allclose(state["transition_matrix"], MATRIX)
