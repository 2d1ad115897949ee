# SPDX-License-Identifier: BSD-3-Clause
"""What estimators share that train another one: tags and routes of metadata."""

from __future__ import annotations

from typing import Any

from sklearn.base import MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

__all__ = ["WrappingMixin", "remember_columns"]


def remember_columns(owner: Any, fitted: Any) -> None:
    """Let an estimator tell what the one that it trained knows of the columns."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(owner).pop(name, None)  # of an earlier fit
        if hasattr(fitted, name):
            setattr(owner, name, getattr(fitted, name))


class WrappingMixin(MetaEstimatorMixin):
    """Take the tables that ``estimator`` takes, and hand it what it requests.

    To be put left of ``ClassifierMixin`` or ``RegressorMixin``.
    """

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who asks for which metadata: the estimator that is trained.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            The routing of `fit`.
        """
        return MetadataRouter(owner=self).add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        if tags.classifier_tags is not None and inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        if tags.regressor_tags is not None and inner.regressor_tags is not None:
            tags.regressor_tags.poor_score = inner.regressor_tags.poor_score
        return tags
