# SPDX-License-Identifier: BSD-3-Clause
"""The nets as their users meet them: tables of any kind, weights, other tools."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor
from skoverfit.over_sampling import SMOTE
from skoverfit.pipeline import make_pipeline as make_resampling_pipeline

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_estimators": 2,
    "max_epochs": 15,
    "random_state": 0,
}


def classifier(**parameters):
    return TabularMLPClassifier(**{**SMALL, **parameters})


def regressor(**parameters):
    return TabularMLPRegressor(**{**SMALL, **parameters})


def full_batch(**parameters):
    """Return a net whose weights are repetition to the last digits."""
    exact = {
        "batch_size": 10_000,
        "dropout": 0.0,
        "early_stopping": False,
        "linear_start": False,
        "n_estimators": 1,
        "dtype": "float64",
        "learning_rate": 0.01,
    }
    return classifier(**{**exact, **parameters})


@pytest.fixture(scope="module")
def blobs():
    return make_classification(
        300, 6, n_informative=4, class_sep=1.5, weights=[0.7], random_state=0
    )


def mixed_columns(n=240, seed=0):
    """Columns of every kind, and labels that all of them tell a little of."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    days = (40 * y + rng.integers(0, 60, n)).astype("timedelta64[D]")
    text = np.where(rng.random(n) < 0.8, np.where(y, "tram", "car"), "walk")
    number = rng.normal(size=n) + y
    number[::7] = np.nan
    whole = rng.integers(0, 5, n) + 2 * y
    return {
        "text": text.astype(object),
        "when": np.datetime64("2024-01-01", "ms") + days,
        "number": number,
        "whole": whole,
        "flag": rng.random(n) < 0.3 + 0.4 * y,
    }, np.array(["no", "yes"])[y]


