"""RCAL on pictures: a small part of CIFAR-10, and what each of its stages adds.

The pictures of ``../shared/data/image_cifar10_small.npz`` (500 a class to train, 100 to
test; the paper has 5000 and 1000). An exponential tail of ratio 10 or 100, then joint
noise of .2 or .4: the four settings of the paper's ablation. Stages are left out one
after the other, as there: mixup, anchors, calibrated Gaussians, contrastive pretraining
(what is left is plain training, ERM). All train the same net, three convolutions of 32,
64 and 128 channels and a layer of 128, where the paper has a ResNet-32: MoCo on
strongly changed pictures, then AdamW at 1e-3 with a cosine on moved and mirrored ones,
bfloat16. Accuracy on the clean, balanced test part. Nothing was chosen on these
pictures.

Each cell (ratio, noise, seed) is written to ``benchmarks/results/accuracy/
rcal_cifar.json`` when it is done, and is not run again while the package is unchanged.
Seeds are the outer loop. The tables go to ``benchmarks/results/rcal_cifar.md``.

    python benchmarks/accuracy/bench_rcal_cifar.py [--seeds 5] [--device cuda]

``--seeds 0`` only writes the tables again. A seed takes about two hours of one core:
``--side 16`` takes the means of 2 x 2 pixels, which is four times as fast, and
``--settings 10:0.2 100:0.4`` the mildest and the hardest setting only.
"""

# ruff: noqa: E402 - one thread is set before numpy is imported
from __future__ import annotations

import argparse
import hashlib
import itertools
import sys
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "speed"))

from _measure import RESULTS  # sets one thread, so before numpy

# isort: split
import numpy as np
import torch
from _cells import Row, Store, interval, shown
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.datasets import make_noisy_long_tail
from skoverfit.noisy_labels import RCALClassifier
from skoverfit.representation import ContrastiveEncoder, ImageViews

PICTURES = ROOT.parent / "shared" / "data" / "image_cifar10_small.npz"
SETTINGS = tuple(itertools.product((10, 100), (0.2, 0.4)))
WHOLE, ERM = "whole", "ERM"
# Each without what the one before it was without, and the paper's ablation beside it:
# accuracy in the four settings.
LADDER: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {
    WHOLE: ({}, (86.46, 83.43, 75.81, 69.78)),
    "no mixup": ({"mixup_alpha": 0.0}, (84.08, 79.27, 72.47, 64.83)),
    "nor anchors": ({"beta": 0.0}, (83.23, 78.12, 67.49, 58.27)),
    "nor Gaussians": ({"sampling_strategy": {}}, (80.40, 74.37, 64.02, 54.61)),
    ERM: ({"encoder": None}, (75.61, 70.13, 62.17, 48.11)),
}
STAGES = ("mixup", "anchors", "calibrated Gaussians", "contrastive pretraining")


class OnceTrained(ContrastiveEncoder):
    """An encoder that is trained once on the same rows, for all rungs of the ladder."""

    last: tuple[str, dict[str, Any]] = ("", {})

    def fit(self, X: Any, y: Any = None) -> OnceTrained:
        told = repr(sorted(self.get_params().items()))
        key = told + hashlib.sha256(np.ascontiguousarray(X)).hexdigest()
        if OnceTrained.last[0] != key:
            super().fit(X)
            OnceTrained.last = key, dict(vars(self))
        vars(self).update(OnceTrained.last[1])
        return self


def pictures(side: int) -> tuple[np.ndarray, ...]:
    """Return pixels and labels of both parts, channels first."""
    with np.load(PICTURES) as data:
        found = []
        for part in ("train", "test"):
            X = data[f"X_{part}"].transpose(0, 3, 1, 2).astype(np.float32) / 255
            step = X.shape[-1] // side
            X = X.reshape(len(X), 3, side, step, side, step).mean(axis=(3, 5))
            found += [X.reshape(len(X), -1), data[f"y_{part}"].astype(int)]
    return tuple(found)


def encoder(
    seed: int, side: int, epochs: int, device: str, *, trained: bool = True
) -> Any:
    """Return the encoder; a single step that moves nothing for a net from scratch."""
    kind, shape = OnceTrained if trained else ContrastiveEncoder, (3, side, side)
    return kind(
        (128,),
        method="moco",
        image_shape=shape,
        views=ImageViews(shape, crop="resized", scale=(0.2, 1.0), flip=True),
        batch_size=128,
        max_epochs=epochs if trained else 1,
        learning_rate=1e-3 if trained else 1e-12,
        mixed_precision="bfloat16",
        device=device,
        random_state=seed,
    )


