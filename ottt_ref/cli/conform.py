"""The kit: `ottt-ref cases list`, `cases export DIR`, and `conform` of an adapter or of results in files."""

import json
import sys

import numpy as np

from .. import console
from ..conformance import files, report
from ..conformance.adapter import AdapterError, load_adapter, load_for
from ..conformance.checking import check
from ..conformance.reference import MEANINGS, methods_of
from ..conformance.results import Results
from ..console import CommandError
from ..files import storage
from ..outside import look_here
from .writing import write

NOTES = """\
An adapter is a callable (case, method) that runs a case by the backend and returns a mapping of arrays, or a class of
such; `python -m pydoc ottt_ref.conformance.adapter` says it all. Modules are also looked for in the present folder.

Results are arrays that a backend of any language wrote: DIR/CASE/METHOD.npz, or DIR/CASE/METHOD/NAME.npy;
`python -m pydoc ottt_ref.conformance.results`, and the manifest that `ottt-ref cases export` writes, say it all.

exit status: 0 if something passed and nothing failed; 1 if something failed, was not compared, or nothing passed;
2 if the check could not be made
"""
EXAMPLES = (
    "my_module:adapter",
    "my_module:adapter --case dense recurrent --method forward ottt",
    "my_module:adapter --cases exported --json verdicts.json --junit verdicts.xml",
    "--results written --case dense",
)


def add(commands):
    """Add `cases list`, `cases export` and `conform` to the commands of a parser."""
    _add_cases(commands)
    _add_conform(commands)


def _add_cases(commands):
    about = "the conformance cases, against which other backends are checked"
    parser = commands.add_parser(
        "cases", help=about, description=about.capitalize() + ".", examples=("list", "export cases")
    )
    actions = parser.add_commands("actions", "action")
    listing = actions.add_parser(
        "list",
        help="list all cases",
        description="List all conformance cases: what each is there for, its sizes and methods.",
        examples=("", "--json cases.json"),
    )
    listing.set_defaults(command=list_cases)
    listing.add_argument("--json", metavar="FILE", type=console.file, help="also write the list to FILE as JSON")
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
        usage="%(prog)s MODULE:NAME [options]\n       %(prog)s --results DIR [options]",
        examples=EXAMPLES,
        notes=NOTES,
    )
    parser.set_defaults(command=conform)
    option = parser.add_argument
    option("adapter", nargs="?", metavar="MODULE:NAME", help="the adapter, as my_package.my_module:adapter")
    option("--results", metavar="DIR", help="check what lies in this folder, in place of an adapter")
    option(
        "--given-spikes",
        action="store_true",
        help="the gradients of --results were computed at the spikes and surrogate derivatives of the cases",
    )
    option("--cases", metavar="DIR", help="cases that were exported to a folder; those that are built in if not given")
    console.names(parser, "--case", None, "check these cases alone")
    meaning = f"check these alone, of {', '.join(MEANINGS)}; all if not given"
    console.names(parser, "--method", tuple(MEANINGS), meaning, old="--methods")
    option(
        "--rtol", metavar="X", type=float, help="tolerance, relative to an array's largest number (1e-9; float32 1e-4)"
    )
    option("--json", metavar="FILE", type=console.file, help="also write everything to FILE as JSON")
    option("--junit", metavar="FILE", type=console.file, help="also write the verdicts to FILE as JUnit's XML")


def list_cases(arguments):
    """Print the conformance cases, a line each."""
    entries = [_entry(each) for each in files.specifications()]
    stream = sys.stdout
    if arguments.json:
        text = json.dumps({"methods": MEANINGS, "cases": entries}, indent=1, ensure_ascii=False) + "\n"
        stream = write(lambda path: storage.write_bytes(path, text.encode()), arguments.json)
    rows = [("case", "since", "sizes", "T", "B", "dtype", "what it is there for")]
    rows += [_row(entry) for entry in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip(), file=stream)
    print(f"\nmethods: {', '.join(MEANINGS)}", file=stream)


def _entry(specification):
    """What is said of a case; its network is drawn for its sizes alone."""
    network = specification.network(np.random.default_rng(0))
    return {
        "name": specification.name,
        "purpose": specification.purpose,
        "since": specification.since,
        "sizes": [list(shape) for shape in (network.input_shape, *network.shapes)],
        "time_steps": specification.time_steps,
        "batch_size": specification.batch_size,
        "dtype": specification.dtype,
        "methods": methods_of(specification),
    }


def _row(entry):
    sizes = "-".join("x".join(map(str, shape)) for shape in entry["sizes"])
    without = [name for name in MEANINGS if name not in entry["methods"]]
    purpose = entry["purpose"] + (f" (without {', '.join(without)})" if without else "")
    counts = (str(entry[name]) for name in ("time_steps", "batch_size"))
    return entry["name"], str(entry["since"]), sizes, *counts, entry["dtype"], purpose


def export_cases(arguments):
    """Write the conformance cases."""
    try:
        entries = files.export(arguments.folder)
    except OSError as error:
        raise CommandError(f"cannot write {arguments.folder}: {error.strerror}") from None
    size = sum(entry["bytes"] for entry in entries)
    print(f"wrote {len(entries)} cases to {arguments.folder}: {size:,} bytes and {files.MANIFEST}")


def conform(arguments):
    """Check an adapter, or results in files; the exit status."""
    if arguments.rtol is not None and not 0 <= arguments.rtol < 1:
        raise CommandError(f"argument --rtol: must be in [0, 1), got {arguments.rtol}")
    if (arguments.adapter is None) == (arguments.results is None):
        got = "neither" if arguments.adapter is None else f"{arguments.adapter!r} and --results"
        raise CommandError(f"argument MODULE:NAME: must be given, or --results DIR in its place, got {got}")
    if arguments.given_spikes and arguments.results is None:
        raise CommandError(
            "argument --given-spikes: has no effect without --results; an adapter has an attribute for it"
        )
    adapter, cases = _of_results(arguments) if arguments.adapter is None else _of_adapter(arguments)
    name = arguments.adapter or arguments.results
    verdicts = list(check(adapter, cases, arguments.method, arguments.rtol))
    if arguments.json:
        report.write_json(arguments.json, verdicts, name)
    if arguments.junit:
        report.write_junit(arguments.junit, verdicts, name)
    parts = [report.table(verdicts), report.details(verdicts), report.diagnosis(verdicts), report.summary(verdicts)]
    print("\n\n".join(part for part in parts if part))
    return 0 if report.succeeded(verdicts) else 1


def _of_adapter(arguments):
    """The adapter, and the cases that it is asked for."""
    look_here()  # an adapter lies where its author works
    try:
        adapter = load_adapter(arguments.adapter)
    except AdapterError as error:
        raise CommandError(str(error)) from None
    if arguments.cases is None:
        return adapter, files.make_cases(arguments.case, getattr(adapter, "case_set", None))
    return adapter, _chosen(arguments, load_for(adapter, arguments.cases))


def _of_results(arguments):
    """What stands for an adapter of the files, and the cases."""
    if arguments.cases is None:
        cases = files.make_cases(arguments.case)
    else:
        cases = _chosen(arguments, files.load(arguments.cases))
    return Results(arguments.results, cases, given_spikes=arguments.given_spikes), cases


def _chosen(arguments, cases):
    names = [case.name for case in cases]
    wrong = [name for name in arguments.case or () if name not in names]
    if wrong:
        raise CommandError(f"argument --case: must be one of {', '.join(names)}, got {wrong[0]!r}")
    return [case for case in cases if arguments.case is None or case.name in arguments.case]
