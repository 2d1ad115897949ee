# SPDX-License-Identifier: BSD-3-Clause
"""What the report shows of an `Analysis`: which rows first, in which words.

Everything here is plain text and numbers; escaping is the template's job, drawing is
that of `_figures`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from skoverfit._core import _format as fmt
from skoverfit.bench._types import (
    Analysis,
    Clause,
    Comparison,
    Gap,
    HeatCell,
    Leader,
    Question,
    Reliability,
    Verdict,
)

__all__ = [
    "Block",
    "Panel",
    "best_estimator",
    "comparison_blocks",
    "heat_maps",
    "matrix",
    "reliability_choice",
    "reliability_estimators",
    "top_gaps",
    "top_leaders",
    "verdict_cards",
]

Row = TypeVar("Row", Leader, Gap)

N_LEADERS = 8
N_COMPARISONS = 6
N_CURVES = 4
# The questions that reliability belongs to: of classes, of numbers.
FORECASTS = ("probability", "error")

# outcome -> symbol, words, CSS class; shared by clauses and comparisons.
OUTCOMES = {
    "helps": ("▲", "helps", "good"),
    "harms": ("▼", "harms", "bad"),
    "equivalent": ("=", "no difference", "calm"),
    "undecided": ("?", "undecided", "calm"),
    "none": ("–", "no remedy helps", "calm"),
    "no_signal": ("∅", "no signal in the table", "calm"),
    "too_little_data": ("…", "too little data", "calm"),
}
_ORDER = ("helps", "undecided", "equivalent", "harms")


@dataclass
class Panel:
    """One small display: a figure, rows, or both."""

    title: str
    svg: Any = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Block:
    """The panels that answer one question, or all questions of a single scenario."""

    title: str
    explanation: str
    panels: list[Panel]


def pill(outcome: str) -> dict[str, str]:
    """Return symbol, words and class of an outcome."""
    symbol, words, css = OUTCOMES[outcome]
    return {"symbol": symbol, "words": words, "css": css}


def matrix(
    analysis: Analysis,
    make: Callable[[Question, str, str], Panel | None],
) -> list[Block]:
    """Make a panel for each question and scenario, in blocks that read well.

    With several scenarios a block is a question and its panels are the scenarios; with
    one scenario there is one block, whose panels are the questions.

    Parameters
    ----------
    analysis : Analysis
        The analysis.
    make : callable
        ``(question, group, suffix of an id) -> Panel``, or None where nothing is to be
        shown; sets the panel's title to the scenario.

    Returns
    -------
    list of Block
        Blocks without panels are left out.
    """
    several = len(analysis["groups"]) > 1
    blocks: list[Block] = []
    for i, question in enumerate(analysis["questions"]):
        panels = []
        for j, group in enumerate(analysis["groups"]):
            panel = make(question, group, f"{i}-{j}")
            if panel is not None:
                panel.title = group if several else question["label"]
                panels.append(panel)
        if not panels:
            continue
        if several or not blocks:
            title, text = question["label"], question["explanation"]
            blocks.append(Block(title if several else "", text, panels))
        else:
            blocks[0].panels += panels
    return blocks


def of(rows: Sequence[Any], question: Question, group: str) -> list[Any]:
    """Return the rows of one question and scenario."""
    return [
        row
        for row in rows
        if row["question"] == question["id"] and row["group"] == group
    ]


def where(analysis: Analysis, group: str) -> str:
    """Return ", scenario" for spoken labels, nothing where there is only one."""
    return f", {group}" if len(analysis["groups"]) > 1 else ""


def _clause_pill(clause: Clause) -> dict[str, str]:
    """Return the pill; help that the best model does not need says so."""
    state = pill(clause["outcome"])
    if clause["outcome"] == "helps" and not clause["leads"]:
        state["words"] = "helps weaker models"
    return state


def verdict_cards(analysis: Analysis) -> list[dict[str, Any]]:
    """Return what the three cards on top say."""
    verdicts: dict[str, Verdict] = {v["question"]: v for v in analysis["verdicts"]}
    cards = []
    for question in analysis["questions"]:
        verdict = verdicts.get(question["id"])
        if verdict is None:
            continue
        clauses = verdict["clauses"]
        state = pill("helps" if verdict["helps"] else "none")
        n_helps = sum(clause["outcome"] == "helps" for clause in clauses)
        if verdict["helps"] and len(clauses) > 1:
            state["words"] = f"helps in {n_helps} of {len(clauses)} scenarios"
        elif verdict["helps"]:
            state = _clause_pill(clauses[0])
        outcomes = {clause["outcome"] for clause in clauses}
        if not verdict["helps"] and len(outcomes) == 1 and outcomes <= set(OUTCOMES):
            state = pill(outcomes.pop())
        cards.append(
            {
                "question": question,
                "sentence": verdict["sentence"],
                "details": clauses[0]["details"] if len(clauses) == 1 else [],
                "pill": state,
                "clauses": [
                    {**clause, "pill": _clause_pill(clause)} for clause in clauses
                ]
                if len(clauses) > 1
                else [],
            }
        )
    return cards


def top_leaders(rows: list[Leader], question: Question) -> list[Leader]:
    """Return the best rows; the best baseline is always among them."""
    rows = sorted(rows, key=lambda row: row["rank"])
    shown = rows[:N_LEADERS]
    bases = [row for row in rows if row["remedy"] == question["baseline"]]
    if bases and bases[0] not in shown:
        shown[-1] = bases[0]
    return shown


def top_gaps(rows: list[Gap], shown: Sequence[Leader]) -> list[Gap]:
    """Return the gaps of the methods that the leaderboard shows, in its order."""
    by_method = {(row["estimator"], row["remedy"]): row for row in rows}
    keys = [(row["estimator"], row["remedy"]) for row in shown] or list(by_method)
    return [by_method[key] for key in keys if key in by_method][:N_LEADERS]


def leader_rows(rows: Sequence[Leader]) -> list[dict[str, Any]]:
    """Format the leaderboard."""
    result = []
    for row in sorted(rows, key=lambda row: row["rank"]):
        value, span = fmt.with_interval(row["score"], row["lower"], row["upper"])
        result.append({**row, "value": value, "interval": span})
    return result


def gap_rows(rows: Sequence[Gap]) -> list[dict[str, Any]]:
    """Format the gaps, the widest first."""
    result = []
    for row in sorted(rows, key=lambda row: -row["gap"]):
        value, span = fmt.with_interval(row["gap"], row["lower"], row["upper"])
        texts = {"train": fmt.number(row["train"]), "test": fmt.number(row["test"])}
        result.append({**row, **texts, "value": value, "interval": span})
    return result


def _forest(row: Comparison, scale: float) -> dict[str, Any]:
    """Return the coordinates of the small interval drawing, 0..120, zero at 60."""

    def place(value: float) -> float:
        return round(60 + 56 * max(-1.0, min(1.0, value / scale)), 1)

    finite = not (math.isnan(row["lower"]) or math.isnan(row["upper"]))
    rope = abs(row["rope"]) if math.isfinite(row["rope"]) else 0.0
    return {
        "at": None if math.isnan(row["difference"]) else place(row["difference"]),
        "x1": place(row["lower"]) if finite else None,
        "x2": place(row["upper"]) if finite else None,
        "cut_left": row["lower"] < -scale,
        "cut_right": row["upper"] > scale,
        "rope1": place(-rope),
        "rope2": place(rope),
    }


def _comparison_row(row: Comparison, scale: float) -> dict[str, Any]:
    value, span = fmt.with_interval(
        row["difference"], row["lower"], row["upper"], sign=True
    )
    return {
        **row,
        "value": value,
        "interval": span,
        "gain": fmt.percent(row["p_gain"]),
        "loss": fmt.percent(row["p_loss"]),
        "p": fmt.p_value(row["p_adjusted"]),
        "pill": pill(row["outcome"]),
        "forest": _forest(row, scale),
    }


def scale_of(values: Sequence[float], at_least: float = 1e-9) -> float:
    """Return the largest finite magnitude, less what lies far out.

    Far out is more than 1.5 times the 90 % point: it is cut instead of making the rest
    unreadable.
    """
    finite = sorted(abs(value) for value in values if math.isfinite(value))
    if not finite:
        return 1.0
    usual = finite[int(0.9 * (len(finite) - 1))]
    return max(min(finite[-1], 1.5 * usual), at_least)


def _plural(outcome: str, n: int) -> str:
    words = OUTCOMES[outcome][1]
    return (
        words.removesuffix("s") if n != 1 and outcome in ("helps", "harms") else words
    )


def comparison_blocks(analysis: Analysis) -> list[dict[str, Any]]:
    """Return for each question the best comparisons of each scenario and the rest."""
    several = len(analysis["groups"]) > 1
    n_first = 4 if several else N_COMPARISONS
    blocks = []
    for question in analysis["questions"]:
        rows = [r for r in analysis["comparisons"] if r["question"] == question["id"]]
        if not rows:
            continue
        scale = scale_of([r[end] for r in rows for end in ("lower", "upper")])
        scale = max(scale, 2 * scale_of([r["rope"] for r in rows], 0.0))
        groups = []
        for group in analysis["groups"]:
            mine = sorted(of(rows, question, group), key=_interest)
            if mine:
                texts = [_comparison_row(row, scale) for row in mine]
                groups.append({"name": group, "first": texts[:n_first], "all": texts})
        counts = Counter(row["outcome"] for row in rows)
        blocks.append(
            {
                "question": question,
                "groups": groups,
                "n": len(rows),
                "more": any(len(g["all"]) > len(g["first"]) for g in groups),
                "tally": [
                    {
                        **pill(outcome),
                        "words": _plural(outcome, counts[outcome]),
                        "n": counts[outcome],
                    }
                    for outcome in ("helps", "equivalent", "undecided", "harms")
                    if counts[outcome]
                ],
            }
        )
    return blocks


def _interest(row: Comparison) -> tuple[Any, ...]:
    gain = row["p_gain"] if math.isfinite(row["p_gain"]) else -1.0
    return (
        _ORDER.index(row["outcome"]) if row["outcome"] in _ORDER else len(_ORDER),
        -gain,
        -row["difference"] if math.isfinite(row["difference"]) else math.inf,
        row["estimator"],
        row["remedy"],
    )


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _heat_cell(cell: HeatCell | None, scale: float) -> dict[str, Any]:
    if cell is None:
        return {"css": "h-no", "value": "", "interval": "", "symbol": ""}
    value, span = fmt.with_interval(
        cell["difference"],
        cell["lower"],
        cell["upper"],
        sign=True,
        decimals=max(3, 1 - math.floor(math.log10(scale))),
    )
    level = 0
    if math.isfinite(cell["difference"]):
        level = round(3 * max(-1.0, min(1.0, cell["difference"] / scale)))
    symbol = "▲" if cell["lower"] > 0 else "▼" if cell["upper"] < 0 else ""
    css = f"h-{'p' if level > 0 else 'n'}{abs(level)}" if level else "h-0"
    return {"css": css, "value": value, "interval": span, "symbol": symbol}


def heat_maps(analysis: Analysis, question: Question) -> list[dict[str, Any]]:
    """Arrange the differences of a question: remedies down, data sets across.

    Parameters
    ----------
    analysis : Analysis
        The analysis.
    question : Question
        Which differences.

    Returns
    -------
    list of dict
        A map for each estimator, the leading one first, with ``estimator``, ``heads``
        (scenario and its columns) and ``rows``. Where every scenario has a single
        table, there is one map, ``estimator`` is "" and its columns are the estimators.
    """
    cells = [cell for cell in analysis["heat"] if cell["question"] == question["id"]]
    if not cells:
        return []
    scale = scale_of([cell["difference"] for cell in cells])
    found = {(c["group"], c["table"], c["estimator"], c["remedy"]): c for c in cells}
    remedies = _unique([cell["remedy"] for cell in cells])
    tables = {
        group: _unique([cell["table"] for cell in cells if cell["group"] == group])
        for group in analysis["groups"]
    }
    estimators = _unique([cell["estimator"] for cell in cells])
    best = best_estimator(analysis, question, analysis["groups"])
    estimators.sort(key=lambda name: name != best)

    def one(estimator: str, heads: dict[str, list[tuple[str, str, str]]]) -> Any:
        places = [(group, *p[1:]) for group, places in heads.items() for p in places]
        rows = [
            {
                "remedy": remedy,
                "cells": [_heat_cell(found.get((*p, remedy)), scale) for p in places],
            }
            for remedy in remedies
        ]
        heads_ = [(group, [p[0] for p in places]) for group, places in heads.items()]
        return {"estimator": estimator, "heads": heads_, "rows": rows}

    if all(len(names) <= 1 for names in tables.values()):
        heads = {g: [(e, t[0], e) for e in estimators] for g, t in tables.items() if t}
        return [one("", heads)]
    return [
        one(e, {g: [(t, t, e) for t in names] for g, names in tables.items() if names})
        for e in estimators
    ]


def best_estimator(
    analysis: Analysis, question: Question, groups: Sequence[str]
) -> str:
    """Return the estimator whose best rows rank best, summed over the scenarios."""
    ranks: dict[str, dict[str, int]] = {}
    for group in groups:
        for row in of(analysis["leaderboard"], question, group):
            mine = ranks.setdefault(row["estimator"], {})
            mine[group] = min(row["rank"], mine.get(group, row["rank"]))
    return min(
        ranks,
        key=lambda name: (-len(ranks[name]), sum(ranks[name].values())),
        default="",
    )


def reliability_estimators(analysis: Analysis, group: str, table: str) -> list[str]:
    """Return the estimators with curves, the one that leads in probability first."""
    names = _unique(
        [
            curve["estimator"]
            for curve in analysis["reliability"]
            if curve["group"] == group and curve["table"] == table and curve["points"]
        ]
    )
    for question in analysis["questions"]:
        if question["id"] in FORECASTS:
            best = best_estimator(analysis, question, [group])
            names.sort(key=lambda name: name != best)
    return names


def reliability_choice(
    analysis: Analysis, group: str, table: str, estimator: str
) -> list[Reliability]:
    """Choose the curves to draw: "nothing", the best remedies, and the worst.

    Remedies are ordered by their difference in that question; the last
    place goes to the one that harms most.
    """
    mine = [
        curve
        for curve in analysis["reliability"]
        if (curve["group"], curve["table"], curve["estimator"])
        == (group, table, estimator)
        and curve["points"]
    ]
    difference = {
        row["remedy"]: row["difference"]
        for row in analysis["comparisons"]
        if row["question"] in FORECASTS
        and row["group"] == group
        and row["estimator"] == estimator
        and math.isfinite(row["difference"])
    }
    base = [curve for curve in mine if curve["remedy"] == "nothing"][:1]
    known = sorted(
        (c for c in mine if c not in base and c["remedy"] in difference),
        key=lambda curve: (-difference[curve["remedy"]], curve["remedy"]),
    )
    unknown = [c for c in mine if c not in base and c["remedy"] not in difference]
    n_rest = N_CURVES - len(base)
    if len(known) > n_rest:
        known = [*known[: n_rest - 1], known[-1]]
    return base + (known + unknown)[:n_rest]
