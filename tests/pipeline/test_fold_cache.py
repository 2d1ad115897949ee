"""Resampled folds that candidates share: equal results, fewer fits, nothing shared."""

import threading
from unittest import mock

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE as TheirSMOTE, BorderlineSMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import (
    Pipeline,
    clear_fold_cache,
    make_pipeline,
    set_fold_cache_limit,
)
from skoverfit.pipeline._fold_cache import DEFAULT_LIMIT, fold_cache_info
from tests.pipeline._parts import Doubling, Spy, rows

X, y, WEIGHT, GROUPS = rows()


@pytest.fixture(autouse=True)
def empty_cache():
    clear_fold_cache()
    yield
    set_fold_cache_limit(DEFAULT_LIMIT)
    clear_fold_cache()


@pytest.fixture
def fits():
    """Count the resamplings of a sampler of imbalanced-learn."""
    with mock.patch.object(
        TheirSMOTE, "_fit_resample", autospec=True, side_effect=TheirSMOTE._fit_resample
    ) as spied:
        yield spied


@pytest.mark.parametrize(
    "sampler",
    [
        TheirSMOTE(random_state=0),
        BorderlineSMOTE(random_state=0),
        SMOTE(random_state=0),
    ],
)
def test_a_search_has_equal_scores_and_resamples_each_fold_once(sampler):
    scores = []
    for cache in ("auto", None):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), sampler, LogisticRegression(), cache=cache),
            {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]},
            cv=StratifiedKFold(3),
        ).fit(X, y)
        scores.append(search.cv_results_)
    for name in ("mean_test_score", "split0_test_score", "std_test_score"):
        np.testing.assert_array_equal(scores[0][name], scores[1][name])
    info = fold_cache_info()
    assert info.entries == 4  # three folds and the last fit
    assert info.hits == 9


def test_the_sampler_is_called_once_a_fold(fits):
    search = GridSearchCV(
        make_pipeline(TheirSMOTE(random_state=0), LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0, 10.0], "smote__k_neighbors": [3, 5]},
        cv=3,
        refit=False,
    )
    search.fit(X, y)
    assert fits.call_count == 2 * 3


def fitted(pipe, X=X, y=y, **given):
    return clone(pipe).fit(X, y, **given)


def test_a_hit_restores_steps_rows_and_weights():
    pipe = make_pipeline(StandardScaler(), SMOTE(random_state=0), Spy())
    first = fitted(pipe, sample_weight=WEIGHT, groups=GROUPS)
    second = clone(pipe)
    sampler = second["smote"]
    second.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    assert fold_cache_info().hits == 1
    assert second["smote"] is sampler  # the object that was given is the fitted one
    for one, other in (
        (first["spy"].X_, second["spy"].X_),
        (first["spy"].y_, second["spy"].y_),
        (first["spy"].weight_, second["spy"].weight_),
        (first["spy"].groups_, second["spy"].groups_),
        (first["standardscaler"].mean_, second["standardscaler"].mean_),
        (first["smote"].parents_, second["smote"].parents_),
        (first.sample_indices_, second.sample_indices_),
    ):
        np.testing.assert_array_equal(one, other)
    assert first["smote"].get_params() == second["smote"].get_params()


def test_nothing_can_be_changed_through_what_was_handed_out():
    class Spoiling(Spy):
        def fit(self, X, y, sample_weight=None):
            super().fit(X.copy(), y.copy(), sample_weight)
            X[:] = 0
            y[:] = 0
            return self

    pipe = make_pipeline(StandardScaler(), SMOTE(random_state=0), Spoiling())
    first, second = fitted(pipe), fitted(pipe)
    first["smote"].sampling_strategy_.clear()
    first["standardscaler"].mean_[:] = 99
    third = fitted(pipe)
    assert fold_cache_info().hits == 2
    for again in (second, third):
        np.testing.assert_array_equal(again["spoiling"].X_, first["spoiling"].X_)
        assert again["smote"].sampling_strategy_
        assert abs(again["standardscaler"].mean_).max() < 1


