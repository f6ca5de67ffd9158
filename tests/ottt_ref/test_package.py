"""The package as a whole: what it needs, what it offers, that it says so, and that one seed gives one result."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot

from .helpers import METHODS, MODULES, OPTION_NAMES, OPTIONS, bits, content

WITHOUT_REST = """
import importlib, sys

ours = {"ottt_ref", "numpy", "numba", "llvmlite", "scipy"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ours and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"refused {name}")

sys.meta_path.insert(0, Refuse())
for name in sys.argv[1:]:
    importlib.import_module(name)
try:
    import hypothesis
except ModuleNotFoundError:
    print("refusing", *sorted({name.partition(".")[0] for name in sys.modules} & ours))
"""


def python(*arguments, **options):
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=120, **options
    )


@pytest.mark.slow
def test_every_module_is_imported_with_numpy_numba_and_scipy_alone():
    process = python("-c", WITHOUT_REST, *MODULES)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("refusing llvmlite numba numpy ottt_ref")


@pytest.fixture(scope="module")
def imported_with_the_package():
    """The names of all modules that a process holds after it has imported the package and its command."""
    process = python("-c", "import sys, ottt_ref, ottt_ref.cli; print(*sys.modules)")
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["rich", "sklearn", "matplotlib", "hypothesis", "pytest", "nir", "h5py", "proofs", "experiments"]
)
def test_importing_the_package_brings_none_of_the_extras(name, imported_with_the_package):
    assert "ottt_ref.cli" in imported_with_the_package and name not in imported_with_the_package


@pytest.mark.slow
def test_importing_the_package_compiles_nothing_and_solves_nothing(imported_with_the_package):
    """Numba comes with the first kernel that runs, SciPy with the first equilibrium: each takes a while to import."""
    late = {"numba", "llvmlite", "scipy", "ottt_ref.kernel_cache", "ottt_ref.fast"}
    assert not late & set(imported_with_the_package)


@pytest.mark.slow
def test_floats_bring_numba_and_exact_numbers_do_not():
    program = (
        "import sys, numpy as np, ottt_ref as ot\n"
        "network = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), ot.LIF(surrogate=ot.surrogate.Triangle()))])\n"
        "ot.simulate(network.exact(), ot.exact_array([[[1]]]))\n"
        "print('numba' in sys.modules)\n"
        "ot.simulate(network, np.ones((1, 1, 1)))\n"
        "print('numba' in sys.modules)\n"
    )
    process = python("-c", program)
    assert process.stdout.split() == ["False", "True"], process.stderr


@pytest.mark.slow
def test_importing_the_package_says_nothing():
    process = python("-W", "error", "-c", "import ottt_ref, ottt_ref.cli")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_all_lists_what_there_is():
    assert len(set(ot.__all__)) == len(ot.__all__)
    assert all(hasattr(ot, name) for name in ot.__all__)
    imported = {name for name, value in vars(ot).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert imported <= set(ot.__all__)


def public_functions_and_classes():
    """Every public function, class, method and property of the package, by qualified name."""
    found = {}
    for module in map(importlib.import_module, MODULES):
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                found[f"{module.__name__}.{name}"] = value
            if inspect.isclass(value):
                members = {key: member for key, member in vars(value).items() if not key.startswith("_")}
                for key, member in members.items():
                    if isinstance(member, property | classmethod) or inspect.isfunction(member):
                        found[f"{module.__name__}.{name}.{key}"] = inspect.unwrap(getattr(value, key))
    return found


def needs_no_docstring(value):
    """A kernel, whose module's equations are its docstring, or a method whose base class has the docstring."""
    return hasattr(value, "compiled") or inspect.getdoc(value)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name):
    assert importlib.import_module(name).__doc__


def test_everything_public_has_a_docstring():
    found = public_functions_and_classes()
    assert len(found) > 100
    undocumented = [name for name, value in found.items() if not needs_no_docstring(value)]
    # one line each, said by their base class in words: evaluate(outputs, targets), parameters()
    assert {name.rpartition(".")[2] for name in undocumented} <= {"evaluate", "parameters"}, undocumented


