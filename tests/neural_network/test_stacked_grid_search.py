"""A stacked search is scikit-learn's search, with the same numbers."""

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from skoverfit.neural_network import (
    StackedGridSearchCV,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

SMALL = {
    "hidden_layer_sizes": (6, 5),
    "dtype": "float64",
    "max_epochs": 4,
    "n_estimators": 2,
    "linear_start": False,
    "random_state": 0,
    "learning_rate": 1e-2,
}
NET = TabularMLPClassifier(**SMALL)
RATES = {"learning_rate": [1e-3, 1e-1]}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 5))
    y = np.where(X[:, 0] * X[:, 1] + 0.3 * rng.standard_normal(120) > 0, "yes", "no")
    return X, y


def assert_same_search(found, expected, X):
    """Everything but the times is what scikit-learn found."""
    assert list(found.cv_results_) == list(expected.cv_results_)
    for name, values in expected.cv_results_.items():
        if name.endswith("_time"):
            continue
        if name.startswith(("param", "rank")):
            assert list(found.cv_results_[name]) == list(values), name
        else:
            np.testing.assert_allclose(
                found.cv_results_[name], values, rtol=0, atol=1e-9, err_msg=name
            )
    for name in ("best_index_", "best_params_", "n_splits_", "multimetric_"):
        assert getattr(found, name) == getattr(expected, name), name
    if expected.refit:
        gap = np.abs(found.predict_proba(X) - expected.predict_proba(X)).max()
        assert gap < 1e-9
        np.testing.assert_array_equal(found.classes_, expected.classes_)
        assert found.n_features_in_ == expected.n_features_in_


def both(estimator, grid, X, y, *, fit=None, **parameters):
    fit = {} if fit is None else fit
    found = StackedGridSearchCV(estimator, grid, **parameters).fit(X, y, **fit)
    return found, GridSearchCV(estimator, grid, **parameters).fit(X, y, **fit)


def sizes(search):
    return [len(group) for group in search.groups_]


@pytest.mark.parametrize("train", [False, True])
def test_equals_grid_search(train, table):
    grid = {**RATES, "weight_decay": [0.0, 0.3], "dropout": [0.0, 0.2]}
    found, expected = both(NET, grid, *table, cv=3, return_train_score=train)
    assert sizes(found) == [12, 12]
    assert_same_search(found, expected, table[0])
    assert found.score(*table) == expected.score(*table)


def test_several_metrics_weights_and_shuffled_splits(table):
    X, y = table
    weight = np.random.default_rng(2).integers(0, 3, len(y)).astype(float)
    found, expected = both(
        NET, RATES, X, y, fit={"sample_weight": weight},
        scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss",
        cv=ShuffleSplit(3, random_state=1), return_train_score=True,
    )  # fmt: skip
    assert sum(sizes(found)) == 6
    assert_same_search(found, expected, X)


def test_splits_without_a_seed_are_drawn_once(table):
    search = StackedGridSearchCV(NET, RATES, cv=KFold(3, shuffle=True), refit=False)
    search.fit(*table)
    assert sizes(search) == [6]
    scores = search.cv_results_
    assert (scores["mean_fit_time"] > 1e-3).all()


def test_splits_from_a_generator(table):
    splits = list(KFold(3).split(table[0]))
    found = StackedGridSearchCV(NET, RATES, cv=iter(splits)).fit(*table)
    expected = GridSearchCV(NET, RATES, cv=splits).fit(*table)
    assert sizes(found) == [6]
    assert_same_search(found, expected, table[0])


def test_groups_and_a_callable_score_and_refit(table):
    X, y = table
    groups = np.arange(len(y)) % 7

    def score(estimator, X, y):
        logs = estimator.predict_log_proba(X)
        return {"accuracy": np.mean(estimator.predict(X) == y), "mean": logs.mean()}

    def choose(results):
        return int(np.argmin(results["mean_test_mean"]))

    found, expected = both(
        NET, RATES, X, y, fit={"groups": groups}, cv=GroupKFold(3), scoring=score,
        refit=choose,
    )  # fmt: skip
    assert sum(sizes(found)) == 6
    assert_same_search(found, expected, X)


