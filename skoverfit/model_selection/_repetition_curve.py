# SPDX-License-Identifier: BSD-3-Clause
"""Would more rows help, or more epochs? Scores by how often rows are repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, validate_params

from skoverfit._core._arrays import take_rows
from skoverfit._core._random import derive_generator, derive_seed, root_entropy
from skoverfit._core._validation import check_labels, check_same_length
from skoverfit.exceptions import BadInputError

__all__ = ["RepetitionCurve", "repetition_curve", "train_in_batches"]


@dataclass(frozen=True, kw_only=True)
class RepetitionCurve:
    """Result of :func:`repetition_curve`; its attributes are described there."""

    repetitions: np.ndarray
    unique_rows: np.ndarray
    n_updates: int
    n_row_visits: int
    batch_size: int
    train_scores: np.ndarray
    test_scores: np.ndarray

    @property
    def penalties(self) -> np.ndarray:
        """Return what each repetition costs against the smallest one, by split."""
        return self.test_scores[:1] - self.test_scores


@validate_params(
    {
        "estimator": "no_validation",
        "X": "no_validation",
        "y": "no_validation",
        "total_updates": [Interval(Integral, 1, None, closed="left"), None],
        "repetitions": ["array-like"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "cv": "no_validation",
        "scoring": "no_validation",
        "groups": "no_validation",
        "n_jobs": [Integral, None],
        "random_state": "no_validation",
    },
    prefer_skip_nested_validation=True,
)
def repetition_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    total_updates: int | None = None,
    repetitions: Sequence[int] = (1, 2, 5, 10, 50),
    batch_size: int = 128,
    cv: Any = 5,
    scoring: Any = None,
    groups: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> RepetitionCurve:
    """Compare fresh rows with repeated ones at the same number of updates.

    A learning curve gives fewer rows fewer updates, too, or the same epochs. Here each
    arm does ``total_updates`` updates of ``batch_size`` rows: with ``K`` repetitions
    they are a K-th of the rows, K times over. Where the test score falls, new rows are
    worth more than epochs; where it doesn't, the table has more rows than are needed
    for these updates.

    Parameters
    ----------
    estimator : estimator object
        Has ``partial_fit``: a net of this library or of skorch, or an estimator of
        scikit-learn; or a pipeline that ends in such. It is cloned. The steps before it
        are fitted to the distinct rows of the arm. A parameter ``batch_size`` is set,
        so that a call is one update.
    X : table of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Labels or numbers.
    total_updates : int, default=None
        Updates of each arm. None is as many as the rows of the smallest training part
        allow where each is seen once.
    repetitions : sequence of int, default=(1, 2, 5, 10, 50)
        How often each row is seen. Where that doesn't come out even, the last pass is
        cut short.
    batch_size : int, default=128
        Rows of an update.
    cv : int, splitter or iterable of (train, test), default=5
        Test parts, the same for all arms.
    scoring : str or callable, default=None
        As in scikit-learn; the estimator's own score by default.
    groups : array-like of shape (n_samples,), default=None
        For splitters that need groups.
    n_jobs : int, default=None
        Jobs over splits and repetitions.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of rows, and of an estimator that has none of its own. The
        rows of an arm with more repetitions are among those of one with fewer.

    Returns
    -------
    RepetitionCurve
        Frozen dataclass with the attributes

        - ``repetitions``: rising;
        - ``unique_rows``: distinct rows of each;
        - ``n_updates``, ``n_row_visits``, ``batch_size``: the same for all;
        - ``train_scores``, ``test_scores``: of shape (n_repetitions, n_splits), on the
          distinct rows of the arm and on the test part;
        - ``penalties``: test score with the fewest repetitions minus test score.

    Raises
    ------
    BadInputError
        If the estimator has no ``partial_fit``, a training part has too few rows for
        the updates, or an arm would have fewer distinct rows than a batch.

    See Also
    --------
    skoverfit.inspection.RepetitionCurveDisplay : Picture of it.
    sklearn.model_selection.learning_curve : Scores by rows, with as many updates as
        these give.

    References
    ----------
    Komatsuzaki (2019), "One Epoch Is All You Need", arXiv:1906.06669.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skoverfit.model_selection import repetition_curve
    >>> X, y = make_classification(4000, 40, n_informative=10, random_state=0)
    >>> sgd = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
    >>> model = make_pipeline(StandardScaler(), sgd)
    >>> curve = repetition_curve(
    ...     model, X, y, repetitions=(1, 10, 40), batch_size=32, random_state=0)
    >>> curve.n_updates, curve.unique_rows
    (100, array([3200,  320,   80]))
    >>> curve.test_scores.mean(axis=1).round(2)
    array([0.74, 0.74, 0.66])
    """
    check_same_length(X, y)
    before, final = _split(estimator)
    if not hasattr(final, "partial_fit"):
        raise BadInputError(
            "The 'estimator' parameter must have partial_fit, so that updates can be "
            f"counted; {type(final).__name__} has none (or only with early stopping "
            "turned off)."
        )
    arms = _arms(repetitions)
    classes = check_labels(y)[0] if is_classifier(final) else None
    splits = list(check_cv(cv, y, classifier=classes is not None).split(X, y, groups))
    fewest = min(len(train) for train, _ in splits)
    updates = fewest // batch_size if total_updates is None else int(total_updates)
    visits = updates * batch_size
    _check_rows(arms, visits, fewest, updates, batch_size)
    entropy = root_entropy(random_state)
    scorer = check_scoring(final, scoring)

    def one(split: int, K: int) -> tuple[float, float]:
        train, test = splits[split]
        order = derive_generator(entropy, "rows", split).permutation(train)
        rows = order[: -(-visits // K)]
        passes = [
            derive_generator(entropy, "pass", split, K, number).permutation(len(rows))
            for number in range(K)
        ]
        X_arm, y_arm = take_rows(X, rows), take_rows(y, rows)
        X_test, y_test = take_rows(X, test), take_rows(y, test)
        if before is not None:
            steps = clone(before)
            X_arm = steps.fit_transform(X_arm, y_arm)
            X_test = steps.transform(X_test)
        model = train_in_batches(
            final,
            X_arm,
            y_arm,
            np.concatenate(passes)[:visits],
            batch_size=batch_size,
            classes=classes,
            seed=derive_seed(entropy, "estimator", split),
        )
        return scorer(model, X_arm, y_arm), scorer(model, X_test, y_test)

    places = [(split, K) for split in range(len(splits)) for K in arms]
    found = Parallel(n_jobs=n_jobs)(delayed(one)(*place) for place in places)
    scores = np.array(found, dtype=float).reshape(len(splits), len(arms), 2)
    return RepetitionCurve(
        repetitions=np.array(arms),
        unique_rows=np.array([-(-visits // K) for K in arms]),
        n_updates=updates,
        n_row_visits=visits,
        batch_size=int(batch_size),
        train_scores=scores[:, :, 0].T,
        test_scores=scores[:, :, 1].T,
    )


def _split(estimator: Any) -> tuple[Any, Any]:
    """Return the steps before the last (or None), and the last."""
    if not hasattr(estimator, "steps"):
        return None, estimator
    for name, step in estimator.steps[:-1]:
        if hasattr(step, "fit_resample"):
            raise BadInputError(
                f"The step {name!r} changes the number of rows, so that visits can't "
                "be counted; leave samplers out."
            )
    before = estimator[:-1] if len(estimator.steps) > 1 else None
    return before, estimator.steps[-1][1]


def _arms(repetitions: Sequence[int]) -> list[int]:
    values = np.asarray(repetitions)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "iu":
        raise BadInputError(
            f"The 'repetitions' parameter must hold whole numbers. Got {repetitions!r}."
        )
    if values.min() < 1:
        raise BadInputError(
            "The 'repetitions' parameter must hold numbers of at least 1. Got "
            f"{int(values.min())}."
        )
    return sorted({int(value) for value in values})


def _check_rows(
    arms: list[int], visits: int, fewest: int, updates: int, batch_size: int
) -> None:
    first, last = arms[0], arms[-1]
    needed = -(-visits // first)
    if not updates or needed > fewest:
        raise BadInputError(
            f"{max(updates, 1)} updates of {batch_size} rows, each seen {first} times, "
            f"need {max(needed, batch_size)} training rows; the smallest training part "
            f"has {fewest}. Lower total_updates or batch_size."
        )
    if -(-visits // last) < batch_size:
        raise BadInputError(
            f"With {last} repetitions {updates} updates of {batch_size} rows leave "
            f"{-(-visits // last)} distinct rows, less than a batch. Use fewer "
            "repetitions, a smaller batch_size or more updates."
        )


def train_in_batches(
    estimator: Any,
    X: Any,
    y: Any,
    order: np.ndarray,
    *,
    batch_size: int,
    classes: np.ndarray | None,
    seed: int,
) -> Any:
    """Return a clone that was updated once with each batch of the rows in this order.

    Parameters
    ----------
    estimator : estimator object
        Has ``partial_fit``.
    X, y : table and labels
        Rows that ``order`` points to.
    order : ndarray of int
        Places of the rows, batch after batch.
    batch_size : int
        Rows of a batch.
    classes : ndarray or None
        All labels, of a classifier.
    seed : int
        For an estimator whose ``random_state`` is None.
    """
    model = one_update_a_call(clone(estimator), batch_size, seed)
    told = {}
    if classes is not None and "classes" in signature(model.partial_fit).parameters:
        told = {"classes": classes}
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        model.partial_fit(take_rows(X, batch), take_rows(y, batch), **told)
        told = {}
    return model


def one_update_a_call(model: Any, batch_size: int, seed: int) -> Any:
    """Set the parameters by which a call of ``partial_fit`` is one update."""
    known = model.get_params(deep=False)
    wanted: dict[str, Any] = {"batch_size": batch_size}
    if any(kind.__module__.startswith("skorch.") for kind in type(model).__mro__):
        # skorch trains max_epochs epochs a call, on what it doesn't hold out.
        wanted |= {"max_epochs": 1, "train_split": None}
    if known.get("random_state", seed) is None:
        wanted["random_state"] = seed
    model.set_params(**{name: v for name, v in wanted.items() if name in known})
    return model