def pandas_table(columns):
    frame = pd.DataFrame(columns)
    frame["text"] = frame["text"].astype("category")
    frame["memo"] = [None, "a", "b"] * (len(frame) // 3)
    return frame


def polars_table(columns):
    made = pl.DataFrame({**columns, "text": list(columns["text"])})
    memo = pl.Series("memo", [None, "a", "b"] * (len(made) // 3))
    return made.with_columns(memo, pl.col("number").fill_nan(None))


@pytest.fixture(scope="module", params=[pandas_table, polars_table])
def mixed(request):
    columns, y = mixed_columns()
    return request.param(columns), y


# --- tables ---------------------------------------------------------------------------


def test_a_table_of_every_kind_of_column_is_learned(mixed):
    X, y = mixed
    net = classifier().fit(X, y)
    assert net.score(X, y) > 0.8
    assert list(net.feature_names_in_) == list(X.columns)
    assert np.isfinite(net.predict_log_proba(X)).all()


def test_pandas_and_polars_are_told_the_same():
    columns, y = mixed_columns()
    first = classifier().fit(pandas_table(columns), y)
    second = classifier().fit(polars_table(columns), y)
    np.testing.assert_allclose(
        first.predict_proba(pandas_table(columns)),
        second.predict_proba(polars_table(columns)),
        rtol=1e-5,
    )


def test_unseen_categories_are_taken_as_missing_ones():
    columns, y = mixed_columns()
    X = pandas_table(columns)
    net = classifier().fit(X, y)
    unseen, gone = X.copy(), X.copy()
    unseen["text"] = "rocket"
    gone["text"] = None
    np.testing.assert_array_equal(net.predict_proba(unseen), net.predict_proba(gone))


def test_reordered_columns_are_refused(mixed):
    X, y = mixed
    net = classifier(max_epochs=1).fit(X, y)
    other = X[list(X.columns)[::-1]]
    with pytest.raises(ValueError, match=r"(?i)feature names.*same order"):
        net.predict(other)


def test_sparse_tables_tensors_and_lists_are_told_as_arrays_are(blobs):
    X, y = blobs
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    truth = classifier(max_epochs=3).fit(X, y).predict_proba(X)
    for made in (
        sp.csr_array(X),
        sp.coo_matrix(X),
        torch.from_numpy(X),
        X.tolist(),
        pd.DataFrame(X).to_numpy(dtype=object),
    ):
        told = classifier(max_epochs=3).fit(made, y).predict_proba(made)
        np.testing.assert_allclose(told, truth, rtol=1e-6, err_msg=str(type(made)))


def test_missing_numbers_and_columns_of_only_missing_ones(blobs):
    X, y = blobs
    X = X.copy()
    X[::3, 0] = np.nan
    X[:, 5] = np.nan
    net = classifier().fit(X, y)
    assert net.score(X, y) > 0.7
    whole = X.copy()
    whole[:, 0] = np.nan  # all missing only when it predicts
    assert np.isfinite(net.predict_proba(whole)).all()


def test_columns_that_are_named_nominal_are_told_by_name_number_and_mask():
    columns, y = mixed_columns()
    X = pd.DataFrame({"whole": columns["whole"], "number": columns["number"]})
    told = [
        classifier(categorical_features=which, max_epochs=3).fit(X, y).predict_proba(X)
        for which in (["whole"], [0], [True, False], None)
    ]
    np.testing.assert_array_equal(told[0], told[1])
    np.testing.assert_array_equal(told[0], told[2])
    assert not np.allclose(told[0], told[3])


# --- weights --------------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0}])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_class_weights_are_sample_weights(blobs, class_weight, early_stopping):
    X, y = blobs
    counts = np.bincount(y)
    factor = len(y) / (2 * counts) if class_weight == "balanced" else np.array([1, 5.0])
    options = {"early_stopping": early_stopping, "max_epochs": 5}
    by_class = classifier(class_weight=class_weight, **options).fit(X, y)
    by_row = classifier(**options).fit(X, y, sample_weight=factor[y])
    np.testing.assert_allclose(
        by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-5
    )


def test_class_and_sample_weights_multiply(blobs):
    X, y = blobs
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    both = classifier(class_weight={1: 3.0}, max_epochs=3).fit(X, y, weight)
    one = classifier(max_epochs=3).fit(X, y, weight * np.where(y == 1, 3.0, 1.0))
    np.testing.assert_allclose(both.predict_proba(X), one.predict_proba(X), rtol=1e-5)


def test_rows_of_weight_0_are_not_there(blobs):
    X, y = blobs
    weight = np.ones(len(y))
    weight[::4] = 0.0
    kept = weight > 0
    told = classifier(max_epochs=3).fit(X, y, weight).predict_proba(X)
    alone = classifier(max_epochs=3).fit(X[kept], y[kept]).predict_proba(X)
    np.testing.assert_allclose(told, alone, rtol=1e-5)


def test_a_weight_is_repetition_with_full_batches(blobs):
    X, y = blobs
    weight = np.random.default_rng(1).integers(1, 4, len(y))
    told = full_batch().fit(X, y, weight).predict_proba(X)
    rows = np.repeat(np.arange(len(y)), weight)
    repeated = full_batch().fit(X[rows], y[rows]).predict_proba(X)
    np.testing.assert_allclose(told, repeated, rtol=1e-6)


def test_a_weight_is_repetition_on_the_mean_with_minibatches(blobs):
    """Twice the weight and twice the row: the means over seeds agree, and move."""
    X, y = blobs
    weight = np.where(y == 1, 4, 1)
    rows = np.repeat(np.arange(len(y)), weight)

    def mean_odds(fit):
        made = [
            fit(
                classifier(early_stopping=False, n_estimators=8, random_state=seed)
            ).decision_function(X)
            for seed in range(2)
        ]
        return np.mean(made, axis=0)

    # As many steps for both: an epoch of the longer table has more of them.
    plain = mean_odds(lambda net: net.set_params(max_epochs=16).fit(X, y))
    weighted = mean_odds(lambda net: net.set_params(max_epochs=16).fit(X, y, weight))
    repeated = mean_odds(lambda net: net.set_params(max_epochs=9).fit(X[rows], y[rows]))
    moved = np.abs(weighted - plain).mean()
    apart = np.abs(weighted - repeated).mean()
    assert moved > 0.5
    assert apart < 0.4 * moved
    assert abs((weighted - repeated).mean()) < 0.2 * moved


# --- other tools ----------------------------------------------------------------------


def test_pipelines_searches_and_calibration(blobs):
    X, y = blobs
    net = classifier(max_epochs=3)
    assert make_pipeline(StandardScaler(), net).fit(X, y).score(X, y) > 0.7
    search = GridSearchCV(net, {"learning_rate": [1e-3, 1e-2]}, cv=2, n_jobs=2)
    assert search.fit(X, y).best_score_ > 0.7
    calibrated = CalibratedClassifierCV(net, cv=2).fit(X, y)
    assert calibrated.score(X, y) > 0.7
    scores = cross_validate(
        net, X, y, cv=2, scoring=["neg_log_loss", "roc_auc"], error_score="raise"
    )
    assert scores["test_roc_auc"].mean() > 0.8


def test_weights_and_samplers_in_our_pipeline(blobs):
    X, y = blobs
    pipe = make_resampling_pipeline(
        StandardScaler(), SMOTE(random_state=0), classifier(max_epochs=5)
    )
    plain = classifier(max_epochs=5).fit(X, y)
    pipe.fit(X, y, sample_weight=np.ones(len(y)))
    assert pipe.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


def test_several_classes_with_names():
    X, codes = make_classification(
        200, 6, n_informative=5, n_redundant=0, n_classes=4, random_state=0
    )
    y = np.array(["ant", "bee", "cat", "dog"])[codes]
    net = classifier(max_epochs=5).fit(X, y)
    proba = net.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.log(proba), net.predict_log_proba(X))
    assert net.decision_function(X).shape == (200, 4)
    np.testing.assert_array_equal(net.predict(X), net.classes_[proba.argmax(axis=1)])


def test_decisions_are_log_odds(blobs):
    X, y = blobs
    net = classifier(max_epochs=3).fit(X, y)
    odds = net.decision_function(X)
    proba = net.predict_proba(X)
    np.testing.assert_allclose(odds, np.log(proba[:, 1] / proba[:, 0]), rtol=1e-6)
    np.testing.assert_array_equal(net.predict(X) == 1, odds > 0)


def test_one_target_and_several():
    X, y = make_regression(150, 5, n_targets=3, noise=1.0, random_state=0)
    net = regressor().fit(X, y)
    assert net.predict(X).shape == (150, 3)
    assert net.score(X, y) > 0.9
    assert regressor().fit(X, y[:, 0]).predict(X).shape == (150,)


def test_a_regressor_answers_in_the_units_of_its_target():
    X, y = make_regression(150, 5, noise=1.0, random_state=0)
    plain = regressor(max_epochs=3).fit(X, y).predict(X)
    other = regressor(max_epochs=3).fit(X, 1e4 * y - 7e5).predict(X)
    np.testing.assert_allclose((other + 7e5) / 1e4, plain, rtol=1e-3, atol=1e-2)


# --- going on -------------------------------------------------------------------------


def test_partial_fit_knows_classes_that_come_later(blobs):
    X, y = blobs
    names = np.array(["a", "b"])[y]
    net = classifier(early_stopping=False)
    for first in range(0, 300, 100):
        part = slice(first, first + 100)
        net.partial_fit(X[part], names[part], classes=["a", "b", "c"])
    assert net.classes_.tolist() == ["a", "b", "c"]
    assert net.n_iter_ == 3
    assert net.score(X, names) > 0.7
    with pytest.raises(ValueError, match=r"label 'd', which is not in classes"):
        net.partial_fit(X[:4], ["a", "b", "d", "a"])


def test_partial_fit_asks_for_the_classes(blobs):
    with pytest.raises(ValueError, match=r"classes must be passed on the first call"):
        classifier().partial_fit(*blobs)


def test_a_warm_start_goes_on(blobs):
    X, y = blobs
    net = classifier(warm_start=True, early_stopping=False, max_epochs=4)
    first = net.fit(X, y).history_[-1]["train_loss"]
    net.fit(X, y)
    assert net.n_iter_ == len(net.history_) == 8
    assert net.history_[-1]["train_loss"] < first
    net.set_params(n_estimators=3)
    with pytest.raises(ValueError, match=r"goes on with 2 nets, but n_estimators is 3"):
        net.fit(X, y)


def test_best_epochs_of_a_warm_start_are_places_in_the_history(blobs):
    net = classifier(warm_start=True, max_epochs=3, learning_rate=1e-4)
    net.fit(*blobs).fit(*blobs)
    for k, (epoch, loss) in enumerate(
        zip(net.best_epochs_, net.best_losses_, strict=True)
    ):
        assert epoch >= 3
        if epoch > 3:  # otherwise the start of the second fit
            assert net.history_[epoch - 1]["valid_losses"][k] == pytest.approx(loss)


def test_the_history_is_plain_and_has_a_frame(blobs):
    net = classifier(max_epochs=4).fit(*blobs)
    assert [row["epoch"] for row in net.history_] == [1, 2, 3, 4]
    for row in net.history_:
        assert row["valid_loss"] == pytest.approx(np.mean(row["valid_losses"]))
    frame = net.history_frame()
    assert len(frame) == 8
    for k, epoch in enumerate(net.best_epochs_):
        chosen = frame[(frame["net"] == k) & frame["is_best"]]
        assert chosen["epoch"].tolist() == ([epoch] if epoch else [])


def test_the_same_seed_gives_the_same_net_and_leaves_torch_alone(blobs):
    before = torch.random.get_rng_state()
    first = classifier(max_epochs=3).fit(*blobs).predict_proba(blobs[0])
    second = classifier(max_epochs=3).fit(*blobs).predict_proba(blobs[0])
    other = classifier(max_epochs=3, random_state=1).fit(*blobs).predict_proba(blobs[0])
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_max_time_ends_the_training(blobs):
    net = classifier(max_time=1e-9, max_epochs=1000).fit(*blobs)
    assert net.n_iter_ == 1


# --- own modules ----------------------------------------------------------------------


class OwnNet(nn.Module):
    def __init__(self, n_features=6, n_outputs=2, width=8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, width), nn.ReLU(), nn.Linear(width, n_outputs)
        )

    def forward(self, x):
        return self.layers(x)


def test_an_own_class_is_made_to_the_size_of_the_table():
    columns, y = mixed_columns()
    X = pandas_table(columns)
    net = classifier(module=OwnNet, learning_rate=0.01).fit(X, y)
    assert net.score(X, y) > 0.7
    assert len(net.net_.module_.nets) == 2


@pytest.mark.parametrize("n_estimators", [1, 2])
def test_an_own_instance_is_never_trained_in_place(blobs, n_estimators):
    module = OwnNet()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    net = classifier(module=module, n_estimators=n_estimators, max_epochs=3)
    first = net.fit(*blobs).predict_proba(blobs[0])
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    again = net.fit(*blobs).predict_proba(blobs[0])
    np.testing.assert_array_equal(first, again)


def test_a_module_of_the_wrong_width_is_refused(blobs):
    with pytest.raises(ValueError, match=r"OwnNet must return 2 outputs.*\(2, 3\)"):
        classifier(module=OwnNet(n_outputs=3)).fit(*blobs)
    with pytest.raises(ValueError, match=r"OwnNet can't be run on 6 encoded columns"):
        classifier(module=OwnNet(n_features=4)).fit(*blobs)
    with pytest.raises(ValueError, match=r"can't be made: .*'width'"):
        classifier(module=needs_a_width).fit(*blobs)


def needs_a_width(n_features, n_outputs, width):
    return OwnNet(n_features, n_outputs, width)
