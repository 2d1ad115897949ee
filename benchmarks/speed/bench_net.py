"""The held net against a bare loop with the fused Adam, skorch and scikit-learn's MLP.

One epoch over 50 000 rows of 50 numbers, cross-entropy, Adam. The bare loop is what a
person writes by hand: a permutation an epoch, batches by index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from _measure import Report, alternate, main

# isort: split
import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._training import train_stack

# Hidden layers, batch, most of the bare loop's time, least ratio to stock skorch.
CASES = [
    ((256, 256, 256), 128, 1.10, 1.2),
    ((256, 256, 256), 1024, 1.10, 1.2),
    ((64, 64), 128, 1.20, 2.0),
    ((64, 64), 1024, 1.20, 2.0),
]


def plain_module(n_features: int, hidden: Sequence[int], n_outputs: int) -> nn.Module:
    """Return the multi-layer perceptron that a person writes."""
    layers: list[nn.Module] = []
    width = n_features
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))


def bare_loop(
    X: torch.Tensor, y: torch.Tensor, hidden: Sequence[int], batch: int
) -> nn.Module:
    """Train for one epoch, by hand."""
    torch.manual_seed(0)
    net = plain_module(X.shape[1], hidden, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    criterion = nn.CrossEntropyLoss()
    order = torch.randperm(len(X))
    for first in range(0, len(X), batch):
        rows = order[first : first + batch]
        optimizer.zero_grad()
        criterion(net(X[rows]), y[rows]).backward()
        optimizer.step()
    return net


def calls_of(
    X: np.ndarray, y: np.ndarray, hidden: Sequence[int], batch: int
) -> dict[str, Callable[[], Any]]:
    """Return what is timed."""
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    estimator = TabularMLPClassifier(
        hidden,
        n_estimators=1,
        optimizer="adam",
        learning_rate=1e-3,
        weight_decay=0.0,
        warmup_epochs=0,
        dropout=0.0,
        linear_start=False,
        numeric_embedding=None,
        batch_size=batch,
        max_epochs=1,
        early_stopping=False,
        random_state=0,
    )
    settings = estimator._settings()
    prepared, _ = estimator._prepare(X, y, None, settings, hold_out=False)

    def skorch() -> Any:
        torch.manual_seed(0)
        return NeuralNetClassifier(
            plain_module(X.shape[1], hidden, 2),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=batch,
            max_epochs=1,
            train_split=None,
            iterator_train__shuffle=True,
            verbose=0,
        ).fit(X, y)

    return {
        "held net": lambda: train_stack([prepared], [settings]),
        "bare loop": lambda: bare_loop(rows, labels, hidden, batch),
        "skorch": skorch,
        "whole fit": lambda: estimator.fit(X, y),
        "MLPClassifier": lambda: MLPClassifier(
            hidden, batch_size=batch, max_iter=1, random_state=0
        ).fit(X, y),
    }


def measure(report: Report) -> None:
    """Four shapes; minimum of nine alternating runs."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
    n = 2_000 if report.quick else 50_000
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 50), dtype=np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    for hidden, batch, most, least in CASES:
        case = f"{len(hidden)}x{hidden[0]}, batch {batch}, {n} x 50"
        found = alternate(
            calls_of(X, y, hidden, batch), repeats=1 if report.quick else 9
        )
        report.timed(case, found)
        share = found["held net"].cpu / found["bare loop"].cpu
        report.goal(case, "held net / bare loop, CPU", share, most, at_most=True)
        share = found["whole fit"].cpu / found["bare loop"].cpu
        report.goal(case, "whole fit / bare loop, CPU", share, None)
        report.ratio(case, found, least, ours="held net", peer="skorch")
        report.ratio(case, found, None, ours="held net", peer="MLPClassifier")


if __name__ == "__main__":
    main(measure, __file__)
