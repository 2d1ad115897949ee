"""Calibration slope and Spiegelhalter's z."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.linear_model import LogisticRegression

from skoverfit.metrics import calibration_slope_intercept, spiegelhalter_z


def make(seed, n=300, slope=0.6, intercept=0.4):
    rng = np.random.default_rng(seed)
    eta = 2 * rng.normal(size=n)
    y = (rng.uniform(size=n) < expit(intercept + slope * eta)).astype(int)
    return y, expit(eta)


def multiclass(seed, n=400, beta=0.5):
    rng = np.random.default_rng(seed)
    logs = log_softmax(2 * rng.normal(size=(n, 4)), axis=1)
    truth = softmax(beta * logs, axis=1)
    y = (truth.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return np.minimum(y, 3), np.exp(logs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_agrees_with_unpenalized_logistic_regression(seed, weighted):
    y, p = make(seed)
    w = np.random.default_rng(seed).uniform(size=y.size) if weighted else None
    model = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    model.fit(logit(p)[:, None], y, sample_weight=w)
    found = calibration_slope_intercept(y, p, sample_weight=w)
    expected = (model.coef_[0, 0], model.intercept_[0])
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_is_the_inverse_temperature(seed):
    y, prob = multiclass(seed)

    def loss(beta):
        scaled = log_softmax(beta * np.log(prob), axis=1)
        return -scaled[np.arange(y.size), y].mean()

    best = minimize_scalar(loss, bounds=(0.01, 3), options={"xatol": 1e-10}).x
    slope, intercept = calibration_slope_intercept(y, prob)
    assert slope == pytest.approx(best, abs=1e-5)
    assert intercept == 0.0


def test_truth_is_recovered():
    y, p = make(0, n=40_000)
    slope, intercept = calibration_slope_intercept(y, p)
    # Standard errors are about .01.
    assert slope == pytest.approx(0.6, abs=0.05)
    assert intercept == pytest.approx(0.4, abs=0.05)
    y, prob = multiclass(0, n=20_000)
    assert calibration_slope_intercept(y, prob)[0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("data", [make, multiclass])
def test_sharpening_divides_the_slope(data):
    y, p = data(1)
    # Not so sharp that a probability becomes exactly 0.
    sharper = expit(3 * logit(p)) if p.ndim == 1 else softmax(3 * np.log(p), axis=1)
    slope, intercept = calibration_slope_intercept(y, p)
    assert calibration_slope_intercept(y, sharper) == pytest.approx(
        (slope / 3, intercept), abs=1e-6
    )


@pytest.mark.parametrize("data", [make, multiclass])
def test_labels_columns_and_weights(data):
    y, p = data(2)
    columns = p if p.ndim == 2 else np.column_stack([1 - p, p])
    reference = calibration_slope_intercept(y, p)
    names = np.array(["a", "b", "c", "d"])[y]
    assert calibration_slope_intercept(names, columns) == pytest.approx(
        reference, abs=1e-8
    )
    w = np.random.default_rng(2).integers(0, 4, size=y.size)
    assert calibration_slope_intercept(y, p, sample_weight=w) == pytest.approx(
        calibration_slope_intercept(np.repeat(y, w), np.repeat(p, w, axis=0)), abs=1e-8
    )


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 20])
def test_multiclass_slope_is_found_on_every_scale(scale):
    y, prob = multiclass(4)
    slope, _ = calibration_slope_intercept(y, prob)
    scaled = softmax(scale * np.log(prob), axis=1)
    assert scaled.min() > 0
    found, _ = calibration_slope_intercept(y, scaled)
    assert found * scale == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_nearly_separated_rows_are_fitted_or_refused(seed):
    """Few rows of extreme forecasts: the gradient is 0 at what is returned."""
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet(np.full(4, 0.1), size=5)
    prob = (5 * prob + 0.25) / 6
    y = rng.integers(4, size=5)
    logs = np.log(prob)
    own = logs[np.arange(5), y]
    if np.all(own >= logs.max(axis=1)) or np.all(own <= logs.min(axis=1)):
        with pytest.raises(ValueError, match="infinite"):
            calibration_slope_intercept(y, prob, labels=range(4))
        return
    slope, _ = calibration_slope_intercept(y, prob, labels=range(4))
    mean = (softmax(slope * logs, axis=1) * logs).sum(axis=1)
    assert abs((mean - own).mean()) < 1e-8


def test_certain_forecasts_are_shrunk():
    y, p = make(3, n=99)
    p = p.round(1)
    assert {0.0, 1.0} <= set(p)
    found = calibration_slope_intercept(y, p)
    expected = calibration_slope_intercept(y, (99 * p + 0.5) / 100)
    assert found == pytest.approx(expected, abs=1e-9)
    y, prob = multiclass(3, n=99)
    prob = np.where(prob == prob.max(axis=1, keepdims=True), 1.0, 0.0)
    slope, _ = calibration_slope_intercept(y, prob)
    assert 0 < slope < 1


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1, 100])
def test_extreme_forecasts_converge(scale):
    rng = np.random.default_rng(4)
    eta = scale * rng.normal(size=200)
    y = (rng.uniform(size=200) < 0.3).astype(int)
    p = expit(eta)
    slope, intercept = calibration_slope_intercept(y, p)
    if scale == 100:
        assert p.max() == 1.0
        p = (200 * p + 0.5) / 201
    residual = y - expit(intercept + slope * logit(p))
    assert abs(residual.mean()) < 1e-8
    assert abs((residual * logit(p)).mean()) < 1e-8 * max(1, scale)


def test_small_probabilities_are_not_taken_for_zero():
    """1 - 1e-20 is 1 in floating point, but its logit is known."""
    y, p = make(7)
    p = np.append(p, [1e-20, 1e-20])
    reference = calibration_slope_intercept(np.append(y, [0, 1]), p)
    columns = np.column_stack([p, 1 - p])
    slope, intercept = calibration_slope_intercept(1 - np.append(y, [0, 1]), columns)
    assert (slope, -intercept) == pytest.approx(reference, abs=1e-7)
    assert slope < 0.5


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.9], "infinite"),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.9], "infinite"),
        ([0, 1, 0, 1], [0.3] * 4, "all forecasts are equal"),
        ([0, 1, 2], np.eye(3) * 0.4 + 0.2, "infinite"),
        ([0, 1, 2], np.full((3, 3), 1 / 3), "uniform"),
    ],
)
def test_undefined_slopes_are_refused(y, p, message):
    with pytest.raises(ValueError, match=message):
        calibration_slope_intercept(y, p)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        calibration_slope_intercept(["a", "a"], [0.1, 0.3], labels=["a", "b"])


def test_z_by_moments():
    """Z standardizes the Brier score by its mean and variance given the forecasts."""
    y, p = make(5)
    brier = np.sum((p - y) ** 2)
    mean = np.sum(p * (1 - p))
    variance = np.sum(p * (1 - p) * (1 - 2 * p) ** 2)
    assert spiegelhalter_z(y, p) == pytest.approx((brier - mean) / np.sqrt(variance))
    names = np.array(["no", "yes"])[y]
    columns = np.column_stack([1 - p, p])
    assert spiegelhalter_z(names, columns) == pytest.approx(spiegelhalter_z(y, p))
    w = np.random.default_rng(5).integers(0, 4, size=y.size)
    assert spiegelhalter_z(y, p, sample_weight=w) == pytest.approx(
        spiegelhalter_z(np.repeat(y, w), np.repeat(p, w))
    )


def test_z_is_standard_normal_for_calibrated_forecasts():
    rng = np.random.default_rng(6)
    p = rng.uniform(size=(500, 200))
    y = (rng.uniform(size=p.shape) < p).astype(int)
    z = [spiegelhalter_z(a, b) for a, b in zip(y, p, strict=True)]
    assert stats.kstest(z, "norm").pvalue > 0.01
    y, p = make(6, n=2000, slope=0.5, intercept=0)
    assert spiegelhalter_z(y, p) > 5


def test_z_without_room_for_chance():
    assert spiegelhalter_z([0, 1, 0, 1], [0.5] * 4) == 0.0
    assert spiegelhalter_z([0, 1], [0.0, 1.0]) == 0.0
    assert spiegelhalter_z([0, 1], [1.0, 1.0]) == np.inf


def test_z_needs_two_classes():
    with pytest.raises(ValueError, match=r"two classes.*3 columns"):
        spiegelhalter_z([0, 1, 2], np.full((3, 3), 1 / 3))
