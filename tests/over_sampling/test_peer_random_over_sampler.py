# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's own tests of RandomOverSampler, run against ours."""

from skoverfit.over_sampling import RandomOverSampler
from tests.common._peer_tests import load_peer_tests

LEFT_OUT = {
    "test_ros_fit_resample": "The rows drawn with a seed are pinned.",
    "test_random_over_sampling_heterogeneous_data_smoothed_bootstrap": (
        "It demands an error for strings with shrinkage; ours copies nominal columns."
    ),
}
globals().update(
    load_peer_tests(
        "imblearn.over_sampling.tests.test_random_over_sampler",
        {"RandomOverSampler": RandomOverSampler},
        LEFT_OUT,
    )
)
