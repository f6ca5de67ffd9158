"""The pictures that `python -m experiments figures` draws, with its captions.

```{pictures}```   every picture; names of claims in the captions become links

Where another page shows one of them, the sources of its caption stand below it.
"""

import re
from pathlib import PurePosixPath

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
        image = nodes.image(uri=f"_static/{picture.NAME}.svg", alt=picture.ALTERNATIVE)
        section += figure(image, picture.CAPTION, self.env.docname)
        return section


def figure(image, caption, page):
    """The image with a caption, in which each claim that it names is a link from the page."""
    parts = [link(part, page) if k % 2 else nodes.Text(part) for k, part in enumerate(CLAIM.split(caption))]
    return nodes.figure("", image, nodes.caption("", "", *parts))


def name_sources(app, doctree):
    """Put sources below each of the pictures that a page shows without a caption."""
    for image in list(doctree.findall(nodes.image)):
        picture = FIGURES.get(PurePosixPath(image["uri"]).stem)
        if picture and not isinstance(image.parent, nodes.figure):
            _, sources = picture.CAPTION.split("Sources: ")
            shown = image.parent if isinstance(image.parent, nodes.paragraph) else image
            below = figure(image.deepcopy(), f"Sources: {sources}", app.env.docname)
            doctree.note_implicit_target(below)  # a figure has an id
            shown.replace_self(below)


def setup(app):
    app.add_directive("pictures", Pictures)
    app.connect("doctree-read", name_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
