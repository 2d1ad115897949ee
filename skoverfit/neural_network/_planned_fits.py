# SPDX-License-Identifier: BSD-3-Clause
"""Find out which fits a search is going to do, and answer them when it does.

scikit-learn's searches and cross-validations fit one estimator after the other. Ours
let them: first each fit is *recorded*, which ends where a net would be trained; then
all recorded nets are trained as stacks; then scikit-learn's own code runs and each fit
of a net is *answered* from what was trained. Fits are recognized by their content, so
a fit that was not foreseen (random preprocessing, say) is just trained as always.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import joblib
from sklearn.base import clone

__all__ = ["FitPlan", "FitRequest", "fit_is_planned", "refuse_to_be_recorded"]


@dataclass(kw_only=True)
class FitRequest:
    """A fit that is asked for.

    Attributes
    ----------
    estimator : TabularMLPClassifier or TabularMLPRegressor
        Not fitted.
    X, y, sample_weight : object
        What its ``fit`` got.
    """

    estimator: Any
    X: Any
    y: Any
    sample_weight: Any = None


class _RecordedError(BaseException):
    """Ends a fit that was recorded; no handler of errors is to see it."""


class _UnforeseeableError(BaseException):
    """Ends a fit that has to be done before it is known what it trains."""


@dataclass
class FitPlan:
    """The fits of a search or a cross-validation.

    Attributes
    ----------
    requests : list of FitRequest
        Fits in the order in which they were recorded.
    """

    requests: list[FitRequest] = field(default_factory=list)
    n_answered: int = 0
    n_missed: int = 0
    _keys: list[str] = field(default_factory=list)
    _arrays: dict[str, Any] = field(default_factory=dict)
    _answers: dict[str, list[Any]] = field(default_factory=dict)
    _recording: bool = False

    def record(self, estimator: Any, *args: Any, **kwargs: Any) -> int | None:
        """Run ``estimator.fit`` up to the training of its net.

        Parameters
        ----------
        estimator : estimator
            A net, or what has one as its last step.
        *args, **kwargs : object
            Arguments of its ``fit``.

        Returns
        -------
        int or None
            Number of the request; None where no net was going to be trained.
        """
        n = len(self.requests)
        self._recording = True
        token = _PLAN.set(self)
        try:
            # One process, to see all fits; what is to be warned of comes again.
            with (
                joblib.parallel_config(backend="sequential"),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")
                estimator.fit(*args, **kwargs)
        except _RecordedError:
            return n
        except (Exception, _UnforeseeableError):
            # Errors come again, where scikit-learn handles them.
            del self.requests[n:], self._keys[n:]
        finally:
            _PLAN.reset(token)
            self._recording = False
        return None

    @contextlib.contextmanager
    def answering(self, outcomes: list[Any]) -> Iterator[None]:
        """Answer the recorded fits with fitted estimators or exceptions.

        Parameters
        ----------
        outcomes : list of estimator or Exception
            One a request. Each is handed out once and then forgotten.
        """
        self._answers = {}
        for key, outcome in zip(self._keys, outcomes, strict=True):
            self._answers.setdefault(key, []).append(outcome)
        self._arrays.clear()
        token = _PLAN.set(self)
        try:
            yield
        finally:
            _PLAN.reset(token)
            self._answers = {}

    def _intern(self, thing: Any) -> tuple[str, Any]:
        """Return hash and one object for all of this content."""
        if thing is None:
            return "none", None
        key = joblib.hash(thing)
        return key, self._arrays.setdefault(key, thing)

    def meet(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> bool:
        """Record or answer a fit; see `fit_is_planned`."""
        if estimator.warm_start and hasattr(estimator, "net_"):
            return False
        parameters = joblib.hash(estimator.get_params(deep=False))
        kind = type(estimator).__name__
        if self._recording:
            keys, kept = zip(*map(self._intern, (X, y, sample_weight)), strict=True)
            self._keys.append(joblib.hash((kind, parameters, *keys)))
            self.requests.append(FitRequest(
                estimator=clone(estimator), X=kept[0], y=kept[1], sample_weight=kept[2]
            ))  # fmt: skip
            raise _RecordedError
        keys = tuple("none" if v is None else joblib.hash(v)
                     for v in (X, y, sample_weight))  # fmt: skip
        known = self._answers.get(joblib.hash((kind, parameters, *keys)))
        if not known:
            self.n_missed += 1
            return False
        self.n_answered += 1
        outcome = known.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        vars(estimator).update(
            {k: v for k, v in vars(outcome).items() if k not in outcome.get_params()}
        )
        return True


_PLAN: ContextVar[FitPlan | None] = ContextVar("skoverfit_fit_plan", default=None)


def refuse_to_be_recorded() -> None:
    """End the recording of a fit that would train stacks of its own to go on."""
    plan = _PLAN.get()
    if plan is not None and plan._recording:
        raise _UnforeseeableError


def fit_is_planned(estimator: Any, X: Any, y: Any, sample_weight: Any) -> bool:
    """Whether a fit was answered from a stack; the estimator is fitted then.

    While fits are recorded it does not return.

    Parameters
    ----------
    estimator : TabularMLPClassifier or TabularMLPRegressor
        Whose ``fit`` was called.
    X, y, sample_weight : object
        What it got.
    """
    plan = _PLAN.get()
    return plan is not None and plan.meet(estimator, X, y, sample_weight)
