# SPDX-License-Identifier: BSD-3-Clause
"""Write the sources of the API reference from the catalogue and every ``__all__``.

One page a room, with a table of its public names; autosummary writes a page a name.
The page of the catalogue is a table of all remedies. Nothing in here names a room, a
class or a remedy, so a later one appears by itself.
"""

import importlib
import inspect
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import skoverfit
from skoverfit.catalogue import REMEDIES, Remedy

ROLES = {
    "baseline": "what every other row is measured against",
    "step": "goes before the estimator in a pipeline that knows samplers",
    "wrap": "takes the estimator as its first parameter",
    "replace": "a classifier of its own",
    "configure": "sets the estimator's own parameters",
    "tool": "treats no classes by itself and is not measured",
}
PEERS = {
    "imblearn": "https://imbalanced-learn.org/stable/references/generated/{}.html",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{}.html",
}


def rooms() -> list[str]:
    """Return the public modules of the package."""
    return [name for name in skoverfit.__all__ if find_spec(f"skoverfit.{name}")]


def write_reference(folder: Path) -> list[str]:
    """Write the pages and return those that autosummary has to read."""
    folder.mkdir(exist_ok=True)
    names = rooms()
    package = [n for n in skoverfit.__all__ if n not in names and n[0] != "_"]
    pages = {f"skoverfit.{name}": _room_page(name) for name in names}
    pages["index"] = _index_page(package, names)
    pages["catalogue"] = _catalogue_page()
    for old in folder.rglob("*.rst"):
        if old.relative_to(folder).with_suffix("").as_posix() not in pages:
            old.unlink()
    for name, text in pages.items():
        _write_if_new(folder / f"{name}.rst", text)
    return [f"{folder.name}/{name}" for name in pages if name != "catalogue"]


def _write_if_new(path: Path, text: str) -> None:
    # An untouched file is not read again by an incremental build.
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _title(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def _summary_table(module: str, names: list[str]) -> list[str]:
    listed = [f"   {name}" for name in names]
    return [
        f".. currentmodule:: {module}", "",
        ".. autosummary::", "   :toctree: generated/", "   :nosignatures:", "",
        *listed, "",
    ]  # fmt: skip


def _home(found: object) -> str:
    """Return the room that a class or function is from, "" for what has none.

    What lies on the ground floor belongs to the room that shows it.
    """
    parts = getattr(found, "__module__", "").split(".")
    if parts[0] != "skoverfit" or len(parts) < 2 or parts[1].startswith("_"):
        return ""
    return parts[1]


def _room_page(room: str) -> str:
    path = f"skoverfit.{room}"
    module = importlib.import_module(path)
    borrowed = [
        n for n in module.__all__ if _home(getattr(module, n)) not in (room, "")
    ]
    names = [n for n in module.__all__ if n not in borrowed]
    kinds = {
        "Classes": [n for n in names if inspect.isclass(getattr(module, n))],
        "Functions": [n for n in names if inspect.isroutine(getattr(module, n))],
    }
    lines = [*_title(path), f".. module:: {path}", ""]
    lines += [inspect.getdoc(module) or "", ""]
    for title, members in kinds.items():
        if members:
            lines += [*_title(title, "-"), *_summary_table(path, members)]
    constants = [n for n in names if not any(n in m for m in kinds.values())]
    if constants:
        lines += _title("Constants", "-")
        for name in constants:
            lines += [f".. autodata:: {path}.{name}", "   :no-value:", ""]
    if borrowed:
        lines += _title("From other rooms", "-")
        for name in borrowed:
            home = f"skoverfit.{_home(getattr(module, name))}.{name}"
            lines.append(f"- :obj:`{home}`")
        lines.append("")
    return "\n".join(lines)


def _index_page(package: list[str], names: list[str]) -> str:
    pages = [f"skoverfit.{name}" for name in names]
    summaries = {page: _first_line(importlib.import_module(page)) for page in pages}
    lines = [
        *_title("API reference"),
        "Import from a room what its page lists; nothing else is public.", "",
        ".. toctree::", "   :hidden:", "", "   catalogue",
        *(f"   {page}" for page in pages), "",
        ".. list-table::", "   :widths: auto", "",
        "   * - :doc:`The catalogue <catalogue>`", "     - The table of all remedies.",
    ]  # fmt: skip
    for page, summary in summaries.items():
        lines += [f"   * - :doc:`{page} <{page}>`", f"     - {summary}"]
    lines.append("")
    if package:
        lines += [*_title("skoverfit", "-"), ".. module:: skoverfit", ""]
        lines += _summary_table("skoverfit", package)
    return "\n".join(lines)


def _first_line(module: ModuleType) -> str:
    return (inspect.getdoc(module) or "").partition("\n")[0]


def _catalogue_page() -> str:
    lines = [
        *_title("The catalogue of remedies"),
        "What ``skoverfit bench`` measures, and what",
        ":data:`skoverfit.catalogue.REMEDIES` holds. The name is what"
        " ``--remedies`` takes.",
        "",
        *(f"- **{role}**: {text}." for role, text in ROLES.items()), "",
        ".. list-table::", "   :header-rows: 1", "   :class: catalogue", "",
    ]  # fmt: skip
    head = ["Name", "Title", "Role", "Kind", "Class or function", "Paper"]
    for cells in [head, *map(_catalogue_row, REMEDIES)]:
        first, *others = cells
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join([*lines, ""])


def _catalogue_row(remedy: Remedy) -> list[str]:
    return [
        f"``{remedy.name}``",
        _escaped(remedy.title),
        remedy.role,
        remedy.kind.replace("_", " "),
        _link(remedy.path),
        _escaped(remedy.paper),
    ]


def _link(path: str) -> str:
    """Return a link to the page of a class, ours or a peer's."""
    parts = path.split(".")
    name = parts[-1]
    if parts[0] in PEERS:
        return f"`{name} <{PEERS[parts[0]].format(path)}>`__"
    if not path:
        return "none"
    # A function in a private module has no page.
    private = any(part.startswith("_") for part in parts)
    return f"``{name}``" if private else f":obj:`~{path}`"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("*", r"\*").replace("`", r"\`")
