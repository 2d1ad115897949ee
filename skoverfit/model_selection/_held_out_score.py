# SPDX-License-Identifier: BSD-3-Clause
"""Score stored predictions of held-out rows, for many weightings of the rows at once.

A scorer of scikit-learn asks a model for predictions. Here they exist already: a score
is taken from them again in a thousand draws of the rows. Most scores are a function of
sums over rows (means, confusion matrices) or of ranks, and need no loop over the draws;
any other is asked by a stand-in that returns what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    get_scorer,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.metrics._scorer import _BaseScorer

from skoverfit.exceptions import BadInputError

__all__ = ["HeldOutScore", "Predictions", "StoredModel", "predict_held_out"]

Predictions = Mapping[str, np.ndarray]
_METHODS = ("predict_proba", "decision_function", "predict")
# (n_rows, n_sums) of a candidate; and (..., n_sums) of sums -> (...) scores.
Sums = Callable[[np.ndarray], np.ndarray]


class StoredModel(BaseEstimator):
    """A model that returns stored predictions for the numbers of rows.

    Parameters
    ----------
    predictions : mapping of str to ndarray
        What each method returned for all rows.
    classes : ndarray of shape (n_classes,) or None
        The labels; None for a regressor.
    """

    def __init__(self, predictions: Predictions, classes: np.ndarray | None) -> None:
        self.predictions = predictions
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS and name in self.__dict__.get("predictions", {}):

            def stored(rows: np.ndarray) -> np.ndarray:
                return self._stored(name, rows)

            stored.__name__ = name  # by which scikit-learn tells what it called
            return stored
        raise AttributeError(f"There are no stored answers of {name!r}.")

    def _stored(self, name: str, rows: np.ndarray) -> np.ndarray:
        found = self.predictions[name][np.asarray(rows).ravel()]
        if name == "predict" and self.classes is not None:
            return np.asarray(self.classes[found])
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.classes is None else "classifier"
        if self.classes is not None:
            from sklearn.utils import ClassifierTags

            tags.classifier_tags = ClassifierTags()
        return tags


def predict_held_out(
    model: Any, X: Any, methods: Sequence[Sequence[str]], classes: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Ask a fitted model for what a score needs of held-out rows.

    Parameters
    ----------
    model : estimator
        Fitted.
    X : rows
        As the model takes them.
    methods : sequence of sequence of str
        Of each inner sequence the first method that the model has is asked.
    classes : ndarray of shape (n_classes,) or None
        All labels; a class that the model did not see gets probability 0.

    Returns
    -------
    dict of str to ndarray
        Predicted labels as codes, everything else as float64.

    Raises
    ------
    ValueError
        Where the model has none of the methods or returns no numbers.
    """
    found: dict[str, np.ndarray] = {}
    for options in methods:
        name = next((m for m in options if hasattr(model, m)), None)
        if name is None:
            raise ValueError(
                f"{type(model).__name__} has no {' or '.join(options)}, which the "
                "score needs"
            )
        if name in found:
            continue
        values = np.asarray(getattr(model, name)(X))
        if name == "predict" and classes is not None:
            codes = np.searchsorted(classes, values).clip(max=len(classes) - 1)
            if not (classes[codes] == values).all():
                raise ValueError("predict returned labels that are not in y")
            found[name] = codes.astype(np.int64)
            continue
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} gave NaN or infinity")
        known = np.asarray(getattr(model, "classes_", classes))
        if values.ndim == 2 and classes is not None and len(known) < len(classes):
            least = 0.0 if name == "predict_proba" else values.min() - 1.0
            wide = np.full((len(values), len(classes)), least)
            wide[:, np.searchsorted(classes, known)] = values
            values = wide
        found[name] = values
    return found


@dataclass(frozen=True)
class _Rule:
    """How a score follows from sums over rows: sums of what, and which function."""

    rows: Callable[[np.ndarray, np.ndarray], np.ndarray]
    finish: Sums


