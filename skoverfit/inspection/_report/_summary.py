# SPDX-License-Identifier: BSD-3-Clause
"""What the report says in words: one sentence a verdict, then what supports it."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from skoverfit._core import _format as fmt
from skoverfit._core._html import clean_text, shorten

__all__ = ["NEXT_STEPS", "SENTENCES", "estimator_name", "summary_text", "supporting"]

SENTENCES = {
    "leaky": "Don't trust these scores yet: something leaks between training and test.",
    "shifted": "The new rows are not like those that the model learns from.",
    "no_signal": "No signal: the model does no better than on shuffled targets.",
    "label_noise_limited": "Wrong labels limit this model.",
    "harmful_overfitting": (
        "Harmful overfitting: it loses on new rows what a simpler or recalibrated "
        "model keeps."
    ),
    "underfitting": "Underfitting: a more flexible setting does better on new rows.",
    "data_limited": "More rows would help: the learning curve still rises.",
    "benign_gap": (
        "A benign gap: it does better on its training rows, but nothing that was "
        "tried does better on new ones."
    ),
    "healthy": "Healthy: nothing was found that would do better on new rows.",
}
NEXT_STEPS = {
    "leaky": (
        "Mend the data or the folds first, then run this again. No change of the model "
        "treats a leak, and every other number here is too good."
    ),
    "shifted": (
        "Scores on these rows say little about the new ones. Collect labels for rows "
        "like the new ones, and weight or choose the training rows by them."
    ),
    "no_signal": (
        "Look for other columns or other rows, or a target that they can tell. Tuning "
        "chooses among noise."
    ),
    "label_noise_limited": "Look at the rows listed below and mend their labels.",
    "harmful_overfitting": "Make the model simpler, or recalibrate it.",
    "underfitting": "Make the model more flexible.",
    "data_limited": "Collect more rows; the curve below tells what to expect.",
    "benign_gap": "Leave the model as it is. A smaller gap is no aim of its own.",
    "healthy": "Leave the model as it is.",
}
_WIDTH = 88


def estimator_name(estimator: Any) -> str:
    """Return the class, of a pipeline that of its last step."""
    steps = getattr(estimator, "steps", None)
    if steps:
        return f"{type(steps[-1][1]).__name__} in a pipeline"
    return type(estimator).__name__


def supporting(report: Any) -> list[Any]:
    """Return the confirmed findings that ask for the verdict, the strongest first."""
    return [f for f in report.findings_ if f.confirmed and f.verdict == report.verdict_]


def size_line(report: Any) -> str:
    """Return what was examined and how much work that was."""
    rows = f"{fmt.count(report.n_samples_)} rows"
    if report.n_samples_seen_ > report.n_samples_:
        rows = f"{fmt.count(report.n_samples_)} of "
        rows += f"{fmt.count(report.n_samples_seen_)} rows"
    return (
        f"{rows}, {fmt.count(report.n_features_in_)} columns; "
        f"{fmt.count(report.n_fits_)} fits in {fmt.seconds(report._seconds)}"
    )


def summary_text(report: Any) -> str:
    """Return the first screen as text."""
    verdict = report.verdict_
    lines = [
        f"{estimator_name(report.estimator)}: {size_line(report)}",
        f"Verdict: {verdict.replace('_', ' ')}",
        *_paragraph(SENTENCES[verdict]),
        *_paragraph(NEXT_STEPS[verdict]),
    ]
    reasons = supporting(report)
    others = [f for f in report.findings_ if f.confirmed and f not in reasons]
    for headline, part in (("Why", reasons), ("Also found", others)):
        if part:
            lines += ["", f"{headline}:"]
            for finding in part:
                lines += _item(finding)
    names = report.recommend()
    if names:
        lines += ["", "Remedies to try: " + ", ".join(names)]
    skipped = [s for s in report.sections_.values() if not s.was_run]
    if skipped:
        lines += ["", "Not run:"]
        for section in skipped:
            lines += _bullet(f"{section.title}: {section.reason}.")
    return "\n".join(lines)


def _paragraph(text: str) -> list[str]:
    return fill(text, _WIDTH).split("\n")


def _bullet(text: str) -> list[str]:
    return fill(
        shorten(text, 500), _WIDTH, initial_indent="- ", subsequent_indent="  "
    ).split("\n")


def _item(finding: Any) -> list[str]:
    text = clean_text(finding.message)
    if finding.advice:
        text += f" {clean_text(finding.advice)}"
    return _bullet(f"{finding.severity}: {text}")
