# SPDX-License-Identifier: BSD-3-Clause
"""The picture of memorized rows, and removal curves."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skoverfit import inspection, noisy_labels
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import MemorizationDisplay, RemovalCurve, removal_curve

NEAREST = KNeighborsClassifier(n_neighbors=1)


def test_row_scores_are_those_of_the_other_room():
    for name in ("memorization_scores", "el2n_scores", "MemorizationResult"):
        assert getattr(inspection, name) is getattr(noisy_labels, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        inspection.nothing  # noqa: B018


def test_dropping_wrong_rows_helps_and_dropping_random_ones_does_not():
    X, y = load_digits(return_X_y=True)
    X, y, X_test, y_test = X[:500], y[:500], X[500:900], y[500:900]
    rng = np.random.default_rng(0)
    wrong = rng.random(500) < 0.2
    given = np.where(wrong, (y + rng.integers(1, 10, 500)) % 10, y)
    curve = removal_curve(
        NEAREST, X, given, X_test, y_test, np.where(wrong, 1.0, 0.0),
        fractions=[0.0, wrong.mean()], n_repeats=4, random_state=0,
    )  # fmt: skip
    clean = NEAREST.fit(X[~wrong], y[~wrong]).score(X_test, y_test)
    np.testing.assert_allclose(curve.highest[1], clean)
    np.testing.assert_array_equal(curve.highest[0], curve.random[0])
    gain, error = curve.difference()
    assert gain[0] == 0.0
    assert gain[1] > 0.1 > error[1] > 0
    # The random rows of each repeat are other ones.
    assert len(set(curve.random[1])) > 1
    again = removal_curve(
        NEAREST, X, given, X_test, y_test, np.where(wrong, 1.0, np.nan),
        fractions=[0.0, wrong.mean()], n_repeats=4, random_state=0,
    )  # fmt: skip
    np.testing.assert_array_equal(again.random, curve.random)


def test_scoring_and_regression_rows():
    X, y = load_iris(return_X_y=True)
    curve = removal_curve(
        LogisticRegression(max_iter=500), X, y, X, y, np.arange(150.0),
        fractions=[0.1], scoring="neg_log_loss", n_repeats=1, random_state=0,
    )  # fmt: skip
    assert curve.highest[0, 0] < 0
    assert np.isinf(curve.difference()[1]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [1.0, 2.0]}, r"one number a row, of shape \(150,\)"),
        ({"scores": np.full(150, np.nan)}, "scores are all NaN"),
        ({"fractions": [1.0]}, r"must hold numbers in \[0, 1\)"),
        ({"fractions": []}, r"must hold numbers in \[0, 1\)"),
        ({"n_repeats": 0}, "'n_repeats' parameter"),
        ({"y": [0, 1]}, "X has 150 rows, but y has 2 labels"),
    ],
)
def test_bad_input_is_one_sentence(changes, message):
    X, y = load_iris(return_X_y=True)
    given = {
        "X": X, "y": y, "X_test": X, "y_test": y, "scores": np.zeros(150), **changes
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        removal_curve(NEAREST, **given)


def test_lines_are_the_shares_of_rows():
    values = np.array([0.0, 0.1, 0.3, 0.9, 1.0, np.nan, 0.5, -0.2])
    groups = np.array(["a"] * 4 + ["b"] * 4)
    display = MemorizationDisplay(values, groups=groups).plot()
    for name, at, share in (
        ("a", 0.25, 0.5), ("a", -1.0, 1.0), ("b", 0.5, 2 / 3), ("b", 1.0, 1 / 3)
    ):  # fmt: skip
        x, y = display.lines_[name].get_data()
        assert y[np.isclose(x, at)][0] == pytest.approx(share)
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == [
        "a (4 rows)", "b (3 rows)"
    ]  # fmt: skip
    assert display.curve_ax_ is None


def test_groups_by_the_size_of_classes_and_a_curve_beside(tmp_path):
    X, y = load_iris(return_X_y=True)
    rows = np.r_[0:50, 50:80, 100:112]
    curve = RemovalCurve(
        fractions=np.array([0.0, 0.1]),
        highest=np.array([[0.9, 0.8], [0.7, 0.7]]),
        random=np.array([[0.9, 0.8], [0.9, 0.8]]),
    )
    display = MemorizationDisplay.from_estimator(
        NEAREST, X[rows], y[rows], n_runs=40, random_state=0, curve=curve
    )
    assert list(display.lines_) == [
        "large classes", "middle classes", "small classes"
    ]  # fmt: skip
    assert display.curve_ax_.get_ylabel() == "test score"
    assert "40 trainings on 70% of the rows" in display.notes
    display.figure_.savefig(tmp_path / "x.png")
    even = MemorizationDisplay.from_estimator(
        NEAREST, X, y, n_runs=40, random_state=0, ax=Figure().subplots()
    )
    assert list(even.lines_) == ["all"]
    assert even.ax_.get_legend() is None


def test_what_cannot_be_drawn_is_said():
    values = np.zeros(9)
    with pytest.raises(BadInputError, match="at most 7 can be told apart"):
        MemorizationDisplay(values, groups=np.arange(9)).plot()
    with pytest.raises(BadInputError, match="a name for each of the 9 rows"):
        MemorizationDisplay(values, groups=np.arange(3)).plot()
    curve = RemovalCurve(
        fractions=np.zeros(1), highest=np.zeros((1, 1)), random=np.zeros((1, 1))
    )
    with pytest.raises(BadInputError, match="leave it out with a curve"):
        MemorizationDisplay(values, curve=curve).plot(ax=Figure().subplots())
    X, y = load_iris(return_X_y=True)
    with pytest.raises(BadInputError, match="'groups' parameter must be 'class_size'"):
        MemorizationDisplay.from_estimator(
            NEAREST, X, y, groups="tail", n_runs=40, random_state=0
        )
