"""The compiled search itself: processors, threads, interruption, what it is built of.

That it is exact on hard cases is tested with all backends in test_neighbors_exact.py.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from skoverfit._core import _kernel
from skoverfit._core._neighbors import NeighborTable, _compiled

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not _compiled.available(), reason="the compiled search was not built here"
)


def tables():
    """Return one table for each path through the kernel."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 9))
    codes = rng.integers(1, 9, (400, 5)).astype(np.uint8)
    wide = rng.integers(1, 3000, (400, 3)).astype(np.uint16)
    holes, no_codes = X.copy(), codes.copy()
    holes[rng.random(X.shape) < 0.3] = np.nan
    no_codes[rng.random(codes.shape) < 0.3] = 0
    nothing = np.empty((400, 0))
    return {
        "few columns": NeighborTable(numeric=X[:, :3]),
        "symmetric": NeighborTable(numeric=X),
        "float32": NeighborTable(numeric=X.astype(np.float32)),
        "integers": NeighborTable(numeric=rng.integers(0, 4, (400, 9)).astype(float)),
        "copies": NeighborTable(numeric=np.repeat(X[:100], 4, axis=0)),
        "near ties": NeighborTable(numeric=1 + 1e-9 * X),
        "far clusters": NeighborTable(numeric=X + 1e7 * (np.arange(400) % 2)[:, None]),
        "mixed": NeighborTable(numeric=X, codes=codes, mismatch=1.7),
        "nominal": NeighborTable(numeric=nothing, codes=codes),
        "two bytes": NeighborTable(numeric=X, codes=wide, mismatch=0.4),
        "missing": NeighborTable(numeric=holes),
        "missing mixed": NeighborTable(numeric=holes, codes=no_codes, mismatch=0.6),
    }


@pytest.mark.parametrize("name", tables())
def test_neither_the_processor_nor_the_threads_change_an_answer(name):
    table = tables()[name]
    first = _compiled.search(table, 5)
    for instruction_set in _compiled.instruction_sets():
        for n_threads in (1, 2, 5):
            again = _compiled.search(
                table, 5, n_threads=n_threads, instruction_set=instruction_set
            )
            assert np.array_equal(first[0], again[0]), (instruction_set, n_threads)
            assert np.array_equal(first[1], again[1]), (instruction_set, n_threads)


@pytest.mark.parametrize("name", ["copies", "integers", "nominal"])
def test_ties_go_to_the_lower_row(name):
    table = tables()[name]
    distance, index = _compiled.search(table, 12)
    tied = np.diff(distance, axis=1) == 0
    assert tied.mean() > 0.1
    assert (np.diff(index, axis=1)[tied] > 0).all()
    # The last tie is not left to chance either: the next candidates have higher rows.
    longer_distance, longer = _compiled.search(table, 60)
    for row in range(len(table)):
        at_the_end = longer_distance[row] == distance[row, -1]
        kept = np.isin(longer[row][at_the_end], index[row])
        assert kept.argmin() >= kept.sum() or kept.all()


def test_a_query_of_the_own_class_gets_both_lists_of_one_pass():
    rng = np.random.default_rng(1)
    X, labels = rng.standard_normal((500, 4)), rng.integers(0, 3, 500)
    table, rows = NeighborTable(numeric=X), rng.permutation(500)[:120]
    own, everybody = _compiled.search_own_and_all(table, 4, 9, labels, rows)
    assert np.array_equal(everybody[1], _compiled.search(table, 9, rows=rows)[1])
    for place, row in enumerate(rows):
        same = np.flatnonzero(labels == labels[row])
        distance = np.linalg.norm(X[same] - X[row], axis=1)
        nearest = same[np.argsort(distance)[1:5]]
        assert np.array_equal(own[1][place], nearest)


def test_a_row_asked_twice_is_answered_twice():
    table = tables()["symmetric"]
    _, index = _compiled.search(table, 3, rows=np.array([7, 7, 3]))
    assert np.array_equal(index[0], index[1])
    assert np.array_equal(index, _compiled.search(table, 3)[1][[7, 7, 3]])


