# SPDX-License-Identifier: BSD-3-Clause
"""Only rows with labels are judged; all else is as in the scorer that is wrapped."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import fbeta_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.semi_supervised import SelfTrainingClassifier

from skoverfit.exceptions import BadInputError
from skoverfit.metrics import labeled_scorer
from skoverfit.representation import PretrainedClassifier, PretrainedRegressor

X, Y = load_breast_cancer(return_X_y=True)
X = X[:, :5]
SOME = np.random.default_rng(0).random(len(Y)) < 0.3
FEW = np.where(SOME, Y, -1)
MODEL = GaussianNB().fit(X, Y)
WEIGHT = np.random.default_rng(1).random(len(Y))


def own_scorer(estimator, X, y):
    return float((estimator.predict(X) == y).sum())


def two_scores(estimator, X, y):
    right = estimator.predict(X) == y
    return {"right": float(right.mean()), "rows": float(len(right))}


SCORERS = {
    "None": None,
    "accuracy": "accuracy",
    "roc_auc": "roc_auc",
    "neg_log_loss": "neg_log_loss",
    "loss": make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba"
    ),
    "fbeta": make_scorer(fbeta_score, beta=2, pos_label=0),
    "callable": own_scorer,
}


@pytest.mark.parametrize("name", SCORERS)
def test_it_is_the_scorer_on_the_rows_with_labels(name):
    scoring = SCORERS[name]
    plain = {"None": MODEL.score.__func__, "callable": own_scorer}.get(name)
    plain = plain or get_scorer(scoring)
    wanted = plain(MODEL, X[SOME], Y[SOME])
    scorer = labeled_scorer(scoring)
    assert scorer(MODEL, X, FEW) == wanted
    assert pickle.loads(pickle.dumps(scorer))(MODEL, X, FEW) == wanted
    # With all labels, and where nothing stands for none, it is the plain scorer.
    assert scorer(MODEL, X, Y) == plain(MODEL, X, Y)
    whole = labeled_scorer(scoring, unlabeled_label=None)
    assert whole(MODEL, X, Y) == plain(MODEL, X, Y)


@pytest.mark.parametrize("name", ["None", "accuracy", "neg_log_loss", "fbeta"])
def test_weights_are_cut_with_the_rows(name):
    scoring = SCORERS[name]
    plain = MODEL.score.__func__ if scoring is None else get_scorer(scoring)
    told = labeled_scorer(scoring)(MODEL, X, FEW, sample_weight=WEIGHT)
    wanted = plain(MODEL, X[SOME], Y[SOME], sample_weight=WEIGHT[SOME])
    assert told == wanted
    assert told != plain(MODEL, X[SOME], Y[SOME])


def test_containers_and_labels_of_every_kind():
    wanted = MODEL.score(X[SOME], Y[SOME])
    names = np.array(["bad", "good"])
    model = GaussianNB().fit(pd.DataFrame(X), names[Y])
    texts = np.where(SOME, names[Y], "none")
    for y in (texts, texts.astype(object), texts.tolist(), pd.Series(texts)):
        scorer = labeled_scorer("accuracy", unlabeled_label="none")
        assert scorer(model, pd.DataFrame(X), y) == wanted
    # Numbers and texts differ, and so do classes and -1 among them.
    mixed = np.where(SOME, names[Y].astype(object), -1)
    assert labeled_scorer("accuracy")(model, pd.DataFrame(X), mixed) == wanted
    scorer = labeled_scorer("accuracy", unlabeled_label=np.nan)
    floats = np.where(SOME, Y, np.nan)
    for y in (floats, pd.Series(floats).astype("Int64"), pl.Series(floats)):
        assert scorer(MODEL, X, y) == wanted
    gaps = np.where(SOME, names[Y].astype(object), None)
    for y in (gaps, pd.Series(gaps), pd.Series(gaps, dtype="string"), pl.Series(gaps)):
        assert scorer(model, pd.DataFrame(X), y) == wanted


@pytest.mark.parametrize("make", [sp.csr_matrix, pd.DataFrame, pl.DataFrame, list])
def test_rows_of_every_kind(make):
    model = SelfTrainingClassifier(LogisticRegression(max_iter=2000))
    scorer = labeled_scorer("roc_auc")
    rows = (X - X.mean(axis=0)) / X.std(axis=0)
    wanted = cross_val_score(model, rows, FEW, scoring=scorer, error_score="raise")
    told = cross_val_score(model, make(rows), FEW, scoring=scorer, error_score="raise")
    np.testing.assert_allclose(told, wanted, rtol=1e-6)
    assert wanted.min() > 0.9


def test_numbers_without_a_target_are_nan():
    rows, y = load_diabetes(return_X_y=True)
    some = np.arange(len(y)) % 3 == 0
    few = np.where(some, y, np.nan)
    scorer = labeled_scorer("neg_mean_squared_error", unlabeled_label=np.nan)
    model = LinearRegression().fit(rows, y)
    wanted = get_scorer("neg_mean_squared_error")(model, rows[some], y[some])
    assert scorer(model, rows, few) == wanted
    # -1 is a number like any other there.
    assert scorer(model, rows, np.where(some, y, -1)) < wanted
    search = GridSearchCV(
        PretrainedRegressor("pca", random_state=0),
        {"n_components": [1, 5]},
        scoring=scorer,
        cv=3,
        error_score="raise",
    ).fit(rows, few)
    assert search.best_params_ == {"n_components": 5}
    assert search.best_estimator_.n_labeled_ == some.sum()


@pytest.mark.parametrize("texts", [False, True])
def test_a_search_over_a_pretrained_classifier(texts):
    rows, y = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[y] if texts else y
    none = "?" if texts else -1
    some = np.arange(150) % 3 == 0
    few = np.where(some, y, none)
    model = PretrainedClassifier("pca", unlabeled_label=none, random_state=0)
    cv = StratifiedKFold(3)
    scorer = labeled_scorer("accuracy", unlabeled_label=none)
    search = GridSearchCV(
        model, {"n_components": [1, 2]}, scoring=scorer, cv=cv, error_score="raise"
    ).fit(rows, few)
    wanted = []
    for train, test in cv.split(rows, few):
        fitted = clone(model).set_params(**search.best_params_)
        fitted.fit(rows[train], few[train])
        own = test[some[test]]
        wanted.append(fitted.score(rows[own], y[own]))
    assert search.best_score_ == pytest.approx(np.mean(wanted))
    assert search.best_score_ > 0.9
    plain = cross_val_score(search.best_estimator_, rows, few, cv=cv)
    assert plain.mean() < 0.4  # two thirds of the rows can't be right


def test_what_stands_in_rows_without_a_label_is_not_read():
    # Poison: such rows are not even given to the estimator that is judged.
    poisoned = np.where(SOME[:, None], X, np.nan)
    assert labeled_scorer("roc_auc")(MODEL, poisoned, FEW) == get_scorer("roc_auc")(
        MODEL, X[SOME], Y[SOME]
    )


def test_a_search_passes_weights_on():
    rows, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).random(150)
    few = np.where(np.arange(150) % 3 == 0, y, -1)
    cv = StratifiedKFold(2)
    model = PretrainedClassifier("pca", n_components=2)
    scorer = labeled_scorer("neg_log_loss")
    with sklearn.config_context(enable_metadata_routing=True):
        asked = labeled_scorer("neg_log_loss").set_score_request(sample_weight=True)
        model.set_fit_request(sample_weight=True)
        told = cross_validate(
            model,
            rows,
            few,
            cv=cv,
            scoring=asked,
            params={"sample_weight": weight},
            error_score="raise",
        )["test_score"]
    for (train, test), score in zip(cv.split(rows, few), told, strict=True):
        fitted = clone(model).fit(rows[train], few[train], sample_weight=weight[train])
        wanted = scorer(fitted, rows[test], few[test], sample_weight=weight[test])
        assert score == pytest.approx(wanted)
        assert score != pytest.approx(scorer(fitted, rows[test], few[test]))


def test_a_search_with_weights_and_two_processes():
    model = PretrainedClassifier("pca", random_state=0)
    search = GridSearchCV(
        model,
        {"n_components": [1, 3]},
        scoring=labeled_scorer("neg_log_loss"),
        error_score="raise",
    )
    one, two = (
        clone(search)
        .set_params(n_jobs=n_jobs)
        .fit(X, FEW, sample_weight=WEIGHT)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one < 0).all()


def test_scorers_keep_what_others_ask_of_them():
    loss = make_scorer(log_loss, greater_is_better=False, response_method="predict")
    scorer = labeled_scorer(loss)
    assert (scorer._sign, scorer._response_method) == (-1, "predict")
    assert scorer._accept_sample_weight()
    assert labeled_scorer(None)._accept_sample_weight()
    assert not labeled_scorer(own_scorer)._accept_sample_weight()
    assert not hasattr(labeled_scorer(own_scorer), "_sign")
    # The request is of this scorer, not of the one that was passed.
    with sklearn.config_context(enable_metadata_routing=True):
        scorer.set_score_request(sample_weight=True)
        assert scorer.get_metadata_routing().score.requests == {"sample_weight": True}
        assert loss.get_metadata_routing().score.requests != {"sample_weight": True}
        with pytest.raises(BadInputError, match="takes no requests for metadata"):
            labeled_scorer(own_scorer).set_score_request(sample_weight=True)


def test_several_scores_at_once():
    few = np.where(SOME, Y, -1)
    found = cross_validate(
        PretrainedClassifier("pca", n_components=2),
        X,
        few,
        cv=StratifiedKFold(3),
        scoring=labeled_scorer(two_scores),
        error_score="raise",
    )
    assert found["test_rows"].sum() == SOME.sum()
    named = cross_validate(
        PretrainedClassifier("pca", n_components=2),
        X,
        few,
        cv=StratifiedKFold(3),
        scoring={"right": labeled_scorer("accuracy"), "auc": labeled_scorer("roc_auc")},
        error_score="raise",
    )
    np.testing.assert_allclose(named["test_right"], found["test_right"])


def test_a_fold_without_labels_says_so():
    scorer = labeled_scorer("accuracy")
    with pytest.raises(BadInputError, match=r"None of these 4 rows has a label.*-1"):
        scorer(MODEL, X[:4], np.full(4, -1))
    first = np.where(np.arange(len(Y)) < 200, Y, -1)
    with pytest.raises(BadInputError, match="use fewer folds, or StratifiedKFold"):
        cross_val_score(
            PretrainedClassifier("pca", n_components=2),
            X,
            first,
            cv=KFold(5),
            scoring=scorer,
            error_score="raise",
        )


@pytest.mark.filterwarnings("ignore:Only one class is present")
@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
def test_one_class_is_refused_where_the_metric_needs_two(scoring):
    ones = np.where(SOME & (Y == 1), 1, -1)
    with pytest.raises(BadInputError, match=r"All \d+ rows with labels .* two classes"):
        labeled_scorer(scoring)(MODEL, X, ones)
    right = MODEL.predict(X[ones == 1]) == 1
    assert labeled_scorer("accuracy")(MODEL, X, ones) == right.mean()
    with pytest.raises(ValueError, match="has 4 features, but GaussianNB"):
        labeled_scorer(scoring)(MODEL, X[:, :4], ones)


def test_bad_input():
    with pytest.raises(ValueError, match="metric function rather than a scorer"):
        labeled_scorer(log_loss)
    with pytest.raises(ValueError, match="'acuracy' is not a valid scoring"):
        labeled_scorer("acuracy")
    scorer = labeled_scorer("accuracy")
    with pytest.raises(BadInputError, match=r"one label a row. Got y of shape \(9, 2"):
        scorer(MODEL, X[:9], np.ones((9, 2)))
    with pytest.raises(ValueError, match="X has 9 rows, but y has 8"):
        scorer(MODEL, X[:9], Y[:8])
    flat = DummyClassifier().fit(X, Y)
    # A mistake of another kind keeps its own words.
    with pytest.raises(ValueError, match=r"[Ii]nconsistent|length|shape"):
        scorer(flat, X, Y, sample_weight=np.ones(3))
