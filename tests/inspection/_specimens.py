# SPDX-License-Identifier: BSD-3-Clause
"""Samplers that keep a known record, and one that keeps none."""

import numpy as np
from sklearn.base import BaseEstimator


class PairSampler(BaseEstimator):
    """Add rows between two rows of each class but the largest, and write it down."""

    def __init__(self, n_made=60, random_state=0):
        self.n_made = n_made
        self.random_state = random_state

    def fit_resample(self, X, y, *, sample_weight=None):
        rng = np.random.default_rng(self.random_state)
        labels, counts = np.unique(y, return_counts=True)
        pairs, made_labels = [], []
        for label in labels[counts < counts.max()]:
            rows = np.flatnonzero(y == label)
            pairs += [rng.choice(rows, 2, replace=False) for _ in range(self.n_made)]
            made_labels += [label] * self.n_made
        pairs, n = np.array(pairs), len(y)
        step = rng.random((len(pairs), 1))
        made = X[pairs[:, 0]] * (1 - step) + X[pairs[:, 1]] * step
        own = np.stack([np.arange(n), np.full(n, -1)], axis=1)
        self.is_synthetic_ = np.arange(n + len(pairs)) >= n
        self.sample_indices_ = np.concatenate([np.arange(n), pairs[:, 0]])
        self.parents_ = np.concatenate([own, pairs])
        self.weight_seen_ = sample_weight
        return np.concatenate([X, made]), np.concatenate([y, made_labels])


def two_blobs(n_major=120, n_minor=40, n_columns=2, distance=4.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_major + n_minor, n_columns))
    X[n_major:] += distance / np.sqrt(n_columns)
    return X, np.repeat(["often", "rare"], [n_major, n_minor])
