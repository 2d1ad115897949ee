"""What people hand to this room that can't be used: one clear sentence each."""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.datasets import make_label_noise, make_transition_matrix
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.inspection import label_review_sheet
from skoverfit.neural_network import ForwardCorrectedLoss, TabularMLPClassifier
from skoverfit.noisy_labels import (
    CleanedClassifier,
    CleanedRegressor,
    CompressedMLPClassifier,
    ConfidentLearningFilter,
    CoTeachingClassifier,
    DetectorEnsemble,
    ForestDisagreementFilter,
    LOFClassFilter,
    MemorizationFilter,
    NeighborDisagreementFilter,
    NoiseCorrectedClassifier,
    RowScoreFilter,
    SmallLossFilter,
    TransitionMatrixEstimator,
    el2n_scores,
    estimate_transition_matrix,
    excess_label_issues,
    find_label_issues,
    forgetting_scores,
    grand_scores,
    memorization_scores,
)

NET = TabularMLPClassifier((4,), n_estimators=2, max_epochs=2, device="cpu")
TINY = {"n_estimators": 2, "max_epochs": 2, "device": "cpu"}
X = load_iris().data
Y = np.array(["a", "b", "c"], dtype=object)[load_iris().target]
EVEN = np.full((150, 3), 1 / 3)
ACROSS = KFold(5, shuffle=True, random_state=0)
PAIRS = np.arange(150) // 2

ESTIMATORS = {
    "confident learning": ConfidentLearningFilter(random_state=0),
    "neighbours": NeighborDisagreementFilter(),
    "forest": ForestDisagreementFilter(n_estimators=10, random_state=0),
    "small loss": SmallLossFilter(random_state=0),
    "LOF": LOFClassFilter(),
    "row score": RowScoreFilter("loss", random_state=0),
    "ensemble": DetectorEnsemble([("a", "neighbors"), ("b", "lof")]),
    "cleaned": CleanedClassifier(LogisticRegression(max_iter=500), random_state=0),
    "co-teaching": CoTeachingClassifier((4,), forget_rate=0.1, **TINY),
    "compressed": CompressedMLPClassifier((4,), **TINY),
    "corrected": NoiseCorrectedClassifier(NET, transition_matrix=0.1),
    "matrix": TransitionMatrixEstimator(LogisticRegression(max_iter=500)),
}
FUNCTIONS = {
    "find_label_issues": lambda y: find_label_issues(y, EVEN),
    "excess_label_issues": lambda y: excess_label_issues(y, EVEN),
    "memorization_scores": lambda y: memorization_scores(LogisticRegression(), X, y),
    "el2n_scores": lambda y: el2n_scores(NET, X, y),
    "grand_scores": lambda y: grand_scores(NET, X, y),
    "forgetting_scores": lambda y: forgetting_scores(NET, X, y),
    "estimate_transition_matrix": lambda y: estimate_transition_matrix(y, X=X),
    "label_review_sheet": lambda y: label_review_sheet(X, y),
    "make_label_noise": lambda y: make_label_noise(y, rate=0.2),
    "MemorizationFilter": lambda y: MemorizationFilter(n_runs=2).fit_resample(X, y),
}


@pytest.mark.parametrize("missing", [None, np.nan], ids=["None", "nan"])
@pytest.mark.parametrize("name", [*ESTIMATORS, *FUNCTIONS])
def test_a_missing_label_is_named_with_its_row(name, missing):
    y = Y.copy()
    y[3] = missing
    told = re.escape(f"y has 1 missing labels, the first in row 3 ({missing!r}).")
    with pytest.raises(ValueError, match=told):
        ESTIMATORS[name].fit(X, y) if name in ESTIMATORS else FUNCTIONS[name](y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_label_noise(Y, rate=1.2), r"'rate'.*\[0.0, 1.0\]. Got 1.2"),
        (lambda: make_transition_matrix(3, 1.2), r"'rate'.*\[0.0, 1.0\]. Got 1.2"),
        (
            lambda: NoiseCorrectedClassifier(NET, transition_matrix=1.0).fit(X, Y),
            r"'transition_matrix'.*\[0.0, 1.0\).*Got 1.0",
        ),
        (
            lambda: CoTeachingClassifier((4,), forget_rate=1.0).fit(X, Y),
            r"'forget_rate'.*\[0.0, 1.0\). Got 1.0",
        ),
        (
            lambda: RowScoreFilter("loss", contamination=1.0).fit(X, Y),
            r"'contamination'.*\[0.0, 1.0\). Got 1.0",
        ),
        (
            lambda: LOFClassFilter(contamination=1.0).fit(X, Y),
            r"'contamination'.*\(0.0, 0.5\]. Got 1.0",
        ),
    ],
)
def test_a_rate_of_all_labels_is_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()


