"""Augmented rows are those that stand for the others, by the net of the day."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

import skoverfit
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import (
    BatchStepCallback,
    Cooldown,
    CoresetAugmentationStep,
    StackedNets,
    StepModel,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from skoverfit.neural_network._checkpoints import _words
from skoverfit.neural_network._coreset_training import CoresetTraining
from skoverfit.neural_network._data import NetData
from skoverfit.neural_network._training import build_net, train_stack
from skoverfit.representation import FeatureCorruption, ImageViews
from skoverfit.under_sampling import FacilityLocationSampler

X, Y = make_classification(
    150, 6, n_classes=3, n_informative=5, n_redundant=0, weights=[0.5, 0.3],
    random_state=0,
)  # fmt: skip
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, len(X))
SMALL = {
    "hidden_layer_sizes": (8,),
    "n_estimators": 1,
    "max_epochs": 4,
    "early_stopping": False,
    "linear_start": False,
    "dtype": "float64",
    "batch_size": 32,
    "random_state": 0,
}


def same(rows, generator):
    return rows.clone()


def noisy(rows, generator):
    drawn = torch.randn(rows.shape, generator=generator, dtype=rows.dtype)
    return rows + 0.1 * drawn


def net(step=None, **parameters):
    return TabularMLPClassifier(**{**SMALL, "batch_step": step, **parameters})


def weights_of(model):
    return torch.cat([p.flatten() for p in model.net_.module_.parameters()])


class Watch(Callback):
    """Keep what the step has chosen in each epoch, and how the net answered then."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.mass, self.met, self.before = [], [], []

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.data = dataset_train
        self.before.append(net.outputs(self.data.dense, self.data.codes))
        self.met.append([])

    def on_batch_begin(self, net, batch=None, **kwargs):
        self.met[-1].append(batch.rows)

    def on_epoch_end(self, net, **kwargs):
        self.mass.append(net._step._mass.clone())


def watched(step, X=X, y=Y, sample_weight=None, **parameters):
    model = net(step, callbacks=[Watch()], **parameters).fit(X, y, sample_weight)
    (_, watch), *_ = model.net_.callbacks_
    return model, watch


# --- limits -------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["full", "coreset"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted rows"])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_copies_of_all_rows_as_they_are_change_nothing(base, weight, n_estimators):
    options = {"n_estimators": n_estimators, "early_stopping": n_estimators > 1,
               "dropout": 0.0}  # fmt: skip
    step = CoresetAugmentationStep(same, fraction=1.0, base=base)
    made = net(step, **options).fit(X, Y, weight)
    plain = net(**options).fit(X, Y, weight)
    torch.testing.assert_close(weights_of(made), weights_of(plain), rtol=1e-9,
                               atol=1e-10)  # fmt: skip
    losses = [[row["train_loss"] for row in m.history_] for m in (made, plain)]
    np.testing.assert_allclose(*losses, rtol=1e-10)


