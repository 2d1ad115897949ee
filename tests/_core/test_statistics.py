"""Fold statistics against scipy, published tables and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from skoverfit._core._statistics import (
    combine_comparisons,
    corrected_comparison,
    corrected_mean_interval,
    friedman_p,
    holm,
    mean_ranks,
    nemenyi_critical_difference,
    row_comparison,
    wilson_interval,
)

FINITE = (
    "difference",
    "p_value",
    "p_gain",
    "p_equivalent",
    "p_loss",
)


def total(c):
    return c.p_gain + c.p_equivalent + c.p_loss


@pytest.mark.parametrize("seed", range(5))
def test_without_test_rows_it_is_the_plain_t_test(seed):
    d = np.random.default_rng(seed).normal(0.02, 0.05, 10)
    c = corrected_comparison(d, test_train_ratio=0.0, confidence=0.9)
    reference = stats.ttest_1samp(d, 0.0)
    assert c.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    assert (c.lower, c.upper) == pytest.approx(reference.confidence_interval(0.9))


def test_formulas_of_the_papers():
    d = np.array([0.03, -0.01, 0.02, 0.05, 0.00, 0.04, 0.01, 0.02, 0.03, -0.02])
    c = corrected_comparison(d, test_train_ratio=0.25, rope=0.01)
    rho = 0.2  # 20 % of the rows are tested
    variance = (1 / 10 + rho / (1 - rho)) * d.var(ddof=1)
    posterior = stats.t(9, loc=d.mean(), scale=math.sqrt(variance))
    assert c.std_error == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert c.p_gain == pytest.approx(posterior.sf(0.01), rel=1e-9)
    assert c.p_loss == pytest.approx(posterior.cdf(-0.01), rel=1e-9)
    assert total(c) == pytest.approx(1.0, abs=1e-12)
    assert c.lower == pytest.approx(posterior.ppf(0.025), rel=1e-9)
    mean, lower, upper = corrected_mean_interval(d, test_train_ratio=0.25)
    assert (mean, lower, upper) == (c.difference, c.lower, c.upper)


def test_sign_flip_mirrors_everything():
    d = np.array([0.03, -0.01, 0.02, 0.05])
    c = corrected_comparison(d, test_train_ratio=0.5)
    m = corrected_comparison(-d, test_train_ratio=0.5)
    assert (m.difference, m.lower, m.upper) == (-c.difference, -c.upper, -c.lower)
    assert (m.p_gain, m.p_loss, m.p_value) == (c.p_loss, c.p_gain, c.p_value)


@pytest.mark.parametrize("value", [0.0, 0.1, -0.1, 0.005, 1e-300])
def test_equal_differences_are_a_point(value):
    c = corrected_comparison(np.full(7, value), test_train_ratio=0.25)
    assert c.std_error == 0.0
    assert c.difference == c.lower == c.upper == value
    assert c.p_value == (1.0 if value == 0.0 else 0.0)
    assert (c.p_gain, c.p_loss) == (float(value > 0.01), float(value < -0.01))
    assert total(c) == 1.0


def test_one_fold_knows_no_spread():
    c = corrected_comparison([0.3], test_train_ratio=0.25)
    assert (c.lower, c.upper, c.std_error) == (-math.inf, math.inf, math.inf)
    assert (c.difference, c.df, c.p_value) == (0.3, 0.0, 1.0)
    assert (c.p_gain, c.p_equivalent, c.p_loss) == (0.5, 0.0, 0.5)
    _, *interval = corrected_mean_interval([0.3], test_train_ratio=0.25)
    assert interval == [-math.inf, math.inf]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_extreme_scales_neither_overflow_nor_vanish(scale):
    d = np.array([1.0, 2.0, 4.0])
    c = corrected_comparison(d, test_train_ratio=0.25, rope=0)
    s = corrected_comparison(d * scale, test_train_ratio=0.25, rope=0)
    assert s.p_value == pytest.approx(c.p_value, rel=1e-9)
    assert s.std_error == pytest.approx(c.std_error * scale, rel=1e-9)


def test_corrected_interval_covers_under_correlation():
    """With the correlation the correction assumes, coverage is nominal."""
    rng, n_runs, n_folds, ratio = np.random.default_rng(0), 4000, 10, 1 / 9
    rho = ratio / (1 + ratio)
    shared = rng.normal(size=(n_runs, 1)) * math.sqrt(rho)
    d = shared + rng.normal(size=(n_runs, n_folds)) * math.sqrt(1 - rho)
    hits = naive = 0
    for row in d:
        _, lower, upper = corrected_mean_interval(row, test_train_ratio=ratio)
        hits += lower <= 0.0 <= upper
        _, lower, upper = corrected_mean_interval(row, test_train_ratio=0.0)
        naive += lower <= 0.0 <= upper
    # 4 standard errors of a proportion of .95 in 4000 runs are .014.
    assert abs(hits / n_runs - 0.95) < 0.014
    assert naive / n_runs < 0.90


def test_one_table_comes_back_as_it_is():
    for d in ([0.1, 0.2, 0.15], [0.1], [0.1, 0.1]):
        c = corrected_comparison(d, test_train_ratio=0.25, rope=0.02)
        assert combine_comparisons([c]) == c


def test_combined_tables_follow_welch():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.1, 0.3, 8), rng.normal(0.0, 0.1, 12)
    joint = combine_comparisons(
        [
            corrected_comparison(a, test_train_ratio=0.0, rope=0.01),
            corrected_comparison(-b, test_train_ratio=0.0, rope=0.03),
        ]
    )
    # mean(a) - mean(b) is what Welch's test examines; ours is half of it.
    welch = stats.ttest_ind(a, b, equal_var=False)
    ci = welch.confidence_interval(0.95)
    assert joint.df == pytest.approx(welch.df)
    assert joint.p_value == pytest.approx(welch.pvalue)
    assert (joint.lower, joint.upper) == pytest.approx((ci.low / 2, ci.high / 2))
    assert joint.rope == pytest.approx(0.02)
    assert joint.n_folds == 20


def test_combining_degenerate_tables():
    point = corrected_comparison([0.1] * 5, test_train_ratio=0.25)
    spread = corrected_comparison([0.1, 0.2, 0.4], test_train_ratio=0.25)
    single = corrected_comparison([0.1], test_train_ratio=0.25)
    points = combine_comparisons([point, point])
    assert (points.std_error, points.p_gain, points.p_value) == (0.0, 1.0, 0.0)
    mixed = combine_comparisons([point, spread])
    assert mixed.df == pytest.approx(spread.df)
    assert mixed.std_error == pytest.approx(spread.std_error / 2)
    unknown = combine_comparisons([point, single])
    assert (unknown.lower, unknown.upper) == (-math.inf, math.inf)
    assert all(math.isfinite(getattr(unknown, name)) for name in FINITE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrected_comparison([], test_train_ratio=0.2), "empty"),
        (lambda: corrected_comparison([np.nan, 1], test_train_ratio=0.2), "NaN"),
        (lambda: corrected_comparison([[1.0]], test_train_ratio=0.2), "dimension"),
        (lambda: corrected_comparison([1, 2], test_train_ratio=-1), "test_train_rat"),
        (lambda: corrected_comparison([1, 2], test_train_ratio=1, rope=-1), "rope"),
        (
            lambda: corrected_comparison([1, 2], test_train_ratio=1, confidence=95),
            "confidence",
        ),
        (lambda: combine_comparisons([]), "empty"),
        (lambda: holm([0.1, 1.2]), r"\[0, 1\]"),
        (lambda: holm([0.1, np.nan]), "NaN"),
        (lambda: wilson_interval(3, 2), "between 0 and n"),
        (lambda: mean_ranks([1.0, 2.0]), "dimension"),
        (lambda: friedman_p([[1.0]]), "two methods"),
        (lambda: nemenyi_critical_difference(1, 5), "n_methods=1"),
        (lambda: nemenyi_critical_difference(3, 5, alpha=5), "alpha"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_holm():
    # Worked by hand: .01*4, then max(.04, .02*3), max(.06, .03*2), max(.06, .5).
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]).shape == (0,)


def test_wilson_agrees_with_scipy():
    k, n = np.array([0, 1, 5, 10, 10]), np.array([10, 10, 10, 10, 10])
    lower, upper = wilson_interval(k, n, confidence=0.9)
    for i in range(k.size):
        ci = stats.binomtest(int(k[i]), int(n[i])).proportion_ci(0.9, "wilson")
        assert (lower[i], upper[i]) == pytest.approx((ci.low, ci.high), abs=1e-12)
    assert wilson_interval([0, 0], [0, 4])[0].tolist() == [0.0, 0.0]
    assert wilson_interval([0, 4], [0, 4])[1].tolist() == [1.0, 1.0]


def test_mean_ranks_share_ties():
    scores = [[0.9, 0.8, 0.8], [0.1, 0.3, 0.2]]
    assert mean_ranks(scores) == pytest.approx([2.0, 1.75, 2.25])


@pytest.mark.parametrize("decimals", [1, 8])
def test_friedman_agrees_with_scipy(decimals):
    scores = np.random.default_rng(2).normal(size=(9, 4)).round(decimals)
    scores[:, 0] += 0.5
    reference = stats.friedmanchisquare(*scores.T)
    assert friedman_p(scores) == pytest.approx(reference.pvalue, rel=1e-9)


def test_friedman_edges():
    assert friedman_p(np.ones((5, 3))) == 1.0
    # Two methods without ties: the chi-squared sign test, (wins - losses)^2 / N.
    scores = np.tile([1.0, 0.0], (6, 1))
    assert friedman_p(scores) == pytest.approx(stats.chi2.sf(6, 1))


def test_nemenyi_agrees_with_demsar_table_5():
    # The table cuts the third decimal instead of rounding it.
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(table, start=2):
        difference = nemenyi_critical_difference(k, 14)
        assert difference / math.sqrt(k * (k + 1) / 84) == pytest.approx(q, abs=1e-3)


# --- rows ---------------------------------------------------------------------------


def test_rows_give_the_interval_of_a_mean_widened_by_a_quarter():
    d = np.random.default_rng(0).normal(0.1, size=50)
    result = row_comparison(d, rope=0.0)
    half = 1.25 * stats.sem(d) * stats.t.ppf(0.975, 49)
    assert result.difference == pytest.approx(d.mean())
    assert result.upper - result.difference == pytest.approx(half)
    assert result.df == 49


def test_integer_weights_move_the_mean_like_repeated_rows():
    d, w = np.array([1.0, 2.0, 5.0]), np.array([1, 2, 1])
    weighted = row_comparison(d, sample_weight=w)
    repeated = row_comparison(np.repeat(d, w), clusters=np.repeat(range(3), w))
    assert weighted.difference == pytest.approx(repeated.difference)
    assert weighted.std_error == pytest.approx(repeated.std_error)


def test_copies_of_a_row_are_one_cluster():
    d = np.random.default_rng(1).normal(size=20)
    alone = row_comparison(d)
    copied = row_comparison(np.repeat(d, 10), clusters=np.repeat(range(20), 10))
    assert copied.std_error == pytest.approx(alone.std_error)
    assert row_comparison(np.repeat(d, 10)).std_error < alone.std_error / 3


def test_rows_that_say_nothing():
    assert row_comparison([0.2, 0.2]).std_error == 0.0
    alone = row_comparison([0.2, 0.3], clusters=[1, 1])
    assert np.isinf(alone.upper)
    assert alone.p_value == 1.0
    with pytest.raises(ValueError, match="empty"):
        row_comparison([])


def test_trimmed_differences_are_yuens():
    values = np.array([0.3, 0.1, 0.2, 9.0, 0.4, 0.2, 0.3, -4.0, 0.1, 0.25])
    found = corrected_comparison(values, test_train_ratio=0.0, trim=0.1)
    inner = np.sort(values)[1:-1]
    winsorized = np.clip(values, inner[0], inner[-1])
    std_error = winsorized.std(ddof=1) / (0.8 * math.sqrt(10))
    assert found.difference == pytest.approx(inner.mean())
    assert found.std_error == pytest.approx(std_error)
    assert found.df == 7
    # Without trimming the two odd folds hide that all others agree.
    assert found.lower > 0
    assert corrected_comparison(values, test_train_ratio=0.0).lower < 0
    # Too few folds are left as they are.
    few = corrected_comparison(values[:5], test_train_ratio=0.0, trim=0.1)
    assert few == corrected_comparison(values[:5], test_train_ratio=0.0)
