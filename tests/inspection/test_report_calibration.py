"""Sections on calibration, complexity and instability of an overfitting report."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skoverfit.catalogue import get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import (
    ComplexityProbeDisplay,
    OverfittingReport,
    ReliabilityDisplay,
)
from skoverfit.inspection._report._knobs import settings_for
from skoverfit.inspection._report._remedies import learner_in
from skoverfit.inspection._report._setup import problem_of
from skoverfit.inspection._report._types import NotRun
from skoverfit.metrics import calibration_slope_intercept

SECTIONS = ["calibration", "complexity", "instability"]


def linear(seed, n, p, strength=2.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    coef = rng.normal(size=p)
    odds = X @ (strength * coef / np.linalg.norm(coef))
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def report_of(estimator, X, y, sections=SECTIONS, **options):
    options = {"random_state": 0, **options}
    return OverfittingReport(estimator, sections=sections, **options).fit(X, y)


def finding(report, name):
    return next(f for f in report.findings_ if f.name == name)


class Oracle(ClassifierMixin, BaseEstimator):
    """Knows the log-odds in the first column, and multiplies them."""

    def __init__(self, factor=1.0, shift=0.0):
        self.factor = factor
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-self.factor * X[:, 0] - self.shift))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class NumberOracle(RegressorMixin, BaseEstimator):
    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.factor * X[:, 0]


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    X = rng.normal(scale=1.5, size=(600, 1))
    return X, (rng.random(600) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)


# --- calibration --------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_slope_undoes_the_factor(known, factor):
    X, y = known
    report = report_of(Oracle(factor), X, y, ["calibration"])
    slope = report.sections_["calibration"].estimates["slope"]
    # A model that learns nothing forecasts the same in and out of folds.
    p = Oracle(factor).fit(X, y).predict_proba(X)
    assert_allclose(slope.value, calibration_slope_intercept(y, p)[0], rtol=1e-4)
    assert slope.lower < 1 / factor < slope.upper
    assert finding(report, "overconfidence").confirmed == (factor > 1)
    assert finding(report, "timid_forecasts").confirmed == (factor < 1)


def test_what_recalibration_wins_back_is_what_the_factor_cost(known):
    X, y = known
    right = report_of(Oracle(), X, y, ["calibration"]).sections_["calibration"]
    wrong = report_of(Oracle(3.0, 1.0), X, y, ["calibration"]).sections_["calibration"]
    loss = [
        -np.log(Oracle(*values).fit(X, y).predict_proba(X)[np.arange(600), y]).mean()
        for values in ((), (3.0, 1.0))
    ]
    gain = wrong.estimates["recoverable_loss"].value
    assert_allclose(gain, loss[1] - loss[0], atol=0.01)
    assert abs(right.estimates["recoverable_loss"].value) < 0.01
    # The Brier score is the sum of its parts.
    part = {k: e.value for k, e in wrong.estimates.items()}
    assert_allclose(
        part["brier_score"],
        part["miscalibration"] - part["discrimination"] + part["uncertainty"],
    )


def test_three_classes_have_the_slope_of_their_temperature():
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=1.5, size=(900, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (rng.random(900)[:, None] > p.cumsum(axis=1)).sum(axis=1)

    class Softmax(Oracle):
        def predict_proba(self, X):
            odds = np.exp(self.factor * X)
            return odds / odds.sum(axis=1, keepdims=True)

    report = report_of(Softmax(2.5), logits, y, ["calibration"])
    slope = report.sections_["calibration"].estimates["slope"]
    assert slope.lower < 1 / 2.5 < slope.upper
    assert report.verdict_ == "harmful_overfitting"


def test_numbers_have_a_slope_too():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1))
    y = X[:, 0] + rng.normal(scale=0.5, size=300)
    section = report_of(NumberOracle(2.0), X, y, ["calibration"]).sections_[
        "calibration"
    ]
    centred = X[:, 0] - X[:, 0].mean()
    assert_allclose(
        section.estimates["slope"].value, centred @ y / (2 * centred @ centred)
    )
    # (2x - y)^2 instead of (x - y)^2.
    expected = np.mean((2 * X[:, 0] - y) ** 2 - (X[:, 0] - y) ** 2) / np.var(y)
    assert_allclose(section.estimates["recoverable_loss"].value, expected, atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_more_columns_than_rows_allow_are_harmful(seed):
    X, y = linear(seed, 200, 150)
    model = LogisticRegression(C=1e5, max_iter=500)
    report = report_of(model, X, y)
    assert report.verdict_ == "harmful_overfitting"
    assert finding(report, "overconfidence").confirmed
    assert finding(report, "too_complex").confirmed
    assert "temperature" in finding(report, "overconfidence").remedies


@pytest.mark.parametrize("seed", range(3))
def test_a_right_model_is_spared(seed):
    X, y = linear(seed, 800, 6)
    report = report_of(LogisticRegression(), X, y)
    assert report.verdict_ == "healthy"
    assert abs(report.sections_["calibration"].estimates["slope"].value - 1) < 0.25


def test_breast_cancer_is_spared():
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert report_of(model, X, y).verdict_ == "healthy"


def test_without_probabilities_calibration_says_so():
    X, y = linear(0, 100, 3)
    report = report_of(LinearSVC(), X, y)
    assert "predict_proba" in report.sections_["calibration"].reason
    assert report.sections_["complexity"].was_run
    assert "mean_deviation" not in report.sections_["instability"].estimates


def test_perfect_forecasts_have_no_slope_and_no_finding():
    y = np.repeat([0, 1], 40)
    report = report_of(Oracle(), y[:, None] * 2.0 - 1, y, ["calibration"])
    assert "perfectly" in report.sections_["calibration"].notes[0]
    assert not report.findings_


# --- complexity ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_too_strong_a_penalty_is_underfitting(seed):
    X, y = linear(seed, 400, 10)
    report = report_of(LogisticRegression(C=1e-4), X, y)
    assert report.verdict_ == "underfitting"
    assert "C=" in finding(report, "too_simple").message
    numbers = X @ np.arange(10.0)
    assert report_of(Ridge(alpha=1e5), X, numbers).verdict_ == "underfitting"


def test_the_probe_compares_the_same_folds():
    X, y = linear(0, 200, 30)
    data = report_of(LogisticRegression(), X, y).sections_["complexity"].data
    gain = (data.get("scores") - data["current_scores"]).mean(axis=1)
    # Folds of one size: the mean over rows is that of folds.
    assert_allclose(data["difference"], gain, atol=1e-6)
    assert (data["lower"] <= data["difference"]).all()
    user = report_of(LogisticRegression(), X, y, scoring="accuracy")
    data = user.sections_["complexity"].data
    gain = (data.get("scores") - data["current_scores"]).mean(axis=1)
    assert_allclose(data["difference"], gain)


def settings(estimator, n=100):
    X, y = linear(0, n, 3)
    report = OverfittingReport(estimator, random_state=0)
    problem = problem_of(report, X, y, None, None, None, None)
    return [(s.params, s.simpler) for s in settings_for(problem)]


def test_settings_are_those_of_the_learner():
    found = settings(make_pipeline(StandardScaler(), SVC(C=10.0)))
    assert [params["svc__C"] for params, _ in found] == pytest.approx(
        [1.0, 0.1, 100.0, 1000.0]
    )
    assert [simpler for _, simpler in found] == [True, True, False, False]
    # However far off the present value is, the first step reaches what is usual.
    assert settings(LogisticRegression(C=1e6))[0] == ({"C": 1.0}, True)
    assert settings(LogisticRegression(C=1e-6))[-1] == ({"C": 1.0}, False)
    assert settings(KNeighborsClassifier(5)) == [
        ({"n_neighbors": 15}, True),
        ({"n_neighbors": 26}, True),
        ({"n_neighbors": 1}, False),
    ]
    assert settings(DecisionTreeClassifier(max_depth=4)) == [
        ({"max_depth": 2}, True),
        ({"max_depth": 1}, True),
        ({"max_depth": 6}, False),
        ({"max_depth": 10}, False),
    ]
    assert all(simpler for _, simpler in settings(RandomForestClassifier()))
    boosting = settings(HistGradientBoostingClassifier())
    assert boosting[0] == ({"max_iter": 20}, True)
    assert boosting[-1] == ({"max_iter": 200}, False)
    pruned = settings(DecisionTreeClassifier(ccp_alpha=0.01))
    assert [simpler for _, simpler in pruned] == [True, True, False, False]


@pytest.mark.parametrize(
    ("estimator", "text"),
    [
        (GaussianNB(), "no parameter of GaussianNB"),
        (GridSearchCV(SVC(), {"C": [1.0]}), "chooses its parameters itself"),
    ],
)
def test_a_learner_without_a_knob_is_named(estimator, text):
    with pytest.raises(NotRun, match=text):
        settings(estimator)


def test_settings_can_be_set_and_the_estimator_is_left_alone():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=2.0))
    before = model.get_params()
    for params, _ in settings(model):
        model.__class__(model.steps).set_params(**params)
        model.set_params(logisticregression__C=2.0)
    X, y = linear(0, 60, 3)
    report_of(model, X, y)
    assert (
        model.get_params()["logisticregression__C"] == before["logisticregression__C"]
    )
    assert learner_in(model)[0] == "logisticregression__"


def test_remedies_exist():
    X, y = linear(0, 100, 3)
    names = {n for f in report_of(LogisticRegression(), X, y).findings_
             for n in f.remedies}  # fmt: skip
    assert "regularization" in names
    assert all(get_remedy(name) for name in names)


# --- instability --------------------------------------------------------------------


class Coin(Oracle):
    """Answers by a coin that is thrown for each fit."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def predict_proba(self, X):
        rng = np.random.default_rng(self.random_state)
        p = rng.integers(2, size=len(X)) * 0.5 + 0.25
        return np.column_stack([1 - p, p])


