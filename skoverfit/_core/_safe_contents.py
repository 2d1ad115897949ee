# SPDX-License-Identifier: BSD-3-Clause
"""Contents of a loaded object that compiled code would follow without checking.

The types in a file can all be harmless while the numbers in it are not: scikit-learn's
trees are arrays of child and feature indices, and predicting with a crafted one reads
outside of the arrays. This looks at every such object before it is handed out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["check_contents", "rebuild_neighbour_trees"]

_PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


def _reachable(root: Any) -> Iterator[Any]:
    """Yield every object that is held, at any depth, once."""
    seen: set[int] = set()
    kept, stack = [], [root]
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, (str, int, float, type(None))):
            continue
        seen.add(id(item))
        kept.append(item)  # temporary objects must not lend their id to others
        yield item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple, set, frozenset)):
            stack.extend(item)
        elif isinstance(item, np.ndarray):
            if item.dtype == object:
                stack.extend(item.ravel().tolist())
        elif hasattr(item, "__dict__") and not isinstance(item, type):
            stack.extend(vars(item).values())


def rebuild_neighbour_trees(root: Any) -> None:
    """Build the search trees that a file leaves out, as scikit-learn's `fit` does.

    They follow from the rows that are kept beside them, so their own state, which
    compiled code would follow without a check, need not be trusted at all.
    """
    from sklearn.neighbors import BallTree, KDTree

    kinds = {"kd_tree": KDTree, "ball_tree": BallTree}
    for item in list(_reachable(root)):
        held = getattr(item, "__dict__", {})
        if held.get("_fit_method") in kinds and held.get("_tree", 0) is None:
            item._tree = kinds[item._fit_method](
                item._fit_X,
                item.leaf_size,
                metric=item.effective_metric_,
                **item.effective_metric_params_,
            )


def _require(condition: Any, what: str) -> None:
    if not condition:
        raise ValueError(f"{what}; the file is damaged or was made to do harm")


def check_contents(root: Any, trusted: frozenset[str]) -> None:
    """Raise ValueError where a loaded object could lead compiled code astray.

    Parameters
    ----------
    root : object
        What was loaded.
    trusted : frozenset of str
        Types whose contents the caller vouches for; they are not looked at.
    """
    for item in _reachable(root):
        kind = type(item)
        if f"{kind.__module__}.{kind.__name__}" in trusted:
            continue
        if isinstance(item, (np.random.RandomState, np.random.Generator)):
            _check_random_state(item)
        held = getattr(item, "__dict__", {})
        if hasattr(held.get("tree_"), "children_left"):
            _check_decision_tree(item, trusted)
        if "_predictors" in held:
            _check_hist_gradient_boosting(item, trusted)
        if "_fit_X" in held and "_y" in held:
            _require(
                len(held["_y"]) == held["_fit_X"].shape[0],
                "Neighbours and their labels differ in number",
            )
        if "cluster_centers_" in held:
            _require(
                held["cluster_centers_"].shape[1] == held.get("n_features_in_"),
                "Cluster centres and features differ in number",
            )
        if hasattr(item, "get_params") and held.get("memory") is not None:
            raise ValueError(
                f"{kind.__name__}(memory=...) names a cache folder, from which fitting "
                "would load pickles; set memory=None"
            )
        if hasattr(item, "get_params") and held.get("checkpoint") is not None:
            raise ValueError(
                f"{kind.__name__}(checkpoint=...) names a file that fitting would "
                "overwrite; set checkpoint=None"
            )
        if hasattr(item, "indptr"):
            _check_sparse(item)


def _check_children(left: np.ndarray, right: np.ndarray, inner: np.ndarray) -> None:
    """Require that children come after their parents: in bounds, and no cycle."""
    n = len(left)
    rows = np.flatnonzero(inner)
    for child in (left[rows].astype(np.int64), right[rows].astype(np.int64)):
        _require(((child > rows) & (child < n)).all(), "A tree's children are invalid")


def _check_decision_tree(owner: Any, trusted: frozenset[str]) -> None:
    tree = owner.tree_
    if f"{type(tree).__module__}.{type(tree).__name__}" in trusted:
        return
    n = tree.node_count
    _require(0 < n <= tree.capacity, "A tree's number of nodes is invalid")
    left, right = tree.children_left, tree.children_right
    inner = left != -1
    _check_children(left, right, inner)
    _require((right[~inner] == -1).all(), "A tree's children are invalid")
    feature = tree.feature[inner]
    _require(
        ((feature >= 0) & (feature < tree.n_features)).all(),
        "A tree splits on a feature that does not exist",
    )
    depth = np.zeros(n, dtype=np.int64)
    for i in np.flatnonzero(inner):
        depth[left[i]] = depth[right[i]] = depth[i] + 1
    _require(depth.max() <= tree.max_depth, "A tree is deeper than it says")
    _require(
        getattr(owner, "n_features_in_", None) == tree.n_features,
        "A tree and its estimator differ in the number of features",
    )


def _check_hist_gradient_boosting(owner: Any, trusted: frozenset[str]) -> None:
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    if _PREDICTOR in trusted:
        return
    if getattr(owner, "_preprocessor", None) is not None:
        raise ValueError(
            f"A {type(owner).__name__} that was fitted on columns of a categorical "
            f"type holds a preprocessor, which can't be checked; name {_PREDICTOR!r} "
            "in 'trusted' if you know where it comes from"
        )
    n_features = getattr(owner, "n_features_in_", None)
    mapper = getattr(owner, "_bin_mapper", None)
    categorical = np.asarray(getattr(mapper, "is_categorical_", ()))
    _require(len(categorical) == n_features, "A boosting model and its features differ")
    for predictor in (p for stage in owner._predictors for p in stage):
        nodes, sets = predictor.nodes, predictor.raw_left_cat_bitsets
        _require(
            nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1 and len(nodes),
            "A boosting tree is not an array of nodes",
        )
        inner = nodes["is_leaf"] == 0
        _check_children(nodes["left"], nodes["right"], inner)
        feature = nodes["feature_idx"][inner]
        _require(
            ((feature >= 0) & (feature < n_features)).all(),
            "A boosting tree splits on a feature that does not exist",
        )
        by_set = inner & (nodes["is_categorical"] != 0)
        _require(
            sets.ndim == 2
            and sets.shape[1] == 8
            and (nodes["bitset_idx"][by_set] < len(sets)).all()
            and categorical[nodes["feature_idx"][by_set]].all(),
            "A boosting tree's categories are invalid",
        )


def _check_random_state(generator: Any) -> None:
    if isinstance(generator, np.random.RandomState):
        state = generator.get_state(legacy=False)
    else:
        state = generator.bit_generator.state
    if state["bit_generator"] == "MT19937":
        _require(0 <= state["state"]["pos"] <= 624, "A random state is invalid")


def _check_sparse(matrix: Any) -> None:
    try:
        matrix.check_format(full_check=True)
    except ValueError as exc:
        raise ValueError(f"A sparse matrix is invalid: {exc}") from exc
