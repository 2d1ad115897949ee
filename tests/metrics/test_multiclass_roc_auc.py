"""Areas under the curve against scikit-learn and a count over all pairs of rows."""

import itertools
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.metrics import multiclass_roc_auc

AVERAGES = (
    "ovo_macro",
    "ovo_weighted",
    "ovr_macro",
    "ovr_weighted",
    "micro",
    "worst_pair",
)


def make(seed, n=80, n_classes=4, decimals=1):
    """Return codes and probabilities with many ties."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n)])
    score = rng.normal(size=(y.size, n_classes)).round(decimals)
    score[np.arange(y.size), y] += 1
    prob = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return y, prob


def count(positive, negative, w_positive=None, w_negative=None):
    """Mann-Whitney by comparing every pair of rows."""
    w_positive = np.ones(len(positive)) if w_positive is None else w_positive
    w_negative = np.ones(len(negative)) if w_negative is None else w_negative
    won = total = 0.0
    for p, wp in zip(positive, w_positive, strict=True):
        for q, wq in zip(negative, w_negative, strict=True):
            won += wp * wq * ((p > q) + 0.5 * (p == q))
            total += wp * wq
    return won / total


def pair_area(y, s, i, j):
    one = count(s[y == i, i], s[y == j, i])
    return 0.5 * (one + count(s[y == j, j], s[y == i, j]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("average", "options"),
    [
        ("ovo_macro", {"multi_class": "ovo", "average": "macro"}),
        ("ovo_weighted", {"multi_class": "ovo", "average": "weighted"}),
        ("ovr_macro", {"multi_class": "ovr", "average": "macro"}),
        ("ovr_weighted", {"multi_class": "ovr", "average": "weighted"}),
        ("micro", {"multi_class": "ovr", "average": "micro"}),
    ],
)
def test_agrees_with_scikit_learn(average, options, seed):
    y, prob = make(seed)
    assert multiclass_roc_auc(y, prob, average=average) == pytest.approx(
        roc_auc_score(y, prob, **options), abs=1e-12
    )


@pytest.mark.parametrize("average", AVERAGES)
def test_two_classes_equal_scikit_learn(average):
    y, prob = make(5, n_classes=2)
    reference = roc_auc_score(y, prob[:, 1])
    assert multiclass_roc_auc(y, prob[:, 1], average=average) == pytest.approx(
        reference, abs=1e-12
    )


@pytest.mark.parametrize("average", [a for a in AVERAGES if a != "micro"])
def test_two_columns_equal_one(average):
    rng = np.random.default_rng(5)
    y = rng.integers(2, size=60)
    # Multiples of 1/16, so that 1 - p has the same ties.
    p = (rng.integers(0, 9, size=60) + 4 * y) / 16
    columns = np.column_stack([1 - p, p])
    assert multiclass_roc_auc(y, columns, average=average) == pytest.approx(
        roc_auc_score(y, p), abs=1e-12
    )


def test_weighted_one_against_rest_agrees_with_scikit_learn():
    y, prob = make(6)
    w = np.random.default_rng(6).uniform(size=y.size)
    assert multiclass_roc_auc(
        y, prob, average="ovr_macro", sample_weight=w
    ) == pytest.approx(
        roc_auc_score(y, prob, multi_class="ovr", sample_weight=w), abs=1e-12
    )


def test_decision_values_by_counting_all_pairs():
    rng = np.random.default_rng(7)
    y = rng.integers(3, size=40)
    s = rng.integers(-5, 6, size=(40, 3)) + 2 * np.eye(3, dtype=int)[y]
    pairs = [pair_area(y, s, i, j) for i, j in itertools.combinations(range(3), 2)]
    assert multiclass_roc_auc(y, s) == pytest.approx(np.mean(pairs), abs=1e-12)
    worst = multiclass_roc_auc(y, s, average="worst_pair")
    assert worst == pytest.approx(min(pairs), abs=1e-12)


def test_weighted_binary_by_counting_all_pairs():
    rng = np.random.default_rng(8)
    y, s = rng.integers(2, size=30), rng.integers(4, size=30)
    w = rng.uniform(size=30)
    expected = count(s[y == 1], s[y == 0], w[y == 1], w[y == 0])
    assert multiclass_roc_auc(y, s, sample_weight=w) == pytest.approx(expected)


@pytest.mark.parametrize("average", AVERAGES)
def test_integer_weights_equal_repeated_rows(average):
    y, prob = make(9)
    w = np.random.default_rng(9).integers(0, 4, size=y.size)
    assert multiclass_roc_auc(
        y, prob, average=average, sample_weight=w
    ) == pytest.approx(
        multiclass_roc_auc(np.repeat(y, w), np.repeat(prob, w, 0), average=average),
        abs=1e-12,
    )


@pytest.mark.parametrize("average", [a for a in AVERAGES if a != "micro"])
def test_only_the_order_within_a_column_counts(average):
    y, prob = make(10)
    moved = np.column_stack(
        [prob[:, 0] ** 3, np.log(prob[:, 1]), 5 * prob[:, 2] - 7, np.sqrt(prob[:, 3])]
    )
    assert multiclass_roc_auc(y, moved, average=average) == multiclass_roc_auc(
        y, prob, average=average
    )


@pytest.mark.parametrize("average", AVERAGES)
def test_invariant_to_row_and_class_order(average):
    y, prob = make(11)
    reference = multiclass_roc_auc(y, prob, average=average)
    rows = np.random.default_rng(0).permutation(y.size)
    shuffled = multiclass_roc_auc(y[rows], prob[rows], average=average)
    assert shuffled == pytest.approx(reference, abs=1e-14)
    names, order = np.array(["zinc", "iron", "lead", "gold"]), [2, 0, 3, 1]
    renamed = multiclass_roc_auc(
        names[y], prob[:, order], average=average, labels=names[order]
    )
    assert renamed == pytest.approx(reference, abs=1e-14)


def test_one_against_one_ignores_how_common_classes_are():
    y, prob = make(12)
    w = np.array([1, 5, 1, 3])[y]
    plain = multiclass_roc_auc(y, prob)
    assert multiclass_roc_auc(y, prob, sample_weight=w) == pytest.approx(plain)
    rest = multiclass_roc_auc(y, prob, average="ovr_macro")
    reweighted = multiclass_roc_auc(y, prob, average="ovr_macro", sample_weight=w)
    assert abs(rest - reweighted) > 1e-4


@pytest.mark.parametrize(
    "container", [list, pd.Series, pl.Series, lambda y: pd.Series(y, dtype="category")]
)
def test_label_containers(container):
    y, prob = make(13)
    names = np.array(["a", "b", "c", "d"])[y].tolist()
    frame = pd.DataFrame(prob)
    assert multiclass_roc_auc(container(names), frame) == multiclass_roc_auc(y, prob)


@pytest.mark.parametrize("average", AVERAGES[:4] + AVERAGES[5:])
def test_a_missing_class_is_left_out_with_a_warning(average):
    y, prob = make(14)
    kept = y != 2
    with pytest.warns(SkoverfitWarning, match="no row of class 2"):
        found = multiclass_roc_auc(
            y[kept], prob[kept], average=average, labels=np.arange(4)
        )
    others = prob[kept][:, [0, 1, 3]]
    expected = multiclass_roc_auc(y[kept], others, average=average)
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_class_of_weight_zero_is_missing():
    y, prob = make(14)
    with pytest.warns(SkoverfitWarning, match="no row of class 2"):
        found = multiclass_roc_auc(y, prob, sample_weight=(y != 2))
    kept = y != 2
    expected = multiclass_roc_auc(y[kept], prob[kept][:, [0, 1, 3]])
    assert found == pytest.approx(expected, abs=1e-12)


def test_codes_without_labels_are_assumed_with_a_warning():
    y, prob = make(15)
    kept = y != 0
    with pytest.warns(SkoverfitWarning) as caught:
        found = multiclass_roc_auc(y[kept], prob[kept])
    assert len(caught) == 2
    assert "column numbers" in str(caught[0].message)
    assert all(record.filename == __file__ for record in caught)
    expected = multiclass_roc_auc(y[kept], prob[kept][:, 1:])
    assert found == pytest.approx(expected, abs=1e-12)


def test_infinite_scores_have_ranks():
    s = np.array([-np.inf, 0.0, np.inf, np.inf])
    assert multiclass_roc_auc([0, 0, 1, 0], s) == pytest.approx(2.5 / 3)


@pytest.mark.parametrize(
    ("y", "score", "options", "message"),
    [
        ([0, 1], [0.1, np.nan], {}, "contains NaN"),
        ([0, 1], [0.1], {}, "2 rows, but y_score has 1"),
        ([], [], {}, "empty"),
        ([0, 0], [0.1, 0.2], {"labels": [0, 1]}, "only class 0"),
        (["a", "b"], np.zeros((2, 3)), {}, "2 classes.*Pass labels"),
        ([1, 3], np.zeros((2, 3)), {}, "Pass labels"),
        ([0, 1, 2], np.zeros(3), {}, "3 classes, but there are scores of 2"),
        (["a", "x"], [0, 1], {"labels": ["a", "b"]}, "not in labels: 'x'"),
        (["a", "b"], [0, 1], {"labels": [0, 1]}, "different types"),
        ([0, 1], [0, 1], {"labels": [0, 0]}, "twice"),
        ([0, 1], [0, 1], {"labels": [0, 1, 2]}, "3 entries"),
        ([0.0, np.nan], [0, 1], {}, "y_true contains NaN"),
        (["a", None], [0, 1], {}, "missing values"),
        (["a", np.nan], [0, 1], {}, "missing values"),
        (pd.Series(["a", None]), [0, 1], {}, "missing values"),
        (pl.Series(["a", None]), [0, 1], {}, "missing values"),
        (pd.Series([0, None], dtype="Int64"), [0, 1], {}, "y_true contains NaN"),
        (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), [0, 1], {}, "missing"),
        ([1, "a"], [0, 1], {}, "can't be compared"),
        ([0, 1], [0, 1j], {}, "complex"),
        (pd.Series(["a", pd.NA], dtype=object), [0, 1], {}, "missing values"),
        (np.array([1, "a"], dtype=object), [0, 1], {}, "can't be compared"),
        ([[0, 1]], [[0, 1]], {}, "1-dimensional"),
        ([0, 1], [[0], [1]], {}, "at least two columns"),
        ([0, 1], ["x", "y"], {}, "array of numbers"),
        ([0, 1], [0, 1], {"sample_weight": [1]}, r"shape \(2,\)"),
        ([0, 1], [0, 1], {"sample_weight": [1, -1]}, "not negative"),
        ([0, 1], [0, 1], {"average": "macro"}, "average"),
    ],
)
def test_bad_input_is_named(y, score, options, message):
    with pytest.raises(ValueError, match=message):
        multiclass_roc_auc(y, score, **options)


def test_large_input_is_quick():
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=100_000)
    prob = rng.uniform(size=(100_000, 10))
    start = time.process_time()
    area = multiclass_roc_auc(y, prob)
    # Half a second of one core; a loop over the pairs of rows would take hours.
    assert time.process_time() - start < 10
    # 5 standard errors of a mean of 45 areas of 10 000 against 10 000 rows.
    assert abs(area - 0.5) < 5 * np.sqrt(1 / (6 * 10_000) / 10)
