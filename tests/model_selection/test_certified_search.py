"""The certified search: its bounds hold, its winner is untouched by the second part."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skoverfit.metrics import risk_certificate
from skoverfit.model_selection import CertifiedSearchCV

DEPTHS = {"max_depth": [1, 2, 4, 8]}


def tree():
    return DecisionTreeClassifier(random_state=0)


@pytest.fixture(scope="module")
def table():
    return make_classification(400, 8, flip_y=0.1, random_state=0)


def test_bounds_are_those_of_the_metric(table):
    X, y = table
    search = CertifiedSearchCV(tree(), DEPTHS, random_state=1).fit(X, y)
    held = search.validation_indices_
    for params, error, certificate in zip(
        search.params_, search.errors_, search.certificates_, strict=True
    ):
        model = tree().set_params(**params)
        model.fit(X[search.train_indices_], y[search.train_indices_])
        predicted = model.predict(X[held])
        assert error == np.mean(predicted != y[held])
        assert certificate == risk_certificate(y[held], predicted, log_prior=-np.log(4))
    best = search.best_index_
    assert search.certificate_ == search.certificates_.min()
    assert search.best_params_ == search.params_[best]
    np.testing.assert_array_equal(
        np.sort(np.r_[search.train_indices_, held]), np.arange(400)
    )
    assert search.refit_estimator_.tree_.n_node_samples[0] == 400
    assert search.best_estimator_.tree_.n_node_samples[0] == 200


def test_at_most_one_in_twenty_certificates_is_broken():
    # The specification's case: digits, 20 candidates, 200 + 200 rows, 20 seeds.
    X, y = load_digits(return_X_y=True)
    grid = {"C": [0.1, 1, 10, 100], "gamma": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}
    broken, seen, bounds = 0, [], []
    for seed in range(20):
        rows = np.random.default_rng(seed).permutation(len(X))
        search = CertifiedSearchCV(SVC(), grid, random_state=seed, refit=False)
        search.fit(X[rows[:400]], y[rows[:400]])
        truth = np.mean(search.predict(X[rows[400:]]) != y[rows[400:]])
        broken += truth > search.certificate_
        seen.append(search.errors_[search.best_index_])
        bounds.append(search.certificate_)
    assert broken <= 1
    assert np.mean(seen) == pytest.approx(0.045, abs=0.015)
    assert np.mean(bounds) == pytest.approx(0.102, abs=0.02)


def test_a_permuted_target_is_certified_as_useless():
    X, y = load_digits(return_X_y=True)
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(y)
        search = CertifiedSearchCV(tree(), DEPTHS, random_state=seed)
        # The true error of any classifier is .9.
        assert search.fit(X[:600], shuffled[:600]).certificates_.min() > 0.88


def test_a_prior_prefers_what_it_weighs(table):
    X, y = table
    even = CertifiedSearchCV(tree(), DEPTHS, random_state=1).fit(X, y)
    skewed = CertifiedSearchCV(
        tree(),
        DEPTHS,
        log_prior=lambda params: 0.0 if params["max_depth"] == 1 else -1e4,
        random_state=1,
    ).fit(X, y)
    assert np.exp(skewed.log_prior_).sum() == pytest.approx(1.0)
    assert skewed.best_params_ == {"max_depth": 1}
    # All of the probability is on it: the bound is that of one model alone.
    assert skewed.certificate_ < even.certificates_[0]
    by_error = CertifiedSearchCV(
        tree(), DEPTHS, log_prior=skewed.log_prior, select="error", random_state=1
    ).fit(X, y)
    assert by_error.errors_[by_error.best_index_] == by_error.errors_.min()


def test_frames_strings_pipelines_and_searches(table):
    X, y = table
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(8)])
    labels = np.array(["no", "yes"])[y]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    search = CertifiedSearchCV(
        model, {"logisticregression__C": [0.01, 1.0]}, random_state=0, n_jobs=2
    ).fit(frame, labels)
    assert set(search.predict(frame)) == {"no", "yes"}
    assert search.predict_proba(frame).shape == (400, 2)
    assert search.decision_function(frame).shape == (400,)
    assert list(search.feature_names_in_) == list(frame.columns)
    assert not hasattr(CertifiedSearchCV(SVC(), {"C": [1.0]}), "predict_proba")
    assert cross_val_score(search, frame, labels, cv=3).mean() > 0.7
    outer = GridSearchCV(search, {"delta": [0.05, 0.1]}, cv=3).fit(frame, labels)
    assert outer.best_estimator_.certificate_ < 0.5


def test_weights_go_with_their_rows(table):
    X, y = table

    class Recorder(ClassifierMixin, BaseEstimator):
        def __init__(self, constant=0):
            self.constant = constant

        def fit(self, X, y, sample_weight=None):
            self.classes_ = np.unique(y)
            np.testing.assert_array_equal(sample_weight, X[:, 0])
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[self.constant])

    CertifiedSearchCV(Recorder(), {"constant": [0, 1]}, random_state=0).fit(
        X, y, sample_weight=X[:, 0]
    )


def test_same_answer_whatever_n_jobs(table):
    X, y = table
    one, two = (
        CertifiedSearchCV(tree(), DEPTHS, random_state=3, n_jobs=n).fit(X, y)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.certificates_, two.certificates_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"param_grid": {"max_depth": []}}, "candidate|non-empty"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"delta": 0}, "delta"),
        ({"method": "x"}, "method"),
        ({"select": "x"}, "select"),
        ({"log_prior": lambda params: np.nan}, "log_prior must be a finite number"),
    ],
)
def test_bad_parameters_are_named_and_nothing_is_fitted(table, change, message):
    options = {"param_grid": DEPTHS, **change}
    search = CertifiedSearchCV(tree(), **options)
    with pytest.raises(ValueError, match=message):
        search.fit(*table)
    assert not hasattr(search, "best_estimator_")


def test_dependent_rows_and_single_rows_are_refused(table):
    X, y = table
    search = CertifiedSearchCV(tree(), DEPTHS)
    with pytest.raises(ValueError, match="groups"):
        search.fit(X, y, groups=np.arange(400) // 2)
    with pytest.raises(ValueError, match="Class 7 has 1 sample"):
        search.fit(X, np.r_[7, y[1:]])
