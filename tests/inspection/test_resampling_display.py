# SPDX-License-Identifier: BSD-3-Clause
"""The picture shows the rows that there are, and no others."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import ClusterCentroids, RandomUnderSampler
from matplotlib.colors import to_hex

from skoverfit._core._palette import COLOURS, class_style
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import ResamplingDisplay
from tests.inspection._specimens import PairSampler, two_blobs


def offsets(collections):
    return np.concatenate([np.asarray(c.get_offsets()) for c in collections])


def as_set(points):
    return sorted(map(tuple, np.round(points, 12)))


def texts(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def subtitle(display):
    return " ".join(text.get_text() for text in display.ax_.texts).replace("\n", " ")


def test_two_columns_are_drawn_as_they_are():
    X, y = two_blobs()
    sampler = PairSampler()
    X_res, y_res = sampler.fit_resample(X, y)
    display = ResamplingDisplay.from_resampled(sampler, X, y, X_res, y_res)
    assert as_set(offsets(display.original_)) == as_set(X)
    assert as_set(offsets(display.made_)) == as_set(X_res[len(X) :])
    assert display.dropped_ == []
    assert display.ax_.get_xlabel() == "x0"
    assert display.ax_.get_ylabel() == "x1"
    assert display.figure_ is display.ax_.figure


def test_every_made_row_has_a_line_to_each_parent():
    X, y = two_blobs()
    sampler = PairSampler(n_made=25)
    X_res, y_res = sampler.fit_resample(X, y)
    display = ResamplingDisplay.from_resampled(sampler, X, y, X_res, y_res)
    segments = np.array(display.segments_.get_segments())
    assert segments.shape == (50, 2, 2)
    drawn = {tuple(np.round(segment.ravel(), 9)) for segment in segments}
    for parents, made in zip(sampler.parents_[len(X) :], X_res[len(X) :], strict=True):
        for parent in parents:
            assert tuple(np.round([*X[parent], *made], 9)) in drawn


def test_lines_stay_straight_under_the_projection():
    # A made row lies between its parents in any linear picture.
    X, y = two_blobs(n_columns=12)
    display = ResamplingDisplay.from_sampler(PairSampler(), X, y)
    first, second = (display.original[display.parents[:, i]] for i in (0, 1))
    across = (display.made - first)[:, 0] * (second - first)[:, 1] - (
        (display.made - first)[:, 1] * (second - first)[:, 0]
    )
    np.testing.assert_allclose(across, 0.0, atol=1e-9)
    assert display.ax_.get_xlabel().startswith("component 1 (")
    assert "principal components" in subtitle(display).lower()


def test_the_projection_keeps_the_most_variance():
    # One direction holds nearly all: component 1 must be it, up to the sign.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.repeat(["a", "b"], [45, 15])
    X = np.stack([X[:, 0], 2 * X[:, 0] + 1e-3 * X[:, 1], -X[:, 0]], axis=1)
    display = ResamplingDisplay.from_resampled(None, X, y, X, y)
    assert abs(np.corrcoef(display.original[:, 0], X[:, 0])[0, 1]) > 0.999


def test_the_sampler_is_cloned_and_gets_the_weights():
    X, y = two_blobs()
    sampler, weight = PairSampler(), np.arange(len(y))
    ResamplingDisplay.from_sampler(sampler, X, y, sample_weight=weight)
    assert vars(sampler) == {"n_made": 60, "random_state": 0}
    with pytest.raises(BadInputError, match="fit_resample takes no groups"):
        ResamplingDisplay.from_sampler(sampler, X, y, groups=weight)


def test_an_under_sampler_shows_what_it_dropped_faintly():
    X, y = two_blobs()
    sampler = RandomUnderSampler(random_state=0)
    display = ResamplingDisplay.from_sampler(sampler, X, y)
    sampler.fit_resample(X, y)
    kept = np.isin(np.arange(len(X)), sampler.sample_indices_)
    assert as_set(offsets(display.original_)) == as_set(X[kept])
    assert as_set(offsets(display.dropped_)) == as_set(X[~kept])
    assert display.dropped_[0].get_alpha() < 0.5 < display.original_[0].get_alpha()
    assert display.made_ == []
    assert display.segments_ is None
    assert texts(display)[-1] == "dropped row"


def test_rows_of_a_sampler_without_a_record_are_found_by_comparing():
    X, y = two_blobs(distance=1.5)
    sampler = SMOTEENN(random_state=0)
    X_res, y_res = sampler.fit_resample(X, y)
    display = ResamplingDisplay.from_resampled(sampler, X, y, X_res, y_res)
    old = set(map(tuple, X))
    new = [row for row in map(tuple, X_res) if row not in old]
    assert as_set(display.made) == as_set(new)
    assert display.kept.sum() + len(new) == len(X_res)
    assert not display.kept.all()
    assert display.parents is None


def test_copies_are_made_rows_and_each_original_is_found_once():
    X, y = two_blobs()
    for sampler in (RandomOverSampler(random_state=0), None):
        X_res, y_res = RandomOverSampler(random_state=0).fit_resample(X, y)
        if sampler is not None:
            sampler.fit_resample(X, y)
        display = ResamplingDisplay.from_resampled(sampler, X, y, X_res, y_res)
        assert display.kept.all()
        assert len(display.made) == len(X_res) - len(X)


def test_smoothed_copies_are_made_rows_too():
    X, y = two_blobs()
    sampler = RandomOverSampler(shrinkage=0.5, random_state=0)
    display = ResamplingDisplay.from_sampler(sampler, X, y)
    assert display.kept.all()
    assert len(display.made) == 80


def test_centroids_replace_the_rows():
    X, y = two_blobs()
    sampler = ClusterCentroids(random_state=0)
    display = ResamplingDisplay.from_sampler(sampler, X, y)
    assert display.kept[y == "rare"].all()
    # A cluster of one row has that row as its centre: it is kept, not made.
    n_kept = display.kept[y == "often"].sum()
    assert n_kept < 20
    assert len(display.made) == 40 - n_kept


def test_classes_differ_in_colour_and_marker():
    X, y = two_blobs()
    display = ResamplingDisplay.from_sampler(PairSampler(), X, y)
    colours = [to_hex(c.get_facecolor()[0]) for c in display.original_]
    assert sorted(colours) == sorted([COLOURS[1], COLOURS[2]])
    shapes = [c.get_paths()[0].vertices.shape for c in display.original_]
    assert shapes[0] != shapes[1]
    # Made rows: the outline only, in the colour of their class.
    made = display.made_[0]
    assert len(made.get_facecolor()) == 0
    assert to_hex(made.get_edgecolor()[0]) == class_style(1)[0]
    assert len({class_style(i) for i in range(56)}) == 56


def test_the_legend_stands_beside_the_data():
    X, y = two_blobs()
    display = ResamplingDisplay.from_sampler(PairSampler(), X, y)
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.x0 >= display.ax_.get_window_extent().x1
    assert legend.x1 <= display.figure_.bbox.x1
    assert texts(display) == [
        "often", "rare", " ", "original row", "made row", "line to a parent",
    ]  # fmt: skip


def test_a_legend_lists_a_few_of_many_classes():
    X = np.random.default_rng(0).normal(size=(200, 2))
    y = np.repeat(np.arange(40), 5)
    display = ResamplingDisplay.from_resampled(None, X, y, X[:-5], y[:-5])
    shown = texts(display)
    assert "39" in shown  # the class that changed
    assert "27 more classes" in shown


@pytest.mark.parametrize("name", ["_hidden", "$x_1$", "<b>", "a" * 60])
def test_odd_names_are_shown_as_they_are(name):
    X, y = two_blobs()
    frame = pd.DataFrame(X, columns=[name, "other"])
    labels = np.where(y == "rare", name, "often")
    display = ResamplingDisplay.from_resampled(None, frame, labels, frame, labels)
    display.figure_.canvas.draw()
    assert display.ax_.get_xlabel() == name
    assert any(name[:5].replace("$", r"\$") in text for text in texts(display))


def test_too_many_points_are_sampled_rasterized_and_said():
    X, y = two_blobs(n_major=20_000, n_minor=50)
    sampler = PairSampler(n_made=3_000)
    display = ResamplingDisplay.from_sampler(
        sampler, X, y, max_points=4_000, max_segments=100
    )
    drawn = [*display.original_, *display.made_]
    assert len(offsets(drawn)) == 4_000
    assert all(c.get_rasterized() for c in drawn)
    # The rare class is drawn whole.
    rare = {tuple(row) for row in np.round(X[y == "rare"], 12)}
    assert rare <= set(as_set(offsets(display.original_)))
    assert len(display.segments_.get_segments()) == 100
    assert "4,000 of 23,050 rows drawn" in subtitle(display)
    assert "100 of " in subtitle(display)


def test_the_same_seed_draws_the_same_rows():
    X, y = two_blobs(n_major=500)
    a, b = (
        ResamplingDisplay.from_resampled(None, X, y, X, y, max_points=100)
        for _ in range(2)
    )
    assert as_set(offsets(a.original_)) == as_set(offsets(b.original_))


def test_a_mixed_table_with_gaps_is_projected():
    X, y = two_blobs(n_columns=3)
    frame = pd.DataFrame(X, columns=list("abc"))
    frame.loc[::7, "a"] = np.nan
    frame["city"] = pd.Categorical(np.where(X[:, 0] > 0, "Köln", "Bonn"))
    frame["smokes"] = np.where(X[:, 1] > 0, "yes", None)
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(X)), "D")
    half = frame.iloc[:150]
    display = ResamplingDisplay.from_resampled(None, frame, y, half, y[:150])
    assert np.isfinite(display.original).all()
    assert display.kept.sum() == 150
    said = subtitle(display).lower()
    assert "categories" in said
    assert "median" in said


def test_a_nominal_axis_has_the_categories_as_ticks():
    X, y = two_blobs()
    city = np.where(X[:, 0] > 0, "Köln", "Bonn")
    frame = pd.DataFrame({"n": X[:, 0], "m": X[:, 1], "city": city})
    display = ResamplingDisplay.from_resampled(
        None, frame, y, frame, y, features=("city", "m")
    )
    shown = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert shown == ["Bonn", "Köln"]
    assert set(np.round(display.original[city == "Köln", 0])) == {2.0}
    np.testing.assert_array_equal(display.original[:, 1], frame["m"])


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.ndarray.tolist, pd.DataFrame, pl.DataFrame, sp.csr_array],
    ids=["numpy", "list", "pandas", "polars", "sparse"],
)
def test_every_container_gives_the_same_picture(convert):
    X, y = two_blobs()
    display = ResamplingDisplay.from_resampled(
        None, convert(X), y, convert(X[:100]), y[:100]
    )
    np.testing.assert_array_equal(display.original, X)
    np.testing.assert_array_equal(display.kept, np.arange(len(X)) < 100)


@pytest.mark.parametrize("n_columns", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_tables_are_drawn(n, n_columns):
    X, y = np.ones((n, n_columns)), np.arange(n)
    display = ResamplingDisplay.from_resampled(None, X, y, X, y)
    display.figure_.canvas.draw()
    assert len(offsets(display.original_)) == n
    assert np.isfinite(display.original).all()


def test_axes_of_the_user_are_used():
    X, y = two_blobs()
    figure, axes = plt.subplots(1, 2)
    display = ResamplingDisplay.from_sampler(SMOTE(random_state=0), X, y, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    again = display.plot(ax=axes[0], legend=False)
    assert again is display
    assert axes[0].get_legend() is None


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (("x0", "nowhere"), "'nowhere', which is 0 times"),
        ((0, 5), r"numbers of columns in 0\.\.2. Got 5"),
        ((0,), "pair of columns"),
        ("x0", "pair of columns"),
    ],
)
def test_wrong_features_are_refused(features, message):
    X, y = two_blobs(n_columns=3)
    with pytest.raises(BadInputError, match=message):
        ResamplingDisplay.from_resampled(None, X, y, X, y, features=features)


def test_wrong_input_is_refused():
    X, y = two_blobs(n_columns=3)
    draw = ResamplingDisplay.from_resampled
    with pytest.raises(BadInputError, match="projection=None needs a table of 2"):
        draw(None, X, y, X, y, projection=None)
    with pytest.raises(BadInputError, match="X has 3 columns, but X_res has 2"):
        draw(None, X, y, X[:, :2], y)
    with pytest.raises(BadInputError, match="class 'new', which is not in y"):
        draw(None, X, y, X, np.where(y == "rare", "new", y))
    with pytest.raises(ValueError, match="X has 160 rows, but y has 3 labels"):
        draw(None, X, y[:3], X, y)
    with pytest.raises(BadInputError, match="column 'x0' has infinite values"):
        draw(None, np.where(X[0, 0] == X, np.inf, X), y, X, y)
    with pytest.raises(ValueError, match="'max_points' parameter"):
        draw(None, X, y, X, y, max_points=0)
    with pytest.raises(ValueError, match="'sampler' parameter"):
        ResamplingDisplay.from_sampler("smote", X, y)
    sampler = PairSampler()
    X_res, y_res = sampler.fit_resample(X, y)
    with pytest.raises(BadInputError, match="what its last fit_resample returned"):
        draw(sampler, X, y, X_res[:-1], y_res[:-1])
    with pytest.raises(BadInputError, match="pass the table that went into"):
        draw(sampler, X[:130], y[:130], X_res, y_res)
