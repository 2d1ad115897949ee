# SPDX-License-Identifier: BSD-3-Clause
"""The main job as a function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from skoverfit._core._random import root_entropy
from skoverfit._core._store import ResultStore
from skoverfit.bench._analysis import analyse
from skoverfit.bench._estimators import make_estimators
from skoverfit.bench._plan import Plan
from skoverfit.bench._report import write_report
from skoverfit.bench._runner import RunOutcome, run_plan
from skoverfit.bench._suites import AS_IT_IS, Scenario
from skoverfit.bench._types import Analysis, Table, Task
from skoverfit.catalogue import Remedy, get_remedies, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._apply import reason_against

__all__ = ["BenchResult", "run_bench"]


@dataclass(frozen=True)
class BenchResult:
    """What a run found.

    Parameters
    ----------
    analysis : dict
        Everything that the report shows, as plain JSON values: ``headline``,
        ``verdicts``, ``comparisons``, ``leaderboard`` and more.
    outcome : RunOutcome
        Cells computed, reused and failed; whether the time was up.

    Examples
    --------
    >>> from skoverfit.bench import run_bench, embedded_tables
    >>> iris = next(embedded_tables())
    >>> result = run_bench(
    ...     [iris], estimators=["logistic"], remedies=["temperature"], n_repeats=1
    ... )
    >>> [verdict["question"] for verdict in result.analysis["verdicts"]]
    ['ranking', 'probability', 'decision']
    """

    analysis: Analysis
    outcome: RunOutcome

    def write_report(self, path: str | Path) -> None:
        """Write the HTML report.

        Parameters
        ----------
        path : str or Path
            Replaced as a whole or, on an error, left as it is.
        """
        write_report(self.analysis, path)


def make_plan(
    tables: Sequence[Table],
    *,
    scenarios: Sequence[Scenario] = (AS_IT_IS,),
    estimators: Mapping[str, BaseEstimator] | Iterable[str] | None = None,
    remedies: Iterable[str | Remedy] | None = None,
    n_splits: int = 5,
    n_repeats: int | None = None,
    random_state: int = 0,
) -> Plan:
    """Check the parameters of `run_bench` and return the plan."""
    if n_splits < 2:
        raise BadInputError(f"folds={n_splits} must be at least 2.")
    if n_repeats is not None and n_repeats < 1:
        raise BadInputError(f"repeats={n_repeats} must be at least 1.")
    if not tables:
        raise BadInputError("There is no table to measure on.")
    doubled = [n for n, count in Counter(t.name for t in tables).items() if count > 1]
    if doubled:
        raise BadInputError(f"Two tables have the same name: {', '.join(doubled)}.")
    task = _common_task(tables, scenarios)
    if not isinstance(estimators, Mapping):
        estimators = make_estimators(estimators, task=task)
    for name, estimator in estimators.items():
        _check_estimator(name, estimator, task)
    if not estimators:
        raise BadInputError("There is no estimator to try remedies on.")
    chosen: Sequence[Remedy] = (
        # One that no estimator can be given would be named only as left out.
        [
            remedy
            for remedy in get_remedies()
            if not all(reason_against(remedy, each) for each in estimators.values())
        ]
        if remedies is None
        else [r if isinstance(r, Remedy) else get_remedy(r) for r in remedies]
    )
    tools = [remedy.name for remedy in chosen if remedy.role == "tool"]
    if tools:
        raise BadInputError(
            f"{tools[0]!r} is a tool of the library and no remedy; it treats nothing "
            "that could be measured."
        )
    return Plan(
        tables,
        scenarios=scenarios,
        estimators=estimators,
        remedies=chosen,
        n_splits=n_splits,
        n_repeats=n_repeats,
        random_state=random_state,
    )


def _common_task(tables: Sequence[Table], scenarios: Sequence[Scenario]) -> Task:
    """Return what all tables ask for; numbers and classes have other questions."""
    by_task = {table.task: table.name for table in tables}
    if len(by_task) > 1:
        raise BadInputError(
            f"{by_task['regression']!r} has a number as target and "
            f"{by_task['classification']!r} has classes; measure them in two runs."
        )
    task = next(iter(by_task))
    made = [s.label for s in scenarios if s.spec() != AS_IT_IS.spec()]
    if task == "regression" and made:
        raise BadInputError(
            f"The scenario {made[0]!r} changes classes, and the target of "
            f"{by_task[task]!r} is a number; it can only be measured as it is."
        )
    return task


def _check_estimator(name: str, estimator: object, task: Task) -> None:
    if task == "regression":
        fits, wanted = is_regressor(estimator), "a regressor"
    else:
        fits = is_classifier(estimator) and hasattr(estimator, "predict_proba")
        wanted = "a classifier with predict_proba"
    if not fits:
        raise BadInputError(
            f"The estimator {name!r} must be {wanted}; got {estimator!r}."
        )


def run_bench(
    tables: Sequence[Table],
    *,
    scenarios: Sequence[Scenario] = (AS_IT_IS,),
    estimators: Mapping[str, BaseEstimator] | Iterable[str] | None = None,
    remedies: Iterable[str | Remedy] | None = None,
    n_splits: int = 5,
    n_repeats: int | None = None,
    random_state: int = 0,
    store: str | Path | None = None,
    n_jobs: int | None = None,
    max_time: float | None = None,
    command: str = "skoverfit.bench.run_bench",
    verbose: int = 0,
) -> BenchResult:
    """Measure which remedy helps on tables.

    Every remedy is tried on every estimator on the same folds; re-sampling, tuning,
    noise and imbalance happen inside training folds only. Each finished cell is
    committed to the store, so a killed run goes on where it was.

    Parameters
    ----------
    tables : sequence of Table
        From `load_table`, `table_from_frame`, `load_openml` or `embedded_tables`.
    scenarios : sequence of Scenario, default=("as it is",)
        What is done to the training folds.
    estimators : mapping of str to estimator, or iterable of str, optional
        Classifiers with ``predict_proba``, or regressors for tables with a number as
        target, or names of `make_estimators`; what that makes by default, which is all
        but the nets.
    remedies : iterable of str or Remedy, optional
        Names in `skoverfit.catalogue.REMEDIES`; by default all that one of the
        estimators can be given. "nothing" and
        "threshold", this one for classes, are always measured too.
    n_splits : int, default=5
        Folds.
    n_repeats : int, optional
        How often the folds are redrawn; by default 5 up to 3 000 rows, 2 up to
        15 000, else 1.
    random_state : int, default=0
        Seed of everything.
    store : str or Path, optional
        SQLite file of the results; by default a temporary one that is not kept.
    n_jobs : int, optional
        Workers, as in joblib.
    max_time : float, optional
        Seconds after which the run stops; the analysis then speaks of the folds that
        are finished. With one worker the cell in flight is finished first.
    command : str, optional
        What the report shows as the command that repeats the run.
    verbose : int, default=0
        Whether progress is shown on the standard error.

    Returns
    -------
    BenchResult
        The analysis, and how the run ended.

    Raises
    ------
    BadInputError
        If a parameter or a table can't be used; nothing was fitted.
    StoreError
        If the store can't be read or written; rows written before are safe.

    Examples
    --------
    >>> from skoverfit.bench import embedded_tables, run_bench
    >>> tables = {table.name: table for table in embedded_tables()}
    >>> result = run_bench(
    ...     [tables["iris"]], estimators=["logistic"], remedies=["temperature"],
    ...     n_repeats=1,
    ... )
    >>> result.analysis["cells"]["failed"]
    0
    """
    plan = make_plan(
        tables,
        scenarios=scenarios,
        estimators=estimators,
        remedies=remedies,
        n_splits=n_splits,
        n_repeats=n_repeats,
        random_state=root_entropy(random_state),
    )
    with TemporaryDirectory(prefix="skoverfit-") as folder:
        path = Path(store) if store is not None else Path(folder) / "store.sqlite"
        with ResultStore(path) as opened:
            description = plan.describe(command)
            opened.put_run(description)
            outcome = run_plan(
                plan, opened, n_jobs=n_jobs, max_time=max_time, verbose=verbose
            )
            return BenchResult(analyse(opened, description), outcome)
