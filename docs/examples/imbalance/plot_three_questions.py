# SPDX-License-Identifier: BSD-3-Clause
"""
Over-sampling wins the decision and loses the probability
=========================================================

Five columns of the breast-cancer table, with one malignant case to ten benign ones.
Class weights and SMOTE find more of the malignant cases than the plain model. They do
not rank the cases any better, and the probabilities they give are far too high: the
log-loss about doubles. A tuned threshold wins part of the decision and leaves the
probabilities alone.
"""

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler

from skoverfit.calibration import MulticlassTunedThresholdClassifierCV
from skoverfit.datasets import make_long_tail

X, y = load_breast_cancer(return_X_y=True)
# 1 is malignant, the class that is looked for.
X, y = make_long_tail(X[:, :5], 1 - y, imbalance_ratio=10, random_state=0)
np.bincount(y)

# %%
# The sampler is a step of the pipeline, so it only ever sees training rows.
plain = make_pipeline(StandardScaler(), LogisticRegression())
models = {
    "nothing": plain,
    "tuned threshold": MulticlassTunedThresholdClassifierCV(
        plain, cv=5, random_state=0
    ),
    "class weights": make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced")
    ),
    "SMOTE": make_pipeline(
        StandardScaler(), SMOTE(random_state=0), LogisticRegression()
    ),
}
splits = StratifiedShuffleSplit(n_splits=30, test_size=0.4, random_state=0)
scores = {name: [] for name in models}
for train, test in splits.split(X, y):
    for name, model in models.items():
        model.fit(X[train], y[train])
        probability = model.predict_proba(X[test])[:, 1]
        scores[name].append(
            [
                average_precision_score(y[test], probability),
                log_loss(y[test], probability),
                balanced_accuracy_score(y[test], model.predict(X[test])),
            ]
        )

# %%
# Points are means over 30 splits, lines go from the lower to the upper quartile. The
# splits overlap, so this shows how the scores vary and is no test of significance;
# ``skoverfit bench`` does that properly.
questions = [
    "ranking\n(average precision, higher is better)",
    "probability\n(log-loss, lower is better)",
    "decision\n(balanced accuracy, higher is better)",
]
figure, axes = plt.subplots(1, 3, figsize=(10, 2.8), sharey=True, layout="constrained")
for column, (ax, question) in enumerate(zip(axes, questions, strict=True)):
    for row, name in enumerate(models):
        values = np.array(scores[name])[:, column]
        ax.plot(np.quantile(values, [0.25, 0.75]), [row, row], color=f"C{row}")
        ax.plot(values.mean(), row, "o", color=f"C{row}")
    ax.set(title=question, yticks=range(len(models)), yticklabels=list(models))
    ax.title.set_fontsize("medium")
axes[0].invert_yaxis()
plt.show()
