# SPDX-License-Identifier: BSD-3-Clause
"""The rows to look at as one HTML page, and as a table to write decisions into."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core import _format as fmt
from skoverfit._core._html import template_environment
from skoverfit._core._png import png_address, to_bytes
from skoverfit._core._resampling._strategy import plain
from skoverfit.inspection._found_issues import FoundIssues
from skoverfit.inspection._measured import Measured
from skoverfit.inspection._review_rows import Near, Review, scaled

__all__ = ["Rows", "render_csv", "render_page"]

_MOST_CLASSES, _MOST_PAIRS = 5, 8
# Columns that are shown at once, and those that unfold.
_FIRST_COLUMNS, _MOST_COLUMNS = 8, 60


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The table as it is to be shown: measured columns, or pictures."""

    table: Measured | None
    pictures: np.ndarray | None
    index: Any

    def name(self, row: int) -> str:
        """Return what a person calls the row, where that is not its number."""
        return "" if self.index is None else str(self.index[row])


def render_page(
    found: FoundIssues, rows: Rows, worst: Review, title: str, beyond: Any = None
) -> str:
    """Return the page; the same findings give the same text, byte for byte."""
    template = template_environment("skoverfit.inspection").get_template(
        "label_review.html.j2"
    )
    pictures = None if rows.pictures is None else to_bytes(rows.pictures)
    size = None if rows.table is None else scaled(rows.table)
    cards = [
        _card(i, found, rows, worst, pictures, size) for i in range(len(worst.rows))
    ]
    for key in ("row", "given_code", "suggested_code"):
        _place(cards, key)
    page = template.render(
        title=title,
        n=len(found.codes),
        n_suspects=int(found.mask.sum()),
        n_unjudged=0 if found.quality is None else int(np.isnan(found.quality).sum()),
        source=found.name,
        beyond=None if beyond is None else _beyond(beyond),
        cards=cards,
        pairs=_pairs(found),
        classes=_classes(found),
        fmt=fmt,
    )
    return page.rstrip() + "\n"


def _place(cards: list[dict[str, Any]], key: str) -> None:
    """Give each card its place by a key; equal ones stay in the order of suspicion."""
    order = sorted(range(len(cards)), key=lambda i: cards[i][key])
    for place, i in enumerate(order):
        cards[i][f"by_{key}"] = place


def _card(
    i: int,
    found: FoundIssues,
    rows: Rows,
    worst: Review,
    pictures: np.ndarray | None,
    size: np.ndarray | None,
) -> dict[str, Any]:
    row, given = int(worst.rows[i]), int(found.codes[worst.rows[i]])
    suggested = int(worst.suggested[i])
    quality = np.nan if found.quality is None else float(found.quality[row])
    sides = [("suggested", worst.of_suggested[i]), ("given", worst.of_given[i])]
    shown = [
        {"side": side, "row": int(r), "name": rows.name(int(r)), "distance": d}
        for side, near in sides
        for r, d in zip(near.rows, near.distances.tolist(), strict=True)
    ]
    card = {
        "row": row,
        "name": rows.name(row),
        "suspect": bool(found.mask[row]),
        "given": plain(found.classes[given]),
        "given_code": given,
        "suggested": plain(found.classes[suggested]) if suggested >= 0 else None,
        "suggested_code": suggested,
        "quality": fmt.number(quality, 2) if np.isfinite(quality) else "not judged",
        "bars": _bars(found, row, given, suggested),
        "near": shown,
        "columns": [],
        "more": [],
        "left_out": 0,
    }
    if pictures is not None:
        card["picture"] = png_address(pictures[row])
        for one in shown:
            one["picture"] = png_address(pictures[one["row"]])
    elif rows.table is not None and size is not None:
        order = _telling(rows.table, size, row, sides)
        lines = [
            {
                "name": rows.table.names[j],
                "cells": [
                    _cell(rows.table, j, r) for r in (row, *(s["row"] for s in shown))
                ],
            }
            for j in order[:_MOST_COLUMNS]
        ]
        card["columns"], card["more"] = lines[:_FIRST_COLUMNS], lines[_FIRST_COLUMNS:]
        card["left_out"] = max(0, len(order) - _MOST_COLUMNS)
    return card


