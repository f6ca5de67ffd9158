"""Rules and claims of the user's own, by name: as docs/extend.md has them, and what is refused."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as experiments
from experiments.digits import picture, training
from ottt_ref import cli, outside
from ottt_ref.methods.shared import driver
from proofs import __main__ as proofs
from proofs import command, own, report, verdict
from proofs.claims import BY_NAME, CLAIMS

from .pages import ROOT, of_language

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "extend.md"
NETWORK = ot.dense_network([3, 4, 2], rng=0)
INPUTS, LABELS = np.random.default_rng(0).random((4, 2, 3)), np.array([0, 1])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with the files of the page, a network and data; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, claims = set(sys.modules), dict(BY_NAME)
    for block in of_language(PAGE, "python"):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
    NETWORK.save("net.npz")
    np.savez("x.npz", inputs=INPUTS, targets=LABELS)
    importlib.invalidate_caches()
    yield tmp_path
    BY_NAME.clear()
    BY_NAME.update(claims)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def module(text, name="theirs"):
    """A module of the working folder, by its text."""
    Path(f"{name}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return name


def gradients(method, *options):
    return cli.main(["gradients", "--network", "net.npz", "--inputs", "x.npz", "--method", method, *options])


def one_line(capsys):
    """The line on stderr of a command that could not be carried out."""
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return err


@pytest.mark.parametrize("name", ["OtherDecay", "slow_traces"])
def test_gradients_of_a_rule_by_name_are_those_of_the_driver(name, capsys):
    assert gradients(f"my_rules:{name}", "--terms") == 0
    assert capsys.readouterr().out.startswith(f"wrote gradients.npz: my_rules:{name} gradients, 4 time steps of 2")
    rule = getattr(sys.modules["my_rules"], name)
    expected = ot.methods.gradients(rule, NETWORK, INPUTS, LABELS, terms=True)
    with np.load("gradients.npz") as found:
        assert all(np.array_equal(found[parameter], value) for parameter, value in expected.items())
        assert all(np.array_equal(found[f"terms.{name}"], value) for name, value in expected.terms.items())
    assert not np.array_equal(expected["readout.weight"], ot.ottt.gradients(NETWORK, INPUTS, LABELS)["readout.weight"])


RULE = """
from ottt_ref import methods
number, text = 3, "rule"
def function(network, batch_size):
    return methods.Rule(network, batch_size)
def gives_nothing(network, batch_size):
    return None
def of_one(network, batch_size):
    return methods.Rule(network, 7)
class Raises(methods.Rule):
    def advance(self, activity):
        return {}["missing"]
class Ends(methods.Rule):
    def advance(self, activity):
        raise SystemExit(3)
class Wrong(methods.Rule):
    def presynaptic(self, connection, activity):
        return activity.inputs[:, :1]
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nosuch:rule", "argument --method: 'nosuch:rule': cannot import nosuch: No module named 'nosuch'"),
        ("theirs:missing", "argument --method: 'theirs:missing': module theirs has no 'missing'"),
        ("theirs:number", "'theirs:number' must be a Rule subclass or a function (network, batch_size) → Rule, got 3"),
        ("theirs:", "argument --method must be written as package.module:name, got 'theirs:'"),
        (":rule", "argument --method must be written as package.module:name, got ':rule'"),
        ("theirs:gives_nothing", "'theirs:gives_nothing' stopped with TypeError: rule must give a Rule for (network"),
        ("theirs:of_one", "'theirs:of_one' stopped with ValueError: rule must give a Rule with batch_size 1"),
        ("theirs:Raises", "'theirs:Raises' stopped with KeyError: 'missing' ("),
        ("theirs:Wrong", "'theirs:Wrong' stopped with ValueError: "),
        ("ottt2", "argument --method: invalid choice: 'ottt2' (choose from 'bptt', "),
        ("ottt2", "or MODULE:NAME, a rule of your own): is it 'ottt'?"),
        ("rules.Two", "or MODULE:NAME, a rule of your own): is it 'rules:Two'?"),
        (
            "broken:rule",
            "argument --method: 'broken:rule': cannot import broken: ZeroDivisionError: division by zero (",
        ),
        ("ends:rule", "argument --method: 'ends:rule': cannot import ends: SystemExit: 0 ("),
        ("theirs:Ends", "'theirs:Ends' stopped with SystemExit: 3 ("),
        ("no_python:rule", "cannot import no_python: SyntaxError: invalid syntax (no_python.py, line 1)"),
    ],
)
def test_a_rule_that_cannot_be_had_or_that_stops_is_one_line(name, message, capsys):
    module(RULE)
    module("1 / 0\n", "broken")
    module("import sys\nsys.exit(0)\n", "ends")
    module("class class\n", "no_python")
    assert gradients(name) == 2
    assert message in one_line(capsys) and not Path("gradients.npz").exists()


