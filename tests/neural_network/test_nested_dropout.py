# SPDX-License-Identifier: BSD-3-Clause
"""Nested dropout: its law, its order, its limits."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import NestedDropout
from skoverfit.neural_network._nested_dropout import best_width, width_probabilities


def drawn(layer, n_draws, n_features):
    """Widths of many batches of one row."""
    ones = torch.ones(1, n_features)
    return np.array([int(layer(ones).sum()) for _ in range(n_draws)])


@pytest.mark.parametrize("law", [
    {"sigma": 4.0}, {"sigma": 2.0, "mu": 5.0},
    {"sigma": 3.0, "distribution": "geometric"},
])  # fmt: skip
def test_widths_follow_the_law(law):
    layer = NestedDropout(**law)
    layer.generators = [torch.Generator().manual_seed(0)]
    k = np.arange(1, 13)
    if law.get("distribution") == "geometric":
        wanted = np.exp(-k / law["sigma"])
    else:
        wanted = np.exp(-(((k - law.get("mu", 0.0)) / law["sigma"]) ** 2))
    wanted /= wanted.sum()
    counts = np.bincount(drawn(layer, 4000, 12), minlength=13)[1:]
    frequent = wanted * 4000 >= 5
    observed = np.append(counts[frequent], counts[~frequent].sum())
    expected = np.append(wanted[frequent], wanted[~frequent].sum()) * 4000
    keep = expected > 0
    assert chisquare(observed[keep], expected[keep]).pvalue > 1e-3


def test_evaluation_with_all_features_is_the_identity():
    x = torch.randn(5, 7)
    for layer in (NestedDropout(), NestedDropout(n_active=7), NestedDropout(sigma=1e9)):
        assert torch.equal(layer.eval()(x), x)
    narrow = NestedDropout(n_active=2).eval()(x)
    assert torch.equal(narrow[:, :2], x[:, :2])
    assert not narrow[:, 2:].any()


def test_a_mode_far_beyond_the_last_feature_is_no_dropout():
    x = torch.randn(5, 7)
    assert torch.equal(NestedDropout(sigma=1.0, mu=1e3)(x), x)


def test_features_are_not_scaled_and_dropped_ones_get_no_gradient():
    x = torch.randn(4, 30, requires_grad=True)
    layer = NestedDropout(sigma=3.0)
    layer.generators = [torch.Generator().manual_seed(1)]
    out = layer(x)
    out.square().sum().backward()
    width = int((out[0] != 0).sum())
    assert 0 < width < 30
    assert torch.equal(out[:, :width], x[:, :width])
    assert not x.grad[:, width:].any()
    assert x.grad[:, :width].all()


def test_one_width_a_batch_or_one_a_row():
    ones = torch.ones(200, 20)
    batch = NestedDropout(sigma=8.0)(ones).sum(dim=1)
    rows = NestedDropout(sigma=8.0, per_sample=True)(ones).sum(dim=1)
    assert len(batch.unique()) == 1
    assert len(rows.unique()) > 5


def test_each_net_of_a_stack_draws_from_its_own_generator():
    stack, alone = NestedDropout(sigma=5.0, n_nets=2), NestedDropout(sigma=5.0)
    stack.generators = [torch.Generator().manual_seed(k) for k in (3, 4)]
    alone.generators = [torch.Generator().manual_seed(4)]
    for _ in range(5):
        both = stack(torch.ones(2, 6, 16))
        assert torch.equal(both[1], alone(torch.ones(6, 16)))
    with torch.no_grad():
        stack.active.copy_(torch.tensor([2.0, 0.0]))
    kept = stack.eval()(torch.ones(2, 3, 16)).sum(dim=2)
    assert kept.tolist() == [[2.0] * 3, [16.0] * 3]


def test_a_linear_autoencoder_finds_the_first_principal_component():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5)) * [3.0, 1.5, 1.0, 0.5, 0.2]
    X = (X @ np.linalg.qr(rng.normal(size=(5, 5)))[0]).astype(np.float32)
    X -= X.mean(axis=0)
    rows = torch.from_numpy(X)
    torch.manual_seed(0)
    down, up = torch.nn.Linear(5, 3, bias=False), torch.nn.Linear(3, 5, bias=False)
    layer = NestedDropout(sigma=2.0)
    parameters = [*down.parameters(), *up.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    for _ in range(800):
        optimizer.zero_grad()
        (up(layer(down(rows))) - rows).square().mean().backward()
        optimizer.step()
    first = np.linalg.svd(X, full_matrices=False)[2][0]
    found = up.weight.detach().numpy()[:, 0]
    assert abs(found @ first) / np.linalg.norm(found) > 0.99


def test_the_best_width_is_the_one_that_a_loop_finds():
    rng = np.random.default_rng(0)
    features, weight = rng.normal(size=(60, 8)), rng.normal(size=(8, 3))
    rest, codes = rng.normal(size=(60, 3)), rng.integers(3, size=60)
    accuracy = [
        np.mean((features[:, :k] @ weight[:k] + rest).argmax(axis=1) == codes)
        for k in range(1, 9)
    ]
    wanted = int(np.argmax(np.array(accuracy) - 1e-5 * np.arange(1, 9))) + 1
    assert best_width(features, weight, rest, codes) == wanted
    # Widths that are as good: the smallest.
    assert best_width(features, 0 * weight, rest, codes) == 1


def test_probabilities_of_widths_sum_to_one_in_extreme_laws():
    for sigma in (1e-3, 1.0, 1e12):
        p = width_probabilities(50, sigma)
        assert p.sum() == pytest.approx(1)
        assert np.isfinite(p).all()
    assert np.allclose(p, 1 / 50)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": 0}, "'sigma' parameter of NestedDropout"),
        ({"distribution": "normal"}, "'distribution' parameter"),
        ({"n_active": 0}, "'n_active' parameter"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(BadInputError, match=message):
        NestedDropout(**parameters)
