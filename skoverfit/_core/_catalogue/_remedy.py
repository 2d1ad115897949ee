# SPDX-License-Identifier: BSD-3-Clause
"""One row of the catalogue."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Remedy", "resolve"]

Kind = Literal[
    "none", "imbalance", "decision", "calibration", "regularization", "label_noise"
]
Task = Literal["classification", "regression"]
Role = Literal["baseline", "step", "wrap", "replace", "configure", "tool"]


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One row of the catalogue.

    Parameters
    ----------
    name : str
        What a person types (``--remedies smote``).
    title : str
        What a report prints.
    path : str
        Dotted path of the class (roles ``step``, ``wrap``, ``replace``) or of a
        function ``estimator -> estimator`` (role ``configure``); empty for the
        baseline.
    kind : str
        The disease it treats.
    role : {"baseline", "step", "wrap", "replace", "configure", "tool"}
        ``step`` goes before the estimator in a pipeline, ``wrap`` takes the estimator
        as its first parameter, ``replace`` is an estimator of its own, ``configure``
        is a function that returns the estimator with other parameters. A ``tool`` is
        an estimator that treats nothing itself (a pipeline, a neighbour search, a net).
    tasks : tuple of {"classification", "regression"}, default=("classification",)
        What the treated estimator may predict: classes, numbers, or either.
    parameters : mapping, default={}
        Constructor parameters of the benchmark. One that has ``cv`` tunes something
        on inner folds and gets those of the benchmark.
    search_space : mapping, default={}
        Lists of values for a search.
    applies : str, default=""
        Dotted path of a predicate ``(estimator, class_counts) -> str``; it returns
        "" where the remedy applies, otherwise the reason why not.
    cost : float, default=1.0
        Rough number of plain fits that one fit costs.
    paper : str, default=""
        Where it was published.
    input : {"prepared", "raw"}, default="prepared"
        What the benchmark hands to a ``step``: encoded, complete, scaled columns, or
        the rows of the table as they were read; then it has to have ``sample_indices_``
        and ``is_synthetic_`` afterwards.
    in_bench : bool, default=True
        Whether the benchmark tries it when nobody names remedies. False for second
        names of one remedy, and for what takes long.
    test_params : mapping, default={}
        Parameters of the common tests: cheap, with a fixed ``random_state``. A value
        ``"new:dotted.path"`` is an instance of that class, also inside a list or tuple;
        ``{"new:dotted.path": parameters}`` is one with parameters.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedy
    >>> remedy = get_remedy("temperature")
    >>> remedy.kind, remedy.role
    ('calibration', 'wrap')
    >>> remedy.resolve()(**remedy.parameters)
    CalibratedClassifierCV(cv=3, ensemble=False, method='temperature')
    """

    name: str
    title: str
    path: str
    kind: Kind
    role: Role
    tasks: tuple[Task, ...] = ("classification",)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    search_space: Mapping[str, Any] = field(default_factory=dict)
    applies: str = ""
    cost: float = 1.0
    paper: str = ""
    input: Literal["prepared", "raw"] = "prepared"
    in_bench: bool = True
    test_params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether the class is one of this library's."""
        return self.path.startswith("skoverfit.") and self.role != "configure"

    def resolve(self) -> Any:
        """Import and return the class or function.

        Returns
        -------
        type or callable
            What ``path`` names.
        """
        return resolve(self.path)

    def test_instance(self) -> Any:
        """Return an instance for the common tests.

        Returns
        -------
        object
            A fresh instance with ``test_params``.
        """
        return self.resolve()(**{k: _made(v) for k, v in self.test_params.items()})


def resolve(path: str) -> Any:
    """Import the object with this dotted path."""
    module, _, attribute = path.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _made(value: Any) -> Any:
    """Replace every "new:dotted.path" in a test parameter by an instance."""
    if isinstance(value, str) and value.startswith("new:"):
        return resolve(value.removeprefix("new:"))()
    if isinstance(value, (list, tuple)):
        return type(value)(_made(item) for item in value)
    if isinstance(value, dict):
        [*names] = value
        if len(names) == 1 and names[0].startswith("new:"):
            made = {k: _made(v) for k, v in value[names[0]].items()}
            return resolve(names[0].removeprefix("new:"))(**made)
    return value
