"""Pass@k from counts: all choices counted, unbiased, limits, bad input."""

from itertools import combinations

import numpy as np
import pytest

from skoverfit.metrics import pass_at_k_from_counts


@pytest.mark.parametrize("k", [1, 2, 3, 7])
@pytest.mark.parametrize("c", [0, 1, 4, 7])
def test_it_is_the_share_of_choices_with_a_right_answer(c, k):
    answers = [True] * c + [False] * (7 - c)
    share = np.mean([any(choice) for choice in combinations(answers, k)])
    assert pass_at_k_from_counts(7, c, k) == pytest.approx(share, abs=1e-12)


def test_it_is_unbiased():
    p, n, k = 0.2, 10, 4
    c = np.random.default_rng(0).binomial(n, p, size=200_000)
    truth = 1 - (1 - p) ** k
    assert pass_at_k_from_counts(np.full(len(c), n), c, k) == pytest.approx(
        truth, abs=3 * 0.4 / np.sqrt(len(c))
    )
    assert np.mean(1 - (1 - c / n) ** k) < truth - 0.02


def test_large_counts_and_one_number_for_all():
    assert pass_at_k_from_counts(10**6, 10, 10**5) == pytest.approx(
        1 - 0.9**10, abs=1e-5
    )
    assert pass_at_k_from_counts(5, [0, 5], 2) == 0.5
    assert pass_at_k_from_counts([8, 4], [2, 1], 1) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("n", "c", "k", "said"),
    [
        (4, 5, 1, "between 0 and n.*question 0 has c=5 of n=4"),
        ([4, 3], [1, 1], 4, "k=4 answers.*n=3 of question 1"),
        ([4, 3], [1], 1, "n has 2 numbers, but c has 1"),
        ([4.5], [1], 1, "n must hold whole numbers"),
        (4, ["a"], 1, "c must be a whole number"),
        (4, 1, 0, "'k' parameter"),
    ],
)
def test_bad_counts_are_named(n, c, k, said):
    with pytest.raises(ValueError, match=said):
        pass_at_k_from_counts(n, c, k)
