"""The wheel: what it holds, and that a user without a checkout runs the claims, the museum and the experiments."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parent.parent
BUILT_FROM = ("ottt_ref", "proofs", "experiments", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
NEEDED = ("numpy", "numba", "llvmlite", "scipy")
NO_CACHE = shutil.ignore_patterns("__pycache__")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        tuple(map(int, setuptools.__version__.split(".")[:2])) < (70, 1),
        reason="building a wheel offline needs setuptools >= 70.1",
    ),
]


def command(*arguments, folder, **options):
    """A process in a folder, which sees no other package than its own Python does."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=folder,
        env={**environment, **options},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the tree, which building would leave things in."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in BUILT_FROM:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=NO_CACHE)
        else:
            shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", built, source]
    process = command(*pip, folder=source, PYTHONPATH=str(Path(setuptools.__file__).parents[1]))
    assert process.returncode == 0, process.stderr
    (path,) = built.glob("*.whl")
    return path


def environment_with(wheel, folder):
    """An empty virtual environment with the wheel in it: its folder of programs, and its folder of packages."""
    made = command(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder.parent)
    assert made.returncode == 0, made.stderr
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = programs / Path(sys.executable).name
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    process = command(*pip, folder=folder)
    assert process.returncode == 0, process.stderr
    (packages,) = folder.rglob("site-packages")
    return programs, packages


@pytest.fixture(scope="module")
def everything(wheel, tmp_path_factory):
    """The programs of an environment with all extras: those of this environment, without its editable packages."""
    programs, packages = environment_with(wheel, tmp_path_factory.mktemp("everything"))
    (packages / "rest.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return programs


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The programs of an environment with numpy, numba and scipy alone."""
    programs, packages = environment_with(wheel, tmp_path_factory.mktemp("bare"))
    for name in NEEDED:
        tops = {path.parts[0] for path in importlib.metadata.files(name) if path.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            place = importlib.metadata.distribution(name).locate_file(top)
            if not (packages / top).exists():
                (packages / top).symlink_to(place)
    return programs


def test_it_holds_every_package_and_what_they_read(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for top, place in (
        ("ottt_ref", "ottt_ref"),
        ("proofs", "ottt_ref/proofs"),
        ("experiments", "ottt_ref/experiments"),
    ):
        for path in (ROOT / top).rglob("*"):
            if path.suffix in (".py", ".v", ".j2", ".json", ".typed", ".html", ".css", ".js", ".toml"):
                assert f"{place}/{path.relative_to(ROOT / top).as_posix()}" in names


def test_it_brings_no_package_but_its_own(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ottt_ref"}


def test_the_claims_are_checked_without_a_checkout(everything, tmp_path):
    options = ["--claim", "H1", "--cases", "2", "--workers", "1", "--json", "claims.json", "--html", "claims.html"]
    process = command(everything / "ottt-ref", "prove", *options, folder=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stderr == "" and "1 of 1 claims hold (seed 0)" in process.stdout
    assert [
        claim["holds"] for claim in json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["claims"]
    ] == [True]
    page = (tmp_path / "claims.html").read_text(encoding="utf-8")
    assert "ottt_ref/methods/ottt.py:" in page and str(everything.parent) not in page


def test_the_list_and_the_museum_are_shown_without_a_checkout(everything, tmp_path):
    process = command(everything / "ottt-ref", "prove", "--list", folder=tmp_path)
    assert process.returncode == 0 and process.stdout.startswith("E1  ") and process.stderr == ""
    process = command(everything / "ottt-ref", "prove", "--counterexamples", "--claim", "D3", folder=tmp_path)
    assert process.returncode == 0 and "all stand" in process.stdout and process.stderr == ""


@pytest.mark.exhaustive
def test_the_experiments_run_without_a_checkout(everything, tmp_path):
    process = command(everything / "ottt-ref", "experiment", "--help", folder=tmp_path)
    assert process.returncode == 0 and "digits" in process.stdout and list(tmp_path.iterdir()) == []
    options = ["--method", "sltt", "--seeds", "1", "--epochs", "1", "--workers", "1", "--time-steps", "1"]
    options += ["--backend", "reference"]  # whose loops are compiled sooner
    process = command(everything / "ottt-ref", "experiment", "digits", *options, folder=tmp_path)
    assert process.returncode == 0 and process.stderr == "", process.stderr
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"digits.json", "digits.png", "digits.svg"}
    options = ["--workload", "digits", "--sweep", "none", "--peer", "reference", "--rounds", "1", "--output", "timed"]
    process = command(everything / "ottt-ref", "experiment", "benchmark", *options, folder=tmp_path)
    assert process.returncode == 0 and process.stderr == "" and "OTTT, derivation" in process.stdout, process.stderr
    assert (tmp_path / "timed" / "benchmark.json").exists()
    options = ["--epochs", "1", "--seeds", "1", "--set", "training.time_steps=1", "training.backend=reference"]
    process = command(everything / "ottt-ref", "train", "digits", *options, folder=tmp_path)
    assert process.returncode == 0 and process.stderr == "" and "test accuracy" in process.stdout, process.stderr
    assert (tmp_path / "results" / "digits" / "training.png").exists()
    options = ["--lesson", "2_surrogate_gradients_and_bptt", "--solutions"]
    process = command(everything / "ottt-ref", "experiment", "lessons", *options, folder=tmp_path)
    assert process.returncode == 0 and process.stderr == "" and "exercise_2: right" in process.stdout, process.stderr


def test_mutants_need_a_checkout_and_it_is_said(everything, tmp_path):
    process = command(everything / "ottt-ref", "prove", "--mutants", folder=tmp_path)
    assert (process.returncode, process.stdout) == (2, "")
    assert "needs a checkout" in process.stderr and process.stderr.count("\n") == 1


def test_a_missing_extra_is_named_in_one_line(bare, tmp_path):
    for arguments, extra in (
        (["prove", "--list"], "proofs"),
        (["experiment", "digits"], "experiments"),
    ):
        process = command(bare / "ottt-ref", *arguments, folder=tmp_path)
        assert (process.returncode, process.stdout) == (2, ""), arguments
        assert process.stderr.startswith("ottt-ref: error: this needs ") and process.stderr.count("\n") == 1
        assert process.stderr.endswith(f"pip install 'ottt_ref[{extra}]'\n")
    assert list(tmp_path.iterdir()) == []


def test_help_is_given_without_an_extra_and_names_it(bare, tmp_path):
    for arguments, extra in ((["prove", "--help"], "proofs"), (["experiment", "directions", "-h"], "experiments")):
        process = command(bare / "ottt-ref", *arguments, folder=tmp_path)
        assert process.returncode == 0 and process.stderr == "", arguments
        assert process.stdout.startswith("usage: ottt-ref ") and f"'ottt_ref[{extra}]'. The options" in process.stdout


def test_what_needs_no_extra_works_without_any(bare, tmp_path):
    for arguments in (["--help"], ["--version"], ["version"], ["experiment"], ["experiment", "--help"]):
        process = command(bare / "ottt-ref", *arguments, folder=tmp_path)
        assert process.returncode == 0 and process.stdout and process.stderr == "", arguments
    process = command(bare / "ottt-ref", "network", "--sizes", 3, 4, 2, "--output", "net.npz", folder=tmp_path)
    assert process.returncode == 0 and (tmp_path / "net.npz").exists(), process.stderr
