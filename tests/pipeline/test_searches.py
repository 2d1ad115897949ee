"""Searches and cross-validation with weights and groups behind samplers."""

import joblib
import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE as TheirSMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    cross_validate,
)
from sklearn.preprocessing import StandardScaler

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import make_pipeline
from tests.pipeline._parts import Spy, rows

X, y, WEIGHT, GROUPS = rows(240)


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def weighed(*steps):
    model = LogisticRegression().set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    return make_pipeline(scaler, *steps, model)


SAMPLERS = [SMOTE(random_state=0, k_neighbors=3), RandomUnderSampler(random_state=0)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_cross_validation_by_groups_needs_no_request_on_the_sampler(sampler):
    found = cross_validate(
        weighed(sampler),
        X,
        y,
        cv=GroupKFold(3),
        params={"sample_weight": WEIGHT, "groups": GROUPS},
        return_estimator=True,
        return_indices=True,
    )
    for fold, pipe in enumerate(found["estimator"]):
        train, test = found["indices"]["train"][fold], found["indices"]["test"][fold]
        assert not set(GROUPS[train]) & set(GROUPS[test])
        source = pipe.sample_indices_
        kept = ~getattr(pipe[1], "is_synthetic_", np.zeros(len(source), bool))
        np.testing.assert_array_equal(
            pipe.sample_weight_[kept], WEIGHT[train][source[kept]]
        )
        right = pipe.predict(X[test]) == y[test]
        assert found["test_score"][fold] == pytest.approx(
            np.average(right, weights=WEIGHT[test])
        )


def test_a_sampler_that_can_carry_nothing_fails_the_validation():
    with pytest.raises(ValueError, match="can't carry the argument 'sample_weight'"):
        cross_validate(
            weighed(TheirSMOTE()), X, y, cv=3, params={"sample_weight": WEIGHT}
        )


def test_groups_of_the_folds_do_not_disturb_samplers_that_take_none():
    pipe = make_pipeline(TheirSMOTE(random_state=0), LogisticRegression())
    found = cross_validate(pipe, X, y, cv=GroupKFold(3), params={"groups": GROUPS})
    assert np.isfinite(found["test_score"]).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_searches(search, sampler):
    scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
    options = {} if search is GridSearchCV else {"random_state": 0}
    found = search(
        weighed(sampler),
        {"logisticregression__C": [0.01, 1.0]},
        cv=GroupKFold(3),
        scoring=scorer,
        **options,
    ).fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    best = found.best_estimator_
    assert len(best.sample_weight_) == len(best.sample_indices_)
    assert found.score(X, y, sample_weight=WEIGHT) == pytest.approx(
        accuracy_score(y, best.predict(X), sample_weight=WEIGHT)
    )


def test_candidates_may_differ_in_the_sampler():
    spy = Spy().set_fit_request(sample_weight=True)
    scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
    search = GridSearchCV(
        make_pipeline(SMOTE(random_state=0), spy),
        {"smote__k_neighbors": [2, 3], "smote__sampling_strategy": [0.5, 1.0]},
        cv=3,
        n_jobs=2,
        scoring=scorer,
    )
    with joblib.parallel_config(backend="threading"):
        search.fit(X, y, sample_weight=WEIGHT)
    assert search.best_estimator_["spy"].weight_ is not None
