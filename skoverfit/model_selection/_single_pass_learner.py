# SPDX-License-Identifier: BSD-3-Clause
"""One pass over shuffled rows, whose scores on the way are an honest learning curve."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import assert_all_finite, column_or_1d, indexable
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils._tags import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import n_rows, take_rows
from skoverfit._core._random import derive_generator, derive_seed, root_entropy
from skoverfit._core._validation import warn
from skoverfit.calibration._inputs import checked_rows
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._repetition_curve import one_update_a_call

__all__ = ["SinglePassLearner", "fit_power_law"]

# Between them scores fall too slowly or too fast for the rows of one table to tell.
_EXPONENTS = (0.05, 4.0)


def _has(method: str) -> Callable[[Any], bool]:
    def check(learner: Any) -> bool:
        getattr(getattr(learner, "estimator_", learner.estimator), method)
        return True

    return check


class SinglePassLearner(MetaEstimatorMixin, BaseEstimator):
    """Show an estimator every row once, and score it on each batch before it learns it.

    Rows that come for the first time are test rows: the scores on the way are a
    learning curve that needs no held-out part, and no row is learnt by heart. A power
    law through them says what more rows would bring. Use it where rows are plenty;
    `repetition_curve` tells whether they are. Read more in the :doc:`User Guide
    </user_guide/inspection>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator instance
        Classifier or regressor with ``partial_fit``. Its ``batch_size``, where it has
        one, is set, so that a batch is one update.
    batch_size : int, default=128
        Rows of an update. The last batch may be smaller.
    prequential : bool, default=True
        Whether batches are scored before they are learnt, which costs predictions of
        all rows.
    scoring : str or callable, default=None
        As in scikit-learn. None is the accuracy of a classifier, and minus the mean
        squared error of a regressor.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of rows, and of an estimator that has none of its own.

    Attributes
    ----------
    estimator_ : estimator instance
        The trained clone.
    classes_ : ndarray of shape (n_classes,)
        Class labels; only of a classifier.
    n_features_in_ : int
        Columns seen.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names; only where all are strings.
    n_updates_ : int
        Batches that were learnt.
    prequential_scores_ : ndarray of shape (n_updates - 1,)
        Score on each batch from the second on, by the estimator that had not seen it;
        only with ``prequential``.
    prequential_rows_ : ndarray of shape (n_updates - 1,)
        Rows that it had seen then; only with ``prequential``.
    power_law_ : dict of str to float
        "alpha", "c" and "limit": after n rows the score is about
        ``limit - c * n ** -alpha``. Only with ``prequential`` and four scores at least.

    See Also
    --------
    repetition_curve : Whether fresh rows beat repeated ones.

    References
    ----------
    Komatsuzaki (2019), "One Epoch Is All You Need", arXiv:1906.06669.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import SGDClassifier
    >>> from skoverfit.model_selection import SinglePassLearner
    >>> X, y = make_classification(5000, 20, random_state=0)
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
    >>> learner = SinglePassLearner(sgd, batch_size=50, random_state=0)
    >>> learner.fit(X[:2000], y[:2000]).prequential_scores_.shape
    (39,)
    >>> told, true = learner.predicted_score_at(2000), learner.score(X[2000:], y[2000:])
    >>> print(f"{told:.2f} {true:.2f}")
    0.94 0.95
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["partial_fit", "predict"])],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "prequential": ["boolean"],
        "scoring": [str, callable, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        batch_size: int = 128,
        prequential: bool = True,
        scoring: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.batch_size = batch_size
        self.prequential = prequential
        self.scoring = scoring
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SinglePassLearner:
        """Learn the rows in one pass.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Independent rows; their order is drawn anew.
        y : array-like of shape (n_samples,)
            Labels or numbers.

        Returns
        -------
        SinglePassLearner
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or the rows can't be used.
        """
        self._validate_params()
        name = type(self).__name__
        classes = None
        if is_classifier(self.estimator):
            X, y, _ = checked_rows(name, X, y, None)
            classes = np.unique(y)
            if len(classes) < 2:
                raise BadInputError(
                    f"{name} can't train when only one class is present: "
                    f"{classes.tolist()}."
                )
        else:
            if y is None:
                raise ValueError(
                    f"{name} requires y to be passed, but the target y is None."
                )
            X, y = indexable(X, y)
            y = column_or_1d(y, warn=True)
            assert_all_finite(y, input_name="y")
        if not n_rows(X):
            raise BadInputError("X has no rows; there is nothing to learn.")
        entropy = root_entropy(self.random_state)
        model = one_update_a_call(
            clone(self.estimator),
            min(self.batch_size, n_rows(X)),
            derive_seed(entropy, "estimator"),
        )
        order = derive_generator(entropy, "rows").permutation(n_rows(X))
        scorer = self._scorer(model) if self.prequential else None
        told, scores, seen = {} if classes is None else {"classes": classes}, [], []
        for first in range(0, len(order), self.batch_size):
            batch = order[first : first + self.batch_size]
            rows, labels = take_rows(X, batch), take_rows(y, batch)
            if first and scorer is not None:
                scores.append(float(scorer(model, rows, labels)))
                seen.append(first)
            if first and len(batch) < self.batch_size:  # the last, and it is smaller
                one_update_a_call(model, len(batch), 0)
            model.partial_fit(rows, labels, **told)
            told = {}
        # Nothing is set before everything went well.
        for attribute in ("prequential_scores_", "prequential_rows_", "power_law_"):
            self.__dict__.pop(attribute, None)
        if classes is not None:
            self.classes_ = classes
        self.estimator_ = model
        self.n_updates_ = -(-len(order) // self.batch_size)
        if scorer is not None:
            self.prequential_scores_ = np.array(scores)
            self.prequential_rows_ = np.array(seen)
            if len(scores) >= 4:
                self.power_law_ = fit_power_law(
                    self.prequential_rows_, self.prequential_scores_
                )
        return self

    def _scorer(self, model: Any) -> Any:
        default = "accuracy" if is_classifier(model) else "neg_mean_squared_error"
        return check_scoring(model, self.scoring or default)

    def predicted_score_at(self, n: int) -> float:
        """Return the score that the power law gives after so many rows.

        Far beyond the rows that were seen it is a guess, and a warning says so.

        Parameters
        ----------
        n : int
            Rows.

        Returns
        -------
        float
            The score, at most the limit of the law.

        Raises
        ------
        BadInputError
            If ``n`` is below 1, or there were too few scores for a law.
        """
        check_is_fitted(self)
        if not hasattr(self, "power_law_"):
            raise BadInputError(
                "There is no power law: fit with prequential=True and at least five "
                "batches."
            )
        if not n >= 1:
            raise BadInputError(f"The 'n' parameter must be at least 1. Got {n!r}.")
        seen = int(self.prequential_rows_[-1])
        if n > 10 * seen:
            warn(
                f"{n} rows are more than ten times the {seen} that the power law was "
                "fitted to; the score is a guess."
            )
        law = self.power_law_
        return law["limit"] - law["c"] * float(n) ** -law["alpha"]

    @property
    def n_features_in_(self) -> int:
        """Columns seen."""
        check_is_fitted(self)
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns seen."""
        check_is_fitted(self)
        return self.estimator_.feature_names_in_

    def predict(self, X: Any) -> np.ndarray:
        """Predict with the trained estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels or numbers.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the trained classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the decision values of the trained classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision values.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def score(self, X: Any, y: Any) -> float:
        """Return the trained estimator's own score.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            New rows.
        y : array-like of shape (n_samples,)
            Their labels or numbers.

        Returns
        -------
        float
            Accuracy, or R squared.
        """
        check_is_fitted(self)
        return float(self.estimator_.score(X, y))

    def __sklearn_tags__(self) -> Any:
        """Take what the estimator takes, and be what it is."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = False
        tags.target_tags.single_output = True
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags.required = True
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = inner.input_tags.string
        tags.input_tags.categorical = inner.input_tags.categorical
        return tags


def fit_power_law(rows: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Fit a limit and a fall towards it by least squares.

    For each exponent the rest is linear, so that only the exponent is searched. A score
    that doesn't rise has ``c=0``.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.model_selection._single_pass_learner import fit_power_law
    >>> n = np.arange(1, 50)
    >>> law = fit_power_law(n, 0.9 - 0.4 * n**-0.5)
    >>> {name: round(value, 2) for name, value in law.items()}
    {'alpha': 0.5, 'c': 0.4, 'limit': 0.9}
    """
    n, values = np.asarray(rows, dtype=float), np.asarray(scores, dtype=float)

    def linear(exponent: float) -> tuple[float, float, float]:
        # In units of the first count, so that no power vanishes.
        basis = (n / n[0]) ** -exponent
        centred = basis - basis.mean()
        slope = float(centred @ values / (centred @ centred))
        c = max(0.0, -slope)
        limit = float(values.mean() + c * basis.mean())
        return float(((limit - c * basis - values) ** 2).sum()), c, limit

    grid = np.geomspace(*_EXPONENTS, 40)
    best = int(np.argmin([linear(a)[0] for a in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(lambda a: linear(a)[0], bounds=around, method="bounded")
    alpha = float(found.x if found.fun < linear(grid[best])[0] else grid[best])
    _, c, limit = linear(alpha)
    return {"alpha": alpha, "c": c * float(n[0]) ** alpha, "limit": limit}
