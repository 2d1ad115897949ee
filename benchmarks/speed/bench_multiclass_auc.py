"""One-vs-one AUC: ours against scikit-learn's, in one run, with memory beside it.

Prints the minimum of 7 alternating repeats of each, and the ratio theirs / ours.
"""

import time
import tracemalloc

import numpy as np
from sklearn.metrics import roc_auc_score

from skoverfit.metrics import multiclass_roc_auc

CASES = [(150, 3), (2_000, 10), (100_000, 10)]


def ours(y, p):
    return multiclass_roc_auc(y, p, average="ovo_macro", labels=np.arange(p.shape[1]))


def theirs(y, p):
    return roc_auc_score(y, p, multi_class="ovo", average="macro")


def seconds(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def peak_megabytes(function, *arguments):
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


for n, n_classes in CASES:
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, n)
    p = rng.dirichlet(np.ones(n_classes), n)
    assert abs(ours(y, p) - theirs(y, p)) < 1e-12
    times = [(seconds(ours, y, p), seconds(theirs, y, p)) for _ in range(7)]
    own, peer = (min(column) for column in zip(*times, strict=True))
    print(
        f"n={n} classes={n_classes}: ours {1e3 * own:.2f} ms, scikit-learn "
        f"{1e3 * peer:.2f} ms, ratio {peer / own:.1f}; peak memory "
        f"{peak_megabytes(ours, y, p):.1f} MB, {peak_megabytes(theirs, y, p):.1f} MB"
    )
