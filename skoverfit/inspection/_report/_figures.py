# SPDX-License-Identifier: BSD-3-Clause
"""What draws each section on the page: its Display, or a few lines here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from skoverfit._core import _format as fmt
from skoverfit._core._html import shorten
from skoverfit._core._palette import COLOURS, MARKERS, MUTED
from skoverfit.inspection._complexity_probe_display import ComplexityProbeDisplay
from skoverfit.inspection._leakage_display import LeakageDisplay
from skoverfit.inspection._learning_curve_extrapolation_display import (
    LearningCurveExtrapolationDisplay,
)
from skoverfit.inspection._memorization_display import MemorizationDisplay
from skoverfit.inspection._reliability_display import ReliabilityDisplay
from skoverfit.inspection._report_displays import dress
from skoverfit.inspection._train_test_gap_display import TrainTestGapDisplay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FIGURES"]

Draw = Callable[[Any, "Axes"], str]
_MOST_BARS = 12


def _display(cls: Any, sentence: str) -> Draw:
    def draw(report: Any, ax: Axes) -> str:
        display = cls._of(report.sections_[cls._section].data, "")
        # The page says beside the picture what they say above it.
        display.title, display.notes = "", ()
        display.plot(ax=ax)
        return sentence

    return draw


def _shuffles(report: Any, ax: Axes) -> str:
    data = report.sections_["permutation"].data
    scores = np.sort(data["shuffled_signals"])
    height = np.arange(len(scores)) / max(len(scores) - 1, 1)
    ax.plot(
        scores, height, linestyle="", marker=MARKERS[0], color=MUTED, markersize=4,
        label="target shuffled",
    )  # fmt: skip
    best = max(data["signal"], data["reference_signal"])
    for value, name, colour, line in (
        (data["signal"], "this model", COLOURS[1], "-"),
        (data["reference_signal"], "linear model", COLOURS[2], "--"),
    ):
        if np.isfinite(value):
            ax.axvline(value, color=colour, linestyle=line, label=name)
    ax.set_xlabel(f"{data['signal_name']} on new rows")
    ax.set_yticks([])
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=3)
    dress(ax, "x")
    ax.spines["left"].set_visible(False)
    return (
        f"The signal, {fmt.number(best)}, beside {len(scores)} shuffles of the target, "
        f"{fmt.number(scores[0])} to {fmt.number(scores[-1])}."
    )


def _recalls(report: Any, ax: Axes) -> str:
    data = report.sections_["imbalance"].data
    recall = np.asarray(data["recall"])
    order = np.argsort(data["counts"], kind="stable")[:_MOST_BARS][::-1]
    at = np.arange(len(order))
    low, high = (np.asarray(data[f"recall_{end}"]) for end in ("lower", "upper"))
    ax.hlines(at, low[order], high[order], color=COLOURS[1], linewidth=2)
    ax.plot(
        recall[order], at, linestyle="", marker=MARKERS[0], color=COLOURS[1],
        markersize=6,
    )  # fmt: skip
    names = [
        f"{shorten(data['classes'][i], 18)} ({fmt.count(int(data['counts'][i]))})"
        for i in order
    ]
    ax.set_yticks(at, names)
    ax.set_ylim(-0.7, len(order) - 0.3)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel("recall on new rows, by class (rows)")
    dress(ax, "x")
    worst = int(order[np.argmin(recall[order])])
    return (
        f"Recall of each class with its interval; the lowest is "
        f"{fmt.number(recall[worst])} of {shorten(data['classes'][worst], 30)}."
    )


def _shifts(report: Any, ax: Axes) -> str:
    data = report.sections_["shift"].data
    distances = np.asarray(data["distances"], dtype=float)
    if not len(distances):
        return ""
    order = np.argsort(-distances, kind="stable")[:_MOST_BARS][::-1]
    surely = np.asarray(data["p_adjusted"])[order] <= 1 - report.confidence
    at = np.arange(len(order))
    for there, colour, label in (
        (surely, COLOURS[2], "moved beyond chance"),
        (~surely, MUTED, "not beyond chance"),
    ):
        if there.any():
            ax.barh(at[there], distances[order][there], color=colour, label=label)
    ax.set_yticks(at, [shorten(data["columns"][i], 20) for i in order])
    ax.set_xlabel("distance of the two distributions (0 to 1)")
    ax.legend(loc="lower right")
    dress(ax, "x")
    first = int(order[-1])
    return (
        f"How far each column has moved; most: {shorten(data['columns'][first], 40)}, "
        f"{fmt.number(distances[first])}."
    )


def _leaks(report: Any, ax: Axes) -> str:
    display = LeakageDisplay._of(report.sections_["leakage"].data, "")
    display.title, display.notes = "", ()
    named = any(
        finding.confirmed and finding.name == "target_leak"
        for finding in report.findings_
    )
    if display.effects and not (named and display.columns):
        display.plot(ax=ax)
        return "What copies, groups or time add to the score, with intervals."
    if not display.columns:
        return ""
    display._draw_columns(ax)
    ax.set_title("")
    name, share = display.columns[0]
    return (
        f"What single columns explain of the target; most: {shorten(name, 40)}, "
        f"{share:.0%}."
    )


def _curve(report: Any, ax: Axes) -> str:
    sentence = "Score against the number of training rows, and how it should go on."
    _display(LearningCurveExtrapolationDisplay, sentence)(report, ax)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return sentence


def _reliability(report: Any, ax: Axes) -> str:
    data = report.sections_["calibration"].data
    if data["kind"] == "regression":
        return ""
    sentence = "How often forecasts come true"
    if "slope" in data:
        sentence += f"; their calibration slope is {fmt.number(data['slope'][0])}"
    return _display(ReliabilityDisplay, f"{sentence}.")(report, ax)


def _probe(report: Any, ax: Axes) -> str:
    data = report.sections_["complexity"].data
    best = int(np.argmax(data["difference"]))
    return _display(
        ComplexityProbeDisplay,
        f"What simpler and more complex settings gain on new rows; most: "
        f"{shorten(data['labels'][best], 40)}, {fmt.number(data['difference'][best])}.",
    )(report, ax)


def _memorized(report: Any, ax: Axes) -> str:
    data = report.sections_["memorization"].data
    if "outcomes" not in data:
        return ""
    display = MemorizationDisplay(np.asarray(data["memorization"]))
    display.plot(ax=ax)
    high = float(np.mean(display.memorization > 0.25))
    return f"Share of rows by their memorization; {high:.0%} are memorized."


# Each draws on axes and returns what the picture shows, as a sentence; "" for none.
FIGURES: dict[str, Draw] = {
    "gap": _display(
        TrainTestGapDisplay, "Scores of every fit on its training rows and on new rows."
    ),
    "learning_curve": _curve,
    "permutation": _shuffles,
    "leakage": _leaks,
    "imbalance": _recalls,
    "shift": _shifts,
    "calibration": _reliability,
    "complexity": _probe,
    "memorization": _memorized,
}
