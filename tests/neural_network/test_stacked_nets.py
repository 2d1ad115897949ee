"""A stack of nets gives what its nets give one by one."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from skoverfit.exceptions import BadInputError, SkoverfitWarning, TrainingError
from skoverfit.neural_network import (
    Mixup,
    StackedNets,
    TabularMLPClassifier,
    TabularMLPRegressor,
    _net,
)
from skoverfit.neural_network._net import TabularNet

SMALL = {
    "hidden_layer_sizes": (6, 5),
    "dtype": "float64",
    "dropout": 0.2,
    "max_epochs": 8,
    "n_iter_no_change": 3,
    "n_estimators": 2,
    "linear_start": False,
    "batch_size": 32,
    "learning_rate": 1e-2,
}
N = 160


def classifier(**parameters):
    return TabularMLPClassifier(**{**SMALL, **parameters})


def regressor(**parameters):
    return TabularMLPRegressor(**{**SMALL, **parameters})


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, 5))
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.standard_normal(N) > 0).astype(int)
    return X, y


@pytest.fixture(scope="module")
def rows():
    """Parts of different lengths, which need equally many batches."""
    rng = np.random.default_rng(1)
    return [rng.permutation(N)[:n] for n in (120, 121, 119)]


def outputs(estimator, X):
    return estimator._outputs(X)


def assert_as_alone(stack, X, y, rows=None, weight=None, tol=1e-9):
    """Every estimator of a stack is the one that is fitted alone."""
    pairs = zip(stack.estimators, stack.estimators_, strict=True)
    for number, (estimator, found) in enumerate(pairs):
        mine = np.arange(len(X)) if rows is None else rows[number]
        own = None if weight is None else weight[mine]
        alone = clone(estimator).fit(X[mine], y[mine], own)
        assert np.abs(outputs(found, X) - outputs(alone, X)).max() < tol
        assert found.n_iter_ == alone.n_iter_
        assert found.net_.n_steps_ == alone.net_.n_steps_
        assert type(found) is type(estimator)
        assert found.get_params() == estimator.get_params()
        assert set(vars(found)) == set(vars(alone))
        if estimator.early_stopping:
            assert found.best_epochs_ == alone.best_epochs_
            np.testing.assert_allclose(found.best_losses_, alone.best_losses_, tol)
        assert_same_history(found.net_.history, alone.net_.history, tol)


def assert_same_history(found, alone, tol):
    assert len(found) == len(alone)
    for here, there in zip(found, alone, strict=True):
        assert set(here) == set(there)
        for name in set(here) - {"epoch_seconds", "batches"}:
            np.testing.assert_allclose(here[name], there[name], tol, tol)


VARIANTS = {
    "seeds": [{"random_state": k} for k in range(3)],
    "rates": [{"learning_rate": r} for r in (1e-4, 3e-2, 1e-3)],
    "decays": [{"weight_decay": d} for d in (0.0, 0.5, 1e-2)],
    "rates and decays": [
        {"learning_rate": 10.0**-k, "weight_decay": k / 2, "random_state": k}
        for k in range(1, 4)
    ],
    "mixup": [{"batch_step": Mixup(0.4), "random_state": k} for k in range(3)],
    "no early stopping": [{"early_stopping": False, "random_state": k} for k in (1, 2)],
    "numbers of nets": [{"n_estimators": k} for k in (1, 3, 2)],
    "one net each": [{"n_estimators": 1, "random_state": k} for k in range(3)],
    "clipped": [{"gradient_clip": 0.05, "random_state": k} for k in range(3)],
    "schedule": [
        {"schedule": "cosine", "learning_rate": r} for r in (1e-3, 1e-2, 1e-1)
    ],
    "linear start": [{"linear_start": True, "random_state": k} for k in range(3)],
    "linear model": [{"hidden_layer_sizes": (), "learning_rate": r}
                     for r in (1e-3, 1e-1)],
    "no embedding": [{"numeric_embedding": None, "random_state": k} for k in (0, 1)],
    "smoothed": [{"label_smoothing": 0.1, "random_state": k} for k in range(3)],
    "class weights": [{"class_weight": "balanced", "learning_rate": r}
                      for r in (1e-3, 1e-2)],
    "batches of one": [{"batch_size": 1, "max_epochs": 2, "n_estimators": 1,
                        "early_stopping": False, "random_state": k} for k in (0, 1)],
}  # fmt: skip


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_equals_training_alone(changes, table):
    stack = StackedNets([classifier(**{"random_state": 0, **c}) for c in changes])
    stack.fit(*table)
    assert stack.groups_ == [list(range(len(changes)))]
    assert_as_alone(stack, *table)


@pytest.mark.parametrize("name", ["seeds", "rates and decays", "mixup", "clipped",
                                  "no early stopping", "numbers of nets"])  # fmt: skip
def test_equals_training_alone_on_rows_of_its_own(name, table, rows):
    changes = VARIANTS[name]
    stack = StackedNets([classifier(**{"random_state": 0, **c}) for c in changes])
    parts = rows[: len(changes)]
    stack.fit(*table, rows=parts)
    assert len(stack.groups_) == 1
    assert_as_alone(stack, *table, rows=parts)


@pytest.mark.parametrize("optimizer", ["adagrad", "adam", "adamax", "nadam", "radam",
                                       "rmsprop", "sgd"])  # fmt: skip
def test_optimizers_with_rates_of_their_own(optimizer, table, rows):
    nets = [
        classifier(
            optimizer=optimizer, learning_rate=r, weight_decay=0.1, random_state=0
        )
        for r in (1e-3, 1e-2, 1e-4)
    ]
    stack = StackedNets(nets).fit(*table, rows=rows)
    assert stack.groups_ == [[0, 1, 2]]
    assert_as_alone(stack, *table, rows=rows)


@pytest.mark.parametrize("seed", range(4))
def test_any_mixture_of_settings(seed, table):
    X, y = table
    rng = np.random.default_rng(seed)
    shared = {
        "batch_size": int(rng.choice([16, 40, 64])),
        "dropout": float(rng.choice([0.0, 0.3])),
        "batch_step": rng.choice([None, "mixup"]),
        "early_stopping": bool(rng.integers(2)),
        "gradient_clip": rng.choice([None, 0.1]),
        "activation": str(rng.choice(["relu", "silu"])),
    }
    nets = [
        classifier(
            **shared,
            learning_rate=float(10 ** rng.uniform(-4, -1)),
            weight_decay=float(rng.uniform(0, 1)),
            n_estimators=int(rng.integers(1, 4)),
            random_state=int(rng.integers(100)),
        )
        for _ in range(4)
    ]
    parts = [rng.choice(N, rng.integers(100, N), replace=True) for _ in nets]
    weight = rng.integers(0, 3, N).astype(float)
    stack = StackedNets(nets).fit(X, y, rows=parts, sample_weight=weight)
    assert_as_alone(stack, X, y, rows=parts, weight=weight)


def test_float32_equals_up_to_rounding(table, rows):
    nets = [
        classifier(dtype="float32", random_state=k, learning_rate=10.0**-k)
        for k in range(2, 5)
    ]
    stack = StackedNets(nets).fit(*table, rows=rows)
    assert_as_alone(stack, *table, rows=rows, tol=1e-4)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regressors(n_targets, table, rows):
    X, _ = table
    y = X[:, :n_targets] ** 2 if n_targets > 1 else X[:, 0] ** 2
    nets = [regressor(random_state=k, learning_rate=10.0**-k) for k in (1, 2, 3)]
    stack = StackedNets(nets).fit(X, y, rows=rows)
    assert stack.groups_ == [[0, 1, 2]]
    assert_as_alone(stack, X, y, rows=rows)


def test_tables_with_text_and_gaps(table):
    X, y = table
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    frame["colour"] = pd.Categorical(rng.choice(["red", "green", "blue"], N))
    frame["town"] = rng.choice([f"t{k}" for k in range(80)], N)
    frame.loc[::7, "a"] = np.nan
    nets = [classifier(random_state=k) for k in range(2)]
    stack = StackedNets(nets).fit(frame, y)
    assert stack.groups_ == [[0, 1]]
    for net, found in zip(nets, stack.estimators_, strict=True):
        alone = clone(net).fit(frame, y)
        gap = np.abs(found.predict_proba(frame) - alone.predict_proba(frame)).max()
        assert gap < 1e-9
        assert found.feature_names_in_.tolist() == frame.columns.tolist()


def test_weighted_and_unweighted_nets_share_a_stack(table, rows):
    nets = [classifier(random_state=0), classifier(class_weight={0: 1, 1: 7}),
            classifier(class_weight={0: 0.25, 1: 1}, random_state=3)]  # fmt: skip
    nets[1].random_state = 1
    stack = StackedNets(nets).fit(*table, rows=rows)
    assert stack.groups_ == [[0, 1, 2]]
    assert_as_alone(stack, *table, rows=rows)


def test_a_class_without_weight_is_encoded_by_itself(table):
    """What is remembered of one estimator must not serve another one's rows."""
    X, y = table
    y = np.where(np.arange(N) % 4 == 0, 2, y)
    nets = [
        classifier(class_weight={0: 1, 1: 1, 2: 1, k: 0}, random_state=0)
        for k in range(3)
    ]
    stack = StackedNets(nets).fit(X, y)
    assert_as_alone(stack, X, y)


