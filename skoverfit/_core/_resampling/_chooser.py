# SPDX-License-Identifier: BSD-3-Clause
"""What samplers share that choose rows by a score of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from imblearn.under_sampling.base import BaseCleaningSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from skoverfit._core._arrays import ContainerSpec, kind_of, take_rows, to_numpy
from skoverfit._core._resampling._base import Resampled, ResamplerMixin
from skoverfit._core._resampling._data import ResamplingData, check_table
from skoverfit._core._resampling._random import check_any_table
from skoverfit.exceptions import BadInputError

__all__ = ["ChosenRows", "RowChooser", "check_scores", "fit_weights", "known_table"]


@dataclass(kw_only=True)
class ChosenRows(Resampled):
    """Rows that are kept, and further attributes to set at the end."""

    found: dict[str, Any] = field(default_factory=dict)


class RowChooser(ResamplerMixin, BaseCleaningSampler):
    """Keep some rows of the targeted classes; a subclass implements ``_choose``.

    ``_choose(data) -> ChosenRows`` gets the checked table and returns it with the
    numbers of the rows that stay; `chosen` makes it. A table of any content passes
    where ``_reads_any_table()`` says so.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseCleaningSampler._parameter_constraints
    }

    def _reads_any_table(self) -> bool:
        """Whether the columns are left to an estimator, or not looked at."""
        return False

    def _judging_estimator(self) -> Any:
        """Return the estimator that reads the table, if one does."""
        return getattr(self, "estimator", None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        estimator = self._judging_estimator()
        if self._reads_any_table() and hasattr(estimator, "fit"):
            theirs = get_tags(estimator).input_tags
            tags.input_tags.allow_nan = theirs.allow_nan
            tags.input_tags.sparse = theirs.sparse
        return tags

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        labels = data.classes[data.codes]
        return dict(
            check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        )

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        if not self._reads_any_table():
            return super()._check_table(X)
        tags = get_tags(self).input_tags
        if self._refuses_by_tags(X):
            return check_table(self, X, allow_nan=tags.allow_nan, allow_mixed=False)
        return *check_any_table(self, X), False

    def _refuses_by_tags(self, X: Any) -> bool:
        """Whether what the estimator says of its input can be asked of this table.

        A pipeline does not say what its first steps can read, nor does a meta-estimator
        know of the columns of a frame.
        """
        estimator = self._judging_estimator()
        if not hasattr(estimator, "fit") or hasattr(estimator, "steps"):
            return False
        theirs = get_tags(estimator).input_tags
        plain = isinstance(X, (np.ndarray, list, tuple)) or hasattr(X, "tocsr")
        return plain and not (theirs.string or theirs.categorical)

    def _resample(self, data: ResamplingData) -> ChosenRows:
        return self._choose(data)

    def _choose(self, data: ResamplingData) -> ChosenRows:
        raise NotImplementedError

    def _finish(self, data: ResamplingData, result: Resampled, y: Any) -> Any:
        out = super()._finish(data, result, y)
        assert isinstance(result, ChosenRows)
        for name, value in result.found.items():
            setattr(self, name, value)
        return out

    def _targeted(self, data: ResamplingData) -> np.ndarray:
        """Return which rows belong to a class that rows may be dropped of."""
        return np.isin(data.classes, list(data.targets))[data.codes]

    @staticmethod
    def chosen(
        data: ResamplingData,
        kept: np.ndarray,
        sample_weight: np.ndarray | None = None,
        **found: Any,
    ) -> ChosenRows:
        """Return these rows of the table, in its order."""
        return ChosenRows(
            X=take_rows(known_table(data), kept),
            kept=kept,
            n_parents=1,
            sample_weight=sample_weight,
            found=found,
        )


def known_table(data: ResamplingData) -> Any:
    """Return the table as it was given, or as an array if its class is unknown."""
    try:
        kind_of(data.X)
    except TypeError:
        return data.values
    return data.X


def fit_weights(estimator: Any, data: ResamplingData) -> np.ndarray | None:
    """Return the weights that an estimator is fitted with, if it takes any."""
    if data.sample_weight is None or not has_fit_parameter(estimator, "sample_weight"):
        return None
    return data.sample_weight


def check_scores(scores: Any, X: Any, y: np.ndarray, n: int) -> np.ndarray:
    """Return ready scores of rows, or what a function ``(X, y)`` returns for them.

    Raises
    ------
    BadInputError
        Where there is not one number a row, or one is not finite.
    """
    called = callable(scores)
    found = scores(X, y) if called else scores
    values = np.asarray(found if isinstance(found, str) else to_numpy(found))
    if values.dtype.kind not in "biuf" or values.shape != (n,):
        raise BadInputError(
            f"The 'scores' parameter must {'return' if called else 'hold'} one number "
            f"a row, of shape ({n},). Got an array of dtype {values.dtype} and shape "
            f"{values.shape} instead."
        )
    values = values.astype(np.float64)
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        raise BadInputError(f"The 'scores' parameter is NaN in row {row}.")
    return values
