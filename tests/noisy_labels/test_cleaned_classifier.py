"""Detectors and repair: out-of-fold probabilities, three modes, given findings."""

import numpy as np
import pandas as pd
import pytest
from cleanlab.classification import CleanLearning
from cleanlab.filter import find_label_issues as cleanlab_issues
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_blobs
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skoverfit.datasets import make_label_noise
from skoverfit.exceptions import SkoverfitWarning
from skoverfit.noisy_labels import (
    CleanedClassifier,
    ConfidentLearningFilter,
    find_label_issues,
)
from skoverfit.noisy_labels._issues_input import as_issues
from skoverfit.pipeline import Pipeline


@pytest.fixture(scope="module")
def blobs():
    """Three classes with string labels, of which a fifth is wrong."""
    X, codes = make_blobs(240, centers=3, cluster_std=1.5, random_state=0)
    clean = np.array(["ant", "bee", "cat"])[codes]
    y, wrong = make_label_noise(clean, rate=0.2, return_mask=True, random_state=0)
    return X, y, clean, wrong


@pytest.fixture(scope="module")
def given(blobs):
    """Findings of cleanlab on the blobs, in all of its forms."""
    X, y, _, _ = blobs
    codes = np.unique(y, return_inverse=True)[1]
    proba = cross_val_predict(
        LogisticRegression(), X, codes, cv=3, method="predict_proba"
    )
    return codes, proba, cleanlab_issues(codes, proba, n_jobs=1)


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was trained on."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weight_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_probabilities_are_those_of_cross_validation(blobs):
    X, y, _, _ = blobs
    cv = StratifiedKFold(4, shuffle=True, random_state=3)
    model = LogisticRegression()
    proba = cross_val_predict(model, X, y, cv=cv, method="predict_proba")
    found = ConfidentLearningFilter(model, cv=cv).fit(X, y)
    np.testing.assert_allclose(found.pred_proba_, proba, rtol=1e-12)
    np.testing.assert_array_equal(found.issue_mask_, find_label_issues(y, proba))


def test_a_filter_drops_what_it_flags(blobs):
    X, y, _, _ = blobs
    cleaner = ConfidentLearningFilter(random_state=0)
    X_clean, y_clean = cleaner.fit_resample(X, y)
    np.testing.assert_array_equal(X_clean, X[~cleaner.issue_mask_])
    np.testing.assert_array_equal(y_clean, y[~cleaner.issue_mask_])
    fitted = ConfidentLearningFilter(random_state=0).fit(X, y)
    np.testing.assert_array_equal(fitted.issue_mask_, cleaner.issue_mask_)
    frame = fitted.issues_frame()
    assert list(frame) == [
        "is_label_issue", "label_quality", "given_label", "predicted_label"
    ]  # fmt: skip
    assert frame["is_label_issue"].sum() == len(y) - len(y_clean) > 0


def test_classes_left_out_of_the_strategy_are_let_alone(blobs):
    X, y, _, _ = blobs
    every = ConfidentLearningFilter(random_state=0).fit(X, y).issue_mask_
    some = ConfidentLearningFilter(sampling_strategy=["ant"], random_state=0)
    mask = some.fit(X, y).issue_mask_
    np.testing.assert_array_equal(mask, every & (y == "ant"))


def test_cleaning_helps_a_learner_that_memorizes():
    X, clean = load_digits(return_X_y=True)
    X, clean = X[:900], clean[:900]
    y = make_label_noise(clean[:600], rate=0.3, random_state=0)
    plain = KNeighborsClassifier(1).fit(X[:600], y).score(X[600:], clean[600:])
    for mode in ("drop", "relabel"):
        model = CleanedClassifier(
            KNeighborsClassifier(1),
            ConfidentLearningFilter(KNeighborsClassifier(10)),
            mode=mode,
            random_state=0,
        )
        assert model.fit(X[:600], y).score(X[600:], clean[600:]) > plain + 0.1


# --- modes ----------------------------------------------------------------------------