def test_no_rows_are_the_plain_step_to_the_bit():
    made = net(CoresetAugmentationStep(noisy, fraction=0.0), dropout=0.3).fit(X, Y)
    assert torch.equal(weights_of(made), weights_of(net(dropout=0.3).fit(X, Y)))
    assert "coreset_refreshed" not in made.history_[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_is_a_step_on_the_table_with_the_coreset_appended(weighted):
    step = CoresetAugmentationStep(lambda rows, generator: rows + 1, fraction=0.25,
                                   weighted=weighted)  # fmt: skip
    whole = {"batch_size": len(X), "max_epochs": 1, "dropout": 0.0,
             "optimizer": "sgd", "optimizer_params": {"momentum": 0.0},
             "warmup_epochs": 0, "weight_decay": 0.0, "learning_rate": 0.5,
             "numeric_embedding": None}  # fmt: skip
    made, watch = watched(step, **whole)
    mass = watch.mass[0][0]
    start = build_net(*[[part] for part in prepared(**whole)])
    module, data = start.module_, watch.data
    chosen = mass > 0
    dense = torch.cat([data.dense, data.dense[chosen] + 1])
    target = torch.cat([data.target, data.target[chosen]])
    weight = torch.cat([torch.ones(len(X)).double(), mass[chosen]])
    losses = torch.nn.functional.cross_entropy(module(dense), target, reduction="none")
    ((losses * weight).sum() / weight.sum()).backward()
    wanted = torch.cat([(p - 0.5 * p.grad).flatten() for p in module.parameters()])
    torch.testing.assert_close(weights_of(made), wanted, rtol=1e-9, atol=1e-11)


def prepared(step=None, n=150, weight=None, **options):
    model = net(step, **options)
    settings = model._settings()
    weight = None if weight is None else weight[:n]
    return model._prepare(X[:n], Y[:n], weight, settings, hold_out=False)[0], settings


# --- the choice ---------------------------------------------------------------------


def gradients(output):
    return output[0].softmax(dim=-1).numpy() - np.eye(3)[Y]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted rows"])
@pytest.mark.parametrize("per_class", [True, False])
def test_the_first_choice_is_that_of_the_sampler_on_the_same_gradients(
    weight, per_class
):
    step = CoresetAugmentationStep(noisy, weighted=True, per_class=per_class,
                                   fraction=0.2)  # fmt: skip
    _, watch = watched(step, max_epochs=1, sample_weight=weight)
    points = gradients(watch.before[0])
    sampler = FacilityLocationSampler(
        lambda X, y: points, fraction=0.2, per_class=per_class
    )
    given = {} if weight is None else {"sample_weight": weight}
    sampler.fit_resample(X, Y, **given)
    mass = watch.mass[0][0].numpy()
    np.testing.assert_array_equal(np.flatnonzero(mass), sampler.sample_indices_)
    kept = sampler.sample_weight_ / sampler.sample_weight_.mean()
    np.testing.assert_allclose(mass[mass > 0], kept, rtol=1e-12)


def test_without_weights_a_chosen_row_counts_as_itself():
    _, watch = watched(CoresetAugmentationStep(noisy), sample_weight=WEIGHT)
    mass = watch.mass[0][0].numpy()
    np.testing.assert_allclose(
        mass[mass > 0], (WEIGHT / WEIGHT.mean())[mass > 0], rtol=1e-12
    )


def test_the_gradient_by_the_last_layer_is_autograds():
    prep, settings = prepared(max_epochs=1)
    module = build_net([prep], [settings]).module_.eval()
    dense = torch.from_numpy(prep.rows.dense)
    target = torch.from_numpy(prep.target)
    with torch.no_grad():
        output, held = module(dense), module.features(module.encode(dense))
    rows = np.arange(0, 150, 30)
    found = CoresetTraining._gradients(rows, target, output, held)
    for place, row in enumerate(rows):
        module.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            module(dense[row : row + 1]), target[row : row + 1]
        )
        loss.backward()
        head = module.head
        wanted = torch.cat([head.weight.grad[0], head.bias.grad[0]]).T.flatten()
        np.testing.assert_allclose(found[place], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("every", "due"),
    [(1, [1] * 7), (3, [1, 0, 0, 1, 0, 0, 1]), (None, [1] + [0] * 6)],
)
def test_it_is_chosen_anew_when_it_is_time_to(every, due):
    step = CoresetAugmentationStep(noisy, refresh_every=every, fraction=0.1)
    model, watch = watched(step, max_epochs=7, learning_rate=0.02)
    assert [row["coreset_refreshed"] for row in model.history_] == due
    masses = [mass[0].numpy() for mass in watch.mass]
    for epoch in range(1, 7):
        if not due[epoch]:
            np.testing.assert_array_equal(masses[epoch], masses[epoch - 1])
    if every == 3:  # by the net of the day, not by an older one
        points = gradients(watch.before[3])
        sampler = FacilityLocationSampler(lambda X, y: points, fraction=0.1)
        sampler.fit_resample(X, Y)
        np.testing.assert_array_equal(
            np.flatnonzero(masses[3]), sampler.sample_indices_
        )
        assert not np.array_equal(masses[0], masses[3])