def draw(ratio: int, rate: float, seed: int, side: int) -> tuple[Any, ...]:
    """Return a noisy long tail of the training pictures, and the test part."""
    X, y, X_test, y_test = pictures(side)
    drawn = make_noisy_long_tail(
        X,
        y,
        imbalance_ratio=ratio,
        n_max=int(np.bincount(y).max()),
        class_order=np.arange(10),
        noise="joint",
        rate=rate,
        random_state=seed,
    )
    return drawn, X_test, y_test


def probes(
    ratio: int, rate: float, seed: int, side: int, epochs: int, device: str
) -> dict[str, float]:
    """Return what a linear model with the right labels makes of frozen features."""
    drawn, X_test, y_test = draw(ratio, rate, seed, side)
    found = {}
    for name, trained in (("pretrained", True), ("untrained", False)):
        features = encoder(seed, side, epochs, device, trained=trained).fit(drawn.X)
        # Standardized, and strongly penalized: 2000 rows of 128 columns.
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05))
        model.fit(features.transform(drawn.X), drawn.y_clean)
        found[name] = round(float(model.score(features.transform(X_test), y_test)), 5)
    return found


def cell(
    ratio: int, rate: float, seed: int, side: int, epochs: int, device: str
) -> Row:
    """Run the ladder on one draw."""
    drawn, X_test, y_test = draw(ratio, rate, seed, side)
    options: dict[str, Any] = {"encoder": encoder(seed, side, epochs, device)}
    probed = probes(ratio, rate, seed, side, epochs, device)
    scores, seconds, drift = {}, {}, {}
    for name, (change, _) in LADDER.items():
        options |= change
        if options["encoder"] is None:
            options["encoder"] = encoder(seed, side, epochs, device, trained=False)
        begin = time.perf_counter()
        model = RCALClassifier(
            **options,
            view=ImageViews((3, side, side), flip=True, brightness=0.0),
            max_epochs=epochs,
            device=device,
            random_state=seed,
        ).fit(drawn.X, drawn.y)
        scores[name] = round(float((model.predict(X_test) == y_test).mean()), 5)
        seconds[name] = round(time.perf_counter() - begin, 1)
        drift[name] = round(float(model.feature_drift_[-1]), 4)
        print(f"  {name} {scores[name]:.3f}, {seconds[name]:.0f} s", flush=True)
    return {
        "ratio": ratio,
        "rate": rate,
        "seed": seed,
        "side": side,
        "epochs": epochs,
        "device": device,
        "rows": len(drawn.y),
        "probes": probed,
        "scores": scores,
        "wall_s": seconds,
        "drift": drift,
    }


def chosen(rows: list[Row], ratio: int, rate: float) -> list[Row]:
    return [row for row in rows if (row["ratio"], row["rate"]) == (ratio, rate)]


def gains(rows: list[Row], first: str, second: str) -> list[float]:
    return [row["scores"][first] - row["scores"][second] for row in rows]


def complete(rows: list[Row]) -> list[tuple[int, float]]:
    """Return the settings that each seed has."""
    seeds = {row["seed"] for row in rows}
    return [
        setting
        for setting in SETTINGS
        if seeds and {row["seed"] for row in chosen(rows, *setting)} == seeds
    ]


def over_settings(rows: list[Row], first: str, second: str) -> list[float]:
    """Return the mean gain of each seed over the settings that all seeds have."""
    found: dict[int, list[float]] = {}
    for setting in complete(rows):
        for row in chosen(rows, *setting):
            found.setdefault(row["seed"], []).extend(gains([row], first, second))
    return [float(np.mean(values)) for _, values in sorted(found.items())]