def test_drop_weight_and_relabel_do_what_they_say(blobs):
    X, y, _, wrong = blobs
    quality, proposed = np.where(wrong, 0.25, 0.9), np.roll(y, 1)
    issues = pd.DataFrame(
        {"is_label_issue": wrong, "label_quality": quality, "predicted_label": proposed}
    )
    drop, weight, relabel = (
        CleanedClassifier(Recorder(), mode=mode).fit(X, y, issues=issues).estimator_
        for mode in ("drop", "weight", "relabel")
    )
    np.testing.assert_array_equal(drop.X_, X[~wrong])
    np.testing.assert_array_equal(drop.y_, y[~wrong])
    assert drop.weight_ is None
    np.testing.assert_array_equal(weight.y_, y)
    np.testing.assert_array_equal(weight.weight_, np.where(wrong, 0.25, 1.0))
    np.testing.assert_array_equal(relabel.y_, np.where(wrong, proposed, y))
    np.testing.assert_array_equal(relabel.X_, X)


def test_weights_follow_their_rows(blobs):
    X, y, _, wrong = blobs
    weights = np.arange(1.0, len(y) + 1)
    drop = CleanedClassifier(Recorder()).fit(X, y, issues=wrong, sample_weight=weights)
    np.testing.assert_array_equal(drop.estimator_.weight_, weights[~wrong])
    soft = CleanedClassifier(Recorder(), mode="weight")
    quality = np.linspace(0.01, 0.99, len(y))
    soft.fit(X, y, issues=quality, sample_weight=weights)
    np.testing.assert_allclose(soft.estimator_.weight_, weights * quality)


def test_no_class_is_lost(blobs):
    X, y, _, _ = blobs
    every = y == "bee"
    drop = CleanedClassifier(Recorder()).fit(X, y, issues=every).estimator_
    assert (drop.y_ == "bee").sum() == 1
    frame = pd.DataFrame({"is_label_issue": every, "predicted_label": "ant"})
    relabel = CleanedClassifier(Recorder(), mode="relabel").fit(X, y, issues=frame)
    assert set(relabel.classes_) == {"ant", "bee", "cat"}


def test_a_detector_of_ones_own_keeps_its_settings(blobs):
    X, y, _, _ = blobs
    own = ConfidentLearningFilter(tail_guard=False, cv=3, random_state=1)
    model = CleanedClassifier(LogisticRegression(), own, cv=7, random_state=5)
    detector = model.fit(X, y).detector_
    assert (detector.cv, detector.random_state) == (3, 1)
    assert isinstance(detector.estimator, LogisticRegression)
    assert own.estimator is None


def test_it_can_be_searched(blobs):
    X, y, _, _ = blobs
    search = GridSearchCV(
        CleanedClassifier(LogisticRegression(), cv=2, random_state=0),
        {"mode": ["drop", "weight"], "estimator__C": [0.1, 1.0]},
        cv=2,
        error_score="raise",
    )
    assert search.fit(X, y).best_score_ > 0.5


# --- findings of others ---------------------------------------------------------------


def test_all_forms_of_cleanlab_are_read_alike(blobs, given):
    _, y, _, _ = blobs
    codes, proba, mask = given
    numbers = cleanlab_issues(
        codes, proba, n_jobs=1, return_indices_ranked_by="self_confidence"
    )
    learning = CleanLearning(
        LogisticRegression(), find_label_issues_kwargs={"n_jobs": 1}
    )
    learning.find_label_issues(labels=codes, pred_probs=proba)

    class Lab:  # what Datalab answers with; itself it needs another package
        def get_issues(self, kind):
            assert kind == "label"
            return pd.DataFrame({"is_label_issue": mask, "label_score": proba[:, 0]})

    for issues in (mask, mask.astype(int), numbers, learning, Lab(), mask.tolist()):
        np.testing.assert_array_equal(as_issues(issues, len(y)).mask, mask)
    frame = learning.get_label_issues()
    found = as_issues(frame, len(y))
    np.testing.assert_array_equal(found.predicted, frame["predicted_label"])
    np.testing.assert_array_equal(found.quality, frame["label_quality"])