def test_rivals_choose_as_many_rows_and_those_of_the_largest_loss():
    chosen = {}
    for selection in ("coreset", "random", "max_loss"):
        step = CoresetAugmentationStep(noisy, selection=selection, refresh_every=1)
        _, watch = watched(step, max_epochs=2)
        chosen[selection] = [mass[0].numpy() > 0 for mass in watch.mass]
        sizes = [(chosen[selection][0] & (k == Y)).sum() for k in range(3)]
        assert sizes == [round(0.3 * (k == Y).sum()) for k in range(3)]
    losses = -np.log(gradients(watch.before[1])[np.arange(150), Y] + 1)
    for k in range(3):
        mine = chosen["max_loss"][1]
        assert losses[mine & (k == Y)].min() >= losses[~mine & (k == Y)].max()
    assert not np.array_equal(chosen["random"][0], chosen["random"][1])


@pytest.mark.parametrize("base", ["full", "coreset"])
def test_only_rows_that_a_net_trains_on_are_chosen(base):
    step = CoresetAugmentationStep(noisy, base=base)
    _, watch = watched(step, n_estimators=4, early_stopping=True)
    for mass in watch.mass:
        for own, rows, held in zip(
            mass, watch.data.train, watch.data.valid, strict=True
        ):
            assert (own[held] == 0).all()
            for k in range(3):
                n = int((watch.data.target[rows] == k).sum())
                mine = own[rows][watch.data.target[rows] == k]
                assert (mine > 0).sum() == max(1, round(0.3 * n))
    # Nets that have other weights choose other rows.
    assert not torch.equal(watch.mass[-1][0] > 0, watch.mass[-1][1] > 0)


def test_with_the_coreset_as_base_no_other_row_is_met():
    step = CoresetAugmentationStep(noisy, base="coreset", refresh_every=2)
    _, watch = watched(step)
    for mass, met in zip(watch.mass, watch.met, strict=True):
        rows, counts = torch.cat(met).unique(return_counts=True)
        assert torch.equal(rows, mass[0].nonzero()[:, 0])
        assert counts.sum() == len(X)
        assert counts.max() - counts.min() <= 1


# --- views --------------------------------------------------------------------------


def test_views_are_of_chosen_rows_and_drawn_anew():
    seen = []

    def view(rows, generator):
        made = noisy(rows, generator)
        seen.append((rows.clone(), made))
        return made

    step = CoresetAugmentationStep(view, fraction=0.2, refresh_every=None)
    _, watch = watched(step)
    chosen = watch.data.dense[watch.mass[0][0] > 0]
    rows = torch.cat([rows for rows, _ in seen])
    assert len(rows) == 4 * len(chosen)
    assert torch.equal(rows.unique(dim=0), chosen.unique(dim=0))
    assert len(torch.cat([made for _, made in seen]).unique(dim=0)) == len(rows)


@pytest.mark.parametrize("scaling", ["robust", "standard"])
@pytest.mark.parametrize("kind", ["numpy", "pandas", "wide"])
def test_views_in_the_units_of_the_table(scaling, kind):
    rng = np.random.default_rng(1)
    table = np.hstack([X * [1, 50, 0.01, 3, 1, 1] + 7, np.full((150, 1), 4.5)])
    table = np.hstack([table, rng.integers(0, 2, (150, 1))])
    if kind == "wide":  # more columns than rows are rotated
        table = np.hstack([table, rng.normal(size=(150, 400))])
    given = pd.DataFrame(table) if kind == "pandas" else table
    seen = []

    def view(rows, generator):
        seen.append(rows.clone())
        return rows

    step = CoresetAugmentationStep(view, fraction=1.0, space="table")
    options = {"numeric_scaling": scaling, "dropout": 0.0, "max_epochs": 1,
               "categorical_features": None}  # fmt: skip
    made = net(step, **options).fit(given, Y)
    rows = torch.cat(seen).numpy()
    order, wanted = np.lexsort(rows.T), np.lexsort(table.T)
    np.testing.assert_allclose(rows[order], table[wanted], rtol=1e-7, atol=1e-8)
    plain = net(**options).fit(given, Y)
    torch.testing.assert_close(weights_of(made), weights_of(plain), rtol=1e-5,
                               atol=1e-7)  # fmt: skip


