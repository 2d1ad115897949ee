# SPDX-License-Identifier: BSD-3-Clause
"""
An over-confident model, measured and repaired
==============================================

Naive Bayes treats neighbouring pixels as if each were news of its own. It counts the
same evidence many times and is nearly certain of almost everything. The calibration
slope says so in one number, and temperature scaling repairs it without changing a
single decision.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

from skoverfit.metrics import calibration_slope_intercept, expected_calibration_error

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, stratify=y, train_size=500, random_state=0
)
bayes = GaussianNB(var_smoothing=1e-3)
models = {
    "naive Bayes": bayes,
    "with temperature": CalibratedClassifierCV(
        bayes, method="temperature", cv=5, ensemble=False
    ),
}
for model in models.values():
    model.fit(X_train, y_train)

# %%
# A slope of 1 is perfect; below 1 the forecasts are too extreme. All figures are of the
# rows that were not trained on.
for name, model in models.items():
    probability = model.predict_proba(X_test)
    slope, _ = calibration_slope_intercept(y_test, probability)
    print(
        f"{name:17} accuracy {model.score(X_test, y_test):.3f}  "
        f"slope {slope:.2f}  "
        f"calibration error {expected_calibration_error(y_test, probability):.3f}  "
        f"log-loss {log_loss(y_test, probability):.2f}"
    )

# %%
# How often is the predicted digit right, among rows of about equal certainty? On the
# diagonal a model keeps what it promises.
figure, ax = plt.subplots(figsize=(4.5, 4), layout="constrained")
ax.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
for (name, model), style in zip(models.items(), ["o-", "s--"], strict=True):
    probability = model.predict_proba(X_test)
    certainty = probability.max(axis=1)
    right = model.classes_[probability.argmax(axis=1)] == y_test
    tenths = np.array_split(np.argsort(certainty), 10)
    ax.plot(
        [certainty[rows].mean() for rows in tenths],
        [right[rows].mean() for rows in tenths],
        style,
        label=name,
    )
ax.set(xlim=(0.5, 1.02), ylim=(0.5, 1.02))
ax.set(xlabel="mean certainty of a tenth of the rows", ylabel="share that is right")
ax.legend()
plt.show()
