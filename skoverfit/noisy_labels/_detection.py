# SPDX-License-Identifier: BSD-3-Clause
"""What all detectors of wrong labels have in common: scores, a mask, a repair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metadata_routing import UNUSED

from skoverfit._core._resampling._chooser import ChosenRows, RowChooser
from skoverfit._core._resampling._data import ResamplingData
from skoverfit._core._resampling._provenance import STORED

__all__ = ["BaseDetector", "Issues", "issues_table", "spared"]


@dataclass(frozen=True)
class Issues:
    """What a detector found.

    ``quality`` is from 0 (the label is wrong) to 1, NaN where a row could not be
    judged; ``mask`` are the suspects; ``predicted`` the codes of the labels proposed
    instead, if the detector has any; ``extra`` further fitted attributes.
    """

    quality: np.ndarray
    mask: np.ndarray
    predicted: np.ndarray | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def spared(mask: np.ndarray, quality: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Let the best row of a class stay that would lose all of them."""
    lost = np.bincount(codes[mask], minlength=codes.max() + 1)
    out = mask
    for k in np.flatnonzero((lost > 0) & (lost == np.bincount(codes))):
        rows = np.flatnonzero(codes == k)
        out = out.copy() if out is mask else out
        out[rows[np.argmax(np.nan_to_num(quality[rows], nan=1.0))]] = False
    return out


def issues_table(labels: np.ndarray, mask: Any, quality: Any, predicted: Any) -> Any:
    """Return a pandas frame with the columns of cleanlab's."""
    import pandas as pd

    columns = {
        "is_label_issue": mask,
        "label_quality": quality,
        "given_label": labels,
        "predicted_label": predicted,
    }
    known = {name: column for name, column in columns.items() if column is not None}
    return pd.DataFrame(known)


class BaseDetector(RowChooser):
    """A chooser of rows that knows why: subclasses implement ``_detect``.

    ``fit`` only looks; ``fit_resample`` also drops the suspects.
    """

    __metadata_request__fit: ClassVar[dict[str, str]] = {
        "sample_weight": UNUSED,
        "groups": UNUSED,
    }

    def __init__(self, *, sampling_strategy: Any = "all") -> None:
        super().__init__(sampling_strategy=sampling_strategy)

    def _detect(self, data: ResamplingData) -> Issues:
        raise NotImplementedError

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> BaseDetector:
        """Look for wrong labels; nothing is dropped.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            The table.
        y : array-like of shape (n_samples,)
            Class labels of any type, some of them wrong.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are kept on one side of each fold.

        Returns
        -------
        self : object
            The detector, with ``issue_mask_`` and ``label_quality_``.
        """
        return self._look(X, y, groups=groups)

    def _look(
        self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None
    ) -> BaseDetector:
        """Do as `fit` does, with weights for detectors whose model takes them."""
        data = self._check(X, y, sample_weight, groups)
        issues = self._judged(data)
        for name in (*STORED, "n_generated_", "class_prior_after_"):
            self.__dict__.pop(name, None)  # of an earlier fit_resample
        self._remember_classes(data)
        for name, value in self._found(data, issues).items():
            setattr(self, name, value)
        return self

    def _judged(self, data: ResamplingData) -> Issues:
        """Detect, and let classes alone that ``sampling_strategy`` leaves out."""
        found = self._detect(data)
        mask = found.mask & self._targeted(data)
        return Issues(found.quality, mask, found.predicted, found.extra)

    def _choose(self, data: ResamplingData) -> ChosenRows:
        issues = self._judged(data)
        kept = np.flatnonzero(~spared(issues.mask, issues.quality, data.codes))
        return self.chosen(data, kept, **self._found(data, issues))

    def _found(self, data: ResamplingData, issues: Issues) -> dict[str, Any]:
        """Return the fitted attributes that tell what was found."""
        proposed = issues.predicted
        return {
            "issue_mask_": issues.mask,
            "label_quality_": issues.quality,
            "predicted_label_": None if proposed is None else data.classes[proposed],
            "_given_label": data.classes[data.codes],
            **issues.extra,
        }

    def issues_frame(self) -> Any:
        """Return what was found, with the column names of cleanlab.

        Returns
        -------
        pandas.DataFrame
            Columns ``is_label_issue``, ``label_quality``, ``given_label`` and, where
            the detector proposes labels, ``predicted_label``; one row a row of X.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "issue_mask_")
        return issues_table(
            self._given_label,
            self.issue_mask_,
            self.label_quality_,
            self.predicted_label_,
        )
