# SPDX-License-Identifier: BSD-3-Clause
"""Drop the rows that a net finds easy early in its training."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods, Interval

from skoverfit._core._resampling._chooser import (
    ChosenRows,
    RowChooser,
    check_scores,
    fit_weights,
    known_table,
)
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._row_scores import repeated_error_norms
from skoverfit.exceptions import BadInputError

__all__ = ["EL2NPruner"]

# Steps after which digits are mostly learned and wrong labels are not.
_STEPS = 150


class EL2NPruner(RowChooser):
    """Keep the hard rows: those with a large error early in training.

    Rows that are answered right soon teach little more. EL2N is the mean error norm
    ``|p - onehot(y)|`` over some short trainings; the rows with the largest ones stay
    (Paul, Ganguli and Dziugaite). Among the very largest are the wrong labels: with
    those, leave out the top by ``offset``. See :doc:`/user_guide/inspection`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : classifier, default=None
        What is trained, with ``predict_proba``; is cloned and should learn little in a
        fit. None is scikit-learn's perceptron with 128 units on scaled columns, for
        some 150 steps, at least five epochs (ours). For nets of this library give
        `skoverfit.noisy_labels.el2n_scores` as ``scores``.
    sampling_strategy : str, list or callable, default="all"
        Classes whose rows may be dropped, as in imbalanced-learn's cleaning samplers.
    keep : float, default=0.5
        Share of the rows that stays.
    offset : float, default=0.0
        Share of the rows with the largest scores that is dropped.
    per_class : bool, default=True
        Whether each class keeps these shares, at least one row. Otherwise all rows are
        ranked together, and a class may lose all.
    scores : array-like of shape (n,) or callable, default=None
        Ready scores, or ``scores(X, y)`` that returns them; no estimator is used.
    n_runs : int, default=5
        Trainings.
    n_jobs : int, default=None
        Processes; None is 1.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the trainings.

    Attributes
    ----------
    scores_ : ndarray of shape (n,)
        Score of each row of the input.
    sampling_strategy_ : dict
        Classes whose rows may be dropped.
    n_generated_ : dict
        Class -> rows made: 0.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Row of the input that each output row is, ascending.
    is_synthetic_ : ndarray of shape (n_out,)
        False: no row is made.
    parents_ : ndarray of shape (n_out, 1)
        The same as ``sample_indices_``.
    weights_ : ndarray of shape (n_out, 1)
        1.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of the kept rows, where weights were given.
    groups_ : ndarray of shape (n_out,) or None
        Groups of the kept rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    FacilityLocationSampler : Keeps rows that stand for the others.
    skoverfit.noisy_labels.el2n_scores : The scores, for nets and classifiers.

    Notes
    -----
    With fewer rows an epoch has fewer steps. The paper compares trainings of equally
    many *steps*; a net that is trained for the same epochs on half of the rows is
    trained half as long.

    References
    ----------
    .. [1] M. Paul, S. Ganguli and G. K. Dziugaite (2021), Deep learning on a data diet:
       finding important examples early in training, NeurIPS, arXiv:2107.07075.

    Examples
    --------
    Rows near the border of two classes stay:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.under_sampling import EL2NPruner
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> y = np.repeat([0, 1], 10)
    >>> pruner = EL2NPruner(LogisticRegression(), keep=0.3, n_runs=1)
    >>> pruner.fit_resample(X, y)[0].ravel()
    array([ 7.,  8.,  9., 10., 11., 12.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RowChooser._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "keep": [Interval(Real, 0, 1, closed="right")],
        "offset": [Interval(Real, 0, 1, closed="left")],
        "per_class": ["boolean"],
        "scores": ["array-like", callable, None],
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampling_strategy: Any = "all",
        keep: float = 0.5,
        offset: float = 0.0,
        per_class: bool = True,
        scores: Any = None,
        n_runs: int = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.estimator = estimator
        self.keep = keep
        self.offset = offset
        self.per_class = per_class
        self.scores = scores
        self.n_runs = n_runs
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _reads_any_table(self) -> bool:
        return self.estimator is not None or self.scores is not None

    def _check_parameters(self) -> None:
        if self.keep + self.offset > 1 + 1e-9:
            raise BadInputError(
                f"keep={self.keep:g} and offset={self.offset:g} must not be more than "
                "1 together: what is left out at the top can't be kept."
            )

    def _choose(self, data: ResamplingData) -> ChosenRows:
        scores = self._scores(data)
        targeted = self._targeted(data)
        kept = ~targeted
        parts = [np.flatnonzero(targeted)]
        if self.per_class:
            parts = [data.rows_of(label) for label in data.targets]
        for rows in parts:
            order = rows[np.argsort(-scores[rows], kind="stable")]
            first = min(round(self.offset * len(rows)), len(rows) - 1)
            kept[order[first : first + max(1, round(self.keep * len(rows)))]] = True
        return self.chosen(data, np.flatnonzero(kept), scores_=scores)

    def _scores(self, data: ResamplingData) -> np.ndarray:
        labels = data.classes[data.codes]
        if self.scores is not None:
            return check_scores(self.scores, known_table(data), labels, data.n)
        estimator, X = self.estimator, known_table(data)
        if estimator is None:
            estimator, X = _perceptron(data.n), data.values
        with warnings.catch_warnings():
            # Not to converge is what it is for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return repeated_error_norms(
                estimator,
                X,
                data.classes,
                data.codes,
                n_runs=self.n_runs,
                entropy=data.entropy,
                sample_weight=fit_weights(estimator, data),
                n_jobs=self.n_jobs,
            )


def _perceptron(n: int) -> Any:
    """Return a perceptron that is stopped after some 150 steps."""
    size = min(64, n)
    epochs = max(5, -(-_STEPS * size // n))
    net = MLPClassifier((128,), batch_size=size, max_iter=epochs)
    return make_pipeline(StandardScaler(with_mean=False), net)
