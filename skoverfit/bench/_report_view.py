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

from skoverfit.bench import _format as fmt
from skoverfit.bench._types import (
    Analysis,
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
    "comparison_blocks",
    "heat_panel",
    "matrix",
    "reliability_choice",
    "top_gaps",
    "top_leaders",
    "verdict_cards",
]

Row = TypeVar("Row", Leader, Gap)

N_LEADERS = 8
N_COMPARISONS = 9
N_CURVES = 4

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
        outcomes = {clause["outcome"] for clause in clauses}
        if not verdict["helps"] and len(outcomes) == 1 and outcomes <= set(OUTCOMES):
            state = pill(outcomes.pop())
        cards.append(
            {
                "question": question,
                "sentence": verdict["sentence"],
                "pill": state,
                "clauses": [
                    {**clause, "pill": pill(clause["outcome"])} for clause in clauses
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
        if math.isnan(value):
            return 60.0
        return round(60 + 56 * max(-1.0, min(1.0, value / scale)), 1)

    finite = not (math.isnan(row["lower"]) or math.isnan(row["upper"]))
    rope = abs(row["rope"]) if math.isfinite(row["rope"]) else 0.0
    return {
        "at": place(row["difference"]),
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
    """Return the 90 % point of the finite magnitudes: outliers are cut, not shown."""
    finite = sorted(abs(value) for value in values if math.isfinite(value))
    return max(finite[int(0.9 * (len(finite) - 1))] if finite else 1.0, at_least)


def comparison_blocks(analysis: Analysis) -> list[dict[str, Any]]:
    """Return for each question the best comparisons of each scenario and the rest."""
    several = len(analysis["groups"]) > 1
    n_first = 4 if several else N_COMPARISONS
    blocks = []
    for question in analysis["questions"]:
        rows = [r for r in analysis["comparisons"] if r["question"] == question["id"]]
        if not rows:
            continue
        scale = scale_of([r[end] for r in rows for end in ("lower", "upper")])  # type: ignore[literal-required]
        scale = max(scale, 2 * max((abs(r["rope"]) for r in rows), default=0.0))
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
                    {**pill(outcome), "n": counts[outcome]}
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
        cell["difference"], cell["lower"], cell["upper"], sign=True
    )
    level = 0
    if math.isfinite(cell["difference"]):
        level = round(3 * max(-1.0, min(1.0, cell["difference"] / scale)))
    symbol = "▲" if cell["lower"] > 0 else "▼" if cell["upper"] < 0 else ""
    css = f"h-{'p' if level > 0 else 'n'}{abs(level)}" if level else "h-0"
    return {"css": css, "value": value, "interval": span, "symbol": symbol}


def heat_panel(
    cells: Sequence[HeatCell], best_estimator: str, scale: float
) -> Panel | None:
    """Arrange heat cells: remedies down, tables (or estimators, of one table) across.

    Parameters
    ----------
    cells : sequence of HeatCell
        Those of one question and scenario.
    best_estimator : str
        Whose map comes first; the others are in ``extra["others"]``.
    scale : float
        Difference of the darkest colour.

    Returns
    -------
    Panel or None
        ``rows`` have ``remedy`` and ``cells``; ``extra["columns"]`` are the heads.
    """
    if not cells:
        return None
    tables = _unique([cell["table"] for cell in cells])
    remedies = _unique([cell["remedy"] for cell in cells])
    estimators = _unique([cell["estimator"] for cell in cells])
    found = {(c["estimator"], c["table"], c["remedy"]): c for c in cells}

    def rows(places: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        return [
            {
                "remedy": remedy,
                "cells": [_heat_cell(found.get((*p, remedy)), scale) for p in places],
            }
            for remedy in remedies
        ]

    if len(tables) == 1:
        places = [(estimator, tables[0]) for estimator in estimators]
        heads = {"columns": estimators, "estimator": "", "others": []}
        return Panel("", rows=rows(places), extra=heads)
    estimators.sort(key=lambda name: name != best_estimator)
    maps = [
        {
            "estimator": name,
            "columns": tables,
            "rows": rows([(name, t) for t in tables]),
        }
        for name in estimators
    ]
    extra = {**maps[0], "others": maps[1:]}
    return Panel("", rows=extra.pop("rows"), extra=extra)


def reliability_choice(analysis: Analysis, group: str, table: str) -> list[Reliability]:
    """Choose the curves of one table: "nothing", the best remedies, and the worst.

    The estimator is the one that leads the probability question; remedies are ordered
    by their difference there, and the last place goes to the one that harms most.
    """
    curves = [
        curve
        for curve in analysis["reliability"]
        if curve["group"] == group and curve["table"] == table and curve["points"]
    ]
    if not curves:
        return []
    names = _unique([curve["estimator"] for curve in curves])
    leaders = sorted(
        (
            row
            for row in analysis["leaderboard"]
            if row["question"] == "probability" and row["group"] == group
        ),
        key=lambda row: row["rank"],
    )
    estimator = next(
        (r["estimator"] for r in leaders if r["estimator"] in names), names[0]
    )
    difference = {
        row["remedy"]: row["difference"]
        for row in analysis["comparisons"]
        if row["question"] == "probability"
        and row["group"] == group
        and row["estimator"] == estimator
    }
    mine = [curve for curve in curves if curve["estimator"] == estimator]
    base = [curve for curve in mine if curve["remedy"] == "nothing"][:1]
    rest = sorted(
        (curve for curve in mine if curve not in base),
        key=lambda curve: -difference.get(curve["remedy"], -math.inf),
    )
    n_rest = N_CURVES - len(base)
    if len(rest) > n_rest:
        known = [curve for curve in rest if curve["remedy"] in difference]
        worst = known[-1] if len(known) > n_rest else rest[n_rest - 1]
        rest = [*rest[: n_rest - 1], worst]
    return base + rest
