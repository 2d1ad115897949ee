"""Synthetic analyses for the report's tests: rich, small, and hostile ones."""

import functools
import math
import random

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(2)>",
    "$\\frac{1}{0}$ \"quoted' & {{ 7*7 }} {% raw %}",
    "a]]><!-- --> \x00\x07 line\nbreak \u202eesrever \ud800",
    "日本語の列 😀 " + "very long name " * 20,
]
METRICS = {
    "ranking": ("Ranking", "average precision", True, "nothing", "0.01"),
    "probability": (
        "Probability",
        "log-loss",
        False,
        "nothing",
        "1 % of the log-loss",
    ),
    "decision": ("Decision", "balanced accuracy", True, "tuned threshold", "0.01"),
}
EXPLAIN = {
    "ranking": "Are the rows that matter sorted to the top?",
    "probability": "Can a predicted 70 % be taken at its word?",
    "decision": "Are the final yes-or-no answers right for every class alike?",
}
REMEDIES = [
    "nothing",
    "class weights",
    "tuned threshold",
    "temperature calibration",
    "SMOTE (imbalanced-learn)",
    "random over-sampling",
    "random under-sampling",
    "stronger regularization",
]
ESTIMATORS = [
    "logistic regression",
    "histogram gradient boosting",
    "k-nearest neighbours",
    "random forest",
]
GROUPS = ["as it is", "imbalance 1:20", "20 % wrong labels"]


def _question(identifier):
    label, metric, higher, baseline, rope = METRICS[identifier]
    return {
        "id": identifier,
        "label": label,
        "metric": metric,
        "explanation": EXPLAIN[identifier],
        "higher_is_better": higher,
        "baseline": baseline,
        "rope_label": rope,
    }


def _clause(question, group, position):
    outcome = ["helps", "none", "no_signal", "too_little_data"][position % 4]
    sentence = {
        "helps": "stronger regularization with logistic regression gains +0.046 "
        "[+0.021, +0.071].",
        "none": "no remedy helps; the best, class weights, changes +0.001 "
        "[-0.004, +0.006].",
        "no_signal": "no model beats guessing by the class shares.",
        "too_little_data": "10 folds are too few for a verdict.",
    }[outcome]
    details = ["Also helps: SMOTE with random forest."] if outcome == "helps" else []
    return {
        "group": group,
        "sentence": sentence,
        "details": details,
        "outcome": outcome,
        "leads": outcome == "helps",
    }


def _outcome(lower, upper, rope):
    if lower > rope:
        return "helps"
    if upper < -rope:
        return "harms"
    return "equivalent" if -rope < lower and upper < rope else "undecided"


