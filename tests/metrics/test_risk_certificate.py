"""Certificates: closed forms, order of the bounds, coverage."""

import numpy as np
import pytest
from scipy import stats

from skoverfit.metrics import kl_inverse, risk_certificate
from skoverfit.metrics._risk_certificate import binomial_certificate, loss_certificate

METHODS = ("binomial", "kl", "hoeffding", "mcallester")


def bound(k, n, **options):
    y_pred = np.r_[np.ones(k, int), np.zeros(n - k, int)]
    return risk_certificate(np.zeros(n, int), y_pred, **options)


def kl(q, p):
    parts = [0.0 if a == 0 else a * np.log(a / b) for a, b in ((q, p), (1 - q, 1 - p))]
    return sum(parts)


def test_published_tightness():
    found = [bound(23, 1000, log_prior=-np.log(50), method=m) for m in METHODS]
    assert found == pytest.approx([0.0416, 0.0452, 0.0818, 0.0898], abs=5e-5)


@pytest.mark.parametrize("n", [1, 7, 200])
def test_one_model_is_clopper_and_pearson(n):
    for k in range(n + 1):
        exact = stats.binomtest(k, n, alternative="less").proportion_ci(0.95).high
        assert bound(k, n) == pytest.approx(exact, rel=1e-9)


def test_the_binomial_bound_solves_its_equation():
    for k, n, level in ((0, 9, 1e-3), (5, 20, 1e-12), (3, 10_000, 1e-40)):
        p = binomial_certificate(k, n, np.log(level))
        assert stats.binom.logcdf(k, n, p) == pytest.approx(np.log(level), rel=1e-7)


def test_priors_smaller_than_the_smallest_float():
    # -1000 is far below log(1e-308); with no error the answer is known.
    assert binomial_certificate(0, 50, -1000.0) == pytest.approx(
        -np.expm1(-1000.0 / 50), rel=1e-12
    )
    levels = -np.array([200.0, 600.0, 660.0, 680.0, 720.0, 1000.0, 3000.0])
    bounds = [binomial_certificate(300, 2000, level) for level in levels]
    # No step where the series takes over from the quantile.
    assert np.all(np.diff(bounds) > 0)
    by_kl = [kl_inverse(300 / 2000, -level / 2000) for level in levels]
    assert np.all(np.array(bounds) <= by_kl)
    assert bounds == pytest.approx(by_kl, abs=0.005)
    # So little that the bound rounds to 1.
    assert binomial_certificate(5, 200, -1e4) == 1.0


def test_every_bound_is_looser_than_the_one_before():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 500))
        k, log_prior = int(rng.integers(0, n + 1)), -float(rng.uniform(0, 30))
        found = [bound(k, n, log_prior=log_prior, method=m) for m in METHODS]
        assert np.all(np.diff(found) >= -1e-9), (k, n, log_prior, found)
        assert k / n <= found[0] <= 1


def test_more_errors_candidates_or_confidence_loosen_the_bound():
    for method in METHODS:
        assert bound(3, 99, method=method) < bound(4, 99, method=method)
        assert bound(3, 99, method=method) < bound(
            3, 99, method=method, log_prior=-np.log(2)
        )
        assert bound(3, 99, method=method) < bound(3, 99, method=method, delta=0.01)


def test_kl_inverse_inverts():
    rng = np.random.default_rng(1)
    for q, c in zip(rng.uniform(size=100), rng.exponential(size=100), strict=True):
        upper, lower = kl_inverse(q, c), kl_inverse(q, c, upper=False)
        assert lower < q < upper
        # Where the root is next to the border, kl can't be evaluated to all digits.
        if upper < 1 - 1e-9:
            assert kl(q, upper) == pytest.approx(c, rel=1e-6)
        if lower > 1e-9:
            assert kl(q, lower) == pytest.approx(c, rel=1e-6)
    assert kl_inverse(0.0, 2.5) == pytest.approx(1 - np.exp(-2.5))
    assert kl_inverse(0.3, 0.0) == 0.3
    assert kl_inverse(1.0, 3.0) == 1.0
    assert kl_inverse(1.0, 2.5, upper=False) == pytest.approx(np.exp(-2.5))


@pytest.mark.parametrize("method", METHODS)
def test_the_winner_of_a_search_is_covered(method):
    # 40 models with errors of their own; the best on 60 rows is certified.
    rng = np.random.default_rng(2)
    violated = 0
    for _ in range(1000):
        risks = rng.beta(6, 9, size=40)
        errors = rng.binomial(60, risks)
        best = int(errors.argmin())
        level = np.log(0.05) - np.log(40)
        found = (
            binomial_certificate(int(errors[best]), 60, level)
            if method == "binomial"
            else loss_certificate(errors[best] / 60, 60, level, method)
        )
        violated += risks[best] > found
    assert violated <= 50


def test_labels_of_any_type_and_classes_that_only_the_predictions_have():
    y_true, y_pred = ["a", "b", "b", "a"], ["a", "b", "c", "a"]
    assert risk_certificate(y_true, y_pred) == pytest.approx(bound(1, 4))
    assert risk_certificate(y_true, y_pred, sample_weight=[1, 1, 0, 1]) == (
        pytest.approx(bound(0, 3))
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"log_prior": 0.1}, "log_prior"),
        ({"log_prior": -np.inf}, "log_prior"),
        ({"delta": 1.0}, "delta"),
        ({"method": "bayes"}, "method"),
        ({"sample_weight": [1, 2, 1]}, "0 or 1"),
        ({"sample_weight": [1, 1]}, "sample_weight"),
    ],
)
def test_bad_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        risk_certificate([0, 1, 1], [0, 1, 0], **options)


def test_bad_inputs_are_named():
    with pytest.raises(ValueError, match="y_pred has 2"):
        risk_certificate([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="empty"):
        risk_certificate([], [])
    with pytest.raises(ValueError, match="different types"):
        risk_certificate([0, 1], ["0", "1"])
    with pytest.raises(ValueError, match="'c'"):
        kl_inverse(0.1, np.inf)
    with pytest.raises(ValueError, match="'q'"):
        kl_inverse(1.1, 1.0)
