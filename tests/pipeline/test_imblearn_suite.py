"""imbalanced-learn's own tests of its pipeline, run against ours."""

import importlib.util
import sys
from unittest import mock

import imblearn.pipeline
import pytest

from skoverfit.pipeline import Pipeline, make_pipeline

# test_pipeline_memory_transformer stops lbfgs early on unscaled data.
pytestmark = pytest.mark.filterwarnings(
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning"
)
# name -> why ours can't pass and where its counterpart is tested
LEFT_OUT = {
    "test_pipeline_with_step_that_it_is_pipeline": (
        "It demands a TypeError for a nested pipeline; ours takes it (test_nested.py)."
    ),
    "test_set_pipeline_step_passthrough": (
        "It lists all parameters and ours has one more, `cache`; the rest of it is "
        "test_replaced_steps in test_pipeline."
    ),
    "test_transform_input_sklearn_version": (
        "It skips itself: it is about scikit-learn before 1.4."
    ),
    "test_pipeline_param_error": (
        "It demands that fit refuses sample_weight; ours takes it (test_rows.py)."
    ),
}


def _load():
    path = importlib.util.find_spec("imblearn.tests.test_pipeline").origin
    # A name of its own, under which joblib and pickle find its classes.
    spec = importlib.util.spec_from_file_location("imblearn_suite_on_ours", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with (
        mock.patch.object(imblearn.pipeline, "Pipeline", Pipeline),
        mock.patch.object(imblearn.pipeline, "make_pipeline", make_pipeline),
    ):
        spec.loader.exec_module(module)
    return module


def _with_lists(test):
    """pytest 9 warns of generators among the arguments of parametrize."""
    test.pytestmark = [
        pytest.mark.parametrize(mark.args[0], list(mark.args[1])).mark
        if mark.name == "parametrize"
        else mark
        for mark in getattr(test, "pytestmark", [])
    ]
    return test


_SUITE = _load()
for _name, _object in vars(_SUITE).items():
    if _name.startswith("test_") and _name not in LEFT_OUT:
        globals()[_name] = _with_lists(_object)


def test_only_known_tests_are_left_out():
    assert set(LEFT_OUT) <= set(vars(_SUITE))
