"""The drop-in: equal outputs inside imbalanced-learn, all containers, mixed columns."""

import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from imblearn import over_sampling, under_sampling
from sklearn.datasets import make_blobs, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from skoverfit.neighbors import FastNearestNeighbors


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(150, 5))


@pytest.fixture(scope="module")
def unequal():
    return make_classification(
        400, 6, n_informative=4, weights=[0.8], flip_y=0.1, random_state=0
    )


def samplers(neighbors):
    """Return imbalanced-learn's samplers with a neighbour class of choice."""
    over, under = over_sampling, under_sampling
    return {
        "SMOTE": over.SMOTE(k_neighbors=neighbors(n_neighbors=6), random_state=0),
        "BorderlineSMOTE": over.BorderlineSMOTE(
            k_neighbors=neighbors(n_neighbors=6),
            m_neighbors=neighbors(n_neighbors=11),
            random_state=0,
        ),
        "BorderlineSMOTE-2": over.BorderlineSMOTE(
            k_neighbors=neighbors(n_neighbors=6), kind="borderline-2", random_state=0
        ),
        "SVMSMOTE": over.SVMSMOTE(
            k_neighbors=neighbors(n_neighbors=6),
            m_neighbors=neighbors(n_neighbors=11),
            random_state=0,
        ),
        "ADASYN": over.ADASYN(n_neighbors=neighbors(n_neighbors=6), random_state=0),
        "ENN": under.EditedNearestNeighbours(n_neighbors=neighbors(n_neighbors=4)),
        "RENN": under.RepeatedEditedNearestNeighbours(
            n_neighbors=neighbors(n_neighbors=4)
        ),
        "AllKNN": under.AllKNN(n_neighbors=neighbors(n_neighbors=4)),
        "NearMiss": under.NearMiss(n_neighbors=neighbors(n_neighbors=3)),
    }


@pytest.mark.parametrize("name", samplers(NearestNeighbors))
def test_samplers_of_imbalanced_learn_give_the_same(name, unequal):
    X, y = samplers(FastNearestNeighbors)[name].fit_resample(*unequal)
    X_peer, y_peer = samplers(NearestNeighbors)[name].fit_resample(*unequal)
    np.testing.assert_array_equal(y, y_peer)
    np.testing.assert_allclose(X, X_peer, rtol=1e-10)


