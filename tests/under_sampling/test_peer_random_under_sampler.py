# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's own tests of RandomUnderSampler, run against ours."""

from skoverfit.under_sampling import RandomUnderSampler
from tests.common._peer_tests import load_peer_tests

LEFT_OUT = {
    "test_rus_fit_resample": "The rows drawn with a seed are pinned.",
    "test_rus_fit_resample_half": "The rows drawn with a seed are pinned.",
}
globals().update(
    load_peer_tests(
        "imblearn.under_sampling._prototype_selection.tests.test_random_under_sampler",
        {"RandomUnderSampler": RandomUnderSampler},
        LEFT_OUT,
    )
)
