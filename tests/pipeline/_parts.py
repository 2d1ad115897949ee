"""Samplers and estimators that write down what reaches them."""

import numpy as np
from imblearn.base import BaseSampler
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import make_classification


def rows(n=120, seed=0, **options):
    """Return a table, targets, weights and groups."""
    options = {"weights": [0.75], "n_features": 4, **options}
    X, y = make_classification(n_samples=n, random_state=seed, **options)
    rng = np.random.default_rng(seed)
    return X, y, rng.uniform(0.5, 2.0, n), rng.integers(0, 3, n)


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what its fit was given."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.X_, self.y_ = X, y
        self.weight_, self.groups_ = sample_weight, groups
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class NoWeights(Spy):
    """The same without weights and groups."""

    def fit(self, X, y):
        return super().fit(X, y)


class Doubling(BaseSampler):
    """Doubles the table; the second half has half the weight and groups + 100."""

    _sampling_type = "bypass"
    _parameter_constraints = {}  # noqa: RUF012
    __metadata_request__fit_resample = {  # noqa: RUF012
        "sample_weight": True,
        "groups": True,
    }

    def __init__(self):
        super().__init__()

    def fit_resample(self, X, y, *, sample_weight=None, groups=None):
        self.fitted_ = True
        self.sample_weight_ = self.groups_ = None
        if sample_weight is not None:
            weight = np.asarray(sample_weight)
            self.sample_weight_ = np.concatenate([weight, weight / 2])
        if groups is not None:
            self.groups_ = np.concatenate([groups, np.asarray(groups) + 100])
        return np.concatenate([X, X + 1e-3]), np.concatenate([y, y])

    def _fit_resample(self, X, y):
        raise AssertionError("not reached")


class Reversing(BaseSampler):
    """Turns the table round and says so."""

    _sampling_type = "bypass"
    _parameter_constraints = {}  # noqa: RUF012

    def __init__(self):
        super().__init__()

    def _fit_resample(self, X, y):
        self.sample_indices_ = np.arange(len(y))[::-1]
        return X[self.sample_indices_], y[self.sample_indices_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = True
        return tags


class WeighedMean(TransformerMixin, BaseEstimator):
    """Subtracts the weighed mean."""

    def fit(self, X, y=None, sample_weight=None):
        self.weight_ = sample_weight
        self.mean_ = np.average(X, axis=0, weights=sample_weight)
        return self

    def transform(self, X):
        return X - self.mean_
