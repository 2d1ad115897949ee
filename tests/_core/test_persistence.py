# SPDX-License-Identifier: BSD-3-Clause
"""Safe files: what is saved comes back, what is hostile is refused and never runs."""

import io
import json
import os
import pickle
import sys
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skoverfit
from skoverfit.calibration import MulticlassTunedThresholdClassifierCV as Tuned
from skoverfit.exceptions import BadInputError

RNG = np.random.default_rng(0)
X = np.abs(RNG.normal(size=(90, 3)))
Y = np.array(["ant", "bee", "cat"])[np.arange(90) % 3]
FRAME = pd.DataFrame(X, columns=["p", "q", "r"]).assign(kind=Y)

MODELS = {
    "logistic": Tuned(LogisticRegression(), cv=2, random_state=0),
    "states": Tuned(
        LogisticRegression(),
        cv=StratifiedKFold(2),
        random_state=np.random.RandomState(0),
        scoring=make_scorer(matthews_corrcoef),
    ),
    "generator": Tuned(
        LogisticRegression(), cv=2, random_state=np.random.default_rng(0)
    ),
    "boosting": Tuned(
        HistGradientBoostingClassifier(max_iter=3, random_state=0), cv=2, random_state=0
    ),
    "forest": Tuned(RandomForestClassifier(3, random_state=0), cv=2, random_state=0),
    "neighbours": Tuned(KNeighborsClassifier(), cv=2, random_state=0),
    "smote": Tuned(
        make_imblearn_pipeline(StandardScaler(), SMOTE(), LogisticRegression()),
        cv=2,
        random_state=0,
    ),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), method="isotonic"),
    "search": GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2),
    "functions": make_pipeline(
        FunctionTransformer(np.log1p), SelectKBest(k=2), LogisticRegression()
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_saved_comes_back(name, tmp_path):
    model = MODELS[name].fit(X, Y)
    skoverfit.save(model, tmp_path / "model.skops")
    back = skoverfit.load(tmp_path / "model.skops")
    assert type(back) is type(model)
    assert np.array_equal(back.predict(X), model.predict(X))
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))


def test_frames_and_sparse_matrices_come_back(tmp_path):
    columns = make_column_transformer(
        (OneHotEncoder(), ["kind"]), (SimpleImputer(), ["p", "q"])
    )
    model = make_pipeline(columns, LogisticRegression()).fit(FRAME, Y)
    skoverfit.save(model, tmp_path / "m")
    assert np.array_equal(
        skoverfit.load(tmp_path / "m").predict(FRAME), model.predict(FRAME)
    )
    sparse = KNeighborsClassifier(algorithm="brute").fit(csr_array(X), Y)
    skoverfit.save(sparse, tmp_path / "m")
    assert np.array_equal(skoverfit.load(tmp_path / "m").predict(X), sparse.predict(X))


class Foreign(BaseEstimator):
    """Not of the libraries that are trusted."""


def test_save_refuses_what_would_not_load_and_names_it(tmp_path):
    path = tmp_path / "m"
    cases = [
        (Foreign(), r"Foreign can't be saved.*Foreign"),
        (make_pipeline(FunctionTransformer(partial(np.add, 1))),
         r"functools.partial \(attribute steps\[0\]\[1\].func\)"),
        (FunctionTransformer(os.getcwd), r"attribute func"),
        (FunctionTransformer(lambda X: X), r"<lambda> \(attribute func\)"),
        (make_pipeline(StandardScaler(), memory="cache"), "memory=None"),
        (GradientBoostingClassifier(n_estimators=1).fit(X, Y), "GradientBoosting"),
    ]  # fmt: skip
    for model, message in cases:
        with pytest.raises(BadInputError, match=message):
            skoverfit.save(model, path)
        assert list(tmp_path.iterdir()) == []


def test_trusted_types_pass_by_type_and_by_name(tmp_path):
    path = tmp_path / "m"
    name = f"{Foreign.__module__}.Foreign"
    sys.modules.setdefault(Foreign.__module__, sys.modules[__name__])
    skoverfit.save(Foreign(), path, trusted=[Foreign])
    with pytest.raises(BadInputError, match="Foreign"):
        skoverfit.load(path)
    assert isinstance(skoverfit.load(path, trusted=[name]), Foreign)
    for wrong in (True, name, 3):
        with pytest.raises(BadInputError, match="'trusted' parameter"):
            skoverfit.load(path, trusted=wrong)


