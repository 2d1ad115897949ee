# SPDX-License-Identifier: BSD-3-Clause
"""The one table of all remedies.

A remedy that is not here does not exist: the API reference, the common tests, the
benchmark and the remedy search are all driven by this table. Entries are data: classes
are named by dotted path and none is imported until `Remedy.resolve` is called.
"""

from __future__ import annotations

from collections.abc import Iterable

from skoverfit._core._catalogue._decisions import DECISIONS
from skoverfit._core._catalogue._encoders import ENCODERS
from skoverfit._core._catalogue._nets import NETS
from skoverfit._core._catalogue._pipelines import PIPELINES
from skoverfit._core._catalogue._remedy import Remedy as Remedy, resolve as resolve
from skoverfit._core._catalogue._samplers import SAMPLERS
from skoverfit._core._catalogue._searches import SEARCHES
from skoverfit._core._catalogue._wrong_labels import WRONG_LABELS
from skoverfit._core._names import suggest
from skoverfit.exceptions import BadInputError

__all__ = ["REMEDIES", "Remedy", "get_remedies", "get_remedy"]

REMEDIES: tuple[Remedy, ...] = (
    *DECISIONS,
    *SAMPLERS,
    *SEARCHES,
    *WRONG_LABELS,
    *NETS,
    *PIPELINES,
    *ENCODERS,
)

_BY_NAME = {remedy.name: remedy for remedy in REMEDIES}


def get_remedy(name: str) -> Remedy:
    """Return the remedy of this name.

    Parameters
    ----------
    name : str
        Its ``name`` in `REMEDIES`.

    Returns
    -------
    Remedy
        The row of the catalogue.

    Raises
    ------
    BadInputError
        If there is none; the message offers the nearest names.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedy
    >>> get_remedy("smote").path
    'skoverfit.over_sampling.SMOTE'
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise BadInputError(
            f"There is no remedy {name!r}. {suggest(name, _BY_NAME)}"
        ) from None


def get_remedies(names: Iterable[str] | None = None) -> tuple[Remedy, ...]:
    """Return the remedies of these names in the catalogue's order.

    Parameters
    ----------
    names : iterable of str, optional
        Names in `REMEDIES`; one that is given twice is returned once. None gives
        those that the benchmark tries by default (``in_bench`` and no ``tool``).

    Returns
    -------
    tuple of Remedy
        The rows of the catalogue.

    Raises
    ------
    BadInputError
        If a name is unknown.

    Examples
    --------
    >>> from skoverfit.catalogue import get_remedies
    >>> [remedy.title for remedy in get_remedies(["smote", "class_weight"])]
    ['class weights', 'SMOTE']
    """
    if names is None:
        return tuple(r for r in REMEDIES if r.in_bench and r.role != "tool")
    wanted = [get_remedy(name) for name in names]
    return tuple(remedy for remedy in REMEDIES if remedy in wanted)
