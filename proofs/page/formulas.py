"""LaTeX as MathML, and the sentences of a proof taken apart: shared by the page of --html and the documentation."""

import re

from latex2mathml.converter import convert
from markupsafe import Markup, escape

SHORT = 40  # characters of LaTeX that fit on a phone's line


def formula(latex, block=False):
    """LaTeX as MathML."""
    return Markup(convert(latex, display="block" if block else "inline"))


def prose(text):
    """Sentences with $LaTeX$ in them, as HTML; a chain of equations may be broken before each sign of equality."""
    return Markup("").join(formula(part) if is_latex else escape(part) for is_latex, part in pieces(text))


def pieces(text):
    """Sentences with $LaTeX$ in them as a list of (whether it is LaTeX, part)."""
    result = []
    for k, part in enumerate(re.split(r"\$(.+?)\$", text)):
        if k % 2 == 0:
            result.append((False, part))
            continue
        for m, link in enumerate(_links(part)):
            result += [(False, " ")] * (m > 0) + [(True, link)]
    return result


def _links(latex):
    """The links of a long chain: "a", "= b", "\\le c", and of a link that is still long its terms: "a", "+ b".

    A sign inside braces or brackets breaks nothing.
    """
    if len(latex) <= SHORT:
        return [latex]
    chain = _broken(latex, (" = ", r" \le ", r" \ge "))
    return [term for link in chain for term in (_broken(link, (" + ",)) if len(link) > SHORT else [link])]


def _broken(latex, signs):
    """The LaTeX cut before each of the signs that stands outside of braces and brackets."""
    parts, depth = [""], 0
    for word in re.split(f"({'|'.join(map(re.escape, signs))})", latex):
        if word in signs and depth == 0:
            parts.append(word.lstrip())
            continue
        parts[-1] += word
        depth += sum(word.count(sign) for sign in "{([") - sum(word.count(sign) for sign in "})]")
    return parts