class HeldOutScore:
    """A score of stored predictions; higher is better.

    Parameters
    ----------
    scoring : str, callable or None
        As in scikit-learn. None is balanced accuracy for a classifier, which nobody
        gains in by guessing the common class, and R2 for a regressor.
    estimator : estimator
        What is scored.
    classes : ndarray of shape (n_classes,) or None
        The labels, for a classifier.

    Attributes
    ----------
    name : str
        What a report calls it.
    scorer : callable
        ``scorer(estimator, X, y)``.
    methods : list of tuple of str
        What `predict_held_out` has to ask for.
    is_fast : bool
        Whether it needs no loop over draws.
    pooled : bool
        Whether rows of all folds are scored together. Where a score ranks rows it is
        taken in each fold and averaged, since models of different folds are not on one
        scale.
    """

    def __init__(
        self, scoring: Any, estimator: Any, classes: np.ndarray | None
    ) -> None:
        self.classes = classes
        if scoring is None:
            scoring = "r2" if classes is None else "balanced_accuracy"
        if isinstance(scoring, str):
            self.name, self.scorer = scoring, get_scorer(scoring)
        elif callable(scoring):
            function = getattr(scoring, "_score_func", scoring)
            self.name, self.scorer = getattr(function, "__name__", "score"), scoring
        else:
            raise BadInputError(
                "scoring must be one score, by its name or as a callable. Got "
                f"{scoring!r}; the other scores of the winner are for cross_validate."
            )
        method = getattr(self.scorer, "_response_method", None)
        if isinstance(self.scorer, _BaseScorer) and method is not None:
            options = (method,) if isinstance(method, str) else tuple(method)
            self.methods = [tuple("predict" if m == "default" else m for m in options)]
        else:
            self.methods = [(name,) for name in _METHODS if hasattr(estimator, name)]
        self._rule = self._sums()
        self._ranking = self._ranks()
        self.is_fast = self._rule is not None or self._ranking is not None
        self.pooled = self._rule is not None or self.methods == [("predict",)]

    def judge(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        held_out: Sequence[Sequence[Predictions]],
        weight: np.ndarray | None = None,
    ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return what maps counts of rows to scores.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Codes of the labels, or numbers.
        parts : sequence of (int, ndarray)
            The repeat and the rows of each fold.
        held_out : sequence over candidates of sequence over folds of mapping
            Predictions, in the order of ``parts``.
        weight : ndarray of shape (n_rows,), default=None
            Weights of the rows.

        Returns
        -------
        callable
            ``judge(counts)`` with counts of shape (n_draws, n_rows) returns scores of
            shape (n_draws, n_candidates) and of the folds, of shape (n_draws, n_folds,
            n_candidates).
        """
        repeats = np.array([repeat for repeat, _ in parts])
        by_candidate = [
            self._candidate(y, parts, predictions, repeats) for predictions in held_out
        ]

        def judge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            used = counts if weight is None else counts * weight
            found = [score(np.asarray(used, dtype=float)) for score in by_candidate]
            scores = np.stack([whole for whole, _ in found], axis=-1)
            return scores, np.stack([folds for _, folds in found], axis=-1)

        return judge

    def _candidate(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        predictions: Sequence[Predictions],
        repeats: np.ndarray,
    ) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return what maps counts to the scores of one candidate."""
        if self._rule is not None:
            rule = self._rule
            # Squares of numbers far from 0 lose digits, and only differences count.
            shift = y.mean() if self.classes is None else 0
            sums = [
                rule.rows(y[rows] - shift, self._given(given) - shift)
                for (_, rows), given in zip(parts, predictions, strict=True)
            ]

            def by_sums(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                # One product a candidate and fold: equal candidates, equal rounding.
                found = np.stack(
                    [
                        counts[:, rows] @ own
                        for (_, rows), own in zip(parts, sums, strict=True)
                    ],
                    axis=1,
                )
                pooled = [
                    rule.finish(found[:, repeats == r].sum(axis=1))
                    for r in np.unique(repeats)
                ]
                return _mean(np.stack(pooled, axis=1)), rule.finish(found)

            return by_sums
        scores = [
            self._ranked(y[rows], given)
            if self._ranking is not None
            else self._asked(y[rows], given)
            for (_, rows), given in zip(parts, predictions, strict=True)
        ]

        def by_folds(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            found = np.stack(
                [
                    score(counts[:, rows])
                    for (_, rows), score in zip(parts, scores, strict=True)
                ],
                axis=1,
            )
            if not self.pooled:
                return _mean(found), found
            pooled = [
                self._pooled(y, parts, predictions, repeats == r, counts)
                for r in np.unique(repeats)
            ]
            return _mean(np.stack(pooled, axis=1)), found

        return by_folds

    def _pooled(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        predictions: Sequence[Predictions],
        chosen: np.ndarray,
        counts: np.ndarray,
    ) -> np.ndarray:
        folds = np.flatnonzero(chosen).tolist()
        rows = np.concatenate([parts[k][1] for k in folds])
        given = {
            name: np.concatenate([predictions[k][name] for k in folds])
            for name in predictions[folds[0]]
        }
        return self._asked(y[rows], given)(counts[:, rows])

    def _given(self, predictions: Predictions) -> np.ndarray:
        return next(iter(predictions.values()))

    # --- scores that are functions of sums -----

    def _function(self) -> tuple[Any, dict[str, Any]]:
        if not isinstance(self.scorer, _BaseScorer):
            return None, {}
        return self.scorer._score_func, dict(self.scorer._kwargs)

    def _sums(self) -> _Rule | None:
        function, options = self._function()
        known = options in ({}, {"labels": None})
        if self.classes is None:
            return _REGRESSION.get(function) if known else None
        k = len(self.classes)
        if self.methods == [("predict",)]:
            finish = _confusion_score(function, options, self.classes)
            if finish is None:
                return None
            return _Rule(
                lambda y, given: np.eye(k * k)[y * k + given],
                lambda sums: finish(sums.reshape(*sums.shape[:-1], k, k)),
            )
        if function is log_loss and known:
            return _Rule(_log_losses, _minus_mean)
        if function is brier_score_loss and k == 2 and known:
            return _Rule(_brier_rows, _minus_mean)
        return None

    # --- scores of ranks -----

    def _ranks(self) -> Callable[[np.ndarray], np.ndarray] | None:
        function, options = self._function()
        if self.classes is None or len(self.classes) != 2 or options:
            return None
        return {roc_auc_score: _auc, average_precision_score: _precision}.get(function)

    def _ranked(
        self, y: np.ndarray, predictions: Predictions
    ) -> Callable[[np.ndarray], np.ndarray]:
        given = self._given(predictions)
        values = given[:, 1] if given.ndim == 2 else given
        order = np.argsort(-values, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0])
        positive = y[order] == 1
        finish = self._ranking
        assert finish is not None

        def score(counts: np.ndarray) -> np.ndarray:
            drawn = counts[:, order]
            hits = np.add.reduceat(drawn * positive, starts, axis=1)
            misses = np.add.reduceat(drawn * ~positive, starts, axis=1)
            return np.asarray(finish(np.stack([hits, misses])))

        return score

    # --- any other score -----

    def _asked(
        self, y: np.ndarray, predictions: Predictions
    ) -> Callable[[np.ndarray], np.ndarray]:
        model = StoredModel(predictions, self.classes)
        labels = y if self.classes is None else self.classes[y]

        def one(counts: np.ndarray) -> float:
            rows = np.repeat(np.arange(len(y)), counts.astype(np.int64))
            if not len(rows):
                return np.nan
            try:
                return float(self.scorer(model, rows[:, None], labels[rows]))
            except ValueError:  # a draw without one of the classes
                return np.nan

        def score(counts: np.ndarray) -> np.ndarray:
            return np.array([one(draw) for draw in counts])

        return score


def _mean(scores: np.ndarray) -> np.ndarray:
    """Average over folds or repeats that have a score; NaN where none has."""
    there = np.isfinite(scores)
    total = np.where(there, scores, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / there.sum(axis=1))


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below)


def _with_ones(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, np.ones(len(values))])


