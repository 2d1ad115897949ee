"""RCAL, whole and its sampler alone, where labels are wrong in unequal classes.

Digits and the five ``multi_*`` tables of ``../shared/data``: 30 % of the rows are a
clean test part; the rest gets an exponential tail (ratio 10 or 50, at most 300 rows in
the largest class, larger classes first) and then wrong labels (joint noise .2 or .4).
Balanced accuracy on the test part. Everything trains the *same net* on the same
encoding: two layers of 128 with batch normalization and a linear head, AdamW at 1e-3
with a cosine, 100 epochs of batches of 128. Defaults throughout; seeds from 0 on, on
which nothing was chosen (development ran on seeds from 1000 on). Five tables of two
classes are reported beside and are no part of the goals.

Each cell (set, ratio, noise, seed) is written to
``benchmarks/results/accuracy/rcal.json`` when it is done, and is not run again while
the package is unchanged: a run that was cut off goes on. Seeds are the outer loop. The
table goes to ``benchmarks/results/accuracy.md``, behind that of the tabular net.

    python benchmarks/accuracy/bench_rcal.py [--seeds 20] [--minutes 40] [--sets digits]

``--seeds 0`` only writes the table again.
"""

# ruff: noqa: E402 - one thread is set before numpy is imported
from __future__ import annotations

import argparse
import itertools
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "speed"))

from _measure import RESULTS  # sets one thread, so before numpy

# isort: split
import numpy as np
import pandas as pd
import torch
from _cells import Row, Store, interval, shown
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler

from skoverfit.datasets import make_noisy_long_tail
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._encoder_module import NetStart
from skoverfit.noisy_labels import ConfidentLearningFilter, RCALClassifier
from skoverfit.over_sampling import SMOTE, CalibratedGaussianOverSampler
from skoverfit.representation import ContrastiveEncoder

DATA = ROOT.parent / "shared" / "data"
TABLES = ("satimage", "segment", "page_blocks", "vowel", "yeast")
SETS = ("digits", *TABLES)
# Two classes: reported beside, and no part of the goals.
BINARY = ("imb_ecoli", "imb_us_crime", "imb_mammography", "smote_pima", "smote_phoneme")
RATIOS, RATES = (10, 50), (0.2, 0.4)
N_MAX = 300
WIDTHS, BATCH, EPOCHS = (128, 128), 128, 100
WHOLE, ERM, ALONE = "RCAL", "ERM", "RCAL sampler"
METHODS = (ERM, "class weights", "SMOTE", "clean, SMOTE", ALONE, WHOLE)
HEADING = "# RCAL on noisy, long-tailed sets"


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and class codes of a set."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    name = name if name in BINARY else f"multi_{name}"
    frame = pd.read_csv(DATA / f"{name}.csv.gz")
    y = LabelEncoder().fit_transform(frame.pop("target").astype(str))
    return frame.to_numpy(dtype=np.float64), y


def encoder(name: str, seed: int, epochs: int = EPOCHS) -> ContrastiveEncoder:
    """Return the encoder of a set: views of images for digits, the same net."""
    shape = (8, 8) if name == "digits" else None
    return ContrastiveEncoder(
        WIDTHS,
        method="moco",
        image_shape=shape,
        architecture="mlp",
        batch_size=BATCH,
        max_epochs=epochs,
        device="cpu",
        random_state=seed,
    )


class SameNet(ClassifierMixin, BaseEstimator):
    """The net of RCAL on the encoding of RCAL, from fresh weights."""

    def __init__(self, name: str, seed: int, class_weight: Any = None) -> None:
        self.name, self.seed, self.class_weight = name, seed, class_weight

    def fit(self, X: np.ndarray, y: np.ndarray) -> SameNet:
        start = encoder(self.name, self.seed, epochs=1).fit(X).net_start()
        self.net_ = TabularMLPClassifier(
            n_estimators=1,
            learning_rate=1e-3,
            schedule="cosine",
            batch_size=BATCH,
            max_epochs=EPOCHS,
            early_stopping=False,
            class_weight=self.class_weight,
            device="cpu",
            random_state=self.seed,
        )
        self.net_._validate_params()
        fresh = NetStart(options=start.options, encoder=start.encoder)
        self.net_._fit(X, y, None, fresh)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.net_.predict(X)


