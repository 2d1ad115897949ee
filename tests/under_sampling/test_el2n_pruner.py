"""EL2N pruning: which rows stay."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skoverfit.datasets import make_label_noise
from skoverfit.under_sampling import EL2NPruner


def test_the_window_of_each_class_by_ready_scores():
    scores = np.array([5, 1, 4, 2, 3, 10, 50, 30, 20, 40, 7.0])
    y = np.array(["a"] * 5 + ["b"] * 5 + ["c"])
    X = np.arange(11.0)[:, None]
    for given in (scores, lambda X, y: scores[X[:, 0].astype(int)]):
        pruner = EL2NPruner(keep=0.4, offset=0.2, scores=given)
        kept, labels = pruner.fit_resample(X, y)
        # Of each class the second and third largest; of one row, that row.
        assert kept.ravel().tolist() == [2, 4, 7, 9, 10]
        assert labels.tolist() == ["a", "a", "b", "b", "c"]
        np.testing.assert_array_equal(pruner.scores_, scores)
    together = EL2NPruner(keep=4 / 11, per_class=False, scores=scores)
    assert together.fit_resample(X, y)[0].ravel().tolist() == [6, 7, 8, 9]
    one = EL2NPruner(keep=0.4, scores=scores, sampling_strategy=["b"])
    assert one.fit_resample(X, y)[0].ravel().tolist() == [0, 1, 2, 3, 4, 6, 9, 10]


def test_keep_one_is_the_table_and_scores_ignore_the_order_of_rows():
    X, y = load_iris(return_X_y=True)
    whole = EL2NPruner(LogisticRegression(max_iter=500), keep=1.0, n_runs=2)
    kept, labels = whole.fit_resample(X, y)
    np.testing.assert_array_equal(kept, X)
    np.testing.assert_array_equal(labels, y)
    order = np.random.default_rng(0).permutation(150)
    mixed = EL2NPruner(LogisticRegression(max_iter=500), keep=0.5, n_runs=2)
    mixed.fit_resample(X[order], y[order])
    np.testing.assert_allclose(mixed.scores_, whole.scores_[order], atol=5e-3)


def test_wrong_labels_have_the_largest_scores_and_offset_drops_them():
    X, y = load_digits(return_X_y=True)
    X, y = X[:900], y[:900]
    given, is_wrong = make_label_noise(y, rate=0.1, return_mask=True, random_state=0)
    pruner = EL2NPruner(keep=0.5, offset=0.12, random_state=0)
    pruner.fit_resample(X, given)
    assert roc_auc_score(is_wrong, pruner.scores_) > 0.95
    assert is_wrong[pruner.sample_indices_].mean() < 0.02
    hardest = EL2NPruner(keep=0.5, scores=pruner.scores_)
    hardest.fit_resample(X, given)
    assert is_wrong[hardest.sample_indices_].mean() > 0.18


def test_any_table_passes_where_an_estimator_reads_it():
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"c": list("aabbccdd") * 5, "n": np.arange(40.0)})
    y = (frame["c"] < "c").map({True: "yes", False: "no"})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["c"])), LogisticRegression()
    )
    kept, labels = EL2NPruner(model, keep=0.25).fit_resample(frame, y)
    assert kept.shape == (10, 2)
    assert labels.value_counts().to_dict() == {"yes": 5, "no": 5}
    with pytest.raises(ValueError, match="c"):
        EL2NPruner().fit_resample(frame, y)


def test_an_array_like_of_an_unknown_class_comes_back_as_an_array():
    class Table:
        def __init__(self, values):
            self.values = values

        def __array__(self, dtype=None, copy=None):
            return np.asarray(self.values, dtype=dtype)

    X, y = load_iris(return_X_y=True)
    for pruner in (EL2NPruner(scores=np.arange(150.0)), EL2NPruner(n_runs=1)):
        kept, _ = pruner.fit_resample(Table(X), y)
        np.testing.assert_array_equal(kept, X[pruner.sample_indices_])


def test_same_seed_same_rows_whatever_n_jobs():
    X, y = load_iris(return_X_y=True)
    made = []
    for jobs in (None, 2):
        with parallel_config(backend="threading"):
            pruner = EL2NPruner(n_runs=2, n_jobs=jobs, random_state=3)
            made.append(pruner.fit_resample(X, y)[0])
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"keep": 0.9, "offset": 0.2}, "keep=0.9 and offset=0.2 must not be more"),
        ({"keep": 0.0}, "'keep' parameter"),
        ({"scores": [1.0, 2.0]}, r"must hold one number a row, of shape \(150,\)"),
        ({"scores": lambda X, y: "no"}, "must return one number a row"),
        ({"scores": np.r_[np.nan, np.ones(149)]}, "is NaN in row 0"),
    ],
)
def test_bad_parameters_are_one_sentence(parameters, message):
    X, y = load_iris(return_X_y=True)
    pruner = EL2NPruner(**parameters)
    with pytest.raises(ValueError, match=message):
        pruner.fit_resample(X, y)
    assert not hasattr(pruner, "scores_")
