# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit cure``: find what helps, fit it, write it down."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from skoverfit._core._persistence import save
from skoverfit.bench._commands._app import (
    ESTIMATOR_HELP,
    ExitCode,
    names,
    one_sentence,
    parse_seconds,
    prepare_output,
    terminated,
)
from skoverfit.bench._commands._options import (
    Drop,
    Groups,
    MaxBytes,
    NJobs,
    Positive,
    Quiet,
    Seed,
    TableTask,
    Time,
)
from skoverfit.bench._commands._telling import finite
from skoverfit.bench._cure import cure_table
from skoverfit.bench._named_estimator import named_estimator
from skoverfit.bench._table_model import TableModel
from skoverfit.bench._tables import DEFAULT_MAX_BYTES, load_table
from skoverfit.exceptions import BadInputError

__all__ = ["EXIT_CODES", "cure"]

EXIT_CODES = (
    "Exit codes: 0 the model is written, with a remedy or without; 2 bad input; 4 it "
    "is written, and --max-time ended the search; 5 the store can't be written; 130 "
    "interrupted."
)


def cure(
    data: Annotated[Path, typer.Option(help="A table: .csv, .csv.gz, .tsv, .parquet.")],
    target: Annotated[
        str, typer.Option(help="The column to predict: classes or numbers.")
    ],
    estimator: Annotated[
        str,
        typer.Option(help=f"What is treated: {ESTIMATOR_HELP}"),
    ] = "boosting",
    remedies: Annotated[
        str | None,
        typer.Option(
            help="Some of `skoverfit info`, with commas between. Default: all that "
            "apply; nothing is always tried."
        ),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            help="The score that decides, by scikit-learn's name. Default: "
            "balanced_accuracy for classes, r2 for numbers."
        ),
    ] = None,
    groups: Groups = None,
    time: Time = None,
    drop: Drop = None,
    positive: Positive = None,
    task: TableTask = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Redraws of the folds.")] = 1,
    seed: Seed = 0,
    n_jobs: NJobs = -1,
    max_time: Annotated[
        str | None,
        typer.Option(help="End the search after this: 90, 10m, 1.5h; fit then."),
    ] = None,
    max_bytes: MaxBytes = DEFAULT_MAX_BYTES,
    output: Annotated[
        Path, typer.Option(help="The file of the model, a safe one.")
    ] = Path("cure.skops"),
    store: Annotated[
        Path | None,
        typer.Option(
            help="Where finished fits are kept. Default: beside the output, and "
            "removed when all is done."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find the remedy that helps on a table, fit it, and save it with its estimate."""
    signal.signal(signal.SIGTERM, terminated)
    kept = store if store is not None else output.parent / f"{output.name}.fits"
    resume = f"Finished fits are safe in {kept}; the same command goes on there."
    with one_sentence(resume):
        seconds = None if max_time is None else parse_seconds(max_time)
        table = load_table(
            data,
            target=target,
            groups=groups,
            time=time,
            drop=tuple(names(drop) or ()),
            positive=positive,
            task=task,
            max_bytes=max_bytes,
        )
        if output.is_dir():
            raise BadInputError(
                f"--output {str(output)!r} is a folder; name a file, such as "
                f"{str(output / 'cure.skops')!r}."
            )
        model_to_treat = named_estimator(estimator, table.task)
        prepare_output(output.parent)
        for note in table.notes:
            typer.echo(note, err=True)
        model, search = cure_table(
            table,
            model_to_treat,
            target=target,
            remedies=names(remedies),
            scoring=scoring,
            n_splits=folds,
            n_repeats=repeats,
            random_state=seed,
            max_time=seconds,
            store=kept,
            n_jobs=n_jobs,
            verbose=0 if quiet else 1,
        )
        save(model, output)
        late = bool(model.estimate["out_of_time"])
        if store is None and not late:
            kept.unlink(missing_ok=True)
    code = ExitCode.OUT_OF_TIME if late else ExitCode.COMPLETE
    if as_json:
        answer = {**model.estimate, "output": str(output), "exit_code": int(code)}
        typer.echo(json.dumps(finite(answer), allow_nan=False))
    else:
        _tell(model, search, output)
        if late:
            typer.echo(
                "The time was up; the same command with a longer --max-time goes on "
                f"with the finished fits in {kept}."
            )
    raise typer.Exit(code)


def _tell(model: TableModel, search: Any, output: Path) -> None:
    lines = search.report_.summary().splitlines()
    shown = [line for line in lines if " left out: " not in line]
    typer.echo("\n" + "\n".join(shown))
    if len(shown) < len(lines):
        typer.echo(f"{len(lines) - len(shown)} more don't apply to this estimator.")
    typer.echo()
    low, high = model.estimate["interval"]
    typer.echo(
        f"Honest {model.estimate['score']} of what is saved: "
        f"{model.estimate['corrected']:.3f} [{low:.3f}, {high:.3f}]."
    )
    typer.echo(f"Model: {output}")
    typer.echo(f"Apply: skoverfit predict --model {output} --data new.csv")
