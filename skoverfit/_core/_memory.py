# SPDX-License-Identifier: BSD-3-Clause
"""Peak memory of a stretch of code, where the system can tell."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["PeakMemory"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def _field(name: str) -> int | None:
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


class PeakMemory:
    """Measure by how much the resident memory of this process rose at its highest.

    On Linux the kernel's high-water mark is reset at the start, so native memory
    counts too and nothing slows down. Elsewhere `megabytes` stays None.
    """

    megabytes: float | None = None

    def __enter__(self) -> Self:
        self._before: int | None = None
        try:
            _CLEAR.write_text("5")
        except OSError:
            return self
        self._before = _field("VmRSS:")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        peak = _field("VmHWM:")
        if self._before is not None and peak is not None:
            self.megabytes = max(0.0, (peak - self._before) / 2**20)
