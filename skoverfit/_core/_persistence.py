# SPDX-License-Identifier: BSD-3-Clause
"""Files of fitted objects that are safe to load from strangers."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import uuid
import zipfile
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from skoverfit._core._safe_contents import check_contents, rebuild_neighbour_trees
from skoverfit._core._safe_types import is_allowed, named_types, type_name
from skoverfit.exceptions import BadInputError

__all__ = ["load", "replace_file", "save"]

_MEMBER = re.compile(r"[A-Za-z0-9_-]+\.(npy|npz|bin)")
# The schema's format, which the audit has to understand.
_PROTOCOL = 2
_GIB = 2**30


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    trusted: Iterable[str | type] = (),
) -> None:
    """Write a fitted estimator to a file that is safe to load from strangers.

    The file is a skops archive: plain arrays and a tree of type names, no pickle. It
    is written under another name first and then moved, so a crash never leaves half a
    file, and it is loaded once before that, so what was saved can be loaded.

    Parameters
    ----------
    estimator : object
        An estimator of scikit-learn, imbalanced-learn or this library, or a pipeline
        of such.
    path : str or path-like
        The file, conventionally with the ending ".skops"; replaced if it exists.
    trusted : iterable of str or type, default=()
        Further types that `load` will be told to trust.

    Raises
    ------
    BadInputError
        If `load` would refuse the file; the message names the attribute and its type.
    ImportError
        If skops is not installed.

    See Also
    --------
    load : Read such a file.

    Examples
    --------
    >>> import os, tempfile
    >>> import skoverfit
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0]], ["no", "yes"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.skops")
    ...     skoverfit.save(model, path)
    ...     skoverfit.load(path).predict([[0.9]])
    array(['yes'], dtype='<U3')
    """
    skops_io = _skops()
    names = _trusted_names(trusted)
    what = f"The {type(estimator).__name__}"
    try:
        data = skops_io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    except RecursionError as exc:
        raise BadInputError(
            f"{what} can't be saved: it is nested too deeply, or holds itself."
        ) from exc
    except Exception as exc:  # whatever a foreign __getstate__ raises
        raise BadInputError(f"{what} can't be saved: {exc}") from exc
    data = _without_neighbour_trees(data)
    _open(skops_io, data, names, f"{what} can't be saved so that it loads safely", None)
    replace_file(Path(path), data)


def load(
    path: str | os.PathLike[str],
    *,
    trusted: Iterable[str | type] = (),
    max_bytes: int = 2 * _GIB,
) -> Any:
    """Read an estimator that `save` wrote, without running anything from the file.

    Everything that the file names is compared with lists of types *before* an object
    is made or a module is imported: estimators of scikit-learn, imbalanced-learn and
    this library, numpy and scipy arrays, plain containers. Trees are checked for
    indices that point outside. Whatever else is in the file is refused.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : iterable of str or type, default=()
        Further types to accept, as the message of a refusal names them. This turns
        the protection off for these types: only name what you have reviewed.
    max_bytes : int, default=2 GiB
        Most bytes that the unpacked file may have.

    Returns
    -------
    object
        The estimator.

    Raises
    ------
    BadInputError
        If the file is damaged, too large, or names a type that is not trusted.
    ImportError
        If skops is not installed.

    See Also
    --------
    save : Write such a file.

    Notes
    -----
    Not accepted by default, because their compiled parts follow fitted numbers without
    checks: support vector machines, GradientBoosting* (HistGradientBoosting* is
    accepted), IsolationForest, matrix factorizations, and HistGradientBoosting* that
    was fitted on columns of a categorical type (these hold a function, too).
    Nothing of a file runs while it is loaded. What a loaded model predicts is another
    matter: a stranger's model can be wrong on purpose.

    Examples
    --------
    >>> import os, tempfile
    >>> import skoverfit
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> model = DecisionTreeClassifier().fit([[0.0], [1.0]], [False, True])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "tree.skops")
    ...     skoverfit.save(model, path)
    ...     skoverfit.load(path, max_bytes=10**6).predict([[0.9]])
    array([ True])
    """
    skops_io = _skops()
    names = _trusted_names(trusted)
    if not isinstance(max_bytes, Integral) or max_bytes <= 0:
        raise BadInputError(
            f"The 'max_bytes' parameter must be a positive integer. Got {max_bytes!r} "
            "instead."
        )
    what = f"{os.fspath(path)!r} can't be loaded"
    size = os.stat(path).st_size
    if size > max_bytes:
        raise BadInputError(f"{what}: it has {size} bytes, max_bytes is {max_bytes}.")
    return _open(skops_io, Path(path).read_bytes(), names, what, max_bytes)


def _skops() -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError as exc:
        raise ImportError(
            "skoverfit.save and skoverfit.load need skops: "
            'pip install "skoverfit[safe]"'
        ) from exc


def _trusted_names(trusted: Iterable[str | type]) -> frozenset[str]:
    if isinstance(trusted, (str, bytes, bool)) or not isinstance(trusted, Iterable):
        raise BadInputError(
            "The 'trusted' parameter must be a list of types or of their names. Got "
            f"{trusted!r} instead."
        )
    return frozenset(t if isinstance(t, str) else type_name(t) for t in trusted)


def _open(
    skops_io: Any, data: bytes, trusted: frozenset[str], what: str, limit: int | None
) -> Any:
    """Audit the bytes of a file, then make its objects."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = _check_archive(archive, limit)
        nodes = list(named_types(schema))
    except RecursionError as exc:
        raise BadInputError(f"{what}: its schema is nested too deeply.") from exc
    except Exception as exc:  # whatever a damaged archive makes zipfile raise
        raise BadInputError(f"{what}: {_told(exc)}.") from exc
    refused = {
        name: (loader, where)
        for loader, name, where in reversed(nodes)
        if not is_allowed(loader, name, trusted)
    }
    if refused:
        listed = ", ".join(
            f"{name}{f' (attribute {where})' if where else ''}"
            for name, (_, where) in sorted(refused.items())
        )
        raise BadInputError(
            f"{what}: not trusted {'are' if len(refused) > 1 else 'is'} {listed}. If "
            "you know where the file comes from and have reviewed these types, name "
            "them in 'trusted'."
        )
    try:
        loaded = skops_io.loads(data, trusted=sorted({name for _, name, _ in nodes}))
        rebuild_neighbour_trees(loaded)
        check_contents(loaded, trusted)
    except Exception as exc:  # whatever a damaged state makes a __setstate__ raise
        raise BadInputError(f"{what}: {_told(exc)}.") from exc
    return loaded


