"""Numbers as targets: detection, folds, scores, verdicts, report and command."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error
from typer.testing import CliRunner

from skoverfit.bench import Scenario, make_estimators, run_bench, table_from_frame
from skoverfit.bench._bench import make_plan
from skoverfit.bench._cli import ExitCode, app
from skoverfit.bench._protocol import inner_folds, make_folds
from skoverfit.bench._report import render_report
from skoverfit.bench._scores import score_numbers, training_sample
from skoverfit.bench._targets import read_target
from skoverfit.catalogue import Remedy, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._apply import reason_against, stronger_settings

WEAK = {"ridge": Ridge(alpha=1e-8)}
NETS = ["mixup", "early_stopping", "weight_averaging", "weight_decay", "regularization",
        "pretraining"]  # fmt: skip


def make_frame(n=120, d=3, noise=1.0, seed=0, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{i}" for i in range(d)])
    frame["y"] = frame["x0"] + noise * rng.normal(size=n)
    return frame.assign(**columns)


def make_table(**options):
    return table_from_frame(make_frame(**options), target="y", name="numbers")


# Detection ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "task"),
    [
        (np.linspace(0, 1, 40), "regression"),
        (np.arange(120), "regression"),
        (np.repeat(np.arange(60), 2), "classification"),
        (np.repeat([0.5, 1.5, 2.25], 10), "classification"),
        (np.arange(120).astype(str), None),  # refused: an identifier, no classes
        (np.repeat([True, False], 10), "classification"),
    ],
)
def test_the_task_is_found_from_the_values(column, task):
    if task is None:
        with pytest.raises(BadInputError, match="identifier"):
            read_target(pd.Series(column), name="t")
        return
    y, names, _ = read_target(pd.Series(column), name="t")
    assert ("classification" if names else "regression") == task
    assert y.dtype == (np.float64 if task == "regression" else np.int64)


def test_the_task_can_be_said_and_the_guess_is_told():
    whole = pd.Series(np.repeat(np.arange(60), 2))
    y, names, notes = read_target(whole, name="t", task="regression")
    assert (y.dtype, names, notes) == (np.float64, (), ())
    assert "--task regression" in read_target(whole, name="t")[2][0]
    many = pd.Series(np.repeat(np.arange(150), 2))
    assert len(read_target(many, name="t", task="classification")[1]) == 150
    assert "--task classification" in read_target(many, name="t")[2][0]
    # Few numbers are classes for everybody: nothing to say.
    assert read_target(pd.Series([0, 1] * 9), name="t")[2] == ()
    lonely = pd.Series([*range(30), *range(29)])
    with pytest.raises(BadInputError, match="--task regression"):
        read_target(lonely, name="t")


@pytest.mark.parametrize(
    ("column", "options", "words"),
    [
        (np.linspace(0, 1, 40), {"positive": 1}, "needs a target of two classes"),
        (np.linspace(0, 1, 40), {"task": "ranking"}, "'ranking' is neither"),
        (["a", "b"] * 9, {"task": "regression"}, "'a', which are no numbers"),
        ([1.0, np.inf] * 9, {"task": "regression"}, "9 infinite values"),
        ([2.0] * 18, {"task": "regression"}, "single value '2'"),
        ([1e300, -1e300] * 9, {"task": "regression"}, "variance is out of range"),
        ([0.5, None] * 9, {"task": "regression"}, "missing in 9 of 18"),
    ],
)
def test_what_is_no_number_is_refused_in_a_sentence(column, options, words):
    with pytest.raises(BadInputError, match=words) as caught:
        read_target(pd.Series(column), name="t", **options)
    assert str(caught.value).endswith(".")


# Folds -------------------------------------------------------------------------------


def test_groups_never_straddle_folds_and_time_goes_forward():
    rng = np.random.default_rng(0)
    frame = make_frame(group=rng.integers(0, 20, 120), when=rng.permutation(120))
    grouped = table_from_frame(frame, target="y", groups="group")
    folds = list(make_folds(grouped, n_splits=4, n_repeats=2, seed=0))
    assert len(folds) == 8
    for fold in folds:
        train, test = grouped.groups[fold.train], grouped.groups[fold.test]
        assert not set(train) & set(test)
        inner = inner_folds(
            grouped.y[fold.train],
            groups=train,
            time=None,
            random_state=0,
            task="regression",
        )
        assert len(inner) == 3
        assert all(not set(train[a]) & set(train[b]) for a, b in inner)
    timed = table_from_frame(frame, target="y", time="when")
    for fold in make_folds(timed, n_splits=4, n_repeats=5, seed=0):
        assert timed.time[fold.train].max() < timed.time[fold.test].min()
    blocks = inner_folds(
        timed.y, groups=None, time=timed.time, random_state=0, task="regression"
    )
    for _, test in blocks:
        assert np.ptp(timed.time[test]) == len(test) - 1


def test_every_row_is_tested_once_and_folds_keep_two_rows():
    table = make_table(n=25)
    tested = [f.test for f in make_folds(table, n_splits=5, n_repeats=1, seed=1)]
    assert sorted(np.concatenate(tested)) == list(range(25))
    with pytest.raises(BadInputError, match="--folds 12 or fewer"):
        list(make_folds(table, n_splits=13, n_repeats=1, seed=0))


# Scores ------------------------------------------------------------------------------


def test_scores_are_those_of_their_formulas():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(200, 2)), rng.normal(5, 3, 200)
    model = Ridge().fit(X[:120], y[:120])
    found = score_numbers(
        model,
        X[120:],
        y[120:],
        seen=(X[:120], y[:120]),
        y_train=y[:120],
        center=5.0,
        scale=2.0,
    )
    predicted, truth = model.predict(X[120:]), y[120:]
    test = found["test"]
    assert test["rmse"] == pytest.approx(
        mean_squared_error(truth, predicted) ** 0.5 / 2
    )
    assert test["absolute"] == pytest.approx(np.abs(truth - predicted).mean() / 2)
    ranks = np.corrcoef(rankdata(truth), rankdata(predicted))[0, 1]
    assert test["spearman"] == pytest.approx(ranks)
    ends = np.argsort(truth)[[0, 1, 2, 3, -4, -3, -2, -1]]  # a twentieth of 80 is 4
    assert test["extremes"] == pytest.approx(np.abs(truth - predicted)[ends].mean() / 2)
    dummy = {}
    for strategy in ("mean", "median"):
        guess = DummyRegressor(strategy=strategy).fit(X[:120], y[:120]).predict(X[120:])
        dummy[strategy] = np.abs(truth - guess)
    assert found["dummy"]["rmse"] == pytest.approx(
        np.sqrt((dummy["mean"] ** 2).mean()) / 2
    )
    assert found["dummy"]["absolute"] == pytest.approx(dummy["median"].mean() / 2)
    assert found["dummy"]["spearman"] == 0
    # Bins of predictions: rows, and the sums that means and intervals come from.
    bins = np.array(found["reliability"])[:, 1:].sum(axis=0)
    expected = [len(truth), (predicted - 5).sum() / 2, (truth - 5).sum() / 2]
    np.testing.assert_allclose(bins, [*expected, ((truth - 5) ** 2).sum() / 4])


def test_a_sample_of_training_rows_keeps_the_range():
    y = np.random.default_rng(0).exponential(size=30_000)
    X, seen = training_sample(y[:, None], y)
    assert len(seen) == 10_000
    np.testing.assert_array_equal(X[:, 0], seen)
    for q in (0.05, 0.5, 0.95):
        assert np.mean(seen < np.quantile(y, q)) == pytest.approx(q, abs=2e-4)


def test_the_unit_of_the_target_changes_nothing():
    table = make_table(n=60)
    other = dataclasses.replace(table, y=1000 * table.y - 7)  # with the same hash
    options = {"estimators": ["ridge"], "n_repeats": 1, "remedies": ["regularization"]}
    a, b = (run_bench([t], **options).analysis for t in (table, other))
    for one, two in zip(a["leaderboard"], b["leaderboard"], strict=True):
        assert one["score"] == pytest.approx(two["score"], rel=1e-6)
    dummy = a["tables"][0]["dummy"]
    # In standard deviations, so that predicting the mean is off by about 1.
    assert dummy["error"] == pytest.approx(1, abs=0.1)
    assert dummy["order"] == 0


# Verdicts ----------------------------------------------------------------------------


def outcomes(analysis):
    return {(c["question"], c["remedy"]): c["outcome"] for c in analysis["comparisons"]}


def test_a_planted_overfit_is_helped_by_regularization():
    # 90 columns for 80 rows, which are just interpolated.
    table = make_table(n=100, d=90, noise=0.5)
    analysis = run_bench(
        [table], estimators=WEAK, remedies=["regularization"], n_repeats=4
    ).analysis
    assert analysis["cells"]["failed"] == 0
    found = outcomes(analysis)
    assert found["error", "stronger regularization"] == "helps"
    verdict = next(v for v in analysis["verdicts"] if v["question"] == "error")
    assert verdict["helps"]
    assert "Stronger regularization with ridge regression helps" in verdict["sentence"]
    # Predictions of an overfitted model are too extreme; regularized ones less so.
    slopes = {}
    for curve in analysis["reliability"]:
        x, y = ([p[key] for p in curve["points"]] for key in ("predicted", "observed"))
        slopes[curve["remedy"]] = np.polyfit(x, y, 1)[0]
    assert slopes["nothing"] < 0.4 < 0.6 < slopes["stronger regularization"]


def test_wrong_numbers_are_helped_by_dropping_them():
    rng = np.random.default_rng(1)
    frame = make_frame(n=200, d=8, noise=0.1)
    wrong = rng.choice(200, 10, replace=False)
    frame.loc[wrong, "y"] += 60 * rng.choice([-1, 1], 10)
    analysis = run_bench(
        [table_from_frame(frame, target="y")],
        estimators={"ridge": Ridge()},
        remedies=["cleaned_regressor"],
        n_repeats=3,
    ).analysis
    assert outcomes(analysis)["order", "suspect numbers dropped"] == "helps"


def test_on_permuted_targets_no_remedy_helps():
    frame = make_frame(n=80, d=40)
    frame["y"] = np.random.default_rng(5).permutation(frame["y"])
    analysis = run_bench(
        [table_from_frame(frame, target="y")],
        estimators=WEAK,
        remedies=["regularization", "cleaned_regressor"],
        n_repeats=3,
    ).analysis
    # Shrinking a model of noise moves its error by a lot, and yet is no help.
    gains = [
        c["difference"] for c in analysis["comparisons"] if c["question"] == "error"
    ]
    assert max(gains) > 0.1
    assert "helps" not in outcomes(analysis).values()
    assert analysis["headline"] == "No remedy helps here."
    assert "predicting the same number" in analysis["verdicts"][0]["sentence"]


def test_nothing_under_a_second_name_differs_by_exactly_nothing():
    twin = Remedy(
        name="nothing2",
        title="twin",
        path="",
        kind="none",
        role="baseline",
        tasks=("regression",),
    )
    analysis = run_bench(
        [make_table(n=50)],
        estimators=make_estimators(["forest"], small=True, task="regression"),
        remedies=[twin],
        n_splits=3,
        n_repeats=1,
    ).analysis
    assert len(analysis["comparisons"]) == 4
    for comparison in analysis["comparisons"]:
        assert comparison["difference"] == 0
        assert comparison["lower"] == comparison["upper"] == 0


def test_remedies_for_rare_values_run_where_there_are_such():
    rng = np.random.default_rng(0)
    frame = make_frame(n=90, town=rng.choice(["Oslo", "Bergen"], 90))
    plain = {"estimators": ["ridge"], "remedies": ["smogn", "smoter"], "n_repeats": 1}
    skewed = table_from_frame(frame.assign(y=np.exp(frame["y"])), target="y")
    found = run_bench([skewed], n_splits=3, **plain).analysis
    assert found["cells"]["failed"] == 0
    assert {c["remedy"] for c in found["comparisons"]} == {"SMOGN", "SMOTER"}
    even = table_from_frame(frame.assign(y=np.linspace(0, 1, 90)), target="y")
    none = run_bench([even], n_splits=3, **plain).analysis
    assert none["cells"]["failed"] == 0
    assert not none["comparisons"]
    assert all("rare" in row["reason"] for row in none["skipped"])


# What can't be combined --------------------------------------------------------------


def test_classes_and_numbers_are_kept_apart():
    numbers = make_table()
    classes = table_from_frame(
        make_frame(y=np.tile([0, 1], 60)), target="y", name="classes"
    )
    with pytest.raises(BadInputError, match="measure them in two runs"):
        make_plan([numbers, classes])
    with pytest.raises(BadInputError, match="can only be measured as it is"):
        make_plan([numbers], scenarios=[Scenario("rare", imbalance_ratio=5)])
    with pytest.raises(BadInputError, match="must be a regressor"):
        make_plan([numbers], estimators={"log": LogisticRegression()})
    with pytest.raises(BadInputError, match="'logistic' is one for classification"):
        make_plan([numbers], estimators=["logistic"])
    with pytest.raises(BadInputError, match="'ridge' is one for regression"):
        make_plan([classes], estimators=["ridge"])
    chosen = {remedy.name for remedy in make_plan([numbers]).remedies}
    assert chosen == {"nothing", "regularization", "smogn", "cleaned_regressor"}
    assert "treats numbers" in reason_against(get_remedy("smogn"), LogisticRegression())
    assert "treats classes" in reason_against(get_remedy("smote"), Ridge())


def test_a_ridge_is_regularized_from_where_it_counts():
    alphas = [s["alpha"] for s in stronger_settings(Ridge(alpha=1e-8))]
    assert alphas == [1, 10, 100]
    assert [s["alpha"] for s in stronger_settings(Ridge())] == [10, 100, 1000]


# Net, report and command -------------------------------------------------------------


def test_the_net_has_its_remedies():
    net = make_estimators(["plain_mlp"], small=True, task="regression")["plain_mlp"]
    net.set_params(hidden_layer_sizes=(4,), max_epochs=3)
    analysis = run_bench(
        [make_table(n=40)],
        estimators={"plain_mlp": net},
        remedies=NETS,
        n_splits=2,
        n_repeats=1,
    ).analysis
    assert analysis["cells"]["failed"] == 0, analysis["failures"]
    assert len({c["remedy"] for c in analysis["comparisons"]}) == len(NETS)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "rent.csv"
    rng = np.random.default_rng(2)
    town = rng.choice(["Oslo", "Łódź", None], 90)
    make_frame(n=90, town=town).to_csv(path, index=False)
    return path


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        result.exception
    )
    return result


def test_the_command_writes_a_report_of_numbers(csv, tmp_path):
    out = tmp_path / "out"
    line = ["bench", "--data", csv, "--target", "y", "--estimators", "ridge"]
    line += ["--folds", "3", "--repeats", "1", "--n-jobs", "1", "--quiet"]
    result = run(*line, "--output", out, "--json")
    assert result.exit_code == ExitCode.COMPLETE, result.output
    answer = json.loads(result.stdout)
    assert answer["task"] == "regression"
    assert [v["question"] for v in answer["verdicts"]] == [
        "error",
        "typical",
        "order",
        "extremes",
    ]
    page = (out / "rent.html").read_text()
    for words in (
        "Four questions",
        "read as a number to predict",
        "standard deviation",
        "Predicted against observed",
    ):
        assert words in page
    for words in ("class shares", "probabilities", "log-loss", "stratified"):
        assert words not in page
    # The report is a function of the analysis that the store gives back.
    again = tmp_path / "again.html"
    run("report", out / "store.sqlite", "--output", again)
    assert again.read_text() == page
    del answer["tables"][0]["numbers"]  # as of an older analysis
    assert render_report(answer)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "clustering"], "'clustering' is neither"),
        (["--task", "classification"], "one row only in the classes"),
        (["--estimators", "logistic"], "is one for classification"),
        (["--remedies", "smote"], ""),
        (["--positive", "1"], "--task classification"),
    ],
)
def test_bad_input_is_one_sentence(csv, tmp_path, arguments, words):
    out = tmp_path / "out"
    line = ["bench", "--data", csv, "--target", "y", "--output", out, *arguments]
    if not words:  # what is left out is said in the report, nothing is refused
        result = run(*line, "--list-cells")
        assert result.exit_code == 0
        assert "smote" not in result.stdout
        return
    result = run(*line)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not out.exists()
