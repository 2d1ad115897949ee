"""The peak is that of the stretch, not of the process so far."""

import sys

import numpy as np
import pytest

from skoverfit._core._memory import PeakMemory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")
def test_peak_is_measured_and_reset():
    with PeakMemory() as large:
        np.ones(8_000_000).sum()  # 61 MiB, gone again at the end
    with PeakMemory() as small:
        sum(range(10))
    assert large.megabytes > 50
    assert small.megabytes < 10


def test_a_system_that_cannot_tell_gives_none(monkeypatch, tmp_path):
    monkeypatch.setattr("skoverfit._core._memory._CLEAR", tmp_path / "no" / "file")
    with PeakMemory() as memory:
        pass
    assert memory.megabytes is None
