# SPDX-License-Identifier: BSD-3-Clause
"""Encoders as transformers, and what their features are good for."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import skoverfit
from skoverfit.exceptions import BadInputError
from skoverfit.representation import (
    ContrastiveEncoder,
    FeatureCorruption,
    ImageViews,
    MixedBarlowTwins,
    VIMEEncoder,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
SMALL = {
    "hidden_layer_sizes": (8,),
    "max_epochs": 2,
    "batch_size": 16,
    "device": "cpu",
    "random_state": 0,
}
KINDS = {
    "simclr": lambda **p: ContrastiveEncoder(**{**SMALL, **p}),
    "scarf": lambda **p: ContrastiveEncoder(method="scarf", **{**SMALL, **p}),
    "moco": lambda **p: ContrastiveEncoder(method="moco", **{**SMALL, **p}),
    "vime": lambda **p: VIMEEncoder(**{**SMALL, **p}),
    "barlow": lambda **p: MixedBarlowTwins(**{**SMALL, **p}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def mixed_table(n=80):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "letter": rng.choice(list("xyz"), n),
            "code": pd.Categorical([f"k{k % 70}" for k in range(n)]),
            "flag": rng.random(n) < 0.5,
        }
    )


@every_kind
def test_labels_are_never_read(kind):
    plain = KINDS[kind]().fit(X).transform(X)
    labelled = KINDS[kind]().fit(X, np.full(60, "poison")).transform(X)
    np.testing.assert_array_equal(plain, labelled)


@every_kind
def test_rows_are_transformed_one_by_one(kind):
    encoder = KINDS[kind]().fit(X)
    whole = encoder.transform(X)
    np.testing.assert_array_equal(encoder.transform(X), whole)
    np.testing.assert_allclose(encoder.transform(X[7:9]), whole[7:9], rtol=1e-5)


@every_kind
def test_mixed_tables_files_and_copies(kind, tmp_path):
    table = mixed_table()
    encoder = KINDS[kind]().fit(table)
    made = encoder.transform(table)
    assert made.shape == (80, 8)
    assert np.isfinite(made).all()
    skoverfit.save(encoder, tmp_path / "encoder.skops")
    for copied in (
        pickle.loads(pickle.dumps(encoder)),
        skoverfit.load(tmp_path / "encoder.skops"),
    ):
        np.testing.assert_array_equal(copied.transform(table), made)
        np.testing.assert_array_equal(copied.project(table), encoder.project(table))
        # Both go on to the same weights: nothing else of the training is needed.
        again = clone(encoder).fit(table).partial_fit(table).transform(table)
        np.testing.assert_array_equal(copied.partial_fit(table).transform(table), again)


@every_kind
def test_no_training_row_stays_in_the_encoder(kind):
    encoder = KINDS[kind]().fit(np.vstack([X, np.full((1, 4), 12345.0)]))
    assert not any(isinstance(v, FeatureCorruption) for v in vars(encoder).values())
    assert type(encoder.net_.batch_step).__name__ == "BatchStep"


@every_kind
@pytest.mark.parametrize("n", [2, 3, 5, 17])
def test_few_rows_and_larger_batches(kind, n):
    made = KINDS[kind](batch_size=4 if n > 5 else 256).fit(X[:n]).transform(X[:n])
    assert np.isfinite(made).all()


@every_kind
def test_constant_columns_and_missing_values(kind):
    rows = X.copy()
    rows[:, 1] = 3.0
    rows[::5, 2] = np.nan
    assert np.isfinite(KINDS[kind]().fit(rows).transform(rows)).all()


@every_kind
def test_held_out_losses_choose_the_weights(kind):
    encoder = KINDS[kind](
        early_stopping=True, max_epochs=30, n_iter_no_change=3, learning_rate=0.05
    ).fit(X)
    losses = [row["valid_loss"] for row in encoder.history_]
    assert np.isfinite(losses).all()
    best = encoder.best_epochs_[0]
    assert best == 0 or losses[best - 1] == min(losses)
    assert encoder.n_iter_ <= best + 3 or encoder.n_iter_ == 30


def test_sparse_tensor_float32_and_pandas_output():
    encoder = KINDS["simclr"]().fit(X)
    made = encoder.transform(X)
    np.testing.assert_array_equal(encoder.transform(sp.csr_array(X)), made)
    np.testing.assert_array_equal(encoder.transform(torch.from_numpy(X)), made)
    assert encoder.transform(X.astype(np.float32)).dtype == np.float32
    frame = encoder.set_output(transform="pandas").transform(X)
    names = [f"contrastiveencoder{k}" for k in range(8)]
    assert list(frame.columns) == names == list(encoder.get_feature_names_out())


def test_images_may_be_flat_or_not_and_keep_their_pixels():
    images = RNG.random((20, 1, 6, 6)).astype(np.float32)
    images[:, :, 0] = 0.0  # a line that is constant
    for architecture in ("conv", "mlp"):
        encoder = KINDS["barlow"](image_shape=(6, 6), architecture=architecture)
        made = encoder.fit(images).transform(images)
        np.testing.assert_array_equal(encoder.transform(images.reshape(20, -1)), made)
        assert encoder.module_.n_dense == 36
    assert made.dtype == np.float32


def pictures(n=24, size=8, seed=0):
    """Colors that run smoothly over an image, channels last."""
    rng = np.random.default_rng(seed)
    place = np.linspace(0, 3, size)
    slope = rng.normal(size=(2, n, 1, 1, 3))
    wave = slope[0] * place[:, None, None] + slope[1] * place[:, None]
    return np.clip(128 + 40 * wave, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("architecture", ["conv", "mlp"])
def test_channels_may_be_last(architecture):
    last = pictures()
    first = last.transpose(0, 3, 1, 2)
    options = {"image_shape": (3, 8, 8), "architecture": architecture}
    encoder = KINDS["simclr"](**options).fit(first)
    made = encoder.transform(first)
    turned = KINDS["simclr"](**options).fit(last)
    np.testing.assert_array_equal(turned.transform(first), made)
    for rows in (last, last.tolist(), torch.from_numpy(last), first.reshape(24, -1)):
        np.testing.assert_array_equal(encoder.transform(rows), made)
    with pytest.raises(BadInputError, match=r"Got images of shape \(8, 7, 3\)"):
        encoder.transform(last[:, :, :7])


def test_flat_rows_with_the_channels_last_are_warned_of():
    last = pictures(200)
    encoder = KINDS["simclr"](image_shape=(3, 8, 8), architecture="mlp")
    with pytest.warns(UserWarning, match=r"look like images of shape \(8, 8, 3\)"):
        encoder.fit(last.reshape(200, -1))
    # Nothing is said of the right layout (warnings are errors), nor of noise.
    encoder.fit(last.transpose(0, 3, 1, 2).reshape(200, -1))
    encoder.fit(RNG.normal(size=(200, 192)))


def test_convolutions_in_another_layout_compute_the_same(tmp_path):
    images = RNG.random((20, 2, 6, 6)).astype(np.float32)
    encoder = KINDS["simclr"](image_shape=(2, 6, 6)).fit(images)
    made, body = encoder.transform(images), encoder.module_.body
    weight = body[0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    # The plain sum over a pixel's neighbours and channels, in the first layer.
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1))).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    kernel = weight.detach().numpy().astype(np.float64)
    expected = np.einsum("nchwij,kcij->nkhw", windows, kernel)
    got = body[0](torch.from_numpy(images)).detach().numpy()
    bias = body[0].bias.detach().numpy()[:, None, None]
    np.testing.assert_allclose(got, expected + bias, atol=1e-5)
    path = tmp_path / "encoder.skops"
    skoverfit.save(encoder, path)
    np.testing.assert_array_equal(skoverfit.load(path).transform(images), made)


def test_normalized_features_have_length_one():
    made = KINDS["moco"](normalize_output=True).fit(X).transform(X)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, rtol=1e-6)


def test_no_mixed_part_is_plain_barlow_twins_whatever_its_target():
    plain = KINDS["barlow"](mix_weight=0.0).fit(X)
    other = KINDS["barlow"](mix_weight=0.0, mix_target="rescaled", mix_alpha=3.0)
    np.testing.assert_array_equal(plain.transform(X), other.fit(X).transform(X))
    assert all(row["loss_mix"] == 0 for row in plain.history_)
    mixed = KINDS["barlow"]().fit(X).history_[-1]
    assert mixed["loss_bt"] + mixed["loss_mix"] == pytest.approx(mixed["train_loss"])


def test_a_grid_search_over_an_encoder_in_a_pipeline():
    y = (X[:, 0] > 0).astype(int)
    search = GridSearchCV(
        make_pipeline(KINDS["vime"](), LogisticRegression()),
        {"vimeencoder__rate": [0.2, 0.4]},
        cv=2,
    ).fit(X, y)
    assert search.best_score_ > 0.5


def planted(n=600, seed=0):
    """Three columns a group repeat a hidden group, among columns of noise."""
    rng = np.random.default_rng(seed)
    group = rng.integers(4, size=n)
    centers = rng.normal(size=(4, 12))
    signal = centers[group] + 0.7 * rng.normal(size=(n, 12))
    return np.hstack([signal, 2 * rng.normal(size=(n, 24))]), group


@every_kind
def test_learnt_features_beat_raw_columns_and_a_random_net(kind):
    # Columns that repeat each other tell rows apart, however large the noise is.
    options = {"hidden_layer_sizes": (64,), "batch_size": 128, "warmup_epochs": 2}
    if kind != "vime":
        options["projector_sizes"] = (64, 32)
    few, gains = np.arange(40), []
    for seed in range(3):
        rows, group = planted(seed=seed)

        def score(features, group=group):
            near = KNeighborsClassifier(5).fit(features[few], group[few])
            return near.score(features[40:], group[40:])

        learnt = KINDS[kind](**options, max_epochs=40).fit(rows)
        random = KINDS[kind](**options, max_epochs=1, learning_rate=1e-12).fit(rows)
        rivals = rows, random.transform(rows)
        gains.append([score(learnt.transform(rows)) - score(each) for each in rivals])
    assert np.mean(gains, axis=0).min() > 0.03


def test_digits_are_told_apart_after_some_epochs():
    rows, digit = load_digits(return_X_y=True)
    rows, digit = rows[:600], digit[:600]
    encoder = MixedBarlowTwins(
        (64,), projector_sizes=(64, 64), image_shape=(8, 8), architecture="mlp",
        views=ImageViews((8, 8), padding=1, noise=0.2), max_epochs=15,
        warmup_epochs=2, batch_size=128, learning_rate=2e-3, device="cpu",
        random_state=0,
    ).fit(rows[:400])  # fmt: skip
    made = encoder.transform(rows)
    near = KNeighborsClassifier(5, metric="cosine").fit(made[:400], digit[:400])
    assert near.score(made[400:], digit[400:]) > 0.8


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"views": (None,)}, "'views' .* a pair of view makers"),
        ({"projector_sizes": ()}, "'projector_sizes' .* at least one"),
        ({"hidden_layer_sizes": ()}, "'hidden_layer_sizes' .* at least one"),
        ({"image_shape": (3, 3)}, "9 pixels, but a row of X has 4"),
        ({"architecture": "conv"}, "needs image_shape"),
        ({"image_shape": (32, 32, 3)}, r"channels first, as in \(3, 32, 32\)"),
    ],
)
def test_bad_parameters_are_refused_by_name(parameters, message):
    encoder = KINDS["simclr"](**parameters)
    with pytest.raises(BadInputError, match=message):
        encoder.fit(X)
    assert not hasattr(encoder, "net_")


def test_a_table_of_constants_has_nothing_to_learn():
    with pytest.raises(BadInputError, match="a column that is not constant"):
        KINDS["simclr"]().fit(np.ones((10, 3)))
