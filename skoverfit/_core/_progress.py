# SPDX-License-Identifier: BSD-3-Clause
"""Progress of long work: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

__all__ = ["Progress", "format_seconds"]

_LINE_EVERY_SECONDS = 15.0


def format_seconds(seconds: float) -> str:
    """Write a duration for people.

    Examples
    --------
    >>> format_seconds(0.25), format_seconds(75), format_seconds(7300)
    ('0.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


class Progress:
    """Count finished pieces of work and say the rate and the time left.

    Parameters
    ----------
    total : int
        Pieces of work of this run, without those found finished.
    verbose : int, default=0
        0 is silent.
    unit : str, default="cells"
        What is counted.
    stream : text file, optional
        Where to write; the standard error by default, so that standard output stays
        free for results.
    """

    def __init__(
        self,
        total: int,
        *,
        verbose: int = 0,
        unit: str = "cells",
        stream: TextIO | None = None,
    ) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self._unit = unit
        self._stream = stream if stream is not None else sys.stderr
        self._active = verbose > 0 and total > 0
        self._started = time.monotonic()
        self._last_line = self._started
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        self._started = self._last_line = time.monotonic()
        if self._active and self._stream.isatty():
            self._start_bar()
        return self

    def _start_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress as RichProgress,
                TextColumn,
                TimeRemainingColumn,
            )
        except ImportError:  # rich comes with the `bench` extra; lines do without
            return
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
        )
        self._task = self._bar.add_task(self._unit, total=self.total, rate="")
        self._bar.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._active:
            self._write(self.describe())

    def advance(self, *, failed: bool = False, label: str = "") -> None:
        """Count one finished piece of work; the label says what it was."""
        self.done += 1
        self.failed += failed
        if self._bar is not None:
            self._bar.update(
                self._task,
                advance=1,
                rate=f"{self.rate:.1f}/s",
                description=label[:48] or self._unit,
            )
        elif self._active:
            now = time.monotonic()
            if now - self._last_line >= _LINE_EVERY_SECONDS:
                self._last_line = now
                self._write(self.describe())

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def rate(self) -> float:
        """Finished pieces a second."""
        return self.done / max(self.elapsed, 1e-9)

    def describe(self) -> str:
        """Return one line: done of total, failures, rate, time left."""
        parts = [f"{self.done} of {self.total} {self._unit}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        parts.append(f"{self.rate:.1f}/s")
        if 0 < self.done < self.total:
            left = (self.total - self.done) / self.rate
            parts.append(f"about {format_seconds(left)} left")
        else:
            parts.append(format_seconds(self.elapsed))
        return ", ".join(parts)

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
