# SPDX-License-Identifier: BSD-3-Clause
"""What the commands that analyse a store print in the end."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import typer

from skoverfit.bench._commands._app import ExitCode
from skoverfit.bench._types import Analysis

__all__ = ["exit_code", "finite", "tell"]


def finite(value: Any) -> Any:
    """Write infinite bounds as null: JSON has no infinity."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def exit_code(analysis: Analysis, out_of_time: bool) -> ExitCode:
    if out_of_time:
        return ExitCode.OUT_OF_TIME
    if analysis["cells"]["failed"]:
        return ExitCode.SOME_CELLS_FAILED
    return ExitCode.COMPLETE


def tell(
    analysis: Analysis, report: Path, store: Path, *, as_json: bool, code: ExitCode
) -> None:
    if as_json:
        answer = {
            **analysis,
            "report": str(report),
            "store": str(store),
            "exit_code": int(code),
        }
        typer.echo(json.dumps(finite(answer), allow_nan=False))
        return
    typer.echo(f"\n{analysis['headline']}\n")
    for verdict in analysis["verdicts"]:
        typer.echo(f"{verdict['label']}: {verdict['sentence']}")
        for clause in verdict["clauses"]:
            if len(verdict["clauses"]) > 1:
                typer.echo(f"  {clause['group']}: {clause['sentence']}")
            for detail in clause["details"]:
                typer.echo(f"    {detail}")
    cells = analysis["cells"]
    if cells["done"] < cells["planned"] or cells["failed"]:
        typer.echo(
            f"\n{cells['done']} of {cells['planned']} cells are finished, "
            f"{cells['failed']} of them failed; the report names them."
        )
    typer.echo(f"\nReport: {report}\nStore:  {store}")
