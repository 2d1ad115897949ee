# SPDX-License-Identifier: BSD-3-Clause
"""``skoverfit bench``: measure which remedy helps."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from skoverfit._core._store import ResultStore
from skoverfit.bench._analysis import analyse
from skoverfit.bench._bench import make_plan
from skoverfit.bench._commands._app import (
    ExitCode,
    file_name,
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
from skoverfit.bench._commands._telling import exit_code, tell
from skoverfit.bench._estimators import (
    ESTIMATOR_TITLES,
    ONLY_BY_NAME,
    make_estimators,
)
from skoverfit.bench._openml import load_openml
from skoverfit.bench._plan import Plan
from skoverfit.bench._report import write_report
from skoverfit.bench._runner import RunOutcome, run_plan
from skoverfit.bench._suites import (
    AS_IT_IS,
    SMALL_SUITES,
    SUITE_ESTIMATORS,
    SUITE_REMEDIES,
    SUITES,
    Scenario,
    embedded_tables,
    suite_scenarios,
)
from skoverfit.bench._tables import DEFAULT_MAX_BYTES, load_table
from skoverfit.bench._types import Table
from skoverfit.catalogue import REMEDIES
from skoverfit.exceptions import BadInputError

__all__ = ["EXIT_CODES", "bench"]

EXIT_CODES = (
    "Exit codes: 0 complete, 2 bad input, 3 complete but some cells failed, 4 stopped "
    "by --max-time, 5 the store can't be written, 130 interrupted."
)


def _pick_tables(
    suite: str | None,
    data: Path | None,
    openml_data: int | None,
    target: str | None,
    options: dict[str, Any],
    max_bytes: int,
) -> tuple[str, list[Table], tuple[Scenario, ...]]:
    """Return a name for the report's file, the tables and the scenarios."""
    given = [
        name
        for name, value in (
            ("--suite", suite),
            ("--data", data),
            ("--openml-data", openml_data),
        )
        if value is not None
    ]
    if len(given) > 1:
        raise BadInputError(f"{' and '.join(given)} exclude each other; give one.")
    if data is not None:
        if target is None:
            raise BadInputError("--data needs --target, the name of the label column.")
        table = load_table(data, target=target, max_bytes=max_bytes, **options)
        return table.name, [table], (AS_IT_IS,)
    if openml_data is not None:
        table = load_openml(openml_data, target=target, **options)
        return f"openml-{openml_data}", [table], (AS_IT_IS,)
    for option, value in {"target": target, **options}.items():
        if value:
            raise BadInputError(
                f"--{option} goes with --data or --openml-data, not with a suite."
            )
    name = suite or "quick"
    scenarios = suite_scenarios(name)
    # Nets are slow enough as it is.
    small = name in ("quick", *SUITE_ESTIMATORS)
    return name, list(embedded_tables(small=small)), scenarios


def _describe_cells(plan: Plan) -> str:
    lines = [
        f"{len(plan)} cells: {len(plan.tables)} tables x {len(plan.scenarios)} "
        f"scenarios x {plan.n_splits} folds x repeats x {len(plan.estimators)} "
        f"estimators x {len(plan.remedies)} remedies, less what does not apply",
        "  tables:     "
        + ", ".join(
            f"{t.name} ({len(t.y)} rows, {plan.repeats(t)} repeat"
            f"{'s' if plan.repeats(t) > 1 else ''})"
            for t in plan.tables
        ),
        "  scenarios:  " + ", ".join(s.label for s in plan.scenarios),
        "  estimators: "
        + ", ".join(ESTIMATOR_TITLES.get(name, name) for name in plan.estimators),
        "  remedies:   " + ", ".join(remedy.title for remedy in plan.remedies),
    ]
    return "\n".join(lines)


