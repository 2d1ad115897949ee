# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest


@pytest.fixture
def blobs():
    """60 common and 20 rare rows of three columns, overlapping."""
    rng = np.random.default_rng(7)
    y = np.repeat(["common", "rare"], [60, 20])
    X = rng.normal(size=(80, 3)) + (y == "rare")[:, None]
    return X, y
