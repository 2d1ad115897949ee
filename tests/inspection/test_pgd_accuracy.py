"""Accuracy under attack: closed forms of linear nets, limits, what is refused."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.inspection import pgd_accuracy
from skoverfit.neural_network import TabularMLPClassifier

QUICK = {"n_steps": 8, "n_restarts": 2, "random_state": 0}


def table(n=300):
    X, y = make_classification(
        n, 5, n_informative=4, n_redundant=0, class_sep=1.0, random_state=0
    )
    return X.astype(np.float32), y


def linear_net(X, y):
    torch.manual_seed(0)
    return NeuralNetClassifier(
        torch.nn.Linear(5, 2),
        criterion=torch.nn.CrossEntropyLoss,
        lr=0.5,
        max_epochs=10,
        train_split=None,
        verbose=0,
    ).fit(X, y)


def small_net(**options):
    return TabularMLPClassifier(
        hidden_layer_sizes=(16,),
        n_estimators=2,
        max_epochs=10,
        random_state=0,
        **options,
    )


@pytest.mark.parametrize("eps", [0.0, 0.05, 0.3, 1.0])
def test_a_linear_net_loses_the_rows_within_reach(eps):
    """The margin of a row falls by eps times the absolute sum of the weights."""
    X, y = table()
    net = linear_net(X, y)
    weight, bias = (p.detach().numpy().astype(float) for p in net.module_.parameters())
    w, b = weight[1] - weight[0], bias[1] - bias[0]
    margin = (2 * y - 1) * (X @ w + b)
    for frozen in (None, [0, 3]):
        reach = eps * np.abs(np.delete(w, frozen or [])).sum()
        found = pgd_accuracy(net, X, y, eps, frozen_features=frozen, **QUICK)
        assert found == pytest.approx(np.mean(margin > reach), abs=1.5 / len(y))


def test_a_box_holds_rows():
    X, y = table()
    net = linear_net(X, y)
    still = pgd_accuracy(net, X, y, 5.0, feature_range=(-1e-6, 1e-6), **QUICK)
    free = pgd_accuracy(net, X, y, 5.0, **QUICK)
    # Rows may only move towards the box, where all are the same row.
    assert free < still


def test_no_radius_is_the_accuracy_and_labels_may_be_strings():
    X, y = table()
    names = np.array(["no", "yes"])[y]
    net = small_net().fit(X, names)
    assert pgd_accuracy(net, X, names, 0.0) == net.score(X, names)
    weight = (y == 1).astype(float)
    expected = net.score(X, names, sample_weight=weight)
    assert pgd_accuracy(net, X, names, 0.0, sample_weight=weight) == expected


def test_a_wider_attack_and_more_restarts_find_more():
    X, y = table()
    net = small_net().fit(X, y)
    found = [pgd_accuracy(net, X, y, eps, **QUICK) for eps in (0.0, 0.1, 0.5, 1.5)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.3
    fewer, more = (
        pgd_accuracy(net, X, y, 0.4, n_steps=3, n_restarts=n, random_state=0)
        for n in (1, 4)
    )
    assert more <= fewer
    assert pgd_accuracy(net, X, y, 0.4, **QUICK) == pgd_accuracy(
        net, X, y, 0.4, **QUICK
    )


def test_training_against_the_attack_helps():
    from skoverfit.neural_network import AdversarialStep

    X, y = table()
    plain = small_net(early_stopping=False).fit(X, y)
    hard = small_net(
        early_stopping=False, batch_step=AdversarialStep(0.5, warmup_epochs=1)
    )
    hard.fit(X, y)
    assert pgd_accuracy(hard, X, y, 0.5, **QUICK) > pgd_accuracy(
        plain, X, y, 0.5, **QUICK
    )


def test_nominal_columns_do_not_move_and_the_net_stays():
    import pandas as pd

    rng = np.random.default_rng(0)
    kind = rng.integers(2, size=200)
    X = pd.DataFrame(
        {"kind": np.array(["a", "b"])[kind], "noise": rng.normal(size=200)}
    )
    net = small_net().fit(X, kind)
    before = net.predict_proba(X)
    assert pgd_accuracy(net, X, kind, 1e-3, **QUICK) == net.score(X, kind) == 1
    assert np.array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"eps": -1.0}, ValueError, "'eps' parameter"),
        ({"n_steps": 0}, ValueError, "'n_steps' parameter"),
        ({"feature_range": (1, 0)}, ValueError, "feature_range.*smaller first"),
        ({"frozen_features": [7]}, ValueError, "frozen_features.*7.*5 columns"),
        ({"y": np.full(300, 7)}, ValueError, "class 7, which the net"),
        ({"y": [0, 1]}, ValueError, "X has 300 rows, but y has 2"),
        ({"X": np.zeros((300, 5), int)}, TypeError, "floating-point rows"),
        ({"estimator": LogisticRegression()}, TypeError, "Got LogisticRegression"),
    ],
)
def test_bad_input_is_named(change, error, said):
    X, y = table()
    given = {"estimator": linear_net(X, y), "X": X, "y": y} | change
    with pytest.raises(error, match=said):
        pgd_accuracy(**given)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_any_number_of_channels_are_attacked_everywhere(channels):
    torch.manual_seed(0)
    X = torch.randn(60, channels, 4, 4)
    y = (X.mean(dim=(1, 2, 3)) > 0).long().numpy()
    net = NeuralNetClassifier(
        nn.Sequential(nn.Flatten(), nn.Linear(16 * channels, 2)), verbose=0,
        criterion=nn.CrossEntropyLoss, train_split=None, max_epochs=5, lr=0.1,
    ).fit(X.numpy(), y)  # fmt: skip
    weight, bias = (p.detach().numpy() for p in net.module_[1].parameters())
    w, b = weight[1] - weight[0], bias[1] - bias[0]
    margin = (2 * y - 1) * (X.flatten(1).numpy() @ w + b)
    wanted = np.mean(margin > 0.05 * np.abs(w).sum())
    assert pgd_accuracy(net, X.numpy(), y, 0.05, **QUICK) == pytest.approx(wanted)
