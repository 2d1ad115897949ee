"""The speed files run, and say what they measured."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "speed"
FILES = sorted(FOLDER.glob("bench_*.py"))


@pytest.fixture
def measure(monkeypatch):
    """The module that all speed files use."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1]))
    import _measure

    return _measure


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_quick_run(file, measure, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", [str(file), "--quick", "--out", str(tmp_path)])
    runpy.run_path(str(file), run_name="__main__")
    subject = file.stem.removeprefix("bench_")
    found = json.loads((tmp_path / "speed" / f"{subject}.json").read_text())
    assert found["quick"]
    assert found["goals"]
    assert {goal["verdict"] for goal in found["goals"]} <= {"QUICK", "TOLD"}
    assert all(np.isfinite(goal["measured"]) for goal in found["goals"])
    for goal in found["goals"]:
        # Answers must be right at any size.
        if goal["what"] in ("share of exact rows", "same output"):
            assert goal["measured"] == 1.0, goal
        if goal["what"] == "largest difference of scores":
            assert goal["measured"] == 0.0, goal
    page = (tmp_path / "speed.md").read_text()
    assert f"## {subject.replace('_', ' ')}" in page
    assert "not a measurement" in page
    assert capsys.readouterr().out.startswith(f"{subject}, commit ")


def test_calls_alternate_and_the_least_is_kept(measure):
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    found = measure.alternate(calls, repeats=3, warm=1)
    assert order == list("ab" * 4)
    assert found["a"].repeats == 3
    assert 0 <= found["a"].wall < 0.1
    order.clear()
    assert measure.alternate(calls, repeats=9, warm=0, budget=0.0)["b"].repeats == 1
    assert order == list("ab")


def test_repeats_do_not_find_the_neighbours_of_the_one_before(measure):
    from skoverfit._core._neighbors import NeighborTable, find_neighbors
    from skoverfit._core._neighbors._cache import cache_info

    X = np.random.default_rng(0).normal(size=(3_000, 4))
    table = NeighborTable(numeric=X)
    calls = {"search": lambda: find_neighbors(table, 3)}
    measure.alternate(calls, repeats=2, warm=1)
    assert cache_info().hits == 0
    calls["search"]()
    assert cache_info().hits == 1


@pytest.mark.parametrize(
    ("measured", "target", "at_most", "verdict"),
    [
        (2.0, 1.5, False, "PASS"),
        (1.4, 1.5, False, "BELOW"),
        (1.2, 1.35, True, "PASS"),
        (1.4, 1.35, True, "ABOVE"),
        (1.4, None, False, "TOLD"),
    ],
)
def test_verdicts(measure, capsys, tmp_path, measured, target, at_most, verdict):
    report = measure.Report("subject", quick=False)
    report.goal("a case", "a ratio", measured, target, at_most=at_most)
    assert capsys.readouterr().out.startswith(verdict)
    report.write(tmp_path)
    assert f"| a case | a ratio | {measured:g} |" in (tmp_path / "speed.md").read_text()
    assert f"| {verdict} |" in (tmp_path / "speed.md").read_text()


def test_memory_sees_what_numpy_holds(measure):
    def hold():
        # 64 MiB: glibc never keeps a piece of more than 32 for itself.
        return np.ones(8 * 2**20)

    assert measure.traced_megabytes(hold) == pytest.approx(64, abs=1)
    resident = measure.resident_megabytes(hold)
    if resident is not None:
        assert 50 < resident < 96
