"""How speed is measured here: alternating repeats in one process, minima, memory.

Import it before anything that imports numpy: it sets one thread for the libraries'
own pools, so that CPU seconds compare. A subject is a module that calls `main` with a
function; that one measures, and says which ratio it hoped for. Figures go to
``benchmarks/results/speed/<subject>.json`` and the table of all subjects to
``benchmarks/results/speed.md``.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

for _pool in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ.setdefault(f"{_pool}_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
_PEERS = ("numpy", "scipy", "scikit-learn", "imbalanced-learn", "torch")
_CACHES = (
    ("skoverfit._core._neighbors._cache", "clear_cache"),
    ("skoverfit.pipeline", "clear_fold_cache"),
)
_MIB = 2**20

Call = Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """The least of some repeats, in seconds."""

    cpu: float
    wall: float
    repeats: int


def alternate(
    calls: dict[str, Call], *, repeats: int = 5, warm: int = 1, budget: float = 300.0
) -> dict[str, Timing]:
    """Time the calls in turn, A B C A B C, and return the least of each.

    A load of the machine then hits all of them. After ``budget`` seconds no further
    round begins.
    """
    for _ in range(warm):
        for call in calls.values():
            call()
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    begin = time.perf_counter()
    for _ in range(repeats):
        for name, call in calls.items():
            seen[name].append(_once(call))
        if time.perf_counter() - begin > budget:
            break
    return {
        name: Timing(min(c for c, _ in times), min(w for _, w in times), len(times))
        for name, times in seen.items()
    }


def forget() -> None:
    """Empty our caches: a repeat must not find the answer of the one before."""
    for module, name in _CACHES:
        if module in sys.modules:
            getattr(sys.modules[module], name)()
    gc.collect()


def _once(call: Call) -> tuple[float, float]:
    forget()
    cpu, wall = time.process_time(), time.perf_counter()
    result = call()
    times = time.process_time() - cpu, time.perf_counter() - wall
    del result  # freeing it is not the call's time
    return times


def resident_bytes() -> int | None:
    """Return the process's resident memory, or None where the system can't tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def traced_megabytes(call: Call) -> float:
    """Return the peak of what Python and numpy allocate in a call, output included."""
    forget()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()


def resident_megabytes(call: Call) -> float | None:
    """Return by how much the resident memory grows at most: compiled code counts too.

    Memory that the process holds free from earlier calls is not seen.
    """
    forget()
    before = resident_bytes()
    if before is None:
        return None
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, resident_bytes() or 0)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        result = call()
        peak = max(peak, resident_bytes() or 0)
        del result
    finally:
        done.set()
        watcher.join()
    return (peak - before) / _MIB


