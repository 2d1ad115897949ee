# SPDX-License-Identifier: BSD-3-Clause
"""Label smoothing leaves probabilities that can be acted on."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import TabularMLPClassifier
from skoverfit.neural_network._loss_links import unsmoothed


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_inverse_undoes_the_smoothed_optimum(smoothing):
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    p = 0.9 * p + 0.1 / 4  # away from the floor
    smoothed = (1 - smoothing) * p + smoothing / 4
    np.testing.assert_allclose(np.exp(unsmoothed(np.log(smoothed), smoothing)), p)


def test_sure_rows_are_sure_again():
    X, y = load_digits(return_X_y=True)
    net = TabularMLPClassifier(
        label_smoothing=0.2, linear_start=False, n_estimators=1, random_state=0
    ).fit(X[:1200], y[:1200])
    proba = net.predict_proba(X[1200:])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    raw = net._outputs(X[1200:])[0]
    softmax = np.exp(raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))
    assert softmax.max(axis=1).mean() < 0.82  # where the smoothed loss is least
    assert proba.max(axis=1).mean() > softmax.max(axis=1).mean() + 0.1
    with pytest.raises(BadInputError, match=r"label_smoothing=0\.2 are no softmax"):
        net.to_torch()


def test_a_module_of_another_loss_is_refused():
    X, y = load_digits(return_X_y=True)
    net = TabularMLPClassifier(loss="focal", n_estimators=1, max_epochs=1)
    with pytest.raises(BadInputError, match="loss='focal' are no softmax"):
        net.fit(X[:300], y[:300]).to_torch()
