# SPDX-License-Identifier: BSD-3-Clause
"""Figures that are known beforehand: copies, far rows, foreign rows, good rows."""

import math

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import nan_euclidean_distances

from skoverfit._core._neighbors import NeighborTable
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import SyntheticReportDisplay, synthetic_report
from skoverfit.inspection._quality import _squared_distances
from skoverfit.inspection._two_sample import clustered_auc
from tests.inspection._specimens import PairSampler, two_blobs


def report_on(made, X, y, label="rare", **parameters):
    """Report on these made rows of one class."""
    X_res = np.concatenate([X, made])
    y_res = np.concatenate([y, [label] * len(made)])
    parameters = {"random_state": 0, **parameters}
    return synthetic_report(None, X, y, X_res, y_res, **parameters)


def only(report):
    (row,) = report.classes
    return row


def test_copies_of_all_rows():
    X, y = two_blobs(n_minor=100)
    rare = X[y == "rare"]
    row = only(report_on(np.concatenate([rare, rare, rare]), X, y))
    assert (row.n_real, row.n_made) == (100, 300)
    assert row.copy_share == 1.0
    assert row.distance_ratio == 0.0
    assert row.coverage == row.recall == row.precision == 1.0
    assert row.variance_ratio == pytest.approx(1.0, rel=0.02)
    assert row.auc == pytest.approx(0.5, abs=0.02)
    assert row.missing_difference == 0.0
    assert math.isnan(row.category_difference)


@pytest.mark.parametrize("seed", range(3))
def test_new_rows_of_the_same_law_are_as_good_as_real_ones(seed):
    X, y = two_blobs(n_minor=300, seed=seed)
    fresh, law = two_blobs(n_minor=300, seed=seed + 100)
    row = only(report_on(fresh[law == "rare"], X, y))
    assert row.copy_share == 0.0
    assert row.distance_ratio == pytest.approx(1.0, abs=0.4)
    assert row.density == pytest.approx(1.0, abs=0.25)
    # With as many made as real rows its expectation is about 1 - 2**-5.
    assert row.coverage > 0.9
    assert row.variance_ratio == pytest.approx(1.0, abs=0.25)
    # Its standard deviation over seeds is 0.025.
    assert row.auc == pytest.approx(0.5, abs=0.1)
    assert row.overlap == pytest.approx(row.overlap_real, abs=0.05)


def test_rows_far_away():
    X, y = two_blobs()
    made = X[y == "rare"] + 50.0
    row = only(report_on(made, X, y))
    assert row.distance_ratio > 20.0
    assert row.coverage == row.precision == row.density == row.recall == 0.0
    assert row.auc == 1.0
    assert row.auc_lower < row.auc == row.auc_upper  # perfect, but not certain
    assert row.overlap == 0.0


def test_rows_among_another_class():
    X, y = two_blobs(distance=12.0)
    made = X[y == "often"] + 0.01
    row = only(report_on(made, X, y))
    assert row.overlap == 1.0
    assert row.overlap_real == 0.0


def test_a_single_point_covers_little():
    X, y = two_blobs(n_minor=100)
    made = np.repeat(X[[-1]], 50, axis=0)
    report = report_on(made, X, y)
    row = only(report)
    assert row.coverage < 0.2
    assert row.variance_ratio == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(row.auc)
    assert "lie at too few places" in report.notes[0]


def test_interpolation_shrinks_the_variance_by_a_third():
    # Between two random rows the variance is E[u^2 + (1 - u)^2] = 2/3 of theirs.
    X, y = two_blobs(n_major=800, n_minor=400)
    sampler = PairSampler(n_made=4_000)
    report = synthetic_report(sampler, X, y, *sampler.fit_resample(X, y), cv=2)
    assert only(report).variance_ratio == pytest.approx(2 / 3, abs=0.06)
    assert "2,000 of 4,000 made" in report.notes[0]


