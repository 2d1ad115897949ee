# SPDX-License-Identifier: BSD-3-Clause
import matplotlib
import pytest


@pytest.fixture(autouse=True)
def _no_open_figures():
    matplotlib.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
