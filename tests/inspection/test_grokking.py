# SPDX-License-Identifier: BSD-3-Clause
"""The picture of grokking, and agreement with the sum of the training rows."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.datasets import make_xor_clusters
from skoverfit.inspection import GrokkingDisplay, linear_agreement
from skoverfit.neural_network import GrokkingMonitor, TabularMLPClassifier

HISTORY = [
    {"train_accuracy": 0.9, "test_accuracy": 0.5, "flipped_accuracy": 0.8, "step": 3},
    {"train_loss": 0.1},
    {"train_accuracy": 1.0, "test_accuracy": 0.7, "flipped_accuracy": 1.0, "step": 9},
    {"train_accuracy": 1.0, "test_accuracy": 0.96, "flipped_accuracy": 1.0, "step": 81},
]


def test_steps_of_fitting_and_of_generalizing():
    display = GrokkingDisplay.from_history(HISTORY)
    assert (display.fit_step_, display.generalize_step_) == (9, 81)
    assert display.grokking_gap_ == 72
    np.testing.assert_array_equal(display.lines_["flipped"].get_xdata(), [3, 9, 81])
    np.testing.assert_array_equal(display.lines_["test"].get_ydata(), [0.5, 0.7, 0.96])
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_xlabel() == "step"
    early = GrokkingDisplay.from_history(HISTORY, threshold=0.4, fit_threshold=0.95)
    assert early.grokking_gap_ == 3 - 9


def test_without_steps_epochs_are_counted_and_what_never_comes_is_none():
    rows = [{k: v for k, v in row.items() if "_acc" in k} for row in HISTORY[:3]]
    _, ax = plt.subplots()
    display = GrokkingDisplay.from_history(rows, ax=ax)
    assert display.ax_ is ax
    assert display.fit_step_ == 3
    assert display.unit == "epoch"
    assert display.generalize_step_ is display.grokking_gap_ is None
    assert any("never generalizes" in text.get_text() for text in ax.texts)


def test_a_net_in_a_pipeline_is_drawn_from_its_history():
    X, y, clean, _ = make_xor_clusters(
        200, 20, class_sep=3, return_clean=True, random_state=0
    )
    monitor = GrokkingMonitor(X[100:], clean[100:])
    net = TabularMLPClassifier(
        (8,), n_estimators=1, callbacks=[monitor], max_epochs=3, random_state=0
    )
    pipe = make_pipeline("passthrough", net).fit(X[:100], y[:100])
    display = GrokkingDisplay.from_estimator(pipe)
    assert set(display.lines_) == {"train", "test"}
    np.testing.assert_allclose(
        display.test_accuracy, [row["test_accuracy"] for row in net.history_]
    )
    (told,) = (callback for _, callback in net.net_.callbacks_)
    again = GrokkingDisplay.from_monitor(told)
    np.testing.assert_array_equal(again.test_accuracy, display.test_accuracy)
    with pytest.raises(ValueError, match=r"has noted nothing.*from_estimator"):
        GrokkingDisplay.from_monitor(monitor)
    with pytest.raises(ValueError, match="give the net a GrokkingMonitor"):
        GrokkingDisplay.from_estimator(LogisticRegression().fit(X, y))


def test_agreement_is_one_for_the_sum_itself_and_a_half_for_xor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 300))
    y = rng.choice(["a", "b"], 100)

    class Sum(LogisticRegression):
        def predict(self, X):
            total = np.where(y == "b", 1, -1) @ self.rows_
            return np.where(np.asarray(X) @ total > 0, "b", "a")

    model = Sum().fit(X, y)
    model.rows_ = X
    new = rng.normal(size=(50, 300))
    assert linear_agreement(model, X, y) == 1
    assert linear_agreement(model, X, y, new) == 1
    X, y = make_xor_clusters(400, 20, class_sep=6, flip_y=0, random_state=0)
    knowing = KNeighborsClassifier().fit(X, y)
    assert knowing.score(X, y) > 0.99
    assert 0.3 < linear_agreement(knowing, X, y) < 0.7


def test_agreement_of_several_classes_and_bad_input():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1, 2], 40)
    X = rng.normal(size=(120, 3)) + 4 * np.eye(3)[y]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    sums = np.array([X[y == k].sum(axis=0) for k in range(3)])
    said = (X @ sums.T).argmax(axis=1)
    assert linear_agreement(model, X, y) == np.mean(said == model.predict(X))
    with pytest.raises(ValueError, match="X_test has 2 columns, but X has 3"):
        linear_agreement(model, X, y, X[:, :2])
    with pytest.raises(ValueError, match="X has 120 rows, but y has 7"):
        linear_agreement(model, X, y[:7])