def _bars(
    found: FoundIssues, row: int, given: int, suggested: int
) -> list[dict[str, Any]]:
    if found.proba is None:
        return []
    p = found.proba[row]
    shown = list(np.argsort(-p, kind="stable")[:_MOST_CLASSES])
    shown += [k for k in (given, suggested) if k >= 0 and k not in shown]
    return [
        {
            "label": plain(found.classes[k]),
            "value": fmt.percent(float(p[k])),
            "width": f"{100 * float(p[k]):.1f}",
            "role": "given" if k == given else "suggested" if k == suggested else "",
        }
        for k in shown
    ]


def _telling(
    table: Measured, size: np.ndarray, row: int, sides: list[tuple[str, Near]]
) -> list[int]:
    """Order the columns: first those that part the row from its class, to the other."""

    def apart(j: int, near: Near) -> float:
        kind, place = table.where[j]
        if not len(near.rows):
            return 0.0
        if kind == "numeric":
            gaps = np.abs(size[row, place] - size[near.rows, place])
            return float(np.nan_to_num(gaps, nan=0.0).mean())
        return float((table.codes[row, place] != table.codes[near.rows, place]).mean())

    (_, other), (_, own) = sides
    speaks = [apart(j, own) - apart(j, other) for j in range(len(table.names))]
    return sorted(range(len(speaks)), key=lambda j: -speaks[j])


def _cell(table: Measured, j: int, row: int) -> str:
    kind, place = table.where[j]
    if kind == "numeric":
        value = table.numeric[row, place]
        return "–" if np.isnan(value) else f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
    code = int(table.codes[row, place])
    return "–" if code == 0 else str(table.levels[place][code - 1])


def _beyond(excess: Any) -> dict[str, Any]:
    """Return what the page says of labels without errors."""
    part = excess.flagged
    rest, low, high = (
        f"{value:.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
        for value in (part.excess, *part.interval)
    )
    return {
        "expected": f"{part.expected:.1%}".replace("%", " %"),
        "rest": rest,
        "low": low,
        "high": high,
        "sure": part.interval[0] > 0,
        "level": f"{excess.confidence:.0%}".replace("%", " %"),
    }


def _pairs(found: FoundIssues) -> list[dict[str, Any]]:
    """Return which labels the suspects have, and what they are taken for."""
    if found.predicted is None:
        return []
    suspects = np.flatnonzero(found.mask & (found.predicted != found.codes))
    counted = Counter(
        zip(found.codes[suspects], found.predicted[suspects], strict=True)
    )
    return [
        {"given": plain(found.classes[a]), "other": plain(found.classes[b]), "n": n}
        for (a, b), n in counted.most_common(_MOST_PAIRS)
        if b >= 0
    ]


def _classes(found: FoundIssues) -> list[dict[str, Any]]:
    counts = np.bincount(found.codes, minlength=len(found.classes))
    hits = np.bincount(found.codes[found.mask], minlength=len(found.classes))
    order = np.argsort(-hits / np.maximum(counts, 1), kind="stable")
    return [
        {
            "label": plain(found.classes[k]),
            "n": fmt.count(int(counts[k])),
            "hits": fmt.count(int(hits[k])),
            "share": _counted(int(hits[k]), int(counts[k])),
        }
        for k in order
        if counts[k]
    ]


def render_csv(found: FoundIssues, rows: Rows, worst: Review) -> str:
    """Return the rows as text, with an empty column for what a person decides."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    named = rows.index is not None
    writer.writerow(
        ["row", *(["index"] if named else []), "given_label", "suggested_label",
         "is_label_issue", "label_quality", "p_given", "p_suggested", "new_label"]
    )  # fmt: skip
    for row, suggested in zip(
        worst.rows.tolist(), worst.suggested.tolist(), strict=True
    ):
        given = int(found.codes[row])
        quality = np.nan if found.quality is None else found.quality[row]
        p = [
            "" if found.proba is None or k < 0 else f"{found.proba[row, k]:.6g}"
            for k in (given, suggested)
        ]
        writer.writerow(
            [row, *([rows.name(row)] if named else []), plain(found.classes[given]),
             "" if suggested < 0 else plain(found.classes[suggested]),
             bool(found.mask[row]), "" if np.isnan(quality) else f"{quality:.6g}", *p,
             ""]
        )  # fmt: skip
    return stream.getvalue()


def _counted(hits: int, n: int) -> str:
    """Return a share that was counted: none and all are certain, no estimates."""
    if hits in (0, n):
        return "0 %" if hits == 0 else "100 %"
    return fmt.percent(hits / n)
