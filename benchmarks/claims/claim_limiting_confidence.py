"""Cross-entropy buys the first guess with the sixty-fourth; pass@N doesn't."""

import sys

import numpy as np
import torch
from _claim import Claim, Outcome, exceeds, falls_below, main, told
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from skorch import NeuralNetClassifier

from skoverfit.metrics import pass_at_n_score
from skoverfit.neural_network import PassAtNLoss

GUESSES = (1, 16, 64)
EPOCHS = (5, 20, 60, 150)
# Among which the fair baseline, a temperature when guesses are drawn, is chosen.
TEMPERATURES = np.geomspace(1, 30, 25)


def digits(seed):
    """Return rows to train, to choose on and to test, 30 % with random labels."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(len(y)) < 0.3, rng.integers(0, 10, len(y)), y)
    X = (X / 16).astype(np.float32)
    X, X_test, y, y_test = train_test_split(X, y, train_size=700, random_state=seed)
    return (X[:400], y[:400]), (X[400:], y[400:]), (X_test, y_test)


def trained(loss, train, epochs, seed):
    """Yield the net after each of these numbers of epochs."""
    torch.manual_seed(seed)
    net = NeuralNetClassifier(
        torch.nn.Sequential(
            torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
        ),
        criterion=loss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=50,
        iterator_train__shuffle=True,
        predict_nonlinearity=None,
        train_split=None,
        verbose=0,
    ).initialize()
    done = 0
    for epoch in epochs:
        net.fit_loop(*train, epochs=epoch - done)
        done = epoch
        yield epoch, net


def probabilities(net, X, temperature=1.0):
    logits = torch.as_tensor(net.predict_proba(X)).double()
    return torch.softmax(logits / temperature, dim=1).numpy()


def passes(net, rows, temperature=1.0):
    p = probabilities(net, rows[0], temperature)
    p /= p.sum(axis=1, keepdims=True)
    return {n: pass_at_n_score(rows[1], p, n, labels=range(10)) for n in GUESSES}


def run(seed):
    train, valid, test = digits(seed)
    found = {}
    for epoch, net in trained(PassAtNLoss(1), train, EPOCHS, seed):
        found["cross-entropy", epoch] = passes(net, test)
        if epoch == 60:
            for n in GUESSES:
                best = max(TEMPERATURES, key=lambda t, n=n: passes(net, valid, t)[n])
                found[f"cross-entropy, temperature for {n}", epoch] = passes(
                    net, test, best
                )
    for n in (16, 64):
        for epoch, net in trained(PassAtNLoss(n), train, (60,), seed):
            found[f"pass@{n}", epoch] = passes(net, test)
    return found


def experiment(seeds):
    runs = [run(seed) for seed in seeds]

    def less(first, second, n):
        return [r[first][n] - r[second][n] for r in runs]

    first, last = ("cross-entropy", EPOCHS[0]), ("cross-entropy", EPOCHS[-1])
    same = ("cross-entropy", 60)
    findings = [
        exceeds("cross-entropy, pass@1, epoch 150 over epoch 5", less(last, first, 1)),
        falls_below("the same, pass@64", less(last, first, 64)),
        exceeds(
            "epoch 60: trained for 16 guesses over cross-entropy, pass@16",
            less(("pass@16", 60), same, 16),
        ),
        exceeds(
            "epoch 60: trained for 64 guesses over cross-entropy, pass@64",
            less(("pass@64", 60), same, 64),
        ),
        exceeds(
            "its front: trained for 16 over trained for 64, pass@1",
            less(("pass@16", 60), ("pass@64", 60), 1),
        ),
        falls_below(
            "its price: trained for 64 guesses against cross-entropy, pass@1",
            less(("pass@64", 60), same, 1),
        ),
        *(
            told(
                f"trained for {n} guesses over cross-entropy with the best "
                f"temperature of held-out rows, pass@{n}",
                less((f"pass@{n}", 60), (f"cross-entropy, temperature for {n}", 60), n),
            )
            for n in (16, 64)
        ),
        told(
            "trained for 64 guesses over cross-entropy stopped at epoch 5, pass@64",
            less(("pass@64", 60), first, 64),
        ),
    ]
    table = {
        f"{name}, epoch {epoch}": {
            f"pass@{n}": float(np.mean([r[name, epoch][n] for r in runs]))
            for n in GUESSES
        }
        for name, epoch in runs[0]
    }
    return Outcome(findings, {"mean over seeds": table})


CLAIM = Claim(
    name="limiting_confidence",
    paper="Chen, Raventos, Cheng, Ganguli and Druckmann, Rethinking Fine-Tuning when "
    "Scaling Test-Time Compute: Limiting Confidence Improves Mathematical Reasoning, "
    "NeurIPS 2025, arXiv:2502.07154",
    published="Epochs of cross-entropy raise pass@1 and lower pass@256 (Llama-3-8B on "
    "MATH); the loss of N guesses raises pass@N, at the price of pass@1: its curves "
    "for several N are a Pareto front (chain of thought, epoch 3: pass@1 9.0 with "
    "cross-entropy and 8.3 with theirs, pass@64 61.7 and 63.1).",
    here="Digits instead of language: 400 training rows, 30 % random labels there and "
    "in the test, a net 64-128-10, Adam 1e-3, batches of 50. The temperature at which "
    "guesses are drawn, and early stopping, are the fair baselines; they are told.",
    seeds=range(20),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
