# SPDX-License-Identifier: BSD-3-Clause
"""EnsLoss is the published rule, its conditions hold, and its classifier is honest."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import EnsLoss, EnsLossClassifier, TabularMLPClassifier
from skoverfit.neural_network._loss_links import fit_scaling, scaled

RANDOM = pytest.mark.parametrize("seed", range(5))


def generator(seed):
    return torch.Generator().manual_seed(seed)


def batch(n=64, seed=0, size=1.5):
    margins = torch.randn(n, generator=generator(seed), dtype=torch.float64) * size
    return margins, torch.randint(2, (n,), generator=generator(seed + 100))


def slopes(loss, output, target, weight=None):
    """Return the slope at each margin: the gradient of the sum, times the label."""
    output = output.clone().requires_grad_()
    loss.reduction = "sum"
    loss(output, target, weight).backward()
    return output.grad * (2 * target - 1)


def published(output, target, draws, lam=0.0):
    """The rule of the paper's code in numpy, from these normal draws."""
    z = (2 * target - 1) * output
    with np.errstate(divide="ignore"):
        h = np.exp(draws) if lam == 0 else np.maximum(1 + lam * draws, 0) ** (1 / lam)
    r = np.maximum(np.sort(-h), -1.0)
    g = np.empty_like(r)
    g[np.argsort(z)] = r
    g = np.where(z > 1, g / np.where(z > 1, z, 1), g) - 1e-6
    return np.mean(g * z), g


@RANDOM
@pytest.mark.parametrize("lam", [0.0, 0.7, -0.5, 1.0])
def test_it_is_the_published_rule(seed, lam):
    output, target = batch(seed=seed)
    draws = torch.randn(64, generator=generator(seed), dtype=torch.float64).numpy()
    value, g = published(output.numpy(), target.numpy(), draws, lam)
    loss = EnsLoss(lam=lam, generator=generator(seed))
    assert loss(output, target).item() == pytest.approx(value, abs=1e-6)
    loss = EnsLoss(lam=lam, generator=generator(seed))
    np.testing.assert_allclose(slopes(loss, output, target), g, atol=1e-6)


@RANDOM
@pytest.mark.parametrize("sampling", ["random", "expected"])
@pytest.mark.parametrize("lam", [0.0, 1.0, -0.5])
def test_the_loss_of_a_batch_is_convex_calibrated_and_bounded(seed, sampling, lam):
    output, target = batch(seed=seed, size=3.0)
    loss = EnsLoss(lam=lam, sampling=sampling, tail_power=2.0)
    g = slopes(loss, output, target)
    z = (2 * target - 1) * output
    order = z.argsort()
    assert (g[order].diff() >= -1e-12).all()
    assert (g < 0).all()
    assert (g >= -1 - 1e-6).all()
    far = z > 1
    assert far.any()
    assert (g[far] >= -(z[far] ** -2) - 1e-6 - 1e-12).all()


def test_the_slopes_do_not_depend_on_the_scale_inside_the_tail():
    output, target = batch()
    output = output / output.abs().max()
    first = slopes(EnsLoss(generator=generator(0)), output, target)
    second = slopes(EnsLoss(generator=generator(0)), output / 7, target)
    torch.testing.assert_close(first, second)


def test_draws_come_from_the_generator_alone():
    output, target = batch()
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    same = [slopes(EnsLoss(generator=generator(1)), output, target) for _ in range(2)]
    assert torch.equal(*same)
    assert torch.equal(torch.random.get_rng_state(), before)
    slopes(EnsLoss(), output, target)
    assert not torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("n", [1, 2, 16, 64])
def test_expected_slopes_are_the_mean_of_random_ones(n):
    output, target = batch(n)
    loss = EnsLoss(generator=generator(0))
    drawn = torch.stack([slopes(loss, output, target) for _ in range(2000)])
    expected = slopes(EnsLoss(sampling="expected"), output, target)
    error = drawn.std(dim=0) / 2000**0.5
    assert ((drawn.mean(dim=0) - expected).abs() <= 4 * error + 1e-4).all()


