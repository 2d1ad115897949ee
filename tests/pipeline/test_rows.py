"""Weights and groups on their way through samplers."""

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import SMOTE as TheirSMOTE, RandomOverSampler
from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import Pipeline, make_pipeline
from tests.pipeline._parts import Doubling, NoWeights, Reversing, Spy, WeighedMean, rows

X, y, WEIGHT, GROUPS = rows()


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# --- without metadata routing ---------------------------------------------------------


def test_what_the_sampler_made_of_the_weights_reaches_the_estimator():
    pipe = make_pipeline(StandardScaler(), SMOTE(random_state=0), Spy())
    pipe.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    sampler, spy = pipe["smote"], pipe["spy"]
    assert len(spy.weight_) == len(spy.y_) > len(y)
    np.testing.assert_array_equal(spy.weight_, sampler.sample_weight_)
    np.testing.assert_array_equal(spy.groups_, sampler.groups_)
    np.testing.assert_array_equal(spy.weight_[: len(y)], WEIGHT)
    made_of = y[sampler.sample_indices_[len(y) :]]
    expected = [WEIGHT[y == label].mean() for label in made_of]
    np.testing.assert_allclose(spy.weight_[len(y) :], expected)
    np.testing.assert_array_equal(pipe.sample_weight_, spy.weight_)
    np.testing.assert_array_equal(pipe.groups_, spy.groups_)
    np.testing.assert_array_equal(pipe.sample_indices_, sampler.sample_indices_)


@pytest.mark.parametrize(
    "sampler",
    [
        RandomUnderSampler(random_state=0),
        RandomOverSampler(random_state=0),
        EditedNearestNeighbours(),
        Reversing(),
    ],
)
def test_a_row_map_is_followed(sampler):
    pipe = make_pipeline(sampler, Spy()).fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    source = pipe[0].sample_indices_
    np.testing.assert_array_equal(pipe["spy"].X_, X[source])
    np.testing.assert_array_equal(pipe["spy"].weight_, WEIGHT[source])
    np.testing.assert_array_equal(pipe["spy"].groups_, GROUPS[source])


def test_two_samplers_of_both_kinds_compose():
    pipe = make_pipeline(Reversing(), Doubling(), Reversing(), Spy())
    pipe.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    turned = WEIGHT[::-1]
    expected = np.concatenate([turned, turned / 2])[::-1]
    np.testing.assert_array_equal(pipe["spy"].weight_, expected)
    turned = GROUPS[::-1]
    np.testing.assert_array_equal(
        pipe["spy"].groups_, np.concatenate([turned, turned + 100])[::-1]
    )
    assert not hasattr(pipe, "sample_indices_")  # Doubling has no row map


@pytest.mark.parametrize("kind", [list, tuple, "pandas", "polars"])
def test_weights_of_any_container(kind):
    if isinstance(kind, str):
        frames = pytest.importorskip(kind)
        weight = frames.Series(WEIGHT.tolist())
    else:
        weight = kind(WEIGHT.tolist())
    pipe = make_pipeline(Reversing(), Spy())
    if kind is tuple:
        weight = np.asarray(weight)
    pipe.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(np.asarray(pipe["spy"].weight_), WEIGHT[::-1])


def test_a_pandas_index_of_weights_is_a_label_and_not_a_position():
    pandas = pytest.importorskip("pandas")
    shuffled = np.random.default_rng(1).permutation(len(y))
    weight = pandas.Series(WEIGHT, index=shuffled)
    pipe = make_pipeline(Reversing(), Spy()).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(np.asarray(pipe["spy"].weight_), WEIGHT[::-1])


@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_a_sampler_that_can_carry_nothing_is_refused_before_any_fit(name):
    scaler = WeighedMean()
    pipe = make_pipeline(scaler, TheirSMOTE(), Spy())
    with pytest.raises(ValueError, match=rf"'smote' \(SMOTE\) can't carry.*'{name}'"):
        pipe.fit(X, y, **{name: WEIGHT})
    assert not hasattr(scaler, "mean_")


def test_weights_that_nobody_would_use_are_refused():
    with pytest.raises(
        ValueError, match=r"'noweights' \(NoWeights\) takes no sample_w"
    ):
        make_pipeline(SMOTE(), NoWeights()).fit(X, y, sample_weight=WEIGHT)
    with pytest.raises(ValueError, match=r"'passthrough' .*takes no sample_weight"):
        Pipeline([("a", SMOTE()), ("passthrough", "passthrough")]).fit(
            X, y, sample_weight=WEIGHT
        )
    with pytest.raises(ValueError, match="No step of the pipeline takes 'groups'"):
        make_pipeline(StandardScaler(), NoWeights()).fit(X, y, groups=GROUPS)


def test_groups_alone_do_not_ask_anything_of_the_estimator():
    pipe = make_pipeline(SMOTE(random_state=0), NoWeights()).fit(X, y, groups=GROUPS)
    assert pipe["smote"].groups_ is not None


