# SPDX-License-Identifier: BSD-3-Clause
"""Co-taught and compressed nets as estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.metrics import roc_auc_score

import skoverfit
from skoverfit._core._random import root_entropy
from skoverfit.datasets import make_label_noise
from skoverfit.neural_network import StackedNets, TabularMLPClassifier
from skoverfit.neural_network._prepared import holdout_parts
from skoverfit.noisy_labels import CompressedMLPClassifier, CoTeachingClassifier

SMALL = {"hidden_layer_sizes": (16,), "n_estimators": 2, "random_state": 0}


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(400, centers=3, cluster_std=0.7, random_state=1)
    noisy, wrong = make_label_noise(y, rate=0.3, return_mask=True, random_state=0)
    return X, y, noisy, wrong


@pytest.mark.parametrize("exchange", ["cross", "split"])
def test_who_forgets_nothing_trains_independent_nets(blobs, exchange):
    X, _, noisy, _ = blobs
    # Full batches, so that the order in which rows come does not matter.
    shared = {**SMALL, "batch_size": 400, "max_epochs": 8, "dtype": "float64",
              "dropout": 0.0, "numeric_embedding": None,
              "learning_rate": 0.01}  # fmt: skip
    taught = CoTeachingClassifier(**shared, forget_rate=0.0, exchange=exchange)
    plain = TabularMLPClassifier(**shared, early_stopping=False, linear_start=False)
    for model in (taught, plain):
        model.fit(X, noisy)
    for ours, theirs in zip(
        taught.net_.module_.parameters(), plain.net_.module_.parameters(), strict=True
    ):
        assert np.allclose(ours.detach(), theirs.detach(), atol=1e-10)
    assert (taught.selection_frequency_ == 1).all()
    assert set(taught.selected_fraction_) == {1.0}


@pytest.mark.parametrize("exchange", ["cross", "split"])
def test_wrong_labels_are_chosen_less_and_unlearned(blobs, exchange):
    X, y, noisy, wrong = blobs
    model = CoTeachingClassifier(
        **SMALL, max_epochs=25, exchange=exchange, numeric_embedding=None
    ).fit(X, noisy)
    assert model.forget_rate_ == pytest.approx(0.3, abs=0.08)
    assert roc_auc_score(~wrong, model.selection_frequency_) > 0.95
    assert model.score(X, y) > 0.95
    assert model.selected_fraction_[-1] == pytest.approx(1 - model.forget_rate_)
    assert len(model.selected_fraction_) == model.n_iter_ == 25


def test_the_guard_keeps_a_rare_class():
    rng = np.random.default_rng(0)
    X, y = make_blobs([300, 300, 24], cluster_std=1.2, n_features=2, random_state=5)
    noisy = make_label_noise(y, rate=0.3, random_state=0)
    order = rng.permutation(len(y))
    chosen = {}
    for guard in (True, False):
        model = CoTeachingClassifier(
            **SMALL,
            forget_rate=0.4,
            n_gradual=2,
            max_epochs=10,
            class_balanced=guard,
            numeric_embedding=None,
        ).fit(X[order], noisy[order])
        rare = noisy[order] == 2
        chosen[guard] = model.selection_frequency_[rare].mean()
    assert chosen[True] > 0.5
    assert chosen[True] > chosen[False] + 0.1


def test_rows_of_weight_zero_are_never_met(blobs):
    X, _, noisy, _ = blobs
    weight = np.ones(len(X))
    weight[::5] = 0
    model = CoTeachingClassifier(**SMALL, forget_rate=0.2, max_epochs=3)
    model.fit(X, noisy, sample_weight=weight)
    assert np.array_equal(np.isnan(model.selection_frequency_), weight == 0)


def test_names_of_classes_do_not_matter(blobs):
    X, _, noisy, _ = blobs
    parameters = {**SMALL, "forget_rate": 0.3, "max_epochs": 5}
    numbers = CoTeachingClassifier(**parameters).fit(X, noisy)
    texts = CoTeachingClassifier(**parameters).fit(X, np.array(["a", "b", "c"])[noisy])
    assert np.array_equal(numbers.selection_frequency_, texts.selection_frequency_)
    assert texts.classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(numbers.predict_proba(X), texts.predict_proba(X))


def test_a_frame_with_texts_estimates_its_forget_rate():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    # More levels than are one-hot columns: they are embedded.
    city = [f"{'ab'[k]}{rng.integers(40)}" for k in y]
    frame = pd.DataFrame({"city": city, "age": y + 0.2 * rng.normal(size=200)})
    noisy = np.where(rng.random(200) < 0.2, 1 - y, y)
    model = CoTeachingClassifier(**SMALL, max_epochs=5).fit(frame, noisy)
    assert model.forget_rate_ == pytest.approx(0.2, abs=0.1)


def test_a_label_of_one_row_takes_no_part_in_the_estimate(blobs):
    X, _, noisy, _ = blobs
    labels = np.array(["a", "b", "c"])[noisy].astype(object)
    labels[7] = "once"
    model = CoTeachingClassifier(**SMALL, max_epochs=2).fit(X, labels)
    rest = np.arange(len(X)) != 7
    twin = CoTeachingClassifier(**SMALL, max_epochs=2).fit(X[rest], labels[rest])
    assert model.classes_.tolist() == ["a", "b", "c", "once"]
    assert model.forget_rate_ == pytest.approx(twin.forget_rate_, abs=0.02)


@pytest.mark.parametrize("model", [
    CoTeachingClassifier(
        **SMALL, max_epochs=3, compression="nested", forget_rate=0.2
    ),
    CompressedMLPClassifier(**SMALL, max_epochs=3),
    CompressedMLPClassifier(**SMALL, max_epochs=3, compression="dropout"),
], ids=["co-teaching", "nested", "dropout"])  # fmt: skip
def test_safe_files_and_going_on(blobs, tmp_path, model):
    X, _, noisy, _ = blobs
    model = clone(model).fit(X, noisy)
    skoverfit.save(model, tmp_path / "model.skops")
    loaded = skoverfit.load(tmp_path / "model.skops")
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    again = clone(model).set_params(warm_start=True).fit(X, noisy)
    assert again.fit(X, noisy).n_iter_ > 3


def test_it_is_trained_alone_in_a_stack_and_equal(blobs):
    X, _, noisy, _ = blobs
    model = CoTeachingClassifier(**SMALL, forget_rate=0.2, max_epochs=3)
    stack = StackedNets([model, model]).fit(X, noisy)
    assert stack.groups_ == [[0], [1]]
    alone = clone(model).fit(X, noisy).predict_proba(X)
    assert np.array_equal(stack.estimators_[1].predict_proba(X), alone)


def test_it_has_no_partial_fit():
    assert not hasattr(CoTeachingClassifier(), "partial_fit")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"forget_rate": 1.0}, "'forget_rate' parameter"),
        ({"forget_rate": "some"}, "'forget_rate' parameter"),
        ({"n_estimators": 3}, "must be even.*Got 3"),
        ({"compression": "zip"}, "'compression' parameter"),
    ],
)
def test_bad_parameters_are_one_sentence(blobs, parameters, message):
    X, _, noisy, _ = blobs
    with pytest.raises(ValueError, match=message):
        CoTeachingClassifier(**parameters).fit(X, noisy)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b", None, "a"], "missing labels, the first in row 2"),
        ([1, 1, 1, 1], "only one class"),
        ([0, 0, 0, 1], "two labels of at least 2 rows each; 1 has 1"),
        ([0, 0, 1, 1], "forget_rate='auto' can't be estimated from these rows"),
    ],
)
def test_bad_labels_are_one_sentence(labels, message):
    model = CoTeachingClassifier(**SMALL)
    with pytest.raises(ValueError, match=message):
        model.fit(np.arange(8.0).reshape(4, 2), labels)
    assert not hasattr(model, "net_")


# --- compressed ----------------------------------------------------------------------


def test_uniform_widths_far_beyond_the_features_are_no_compression(blobs):
    # All features kept in all steps: a plain net whose last layer has no bias.
    X, _, noisy, _ = blobs
    shared = {**SMALL, "max_epochs": 5, "dropout": 0.0, "numeric_embedding": None}
    nested = CompressedMLPClassifier(
        **shared, compression="dropout", feature_dropout=0.0
    ).fit(X, noisy)
    assert nested.net_.module_.head.bias is None
    assert nested.n_active_ == [16, 16]
    narrow = CompressedMLPClassifier(**shared, n_active=3).fit(X, noisy)
    wide = CompressedMLPClassifier(**shared, n_active=None).fit(X, noisy)
    assert narrow.n_active_ == [3, 3]
    # The width does not change the training, only what is predicted by.
    assert np.allclose(narrow.net_.module_.head.weight.detach(),
                       wide.net_.module_.head.weight.detach())  # fmt: skip
    assert not np.allclose(narrow.predict_proba(X), wide.predict_proba(X))


def test_the_chosen_width_is_best_on_the_rows_left_out(blobs):
    X, _, noisy, _ = blobs
    model = CompressedMLPClassifier(
        **{**SMALL, "n_estimators": 1}, max_epochs=8, sigma=4.0
    ).fit(X, noisy)
    _, held_out = holdout_parts(
        noisy, len(X), n_nets=1, fraction=0.125, entropy=root_entropy(0)
    )
    rows, labels = X[held_out[0]], noisy[held_out[0]]
    chosen, scores = model.n_active_[0], []
    for width in range(1, 17):
        model.net_.module_.nested.active.fill_(width)
        scores.append(model.score(rows, labels) - 1e-5 * width)
    assert chosen == np.argmax(scores) + 1


def test_a_width_of_one_still_predicts(blobs):
    X, y, _, _ = blobs
    model = CompressedMLPClassifier(**SMALL, n_active=1, max_epochs=5).fit(X, y)
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1)
