"""Tables on which neighbour searches go wrong, and the truth about them."""

import functools

import numpy as np


def _clusters(rng, gap, n=220, d=6):
    half = rng.normal(size=(n // 2, d))
    return np.concatenate([half, rng.normal(size=(n // 2, d)) + gap])


def _scaled_column(rng, scale):
    X = rng.normal(size=(200, 6))
    X[:, 2] *= scale
    return X


def _huge_constant(rng):
    X = rng.normal(size=(200, 6))
    X[:, 2] = 1e30
    return X


def _far_rows(rng):
    X = rng.normal(size=(200, 6))
    X[:5] *= 1e4
    return X


def _near_ties(rng):
    centre = rng.normal(size=(40, 5))
    return np.concatenate([centre + 1e-7 * rng.normal(size=(40, 5)) for _ in range(5)])


CASES = {
    "standard": lambda rng: rng.normal(size=(200, 6)),
    "offset 1e3": lambda rng: rng.normal(size=(200, 6)) + 1e3,
    "offset 1e5": lambda rng: rng.normal(size=(200, 6)) + 1e5,
    "offset 1e8": lambda rng: rng.normal(size=(200, 6)) + 1e8,
    "column x 1e3": lambda rng: _scaled_column(rng, 1e3),
    "column x 1e30": lambda rng: _scaled_column(rng, 1e30),
    "constant column 1e30": _huge_constant,
    "five far rows": _far_rows,
    "clusters 1e4 apart": lambda rng: _clusters(rng, 1e4),
    "clusters 1e7 apart": lambda rng: _clusters(rng, 1e7),
    "four copies": lambda rng: np.repeat(rng.normal(size=(50, 6)), 4, axis=0),
    "all equal": lambda rng: np.full((130, 4), 0.1),
    "integers": lambda rng: rng.integers(-20, 20, (200, 5)),
    "large integers": lambda rng: rng.integers(0, 10**7, (200, 5)),
    "binary": lambda rng: rng.integers(0, 2, (200, 9)),
    "grid of 0.1": lambda rng: rng.integers(0, 8, (200, 4)) * 0.1,
    "denormals": lambda rng: rng.normal(size=(200, 5)) * 1e-310,
    "1e-300": lambda rng: rng.normal(size=(200, 5)) * 1e-300,
    "1e30": lambda rng: rng.normal(size=(200, 5)) * 1e30,
    "1e200": lambda rng: rng.normal(size=(200, 5)) * 1e200,
    "Cauchy": lambda rng: rng.standard_cauchy(size=(200, 5)),
    "near ties": _near_ties,
    "one column": lambda rng: rng.normal(size=(200, 1)),
    "two columns": lambda rng: rng.normal(size=(200, 2)),
    "three columns": lambda rng: rng.normal(size=(200, 3)),
    "200 columns": lambda rng: rng.normal(size=(150, 200)),
    "3 rows": lambda rng: rng.normal(size=(3, 4)),
    "6 rows": lambda rng: rng.normal(size=(6, 4)),
    "65 rows": lambda rng: rng.normal(size=(65, 4)),
    # Large enough for the search by bounds and blocks of minima.
    "large": lambda rng: rng.normal(size=(1500, 12)),
    "large offset": lambda rng: rng.normal(size=(1500, 5)) + 1e6,
    "large clusters": lambda rng: _clusters(rng, 1e5, 1400, 8),
    "large copies": lambda rng: np.repeat(rng.normal(size=(350, 8)), 4, axis=0),
    "large grid": lambda rng: rng.integers(0, 6, (1400, 4)) * 0.1,
    "large integers of few values": lambda rng: rng.integers(0, 4, (1400, 4)),
    "large 1e200": lambda rng: rng.normal(size=(1400, 6)) * 1e200,
    "large 1e-300": lambda rng: rng.normal(size=(1400, 6)) * 1e-300,
    "large huge column": lambda rng: np.hstack(
        [rng.normal(size=(1400, 5)), 1e30 * rng.integers(0, 2, (1400, 1))]
    ),
}


@functools.cache
def make(name, dtype):
    """Return the table of a case; float32 cannot hold some of them."""
    rng = np.random.default_rng(0)
    X = np.ascontiguousarray(CASES[name](rng), dtype=np.float64)
    if dtype == np.float32:
        X = np.clip(X, -3e38, 3e38).astype(np.float32)
    X.flags.writeable = False
    return X


def squared_distances(table, queries=None):
    """Return all squared distances by direct differences, column after column.

    Numbers whose squares leave float64 are scaled by a power of two first, and the
    squares kept in long double.
    """
    queries = table if queries is None else queries
    shape = (len(queries), len(table))
    total, present = np.zeros(shape), np.zeros(shape, int)
    a, b = (part.numeric.astype(np.float64) for part in (queries, table))
    largest = np.nanmax(np.abs(b), initial=0)
    extreme = largest and not 1e-140 < largest < 1e140
    exponent = int(np.frexp(largest)[1]) if extreme else 0
    a, b = np.ldexp(a, -exponent), np.ldexp(b, -exponent)
    for column in range(b.shape[1]):
        gap = a[:, column, None] - b[:, column]
        present += ~np.isnan(gap)
        total += np.where(np.isnan(gap), 0, gap) ** 2
    for column in range(table.n_nominal):
        x, y = queries.codes[:, column, None], table.codes[:, column]
        known = (x != 0) & (y != 0)
        present += known
        total += table.mismatch * ((x != y) & known)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(present == 0, np.inf, total * table.n_columns / present)
    return np.ldexp(total.astype(np.longdouble), 2 * exponent) if exponent else total


def assert_true(answer, squared, k, own=None):
    """Check distances against the truth and indices up to true ties."""
    distances, indices = (np.asarray(part) for part in answer)
    squared = squared.copy()
    if own is not None:
        squared[np.arange(len(own)), own] = np.nan  # behind infinity
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    truth = np.sqrt(np.take_along_axis(squared, order, axis=1)).astype(np.float64)
    assert distances.shape == indices.shape == truth.shape
    assert distances.dtype == np.float64
    np.testing.assert_allclose(distances, truth, rtol=1e-12, atol=1e-321)
    if own is not None:
        assert not (indices == own[:, None]).any(), "a row is its own neighbour"
    in_order = np.sort(indices, axis=1)
    assert (in_order[:, 1:] != in_order[:, :-1]).all(), "a neighbour comes twice"
    at = np.sqrt(np.take_along_axis(squared, indices, axis=1)).astype(np.float64)
    np.testing.assert_allclose(at, truth, rtol=1e-12, atol=1e-321)
