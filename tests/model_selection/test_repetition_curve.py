# SPDX-License-Identifier: BSD-3-Clause
"""Equal updates and visits in every arm; the first is plain single-pass training."""

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline as make_imb_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import ShuffleSplit, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier

from skoverfit.inspection import RepetitionCurveDisplay
from skoverfit.model_selection import repetition_curve
from skoverfit.model_selection._repetition_curve import train_in_batches
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.over_sampling import RandomOverSampler

X, Y = make_classification(600, 8, n_informative=5, random_state=0)
BOOK = []


class Clerk(ClassifierMixin, BaseEstimator):
    """Writes down which rows it sees, and predicts the first class."""

    def partial_fit(self, X, y, classes=None):
        if not hasattr(self, "seen_"):
            self.classes_ = classes
            self.seen_ = []
            BOOK.append(self.seen_)
        self.seen_.append(X[:, 0].astype(int).tolist())
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def booked(**options):
    BOOK.clear()
    numbers = np.arange(600)[:, None] + np.zeros((1, 2))
    curve = repetition_curve(
        Clerk(), numbers, Y, **{"cv": 3, "random_state": 0, **options}
    )
    return curve, [list(calls) for calls in BOOK]


def test_all_arms_have_the_same_updates_and_row_visits():
    arms = (1, 2, 3, 7)
    curve, books = booked(repetitions=arms, batch_size=20)
    assert curve.n_updates == 20
    assert curve.n_row_visits == 400
    assert len(books) == 12
    splits = list(StratifiedKFold(3).split(X, Y))
    for place, calls in enumerate(books):
        split, arm = divmod(place, 4)
        assert [len(rows) for rows in calls] == [20] * 20
        seen, counts = np.unique(np.concatenate(calls), return_counts=True)
        assert len(seen) == curve.unique_rows[arm] == -(-400 // arms[arm])
        assert counts.max() == arms[arm]
        assert counts.min() >= arms[arm] - 1
        assert set(seen) <= set(splits[split][0])
        if arm:  # nested: fewer rows are among the more
            assert set(seen) <= set(np.concatenate(books[place - 1]))


def test_a_pass_ends_before_a_row_comes_again():
    _, books = booked(repetitions=(4,), batch_size=25, total_updates=16)
    visits = np.concatenate(books[0]).reshape(4, 100)
    for visited in visits:
        assert len(np.unique(visited)) == 100
    assert not np.array_equal(visits[0], visits[1])


def test_one_repetition_is_a_single_pass_of_partial_fit_by_hand():
    model = SGDClassifier(random_state=3)
    curve = repetition_curve(
        model, X, Y, repetitions=(1,), batch_size=50, cv=3, random_state=1
    )
    _, books = booked(repetitions=(1,), batch_size=50, random_state=1)
    splits = StratifiedKFold(3).split(X, Y)
    for (_, test), calls, score in zip(
        splits, books, curve.test_scores[0], strict=True
    ):
        alone = clone(model)
        for rows in calls:
            alone.partial_fit(X[rows], Y[rows], classes=[0, 1])
        assert score == alone.score(X[test], Y[test])


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (
            TabularMLPClassifier((4,), n_estimators=2, device="cpu", random_state=0),
            lambda net: net.net_.n_steps_,
        ),
        (
            MLPClassifier((4,), batch_size=7, random_state=0),
            lambda net: net._optimizer.t,
        ),
        (
            NeuralNetClassifier(
                torch.nn.Linear(8, 2), criterion=torch.nn.CrossEntropyLoss, verbose=0
            ),
            lambda net: len(net.history),
        ),
    ],
    ids=["ours", "scikit-learn", "skorch"],
)
def test_a_call_is_one_update(model, count):
    rows, labels = X.astype(np.float32), Y.astype(np.int64)
    if not hasattr(model, "classes"):
        torch.manual_seed(0)
    fitted = train_in_batches(
        model,
        rows,
        labels,
        np.arange(600),
        batch_size=100,
        classes=np.array([0, 1]),
        seed=0,
    )
    assert count(fitted) == 6


