"""Results in files: written from outside, from the manifest alone; judged and diagnosed like an adapter's."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli
from ottt_ref.conformance import arrays, checking, files, report
from ottt_ref.conformance.compare import RELATIVE
from ottt_ref.conformance.results import Results
from tests.pages import ROOT, of_language

from . import backends

pytestmark = pytest.mark.slow

NAMES = ["dense", "dense-events"]
WITHOUT_US = "import sys; sys.modules['ottt_ref'] = None; exec(open(sys.argv[1], encoding='utf-8').read())"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A working folder with the cases, and with what the program of the page computed from them."""
    folder = tmp_path_factory.mktemp("other")
    files.export(folder / "results" / "cases", [*NAMES, "silent"])
    program(folder, lambda code: code)
    return folder


def program(folder, change):
    """Run the program of docs/backends.md, which has NumPy alone, with a change of its text."""
    (block,) = (
        each for each in of_language(ROOT / "docs" / "backends.md", "python") if each.file == "write_results.py"
    )
    assert "ottt_ref" not in block.text
    (folder / block.file).write_text(change(block.text), encoding="utf-8")
    subprocess.run([sys.executable, "-I", "-c", WITHOUT_US, block.file], cwd=folder, check=True, timeout=120)


@pytest.fixture
def folder(exported, tmp_path, monkeypatch):
    """A copy of it, to work in."""
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def conform(*options, case=("dense",)):
    where = ["--results", "results/mine", "--cases", "results/cases"]
    return cli.main(["conform", *where, "--case", *case, "--method", "sltt", *options])


def test_results_written_by_another_program_conform(folder, capsys):
    assert conform(case=NAMES) == 0
    from_folder = capsys.readouterr().out
    assert "4 passed, 0 failed, 0 unsupported, 0 not compared" in from_folder
    assert cli.main(["conform", "--results", "results/mine", "--case", *NAMES, "--method", "sltt"]) == 0
    assert capsys.readouterr().out == from_folder


def test_what_lies_in_the_files_is_what_is_judged(folder, capsys):
    path = folder / "results" / "mine" / "dense" / "sltt" / "layer0.bias.npy"
    values = np.load(path)
    np.save(path, values * (1 + 1e-6))
    assert conform() == 1
    assert "dense, sltt: the gradients differ\n    gradient/sltt/layer0.bias, index [" in capsys.readouterr().out
    assert conform("--rtol", "1e-5") == 0
    np.save(path, values * (1 + 1e-12))
    assert conform() == 0


@pytest.mark.parametrize(
    ("right", "wrong", "trap"),
    [
        ('left = potentials[l] - neuron["threshold"] * spikes[l]', "left = potentials[l]", "reset-none"),
        ('case["time_steps"] * case["batch_size"]', 'case["batch_size"]', None),
    ],
)
def test_a_wrong_result_is_diagnosed_with_the_words_of_an_adapter(folder, right, wrong, trap, capsys, monkeypatch):
    def change(code):
        assert right in code
        return code.replace(right, wrong)

    program(folder, change)
    assert conform("--json", "files.json") == 1
    written = Results(folder / "results" / "mine", files.load(folder / "results" / "cases"))
    monkeypatch.setattr(backends, "in_memory", lambda case, method: dict(written(case, method)), raising=False)
    from_files = capsys.readouterr().out
    adapter = f"{backends.__name__}:in_memory"
    options = ["--cases", "results/cases", "--case", "dense", "--method", "sltt", "--json", "adapter.json"]
    assert cli.main(["conform", adapter, *options]) == 1
    assert capsys.readouterr().out == from_files
    found, same = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("files.json", "adapter.json"))
    assert found.pop("adapter") == "results/mine" and same.pop("adapter") == adapter and found == same
    assert found["outcomes"]["failed"] == 1 and "diagnosis" in from_files
    assert trap is None or trap in {each["name"] for each in found["diagnosis"]}


def test_an_npz_of_a_method_is_as_good_as_a_file_for_each_array(folder, capsys):
    mine = folder / "results" / "mine"
    for case in NAMES:
        for method in ("forward", "sltt"):
            found = {
                path.relative_to(mine / case / method).as_posix().removesuffix(".npy"): np.asfortranarray(np.load(path))
                for path in (mine / case / method).rglob("*.npy")
            }
            shutil.rmtree(mine / case / method)
            np.savez(mine / case / f"{method}.npz", **found)
    assert conform() == 0


