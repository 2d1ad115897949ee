"""The bounded cache and the hash of content."""

import os
import threading

import numpy as np
import pytest
from scipy import sparse

from skoverfit._core._memory_cache import BoundedCache, content_hash


def test_the_value_unused_for_longest_goes_first():
    cache = BoundedCache(30)
    for key in "abc":
        assert cache.put(key, key.upper(), 10)
    assert cache.get("a") == "A"
    cache.put("d", "D", 10)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    info = cache.info()
    assert (info.entries, info.n_bytes, info.hits, info.misses) == (3, 30, 4, 1)


def test_a_value_larger_than_the_bound_is_not_kept_and_drops_nothing():
    cache = BoundedCache(30)
    cache.put("a", 1, 20)
    assert not cache.put("b", 2, 31)
    assert cache.get("a") == 1
    assert cache.get("b") is None


def test_replacing_and_resizing_keep_the_account():
    cache = BoundedCache(30)
    cache.put("a", 1, 20)
    cache.put("a", 2, 5)
    cache.put("b", 3, 25)
    assert cache.info().n_bytes == 30
    cache.resize(25)
    assert cache.info().n_bytes == 25
    assert cache.get("a") is None
    cache.clear()
    assert cache.info().entries == cache.info().n_bytes == 0


def test_none_is_no_value():
    with pytest.raises(ValueError, match="None can't be cached"):
        BoundedCache(1).put("a", None, 0)


def test_threads_never_break_the_bound():
    cache = BoundedCache(100)
    errors = []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(300):
            key = str(rng.integers(40))
            value = cache.get(key)
            if value is not None and value != key:
                errors.append((key, value))
            cache.put(key, key, int(rng.integers(1, 20)))
            if cache.info().n_bytes > 100:
                errors.append("bound")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_while_the_lock_was_busy_can_use_the_cache():
    cache = BoundedCache(100)
    cache.put("a", "A", 1)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            cache.get("a")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                good = cache.get("a") == "A" and cache.put("b", "B", 1)
                os._exit(0 if good else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
    assert cache.get("b") is None


RNG = np.random.default_rng(0)
BASE = RNG.normal(size=(4, 3))


@pytest.mark.parametrize(
    "other",
    [
        BASE.astype(np.float32),
        BASE.reshape(3, 4),
        BASE + np.eye(4, 3) * 1e-15,
        BASE.tolist(),
        sparse.csr_array(BASE),
        BASE.view(np.int64),
    ],
)
def test_other_content_hashes_differently(other):
    assert content_hash(other) != content_hash(BASE)
    assert content_hash(other) == content_hash(other)


def test_equal_content_hashes_equally_whatever_memory_it_lies_in():
    wide = np.empty((4, 6))
    wide[:, ::2] = BASE
    assert content_hash(wide[:, ::2]) == content_hash(BASE)
    assert content_hash(BASE.copy()) == content_hash(BASE)
    read_only = BASE.copy()
    read_only.flags.writeable = False
    assert content_hash(read_only) == content_hash(BASE)


def test_parts_do_not_run_into_each_other():
    assert content_hash(BASE[:2], BASE[2:]) != content_hash(BASE)
    assert content_hash("ab", "c") != content_hash("a", "bc")
    assert content_hash(1) != content_hash("1") != content_hash(True)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_hash_by_content(library):
    frames = pytest.importorskip(library)
    data = {"a": [1.0, 2.0, None], "b": ["x", "y", "z"]}
    first, second = frames.DataFrame(data), frames.DataFrame(data)
    changed = frames.DataFrame({**data, "b": ["x", "y", "w"]})
    assert content_hash(first) == content_hash(second)
    assert content_hash(first) != content_hash(changed)


def test_what_does_not_pickle_is_said_so():
    with pytest.raises(Exception, match="pickle"):
        content_hash(lambda: None)