def test_what_one_repetition_more_costs_is_told():
    # Pure noise beside a weak signal: by heart is all that repetition can learn.
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 30))
    labels = (rows[:, 0] + 2 * rng.normal(size=2000) > 0).astype(int)
    net = TabularMLPClassifier(
        (64,),
        n_estimators=1,
        dropout=0.0,
        linear_start=False,
        numeric_embedding=None,
        random_state=0,
    )
    curve = repetition_curve(
        net, rows, labels, repetitions=(30, 1), batch_size=40, cv=3, random_state=0
    )
    np.testing.assert_array_equal(curve.repetitions, [1, 30])
    gaps = (curve.train_scores - curve.test_scores).mean(axis=1)
    assert gaps[0] < 0.15 < 0.3 < gaps[1]
    np.testing.assert_allclose(
        curve.penalties, curve.test_scores[:1] - curve.test_scores
    )
    assert curve.penalties[1].mean() > 0


def test_pipelines_frames_regressions_and_seeds():
    pipe = make_pipeline(StandardScaler(), SGDClassifier())
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    words = np.where(Y == 1, "yes", "no")
    options = {"repetitions": (1, 4), "batch_size": 20, "cv": 3, "random_state": 5}
    one, two, three = (
        repetition_curve(pipe, frame, words, **options, n_jobs=jobs)
        for jobs in (None, None, 2)
    )
    np.testing.assert_array_equal(one.test_scores, two.test_scores)
    np.testing.assert_array_equal(one.test_scores, three.test_scores)
    other = repetition_curve(pipe, frame, words, **(options | {"random_state": 6}))
    assert not np.array_equal(one.test_scores, other.test_scores)
    numbers = repetition_curve(
        SGDRegressor(random_state=0),
        X,
        X[:, 0],
        **(options | {"cv": ShuffleSplit(2, random_state=0)}),
        scoring="neg_mean_squared_error",
    )
    assert numbers.test_scores.shape == (2, 2)
    assert (numbers.test_scores <= 0).all()


def test_the_picture_shows_the_figures():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    display = RepetitionCurveDisplay.from_estimator(
        SGDClassifier(random_state=0),
        X,
        Y,
        repetitions=(1, 5),
        batch_size=20,
        cv=3,
        random_state=0,
    )
    curve = display.curve
    for name, scores in (("train", curve.train_scores), ("test", curve.test_scores)):
        line = display.lines_[name]
        np.testing.assert_allclose(line.get_ydata(), scores.mean(axis=1))
        np.testing.assert_array_equal(line.get_xdata(), [1, 5])
    ticks = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert ticks == ["1\n400", "5\n80"]
    _, ax = plt.subplots()
    assert RepetitionCurveDisplay.from_curve(curve, ax=ax).ax_ is ax
    plt.close("all")


def test_bad_input_is_named():
    model = SGDClassifier()
    for options, match in (
        (
            {"repetitions": (30,)},
            "With 30 repetitions 24 updates of 20 rows leave 16",
        ),
        ({"total_updates": 25}, "25 updates of 20 rows, each seen 1 times, need 500"),
        ({"batch_size": 500}, "1 updates of 500 rows, each seen 1 times, need 500"),
        ({"repetitions": (0, 1)}, "'repetitions' parameter must hold numbers of at l"),
        ({"repetitions": (1.5,)}, "'repetitions' parameter must hold whole numbers"),
        ({"batch_size": 0}, "'batch_size' parameter of repetition_curve"),
    ):
        with pytest.raises(ValueError, match=match):
            repetition_curve(
                model, X, Y, **{"batch_size": 20, "repetitions": (1, 2), **options}
            )
    with pytest.raises(ValueError, match="RandomForestClassifier has none"):
        repetition_curve(RandomForestClassifier(), X, Y)
    with pytest.raises(ValueError, match="step 'randomoversampler' changes the number"):
        repetition_curve(make_imb_pipeline(RandomOverSampler(), model), X, Y)
    with pytest.raises(ValueError, match="X has 600 rows, but y has 9"):
        repetition_curve(model, X, Y[:9])
