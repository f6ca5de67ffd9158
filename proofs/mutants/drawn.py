"""Faults that are drawn at random: one operation, number or condition of the source, changed in one place.

The catalogue has the faults that somebody thought of, and whoever writes a test thinks alike. So faults are drawn as
well, from all that these changes make of the functions of the library, the conformance kit and the proofs:

    comparison   < becomes <=, == becomes !=, `in` becomes `not in`, ...
    arithmetic   + becomes -, * becomes /, += becomes -=, ...
    condition    `and` becomes `or`, `not` is left out, the branches of a conditional expression change places
    number       a whole number is one larger, True becomes False, a sign is left out
    call         a call whose result is not used is left out

Texts, annotations and what errors say stay as they are. The same seed draws the same faults of the same sources.
"""

import ast
import itertools

import numpy as np

from .mutant import Mutant

COMPARISONS = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.BitOr: "&",
    ast.BitAnd: "|",
}
LEFT_OUT = ("proofs/mutants", "ottt_ref/conformance/peers")  # faults as texts; what needs other frameworks
OWN_TESTS = ("conformance", "explain", "fast", "files", "nir", "plain")  # parts of the library that no claim runs
SHOWN = 60  # letters of a change that its name shows


class _Changes(ast.NodeVisitor):
    """What may be changed in a source: `found` has (start, end, replacement), in the order of the source."""

    def __init__(self, source):
        self._source, self._lines, self._within, self.found = source, source.split("\n"), False, []
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self._lines)]
        self.visit(ast.parse(source))
        self.found.sort()

    def _place(self, line, column):
        """Of a line and a column in bytes, as `ast` has them, the index into the source."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def _span(self, node):
        return self._place(node.lineno, node.col_offset), self._place(node.end_lineno, node.end_col_offset)

    def _text(self, node):
        start, end = self._span(node)
        return self._source[start:end]

    def _change(self, node, replacement):
        if self._within:
            self.found.append((*self._span(node), replacement))

    def visit_FunctionDef(self, node):
        outside, self._within = self._within, True
        for statement in node.body:
            self.visit(statement)
        self._within = outside

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def _skip(self, node):
        """Nothing in it is changed."""

    visit_Raise = visit_JoinedStr = visit_arguments = _skip

    def visit_Compare(self, node):
        if len(node.ops) == 1:
            operator = COMPARISONS[type(node.ops[0])]
            self._change(node, f"(({self._text(node.left)}) {operator} ({self._text(node.comparators[0])}))")
        self.generic_visit(node)

    def visit_BinOp(self, node):
        if type(node.op) in ARITHMETIC:
            operator = ARITHMETIC[type(node.op)]
            self._change(node, f"(({self._text(node.left)}) {operator} ({self._text(node.right)}))")
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        if isinstance(node.op, ast.Add | ast.Sub):
            operator = ARITHMETIC[type(node.op)]
            self._change(node, f"{self._text(node.target)} {operator}= ({self._text(node.value)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        other = " and " if isinstance(node.op, ast.Or) else " or "
        self._change(node, f"({other.join(f'({self._text(value)})' for value in node.values)})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, ast.Not | ast.USub):
            self._change(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_IfExp(self, node):
        test, body, other = (self._text(part) for part in (node.test, node.body, node.orelse))
        self._change(node, f"(({other}) if ({test}) else ({body}))")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if type(node.value) in (int, bool):
            self._change(node, str(not node.value if isinstance(node.value, bool) else node.value + 1))

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call):
            self._change(node, "pass")
        self.generic_visit(node)


def changes(source):
    """All that may be changed in a Python source: (start, end, replacement), indices into it, in its order.

    >>> source = "def larger(a, b):\\n    return a if a > b + 1 else b\\n"
    >>> for start, end, replacement in changes(source):
    ...     print(source[start:end], "becomes", replacement)
    a if a > b + 1 else b becomes ((b) if (a > b + 1) else (a))
    a > b + 1 becomes ((a) >= (b + 1))
    b + 1 becomes ((b) - (1))
    1 becomes 2
    """
    return _Changes(source).found


def mutant_of(path, source, change):
    """The Mutant of one change; its `right` is as many whole lines as it takes to occur once. None if it is no Python.

    path  of the file in the checkout
    """
    start, end, replacement = change
    changed = source[:start] + replacement + source[end:]
    try:
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    first, last = source.rfind("\n", 0, start) + 1, source.find("\n", end) + 1 or len(source)
    while source.count(source[first:last]) > 1:
        first, last = source.rfind("\n", 0, max(0, first - 1)) + 1, source.find("\n", last) + 1 or len(source)
    line, column = source.count("\n", 0, start) + 1, start - source.rfind("\n", 0, start)
    folder, _, file = path.partition("/")
    return Mutant(
        f"line {line}, column {column}: {_shown(source[start:end])} becomes {_shown(replacement)}",
        file,
        source[first:last],
        source[first:start] + replacement + source[end:last],
        folder,
        _tests_of(path),
    )


def _tests_of(path):
    """The tests that must kill a fault; none where the claims must, or else the tests of the library."""
    top, part, *_ = path.split("/")
    if top == "proofs":
        return ("tests/proofs",)
    return (f"tests/ottt_ref/{part}",) if part in OWN_TESTS else ()


def _shown(text):
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def draw(number, seed, root):
    """So many Mutants of the sources below the folder `root`, all if there are fewer, each another change.

    A fault in what the claims run on is for the claims to kill, or else for the tests of the library; a fault in
    another part of the library, or in the proofs, for the tests of its part.
    """
    pool, sources = [], {}
    for top in ("ottt_ref", "proofs"):
        for file in sorted((root / top).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            if not path.startswith(LEFT_OUT):
                sources[path] = file.read_text(encoding="utf-8")
                pool += [(path, change) for change in changes(sources[path])]
    drawn = []
    for k in np.random.default_rng(seed).permutation(len(pool)):
        path, change = pool[k]
        mutant = mutant_of(path, sources[path], change)
        if mutant is not None:
            drawn.append(mutant)
        if len(drawn) == number:
            break
    return tuple(drawn)