def test_boosting_on_categories_needs_trust_in_three_types(tmp_path):
    frame = FRAME.astype({"kind": "category"})
    model = HistGradientBoostingClassifier(max_iter=2).fit(frame, Y)
    trusted = ["functools.partial", "sklearn.utils.validation.check_array"]
    with pytest.raises(BadInputError, match=r"not trusted are functools\.partial"):
        skoverfit.save(model, tmp_path / "m")
    with pytest.raises(BadInputError, match=r"preprocessor.*name .*TreePredictor"):
        skoverfit.save(model, tmp_path / "m", trusted=trusted)
    trusted += ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    skoverfit.save(model, tmp_path / "m", trusted=trusted)
    back = skoverfit.load(tmp_path / "m", trusted=trusted)
    assert np.array_equal(back.predict_proba(frame), model.predict_proba(frame))


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "m"
    model = LogisticRegression().fit(X, Y)
    skoverfit.save(model, path)
    before = path.read_bytes()

    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="no space left"):
        skoverfit.save(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_without_skops_the_install_line_is_printed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    for call in (
        lambda: skoverfit.save(LogisticRegression(), tmp_path / "m"),
        lambda: skoverfit.load(tmp_path / "m"),
    ):
        with pytest.raises(ImportError, match=r'pip install "skoverfit\[safe\]"'):
            call()


# --- hostile files ---------------------------------------------------------------


def node(loader, name, **more):
    module, _, kind = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": kind, **more}


def text(value):
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def listing(*items, loader="ListNode", name="builtins.list"):
    return node(loader, name, content=list(items))


def arguments(*items):
    return listing(*items, loader="TupleNode", name="builtins.tuple")


def mapping(**items):
    keys = listing(*[node("TypeNode", "builtins.str") for _ in items])
    return node("DictNode", "builtins.dict", content=items, key_types=keys)


def write(path, schema, members=(), compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in dict(members).items():
            archive.writestr(name, data)
        archive.writestr("schema.json", json.dumps(schema))


def planted(tmp_path, payload, members=(), *, protocol=2):
    """Write a file of a fitted model, one attribute of which is the payload."""
    path = tmp_path / "hostile.skops"
    skoverfit.save(LogisticRegression().fit(X, Y), path)
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
        kept = {n: archive.read(n) for n in archive.namelist() if n != "schema.json"}
    schema["content"]["content"]["penalty"] = payload
    schema["protocol"] = protocol
    write(path, schema, {**kept, **dict(members)})
    return path


class Bomb:
    """Pickles to a call that leaves a mark."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


def payloads(marker, pickled_array):
    command = text(f"touch {marker}")
    run = arguments(listing(text("touch"), text(str(marker))))
    system = node("FunctionNode", "posix.system")
    none = text(None)
    return {
        "a function": system,
        "a type that is a function": node("TypeNode", "posix.system"),
        "a constructor": node(
            "ConstructorFromReduceNode", "subprocess.Popen", content=run
        ),
        "a partial": node(
            "PartialNode",
            "functools.partial",
            content={"func": system, "args": arguments(command),
                     "kwds": mapping(), "namespace": none},
        ),
        "a method": node(
            "MethodNode",
            "builtins.str",
            content={"func": "format_map", "obj": text("x")},
        ),
        "an operator": node(
            "OperatorFuncNode", "operator.methodcaller",
            attrs=arguments(text("system"), command),
        ),
        "keys made by a call": node(
            "DictNode", "builtins.dict",
            content={f"touch {marker}": none}, key_types=listing(system),
        ),
        "a container made by a call": node(
            "ListNode", "subprocess.Popen", content=[text("touch"), text(str(marker))]
        ),
        "an array made by a call": node(
            "NdArrayNode", "numpy.load", type="numpy", file="evil.npy"
        ),
        "a pickle in an array": node(
            "NdArrayNode", "numpy.ndarray", type="numpy", file="evil.npy"
        ),
        "a pickle in bytes": node("BytesNode", "builtins.bytes", file="evil.bin"),
        "a pickle that a class unpacks": node(
            "ObjectNode", "skorch.net.NeuralNet",
            content=mapping(module_=node("BytesNode", "builtins.bytes",
                                         file="evil.bin")),
        ),
        "a module that acts when imported": node("ObjectNode", "evil_module.Model"),
        "its function": node("FunctionNode", "evil_module.function"),
        "a loss of it": node(
            "LossNode", "evil_module.Loss",
            content=mapping(), __reduce__={"args": arguments()},
        ),
        "a node where none is read": node(
            "SliceNode", "builtins.slice",
            content={"start": 0, "stop": {"deep": [system]}, "step": None},
        ),
        "a dangerous function of numpy": node(
            "FunctionNode", "numpy.testing._private.utils.runstring"
        ),
        "a module of scikit-learn as a function": node(
            "ObjectNode", "sklearn.datasets._base.load_files"
        ),
        "a bit generator that is none": node(
            "RandomGeneratorNode", "numpy.random._generator.Generator",
            content={"bit_generator": mapping(bit_generator=text("seed")),
                     "seed_seq": mapping()},
        ),
        "an unknown loader": node("PickleNode", "builtins.bytes", file="evil.bin"),
        "a node without a type": {"__loader__": "ObjectNode", "content": None},
    }  # fmt: skip


KINDS = sorted(payloads("x", b""))


@pytest.mark.parametrize("protocol", [2, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_payloads_are_refused_and_do_not_run(
    kind, protocol, tmp_path, monkeypatch
):
    marker = tmp_path / "marker"
    (tmp_path / "evil_module.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    payload = payloads(marker, buffer.getvalue())[kind]
    path = planted(
        tmp_path,
        payload,
        {"evil.npy": buffer.getvalue(), "evil.bin": pickle.dumps(Bomb(marker))}
        if "evil." in json.dumps(payload)
        else {},
        protocol=protocol,
    )
    with pytest.raises(BadInputError, match="can't be loaded"):
        skoverfit.load(path)
    assert not marker.exists()
    assert "evil_module" not in sys.modules
    # The bombs are live: what is refused here would have left its mark elsewhere.
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()


def test_the_file_that_carries_the_payloads_is_fine_without_them(tmp_path):
    path = planted(tmp_path, text("l2"))
    assert skoverfit.load(path).penalty == "l2"


def test_the_refusal_names_type_and_place(tmp_path):
    path = planted(tmp_path, node("FunctionNode", "posix.system"))
    with pytest.raises(BadInputError, match=r"posix.system \(attribute penalty\)"):
        skoverfit.load(path)


def test_damaged_and_oversized_files_are_refused(tmp_path):
    path = tmp_path / "m"
    skoverfit.save(LogisticRegression().fit(X, Y), path)
    whole = path.read_bytes()
    for damaged in (b"", b"not a zip", whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(BadInputError, match="can't be loaded"):
            skoverfit.load(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        skoverfit.load(tmp_path / "absent")

    zeros = node("NdArrayNode", "numpy.ndarray", type="numpy", file="zeros.npy")
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(2_000_000))
    bomb = planted(tmp_path, zeros, {"zeros.npy": buffer.getvalue()})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(BadInputError, match="max_bytes=1000000"):
        skoverfit.load(bomb, max_bytes=1_000_000)
    with pytest.raises(BadInputError, match="max_bytes is 10"):
        skoverfit.load(bomb, max_bytes=10)
    for wrong in (0, None, 1.5):
        with pytest.raises(BadInputError, match="'max_bytes' parameter must be"):
            skoverfit.load(bomb, max_bytes=wrong)
    assert skoverfit.load(bomb).penalty.shape == (2_000_000,)


def test_malformed_archives_are_refused(tmp_path):
    null = text(None)
    for name in ("../evil.npy", "/etc/evil.npy", "a/b.npy", "evil.py"):
        with pytest.raises(BadInputError, match="member of the name"):
            skoverfit.load(planted(tmp_path, null, {name: b"x"}))

    liar = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        liar, {"descr": "<f8", "fortran_order": False, "shape": (10**11,)}
    )
    for data in (liar.getvalue(), b"no array"):
        with pytest.raises(BadInputError, match="can't be loaded"):
            skoverfit.load(planted(tmp_path, null, {"evil.npy": data}))

    path = planted(tmp_path, null)
    with (
        zipfile.ZipFile(path, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        archive.writestr("schema.json", "{}")
    with pytest.raises(BadInputError, match="not a skops file"):
        skoverfit.load(path)

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "[" * 100_000 + "]" * 100_000)
    with pytest.raises(BadInputError, match="nested too deeply"):
        skoverfit.load(path)
    for schema in ([], {"protocol": 1}, {"protocol": True}, {}):
        write(path, schema)
        with pytest.raises(BadInputError, match="protocol 2"):
            skoverfit.load(path)


def corrupt(tmp_path, model, change):
    """Save a model whose arrays `change` altered, past the check of `save`."""
    import skops.io

    path = tmp_path / "crafted.skops"
    data = skops.io.dumps(model)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    hits = 0
    for name in [name for name in members if name.endswith(".npy")]:
        array = np.load(io.BytesIO(members[name]))
        if change(array):
            hits += 1
            buffer = io.BytesIO()
            np.save(buffer, array)
            members[name] = buffer.getvalue()
    assert hits, "the array to alter was not found"
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return path


def set_field(field, value):
    def change(array):
        if array.dtype.names is None or field not in array.dtype.names:
            return False
        array[field][0] = value
        return True

    return change


@pytest.mark.parametrize(
    ("model", "field", "value", "message"),
    [
        (DecisionTreeClassifier(max_depth=3), "feature", 10**6, "feature that does"),
        (DecisionTreeClassifier(max_depth=3), "left_child", 10**6, "children"),
        (DecisionTreeClassifier(max_depth=3), "right_child", 0, "children"),
        (RandomForestClassifier(2), "feature", -7, "feature that does not exist"),
        (HistGradientBoostingClassifier(max_iter=2), "left", 0, "children"),
        (HistGradientBoostingClassifier(max_iter=2), "feature_idx", 99, "feature that"),
        (HistGradientBoostingClassifier(max_iter=2), "is_categorical", 1, "categories"),
    ],
)
def test_crafted_trees_are_refused(model, field, value, message, tmp_path):
    path = corrupt(tmp_path, model.fit(X, Y), set_field(field, value))
    with pytest.raises(BadInputError, match=f"{message}.*damaged or was made"):
        skoverfit.load(path)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_search_trees_are_left_out_of_the_file_and_built_again(algorithm, tmp_path):
    import skops.io

    model = KNeighborsClassifier(3, algorithm=algorithm, p=1, weights="distance")
    model.fit(X, Y)
    skoverfit.save(model, tmp_path / "m")
    back = skoverfit.load(tmp_path / "m")
    assert type(back._tree) is type(model._tree)
    for ours, theirs in zip(back.kneighbors(X), model.kneighbors(X), strict=True):
        assert np.array_equal(ours, theirs)
    # A file that brings one along is not of ours.
    skops.io.dump(model, tmp_path / "foreign")
    with pytest.raises(BadInputError, match=r"Tree \(attribute _tree\)"):
        skoverfit.load(tmp_path / "foreign")


def test_a_tree_of_another_width_is_refused(tmp_path):
    model = DecisionTreeClassifier(max_depth=2).fit(X, Y)
    model.n_features_in_ = 2
    with pytest.raises(BadInputError, match="differ in the number of features"):
        skoverfit.save(model, tmp_path / "m")


JUNK = (None, -1, 10**9, "x", [], {}, "null", "-5", "9" * 30, True, 2.5)


def places(node):
    """List (container, key) of everything below a node of a schema."""
    found = []
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        found.append((node, key))
        if isinstance(value, (dict, list)):
            found += places(value)
    return found


@pytest.mark.filterwarnings("ignore")  # of half-destroyed estimators
@pytest.mark.parametrize("name", ["generator", "boosting", "neighbours"])
def test_random_damage_ends_in_a_refusal_or_in_a_model(name, tmp_path):
    path = tmp_path / "m"
    skoverfit.save(MODELS[name].fit(X, Y), path)
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    schema = members.pop("schema.json")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = json.loads(schema)
        container, key = (found := places(damaged))[rng.integers(len(found))]
        if rng.random() < 0.3:
            other, place = found[rng.integers(len(found))]
            container[key] = json.loads(json.dumps(other[place]))
        else:
            container[key] = JUNK[rng.integers(len(JUNK))]
        write(path, damaged, members)
        try:
            skoverfit.load(path)
        except BadInputError:
            refused += 1
    assert 10 < refused < 60
