# SPDX-License-Identifier: BSD-3-Clause
"""The overfitting report as a whole; its sections have tests of their own."""

import pickle
import re
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import skoverfit
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import OverfittingReport
from skoverfit.inspection._report._sections import SECTIONS
from skoverfit.inspection._report._types import SEVERITIES, VERDICTS, Finding
from skoverfit.inspection._report._verdict import grade, verdict_of

QUICK = {"n_repeats": 1, "n_bootstrap": 5, "n_permutations": 9, "random_state": 0}


def linear(n=160, p=6, seed=0, strength=2.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    odds = strength * X[:, 0]
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.fixture(scope="module")
def report():
    X, y = linear()
    return OverfittingReport(LogisticRegression(), **QUICK).fit(X, y)


def numbers(report, names):
    return {
        (name, key, end): e[end]
        for name in names
        for key, e in report.sections_[name].estimates.items()
        for end in ("value", "lower", "upper")
        if e[end] is not None
    }


# --- what it gives ------------------------------------------------------------------


def test_every_section_has_results_or_a_reason(report):
    assert list(report.sections_) == list(SECTIONS)
    for section in report.sections_.values():
        if section.was_run:
            assert section.method
            assert section.blind_spot
            assert section.estimates
        else:
            assert section.reason
    assert not report.sections_["shift"].was_run


def test_the_intervals_hold_their_estimates(report):
    for section in report.sections_.values():
        for estimate in section.estimates.values():
            if estimate.lower is not None:
                assert estimate.lower <= estimate.value + 1e-9
                assert estimate.value <= estimate.upper + 1e-9


def test_findings_are_graded(report):
    frame = report.to_frame()
    assert set(frame["severity"]) <= set(SEVERITIES)
    assert report.verdict_ in VERDICTS
    tested = frame.dropna(subset=["p_value"])
    assert (tested["p_adjusted"] >= tested["p_value"] - 1e-12).all()
    assert report.n_fits_ > 0
    for section in frame["section"]:
        assert section in report.sections_


def test_the_gap_is_the_mean_difference_of_losses():
    X, y = linear(120)
    folds = PredefinedSplit(np.arange(120) % 4)
    report = OverfittingReport(
        LogisticRegression(), cv=folds, sections=["gap"], random_state=0
    ).fit(X, y)
    train = np.zeros((4, 120))
    test = np.zeros(120)
    for number, (a, b) in enumerate(folds.split()):
        model = LogisticRegression().fit(X[a], y[a])
        loss = -np.log(model.predict_proba(X)[np.arange(120), y])
        train[number], test[b] = loss, loss[b]
    inside = np.array([train[np.arange(4) != i % 4, i].mean() for i in range(120)])
    gap = report.sections_["gap"].estimates["gap"]
    assert gap.value == pytest.approx((test - inside).mean(), rel=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_rows_does_not_count(seed):
    X, y = linear(90)
    order = np.random.default_rng(seed).permutation(90)
    names = [n for n in SECTIONS if n not in ("shift",)]
    first = OverfittingReport(LogisticRegression(), **QUICK).fit(X, y)
    second = OverfittingReport(LogisticRegression(), **QUICK).fit(X[order], y[order])
    assert numbers(first, names) == pytest.approx(numbers(second, names), nan_ok=True)
    assert first.verdict_ == second.verdict_
    np.testing.assert_array_equal(
        X[first.row_positions_], X[order][second.row_positions_]
    )


def test_n_jobs_does_not_count():
    X, y = linear(80)
    names = ["gap", "optimism", "complexity"]
    one, two = (
        OverfittingReport(
            LogisticRegression(), sections=names, n_jobs=n_jobs, **QUICK
        ).fit(X, y)
        for n_jobs in (1, 2)
    )
    assert numbers(one, names) == numbers(two, names)


def test_nothing_of_the_user_is_changed():
    X, y = linear(60)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    estimator = LogisticRegression()
    before, labels = frame.copy(), y.copy()
    report = OverfittingReport(estimator, sections=["gap"], **QUICK).fit(frame, y)
    pd.testing.assert_frame_equal(frame, before)
    np.testing.assert_array_equal(y, labels)
    assert not hasattr(estimator, "coef_")
    assert list(report.feature_names_in_) == list("abcdef")


def test_groups_are_never_parted():
    class Watched(LogisticRegression):
        seen: ClassVar[list] = []

        def fit(self, X, y, sample_weight=None):
            self.seen.append(set(X[:, 0]))
            return super().fit(X, y, sample_weight)

        def predict_proba(self, X):
            Watched.asked = set(X[:, 0])
            return super().predict_proba(X)

    groups = np.repeat(np.arange(20), 6)
    X, y = linear(120)
    X[:, 0] = groups
    report = OverfittingReport(Watched(), cv=5, sections=["gap"], **QUICK)
    report.fit(X, y, groups=groups)
    folds = Watched.seen[:5]
    assert all(len(fold) == 16 for fold in folds)
    assert set.union(*folds) == set(range(20))


def test_labels_may_be_text_and_columns_too():
    X, y = linear(100)
    frame = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "x", None)})
    model = make_pipeline(
        skoverfit_columns(), LogisticRegression(),
    )  # fmt: skip
    report = OverfittingReport(model, **QUICK).fit(frame, np.where(y, "yes", "no"))
    assert list(report.classes_) == ["no", "yes"]
    assert report.sections_["gap"].was_run
    assert report.sections_["leakage"].was_run


