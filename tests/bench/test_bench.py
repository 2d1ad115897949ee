"""The main job as a function: honest, resumable, and the same whatever n_jobs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from skoverfit._core._store import ResultStore
from skoverfit.bench import Scenario, run_bench, table_from_frame
from skoverfit.bench._bench import make_plan
from skoverfit.bench._runner import run_plan
from skoverfit.bench._scores import training_sample
from skoverfit.catalogue import Remedy, get_remedies, get_remedy
from skoverfit.exceptions import BadInputError, StoreError
from skoverfit.model_selection._apply import reason_against
from tests.bench.conftest import make_table

# Those that a logistic regression can be given; mixup is for nets.
N_REMEDIES = sum(
    not reason_against(remedy, LogisticRegression()) for remedy in get_remedies()
)
QUICK = {"estimators": ["logistic"], "n_repeats": 1}


def without_clock(analysis):
    """What must not depend on how a run went: all but times and memory."""
    kept = dict(analysis)
    kept["costs"] = [
        {k: v for k, v in cost.items() if k not in TIMED} for cost in kept["costs"]
    ]
    del kept["created"]
    return kept


TIMED = (
    "fit_seconds",
    "fit_seconds_lower",
    "fit_seconds_upper",
    "time_ratio",
    "peak_memory_mb",
)


def test_nothing_under_a_second_name_differs_by_exactly_nothing(small_table):
    twin = Remedy(name="nothing2", title="twin", path="", kind="none", role="baseline")
    forest = RandomForestClassifier(n_estimators=5)
    result = run_bench(
        [small_table], estimators={"forest": forest}, remedies=[twin], n_repeats=2
    )
    compared = [
        c
        for c in result.analysis["comparisons"]
        if c["remedy"] == "twin" and c["question"] != "decision"
    ]
    assert len(compared) == 2
    for comparison in compared:
        assert comparison["difference"] == 0
        assert comparison["lower"] == comparison["upper"] == 0
        assert comparison["outcome"] == "equivalent"


def test_every_cell_is_there_and_the_store_is_reused(small_table, tmp_path):
    store = tmp_path / "store.sqlite"
    first = run_bench([small_table], store=store, **QUICK)
    assert first.analysis["complete"]
    assert first.analysis["cells"]["failed"] == 0
    assert (
        first.outcome.computed == first.analysis["cells"]["planned"] == 5 * N_REMEDIES
    )
    again = run_bench([small_table], store=store, **QUICK)
    assert again.outcome.computed == 0
    assert again.outcome.reused == 5 * N_REMEDIES
    assert again.analysis == first.analysis


def test_workers_do_not_change_the_answer(small_table):
    options = {
        "estimators": ["forest", "knn"],
        "remedies": ["smote", "regularization"],
        "n_splits": 2,
        "n_repeats": 1,
        "scenarios": [Scenario("noise", noise_rate=0.2)],
    }
    one = run_bench([small_table], n_jobs=1, **options)
    two = run_bench([small_table], n_jobs=2, **options)
    assert without_clock(one.analysis) == without_clock(two.analysis)


def test_the_seed_changes_the_answer(small_table):
    a = run_bench([small_table], random_state=0, **QUICK).analysis["leaderboard"]
    b = run_bench([small_table], random_state=1, **QUICK).analysis["leaderboard"]
    assert a != b


def test_test_folds_are_untouched_and_clean(small_table):
    plan = make_plan(
        [small_table],
        scenarios=[
            Scenario("as it is"),
            Scenario("wrong", noise_rate=0.3),
            Scenario("rare", imbalance_ratio=10),
        ],
        **QUICK,
    )
    for planned in plan.folds:
        data = planned.prepare()
        np.testing.assert_array_equal(data.y_test, small_table.y[planned.fold.test])
        assert len(data.X_test) == len(planned.fold.test)
        truth = small_table.y[planned.fold.train]
        if planned.scenario.noise_rate:
            assert (data.y_train != truth).sum() == round(0.3 * len(truth))
        elif planned.scenario.imbalance_ratio:
            counts = np.bincount(data.y_train)
            assert counts[1] == max(1, int(counts[0] / 10))
        else:
            np.testing.assert_array_equal(data.y_train, truth)


def test_threads_do_not_change_a_prepared_fold():
    rng = np.random.default_rng(0)
    words = [f"street {number} of {rng.integers(9999)}" for number in range(900)]
    frame = pd.DataFrame(
        {"street": rng.choice(words, 6000), "x": rng.normal(size=6000)}
    )
    frame["y"] = rng.integers(0, 2, 6000)
    (planned, *_) = make_plan([table_from_frame(frame, target="y")], **QUICK).folds
    prepared = []
    for threads in (2, 1):
        with threadpool_limits(threads):
            prepared.append(planned.prepare().X_train)
    np.testing.assert_array_equal(*prepared)


def test_every_prefix_of_the_plan_is_balanced(small_table):
    other = make_table(small_table.X, small_table.y[::-1], name="other")
    plan = make_plan([small_table, other], **QUICK)
    first = [planned.table.name for planned in plan.folds[:2]]
    assert first == ["table", "other"]
    assert {planned.fold.fold for planned in plan.folds[:2]} == {0}


def test_a_failing_remedy_is_a_row_and_the_run_goes_on(small_table, tmp_path):
    broken = dataclasses.replace(get_remedy("smote"), parameters={"k_neighbors": -3})
    store = tmp_path / "s.sqlite"
    result = run_bench(
        [small_table], remedies=[broken, "temperature"], store=store, **QUICK
    )
    (failure,) = result.analysis["failures"]
    assert failure["n_folds"] == 5
    assert "k_neighbors" in failure["error"]
    assert result.analysis["cells"] == {"planned": 20, "done": 20, "failed": 5}
    assert any(
        c["remedy"] == "temperature calibration" for c in result.analysis["comparisons"]
    )
    # Failed cells are tried again, finished ones are not.
    again = run_bench(
        [small_table], remedies=[broken, "temperature"], store=store, **QUICK
    )
    assert again.outcome.computed == 5


def test_time_is_bounded_and_the_rest_is_said(small_table):
    result = run_bench([small_table], max_time=0.0, **QUICK)
    assert result.outcome.out_of_time
    assert not result.analysis["complete"]
    assert result.analysis["headline"].startswith(
        f"So far, with 0 of {5 * N_REMEDIES} cells: Too few"
    )


def test_time_ends_cells_that_would_take_hours(small_table):
    endless = {"forest": RandomForestClassifier(n_estimators=10**7)}
    result = run_bench(
        [small_table], estimators=endless, max_time=1.0, n_jobs=2, n_repeats=1
    )
    assert result.outcome.out_of_time
    assert result.outcome.computed == 0
    # The workers were ended; the next run gets new ones.
    again = run_bench([small_table], remedies=["nothing"], n_jobs=2, **QUICK)
    assert again.analysis["complete"]


def test_a_full_disk_ends_the_run_with_one_sentence(small_table, tmp_path, recwarn):
    with ResultStore(tmp_path / "s.sqlite") as store:
        plan = make_plan([small_table], **QUICK)
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        with pytest.raises(StoreError, match="disk is full"):
            run_plan(plan, store, n_jobs=2, max_time=100)
        kept = len(store)
    assert 0 < kept < len(plan)
    assert not [w for w in recwarn if "still being processed" in str(w.message)]


def test_large_folds_score_a_share_of_the_training_rows_with_every_class():
    y = np.r_[np.zeros(30_000), np.ones(300)].astype(int)[::-1].copy()
    X = np.arange(len(y))[:, None].astype(float)
    X_seen, y_seen = training_sample(X, y)
    assert len(y_seen) == 10_000
    np.testing.assert_array_equal(y[X_seen[:, 0].astype(int)], y_seen)
    assert abs(y_seen.sum() - 99) <= 1
    assert len(np.unique(X_seen)) == 10_000


def test_two_stores_merge_to_the_same_answer(small_table, tmp_path):
    whole = run_bench([small_table], store=tmp_path / "0.sqlite", **QUICK)
    for number, names in enumerate((["smote"], ["temperature"]), start=1):
        run_bench(
            [small_table], remedies=names, store=tmp_path / f"{number}.sqlite", **QUICK
        )
    with ResultStore(tmp_path / "1.sqlite") as store:
        assert store.merge(tmp_path / "2.sqlite") == 5
    merged = run_bench([small_table], store=tmp_path / "1.sqlite", **QUICK)
    assert merged.outcome.computed == 5 * (N_REMEDIES - 4)  # 4 were there
    assert without_clock(merged.analysis) == without_clock(whole.analysis)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_splits": 1}, "folds=1 must be at least 2"),
        ({"n_repeats": 0}, "repeats=0 must be at least 1"),
        ({"estimators": ["logistik"]}, "Did you mean 'logistic'"),
        ({"remedies": ["pipeline"]}, "'pipeline' is a tool of the library"),
        ({"remedies": ["smote", "smoot"]}, "There is no remedy 'smoot'"),
        (
            {"estimators": {"svm": LinearSVC()}},
            "must be a classifier with predict_proba",
        ),
        ({"estimators": {}}, "no estimator"),
        ({"n_splits": 100}, "folds=100 is more than"),
    ],
)
def test_bad_parameters_are_refused_before_any_work(small_table, options, words):
    with pytest.raises(BadInputError, match=words):
        run_bench([small_table], **{**QUICK, **options})


def test_tables_of_one_name_are_refused(small_table):
    with pytest.raises(BadInputError, match="same name: table"):
        run_bench([small_table, small_table], **QUICK)


def test_more_certain_than_the_rows_allow_costs_a_finite_loss():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    result = run_bench(
        [make_table(X, y)],
        estimators={"dummy": DummyClassifier(strategy="stratified")},
        remedies=["nothing"],
        n_repeats=1,
    )
    (leader, *_) = [
        row
        for row in result.analysis["leaderboard"]
        if row["question"] == "probability"
    ]
    # Half of the rows get (n * 0 + 1/2) / (n + 1) with n = 48 training rows.
    expected = -0.5 * (np.log(0.5 / 49) + np.log(48.5 / 49))
    assert leader["score"] == pytest.approx(expected, rel=0.35)


def test_stronger_regularization_is_seen_where_columns_outnumber_rows():
    X, y = make_classification(
        200,
        400,
        n_informative=20,
        n_redundant=100,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=0,
    )
    result = run_bench(
        [make_table(X, y)],
        estimators={"logistic": LogisticRegression(C=1e6, max_iter=2000)},
        remedies=["regularization"],
        n_repeats=2,
    )
    found = {
        c["question"]: c["outcome"]
        for c in result.analysis["comparisons"]
        if c["remedy"] == "stronger regularization"
    }
    assert found["probability"] == "helps"
