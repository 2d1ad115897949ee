# SPDX-License-Identifier: BSD-3-Clause
"""From findings to one verdict."""

from __future__ import annotations

from collections.abc import Iterable

from scipy.stats import false_discovery_control

from skoverfit.inspection._report._types import VERDICTS, Finding

__all__ = ["grade", "verdict_of"]


def grade(findings: Iterable[Finding], alpha: float) -> list[Finding]:
    """Correct the p-values for all tests together, set severities, and sort.

    Benjamini & Hochberg (1995) over all findings that have a p-value, whether their
    own rule is met or not.
    """
    found = list(findings)
    tested = [finding for finding in found if finding.p_value is not None]
    if tested:
        adjusted = false_discovery_control([f.p_value for f in tested], method="bh")
        for finding, p in zip(tested, adjusted, strict=True):
            finding.p_adjusted = float(p)
    for finding in found:
        stands = finding.p_adjusted is None or finding.p_adjusted <= alpha
        finding.severity = _severity(finding) if finding.decisive and stands else "none"
    order = {name: place for place, name in enumerate(VERDICTS)}
    return sorted(
        found,
        key=lambda f: (
            not f.confirmed,
            order.get(f.verdict, len(order)),
            -f.size,
            f.name,
        ),
    )


def _severity(finding: Finding) -> str:
    if finding.size >= 10:
        return "severe"
    return "moderate" if finding.size >= 3 else "mild"


def verdict_of(findings: Iterable[Finding]) -> str:
    """Return the first of `VERDICTS` that a confirmed finding asks for."""
    asked = {finding.verdict for finding in findings if finding.confirmed}
    return next((name for name in VERDICTS if name in asked), "healthy")
