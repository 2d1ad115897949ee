"""How long ``import skoverfit`` takes, beside ``import sklearn``.

Every figure is the least of nine fresh interpreters, less the least of nine that
import nothing. Promised: under 0.3 s for ``import skoverfit``.
"""

from __future__ import annotations

import subprocess
import sys

from _measure import Report, Timing, alternate, main

SUBJECTS = (
    "skoverfit",
    "skoverfit.catalogue",
    "skoverfit.metrics",
    "skoverfit.datasets",
    "skoverfit.calibration",
    "skoverfit.neighbors",
    "skoverfit.over_sampling",
    "skoverfit.pipeline",
    "sklearn",
    "imblearn",
)


def fresh(statement: str) -> None:
    """Run the statement in an interpreter of its own."""
    subprocess.run([sys.executable, "-c", statement], check=True)


def measure(report: Report) -> None:
    """Rounds are interleaved: all meet the same load."""
    names = ("skoverfit", "sklearn") if report.quick else SUBJECTS
    calls = {"nothing": lambda: fresh("pass")}
    calls |= {name: lambda name=name: fresh(f"import {name}") for name in names}
    found = alternate(calls, repeats=1 if report.quick else 9, warm=0)
    bare = found.pop("nothing").wall
    # The CPU seconds of a child are not ours to count: the wall clock stands for both.
    least = {
        name: Timing(t.wall - bare, t.wall - bare, t.repeats)
        for name, t in found.items()
    }
    report.timed("import, less a bare interpreter", least)
    report.goal("skoverfit", "seconds", least["skoverfit"].wall, 0.3, at_most=True)


if __name__ == "__main__":
    main(measure, __file__)