def test_given_findings_are_used_instead_of_a_detector(blobs, given):
    X, y, _, _ = blobs
    _, _, mask = given
    model = CleanedClassifier(LogisticRegression()).fit(X, y, issues=mask)
    assert model.detector_ is None
    by_hand = LogisticRegression().fit(X[~mask], y[~mask])
    np.testing.assert_array_equal(model.estimator_.coef_, by_hand.coef_)


@pytest.mark.parametrize(
    ("issues", "sentence"),
    [
        (np.array([True, False]), r"issues has 2 rows, but X has 4"),
        (np.array([0, 1, 1, 7]), r"distinct row numbers from 0 to 3"),
        (np.array([2, 2]), r"distinct row numbers"),
        (np.array([-1]), r"distinct row numbers"),
        (np.array([3, 1, 0, 2]), r"may be a mask or row numbers"),
        (np.array([0.0, 1.0, 1.0, 0.0]), r"pass booleans"),
        (np.array([0.5, 1.5, 0.1, 0.2]), r"qualities in \[0, 1\]"),
        (np.array([0.5, 0.1]), r"2 qualities, but X has 4"),
        (np.array(["a"] * 4), r"can't be read"),
        (np.zeros((2, 2)), r"array of shape \(2, 2\)"),
        (pd.DataFrame({"a": [1] * 4}), r"without a column is_label_issue"),
    ],
)
def test_unclear_findings_are_refused(issues, sentence):
    with pytest.raises(ValueError, match=sentence):
        as_issues(issues, 4)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (["True", "False", "False", "True"], "Got 'True' in row 0"),
        ([True, None, False, True], "Got None in row 1"),
        ([1.0, 0.0, np.nan, 1.0], "Got nan in row 2"),
        ([0, 0, 1, 2], "True and False in each row. Got 2 in row 3"),
    ],
)
def test_flags_that_are_no_flags_are_refused(column, sentence):
    # Truth values of them would be: the text "False" is true, and so is NaN.
    frame = pd.DataFrame({"is_label_issue": column})
    with pytest.raises(ValueError, match=sentence):
        as_issues(frame, 4)
    spelled = pd.DataFrame({"is_label_issue": [1.0, 0.0, 0.0, 1.0]})
    assert as_issues(spelled, 4).mask.tolist() == [True, False, False, True]


def test_findings_that_were_sorted_are_not_those_of_other_rows(blobs):
    X, y, _, _ = blobs
    detector = ConfidentLearningFilter(random_state=0).fit(X, y)
    frame = detector.issues_frame()
    by_quality = frame.sort_values("label_quality")
    model = CleanedClassifier(LogisticRegression())
    for issues in (by_quality, by_quality["is_label_issue"]):
        with pytest.raises(ValueError, match=r"in another order .*issues.sort_index"):
            model.fit(X, y, issues=issues)
    again = as_issues(by_quality.sort_index(), len(y))
    np.testing.assert_array_equal(again.mask, detector.issue_mask_)
    # Names of rows are no numbers of rows, and neither is the order of row numbers.
    named = frame.set_index(np.arange(len(y)) + 1000)
    np.testing.assert_array_equal(as_issues(named, len(y)).mask, again.mask)
    ranked = pd.Series([7, 3], index=[1, 0])
    assert np.flatnonzero(as_issues(ranked, 9).mask).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("issues", "error", "sentence"),
    [
        ({3, 5}, TypeError, r"frame with a column is_label_issue, .* Got \{3, 5\}"),
        ("label", TypeError, "Got 'label'"),
        (ConfidentLearningFilter(), ValueError, "ConfidentLearningFilter that is not"),
    ],
)
def test_things_that_are_no_findings_are_named(issues, error, sentence):
    with pytest.raises(error, match=sentence):
        as_issues(issues, 9)
    assert as_issues(range(3, 5), 9).mask.sum() == 2


