# SPDX-License-Identifier: BSD-3-Clause
"""The picture of a training shows the numbers of the history."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier

from skoverfit.inspection import TrainingCurveDisplay
from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor

X, Y = load_iris(return_X_y=True)


def net(**parameters):
    small = {"hidden_layer_sizes": (4,), "n_estimators": 3, "max_epochs": 6}
    return TabularMLPClassifier(**{**small, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return net().fit(X, Y)


def legend_texts(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_lines_are_means_and_bands_are_extremes(fitted):
    display = TrainingCurveDisplay.from_estimator(fitted)
    losses = np.array([row["valid_losses"] for row in fitted.history_])
    line = display.lines_["valid"]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(losses) + 1))
    np.testing.assert_allclose(line.get_ydata(), losses.mean(axis=1))
    np.testing.assert_allclose(
        display.lines_["train"].get_ydata(),
        [row["train_loss"] for row in fitted.history_],
    )
    _, band = display.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(losses.min())
    assert heights.max() == pytest.approx(losses.max())
    assert display.ax_.get_title(loc="left") == "TabularMLPClassifier: 3 nets, 6 epochs"
    assert legend_texts(display)[-1] == "lowest to highest net"


def test_circles_are_the_weights_that_were_kept(fitted):
    display = TrainingCurveDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(display.best_.get_xdata(), fitted.best_epochs_)
    np.testing.assert_allclose(display.best_.get_ydata(), fitted.best_losses_)


def test_one_net_without_held_out_rows_is_one_line():
    model = net(n_estimators=1, early_stopping=False).fit(X, Y)
    display = TrainingCurveDisplay.from_estimator(model)
    assert list(display.lines_) == ["train"]
    assert display.best_ is None
    assert not display.ax_.collections
    assert legend_texts(display) == ["training"]
    assert display.ax_.get_title(loc="left") == "TabularMLPClassifier: 6 epochs"


def test_the_learning_rate_is_drawn_on_request():
    model = net(schedule="cosine", warmup_epochs=0).fit(X, Y)
    assert TrainingCurveDisplay.from_estimator(model).learning_rate_ax_ is None
    display = TrainingCurveDisplay.from_estimator(model, learning_rate=True)
    (line,) = display.learning_rate_ax_.lines
    assert (np.diff(line.get_ydata()) < 0).all()
    assert "learning rate" in legend_texts(display)


def test_pipelines_regressors_axes_and_a_second_plot(fitted):
    pipe = make_pipeline(StandardScaler(), net()).fit(X, Y)
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(pipe, ax=ax, legend=False)
    assert display.ax_ is ax
    assert ax.get_legend() is None
    assert display.plot().ax_ is not ax
    model = TabularMLPRegressor((4,), n_estimators=2, max_epochs=1).fit(X, X[:, 0])
    assert TrainingCurveDisplay.from_estimator(model).valid_losses.shape == (1, 2)


def test_a_plain_skorch_net_is_drawn_too():
    torch.manual_seed(0)
    model = NeuralNetClassifier(
        torch.nn.Linear(4, 3),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=4,
        verbose=0,
    )
    model.fit(X.astype(np.float32), Y)
    display = TrainingCurveDisplay.from_estimator(model, learning_rate=True)
    assert display.train_losses.shape == display.valid_losses.shape == (4, 1)
    np.testing.assert_allclose(
        display.lines_["valid"].get_ydata(), model.history_[:, "valid_loss"]
    )
    assert display.learning_rate_ax_ is None  # skorch keeps none


def test_what_is_no_net_is_refused():
    with pytest.raises(ValueError, match=r"history_; LogisticRegression has none"):
        TrainingCurveDisplay.from_estimator(LogisticRegression(max_iter=1000).fit(X, Y))
    with pytest.raises(NotFittedError, match=r"not fitted yet"):
        TrainingCurveDisplay.from_estimator(net())
