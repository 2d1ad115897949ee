# SPDX-License-Identifier: BSD-3-Clause
"""A picture of what a sampler did."""

from __future__ import annotations

import inspect
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from skoverfit._core._palette import MUTED
from skoverfit._core._random import derive_generator, root_entropy
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._drawing import (
    class_handles,
    draw_subtitle,
    marker_size,
    name_ticks,
    role_handles,
    scatter_classes,
    share_out,
    spacer_handles,
)
from skoverfit.inspection._projection import choose_plane
from skoverfit.inspection._tables import read_tables, sampler_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ResamplingDisplay"]

_RASTERIZE_FROM = 3000
_SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "projection": [StrOptions({"auto", "pca"}), None],
    "max_points": [Interval(Integral, 1, None, closed="left")],
    "max_segments": [Interval(Integral, 0, None, closed="left")],
    "random_state": ["random_state", np.random.Generator],
}


class ResamplingDisplay:
    """Picture of the rows that a sampler kept, dropped and made, and of their parents.

    Make it with :meth:`from_sampler` or :meth:`from_resampled`. Colour and marker tell
    the classes apart, a filled marker is an original row, an open one a made row, a
    faint one a row that the sampler dropped. Thin lines lead from a made row to each
    of its parents, where the sampler has ``parents_`` (those of this library do;
    imbalanced-learn's don't).

    Parameters
    ----------
    original : ndarray of shape (n, 2)
        Coordinates of the original rows.
    original_labels : ndarray of shape (n,)
        Their class labels.
    kept : ndarray of shape (n,), bool
        Whether the sampler kept the row.
    made : ndarray of shape (n_made, 2)
        Coordinates of the made rows.
    made_labels : ndarray of shape (n_made,)
        Their class labels.
    parents : ndarray of shape (n_made, p), default=None
        Numbers of the original rows from which a row was made, -1 padded.
    axis_names : tuple of str, default=("", "")
        Names of the two axes.
    axis_ticks : tuple, default=(None, None)
        For each axis the names of the positions 0, 1, ..., or None.
    title : str, default=""
        First line above the picture.
    notes : tuple of str, default=()
        What a reader has to know: printed below the title.
    max_points : int, default=10000
        Most rows that are drawn. Each class gets an equal part of them, so a rare
        class is drawn whole.
    max_segments : int, default=2000
        Most lines to parents that are drawn; 0 draws none.
    random_state : int, RandomState, Generator or None, default=0
        Chooses the rows and lines that are drawn where there are too many.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.
    original_, dropped_, made_ : list of matplotlib.collections.PathCollection
        The points of each class, after :meth:`plot`.
    segments_ : matplotlib.collections.LineCollection or None
        The lines to the parents, after :meth:`plot`.

    See Also
    --------
    synthetic_report : The same question answered by figures.

    Examples
    --------
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_moons
    >>> from skoverfit.inspection import ResamplingDisplay
    >>> X, y = make_moons((80, 20), noise=0.1, random_state=0)
    >>> display = ResamplingDisplay.from_sampler(
    ...     RandomUnderSampler(random_state=0), X, y
    ... )
    >>> int(display.kept.sum()), len(display.made)
    (40, 0)
    """

    def __init__(
        self,
        original: np.ndarray,
        original_labels: np.ndarray,
        kept: np.ndarray,
        made: np.ndarray,
        made_labels: np.ndarray,
        *,
        parents: np.ndarray | None = None,
        axis_names: tuple[str, str] = ("", ""),
        axis_ticks: tuple[Any, Any] = (None, None),
        title: str = "",
        notes: tuple[str, ...] = (),
        max_points: int = 10_000,
        max_segments: int = 2_000,
        random_state: Any = 0,
    ) -> None:
        self.original = original
        self.original_labels = original_labels
        self.kept = kept
        self.made = made
        self.made_labels = made_labels
        self.parents = parents
        self.axis_names = axis_names
        self.axis_ticks = axis_ticks
        self.title = title
        self.notes = notes
        self.max_points = max_points
        self.max_segments = max_segments
        self.random_state = random_state

    @classmethod
    @validate_params(
        {"sampler": [HasMethods("fit_resample")], **_SHARED_CONSTRAINTS},
        prefer_skip_nested_validation=True,
    )
    def from_sampler(
        cls,
        sampler: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        features: tuple[int | str, int | str] | None = None,
        projection: str | None = "auto",
        max_points: int = 10_000,
        max_segments: int = 2_000,
        random_state: Any = 0,
        ax: Axes | None = None,
    ) -> ResamplingDisplay:
        """Resample a table with a copy of the sampler, and draw what it did.

        Parameters
        ----------
        sampler : sampler object
            Anything with ``fit_resample``: ours, imbalanced-learn's. It is cloned.
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            The table. Strings, categories and missing values are allowed if the
            sampler allows them.
        y : array-like of shape (n_samples,)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed to ``fit_resample`` where given.
        groups : array-like of shape (n_samples,), default=None
            Passed to ``fit_resample`` where given.
        features : tuple of two int or str, default=None
            Columns to draw, by number or name. By default ``projection`` decides.
        projection : {"auto", "pca"} or None, default="auto"
            ``"pca"``: the first two principal components of the original rows, with
            numbers standardized and categories as indicators. ``"auto"``: the columns
            themselves where there are two, otherwise ``"pca"``. Has no effect where
            ``features`` is given.
        max_points : int, default=10000
            Most rows that are drawn.
        max_segments : int, default=2000
            Most lines to parents that are drawn.
        random_state : int, RandomState, Generator or None, default=0
            Chooses what is drawn where there is too much.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.

        Returns
        -------
        ResamplingDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the sampler does not take the weights or groups given, or changes the
            columns.
        """
        check_matplotlib_support(f"{cls.__name__}.from_sampler")
        sampler = clone(sampler)
        passed = {
            name: value
            for name, value in (("sample_weight", sample_weight), ("groups", groups))
            if value is not None
        }
        known = inspect.signature(sampler.fit_resample).parameters
        for name in passed:
            if name not in known:
                raise BadInputError(
                    f"{type(sampler).__name__}.fit_resample takes no {name}."
                )
        X_res, y_res = sampler.fit_resample(X, y, **passed)[:2]
        return cls.from_resampled(
            sampler,
            X,
            y,
            X_res,
            y_res,
            features=features,
            projection=projection,
            max_points=max_points,
            max_segments=max_segments,
            random_state=random_state,
            ax=ax,
        )

    @classmethod
    @validate_params(_SHARED_CONSTRAINTS, prefer_skip_nested_validation=True)
    def from_resampled(
        cls,
        sampler: Any,
        X: Any,
        y: Any,
        X_res: Any,
        y_res: Any,
        *,
        features: tuple[int | str, int | str] | None = None,
        projection: str | None = "auto",
        max_points: int = 10_000,
        max_segments: int = 2_000,
        random_state: Any = 0,
        ax: Axes | None = None,
    ) -> ResamplingDisplay:
        """Draw a table that was resampled already.

        Parameters
        ----------
        sampler : sampler object or None
            The sampler right after its ``fit_resample(X, y)``. With None, or where it
            keeps no record of the rows, they are found by comparing the tables.
        X : array-like, dataframe or sparse matrix of shape (n_samples, n_features)
            The table before.
        y : array-like of shape (n_samples,)
            Its class labels.
        X_res : array-like, dataframe or sparse matrix of shape (n_res, n_features)
            The table after.
        y_res : array-like of shape (n_res,)
            Its class labels.
        features : tuple of two int or str, default=None
            As in `from_sampler`.
        projection : {"auto", "pca"} or None, default="auto"
            As in `from_sampler`.
        max_points : int, default=10000
            As in `from_sampler`.
        max_segments : int, default=2000
            As in `from_sampler`.
        random_state : int, RandomState, Generator or None, default=0
            As in `from_sampler`.
        ax : matplotlib.axes.Axes, default=None
            As in `from_sampler`.

        Returns
        -------
        ResamplingDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the tables, or the sampler's record and the tables, do not fit.
        """
        check_matplotlib_support(f"{cls.__name__}.from_resampled")
        tables = read_tables(sampler, X, y, X_res, y_res)
        origin = tables.origin
        plane = choose_plane(
            tables.original,
            tables.resampled,
            features=features,
            projection=projection,
        )
        counts = [
            f"{count:,} {what}"
            for count, what in (
                (int(origin.kept.sum()), "kept"),
                (int((~origin.kept).sum()), "dropped"),
                (int(origin.made.sum()), "made"),
            )
            if count or what == "kept"
        ]
        display = cls(
            plane.original,
            tables.classes[tables.labels],
            origin.kept,
            plane.resampled[origin.made],
            tables.classes[tables.labels_res[origin.made]],
            parents=origin.parents,
            axis_names=plane.names,
            axis_ticks=plane.ticks,
            title=f"{sampler_name(sampler)}: {', '.join(counts)} rows",
            notes=plane.notes,
            max_points=max_points,
            max_segments=max_segments,
            random_state=random_state,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None, *, legend: bool = True) -> ResamplingDisplay:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; a new figure by default.
        legend : bool, default=True
            Whether a legend stands to the right of the axes.

        Returns
        -------
        ResamplingDisplay
            The object itself, with ``ax_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
        self.ax_: Axes = ax
        self.figure_: Figure = ax.figure  # type: ignore[assignment]
        entropy = root_entropy(self.random_state)
        rows, made = self._rows_to_draw(derive_generator(entropy, "points"))
        notes = list(self.notes)
        total = len(self.original) + len(self.made)
        if len(rows) + len(made) < total:
            notes.append(f"{len(rows) + len(made):,} of {total:,} rows drawn")
        notes += self._draw_segments(made, derive_generator(entropy, "segments"))
        classes = np.unique(self.original_labels)
        rasterized = len(rows) + len(made) > _RASTERIZE_FROM
        kept, dropped = rows[self.kept[rows]], rows[~self.kept[rows]]
        draw: dict[str, Any] = {
            "rasterized": rasterized,
            "classes": classes,
            "size": marker_size(len(rows) + len(made)),
        }
        self.dropped_ = scatter_classes(
            ax, self.original[dropped], self.original_labels[dropped], "dropped", **draw
        )
        self.original_ = scatter_classes(
            ax, self.original[kept], self.original_labels[kept], "original", **draw
        )
        self.made_ = scatter_classes(
            ax, self.made[made], self.made_labels[made], "made", **draw
        )
        self._dress(notes)
        if legend:
            self._draw_legend(classes)
        return self

    def _rows_to_draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the original and of the made rows that are drawn."""
        _, labels = np.unique(
            np.concatenate([self.original_labels, self.made_labels]),
            return_inverse=True,
        )
        n = len(self.original)
        role = np.arange(len(labels)) >= n
        chosen = share_out(2 * labels + role, self.max_points, rng)
        return chosen[chosen < n], chosen[chosen >= n] - n

    def _draw_segments(self, made: np.ndarray, rng: np.random.Generator) -> list[str]:
        """Draw lines from the drawn made rows to their parents; return notes."""
        self.segments_ = None
        if self.parents is None or self.max_segments == 0 or not len(made):
            return []
        from matplotlib.collections import LineCollection

        child, place = np.nonzero(self.parents[made] >= 0)
        rows, parents = made[child], self.parents[made[child], place]
        # A copy lies on its parent, and a row of one parent twice needs one line.
        pairs = np.unique(np.stack([rows, parents], axis=1), axis=0)
        ends = np.stack([self.original[pairs[:, 1]], self.made[pairs[:, 0]]], axis=1)
        ends = ends[(ends[:, 0] != ends[:, 1]).any(axis=1)]
        n_all = len(ends)
        if n_all > self.max_segments:
            ends = ends[np.sort(rng.choice(n_all, self.max_segments, replace=False))]
        self.segments_ = LineCollection(
            list(ends),
            colors=MUTED,
            linewidths=0.5,
            alpha=0.55 if len(ends) < 500 else 0.3,
            zorder=1.5,
            rasterized=len(ends) > _RASTERIZE_FROM,
        )
        self.ax_.add_collection(self.segments_)
        if len(ends) < n_all:
            return [f"{len(ends):,} of {n_all:,} lines to parents drawn"]
        return []

    def _dress(self, notes: list[str]) -> None:
        ax = self.ax_
        ax.set_xlabel(self.axis_names[0], parse_math=False)
        ax.set_ylabel(self.axis_names[1], parse_math=False)
        for axis, names in zip((ax.xaxis, ax.yaxis), self.axis_ticks, strict=True):
            if names is not None:
                name_ticks(axis, names)
        ax.spines[["top", "right"]].set_visible(False)
        draw_subtitle(ax, self.title, notes)

    def _draw_legend(self, classes: np.ndarray) -> None:
        counts = {
            label: int((self.made_labels == label).sum())
            + int((~self.kept[self.original_labels == label]).sum())
            for label in classes
        }
        handles = class_handles(classes, counts)
        handles += spacer_handles()
        handles += role_handles(
            dropped=not self.kept.all(),
            made=len(self.made) > 0,
            segments=self.segments_ is not None,
        )
        self.ax_.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            borderaxespad=0.0,
            frameon=False,
            fontsize="small",
        )