def bench(
    suite: Annotated[
        str | None,
        typer.Option(help=f"Embedded tables: {', '.join(SUITES)}. Default: quick."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A table: .csv, .csv.gz, .tsv or .parquet.")
    ] = None,
    openml_data: Annotated[
        int | None, typer.Option(help="A data set of OpenML, by its number.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The column to predict: classes or numbers.")
    ] = None,
    groups: Groups = None,
    time: Time = None,
    drop: Drop = None,
    positive: Positive = None,
    task: TableTask = None,
    remedies: Annotated[
        str | None,
        typer.Option(
            help="Some of: "
            + ", ".join(r.name for r in REMEDIES if r.role != "tool")
            + ". Default: all that apply, or the suite's; nothing and, for classes, "
            "threshold are always there."
        ),
    ] = None,
    estimators: Annotated[
        str | None,
        typer.Option(
            help=f"Some of: {', '.join(ESTIMATOR_TITLES)}. Default: all but "
            f"{', '.join(ONLY_BY_NAME)}; the suite losses has these two. Logistic is "
            "for classes, ridge for numbers."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[
        int | None,
        typer.Option(help="Redraws of the folds; default by the table's size."),
    ] = None,
    seed: Seed = 0,
    n_jobs: NJobs = -1,
    max_time: Annotated[
        str | None,
        typer.Option(help="Stop after this; the same command goes on: 90, 10m, 1.5h."),
    ] = None,
    max_bytes: MaxBytes = DEFAULT_MAX_BYTES,
    output: Annotated[Path, typer.Option(help="Folder of reports and store.")] = Path(
        "skoverfit-bench"
    ),
    store: Annotated[
        Path | None, typer.Option(help="Result store; default: in the output folder.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the analysis as JSON.")
    ] = False,
    list_cells: Annotated[
        bool, typer.Option("--list-cells", help="Print every cell and stop.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Measure which remedy helps on a table, honestly, and write a report."""
    signal.signal(signal.SIGTERM, terminated)
    store_path = store if store is not None else output / "store.sqlite"
    resume = f"Finished cells are safe in {store_path}; the same command goes on there."
    with one_sentence(resume):
        seconds = None if max_time is None else parse_seconds(max_time)
        name, tables, scenarios = _pick_tables(
            suite,
            data,
            openml_data,
            target,
            {
                "groups": groups,
                "time": time,
                "drop": tuple(names(drop) or ()),
                "positive": positive,
                "task": task,
            },
            max_bytes,
        )
        plan = make_plan(
            tables,
            scenarios=scenarios,
            estimators=make_estimators(
                SUITE_ESTIMATORS.get(suite or "")
                if estimators is None
                else names(estimators),
                small=name in SMALL_SUITES,
                task=tables[0].task,
            ),
            remedies=SUITE_REMEDIES.get(suite or "")
            if remedies is None
            else names(remedies),
            n_splits=folds,
            n_repeats=1 if repeats is None and name in SUITES else repeats,
            random_state=seed,
        )
        if list_cells:
            for cell in plan.tasks():
                typer.echo("\t".join(str(value) for value in cell.spec.values()))
            raise typer.Exit(ExitCode.COMPLETE)
        prepare_output(output)
        typer.echo(_describe_cells(plan), err=True)
        command = shlex.join(["skoverfit", *sys.argv[1:]])
        with ResultStore(store_path) as opened:
            description = plan.describe(command)
            opened.put_run(description)
            outcome = run_plan(
                plan,
                opened,
                n_jobs=n_jobs,
                max_time=seconds,
                verbose=0 if quiet else 1,
            )
            analysis = analyse(opened, description)
        report = output / f"{file_name(name)}.html"
        write_report(analysis, report)
        code = exit_code(analysis, outcome.out_of_time)
        tell(analysis, report, store_path, as_json=as_json, code=code)
    _say_reuse(outcome, quiet=quiet)
    raise typer.Exit(code)


def _say_reuse(outcome: RunOutcome, *, quiet: bool) -> None:
    if outcome.reused and not quiet:
        typer.echo(
            f"{outcome.reused} cells were in the store already; {outcome.computed} "
            "are new.",
            err=True,
        )
