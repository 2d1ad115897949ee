# SPDX-License-Identifier: BSD-3-Clause
"""How long ``import skoverfit`` takes, beside ``import sklearn``.

Every figure is the least of nine fresh interpreters, less the least of nine that
import nothing. Promised: under 0.3 s for ``import skoverfit``.
"""

from __future__ import annotations

import subprocess
import sys
import time

RUNS = 9
SUBJECTS = (
    "skoverfit",
    "skoverfit.catalogue",
    "skoverfit.metrics",
    "skoverfit.datasets",
    "skoverfit.calibration",
    "sklearn",
    "imblearn",
)


def seconds(statement: str) -> float:
    """Return the wall time of one fresh interpreter that runs the statement."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Print a line a subject; rounds are interleaved: all meet the same load."""
    statements = ["pass", *(f"import {name}" for name in SUBJECTS)]
    rounds = [[seconds(statement) for statement in statements] for _ in range(RUNS)]
    bare, *least = (min(times) for times in zip(*rounds, strict=True))
    of_sklearn = least[SUBJECTS.index("sklearn")] - bare
    print(f"bare interpreter {bare:.3f} s; least of {RUNS} runs, less the bare one:")
    for name, value in zip(SUBJECTS, least, strict=True):
        own = value - bare
        ratio = own / of_sklearn
        print(f"  import {name:22} {own:6.3f} s  {ratio:5.2f} x import sklearn")


if __name__ == "__main__":
    main()
