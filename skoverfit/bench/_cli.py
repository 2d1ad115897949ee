# SPDX-License-Identifier: BSD-3-Clause
"""The command line, a module for each command. `ExitCode` lists the exit codes."""

from __future__ import annotations

import typer

from skoverfit.bench._commands import (
    _bench,
    _claims,
    _cure,
    _diagnose,
    _info,
    _predict,
    _stores,
)
<<<<<<< HEAD
from skoverfit.bench._commands._app import ExitCode
=======
from skoverfit.bench._openml import load_openml
from skoverfit.bench._plan import Plan, peer_versions
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
from skoverfit.bench._types import Analysis, Table
from skoverfit.catalogue import REMEDIES
from skoverfit.exceptions import BadInputError, StoreError
>>>>>>> w/review

__all__ = ["ExitCode", "app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Every published remedy for overfitting, and which of them helps on a table.",
)

<<<<<<< HEAD
# In the order of --help.
app.command(epilog=_bench.EXIT_CODES)(_bench.bench)
app.command(epilog=_diagnose.EXIT_CODES)(_diagnose.diagnose)
app.command(epilog=_cure.EXIT_CODES)(_cure.cure)
app.command(epilog=_predict.EXIT_CODES)(_predict.predict)
app.command()(_stores.report)
app.command()(_stores.merge)
app.command()(_info.info)
app.command(epilog=_claims.EXIT_CODES)(_claims.claims)
=======

class ExitCode(IntEnum):
    """What the exit code tells a script."""

    COMPLETE = 0
    PROMISE_BROKEN = 1
    BAD_INPUT = 2
    SOME_CELLS_FAILED = 3
    OUT_OF_TIME = 4
    STORE_TROUBLE = 5
    INTERRUPTED = 130


_EXIT_CODES = (
    "Exit codes: 0 complete, 2 bad input, 3 complete but some cells failed, 4 stopped "
    "by --max-time, 5 the store can't be written, 130 interrupted."
)


