# SPDX-License-Identifier: BSD-3-Clause
"""Every entry of the catalogue keeps its promises; the checks themselves are proven."""

import os
import re
import subprocess
import sys
from unittest import SkipTest

import pytest
from sklearn.base import clone

from skoverfit._core import _persistence
from skoverfit.catalogue import REMEDIES
from tests.common import _checks as checks
from tests.common._specimens import (
    BROKEN,
    ForgetsToSample,
    OneLabelARow,
    PredictsUnfitted,
    Sound,
    SoundRegressor,
    TinyOverSampler,
)

ENTRIES = {
    type(instance).__name__: instance
    for instance in (r.test_instance() for r in REMEDIES if r.is_ours)
}
SAMPLER, CLASSIFIER = TinyOverSampler(random_state=0), Sound(random_state=0)
REGRESSOR = SoundRegressor(random_state=0)
SPECIMENS = {
    "TinyOverSampler": SAMPLER,
    "Sound": CLASSIFIER,
    "SoundRegressor": REGRESSOR,
}

STEPS_ARE_FITTED_IN_PLACE = (
    "A pipeline fits its own steps, as those of scikit-learn and imbalanced-learn do, "
    "so the parameter `steps` is changed by a fit; scikit-learn leaves the check out."
)
A_SAMPLER_COUNTS_ROWS = (
    "A sampler decides by the number of rows and not by their weights; where the two "
    "are equivalent, tests/pipeline/test_rows.py proves that weights are repetition."
)
NOISE_IN_SPARSE_ROWS = (
    "Noise is drawn for the stored cells of a sparse row only, so that zeros stay "
    "zeros, and its draws are not those of the dense row that the check compares."
)
THE_TARGET_IS_A_NUMBER = {
    "check_target_type": (
        "The check demands that a continuous target is refused, and a continuous "
        "target is what this class is for; tests/over_sampling has bad targets."
    ),
    "check_samplers_fit_resample": (
        "The check counts classes, which have to be balanced, where this class "
        "balances segments of a number; tests/over_sampling counts those."
    ),
    "check_samplers_sampling_strategy_fit_resample": (
        "The check names classes in sampling_strategy, where this class takes the "
        "numbers of segments; tests/over_sampling covers dicts and ratios."
    ),
    "check_samplers_multiclass_ova": (
        "The check gives the one-hot rows of a class label, and this class takes a "
        "single number a row, so that it refuses a table with several columns."
    ),
    "check_estimators_dtypes": (
        "The control points of this entry call 0 rare, which most checks have, and "
        "the check has a y of 1 and 2 only, so that no rare value is there."
    ),
    "check_fit2d_1feature": (
        "The control points of this entry call 0 rare, which most checks have, and "
        "the check has a y of 1 and 2 only, so that no rare value is there."
    ),
}
SEVERAL_LABELS = {
    "check_target_type": (
        "The check demands the message that labels are of an unknown type, and that "
        "several labels are refused, where several labels are what this class takes."
    ),
    "check_samplers_fit_resample": (
        "The check demands that all classes get as many rows as the largest has, and "
        "the paper's amount doubles the rare ones; tests/over_sampling counts rows."
    ),
    "check_fit2d_1sample": (
        "The check demands a message on the one sample, and the one label of a single "
        "row is refused first, in a sentence that names the shape of y."
    ),
    "check_samplers_one_label": (
        "The check demands a message on the one class, and the refusal of a single "
        "label is a sentence on the shape of y, tested in tests/over_sampling."
    ),
}
WEIGHTS_OF_LABELS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "A weight says how much a label counts, and goes to the estimator behind the "
        "features; the features are learnt from all rows, also from those of weight 0."
    ),
}
ROWS_COUNT_IN_STAGES = (
    "The encoder is fitted without weights, and a row that is there twice is its own "
    "neighbour where outliers are sought; tests/noisy_labels/test_rcal_classifier.py "
    "covers what weights do."
)
# class -> check -> a full sentence that says why it can't pass and who covers it.
EXPECTED_FAILURES = {
    "MulticlassTunedThresholdClassifierCV": {
        "check_classifiers_train": (
            "The check demands that the decision is the argmax of predict_proba, and "
            "deciding otherwise is what this class is for; the rest of the check is "
            "run in tests/calibration on a subclass with reweighted probabilities."
        ),
    },
    "OneLabelARow": SEVERAL_LABELS,
    "SMOGN": {
        **THE_TARGET_IS_A_NUMBER,
        "check_samplers_sparse": NOISE_IN_SPARSE_ROWS,
        "check_samplers_pandas_sparse": NOISE_IN_SPARSE_ROWS,
    },
    "SMOTER": THE_TARGET_IS_A_NUMBER,
    "PretrainedClassifier": WEIGHTS_OF_LABELS,
    "PretrainedRegressor": WEIGHTS_OF_LABELS,
    "RCALClassifier": {
        "check_sample_weight_equivalence_on_dense_data": ROWS_COUNT_IN_STAGES,
        "check_sample_weight_equivalence_on_sparse_data": ROWS_COUNT_IN_STAGES,
    },
    "Pipeline": {
        "check_estimators_overwrite_params": STEPS_ARE_FITTED_IN_PLACE,
        "check_dont_overwrite_parameters": STEPS_ARE_FITTED_IN_PLACE,
        "check_sample_weight_equivalence_on_dense_data": A_SAMPLER_COUNTS_ROWS,
        "check_supervised_y_2d": (
            "A sampler takes a column of labels without a warning, as the checks of "
            "imbalanced-learn demand, so the estimator behind it warns of nothing."
        ),
    },
    "StackedGridSearchCV": {
        "check_dtype_object": (
            "GridSearchCV itself fails it: StratifiedKFold refuses objects as labels "
            "before the estimator is asked, in words of its own."
        ),
    },
    "ResampledClassifier": {
        "check_sample_weight_equivalence_on_dense_data": A_SAMPLER_COUNTS_ROWS,
        "check_sample_weight_equivalence_on_sparse_data": A_SAMPLER_COUNTS_ROWS,
    },
}

