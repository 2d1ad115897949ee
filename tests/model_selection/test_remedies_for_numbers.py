"""What a remedy search offers a regressor, and that all of it can be given."""

import numpy as np
import pytest
from sklearn.datasets import make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.catalogue import REMEDIES, get_remedies, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection import RemedySearchCV
from skoverfit.model_selection._apply import apply_remedy, reason_against
from skoverfit.model_selection._candidates import list_candidates
from skoverfit.over_sampling import SMOGN
from skoverfit.pipeline import Pipeline

FAST = {"n_bootstrap": 200, "random_state": 0}


def test_a_regressor():
    X, y = make_regression(60, 50, n_informative=3, noise=30.0, random_state=0)
    search = RemedySearchCV(Ridge(alpha=1e-3), cv=5, **FAST).fit(X, y)
    assert "failed" not in search.cv_results_["status"]
    assert search.winner_ == "regularization"
    assert not hasattr(search, "classes_")
    assert not hasattr(search, "predict_proba")
    with pytest.raises(BadInputError, match=r"treats classes.* can be given 'nothing'"):
        RemedySearchCV(Ridge(), ["smote"]).fit(X, y)
    with pytest.raises(BadInputError, match=r"is a tool .* no remedy for numbers"):
        RemedySearchCV(Ridge(), ["pretrained_regressor"]).fit(X, y)


def small_net(kind, **options):
    from skoverfit import neural_network

    settings = {"n_estimators": 1, "max_epochs": 3, "device": "cpu", "random_state": 0}
    net = getattr(neural_network, f"TabularMLP{kind}")
    return net((4,), **{"early_stopping": False, **settings, **options})


@pytest.mark.parametrize("make", [Ridge, lambda: small_net("Regressor")])
def test_a_regressor_is_offered_what_the_catalogue_has_for_numbers(make):
    model = make_pipeline(StandardScaler(), make())
    kept, left_out = list_candidates("auto", model, None, max_candidates=40)
    numbers = [r for r in REMEDIES if "regression" in r.tasks and r.role != "tool"]
    applies = {r.name for r in numbers if not reason_against(r, model[-1])}
    benched = {r.name for r in numbers if r.in_bench}
    assert {c.name for c in kept} == benched & applies
    assert {name for name, _ in left_out} == benched - applies
    assert all("net" in reason for _, reason in left_out)
    named, _ = list_candidates(
        [r.name for r in numbers], model, None, max_candidates=40
    )
    assert {c.name for c in named} == applies
    assert all(c.remedy is get_remedy(c.name) for c in [*kept, *named])
    classes = next(r for r in REMEDIES if r.tasks == ("classification",))
    with pytest.raises(BadInputError) as refused:
        list_candidates([classes.name], model, None, max_candidates=40)
    offered = str(refused.value).partition("can be given ")[2]
    assert {name.strip("'. ") for name in offered.split(",")} == applies


def test_what_a_ridge_and_a_net_are_offered():
    ridge, _ = list_candidates("auto", Ridge(), None, max_candidates=40)
    assert [c.name for c in ridge] == [
        "nothing", "smogn", "cleaned_regressor", "regularization"
    ]  # fmt: skip
    net, _ = list_candidates("auto", small_net("Regressor"), None, max_candidates=40)
    assert {c.name for c in net} - {c.name for c in ridge} == {
        "mixup", "weight_decay", "weight_averaging", "early_stopping"
    }  # fmt: skip


def test_a_classifier_is_offered_what_the_catalogue_has_for_classes():
    classes = {r.name for r in get_remedies() if "classification" in r.tasks}
    for model in (LogisticRegression(), small_net("Classifier")):
        kept, left_out = list_candidates(
            "auto", model, np.array([30, 10]), max_candidates=40
        )
        assert {c.name for c in kept} | {name for name, _ in left_out} == classes
        assert not {c.name for c in kept} & {"smogn", "cleaned_regressor"}


def test_a_net_that_predicts_numbers_is_given_all_that_applies():
    X, y = make_regression(60, 4, noise=5.0, random_state=0)
    search = RemedySearchCV(
        small_net("Regressor"), cv=2, alpha=1.0, n_bootstrap=20, random_state=0
    ).fit(X, np.exp(y / 100))
    assert set(search.cv_results_["status"]) == {"finished"}
    assert np.isfinite(search.cv_results_["score"]).all()
    assert len(search.cv_results_["name"]) == 8


@pytest.mark.parametrize("strategy", ["fold_racing", "sample_halving"])
def test_without_rare_values_their_remedy_is_left_out(strategy):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(270, 2))
    y = rng.uniform(size=270)
    search = RemedySearchCV(
        Ridge(), ["smogn", "regularization"], cv=3, strategy=strategy, **FAST
    ).fit(X, y)
    result = dict(
        zip(search.cv_results_["name"], search.cv_results_["status"], strict=True)
    )
    assert result["smogn"] == "left out"
    assert "left out, since no value of the training rows is rare" in str(
        search.report_
    )
    # In the plain estimator itself it is an error.
    plain = Pipeline([("more", SMOGN()), ("model", Ridge())])
    with pytest.raises(BadInputError, match="no rare value"):
        RemedySearchCV(plain, [], cv=3, **FAST).fit(X, y)


def test_weight_decay_of_numbers_is_chosen_by_the_squared_error():
    X, y = make_regression(60, 4, noise=5.0, random_state=0)
    treated = apply_remedy(
        get_remedy("weight_decay"),
        small_net("Regressor", weight_decay=0.0, max_epochs=20),
        class_counts=np.array([60]),
        inner_cv=2,
    ).estimator.fit(X, y)
    scores = treated.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert (scores < 0).all()
    best = treated.cv_results_["params"][int(np.argmax(scores))]
    assert treated.best_params_ == best
