"""A sampler and a classifier as one object; tests/common has the contract."""

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE as TheirSMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import StandardScaler

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import Pipeline, ResampledClassifier, make_pipeline
from tests.pipeline._parts import Spy, rows

X, y, WEIGHT, GROUPS = rows()


def test_the_same_as_the_pipeline():
    sampler, model = SMOTE(random_state=0), LogisticRegression()
    one = ResampledClassifier(sampler, model)
    one.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    two = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    two.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    for method in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ):
        np.testing.assert_array_equal(getattr(one, method)(X), getattr(two, method)(X))
    np.testing.assert_array_equal(one.sampler_.sample_weight_, two.sample_weight_)
    assert not hasattr(sampler, "sample_indices_")
    assert not hasattr(model, "coef_")


def test_it_has_the_methods_of_its_classifier():
    ridge = ResampledClassifier(SMOTE(), RidgeClassifier())
    assert hasattr(ridge, "decision_function")
    assert not hasattr(ridge, "predict_proba")


def test_a_pipeline_may_be_the_sampler():
    sampler = Pipeline([("scale", StandardScaler()), ("smote", SMOTE(random_state=0))])
    one = ResampledClassifier(sampler, LogisticRegression()).fit(X, y)
    two = make_pipeline(StandardScaler(), SMOTE(random_state=0), LogisticRegression())
    np.testing.assert_array_equal(one.predict_proba(X), two.fit(X, y).predict_proba(X))


def test_errors_of_the_pipeline_are_its_own():
    with pytest.raises(ValueError, match=r"'sampler' \(SMOTE\) can't carry"):
        ResampledClassifier(TheirSMOTE(), Spy()).fit(X, y, sample_weight=WEIGHT)
    with pytest.raises(TypeError, match=r"'sampler'.*unexpected keyword arg.* 'foo'"):
        ResampledClassifier(SMOTE(), Spy()).fit(X, y, sampler__foo=1)
    with pytest.raises(ValueError, match="'sampler' parameter of ResampledClassifier"):
        ResampledClassifier(StandardScaler(), Spy()).fit(X, y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_mixed_tables_reach_a_sampler_that_takes_them(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame(
        {"a": X[:, 0], "b": np.array(["u", "v"])[y ^ (X[:, 1] > 0)]}
    )
    one = ResampledClassifier(SMOTE(random_state=0), Spy()).fit(frame, y)
    assert type(one.estimator_.X_) is type(frame)
    assert one.n_features_in_ == 2
    assert list(one.feature_names_in_) == ["a", "b"]
    assert len(one.predict(frame)) == len(y)


def test_inside_other_estimators():
    one = ResampledClassifier(RandomUnderSampler(random_state=0), LogisticRegression())
    for outer in (
        BaggingClassifier(one, n_estimators=2, random_state=0),
        CalibratedClassifierCV(one, cv=2),
    ):
        assert outer.fit(X, y).predict_proba(X).shape == (len(y), 2)


def test_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        spy = Spy().set_fit_request(sample_weight=True, groups=True)
        found = cross_validate(
            ResampledClassifier(SMOTE(k_neighbors=3, random_state=0), spy),
            X,
            y,
            cv=2,
            params={"sample_weight": WEIGHT, "groups": np.arange(len(y)) % 2},
            scoring=get_scorer("accuracy").set_score_request(sample_weight=False),
            return_estimator=True,
        )
        for one in found["estimator"]:
            np.testing.assert_array_equal(
                one.estimator_.weight_, one.sampler_.sample_weight_
            )