@pytest.mark.parametrize("sampling", ["random", "expected"])
@pytest.mark.parametrize("multiclass", ["binary", "pairwise", "ovr"])
def test_gradients_are_those_of_finite_differences(sampling, multiclass):
    # Where no margin is beyond 1 (there the slope depends on the margin and is held
    # still), and with the same draws in each evaluation.
    n_classes = 2 if multiclass == "binary" else 3
    target = torch.randint(n_classes, (9,), generator=generator(1))
    shape = (9,) if n_classes == 2 else (9, 3)
    logits = 0.3 * torch.rand(shape, generator=generator(0), dtype=torch.float64)
    options = {} if n_classes == 2 else {"multiclass": multiclass}
    weight = None if sampling == "random" else torch.linspace(1, 2, 9).double()

    def value(z):
        loss = EnsLoss(sampling=sampling, generator=generator(2), **options)
        return loss(z, target, weight)

    assert torch.autograd.gradcheck(value, logits.requires_grad_())


@pytest.mark.parametrize("eval_loss", ["logistic", "hinge"])
def test_gradients_of_the_evaluation_are_those_of_finite_differences(eval_loss):
    output, target = batch(9)
    loss = EnsLoss(eval_loss=eval_loss).eval()
    assert torch.autograd.gradcheck(lambda z: loss(z, target), output.requires_grad_())


def test_many_ranks_are_quantiles():
    output, target = batch(600)
    few = slopes(EnsLoss(sampling="expected"), output, target)
    z = ((2 * target - 1) * output).argsort().argsort()
    q = torch.distributions.Normal(0.0, 1.0).icdf(1 - (z.double() + 0.5) / 600)
    wanted = -q.exp().clamp(max=1)
    wanted = wanted / ((2 * target - 1) * output).clamp(min=1)
    assert (few - wanted).abs().max() < 0.03


def test_weights_are_repetition_of_expected_ranks_and_zero_is_nothing():
    output, target = batch(20)
    times = torch.randint(0, 4, (20,), generator=generator(5))
    weight = times.double()
    loss = EnsLoss(sampling="expected")
    repeated = output.repeat_interleave(times), target.repeat_interleave(times)
    by_weight = slopes(loss, output, target, weight)
    by_rows = (
        torch.zeros(20)
        .double()
        .index_add(
            0, torch.arange(20).repeat_interleave(times), slopes(loss, *repeated)
        )
    )
    torch.testing.assert_close(by_weight, by_rows)
    # A row of weight 0 is not there.
    live = times > 0
    for sampling in ("random", "expected"):
        one, other = (
            EnsLoss(sampling=sampling, generator=generator(2)) for _ in range(2)
        )
        here = slopes(one, output, target, live.double())
        there = slopes(other, output[live], target[live])
        torch.testing.assert_close(here[live], there)
        assert (here[~live] == 0).all()


def test_two_classes_are_the_binary_rule_and_classes_may_change_places():
    output, target = batch()
    half = torch.stack([-output / 2, output / 2], dim=1)
    for options in ({}, {"sampling": "expected"}):
        one = EnsLoss(**options, generator=generator(1))(output, target)
        two = EnsLoss(**options, generator=generator(1))(half, target)
        column = EnsLoss(**options, generator=generator(1))(output[:, None], target)
        torch.testing.assert_close(one, two)
        torch.testing.assert_close(one, column)
    logits = torch.randn(40, 4, generator=generator(0), dtype=torch.float64)
    codes = torch.randint(4, (40,), generator=generator(1))
    places = torch.tensor([2, 0, 3, 1])
    for multiclass in ("pairwise", "ovr"):
        loss = EnsLoss(sampling="expected", multiclass=multiclass, reduction="none")
        values = loss(logits, codes)
        moved = loss(logits[:, places], places.argsort()[codes])
        torch.testing.assert_close(values, moved)


