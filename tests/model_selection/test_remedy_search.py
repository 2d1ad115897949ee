"""The remedy search: limits, invariances, luck, time, resuming, kinds of tables."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import skoverfit
from skoverfit.catalogue import Remedy
from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.model_selection import RemedySearchCV, _racing, _search_cells
from skoverfit.model_selection._bootstrap_selection import one_se_rule
from skoverfit.model_selection._candidates import build_candidate, list_candidates

FAST = {"n_bootstrap": 200, "random_state": 0}
CHEAP = ["class_weight", "prior_threshold", "random_over"]
CALLS = []


def own(name, function, cost=1.0, kind="regularization", **parameters):
    """Return a row of a catalogue for a function ``estimator -> estimator``."""
    path = function if "." in function else f"{__name__}.{function}"
    return Remedy(
        name=name,
        title=name,
        path=path,
        kind=kind,
        role="configure",
        parameters=parameters,
        cost=cost,
    )


def fail(estimator):
    raise RuntimeError("no such cure")


def counted(estimator):
    CALLS.append(1)
    return clone(estimator)


def weaker(estimator):
    return clone(estimator).set_params(C=1e-6)


def stronger(estimator, **parameters):
    return clone(estimator).set_params(**parameters)


def same(k):
    return [own(f"same{i}", "sklearn.base.clone") for i in range(k)]


def rare(n=300, seed=0, share=0.85, **options):
    return make_classification(n, weights=[share], random_state=seed, **options)


def over_confident(n=200, seed=0):
    return make_classification(
        n, 40, n_informative=3, n_redundant=37, class_sep=0.5, random_state=seed
    )


# --- limits -----


def test_alone_nothing_has_the_score_of_its_cross_validation():
    X, y = rare()
    model = LogisticRegression()
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    search = RemedySearchCV(model, [], cv=folds, scoring="accuracy", **FAST).fit(X, y)
    held_out = cross_val_predict(model, X, y, cv=folds)
    assert search.cv_score_naive_ == pytest.approx(np.mean(held_out == y))
    assert search.cv_score_corrected_ == pytest.approx(np.mean(held_out == y), abs=0.01)
    assert (search.gain_, search.luck_, search.best_remedy_) == (0, 0, "nothing")
    for rows, predictions in search.oof_predictions_["nothing"]:
        np.testing.assert_array_equal(predictions["predict"], held_out[rows])


def test_identical_candidates_are_not_dropped_and_gain_exactly_nothing():
    X, y = rare()
    for scoring in ("balanced_accuracy", "neg_log_loss", "roc_auc"):
        search = RemedySearchCV(
            LogisticRegression(), same(4), scoring=scoring, alpha=0.5, **FAST
        ).fit(X, y)
        assert search.dropped_at_fold_ == {}
        assert (search.gain_, *search.gain_interval_, search.luck_) == (0, 0, 0, 0)
        assert search.best_remedy_ == search.winner_ == "nothing"
        assert len(set(search.cv_results_["score"])) == 1


def test_the_order_of_the_remedies_does_not_matter():
    X, y = rare()
    remedies = [*CHEAP, "temperature", "random_under"]
    for strategy in ("fold_racing", "sample_halving"):
        # A score that has no ties; of equals the first is taken.
        options = {"strategy": strategy, "scoring": "neg_log_loss", **FAST}
        one = RemedySearchCV(LogisticRegression(), remedies, **options).fit(X, y)
        two = RemedySearchCV(LogisticRegression(), remedies[::-1], **options).fit(X, y)
        assert one.best_remedy_ == two.best_remedy_
        assert one.cv_score_corrected_ == pytest.approx(two.cv_score_corrected_)
        assert one.gain_interval_ == pytest.approx(two.gain_interval_)
        assert one.dropped_at_fold_ == two.dropped_at_fold_


def test_racing_that_drops_nobody_is_the_exhaustive_search():
    X, y = rare()
    race, whole = (
        RemedySearchCV(LogisticRegression(), CHEAP, strategy=s, alpha=1.0, **FAST)
        for s in ("fold_racing", "exhaustive")
    )
    race.fit(X, y)
    whole.fit(X, y)
    for name in ("name", "score", "difference", "selection_share", "status"):
        assert race.cv_results_[name] == whole.cv_results_[name]
    assert race.corrected_interval_ == whole.corrected_interval_


def test_racing_drops_what_is_hopeless_and_never_nothing():
    X, y = make_classification(300, class_sep=2.0, random_state=0)
    remedies = [own("weaker", "weaker"), *same(1)]
    model = LogisticRegression()
    search = RemedySearchCV(model, remedies, scoring="neg_log_loss", **FAST).fit(X, y)
    assert search.dropped_at_fold_ == {"weaker": 2}
    # The other way round it is "nothing" that is hopeless, and it stays.
    search = RemedySearchCV(
        LogisticRegression(C=1e-6),
        [own("C", "stronger", C=1.0)],
        scoring="neg_log_loss",
        **FAST,
    ).fit(X, y)
    assert (search.best_remedy_, search.dropped_at_fold_) == ("C", {})
    assert search.gain_interval_[0] > 0.1
    assert search.p_better_ > 0.99


# --- luck -----


def test_where_there_is_no_signal_the_lead_is_luck():
    remedies = [own(f"k{k}", "stronger", n_neighbors=k) for k in range(3, 27, 3)]
    naive, corrected, kept = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((60, 30)), np.tile([0, 1], 30)
        search = RemedySearchCV(
            KNeighborsClassifier(1),
            remedies,
            strategy="exhaustive",
            cv=3,
            n_bootstrap=200,
            random_state=seed,
        ).fit(X, y)
        naive.append(search.cv_score_naive_)
        corrected.append(search.cv_score_corrected_)
        kept.append(search.best_remedy_)
        lower, upper = search.corrected_interval_
        assert lower < 0.6
        assert upper > 0.4
    assert np.mean(naive) > 0.53
    assert abs(np.mean(corrected) - 0.5) < 0.04
    assert kept.count("nothing") >= 9


def test_a_remedy_that_helps_is_kept_with_the_gain_that_it_brings():
    X, y = over_confident(1200)
    X, X_new, y, y_new = X[:300], X[300:], y[:300], y[300:]
    search = RemedySearchCV(
        GaussianNB(), ["temperature"], scoring="neg_log_loss", **FAST
    ).fit(X, y)
    assert search.best_remedy_ == "temperature"
    plain = log_loss(y_new, GaussianNB().fit(X, y).predict_proba(X_new))
    gain = plain - log_loss(y_new, search.predict_proba(X_new))
    lower, upper = search.gain_interval_
    assert lower < gain < upper
    # Of one candidate there is hardly any luck to be had.
    assert abs(search.luck_) < 0.05 * search.gain_


def test_without_require_gain_the_winner_is_kept():
    X, y = rare(120, class_sep=0.3)
    options = {"scoring": "balanced_accuracy", **FAST}
    for seed in range(3):
        X, y = rare(120, seed=seed, class_sep=0.3)
        search = RemedySearchCV(KNeighborsClassifier(), ["random_over"], **options)
        careful = clone(search).fit(X, y)
        bold = search.set_params(require_gain=False).fit(X, y)
        assert bold.best_remedy_ == bold.winner_ == careful.winner_
        if careful.gain_interval_[0] <= 0:
            assert careful.best_remedy_ == "nothing"


def test_of_nearly_equal_ones_the_cheap_one_is_chosen():
    # Against the third: the second is behind by .01 with a standard error above that,
    # the first by .1 with an error of about .01.
    noise = np.array([0.03, -0.03, 0.02, -0.02])
    folds = np.column_stack([np.full(4, 0.7), 0.79 + noise, np.full(4, 0.8)])
    scores = folds.mean(axis=0)
    for costs, chosen in (
        ([1, 2, 5], 1),
        ([1, 5, 2], 2),
        ([1, 1, 1], 2),
        ([9, 9, 9], 2),
    ):
        rule = one_se_rule(np.array(costs, dtype=float), test_train_ratio=1 / 3)
        assert rule(scores[None], folds[None]).tolist() == [chosen]
    # "Nothing" is chosen where it is the best, and never for its cost.
    costs = np.array([5.0, 1.0, 2.0])
    for baseline, chosen in ((None, 1), (1, 2), (2, 2)):
        rule = one_se_rule(costs, 1 / 3, baseline=baseline)
        assert rule(scores[None], folds[None]).tolist() == [chosen]
    # Equal ones: the cheapest, then the first.
    equal = np.full((1, 4, 3), 0.5)
    assert one_se_rule(np.array([2.0, 1.0, 1.0]), 0.25)(equal[:, 0], equal) == [1]


# --- scores -----


def test_ranks_are_averaged_over_folds_and_decisions_pooled():
    X, y = rare(200)
    model = LogisticRegression()
    folds = list(StratifiedKFold(4).split(X, y))
    for scoring, pooled in (("roc_auc", False), ("balanced_accuracy", True)):
        search = RemedySearchCV(model, [], scoring=scoring, cv=folds, **FAST).fit(X, y)
        by_fold = cross_val_score(model, X, y, cv=folds, scoring=scoring)
        if pooled:
            held_out = cross_val_predict(model, X, y, cv=folds)
            expected = balanced_accuracy_score(y, held_out)
        else:
            expected = by_fold.mean()
        assert search.cv_score_naive_ == pytest.approx(expected)


def ranked(estimator, X, y):
    return roc_auc_score(y, estimator.predict_proba(X)[:, 1])


def test_a_scorer_of_ones_own_gives_what_the_known_one_gives():
    X, y = rare(150)
    options = {"strategy": "exhaustive", "n_bootstrap": 10, "random_state": 0}
    known, own_one = (
        RemedySearchCV(GaussianNB(), ["random_over"], scoring=s, **options).fit(X, y)
        for s in ("roc_auc", ranked)
    )
    assert own_one.cv_results_["score"] == pytest.approx(known.cv_results_["score"])
    assert own_one.gain_interval_ == pytest.approx(known.gain_interval_)
    assert own_one.report_.summary_values["score"] == "ranked"


def numbers(estimator, X, y):
    proba = estimator.predict_proba(X)[:, 1]
    return np.nan if proba.max() < 0.2 else roc_auc_score(y, proba)


def test_a_candidate_without_a_score_is_a_failed_row():
    X, y = rare(150)
    search = RemedySearchCV(
        LogisticRegression(),
        [own("weaker", "weaker")],
        scoring=numbers,
        cv=3,
        n_bootstrap=20,
        random_state=0,
    ).fit(X, y)
    assert search.cv_results_["status"] == ["finished", "failed"]
    assert "is nan" in search.cv_results_["reason"][1]
    with pytest.raises(ValueError, match="plain estimator is nan"):
        search.set_params(estimator=LogisticRegression(C=1e-6)).fit(X, y)


def test_the_default_scores():
    X, y = rare(100)
    search = RemedySearchCV(GaussianNB(), [], cv=2, n_bootstrap=20).fit(X, y)
    assert search.score(X, y) == balanced_accuracy_score(y, search.predict(X))
    X, y = make_regression(100, 5, noise=5.0, random_state=0)
    search = RemedySearchCV(Ridge(), [], cv=2, n_bootstrap=20).fit(X, y)
    assert search.score(X, y) == Ridge().fit(X, y).score(X, y)


# --- corrections -----


def test_the_corrections():
    X, y = rare(200)
    search = RemedySearchCV(
        GaussianNB(), CHEAP, correction="all", require_gain=False, cv=3, **FAST
    ).fit(X, y)
    values = search.summary_
    assert search.cv_score_corrected_ == values["bbc"]
    assert values["tt"] <= values["winner_score"]
    assert search.nested_score_ == pytest.approx(np.mean(values["nested"]["scores"]))
    assert len(values["nested"]["remedies"]) == 5
    assert "nested" in search.report_.summary()
    tt = clone(search).set_params(correction="tt").fit(X, y)
    assert tt.cv_score_corrected_ == values["tt"]
    assert tt.nested_score_ is None
    lower, upper = tt.corrected_interval_
    assert lower < tt.cv_score_corrected_ < upper


# --- groups, weights, folds -----


def test_groups_stay_whole_in_folds_and_draws():
    X, y = rare(40, n_features=5, n_redundant=0, flip_y=0.3, share=0.6)
    X, y, groups = np.repeat(X, 6, axis=0), np.repeat(y, 6), np.repeat(np.arange(40), 6)
    options = {"scoring": "accuracy", "cv": 4, **FAST}
    model = KNeighborsClassifier(1)
    whole = RemedySearchCV(model, ["random_over"], **options).fit(X, y, groups=groups)
    alone = RemedySearchCV(model, ["random_over"], **options).fit(X, y)
    for rows, _ in whole.oof_predictions_["nothing"]:
        assert not np.isin(groups[rows], np.delete(groups, rows)).any()
    # Each row has five twins in training: only groups tell.
    assert alone.cv_score_naive_ > 0.99
    assert whole.cv_score_corrected_ < 0.9
    width = np.diff(whole.corrected_interval_)[0]
    assert width > 2 * 1.96 * np.sqrt(0.2 / 240)
    folds = GroupKFold(4)
    given = RemedySearchCV(model, [], **{**options, "cv": folds})
    given.fit(X, y, groups=groups)
    for rows, _ in given.oof_predictions_["nothing"]:
        assert not np.isin(groups[rows], np.delete(groups, rows)).any()


def test_weights_reach_every_fit():
    X, y = rare(200)
    wrong = np.random.default_rng(0).random(200) < 0.3
    told, weight = np.where(wrong, 1 - y, y), np.where(wrong, 0.0, 1.0)
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    for model in (LogisticRegression(), scaled):
        search = RemedySearchCV(model, ["prior_threshold", "random_over"], **FAST)
        search.fit(X, told, sample_weight=weight)
        assert search.cv_results_["status"].count("failed") == 0
        final = search.set_params(remedies=[]).fit(X, told, sample_weight=weight)
        core = final.best_estimator_
        assert np.mean(final.predict(X) == y) > np.mean(final.predict(X) == told)
        assert core.score(X[~wrong], y[~wrong]) > 0.8
    with pytest.raises(ValueError, match="takes no sample_weight"):
        RemedySearchCV(KNeighborsClassifier(), []).fit(X, y, sample_weight=weight)


def test_weights_are_routed():
    X, y = rare(120)
    weight = np.random.default_rng(0).integers(1, 4, size=120).astype(float)
    options = {"cv": 3, "n_bootstrap": 20, "random_state": 0}
    plain = RemedySearchCV(LogisticRegression(), ["prior_threshold"], **options)
    plain.fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        routed = RemedySearchCV(model, ["prior_threshold"], **options)
        routed.fit(X, y, sample_weight=weight)
        assert routed.cv_results_["score"] == plain.cv_results_["score"]
        routed.set_fit_request(groups=True)
        scores = cross_val_score(
            routed,
            X,
            y,
            cv=GroupKFold(3),
            params={"sample_weight": weight, "groups": np.arange(120) // 2},
        )
        assert np.isfinite(scores).all()
        unasked = RemedySearchCV(LogisticRegression(), [], **options)
        with pytest.raises(ValueError, match="sample_weight"):
            unasked.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(
    "folds", [TimeSeriesSplit(4), ShuffleSplit(4, test_size=0.3, random_state=0)]
)
def test_rows_that_are_held_out_never_or_often(folds):
    X, y = rare(200)
    model = LogisticRegression()
    search = RemedySearchCV(model, CHEAP, cv=folds, scoring="accuracy", **FAST)
    search.fit(X, y)
    assert search.n_splits_ == 4
    known = cross_val_score(model, X, y, cv=folds)
    assert search.cv_results_["score"][0] == pytest.approx(known.mean())


def test_folds_are_redrawn():
    X, y = rare(100)
    search = RemedySearchCV(GaussianNB(), [], cv=3, n_repeats=2, **FAST).fit(X, y)
    tests = [rows for rows, _ in search.oof_predictions_["nothing"]]
    assert len(tests) == search.n_splits_ == 6
    for repeat in (tests[:3], tests[3:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(repeat)), np.arange(100))
    assert not np.array_equal(tests[0], tests[3])


# --- failures, time, resuming -----


def test_a_candidate_that_fails_is_a_row_with_its_error():
    X, y = rare(100)
    search = RemedySearchCV(GaussianNB(), [own("fails", "fail"), *same(1)], **FAST)
    search.fit(X, y)
    assert search.cv_results_["status"] == ["finished", "failed", "finished"]
    assert search.cv_results_["reason"][1] == "RuntimeError: no such cure"
    assert "no such cure" in search.report_.summary()


def test_what_the_plain_estimator_raises_is_raised():
    X, y = rare(100)
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        RemedySearchCV(GaussianNB(), CHEAP, **FAST).fit(X, y)


class Clock:
    """A clock that goes on by a second whenever it is read."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        self.now += 1.0
        return self.now

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "n_folds", "statuses"),
    [
        (2.5, 2, ["finished", "late", "late", "late"]),
        (9.5, 2, ["finished"] * 4),
        (13.5, 3, ["finished"] * 4),
        (60.0, 5, ["finished"] * 4),
    ],
)
def test_when_the_time_is_up_all_are_judged_on_the_same_folds(
    monkeypatch, seconds, n_folds, statuses
):
    clock = Clock()
    monkeypatch.setattr(_search_cells, "time", clock)
    X, y = rare(120)
    search = RemedySearchCV(
        GaussianNB(), same(3), strategy="exhaustive", max_time=seconds, **FAST
    )
    monkeypatch.setattr("skoverfit.model_selection._remedy_search.time", clock)
    clock.now = -1.0
    search.fit(X, y)
    assert search.n_splits_ == n_folds
    assert sorted(search.cv_results_["status"]) == sorted(statuses)
    assert search.cv_results_["status"][0] == "finished"
    finished = [
        n
        for n, status in zip(
            search.cv_results_["n_folds"], search.cv_results_["status"], strict=True
        )
        if status == "finished"
    ]
    assert set(finished) == {n_folds}
    assert ("the time was up" in search.report_.summary()) == (seconds < 60)


