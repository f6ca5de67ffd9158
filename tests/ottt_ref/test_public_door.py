"""The public door: every name there says its types and shows an example, and every example of the package runs."""

import ast
import doctest
import importlib
import inspect
import textwrap

import pytest

import ottt_ref as ot
from ottt_ref import conformance, fast, nir
from ottt_ref.conformance import adapter, files
from ottt_ref.network.layers import Connection
from ottt_ref.network.network import Parameters
from ottt_ref.simulation.simulator import Activity

from ..selection import slow
from .helpers import MODULES


def own_names(module):
    """The public functions and classes that a module defines, kernels apart."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not hasattr(value, "compiled")
    ]


def door():
    """Every public function and class, by the name under which users find it."""
    found = {f"ot.{name}": getattr(ot, name) for name in ot.__all__}
    modules = {name: value for name, value in found.items() if inspect.ismodule(value)}
    listed = {
        "ot.methods": ot.methods,
        "ot.training": ot.training,
        "ot.losses": ot.losses,
        "conformance": conformance,
        "nir": nir,
        "fast": fast,
        "paths": ot.paths,
    }
    for name, module in modules.items():  # not the pages, which have no types: they are to be read as they stand
        if module not in (ot.methods, ot.plain):
            found |= {f"{name}.{each}": getattr(module, each) for each in own_names(module)}
    for name in ("bptt", "ottt", "sltt"):
        found |= {f"fast.{name}.{each}": getattr(getattr(fast, name), each) for each in own_names(getattr(fast, name))}
    for name, module in listed.items():
        found |= {f"{name}.{each}": getattr(module, each) for each in module.__all__}
    found |= {f"adapter.{name}": getattr(adapter, name) for name in ("load_adapter", "prepared")}
    found |= {f"files.{name}": getattr(files, name) for name in ("Case", "make_cases", "export", "load")}
    return {name: value for name, value in found.items() if inspect.isclass(value) or inspect.isfunction(value)}


DOOR = door()
RETURNED = {each.__name__: each for each in (Activity, Connection, Parameters)}


def classes_of_ours(kind):
    """The class and those that it inherits from, as far as they are the package's."""
    return [each for each in inspect.getmro(kind) if each.__module__.startswith("ottt_ref")]


def syntax(value):
    """The syntax tree of a function's or class's definition."""
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(value)))).body[0]


def is_public(node):
    return isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_"))


def signatures(value):
    """The definitions of a function, or of the public methods and the constructor of a class."""
    if inspect.isfunction(value):
        return [syntax(value)]
    return [node for kind in classes_of_ours(value) for node in syntax(kind).body if is_public(node)]


def arguments_of(function):
    """Every argument of a definition but self and cls."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    more = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [each for each in (*named, *more) if each.arg not in ("self", "cls")]


def missing_annotations(function):
    """What a definition leaves without a type: arguments by name, and "return"."""
    missing = [each.arg for each in arguments_of(function) if each.annotation is None]
    return missing + (["return"] if function.returns is None else [])


def annotations_of(value):
    """The annotations of a function, or of a class with its fields, as syntax trees."""
    found = []
    for function in signatures(value):
        found += [each.annotation for each in arguments_of(function)] + [function.returns]
    if inspect.isclass(value):
        fields = [node for kind in classes_of_ours(value) for node in syntax(kind).body]
        found += [node.annotation for node in fields if isinstance(node, ast.AnnAssign)]
    return [annotation for annotation in found if annotation is not None]


def says_any(annotation):
    """Whether Any is in an annotation, in one that is written as a text as well."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name | ast.Attribute) and getattr(node, "id", getattr(node, "attr", None)) == "Any":
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "Any" in node.value:
            return True
    return False


def test_the_door_has_what_it_is_known_for():
    known = {"ot.simulate", "ot.Network", "ot.ottt.gradients", "ot.methods.Rule", "nir.read"}
    assert known | {"conformance.parametrize", "files.load", "ot.losses.Loss", "ot.surrogate.Sigmoid"} <= set(DOOR)
    assert len(DOOR) > 90


@pytest.mark.parametrize("name", [*DOOR, *RETURNED])
def test_every_argument_and_result_has_a_type(name):
    found = {function.name: missing_annotations(function) for function in signatures((DOOR | RETURNED)[name])}
    assert not {function: missing for function, missing in found.items() if missing}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DOOR, *RETURNED])
def test_no_type_is_any(name):
    assert not [ast.unparse(each) for each in annotations_of((DOOR | RETURNED)[name]) if says_any(each)]


@pytest.mark.parametrize("annotation", ["Any", "typing.Any", "dict[str, Any]", "'Any | None'", "Callable[[Any], int]"])
def test_any_is_found_wherever_it_stands(annotation):
    assert says_any(ast.parse(annotation).body[0].value)


def test_a_missing_type_is_found():
    function = ast.parse("def f(self, a, b: int, *, c: int = 0, **options): ...").body[0]
    assert missing_annotations(function) == ["a", "options", "return"]


def has_example(value):
    return ">>>" in (value.__doc__ or "")


@pytest.mark.parametrize("name", DOOR)
def test_every_public_name_shows_an_example(name):
    """A function or class has its own; what its methods do is shown in the class's or in theirs."""
    assert has_example(DOOR[name])


MODULES_WITH_EXAMPLES = [name for name in MODULES if ">>>" in inspect.getsource(importlib.import_module(name))]


def examples_of(module):
    """The examples of a module, a docstring each."""
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


SLOW = (
    *("network.models", "simulation.equilibrium", "nir", "memory"),
    *(f"conformance.{name}" for name in ("adapter", "asking", "checking", "files", "suite")),
)


@pytest.mark.parametrize("name", slow(MODULES_WITH_EXAMPLES, [f"ottt_ref.{name}" for name in SLOW]))
def test_examples_run(name):
    """What the examples in the docstrings show is what they print."""
    if name.startswith("ottt_ref.nir"):
        pytest.importorskip("nir")
    report = []
    runner = doctest.DocTestRunner(verbose=False)
    tests = examples_of(importlib.import_module(name))
    assert tests
    for test in tests:
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_an_example_that_shows_another_result_fails():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None).failed == 1


@pytest.mark.parametrize("name", DOOR)
def test_help_names_types_as_they_are_written(name):
    value = DOOR[name]
    members = inspect.getmembers(value, inspect.isfunction) if inspect.isclass(value) else [(name, value)]
    for function in (each for key, each in members if key == "__init__" or not key.startswith("_")):
        assert "numpy._typing" not in str(inspect.signature(function)), function
