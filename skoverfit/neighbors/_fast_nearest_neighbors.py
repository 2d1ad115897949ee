# SPDX-License-Identifier: BSD-3-Clause
"""The neighbour engine as a drop-in for scikit-learn's ``NearestNeighbors``."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.neighbors import NearestNeighbors
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skoverfit._core._arrays import torch_of
from skoverfit._core._neighbors import NeighborTable, find_neighbors
from skoverfit._core._neighbors._bounds import embed
from skoverfit._core._random import derive_generator, derive_seed, root_entropy
from skoverfit.neighbors._approximate import build_index, search_index
from skoverfit.neighbors._tables import make_table

__all__ = ["FastNearestNeighbors"]


class FastNearestNeighbors(BaseEstimator):
    """Find the nearest rows, exactly and several times as fast as a tree.

    A drop-in for :class:`sklearn.neighbors.NearestNeighbors` where a sampler of
    imbalanced-learn takes a neighbour object (``k_neighbors=``, ``n_neighbors=``,
    ``m_neighbors=``), and where scikit-learn takes a precomputed graph. It also takes
    missing values, nominal columns and torch tensors.

    See the :ref:`user guide <neighbors>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    n_neighbors : int, default=5
        How many neighbours `kneighbors` returns.
    radius : float, default=1.0
        Range of `radius_neighbors`, which scikit-learn answers.
    metric : {"euclidean"}, default="euclidean"
        Distance. With missing values it is scikit-learn's ``nan_euclidean``: the
        distance over the columns that both rows have, scaled up to all columns.
    categorical_features : "auto", array-like or None, default=None
        Nominal columns: a mask, positions or column names. ``"auto"`` takes columns of
        strings, categories and booleans. None: all columns are numbers.
    mismatch : float, default=1.0
        What a differing category adds to the squared distance. In SMOTENC it is the
        squared median of the standard deviations of the numeric columns.
    approximate : {"faiss", "pynndescent"} or None, default=None
        Exact search, or one that may miss neighbours; then `recall_` says how many it
        finds. Pays from about 100 000 rows on, where the columns depend on each other.
        Needs ``pip install 'skoverfit[approximate]'``.
    recall_sample : int, default=200
        Rows on which the recall of an approximate search is measured.
    n_jobs : int, default=None
        Threads; None is 1 unless a joblib context says otherwise.
    random_state : int, RandomState, Generator or None, default=None
        Seed of an approximate search and of the rows that measure it.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen in `fit`.
    feature_names_in_ : ndarray of str
        Names of the columns, if they all have one.
    n_samples_fit_ : int
        Rows seen in `fit`.
    effective_metric_ : str
        ``"euclidean"``, or ``"nan_euclidean"`` where values were missing.
    categorical_features_ : ndarray of int
        Positions of the nominal columns.
    categories_ : list of ndarray
        Values of each nominal column.
    recall_ : float
        Share of the true neighbours that an approximate search finds, measured on
        `recall_sample` rows; 1.0 for the exact search.

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : More metrics, no missing values.

    Notes
    -----
    The answers equal direct differences in float64, for float32 tables too, whatever
    the offset and scale of the columns. `kneighbors` of the rows that were fitted puts
    each row before its duplicates, so dropping the first column drops the row itself.
    Graphs of 500 rows or more are remembered; see `set_cache_limit`.

    References
    ----------
    .. [1] J. K. Dixon, "Pattern recognition with partly missing data", IEEE
       Transactions on Systems, Man, and Cybernetics 9(10), 1979 (the partial distance).

    Examples
    --------
    >>> from imblearn.under_sampling import EditedNearestNeighbours
    >>> from sklearn.datasets import make_classification
    >>> from skoverfit.neighbors import FastNearestNeighbors
    >>> X, y = make_classification(weights=[0.8], n_samples=200, random_state=0)
    >>> search = FastNearestNeighbors(n_neighbors=4)
    >>> cleaner = EditedNearestNeighbours(n_neighbors=search)
    >>> cleaner.fit_resample(X, y)[0].shape
    (168, 20)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="left")],
        "metric": [StrOptions({"euclidean"})],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "mismatch": [Interval(Real, 0, None, closed="left")],
        "approximate": [StrOptions({"faiss", "pynndescent"}), None],
        "recall_sample": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        radius: float = 1.0,
        metric: str = "euclidean",
        categorical_features: Any = None,
        mismatch: float = 1.0,
        approximate: str | None = None,
        recall_sample: int = 200,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.metric = metric
        self.categorical_features = categorical_features
        self.mismatch = mismatch
        self.approximate = approximate
        self.recall_sample = recall_sample
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> FastNearestNeighbors:
        """Keep the rows among which neighbours are searched.

        Parameters
        ----------
        X : container of shape (n_samples, n_features)
            Numpy array, dataframe, sparse matrix, torch tensor or list. A float array
            is kept as it is, not copied.
        y : None
            Ignored.

        Returns
        -------
        self : FastNearestNeighbors
            The fitted object.

        Raises
        ------
        ValueError
            Where a value is infinite, or ``categorical_features`` names no column.
        """
        table, columns = make_table(self, X)
        self.categorical_features_, self.categories_ = columns
        self._numeric, self._codes = table.numeric, table.codes
        self.n_samples_fit_ = len(table)
        missing = table.has_missing
        self.effective_metric_ = "nan_euclidean" if missing else "euclidean"
        self._index: Any = None
        self._entropy = root_entropy(self.random_state) if self.approximate else 0
        self.recall_ = 1.0 if self.approximate is None else self._measure(table)
        return self

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find the nearest fitted rows.

        Parameters
        ----------
        X : container of shape (n_queries, n_features), default=None
            Rows that ask. None: the fitted rows, each without itself.
        n_neighbors : int, default=None
            How many; by default that of the constructor.
        return_distance : bool, default=True
            Whether to return the distances too.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float64
            Ascending; only if ``return_distance``.
        indices : ndarray of shape (n_queries, n_neighbors), int64
            Fitted rows. Where tensors were fitted, both are tensors on their device.

        Raises
        ------
        ValueError
            Where more neighbours are asked for than there are rows.
        """
        check_is_fitted(self)
        table = self._fitted()
        queries = None if X is None else self._queries(X)
        k = self._check_k(n_neighbors, queries)
        distances, indices = self._search(table, queries, k)
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        mode: str = "connectivity",
    ) -> Any:
        """Return the nearest rows as a sparse matrix.

        Parameters
        ----------
        X : container of shape (n_queries, n_features), default=None
            Rows that ask. None: the fitted rows, each without itself.
        n_neighbors : int, default=None
            How many; by default that of the constructor.
        mode : {"connectivity", "distance"}, default="connectivity"
            Ones, or distances.

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), csr
            With distances it serves estimators of scikit-learn with
            ``metric="precomputed"``.

        Raises
        ------
        ValueError
            Where ``mode`` is unknown.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(
                "Unsupported mode, must be one of 'connectivity' or 'distance'. Got "
                f"{mode!r} instead."
            )
        distances, indices = (_host(a) for a in self.kneighbors(X, n_neighbors))
        n, k = indices.shape
        values = np.ones(n * k) if mode == "connectivity" else distances.ravel()
        starts = np.arange(0, n * k + 1, k)
        shape = (n, self.n_samples_fit_)
        return sp.csr_matrix((values, indices.ravel(), starts), shape=shape)

    def radius_neighbors(
        self,
        X: ArrayLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Find all fitted rows within a radius, by scikit-learn.

        Parameters
        ----------
        X : container of shape (n_queries, n_features), default=None
            Rows that ask. None: the fitted rows, each without itself.
        radius : float, default=None
            Range; by default that of the constructor.
        return_distance : bool, default=True
            Whether to return the distances too.
        sort_results : bool, default=False
            Whether the nearest come first.

        Returns
        -------
        distances : ndarray of shape (n_queries,) of arrays
            Only if ``return_distance``.
        indices : ndarray of shape (n_queries,) of arrays
            Fitted rows.
        """
        model, rows = self._radius_model(X)
        return model.radius_neighbors(
            rows, radius, return_distance, sort_results=sort_results
        )

    def radius_neighbors_graph(
        self,
        X: ArrayLike | None = None,
        radius: float | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> Any:
        """Return the rows within a radius as a sparse matrix, by scikit-learn.

        Parameters
        ----------
        X : container of shape (n_queries, n_features), default=None
            Rows that ask. None: the fitted rows, each without itself.
        radius : float, default=None
            Range; by default that of the constructor.
        mode : {"connectivity", "distance"}, default="connectivity"
            Ones, or distances.
        sort_results : bool, default=False
            Whether the nearest come first; only with distances.

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), csr
            Entries for rows within the radius.
        """
        model, rows = self._radius_model(X)
        return model.radius_neighbors_graph(rows, radius, mode, sort_results)

    def _queries(self, X: Any) -> NeighborTable:
        columns = (self.categorical_features_, self.categories_)
        return make_table(self, X, columns)[0]

    def _fitted(self) -> NeighborTable:
        return NeighborTable(
            numeric=self._numeric, codes=self._codes, mismatch=self.mismatch
        )

    def _check_k(self, n_neighbors: int | None, queries: NeighborTable | None) -> int:
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool):
            raise TypeError(
                f"n_neighbors does not take {type(k)} value, enter integer value"
            )
        if k <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {k}")
        candidates = self.n_samples_fit_ - (queries is None)
        if k > candidates:
            relation = "<" if queries is None else "<="
            raise ValueError(
                f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = "
                f"{k}, n_samples_fit = {self.n_samples_fit_}, n_samples = "
                f"{self.n_samples_fit_ if queries is None else len(queries)}"
            )
        return int(k)

    def _search(
        self, table: NeighborTable, queries: NeighborTable | None, k: int
    ) -> tuple[Any, Any]:
        if self.approximate is not None:
            own = np.arange(len(table)) if queries is None else None
            index = self._built_index(table, k)
            return search_index(index, table, queries or table, k, own)
        if queries is None or not _same_rows(table, queries):
            return find_neighbors(table, k, queries=queries, n_jobs=self.n_jobs)
        return self._own_row_first(table, k)

    def _own_row_first(self, table: NeighborTable, k: int) -> tuple[Any, Any]:
        """Answer the fitted rows themselves: each, then its neighbours."""
        n, torch = len(table), torch_of(table.numeric)
        if torch is not None:
            here = {"device": table.numeric.device}
            own = torch.arange(n, **here)[:, None]
            zeros = torch.zeros((n, 1), dtype=torch.float64, **here)
            if k == 1:
                return zeros, own
            distances, indices = find_neighbors(table, k - 1, n_jobs=self.n_jobs)
            return torch.cat([zeros, distances], 1), torch.cat([own, indices], 1)
        distances, indices = np.zeros((n, k)), np.empty((n, k), dtype=np.intp)
        indices[:, 0] = np.arange(n)
        if k > 1:
            found = find_neighbors(table, k - 1, n_jobs=self.n_jobs)
            distances[:, 1:], indices[:, 1:] = found
        return distances, indices

    def _built_index(self, table: NeighborTable, k: int) -> Any:
        """Return the index; a copy of a fitted object builds its own."""
        if self._index is None or self._index[0] < k:
            name, seed = self.approximate, derive_seed(self._entropy, "index")
            threads = joblib.effective_n_jobs(self.n_jobs)
            self._index = (k, build_index(str(name), table, k, threads, seed))
        return self._index[1]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_index" in state:  # objects of other libraries: made anew when needed
            state["_index"] = None
        return state

    def _measure(self, table: NeighborTable) -> float:
        """Compare the approximate search with the exact one on some rows."""
        n, k = len(table), min(self.n_neighbors, len(table) - 1)
        if k < 1:
            return 1.0
        index = self._built_index(table, k)
        generator = derive_generator(self._entropy, "recall")
        size = min(n, self.recall_sample)
        rows = np.sort(generator.choice(n, size=size, replace=False))
        truth, _ = find_neighbors(table, k, rows=rows, n_jobs=self.n_jobs)
        found, _ = search_index(index, table, table.take(rows), k, rows)
        # By distance and not by index: of equally far rows any is right.
        return float((found <= truth[:, -1:] * (1 + 1e-9)).mean())

    def _radius_model(self, X: Any) -> tuple[NearestNeighbors, Any]:
        check_is_fitted(self)
        table = self._fitted()
        queries = table if X is None else self._queries(X)
        missing = table.has_missing or queries.has_missing
        if table.codes is not None and missing:
            raise ValueError(
                "radius_neighbors can't search nominal columns beside missing values. "
                "Use kneighbors, or fill the values."
            )
        if table.codes is not None:
            fitted, asking = embed(table, queries)
        else:
            fitted, asking = _host(table.numeric), _host(queries.numeric)
        model = NearestNeighbors(
            radius=self.radius,
            metric="nan_euclidean" if missing else "euclidean",
            n_jobs=self.n_jobs,
        )
        return model.fit(fitted), None if X is None else asking

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.required = False
        return tags


def _host(values: Any) -> Any:
    return values.detach().cpu().numpy() if torch_of(values) is not None else values


def _same_rows(table: NeighborTable, queries: NeighborTable) -> bool:
    """Whether the rows that ask are the fitted rows, one by one."""
    a, b = table.numeric, queries.numeric
    if a.shape != b.shape or type(a) is not type(b):
        return False
    if table.codes is not None and not np.array_equal(table.codes, queries.codes):  # type: ignore[arg-type]
        return False
    if a is b:
        return True
    if table.is_sparse:
        return all(
            np.array_equal(getattr(a, part), getattr(b, part))
            for part in ("indptr", "indices", "data")
        )
    if table.is_tensor:
        torch = torch_of(a)
        return a.device == b.device and bool(
            ((a == b) | (torch.isnan(a) & torch.isnan(b))).all()
        )
    if not np.array_equal(a[:1], b[:1], equal_nan=True):
        return False
    return a.ctypes.data == b.ctypes.data or np.array_equal(a, b, equal_nan=True)
