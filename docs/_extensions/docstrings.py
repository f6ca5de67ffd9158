"""The reference from the docstrings, which are plain text.

A docstring is made of sentences, equations that are indented, arguments in two columns, and examples. Here that becomes
reStructuredText for autodoc: sentences lose their special characters, equations stay as they stand, arguments become a
list of terms. Names of claims become links.

    ```{public} ottt_ref```   every name of `ottt_ref.__all__`; of a module its functions and classes
"""

import inspect
import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from proofs.claims import BY_NAME

COLUMNS = re.compile(r"(\S+(?: \S+)*)\s{2,}(\S.*)")
CLAIM = re.compile(rf"\b({'|'.join(BY_NAME)})\b")


def as_restructured(lines):
    """The lines of a plain docstring as lines of reStructuredText."""
    result = []
    for block in blocks(lines):
        result += [*block, ""]
    return result


def blocks(lines):
    """Take the lines apart into examples, indented equations, columns, items and sentences."""
    lines, k = list(lines), 0
    while k < len(lines):
        if not lines[k].strip():
            k += 1
        elif lines[k].startswith(">>>"):
            end = until(lines, k, lambda line: not line.strip())
            yield lines[k:end]
            k = end
        elif lines[k][0] == " ":
            end = until(lines, k, lambda line: line.strip() and line[0] != " ")
            yield ["::", "", *("   " + line for line in stripped(lines[k:end]))]
            k = end
        elif lines[k].startswith("- "):
            end = until(lines, k + 1, lambda line: not line.startswith("  "))
            yield ["- " + prose(" ".join(line.strip() for line in [lines[k][2:], *lines[k + 1 : end]]))]
            k = end
        elif COLUMNS.fullmatch(lines[k]):
            term, words = COLUMNS.fullmatch(lines[k]).groups()
            end = until(lines, k + 1, lambda line: not line.startswith("  "))
            yield [f"``{term}``", "   " + prose(" ".join([words, *(line.strip() for line in lines[k + 1 : end])]))]
            k = end
        else:
            end = until(lines, k + 1, lambda line: not line.strip() or line[0] == " " or starts(line))
            yield [prose(" ".join(lines[k:end]))]
            k = end


def starts(line):
    """Whether a line is no longer part of the sentences before it."""
    return COLUMNS.fullmatch(line) or line.startswith(("Returns ", "Raises ", "- ", ">>>"))


def until(lines, k, stops):
    """The first line from k on where `stops`, or the end."""
    while k < len(lines) and not stops(lines[k]):
        k += 1
    return k


def stripped(lines):
    """The lines without blank ones at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def prose(text):
    """A sentence: `code` as code, claims as links, everything else as it is written."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"``{part}``" if k % 2 else linked(escaped(part)) for k, part in enumerate(parts))


def escaped(text):
    return re.sub(r"([\\*|]|_(?!\w)|_(?=_))", r"\\\1", text)


def linked(text):
    return CLAIM.sub(r":claim:`\1`", text)


def replace_docstring(app, what, name, thing, options, lines):
    lines[:] = as_restructured(lines)


class Public(SphinxDirective):
    """autodoc's directives for a package's public names."""

    required_arguments = 1

    def run(self):
        package = __import__(self.arguments[0], fromlist=["__all__"])
        result = []
        for name in sorted(package.__all__, key=lambda name: (inspect.ismodule(getattr(package, name)), name.lower())):
            dotted, thing = f"{package.__name__}.{name}", getattr(package, name)
            result += self.module(dotted, thing) if inspect.ismodule(thing) else self.parsed(directive(dotted, thing))
        return result

    def module(self, dotted, module):
        section = nodes.section("", ids=[dotted.replace(".", "-")], names=[])
        section += nodes.title("", "", nodes.literal("", dotted))
        section += self.parsed(as_restructured(inspect.cleandoc(module.__doc__).splitlines()))
        for name in members(module):
            inner, thing = f"{dotted}.{name}", getattr(module, name)
            section += self.module(inner, thing) if inspect.ismodule(thing) else self.parsed(directive(inner, thing))
        return [section]

    def parsed(self, lines):
        text = "\n".join(lines)
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{text}\n```" if self.env.docname else text)


def members(module):
    """What a user calls by its name: `__all__`, or the functions and classes that are defined and explained there."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if (inspect.isclass(thing) or inspect.isfunction(thing))
        and thing.__module__ == module.__name__
        and thing.__doc__  # a kernel without a docstring is for the module's own use
        and not name.startswith(("_", "require_"))
    ]


def directive(dotted, thing):
    """The autodoc directive of a function, a class or a value."""
    if not callable(thing):
        return [f".. autodata:: {dotted}", "   :no-value:", ""]
    if inspect.isclass(thing):
        return [f".. autoclass:: {dotted}", "   :members:", ""]
    return [f".. autofunction:: {dotted}", ""]


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", replace_docstring)
    app.add_directive("public", Public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