def test_view_makers_are_fitted_on_rows_that_are_trained_on():
    asked = []

    class Shuffling:
        def fit(self, rows):
            asked.append(rows.clone())
            return self

        def __call__(self, rows, generator):
            return rows

    given = Shuffling()
    step = CoresetAugmentationStep(given)
    _, watch = watched(step, n_estimators=3, early_stopping=True)
    for rows, table in zip(watch.data.train, asked, strict=True):
        assert torch.equal(table, watch.data.dense[rows])
    assert not vars(given)


def test_pictures_move_and_categories_are_replaced_as_a_whole():
    pictures, digits = load_digits(return_X_y=True)
    views = ImageViews((8, 8), brightness=0.0)
    step = CoresetAugmentationStep(views, space="table")
    wide = {"hidden_layer_sizes": (32,), "max_epochs": 12}
    moved = net(step, **wide).fit(pictures[:300], digits[:300])
    plain = net(**wide).fit(pictures[:300], digits[:300])
    shifted = np.roll(pictures[300:].reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
    assert moved.score(shifted, digits[300:]) > plain.score(shifted, digits[300:]) + 0.1
    colours = np.array(["red", "green", "blue"])[Y]
    many = np.array([f"level {k % 75}" for k in range(150)])
    table = pd.DataFrame({"x": X[:, 0], "colour": colours, "many": many})
    seen = []

    class Corruption(FeatureCorruption):
        def __call__(self, rows, generator):
            made = super().__call__(rows, generator)
            seen.append(made)
            return made

    mixed = net(CoresetAugmentationStep(Corruption())).fit(table, Y)
    made = torch.cat(seen)
    dense, codes = mixed.encode(table)
    for columns, known in ((made[:, 1:-1], dense[:, 1:]), (made[:, -1:], codes)):
        there = {tuple(row) for row in np.round(known, 6).tolist()}
        assert {tuple(row) for row in np.round(columns.numpy(), 6).tolist()} <= there


# --- one net, many nets, again, and from a file -------------------------------------


@pytest.mark.parametrize("base", ["full", "coreset"])
@pytest.mark.parametrize("own", [False, True], ids=["ours", "own module"])
def test_a_net_in_a_stack_is_the_net_alone(base, own):
    options = {"dropout": 0.2}
    if own:
        options = {"module": lambda n_features, n_outputs: torch.nn.Linear(
            n_features, n_outputs)}  # fmt: skip
    step = CoresetAugmentationStep(noisy, base=base, refresh_every=2, weighted=True)
    parts = [
        prepared(step, n, weight=WEIGHT, random_state=n, **options)
        for n in (120, 128, 125)
    ]
    stack = train_stack([p for p, _ in parts], [s for _, s in parts])
    dense = torch.from_numpy(parts[0][0].rows.dense)
    together = stack.outputs(dense)
    for place, (prep, settings) in enumerate(parts):
        alone = train_stack([prep], [settings]).outputs(dense)
        torch.testing.assert_close(alone[0], together[place], rtol=1e-6, atol=1e-8)


def test_estimators_are_trained_one_by_one_and_the_same():
    step = CoresetAugmentationStep(noisy)
    nets = [net(copy.deepcopy(step), random_state=k) for k in range(3)]
    stack = StackedNets(nets).fit(X, Y)
    assert stack.groups_ == [[0], [1], [2]]
    for given, made in zip(nets, stack.estimators_, strict=True):
        assert torch.equal(weights_of(made), weights_of(clone(given).fit(X, Y)))


@pytest.mark.parametrize("method", ["lazy", "stochastic"])
def test_the_same_seed_is_the_same_training(method):
    step = CoresetAugmentationStep(noisy, method=method)
    first, again, other = (
        weights_of(net(step, random_state=seed, n_estimators=2).fit(X, Y))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert vars(step) == vars(CoresetAugmentationStep(noisy, method=method))


class Stop(Callback):
    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == 5:
            raise RuntimeError("the machine goes down")


@pytest.mark.parametrize("base", ["full", "coreset"])
@pytest.mark.parametrize("views", [noisy, FeatureCorruption(rate=0.3)],
                         ids=["noise", "corruption"])  # fmt: skip
def test_a_training_that_goes_on_ends_as_one_that_was_not_cut_off(
    base, views, tmp_path
):
    step = CoresetAugmentationStep(views, base=base, refresh_every=3, weighted=True)
    options = {"max_epochs": 8, "n_estimators": 2, "early_stopping": True,
               "dtype": "float32", "dropout": 0.2}  # fmt: skip
    whole = net(step, **options).fit(X, Y, WEIGHT)
    path = tmp_path / "run.ckpt"
    broken = net(step, **options, checkpoint=path, checkpoint_every=1,
                 callbacks=[Stop()])  # fmt: skip
    with pytest.raises(RuntimeError, match="goes down"):
        broken.fit(X, Y, WEIGHT)
    resumed = net(step, **options, resume_from=path).fit(X, Y, WEIGHT)
    assert torch.equal(weights_of(resumed), weights_of(whole))
    keys = ("train_loss", "coreset_refreshed", "coreset_coverage")
    assert [[row[key] for key in keys] for row in resumed.history_] == [
        [row[key] for key in keys] for row in whole.history_
    ]
    other = CoresetAugmentationStep(views, base=base, refresh_every=2, weighted=True)
    with pytest.raises(BadInputError, match="batch_step=CoresetAugmentationStep"):
        net(other, **options, resume_from=path).fit(X, Y, WEIGHT)


def test_a_checkpoint_tells_functions_by_their_names():
    # Another process that goes on has them at other addresses.
    told = _words(CoresetAugmentationStep(noisy))
    assert "0x" not in told
    assert "noisy" in told
    assert told != _words(CoresetAugmentationStep(same))
    assert told != _words(CoresetAugmentationStep(noisy, fraction=0.2))


def test_nothing_of_the_rows_stays_after_the_training(tmp_path):
    step = CoresetAugmentationStep(ImageViews((2, 3)))
    model = net(step, n_estimators=2).fit(X, Y)
    assert not hasattr(model.net_, "_step")
    assert model.net_.batch_step is step
    plain = net(n_estimators=2).fit(X, Y)
    assert len(pickle.dumps(model)) < len(pickle.dumps(plain)) + 2000
    skoverfit.save(model, tmp_path / "net.skops")
    loaded = skoverfit.load(tmp_path / "net.skops")
    assert loaded.batch_step == step
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    for each in (model, loaded):
        each.partial_fit(X, Y)
    assert torch.equal(weights_of(model), weights_of(loaded))


def test_a_choice_that_is_none_of_the_tables_is_refused():
    step = CoresetAugmentationStep(noisy)
    prep, settings = prepared(step)
    stack = build_net([prep], [settings])
    training = _training(step, stack, prep)
    good = {"mass": np.ones((1, 150)), "coverage": np.array(0.5)}
    training.load_state_arrays(good)
    np.testing.assert_array_equal(training.state_arrays()["mass"], good["mass"])
    for bad in (np.ones((1, 149)), np.full((1, 150), -1.0), np.full((1, 150), np.nan)):
        with pytest.raises(ValueError, match="none of this table"):
            training.load_state_arrays({**good, "mass": bad})


def _training(step, stack, prep):
    data = NetData(
        dense=torch.from_numpy(prep.rows.dense), codes=None,
        target=torch.from_numpy(prep.target), weight=None,
        train=[torch.arange(150)], valid=None,
    )  # fmt: skip
    model = StepModel(
        encode=lambda batch: batch.dense, decode=stack.module_,
        loss=lambda *rest: rest[0], generators=stack.plan.generators,
        module=stack.module_, outputs=stack.outputs,
    )  # fmt: skip
    return step.for_training(model, data)


# --- parameters and refusals --------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"views": None}, "'views' parameter .* callable"),
        ({"views": ImageViews}, "'views' parameter .* callable"),
        ({"fraction": 1.5}, "'fraction' parameter .* from 0 to 1. Got 1.5"),
        ({"fraction": True}, "'fraction' parameter"),
        ({"fraction": 0.0, "base": "coreset"}, "above 0 with base='coreset'"),
        ({"refresh_every": 0}, "'refresh_every' parameter .* at least 1. Got 0"),
        ({"base": "all"}, r"'base' parameter .* one of \['full', 'coreset'\]"),
        ({"selection": "best"}, "'selection' parameter"),
        ({"gradient": "input"}, "'gradient' parameter"),
        ({"method": "naive"}, "'method' parameter"),
        ({"space": "raw"}, "'space' parameter"),
        ({"weighted": 1}, "'weighted' parameter .* True or False"),
        ({"weighted": True, "selection": "random"}, "False with selection='random'"),
    ],
    ids=str,
)
def test_parameters_that_cant_be_used(parameters, told):
    with pytest.raises(BadInputError, match=told):
        CoresetAugmentationStep(**{"views": noisy, **parameters})


