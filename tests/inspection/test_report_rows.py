"""Sections on wrong labels, rare classes and memorized rows of a report."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skoverfit._core._statistics import wilson_interval
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import MemorizationDisplay, OverfittingReport
from skoverfit.inspection._report._rows import bootstrap_counts, row_interval
from skoverfit.inspection._report._setup import problem_of
from skoverfit.noisy_labels._clean_law import wrong_share

SECTIONS = ["label_noise", "imbalance", "memorization"]
ALL = [*SECTIONS, "calibration", "complexity", "instability"]


def separated(seed, n=400, n_classes=2, **options):
    return make_classification(
        n, 10, n_informative=5, n_redundant=0, n_classes=n_classes, flip_y=0.0,
        n_clusters_per_class=1, class_sep=2.0, random_state=seed, **options,
    )  # fmt: skip


def linear(seed, n, p, strength=2.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    odds = strength * X[:, 0]
    return X, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def flipped(y, rate, seed):
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < rate
    n_classes = y.max() + 1
    return np.where(wrong, (y + rng.integers(1, n_classes, len(y))) % n_classes, y)


def report_of(estimator, X, y, sections=SECTIONS, **options):
    options = {"random_state": 0, **options}
    return OverfittingReport(estimator, sections=sections, **options).fit(X, y)


def finding(report, name):
    return next(f for f in report.findings_ if f.name == name)


def estimate(report, section, name):
    return report.sections_[section].estimates[name]


# --- wrong labels -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_flipped_labels_are_counted(seed):
    X, clean = separated(seed, 800)
    y = flipped(clean, 0.2, seed)
    report = report_of(LogisticRegression(), X, y, ["label_noise"])
    assert report.verdict_ == "label_noise_limited"
    excess = estimate(report, "label_noise", "excess")
    assert abs(excess.value - np.mean(y != clean)) < 0.05
    assert excess.lower < np.mean(y != clean) < excess.upper
    worst = report.sections_["label_noise"].data["worst_rows"]
    assert np.mean((y != clean)[worst]) > 0.9


def test_a_fifth_of_digits_is_seen():
    X, clean = load_digits(return_X_y=True)
    y = flipped(clean, 0.2, 3)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    report = report_of(model, X, y, ["label_noise"], n_repeats=1)
    assert report.verdict_ == "label_noise_limited"
    assert abs(estimate(report, "label_noise", "excess").value - 0.2) < 0.05
    data = report.sections_["label_noise"].data
    rows = data["worst_rows"]
    assert np.mean(np.asarray(data["worst_suggested"]) == clean[rows]) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_overlap_is_no_noise(seed):
    report = report_of(LogisticRegression(), *linear(seed, 600, 5), ["label_noise"])
    assert not finding(report, "label_noise").confirmed
    # Confident learning alone would name an eighth of the rows.
    assert estimate(report, "label_noise", "noise_rate").value > 0.1


@pytest.mark.parametrize("seed", range(2))
def test_a_tree_that_is_too_sure_is_not_taken_for_noise(seed):
    X, y = linear(seed, 600, 8, 2.5)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    report = report_of(tree, X, y, ["label_noise"])
    section = report.sections_["label_noise"]
    assert section.estimates["excess"].lower > 0.03
    assert section.n_fits == 5
    assert not finding(report, "label_noise").confirmed


def test_classes_that_a_model_cannot_fit_are_no_noise():
    X, y = make_classification(
        3000, 15, n_informative=8, n_classes=3, class_sep=1.2, flip_y=0.0,
        random_state=5,
    )  # fmt: skip
    report = report_of(LogisticRegression(), X, y, ["label_noise"])
    section = report.sections_["label_noise"]
    assert section.estimates["excess"].lower > 0.03
    assert section.estimates["excess_of_forest"].value < 0.01
    assert not finding(report, "label_noise").confirmed
    assert "can't fit" in section.notes[0]


def test_the_share_of_wrong_labels_has_a_closed_form():
    # Forecasts of two values, both sure: a floor of .2 is a background of .4.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 5000)
    logits = rng.normal(scale=3, size=10_000) + np.where(y == 1, 8, -8)
    p = 1 / (1 + np.exp(-logits))
    noisy = flipped(y, 0.2, 1)
    found = wrong_share(np.column_stack([1 - p, p]), noisy)
    assert_allclose(found.value, np.mean(noisy != y), atol=0.003)
    assert found.lower < 0.2 < found.upper
    assert found.p_value < 1e-10
    none = wrong_share(np.column_stack([1 - p, p]), y)
    assert none.value < 1e-3
    assert none.lower == 0


def test_labels_need_probabilities():
    report = report_of(LinearSVC(), *linear(0, 80, 3), ["label_noise"])
    assert "predict_proba" in report.sections_["label_noise"].reason


def test_numbers_have_noise_of_neighbours_and_outliers():
    held = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.uniform(size=(500, 1))
        y = 3 * x[:, 0] + rng.normal(scale=0.5, size=500)
        right = report_of(Ridge(), x, y, ["label_noise"])
        noise = estimate(right, "label_noise", "noise")
        held.append(noise.lower < 0.25 / np.var(y) < noise.upper)
    assert sum(held) >= 10
    assert not finding(right, "outlying_targets").confirmed
    y[:20] += 30
    wrong = report_of(Ridge(), x, y, ["label_noise"])
    assert finding(wrong, "outlying_targets").confirmed
    assert set(wrong.sections_["label_noise"].data["outlying_rows"]) >= set(range(20))
    assert "cleaned_regressor" in finding(wrong, "outlying_targets").remedies


# --- rare classes -------------------------------------------------------------------


@pytest.fixture(scope="module")
def uneven():
    rng = np.random.default_rng(0)
    y = np.array(["often"] * 360 + ["seldom"] * 40)
    X = rng.normal(size=(400, 3))
    X[y == "seldom", 0] += 1.2
    return X, y


def test_rare_classes_are_looked_at(uneven):
    X, y = uneven
    report = report_of(LogisticRegression(), X, y, ["imbalance"])
    section = report.sections_["imbalance"]
    assert section.estimates["ratio"].value == 9
    missed = finding(report, "minority_missed")
    assert missed.confirmed
    assert "'seldom'" in missed.message
    found = section.data["recall"][1] * 40
    low, high = wilson_interval(found, 40)
    assert_allclose((missed.lower, missed.upper), (1 - high, 1 - low))
    gain = finding(report, "threshold")
    assert gain.confirmed
    assert {"threshold", "smote"} <= set(gain.remedies)
    # Never a verdict.
    assert report.verdict_ == "healthy"
    assert_allclose(sum(section.data["kinds"].values()), 1)
    # G-mean is never above balanced accuracy.
    values = {k: e.value for k, e in section.estimates.items()}
    assert values["g_mean"] <= values["balanced_accuracy"]


def test_few_rows_of_a_class_are_named():
    X, y = linear(0, 100, 3)
    y[:] = 0
    y[:9] = 1
    report = report_of(LogisticRegression(), X, y, ["imbalance"])
    few = finding(report, "few_minority_rows")
    assert few.confirmed
    assert few.effect == 7
    assert "has 9 rows" in few.message


def test_even_classes_and_numbers_have_no_imbalance():
    X, y = linear(0, 100, 3)
    report = report_of(LogisticRegression(), X, y, ["imbalance"])
    assert "about even" in report.sections_["imbalance"].notes[0]
    assert not any(f.confirmed for f in report.findings_)
    assert "no classes" in report_of(Ridge(), X, X[:, 0]).sections_["imbalance"].reason


# --- memorized rows -----------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
def test_mean_memorization_is_the_gap_of_accuracies(n_classes):
    X, y = separated(0, 150, n_classes)
    y = flipped(y, 0.2, 0)
    model = KNeighborsClassifier(3)
    report = report_of(model, X, y, ["gap", "memorization"], scoring="accuracy")
    gap = estimate(report, "gap", "gap").value
    memory = report.sections_["memorization"].data["memorization"]
    assert_allclose(memory.mean(), gap, atol=1e-12)
    assert_allclose(
        estimate(report, "memorization", "mean_memorization").value, gap, atol=1e-12
    )


def test_mean_memorization_of_numbers_is_the_gap_of_losses():
    X, _ = linear(0, 100, 30)
    y = X[:, 0] + np.random.default_rng(0).normal(size=100)
    report = report_of(Ridge(), X, y, ["gap", "memorization"])
    mean = estimate(report, "memorization", "mean_memorization").value
    assert_allclose(mean, estimate(report, "gap", "gap").value, rtol=1e-5)
    with pytest.raises(BadInputError, match="no right answers"):
        MemorizationDisplay.from_report(report)


def test_one_neighbour_remembers_exactly_what_it_would_not_know():
    X, clean = separated(0, 200)
    y = flipped(clean, 0.2, 1)
    report = report_of(KNeighborsClassifier(1), X, y, ["memorization"])
    data = report.sections_["memorization"].data
    # It is always right of what it has: memorization is the share of wrong answers.
    out = ~data["included"]
    expected = ((1 - data["outcomes"]) * out).sum(axis=0) / out.sum(axis=0)
    assert_allclose(data["memorization"], expected)
    assert finding(report, "memorization").confirmed
    assert finding(report, "membership").confirmed
    high = data["memorization"] > 0.25
    kinds = np.asarray(data["kinds"])
    assert set(kinds[high]) <= {"noise", "atypical", "borderline"}
    assert set(kinds[~high]) == {""}
    # Wrong labels lie among rows of the other class.
    wrong = (y != clean)[report.row_positions_]
    noise = kinds == "noise"
    assert noise[wrong].mean() > 0.3 > 0.1 > noise[~wrong].mean()


def test_a_model_that_learns_no_row_gives_no_member_away():
    X, y = linear(0, 500, 2)
    report = report_of(LogisticRegression(), X, y, ["memorization"])
    auc = estimate(report, "memorization", "membership_auc")
    assert auc.lower < 0.5 < auc.upper
    assert not any(f.confirmed for f in report.findings_)


def test_the_full_budget_trains_on_subsets():
    X, y = linear(0, 60, 3)
    report = report_of(
        LogisticRegression(), X, y, ["memorization"], budget="full", n_repeats=1
    )
    section = report.sections_["memorization"]
    assert section.n_fits == 100
    assert_array_equal(section.data["included"].sum(axis=1), 42)
    in_all = section.data["included"].mean(axis=0)
    assert_allclose(in_all, 0.7, atol=0.2)


def test_memorization_is_drawn():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    X, y = separated(0, 100)
    report = report_of(KNeighborsClassifier(1), X, y, ["memorization"])
    display = MemorizationDisplay.from_report(report)
    assert_allclose(
        display.memorization, report.sections_["memorization"].data["memorization"]
    )
    plt.close("all")


# --- all of them --------------------------------------------------------------------


@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_row_order_changes_nothing(target):
    X, y = separated(0, 160, weights=[0.75])
    y = flipped(y, 0.1, 0)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    if target == "numbers":
        y, model = X[:, 0] + y, Ridge()
    order = np.random.default_rng(1).permutation(len(y))
    one = report_of(model, X, y, ALL)
    two = report_of(model, X[order], y[order], ALL)
    assert one.verdict_ == two.verdict_
    for name in ALL:
        first, second = one.sections_[name], two.sections_[name]
        assert first.reason == second.reason
        for key, value in first.estimates.items():
            other = second.estimates[key]
            for end in ("value", "lower", "upper"):
                assert value[end] == other[end], (name, key, end)
        if "worst_rows" in first.data:
            assert_array_equal(
                first.data["worst_rows"], order[second.data["worst_rows"]]
            )
    assert [f.message for f in one.findings_] == [f.message for f in two.findings_]


def test_rows_of_a_group_are_drawn_together():
    X, y = linear(0, 120, 4)
    groups = np.repeat(np.arange(30), 4)
    report = OverfittingReport(LogisticRegression(), random_state=0)
    problem = problem_of(report, X, y, groups, None, None, None)
    for counts in bootstrap_counts(problem, 5, "test"):
        assert counts.sum() == 120
        for group in range(30):
            assert len(set(counts[problem.groups == group])) == 1
    alone = problem_of(report, X, y, None, None, None, None)
    # Four equal rows are one observation: the interval is twice as wide.
    values = np.random.default_rng(0).normal(size=30)
    ends = [
        row_interval(problem, values[problem.groups], "test"),
        row_interval(alone, values[problem.groups], "test"),
    ]
    ratio = (ends[0][1] - ends[0][0]) / (ends[1][1] - ends[1][0])
    assert 1.7 < ratio < 2.3
