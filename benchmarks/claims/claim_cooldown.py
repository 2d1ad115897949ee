"""Rare domains drawn often at first, then as they are: faster, and no overfitting?"""

import sys

import numpy as np
import torch
from _claim import Claim, Outcome, exceeds, falls_below, main, told
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

from skoverfit.neural_network import Cooldown, TemperatureSampler

N_RARE, TAU, EPOCHS = 40, 5.0, 70
EARLY = 10  # epochs of 43 steps


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(65, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        )

    def forward(self, X, sample_weight=None):
        return self.layers(X)


class Weighted(NeuralNetClassifier):
    """A net whose rows may have weights: what the paper calls scalarization."""

    def get_loss(self, y_pred, y_true, X=None, training=False):
        rows = torch.nn.functional.cross_entropy(y_pred, y_true, reduction="none")
        return (rows * X["sample_weight"]).mean()


class OnTest(Callback):
    """Note the loss of each domain's test rows after each epoch."""

    def __init__(self, X, y, rare):
        self.X, self.y, self.rare = X, y, rare

    def on_epoch_end(self, net, **_):
        inputs = {"X": self.X, "sample_weight": np.ones(len(self.X), np.float32)}
        logits = torch.as_tensor(net.predict_proba(inputs)).double()
        p = torch.softmax(logits, dim=1).numpy()
        for name, rows in (("rare", self.rare), ("frequent", ~self.rare)):
            loss = log_loss(self.y[rows], p[rows], labels=range(10))
            net.history.record(name, loss)


def two_domains(seed):
    """Return digits, and digits with permuted pixels, most of which are dropped."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(64)
    rare = rng.random(len(y)) < 0.4
    X = np.where(rare[:, None], X[:, order], X) / 16
    X = np.column_stack([X, rare]).astype(np.float32)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.4, stratify=rare, random_state=seed
    )
    rows = np.flatnonzero(X[:, -1] == 1)
    X, y = (np.delete(part, rows[N_RARE:], axis=0) for part in (X, y))
    return X, y, X_test, y_test


def curves(seed, how):
    """Return the test losses of both domains, epoch by epoch."""
    X, y, X_test, y_test = two_domains(seed)
    rare = X[:, -1] == 1
    start = {"tau 1": 1.0, "weights": 1.0}.get(how, TAU)
    end = 1.0 if how in ("tau 1", "weights", "cooldown") else TAU
    weight = np.ones(len(y))
    if how == "weights":
        sizes = np.array([(~rare).sum(), rare.sum()])
        wanted = sizes ** (1 / TAU) / (sizes ** (1 / TAU)).sum()
        weight = (wanted / (sizes / sizes.sum()))[rare.astype(int)]
    torch.manual_seed(seed)
    net = Weighted(
        Module,
        optimizer=torch.optim.Adam,
        criterion=torch.nn.CrossEntropyLoss,
        lr=1e-3,
        batch_size=16,
        max_epochs=EPOCHS,
        train_split=None,
        predict_nonlinearity=None,
        iterator_train__sampler=TemperatureSampler(rare, start, random_state=seed),
        callbacks=[
            OnTest(X_test, y_test, X_test[:, -1] == 1),
            Cooldown(tau_start=start, tau_end=end),
        ],
        verbose=0,
    )
    net.fit({"X": X, "sample_weight": weight.astype(np.float32)}, y)
    return {name: np.array(net.history[:, name]) for name in ("rare", "frequent")}


WAYS = ("tau 1", "tau 5", "cooldown", "weights")


def experiment(seeds):
    runs = [{how: curves(seed, how) for how in WAYS} for seed in seeds]

    def rare(how, epoch):
        return np.array([run[how]["rare"][epoch - 1] for run in runs])

    def best(how):
        return np.array([run[how]["rare"].min() for run in runs])

    findings = [
        falls_below(
            "speed: loss of the rare domain after 10 epochs, tau 5 against tau 1",
            rare("tau 5", EARLY) - rare("tau 1", EARLY),
        ),
        falls_below(
            "the same, tau 5 by sampling against tau 5 by weights",
            rare("tau 5", EARLY) - rare("weights", EARLY),
        ),
        exceeds(
            "overfitting: loss of the rare domain, tau 5, last epoch over epoch 10",
            rare("tau 5", EPOCHS) - rare("tau 5", EARLY),
        ),
        falls_below(
            "last epoch, loss of the rare domain, cooldown against tau 5",
            rare("cooldown", EPOCHS) - rare("tau 5", EPOCHS),
        ),
        falls_below(
            "last epoch, loss of the rare domain, cooldown against tau 1",
            rare("cooldown", EPOCHS) - rare("tau 1", EPOCHS),
        ),
        told(
            "each at its own best epoch, cooldown against tau 5",
            best("cooldown") - best("tau 5"),
        ),
        told(
            "each at its own best epoch, cooldown against tau 1",
            best("cooldown") - best("tau 1"),
        ),
    ]
    table = {
        how: {
            f"{domain}, {when}": float(
                np.mean([run[how][domain][epoch - 1] for run in runs])
            )
            for domain in ("rare", "frequent")
            for when, epoch in (("epoch 10", EARLY), ("last epoch", EPOCHS))
        }
        | {"rare, best epoch": float(best(how).mean())}
        for how in WAYS
    }
    return Outcome(findings, {"mean test loss": table})


CLAIM = Claim(
    name="cooldown",
    paper="Li, Xu, Tan, Murray and Khashabi, Upsample or Upweight? Balanced Training "
    "on Heavily Imbalanced Datasets, NAACL 2025, arXiv:2410.04579",
    published="Sampling rare domains more often converges faster than weighting their "
    "loss, for its smaller variance, and overfits them; first a high temperature "
    "(tau 5), then a low one (tau 1), is as fast, does not overfit, and is as good as "
    "or better than constant temperatures (translation and language models).",
    here="Two domains of digits, the second with permuted pixels and 40 training rows "
    "of about 690, an indicator column, a net 65-64-10, Adam, batches of 16, 70 "
    "epochs, the default switch after a fifth of them; loss of the rare domain's test "
    "rows.",
    seeds=range(12),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
