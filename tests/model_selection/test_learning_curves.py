"""Learning curves and scaling laws: known laws are found, and doubts are told."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.model_selection import LearningCurveExtrapolator, ScalingLaw
from skoverfit.model_selection._extrapolation import extrapolate
from skoverfit.model_selection._learning_curve_extrapolator import nested_order
from skoverfit.model_selection._power_laws import CURVE_LAWS, fit_law

SIZES = np.geomspace(50, 2000, 8)
TRUTH = {
    "pow3": ((3.0, 0.6, 0.05), lambda n: 3 * n**-0.6 + 0.05),
    "pow2": ((2.0, 0.4), lambda n: 2 * n**-0.4),
    "exp3": ((0.5, 1 / 300, 0.1), lambda n: 0.5 * np.exp(-n / 300) + 0.1),
    "ilog": ((0.6, 0.05), lambda n: 0.6 - 0.05 * np.log(n)),
    "pow4": ((3.0, 0.6, 0.05, 40.0), lambda n: 3 * (n + 40) ** -0.6 + 0.05),
    "mmf4": (
        (0.5, 30.0, 0.05, 0.9),
        lambda n: (0.5 * 30 + 0.05 * n**0.9) / (30 + n**0.9),
    ),
}


@pytest.mark.parametrize("name", TRUTH)
def test_a_law_without_noise_is_found(name):
    parameters, curve = TRUTH[name]
    fitted = fit_law(CURVE_LAWS[name], SIZES, curve(SIZES))
    assert tuple(fitted.named().values()) == pytest.approx(parameters, rel=1e-4)
    assert fitted(np.array([1e4])) == pytest.approx(curve(1e4), rel=1e-4)


@pytest.mark.parametrize("name", TRUTH)
def test_the_unit_of_the_sizes_does_not_matter(name):
    rng = np.random.default_rng(0)
    errors = TRUTH[name][1](SIZES) * np.exp(0.02 * rng.standard_normal(8))
    rows = fit_law(CURVE_LAWS[name], SIZES, errors)
    thousands = fit_law(CURVE_LAWS[name], SIZES / 1000, errors)
    assert rows(np.array([9000.0])) == pytest.approx(
        thousands(np.array([9.0])), rel=1e-5
    )


def told(errors, **options):
    defaults = {
        "law": "pow3",
        "backtest": 2,
        "n_bootstrap": 30,
        "confidence": 0.95,
        "test_train_ratio": 0.25,
        "entropy": 0,
    }
    return extrapolate(SIZES, errors, **(defaults | options))


def noisy(curve, scale=0.01, seed=0, n_folds=5):
    rng = np.random.default_rng(seed)
    return np.maximum(curve(SIZES) + scale * rng.standard_normal((n_folds, 8)), 0.0)


def test_intervals_cover_and_grow_with_distance_and_noise():
    curve = TRUTH["pow3"][1]
    covered = 0
    for seed in range(24):
        low, high = told(noisy(curve, seed=seed)).interval(np.array([8000.0]))
        covered += bool(low[0] <= curve(8000.0) <= high[0])
    assert covered >= 22
    little, much = told(noisy(curve)), told(noisy(curve, scale=0.04))
    at = np.array([2000.0, 4000.0, 20_000.0])
    width = np.ptp(little.interval(at), axis=0)
    assert np.all(np.diff(width) > 0)
    assert np.all(np.ptp(much.interval(at), axis=0) > width)


def test_the_back_test_weighs_the_laws():
    curve = told(noisy(TRUTH["ilog"][1], scale=1e-4), law="auto")
    weights = dict(zip([f.name for f in curve.laws], curve.weights, strict=True))
    assert max(weights, key=weights.get) == "ilog"
    assert sum(weights.values()) == pytest.approx(1.0)
    # Nothing that the last value beats is used.
    worst = curve.backtest_errors["constant"]
    assert all(curve.backtest_errors[name] <= worst for name in weights)


def test_a_flat_curve_ends_at_its_mean_and_a_rising_one_is_named():
    flat = told(noisy(lambda n: np.full_like(n, 0.3), scale=0.005))
    low, high = flat.interval(np.array([np.inf]))
    assert np.isfinite(high[0])
    assert low[0] <= 0.3 <= high[0]
    assert flat(np.array([np.inf]))[0] == pytest.approx(0.3, abs=0.01)
    assert flat.rising_p_value > 0.05
    rising = told(noisy(lambda n: 0.2 + 0.02 * np.log(n), scale=0.005))
    assert rising.rising_p_value < 0.01


def test_beginnings_are_samples_and_groups_stay_whole():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [700, 250, 50])
    order = nested_order(np.arange(1000), y, None, rng)
    assert sorted(order) == list(range(1000))
    for size in (20, 100, 400):
        shares = np.bincount(y[order[:size]], minlength=3) / size
        assert shares == pytest.approx([0.7, 0.25, 0.05], abs=0.03)
    groups = np.repeat(np.arange(100), 10)
    order = nested_order(np.arange(1000), None, groups, rng)
    changes = np.count_nonzero(np.diff(groups[order]))
    assert changes == 99


@pytest.fixture(scope="module")
def curve():
    X, y = load_digits(return_X_y=True)
    model = GaussianNB(var_smoothing=1e-3)
    return LearningCurveExtrapolator(model, cv=4, n_bootstrap=20, random_state=0).fit(
        X[:600], y[:600]
    )


def test_what_is_told_agrees_with_itself(curve):
    assert curve.train_sizes_[-1] == 450
    assert np.all(np.diff(curve.train_sizes_) > 0)
    assert curve.test_scores_.shape == (4, 7)
    assert np.all(curve.train_scores_.mean(axis=0) > curve.test_scores_.mean(axis=0))
    scores = curve.predict_score([600, 1200])
    gain = curve.gain_from_doubling_
    assert gain.gain == pytest.approx(scores[1] - scores[0])
    assert gain.lower < gain.gain < gain.upper
    assert curve.targets_[0].n_samples == 1200
    assert curve.targets_[0].score == scores[1]
    assert curve.asymptote_.score == curve.targets_[-1].score >= scores[1]
    assert curve.laws_["pow3"].weight == 1.0
    seen = curve.test_scores_.mean(axis=0)
    assert curve.predict_score(curve.train_sizes_) == pytest.approx(seen, abs=0.03)


def test_far_sizes_are_warned_about(curve):
    with pytest.warns(SkoverfitWarning, match="10 times"):
        curve.predict_score(10_000)
    with pytest.raises(ValueError, match="positive"):
        curve.predict_score(0)


def test_numbers_losses_frames_and_groups():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 5)), columns=list("abcde"))
    y = X.sum(axis=1).to_numpy() + rng.normal(size=300)
    options = {"n_bootstrap": 10, "random_state": 0}
    by_r2 = LearningCurveExtrapolator(Ridge(), **options).fit(X, y)
    assert list(by_r2.feature_names_in_) == list("abcde")
    assert 0.7 < by_r2.asymptote_.score <= 1.0
    by_loss = LearningCurveExtrapolator(
        Ridge(), scoring="neg_mean_squared_error", **options
    ).fit(X, y)
    # The noise has variance 1.
    assert by_loss.asymptote_.score == pytest.approx(-1.0, abs=0.3)
    grouped = LearningCurveExtrapolator(
        GaussianNB(), train_sizes=[60, 90, 120, 160, 200], **options
    ).fit(X, y > 0, groups=np.arange(300) // 10)
    np.testing.assert_array_equal(grouped.train_sizes_, [60, 90, 120, 160, 200])


def test_jobs_do_not_matter():
    X, y = make_classification(200, random_state=0)
    one, two = (
        LearningCurveExtrapolator(
            GaussianNB(), n_bootstrap=5, n_jobs=n, random_state=0
        ).fit(X, y)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.test_scores_, two.test_scores_)
    assert one.targets_ == two.targets_


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_sizes": 3}, "train_sizes"),
        ({"train_sizes": [10, 20, 30]}, "at least 5 different sizes"),
        ({"train_sizes": [10, 20, 30, 40, 5000]}, "rows of the smallest"),
        ({"train_sizes": [-1.0, 0.2, 0.3, 0.4, 0.5]}, "positive numbers"),
        ({"law": "constant"}, "law"),
        ({"optimum": 0.3}, "above 0.3"),
        ({"scoring": lambda *_: np.nan}, "NaN"),
        ({"cv": [(np.arange(100), np.arange(100, 120))]}, "at least 2 folds"),
    ],
)
def test_bad_input_is_named_and_nothing_is_fitted(change, message):
    X, y = make_classification(120, random_state=0)
    search = LearningCurveExtrapolator(DummyClassifier(), n_bootstrap=2, **change)
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)
    assert not hasattr(search, "train_sizes_")


# --- scaling laws --------------------------------------------------------------------

GRID = np.array([[n, d] for n in (10, 30, 100, 300) for d in (1e3, 4e3, 2e4, 1e5)])
LAWS = {
    "chinchilla": (
        {"A": 4.0, "a": 0.34, "B": 40.0, "b": 0.28, "E": 1.7},
        lambda X: 1.7 + 4 * X[:, 0] ** -0.34 + 40 * X[:, 1] ** -0.28,
    ),
    "overtraining": (
        {"A": 4.0, "B": 40.0, "a": 0.3, "E": 1.7},
        lambda X: 1.7 + 4 * X[:, 0] ** -0.3 + 40 * X[:, 1] ** -0.3,
    ),
    "power_offset": (
        {"a": 3.0, "b": 0.5, "c": 0.1},
        lambda X: 0.1 + 3 * X[:, 0] ** -0.5,
    ),
    "downstream": (
        {"eps": 0.9, "k": 2.0, "gamma": 0.8},
        lambda X: 0.9 - 2 * np.exp(-0.8 * X[:, 0]),
    ),
}


def runs(law):
    if law == "downstream":
        return np.linspace(1.5, 4.0, 8)[:, None]
    return GRID if law in ("chinchilla", "overtraining") else GRID[::4, :1] * 10


@pytest.mark.parametrize("law", LAWS)
def test_exponents_are_recovered(law):
    parameters, formula = LAWS[law]
    X = runs(law)
    model = ScalingLaw(law, n_bootstrap=2, random_state=0).fit(X, formula(X))
    assert model.params_ == pytest.approx(parameters, rel=1e-3)
    assert model.covariance_.shape == (len(parameters),) * 2


@pytest.mark.parametrize("law", ["chinchilla", "overtraining"])
def test_exponents_are_recovered_within_five_percent_from_noisy_runs(law):
    parameters, formula = LAWS[law]
    X = np.repeat(GRID, 4, axis=0)
    found = []
    for seed in range(5):
        noise = np.exp(1e-3 * np.random.default_rng(seed).standard_normal(len(X)))
        model = ScalingLaw(law, n_bootstrap=2, random_state=0).fit(
            X, formula(X) * noise
        )
        found.append(model.params_["a"])
    assert np.mean(found) == pytest.approx(parameters["a"], rel=0.05)


def test_a_large_run_is_predicted_from_small_ones_with_an_interval():
    _, formula = LAWS["chinchilla"]
    rng = np.random.default_rng(0)
    seen = GRID.prod(axis=1) < 2e6
    y = formula(GRID) * np.exp(0.003 * rng.standard_normal(len(GRID)))
    model = ScalingLaw("chinchilla", n_bootstrap=40, random_state=0)
    model.fit(GRID[seen], y[seen])
    truth = formula(GRID[-1:])[0]
    predicted, lower, upper = model.predict(GRID[-1:], return_interval=True)
    assert predicted[0] == pytest.approx(truth, rel=0.05)
    assert lower[0] < predicted[0] < upper[0]


def test_overtraining_keeps_the_slope():
    parameters, formula = LAWS["overtraining"]
    X = runs("overtraining")
    model = ScalingLaw("overtraining", n_bootstrap=2, random_state=0).fit(X, formula(X))
    cost = np.array([1e6, 1e8])
    for ratio in (20.0, 640.0):
        n = np.sqrt(cost / (6 * ratio))
        loss = model.predict(np.column_stack([n, ratio * n])) - model.params_["E"]
        slope = np.diff(np.log(loss)) / np.diff(np.log(cost))
        assert slope == pytest.approx(-parameters["a"] / 2, rel=1e-3)


def test_a_budget_is_divided_where_the_loss_is_least():
    _, formula = LAWS["chinchilla"]
    model = ScalingLaw("chinchilla", n_bootstrap=2, random_state=0)
    model.fit(GRID, formula(GRID))
    best = model.optimal_allocation(1e9)
    assert 6 * best.capacity * best.n_samples == pytest.approx(1e9, rel=1e-6)
    # The closed form: a A N^-a = b B D^-b.
    p = model.params_
    first = p["a"] * p["A"] * best.capacity ** -p["a"]
    second = p["b"] * p["B"] * best.n_samples ** -p["b"]
    assert first == pytest.approx(second, rel=1e-3)
    free = model.optimal_allocation(1e6, cost=lambda n, d: 100 * n + d)
    assert 100 * free.capacity + free.n_samples == pytest.approx(1e6, rel=1e-6)


def test_one_wild_run_does_not_bend_the_law():
    _, formula = LAWS["power_offset"]
    X = np.geomspace(100, 10_000, 9)[:, None]
    y = formula(X)
    y[4] *= 1.3
    fitted = {
        loss: ScalingLaw(loss=loss, n_bootstrap=2, random_state=0)
        .fit(X, y)
        .params_["b"]
        for loss in ("huber", "linear")
    }
    assert fitted["huber"] == pytest.approx(0.5, abs=0.02)
    assert abs(fitted["linear"] - 0.5) > abs(fitted["huber"] - 0.5)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1, 2]] * 9, [1] * 9, r"1 column\(s\)"),
        ([0, 1, 2, 3, 4, 5], [1] * 6, "X must be positive"),
        ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, -1], "y must be positive"),
        ([1, 1, 2, 2, 3, 3], [1] * 6, "at least 4 different runs"),
        ([1, 2, 3, 4, 5, 6], [1] * 5, "inconsistent numbers"),
    ],
)
def test_runs_that_no_law_fits_are_refused(X, y, message):
    law = ScalingLaw()
    with pytest.raises(ValueError, match=message):
        law.fit(X, y)
    assert not hasattr(law, "params_")


def test_a_law_of_rows_alone_has_no_capacity():
    law = ScalingLaw(n_bootstrap=2, random_state=0).fit(SIZES, TRUTH["pow3"][1](SIZES))
    with pytest.raises(ValueError, match="no capacity"):
        law.optimal_allocation(1e6)
    two = ScalingLaw("chinchilla", n_bootstrap=2, random_state=0).fit(
        GRID, LAWS["chinchilla"][1](GRID)
    )
    with pytest.raises(ValueError, match="budget"):
        two.optimal_allocation(0)


def test_logistic_regression_on_digits_at_five_times_the_rows():
    X, y = load_digits(return_X_y=True)
    # Neighbouring rows are by one hand.
    rows = np.random.default_rng(0).permutation(len(X))
    X, y = X[rows], y[rows]
    model = LogisticRegression(C=0.01, max_iter=500)
    small = LearningCurveExtrapolator(model, cv=3, n_bootstrap=5, random_state=0).fit(
        X[:300], y[:300]
    )
    truth = model.fit(X[300:1300], y[300:1300]).score(X[1300:], y[1300:])
    assert small.predict_score(1000)[0] == pytest.approx(truth, abs=0.05)
