# SPDX-License-Identifier: BSD-3-Clause
"""Estimators that prove the checks: three sound ones, and broken ones for each."""

import random
from functools import partial
from numbers import Real
from typing import ClassVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skoverfit._core._arrays import take_rows, to_numpy
from skoverfit._core._rebuild import concatenate_rows
from skoverfit.over_sampling import MLSMOTE


class TinyOverSampler(BaseOverSampler):
    """Repeats rows of the smaller classes, with a little noise."""

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "scale": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(self, *, sampling_strategy="auto", random_state=None, scale=0.1):
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.scale = scale

    def _fit_resample(self, X, y):
        rng = check_random_state(self.random_state)
        dense = X.toarray() if issparse(X) else X
        rows, labels = [dense], [y]
        for label, count in self.sampling_strategy_.items():
            pool = np.flatnonzero(y == label)
            base = dense[pool[rng.randint(len(pool), size=count)]]
            noise = rng.normal(scale=self.scale, size=base.shape)
            rows.append((base + noise).astype(X.dtype))
            labels.append(np.full(count, label, dtype=y.dtype))
        made = np.vstack(rows)
        return type(X)(made) if issparse(X) else made, np.hstack(labels)


class OneLabelARow(MLSMOTE):
    """MLSMOTE for the ready-made checks, which have one class label a row.

    A class becomes a label of its own; the label of a made row is its base's.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        return tags

    def fit(self, X, y):
        return super().fit(X, self._indicators(y))

    def fit_resample(self, X, y, **params):
        X_more, _ = super().fit_resample(X, self._indicators(y), **params)
        return X_more, concatenate_rows([y, take_rows(y, self._made_base)])

    def _indicators(self, y):
        if y is None:
            return None
        labels = to_numpy(y)
        if labels.ndim == 2 and labels.shape[1] > 1:
            return labels
        classes = np.unique(labels)
        return (labels.reshape(-1, 1) == classes).astype(int)


class Sound(ClassifierMixin, BaseEstimator):
    """Nearest class mean, with means drawn near the true ones."""

    _parameter_constraints: ClassVar[dict] = {
        "n_jobs": [int, None],
        "random_state": ["random_state"],
    }

    def __init__(self, *, n_jobs=None, random_state=None):
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError("one class is too few")
        noise = check_random_state(self.random_state).normal(scale=1e-9)
        self.means_ = np.array([X[y == c].mean(axis=0) for c in classes]) + noise
        self.classes_ = classes
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        z = -((X[:, None, :] - self.means_) ** 2).sum(axis=2)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict(self, X):
        z = self.decision_function(X)
        codes = z.argmax(axis=1) if z.ndim == 2 else (z > 0).astype(int)
        return self.classes_[codes]


class SoundRegressor(RegressorMixin, BaseEstimator):
    """Least squares."""

    _parameter_constraints: ClassVar[dict] = {"random_state": ["random_state"]}

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        X, y = validate_data(self, X, y, y_numeric=True)
        y, mean = y.astype(float), X.mean(axis=0)
        self.coef_ = np.linalg.lstsq(X - mean, y - y.mean())[0]
        self.mean_, self.intercept_ = mean, y.mean()
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return (X - self.mean_) @ self.coef_ + self.intercept_


class RoundsItsPredictions(SoundRegressor):
    def predict(self, X):
        return np.round(super().predict(X))


class TakesAnyTarget(SoundRegressor):
    def fit(self, X, y):
        return super().fit(X, np.nan_to_num(np.asarray(y, dtype=float)))


class FitsBeforeItChecks(SoundRegressor):
    def fit(self, X, y):
        self.intercept_ = 0.0
        return super().fit(X, y)


class UndeclaredParameter(Sound):
    _parameter_constraints: ClassVar[dict] = {"n_jobs": [int, None]}


class ForgetsWhenCopied(Sound):
    def __getstate__(self):
        state = super().__getstate__().copy()
        if "means_" in state:
            state["means_"] = -state["means_"]
        return state


class ClonesToAnotherParameter(Sound):
    def __init__(self, *, n_jobs=None, random_state=None):
        super().__init__(n_jobs=n_jobs, random_state=random_state)

    def __sklearn_clone__(self):
        return type(self)(n_jobs=1 if self.n_jobs is None else None)


class HoldsAFunction(Sound):
    def fit(self, X, y):
        self.function_ = partial(max, 1)
        return super().fit(X, y)


class CountsItsFits(Sound):
    n_fits = 0

    def fit(self, X, y):
        super().fit(X, y)
        type(self).n_fits += 1
        self.means_ = self.means_ + type(self).n_fits
        return self


class RemembersItsLastFit(Sound):
    def fit(self, X, y):
        earlier = getattr(self, "means_", 0.0)
        super().fit(X, y)
        self.means_ = self.means_ + earlier
        return self


class DependsOnJobs(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        self.means_ = self.means_ + (self.n_jobs or 1)
        return self


class DrawsFromNumpy(Sound):
    def fit(self, X, y):
        np.random.rand()  # noqa: NPY002
        return super().fit(X, y)


class SeedsPython(Sound):
    def fit(self, X, y):
        random.seed(0)
        return super().fit(X, y)


class ChangesArrays(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        if isinstance(X, np.ndarray):
            X[0, 0] += 1
        return self


class ChangesFrames(Sound):
    def fit(self, X, y):
        super().fit(X, y)
        if hasattr(X, "iloc"):
            X.iloc[0, 0] += 1
        return self


class LosesLabelTypes(Sound):
    def predict(self, X):
        return super().predict(X).astype(object)


class DoublesFloats(TinyOverSampler):
    def _fit_resample(self, X, y):
        X, y = super()._fit_resample(X, y)
        return X.astype(np.float64), y


class WorksInTheConstructor(Sound):
    def __init__(self, *, n_jobs=None, random_state=None):
        super().__init__(n_jobs=n_jobs, random_state=random_state)
        self.ready_ = True


class OverwritesAParameter(Sound):
    def fit(self, X, y):
        self.random_state = np.random.RandomState(0)
        return super().fit(X, y)


class SetsBeforeItChecks(Sound):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return super().fit(X, y)


class AcceptsAnything(Sound):
    def fit(self, X, y):
        return super().fit(np.nan_to_num(X), y)


class PredictsUnfitted(Sound):
    def predict(self, X):
        if not hasattr(self, "classes_"):
            return np.zeros(len(X))
        return super().predict(X)


class ForgetsToSample(TinyOverSampler):
    def _fit_resample(self, X, y):
        return X, y


# check -> the estimators that it has to catch
BROKEN = {
    "check_param_validation": (UndeclaredParameter,),
    "check_clone_pickle_deepcopy": (ForgetsWhenCopied, ClonesToAnotherParameter),
    "check_safe_file": (ForgetsWhenCopied, HoldsAFunction),
    "check_same_seed_same_answer": (CountsItsFits, RemembersItsLastFit),
    "check_jobs_do_not_matter": (DependsOnJobs,),
    "check_global_generators_untouched": (DrawsFromNumpy, SeedsPython),
    "check_input_untouched": (ChangesArrays, ChangesFrames),
    "check_dtype_kept": (LosesLabelTypes, DoublesFloats, RoundsItsPredictions),
    "check_fitted_attributes_only_after_fit": (
        WorksInTheConstructor,
        OverwritesAParameter,
    ),
    "check_nothing_half_fitted": (
        SetsBeforeItChecks,
        AcceptsAnything,
        TakesAnyTarget,
        FitsBeforeItChecks,
    ),
}
