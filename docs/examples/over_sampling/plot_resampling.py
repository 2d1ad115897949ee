# SPDX-License-Identifier: BSD-3-Clause
"""
What SMOTE makes, row by row
============================

SMOTE puts new rows between a rare row and one of its neighbours. Whether that helps
depends on where they land. A picture shows it, and a report puts it into figures.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, make_moons

from skoverfit.inspection import ResamplingDisplay, synthetic_report
from skoverfit.over_sampling import SMOTE, RandomOverSampler

X, y = make_moons((400, 100), noise=0.15, random_state=0)
y = np.where(y == 1, "rare", "frequent")

# %%
# Filled markers are the rows of the table, open ones are made. Thin lines lead from a
# made row to its two parents.
ResamplingDisplay.from_sampler(SMOTE(random_state=0), X, y)
plt.show()

# %%
# With more neighbours the lines leave the crescent, and rows land where no row of the
# class could be.
ResamplingDisplay.from_sampler(SMOTE(k_neighbors=80, random_state=0), X, y)
plt.show()

# %%
# The report says the same in figures. Copies (the random over-sampler) lie at distance
# 0, and short steps nearer to a real row than real rows lie to each other. With long
# steps some rows lie among the other class, the variance shrinks, and a forest tells
# made from real rows of the class (an AUC of 0.5: it can't).
samplers = {
    "copies": RandomOverSampler(random_state=0),
    "SMOTE": SMOTE(random_state=0),
    "SMOTE, 80 neighbours": SMOTE(k_neighbors=80, random_state=0),
}
for name, sampler in samplers.items():
    report = synthetic_report(
        sampler, X, y, *sampler.fit_resample(X, y), random_state=0
    )
    row = report.classes[0]
    print(
        f"{name:<22}distance ratio {row.distance_ratio:.2f}, "
        f"among others {row.overlap:.2f}, variance ratio {row.variance_ratio:.2f}, "
        f"AUC {row.auc:.2f} [{row.auc_lower:.2f}, {row.auc_upper:.2f}]"
    )

# %%
# A table of many columns is projected on its first two principal components. Lines
# stay lines there, so a made row still lies between its parents.
X, y = load_breast_cancer(return_X_y=True)
names = np.array(["malignant", "benign"])[y]
keep = (y == 1) | (np.arange(len(y)) % 6 == 0)
sampler = SMOTE(random_state=0)
ResamplingDisplay.from_sampler(sampler, X[keep], names[keep])
plt.show()

# %%
# In thirty columns two neighbours are far apart, and a row between two others that are
# nearly independent has two thirds of their variance. So the variance ratio is well
# below 1, although the class is covered and few rows lie among the benign ones.
report = synthetic_report(
    sampler,
    X[keep],
    names[keep],
    *sampler.fit_resample(X[keep], names[keep]),
    random_state=0,
)
report.plot()
plt.show()

# %%
report
