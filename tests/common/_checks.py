# SPDX-License-Identifier: BSD-3-Clause
"""What every component promises, as functions of one estimator that raise.

The contract test runs them over the catalogue; the test of the tests runs them over
estimators that break one promise each, so that no check can pass by doing nothing.
"""

import copy
import inspect
import io
import json
import pickle
import random
import tempfile
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas
import pytest
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import estimator_checks as sklearn_checks, get_tags

import skoverfit
from skoverfit._core._safe_types import allowed_types, type_name
from skoverfit.exceptions import BadInputError
from skoverfit.over_sampling import SMOGN, SMOTER

# This check runs only where SCIPY_ARRAY_API=1 was set before scipy was imported; a
# test of its own starts such a process, instead of running all tests in that mode.
ARRAY_API_CHECK = "check_array_api_input"


def is_sampler(estimator):
    return hasattr(estimator, "fit_resample")


def data(n_samples=90, n_features=4, n_classes=3, seed=0):
    """Return overlapping classes with the shares 1 : 2 : 3 and string labels."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_classes), np.arange(1, n_classes + 1))
    codes = np.resize(codes, n_samples)
    X = rng.normal(size=(n_samples, n_features)) + codes[:, None]
    return X, np.array(["ant", "bee", "cat", "dog"])[codes]


def takes_numbers(estimator):
    return is_regressor(estimator) or isinstance(estimator, (SMOTER, SMOGN))


def takes_several_labels(estimator):
    return not get_tags(estimator).target_tags.single_output


def takes_one_positive_column(estimator):
    return get_tags(estimator).input_tags.one_d_array


def data_for(estimator):
    """Return `data`, with the kind of target that the estimator takes."""
    X, y = data()
    if takes_one_positive_column(estimator):
        return np.exp(X[:, :1]), 1.0 + np.exp(-X[:, 0])
    codes = np.unique(y, return_inverse=True)[1]
    if takes_several_labels(estimator):
        return X, np.column_stack([codes == 0, codes > 0, X[:, 0] > 0]).astype(int)
    if not takes_numbers(estimator):
        return X, y
    return X, X @ np.arange(1, X.shape[1] + 1) + codes


def answers(estimator, X, y):
    """Fit a clone and return the arrays that a user would see."""
    return outputs(*fitted(estimator, X, y), X)


def fitted(estimator, X, y):
    model = clone(estimator)
    if is_sampler(model):
        return model, list(model.fit_resample(X, y))
    return model.fit(X, y), []


def outputs(model, resampled, X):
    methods = ("predict", "predict_proba", "decision_function", "transform")
    return resampled + [
        np.asarray(getattr(model, method)(X))
        for method in methods
        if hasattr(model, method)
    ]


def same(first, second):
    return len(first) == len(second) and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(first, second, strict=True)
    )


# --- ready-made checks --------------------------------------------------------------


def check_name(check):
    """Return the name of a check, with its options."""
    options = "".join(
        f"-{key}={value}" for key, value in getattr(check, "keywords", {}).items()
    )
    return getattr(check, "func", check).__name__ + options


def generated(library, estimator, expected=None):
    """Return the checks of scikit-learn or imbalanced-learn as pytest parameters.

    A list, since pytest refuses generators; a strict xfail with its sentence where
    the check is expected to fail.
    """
    source = {"sklearn": sklearn_checks, "imblearn": imblearn_checks}[library]
    name = type(estimator).__name__
    reasons = (expected or {}).get(name, {})
    parameters = []
    if library == "imblearn" and is_regressor(estimator):
        return parameters  # it has checks for samplers and classifiers only
    for instance, check in source.estimator_checks_generator(estimator):
        base = check.func.__name__
        if base == ARRAY_API_CHECK:
            continue
        marks = []
        if base in reasons:
            marks = [pytest.mark.xfail(reason=reasons[base], strict=True)]
        identity = f"{name}-{check_name(check)}"
        parameters.append(pytest.param(instance, check, marks=marks, id=identity))
    return parameters


def check_param_validation(estimator):
    """Every parameter has its constraints, and wrong values are refused by name."""
    sklearn_checks.check_param_validation(type(estimator).__name__, clone(estimator))


# --- our own ------------------------------------------------------------------------


def check_clone_pickle_deepcopy(estimator):
    """A clone has equal parameters; copies of a fitted one answer alike."""
    parameters = estimator.get_params(deep=False)
    twin = clone(estimator).get_params(deep=False)
    assert parameters.keys() == twin.keys(), "clone changes the parameters"
    for key, value in parameters.items():
        assert type(twin[key]) is type(value), f"clone changes {key}"
    X, y = data_for(estimator)
    model, _ = fitted(estimator, X, y)
    truth = outputs(model, [], X)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert vars(copied).keys() == vars(model).keys(), "a copy loses attributes"
        assert same(outputs(copied, [], X), truth), "a copy answers differently"


def _trust(estimator):
    """Return the types to trust: none for our own, itself for one made in a test."""
    name = type_name(type(estimator))
    return () if name in allowed_types()["ObjectNode"] else (name,)


def check_safe_file(estimator):
    """A fitted one can be saved to a safe file and answers alike when loaded."""
    X, y = data_for(estimator)
    model, _ = fitted(estimator, X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        skoverfit.save(model, path, trusted=_trust(model))
        back = skoverfit.load(path, trusted=_trust(model))
    assert type(back) is type(model), "another type is loaded"
    assert vars(back).keys() == vars(model).keys(), "the file loses attributes"
    assert same(outputs(back, [], X), outputs(model, [], X)), "it answers differently"


def check_hostile_file(estimator):
    """A command planted in its file is refused and does not run."""
    model, _ = fitted(estimator, *data_for(estimator))
    with tempfile.TemporaryDirectory() as folder:
        path, marker = Path(folder) / "model.skops", Path(folder) / "marker"
        skoverfit.save(model, path, trusted=_trust(model))
        path.write_bytes(_plant(path.read_bytes(), marker))
        refusal = ""
        try:
            skoverfit.load(path, trusted=_trust(model))
        except BadInputError as exc:
            refusal = str(exc)
        assert not marker.exists(), "the payload ran"
        assert "builtins.open" in refusal, f"not refused for the payload: {refusal!r}"


def _plant(file, marker):
    """Add an attribute to a saved object: the result of ``open(marker, "w")``."""

    def text(value):
        return {"__class__": "str", "__module__": "builtins",
                "__loader__": "JsonNode", "content": json.dumps(value)}  # fmt: skip

    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    attributes = schema["content"]
    attributes["content"]["planted"] = {
        "__class__": "open",
        "__module__": "builtins",
        "__loader__": "ConstructorFromReduceNode",
        "content": {"__class__": "tuple", "__module__": "builtins",
                    "__loader__": "TupleNode",
                    "content": [text(str(marker)), text("w")]},
    }  # fmt: skip
    attributes["key_types"]["content"].append(
        {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
    )
    members["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def check_same_seed_same_answer(estimator):
    """Two clones with one seed answer alike; so do two fits of one instance."""
    X, y = data_for(estimator)
    alike = same(answers(estimator, X, y), answers(estimator, X, y))
    assert alike, "two clones with one seed answer differently"
    model, resampled = fitted(estimator, X, y)
    first = outputs(model, resampled, X)
    again = list(model.fit_resample(X, y)) if is_sampler(model) else []
    if not again:
        model.fit(X, y)
    assert same(first, outputs(model, again, X)), "a second fit answers differently"


def check_jobs_do_not_matter(estimator):
    """The answer with two jobs is the answer with one."""
    if "n_jobs" not in estimator.get_params(deep=False):
        return
    X, y = data_for(estimator)
    one = answers(clone(estimator).set_params(n_jobs=1), X, y)
    with joblib.parallel_config("threading"):
        two = answers(clone(estimator).set_params(n_jobs=2), X, y)
    assert same(one, two), "n_jobs=2 answers differently from n_jobs=1"


def check_global_generators_untouched(estimator):
    """The generators that all share are neither advanced nor seeded."""
    X, y = data_for(estimator)
    before = np.random.get_state()[1:3], random.getstate()  # noqa: NPY002
    answers(estimator, X, y)
    after = np.random.get_state()[1:3], random.getstate()  # noqa: NPY002
    unmoved = np.array_equal(before[0][0], after[0][0]) and before[0][1] == after[0][1]
    assert unmoved, "numpy's global generator was used"
    assert before[1] == after[1], "Python's global generator was used"


def check_input_untouched(estimator):
    """Neither arrays nor dataframes are changed."""
    X, y = data_for(estimator)
    frame = pandas.DataFrame(X).add_prefix("c")
    series = pandas.Series(y, name="y") if y.ndim == 1 else pandas.DataFrame(y)
    kept = X.copy(), y.copy(), frame.copy(), series.copy()
    answers(estimator, X, y)
    answers(estimator, frame, series)
    assert np.array_equal(X, kept[0]), "X was changed"
    assert np.array_equal(y, kept[1]), "y was changed"
    assert frame.equals(kept[2]), "the frame was changed"
    assert series.equals(kept[3]), "the series was changed"


def check_dtype_kept(estimator):
    """Labels keep their dtype, and so do resampled or transformed features."""
    X, y = data_for(estimator)
    codes = np.unique(y, return_inverse=True)[1]
    small = codes.astype(np.int8)  # 90 numbers at most
    targets = (y, codes.astype(np.int32), small, codes == 0)
    if takes_several_labels(estimator):
        targets = (y, y.astype(np.int8), y == 1, y.astype(np.float32))
    if takes_numbers(estimator):
        targets = (y, y.astype(np.float32), codes.astype(np.int32) // 9, small // 9)
    for labels in targets:
        for kind in (np.float32, np.float64):
            model, resampled = fitted(estimator, X.astype(kind), labels)
            if resampled:
                assert resampled[0].dtype == kind, f"{kind} X is not kept"
                assert resampled[1].dtype == labels.dtype, "dtype of y is not kept"
            if is_classifier(model):
                decided = model.predict(X.astype(kind))
                assert decided.dtype == labels.dtype, f"labels become {decided.dtype}"
                assert model.classes_.dtype == labels.dtype, "classes_ lose their dtype"
            if is_regressor(model):
                told = model.predict(X.astype(kind))
                assert told.dtype.kind == "f", f"predictions are {told.dtype}"
                assert np.ptp(told % 1) > 0, "predictions are rounded"
            if hasattr(model, "transform"):
                made = model.transform(X.astype(kind)).dtype
                assert made == kind, f"{kind} X becomes {made}"


def _fitted_attributes(model, *, but=()):
    return [
        name
        for name in vars(model)
        if name.endswith("_") and not name.startswith("_") and name not in but
    ]


def check_fitted_attributes_only_after_fit(estimator):
    """Before fit there are only parameters, after it attributes with an underscore."""
    fresh = clone(estimator)
    parameters = set(inspect.signature(type(fresh)).parameters)
    assert set(vars(fresh)) <= parameters, "the constructor sets more than parameters"
    model, _ = fitted(estimator, *data_for(estimator))
    assert _fitted_attributes(model), "fit sets no attribute"
    for name, value in fresh.get_params(deep=False).items():
        now = getattr(model, name)
        unchanged = now is value or isinstance(now, type(value))
        assert unchanged, f"fit changes the parameter {name}"


def check_nothing_half_fitted(estimator):
    """After an error a fresh one is as fresh as before."""
    X, y = data_for(estimator)
    bad = X.copy()
    bad[3, 1] = np.inf
    cases = {
        "infinity": (bad, y),
        "fewer labels than rows": (X, y[:-5]),
        "one class": (X, np.full(len(y), "ant")),
        "continuous y": (X, X[:, 0]),
    }
    if takes_numbers(estimator):
        endless = y.copy()
        endless[3] = np.inf
        cases["infinite y"] = (X, endless)
        cases["missing y"] = (X, np.where(np.arange(len(y)) == 3, np.nan, y))
        cases["text y"] = (X, np.full(len(y), "ant"))
        del cases["one class"], cases["continuous y"]  # its daily bread
    if is_sampler(estimator) and get_tags(estimator).input_tags.string:
        del cases["infinity"]  # it copies cells of any content
    if not get_tags(estimator).target_tags.required:  # labels are ignored
        cases = {"infinity": cases["infinity"]}
    for case, (features, labels) in cases.items():
        model = clone(estimator)
        fit = model.fit_resample if is_sampler(model) else model.fit
        try:
            fit(features, labels)
        except (ValueError, TypeError):
            # Input validation of scikit-learn and imbalanced-learn sets these two.
            left = _fitted_attributes(
                model, but=("n_features_in_", "feature_names_in_")
            )
            assert not left, f"{case}: {left} are left behind"
        else:
            raise AssertionError(f"{case} is accepted")


OUR_CHECKS = (
    check_param_validation,
    check_clone_pickle_deepcopy,
    check_safe_file,
    check_hostile_file,
    check_same_seed_same_answer,
    check_jobs_do_not_matter,
    check_global_generators_untouched,
    check_input_untouched,
    check_dtype_kept,
    check_fitted_attributes_only_after_fit,
    check_nothing_half_fitted,
)
