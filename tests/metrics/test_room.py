"""Rules of the room."""

import subprocess
import sys

import skoverfit.metrics


def test_public_names_are_sorted_and_exist():
    names = skoverfit.metrics.__all__
    assert names == sorted(names)
    assert all(callable(getattr(skoverfit.metrics, name)) for name in names)


def test_import_is_light():
    # scikit-learn itself loads pandas where it is installed, so pandas isn't asked
    # for here; the import contract in pyproject.toml forbids it.
    code = (
        "import sys, skoverfit.metrics, skoverfit._core._statistics\n"
        "heavy = {'torch', 'skorch', 'matplotlib', 'polars'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
