"""The diagnosis from the command line: page, first screen, exit codes."""

import functools
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from skoverfit.bench._cli import ExitCode, app
from skoverfit.bench._commands import _diagnose
from skoverfit.inspection import OverfittingReport

FAST = ["--estimator", "logistic", "--n-jobs", "1", "--folds", "3"]


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        result.exception
    )
    return result


@pytest.fixture
def only(monkeypatch):
    """Run some sections alone: the report itself is tested elsewhere."""

    def chosen(*sections):
        short = functools.partial(OverfittingReport, sections=list(sections))
        monkeypatch.setattr(_diagnose, "OverfittingReport", short)

    return chosen


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(150, 3)), columns=["a", "b", "c"])
    frame["town"] = rng.choice(["Oslo", "Łódź", None], 150)
    clear = frame["a"] + 0.7 * rng.normal(size=150) > 0
    frame["churned"] = np.where(clear, "yes", "no")
    frame["rent"] = frame["a"] + 0.3 * rng.normal(size=150)
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_good_model_ends_with_0_and_a_page(csv, tmp_path, only):
    only("gap")
    page = tmp_path / "page.html"
    line = ["diagnose", "--data", csv, "--target", "churned", "--drop", "rent", *FAST]
    result = run(*line, "--output", page)
    assert result.exit_code == ExitCode.COMPLETE, result.output
    assert "Verdict: " in result.stdout
    assert f"Page: {page}" in result.stdout
    text = page.read_text()
    assert "LogisticRegression on people" in text
    assert "<script" not in text


def test_a_leak_ends_with_1_unless_it_is_allowed(csv, tmp_path, only):
    only("gap", "leakage")
    frame = pd.read_csv(csv).drop(columns="rent")
    frame["refund"] = (frame["churned"] == "yes") * 3.5
    frame.to_csv(csv, index=False)
    line = ["diagnose", "--data", csv, "--target", "churned", *FAST]
    line += ["--output", tmp_path / "page.html"]
    result = run(*line, "--json")
    assert result.exit_code == ExitCode.FINDING == 1, result.output
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "leaky"
    assert answer["exit_code"] == 1
    assert any("refund" in f["message"] for f in answer["findings"])
    assert run(*line, "--allow", "leaky,no_signal").exit_code == 0


def test_numbers_are_diagnosed_too(csv, tmp_path, only):
    only("gap")
    line = ["diagnose", "--data", csv, "--target", "rent", "--drop", "churned"]
    line += ["--estimator", "ridge", "--n-jobs", "1", "--output", tmp_path / "p.html"]
    result = run(*line)
    assert result.exit_code == 0, result.output
    assert "is read as a number to predict" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--allow", "leeky"], "'leaky'"),
        (["--budget", "soon"], "none of fast, full and a duration"),
        (["--scoring", "rocauc"], "no score 'rocauc'"),
        (["--estimator", "ridge"], "is one for regression"),
        (["--data", "none.csv"], "none.csv"),
        (["--target", "a", "--task", "classification"], "one row only"),
        (["--folds", "140"], "140"),
        (["--groups", "churned"], "both"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(csv, tmp_path, arguments, words):
    page = tmp_path / "sub" / "page.html"
    line = ["diagnose", "--data", csv, "--target", "churned", *FAST, "--output", page]
    result = run(*line, *arguments)
    assert result.exit_code == ExitCode.BAD_INPUT, result.output
    errors = [s for s in result.stderr.splitlines() if s.startswith("Error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert not page.exists()


def test_new_rows_are_compared(csv, tmp_path, only):
    only("gap", "shift")
    frame = pd.read_csv(csv).drop(columns=["churned", "rent"])
    line = ["diagnose", "--data", csv, "--target", "churned", "--drop", "rent", *FAST]
    line += ["--output", tmp_path / "page.html", "--new-data", tmp_path / "new.csv"]
    frame.assign(a=frame["a"] + 3).to_csv(tmp_path / "new.csv", index=False)
    moved = run(*line)
    assert moved.exit_code == ExitCode.FINDING, moved.output
    assert "Verdict: shifted" in moved.stdout
    frame.sample(80, random_state=0).to_csv(tmp_path / "new.csv", index=False)
    alike = run(*line)
    assert "shifted" not in alike.stdout
    frame.drop(columns="b").to_csv(tmp_path / "new.csv", index=False)
    lacking = run(*line)
    assert lacking.exit_code == ExitCode.BAD_INPUT
    assert "lacks the column 'b'" in lacking.stderr
