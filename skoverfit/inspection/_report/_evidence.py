# SPDX-License-Identifier: BSD-3-Clause
"""The one cross-validation that most sections read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skoverfit.inspection._report._problem import Problem, Split

__all__ = ["Evidence", "gather"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Results of J fits on every row.

    Attributes
    ----------
    splits : list of (train, test)
        J = folds times ``n_repeats``; repeats one after the other.
    loss : ndarray of shape (J, n_samples) of float32
        Loss of every model on every row.
    correct : ndarray of shape (J, n_samples) of bool, or None
        Whether the predicted class is right; None for regression.
    in_train, in_test : ndarray of shape (J, n_samples) of bool
        Which rows were in the parts.
    train_score, test_score : ndarray of shape (J,)
        Primary score; higher is better.
    train_signal, test_signal : ndarray of shape (J,)
        See `Judge.signal`.
    dummy_score : ndarray of shape (J,)
        Test score of class shares (the mean) of the training part: minus the mean
        loss, also where there is a scorer (then it is compared by nobody).
    proba : ndarray of shape (n_repeats, n_samples, n_classes) of float32, or None
        Out-of-fold probabilities.
    prediction : ndarray of shape (n_repeats, n_samples)
        Out-of-fold predictions: class codes or numbers.
    n_repeats : int
    test_train_ratio : float
        Rows tested over rows trained on.
    seconds_per_fit : float
    """

    splits: list[Split]
    loss: np.ndarray
    correct: np.ndarray | None
    in_train: np.ndarray
    in_test: np.ndarray
    train_score: np.ndarray
    test_score: np.ndarray
    train_signal: np.ndarray
    test_signal: np.ndarray
    dummy_score: np.ndarray
    proba: np.ndarray | None
    prediction: np.ndarray
    n_repeats: int
    test_train_ratio: float
    seconds_per_fit: float

    @property
    def n_fits(self) -> int:
        return len(self.splits)

    def out_of_fold_loss(self) -> np.ndarray:
        """Return each row's mean loss over the fits that tested it."""
        total = np.where(self.in_test, self.loss, 0.0).sum(axis=0)
        return total / self.in_test.sum(axis=0)

    def in_sample_loss(self) -> np.ndarray:
        """Return each row's mean loss over the fits that trained on it."""
        total = np.where(self.in_train, self.loss, 0.0).sum(axis=0)
        return total / self.in_train.sum(axis=0)

    def mean_proba(self) -> np.ndarray | None:
        """Return out-of-fold probabilities, averaged over repeats; None without."""
        if self.proba is None:
            return None
        return np.asarray(self.proba, dtype=np.float64).mean(axis=0)


def gather(problem: Problem, splits: list[Split], n_repeats: int) -> Evidence:
    """Fit the folds, a few at a time, and keep what the sections need."""
    n, n_fits = problem.n_samples, len(splits)
    loss = np.empty((n_fits, n), dtype=np.float32)
    correct = np.empty((n_fits, n), dtype=bool) if problem.is_classification else None
    in_train = np.zeros((n_fits, n), dtype=bool)
    in_test = np.zeros((n_fits, n), dtype=bool)
    scores = np.empty((5, n_fits))
    seconds = np.empty(n_fits)
    shape: tuple[int, ...] = (n_repeats, n)
    prediction = np.zeros(shape, dtype=np.float64 if correct is None else np.int64)
    proba = None
    if problem.judge.has_proba and problem.classes is not None:
        proba = np.zeros((*shape, len(problem.classes)), dtype=np.float32)
    per_repeat = n_fits // n_repeats
    # One repeat at a time: answers for all rows are big.
    for repeat in range(n_repeats):
        first = repeat * per_repeat
        part = splits[first : first + per_repeat]
        fits = problem.fit_folds(
            part, "engine", repeat, train_too=True, everything=True
        )
        for number, fit in enumerate(fits, first):
            train, test, answer = fit.train_rows, fit.test_rows, fit.test
            in_train[number, train] = True
            in_test[number, test] = True
            loss[number] = answer.loss
            if correct is not None:
                correct[number] = answer.prediction == problem.y
            prediction[repeat, test] = answer.prediction[test]
            if proba is not None and answer.proba is not None:
                proba[repeat, test] = answer.proba[test]
            assert fit.train is not None
            scores[:, number] = (
                fit.train_score,
                fit.test_score,
                problem.judge.signal(problem.y[train], fit.train),
                fit.test_signal,
                -_dummy_loss(problem, train, test),
            )
            seconds[number] = fit.seconds
    sizes = [(len(test) / len(train)) for train, test in splits]
    return Evidence(
        splits=splits,
        loss=loss,
        correct=correct,
        in_train=in_train,
        in_test=in_test,
        train_score=scores[0],
        test_score=scores[1],
        train_signal=scores[2],
        test_signal=scores[3],
        dummy_score=scores[4],
        proba=proba,
        prediction=prediction,
        n_repeats=n_repeats,
        test_train_ratio=float(np.mean(sizes)),
        seconds_per_fit=float(seconds.mean()),
    )


def _dummy_loss(problem: Problem, train: np.ndarray, test: np.ndarray) -> float:
    """Return the loss of a model that knows no column."""
    y, weights = problem.y, problem.sample_weight
    w_train = np.ones(len(train)) if weights is None else weights[train]
    w_test = None if weights is None else weights[test]
    if problem.classes is None:
        mean = np.average(y[train], weights=w_train)
        loss = (y[test] - mean) ** 2 / problem.judge.scale
    else:
        n_classes = len(problem.classes)
        counts = np.bincount(y[train], weights=w_train, minlength=n_classes)
        if problem.judge.has_proba:
            shares = (counts + 0.5) / (counts.sum() + 0.5 * n_classes)
            loss = -np.log(shares[y[test]])
        else:
            loss = (y[test] != counts.argmax()).astype(np.float64)
    return float(np.average(loss, weights=w_test))
