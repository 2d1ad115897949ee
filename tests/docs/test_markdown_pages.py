"""CHANGELOG.md and CONTRIBUTING.md become reStructuredText that docutils accepts."""

import importlib.util
from pathlib import Path

import pytest
from docutils.core import publish_doctree

ROOT = Path(__file__).resolve().parents[2]
PAGE = """\
# Title of `it`

<!-- not
shown -->
## Part
Text:
- one `a_` [x](y)
  goes on
- two
  - inner
- three **bold**

```python
f(*a)
```
See [here](https://example.org/a_b_).
"""


@pytest.fixture(scope="module")
def to_rst():
    path = ROOT / "docs" / "_ext" / "markdown_pages.py"
    spec = importlib.util.spec_from_file_location("markdown_pages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.to_rst


def parsed(rst):
    """Parse strictly: the least complaint is an exception."""
    return publish_doctree(
        rst,
        settings_overrides={
            "halt_level": 2,
            "report_level": 5,
            "doctitle_xform": False,
        },
    )


def texts(tree, name):
    return [node.astext() for node in tree.findall() if node.tagname == name]


def test_headings_lists_and_code(to_rst):
    tree = parsed(to_rst(PAGE))
    assert texts(tree, "title") == ["Title of it", "Part"]
    assert texts(tree, "literal") == ["it", "a_"]
    assert len(texts(tree, "list_item")) == 4
    assert texts(tree, "literal_block") == ["f(*a)"]
    assert texts(tree, "strong") == ["bold"]
    (link,) = (n for n in tree.findall() if n.tagname == "reference")
    assert link["refuri"] == "https://example.org/a_b_"
    assert "shown" not in tree.astext()


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_the_projects_own_pages_convert(to_rst, name):
    text = (ROOT / name).read_text()
    tree = parsed(to_rst(text))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(texts(tree, "title")) == len(headings)