def test_a_search_goes_on_where_it_was_cut_short(tmp_path, monkeypatch):
    X, y = rare(150)
    remedies = [own("counted", "counted"), "random_over"]
    model = RandomForestClassifier(5)
    search = RemedySearchCV(model, remedies, cv=4, **FAST)
    plain = clone(search).fit(X, y)
    stored = search.set_params(store=tmp_path / "cells.sqlite")
    real, begun = _racing.fit_cell, []

    def stop(*arguments):
        begun.append(1)
        if len(begun) > 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(_racing, "fit_cell", stop)
    with pytest.raises(KeyboardInterrupt):
        clone(stored).fit(X, y)
    monkeypatch.setattr(_racing, "fit_cell", real)
    CALLS.clear()
    resumed = clone(stored).fit(X, y)
    assert 0 < len(CALLS) < 4
    CALLS.clear()
    again = clone(stored).fit(X, y)
    assert len(CALLS) == int(again.best_remedy_ == "counted")
    for found in (resumed, again):
        assert found.cv_score_corrected_ == plain.cv_score_corrected_
        assert found.gain_interval_ == plain.gain_interval_
        assert found.cv_results_["score"] == plain.cv_results_["score"]
    # Other rows are other cells.
    CALLS.clear()
    clone(stored).fit(X[::-1], y[::-1])
    assert len(CALLS) >= 4
    with pytest.raises(BadInputError, match="integer random_state"):
        clone(stored).set_params(random_state=None).fit(X, y)