COMPANY = {
    "rates": [{"learning_rate": r, "random_state": k}
              for k, r in enumerate([0.3, 1e-3, 0.1, 3e-3, 0.2])],
    "seeds": [{"random_state": k} for k in range(6)],
    "mixup": [{"batch_step": "mixup", "gradient_clip": 0.5, "random_state": k}
              for k in range(6)],
    "optimizer": [{"optimizer": "sgd", "learning_rate": r} for r in (1.0, 0.3, 1e-3)],
    "one net each": [{"n_estimators": 1, "learning_rate": r}
                     for r in (0.3, 0.1, 3e-2, 1e-3)],
}  # fmt: skip


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("changes", COMPANY.values(), ids=COMPANY)
def test_finished_estimators_leave_the_stack(changes, apart, table, monkeypatch):
    sizes, real = [], _net.drop_finished

    def watched(net, data):
        smaller = real(net, data)
        if smaller is not None:
            sizes.append(len(smaller.train))
        return smaller

    monkeypatch.setattr(_net, "drop_finished", watched)
    X, y = table
    nets = [
        classifier(
            max_epochs=25,
            n_iter_no_change=2,
            tol=1e-3,
            **{"random_state": 0, **change},
        )
        for change in changes
    ]
    rng = np.random.default_rng(5)
    rows = [rng.permutation(N)[: 118 + k] for k in range(len(nets))] if apart else None
    stack = StackedNets(nets).fit(X, y, rows=rows)
    assert len(stack.groups_) == 1
    assert sizes
    assert sizes == sorted(sizes, reverse=True)
    monkeypatch.setattr(_net, "drop_finished", real)
    assert_as_alone(stack, X, y, rows=rows)


