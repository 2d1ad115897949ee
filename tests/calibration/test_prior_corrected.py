"""Probabilities for other class shares: identities, what was seen, what it repairs."""

import numpy as np
import pytest
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import SMOTE as PeerSMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as peer_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from skoverfit.calibration import PriorCorrectedClassifier
from skoverfit.metrics import expected_calibration_error
from skoverfit.over_sampling import SMOTE, CalibratedGaussianOverSampler
from skoverfit.pipeline import make_pipeline

LABELS = np.array(["ham", "spam"])


def gaussian(n=4000, share=0.1, seed=0):
    """Two Gaussian classes: a logistic regression is the true model."""
    rng = np.random.default_rng(seed)
    codes = (rng.random(n) < share).astype(int)
    return rng.normal(size=(n, 2)) + codes[:, None], LABELS[codes]


def share(y):
    return np.mean(y == "spam")


def test_equal_priors_change_nothing():
    X, y = gaussian()
    model = PriorCorrectedClassifier(LogisticRegression()).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    assert np.array_equal(model.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_allclose(model.train_prior_, [1 - share(y), share(y)])
    np.testing.assert_allclose(model.thresholds_, 0.5)


def test_two_classes_keep_their_ranking_and_shift_their_log_odds():
    X, y = gaussian()
    model = PriorCorrectedClassifier(LogisticRegression(), target_prior="uniform")
    model.fit(X, y)
    p, plain = model.predict_proba(X), model.estimator_.predict_proba(X)
    assert roc_auc_score(y, p[:, 1]) == roc_auc_score(y, plain[:, 1])
    np.testing.assert_allclose(p.sum(axis=1), 1)
    shift = np.log(p[:, 1] / p[:, 0]) - np.log(plain[:, 1] / plain[:, 0])
    np.testing.assert_allclose(shift, np.log((1 - share(y)) / share(y)))
    decided = plain[:, 1] > model.thresholds_[1]
    assert np.array_equal(model.predict(X), LABELS[decided.astype(int)])
    assert model.thresholds_[1] == pytest.approx(share(y))


@pytest.mark.parametrize("build", [peer_pipeline, make_pipeline])
def test_under_sampling_with_correction_is_calibrated(build):
    X, y = gaussian()
    X_new, y_new = gaussian(20_000, seed=1)
    even = build(RandomUnderSampler(random_state=0), LogisticRegression())
    model = PriorCorrectedClassifier(even).fit(X, y)
    np.testing.assert_allclose(model.train_prior_, 0.5)

    def error(each):
        p = each.predict_proba(X_new)[:, 1]
        return expected_calibration_error((y_new == "spam").astype(int), p)

    assert error(model) < 0.03
    assert error(model.estimator_) > 0.15


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (RandomOverSampler(sampling_strategy=0.5, random_state=0), 1 / 3),
        (PeerSMOTE(sampling_strategy=0.5, random_state=0), 1 / 3),
        (SMOTE(sampling_strategy=0.5, random_state=0), 1 / 3),
        (CalibratedGaussianOverSampler(random_state=0), 0.5),
    ],
)
def test_auto_finds_what_samplers_made(sampler, expected):
    X, y = gaussian(1000)
    pipeline = make_pipeline(sampler, LogisticRegression())
    model = PriorCorrectedClassifier(pipeline).fit(X, y)
    assert model.train_prior_[1] == pytest.approx(expected, abs=2e-3)


def test_auto_follows_searches_and_class_weights():
    X, y = gaussian(1000)
    search = GridSearchCV(LogisticRegression(class_weight="balanced"), {"C": [1.0]})
    model = PriorCorrectedClassifier(search).fit(X, y)
    np.testing.assert_allclose(model.train_prior_, 0.5)
    tripled = LogisticRegression(class_weight={"spam": 3.0})
    model = PriorCorrectedClassifier(tripled).fit(X, y)
    s = share(y)
    assert model.train_prior_[1] == pytest.approx(3 * s / (3 * s + 1 - s))