class _Builder:
    def __init__(self, groups, tables, estimators, remedies, seed):
        self.groups, self.tables = groups, tables
        self.estimators, self.remedies = estimators, remedies
        self.draw = random.Random(seed)
        self.questions = [_question(identifier) for identifier in METRICS]

    def methods(self):
        for question in self.questions:
            for group in self.groups:
                for estimator in self.estimators:
                    for remedy in self.remedies:
                        yield question, group, estimator, remedy

    def effect(self, question, remedy):
        shift = {
            "random under-sampling": -0.03,
            "stronger regularization": 0.03,
            "SMOTE (imbalanced-learn)": -0.02,
        }.get(remedy, 0.0)
        if question["id"] == "decision":
            shift = abs(shift)
        return shift + self.draw.gauss(0, 0.006)

    def fill(self):
        parts = {
            "comparisons": [],
            "leaderboard": [],
            "gaps": [],
            "heat": [],
            "costs": [],
        }
        for question, group, estimator, remedy in self.methods():
            key = {
                "question": question["id"],
                "group": group,
                "estimator": estimator,
                "remedy": remedy,
            }
            effect, half = (
                self.effect(question, remedy),
                self.draw.uniform(0.004, 0.03),
            )
            base = 0.31 if question["id"] == "probability" else 0.86
            base += 0.02 * self.estimators.index(estimator)
            sign = 1 if question["higher_is_better"] else -1
            score = base + sign * effect
            ends = {"lower": effect - half, "upper": effect + half}
            parts["leaderboard"].append(
                {
                    **key,
                    "rank": 0,
                    "score": score,
                    "lower": score - 0.03,
                    "upper": score + 0.03,
                }
            )
            gap = abs(self.draw.gauss(0.08, 0.05))
            parts["gaps"].append(
                {
                    **key,
                    "train": score + sign * gap,
                    "test": score,
                    "gap": gap,
                    "lower": gap - 0.02,
                    "upper": gap + 0.02,
                }
            )
            if remedy == question["baseline"]:
                continue
            rope = 0.01 if question["higher_is_better"] else 0.0031
            gain = min(max(0.5 + effect / (2 * half), 0.0), 1.0)
            parts["comparisons"].append(
                {
                    **key,
                    "difference": effect,
                    **ends,
                    "p_adjusted": self.draw.random(),
                    "p_gain": gain,
                    "p_equivalent": (1 - gain) / 2,
                    "p_loss": (1 - gain) / 2,
                    "rope": rope,
                    "score": score,
                    "baseline_score": base,
                    "n_tables": len(self.tables),
                    "n_folds": 10 * len(self.tables),
                    "outcome": _outcome(**ends, rope=rope),
                    "better_than_dummy": estimator != "k-nearest neighbours",
                }
            )
            ratio = math.exp(self.draw.gauss(0.8, 0.9))
            parts["costs"].append(
                {
                    **key,
                    "fit_seconds": 0.02 * ratio,
                    "fit_seconds_lower": 0.018 * ratio,
                    "fit_seconds_upper": 0.025 * ratio,
                    "time_ratio": ratio,
                    "peak_memory_mb": None if remedy == "class weights" else 140.2,
                    "difference": effect,
                    **ends,
                }
            )
            for table in self.tables:
                value = effect + self.draw.gauss(0, 0.02)
                parts["heat"].append(
                    {
                        **key,
                        "table": table,
                        "difference": value,
                        "lower": value - half,
                        "upper": value + half,
                    }
                )
        self.rank(parts["leaderboard"])
        return parts

    def rank(self, leaders):
        for question in self.questions:
            for group in self.groups:
                mine = [
                    row
                    for row in leaders
                    if (row["question"], row["group"]) == (question["id"], group)
                ]
                mine.sort(
                    key=lambda row: row["score"], reverse=question["higher_is_better"]
                )
                for place, row in enumerate(mine, 1):
                    row["rank"] = place

    def ranks(self):
        few = len(self.tables) * len(self.groups) < 3
        return [
            {
                "question": question["id"],
                "methods": [] if few else list(self.remedies),
                "mean_ranks": []
                if few
                else [
                    1 + (len(self.remedies) - 1) * self.draw.random()
                    for _ in self.remedies
                ],
                "critical_difference": None if few else 1.9,
                "n_blocks": len(self.tables) * len(self.groups) * len(self.estimators),
                "reason": "One table alone has no ranks across tables: the intervals "
                "above are the answer."
                if few
                else "",
            }
            for question in self.questions
        ]

    def reliability(self):
        return [
            {
                "group": group,
                "table": table,
                "estimator": estimator,
                "remedy": remedy,
                "points": self.points(),
            }
            for group in self.groups
            for table in self.tables
            for estimator in self.estimators
            for remedy in self.remedies
        ]

    def points(self):
        slope, points = self.draw.uniform(0.7, 1.2), []
        for bin_number in range(10):
            predicted = 0.05 + 0.1 * bin_number
            observed = min(max(0.5 + slope * (predicted - 0.5), 0.01), 0.99)
            points.append(
                {
                    "predicted": predicted,
                    "observed": observed,
                    "lower": max(0.0, observed - 0.06),
                    "upper": min(1.0, observed + 0.06),
                    "n": 120,
                }
            )
        return points

    def table_infos(self):
        return [
            {
                "name": table,
                "group": group,
                "source": "scikit-learn's embedded data",
                "n_rows": 1797,
                "n_columns": 64,
                "classes": {"benign": 1357, "malignant": 440},
                "positive": "malignant",
                "dummy": {"ranking": 0.245, "probability": 0.557, "decision": 0.5},
                "notes": ["Column 'patient_id' looks like an identifier."],
            }
            for group in self.groups
            for table in self.tables
        ]

    def analysis(self):
        helps = [True, False, True]
        verdicts = [
            {
                "question": question["id"],
                "label": question["label"],
                "sentence": "Stronger regularization with logistic regression helps: "
                "+0.046 [+0.021, +0.071]."
                if flag
                else "No remedy helps here: the best changes +0.001 [-0.004, +0.006].",
                "helps": flag,
                "clauses": [
                    _clause(question, group, position + (not flag))
                    for position, group in enumerate(self.groups)
                ],
            }
            for question, flag in zip(self.questions, helps, strict=True)
        ]
        return {
            "title": "Which remedy helps: quick suite",
            "headline": "Two of three questions have a remedy that helps; for "
            "probabilities, leave the model as it is.",
            "groups": list(self.groups),
            "questions": self.questions,
            "verdicts": verdicts,
            **self.fill(),
            "ranks": self.ranks(),
            "reliability": self.reliability(),
            "failures": [
                {
                    "table": self.tables[0],
                    "estimator": self.estimators[0],
                    "remedy": "SMOTE (imbalanced-learn)",
                    "n_folds": 3,
                    "error": "ValueError: Expected n_neighbors <= n_samples_fit, but "
                    "n_neighbors = 6, n_samples_fit = 4",
                }
            ],
            "skipped": [
                {
                    "table": self.tables[0],
                    "estimator": "k-nearest neighbours",
                    "remedy": "class weights",
                    "reason": "this estimator takes no class weights",
                }
            ],
            "tables": self.table_infos(),
            "notes": ["Two columns were dropped as asked for: 'name', 'date'."],
            "protocol": {
                "Folds": "5-fold stratified cross-validation, 2 repetitions, the same "
                "folds for all",
                "Resampling": "only ever inside training folds; test folds untouched",
                "Interval": "Nadeau and Bengio's corrected resampled t, 95 %",
            },
            "versions": {"skoverfit": "0.1.dev0", "scikit-learn": "1.9.1"},
            "command": "skoverfit bench --suite quick --seed 0",
            "seed": 0,
            "complete": True,
            "cells": {"planned": 540, "done": 537, "failed": 3},
            "created": "2026-01-05 12:00:00 UTC",
        }


