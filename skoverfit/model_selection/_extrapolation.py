# SPDX-License-Identifier: BSD-3-Clause
"""From errors at some sizes to errors at sizes that were never seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from skoverfit._core._random import derive_generator
from skoverfit.model_selection._power_laws import CURVE_LAWS, FittedLaw, fit_law

__all__ = ["Extrapolation", "extrapolate"]

# Laws that "auto" weighs; the constant is what they have to beat.
_CANDIDATES = ("pow3", "pow2", "exp3", "ilog", "pow4", "mmf4")
_SMALLEST_SPREAD = 1e-3  # of the mean error: no size is believed without limit
_TINY = 1e-12


@dataclass(frozen=True)
class Extrapolation:
    """A weighted mean of laws, with refits to resampled folds."""

    sizes: np.ndarray
    errors: np.ndarray
    std_errors: np.ndarray
    laws: tuple[FittedLaw, ...]
    weights: np.ndarray
    refits: tuple[tuple[FittedLaw, ...], ...]
    # Root mean square of log(predicted / seen) over the sizes that were hidden.
    backtest_error: float
    backtest_errors: dict[str, float]
    # log(largest size / largest size that the back test was fitted to).
    backtest_distance: float
    # What a standard deviation is multiplied by: of the folds, and of the back test.
    t_factor: float
    z_factor: float
    rising_p_value: float

    def __call__(self, sizes: np.ndarray) -> np.ndarray:
        """Return the expected errors at sizes; infinity gives the asymptote."""
        return _mix(self.laws, self.weights, sizes)

    def interval(self, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval of the errors at sizes."""
        centre = self(sizes)
        drawn = np.array([_mix(laws, self.weights, sizes) for laws in self.refits])
        half = self._half_width(drawn.var(axis=0), self._misfit(sizes, centre))
        return np.maximum(centre - half, 0.0), centre + half

    def drop(self, n: float, m: float) -> tuple[float, float, float]:
        """Return the fall of the error from size n to size m, with its interval."""
        pair = np.array([n, m])
        centre = self(pair)
        drawn = np.array([_mix(laws, self.weights, pair) for laws in self.refits])
        falls = drawn[:, 0] - drawn[:, 1]
        # What the law can't know about the way from n to m.
        own = self._misfit(pair, centre)
        further = np.maximum(own[1] - own[0], 0.0)
        half = float(self._half_width(falls.var(), further))
        fall = float(centre[0] - centre[1])
        return fall, fall - half, fall + half

    def _half_width(self, noise: Any, misfit: Any) -> Any:
        return np.sqrt(self.t_factor**2 * noise + self.z_factor**2 * misfit)

    def state(self) -> dict[str, Any]:
        """Return plain values and arrays, as a safe file may hold them."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["laws"] = [_law_state(law) for law in self.laws]
        plain["refits"] = [[_law_state(law) for law in laws] for laws in self.refits]
        return plain

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Extrapolation:
        """Return what `state` was taken from."""
        laws = tuple(FittedLaw(**law) for law in state["laws"])
        refits = tuple(
            tuple(FittedLaw(**law) for law in drawn) for drawn in state["refits"]
        )
        return cls(**{**state, "laws": laws, "refits": refits})

    def _misfit(self, sizes: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Return the variance by which laws were wrong so far from their data."""
        reach = np.asarray(sizes, float) / self.sizes[-1]
        # An asymptote is told like the tenfold size: beyond that nothing was tested.
        distance = np.log(np.clip(reach, 1.0, 10.0)) / self.backtest_distance
        return (centre * self.backtest_error * distance) ** 2


def _law_state(law: FittedLaw) -> dict[str, Any]:
    return {f.name: getattr(law, f.name) for f in fields(law)}


