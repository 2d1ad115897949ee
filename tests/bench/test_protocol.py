"""The same folds for all; groups and time respected; what can not be split is said."""

import numpy as np
import pytest

from skoverfit.bench._protocol import inner_folds, make_folds
from skoverfit.bench._types import Table
from skoverfit.exceptions import BadInputError


def table(y, groups=None, time=None):
    y = np.asarray(y, dtype=np.int64)
    names = tuple("abcdefgh"[: y.max() + 1])
    return Table(
        name="t",
        X=np.zeros((len(y), 1)),
        y=y,
        class_names=names,
        groups=groups,
        time=time,
        content_hash="h",
    )


def folds(t, n_splits=5, n_repeats=1, seed=0):
    return list(make_folds(t, n_splits=n_splits, n_repeats=n_repeats, seed=seed))


def test_each_row_is_tested_once_a_repeat_and_classes_are_spread():
    t = table([0] * 80 + [1] * 20)
    drawn = folds(t, n_repeats=2)
    assert len(drawn) == 10
    for repeat in (0, 1):
        tested = np.concatenate([f.test for f in drawn if f.repeat == repeat])
        assert sorted(tested) == list(range(100))
    assert all((t.y[f.test] == 1).sum() == 4 for f in drawn)
    assert not np.array_equal(drawn[0].test, drawn[5].test)


def test_folds_depend_on_the_seed_alone():
    t = table([0, 1] * 50)
    for a, b in zip(folds(t), folds(t), strict=True):
        np.testing.assert_array_equal(a.test, b.test)
    assert any(
        not np.array_equal(a.test, b.test)
        for a, b in zip(folds(t), folds(t, seed=1), strict=True)
    )


def test_groups_never_straddle_folds():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 25, 300)
    t = table(rng.integers(0, 2, 300), groups=groups)
    for fold in folds(t, n_repeats=3):
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_time_only_goes_forward_and_equal_times_stay_together():
    rng = np.random.default_rng(0)
    time = rng.integers(0, 40, 300).astype(float)
    t = table(rng.integers(0, 2, 300), time=time)
    drawn = folds(t, n_repeats=7)
    assert len(drawn) == 5  # there is one past: repeats would be the same folds
    for fold in drawn:
        assert time[fold.train].max() < time[fold.test].min()
    tested = np.concatenate([fold.test for fold in drawn])
    assert len(tested) == len(set(tested))


def test_time_with_groups_keeps_both_promises():
    rng = np.random.default_rng(0)
    time, groups = rng.permutation(200).astype(float), rng.integers(0, 60, 200)
    t = table(rng.integers(0, 2, 200), time=time, groups=groups)
    for fold in folds(t, n_splits=3):
        assert time[fold.train].max() < time[fold.test].min()
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_more_folds_than_rows_of_a_class_is_refused_by_name():
    with pytest.raises(BadInputError, match=r"folds=5 .* 3 rows of class 'b'.*--folds"):
        folds(table([0] * 50 + [1] * 3))


def test_fewer_groups_than_folds_is_refused():
    with pytest.raises(BadInputError, match=r"folds=5 .* 3 groups"):
        folds(table([0, 1] * 30, groups=np.arange(60) % 3))


def test_a_group_that_holds_a_whole_class_is_refused():
    y = np.array([0] * 50 + [1] * 10)
    groups = np.r_[np.arange(50), np.full(10, 99)]
    with pytest.raises(BadInputError, match="hold only class 'a'"):
        folds(table(y, groups=groups))


def test_a_single_time_is_refused():
    with pytest.raises(BadInputError, match="different times"):
        folds(table([0, 1] * 30, time=np.zeros(60)))


def test_inner_folds_respect_groups_and_lie_in_blocks_of_time():
    rng = np.random.default_rng(1)
    y, groups = rng.integers(0, 2, 120), rng.integers(0, 20, 120)
    for train, test in inner_folds(y, groups=groups, time=None, random_state=0):
        assert not set(groups[train]) & set(groups[test])
    time = rng.permutation(120).astype(float)
    for _, test in inner_folds(y, groups=None, time=time, random_state=0):
        for label in (0, 1):
            inside = np.sort(time[test][y[test] == label])
            of_class = np.sort(time[y == label])
            start = np.searchsorted(of_class, inside[0])
            np.testing.assert_array_equal(of_class[start : start + len(inside)], inside)


def test_inner_folds_shrink_with_the_rarest_class():
    y = np.array([0] * 20 + [1] * 2)
    assert len(inner_folds(y, groups=None, time=None, random_state=0)) == 2
    y[-1] = 0
    assert inner_folds(y, groups=None, time=None, random_state=0) == []
