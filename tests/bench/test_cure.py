"""A model from the command line: found, saved safely, and applied to raw rows."""

import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.svm import SVC
from typer.testing import CliRunner

import skoverfit
from skoverfit.bench import table_from_frame
from skoverfit.bench._cli import ExitCode, app
from skoverfit.bench._cure import cure_table, what_predicts
from skoverfit.bench._named_estimator import named_estimator, prepared_pipeline
from skoverfit.bench._plain_encoders import PlainVectorizer
from skoverfit.bench._preparation import FoldPreparation, plain_rows, prepare_fold
from skoverfit.bench._readers import read_frame
from skoverfit.bench._table_model import TableModel
from skoverfit.bench._table_preparation import TablePreparation
from skoverfit.catalogue import get_remedies, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._apply import reason_against
from skoverfit.model_selection._candidates import Candidate, build_candidate
from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import Pipeline

FAST = ["--estimator", "logistic", "--remedies", "class_weight,smote", "--folds", "3"]
FAST += ["--n-jobs", "1", "--quiet"]


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        result.exception
    )
    return result


def people(n=120, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(1),
            "zip": rng.choice(["0150", "0301", "5003"], n),
            "city": rng.choice(["Oslo", "Łódź", None], n),
            "since": pd.date_range("2001-05-01", periods=n, freq="37D").strftime(
                "%Y-%m-%d"
            ),
            "job": [f"number {i % 47} of {rng.integers(9)}" for i in range(n)],
            "children": rng.choice([0, 1, 2, np.nan], n),
        }
    )
    frame["paid"] = np.where(frame["age"] + rng.normal(0, 6, n) > 48, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def cured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cure")
    people().to_csv(folder / "people.csv", index=False)
    model = folder / "model.skops"
    line = ["cure", "--data", folder / "people.csv", "--target", "paid", *FAST]
    result = run(*line, "--output", model)
    assert result.exit_code == ExitCode.COMPLETE, result.output
    return folder, model, result


# The preparation as plain values -----------------------------------------------------


def kinds(n=150, seed=0):
    """One column of every kind, with holes."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2020-01-31", periods=n, freq="29h")
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "flag": rng.choice([True, False], n),
            "holes": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "few": rng.choice(["a", "b", None], n),
            "many": [f"word {i % 83} {rng.integers(99)}" for i in range(n)],
            "digits": rng.choice(["1", "2.5", "x"], n),
            "numbers as text": rng.integers(0, 99, n).astype(str),
            "day": days.strftime("%Y-%m-%d"),
            "date": days,
            "zoned": days.tz_localize("Europe/Oslo"),
            "category": pd.Categorical(rng.choice(["u", "v", "w"], n)),
            "constant": "same",
            "empty": pd.Series([None] * n, dtype=object),
        }
    )
    return plain_rows(frame)


def test_plain_values_encode_as_skrub_does():
    rows = kinds()
    fitted = FoldPreparation("t")
    fitted.fit_transform(rows)
    new = kinds(seed=1).assign(few=["never seen", *kinds(seed=1)["few"][1:]])
    expected = fitted.transform(new)
    plain = fitted.plain_state()
    again = FoldPreparation.from_plain(plain)
    np.testing.assert_array_equal(again.transform(new), expected)
    # Of what was read from a file another file can be made.
    third = FoldPreparation.from_plain(again.plain_state())
    np.testing.assert_array_equal(third.transform(new), expected)
    assert isinstance(again._vectorizer, PlainVectorizer)
    written = json.dumps(plain, default=lambda value: type(value).__module__)
    assert "skrub." not in written


def test_the_step_prepares_as_a_fold_does_and_survives_files(tmp_path):
    table = table_from_frame(people(), target="paid")
    train, test = np.arange(80), np.arange(80, 120)
    fold = prepare_fold(table, train, test, random_state=3)
    step = TablePreparation("t", 3)
    np.testing.assert_array_equal(step.fit_transform(table.X.iloc[train]), fold.X_train)
    skoverfit.save(step, tmp_path / "step.skops")
    for copy in (
        pickle.loads(pickle.dumps(step)),
        skoverfit.load(tmp_path / "step.skops"),
        clone(step).fit(table.X.iloc[train]),
    ):
        np.testing.assert_array_equal(copy.transform(table.X.iloc[test]), fold.X_test)
    names = zipfile.ZipFile(tmp_path / "step.skops").read("schema.json").decode()
    assert "skrub._" not in names


def test_an_encoder_that_is_not_listed_is_refused_from_both_sides():
    vectorizer = FoldPreparation("t")
    vectorizer.fit_transform(kinds())
    chains = PlainVectorizer.of(vectorizer._vectorizer).chains
    chains["many"][0]["kind"] = "Popen"
    with pytest.raises(ValueError, match="unknown encoder of columns, 'Popen'"):
        PlainVectorizer(chains, [])


# Cure --------------------------------------------------------------------------------


def test_cure_says_what_it_found_and_saves_it(cured):
    folder, model, result = cured
    assert "Honest balanced_accuracy of what is saved: " in result.stdout
    assert f"Model: {model}" in result.stdout
    loaded = skoverfit.load(model)
    estimate = loaded.estimate
    low, high = estimate["interval"]
    assert low <= estimate["corrected"] <= high
    assert estimate["remedy"] in ("nothing", "class_weight", "smote")
    assert loaded.class_names == ["no", "yes"]
    assert [path.name for path in folder.glob("*.fits*")] == []


def test_predict_gives_what_the_fitted_search_gives(tmp_path):
    frame = people()
    table = table_from_frame(frame, target="paid")
    model, search = cure_table(
        table, LogisticRegression(), target="paid", remedies=["regularization"],
        n_splits=3,
    )  # fmt: skip
    skoverfit.save(model, tmp_path / "m.skops")
    loaded = skoverfit.load(tmp_path / "m.skops")
    new = people(seed=1).drop(columns="paid")
    rows = table_from_frame(people(seed=1), target="paid").X
    np.testing.assert_allclose(
        loaded.predict_proba(new), search.best_estimator_.predict_proba(rows)
    )
    named = np.array(["no", "yes"])[search.best_estimator_.predict(rows)]
    np.testing.assert_array_equal(loaded.predict(new), named)


def test_the_file_of_predictions(cured, tmp_path):
    _, model, _ = cured
    new = people(seed=1)
    new.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    line = ["predict", "--model", model, "--data", tmp_path / "new.csv"]
    result = run(*line, "--output", out, "--keep", "age,paid")
    assert result.exit_code == 0, result.output
    assert "120 predictions of 'paid'" in result.stdout
    made = pd.read_csv(out)
    assert list(made) == ["age", "paid", "prediction", "probability_no",
                          "probability_yes"]  # fmt: skip
    proba = made[["probability_no", "probability_yes"]].to_numpy()
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(made["age"], new["age"])
    assert (made["prediction"] == made["paid"]).mean() > 0.7
    np.testing.assert_allclose(skoverfit.load(model).predict_proba(new), proba)


def test_texts_that_look_like_numbers_stay_texts(cured, tmp_path):
    _, model, _ = cured
    new = people(seed=1).assign(zip="0150", children=1)
    new.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    run("predict", "--model", model, "--data", tmp_path / "new.csv", "--output", out)
    expected = skoverfit.load(model).predict_proba(new)[:, 1]
    np.testing.assert_allclose(pd.read_csv(out)["probability_yes"], expected)
    # A number in a frame is told by its text as well as may be.
    single = people(seed=1).assign(job=7)
    assert len(skoverfit.load(model).predict(single)) == 120


def test_a_file_of_text_gives_what_a_file_of_types_gives(tmp_path):
    frame = kinds(100).drop(columns="empty")
    frame["y"] = np.where(frame["number"] > 0, "up", "down")
    table = table_from_frame(frame, target="y")
    pipeline = prepared_pipeline(LogisticRegression(), table, 0)
    model = TableModel(pipeline.fit(table.X, table.y), table, target="y", estimate={})
    new = kinds(40, seed=3)
    new.to_csv(tmp_path / "new.csv", index=False)
    read, _ = read_frame(tmp_path / "new.csv", text=model.text_columns)
    np.testing.assert_allclose(model.predict_proba(read), model.predict_proba(new))
    local = new.assign(zoned=new["zoned"].dt.tz_localize(None))
    np.testing.assert_allclose(model.predict_proba(local), model.predict_proba(new))
    for name, values in (("date", 7), ("number", new["date"]), ("zoned", "soon")):
        with pytest.raises(BadInputError, match=f"'{name}' holds .* in row 1, and was"):
            model.predict(new.assign(**{name: values}))


def test_numbers_are_cured_and_predicted(tmp_path):
    frame = people().drop(columns="paid")
    rng = np.random.default_rng(1)
    frame["rent"] = 30 * frame["age"] + rng.normal(0, 100, len(frame))
    frame.to_csv(tmp_path / "rent.csv", index=False)
    model, out = tmp_path / "m.skops", tmp_path / "p.csv"
    line = ["cure", "--data", tmp_path / "rent.csv", "--target", "rent"]
    line += ["--estimator", "sklearn.linear_model.Ridge(alpha=3)", "--n-jobs", "1"]
    line += ["--remedies", "regularization", "--folds", "3", "--json", "--quiet"]
    result = run(*line, "--output", model)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["estimator"] == "Ridge(alpha=3)"
    run("predict", "--model", model, "--data", tmp_path / "rent.csv", "--output", out)
    made = pd.read_csv(out)
    assert list(made) == ["prediction"]
    assert np.corrcoef(made["prediction"], frame["rent"])[0, 1] > 0.9


def test_time_goes_forward_and_groups_stay_whole():
    frame = people().assign(when=np.arange(120)[::-1], house=np.arange(120) // 4)
    table = table_from_frame(frame, target="paid", time="when", groups="house")
    _, search = cure_table(
        table, LogisticRegression(), target="paid", remedies=["class_weight"],
        n_splits=3,
    )  # fmt: skip
    for train, test in search.cv:
        assert table.time[train].max() < table.time[test].min()
        assert not set(table.groups[train]) & set(table.groups[test])
    assert search.n_splits_ == 3


def test_what_predicts_has_neither_search_nor_sampler():
    table = table_from_frame(people().drop(columns="since"), target="paid")
    pipeline = Pipeline(
        [
            ("sampler", SMOTE(random_state=0)),
            *prepared_pipeline(LogisticRegression(), table, 0).steps,
        ]
    ).fit(table.X, table.y)
    slim = what_predicts(pipeline)
    assert list(slim.named_steps) == ["prepare", "model"]
    np.testing.assert_array_equal(
        slim.predict_proba(table.X), pipeline.predict_proba(table.X)
    )


REMEDIES = [
    *((remedy, LogisticRegression()) for remedy in get_remedies()),
    *((remedy, Ridge()) for remedy in get_remedies()),
    (get_remedy("pretraining"), Ridge()),
    (get_remedy("smoter"), Ridge()),
]


@pytest.mark.parametrize(
    ("remedy", "estimator"),
    [pair for pair in REMEDIES if not reason_against(*pair)],
    ids=lambda value: getattr(value, "name", type(value).__name__),
)
def test_whatever_is_found_can_be_saved(remedy, estimator, tmp_path):
    frame = people(80).drop(columns="since")
    target = "paid"
    if is_regressor(estimator):
        target, frame["rent"] = "rent", np.exp(frame["age"] / 9)
    table = table_from_frame(frame, target=target)
    numbers = table.task == "regression"
    applied = build_candidate(
        Candidate(remedy.name, remedy),
        prepared_pipeline(estimator, table, 0),
        class_counts=np.array([80]) if numbers else np.bincount(table.y),
        inner_cv=KFold(2) if numbers else StratifiedKFold(2),
        random_state=0,
    )
    fitted = applied.estimator.fit(table.X, table.y)
    model = TableModel(what_predicts(fitted), table, target=target, estimate={})
    skoverfit.save(model, tmp_path / "m.skops")
    again = skoverfit.load(tmp_path / "m.skops")
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    np.testing.assert_array_equal(
        again.predict(frame), again.named(fitted.predict(table.X))
    )


# Refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns=["age", "zip"]), "lacks the columns 'age', 'zip'"),
        (lambda f: f.assign(age=["?", "abc", *f["age"][2:]]), "holds abc in row 2"),
        (lambda f: f.assign(age=[np.inf, *f["age"][1:]]), "infinite"),
        (lambda f: f.iloc[:0], "no rows"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(cured, tmp_path, change, words):
    _, model, _ = cured
    change(people(seed=1)).to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    out.write_text("precious")
    line = ["predict", "--model", model, "--data", tmp_path / "new.csv"]
    result = run(*line, "--output", out)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert out.read_text() == "precious"


def test_a_file_that_is_no_safe_model_is_refused_unread(cured, tmp_path):
    folder, _, _ = cured
    line = ["predict", "--data", folder / "people.csv", "--output", tmp_path / "o.csv"]
    table = table_from_frame(people(), target="paid")
    model = SVC().fit(np.eye(2), [0, 1])
    foreign = TableModel(model, table, target="paid", estimate={})
    skops.io.dump(foreign, tmp_path / "foreign.skops")
    (tmp_path / "pickle.skops").write_bytes(pickle.dumps(foreign))
    skoverfit.save(Ridge(), tmp_path / "ridge.skops")
    for name, words in {
        "foreign.skops": "not trusted is sklearn.svm._classes.SVC",
        "pickle.skops": "no model of `skoverfit cure`",
        "ridge.skops": "holds a Ridge and no model",
        "none.skops": "There is no file",
    }.items():
        result = run(*line, "--model", tmp_path / name)
        assert result.exit_code == ExitCode.BAD_INPUT
        assert words in result.stderr
        assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--estimator", "sklearn.svm.SVC"], "can't be saved"),
        (["--estimator", "sklearn.svm.SVG"], "has no 'SVG'"),
        (["--estimator", "no.such.Model"], "can't be imported"),
        (["--estimator", "sklearn.linear_model.Ridge"], "is no classifier"),
        (["--estimator", "logistik"], "'logistic'"),
        (["--estimator", "a.b(__import__('os'))"], "neither a name nor a path"),
        (["--scoring", "rocauc"], "no score 'rocauc'"),
        (["--remedies", "smoth"], "'smote'"),
        (["--folds", "99"], "folds=99"),
        (["--max-time", "soon"], "no duration"),
        (["--target", "payed"], "'paid'"),
        (["--output", "."], "is a folder"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    cured, tmp_path, monkeypatch, arguments, words
):
    folder, _, _ = cured
    monkeypatch.chdir(tmp_path)
    line = ["cure", "--data", folder / "people.csv", "--target", "paid", "--quiet"]
    result = run(*line, "--n-jobs", "1", *arguments)
    assert result.exit_code == ExitCode.BAD_INPUT, result.output
    assert words in result.stderr
    errors = [s for s in result.stderr.splitlines() if s.startswith("Error: ")]
    assert len(errors) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_estimator_by_its_path_may_be_an_instance_or_a_pipeline(
    tmp_path, monkeypatch
):
    (tmp_path / "my_models.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "best = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))\n"
    )
    monkeypatch.chdir(tmp_path)
    found = named_estimator("my_models.best", "classification")
    table = table_from_frame(people(), target="paid")
    steps = prepared_pipeline(found, table, 0).named_steps
    assert list(steps) == ["prepare", "standardscaler", "logisticregression"]
    with pytest.raises(BadInputError, match="takes no parameters"):
        named_estimator("my_models.best(C=1)", "classification")
    with pytest.raises(BadInputError, match="can't be made"):
        named_estimator("sklearn.linear_model.Ridge(beta=1)", "regression")


def test_an_interrupted_search_says_how_to_go_on(cured, tmp_path, monkeypatch):
    folder, _, _ = cured
    output = tmp_path / "m.skops"
    line = ["cure", "--data", folder / "people.csv", "--target", "paid", *FAST]
    import skoverfit.bench._cure as module

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "what_predicts", interrupted)  # after the search
        result = run(*line, "--output", output)
    assert result.exit_code == ExitCode.INTERRUPTED
    assert "the same command goes on there" in result.stderr
    assert not output.exists()
    fits = tmp_path / "m.skops.fits"
    assert fits.is_file()
    again = run(*line, "--output", output)
    assert again.exit_code == 0
    assert output.is_file()
    assert not fits.exists()
