"""One-vs-one AUC: ours against scikit-learn's, with memory beside it."""

from __future__ import annotations

from _measure import Report, alternate, main, traced_megabytes

# isort: split
import numpy as np
from sklearn.metrics import roc_auc_score

from skoverfit.metrics import multiclass_roc_auc


def measure(report: Report) -> None:
    """The values agree to rounding; so does what is measured."""
    cases = [(150, 3), (2_000, 10), (100_000, 10)]
    for n, n_classes in cases[:1] if report.quick else cases:
        rng = np.random.default_rng(0)
        y = rng.integers(0, n_classes, n)
        p = rng.dirichlet(np.ones(n_classes), n)
        labels = np.arange(n_classes)
        calls = {
            "ours": lambda y=y, p=p, labels=labels: multiclass_roc_auc(
                y, p, average="ovo_macro", labels=labels
            ),
            "peer": lambda y=y, p=p: roc_auc_score(
                y, p, multi_class="ovo", average="macro"
            ),
        }
        difference = abs(calls["ours"]() - calls["peer"]())
        assert difference < 1e-12, difference
        case = f"{n} rows, {n_classes} classes"
        found = alternate(calls, repeats=7)
        memory = {name: traced_megabytes(call) for name, call in calls.items()}
        report.timed(case, found, traced=memory)
        report.ratio(case, found, None)


if __name__ == "__main__":
    main(measure, __file__)