def test_a_coin_flips_every_second_row_and_an_oracle_none(known):
    X, y = known
    coin = report_of(Coin(), X, y, ["instability"], n_repeats=4)
    found = coin.sections_["instability"].estimates
    assert abs(found["flip_rate"].value - 0.5) < 0.05
    # Of R answers of 1/4 or 3/4: sqrt(1 - 1 / R) / 4.
    assert abs(found["mean_deviation"].value - np.sqrt(3 / 4) / 4) < 0.01
    assert finding(coin, "class_flips").confirmed
    still = report_of(Oracle(), X, y, ["instability"])
    for estimate in still.sections_["instability"].estimates.values():
        assert estimate.value == 0
    assert not finding(still, "class_flips").confirmed


def test_one_repeat_tells_nothing_of_instability(known):
    report = report_of(Oracle(), *known, ["instability"], n_repeats=1)
    assert "two repeats" in report.sections_["instability"].reason


# --- pictures -----------------------------------------------------------------------


@pytest.fixture
def plt():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    yield pyplot
    pyplot.close("all")


def test_reliability_is_drawn_where_forecasts_come_true(known, plt):
    X, y = known
    p = Oracle().fit(X, y).predict_proba(X)
    display = ReliabilityDisplay.from_predictions(y, p, name="Oracle")
    at, observed, low, high = display.points_.T
    assert len(at) == 10
    assert (np.diff(at) > 0).all()
    assert ((low <= observed) & (observed <= high)).all()
    assert_allclose(observed.mean(), y.mean(), atol=1e-9)
    # The correction is monotone and keeps the mean.
    _, fitted = display.line_.get_data()
    assert (np.diff(fitted) >= 0).all()
    assert_allclose(fitted.mean(), y.mean())
    # The report has the same, once a repeat.
    report = report_of(Oracle(), X, y, ["calibration"])
    drawn = ReliabilityDisplay.from_report(report)
    assert_allclose(drawn.points_, display.points_, atol=1e-3)
    assert "class 1" in drawn.ax_.get_xlabel()
    assert drawn.plot().ax_ is not display.ax_


