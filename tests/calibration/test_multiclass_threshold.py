# SPDX-License-Identifier: BSD-3-Clause
"""The estimator: decisions improve, probabilities stay, contracts hold."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    make_scorer,
    matthews_corrcoef,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_classifiers_train

from skoverfit.calibration import MulticlassTunedThresholdClassifierCV

Tuned = MulticlassTunedThresholdClassifierCV


def gaussians(n, shares, seed, *, distance=1.5):
    """Unit Gaussians at the corners of a simplex, classes drawn with these shares."""
    rng = np.random.default_rng(seed)
    k = len(shares)
    y = rng.choice(k, size=n, p=shares)
    y[: 12 * k] = np.repeat(np.arange(k), 12)
    return distance * np.eye(k)[y] + rng.normal(size=(n, k)), y


SHARES = [0.9, 0.07, 0.03]


@pytest.fixture
def imbalanced():
    return gaussians(400, SHARES, 0)


@pytest.mark.parametrize("seed", range(6))
def test_held_out_balanced_accuracy_rises_on_imbalanced_gaussians(seed):
    X, y = gaussians(1500, SHARES, seed)
    X_test, y_test = gaussians(4000, [1 / 3] * 3, 100 + seed)
    model = Tuned(LogisticRegression(), random_state=0).fit(X, y)
    plain = model.estimator_.predict(X_test)
    gain = balanced_accuracy_score(y_test, model.predict(X_test))
    gain -= balanced_accuracy_score(y_test, plain)
    assert gain > 0.1
    assert model.class_weights_.argmin() == 0


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        KNeighborsClassifier(7),
        DecisionTreeClassifier(max_depth=3),
    ],
)
def test_binary_is_the_optimum_of_all_cuts_and_not_below_scikit_learn(estimator):
    X, y = gaussians(300, [0.85, 0.15], 3)
    cv = StratifiedKFold(4)
    model = Tuned(estimator, cv=cv).fit(X, y)
    p = cross_val_predict(estimator, X, y, cv=cv, method="predict_proba")[:, 1]
    cuts = np.unique(p)
    cuts = np.concatenate([[-1.0], (cuts[1:] + cuts[:-1]) / 2, [2.0]])
    best = max(balanced_accuracy_score(y, p > cut) for cut in cuts)
    assert model.best_score_ == pytest.approx(best)
    assert balanced_accuracy_score(y, p > model.best_threshold_) == pytest.approx(best)
    theirs = TunedThresholdClassifierCV(estimator, cv=cv).fit(X, y).best_threshold_
    assert best >= balanced_accuracy_score(y, p >= theirs) - 1e-12


@pytest.mark.parametrize("scoring", ["balanced_accuracy", "f1_macro", "accuracy"])
@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), RandomForestClassifier(10, random_state=0)]
)
def test_never_below_the_plain_argmax(imbalanced, estimator, scoring):
    X, y = imbalanced
    cv = StratifiedKFold(3)
    model = Tuned(estimator, scoring=scoring, cv=cv).fit(X, y)
    plain = cross_val_predict(estimator, X, y, cv=cv)
    scorer = {
        "balanced_accuracy": balanced_accuracy_score,
        "f1_macro": lambda t, p: f1_score(t, p, average="macro"),
        "accuracy": lambda t, p: np.mean(t == p),
    }[scoring]
    assert model.best_score_ >= scorer(y, plain)


def test_own_scorers_are_maximised(imbalanced):
    X, y = imbalanced
    cv = StratifiedKFold(3)
    scorer = make_scorer(matthews_corrcoef)
    model = Tuned(LogisticRegression(), scoring=scorer, cv=cv).fit(X, y)
    p = cross_val_predict(LogisticRegression(), X, y, cv=cv, method="predict_proba")
    reached = matthews_corrcoef(y, (p * model.class_weights_).argmax(axis=1))
    assert model.best_score_ == pytest.approx(reached)
    assert reached >= matthews_corrcoef(y, p.argmax(axis=1))
    loss = make_scorer(
        lambda t, p: 1 - balanced_accuracy_score(t, p), greater_is_better=False
    )
    assert Tuned(LogisticRegression(), scoring=loss, cv=cv).fit(X, y).best_score_ <= 0


def test_probabilities_stay_and_decisions_follow_the_weights(imbalanced):
    X, y = imbalanced
    model = Tuned(LogisticRegression(), random_state=0).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    assert np.array_equal(model.predict_proba(X), plain.predict_proba(X))
    assert np.array_equal(model.predict_log_proba(X), plain.predict_log_proba(X))
    weighted = model.predict_proba(X) * model.class_weights_
    assert np.array_equal(model.predict(X), weighted.argmax(axis=1))
    assert model.decision_function(X) == pytest.approx(np.log(weighted))
    assert model.class_weights_.mean() == pytest.approx(1.0)
    assert not hasattr(model, "best_threshold_")


def test_binary_decision_function_and_threshold_agree():
    X, y = gaussians(300, [0.85, 0.15], 1)
    model = Tuned(LogisticRegression(), random_state=0).fit(X, y)
    decided = model.predict(X)
    assert np.array_equal(decided, model.decision_function(X) > 0)
    over = model.predict_proba(X)[:, 1] > model.best_threshold_
    assert np.array_equal(decided, over)


def test_refit_on_fewer_classes_forgets_the_old_attributes(imbalanced):
    X, y = imbalanced
    model = Tuned(LogisticRegression(), random_state=0).fit(pd.DataFrame(X[y < 2]),
                                                            y[y < 2])  # fmt: skip
    assert 0 < model.best_threshold_ < 1
    model.fit(X, y)
    assert not hasattr(model, "best_threshold_")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_names_of_classes_do_not_matter(n_classes):
    X, y = gaussians(300, [0.8, 0.12, 0.08][:n_classes] / np.sum(
        [0.8, 0.12, 0.08][:n_classes]), 2)  # fmt: skip
    splits = list(StratifiedKFold(3).split(X, y))
    model = Tuned(KNeighborsClassifier(15), cv=splits).fit(X, y)
    names = np.array(["zebra", "ant", "bee"])[:n_classes]  # another sorted order
    named = Tuned(KNeighborsClassifier(15), cv=splits).fit(X, names[y])
    assert named.best_score_ == pytest.approx(model.best_score_)
    weight = dict(zip(named.classes_, named.class_weights_, strict=True))
    assert [weight[name] for name in names] == pytest.approx(model.class_weights_)
    assert np.array_equal(named.predict(X), names[model.predict(X)])


def test_order_of_rows_does_not_matter(imbalanced):
    X, y = imbalanced
    fold = np.arange(len(y)) % 3
    order = np.random.default_rng(0).permutation(len(y))

    def fitted(rows):
        splits = [
            (np.flatnonzero(fold[rows] != f), np.flatnonzero(fold[rows] == f))
            for f in range(3)
        ]
        tree = DecisionTreeClassifier(max_depth=4, max_features=None, random_state=0)
        return Tuned(tree, cv=splits).fit(X[rows], y[rows])

    one, other = fitted(np.arange(len(y))), fitted(order)
    assert one.best_score_ == pytest.approx(other.best_score_)
    assert one.class_weights_ == pytest.approx(other.class_weights_)


def test_pipelines_with_samplers_resample_training_folds_only(imbalanced):
    X, y = imbalanced
    pipeline = make_pipeline(
        StandardScaler(), SMOTE(random_state=0), LogisticRegression()
    )
    cv = StratifiedKFold(3)
    model = Tuned(pipeline, cv=cv).fit(X, y)
    p = cross_val_predict(pipeline, X, y, cv=cv, method="predict_proba")
    reached = (p * model.class_weights_).argmax(axis=1)
    assert model.best_score_ == pytest.approx(balanced_accuracy_score(y, reached))


def test_real_input_of_many_kinds(imbalanced):
    X, y = imbalanced
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.iloc[::7, 0] = np.nan
    labels = pd.Series(np.array(["ham", "spam", "egg"])[y])
    gbm = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    for target in (labels, labels.astype("category"), labels.tolist()):
        model = Tuned(gbm, cv=2, random_state=0).fit(frame, target)
        assert list(model.classes_) == ["egg", "ham", "spam"]
        assert list(model.feature_names_in_) == ["a", "b", "c"]
        assert set(model.predict(frame)) <= {"egg", "ham", "spam"}
    dense = Tuned(LogisticRegression(), cv=2, random_state=0).fit(X, y == 0)
    sparse = Tuned(LogisticRegression(), cv=2, random_state=0).fit(csr_array(X), y == 0)
    assert sparse.best_score_ == pytest.approx(dense.best_score_)
    assert dense.classes_.dtype == bool
    small = Tuned(LogisticRegression(), cv=2, random_state=0)
    assert small.fit(X.astype(np.float32), y.astype(np.int8)).n_features_in_ == 3


def test_same_seed_same_answer_whatever_the_kind_of_seed(imbalanced):
    X, y = imbalanced

    def weights(seed, **more):
        return (
            Tuned(LogisticRegression(), cv=3, random_state=seed, **more)
            .fit(X, y)
            .class_weights_
        )

    assert np.array_equal(weights(5), weights(5, n_jobs=2))
    assert np.array_equal(
        weights(np.random.default_rng(5)), weights(np.random.default_rng(5))
    )
    assert not np.array_equal(weights(5), weights(6))
    assert np.isfinite(weights(None)).all()


def test_every_kind_of_cv(imbalanced):
    X, y = imbalanced
    lr = LogisticRegression()
    for cv in (None, 2, 0.3, RepeatedStratifiedKFold(n_splits=2, n_repeats=2),
               list(StratifiedKFold(2).split(X, y))):  # fmt: skip
        assert Tuned(lr, cv=cv, random_state=0).fit(X, y).best_score_ > 0.6
    mask = np.arange(len(y)) % 2 == 0
    masked = Tuned(lr, cv=[(mask, ~mask)]).fit(X, y)
    by_rows = Tuned(lr, cv=[(np.flatnonzero(mask), np.flatnonzero(~mask))]).fit(X, y)
    assert np.array_equal(masked.class_weights_, by_rows.class_weights_)

    half = Tuned(lr, cv=[(mask, ~mask)], refit=False).fit(X, y)
    expected = clone(lr).fit(X[mask], y[mask]).predict_proba(X)
    assert np.array_equal(half.predict_proba(X), expected)

    fitted = clone(lr).fit(X[mask], y[mask])
    prefit = Tuned(fitted, cv="prefit", refit=False).fit(X[~mask], y[~mask])
    assert prefit.estimator_ is fitted
    assert prefit.class_weights_ == pytest.approx(half.class_weights_)


def test_cv_none_takes_as_many_folds_as_the_rarest_class_allows():
    X, y = gaussians(120, [0.5, 0.5], 0)
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:3]])
    model = Tuned(LogisticRegression(), random_state=0).fit(X[rows], y[rows])
    assert model.best_score_ >= 0.5
    with pytest.raises(ValueError, match=r"cv=5 needs at least 5 rows.*class 1 has 3"):
        Tuned(LogisticRegression(), cv=5).fit(X[rows], y[rows])
    with pytest.raises(ValueError, match=r"at least 2 rows of every class.*1 has 1"):
        Tuned(LogisticRegression()).fit(X[rows[:-2]], y[rows[:-2]])


def test_weights_count_like_repeated_rows(imbalanced):
    X, y = imbalanced
    fold = np.arange(len(y)) % 2
    w = np.random.default_rng(0).integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), w)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)

    def splits(f):
        return [(np.flatnonzero(f != k), np.flatnonzero(f == k)) for k in (0, 1)]

    weighted = Tuned(tree, cv=splits(fold)).fit(X, y, sample_weight=w)
    repeated = Tuned(tree, cv=splits(fold[rows])).fit(X[rows], y[rows])
    assert weighted.best_score_ == pytest.approx(repeated.best_score_)
    assert weighted.class_weights_ == pytest.approx(repeated.class_weights_)


def test_routing_brings_groups_and_weights_to_who_asks(imbalanced):
    X, y = imbalanced
    groups = np.arange(len(y)) % 4
    w = np.where(y == 0, 1.0, 3.0)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(balanced_accuracy_score).set_score_request(
            sample_weight=True
        )
        lr = LogisticRegression().set_fit_request(sample_weight=False)
        model = Tuned(lr, scoring=scorer, cv=GroupKFold(4))
        model.fit(X, y, groups=groups, sample_weight=w)
        plain = LogisticRegression().fit(X, y)
        assert np.array_equal(model.predict_proba(X), plain.predict_proba(X))

        heavy = LogisticRegression().set_fit_request(sample_weight=True)
        model = Tuned(heavy, cv=GroupKFold(4), scoring=make_scorer(
            balanced_accuracy_score).set_score_request(sample_weight=False)
        ).fit(X, y, groups=groups, sample_weight=w)  # fmt: skip
        plain = LogisticRegression().fit(X, y, sample_weight=w)
        assert np.array_equal(model.predict_proba(X), plain.predict_proba(X))

        search = GridSearchCV(Tuned(heavy, cv=2, random_state=0),
                              {"estimator__C": [0.1, 1.0]}, cv=2)  # fmt: skip
        with pytest.raises(ValueError, match="sample_weight"):
            search.fit(X, y, sample_weight=w)  # the scorers did not say
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        Tuned(lr, cv=GroupKFold(4)).fit(X, y, groups=groups)


def test_it_can_be_searched_over(imbalanced):
    X, y = imbalanced
    search = GridSearchCV(
        Tuned(LogisticRegression(), cv=2, random_state=0),
        {"scoring": ["balanced_accuracy", "accuracy"]},
        cv=2,
        scoring="balanced_accuracy",
    ).fit(X, y)
    assert search.best_params_["scoring"] == "balanced_accuracy"


class Reweighted(MulticlassTunedThresholdClassifierCV):
    """With probabilities that follow the decision, as the check wants them."""

    def predict_proba(self, X):
        z = super().predict_proba(X) * self.class_weights_
        return z / z.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X):
        return np.log(self.predict_proba(X))


def test_all_of_check_classifiers_train_but_its_argmax_of_probabilities():
    model = Reweighted(LogisticRegression(), cv=2, random_state=0)
    check_classifiers_train("Reweighted", model)


class Broken(ClassifierMixin, BaseEstimator):
    """Returns what it is told as probabilities."""

    def __init__(self, value=np.nan):
        self.value = value

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), self.value)


@pytest.mark.parametrize("value", [np.nan, -1.0, 0.0, np.inf])
def test_broken_probabilities_are_refused(imbalanced, value):
    with pytest.raises(ValueError, match=r"Broken.predict_proba must return finite"):
        Tuned(Broken(value)).fit(*imbalanced)


def test_errors_name_the_cause_and_leave_nothing_behind(imbalanced):
    X, y = imbalanced
    lr = LogisticRegression()
    cases = [
        (Tuned(lr, scoring="roc_auc_ovr"), y, r"'scoring'.*'roc_auc_ovr'.*judges"),
        (Tuned(lr, scoring=lambda e, X, y: 1.0), y, r"'scoring'.*not such a scorer"),
        (Tuned(lr), np.zeros(len(y)), r"at least 2 classes.*got 1 class\."),
        (Tuned(lr), y + 0.5, "Unknown label type"),
        (Tuned(lr, cv=3, refit=False), y, "refit=False needs a single split.*gives 3"),
        (Tuned(lr, cv="prefit"), y, "needs refit=False"),
        (Tuned(lr, cv="prefit", refit=False), y, "needs a fitted 'estimator'"),
        (Tuned(lr, cv=[(np.flatnonzero(y < 2), np.flatnonzero(y == 2))]), y,
         "training fold of cv has no row of class 2"),
        (Tuned(lr, cv=1.5), y, r"The 'cv' parameter"),
        (Tuned(lr, max_iter=0), y, r"The 'max_iter' parameter"),
    ]  # fmt: skip
    for model, target, message in cases:
        with pytest.raises((ValueError, NotFittedError), match=message):
            model.fit(X, target)
        assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(ValueError, match="has the class 2, which"):
        Tuned(clone(lr).fit(X[y < 2], y[y < 2]), cv="prefit", refit=False).fit(X, y)
    with pytest.raises(ValueError, match=r"KNeighborsClassifier.fit has no parameter"):
        Tuned(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(len(y)))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Tuned(lr).predict(X)


def test_a_failed_fit_keeps_the_earlier_one(imbalanced):
    X, y = imbalanced
    model = Tuned(LogisticRegression(), random_state=0).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), y)
    assert np.array_equal(model.predict(X), before)


def test_degenerate_but_legal_input():
    X, y = gaussians(60, [0.8, 0.2], 0)
    constant = Tuned(DummyClassifier(), random_state=0).fit(X, y)
    assert constant.best_score_ == pytest.approx(0.5, abs=0.2)
    assert len(set(constant.predict(X))) == 1
    one = Tuned(LogisticRegression(), cv=LeaveOneOut()).fit(X[:40], y[:40])
    assert one.best_score_ > 0.6
    partial = ShuffleSplit(2, test_size=0.3, random_state=0)
    assert Tuned(LogisticRegression(), cv=partial).fit(X, y).best_score_ > 0.6
