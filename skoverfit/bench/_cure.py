# SPDX-License-Identifier: BSD-3-Clause
"""Search a remedy for a table, and put what it found into one safe file."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import BaseCrossValidator, GridSearchCV
from sklearn.pipeline import Pipeline as _SklearnPipeline

import skoverfit
from skoverfit._core._names import suggest
from skoverfit._core._persistence import save
from skoverfit.bench._named_estimator import prepared_pipeline
from skoverfit.bench._protocol import make_folds
from skoverfit.bench._table_model import TableModel
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection import RemedySearchCV
from skoverfit.pipeline._steps import is_sampler

__all__ = ["checked_scoring", "cure_table", "what_predicts"]


def cure_table(
    table: Table,
    estimator: BaseEstimator,
    *,
    target: str,
    remedies: Sequence[str] | None = None,
    scoring: str | None = None,
    n_splits: int = 5,
    n_repeats: int = 1,
    random_state: int = 0,
    max_time: float | None = None,
    store: Path | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[TableModel, RemedySearchCV]:
    """Search a remedy and fit it on the whole table.

    Parameters
    ----------
    table : Table
        Rows to learn from.
    estimator : estimator
        What is treated; it gets encoded columns.
    target : str
        Name of the target column.
    remedies : sequence of str, default=None
        As in `RemedySearchCV`; None is "auto".
    scoring : str, default=None
        Name of a score of scikit-learn.
    n_splits, n_repeats : int
        Folds, and how often they are redrawn.
    random_state : int, default=0
        Seed of everything.
    max_time : float, default=None
        Seconds of the search.
    store : Path, default=None
        File of finished fits.
    n_jobs : int, default=None
        As in joblib.
    verbose : int, default=0
        Whether progress is shown.

    Returns
    -------
    TableModel
        The fitted pipeline with its estimate.
    RemedySearchCV
        The search.

    Raises
    ------
    BadInputError
        If something can't be used, or the fitted pipeline could not be saved.
    """
    checked_scoring(scoring)
    _check_savable(estimator)
    # Folds that can't be made are refused here, in the words of the benchmark.
    folds = list(make_folds(table, n_splits=n_splits, n_repeats=1, seed=random_state))
    cv: Any = n_splits
    if table.time is not None:
        cv, n_repeats = [(fold.train, fold.test) for fold in folds], 1
    search = RemedySearchCV(
        prepared_pipeline(estimator, table, random_state),
        "auto" if remedies is None else list(remedies),
        scoring=scoring,
        cv=cv,
        n_repeats=n_repeats,
        max_time=max_time,
        store=store,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    with warnings.catch_warnings():
        # Joblib's word where a race is over before all its fits; the table says why.
        warnings.filterwarnings(
            "ignore", message=".*tasks which were still being processed"
        )
        search.fit(table.X, table.y, groups=table.groups)
    model = TableModel(
        what_predicts(search.best_estimator_),
        table,
        target=target,
        estimate=_estimate(search, table, estimator, random_state),
    )
    return model, search


def checked_scoring(scoring: str | None) -> None:
    """Refuse a score that scikit-learn does not know."""
    if scoring is not None and scoring not in get_scorer_names():
        raise BadInputError(
            f"There is no score {scoring!r}. {suggest(scoring, get_scorer_names())}"
        )


def _check_savable(estimator: BaseEstimator) -> None:
    """Refuse before any work what the safe format has no place for."""
    with tempfile.TemporaryDirectory(prefix="skoverfit-") as folder:
        try:
            save(clone(estimator), Path(folder) / "estimator.skops")
        except BadInputError as exc:
            raise BadInputError(
                f"{exc} Choose another --estimator; skoverfit.save lists what the safe "
                "format can't hold."
            ) from exc


def what_predicts(model: Any) -> Any:
    """Return the part of a fitted model that predicts: no search, no sampler.

    Searches hold folds and scorers, samplers hold rows; a prediction needs neither.
    """
    if isinstance(model, GridSearchCV):
        return what_predicts(model.best_estimator_)
    if isinstance(model, _SklearnPipeline):
        kept = [
            (name, what_predicts(step))
            for name, step in model.steps
            if not is_sampler(step)
        ]
        slim = type(model)(kept)
        slim.__dict__.update(
            {k: v for k, v in vars(model).items() if k not in ("steps", "memory")}
        )
        return slim
    inner = getattr(model, "estimator_", None)
    if inner is not None and isinstance(getattr(model, "cv", None), _FOLDS):
        model.cv = None
    return model


_FOLDS = (list, tuple, BaseCrossValidator)


def _estimate(
    search: RemedySearchCV, table: Table, estimator: BaseEstimator, seed: int
) -> dict[str, Any]:
    values = search.summary_
    return {
        "score": str(values["score"]),
        "corrected": float(search.cv_score_corrected_),
        "interval": [float(end) for end in search.corrected_interval_],
        "naive": float(search.cv_score_naive_),
        "nothing": float(values["nothing_score"]),
        "remedy": search.best_remedy_,
        "winner": search.winner_,
        "gain": float(search.gain_),
        "gain_interval": [float(end) for end in search.gain_interval_],
        "luck": float(search.luck_),
        "n_folds": int(search.n_splits_),
        "out_of_time": bool(values["out_of_time"]),
        "estimator": repr(estimator),
        "table": table.name,
        "table_hash": table.content_hash,
        "n_rows": len(np.asarray(table.y)),
        "n_columns": int(table.X.shape[1]),
        "seed": seed,
        "skoverfit": skoverfit.__version__,
    }
