"""The kit: `ottt-ref cases export DIR` and `ottt-ref conform package.module:adapter`."""

import os
import sys

from .. import console
from ..conformance import files, report
from ..conformance.adapter import AdapterError, load_adapter, load_for
from ..conformance.checking import check
from ..conformance.reference import MEANINGS
from ..console import CommandError

NOTES = """\
An adapter is a callable (case, method) that runs a case by the backend and returns a mapping of arrays, or a class of
such; `python -m pydoc ottt_ref.conformance.adapter` says it all. Modules are also looked for in the present folder.

exit status: 0 if something passed and nothing failed; 1 if something failed, was not compared, or nothing passed;
2 if the check could not be made
"""
EXAMPLES = (
    "my_module:adapter",
    "my_module:adapter --case dense recurrent --method forward ottt",
    "my_module:adapter --cases exported --json verdicts.json --junit verdicts.xml",
)


def add(commands):
    """Add `cases export` and `conform` to the commands of a parser."""
    _add_cases(commands)
    _add_conform(commands)


def _add_cases(commands):
    about = "the conformance cases, against which other backends are checked"
    parser = commands.add_parser("cases", help=about, description=about.capitalize() + ".", examples=("export cases",))
    actions = parser.add_commands("actions", "action")
    export = actions.add_parser(
        "export",
        help="write all cases to a folder",
        description="Write all conformance cases to a folder: a manifest and one .npz file per case.",
        examples=("cases",),
    )
    export.set_defaults(command=export_cases)
    export.add_argument("folder", metavar="DIR", help="the folder, which is made if it is not there")


def _add_conform(commands):
    parser = commands.add_parser(
        "conform",
        help="check a backend against the cases",
        description="Check a backend against the conformance cases, and name what it gets wrong.",
        usage="%(prog)s MODULE:NAME [options]",  # the adapter first: after --case it would be taken for a case
        examples=EXAMPLES,
        notes=NOTES,
    )
    parser.set_defaults(command=conform)
    option = parser.add_argument
    option("adapter", metavar="MODULE:NAME", help="the adapter, as my_package.my_module:adapter")
    option("--cases", metavar="DIR", help="cases that were exported to a folder; those that are built in if not given")
    console.names(parser, "--case", None, "check these cases alone")
    meaning = f"check these alone, of {', '.join(MEANINGS)}; all if not given"
    console.names(parser, "--method", tuple(MEANINGS), meaning, old="--methods")
    option(
        "--rtol", metavar="X", type=float, help="tolerance, relative to an array's largest number (1e-9; float32 1e-4)"
    )
    option("--json", metavar="FILE", type=console.file, help="also write everything to FILE as JSON")
    option("--junit", metavar="FILE", type=console.file, help="also write the verdicts to FILE as JUnit's XML")


def export_cases(arguments):
    """Write the conformance cases."""
    try:
        entries = files.export(arguments.folder)
    except OSError as error:
        raise CommandError(f"cannot write {arguments.folder}: {error.strerror}") from None
    size = sum(entry["bytes"] for entry in entries)
    print(f"wrote {len(entries)} cases to {arguments.folder}: {size:,} bytes and {files.MANIFEST}")


def conform(arguments):
    """Check an adapter; the exit status."""
    if arguments.rtol is not None and not 0 <= arguments.rtol < 1:
        raise CommandError(f"argument --rtol: must be in [0, 1), got {arguments.rtol}")
    sys.path.insert(0, os.getcwd())  # as `python -m` has it: an adapter lies where its author works
    try:
        adapter = load_adapter(arguments.adapter)
    except AdapterError as error:
        raise CommandError(str(error)) from None
    cases = _cases(arguments, adapter)
    verdicts = list(check(adapter, cases, arguments.method, arguments.rtol))
    if arguments.json:
        report.write_json(arguments.json, verdicts, arguments.adapter)
    if arguments.junit:
        report.write_junit(arguments.junit, verdicts, arguments.adapter)
    parts = [report.table(verdicts), report.details(verdicts), report.diagnosis(verdicts), report.summary(verdicts)]
    print("\n\n".join(part for part in parts if part))
    return 0 if report.succeeded(verdicts) else 1


def _cases(arguments, adapter):
    if arguments.cases is None:
        return files.make_cases(arguments.case, getattr(adapter, "case_set", None))
    cases = load_for(adapter, arguments.cases)
    names = [case.name for case in cases]
    wrong = [name for name in arguments.case or () if name not in names]
    if wrong:
        raise CommandError(f"argument --case: must be one of {', '.join(names)}, got {wrong[0]!r}")
    return [case for case in cases if arguments.case is None or case.name in arguments.case]
