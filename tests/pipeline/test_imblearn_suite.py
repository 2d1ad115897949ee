"""imbalanced-learn's own tests of its pipeline, run against ours."""

import importlib.util
from unittest import mock

import imblearn.pipeline
import pytest

from skoverfit.pipeline import Pipeline, make_pipeline

# name -> why ours can't pass and where its counterpart is tested
LEFT_OUT: dict[str, str] = {}


def _load():
    spec = importlib.util.find_spec("imblearn.tests.test_pipeline")
    module = importlib.util.module_from_spec(spec)
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
