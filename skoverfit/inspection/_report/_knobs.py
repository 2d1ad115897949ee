# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that make an estimator simpler or more complex, by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeGuard

from skoverfit.inspection._report._problem import Problem
from skoverfit.inspection._report._remedies import learner_in
from skoverfit.inspection._report._types import NotRun

__all__ = ["Setting", "settings_for"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Other values of some parameters.

    Attributes
    ----------
    params : dict
        For `set_params` of the whole estimator.
    label : str
        How a person would write it.
    simpler : bool
        False: more complex.
    cost : float
        Rough seconds of a fit over those of the present setting.
    """

    params: dict[str, Any]
    label: str
    simpler: bool
    cost: float = 1.0


Found = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def settings_for(problem: Problem) -> list[Setting]:
    """Return two simpler and up to two more complex settings of the learner.

    Raises
    ------
    NotRun
        Where none is known.
    """
    prefix, learner = learner_in(problem.estimator)
    params = learner.get_params(deep=False)
    n_train = int(problem.n_samples * 0.8)
    if problem.groups is not None:
        n_train = max(n_train, 2)
    name = type(learner).__name__
    if any(p in params for p in ("param_grid", "param_distributions")):
        raise NotRun(f"{name} chooses its parameters itself; examine what it chose")
    for knob in _KNOBS:
        simpler, more = knob(name, params, n_train)
        if simpler or more:
            return [
                Setting(
                    params={f"{prefix}{key}": v for key, v in setting.items()},
                    label=_label(setting),
                    simpler=is_simpler,
                    cost=_cost(params, setting),
                )
                for is_simpler, found in ((True, simpler), (False, more))
                for setting in found
            ]
    raise NotRun(f"no parameter of {name} is known that makes it simpler or complexer")


def _label(setting: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in setting.items()
    )


def _cost(params: dict[str, Any], setting: dict[str, Any]) -> float:
    rounds = ("max_iter", "n_estimators", "max_epochs", "epochs", "n_iter")
    factor = 1.0
    for key in rounds:
        if key in setting and _number(params.get(key)) and params[key] > 0:
            factor *= max(setting[key] / params[key], 0.2)
    return factor


def _number(value: Any) -> TypeGuard[Any]:
    return isinstance(value, Real) and not isinstance(value, bool)


# --- one function a kind of estimator; ([], []) where it is another -----------------


def _boosting(name: str, params: dict[str, Any], n_train: int) -> Found:
    """Change the number of rounds and the size of trees."""
    rounds: str | None = next(
        (
            key
            for key in ("max_iter", "n_estimators", "iterations")
            if key in params and "learning_rate" in params
        ),
        None,
    )
    if rounds is None or not any(
        key in params for key in ("max_leaf_nodes", "num_leaves", "max_depth", "depth")
    ):
        return [], []
    now = params[rounds] if _number(params[rounds]) else 100
    few: dict[str, Any] = {rounds: max(1, int(now) // 5)}
    leaves = "num_leaves" if "num_leaves" in params else "max_leaf_nodes"
    if leaves in params:
        small: dict[str, Any] = {leaves: 4}
        if _number(params[leaves]) and params[leaves] <= 4:
            small = {leaves: 2}
    else:
        small = {"max_depth" if "max_depth" in params else "depth": 2}
    return [few, {**small, **few}], [{rounds: int(now) * 2}]


def _trees(name: str, params: dict[str, Any], n_train: int) -> Found:
    """Change leaves, depth or pruning, whichever is in use."""
    if "min_samples_leaf" not in params:
        return [], []
    pruning = params.get("ccp_alpha", 0.0)
    if _number(pruning) and pruning > 0:
        return (
            [{"ccp_alpha": 3.0 * pruning}, {"ccp_alpha": 10.0 * pruning}],
            [{"ccp_alpha": pruning / 3.0}, {"ccp_alpha": 0.0}],
        )
    depth, nodes = params.get("max_depth"), params.get("max_leaf_nodes")
    if _number(depth):
        simpler = sorted({max(1, depth // 2), max(1, depth // 4)} - {depth})
        return (
            [{"max_depth": d} for d in reversed(simpler)],
            [{"max_depth": depth + 2}, {"max_depth": 2 * depth + 2}],
        )
    if _number(nodes):
        simpler = sorted({max(2, nodes // 3), max(2, nodes // 9)} - {nodes})
        return (
            [{"max_leaf_nodes": d} for d in reversed(simpler)],
            [{"max_leaf_nodes": 3 * nodes}, {"max_leaf_nodes": None}],
        )
    leaf = params["min_samples_leaf"]
    if isinstance(leaf, float):  # a share of the rows
        return (
            [{"min_samples_leaf": min(0.5, 3 * leaf)},
             {"min_samples_leaf": min(0.5, 9 * leaf)}],
            [{"min_samples_leaf": leaf / 3}],
        )  # fmt: skip
    most = max(2, n_train // 4)
    simpler = sorted({min(5 * leaf, most), min(20 * leaf, most)} - {leaf})
    return (
        [{"min_samples_leaf": v} for v in simpler if v > leaf],
        [{"min_samples_leaf": v} for v in sorted({max(1, leaf // 5)} - {leaf})],
    )


def _neighbors(name: str, params: dict[str, Any], n_train: int) -> Found:
    k = params.get("n_neighbors")
    if not _number(k) or not name.startswith("KNeighbors"):
        return [], []
    most = max(2, n_train // 3)
    simpler = sorted({min(3 * k, most), min(9 * k, most)} - {k})
    fewer = sorted({max(1, k // 3), 1} - {k}, reverse=True)
    return (
        [{"n_neighbors": int(v)} for v in simpler if v > k],
        [{"n_neighbors": int(v)} for v in fewer],
    )


def _nets(name: str, params: dict[str, Any], n_train: int) -> Found:
    """Change weight decay and epochs of this library's nets."""
    if "weight_decay" not in params or not _number(params["weight_decay"]):
        return [], []
    decay = float(params["weight_decay"])
    strong: dict[str, Any] = {"weight_decay": max(10 * decay, 0.1)}
    if _number(params.get("dropout")):
        strong["dropout"] = min(0.9, max(params["dropout"], 0.3))
    simpler: list[dict[str, Any]] = [strong]
    more: list[dict[str, Any]] = [{"weight_decay": decay / 10}] if decay > 0 else []
    for key in ("max_epochs", "epochs"):
        if _number(params.get(key)):
            simpler.append({key: max(1, params[key] // 5)})
            more.append({key: 2 * params[key]})
            break
    return simpler, more


def _penalty(key: str, base: Callable[[str], float], stronger_is_more: bool) -> Any:
    """Return steps of ten of a penalty, wide enough to matter from anywhere."""

    def steps(name: str, params: dict[str, Any], n_train: int) -> Found:
        value = params.get(key)
        if not _number(value):
            return [], []
        # Of C the inverse is the penalty.
        now = float(value) if stronger_is_more else 1.0 / max(float(value), 1e-300)
        usual = base(name)
        first = max(10 * now, usual)
        last = min(now / 100, usual)
        simpler = [first, 10 * first]
        more = [now / 10, last] if now > 0 else []
        if not stronger_is_more:
            simpler, more = [1 / v for v in simpler], [1 / v for v in more]
        return [{key: v} for v in simpler], [{key: v} for v in more]

    return steps


def _usual_alpha(name: str) -> float:
    if name.startswith("SGD") or name in ("Perceptron",):
        return 1e-3
    if name.startswith("MLP"):
        return 0.1
    return 0.01 if name in ("Lasso", "ElasticNet", "QuantileRegressor") else 1.0


def _max_iter(name: str, params: dict[str, Any], n_train: int) -> Found:
    """Change the epochs of what trains by gradients and has nothing else."""
    for key in ("max_epochs", "epochs", "n_iter"):
        if _number(params.get(key)):
            now = int(params[key])
            few = sorted({max(1, now // 2), max(1, now // 5)} - {now}, reverse=True)
            return [{key: v} for v in few], [{key: 2 * now}]
    return [], []


_KNOBS: tuple[Callable[[str, dict[str, Any], int], Found], ...] = (
    _boosting,
    _trees,
    _neighbors,
    _nets,
    _penalty("C", lambda name: 1.0, stronger_is_more=False),
    _penalty("alpha", _usual_alpha, stronger_is_more=True),
    _penalty("l2_regularization", lambda name: 1.0, stronger_is_more=True),
    _max_iter,
)
