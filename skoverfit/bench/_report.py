# SPDX-License-Identifier: BSD-3-Clause
"""The report: one HTML file that needs nothing else, a function of the analysis."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skoverfit._core import _format as fmt
from skoverfit._core._html import template_environment, write_atomically
from skoverfit.bench import _report_view as view
from skoverfit.bench._report_view import Block, Panel
from skoverfit.bench._types import Analysis, Cost, Question

__all__ = ["render_report", "write_report"]

_MAX_RELIABILITY_FIGURES = 9
_HOW_MANY = {
    3: ("Three questions", "three verdicts"),
    4: ("Four questions", "four verdicts"),
}


def render_report(analysis: Analysis) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    analysis : Analysis
        What the run found; plain JSON values.

    Returns
    -------
    str
        The page: no script, nothing loaded from anywhere, every name escaped. The same
        analysis gives the same text, byte for byte.

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is not installed (extra ``bench``).
    """
    template = template_environment("skoverfit.bench").get_template("report.html.j2")
    page = template.render(
        a=analysis,
        several=len(analysis["groups"]) > 1,
        regression=analysis.get("task") == "regression",
        how_many=_HOW_MANY.get(len(analysis["questions"]), ("Questions", "verdicts")),
        cards=view.verdict_cards(analysis),
        leaderboard=_leaderboard(analysis),
        comparisons=view.comparison_blocks(analysis),
        gaps=_gaps(analysis),
        heat=_heat(analysis),
        ranks=_ranks(analysis),
        reliability=_reliability(analysis),
        costs=_costs(analysis),
        tables=_tables(analysis),
        fmt=fmt,
    )
    return page.rstrip() + "\n"


def write_report(analysis: Analysis, path: str | os.PathLike[str]) -> Path:
    """Write the report so that the file is either the old one or the new one, whole.

    Parameters
    ----------
    analysis : Analysis
        What the run found.
    path : str or path-like
        The HTML file; its folder has to exist.

    Returns
    -------
    pathlib.Path
        The path as it was given.

    Raises
    ------
    BadInputError
        If the file can't be written; an old one is left whole.
    ImportError
        If jinja2 or matplotlib is not installed (extra ``bench``).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skoverfit.bench import embedded_tables, run_bench, write_report
    >>> result = run_bench(
    ...     [next(embedded_tables())], estimators=["logistic"],
    ...     remedies=["temperature"], n_repeats=1,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(result.analysis, pathlib.Path(folder, "report.html"))
    ...     path.read_text()[:15].lower()
    '<!doctype html>'
    """
    return write_atomically(path, render_report(analysis))


def _leaderboard(analysis: Analysis) -> list[Block]:
    from skoverfit.bench._figures import leaderboard_svg

    def make(question: Question, group: str, suffix: str) -> Panel | None:
        rows = view.of(analysis["leaderboard"], question, group)
        shown = view.top_leaders(rows, question)
        drawable = [row for row in shown if math.isfinite(row["score"])]
        if not rows:
            return None
        svg = drawable and leaderboard_svg(
            drawable, question, f"lead-{suffix}", view.where(analysis, group)
        )
        extra = {"n_shown": len(drawable), "question": question}
        return Panel("", svg, view.leader_rows(rows), extra)

    return view.matrix(analysis, make)


def _gaps(analysis: Analysis) -> list[Block]:
    from skoverfit.bench._figures import gap_svg

    def make(question: Question, group: str, suffix: str) -> Panel | None:
        rows = view.of(analysis["gaps"], question, group)
        leaders = view.of(analysis["leaderboard"], question, group)
        shown = view.top_gaps(rows, view.top_leaders(leaders, question))
        keys = ("train", "test", "gap")
        drawable = [r for r in shown if all(math.isfinite(r[key]) for key in keys)]  # type: ignore[literal-required]
        if not rows:
            return None
        svg = drawable and gap_svg(
            drawable, question, f"gap-{suffix}", view.where(analysis, group)
        )
        return Panel("", svg, view.gap_rows(rows), {"question": question})

    return view.matrix(analysis, make)


def _heat(analysis: Analysis) -> list[dict[str, Any]]:
    blocks = [
        {"question": question, "maps": view.heat_maps(analysis, question)}
        for question in analysis["questions"]
    ]
    return [block for block in blocks if block["maps"]]


