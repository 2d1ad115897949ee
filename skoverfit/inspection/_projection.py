# SPDX-License-Identifier: BSD-3-Clause
"""Two coordinates for the rows of any table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from skoverfit._core._html import shorten
from skoverfit._core._random import derive_generator
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._measured import Measured

__all__ = ["Plane", "choose_plane"]

_FIT_ROWS = 20_000  # rows from which the projection is found
_FIT_LEVELS = 20  # most frequent categories of a column that it sees
_JITTER = 0.22  # half width, in steps between two categories


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Coordinates of the rows, names of the axes, and what a reader has to know.

    ``ticks`` has, for each axis, the names of the positions 0, 1, ... or None.
    """

    original: np.ndarray
    resampled: np.ndarray
    names: tuple[str, str]
    ticks: tuple[tuple[str, ...] | None, tuple[str, ...] | None] = (None, None)
    notes: tuple[str, ...] = field(default=())


def choose_plane(
    original: Measured,
    resampled: Measured,
    *,
    features: Any,
    projection: str | None,
) -> Plane:
    """Return two of the columns as they are, or the first two principal components.

    Parameters
    ----------
    original, resampled : Measured
        The rows.
    features : pair of int or str, or None
        Columns by number or name.
    projection : {"auto", "pca"} or None
        ``"auto"`` takes the columns where there are just two.
    """
    n_columns = len(original.names)
    if features is not None:
        pair = _column_pair(features, original.names)
    elif projection == "pca" or (projection == "auto" and n_columns != 2):
        return _principal_plane(original, resampled)
    elif n_columns == 2:
        pair = (0, 1)
    else:
        raise BadInputError(
            f"projection=None needs a table of 2 columns, or features=(i, j). Got "
            f"{n_columns} columns."
        )
    return _column_plane(original, resampled, pair)


def _column_pair(features: Any, names: tuple[str, ...]) -> tuple[int, int]:
    if isinstance(features, (str, bytes)) or np.size(features) != 2:
        raise BadInputError(
            f"features must be a pair of columns (i, j). Got {features!r} instead."
        )
    found = []
    for feature in features:
        if isinstance(feature, str):
            if names.count(feature) != 1:
                raise BadInputError(
                    f"features names {feature!r}, which is {names.count(feature)} "
                    f"times among the columns {', '.join(names[:8])}."
                )
            found.append(names.index(feature))
        elif isinstance(feature, (int, np.integer)) and 0 <= feature < len(names):
            found.append(int(feature))
        else:
            raise BadInputError(
                "features must be names or numbers of columns in "
                f"0..{len(names) - 1}. Got {feature!r} instead."
            )
    return found[0], found[1]


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the median of each column, 0 where all is missing."""
    empty = np.isnan(values).all(axis=0)
    filled = np.where(empty, 0.0, values)
    return np.nanmedian(filled, axis=0) if len(values) else np.zeros(values.shape[1])


def _fill_note(original: Measured, resampled: Measured, places: Any) -> list[str]:
    gaps = np.isnan(original.numeric[:, places]).any() or (
        np.isnan(resampled.numeric[:, places]).any()
    )
    return ["missing numbers drawn at the column's median"] if gaps else []


def _column_plane(
    original: Measured, resampled: Measured, pair: tuple[int, int]
) -> Plane:
    axes: list[tuple[np.ndarray, np.ndarray]] = []
    ticks: list[tuple[str, ...] | None] = []
    notes: list[str] = []
    for axis, column in enumerate(pair):
        kind, place = original.where[column]
        if kind == "numeric":
            notes += _fill_note(original, resampled, [place])
            middle = _medians(original.numeric[:, [place]])[0]
            filled = [
                np.where(np.isnan(m.numeric[:, place]), middle, m.numeric[:, place])
                for m in (original, resampled)
            ]
            ticks.append(None)
        else:
            # One stream an axis: a kept row has the same place in both tables only
            # where the caller draws it from `original`, which it does.
            rng = derive_generator(0, "jitter", axis)
            filled = [
                m.codes[:, place] + rng.uniform(-_JITTER, _JITTER, len(m))
                for m in (original, resampled)
            ]
            levels = [shorten(v, 18) for v in original.levels[place]]
            ticks.append(("(missing)", *levels))
            notes.append("categories spread around their tick")
        axes.append((filled[0], filled[1]))
    return Plane(
        original=np.stack([axes[0][0], axes[1][0]], axis=1),
        resampled=np.stack([axes[0][1], axes[1][1]], axis=1),
        names=(original.names[pair[0]], original.names[pair[1]]),
        ticks=(ticks[0], ticks[1]),
        notes=tuple(dict.fromkeys(notes)),
    )


def _principal_plane(original: Measured, resampled: Measured) -> Plane:
    """Project both tables on the first two components of the original rows."""
    rows = np.arange(len(original))
    if len(rows) > _FIT_ROWS:
        rows = derive_generator(0, "fit").choice(len(rows), _FIT_ROWS, replace=False)
    middle = _medians(original.numeric[rows])
    filled = np.where(np.isnan(original.numeric[rows]), middle, original.numeric[rows])
    scale = filled.std(axis=0)
    scale[scale == 0.0] = 1.0
    kept_levels = [_frequent(column) for column in original.codes[rows].T]

    def encode(table: Measured) -> np.ndarray:
        values = np.where(np.isnan(table.numeric), middle, table.numeric)
        # A differing category moves two indicators: 1 / sqrt(2) makes that a
        # distance of 1, one standard deviation of a number.
        flags = [
            (column[:, None] == levels) / np.sqrt(2.0)
            for column, levels in zip(table.codes.T, kept_levels, strict=True)
        ]
        return np.concatenate([(values - middle) / scale, *flags], axis=1)

    inputs = encode(original), encode(resampled)
    width = inputs[0].shape[1]
    n_components = min(2, width, len(rows))
    pca = PCA(n_components, random_state=0)
    with np.errstate(invalid="ignore"):  # one row, or none that differ: 0 / 0
        pca.fit(inputs[0][rows] if len(rows) < len(original) else inputs[0])
    planes = [np.zeros((len(values), 2)) for values in inputs]
    for plane, values in zip(planes, inputs, strict=True):
        plane[:, :n_components] = pca.transform(values)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    named = [f"component {i + 1} ({100 * s:.0f} %)" for i, s in enumerate(shares)]
    what = "standardized columns" if original.numeric.shape[1] else "categories"
    if original.numeric.shape[1] and original.codes.shape[1]:
        what += " and categories"
    note = f"principal components of the original rows, {what}"
    return Plane(
        original=planes[0],
        resampled=planes[1],
        names=(named[0], named[1] if len(named) > 1 else ""),
        notes=(note, *_fill_note(original, resampled, slice(None))),
    )


def _frequent(codes: np.ndarray) -> np.ndarray:
    levels, counts = np.unique(codes, return_counts=True)
    return levels[np.argsort(-counts, kind="stable")[:_FIT_LEVELS]]
