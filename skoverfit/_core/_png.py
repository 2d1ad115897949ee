# SPDX-License-Identifier: BSD-3-Clause
"""Small pictures of rows, as data addresses for pages that load nothing."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np

__all__ = ["png_address", "to_bytes"]


def to_bytes(pictures: np.ndarray) -> np.ndarray:
    """Return uint8; other numbers are stretched from their least to their largest.

    Examples
    --------
    >>> import numpy as np
    >>> from skoverfit._core._png import to_bytes
    >>> to_bytes(np.array([0.0, 8.0, 16.0]))
    array([  0, 128, 255], dtype=uint8)
    """
    if pictures.dtype == np.uint8:
        return pictures
    values = np.nan_to_num(pictures.astype(np.float64))
    low, high = (
        (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    )
    span = high - low if high > low else 1.0
    return np.round((values - low) / span * 255).astype(np.uint8)


def png_address(picture: np.ndarray) -> str:
    """Return a ``data:`` address of a uint8 picture of shape (h, w), (h, w, 1 or 3)."""
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    height, width = picture.shape[:2]
    kind = 0 if picture.ndim == 2 else 2  # grey, or red, green and blue
    lines = picture.reshape(height, -1)
    # Each line begins with the number of its filter: none.
    raw = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data
        + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )  # fmt: skip
    return "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()