def _ranks(analysis: Analysis) -> dict[str, Any]:
    from skoverfit.bench._rank_figure import MAX_METHODS, rank_svg

    questions = {question["id"]: question for question in analysis["questions"]}
    panels, reasons = [], []
    for number, ranks in enumerate(analysis["ranks"]):
        question = questions.get(ranks["question"])
        if question is None:
            continue
        if ranks["reason"] or ranks["critical_difference"] is None:
            reason = ranks["reason"] or "There is no critical difference to draw."
            reasons.append((question["label"], reason))
        elif ranks["methods"]:
            svg = rank_svg(ranks, question, f"rank-{number}")
            left_out = max(0, len(ranks["methods"]) - MAX_METHODS)
            extra = {"ranks": ranks, "left_out": left_out}
            panels.append(Panel(question["label"], svg, extra=extra))
    # One sentence where the reason is the same for all questions.
    if len({reason for _, reason in reasons}) == 1 and not panels:
        reasons = [("", reasons[0][1])]
    return {"panels": panels, "reasons": reasons}


def _reliability(analysis: Analysis) -> dict[str, list[Panel]]:
    from skoverfit.bench._figures import reliability_svg

    places = list(
        dict.fromkeys((row["group"], row["table"]) for row in analysis["reliability"])
    )
    # The first table of each scenario at once, the others folded away; of a single
    # table every estimator.
    seen: set[str] = set()
    first: list[Panel] = []
    more: list[Panel] = []
    for number, (group, table) in enumerate(places):
        names = view.reliability_estimators(analysis, group, table)
        for i, estimator in enumerate(names if len(places) == 1 else names[:1]):
            panels = more if group in seen and len(places) > 1 else first
            if len(panels) >= _MAX_RELIABILITY_FIGURES:
                continue
            curves = view.reliability_choice(analysis, group, table, estimator)
            place = f", {table}{view.where(analysis, group)}"
            numbers = analysis.get("task") == "regression"
            prefix = f"rel-{number}-{i}"
            svg = reliability_svg(curves, prefix, place, numbers=numbers)
            several = len(analysis["groups"]) > 1
            extra = {"group": group if several else "", "estimator": estimator}
            title = table
            if len(places) == 1:  # the only table needs no name, the estimator does
                title, extra["estimator"] = estimator, ""
            panels.append(Panel(title, svg, extra=extra))
        seen.add(group)
    return {"first": first, "more": more}


def _cost_rows(rows: Sequence[Cost]) -> list[dict[str, Any]]:
    result = []
    for row in rows:
        value, span = fmt.with_interval(
            row["difference"], row["lower"], row["upper"], sign=True
        )
        memory = row["peak_memory_mb"]
        texts = {
            "seconds": fmt.seconds(row["fit_seconds"]),
            "spread": f"{fmt.seconds(row['fit_seconds_lower'])} to "
            f"{fmt.seconds(row['fit_seconds_upper'])}",
            "ratio": fmt.ratio(row["time_ratio"]),
            "memory": "not known" if memory is None else f"{memory:.0f} MB",
        }
        result.append({**row, **texts, "value": value, "interval": span})
    return result


def _costs(analysis: Analysis) -> list[Block]:
    from skoverfit.bench._figures import cost_svg

    def make(question: Question, group: str, suffix: str) -> Panel | None:
        rows = view.of(analysis["costs"], question, group)
        if not rows:
            return None
        best = view.best_estimator(analysis, question, [group])
        names = {row["estimator"] for row in rows}
        best = best if best in names else rows[0]["estimator"]
        drawable = [
            row
            for row in rows
            if row["estimator"] == best
            and math.isfinite(row["difference"])
            and math.isfinite(row["time_ratio"])
            and row["time_ratio"] > 0
            and row["remedy"] != question["baseline"]
        ]
        ropes = [
            row["rope"]
            for row in view.of(analysis["comparisons"], question, group)
            if row["estimator"] == best and math.isfinite(row["rope"])
        ]
        place = view.where(analysis, group)
        svg = drawable and cost_svg(
            drawable, question, max(ropes, default=0.0), f"cost-{suffix}", place
        )
        return Panel("", svg, _cost_rows(rows), {"estimator": best})

    return view.matrix(analysis, make)


def _tables(analysis: Analysis) -> list[dict[str, Any]]:
    labels = {question["id"]: question["label"] for question in analysis["questions"]}
    result = []
    for table in analysis["tables"]:
        total = sum(table["classes"].values()) or 1
        classes = [
            {"name": name, "n": fmt.count(n), "share": fmt.percent(n / total)}
            for name, n in table["classes"].items()
        ]
        dummy = [
            {"label": labels.get(key, key), "value": fmt.number(value)}
            for key, value in table["dummy"].items()
        ]
        numbers = {k: fmt.number(v) for k, v in table.get("numbers", {}).items()}
        size = {"rows": fmt.count(table["n_rows"])}
        size["columns"] = fmt.count(table["n_columns"])
        result.append(
            {**table, **size, "classes": classes, "dummy": dummy, "numbers": numbers}
        )
    return result
