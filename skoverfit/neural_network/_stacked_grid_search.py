# SPDX-License-Identifier: BSD-3-Clause
"""A grid search that trains the nets of its candidates and folds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import Interval
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from skoverfit.neural_network._interruption import unchanged_on_error
from skoverfit.neural_network._planned_fits import FitPlan, refuse_to_be_recorded
from skoverfit.neural_network._stack_fits import MAX_NETS, StackResults, fit_plan

__all__ = ["StackedGridSearchCV"]

_Splits = list[tuple[np.ndarray, np.ndarray]]


class StackedGridSearchCV(GridSearchCV):
    """Search a grid of parameters, with candidates and folds trained at once.

    scikit-learn's ``GridSearchCV`` with one difference: before it fits the candidates
    on the folds, those of them that train nets of one shape are trained together
    (`StackedNets`). Scores, ``cv_results_``, refit and everything else are made by
    scikit-learn's code and equal its own up to rounding, if ``random_state`` is an
    integer. See :doc:`/user_guide/neural_network`.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator
        A `TabularMLPClassifier` or `TabularMLPRegressor`, or what trains one in its
        ``fit``: a Pipeline that ends with it, for example. Any other estimator is
        searched as ``GridSearchCV`` does it.
    param_grid : dict or list of dict
        Values to try. Candidates that differ in ``learning_rate``, ``weight_decay``
        or ``random_state`` share a stack; for other parameters each value has its own,
        of all folds.
    scoring : str, callable, list, tuple or dict, default=None
        As in scikit-learn.
    n_jobs : int, default=None
        Processes that train stacks; None is 1. Candidates are scored in one process.
    refit : bool, str or callable, default=True
        As in scikit-learn.
    cv : int, splitter or iterable, default=None
        As in scikit-learn; None is 5 folds.
    verbose : int, default=0
        As in scikit-learn. The logger ``"skoverfit"`` says what was stacked.
    pre_dispatch : int or str, default="2*n_jobs"
        Taken for compatibility; stacks are handed on one by one.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose training failed on a fold. The others of its stack
        are not disturbed.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has the scores of the training rows.
    max_nets : int, default=32
        Nets of a stack at most.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        As in scikit-learn; the fit times are shares of the times of the stacks.
    best_estimator_ : estimator
        The best candidate, fitted on all rows.
    best_score_ : float
        Its mean score on the held-out folds.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its place in ``cv_results_``.
    scorer_ : callable or dict
        What scored.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds of the last fit.
    multimetric_ : bool
        Whether there were several scores.
    groups_ : list of list of tuple
        ``(candidate, fold)`` of the fits that were trained at once.
    classes_ : ndarray of shape (n_classes,)
        Labels, for a classifier.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    StackedNets : Train several estimators at once.
    cross_val_predict_stacked : Predictions of held-out folds, trained at once.

    Notes
    -----
    The steps before a net are fitted once more for each candidate and fold, to know
    what the net is trained on; their parameters should be cheap beside the net's. A
    step whose output is random from call to call (``random_state=None``) makes a fit
    unforeseeable, and it is done as by ``GridSearchCV``. Fits that were foreseen are
    recognized by a hash of parameters and data.

    Callbacks of scikit-learn see the candidates, but no epochs of stacked nets. Of an
    estimator that trains several nets in one ``fit`` only the first is stacked.

    All training folds (one for each distinct preprocessing) and the fitted nets of all
    candidates are in memory at once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skoverfit.neural_network import StackedGridSearchCV, TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TabularMLPClassifier((16,), n_estimators=1, max_epochs=20, random_state=0)
    >>> grid = {"learning_rate": [1e-4, 1e-3, 1e-2], "weight_decay": [0.01, 0.1]}
    >>> search = StackedGridSearchCV(net, grid, cv=3).fit(X, y)
    >>> [len(group) for group in search.groups_]
    [18]
    >>> bool(search.best_score_ > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **GridSearchCV._parameter_constraints,
        "max_nets": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        max_nets: int = MAX_NETS,
    ) -> None:
        super().__init__(
            estimator=estimator,
            param_grid=param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.max_nets = max_nets

    @property
    def n_features_in_(self) -> int:
        """Columns of the table that the best estimator was fitted on."""
        return super().n_features_in_

    def fit(self, X: Any, y: Any = None, **params: Any) -> StackedGridSearchCV:
        """Run fit with all sets of parameters.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n, p)
            The table.
        y : array-like of shape (n,) or (n, n_outputs), default=None
            Labels, or values.
        **params : dict
            As in scikit-learn: ``sample_weight`` and other arguments of the
            estimator's ``fit``, ``groups`` for the splitter.

        Returns
        -------
        StackedGridSearchCV
            Itself.
        """
        refuse_to_be_recorded()
        self._asked = X, y, params
        self._workers = get_active_backend()
        self._seconds: list[float] = []
        try:
            # The answers wait in this process; other ones would train again.
            with unchanged_on_error(self), parallel_config(backend="sequential"):
                super().fit(X, y, **params)
        finally:
            del self._asked, self._seconds, self._workers
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        for name in ("allow_nan", "string", "categorical"):
            setattr(tags.input_tags, name, getattr(inner, name))
        return tags

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None
    ) -> None:
        """Let scikit-learn evaluate the grid, once the nets are trained."""
        X, y, params = self._asked
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        self.groups_: list[list[tuple[int, int]]] = []

        def evaluate(candidates: Any, cv: Any = None, **options: Any) -> Any:
            candidates = list(candidates)
            splitter = self._checked_cv_orig if cv is None else cv
            splits = list(splitter.split(X, y, **routed.splitter.split))
            fit_params = routed.estimator.fit
            plan, places = self._plan(X, y, candidates, splits, fit_params)
            backend, n_jobs = self._workers
            with parallel_config(backend=backend, n_jobs=n_jobs):
                found = fit_plan(plan, self.max_nets, self.n_jobs)
            self._note(found, places, len(candidates) * len(splits), len(splits))
            with plan.answering(found.outcomes):
                return evaluate_candidates(
                    candidates, cv=_FixedSplits(splits), **options
                )

        if callback_ctx is None:  # scikit-learn before 1.9
            super()._run_search(evaluate)
        else:
            super()._run_search(evaluate, callback_ctx=callback_ctx)

    def _plan(
        self,
        X: Any,
        y: Any,
        candidates: Sequence[Mapping[str, Any]],
        splits: _Splits,
        fit_params: Mapping[str, Any],
    ) -> tuple[FitPlan, list[int]]:
        """Record all fits; say which of them (in scikit-learn's order) each is.

        Fold by fold, so that candidates come together that read the same rows.
        """
        plan, places = FitPlan(), []
        for fold, (train, _) in enumerate(splits):
            own = _check_method_params(X, params=fit_params, indices=train)
            rows, labels = _safe_split(self.estimator, X, y, train)
            for number, candidate in enumerate(candidates):
                try:
                    estimator = clone(self.estimator).set_params(
                        **clone(candidate, safe=False)
                    )
                except Exception:  # comes again in scikit-learn's own code
                    continue
                data = (rows,) if labels is None else (rows, labels)
                if plan.record(estimator, *data, **own) is not None:
                    places.append(number * len(splits) + fold)
        return plan, places

    def _note(
        self, found: StackResults, places: list[int], n_fits: int, n_splits: int
    ) -> None:
        seconds = [0.0] * n_fits
        for place, spent in zip(places, found.seconds, strict=True):
            seconds[place] = spent
        self._seconds += seconds
        for group in found.groups:
            where = [divmod(places[number], n_splits) for number in group]
            self.groups_.append(sorted(where))

    def _format_results(
        self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None
    ) -> Any:
        """Add the time of the stacks to that of scikit-learn's own fits."""
        timed = [
            {**row, "fit_time": row["fit_time"] + spent}
            for row, spent in zip(out, self._seconds, strict=True)
        ]
        return super()._format_results(candidate_params, n_splits, timed, more_results)


class _FixedSplits:
    """A splitter that returns what another one has drawn."""

    def __init__(self, splits: _Splits) -> None:
        self.splits = splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Any]:
        yield from self.splits

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return len(self.splits)
