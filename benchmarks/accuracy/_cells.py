"""What the comparisons over seeds share: rows on disk, and intervals of their gains."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import surroundings
from scipy import stats

from skoverfit.bench._plan import code_version

Row = dict[str, Any]


def interval(values: list[float]) -> tuple[float, float, float]:
    """Return mean and Student's 95 % interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return mean, mean - half, mean + half


def shown(values: list[float]) -> str:
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*interval(values))


class Store:
    """Rows on disk, written again after each.

    Parameters
    ----------
    path : Path
        The json.
    fields : tuple of str
        What tells rows apart; a row with the same values is replaced.
    gates : callable
        ``gates(rows)``: what the goals ask of them, stored beside.
    """

    def __init__(
        self,
        path: Path,
        fields: tuple[str, ...],
        gates: Callable[[list[Row]], dict[str, Any]],
    ) -> None:
        self.path, self.fields, self.gates = path, fields, gates
        self.code = code_version()
        self.rows: list[Row] = []
        if path.exists():
            self.rows = json.loads(path.read_text())["rows"]

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.fields)

    def get(self, *key: Any) -> Row | None:
        """Return such a row, of the package as it is now."""
        for row in self.rows:
            if self._key(row) == key and row["code"] == self.code:
                return row
        return None

    def add(self, row: Row) -> None:
        """Put a row in the place of the one with its key."""
        self.rows = [old for old in self.rows if self._key(old) != self._key(row)]
        self.rows.append({**row, "code": self.code})
        self.write()

    def write(self) -> Row:
        """Write the file anew and return what is in it."""
        found = {
            "subject": self.path.stem,
            **surroundings(),
            "code": sorted({row["code"] for row in self.rows}),
            "gates": self.gates(self.rows),
            "rows": self.rows,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(found, indent=1) + "\n")
        os.replace(draft, self.path)
        return found
