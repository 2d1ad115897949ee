"""Copies and files of fitted nets: nothing of torch inside, nothing lost, no harm."""

import copy
import io
import json
import pickle
import pickletools
import warnings
import zipfile

import numpy as np
import pandas
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

import skoverfit
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import Mixup, TabularMLPClassifier, TabularMLPRegressor
from tests.common import _checks

CLASSES = make_classification(
    90, 5, n_classes=3, n_informative=4, n_redundant=0, random_state=0
)
NUMBERS = make_regression(90, 5, n_targets=2, random_state=0)
SMALL = {
    "hidden_layer_sizes": (6,),
    "n_estimators": 2,
    "max_epochs": 3,
    "random_state": 0,
}
KINDS = {
    "classifier": (TabularMLPClassifier(**SMALL), *CLASSES),
    "regressor": (TabularMLPRegressor(**SMALL), *NUMBERS),
}
OTHERS = {"skorch", "torch"}
TRUSTED = [TabularMLPClassifier, TabularMLPRegressor]


class OwnNet(torch.nn.Module):
    """With a buffer of its own, and a parameter that is not trained."""

    def __init__(self, n_features, n_outputs, width=7):
        super().__init__()
        self.first = torch.nn.Linear(n_features, width)
        self.norm = torch.nn.BatchNorm1d(width)
        self.last = torch.nn.Linear(width, n_outputs)
        self.last.bias.requires_grad_(False)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


class OwnLoss(torch.nn.Module):
    """A loss with a trained parameter."""

    reduction = "none"

    def __init__(self, reduction="none"):
        super().__init__()
        self.sharpness = torch.nn.Parameter(torch.ones(()))

    def forward(self, output, target):
        return torch.nn.functional.cross_entropy(
            output * self.sharpness, target, reduction="none"
        )


class OwnAdam(torch.optim.Adam):
    pass


def by_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def by_copy(model, folder):
    return copy.deepcopy(model)


def by_file(model, folder):
    skoverfit.save(model, folder / "net.skops", trusted=TRUSTED)
    return skoverfit.load(folder / "net.skops", trusted=TRUSTED)