# Ready-made checks have one class label a row; MLSMOTE gets them through a subclass.
# They have several columns of any sign, which no scaling law is fitted to.
NOT_READY = ("MLSMOTE", "ScalingLaw")
ONE_LABEL = OneLabelARow(random_state=0)
READY_MADE = {
    **{name: entry for name, entry in ENTRIES.items() if name not in NOT_READY},
    "OneLabelARow": ONE_LABEL,
}
GENERATED = [
    parameter
    for estimator in (*READY_MADE.values(), *SPECIMENS.values())
    for library in ("sklearn", "imblearn")
    if (library, estimator) != ("imblearn", CLASSIFIER)
    for parameter in checks.generated(library, estimator, EXPECTED_FAILURES)
]
OURS = [
    pytest.param(estimator, check, id=f"{name}-{check.__name__}")
    for name, estimator in {**ENTRIES, **SPECIMENS}.items()
    for check in checks.OUR_CHECKS
    # They change columns beside the first, and labels; tests/model_selection has both.
    if (name, check.__name__)
    not in {
        ("ScalingLaw", "check_dtype_kept"),
        ("ScalingLaw", "check_nothing_half_fitted"),
    }
]
# The estimator inside an entry may be stopped early on the data of a check.
EARLY = "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning"
# A search deals the few rows of a check into folds, and looks at labels before its
# estimator refuses them.
FEW_ROWS = "ignore:The least populated class:UserWarning"
ODD_LABELS = "ignore:invalid value encountered in cast:RuntimeWarning"


