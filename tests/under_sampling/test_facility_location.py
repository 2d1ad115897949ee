"""Facility location: the greedy choice, its guarantee, and the sampler."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris, make_blobs
from sklearn.linear_model import LogisticRegression

from skoverfit._core._facility_location import facility_location
from skoverfit.exceptions import BadInputError
from skoverfit.under_sampling import FacilityLocationSampler


def naive_greedy(points, k, weight, metric):
    """Choose by the definition, with similarities max - d and all gains anew."""
    distances = cdist(points, points, metric)
    similar = distances.max() - distances
    chosen = []
    for _ in range(k):
        best, largest = None, -np.inf
        for j in range(len(points)):
            if j not in chosen:
                value = weight @ similar[:, [*chosen, j]].max(axis=1)
                if value > largest + 1e-9:
                    best, largest = j, value
        chosen.append(best)
    return chosen


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine"])
@pytest.mark.parametrize("seed", range(3))
def test_lazy_is_naive_greedy(seed, metric):
    rng = np.random.default_rng(seed)
    points, weight = rng.normal(size=(40, 3)), rng.uniform(0.5, 2, size=40)
    expected = naive_greedy(points, 9, weight, metric)
    for dense in (4000, 0):  # kept distances, and columns made where they are asked for
        for method in ("lazy", "naive"):
            chosen, nearest, distance, _ = facility_location(
                points, 9, weight=weight, metric=metric, method=method, dense=dense
            )
            assert chosen.tolist() == expected
            gaps = cdist(points, points[chosen], metric)
            np.testing.assert_allclose(distance, gaps.min(axis=1), atol=1e-12)
            np.testing.assert_allclose(
                gaps[np.arange(40), nearest], distance, atol=1e-12
            )


@pytest.mark.parametrize("seed", range(5))
def test_greedy_keeps_its_guarantee_against_all_subsets(seed):
    points = np.random.default_rng(seed).normal(size=(10, 2))
    distances = cdist(points, points)
    similar = distances.max() - distances
    for k in (2, 3, 4):
        best = max(
            similar[:, list(s)].max(axis=1).sum() for s in combinations(range(10), k)
        )
        chosen = facility_location(points, k)[0]
        got = similar[:, chosen].max(axis=1).sum()
        assert (1 - 1 / np.e) * best <= got <= best + 1e-9
    one = facility_location(points, 1)[0]
    assert similar[:, one].sum() == pytest.approx(similar.sum(axis=0).max())


def test_stochastic_greedy_is_nearly_as_good():
    points = np.random.default_rng(0).normal(size=(300, 4))
    exact = facility_location(points, 20)[2].sum()
    rough = [
        facility_location(
            points, 20, method="stochastic", generator=np.random.default_rng(seed)
        )[2].sum()
        for seed in range(4)
    ]
    worst = facility_location(points, 1)[2].sum()
    assert all(exact - 1e-9 <= r < exact + 0.15 * (worst - exact) for r in rough)


def test_a_row_and_its_copy_are_not_both_kept_before_all_are_covered():
    rng = np.random.default_rng(1)
    once = rng.normal(size=(15, 2))
    chosen, _, distance, coverage = facility_location(np.repeat(once, 2, axis=0), 15)
    assert sorted(set(chosen // 2)) == list(range(15))
    np.testing.assert_allclose(distance, 0.0)
    assert coverage == 1.0


def test_weights_are_the_rows_that_a_kept_row_stands_for():
    X, y = make_blobs([30, 50], random_state=0)
    sampler = FacilityLocationSampler(fraction=0.2)
    kept, labels = sampler.fit_resample(X, y)
    assert np.bincount(labels).tolist() == [6, 10]
    stands = sampler.representatives_
    for label in (0, 1):
        own = np.flatnonzero(y == label)
        among = sampler.sample_indices_[labels == label]
        nearest = among[cdist(X[own], X[among]).argmin(axis=1)]
        np.testing.assert_array_equal(stands[own], nearest)
    counts = np.bincount(stands, minlength=80)[sampler.sample_indices_]
    assert counts.sum() == 80
    np.testing.assert_allclose(sampler.sample_weight_, counts / counts.mean())
    assert all(0 < c < 1 for c in sampler.coverage_.values())
    weight = np.random.default_rng(0).uniform(1, 2, 80)
    sampler.fit_resample(X, y, sample_weight=weight)
    assert sampler.sample_weight_.sum() == pytest.approx(weight.sum())
    np.testing.assert_array_equal(
        FacilityLocationSampler(fraction=0.2, weighted=False)
        .fit_resample(X, y)[0], kept
    )  # fmt: skip


def test_fraction_one_keeps_the_table():
    X, y = load_iris(return_X_y=True)
    sampler = FacilityLocationSampler(fraction=1.0)
    kept, labels = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(kept, X)
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(sampler.sample_weight_, 1.0)
    assert set(sampler.coverage_.values()) == {1.0}


def test_a_classifier_gives_its_errors_as_representation():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500)
    by_model = FacilityLocationSampler(model, fraction=0.2).fit_resample(X, y)[0]

    def errors(X, y):
        proba = model.fit(X, y).predict_proba(X)
        return proba - np.eye(3)[y]

    by_function = FacilityLocationSampler(errors, fraction=0.2).fit_resample(X, y)[0]
    np.testing.assert_array_equal(by_model, by_function)
    assert not hasattr(LogisticRegression(), "coef_")


def test_containers_classes_and_all_rows_together():
    X, y = load_iris(return_X_y=True)
    plain = FacilityLocationSampler(fraction=0.1)
    kept, _ = plain.fit_resample(X, y)
    thin, _ = FacilityLocationSampler(fraction=0.1).fit_resample(sp.csr_array(X), y)
    np.testing.assert_allclose(thin.toarray(), kept)
    frame = pd.DataFrame(X, columns=list("abcd"))
    rows, labels = FacilityLocationSampler(
        fraction=0.1, sampling_strategy=["z"]
    ).fit_resample(frame, np.array(["x", "y", "z"])[y])
    assert pd.Series(labels).value_counts().to_dict() == {"x": 50, "y": 50, "z": 5}
    assert list(rows.columns) == list("abcd")
    together = FacilityLocationSampler(fraction=0.1, per_class=False)
    assert len(together.fit_resample(X, y)[1]) == 15
    assert list(together.coverage_) == [None]
    seeds = [
        FacilityLocationSampler(fraction=0.2, method="stochastic", random_state=s)
        .fit_resample(X, y)[0] for s in (0, 0, 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(seeds[0], seeds[1])
    assert not np.array_equal(seeds[0], seeds[2])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fraction": 0.0}, "'fraction' parameter"),
        ({"metric": "nearness"}, "must be one of scipy's cdist. Got 'nearness'"),
        ({"representation": lambda X, y: X[:5]}, "must return numbers of shape"),
        ({"representation": lambda X, y: X * np.nan}, "not finite"),
        ({"representation": "gradient"}, "'representation' parameter"),
    ],
)
def test_bad_parameters_are_one_sentence(parameters, message):
    X, y = load_iris(return_X_y=True)
    sampler = FacilityLocationSampler(**parameters)
    with pytest.raises(ValueError, match=message):
        sampler.fit_resample(X, y)
    assert not hasattr(sampler, "coverage_")
    assert issubclass(BadInputError, ValueError)
