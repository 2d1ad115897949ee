# SPDX-License-Identifier: BSD-3-Clause
"""What a section of the report says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "HARMLESS",
    "SEVERITIES",
    "VERDICTS",
    "Estimate",
    "Finding",
    "NotRun",
    "Section",
]

# In the order in which they are looked at: the first that a confirmed finding asks for
# is the verdict.
VERDICTS = (
    "leaky",
    "shifted",
    "no_signal",
    "label_noise_limited",
    "harmful_overfitting",
    "underfitting",
    "data_limited",
    "benign_gap",
    "healthy",
)
# Nothing is wrong with such a model.
HARMLESS = ("healthy", "benign_gap")
SEVERITIES = ("none", "mild", "moderate", "severe")


class NotRun(Exception):
    """A section can't be run; the text says why, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value : float
        The effect.
    lower, upper : float or None
        Ends of its interval at the report's confidence; None where there is none.
    label : str
        What it is, for a table.
    unit : str, default=""
        For example "rows" or "log-loss".
    """

    value: float
    label: str
    lower: float | None = None
    upper: float | None = None
    unit: str = ""


@dataclass(kw_only=True)
class Finding:
    """Something that a section found, or looked for and didn't find.

    Attributes
    ----------
    name : str
        Unique in the report, ``"duplicates"`` for example.
    verdict : str
        Which of `VERDICTS` it asks for, "" if none.
    effect : float
        Size; more is worse, whatever the section measures.
    lower, upper : float or None
        Ends of its interval.
    p_value : float or None
        Of "there is nothing", before the correction for all tests of the report; None
        where `decisive` alone decides (what was counted, not estimated).
    decisive : bool
        Whether the section's own rule is met, apart from the p-value.
    message : str
        A sentence for a person, with the numbers.
    remedies : tuple of str
        Names in the catalogue that treat it.
    advice : str
        What to do if that is not a remedy (split by groups, drop a column).
    size : float
        Effect divided by the smallest that matters in practice (1 = just so): at 3 a
        confirmed finding is moderate, at 10 severe.
    p_adjusted : float or None
        Set by the report (Benjamini-Hochberg).
    severity : str
        Set by the report: one of `SEVERITIES`; "none" where it isn't confirmed.
    """

    name: str
    verdict: str
    effect: float
    message: str
    decisive: bool
    p_value: float | None = None
    lower: float | None = None
    upper: float | None = None
    size: float = 1.0
    remedies: tuple[str, ...] = ()
    advice: str = ""
    section: str = ""
    p_adjusted: float | None = None
    severity: str = "none"

    @property
    def confirmed(self) -> bool:
        """Whether it stood the correction for all tests."""
        return self.severity != "none"


@dataclass(kw_only=True)
class Section:
    """One section: estimates, findings, how they were made and what they can't see.

    Attributes
    ----------
    name : str
        ``"gap"`` for example.
    title : str
        Headline.
    method : str
        The estimators and the number of fits they rest on.
    blind_spot : str
        What this section can't see.
    estimates : dict of str to Estimate
        In the order in which they are shown.
    findings : list of Finding
        May be empty.
    data : dict
        What the Display of the section draws: arrays, numbers, texts.
    notes : list of str
        Remarks, as sentences.
    reason : str
        Why it was not run; "" if it was.
    n_fits : int
        Fits of the estimator that it made itself.
    seconds : float
        Wall-clock time.
    """

    name: str
    title: str
    method: str = ""
    blind_spot: str = ""
    estimates: dict[str, Estimate] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reason: str = ""
    n_fits: int = 0
    seconds: float = 0.0

    @property
    def was_run(self) -> bool:
        """Whether the section has results."""
        return not self.reason