def test_a_list_of_grids_and_no_refit(table):
    grid = [RATES, {"hidden_layer_sizes": [(3,)], "random_state": [1, 2]}]
    found, expected = both(NET, grid, *table, cv=3, refit=False)
    assert sizes(found) == [6, 6]
    assert_same_search(found, expected, table[0])
    assert not hasattr(found, "best_estimator_")


def test_regressor(table):
    X = table[0]
    net = TabularMLPRegressor(**SMALL)
    found, expected = both(net, RATES, X, X[:, 0] ** 2, cv=3, refit=False)
    assert sizes(found) == [6]
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
        atol=1e-9,
    )


def test_pipelines_share_a_stack_for_each_shape(table):
    model = Pipeline([("scale", StandardScaler()), ("k", SelectKBest()), ("net", NET)])
    grid = {"k__k": [2, 3], "net__learning_rate": [1e-3, 1e-2]}
    found, expected = both(model, grid, *table, cv=3)
    assert found.groups_ == [
        [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)],
        [(2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2)],
    ]
    assert_same_search(found, expected, table[0])


def test_a_step_may_be_searched(table):
    model = Pipeline([("scale", StandardScaler()), ("net", NET)])
    grid = {"net": [NET, LogisticRegression(), clone(NET).set_params(n_estimators=1)]}
    found, expected = both(model, grid, *table, cv=3)
    assert sizes(found) == [6]
    assert_same_search_but_estimators(found, expected)


def assert_same_search_but_estimators(found, expected):
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
        atol=1e-9,
    )
    assert found.best_index_ == expected.best_index_


def test_another_estimator_is_searched_as_always(table):
    grid = {"C": [0.1, 1.0]}
    found, expected = both(LogisticRegression(), grid, *table, cv=3)
    assert found.groups_ == []
    assert_same_search(found, expected, table[0])


def test_stacks_are_bounded(table):
    search = StackedGridSearchCV(NET, RATES, cv=3, max_nets=4, refit=False).fit(*table)
    assert sizes(search) == [2, 2, 2]


def test_a_search_in_a_search_and_in_a_cross_validation(table, monkeypatch):
    from skoverfit.neural_network import _stacked_grid_search

    trained, real = [], _stacked_grid_search.fit_plan

    def watched(plan, *args):
        trained.append(len(plan.requests))
        return real(plan, *args)

    monkeypatch.setattr(_stacked_grid_search, "fit_plan", watched)
    inner = StackedGridSearchCV(NET, RATES, cv=2)
    outer = {"estimator__weight_decay": [0.0, 0.5]}
    found = StackedGridSearchCV(inner, outer, cv=2).fit(*table)
    assert sorted(trained) == [0, 4, 4, 4, 4, 4]  # none twice
    expected = GridSearchCV(GridSearchCV(NET, RATES, cv=2), outer, cv=2).fit(*table)
    assert_same_search_but_estimators(found, expected)
    scores = cross_val_score(inner, *table, cv=2)
    expected = cross_val_score(GridSearchCV(NET, RATES, cv=2), *table, cv=2)
    np.testing.assert_allclose(scores, expected)


def test_metadata_routing(table):
    X, y = table
    weight = np.random.default_rng(2).integers(1, 3, len(y)).astype(float)
    with config_context(enable_metadata_routing=True):
        net = clone(NET).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        fit = {"sample_weight": weight, "groups": np.arange(len(y)) % 5}
        found, expected = both(net, RATES, X, y, fit=fit, cv=GroupKFold(3))
    assert sum(sizes(found)) == 6
    assert_same_search(found, expected, X)


def test_callbacks_of_scikit_learn(table, capsys):
    callback = pytest.importorskip("sklearn.callback", exc_type=ImportError)
    search = StackedGridSearchCV(NET, RATES, cv=2)
    search.set_callbacks(callback.ProgressBar())
    search.fit(*table)
    assert sizes(search) == [4]


def test_a_meta_estimator_that_trains_several_nets(table):
    model = CalibratedClassifierCV(NET, cv=2)
    grid = {"estimator__learning_rate": [1e-3, 1e-2]}
    found, expected = both(model, grid, *table, cv=2)
    assert_same_search(found, expected, table[0])