def _told(exc: Exception) -> str:
    """Return the message of a ValueError, or of another error behind its name."""
    text = str(exc).rstrip(".")
    return text if isinstance(exc, ValueError) else f"{type(exc).__name__}: {text}"


def _without_neighbour_trees(data: bytes) -> bytes:
    """Replace fitted search trees by None; `load` builds them again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    if not _drop_trees(schema):
        return data
    text = json.dumps(schema)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            if name in text:
                archive.writestr(name, member)
        archive.writestr("schema.json", text)
    return buffer.getvalue()


def _drop_trees(node: Any) -> int:
    """Put None in place of every ``_tree`` below this node; count them."""
    if isinstance(node, list):
        return sum(_drop_trees(item) for item in node)
    if not isinstance(node, dict):
        return 0
    count = sum(_drop_trees(value) for value in node.values())
    held = node.get("_tree")
    if isinstance(held, dict) and held.get("__class__") in {"BallTree", "KDTree"}:
        node["_tree"] = {
            "__class__": "str",
            "__module__": "builtins",
            "__loader__": "JsonNode",
            "content": "null",
            "is_json": True,
        }
        count += 1
    return count


def _check_archive(archive: zipfile.ZipFile, limit: int | None) -> Any:
    """Check names and sizes of the members, the headers of arrays; parse the schema."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names) or "schema.json" not in names:
        raise ValueError("it is not a skops file")
    total = 0
    for member in members:
        name = member.filename
        if name != "schema.json" and not _MEMBER.fullmatch(name):
            raise ValueError(f"it has a member of the name {name!r}")
        total += member.file_size
        _check_total(total, limit)
    for name in names:
        if name.endswith(".npy"):
            _check_npy(archive.read(name), name)
        elif name.endswith(".npz"):
            with zipfile.ZipFile(io.BytesIO(archive.read(name))) as inner:
                total += sum(member.file_size for member in inner.infolist())
                if limit is not None and total > limit:
                    raise ValueError(
                        f"unpacked it has more than max_bytes={limit} bytes"
                    )
                for part in inner.namelist():
                    _check_npy(inner.read(part), part)
    schema = json.loads(archive.read("schema.json"))
    if not isinstance(schema, dict) or schema.get("protocol") != _PROTOCOL:
        raise ValueError(
            f"its format is not protocol {_PROTOCOL} of skops, the one that is audited"
        )
    return schema


def _check_total(total: int, limit: int | None) -> None:
    if limit is not None and total > limit:
        raise ValueError(f"unpacked it has more than max_bytes={limit} bytes")


def _check_npy(data: bytes, name: str) -> None:
    """Require that an array is as long as its header says, and holds no pickle."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"the array {name!r} has the unknown format {version}")
    if dtype.hasobject:
        raise ValueError(f"the array {name!r} holds pickled objects")
    count = 1
    for length in shape:
        count *= int(length)
    if count * dtype.itemsize != len(data) - stream.tell() or count > 2**40:
        raise ValueError(f"the array {name!r} is not as long as it says")


def replace_file(path: Path, data: bytes) -> None:
    """Write under another name in the same folder, then move."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
