"""`ottt-ref explain`: a page with every path of a small network's gradients, and what each method keeps."""

import importlib
from difflib import get_close_matches
from pathlib import Path

from .. import console
from ..console import CommandError
from ..files import storage
from . import blackboard
from .options import add_limit
from .programs import find
from .writing import check_output, write

LARGEST_PORT = 65535
EXAMPLES = (
    "--html page.html",
    "--html page.html --exhibit ottt-bptt-apart",
    "--html page.html --network net.json",
    "--live",
)
NOTES = """\
Without --exhibit or --network it is about a network of two layers in which the methods visibly differ. A network of
your own must be small: one sample, at most 12 time steps, dense layers of LIF neurons; `ottt-ref blackboard --help`
describes the file. The page is one file, and asks no host for anything. --live serves it at 127.0.0.1, to programs of
this computer alone, with a form in which the network can be changed; Ctrl-C ends it.
"""


def add(commands):
    """Add `explain` to the commands of a parser."""
    parser = commands.add_parser(
        "explain",
        help="make a page that shows what each method keeps and drops",
        description="Make a page with every path of a small network's gradients, and which of them each method keeps.",
        examples=EXAMPLES,
        notes=NOTES,
    )
    parser.set_defaults(command=explain)
    option = parser.add_argument
    option("--html", metavar="FILE", type=console.file, help="write the page to FILE")
    option("--live", action="store_true", help="serve the page on this computer, with a form to change the network")
    option("--port", metavar="N", type=_port, help="where --live serves it; 0, a free one, if not given")
    option(
        "--exhibit",
        metavar="NAME",
        help="a counterexample of the museum, by name (`ottt-ref prove --counterexamples` shows them)",
    )
    option(
        "--network", metavar="FILE", help="a network of your own, in JSON or as an .npz file, as `blackboard` takes it"
    )
    blackboard.add_data(parser)
    add_limit(parser)


def explain(arguments):
    """Write the page, or serve it."""
    if bool(arguments.html) == arguments.live:
        got = "both" if arguments.live else "neither"
        raise CommandError(f"argument --html: must be given, or --live, got {got}")
    if arguments.port is not None and not arguments.live:
        raise CommandError("argument --port: must be given with --live alone")
    if arguments.html:
        read = (arguments.network, arguments.inputs, arguments.targets)
        check_output(arguments.html, *(name for name in read if name), argument="--html")
    from ..explain import data, page, shown  # here, as what follows: they take time to import

    what = _shown(arguments, shown.Shown)
    if arguments.live:
        return _serve(what, arguments.port or 0)
    content = _fitting(what, data.page_data, page)
    stream = write(lambda path: storage.write_bytes(path, content), arguments.html)
    print(f"{arguments.html}: {len(content) / 1e6:.1f} MB, open it in a browser", file=stream)
    return None


def _fitting(shown, page_data, page):
    """The page, with as many sliders as it has room for; long fractions are rounded only where it has none at all."""
    from ..explain.shown import LONGEST_FRACTION, SHORT_FRACTION

    for grid in ("all", "decay", "none"):
        try:
            return page.page(page_data(shown, grid=grid, longest=LONGEST_FRACTION))
        except page.TooLarge:
            continue
    return page.page(page_data(shown, grid="none", longest=SHORT_FRACTION))


def _shown(arguments, kind):
    """What the page is about."""
    if arguments.network is None:
        for name in ("inputs", "targets", "loss"):
            if getattr(arguments, name):
                raise CommandError(f"argument --{name}: must be given with --network alone")
    if arguments.exhibit is not None:
        if arguments.network is not None:
            raise CommandError("argument --exhibit: must not be given together with --network")
        return _exhibit(arguments.exhibit, kind)
    if arguments.network is not None:
        arguments.file = arguments.network
        return kind(*blackboard.read_given(arguments), title=Path(arguments.network).name)
    from ..explain.example import example

    found = example()
    return kind(found.network, found.inputs, found.targets, found.loss)


def _exhibit(name, kind):
    with console.needs("proofs"):
        museum = importlib.import_module(f"{find('proofs')}.museum.exhibit")
    names = sorted(path.stem for path in museum.FOLDER.glob("*.json"))
    if name not in names:
        near = get_close_matches(name, names, n=1)
        advice = f": is it {near[0]!r}?" if near else ""
        raise CommandError(f"argument --exhibit: must be one of {', '.join(names)}, got {name!r}{advice}")
    found = museum.load(museum.FOLDER / f"{name}.json")
    return kind(
        found.network,
        found.input_array,
        museum.exact([found.targets]),
        title=f"{name} ({found.theorem})",
        says=found.says,
        seen=found.seen,
        soft=found.soft,
    )


def _serve(shown, port):
    from ..explain.editing import editable
    from ..explain.live import ADDRESS, Server, serve

    try:
        server = Server(shown, editable(shown), port)
    except OSError as error:
        raise CommandError(f"argument --port: {ADDRESS}:{port} cannot be served: {error.strerror}") from None
    print(f"{server.address}  (Ctrl-C ends it)", flush=True)
    try:
        serve(server)
    except KeyboardInterrupt as interrupt:
        raise console.Ended(*interrupt.args) from None


def _port(text):
    """A port, or 0."""
    import argparse

    digits = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdecimal()) or len(digits) > 5 or int(digits) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"must be a port, 0 .. {LARGEST_PORT}, got {text[:40]!r}")
    return int(digits)
