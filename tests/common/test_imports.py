"""What an import loads, each in a fresh interpreter.

The time of ``import skoverfit`` follows from what it loads and decides no test;
``benchmarks/speed/bench_import.py`` measures it.
"""

import json
import subprocess
import sys

HEAVY = ("matplotlib", "pandas", "polars", "skorch", "torch")

# scikit-learn itself imports pandas wherever it is installed (sklearn/utils/fixes.py),
# so ``sys.modules`` can't tell whether one of our modules asked for it. Instead the
# heavy packages are made absent, and whoever asks for one is written down: the import
# must succeed all the same, and none who asked may be ours.
ABSENT = """
import importlib, json, os, sys

heavy, name = json.loads(sys.argv[1]), sys.argv[2]
asked = []

class Absent:
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] not in heavy:
            return None
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        asked.append((frame.f_globals.get("__name__", ""), fullname))
        raise ModuleNotFoundError(f"{fullname} is absent", name=fullname)

sys.meta_path.insert(0, Absent())
module = importlib.import_module(name)
for public in getattr(module, "__all__", ()):
    getattr(module, public)
print(json.dumps(asked))
"""


def run_python(code, *arguments, cwd=None):
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def loaded_by(statement):
    """Return the top-level packages that a statement loads."""
    return set(
        run_python(
            f"import json, sys\n{statement}\n"
            "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
        )
    )


def who_asks_for_heavy_packages(module, cwd=None):
    return run_python(ABSENT, json.dumps(HEAVY), module, cwd=cwd)


def test_the_package_and_the_catalogue_load_the_standard_library_only():
    loaded = loaded_by("import skoverfit, skoverfit.catalogue, skoverfit.exceptions")
    assert not loaded & {
        *HEAVY,
        "numpy",
        "scipy",
        "sklearn",
        "imblearn",
        "joblib",
        "narwhals",
    }


def test_the_main_job_loads_nothing_heavy_before_it_is_used():
    assert not loaded_by("import skoverfit.bench") & set(HEAVY)


def test_light_rooms_work_without_heavy_packages_and_never_ask_for_them(light_room):
    asked = who_asks_for_heavy_packages(f"skoverfit.{light_room}")
    assert [entry for entry in asked if entry[0].startswith("skoverfit")] == []


def test_light_rooms_together_load_nothing_heavy_but_scikit_learns_pandas(light_rooms):
    rooms = ", ".join(f"skoverfit.{name}" for name in light_rooms)
    assert loaded_by(f"import {rooms}") & set(HEAVY) <= {"pandas"}


def test_the_watch_sees_who_asks(tmp_path):
    (tmp_path / "greedy.py").write_text("def f():\n    import pandas.api\n")
    (tmp_path / "user.py").write_text(
        "import greedy\ntry:\n    greedy.f()\nexcept ImportError:\n    pass\n"
    )
    asked = who_asks_for_heavy_packages("user", cwd=tmp_path)
    assert asked == [["greedy", "pandas"]]
