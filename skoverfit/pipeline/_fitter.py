# SPDX-License-Identifier: BSD-3-Clause
"""What happens inside the fitting methods of a pipeline."""

from __future__ import annotations

import inspect
from typing import Any, Literal

from sklearn.base import clone
from sklearn.utils._user_interface import _print_elapsed_time
from sklearn.utils.metadata_routing import _routing_enabled, process_routing
from sklearn.utils.validation import (
    _num_samples,
    check_consistent_length,
    check_memory,
)

from skoverfit.pipeline._fold_cache import PrefixCache
from skoverfit.pipeline._rows import Flow, check_rows_can_be_carried
from skoverfit.pipeline._step_params import add_row_arguments, split_step_params
from skoverfit.pipeline._steps import (
    NO_CALLBACKS,
    ROW_NAMES,
    Resampled,
    fit_transform_one,
    is_passthrough,
    plain_params,
    resample_one,
    resamples,
)

__all__ = ["PipelineFitter"]


class PipelineFitter:
    """The steps' fits; mixed into `Pipeline`, whose attributes it uses."""

    steps: list[tuple[str, Any]]
    transform_input: list[str] | None
    memory: Any
    cache: Any
    _validate_steps: Any
    _log_message: Any
    _get_metadata_for_step: Any
    _init_callback_context: Any

    def _start(
        self, method: str, X: Any, y: Any, params: dict[str, Any], rows: dict[str, Any]
    ) -> Flow:
        """Route the arguments and check all that can be checked before a fit."""
        if not _routing_enabled() and self.transform_input is not None:
            raise ValueError(
                "The `transform_input` parameter can only be set if metadata routing "
                "is enabled. You can enable metadata routing using "
                "`sklearn.set_config(enable_metadata_routing=True)`."
            )
        self.steps = list(self.steps)
        self._validate_steps()
        rows = {name: value for name, value in rows.items() if value is not None}
        if rows:
            check_consistent_length(X, y)
            n = _num_samples(X)
            for name, value in rows.items():
                if (length := _num_samples(value)) != n:
                    raise ValueError(
                        f"{name} has {length} entries, but there are {n} rows."
                    )
        names = [name for name, _ in self.steps]
        if _routing_enabled():
            params = {**params, **rows}
            routed = plain_params(process_routing(self, method, **params), names)
        else:
            split = split_step_params(self.steps, params)
            add_row_arguments(self.steps, split, rows, method)
            routed = plain_params(split, names)
        flow = Flow(
            X=X,
            y=y,
            routed=routed,
            raw={**params, **rows},
            frozen=set(self.transform_input or ()),
        )
        check_rows_can_be_carried(self.steps, flow)
        return flow

    def _fit_steps(self, flow: Flow, callback_ctx: Any) -> None:
        """Fit and apply all steps but the last."""
        memory = check_memory(self.memory)
        # Caches that are no joblib.Memory may know no `ignore`.
        known = inspect.signature(memory.cache).parameters
        extra = {"ignore": ["caller", "callback_ctx"]} if "ignore" in known else {}
        transform = memory.cache(fit_transform_one, **extra)
        resample = memory.cache(resample_one, **extra)
        on_disk = getattr(memory, "location", "") is not None
        folds = None
        if self.cache and self.memory is None and not self._has_callbacks():
            folds = PrefixCache(self.steps, flow)
        restored = folds.restore(self.steps, flow) if folds else 0
        for position, (name, step) in enumerate(self.steps[:-1]):
            context = callback_ctx.subcontext(task_name=f"fit-transform-{name}")
            if is_passthrough(step) or position < restored:
                with _print_elapsed_time("Pipeline", self._log_message(position)):
                    context.call_on_fit_task_begin(estimator=self, X=flow.X, y=flow.y)
                    context.call_on_fit_task_end(estimator=self, X=flow.X, y=flow.y)
            else:
                given = self._get_metadata_for_step(
                    step_idx=position,
                    step_params=flow.routed[name],
                    all_params=flow.raw,
                )
                message = self._log_message(position)
                fit = resample if resamples(step) else transform
                output, fitted = fit(
                    clone(step) if on_disk else step,
                    flow.X,
                    flow.y,
                    message,
                    given,
                    caller=self,
                    callback_ctx=context,
                )
                self.steps[position] = (name, fitted)
                if isinstance(output, Resampled):
                    flow.take(name, given["fit_resample"], output)
                else:
                    flow.X = output
            if folds and position >= restored:
                folds.keep(position, self.steps, flow)

    def _has_callbacks(self) -> bool:
        return any(
            getattr(each, "_skl_callbacks", None)
            for each in (self, *(step for _, step in self.steps))
        )

    def _run(
        self,
        method: Literal["fit", "fit_transform", "fit_predict", "fit_resample"],
        X: Any,
        y: Any,
        params: dict[str, Any],
        rows: dict[str, Any],
    ) -> tuple[Any, Flow]:
        """Do what all fitting methods do; return the last step's result and rows."""
        task, n_steps = method.replace("_", "-"), len(self.steps)
        context = NO_CALLBACKS
        if hasattr(self, "_init_callback_context"):
            context = self._init_callback_context(task_name=task, max_subtasks=n_steps)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        flow = self._start(method, X, y, params, rows)
        self._fit_steps(flow, context)
        last = context.subcontext(task_name=f"{task}-final-estimator")
        final_name, final = self.steps[-1]
        message = self._log_message(n_steps - 1)
        if method == "fit_resample" and not is_passthrough(final):
            self._resample_last(final_name, final, flow, message, last)
            result = None
        else:
            with _print_elapsed_time("Pipeline", message):
                result = self._fit_last(method, final_name, final, flow, last)
        self._remember_rows(flow)
        context.call_on_fit_task_end(estimator=self, X=flow.X, y=flow.y)
        return result, flow

    def _remember_rows(self, flow: Flow) -> None:
        for name in ("sample_indices", *ROW_NAMES):
            self.__dict__.pop(f"{name}_", None)
        if flow.resampled:
            for name in ROW_NAMES:
                setattr(self, f"{name}_", flow.raw.get(name))
            if flow.row_map is not None:
                self.sample_indices_ = flow.row_map

    def _fit_last(
        self, method: str, name: str, final: Any, flow: Flow, context: Any
    ) -> Any:
        if is_passthrough(final):
            context.call_on_fit_task_begin(estimator=self, X=flow.X, y=flow.y)
            context.call_on_fit_task_end(estimator=self, X=flow.X, y=flow.y)
            return flow.X
        given = self._get_metadata_for_step(
            step_idx=len(self.steps) - 1,
            step_params=flow.routed[name],
            all_params=flow.raw,
        )
        with context.propagate_callback_context(final):
            context.call_on_fit_task_begin(estimator=self, X=flow.X, y=flow.y)
            if method != "fit_transform" or hasattr(final, method):
                result = getattr(final, method)(flow.X, flow.y, **given[method])
            else:
                fitted = final.fit(flow.X, flow.y, **given["fit"])
                result = fitted.transform(flow.X, **given["transform"])
            if method == "fit_transform":
                flow.X = result
            context.call_on_fit_task_end(estimator=self, X=flow.X, y=flow.y)
        return result

    def _resample_last(
        self, name: str, final: Any, flow: Flow, message: str | None, context: Any
    ) -> None:
        fit = resample_one if resamples(final) else fit_transform_one
        given = flow.routed[name]
        output, _ = fit(
            final, flow.X, flow.y, message, given, caller=self, callback_ctx=context
        )
        if isinstance(output, Resampled):
            flow.take(name, given["fit_resample"], output)
        else:
            flow.X = output

    def _resample_rows(self, X: Any, y: Any, passed: dict[str, Any]) -> Resampled:
        """Resample as a step of another pipeline."""
        rows = {name: passed[name] for name in ROW_NAMES if name in passed}
        params = {name: v for name, v in passed.items() if name not in ROW_NAMES}
        _, flow = self._run("fit_resample", X, y, params, rows)
        carried = {name: flow.raw.get(name) for name in passed}
        return Resampled(
            X=flow.X,
            y=flow.y,
            carried={name: v for name, v in carried.items() if v is not None},
            row_map=flow.row_map,
        )
