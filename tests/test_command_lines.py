"""What the three command lines share: help with examples, names, versions, pipes, letters, Ctrl-C."""

import argparse
import configparser
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ottt_ref as ot
from experiments import __main__ as experiments
from ottt_ref import cli, console, workers
from ottt_ref.cli import programs
from proofs import __main__ as proofs
from proofs.museum import hunts
from tests.interrupts import hearing_interrupts

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PROGRAMS = {program.PROGRAM: program for program in (cli, proofs, experiments, hunts)}
MODULES = {cli: "ottt_ref", proofs: "proofs", experiments: "experiments", hunts: "proofs.museum.hunts"}


def parsers(parser):
    """The parser and those of all its commands, filled."""
    parser.fill()
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


ALL = {parser.prog: (program, parser) for program in PROGRAMS.values() for parser in parsers(program.build_parser())}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def environment(**changes):
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", **changes}


def start(program, *arguments, **options):
    """A process of the program."""
    return subprocess.Popen(
        [sys.executable, "-m", MODULES[program], *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **options},
    )


def test_there_are_the_commands_that_are_promised():
    assert set(ALL) >= {
        "ottt-ref",
        *(
            f"ottt-ref {name}"
            for name in (
                "network",
                "gradients",
                "blackboard",
                "explain",
                "cases list",
                "cases export",
                "conform",
                "nir export",
                "prove",
            )
        ),
        *(
            f"ottt-ref {name}"
            for name in ("nir import", "version", "experiment digits", "experiment directions", "train")
        ),
        *("python -m proofs", "python -m experiments", "python -m experiments digits"),
    }


@pytest.mark.parametrize("prog", ALL)
def test_help_says_what_it_does_and_shows_examples_that_are_understood(prog, capsys):
    program, parser = ALL[prog]
    words = prog.removeprefix(program.PROGRAM).split()
    assert program.main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and parser.description in out.replace("\n", " ")
    examples = re.findall(rf"^  {re.escape(prog)}(.*)$", out.partition("examples:\n")[2], re.MULTILINE)
    assert examples == [f" {example}".rstrip() for example in parser.examples] != []
    for example in parser.examples:
        assert callable(program.build_parser().parse_args([*words, *example.split()]).command)


@pytest.mark.parametrize("prog", ALL)
def test_every_option_has_words(prog):
    for action in ALL[prog][1]._actions:
        shown = action.help is not argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction)
        if shown:
            said = re.sub(r"\(.*?\)|%\(\w+\)s", "", action.help)  # but for the default
            assert len(re.findall("[A-Za-z]{2,}", said)) >= 2, action.option_strings


@pytest.mark.parametrize("words", ["", "cases", "nir", "experiment"])
def test_without_a_command_there_is_the_help(words, capsys):
    assert cli.main(words.split()) == 0
    assert capsys.readouterr() == (ALL[f"ottt-ref {words}".rstrip()][1].format_help(), "")


