"""What the common tests walk over: the rooms and every public name in them."""

import importlib
import inspect
from importlib.util import find_spec

import pytest

import skoverfit
from skoverfit.catalogue import resolve

ROOMS = [name for name in skoverfit.__all__ if find_spec(f"skoverfit.{name}")]
# Rooms that may load torch, skorch, matplotlib, pandas or polars once they are used.
HEAVY_ROOMS = {
    "bench",
    "inspection",
    "neural_network",
    "noisy_labels",
    "representation",
}
LIGHT_ROOMS = [name for name in ROOMS if name not in HEAVY_ROOMS]


def _resolve(path):
    """Return the object of this path, or None: only one test is to say so."""
    try:
        return resolve(path)
    except (ImportError, AttributeError):
        return None


def _listed_paths():
    modules = ["skoverfit", *(f"skoverfit.{room}" for room in ROOMS)]
    return [
        f"{module}.{name}"
        for module in modules
        for name in getattr(importlib.import_module(module), "__all__", ())
        if f"{module}.{name}" not in modules
    ]


def _public_paths():
    paths = {path: _resolve(path) for path in _listed_paths()}
    return [p for p, o in paths.items() if inspect.isclass(o) or inspect.isroutine(o)]


def _public_classes():
    return [path for path in _public_paths() if inspect.isclass(_resolve(path))]


WALKS = {
    "room": lambda: ROOMS,
    "light_room": lambda: LIGHT_ROOMS,
    "listed_path": _listed_paths,
    "public_path": _public_paths,
    "public_class": _public_classes,
}


@pytest.fixture(scope="session")
def light_rooms():
    """All rooms that load nothing heavy."""
    return LIGHT_ROOMS


def pytest_generate_tests(metafunc):
    """Give a test that asks for one of the walks all that it has, one by one."""
    for name, walk in WALKS.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, walk())
