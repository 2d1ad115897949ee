"""Every backend equals the float64 truth on every table where searches go wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skoverfit._core._neighbors import (
    NeighborTable,
    _search,
    find_neighbors,
    find_own_and_all_neighbors,
)
from skoverfit._core._neighbors._engine import available_backends

_spec = importlib.util.spec_from_file_location(
    "neighbor_cases", Path(__file__).with_name("neighbor_cases.py")
)
cases = importlib.util.module_from_spec(_spec)
sys.modules["neighbor_cases"] = cases
_spec.loader.exec_module(cases)

BACKENDS = ("compiled", "torch", "sklearn")
DTYPES = (np.float32, np.float64)


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param not in available_backends():
        pytest.skip("the compiled kernel was not built here")
    return request.param


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", cases.CASES)
def test_self_join_is_the_float64_truth(backend, name, dtype):
    table = NeighborTable(numeric=cases.make(name, dtype))
    k = min(5, len(table) - 1)
    answer = find_neighbors(table, k, backend=backend)
    own = np.arange(len(table))
    cases.assert_true(answer, cases.squared_distances(table), k, own)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", cases.CASES)
def test_queries_and_rows_are_the_float64_truth(backend, name, dtype):
    table = NeighborTable(numeric=cases.make(name, dtype))
    rows = np.arange(len(table))[::3][::-1]
    squared = cases.squared_distances(table)[rows]
    k = min(7, len(table) - 1)
    answer = find_neighbors(table, k, rows=rows, backend=backend)
    cases.assert_true(answer, squared, k, rows)
    answer = find_neighbors(table, k, queries=table.take(rows), backend=backend)
    cases.assert_true(answer, squared, k)


def mixed(rng, n, d=4, c=3, missing=0.0, levels=5, dtype=np.float64):
    numeric = rng.normal(size=(n, d)).astype(dtype)
    numeric[rng.random(numeric.shape) < missing] = np.nan
    codes = rng.integers(1, levels + 1, (n, c))
    codes[rng.random(codes.shape) < missing] = 0
    return NeighborTable(numeric=numeric, codes=codes, mismatch=0.7)


TABLES = {
    "mixed": lambda rng: mixed(rng, 180),
    "mixed, large": lambda rng: mixed(rng, 1100, d=5),
    "mixed, float32": lambda rng: mixed(rng, 900, d=5, dtype=np.float32),
    "nominal only": lambda rng: mixed(rng, 300, d=0, c=8),
    "nominal only, large": lambda rng: mixed(rng, 1100, d=0, c=6, levels=9),
    "many levels": lambda rng: mixed(rng, 700, levels=3000),
    "missing": lambda rng: mixed(rng, 250, d=6, c=0, missing=0.3),
    "mixed and missing": lambda rng: mixed(rng, 250, missing=0.3),
    "almost all missing": lambda rng: mixed(rng, 120, d=2, c=1, missing=0.85),
    "300 nominal columns": lambda rng: mixed(rng, 150, d=1, c=300),
}


@pytest.mark.parametrize("name", TABLES)
def test_mixed_and_incomplete_tables_are_the_float64_truth(backend, name):
    table = TABLES[name](np.random.default_rng(1))
    squared, k = cases.squared_distances(table), 6
    own = np.arange(len(table))
    answer = find_neighbors(table, k, backend=backend)
    cases.assert_true(answer, squared, k, own)
    queries = table.take(own[:40])
    answer = find_neighbors(table, k, queries=queries, backend=backend)
    cases.assert_true(answer, squared[:40], k)


def test_a_query_with_a_missing_value_among_complete_rows(backend):
    rng = np.random.default_rng(2)
    table = mixed(rng, 90, missing=0.0)
    queries = mixed(rng, 30, missing=0.5)
    answer = find_neighbors(table, 4, queries=queries, backend=backend)
    cases.assert_true(answer, cases.squared_distances(table, queries), 4)


@pytest.mark.parametrize("name", ["standard", "large", "large copies", "integers"])
def test_own_class_and_all_in_one_pass(backend, name):
    table = NeighborTable(numeric=cases.make(name, np.float64))
    rng = np.random.default_rng(3)
    labels = np.array(["a", "b", "c"])[rng.integers(0, 3, len(table))]
    rows = rng.permutation(len(table))[: len(table) // 2]
    (d_own, i_own), everyone = find_own_and_all_neighbors(
        table, 3, 6, labels, rows=rows, backend=backend
    )
    squared = cases.squared_distances(table)[rows]
    cases.assert_true(everyone, squared, 6, rows)
    assert (labels[i_own] == labels[rows, None]).all()
    foreign = labels[rows, None] != labels
    cases.assert_true((d_own, i_own), np.where(foreign, np.nan, squared), 3, rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.01, 0.2])
@pytest.mark.parametrize("stays_sparse", [False, True])
def test_sparse_tables_are_the_float64_truth(density, dtype, stays_sparse, monkeypatch):
    if stays_sparse:
        monkeypatch.setattr(_search, "_DENSE", 0)
    shape = (1300, 60)
    matrix = sp.random_array(shape, density=density, rng=0, dtype=dtype)
    rows = np.arange(0, shape[0], 3)
    table = NeighborTable(numeric=matrix)
    dense = NeighborTable(numeric=matrix.toarray())
    answer = find_neighbors(table, 5, rows=rows)
    squared = cases.squared_distances(dense, dense.take(rows))
    cases.assert_true(answer, squared, 5, rows)
    answer = find_neighbors(table, 5, queries=table.take(rows))
    cases.assert_true(answer, squared, 5)


def test_tensors_give_tensors():
    X = torch.tensor(cases.make("large", np.float32))
    table = NeighborTable(numeric=X)
    distances, indices = find_neighbors(table, 4)
    assert distances.device == indices.device == X.device
    assert (distances.dtype, indices.dtype) == (torch.float64, torch.int64)
    numpy_table = NeighborTable(numeric=X.numpy())
    own = np.arange(len(X))
    squared = cases.squared_distances(numpy_table)
    cases.assert_true((distances, indices), squared, 4, own)


def test_tensors_with_missing_values():
    X = torch.tensor(TABLES["missing"](np.random.default_rng(4)).numeric)
    answer = find_neighbors(NeighborTable(numeric=X), 4)
    squared = cases.squared_distances(NeighborTable(numeric=X.numpy()))
    cases.assert_true(answer, squared, 4, np.arange(len(X)))


@pytest.mark.parametrize(
    "name", ["large", "large grid", "large integers of few values"]
)
def test_the_number_of_threads_changes_nothing(backend, name):
    table = NeighborTable(numeric=cases.make(name, np.float64))
    one = find_neighbors(table, 5, n_jobs=1, backend=backend)
    three = find_neighbors(table, 5, n_jobs=3, backend=backend)
    assert np.array_equal(one[0], three[0])
    assert np.array_equal(one[1], three[1])


@pytest.mark.parametrize("fallback", ["torch", "sklearn"])
@pytest.mark.parametrize("name", ["large integers of few values", "integers", "binary"])
def test_ties_go_to_the_lowest_index(fallback, name):
    table = NeighborTable(numeric=cases.make(name, np.float64))
    squared = cases.squared_distances(table)
    np.fill_diagonal(squared, np.inf)
    truth = np.argsort(squared, axis=1, kind="stable")[:, :5]
    assert np.array_equal(find_neighbors(table, 5, backend=fallback)[1], truth)
