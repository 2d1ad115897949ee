# SPDX-License-Identifier: BSD-3-Clause
"""
What a model leans on, and when it knows
========================================

Two pictures of overfitting that the training score doesn't show. A linear model may
lean on columns in which the rows hardly vary. A net may fit every wrong label at once,
and still learn the right ones afterwards.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from torch import nn

from skoverfit.datasets import make_label_noise, make_xor_clusters
from skoverfit.inspection import (
    BoundaryTiltDisplay,
    GrokkingDisplay,
    linear_agreement,
    tilt_spectrum,
)
from skoverfit.neural_network import GrokkingMonitor

# %%
# Threes and eights, a tenth of them with the wrong label, and 200 columns of noise so
# small that nobody would see it. Without much regularization the model parts even the
# wrong labels, in the noise: its boundary turns by nearly a right angle, the training
# score is perfect and the test score falls. The dashed line is the recommended value.
X, y = load_digits(return_X_y=True)
rows = (y == 3) | (y == 8)
rng = np.random.default_rng(0)
X = np.hstack([X[rows] / 16, 0.01 * rng.normal(size=(rows.sum(), 200))])
y = make_label_noise(y[rows], rate=0.1, random_state=0)
BoundaryTiltDisplay.from_estimator(
    LogisticRegression(max_iter=20_000),
    X,
    y,
    param_name="C",
    param_range=10.0 ** np.arange(-3, 7),
    cv=3,
)
plt.show()

# %%
# How much of the tilt lies in the directions that have one per cent of the variance?
for C in (0.01, 1e6):
    spectrum = tilt_spectrum(LogisticRegression(C=C, max_iter=20_000).fit(X, y), X, y)
    print(f"C={C:g}: {spectrum.angle:.0f} degrees, {spectrum.share_below(0.01):.2f}")


# %%
# Now a net of two layers on clusters in an XOR pattern, whole-batch gradient descent
# from a tiny start. After one step it has nearly all wrong labels by heart and predicts
# new rows little better than chance; a few steps later it predicts them all, and then
# has every wrong label by heart as well. Who stops early stops before that.
class TwoLayers(nn.Module):
    def __init__(self, n_features, width=128):
        super().__init__()
        self.w = nn.Parameter(1e-4 * torch.randn(width, n_features))
        self.register_buffer("a", (torch.arange(width) % 2 * 2.0 - 1) / width**0.5)

    def forward(self, x):
        margin = (x @ self.w.T).relu() @ self.a
        return torch.stack([torch.zeros_like(margin), margin], dim=-1)


torch.manual_seed(0)
X, y, right, _ = make_xor_clusters(700, return_clean=True, random_state=1)
X = X.astype(np.float32)
monitor = GrokkingMonitor(X[200:], right[200:], y_clean=right[:200])
net = NeuralNetClassifier(
    TwoLayers(X.shape[1]),
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.SGD,
    lr=0.03,
    batch_size=200,
    max_epochs=100,
    train_split=None,
    callbacks=[monitor],
    verbose=0,
)
net.fit(X[:200], y[:200])
GrokkingDisplay.from_monitor(monitor, title="Two layers on XOR clusters")
plt.show()

# %%
# At the end it is no linear model any more: agreement with the sum of its training rows
# is near one half.
print(f"{linear_agreement(net, X[:200], y[:200], X[200:]):.2f}")
