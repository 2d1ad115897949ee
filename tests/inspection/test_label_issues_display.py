"""The picture of suspect labels says what the detector found."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from skoverfit._core._statistics import wilson_interval
from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import LabelIssuesDisplay, label_review_sheet
from skoverfit.noisy_labels import (
    ConfidentLearningFilter,
    LOFClassFilter,
    NeighborDisagreementFilter,
    find_label_issues,
)

LOGISTIC = LogisticRegression(max_iter=500)


@pytest.fixture(autouse=True)
def closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="module")
def noisy_iris():
    X, y = load_iris(return_X_y=True)
    return X, make_label_noise(y, rate=0.2, random_state=0)


def test_bars_are_the_flagged_shares_with_wilsons_intervals(noisy_iris):
    X, y = noisy_iris
    names = np.array(["a", "b", "c"])[y]
    proba = cross_val_predict(LOGISTIC, X, y, method="predict_proba")
    drawn = LabelIssuesDisplay.from_predictions(names, proba, random_state=0)
    mask = find_label_issues(names, proba)
    for k in range(3):
        hits, n = mask[y == k].sum(), (y == k).sum()
        low, high = wilson_interval(hits, n)
        assert_allclose(drawn.flagged_[k], [hits / n, low, high])
    bars = drawn.axes_["flagged"].patches
    assert_allclose([bar.get_width() for bar in bars], drawn.flagged_[:, 0])
    ticks = [tick.get_text() for tick in drawn.axes_["flagged"].get_yticklabels()]
    assert ticks == ["a", "b", "c"]
    (marks,) = [
        line for line in drawn.axes_["flagged"].lines if line.get_marker() == "D"
    ]
    assert_allclose(marks.get_xdata(), drawn.excess.expected_by_class)
    assert f"{mask.sum()} of 150 labels" in drawn.figure_.get_suptitle()
    assert drawn.confused.sum() == 150
    assert isinstance(drawn.figure_, Figure)


def test_an_estimator_is_judged_as_its_filter_does(noisy_iris):
    X, y = noisy_iris
    drawn = LabelIssuesDisplay.from_estimator(
        LOGISTIC, X, y, excess=False, random_state=0, filter_by="both"
    )
    found = ConfidentLearningFilter(LOGISTIC, filter_by="both", random_state=0)
    found.fit(X, y)
    assert np.array_equal(drawn.issue_mask, found.issue_mask_)
    assert drawn.excess is None
    assert drawn.title.startswith("LogisticRegression")
    again = LabelIssuesDisplay.from_detector(found)
    assert np.array_equal(again.issue_mask, found.issue_mask_)
    assert np.array_equal(again.confused, drawn.confused)


def test_a_detector_without_probabilities_shows_what_suspects_are_taken_for():
    X, y = load_digits(return_X_y=True)
    y = make_label_noise(y, rate=0.2, random_state=0)
    found = NeighborDisagreementFilter().fit(X, y)
    drawn = LabelIssuesDisplay.from_estimator(NeighborDisagreementFilter(), X, y)
    off = drawn.confused - np.diag(np.diag(drawn.confused))
    assert off.sum() == found.issue_mask_.sum()
    assert_allclose(drawn.confused.sum(axis=1), np.bincount(y))


def test_an_outlier_filter_proposes_nothing(noisy_iris):
    drawn = LabelIssuesDisplay.from_estimator(LOFClassFilter(), *noisy_iris)
    assert sorted(drawn.axes_) == ["flagged", "quality"]
    with pytest.raises(BadInputError, match="kind='confused' has nothing to draw"):
        drawn.plot(kind="confused")


def test_many_classes_are_cut_to_the_worst():
    rng = np.random.default_rng(0)
    y = rng.integers(30, size=900)
    proba = np.full((900, 30), 0.01)
    proba[np.arange(900), np.where(rng.random(900) < 0.2, (y + 1) % 30, y)] = 0.71
    drawn = LabelIssuesDisplay.from_predictions(y, proba, excess=False)
    assert len(drawn.axes_["flagged"].patches) == 20
    assert "10 with less left out" in drawn.axes_["flagged"].get_ylabel()


def test_one_picture_goes_on_given_axes(noisy_iris):
    import matplotlib.pyplot as plt

    X, y = noisy_iris
    found = ConfidentLearningFilter(LOGISTIC, random_state=0).fit(X, y)
    figure, ax = plt.subplots()
    drawn = LabelIssuesDisplay.from_detector(found, kind="quality", ax=ax)
    assert drawn.figure_ is figure
    assert list(drawn.axes_.values()) == [ax]
    with pytest.raises(BadInputError, match="ax= takes one picture"):
        drawn.plot(ax=ax)
    with pytest.raises(BadInputError, match=r"'kind' parameter must be.*Got 'pie'"):
        drawn.plot(kind="pie")
    with pytest.raises(BadInputError, match="not fitted or no detector"):
        LabelIssuesDisplay.from_detector(LOFClassFilter())


def test_detectors_that_draw_nothing_take_a_seed_all_the_same(noisy_iris):
    X, y = noisy_iris[:2]
    for detector in (NeighborDisagreementFilter(), LOFClassFilter()):
        shown = LabelIssuesDisplay.from_estimator(detector, X, y, random_state=0)
        plain = LabelIssuesDisplay.from_estimator(detector, X, y)
        np.testing.assert_array_equal(shown.issue_mask, plain.issue_mask)
    sheet = label_review_sheet(
        X, y, estimator=NeighborDisagreementFilter(), random_state=0
    )
    assert len(sheet.rows)
    with pytest.raises(ValueError, match="Invalid parameter 'cv'"):
        LabelIssuesDisplay.from_estimator(NeighborDisagreementFilter(), X, y, cv=3)