def test_tables_nets_and_views_that_dont_bear_it():
    step = CoresetAugmentationStep(noisy)
    with pytest.raises(BadInputError, match="targets are numbers"):
        TabularMLPRegressor((4,), batch_step=step).fit(X, X[:, 0])
    table = CoresetAugmentationStep(noisy, space="table")
    holes = np.where(np.arange(6) == 2, np.where(X > 0, np.nan, X), X)
    with pytest.raises(BadInputError, match="has missing values"):
        net(table).fit(holes, Y)
    with pytest.raises(BadInputError, match="has nominal columns"):
        net(table).fit(pd.DataFrame({"x": X[:, 0], "c": Y.astype(str)}), Y)
    last = CoresetAugmentationStep(noisy, gradient="last_layer")
    linear = lambda n_features, n_outputs: torch.nn.Linear(n_features, n_outputs)  # noqa: E731
    with pytest.raises(BadInputError, match="use gradient='error'"):
        net(last, module=linear).fit(X, Y)
    for view in (lambda rows, g: rows[:, 1:], lambda rows, g: rows * torch.nan):
        with pytest.raises(BadInputError, match="'views' of CoresetAugmentationStep"):
            net(CoresetAugmentationStep(view)).fit(X, Y)
    core = CoresetAugmentationStep(noisy, base="coreset")
    with pytest.raises(BadInputError, match="Cooldown or TwoPhaseTraining"):
        net(core, callbacks=[Cooldown()]).fit(X, Y)
    plain = NeuralNetClassifier(
        torch.nn.Linear(6, 3), criterion=torch.nn.CrossEntropyLoss, verbose=0,
        train_split=None, callbacks=[BatchStepCallback(step)],
    )  # fmt: skip
    with pytest.raises(BadInputError, match="batch_step of TabularMLPClassifier"):
        plain.fit(X.astype("float32"), Y)


def test_equal_parameters_are_equal_steps():
    step = CoresetAugmentationStep(ImageViews((8, 8)), fraction=0.2)
    assert copy.deepcopy(step) == step
    assert hash(copy.deepcopy(step)) == hash(step)
    assert step != CoresetAugmentationStep(ImageViews((8, 8)), fraction=0.3)
    one, two = lambda rows, generator: rows, lambda rows, generator: rows + 1
    assert CoresetAugmentationStep(one) != CoresetAugmentationStep(two)
    assert "0x" not in repr(CoresetAugmentationStep(noisy))
    assert "fraction=0.2" in repr(step)
