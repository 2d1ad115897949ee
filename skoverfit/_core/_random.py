# SPDX-License-Identifier: BSD-3-Clause
"""The one way to derive random streams: named children of a ``SeedSequence``.

A stream is addressed by a *path of names* instead of by the order in which it is
asked for, so a result does not depend on ``n_jobs``, on which cells were already in a
store, or on what else was drawn before it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

__all__ = ["derive_generator", "derive_seed", "root_entropy"]


def root_entropy(random_state: Any = None) -> int:
    """Draw one integer from whatever scikit-learn accepts as ``random_state``.

    Parameters
    ----------
    random_state : None, int, numpy.random.RandomState, Generator or SeedSequence
        ``None`` asks the operating system. A ``RandomState`` or ``Generator`` is
        advanced by one draw, as scikit-learn does.

    Returns
    -------
    int
        Non-negative entropy for `derive_seed`.
    """
    if random_state is None:
        return int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
    if isinstance(random_state, np.random.SeedSequence):
        return int(random_state.generate_state(1, np.uint64)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, (int, np.integer)) and random_state >= 0:
        return int(random_state)
    raise ValueError(
        "The 'random_state' parameter must be None, a non-negative integer, a "
        "numpy.random.RandomState, Generator or SeedSequence. "
        f"Got {random_state!r} instead."
    )


def _sequence(entropy: int, path: tuple[Any, ...]) -> np.random.SeedSequence:
    digest = hashlib.sha256(repr(path).encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    return np.random.SeedSequence(entropy, spawn_key=tuple(int(w) for w in words))


def derive_seed(entropy: int, *path: str | int) -> int:
    """Return the integer seed (< 2**31 - 1) of the stream with this path of names.

    Examples
    --------
    >>> from skoverfit._core._random import derive_seed
    >>> derive_seed(0, "fold", 3) == derive_seed(0, "fold", 3)
    True
    >>> derive_seed(0, "fold", 3) == derive_seed(0, "fold", 4)
    False
    """
    state = _sequence(entropy, path).generate_state(1, np.uint64)[0]
    return int(state % np.uint64(2**31 - 1))


def derive_generator(entropy: int, *path: str | int) -> np.random.Generator:
    """Return a fresh generator for the stream with this path of names."""
    return np.random.default_rng(_sequence(entropy, path))
