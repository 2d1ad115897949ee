"""Class codes of a target of any type, and targets that are refused."""

import numpy as np
import pandas as pd
import pytest

from skoverfit.bench._targets import code_target
from skoverfit.exceptions import BadInputError

PATTERN = np.arange(40) % 4 == 0  # a quarter is positive


def binary(low, high, **options):
    return pd.Series([high if one else low for one in PATTERN], **options)


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (binary("no", "yes"), ("no", "yes")),
        (binary("yes", "no"), ("yes", "no")),
        (binary(0, 1), ("0", "1")),
        (binary(1, -1), ("1", "-1")),
        (binary(1.0, 2.0), ("1", "2")),
        (binary(0.5, 1.5), ("0.5", "1.5")),
        (binary(False, True), ("False", "True")),
        (binary(True, False), ("True", "False")),
        (binary("b", "a", dtype="category"), ("b", "a")),
        (binary(7, 3, dtype="category"), ("7", "3")),
        (binary(0, 1, dtype="Int64"), ("0", "1")),
        (binary(False, True, dtype="boolean"), ("False", "True")),
        (binary("no", "yes", dtype="string"), ("no", "yes")),
        (binary(1, "one", dtype=object), ("1", "one")),
        (binary(0, 1, dtype=np.uint8), ("0", "1")),
        (binary("no ", " yes"), ("no", "yes")),
        (binary("<script>", "ü€😀"), ("<script>", "ü€😀")),
        (binary(2**62, 2**62 + 1), (str(2**62), str(2**62 + 1))),
    ],
)
def test_rarer_class_is_positive_for_any_type(column, names):
    y, found = code_target(column, name="t")
    assert found == names
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, PATTERN)


@pytest.mark.parametrize(
    ("column", "positive"),
    [
        (binary("no", "yes"), "no"),
        (binary(0, 1), "0"),
        (binary(0, 1), 0),
        (binary(0.0, 1.0), 0),
        (binary(0, 1), 0.0),
        (binary(False, True), "False"),
        (binary(False, True), np.False_),
        (binary("0", "1"), 0),
    ],
)
def test_positive_is_matched_by_its_text(column, positive):
    y, names = code_target(column, name="t", positive=positive)
    np.testing.assert_array_equal(y, ~PATTERN)
    np.testing.assert_array_equal(
        y, code_target(column, name="t", positive=names[1])[0]
    )


def test_tie_goes_to_the_later_label():
    y, names = code_target(pd.Series(["b", "a"] * 5), name="t")
    assert names == ("a", "b")
    np.testing.assert_array_equal(y, [1, 0] * 5)


def test_unknown_positive_lists_the_classes():
    with pytest.raises(BadInputError, match=r"positive='maybe' .*'t'; .* 'no', 'yes'"):
        code_target(binary("no", "yes"), name="t", positive="maybe")


def test_positive_needs_two_classes():
    with pytest.raises(BadInputError, match=r"positive='a' needs .* has 3: 'a', 'b'"):
        code_target(pd.Series(list("abc") * 4), name="t", positive="a")


def test_many_classes_are_in_sorted_order():
    y, names = code_target(pd.Series([10, 9, 2] * 4), name="t")
    assert names == ("2", "9", "10")
    np.testing.assert_array_equal(y, [2, 1, 0] * 4)
    _, names = code_target(pd.Series(["b", "c", "a"] * 4), name="t")
    assert names == ("a", "b", "c")


def test_unused_categories_are_no_classes():
    column = pd.Series(pd.Categorical(["a", "b"] * 6, categories=["z", "b", "a"]))
    assert code_target(column, name="t")[1] == ("a", "b")


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (["a", "b", None, "a", "b"] * 4, r"'t' is missing in 4 of 20 rows"),
        ([1.0, 0.0, np.nan, 1.0] * 4, r"'t' is missing in 4 of 16 rows"),
        (["a"] * 12, r"'t' holds the single value 'a' in all 12 rows"),
        ([True] * 12, r"single value 'True'"),
        (["a"] * 11 + ["b"], r"one row only in class 'b'"),
        ([1] * 10 + [5, 6], r"one row only in the classes '5', '6'"),
        (np.linspace(0, 1, 40), r"'t' is continuous \(40 distinct.*--task regression"),
        (np.arange(200), r"200 distinct integers.*--task classification"),
        (np.arange(200.0), r"200 distinct integers.*--task classification"),
        ([f"p{i}" for i in range(40)], r"40 different texts.*an identifier"),
        (pd.date_range("2020", periods=40), r"holds dates or times"),
        ([1.0, np.inf] * 10, r"holds 10 infinite values"),
        ([1j, 2j] * 10, r"complex numbers"),
        ([[1], [2]] * 10, r"holds a list"),
    ],
)
def test_targets_that_are_refused(column, match):
    with pytest.raises(BadInputError, match=match) as caught:
        code_target(pd.Series(column), name="t")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n", [10, 11])
def test_few_real_numbers_are_classes(n):
    column = pd.Series(np.tile(np.arange(n) + 0.5, 4))
    if n == 10:
        assert len(code_target(column, name="t")[1]) == 10
    else:
        with pytest.raises(BadInputError, match=r"continuous \(11 distinct"):
            code_target(column, name="t")


@pytest.mark.parametrize("n", [100, 101])
def test_class_codes_up_to_a_hundred(n):
    numbers = pd.Series(np.tile(np.arange(n), 3))
    assert len(code_target(numbers.astype(str), name="t")[1]) == n
    assert len(code_target(numbers.astype("category"), name="t")[1]) == n
    if n == 100:
        assert len(code_target(numbers, name="t")[1]) == n
    else:
        with pytest.raises(BadInputError, match=r"101 distinct integers"):
            code_target(numbers, name="t")