SQUARE = np.eye(3)
MATRICES = [
    (np.eye(2), "has 2 classes, but the labels have 3"),
    (np.ones((1, 2)) / 2, r"square with at least 2 classes. Got shape \(1, 2\)"),
    (SQUARE + 0.2, r"must lie in \[0, 1\]. Got 1.2"),
    (SQUARE * 0.9, "ow 0 sums to 0.9|rows.*sum to 1"),
    (np.where(SQUARE == 1, np.nan, 0.5), r"must lie in \[0, 1\]. Got nan"),
]


@pytest.mark.parametrize(("matrix", "message"), MATRICES)
def test_a_matrix_that_is_no_transition_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        NoiseCorrectedClassifier(NET, transition_matrix=matrix).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        make_label_noise(Y, kind="class_conditional", transition_matrix=matrix)
    with pytest.raises(ValueError, match="transition_matrix"):
        clone(NET).set_params(loss=ForwardCorrectedLoss(matrix)).fit(X, Y)


def test_folds_that_split_a_group_are_refused_everywhere():
    told = (
        r"Fold \d of cv has group \d+ in training and test; use a splitter that keeps"
    )
    detectors = [
        ConfidentLearningFilter(cv=ACROSS),
        SmallLossFilter(cv=ACROSS),
        DetectorEnsemble([("a", "confident_learning"), ("b", "lof")], cv=ACROSS),
        CleanedClassifier(LogisticRegression(), cv=ACROSS),
        TransitionMatrixEstimator(LogisticRegression(), cv=ACROSS),
    ]
    for detector in detectors:
        with pytest.raises(ValueError, match=told):
            detector.fit(X, Y, groups=PAIRS)
        assert not hasattr(detector, "classes_")  # nothing half fitted
    with pytest.raises(ValueError, match=told):
        CleanedRegressor(LinearRegression(), cv=ACROSS).fit(X, X[:, 0], groups=PAIRS)
    with pytest.raises(ValueError, match=told):
        estimate_transition_matrix(Y, X=X, groups=PAIRS, cv=ACROSS)
    with pytest.raises(ValueError, match=told):
        label_review_sheet(X, Y, groups=PAIRS, cv=ACROSS)


def test_groups_are_kept_together_where_no_folds_are_given():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(80, 2)), 2, axis=0)
    y = np.repeat(rng.integers(2, size=80), 2)
    # Each row has a twin: across folds one neighbour is always right.
    alone, together = (
        estimate_transition_matrix(
            y, X=rows, estimator=KNeighborsClassifier(1), random_state=0, **given
        )
        for given in ({}, {"groups": np.repeat(np.arange(80), 2)})
    )
    assert np.diag(alone).min() > 0.7 > np.diag(together).max()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(150), "cv=None must be from 2 to the number of groups.*n_groups=1"),
        ([None, *range(149)], "groups has 1 missing values, the first in row 0"),
        (PAIRS[1:], r"groups has shape \(149,\), but there are 150 rows"),
    ],
)
def test_groups_that_are_none_are_refused(groups, message):
    for detector in (ConfidentLearningFilter(), RowScoreFilter("loss")):
        with pytest.raises(ValueError, match=message):
            detector.fit(X, Y, groups=groups)
    with pytest.raises(ValueError, match=message):
        estimate_transition_matrix(Y, X=X, groups=groups)


def test_a_class_that_a_fold_lacks_and_a_class_of_one_row_are_not_judged():
    y = Y.copy()
    y[0] = "alone"
    with pytest.warns(SkoverfitWarning, match="row of class 'alone' is not judged"):
        found = ConfidentLearningFilter(random_state=0).fit(X, y)
    assert np.isnan(found.label_quality_[0])
    assert not found.issue_mask_[0]
    # Folds in the order of the table: each class is in one fold only.
    for detector in (
        ConfidentLearningFilter(cv=KFold(3)),
        SmallLossFilter(cv=KFold(3)),
    ):
        with pytest.raises(ValueError, match="No row can be judged: no fold of cv has"):
            detector.fit(X, Y)


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"matrix", "corrected"}))
def test_a_class_of_one_row_stays(name):
    y = Y.copy()
    y[0] = "alone"
    estimator = ESTIMATORS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
        if hasattr(estimator, "fit_resample"):
            assert "alone" in estimator.fit_resample(X, y)[1]
    assert "alone" in estimator.classes_
