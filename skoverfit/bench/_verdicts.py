# SPDX-License-Identifier: BSD-3-Clause
"""From comparisons to sentences: which remedy helps, or that none does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skoverfit._core._statistics import Comparison as Statistic
from skoverfit.bench._aggregate import (
    CONFIDENCE,
    Results,
    p_of_gain,
)
from skoverfit.bench._questions import GUESSES, Metric, metric_name
from skoverfit.bench._types import Clause, Verdict

__all__ = ["Judge", "outcome_of"]


def outcome_of(stat: Statistic, p_adjusted: float, *, better_than_dummy: bool) -> str:
    """Say what a comparison shows.

    A remedy *helps* if its gain survives Holm's correction over all comparisons of
    the question, is beyond the region of equivalence with 95 % probability, and leaves
    a model that is better than a guess: the class shares, or one number. Without the
    last condition, to shrink the forecasts of a model of pure noise would be help.
    """
    significant = p_adjusted < 1 - CONFIDENCE
    if significant and stat.p_gain >= CONFIDENCE and better_than_dummy:
        return "helps"
    if significant and stat.p_loss >= CONFIDENCE:
        return "harms"
    if stat.p_equivalent >= CONFIDENCE:
        return "equivalent"
    return "undecided"


def signed(value: float, digits: int = 3) -> str:
    """Write a difference with its sign, in plain digits.

    Examples
    --------
    >>> signed(0.0312), signed(-2.5e-9), signed(float("inf"))
    ('+0.031', '0.000', '+inf')
    """
    if not np.isfinite(value):
        return "+inf" if value > 0 else "-inf"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def interval(stat: Statistic) -> str:
    """Write a difference and its interval."""
    return f"{signed(stat.difference)} [{signed(stat.lower)}, {signed(stat.upper)}]"


def capitalized(text: str) -> str:
    """Begin a sentence; names inside keep their capitals.

    Examples
    --------
    >>> capitalized("class weights with SMOTE")
    'Class weights with SMOTE'
    """
    return text[:1].upper() + text[1:]


class Judge:
    """Draw the verdicts of a run.

    Parameters
    ----------
    results : Results
        The run's rows.
    titles : mapping of str to str
        What people read for the names of estimators and remedies.
    """

    def __init__(self, results: Results, titles: Mapping[str, str]) -> None:
        self.results = results
        self.titles = titles

    def title(self, name: str) -> str:
        """Return what people read for a name."""
        return self.titles.get(name, name)

    def better_than_dummy(
        self, metric: Metric, group: str, pair: tuple[str, str]
    ) -> bool:
        """Whether it beats a dummy that knows no feature (one-sided, 95 %)."""
        stat = self.results.against_dummy(metric, group, pair)
        return stat is not None and p_of_gain(stat) < 1 - CONFIDENCE

    def outcomes(self, metric: Metric, group: str) -> dict[tuple[str, str], Any]:
        """Return {(estimator, remedy): (statistic, outcome, tables)}."""
        found = {}
        for key, (stat, p, tables) in self.results.comparisons().items():
            if key.question == metric.id and key.group == group:
                pair = (key.estimator, key.remedy)
                outcome = outcome_of(
                    stat,
                    p,
                    better_than_dummy=self.better_than_dummy(metric, group, pair),
                )
                found[pair] = (stat, outcome, tables)
        return found

    def has_signal(self, metric: Metric, group: str) -> bool:
        """Whether any model beats the dummy, corrected for the many tried."""
        pairs = [(e, r) for g, e, r in self.results.pairs() if g == group]
        for pair in pairs:
            stat = self.results.against_dummy(metric, group, pair)
            if stat is not None and p_of_gain(stat) * len(pairs) < 1 - CONFIDENCE:
                return True
        return False

    def best_untreated(self, metric: Metric, group: str) -> str | None:
        """Return the estimator whose "nothing" scores best on the group's tables."""
        scores = {}
        for estimator in self.results.estimators:
            pair = (estimator, "nothing")
            stat, tables = self.results.level(metric, group, pair)
            if stat is not None and len(tables) == len(self.results.tables):
                scores[estimator] = stat.difference
        if not scores:
            return None
        return (max if metric.higher_is_better else min)(scores, key=scores.__getitem__)

    def clause(self, metric: Metric, group: str) -> Clause:
        """Judge one question in one scenario."""
        outcomes = self.outcomes(metric, group)
        if not outcomes:
            return {
                "group": group,
                "outcome": "too_little_data",
                "sentence": "Too few cells are finished to judge: it takes two folds; "
                "give more time or fewer estimators.",
                "details": [],
                "leads": False,
            }
        helping = {p: v for p, v in outcomes.items() if v[1] == "helps"}
        details = self._harms(metric, outcomes)
        if helping:
            outcome = "helps"
            sentence, context = self._helps(metric, group, helping)
            details = context + details
            if metric.id == "probability" and group in self.results.shifted_groups:
                details.append(
                    "Part of the gain is the change of class shares: training folds "
                    "are cut here, test folds keep the whole table's shares."
                )
        elif not self.has_signal(metric, group):
            outcome = "no_signal"
            sentence = (
                "No remedy helps here: no model, with or without one, is reliably "
                f"better than {GUESSES[self.results.task]}."
            )
        else:
            outcome, sentence = "none", self._none(metric, group, outcomes)
        return {
            "group": group,
            "outcome": outcome,
            "sentence": sentence,
            "details": details,
            "leads": bool(helping) and self._leads(metric, group, helping),
        }

    def _leads(self, metric: Metric, group: str, helping: dict) -> bool:
        """Whether a helped model is ahead of the best untreated one.

        Help for a weak model is of little use where a better one needs none.
        """
        plain = self.best_untreated(metric, group)
        if plain is None or any(estimator == plain for estimator, _ in helping):
            return True
        leads = (
            self.results.against(metric, group, pair, (plain, "nothing"))[0]
            for pair in helping
        )
        return any(lead is not None and lead.lower > 0 for lead in leads)

    def _pair(self, pair: tuple[str, str]) -> str:
        return f"{self.title(pair[1])} with {self.title(pair[0])}"

    def _reference(self, metric: Metric, remedy: str) -> str:
        old = self.results.baseline(metric, remedy)
        return "nothing" if old == "nothing" else "its tuned threshold"

    def _helps(self, metric: Metric, group: str, helping: dict) -> tuple:
        sign = 1 if metric.higher_is_better else -1

        def score(pair: tuple[str, str]) -> float:
            stat, _ = self.results.level(metric, group, pair)
            return sign * stat.difference if stat is not None else -np.inf

        best = max(helping, key=score)
        stat = helping[best][0]
        sentence = capitalized(
            f"{self._pair(best)} helps: {self.metric_name(metric)} better by "
            f"{interval(stat)} than {self._reference(metric, best[1])}."
        )
        return sentence, self._context(metric, group, best, helping)

    def _context(
        self, metric: Metric, group: str, best: tuple[str, str], helping: dict
    ) -> list[str]:
        """Say how the best helped pair stands beside the best untreated model."""
        details = []
        plain = self.best_untreated(metric, group)
        if plain is not None and plain != best[0]:
            lead, _ = self.results.against(metric, group, best, (plain, "nothing"))
            if lead is not None:
                name = f"the best model without any remedy, {self.title(plain)}"
                if lead.lower > 0:
                    text = f"It also leads {name}, by {interval(lead)}."
                elif lead.upper < 0:
                    text = f"But it trails {name}: {interval(lead)}."
                else:
                    text = f"But it does not reliably lead {name}: {interval(lead)}."
                details.append(text)
        others: dict[str, list[str]] = {}
        for estimator, remedy in helping:
            if (estimator, remedy) != best:
                others.setdefault(self.title(remedy), []).append(self.title(estimator))
        if others:
            listed = "; ".join(
                f"{remedy} with {_listed(names)}" for remedy, names in others.items()
            )
            details.append(f"Also helps: {listed}.")
        return details

    def _none(self, metric: Metric, group: str, outcomes: dict) -> str:
        # What leaves the scores as they are (a threshold, for a ranking) says nothing.
        moved = {
            pair: value
            for pair, value in outcomes.items()
            if value[0].difference != 0 or value[0].std_error != 0
        }
        if not moved:
            return "No remedy helps here: none changes anything."
        best = max(moved, key=lambda pair: moved[pair][0].difference)
        stat = moved[best][0]
        against = f"{interval(stat)} against {self._reference(metric, best[1])}"
        name = self.metric_name(metric)
        if stat.difference <= 0:
            return (
                f"No remedy helps here: none gains anything in {name}; the nearest to "
                f"it, {self._pair(best)}, is {against}."
            )
        text = (
            f"No remedy helps here: the largest gain in {name}, {self._pair(best)}, is "
            f"{against}"
        )
        if not self.better_than_dummy(metric, group, best):
            guess = GUESSES[self.results.task]
            text += f", and that model is not reliably better than {guess}"
        elif all(v[1] in ("equivalent", "harms") for v in outcomes.values()):
            text += ", and every remedy is equivalent to doing nothing or worse"
        elif stat.p_gain < CONFIDENCE:
            text += f" (a gain that matters with probability {stat.p_gain:.2f} only)"
        else:
            compared = self.results.comparisons()
            tried = sum(key.question == metric.id for key in compared)
            text += f", which the luckiest of {tried} comparisons may show by chance"
        return text + "."

    def _harms(self, metric: Metric, outcomes: dict) -> list[str]:
        harming = {p: v[0] for p, v in outcomes.items() if v[1] == "harms"}
        if not harming:
            return []
        worst = min(harming, key=lambda pair: harming[pair].difference)
        names = sorted({self.title(remedy) for _, remedy in harming})
        # A remedy that was never meant to move decisions is behind one that is.
        word = "Harmful" if metric.baseline == "nothing" else "Behind a tuned threshold"
        return [
            f"{word}: {', '.join(names)}; worst {self._pair(worst)}, "
            f"{interval(harming[worst])}."
        ]

    def metric_name(self, metric: Metric) -> str:
        """Return the name of the score for the tables at hand."""
        return metric_name(metric, self.results.run["tables"])

    def verdict(self, metric: Metric) -> Verdict:
        """Judge one question over all scenarios."""
        clauses = [self.clause(metric, group) for group in self.results.groups]
        if len(clauses) == 1:
            sentence = clauses[0]["sentence"]
        else:
            sentence = self._over_groups(clauses)
        return {
            "question": metric.id,
            "label": metric.label,
            "sentence": sentence,
            "helps": any(clause["outcome"] == "helps" for clause in clauses),
            "clauses": clauses,
        }

    @staticmethod
    def _over_groups(clauses: list[Clause]) -> str:
        helped = [f"“{c['group']}”" for c in clauses if c["outcome"] == "helps"]
        others = [f"“{c['group']}”" for c in clauses if c["outcome"] != "helps"]
        if all(c["outcome"] == "too_little_data" for c in clauses):
            return clauses[0]["sentence"]
        if not helped:
            return "No remedy helps in any scenario."
        text = f"A remedy helps in {_listed(helped)}"
        return text + (f"; none does in {_listed(others)}." if others else ".")

    def headline(self, verdicts: list[Verdict]) -> str:
        """Return the sentence above the three verdicts."""
        unjudged = all(
            clause["outcome"] == "too_little_data"
            for verdict in verdicts
            for clause in verdict["clauses"]
        )
        if unjudged:
            return "Too few cells are finished to judge anything."
        leading: list[str] = []
        helping: list[str] = []
        others: list[str] = []
        for verdict in verdicts:
            leads = any(clause["leads"] for clause in verdict["clauses"])
            place = leading if leads else helping if verdict["helps"] else others
            place.append(verdict["label"].lower())
        if not leading and not helping:
            return "No remedy helps here."
        parts = []
        if leading:
            parts.append(f"A remedy improves on the best model for {_listed(leading)}")
        if helping:
            parts.append(
                f"for {_listed(helping)} remedies help weaker models only, the best "
                "model needs none"
            )
        if others:
            parts.append(f"for {_listed(others)} no remedy helps")
        return capitalized("; ".join(parts)) + "."


def _listed(words: list[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