def fitted(method: str, name: str, seed: int, X: np.ndarray, y: np.ndarray) -> Any:
    """Return a fitted classifier."""
    if method == WHOLE:
        model = RCALClassifier(
            encoder(name, seed),
            batch_size=BATCH,
            max_epochs=EPOCHS,
            device="cpu",
            random_state=seed,
        )
        return model.fit(X, y)
    if method == "clean, SMOTE":
        X, y = ConfidentLearningFilter(random_state=seed).fit_resample(X, y)
    if method in ("SMOTE", "clean, SMOTE"):
        X, y = SMOTE(random_state=seed).fit_resample(X, y)
    if method == ALONE:
        X, y = CalibratedGaussianOverSampler(random_state=seed).fit_resample(X, y)
    weight = "balanced" if method == "class weights" else None
    return SameNet(name, seed, weight).fit(X, y)


def cell(name: str, ratio: int, rate: float, seed: int) -> Row:
    """Run all methods on one draw of a set."""
    X, y = load(name)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    data = make_noisy_long_tail(
        X,
        y,
        imbalance_ratio=ratio,
        n_max=min(N_MAX, int(np.bincount(y).max())),
        noise="joint",
        rate=rate,
        random_state=seed,
    )
    # Samplers measure distances; pixels have one scale already.
    scaler = FunctionTransformer() if name == "digits" else StandardScaler()
    rows = scaler.fit_transform(data.X)
    test = scaler.transform(X_test)
    scores, seconds = {}, {}
    for method in METHODS:
        begin = time.process_time()
        predicted = fitted(method, name, seed, rows, data.y).predict(test)
        scores[method] = round(float(balanced_accuracy_score(y_test, predicted)), 5)
        seconds[method] = round(time.process_time() - begin, 2)
    return {
        "set": name,
        "ratio": ratio,
        "rate": rate,
        "seed": seed,
        "rows": len(data.y),
        "scores": scores,
        "cpu_s": seconds,
    }


def over_cells(rows: list[Row], name: str, rival: str) -> list[float]:
    """Return the mean gain of a seed over the cells of a set, for complete seeds."""
    gains: dict[int, list[float]] = {}
    for row in rows:
        if row["set"] == name:
            gain = row["scores"][WHOLE] - row["scores"][rival]
            gains.setdefault(row["seed"], []).append(gain)
    wanted = len(RATIOS) * len(RATES)
    return [float(np.mean(g)) for _, g in sorted(gains.items()) if len(g) == wanted]


def gates(rows: list[Row]) -> dict[str, Any]:
    """Return what the goals ask of each set."""
    names = [name for name in SETS if over_cells(rows, name, ERM)]
    alone = {name: interval(over_cells(rows, name, ALONE)) for name in names}
    erm = {name: interval(over_cells(rows, name, ERM)) for name in names}
    at_least = [name for name in names if alone[name][0] >= 0]
    better = [name for name in names if erm[name][1] > 0]
    return {
        "seeds": {name: len(over_cells(rows, name, ERM)) for name in names},
        "whole less sampler": alone,
        "whole less ERM": erm,
        "at least its sampler (goal: 4 of 6)": at_least,
        "better than ERM, whole interval (goal: all)": better,
        "passed": len(at_least) >= 4 and len(better) == len(SETS),
    }


def _two_classes(rows: list[Row]) -> list[str]:
    """Return the table of those sets that are reported only."""
    names = [name for name in BINARY if over_cells(rows, name, ERM)]
    if not names:
        return []
    lines = [
        "Tables of two classes, reported only:",
        "",
        "| set | seeds | " + " | ".join(f"less {m}" for m in METHODS[:-1]) + " |",
        "|---" * (len(METHODS) + 1) + "|",
    ]
    for name in names:
        gains = [over_cells(rows, name, m) for m in METHODS[:-1]]
        cells = " | ".join(shown(values) for values in gains)
        lines.append(f"| {name} | {len(gains[0])} | {cells} |")
    return [*lines, ""]


