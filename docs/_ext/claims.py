# SPDX-License-Identifier: BSD-3-Clause
"""Write the page of claims from the figures in ``benchmarks/results/claims``."""

import json
import re
from pathlib import Path

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def write_claims(results: Path, page: Path) -> None:
    """Write the page; an untouched one is not read again by an incremental build."""
    found = [json.loads(path.read_text("utf-8")) for path in results.glob("*.json")]
    # Papers first, promises of ours last, each by name.
    found.sort(key=lambda claim: (claim["own"], claim["name"]))
    text = "\n".join(_page(found)) + "\n"
    if not page.exists() or page.read_text("utf-8") != text:
        page.write_text(text, "utf-8")


def _page(found: list[dict]) -> list[str]:
    counts = {
        verdict: sum(claim["verdict"] == verdict for claim in found)
        for verdict in ("reproduced", "partly reproduced", "not reproduced")
    }
    told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return [
        "Claims", "======", "",
        f"What papers claim, run again by us: {told}. Each is a file in",
        "``benchmarks/claims``; ``skoverfit claims`` runs them in a checkout, and",
        "``skoverfit claims NAME`` one of them. The bounds were fixed before the full",
        "runs, the intervals are 95 % over seeds, and a claim that fails is published",
        "as failed. A small experiment can fail where the large one of the",
        "paper does not, and the other way round.", "",
        ".. list-table::", "   :header-rows: 1", "   :widths: 22 50 28", "",
        "   * - Name", "     - Claim", "     - Verdict",
        *(line for claim in found for line in _row(claim)), "",
        *(line for claim in found for line in _section(claim)),
    ]  # fmt: skip


def _escape(text: str) -> str:
    return re.sub(r"([\\*`|_])", r"\\\1", " ".join(text.split()))


def _row(claim: dict) -> list[str]:
    judged = [f["verdict"] for f in claim["findings"] if f["verdict"] != "told"]
    held = sum(verdict == "reproduced" for verdict in judged)
    return [
        f"   * - :ref:`{claim['name']} <claim-{claim['name']}>`",
        f"     - {_escape(claim['published'])}",
        f"     - **{claim['verdict']}**, {held} of {len(judged)} findings hold",
    ]


def _section(claim: dict) -> list[str]:
    title = claim["name"].replace("_", " ")
    paper = _ARXIV.sub(
        r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", _escape(claim["paper"])
    )
    partial = "" if claim["full"] else " **Not all seeds: no verdict yet.**"
    lines = [
        f".. _claim-{claim['name']}:", "",
        title, "-" * len(title), "",
        f"{paper}.", "",
        f"*Published:* {_escape(claim['published'])}", "",
        f"*Here:* {_escape(claim['here'])}", "",
        ".. list-table::", "   :header-rows: 1", "   :widths: 50 30 20", "",
        "   * - Finding", "     - Measured", "     - Verdict",
    ]  # fmt: skip
    for finding in claim["findings"]:
        lines += [
            f"   * - {_escape(finding['statement'])}",
            f"     - {_escape(finding['measured'])}",
            f"     - {finding['verdict']}",
        ]
    lines += ["", *(line for note in claim["notes"] for line in (_escape(note), ""))]
    commit = f"commit ``{claim['commit']}``, " if claim["commit"] else ""
    lines += [
        f"{claim['seeds']} seeds, {commit}{claim['when']}, "
        f"{claim['cpu_seconds']:.0f} s of one core.{partial}",
        "",
    ]
    return lines
