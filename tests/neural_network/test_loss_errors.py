# SPDX-License-Identifier: BSD-3-Clause
"""Bad input of the losses is told in one sentence."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine, make_classification
from torch import nn

from skoverfit.exceptions import BadInputError, SkoverfitWarning, TrainingError
from skoverfit.neural_network import (
    BackwardCorrectedLoss,
    ClassBalancedLoss,
    EnsLoss,
    FocalLoss,
    ForwardCorrectedLoss,
    GeneralizedCrossEntropyLoss,
    HingeLoss,
    LDAMLoss,
    PassAtNLoss,
    SymmetricCrossEntropyLoss,
    TabularMLPClassifier,
)
from skoverfit.neural_network._losses import CLASSIFICATION_LOSSES, get_loss
from tests.neural_network._losses import EVERY, ready, rows


@pytest.mark.parametrize(
    ("logits", "target", "weight", "message"),
    [
        (torch.zeros(4, 1), torch.zeros(4).long(), None, r"shape \(4, 1\)"),
        (torch.zeros(1, 4, 3), torch.zeros(4).long(), None, r"shape \(1, 4, 3\)"),
        (torch.zeros(4, 3), torch.zeros(3).long(), None, r"4 class codes.*\(3,\)"),
        (torch.zeros(2, 3), torch.tensor([0, 3]), None, r"code 3.*from 0 to 2"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(3), r"\(3,\).* 4 rows"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(4, 1), r"\(4, 1\).* 4"),
    ],
)
@EVERY
def test_every_loss_tells_a_bad_shape(loss, logits, target, weight, message):
    with pytest.raises(BadInputError, match=message):
        ready(loss)(logits, target, weight)


@pytest.mark.parametrize("loss", ["cross_entropy", "ens_loss", "hinge", "exponential"])
def test_a_learning_rate_that_explodes_is_named_at_its_step(loss):
    X, y = make_classification(120, 4, n_redundant=0, random_state=0)
    net = TabularMLPClassifier(
        (8,), n_estimators=1, loss=loss, optimizer="sgd", learning_rate=1e6,
        early_stopping=False, linear_start=False, warmup_epochs=0, random_state=0,
    )  # fmt: skip
    with pytest.raises(
        TrainingError, match=r"at step \d+ .*learning rate is 1e\+06.*try learning_rate"
    ):
        net.fit(X, y)
    assert not hasattr(net, "net_")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss(-1), r"'gamma' parameter of FocalLoss.*\[0, inf\).*-1"),
        (lambda: GeneralizedCrossEntropyLoss(0), r"'q' parameter.*\(0, 1\].*Got 0"),
        (lambda: PassAtNLoss(0), r"'n_samples' parameter of PassAtNLoss.*Got 0"),
        (lambda: PassAtNLoss(2.5), r"'n_samples'.*integer.*2\.5"),
        (lambda: SymmetricCrossEntropyLoss(0), r"'alpha'.*Got 0"),
        (lambda: LDAMLoss(reweight_from=2), r"'reweight_from'.*Got 2"),
        (lambda: ClassBalancedLoss(1.5), r"'beta'.*Got 1\.5"),
        (lambda: ClassBalancedLoss(loss=nn.L1Loss()), r"'loss'.*L1Loss"),
        (lambda: HingeLoss(reduction="max"), r"'reduction'.*\['mean'.*Got 'max'"),
        (lambda: ForwardCorrectedLoss([[0.9, 0.2], [0, 1]]), r"Row 0 sums to 1\.1"),
        (lambda: ForwardCorrectedLoss([[1, 0, 0]]), r"as many rows.*\(1, 3\)"),
        (lambda: ForwardCorrectedLoss([[1.5, -0.5], [0, 1]]), r"at least 0.*-0\.5"),
        (lambda: ForwardCorrectedLoss([[1, 0], [1, 0]]), r"Column 1 is 0"),
        (lambda: ForwardCorrectedLoss("x"), r"'transition_matrix'.*Got 'x'"),
        (lambda: ForwardCorrectedLoss(1.0), r"'transition_matrix'.*Got 1\.0"),
        (lambda: BackwardCorrectedLoss([[0.5, 0.5], [0.5, 0.5]]), r"inverted.*cond"),
        (lambda: LDAMLoss().prepare([3]), r"class_counts.*\(1,\)"),
        (lambda: LDAMLoss().prepare([3, -1]), r"class_counts.*-1"),
        (lambda: LDAMLoss()(*rows()), r"LDAMLoss needs.*class counts.*prepare"),
        (lambda: ForwardCorrectedLoss()(*rows()), r"needs a transition_matrix"),
        (lambda: ForwardCorrectedLoss(np.eye(2))(*rows()), r"3 columns.*2 classes"),
        (lambda: LDAMLoss().prepare([1, 2])(*rows()), r"3 columns.*2 classes"),
        (lambda: HingeLoss()(torch.zeros(4, 1), torch.zeros(4).long()), r"\(4, 1\)"),
        (lambda: HingeLoss()(torch.zeros(4, 2), torch.zeros(3).long()), r"4 class.*3"),
        (lambda: HingeLoss()(torch.zeros(4, 2), torch.zeros(4)), r"int64.*float32"),
        (lambda: HingeLoss()(torch.zeros(1, 2), torch.tensor([2])), r"code 2.*0 to 1"),
        (lambda: HingeLoss()(torch.zeros(1, 2), torch.tensor([-1])), r"code -1"),
        (lambda: HingeLoss()(*rows(), torch.ones(3)), r"sample_weight.*\(3,\).*40"),
        (lambda: get_loss("logit_ajusted", CLASSIFICATION_LOSSES), "logit_adjusted"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(make, message):
    with pytest.raises(BadInputError, match=message):
        make()


def test_a_badly_conditioned_matrix_is_warned_of():
    with pytest.warns(SkoverfitWarning, match="condition number"):
        BackwardCorrectedLoss([[0.5001, 0.4999], [0.4999, 0.5001]])


def test_a_matrix_of_other_classes_is_told_before_any_work():
    X, y = load_wine(return_X_y=True)
    net = TabularMLPClassifier(loss=ForwardCorrectedLoss(np.eye(2)))
    with pytest.raises(BadInputError, match=r"3 columns.*2 classes"):
        net.fit(X, y)
    net = TabularMLPClassifier(loss="forward_corrected")
    with pytest.raises(BadInputError, match="needs a transition_matrix"):
        net.fit(X, y)


def test_smoothed_labels_are_for_cross_entropy():
    net = TabularMLPClassifier(loss="hinge", label_smoothing=0.1)
    with pytest.raises(BadInputError, match=r"label_smoothing=0\.1.*Got loss='hinge'"):
        net.fit([[0.0], [1.0]], [0, 1])


def test_names_are_classes_of_one_signature():
    for name, kind in CLASSIFICATION_LOSSES.items():
        loss = get_loss(name, CLASSIFICATION_LOSSES)
        assert type(loss) is kind
        assert loss.reduction == "none"
    assert isinstance(get_loss(EnsLoss, CLASSIFICATION_LOSSES), EnsLoss)
