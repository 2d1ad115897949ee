# SPDX-License-Identifier: BSD-3-Clause
"""Render formulas as MathML, which browsers show by themselves.

Sphinx's own renderers load a script from a server or call LaTeX; docutils brings a
converter that needs neither.
"""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def _visit_inline(translator, node):
    translator.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _visit_block(translator, node):
    formula = tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer that ``html_math_renderer`` names."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
