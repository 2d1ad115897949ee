"""What is refused, memory, forks, what is loaded, and the cache of graphs."""

import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skoverfit._core._neighbors import (
    NeighborTable,
    _cache,
    find_neighbors,
    find_own_and_all_neighbors,
)
from skoverfit._core._neighbors._engine import available_backends
from skoverfit.neighbors import cache_info, clear_cache, set_cache_limit


@pytest.fixture(autouse=True)
def empty_cache():
    clear_cache()
    yield
    set_cache_limit(256 * 2**20)
    clear_cache()


def table_of(n, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return NeighborTable(numeric=rng.normal(size=(n, d)))


# --- what is refused ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 6}, r"k=6 neighbours .* only 5 candidate rows"),
        ({"k": 0}, r"k must be an integer from 1 on\. Got 0"),
        ({"k": 1.5}, r"k must be an integer"),
        ({"k": 2, "rows": [6]}, r"row numbers in 0\.\.5"),
        ({"k": 2, "rows": [0], "queries": table_of(2)}, "exclude each other"),
        ({"k": 2, "queries": table_of(2, d=3)}, "queries have 3 numeric"),
        ({"k": 2, "backend": "gpu"}, "'backend' parameter must be one of"),
    ],
)
def test_wrong_requests_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        find_neighbors(table_of(6), **arguments)


def test_a_class_without_enough_rows_is_refused():
    with pytest.raises(ValueError, match=r"k_own=2 .* only 1 other rows of its own"):
        find_own_and_all_neighbors(table_of(6), 2, 3, [0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"numeric": np.array([[1.0, np.inf]])}, "infinite values"),
        ({"numeric": torch.tensor([[-np.inf]])}, "infinite values"),
        ({"numeric": sp.csr_array([[np.nan, 1.0]])}, "sparse table must not"),
        ({"numeric": np.zeros(3)}, "2 dimensions. Got 1"),
        ({"numeric": np.zeros((2, 1)), "codes": np.zeros((3, 1))}, r"shape \(2, c\)"),
        ({"numeric": np.zeros((1, 1)), "codes": np.array([[-1]])}, r"0\.\.65535"),
        ({"numeric": np.zeros((1, 1)), "mismatch": -1.0}, "weight of a mismatch"),
    ],
)
def test_wrong_tables_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        NeighborTable(**parts)


def test_no_rows_ask_gives_empty_answers():
    for backend in available_backends():
        distances, indices = find_neighbors(table_of(9), 3, rows=[], backend=backend)
        assert distances.shape == indices.shape == (0, 3)


def test_take_keeps_what_belongs_to_the_rows():
    codes = np.array([[1], [0], [2]])
    table = NeighborTable(numeric=np.eye(3), codes=codes, mismatch=2.0)
    part = table.take([2, 0])
    assert part.numeric.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert part.codes.tolist() == [[2], [1]]
    assert (part.mismatch, part.has_missing, table.has_missing) == (2.0, False, True)


# --- resources ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "missing", "sparse"])
def test_memory_is_bounded(kind):
    n = 12_000  # all distances would be 1.1 GB
    X = np.random.default_rng(0).normal(size=(n, 3))
    if kind == "missing":
        X[0, 0] = np.nan
    table = NeighborTable(numeric=X)
    if kind == "sparse":
        table = NeighborTable(
            numeric=sp.random_array((n, 3000), density=0.002, rng=0, format="csr")
        )
    rows = np.arange(0, n, 8)
    find_neighbors(table_of(600), 2, backend="sklearn")  # imports
    tracemalloc.start()
    find_neighbors(table, 5, rows=rows, backend="sklearn")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def in_child(code):
    """Fork, run code in the child and return whether it ended well in 30 seconds."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            code()
            status = 0
        finally:
            os._exit(status)
    timer = threading.Timer(30, os.kill, (child, 9))
    timer.start()
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        timer.cancel()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("backend", available_backends())
def test_a_child_searches_after_a_parallel_call(backend):
    table = table_of(1500)
    truth = find_neighbors(table, 5, n_jobs=2, backend=backend)

    def search():
        found = find_neighbors(table, 5, n_jobs=2, backend=backend)
        assert np.array_equal(found[1], truth[1])

    assert in_child(search)


LIGHT = """
import sys
import numpy as np
from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit.neighbors import FastNearestNeighbors

