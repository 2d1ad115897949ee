# SPDX-License-Identifier: BSD-3-Clause
"""The tilt of linear boundaries: closed forms, invariances, pushed-back pipelines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from imblearn.pipeline import make_pipeline as make_imb_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

from skoverfit.inspection import (
    adversarial_strength,
    deviation_angle,
    tilt_spectrum,
)
from skoverfit.inspection._linear_boundary import read_boundary
from skoverfit.over_sampling import RandomOverSampler


class Plane(ClassifierMixin, BaseEstimator):
    """A plane that is given instead of fitted."""

    def __init__(self, coef=None, intercept=0.0, classes=(0, 1)):
        self.coef = coef
        self.intercept = intercept
        self.classes = classes

    def fit(self, X=None, y=None):
        self.coef_ = np.atleast_2d(np.asarray(self.coef, float))
        self.intercept_ = np.atleast_1d(np.asarray(self.intercept, float))
        self.classes_ = np.array(self.classes)
        return self


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], [40, 60])
    X = rng.normal(size=(100, 5)) * [1, 2, 3, 0.5, 1]
    X[y == "yes"] += [2, 0, 1, 0, 0]
    return X, y


def means(X, y):
    return X[y == "no"].mean(axis=0), X[y == "yes"].mean(axis=0)


def plane(coef, intercept=0.0, classes=("no", "yes")):
    return Plane(coef, intercept, classes).fit()


def test_the_nearest_class_mean_is_not_tilted_and_adding_u_turns_by_arctan(blobs):
    X, y = blobs
    i, j = means(X, y)
    z = (j - i) / np.linalg.norm(j - i)
    middle = -float((j - i) @ (i + j) / 2)
    assert deviation_angle(plane(j - i, middle), X, y) == pytest.approx(0, abs=1e-6)
    u = np.random.default_rng(1).normal(size=5)
    u -= (u @ z) * z
    u /= np.linalg.norm(u)
    for alpha in (1e-7, 0.3, 1.0, 50.0):
        got = deviation_angle(plane(z + alpha * u), X, y, degrees=False)
        assert got == pytest.approx(np.arctan(alpha), rel=1e-6)
        strength = adversarial_strength(plane(z + alpha * u), X, y, method="angle")
        assert strength == pytest.approx(np.sqrt(1 + alpha**2), rel=1e-9)
    assert deviation_angle(plane(-z), X, y) == pytest.approx(180)
    assert adversarial_strength(plane(-z), X, y, method="angle") == np.inf


def test_scale_shift_of_rows_and_order_of_labels_change_nothing(blobs):
    X, y = blobs
    model = LogisticRegression().fit(X, y)
    angle = deviation_angle(model, X, y)
    for factor in (1e-6, 1e6):
        scaled = plane(model.coef_ * factor, model.intercept_ * factor)
        assert deviation_angle(scaled, X, y) == pytest.approx(angle)
        assert adversarial_strength(scaled, X, y) == pytest.approx(
            adversarial_strength(model, X, y)
        )
    shifted = plane(model.coef_, model.intercept_ - model.coef_ @ np.full(5, 100.0))
    assert deviation_angle(shifted, X + 100, y) == pytest.approx(angle)
    turned = np.where(y == "no", "z", "a")  # the classes change their places
    other = LogisticRegression().fit(X, turned)
    assert deviation_angle(other, X, turned) == pytest.approx(angle, rel=1e-3)


def test_strength_by_distance_is_one_over_cos_where_all_rows_are_right():
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], 200)
    X = rng.normal(size=(400, 4))
    X[:, 0] += 30 * y
    model = Plane([1.0, 0.7, 0.0, 0.0], -15.0).fit()
    distance = (X @ model.coef_[0] - 15) * np.where(y == 1, 1, -1)
    assert (distance > 0).all()
    by_angle = adversarial_strength(model, X, y, method="angle")
    assert adversarial_strength(model, X, y) == pytest.approx(by_angle, rel=1e-9)
    # A bias takes rows to the wrong side, and those that stay are far away.
    biased = Plane([1.0, 0.7, 0.0, 0.0], -28.5).fit()
    assert adversarial_strength(biased, X, y) < by_angle
    none = Plane([1.0, 0.7, 0.0, 0.0], -1e4).fit()
    assert adversarial_strength(none, X, y) == np.inf


def test_lda_on_round_clouds_goes_to_zero_as_rows_grow():
    rng = np.random.default_rng(0)
    angles = []
    for n in (30, 300, 30_000):
        y = np.repeat([0, 1], n // 2)
        X = rng.normal(size=(n, 10)) + 2 * y[:, None] * (np.arange(10) == 0)
        angles.append(deviation_angle(LinearDiscriminantAnalysis().fit(X, y), X, y))
    assert angles[0] > angles[1] > angles[2]
    assert angles[2] < 1.5


def test_weaker_regularization_tilts_more(blobs):
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1], 40)
    X = rng.normal(size=(80, 60)) + 2 * y[:, None] * (np.arange(60) == 0)
    angles = [
        deviation_angle(LogisticRegression(C=C, max_iter=10_000).fit(X, y), X, y)
        for C in (1e-4, 1e-2, 1, 100)
    ]
    assert np.all(np.diff(angles) > 0)
    assert angles[0] < 1 < 30 < angles[-1]


PIPELINES = {
    "standard": [StandardScaler()],
    "min-max, clipped": [MinMaxScaler(clip=True)],
    "pca": [StandardScaler(), PCA(3, whiten=True)],
    "selection": [SelectKBest(k=2), "passthrough"],
    "nested": [make_pipeline(StandardScaler(), PCA(2))],
    "columns": [
        make_column_transformer(
            (StandardScaler(), [0, 2]), ("passthrough", [4]), remainder="drop"
        )
    ],
}


@pytest.mark.parametrize("name", PIPELINES)
def test_steps_are_pushed_back_to_the_same_decisions(blobs, name):
    X, y = blobs
    pipe = make_pipeline(*PIPELINES[name], LogisticRegression(C=10)).fit(X, y)
    found = read_boundary(pipe, X, y)
    np.testing.assert_allclose(
        X @ found.coef[0] + found.intercept[0], pipe.decision_function(X), atol=1e-6
    )
    assert found.X is not None
    angle = deviation_angle(pipe, X, y)
    assert 0 < angle < 90
    # Behind the steps it is the angle of the last step alone.
    behind = pipe[:-1].transform(X)
    assert deviation_angle(pipe, X, y, space="model") == pytest.approx(
        deviation_angle(pipe[-1], behind, y)
    )


def test_a_scaler_by_hand_gives_the_same_angle(blobs):
    X, y = blobs
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    c = pipe[-1].coef_[0] / pipe[0].scale_
    i, j = means(X, y)
    cosine = c @ (j - i) / np.linalg.norm(c) / np.linalg.norm(j - i)
    assert deviation_angle(pipe, X, y) == pytest.approx(np.degrees(np.arccos(cosine)))


def test_samplers_searches_and_our_pipeline_are_read(blobs):
    X, y = blobs
    model = make_imb_pipeline(
        StandardScaler(), RandomOverSampler(random_state=0), LogisticRegression()
    )
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=3).fit(X, y)
    assert deviation_angle(search, X, y) == pytest.approx(
        deviation_angle(search.best_estimator_, X, y)
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "sparse", "list", "float32"])
def test_containers_give_the_same_angle(blobs, kind):
    X, y = blobs
    make = {
        "pandas": lambda X: pd.DataFrame(X, columns=list("abcde")),
        "polars": lambda X: pl.DataFrame(X, schema=list("abcde")),
        "sparse": sp.csr_matrix,
        "list": lambda X: X.tolist(),
        "float32": lambda X: X.astype(np.float32),
    }[kind]
    centre = kind != "sparse"
    want = make_pipeline(StandardScaler(with_mean=centre), LogisticRegression())
    pipe = make_pipeline(StandardScaler(with_mean=centre), LogisticRegression())
    assert deviation_angle(pipe.fit(make(X), y), make(X), y) == pytest.approx(
        deviation_angle(want.fit(X, y), X, y), rel=1e-4
    )


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=1000),
        LinearSVC(),
        RidgeClassifier(),
        LinearDiscriminantAnalysis(),
        SVC(kernel="linear"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_planes_of_several_classes_decide_as_the_model(model):
    X, y = load_iris(return_X_y=True)
    y = np.array(["a", "b", "c"])[y]
    model.fit(X, y)
    found = read_boundary(model, X, y)
    votes = np.zeros((len(X), 3))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        normal, offset = found.plane(i, j)
        back, back_offset = found.plane(j, i)
        np.testing.assert_array_equal(normal, -back)
        assert offset == -back_offset
        toward = X @ normal + offset > 0
        votes[toward, j] += 1
        votes[~toward, i] += 1
    clear = votes.max(axis=1) == 2
    assert clear.mean() > 0.95
    assert (
        np.mean(found.classes[votes.argmax(axis=1)][clear] == model.predict(X)[clear])
        > 0.99
    )
    matrix = deviation_angle(model, X, y)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.isnan(np.diag(matrix)).all()
    assert np.all(matrix[np.triu_indices(3, 1)] >= 0)
    # The pair alone is what two classes would be.
    rows = y != "b"
    normal, offset = found.plane(0, 2)
    alone = plane(normal, offset, ("a", "c"))
    assert matrix[0, 2] == pytest.approx(deviation_angle(alone, X[rows], y[rows]))
    strengths = adversarial_strength(model, X, y)
    assert strengths[2, 0] == pytest.approx(
        adversarial_strength(alone, X[rows], y[rows])
    )


def test_one_against_the_rest():
    X, y = load_iris(return_X_y=True)
    model = LinearSVC().fit(X, y)
    angles = deviation_angle(model, X, y, strategy="ovr")
    two = Plane(model.coef_[1], model.intercept_[1]).fit()
    assert angles.shape == (3,)
    assert angles[1] == pytest.approx(deviation_angle(two, X, (y == 1).astype(int)))
    with pytest.raises(ValueError, match="strategy='ovr' needs a plane for each class"):
        deviation_angle(SVC(kernel="linear").fit(X, y), X, y, strategy="ovr")


def test_weights_are_repetitions_and_a_regression_has_a_boundary(blobs):
    X, y = blobs
    w = np.random.default_rng(2).integers(1, 4, size=len(y))
    model = LogisticRegression().fit(X, y)
    rows = np.repeat(np.arange(len(y)), w)
    for figure in (deviation_angle, adversarial_strength):
        assert figure(model, X, y, sample_weight=w) == pytest.approx(
            figure(model, X[rows], y[rows])
        )
    spectrum = tilt_spectrum(model, X, y, sample_weight=w)
    np.testing.assert_allclose(
        spectrum.variances, tilt_spectrum(model, X[rows], y[rows]).variances
    )
    numbers = np.where(y == "yes", 3.0, 1.0)
    line = LinearRegression().fit(X, numbers)
    found = read_boundary(line, X, numbers)
    np.testing.assert_allclose(
        X @ found.coef[0] + found.intercept[0], line.predict(X) - 2
    )


def test_the_spectrum_sums_to_the_angle_and_finds_the_direction(blobs):
    X, y = blobs
    model = LogisticRegression(C=5).fit(X, y)
    s = tilt_spectrum(model, X, y)
    radians = np.radians(deviation_angle(model, X, y))
    assert s.angle == pytest.approx(np.degrees(radians))
    assert s.contributions.sum() == pytest.approx(2 - 2 * np.cos(radians))
    assert s.added.sum() == pytest.approx(np.sin(radians) ** 2)
    assert s.cumulative[-1] == pytest.approx(1)
    assert np.all(np.diff(s.variances) >= 0)
    np.testing.assert_allclose(s.directions @ s.directions.T, np.eye(5), atol=1e-12)
    within = X - np.where((y == "yes")[:, None], *means(X, y)[::-1])
    np.testing.assert_allclose(s.variances.sum(), (within**2).sum() / len(X))


def test_the_spectrum_of_more_columns_than_rows_has_what_lies_outside():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 6)
    X = np.zeros((12, 30))
    X[:, :10] = rng.normal(size=(12, 10)) + y[:, None]
    j = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
    outside = np.eye(30)[20] * np.linalg.norm(j)
    s = tilt_spectrum(Plane(j + outside).fit(), X, y)
    assert s.angle == pytest.approx(45)
    assert s.contributions.sum() == pytest.approx(2 - np.sqrt(2))
    assert s.added.sum() == pytest.approx(0.5)
    assert s.share_below(1e-6) == pytest.approx(1)
    np.testing.assert_allclose(
        s.directions @ s.directions.T, np.eye(len(s.variances)), atol=1e-9
    )


def test_share_below_tells_tilt_that_buys_something_from_tilt_that_does_not():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 500)
    scale = np.where(np.arange(20) < 5, 1.0, 0.01)
    X = rng.normal(size=(1000, 20)) * scale
    X[:, 0] += 3 * y
    useful = Plane([1.0, 0.8, *np.zeros(18)]).fit()
    useless = Plane([1.0, *np.zeros(4), 0.8, *np.zeros(14)]).fit()
    assert tilt_spectrum(useful, X, y).share_below() < 0.05
    assert tilt_spectrum(useless, X, y).share_below() > 0.95


def test_pairs_of_the_spectrum():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(X, y)
    there, back = (tilt_spectrum(model, X, y, pair=p) for p in ([0, 2], [2, 0]))
    np.testing.assert_allclose(there.contributions, back.contributions)
    assert there.angle == pytest.approx(deviation_angle(model, X, y)[0, 2])
    assert there.classes == (0, 2)
    with pytest.raises(ValueError, match="'pair' parameter must name two of the 3"):
        tilt_spectrum(model, X, y)
    with pytest.raises(ValueError, match="'pair' parameter has 7, which is no class"):
        tilt_spectrum(model, X, y, pair=[0, 7])
    with pytest.raises(ValueError, match="must name two different classes"):
        tilt_spectrum(model, X, y, pair=[1, 1])


def test_what_has_no_plane_is_refused_in_one_sentence(blobs):
    X, y = blobs
    forest = RandomForestClassifier(2).fit(X, y)
    with pytest.raises(ValueError, match="that has coef_; RandomForestClassifier has"):
        deviation_angle(forest, X, y)
    with pytest.raises(ValueError, match="that has coef_; SVC has none"):
        deviation_angle(SVC().fit(X, y), X, y)
    with pytest.raises(NotFittedError):
        deviation_angle(LogisticRegression(), X, y)
    for step in (PolynomialFeatures(), Normalizer()):
        pipe = make_pipeline(step, LogisticRegression(max_iter=10_000)).fit(X, y)
        name = type(step).__name__
        with pytest.raises(ValueError, match=rf"\({name}\) is not linear"):
            deviation_angle(pipe, X, y)
        assert deviation_angle(pipe, X, y, space="model") > 0
    with pytest.raises(ValueError, match="All coefficients of the estimator are zero"):
        deviation_angle(plane(np.zeros(5)), X, y)


def test_bad_rows_and_labels_are_refused_in_one_sentence(blobs):
    X, y = blobs
    model = LogisticRegression().fit(X, y)
    same = np.concatenate([X, X])
    labels = np.repeat(["no", "yes"], 100)
    with pytest.raises(ValueError, match="means of the classes 'no' and 'yes' are eq"):
        deviation_angle(model, same, labels)
    with pytest.raises(ValueError, match="y has no rows of the class 'yes'"):
        deviation_angle(model, X[:40], y[:40])
    with pytest.raises(ValueError, match="y has the label 'maybe', which the estim"):
        deviation_angle(model, X, np.where(y == "no", "maybe", y))
    with pytest.raises(ValueError, match="X has 4 columns, but LogisticRegression"):
        deviation_angle(model, X[:, :4], y)
    with pytest.raises(ValueError, match="X has missing or infinite values"):
        deviation_angle(model, np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="X has 100 rows, but y has 99"):
        deviation_angle(model, X, y[:99])
    with pytest.raises(ValueError, match="'space' parameter of deviation_angle"):
        deviation_angle(model, X, y, space="output")
    texts = pd.DataFrame({"a": ["u", "v"] * 50})
    pipe = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(texts, y)
    with pytest.raises(ValueError, match=r"X must hold numbers.*space='model'"):
        deviation_angle(pipe, texts, y)
    numbers = np.arange(100) % 3
    with pytest.raises(ValueError, match="LinearRegression is no classifier"):
        deviation_angle(LinearRegression().fit(X, numbers), X, numbers)