def skoverfit_columns():
    from sklearn.compose import make_column_transformer

    return make_column_transformer(
        (StandardScaler(), ["a"]), (OneHotEncoder(handle_unknown="ignore"), ["b"])
    )


def test_numbers_as_target():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    y = X[:, 0] + rng.normal(size=120)
    report = OverfittingReport(Ridge(), **QUICK).fit(X, y)
    estimates = report.sections_["gap"].estimates
    r2 = 1 + estimates["test_score"].value
    assert 0.2 < r2 < 0.7
    assert report.sections_["imbalance"].reason


def test_without_probabilities_sections_say_so():
    X, y = linear(100)
    report = OverfittingReport(LinearSVC(), **QUICK).fit(X, y)
    assert "predict_proba" in report.sections_["calibration"].reason
    assert report.sections_["gap"].was_run
    assert report._score_name == "-error rate"


def test_a_score_of_the_user_is_the_primary_one():
    X, y = linear(100)
    report = OverfittingReport(
        LogisticRegression(), scoring="accuracy", sections=["gap"], **QUICK
    ).fit(X, y)
    assert 0.5 < report.sections_["gap"].estimates["test_score"].value <= 1


def test_many_rows_are_sampled_with_their_copies_and_groups():
    X, y = linear(300)
    X, y = np.concatenate([X, X]), np.concatenate([y, y])
    report = OverfittingReport(
        LogisticRegression(), max_samples=100, sections=["gap"], **QUICK
    ).fit(X, y)
    assert report.n_samples_ == 100
    assert report.n_samples_seen_ == 600
    rows = report.row_positions_ % 300
    assert (np.bincount(rows, minlength=300) % 2 == 0).all()


def test_a_budget_of_no_time_runs_nothing_more():
    X, y = linear(100)
    report = OverfittingReport(LogisticRegression(), budget=1e-9, random_state=0)
    report.fit(X, y)
    assert {s.reason for s in report.sections_.values()} == {"the budget is used up"}
    assert "Not run" in report.summary()


# --- verdicts -----------------------------------------------------------------------


def finding(name="a", verdict="leaky", **more):
    given = {"effect": 1.0, "message": "", "decisive": True}
    return Finding(name=name, verdict=verdict, **{**given, **more})


def test_the_first_verdict_wins_and_the_rest_stays():
    graded = grade(
        [finding("a", "benign_gap"), finding("b", "underfitting", size=20)], 0.05
    )
    assert verdict_of(graded) == "underfitting"
    assert [f.name for f in graded] == ["b", "a"]
    assert graded[0].severity == "severe"
    assert verdict_of([]) == "healthy"


def test_what_many_tests_find_by_chance_is_not_confirmed():
    alone = grade([finding(p_value=0.04)], 0.05)
    assert alone[0].confirmed
    many = [finding(str(i), p_value=0.5) for i in range(9)]
    among = grade([finding(p_value=0.04), *many], 0.05)
    assert not any(f.confirmed for f in among)
    assert verdict_of(among) == "healthy"


