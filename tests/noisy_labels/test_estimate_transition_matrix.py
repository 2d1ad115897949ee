# SPDX-License-Identifier: BSD-3-Clause
"""Transition matrices: recovered where they can be, refused where they can't."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.datasets import check_transition_matrix, make_transition_matrix
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.noisy_labels import (
    TransitionMatrixEstimator,
    _transition_methods as methods,
    estimate_transition_matrix,
)

PROBABILISTIC = ["anchor", "confident_joint", "dual_t", "em"]


def posteriors(n, n_classes, seed, *, sharpness=6.0):
    """Clean posteriors with an anchor for each class."""
    rng = np.random.default_rng(seed)
    z = sharpness * rng.normal(size=(n, n_classes))
    clean = np.exp(z - z.max(axis=1, keepdims=True))
    clean /= clean.sum(axis=1, keepdims=True)
    clean[:n_classes] = np.eye(n_classes)
    return clean


def drawn(rows, seed):
    """One label a row of probabilities."""
    uniform = np.random.default_rng(seed).random((len(rows), 1))
    return (uniform > rows.cumsum(axis=1)).sum(axis=1).clip(max=rows.shape[1] - 1)


@pytest.fixture(scope="module")
def noisy():
    """A matrix, and exact posteriors of 20 000 labels that it made."""
    T = make_transition_matrix(4, 0.3, "random", random_state=1)
    clean = posteriors(20_000, 4, 0)
    return T, clean, clean @ T, drawn(clean @ T, 1)


def test_anchors_of_exact_posteriors_give_the_matrix_exactly(noisy):
    T, _, proba, labels = noisy
    found = estimate_transition_matrix(labels, proba, method="anchor")
    assert np.abs(found - T).max() < 1e-12


def test_the_percentile_chooses_the_row_that_is_read(noisy):
    _, _, proba, labels = noisy
    found = estimate_transition_matrix(labels, proba, method="anchor", percentile=97)
    for k, row in enumerate(found):
        above = (proba[:, k] > row[k] + 1e-12).mean()
        assert above == pytest.approx(0.03, abs=1e-4)


def test_dual_t_is_the_product_of_its_two_halves(noisy):
    _, _, proba, labels = noisy
    predicted = proba.argmax(axis=1)
    second = np.array(
        [[np.mean(labels[predicted == i] == j) for j in range(4)] for i in range(4)]
    )
    first = proba[proba.argmax(axis=0)]
    found = estimate_transition_matrix(labels, proba, method="dual_t")
    assert np.allclose(found, first @ second, atol=1e-12)


def test_dual_t_of_hard_probabilities_counts_labels():
    # Where predictions are certain and right, T1 is the identity and T2 is counting.
    y = np.arange(300) % 3
    T = make_transition_matrix(3, 0.4, "pair")
    labels = drawn(T[y], 0)
    found = estimate_transition_matrix(labels, np.eye(3)[y], method="dual_t")
    counted = [[np.mean(labels[y == i] == j) for j in range(3)] for i in range(3)]
    assert np.allclose(found, counted)
    # The anchor, which has no labels to count, sees no noise at all.
    alone = estimate_transition_matrix(labels, np.eye(3)[y], method="anchor")
    assert np.array_equal(alone, np.eye(3))


def test_confident_joint_recovers_the_matrix_of_separated_classes():
    y = np.arange(20_000) % 4
    T = make_transition_matrix(4, 0.3, "random", random_state=1)
    labels = drawn(T[y], 0)
    found = estimate_transition_matrix(labels, T[y])
    assert np.abs(found - T).max() < 0.05


def test_the_confident_joint_is_the_published_count():
    # Northcutt et al., equations 1 to 3, row by row.
    T = make_transition_matrix(4, 0.2, "random", random_state=3)
    proba = posteriors(1000, 4, 2, sharpness=2.0) @ T
    labels = drawn(proba, 3)
    limits = [proba[labels == j, j].mean() for j in range(4)]
    counts = np.zeros((4, 4))  # labels, clean classes
    for p, label in zip(proba, labels, strict=True):
        sure = [j for j in range(4) if p[j] >= limits[j]]
        if sure:
            counts[label, max(sure, key=lambda j: p[j])] += 1
    joint = counts / counts.sum(axis=1, keepdims=True)
    joint *= np.bincount(labels)[:, None] / len(labels)
    found = estimate_transition_matrix(labels, proba)
    assert np.allclose(found, (joint / joint.sum(axis=0)).T, atol=1e-12)


def test_likelihood_never_falls_in_em(noisy):
    _, _, proba, labels = noisy
    start = make_transition_matrix(4, 0.5)
    matrix, shares, told = methods.expectation_maximization(
        proba[:4000], labels[:4000], start, tol=0.0, max_iter=40
    )
    assert len(told) == 40
    assert np.diff(told).min() > -1e-12
    assert told[-1] > told[0] + 0.01
    assert np.allclose(matrix.sum(axis=1), 1)
    assert shares.sum() == pytest.approx(1)


def test_em_of_certain_probabilities_counts_labels():
    y = np.arange(3000) % 3
    labels = drawn(make_transition_matrix(3, 0.3, "random", random_state=1)[y], 0)
    found = estimate_transition_matrix(labels, np.eye(3)[y], method="em")
    counted = [[np.mean(labels[y == i] == j) for j in range(3)] for i in range(3)]
    assert np.allclose(found, counted, atol=1e-4)


@pytest.mark.parametrize("method", ["confident_joint", "em"])
def test_a_fitted_classifier_recovers_even_noise(table, method):
    X, y, _, _ = table
    T = make_transition_matrix(3, 0.3)
    found = estimate_transition_matrix(
        drawn(T[y], 0),
        X=X,
        estimator=LogisticRegression(),
        method=method,
        random_state=0,
    )
    assert np.abs(found - T).max() < 0.06


def test_hoc_recovers_the_matrix_of_clusterable_rows():
    X, y = make_blobs(20_000, centers=4, n_features=3, cluster_std=0.2, random_state=0)
    T = make_transition_matrix(4, 0.35, "random", random_state=1)
    labels = drawn(T[y], 0)
    found = estimate_transition_matrix(labels, X=X, method="hoc")
    assert np.abs(found - T).max() < 0.05


def test_hoc_of_exact_consensus_is_exact():
    T = make_transition_matrix(3, 0.4, "random", random_state=2)
    p = np.array([0.5, 0.3, 0.2])
    wanted = np.einsum("k,ka,kb,kc->abc", p, T, T, T)
    counts = np.round(wanted * 3_000_000).astype(int)
    triples = np.repeat(np.argwhere(counts >= 0), counts.ravel(), axis=0)
    found, shares = methods.neighbour_consensus(triples, 3)
    assert np.abs(found - T).max() < 2e-3
    assert np.abs(shares - p).max() < 2e-3


@pytest.mark.parametrize("method", PROBABILISTIC)
def test_no_noise_is_the_identity(method):
    y = np.arange(400) % 4
    # Such probabilities are most often those of a model that trained on the rows.
    with pytest.warns(SkoverfitWarning, match="pred_proba agrees with every label"):
        found = estimate_transition_matrix(y, np.eye(4)[y], method=method)
    assert np.allclose(found, np.eye(4), atol=1e-6)


def test_no_noise_is_the_identity_for_neighbours():
    X, y = make_blobs(300, centers=3, cluster_std=0.1, random_state=0)
    found = estimate_transition_matrix(y, X=X, method="hoc")
    assert np.allclose(found, np.eye(3), atol=0.01)


@pytest.mark.parametrize("method", PROBABILISTIC)
def test_names_of_classes_do_not_matter(noisy, method):
    _, _, proba, labels = noisy
    proba, labels = proba[:3000], labels[:3000]
    order = np.array([2, 0, 3, 1])
    found = estimate_transition_matrix(labels, proba, method=method)
    renamed = np.argsort(order)[labels]
    other = estimate_transition_matrix(renamed, proba[:, order], method=method)
    assert np.allclose(other, found[np.ix_(order, order)], atol=1e-5)


@pytest.mark.parametrize("method", PROBABILISTIC)
def test_the_order_of_rows_does_not_matter(noisy, method):
    _, _, proba, labels = noisy
    proba, labels = proba[:2000], labels[:2000]
    mixed = np.random.default_rng(0).permutation(2000)
    found = estimate_transition_matrix(labels, proba, method=method)
    other = estimate_transition_matrix(labels[mixed], proba[mixed], method=method)
    assert np.allclose(other, found, atol=1e-6)


def test_a_prior_of_no_rows_changes_nothing_and_one_of_many_is_the_answer(noisy):
    T, _, proba, labels = noisy
    plain = estimate_transition_matrix(labels, proba)
    weak, strong = (
        estimate_transition_matrix(labels, proba, prior=T, prior_strength=a)
        for a in (0.0, 1e12)
    )
    assert np.allclose(weak, plain)
    assert np.allclose(strong, T, atol=1e-6)


@pytest.mark.parametrize("prior", ["symmetric", "proportional"])
def test_named_priors_pull_to_even_and_to_proportional_noise(prior):
    y = np.repeat([0, 1, 2], [600, 300, 100])
    kind = "joint" if prior == "proportional" else "symmetric"
    labels = drawn(make_transition_matrix(3, 0.2, kind, priors=[6, 3, 1])[y], 0)
    pulled = estimate_transition_matrix(
        labels, np.eye(3)[y] * 0.7 + 0.1, prior=prior, prior_strength=1e9
    )
    counts = np.ones(3) if prior == "symmetric" else np.bincount(labels)
    for i in range(3):
        others = np.delete(np.arange(3), i)
        share = pulled[i, others] / pulled[i, others].sum()
        assert np.allclose(share, counts[others] / counts[others].sum(), atol=1e-6)
    assert np.ptp(np.diag(pulled)) < 1e-6  # one rate for all


def test_a_prior_repairs_the_rows_of_rare_classes():
    errors = {"plain": [], "prior": []}
    shares = np.geomspace(400, 12, 6)
    y = np.repeat(np.arange(6), shares.astype(int))
    T = make_transition_matrix(6, 0.3, "joint", priors=shares)
    for seed in range(20):
        labels = drawn(T[y], seed)
        for name, prior in (("plain", None), ("prior", "proportional")):
            found = estimate_transition_matrix(labels, T[y], prior=prior)
            errors[name].append(np.abs(found - T)[-3:].sum(axis=1).mean())
    gain = np.array(errors["plain"]) - np.array(errors["prior"])
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_clean_shares_solve_the_mixture():
    T = make_transition_matrix(5, 0.4, "random", random_state=0)
    p = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    assert np.allclose(methods.clean_shares(T, p @ T), p, atol=1e-6)
    # Shares that no clean distribution gives: the nearest distribution.
    off = methods.clean_shares(make_transition_matrix(2, 0.4), np.array([0.9, 0.1]))
    assert np.allclose(off, [1, 0], atol=1e-6)


# --- from a table --------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    X, y = make_blobs(900, centers=3, cluster_std=0.8, random_state=1)
    T = make_transition_matrix(3, 0.3, "pair")
    return X, y, drawn(T[y], 0), T


def test_probabilities_are_made_out_of_fold(table):
    X, _, labels, _ = table

    class Memory(LogisticRegression):
        """Is sure of the label of each row that it trained on."""

        def fit(self, X, y):
            self.known = {x.tobytes(): label for x, label in zip(X, y, strict=True)}
            return super().fit(X, y)

        def predict_proba(self, X):
            p = super().predict_proba(X)
            for row, x in enumerate(X):
                if x.tobytes() in self.known:
                    p[row] = np.eye(p.shape[1])[self.known[x.tobytes()]]
            return p

    honest = estimate_transition_matrix(labels, X=X, estimator=Memory(), random_state=0)
    plain = estimate_transition_matrix(
        labels, X=X, estimator=LogisticRegression(), random_state=0
    )
    assert np.array_equal(honest, plain)
    in_fold = Memory().fit(X, labels).predict_proba(X)
    with pytest.warns(SkoverfitWarning, match="must be out of fold"):
        seen = estimate_transition_matrix(labels, in_fold)
    assert np.allclose(seen, np.eye(3))


def test_a_model_that_may_have_seen_the_rows_is_refused(table):
    X, _, labels, _ = table
    frozen = FrozenEstimator(LogisticRegression().fit(X, labels))
    for model in (frozen, make_pipeline(StandardScaler(), frozen)):
        with pytest.raises(ValueError, match="fitted, frozen estimator"):
            estimate_transition_matrix(labels, X=X, estimator=model)
    # A frozen transformer has seen no label.
    scaler = FrozenEstimator(StandardScaler().fit(X))
    model = make_pipeline(scaler, LogisticRegression())
    estimate_transition_matrix(labels, X=X, estimator=model, random_state=0)


def test_groups_stay_in_one_fold(table):
    X, _, labels, _ = table
    groups = np.arange(900) // 4
    folds = list(GroupKFold(5).split(X, labels, groups))
    by_groups, by_folds = (
        estimate_transition_matrix(
            labels, X=X, estimator=LogisticRegression(), random_state=0, **cv
        )
        for cv in ({"cv": GroupKFold(5), "groups": groups}, {"cv": folds})
    )
    assert np.array_equal(by_groups, by_folds)


def test_the_small_net_of_the_default_takes_a_frame_with_texts():
    rng = np.random.default_rng(0)
    y = np.arange(240) % 2
    frame = pd.DataFrame(
        {"city": np.array(["Rome", "Oslo"])[y], "age": rng.normal(size=240)}
    )
    labels = np.array(["no", "yes"])[np.where(rng.random(240) < 0.2, 1 - y, y)]
    found = TransitionMatrixEstimator(random_state=0).fit(frame, labels)
    assert found.classes_.tolist() == ["no", "yes"]
    assert found.noise_rate_ == pytest.approx(0.2, abs=0.07)
    assert found.feature_names_in_.tolist() == ["city", "age"]


def test_the_smallest_volume_is_the_matrix():
    X, y = make_blobs(1500, centers=3, cluster_std=0.8, random_state=1)
    T = make_transition_matrix(3, 0.3, "pair")
    found = estimate_transition_matrix(
        drawn(T[y], 0), X=X, method="volmin", random_state=0
    )
    assert np.abs(found - T).max() < 0.1


def test_the_smallest_volume_of_two_classes_is_the_matrix():
    # An even start of two classes has no volume, and its logarithm is infinite.
    X, y = make_blobs(1000, centers=2, cluster_std=2.0, n_features=6, random_state=0)
    T = np.array([[0.7, 0.3], [0.3, 0.7]])
    found = estimate_transition_matrix(
        drawn(T[y], 0), X=X, method="volmin", random_state=0
    )
    assert np.abs(found - T).max() < 0.06


# --- bad input -----------------------------------------------------------------------

Y = np.arange(12) % 3
P = np.full((12, 3), 1 / 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [0, 1, None, 1]}, "missing labels, the first in row 2"),
        ({"y": [0.5, 1.0]}, "looks continuous"),
        ({"y": [0, "a"]}, "mixes numbers"),
        ({"y": [1, 1, 1]}, "only one class: 1"),
        ({"y": Y}, "needs pred_proba, or X"),
        ({"y": Y, "pred_proba": P, "method": "hoc"}, "needs neighbours in X"),
        ({"y": Y, "pred_proba": P[:, :2]}, r"shape \(12, 3\).*'classes'"),
        ({"y": Y, "pred_proba": P[:5]}, r"shape \(12, 3\)"),
        ({"y": Y, "pred_proba": 2 * P}, "rows sum to 1"),
        ({"y": Y, "pred_proba": P * [3, 1, -1]}, "smallest value -0.33"),
        ({"y": Y, "pred_proba": P * np.nan}, "NaN"),
        ({"y": Y, "pred_proba": P, "prior": np.eye(2)}, "2 classes.*labels have 3"),
        ({"y": Y, "pred_proba": P, "prior": np.ones((3, 3))}, "must sum to 1"),
        ({"y": Y, "pred_proba": P, "prior": np.eye(3) * 1.5}, r"lie in \[0, 1\]"),
        ({"y": Y, "pred_proba": P, "prior": "even"}, "'prior' parameter"),
        ({"y": Y, "pred_proba": P, "method": "hope"}, "'method' parameter"),
        ({"y": Y, "pred_proba": P, "percentile": 0}, "'percentile' parameter"),
        ({"y": Y, "pred_proba": P, "classes": [0, 1]}, "label 2, which is not in"),
        ({"y": Y, "pred_proba": P, "classes": [2, 1, 0]}, "sorted order"),
        ({"y": [0, 0, 1], "X": [[1], [2], [3]]}, "class 1 has 1"),
        ({"y": [0, 0, 1], "X": [[1], [2]]}, "2 rows.*3 labels"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message):
    y = arguments.pop("y")
    with pytest.raises((ValueError, TypeError), match=message):
        estimate_transition_matrix(y, arguments.pop("pred_proba", None), **arguments)


def test_folds_have_every_class_and_hold_out_every_row(table):
    X, _, labels, _ = table
    order = np.argsort(labels, kind="stable")
    model = LogisticRegression()
    with pytest.raises(ValueError, match="no row of class 0"):
        estimate_transition_matrix(
            labels[order], X=X[order], estimator=model, cv=KFold(3)
        )
    once = [(np.arange(300), np.arange(300, 900))]
    with pytest.raises(ValueError, match="600 of 900 rows"):
        estimate_transition_matrix(labels, X=X, estimator=model, cv=once)


def test_volmin_wants_a_net():
    with pytest.raises(ValueError, match="must be a TabularMLPClassifier"):
        estimate_transition_matrix(
            Y, X=P, method="volmin", estimator=LogisticRegression()
        )


@pytest.mark.parametrize("absent", [0, 2])
@pytest.mark.parametrize("method", [*PROBABILISTIC, "hoc", "volmin"])
def test_a_class_without_labels_keeps_its_row(method, absent):
    X, clean = make_blobs(200, centers=2, random_state=0)
    there = [k for k in range(3) if k != absent]
    y = np.array(there)[np.where(np.arange(200) % 10 == 0, 1 - clean, clean)]
    proba = np.zeros((200, 3))
    proba[:, there] = np.eye(2)[clean] * 0.8 + 0.1
    rows = {"X": X} if method == "hoc" else {}
    found = estimate_transition_matrix(
        y, proba, classes=[0, 1, 2], method=method, random_state=0, **rows
    )
    check_transition_matrix(found)
    assert found.shape == (3, 3)
    assert found[absent].tolist() == np.eye(3)[absent].tolist()
    assert found[there, there].min() > 0.7
    assert found[there, absent].max() < 0.01


def test_two_classes_need_labels_where_rows_are_read():
    with pytest.raises(ValueError, match="labels of two classes at least; y has only"):
        estimate_transition_matrix(["a"] * 12, X=P, classes=["a", "b"], method="volmin")


def test_a_class_of_one_row_is_named(table):
    X, _, labels, _ = table
    names = np.where(np.arange(len(labels)) == 5, "rare", labels.astype(str))
    with pytest.raises(ValueError, match="but class rare has 1"):
        estimate_transition_matrix(names, X=X)


def test_columns_named_in_another_order_are_refused(noisy):
    _, _, p, labels = noisy
    names = np.array(list("abcd"))[labels]
    frame = pd.DataFrame(p, columns=list("abcd"))
    turned = frame[list("dcba")]
    for method in ("em", "volmin"):
        with pytest.raises(ValueError, match="named d, c, b, a, but they are read as"):
            estimate_transition_matrix(names, turned, method=method)
    assert np.array_equal(
        estimate_transition_matrix(names, frame),
        estimate_transition_matrix(names, p),
    )


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, sp.csr_matrix])
def test_twins_are_no_witnesses_for_neighbours(kind):
    X, y = make_blobs(1500, centers=2, n_features=5, random_state=3)
    T = np.array([[0.7, 0.3], [0.1, 0.9]])
    labels = drawn(T[y], 0)
    # Each row twice, with its label: they agree whether it is right or wrong.
    twice, both = kind(np.vstack([X, X])), np.tile(labels, 2)
    groups = np.tile(np.arange(1500), 2)
    apart = estimate_transition_matrix(both, X=twice, method="hoc", groups=groups)
    assert np.abs(apart - T).max() < 0.06
    blind = estimate_transition_matrix(both, X=twice, method="hoc")
    assert np.abs(blind - T).max() > 0.1
    with pytest.raises(ValueError, match=r"needs three groups at least\. Got 2"):
        estimate_transition_matrix(both, X=twice, method="hoc", groups=both)


def test_neighbours_want_numbers():
    frame = pd.DataFrame({"city": ["a", "b"] * 6, "age": range(12)})
    with pytest.raises(ValueError, match="method='hoc' looks for neighbours and needs"):
        estimate_transition_matrix(Y, X=frame, method="hoc")


@pytest.mark.parametrize("kind", ["symmetric", "pair"])
@pytest.mark.parametrize("method", ["anchor", "confident_joint"])
def test_true_posteriors_of_many_rows_give_the_matrix(method, kind):
    rng = np.random.default_rng(0)
    centers = 3.0 * np.array([[0, 0], [1, 0], [0, 1]])
    y = rng.integers(3, size=20_000)
    X = centers[y] + rng.normal(size=(20_000, 2))
    logits = -((X[:, None] - centers) ** 2).sum(axis=2) / 2
    posterior = np.exp(logits - logits.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    matrix = make_transition_matrix(3, 0.3, kind)
    given = (np.cumsum(matrix[y], axis=1) < rng.random((20_000, 1))).sum(axis=1)
    found = estimate_transition_matrix(given, posterior @ matrix, method=method)
    assert np.abs(found - matrix).max() < 0.05
