# SPDX-License-Identifier: BSD-3-Clause
"""What more rows would bring."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, check_cv
from sklearn.utils import Bunch, _safe_indexing, get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._random import derive_generator, root_entropy
from skoverfit._core._wrapping import remember_columns
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.model_selection._extrapolation import Extrapolation, extrapolate
from skoverfit.model_selection._power_laws import CURVE_LAWS

__all__ = ["LearningCurveExtrapolator", "nested_order"]

# Sizes that are tried by default go down to this share of the largest.
_SMALLEST_SHARE = 1 / 16
_FEWEST_ROWS = 10
_FARTHEST = 10.0


class LearningCurveExtrapolator(MetaEstimatorMixin, BaseEstimator):
    """Measure a learning curve and tell how it goes on.

    The estimator is trained on growing subsets of each training fold, every subset
    inside the next one, and scored on the fold's test rows. A power law with an
    asymptote is fitted to the errors. Before it is believed, the largest sizes are
    hidden and predicted; how far that was off widens every interval.

    Parameters
    ----------
    estimator : estimator instance
        Classifier or regressor; cloned.
    train_sizes : int or array-like, default=7
        Number of sizes, spaced evenly in the logarithm up to the largest that all
        folds allow; or the sizes themselves, as counts or as shares of the largest.
    cv : int, cross-validation generator or iterable, default=5
        Folds; an integer gives shuffled folds, stratified for a classifier and of
        whole groups where there are groups.
    scoring : str or callable, default=None
        A score that is better if higher; None for the estimator's own.
    optimum : float or "auto", default="auto"
        The best value that the score can have; the error is ``optimum - score``.
        "auto" is 0 for scorers of losses (``"neg_..."``) and 1 for others.
    law : {"pow3", "pow2", "exp3", "ilog", "pow4", "mmf4", "auto"}, default="pow3"
        ``pow3`` is ``a n^-b + c``. "auto" averages all laws that predicted the hidden
        sizes better than the last value did, weighted by how well. On digits and
        synthetic tables ``pow3`` had the least error at five to thirteen times the
        largest size.
    target_sizes : sequence of float, default=(2.0, 5.0, np.inf)
        Multiples of the number of rows at which `targets_` tells the score.
    backtest : int, default=2
        How many of the largest sizes are hidden to test the law.
    n_bootstrap : int, default=200
        Refits to resampled folds for the intervals.
    confidence : float, default=0.95
        Level of the intervals.
    n_jobs : int, default=None
        Folds that are worked on at once, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Draws the folds, the subsets and the refits.

    Attributes
    ----------
    train_sizes_ : ndarray of shape (n_sizes,)
        Rows trained on.
    train_scores_ : ndarray of shape (n_folds, n_sizes)
        Scores on the rows trained on.
    test_scores_ : ndarray of shape (n_folds, n_sizes)
        Scores on the test rows.
    n_samples_ : int
        Rows of the table.
    laws_ : dict
        Name, weight and parameters of each law that is used.
    backtest_errors_ : dict of str to float
        Root mean square of the logarithm of predicted over seen error at the hidden
        sizes, for each law; "constant" is the last value.
    asymptote_ : Bunch
        Score with all rows of the world: ``score``, ``lower``, ``upper``.
    gain_from_doubling_ : Bunch
        By how much twice the rows would raise the score: ``gain``, ``lower``,
        ``upper``.
    targets_ : list of Bunch
        ``n_samples``, ``score``, ``lower``, ``upper`` at each of ``target_sizes``.
    monotone_ : bool
        Whether the errors fall, as far as can be told; where they rise no law fits.
    monotone_p_value_ : float
        Probability of so much rising by chance.
    n_features_in_ : int
        Columns seen, where the estimator knows them.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where the estimator knows them.

    See Also
    --------
    ScalingLaw : A law of rows and capacity, fitted to given scores.
    sklearn.model_selection.learning_curve : The curve without its continuation.

    Notes
    -----
    Interval ends come from resampled folds, corrected for the training rows that folds
    share, and from the back test, which is taken to grow with the logarithm of the
    distance. Beyond ten times the rows nothing was tested; a warning says so.

    References
    ----------
    .. [1] T. Viering and M. Loog (2023). "The shape of learning curves: a review".
       IEEE Transactions on Pattern Analysis and Machine Intelligence 45.
       arXiv:2103.10948.
    .. [2] C. Nadeau and Y. Bengio (2003). "Inference for the generalization error".
       Machine Learning 52, 239-281.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skoverfit.model_selection import LearningCurveExtrapolator
    >>> X, y = load_digits(return_X_y=True)
    >>> curve = LearningCurveExtrapolator(
    ...     GaussianNB(var_smoothing=1e-3), n_bootstrap=50, random_state=0
    ... ).fit(X, y)
    >>> curve.train_sizes_
    array([  90,  143,  227,  360,  571,  906, 1437])
    >>> doubled = curve.targets_[0]
    >>> print(f"{curve.test_scores_.mean(axis=0)[-1]:.2f}, with {doubled.n_samples} "
    ...       f"rows {doubled.score:.2f}")
    0.91, with 3594 rows 0.91
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit"])],
        "train_sizes": [Interval(Integral, 4, None, closed="left"), "array-like"],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "optimum": [Real, StrOptions({"auto"})],
        "law": [StrOptions({*CURVE_LAWS, "auto"} - {"constant"})],
        "target_sizes": ["array-like"],
        "backtest": [Interval(Integral, 1, None, closed="left")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        train_sizes: int | ArrayLike = 7,
        cv: Any = 5,
        scoring: Any = None,
        optimum: float | str = "auto",
        law: str = "pow3",
        target_sizes: Sequence[float] = (2.0, 5.0, np.inf),
        backtest: int = 2,
        n_bootstrap: int = 200,
        confidence: float = 0.95,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.train_sizes = train_sizes
        self.cv = cv
        self.scoring = scoring
        self.optimum = optimum
        self.law = law
        self.target_sizes = target_sizes
        self.backtest = backtest
        self.n_bootstrap = n_bootstrap
        self.confidence = confidence
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, groups: ArrayLike | None = None
    ) -> LearningCurveExtrapolator:
        """Measure the curve and fit the law.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels or numbers.
        groups : array-like of shape (n_samples,), default=None
            Groups of the rows for ``cv``; subsets then grow by whole groups.

        Returns
        -------
        self
            The fitted extrapolator.

        Raises
        ------
        ValueError
            A parameter out of its range, sizes that folds don't have, a score above
            ``optimum`` or one that is no number.
        """
        self._validate_params()
        X, y, groups = indexable(X, y, groups)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        entropy = root_entropy(self.random_state)
        classifier = is_classifier(self.estimator)
        if classifier and len(np.unique(np.asarray(y))) < 2:
            raise ValueError("y has 1 class; a curve needs at least 2.")
        folds = list(
            _splitter(self.cv, y, groups, classifier, entropy).split(X, y, groups)
        )
        if len(folds) < 2:
            raise ValueError(f"cv must give at least 2 folds. Got {len(folds)}.")
        orders = [
            nested_order(
                train,
                np.asarray(y) if classifier else None,
                None if groups is None else np.asarray(groups),
                derive_generator(entropy, "order", number),
            )
            for number, (train, _) in enumerate(folds)
        ]
        sizes = self._sizes(orders, np.asarray(y) if classifier else None)
        scorer = check_scoring(self.estimator, scoring=self.scoring)
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(_scores)(clone(self.estimator), X, y, order[:size], test, scorer)
            for order, (_, test) in zip(orders, folds, strict=True)
            for size in sizes
        )
        scores = np.array([pair[:2] for pair in found]).reshape(
            len(folds), len(sizes), 2
        )
        test_scores = scores[..., 1]
        optimum = self._best_score(test_scores, scorer)
        errors = np.maximum(optimum - test_scores, 0.0)
        ratio = np.mean([len(test) / len(train) for train, test in folds])
        curve = extrapolate(
            sizes.astype(float),
            errors,
            law=self.law,
            backtest=self.backtest,
            n_bootstrap=self.n_bootstrap,
            confidence=self.confidence,
            test_train_ratio=float(ratio),
            entropy=entropy,
        )
        self.train_sizes_ = sizes
        self.train_scores_, self.test_scores_ = scores[..., 0], test_scores
        self.n_samples_ = len(np.asarray(y))
        self._publish(curve, optimum, found[-1][2])
        return self

    def _sizes(self, orders: list[np.ndarray], y: np.ndarray | None) -> np.ndarray:
        largest = min(map(len, orders))
        if isinstance(self.train_sizes, Integral):
            smallest = max(_FEWEST_ROWS, int(np.ceil(largest * _SMALLEST_SHARE)))
            if y is not None:
                # Two rows of every class that the whole fold has.
                smallest = max(smallest, max(_rows_until_twice(y[o]) for o in orders))
            sizes = np.unique(
                np.geomspace(smallest, largest, self.train_sizes).round().astype(int)
            )
        else:
            asked = np.asarray(self.train_sizes, dtype=float)
            if asked.ndim != 1 or not np.isfinite(asked).all() or (asked <= 0).any():
                raise ValueError(
                    "train_sizes must be positive numbers: counts, or shares of at "
                    f"most 1. Got {self.train_sizes!r}."
                )
            counts = asked * largest if asked.max() <= 1.0 else asked
            sizes = np.unique(counts.round().astype(int))
        needed = 3 + self.backtest
        if len(sizes) < needed or sizes[0] < 1 or sizes[-1] > largest:
            raise ValueError(
                f"train_sizes must give at least {needed} different sizes between 1 "
                f"and {largest}, the rows of the smallest training fold; "
                f"train_sizes={self.train_sizes!r} gives {sizes.tolist()}."
            )
        return sizes

    def _best_score(self, scores: np.ndarray, scorer: Any) -> float:
        if isinstance(self.optimum, str):
            optimum = 0.0 if getattr(scorer, "_sign", 1) == -1 else 1.0
        else:
            optimum = float(self.optimum)
        if not np.isfinite(scores).all():
            raise ValueError("A test score is NaN or infinite; no curve can be fitted.")
        if scores.max() > optimum + 1e-9:
            raise ValueError(
                f"optimum={self.optimum!r}: a test score is {scores.max():.6g}, above "
                f"{optimum:g}. Give the best value that the score can have."
            )
        return optimum

    def _publish(self, curve: Extrapolation, optimum: float, fitted: Any) -> None:
        self._curve = curve.state()
        self._optimum = optimum
        remember_columns(self, fitted)
        self.laws_ = {
            law.name: Bunch(weight=float(weight), params=law.named())
            for law, weight in zip(curve.laws, curve.weights, strict=True)
        }
        self.backtest_errors_ = dict(curve.backtest_errors)
        n = float(self.n_samples_)
        gain, lower, upper = curve.drop(n, 2 * n)
        self.gain_from_doubling_ = Bunch(gain=gain, lower=lower, upper=upper)
        targets = np.asarray(self.target_sizes, dtype=float) * n
        scores, low, high = self._scores_at(targets)
        self.targets_ = [
            Bunch(
                n_samples=int(size) if np.isfinite(size) else size,
                score=float(a),
                lower=float(b),
                upper=float(c),
            )
            for size, a, b, c in zip(targets, scores, low, high, strict=True)
        ]
        end = self._scores_at(np.array([np.inf]))
        self.asymptote_ = Bunch(
            score=float(end[0][0]), lower=float(end[1][0]), upper=float(end[2][0])
        )
        self.monotone_p_value_ = curve.rising_p_value
        self.monotone_ = bool(curve.rising_p_value > 1 - self.confidence)

    def _scores_at(
        self, sizes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        curve = Extrapolation.from_state(self._curve)
        low, high = curve.interval(sizes)
        return (
            self._optimum - curve(sizes),
            self._optimum - high,
            self._optimum - low,
        )

    def predict_score(self, n_samples: ArrayLike, *, return_interval: bool = False):
        """Return the expected score with so many training rows.

        Parameters
        ----------
        n_samples : float or array-like of shape (n_sizes,)
            Numbers of training rows; infinity gives the asymptote.
        return_interval : bool, default=False
            Whether the ends of the interval are returned too.

        Returns
        -------
        score : ndarray of shape (n_sizes,)
            Expected scores.
        lower, upper : ndarray of shape (n_sizes,)
            Ends of the interval; only if ``return_interval``.

        Raises
        ------
        ValueError
            If a number is not positive.
        """
        check_is_fitted(self)
        sizes = np.atleast_1d(np.asarray(n_samples, dtype=float))
        if sizes.ndim != 1 or not (sizes > 0).all():
            raise ValueError(f"n_samples must be positive. Got {n_samples!r}.")
        if (np.isfinite(sizes) & (sizes > _FARTHEST * self.train_sizes_[-1])).any():
            warnings.warn(
                f"A size is more than {_FARTHEST:g} times the largest that was "
                f"trained on ({self.train_sizes_[-1]}); nothing tells whether the law "
                "holds there.",
                SkoverfitWarning,
                stacklevel=2,
            )
        found = self._scores_at(sizes)
        return found if return_interval else found[0]

    def __sklearn_tags__(self) -> Any:
        """Take what the estimator takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = True
        return tags


def _splitter(cv: Any, y: Any, groups: Any, classifier: bool, entropy: int) -> Any:
    if not isinstance(cv, Integral):
        return check_cv(cv, y, classifier=classifier)
    # scikit-learn's own folds of an integer are consecutive rows.
    seed = int(derive_generator(entropy, "cv").integers(2**31))
    if groups is not None:
        kind: Any = StratifiedGroupKFold if classifier else GroupKFold
    else:
        kind = type(check_cv(cv, y, classifier=classifier))
    return kind(int(cv), shuffle=True, random_state=seed)


def nested_order(
    rows: np.ndarray,
    y: np.ndarray | None,
    groups: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Order rows so that every beginning is a sample of them.

    With labels each beginning has about the shares of the classes, and with groups it
    goes by whole groups.
    """
    if groups is not None:
        _, codes = np.unique(groups[rows], return_inverse=True)
        place = rng.permutation(codes.max() + 1)[codes]
        return rows[np.argsort(place, kind="stable")]
    shuffled = rng.permutation(rows)
    if y is None:
        return shuffled
    _, codes = np.unique(y[shuffled], return_inverse=True)
    counts = np.bincount(codes)
    rank = np.empty(len(codes))
    for code, count in enumerate(counts):
        rank[codes == code] = (np.arange(count) + 0.5) / count
    return shuffled[np.argsort(rank, kind="stable")]


def _rows_until_twice(labels: np.ndarray) -> int:
    """Return how many of the first rows hold each label twice, if it is there twice."""
    _, codes = np.unique(labels, return_inverse=True)
    return max(
        int(np.flatnonzero(codes == code)[:2][-1]) + 1 for code in np.unique(codes)
    )


def _scores(
    estimator: Any, X: Any, y: Any, train: np.ndarray, test: np.ndarray, scorer: Any
) -> tuple[float, float, Any]:
    known, labels = _safe_indexing(X, train), _safe_indexing(y, train)
    estimator.fit(known, labels)
    return (
        float(scorer(estimator, known, labels)),
        float(scorer(estimator, _safe_indexing(X, test), _safe_indexing(y, test))),
        estimator,
    )
