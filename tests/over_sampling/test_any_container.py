# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of any dtype in any container come through, and no original row changes."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skoverfit.exceptions import SkoverfitWarning
from skoverfit.over_sampling import (
    SMOTE,
    SMOTEN,
    SMOTENC,
    CalibratedGaussianOverSampler,
    RandomOverSampler,
)
from skoverfit.under_sampling import RandomUnderSampler

CONTAINERS = {
    "numpy": np.asarray,
    "fortran": np.asfortranarray,
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "list": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X).add_prefix("c"),
    "numbered pandas": pd.DataFrame,
    "nullable pandas": lambda X: pd.DataFrame(X).add_prefix("c").convert_dtypes(),
    "polars": lambda X: pl.DataFrame(X, schema=[f"c{j}" for j in range(X.shape[1])]),
    "arrow": lambda X: pa.table({f"c{j}": c for j, c in enumerate(X.T)}),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "coo": sparse.coo_array,
    "tensor": lambda X: torch.as_tensor(X.copy()),
}
# What a container can't hold is not asked of it.
DTYPES = {
    "list": ["f8", "i8"],
    "nullable pandas": ["f4", "f8", "i4", "i8", "u1", "?"],
    "polars": ["f4", "f8", "i1", "i8", "u1", "u8", "?"],
    "arrow": ["f4", "f8", "i1", "i8", "u1", "u8", "?"],
    "csr": ["f4", "f8", "i1", "i8", "u1", "?"],
    "csc": ["f4", "f8", "i1", "i8", "u1", "?"],
    "coo": ["f4", "f8", "i1", "i8", "u1", "?"],
    "tensor": ["f2", "f4", "f8", "i1", "i8", "u1", "?"],
    "pandas": ["f2", "f4", "f8", "i1", "i8", "u1", "u8", "?"],
    "numbered pandas": ["f2", "f4", "f8", "i1", "i8", "u1", "u8", "?"],
}
ANY = ["f2", "f4", "f8", "g", ">f8", ">f4", "i1", "i8", ">i4", "u1", "u8", "?"]


@st.composite
def number_tables(draw):
    name = draw(st.sampled_from(sorted(CONTAINERS)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES.get(name, ANY))))
    counts = draw(st.lists(st.integers(1, 9), min_size=2, max_size=3))
    y = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    numbers = rng.integers(0, draw(st.sampled_from([2, 120])), (len(y), 3))
    table = (numbers / 2 if dtype.kind == "f" else numbers).astype(dtype)
    if dtype.kind == "f" and name not in ("csr", "csc", "coo", "list"):
        gone = rng.random(table.shape) < draw(st.sampled_from([0.0, 0.3]))
        gone[:, gone.all(axis=0)] = False
        table[gone] = np.nan
    weights = draw(st.sampled_from([None, "ones", "some zero"]))
    if weights is not None:
        weights = np.ones(len(y)) if weights == "ones" else rng.integers(0, 3, len(y))
        weights[np.unique(y, return_index=True)[1]] = 1
    return name, table, y, weights


def as_array(X):
    if sparse.issparse(X):
        return X.toarray()
    if isinstance(X, pa.Table):
        X = X.to_pandas()
    if isinstance(X, (pd.DataFrame, pl.DataFrame)):
        return np.asarray(X.to_numpy(), dtype=object)
    return np.asarray(X)


def same(one, other):
    """Compare cell by cell: NaN, None and pandas.NA are one."""
    gone = pd.isna(one)
    assert_array_equal(gone, pd.isna(other))
    assert_array_equal(one[~gone], other[~gone])


SAMPLERS = st.sampled_from(
    [
        SMOTE(),
        SMOTE(gap="box", missing="present", integer="round"),
        SMOTE(scaling="standard", filter="lee"),
        SMOTE(variance_preserving=True, fallback="duplicate"),
        SMOTE(keep_class_weight=True, k_neighbors=2),
        SMOTENC([0]),
        SMOTEN(k_neighbors=2),
        RandomOverSampler(),
        RandomOverSampler(shrinkage=0.7),
        RandomUnderSampler(draw="weight", replacement=True),
        CalibratedGaussianOverSampler(),
    ]
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(data=number_tables(), sampler=SAMPLERS, grouped=st.booleans())
def test_numbers_of_any_dtype_in_any_container(data, sampler, grouped):
    name, table, y, weights = data
    X = CONTAINERS[name](table)
    before = as_array(X).copy()
    fit = {"sample_weight": weights}
    gaussian = isinstance(sampler, CalibratedGaussianOverSampler)
    if grouped and not gaussian:
        fit["groups"] = np.arange(len(y)) % 3
    sampler.set_params(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkoverfitWarning)
        if gaussian and (sparse.issparse(X) or isinstance(X, pa.Table)):
            with pytest.raises(TypeError, match=r"needs X|pyarrow table"):
                sampler.fit_resample(X, y, **fit)
            return
        if gaussian and (table.dtype.kind == "b" or pd.isna(before).any()):
            with pytest.raises(ValueError, match=r"NaN|(?i:boolean)"):
                sampler.fit_resample(X, y, **fit)
            return
        if getattr(sampler, "variance_preserving", False) and sparse.issparse(X):
            with pytest.raises(ValueError, match="make X dense"):
                sampler.fit_resample(X, y, **fit)
            return
        made, labels = sampler.fit_resample(X, y, **fit)
    same(as_array(X), before)
    assert type(made) is type(X)
    source, out = sampler.sample_indices_, as_array(made)
    kept = ~sampler.is_synthetic_
    same(out[kept], before[source[kept]])
    assert out.dtype == before.dtype
    assert_array_equal(labels, y[source])
    if getattr(sampler, "filter", None) is None:  # a filter may refuse all rows
        assert len(set(np.bincount(labels))) == 1
    if isinstance(X, pd.DataFrame):
        assert made.dtypes.equals(X.dtypes)
    if weights is None:
        return
    assert len(sampler.sample_weight_) == len(labels)
    if isinstance(sampler, SMOTE):
        assert (weights[sampler.parents_[~kept]][:, 0] > 0).all()
        n = np.bincount(y)
        total = np.bincount(y, weights=weights)
        if not sampler.keep_class_weight:
            total = total * np.bincount(labels) / n
        assert_allclose(np.bincount(labels, weights=sampler.sample_weight_), total)
