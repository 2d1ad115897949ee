# SPDX-License-Identifier: BSD-3-Clause
"""The section on leaks: each leak alone, and tables without one."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skoverfit.inspection import OverfittingReport
from skoverfit.inspection._report._sections import (
    _arms,
    _duplicates,
    _group_leak,
    _leakage,
    _target_leak,
    _time_leak,
)
from tests.inspection._report_parts import setup


def leaks(model, X, y, groups=None, **rows):
    report = OverfittingReport(model, sections=["leakage"], random_state=0)
    return report.fit(X, y, groups, **rows)


def confirmed(report):
    return {f.name for f in report.findings_ if f.confirmed}


def noise(n=300, p=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.integers(2, size=n)


def grouped(n_groups=30, n=450, p=5, seed=0):
    """Draw rows whose group tells the target and can be told from the columns."""
    rng = np.random.default_rng(seed)
    group = rng.integers(n_groups, size=n)
    centre = rng.normal(size=(n_groups, p))
    X = centre[group] + 0.3 * rng.normal(size=(n, p))
    y = (rng.random(n_groups) < 0.5)[group].astype(int)
    flipped = rng.random(n) < 0.1
    return X, np.where(flipped, 1 - y, y), group


# --- copies -------------------------------------------------------------------------


def with_copies(X, y, share=0.2, jitter=0.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(X), int(share * len(X)), replace=False)
    made = X[rows] + jitter * rng.normal(size=(len(rows), X.shape[1]))
    return np.concatenate([X, made]), np.concatenate([y, y[rows]])


@pytest.mark.parametrize("jitter", [0.0, 1e-6])
def test_copies_that_a_nearest_neighbour_profits_from_leak(jitter):
    X, y = with_copies(*noise(), jitter=jitter)
    report = leaks(KNeighborsClassifier(1), X, y)
    assert report.verdict_ == "leaky"
    assert confirmed(report) == {"duplicates", "copies_leak"}
    data = report.sections_["leakage"].data
    assert data["n_exact_copies"] + data["n_near_copies"] == 120
    assert (data["n_near_copies"] == 0) == (jitter == 0.0)
    # A third of the rows has a copy; it is in the training part in four of five cases.
    assert data["twin_share"] == pytest.approx(120 / 360 * 0.8, abs=0.05)


def test_copies_that_do_not_change_the_score_are_no_leak():
    X, y = make_classification(n_samples=400, random_state=0)
    report = leaks(LogisticRegression(), *with_copies(X, y))
    assert report.verdict_ == "healthy"
    assert confirmed(report) == {"duplicates"}


def test_equal_rows_of_a_coarse_table_are_no_copies():
    rng = np.random.default_rng(0)
    X = rng.integers(3, size=(500, 4)).astype(float)
    y = (rng.random(500) < 0.2 + 0.3 * (X[:, 0] == 1)).astype(int)
    problem, _ = setup(DecisionTreeClassifier(), X, y)
    assert _duplicates.coincidence_share(problem) < 0.6
    report = leaks(DecisionTreeClassifier(), X, y)
    assert not confirmed(report)
    assert any(
        "columns have few values" in n for n in report.sections_["leakage"].notes
    )

    copied, _ = setup(GaussianNB(), *with_copies(*noise()))
    assert _duplicates.coincidence_share(copied) == 1.0


def test_equal_rows_with_other_labels_are_counted():
    X, y = noise(100)
    X, y = np.concatenate([X, X[:10]]), np.concatenate([y, y[:10]])
    y[100:104] = 1 - y[100:104]
    report = leaks(GaussianNB(), X, y)
    estimates = report.sections_["leakage"].estimates
    assert estimates["conflict_rate"].value == pytest.approx(0.4)


def test_copies_inside_groups_are_kept_together():
    X, y = noise(200)
    X, y = np.concatenate([X, X]), np.concatenate([y, y])
    report = leaks(KNeighborsClassifier(1), X, y, groups=np.tile(np.arange(200), 2))
    assert report.sections_["leakage"].data["twin_share"] == 0.0
    # The effect of parting them is told, without a verdict.
    assert confirmed(report) == {"groups_matter"}
    assert report.verdict_ == "healthy"


def test_copies_across_groups_leak():
    X, y = with_copies(*noise())
    rng = np.random.default_rng(0)
    report = leaks(KNeighborsClassifier(1), X, y, groups=rng.integers(60, size=len(y)))
    assert "copies_leak" in confirmed(report)


def test_sparse_rows_are_compared_too():
    X, y = with_copies(*noise())
    X[np.abs(X) < 0.3] = 0.0
    report = leaks(KNeighborsClassifier(1), sp.csr_array(X), y)
    assert report.verdict_ == "leaky"


# --- how arms are made --------------------------------------------------------------


def test_halves_part_every_pair():
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(20), 2)
    rows = rng.permutation(40)
    first = _arms._halves(rows, clusters, None, rng)
    assert np.array_equal(np.sort(clusters[rows[first]]), np.arange(20))
    # Units inside clusters stay whole.
    parted = np.repeat(np.arange(10), 4)
    first = _arms._halves(rows, clusters // 10, parted, rng)
    assert not np.intersect1d(parted[rows[first]], parted[rows[~first]]).size


def test_as_many_rows_of_each_class_are_given_up():
    X, y = noise(200)
    problem, _ = setup(GaussianNB(), X, y)
    rows = np.random.default_rng(0).permutation(200)
    pool, model = rows[:150], rows[150:]
    drawn = _arms.take_alike(problem, pool, model, np.random.default_rng(1))
    assert np.isin(drawn, pool).all()
    assert len(np.unique(drawn)) == 50
    assert np.array_equal(np.bincount(problem.y[drawn]), np.bincount(problem.y[model]))


def test_components_join_chains():
    joined = _arms.components(np.array([0, 0, 1, 2, 3]), np.array([5, 6, 6, 7, 8]))
    assert joined[0] == joined[1] == joined[2]
    assert len(np.unique(joined)) == 3


# --- groups -------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [False, True])
def test_a_column_that_names_groups_is_found(as_text):
    X, y, group = grouped()
    table = pd.DataFrame(X, columns=list("abcde"))
    names = np.random.default_rng(1).permutation(30)[group]
    table["person"] = [f"p{i}" for i in names] if as_text else names
    columns = list("abcde")
    model = make_pipeline(_Chooser(columns), KNeighborsClassifier(3))
    report = leaks(model, table, y)
    assert report.verdict_ == "leaky"
    (found,) = [f for f in report.findings_ if f.name == "group_leak"]
    assert "person" in found.message
    assert "groups" in found.advice


class _Chooser(StandardScaler):
    """Scales some columns of a frame and drops the others."""

    def __init__(self, columns):
        super().__init__()
        self.columns = columns

    def fit(self, X, y=None):
        """Fit to the columns."""
        return super().fit(X[self.columns].to_numpy())

    def transform(self, X):
        """Scale the columns."""
        return super().transform(X[self.columns].to_numpy())


def test_groups_of_the_user_are_a_finding_without_verdict():
    X, y, group = grouped()
    report = leaks(KNeighborsClassifier(3), X, y, groups=group)
    assert confirmed(report) == {"groups_matter"}
    assert report.verdict_ == "healthy"


def test_random_groups_pretend_nothing():
    X, y = make_classification(n_samples=300, random_state=0)
    groups = np.random.default_rng(0).integers(40, size=300)
    report = leaks(RandomForestClassifier(10), X, y, groups=groups)
    assert not confirmed(report)


def test_informative_columns_of_few_values_are_no_groups():
    rng = np.random.default_rng(0)
    n = 600
    level = rng.integers(12, size=n)
    age = rng.integers(18, 80, size=n)
    schooling = rng.integers(1, 17, size=n)
    income = 2 * schooling + 0.1 * age + rng.normal(0, 3, n)
    effect = rng.normal(0, 1.5, 12)
    chance = 1 / (1 + np.exp(-effect[level] - 0.05 * (age - 49) - 0.2 * (income - 22)))
    table = pd.DataFrame(
        {
            "job": pd.Categorical([f"job {i}" for i in level]),
            "age": age,
            "schooling": schooling,
            "income": income,
        }
    )
    problem, _ = setup(
        make_pipeline(_Chooser(["age", "schooling", "income"]), GaussianNB()),
        table,
        (rng.random(n) < chance).astype(int),
    )
    assert _group_leak.candidates(problem) == []


def test_a_code_beside_its_text_counts_as_one_column():
    rng = np.random.default_rng(0)
    level = rng.integers(12, size=400)
    table = pd.DataFrame({"x": rng.normal(size=400), "code": level})
    table["text"] = [f"level {i}" for i in level]
    problem, _ = setup(
        make_pipeline(_Chooser(["x"]), GaussianNB()), table, rng.integers(2, size=400)
    )
    assert _group_leak.candidates(problem) == []


@pytest.mark.parametrize("model", [LogisticRegression(max_iter=300), GaussianNB()])
def test_speakers_of_vowels_are_found(real_data, model):
    table = pd.read_csv(real_data / "multi_vowel.csv.gz")
    X, y = table.iloc[:, :-1].to_numpy(), table["target"].to_numpy()
    report = leaks(make_pipeline(StandardScaler(), model), X, y)
    assert report.verdict_ == "leaky"
    assert "group_leak" in confirmed(report)


@pytest.mark.parametrize("name", ["mixed_german", "smote_pima", "imb_yeast_me2"])
def test_ordinary_tables_are_not_leaky(real_data, name):
    table = pd.read_csv(real_data / f"{name}.csv.gz")
    X, y = table.iloc[:, :-1], table["target"].to_numpy()
    X = X.select_dtypes("number")
    report = leaks(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    assert report.verdict_ == "healthy"


# --- the target among the columns ---------------------------------------------------


def test_the_target_with_few_errors_is_found():
    X, y = make_classification(n_samples=300, random_state=0)
    rng = np.random.default_rng(0)
    late = np.where(rng.random(300) < 0.02, 1 - y, y)
    report = leaks(LogisticRegression(), np.column_stack([X, late]), y)
    assert confirmed(report) == {"target_leak"}
    assert report.verdict_ == "leaky"
    assert "column 20 alone" in report.findings_[0].message


def test_the_target_among_numbers_is_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = X[:, 0] + rng.normal(size=300)
    late = y + 0.1 * rng.normal(size=300)
    assert leaks(Ridge(), np.column_stack([X, late]), y).verdict_ == "leaky"
    assert leaks(Ridge(), X, y).verdict_ == "healthy"


def test_missing_values_that_tell_the_target_are_found():
    X, y = make_classification(n_samples=300, flip_y=0.2, random_state=0)
    X = X.copy()
    X[y == 1, 7] = np.nan
    report = leaks(DecisionTreeClassifier(max_depth=4), X, y)
    assert confirmed(report) == {"target_leak"}
    assert "column 7" in report.findings_[0].message


def test_a_category_that_is_the_target_is_found():
    X, y = make_classification(n_samples=300, random_state=0)
    table = pd.DataFrame(X[:, :3], columns=list("abc"))
    table["outcome"] = np.array(["no", "yes"])[y]
    model = make_pipeline(_Chooser(list("abc")), GaussianNB())
    assert leaks(model, table, y).verdict_ == "leaky"


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_good_columns_are_no_leak(load):
    X, y = load(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    report = leaks(model, X, y)
    assert report.verdict_ == "healthy"
    assert "target_leak" not in confirmed(report)


def test_shares_that_columns_explain():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=300)
    X = np.column_stack([y, rng.normal(size=300)]).astype(float)
    problem, evidence = setup(GaussianNB(), X, y)
    shares = dict(_target_leak.column_scores(problem, evidence))
    assert shares["column 0"] == 1.0
    assert abs(shares["column 1"]) < 0.15


# --- time ---------------------------------------------------------------------------


def test_blocks_of_time_lie_after_what_is_trained_on():
    time = np.sort(np.random.default_rng(0).integers(40, size=300))[::-1]
    blocks = _time_leak.forward_blocks(time)
    assert len(blocks) == 8
    for past, block in blocks:
        assert time[past].max() < time[block].min()
    tested = np.concatenate([block for _, block in blocks])
    assert len(np.unique(tested)) == len(tested)
    # The control needs rows that come later.
    assert time[tested].max() < time.max()


def test_a_rule_that_changes_in_time_is_a_shift():
    rng = np.random.default_rng(0)
    n = 600
    when = np.arange(n)
    X = rng.normal(size=(n, 4))
    angle = np.pi * when / n
    y = (np.cos(angle) * X[:, 0] + np.sin(angle) * X[:, 1] > 0).astype(int)
    order = rng.permutation(n)
    report = leaks(LogisticRegression(), X[order], y[order], time=when[order])
    assert report.verdict_ == "shifted"
    assert "time_drift" in confirmed(report)


def test_rows_without_time_in_them_do_not_drift():
    X, y = make_classification(n_samples=400, random_state=0)
    report = leaks(GaussianNB(), X, y, time=pd.date_range("2020", periods=400))
    assert not confirmed(report)
    assert "time_effect" in report.sections_["leakage"].estimates


def test_errors_that_depend_on_the_one_before_are_told():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    wave = np.convolve(rng.normal(size=420), np.ones(20) / 4, "same")[:400]
    report = leaks(Ridge(), X, X[:, 0] + wave, time=np.arange(400))
    assert "autocorrelated_errors" in confirmed(report)


# --- remarks ------------------------------------------------------------------------


def test_a_table_that_was_scaled_before_is_remarked():
    X, y = make_classification(n_samples=100, random_state=0)
    scaled = StandardScaler().fit_transform(X)
    assert _leakage._scaled_before(setup(GaussianNB(), scaled, y)[0])
    assert not _leakage._scaled_before(setup(GaussianNB(), X, y)[0])
    inside = make_pipeline(StandardScaler(), GaussianNB())
    assert not _leakage._scaled_before(setup(inside, scaled, y)[0])


def test_what_does_not_fit_into_the_budget_is_said():
    X, y = with_copies(*noise())
    problem, evidence = setup(KNeighborsClassifier(1), X, y, budget=1e6)
    object.__setattr__(evidence, "seconds_per_fit", 1e9)
    section = _leakage.run(problem, evidence)
    assert any(note.startswith("Not looked for copies") for note in section.notes)
    assert "target_leak" in {f.name for f in section.findings}