def test_a_wrong_number_of_weights_is_refused():
    with pytest.raises(ValueError, match=r"sample_weight has 119 entries, but .* 120"):
        make_pipeline(Reversing(), Spy()).fit(X, y, sample_weight=WEIGHT[:-1])
    with pytest.raises(ValueError, match="groups has 119 entries"):
        make_pipeline(Reversing(), Spy()).fit(X, y, groups=GROUPS[:-1])


def test_a_step_parameter_is_realigned_as_well():
    pipe = make_pipeline(Reversing(), Spy()).fit(X, y, spy__sample_weight=WEIGHT)
    np.testing.assert_array_equal(pipe["spy"].weight_, WEIGHT[::-1])


def test_sampler_that_breaks_the_protocol_is_named():
    class Short(Doubling):
        def fit_resample(self, X, y, *, sample_weight=None, groups=None):
            out = super().fit_resample(X, y, sample_weight=sample_weight)
            self.sample_weight_ = self.sample_weight_[:-1]
            return out

    with pytest.raises(
        ValueError, match="'short' made 240 rows, but its sample_weight"
    ):
        make_pipeline(Short(), Spy()).fit(X, y, sample_weight=WEIGHT)


def test_integer_weights_are_repetition_where_the_sampler_draws_no_rows():
    """Turning the table round and doubling it treats equal rows alike."""
    counts = np.random.default_rng(0).integers(0, 4, len(y))
    weighed = make_pipeline(Reversing(), Doubling(), LogisticRegression(tol=1e-10))
    repeated = clone(weighed)
    weighed.fit(X, y, sample_weight=counts)
    repeated.fit(
        np.repeat(X, counts, axis=0),
        np.repeat(y, counts),
        sample_weight=np.ones(counts.sum()),
    )
    np.testing.assert_allclose(
        weighed.predict_proba(X), repeated.predict_proba(X), atol=1e-5
    )


def test_scaling_all_weights_changes_nothing_behind_smote():
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    pipe = make_pipeline(SMOTE(random_state=0), model)
    first = pipe.fit(X, y, sample_weight=WEIGHT).predict_proba(X)
    second = pipe.fit(X, y, sample_weight=4 * WEIGHT).predict_proba(X)
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_the_input_is_not_changed():
    weight, groups = WEIGHT.copy(), GROUPS.copy()
    make_pipeline(SMOTE(random_state=0), Spy()).fit(
        X, y, sample_weight=weight, groups=groups
    )
    np.testing.assert_array_equal(weight, WEIGHT)
    np.testing.assert_array_equal(groups, GROUPS)


# --- ensembles that look at the signature ---------------------------------------------


def test_the_signature_tells_whether_weights_can_be_used():
    assert has_fit_parameter(make_pipeline(SMOTE(), Spy()), "sample_weight")
    assert not has_fit_parameter(make_pipeline(SMOTE(), NoWeights()), "sample_weight")


def test_adaboost_gives_its_weights_to_the_estimator_behind_the_sampler():
    booster = AdaBoostClassifier(
        make_pipeline(SMOTE(random_state=0), LogisticRegression()),
        n_estimators=3,
        random_state=0,
    ).fit(X, y)
    seen = [pipe.sample_weight_ for pipe in booster.estimators_]
    assert len(seen) > 1
    assert not np.allclose(seen[0], seen[1])


