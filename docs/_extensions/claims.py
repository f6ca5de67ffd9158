"""The theory's pages from `proofs/claims`: every statement and proof as the claims themselves carry them.

```{claims}```          every claim, by letter; its anchor is its name, as in theory.html#E2
```{claim-letters}```   what the letters stand for
```{equations}```       the equations of the methods, the lines that compute each, and the claims about it
```{claim-equations}``` what the claims conclude, and the function that checks each
{claim}`E2`             a link to a claim
"""

import re
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

import proofs.claims
from proofs import equations, induction
from proofs.claims import BY_NAME, CLAIMS, LETTERS
from proofs.page.formulas import pieces
from proofs.page.write import find
from proofs.search import counterexamples

KINDS = {
    "exact": "an equality or a sign, without a tolerance",
    "bound": "an inequality",
    "statistic": "a statistic",
}


class ClaimRole(SphinxRole):
    """A link to a claim of the theory."""

    def run(self):
        if self.text not in BY_NAME:
            raise ExtensionError(f"there is no claim {self.text!r}")
        return [link(self.text, self.env.docname)], []


class Claims(SphinxDirective):
    """Every claim: statement, formula, hypotheses, proof, source, what is checked, counterexamples, code."""

    def run(self):
        for path in Path(proofs.claims.__file__).parent.glob("*.py"):
            self.env.note_dependency(str(path))
        sections = []
        for letter, claims in groupby(CLAIMS, key=lambda claim: claim.name[0]):
            section = nodes.section("", ids=[f"claims-{letter.lower()}"])
            section += nodes.title("", f"{letter}: {LETTERS[letter]}")
            section += [self.claim(claim) for claim in claims]
            sections.append(section)
        return sections

    def claim(self, claim):
        section = nodes.section("", ids=[claim.name], classes=["claim"])
        section += nodes.title("", claim.name)
        section += nodes.paragraph("", "", nodes.strong("", claim.statement))
        section += nodes.math_block("", claim.sketch.formula, nowrap=False, number=None, label=None)
        section += heading("Proof")
        section += [nodes.paragraph("", "", *sentences(part)) for part in claim.sketch.proof.split("\n\n")]
        section += definitions(
            ("Hypotheses", nodes.paragraph("", claim.hypotheses)),
            ("Source", nodes.paragraph("", source(claim))),
            ("Checked", nodes.paragraph("", f"{claim.checked} ({KINDS[claim.kind]})")),
            *([("For every T", for_every_t(claim))] if claim.name in induction.PROVED else []),
            *([("Identities", identities(claim))] if claim.identities else []),
            ("Code", code_of(claim.sketch.equations)),
        )
        lines, failure = counterexamples(claim)
        if failure:
            raise ExtensionError(f"{claim.name}: {failure}")
        if lines:
            section += heading("Where it stops being true")
            section += bullets(nodes.paragraph("", line) for line in lines)
        register(self.env, claim.name)
        return section


class Letters(SphinxDirective):
    """What the letters of the claims' names stand for."""

    def run(self):
        return [definitions(*((letter, nodes.paragraph("", meaning)) for letter, meaning in LETTERS.items()))]


class Equations(SphinxDirective):
    """A table for each part of the map: equation, lines on the plain pages, line of the general methods, claims."""

    def run(self):
        self.env.note_dependency(equations.__file__)
        sections = []
        for title, those in equations.PARTS.items():
            section = nodes.section("", ids=[nodes.make_id(title)], names=[])
            section += nodes.title("", title)
            section += self.table(those)
            sections.append(section)
        return sections

    def table(self, those):
        rows = [self.row(equation) for equation in those]
        return table(("equation, and its claims", "plain pages", "general methods"), rows)

    def row(self, equation):
        pages = {}
        for page, line in equation.plain:
            pages.setdefault(line, []).append(page)
        plain = [quoted(line, self.places(line, names)) for line, names in pages.items()]
        code = find(equation.code)
        general = quoted(equation.line, [place_of(code, equation.line)])
        formula = nodes.paragraph("", "", nodes.math("", equation.latex))
        claims = nodes.paragraph("", "checked by", classes=["place"])
        for name in equations.claims_of(equation, CLAIMS):
            claims += [nodes.Text(" "), link(name, self.env.docname)]
        return table_row([[formula, claims], plain or nodes.paragraph("", "–"), general])

    def places(self, line, pages):
        return [place_of(find(f"ottt_ref.plain.{page}.gradients"), line) for page in pages]


