# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's own tests of these classes, run against ours.

Only the cases in LEFT_OUT are not: each is named, with the reason.
"""

import pytest

from skoverfit.over_sampling import SMOTE, SMOTEN, SMOTENC
from tests.common._peer_tests import load_peer_tests

pytestmark = pytest.mark.filterwarnings("ignore::skoverfit.exceptions.SkoverfitWarning")
PINNED = "It compares with recorded values of another random stream."
ENCODER = "It asks for the encoder; levels are codes here and no encoder is fitted."
LEFT_OUT = {
    "test_smote.test_sample_regular": PINNED,
    "test_smote.test_sample_regular_half": PINNED,
    "test_smote.test_sample_regular_with_nn": PINNED,
    "test_smote_nc.test_smotenc_categorical_encoder": ENCODER,
    "test_smote_nc.test_smotenc_categorical_encoder_dropped_columns": ENCODER,
    "test_smote_nc.test_smotenc_raising_error_all_categorical": (
        "It demands an error where ours works: a table of nominal columns only."
    ),
    "test_smote_nc.test_smote_nc_categorical_features_auto_error": (
        "It demands errors where ours works: arrays of objects, and no nominal column."
    ),
    "test_smoten.test_smoten": ENCODER,
    "test_smoten.test_smoten_categorical_encoder": ENCODER,
    "test_smoten.test_smoten_resampling": (
        "A vote of 3 against 3 decides it, and ties going to the lowest code."
    ),
    "test_smoten.test_smoten_sparse_input": (
        "It demands a warning; the result is tested in test_mixed_tables.py."
    ),
    "test_common.test_categorical_smote_k_custom_nn": (
        "It gives SMOTEN an object that takes the rows of a distance matrix for "
        "features; our SMOTEN searches by the metric itself and takes a number only."
    ),
    "test_common.test_smote_m_neighbors": "It is about classes that are not ours.",
    "test_common.test_numerical_smote_extra_custom_nn": (
        "It is about classes that are not ours."
    ),
}


OURS = {"SMOTE": SMOTE, "SMOTEN": SMOTEN, "SMOTENC": SMOTENC}
MODULES = {
    "_smote.tests.test_smote": ["SMOTE"],
    "_smote.tests.test_smote_nc": ["SMOTENC"],
    "_smote.tests.test_smoten": ["SMOTEN"],
    "tests.test_common": list(OURS),
}
for path, names in MODULES.items():
    module = path.rpartition(".")[2]
    tests = load_peer_tests(
        f"imblearn.over_sampling.{path}",
        {name: OURS[name] for name in names},
        {
            key.partition(".")[2]: reason
            for key, reason in LEFT_OUT.items()
            if key.startswith(f"{module}.")
        },
    )
    short = module.removeprefix("test_")
    globals().update(
        {
            f"{test}_{short}" if test.startswith("test_") else test: function
            for test, function in tests.items()
        }
    )