def test_columns_are_told_apart():
    X, y = two_blobs(n_minor=200)
    rare = X[y == "rare"]
    made = np.stack([rare[:, 0] + 2.0, 3.0 * rare[:, 1]], axis=1)
    frame = report_on(made, X, y).to_frame("column").set_index("column")
    assert frame["variance_ratio"].tolist() == pytest.approx([1.0, 9.0])
    assert frame["mean_shift"]["x0"] == pytest.approx(2.0 / rare[:, 0].std(ddof=1))


def test_missing_values_and_categories():
    X, y = two_blobs(n_minor=100)
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["city"] = np.tile(["Bonn", "Köln"], 110)
    made = frame[y == "rare"].copy()
    made.loc[made.index[:30], "a"] = np.nan
    made["city"] = np.repeat(["Bonn", "Aachen"], [75, 25])
    made["b"] += 1e-3
    report = synthetic_report(
        None,
        frame,
        y,
        pd.concat([frame, made]),
        np.concatenate([y, ["rare"] * 100]),
        random_state=0,
    )
    row = only(report)
    assert row.missing_difference == pytest.approx(0.3)
    # Bonn .5 -> .75, Köln .5 -> 0, Aachen 0 -> .25.
    assert row.category_difference == pytest.approx(0.5)
    assert row.copy_share == 0.0
    by_column = report.to_frame("column").set_index("column")
    assert by_column["kind"].tolist() == ["numeric", "numeric", "nominal"]
    assert by_column["missing_made"]["a"] == pytest.approx(0.3)


def test_a_row_with_a_gap_is_no_copy_though_at_distance_zero():
    X, y = two_blobs(n_minor=50)
    made = X[y == "rare"].copy()
    made[:25, 0] = np.nan
    row = only(report_on(made, X, y))
    assert row.copy_share == 0.5
    assert row.distance_ratio == 0.0


def test_only_categories():
    rng = np.random.default_rng(0)
    X = rng.choice(["p", "q", "r"], size=(200, 4)).astype(object)
    y = np.repeat([0, 1], [140, 60])
    sampler = RandomOverSampler(random_state=0)
    report = synthetic_report(
        sampler, X, y, *sampler.fit_resample(X, y), random_state=0
    )
    row = only(report)
    assert row.copy_share == 1.0
    assert math.isnan(row.variance_ratio)
    assert row.category_difference < 0.2


def test_few_rows_have_no_figures_but_a_note():
    X, y = two_blobs()
    report = report_on(X[-9:] + 0.1, X, y)
    row = only(report)
    assert (row.n_real, row.n_made) == (40, 9)
    assert all(
        math.isnan(value) for value in vars(row).values() if isinstance(value, float)
    )
    assert report.notes == ("Class 'rare' has 9 made rows; figures need 10.",)
    assert report.to_frame().shape == (1, 17)


@pytest.mark.parametrize("dtype", ["str", "category", "string", object])
def test_labels_in_a_series(dtype):
    X, y = two_blobs()
    X_res, y_res = SMOTE(random_state=0).fit_resample(X, y)
    report = synthetic_report(
        None,
        X,
        pd.Series(y).astype(dtype),
        X_res,
        pd.Series(y_res).astype(dtype),
        random_state=0,
    )
    assert only(report).label == "rare"
    assert "'rare': 80 made rows" in report.summary()


def test_a_sampler_that_makes_nothing():
    X, y = two_blobs()
    report = synthetic_report(None, X, y, X, y)
    assert report.classes == ()
    assert "made no rows" in report.summary()
    assert report.to_frame().empty
    assert "<table>" in report._repr_html_()
    assert isinstance(report.plot(), SyntheticReportDisplay)


def test_duplicates_leave_no_distance_to_measure_by():
    X, y = two_blobs(n_minor=40)
    X[-40:] = np.repeat(X[-20:], 2, axis=0)
    report = report_on(X[-40:] + 0.01, X, y)
    assert math.isnan(only(report).distance_ratio)
    assert "half of the real rows are duplicates" in report.notes[0]


