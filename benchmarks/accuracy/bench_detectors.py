"""How well the detectors of wrong labels find them, and what they flag without any.

Three tables of figures: (1) digits with 20 % symmetric flips, the area under the curve
of each detector's quality for "is flipped", and what its mask hits; (2) the share of
digits as they are that is flagged; (3) for real tables as they are, the share that
confident learning flags, the share that it would flag if no label were wrong, and the
excess with its interval (`skoverfit.noisy_labels.excess_label_issues`), by
probabilities of two models, because a model that is wrong about a table makes suspects.

Rows go to ``benchmarks/results/accuracy/detectors_<part>.json``, tables of all parts to
``benchmarks/results/detectors.md``. Targets: area .99 for EL2N and memorization, .95
for the others but LOF; at most 5 % of clean digits flagged.

    python benchmarks/accuracy/bench_detectors.py [--parts digits tables] [--seeds 3]

``--parts`` without a part writes the tables from the rows that are there.
"""

# ruff: noqa: E402 - one thread is set before numpy is imported
from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "speed"))

from _measure import RESULTS, surroundings  # sets one thread, so before numpy

# isort: split
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skoverfit.datasets import make_label_noise
from skoverfit.noisy_labels import (
    ConfidentLearningFilter,
    CoTeachingClassifier,
    DetectorEnsemble,
    ForestDisagreementFilter,
    LOFClassFilter,
    NeighborDisagreementFilter,
    RowScoreFilter,
    SmallLossFilter,
    excess_label_issues,
)

DATA = ROOT.parent / "shared" / "data"
TABLES = (
    "multi_page_blocks", "multi_satimage", "multi_segment", "multi_vowel",
    "multi_yeast", "mixed_german", "mixed_adult_train", "smote_pima", "smote_phoneme",
    "imb_ecoli", "imb_oil", "imb_us_crime", "imb_wine_quality",
)  # fmt: skip
RATE = 0.2
PARTS = ("digits", "tables", "simulated")
# Detector -> how it is made, and the target of the area under the curve.
DETECTORS: dict[str, tuple[Callable[[int], Any], float | None]] = {
    "confident learning": (lambda s: ConfidentLearningFilter(random_state=s), 0.95),
    "neighbours": (lambda s: NeighborDisagreementFilter(), 0.95),
    "forest": (lambda s: ForestDisagreementFilter(random_state=s), 0.95),
    "small loss": (lambda s: SmallLossFilter(random_state=s), 0.95),
    "LOF within a class": (lambda s: LOFClassFilter(), None),
    "ensemble": (
        lambda s: DetectorEnsemble(
            [("near", "neighbors"), ("trees", "forest"), ("lof", "lof")],
            random_state=s,
        ),
        0.95,
    ),
    "loss": (lambda s: RowScoreFilter("loss", random_state=s), 0.95),
    "EL2N": (lambda s: RowScoreFilter("el2n", random_state=s), 0.99),
    "GraNd": (lambda s: RowScoreFilter("grand", random_state=s), 0.95),
    "forgetting": (lambda s: RowScoreFilter("forgetting", random_state=s), 0.95),
    "memorization": (lambda s: RowScoreFilter("memorization", random_state=s), 0.99),
}


def found_by(make: Callable[[int], Any], X: Any, y: Any, seed: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(seed).fit(X, y)


def on_digits(seeds: int, note: Callable[[dict[str, Any]], None]) -> None:
    X, y = load_digits(return_X_y=True)
    for name, (make, target) in DETECTORS.items():
        for seed in range(seeds):
            noisy, wrong = make_label_noise(
                y, rate=RATE, return_mask=True, random_state=seed
            )
            started = time.perf_counter()
            found = found_by(make, X, noisy, seed)
            seconds = time.perf_counter() - started
            quality, mask = found.label_quality_, found.issue_mask_
            clean = found_by(make, X, y, seed).issue_mask_
            note(
                {
                    "detector": name,
                    "target": target,
                    "seed": seed,
                    "auc": roc_auc_score(wrong, -np.nan_to_num(quality, nan=0.5)),
                    "flagged": mask.mean(),
                    "precision": wrong[mask].mean() if mask.any() else None,
                    "recall": mask[wrong].mean(),
                    "flagged_clean": clean.mean(),
                    "seconds": seconds,
                }
            )
    for seed in range(seeds):  # a net, whose choice of rows is a score
        noisy, wrong = make_label_noise(
            y, rate=RATE, return_mask=True, random_state=seed
        )
        started = time.perf_counter()
        net = CoTeachingClassifier(n_estimators=2, device="cpu", random_state=seed)
        frequency = net.fit(X, noisy).selection_frequency_
        note(
            {
                "detector": "co-teaching",
                "target": 0.95,
                "seed": seed,
                "auc": roc_auc_score(wrong, -frequency),
                "flagged": None,
                "precision": None,
                "recall": None,
                "flagged_clean": None,
                "seconds": time.perf_counter() - started,
            }
        )


def models() -> dict[str, Any]:
    nominal = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), nominal),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    return {
        "logistic": make_pipeline(columns, LogisticRegression(max_iter=1000)),
        "forest": make_pipeline(
            columns, RandomForestClassifier(100, min_samples_leaf=3, random_state=0)
        ),
    }


