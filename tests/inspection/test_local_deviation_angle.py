# SPDX-License-Identifier: BSD-3-Clause
"""The local tilt is the global one of a linear model, and that of a known circle."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skoverfit.inspection import deviation_angle, local_deviation_angle
from skoverfit.neural_network import TabularMLPClassifier

RNG = np.random.default_rng(0)
Y = np.repeat(["no", "yes"], 60)
X = RNG.normal(size=(120, 4)) * [1, 10, 0.1, 1]
X[Y == "yes"] += [2, 5, 0.1, 0]


class Circle(ClassifierMixin, BaseEstimator):
    """Says "out" outside of the unit circle."""

    def fit(self, X, y):
        self.classes_ = np.array(["in", "out"])
        return self

    def decision_function(self, X):
        return (np.asarray(X) ** 2).sum(axis=1) - 1


@pytest.mark.parametrize("frame", [False, True])
def test_all_angles_of_a_linear_model_are_its_deviation_angle(frame):
    rows = pd.DataFrame(X, columns=list("abcd")) if frame else X
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, Y)
    angles = local_deviation_angle(model, rows, Y, n_pairs=10, random_state=0)
    np.testing.assert_allclose(angles, deviation_angle(model, rows, Y), rtol=1e-6)
    radians = local_deviation_angle(
        model, rows, Y, n_pairs=10, degrees=False, random_state=1
    )
    np.testing.assert_allclose(np.degrees(radians), angles, rtol=1e-6)


def test_the_normals_of_a_circle_are_radial():
    rng = np.random.default_rng(1)
    turn = rng.uniform(0, 2 * np.pi, 400)
    radius = np.repeat([0.5, 1.5], 200)
    rows = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    labels = np.repeat(["in", "out"], 200)
    model = Circle().fit(rows, labels)
    near = local_deviation_angle(
        model, rows, labels, n_pairs=40, n_neighbors=15, random_state=0
    )
    far = local_deviation_angle(model, rows, labels, n_pairs=40, random_state=0)
    # Beside the crossing the classes lie along the radius; over all rows the means
    # are nearly equal, and their difference says nothing of the boundary.
    assert near.max() < 15
    assert far.mean() > 45


def test_probabilities_will_do_and_nets_are_measured():
    model = GaussianNB().fit(X, Y)
    assert not hasattr(model, "decision_function")
    angles = local_deviation_angle(model, X, Y, n_pairs=8, random_state=0)
    assert ((angles > 0) & (angles < 90)).all()
    net = TabularMLPClassifier(
        (), n_estimators=1, max_epochs=20, numeric_embedding=None, random_state=0
    ).fit(X, Y)
    # Smooth clipping of far numbers is all that is not linear in such a net.
    angles = local_deviation_angle(net, X, Y, n_pairs=8, random_state=0)
    assert np.ptp(angles) < 3


def test_the_normal_of_a_stump_is_its_column():
    tree = DecisionTreeClassifier(max_depth=1).fit(X, Y)
    column = tree.tree_.feature[0]
    between = X[Y == "yes"].mean(axis=0) - X[Y == "no"].mean(axis=0)
    wanted = np.degrees(np.arccos(between[column] / np.linalg.norm(between)))
    angles = local_deviation_angle(tree, X, Y, n_pairs=5, random_state=0)
    np.testing.assert_allclose(angles, wanted)


def test_seeds_and_more_tilt_with_less_regularization():
    angles = {}
    rows = (X - X.mean(axis=0)) / X.std(axis=0)
    for C in (0.01, 1000):
        model = SVC(C=C).fit(rows, Y)
        angles[C] = local_deviation_angle(model, rows, Y, random_state=3)
        again = local_deviation_angle(model, rows, Y, random_state=3)
        np.testing.assert_array_equal(angles[C], again)
    assert angles[0.01].mean() + 10 < angles[1000].mean()


def test_bad_input_is_named():
    three = np.arange(120) % 3
    with pytest.raises(ValueError, match="needs two classes in y"):
        local_deviation_angle(LogisticRegression().fit(X, three), X, three)
    model = LogisticRegression().fit(X, Y)
    model.intercept_ = np.array([-1e6])
    with pytest.raises(
        ValueError, match="No row of the class 'yes' is predicted right"
    ):
        local_deviation_angle(model, X, Y)
    with pytest.raises(
        ValueError, match="'n_pairs' parameter of local_deviation_angle"
    ):
        local_deviation_angle(model, X, Y, n_pairs=0)