def test_an_error_of_a_rule_says_where_it_was_raised(capsys):
    module(RULE)
    assert gradients("theirs:Raises") == 2
    line = 1 + RULE.splitlines().index('        return {}["missing"]')
    assert f"theirs.py:{line})" in one_line(capsys)


def test_what_is_wrong_with_the_data_is_no_fault_of_the_rule(capsys):
    np.savez("x.npz", inputs=INPUTS[..., :2], targets=LABELS)
    assert gradients("my_rules:OtherDecay") == 2
    assert one_line(capsys).startswith("ottt-ref: error: x.npz does not fit net.npz: inputs must be [T, B, 3], got")


def test_options_of_methods_are_refused_for_a_rule(capsys):
    assert gradients("my_rules:OtherDecay", "--dialect", "authors") == 2
    assert "argument --dialect: method my_rules:OtherDecay has no such option, only ottt" in one_line(capsys)


@pytest.mark.exhaustive
def test_a_rule_by_name_learns_the_digits_beside_the_methods(capsys, folder):
    options = ["--seeds", "1", "--epochs", "1", "--time-steps", "2", "--workers", "1", "--output", "out"]
    assert experiments.main(["digits", "--method", "my_rules:OtherDecay", *options]) == 0
    assert "my_rules:OtherDecay" in capsys.readouterr().out
    (run,) = json.loads(Path("out/digits.json").read_text(encoding="utf-8"))["runs"]
    assert run["method"] == "my_rules:OtherDecay" and run["epochs"][0]["test_accuracy"] > 0.5  # 0.1 by chance
    assert Path("out/digits.svg").exists() and picture._label("a_b:c") == r"a\_b:c"


def test_the_working_directory_is_put_first_once(monkeypatch):
    monkeypatch.setattr(sys, "path", ["elsewhere", os.getcwd()])
    for _ in range(2):
        outside.look_here()
        assert sys.path == [os.getcwd(), "elsewhere", os.getcwd()]


def test_of_one_rule_and_ottt_the_same_curves_come(monkeypatch):
    module("from ottt_ref import ottt\nrule = ottt.OTTT\n")
    outside.look_here()
    small = training.Settings(epochs=1, time_steps=2)
    runs = [_first_losses(name, small) for name in ("theirs:rule", "ottt-a")]
    assert runs[0] == pytest.approx(runs[1], rel=1e-9)  # by other loops, which round differently


def _first_losses(method, settings):
    digits = training.prepared(settings)
    _, _, learn = training.learner(method, np.random.default_rng(3), settings)
    return [learn(digits.train_images[k : k + 8], digits.train_labels[k : k + 8]) for k in (0, 8, 16)]


@pytest.mark.parametrize("name", ["theirs:number", "theirs:Raises", "theirs:missing", "nosuch:rule"])
def test_a_rule_that_cannot_learn_is_refused_before_any_training(name, capsys, folder):
    module(RULE)
    for program in (experiments.main, lambda words: cli.main(["experiment", *words])):
        assert program(["digits", "--method", "ottt-a", name, "--output", "out"]) == 2
        assert f"argument --method: '{name}'" in one_line(capsys) and not Path("out").exists()


def prove(*options):
    return proofs.main(["--claims", *options])


def test_a_claim_of_ones_own_is_checked_by_worker_processes(capsys):
    assert prove("my_claims", "--cases", "12", "--json", "out.json", "--workers", "1") == 0
    out = capsys.readouterr().out
    assert "1 of 1 claims hold (seed 0): 1 not refuted" in out and "Own1 without 'the neurons' decay': with 1/4" in out
    assert "The claims of the theory" not in out
    (claim,) = json.loads(Path("out.json").read_text(encoding="utf-8"))["claims"]
    assert claim["name"] == "Own1" and claim["cases"] == 12 and claim["holds"] and claim["source"] == "this page"