def test_proposals_that_are_none_are_refused(blobs):
    X, y, _, _ = blobs
    model = CleanedClassifier(LogisticRegression(), mode="relabel")
    with pytest.raises(ValueError, match="and issues proposes none"):
        model.fit(X, y, issues=[3, 5])
    frame = ConfidentLearningFilter(random_state=0).fit(X, y).issues_frame()
    row = int(np.flatnonzero(frame["is_label_issue"])[1])
    frame["predicted_label"] = frame["predicted_label"].astype(object)
    frame.loc[row, "predicted_label"] = None
    with pytest.raises(ValueError, match=f"nothing for the suspect row {row};"):
        model.fit(X, y, issues=frame)


def test_a_class_of_suspects_keeps_some_weight(blobs):
    X, y, _, _ = blobs
    model = CleanedClassifier(Recorder(), mode="weight").fit(X, y, issues=y == "bee")
    weight = model.estimator_.weight_
    assert weight[y == "bee"].sum() == 1
    assert (weight[y != "bee"] == 1).all()
    quality = np.where(y == "bee", 0.0, 0.5)
    best = np.flatnonzero(y == "bee")[3]
    quality[best] = 0.25
    frame = pd.DataFrame({"is_label_issue": y != "cat", "label_quality": quality})
    weight = CleanedClassifier(Recorder(), mode="weight").fit(X, y, issues=frame)
    weight = weight.estimator_.weight_
    assert weight[y == "bee"].sum() == weight[best] == 0.25


def test_two_rows_of_zero_and_one_are_unclear():
    with pytest.raises(ValueError, match="may be a mask or row numbers"):
        as_issues(np.array([0, 1]), 2)


# --- bad input ------------------------------------------------------------------------


def test_a_fitted_model_is_refused(blobs):
    X, y, _, _ = blobs
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    for model in (CleanedClassifier(frozen), ConfidentLearningFilter(frozen)):
        with pytest.raises(ValueError, match="fitted, frozen estimator"):
            model.fit(X, y)


def test_groups_stay_together(blobs):
    X, y, _, _ = blobs
    groups = np.arange(len(y)) // 8
    with pytest.raises(ValueError, match=r"has group 0 in training and test"):
        ConfidentLearningFilter(cv=KFold(3, shuffle=True, random_state=0)).fit(
            X, y, groups=groups
        )
    by_hand = ConfidentLearningFilter(cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert by_hand.issue_mask_.any()
    seen = ConfidentLearningFilter(random_state=0).fit(X, y, groups=groups)
    plain = ConfidentLearningFilter(random_state=0).fit(X, y)
    assert not np.array_equal(seen.pred_proba_, plain.pred_proba_)


@pytest.mark.parametrize(
    ("cv", "sentence"),
    [
        ([(np.arange(240), np.arange(240))], "tests row 0 with a model that trained"),
        ([(np.arange(120), np.arange(120, 240))], "cv never tests row 0"),
        (1, r"cv.*in the range \[2, inf\).*Got 1"),
        (999, "cv=999 must be from 2 to .* n_samples=240"),
    ],
)
def test_folds_that_judge_nothing_are_refused(blobs, cv, sentence):
    X, y, _, _ = blobs
    with pytest.raises(ValueError, match=sentence):
        CleanedClassifier(LogisticRegression(), cv=cv).fit(X, y)


def test_a_class_of_one_row_is_not_judged(blobs):
    X, y, _, _ = blobs
    y = y.copy()
    y[7] = "dog"
    with pytest.warns(SkoverfitWarning, match=r"1 row of class 'dog' is not judged"):
        found = ConfidentLearningFilter(random_state=0).fit(X, y)
    assert not found.issue_mask_[7]
    assert np.isnan(found.label_quality_[7])
    assert found.predicted_label_[7] == "dog"
    assert np.isfinite(np.delete(found.label_quality_, 7)).all()
    others = ConfidentLearningFilter(random_state=0)
    with pytest.warns(SkoverfitWarning, match="not judged"):
        model = CleanedClassifier(LogisticRegression(), others).fit(X, y)
    assert "dog" in model.classes_


def test_a_class_absent_from_a_training_fold_is_not_judged_there(blobs):
    X, y, _, _ = blobs
    other = np.flatnonzero(y != "ant")
    first = np.concatenate([np.flatnonzero(y == "ant"), other[::2]])
    second = other[1::2]
    with pytest.warns(SkoverfitWarning, match="of class 'ant' are not judged"):
        found = ConfidentLearningFilter(cv=[(second, first), (first, second)]).fit(X, y)
    unknown = np.isnan(found.label_quality_)
    np.testing.assert_array_equal(unknown, y == "ant")
    assert not found.issue_mask_[unknown].any()
    assert found.issue_mask_.any()


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (["ant", None, "bee", "ant"], "1 missing labels, the first in row 1"),
        (["ant"] * 4, "only 1 class"),
        ([0.5, 1.5, 0.1, 0.2], "Unknown label type"),
    ],
)
def test_bad_labels_are_told_in_a_sentence(y, sentence):
    X = np.zeros((4, 2))
    with pytest.raises(ValueError, match=sentence):
        CleanedClassifier(LogisticRegression()).fit(X, y)