def _minus_mean(sums: np.ndarray) -> np.ndarray:
    return -_divide(sums[..., 0], sums[..., 1])


def _log_losses(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    # As scikit-learn's log_loss: clipped by the precision, rows that sum to one.
    eps = np.finfo(proba.dtype).eps
    proba = np.clip(proba, eps, 1 - eps)
    proba = proba / proba.sum(axis=1, keepdims=True)
    return _with_ones(-np.log(proba[np.arange(len(y)), y]))


def _brier_rows(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    return _with_ones((y - proba[:, 1]) ** 2)


def _r2(sums: np.ndarray) -> np.ndarray:
    squared, own, square, n = np.moveaxis(sums, -1, 0)
    spread = square - _divide(own**2, n)
    spread = np.where(spread > 1e-12 * np.abs(square), spread, np.nan)
    return 1.0 - _divide(squared, spread)


_REGRESSION: dict[Any, _Rule] = {
    r2_score: _Rule(
        lambda y, given: np.column_stack([(y - given) ** 2, y, y**2, np.ones(len(y))]),
        _r2,
    ),
    mean_squared_error: _Rule(
        lambda y, given: _with_ones((y - given) ** 2), _minus_mean
    ),
    mean_absolute_error: _Rule(
        lambda y, given: _with_ones(np.abs(y - given)), _minus_mean
    ),
    root_mean_squared_error: _Rule(
        lambda y, given: _with_ones((y - given) ** 2),
        lambda sums: -np.sqrt(-_minus_mean(sums)),
    ),
}


def _confusion_score(
    function: Any, options: dict[str, Any], classes: np.ndarray
) -> Sums | None:
    """Return the score of confusion matrices (..., n_classes, n_classes)."""
    if function is accuracy_score and not options:
        return lambda m: _divide(np.trace(m, axis1=-2, axis2=-1), m.sum(axis=(-2, -1)))
    if function is balanced_accuracy_score and not options:

        def balanced(m: np.ndarray) -> np.ndarray:
            hits = np.diagonal(m, axis1=-2, axis2=-1)
            recall = _divide(hits, m.sum(axis=-1))
            # As scikit-learn: the mean over the classes that there are.
            there = np.isfinite(recall)
            return _divide(np.where(there, recall, 0).sum(axis=-1), there.sum(axis=-1))

        return balanced
    average = options.get("average")
    if function is f1_score and set(options) <= {"average", "pos_label"}:
        if average not in ("binary", "macro"):
            return None
        positive = np.flatnonzero(classes == options.get("pos_label", 1))
        if average == "binary" and (len(classes) != 2 or not len(positive)):
            return None

        def f1(m: np.ndarray) -> np.ndarray:
            hits = np.diagonal(m, axis1=-2, axis2=-1)
            total = m.sum(axis=-1) + m.sum(axis=-2)
            each = np.where(total > 0, _divide(2 * hits, total), 0.0)
            if average == "binary":
                return np.asarray(each[..., positive[0]])
            there = (total > 0).sum(axis=-1)  # as scikit-learn, of the labels met
            return _divide(each.sum(axis=-1), there)

        return f1
    return None


def _auc(ranked: np.ndarray) -> np.ndarray:
    """Mann-Whitney, ties count half; from hits and misses in order of the score."""
    hits, misses = ranked
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    won = (hits * (below + 0.5 * misses)).sum(axis=1)
    return _divide(won, hits.sum(axis=1) * misses.sum(axis=1))


def _precision(ranked: np.ndarray) -> np.ndarray:
    """Average precision from hits and misses in order of the score."""
    hits, misses = np.cumsum(ranked, axis=2)
    share = np.where(ranked[0] > 0, _divide(hits, hits + misses), 0.0)
    return _divide((ranked[0] * share).sum(axis=1), hits[:, -1])