def answer(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


def assert_alike(first, second, X):
    assert vars(first).keys() == vars(second).keys()
    assert np.array_equal(answer(first, X), answer(second, X))
    assert without_seconds(first) == without_seconds(second)


def without_seconds(model):
    return [
        {name: value for name, value in row.items() if name != "epoch_seconds"}
        for row in model.net_.history
    ]


@pytest.mark.parametrize("check", _checks.OUR_CHECKS, ids=_checks.check_name)
def test_promises_of_the_classifier(check):
    check(clone(KINDS["classifier"][0]))


@pytest.mark.parametrize(
    "check",
    [
        _checks.check_clone_pickle_deepcopy,
        _checks.check_safe_file,
        _checks.check_hostile_file,
        _checks.check_global_generators_untouched,
        _checks.check_param_validation,
    ],
    ids=_checks.check_name,
)
def test_promises_of_the_regressor(check, monkeypatch):
    monkeypatch.setattr(_checks, "data", lambda: make_regression(90, 5, random_state=0))
    check(clone(KINDS["regressor"][0]))


@pytest.mark.parametrize("way", [by_pickle, by_copy, by_file])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_goes_on_as_the_original(kind, way, tmp_path):
    model, X, y = KINDS[kind]
    for begin in ("fit", "partial_fit", "warm"):
        here = clone(model).set_params(warm_start=begin == "warm")
        more = {}
        if begin == "partial_fit" and kind == "classifier":
            more = {"classes": np.unique(y)}
        getattr(here, begin.replace("warm", "fit"))(X, y, **more)
        there = way(here, tmp_path)
        assert_alike(here, there, X)
        for each in (here, there):
            each.partial_fit(X[::2], y[::2])
        assert_alike(here, there, X)
        if begin == "warm":
            for each in (here, there):
                each.fit(X, y)
            assert_alike(here, there, X)
            assert here.best_epochs_ == there.best_epochs_


def names_in(data):
    return [arg for _, arg, _ in pickletools.genops(data) if isinstance(arg, str)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_type_of_torch_or_skorch_is_in_a_pickle_or_file(kind, tmp_path):
    model, X, y = KINDS[kind]
    model = clone(model).set_params(
        warm_start=True, device=torch.device("cpu"), batch_step=Mixup(0.3)
    )
    model.fit(X, y)
    found = [n for n in names_in(pickle.dumps(model)) if n.split(".")[0] in OTHERS]
    assert not found
    by_file(model, tmp_path)
    with zipfile.ZipFile(tmp_path / "net.skops") as archive:
        schema = archive.read("schema.json").decode()
    assert '"__module__": "torch' not in schema
    assert "skorch" not in schema


def test_parameters_of_torch_survive(tmp_path):
    X, y = CLASSES
    model = TabularMLPClassifier(**SMALL, device=torch.device("cpu"))
    back = by_file(model.fit(X, y), tmp_path)
    assert back.device == torch.device("cpu")
    assert pickle.loads(pickle.dumps(TabularMLPClassifier())).device == "auto"


@pytest.mark.parametrize(
    "parameters",
    [
        {"dtype": "float64"},
        {"mixed_precision": "bfloat16"},
        {"numeric_embedding": None, "linear_start": False},
        {"hidden_layer_sizes": ()},
        {"n_estimators": 1, "dropout": 0.5},
        {"batch_step": "mixup"},
        {"batch_step": Mixup(0.5)},
        {"optimizer": "sgd", "label_smoothing": 0.1},
        {"early_stopping": False, "schedule": "cosine"},
        {"class_weight": "balanced", "numeric_scaling": "standard"},
    ],
    ids=str,
)
def test_any_named_choice_can_be_saved(parameters, tmp_path):
    X, y = CLASSES
    model = TabularMLPClassifier(**{**SMALL, **parameters}).fit(X, y)
    back = by_file(model, tmp_path)
    assert back.get_params() == model.get_params()
    for each in (model, back):
        each.partial_fit(X, y)
    assert_alike(model, back, X)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "squared_error"])
def test_named_losses_of_the_regressor_can_be_saved(loss, tmp_path):
    X, y = NUMBERS
    model = TabularMLPRegressor(**SMALL, loss=loss).fit(X, y)
    back = by_file(model, tmp_path)
    for each in (model, back):
        each.partial_fit(X, y)
    assert_alike(model, back, X)


@pytest.mark.parametrize(
    "parameters",
    [
        {"module": OwnNet},
        {"module": OwnNet(5, 3, width=3)},
        {"module": OwnNet, "n_estimators": 1},
        {"loss": OwnLoss},
        {"loss": OwnLoss()},
        {"optimizer": OwnAdam},
    ],
    ids=["class", "instance", "alone", "loss-class", "loss", "optimizer"],
)
def test_what_a_user_brings_is_pickled_but_not_trusted(parameters, tmp_path):
    X, y = CLASSES
    model = TabularMLPClassifier(**{**SMALL, **parameters}, warm_start=True).fit(X, y)
    back = by_pickle(model, tmp_path)
    for each in (model, back):
        each.fit(X, y)
    assert_alike(model, back, X)
    with pytest.raises(BadInputError, match=r"can't be saved"):
        by_file(model, tmp_path)


class Counter(Callback):
    """Keeps a number between trainings."""

    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1
        net.history.record("count", np.int64(self.epochs))


def test_callbacks_and_their_state_are_pickled(tmp_path):
    X, y = CLASSES
    model = TabularMLPClassifier(**SMALL, callbacks=[("count", Counter())]).fit(X, y)
    back = by_pickle(model, tmp_path)
    for each in (model, back):
        each.partial_fit(X, y)
        assert each.net_.history[:, "count"] == [1, 2, 3, 4]
    assert_alike(model, back, X)


