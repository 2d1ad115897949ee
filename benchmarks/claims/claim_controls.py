"""Controls of the main job: does it find nothing where there is nothing?"""

import dataclasses
import hashlib
import sys

import numpy as np
from _claim import Claim, Outcome, holds_in, main
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression

from skoverfit.bench import Table, make_estimators, run_bench
from skoverfit.catalogue import get_remedy


def as_table(X, y, name):
    return Table(
        name=name,
        X=X,
        y=y.astype(np.int64),
        class_names=("no", "yes"),
        content_hash=hashlib.sha256(X.tobytes() + y.tobytes()).hexdigest(),
    )


def permuted(seed):
    """Real columns, a target that has nothing to do with them, 1:4."""
    X = load_breast_cancer().data[:300]
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [240, 60]))
    result = run_bench(
        [as_table(X, y, "permuted")],
        estimators=make_estimators(small=True),
        n_repeats=2,
        n_jobs=-1,
        random_state=seed,
    )
    return result.analysis["headline"] == "No remedy helps here."


def second_name(seed):
    """The baseline of each question against its twin."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 4))
    y = (X[:, 0] + rng.normal(size=120) > 0.5).astype(int)
    twin = dataclasses.replace(get_remedy("nothing"), name="twin", title="twin")
    result = run_bench(
        [as_table(X, y, "twin")],
        estimators=make_estimators(small=True),
        remedies=[twin],
        n_repeats=1,
        n_jobs=-1,
        random_state=seed,
    )
    found = [
        c
        for c in result.analysis["comparisons"]
        if c["remedy"] == "twin" and c["question"] != "decision"
    ]
    return len(found) == 8 and all(c["difference"] == 0 == c["upper"] for c in found)


def unregularized(seed):
    """200 rows and 400 columns, 120 of which tell something, 10 % random labels."""
    X, y = make_classification(
        200,
        400,
        n_informative=20,
        n_redundant=100,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=seed,
    )
    result = run_bench(
        [as_table(X, y, "wide")],
        estimators={"logistic": LogisticRegression(C=1e6, max_iter=2000)},
        n_repeats=5,
        n_jobs=-1,
        random_state=seed,
    )
    return any(
        c["outcome"] == "helps" and c["remedy"] == "stronger regularization"
        for c in result.analysis["comparisons"]
    )


CONTROLS = {
    "a permuted target: no remedy helps": (permuted, 19),
    "nothing under a second name: every difference is exactly 0": (second_name, 20),
    "C=1e6, more columns than rows: stronger regularization is found to help": (
        unregularized,
        18,
    ),
}


def experiment(seeds):
    findings, missed = [], {}
    for statement, (control, needed) in CONTROLS.items():
        held = [bool(control(seed)) for seed in seeds]
        findings.append(holds_in(statement, held, needed))
        missed[statement] = [s for s, ok in zip(seeds, held, strict=True) if not ok]
    return Outcome(findings, {"seeds without it": missed})


CLAIM = Claim(
    name="controls",
    paper="Our own promise about `skoverfit bench`",
    published="It finds nothing where there is nothing, and what is there.",
    here="Three controls with known answers.",
    seeds=range(20),
    experiment=experiment,
    own=True,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
