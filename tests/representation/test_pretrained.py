# SPDX-License-Identifier: BSD-3-Clause
"""Two stages: what each may see, limits that are known estimators, fine-tuning."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skoverfit
from skoverfit.datasets import make_latent_factor
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.representation import (
    ContrastiveEncoder,
    PretrainedClassifier,
    PretrainedRegressor,
)
from skoverfit.representation._pretraining import _log_likelihood

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
SOME = np.arange(150) % 5 == 0
FEW = np.where(SOME, Y, -1)
ENCODER = ContrastiveEncoder((8,), max_epochs=2, device="cpu", random_state=0)
NET = TabularMLPClassifier(
    n_estimators=1, max_epochs=3, early_stopping=False, device="cpu", random_state=0
)


class Rotated(TransformerMixin, BaseEstimator):
    """Factors, turned."""

    def fit(self, X, y=None):
        assert y is None
        self.factors_ = FactorAnalysis(2, random_state=0).fit(X)
        return self

    def transform(self, X):
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        return self.factors_.transform(X) @ turn


def test_with_all_labels_it_is_a_pipeline():
    model = PretrainedClassifier(PCA(2)).fit(X, Y)
    twin = make_pipeline(PCA(2), LogisticRegression(max_iter=1000)).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X))


def test_an_encoder_that_does_nothing_leaves_the_estimator():
    head = KNeighborsClassifier(3)
    model = PretrainedClassifier(FunctionTransformer(), head).fit(X, FEW)
    twin = KNeighborsClassifier(3).fit(X[SOME], Y[SOME])
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))


@pytest.mark.parametrize("encoder", ["factor", "pca", "gmm", ENCODER])
def test_labels_of_unlabeled_rows_are_never_read(encoder):
    first = PretrainedClassifier(encoder, random_state=0).fit(X, FEW)
    other = PretrainedClassifier(encoder, random_state=0)
    # The same rows by the other door: the encoder sees them in the same order.
    order = np.argsort(~SOME, kind="stable")
    first.fit(X[order], FEW[order])
    other.fit(X[SOME], Y[SOME], X_unlabeled=X[~SOME])
    np.testing.assert_allclose(first.predict_proba(X), other.predict_proba(X))
    assert (first.n_labeled_, first.n_unlabeled_) == (30, 120)
    assert (other.n_labeled_, other.n_unlabeled_) == (30, 120)


def test_a_rotation_of_factors_does_not_matter_to_an_unpenalized_head():
    rows, y, _ = make_latent_factor(300, 20, n_factors=2, random_state=0)
    few = np.where(np.arange(300) < 40, y, np.nan)
    plain, turned = (
        PretrainedRegressor(encoder, LinearRegression()).fit(rows, few).predict(rows)
        for encoder in (FactorAnalysis(2, random_state=0), Rotated())
    )
    np.testing.assert_allclose(plain, turned)


def test_further_rows_help_where_they_show_the_factors():
    rows, y, _ = make_latent_factor(3040, 60, random_state=1)
    few = np.where(np.arange(3040) < 40, y, np.nan)
    error = {}
    for name, model in {
        "all": PretrainedRegressor("factor", n_components=5, random_state=0),
        "labels": Ridge(),
    }.items():
        part = slice(None) if name == "all" else slice(40)
        fitted = model.fit(rows[part], few[part])
        error[name] = np.mean((fitted.predict(rows[40:]) - y[40:]) ** 2)
    assert error["all"] < 0.6 * error["labels"]


def test_the_number_of_factors_is_found():
    rows, y, _ = make_latent_factor(
        1500, 30, n_factors=3, loading_scale=1.0, random_state=0
    )
    model = PretrainedRegressor("factor", random_state=0).fit(rows, y)
    assert model.encoder_.n_components == 3
    groups = np.random.default_rng(0).integers(4, size=400)
    points = 9 * np.eye(4)[groups] + np.random.default_rng(1).normal(size=(400, 4))
    mixture = PretrainedClassifier("gmm", random_state=0).fit(points, groups % 2)
    assert mixture.encoder_.n_components == 4  # 2, 4 and 8 are tried
    assert mixture.score(points, groups % 2) > 0.99


@pytest.mark.parametrize("kind", [FactorAnalysis, PCA])
@pytest.mark.parametrize("n_components", [1, 4])
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_the_held_out_likelihood_needs_no_square_matrix(kind, n_components, unit):
    rows, _, _ = make_latent_factor(200, 30, random_state=0)
    rows = 3 * unit + unit * rows
    model = kind(n_components).fit(rows[:150])
    wanted = model.score(rows[150:])
    assert _log_likelihood(model, rows[150:]) == pytest.approx(wanted, rel=1e-9)
    # The covariance has no inverse: as scikit-learn has it.
    whole = PCA(30).fit(rows[:150])
    wanted = whole.score(rows[150:])
    assert _log_likelihood(whole, rows[150:]) == pytest.approx(wanted)


def test_strings_frames_and_weights():
    frame = pd.DataFrame(X, columns=list("abcd"))
    labels = np.where(SOME, NAMES, "none").astype(object)
    model = PretrainedClassifier("gmm", unlabeled_label="none", random_state=0)
    model.fit(frame, labels)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.feature_names_in_.tolist() == list("abcd")
    assert (model.predict(frame) == NAMES).mean() > 0.9
    # Weights go to the second stage, where zero is no row.
    weight = np.where(NAMES == "virginica", 0.0, 1.0)
    light = model.fit(frame, labels, sample_weight=weight)
    assert "virginica" not in light.predict(frame)


def test_the_input_may_stand_beside_the_features():
    model = PretrainedClassifier("pca", n_components=2, append_input=True)
    assert model.fit(X, FEW).estimator_.n_features_in_ == 6
    assert model.features(X).shape == (150, 2)


def test_fine_tuning_starts_from_the_encoder():
    still = NET.set_params(learning_rate=1e-30)
    model = PretrainedClassifier(ENCODER, still, fine_tune=True).fit(X, FEW)
    module = model.estimator_.net_.module_
    for name, weight in model.encoder_.module_.body_weights().items():
        if "running" in name or "num_batches" in name:
            continue  # of the normalization, which sees the labeled rows
        torch.testing.assert_close(module.state_dict()[name], weight)
    assert module.head[0].weight.shape == (3, 8)
    moved = PretrainedClassifier(
        ENCODER, NET.set_params(learning_rate=1e-2), fine_tune=True
    ).fit(X, FEW)
    assert not torch.equal(
        moved.estimator_.net_.module_.body[0].weight,
        moved.encoder_.module_.body[0].weight,
    )
    # The encoder itself stays as it was pretrained.
    wanted = ENCODER.fit(X).transform(X)
    np.testing.assert_array_equal(moved.features(X), wanted)


def test_fine_tuned_nets_are_saved_and_go_on(tmp_path):
    table = pd.DataFrame(X, columns=list("abcd"))
    table["kind"] = pd.Categorical([f"k{k % 70}" for k in range(150)])
    model = PretrainedClassifier(ENCODER, NET, fine_tune=True).fit(table, FEW)
    skoverfit.save(model, tmp_path / "model.skops")
    back = skoverfit.load(tmp_path / "model.skops")
    np.testing.assert_array_equal(back.predict_proba(table), model.predict_proba(table))
    for each in (model, back):
        each.estimator_.partial_fit(table, Y)
    np.testing.assert_array_equal(back.predict_proba(table), model.predict_proba(table))


@pytest.mark.parametrize("fine_tune", [True, False])
def test_images_in_every_form(fine_tune):
    last = np.random.default_rng(0).random((30, 6, 6, 3))
    first, y = last.transpose(0, 3, 1, 2), np.arange(30) % 2
    encoder = ContrastiveEncoder(
        (4,), image_shape=(3, 6, 6), max_epochs=1, device="cpu", random_state=0
    )
    model = PretrainedClassifier(
        encoder, clone(NET) if fine_tune else None, fine_tune=fine_tune
    ).fit(last, y)
    told = model.predict_proba(last)
    for rows in (first, first.reshape(30, -1)):
        np.testing.assert_array_equal(model.predict_proba(rows), told)


def test_a_regressor_is_fine_tuned_in_units_of_the_target():
    rows, y, _ = make_latent_factor(200, 10, n_factors=2, random_state=0)
    model = PretrainedRegressor(ENCODER, fine_tune=True, random_state=0)
    told = model.fit(rows, 1000 + 10 * y).predict(rows)
    assert abs(told.mean() - 1000) < 5
    assert np.corrcoef(told, y)[0, 1] > 0.5


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (PretrainedClassifier(), np.full(150, -1), "No row has a label"),
        (PretrainedClassifier(), np.where(SOME, 1, -1), "one class among the rows"),
        (PretrainedRegressor(), np.full(150, np.nan), "No row has a target"),
        (PretrainedClassifier("facto"), FEW, "'facto' instead.*'factor'"),
        (PretrainedClassifier(fine_tune=True), FEW, "needs an encoder that is a net"),
        (
            PretrainedClassifier(ENCODER, Ridge(), fine_tune=True),
            FEW,
            "needs a net as estimator",
        ),
        (
            PretrainedClassifier(ENCODER, TabularMLPClassifier(), fine_tune=True),
            FEW,
            "n_estimators must be 1 .* Got 8",
        ),
        (
            PretrainedClassifier(ENCODER, NET, fine_tune=True, append_input=True),
            FEW,
            "append_input=True can't be had",
        ),
        (PretrainedClassifier(use_labeled_X=False), Y, "leaves no rows to pretrain"),
        (PretrainedClassifier("pca", n_components=9), FEW, "n_components=9 is more"),
        (
            PretrainedClassifier(),
            [None if k == 3 else "a" for k in range(150)],
            "missing labels, the first in row 3",
        ),
        (
            PretrainedClassifier("contrastive", n_components=9),
            FEW,
            "Got n_components=9",
        ),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing_behind(model, y, message):
    with pytest.raises((BadInputError, ValueError), match=message):
        model.fit(X, y)
    assert not hasattr(model, "encoder_")


def test_a_mixture_does_not_depend_on_the_unit_of_small_columns():
    few = np.where(SOME, Y, -1)
    told = [
        PretrainedClassifier("gmm", n_components=3, random_state=0)
        .fit(unit * X, few)
        .predict_proba(unit * X)
        for unit in (1.0, 1e-6)
    ]
    np.testing.assert_allclose(*told, atol=1e-6)


def test_a_mixture_of_many_columns_is_refused_before_it_fills_the_memory():
    wide = np.random.default_rng(0).normal(size=(20, 6000))
    with pytest.raises(BadInputError, match=r"6000 x 6000 .* reduce the columns"):
        PretrainedClassifier("gmm").fit(wide, np.arange(20) % 2)


def test_an_estimator_without_weights_says_so():
    model = PretrainedClassifier("pca", KNeighborsClassifier())
    with pytest.raises(BadInputError, match="KNeighborsClassifier takes none"):
        model.fit(X, Y, sample_weight=np.ones(150))


def test_methods_are_those_of_the_second_stage():
    assert hasattr(PretrainedClassifier(), "decision_function")
    assert not hasattr(
        PretrainedClassifier("pca", KNeighborsClassifier()), "decision_function"
    )
    scaled = make_pipeline(StandardScaler(), PCA(2))
    model = PretrainedClassifier(scaled, KNeighborsClassifier()).fit(X, FEW)
    assert model.predict_proba(X).shape == (150, 3)