def test_kmeans_smote_gives_the_same():
    X, y = make_blobs([300, 40], centers=[[0, 0], [6, 6]], random_state=0)
    found, truth = (
        over_sampling.KMeansSMOTE(
            k_neighbors=kind(n_neighbors=3), random_state=0
        ).fit_resample(X, y)
        for kind in (FastNearestNeighbors, NearestNeighbors)
    )
    np.testing.assert_allclose(found[0], truth[0], rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("queries", ["none", "fitted", "copy", "some", "other"])
def test_it_answers_like_scikit_learn(rows, queries, dtype):
    X = rows.astype(dtype)
    asked = {"none": None, "fitted": X, "copy": X.copy(), "some": X[40:70]}
    asked = asked.get(queries, X[:50] + dtype(0.25))
    ours = FastNearestNeighbors(n_neighbors=4).fit(X)
    theirs = NearestNeighbors(n_neighbors=4).fit(X)
    distances, indices = ours.kneighbors(asked)
    truth = theirs.kneighbors(asked)
    np.testing.assert_array_equal(indices, truth[1])
    np.testing.assert_allclose(
        distances, truth[0], atol=1e-6 if dtype == np.float32 else 1e-12
    )
    assert (distances.dtype, indices.dtype) == (truth[0].dtype, truth[1].dtype)
    only = ours.kneighbors(asked, n_neighbors=2, return_distance=False)
    np.testing.assert_array_equal(only, truth[1][:, :2])


def test_a_fitted_row_comes_before_its_duplicates():
    X = np.repeat(np.arange(4.0)[:, None], 3, axis=0)
    model = FastNearestNeighbors(n_neighbors=3).fit(X)
    for asked in (X, X.copy()):
        distances, indices = model.kneighbors(asked)
        np.testing.assert_array_equal(indices[:, 0], np.arange(12))
        assert (distances == 0).all()
    np.testing.assert_array_equal(model.kneighbors(X[3:4])[1], [[3, 4, 5]])


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
@pytest.mark.parametrize("self_join", [False, True])
def test_graphs_equal_those_of_scikit_learn(rows, mode, self_join):
    asked = None if self_join else rows[:30]
    ours = FastNearestNeighbors(3).fit(rows).kneighbors_graph(asked, mode=mode)
    theirs = (
        NearestNeighbors(n_neighbors=3).fit(rows).kneighbors_graph(asked, mode=mode)
    )
    assert type(ours) is type(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-12)


def test_a_graph_serves_as_precomputed_distances(rows):
    y = (rows[:, 0] > 0).astype(int)
    graph = FastNearestNeighbors(7).fit(rows).kneighbors_graph(rows, mode="distance")
    precomputed = KNeighborsClassifier(5, metric="precomputed").fit(graph, y)
    direct = KNeighborsClassifier(5).fit(rows, y)
    np.testing.assert_array_equal(precomputed.predict(graph), direct.predict(rows))


@pytest.mark.parametrize("asked", [None, "some"])
def test_radius_searches_equal_scikit_learns(rows, asked):
    asked = None if asked is None else rows[:20]
    ours = FastNearestNeighbors(radius=1.5).fit(rows)
    theirs = NearestNeighbors(radius=1.5).fit(rows)
    found = ours.radius_neighbors(asked, return_distance=False, sort_results=False)
    truth = theirs.radius_neighbors(asked, return_distance=False)
    for a, b in zip(found, truth, strict=True):
        assert set(a) == set(b)
    graphs = (model.radius_neighbors_graph(asked) for model in (ours, theirs))
    first, second = (graph.toarray() for graph in graphs)
    np.testing.assert_array_equal(first, second)


CONTAINERS = {
    "list": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X).add_prefix("c"),
    "polars": lambda X: pl.DataFrame(X),
    "csr array": sp.csr_array,
    "csc matrix": sp.csc_matrix,
    "tensor": torch.tensor,
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_all_containers_give_the_same(rows, kind):
    make = CONTAINERS[kind]
    model = FastNearestNeighbors(4).fit(make(rows))
    truth = FastNearestNeighbors(4).fit(rows)
    for asked in (rows, rows[:20] + 0.5):
        found = model.kneighbors(make(asked))
        assert isinstance(found[0], torch.Tensor) == (kind == "tensor")
        for part, right in zip(found, truth.kneighbors(asked), strict=True):
            np.testing.assert_allclose(np.asarray(part), right, atol=1e-12)


def test_a_fitted_array_is_not_copied(rows):
    assert FastNearestNeighbors().fit(rows)._numeric is rows


def test_missing_values_give_the_partial_distance(rows):
    X = rows.copy()
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    model = FastNearestNeighbors(5).fit(X)
    assert model.effective_metric_ == "nan_euclidean"
    truth = np.sort(nan_euclidean_distances(X[:40], X), axis=1)[:, :5]
    np.testing.assert_allclose(model.kneighbors(X[:40])[0], truth, atol=1e-7)


@pytest.fixture
def people():
    return pd.DataFrame(
        {
            "age": [20.0, 21.0, 60.0, 61.0, 20.0],
            "town": ["a", "b", "a", "b", None],
            "member": [True, True, False, True, True],
        }
    )


@pytest.mark.parametrize(
    "chosen", ["auto", ["town", "member"], [1, 2], [-1, -2], [False, True, True]]
)
def test_nominal_columns_by_name_position_mask_or_type(people, chosen):
    model = FastNearestNeighbors(1, categorical_features=chosen, mismatch=9.0)
    distances, _ = model.fit(people).kneighbors()
    assert model.categorical_features_.tolist() == [1, 2]
    # Row 4 lacks its town: 2 of 3 columns, both equal to those of row 0.
    np.testing.assert_allclose(distances[0], 0.0)
    np.testing.assert_allclose(distances[1] ** 2, 1.0 * 3 / 2)  # to row 4
    np.testing.assert_allclose(distances[3] ** 2, 1.0 + 9.0 + 9.0)


@pytest.mark.parametrize("kind", ["polars", "object", "list"])
def test_auto_finds_nominal_columns_in_other_containers(people, kind):
    X = {
        "polars": lambda: pl.from_pandas(people),
        "object": lambda: people.to_numpy(dtype=object),
        "list": lambda: people.to_numpy(dtype=object).tolist(),
    }[kind]()
    model = FastNearestNeighbors(2, categorical_features="auto").fit(X)
    truth = FastNearestNeighbors(2, categorical_features="auto").fit(people)
    np.testing.assert_array_equal(model.categorical_features_, [1, 2])
    np.testing.assert_allclose(model.kneighbors()[0], truth.kneighbors()[0])


def test_an_unknown_category_differs_from_all(people):
    model = FastNearestNeighbors(1, categorical_features="auto").fit(people.dropna())
    stranger = pd.DataFrame({"age": [20.0], "town": ["z"], "member": [True]})
    distances, indices = model.kneighbors(stranger)
    assert (distances.tolist(), indices.tolist()) == ([[1.0]], [[0]])


def test_nominal_columns_alone_and_none_found(people):
    towns = FastNearestNeighbors(2, categorical_features=[0]).fit(people[["town"]])
    assert towns.kneighbors(people[["town"]].head(1))[0].tolist() == [[0.0, 0.0]]
    ages = people[["age"]]
    numbers = FastNearestNeighbors(1, categorical_features="auto").fit(ages)
    assert numbers.kneighbors(ages)[0].tolist() == [[0.0]] * 5


def test_radius_of_nominal_columns(people):
    complete = people.dropna()
    model = FastNearestNeighbors(radius=1.5, categorical_features="auto").fit(complete)
    found = model.radius_neighbors(complete, return_distance=False)
    assert [sorted(part.tolist()) for part in found] == [[0, 1], [0, 1], [2], [3]]
    model.fit(people)
    with pytest.raises(ValueError, match="nominal columns beside missing values"):
        model.radius_neighbors()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["town", "street"], r"unknown columns: \['street'\]"),
        ([3], r"must lie in 0\.\.2\. Got \[3\]"),
        ([True], "mask of 1 columns, but X has 3"),
        ([[1]], "Got 2 dimensions"),
        ([0], "Column 1 does not hold numbers"),
    ],
)
def test_wrong_nominal_columns_are_refused(people, chosen, message):
    with pytest.raises(ValueError, match=message):
        FastNearestNeighbors(categorical_features=chosen).fit(people)