def test_without_an_experiment_there_is_the_help(capsys):
    assert experiments.main([]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: python -m experiments") and "digits" in out and err == ""


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_program_has_the_version(program, capsys):
    assert program.main(["--version"]) == 0
    assert capsys.readouterr() == (f"ottt_ref {ot.__version__}\n", "")


@pytest.mark.parametrize(
    ("program", "words", "option", "several"),
    [
        (cli, "conform m:a", "case", ["dense", "silent"]),
        (cli, "conform m:a", "method", ["ottt", "bptt"]),
        (cli, "prove", "claim", ["E1", "H1"]),
        (cli, "experiment digits", "method", ["ottt-a", "bptt"]),
        (cli, "experiment directions", "factor", ["decay", "depth"]),
        (proofs, "", "claim", ["E1", "H1"]),
        (experiments, "digits", "method", ["ottt-a", "bptt"]),
    ],
)
def test_several_names_follow_one_option_which_may_be_repeated(program, words, option, several):
    def parsed(*arguments):
        return getattr(program.build_parser().parse_args([*words.split(), *arguments]), option)

    flag = f"--{option}"
    assert parsed(flag, *several) == parsed(flag, several[0], flag, several[1]) == several
    assert parsed() is None


def test_an_old_spelling_is_taken_and_not_shown():
    parser = cli.build_parser()
    assert parser.parse_args(["conform", "m:a", "--methods", "ottt", "bptt"]).method == ["ottt", "bptt"]
    assert "--methods" not in ALL["ottt-ref conform"][1].format_help()


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        *(
            (cli, words.split())
            for words in ("version", "--help", "prove --list", "blackboard --example", "cases list")
        ),
        (proofs, ["--list"]),
        (experiments, []),
    ],
)
def test_a_closed_pipe_ends_it_without_a_word(program, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(program, *arguments, stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=120)[1] == b"" and process.returncode == console.PIPE_CLOSED


def test_no_standard_output_at_all_is_no_fault(folder):
    """As `command >&-` has it: there is no stream, and files are written all the same."""
    network = ["network", "--sizes", "2", "3", "2", "--output", "net.npz"]
    for arguments in (["version"], ["--help"], network):
        process = start(cli, *arguments, stdout=None, preexec_fn=lambda: os.close(1))
        assert process.communicate(timeout=120)[1] == b"" and process.returncode == 0
    assert (folder / "net.npz").exists()


def test_a_closed_pipe_ends_the_museum_without_a_verdict():
    """rich would exit with 1, as if an exhibit did not stand."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start(proofs, "--counterexamples", "--claim", "D3", stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=120)[1] == b"" and process.returncode == console.PIPE_CLOSED


def test_a_broken_pipe_elsewhere_is_an_error(monkeypatch, capsys):
    def fail(_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli.versions, "print_versions", fail)
    assert cli.main(["version"]) == 2
    assert capsys.readouterr() == ("", "ottt-ref: error: [Errno 32] Broken pipe\n")


def test_files_are_there_before_anything_is_printed(folder):
    reading, writing = os.pipe()
    os.close(reading)
    adapter = "tests.ottt_ref.conformance.backends:right"
    options = ["--case", "silent", "--method", "ottt", "--json", "verdicts.json", "--junit", "verdicts.xml"]
    process = start(cli, "conform", adapter, *options, stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=120)[1] == b"" and process.returncode == console.PIPE_CLOSED
    assert {path.name for path in folder.iterdir()} == {"verdicts.json", "verdicts.xml"}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_letters_that_the_screen_lacks_are_replaced(encoding):
    process = start(proofs, "--list", "--claim", "R2", env=environment(PYTHONIOENCODING=encoding))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"") and "1/?_T" in out.decode(encoding)  # 1/Λ_T
    process = start(cli, "prove", "--counterexamples", "--claim", "C1", env=environment(PYTHONIOENCODING=encoding))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"") and "without '?(N) < 1'" in out.decode(encoding)  # ρ(N)


def test_help_is_shown_in_the_plainest_of_locales():
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    process = start(cli, "experiment", "digits", "--help", env=environment(**plain))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"") and out.startswith(b"usage: ottt-ref experiment digits")


@pytest.mark.parametrize("program", [cli, proofs, experiments], ids=MODULES.get)
def test_an_interrupt_is_one_line_and_130(program, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(console.Parser, "parse_known_args", interrupt)
    assert program.main([]) == 130
    line = f"{program.PROGRAM}: interrupted; no file is left half-written\n"
    assert capsys.readouterr() == ("", line)


def test_an_interrupt_after_which_nothing_is_left_to_do_ends_a_program_and_not_who_calls_it(monkeypatch, capsys):
    def interrupt(*_):
        raise console.Ended("done")

    ended = []
    monkeypatch.setattr(console.Parser, "parse_known_args", interrupt)
    monkeypatch.setattr(console.os, "_exit", ended.append)
    assert cli.main([]) == 130 and ended == []
    assert cli.main() == 130 and ended == [130]
    assert capsys.readouterr() == ("", "ottt-ref: interrupted; done\n" * 2)


NOTHING_SAVED = "no file is left half-written"
LONG = {
    "proofs": (proofs, ["--claim", "R2", "E2", "--cases", "20"], [b"checked R2"], NOTHING_SAVED),
    "ottt-ref": (
        cli,
        ["experiment", "digits", "--method", "sltt", "--seeds", "50", "--epochs", "1"],
        3 * [b"sltt, seed"],  # of two workers one has taken its second run, so that its first is over
        r"the runs that were finished, (\d+) of 50, are in results/digits-unfinished\.json",
    ),
}
on_unix = pytest.mark.skipif(os.name == "nt", reason="signals are other things there")


@pytest.fixture
def long_command(request):
    """A command that has done a part of its work, in a process group of its own, which is gone afterwards."""
    program, arguments, signs, _ = LONG[request.param]
    with hearing_interrupts():
        process = start(program, *arguments, start_new_session=True)
    for sign in signs:
        assert process.stdout.readline().startswith(sign)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@on_unix
@pytest.mark.parametrize(("long_command", "name"), [(name, name) for name in LONG], indirect=["long_command"])
def test_ctrl_c_ends_the_workers_too_and_finished_runs_are_saved(long_command, name, folder):
    os.killpg(long_command.pid, signal.SIGINT)  # as a terminal does, to the workers as well
    out, err = long_command.communicate(timeout=30)
    assert long_command.returncode == 130 and b"Traceback" not in out
    program, _, _, words = LONG[name]
    said = re.fullmatch(f"{program.PROGRAM}: interrupted; {words}\n", err.decode())
    assert said and nobody_is_left(long_command.pid)
    if words != NOTHING_SAVED:
        saved = json.loads((folder / "results" / "digits-unfinished.json").read_text(encoding="utf-8"))
        assert len(saved["runs"]) == int(said[1]) > 0
    assert [path.name for path in folder.glob("results/*")] == (["digits-unfinished.json"] if said.groups() else [])


POOL = """
import time
from ottt_ref.workers import WorkerPool
with WorkerPool(2) as pool:
    pool.submit(time.sleep, 120)
    print("works", pool.submit(abs, -1).result(), flush=True)
    time.sleep(120)
"""
MESSAGES = """
import time
from ottt_ref.workers import messages
with messages() as inbox:
    print("works", inbox.qsize(), flush=True)
    time.sleep(120)
"""


@on_unix
@pytest.mark.parametrize("script", [POOL, MESSAGES], ids=["pool", "messages"])
def test_processes_end_where_the_one_that_started_them_was_killed(script):
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), start_new_session=True) as process:
        try:
            assert process.stdout.readline().startswith(b"works")
            process.kill()
            process.wait()
            assert nobody_is_left(process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@on_unix
def test_ctrl_c_while_workers_start_waits_and_is_not_lost():
    reached = []
    with hearing_interrupts(), pytest.raises(KeyboardInterrupt), workers.deaf_to_interrupts():
        signal.raise_signal(signal.SIGINT)
        reached.append("the end of the block")
    assert reached
    blocked = subprocess.run(["grep", "SigBlk", "/proc/self/status"], capture_output=True, text=True, check=False)
    assert blocked.returncode or int(blocked.stdout.split()[1], 16) & 1 << signal.SIGINT - 1 == 0  # as it was before


def nobody_is_left(group):
    """Whether the processes of a group end: those that were killed are there until the system has noted it."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.2)
    return False


def test_a_checkout_has_its_programs_beside_the_package_and_a_wheel_within(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    package = tmp_path / "ottt_ref"
    package.mkdir()
    with pytest.raises(console.CommandError, match=r"proofs is neither in .* nor beside it"):
        programs.find("proofs", package)
    assert sys.path == ["elsewhere"]
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "__main__.py").touch()
    assert programs.find("proofs", package) == programs.find("proofs", package) == "proofs"
    assert sys.path == [str(tmp_path), "elsewhere"]
    (package / "proofs").mkdir()
    assert programs.find("proofs", package) == "ottt_ref.proofs"


def test_the_commands_of_ottt_ref_are_those_of_the_programs():
    for ours, theirs in (("ottt-ref prove", "python -m proofs"), ("ottt-ref experiment", "python -m experiments")):
        own = [action.option_strings for action in ALL[theirs][1]._actions if action.dest != "version"]
        assert [action.option_strings for action in ALL[ours][1]._actions] == own
        assert ALL[ours][1].examples == ALL[theirs][1].examples


def test_no_module_is_there_under_two_names():
    script = (
        "import sys; from ottt_ref import cli; cli.main(['prove', '--list']); cli.main(['experiment', 'digits', '-h'])"
    )
    shown = "; print(*sorted(n for n in sys.modules if 'proofs' in n or 'experiments' in n))"
    process = subprocess.run(
        [sys.executable, "-c", script + shown], capture_output=True, text=True, env=environment(), check=True
    )
    names = process.stdout.splitlines()[-1].split()
    assert "proofs.claims.e1" in names and "experiments.digits.command" in names
    assert not [name for name in names if name.startswith("ottt_ref")]


def test_the_list_of_packages_is_complete():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    folders = [path.parent.relative_to(ROOT) for top in console.OURS for path in (ROOT / top).rglob("__init__.py")]
    expected = {
        ".".join(folder.parts if folder.parts[0] == "ottt_ref" else ("ottt_ref", *folder.parts)) for folder in folders
    }
    listed = settings["options"]["packages"].split()
    assert set(listed) == expected and len(listed) == len(expected)