def on_tables(max_rows: int, note: Callable[[dict[str, Any]], None]) -> None:
    for name in TABLES:
        path = DATA / f"{name}.csv.gz"
        if not path.exists():
            print(f"{path.name} is absent: left out")
            continue
        frame = pd.read_csv(path)
        y = frame.pop("target").to_numpy()
        labels, counts = np.unique(y, return_counts=True)
        kept = np.isin(y, labels[counts >= 5])  # a fold each
        frame, y = frame[kept].reset_index(drop=True), y[kept]
        if len(y) > max_rows:
            frame, _, y, _ = train_test_split(
                frame, y, train_size=max_rows, stratify=y, random_state=0
            )
        for model, estimator in models().items():
            cv = StratifiedKFold(5, shuffle=True, random_state=0)
            p = cross_val_predict(estimator, frame, y, cv=cv, method="predict_proba")
            found = excess_label_issues(
                y, p, n_redraws=50, n_bootstrap=100, random_state=0
            )
            note(
                {
                    "table": name,
                    "rows": len(y),
                    "classes": len(found.classes),
                    "model": model,
                    "background": found.background,
                    **{
                        f"{share}_{field}": value
                        for share in ("flagged", "noise_rate")
                        for field, value in (
                            ("observed", getattr(found, share).observed),
                            ("expected", getattr(found, share).expected),
                            ("excess", getattr(found, share).excess),
                            ("interval", getattr(found, share).interval),
                            ("p_value", getattr(found, share).p_value),
                        )
                    },
                }
            )


def simulated(seeds: int, note: Callable[[dict[str, Any]], None]) -> None:
    """Measure how often overlap without noise has an excess, by its interval."""
    for model, estimator in {
        "logistic": LogisticRegression(),
        "forest": RandomForestClassifier(100, min_samples_leaf=3, random_state=0),
    }.items():
        for rate in (0.0, 0.1, 0.2):
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                y = rng.integers(3, size=1000)
                X = rng.normal(size=(1000, 5))
                X[np.arange(1000), y] += 2.0
                given = make_label_noise(y, rate=rate, random_state=seed) if rate else y
                p = cross_val_predict(estimator, X, given, method="predict_proba")
                found = excess_label_issues(
                    given, p, n_redraws=30, n_bootstrap=60, random_state=seed
                ).flagged
                note(
                    {
                        "model": model,
                        "rate": rate,
                        "seed": seed,
                        "observed": found.observed,
                        "excess": found.excess,
                        "above_zero": found.interval[0] > 0,
                        "covers": found.interval[0] <= rate <= found.interval[1],
                    }
                )


def report(rows: list[dict[str, Any]]) -> str:
    lines = ["# Detectors of wrong labels", "", __doc__.split("\n\n")[1], ""]
    digits = pd.DataFrame([r for r in rows if r["part"] == "digits"])
    lines += [
        f"## Digits, {RATE:.0%} of labels flipped, {digits.seed.nunique()} seeds", "",
        "| detector | area | least | target | flagged | right flags | found | clean "
        "digits flagged | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in dict.fromkeys(digits.detector):
        own = digits[digits.detector == name]
        target = own.target.iloc[0]
        cells = [name, f"{own.auc.mean():.4f}", f"{own.auc.min():.4f}"]
        cells.append("reported" if pd.isna(target) else f"{target:g}")
        for column in ("flagged", "precision", "recall", "flagged_clean"):
            mean = own[column].astype(float).mean()
            cells.append("-" if pd.isna(mean) else f"{mean:.3f}")
        lines.append("| " + " | ".join([*cells, f"{own.seconds.mean():.1f}"]) + " |")
    tables = [r for r in rows if r["part"] == "tables"]
    lines += [
        "", "## Real tables as they are: flags of confident learning", "",
        "| table | rows | classes | model | flagged | if no label were wrong | "
        "excess | 95 % interval |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in tables:
        low, high = r["flagged_interval"]
        lines.append(
            f"| {r['table']} | {r['rows']} | {r['classes']} | {r['model']} | "
            f"{r['flagged_observed']:.3f} | {r['flagged_expected']:.3f} | "
            f"{r['flagged_excess']:+.3f} | {low:+.3f} to {high:+.3f} |"
        )
    made = pd.DataFrame([r for r in rows if r["part"] == "simulated"])
    if len(made):
        lines += [
            "", "## Simulated: three Gaussians that overlap, with flips", "",
            "| model | flips | flagged | excess | interval above 0 | interval has the "
            "rate | runs |", "|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for (model, rate), own in made.groupby(["model", "rate"], sort=False):
            lines.append(
                f"| {model} | {rate:g} | {own.observed.mean():.3f} | "
                f"{own.excess.mean():+.3f} | {own.above_zero.mean():.2f} | "
                f"{own.covers.mean():.2f} | {len(own)} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--max-rows", type=int, default=2000)
    arguments = parser.parse_args()
    files = {part: RESULTS / "accuracy" / f"detectors_{part}.json" for part in PARTS}
    for part in arguments.parts:
        rows: list[dict[str, Any]] = []

        def note(row: dict[str, Any], rows: list = rows, part: str = part) -> None:
            rows.append({"part": part, **row})
            print(row, flush=True)
            content = {"surroundings": surroundings(), "rows": rows}
            files[part].write_text(json.dumps(content, indent=1, default=float) + "\n")

        if part == "digits":
            on_digits(arguments.seeds, note)
        elif part == "tables":
            on_tables(arguments.max_rows, note)
        else:
            simulated(10 * arguments.seeds, note)
    known = [json.loads(f.read_text())["rows"] for f in files.values() if f.exists()]
    (RESULTS / "detectors.md").write_text(
        report([row for part in known for row in part])
    )


if __name__ == "__main__":
    main()