def test_the_answer_does_not_depend_on_n_jobs():
    X, y = rare(120)
    one, two = (
        RemedySearchCV(
            RandomForestClassifier(5), ["random_over"], cv=3, n_jobs=n, **FAST
        ).fit(X, y)
        for n in (None, 2)
    )
    assert one.cv_results_["score"] == two.cv_results_["score"]
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


# --- strategies -----


def test_halving_keeps_nothing_and_one_of_each_kind():
    X, y = rare(900)
    remedies = [
        *(own(f"C{k}", "stronger", C=10.0**-k) for k in range(1, 7)),
        own("imbalance", "stronger", kind="imbalance", C=1e-7),
        own("noise", "stronger", kind="label_noise", C=1e-8),
    ]
    search = RemedySearchCV(
        LogisticRegression(),
        remedies,
        strategy="sample_halving",
        scoring="neg_log_loss",
        **FAST,
    ).fit(X, y)
    status = dict(
        zip(search.cv_results_["name"], search.cv_results_["status"], strict=True)
    )
    assert status["nothing"] == status["imbalance"] == status["noise"] == "finished"
    assert list(status.values()).count("dropped") >= 4
    assert search.n_splits_ == 5


# --- what is treated -----


def frame(n=200):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "town": rng.choice(["Ulm", "Kiel", "Jena"], n),
            "sex": rng.choice(["f", "m"], n),
        }
    )
    logit = (table["age"] - 52) / 6 + (table["town"] == "Ulm")
    labels = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    return table, labels


