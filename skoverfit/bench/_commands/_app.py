# SPDX-License-Identifier: BSD-3-Clause
"""What commands share: exit codes, one-sentence errors, durations, folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import FrameType

import typer

from skoverfit.bench._estimators import ESTIMATOR_TITLES
from skoverfit.exceptions import BadInputError, StoreError

__all__ = [
    "ESTIMATOR_HELP",
    "ExitCode",
    "file_name",
    "names",
    "one_sentence",
    "parse_seconds",
    "prepare_output",
    "terminated",
]


# Plain text: typer evaluates annotations, where quotes in f-strings would clash.
ESTIMATOR_HELP = (
    ", ".join(ESTIMATOR_TITLES) + ', or a path such as "sklearn.linear_model.Ridge('
    'alpha=10)". It gets encoded, complete, scaled columns.'
)


class ExitCode(IntEnum):
    """What the exit code tells a script."""

    COMPLETE = 0
    PROMISE_BROKEN = 1
    FINDING = 1  # a second name: a command has the one or the other
    BAD_INPUT = 2
    SOME_CELLS_FAILED = 3
    OUT_OF_TIME = 4
    STORE_TROUBLE = 5
    INTERRUPTED = 130


@contextmanager
def one_sentence(where: str = "") -> Iterator[None]:
    """Turn expected errors into one sentence and an exit code."""
    try:
        yield
    except (BadInputError, ImportError) as exc:
        # What an extra would bring is named in the error, with the line that gets it.
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    except StoreError as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(ExitCode.STORE_TROUBLE) from None
    except KeyboardInterrupt:
        typer.echo(f"\nInterrupted. {where}".rstrip(), err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def terminated(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def names(text: str | None) -> list[str] | None:
    return None if text is None else [n.strip() for n in text.split(",") if n.strip()]


def parse_seconds(text: str) -> float:
    """Read a duration: seconds, or a number with s, m or h.

    Examples
    --------
    >>> parse_seconds("90"), parse_seconds("1.5m"), parse_seconds("2h")
    (90.0, 90.0, 7200.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if found is None:
        raise BadInputError(
            f"--max-time {text!r} is no duration; give seconds, or e.g. 10m or 1.5h."
        )
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "table"


def prepare_output(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadInputError(
            f"The output folder {str(folder)!r} can't be made: {exc.strerror or exc}."
        ) from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInputError(
            f"The output folder {str(folder)!r} can't be written: permission denied."
        )