def test_a_table_with_levels_and_gaps(tmp_path):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {
            "number": np.where(rng.random(120) < 0.2, np.nan, rng.normal(size=120)),
            "few": rng.choice(["a", "b", "c"], 120),
            "many": [f"level {i % 80}" for i in range(120)],
            "flag": rng.choice([True, False], 120),
        }
    )
    y = rng.integers(0, 2, 120)
    model = TabularMLPClassifier(**SMALL, categorical_features=["few", "many"])
    model.fit(frame, y)
    assert model._encoder.n_codes == [81]
    assert_alike(model, by_file(model, tmp_path), frame)
    assert_alike(model, by_pickle(model, tmp_path), frame)


def test_parameters_changed_after_fit_do_not_hinder(tmp_path):
    X, y = CLASSES
    model = TabularMLPClassifier(**SMALL).fit(X, y)
    model.set_params(hidden_layer_sizes=(50,), dtype="float64", dropout=0.4)
    model.set_params(dtype="float32", loss="nonsense")
    back = by_file(model, tmp_path)
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))
    assert back.loss == "nonsense"


def test_a_net_of_an_absent_device_is_loaded_on_the_one_that_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, y = CLASSES
    model = TabularMLPClassifier(**SMALL).fit(X, y)
    model.device = model.net_.made_with["device"] = "cuda:1"
    model.net_.made_with["mixed_precision"] = "float16"
    back = pickle.loads(pickle.dumps(model))
    assert back.net_.device == "cpu"
    assert back.device == "cuda:1"
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))
    with pytest.raises(BadInputError, match="'cuda:1' is not there"):
        back.fit(X, y)


def test_weights_of_sixteen_bits_keep_their_bits():
    from skoverfit.neural_network._state import pack, unpack

    for dtype in (torch.bfloat16, torch.float16, torch.float64, torch.int64):
        tensors = {"a": torch.arange(5).to(dtype), "b": torch.ones((), dtype=dtype)}
        packed = pack(tensors)
        assert all(type(array) is np.ndarray for array in packed.values())
        back = unpack(packed)
        assert back.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert back[name].dtype == dtype
            assert torch.equal(back[name], tensor)


def test_in_a_pipeline(tmp_path):
    X, y = CLASSES
    pipe = make_pipeline(StandardScaler(), TabularMLPClassifier(**SMALL)).fit(X, y)
    back = by_file(pipe, tmp_path)
    assert np.array_equal(back.predict_proba(X), pipe.predict_proba(X))


def test_global_generators_are_untouched_by_loading():
    X, y = CLASSES
    for module in (None, OwnNet):
        data = pickle.dumps(TabularMLPClassifier(**SMALL, module=module).fit(X, y))
        before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        pickle.loads(data)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


# --- files made to do harm ----------------------------------------------------------