def test_slopes_of_several_classes():
    logits = torch.randn(30, 3, generator=generator(0), dtype=torch.float64)
    codes = torch.randint(3, (30,), generator=generator(1))
    z = logits.clone().requires_grad_()
    EnsLoss(reduction="sum", generator=generator(2))(z, codes).backward()
    # Gradients of wrong classes are -g / (K - 1), sorted like their margins.
    margins = logits.gather(1, codes[:, None]) - logits
    wrong = nn.functional.one_hot(codes, 3) == 0
    g = -2 * z.grad[wrong]
    assert (g[margins[wrong].argsort()].diff() >= -1e-9).all()
    torch.testing.assert_close(z.grad.sum(dim=1), torch.zeros(30).double())
    z = logits.clone().requires_grad_()
    EnsLoss(multiclass="ovr", reduction="sum", generator=generator(2))(
        z, codes
    ).backward()
    sign = 2.0 * nn.functional.one_hot(codes, 3) - 1
    for k in range(3):
        g = 3 * (z.grad * sign)[:, k]
        assert (g[(sign * logits)[:, k].argsort()].diff() >= -1e-9).all()
        assert (g < 0).all()


def test_evaluation_is_a_real_loss():
    output, target = batch()
    loss = EnsLoss().eval()
    wanted = nn.functional.binary_cross_entropy_with_logits(output, target.double())
    torch.testing.assert_close(loss(output, target), wanted)
    z = (2 * target - 1) * output
    loss = EnsLoss(eval_loss="hinge").eval()
    torch.testing.assert_close(loss(output, target), (1 - z).clamp(min=0).mean())
    loss = EnsLoss(eval_loss="zero_one").eval()
    torch.testing.assert_close(loss(output, target), (z < 0).double().mean())
    assert loss(torch.zeros(2), torch.tensor([0, 1])).item() == 0.5


def test_edges():
    for sampling in ("random", "expected"):
        loss = EnsLoss(sampling=sampling)
        assert torch.isfinite(loss(torch.tensor([0.3]), torch.tensor([1])))
        tied = slopes(loss, torch.zeros(8).double(), torch.ones(8).long())
        assert (tied < 0).all()
        assert torch.isnan(loss(torch.tensor([0.3, np.nan]), torch.tensor([1, 0])))
        half = loss(torch.tensor([0.3, 2.0], dtype=torch.float16), torch.tensor([1, 0]))
        assert torch.isfinite(half)
    zero = EnsLoss(lam=2.0, eps=1e-6)  # many draws are exactly 0
    g = slopes(zero, *batch())
    assert g.max().item() == pytest.approx(-1e-6, rel=1e-3)


def test_lam_is_drawn_anew_every_period():
    loss = EnsLoss(lam_range=(-1, 1), period=2, generator=generator(0))
    seen = []
    for epoch in range(6):
        loss.on_epoch_begin(epoch, 6)
        seen.append(loss._lam(0))
    assert seen[0] == seen[1] != seen[2] == seen[3] != seen[4]
    assert all(-1 <= lam <= 1 for lam in seen)