def test_other_misuse_is_refused(rows, people):
    with pytest.raises(ValueError, match="holds column names, but X has none"):
        FastNearestNeighbors(categorical_features=["a"]).fit(rows)
    with pytest.raises(TypeError, match="can't hold nominal columns"):
        FastNearestNeighbors(categorical_features=[0]).fit(sp.csr_array(rows))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        FastNearestNeighbors().kneighbors(rows)
    model = FastNearestNeighbors().fit(rows)
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        model.kneighbors(rows, 151)
    with pytest.raises(ValueError, match="Expected n_neighbors < n_samples_fit"):
        model.kneighbors(n_neighbors=150)
    with pytest.raises(TypeError, match="n_neighbors does not take"):
        model.kneighbors(rows, 2.5)
    with pytest.raises(ValueError, match="Expected n_neighbors > 0"):
        model.kneighbors(rows, 0)
    with pytest.raises(ValueError, match="Unsupported mode"):
        model.kneighbors_graph(rows, mode="weights")
    with pytest.raises(ValueError, match="4 features, but FastNearestNeighbors is"):
        model.kneighbors(torch.zeros((2, 4)))


# --- approximate --------------------------------------------------------------------


# pynndescent compiles itself for minutes when it is first used.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "library", ["faiss", pytest.param("pynndescent", marks=pytest.mark.slow)]
)
def test_approximate_search_says_what_it_finds(library):
    pytest.importorskip(library)
    X = np.random.default_rng(0).normal(size=(600, 8)) + 100.0
    model = FastNearestNeighbors(5, approximate=library, random_state=0).fit(X)
    assert 0.9 < model.recall_ <= 1.0
    truth = FastNearestNeighbors(5).fit(X)
    assert truth.recall_ == 1.0
    for asked in (None, X[:200] + 0.01):
        distances, indices = model.kneighbors(asked)
        right_distances, right = truth.kneighbors(asked)
        shared = [len(set(a) & set(b)) for a, b in zip(indices, right, strict=True)]
        assert np.mean(shared) > 4.5
        equal = indices == right
        np.testing.assert_allclose(distances[equal], right_distances[equal], rtol=1e-9)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.kneighbors()[1], model.kneighbors()[1])


