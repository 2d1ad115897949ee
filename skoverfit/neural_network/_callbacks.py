# SPDX-License-Identifier: BSD-3-Clause
"""The bridge to scikit-learn's callbacks, where the installed version has them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from skoverfit._core._progress import Progress

__all__ = ["CallbackSupport", "epoch_events", "with_callbacks"]

try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupport:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin; there are no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


@contextlib.contextmanager
def epoch_events(
    estimator: Any, X: Any, y: Any, n_epochs: int
) -> Iterator[Callable[[Any], bool] | None]:
    """Show the progress and tell scikit-learn's callbacks of a fit.

    What is yielded tells them of an epoch, and returns whether a callback asks for an
    end of the training; None where nobody listens.
    """
    with _callback_events(estimator, X, y, n_epochs) as told:
        if not estimator.verbose:
            yield told
            return
        with Progress(n_epochs, verbose=1, unit="epochs") as progress:

            def on_epoch(net: Any) -> bool:
                progress.advance()
                return told is not None and told(net)

            yield on_epoch


@contextlib.contextmanager
def _callback_events(
    estimator: Any, X: Any, y: Any, n_epochs: int
) -> Iterator[Callable[[Any], bool] | None]:
    if not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    context = estimator._init_callback_context(max_subtasks=n_epochs)
    context.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
    open_epochs: list[Any] = []
    left = n_epochs

    def begin() -> None:
        epoch = context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=estimator, X=X, y=y)
        open_epochs.append(epoch)

    def end() -> bool:
        epoch = open_epochs.pop()
        return bool(epoch.call_on_fit_task_end(estimator=estimator, X=X, y=y))

    def on_epoch(net: Any) -> bool:
        nonlocal left
        left -= 1
        stop = end()
        if left and not (stop or net.best_.is_over or net.timed_out_):
            begin()
        return stop

    begin()
    yield on_epoch
    if open_epochs:  # interrupted in between
        end()
    context.call_on_fit_task_end(estimator=estimator, X=X, y=y)
