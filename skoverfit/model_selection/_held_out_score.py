# SPDX-License-Identifier: BSD-3-Clause
"""Score stored predictions of held-out rows, for many weightings of the rows at once.

A scorer of scikit-learn asks a model for predictions. Here they exist already: a score
is taken from them again in a thousand draws of the rows. Most scores are a function of
sums over rows (means, confusion matrices) or of ranks, and need no loop over the draws;
any other is asked by a stand-in that returns what was stored.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.metrics._scorer import _BaseScorer

from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._bootstrap_selection import Judge
from skoverfit.model_selection._score_sums import (
    mean_of_known,
    rank_rule,
    sum_rule,
)

__all__ = ["HeldOutScore", "Predictions", "StoredModel", "predict_held_out"]

Predictions = Mapping[str, np.ndarray]
_METHODS = ("predict_proba", "decision_function", "predict")


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
            named = getattr(scoring, "_score_func", scoring)
            self.name, self.scorer = getattr(named, "__name__", "score"), scoring
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
        function: Any = None
        kwargs: dict[str, Any] = {}
        if isinstance(self.scorer, _BaseScorer):
            function, kwargs = self.scorer._score_func, dict(self.scorer._kwargs)
        from_labels = self.methods == [("predict",)]
        self._rule = sum_rule(function, kwargs, classes, from_labels=from_labels)
        self._ranking = rank_rule(function, kwargs, classes)
        self.is_fast = self._rule is not None or self._ranking is not None
        self.pooled = self._rule is not None or from_labels

    def judge(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        held_out: Sequence[Sequence[Predictions]],
    ) -> Judge:
        """Return what maps counts of rows to scores.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Codes of the labels, or numbers.
        parts : sequence of (int, ndarray)
            The repeat and the rows of each fold.
        held_out : sequence over candidates of sequence over folds of mapping
            Predictions, in the order of ``parts``.

        Returns
        -------
        callable
            ``judge(counts)`` with counts of shape (n_draws, n_rows) returns scores of
            shape (n_draws, n_candidates) and of the folds, of shape (n_draws, n_folds,
            n_candidates).
        """
        score = self._by_sums if self._rule is not None else self._by_folds
        return score(y, parts, held_out)

    def _by_sums(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        held_out: Sequence[Sequence[Predictions]],
    ) -> Judge:
        rule = self._rule
        assert rule is not None
        # Squares of numbers far from 0 lose digits, and only differences count.
        shift = y.mean() if self.classes is None else 0
        tables, places = [], []
        for k, (_, rows) in enumerate(parts):
            sums = [
                rule.rows(y[rows] - shift, self._given(own[k]) - shift)
                for own in held_out
            ]
            # Equal candidates share a place: no product may round them unequally.
            found: dict[bytes, int] = {}
            places.append([found.setdefault(s.tobytes(), len(found)) for s in sums])
            first = [places[-1].index(place) for place in range(len(found))]
            tables.append(np.hstack([sums[c] for c in first]))
        n_sums = tables[0].shape[1] // (max(places[0]) + 1)
        repeats = np.array([repeat for repeat, _ in parts])

        def judge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            used = np.asarray(counts, dtype=float)
            by_fold = []
            for (_, rows), table, place in zip(parts, tables, places, strict=True):
                sums = used[:, rows] @ table
                by_fold.append(sums.reshape(len(used), -1, n_sums)[:, place])
            sums = np.stack(by_fold, axis=1)
            pooled = [
                rule.finish(sums[:, repeats == r].sum(axis=1))
                for r in np.unique(repeats)
            ]
            return mean_of_known(np.stack(pooled, axis=1)), rule.finish(sums)

        return judge

    def _by_folds(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        held_out: Sequence[Sequence[Predictions]],
    ) -> Judge:
        one_fold = self._asked if self._ranking is None else self._ranked
        by_fold = [
            [one_fold(y[rows], own[k]) for own in held_out]
            for k, (_, rows) in enumerate(parts)
        ]
        together = self._repeats(y, parts, held_out) if self.pooled else []

        def judge(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            folds = []
            for (_, rows), scores in zip(parts, by_fold, strict=True):
                drawn = counts[:, rows]
                folds.append(np.stack([score(drawn) for score in scores], axis=-1))
            found = np.stack(folds, axis=1)
            if not self.pooled:
                return mean_of_known(found), found
            pooled = []
            for rows, scores in together:
                drawn = counts[:, rows]
                pooled.append(np.stack([score(drawn) for score in scores], axis=-1))
            return mean_of_known(np.stack(pooled, axis=1)), found

        return judge

    def _repeats(
        self,
        y: np.ndarray,
        parts: Sequence[tuple[int, np.ndarray]],
        held_out: Sequence[Sequence[Predictions]],
    ) -> list[tuple[np.ndarray, list[Callable[[np.ndarray], np.ndarray]]]]:
        """Return rows and scores of all folds of each repeat together."""
        found = []
        for repeat in dict.fromkeys(repeat for repeat, _ in parts):
            folds = [k for k, (number, _) in enumerate(parts) if number == repeat]
            rows = np.concatenate([parts[k][1] for k in folds])
            scores = [
                self._asked(
                    y[rows],
                    {
                        name: np.concatenate([own[k][name] for k in folds])
                        for name in own[folds[0]]
                    },
                )
                for own in held_out
            ]
            found.append((rows, scores))
        return found

    def _given(self, predictions: Predictions) -> np.ndarray:
        return next(iter(predictions.values()))

    # --- scores of ranks -----

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
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    return float(self.scorer(model, rows[:, None], labels[rows]))
                except ValueError:  # a draw without one of the classes
                    return np.nan

        def score(counts: np.ndarray) -> np.ndarray:
            return np.array([one(draw) for draw in counts])

        return score
