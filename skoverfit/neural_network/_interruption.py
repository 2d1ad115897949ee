# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C and errors in a training: what is kept, and who has to hear of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from skoverfit._core._validation import warn

__all__ = ["is_one_of_many", "tell_of_interruption", "unchanged_on_error"]

# Code that trains one estimator after the other: an interrupt has to stop that, too.
_MANY = (
    "imblearn.ensemble",
    "joblib",
    "sklearn.calibration",
    "sklearn.ensemble",
    "sklearn.feature_selection",
    "sklearn.model_selection",
    "sklearn.multiclass",
    "sklearn.multioutput",
    "sklearn.semi_supervised",
    "skoverfit.bench",
    "skoverfit.model_selection",
)


def is_one_of_many() -> bool:
    """Whether a search, a cross-validation or an ensemble is among the callers."""
    frame = sys._getframe(0).f_back
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if any(name == each or name.startswith(f"{each}.") for each in _MANY):
            return True
        frame = frame.f_back
    return False


def tell_of_interruption(n_iter: int, max_epochs: int, *, judged: bool) -> None:
    """Warn that a fit was interrupted; inside of a search, stop the search instead.

    Raises
    ------
    KeyboardInterrupt
        If the fit is one of many: a person who presses Ctrl-C wants their end, not
        that of one candidate.
    """
    if is_one_of_many():
        raise KeyboardInterrupt
    kept = "the best weights so far" if judged else "the last weights"
    warn(
        f"The training was interrupted after {n_iter} of {max_epochs} epochs; the "
        f"estimator is fitted with {kept}."
    )


@contextlib.contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Give an estimator its attributes back if an error ends the block."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
