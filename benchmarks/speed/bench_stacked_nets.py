"""Stacked nets against hand-written torch loops with a fused Adam.

The bare loop is what a person writes for speed: one permutation an epoch, batches by
index, ``Adam(fused=True)``. Each net has a permutation of its own on both sides. The
first cases time the training of prepared rows; "whole fit" has our encoder, too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from _measure import Report, alternate, main

# isort: split
import numpy as np
import torch
from torch import nn

from skoverfit.neural_network import StackedNets, TabularMLPClassifier
from skoverfit.neural_network._stack_split import split_stack
from skoverfit.neural_network._training import train_stack

N, D, BATCH = 50_000, 50, 128
# Width of both hidden layers, goal against eight bare loops.
WIDTHS = [(64, 1.8), (32, 3.0)]
K = 8
MANY, MANY_ROWS = 400, 1_000  # trainings of the last case, and rows of each


def table(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 rows whose class is an interaction of two columns."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, D), dtype=np.float32)
    return X, (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def bare_loop(X: torch.Tensor, y: torch.Tensor, width: int, epochs: int) -> nn.Module:
    """Train one net as a person would by hand."""
    sizes = [D, width, width]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(width, 2))
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for first in range(0, len(X), BATCH):
            rows = order[first : first + BATCH]
            optimizer.zero_grad()
            loss(net(X[rows]), y[rows]).backward()
            optimizer.step()
    return net


def estimators(k: int, width: int, epochs: int) -> list[TabularMLPClassifier]:
    """Return k plain nets: what the bare loop trains, and nothing more."""
    return [
        TabularMLPClassifier(
            (width, width),
            n_estimators=1,
            dropout=0.0,
            numeric_embedding=None,
            linear_start=False,
            early_stopping=False,
            optimizer="adam",
            learning_rate=1e-3,
            weight_decay=0.0,
            warmup_epochs=0,
            batch_size=BATCH,
            max_epochs=epochs,
            device="cpu",
            random_state=seed,
        )
        for seed in range(k)
    ]


def train_prepared(X: np.ndarray, y: np.ndarray, nets: list[Any]) -> Any:
    """Return a call that trains and takes apart the stack of prepared estimators."""
    settings = [net._settings() for net in nets]
    prepared = [
        net._prepare(X, y, None, own, hold_out=False)[0]
        for net, own in zip(nets, settings, strict=True)
    ]
    for each in prepared:  # one table, as `StackedNets` finds out by itself
        each.rows, each.target = prepared[0].rows, prepared[0].target
    return lambda: split_stack(train_stack(prepared, settings), prepared, settings)


def eight(report: Report, width: int, goal: float) -> None:
    """Eight nets on one table."""
    X, y = table(2_000 if report.quick else N)
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    nets = estimators(K, width, 1)
    calls = {
        "ours": train_prepared(X, y, nets),
        "ours, whole fit": lambda: StackedNets(nets).fit(X, y),
        "peer": lambda: [bare_loop(rows, labels, width, 1) for _ in range(K)],
    }
    found = alternate(calls, repeats=1 if report.quick else 9)
    case = f"{K} nets 2x{width}, {len(X)} x {D}, batch {BATCH}, 1 epoch"
    report.timed(case, found)
    report.ratio(case, found, goal)
    report.ratio(f"{case}, whole fit", found, None, ours="ours, whole fit")


def many(report: Report) -> None:
    """Many trainings on halves of a table, as memorization scores need them."""
    k, n, epochs = (8, 400, 2) if report.quick else (MANY, MANY_ROWS, 10)
    X, y = table(2 * n)
    rng = np.random.default_rng(1)
    parts = [np.sort(rng.choice(2 * n, n, replace=False)) for _ in range(k)]
    nets = estimators(k, 64, epochs)
    tensors = [(torch.from_numpy(X[p]), torch.from_numpy(y[p])) for p in parts]
    calls = {
        "ours": lambda: StackedNets(nets).fit(X, y, rows=parts),
        "peer": lambda: [bare_loop(*pair, 64, epochs) for pair in tensors],
    }
    found = alternate(calls, repeats=1 if report.quick else 3, warm=0)
    case = f"{k} trainings 2x64 on {n} of {2 * n} rows, {epochs} epochs, whole fit"
    report.timed(case, found)
    report.ratio(case, found, None)
    report.note("The hope for the many trainings is a ratio of 2 or more.")


def measure(report: Report) -> None:
    """Both widths, then the many."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for width, goal in WIDTHS:
        eight(report, width, goal)
    many(report)


if __name__ == "__main__":
    main(measure, __file__)
