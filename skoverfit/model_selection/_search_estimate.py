# SPDX-License-Identifier: BSD-3-Clause
"""Who wins a remedy search, and what of the lead is left without luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skoverfit._core._random import derive_generator
from skoverfit._core._statistics import (
    Comparison,
    corrected_comparison,
    corrected_mean_interval,
    holm,
)
from skoverfit._core._validation import warn
from skoverfit.model_selection._bbc_cv_score import tibshirani_bias
from skoverfit.model_selection._bootstrap_selection import (
    Draws,
    one_se_rule,
    select_in_draws,
)
from skoverfit.model_selection._racing import Race, Runner

__all__ = ["SearchEstimate", "estimate"]

_TAILS = (0.025, 0.975)
_NO_INTERVAL = (-np.inf, np.inf)
_COMPARED = ("lower", "upper", "p_better", "p_value")


@dataclass(frozen=True)
class SearchEstimate:
    """The winner of a race and its corrected score.

    Parameters
    ----------
    runners : list of Runner
        Those that finished, "nothing" first.
    scores : ndarray of shape (n_runners,)
        On all held-out rows.
    folds : ndarray of shape (n_folds, n_runners)
        On the rows of each fold.
    best : int
        Whom the rule of selection chose.
    kept : int
        Who stays after ``require_gain``.
    draws : Draws or None
        The bootstrap; None where the score rarely exists in a draw.
    rope, test_train_ratio : float
        Of the comparisons.
    """

    runners: list[Runner]
    scores: np.ndarray
    folds: np.ndarray
    best: int
    kept_index: int
    draws: Draws | None
    rope: float
    test_train_ratio: float

    @property
    def winner(self) -> Runner:
        """Whom the rule chose."""
        return self.runners[self.best]

    @property
    def kept(self) -> Runner:
        """Who is returned."""
        return self.runners[self.kept_index]

    @property
    def naive_score(self) -> float:
        """The best score: what a plain search would report."""
        return float(self.scores.max())

    @property
    def naive_lead(self) -> float:
        """What the winner leads "nothing" by on the rows that chose it."""
        return float(self.scores[self.best] - self.scores[0])

    @property
    def gain(self) -> float:
        """What the selection gains over "nothing" on rows that did not choose."""
        return float("nan") if self.draws is None else float(self._gains.mean())

    @property
    def gain_interval(self) -> tuple[float, float]:
        """Percentiles of the gain."""
        return _NO_INTERVAL if self.draws is None else _percentiles(self._gains)

    @property
    def _gains(self) -> np.ndarray:
        assert self.draws is not None
        return self.draws.gains(0)

    @property
    def comparison(self) -> Comparison:
        """The winner against "nothing" over the folds."""
        return self._against_nothing(self.folds[:, self.best], self.folds[:, 0])

    def _against_nothing(self, folds: np.ndarray, nothing: np.ndarray) -> Comparison:
        differences = folds - nothing
        differences = differences[np.isfinite(differences)]
        return corrected_comparison(
            differences if len(differences) else [0.0],
            test_train_ratio=self.test_train_ratio,
            rope=self.rope,
        )

    def bbc(self) -> tuple[float, tuple[float, float]]:
        """Return the bootstrap's score of what is kept, and its interval."""
        if self.draws is None:
            return float(self.scores[self.kept_index]), _NO_INTERVAL
        # "Nothing" is kept for want of a gain and not for its score.
        values = self.draws.outside[:, 0] if not self.kept_index else self.draws.scores
        return float(values.mean()), _percentiles(values)

    def tibshirani(self) -> tuple[float, tuple[float, float]]:
        """Return the score less the bias of Tibshirani and Tibshirani."""
        folds = self.folds[np.isfinite(self.folds).all(axis=1)]
        own = folds[:, self.kept_index]
        bias = 0.0  # "nothing" is kept for want of a gain and not for its score
        if self.kept_index:
            bias = tibshirani_bias(-folds, chosen=self.kept_index)
        _, lower, upper = corrected_mean_interval(
            own, test_train_ratio=self.test_train_ratio
        )
        score = float(self.scores[self.kept_index])
        shift = score - bias - float(own.mean())
        return score - bias, (lower + shift, upper + shift)

    def corrected(
        self, correction: str, nested: dict[str, Any] | None
    ) -> tuple[float, tuple[float, float]]:
        """Return the score that is published, and its interval."""
        if correction == "tt":
            return self.tibshirani()
        if correction == "nested" and nested is not None:
            return nested["score"], nested["interval"]
        return self.bbc()

    # --- the table of all candidates -----

    def results(
        self, race: Race, left_out: Sequence[tuple[str, str]]
    ) -> dict[str, list[Any]]:
        """Return a column for each thing that is known of the candidates."""
        shares = np.full(len(self.runners), np.nan)
        if self.draws is not None:
            shares = np.bincount(self.draws.chosen, minlength=len(self.runners))
            shares = shares / max(1, len(self.draws.chosen))
        place = {id(runner): k for k, runner in enumerate(self.runners)}
        rows: list[dict[str, Any]] = []
        for runner in race.runners:
            k = place.get(id(runner))
            row = self._finished(k) if k is not None else self._partial(race, runner)
            remedy = runner.candidate.remedy
            rows.append(
                {
                    "name": runner.candidate.name,
                    "title": runner.candidate.title,
                    "kind": remedy.kind,
                    "status": runner.status,
                    **row,
                    "selection_share": float("nan") if k is None else float(shares[k]),
                    "n_folds": len(runner.cells),
                    "dropped_at": runner.dropped_at,
                    "cost": float(remedy.cost),
                    "seconds": runner.seconds,
                    "n_warnings": sum(cell.n_warnings for cell in runner.cells),
                    "reason": runner.reason,
                }
            )
        compared = [k for k, r in enumerate(rows) if k and np.isfinite(r["p_value"])]
        adjusted = holm([rows[k]["p_value"] for k in compared])
        for row in rows:
            row["p_adjusted"] = float("nan")
        for k, p in zip(compared, adjusted, strict=True):
            rows[k]["p_adjusted"] = float(p)
        empty = {name: float("nan") for name in rows[0]}
        for name, reason in left_out:
            rows.append(
                {
                    **empty,
                    "name": name,
                    "title": name,
                    "kind": "",
                    "status": "left out",
                    "n_folds": 0,
                    "dropped_at": 0,
                    "seconds": 0.0,
                    "n_warnings": 0,
                    "reason": reason,
                }
            )
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _finished(self, k: int) -> dict[str, float]:
        return self._row(
            float(self.scores[k]),
            float(self.scores[k] - self.scores[0]),
            self._against_nothing(self.folds[:, k], self.folds[:, 0]),
        )

    def _partial(self, race: Race, runner: Runner) -> dict[str, float]:
        """Compare on the folds that it has with "nothing" on the same."""
        if not runner.cells:
            empty = self._row(float("nan"), float("nan"), None)
            return {**empty, "score": runner.rung_score}
        parts = race.parts[: len(runner.cells)]
        scores, folds = race.table([race.runners[0], runner], parts).scores()
        compared = self._against_nothing(folds[:, 1], folds[:, 0])
        return self._row(float(scores[1]), float(scores[1] - scores[0]), compared)

    @staticmethod
    def _row(
        score: float, difference: float, compared: Comparison | None
    ) -> dict[str, float]:
        row = {"score": score, "difference": difference}
        if compared is None:
            return {**row, **dict.fromkeys(_COMPARED, float("nan"))}
        values = (compared.lower, compared.upper, compared.p_gain, compared.p_value)
        return {**row, **dict(zip(_COMPARED, values, strict=True))}

    def values(
        self,
        search: Any,
        race: Race,
        nested: dict[str, Any] | None,
        score: str,
        n_rows: int,
        estimator: str,
    ) -> dict[str, Any]:
        """Return what the summary says."""
        bbc, interval = self.bbc()
        tt, _ = self.tibshirani()
        compared = self.comparison
        return {
            "estimator": estimator,
            "score": score,
            "n_rows": n_rows,
            "strategy": search.strategy,
            "n_folds": race.n_folds,
            "n_parts": len(race.parts),
            "out_of_time": race.out_of_time,
            "require_gain": search.require_gain,
            "rope": self.rope,
            "kept": self.kept.candidate.name,
            "winner": self.winner.candidate.name,
            "winner_title": self.winner.candidate.title,
            "nothing_score": float(self.scores[0]),
            "naive_score": self.naive_score,
            "naive_lead": self.naive_lead,
            "winner_score": float(self.scores[self.best]),
            "corrected": search.cv_score_corrected_,
            "corrected_interval": search.corrected_interval_,
            "correction": search.correction,
            "bbc": bbc,
            "bbc_interval": interval,
            "tt": tt,
            "nested": nested,
            "gain": self.gain,
            "gain_interval": self.gain_interval,
            "luck": self.naive_lead - self.gain,
            "p_gain": compared.p_gain,
            "p_equivalent": compared.p_equivalent,
            "p_loss": compared.p_loss,
        }


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    lower, upper = np.quantile(values, _TAILS)
    return float(lower), float(upper)


