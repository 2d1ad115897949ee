"""Overfitting that is harmful after one step and benign after twenty."""

import sys

import numpy as np
import torch
from _claim import (
    Claim,
    Outcome,
    exceeds,
    falls_below,
    holds_in,
    lies_within,
    main,
    told,
)
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.datasets import make_xor_clusters
from skoverfit.inspection import GrokkingDisplay, linear_agreement
from skoverfit.neural_network import GrokkingMonitor

N_TEST = 1000


class XorNet(nn.Module):
    """Two layers: small random weights, then fixed signs; outputs are log-odds."""

    def __init__(self, n_features, seed, width=128, omega=1e-4):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        start = torch.randn(width, n_features, generator=generator)
        self.w = nn.Parameter(omega * start)
        self.register_buffer("a", (torch.arange(width) % 2 * 2.0 - 1) / width**0.5)

    def forward(self, x):
        margin = (x @ self.w.T).relu() @ self.a
        return torch.stack([torch.zeros_like(margin), margin], dim=-1)


def trained(seed, *, steps, n=200, d=2000, class_sep=12, flip=0.1, alpha=0.1, every=1):
    """Return what was noted, and the agreement with the sum of the rows."""
    X, y, clean, _ = make_xor_clusters(
        n + N_TEST,
        d,
        class_sep=class_sep,
        flip_y=flip,
        return_clean=True,
        random_state=seed,
    )
    X = X.astype(np.float32)
    monitor = GrokkingMonitor(X[n:], clean[n:], y_clean=clean[:n], every=every)
    net = NeuralNetClassifier(
        XorNet(d, seed),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=alpha,
        batch_size=n,
        max_epochs=1,
        train_split=None,
        callbacks=[monitor],
        warm_start=True,
        verbose=0,
    )
    net.fit(X[:n], y[:n])
    records = list(monitor.records_)
    first = linear_agreement(net, X[:n], y[:n], X[n:])
    net.set_params(max_epochs=steps - 1)
    net.fit(X[:n], y[:n])
    records += monitor.records_
    return records, first, linear_agreement(net, X[:n], y[:n], X[n:])


def at(runs, place, name):
    return [records[place][name] for records, *_ in runs]


def experiment(seeds):
    runs = [trained(seed, steps=100) for seed in seeds]
    weak = [
        trained(seed, steps=400, class_sep=6, alpha=0.5, every=399) for seed in seeds
    ]
    strong = [trained(seed, steps=2, class_sep=20, flip=0.15) for seed in seeds]
    kept = [
        all(row["train_accuracy"] == 1 for row in records[9:]) for records, *_ in runs
    ]
    shown = [GrokkingDisplay(*_curves(records)) for records, *_ in runs]
    findings = [
        exceeds(
            "noisy training accuracy after 1 step", at(runs, 0, "train_accuracy"), 0.99
        ),
        lies_within(
            "noisy training accuracy after 1 step, as measured before",
            at(runs, 0, "train_accuracy"),
            (0.88, 0.98),
        ),
        lies_within(
            "clean test accuracy after 1 step",
            at(runs, 0, "test_accuracy"),
            (0.46, 0.56),
        ),
        exceeds(
            "agreement with the sum of the rows after 1 step", [r[1] for r in runs], 0.9
        ),
        exceeds(
            "noisy training accuracy after 20 steps",
            at(runs, 19, "train_accuracy"),
            0.95,
        ),
        exceeds(
            "clean test accuracy after 20 steps", at(runs, 19, "test_accuracy"), 0.95
        ),
        exceeds(
            "clean test accuracy after 100 steps", at(runs, 99, "test_accuracy"), 0.99
        ),
        holds_in("all noisy labels fitted from step 10 to 100", kept, len(kept)),
        falls_below(
            "weak signal (length 6): clean test accuracy after 400 steps",
            at(weak, -1, "test_accuracy"),
            0.8,
        ),
        told("the same: noisy training accuracy", at(weak, -1, "train_accuracy")),
        told(
            "agreement with the sum of the rows after 100 steps", [r[2] for r in runs]
        ),
        told(
            "strong signal (length 20): noisy training accuracy after 2 steps",
            at(strong, 1, "train_accuracy"),
        ),
        told("the same: clean test accuracy", at(strong, 1, "test_accuracy")),
    ]
    steps = [1, 2, 3, 5, 10, 20, 50, 100]
    tables = {
        name: {str(s): float(np.mean(at(runs, s - 1, name))) for s in steps}
        for name in ("train_accuracy", "flipped_accuracy", "test_accuracy")
    }
    tables["first steps of fitting and of 95 % on new rows, a pair a seed"] = [
        [display.fit_step_, display.generalize_step_] for display in shown
    ]
    return Outcome(findings, tables)


def _curves(records):
    names = ("train_accuracy", "test_accuracy")
    return [range(1, len(records) + 1), *([row[n] for row in records] for n in names)]


CLAIM = Claim(
    name="xor_grokking",
    paper="Xu, Wang, Frei, Vardi and Hu, Benign Overfitting and Grokking in ReLU "
    "Networks for XOR Cluster Data, ICLR 2024, arXiv:2310.02541",
    published="After one step of gradient descent the net fits all training labels, "
    "wrong ones included, is a linear classifier and predicts at chance; after more "
    "steps it still fits them and predicts new rows almost perfectly.",
    here="200 rows in 2000 columns, centres of length 12, 10 % wrong labels, 128 "
    "hidden units, start 1e-4, step 0.1 on the whole batch, 1000 clean new rows. "
    "The proof is for wider nets, smaller starts and many more columns.",
    seeds=range(16),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
