# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skoverfit.datasets import (
    check_transition_matrix,
    is_learnable_transition,
    make_transition_matrix,
)

KINDS = ["symmetric", "pair", "asymmetric", "joint", "joint_proportional", "random"]
PRIORS = np.array([0.5, 0.3, 0.15, 0.05])


def matrix_of(kind, rate, seed=0):
    priors = PRIORS if "joint" in kind else None
    return make_transition_matrix(4, rate, kind, priors=priors, random_state=seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [0, 0.2, 0.6])
def test_matrices_are_stochastic_and_have_the_rate(kind, rate):
    matrix = check_transition_matrix(matrix_of(kind, rate), 4)
    assert matrix.dtype == np.float64
    if kind == "joint_proportional":
        assert PRIORS @ (1 - np.diag(matrix)) == pytest.approx(rate)
    else:
        assert_allclose(np.diag(matrix), 1 - rate)


@pytest.mark.parametrize("kind", KINDS)
def test_no_noise_is_the_identity(kind):
    assert_array_equal(matrix_of(kind, 0), np.eye(4))


def test_proportional_noise_leaves_the_priors():
    assert_allclose(PRIORS @ matrix_of("joint_proportional", 0.3), PRIORS)


@pytest.mark.parametrize("kind", ["symmetric", "joint", "joint_proportional"])
def test_matrices_are_equivariant(kind):
    order = np.array([3, 1, 0, 2])
    priors = None if kind == "symmetric" else PRIORS[order]
    renamed = make_transition_matrix(4, 0.3, kind, priors=priors)
    assert_allclose(renamed, matrix_of(kind, 0.3)[np.ix_(order, order)])


def test_two_classes_have_one_matrix():
    told = [[0.8, 0.2], [0.2, 0.8]]
    for kind in ["symmetric", "pair", "asymmetric", "random"]:
        assert_allclose(make_transition_matrix(2, 0.2, kind), told)
    assert_allclose(make_transition_matrix(2, 0.2, "joint", priors=[9, 1]), told)


def test_random_kinds_follow_the_seed():
    for kind in ("random", "asymmetric"):
        assert_array_equal(matrix_of(kind, 0.3, 1), matrix_of(kind, 0.3, 1))
        assert any(
            (matrix_of(kind, 0.3, s) != matrix_of(kind, 0.3)).any() for s in (1, 2)
        )


@pytest.mark.parametrize(
    ("matrix", "match"),
    [
        (np.ones((2, 3)) / 3, r"square .* Got shape \(2, 3\)"),
        ([[1.0]], "at least 2 classes"),
        ([[1.2, -0.2], [0, 1]], "Got 1.2 in row 0, column 0"),
        ([[np.nan, 1], [0, 1]], "Got nan in row 0"),
        ([[0.9, 0.1], [0.5, 0.4]], "Row 1 sums to 0.9"),
        (np.eye(3), "has 3 classes, but the labels have 2"),
    ],
)
def test_bad_matrices_are_named(matrix, match):
    with pytest.raises(ValueError, match=match):
        check_transition_matrix(matrix, 2)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"kind": "joint"}, "needs priors"),
        ({"kind": "joint", "priors": [1, 2]}, r"priors must have shape \(3,\)"),
        ({"kind": "joint", "priors": [1, 2, 0]}, "priors must be finite and positive"),
        ({"kind": "pair", "mapping": {0: 1}}, "mapping belongs to"),
        ({"kind": "pair", "include_self": True}, "include_self belongs to"),
        ({"kind": "asymmetric", "mapping": {0: 3}}, r"in 0\.\.2. Got 3"),
        ({"kind": "asymmetric", "mapping": {0: 0}}, "sends class 0 to itself"),
        ({"rate": -0.1}, "'rate' parameter of make_transition_matrix"),
    ],
)
def test_bad_parameters_are_named(options, match):
    with pytest.raises(ValueError, match=match):
        make_transition_matrix(3, **options)


def test_learnable_means_that_the_label_is_the_best_guess():
    assert is_learnable_transition(make_transition_matrix(4, 0.74)).all()
    assert not is_learnable_transition(make_transition_matrix(4, 0.76)).any()
    assert not is_learnable_transition(make_transition_matrix(4, 0.5, "pair")).any()
    # A tail label of which most come from the head: the best guess is the head.
    matrix = make_transition_matrix(2, 0.2)
    posterior = matrix * np.array([[0.9], [0.1]])
    assert_array_equal(
        is_learnable_transition(matrix, [90, 10]), posterior.argmax(axis=0) == [0, 1]
    )
