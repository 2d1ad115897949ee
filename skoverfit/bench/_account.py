# SPDX-License-Identifier: BSD-3-Clause
"""The account of a run: what was measured on, what failed, and by which rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skoverfit.bench._aggregate import Measured, Results
from skoverfit.bench._estimators import estimator_note
from skoverfit.bench._questions import GUESSES
from skoverfit.bench._types import Failure, Skipped, TableInfo

__all__ = ["failures", "notes", "protocol", "skipped", "tables"]

_ABOUT_CLASSES = {
    "Test folds": "untouched and clean: neither re-sampled nor relabelled; in "
    "an imbalance scenario they keep the shares of the whole table",
    "Ranking": "average precision where there are two classes, macro one-vs-one "
    "AUC where there are more",
    "Decisions": "judged against the same model with a tuned threshold, since "
    "that moves decisions without touching the data; the tuned threshold itself "
    "against nothing",
    "Probabilities": "shrunk to (n p + 1/2) / (n + K/2), n training rows, K "
    "classes, before log-loss: no model may be surer than its rows allow",
}
_ABOUT_NUMBERS = {
    "Test folds": "untouched: neither re-sampled nor cleaned",
    "Errors": "in standard deviations of the target over the whole table: predicting "
    "the mean is off by about 1 (root mean squared)",
    "Ranking": "Spearman's rank correlation; 0 for the same prediction everywhere",
    "Rare values": "mean absolute error on the twentieth of the test rows with the "
    "lowest and the twentieth with the highest targets",
    "The guess": "the mean of the training fold, for the absolute error its median",
}
# From the name of an estimator or remedy to what people read.
Title = Callable[[str], str]


def failures(results: Results, title: Title) -> list[Failure]:
    """Write what failed, with one of its errors."""
    return [
        {
            "table": f"{place.table} ({place.group})",
            "estimator": title(place.estimator),
            "remedy": title(place.remedy),
            "n_folds": len(errors),
            "error": errors[0],
        }
        for place, errors in sorted(results.failed.items())
    ]


def skipped(results: Results, title: Title) -> list[Skipped]:
    """Write what was not tried, and why."""
    by_cell: list[Skipped] = [
        {
            "table": f"{place.table} ({place.group})",
            "estimator": title(place.estimator),
            "remedy": title(place.remedy),
            "reason": reason,
        }
        for place, reason in sorted(results.skipped.items())
    ]
    by_plan: list[Skipped] = [
        {
            "table": "all tables",
            "estimator": title(entry["estimator"]),
            "remedy": title(entry["remedy"]),
            "reason": entry["reason"],
        }
        for entry in results.run["ruled_out"]
    ]
    return by_plan + by_cell


def tables(results: Results) -> list[TableInfo]:
    """Describe the tables, with the score of the class shares alone."""
    written: list[TableInfo] = []
    for group in results.groups:
        for table in results.run["tables"]:
            dummy = {}
            for metric in results.questions:
                scores = [
                    score
                    for estimator in results.estimators
                    for score in results.scores(
                        Measured(table["name"], group, estimator, "nothing"),
                        metric.score,
                        "dummy",
                    ).values()
                ]
                if scores:
                    dummy[metric.id] = float(np.mean(scores))
            written.append(
                {
                    "name": table["name"],
                    "group": group,
                    "source": table["source"],
                    "n_rows": table["n_rows"],
                    "n_columns": table["n_columns"],
                    "classes": table["classes"],
                    "numbers": table.get("numbers", {}),
                    "positive": table["positive"],
                    "dummy": dummy,
                    "notes": table["notes"],
                }
            )
    return written


def notes(results: Results) -> list[str]:
    """Write remarks that hold for several cells, each once."""
    remarks: dict[str, set[str]] = {}
    for place, cells in results.cells.items():
        for value in cells.values():
            for text in value["notes"]:
                remarks.setdefault(text, set()).add(f"{place.table} ({place.group})")
    return [f"{text} - {', '.join(sorted(at))}." for text, at in remarks.items()]


def protocol(results: Results) -> dict[str, str]:
    """Write how it was measured."""
    repeats = sorted({table["n_repeats"] for table in results.run["tables"]})
    kinds = {table["folds"] for table in results.run["tables"]} - {""}
    folds = f"{results.run['n_splits']} folds, redrawn "
    folds += " or ".join(map(str, repeats)) + " time(s), the same for all"
    numbers = results.task == "regression"
    raw = [r["title"] for r in results.run["remedies"] if r.get("input") == "raw"]
    on_raw = {
        "Re-sampling": f"{', '.join(raw)} on the raw table: rows are made from the "
        "columns as they were read (numbers, categories, text, dates, missing values) "
        "and encoded afterwards, as the test rows are"
    }
    about = "; ".join(
        note
        for name, described in results.run["estimators"].items()
        if (note := estimator_note(name, described))
    )
    return {
        **({"Estimators": about[:1].upper() + about[1:]} if about else {}),
        "Folds": folds
        + (
            f"; by {', '.join(sorted(kinds))}"
            if kinds
            else "; shuffled"
            if numbers
            else "; stratified"
        ),
        "Training folds": "re-sampling, tuning, noise and imbalance happen here "
        "only; encoding, imputation and scaling are fitted here",
        **(on_raw if raw else {}),
        **(_ABOUT_NUMBERS if numbers else _ABOUT_CLASSES),
        "Intervals": "95 %, corrected for overlapping training folds (Nadeau and "
        "Bengio 2003); over several tables they speak of these tables",
        "A remedy helps if": "its gain survives Holm's correction over all "
        "comparisons of the question (one-sided, 5 %), is beyond the region of "
        "equivalence with probability 0.95 (Bayesian correlated t-test, Benavoli "
        f"et al. 2017), and the model is better than {GUESSES[results.task]}",
    }