def encoded():
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["town", "sex"]),
            remainder=StandardScaler(),
        ),
        LogisticRegression(),
    )


def test_pipelines_on_frames_with_text():
    X, y = frame(150)
    model = encoded()
    before, shown = X.copy(), repr(model)
    remedies = ["smote", *CHEAP, "threshold", "temperature", "regularization"]
    search = RemedySearchCV(model, remedies, strategy="exhaustive", cv=2, **FAST)
    search.fit(X, y)
    assert set(search.cv_results_["status"]) == {"finished"}, search.report_.summary()
    pd.testing.assert_frame_equal(X, before)
    assert repr(model) == shown
    assert set(search.predict(X)) <= {"yes", "no"}
    np.testing.assert_array_equal(search.classes_, ["no", "yes"])


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("smote", ["sampler", "columntransformer", "logisticregression"]),
        ("random_over", ["columntransformer", "sampler", "logisticregression"]),
        ("class_weight", ["columntransformer", "logisticregression"]),
    ],
)
def test_a_sampler_of_raw_rows_comes_first_and_one_of_numbers_last(name, steps):
    (_, candidate), _ = list_candidates(
        [name], encoded(), np.array([30, 10]), max_candidates=5
    )
    made = build_candidate(
        candidate,
        encoded(),
        class_counts=np.array([30, 10]),
        inner_cv=3,
        random_state=0,
    )
    assert [step for step, _ in made.estimator.steps] == steps


