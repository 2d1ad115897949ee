"""A training step with each loss against one with cross-entropy.

One epoch of the held net over rows of 50 numbers, Adam, two classes; whole steps:
batch, forward, loss, backward, optimizer. Ratios are theirs over cross-entropy's, so
less is better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from _measure import Report, alternate, main

# isort: split
import numpy as np

from skoverfit.neural_network import EnsLoss, TabularMLPClassifier
from skoverfit.neural_network._training import train_stack

CASES = [((64, 64), 128), ((64, 64), 1024), ((256,) * 3, 128), ((256,) * 3, 1024)]
MOST = 1.5
REFERENCE = "cross-entropy"
LOSSES: dict[str, Any] = {
    REFERENCE: "cross_entropy",
    "EnsLoss": "ens_loss",
    "EnsLoss, expected ranks": EnsLoss(sampling="expected"),
    "hinge": "hinge",
    "focal": "focal",
    "LDAM": "ldam",
    "StableMax": "stablemax",
}


def epoch_with(
    loss: Any, X: np.ndarray, y: np.ndarray, hidden: Sequence[int], batch: int
) -> Callable[[], Any]:
    """Return one epoch of training."""
    estimator = TabularMLPClassifier(
        hidden,
        n_estimators=1,
        loss=loss,
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
    if hasattr(settings.loss, "prepare"):
        settings.loss.prepare(np.bincount(y))
    return lambda: train_stack([prepared], [settings])


def measure(report: Report) -> None:
    """Two nets, two batches; minimum of nine alternating runs."""
    n = 1_024 if report.quick else 16_384
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 50), dtype=np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    for hidden, batch in CASES:
        case = f"{len(hidden)}x{hidden[0]}, batch {batch}, {n} x 50"
        calls = {
            name: epoch_with(loss, X, y, hidden, batch) for name, loss in LOSSES.items()
        }
        found = alternate(calls, repeats=1 if report.quick else 9)
        report.timed(case, found)
        for name in list(LOSSES)[1:]:
            report.goal(
                case,
                f"step with {name} / with {REFERENCE}, CPU",
                found[name].cpu / found[REFERENCE].cpu,
                MOST if name == "EnsLoss" else None,
                at_most=True,
            )


if __name__ == "__main__":
    main(measure, __file__)
