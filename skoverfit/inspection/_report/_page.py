# SPDX-License-Identifier: BSD-3-Clause
"""The report as one HTML page, in the frame that all pages share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from skoverfit._core import _format as fmt
from skoverfit._core._html import template_environment
from skoverfit.catalogue import get_remedy
from skoverfit.inspection._report._summary import (
    NEXT_STEPS,
    SENTENCES,
    estimator_name,
    size_line,
    supporting,
)
from skoverfit.inspection._report._types import HARMLESS

__all__ = ["render_page"]

_SYMBOLS = {"severe": "▲▲", "moderate": "▲", "mild": "△", "none": "–"}


def render_page(report: Any, title: str = "") -> str:
    """Return the page; the same report gives the same text, byte for byte."""
    template = template_environment("skoverfit.inspection").get_template(
        "overfitting.html.j2"
    )
    reasons = supporting(report)
    sections = [_section(report, s) for s in report.sections_.values()]
    page = template.render(
        r=report,
        title=title or estimator_name(report.estimator),
        verdict=report.verdict_.replace("_", " "),
        good=report.verdict_ in HARMLESS,
        sentence=SENTENCES[report.verdict_],
        next_step=NEXT_STEPS[report.verdict_],
        reasons=[_row(f) for f in reasons],
        others=[_row(f) for f in report.findings_ if f.confirmed and f not in reasons],
        unconfirmed=[_row(f) for f in report.findings_ if not f.confirmed],
        remedies=[_remedy(name) for name in report.recommend()],
        size=size_line(report),
        sections=sections,
        scores=[row for s in sections if s["name"] == "gap" for row in s["rows"]],
        not_run=[s["title"].lower() for s in sections if not s["was_run"]],
        percent=f"{report.confidence:.0%}".replace("%", " %"),
        estimator=repr(report.estimator),
        fmt=fmt,
    )
    return page.rstrip() + "\n"


def _row(finding: Any) -> dict[str, Any]:
    bad = finding.confirmed and finding.verdict not in HARMLESS
    words = finding.severity if bad else "no harm by itself"
    if not finding.confirmed:
        words = "nothing found"
    return {
        **finding,
        "pill": {
            "symbol": _SYMBOLS[finding.severity] if bad else "–",
            "words": words,
            "css": "bad" if bad else "calm",
        },
        "value": fmt.number(finding.effect),
        "interval": _interval(finding.lower, finding.upper),
        "p": "" if finding.p_adjusted is None else fmt.p_value(finding.p_adjusted),
    }


def _interval(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else fmt.interval(lower, upper)


def _remedy(name: str) -> dict[str, str]:
    remedy = get_remedy(name)
    return {"name": name, "title": remedy.title, "paper": remedy.paper}


def _section(report: Any, section: Any) -> dict[str, Any]:
    rows = []
    for estimate in section.estimates.values():
        value = fmt.number(estimate.value)
        span = _interval(estimate.lower, estimate.upper)
        if span and math.isfinite(estimate.value):
            value, span = fmt.with_interval(
                estimate.value, estimate.lower, estimate.upper
            )
        rows.append(
            {
                "label": estimate.label,
                "unit": estimate.unit,
                "value": value,
                "interval": span,
            }
        )
    return {
        **section,
        "rows": rows,
        "svg": _figure(report, section) if section.was_run else "",
        "findings": [_row(f) for f in report.findings_ if f.section == section.name],
    }


def _figure(report: Any, section: Any) -> Any:
    """Draw the Display of the section, in the colours of the page."""
    # Here, since matplotlib is loaded for pictures only.
    from skoverfit.inspection._report._figures import FIGURES
    from skoverfit.inspection._svg import drawing_style, inline_svg, new_figure

    draw: Callable[..., str] | None = FIGURES.get(section.name)
    if draw is None:
        return ""
    with drawing_style():
        figure = new_figure(4.4, 3.1)
        label = draw(report, figure.add_subplot())
        if not label:
            return ""
        figure.set_layout_engine("constrained")
        return inline_svg(
            figure, f"s-{section.name.replace('_', '-')}", label, palette=True
        )