def test_the_same_by_the_command_of_the_package_in_a_process_of_its_own(folder):
    arguments = [sys.executable, "-m", "ottt_ref", "prove", "--claims", "my_claims", "--list"]
    done = subprocess.run(arguments, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Own1  with the neurons' decay, OtherDecay is OTTT for every weight\n")
    assert "stands on:  cases alone\n" in done.stdout and done.stderr == ""


def in_this_process(claims, cases, seed, workers, console, **options):
    from proofs.search import run

    assert options["module"] == "theirs"
    return [run(claim, cases, seed) for claim in claims]


def test_a_claim_that_is_false_is_refuted_by_its_smallest_case(capsys, monkeypatch):
    text = Path("my_claims.py").read_text(encoding="utf-8")
    assert "gradients(seed, decay, decay)" in text
    module(text.replace("gradients(seed, decay, decay)", "gradients(seed, decay, decay / 2)"))
    monkeypatch.setattr(command, "run_all", in_this_process)
    assert prove("theirs", "--cases", "20") == 1
    out = capsys.readouterr().out
    assert "Own1 does not hold:\n" in out and "weight differs\n(0, 0.25)" in out and "0 of 1 claims hold" in out


def test_counterexamples_and_names_are_of_the_modules_claims(capsys):
    assert prove("my_claims", "--counterexamples", "--claim", "own1") == 0
    assert "Own1 without 'the neurons' decay': with 1/4 in place of 1/2" in capsys.readouterr().out
    assert prove("my_claims", "--claim", "E1") == 2
    assert "argument --claim: invalid choice: 'E1' (choose from Own1)" in one_line(capsys)
    assert proofs.main(["--list", "--claim", "Own1"]) == 2
    assert "invalid choice: 'Own1' (choose from E1, " in one_line(capsys)


CLAIM = """
from hypothesis import strategies as st
from proofs.claim import Claim, Finding
from proofs.claims.e1 import CLAIM as THEIRS
def claim(**changes):
    fields = dict(name="C", statement="s", hypotheses="", source="", checked="", kind="exact",
                  strategy=st.integers(), check=lambda case: Finding(None, True))
    return Claim(**{**fields, **changes})
"""


def test_claims_are_found_without_a_list_of_them():
    module(CLAIM + "first = claim(name='First')\nsecond = claim(name='Second')\n")
    assert [each.name for each in own.load("theirs")] == ["First", "Second"]  # and not the theory's, which it imports
    assert set(BY_NAME) == {each.name for each in CLAIMS} | {"First", "Second"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "argument --claims: cannot import theirs: No module named 'theirs'"),
        ("x = 1\n", "argument --claims: module theirs holds no claim: no CLAIMS with something in it, and no Claim"),
        (CLAIM, "argument --claims: module theirs holds no claim"),
        (CLAIM + "CLAIMS = []\n", "argument --claims: module theirs holds no claim"),
        (
            CLAIM + "CLAIMS = claim()\n",
            "argument --claims: theirs.CLAIMS must be a list or tuple of Claims, got Claim(",
        ),
        (CLAIM + "CLAIMS = [claim(), 3]\n", "argument --claims: theirs: claims must be of proofs.claim.Claim, got 3"),
        (CLAIM + "CLAIMS = [claim(), claim()]\n", "theirs: claims must have names of their own, got 'C' twice"),
        (
            CLAIM + "CLAIMS = [claim(name='e1')]\n",
            "claim e1 must have another name: the theory has a claim of that name",
        ),
        (CLAIM + "CLAIMS = [claim(name='../x')]\n", "claim must be named by letters, digits, dots, dashes"),
        (CLAIM + "CLAIMS = [claim(strategy=3)]\n", "claim C: strategy must be a strategy of Hypothesis, got 3"),
        (
            CLAIM + "CLAIMS = [claim(check=None)]\n",
            "claim C: check must be a function of a case that returns a Finding",
        ),
        (CLAIM + "CLAIMS = [claim(kind='sure')]\n", "claim C: kind must be one of exact, bound, statistic, got 'sure'"),
        (CLAIM + "CLAIMS = [claim(share=0)]\n", "claim C: share must be a number above 0, got 0"),
        ("1 / 0\n", "argument --claims: cannot import theirs: ZeroDivisionError: division by zero ("),
        ("import nowhere_at_all\n", "argument --claims: cannot import theirs: No module named 'nowhere_at_all'"),
    ],
)
def test_a_module_without_sound_claims_is_one_line_and_2(text, message, capsys):
    if text is not None:
        module(text)
    assert prove("theirs") == 2
    assert message in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["my_claims.py"], "argument --claims: cannot import my_claims.py"),
        (["my claims"], "argument --claims: must be the name of a module, such as my_claims, got 'my claims'"),
        (["my_claims", "--power"], "argument --claims: has no effect with --power"),
        (["my_claims", "--html", "out.html"], "argument --html: claim Own1 has no sketch, which the page shows"),
        (["my_claims", "--surveys"], "argument --surveys: has no effect without the claims D1, D2"),
    ],
)
def test_what_has_no_effect_on_ones_own_claims_is_refused(arguments, message, capsys):
    assert prove(*arguments) == 2
    assert message in one_line(capsys)


def test_the_theory_is_as_it_was_without_a_module():
    assert verdict.possible(BY_NAME["R2"]) == "cases alone (--power counts how many wrong variants they find)"
    assert "stands on:  cases alone (--power" in report.listing([BY_NAME["R2"]])
    assert driver.started(ot.methods.Rule, NETWORK, 1, None)[0].batch_size == 1
