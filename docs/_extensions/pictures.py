"""The pictures that `python -m experiments figures` draws, with its captions.

```{pictures}```   every picture; names of claims in the captions become links
"""

import re

from claims import link
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from experiments.figures.command import FIGURES
from proofs.claims import BY_NAME

CLAIM = re.compile(rf"\b({'|'.join(BY_NAME)})\b")


class Pictures(SphinxDirective):
    """A section for each picture, whose anchor is its name."""

    def run(self):
        return [self.section(picture) for picture in FIGURES.values()]

    def section(self, picture):
        section = nodes.section("", ids=[picture.NAME], names=[])
        section += nodes.title("", picture.TITLE)
        figure = nodes.figure()
        figure += nodes.image(uri=f"_static/{picture.NAME}.svg", alt=picture.ALTERNATIVE)
        figure += nodes.caption("", "", *self.linked(picture.CAPTION))
        section += figure
        return section

    def linked(self, text):
        """The caption as nodes, each claim that it names as a link."""
        for k, part in enumerate(CLAIM.split(text)):
            yield link(part, self.env.docname) if k % 2 else nodes.Text(part)


def setup(app):
    app.add_directive("pictures", Pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