def test_units_do_not_matter():
    X, y = two_blobs()
    sampler = SMOTE(random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    unit = np.array([1e6, 1e-3])
    plain = only(synthetic_report(sampler, X, y, X_res, y_res, random_state=0))
    scaled = only(
        synthetic_report(sampler, X * unit, y, X_res * unit, y_res, random_state=0)
    )
    for name in ("distance_ratio", "coverage", "density", "overlap", "variance_ratio"):
        assert getattr(plain, name) == pytest.approx(getattr(scaled, name)), name


def test_the_seed_decides():
    X, y = two_blobs(n_minor=60)
    made = X[y == "rare"] + 0.1
    first, again, other = (
        report_on(made, X, y, max_rows=30, random_state=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_names_are_escaped():
    X, y = two_blobs()
    evil = "<script>alert(1)</script>"
    labels = np.where(y == "rare", evil, y)

    html = report_on(X[-40:] + 0.1, X, labels, label=evil)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    few = report_on(X[-5:] + 0.1, X, labels, label=evil)
    assert "<script" not in few._repr_html_()


def test_the_summary_says_what_is_good():
    X, y = two_blobs()
    text = report_on(X[y == "rare"] + 0.01, X, y).summary()
    assert "Class 'rare': 40 made rows, 40 real rows" in text
    assert "exact copies                    0.00   (0)" in text
    assert "real rows among other classes" in text


def test_the_picture_shows_the_figures():
    X, y = two_blobs()
    report = report_on(X[y == "rare"] + 0.1, X, y)
    display = report.plot()
    row = only(report)
    panels = {ax.get_title(loc="left"): ax for ax in display.axes_}
    coverage = panels["coverage"].lines[0]
    assert coverage.get_xdata().tolist() == [row.coverage]
    whisker = panels["AUC, real against made"].lines[0]
    assert list(whisker.get_xdata()) == [row.auc_lower, row.auc_upper]
    assert [t.get_text() for t in display.axes_[0].get_yticklabels()] == ["rare"]
    assert len(report.plot(max_classes=1).axes_) == 5


def test_wrong_parameters_are_refused():
    X, y = two_blobs()
    with pytest.raises(ValueError, match="'cv' parameter"):
        synthetic_report(None, X, y, X, y, cv=1)
    with pytest.raises(BadInputError, match="X_res has 1"):
        synthetic_report(None, X, y, X[:, :1], y)
    with pytest.raises(ValueError, match="'by' parameter"):
        synthetic_report(None, X, y, X, y).to_frame("row")


def test_the_area_is_scikit_learns_and_the_interval_holds():
    rng = np.random.default_rng(0)
    made = np.repeat([0, 1], [60, 40])
    truth, held = 0.7602, 0  # of normals one standard deviation apart
    for _ in range(300):
        scores = rng.normal(size=100) + made
        area, lower, upper = clustered_auc(scores, made, np.arange(100), 0.9)
        assert area == pytest.approx(roc_auc_score(made, scores))
        held += lower <= truth <= upper
    # 90 % of 300 is 270; four standard deviations of a binomial are 21.
    assert abs(held - 270) < 25


def test_copying_rows_into_clusters_does_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    made = np.repeat([0, 1], 50)
    scores, groups = rng.normal(size=100) + made, np.arange(100)
    once = clustered_auc(scores, made, groups, 0.95)
    often = clustered_auc(*(np.repeat(a, 9) for a in (scores, made, groups)), 0.95)
    assert often == pytest.approx(once, rel=1e-6)


def test_squared_distances_are_partial_distances():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 4)), rng.normal(size=(20, 4))
    a[rng.random(a.shape) < 0.3] = np.nan
    b[rng.random(b.shape) < 0.3] = np.nan
    found = _squared_distances(NeighborTable(numeric=a), NeighborTable(numeric=b))
    expected = nan_euclidean_distances(a, b, squared=True)
    np.testing.assert_allclose(found, np.where(np.isnan(expected), np.inf, expected))
    levels = rng.integers(1, 4, size=(5, 2)).astype(np.uint8)
    table = NeighborTable(numeric=np.zeros((5, 0)), codes=levels)
    differing = (levels[:, None] != levels).sum(axis=2)
    np.testing.assert_array_equal(_squared_distances(table, table), differing)
