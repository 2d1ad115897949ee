"""Pipelines as steps of pipelines, with samplers inside."""

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE as TheirSMOTE
from imblearn.pipeline import Pipeline as ImblearnPipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import Pipeline, make_pipeline
from tests.pipeline._parts import Doubling, Reversing, Spy, WeighedMean, rows

X, y, WEIGHT, GROUPS = rows()

FLAT = [
    ("scaler", StandardScaler()),
    ("smote", SMOTE(random_state=0)),
    ("mean", WeighedMean()),
    ("turn", Reversing()),
    ("model", LogisticRegression()),
]


def nestings():
    a, b, c, d, e = FLAT
    yield [("inner", Pipeline([a, b])), c, d, e]
    yield [a, ("inner", Pipeline([b, c, d])), e]
    yield [a, ("inner", Pipeline([b, c])), ("second", Pipeline([d])), e]
    yield [("outer", Pipeline([a, ("inner", Pipeline([b, c]))])), d, e]
    yield [a, ("inner", Pipeline([b, c, d, e]))]
    yield [("inner", Pipeline([a, b, c, ("none", "passthrough")])), d, e]
    yield [("first", SklearnPipeline([a])), b, ("then", ImblearnPipeline([c])), d, e]


@pytest.mark.parametrize("steps", list(nestings()))
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_nesting_changes_nothing(steps, weight):
    flat = Pipeline(FLAT)
    flat = clone(flat).fit(X, y, sample_weight=weight)
    nested = clone(Pipeline(steps)).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(nested.predict_proba(X), flat.predict_proba(X))


@pytest.mark.parametrize("steps", list(nestings()))
def test_nesting_changes_nothing_with_routing(steps):
    with sklearn.config_context(enable_metadata_routing=True):
        flat, nested = clone(Pipeline(FLAT)), clone(Pipeline(steps))
        for pipe in (flat, nested):
            inner = pipe.steps[-1][1]
            model = inner if not hasattr(inner, "steps") else inner[-1]
            model.set_fit_request(sample_weight=True)
        for pipe in (flat, nested):
            request_no_weights(pipe)
            pipe.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    np.testing.assert_array_equal(nested.predict_proba(X), flat.predict_proba(X))


def request_no_weights(pipe):
    for _, step in pipe.steps:
        if hasattr(step, "steps"):
            request_no_weights(step)
        elif isinstance(step, (StandardScaler, WeighedMean)):
            step.set_fit_request(sample_weight=False)


def test_fit_resample_of_a_nested_pipeline_tells_its_rows():
    inner = make_pipeline(StandardScaler(), Reversing(), SMOTE(random_state=0))
    X_res, y_res = inner.fit_resample(X, y, sample_weight=WEIGHT, groups=GROUPS)
    source = inner.sample_indices_
    np.testing.assert_array_equal(y_res, y[source])
    np.testing.assert_array_equal(
        X_res[: len(y)], StandardScaler().fit_transform(X)[::-1]
    )
    assert len(inner.sample_weight_) == len(inner.groups_) == len(y_res)


def test_a_nested_sampler_without_row_map_is_refused_before_any_fit():
    mean = WeighedMean()
    pipe = make_pipeline(mean, make_pipeline(StandardScaler(), TheirSMOTE()), Spy())
    with pytest.raises(ValueError, match=r"'pipeline' \(Pipeline\) can't carry"):
        pipe.fit(X, y, sample_weight=WEIGHT)
    assert not hasattr(mean, "mean_")


def test_inner_parameters_are_reached_and_checked():
    inner = Pipeline([("double", Doubling())])
    pipe = Pipeline([("inner", inner), ("spy", Spy())])
    pipe.fit(X, y, inner__double__groups=GROUPS)
    assert inner["double"].groups_ is not None
    with pytest.raises(TypeError, match=r"'double'.*Did you mean 'groups'"):
        pipe.fit(X, y, inner__double__group=GROUPS)


def test_what_can_not_be_nested_is_named():
    theirs = ImblearnPipeline([("s", TheirSMOTE()), ("p", "passthrough")])
    with pytest.raises(TypeError, match=r"'inner'.*must be a skoverfit.pipeline.Pipel"):
        Pipeline([("inner", theirs), ("spy", Spy())]).fit(X, y)
    with pytest.raises(
        TypeError, match="'inner' ends in an estimator that does neither"
    ):
        Pipeline([("inner", make_pipeline(Spy())), ("spy", Spy())]).fit(X, y)
