"""Scores of stored predictions are scikit-learn's on rows that are repeated."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, get_scorer, make_scorer
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._held_out_score import HeldOutScore, predict_held_out

DRAWS = np.random.default_rng(0).integers(0, 3, size=(4, 120))


def judged(scoring, model, X, y, classes, parts):
    score = HeldOutScore(scoring, model, classes)
    cells = [
        predict_held_out(model, X[rows], score.methods, classes) for _, rows in parts
    ]
    codes = y if classes is None else np.searchsorted(classes, y)
    return score, score.judge(codes, parts, [cells, cells])(DRAWS)


def repeated(scoring, model, X, y, rows, draw):
    chosen = np.repeat(rows, draw[rows])
    return get_scorer(scoring)(model, X[chosen], y[chosen])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("scoring", "is_fast", "is_pooled"),
    [
        ("accuracy", True, True),
        ("balanced_accuracy", True, True),
        ("f1_macro", True, True),
        ("f1", True, True),
        ("neg_log_loss", True, True),
        ("roc_auc", True, False),
        ("average_precision", True, False),
        ("matthews_corrcoef", False, True),
        ("roc_auc_ovo", False, False),
        ("neg_brier_score", True, True),
    ],
)
def test_classes(scoring, is_fast, is_pooled, n_classes):
    if n_classes == 3 and scoring in ("f1", "roc_auc", "average_precision"):
        scoring = {"f1": "f1_weighted"}.get(scoring, "roc_auc_ovr")
        is_fast = False
    if n_classes == 3 and scoring == "neg_brier_score":
        is_fast = is_pooled = False
    X, y = make_classification(
        120, 8, n_informative=5, n_classes=n_classes, random_state=0
    )
    # Few levels: scores of ranks have to handle ties.
    model = KNeighborsClassifier(7).fit(X, y)
    parts = [(0, np.arange(0, 120, 2)), (0, np.arange(1, 120, 2))]
    score, (whole, folds) = judged(scoring, model, X, y, model.classes_, parts)
    assert (score.is_fast, score.pooled) == (is_fast, is_pooled)
    for k, draw in enumerate(DRAWS):
        each = [repeated(scoring, model, X, y, rows, draw) for _, rows in parts]
        assert folds[k, :, 0] == pytest.approx(each)
        expected = (
            repeated(scoring, model, X, y, np.arange(120), draw)
            if is_pooled
            else np.mean(each)
        )
        assert whole[k, 0] == pytest.approx(expected)
        assert whole[k, 0] == whole[k, 1]


@pytest.mark.parametrize(
    "scoring",
    [
        "r2",
        "neg_mean_squared_error",
        "neg_mean_absolute_error",
        "neg_root_mean_squared_error",
        "neg_median_absolute_error",
    ],
)
def test_numbers(scoring):
    X, y = make_regression(120, 5, noise=20.0, random_state=0)
    y += 1e6  # sums of squares would lose the digits
    model = Ridge().fit(X, y)
    parts = [(0, np.arange(120)), (1, np.arange(120))]
    _, (whole, _) = judged(scoring, model, X, y, None, parts)
    for k, draw in enumerate(DRAWS):
        expected = repeated(scoring, model, X, y, np.arange(120), draw)
        assert whole[k, 0] == pytest.approx(expected, rel=1e-7)


def test_classes_that_a_fold_or_a_draw_has_not():
    X, y = make_classification(120, 8, n_informative=5, n_classes=3, random_state=0)
    model = LogisticRegression().fit(X[y < 2], y[y < 2])
    score = HeldOutScore("neg_log_loss", model, np.arange(3))
    cell = predict_held_out(model, X, score.methods, np.arange(3))
    assert cell["predict_proba"].shape == (120, 3)
    assert not cell["predict_proba"][:, 2].any()
    wide = predict_held_out(model, X, [("predict",)], np.arange(3))["predict"]
    assert set(wide) <= {0, 1}
    # Balanced accuracy is the mean over the classes that there are, AUC does not exist.
    alone = (y == 0).astype(int)[None]
    for scoring, expected in (("balanced_accuracy", np.mean(wide[y == 0] == 0)),):
        found = HeldOutScore(scoring, model, np.arange(3))
        part = [(0, np.arange(120))]
        assert found.judge(y, part, [[{"predict": wide}]])(alone)[0] == expected
    two = HeldOutScore("roc_auc", model, np.arange(2))
    value = two.judge(y % 2, [(0, np.arange(120))], [[{"decision_function": X[:, 0]}]])
    assert np.isnan(value((y % 2 == 0).astype(int)[None])[0]).all()


def test_labels_of_text_and_a_positive_one():
    X, y = make_classification(120, random_state=0)
    y = np.array(["no", "yes"])[y]
    model = LogisticRegression().fit(X, y)
    parts = [(0, np.arange(120))]
    scoring = make_scorer(f1_score, pos_label="yes")
    score, (whole, _) = judged(scoring, model, X, y, model.classes_, parts)
    assert score.is_fast
    chosen = np.repeat(np.arange(120), DRAWS[0])
    assert whole[0, 0] == pytest.approx(scoring(model, X[chosen], y[chosen]))


def test_what_is_no_score_is_refused():
    model = LogisticRegression()
    with pytest.raises(BadInputError, match="one score"):
        HeldOutScore(["accuracy", "f1"], model, np.arange(2))
    X, y = make_classification(60, random_state=0)
    fitted = Ridge().fit(X, y)
    with pytest.raises(ValueError, match="has no predict_proba"):
        predict_held_out(fitted, X, [("predict_proba",)], np.arange(2))
    with pytest.raises(ValueError, match="not in y"):
        predict_held_out(fitted, X, [("predict",)], np.arange(2))
