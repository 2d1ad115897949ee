# SPDX-License-Identifier: BSD-3-Clause
"""What a step of a pipeline is, what it takes, and how one is fitted."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from imblearn.base import METHODS, SamplerMixin
from sklearn.pipeline import Pipeline as _SklearnPipeline
from sklearn.utils import Bunch, get_tags
from sklearn.utils._user_interface import _print_elapsed_time

__all__ = [
    "METHODS",
    "NO_CALLBACKS",
    "ROW_NAMES",
    "Resampled",
    "accepted_parameters",
    "fit_transform_one",
    "inner_steps",
    "is_passthrough",
    "is_sampler",
    "maps_rows",
    "resample_one",
    "resamples",
    "takes",
]

# The row-aligned arguments that a sampler of ours takes and gives back.
ROW_NAMES = ("sample_weight", "groups")


def is_passthrough(step: Any) -> bool:
    """Whether a step does nothing."""
    return step is None or (isinstance(step, str) and step == "passthrough")


def is_sampler(step: Any) -> bool:
    """Whether a step only resamples: it is skipped once the pipeline is fitted."""
    return hasattr(step, "fit_resample") and not isinstance(step, _SklearnPipeline)


def inner_steps(step: Any) -> list[Any]:
    """Return the steps of a nested pipeline that do something."""
    if not isinstance(step, _SklearnPipeline):
        return []
    return [inner for _, inner in step.steps if not is_passthrough(inner)]


def resamples(step: Any) -> bool:
    """Whether a step is a sampler or a pipeline that holds one somewhere."""
    return is_sampler(step) or any(resamples(inner) for inner in inner_steps(step))


def maps_rows(step: Any) -> bool:
    """Whether a step that resamples says from which row each of its rows came."""
    inner = [each for each in inner_steps(step) if resamples(each)]
    if inner:
        return all(maps_rows(each) for each in inner)
    try:
        tags = get_tags(step)
    except Exception:  # a duck-typed sampler without tags
        return False
    sampler_tags = getattr(tags, "sampler_tags", None)
    return bool(getattr(sampler_tags, "sample_indices", False))


def accepted_parameters(step: Any, method: str) -> tuple[list[str], bool]:
    """Return the names that a method takes beside X and y, and whether it takes any.

    A sampler of imbalanced-learn hands its ``**params`` on to ``_fit_resample``, a
    transformer of scikit-learn those of ``fit_transform`` to ``fit``: what these take
    counts.
    """
    names: list[str] = []
    for each in _chain(step, method):
        function = getattr(step, each, None)
        if function is None:
            continue
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            return names, True
        names += [
            p.name
            for position, p in enumerate(parameters)
            if p.kind is p.KEYWORD_ONLY
            or (p.kind is p.POSITIONAL_OR_KEYWORD and position > 0 and p.name != "y")
        ]
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return names, False
    return names, True


def _chain(step: Any, method: str) -> tuple[str, ...]:
    if method == "fit_resample" and isinstance(step, SamplerMixin):
        return ("fit_resample", "_fit_resample")
    if method == "fit_transform":
        return ("fit_transform", "fit")
    return (method,)


def takes(step: Any, method: str, name: str) -> bool:
    """Whether a method takes an argument of this name.

    A nested pipeline that resamples carries rows itself, so it takes both.
    """
    if method == "fit_resample" and isinstance(step, _SklearnPipeline):
        return resamples(step)
    return name in accepted_parameters(step, method)[0]


class _NoCallbacks:
    """The callback context of a scikit-learn that has none (before 1.9)."""

    def subcontext(self, **_: Any) -> _NoCallbacks:
        return self

    @contextmanager
    def propagate_callback_context(self, _: Any) -> Iterator[None]:
        yield

    def call_on_fit_task_begin(self, **_: Any) -> None:
        return None

    def call_on_fit_task_end(self, **_: Any) -> None:
        return None


NO_CALLBACKS = _NoCallbacks()


@dataclass
class Resampled:
    """What a step that resamples gives back.

    Parameters
    ----------
    X, y : array-like
        The new rows.
    carried : dict
        Those of its arguments that it has re-aligned itself, by name.
    row_map : ndarray of shape (n_rows_out,) or None
        The source row of each row.
    """

    X: Any
    y: Any
    carried: dict[str, Any] = field(default_factory=dict)
    row_map: np.ndarray | None = None


def fit_transform_one(
    transformer: Any,
    X: Any,
    y: Any,
    message: str | None,
    params: Mapping[str, Any],
    *,
    caller: Any,
    callback_ctx: Any,
) -> tuple[Any, Any]:
    """Fit a transformer and return what it makes of X, and itself."""
    with callback_ctx.propagate_callback_context(transformer):
        callback_ctx.call_on_fit_task_begin(estimator=caller, X=X, y=y)
        with _print_elapsed_time("Pipeline", message):
            if hasattr(transformer, "fit_transform"):
                Xt = transformer.fit_transform(X, y, **params.get("fit_transform", {}))
            else:
                fitted = transformer.fit(X, y, **params.get("fit", {}))
                Xt = fitted.transform(X, **params.get("transform", {}))
        callback_ctx.call_on_fit_task_end(estimator=caller, X=Xt, y=y)
    return Xt, transformer


def resample_one(
    sampler: Any,
    X: Any,
    y: Any,
    message: str | None,
    params: Mapping[str, Any],
    *,
    caller: Any,
    callback_ctx: Any,
) -> tuple[Resampled, Any]:
    """Resample with a sampler or a nested pipeline; return the rows and the step."""
    passed = params.get("fit_resample", {})
    with callback_ctx.propagate_callback_context(sampler):
        callback_ctx.call_on_fit_task_begin(estimator=caller, X=X, y=y)
        with _print_elapsed_time("Pipeline", message):
            if is_sampler(sampler):
                result = _resample(sampler, X, y, passed)
            else:
                result = sampler._resample_rows(X, y, passed)
        callback_ctx.call_on_fit_task_end(estimator=caller, X=result.X, y=result.y)
    return result, sampler


def _resample(sampler: Any, X: Any, y: Any, passed: Mapping[str, Any]) -> Resampled:
    output = sampler.fit_resample(X, y, **passed)
    carried = {
        name: getattr(sampler, f"{name}_", None)
        for name in ROW_NAMES
        if passed.get(name) is not None
    }
    return Resampled(
        X=output[0],
        y=output[1],
        carried={name: rows for name, rows in carried.items() if rows is not None},
        row_map=sampler.sample_indices_ if maps_rows(sampler) else None,
    )


def plain_params(routed: Any, names: list[str]) -> dict[str, Bunch]:
    """Return routed parameters as dictionaries that we may change."""
    plain = {}
    for name in names:
        methods = routed.get(name, {})
        plain[name] = Bunch(**{m: dict(methods.get(m, {})) for m in METHODS})
    return plain