def test_bagging_an_estimator_without_weights_draws_rows():
    pipe = make_pipeline(RandomUnderSampler(random_state=0), KNeighborsClassifier())
    bag = BaggingClassifier(pipe, n_estimators=3, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.5


# --- misspelt parameters --------------------------------------------------------------


@pytest.mark.parametrize("sampler", [SMOTE(), TheirSMOTE()])
def test_a_misspelt_parameter_of_a_sampler_is_an_error(sampler):
    pipe = Pipeline([("smote", sampler), ("spy", Spy())])
    with pytest.raises(TypeError, match=r"'smote' .SMOTE. got an unexpected .*'foo'"):
        pipe.fit(X, y, smote__foo=1)


def test_the_nearest_parameter_and_step_are_offered():
    pipe = make_pipeline(SMOTE(), Spy())
    with pytest.raises(TypeError, match=r"Did you mean 'sample_weight'"):
        pipe.fit(X, y, spy__sample_wieght=WEIGHT)
    with pytest.raises(TypeError, match=r"'smote'.*Did you mean 'groups'"):
        pipe.fit(X, y, smote__group=GROUPS)
    with pytest.raises(ValueError, match=r"'smot__groups' names no step.*'smote'"):
        pipe.fit(X, y, smot__groups=GROUPS)
    with pytest.raises(
        ValueError, match=r"does not accept the sample_weights.*'sample_"
    ):
        pipe.fit(X, y, sample_weights=WEIGHT)


def test_a_transformer_takes_what_its_fit_takes():
    pipe = make_pipeline(WeighedMean(), Reversing(), Spy())
    pipe.fit(X, y, weighedmean__sample_weight=WEIGHT)
    np.testing.assert_array_equal(pipe[0].weight_, WEIGHT)
    with pytest.raises(TypeError, match=r"'weighedmean'.*Did you mean 'sample_weight'"):
        pipe.fit(X, y, weighedmean__sampleweight=WEIGHT)


# --- with metadata routing ------------------------------------------------------------


def test_routed_weights_are_realigned_after_each_sampler(routing):
    scaler = WeighedMean().set_fit_request(sample_weight=True)
    behind = clone(scaler)
    spy = Spy().set_fit_request(sample_weight=True, groups=True)
    pipe = Pipeline(
        [
            ("scaler", scaler),
            ("smote", SMOTE(random_state=0)),
            ("behind", behind),
            ("turn", Reversing()),
            ("spy", spy),
        ]
    ).fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    made = pipe["smote"].sample_weight_
    np.testing.assert_array_equal(pipe["scaler"].weight_, WEIGHT)
    np.testing.assert_array_equal(pipe["behind"].weight_, made)
    np.testing.assert_array_equal(pipe["spy"].weight_, made[::-1])
    np.testing.assert_array_equal(pipe["spy"].groups_, pipe["smote"].groups_[::-1])


def test_another_name_is_realigned_too(routing):
    spy = Spy().set_fit_request(sample_weight="w", groups=False)
    sampler = SMOTE(random_state=0).set_fit_resample_request(sample_weight="w")
    pipe = make_pipeline(sampler, spy).fit(X, y, w=WEIGHT)
    np.testing.assert_array_equal(pipe["spy"].weight_, pipe[0].sample_weight_)
    # A name that the sampler does not know follows the row map.
    pipe = make_pipeline(SMOTE(random_state=0), spy).fit(X, y, w=WEIGHT)
    assert pipe[0].sample_weight_ is None
    np.testing.assert_array_equal(pipe["spy"].weight_, WEIGHT[pipe[0].sample_indices_])


def test_two_arrays_of_weights_keep_apart(routing):
    spy = Spy().set_fit_request(sample_weight="w", groups=False)
    pipe = make_pipeline(SMOTE(random_state=0), spy)
    pipe.fit(X, y, sample_weight=WEIGHT, w=WEIGHT**2)
    source = pipe[0].sample_indices_
    np.testing.assert_array_equal(pipe["spy"].weight_, WEIGHT[source] ** 2)
    assert pipe[0].sample_weight_ is not None


def test_a_sampler_that_does_not_ask_still_maps(routing):
    sampler = SMOTE(random_state=0).set_fit_resample_request(sample_weight=False)
    spy = Spy().set_fit_request(sample_weight=True)
    pipe = make_pipeline(sampler, spy).fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(pipe["spy"].weight_, WEIGHT[pipe[0].sample_indices_])


def test_routing_refuses_a_sampler_that_can_carry_nothing(routing):
    spy = Spy().set_fit_request(sample_weight="w")
    with pytest.raises(ValueError, match=r"'smote' \(SMOTE\) can't carry"):
        make_pipeline(TheirSMOTE(), spy).fit(X, y, w=WEIGHT)


def test_routing_still_wants_requests_of_others(routing):
    with pytest.raises(ValueError, match="are not explicitly set as requested"):
        make_pipeline(SMOTE(), Spy()).fit(X, y, sample_weight=WEIGHT)


def test_score_takes_weights(routing):
    model = LogisticRegression().set_fit_request(sample_weight=True)
    model.set_score_request(sample_weight=True)
    pipe = make_pipeline(SMOTE(random_state=0), model)
    pipe.fit(X, y, sample_weight=WEIGHT)
    right = pipe.predict(X) == y
    assert pipe.score(X, y, sample_weight=WEIGHT) == pytest.approx(
        np.average(right, weights=WEIGHT)
    )


@pytest.mark.parametrize("position", [0, 1, 2])
def test_transform_input_works_with_a_sampler_anywhere(routing, position):
    class Validating(Spy):
        def fit(self, X, y, X_val=None):
            self.X_val_ = X_val
            return super().fit(X, y)

    steps = [("scaler", StandardScaler()), ("mean", WeighedMean())]
    steps.insert(position, ("smote", SMOTE(random_state=0)))
    final = Validating().set_fit_request(X_val=True)
    pipe = Pipeline([*steps, ("final", final)], transform_input=["X_val"])
    # As many rows as X has: it must not be taken for row-aligned.
    X_val = X[::-1].copy()
    pipe.fit(X, y, X_val=X_val)
    np.testing.assert_allclose(pipe["final"].X_val_, pipe[:-1].transform(X_val))


def test_transform_input_needs_routing():
    pipe = Pipeline([("a", SMOTE()), ("b", Spy())], transform_input=["X_val"])
    with pytest.raises(ValueError, match="can only be set if metadata routing"):
        pipe.fit(X, y)


def test_without_a_sampler_all_is_as_in_scikit_learn(routing):
    steps = [
        ("scaler", WeighedMean().set_fit_request(sample_weight=True)),
        ("model", LogisticRegression().set_fit_request(sample_weight=True)),
    ]
    ours = Pipeline(clone(SklearnPipeline(steps)).steps)
    theirs = SklearnPipeline(steps)
    for pipe in (ours, theirs):
        pipe.fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert "sample_weight" in str(ours.get_metadata_routing())
