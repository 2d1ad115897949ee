# SPDX-License-Identifier: BSD-3-Clause
"""What every kind of noise has in common."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification

from skoverfit import datasets
from skoverfit.datasets import make_label_noise, make_transition_matrix
from skoverfit.exceptions import SkoverfitWarning

KINDS = ["symmetric", "pair", "asymmetric", "class_conditional", "joint"]
KINDS += ["joint_proportional", "instance", "margin"]


def problem(n: int = 300, n_classes: int = 3, weights=None):
    return make_classification(
        n,
        n_features=6,
        n_informative=4,
        n_classes=n_classes,
        weights=weights,
        random_state=0,
    )


def noise(y, X, kind, rate=0.2, **options):
    if kind == "class_conditional":
        n_classes = len(np.unique(np.asarray(y)))
        options["transition_matrix"] = make_transition_matrix(n_classes, rate)
    return make_label_noise(y, kind=kind, rate=rate, X=X, **options)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "joint_proportional"])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2, 0.47])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("stratify", [False, True])
def test_exact_noise_makes_exactly_the_rate_wrong(kind, rate, n_classes, stratify):
    X, y = problem(313, n_classes)
    y_noisy, wrong = noise(
        y, X, kind, rate, stratify=stratify, return_mask=True, random_state=1
    )
    assert wrong.sum() == round(rate * 313)
    assert_array_equal(wrong, y_noisy != y)


@pytest.mark.parametrize("n", [15, 5, 25])
def test_rates_round_like_python_rounds(n):
    y = np.arange(n) % 3
    assert (make_label_noise(y, rate=0.1, random_state=0) != y).sum() == round(0.1 * n)


@pytest.mark.parametrize("kind", ["symmetric", "pair", "joint"])
def test_stratified_noise_gives_each_class_its_share(kind):
    y = np.repeat([0, 1, 2], [103, 40, 9])
    _, wrong = make_label_noise(
        y, kind=kind, rate=0.25, stratify=True, return_mask=True, random_state=0
    )
    flips, expected = np.bincount(y, weights=wrong), 0.25 * np.array([103, 40, 9])
    assert ((flips == np.floor(expected)) | (flips == np.ceil(expected))).all()
    assert wrong.sum() == 38


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exact", [True, False])
def test_same_seed_same_labels_and_input_untouched(kind, exact):
    X, y = problem()
    X_before, y_before = X.copy(), y.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    first = noise(y, X, kind, exact=exact, random_state=3)
    assert_array_equal(first, noise(y, X, kind, exact=exact, random_state=3))
    assert (first != noise(y, X, kind, exact=exact, random_state=4)).any()
    assert_array_equal(X, X_before)
    assert_array_equal(y, y_before)
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_generators_and_random_states_are_advanced():
    y = np.arange(100) % 4
    for rng in (np.random.default_rng(0), np.random.RandomState(0)):
        first = make_label_noise(y, random_state=rng)
        assert (first != make_label_noise(y, random_state=rng)).any()
    with pytest.raises(ValueError, match="'random_state' parameter must be None"):
        make_label_noise(y, random_state="seed")


WORDS = ["cat", "dog", "eel"]


def containers():
    codes = np.arange(60) % 3
    words = np.array(WORDS)[codes]
    index = pd.Index(np.arange(60)[::-1] // 2, name="id")
    category = pd.CategoricalDtype(["eel", "ant", "dog", "cat"], ordered=True)
    return {
        "str": words,
        "object": words.astype(object),
        "column": words[:, None],
        "int8": codes.astype(np.int8),
        "float32": codes.astype(np.float32),
        "bool": codes > 0,
        "list": words.tolist(),
        "tuple": tuple(codes.tolist()),
        "category": pd.Series(words, index=index, name="t").astype(category),
        "string": pd.Series(words, index=index, dtype="string"),
        "Int64": pd.Series(codes, index=index, dtype="Int64"),
        "boolean": pd.Series(codes > 0, dtype="boolean"),
        "frame": pd.DataFrame({"t": words}, index=index),
        "polars": pl.Series("t", words),
        "enum": pl.Series("t", words, dtype=pl.Enum(["eel", "ant", "dog", "cat"])),
        "tensor": torch.tensor(codes, dtype=torch.int16),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", containers())
def test_labels_come_back_as_they_came(kind, name):
    y = containers()[name]
    X = np.random.default_rng(0).normal(size=(60, 4))
    y_noisy, wrong = noise(y, X, kind, return_mask=True, random_state=0)
    assert type(y_noisy) is type(y)
    if kind != "joint_proportional":
        assert wrong.sum() == 12
    if isinstance(y, (pd.Series, pd.DataFrame)):
        assert y_noisy.index.equals(y.index)
        assert y_noisy.index.name == y.index.name
    if isinstance(y, (pd.Series, pl.Series)):
        assert y_noisy.name == y.name
    if isinstance(y, pd.DataFrame):
        assert y_noisy.dtypes.equals(y.dtypes)
    elif not isinstance(y, (list, tuple)):
        assert y_noisy.dtype == y.dtype
        assert y_noisy.shape == y.shape
    old, new = np.ravel(np.asarray(y)), np.ravel(np.asarray(y_noisy))
    assert_array_equal(old != new, wrong)
    assert set(new.tolist()) <= set(old.tolist())


def test_the_kind_of_labels_does_not_change_the_noise():
    y = np.arange(60) % 3
    words = np.array(WORDS)[y]
    noisy = make_label_noise(y, random_state=0)
    assert_array_equal(make_label_noise(words, random_state=0), np.array(WORDS)[noisy])


@pytest.mark.parametrize("kind", KINDS)
def test_make_label_noise_is_the_function_of_that_name(kind):
    X, y = problem()
    function = getattr(datasets, f"{kind}_noise")
    if kind == "class_conditional":
        direct = function(y, make_transition_matrix(3, 0.2), random_state=5)
    elif kind in ("instance", "margin"):
        direct = function(y, X, 0.2, random_state=5)
    else:
        direct = function(y, 0.2, random_state=5)
    assert_array_equal(direct, noise(y, X, kind, random_state=5))


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_in_order(kind):
    X, y = problem()
    y_noisy, wrong, matrix = noise(
        y, X, kind, return_mask=True, return_transition=True, random_state=0
    )
    assert y_noisy.shape == wrong.shape == (300,)
    assert matrix.shape == (3, 3)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    y_again, only_matrix = noise(y, X, kind, return_transition=True, random_state=0)
    assert_array_equal(y_again, y_noisy)
    assert_array_equal(only_matrix, matrix)


@pytest.mark.parametrize("kind", KINDS)
def test_two_classes_swap(kind):
    X, y = problem(n_classes=2, weights=[0.8])
    y = np.array(["no", "yes"])[y]
    y_noisy, wrong = noise(y, X, kind, rate=0.1, return_mask=True, random_state=0)
    assert wrong.any()
    assert_array_equal(y_noisy[wrong], np.where(y[wrong] == "no", "yes", "no"))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"rate": 1.5}, r"'rate' parameter .* must be a float in the range \[0"),
        ({"kind": "symetric"}, "'kind' parameter .* must be a str among"),
        ({"kind": "class_conditional"}, "needs transition_matrix"),
        ({"transition_matrix": np.eye(2)}, "transition_matrix belongs to kind='class"),
        ({"mapping": {0: 1}}, "mapping belongs to kind='asymmetric', not to kind='sy"),
        ({"kind": "pair", "include_self": True}, "include_self belongs to"),
        ({"kind": "joint", "scale": None}, "scale belongs to kind='instance' and"),
        ({"stratify": True, "exact": False}, "stratify=True needs exact=True"),
        ({"kind": "instance"}, "kind='instance' makes noise .* pass X"),
        ({"kind": "margin"}, "kind='margin' makes noise .* pass X"),
        ({"kind": "instance", "X": np.eye(3)}, "X has 3 rows, but y has 4 labels"),
    ],
)
def test_bad_parameters_are_named(options, match):
    with pytest.raises(ValueError, match=match):
        make_label_noise([0, 1, 0, 1], **options)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (["a", "a"], r"one class only \('a'\)"),
        (["a", None], "1 missing labels"),
        ([0.1, 0.2], "looks continuous"),
        ([], "y is empty"),
    ],
)
def test_bad_labels_are_named(y, match):
    with pytest.raises(ValueError, match=match):
        make_label_noise(y)


def test_a_class_that_vanishes_is_reported():
    y = ["a"] * 9 + ["b"]
    with pytest.warns(SkoverfitWarning, match="no row with the label 'b'"):
        make_label_noise(
            y, kind="class_conditional", transition_matrix=[[1, 0], [1, 0]]
        )


def test_one_row_in_each_class():
    y = ["a", "b", "c"]
    with pytest.warns(SkoverfitWarning, match="at least as frequent"):
        y_noisy = make_label_noise(y, kind="pair", rate=1.0)
    assert y_noisy == ["b", "c", "a"]


@pytest.mark.parametrize("kind", ["symmetric", "pair", "joint"])
def test_more_classes_than_a_byte_holds(kind):
    y = np.tile(np.arange(300, dtype=np.int16), 10)
    noisy, wrong = make_label_noise(
        y, kind=kind, rate=0.2, return_mask=True, random_state=0
    )
    assert noisy.dtype == np.int16
    assert wrong.sum() == 600
    assert set(noisy) <= set(range(300))
    assert (noisy[wrong] > 255).any()
    np.testing.assert_array_equal(noisy != y, wrong)
