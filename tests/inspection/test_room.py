# SPDX-License-Identifier: BSD-3-Clause
"""The room as a whole: what its import loads, and the palette it shares."""

import json
import re
import subprocess
import sys
from importlib.resources import files

from skoverfit._core._palette import COLOURS, INK, MUTED, RULE

ABSENT = """
import json, sys

class Absent:
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in ("matplotlib", "pandas", "torch", "polars"):
            raise ModuleNotFoundError(f"{fullname} is absent", name=fullname)

sys.meta_path.insert(0, Absent())
import numpy as np
from skoverfit.inspection import ResamplingDisplay, synthetic_report

X = np.random.default_rng(0).normal(size=(60, 2))
y = np.repeat([0, 1], [40, 20])
X_res, y_res = np.concatenate([X, X[40:] + 0.1]), np.concatenate([y, y[40:]])
report = synthetic_report(None, X, y, X_res, y_res, random_state=0)
try:
    ResamplingDisplay.from_resampled(None, X, y, X_res, y_res)
except ImportError as error:
    print(json.dumps([report.classes[0].n_made, str(error)]))
"""


def test_the_report_needs_no_heavy_package_and_the_picture_says_which_it_needs():
    done = subprocess.run(
        [sys.executable, "-c", ABSENT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    n_made, message = json.loads(done.stdout)
    assert n_made == 20
    assert message.startswith("ResamplingDisplay.from_resampled requires matplotlib")


def test_the_palette_is_that_of_the_report():
    css = files("skoverfit._core").joinpath("templates/page.css").read_text("utf-8")
    light = css.partition("@media")[0]
    found = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light))
    assert tuple(found[f"c{i}"] for i in range(8)) == COLOURS
    assert (found["ink"], found["muted"], found["rule"]) == (INK, MUTED, RULE)