def test_a_sampler_that_tells_nothing_asks_for_the_prior():
    X, y = gaussian(600)
    pipeline = peer_pipeline(SMOTEENN(random_state=0), LogisticRegression())
    with pytest.raises(ValueError, match="SMOTEENN doesn't tell which class shares"):
        PriorCorrectedClassifier(pipeline).fit(X, y)
    model = PriorCorrectedClassifier(pipeline, train_prior={"ham": 1, "spam": 1})
    np.testing.assert_allclose(model.fit(X, y).train_prior_, 0.5)


def test_weights_are_shares():
    X, y = gaussian(1000)
    w = np.where(y == "spam", 4.0, 1.0)
    model = PriorCorrectedClassifier(LogisticRegression(), target_prior=[0.5, 0.5])
    model.fit(X, y, sample_weight=w)
    assert model.train_prior_[1] == pytest.approx(w[y == "spam"].sum() / w.sum())
    repeated = PriorCorrectedClassifier(LogisticRegression(), target_prior="uniform")
    often = np.repeat(np.arange(len(y)), w.astype(int))
    repeated.fit(X[often], y[often])
    np.testing.assert_allclose(
        model.predict_proba(X), repeated.predict_proba(X), atol=1e-3
    )


def test_a_frozen_classifier_is_used_as_it_is():
    X, y = gaussian(1000)
    pipeline = make_pipeline(SMOTE(random_state=0), LogisticRegression()).fit(X, y)
    model = PriorCorrectedClassifier(FrozenEstimator(pipeline)).fit(X[:500], y[:500])
    assert model.estimator_.estimator is pipeline
    np.testing.assert_allclose(model.train_prior_, 0.5)
    assert model.target_prior_[1] == pytest.approx(share(y[:500]))
    one = y == "ham"
    with pytest.raises(ValueError, match="'empirical' gives class 'spam' the prior 0"):
        PriorCorrectedClassifier(FrozenEstimator(pipeline)).fit(X[one], y[one])


def test_groups_go_only_to_who_takes_them():
    X, y = gaussian(300)
    groups = np.arange(300) % 2
    pipeline = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    PriorCorrectedClassifier(pipeline).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="no parameter 'groups'"):
        PriorCorrectedClassifier(LogisticRegression()).fit(X, y, groups=groups)


def test_certain_probabilities_are_corrected_without_infinities():
    X = np.array([[-50.0], [-40.0], [40.0], [50.0]] * 5)
    y = np.array([0, 0, 1, 1] * 5)
    model = PriorCorrectedClassifier(
        LogisticRegression(C=1e6), target_prior=[0.999, 0.001]
    ).fit(X, y)
    p = model.predict_proba(1e6 * X)
    assert np.isfinite(model.predict_log_proba(1e6 * X)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.array_equal(model.predict(1e6 * X), y)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([1.0, 0.0], "gives class 'spam' the prior 0"),
        ([1.0, -1.0], "finite positive priors"),
        ([1.0], r"Got shape \(1,\)"),
        ({"ham": 1.0}, "see 'spam'"),
        ({"ham": 1.0, "spam": 1.0, "eggs": 1.0}, "see 'eggs'"),
    ],
)
def test_impossible_priors_are_named(prior, message):
    X, y = gaussian(300)
    for name in ("train_prior", "target_prior"):
        model = PriorCorrectedClassifier(LogisticRegression(), **{name: prior})
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)


def test_an_estimator_tells_what_it_learned_from():
    # Labels of a frozen one may have other shares than its training rows had.
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], [300, 100])
    X = rng.normal(size=(400, 2)) + (y == "b")[:, None]
    bayes = GaussianNB().fit(X, y)
    rows = np.r_[:50, 300:400]
    model = PriorCorrectedClassifier(FrozenEstimator(bayes)).fit(X[rows], y[rows])
    np.testing.assert_allclose(model.train_prior_, [0.75, 0.25])
    twin = GaussianNB(priors=[1 / 3, 2 / 3]).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X))
