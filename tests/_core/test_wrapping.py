"""What estimators share that train another one: tags, routes, names of columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.utils import get_tags

from skoverfit.calibration import (
    MulticlassTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    SelfEnsembleClassifier,
)
from skoverfit.noisy_labels import CleanedClassifier, CleanedRegressor

WRAPPERS = [
    CleanedClassifier,
    MulticlassTunedThresholdClassifierCV,
    PriorCorrectedClassifier,
    SelfEnsembleClassifier,
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_takes_what_its_classifier_takes(wrapper):
    for inner in (
        LogisticRegression(),
        HistGradientBoostingClassifier(),
        ComplementNB(),
    ):
        tags, theirs = get_tags(wrapper(inner)), get_tags(inner)
        assert tags.input_tags == theirs.input_tags
        assert tags.classifier_tags == theirs.classifier_tags
        assert tags.estimator_type == "classifier"
        assert tags.regressor_tags is None


@pytest.mark.parametrize("wrapper", [*WRAPPERS, CleanedRegressor])
def test_names_of_columns_do_not_outlive_their_fit(wrapper):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    y = (frame["a"] > 0).astype(int).to_numpy()
    numbers = wrapper is CleanedRegressor
    model = wrapper(LinearRegression() if numbers else LogisticRegression())
    model.fit(frame, y)
    assert list(model.feature_names_in_) == ["a", "b"]
    model.fit(frame[["a"]].to_numpy(), y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 1
