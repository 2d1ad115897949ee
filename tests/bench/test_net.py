# SPDX-License-Identifier: BSD-3-Clause
"""The net among the benchmark's estimators."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from skoverfit.bench import make_estimators, run_bench
from skoverfit.bench._cli import app
from skoverfit.bench._estimators import ESTIMATOR_TITLES, describe_estimator
from skoverfit.bench._suites import SUITE_REMEDIES, SUITES
from skoverfit.catalogue import REMEDIES, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import Mixup, TabularMLPClassifier


def tiny_net(**parameters):
    return TabularMLPClassifier(
        (4,), n_estimators=2, max_epochs=2, device="cpu", **parameters
    )


def test_the_net_is_listed_and_measured_where_it_is_named():
    both = {*make_estimators(), *make_estimators(task="regression")}
    assert {*both, "mlp", "plain_mlp"} == set(ESTIMATOR_TITLES)
    named = make_estimators(["mlp", "logistic"], small=True)
    assert list(named) == ["logistic", "mlp"]
    assert named["mlp"].n_estimators < make_estimators(["mlp"])["mlp"].n_estimators
    with pytest.raises(BadInputError, match=r"no estimator 'mlpp'.*'mlp'"):
        make_estimators(["mlpp"])


def test_torch_is_loaded_only_for_the_net():
    code = (
        "import json, sys\n"
        "from skoverfit.bench import make_estimators\n"
        "make_estimators(small=True)\n"
        "print(json.dumps('skoverfit.neural_network' in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) is False


def test_every_remedy_is_measured_on_the_net_and_kept_in_the_store(
    small_table, tmp_path
):
    options = {
        "estimators": {"mlp": tiny_net()},
        "n_splits": 2,
        "n_repeats": 1,
        "store": tmp_path / "store.sqlite",
    }
    first = run_bench([small_table], **options)
    assert first.analysis["cells"]["failed"] == 0
    assert first.analysis["complete"]
    measured = {row["remedy"] for row in first.analysis["leaderboard"]}
    assert {"mixup", "class weights", "SMOTE", "tuned threshold"} <= measured
    again = run_bench([small_table], **options)
    assert again.outcome.computed == 0
    assert again.analysis == first.analysis


def test_the_suite_of_losses_measures_losses_beside_samplers(tmp_path):
    listed = CliRunner().invoke(app, ["bench", "--suite", "losses", "--list-cells"])
    cells = [line.split("\t") for line in listed.stdout.splitlines()]
    assert {cell[2] for cell in cells} == {"plain_mlp", "mlp"}
    assert {cell[1] for cell in cells} == {s.label for s in SUITES["losses"]}
    of_plain = {cell[3] for cell in cells if cell[2] == "plain_mlp"}
    assert of_plain == {"nothing", "threshold", *SUITE_REMEDIES["losses"]}
    # The default net stops early already.
    assert of_plain - {cell[3] for cell in cells if cell[2] == "mlp"} == {
        "early_stopping"
    }
    chosen = ["--estimators", "mlp", "--remedies", "mixup"]
    fewer = CliRunner().invoke(
        app, ["bench", "--suite", "losses", "--list-cells", *chosen]
    )
    rows = [line.split("\t") for line in fewer.stdout.splitlines()]
    assert {row[2] for row in rows} == {"mlp"}
    assert {row[3] for row in rows} == {"nothing", "threshold", "mixup"}


def test_losses_are_judged_with_intervals_and_the_baseline_is_stated(small_table):
    plain = make_estimators(["plain_mlp"])["plain_mlp"].set_params(
        hidden_layer_sizes=(4,), max_epochs=2
    )
    found = run_bench(
        [small_table],
        scenarios=SUITES["losses"],
        estimators={"plain_mlp": plain},
        remedies=SUITE_REMEDIES["losses"],
        n_splits=2,
        n_repeats=1,
    ).analysis
    assert found["cells"]["failed"] == 0
    assert found["complete"]
    for scenario in SUITES["losses"]:
        compared = {
            row["remedy"]: row
            for row in found["comparisons"]
            if row["group"] == scenario.label and row["question"] == "probability"
        }
        wanted = {get_remedy(name).title for name in SUITE_REMEDIES["losses"]}
        assert set(compared) == {*wanted, "tuned threshold"}
        assert all(row["lower"] <= row["upper"] for row in compared.values())
    stated = found["protocol"]["Estimators"]
    assert "hidden layers (4,), trained for 2 epochs to the end" in stated
    assert "need not help" in stated


def test_only_the_plain_net_is_explained(small_table):
    found = run_bench(
        [small_table],
        estimators={"mlp": tiny_net()},
        remedies=["label_smoothing"],
        n_splits=2,
        n_repeats=1,
    )
    assert "Estimators" not in found.analysis["protocol"]


def test_nets_of_other_steps_are_other_cells_and_equal_ones_the_same():
    described = [
        describe_estimator(tiny_net(batch_step=step))
        for step in (None, "mixup", Mixup(0.2), Mixup(0.2), Mixup(0.3))
    ]
    assert described[2] == described[3]
    texts = [json.dumps(each, sort_keys=True) for each in described]
    assert len(set(texts)) == 4


def test_workers_do_not_change_the_net(small_table):
    options = {
        "estimators": {"mlp": tiny_net()},
        "remedies": ["nothing", "mixup"],
        "n_splits": 2,
        "n_repeats": 1,
    }
    one = run_bench([small_table], n_jobs=1, **options).analysis["leaderboard"]
    two = run_bench([small_table], n_jobs=2, **options).analysis["leaderboard"]
    assert one == two


def test_the_suite_of_noise_measures_all_that_treats_wrong_labels():
    named = set(SUITE_REMEDIES["noise"])
    treats = {
        remedy.name: remedy.cost
        for remedy in REMEDIES
        if remedy.kind == "label_noise" and remedy.role != "tool"
    }
    # What is left out for its cost is told in the guide.
    assert treats.keys() - named == {"memorization"}
    assert {"co_teaching", "noise_corrected", "compressed_mlp", "cleaned"} <= named
    listed = CliRunner().invoke(app, ["bench", "--suite", "noise", "--list-cells"])
    cells = [line.split("\t") for line in listed.stdout.splitlines()]
    assert {cell[3] for cell in cells if cell[2] == "mlp"} == {
        "nothing", "threshold", *named
    }  # fmt: skip
    assert {cell[1] for cell in cells} == {s.label for s in SUITES["noise"]}


def test_remedies_of_wrong_labels_are_compared_on_a_net(small_table):
    names = (
        "cleaned", "neighbor_disagreement", "symmetric_cross_entropy", "co_teaching",
        "compressed_mlp", "noise_corrected",
    )  # fmt: skip
    assert set(names) <= set(SUITE_REMEDIES["noise"])
    found = run_bench(
        [small_table],
        scenarios=SUITES["noise"][1:2],
        estimators={"mlp": tiny_net()},
        remedies=names,
        n_splits=2,
        n_repeats=1,
    ).analysis
    assert found["cells"]["failed"] == 0
    measured = {row["remedy"] for row in found["leaderboard"]}
    assert {get_remedy(name).title for name in names} <= measured
