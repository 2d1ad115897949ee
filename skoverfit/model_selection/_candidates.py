# SPDX-License-Identifier: BSD-3-Clause
"""What a remedy search tries: rows of the catalogue around one estimator."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.pipeline import Pipeline as _SklearnPipeline

from skoverfit._core._names import suggest
from skoverfit.catalogue import REMEDIES, Remedy, get_remedies, get_remedy
from skoverfit.exceptions import BadInputError
from skoverfit.model_selection._apply import (
    AppliedRemedy,
    apply_remedy,
    is_for,
    reason_against,
)
from skoverfit.pipeline import Pipeline

__all__ = [
    "Candidate",
    "build_candidate",
    "list_candidates",
    "takes_weights",
    "with_seeds",
]

NOTHING = "nothing"
_ANYTHING = inspect.Parameter.VAR_KEYWORD


@dataclass(frozen=True)
class Candidate:
    """A remedy with the parameters that are tried, under the name that was asked for.

    Parameters
    ----------
    name : str
        ``"smote"``, or ``"smote@k_neighbors=3"``.
    remedy : Remedy
        Row of the catalogue, with these parameters.
    """

    name: str
    remedy: Remedy

    @property
    def title(self) -> str:
        """What a report prints."""
        _, at, values = self.name.partition("@")
        return f"{self.remedy.title} ({values})" if at else self.remedy.title


def list_candidates(
    remedies: Any,
    estimator: BaseEstimator,
    class_counts: np.ndarray | None,
    *,
    max_candidates: int,
    first: Sequence[str] = (),
) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """Return the candidates, "nothing" first, and what was left out with the reason.

    Parameters
    ----------
    remedies : "auto" or iterable of str or Remedy
        "auto" takes those rows of the catalogue that the benchmark takes.
    estimator : estimator
        What is treated.
    class_counts : ndarray of shape (n_classes,) or None
        Rows of each class; None for a regressor.
    max_candidates : int
        "nothing" included.
    first : sequence of str, default=()
        Names that "auto" puts in front, before the cheap ones.

    Returns
    -------
    candidates : list of Candidate
        At most ``max_candidates``.
    left_out : list of (str, str)
        Name and reason.

    Raises
    ------
    BadInputError
        An unknown name or parameter, a tool, the same name twice.
    """
    auto = isinstance(remedies, str) and remedies == "auto"
    if isinstance(remedies, str) and not auto:
        raise BadInputError(
            f"remedies={remedies!r} must be 'auto' or a list of names; did you mean "
            f"[{remedies!r}]?"
        )
    if auto:
        asked = [Candidate(r.name, r) for r in get_remedies() if is_for(r, estimator)]
        rank = {name: k for k, name in enumerate(first)}
        asked.sort(key=lambda c: (rank.get(c.name, len(rank)), c.remedy.cost))
    else:
        asked = [_named(entry, estimator) for entry in _listed(remedies)]
    baseline = Candidate(NOTHING, get_remedy(NOTHING))
    asked = [baseline, *(c for c in asked if c.remedy.role != "baseline")]
    doubled = {c.name for k, c in enumerate(asked) if c.name in _names(asked[:k])}
    if doubled:
        raise BadInputError(f"remedies has {sorted(doubled)[0]!r} twice.")
    kept: list[Candidate] = []
    left_out: list[tuple[str, str]] = []
    for candidate in asked:
        reason = _reason(candidate.remedy, estimator, class_counts)
        if not reason and len(kept) == max_candidates:
            reason = f"max_candidates={max_candidates} were there already"
        if reason:
            left_out.append((candidate.name, reason))
        else:
            kept.append(candidate)
    return kept, left_out


def _names(candidates: Iterable[Candidate]) -> set[str]:
    return {candidate.name for candidate in candidates}


def _listed(remedies: Any) -> list[Any]:
    if isinstance(remedies, Remedy):
        raise BadInputError("remedies must be a list, also of one remedy.")
    return list(remedies)


def _named(entry: Any, estimator: BaseEstimator) -> Candidate:
    if isinstance(entry, Candidate):
        return entry
    if isinstance(entry, Remedy):
        _check_asked(entry, estimator)
        return Candidate(entry.name, entry)
    if not isinstance(entry, str):
        raise BadInputError(
            "remedies must hold names or rows of the catalogue. Got "
            f"{entry!r} of type {type(entry).__name__}."
        )
    name, _, text = entry.partition("@")
    remedy = get_remedy(name.strip())
    _check_asked(remedy, estimator)
    if text:
        values = _parameters(remedy, entry, text)
        remedy = replace(remedy, parameters={**remedy.parameters, **values})
    return Candidate(entry, remedy)


def _check_asked(remedy: Remedy, estimator: BaseEstimator) -> None:
    """Refuse a tool, and what is only for classes where a number is predicted."""
    numbers = is_regressor(estimator)
    if remedy.role == "tool":
        raise BadInputError(
            f"{remedy.name!r} is a tool of the library and no remedy for "
            f"{'numbers' if numbers else 'classes'}."
        )
    if numbers and not is_for(remedy, estimator) and remedy in REMEDIES:
        given = [
            r.name
            for r in REMEDIES
            if r.role != "tool" and not _reason(r, estimator, None)
        ]
        raise BadInputError(
            f"{remedy.name!r} treats classes, and the estimator is a regressor. "
            f"It can be given {', '.join(map(repr, given))}."
        )


def _parameters(remedy: Remedy, entry: str, text: str) -> dict[str, Any]:
    """Read ``name=value,name=value``; a value that is no literal is text."""
    taken = list(inspect.signature(remedy.resolve()).parameters) if remedy.path else []
    found: dict[str, Any] = {}
    for piece in _pieces(text):
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or not name:
            raise BadInputError(
                f"The remedy {entry!r} must look like 'smote@k_neighbors=3', with "
                "commas between several parameters."
            )
        if name not in taken:
            raise BadInputError(
                f"The remedy {remedy.name!r} has no parameter {name!r}. "
                f"{suggest(name, taken) if taken else ''}".strip()
            )
        try:
            found[name] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            found[name] = value.strip()
    return found


def _pieces(text: str) -> list[str]:
    """Split at commas that are not inside brackets."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def _reason(
    remedy: Remedy, estimator: BaseEstimator, class_counts: np.ndarray | None
) -> str:
    whole = remedy.role in ("baseline", "wrap")
    return reason_against(
        remedy, estimator if whole else _split(estimator)[1], class_counts
    )


