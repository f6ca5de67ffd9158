"""The kit in a shell: `ottt-ref cases export DIR` and `ottt-ref conform package.module:adapter`."""

import os
import sys

from . import files, report
from .adapter import AdapterError, load_adapter
from .checking import check
from .reference import MEANINGS

EPILOG = """\
An adapter is a callable (case, method) that runs a case by the backend and returns a mapping of arrays, or a class of
such; `python -m pydoc ottt_ref.conformance.adapter` says it all. Modules are also looked for in the present folder.

exit status: 0 if something passed and nothing failed; 1 if something failed, was not compared, or nothing passed;
2 if the check could not be made
"""


class ConformError(ValueError):
    """A check that cannot be made; the message names the argument."""


def add_cases(commands):
    """Add `cases export` to the commands of a parser."""
    parser = commands.add_parser("cases", help="the conformance cases, against which other backends are checked")
    actions = parser.add_subparsers(title="actions", metavar="action", required=True)
    export = actions.add_parser("export", help="write all cases to a folder: a manifest and one .npz file per case")
    export.set_defaults(command=export_cases)
    export.add_argument("folder", metavar="DIR", help="the folder, which is made if it is not there")


def add_conform(commands, formatter):
    """Add `conform` to the commands of a parser."""
    parser = commands.add_parser(
        "conform", help="check a backend against the cases", epilog=EPILOG, formatter_class=formatter
    )
    parser.set_defaults(command=conform)
    add = parser.add_argument
    add("adapter", metavar="MODULE:NAME", help="the adapter, as my_package.my_module:adapter")
    add("--cases", metavar="DIR", help="cases that were exported to a folder; those that are built in if not given")
    add("--case", metavar="NAME", nargs="+", help="these cases alone")
    add("--methods", metavar="NAME", nargs="+", choices=MEANINGS, help=f"of {', '.join(MEANINGS)}; all if not given")
    add("--rtol", metavar="X", type=float, help="tolerance, relative to an array's largest number (1e-9; float32 1e-4)")
    add("--json", metavar="FILE", help="also write everything to FILE as JSON")
    add("--junit", metavar="FILE", help="also write the verdicts to FILE as JUnit's XML")


def export_cases(arguments):
    """Write the conformance cases."""
    try:
        entries = files.export(arguments.folder)
    except OSError as error:
        raise ConformError(f"cannot write {arguments.folder}: {error.strerror}") from None
    size = sum(entry["bytes"] for entry in entries)
    print(f"wrote {len(entries)} cases to {arguments.folder}: {size:,} bytes and {files.MANIFEST}")


def conform(arguments):
    """Check an adapter; the exit status."""
    if arguments.rtol is not None and not 0 <= arguments.rtol < 1:
        raise ConformError(f"argument --rtol: must be in [0, 1), got {arguments.rtol}")
    for option in ("json", "junit"):
        _require_writable(f"--{option}", getattr(arguments, option))
    cases = _cases(arguments)
    sys.path.insert(0, os.getcwd())  # as `python -m` has it: an adapter lies where its author works
    try:
        adapter = load_adapter(arguments.adapter)
    except AdapterError as error:
        raise ConformError(str(error)) from None
    verdicts = list(check(adapter, cases, arguments.methods, arguments.rtol))
    parts = [report.table(verdicts), report.details(verdicts), report.diagnosis(verdicts), report.summary(verdicts)]
    print("\n\n".join(part for part in parts if part))
    if arguments.json:
        report.write_json(arguments.json, verdicts, arguments.adapter)
    if arguments.junit:
        report.write_junit(arguments.junit, verdicts, arguments.adapter)
    return 0 if report.succeeded(verdicts) else 1


def _cases(arguments):
    if arguments.cases is None:
        return files.make_cases(arguments.case)
    cases = files.load(arguments.cases)
    names = [case.name for case in cases]
    wrong = [name for name in arguments.case or () if name not in names]
    if wrong:
        raise ConformError(f"argument --case: must be one of {', '.join(names)}, got {wrong[0]!r}")
    return [case for case in cases if arguments.case is None or case.name in arguments.case]


def _require_writable(option, path):
    if path is None:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ConformError(f"argument {option}: must name a file in a folder that can be written, got {path!r}")
