# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit claims``: published claims, run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skoverfit.bench._claims import find_claims, pick_claims, run_claim
from skoverfit.bench._commands._app import ExitCode, one_sentence

__all__ = ["EXIT_CODES", "claims"]

EXIT_CODES = (
    "Exit codes: 0 all were run, whatever the verdicts; 1 a promise of our own did not "
    "hold; 2 bad input; 3 a file crashed."
)


def claims(
    names: Annotated[
        list[str] | None, typer.Argument(help="Some of --list; default: all.")
    ] = None,
    list_claims: Annotated[
        bool, typer.Option("--list", help="Print the names and stop.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first seeds of each, and nothing is kept."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the figures; default: benchmarks/results/claims."),
    ] = None,
) -> None:
    """Run published claims again, in a checkout, and say which of them hold."""
    with one_sentence():
        picked = pick_claims(names or [], find_claims())
        if list_claims:
            for name in picked:
                typer.echo(name)
            raise typer.Exit(ExitCode.COMPLETE)
        options = [] if seeds is None else ["--seeds", str(seeds)]
        options += [] if output is None else ["--out", str(output.absolute())]
        runs = [run_claim(name, path, options) for name, path in picked.items()]
    width = max(len(run.name) for run in runs)
    typer.echo()
    for run in runs:
        typer.echo(f"{run.name:{width}}  {run.verdict}")
    if any(run.crashed for run in runs):
        raise typer.Exit(ExitCode.SOME_CELLS_FAILED)
    if any(run.promise_broken for run in runs):
        raise typer.Exit(ExitCode.PROMISE_BROKEN)
