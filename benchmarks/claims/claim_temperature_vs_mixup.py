"""Where classes overlap: mixup against one temperature, fitted well or badly."""

import sys

import numpy as np
import torch
from _claim import Claim, Outcome, exceeds, falls_below, main, told
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skoverfit.datasets import make_label_noise
from skoverfit.metrics import expected_calibration_error
from skoverfit.neural_network import Mixup, TabularMLPClassifier

RATES = (0.0, 0.25, 0.5)
MEASURES = ("NLL", "ECE")


def net(seed, batch_step=None):
    """A net that fits all rows, as those of the paper do."""
    return TabularMLPClassifier(
        hidden_layer_sizes=(128,),
        dropout=0.0,
        linear_start=False,
        weight_decay=0.0,
        n_estimators=1,
        batch_size=64,
        learning_rate=3e-3,
        max_epochs=80,
        early_stopping=False,
        batch_step=batch_step,
        random_state=seed,
    )


def temperature_of_the_code(logits, y):
    """One step of LBFGS with a rate of 0.01 from 1, as the authors' code has it."""
    scale = torch.ones(1, dtype=torch.float64, requires_grad=True)
    logits, y = torch.as_tensor(logits).double(), torch.as_tensor(y)
    optimizer = torch.optim.LBFGS([scale], lr=0.01)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits / scale, y)
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(scale.detach())


def softmax(logits):
    return torch.softmax(torch.as_tensor(logits).double(), dim=1).numpy()


def measured(p, y):
    p = p / p.sum(axis=1, keepdims=True)
    return {
        "NLL": float(log_loss(y, p, labels=range(10))),
        "ECE": float(
            expected_calibration_error(
                p.argmax(axis=1) == y, p.max(axis=1), n_bins=15, strategy="uniform",
                debias=False,
            )
        ),
    }  # fmt: skip


def scores(seed, rate):
    """Return the measures of each way on test rows with noisy and with clean labels."""
    X, clean = load_digits(return_X_y=True)
    X, y = X / 16, clean
    if rate:
        y = make_label_noise(clean, kind="asymmetric", rate=rate, random_state=seed)
    rest, test = train_test_split(np.arange(len(y)), test_size=0.4, random_state=seed)
    train, valid = train_test_split(
        rest, test_size=0.1, stratify=y[rest], random_state=seed
    )
    plain = net(seed).fit(X[train], y[train])
    mixed = net(seed, Mixup(1.0)).fit(X[train], y[train])
    tempered = CalibratedClassifierCV(
        FrozenEstimator(plain), method="temperature", cv=2
    )
    tempered.fit(X[valid], y[valid])
    scale = temperature_of_the_code(plain.predict_log_proba(X[valid]), y[valid])
    found = {
        "plain": plain.predict_proba(X[test]),
        "temperature": tempered.predict_proba(X[test]),
        "temperature of the code": softmax(plain.predict_log_proba(X[test]) / scale),
        "mixup": mixed.predict_proba(X[test]),
    }
    out = {}
    for name, p in found.items():
        at_clean = measured(p, clean[test])
        out[name] = measured(p, y[test]) | {
            f"{m}, clean labels": at_clean[m] for m in MEASURES
        }
    return out


def experiment(seeds):
    runs = {rate: [scores(seed, rate) for seed in seeds] for rate in RATES}

    def less(rate, rival, measure):
        return np.array([r["mixup"][measure] - r[rival][measure] for r in runs[rate]])

    findings = []
    for rate in RATES[1:]:
        for rival in ("plain", "temperature of the code", "temperature"):
            findings += [
                falls_below(
                    f"{measure}, {rate:.0%} wrong labels, mixup against {rival}",
                    less(rate, rival, measure),
                )
                for measure in MEASURES
            ]
    findings += [
        exceeds(
            "mixup's lead over the fitted temperature grows with the noise: NLL, "
            "50 % over 0 %",
            less(0.0, "temperature", "NLL") - less(0.5, "temperature", "NLL"),
        ),
        *(
            told(
                f"{measure} where nothing overlaps, mixup against {rival}",
                less(0.0, rival, measure),
            )
            for measure in MEASURES
            for rival in ("plain", "temperature")
        ),
        *(
            told(
                f"ECE by clean labels, 25% wrong in training, mixup against {rival}",
                less(0.25, rival, "ECE, clean labels"),
            )
            for rival in ("plain", "temperature")
        ),
    ]
    table = {
        f"{rate:.0%} wrong, {way}": {
            m: float(np.mean([r[way][m] for r in runs[rate]]))
            for m in runs[rate][0][way]
        }
        for rate in RATES
        for way in runs[rate][0]
    }
    return Outcome(findings, {"mean over seeds": table})


CLAIM = Claim(
    name="temperature_vs_mixup",
    paper="Chidambaram and Ge, On the Limitations of Temperature Scaling for "
    "Distributions with Overlaps, ICLR 2024, arXiv:2306.00740",
    published="Where classes overlap, one temperature can't repair a net that fits all "
    "rows, the less the larger the overlap, and mixup does: lower NLL and calibration "
    "errors (CIFAR-10, CIFAR-100, SVHN with 0, 25 and 50 % of a class's labels given "
    "to one other class).",
    here="Digits and a net 64-128-10 instead of images and ResNets; each class loses "
    "that share of its labels to one other class, in the training, the validation and "
    "the test rows (the paper's test labels are clean, which is told). Temperature "
    "twice: by scikit-learn, which finds the optimum, and by one step of LBFGS with a "
    "rate of 0.01, as in the authors' code, which hardly leaves 1.",
    seeds=range(15),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
