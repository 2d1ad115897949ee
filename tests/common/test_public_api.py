"""What is public is importable, sorted and, if it is a remedy, in the catalogue."""

import importlib
import inspect
import subprocess
import sys

import pytest
from sklearn.base import BaseEstimator

import skoverfit
from skoverfit.catalogue import REMEDIES, resolve

WITH_PATH = [pytest.param(r, id=r.name) for r in REMEDIES if r.path]


def test_all_of_a_room_is_sorted_and_unique(room):
    public = importlib.import_module(f"skoverfit.{room}").__all__
    assert list(public) == sorted(set(public))


def test_every_listed_name_imports(listed_path):
    assert resolve(listed_path) is not None


def test_the_package_lists_what_it_has():
    assert dir(skoverfit) == sorted(skoverfit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'no_such_room'"):
        skoverfit.no_such_room  # noqa: B018


def test_every_public_estimator_is_in_the_catalogue(public_class):
    if issubclass(resolve(public_class), BaseEstimator):
        assert public_class in {remedy.path for remedy in REMEDIES}, (
            f"{public_class} is an estimator and no remedy names it"
        )


def test_names_and_titles_are_unique():
    assert len({remedy.name for remedy in REMEDIES}) == len(REMEDIES)
    assert len({remedy.title for remedy in REMEDIES}) == len(REMEDIES)


@pytest.mark.parametrize("remedy", WITH_PATH)
def test_path_and_predicate_resolve(remedy):
    found = remedy.resolve()
    assert (
        inspect.isfunction(found)
        if remedy.role == "configure"
        else (inspect.isclass(found))
    )
    if remedy.applies:
        assert callable(resolve(remedy.applies))


@pytest.mark.parametrize("remedy", WITH_PATH)
def test_parameters_are_the_constructors(remedy):
    known = set(inspect.signature(remedy.resolve()).parameters)
    for mapping in (remedy.parameters, remedy.search_space, remedy.test_params):
        assert set(mapping) <= known


def test_only_the_baseline_has_no_path_and_no_paper():
    for remedy in REMEDIES:
        assert bool(remedy.path) is (remedy.role != "baseline"), remedy.name
        assert bool(remedy.paper) is (remedy.role != "baseline"), remedy.name


def test_the_catalogue_imports_none_of_its_classes():
    code = (
        "import sys, skoverfit.catalogue as c\n"
        "paths = [p for r in c.REMEDIES for p in (r.path, r.applies) if p]\n"
        "print(sorted({p.rpartition('.')[0] for p in paths} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
