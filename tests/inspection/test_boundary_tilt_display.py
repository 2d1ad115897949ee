# SPDX-License-Identifier: BSD-3-Clause
"""The picture of the tilt shows angles and scores of the folds, and recommends."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.inspection import BoundaryTiltDisplay, deviation_angle


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    X = rng.normal(size=(120, 30)) * np.where(np.arange(30) < 3, 1.0, 0.02)
    X[:, 0] += 2 * y
    return X, y


@pytest.fixture(scope="module")
def display(table):
    import matplotlib

    matplotlib.use("Agg")
    return BoundaryTiltDisplay.from_estimator(
        LogisticRegression(max_iter=10_000),
        *table,
        param_name="C",
        param_range=[1e-2, 1, 1e2, 1e6],
        cv=3,
    )


def test_angles_and_scores_are_those_of_the_folds(display, table):
    X, y = table
    splits = list(StratifiedKFold(3).split(X, y))
    for place, C in enumerate(display.param_range):
        model = LogisticRegression(C=C, max_iter=10_000)
        found = cross_validate(
            model, X, y, cv=splits, return_train_score=True, return_estimator=True
        )
        np.testing.assert_array_equal(display.test_scores[place], found["test_score"])
        np.testing.assert_array_equal(display.train_scores[place], found["train_score"])
        angles = [
            deviation_angle(m, X[train], y[train])
            for m, (train, _) in zip(found["estimator"], splits, strict=True)
        ]
        np.testing.assert_allclose(display.angles[place], angles)


def test_the_recommended_value_has_the_smallest_angle_within_one_standard_error(
    display,
):
    means, angles = display.test_scores.mean(axis=1), display.angles.mean(axis=1)
    best = means.argmax()
    # Nadeau and Bengio's correction, written out.
    error = np.sqrt((1 / 3 + 0.5) * display.test_scores[best].var(ddof=1))
    assert display.std_error_ == pytest.approx(error)
    allowed = np.flatnonzero(means >= means[best] - error)
    assert display.recommended_index_ == allowed[angles[allowed].argmin()]
    assert display.recommended_ == display.param_range[display.recommended_index_]
    assert isinstance(display.recommended_, float)
    # Useless tilt: the angle rises to a right angle and no score follows.
    assert angles[-1] > 70
    assert means[-1] <= means[0] + error


def test_lines_are_the_means_and_the_mark_is_the_recommendation(display):
    above, below = display.axes_
    by_label = {line.get_label(): line for ax in (above, below) for line in ax.lines}
    np.testing.assert_allclose(
        by_label["test"].get_ydata(), display.test_scores.mean(axis=1)
    )
    np.testing.assert_allclose(
        by_label["deviation angle"].get_ydata(), display.angles.mean(axis=1)
    )
    mark = by_label["recommended"].get_xdata()[0]
    assert mark == display.recommended_
    assert below.get_xscale() == "log"
    _, axes = plt.subplots(1, 2)
    assert display.plot(axes=axes).axes_[1] is axes[1]


def test_one_fold_several_classes_words_and_empty_models():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), RidgeClassifier())
    rows = np.arange(150)
    one = BoundaryTiltDisplay.from_estimator(
        model,
        X,
        y,
        param_name="ridgeclassifier__alpha",
        param_range=[1, 10],
        cv=[(rows[::2], rows[1::2])],
        scoring="balanced_accuracy",
    )
    assert one.std_error_ == 0
    assert one.recommended_index_ == one.test_scores[:, 0].argmax()
    assert "means over pairs" in one.notes[-1]
    fitted = model.set_params(ridgeclassifier__alpha=1).fit(X[::2], y[::2])
    pairs = deviation_angle(fitted, X[::2], y[::2])[np.triu_indices(3, 1)]
    assert one.angles[0, 0] == pytest.approx(pairs.mean())
    words = BoundaryTiltDisplay.from_estimator(
        LogisticRegression(max_iter=5000),
        X,
        y,
        param_name="class_weight",
        param_range=[None, "balanced"],
        cv=3,
    )
    ticks = [text.get_text() for text in words.axes_[1].get_xticklabels()]
    assert ticks == ["None", "balanced"]
    empty = BoundaryTiltDisplay.from_estimator(
        LogisticRegression(l1_ratio=1, solver="liblinear", max_iter=5000),
        X[50:],
        y[50:],
        param_name="C",
        param_range=[1e-6, 1.0],
        cv=3,
    )
    assert np.isnan(empty.angles[0]).all()
    assert empty.recommended_ == 1.0
    assert "3 fits had no coefficients" in empty.notes


def test_bad_input_is_named(table):
    model = LogisticRegression()
    with pytest.raises(ValueError, match=r"'param_name'.*'c'.*Did you mean 'C'\?"):
        BoundaryTiltDisplay.from_estimator(model, *table, param_name="c", param_range=1)
    with pytest.raises(ValueError, match="'param_range' parameter has no values"):
        BoundaryTiltDisplay.from_estimator(
            model, *table, param_name="C", param_range=[]
        )
    with pytest.raises(ValueError, match="'space' parameter must be"):
        BoundaryTiltDisplay.from_estimator(
            model, *table, param_name="C", param_range=[1], space="other"
        )
    with pytest.raises(ValueError, match="must have two axes"):
        BoundaryTiltDisplay.from_estimator(
            model, *table, param_name="C", param_range=[1], axes=[1]
        )
