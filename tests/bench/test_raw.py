"""Remedies that re-sample the table as it was read, before any encoding."""

import dataclasses
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from skoverfit.bench import Scenario, load_table, run_bench, table_from_frame
from skoverfit.bench._bench import make_plan
from skoverfit.bench._cell import run_cell
from skoverfit.bench._preparation import FoldPreparation
from skoverfit.bench._raw import RawRows, needs_raw_rows
from skoverfit.catalogue import Remedy, get_remedy
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.model_selection._apply import apply_remedy, reason_against
from tests.bench.conftest import make_table

SEEN = []


class Shuffler(BaseEstimator):
    """Make rows of the rare class whose cells come from any rows of it."""

    def __init__(self, k_neighbors=5, random_state=None):
        self.k_neighbors = k_neighbors
        self.random_state = random_state

    def fit_resample(self, X, y, *, groups=None):
        SEEN.append((X, np.array(y), groups))
        rng = np.random.default_rng(self.random_state)
        counts = np.bincount(y)
        rare = int(np.flatnonzero(counts == counts[counts > 0].min())[0])
        own = np.flatnonzero(y == rare)
        draws = rng.choice(own, (counts.max() - counts[rare], X.shape[1]))
        if hasattr(X, "iloc"):
            new = pd.DataFrame(
                {c: X[c].take(draws[:, i]).to_numpy() for i, c in enumerate(X)}
            )
            # As samplers do: text comes back as objects.
            texts = {c: object for c in X if X[c].dtype == "str"}
            X = pd.concat([X, new.astype(X.dtypes)], ignore_index=True).astype(texts)
        else:
            X = np.concatenate([X, X[draws, np.arange(X.shape[1])]])
        self.sample_indices_ = np.r_[np.arange(len(y)), draws[:, 0]]
        self.is_synthetic_ = np.arange(len(X)) >= len(y)
        return X, np.r_[y, np.full(len(draws), rare)]


class Thinner(BaseEstimator):
    """Keep as many rows of each class, the last ones first."""

    def fit_resample(self, X, y):
        least = np.bincount(y).min()
        kept = np.concatenate([np.flatnonzero(y == c)[-least:] for c in np.unique(y)])
        self.sample_indices_, self.is_synthetic_ = kept, np.zeros(len(kept), bool)
        return X.iloc[kept], y[kept]


def raw(name="shuffler", **parameters):
    return Remedy(
        name=name,
        title=name,
        path=f"tests.bench.test_raw.{name.title()}",
        kind="imbalance",
        role="step",
        input="raw",
        parameters=parameters,
    )


@pytest.fixture(autouse=True)
def _forget():
    SEEN.clear()


