# SPDX-License-Identifier: BSD-3-Clause
"""Augment rows that stand for the others, chosen anew while the net learns."""

from __future__ import annotations

import inspect
from numbers import Integral, Real
from typing import ClassVar

import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._coreset_training import CoresetTraining
from skoverfit.neural_network._data import Batch, NetData
from skoverfit.neural_network._step_tools import ByValue, View

__all__ = ["CoresetAugmentationStep"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "base": ("full", "coreset"),
    "selection": ("coreset", "random", "max_loss"),
    "gradient": ("error", "last_layer"),
    "method": ("lazy", "stochastic"),
    "space": ("encoded", "table"),
}


class CoresetAugmentationStep(ByValue, BatchStep):
    r"""Train on changed copies of rows that stand for the others, chosen by the net.

    Every few epochs each net says how it would change for each of its rows: ``p -
    onehot(y)``, the gradient by its last layer but for a factor. Of each class those
    rows are chosen whose gradients stand for all of them (a coreset by facility
    location, as in `skoverfit.under_sampling.FacilityLocationSampler`). In each step
    the chosen rows of the batch are there a second time, as a fresh view [1]_.

    .. versionadded:: 0.1

    Parameters
    ----------
    views : callable
        ``views(rows, generator)`` returns a changed copy of a tensor ``(n, n_columns)``
        and draws all that is random from the ``torch.Generator``:
        `skoverfit.representation.ImageViews`,
        `skoverfit.representation.FeatureCorruption`, or a function. What has a ``fit``
        is copied, and the copy is fitted on the rows that the net trains on.
    fraction : float, default=0.3
        Share of each class that is chosen, at least one row. 0 is the plain step.
    refresh_every : int or None, default=5
        Epochs from one choice to the next, the first before the first epoch. None
        chooses once, by the net as it starts. The paper has 1 to 20.
    base : {"full", "coreset"}, default="full"
        Whether views come beside all rows, or beside the chosen rows only. An epoch
        has as many steps in both cases: it goes through the coreset several times.
    weighted : bool, default=False
        Whether a view (and with ``base="coreset"`` its row) counts as the rows that it
        stands for, scaled to mean 1. The paper's example has no such weights on views.
    per_class : bool, default=True
        Whether rows stand for rows of their own class only.
    selection : {"coreset", "random", "max_loss"}, default="coreset"
        "random" and "max_loss" take as many random rows, or rows of the largest loss:
        what to compare with.
    gradient : {"error", "last_layer"}, default="error"
        "last_layer" takes the whole gradient by the last layer, the outer product of
        the error and the last hidden units. It has n_classes (n_hidden + 1) numbers a
        row of the class.
    method : {"lazy", "stochastic"}, default="lazy"
        As in `skoverfit.under_sampling.FacilityLocationSampler`; "stochastic" is for
        classes of many thousand rows.
    space : {"encoded", "table"}, default="encoded"
        What views are given. "encoded": the columns that the net reads, scaled, those
        of categories included, without constant ones. "table": the numbers of the
        table in its own columns and units, which views of images need; only for tables
        of numbers without missing ones.

    Raises
    ------
    BadInputError
        If a parameter can't be used; in the training, if targets are no classes or a
        view has another shape.

    See Also
    --------
    skoverfit.over_sampling.CoresetAugmentation : Chooses once, before the training.
    Mixup : Another way to train on changed rows.

    Notes
    -----
    The loss of a step is the mean over rows and views, where views count as much as
    they would if the coreset was appended to the table. Held-out rows are never chosen,
    and judged as they are. Sample weights are those of a row and its view; the coreset
    stands for weighted rows.

    Each net of an estimator chooses for itself. In a search estimators with this step
    are trained one by one: in a stack the last digit of a sum differs, which may decide
    between two rows. A choice costs a run of all rows through the nets and the
    distances of all pairs of rows of a class, which are kept up to 4000 rows and made
    in blocks above. ``history_`` has ``coreset_refreshed`` (1 in epochs that begin with
    a choice) and ``coreset_coverage``, the share of the distances to the best single
    row that the coreset takes away. A checkpoint keeps the choice.

    Columns are scaled by the rows of the table, not by views: what moves into a column
    that is constant there is not read, and into one that hardly varies it is a large
    number. ``numeric_scaling="robust"`` bounds that.

    The step needs to know which rows it is given, hence it works in the nets of this
    library only.

    References
    ----------
    .. [1] T. Y. Liu and B. Mirzasoleiman (2022), Data-efficient augmentation for
       training neural networks, NeurIPS, arXiv:2210.08363.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skoverfit.neural_network import (
    ...     CoresetAugmentationStep, TabularMLPClassifier)
    >>> from skoverfit.representation import ImageViews
    >>> X, y = load_digits(return_X_y=True)
    >>> step = CoresetAugmentationStep(ImageViews((8, 8)), space="table")
    >>> net = TabularMLPClassifier(
    ...     (32,), n_estimators=1, batch_step=step, max_epochs=4, random_state=0
    ... ).fit(X[:600], y[:600])
    >>> bool(net.score(X[600:], y[600:]) > 0.85)
    True
    """

    hides_outputs: ClassVar[bool] = True
    chooses_rows: ClassVar[bool] = True

    def __init__(
        self,
        views: View,
        *,
        fraction: float = 0.3,
        refresh_every: int | None = 5,
        base: str = "full",
        weighted: bool = False,
        per_class: bool = True,
        selection: str = "coreset",
        gradient: str = "error",
        method: str = "lazy",
        space: str = "encoded",
    ) -> None:
        self.views = views
        self.fraction = fraction
        self.refresh_every = refresh_every
        self.base = base
        self.weighted = weighted
        self.per_class = per_class
        self.selection = selection
        self.gradient = gradient
        self.method = method
        self.space = space
        self._check()

    def _check(self) -> None:
        def refuse(name: str, wanted: str) -> None:
            raise BadInputError(
                f"The {name!r} parameter of CoresetAugmentationStep must be {wanted}. "
                f"Got {getattr(self, name)!r} instead."
            )

        if not callable(self.views) or inspect.isclass(self.views):
            refuse(
                "views",
                "a callable (rows, generator) -> rows, such as ImageViews((8, 8)) of "
                "skoverfit.representation",
            )
        number = isinstance(self.fraction, Real) and not isinstance(self.fraction, bool)
        if not number or not 0 <= self.fraction <= 1:
            refuse("fraction", "a float from 0 to 1")
        every = self.refresh_every
        whole = isinstance(every, Integral) and not isinstance(every, bool)
        if every is not None and (not whole or every < 1):
            refuse("refresh_every", "None or an integer of at least 1")
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                refuse(name, f"one of {list(known)}")
        for name in ("weighted", "per_class"):
            if not isinstance(getattr(self, name), bool):
                refuse(name, "True or False")
        if self.weighted and self.selection != "coreset":
            refuse("weighted", f"False with selection={self.selection!r}")
        if self.base == "coreset" and self.fraction == 0:
            refuse("fraction", "above 0 with base='coreset'")

    def __repr__(self) -> str:
        shown = self._shown()
        if inspect.isfunction(self.views):  # without its address
            views = f"{self.views.__module__}.{self.views.__qualname__}"
        else:
            views = repr(self.views)
        shown.pop("views")
        more = "".join(f", {name}={value!r}" for name, value in shown.items())
        return f"CoresetAugmentationStep({views}{more})"

    def __eq__(self, other: object) -> bool:
        # Not by `repr`: two lambdas of one place look alike.
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(repr(self))

    def for_training(self, model: StepModel, data: NetData) -> BatchStep:
        """Return what chooses and computes in one training.

        Parameters
        ----------
        model : StepModel
            The nets that are about to be trained.
        data : NetData
            All rows, and which of them each net trains on.

        Returns
        -------
        BatchStep
            It holds the rows, and is dropped with the end of the training.

        Raises
        ------
        BadInputError
            If targets are no classes, or the table or net don't bear a parameter.
        """
        self._check()  # a step that comes from a file was not made by `__init__`
        if data.target.is_floating_point():
            raise BadInputError(
                "CoresetAugmentationStep chooses rows by the errors of class "
                "probabilities, and the targets are numbers; use it in a classifier."
            )
        if self.fraction == 0:
            return BatchStep()
        return CoresetTraining(self, model, data)

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Refuse: a batch alone doesn't say what to choose from.

        Parameters
        ----------
        model : StepModel
            A net.
        batch : Batch
            Rows of a step.

        Returns
        -------
        tensor
            Nothing.

        Raises
        ------
        BadInputError
            Always, which is what a plain skorch net meets.
        """
        raise BadInputError(
            "CoresetAugmentationStep has to know all rows of the training, which a "
            "plain skorch net doesn't tell; use it as the batch_step of "
            "TabularMLPClassifier."
        )
