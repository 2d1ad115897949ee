# SPDX-License-Identifier: BSD-3-Clause
"""A byte-bounded cache in memory, and the hash of content that keys it.

The neighbour graphs and the resampled folds that the candidates of a search share live
in caches of this kind: one per process, safe beside threads and after a fork.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skoverfit._core._kernel import available, fingerprint

__all__ = ["BoundedCache", "CacheInfo", "content_hash"]


@dataclass(frozen=True, kw_only=True)
class CacheInfo:
    """What a cache holds and how it did.

    Parameters
    ----------
    entries : int
        Number of values held.
    n_bytes : int
        Their size in bytes, as it was declared.
    max_bytes : int
        The bound.
    hits, misses : int
        Answers of `BoundedCache.get` since the cache was made or cleared.
    """

    entries: int
    n_bytes: int
    max_bytes: int
    hits: int
    misses: int


class BoundedCache:
    """Keep the values used last, within a number of bytes.

    The values are handed out as they were put: who puts a mutable value in must copy
    it on the way in and on the way out, or make it read-only. A forked child starts
    with what its parent held and a lock of its own.

    Parameters
    ----------
    max_bytes : int
        The bound on the sum of the declared sizes; 0 keeps nothing.

    Examples
    --------
    >>> from skoverfit._core._memory_cache import BoundedCache
    >>> cache = BoundedCache(max_bytes=10)
    >>> cache.put("a", "first", 6)
    True
    >>> cache.put("b", "second", 6)
    True
    >>> cache.get("a"), cache.get("b")
    (None, 'second')
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = int(max_bytes)
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._n_bytes = 0
        self._hits = 0
        self._misses = 0
        self._lock = threading.Lock()
        _CACHES.add(self)

    @property
    def max_bytes(self) -> int:
        """The bound in bytes."""
        return self._max_bytes

    def get(
        self,
        key: Hashable,
        *,
        usable: Callable[[Any], bool] | None = None,
        count_miss: bool = True,
    ) -> Any | None:
        """Return the value of this key and mark it as used, or None.

        Parameters
        ----------
        key : hashable
            What it was put under.
        usable : callable, default=None
            Says whether the value that is there will do; one that won't is a miss.
        count_miss : bool, default=True
            Whether a miss is counted.

        Returns
        -------
        object or None
            The value itself, not a copy.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or (usable is not None and not usable(entry[0])):
                self._misses += count_miss
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: Any, n_bytes: int) -> bool:
        """Keep a value of this size, dropping those unused for longest.

        Parameters
        ----------
        key : hashable
            What `get` asks for; an older value of the same key is replaced.
        value : object
            Anything but None.
        n_bytes : int
            Its size.

        Returns
        -------
        bool
            False if the value alone is larger than the bound and was not kept.
        """
        if value is None:
            raise ValueError("None can't be cached: `get` returns it for a miss.")
        with self._lock:
            self._drop(key)
            if n_bytes > self._max_bytes:
                return False
            self._entries[key] = (value, int(n_bytes))
            self._n_bytes += int(n_bytes)
            self._shrink()
            return True

    def resize(self, max_bytes: int) -> None:
        """Set another bound; what no longer fits is dropped."""
        with self._lock:
            self._max_bytes = int(max_bytes)
            self._shrink()

    def clear(self) -> None:
        """Drop everything and count hits and misses anew."""
        with self._lock:
            self._entries.clear()
            self._n_bytes = self._hits = self._misses = 0

    def info(self) -> CacheInfo:
        """Return what the cache holds and how it did."""
        with self._lock:
            return CacheInfo(
                entries=len(self._entries),
                n_bytes=self._n_bytes,
                max_bytes=self._max_bytes,
                hits=self._hits,
                misses=self._misses,
            )

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._n_bytes -= entry[1]

    def _shrink(self) -> None:
        while self._n_bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))


# Bytes from which an array is hashed by the kernel first.
_LARGE = 1 << 14

_CACHES: weakref.WeakSet[BoundedCache] = weakref.WeakSet()


def _lock_all() -> None:
    for cache in list(_CACHES):
        cache._lock.acquire()


def _unlock_all() -> None:
    for cache in list(_CACHES):
        if cache._lock.locked():
            cache._lock.release()


def _renew_all() -> None:
    for cache in list(_CACHES):
        cache._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # Held over the fork, so that no child sees an entry half-way in.
    os.register_at_fork(
        before=_lock_all, after_in_parent=_unlock_all, after_in_child=_renew_all
    )


class _Sink:
    """A file that hashes what is written to it."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._digest.update(view)
        return view.nbytes


def content_hash(*parts: Any) -> str:
    """Return a hash of what the parts contain, in one pass over their memory.

    Equal hashes mean equal content, type, shape, dtype and memory order, within this
    process: long arrays are reduced under keys that each process draws. Parts that
    compare equal may hash differently (an array and its transposed copy): that costs a
    miss and is never wrong.

    Parameters
    ----------
    *parts : object
        Anything that pickles: arrays, sparse matrices, data frames, numbers, strings,
        unfitted estimators. The memory of contiguous arrays is read in place.

    Returns
    -------
    str
        40 hexadecimal digits.

    Raises
    ------
    Exception
        Whatever pickling raises (`pickle.PicklingError`, `TypeError`,
        `AttributeError`) where a part can't be pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._memory_cache import content_hash
    >>> content_hash(np.zeros(3), 5) == content_hash(np.zeros(3), 5)
    True
    >>> content_hash(np.zeros(3), 5) == content_hash(np.zeros(3, np.float32), 5)
    False
    """
    # sha1 has instructions of its own on today's processors: about twice as fast as
    # blake2b. Long arrays go through the kernel first, at the speed of the memory.
    # Nothing here defends against an adversary.
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        if type(part) is np.ndarray and not part.dtype.hasobject:
            _update_with_array(digest, part)
            continue
        buffers: list[pickle.PickleBuffer] = []
        pickle.Pickler(_Sink(digest), 5, buffer_callback=buffers.append).dump(part)
        for buffer in buffers:
            raw = buffer.raw()
            _update_with_bytes(digest, raw)
            buffer.release()
        digest.update(b"#")
    return digest.hexdigest()


def _update_with_array(digest: Any, array: np.ndarray) -> None:
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    digest.update(f"array|{array.dtype.descr!r}|{array.shape}|{order}|".encode())
    flat = array.T if order == "F" else np.ascontiguousarray(array)
    _update_with_bytes(digest, flat.reshape(-1).view(np.uint8).data)


def _update_with_bytes(digest: Any, data: memoryview) -> None:
    if data.nbytes >= _LARGE and available():
        digest.update(b"|%d keyed|" % data.nbytes)
        digest.update(fingerprint(data))
    else:
        digest.update(b"|%d|" % data.nbytes)
        digest.update(data)