def pairs() -> list[tuple[str, str, str]]:
    """Return each stage with the rungs before and after it is left out."""
    rungs = list(LADDER)
    return [*zip(STAGES, rungs, rungs[1:], strict=False), ("all stages", WHOLE, ERM)]


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return the gains over all settings, by seed."""
    found = {}
    for stage, first, second in pairs():
        values = over_settings(rows, first, second)
        if values:
            found[stage] = interval(values)
    return {"gain over the settings": found}


def page(rows: list[Row], found: Row) -> list[str]:
    """Return ``rcal_cifar.md``."""
    epochs = sorted({row["epochs"] for row in rows})
    devices = sorted({row["device"] for row in rows})
    sides = sorted({row["side"] for row in rows})
    lines = [
        "# RCAL on a small part of CIFAR-10",
        "",
        f"Code {', '.join(found['code'])}, {found['when']}; "
        f"{', '.join(map(str, epochs))} epochs a stage (the paper's are not known to "
        f"us), device {', '.join(devices)}, pictures of "
        f"{', '.join(f'{side} x {side}' for side in sides)} pixels (32 x 32 in the "
        "paper). 500 pictures in the largest class where "
        "the paper has 5000, a net of three convolutions where it has a ResNet-32: "
        "the gains can be compared, the accuracies can't. "
        "`benchmarks/accuracy/bench_rcal_cifar.py` says how.",
        "",
        "Gain of each stage in points of accuracy, with 95 % intervals over the "
        "seeds, and the published one:",
        "",
        "| ratio, noise | seeds | " + " | ".join(stage for stage, _, _ in pairs()),
        "|---" * (len(pairs()) + 2) + "|",
    ]
    lines[-2] += " |"
    for k, (ratio, rate) in enumerate(SETTINGS):
        own = chosen(rows, ratio, rate)
        if not own:
            continue
        cells = [
            f"{shown(gains(own, a, b))}; paper "
            f"{(LADDER[a][1][k] - LADDER[b][1][k]) / 100:+.3f}"
            for _, a, b in pairs()
        ]
        lines.append(f"| {ratio}, {rate:g} | {len(own)} | " + " | ".join(cells) + " |")
    whole = [over_settings(rows, a, b) for _, a, b in pairs()]
    if whole[0]:
        cells = []
        for values, (_, a, b) in zip(whole, pairs(), strict=True):
            run = [SETTINGS.index(setting) for setting in complete(rows)]
            published = np.subtract(LADDER[a][1], LADDER[b][1])[run]
            paper = published.mean() / 100
            cells.append(f"{shown(values)}; paper {paper:+.3f}")
        told = "; ".join(f"{ratio}, {rate:g}" for ratio, rate in complete(rows))
        lines.append(
            f"| mean of {told} | {len(whole[0])} | " + " | ".join(cells) + " |"
        )
    lines += [
        "",
        "The method's premise is features that were learnt without labels and are "
        "better than those learnt from wrong ones. *Pretrained* and *untrained*: "
        "accuracy of a linear model on the frozen features of the encoder, and on "
        "those of one that learnt nothing, with the right labels of the same rows.",
        "",
        "Accuracy:",
        "",
        f"| ratio, noise | rows | {' | '.join(LADDER)} | pretrained | untrained |",
        "|---" * (len(LADDER) + 4) + "|",
    ]
    for ratio, rate in SETTINGS:
        own = chosen(rows, ratio, rate)
        if own:
            means = [f"{np.mean([r['scores'][m] for r in own]):.3f}" for m in LADDER]
            for name in ("pretrained", "untrained"):
                known = [r["probes"][name] for r in own if "probes" in r]
                means.append(f"{np.mean(known):.3f}" if known else "-")
            lines.append(
                f"| {ratio}, {rate:g} | {own[0]['rows']} | {' | '.join(means)} |"
            )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog=Path(__file__).name)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--side", type=int, default=32, choices=(8, 16, 32))
    named = {f"{ratio}:{rate:g}": (ratio, rate) for ratio, rate in SETTINGS}
    parser.add_argument("--settings", nargs="+", choices=named, default=list(named))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # classes that lost their last row, and the like
    if not PICTURES.is_file():
        print(f"No pictures here: {PICTURES} does not exist.")
        return 1
    path = options.out / "accuracy" / "rcal_cifar.json"
    store = Store(path, ("ratio", "rate", "seed", "side", "epochs"), summary)
    seeds = range(options.first, options.first + options.seeds)
    settings = [named[name] for name in options.settings]
    for seed, (ratio, rate) in itertools.product(seeds, settings):
        key = ratio, rate, seed, options.side, options.epochs
        row = store.get(*key)
        if row is None:
            print(f"ratio {ratio}, noise {rate}, seed {seed}:", flush=True)
            store.add(cell(*key, options.device))
        elif "probes" not in row:
            store.add({**row, "probes": probes(*key, options.device)})
    lines = page(store.rows, store.write())
    (options.out / "rcal_cifar.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
