"""Calibration error against a plain loop over bins, and against known truths."""

import numpy as np
import pytest

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.metrics import expected_calibration_error
from skoverfit.metrics._binning import bin_forecasts, group_forecasts


def forecasts(seed, n, slope=1.0):
    """Binary outcomes whose true log-odds are ``slope`` times the forecast's."""
    rng = np.random.default_rng(seed)
    logit = 1.5 * rng.normal(size=n)
    truth = 1 / (1 + np.exp(-slope * logit))
    return (rng.uniform(size=n) < truth).astype(int), 1 / (1 + np.exp(-logit))


def multiclass(seed, n=300, n_classes=4):
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet(np.ones(n_classes), size=n)
    y = (prob.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return np.minimum(y, n_classes - 1), prob


def naive(y, p, bin_of_row, norm):
    """One pass per bin."""
    parts = []
    for b in np.unique(bin_of_row):
        rows = bin_of_row == b
        parts.append((rows.mean(), abs(p[rows].mean() - y[rows].mean())))
    share, distance = np.array(parts).T
    if norm == "max":
        return distance.max()
    if norm == "l1":
        return share @ distance
    return np.sqrt(share @ distance**2)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_plugin_by_a_plain_loop(norm):
    y, p = forecasts(0, 300)
    options = {"norm": norm, "debias": False, "n_bins": 10}
    width = np.minimum((p * 10).astype(int), 9)
    found = expected_calibration_error(y, p, strategy="uniform", **options)
    assert found == pytest.approx(naive(y, p, width, norm), abs=1e-12)
    mass = np.empty(300, dtype=int)
    mass[np.argsort(p)] = np.repeat(np.arange(10), 30)
    found = expected_calibration_error(y, p, **options)
    assert found == pytest.approx(naive(y, p, mass, norm), abs=1e-12)


def test_debiased_square_by_a_plain_loop():
    y, p = forecasts(1, 300)
    order = np.argsort(p)
    expected = 0.0
    for rows in np.split(order, 10):
        mean = y[rows].mean()
        expected += (p[rows].mean() - mean) ** 2 - mean * (1 - mean) / 29
    found = expected_calibration_error(y, p, norm="l2_squared", n_bins=10)
    assert found == pytest.approx(expected / 10, abs=1e-14)
    root = expected_calibration_error(y, p, norm="l2", n_bins=10)
    assert root == pytest.approx(np.sqrt(max(expected / 10, 0)))


@pytest.mark.parametrize("norm", ["l1", "max"])
def test_debiasing_agrees_with_drawing(norm):
    """The computed expectation is the mean over draws of Kumar et al."""
    y, p = forecasts(2, 200, slope=0.6)
    order = np.argsort(p)
    bins = np.split(order, 8)
    mean_p = np.array([p[b].mean() for b in bins])
    mean_y = np.array([y[b].mean() for b in bins])
    spread = np.sqrt(mean_y * (1 - mean_y) / 25)
    draws = np.random.default_rng(0).normal(mean_y, spread, size=(40_000, 8))
    distance = np.abs(draws - mean_p)
    plugin = np.abs(mean_y - mean_p)
    redrawn = distance.mean(axis=1) if norm == "l1" else distance.max(axis=1)
    plugin = plugin.mean() if norm == "l1" else plugin.max()
    expected = 2 * plugin - redrawn.mean()
    found = expected_calibration_error(y, p, norm=norm, n_bins=8)
    assert found == pytest.approx(expected, abs=5 * redrawn.std() / 200)


@pytest.mark.parametrize("n", [60, 400])
def test_debiased_square_is_unbiased_for_calibrated_forecasts(n):
    squares = np.array(
        [
            expected_calibration_error(*forecasts(seed, n), norm="l2_squared")
            for seed in range(300)
        ]
    )
    assert abs(squares.mean()) < 2 * squares.std(ddof=1) / np.sqrt(squares.size)


def test_debiasing_and_sweep_come_closer_to_the_truth():
    _, p = forecasts(0, 200_000)
    logit = np.log(p / (1 - p))
    truth = np.abs(p - 1 / (1 + np.exp(-0.6 * logit))).mean()
    data = [forecasts(seed, 500, slope=0.6) for seed in range(60)]

    def bias(**options):
        return abs(
            np.mean([expected_calibration_error(y, p, **options) for y, p in data])
            - truth
        )

    plugin = bias(debias=False)
    assert bias() < 0.5 * plugin
    assert bias(strategy="sweep") < 0.5 * plugin


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
@pytest.mark.parametrize("strategy", ["quantile", "uniform", "sweep"])
def test_constant_forecast_at_the_base_rate_is_calibrated(norm, strategy):
    y = np.array([0, 1, 1, 0] * 10)
    for debias in (True, False):
        assert (
            expected_calibration_error(
                y, np.full(40, 0.5), norm=norm, strategy=strategy, debias=debias
            )
            == 0.0
        )


@pytest.mark.parametrize("kind", ["top_label", "classwise"])
@pytest.mark.parametrize("strategy", ["quantile", "uniform", "sweep"])
@pytest.mark.parametrize("norm", ["l1", "l2", "l2_squared", "max"])
def test_invariances(kind, strategy, norm):
    y, prob = multiclass(3)
    prob = prob.round(2)
    prob[:, 3] = 1 - prob[:, :3].sum(axis=1)
    prob = prob.clip(0, 1)
    # Of equal largest probabilities the first counts, as in predict: leave them out.
    ranked = np.sort(prob, axis=1)
    unique = ranked[:, -1] - ranked[:, -2] > 1e-9
    y, prob = y[unique], prob[unique]
    options = {"kind": kind, "strategy": strategy, "norm": norm}
    reference = expected_calibration_error(y, prob, **options)
    rows = np.random.default_rng(0).permutation(y.size)
    shuffled = expected_calibration_error(y[rows], prob[rows], **options)
    assert shuffled == pytest.approx(reference, abs=1e-12)
    names, order = np.array(["d", "c", "b", "a"]), [1, 3, 2, 0]
    renamed = expected_calibration_error(
        names[y], prob[:, order], labels=names[order], **options
    )
    assert renamed == pytest.approx(reference, abs=1e-12)
    w = np.random.default_rng(1).integers(0, 4, size=y.size)
    weighted = expected_calibration_error(
        y, prob, sample_weight=w, debias=False, **options
    )
    repeated = expected_calibration_error(
        np.repeat(y, w), np.repeat(prob, w, axis=0), debias=False, **options
    )
    assert weighted == pytest.approx(repeated, abs=1e-12)


def test_equal_weights_change_nothing_when_debiased():
    y, p = forecasts(4, 200)
    plain = expected_calibration_error(y, p)
    weighted = expected_calibration_error(y, p, sample_weight=np.full(200, 0.3))
    assert weighted == pytest.approx(plain, abs=1e-12)


def test_kinds_are_binary_errors_of_events():
    y, prob = multiclass(5)
    top = prob.argmax(axis=1)
    assert expected_calibration_error(y, prob) == expected_calibration_error(
        (top == y).astype(int), prob.max(axis=1)
    )
    squares = [
        expected_calibration_error((y == k).astype(int), prob[:, k], norm="l2_squared")
        for k in range(4)
    ]
    assert expected_calibration_error(
        y, prob, kind="classwise", norm="l2_squared"
    ) == pytest.approx(np.mean(squares))
    largest = [
        expected_calibration_error((y == k).astype(int), prob[:, k], norm="max")
        for k in range(4)
    ]
    assert expected_calibration_error(
        y, prob, kind="classwise", norm="max"
    ) == pytest.approx(max(largest))


def test_two_columns_equal_one():
    y, p = forecasts(6, 100)
    both = np.column_stack([1 - p, p])
    assert expected_calibration_error(y, both) == expected_calibration_error(y, p)
    # Two classes, top label: the likelier of the two.
    top = np.maximum(p, 1 - p)
    right = ((p > 0.5) == y).astype(int)
    assert expected_calibration_error(
        y, p, kind="top_label"
    ) == expected_calibration_error(right, top)


def sweep_by_definition(y, p):
    """Add one bin at a time until the observed share falls somewhere."""
    order = np.argsort(p, kind="stable")
    n = y.size
    for n_bins in range(2, n + 1):
        number = (2 * np.arange(n) + 1) * n_bins // (2 * n)
        share = [y[order][number == b].mean() for b in range(n_bins)]
        if np.any(np.diff(share) < 0):
            return n_bins - 1
    return n


@pytest.mark.parametrize("seed", range(20))
def test_sweep_by_definition(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 120))
    y, p = forecasts(seed, n, slope=rng.choice([0.5, 2.0, 20.0]))
    groups = group_forecasts(y.astype(float), p, np.ones(n))
    bins = bin_forecasts(groups, n_bins=15, strategy="sweep")
    assert bins.share.size == sweep_by_definition(y, p)
    assert np.all(np.diff(bins.observed) >= 0)


