# SPDX-License-Identifier: BSD-3-Clause
"""
Are there wrong labels, and which?
==================================

Digits with a fifth of the labels flipped, beside a table that is clean but hard. On
both, confident learning flags many labels. What tells them apart is the share that
would be flagged if no label were wrong.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from skoverfit.datasets import make_label_noise
from skoverfit.inspection import LabelIssuesDisplay, label_review_sheet

X, y = load_digits(return_X_y=True)
X = X / 16
y = make_label_noise(y, rate=0.2, random_state=0)
model = LogisticRegression(max_iter=300, C=0.1)

# %%
# Almost all suspects are more than hard rows explain: the orange marks lie at 1 %.
LabelIssuesDisplay.from_estimator(model, X, y, random_state=0)
plt.show()

# %%
# Three clouds that overlap. No label is wrong, and the marks lie at the bars.
rng = np.random.default_rng(0)
y_hard = rng.integers(3, size=1500)
X_hard = rng.normal(size=(1500, 4))
X_hard[np.arange(1500), y_hard] += 1.5
LabelIssuesDisplay.from_estimator(
    model, X_hard, np.array(["ash", "birch", "cedar"])[y_hard], random_state=0
)
plt.show()

# %%
# The worst rows one by one, on a page of their own: ``sheet.save("labels.html")``.
sheet = label_review_sheet(
    X, y, estimator=model, image_shape=(8, 8), n_rows=10, random_state=0
)
print(sheet.to_frame()[["row", "given_label", "suggested_label"]])
