"""Passes over whole arrays: finite or not, and numbers that stand for bytes."""

import numpy as np
import pytest

from skoverfit._core import _kernel, _memory_cache
from skoverfit._core._memory_cache import content_hash

needs_kernel = pytest.mark.skipif(
    not _kernel.available(), reason="the kernel was not built here"
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_odd_value_is_found_wherever_it_lies(dtype, odd):
    values = np.random.default_rng(0).standard_normal((23, 11)).astype(dtype)
    assert _kernel.all_finite(values)
    assert _kernel.all_finite(values[:0])
    for place in range(values.size):
        changed = values.copy()
        changed.flat[place] = odd
        assert not _kernel.all_finite(changed)
        assert not _kernel.all_finite(changed.T)
        assert not _kernel.all_finite(np.repeat(changed, 2, axis=1)[:, ::2])


@needs_kernel
def test_large_finite_values_are_finite():
    top = np.full((50, 7), np.finfo(np.float64).max)
    assert _kernel.all_finite(top)
    top[:, ::2] *= -1
    assert _kernel.all_finite(top)


@needs_kernel
@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 70_000])
def test_a_fingerprint_changes_with_every_bit(size):
    data = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    first = _kernel.fingerprint(data)
    assert len(first) == -(-size // 4096) * 32
    assert first == _kernel.fingerprint(data.copy())
    seen = {first}
    places = np.random.default_rng(1).integers(size, size=40)
    for place, bit in zip([0, size - 1, *places], np.arange(42) % 8, strict=True):
        changed = data.copy()
        changed[place] ^= np.uint8(1 << bit)
        number = _kernel.fingerprint(changed)
        # All numbers of the block change, those of the others don't.
        differ = np.frombuffer(first, np.uint64) != np.frombuffer(number, np.uint64)
        assert differ.reshape(-1, 4).all(axis=1).tolist() == [
            block == place // 4096 for block in range(len(first) // 32)
        ]
        seen.add(number)
    assert len(seen) > 1


@needs_kernel
def test_a_fingerprint_is_the_published_sum_of_products():
    """NH of the blocks, by its definition in Python's integers."""
    data = np.random.default_rng(0).integers(0, 256, 5000).astype(np.uint8)
    padded = np.zeros(8192, dtype=np.uint8)
    padded[:5000] = data
    keys = np.frombuffer(_kernel._keys(), dtype="<u4").astype(object)
    expected = []
    for block in padded.view("<u4").reshape(2, -1).astype(object):
        for shift in range(0, 64, 16):
            both = (block + keys[shift : shift + 1024]) % 2**32
            expected.append(sum(both[::2] * both[1::2]) % 2**64)
    assert np.frombuffer(_kernel.fingerprint(data), "<u8").tolist() == expected


def test_long_arrays_hash_by_content_with_and_without_the_kernel(monkeypatch):
    long = np.arange(9000.0)
    other = long.copy()
    other[-1] += 1
    for switch in ("0", "1"):
        monkeypatch.setenv(_kernel.SWITCH, switch)
        assert long.nbytes > _memory_cache._LARGE
        assert content_hash(long) == content_hash(long.copy())
        assert content_hash(long) != content_hash(other)
        assert content_hash(long) != content_hash(long[:-1])
        assert content_hash(long) != content_hash(long.view(np.int64))
        assert content_hash({"a": long}) != content_hash({"a": other})
