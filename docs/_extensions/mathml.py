"""Formulas as MathML inside the page: nothing is fetched when it is viewed."""

from docutils import nodes

from proofs.page.formulas import SHORT, formula


def inline(writer, node):
    latex = node.astext()
    kind = "long" if len(latex) > SHORT else "short"  # a long one scrolls in a box of its own where it does not fit
    writer.body.append(f'<span class="{kind} formula-in-text">{formula(latex)}</span>')
    raise nodes.SkipNode


def block(writer, node):
    writer.body.append(f'<div class="formula">{formula(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
