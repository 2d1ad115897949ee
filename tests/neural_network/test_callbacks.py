# SPDX-License-Identifier: BSD-3-Clause
"""Callbacks of scikit-learn and of skorch see every epoch and may end the training."""

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor

callback = pytest.importorskip("sklearn.callback", reason="from scikit-learn 1.9 on")
X, Y = load_iris(return_X_y=True)


def net(**parameters):
    small = {"hidden_layer_sizes": (4,), "n_estimators": 2, "max_epochs": 6}
    small["early_stopping"] = False
    return TabularMLPClassifier(**{**small, "random_state": 0, **parameters})


class Counter(Callback):
    epochs = 0

    def on_epoch_end(self, net, **_):
        self.epochs += 1
        if self.epochs == 2:
            raise KeyboardInterrupt  # skorch's way to say that it is enough


class Recorder:
    """Writes down what it is told; ends the training after some epochs."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context, **_):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, **_):
        self.events.append(("end", context.task_name))
        done = self.events.count(("end", "epoch"))
        return self.stop_after is not None and done >= self.stop_after

    def teardown(self, estimator, context):
        self.events.append("teardown")


@pytest.mark.parametrize("cls", [TabularMLPClassifier, TabularMLPRegressor])
def test_a_callback_sees_the_fit_and_its_epochs(cls):
    seen = Recorder()
    model = cls((4,), n_estimators=2, max_epochs=6, early_stopping=False)
    model.set_callbacks(seen).fit(X, Y)
    assert seen.events[0] == "setup"
    assert seen.events[-1] == "teardown"
    assert seen.events[1] == ("begin", "fit")
    assert seen.events[-2] == ("end", "fit")
    assert seen.events.count(("end", "epoch")) == 6
    inner = [event for event in seen.events[2:-2] if event[1] == "epoch"]
    assert inner[:4] == [("begin", "epoch"), ("end", "epoch")] * 2


@pytest.mark.parametrize(
    "ended_by",
    [
        {},
        {"early_stopping": True, "n_iter_no_change": 1, "tol": 10.0},
        {"max_time": 1e-9},
        {"callbacks": [Counter()]},
    ],
)
def test_as_many_epochs_begin_as_end(ended_by):
    seen = Recorder()
    net(**ended_by).set_callbacks(seen).fit(X, Y)
    begun = seen.events.count(("begin", "epoch"))
    assert begun == seen.events.count(("end", "epoch"))


def test_a_callback_ends_the_training():
    model = net(max_epochs=50).set_callbacks(Recorder(stop_after=3)).fit(X, Y)
    assert model.n_iter_ == 3
    assert model.predict(X).shape == Y.shape


def test_a_progress_bar(capsys):
    net().set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "TabularMLPClassifier" in capsys.readouterr().out


def test_a_progress_bar_over_a_pipeline(capsys):
    bar = callback.ProgressBar()
    make_pipeline(StandardScaler(), net()).set_callbacks(bar).fit(X, Y)
    assert "Pipeline" in capsys.readouterr().out


def test_without_callbacks_nothing_is_printed(capsys):
    net(early_stopping=True).fit(X, Y)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_verbose_shows_the_progress_on_the_standard_error(capsys):
    model = net(verbose=1).set_callbacks(Recorder(stop_after=3)).fit(X, Y)
    assert model.n_iter_ == 3
    captured = capsys.readouterr()
    assert "3 of 6 epochs" in captured.err
    assert captured.out == ""


def test_callbacks_of_skorch_are_copied_and_may_end_the_training():
    counter = Counter()
    model = net(callbacks=[counter]).fit(X, Y)
    assert model.n_iter_ == 2
    assert counter.epochs == 0
    assert clone(model).fit(X, Y).n_iter_ == 2