@pytest.mark.filterwarnings(EARLY, FEW_ROWS, ODD_LABELS)
@pytest.mark.filterwarnings("ignore:No row was made")  # a check of balanced classes
@pytest.mark.parametrize(("estimator", "check"), GENERATED)
def test_contract_of_the_ecosystem(estimator, check):
    try:
        check(estimator)
    except SkipTest as exc:  # a skip is not a pass
        pytest.fail(f"the check skipped itself: {exc}")


@pytest.mark.filterwarnings(EARLY, FEW_ROWS, ODD_LABELS)
@pytest.mark.parametrize(("estimator", "check"), OURS)
def test_our_own_promises(estimator, check):
    check(estimator)


ARRAY_API_RUN = f"""
from sklearn.utils.estimator_checks import estimator_checks_generator
from skoverfit.catalogue import REMEDIES
from tests.common._specimens import OneLabelARow
for remedy in REMEDIES:
    if remedy.is_ours and remedy.name != "scaling_law":
        one = remedy.test_instance()
        one = OneLabelARow(random_state=0) if remedy.name == "mlsmote" else one
        for estimator, check in estimator_checks_generator(one):
            if check.func.__name__ == {checks.ARRAY_API_CHECK!r}:
                check(estimator)
                print(remedy.name)
"""


def test_numpy_input_gives_the_same_with_array_api_dispatch():
    run = subprocess.run(
        [sys.executable, "-c", ARRAY_API_RUN],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    names = {remedy.name for remedy in REMEDIES if remedy.is_ours} - {"scaling_law"}
    assert set(run.stdout.split()) == names


def test_the_catalogue_is_walked():
    assert len(ENTRIES) == len({r.path for r in REMEDIES if r.is_ours}) > 0
    names = [parameter.id for parameter in GENERATED]
    assert len(names) == len(set(names))
    for name in READY_MADE:
        assert sum(identity.startswith(name) for identity in names) > 35
    assert "TinyOverSampler-check_samplers_preserve_dtype" in names


def test_expected_failures_are_named_rightly_and_told_in_sentences():
    for name, reasons in EXPECTED_FAILURES.items():
        known = {
            parameter.values[1].func.__name__
            for library in ("sklearn", "imblearn")
            for parameter in checks.generated(library, READY_MADE[name])
        }
        assert set(reasons) <= known, "an expected failure that no check is named like"
        for sentence in reasons.values():
            assert re.fullmatch(r"[A-Z].{40,}\.", sentence), sentence
            assert len(sentence.split()) >= 10


# --- the checks are proven ------------------------------------------------------------

CASES = [
    pytest.param(getattr(checks, check), broken, id=f"{check}-{broken.__name__}")
    for check, specimens in BROKEN.items()
    for broken in specimens
]


@pytest.mark.parametrize(("check", "broken"), CASES)
def test_each_check_catches_who_breaks_it(check, broken):
    with pytest.raises((AssertionError, ValueError), match=r".+"):
        check(broken(random_state=0))


def test_every_check_of_ours_has_somebody_who_breaks_it():
    proven_elsewhere = {"check_hostile_file"}
    names = {check.__name__ for check in checks.OUR_CHECKS}
    assert names == set(BROKEN) | proven_elsewhere


def test_the_hostile_file_is_live(monkeypatch):
    monkeypatch.setattr(_persistence, "is_allowed", lambda *_: True)
    with (
        pytest.warns(ResourceWarning),
        pytest.raises(AssertionError, match="payload ran"),
    ):
        checks.check_hostile_file(clone(CLASSIFIER))


@pytest.mark.parametrize(
    ("library", "broken", "caught_by"),
    [
        ("sklearn", PredictsUnfitted(), "check_estimators_unfitted"),
        ("imblearn", ForgetsToSample(), "check_samplers_fit_resample"),
    ],
)
def test_ready_made_checks_are_run(library, broken, caught_by):
    caught = set()
    for parameter in checks.generated(library, broken):
        instance, check = parameter.values
        if check.func.__name__ == caught_by:
            with pytest.raises(AssertionError, match=r".*"):
                check(instance)
            caught.add(caught_by)
    assert caught == {caught_by}
