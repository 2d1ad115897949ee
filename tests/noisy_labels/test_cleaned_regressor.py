"""Wrong numbers are found by residuals out of fold, and repaired."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

from skoverfit.noisy_labels import CleanedRegressor


@pytest.fixture(scope="module")
def table():
    """Return rows, numbers with 15 wrong ones, clean numbers, and which are wrong."""
    X, clean = make_regression(300, 4, noise=5.0, random_state=0)
    wrong = np.zeros(300, dtype=bool)
    wrong[np.random.default_rng(0).choice(300, 15, replace=False)] = True
    y = np.where(wrong, clean + 400, clean)
    return X, y, clean, wrong


def test_wrong_numbers_are_found_and_left_out(table):
    X, y, clean, wrong = table
    model = CleanedRegressor(LinearRegression(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.issue_mask_, wrong | model.issue_mask_)
    assert model.issue_mask_.sum() < 25
    by_hand = LinearRegression().fit(X[~model.issue_mask_], y[~model.issue_mask_])
    np.testing.assert_array_equal(model.estimator_.coef_, by_hand.coef_)
    plain = LinearRegression().fit(X, y)
    assert model.score(X, clean) > plain.score(X, clean)


def test_residuals_are_out_of_fold_and_the_scale_is_robust(table):
    X, y, _, _ = table
    cv = KFold(4, shuffle=True, random_state=1)
    model = CleanedRegressor(Ridge(), cv=cv).fit(X, y)
    predicted = cross_val_predict(Ridge(), X, y, cv=cv)
    np.testing.assert_allclose(model.predicted_label_, predicted)
    residual = np.abs(y - predicted)
    deviation = 1.4826 * np.median(residual)
    np.testing.assert_array_equal(model.issue_mask_, residual > 3.5 * deviation)


def test_units_do_not_matter(table):
    X, y, _, _ = table
    for spread in ("global", "local"):
        model = CleanedRegressor(LinearRegression(), spread=spread, random_state=0)
        first = model.fit(X, y).label_quality_
        second = model.fit(X, 1000 * y - 3).label_quality_
        np.testing.assert_allclose(first, second, rtol=1e-6, atol=1e-12)


def test_a_local_spread_spares_rows_of_noisy_regions():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 10, 600)
    y = x + rng.normal(size=600) * np.where(x > 8, 3.0, 0.1)
    shares = {}
    for spread in ("global", "local"):
        model = CleanedRegressor(LinearRegression(), spread=spread, random_state=0)
        flagged = model.fit(x[:, None], y).issue_mask_
        shares[spread] = flagged[x > 8].mean()
    assert shares["local"] < 0.2 < shares["global"]


def test_weight_and_relabel(table):
    X, y, clean, wrong = table
    plain = LinearRegression().fit(X, y).score(X, clean)
    for mode in ("weight", "relabel"):
        model = CleanedRegressor(LinearRegression(), mode=mode, random_state=0)
        assert model.fit(X, y).score(X, clean) > plain
    frame = pd.DataFrame({"is_label_issue": wrong, "predicted_label": clean})
    given = CleanedRegressor(LinearRegression(), mode="relabel").fit(X, y, issues=frame)
    np.testing.assert_allclose(
        given.estimator_.coef_, LinearRegression().fit(X, clean).coef_
    )


def test_clean_normal_numbers_are_hardly_flagged():
    shares = []
    for seed in range(5):
        X, y = make_regression(400, 3, noise=10.0, random_state=seed)
        model = CleanedRegressor(LinearRegression(), random_state=0).fit(X, y)
        shares.append(model.issue_mask_.mean())
    assert np.mean(shares) < 0.005


def test_perfect_predictions_have_no_suspects():
    x = np.arange(40.0)
    model = CleanedRegressor(LinearRegression(), random_state=0)
    assert not model.fit(x[:, None], 2 * x).issue_mask_.any()


def test_bad_input_is_told_in_a_sentence(table):
    X, y, _, _ = table
    with pytest.raises(ValueError, match="fitted, frozen estimator"):
        CleanedRegressor(FrozenEstimator(LinearRegression().fit(X, y))).fit(X, y)
    with pytest.raises(ValueError, match="no parameter 'sample_weight'"):
        CleanedRegressor(KNeighborsRegressor(), mode="weight").fit(X, y)
    with pytest.raises(ValueError, match="flags every row"):
        CleanedRegressor(Ridge()).fit(X, y, issues=np.ones(300, dtype=bool))
    with pytest.raises(ValueError, match="issues proposes none"):
        CleanedRegressor(Ridge(), mode="relabel").fit(X, y, issues=y > 0)
    with pytest.raises(ValueError, match="holds qualities only"):
        CleanedRegressor(Ridge()).fit(X, y, issues=np.full(300, 0.5))
    with pytest.raises(ValueError, match="has group 0 in training and test"):
        CleanedRegressor(Ridge(), cv=KFold(3, shuffle=True, random_state=0)).fit(
            X, y, groups=np.arange(300) // 10
        )
    with pytest.raises(ValueError, match="flags every row"):
        CleanedRegressor(Ridge(), mode="weight").fit(X, y, issues=np.ones(300, bool))
    with pytest.raises(ValueError, match=r"y must hold numbers; it holds texts \('a'"):
        CleanedRegressor(Ridge()).fit(X, ["a"] * 300)
    texts = pd.DataFrame({"is_label_issue": y > 0, "predicted_label": ["a"] * 300})
    with pytest.raises(ValueError, match="must propose numbers for a regressor"):
        CleanedRegressor(Ridge(), mode="relabel").fit(X, y, issues=texts)