def test_sweep_of_nearly_separated_classes_ends():
    p = np.linspace(0.01, 0.99, 20_000)
    y = (p > 0.5).astype(int)
    y[[9_999, 10_000]] = [1, 0]
    assert expected_calibration_error(y, p, strategy="sweep") == pytest.approx(
        np.abs(p - y).mean(), abs=1e-4
    )


def test_ties_share_a_bin_and_small_bins_merge():
    p = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.5, 0.9])
    y = np.array([0, 0, 0, 0, 0, 1, 0, 1, 1], dtype=float)
    groups = group_forecasts(y, p, np.ones(9))
    plain = bin_forecasts(groups, n_bins=9, strategy="quantile")
    assert plain.n_rows.tolist() == [6, 1, 1, 1]
    merged = bin_forecasts(groups, n_bins=9, strategy="quantile", pairs=True)
    assert merged.n_rows.tolist() == [6, 3]
    assert merged.predicted == pytest.approx([0.1, 0.6])


@pytest.mark.parametrize("norm", ["l1", "l2", "l2_squared", "max"])
def test_tiny_input_is_finite(norm):
    for y in ([0, 1], [1, 0]):
        assert np.isfinite(expected_calibration_error(y, [0.0, 1.0], norm=norm))
    single = expected_calibration_error(
        ["b"], [0.7], labels=["a", "b"], norm=norm, debias=False
    )
    assert single == pytest.approx(0.3**2 if norm == "l2_squared" else 0.3)


