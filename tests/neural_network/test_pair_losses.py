# SPDX-License-Identifier: BSD-3-Clause
"""NT-Xent and Barlow Twins against loops, closed forms and limits."""

import math

import numpy as np
import pytest
import torch

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import BarlowTwinsLoss, MixedBarlowTwinsLoss, NTXentLoss


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def looped_nt_xent(first, second, temperature):
    """SimCLR's loss as the paper writes it, one pair after the other."""
    z = np.vstack([first, second])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    n, total = len(first), 0.0
    for a in range(2 * n):
        partner = (a + n) % (2 * n)
        others = [np.exp(z[a] @ z[b] / temperature) for b in range(2 * n) if b != a]
        total -= math.log(np.exp(z[a] @ z[partner] / temperature) / sum(others))
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_nt_xent_equals_a_double_loop(temperature):
    first, second = normal(7, 3), normal(7, 3, seed=1)
    loss = NTXentLoss(temperature)(first, second)
    wanted = looped_nt_xent(first.numpy(), second.numpy(), temperature)
    assert float(loss) == pytest.approx(wanted, rel=1e-12)


def test_the_one_sided_loss_is_a_cross_entropy_over_keys():
    first, second = normal(6, 4), normal(6, 4, seed=1)
    u, v = (z / z.norm(dim=1, keepdim=True) for z in (first, second))
    chances = torch.softmax(u @ v.T / 0.7, dim=1).diagonal()
    loss = NTXentLoss(0.7, symmetric=False, reduction="none")(first, second)
    torch.testing.assert_close(loss, -chances.log())


def test_nt_xent_ignores_lengths_and_the_order_of_rows():
    first, second = normal(8, 3), normal(8, 3, seed=1)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(2))
    scale = torch.rand(8, 1, dtype=torch.float64) + 0.1
    loss = NTXentLoss()
    torch.testing.assert_close(
        loss(first[order] * scale, second[order]), loss(first, second)
    )


def test_nt_xent_stays_finite_at_small_temperatures():
    z = normal(8, 3).float()
    assert bool(torch.isfinite(NTXentLoss(1e-3)(z, z)))


@pytest.mark.parametrize("n", [2, 7])
def test_equal_projections_are_a_guess_among_all_others(n):
    z = normal(1, 3).repeat(n, 1)
    assert float(NTXentLoss(0.1)(z, z)) == pytest.approx(math.log(2 * n - 1))
    one_sided = NTXentLoss(0.1, symmetric=False)(z, z)
    assert float(one_sided) == pytest.approx(math.log(n))


def test_rows_that_are_there_twice_change_no_correlation():
    za, zb = normal(20, 3), normal(20, 3, seed=1)
    twice = BarlowTwinsLoss(eps=0.0)(za.repeat(2, 1), zb.repeat(2, 1))
    # Deviations divide by n - 1: 19 / 20 becomes 39 / 40.
    u, v = (z - z.mean(0) for z in (za, zb))
    c = (u.T @ v) / (u.norm(dim=0).unsqueeze(1) * v.norm(dim=0)) * 39 / 40
    off = c.square().sum() - c.diagonal().square().sum()
    wanted = (c.diagonal() - 1).square().sum() + off / 3
    assert float(twice) == pytest.approx(float(wanted))


def test_reductions_agree():
    pair = normal(5, 3), normal(5, 3, seed=1)
    rows = NTXentLoss(reduction="none")(*pair)
    torch.testing.assert_close(NTXentLoss()(*pair), rows.mean())
    torch.testing.assert_close(NTXentLoss(reduction="sum")(*pair), rows.sum())


def test_gradients_are_right():
    za, zb, zm = (normal(6, 3, seed=k).requires_grad_() for k in range(3))
    perm = torch.tensor([3, 0, 5, 1, 2, 4])
    mixed = MixedBarlowTwinsLoss(mix_target="rescaled")
    assert torch.autograd.gradcheck(NTXentLoss(), (za, zb))
    assert torch.autograd.gradcheck(BarlowTwinsLoss(), (za, zb))
    assert torch.autograd.gradcheck(lambda *z: mixed(*z, 0.3, perm), (za, zb, zm))