def mixed_frame(n=400, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 999, n), "D")
    frame = pd.DataFrame(
        {
            "age": rng.normal(size=n) + y,
            "count": rng.integers(0, 9, n),
            "flag": rng.random(n) < 0.5,
            "town": rng.choice(["a", "b", "c"], n),
            "note": [f"note {i} of {rng.integers(10**6)}" for i in range(n)],
            "kind": pd.Categorical(rng.choice(["x", "y"], n)),
            "day": days,
            "zone": days.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        }
    )
    for name in ("age", "town", "note", "kind", "day"):
        frame.loc[rng.choice(n, n // 20, replace=False), name] = None
    return frame.assign(target=y)


def mixed_table(n=400, **roles):
    return table_from_frame(mixed_frame(n), target="target", **roles)


def first_fold(table, remedy, **options):
    plan = make_plan(
        [table],
        estimators={"logistic": LogisticRegression()},
        remedies=[remedy],
        n_splits=3,
        n_repeats=1,
        **options,
    )
    planned = plan.folds[0]
    (task,) = [t for t in planned.tasks if t.remedy.name == remedy.name]
    return planned, task


# What the sampler gets --------------------------------------------------------------


def test_the_sampler_meets_the_training_rows_as_they_were_read():
    table = mixed_table()
    planned, task = first_fold(table, raw())
    status, value = run_cell(task, planned.prepare())[1:]
    assert status == "done", value
    ((rows, y, groups),) = SEEN
    train = planned.fold.train
    pd.testing.assert_frame_equal(rows, table.X.iloc[train].reset_index(drop=True))
    np.testing.assert_array_equal(y, table.y[train])
    assert groups is None
    assert value["n_train"] == len(train)
    assert value["n_test"] == len(planned.fold.test)


def test_the_sampler_meets_the_noise_and_the_imbalance_of_the_scenario():
    table = mixed_table()
    rare = Scenario("rare", imbalance_ratio=10.0)
    planned, task = first_fold(table, raw(), scenarios=[rare])
    data = planned.prepare()
    run_cell(task, data)
    ((rows, y, _),) = SEEN
    np.testing.assert_array_equal(y, data.y_train)
    assert len(rows) == len(y) < len(planned.fold.train)


def test_the_sampler_gets_the_groups_of_its_rows():
    frame = mixed_frame().assign(person=np.arange(400) // 4)
    table = table_from_frame(frame, target="target", groups="person")
    planned, task = first_fold(table, raw())
    run_cell(task, planned.prepare())
    np.testing.assert_array_equal(SEEN[0][2], table.groups[planned.fold.train])
    # A sampler that knows no groups is not troubled with them.
    planned, task = first_fold(table, raw("thinner"))
    assert run_cell(task, planned.prepare())[1] == "done"
    # One on encoded columns gets them through the pipeline.
    encoded = dataclasses.replace(raw(), input="prepared")
    planned, task = first_fold(table, encoded)
    data = planned.prepare()
    status, value = run_cell(task, data)[1:]
    assert status == "done", value
    np.testing.assert_array_equal(SEEN[1][0], data.X_train)
    np.testing.assert_array_equal(SEEN[1][2], data.groups)


def test_a_table_of_numbers_stays_an_array(small_table):
    planned, task = first_fold(small_table, raw())
    assert run_cell(task, planned.prepare())[1] == "done"
    np.testing.assert_array_equal(SEEN[0][0], small_table.X[planned.fold.train])


# What the model gets ----------------------------------------------------------------


def test_made_rows_are_encoded_by_what_the_original_rows_taught():
    table = mixed_table()
    planned, _ = first_fold(table, raw())
    data = planned.prepare()
    found = RawRows.unpack(data.raw)
    X, y = found.resample(Shuffler(random_state=0), data.X_train, data.y_train)
    n = len(data.y_train)
    counts = np.bincount(y)
    assert counts[0] == counts[1] == np.bincount(data.y_train)[0]
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    np.testing.assert_array_equal(X[:n], data.X_train)
    # A made cell is a cell of the rare class, also in the encoded columns.
    rare = data.X_train[data.y_train == 1]
    age = 0
    gaps = np.abs(X[n:, age][:, None] - rare[:, age]).min(axis=1)
    assert gaps.max() < 1e-9


def test_rows_that_are_dropped_are_never_encoded_again(monkeypatch):
    planned, _ = first_fold(mixed_table(), raw("thinner"))
    data = planned.prepare()

    def refuse(self, rows):
        raise AssertionError("kept rows are encoded already")

    monkeypatch.setattr(FoldPreparation, "transform", refuse)
    sampler = Thinner()
    X, y = RawRows.unpack(data.raw).resample(sampler, data.X_train, data.y_train)
    np.testing.assert_array_equal(X, data.X_train[sampler.sample_indices_])
    np.testing.assert_array_equal(y, data.y_train[sampler.sample_indices_])


def test_the_sampler_can_not_spoil_the_fold_for_other_cells():
    table = mixed_table()
    before = table.X.copy()
    planned, _ = first_fold(table, raw())
    data = planned.prepare()
    found = RawRows.unpack(data.raw)
    found.rows["age"] = 0.0
    assert RawRows.unpack(data.raw).rows["age"].std() > 0.5
    pd.testing.assert_frame_equal(table.X, before)


def test_texts_beyond_what_can_be_coded_are_those_of_the_base_row(monkeypatch):
    monkeypatch.setattr("skoverfit.bench._raw.MAX_LEVELS", 50)
    planned, _ = first_fold(mixed_table(), raw())
    data = planned.prepare()
    found = RawRows.unpack(data.raw)
    met = []

    def transform(self, rows):
        met.append(rows)
        return np.zeros((len(rows), data.X_train.shape[1]))

    monkeypatch.setattr(FoldPreparation, "transform", transform)
    sampler = Shuffler(random_state=0)
    found.resample(sampler, data.X_train, data.y_train)
    assert "note" not in SEEN[0][0]
    assert set(SEEN[0][0]) == set(found.rows) - {"note"}
    base = sampler.sample_indices_[sampler.is_synthetic_]
    (made,) = met
    assert made["note"].tolist() == found.rows["note"].iloc[base].tolist()
    assert made["note"].dtype == found.rows["note"].dtype
    # A single column is never taken away.
    alone = RawRows(found.rows[["note"]], found.preparation)
    alone.resample(sampler, data.X_train, data.y_train)
    assert list(SEEN[1][0]) == ["note"]


# In a run ---------------------------------------------------------------------------


def test_only_cells_that_need_raw_rows_carry_them():
    planned, task = first_fold(mixed_table(), raw())
    others = [t for t in planned.tasks if t is not task]
    assert {needs_raw_rows(t.remedy) for t in others} == {False}
    data = planned.prepare()
    assert data.for_task(task).raw is data.raw
    assert all(data.for_task(other).raw is None for other in others)
    assert planned.prepare(others).raw is None


def test_workers_do_not_change_the_answer_on_raw_rows():
    table = mixed_table()
    scores = []
    for n_jobs in (1, 2):
        analysis = run_bench(
            [table],
            estimators=["logistic"],
            remedies=[raw()],
            n_splits=2,
            n_repeats=1,
            n_jobs=n_jobs,
        ).analysis
        assert analysis["cells"]["failed"] == 0
        scores.append(analysis["comparisons"])
    assert scores[0] == scores[1]


def test_the_report_says_what_ran_on_the_raw_table(tmp_path):
    options = {"estimators": ["logistic"], "n_splits": 2, "n_repeats": 1}
    result = run_bench([mixed_table()], remedies=[raw()], **options)
    (text,) = [
        text
        for label, text in result.analysis["protocol"].items()
        if label == "Re-sampling"
    ]
    assert text.startswith("shuffler on the raw table: rows are made from the columns")
    result.write_report(tmp_path / "report.html")
    assert "shuffler on the raw table" in (tmp_path / "report.html").read_text()
    plain = run_bench([mixed_table()], remedies=["random_over"], **options)
    assert "Re-sampling" not in plain.analysis["protocol"]


def test_raw_and_prepared_cells_have_different_keys():
    table = mixed_table()
    keys = [
        first_fold(table, dataclasses.replace(raw(), input=kind))[1].key
        for kind in ("raw", "prepared")
    ]
    assert keys[0] != keys[1]


def test_large_mixed_table_in_bounded_time():
    table = mixed_table(20_000)
    planned, task = first_fold(table, raw())
    data = planned.prepare()
    start = time.perf_counter()
    assert run_cell(task, data)[1] == "done"
    # Seconds; a loop over rows would be minutes.
    assert time.perf_counter() - start < 60
    assert data.raw.nbytes < 40 * table.X.memory_usage(deep=True).sum()


# Few rows of a class ----------------------------------------------------------------


def ours(monkeypatch, remedy):
    monkeypatch.setattr(Remedy, "is_ours", property(lambda self: True))
    return remedy


def test_our_samplers_lower_the_neighbours_themselves(monkeypatch):
    remedy = ours(monkeypatch, raw())
    model = LogisticRegression()
    many, few, one = (
        apply_remedy(remedy, model, class_counts=np.array([50, n])) for n in (9, 3, 1)
    )
    assert {a.sampler.k_neighbors for a in (many, few, one)} == {5}
    assert many.notes == ()
    assert few.notes == (
        "k_neighbors was lowered from 5 to 2: the smallest class has 3 training rows",
    )
    assert "has 1 training row" in one.notes[0]


def test_a_peers_sampler_is_told_and_refused():
    remedy = get_remedy("random_over")
    assert (
        apply_remedy(remedy, LogisticRegression(), class_counts=np.array([5, 1])).notes
        == ()
    )
    peer = dataclasses.replace(remedy, path="imblearn.over_sampling.SMOTE")
    few = apply_remedy(peer, LogisticRegression(), class_counts=np.array([50, 3]))
    assert few.estimator.named_steps["sampler"].k_neighbors == 2
    with pytest.raises(ValueError, match="at least 2 rows of a class"):
        apply_remedy(peer, LogisticRegression(), class_counts=np.array([50, 1]))


def test_a_class_of_one_row_is_a_cell_that_ran(monkeypatch):
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(40), np.ones(12), [2, 2]].astype(int)
    table = make_table(rng.normal(size=(54, 3)), y)
    remedy = ours(monkeypatch, raw())
    plan = make_plan(
        [table],
        estimators={"logistic": LogisticRegression()},
        remedies=[remedy],
        n_splits=2,
        n_repeats=1,
    )
    planned = plan.folds[0]
    (task,) = [t for t in planned.tasks if t.remedy.name == "shuffler"]
    data = planned.prepare()
    assert np.bincount(data.y_train)[2] == 1
    assert reason_against(remedy, task.estimator) == ""
    status, value = run_cell(task, data.for_task(task))[1:]
    assert status == "done", value
    assert any("has 1 training row" in note for note in value["notes"])


# With the library's own SMOTE --------------------------------------------------------


def test_smote_runs_on_a_mixed_table_with_holes_and_groups():
    frame = mixed_frame().assign(person=np.arange(400) // 8)
    for table in (
        mixed_table(),
        table_from_frame(frame, target="target", groups="person"),
    ):
        planned, task = first_fold(table, get_remedy("smote"))
        data = planned.prepare()
        status, value = run_cell(task, data)[1:]
        assert status == "done", value
        assert value["peak_memory_mb"] is None or value["peak_memory_mb"] < 500
        found = RawRows.unpack(data.raw)
        sampler = get_remedy("smote").resolve()(scaling="standard", random_state=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            X, y = found.resample(sampler, data.X_train, data.y_train, data.groups)
        # Of the notes, and of groups with one row of the rare class.
        assert {w.category for w in caught} == {SkoverfitWarning}
        assert any("names and identifiers" in str(w.message) for w in caught)
        assert np.ptp(np.bincount(y)) == 0
        assert np.isfinite(X).all()
        if data.groups is not None:
            parents = sampler.parents_[sampler.is_synthetic_]
            both = parents[(parents >= 0).all(axis=1)]
            assert len(both) > 20
            codes = data.groups[both]
            np.testing.assert_array_equal(codes[:, 0], codes[:, 1])


def test_smote_needs_no_second_row_of_a_class():
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(40), np.ones(12), [2, 2]].astype(int)
    result = run_bench(
        [make_table(rng.normal(size=(54, 3)), y)],
        estimators=["logistic"],
        remedies=["smote"],
        n_splits=2,
        n_repeats=1,
    )
    failed = {failure["remedy"] for failure in result.analysis["failures"]}
    assert failed == {"tuned threshold"}  # it tunes on inner folds
    assert any("has 1 training row" in note for note in result.analysis["notes"])


def test_adult_shows_smote_on_the_raw_mixed_table(real_data, tmp_path):
    table = load_table(real_data / "mixed_adult_train.csv.gz", target="target")
    few = dataclasses.replace(
        table,
        X=table.X[:3000],
        y=table.y[:3000],
        content_hash=f"{table.content_hash} head",
    )
    result = run_bench(
        [few], estimators=["logistic"], remedies=["smote"], n_splits=3, n_repeats=1
    )
    assert result.analysis["cells"] == {"planned": 9, "done": 9, "failed": 0}
    assert {c["remedy"] for c in result.analysis["comparisons"]} >= {"SMOTE"}
    result.write_report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "SMOTE on the raw table: rows are made from the columns" in page
