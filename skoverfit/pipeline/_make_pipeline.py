# SPDX-License-Identifier: BSD-3-Clause
"""A pipeline whose steps are named by their classes."""

from __future__ import annotations

from typing import Any, Literal

from sklearn.pipeline import _name_estimators
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from skoverfit.pipeline._pipeline import Pipeline

__all__ = ["make_pipeline"]


@validate_params(
    {
        "transform_input": [list, None],
        "memory": [None, str, HasMethods(["cache"])],
        "verbose": ["boolean"],
        "cache": [StrOptions({"auto"}), None],
    },
    prefer_skip_nested_validation=True,
)
def make_pipeline(
    *steps: Any,
    transform_input: list[str] | None = None,
    memory: Any = None,
    verbose: bool = False,
    cache: Literal["auto"] | None = "auto",
) -> Pipeline:
    """Chain estimators into a `Pipeline`, named by their classes in lower case.

    Parameters
    ----------
    *steps : estimators
        Transformers and samplers, then the estimator.
    transform_input : list of str, default=None
        As in `Pipeline`.
    memory : None, str or object with the joblib.Memory interface, default=None
        As in `Pipeline`.
    verbose : bool, default=False
        As in `Pipeline`.
    cache : {"auto"} or None, default="auto"
        As in `Pipeline`.

    Returns
    -------
    Pipeline
        The pipeline, unfitted.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skoverfit.pipeline import make_pipeline
    >>> make_pipeline(SMOTE(), GaussianNB())
    Pipeline(steps=[('smote', SMOTE()), ('gaussiannb', GaussianNB())])
    """
    return Pipeline(
        _name_estimators(steps),
        transform_input=transform_input,
        memory=memory,
        verbose=verbose,
        cache=cache,
    )
