# SPDX-License-Identifier: BSD-3-Clause
"""From a matplotlib figure to an inline SVG that follows the colours of its page.

Figures are drawn in *sentinel* colours (`THEME`), which become CSS variables
(``var(--ink)``) here, so one drawing serves the light and the dark scheme. Text stays
text, in the font of the page.
"""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure

from skoverfit._core._html import clean_text
from skoverfit._core._palette import LINES, MARKERS

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["SERIES", "THEME", "drawing_style", "inline_svg", "new_figure"]

# CSS variable -> the colour it is drawn in. The values never reach the page.
THEME = {
    name: f"#0101{number:02x}"
    for number, name in enumerate(
        ("ink", "muted", "rule", "surface", "good", "bad", *(f"c{i}" for i in range(8)))
    )
}

# Okabe-Ito colours (c0..c7, see page.css), each with its own marker and line, so
# that no series is told apart by colour alone.
SERIES: tuple[dict[str, Any], ...] = tuple(
    {"color": THEME[f"c{i}"], "marker": marker, "linestyle": line}
    for i, (marker, line) in enumerate(zip(MARKERS, LINES, strict=True))
)

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "text.color": THEME["ink"],
    "axes.labelcolor": THEME["ink"],
    "axes.edgecolor": THEME["muted"],
    "axes.titlecolor": THEME["ink"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.use_mathtext": False,
    "text.parse_math": False,
    "xtick.color": THEME["muted"],
    "ytick.color": THEME["muted"],
    "xtick.labelcolor": THEME["ink"],
    "ytick.labelcolor": THEME["ink"],
    "grid.color": THEME["rule"],
    "grid.linewidth": 0.8,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}

_XLINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# Hundredths of a point are enough; more only makes the page larger.
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONT_FAMILY = re.compile(r"\s*font-family:[^;]*;?")
_SENTINEL = {colour: f"var(--{name})" for name, colour in THEME.items()}
_SENTINEL_PATTERN = re.compile("|".join(_SENTINEL))


@contextmanager
def drawing_style() -> Iterator[None]:
    """Switch matplotlib to the report's style, whatever the user's settings are.

    Both the drawing of a figure and its `inline_svg` belong inside; every setting is
    put back at the end.
    """
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # The page's own font draws the text; DejaVu only measures it.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, without pyplot."""
    return Figure(figsize=(width, height))


def inline_svg(figure: Figure, prefix: str, label: str) -> Markup:
    """Return the figure as an SVG element for a page, always the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn inside `drawing_style`.
    prefix : str
        Starts every id in the element, so that two figures of a page never share one.
        Letters, digits and ``-`` only.
    label : str
        What the figure shows, as a sentence, for people who don't see it.

    Returns
    -------
    markupsafe.Markup
        Escaped SVG without style sheet, metadata, comments or outside references.
    """
    from markupsafe import Markup

    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", prefix):
        raise ValueError(
            f"The 'prefix' parameter must be letters, digits and '-'. Got {prefix!r}."
        )
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": prefix}):
        figure.savefig(
            stream, format="svg", metadata={"Date": None, "Creator": None}, dpi=72
        )
    root = ET.fromstring(stream.getvalue())
    _strip(root)
    names = _used_ids(root, prefix)
    for element in root.iter():
        _rewrite(element, names)
    _frame(root, prefix, clean_text(label))
    return Markup(ET.tostring(root, encoding="unicode"))


def _strip(root: ET.Element) -> None:
    """Drop namespaces, metadata and the style sheet, which would style the page."""
    for parent in root.iter():
        parent.tag = parent.tag.rpartition("}")[2]
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
        if parent.text and not parent.text.strip():
            parent.text = None
        parent.tail = None


def _used_ids(root: ET.Element, prefix: str) -> dict[str, str]:
    """Map each id that something refers to to its name on the page."""
    used: dict[str, str] = {}
    for element in root.iter():
        names = [element.get(_XLINK, "").removeprefix("#")]
        for value in element.attrib.values():
            names += _REFERENCE.findall(value)
        for name in filter(None, names):
            used.setdefault(name, f"{prefix}-{len(used)}")
    return used


def _rewrite(element: ET.Element, names: dict[str, str]) -> None:
    identifier = element.attrib.pop("id", None)
    if identifier in names:
        element.set("id", names[identifier])
    target = element.attrib.pop(_XLINK, None)
    if target is not None:
        element.set("href", "#" + names[target.removeprefix("#")])
    if element.tag == "text" and element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for key, value in element.attrib.items():
        value = _REFERENCE.sub(lambda match: f"url(#{names[match[1]]})", value)
        if key == "style":
            value = _FONT_FAMILY.sub("", value).strip()
            value = _SENTINEL_PATTERN.sub(lambda match: _SENTINEL[match[0]], value)
        value = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}", value)
        element.set(key, " ".join(value.split()))


def _frame(root: ET.Element, prefix: str, label: str) -> None:
    """Give the element its size in pixels, its role and its spoken label."""
    _, _, width, height = (float(value) for value in root.attrib["viewBox"].split())
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "figure",
            "role": "img",
            "aria-labelledby": f"{prefix}-title",
            "viewBox": box,
            "width": f"{width * 4 / 3:.0f}",
            "height": f"{height * 4 / 3:.0f}",
        }
    )
    title = ET.Element("title", {"id": f"{prefix}-title"})
    title.text = label
    root.insert(0, title)
