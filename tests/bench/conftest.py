"""Small tables that several tests of the main job use."""

import hashlib

import numpy as np
import pytest

from skoverfit.bench import Table


def make_table(X, y, name="table", **extra):
    """A table of plain arrays."""
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=np.int64)
    names = tuple(f"class {label}" for label in range(y.max() + 1))
    digest = hashlib.sha256(X.tobytes() + y.tobytes()).hexdigest()
    return Table(name=name, X=X, y=y, class_names=names, content_hash=digest, **extra)


@pytest.fixture
def small_table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = (X[:, 0] + rng.normal(size=120) > 0.8).astype(int)
    return make_table(X, y)