def test_copies_and_pickles_leave_the_generator_behind():
    loss = EnsLoss(tail_power=2.0, lam_range=(0, 1), generator=generator(0))
    for back in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert repr(back) == repr(loss)
        assert torch.isfinite(back(*batch()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EnsLoss(sampling="some"), r"'sampling'.*\['expected'.*Got 'some'"),
        (lambda: EnsLoss(eval_loss="exp"), r"'eval_loss'.*Got 'exp'"),
        (lambda: EnsLoss(lam_range=(1, 0)), r"'lam_range'.*smaller.*\(1, 0\)"),
        (lambda: EnsLoss(clip=0), r"'clip'.*Got 0"),
        (lambda: EnsLoss(clip=None, lam=-1), r"'clip'.*None"),
        (lambda: EnsLoss(period=0), r"'period'.*Got 0"),
        (lambda: EnsLoss(tail_power=-1), r"'tail_power'.*Got -1"),
        (lambda: EnsLoss()(torch.zeros(2), torch.tensor([1, 2])), r"0 and 1.*label 2"),
        (lambda: EnsLoss()(torch.zeros(2), torch.tensor([1, -1])), r"Got the label -1"),
        (lambda: EnsLoss()(torch.zeros(2, 3), torch.tensor([1, 5])), r"code 5"),
        (lambda: EnsLoss()(torch.zeros(2), torch.ones(1)), r"2 class codes.*\(1,\)"),
        (lambda: EnsLoss()(torch.zeros(1, 2, 3), torch.tensor([1])), r"\(1, 2, 3\)"),
        (lambda: EnsLoss()(*batch(), torch.ones(3)), r"sample_weight.*\(3,\).*64 rows"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(make, message):
    with pytest.raises(BadInputError, match=message):
        make()


def test_a_margin_that_is_no_number_is_not_hidden_by_the_sort():
    logits = torch.tensor([[0.0, 1.0], [float("nan"), 0.0], [0.0, 2.0]])
    for sampling in ("random", "expected"):
        assert torch.isnan(EnsLoss(sampling=sampling)(logits, torch.tensor([1, 1, 0])))


# --- the classifier -------------------------------------------------------------------

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_estimators": 2,
    "max_epochs": 12,
    "numeric_embedding": None,
    "random_state": 0,
}


def noisy(n=800):
    return make_classification(
        n, 8, n_informative=5, flip_y=0.3, weights=[0.7], random_state=0
    )


def test_the_classifier_is_the_net_with_the_loss():
    X, y = load_wine(return_X_y=True)
    model = EnsLossClassifier(**SMALL).fit(X, y)
    same = TabularMLPClassifier(
        loss=EnsLoss(eval_loss="zero_one"), linear_start=False, **SMALL
    ).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    assert model.score(X, y) > 0.8


def test_its_probabilities_are_honest_and_keep_the_order():
    X, y = noisy()
    model = EnsLossClassifier(**{**SMALL, "n_estimators": 1}).fit(X[:400], y[:400])
    proba = model.predict_proba(X[400:])[:, 1]
    margins = model._outputs(X[400:])[0] @ [-1, 1]
    scores = model.decision_function(X[400:])
    np.testing.assert_allclose(scores, np.log(proba / (1 - proba)))
    assert roc_auc_score(y[400:], proba) == roc_auc_score(y[400:], margins)
    np.testing.assert_array_equal(model.predict(X[400:]), (scores > 0).astype(int))
    raw = 1 / (1 + np.exp(-margins))
    prior = log_loss(y[400:], np.full(400, y[:400].mean()))
    assert log_loss(y[400:], proba) < min(log_loss(y[400:], raw) + 0.01, prior)


@pytest.mark.parametrize("sampling", ["random", "expected"])
@pytest.mark.parametrize("weighted", [False, True])
def test_without_early_stopping_the_margin_decides(sampling, weighted):
    X, y = load_breast_cancer(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    options = {**SMALL, "early_stopping": False, "sampling": sampling}
    model = EnsLossClassifier(**options).fit(X, y, weight)
    assert not hasattr(model, "predict_proba")
    scores = model.decision_function(X)
    np.testing.assert_array_equal(model.predict(X), (scores > 0).astype(int))
    assert model.score(X, y) > 0.9


def test_weights_of_zero_are_rows_that_are_not_there():
    X, y = noisy(200)
    live = np.arange(200) % 3 > 0
    options = {**SMALL, "early_stopping": False}
    with_zeros = EnsLossClassifier(**options).fit(X, y, live.astype(float))
    without = EnsLossClassifier(**options).fit(X[live], y[live])
    np.testing.assert_allclose(
        with_zeros.decision_function(X), without.decision_function(X), rtol=1e-5
    )


def test_uneven_nets_of_a_stack_are_trained_as_alone():
    from skoverfit.neural_network._prepared import Prepared
    from skoverfit.neural_network._training import train_stack

    X, y = noisy(202)
    model = EnsLossClassifier(
        **{**SMALL, "n_estimators": 3}, dtype="float64", lam_range=(-1, 1), period=3,
        batch_size=32,
    )  # fmt: skip
    settings = model._settings()
    prepared, _ = model._prepare(X, y, None, settings, hold_out=True)
    assert len({len(rows) for rows in prepared.train}) > 1
    dense = torch.from_numpy(prepared.rows.dense)
    together = train_stack([prepared], [settings]).outputs(dense)
    for k in range(3):
        parts = vars(prepared) | {
            "train": prepared.train[k : k + 1],
            "valid": prepared.valid[k : k + 1],
            "seeds": prepared.seeds[k : k + 1],
            "bias": prepared.bias[k : k + 1],
        }
        alone = train_stack([Prepared(**parts)], [model._settings()]).outputs(dense)
        torch.testing.assert_close(alone[0], together[k], rtol=1e-7, atol=1e-7)


def test_mixup_and_mixed_precision_go_with_it():
    X, y = noisy(200)
    for options in ({"batch_step": "mixup"}, {"mixed_precision": "bfloat16"}):
        model = EnsLossClassifier(**SMALL, **options).fit(X, y)
        assert np.isfinite(model.predict_proba(X)).all()


def test_parameters_clone_pickle_and_partial_fit():
    X, y = load_wine(return_X_y=True)
    model = EnsLossClassifier(**SMALL, tail_power=2.0, lam_range=(0.0, 1.0))
    assert clone(model).get_params() == model.get_params()
    assert "loss" not in model.get_params()
    model.fit(X, y)
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))
    model.partial_fit(X, y)
    assert not hasattr(model, "predict_proba")
    assert model.score(X, y) > 0.8


