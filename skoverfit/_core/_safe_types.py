# SPDX-License-Identifier: BSD-3-Clause
"""Which types a safe file may name, and where: the audit of its schema.

A skops file is a zip archive: ``schema.json`` is a tree of nodes, each naming a loader
and a type, the other members are arrays. skops itself trusts a type wherever its name
occurs; here every *loader* has its own list, because a name that is harmless as data
(a class, a function) can be harmful where it is called. Nothing is imported for the
sake of a name in the file: names are compared with lists made beforehand.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["allowed_types", "is_allowed", "named_types", "type_name"]

# Estimators whose compiled parts trust more fitted state than is checked.
_UNCHECKED = frozenset(
    {
        "DictionaryLearning",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "HDBSCAN",
        "IsolationForest",
        "LatentDirichletAllocation",
        "MiniBatchDictionaryLearning",
        "MiniBatchNMF",
        "MiniBatchSparsePCA",
        "NMF",
        "NuSVC",
        "NuSVR",
        "OPTICS",
        "OneClassSVM",
        "RandomTreesEmbedding",
        "SVC",
        "SVR",
        "SparseCoder",
        "SparsePCA",
    }
)
# Losses of the net whose state is plain values, checked by their constructor.
_NET_LOSSES = (
    "_confidence_losses.FocalLoss",
    "_confidence_losses.PassAtNLoss",
    "_confidence_losses.StableMaxCrossEntropyLoss",
    "_ens_loss.EnsLoss",
    "_long_tail_losses.ClassBalancedLoss",
    "_long_tail_losses.LDAMLoss",
    "_long_tail_losses.LogitAdjustedLoss",
    "_margin_losses.ExponentialLoss",
    "_margin_losses.HingeLoss",
    "_margin_losses.SquaredHingeLoss",
    "_noise_losses.BackwardCorrectedLoss",
    "_noise_losses.ForwardCorrectedLoss",
    "_noise_losses.GeneralizedCrossEntropyLoss",
    "_noise_losses.SymmetricCrossEntropyLoss",
    "_transition_loss.LearnedTransitionLoss",
)
# Loaders that call or look up what the file says; no list makes them safe.
_FORBIDDEN_LOADERS = frozenset({"CachedNode", "MethodNode", "OperatorFuncNode"})
# Loaders for which only names that the caller trusts are allowed.
_EMPTY_LOADERS = ("BytearrayNode", "BytesNode", "ConstructorFromReduceNode",
                  "PartialNode")  # fmt: skip

# One node of the file: (loader, type name, where it is, as a person would write it).
Named = tuple[str, str, str]


def type_name(kind: Any) -> str:
    """Return the dotted path under which skops names a type or function."""
    return f"{kind.__module__}.{kind.__name__}"


def _path_of(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def named_types(node: Any, where: str = "") -> Iterator[Named]:
    """Yield every node of a parsed schema.

    Every dictionary in the tree that names a loader counts, wherever it is, so that
    no loader can find a node that was not audited.

    Raises
    ------
    ValueError
        If a random generator is not of the form that skops writes.
    """
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from named_types(item, f"{where}[{i}]")
    if not isinstance(node, dict):
        return
    if "__loader__" in node:
        loader, module, name = (
            str(node.get(key)) for key in ("__loader__", "__module__", "__class__")
        )
        yield loader, f"{module}.{name}", where
        if loader == "RandomGeneratorNode":
            yield "BitGenerator", _bit_generator(node), where
    for key, value in node.items():
        if key in {"content", "__reduce__", "args"}:
            yield from named_types(value, where)
        elif isinstance(value, (dict, list)):
            yield from named_types(value, _path_of(where, key))


def _bit_generator(node: dict[str, Any]) -> str:
    """Return the name that the loader of generators looks up and calls."""
    try:
        state = node["content"]["bit_generator"]["content"]
        return f"numpy.random.{json.loads(state['bit_generator']['content'])}"
    except (KeyError, TypeError, ValueError):
        raise ValueError("a random generator of no known kind") from None


def is_allowed(loader: str, name: str, trusted: frozenset[str]) -> bool:
    """Whether this loader may name this type."""
    if loader in _FORBIDDEN_LOADERS:
        return False
    allowed = allowed_types()
    return loader in allowed and (name in allowed[loader] or name in trusted)


@lru_cache(maxsize=1)
def allowed_types() -> dict[str, frozenset[str]]:
    """Return the names that each loader may have by default."""
    scalars = {f"numpy.{kind.__name__}" for kind in np.sctypeDict.values()}
    scalars -= {"numpy.object_", "numpy.void"}
    primitives = {f"builtins.{name}" for name in ("bool", "float", "int", "str")}
    arrays = ("csr", "csc", "bsr", "coo", "dia")
    return {
        **dict.fromkeys(_EMPTY_LOADERS, frozenset()),
        "BitGenerator": frozenset(
            f"numpy.random.{name}"
            for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
        ),
        "DefaultDictNode": frozenset({"collections.defaultdict"}),
        "DictNode": frozenset(
            {"builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"}
        ),
        "DTypeNode": frozenset({"numpy.dtype"}),
        "FunctionNode": frozenset(_functions()),
        "JsonNode": frozenset(primitives | {"builtins.NoneType"}),
        "ListNode": frozenset({"builtins.list"}),
        "LossNode": frozenset(_losses()),
        "MaskedArrayNode": frozenset(
            {"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}
        ),
        "NdArrayNode": frozenset(scalars | {"numpy.ndarray"}),
        "ObjectNode": frozenset(_objects()),
        "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
        "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
        "SetNode": frozenset({"builtins.set", "builtins.frozenset"}),
        "SliceNode": frozenset({"builtins.slice"}),
        "SparseMatrixNode": frozenset(
            f"scipy.sparse._{form}.{form}_{kind}"
            for form in arrays
            for kind in ("array", "matrix")
        ),
        "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
        "TupleNode": frozenset({"builtins.tuple"}),
        "TypeNode": frozenset(
            primitives
            | scalars
            | {f"builtins.{name}" for name in ("dict", "list", "set", "tuple")}
        ),
    }  # fmt: skip


def _functions() -> Iterator[str]:
    """Yield pure functions of arrays: ufuncs, metrics, feature scores."""
    for module in ("numpy", "scipy.special"):
        loaded = importlib.import_module(module)
        for name in dir(loaded):
            if isinstance(getattr(loaded, name), np.ufunc):
                yield f"{module}.{name}"
                if module == "scipy.special":
                    yield f"{module}._ufuncs.{name}"
    for module in ("sklearn.metrics", "sklearn.feature_selection"):
        loaded = importlib.import_module(module)
        for name in loaded.__all__:
            if inspect.isfunction(function := getattr(loaded, name)):
                yield type_name(function)


def _losses() -> Iterator[str]:
    for module, start in (
        ("sklearn._loss._loss", "Cy"),
        ("sklearn.linear_model._sgd_fast", ""),
    ):
        loaded = importlib.import_module(module)
        for name, kind in inspect.getmembers(loaded, inspect.isclass):
            if name.startswith(start) and kind.__module__ == module:
                yield f"{module}.{name}"


def _objects() -> Iterator[str]:
    """Yield estimators, and the helpers that fitted ones are made of."""
    from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
    from sklearn.utils import all_estimators

    for name, kind in all_estimators():
        if name not in _UNCHECKED:
            yield type_name(kind)
    for module in (
        "combine",
        "ensemble",
        "over_sampling",
        "pipeline",
        "under_sampling",
    ):
        loaded = importlib.import_module(f"imblearn.{module}")
        for name in loaded.__all__:
            if inspect.isclass(kind := getattr(loaded, name)):
                yield type_name(kind)
    loaded = importlib.import_module("sklearn.model_selection")
    for name in loaded.__all__:
        kind = getattr(loaded, name)
        if inspect.isclass(kind) and issubclass(
            kind, (BaseCrossValidator, BaseShuffleSplit)
        ):
            yield type_name(kind)
    for module, start in (("link", ""), ("loss", "Half")):
        loaded = importlib.import_module(f"sklearn._loss.{module}")
        for name, kind in inspect.getmembers(loaded, inspect.isclass):
            if name.startswith(start) and kind.__module__ == loaded.__name__:
                yield type_name(kind)
    yield from (
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.multiclass._ConstantPredictor",
        # By name, since their module loads torch; they hold plain numbers only.
        "skoverfit.neural_network._batch_steps.BatchStep",
        "skoverfit.neural_network._batch_steps.Mixup",
        "skoverfit.neural_network._coreset_step.CoresetAugmentationStep",
        "skoverfit.neural_network._weight_averaging.WeightAveraging",
        "skoverfit.representation._feature_corruption.FeatureCorruption",
        "skoverfit.representation._image_views.ImageViews",
        *(f"skoverfit.neural_network.{loss}" for loss in _NET_LOSSES),
        "skoverfit.noisy_labels._memorization_result.MemorizationResult",
        # Their module needs the bench extra; they hold plain values and estimators.
        "skoverfit.bench._table_model.TableModel",
        "skoverfit.bench._table_preparation.TablePreparation",
    )
    # The catalogue is a floor above this one, hence no import statement.
    catalogue = importlib.import_module("skoverfit.catalogue")
    for remedy in catalogue.REMEDIES:
        if remedy.is_ours:
            yield type_name(remedy.resolve())
