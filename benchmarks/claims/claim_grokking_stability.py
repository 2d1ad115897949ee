"""PerpGrad and StableMax on addition modulo a prime, without weight decay.

The optimizer is that of the official code, whose AdamW has ``eps=1e-25``: with torch's
1e-8 the tiny gradients of a net that fits all its rows would end the training by
themselves.
"""

import sys

import numpy as np
from _claim import Claim, Outcome, exceeds, falls_below, main, told
from torch import nn

from skoverfit.metrics import softmax_collapse_rate
from skoverfit.neural_network import PerpGrad, TabularMLPClassifier

PRIME, SHARE, WIDTH = 59, 0.4, 200
STEPS, LONG = 300, 2000
ARMS = {
    "cross-entropy": {},
    "PerpGrad": {"callbacks": [PerpGrad()]},
    "weight decay 1": {"weight_decay": 1.0},
    "StableMax": {"loss": "stablemax", "max_epochs": LONG},
}


def mlp(n_features, n_outputs):
    """Return the official net: no biases, torch's own start."""
    return nn.Sequential(
        nn.Linear(n_features, WIDTH, bias=False), nn.ReLU(),
        nn.Linear(WIDTH, WIDTH, bias=False), nn.ReLU(),
        nn.Linear(WIDTH, n_outputs, bias=False),
    )  # fmt: skip


def addition(seed):
    """Return the table of addition, with a random part of it to train on."""
    X = np.stack(np.divmod(np.arange(PRIME**2), PRIME), axis=1)
    order = np.random.default_rng(seed).permutation(len(X))
    n_train = int(SHARE * len(X))
    return X, X.sum(axis=1) % PRIME, order[:n_train], order[n_train:]


def run(arm, seed):
    """Train one net; return its accuracies and the collapse of its losses."""
    X, y, train, test = addition(seed)
    options = {"weight_decay": 0.0, "max_epochs": STEPS, **ARMS[arm]}
    net = TabularMLPClassifier(
        module=mlp,
        n_estimators=1,
        # Categories become one column a number: the one-hot pairs of the paper,
        # centred.
        categorical_features=[0, 1],
        learning_rate=0.01,
        # The official script's: 0.999 for StableMax, 0.99 for the others.
        optimizer_params={
            "betas": (0.9, 0.999 if arm == "StableMax" else 0.99),
            "eps": 1e-25,
        },
        batch_size=len(train),
        warmup_epochs=0,
        early_stopping=False,
        random_state=seed,
        **options,
    ).fit(X[train], y[train])
    found = {
        "train": net.score(X[train], y[train]),
        "test": net.score(X[test], y[test]),
    }
    if arm != "StableMax":
        # With all classes apart by their log-odds this is what the loss was made of.
        logs = net.decision_function(X[train])
        for dtype in ("float16", "float32"):
            found[dtype] = softmax_collapse_rate(y[train], logs, dtype=dtype)
    return found


def experiment(seeds):
    runs = {arm: [run(arm, seed) for seed in seeds] for arm in ARMS}

    def of(arm, name):
        return [each[name] for each in runs[arm]]

    findings = [
        exceeds(
            f"cross-entropy, training accuracy after {STEPS} steps",
            of("cross-entropy", "train"),
            0.99,
        ),
        falls_below(
            f"cross-entropy, test accuracy after {STEPS} steps",
            of("cross-entropy", "test"),
            0.1,
        ),
        exceeds(
            f"PerpGrad, test accuracy after {STEPS} steps", of("PerpGrad", "test"), 0.9
        ),
        exceeds(
            f"StableMax, test accuracy after {LONG} steps (published for 80,000)",
            of("StableMax", "test"),
            0.9,
        ),
        told(
            f"weight decay of 1, test accuracy after {STEPS} steps",
            of("weight decay 1", "test"),
        ),
        *(
            told(f"{arm}, share of training rows whose loss is 0 in {dtype}", values)
            for arm in ("cross-entropy", "PerpGrad")
            for dtype in ("float32", "float16")
            for values in [of(arm, dtype)]
        ),
    ]
    tables = {
        arm: {name: [each[name] for each in each_run] for name in each_run[0]}
        for arm, each_run in runs.items()
    }
    note = (
        f"StableMax was run for {LONG} steps of the 80,000 that it was published for, "
        "so its finding says only that it is no quick way."
    )
    return Outcome(findings, tables, [note])


CLAIM = Claim(
    name="grokking_stability",
    paper="Prieto, Barsbey, Mediano and Birdal, Grokking at the Edge of Numerical "
    "Stability, ICLR 2025, arXiv:2501.04697",
    published="On addition modulo 113 a net without regularization fits all training "
    "rows and stays at chance on the others. With gradients orthogonal to the weights "
    "(PerpGrad) it generalizes within 300 steps, with StableMax cross-entropy within "
    "80,000, both without weight decay (figures 1 and 6).",
    here=f"Addition modulo {PRIME} instead of 113, {SHARE:.0%} of the table to train "
    f"on, the official net ({WIDTH}-{WIDTH}, no biases) and AdamW (learning rate 0.01, "
    f"eps 1e-25), full batches, {STEPS} steps; StableMax {LONG} steps.",
    seeds=range(5),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