# As the common tests take the net: whole batches, where weights can be repetition.
CHECKED = EnsLossClassifier(
    hidden_layer_sizes=(16,), dropout=0.0, n_estimators=1, learning_rate=0.01,
    batch_size=4096, max_epochs=60, early_stopping=False, dtype="float64",
    sampling="expected", random_state=0,
)  # fmt: skip
# Early stopping leaves out rows, so that whoever has probabilities can't have weights
# that are repetition. In float32 a row's answer hangs on its place in the last digit.
CALIBRATED = EnsLossClassifier(
    hidden_layer_sizes=(8,), n_estimators=2, max_epochs=12, learning_rate=0.02,
    batch_size=16, dtype="float64", random_state=0,
)  # fmt: skip
WITH_PROBABILITIES = {
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_decision_proba_consistency",
    "check_estimators_pickle",
    "check_methods_sample_order_invariance",
}
CHECKS = [
    (estimator, check)
    for estimator, check in (
        *estimator_checks_generator(CHECKED),
        *(
            (estimator, check)
            for estimator, check in estimator_checks_generator(CALIBRATED)
            if check.func.__name__ in WITH_PROBABILITIES
        ),
    )
    if check.func.__name__ != "check_array_api_input"  # needs a process of its own
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    CHECKS,
    ids=[f"{check.func.__name__}-{k}" for k, (_, check) in enumerate(CHECKS)],
)
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_fitted_probabilities_may_be_sure_with_many_classes():
    # Ten classes of forty rows without an error: Platt's (n + 1) / (n + 2) for each.
    codes = np.repeat(np.arange(10), 40)
    logits = np.eye(10)[codes]
    found = np.exp(scaled(logits, fit_scaling(logits, codes, None, 10)))
    np.testing.assert_allclose(found[np.arange(400), codes], 41 / 42, atol=1e-3)
