# SPDX-License-Identifier: BSD-3-Clause
"""One pass, scored before it is learnt; the power law finds its own parameters."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.metrics import mean_squared_error
from sklearn.neural_network import MLPClassifier

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.model_selection import SinglePassLearner
from skoverfit.model_selection._single_pass_learner import fit_power_law
from skoverfit.neural_network import TabularMLPClassifier

X, Y = make_classification(605, 8, n_informative=5, random_state=0)
SGD = SGDClassifier(loss="log_loss", random_state=0)


class Clerk(ClassifierMixin, BaseEstimator):
    """Writes down which rows are learnt and which are predicted, in order."""

    def fit(self, X, y):
        raise AssertionError("only partial_fit is to be called")

    def partial_fit(self, X, y, classes=None):
        if classes is not None:
            self.classes_, self.book_ = classes, []
        self.book_.append(("learn", X[:, 0].tolist()))
        return self

    def predict(self, X):
        self.book_.append(("predict", X[:, 0].tolist()))
        return np.full(len(X), self.classes_[0])


def test_each_batch_is_predicted_before_it_is_learnt_and_each_row_once():
    rows = np.arange(605.0)[:, None]
    learner = SinglePassLearner(Clerk(), batch_size=100, random_state=0).fit(rows, Y)
    book = learner.estimator_.book_
    assert [what for what, _ in book] == ["learn", *["predict", "learn"] * 6]
    for (_, before), (_, after) in zip(book[1::2], book[2::2], strict=True):
        assert before == after
    learnt = [row for what, batch in book if what == "learn" for row in batch]
    assert sorted(learnt) == rows[:, 0].tolist()
    assert learnt != sorted(learnt)
    assert learner.n_updates_ == 7
    np.testing.assert_array_equal(learner.prequential_rows_, np.arange(100, 700, 100))


def test_scores_are_those_of_the_model_by_hand():
    learner = SinglePassLearner(SGD, batch_size=50, random_state=4).fit(X, Y)
    numbers = np.arange(605.0)[:, None]
    book = SinglePassLearner(Clerk(), batch_size=50, random_state=4).fit(numbers, Y)
    order = [row for w, rows in book.estimator_.book_ if w == "learn" for row in rows]
    order = np.array(order, dtype=int)
    alone, scores = clone(SGD), []
    for first in range(0, 605, 50):
        batch = order[first : first + 50]
        if first:
            scores.append(alone.score(X[batch], Y[batch]))
        alone.partial_fit(X[batch], Y[batch], classes=[0, 1])
    np.testing.assert_array_equal(learner.prequential_scores_, scores)
    np.testing.assert_array_equal(learner.predict_proba(X), alone.predict_proba(X))
    assert learner.score(X, Y) == alone.score(X, Y)


@pytest.mark.parametrize(("alpha", "c"), [(0.1, 2.0), (0.5, 0.4), (1.5, 30.0)])
def test_a_power_law_is_found_again(alpha, c):
    n = np.arange(1, 60) * 128
    law = fit_power_law(n, 0.9 - c * n**-alpha)
    assert law["alpha"] == pytest.approx(alpha, rel=1e-3)
    assert law["c"] == pytest.approx(c, rel=1e-2)
    assert law["limit"] == pytest.approx(0.9, abs=1e-3)


def test_a_score_that_does_not_rise_is_flat():
    falling = fit_power_law(np.arange(1, 9), np.linspace(0.9, 0.5, 8))
    assert falling["c"] == 0
    assert falling["limit"] == pytest.approx(0.7)
    flat = fit_power_law(np.arange(1, 9), np.full(8, 0.6))
    assert flat["limit"] == pytest.approx(0.6)


def test_regressors_scorings_frames_and_nets():
    target = 3 * X[:, 0]
    model = SinglePassLearner(SGDRegressor(random_state=0), random_state=0)
    model.set_params(batch_size=100).fit(pd.DataFrame(X).add_prefix("x"), target)
    assert not hasattr(model, "classes_")
    assert list(model.feature_names_in_) == [f"x{i}" for i in range(8)]
    assert model.prequential_scores_[-1] > -mean_squared_error(target, 0 * target)
    losses = SinglePassLearner(
        SGD, batch_size=100, scoring="neg_log_loss", random_state=0
    ).fit(X, np.where(Y == 1, "yes", "no"))
    assert (losses.prequential_scores_ < 0).all()
    assert set(losses.predict(X)) == {"no", "yes"}
    net = TabularMLPClassifier((4,), n_estimators=1, device="cpu")
    one, two = (
        SinglePassLearner(net, batch_size=100, random_state=0).fit(X, Y)
        for _ in range(2)
    )
    assert one.estimator_.net_.n_steps_ == 7
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_a_last_batch_that_is_smaller_is_one_update_too():
    # scikit-learn's perceptron warns of batches larger than its rows; an error here.
    net = MLPClassifier((4,), random_state=0)
    learner = SinglePassLearner(net, batch_size=100, random_state=0).fit(X, Y)
    assert learner.estimator_._optimizer.t == learner.n_updates_ == 7
    with pytest.raises(ValueError, match="when only one class is present"):
        learner.fit(X, 0 * Y)
    with pytest.raises(ValueError, match="X has no rows"):
        SinglePassLearner(SGDRegressor()).fit(X[:0], X[:0, 0])


def test_without_scores_there_is_no_law_and_guesses_are_called_so():
    silent = SinglePassLearner(SGD, prequential=False, random_state=0).fit(X, Y)
    assert not hasattr(silent, "prequential_scores_")
    with pytest.raises(ValueError, match="no power law: fit with prequential=True"):
        silent.predicted_score_at(100)
    few = SinglePassLearner(SGD, batch_size=200, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="at least five batches"):
        few.predicted_score_at(100)
    learner = SinglePassLearner(SGD, batch_size=50, random_state=0).fit(X, Y)
    law = learner.power_law_
    wanted = law["limit"] - law["c"] * 600 ** -law["alpha"]
    assert learner.predicted_score_at(600) == pytest.approx(wanted)
    assert learner.predicted_score_at(600) <= law["limit"]
    with pytest.warns(SkoverfitWarning, match="more than ten times the 600"):
        learner.predicted_score_at(10_000)
    with pytest.raises(ValueError, match="'n' parameter must be at least 1"):
        learner.predicted_score_at(0)
    with pytest.raises(ValueError, match="'estimator' parameter of SinglePassLearner"):
        SinglePassLearner(LogisticRegression()).fit(X, Y)
    with pytest.raises(ValueError, match="'batch_size' parameter of SinglePass"):
        SinglePassLearner(SGD, batch_size=0).fit(X, Y)
