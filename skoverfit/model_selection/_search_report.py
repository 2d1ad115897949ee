# SPDX-License-Identifier: BSD-3-Clause
"""What a remedy search tried, and what of it is luck, in words and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["SearchReport"]

_WIDTH = 34


class SearchReport:
    """What was tried, who was dropped when, and what the winner is worth.

    Made by `RemedySearchCV.fit`.

    Parameters
    ----------
    summary_values : mapping
        Scores and intervals.
    rows : mapping of str to list
        ``cv_results_`` of the search.

    Attributes
    ----------
    summary_values : mapping
        Scores and intervals by name.
    rows : mapping of str to list
        One entry a candidate.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.model_selection import RemedySearchCV
    >>> X, y = make_classification(1500, weights=[0.95], random_state=0)
    >>> search = RemedySearchCV(
    ...     LogisticRegression(), ["class_weight"], random_state=0
    ... ).fit(X, y)
    >>> print(search.report_.summary().splitlines()[0])
    Keep 'class_weight' (class weights).
    """

    def __init__(
        self, summary_values: Mapping[str, Any], rows: Mapping[str, Sequence[Any]]
    ) -> None:
        self.summary_values = summary_values
        self.rows = rows

    def summary(self) -> str:
        """Return the result in words, followed by the table.

        Returns
        -------
        str
            Several lines.
        """
        return "\n".join([*self._verdict(), "", *self._numbers(), "", *self._table()])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.summary())}</pre>"

    def to_frame(self) -> Any:
        """Return a row for each candidate, those that finished first, the best on top.

        Returns
        -------
        pandas.DataFrame
            The columns of ``cv_results_``.
        """
        pandas = import_module("pandas")  # this room does without it otherwise
        frame = pandas.DataFrame(
            {name: list(values) for name, values in self.rows.items()}
        )
        return frame.iloc[self._order()].reset_index(drop=True)

    def _order(self) -> list[int]:
        rank = {"finished": 0, "dropped": 1, "late": 2, "failed": 3, "left out": 4}
        status, score = self.rows["status"], self.rows["score"]
        return sorted(
            range(len(status)),
            key=lambda k: (
                rank[status[k]],
                -score[k] if np.isfinite(score[k]) else np.inf,
                k,
            ),
        )

    def _verdict(self) -> list[str]:
        v = self.summary_values
        lower, upper = v["gain_interval"]
        if v["kept"] != "nothing":
            return [f"Keep {v['kept']!r} ({v['winner_title']})."]
        if v["winner"] == "nothing":
            return ["Change nothing: no remedy scores better."]
        return [
            f"Change nothing: {v['winner']!r} leads, but its gain may be 0 "
            f"({v['gain']:+.3f}, 95 % interval {lower:+.3f} to {upper:+.3f})."
        ]

    def _numbers(self) -> list[str]:
        v = self.summary_values
        lines = [
            f"{v['estimator']} on {v['n_rows']} rows, {v['score']}, "
            f"{v['n_folds']} folds, {v['strategy']}",
        ]
        if v["out_of_time"]:
            lines.append(
                f"the time was up: {v['n_folds']} of {v['n_parts']} folds were used"
            )
        lower, upper = v["corrected_interval"]
        name = {"tt": "Tibshirani", "nested": "nested"}.get(v["correction"], "BBC")
        lines += [
            f"{'nothing':<{_WIDTH}}{v['nothing_score']:8.3f}",
            f"{'best of all, naive':<{_WIDTH}}{v['naive_score']:8.3f}",
            f"{f'what is kept, corrected ({name})':<{_WIDTH}}{v['corrected']:8.3f}"
            f"   95 % interval {lower:.3f} to {upper:.3f}",
        ]
        if v["nested"] is not None and v["correction"] == "all":
            low, high = v["nested"]["interval"]
            lines.append(
                f"{'the search on outer folds (nested)':<{_WIDTH}}"
                f"{v['nested']['score']:8.3f}   95 % interval {low:.3f} to {high:.3f}"
            )
        if v["winner"] != "nothing":
            low, high = v["gain_interval"]
            lines += [
                f"{'lead of ' + repr(v['winner']):<{_WIDTH}}{v['naive_lead']:+8.3f}",
                f"{'  of it gain':<{_WIDTH}}{v['gain']:+8.3f}"
                f"   95 % interval {low:+.3f} to {high:+.3f}",
                f"{'  of it luck':<{_WIDTH}}{v['luck']:+8.3f}",
                f"P(better by more than {v['rope']:g}) = {v['p_gain']:.2f}, "
                f"P(no matter) = {v['p_equivalent']:.2f}, P(worse) = "
                f"{v['p_loss']:.2f} (over the folds, not corrected for the selection)",
            ]
        return lines

    def _table(self) -> list[str]:
        rows = self.rows
        lines = [
            f"{'remedy':<{_WIDTH}}{'score':>8}{'against nothing':>17}{'chosen':>8}"
        ]
        reasons: dict[str, list[str]] = {}
        for k in self._order():
            name, status = rows["name"][k], rows["status"][k]
            if status == "left out":
                reasons.setdefault(rows["reason"][k], []).append(name)
                continue
            score, difference = rows["score"][k], rows["difference"][k]
            line = f"{name:<{_WIDTH}}"
            line += f"{score:8.3f}" if np.isfinite(score) else " " * 8
            line += f"{difference:+17.3f}" if np.isfinite(difference) else " " * 17
            share = rows["selection_share"][k]
            line += f"{share:8.0%}" if np.isfinite(share) else " " * 8
            note = {
                "dropped": f"dropped after {rows['dropped_at'][k]}: ",
                "failed": "failed: ",
                "late": "",
            }.get(status)
            if note is not None:
                line += f"   {note}{rows['reason'][k]}"
            lines.append(line.rstrip())
        for reason, names in reasons.items():
            lines.append(f"left out, since {reason}: {', '.join(names)}")
        return lines
