"""The page: what was claimed, why it holds, what was checked and how it came out, where the code is.

One HTML file: formulas in MathML, pictures and style inside, nothing is loaded from anywhere. The same results give the
same page.
"""

import base64
import inspect
import io
import pkgutil
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ottt_ref.files.storage import write_bytes

from .. import induction, report, surveys, verdict
from ..claims import BY_NAME
from ..museum import hall
from .formulas import formula, prose

BINS = 30


@dataclass(frozen=True)
class Code:
    """A function or class that computes an equation: its dotted name, where it stands, and its source."""

    name: str
    place: str
    source: str

    @property
    def anchor(self):
        """Its place on the page."""
        return f"code-{self.name}"


def write(path, results, settings, *, proofs=None, cells=(), exhibits=()):
    """Write the page to `path`, atomically.

    results   of the claims, in their order
    settings  what was asked for, a mapping of names and values that stands at the foot of the page
    proofs    by claim, those that Coq has checked; cells of the surveys; exhibits of the museum
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = {result.name for result in results}
    shown = [exhibit for exhibit in exhibits if exhibit.theorem in names]
    codes = {}
    content = environment.get_template("page.html.j2").render(
        claims=[_section(result, proofs or {}, shown, codes) for result in results],
        failed=[result.name for result in results if not result.holds],
        settings=settings,
        coq=sorted({proof.file: proof for proof in (proofs or {}).values()}.items()),
        install=induction.INSTALL,
        surveys=_surveys(cells),
        codes=[codes[name] for name in sorted(codes)],
    )
    write_bytes(path, content.encode())


def _section(result, proofs, exhibits, codes):
    """What the template shows of one claim."""
    claim = BY_NAME[result.name]
    for equation in claim.sketch.equations:
        codes.setdefault(equation.code, find(equation.code))
    return {
        "claim": claim,
        "result": result,
        "exactness": report.slack_text(result),
        "verdict": verdict.decide(result, proofs.get(result.name)),
        "formula": formula(claim.sketch.formula, block=True),
        "proof": [prose(paragraph) for paragraph in claim.sketch.proof.split("\n\n")],
        "equations": [(formula(each.latex), codes[each.code]) for each in claim.sketch.equations],
        "slacks": distribution(claim, result.slacks),
        "exhibits": [exhibit for exhibit in exhibits if exhibit.theorem == claim.name],
        "hall": hall,
    }


def find(name):
    """The Code of a dotted name."""
    target = inspect.unwrap(pkgutil.resolve_name(name))
    lines, first = inspect.getsourcelines(target)
    top = sys.modules[target.__module__.partition(".")[0]]  # ottt_ref, or in a checkout also proofs
    path = Path(inspect.getsourcefile(target)).resolve().relative_to(Path(top.__file__).resolve().parents[1])
    return Code(name, f"{path.as_posix()}:{first}", textwrap.dedent("".join(lines)).rstrip())


def distribution(claim, slacks):
    """A picture of the slacks, as a data URI, and what it shows in words; None without slacks."""
    values = np.array([slack for slack in slacks if np.isfinite(slack)], dtype=float)
    if not len(values):
        return None
    least, middle, most = (f"{value:.3g}" for value in np.quantile(values, (0, 0.5, 1)))
    words = f"{len(values)} cases: least {least}, median {middle}, largest {most}"
    if least == most:
        words = f"{least} in {len(values)} case{'s' * (len(values) > 1)}"
    if len(slacks) > len(values):
        words += f"; {len(slacks) - len(values)} without a finite value"
    means = re.sub(r"\{.*?\}", "…", claim.slack_means)
    return {"picture": _histogram(values) if least != most else None, "words": words, "means": means}


def _histogram(values):
    figure = Figure(figsize=(6.4, 1.8), layout="constrained")
    axes = figure.subplots()
    positive = values[values > 0]
    wide = len(positive) == len(values) and values.max() > 1000 * values.min()
    axes.hist(values, bins=np.geomspace(values.min(), values.max(), BINS + 1) if wide else BINS, color="#0072B2")
    axes.set_xscale("log" if wide else "linear")
    axes.set_ylabel("cases")
    axes.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "ottt_ref", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"


def _surveys(cells):
    """The survey tables of each theorem, as rows of plain numbers."""
    theorems = dict.fromkeys(cell.theorem for cell in cells)
    return [
        (theorem, [cell for cell in cells if cell.theorem == theorem], surveys.certainty(cells)) for theorem in theorems
    ]