def test_a_class_without_rows_keeps_its_error():
    y, prob = [0, 0, 1, 1], np.full((4, 3), 1 / 3)
    found = expected_calibration_error(
        y, prob, labels=[0, 1, 2], kind="classwise", debias=False
    )
    assert found == pytest.approx((1 / 6 + 1 / 6 + 1 / 3) / 3)


def test_assumed_columns_warn():
    with pytest.warns(SkoverfitWarning, match="column numbers") as caught:
        expected_calibration_error([1, 1], [0.5, 0.6])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("y", "prob", "options", "message"),
    [
        ([0, 1], [0.2, 1.2], {}, r"\[0, 1\].*1.2"),
        ([0, 1], [-0.2, 1.0], {}, r"\[0, 1\]"),
        ([0, 1], [0.2, np.nan], {}, "y_prob contains NaN"),
        ([0, 1], [[0.5, 0.4], [0.5, 0.5]], {}, "sum to 1"),
        ([0, 1, 2], np.full((3, 3), 1 / 3), {"kind": "binary"}, "two classes"),
        ([0], [0.3], {"labels": [0, 1], "debias": True}, "two rows"),
        ([0, 1], [0.3, 0.3], {"n_bins": 0}, "n_bins"),
        ([0, 1], [0.3, 0.3], {"norm": "l3"}, "norm"),
        ([0, 1], [0.3, 0.3], {"strategy": "mass"}, "strategy"),
        (["a", "a"], [0.3, 0.3], {}, "Pass labels"),
    ],
)
def test_bad_input_is_named(y, prob, options, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(y, prob, **options)
