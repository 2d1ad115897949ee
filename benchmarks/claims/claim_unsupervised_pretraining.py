"""Few labels, many rows: a latent model of all rows, and a small predictor on it."""

import sys

import numpy as np
from _claim import Claim, Outcome, exceeds, falls_below, main, told
from sklearn.linear_model import LogisticRegression, RidgeCV

from skoverfit.datasets import make_latent_factor
from skoverfit.representation import PretrainedClassifier, PretrainedRegressor

N_MORE, N_TEST = 5000, 2000
PENALTIES = np.logspace(-3, 4, 15)


def factor_errors(seed, n=40):
    """Return mean squared errors in units of the variance of y."""
    X, y, _ = make_latent_factor(n + N_MORE + N_TEST, random_state=seed)
    labeled, more, test = np.split(np.arange(len(y)), [n, n + N_MORE])

    def error(model):
        return float(np.mean((model.predict(X[test]) - y[test]) ** 2) / y[test].var())

    def head():
        return RidgeCV(PENALTIES)

    def fitted(encoder, rows):
        model = PretrainedRegressor(encoder, head(), n_components=5, random_state=seed)
        return model.fit(X[labeled], y[labeled], X_unlabeled=rows)

    return {
        "factor model of all rows": error(fitted("factor", X[more])),
        "factor model of the labeled rows": error(fitted("factor", None)),
        "ridge on the columns": error(head().fit(X[labeled], y[labeled])),
        "PCA of all rows": error(fitted("pca", X[more])),
    }


def mixture_accuracies(seed, n=20, n_components=6, d=30, m=4000):
    """Return accuracies where components of a mixture belong to two classes."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_components, d))
    which = rng.integers(n_components, size=n + m + N_TEST)
    X = centers[which] + rng.normal(size=(len(which), d))
    y = which % 2
    labeled, more, test = np.split(np.arange(len(y)), [n, n + m])
    if len(np.unique(y[labeled])) < 2:
        raise RuntimeError(f"seed {seed} has one class among the labels")
    pretrained = PretrainedClassifier(
        "gmm", n_components=n_components, random_state=seed
    ).fit(X[labeled], y[labeled], X_unlabeled=X[more])
    plain = LogisticRegression(max_iter=1000).fit(X[labeled], y[labeled])
    return {
        "mixture of all rows": float(pretrained.score(X[test], y[test])),
        "logistic regression on the columns": float(plain.score(X[test], y[test])),
    }


def experiment(seeds):
    errors = [factor_errors(seed) for seed in seeds]
    right = [mixture_accuracies(seed) for seed in seeds]

    def of(runs, name):
        return np.array([run[name] for run in runs])

    first = of(errors, "factor model of all rows")
    findings = [
        falls_below(
            f"relative error, factor model of all rows against {name}",
            first - of(errors, name),
        )
        for name in ("factor model of the labeled rows", "ridge on the columns")
    ]
    findings += [
        exceeds(
            "accuracy, mixture of all rows more than logistic regression",
            of(right, "mixture of all rows")
            - of(right, "logistic regression on the columns"),
        ),
        told(
            "relative error, PCA of all rows (the wrong model) less that of ridge",
            of(errors, "PCA of all rows") - of(errors, "ridge on the columns"),
        ),
    ]
    tables = {
        "relative squared error, 40 labels": {
            name: float(of(errors, name).mean()) for name in errors[0]
        },
        "accuracy, 20 labels": {
            name: float(of(right, name).mean()) for name in right[0]
        },
    }
    return Outcome(findings, tables)


CLAIM = Claim(
    name="unsupervised_pretraining",
    paper="Ge, Tang, Fan and Jin, On the Provable Advantage of Unsupervised "
    "Pretraining, ICLR 2024, arXiv:2303.01566",
    published="With m unlabeled rows and n labels, the excess risk of maximum "
    "likelihood and then a predictor on the latent is sqrt(C_model / m) + "
    "sqrt(C_predictor / n), against sqrt(C_both / n) for labels alone; theory only, "
    "for factor models, mixtures and contrastive learning.",
    here="The first two instances as experiments. Factor model: 100 columns, 5 "
    "factors, loadings 0.2, noise of different size in each column, 40 labels, 5000 "
    "further rows, ridge on the factors. Mixture: 6 Gaussians of 2 classes in 30 "
    "columns, 20 labels, 4000 further rows. The number of factors and of components "
    "is known.",
    seeds=range(20),
    experiment=experiment,
)

if __name__ == "__main__":
    sys.exit(main(CLAIM))
