"""The pipeline as scikit-learn's and imbalanced-learn's users know it."""

import pickle

import numpy as np
import pytest
import sklearn
from imblearn import FunctionSampler
from imblearn.over_sampling import SMOTE as TheirSMOTE
from imblearn.pipeline import Pipeline as ImblearnPipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import Pipeline, make_pipeline
from tests.pipeline._parts import Reversing, Spy, rows

X, y, WEIGHT, GROUPS = rows()


def steps():
    return [
        ("scaler", StandardScaler()),
        ("smote", TheirSMOTE(random_state=0)),
        ("pca", PCA(2, random_state=0)),
        ("model", LogisticRegression()),
    ]


def test_same_as_imbalanced_learn():
    ours, theirs = Pipeline(steps()).fit(X, y), ImblearnPipeline(steps()).fit(X, y)
    for method in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ):
        np.testing.assert_array_equal(
            getattr(ours, method)(X), getattr(theirs, method)(X)
        )
    assert ours.score(X, y) == theirs.score(X, y)
    assert ours.score(X, y, sample_weight=WEIGHT) == theirs.score(
        X, y, sample_weight=WEIGHT
    )
    assert ours.n_features_in_ == theirs.n_features_in_
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert isinstance(ours, ImblearnPipeline)
    assert is_classifier(ours)


def test_same_as_scikit_learn_without_a_sampler():
    parts = [
        ("scaler", StandardScaler()),
        ("pca", PCA(2)),
        ("model", KMeans(2, random_state=0)),
    ]
    ours, theirs = Pipeline(parts), SklearnPipeline(clone(Pipeline(parts)).steps)
    np.testing.assert_array_equal(ours.fit_predict(X), theirs.fit_predict(X))
    np.testing.assert_array_equal(ours.fit_transform(X), theirs.fit_transform(X))
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    scale = Pipeline(parts[:1]).fit(X)
    np.testing.assert_allclose(scale.inverse_transform(scale.transform(X)), X)


@pytest.mark.parametrize("nothing", [None, "passthrough"])
def test_a_last_step_that_does_nothing_returns_rows_and_labels(nothing):
    pipe = Pipeline([("smote", SMOTE(random_state=0)), ("last", nothing)])
    X_res, y_res = pipe.fit_resample(X, y)
    expected = SMOTE(random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(X_res, expected[0])
    np.testing.assert_array_equal(y_res, expected[1])
    np.testing.assert_array_equal(pipe.fit_transform(X, y), X_res)
    np.testing.assert_array_equal(pipe.fit(X, y).transform(X), X)


@pytest.mark.parametrize("nothing", [None, "passthrough"])
def test_replaced_steps(nothing):
    pipe = Pipeline(steps())
    assert pipe.get_params()["cache"] == "auto"
    pipe.set_params(smote=nothing, pca=nothing)
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    np.testing.assert_array_equal(
        pipe.fit(X, y).predict_proba(X), plain.fit(X, y).predict_proba(X)
    )
    pipe.set_params(model=nothing).fit(X, y)
    np.testing.assert_array_equal(pipe.transform(X), pipe["scaler"].transform(X))


def test_fit_transform_resamples_and_a_last_transformer_sees_the_new_labels():
    class Counting(BaseEstimator):  # only fit and transform
        def fit(self, X, y):
            self.seen_ = len(X), len(y)
            return self

        def transform(self, X):
            return X

    pipe = make_pipeline(SMOTE(random_state=0), Counting())
    made = pipe.fit_transform(X, y)
    assert pipe[-1].seen_ == (len(made), len(made))
    assert len(made) > len(X)
    X_res, y_res = pipe.fit_resample(X, y)
    assert len(X_res) == len(y_res) == len(made)


def test_samplers_are_refused_a_place_only_where_they_do_both():
    class Both(Reversing):
        def transform(self, X):
            return X

    with pytest.raises(TypeError, match="implements both"):
        make_pipeline(Both(), Spy()).fit(X, y)
    with pytest.raises(TypeError, match="All intermediate steps"):
        make_pipeline(Spy(), Spy()).fit(X, y)
    with pytest.raises(ValueError, match="The pipeline is empty"):
        Pipeline([]).fit(X, y)
    with pytest.raises(ValueError, match="'cache' parameter of Pipeline"):
        Pipeline([("spy", Spy())], cache=3).fit(X, y)


def test_slices_share_steps_and_settings():
    pipe = Pipeline(steps(), cache=None, verbose=False).fit(X, y)
    part = pipe[:-1]
    assert type(part) is Pipeline
    assert part.cache is None
    assert part["scaler"] is pipe["scaler"]
    np.testing.assert_array_equal(
        part.transform(X), pipe["pca"].transform(pipe["scaler"].transform(X))
    )


def test_frames_names_and_set_output():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), SMOTE(random_state=0), Spy())
    pipe.set_output(transform="pandas").fit(frame, y)
    assert list(pipe["spy"].X_.columns) == list("abcd")
    assert list(pipe.feature_names_in_) == list("abcd")
    assert list(pipe[:-1].get_feature_names_out()) == list("abcd")
    assert list(pipe[:-1].transform(frame).columns) == list("abcd")


