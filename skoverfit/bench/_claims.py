# SPDX-License-Identifier: BSD-3-Clause
"""Published claims re-run from a checkout: one file a paper, one process a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import skoverfit
from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError

__all__ = ["ClaimRun", "find_claims", "pick_claims", "run_claim"]

_PREFIX = "claim_"
# The exit code of a file whose claim is a promise of ours and did not hold.
_BROKEN_PROMISE = 1


@dataclass(frozen=True)
class ClaimRun:
    """How the file of a claim ended."""

    name: str
    verdict: str
    promise_broken: bool
    crashed: bool


def find_claims(root: Path | None = None) -> dict[str, Path]:
    """Return the files of the checkout that this package was imported from.

    Only these: a folder of the same name where a person happens to stand is somebody
    else's code.
    """
    root = Path(skoverfit.__file__).parents[1] if root is None else root
    folder = root / "benchmarks" / "claims"
    found = {
        path.stem.removeprefix(_PREFIX): path
        for path in sorted(folder.glob(f"{_PREFIX}*.py"))
    }
    if not found:
        raise BadInputError(
            "The claims are run from a checkout of skoverfit, where they are files in "
            "benchmarks/claims; the installed package has none."
        )
    return found


def pick_claims(names: Sequence[str], found: dict[str, Path]) -> dict[str, Path]:
    """Return the files of some claims, or of all if none is named."""
    for name in names:
        if name not in found:
            raise BadInputError(f"There is no claim {name!r}. {suggest(name, found)}")
    return {name: found[name] for name in names} if names else found


def run_claim(name: str, path: Path, arguments: Sequence[str] = ()) -> ClaimRun:
    """Run a file in a process of its own; what it prints goes through at once."""
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-u", str(path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(path.parents[2])},
    ) as process:
        try:
            for line in process.stdout or ():
                sys.stdout.write(line)
                sys.stdout.flush()
                lines.append(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    last = lines[-1] if lines else ""
    told = last.startswith(f"{name}: ")
    broken = process.returncode == _BROKEN_PROMISE and told
    crashed = process.returncode != 0 and not broken
    verdict = "crashed" if crashed else last.removeprefix(f"{name}: ").lower()
    return ClaimRun(name, verdict, broken, crashed)
