"""EL2N, GraNd and forgetting events."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch.callbacks import Callback

from skoverfit._core._random import derive_seed
from skoverfit._core._row_scores import error_norms
from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.noisy_labels import el2n_scores, forgetting_scores, grand_scores

NET = TabularMLPClassifier(
    (12,),
    dropout=0.3,
    linear_start=False,
    numeric_embedding=None,
    warmup_epochs=0,
    dtype="float64",
)


class Softmax(ClassifierMixin, BaseEstimator):
    """Answers with known probabilities whatever it is fitted on."""

    def __init__(self, logits=None, random_state=None):
        self.logits = logits
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        e = np.exp(self.logits)
        return e / e.sum(axis=1, keepdims=True)


def test_el2n_of_a_known_softmax():
    logits = np.array(
        [[0.0, 0.0, 0.0], [np.log(2), 0.0, 0.0], [500.0, 0, 0], [500, 0, 0]]
    )
    y = np.array(["a", "b", "a", "b"])
    y_all = np.append(y, "c")
    logits = np.vstack([logits, logits[0]])
    scores = el2n_scores(
        Softmax(logits), np.zeros((5, 1)), y_all, n_runs=3, random_state=0
    )
    third = (2 / 9 + 4 / 9) ** 0.5
    second = (0.25 + (3 / 4) ** 2 + 1 / 16) ** 0.5
    np.testing.assert_allclose(scores, [third, second, 0.0, 2**0.5, third], atol=1e-12)


def test_small_errors_do_not_cancel():
    """1 - 2p + |p|^2 would be 0 in double precision."""
    p = np.array([[1.0 - 1e-12, 1e-12]])
    assert error_norms(p, np.array([0]))[0] == pytest.approx(2**0.5 * 1e-12, rel=1e-3)


def test_el2n_of_nets_is_the_mean_over_nets_and_not_of_their_mean():
    X, y = load_iris(return_X_y=True)
    scores = el2n_scores(NET, X, y, n_runs=4, epochs=3, random_state=7)
    nets = NET.__class__(**NET.get_params()).set_params(
        n_estimators=4, early_stopping=False, max_epochs=3,
        random_state=derive_seed(7, "nets"),
    ).fit(X, y)  # fmt: skip
    logits = torch.from_numpy(nets._outputs(X))
    e = torch.softmax(logits, dim=2) - torch.nn.functional.one_hot(torch.tensor(y))
    np.testing.assert_allclose(scores, e.norm(dim=2).mean(dim=0), rtol=1e-9)
    assert (scores >= 0).all()
    assert (scores <= 2**0.5).all()
    shares = el2n_scores(
        NET.__class__(**{**NET.get_params(), "max_epochs": 30}), X, y, n_runs=4,
        epochs=0.1, random_state=7,
    )  # fmt: skip
    np.testing.assert_array_equal(scores, shares)


def test_other_classifiers_and_pipelines_have_scores_whatever_n_jobs():
    X, y = load_iris(return_X_y=True)
    names = np.array(["x", "y", "z"])[y]
    shallow = DecisionTreeClassifier(max_depth=2, max_features=1)
    one = el2n_scores(shallow, X, names, n_runs=3, random_state=0)
    with parallel_config(backend="threading"):
        two = el2n_scores(shallow, X, names, n_runs=3, n_jobs=2, random_state=0)
    np.testing.assert_array_equal(one, two)
    assert np.ptp(el2n_scores(shallow, X, names, n_runs=1, random_state=1) - one) > 0
    piped = make_pipeline(StandardScaler(), NET.set_params(max_epochs=3))
    assert el2n_scores(piped, X, names, n_runs=2, random_state=0).shape == (150,)


@pytest.mark.parametrize("n_runs", [1, 3])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("scope", ["last_layer", "all"])
def test_grand_is_the_norm_that_autograd_finds(n_runs, loss, scope):
    X, y = load_iris(return_X_y=True)
    X, y = X[::10], y[::10]
    net = TabularMLPClassifier(
        **{**NET.get_params(), "loss": loss, "linear_start": True}
    )
    scores = grand_scores(
        net, X, y, n_runs=n_runs, epochs=2, scope=scope, random_state=1
    )
    fitted = net.set_params(
        n_estimators=n_runs, early_stopping=False, max_epochs=2,
        random_state=derive_seed(1, "nets"),
    ).fit(X, y)  # fmt: skip
    module = fitted.net_.module_.eval()
    rows = torch.from_numpy(fitted._encoder.transform(X, dtype=np.float64).dense)
    parameters = [
        p for name, p in module.named_parameters()
        if p.requires_grad and (scope == "all" or name.startswith("head"))
    ]  # fmt: skip
    expected = np.zeros((n_runs, len(X)))
    for i in range(len(X)):
        row, label = rows[i : i + 1], torch.tensor(y[i : i + 1])
        if n_runs > 1:
            row, label = row.expand(n_runs, 1, -1), label.expand(n_runs, 1)
        output = module(row)
        flat = output.reshape(-1, 3)
        losses = fitted.net_.criterion_(flat, label.reshape(-1)).sum()
        slopes = torch.autograd.grad(losses, parameters)
        squares = sum(s.square().reshape(n_runs, -1).sum(1) for s in slopes)
        expected[:, i] = squares.sqrt().numpy()
    np.testing.assert_allclose(scores, expected.mean(axis=0), rtol=1e-8)


def test_grand_knows_categories_and_modules_of_ones_own():
    rng = np.random.default_rng(0)
    import pandas as pd

    frame = pd.DataFrame(
        {"n": rng.normal(size=80), "c": rng.choice([f"l{k}" for k in range(70)], 80)}
    )
    y = (frame["n"] > 0).astype(int)
    for scope in ("last_layer", "all"):
        scores = grand_scores(NET, frame, y, n_runs=2, epochs=1, scope=scope)
        assert (scores > 0).all()

    def module(n_features, n_outputs):
        return torch.nn.Linear(n_features, n_outputs).double()

    own = TabularMLPClassifier(**{**NET.get_params(), "module": module})
    X = frame[["n"]].to_numpy()
    scores = grand_scores(own, X, y, n_runs=2, epochs=1, scope="all", random_state=0)
    assert scores.shape == (80,)
    with pytest.raises(BadInputError, match="use scope='all'"):
        grand_scores(own, X, y, n_runs=2, epochs=1)


class Answers(Callback):
    def on_train_begin(self, net, **_):
        self.seen = []

    def on_epoch_end(self, net, dataset_train=None, **_):
        out = net.outputs(dataset_train.dense, dataset_train.codes)
        self.seen.append(out.argmax(dim=-1).numpy())


def test_forgetting_events_are_counted_as_by_hand():
    X, y = load_iris(return_X_y=True)
    y = make_label_noise(y, rate=0.2, random_state=0)
    net = TabularMLPClassifier(**{**NET.get_params(), "learning_rate": 0.1})
    scores = forgetting_scores(net, X, y, n_runs=2, epochs=15, random_state=4)
    fitted = net.set_params(
        n_estimators=2, early_stopping=False, max_epochs=15, callbacks=[Answers()],
        random_state=derive_seed(4, "nets"),
    ).fit(X, y)  # fmt: skip
    right = np.array(fitted.net_.callbacks_[0][1].seen) == y  # epochs, nets, rows
    expected = np.zeros(150)
    for i in range(150):
        counts = []
        for k in range(2):
            own = right[:, k, i]
            events = sum(a and not b for a, b in pairwise(own))
            counts.append(events if own.any() else 15)
        expected[i] = np.mean(counts) if right[:, :, i].any() else np.inf
    np.testing.assert_array_equal(scores, expected)
    assert np.isinf(scores).any()
    assert ((scores > 0) & np.isfinite(scores)).any()


def test_wrong_digits_have_the_largest_el2n():
    X, y = load_digits(return_X_y=True)
    given, is_wrong = make_label_noise(y, rate=0.2, return_mask=True, random_state=0)
    net = TabularMLPClassifier(
        (64,), dropout=0.0, linear_start=False, numeric_embedding=None
    )
    scores = el2n_scores(net, X, given, n_runs=5, epochs=10, random_state=0)
    assert roc_auc_score(is_wrong, scores) > 0.98


@pytest.mark.parametrize("epochs", [0, -1, 1.5, 0.0, "early", True])
def test_scores_of_untrained_nets_are_refused(epochs):
    X, y = load_iris(return_X_y=True)
    for function in (el2n_scores, grand_scores, forgetting_scores):
        with pytest.raises(BadInputError, match=r"'epochs' parameter must be"):
            function(NET, X, y, epochs=epochs)


def test_bad_estimators_are_named():
    X, y = load_iris(return_X_y=True)
    hinge = TabularMLPClassifier(loss="hinge")
    with pytest.raises(BadInputError, match="loss='hinge' leaves no probabilities"):
        el2n_scores(hinge, X, y)
    tree = DecisionTreeClassifier()
    for function in (grand_scores, forgetting_scores):
        with pytest.raises(BadInputError, match="Got DecisionTreeClassifier instead"):
            function(tree, X, y)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        el2n_scores(LinearRegression(), X, y)
    with pytest.raises(ValueError, match="X has 150 rows, but y has 149"):
        el2n_scores(tree, X, y[1:])