def test_mixed_german(real_data):
    table = pd.read_csv(real_data / "mixed_german.csv.gz")
    y = table.pop(table.columns[-1])
    texts = table.select_dtypes(exclude="number").columns
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), texts),
            remainder=StandardScaler(),
        ),
        LogisticRegression(max_iter=500),
    )
    search = RemedySearchCV(model, CHEAP, random_state=0).fit(table, y)
    assert search.best_remedy_ in CHEAP
    assert search.gain_ == pytest.approx(0.05, abs=0.04)


def test_several_classes_and_text_labels():
    X, y = make_classification(
        300, 8, n_informative=5, n_classes=3, weights=[0.7, 0.2], random_state=0
    )
    y = np.array(["a", "b", "c"])[y]
    search = RemedySearchCV(LogisticRegression(), CHEAP, cv=3, **FAST).fit(X, y)
    assert search.predict_proba(X).shape == (300, 3)
    assert set(search.predict(X)) == {"a", "b", "c"}
    assert search.decision_function(X).shape == (300, 3)


def test_nets_of_a_search_are_trained_at_once_and_the_same(monkeypatch):
    from skoverfit.neural_network import TabularMLPClassifier

    X, y = rare(100, n_features=5, n_redundant=0)
    net = TabularMLPClassifier(
        (4,), n_estimators=1, max_epochs=3, early_stopping=False, random_state=0
    )
    remedies = ["mixup", "label_smoothing", "random_over", "prior_threshold"]
    options = {"scoring": "neg_log_loss", "cv": 2, "n_bootstrap": 20}
    search = RemedySearchCV(net, remedies, random_state=0, **options)
    at_once = clone(search).fit(X, y)
    assert "failed" not in at_once.cv_results_["status"]
    monkeypatch.setattr(_racing, "holds_net", lambda estimator: False)
    alone = clone(search).fit(X, y)
    assert at_once.cv_results_["score"] == pytest.approx(
        alone.cv_results_["score"], rel=1e-5
    )


