# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's own tests of SMOTEN, run against ours."""

from skoverfit.over_sampling import SMOTEN
from tests.common._peer_tests import load_peer_tests

LEFT_OUT: dict[str, str] = {}
globals().update(
    load_peer_tests(
        "imblearn.over_sampling._smote.tests.test_smoten",
        {"SMOTEN": SMOTEN},
        LEFT_OUT,
    )
)
