# SPDX-License-Identifier: BSD-3-Clause
"""Let ``.. include:: FILE.md`` take the few Markdown files of the project.

Understood is what they use: headings, lists, fenced code, inline code, emphasis and
links with a full address. An HTML comment disappears.
"""

import re

UNDERLINES = "=-~^"
FENCE = re.compile(r"^(\s*)```\s*(\w*)\s*$")
LIST_ITEM = re.compile(r"^\s*([-*]|\d+\.)\s")


def _inline(text: str) -> str:
    """Convert the text of one line; what is in backticks stays as it is."""
    parts = re.split(r"(`[^`]+`)", text)
    for position, part in enumerate(parts):
        if position % 2:
            parts[position] = f"`{part}`"
        else:
            parts[position] = re.sub(
                r"\[([^\]]+)\]\((https?://[^)\s]+)\)", r"`\1 <\2>`__", part
            )
    return "".join(parts)


def to_rst(markdown: str) -> str:
    """Convert Markdown to reStructuredText.

    >>> print(to_rst("# Title\\nUse `fit`:\\n- [a](https://b.org)"))
    Title
    =====
    <BLANKLINE>
    Use ``fit``:
    <BLANKLINE>
    - `a <https://b.org>`__
    """
    lines: list[str] = []
    fenced = None
    for line in re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL).splitlines():
        fence = FENCE.match(line)
        if fence and fenced is None:
            fenced = fence[1]
            lines += ["", f"{fenced}.. code-block:: {fence[2] or 'text'}", ""]
        elif fence:
            fenced = None
            lines.append("")
        elif fenced is not None:
            lines.append(f"    {line}" if line.strip() else "")
        elif heading := re.match(r"(#{1,4})\s+(.*)", line):
            title = _inline(heading[2])
            underline = UNDERLINES[len(heading[1]) - 1] * len(title)
            lines += [title, underline, ""]
        else:
            if _begins_list(line, lines):
                lines.append("")
            lines.append(_inline(line))
    return "\n".join(lines)


def _begins_list(line: str, above: list[str]) -> bool:
    """Whether a list, or one level of it, begins here: that needs an empty line."""
    if LIST_ITEM.match(line) is None:
        return False
    for distance, earlier in enumerate(reversed(above)):
        if not earlier.strip():
            return distance > 0
        if LIST_ITEM.match(earlier):
            return _indent(earlier) != _indent(line)
    return bool(above)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _convert_included(app, relative_path, parent_docname, content):
    if str(relative_path).endswith(".md"):
        content[0] = to_rst(content[0])


def setup(app):
    """Convert Markdown on its way into a page."""
    app.connect("include-read", _convert_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