def test_a_poor_index_has_a_low_recall(monkeypatch):
    faiss = pytest.importorskip("faiss")
    random = np.random.default_rng(0)

    class Blind:
        hnsw = type("Settings", (), {})()

        def __init__(self, *_):
            pass

        def add(self, rows):
            self.n = len(rows)

        def search(self, rows, k):
            return None, random.integers(0, self.n, (len(rows), k))

    monkeypatch.setattr(faiss, "IndexHNSWFlat", Blind)
    X = random.normal(size=(500, 4))
    model = FastNearestNeighbors(5, approximate="faiss", random_state=0).fit(X)
    assert model.recall_ < 0.1


def test_pynndescent_is_asked_as_it_wants_to_be(monkeypatch, rows):
    class NNDescent:
        def __init__(self, data, n_neighbors, random_state, n_jobs):
            assert data.dtype == np.float32
            assert n_neighbors >= 15
            self.exact = NearestNeighbors().fit(data)
            self.seed = random_state

        def prepare(self):
            self.ready = True

        def query(self, queries, k):
            assert self.ready
            return self.exact.kneighbors(queries, k)[::-1]

    module = type(sys)("pynndescent")
    module.NNDescent = NNDescent
    monkeypatch.setitem(sys.modules, "pynndescent", module)
    model = FastNearestNeighbors(4, approximate="pynndescent", random_state=3)
    assert model.fit(rows).recall_ == 1.0
    truth = FastNearestNeighbors(4).fit(rows)
    for asked in (None, rows[:30]):
        found = model.kneighbors(asked)
        np.testing.assert_array_equal(found[1], truth.kneighbors(asked)[1])
    seed = model._index[1].seed
    assert model.fit(rows)._index[1].seed == seed


def test_approximate_search_names_the_extra(monkeypatch, rows):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"skoverfit\[approximate\]"):
        FastNearestNeighbors(approximate="faiss").fit(rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda X: sp.csr_array(X), "dense numeric"), (lambda X: X / (X > 0), "missing")],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_approximate_search_of_other_tables_is_refused(rows, change, message):
    X = change(rows)
    if not sp.issparse(X):
        X[np.isinf(X)] = np.nan
    with pytest.raises(ValueError, match=message):
        FastNearestNeighbors(approximate="faiss").fit(X)


@pytest.mark.parametrize("fitted", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("asking", [np.asarray, sp.csr_array, sp.csc_matrix])
def test_sparse_and_dense_rows_may_ask_each_other(fitted, asking):
    X = np.eye(6) + np.arange(6)
    _, found = FastNearestNeighbors(n_neighbors=2).fit(fitted(X)).kneighbors(asking(X))
    np.testing.assert_array_equal(found[:, 0], np.arange(6))
