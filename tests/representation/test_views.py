# SPDX-License-Identifier: BSD-3-Clause
"""View makers: what is replaced and by what, what moves and what stays."""

import pickle

import pytest
import torch

from skoverfit.exceptions import BadInputError
from skoverfit.representation import FeatureCorruption, ImageViews

# Every cell is another number, so that its origin is known.
ROWS = torch.arange(200.0).view(20, 10)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.6, 1.0])
def test_exactly_a_part_of_each_row_is_drawn(rate):
    # Training rows that the batch has none of: each drawn cell is seen to be.
    view = FeatureCorruption(rate=rate).fit(ROWS + 1000)
    made = view(ROWS, seeded())
    assert ((made != ROWS).sum(dim=1) == round(10 * rate)).all()


@pytest.mark.parametrize("method", ["marginal", "swap"])
def test_values_come_from_their_own_column(method):
    made = FeatureCorruption(method, rate=1.0).fit(ROWS)(ROWS, seeded())
    assert (made % 10 == ROWS % 10).all()
    assert (made != ROWS).any()


def test_the_marginal_distribution_is_kept():
    column = torch.tensor([0.0, 0.0, 0.0, 1.0]).repeat(50).view(-1, 1)
    table = torch.cat([column, 5 * column], dim=1)
    made = FeatureCorruption(rate=1.0).fit(table)(table.repeat(100, 1), seeded())
    # 20000 draws of a probability of 1/4: five standard errors are 0.016.
    assert made[:, 0].mean() == pytest.approx(0.25, abs=0.016)
    assert set(made[:, 1].unique().tolist()) == {0.0, 5.0}
    # Columns are drawn independently, although they were equal.
    both = ((made[:, 0] == 1) & (made[:, 1] == 5)).float().mean()
    assert both == pytest.approx(1 / 16, abs=0.01)


def test_a_swap_permutes_each_column_of_the_batch():
    made = FeatureCorruption("swap", rate=1.0).fit(ROWS)(ROWS, seeded())
    assert torch.equal(made.sort(dim=0).values, ROWS.sort(dim=0).values)


def test_bernoulli_masks_vary_and_have_the_rate_on_average():
    view = FeatureCorruption(rate=0.3, exact=False).fit(ROWS + 1000)
    counts = (view(ROWS.repeat(50, 1), seeded()) >= 1000).float().sum(dim=1)
    assert counts.mean() == pytest.approx(3.0, abs=0.25)  # 5 s.e. of 1000 rows
    assert counts.std() > 1


def test_groups_are_replaced_as_a_whole():
    hot = torch.eye(4).repeat(5, 1)
    table = torch.cat([hot, ROWS[:, :2]], dim=1)
    view = FeatureCorruption(rate=0.7, categorical_groups=[[0, 1, 2, 3]])
    made = view.fit(table)(table, seeded())
    assert (made[:, :4].sum(dim=1) == 1).all()
    assert set(made[:, :4].unique().tolist()) == {0.0, 1.0}
    # Three features, of which floor(2.1) are drawn; hot rows may be drawn unchanged.
    assert ((made[:, 4:] != table[:, 4:]).sum(dim=1) <= 2).all()


@pytest.mark.parametrize("method", ["uniform", "gaussian"])
def test_moved_numbers_leave_categories_valid(method):
    table = torch.cat([torch.eye(4).repeat(5, 1), ROWS[:, :2]], dim=1)
    view = FeatureCorruption(method, rate=1.0, categorical_groups=[range(4)])
    made = view.fit(table)(table, seeded())
    assert set(made[:, :4].unique().tolist()) == {0.0, 1.0}
    if method == "uniform":
        assert made[:, 4].min() >= table[:, 4].min()
        assert made[:, 4].max() <= table[:, 4].max()


def test_zero_is_the_mean_and_no_noise_is_nothing():
    made = FeatureCorruption("zero", rate=1.0).fit(ROWS)(ROWS, seeded())
    torch.testing.assert_close(made, ROWS.mean(dim=0).expand(20, 10))
    still = FeatureCorruption("gaussian", rate=1.0, noise_scale=0.0).fit(ROWS)
    assert torch.equal(still(ROWS, seeded()), ROWS)


def test_views_are_seeded_keep_dtypes_and_do_not_change_the_batch():
    for view in (FeatureCorruption().fit(ROWS), ImageViews((2, 5), rotation=9)):
        before = ROWS.clone()
        first, again = view(ROWS, seeded()), view(ROWS, seeded())
        assert torch.equal(first, again)
        assert not torch.equal(first, view(ROWS, seeded(1)))
        assert torch.equal(ROWS, before)
        assert view(ROWS.double(), seeded()).dtype == torch.float64
        assert view.unfitted() == view
        assert pickle.loads(pickle.dumps(view)) == view


