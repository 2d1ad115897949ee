"""How a published claim is re-run here.

A file ``claim_<name>.py`` describes a `Claim` and ends with ``sys.exit(main(CLAIM))``.
Its experiment is a function ``seeds -> Outcome``: it trains, and returns `Finding` s
made by the functions below, each with a bound that was fixed before the full run. The
verdict of a finding comes from an interval over the seeds:

- `exceeds`, `falls_below`: *reproduced* if the whole 95 % interval of the mean lies on
  the right side of the bound, *partly* if the mean does and the interval doesn't,
  *not reproduced* otherwise;
- `lies_within`: the same with a region instead of a side;
- `holds_in`: *reproduced* if it holds on as many seeds as were asked for, *partly* if
  the Wilson interval of the share reaches that many, *not reproduced* otherwise;
- `told`: a figure that is published and not judged.

A claim is *reproduced* if all of its findings are, *not reproduced* if none is, and
*partly reproduced* otherwise. A claim that fails is a result: the file ends with code 0
all the same, but for a `Claim` marked ``own=True``, which is a promise of ours.

``--seeds N`` runs the first N seeds and writes nothing unless ``--out`` is given.
Everything runs on one thread. Who needs the resumable store keeps it in `STORE`.
Figures go to ``benchmarks/results/claims/<name>.json``, and from there into the docs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from threadpoolctl import threadpool_limits

from skoverfit._core._statistics import wilson_interval
from skoverfit._core._versions import code_version
from skoverfit.exceptions import SkoverfitWarning

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "claims"
# Ignored by git: cells of claims that take longer than one sitting.
STORE = ROOT / "build" / "claims"
DATA = ROOT.parent / "shared" / "data"

REPRODUCED, PARTLY, NOT_REPRODUCED = "reproduced", "partly reproduced", "not reproduced"
TOLD = "told"


@dataclass(frozen=True)
class Finding:
    """One measured figure of a claim, with its verdict."""

    statement: str
    verdict: str
    estimate: float
    lower: float | None = None
    upper: float | None = None
    bound: str = ""
    n: int = 0

    def __str__(self) -> str:
        return f"{self.statement}: {self.measured()}: {self.verdict.upper()}"

    def measured(self) -> str:
        """Return the figure with its interval and its bound, for a reader."""
        text = f"{self.estimate:.3g}"
        if self.lower is not None and self.upper is not None:
            text += f" [{self.lower:.3g}, {self.upper:.3g}]"
        return text + (f" ({self.bound})" if self.bound else "")


@dataclass(frozen=True)
class Outcome:
    """What an experiment found; ``tables`` are figures that a reader may want."""

    findings: Sequence[Finding]
    tables: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Claim:
    """A published claim and how it is run here.

    ``paper`` has authors, title, place and number; ``published`` the claim with its
    numbers; ``here`` what is run and what is smaller than in the paper. ``seeds`` are
    those of the full run. ``needs`` names files below ``../shared/data`` without which
    the claim can't be run.
    """

    name: str
    paper: str
    published: str
    here: str
    seeds: Sequence[int]
    experiment: Callable[[Sequence[int]], Outcome]
    own: bool = False
    needs: Sequence[str] = ()


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean and Student's 95 % interval of independent values."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"values must be finite numbers, one a seed, not {values}.")
    mean = float(array.mean())
    if len(array) == 1:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf(0.975, len(array) - 1) * stats.sem(array))
    return mean, mean - half, mean + half


def _verdict(all_inside: bool, mean_inside: bool) -> str:
    if all_inside:
        return REPRODUCED
    return PARTLY if mean_inside else NOT_REPRODUCED


def exceeds(statement: str, values: Sequence[float], bound: float = 0.0) -> Finding:
    """Judge whether the mean of ``values``, one a seed, lies above ``bound``."""
    mean, low, high = mean_interval(values)
    verdict = _verdict(low > bound, mean > bound)
    return Finding(statement, verdict, mean, low, high, f"> {bound:g}", len(values))


def falls_below(statement: str, values: Sequence[float], bound: float = 0.0) -> Finding:
    """Judge whether the mean of ``values``, one a seed, lies below ``bound``."""
    mean, low, high = mean_interval(values)
    verdict = _verdict(high < bound, mean < bound)
    return Finding(statement, verdict, mean, low, high, f"< {bound:g}", len(values))


def lies_within(
    statement: str, values: Sequence[float], region: tuple[float, float]
) -> Finding:
    """Judge whether the mean of ``values``, one a seed, lies in a region."""
    mean, low, high = mean_interval(values)
    first, last = region
    verdict = _verdict(first <= low and high <= last, first <= mean <= last)
    bound = f"within {first:g} to {last:g}"
    return Finding(statement, verdict, mean, low, high, bound, len(values))


def holds_in(statement: str, held: Sequence[bool], needed: int) -> Finding:
    """Judge whether something holds on at least ``needed`` of the full run's seeds.

    With fewer seeds than ``needed`` the share that is asked for is everything.
    """
    n, k = len(held), int(np.sum(held))
    needed = min(needed, n)
    low, high = (float(end) for end in wilson_interval(k, n))
    verdict = _verdict(k >= needed, high * n >= needed)
    bound = f"at least {needed} of {n}"
    return Finding(statement, verdict, k / n, low, high, bound, n)


def told(statement: str, values: Sequence[float]) -> Finding:
    """Publish a mean with its interval without judging it."""
    mean, low, high = mean_interval(values)
    return Finding(statement, TOLD, mean, low, high, "", len(values))


def overall(findings: Sequence[Finding]) -> str:
    """Return the verdict of a claim from those of its findings."""
    judged = [f.verdict for f in findings if f.verdict != TOLD]
    if not judged:
        raise ValueError("A claim needs a finding that is judged.")
    if all(v == REPRODUCED for v in judged):
        return REPRODUCED
    return NOT_REPRODUCED if all(v == NOT_REPRODUCED for v in judged) else PARTLY


def main(claim: Claim, arguments: Sequence[str] | None = None) -> int:
    """Run a claim, print and keep its figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=claim.published)
    parser.add_argument("--seeds", type=int, help="run only the first N seeds")
    parser.add_argument("--out", type=Path, help="folder of the figures")
    given = parser.parse_args(arguments)
    if given.seeds is not None and given.seeds < 1:
        parser.error(f"--seeds {given.seeds} is no number of seeds; give 1 or more.")
    missing = [name for name in claim.needs if not (DATA / name).exists()]
    if missing:
        print(f"{claim.name}: not run, {', '.join(missing)} is not in ../shared/data.")
        return 0
    seeds = list(claim.seeds)[: given.seeds]
    full = len(seeds) == len(claim.seeds)
    print(f"{claim.name}: {claim.paper}\n  Published: {claim.published}", flush=True)
    print(f"  Here: {claim.here}", flush=True)
    # Who edits the code during a long run shall not sign the figures with the edit.
    code, commit = code_version(), _commit()
    cpu, wall = time.process_time(), time.perf_counter()
    # One thread: several would only wait for one another on tables of this size.
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", SkoverfitWarning)
        outcome = claim.experiment(seeds)
    seconds = time.perf_counter() - wall
    verdict = overall(outcome.findings)
    for finding in outcome.findings:
        print(f"  {finding}")
    for note in outcome.notes:
        print(f"  {note}")
    print(f"  {seconds:.0f} s, {len(seeds)} of {len(claim.seeds)} seeds")
    print(f"{claim.name}: {verdict.upper()}", flush=True)
    folder = given.out or (RESULTS if full else None)
    if folder is not None:
        found = {
            "name": claim.name,
            "paper": claim.paper,
            "published": claim.published,
            "here": claim.here,
            "own": claim.own,
            "verdict": verdict,
            "seeds": len(seeds),
            "full": full,
            "findings": [
                asdict(f) | {"measured": f.measured()} for f in outcome.findings
            ],
            "notes": list(outcome.notes),
            "tables": outcome.tables,
            "code": code,
            "commit": commit,
            "when": datetime.now(UTC).strftime("%Y-%m-%d"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("numpy", "scikit-learn", "torch")},
            },
            "seconds": round(seconds, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        }
        _write(folder / f"{claim.name}.json", found)
    return int(claim.own and verdict != REPRODUCED)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} can't be written as JSON.")


def _finite(value: Any) -> Any:
    """Write what is not finite as null: JSON has no infinity."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return None
    return value


def _write(path: Path, found: Mapping[str, Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_finite(found), indent=1, default=_plain, ensure_ascii=False)
    draft = path.with_suffix(".part")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def _commit() -> str:
    """Return the short commit, with a plus if files differ; "" without git."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "skoverfit", "benchmarks/claims")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
