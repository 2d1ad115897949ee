"""Ctrl-C, errors and too little memory: no work is lost, nothing is half-fitted."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from skoverfit.exceptions import BadInputError, SkoverfitWarning, TrainingError
from skoverfit.neural_network import (
    BatchStep,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skoverfit.neural_network._net import TabularNet

X, Y = make_classification(90, 5, random_state=0)
SMALL = {
    "hidden_layer_sizes": (6,),
    "n_estimators": 2,
    "max_epochs": 6,
    "random_state": 0,
}


class CtrlCAt(BatchStep):
    """Raises in a batch, as an interrupt does that arrives there."""

    def __init__(self, step):
        self.step, self.steps = step, 0

    def __call__(self, model, batch):
        self.steps += 1
        if self.steps == self.step:
            raise KeyboardInterrupt
        return super().__call__(model, batch)


def net(**parameters):
    return TabularMLPClassifier(**{**SMALL, **parameters})


# --- Ctrl-C -------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [True, False])
def test_an_interrupt_in_a_batch_keeps_what_was_learnt(early_stopping):
    options = {"early_stopping": early_stopping, "batch_size": 16}
    model = net(batch_step=CtrlCAt(17), **options)
    kept = "best weights so far" if early_stopping else "last weights"
    with pytest.warns(
        SkoverfitWarning, match=f"interrupted after [23] of 6 epochs.*{kept}"
    ) as told:
        assert model.fit(X, Y) is model
    assert told[0].filename == __file__
    shorter = net(max_epochs=model.n_iter_, **options).fit(X, Y)
    assert model.n_iter_ == len(model.net_.history)
    assert all("epoch_seconds" in row for row in model.net_.history)
    if early_stopping:
        assert model.best_epochs_ == shorter.best_epochs_
        assert np.array_equal(model.predict_proba(X), shorter.predict_proba(X))
    assert model.score(X, Y) > 0.5


def test_an_interrupt_in_the_first_epoch_keeps_the_start():
    model = net(batch_step=CtrlCAt(2), batch_size=16)
    with pytest.warns(SkoverfitWarning, match="after 0 of 6"):
        model.fit(X, Y)
    assert model.n_iter_ == 0
    assert np.isfinite(model.predict_proba(X)).all()


def test_an_interrupted_partial_fit_is_taken_back_and_stops_the_loop():
    step = CtrlCAt(2)
    model = net(batch_step=step, batch_size=16)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, Y, classes=[0, 1])
    assert set(vars(model)) == set(model.get_params())
    model.partial_fit(X, Y, classes=[0, 1])
    before, step.steps = model.predict_proba(X), 0
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, Y)
    assert np.array_equal(model.predict_proba(X), before)
    assert model.n_iter_ == len(model.net_.history) == 1


def test_an_interrupted_warm_start_counts_its_own_epochs():
    step = CtrlCAt(10**9)
    model = net(batch_step=step, batch_size=16, warm_start=True).fit(X, Y)
    step.steps = 10**9 - 10
    with pytest.warns(SkoverfitWarning, match="after 1 of 6 epochs"):
        model.fit(X, Y)
    assert model.n_iter_ == 7


def test_an_interrupt_before_the_training_is_an_interrupt(monkeypatch):
    def press(self, *args):
        raise KeyboardInterrupt

    for place in ("_prepare", "validation_losses", "check_training_readiness"):
        with monkeypatch.context() as patch:
            patch.setattr(TabularNet, place, press)
            model = net()
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, Y)
            assert not [n for n in vars(model) if n.endswith("_")]


def test_an_interrupt_between_two_tensors_of_the_best_weights(monkeypatch):
    from skoverfit.neural_network._best_weights import BestWeights

    whole = net(max_epochs=2, tol=0).fit(X, Y)
    assert max(whole.best_epochs_) == 2
    original, calls = BestWeights._copy, []

    def torn(self, module, better):
        calls.append(1)
        if len(calls) == 2:
            name, value = next(iter(module.state_dict().items()))
            self.kept[name].copy_(value)
            raise KeyboardInterrupt
        original(self, module, better)

    monkeypatch.setattr(BestWeights, "_copy", torn)
    with pytest.warns(SkoverfitWarning, match="interrupted after 2"):
        model = net(tol=0).fit(X, Y)
    assert model.best_epochs_ == whole.best_epochs_
    assert np.array_equal(model.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize(
    "many",
    [
        lambda model: cross_validate(model, X, Y, cv=3),
        lambda model: GridSearchCV(model, {"dropout": [0, 0.1]}, cv=3).fit(X, Y),
        lambda model: GridSearchCV(
            make_pipeline(StandardScaler(), model),
            {"tabularmlpclassifier__dropout": [0, 0.1]},
            cv=3,
        ).fit(X, Y),
        lambda model: BaggingClassifier(model, 3).fit(X, Y),
        lambda model: CalibratedClassifierCV(model, cv=3).fit(X, Y),
        lambda model: OneVsRestClassifier(model).fit(X, Y),
    ],
    ids=["cross_validate", "search", "pipeline", "bagging", "calibration", "one-vs"],
)
def test_an_interrupt_ends_what_trains_many(many, monkeypatch):
    original, fits = TabularNet.run_single_epoch, []

    def press(self, iterator, training, *args, **more):
        fits.append(id(self))
        if training:
            raise KeyboardInterrupt
        original(self, iterator, training, *args, **more)

    monkeypatch.setattr(TabularNet, "run_single_epoch", press)
    with pytest.raises(KeyboardInterrupt):
        many(net())
    assert len(set(fits)) == 1


def test_an_interrupt_in_a_pipeline_keeps_the_pipeline():
    pipe = make_pipeline(StandardScaler(), net(batch_step=CtrlCAt(17), batch_size=16))
    with pytest.warns(SkoverfitWarning, match="interrupted"):
        assert pipe.fit(X, Y).predict(X).shape == (90,)


PRESSED = """
    import sys, warnings
    from sklearn.datasets import make_classification
    from skoverfit.neural_network import TabularMLPClassifier
    from skorch.callbacks import Callback

    class Tell(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                print("started", flush=True)

    X, y = make_classification(500, 5, random_state=0)
    model = TabularMLPClassifier(max_epochs=10**6, n_iter_no_change=10**6,
                                 random_state=0, callbacks=[Tell()])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, y)
    print(model.score(X, y) > 0.8, len(model.net_.history) == model.n_iter_)
    print(told[-1].message)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of other systems")