def rewritten(path, change):
    """Change the attributes of a saved estimator, as the schema has them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    change(schema["content"]["content"], members)
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def new_spec(change):
    def apply(attributes, members):
        node = attributes["net_"]["content"]["spec"]
        spec = json.loads(json.loads(node["content"]))
        change(spec)
        node["content"] = json.dumps(json.dumps(spec))

    return apply


def new_array(name, array, where="net_"):
    def apply(attributes, members):
        held = attributes[where]["content"]
        node = (held["arrays"]["content"] if where == "net_" else held)[name]
        buffer = io.BytesIO()
        np.save(buffer, array)
        members[node["file"]] = buffer.getvalue()

    return apply


HARMFUL = {
    "wider layer": new_array("module/hidden.0.weight", np.ones((2, 5, 60), "f4")),
    "integer weights": new_array("module/head.bias", np.ones((2, 1, 3), "i4")),
    "moments": new_array("optimizer/0/exp_avg", np.ones(3, "f4")),
    "moments of integers": new_array("optimizer/1/exp_avg", np.ones((2, 1, 6), "i8")),
    "step": new_array("optimizer/0/step", np.ones(9, "f4")),
    "generator": new_array("generator/0", np.ones(7, "u1")),
    "generator's content": new_array("generator/0", np.full(5056, 255, "u1")),
    "mask": new_array("mask/1", np.ones(5056, "f8")),
    "best": new_array("best/losses", np.ones(7)),
    "more nets": new_spec(lambda spec: spec.update(n_nets=3)),
    "no nets": new_spec(lambda spec: spec.update(n_nets=0)),
    "huge layers": new_spec(
        lambda spec: spec["options"].update(hidden_layer_sizes=[10**9, 10**9])
    ),
    "huge embedding": new_spec(lambda spec: spec["options"].update(embedding_dim=1e9)),
    "other outputs": new_spec(lambda spec: spec["options"].update(n_outputs=5)),
    "unknown option": new_spec(lambda spec: spec["options"].update(trick=5)),
    "activation": new_spec(lambda spec: spec["options"].update(activation="exec")),
    "schedule": new_spec(lambda spec: spec["plan"].update(schedule="x")),
    "rates": new_spec(lambda spec: spec["plan"].update(learning_rate=[1.0])),
    "patience": new_spec(lambda spec: spec["plan"].update(patience="x")),
    "plan": new_spec(lambda spec: spec["plan"].update(checkpoint="x")),
    "precision": new_spec(lambda spec: spec.update(mixed_precision="int8")),
    "format": new_spec(lambda spec: spec.update(format=99)),
    "no module": new_spec(lambda spec: spec.update(options=None)),
    "history": new_spec(lambda spec: spec["state"].update(history=[3])),
    "batch size": new_spec(lambda spec: spec["state"].update(batch_size="x")),
    "steps": new_spec(lambda spec: spec["state"].update(n_steps=-1)),
    "optimizer": new_spec(
        lambda spec: spec["state"]["optimizer"]["groups"][0].update(lr="x")
    ),
    "optimizer's flag": new_spec(
        lambda spec: spec["state"]["optimizer"]["groups"][0].update(amsgrad=True)
    ),
    "optimizer's pair": new_spec(
        lambda spec: spec["state"]["optimizer"]["groups"][0].update(betas=[0.9])
    ),
    "dropout": new_spec(lambda spec: spec["options"].update(dropout=[0.5])),
    "tolerance": new_spec(lambda spec: spec["plan"].update(tol=[0.5, 0.5])),
    "order": new_array("order", np.array([0, 1, 2, 3, 99]), "_encoder"),
    "center": new_array("center", np.zeros(7), "_encoder"),
    "mask of columns": new_array("used", np.arange(5), "_encoder"),
    "mean": new_array("mean", np.ones(2), "_encoder"),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    X, y = CLASSES
    path = tmp_path_factory.mktemp("saved") / "net.skops"
    model = TabularMLPClassifier(**SMALL, warm_start=True).fit(X, y)
    skoverfit.save(model, path, trusted=TRUSTED)
    return path.read_bytes()


@pytest.mark.parametrize("case", HARMFUL)
def test_a_crafted_file_is_refused_in_a_sentence(case, saved, tmp_path):
    path = tmp_path / "crafted.skops"
    path.write_bytes(saved)
    rewritten(path, HARMFUL[case])
    with pytest.raises(BadInputError, match=r"can't be loaded: The "):
        skoverfit.load(path, trusted=TRUSTED)


def test_the_crafted_files_differ_from_a_good_one_in_their_change_only(saved, tmp_path):
    path = tmp_path / "same.skops"
    path.write_bytes(saved)
    rewritten(path, new_spec(lambda spec: None))
    assert skoverfit.load(path, trusted=TRUSTED).predict(CLASSES[0]).shape == (90,)


def test_a_file_does_not_name_another_file_to_write(tmp_path):
    X, y = CLASSES
    path = tmp_path / "run.ckpt"
    model = TabularMLPClassifier(**SMALL, checkpoint=str(path)).fit(X, y)
    from skoverfit._core._safe_contents import check_contents

    with pytest.raises(ValueError, match="checkpoint=None"):
        check_contents(model, frozenset())
    by_file(model.set_params(checkpoint=None), tmp_path)


def test_loading_warns_of_nothing(saved, tmp_path):
    (tmp_path / "net.skops").write_bytes(saved)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skoverfit.load(tmp_path / "net.skops", trusted=TRUSTED)
