# SPDX-License-Identifier: BSD-3-Clause
"""The behaviour that all samplers of the library have in common."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn import get_config
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.metadata_routing import UNUSED

from skoverfit._core._arrays import ContainerSpec, container_of, n_rows, take_rows
from skoverfit._core._random import root_entropy
from skoverfit._core._rebuild import concatenate_rows, restore
from skoverfit._core._resampling._data import (
    ResamplingData,
    check_groups,
    check_table,
    check_target,
    check_weights,
)
from skoverfit._core._resampling._provenance import STORED, ProvenanceMixin
from skoverfit._core._resampling._strategy import resolve_strategy

__all__ = ["Resampled", "ResamplerMixin", "new_index"]


@dataclass(kw_only=True)
class Resampled:
    """What a sampler's ``_resample`` returns.

    Attributes
    ----------
    X : container
        The resampled table, of the kind that was given: kept rows first.
    kept : ndarray or None, default=None
        Input rows that are kept, in the order of the output; None keeps all in order.
    base : ndarray of shape (m,) or None, default=None
        Base row of each made row; its class is the made row's. None: nothing was made.
    partner : ndarray of shape (m,) or None, default=None
        The second parent, -1 for none.
    step : ndarray of shape (m,) or None, default=None
        Share of the partner in the made row.
    n_parents : int, default=2
        2 for rows between base and partner, 1 for copies, 0 for draws from a
        distribution.
    sample_weight : ndarray or None, default=None
        Weights of all output rows; None: each has that of its source row.
    made_codes : ndarray of shape (m,) or None, default=None
        Position of the class that each made row was made for; None: its base's class.
    y_made : ndarray of shape (m,) or (m, q), or None, default=None
        Targets of the made rows; None: each has that of its base row.
    """

    X: Any
    kept: np.ndarray | None = None
    base: np.ndarray | None = None
    partner: np.ndarray | None = None
    step: np.ndarray | None = None
    n_parents: int = 2
    sample_weight: np.ndarray | None = None
    made_codes: np.ndarray | None = None
    y_made: np.ndarray | None = None


def new_index(X: Any) -> Any:
    """Give a pandas container the index 0..n-1, as imbalanced-learn does."""
    return X.reset_index(drop=True) if hasattr(X, "iloc") else X


@functools.cache
def _defaults(cls: type) -> dict[str, Any]:
    """Return the constructor's parameters and defaults; looked up once a class."""
    found = inspect.signature(cls).parameters
    return {name: parameter.default for name, parameter in found.items()}


