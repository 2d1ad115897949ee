# SPDX-License-Identifier: BSD-3-Clause
"""The search over class offsets against brute force."""

import numpy as np
import pytest

from skoverfit.calibration._threshold_search import (
    _exact_step,
    _grid_step,
    balanced_accuracy_values,
    decide,
    log_probabilities,
    search_offsets,
)


def problem(seed, n=30, n_classes=3, *, digits=None, weighted=False):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n_classes, 0.8), size=n)
    if digits is not None:  # ties, zeros and ones, as forests give them
        p = np.round(p, digits)
        p[p.sum(axis=1) == 0] = 1.0
    codes = np.concatenate(
        [np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)]
    )
    weights = rng.uniform(0.2, 3.0, size=n) if weighted else np.ones(n)
    values = balanced_accuracy_values(codes, weights)
    prior = np.bincount(codes, weights=weights) / weights.sum()

    def objective(decided):
        return float(values[decided == codes].sum())

    return log_probabilities(p), codes, values, prior, objective


def brute_force(log_p, objective, b, c):
    """Best score of every decision that moving b_c alone can reach."""
    points = np.sort((np.delete(log_p + b, c, axis=1).max(axis=1)) - log_p[:, c])
    points = points[np.abs(points) < 300]
    cuts = np.concatenate(
        [points[:1] - 1, (points[1:] + points[:-1]) / 2, points[-1:] + 1]
    )
    cuts = cuts[np.abs(cuts[:, None] - points).min(axis=1) > 1e-10]
    best = -np.inf
    for cut in cuts:
        trial = b.copy()
        trial[c] = cut
        best = max(best, objective(decide(log_p, trial)))
    return best


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_step_is_the_optimum_of_its_line(seed, weighted, digits):
    log_p, codes, values, prior, objective = problem(
        seed, digits=digits, weighted=weighted
    )
    for start in (np.zeros(3), -np.log(prior)):
        for c in range(3):
            moved = _exact_step(log_p, codes, values, start, c)
            reached = start.copy()
            if moved is not None:
                reached[c] = moved
            score = objective(decide(log_p, reached))
            assert score == pytest.approx(brute_force(log_p, objective, start, c))
            assert score >= objective(decide(log_p, start)) - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_two_classes_reach_the_global_optimum(seed):
    log_p, codes, values, prior, objective = problem(seed, n=40, n_classes=2)
    result = search_offsets(log_p, codes, prior, objective, values=values)
    assert result.score == pytest.approx(brute_force(log_p, objective, np.zeros(2), 1))
    # The other coordinate and the grid see the same decisions.
    assert result.score == pytest.approx(brute_force(log_p, objective, np.zeros(2), 0))
    grid = search_offsets(log_p, codes, prior, objective)
    assert grid.score == pytest.approx(result.score)


@pytest.mark.parametrize("seed", range(5))
def test_a_third_class_that_never_occurs_changes_nothing(seed):
    log_p, codes, values, prior, objective = problem(seed, n=40, n_classes=2)
    two = search_offsets(log_p, codes, prior, objective, values=values)
    wider = np.column_stack([log_p, np.full(len(log_p), -700.0)])
    three = search_offsets(
        wider, codes, np.append(prior, prior.min()), objective, values=values
    )
    assert three.score == pytest.approx(two.score)


@pytest.mark.parametrize("seed", range(10))
def test_ascent_beats_both_starts_and_a_random_search(seed):
    log_p, codes, values, prior, objective = problem(seed, n=60)
    result = search_offsets(log_p, codes, prior, objective, values=values)
    assert result.score == pytest.approx(objective(decide(log_p, result.offsets)))
    starts = [np.zeros(3), -np.log(prior)]
    assert result.score >= max(objective(decide(log_p, b)) for b in starts) - 1e-12
    # No coordinate can be moved to a better place any more.
    for c in range(3):
        best = brute_force(log_p, objective, result.offsets, c)
        assert best <= result.score + 1e-9


def test_grid_step_of_many_rows_is_bounded_and_never_loses():
    log_p, codes, _, _, objective = problem(0, n=400)
    calls = []

    def counted(decided):
        calls.append(1)
        return objective(decided)

    start = np.zeros(3)
    moved = _grid_step(log_p, counted, start, 0, 50)
    assert len(calls) == 50
    trial = np.array([moved, 0.0, 0.0])
    exact = _exact_step(log_p, codes, balanced_accuracy_values(codes, np.ones(400)),
                        start, 0)  # fmt: skip
    reached = objective(decide(log_p, trial))
    assert reached <= objective(decide(log_p, np.array([exact, 0, 0]))) + 1e-12
    assert reached > objective(decide(log_p, start)) - 0.02


def test_certain_probabilities_leave_nothing_to_move():
    log_p = log_probabilities(np.eye(3)[[0, 1, 2, 0, 1]])
    codes = np.array([0, 1, 2, 1, 0])
    values = balanced_accuracy_values(codes, np.ones(5))
    result = search_offsets(
        log_p,
        codes,
        np.array([0.4, 0.4, 0.2]),
        lambda decided: float(values[decided == codes].sum()),
        values=values,
    )
    assert np.array_equal(decide(log_p, result.offsets), [0, 1, 2, 0, 1])
    assert np.isfinite(result.offsets).all()


def test_values_add_up_to_one_and_follow_the_weights():
    codes = np.array([0, 0, 0, 1, 3])
    weights = np.array([1.0, 2.0, 1.0, 5.0, 0.5])
    values = balanced_accuracy_values(codes, weights)
    assert values.sum() == pytest.approx(1.0)
    assert values == pytest.approx(np.array([1 / 4, 2 / 4, 1 / 4, 1, 1]) / 3)