def test_processes_share_the_stacks(table):
    search = StackedGridSearchCV(NET, RATES, cv=3, n_jobs=2, refit=False).fit(*table)
    alone = StackedGridSearchCV(NET, RATES, cv=3, refit=False).fit(*table)
    assert sizes(search) == [3, 3]
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"],
        alone.cv_results_["mean_test_score"],
        atol=1e-9,
    )


def test_ctrl_c_ends_the_search(table, monkeypatch):
    from skoverfit.neural_network import _stack_fits

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_stack_fits, "train_stack", interrupted)
    with pytest.raises(KeyboardInterrupt):
        StackedGridSearchCV(NET, RATES, cv=3).fit(*table)


# --- failures


EXPLODES = {"optimizer": ["sgd"], "learning_rate": [1e-3, 1e9]}


def test_a_candidate_that_explodes_gets_the_error_score(table):
    X, net = table[0], TabularMLPRegressor(**SMALL)
    fit = {"cv": 3, "error_score": -9.0, "refit": False}
    with pytest.warns(FitFailedWarning, match="3 fits failed out of a total of 6"):
        found = StackedGridSearchCV(net, EXPLODES, **fit).fit(X, X[:, 0])
    with pytest.warns(FitFailedWarning, match="TrainingError"):
        expected = GridSearchCV(net, EXPLODES, **fit).fit(X, X[:, 0])
    assert sizes(found) == [6]
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"],
        expected.cv_results_["mean_test_score"],
        atol=1e-9,
    )
    assert found.cv_results_["mean_test_score"][1] == -9.0


def test_a_wrong_parameter_gets_the_error_score(table):
    grid = {"dropout": [0.1, 7.0]}
    with (
        pytest.warns(FitFailedWarning, match="'dropout' parameter"),
        pytest.warns(UserWarning, match="scores are non-finite"),
    ):
        found = StackedGridSearchCV(NET, grid, cv=3).fit(*table)
    assert sizes(found) == [3]
    assert np.isnan(found.cv_results_["mean_test_score"][1])


def test_errors_may_be_raised(table):
    search = StackedGridSearchCV(NET, {"dropout": [7.0]}, error_score="raise")
    with pytest.raises(ValueError, match="'dropout' parameter"):
        search.fit(*table)
    assert not hasattr(search, "cv_results_")


def test_bad_input_is_named(table):
    with pytest.raises(ValueError, match="'max_nets' parameter of StackedGridSearchCV"):
        StackedGridSearchCV(NET, RATES, max_nets=0).fit(*table)
    with pytest.raises(ValueError, match="Invalid parameter 'rate'"):
        StackedGridSearchCV(NET, {"rate": [1]}).fit(*table)
    with pytest.raises(NotFittedError, match="not fitted"):
        StackedGridSearchCV(NET, RATES).predict(table[0])


def test_nothing_of_the_search_is_left_behind(table):
    search = StackedGridSearchCV(NET, RATES, cv=3).fit(*table)
    assert not {"_asked", "_seconds", "_workers"} & set(vars(search))
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(table[0]), search.predict(table[0]))
    assert clone(search).get_params() is not None


# --- scikit-learn's checks


def checked(cls):
    # Without a held-out part, since the checks have folds of five rows.
    net = cls((8,), n_estimators=1, max_epochs=2, early_stopping=False, random_state=0)
    grid = {"learning_rate": [1e-2, 1e-3]}
    return StackedGridSearchCV(net, grid, cv=2, error_score="raise")


# What GridSearchCV itself fails with such a net: StratifiedKFold refuses objects as
# labels, in words of its own. The last one skips itself unless an environment variable
# was set before scipy was imported, and the search itself touches no array.
NOT_ASKED = {"check_dtype_object", "check_array_api_input"}


def checks_of(cls):
    for estimator, check in estimator_checks_generator(checked(cls)):
        name = check.func.__name__
        if name not in NOT_ASKED:
            yield pytest.param(estimator, check, id=f"{cls.__name__}-{name}")


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [*checks_of(TabularMLPClassifier), *checks_of(TabularMLPRegressor)],
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)
