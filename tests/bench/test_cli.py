"""The command as a person and as a script meets it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from skoverfit._core._store import ResultStore
from skoverfit.bench._cli import ExitCode, app

FAST = ["--estimators", "logistic", "--remedies", "temperature", "--folds", "3"]
FAST += ["--repeats", "1", "--n-jobs", "1", "--quiet"]


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    n = 150
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "city": rng.choice(["Oslo", "Łódź", None], n),
            "<script>alert(1)</script>": rng.normal(size=n),
        }
    )
    frame["target"] = np.where(frame["age"] + rng.normal(0, 8, n) > 48, "yes", "no")
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path


def run(*arguments, cwd=None):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        result.exception
    )
    return result


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "skoverfit", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_table_gives_verdicts_and_a_report(csv, tmp_path):
    out = tmp_path / "out"
    result = run("bench", "--data", csv, "--target", "target", "--output", out, *FAST)
    assert result.exit_code == ExitCode.COMPLETE, result.output
    for question in ("Ranking:", "Probability:", "Decision:"):
        assert question in result.stdout
    report = (out / "people.html").read_text()
    assert "<script>" not in report
    assert (out / "store.sqlite").is_file()


def test_json_is_for_machines(csv, tmp_path):
    result = run(
        "bench",
        "--data",
        csv,
        "--target",
        "target",
        "--json",
        "--output",
        tmp_path,
        *FAST,
    )
    answer = json.loads(result.stdout)
    assert answer["exit_code"] == 0
    assert answer["complete"]
    assert len(answer["verdicts"]) == 3


def test_the_same_command_goes_on(csv, tmp_path):
    line = ["bench", "--data", csv, "--target", "target", "--output", tmp_path, *FAST]
    run(*line)
    line.remove("--quiet")
    again = run(*line)
    assert "were in the store already; 0 are new" in again.stderr


def test_report_is_written_again_from_the_store_alone(csv, tmp_path):
    run("bench", "--data", csv, "--target", "target", "--output", tmp_path, *FAST)
    csv.unlink()
    first = (tmp_path / "people.html").read_text()
    second = tmp_path / "again.html"
    result = run("report", tmp_path / "store.sqlite", "--output", second)
    assert result.exit_code == 0
    assert second.read_text() == first
    listed = run("report", tmp_path / "store.sqlite", "--list-runs")
    assert listed.stdout.count("\n") == 1
    assert listed.stdout.startswith("1\t")
    refused = run("report", tmp_path / "store.sqlite", "--run", "2")
    assert refused.exit_code == ExitCode.BAD_INPUT
    assert "none of the 1 runs" in refused.stderr


def test_cells_are_listed(tmp_path):
    result = run("bench", "--list-cells", "--output", tmp_path / "no")
    lines = result.stdout.splitlines()
    assert len(lines) == len(set(lines)) > 1000
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "no.csv", "--target", "t"], "no.csv"),
        (["--data", "CSV"], "--data needs --target"),
        (["--data", "CSV", "--target", "targte"], "'target'"),
        (["--data", "CSV", "--target", "target", "--remedies", "smoth"], "'smote'"),
        (["--data", "CSV", "--target", "target", "--suite", "quick"], "exclude"),
        (["--suite", "quik"], "no suite 'quik'"),
        (["--suite", "quick", "--groups", "g"], "--groups goes with --data"),
        (["--max-time", "soon"], "'soon' is no duration"),
        (["--data", "CSV", "--target", "age", "--suite", "noise"], "exclude"),
        (["--data", "CSV", "--target", "target", "--folds", "999"], "folds=999"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(csv, tmp_path, arguments, words):
    import re

    arguments = [str(csv) if a == "CSV" else a for a in arguments]
    out = tmp_path / "out"
    result = run("bench", *arguments, "--output", out)
    assert result.exit_code == ExitCode.BAD_INPUT
    assert re.search(words, result.stderr)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not out.exists()


def test_a_folder_that_cannot_be_made_is_named(csv, tmp_path):
    (tmp_path / "file").write_text("precious")
    result = run(
        "bench",
        "--data",
        csv,
        "--target",
        "target",
        "--output",
        tmp_path / "file" / "x",
    )
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "can't be made" in result.stderr
    assert (tmp_path / "file").read_text() == "precious"


def test_a_foreign_store_is_left_alone(csv, tmp_path):
    store = tmp_path / "s.sqlite"
    store.write_text("precious " * 500)
    line = ["bench", "--data", csv, "--target", "target", "--output", tmp_path / "o"]
    result = run(*line, "--store", store, *FAST)
    assert result.exit_code == ExitCode.STORE_TROUBLE
    assert store.read_text() == "precious " * 500


def test_merge_takes_rows_over(csv, tmp_path):
    line = ["bench", "--data", csv, "--target", "target", *FAST]
    run(*line, "--output", tmp_path / "a")
    run(*line, "--output", tmp_path / "b", "--seed", "1")
    into = tmp_path / "a" / "store.sqlite"
    result = run("merge", into, tmp_path / "b" / "store.sqlite")
    assert "9 cells taken over" in result.stdout
    with ResultStore(into) as store:
        assert len(store) == 18


def test_without_the_extra_the_install_line_is_printed(tmp_path):
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'typer' else find(n, *a)\n"
        "import skoverfit.bench._entry as e; e.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: The bench needs typer; install the extra with: "
        'pip install "skoverfit[bench]"\n'
    )


def test_interruption_says_how_to_go_on(tmp_path):
    out = tmp_path / "out"
    process = command("bench", "--n-jobs", "2", "--output", out)
    store = out / "store.sqlite"
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if store.is_file():
            with ResultStore(store) as opened:
                if len(opened) >= 5:
                    break
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "the same command goes on there" in errors
    assert "Traceback" not in errors
    with ResultStore(store) as opened:
        assert len(opened) >= 5


def test_ten_kills_end_with_the_table_of_an_undisturbed_run(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    frame["target"] = (frame["a"] + rng.normal(size=200) > 0.5).map({True: 1, False: 0})
    data = tmp_path / "t.csv"
    frame.to_csv(data, index=False)
    line = ["bench", "--data", data, "--target", "target", "--repeats", "3"]
    line += ["--estimators", "logistic,forest", "--quiet", "--json"]
    killed = [*line, "--output", tmp_path / "killed", "--n-jobs"]
    store, kills, seen = tmp_path / "killed" / "store.sqlite", 0, []
    while kills < 10:
        # Workers take seconds to start, so most kills hit a run without them.
        workers = 2 if kills < 3 else 1
        process = command(*killed, workers, start_new_session=True)
        # Wait until this process has added rows, then a random moment more.
        before = seen[-1] if seen else 0
        deadline = time.monotonic() + 180
        while process.poll() is None and time.monotonic() < deadline:
            if store.is_file():
                with ResultStore(store) as opened:
                    if len(opened) > before:
                        break
            time.sleep(0.02)
        if process.poll() is not None:
            process.communicate()
            break  # it finished before it could be killed
        time.sleep(rng.uniform(0, 0.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        with ResultStore(store) as opened:
            seen.append(len(opened))
    assert kills == 10, f"only {kills} kills fitted into the run: {seen}"
    assert seen == sorted(seen)

    ended = command(*killed, 2)
    after_kills = json.loads(ended.communicate()[0])
    undisturbed = command(*line, "--n-jobs", "1", "--output", tmp_path / "whole")
    whole = json.loads(undisturbed.communicate()[0])
    assert after_kills["cells"] == whole["cells"]
    for part in ("headline", "verdicts", "comparisons", "leaderboard", "gaps", "heat"):
        assert after_kills[part] == whole[part]