def test_what_draws_at_will_gets_the_seed_of_the_search():
    X, y = rare(150)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5))
    one, two = (RemedySearchCV(model, [], cv=2, **FAST).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    fixed = make_pipeline(RandomForestClassifier(5, random_state=7))
    search = RemedySearchCV(fixed, [], cv=2, **FAST).fit(X, y)
    assert search.best_estimator_[-1].random_state == 7


# --- use -----


def test_inside_a_cross_validation_and_a_pipeline():
    X, y = rare(150)
    search = RemedySearchCV(LogisticRegression(), ["class_weight"], cv=2, **FAST)
    whole = make_pipeline(StandardScaler(), search)
    assert np.isfinite(cross_val_score(whole, X, y, cv=3, error_score="raise")).all()


def test_a_fitted_search_is_saved_and_loaded(tmp_path):
    X, y = over_confident()
    search = RemedySearchCV(
        make_pipeline(StandardScaler(), GaussianNB()),
        ["temperature"],
        scoring="neg_log_loss",
        require_gain=False,
        **FAST,
    ).fit(X, y)
    assert search.best_remedy_ == "temperature"
    for thing in (search, search.best_estimator_):
        skoverfit.save(thing, tmp_path / "cure.skops")
        loaded = skoverfit.load(tmp_path / "cure.skops")
        np.testing.assert_array_equal(loaded.predict_proba(X), thing.predict_proba(X))


def test_the_report_says_what_was_tried():
    X, y = rare(300)
    search = RemedySearchCV(
        LogisticRegression(), [*CHEAP, own("fails", "fail"), "mixup"], **FAST
    ).fit(X, y)
    text = search.report_.summary()
    for words in ("nothing", "naive", "luck", "95 % interval", "P(better", "left out"):
        assert words in text
    assert "<pre>" in search.report_._repr_html_()
    table = search.remedy_table_
    assert list(table["status"])[-2:] == ["failed", "left out"]
    assert table["score"].dropna().is_monotonic_decreasing or (
        table["status"].eq("dropped").any()
    )
    lead = table.loc[table["name"] == search.winner_, "difference"].item()
    assert search.luck_ == pytest.approx(lead - search.gain_)


def test_what_a_report_recommends_comes_first():
    X, y = rare(100)
    report = SimpleNamespace(recommend=lambda: ["cleaned", "temperature"])
    search = RemedySearchCV(
        LogisticRegression(), max_candidates=3, report=report, cv=2, **FAST
    ).fit(X, y)
    tried = [
        name
        for name, status in zip(
            search.cv_results_["name"], search.cv_results_["status"], strict=True
        )
        if status != "left out"
    ]
    assert tried == ["nothing", "cleaned", "temperature"]


def test_variants_have_their_parameters():
    X, y = rare(200)
    search = RemedySearchCV(
        DecisionTreeClassifier(max_depth=2),
        ["smote@k_neighbors=3", "temperature@method=isotonic,cv=2"],
        require_gain=False,
        cv=2,
        **FAST,
    ).fit(X, y)
    assert search.cv_results_["name"] == [
        "nothing",
        "smote@k_neighbors=3",
        "temperature@method=isotonic,cv=2",
    ]
    assert search.cv_results_["title"][1] == "SMOTE (k_neighbors=3)"
    assert search.cv_results_["status"].count("failed") == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"remedies": ["smoote"]}, "Did you mean 'smote'"),
        ({"remedies": "smote"}, r"did you mean \['smote'\]"),
        ({"remedies": ["smote", "smote"]}, "'smote' twice"),
        ({"remedies": ["smote@k=3"]}, "no parameter 'k'"),
        ({"remedies": ["smote@3"]}, "must look like"),
        ({"remedies": ["tabular_mlp"]}, "is a tool"),
        ({"remedies": [3]}, "names or rows"),
        ({"scoring": "acuracy"}, "acuracy"),
        ({"cv": 200}, "more than the"),
        ({"cv": 1}, "'cv' parameter"),
        ({"cv": StratifiedKFold(2), "n_repeats": 2}, "n_repeats=2"),
        ({"alpha": 0.2}, "alpha"),
        ({"strategy": "luck"}, "strategy"),
        ({"max_time": 0}, "max_time"),
    ],
)
def test_bad_parameters_are_named_before_any_fit(parameters, message):
    X, y = rare(100)
    CALLS.clear()
    search = RemedySearchCV(LogisticRegression(), [own("c", "counted")], cv=2)
    with pytest.raises(ValueError, match=message):
        search.set_params(**parameters).fit(X, y)
    assert not CALLS
    assert not hasattr(search, "best_remedy_")