def page(rows: list[Row], found: Row) -> list[str]:
    """Return the section of ``accuracy.md``."""
    told = found["gates"]
    counts = sorted(set(told["seeds"].values())) or [0]
    span = "-".join(str(n) for n in dict.fromkeys((counts[0], counts[-1])))
    lines = [
        HEADING,
        "",
        f"Code {', '.join(found['code'])}, {found['when']}, {span} seeds (20 wanted), "
        "balanced accuracy on a clean test part, the same net for all, one thread. "
        "`benchmarks/accuracy/bench_rcal.py` says how; all cells are in "
        "`accuracy/rcal.json`.",
        "",
        "Gains of the whole method, means over ratio 10 and 50 and noise .2 and .4, "
        "paired by seed, with 95 % intervals over the seeds:",
        "",
        "| set | " + " | ".join(f"less {m}" for m in METHODS[:-1]) + " |",
        "|---" * len(METHODS) + "|",
    ]
    for name in told["seeds"]:
        gains = [shown(over_cells(rows, name, m)) for m in METHODS[:-1]]
        lines.append(f"| {name} | " + " | ".join(gains) + " |")
    alone = told["at least its sampler (goal: 4 of 6)"]
    better = told["better than ERM, whole interval (goal: all)"]
    lines += [
        "",
        f"At least as good as its own sampler on {len(alone)} of {len(SETS)} sets "
        f"(goal: 4): {', '.join(alone) or 'none'}. Better than ERM, the whole interval "
        f"above 0, on {len(better)} of {len(SETS)} (goal: all): "
        f"{', '.join(better) or 'none'}. {'PASS' if told['passed'] else 'FAIL'}.",
        "",
        *_two_classes(rows),
        "Each cell:",
        "",
        f"| set, ratio, noise | seeds | {' | '.join(METHODS)} | RCAL less ERM | "
        "less its sampler | less SMOTE | less clean, SMOTE | less class weights |",
        "|---" * (len(METHODS) + 7) + "|",
    ]
    for name, ratio, rate in itertools.product((*SETS, *BINARY), RATIOS, RATES):
        own = [
            row
            for row in rows
            if (row["set"], row["ratio"], row["rate"]) == (name, ratio, rate)
        ]
        if not own:
            continue
        means = [f"{np.mean([r['scores'][m] for r in own]):.3f}" for m in METHODS]
        gains = [
            shown([r["scores"][WHOLE] - r["scores"][m] for r in own])
            for m in (ERM, ALONE, "SMOTE", "clean, SMOTE", "class weights")
        ]
        lines.append(
            f"| {name}, {ratio}, {rate:g} | {len(own)} | "
            + " | ".join([*means, *gains])
            + " |"
        )
    return lines


def write_page(path: Path, lines: list[str]) -> None:
    """Put the section in the place of the one that is there, or at the end."""
    before = path.read_text().split(HEADING)[0].rstrip() if path.exists() else ""
    path.write_text("\n".join([before, "", *lines]).lstrip() + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=Path(__file__).name)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    every = [*SETS, *BINARY]
    parser.add_argument("--sets", nargs="+", choices=every, default=every)
    parser.add_argument("--minutes", type=float, help="begin no cell after this time")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of results")
    return parser.parse_args()


def main() -> int:
    options = parse()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # classes that lost their last row, and the like
    if not DATA.is_dir() and set(options.sets) != {"digits"}:
        print(f"No tables here: {DATA} does not exist.")
        return 1
    begin = time.monotonic()
    path = options.out / "accuracy" / "rcal.json"
    store = Store(path, ("set", "ratio", "rate", "seed"), gates)
    seeds = range(options.first, options.first + options.seeds)
    late: Callable[[], bool] = partial(bool, False)
    if options.minutes is not None:
        late = lambda: time.monotonic() - begin > 60 * options.minutes  # noqa: E731
    for seed, name, ratio, rate in itertools.product(
        seeds, options.sets, RATIOS, RATES
    ):
        if late() or store.get(name, ratio, rate, seed):
            continue
        row = cell(name, ratio, rate, seed)
        store.add(row)
        scores = ", ".join(f"{m} {s:.3f}" for m, s in row["scores"].items())
        total = sum(row["cpu_s"].values())
        print(f"{seed} {name} {ratio} {rate}: {scores}; {total:.0f} CPU s", flush=True)
    lines = page(store.rows, store.write())
    write_page(options.out / "accuracy.md", lines)
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