def estimate(
    race: Race, *, rope: float, require_gain: bool, n_bootstrap: int, entropy: int
) -> SearchEstimate:
    """Choose among those that finished, and correct for the choice."""
    parts = race.parts[: race.n_folds]
    runners = race.racing
    table = race.table(runners, parts)
    scores, folds = table.scores()
    if not np.isfinite(scores[0]):
        raise ValueError(
            f"The score {race.score.name!r} of the plain estimator is {scores[0]} on "
            "the held-out rows; take another scoring, or other folds."
        )
    for runner, score in zip(runners, scores, strict=True):
        if not np.isfinite(score):
            runner.status = "failed"
            runner.reason = f"the score {race.score.name!r} is {score}"
    if not np.isfinite(scores).all():
        runners = [r for r in runners if r.status != "failed"]
        table = race.table(runners, parts)
        scores, folds = table.scores()
    # A treatment is no cheaper than none for being trained on fewer rows. Costs choose
    # between remedies; whether one is better than nothing says the gain's interval.
    costs = np.array([max(1.0, r.candidate.remedy.cost) for r in runners])
    rule = one_se_rule(costs, table.test_train_ratio, baseline=0)
    best = int(rule(scores[None], folds[None])[0])
    draws: Draws | None = select_in_draws(
        table.judge,
        table.units,
        select=rule,
        n_draws=n_bootstrap,
        rng=derive_generator(entropy, "bbc"),
    )
    assert draws is not None
    if 2 * len(draws.chosen) < n_bootstrap:
        warn(
            f"The score {race.score.name!r} exists in {len(draws.chosen)} of "
            f"{n_bootstrap} bootstrap draws only; there are too few rows (of a class, "
            "or in a fold) for a corrected score, and no remedy is kept."
        )
        draws = None
    found = SearchEstimate(
        runners, scores, folds, best, best, draws, rope, table.test_train_ratio
    )
    # A gain whose interval is unknown is no gain.
    if require_gain and best and not found.gain_interval[0] > 0:
        return replace(found, kept_index=0)
    return found