CHANGES = {
    "a row": {"X": X + np.eye(*X.shape)},
    "a label": {"y": np.where(np.arange(len(y)) == 0, 1 - y, y)},
    "dtype": {"X": X.astype(np.float32)},
    "weights": {"sample_weight": WEIGHT},
    "groups": {"groups": GROUPS},
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_content_is_another_fold(change):
    pipe = make_pipeline(SMOTE(random_state=0), Spy())
    fitted(pipe)
    fitted(pipe, **CHANGES[change])
    assert fold_cache_info().hits == 0


@pytest.mark.parametrize(
    "changed",
    [{"smote__random_state": 1}, {"smote__k_neighbors": 3}, {"standardscaler": None}],
)
def test_another_step_before_is_another_fold(changed):
    pipe = make_pipeline(StandardScaler(), SMOTE(random_state=0), Spy())
    fitted(pipe)
    fitted(clone(pipe).set_params(**changed))
    assert fold_cache_info().hits == 0


@pytest.mark.parametrize(
    "steps",
    [
        [SMOTE()],
        [SMOTE(random_state=np.random.RandomState(0))],
        [RandomUnderSampler()],
        [Doubling()],  # a class that we know nothing about
        [FunctionTransformer(lambda X: X), SMOTE(random_state=0)],
        [FunctionTransformer(np.random.permutation), SMOTE(random_state=0)],
        [StandardScaler()],  # nothing is resampled
    ],
)
def test_what_is_not_known_to_be_deterministic_is_not_kept(steps):
    make_pipeline(*steps, Spy()).fit(X, y)
    assert fold_cache_info().entries == 0


def test_a_random_step_behind_the_sampler_is_fitted_each_time():
    pipe = make_pipeline(SMOTE(random_state=0), FunctionTransformer(_noise), Spy())
    first, second = fitted(pipe), fitted(pipe)
    assert fold_cache_info().hits == 1
    assert not np.array_equal(first["spy"].X_, second["spy"].X_)


def _noise(X):
    return X + np.random.default_rng().normal(size=X.shape)


def test_two_samplers_of_one_seed_differ_only_downstream():
    pipe = make_pipeline(
        SMOTE(random_state=0), RandomUnderSampler(random_state=0), Spy()
    )
    fitted(pipe)
    other = fitted(clone(pipe).set_params(randomundersampler__random_state=1))
    assert fold_cache_info().hits == 1  # the first sampler's rows
    expected = fitted(
        clone(pipe).set_params(randomundersampler__random_state=1, cache=None)
    )
    np.testing.assert_array_equal(other["spy"].X_, expected["spy"].X_)


def test_nested_pipelines_are_restored():
    inner = Pipeline([("scale", StandardScaler()), ("smote", SMOTE(random_state=0))])
    pipe = Pipeline([("inner", inner), ("model", LogisticRegression())])
    first, second = fitted(pipe), fitted(pipe)
    assert fold_cache_info().hits >= 1
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_frames_are_kept_as_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(SMOTE(random_state=0), Spy())
    first, second = fitted(pipe, X=frame), fitted(pipe, X=frame)
    assert fold_cache_info().hits == 1
    pandas.testing.assert_frame_equal(first["spy"].X_, second["spy"].X_)


def test_the_bound_holds_and_zero_keeps_nothing():
    pipe = make_pipeline(SMOTE(random_state=0), Spy())
    set_fold_cache_limit(30_000)
    for seed in range(6):
        fitted(clone(pipe).set_params(smote__random_state=seed))
        assert fold_cache_info().n_bytes <= 30_000
    assert fold_cache_info().entries > 0
    set_fold_cache_limit(0)
    fitted(pipe)
    assert fold_cache_info().entries == 0


@pytest.mark.parametrize("bad", [-1, 1.5, "1", True])
def test_a_bound_is_a_number_of_bytes(bad):
    with pytest.raises(ValueError, match="'max_bytes' parameter"):
        set_fold_cache_limit(bad)


def test_threads_share_it():
    pipe = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    expected = fitted(pipe).predict_proba(X)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(fitted(pipe).predict_proba(X)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


def test_what_does_not_pickle_is_fitted_all_the_same():
    pipe = make_pipeline(SMOTE(random_state=0), Locked())
    for _ in range(2):
        assert fitted(pipe, locked__lock=threading.Lock())["locked"].lock_ is not None
    assert fold_cache_info().entries == 0


class Locked(Spy):
    def fit(self, X, y, lock=None):
        self.lock_ = lock
        return super().fit(X, y)
