# SPDX-License-Identifier: BSD-3-Clause
"""What the samplers share that put rows between neighbours, whatever their target."""

from __future__ import annotations

from importlib import import_module
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skoverfit._core._resampling import ResamplerMixin, ResamplingData
from skoverfit.over_sampling._mixed import MixedTable, mixed_columns
from skoverfit.over_sampling._plan import Options
from skoverfit.over_sampling._tables import DenseTable, SparseTable, Table

__all__ = ["BetweenNeighbors"]


class BetweenNeighbors(ResamplerMixin, BaseOverSampler):
    """Reads the parameters of how rows are made, and the table in its form.

    A subclass has the parameters of ``_shared_constraints``; those that it lacks of
    the class attributes below are as they say.
    """

    _allow_nan = True
    _allow_mixed = True

    fallback: str = "jitter"
    variance_preserving: bool = False
    perturbation: float | None = None

    _shared_constraints: ClassVar[dict[str, list[Any]]] = {
        "k_neighbors": [
            Interval(Integral, 1, None, closed="left"),
            HasMethods(["fit", "kneighbors"]),
        ],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "gap": [StrOptions({"segment", "box"})],
        "integer": [StrOptions({"stochastic", "round"})],
        "missing": [StrOptions({"propagate", "present", "raise"})],
        "scaling": [StrOptions({"standard"}), None],
        "group_policy": [StrOptions({"within", "any"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    k_neighbors: Any
    categorical_features: Any
    gap: str
    integer: str
    missing: str
    scaling: str | None
    group_policy: str
    n_jobs: int | None

    def _prepared(self, data: ResamplingData) -> tuple[Table, Options]:
        k = self.k_neighbors
        counted = isinstance(k, Integral)
        options = Options(
            k=int(k) if counted else int(getattr(k, "n_neighbors", 6)) - 1,
            gap=self.gap,
            integer=self.integer,
            missing=self.missing,
            fallback=self.fallback,
            within_groups=self.group_policy == "within",
            variance_preserving=self.variance_preserving,
            perturbation=self.perturbation,
        )
        table = self._table(data, options, None if counted else k)
        if self.missing == "raise" and not table.complete:
            raise ValueError(
                "Input X contains NaN, and missing='raise'. Use missing='propagate', "
                "or fill the missing values."
            )
        return table, options

    def _table(self, data: ResamplingData, options: Options, searcher: Any) -> Table:
        """Return the table in the form that its columns ask for."""
        search = {
            "searcher": searcher,
            "scaling": self.scaling,
            "n_jobs": self.n_jobs,
        }
        nominal = self.categorical_features
        automatic = isinstance(nominal, str) and nominal == "auto"
        named = not automatic and nominal is not None and np.size(nominal) > 0
        if named or data.values is None:
            return MixedTable(data, options, mixed_columns(data, nominal), **search)
        if data.spec.kind == "tensor":
            # A module of its own, reached only where a tensor came in.
            tensors = import_module("skoverfit.over_sampling._tensors")
            return tensors.TensorTable(data, options, **search)
        if data.values.ndim == 2 and isinstance(data.values, np.ndarray):
            return DenseTable(data, options, **search)
        if self.variance_preserving:
            raise ValueError(
                "variance_preserving=True moves cells that are 0 and can't be used "
                "with sparse X; make X dense (X.toarray())."
            )
        return SparseTable(data, options, **search)