class ResamplerMixin(ProvenanceMixin):
    """Checks once, resamples, and keeps where each row came from.

    To be put left of imbalanced-learn's ``BaseOverSampler`` or ``BaseUnderSampler``. A
    subclass implements ``_resample(data) -> Resampled`` and may set the class
    attributes ``_allow_nan``, ``_allow_mixed`` (columns that aren't numbers),
    ``_allow_sparse``, and ``_check_parameters()`` for what concerns several of them.
    It sets no fitted attribute before the last thing that can fail.
    """

    _allow_nan: ClassVar[bool] = False
    _allow_mixed: ClassVar[bool] = False
    _allow_sparse: ClassVar[bool] = True
    _data_type: ClassVar[type[ResamplingData]] = ResamplingData
    # Row-aligned metadata is requested by default: a sampler that merely *has* these
    # parameters would otherwise make every routed call with weights an error.
    __metadata_request__fit_resample: ClassVar[dict[str, bool]] = {
        "sample_weight": True,
        "groups": True,
    }
    # scikit-learn looks for names that *contain* "..._request__fit", so the line above
    # would be taken as a request of `fit` too.
    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
    }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self._allow_nan
        tags.input_tags.sparse = self._allow_sparse
        tags.sampler_tags.sample_indices = True
        return tags

    def fit(self, X: Any, y: Any) -> Any:
        """Check the input and count what would be sampled.

        ``fit_resample`` is the method to use.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The target that ``fit_resample`` takes.

        Returns
        -------
        self : object
            The sampler, with ``sampling_strategy_``.
        """
        data = self._check(X, y, None, None)
        for name in (*STORED, "n_generated_", "class_prior_after_"):
            vars(self).pop(name, None)
        self._remember_classes(data)
        return self

    def fit_resample(
        self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> tuple[Any, Any]:
        """Resample the table.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            numpy array, list of rows, pandas or polars frame, scipy sparse matrix or
            array, or torch tensor.
        y : array-like of shape (n_samples,)
            Class labels, or a one-hot matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows; ``sample_weight_`` has those of the
            resampled rows.
        groups : array-like of shape (n_samples,), default=None
            Groups that must not be mixed; ``groups_`` has those of the resampled rows.

        Returns
        -------
        X_resampled : container of shape (n_out, n_features)
            Of the kind, dtypes and column names of X; a pandas index is 0..n_out-1.
        y_resampled : container of shape (n_out,)
            Of the kind and dtype of y.

        Raises
        ------
        ValueError
            Where a parameter or the input is refused; the sentence says which.
        """
        data = self._check(X, y, sample_weight, groups)
        result = self._resample(data)
        return new_index(result.X), self._finish(data, result, y)

    def _resample(self, data: ResamplingData) -> Resampled:
        raise NotImplementedError

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Answer to imbalanced-learn's own name for the work."""
        return self.fit_resample(X, y, **params)

    def _check_parameters(self) -> None:
        """Check what concerns several parameters at once."""

    def _check(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> ResamplingData:
        self._validate_changed_parameters()
        self._check_parameters()
        spec, values, finite = self._check_table(X)
        if spec.kind == "sparse" and not self._allow_sparse:
            raise TypeError(
                "Sparse data was passed for X, but dense data is required: "
                f"{type(self).__name__} needs X.toarray()."
            )
        target = self._check_target(y)
        codes = target["codes"]
        n = values.shape[0] if values is not None else n_rows(X)
        if n != len(codes):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has "
                f"{n} rows, but y has {len(codes)} labels."
            )
        group_values, group_codes = check_groups(groups, n)
        data = self._data_type(
            X=X,
            spec=spec,
            values=values,
            **target,
            sample_weight=check_weights(sample_weight, n),
            groups=group_values,
            group_codes=group_codes,
            entropy=root_entropy(getattr(self, "random_state", None)),
            finite=finite,
        )
        data.targets = self._wanted(data)
        data.refuse_weightless()
        return data

    def _check_target(self, y: Any) -> dict[str, Any]:
        """Return the fields of the data that y decides."""
        classes, codes, counts = check_target(y)
        return {"classes": classes, "codes": codes, "counts": counts}

    def _wanted(self, data: ResamplingData) -> dict[Any, int]:
        """Return the rows to add or to keep by class."""
        strategy = self.sampling_strategy  # type: ignore[attr-defined]
        return resolve_strategy(
            strategy,
            data.classes,
            data.counts,
            self._sampling_type,  # type: ignore[attr-defined]
            data.classes[data.codes] if callable(strategy) else None,
        )

    def _check_table(self, X: Any) -> tuple[ContainerSpec, Any, bool]:
        """Check X; samplers that only copy rows look at less of it."""
        return check_table(
            self, X, allow_nan=self._allow_nan, allow_mixed=self._allow_mixed
        )

    def _validate_changed_parameters(self) -> None:
        """Check parameters against their constraints; defaults are known to be valid.

        scikit-learn's way inspects the signature and checks every parameter in every
        call, which would be a third of the time of a small one.
        """
        if get_config()["skip_parameter_validation"]:
            return
        changed = {
            name: getattr(self, name)
            for name, default in _defaults(type(self)).items()  # type: ignore[arg-type]
            if getattr(self, name) is not default
        }
        if changed:
            validate_parameter_constraints(
                self._parameter_constraints,  # type: ignore[attr-defined]
                changed,
                caller_name=type(self).__name__,
            )

    def _remember_classes(self, data: ResamplingData) -> None:
        self.sampling_strategy_ = data.targets
        self.classes_ = data.classes
        totals = data.totals()
        self.class_prior_before_ = totals / totals.sum()

    def _remember_shares(self, data: ResamplingData, result: Resampled) -> None:
        made = np.bincount(data.codes[self._made_base], minlength=len(data.classes))
        kept = data.codes if result.kept is None else data.codes[result.kept]
        totals = np.bincount(kept, minlength=len(data.classes)) + made
        if self.sample_weight_ is not None:
            source = data.codes[self.sample_indices_]
            totals = np.bincount(source, weights=self.sample_weight_)
        self.class_prior_after_ = totals / totals.sum()

    def _finish(self, data: ResamplingData, result: Resampled, y: Any) -> Any:
        """Set the fitted attributes, all at once and last; return the labels."""
        nothing = np.empty(0, dtype=np.intp)
        self._n_source = data.n
        self._kept_rows = result.kept
        self._made_base = nothing if result.base is None else result.base
        self._made_partner = result.partner
        self._made_step = result.step
        self._n_parents = result.n_parents
        self._remember_classes(data)
        codes = result.made_codes
        codes = data.codes[self._made_base] if codes is None else codes
        made = np.bincount(codes, minlength=len(data.classes))
        self.n_generated_ = dict(zip(data.classes, made.tolist(), strict=True))
        self.sample_weight_ = result.sample_weight
        if result.sample_weight is None and data.sample_weight is not None:
            self.sample_weight_ = data.sample_weight[self.sample_indices_]
        self._remember_shares(data, result)
        # The map of all rows is made only where somebody needs it.
        self.groups_ = None
        if data.groups is not None:
            self.groups_ = data.groups[self.sample_indices_]
        if result.y_made is not None and len(result.y_made):
            kept_y = y if result.kept is None else take_rows(y, result.kept)
            made_y = restore(result.y_made, container_of(y))
            return new_index(concatenate_rows([kept_y, made_y]))
        if type(y) is np.ndarray and y.ndim == 1 and result.kept is None:
            out = np.empty(len(y) + len(self._made_base), dtype=y.dtype)
            out[: len(y)] = y
            np.take(y, self._made_base, out=out[len(y) :], mode="clip")
            return out
        return new_index(take_rows(y, self.sample_indices_))
