# SPDX-License-Identifier: BSD-3-Clause
"""Laws of rows and capacity, fitted to the scores of small runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, minimize_scalar
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Bunch, check_array, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skoverfit._core._random import derive_generator, root_entropy

__all__ = ["ScalingLaw"]

_TINY = 1e-12


@dataclass(frozen=True)
class _Law:
    """A formula of scaled columns; parameters that must be positive are logarithms."""

    names: tuple[str, ...]
    n_columns: int
    formula: Callable[[np.ndarray, np.ndarray], np.ndarray]
    starts: Callable[[np.ndarray, np.ndarray], list[list[float]]]
    # Exponents of columns around 1; more would overflow and explain nothing.
    upper: tuple[float, ...]
    # From parameters of scaled columns to those of the columns as they were given.
    unscaled: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _offsets(y: np.ndarray) -> list[float]:
    """Return what may be left when everything else is infinite."""
    return [share * float(y.min()) for share in (0.0, 0.5, 0.95)]


def _power(X: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[2] + p[0] * X[:, 0] ** -p[1]


def _chinchilla(X: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[4] + p[0] * X[:, 0] ** -p[1] + p[2] * X[:, 1] ** -p[3]


def _overtraining(X: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[3] + p[0] * X[:, 0] ** -p[2] + p[1] * X[:, 1] ** -p[2]


def _downstream(X: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] - p[1] * np.exp(-p[2] * X[:, 0])


_EXPONENTS = (0.1, 0.3, 0.7)

_LAWS = {
    "power_offset": _Law(
        ("a", "b", "c"),
        1,
        _power,
        lambda X, y: [
            [max(float(y.mean()) - c, _TINY), b, c]
            for c, b in product(_offsets(y), _EXPONENTS)
        ],
        (np.inf, 5, np.inf),
        lambda p, unit: np.array([p[0] * unit[0] ** p[1], p[1], p[2]]),
    ),
    "chinchilla": _Law(
        ("A", "a", "B", "b", "E"),
        2,
        _chinchilla,
        lambda X, y: [
            [max(float(y.mean()) - c, _TINY) / 2, a, float(y.mean()) / 2, b, c]
            for c, a, b in product(_offsets(y), _EXPONENTS, _EXPONENTS)
        ],
        (np.inf, 5, np.inf, 5, np.inf),
        lambda p, unit: np.array(
            [p[0] * unit[0] ** p[1], p[1], p[2] * unit[1] ** p[3], p[3], p[4]]
        ),
    ),
    "overtraining": _Law(
        ("A", "B", "a", "E"),
        2,
        _overtraining,
        lambda X, y: [
            [max(float(y.mean()) - c, _TINY) / 2, float(y.mean()) / 2, a, c]
            for c, a in product(_offsets(y), _EXPONENTS)
        ],
        (np.inf, np.inf, 5, np.inf),
        lambda p, unit: np.array(
            [p[0] * unit[0] ** p[2], p[1] * unit[1] ** p[2], p[2], p[3]]
        ),
    ),
    "downstream": _Law(
        ("eps", "k", "gamma"),
        1,
        _downstream,
        lambda X, y: [
            [float(y.max()) * lift, float(y.max()) * lift, g]
            for lift, g in product((1.05, 1.5), (0.3, 1.0, 3.0))
        ],
        (np.inf, np.inf, 50),
        lambda p, unit: np.array([p[0], p[1], p[2] / unit[0]]),
    ),
}


class ScalingLaw(RegressorMixin, BaseEstimator):
    r"""Fit a scaling law to the losses of small runs and predict a large one.

    Parameters
    ----------
    law : str, default="power_offset"
        One of "power_offset", "chinchilla", "overtraining" and "downstream". With D
        rows (times epochs) and N the capacity (hidden units, features, trees):

        - ``power_offset``: :math:`c + a D^{-b}`, one column;
        - ``chinchilla``: :math:`E + A N^{-a} + B D^{-b}`, the columns N and D;
        - ``overtraining``: the same with one exponent, so that at a fixed ratio of D
          to N the loss is a power of the cost with the same slope everywhere [1]_;
        - ``downstream``: an error as :math:`\epsilon - k e^{-\gamma L}` of the loss L,
          which holds for the mean of many tasks rather than for one.

    log_residuals : bool, default=True
        Fit logarithms, so that a run of small loss counts as much as one of large.
    loss : {"huber", "linear"}, default="huber"
        Whether runs that fit badly count less.
    huber_delta : float, default=1e-3
        Residual beyond which they do; in logarithms if ``log_residuals``.
    n_bootstrap : int, default=200
        Refits to resampled residuals for intervals and `covariance_`.
    confidence : float, default=0.95
        Level of the intervals.
    random_state : int, RandomState instance or None, default=None
        Draws the resampled residuals.

    Attributes
    ----------
    params_ : dict of str to float
        The parameters by their names in the formula.
    covariance_ : ndarray of shape (n_params, n_params)
        Of the parameters in the order of ``params_``, over the refits.
    residuals_ : ndarray of shape (n_runs,)
        Of the fit; logarithms if ``log_residuals``.
    n_features_in_ : int
        Columns seen.

    See Also
    --------
    LearningCurveExtrapolator : The curve of one estimator, measured and continued.

    References
    ----------
    .. [1] S. Y. Gadre et al. (2025). "Language models scale reliably with
       over-training and on downstream tasks". ICLR. arXiv:2403.08540.
    .. [2] J. Hoffmann et al. (2022). "Training compute-optimal large language models".
       Advances in Neural Information Processing Systems 35. arXiv:2203.15556.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.model_selection import ScalingLaw
    >>> n = np.array([100, 200, 400, 800, 1600])
    >>> law = ScalingLaw().fit(n, 0.1 + 3 * n**-0.5)
    >>> {name: round(value, 3) for name, value in law.params_.items()}
    {'a': 3.0, 'b': 0.5, 'c': 0.1}
    >>> law.predict([10_000]).round(3)
    array([0.13])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "law": [StrOptions(set(_LAWS))],
        "log_residuals": ["boolean"],
        "loss": [StrOptions({"huber", "linear"})],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        law: str = "power_offset",
        *,
        log_residuals: bool = True,
        loss: str = "huber",
        huber_delta: float = 1e-3,
        n_bootstrap: int = 200,
        confidence: float = 0.95,
        random_state: Any = None,
    ) -> None:
        self.law = law
        self.log_residuals = log_residuals
        self.loss = loss
        self.huber_delta = huber_delta
        self.n_bootstrap = n_bootstrap
        self.confidence = confidence
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> ScalingLaw:
        """Fit the law.

        Parameters
        ----------
        X : array-like of shape (n_runs,) or (n_runs, n_columns)
            The columns of the law, positive.
        y : array-like of shape (n_runs,)
            Losses or errors, positive.
        sample_weight : array-like of shape (n_runs,), default=None
            Weights of the runs.

        Returns
        -------
        self
            The fitted law.

        Raises
        ------
        ValueError
            Columns that the law does not have, values that are not positive, fewer
            different runs than parameters.
        """
        self._validate_params()
        X = self._columns(X)
        y = column_or_1d(
            check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        )
        check_consistent_length(X, y)
        if (y <= 0).any():
            raise ValueError(f"y must be positive losses. Got {y.min():g}.")
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        law = _LAWS[self.law]
        n_runs = len(np.unique(X[weights > 0], axis=0))
        if n_runs < len(law.names) + 1:
            raise ValueError(
                f"law={self.law!r} has {len(law.names)} parameters and needs at least "
                f"{len(law.names) + 1} different runs. Got {n_runs}."
            )
        # Powers of columns near 1 are well conditioned, whatever their unit.
        unit = np.exp(np.log(X).mean(axis=0))
        scaled = X / unit
        root = np.sqrt(weights / weights.mean())
        best = min(
            (self._solve(law, scaled, y, root, s) for s in law.starts(scaled, y)),
            key=lambda found: found.cost,
        )
        fitted = self._prediction(law, scaled, best.x)
        residuals = self._residuals(y, fitted)
        # Residuals of a fit are smaller than the errors were.
        spread = np.sqrt(len(y) / max(len(y) - len(law.names), 1))
        rng = derive_generator(root_entropy(self.random_state), "residuals")
        refits = []
        for _ in range(self.n_bootstrap):
            noise = spread * rng.choice(residuals, size=len(y))
            drawn = fitted * np.exp(noise) if self.log_residuals else fitted + noise
            found = self._solve(law, scaled, np.maximum(drawn, _TINY), root, best.x)
            refits.append(law.unscaled(found.x, unit))
        parameters = law.unscaled(best.x, unit)
        self.n_features_in_ = X.shape[1]
        self.params_ = dict(zip(law.names, map(float, parameters), strict=True))
        self._refits = np.array(refits)
        self.covariance_ = np.cov(self._refits, rowvar=False)
        self.residuals_ = residuals
        return self

    def _columns(self, X: Any) -> np.ndarray:
        X = check_array(X, ensure_2d=False, dtype=np.float64, input_name="X")
        X = X[:, None] if X.ndim == 1 else X
        wanted = _LAWS[self.law].n_columns
        if X.ndim != 2 or X.shape[1] != wanted:
            raise ValueError(
                f"law={self.law!r} has {wanted} column(s). Got X of shape {X.shape}."
            )
        if (X <= 0).any():
            raise ValueError(f"X must be positive. Got {X.min():g}.")
        return X

    @staticmethod
    def _prediction(law: _Law, X: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.maximum(law.formula(X, p), _TINY)

    def _residuals(self, y: np.ndarray, fitted: np.ndarray) -> np.ndarray:
        return np.log(y / fitted) if self.log_residuals else y - fitted

    def _solve(
        self, law: _Law, X: np.ndarray, y: np.ndarray, root: np.ndarray, start: Any
    ) -> Any:
        def residuals(p: np.ndarray) -> np.ndarray:
            return root * self._residuals(y, self._prediction(law, X, p))

        return least_squares(
            residuals,
            np.maximum(start, _TINY),
            bounds=(0.0, law.upper),
            loss="linear" if self.loss == "linear" else "huber",
            f_scale=self.huber_delta,
            x_scale="jac",
            xtol=1e-13,
            ftol=1e-13,
            gtol=1e-13,
            max_nfev=500,
        )

    def predict(self, X: ArrayLike, return_interval: bool = False) -> Any:
        """Predict losses.

        Parameters
        ----------
        X : array-like of shape (n_runs,) or (n_runs, n_columns)
            The columns of the law, positive.
        return_interval : bool, default=False
            Whether the ends of the interval of the law are returned too; the noise of
            a single run comes on top.

        Returns
        -------
        y : ndarray of shape (n_runs,)
            Losses.
        lower, upper : ndarray of shape (n_runs,)
            Ends of the interval; only if ``return_interval``.
        """
        check_is_fitted(self)
        X = self._columns(X)
        law = _LAWS[self.law]
        centre = self._prediction(law, X, np.array(list(self.params_.values())))
        if not return_interval:
            return centre
        drawn = np.array([self._prediction(law, X, p) for p in self._refits])
        tail = 50 * (1 - self.confidence)
        lower, upper = np.percentile(drawn, [tail, 100 - tail], axis=0)
        return centre, np.minimum(lower, centre), np.maximum(upper, centre)

    def optimal_allocation(
        self,
        budget: float,
        cost: Callable[[float, float], float] | None = None,
    ) -> Bunch:
        """Return how a budget is best divided between capacity and rows.

        Parameters
        ----------
        budget : float
            What may be spent, in the unit of ``cost``.
        cost : callable, default=None
            Maps N and D to what a run costs, growing in both; None is ``6 * N * D``,
            the operations of a net of N weights on D rows.

        Returns
        -------
        Bunch
            ``capacity`` N, ``n_samples`` D and the expected ``loss``.

        Raises
        ------
        ValueError
            If the law has no capacity, or the budget is not positive.
        """
        check_is_fitted(self)
        if _LAWS[self.law].n_columns != 2:
            raise ValueError(f"law={self.law!r} has no capacity to spend a budget on.")
        if not (np.isfinite(budget) and budget > 0):
            raise ValueError(f"budget must be positive. Got {budget!r}.")
        price: Callable[[float, float], float] = cost or (lambda n, d: 6.0 * n * d)

        def rows(log_n: float) -> float:
            """Return the logarithm of the rows that the rest of the budget buys."""
            low, high = -50.0, 200.0
            for _ in range(200):
                middle = 0.5 * (low + high)
                if price(np.exp(log_n), np.exp(middle)) <= budget:
                    low = middle
                else:
                    high = middle
            return low

        def loss(log_n: float) -> float:
            return float(self.predict([[np.exp(log_n), np.exp(rows(log_n))]])[0])

        # A coarse grid finds the valley, a bounded search its ground.
        grid = np.linspace(-10.0, 100.0, 111)
        best = grid[int(np.argmin([loss(point) for point in grid]))]
        found = minimize_scalar(
            loss, bounds=(best - 1, best + 1), method="bounded", options={"xatol": 1e-6}
        )
        n = float(np.exp(found.x))
        d = float(np.exp(rows(found.x)))
        return Bunch(capacity=n, n_samples=d, loss=float(found.fun))

    def __sklearn_tags__(self) -> Any:
        """Say that the law has columns of its own and positive values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.target_tags.positive_only = True
        return tags
