# SPDX-License-Identifier: BSD-3-Clause
"""imbalanced-learn's own tests of these classes, run against ours.

Only the cases in LEFT_OUT are not: each is named, with the reason.
"""

import inspect

import pytest
from imblearn.over_sampling._smote.tests import (
    test_smote as of_smote,
    test_smote_nc as of_smotenc,
    test_smoten as of_smoten,
)

from skoverfit.over_sampling import SMOTE, SMOTEN, SMOTENC

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
        "It demands a warning; the result is tested in test_smoten.py."
    ),
}


def _collect():
    for module in (of_smote, of_smotenc, of_smoten):
        for name, ours in (("SMOTE", SMOTE), ("SMOTENC", SMOTENC), ("SMOTEN", SMOTEN)):
            if hasattr(module, name):
                setattr(module, name, ours)
        short = module.__name__.rpartition(".")[2]
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and f"{short}.{name}" not in LEFT_OUT:
                globals()[f"{name}_{short.removeprefix('test_')}"] = function


_collect()