def _mix(
    laws: tuple[FittedLaw, ...], weights: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    return np.sum([w * f(sizes) for w, f in zip(weights, laws, strict=True)], axis=0)


def extrapolate(
    sizes: np.ndarray,
    errors: np.ndarray,
    *,
    law: str,
    backtest: int,
    n_bootstrap: int,
    confidence: float,
    test_train_ratio: float,
    entropy: int,
) -> Extrapolation:
    """Fit laws to errors of shape (n_folds, n_sizes) at increasing sizes."""
    n_folds, n_sizes = errors.shape
    mean, spread = _summary(errors)
    wanted = [law] if law != "auto" else _CANDIDATES
    usable = [n for n in wanted if CURVE_LAWS[n].n_sizes <= n_sizes]
    names = [*(usable or ["pow3"]), "constant"] if law == "auto" else wanted
    seen = n_sizes - backtest
    misses = {}
    for name in names:
        # The constant of the back test is the last value that was seen.
        if name == "constant":
            told = np.full(backtest, mean[seen - 1])
        else:
            fitted = fit_law(CURVE_LAWS[name], sizes[:seen], mean[:seen], spread[:seen])
            told = fitted(sizes[seen:])
        ratio = np.log(np.maximum(told, _TINY) / np.maximum(mean[seen:], _TINY))
        misses[name] = float(np.sqrt(np.mean(ratio**2)))
    if law == "auto":
        names = [n for n in names if misses[n] <= misses["constant"]]
        scale = max(min(misses.values()), _TINY)
        weights = np.exp(-np.array([misses[n] for n in names]) / scale)
        weights /= weights.sum()
    else:
        weights = np.ones(1)
    laws = tuple(fit_law(CURVE_LAWS[n], sizes, mean, spread) for n in names)
    rng = derive_generator(entropy, "folds")
    refits = []
    for _ in range(n_bootstrap):
        rows = rng.integers(n_folds, size=n_folds)
        drawn = errors[rows].mean(axis=0)
        refits.append(
            tuple(
                fit_law(CURVE_LAWS[f.name], sizes, drawn, spread, start=f) for f in laws
            )
        )
    # Resampling K values loses 1/K of their variance; folds share training rows.
    inflation = math.sqrt(n_folds / (n_folds - 1) * (1 + n_folds * test_train_ratio))
    t = float(stats.t.ppf(0.5 + confidence / 2, n_folds - 1))
    return Extrapolation(
        sizes=sizes,
        errors=mean,
        std_errors=spread,
        laws=laws,
        weights=weights,
        refits=tuple(refits),
        backtest_error=float(
            sum(w * misses[n] for w, n in zip(weights, names, strict=True))
        ),
        backtest_errors=misses,
        backtest_distance=float(np.log(sizes[-1] / sizes[seen - 1])),
        t_factor=t * inflation,
        z_factor=float(stats.norm.ppf(0.5 + confidence / 2)),
        rising_p_value=_rising_p_value(mean, spread, entropy),
    )


def _summary(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean errors and their standard errors, with a floor."""
    mean = errors.mean(axis=0)
    spread = stats.sem(errors, axis=0)
    floor = max(_SMALLEST_SPREAD * float(mean.mean()), _TINY)
    return mean, np.maximum(spread, floor)


def _rising_p_value(mean: np.ndarray, spread: np.ndarray, entropy: int) -> float:
    """Test whether the errors fall: the misfit of a falling curve against chance."""
    at = np.arange(len(mean))

    def misfit(values: np.ndarray) -> tuple[float, np.ndarray]:
        falling = IsotonicRegression(increasing=False).fit(
            at, values, sample_weight=1 / spread**2
        )
        curve = falling.predict(at)
        return float(np.sum(((values - curve) / spread) ** 2)), curve

    seen, curve = misfit(mean)
    rng = derive_generator(entropy, "rising")
    n_draws = 499
    draws = curve + spread * rng.standard_normal((n_draws, len(mean)))
    above = sum(misfit(values)[0] >= seen for values in draws)
    return (above + 1) / (n_draws + 1)
