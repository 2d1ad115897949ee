# SPDX-License-Identifier: BSD-3-Clause
"""A scorer that leaves rows without a label out."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.metrics import check_scoring
from sklearn.utils._param_validation import validate_params
from sklearn.utils.metadata_routing import get_routing_for_object

from skoverfit._core._arrays import n_rows, take_rows, to_numpy
from skoverfit._core._validation import check_same_length, has_label
from skoverfit.exceptions import BadInputError

__all__ = ["labeled_scorer"]


@validate_params(
    {"scoring": [str, callable, None], "unlabeled_label": "no_validation"},
    prefer_skip_nested_validation=True,
)
def labeled_scorer(
    scoring: str | Callable[..., Any] | None = None, *, unlabeled_label: Any = -1
) -> Callable[..., Any]:
    """Make a scorer that judges the rows with a label only.

    For the cross-validation of estimators that learn from rows without labels too,
    such as `PretrainedClassifier` or scikit-learn's semi-supervised ones. They are
    given all rows; but plain scoring would count each -1 in ``y`` as a class that was
    missed.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        Name of a score, or a scorer, as in scikit-learn's ``cross_val_score``. None is
        the estimator's own ``score``.
    unlabeled_label : int, float, str or None, default=-1
        What stands in ``y`` where there is no label. A text where labels are texts;
        NaN where ``y`` is numbers, which is any missing value. None: all rows have
        labels.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, for ``scoring`` of
        `cross_val_score`, `GridSearchCV` and the like. Sign, response method and
        metadata requests are those of ``scoring``; weights and other values of the
        rows are cut with them.

    Raises
    ------
    ValueError
        If ``scoring`` is no name of a score, or a metric instead of a scorer. The
        scorer raises it, too, where no row has a label, or where all labels are of one
        class and the metric needs two.

    See Also
    --------
    skoverfit.representation.PretrainedClassifier : Learns from all rows.

    Notes
    -----
    ``StratifiedKFold`` takes the missing label as one more class, so that each fold
    has its share of the labels.

    References
    ----------
    Ge, Tang, Fan & Jin (2024), "On the provable advantage of unsupervised
    pretraining", ICLR, arXiv:2303.01566. The scorer is our addition.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from skoverfit.metrics import labeled_scorer
    >>> from skoverfit.representation import PretrainedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> few = np.where(np.arange(150) % 3 == 0, y, -1)  # 50 of 150 have labels
    >>> model = PretrainedClassifier("gmm", random_state=0)
    >>> plain = cross_val_score(model, X, few).mean()
    >>> own = cross_val_score(model, X, few, scoring=labeled_scorer("accuracy")).mean()
    >>> bool(plain < 0.4), bool(own > 0.9)
    (True, True)
    """
    scorer = _own_score if scoring is None else check_scoring(None, scoring)
    return LabeledScorer(scorer, unlabeled_label)


def _own_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """Return what the estimator says of itself."""
    own = {} if sample_weight is None else {"sample_weight": sample_weight}
    return estimator.score(X, y, **own)


class LabeledScorer:
    """What `labeled_scorer` returns; a class, so that it pickles."""

    def __init__(self, scorer: Callable[..., Any], unlabeled_label: Any) -> None:
        # A later request for metadata is this scorer's alone.
        self._scorer = copy.deepcopy(scorer)
        self._unlabeled_label = unlabeled_label

    def __call__(self, estimator: Any, X: Any, y: Any, **params: Any) -> Any:
        check_same_length(X, y)
        rows = has_label(to_numpy(y), self._unlabeled_label)
        if rows.ndim != 1:
            raise BadInputError(
                "labeled_scorer needs one label a row. Got y of shape "
                f"{rows.shape} instead."
            )
        if not rows.any():
            raise BadInputError(
                f"None of these {len(rows)} rows has a label to be scored: y is "
                f"{self._unlabeled_label!r} everywhere, which stands for no label "
                "(unlabeled_label); use fewer folds, or StratifiedKFold."
            )
        if not rows.all():
            X, y = take_rows(X, rows), take_rows(y, rows)
            params = {name: _cut(value, rows) for name, value in params.items()}
        if is_regressor(estimator) or len(np.unique(to_numpy(y))) > 1:
            return self._scorer(estimator, X, y, **params)
        return self._of_one_class(estimator, X, y, params)

    def _of_one_class(self, estimator: Any, X: Any, y: Any, params: dict) -> Any:
        """Score labels of one class, which some metrics refuse in words of theirs."""
        cause = None
        try:
            score = self._scorer(estimator, X, y, **params)
        except ValueError as error:
            if "class" not in str(error) and "label" not in str(error):
                raise  # of another kind
            score, cause = np.nan, error
        if isinstance(score, dict) or not np.isnan(score):
            return score
        raise BadInputError(
            f"All {n_rows(y)} rows with labels that are to be scored are of the class "
            f"{to_numpy(y)[0]!r}, and {self!r} needs two classes; use fewer folds, or "
            "StratifiedKFold."
        ) from cause

    def __repr__(self) -> str:
        return (
            f"labeled_scorer({self._scorer!r}, "
            f"unlabeled_label={self._unlabeled_label!r})"
        )

    # --- what scikit-learn and this library ask of scorers --------------------------

    def __getattr__(self, name: str) -> Any:
        # Not while it is being unpickled or copied, where nothing is set yet.
        if name in ("_sign", "_response_method") and "_scorer" in self.__dict__:
            return getattr(self._scorer, name)
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def _accept_sample_weight(self) -> bool:
        known = getattr(self._scorer, "_accept_sample_weight", None)
        if known is not None:
            return bool(known())
        return "sample_weight" in inspect.signature(self._scorer).parameters

    def get_metadata_routing(self) -> Any:
        """Return what metadata the scorer asks for."""
        return get_routing_for_object(self._scorer)

    def set_score_request(self, **requests: Any) -> LabeledScorer:
        """Ask for metadata of the rows, as of scikit-learn's scorers."""
        setter = getattr(self._scorer, "set_score_request", None)
        if setter is None:
            raise BadInputError(
                f"{self._scorer!r} takes no requests for metadata; make it by "
                "sklearn.metrics.make_scorer."
            )
        setter(**requests)
        return self


def _cut(value: Any, rows: np.ndarray) -> Any:
    """Return the values of these rows; what is not one value a row stays as it is."""
    if isinstance(value, (str, bytes, dict)) or np.ndim(value) == 0:
        return value
    return take_rows(value, rows) if n_rows(value) == len(rows) else value
