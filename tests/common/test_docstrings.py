"""Docstrings are complete, and say what the code really does."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification

from skoverfit.catalogue import REMEDIES, resolve
from tests.common._checks import (
    takes_numbers,
    takes_one_positive_column,
    takes_several_labels,
)

# Codes of numpydoc's validation that are not asked for, and why.
IGNORED = {
    "ES01",  # an extended summary, where the summary says it all
    "SA01",  # See Also, where there is nothing to see
    "RT02",  # scikit-learn's custom is to name a single returned value too
    "EX01",  # asked for below, with its own exceptions
}
# A method is shown beneath its class: the class has the examples, and scikit-learn's
# custom is to leave ``y : None`` and the like without a description.
IGNORED_FOR_METHODS = IGNORED | {"PR07"}
OURS = [pytest.param(remedy, id=remedy.name) for remedy in REMEDIES if remedy.is_ours]


def own_methods(cls):
    """Return the public methods and properties that this class itself defines.

    Hooks of a skorch callback (``on_...``) have skorch's signature and no other caller.
    """
    return [
        name
        for name, found in vars(cls).items()
        if not name.startswith(("_", "on_"))
        and (inspect.isfunction(found) or isinstance(found, (property, classmethod)))
    ]


def complaints(path, ignored):
    errors = validate(path)["errors"]
    return [f"{code}: {text}" for code, text in errors if code not in ignored]


def test_docstring_is_valid_numpydoc(public_path):
    assert complaints(public_path, IGNORED) == []


def test_methods_are_documented(public_class):
    cls = resolve(public_class)
    wrong = {
        name: complaints(f"{public_class}.{name}", IGNORED_FOR_METHODS)
        for name in own_methods(cls)
    }
    assert {name: errors for name, errors in wrong.items() if errors} == {}


def test_docstring_has_examples_that_run_as_doctests(public_path):
    found = resolve(public_path)
    if inspect.isclass(found) and issubclass(found, Exception):
        return  # raised by the library, not made by its users
    assert ">>> " in "\n".join(get_doc_object(found)["Examples"])


def test_parameters_with_defaults_say_so(public_path):
    found = resolve(public_path)
    documented = {
        name: " ".join([parameter.type, *parameter.desc])
        for parameter in get_doc_object(found)["Parameters"]
        for name in parameter.name.replace("*", "").split(", ")
    }
    silent = {
        name
        for name, text in documented.items()
        if inspect.signature(found).parameters[name].default
        is not inspect.Parameter.empty
        and not re.search(r"default|optional|As in `", text)
    }
    assert silent == set()


# Defaults that are told in words or by a name.
TOLD_OTHERWISE = {
    "skoverfit.bench.run_bench": {"scenarios"},
    "skoverfit.load": {"max_bytes"},
}


def test_documented_defaults_are_those_of_the_signature(public_path):
    found = resolve(public_path)
    if inspect.isclass(found) and issubclass(found, Exception):
        return
    parameters = inspect.signature(found).parameters
    wrong = {}
    for documented in get_doc_object(found)["Parameters"]:
        told = re.search(r"default=(.+)$", " ".join(documented.type.split()))
        for name in documented.name.replace("*", "").split(", "):
            default = parameters[name].default
            if not told or name in TOLD_OTHERWISE.get(public_path, ()):
                continue
            if repr(default) == "<factory>":  # of a dataclass
                default = {}
            value = eval(told[1], {"np": np})
            if value != default and not (value is np.nan and default is np.nan):
                wrong[name] = f"{told[1]} is told, {default!r} it is"
    assert wrong == {}


def fitted(remedy):
    """Return the remedy's test instance, fitted on a small frame."""
    X, y = make_classification(
        n_samples=80, n_features=4, weights=[0.7], random_state=0
    )
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    labels = np.array(["no", "yes"])[y]
    estimator = remedy.test_instance()
    if takes_several_labels(estimator):
        labels = np.column_stack([y, 1 - y, y * (np.arange(len(y)) % 3 == 0)])
    elif takes_numbers(estimator):
        labels = y + np.arange(len(y)) % 3
    if takes_one_positive_column(estimator):
        frame, labels = np.arange(1, 81)[:, None], 1.0 + 1.0 / np.arange(1, 81)
    if remedy.path.startswith("skoverfit.over_sampling") or remedy.role == "step":
        estimator.fit_resample(frame, labels)
    else:
        estimator.fit(frame, labels)
    return estimator


@pytest.mark.parametrize("remedy", OURS)
def test_fitted_attributes_are_the_documented_ones(remedy):
    cls = remedy.resolve()
    assert issubclass(cls, BaseEstimator)
    documented = {
        attribute.name: " ".join(attribute.desc)
        for attribute in get_doc_object(cls)["Attributes"]
    }
    estimator = fitted(remedy)
    made = {
        name
        for name in vars(estimator)
        if name.endswith("_") and not name.startswith("_")
    }
    assert made - set(documented) == set()
    for name, description in documented.items():
        # "Defined only when ...": may be absent here.
        assert hasattr(estimator, name) or " only " in description, name
