"""Clean overlap gives no excess, wrong labels give their share, by simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.datasets import make_label_noise
from skoverfit.noisy_labels import excess_label_issues, find_label_issues
from skoverfit.noisy_labels._clean_law import clean_law, redrawn

LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))


def overlapping(seed, n=600, n_classes=3, gap=1.5):
    """Return Gaussians that overlap, with their labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    X = rng.normal(size=(n, 4))
    X[np.arange(n), y] += gap
    return X, y


def out_of_fold(X, y, model=LOGISTIC):
    return cross_val_predict(model, X, y, cv=5, method="predict_proba")


def test_clean_overlap_has_suspects_and_no_excess():
    found = []
    for seed in range(20):
        X, y = overlapping(seed)
        found.append(
            excess_label_issues(
                y, out_of_fold(X, y), n_redraws=20, n_bootstrap=40, random_state=seed
            )
        )
    # Rows on the wrong side of a border are flagged, though no label is wrong.
    assert min(one.flagged.observed for one in found) > 0.08
    for share in ("flagged", "noise_rate"):
        parts = [getattr(one, share) for one in found]
        assert abs(np.mean([part.excess for part in parts])) < 0.015
        # Of 20 intervals of .95 one side is missed by half a one; 3 has p < .002.
        assert sum(part.interval[0] > 0 for part in parts) <= 2


@pytest.mark.parametrize("seed", range(3))
def test_flipped_digits_have_their_share_of_excess(seed):
    X, y = load_digits(return_X_y=True)
    y = make_label_noise(y, rate=0.2, random_state=seed)
    proba = out_of_fold(X, y, make_pipeline(StandardScaler(), LogisticRegression()))
    found = excess_label_issues(
        y, proba, n_redraws=20, n_bootstrap=20, random_state=seed
    )
    for part in (found.flagged, found.noise_rate):
        assert abs(part.excess - 0.2) < 0.05
        assert part.interval[0] < part.excess < part.interval[1]
        assert part.p_value == 1 / 21
    # A temperature alone would redraw the noise.
    assert found.background == pytest.approx(2 / 9, abs=0.04)
    assert found.inverse_temperature > 1.5
    assert np.nanmax(found.expected_by_class) < 0.1 < found.flagged_by_class.min()


@pytest.mark.parametrize(("power", "background"), [(1.0, 0.0), (2.0, 0.3), (0.5, 0.1)])
def test_the_clean_law_recovers_what_labels_were_drawn_with(power, background):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(20_000, 4))
    clean = softmax(power * logits, axis=1)
    codes = redrawn(np.cumsum(clean, axis=1), rng)
    other = rng.random(len(codes)) < background
    codes[other] = rng.integers(4, size=other.sum())
    law = clean_law(softmax(logits, axis=1), codes)
    assert law.background == pytest.approx(background, abs=0.015)
    assert law.inverse_temperature == pytest.approx(power, rel=0.07)
    assert_allclose(np.diff(law.cumulated, axis=1, prepend=0).sum(axis=1), 1)


def test_redrawn_labels_have_the_law():
    law = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    cumulated = np.repeat(np.cumsum(law, axis=1), 4000, axis=0)
    codes = redrawn(cumulated, np.random.default_rng(0)).reshape(3, -1)
    shares = [np.bincount(row, minlength=3) / 4000 for row in codes]
    assert_allclose(shares[0], law[0], atol=0.03)
    assert_allclose(shares[1:], law[1:])


def test_hard_answers_of_a_tree_are_no_noise():
    # Probabilities of 0 and 1 can't tell a background from a temperature.
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=900)
    said = np.where(rng.random(900) < 0.85, y, (y + rng.integers(1, 3, 900)) % 3)
    found = excess_label_issues(
        y, np.eye(3)[said], n_redraws=20, n_bootstrap=10, random_state=0
    )
    assert found.flagged.observed == pytest.approx(0.15, abs=0.03)
    assert abs(found.flagged.excess) < 0.03


def test_the_mask_is_that_of_find_label_issues_and_names_do_not_matter():
    X, y = overlapping(0)
    proba = out_of_fold(X, y)
    names = np.array(["ash", "birch", "cedar"])
    few = {"n_redraws": 5, "n_bootstrap": 5, "random_state": 3}
    one, again = (
        excess_label_issues(labels, proba, filter_by="both", **few)
        for labels in (y, names[y])
    )
    mask = find_label_issues(y, proba, filter_by="both")
    assert np.array_equal(one.issue_mask, mask)
    assert one.flagged == again.flagged
    assert one.noise_rate == again.noise_rate
    assert list(again.classes) == list(names)
    assert one.flagged.observed == mask.mean()
    assert_allclose((one.flagged_by_class * one.label_counts).sum() / 600, mask.mean())


def test_a_class_without_a_label_is_nan():
    X, y = overlapping(1)
    wide = np.column_stack([out_of_fold(X, y), np.zeros(len(y))])
    found = excess_label_issues(
        y, wide, classes=[0, 1, 2, 9], n_redraws=5, n_bootstrap=5, random_state=0
    )
    assert np.isnan(found.flagged_by_class[3])
    assert list(found.label_counts[3:]) == [0]
    assert list(found.classes) == [0, 1, 2, 9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [0] * 600}, "one class only"),
        ({"y": [None] + [0] * 599}, "1 missing labels, the first in row 0"),
        ({"n_redraws": 0}, "n_redraws.*range \\[1, inf\\).*Got 0"),
        ({"n_bootstrap": 1}, "n_bootstrap.*range \\[2, inf\\).*Got 1"),
        ({"confidence": 1.0}, "confidence.*range \\(0.0, 1.0\\).*Got 1.0"),
    ],
)
def test_bad_input_is_one_sentence(change, message):
    _, y = overlapping(0)
    given = {"y": y, "pred_proba": np.full((600, 2), 0.5), **change}
    with pytest.raises(ValueError, match=message):
        excess_label_issues(**given)


def test_the_clean_law_has_the_shares_of_the_labels():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(4000, 3))
    offsets = np.array([1.5, 0.0, -1.5])
    codes = redrawn(np.cumsum(softmax(2 * logits + offsets, axis=1), axis=1), rng)
    law = clean_law(softmax(logits, axis=1), codes)
    assert law.background == pytest.approx(0, abs=0.01)
    assert law.inverse_temperature == pytest.approx(2, rel=0.1)
    shares = np.diff(law.cumulated, axis=1, prepend=0).mean(axis=0)
    assert_allclose(shares, np.bincount(codes) / 4000, atol=0.005)
    # The fit of about the same rows may start there and ends in the same place.
    again = clean_law(softmax(logits, axis=1), codes, near=law)
    assert_allclose(again.cumulated, law.cumulated, atol=1e-3)