def gaussian_classes(
    n_rare: int, n_common: int, d: int, dtype: str = "float64", seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return two overlapping Gaussian classes; 1 is the rare one."""
    import numpy as np

    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rare + n_common, d), dtype=np.float32)
    y = np.zeros(len(X), dtype=np.int64)
    y[:n_rare] = 1
    X[:n_rare] += 1.5 / np.sqrt(d)
    order = rng.permutation(len(X))
    return np.ascontiguousarray(X[order], dtype=dtype), y[order]


class Report:
    """The figures of one subject: printed at once, written at the end."""

    def __init__(self, subject: str, quick: bool) -> None:
        self.subject = subject
        self.quick = quick
        self.goals: list[dict[str, Any]] = []
        self.timings: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def timed(self, case: str, timings: dict[str, Timing], **memory: Any) -> None:
        """Keep seconds; ``memory`` has a mapping of names to MiB for each kind."""
        for name, timing in timings.items():
            megabytes = {kind: found.get(name) for kind, found in memory.items()}
            self.timings.append(
                {"case": case, "name": name, **asdict(timing), **megabytes}
            )
            shown = "".join(
                f", {kind} {value:.1f} MiB"
                for kind, value in megabytes.items()
                if value is not None
            )
            print(
                f"  {case}: {name}: {timing.cpu:.4f} s CPU, {timing.wall:.4f} s wall "
                f"(least of {timing.repeats}){shown}",
                flush=True,
            )

    def goal(
        self,
        case: str,
        what: str,
        measured: float,
        target: float | None,
        *,
        at_most: bool = False,
    ) -> None:
        """Judge a figure; without a target it is only told."""
        if target is None:
            verdict = "TOLD"
        elif self.quick:
            verdict = "QUICK"
        else:
            met = measured <= target if at_most else measured >= target
            verdict = "PASS" if met else "BELOW" if not at_most else "ABOVE"
        self.goals.append(
            {
                "case": case,
                "what": what,
                "measured": float(measured),
                "target": target,
                "at_most": at_most,
                "verdict": verdict,
            }
        )
        print(f"{verdict:5} {case}: {what} {_goal_text(self.goals[-1])}", flush=True)

    def ratio(
        self,
        case: str,
        timings: dict[str, Timing],
        target: float | None,
        *,
        ours: str = "ours",
        peer: str = "peer",
        clock: str = "cpu",
    ) -> None:
        """Judge how many times faster ours is; the other clock is told beside it."""
        clocks = (clock, "wall" if clock == "cpu" else "cpu")
        for kind, hoped in zip(clocks, (target, None), strict=True):
            value = getattr(timings[peer], kind) / max(
                getattr(timings[ours], kind), 1e-9
            )
            label = {"cpu": "CPU", "wall": "wall"}[kind]
            self.goal(case, f"{peer} / {ours}, {label}", value, hoped)

    def note(self, text: str) -> None:
        """Keep a remark."""
        self.notes.append(text)
        print(f"  {text}", flush=True)

    def write(self, folder: Path) -> None:
        """Write the figures, and the page of all subjects again."""
        (folder / "speed").mkdir(parents=True, exist_ok=True)
        found = {
            "subject": self.subject,
            "quick": self.quick,
            **surroundings(),
            "goals": self.goals,
            "timings": self.timings,
            "notes": self.notes,
        }
        path = folder / "speed" / f"{self.subject}.json"
        path.write_text(json.dumps(found, indent=1) + "\n")
        write_page(folder)


def _goal_text(goal: dict[str, Any]) -> str:
    text = f"{goal['measured']:.3g}"
    if goal["target"] is None:
        return text
    return f"{text} (at {'most' if goal['at_most'] else 'least'} {goal['target']:g})"


def surroundings() -> dict[str, Any]:
    """Return where and with what it was measured."""
    versions = {}
    for name in _PEERS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "commit": commit_id(),
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "threads": os.environ["OMP_NUM_THREADS"],
        "versions": versions,
    }


def commit_id() -> str:
    """Return the short commit, with a plus if files differ from it; "" without git."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "skoverfit", "benchmarks/speed")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_page(folder: Path) -> None:
    """Write ``speed.md`` from the figures of all subjects."""
    lines = [
        "# Speed",
        "",
        "Least of alternating repeats in one process, one thread unless said; ratios "
        "are the peer's seconds over ours, so more is better. `make speed`.",
    ]
    for path in sorted((folder / "speed").glob("*.json")):
        lines += ["", *_section(json.loads(path.read_text()))]
    (folder / "speed.md").write_text("\n".join(lines) + "\n")


def _section(found: dict[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {v}" for name, v in found["versions"].items())
    lines = [
        f"## {found['subject'].replace('_', ' ')}",
        "",
        f"Commit {found['commit'] or 'unknown'}, {found['when']}, {found['machine']}, "
        f"Python {found['python']}, {versions}."
        + (" **Tiny sizes: not a measurement.**" if found["quick"] else ""),
    ]
    if found["goals"]:
        lines += ["", "| case | figure | measured | goal | |", "|---|---|---|---|---|"]
        for goal in found["goals"]:
            hoped = ""
            if goal["target"] is not None:
                hoped = f"{'≤' if goal['at_most'] else '≥'} {goal['target']:g}"
            lines.append(
                f"| {goal['case']} | {goal['what']} | {goal['measured']:.3g} | {hoped} "
                f"| {goal['verdict']} |"
            )
    if found["timings"]:
        kinds = [
            kind
            for kind in ("traced", "resident")
            if any(row.get(kind) is not None for row in found["timings"])
        ]
        heads = ["case", "who", "CPU s", "wall s", *(f"{k} MiB" for k in kinds)]
        lines += ["", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for row in found["timings"]:
            sizes = [
                "" if row.get(kind) is None else f"{row[kind]:.1f}" for kind in kinds
            ]
            cells = [
                row["case"],
                row["name"],
                f"{row['cpu']:.4g}",
                f"{row['wall']:.4g}",
            ]
            lines.append(f"| {' | '.join([*cells, *sizes])} |")
    if found["notes"]:
        lines += ["", *(f"- {note}" for note in found["notes"])]
    return lines


def main(measure: Callable[[Report], None], file: str) -> None:
    """Run a subject: ``--quick`` takes tiny sizes, ``--out`` another folder."""
    subject = Path(file).stem.removeprefix("bench_")
    parser = argparse.ArgumentParser(prog=Path(file).name)
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does it run at all?"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the results; by default the repository's, and none if quick",
    )
    options = parser.parse_args()
    report = Report(subject, options.quick)
    print(f"{subject}, commit {commit_id() or 'unknown'}", flush=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        measure(report)
    folder = options.out or (None if options.quick else RESULTS)
    if folder is not None:
        report.write(folder)