def test_weights_of_reliability_repeat_rows(known, plt):
    X, y = known
    p = Oracle().fit(X, y).predict_proba(X)[:, 1]
    weight = np.arange(600) % 3
    by_weight = ReliabilityDisplay.from_predictions(y, p, sample_weight=weight)
    rows = np.repeat(np.arange(600), weight)
    by_rows = ReliabilityDisplay.from_predictions(y[rows], p[rows])
    assert_allclose(by_weight.line_.get_ydata(), by_rows.line_.get_ydata())


def test_reliability_of_many_classes_and_of_none(known, plt):
    X, y = linear(0, 120, 3)
    y = y + (X[:, 1] > 0)
    display = ReliabilityDisplay.from_estimator(
        LogisticRegression(), X, y, random_state=0
    )
    assert "most probable" in display.ax_.get_xlabel()
    report = report_of(Ridge(), X, X[:, 0] + y, ["calibration"])
    with pytest.raises(BadInputError, match="regression has no probabilities"):
        ReliabilityDisplay.from_report(report)
    with pytest.raises(BadInputError, match="one shape"):
        ReliabilityDisplay(np.ones((1, 3)), np.ones((1, 2))).plot()


def test_the_probe_is_drawn_from_simple_to_complex(plt):
    X, y = linear(0, 100, 40)
    display = ComplexityProbeDisplay.from_estimator(
        LogisticRegression(), X, y, random_state=0
    )
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["C=0.01", "C=0.1", "present", "C=10", "C=100"]
    at = [container[0].get_xdata()[0] for container in display.points_]
    assert_allclose(at, np.asarray(display.difference)[[1, 0, 2, 3]])
