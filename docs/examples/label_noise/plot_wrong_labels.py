# SPDX-License-Identifier: BSD-3-Clause
"""
What wrong training labels cost, and whom
=========================================

A share of the training labels of the digits is replaced by other classes; the test rows
keep their clean labels. A model that memorizes, one nearest neighbour, loses as many
points as there are wrong labels. One that averages over fifteen neighbours hardly
notices, as long as the wrong labels are scattered over all classes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skoverfit.datasets import make_label_noise

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# Only the training labels are touched. ``rate`` is exact: that share is wrong.
rates = [0.0, 0.1, 0.2, 0.3, 0.4]
n_draws = 5


def accuracies(model, kind):
    """Return the test accuracy for every rate (rows) and draw (columns)."""
    return np.array(
        [
            [
                model.fit(
                    X_train,
                    make_label_noise(y_train, kind=kind, rate=rate, random_state=seed),
                ).score(X_test, y_test)
                for seed in range(n_draws)
            ]
            for rate in rates
        ]
    )


# %%
# Symmetric noise scatters over all classes, so the right label keeps a majority among
# the neighbours. Pair noise always moves a class to the next one, and the majority is
# lost much earlier. The bands are the spread over five draws of the noise.
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for ax, kind in zip(axes, ["symmetric", "pair"], strict=True):
    for n_neighbors, style, label in [
        (1, "o-", "1 neighbour"),
        (15, "s--", "15 neighbours"),
    ]:
        scores = accuracies(KNeighborsClassifier(n_neighbors), kind)
        ax.plot(rates, scores.mean(axis=1), style, label=label)
        ax.fill_between(rates, scores.min(axis=1), scores.max(axis=1), alpha=0.2)
    ax.set(title=f"{kind} noise", xlabel="share of wrong training labels")
axes[0].set_ylabel("accuracy on clean test rows")
axes[0].legend()
plt.show()
