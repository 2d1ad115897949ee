# SPDX-License-Identifier: BSD-3-Clause
"""The bridge to scikit-learn's callbacks, where the installed version has them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["CallbackSupport", "epoch_events", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupport:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin; there are no callbacks."""

    def with_callbacks(method: Any) -> Any:  # type: ignore[no-redef]
        """Return the method as it is."""
        return method


@contextlib.contextmanager
def epoch_events(
    estimator: Any, X: Any, y: Any, n_epochs: int
) -> Iterator[Callable[[Any], bool] | None]:
    """Tell scikit-learn's callbacks of the fit; yield what tells them of an epoch.

    The function returns whether a callback asks for an end of the training.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    context = estimator._init_callback_context(max_subtasks=n_epochs)
    context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
    open_epochs: list[Any] = []
    done: list[Any] = []

    def begin() -> None:
        epoch = context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        open_epochs.append(epoch)

    def on_epoch(net: Any) -> bool:
        epoch = open_epochs.pop()
        stop = epoch.call_on_fit_task_end(estimator=estimator, X=X, y=y)
        done.append(epoch)
        if len(done) < n_epochs:  # no more than were announced
            begin()
        return bool(stop)

    begin()
    yield on_epoch
    context.call_on_fit_task_end(estimator=estimator, X=X, y=y)
