"""Parts of the Brier score against scikit-learn and against sums by hand."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from skoverfit.metrics import brier_decomposition

METHODS = [
    {"method": "corp"},
    {"method": "corp", "score": "log_loss"},
    {"method": "binned"},
    {"method": "binned", "bias_correction": False},
]


def make(seed, n=200, slope=0.5):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n).round(2)
    logit = np.log((p + 0.01) / (1.01 - p))
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-slope * logit))).astype(int)
    return y, p


def multiclass(seed, n=150):
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet([1, 2, 3, 4], size=n)
    return np.concatenate([np.arange(4), rng.integers(4, size=n - 4)]), prob


def total(parts):
    return (
        parts.miscalibration
        - parts.discrimination
        + parts.uncertainty
        + parts.remainder
    )


@pytest.mark.parametrize("options", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_parts_sum_to_the_score(options, seed):
    y, p = make(seed)
    w = np.random.default_rng(seed).uniform(size=y.size)
    for weight in (None, w):
        parts = brier_decomposition(y, p, sample_weight=weight, **options)
        assert total(parts) == pytest.approx(parts.score, abs=1e-12)
        reference = log_loss if "score" in options else brier_score_loss
        expected = reference(y, p, sample_weight=weight)
        assert parts.score == pytest.approx(expected, abs=1e-12)
    y, prob = multiclass(seed)
    parts = brier_decomposition(y, prob, **options)
    assert total(parts) == pytest.approx(parts.score, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_corp_by_explicit_isotonic_regression(weighted):
    y, p = make(4)
    w = np.random.default_rng(4).uniform(size=200) if weighted else np.ones(200)
    repaired = IsotonicRegression().fit(p, y, sample_weight=w).predict(p)
    base = np.full(200, np.average(y, weights=w))

    def brier(q):
        return np.average((q - y) ** 2, weights=w)

    def loss(q):
        return log_loss(y, q, sample_weight=w)

    for score, name, tolerance in ((brier, "brier", 1e-12), (loss, "log_loss", 1e-10)):
        parts = brier_decomposition(y, p, sample_weight=w, score=name)
        found = (parts.miscalibration, parts.discrimination, parts.uncertainty)
        best = score(repaired)
        expected = (score(p) - best, score(base) - best, score(base))
        assert found == pytest.approx(expected, abs=tolerance)
        assert min(found) >= 0
        assert parts.remainder == 0.0


def test_miscalibration_is_zero_only_for_the_isotonic_fit():
    y, p = make(5)
    repaired = IsotonicRegression().fit(p, y).predict(p)
    assert brier_decomposition(y, repaired).miscalibration < 1e-15
    assert brier_decomposition(y, p).miscalibration > 1e-3
    # What only re-scales the forecasts leaves the discrimination as it is.
    assert brier_decomposition(y, p**2).discrimination == pytest.approx(
        brier_decomposition(y, p).discrimination, abs=1e-12
    )


def test_binned_by_hand():
    y, p = make(6, n=100)
    p = p + np.arange(100) * 1e-6 - 1e-3 * (p > 0.5)  # no ties
    order = np.argsort(p)
    rel = res = within = inner = 0.0
    base = y.mean()
    for rows in np.split(order, 5):
        mean = y[rows].mean()
        rel += 0.2 * (p[rows].mean() - mean) ** 2
        res += 0.2 * (mean - base) ** 2
        within += 20 / 19 * mean * (1 - mean) / 100
        covariance = np.mean((p[rows] - p[rows].mean()) * (y[rows] - mean))
        inner += 0.2 * (p[rows].var() - 2 * covariance)
    plain = brier_decomposition(y, p, method="binned", n_bins=5, bias_correction=False)
    unc = base * (1 - base)
    assert plain.miscalibration == pytest.approx(rel, abs=1e-12)
    assert plain.discrimination == pytest.approx(res, abs=1e-12)
    assert plain.uncertainty == pytest.approx(unc, abs=1e-12)
    # Variance within bins minus twice the covariance with the outcome.
    assert plain.remainder == pytest.approx(inner, abs=1e-12)
    extra = unc / 99
    parts = brier_decomposition(y, p, method="binned", n_bins=5)
    assert parts.miscalibration == pytest.approx(rel - within, abs=1e-12)
    assert parts.discrimination == pytest.approx(res - within + extra, abs=1e-12)
    assert parts.uncertainty == pytest.approx(unc + extra, abs=1e-12)
    assert parts.remainder == pytest.approx(inner, abs=1e-12)


def test_bias_correction_is_unbiased_for_calibrated_bins():
    """Four forecasts, each a bin: reliability 0, the rest known."""
    rng, levels = np.random.default_rng(0), np.array([0.1, 0.3, 0.7, 0.9])
    found = []
    for _ in range(500):
        p = rng.choice(levels, size=50)
        y = (rng.uniform(size=p.size) < p).astype(int)
        parts = brier_decomposition(y, p, method="binned", n_bins=40, labels=[0, 1])
        found.append((parts.miscalibration, parts.discrimination, parts.uncertainty))
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    truth = [0.0, levels.var(), 0.25]
    assert np.all(np.abs(np.mean(found, axis=0) - truth) < 3 * error)


@pytest.mark.parametrize("options", METHODS)
def test_classes_are_summed(options):
    y, prob = multiclass(7)
    parts = brier_decomposition(y, prob, **options)
    single = [
        brier_decomposition((y == k).astype(int), prob[:, k], **options)
        for k in range(4)
    ]
    for name in ("score", "miscalibration", "discrimination", "uncertainty"):
        expected = sum(getattr(one, name) for one in single)
        assert getattr(parts, name) == pytest.approx(expected, abs=1e-12)
    if "score" not in options:
        assert parts.score == pytest.approx(brier_score_loss(y, prob), abs=1e-12)


@pytest.mark.parametrize("options", METHODS[:2] + METHODS[3:])
def test_integer_weights_equal_repeated_rows(options):
    y, p = make(8)
    w = np.random.default_rng(8).integers(0, 4, size=200)
    weighted = brier_decomposition(y, p, sample_weight=w, **options)
    repeated = brier_decomposition(np.repeat(y, w), np.repeat(p, w), **options)
    for name in ("score", "miscalibration", "discrimination", "uncertainty"):
        expected = getattr(repeated, name)
        assert getattr(weighted, name) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("options", METHODS)
def test_labels_and_edges(options):
    y, p = make(9)
    names = np.array(["no", "yes"])
    assert brier_decomposition(names[y], p, **options) == brier_decomposition(
        y, p, **options
    )
    certain = brier_decomposition([0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0], **options)
    assert certain.score == pytest.approx(0.0, abs=1e-12)
    wrong = brier_decomposition([1, 0, 1, 0], [0.0, 1.0, 0.0, 1.0], **options)
    assert np.isfinite(wrong.miscalibration)
    # Repaired, they all become 1/2.
    assert wrong.miscalibration > 0.7
    one = brier_decomposition(["a"] * 4, [0.1] * 4, labels=["a", "b"], **options)
    assert one.uncertainty == 0.0


def test_float32_log_loss_follows_scikit_learn():
    p = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]], dtype=np.float32)
    expected = log_loss([1, 0, 1], p)
    found = brier_decomposition([1, 0, 1], p, score="log_loss").score
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "binned", "score": "log_loss"}, "needs method='corp'"),
        ({"method": "murphy"}, "method"),
        ({"method": "binned", "sample_weight": [1, 0]}, r"two rows.*1 row"),
        ({"method": "binned", "sample_weight": [1, 1e-17]}, "comparable"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        brier_decomposition([0, 1], [0.2, 0.7], **options)
