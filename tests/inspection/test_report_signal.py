# SPDX-License-Identifier: BSD-3-Clause
"""Sections on the bootstrap, on more rows and on shuffled targets."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification, make_regression
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from skoverfit.inspection import OverfittingReport
from skoverfit.inspection._report._sections import (
    _learning_curve,
    _optimism,
    _permutation,
)
from skoverfit.inspection._report._types import NotRun
from tests.inspection._report_parts import finding, setup


def noise(n=120, p=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.integers(2, size=n)


@pytest.mark.parametrize(
    "model",
    [GaussianNB(), RidgeClassifier(), Ridge()],
    ids=["proba", "labels", "number"],
)
def test_loss_without_information_is_the_mean_over_all_pairs(model):
    X, y = make_classification(n_samples=60, random_state=1)
    problem, _ = setup(model, X, y + 0.0 if isinstance(model, Ridge) else y)
    rows = np.arange(problem.n_samples)
    answer = problem.fit_folds([(rows, rows)])[0].test
    if answer.proba is not None:
        pairs = [-np.log(answer.proba[:, c]).mean() for c in problem.y]
    elif problem.classes is not None:
        pairs = [(answer.prediction != c).mean() for c in problem.y]
    else:
        pairs = [((answer.prediction - v) ** 2).mean() for v in problem.y]
        pairs = np.array(pairs) / np.var(problem.y)
    assert _optimism.no_information_loss(problem, answer) == pytest.approx(
        np.mean(pairs), rel=1e-9
    )


def test_weight_of_632_plus_goes_from_632_to_one():
    assert _optimism.weight_632_plus(0.1, 0.1, 0.5) == (0.632, 0.0)
    assert _optimism.weight_632_plus(0.0, 0.5, 0.5) == (pytest.approx(1.0), 1.0)
    assert _optimism.weight_632_plus(0.0, 0.9, 0.5)[1] == 1.0  # capped
    assert _optimism.weight_632_plus(0.2, 0.1, 0.5)[1] == 0.0


def test_bootstrap_of_a_model_that_knows_its_rows_by_heart():
    X, y = noise()
    section = _optimism.run(*setup(KNeighborsClassifier(1), X, y))
    assert "harrell" not in section.estimates
    assert "Harrell" in section.notes[0]
    found = {name: e.value for name, e in section.estimates.items()}
    assert found["apparent"] < 0.05
    assert found["overfitting_rate"] > 0.9
    # Efron and Tibshirani: where nothing was learnt it is the loss of chance.
    assert found["err632_plus"] == pytest.approx(found["no_information"], rel=0.1)
    assert section.n_fits == 21


def test_bootstrap_of_the_mean():
    X, y = make_regression(150, 3, random_state=0)
    section = _optimism.run(*setup(DummyRegressor(), X, y))
    found = section.estimates
    # In variances of the target; a mean of n rows adds 1 / n.
    assert found["apparent"].value == pytest.approx(1.0)
    assert found["err1"].value == pytest.approx(1.0, abs=0.05)
    assert found["err1"].lower < found["err1"].value < found["err1"].upper
    assert found["harrell"].value == pytest.approx(1.0, abs=0.05)


def test_bootstrap_samples_take_whole_groups_and_lose_no_class():
    X, y = noise(90)
    y[:85], y[85:] = 0, 1
    groups = np.arange(90) // 3
    problem, _ = setup(GaussianNB(), X, y, groups=groups, cv=2)
    for number in range(20):
        drawn, out = _optimism._resample(problem, number)
        assert not np.intersect1d(problem.groups[drawn], problem.groups[out]).size
        assert set(problem.y[drawn]) == {0, 1}


def test_shuffles_move_whole_groups():
    X, _ = noise(120)
    groups = np.repeat(np.arange(30), 4)
    y = np.random.default_rng(0).normal(size=30)[groups]
    problem, _ = setup(Ridge(), X, y, groups=groups)
    other = _permutation.shuffled(problem, 0)
    per_group = [np.unique(other.y[problem.groups == g]) for g in range(30)]
    assert all(len(values) == 1 for values in per_group)
    assert not np.array_equal(other.y, problem.y)
    assert np.array_equal(np.sort(other.y), np.sort(problem.y))


def test_weights_move_with_their_targets():
    X, y = noise(60)
    weight = np.where(y == 1, 3.0, 1.0)
    problem, _ = setup(GaussianNB(), X, y, sample_weight=weight)
    other = _permutation.shuffled(problem, 0)
    assert np.array_equal(other.sample_weight, np.where(other.y == 1, 3.0, 1.0))


def test_a_model_without_columns_is_stopped_early_and_has_no_signal():
    X, y = noise()
    section = _permutation.run(*setup(DummyClassifier(strategy="prior"), X, y))
    assert section.data["p_value"] == 1.0
    assert len(section.data["shuffled_signals"]) == _permutation._ENOUGH
    assert finding(section, "no_signal").decisive


@pytest.mark.parametrize("model", [DecisionTreeClassifier(), KNeighborsClassifier(1)])
def test_learning_noise_by_heart_is_no_signal(model):
    X, y = noise(150)
    report = OverfittingReport(model, sections=["permutation"], random_state=0)
    report.fit(X, y)
    assert report.verdict_ == "no_signal"
    section = report.sections_["permutation"]
    assert section.estimates["capacity"].value == pytest.approx(1.0, abs=0.01)


def test_signal_is_found_with_the_least_p_value_that_shuffles_allow():
    X, y = load_iris(return_X_y=True)
    section = _permutation.run(*setup(GaussianNB(), X, y))
    assert section.data["p_value"] == pytest.approx(1 / 20)
    assert not finding(section, "no_signal").decisive
    assert section.estimates["capacity"].value < 0.6


def test_a_high_confidence_gets_the_shuffles_it_needs():
    X, y = load_iris(return_X_y=True)
    section = _permutation.run(*setup(GaussianNB(), X, y, confidence=0.98))
    assert section.data["p_value"] == pytest.approx(1 / 50)
    assert not finding(section, "no_signal").decisive


def test_p_values_of_noise_are_not_too_small():
    p_values = []
    for seed in range(20):
        X, y = noise(60, 2, seed)
        parts = setup(GaussianNB(), X, y, random_state=seed, n_repeats=1, cv=3)
        p_values.append(_permutation.run(*parts).data["p_value"])
    # Binomial(20, .05): six or more have a probability below .001.
    assert np.sum(np.array(p_values) <= 0.05) < 6
    assert 0.25 < np.mean(p_values) < 0.75


def test_sizes_of_the_curve_double_up_to_the_training_fold():
    X, y = noise(200)
    section = _learning_curve.run(*setup(GaussianNB(), X, y))
    assert section.data["train_sizes"].tolist() == [10, 20, 40, 80, 160]
    assert section.data["test_scores"].shape == (10, 5)
    assert section.n_fits == 40


def test_the_mean_gains_nothing_from_rows():
    X, y = make_regression(200, 3, random_state=0)
    section = _learning_curve.run(*setup(DummyRegressor(), X, y))
    found = finding(section, "data_limited")
    assert not found.decisive
    assert abs(found.effect) < 0.02


def test_the_gain_of_a_second_half_is_told_beforehand():
    rng = np.random.default_rng(0)

    def draw(n):
        X = rng.uniform(-2, 2, size=(n, 2))
        return X, np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1])

    X, y = draw(200)
    model = KNeighborsRegressor(1)
    section = _learning_curve.run(*setup(model, X, y))
    found = finding(section, "data_limited")
    assert found.decisive

    X_test, y_test = draw(4000)
    losses = []
    for n in (200, 400):
        errors = [
            np.mean((model.fit(*draw(n)).predict(X_test) - y_test) ** 2)
            for _ in range(10)
        ]
        losses.append(np.mean(errors) / np.var(y_test))
    assert found.lower <= losses[0] - losses[1] <= found.upper


def test_too_few_rows_for_a_curve():
    X, y = noise(24)
    with pytest.raises(NotRun, match="half of a training fold has"):
        _learning_curve.run(*setup(GaussianNB(), X, y, cv=3))


def test_order_of_the_rows_does_not_matter():
    X, y = make_classification(n_samples=90, random_state=0)
    order = np.random.default_rng(1).permutation(90)
    sections = ["gap", "optimism", "learning_curve", "permutation"]
    reports = [
        OverfittingReport(LogisticRegression(), sections=sections, random_state=0).fit(
            X[rows], y[rows]
        )
        for rows in (np.arange(90), order)
    ]
    for name in sections:
        first, second = (report.sections_[name].estimates for report in reports)
        assert {k: e.value for k, e in first.items()} == {
            k: e.value for k, e in second.items()
        }
