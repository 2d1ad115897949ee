# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit diagnose``: whether a model overfits a table, why, what would help."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from skoverfit._core._names import suggest
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
    Seed,
    TableTask,
)
from skoverfit.bench._commands._telling import finite
from skoverfit.bench._cure import checked_scoring
from skoverfit.bench._named_estimator import named_estimator, prepared_pipeline
from skoverfit.bench._readers import read_frame
from skoverfit.bench._table_model import TableModel
from skoverfit.bench._tables import DEFAULT_MAX_BYTES, load_table
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError
from skoverfit.inspection import OverfittingReport
from skoverfit.inspection._report._types import HARMLESS, VERDICTS

__all__ = ["EXIT_CODES", "diagnose"]

EXIT_CODES = (
    "Exit codes: 0 the verdict is healthy, benign_gap or one of --allow; 1 another "
    "verdict; 2 bad input; 130 interrupted."
)


def diagnose(
    data: Annotated[Path, typer.Option(help="A table: .csv, .csv.gz, .tsv, .parquet.")],
    target: Annotated[
        str, typer.Option(help="The column to predict: classes or numbers.")
    ],
    estimator: Annotated[
        str, typer.Option(help=f"What is examined: {ESTIMATOR_HELP}")
    ] = "boosting",
    scoring: Annotated[
        str | None,
        typer.Option(
            help="The score, by scikit-learn's name. Default: log-loss for classes, "
            "squared error for numbers."
        ),
    ] = None,
    groups: Groups = None,
    time: Annotated[
        str | None, typer.Option(help="Column of times: is the order a problem?")
    ] = None,
    new_data: Annotated[
        Path | None,
        typer.Option(
            help="A table of rows that the model will meet, without labels: are they "
            "like the others?"
        ),
    ] = None,
    drop: Drop = None,
    positive: Positive = None,
    task: TableTask = None,
    allow: Annotated[
        str | None,
        typer.Option(
            help="Verdicts that are no failure either, with commas between: "
            + ", ".join(v for v in VERDICTS if v not in HARMLESS)
            + "."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds.")] = 5,
    budget: Annotated[
        str,
        typer.Option(help="fast, full, or the most time to take: 90, 10m, 1.5h."),
    ] = "fast",
    seed: Seed = 0,
    n_jobs: NJobs = -1,
    max_bytes: MaxBytes = DEFAULT_MAX_BYTES,
    output: Annotated[Path, typer.Option(help="The HTML page.")] = Path(
        "diagnosis.html"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print verdict and findings as JSON.")
    ] = False,
) -> None:
    """Tell whether a model overfits a table, why, and what would help."""
    signal.signal(signal.SIGTERM, terminated)
    with one_sentence("Nothing was written."):
        allowed = {*HARMLESS, *_verdicts(allow)}
        checked_scoring(scoring)
        work = budget if budget in ("fast", "full") else _seconds(budget)
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
        new_rows = None
        if new_data is not None:
            known = TableModel(None, table, target=target, estimate={})
            frame, _ = read_frame(
                new_data, max_bytes=max_bytes, text=known.text_columns
            )
            new_rows = known.rows(frame)
        examined = named_estimator(estimator, table.task)
        if output.is_dir():
            raise BadInputError(f"--output {str(output)!r} is a folder; name a file.")
        prepare_output(output.parent)
        for note in table.notes:
            typer.echo(note, err=True)
        report = OverfittingReport(
            prepared_pipeline(examined, table, seed),
            scoring=scoring,
            cv=folds,
            budget=work,
            n_jobs=n_jobs,
            random_state=seed,
        )
        with _refusals_in_a_sentence():
            report.fit(
                table.X,
                _labels(table, scoring),
                groups=table.groups,
                time=table.time,
                X_new=new_rows,
            )
        report.to_html(output, title=f"{type(examined).__name__} on {table.name}")
    fine = report.verdict_ in allowed
    code = ExitCode.COMPLETE if fine else ExitCode.FINDING
    if as_json:
        typer.echo(json.dumps(_answer(report, output, code), allow_nan=False))
    else:
        typer.echo(f"{report.summary()}\n\nPage: {output}")
    raise typer.Exit(code)


def _verdicts(text: str | None) -> list[str]:
    found = names(text) or []
    for name in found:
        if name not in VERDICTS:
            raise BadInputError(
                f"--allow {name!r} is no verdict. {suggest(name, VERDICTS)}"
            )
    return found


def _seconds(text: str) -> float:
    try:
        return parse_seconds(text)
    except BadInputError:
        raise BadInputError(
            f"--budget {text!r} is none of fast, full and a duration such as 10m."
        ) from None


@contextmanager
def _refusals_in_a_sentence() -> Iterator[None]:
    """Rows that can't be examined are bad input; what fails in a fit is too."""
    try:
        yield
    except BadInputError:
        raise
    except ValueError as exc:
        text = " ".join(str(exc).split())
        raise BadInputError(text if text.endswith(".") else f"{text}.") from exc


def _labels(table: Table, scoring: str | None) -> np.ndarray:
    """Return the target; scores of scikit-learn take 1 for the positive class."""
    if table.task == "regression" or scoring is not None:
        return table.y
    return np.array(table.class_names)[table.y]


def _answer(report: OverfittingReport, output: Path, code: ExitCode) -> dict[str, Any]:
    findings = json.loads(report.to_frame().to_json(orient="records"))
    return finite(
        {
            "verdict": report.verdict_,
            "findings": findings,
            "recommended": report.recommend(),
            "page": str(output),
            "exit_code": int(code),
        }
    )
