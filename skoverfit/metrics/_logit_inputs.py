# SPDX-License-Identifier: BSD-3-Clause
"""Cross-entropies of logits, in the dtype asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from skoverfit.metrics._inputs import as_scores, encode_labels, n_rows_of

__all__ = ["cross_entropies", "logit_inputs"]


def logit_inputs(
    y_true: Any, logits: Any, labels: Any, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and floating logits of shape (n_samples, n_classes)."""
    table = as_scores(logits, n_rows_of(y_true), name)
    if table.ndim == 1:  # a binary net with one output
        table = np.column_stack([np.zeros_like(table), table])
    if table.dtype.kind != "f":
        table = table.astype(np.float64)
    if np.isinf(table).any():
        raise ValueError(f"{name} contains infinity.")
    codes, _ = encode_labels(y_true, labels, table.shape[1], stacklevel=5)
    return codes, table


def cross_entropies(codes: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of each row, rounded as the logits' dtype does."""
    moved = logits - logits.max(axis=1, keepdims=True)
    total = np.exp(moved).sum(axis=1, dtype=logits.dtype)
    return np.log(total) - moved[np.arange(len(codes)), codes]
