"""The map from equations to lines of code and claims: every line is where the map says, and no equation is missing."""

import functools
import inspect
import re
from pathlib import Path

import pytest

import ottt_ref.plain
from proofs import equations
from proofs.claims import CLAIMS
from proofs.equations import ALL, EVERY_PAGE, PARTS, Equation
from proofs.page.write import find

THEORY = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")
NAMES = {equation: name for name, equation in vars(equations).items() if isinstance(equation, Equation)}
# What stands beside equations on the pages: what holds at the start and the end, and names.
CONDITIONS = {
    "l = 1 .. N, s^0[t] = x[t], u[0] = s[0] = 0",
    "H(0) = 1",
    "the readout, which has no membrane",
    "the readout of the rates",
    "δ^l[T+1] = 0",
    r"\delta^l[T+1] = 0",
    r"\varepsilon^N = e",
    "∂u^l[0]/∂θ = 0",
    "∂o[t]/∂θ as ∂u^{N+1}[t]/∂θ, without J",
    "θ = W^m[i, j] and b^m[i], one after the other",
    "traces: of the spikes, of the biases' input 1",
    "the weighted rates; σ clamps to [0, 1]",
    "the slope of σ, 1 or 0",
}


def lines_of(source):
    return [line.strip() for line in source.splitlines()]


@functools.cache
def page_source(page):
    return inspect.getsource(getattr(ottt_ref.plain, page).gradients)


@pytest.mark.parametrize("equation", ALL, ids=NAMES.get)
def test_the_lines_stand_where_the_map_says(equation):
    assert equation.line in lines_of(find(equation.code).source)
    for page, line in equation.plain:
        assert line in lines_of(page_source(page)), page


def test_every_equation_is_in_one_part_and_some_claim_checks_it():
    assert sorted(NAMES.values()) == sorted(NAMES[equation] for equation in ALL)
    assert len({equation.latex for equation in ALL}) == len(ALL) == sum(map(len, PARTS.values()))
    checked = {equation for claim in CLAIMS for equation in claim.sketch.equations}
    assert checked == set(ALL)
    for equation in ALL:
        assert equations.claims_of(equation, CLAIMS), NAMES[equation]


def test_every_equation_of_the_pages_is_in_the_map():
    """Each page's docstring writes its equations in indented lines, several to a line with wide gaps between them."""
    known = {text for equation in ALL for text in equation.written}
    for page in EVERY_PAGE:
        doc = getattr(ottt_ref.plain, page).__doc__
        written = re.search(r"\n\n((?:    .*\n)+)\n", doc)[1]
        parts = [part.strip() for line in written.splitlines() for part in re.split(r",?\s{3,}", line) if part.strip()]
        assert len(parts) > 7
        missing = [part for part in parts if part not in known | CONDITIONS]
        assert not missing, (page, missing)


def test_every_equation_of_the_theory_is_in_the_map():
    known = {text for equation in ALL for text in (equation.latex, *equation.written)}
    methods = THEORY.split("## The methods")[1].split("## The two dialects")[0]
    displayed = re.findall(r"\$\$\n(.*?)\n\$\$", methods, re.DOTALL)
    inline = re.findall(r"\$([^$]*\\psi[^$]*)\$", re.sub(r"\$\$.*?\$\$", "", methods, flags=re.DOTALL))
    parts = [part.strip() for text in displayed for part in re.split(r",?\s*\\qquad", text.replace("\n", " "))]
    assert len(parts) > 12 and len(inline) == 2
    missing = [part for part in (*parts, *inline) if part not in known | CONDITIONS]
    assert not missing


def test_what_is_written_on_the_pages_is_written_there():
    """No entry outlives what it stands for."""
    docs = "\n".join(getattr(ottt_ref.plain, page).__doc__ for page in EVERY_PAGE)
    theory = " ".join(THEORY.split())
    for equation in ALL:
        for text in equation.written:
            assert text in docs or " ".join(text.split()) in theory, text


def test_a_line_that_many_pages_share_is_given_for_all_of_them():
    for equation in ALL:
        for line in {line for _, line in equation.plain}:
            named = {page for page, text in equation.plain if text == line}
            if len(named) > 2:
                assert named == {page for page in EVERY_PAGE if line in lines_of(page_source(page))}, line


def test_the_function_that_checks_a_claim_is_found():
    for claim in CLAIMS:
        code = find(f"{claim.check.__module__}.{claim.check.__qualname__}")
        assert code.place.startswith(f"proofs/claims/{claim.name.lower()}.py:") and code.source.startswith("def check(")
