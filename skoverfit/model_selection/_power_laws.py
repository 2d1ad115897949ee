# SPDX-License-Identifier: BSD-3-Clause
"""Laws by which errors fall with rows, and how one is fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares

__all__ = ["CURVE_LAWS", "CurveLaw", "FittedLaw", "fit_law"]

# Below this an error is as good as none; the logarithm needs a floor.
TINY = 1e-12


@dataclass(frozen=True)
class CurveLaw:
    """A curve ``error(n)`` with its bounds and the starts of its fit.

    ``starts`` gets sizes and errors and returns a few parameter vectors; sizes are
    divided by their geometric mean before, so that a change of unit changes nothing
    but the parameters that carry it.
    """

    name: str
    names: tuple[str, ...]
    curve: Callable[[np.ndarray, np.ndarray], np.ndarray]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    starts: Callable[[np.ndarray, np.ndarray], list[list[float]]]
    # Position of the asymptote among the parameters, if there is one.
    asymptote: int | None = None
    # The least number of sizes with which it may be fitted.
    n_sizes: int = 4


def _pow2(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] * x ** -p[1]


def _pow3(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] * x ** -p[1] + p[2]


def _exp3(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] * np.exp(-p[1] * x) + p[2]


def _ilog(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.maximum(p[0] - p[1] * np.log(x), 0.0)


def _pow4(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] * (x + p[3]) ** -p[1] + p[2]


def _mmf4(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    power = x ** p[3]
    return (p[0] * p[1] + p[2] * power) / (p[1] + power)


def _constant(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.full_like(x, p[0])


def _power_starts(x: np.ndarray, e: np.ndarray) -> list[list[float]]:
    """Return slopes of a straight line in logarithms, for a few asymptotes."""
    starts = []
    for share, b in product((0.0, 0.5, 0.9), (0.1, 0.5, 1.0)):
        c = share * float(e.min())
        a = float(np.median((e - c) * x**b))
        starts.append([max(a, TINY), b, c])
    return starts


def _exponential_starts(x: np.ndarray, e: np.ndarray) -> list[list[float]]:
    return [
        [max(float(e.max() - share * e.min()), TINY), rate, share * float(e.min())]
        for share, rate in product((0.0, 0.9), (0.1, 1.0))
    ]


def _mmf_starts(x: np.ndarray, e: np.ndarray) -> list[list[float]]:
    top, low = float(e.max()), float(e.min())
    return [
        [1.5 * top, 1.0, share * low, d] for share, d in product((0.1, 0.9), (0.5, 1.0))
    ]


_INF = np.inf
# A power of 0 is a constant: its asymptote could be anything between 0 and the curve.
_FLATTEST = 0.05
# 2 is the steepest slope that is believed; a noisy first size would make a cliff.
CURVE_LAWS: dict[str, CurveLaw] = {
    law.name: law
    for law in (
        CurveLaw(
            "pow3",
            ("a", "b", "c"),
            _pow3,
            (0, _FLATTEST, 0),
            (_INF, 2, _INF),
            _power_starts,
            2,
        ),
        CurveLaw(
            "pow2",
            ("a", "b"),
            _pow2,
            (0, 0),
            (_INF, 2),
            lambda x, e: [start[:2] for start in _power_starts(x, e)[:3]],
        ),
        CurveLaw(
            "exp3",
            ("a", "b", "c"),
            _exp3,
            (0, 0, 0),
            (_INF, _INF, _INF),
            _exponential_starts,
            2,
        ),
        CurveLaw(
            "ilog",
            ("a", "b"),
            _ilog,
            (0, 0),
            (_INF, _INF),
            lambda x, e: [[float(e.mean()), 0.1 * float(e.mean())]],
        ),
        CurveLaw(
            "pow4",
            ("a", "b", "c", "d"),
            _pow4,
            (0, _FLATTEST, 0, 0),
            (_INF, 2, _INF, _INF),
            lambda x, e: [[*start, 0.1] for start in _power_starts(x, e)],
            2,
            n_sizes=8,
        ),
        CurveLaw(
            "mmf4",
            ("a", "b", "c", "d"),
            _mmf4,
            (0, 0, 0, _FLATTEST),
            (_INF, _INF, _INF, 2),
            _mmf_starts,
            2,
            n_sizes=8,
        ),
        CurveLaw(
            "constant",
            ("c",),
            _constant,
            (0,),
            (_INF,),
            lambda x, e: [[float(e.mean())]],
            0,
        ),
    )
}


@dataclass(frozen=True)
class FittedLaw:
    """A law with its parameters; ``unit`` is the size that counts as 1 in them."""

    name: str
    parameters: np.ndarray
    unit: float
    cost: float

    @property
    def law(self) -> CurveLaw:
        """The formula; a file has its name only."""
        return CURVE_LAWS[self.name]

    def __call__(self, sizes: np.ndarray) -> np.ndarray:
        """Return errors at sizes; infinity asks for the asymptote."""
        x = np.asarray(sizes, dtype=float) / self.unit
        with np.errstate(over="ignore", invalid="ignore"):
            curve = self.law.curve(x, self.parameters)
        far = np.isinf(x)
        if far.any():
            curve = np.where(far, self.asymptote, curve)
        return curve

    @property
    def asymptote(self) -> float:
        """The error that no number of rows falls below."""
        if self.law.asymptote is None:
            return 0.0
        return float(self.parameters[self.law.asymptote])

    def named(self) -> dict[str, float]:
        """Return the parameters in the unit of the sizes, where they carry one."""
        found = dict(zip(self.law.names, map(float, self.parameters), strict=True))
        if self.name in ("pow2", "pow3", "pow4"):
            found["a"] *= self.unit ** found["b"]
        if "d" in found and self.name == "pow4":
            found["d"] *= self.unit
        if self.name == "exp3":
            found["b"] /= self.unit
        if self.name == "ilog":
            found["a"] += found["b"] * np.log(self.unit)
        if self.name == "mmf4":
            found["b"] *= self.unit ** found["d"]
        return found


def fit_law(
    law: CurveLaw,
    sizes: Sequence[float] | np.ndarray,
    errors: Sequence[float] | np.ndarray,
    std_errors: Sequence[float] | np.ndarray | None = None,
    start: FittedLaw | None = None,
) -> FittedLaw:
    """Fit a law by robust least squares from several starts, or from a fitted one.

    The asymptote is not let above the least error that was seen.
    """
    n, e = np.asarray(sizes, dtype=float), np.asarray(errors, dtype=float)
    spread = np.ones_like(e) if std_errors is None else np.asarray(std_errors, float)
    unit = float(np.exp(np.log(n).mean()))
    x = n / unit
    lower, upper = np.array(law.lower, float), np.array(law.upper, float)
    if law.asymptote is not None and law.name != "constant":
        upper[law.asymptote] = max(float(e.min()), 2 * TINY)
    if law.name == "constant":
        weights = 1.0 / spread**2
        level = float(np.sum(weights * e) / weights.sum())
        residual = (level - e) / spread
        return FittedLaw(law.name, np.array([level]), unit, float(residual @ residual))

    def residuals(p: np.ndarray) -> np.ndarray:
        return (law.curve(x, p) - e) / spread

    # Without noise the parameters shall be exact; with it no digit after the sixth is.
    tolerance = 1e-14 if std_errors is None else 1e-7
    best = None
    for first in law.starts(x, e) if start is None else [start.parameters]:
        inside = np.clip(first, lower + TINY, np.minimum(upper, 1e300) - TINY)
        found = least_squares(
            residuals,
            inside,
            bounds=(lower, upper),
            loss="soft_l1" if std_errors is not None else "linear",
            # Parameters of any size: each is scaled by its own.
            x_scale="jac",
            xtol=tolerance,
            ftol=tolerance,
            gtol=tolerance,
            max_nfev=200,
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None  # every law has a start
    return FittedLaw(law.name, best.x, unit, float(best.cost))
