# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit report`` and ``skoverfit merge``: stores without any fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skoverfit._core._store import ResultStore
from skoverfit.bench._analysis import analyse
from skoverfit.bench._commands._app import ExitCode, one_sentence
from skoverfit.bench._commands._telling import exit_code, tell
from skoverfit.bench._report import write_report
from skoverfit.exceptions import BadInputError

__all__ = ["merge", "report"]


def report(
    store: Annotated[Path, typer.Argument(help="A result store.")],
    output: Annotated[Path, typer.Option(help="The HTML file.")] = Path("report.html"),
    run: Annotated[
        int | None,
        typer.Option(help="Which run, as --list-runs counts; default: used last."),
    ] = None,
    list_runs: Annotated[
        bool, typer.Option("--list-runs", help="Print the runs and stop.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the analysis as JSON.")
    ] = False,
) -> None:
    """Write the report of a run in a store again, without fitting anything."""
    with one_sentence():
        with ResultStore(store, create=False) as opened:
            runs = opened.runs()
            if not runs:
                raise BadInputError(f"The result store {str(store)!r} has no run yet.")
            if list_runs:
                for number, found in enumerate(runs, start=1):
                    typer.echo(f"{number}\t{found['command']}")
                raise typer.Exit(ExitCode.COMPLETE)
            if run is not None and not 1 <= run <= len(runs):
                raise BadInputError(
                    f"--run {run} is none of the {len(runs)} runs of {str(store)!r}; "
                    "--list-runs prints them."
                )
            analysis = analyse(opened, runs[-1 if run is None else run - 1])
        write_report(analysis, output)
        code = exit_code(analysis, out_of_time=False)
        tell(analysis, output, store, as_json=as_json, code=code)


def merge(
    into: Annotated[Path, typer.Argument(help="The store that takes the rows.")],
    sources: Annotated[list[Path], typer.Argument(help="Stores to take them from.")],
) -> None:
    """Merge result stores, e.g. of two machines; sources are left as they are."""
    with one_sentence(), ResultStore(into) as opened:
        for source in sources:
            typer.echo(f"{opened.merge(source)} cells taken over from {source}")
