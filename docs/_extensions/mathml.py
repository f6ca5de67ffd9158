"""Formulas as MathML inside the page: nothing is fetched when it is viewed."""

from docutils import nodes

from proofs.page.formulas import formula


def inline(writer, node):
    writer.body.append(str(formula(node.astext())))
    raise nodes.SkipNode


def block(writer, node):
    writer.body.append(f'<div class="formula">{formula(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