def test_fitted_or_not():
    pipe = Pipeline(steps())
    with pytest.raises(NotFittedError, match="not fitted"):
        check_is_fitted(pipe)
    check_is_fitted(pipe.fit(X, y))
    check_is_fitted(Pipeline([("a", None), ("b", "passthrough")]))
    # Nothing is left of a stateless sampler, and the transformer is what counts.
    scaled = make_pipeline(StandardScaler(), FunctionSampler()).fit(X, y)
    scaled[0].fit(X)
    check_is_fitted(scaled)


def test_html_and_text():
    pipe = Pipeline(steps())
    assert "smote" in pipe._repr_html_()
    assert repr(make_pipeline(Spy())) == "Pipeline(steps=[('spy', Spy())])"


def test_pickle_and_clone():
    pipe = make_pipeline(SMOTE(random_state=0), LogisticRegression(), cache=None)
    pipe.fit(X, y, sample_weight=WEIGHT)
    loaded = pickle.loads(pickle.dumps(pipe))
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))
    assert clone(pipe).cache is None


def test_memory_on_disk_gives_the_same(tmp_path):
    plain = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    kept = clone(plain).set_params(memory=str(tmp_path))
    plain.fit(X, y, sample_weight=WEIGHT)
    for _ in range(2):
        kept.fit(X, y, sample_weight=WEIGHT)
        np.testing.assert_array_equal(kept.predict_proba(X), plain.predict_proba(X))
        np.testing.assert_array_equal(kept.sample_weight_, plain.sample_weight_)


def test_predictions_take_no_weights():
    pipe = make_pipeline(
        FunctionTransformer(), RandomUnderSampler(random_state=0), LogisticRegression()
    ).fit(X, y)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        pipe.predict(X, sample_weight=WEIGHT)


# --- callbacks of scikit-learn 1.9 ----------------------------------------------------


class Recorder:
    """Writes down the events of a fit."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context, **_):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, **_):
        self.events.append(("end", context.task_name))
        return False

    def teardown(self, estimator, context):
        self.events.append("teardown")


needs_callbacks = pytest.mark.skipif(
    not hasattr(SklearnPipeline, "set_callbacks"), reason="scikit-learn before 1.9"
)


@needs_callbacks
@pytest.mark.parametrize("method", ["fit", "fit_transform", "fit_predict"])
@pytest.mark.parametrize("middle", [PCA(2), "passthrough"])
def test_callbacks_see_the_same_events_as_in_scikit_learn(method, middle):
    last = KMeans(2, n_init=1, random_state=0)
    parts = [("a", StandardScaler()), ("b", middle), ("c", last)]
    seen = []
    for cls in (Pipeline, SklearnPipeline):
        recorder = Recorder()
        pipe = cls(parts).set_callbacks(recorder)
        getattr(pipe, method)(X)
        seen.append(recorder.events)
    assert seen[0] == seen[1]
    assert len(seen[0]) > 4


@needs_callbacks
def test_callbacks_see_samplers_and_are_never_short_cut_by_the_cache():
    events = []
    for _ in range(2):
        recorder = Recorder()
        pipe = make_pipeline(SMOTE(random_state=0), Spy()).set_callbacks(recorder)
        pipe.fit(X, y)
        events.append(recorder.events)
    assert events[0] == events[1]
    assert ("begin", "fit-transform-smote") in events[0]
    assert events[0][0] == "setup"
    assert events[0][-1] == "teardown"


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error():
    recorder = Recorder()
    pipe = make_pipeline(SMOTE(), Spy()).set_callbacks(recorder)
    with pytest.raises(ValueError, match="inconsistent"):
        pipe.fit(X, y[:-1])
    assert recorder.events[-1] == "teardown"


def test_routing_is_shown():
    with sklearn.config_context(enable_metadata_routing=True):
        routing = make_pipeline(SMOTE(), Spy()).get_metadata_routing()
        assert routing.consumes("fit", ["sample_weight", "groups", "x"]) == {
            "sample_weight",
            "groups",
        }