def test_a_docstring_names_every_argument_of_a_method():
    for function in (*METHODS.values(), ot.dense_network):
        for argument in inspect.signature(function).parameters:
            if argument not in ("network", "loss"):  # of one meaning everywhere
                assert argument in function.__doc__, f"{function.__module__}: {argument}"


def test_every_method_has_the_signature_of_every_other():
    for method in METHODS.values():
        parameters = inspect.signature(method).parameters
        shared = [parameters[name] for name in list(parameters)[:4]]
        assert [parameter.name for parameter in shared] == ["network", "inputs", "targets", "loss"]
        assert shared[3].default == ot.losses.Mixed() and parameters["terms"].default is False
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in list(parameters.values())[4:])


def test_methods_do_not_import_each_other():
    names = set(METHODS)
    for name in names:
        source = Path(inspect.getsourcefile(getattr(ot, name))).read_text(encoding="utf-8")
        lines = [line for line in source.splitlines() if line.startswith(("from .", "import "))]
        assert not [line for line in lines if line.split()[1].lstrip(".") in names - {name}]


@pytest.mark.slow
def test_the_version_is_one_everywhere():
    process = python("-m", "ottt_ref", "version")
    assert f"ottt_ref  {ot.__version__}\n" in process.stdout


SEEDS = {
    "an int": lambda: 7,
    "a SeedSequence": lambda: np.random.SeedSequence(7),
    "a Generator": lambda: np.random.default_rng(7),
    "a BitGenerator": lambda: np.random.PCG64(7),
}


@pytest.mark.parametrize("kind", SEEDS)
def test_every_kind_of_seed_gives_the_same_network(kind):
    expected = ot.dense_network([5, 7, 3], rng=np.random.Generator(np.random.PCG64(7))).parameters
    assert bits(ot.dense_network([5, 7, 3], rng=SEEDS[kind]()).parameters) == bits(expected)


def test_a_generator_goes_on_and_a_seed_starts_anew():
    rng = np.random.default_rng(7)
    first, second = (ot.dense_network([5, 7, 3], rng=rng) for _ in range(2))
    assert bits(first.parameters) != bits(second.parameters)


@pytest.mark.parametrize(("method", "options"), OPTIONS, ids=OPTION_NAMES)
def test_one_seed_gives_the_same_gradients(method, options):
    def once(seed):
        rng = np.random.default_rng(seed)
        network = ot.dense_network([5, 7, 3], rng=rng)
        result = METHODS[method](network, rng.random((4, 3, 5)), rng.integers(0, 3, 3), terms=True, **options)
        return bits(content(result))

    assert once(1) == once(1) != once(2)


@pytest.mark.slow
def test_another_process_gives_the_same_bytes():
    script = (
        "import hashlib, numpy as np, ottt_ref as ot\n"
        "rng = np.random.default_rng(1)\n"
        "net = ot.dense_network([5, 7, 3], rng=rng)\n"
        "g = ot.ottt.gradients(net, rng.random((4, 3, 5)), rng.integers(0, 3, 3))\n"
        "print(hashlib.sha256(b''.join(v.tobytes() for v in (*net.parameters.values(), *g.values()))).hexdigest())\n"
    )
    first, second = python("-c", script), python("-c", script)
    assert len(first.stdout) == 65 and first.stdout == second.stdout, first.stderr


def test_calls_in_threads_do_not_disturb_each_other():
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(1)
    network, inputs, labels = ot.dense_network([5, 7, 3], rng=rng), rng.random((20, 3, 5)), rng.integers(0, 3, 3)
    expected = bits(ot.ottt.gradients(network, inputs, labels))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: bits(ot.ottt.gradients(network, inputs, labels)), range(20)))
    assert results == [expected] * 20