def test_bad_rows_are_named():
    X, y = rare(100)
    search = RemedySearchCV(LogisticRegression(), [], cv=2)
    with pytest.raises(ValueError, match="only one class"):
        search.fit(X, np.zeros(100, dtype=int))
    with pytest.raises(ValueError, match="one value alone"):
        search.fit(X, y, groups=np.zeros(100))
    with pytest.raises(ValueError, match="more than the 2 groups"):
        search.set_params(cv=3).fit(X, y, groups=np.arange(100) // 50)


def test_a_score_that_rarely_exists_keeps_nothing():
    X, y = rare(60, share=0.95)
    y = np.zeros(60, dtype=int)
    y[:2] = 1
    search = RemedySearchCV(
        GaussianNB(), ["random_over"], scoring="roc_auc", cv=2, **FAST
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    assert any("bootstrap draws only" in str(w.message) for w in caught)
    assert any(issubclass(w.category, SkoverfitWarning) for w in caught)
    assert search.best_remedy_ == "nothing"
    assert search.corrected_interval_ == (-np.inf, np.inf)


def test_without_refit_there_is_no_model():
    X, y = rare(100)
    search = RemedySearchCV(GaussianNB(), [], cv=2, refit=False, **FAST).fit(X, y)
    assert search.best_remedy_ == "nothing"
    with pytest.raises(AttributeError, match="refit=False"):
        search.predict(X)


def test_what_needs_probabilities_is_left_out_where_there_are_none():
    X, y = rare(100)
    search = RemedySearchCV(
        LinearSVC(), ["threshold", "prior_threshold", "cleaned"], cv=2, **FAST
    ).fit(X, y)
    assert search.cv_results_["status"] == ["finished", *["left out"] * 3]
    assert "LinearSVC has no predict_proba" in search.report_.summary()
    assert not hasattr(search, "predict_proba")
