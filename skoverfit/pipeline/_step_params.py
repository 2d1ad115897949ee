# SPDX-License-Identifier: BSD-3-Clause
"""Which step gets which argument of ``fit``, with and without metadata routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.pipeline import Pipeline as _SklearnPipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from skoverfit._core._names import suggest
from skoverfit.pipeline._steps import (
    METHODS,
    accepted_parameters,
    is_passthrough,
    is_sampler,
    resamples,
    takes,
)

__all__ = ["add_row_arguments", "build_router", "final_takes", "split_step_params"]

_FITS = ("fit", "fit_transform", "fit_predict", "fit_resample")
_PREDICTS = ("predict", "predict_proba", "decision_function", "predict_log_proba")


def split_step_params(
    steps: Sequence[tuple[str, Any]], params: Mapping[str, Any]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Give each ``step__parameter`` to its step (metadata routing off).

    Raises
    ------
    ValueError
        If there is no such step; the message says which one may have been meant.
    TypeError
        If the step takes no such parameter; the message names the nearest.
    """
    by_name = {name: step for name, step in steps if step is not None}
    split: dict[str, dict[str, dict[str, Any]]] = {
        name: {method: {} for method in METHODS} for name in by_name
    }
    for key, value in params.items():
        if "__" not in key:
            raise ValueError(
                f"Pipeline.fit does not accept the {key} parameter. You can pass "
                "parameters to specific steps of your pipeline using the "
                "stepname__parameter format, e.g. `Pipeline.fit(X, y, "
                "logisticregression__sample_weight=sample_weight)`. "
                f"{suggest(key, ['sample_weight', 'groups'])}"
            )
        name, parameter = key.split("__", 1)
        if name not in by_name:
            raise ValueError(
                f"The fit parameter {key!r} names no step of the pipeline. "
                f"{suggest(name, by_name)}"
            )
        _check_known(name, by_name[name], parameter)
        for method in _FITS:
            split[name][method][parameter] = value
    return split


def _check_known(name: str, step: Any, parameter: str) -> None:
    """Refuse a parameter that no fitting method of the step takes."""
    if is_passthrough(step) or isinstance(step, _SklearnPipeline):
        return  # a pipeline looks at the rest of the name itself
    methods = ["fit_resample"] if is_sampler(step) else list(_FITS[:3])
    known: list[str] = []
    for method in methods:
        if not hasattr(step, method):
            continue
        names, takes_any = accepted_parameters(step, method)
        if takes_any or parameter in names:
            return
        known += names
    hint = suggest(parameter, sorted(set(known))) if known else "It takes none at all."
    raise TypeError(
        f"Step {name!r} ({type(step).__name__}) got an unexpected keyword argument "
        f"{parameter!r} for {methods[0]}. {hint}"
    )


def add_row_arguments(
    steps: Sequence[tuple[str, Any]],
    split: dict[str, dict[str, dict[str, Any]]],
    rows: Mapping[str, Any],
    method: str,
) -> None:
    """Give sample_weight and groups to whom they concern (metadata routing off).

    Samplers that take them get both; the final estimator gets the weights, and the
    groups if it takes them.

    Raises
    ------
    ValueError
        If the final step can't use weights, or nobody takes the groups.
    """
    final_name, final = steps[-1]
    for key, value in rows.items():
        taken = False
        before = steps if method == "fit_resample" else steps[:-1]
        for name, step in before:
            if is_passthrough(step) or not resamples(step):
                continue
            if takes(step, "fit_resample", key):
                split[name]["fit_resample"].setdefault(key, value)
                taken = True
        if method != "fit_resample" and final_takes(final, method, key):
            for each in _FITS:
                split[final_name][each].setdefault(key, value)
            taken = True
        elif key == "sample_weight" and method != "fit_resample":
            raise ValueError(
                f"The final step {final_name!r} "
                f"({'passthrough' if is_passthrough(final) else type(final).__name__})"
                " takes no sample_weight in fit, so the weights would be lost. Use an "
                "estimator that takes them, or do not pass sample_weight."
            )
        if not taken and method != "fit_resample":
            raise ValueError(
                f"No step of the pipeline takes {key!r} in fit or fit_resample, so it "
                "would be lost; do not pass it."
            )


def final_takes(final: Any, method: str, key: str) -> bool:
    """Whether the last step of a pipeline can use this row-aligned argument."""
    if is_passthrough(final):
        return False
    names, takes_any = accepted_parameters(
        final, method if hasattr(final, method) else "fit"
    )
    # scikit-learn's own pipeline takes anything and then refuses what has no step.
    foreign = isinstance(final, _SklearnPipeline) and key not in names
    return key in names or (takes_any and key == "sample_weight" and not foreign)


def build_router(steps: Sequence[tuple[str, Any]], *, owner: Any) -> MetadataRouter:
    """Return the routing of a pipeline, as scikit-learn's with samplers added."""
    router = MetadataRouter(owner=owner)
    for name, step in steps[:-1]:
        if is_passthrough(step):
            continue
        mapping = MethodMapping()
        for caller in _FITS:
            _add_fit(mapping, caller, step, as_sampler=resamples(step))
        if not is_sampler(step):
            for caller in (*_PREDICTS, "transform", "score"):
                mapping.add(caller=caller, callee="transform")
            mapping.add(caller="inverse_transform", callee="inverse_transform")
        router.add(method_mapping=mapping, **{name: step})
    name, final = steps[-1]
    if is_passthrough(final):
        return router
    mapping = MethodMapping().add(caller="fit", callee="fit")
    _add_fit(mapping, "fit_transform", final, as_sampler=False)
    _add_fit(mapping, "fit_resample", final, as_sampler=resamples(final))
    for method in ("fit_predict", *_PREDICTS, "transform", "inverse_transform"):
        mapping.add(caller=method, callee=method)
    mapping.add(caller="score", callee="score")
    return router.add(method_mapping=mapping, **{name: final})


def _add_fit(
    mapping: MethodMapping, caller: str, step: Any, *, as_sampler: bool
) -> None:
    if as_sampler:
        mapping.add(caller=caller, callee="fit_resample")
    elif hasattr(step, "fit_transform"):
        mapping.add(caller=caller, callee="fit_transform")
    else:
        mapping.add(caller=caller, callee="fit")
        mapping.add(caller=caller, callee="transform")
