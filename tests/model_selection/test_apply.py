"""A remedy is put around an estimator without touching it, and says what it changed."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.catalogue import REMEDIES, get_remedy
from skoverfit.model_selection._apply import (
    apply_remedy,
    reason_against,
    stronger_settings,
)
from skoverfit.neural_network import TabularMLPClassifier

NET_LOSSES = ["ens_loss", "generalized_cross_entropy", "label_smoothing", "ldam",
              "logit_adjusted", "symmetric_cross_entropy"]  # fmt: skip
ESTIMATORS = [
    LogisticRegression(),
    KNeighborsClassifier(),
    RandomForestClassifier(n_estimators=5),
    HistGradientBoostingClassifier(max_iter=5),
]


@pytest.fixture(scope="module")
def unbalanced():
    return make_classification(
        300, 6, n_informative=4, weights=[0.85], flip_y=0.05, random_state=0
    )


def apply(name, estimator, y, seed=0):
    inner = StratifiedKFold(3).split(np.zeros(len(y)), y)
    return apply_remedy(
        get_remedy(name),
        estimator,
        class_counts=np.bincount(y),
        inner_cv=list(inner),
        random_state=seed,
    )


@pytest.mark.parametrize(
    "remedy",
    [remedy for remedy in REMEDIES if remedy.role != "tool"],
    ids=lambda remedy: remedy.name,
)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_every_remedy_fits_or_says_why_not(remedy, estimator, unbalanced):
    X, y = unbalanced
    before = estimator.get_params()
    if reason := reason_against(remedy, estimator, np.bincount(y)):
        nets = ("mixup", "weight_averaging", "weight_decay", "early_stopping",
                *NET_LOSSES)  # fmt: skip
        if remedy.tasks == ("regression",):
            assert "treats numbers" in reason
        # A net of its own meets its plain twin, another net.
        elif remedy.name in nets or remedy.applies == get_remedy("ens_loss").applies:
            assert "is no net" in reason
        else:
            assert "class_weight" in reason
            assert isinstance(estimator, KNeighborsClassifier)
        return
    applied = apply(remedy.name, estimator, y)
    X_fit, y_fit = X, y
    if remedy.role == "step" and remedy.input == "raw":
        # What is made of raw rows is encoded before the estimator sees it.
        X_fit, y_fit = applied.sampler.fit_resample(X, y)
    model = applied.estimator.fit(X_fit, y_fit)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert estimator.get_params() == before
    assert not hasattr(estimator, "classes_")


@pytest.mark.parametrize("name", NET_LOSSES)
def test_losses_are_remedies_of_a_net(name, unbalanced):
    X, y = unbalanced
    net = TabularMLPClassifier((4,), n_estimators=2, max_epochs=2, device="cpu")
    assert reason_against(get_remedy(name), net, np.bincount(y)) == ""
    even = reason_against(get_remedy(name), net, np.array([5, 5]))
    assert bool(even) is (get_remedy(name).kind == "imbalance")
    other = TabularMLPClassifier(loss="focal")
    assert "another loss" in reason_against(get_remedy(name), other)
    treated = apply(name, net, y).estimator.fit(X, y)
    np.testing.assert_allclose(treated.predict_proba(X).sum(axis=1), 1)
    assert (treated.loss, treated.label_smoothing) != ("cross_entropy", 0.0)
    assert (net.loss, net.label_smoothing) == ("cross_entropy", 0.0)


def plain_net(**parameters):
    return TabularMLPClassifier(
        (4,), n_estimators=1, max_epochs=3, early_stopping=False, weight_decay=0.0,
        device="cpu", random_state=0, **parameters,
    )  # fmt: skip


def test_early_stopping_is_a_remedy_of_a_net_that_has_none(unbalanced):
    X, y = unbalanced
    remedy = get_remedy("early_stopping")
    treated = apply("early_stopping", plain_net(), y).estimator.fit(X, y)
    assert len(treated.best_epochs_) == 1
    assert "stops early already" in reason_against(remedy, TabularMLPClassifier())
    assert "no net" in reason_against(remedy, HistGradientBoostingClassifier())


def test_weight_decay_is_chosen_by_inner_folds(unbalanced):
    X, y = unbalanced
    remedy = get_remedy("weight_decay")
    treated = apply("weight_decay", plain_net(), y).estimator.fit(X, y)
    assert treated.param_grid == {"weight_decay": [0.01, 0.1, 1.0]}
    decay = treated.best_params_["weight_decay"]
    twin = plain_net().set_params(weight_decay=decay).fit(X, y)
    np.testing.assert_allclose(treated.predict_proba(X), twin.predict_proba(X), 1e-5)
    # Only stronger ones; nothing where there is none.
    default = apply("weight_decay", TabularMLPClassifier(), y).estimator
    assert default.param_grid == {"weight_decay": [0.1, 1.0]}
    much = TabularMLPClassifier(weight_decay=1)
    assert "is 1 already" in reason_against(remedy, much)
    assert "no net" in reason_against(remedy, LogisticRegression())


def test_ens_loss_on_a_net_without_held_out_rows_has_probabilities(unbalanced):
    X, y = unbalanced
    treated = apply("ens_loss", plain_net(), y).estimator.fit(X, y)
    margins = treated.calibrated_classifiers_[0].estimator.decision_function(X)
    chance = treated.predict_proba(X)[:, 1]
    # A sigmoid of the margins of a net that was trained on all rows: no order changes.
    order = np.argsort(margins)
    assert (np.diff(chance[order]) >= 0).all() or (np.diff(chance[order]) <= 0).all()


@pytest.mark.parametrize("name", ["mixup", "regularization", "class_weight"])
def test_remedies_that_set_parameters_of_a_net(name, unbalanced):
    X, y = unbalanced
    net = TabularMLPClassifier((4,), n_estimators=2, max_epochs=2, device="cpu")
    assert reason_against(get_remedy(name), net, np.bincount(y)) == ""
    treated = apply(name, net, y).estimator.fit(X, y)
    np.testing.assert_allclose(treated.predict_proba(X).sum(axis=1), 1)
    assert (net.batch_step, net.class_weight, net.weight_decay) == (None, None, 0.01)
    if name == "mixup":
        assert treated.batch_step == "mixup"
    if name == "regularization":
        assert treated.best_params_["weight_decay"] > net.weight_decay
        assert treated.best_params_["dropout"] > net.dropout


def test_nothing_is_the_estimator_itself(unbalanced):
    X, y = unbalanced
    forest = RandomForestClassifier(n_estimators=5, random_state=3)
    ours = apply("nothing", forest, y, seed=3).estimator.fit(X, y)
    np.testing.assert_array_equal(
        ours.predict_proba(X), forest.fit(X, y).predict_proba(X)
    )


def test_thresholds_leave_the_probabilities_alone(unbalanced):
    X, y = unbalanced
    plain = apply("nothing", LogisticRegression(), y).estimator.fit(X, y)
    tuned = apply("threshold", LogisticRegression(), y).estimator.fit(X, y)
    np.testing.assert_allclose(tuned.predict_proba(X), plain.predict_proba(X))
    assert (tuned.predict(X) == 1).sum() > (plain.predict(X) == 1).sum()


def test_samplers_see_the_seed_and_even_the_classes(unbalanced):
    X, y = unbalanced
    model = apply("random_under", LogisticRegression(), y, seed=7).estimator
    assert model.get_params()["sampler__random_state"] == 7
    sampled = model.named_steps["sampler"].fit_resample(X, y)[1]
    assert np.ptp(np.bincount(sampled)) == 0


def peers_smote():
    return dataclasses.replace(
        get_remedy("random_over"), path="imblearn.over_sampling.SMOTE"
    )


def test_a_peers_smote_gets_fewer_neighbours_for_a_tiny_class_and_says_so():
    counts = np.array([40, 4])
    applied = apply_remedy(peers_smote(), LogisticRegression(), class_counts=counts)
    assert applied.estimator.named_steps["sampler"].k_neighbors == 3
    assert "lowered from 5 to 3" in applied.notes[0]


def test_our_smote_lowers_its_neighbours_itself_and_it_is_said():
    y = np.array([0] * 40 + [1] * 4)
    applied = apply("smote", LogisticRegression(), y)
    assert applied.sampler.k_neighbors == 5
    assert "lowered from 5 to 3" in applied.notes[0]
    one = apply_remedy(
        get_remedy("smote"), LogisticRegression(), class_counts=np.array([40, 1])
    )
    assert "has 1 training row" in one.notes[0]


def test_what_needs_two_rows_of_a_class_is_refused_with_one():
    counts = np.array([40, 1])
    for remedy, words in (
        (peers_smote(), "at least 2 rows"),
        (get_remedy("temperature"), "inner folds"),
    ):
        with pytest.raises(ValueError, match=words):
            apply_remedy(remedy, LogisticRegression(), class_counts=counts, inner_cv=[])


def test_a_tool_is_no_remedy():
    tools = [remedy for remedy in REMEDIES if remedy.role == "tool"]
    for tool in tools:
        with pytest.raises(ValueError, match="is a tool"):
            apply_remedy(tool, LogisticRegression(), class_counts=np.array([9, 9]))
    assert tools


def test_even_classes_need_no_resampling():
    counts = np.array([20, 20, 20])
    for name in ("smote", "random_over", "random_under", "class_weight"):
        reason = reason_against(get_remedy(name), LogisticRegression(), counts)
        assert "even" in reason


def test_stronger_is_stronger():
    assert stronger_settings(LogisticRegression(C=0.05)) == [{"C": 0.01}, {"C": 0.001}]
    assert {"C": 0.1} in stronger_settings(LogisticRegression(C=1e6))
    assert stronger_settings(KNeighborsClassifier(30)) == [{"n_neighbors": 45}]
    assert stronger_settings(RandomForestClassifier(min_samples_leaf=10)) == [
        {"min_samples_leaf": 20}
    ]
    assert stronger_settings(GaussianNB()) == []


def test_an_unknown_remedy_is_refused_with_near_names():
    with pytest.raises(ValueError, match=r"no remedy 'smot'. Did you mean 'smote'"):
        get_remedy("smot")


def test_a_classifier_of_its_own_has_the_size_of_the_net_that_it_replaces():
    net = TabularMLPClassifier((7, 5), n_estimators=3, device="cpu", max_epochs=9)
    counts = np.array([20, 20])
    taught = apply_remedy(get_remedy("co_teaching"), net, class_counts=counts)
    assert taught.estimator.hidden_layer_sizes == (7, 5)
    assert taught.estimator.n_estimators == 4  # in pairs
    assert "n_estimators=4" in taught.notes[0]
    narrow = apply_remedy(get_remedy("compressed_mlp"), net, class_counts=counts)
    assert narrow.estimator.n_estimators == 3
    # How it trains is part of the remedy.
    assert narrow.estimator.max_epochs == type(narrow.estimator)().max_epochs