class ClaimEquations(SphinxDirective):
    """A table of what the claims conclude, and the function that checks each."""

    def run(self):
        return [table(("conclusion", "claim", "checked in"), [self.row(claim) for claim in CLAIMS])]

    def row(self, claim):
        formula = nodes.paragraph("", "", nodes.math("", claim.sketch.formula))
        code = find(f"{claim.check.__module__}.{claim.check.__qualname__}")
        name = nodes.paragraph("", "", link(claim.name, self.env.docname), nodes.Text(f": {claim.statement}"))
        place = nodes.paragraph("", "", nodes.literal("", code.name.rpartition(".")[2]), nodes.Text(f", {code.place}"))
        return table_row([formula, name, place])


def table(titles, rows):
    """A table of the map, with these titles of its columns."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in titles), cols=len(titles))
    group += nodes.thead("", table_row([nodes.paragraph("", title) for title in titles]))
    group += nodes.tbody("", *rows)
    return nodes.table("", group, classes=["equation-map"])


def table_row(cells):
    return nodes.row("", *(nodes.entry("", *(cell if isinstance(cell, list) else [cell])) for cell in cells))


def quoted(line, places):
    """A line of code, and where it stands, as a paragraph each in one container."""
    where = nodes.paragraph("", ", ".join(places), classes=["place"])
    return nodes.container("", nodes.paragraph("", "", nodes.literal("", line)), where)


def place_of(code, line):
    """file:line of a line of the code, without the folders that all have."""
    path, first = code.place.rsplit(":", 1)
    (k, *_) = (k for k, text in enumerate(code.source.splitlines()) if text.strip() == line)
    return f"{path.removeprefix('ottt_ref/').removeprefix('plain/')}:{int(first) + k}"


def link(name, page):
    """A link from a page, by its name, to a claim."""
    return pending_xref(
        "", nodes.inline("", name), refdomain="std", reftype="ref", reftarget=label(name), refexplicit=True,
        refwarn=True, refdoc=page,
    )  # fmt: skip


def label(name):
    """The name by which other pages link to a claim."""
    return f"claim-{name.lower()}"


def register(env, name):
    """Let `{claim}` find the claim's section on the page that is being read."""
    domain = env.domains.standard_domain
    domain.labels[label(name)] = (env.docname, name, name)
    domain.anonlabels[label(name)] = (env.docname, name)


def known_to_myst(app, doctree):
    """Let Markdown's links find the claims' anchors: [E2](theory.md#E2)."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for section in doctree.findall(nodes.section):
        if "claim" in section["classes"]:
            (name,) = section["ids"]
            slugs[name] = (section.line or 0, name, name)


def sentences(text):
    """Text with $LaTeX$ and names of claims in it, as nodes."""
    for is_latex, part in pieces(text):
        yield nodes.math("", part) if is_latex else nodes.Text(part)


def source(claim):
    """Where else it is stated; the claim's own place, this page, goes without saying."""
    others = [part for part in claim.source.split("; ") if not re.match("theory", part)]
    return "; ".join(others) or "this page"


def for_every_t(claim):
    return nodes.paragraph(
        "", "", nodes.Text("by induction, over any commutative ring, in Coq: "),
        nodes.literal("", f"proofs/coq/{induction.PROVED[claim.name]}.v"),
    )  # fmt: skip


def identities(claim):
    """The equalities of polynomials that are proved for whole architectures."""
    return bullets(nodes.paragraph("", identity.name) for identity in claim.identities)


def code_of(equations):
    """Each equation, and where it is computed."""
    rows = []
    for equation in equations:
        code = find(equation.code)
        place = nodes.paragraph("", "", nodes.literal("", code.name), nodes.Text(f", {code.place}"))
        rows.append(nodes.list_item("", nodes.paragraph("", "", nodes.math("", equation.latex)), place))
    return nodes.bullet_list("", *rows, classes=["code-of"])


def heading(text):
    return nodes.rubric("", text)


def bullets(paragraphs):
    return nodes.bullet_list("", *(nodes.list_item("", paragraph) for paragraph in paragraphs))


def definitions(*pairs):
    return nodes.definition_list(
        "",
        *(
            nodes.definition_list_item("", nodes.term("", term), nodes.definition("", content))
            for term, content in pairs
        ),
        classes=["facts"],
    )


def setup(app):
    app.add_role("claim", ClaimRole())
    app.add_directive("claims", Claims)
    app.add_directive("claim-letters", Letters)
    app.add_directive("equations", Equations)
    app.add_directive("claim-equations", ClaimEquations)
    app.connect("doctree-read", known_to_myst, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