@contextmanager
def _one_sentence(where: str = "") -> Iterator[None]:
    """Turn expected errors into one sentence and an exit code."""
    try:
        yield
    except BadInputError as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(ExitCode.BAD_INPUT) from None
    except StoreError as exc:
        typer.echo(f"Error: {exc}", err=True)
        raise typer.Exit(ExitCode.STORE_TROUBLE) from None
    except KeyboardInterrupt:
        typer.echo(f"\nInterrupted. {where}".rstrip(), err=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _terminated(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [n.strip() for n in text.split(",") if n.strip()]


def parse_seconds(text: str) -> float:
    """Read a duration: seconds, or a number with s, m or h.

    Examples
    --------
    >>> parse_seconds("90"), parse_seconds("1.5m"), parse_seconds("2h")
    (90.0, 90.0, 7200.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if found is None:
        raise BadInputError(
            f"--max-time {text!r} is no duration; give seconds, or e.g. 10m or 1.5h."
        )
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


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


def _finite(value: Any) -> Any:
    """Write infinite bounds as null: JSON has no infinity."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _exit_code(analysis: Analysis, out_of_time: bool) -> ExitCode:
    if out_of_time:
        return ExitCode.OUT_OF_TIME
    if analysis["cells"]["failed"]:
        return ExitCode.SOME_CELLS_FAILED
    return ExitCode.COMPLETE


def _tell(
    analysis: Analysis, report: Path, store: Path, *, as_json: bool, code: ExitCode
) -> None:
    if as_json:
        answer = {
            **analysis,
            "report": str(report),
            "store": str(store),
            "exit_code": int(code),
        }
        typer.echo(json.dumps(_finite(answer), allow_nan=False))
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


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "table"


def _prepare_output(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadInputError(
            f"The output folder {str(folder)!r} can't be made: {exc.strerror or exc}."
        ) from exc
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInputError(
            f"The output folder {str(folder)!r} can't be written: permission denied."
        )


@app.command(epilog=_EXIT_CODES)
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
    target: Annotated[str | None, typer.Option(help="The label column.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column whose rows never straddle folds.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Column of times: train on the past only.")
    ] = None,
    drop: Annotated[
        str | None, typer.Option(help="Columns to leave out, with commas between.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="The positive class; default: the rarer one.")
    ] = None,
    remedies: Annotated[
        str | None,
        typer.Option(
            help="Some of: "
            + ", ".join(r.name for r in REMEDIES if r.role != "tool")
            + ". Default: all, or the suite's; nothing and threshold are always there."
        ),
    ] = None,
    estimators: Annotated[
        str | None,
        typer.Option(
            help=f"Some of: {', '.join(ESTIMATOR_TITLES)}. Default: all but "
            f"{', '.join(ONLY_BY_NAME)}; the suite losses has these two."
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[
        int | None,
        typer.Option(help="Redraws of the folds; default by the table's size."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything.")] = 0,
    n_jobs: Annotated[int, typer.Option(help="Workers; -1 is one a core.")] = -1,
    max_time: Annotated[
        str | None,
        typer.Option(help="Stop after this; the same command goes on: 90, 10m, 1.5h."),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="Refuse tables larger than this, uncompressed.")
    ] = DEFAULT_MAX_BYTES,
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
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Measure which remedy helps on a table, honestly, and write a report."""
    signal.signal(signal.SIGTERM, _terminated)
    store_path = store if store is not None else output / "store.sqlite"
    resume = f"Finished cells are safe in {store_path}; the same command goes on there."
    with _one_sentence(resume):
        seconds = None if max_time is None else parse_seconds(max_time)
        name, tables, scenarios = _pick_tables(
            suite,
            data,
            openml_data,
            target,
            {
                "groups": groups,
                "time": time,
                "drop": tuple(_names(drop) or ()),
                "positive": positive,
            },
            max_bytes,
        )
        plan = make_plan(
            tables,
            scenarios=scenarios,
            estimators=make_estimators(
                SUITE_ESTIMATORS.get(suite or "")
                if estimators is None
                else _names(estimators),
                small=name in SMALL_SUITES,
            ),
            remedies=SUITE_REMEDIES.get(suite or "")
            if remedies is None
            else _names(remedies),
            n_splits=folds,
            n_repeats=1 if repeats is None and name in SUITES else repeats,
            random_state=seed,
        )
        if list_cells:
            for task in plan.tasks():
                typer.echo("\t".join(str(value) for value in task.spec.values()))
            raise typer.Exit(ExitCode.COMPLETE)
        _prepare_output(output)
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
        report = output / f"{_file_name(name)}.html"
        write_report(analysis, report)
        code = _exit_code(analysis, outcome.out_of_time)
        _tell(analysis, report, store_path, as_json=as_json, code=code)
    _say_reuse(outcome, quiet=quiet)
    raise typer.Exit(code)


def _say_reuse(outcome: RunOutcome, *, quiet: bool) -> None:
    if outcome.reused and not quiet:
        typer.echo(
            f"{outcome.reused} cells were in the store already; {outcome.computed} "
            "are new.",
            err=True,
        )


@app.command()
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
    with _one_sentence():
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
        code = _exit_code(analysis, out_of_time=False)
        _tell(analysis, output, store, as_json=as_json, code=code)


@app.command()
def merge(
    into: Annotated[Path, typer.Argument(help="The store that takes the rows.")],
    sources: Annotated[list[Path], typer.Argument(help="Stores to take them from.")],
) -> None:
    """Merge result stores, e.g. of two machines; sources are left as they are."""
    with _one_sentence(), ResultStore(into) as opened:
        for source in sources:
            typer.echo(f"{opened.merge(source)} cells taken over from {source}")


@app.command()
def info() -> None:
    """Print the versions and the catalogue."""
    typer.echo(f"skoverfit {skoverfit.__version__}")
    for name, text in peer_versions().items():
        typer.echo(f"  {name} {text}")
    typer.echo("\nRemedies:")
    for remedy in REMEDIES:
        if remedy.role != "tool":
            typer.echo(f"  {remedy.name:25} {remedy.title:30} {remedy.kind}")
    typer.echo("\nEstimators:")
    for name, title in ESTIMATOR_TITLES.items():
        typer.echo(f"  {name:25} {title}")


@app.command(
    epilog="Exit codes: 0 all were run, whatever the verdicts; 1 a promise of our own "
    "did not hold; 2 bad input; 3 a file crashed."
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
    with _one_sentence():
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
>>>>>>> w/review