def test_modes_that_cannot_be_are_refused(blobs):
    X, y, _, wrong = blobs
    with pytest.raises(ValueError, match="proposes none"):
        CleanedClassifier(Recorder(), mode="relabel").fit(X, y, issues=wrong)
    with pytest.raises(ValueError, match="holds qualities only"):
        CleanedClassifier(Recorder()).fit(X, y, issues=np.full(len(y), 0.5))
    strange = pd.DataFrame({"is_label_issue": wrong, "predicted_label": "elk"})
    with pytest.raises(ValueError, match="'elk', which is no class of y"):
        CleanedClassifier(Recorder(), mode="relabel").fit(X, y, issues=strange)
    no_weights = CleanedClassifier(KNeighborsClassifier(), mode="weight")
    with pytest.raises(ValueError, match="no parameter 'sample_weight'"):
        no_weights.fit(X, y)


def test_weights_that_no_one_takes_are_told_with_a_way_out(blobs):
    X, y, _, _ = blobs
    piped = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ValueError, match="use mode='drop', or enable metadata routing"):
        CleanedClassifier(piped, mode="weight").fit(X, y)
    with pytest.raises(ValueError, match="leave them out, or enable metadata routing"):
        CleanedClassifier(piped).fit(X, y, sample_weight=np.ones(len(y)))
    with pytest.raises(ValueError, match=r"or make it by skoverfit\.pipeline"):
        CleanedClassifier(piped, mode="weight").fit(X, y)
    with pytest.raises(ValueError, match=r"a step of it takes them\.$"):
        CleanedClassifier(KNeighborsClassifier(), mode="weight").fit(X, y)
    ours = Pipeline(piped.steps)
    quality = np.random.default_rng(0).random(len(y))
    handed = CleanedClassifier(ours, mode="weight").fit(X, y, issues=quality)
    by_hand = ours.fit(X, y, sample_weight=quality)
    np.testing.assert_array_equal(handed.predict_proba(X), by_hand.predict_proba(X))
    plain = piped.fit(X, y).predict_proba(X)
    assert np.abs(handed.predict_proba(X) - plain).max() > 1e-3


def test_as_many_folds_as_a_class_can_fill_with_groups_too():
    X = np.arange(8.0).reshape(-1, 1)
    y = np.repeat(["low", "high"], 4)
    found = ConfidentLearningFilter().fit(X, y, groups=np.arange(8))
    assert not found.issue_mask_.any()
    with pytest.raises(ValueError, match="every label of y has a single row"):
        ConfidentLearningFilter().fit(X, list("abcdefgh"))
    with pytest.raises(ValueError, match="groups that don't hold whole classes"):
        ConfidentLearningFilter().fit(X, y, groups=y)


def test_a_classifier_without_probabilities_is_told(blobs):
    X, y, _, _ = blobs
    with pytest.raises(ValueError, match="predict_proba"):
        CleanedClassifier(LinearSVC()).fit(X, y)
