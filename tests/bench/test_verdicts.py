"""What counts as help, and what does not."""

import numpy as np
import pytest

from skoverfit._core._statistics import corrected_comparison
from skoverfit.bench._verdicts import outcome_of, signed


def statistic(mean, spread, n=10):
    values = mean + spread * np.linspace(-1, 1, n)
    return corrected_comparison(values, test_train_ratio=0.25, rope=0.01)


@pytest.mark.parametrize(
    ("mean", "spread", "p", "better", "expected"),
    [
        (0.1, 0.01, 0.001, True, "helps"),
        (0.1, 0.01, 0.001, False, "undecided"),  # a better model of pure noise
        (0.1, 0.01, 0.2, True, "undecided"),  # one of many tried
        (0.001, 0.0001, 0.001, True, "equivalent"),  # sure, and of no use
        (-0.1, 0.01, 0.001, True, "harms"),
        (0.0, 0.5, 1.0, True, "undecided"),
        (0.0, 0.0, 1.0, True, "equivalent"),
    ],
)
def test_outcome(mean, spread, p, better, expected):
    stat = statistic(mean, spread)
    assert outcome_of(stat, p, better_than_dummy=better) == expected


def test_signed_never_writes_minus_zero():
    assert signed(-0.0001) == "0.000"
    assert signed(0.0004) == "0.000"
    assert signed(-0.0006) == "-0.001"
