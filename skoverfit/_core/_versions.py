# SPDX-License-Identifier: BSD-3-Clause
"""Versions that results depend on: ours and those of the libraries below us."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["code_version", "minor_versions", "peer_versions"]

_PEERS = ("scikit-learn", "imbalanced-learn", "numpy", "scipy", "skrub", "torch")


@cache
def code_version() -> str:
    """Return our version; while it is a development one, with a hash of our source."""
    # Not imported: the package knows all rooms, and this room none of them.
    ours: str = sys.modules["skoverfit"].__version__
    if ".dev" not in ours:
        return ours
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{ours}+{digest.hexdigest()[:16]}"


@cache
def peer_versions() -> dict[str, str]:
    """Return the versions of the peers that are installed."""
    found = {}
    for name in _PEERS:
        try:
            found[name] = version(name)
        except ImportError:  # PackageNotFoundError: an extra that is not installed
            continue
    return found


def minor_versions() -> dict[str, str]:
    """Return the peers' versions without the patch level, which results outlive."""
    return {
        name: ".".join(text.split(".")[:2]) for name, text in peer_versions().items()
    }