def test_what_is_not_there_is_unsupported_and_no_pass(folder, capsys):
    where = ["--results", "results/mine", "--cases", "results/cases"]
    assert cli.main(["conform", *where, "--case", "dense", "silent"]) == 0
    out = capsys.readouterr().out
    assert "2 passed, 0 failed, 20 unsupported, 0 not compared" in out
    assert "unsupported, 20 times: there are no results of it in results/mine" in out


def test_gradients_at_the_references_spikes_are_compared_whatever_the_forward_pass(folder, capsys):
    (folder / "results" / "mine" / "dense" / "forward" / "spikes" / "0.npy").unlink()
    assert conform() == 1 and "0 passed, 1 failed, 0 unsupported, 1 not compared" in capsys.readouterr().out
    assert conform("--given-spikes") == 1
    assert "1 passed, 1 failed, 0 unsupported, 0 not compared" in capsys.readouterr().out


def test_names_that_are_not_expected_are_said_as_of_an_adapter(folder, capsys):
    mine = folder / "results" / "mine" / "dense" / "sltt"
    (mine / "errors").mkdir()
    np.save(mine / "errors" / "0.npy", np.zeros((6, 4, 5)))
    assert conform() == 0
    assert "not compared, 1 times: 'errors/0', which is the name of nothing that is expected; is it 'error/0'?" in (
        capsys.readouterr().out
    )


def test_the_manifest_says_what_results_must_hold_and_how_near_they_must_be(folder):
    manifest = json.loads((folder / "results" / "cases" / files.MANIFEST).read_text(encoding="utf-8"))
    assert manifest["results"]["tolerance"] == RELATIVE and manifest["results"]["negligible"] == 1e-20
    for entry, case in zip(manifest["cases"], files.load(folder / "results" / "cases")):
        assert list(entry["results"]) == case.methods
        for method, names in entry["results"].items():
            expected = arrays.expected_of(case, method)
            assert names["required"] == [each.name for each in expected if each.required] != []
            assert names["optional"] == [each.name for each in expected if not each.required]
            everything = {each.name: each.values for each in expected}
            assert set(names["required"]) | set(names["optional"]) == set(everything)


def test_the_names_of_the_manifest_are_enough_for_every_method(folder, by_name):
    """Every array of the case itself, under the name that the manifest gives it by its own words, passes."""
    case = by_name["dense"]
    written = folder / "every" / "dense"
    for method in case.methods:
        for name in (each for names in arrays.names_of(case, method).values() for each in names):
            path = written / method / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, case.arrays[full_name(name, method)])
    verdicts = list(checking.check(Results(folder / "every", [case]), [case]))
    assert report.summary(verdicts).startswith(f"{len(case.methods)} passed, 0 failed, 0 unsupported")
    assert not any(verdict.unknown for verdict in verdicts)


def full_name(name, method):
    """The name of the case's own array, as `results.arrays` of the manifest says it."""
    kind = name.partition("/")[0]
    if method == "forward" or kind in ("trace", "constant_trace"):
        return name
    if "online" in method:
        return f"online/{method}/{name}"
    if name == "loss":
        return "loss/spike-representation" if method == "spike-representation" else name
    return f"error/{method}/{name.removeprefix('error/')}" if kind == "error" else f"gradient/{method}/{name}"


def rename(folder, old, new):
    (folder / "results" / "mine" / old).rename(folder / "results" / "mine" / new)


def damaged(folder):
    path = folder / "results" / "mine" / "dense" / "sltt" / "layer0.bias.npy"
    path.write_bytes(path.read_bytes()[:-3])


def pickled(folder):
    np.save(folder / "results" / "mine" / "dense" / "sltt" / "x.npy", np.array([{}], dtype=object))