table = NeighborTable(numeric=np.random.default_rng(0).normal(size=(300, 4)))
find_neighbors(table, 3)
FastNearestNeighbors().fit(table.numeric).kneighbors()
print("torch" in sys.modules)
find_neighbors(table, 3, backend="torch")
print("torch" in sys.modules)
"""


def test_a_small_search_does_not_load_torch():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_torch_keeps_its_number_of_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        find_neighbors(table_of(600), 3, n_jobs=3, backend="torch")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# --- the cache ----------------------------------------------------------------------


def test_a_graph_is_found_again_and_cut_for_smaller_k():
    wide = find_neighbors(table_of(800), 7)
    again = find_neighbors(table_of(800), 4)  # another object of equal content
    assert cache_info()[:3] == (1, 1, 1)
    assert np.array_equal(again[0], wide[0][:, :4])
    assert np.array_equal(again[1], wide[1][:, :4])
    assert again[1].dtype == np.intp


def test_a_larger_k_replaces_the_graph():
    find_neighbors(table_of(800), 4)
    wide = find_neighbors(table_of(800), 6)
    assert cache_info()[:3] == (0, 2, 1)
    assert cache_info().n_bytes == 800 * 6 * 12
    assert np.array_equal(find_neighbors(table_of(800), 6)[1], wide[1])


def test_rows_are_answered_out_of_the_whole_graph():
    table, rows = table_of(1200), np.arange(1100, 500, -1)
    truth = find_neighbors(table, 5, rows=rows, backend="sklearn")
    find_neighbors(table, 5)
    found = find_neighbors(table, 5, rows=rows)
    assert cache_info().hits == 1
    assert np.array_equal(found[1], truth[1])
    np.testing.assert_allclose(found[0], truth[0], rtol=1e-12)


@pytest.mark.parametrize("change", ["value", "dtype", "code", "mismatch", "rows"])
def test_other_content_is_another_graph(change):
    numeric = table_of(900).numeric
    codes = np.ones((900, 1), dtype=np.uint8)
    parts = {"numeric": numeric, "codes": codes, "mismatch": 1.0}
    find_neighbors(NeighborTable(**parts), 3)
    if change == "value":
        parts["numeric"] = numeric + (np.arange(900) == 7)[:, None]
    if change == "dtype":
        parts["numeric"] = numeric.astype(np.float32)
    if change == "code":
        parts["codes"] = codes + (np.arange(900) == 7)[:, None]
    if change == "mismatch":
        parts["mismatch"] = 2.0
    k = 4 if change == "rows" else 3
    rows = np.arange(700) if change == "rows" else None
    find_neighbors(NeighborTable(**parts), k, rows=rows)
    assert cache_info()[:3] == (0, 2, 2)


def test_a_change_in_place_is_seen():
    X = table_of(700).numeric.copy()
    find_neighbors(NeighborTable(numeric=X), 3)
    X[:350] = X[:350][::-1] * 2
    found = find_neighbors(NeighborTable(numeric=X), 3)
    truth = find_neighbors(NeighborTable(numeric=X), 3, backend="sklearn")
    assert np.array_equal(found[1], truth[1])


def test_own_and_all_are_remembered_both():
    table, labels = table_of(1200), np.arange(1200) % 2
    rows = np.flatnonzero(labels)
    first = find_own_and_all_neighbors(table, 3, 5, labels, rows=rows)
    again = find_own_and_all_neighbors(table, 2, 4, labels, rows=rows)
    assert cache_info() == (2, 1, 2, 600 * 8 * 12, 256 * 2**20)
    for wide, narrow in zip(first, again, strict=True):
        assert np.array_equal(wide[1][:, : narrow[1].shape[1]], narrow[1])
    rows = rows[rows < 900]
    other = find_own_and_all_neighbors(
        table, 2, 4, labels * (np.arange(1200) < 900), rows=rows
    )
    assert not np.array_equal(other[0][1], again[0][1][: len(rows)])


def test_what_is_handed_out_is_not_what_is_kept():
    distances, indices = find_neighbors(table_of(800), 3)
    truth = indices.copy()
    for _ in range(2):
        distances[:], indices[:] = -1, -1
        distances, indices = find_neighbors(table_of(800), 3)
        assert np.array_equal(indices, truth)


def test_the_bound_holds_and_the_oldest_leave_first():
    size = 600 * 5 * 12
    set_cache_limit(2 * size)
    tables = [table_of(600, seed=seed) for seed in range(3)]
    for table in (*tables[:2], tables[0], tables[2]):  # the second is the oldest
        find_neighbors(table, 5)
    assert cache_info().n_bytes == 2 * size
    clear = cache_info().misses
    find_neighbors(tables[0], 5)
    assert cache_info().misses == clear
    find_neighbors(tables[1], 5)
    assert cache_info().misses == clear + 1
    set_cache_limit(size)
    assert cache_info().n_graphs == 1
    set_cache_limit(0)
    find_neighbors(tables[1], 5)
    assert cache_info().n_graphs == 0


def test_small_tables_and_few_rows_pass_by():
    find_neighbors(table_of(400), 3)
    find_neighbors(table_of(2000), 3, rows=np.arange(100))
    assert cache_info()[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    ("limit", "message"), [(-1, "0 or more"), (1.5, "integer"), (True, "integer")]
)
def test_wrong_limits_are_refused(limit, message):
    with pytest.raises(ValueError, match=message):
        set_cache_limit(limit)


def test_threads_share_the_cache():
    tables = [table_of(600, seed=seed) for seed in range(3)]
    truth = [find_neighbors(table, 4, backend="sklearn")[1] for table in tables]
    wrong = []

    def work():
        for _ in range(4):
            for table, right in zip(tables, truth, strict=True):
                if not np.array_equal(find_neighbors(table, 4)[1], right):
                    wrong.append(table)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache_info().n_graphs == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_uses_the_cache_even_if_a_thread_held_its_lock():
    table = table_of(600)
    find_neighbors(table, 3)
    stop = threading.Event()

    def hold():
        while not stop.is_set():
            with _cache._GRAPHS._lock:
                pass

    holder = threading.Thread(target=hold)
    holder.start()
    try:

        def search():
            before = cache_info().hits
            find_neighbors(table, 3)
            assert cache_info().hits == before + 1

        assert in_child(search)
    finally:
        stop.set()
        holder.join()