def test_the_nets_really_move(table):
    """Equality would be cheap if the best weights were those of the start."""
    X, y = table
    nets = [classifier(random_state=k, early_stopping=False) for k in range(2)]
    found = StackedNets(nets).fit(X, y).estimators_
    assert all(net.net_.history[-1]["train_loss"] < 0.65 for net in found)
    assert np.abs(outputs(found[0], X) - outputs(found[1], X)).max() > 0.1


def test_result_does_not_depend_on_the_company(table, rows):
    net = classifier(random_state=0)
    few = StackedNets([net, classifier(random_state=5)]).fit(*table, rows=rows[:2])
    many = StackedNets([classifier(random_state=8, learning_rate=0.3), net,
                        classifier(n_estimators=4, random_state=9)])  # fmt: skip
    many.fit(*table, rows=[rows[1], rows[0], rows[2]])
    gap = outputs(few.estimators_[0], table[0]) - outputs(many.estimators_[1], table[0])
    assert np.abs(gap).max() < 1e-9


# --- what is stacked


class Plain(torch.nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.linear = torch.nn.Linear(n_features, n_outputs)

    def forward(self, x):
        return self.linear(x)


APART = {
    "batch_size": ({"batch_size": 16}, "no other one"),
    "width": ({"hidden_layer_sizes": (7, 5)}, "no other one"),
    "dropout": ({"dropout": 0.5}, "no other one"),
    "optimizer": ({"optimizer": "sgd"}, "no other one"),
    "schedule": ({"schedule": "linear"}, "no other one"),
    "loss": ({"label_smoothing": 0.2}, "no other one"),
    "step": ({"batch_step": "mixup"}, "no other one"),
    "epochs": ({"max_epochs": 3}, "no other one"),
    "module": ({"module": Plain, "n_estimators": 1}, "module="),
    "time": ({"max_time": 1000.0}, "max_time"),
}


@pytest.mark.parametrize(("change", "reason"), APART.values(), ids=APART)
def test_other_shapes_are_trained_apart_and_logged(change, reason, table, caplog):
    nets = [classifier(random_state=0), classifier(random_state=1, **change),
            classifier(random_state=2)]  # fmt: skip
    with caplog.at_level(logging.INFO, logger="skoverfit"):
        stack = StackedNets(nets).fit(*table)
    assert sorted(stack.groups_) == [[0, 2], [1]]
    assert_as_alone(stack, *table)
    texts = [record.getMessage() for record in caplog.records]
    assert any("[0, 2] are trained as one stack of 4 nets" in text for text in texts)
    assert any("Estimator 1 is trained alone" in t and reason in t for t in texts)


def test_decays_of_an_optimizer_that_mixes_them_in_stay_apart(table):
    nets = [classifier(optimizer="adam", weight_decay=d) for d in (0.1, 0.2)]
    assert StackedNets(nets).fit(*table).groups_ == [[0], [1]]


def test_another_number_of_batches_stays_apart(table):
    X, y = table
    rows = [np.arange(120), np.arange(119), np.arange(60)]
    nets = [classifier(random_state=k) for k in range(3)]
    stack = StackedNets(nets).fit(X, y, rows=rows)
    assert sorted(stack.groups_) == [[0, 1], [2]]
    assert_as_alone(stack, X, y, rows=rows)


@pytest.mark.parametrize(("max_nets", "sizes"), [(2, [1] * 5), (4, [2, 2, 1]),
                                                 (7, [3, 2]), (64, [5])])  # fmt: skip
def test_stacks_are_bounded(max_nets, sizes, table):
    nets = [classifier(random_state=k, max_epochs=2) for k in range(5)]
    stack = StackedNets(nets, max_nets=max_nets).fit(*table)
    assert [len(group) for group in stack.groups_] == sizes
    assert_as_alone(stack, *table)


def test_what_waits_for_its_like_is_bounded(table):
    nets = [classifier(hidden_layer_sizes=(k % 6 + 2,), max_epochs=1, n_estimators=1)
            for k in range(12)]  # fmt: skip
    stack = StackedNets(nets, max_nets=1).fit(*table)
    assert stack.groups_ == [[k] for k in range(12)]
    stack = StackedNets(nets, max_nets=2).fit(*table)
    assert sorted(map(tuple, stack.groups_)) == [(k, k + 6) for k in range(6)]


def test_processes_give_the_same(table):
    nets = [classifier(random_state=k, max_epochs=2) for k in range(4)]
    one = StackedNets(nets, max_nets=4).fit(*table)
    two = StackedNets(nets, max_nets=4, n_jobs=2).fit(*table)
    assert one.groups_ == two.groups_
    for here, there in zip(one.estimators_, two.estimators_, strict=True):
        np.testing.assert_array_equal(outputs(here, table[0]), outputs(there, table[0]))


def test_equal_tables_lie_in_a_stack_once(table, monkeypatch):
    from skoverfit.neural_network import _training

    joined, real = [], _training._joined
    monkeypatch.setattr(
        _training, "_joined", lambda *args: joined.append(real(*args)) or joined[-1]
    )
    nets = [classifier(random_state=k, max_epochs=1) for k in range(4)]
    parts = [np.arange(120), np.arange(119)] * 2
    StackedNets(nets).fit(*table, rows=parts)
    assert len(joined[0].dense) == 239


# --- failures


@pytest.fixture
def explosive(table):
    """Nets of which the second one's loss becomes NaN, and a second net beside it."""
    X, y = table
    y = X[:, 0]
    nets = [
        regressor(random_state=k, optimizer="sgd", learning_rate=rate, max_epochs=6)
        for k, rate in enumerate([1e-3, 1e9, 1e-2])
    ]
    return nets, X, y


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_loss_that_explodes_disturbs_no_other_net(explosive, early_stopping):
    nets, X, y = explosive
    nets = [net.set_params(early_stopping=early_stopping) for net in nets]
    stack = StackedNets(nets, on_error="record").fit(X, y)
    assert stack.groups_ == [[0, 1, 2]]
    assert stack.estimators_[1] is None
    assert list(stack.errors_) == [1]
    with pytest.raises(TrainingError, match="at step") as alone:
        clone(nets[1]).fit(X, y)
    assert str(stack.errors_[1]) == str(alone.value)
    for number in (0, 2):
        fitted = clone(nets[number]).fit(X, y)
        gap = outputs(stack.estimators_[number], X) - outputs(fitted, X)
        assert np.abs(gap).max() < 1e-9


def test_a_failure_raises_by_default_and_leaves_nothing(explosive):
    nets, X, y = explosive
    stack = StackedNets(nets)
    with pytest.raises(TrainingError, match="learning rate") as caught:
        stack.fit(X, y)
    assert "estimators[1]" in caught.value.__notes__[0]
    assert not hasattr(stack, "estimators_")


def test_all_may_fail(explosive):
    nets, X, y = explosive
    same = [clone(nets[1]).set_params(random_state=k) for k in range(2)]
    stack = StackedNets(same, on_error="record").fit(X, y)
    assert stack.estimators_ == [None, None]


def test_one_that_cannot_be_prepared_is_recorded(table):
    X, y = table
    rows = [np.arange(100), np.flatnonzero(y == 1), np.arange(100)]
    nets = [classifier(random_state=k) for k in range(3)]
    stack = StackedNets(nets, on_error="record").fit(X, y, rows=rows)
    assert stack.groups_ == [[0, 2]]
    assert "only one class" in str(stack.errors_[1])


def test_ctrl_c_keeps_what_was_trained(table, monkeypatch):
    from skoverfit.neural_network import _stack_fits

    real, calls = _stack_fits.train_stack, []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(_stack_fits, "train_stack", interrupted)
    nets = [classifier(random_state=k, max_epochs=2) for k in range(4)]
    with pytest.warns(SkoverfitWarning, match="2 of 4 estimators are not fitted"):
        stack = StackedNets(nets, max_nets=4).fit(*table)
    assert [net is None for net in stack.estimators_] == [False, False, True, True]


@pytest.mark.parametrize("early_stopping", [True, False])
def test_ctrl_c_within_an_epoch_keeps_all_nets(table, monkeypatch, early_stopping):
    real, steps = TabularNet.train_step, []

    def interrupted(self, batch, **more):
        steps.append(1)
        if len(steps) == 12:
            raise KeyboardInterrupt
        return real(self, batch, **more)

    monkeypatch.setattr(TabularNet, "train_step", interrupted)
    nets = [classifier(random_state=k, early_stopping=early_stopping) for k in range(2)]
    with (
        pytest.warns(SkoverfitWarning, match="was interrupted after 2 of 8 epochs"),
        pytest.warns(SkoverfitWarning, match="0 of 2 estimators are not fitted"),
    ):
        stack = StackedNets(nets).fit(*table)
    for net in stack.estimators_:
        assert net.n_iter_ == 2  # whole epochs only
        assert np.isfinite(net.predict_proba(table[0])).all()


def test_out_of_memory_halves_the_stack(table, monkeypatch):
    from skoverfit.neural_network import _stack_fits

    real, sizes = _stack_fits.train_stack, []

    def small(prepared, settings, **options):
        sizes.append(len(prepared))
        if len(prepared) > 1:
            raise torch.OutOfMemoryError("no memory")
        return real(prepared, settings, **options)

    monkeypatch.setattr(_stack_fits, "train_stack", small)
    nets = [classifier(random_state=k, max_epochs=2) for k in range(3)]
    stack = StackedNets(nets).fit(*table)
    assert sizes == [3, 1, 2, 1, 1]
    assert_as_alone(stack, *table)


BAD = {
    "none": ({"estimators": []}, {}, "'estimators' parameter must hold at least one"),
    "another": (
        {"estimators": [Plain]},
        {},
        "parameter must hold Tabular",
    ),
    "no list": ({"estimators": 3}, {}, "'estimators' parameter of StackedNets must be"),
    "max_nets": ({"max_nets": 0}, {}, "'max_nets' parameter of StackedNets must be"),
    "on_error": ({"on_error": "skip"}, {}, "'on_error' parameter of StackedNets must"),
    "rows short": ({}, {"rows": [[0, 1]]}, "1 arrays and 2 estimators"),
    "rows far": ({}, {"rows": [[0, 1], [5, 700]]}, r"rows\[1\].*0 to 159. Got 700"),
    "rows empty": ({}, {"rows": [[], [0]]}, r"rows\[0\] must hold at least one"),
    "rows mask": ({}, {"rows": [[True], [0]]}, r"rows\[0\] .* mask of 160 rows"),
    "weights": ({}, {"sample_weight": [1.0]}, r"sample_weight .*\(160,\).*\(1,\)"),
}


@pytest.mark.parametrize(("parameters", "given", "text"), BAD.values(), ids=BAD)
def test_bad_input_is_named(parameters, given, text, table):
    nets = [classifier(), classifier()]
    stack = StackedNets(**{"estimators": nets, **parameters})
    with pytest.raises((BadInputError, ValueError), match=text):
        stack.fit(*table, **given)


def test_y_is_asked_for(table):
    with pytest.raises(BadInputError, match="y is None"):
        StackedNets([classifier()]).fit(table[0], None)


# --- the rest


def test_estimators_are_cloned_and_masks_are_rows(table):
    X, y = table
    nets = [classifier(random_state=0), classifier(random_state=0)]
    half = np.arange(N) < 100
    stack = StackedNets(nets).fit(X, y, rows=[half, np.flatnonzero(half)])
    assert not hasattr(nets[0], "net_")
    assert repr(stack) == "StackedNets(2 estimators)"
    one, two = stack.estimators_
    np.testing.assert_allclose(outputs(one, X), outputs(two, X), rtol=0, atol=1e-12)


def test_global_generators_are_untouched(table):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    StackedNets([classifier(random_state=k) for k in range(2)]).fit(*table)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_fitted_nets_go_on(table):
    X, y = table
    net = StackedNets([classifier(random_state=k) for k in range(2)]).fit(
        X, y
    ).estimators_[1]  # fmt: skip
    before = outputs(net, X)
    assert np.abs(outputs(net.partial_fit(X, y), X) - before).max() > 1e-4


def test_threads_do_not_change_the_answer(table):
    X, y = table
    nets = [
        classifier(random_state=k, learning_rate=10.0**-k, max_epochs=2)
        for k in range(1, 4)
    ]
    rows = [np.arange(150 + k) for k in range(3)]
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            stack = StackedNets(nets).fit(X, y, rows=rows)
            found.append([net.predict_proba(X) for net in stack.estimators_])
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)