def both(folder):
    np.savez(folder / "results" / "mine" / "dense" / "sltt.npz", x=np.zeros(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: rename(f, "dense", "dens"),
            "dens must be named like a case, got 'dens', of which there is none: is it",
        ),
        (
            lambda f: rename(f, "dense/sltt", "dense/SLTT_"),
            "named like a method, got 'SLTT_', of which there is none: is",
        ),
        (lambda f: rename(f, "dense/sltt", "dense/magic"), "got 'magic', of which there is none"),
        (lambda f: rename(f, "dense/sltt/layer0.bias.npy", "dense/sltt/layer0.bias.mat"), "must be an .npy file"),
        (lambda f: rename(f, "dense/sltt/layer0.bias.npy", "dense/sltt.npy"), "must be METHOD.npz, or a folder METHOD"),
        (
            damaged,
            "layer0.bias.npy is not an .npy file of a plain array, or a damaged or truncated one: it must hold 40",
        ),
        (
            pickled,
            "x.npy is not an .npy file of a plain array, or a damaged or truncated one: it holds pickled objects",
        ),
        (both, "must be the only results of sltt, got results/mine/dense/sltt too"),
        (lambda f: shutil.rmtree(f / "results" / "mine"), "results/mine must be a folder of results"),
        (
            lambda f: [shutil.rmtree(path) for path in (f / "results" / "mine").iterdir()],
            "must hold results of the cases",
        ),
    ],
)
def test_a_folder_that_cannot_be_judged_is_one_line_and_2(folder, change, message, capsys):
    change(folder)
    assert conform() == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "argument MODULE:NAME: must be given, or --results DIR in its place, got neither"),
        (["m:a", "--results", "results/mine"], "got 'm:a' and --results"),
        (["m:a", "--given-spikes"], "argument --given-spikes: has no effect without --results"),
    ],
)
def test_an_adapter_or_results_and_not_both(arguments, message, capsys):
    assert cli.main(["conform", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_list_of_cases_has_every_case_its_purpose_sizes_and_methods(tmp_path, capsys):
    path = tmp_path / "cases.json"
    assert cli.main(["cases", "list", "--json", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = json.loads(path.read_text(encoding="utf-8"))["cases"]
    assert [entry["name"] for entry in listed] == [each.name for each in files.specifications()]
    for line, entry in zip(lines[1:], listed):
        assert line.startswith(f"{entry['name']} ") and entry["purpose"] in line
    for case in files.make_cases(["at-threshold", "conv-residual"]):
        (entry,) = (each for each in listed if each["name"] == case.name)
        network = case.network
        assert entry["sizes"] == [list(shape) for shape in (network.input_shape, *network.shapes)]
        assert entry["methods"] == case.methods and entry["since"] == case.since and entry["dtype"] == case.dtype
        assert (entry["time_steps"], entry["batch_size"]) == case.inputs.shape[:2]
    assert "(without spike-representation)" in next(line for line in lines if line.startswith("at-threshold"))


def test_the_list_can_go_to_standard_output_alone(capfd):
    assert cli.main(["cases", "list", "--json", "/dev/stdout"]) == 0
    out, err = capfd.readouterr()
    assert len(json.loads(out)["cases"]) == len(files.specifications()) and err.startswith("case ")


def test_results_of_a_case_with_weights_need_not_say_that_they_took_them(tmp_path):
    (case,) = files.make_cases(["dense-masked"])
    (tmp_path / case.name).mkdir()
    gradients = ot.sltt.gradients(case.network, case.inputs, case.targets, case.loss, weights=case.weights)
    np.savez(tmp_path / case.name / "sltt.npz", **gradients)
    adapter = Results(tmp_path, [case], given_spikes=True)
    found = {verdict.method: verdict.outcome for verdict in checking.check(adapter, [case], ["sltt", "ottt"])}
    assert found == {"forward": "unsupported", "ottt": "unsupported", "sltt": "passed"}


def test_hidden_files_are_passed_over_and_a_name_may_lead_through_folders(tmp_path):
    """As systems leave them, .DS_Store and the like, at each depth."""
    (case,) = files.make_cases(["dense"])
    place = tmp_path / "dense" / "forward"
    (place / "spikes").mkdir(parents=True)
    np.save(place / "spikes" / "0.npy", np.ones(2))
    for folder in (tmp_path, tmp_path / "dense", place, place / "spikes"):
        (folder / ".DS_Store").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    assert list(Results(tmp_path, [case])(case, "forward")) == ["spikes/0"]
