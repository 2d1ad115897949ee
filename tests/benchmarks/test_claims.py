"""Claims: the rules of their verdicts, their files, the command and the page."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from docutils.core import publish_doctree
from typer.testing import CliRunner

from skoverfit.bench._claims import find_claims, pick_claims, run_claim
from skoverfit.bench._cli import ExitCode, app
from skoverfit.exceptions import BadInputError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "claims"
FILES = sorted(FOLDER.glob("claim_*.py"))
FIND_CLAIMS = "skoverfit.bench._commands._claims.find_claims"


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import _claim

    return _claim


@pytest.fixture(scope="module")
def page_writer():
    return load(ROOT / "docs" / "_ext" / "claims.py", "claims_page").write_claims


def claim(harness, findings, **changes):
    told = {
        "name": "toy",
        "paper": "Nobody, arXiv:1234.56789",
        "published": "It *helps*.",
        "here": "A toy.",
        "seeds": range(4),
        "experiment": lambda seeds: harness.Outcome(findings(seeds), {"nan": np.nan}),
    }
    return harness.Claim(**(told | changes))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_states_its_claim_and_its_full_run_is_on_record(file, harness):
    stated = load(file, file.stem).CLAIM
    assert f"claim_{stated.name}" == file.stem
    assert min(map(len, (stated.paper, stated.published, stated.here))) > 20
    # One seed has no interval.
    assert len(stated.seeds) > 1
    found = json.loads((harness.RESULTS / f"{stated.name}.json").read_text())
    assert found["full"]
    assert found["seeds"] == len(stated.seeds)
    assert found["published"] == stated.published
    assert found["commit"]
    findings = [
        harness.Finding(**{k: v for k, v in kept.items() if k != "measured"})
        for kept in found["findings"]
    ]
    assert harness.overall(findings) == found["verdict"]


def test_a_mean_is_judged_by_its_interval(harness):
    sure, unsure = [0.9, 1.0, 1.1], [-1.0, 0.1, 1.2]
    assert harness.exceeds("x", sure).verdict == harness.REPRODUCED
    assert harness.exceeds("x", unsure).verdict == harness.PARTLY
    assert harness.exceeds("x", sure, 1.2).verdict == harness.NOT_REPRODUCED
    assert harness.falls_below("x", sure, 2).verdict == harness.REPRODUCED
    assert harness.falls_below("x", unsure, 0.2).verdict == harness.PARTLY
    assert harness.falls_below("x", sure).verdict == harness.NOT_REPRODUCED
    assert harness.lies_within("x", sure, (0.5, 1.5)).verdict == harness.REPRODUCED
    assert harness.lies_within("x", unsure, (-0.5, 0.5)).verdict == harness.PARTLY
    assert harness.lies_within("x", sure, (2, 3)).verdict == harness.NOT_REPRODUCED
    # Student's interval of three values, by hand: t = 4.3027, s = .1.
    assert harness.told("x", sure).upper == pytest.approx(1 + 4.30265 * 0.1 / 3**0.5)
    # One seed alone proves nothing.
    assert harness.exceeds("x", [5.0]).verdict == harness.PARTLY


def test_values_that_are_no_numbers_are_no_evidence(harness):
    with pytest.raises(ValueError, match="finite"):
        harness.exceeds("x", [1.0, np.nan])
    with pytest.raises(ValueError, match="finite"):
        harness.told("x", [])


def test_a_share_is_judged_by_what_was_asked_for(harness):
    assert harness.holds_in("x", [True] * 19 + [False], 19).verdict == "reproduced"
    nearly = harness.holds_in("x", [True] * 18 + [False] * 2, 19)
    assert nearly.verdict == harness.PARTLY
    assert harness.holds_in("x", [False] * 20, 19).verdict == harness.NOT_REPRODUCED


def test_figures_that_are_told_do_not_make_a_verdict(harness):
    told, sure = harness.told("x", [1, 2]), harness.exceeds("x", [1, 2, 1.5])
    failed = harness.falls_below("x", [1, 2, 1.5])
    assert harness.overall([told, sure]) == harness.REPRODUCED
    assert harness.overall([sure, failed]) == harness.PARTLY
    assert harness.overall([failed, told]) == harness.NOT_REPRODUCED
    with pytest.raises(ValueError, match="judged"):
        harness.overall([told])


def test_a_claim_that_fails_is_a_result_and_a_broken_promise_is_not(
    harness, tmp_path, capsys
):
    def failing(seeds):
        return [harness.exceeds("gain", [-1.0 - seed for seed in seeds])]

    out = ["--out", str(tmp_path)]
    assert harness.main(claim(harness, failing), out) == 0
    found = json.loads((tmp_path / "toy.json").read_text())
    assert found["verdict"] == harness.NOT_REPRODUCED
    assert found["full"]
    assert found["tables"] == {"nan": None}
    assert capsys.readouterr().out.endswith("toy: NOT REPRODUCED\n")
    assert harness.main(claim(harness, failing, own=True), out) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["toy.json"]


def test_fewer_seeds_are_marked_and_missing_data_is_said(harness, tmp_path, capsys):
    def found(seeds):
        return [harness.exceeds("gain", [1.0 + seed for seed in seeds])]

    harness.main(claim(harness, found), ["--seeds", "2", "--out", str(tmp_path)])
    kept = json.loads((tmp_path / "toy.json").read_text())
    assert not kept["full"]
    assert kept["seeds"] == 2
    lacking = claim(harness, found, name="lacking", needs=["no_such_table"])
    assert harness.main(lacking, ["--out", str(tmp_path)]) == 0
    assert "not run, no_such_table" in capsys.readouterr().out
    assert not (tmp_path / "lacking.json").exists()
    with pytest.raises(SystemExit):
        harness.main(claim(harness, found), ["--seeds", "0"])


def test_the_command_lists_and_refuses():
    listed = CliRunner().invoke(app, ["claims", "--list"])
    assert listed.exit_code == ExitCode.COMPLETE
    assert listed.output.split() == list(find_claims())
    wrong = CliRunner().invoke(app, ["claims", "rcal_samplr"])
    assert wrong.exit_code == ExitCode.BAD_INPUT
    assert "rcal_sampler" in wrong.stderr
    assert list(pick_claims(["controls"], find_claims())) == ["controls"]


def test_without_a_checkout_there_are_no_claims(tmp_path):
    with pytest.raises(BadInputError, match="checkout"):
        find_claims(tmp_path)


@pytest.mark.parametrize(
    ("code", "verdict", "exit_code"),
    [
        ("print('toy: PARTLY REPRODUCED')", "partly reproduced", ExitCode.COMPLETE),
        (
            "print('toy: NOT REPRODUCED'); raise SystemExit(1)",
            "not reproduced",
            ExitCode.PROMISE_BROKEN,
        ),
        ("1 / 0", "crashed", ExitCode.SOME_CELLS_FAILED),
    ],
)
def test_how_a_file_ends_is_told(tmp_path, monkeypatch, code, verdict, exit_code):
    file = tmp_path / "benchmarks" / "claims" / "claim_toy.py"
    file.parent.mkdir(parents=True)
    file.write_text(code)
    assert run_claim("toy", file).verdict == verdict
    monkeypatch.setattr(
        "skoverfit.bench._commands._claims.find_claims", lambda: {"toy": file}
    )
    ended = CliRunner().invoke(app, ["claims"])
    assert ended.exit_code == exit_code
    assert ended.output.endswith(f"toy  {verdict}\n")


def test_the_seeds_and_the_folder_are_handed_on(tmp_path, monkeypatch):
    file = tmp_path / "benchmarks" / "claims" / "claim_toy.py"
    file.parent.mkdir(parents=True)
    file.write_text("import sys; print('toy:', *sys.argv[1:])")
    monkeypatch.setattr(
        "skoverfit.bench._commands._claims.find_claims", lambda: {"toy": file}
    )
    out = tmp_path / "out"
    ended = CliRunner().invoke(app, ["claims", "--seeds", "3", "--output", str(out)])
    assert f"--seeds 3 --out {out}" in ended.output


def test_the_page_shows_every_claim_and_escapes_its_text(
    harness, page_writer, tmp_path
):
    def found(seeds):
        return [harness.exceeds("gain of `a_b` | *c*", [1.0 + s for s in seeds])]

    results = tmp_path / "results"
    for name, own in (("zeta", False), ("alpha", True)):
        harness.main(claim(harness, found, name=name, own=own), ["--out", str(results)])
    page = tmp_path / "claims.rst"
    page_writer(results, page)
    text = page.read_text()
    # Promises of ours come last.
    assert text.index("claim-zeta") < text.index("claim-alpha")
    assert "2 reproduced, 0 partly reproduced, 0 not reproduced" in text
    # The role is Sphinx's; everything else must be clean for docutils.
    tree = publish_doctree(
        text.replace(":ref:", ""), settings_overrides={"report_level": 5}
    )
    shown = tree.astext()
    assert "gain of `a_b` | *c*" in shown
    assert "It *helps*." in shown
    assert not list(tree.findall(lambda node: node.tagname == "problematic"))
    assert "<https://arxiv.org/abs/1234.56789>" in text
