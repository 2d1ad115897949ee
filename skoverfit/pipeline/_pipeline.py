# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's pipeline, with weights and groups that survive resampling."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, Self

from imblearn.pipeline import Pipeline as _ImblearnPipeline
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline as _SklearnPipeline, _final_estimator_has
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skoverfit.pipeline._fitter import PipelineFitter
from skoverfit.pipeline._step_params import build_router, final_takes
from skoverfit.pipeline._steps import is_passthrough, is_sampler, resamples

__all__ = ["Pipeline"]

_UNUSED = {"sample_weight": UNUSED, "groups": UNUSED}


class _FitOf:
    """A ``fit`` whose signature names sample_weight only where it can be used.

    Ensembles of scikit-learn look at the signature of ``estimator.fit`` to decide
    whether they draw rows by weights or by their numbers.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]

    def __get__(self, pipeline: Any, owner: Any = None) -> Any:
        if pipeline is None:
            return self._function
        bound = self._function.__get__(pipeline)
        try:
            final = pipeline.steps[-1][1]
            if final_takes(final, "fit", "sample_weight"):
                return bound
        except (IndexError, TypeError):  # `fit` says what is wrong with the steps
            return bound

        @functools.wraps(self._function)
        def fit(*args: Any, **kwargs: Any) -> Any:
            return bound(*args, **kwargs)

        signature = inspect.signature(bound)
        shown = [p for p in signature.parameters.values() if p.name != "sample_weight"]
        fit.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        return fit


def _can_transform(pipeline: Pipeline) -> bool:
    """Whether the fitted pipeline transforms; samplers are skipped then."""
    final = pipeline._final_estimator
    return is_passthrough(final) or is_sampler(final) or hasattr(final, "transform")


def _can_fit_resample(pipeline: Pipeline) -> bool:
    """Whether it ends in rows, and not in predictions, and may change their number."""
    final = pipeline._final_estimator
    if is_passthrough(final) or hasattr(final, "fit_resample"):
        return True
    return hasattr(final, "transform") and any(
        resamples(step) for _, step in pipeline.steps if not is_passthrough(step)
    )


class Pipeline(PipelineFitter, _ImblearnPipeline):
    """Chain transformers, samplers and an estimator; weights survive resampling.

    A drop-in for :class:`imblearn.pipeline.Pipeline`, which itself extends
    :class:`sklearn.pipeline.Pipeline` by steps with ``fit_resample``. They act in
    `fit` only; a fitted pipeline skips them. What this class adds:

    * ``sample_weight`` and ``groups`` go through samplers to the steps behind them. A
      sampler that takes them in ``fit_resample`` gets them and says what became of
      them (``sample_weight_``, ``groups_``: the samplers of this library); for one
      that only says where each row came from (``sample_indices_``: the random
      samplers and cleaners of imbalanced-learn) the rows are looked up. One that does
      neither is refused before anything is fitted. With metadata routing enabled, the
      same holds for any row-aligned argument that a later step requests.
    * Pipelines can be steps of pipelines, with samplers inside.
    * A misspelt fit parameter is an error that names the step and what may be meant.
    * Resampled folds are kept in memory, so that the candidates of a search that
      differ only behind the samplers resample each fold once.
    * scikit-learn's callbacks are called, ``transform_input`` works with a sampler
      anywhere, and ``fit_resample`` of a pipeline that ends in ``"passthrough"``
      returns X and y.

    Read more in the :doc:`user guide </user_guide/pipeline>`.

    Parameters
    ----------
    steps : list of (str, estimator)
        Name and object of each step in order. All but the last must transform or
        resample; ``"passthrough"`` and None do nothing.
    transform_input : list of str, default=None
        Names of fit arguments (a validation set) that are to be transformed by the
        steps before the one that requests them. Needs metadata routing.
    memory : None, str or object with the joblib.Memory interface, default=None
        Where to cache fitted steps on disk. Steps are cloned before fitting then, and
        the cache in memory is not used.
    verbose : bool, default=False
        Whether to print the time of each step.
    cache : {"auto"} or None, default="auto"
        "auto" keeps what comes out of the samplers in memory, within the bound of
        `set_fold_cache_limit`, if every step up to there is known to be deterministic:
        classes of scikit-learn, imbalanced-learn and this library whose every
        ``random_state`` is an integer. A warning that a kept step gave when it was
        fitted is not repeated. None keeps nothing.

    Attributes
    ----------
    named_steps : :class:`~sklearn.utils.Bunch`
        The steps by name.
    classes_ : ndarray of shape (n_classes,)
        The labels that the last step knows.
    n_features_in_ : int
        Number of features that the first step saw.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features that the first step saw, if it saw names.
    sample_indices_ : ndarray of shape (n_rows_out,)
        The source row of each row that reached the last step (or came out of
        `fit_resample`). Set only where something resamples and every sampler tells.
    sample_weight_ : ndarray of shape (n_rows_out,) or None
        Their weights; None where none were given. Set only where something resamples.
    groups_ : ndarray of shape (n_rows_out,) or None
        Their groups; None where none were given. Set only where something resamples.

    See Also
    --------
    make_pipeline : Name the steps by their classes.
    ResampledClassifier : One sampler and one classifier as a single object.

    Notes
    -----
    Without metadata routing ``sample_weight`` goes to samplers and to the final
    estimator, not to transformers (scikit-learn's pipeline takes none at all); enable
    routing to weight a scaler as well.

    `fit_transform` resamples, `fit` followed by `transform` returns the given rows, as
    in imbalanced-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skoverfit.pipeline import Pipeline
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> pipeline = Pipeline(
    ...     [
    ...         ("under", RandomUnderSampler(random_state=0)),
    ...         ("model", LogisticRegression()),
    ...     ]
    ... )
    >>> weight = np.linspace(1, 2, len(y))
    >>> pipeline.fit(X, y, sample_weight=weight).predict(X[:3])
    array([0, 0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_ImblearnPipeline._parameter_constraints,
        "cache": [StrOptions({"auto"}), None],
    }
    # The steps request; the pipeline itself only passes on.
    __metadata_request__fit: ClassVar[dict[str, str]] = _UNUSED
    __metadata_request__fit_transform: ClassVar[dict[str, str]] = _UNUSED
    __metadata_request__fit_predict: ClassVar[dict[str, str]] = _UNUSED
    __metadata_request__fit_resample: ClassVar[dict[str, str]] = _UNUSED

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        transform_input: list[str] | None = None,
        memory: Any = None,
        verbose: bool = False,
        cache: Literal["auto"] | None = "auto",
    ) -> None:
        super().__init__(
            steps, transform_input=transform_input, memory=memory, verbose=verbose
        )
        self.cache = cache

    def _validate_steps(self) -> None:
        if not len(self.steps):
            raise ValueError("The pipeline is empty. Please add steps.")
        for name, step in self.steps[:-1]:
            if isinstance(step, _SklearnPipeline) and not hasattr(step, "transform"):
                raise TypeError(
                    "All intermediate steps of the chain should be estimators that "
                    "implement fit and transform or fit_resample: the pipeline "
                    f"{name!r} ends in an estimator that does neither."
                )
            if resamples(step) and not (isinstance(step, Pipeline) or is_sampler(step)):
                raise TypeError(
                    f"Step {name!r} is a {type(step).__module__}.{type(step).__name__} "
                    "with a sampler inside; as a step of a pipeline it must be a "
                    "skoverfit.pipeline.Pipeline."
                )
        # The parent refuses every nested pipeline; it looks at the others only.
        shown = copy.copy(self)
        shown.steps = [
            (name, "passthrough" if isinstance(step, _SklearnPipeline) else step)
            for name, step in self.steps
        ]
        super(Pipeline, shown)._validate_steps()

    def _iter(
        self,
        with_final: bool = True,
        filter_passthrough: bool = True,
        filter_resample: bool = True,
    ) -> Iterator[tuple[int, str, Any]]:
        for entry in _SklearnPipeline._iter(self, with_final, filter_passthrough):
            if not (filter_resample and is_sampler(entry[2])):
                yield entry

    def __getitem__(self, ind: Any) -> Any:
        """Return a step, or the pipeline of a slice of the steps."""
        part = super().__getitem__(ind)
        if isinstance(ind, slice):
            part.cache = self.cache
        return part

    # --- fitting -----

    @_FitOf
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Fit, transform and resample step by step, then fit the last step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, of any kind that the first step takes.
        y : array-like of shape (n_samples,), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, for samplers that take them and for the last step. With
            metadata routing enabled they go to the steps that request them.
        groups : array-like of shape (n_samples,), default=None
            Their groups, for samplers that take them, and for the last step if it
            takes them.
        **params : dict
            ``step__parameter`` for the fit of a single step or, with metadata routing
            enabled, anything that steps request.

        Returns
        -------
        self : Pipeline
            The fitted pipeline.

        Raises
        ------
        ValueError
            If a parameter names no step; if weights or groups would be lost at a
            sampler or have nobody to use them; if their number is not that of the
            rows.
        TypeError
            If the step that a parameter names does not take it.
        """
        self._run(
            "fit", X, y, params, {"sample_weight": sample_weight, "groups": groups}
        )
        return self

    @available_if(_ImblearnPipeline._can_fit_transform)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Any:
        """Fit all steps and return what the last one makes of the resampled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, as in `fit`.
        groups : array-like of shape (n_samples,), default=None
            Their groups, as in `fit`.
        **params : dict
            As in `fit`.

        Returns
        -------
        X_transformed : array-like of shape (n_rows_out, n_features_out)
            The resampled rows, transformed.
        """
        rows = {"sample_weight": sample_weight, "groups": groups}
        return self._run("fit_transform", X, y, params, rows)[0]

    @available_if(_final_estimator_has("fit_predict"))
    @_fit_context(prefer_skip_nested_validation=False)
    def fit_predict(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Any:
        """Fit all steps and return what the last one predicts of the resampled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, as in `fit`.
        groups : array-like of shape (n_samples,), default=None
            Their groups, as in `fit`.
        **params : dict
            As in `fit`.

        Returns
        -------
        y_pred : ndarray of shape (n_rows_out,)
            The predictions.
        """
        rows = {"sample_weight": sample_weight, "groups": groups}
        return self._run("fit_predict", X, y, params, rows)[0]

    @available_if(_can_fit_resample)
    @_fit_context(prefer_skip_nested_validation=False)
    def fit_resample(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> tuple[Any, Any]:
        """Fit all steps and return the rows that come out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, as in `fit`.
        groups : array-like of shape (n_samples,), default=None
            Their groups, as in `fit`.
        **params : dict
            As in `fit`.

        Returns
        -------
        X_resampled : array-like of shape (n_rows_out, n_features_out)
            The rows, transformed and resampled.
        y_resampled : array-like of shape (n_rows_out,)
            Their targets.
        """
        rows = {"sample_weight": sample_weight, "groups": groups}
        flow = self._run("fit_resample", X, y, params, rows)[1]
        return flow.X, flow.y

    @available_if(_can_transform)
    def transform(self, X: ArrayLike, **params: Any) -> Any:
        """Apply all transformers; samplers are skipped.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        **params : dict
            With metadata routing enabled, anything that steps request.

        Returns
        -------
        X_transformed : array-like of shape (n_samples, n_features_out)
            The rows, transformed.
        """
        transform = _ImblearnPipeline.__dict__["transform"].fn
        return transform(self, X, **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which step gets which argument.

        Returns
        -------
        routing : MetadataRouter
            The routing of scikit-learn's pipeline, with samplers added.
        """
        return build_router(self.steps, owner=self)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the last step that does something is fitted."""
        working = [step for _, step in self.steps if not is_passthrough(step)]
        if not working:
            return True
        # Samplers are skipped by a fitted pipeline, so a transformer says more.
        fitting = [step for step in working if not is_sampler(step)] or working[-1:]
        try:
            check_is_fitted(fitting[-1])
        except NotFittedError:
            return False
        return True