def looped_mixed(za, zb, zm, share, perm, lambd, weight, rescaled):
    """The formulas of the paper, entry by entry, with numpy's own deviations."""
    za, zb, zm = ((z - z.mean(axis=0)) / z.std(axis=0, ddof=1) for z in (za, zb, zm))
    n, d = za.shape
    scale = math.hypot(share, 1 - share) if rescaled else 1.0
    total = 0.0
    for i in range(d):
        for j in range(d):
            c = (za[:, i] * zb[:, j]).sum() / n
            total += (c - 1) ** 2 if i == j else lambd * c**2
            for other in (za, zb):
                met = (zm[:, i] * other[:, j]).sum() / n
                wanted = share * (za[:, i] * other[:, j]).sum() / n
                wanted += (1 - share) * (zb[perm, i] * other[:, j]).sum() / n
                total += weight * lambd * (met - wanted / scale) ** 2
    return total


@pytest.mark.parametrize("target", ["paper", "rescaled"])
def test_the_mixed_loss_equals_the_papers_formulas(target):
    za, zb, zm = (normal(9, 4, seed=k) for k in range(3))
    perm = torch.tensor([3, 0, 5, 1, 2, 4, 8, 7, 6])
    loss = MixedBarlowTwinsLoss(0.05, mix_weight=3.0, mix_target=target, eps=0.0)
    wanted = looped_mixed(
        *(z.numpy() for z in (za, zb, zm)),
        0.3, perm.numpy(), 0.05, 3.0, target == "rescaled",
    )  # fmt: skip
    assert float(loss(za, zb, zm, 0.3, perm)) == pytest.approx(wanted, rel=1e-12)


def whitened(n, d):
    z = normal(n, d)
    return torch.linalg.qr(z - z.mean(dim=0))[0]


def test_equal_white_views_have_the_smallest_loss():
    # Deviations divide by n - 1, products by n: the diagonal is (n - 1) / n.
    z = whitened(50, 4)
    assert float(BarlowTwinsLoss(eps=0.0)(z, z)) == pytest.approx(4 / 50**2)


def test_equal_columns_are_punished_by_lambd():
    column = normal(400, 1)
    z = column.repeat(1, 3)
    loss = float(BarlowTwinsLoss(0.5, eps=0.0)(z, z))
    assert loss == pytest.approx(0.5 * 6 + 3 / 400**2, abs=0.02)


def test_scale_and_shift_of_columns_do_not_matter():
    za, zb = normal(30, 3), normal(30, 3, seed=1)
    loss = BarlowTwinsLoss(eps=0.0)
    scale = torch.tensor([0.1, 2.0, 30.0], dtype=torch.float64)
    torch.testing.assert_close(loss(za * scale + 5, zb), loss(za, zb))


def test_alpha_of_one_leaves_no_mixed_part():
    za, zb = normal(20, 3), normal(20, 3, seed=1)
    _, mix = MixedBarlowTwinsLoss().parts(za, zb, za, 1.0, torch.randperm(20))
    assert float(mix) == 0.0


def test_a_linear_net_meets_the_rescaled_target_only():
    # Mixed outputs of a linear net are the mixture of outputs, whose deviation is
    # smaller by hypot(alpha, 1 - alpha); the published target leaves that out.
    n, share = 4000, 0.5
    xa, weight = normal(n, 6), normal(6, 4, seed=1)
    xb = xa + 0.1 * normal(n, 6, seed=2)
    perm = torch.randperm(n, generator=torch.Generator().manual_seed(3))
    za, zb = xa @ weight, xb @ weight
    zm = (share * xa + (1 - share) * xb[perm]) @ weight
    parts = {
        target: float(
            MixedBarlowTwinsLoss(mix_target=target).parts(za, zb, zm, share, perm)[1]
        )
        for target in ("paper", "rescaled")
    }
    assert parts["rescaled"] < 5e-3
    assert parts["paper"] > 100 * parts["rescaled"]


def test_dead_columns_stay_finite():
    z = normal(10, 3)
    z[:, 1] = 7.0
    loss = MixedBarlowTwinsLoss()(z, z, z, 0.4, torch.randperm(10))
    assert bool(torch.isfinite(loss))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NTXentLoss(0.0), "'temperature' .* above 0. Got 0.0"),
        (lambda: NTXentLoss(reduction="all"), "'reduction' .* Got 'all'"),
        (lambda: BarlowTwinsLoss(-1.0), "'lambd' .* Got -1.0"),
        (lambda: MixedBarlowTwinsLoss(mix_weight=True), "'mix_weight' .* Got True"),
        (lambda: MixedBarlowTwinsLoss(mix_target="a"), "'mix_target' .* Got 'a'"),
        (lambda: BarlowTwinsLoss()(normal(1, 3), normal(1, 3)), "at least 2 rows"),
    ],
)
def test_bad_values_are_refused_by_name(make, message):
    with pytest.raises(BadInputError, match=message):
        make()
