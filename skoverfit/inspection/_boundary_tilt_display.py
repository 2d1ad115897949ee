# SPDX-License-Identifier: BSD-3-Clause
"""A picture of the tilt of a boundary and of its scores against a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv, cross_validate
from sklearn.utils._optional_dependencies import check_matplotlib_support

from skoverfit._core._arrays import take_rows
from skoverfit._core._names import suggest
from skoverfit._core._palette import COLOURS, LINES, MARKERS, MUTED, RULE
from skoverfit._core._statistics import corrected_comparison
from skoverfit.exceptions import BadInputError
from skoverfit.inspection._deviation_angle import mean_angle
from skoverfit.inspection._drawing import draw_subtitle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BoundaryTiltDisplay"]


class BoundaryTiltDisplay:
    """Picture of the tilt of a linear boundary against a parameter that regularizes.

    Make it with :meth:`from_estimator`. Above are the scores on training and test rows,
    below the deviation angle. Where the angle rises and the test score doesn't, the
    model spends its fit on directions in which the rows hardly vary. The vertical line
    is the recommended value: the smallest angle among those whose test score is within
    one standard error of the best (the rule is ours).

    Parameters
    ----------
    param_name : str
        Name of the parameter.
    param_range : ndarray of shape (n_values,)
        Its values.
    angles : ndarray of shape (n_values, n_folds)
        Deviation angles in degrees, NaN where all coefficients were zero; of more than
        two classes the mean over pairs.
    train_scores : ndarray of shape (n_values, n_folds)
        Scores on the training rows of each fold.
    test_scores : ndarray of shape (n_values, n_folds)
        Scores on its test rows.
    test_train_ratio : float, default=0.25
        Test rows divided by training rows of a fold: scores of folds that share
        training rows vary less than they should, and the standard error is corrected
        for that (Nadeau & Bengio 2003).
    score_name : str, default="score"
        What is written at the axis.
    title : str, default=""
        First line above the picture.
    notes : tuple of str, default=()
        Printed below the title.

    Attributes
    ----------
    recommended_ : object
        The recommended value of the parameter.
    recommended_index_ : int
        Its place in ``param_range``.
    std_error_ : float
        Standard error of the best mean test score.
    axes_ : ndarray of matplotlib.axes.Axes
        Those of the scores and of the angle, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        The figure, after :meth:`plot`.

    See Also
    --------
    deviation_angle : The angle of one model.
    sklearn.model_selection.ValidationCurveDisplay : Scores without the angle.

    References
    ----------
    Tanay & Griffin (2016), "A Boundary Tilting Perspective on the Phenomenon of
    Adversarial Examples", arXiv:1608.07690.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skoverfit.inspection import BoundaryTiltDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    >>> display = BoundaryTiltDisplay.from_estimator(
    ...     model, X, y, param_name="logisticregression__C",
    ...     param_range=[1e-3, 1e-2, 1e-1, 1, 10], space="model")
    >>> display.angles.mean(axis=1).round(0)
    array([ 7., 17., 28., 41., 58.])
    >>> display.recommended_
    0.1
    """

    def __init__(
        self,
        param_name: str,
        param_range: Any,
        angles: np.ndarray,
        train_scores: np.ndarray,
        test_scores: np.ndarray,
        *,
        test_train_ratio: float = 0.25,
        score_name: str = "score",
        title: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.param_name = param_name
        self.param_range = param_range
        self.angles = angles
        self.train_scores = train_scores
        self.test_scores = test_scores
        self.test_train_ratio = test_train_ratio
        self.score_name = score_name
        self.title = title
        self.notes = notes
        self._recommend()

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        param_name: str,
        param_range: Sequence[Any],
        cv: Any = 5,
        scoring: Any = None,
        groups: Any = None,
        space: str = "input",
        n_jobs: int | None = None,
        axes: Any = None,
    ) -> BoundaryTiltDisplay:
        """Fit the estimator for each value and fold, and draw angles and scores.

        Parameters
        ----------
        estimator : estimator object
            A linear model, or a pipeline that ends in one. It is cloned.
        X : table of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their labels.
        param_name : str
            Parameter of the estimator that is varied, such as "C", or
            "logisticregression__C" in a pipeline.
        param_range : sequence
            Its values.
        cv : int, splitter or iterable of (train, test), default=5
            Folds, the same for all values.
        scoring : str or callable, default=None
            As in scikit-learn; the estimator's own score by default.
        groups : array-like of shape (n_samples,), default=None
            For splitters that need groups.
        space : {"input", "model"}, default="input"
            Where the angle is measured, see `deviation_angle`.
        n_jobs : int, default=None
            Jobs over the folds, as in scikit-learn.
        axes : sequence of two matplotlib.axes.Axes, default=None
            Where scores and angle are drawn; a new figure by default.

        Returns
        -------
        BoundaryTiltDisplay
            Already drawn.

        Raises
        ------
        BadInputError
            If the estimator has no such parameter, there are no values, or an angle
            can't be measured for a reason that `deviation_angle` names.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        known = estimator.get_params()
        if param_name not in known:
            raise BadInputError(
                f"The 'param_name' parameter is {param_name!r}, which "
                f"{type(estimator).__name__} doesn't have. {suggest(param_name, known)}"
            )
        values = list(param_range)
        if not values:
            raise BadInputError("The 'param_range' parameter has no values.")
        if space not in ("input", "model"):
            raise BadInputError(
                f"The 'space' parameter must be 'input' or 'model'. Got {space!r}."
            )
        splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
        found = [
            _one_value(
                clone(estimator).set_params(**{param_name: clone(value, safe=False)}),
                X,
                y,
                splits,
                scoring=scoring,
                space=space,
                n_jobs=n_jobs,
            )
            for value in values
        ]
        angles, train, test = (np.array(part) for part in zip(*found, strict=True))
        n_train = float(np.mean([len(rows) for rows, _ in splits]))
        name = type(estimator).__name__
        if hasattr(estimator, "steps"):
            name = type(estimator.steps[-1][1]).__name__
        notes = [f"{len(splits)} folds, lines are means, bands one standard deviation"]
        if np.isnan(angles).any():
            notes.append(f"{int(np.isnan(angles).sum())} fits had no coefficients")
        if len(np.unique(np.asarray(y))) > 2:
            notes.append("angles are means over pairs of classes")
        display = cls(
            param_name,
            np.array(values),
            angles,
            train,
            test,
            test_train_ratio=float(np.mean([len(rows) for _, rows in splits]))
            / n_train,
            score_name=scoring if isinstance(scoring, str) else "score",
            title=f"{name}: tilt and scores by {param_name}",
            notes=tuple(notes),
        )
        return display.plot(axes=axes)

    def _recommend(self) -> None:
        """Choose the smallest angle within one standard error of the best score."""
        means = self.test_scores.mean(axis=1)
        best = int(np.argmax(means))
        self.std_error_ = 0.0
        if self.test_scores.shape[1] > 1:
            self.std_error_ = corrected_comparison(
                self.test_scores[best], test_train_ratio=self.test_train_ratio
            ).std_error
        angles = self.angles.mean(axis=1)  # NaN where a fit had no direction
        within = (means >= means[best] - self.std_error_) & np.isfinite(angles)
        place = best
        if within.any():
            place = int(np.argmin(np.where(within, angles, np.inf)))
        self.recommended_index_ = place
        value = self.param_range[place]
        self.recommended_ = value.item() if isinstance(value, np.generic) else value

    def plot(self, axes: Any = None) -> BoundaryTiltDisplay:
        """Draw the picture.

        Parameters
        ----------
        axes : sequence of two matplotlib.axes.Axes, default=None
            Where scores and angle are drawn; a new figure by default.

        Returns
        -------
        BoundaryTiltDisplay
            The object itself, with ``axes_`` and ``figure_``.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if axes is None:
            _, axes = plt.subplots(
                2, 1, figsize=(6.4, 5.2), sharex=True, layout="constrained"
            )
        self.axes_ = np.asarray(axes, dtype=object).ravel()
        if len(self.axes_) != 2:
            raise BadInputError(
                "The 'axes' parameter must have two axes, for the scores and the "
                f"angle. Got {len(self.axes_)}."
            )
        above, below = self.axes_
        self.figure_: Figure = above.figure
        where, ticks = self._places()
        self._draw(above, where, self.train_scores, "training", 1)
        self._draw(above, where, self.test_scores, "test", 2)
        self._draw(below, where, self.angles, "deviation angle", 3)
        for ax in (above, below):
            ax.axvline(
                where[self.recommended_index_],
                color=MUTED,
                linestyle=(0, (2, 2)),
                linewidth=1.2,
                label="recommended",
                zorder=0.5,
            )
            ax.grid(axis="y", color=RULE, linewidth=0.6)
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
            if ticks is None:
                ax.set_xscale("log" if self._is_log() else "linear")
            else:
                ax.set_xticks(where, labels=ticks)
        above.set_ylabel(self.score_name)
        below.set_ylabel("deviation angle (degrees)")
        below.set_xlabel(self.param_name)
        below.set_ylim(bottom=0.0)
        above.legend(frameon=False, fontsize="small")
        draw_subtitle(above, self.title, list(self.notes))
        return self

    def _places(self) -> tuple[np.ndarray, list[str] | None]:
        values = np.asarray(self.param_range)
        if values.dtype.kind in "iuf":
            return values.astype(float), None
        return np.arange(len(values)), [str(value) for value in values]

    def _is_log(self) -> bool:
        values = np.asarray(self.param_range, dtype=float)
        return bool(values.min() > 0 and values.max() > 20 * values.min())

    def _draw(
        self, ax: Axes, where: np.ndarray, values: np.ndarray, label: str, place: int
    ) -> None:
        order = np.argsort(where)
        mean, spread = values.mean(axis=1), values.std(axis=1)
        style: dict[str, Any] = {"color": COLOURS[place]}
        ax.fill_between(
            where[order],
            (mean - spread)[order],
            (mean + spread)[order],
            alpha=0.18,
            linewidth=0,
            **style,
        )
        ax.plot(
            where[order],
            mean[order],
            linestyle=LINES[place - 1],
            marker=MARKERS[place - 1],
            markersize=4.5,
            linewidth=1.8,
            label=label,
            **style,
        )


def _one_value(
    estimator: Any,
    X: Any,
    y: Any,
    splits: list[tuple[np.ndarray, np.ndarray]],
    *,
    scoring: Any,
    space: str,
    n_jobs: int | None,
) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Return angles, training and test scores, one a fold."""
    results = cross_validate(
        estimator,
        X,
        y,
        cv=splits,
        scoring=scoring,
        n_jobs=n_jobs,
        return_train_score=True,
        return_estimator=True,
        error_score="raise",
    )
    angles = []
    for model, (train, _) in zip(results["estimator"], splits, strict=True):
        rows, labels = take_rows(X, train), take_rows(y, train)
        angles.append(mean_angle(model, rows, labels, space=space))
    return angles, results["train_score"], results["test_score"]
