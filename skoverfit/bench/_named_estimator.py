# SPDX-License-Identifier: BSD-3-Clause
"""An estimator from what a person types: a short name, or a dotted path."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.pipeline import Pipeline as _SklearnPipeline

from skoverfit._core._names import suggest
from skoverfit.bench._estimators import make_estimators
from skoverfit.bench._table_preparation import TablePreparation
from skoverfit.bench._types import Table, Task
from skoverfit.exceptions import BadInputError
from skoverfit.pipeline import Pipeline

__all__ = ["named_estimator", "prepared_pipeline"]


def named_estimator(text: str, task: Task) -> BaseEstimator:
    """Return a fresh estimator.

    Parameters
    ----------
    text : str
        A name of `make_estimators`; or the path of a class, also with parameters, as
        ``"sklearn.linear_model.Ridge(alpha=10)"``; or that of an estimator.
    task : {"classification", "regression"}
        What it has to predict.

    Returns
    -------
    estimator
        Unfitted.

    Raises
    ------
    BadInputError
        If there is no such estimator, or one of the other task.

    Examples
    --------
    >>> from skoverfit.bench._named_estimator import named_estimator
    >>> named_estimator("sklearn.linear_model.Ridge(alpha=10)", "regression")
    Ridge(alpha=10)
    """
    if "." not in text and "(" not in text:
        return make_estimators([text], task=task)[text]
    path, parameters = _parsed(text)
    found = _imported(path)
    if inspect.isclass(found):
        found = _instance(found, path, parameters)
    elif parameters:
        raise BadInputError(f"{path} is no class, so it takes no parameters.")
    fits = is_regressor(found) if task == "regression" else is_classifier(found)
    if not (hasattr(found, "fit") and fits):
        wanted = "regressor" if task == "regression" else "classifier"
        raise BadInputError(
            f"--estimator {path} is no {wanted}, and this is a {task} target."
        )
    return found


def prepared_pipeline(estimator: BaseEstimator, table: Table, seed: int) -> Any:
    """Return a pipeline from the columns of a table to the estimator.

    Parameters
    ----------
    estimator : estimator
        Takes finite, scaled numbers; the steps of a pipeline follow the preparation.
    table : Table
        Named in messages.
    seed : int
        Of the text encoder.

    Returns
    -------
    Pipeline
        Unfitted.
    """
    steps: list[Any] = [("model", estimator)]
    if isinstance(estimator, _SklearnPipeline):
        steps = list(estimator.steps)
    name = "prepare" if "prepare" not in dict(steps) else "prepare_table"
    return Pipeline([(name, TablePreparation(table.name, seed)), *steps])


def _parsed(text: str) -> tuple[str, dict[str, Any]]:
    """Read a dotted path and literal parameters; nothing is evaluated."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        parameters: dict[str, Any] = {}
        if isinstance(node, ast.Call):
            if node.args or any(keyword.arg is None for keyword in node.keywords):
                raise ValueError
            parameters = {
                str(keyword.arg): ast.literal_eval(keyword.value)
                for keyword in node.keywords
            }
            node = node.func
        if not isinstance(node, ast.Attribute):
            raise ValueError
        return ast.unparse(node), parameters
    except (SyntaxError, ValueError):
        raise BadInputError(
            f"--estimator {text!r} is neither a name nor a path such as "
            "sklearn.linear_model.Ridge or, with literal parameters, "
            '"sklearn.linear_model.Ridge(alpha=10)".'
        ) from None


def _imported(path: str) -> Any:
    module_name, _, attribute = path.rpartition(".")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a module of the person's own, beside the table
    try:
        module = importlib.import_module(module_name)
    except Exception as exc:  # whatever a foreign module raises
        raise BadInputError(
            f"--estimator {path}: the module {module_name!r} can't be imported "
            f"({type(exc).__name__}: {exc})."
        ) from exc
    if not hasattr(module, attribute):
        raise BadInputError(
            f"--estimator {path}: {module_name} has no {attribute!r}. "
            f"{suggest(attribute, [n for n in dir(module) if n[:1].isupper()])}"
        )
    return getattr(module, attribute)


def _instance(kind: type, path: str, parameters: dict[str, Any]) -> Any:
    try:
        return kind(**parameters)
    except Exception as exc:  # whatever a foreign constructor raises
        raise BadInputError(f"--estimator {path} can't be made: {exc}.") from exc