def test_a_real_ctrl_c():
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PRESSED)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout.readline() == "started\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    first, second = out.splitlines()
    assert first == "True True"
    assert second.startswith("The training was interrupted after ")


# --- a loss that is no number -------------------------------------------------------


class NaNFrom(BatchStep):
    def __init__(self, step):
        self.step, self.steps = step, 0

    def __call__(self, model, batch):
        self.steps += 1
        losses = super().__call__(model, batch)
        return losses * float("nan") if self.steps >= self.step else losses


def test_a_nan_loss_is_told_and_leaves_nothing():
    model = net(batch_step=NaNFrom(5), batch_size=16)
    with pytest.raises(
        TrainingError,
        match=r"loss is nan at step 4 \(epoch 1\).*learning rate is 0.00.*Probably",
    ):
        model.fit(X, Y)
    assert set(vars(model)) == set(model.get_params())


def test_a_rate_that_is_too_high_is_told():
    X, y = make_regression(200, 5, noise=5, random_state=0)
    model = TabularMLPRegressor(
        **SMALL, optimizer="sgd", learning_rate=1e6, warmup_epochs=0, batch_size=16
    )
    with pytest.raises(TrainingError, match=r"learning rate is 1e\+06.*too high"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("way", ["fit", "warm", "partial_fit"])
def test_an_error_leaves_a_fitted_net_as_it_was(way):
    def more(model, X, y):
        if way == "partial_fit":
            return model.partial_fit(X, y)
        return model.fit(X, y)

    step = NaNFrom(10**9)
    options = {"warm_start": way == "warm", "batch_step": step}
    model, twin = net(**options).fit(X, Y), net(**options).fit(X, Y)
    before, names = model.predict_proba(X), set(vars(model))
    step.steps = 10**9 - 2  # in the second batch
    with pytest.raises(TrainingError, match="loss is nan"):
        more(model, X, Y)
    with pytest.raises(ValueError, match="infinity"):
        more(model, np.full((90, 5), np.inf), Y)
    with pytest.raises(ValueError, match=r"features|infinity"):
        more(model, np.full((90, 7), np.inf), Y)
    assert set(vars(model)) == names
    assert model.n_features_in_ == 5
    assert np.array_equal(model.predict_proba(X), before)
    step.steps = 0
    # What comes later is as if the failed attempt had not been.
    more(model, X, Y), more(twin, X, Y)
    assert np.array_equal(model.predict_proba(X), twin.predict_proba(X))
    assert model.n_iter_ == twin.n_iter_ == len(model.net_.history)


# --- memory and time ----------------------------------------------------------------


def short_of_memory(monkeypatch, largest):
    """Let steps with more rows run out of memory."""
    original, sizes = TabularNet.train_step, []

    def step(self, batch, **more):
        sizes.append(self.batch_size)
        if self.batch_size > largest:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(self, batch, **more)

    monkeypatch.setattr(TabularNet, "train_step", step)
    return sizes


def test_too_little_memory_halves_the_batch(monkeypatch):
    expected = net(batch_size=15).fit(X, Y)
    sizes = short_of_memory(monkeypatch, 15)
    with pytest.warns(SkoverfitWarning, match="starts again with batch_size=") as told:
        model = net(batch_size=60).fit(X, Y)
    assert [str(w.message)[-3:] for w in told] == ["30.", "15."]
    assert set(sizes) == {60, 30, 15}
    assert np.array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_too_little_memory_for_a_net_that_goes_on(monkeypatch):
    model, twin = net().fit(X, Y), net(batch_size=30).fit(X, Y)
    twin.net_ = __import__("copy").deepcopy(model).net_
    twin.partial_fit(X, Y)
    short_of_memory(monkeypatch, 30)
    with pytest.warns(SkoverfitWarning, match="batch_size=30"):
        model.set_params(batch_size=60).partial_fit(X, Y)
    assert np.array_equal(model.predict_proba(X), twin.predict_proba(X))
    assert model.n_iter_ == 7


def test_far_too_little_memory_is_an_error(monkeypatch):
    short_of_memory(monkeypatch, 0)
    model = net(batch_size=8)
    with (
        pytest.warns(SkoverfitWarning, match="ran out of memory"),
        pytest.raises(BadInputError, match="too little memory for batch_size=2; set"),
    ):
        model.fit(X, Y)
    assert not hasattr(model, "net_")


def test_max_time_ends_the_training():
    model = net(max_time=1e-9, max_epochs=10**6).fit(X, Y)
    assert model.n_iter_ == 1
    assert model.net_.timed_out_


def test_a_users_error_is_not_swallowed():
    class Fails(Callback):
        def on_batch_begin(self, net, **kwargs):
            raise LookupError("mine")

    model = net(callbacks=[Fails()])
    with pytest.raises(LookupError, match="mine"):
        model.fit(X, Y)
    assert set(vars(model)) == set(model.get_params())