def test_infinity_is_refused_and_not_searched():
    table = tables()["symmetric"].take(slice(0, 50))
    table.numeric[3, 4] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        _compiled.search(table, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 50}, "k"),
        ({"k": 3, "rows": np.array([0, 50])}, "row numbers"),
        ({"k": 3, "rows": np.array([-1])}, "row numbers"),
    ],
)
def test_the_kernel_reads_nothing_outside_its_arrays(arguments, message):
    table = tables()["symmetric"].take(slice(0, 50))
    with pytest.raises(ValueError, match=message):
        _compiled.search(table, **arguments)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("number", [np.int32, np.int64])
@pytest.mark.parametrize("d", [13, 1501])
def test_points_between_rows_are_those_of_numpy_to_the_bit(kind, number, d):
    """Wide rows are written past the caches, whatever their alignment."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((300, d)).astype(kind)
    base, partner = rng.integers(300, size=(2, 6000)).astype(number)
    partner[::7] = -1
    step, out = rng.random(6000), np.empty((6000, d), dtype=kind)
    _kernel.interpolate(values, base, partner, step, out, n_threads=3)
    x, z = values[base], values[np.where(partner < 0, base, partner)]
    assert np.array_equal(out, x + (z - x) * step.astype(kind)[:, None])
    with pytest.raises(ValueError, match="row numbers"):
        _kernel.interpolate(values, base + 300, partner, step, out)
    with pytest.raises(ValueError, match="shapes"):
        _kernel.interpolate(values, base[1:], partner, step, out)


def test_no_instruction_set_is_made_up():
    table = tables()["symmetric"]
    with pytest.raises(ValueError, match="no instruction set v9"):
        _compiled.search(table, 2, instruction_set="v9")
    assert _compiled.instruction_sets()[-1] == "base"


def test_it_can_be_interrupted():
    table = NeighborTable(numeric=np.random.default_rng(0).normal(size=(60_000, 60)))

    def interrupt():
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=interrupt)
    sender.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - a message it has not
        for _ in range(20):
            _compiled.search(table, 5, n_threads=2)
    sender.join()


FORK = """
import os, sys
import numpy as np
from skoverfit._core._neighbors import NeighborTable, _compiled
table = NeighborTable(numeric=np.random.default_rng(0).normal(size=(3000, 8)))
first = _compiled.search(table, 5, n_threads=4)[1]
child = os.fork()
if child == 0:
    again = _compiled.search(table, 5, n_threads=4)[1]
    os._exit(0 if np.array_equal(first, again) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_searches_after_a_fork():
    done = subprocess.run([sys.executable, "-c", FORK], cwd=ROOT, timeout=60)
    assert done.returncode == 0


def test_it_can_be_switched_off():
    code = (
        "from skoverfit._core._neighbors import _compiled, _engine\n"
        "print(_compiled.available(), _engine.available_backends())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, _kernel.SWITCH: "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("False")
    assert "compiled" not in done.stdout


def objects():
    found = ROOT.glob("build/*/CMakeFiles/knn_*.dir/**/*.cpp.o")
    return {
        (path.parts[-5].removeprefix("knn_").removesuffix(".dir"), path.stem): path
        for path in found
    }


@pytest.mark.skipif(shutil.which("nm") is None, reason="binutils are not installed")
@pytest.mark.skipif(not objects(), reason="no build folder: installed from a wheel")
def test_no_object_of_an_instruction_set_has_weak_symbols():
    """The linker keeps one copy of a weak symbol, possibly for a newer processor."""
    for name, path in objects().items():
        symbols = subprocess.run(
            ["nm", "--demangle", path], capture_output=True, text=True, check=True
        ).stdout
        table = {"kernel.cpp": "kernels_", "streams.cpp": "streams_"}[name[1]]
        assert table + name[0] in symbols, name
        weak = [line for line in symbols.splitlines() if " W " in line or " V " in line]
        assert weak == [], name
