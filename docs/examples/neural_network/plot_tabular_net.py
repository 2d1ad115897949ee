# SPDX-License-Identifier: BSD-3-Clause
"""
When a net should stop
======================

A net that is trained for long enough learns its training rows by heart, and becomes
sure of what it does not know. The tabular net holds out rows to notice that. One net
that does so is a gamble on few rows, so it averages nets that held out others.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skoverfit.inspection import TrainingCurveDisplay
from skoverfit.neural_network import TabularMLPClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=0.4, stratify=y, random_state=0
)

# %%
# One net without held-out rows, the same with, and eight nets that each leave out
# another eighth. All start at random here, so that there is something to learn; by
# default they start as a fitted logistic regression.
options = {"linear_start": False, "max_epochs": 80, "random_state": 0}
models = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "one net, no stop": TabularMLPClassifier(
        n_estimators=1, early_stopping=False, **options
    ),
    "one net": TabularMLPClassifier(n_estimators=1, **options),
    "eight nets": TabularMLPClassifier(**options),
    "eight nets, linear start": TabularMLPClassifier(max_epochs=80, random_state=0),
}
losses = {
    name: log_loss(y_test, model.fit(X_train, y_train).predict_proba(X_test))
    for name, model in models.items()
}
for name, loss in losses.items():
    print(f"{name:<26}{loss:.3f}")

# %%
# On the left the eight nets: the training loss goes to nothing, and the validation loss
# turns. Open circles are the weights that were kept: how late and how good they are
# depends on which 28 rows were held out. One net alone may stop at a bad place, and is
# worse here than one that never stops; the mean of eight is good whatever the parts.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.0), layout="constrained", width_ratios=(1.3, 1)
)
TrainingCurveDisplay.from_estimator(models["eight nets"], ax=left, legend=False)
left.legend(
    *(part[:3] for part in left.get_legend_handles_labels()),
    frameon=False,
    fontsize="small",
)
bars = right.barh(list(losses), list(losses.values()), color="#0072b2")
right.bar_label(bars, fmt="%.3f", padding=3)
right.set_xlabel("log-loss on new rows")
right.invert_yaxis()
right.margins(x=0.15)
right.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The history is a frame, too, with a row for each epoch and net.
models["eight nets"].history_frame().query("is_best").head(3)