def test_pad_crops_shift_an_image():
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 3, 4] = 1.0
    view = ImageViews((8, 8), padding=2, brightness=0.0)
    made = view(image.expand(400, 1, 8, 8), seeded())
    assert (made.flatten(1).sum(dim=1) == 1).all()
    places = made.flatten(1).argmax(dim=1)
    rows, columns = places // 8, places % 8
    assert set(rows.tolist()) == set(range(1, 6))
    assert set(columns.tolist()) == set(range(2, 7))


def test_flips_mirror_half_of_the_images():
    image = torch.arange(12.0).view(1, 1, 3, 4).expand(400, 1, 3, 4)
    made = ImageViews((3, 4), crop=None, flip=True, brightness=0.0)(image, seeded())
    flipped = (made == image.flip(-1)).flatten(1).all(dim=1)
    assert (flipped | (made == image).flatten(1).all(dim=1)).all()
    assert flipped.float().mean() == pytest.approx(0.5, abs=0.125)  # 5 s.e.


def test_a_resized_crop_of_the_whole_image_is_the_image():
    image = torch.rand(5, 3, 6, 6, generator=seeded())
    view = ImageViews((3, 6, 6), crop="resized", scale=(1.0, 1.0), brightness=0.0)
    # The aspect may still cut a strip; without that the grid is the pixels' own.
    resampled = view._resampled(image, torch.full((5, 5), 0.5))
    torch.testing.assert_close(resampled, image)


def test_brightness_multiplies_four_of_five_images():
    image = torch.ones(1000, 4)
    made = ImageViews((2, 2), crop=None, brightness=0.4)(image, seeded())
    assert (made == made[:, :1]).all()
    assert 0.6 <= made.min() < 0.65
    assert 1.35 < made.max() <= 1.4
    assert (made[:, 0] != 1).float().mean() == pytest.approx(0.8, abs=0.065)


def test_images_may_be_flat_or_not():
    flat = torch.rand(6, 75, generator=seeded())
    view = ImageViews((3, 5, 5), noise=0.1)
    made = view(flat, seeded())
    cubes = view(flat.view(6, 3, 5, 5), seeded())
    assert torch.equal(made, cubes.flatten(1))


@pytest.mark.parametrize("method", ["gaussian", "uniform", "zero"])
def test_a_batch_does_not_run_through_the_training_rows(method):
    view = FeatureCorruption(method, rate=1.0).fit(ROWS)
    wanted = view(ROWS, seeded())
    # What is told of the columns was kept by fit, and the table is only drawn from.
    view._rows = torch.full_like(ROWS, torch.nan)
    assert torch.equal(view(ROWS, seeded()), wanted)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeatureCorruption("margin"), "'marginal'.*Got 'margin'"),
        (lambda: FeatureCorruption(rate=1.5), "'rate' .* from 0 to 1. Got 1.5"),
        (lambda: FeatureCorruption(noise_scale=-1), "'noise_scale' .* Got -1"),
        (lambda: FeatureCorruption()(ROWS, seeded()), "was not fitted"),
        (lambda: FeatureCorruption().fit(ROWS)(ROWS[:, 1:], seeded()), "10 columns"),
        (lambda: FeatureCorruption().fit([[1.0]]), r"tensor .* Got \[\[1.0\]\]"),
        (
            lambda: FeatureCorruption(categorical_groups=[[0, 10]]).fit(ROWS),
            "columns from 0 to 9. Got 10",
        ),
        (
            lambda: FeatureCorruption(categorical_groups=[[0, 1], [1]]).fit(ROWS),
            "Got 1 in two groups",
        ),
        (lambda: ImageViews((4,)), r"'image_shape' .* Got \(4,\)"),
        (lambda: ImageViews((4, 4), crop="cut"), "'crop' .* Got 'cut'"),
        (lambda: ImageViews((4, 4), padding=4), "from 0 to 3 .* Got 4"),
        (lambda: ImageViews((4, 4), scale=(0.0, 1.0)), r"'scale' .* Got \(0.0, 1.0\)"),
        (lambda: ImageViews((4, 4), noise=-1.0), "'noise' .* Got -1.0"),
        (lambda: ImageViews((4, 4)).fit(ROWS), "16 pixels, but a row has 10"),
        (lambda: ImageViews((32, 32, 3)), r"channels first, as in \(3, 32, 32\)"),
        (
            lambda: ImageViews((3, 8, 8)).fit(torch.zeros(2, 8, 8, 3)),
            r"channels first. Got images of shape \(8, 8, 3\)",
        ),
    ],
)
def test_bad_values_are_refused_by_name(make, message):
    with pytest.raises(BadInputError, match=message):
        make()