def rich_analysis(seed=0):
    """Three groups of four tables, four estimators, eight remedies."""
    tables = ["breast cancer", "digits", "iris", "wine"]
    return _Builder(GROUPS, tables, ESTIMATORS, REMEDIES, seed).analysis()


def single_analysis(seed=0):
    """One table, one group, all estimators."""
    analysis = _Builder(
        ["as it is"], ["adult.csv"], ESTIMATORS, REMEDIES, seed
    ).analysis()
    analysis["title"] = "Which remedy helps on adult.csv"
    analysis["command"] = "skoverfit bench --data adult.csv --target income"
    return analysis


def hostile_analysis(seed=0):
    """Every free text is hostile; numbers are at their limits."""
    remedies = ["nothing", *HOSTILE]
    analysis = _Builder(
        [HOSTILE[0], "b"], [HOSTILE[2], HOSTILE[4]], [HOSTILE[1]], remedies, seed
    ).analysis()
    analysis["title"] = HOSTILE[1]
    analysis["headline"] = " ".join(HOSTILE)
    for verdict in analysis["verdicts"]:
        verdict["sentence"] = HOSTILE[0]
        for clause in verdict["clauses"]:
            clause["sentence"] = HOSTILE[1]
            clause["details"] = [HOSTILE[0]]
    for question in analysis["questions"]:
        question["explanation"] = question["rope_label"] = HOSTILE[0]
        question["metric"] = HOSTILE[2]
    for table in analysis["tables"]:
        table["classes"] = dict.fromkeys(HOSTILE, 7)
        table["positive"] = HOSTILE[0]
        table["source"] = HOSTILE[1]
        table["notes"] = list(HOSTILE)
    for key in ("failures", "skipped"):
        for row in analysis[key]:
            row.update(dict.fromkeys([k for k in row if k != "n_folds"], HOSTILE[0]))
    analysis["notes"] = list(HOSTILE)
    analysis["protocol"] = {HOSTILE[0]: HOSTILE[1]}
    analysis["versions"] = {HOSTILE[1]: HOSTILE[0]}
    analysis["command"] = HOSTILE[0]
    analysis["created"] = HOSTILE[0]
    for row in analysis["comparisons"]:
        row["lower"], row["upper"] = -math.inf, math.inf
        row["outcome"] = "undecided"
    for row in analysis["leaderboard"]:
        row["lower"], row["upper"] = math.nan, math.nan
    for row in analysis["heat"] + analysis["gaps"]:
        row["lower"], row["upper"] = -math.inf, math.inf
    for row in analysis["costs"]:
        row["peak_memory_mb"] = None
        row["lower"], row["upper"] = -math.inf, math.inf
    return analysis


def empty_analysis():
    """A run that was stopped before its first cell."""
    analysis = single_analysis()
    for key in (
        "verdicts",
        "comparisons",
        "leaderboard",
        "gaps",
        "heat",
        "ranks",
        "reliability",
        "costs",
        "failures",
        "skipped",
        "tables",
        "notes",
    ):
        analysis[key] = []
    analysis["complete"] = False
    analysis["cells"] = {"planned": 540, "done": 0, "failed": 0}
    return analysis


@functools.cache
def rendered(name):
    """The report of one of the analyses above, drawn once in a test run."""
    from skoverfit.bench._report import render_report

    return render_report(globals()[f"{name}_analysis"]())
