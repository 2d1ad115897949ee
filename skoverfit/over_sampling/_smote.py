# SPDX-License-Identifier: BSD-3-Clause
"""Synthetic Minority Over-sampling Technique."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

from skoverfit._core._resampling import Resampled, ResamplingData
from skoverfit.over_sampling._between import BetweenNeighbors
from skoverfit.over_sampling._oversample import oversample
from skoverfit.over_sampling._plan import Options
from skoverfit.over_sampling._tables import Table

__all__ = ["SMOTE"]


class SMOTE(BetweenNeighbors):
    """Add rows between a row and one of its nearest neighbours of the same class.

    A new row is ``x + u (z - x)`` with a random row ``x`` of the class, a random ``z``
    of its ``k_neighbors`` nearest and ``u`` uniform in [0, 1). One class serves
    numeric, nominal, boolean, ordinal and date columns in any mix, missing values,
    sample weights and groups, and every new row can be traced to its parents. It draws
    from the law of imbalanced-learn's ``SMOTE`` where that one is right. See
    :doc:`/user_guide/over_sampling`.

    .. versionadded:: 0.1

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows of which class to have: as in imbalanced-learn. ``"auto"`` fills
        all classes up to the largest one.
    k_neighbors : int or object, default=5
        Nearest neighbours to choose from (5 in the paper), or an object with
        ``fit`` and ``kneighbors``, for example ``sklearn.neighbors.NearestNeighbors``;
        as in imbalanced-learn its ``n_neighbors`` counts the row itself.
    categorical_features : {"auto"}, None or array-like, default="auto"
        Nominal columns: numbers, names or a mask. ``"auto"`` takes string, object,
        category and boolean columns; None takes none.
    gap : {"segment", "box"}, default="segment"
        ``"segment"`` draws one ``u`` a row, as the paper's text; ``"box"`` one for
        each column, as the paper's pseudo-code.
    integer : {"stochastic", "round"}, default="stochastic"
        How whole-number columns are rounded: up with the probability of the fraction,
        which keeps the mean, or to the nearest.
    missing : {"propagate", "present", "raise"}, default="propagate"
        A missing cell of one parent. ``"propagate"`` copies the other parent's value
        so often (about every second time) that the share of missing cells stays;
        ``"present"`` always copies it; ``"raise"`` refuses missing values.
    scaling : {"standard"}, default=None
        ``"standard"`` measures distances on columns divided by their standard
        deviation; None takes them as they are.
    fallback : {"jitter", "duplicate", "raise"}, default="jitter"
        What a row without any distinct other row of its class does: add normal noise
        with the pooled within-class standard deviation of each column, copy, or raise.
    group_policy : {"within", "any"}, default="within"
        Whether both parents must have the same group, where groups are given.
    keep_class_weight : bool, default=False
        Scale ``sample_weight_`` so that each class keeps its total weight.
    variance_preserving : bool, default=False
        Stretch new rows around their mean so that numeric columns keep the variance
        of the class; interpolation shrinks it to 2/3 and more.
    filter : {"enn", "ipf", "lee", "tomek"} or callable, default=None
        Which made rows are kept; others are made again, for up to 20 rounds. ``"lee"``
        wants fewer than half foreign ones among the 5 nearest original rows, ``"enn"``
        none among the 3 nearest, ``"tomek"`` no Tomek link with a foreign one,
        ``"ipf"`` that trees of other parts of the rows don't call them foreign
        by majority. A callable gets ``(X_new, y_new, X, y)`` and returns a mask.
    n_jobs : int, default=None
        Threads of the neighbour search; None is 1 unless joblib's context says
        otherwise. The answer does not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Seed. Each class has a stream of its own.

    Attributes
    ----------
    sampling_strategy_ : dict
        Class -> rows asked for.
    n_generated_ : dict
        Class -> rows made.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    class_prior_before_ : ndarray of shape (n_classes,)
        Share of each class before, of the weight where rows have one.
    class_prior_after_ : ndarray of shape (n_classes,)
        The same after.
    sample_indices_ : ndarray of shape (n_out,)
        Source row of each output row; the base row of a made one.
    is_synthetic_ : ndarray of shape (n_out,)
        Which rows were made.
    parents_ : ndarray of shape (n_out, 2)
        Base and neighbour, -1 for none.
    weights_ : ndarray of shape (n_out, 2)
        Their shares. ``weights_ @ X[parents_]`` is the row for complete float columns
        with ``gap="segment"`` and without stretching or jitter; for ``"box"`` it is the
        mean share.
    sample_weight_ : ndarray of shape (n_out,) or None
        Weights of all rows, where weights were given or are kept.
    groups_ : ndarray of shape (n_out,) or None
        Groups of all rows, where they were given.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns; only where X has string names.

    See Also
    --------
    SMOTENC : The same with the nominal columns named.
    SMOTEN : The same with all columns nominal.

    Notes
    -----
    Time is that of the neighbour search: O(n_class^2) at worst, and only the rows drawn
    ask if fewer rows are wanted than the class has. Equal rows count as one neighbour
    that is drawn as often as it occurs, so that no copy is made unless the class has
    one distinct row. Nominal columns get the most frequent level among the neighbours
    of the base, ties at random; a differing level adds the squared median standard
    deviation of the numeric columns to the squared distance. A table with nominal
    columns only is measured and voted as `SMOTEN` does.

    With ``sample_weight`` a row of weight w acts like w equal rows: bases and
    neighbours are drawn in proportion to their weights, a row of weight 0 is no
    parent, and a made row gets the mean weight of its class. So the weighted rows of a
    class stay where they were, each weight is counted once, and equal weights change
    nothing. Which rows are near, and the spreads of columns, are those of the rows
    without weights.

    Over-sampling moves a classifier's threshold more than its ranking.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall and W. P. Kegelmeyer (2002), SMOTE:
       Synthetic Minority Over-sampling Technique, JAIR 16, 321-357.
    .. [2] J. A. Saez, J. Luengo, J. Stefanowski and F. Herrera (2015), SMOTE-IPF,
       Information Sciences 291, 184-203 (the filter "ipf").

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit.over_sampling import SMOTE
    >>> X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [13.0]])
    >>> y = np.array(["rare"] * 3 + ["often"] * 4)
    >>> smote = SMOTE(k_neighbors=2, random_state=0)
    >>> X_more, y_more = smote.fit_resample(X, y)
    >>> y_more[-1], bool(0 <= X_more[-1, 0] <= 2)
    (np.str_('rare'), True)
    >>> bool(smote.weights_[-1] @ X[smote.parents_[-1]] == X_more[-1])
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        **BetweenNeighbors._shared_constraints,
        "fallback": [StrOptions({"jitter", "duplicate", "raise"})],
        "keep_class_weight": ["boolean"],
        "variance_preserving": ["boolean"],
        "filter": [StrOptions({"enn", "ipf", "lee", "tomek"}), callable, None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int | BaseEstimator = 5,
        categorical_features: Literal["auto"] | ArrayLike | None = "auto",
        gap: Literal["segment", "box"] = "segment",
        integer: Literal["stochastic", "round"] = "stochastic",
        missing: Literal["propagate", "present", "raise"] = "propagate",
        scaling: Literal["standard"] | None = None,
        fallback: Literal["jitter", "duplicate", "raise"] = "jitter",
        group_policy: Literal["within", "any"] = "within",
        keep_class_weight: bool = False,
        variance_preserving: bool = False,
        filter: Literal["enn", "ipf", "lee", "tomek"]
        | Callable[..., Any]
        | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.k_neighbors = k_neighbors
        self.categorical_features = categorical_features
        self.gap = gap
        self.integer = integer
        self.missing = missing
        self.scaling = scaling
        self.fallback = fallback
        self.group_policy = group_policy
        self.keep_class_weight = keep_class_weight
        self.variance_preserving = variance_preserving
        self.filter = filter
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _resample(self, data: ResamplingData) -> Resampled:
        return self._over_sample(data, *self._prepared(data))

    def _over_sample(
        self, data: ResamplingData, table: Table, options: Options
    ) -> Resampled:
        return oversample(
            data,
            table,
            options,
            filter=self.filter,
            keep_class_weight=self.keep_class_weight,
            n_jobs=self.n_jobs,
        )