# --- the page -----------------------------------------------------------------------


def test_the_page_is_whole_and_safe(report, tmp_path):
    pytest.importorskip("jinja2")
    path = tmp_path / "report.html"
    page = report.to_html(path, title="<script>alert(1)</script>")
    assert path.read_text("utf-8") == page
    assert "<script" not in page
    assert not re.search(r"(src|href)=[\"']https?:", page)
    for section in report.sections_.values():
        assert section.title in page
    assert page == report.to_html(title="<script>alert(1)</script>")


def test_names_of_columns_are_escaped():
    X, y = linear(80)
    X = np.column_stack([X, y + 0.01 * X[:, 0]])
    frame = pd.DataFrame(X, columns=[f"<b>{i}</b>" for i in range(7)])
    report = OverfittingReport(LogisticRegression(), **QUICK).fit(frame, y)
    assert "<b>6</b>" not in report.to_html()
    assert "<b>6</b>" not in report._repr_html_()


def test_a_page_that_cannot_be_written(report, tmp_path):
    with pytest.raises(BadInputError, match="does not exist"):
        report.to_html(tmp_path / "no" / "report.html")


def test_the_summary_says_what_was_found(report):
    text = report.summary()
    assert text.startswith("LogisticRegression: 160 rows, 6 columns;")
    assert f"Verdict: {report.verdict_.replace('_', ' ')}" in text
    assert max(map(len, text.split("\n"))) <= 88


def test_it_survives_a_file(report, tmp_path):
    for again in (pickle.loads(pickle.dumps(report)), saved(report, tmp_path)):
        assert again.summary() == report.summary()
        assert again.to_html() == report.to_html()


def saved(report, tmp_path):
    skoverfit.save(report, tmp_path / "report.skops")
    return skoverfit.load(tmp_path / "report.skops")


def test_recommendations_are_remedies():
    X, y = make_classification(100, 200, random_state=0)
    report = OverfittingReport(
        LogisticRegression(C=1e6), sections=["gap", "calibration"], random_state=0
    ).fit(X, y)
    assert report.verdict_ == "harmful_overfitting"
    names = report.recommend(3)
    assert names
    for name in names:
        assert skoverfit.catalogue.get_remedy(name).role != "tool"


# --- bad input ----------------------------------------------------------------------


class NoNumber(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cv": 200}, r"cv=200 must be from 2 to the number of rows, 60"),
        ({"y": np.zeros(60, int)}, "y has one class, 0"),
        ({"groups": np.zeros(60)}, "groups has a single group, 0.0"),
        ({"groups": np.arange(60) % 3}, "cv=5 is more than the 3 groups"),
        ({"time": [None, *range(59)]}, "time is missing in row 0"),
        ({"sample_weight": -np.ones(60)}, "sample_weight must be one number >= 0"),
        ({"sections": ["gaps"]}, "sections has no 'gaps'. .*gap"),
        ({"scoring": lambda model, X, y: np.nan}, "scoring gave nan"),
        ({"estimator": NoNumber()}, "NoNumber.predict_proba gave NaN"),
        ({"estimator": StandardScaler()}, "must be an object implementing|classifier"),
        ({"cv": GroupKFold(3)}, "groups"),
        ({"X": np.zeros((60, 0))}, r"0 feature\(s\)"),
        ({"rope": -1}, "rope"),
    ],
)
def test_bad_input_is_one_sentence(change, message):
    X, y = linear(60)
    given = {"estimator": LogisticRegression(), "X": X, "y": y, **change}
    fit = {k: given.pop(k) for k in ("groups", "time", "sample_weight") if k in given}
    X, y = given.pop("X"), given.pop("y")
    report = OverfittingReport(**{**QUICK, **given})
    with pytest.raises((ValueError, TypeError), match=message):
        report.fit(X, y, **fit)
    assert not hasattr(report, "verdict_")


def test_a_regression_target_of_one_value():
    with pytest.raises(ValueError, match="y has a single value, 3"):
        OverfittingReport(Ridge()).fit(linear(60)[0], np.full(60, 3.0))
