# SPDX-License-Identifier: BSD-3-Clause
"""The section on rows to come, and the pictures of a report."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skoverfit.exceptions import BadInputError
from skoverfit.inspection import (
    LeakageDisplay,
    LearningCurveExtrapolationDisplay,
    OverfittingReport,
    TrainTestGapDisplay,
)
from skoverfit.inspection._measured import measure
from skoverfit.inspection._report._sections import _shift
from tests.inspection._report_parts import setup


def shift(model, X, y, **rows):
    report = OverfittingReport(model, sections=["shift"], random_state=0)
    return report.fit(X, y, **rows)


def table(n, seed=0):
    return make_classification(n_samples=n, n_features=8, random_state=seed)


def test_new_rows_of_the_same_law_are_no_shift():
    X, y = table(500)
    report = shift(GaussianNB(), X[:300], y[:300], X_new=X[300:])
    assert not any(f.confirmed for f in report.findings_)
    section = report.sections_["shift"]
    assert section.estimates["auc"].lower < 0.5 < section.estimates["auc"].upper
    assert section.estimates["columns_shifted"].value == 0
    assert section.n_fits == 0


def test_rows_from_elsewhere_are_a_shift():
    X, y = table(500)
    moved = X[300:].copy()
    moved[:, :3] += 3.0
    report = shift(GaussianNB(), X[:300], y[:300], X_new=moved)
    assert report.verdict_ == "shifted"
    data = report.sections_["shift"].data
    assert set(data["columns"][:3]) == {"x0", "x1", "x2"}
    assert data["effective_rows"] < 30


def test_a_shift_of_a_column_that_the_model_does_not_need_is_only_told():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    y = (X[:, 0] > 0).astype(int)
    other = X[400:].copy()
    other[:, 2] += 1.0
    report = shift(LogisticRegression(), X[:400], y[:400], X_new=other)
    (found,) = report.findings_
    assert found.confirmed
    assert report.verdict_ == "healthy"


def test_without_rows_to_compare_with_the_reason_is_told():
    X, y = table(100)
    section = shift(GaussianNB(), X, y).sections_["shift"]
    assert "neither X_new nor time" in section.reason


def test_columns_have_to_agree():
    X, y = table(100)
    with pytest.raises(ValueError, match=r"5 .*8"):
        _shift.run(*setup(GaussianNB(), X, y, X_new=X[:, :5]))


def test_halves_of_the_time_are_compared_without_the_time_itself():
    X, y = table(400)
    when = np.arange(400)
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(8)]).assign(date=when / 3)
    section = shift(GaussianNB(), frame, y, time=when).sections_["shift"]
    assert any("date" in note for note in section.notes)
    assert section.estimates["auc"].lower < 0.5
    later = frame.copy()
    later.loc[200:, "c3"] += 4.0
    report = shift(GaussianNB(), later, y, time=when)
    assert report.findings_[0].confirmed
    assert report.verdict_ == "healthy"  # told, but the forward test decides


def test_p_values_are_uniform_where_both_samples_are_one():
    p_values = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        X, labels = rng.normal(size=(60, 2)).round(1), np.tile([0, 1, 0], 20)
        folds = np.arange(60) // 3 % 5
        p, n_fits = _shift.sequential_p_value(GaussianNB(), X, labels, folds)
        assert n_fits == 4
        p_values.append(p)
    # Three standard errors.
    assert np.mean(p_values) == pytest.approx(0.5, abs=3 * (1 / 12 / 120) ** 0.5)
    assert np.mean(np.array(p_values) < 0.05) < 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5


def test_weighted_risk_of_equal_weights_and_of_known_ones():
    loss = np.random.default_rng(0).normal(size=200)
    change, low, high, rows = _shift.weighted_risk(loss, np.full(200, 1.0), 0.95)
    assert change == low == high == pytest.approx(0.0)
    assert rows == pytest.approx(200)
    weights = np.repeat([0.0, 2.0], 100)
    change, low, high, rows = _shift.weighted_risk(loss, weights, 0.95)
    assert change == pytest.approx(loss[100:].mean() - loss.mean())
    assert low < change < high
    assert rows == pytest.approx(100)


def test_columns_are_compared_by_their_kind():
    rng = np.random.default_rng(0)

    def draw(n, gone, share):
        frame = pd.DataFrame({"same": rng.normal(size=n), "gaps": rng.normal(size=n)})
        frame.loc[rng.random(n) < gone, "gaps"] = np.nan
        frame["kind"] = np.where(rng.random(n) < share, "a", "b")
        return frame

    shifts = _shift.column_shifts(*measure(draw(400, 0.0, 0.5), draw(300, 0.4, 0.9)))
    found = {s.name: s for s in shifts}
    assert found["same"].p_adjusted > 0.05
    assert found["gaps"].p_adjusted < 1e-6
    assert found["gaps"].distance == pytest.approx(0.4, abs=0.1)
    assert found["kind"].distance == pytest.approx(0.4, abs=0.1)
    assert shifts[-1].name == "same"


# --- pictures -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    X, y = table(150)
    X, y = np.concatenate([X, X[:30]]), np.concatenate([y, y[:30]])
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier())
    sections = ["gap", "learning_curve", "leakage"]
    return OverfittingReport(model, sections=sections, random_state=0).fit(X, y)


def test_picture_of_the_gap(report):
    display = TrainTestGapDisplay.from_report(report)
    data = report.sections_["gap"].data
    assert len(display.lines_) == len(data["test_scores"]) == 10
    ends = np.array([line.get_ydata() for line in display.lines_])
    assert np.array_equal(ends[:, 1], data["test_scores"])
    assert "DecisionTreeClassifier" in display.ax_.get_title(loc="left")


def test_picture_of_the_curve(report):
    display = LearningCurveExtrapolationDisplay.from_report(report)
    assert display.train_sizes[-1] == 144
    assert display.ax_.get_xscale() == "log"
    assert display.law is None or len(display.law[0]) == len(display.law[1])


def test_picture_of_the_leaks(report):
    display = LeakageDisplay.from_report(report)
    names = [name for name, *_ in display.effects]
    assert names == ["copies"]
    assert display.columns_ax_ is not None
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == names
    shares = [share for _, share in display.columns]
    assert shares == sorted(shares, reverse=True)
    # Given axes take the effects alone.
    _, ax = plt.subplots()
    assert LeakageDisplay.from_report(report, ax=ax).columns_ax_ is None


def test_pictures_say_what_is_missing():
    X, y = load_iris(return_X_y=True)
    fitted = OverfittingReport(GaussianNB(), sections=["gap"], random_state=0).fit(X, y)
    with pytest.raises(BadInputError, match="no section 'leakage'"):
        LeakageDisplay.from_report(fitted)
    rows = np.r_[0:8, 50:58, 100:108]
    with pytest.raises(BadInputError, match="was not run: half of a training fold"):
        LearningCurveExtrapolationDisplay.from_estimator(
            GaussianNB(), X[rows], y[rows], cv=3, random_state=0
        )
    with pytest.raises(BadInputError, match="neither an effect nor a column"):
        LeakageDisplay([], []).plot()