def _split(estimator: Any) -> tuple[list[tuple[str, Any]], Any, str]:
    """Return the steps before the last one, the last one and its name."""
    if isinstance(estimator, _SklearnPipeline) and hasattr(
        estimator.steps[-1][1], "fit"
    ):
        *prefix, (name, core) = estimator.steps
        return prefix, core, name
    return [], estimator, "model"


def with_seeds(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """Return a clone in which nothing draws at will: every missing seed is set."""
    made = clone(estimator)
    parameters = made.get_params(deep=True)
    missing = {
        name: seed
        for name, value in parameters.items()
        if (name == "random_state" or name.endswith("__random_state"))
        and not isinstance(value, (int, np.integer))
    }
    return made.set_params(**missing) if missing else made


def takes_weights(estimator: BaseEstimator) -> bool:
    """Whether its `fit` takes sample_weight, or anything."""
    taken = inspect.signature(_ours(estimator).fit).parameters.values()
    names = {parameter.name for parameter in taken if parameter.kind != _ANYTHING}
    anything = any(parameter.kind == _ANYTHING for parameter in taken)
    is_pipeline = isinstance(estimator, _SklearnPipeline)
    return "sample_weight" in names or (anything and not is_pipeline)


def build_candidate(
    candidate: Candidate,
    estimator: BaseEstimator,
    *,
    class_counts: np.ndarray,
    inner_cv: Any,
    random_state: int,
) -> AppliedRemedy:
    """Put the remedy where it belongs in the estimator, which may be a pipeline.

    What wraps an estimator wraps the whole pipeline. Other parameters, losses and
    models take the place of its last step. A sampler of raw rows comes first, so that
    the steps behind it encode what it made; another one comes before the last step,
    where the rows are numbers.

    Parameters
    ----------
    candidate : Candidate
        What is tried.
    estimator : estimator
        Left unchanged.
    class_counts : ndarray of int
        Training rows of each class; for a regressor one number, all of them.
    inner_cv : splitter or list of (train, test)
        Folds for remedies that tune something.
    random_state : int
        Seed of what the remedy draws; the estimator keeps its own.

    Returns
    -------
    AppliedRemedy
        The unfitted estimator, remarks and the sampler, if there is one.
    """
    remedy = candidate.remedy
    prefix, core, name = _split(estimator)
    whole = remedy.role in ("baseline", "wrap")
    inside = _ours(estimator) if whole else core
    applied = apply_remedy(
        remedy,
        inside,
        class_counts=class_counts,
        inner_cv=inner_cv,
        random_state=random_state,
        reseed=False,
    )
    if whole:
        return applied
    before = [(n, _cloned(step)) for n, step in prefix]
    if remedy.role != "step":
        if not before:
            return applied
        steps = [*before, (name, applied.estimator)]
        return replace(applied, estimator=Pipeline(steps))
    last = clone(core)
    sampler = ("sampler", applied.sampler)
    if remedy.input == "raw":
        steps = [sampler, *before, (name, last)]
    else:
        steps = [*before, sampler, (name, last)]
    return replace(applied, estimator=Pipeline(steps))


def _cloned(step: Any) -> Any:
    return clone(step) if hasattr(step, "get_params") else step


def _ours(estimator: BaseEstimator) -> BaseEstimator:
    """Return a pipeline through which weights and groups find their way."""
    if type(estimator) is _SklearnPipeline:
        return Pipeline(
            [(n, _cloned(step)) for n, step in estimator.steps],
            transform_input=estimator.transform_input,
            memory=estimator.memory,
            verbose=estimator.verbose,
        )
    return estimator
