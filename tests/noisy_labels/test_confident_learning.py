"""The rules are cleanlab's to the mask, and the tail guard does what it says."""

import warnings

import cleanlab
import numpy as np
import pandas as pd
import polars as pl
import pytest
from cleanlab.rank import get_label_quality_scores
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from skoverfit.datasets import make_label_noise, make_noisy_long_tail
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.metrics import label_quality_score
from skoverfit.noisy_labels import excess_label_issues, find_label_issues
from skoverfit.noisy_labels._confident_learning import (
    RULES,
    adjusted,
    capped,
    confident_counts,
)

PRUNING = ("prune_by_noise_rate", "prune_by_class", "both")


def noisy(seed, n=None, n_classes=None, even=None):
    """Return labels, of which a third is wrong, and probabilities."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(30, 1500))
    n_classes = n_classes or int(rng.integers(2, 13))
    even = seed % 2 if even is None else even
    shares = np.full(n_classes, 1 / n_classes)
    if not even:
        shares = rng.dirichlet(np.full(n_classes, 0.6))
    clean = rng.choice(n_classes, n, p=shares)
    clean[:2] = 0, 1
    proba = rng.dirichlet(np.full(n_classes, 0.3), n)
    proba[np.arange(n), clean] += rng.uniform(0.1, 1.2)
    proba /= proba.sum(axis=1, keepdims=True)
    y = clean.copy()
    wrong = rng.random(n) < 0.3
    y[wrong] = rng.integers(0, n_classes, wrong.sum())
    y[:2] = 0, 1
    return y, proba


def theirs(y, proba, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cleanlab tells of classes with few rows
        return cleanlab.filter.find_label_issues(y, proba, n_jobs=1, **options)


def ours(y, proba, **options):
    classes = np.arange(proba.shape[1])
    return find_label_issues(y, proba, classes=classes, tail_guard=False, **options)


@pytest.mark.parametrize("rule", RULES)
def test_masks_are_those_of_cleanlab(rule):
    found = 0
    for seed in range(40):
        y, proba = noisy(seed)
        mask = ours(y, proba, filter_by=rule)
        np.testing.assert_array_equal(mask, theirs(y, proba, filter_by=rule))
        found += mask.sum()
    assert found > 1000


@pytest.mark.parametrize("rule", PRUNING)
@pytest.mark.parametrize(
    "options", [{"frac_noise": 0.6}, {"min_examples_per_class": 20}]
)
def test_options_of_the_pruning_rules_are_those_of_cleanlab(rule, options):
    changed = 0
    for seed in range(20):
        y, proba = noisy(seed)
        mask = ours(y, proba, filter_by=rule, **options)
        peer = theirs(y, proba, filter_by=rule, **options)
        np.testing.assert_array_equal(mask, peer)
        changed += (mask != ours(y, proba, filter_by=rule)).sum()
    assert changed > 0


def test_ranked_row_numbers_are_those_of_cleanlab():
    y, proba = noisy(3, n=500, n_classes=5)
    for score in ("self_confidence", "normalized_margin"):
        rows = ours(y, proba, return_indices_ranked_by=score)
        peer = theirs(y, proba, return_indices_ranked_by=score)
        np.testing.assert_array_equal(rows, peer)


def test_the_numbers_to_remove_are_kept_to():
    y, proba = noisy(5, n=900, n_classes=3, even=True)
    wanted = [7, 0, 11]
    mask = ours(y, proba, filter_by="prune_by_class", num_to_remove_per_class=wanted)
    peer = theirs(y, proba, filter_by="prune_by_class", num_to_remove_per_class=wanted)
    np.testing.assert_array_equal(mask, peer)
    assert np.bincount(y[mask], minlength=3).tolist() == wanted
    by_rate = ours(y, proba, num_to_remove_per_class=wanted)
    assert (np.bincount(y[by_rate], minlength=3) <= wanted).all()
    assert by_rate.sum() > 10


def test_counts_agree_with_a_loop_over_rows():
    y, proba = noisy(7, n=400, n_classes=4)
    means = np.array([proba[y == k, k].mean() for k in range(4)])
    joint = np.zeros((4, 4), dtype=int)
    for label, row in zip(y, proba, strict=True):
        sure = np.flatnonzero(row >= means - 1e-6)
        if len(sure):
            joint[label, sure[0] if len(sure) == 1 else row.argmax()] += 1
    np.testing.assert_array_equal(confident_counts(proba, y).joint, joint)


def test_more_classes_than_a_byte_holds():
    y, proba = noisy(11, n=3000, n_classes=300, even=True)
    np.testing.assert_array_equal(ours(y, proba), theirs(y, proba))


def test_single_precision_stays_and_blocks_do_not_matter():
    y, proba = noisy(1, n=40_000, n_classes=3)
    mask = ours(y, proba, filter_by="confident_learning")
    single = ours(y, proba.astype(np.float32), filter_by="confident_learning")
    assert (mask != single).mean() < 1e-4
    assert adjusted(proba.astype(np.float32), y, 0.5).dtype == np.float32


def test_labels_of_any_type_give_the_same_mask():
    y, proba = noisy(2, n=300, n_classes=3)
    mask = ours(y, proba)
    names = np.array(["ant", "bee", "cat"])
    for labels in (names[y], names[y].tolist(), y + 1, pd.Series(names[y])):
        np.testing.assert_array_equal(
            find_label_issues(labels, proba, tail_guard=False), mask
        )
    order = [2, 0, 1]
    np.testing.assert_array_equal(
        find_label_issues(
            names[y], proba[:, order], classes=names[order], tail_guard=False
        ),
        mask,
    )


# --- the guard ------------------------------------------------------------------------


def test_without_power_and_with_a_cap_of_one_the_guard_is_off():
    y, proba = noisy(4)
    guarded = find_label_issues(
        y, proba, classes=range(proba.shape[1]), tau=0.0, max_class_fraction=1.0
    )
    np.testing.assert_array_equal(guarded, ours(y, proba))


def test_even_classes_are_not_adjusted():
    y, proba = np.repeat([0, 1, 2], 20), np.random.default_rng(0).random((60, 3))
    proba /= proba.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(adjusted(proba, y, 0.5), proba, rtol=1e-12)


def test_the_adjustment_is_bayes_rule_for_a_power_of_one():
    """With tau=1 posteriors become those of even classes."""
    rng = np.random.default_rng(0)
    likelihood, shares = rng.random((50, 2)), np.array([0.9, 0.1])
    posterior = likelihood * shares
    posterior /= posterior.sum(axis=1, keepdims=True)
    even = likelihood / likelihood.sum(axis=1, keepdims=True)
    y = np.repeat([0, 1], [45, 5])
    np.testing.assert_allclose(adjusted(posterior, y, 1.0), even, rtol=1e-12)


@pytest.mark.parametrize("most", [0.1, 0.5, 1.0])
def test_the_cap_keeps_the_worst_of_each_label(most):
    rng = np.random.default_rng(0)
    codes, quality = np.repeat([0, 1], [40, 10]), rng.random(50)
    mask = quality < 0.8
    out = capped(mask, quality, codes, most)
    for k in (0, 1):
        rows = codes == k
        allowed = int(np.floor(most * rows.sum()))
        assert out[rows].sum() == min(allowed, mask[rows].sum())
        assert (out & rows <= mask).all()
        if out[rows].any() and (mask & ~out)[rows].any():
            assert quality[out & rows].max() < quality[mask & ~out & rows].min()


def test_the_guard_spares_clean_rows_of_rare_classes():
    X, y = load_digits(return_X_y=True)
    spared, kept = [], []
    for seed in range(3):
        data = make_noisy_long_tail(
            X / 16, y, imbalance_ratio=30, noise="joint", rate=0.3, random_state=seed
        )
        model = LogisticRegression(max_iter=1000)
        proba = cross_val_predict(model, data.X, data.y, cv=3, method="predict_proba")
        rare = np.isin(data.y_clean, [7, 8, 9]) & ~data.is_noisy
        for masks, guard in ((spared, True), (kept, False)):
            mask = find_label_issues(data.y, proba, tail_guard=guard)
            masks.append((mask[rare].mean(), mask[data.is_noisy].mean()))
    (flags, recall), (plain_flags, plain_recall) = (
        np.mean(spared, axis=0), np.mean(kept, axis=0)
    )  # fmt: skip
    assert flags < 0.7 * plain_flags
    assert recall > plain_recall - 0.02


# --- scores ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
)
def test_scores_are_those_of_cleanlab(method):
    y, proba = noisy(9, n=400, n_classes=4, even=True)
    mine = label_quality_score(y, proba, method=method)
    peer = get_label_quality_scores(y, proba, method=method)
    np.testing.assert_allclose(mine, peer, rtol=1e-9)
    if method != "confidence_weighted_entropy":
        mine = label_quality_score(y, proba, method=method, adjust=True)
        peer = get_label_quality_scores(y, proba, method=method, adjust_pred_probs=True)
        np.testing.assert_allclose(mine, peer, rtol=1e-9)


def test_several_models_are_averaged():
    y, proba = noisy(9, n=100, n_classes=4, even=True)
    _, other = noisy(10, n=100, n_classes=4, even=True)
    mean = label_quality_score(y, (proba + other) / 2)
    np.testing.assert_allclose(label_quality_score(y, [proba, other]), mean)


def test_a_certain_model_is_right_or_wrong():
    p = [[1.0, 0.0], [1.0, 0.0]]
    score = label_quality_score([0, 1], p, method="confidence_weighted_entropy")
    assert score.tolist() == [1.0, 0.0]


def test_the_surer_a_model_is_of_another_class_the_lower_the_score():
    given = np.append(10.0 ** -np.arange(1, 19), 0.0)
    p = np.column_stack([1 - given, given])
    method = "confidence_weighted_entropy"
    score = label_quality_score([1] * 19, p, labels=[0, 1], method=method)
    assert (np.diff(score) < 0).all()
    assert score[-1] == 0


@pytest.mark.parametrize("rule", RULES)
def test_of_equal_scores_the_earlier_row_is_taken(rule):
    # Votes of 16 trees have many ties; cleanlab breaks them as its sort happens to.
    rng = np.random.default_rng(0)
    clean = rng.integers(4, size=600)
    votes = np.array([rng.multinomial(16, 0.1 + 0.6 * np.eye(4)[k]) for k in clean])
    labels = np.where(rng.random(600) < 0.2, rng.integers(4, size=600), clean)
    proba = votes / 16
    # The earlier row has the lower probability of its label, by less than any tie.
    ordered = proba.copy()
    ordered[np.arange(600), labels] += 1e-11 * np.arange(600)
    np.testing.assert_array_equal(
        ours(labels, proba, filter_by=rule), theirs(labels, ordered, filter_by=rule)
    )


# --- bad input ------------------------------------------------------------------------

GOOD = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])


@pytest.mark.parametrize(
    ("y", "proba", "options", "sentence"),
    [
        (["a", None, "b"], GOOD, {}, r"1 missing labels, the first in row 1"),
        (["a", "b", "c"], GOOD, {}, r"2 columns, but y has 3 classes\. Pass classes="),
        (["a", "b"], GOOD, {}, r"pred_proba has 3 rows, but y has 2 labels"),
        (["a", "b", "b"], GOOD * 2, {}, r"must lie in \[0, 1\]"),
        (["a", "b", "b"], GOOD / 2, {}, r"must sum to 1"),
        (["a", "b", "b"], GOOD * np.nan, {}, r"pred_proba is NaN in row 0"),
        (["a", "b", "b"], GOOD[:, :1], {}, r"at least two columns"),
        (["a", "b", "b"], GOOD, {"classes": ["a", "a"]}, r"each once"),
        (["a", "b", "x"], GOOD, {"classes": ["a", "b"]}, r"'x', which is none of"),
        (["a", "b", "b"], GOOD, {"max_class_fraction": 0.0}, "max_class_fraction"),
        (["a", "b", "b"], GOOD, {"frac_noise": 1.5}, "frac_noise"),
        (["a", "b", "b"], GOOD, {"filter_by": "prune"}, "filter_by"),
        (
            ["a", "b", "b"],
            GOOD,
            {"num_to_remove_per_class": [2, 0]},
            r"rows of each class, \[1, 2\]",
        ),
        (
            ["a", "b", "b"],
            GOOD,
            {"num_to_remove_per_class": [1, 0], "filter_by": "confident_learning"},
            "has no meaning",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_a_sentence(y, proba, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_label_issues(y, proba, **options)


def test_probabilities_that_agree_with_every_label_are_suspect():
    X, y = load_digits(return_X_y=True)
    y = make_label_noise(y[:300], rate=0.2, random_state=0)
    model = LogisticRegression(C=1e6, max_iter=5000).fit(X[:300] / 16, y)
    in_fold = model.predict_proba(X[:300] / 16)
    with pytest.warns(SkoverfitWarning, match="must be out of fold"):
        mask = find_label_issues(y, in_fold)
    assert not mask.any()


def test_columns_named_in_another_order_are_refused():
    y = np.array(["a", "b", "b"])
    frame = pd.DataFrame(GOOD, columns=["b", "a"])
    for read in (find_label_issues, excess_label_issues):
        with pytest.raises(ValueError, match="named b, a, but they are read as a, b"):
            read(y, frame)
        with pytest.raises(ValueError, match="named b, a, but they are read as a, b"):
            read(y, pl.from_pandas(frame), classes=["a", "b"])
    with pytest.raises(ValueError, match="The columns of proba are named b, a"):
        label_quality_score(y, frame)
    np.testing.assert_array_equal(
        find_label_issues(y, frame, classes=["b", "a"], tail_guard=False),
        find_label_issues(y, GOOD[:, ::-1], tail_guard=False),
    )
    # Other names say nothing.
    find_label_issues(y, frame.set_axis(["p0", "p1"], axis=1))
    # Columns of whole numbers, too, where some class has no label.
    numbers = pd.DataFrame(np.full((3, 3), 1 / 3), columns=[0, 2, 1])
    with pytest.raises(ValueError, match="named 0, 2, 1, but"):
        find_label_issues([0, 1, 1], numbers)
