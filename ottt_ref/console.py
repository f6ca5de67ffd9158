"""What the three command lines share: `ottt-ref`, `python -m proofs` and `python -m experiments`.

Exit status: 0, or what the command returns; 2 and one line on stderr for what cannot be carried out; 130 and one line
after Ctrl-C; 141, without a word, where the reader of a pipe went away (`... | head -1`), as other programs have it.
Letters that the screen cannot show are replaced.
"""

import argparse
import importlib
import os
import re
import select
import sys
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

from . import __version__

OURS = ("ottt_ref", "proofs", "experiments")
INTERRUPTED, PIPE_CLOSED = 130, 141  # 128 and the number of the signal, as shells count
EXPECTED = (OSError, MemoryError)
MOST_DIGITS = 18  # of a whole number


class CommandError(Exception):
    """A command line that cannot be carried out; the message names the argument or the file."""


class Ended(KeyboardInterrupt):
    """Ctrl-C where nothing is left to do: a program then ends at once, not when Python has taken down every module."""


class Parser(argparse.ArgumentParser):
    """An argument parser with examples below its help, whose errors are raised, not printed.

    examples  arguments as a user would write them, a text for each example
    notes     what else is to be said below the options
    fill      adds the options when they are first needed, given the parser: for what is slow to import
    """

    def __init__(self, *args, examples=(), notes="", fill=None, **options):
        super().__init__(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.examples, self.notes, self._fill = examples, notes, fill

    def fill(self):
        """Add the options that were put off."""
        put_off, self._fill = self._fill, None
        if put_off is not None:
            put_off(self)

    def parse_known_args(self, args=None, namespace=None):
        """As ArgumentParser has it, with the options that were put off; help does without what an extra has."""
        try:
            self.fill()
        except CommandError as missing:
            if not {"-h", "--help"} & set(sys.argv[1:] if args is None else args):
                raise
            self.notes = f"{missing}. The options are shown then."
        return super().parse_known_args(args, namespace)

    def format_help(self):
        """The help, with the notes and the examples."""
        lines = "\n".join(f"  {self.prog} {example}".rstrip() for example in self.examples)
        parts = [self.notes.rstrip(), f"examples:\n{lines}" if lines else ""]
        self.epilog = "\n\n".join(part for part in parts if part).replace("%", "%%")
        return super().format_help()

    def print_help(self, file=None):
        """Print the help; unlike argparse, a pipe that is closed is not passed over."""
        (file or sys.stdout).write(self.format_help())

    def error(self, message):
        """Raise what argparse would print with the usage; of numbers of many digits, the first ones."""
        raise CommandError(re.sub(r"(\d{40})\d{60,}", r"\1...", message))

    def add_version(self):
        """Add --version."""
        self.add_argument(
            "--version",
            action="version",
            version=f"ottt_ref {__version__}",
            help="print the version of ottt_ref and exit",
        )

    def add_commands(self, title, metavar):
        """Subparsers, without one of which the help is printed; the `command` of the one that is chosen is called."""
        self.set_defaults(command=lambda _: self.print_help())
        return self.add_subparsers(title=title, metavar=metavar)


def run(program, build_parser, argv=None, errors=()):
    """Parse the command line `argv` (sys.argv if None) and call its `command`; the exit status.

    errors  further types of errors that are the user's to mend, not faults of the program
    """
    for name in ("stdout", "stderr"):  # None where it was closed before the program began
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = _carry_out(build_parser, argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt as interrupt:  # whose words, if it has any, say what was saved
        status = _complain(f"{program}: interrupted; {str(interrupt) or 'no file is left half-written'}", INTERRUPTED)
        if isinstance(interrupt, Ended) and argv is None:  # a program's own command line, not a call from Python
            _end(status)
        return status
    except (CommandError, *EXPECTED, *errors) as error:
        if _standard_output_is_gone() and isinstance(error, BrokenPipeError):
            return PIPE_CLOSED
        return _complain(f"{program}: error: {' '.join(str(error).split()) or type(error).__name__}", 2)


def _carry_out(build_parser, argv):
    try:
        arguments = build_parser().parse_args(argv)
        return arguments.command(arguments) or 0
    except SystemExit as finished:  # --help, --version
        return finished.code


def _end(status):
    """End the process; taking down Numba and LLVM takes up to seconds on a busy machine."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


def _complain(line, status):
    print(line, file=sys.stderr)
    return status


def _standard_output_is_gone():
    """Whether nothing more can be written to it; then Python must not try again when it ends."""
    try:
        sys.stdout.flush()
        gone = _has_no_reader(sys.stdout)
    except OSError:
        gone = True
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


def _has_no_reader(stream):
    """Whether a stream is a pipe whose other end is closed."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
    except (AttributeError, OSError):  # Windows has no poll; what stands in for a stream may have no number
        return False
    return any(event & select.POLLERR for _, event in poll.poll(0))


@contextmanager
def needs(extra):
    """Imports that may fail where an extra is not installed: the error says which."""
    try:
        yield
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name in OURS or name in sys.stdlib_module_names:
            raise
        raise CommandError(f"this needs {name}, which is not installed: pip install 'ottt_ref[{extra}]'") from None


def filled_by(module, extra):
    """A parser's `fill`: `add_arguments` of a module that is imported then, and needs the extra."""

    def fill(parser):
        with needs(extra):
            imported = importlib.import_module(module)
        imported.add_arguments(parser)

    return fill


def screen(width):
    """A rich Console as wide as the terminal, or of `width` columns where there is none."""
    from rich.console import Console  # here: it is an extra

    class Screen(Console):
        def on_broken_pipe(self):
            raise  # rich would exit with 1, which is the status of what does not hold

    result = Screen(highlight=False)
    return result if result.is_terminal else Screen(width=width, highlight=False)


def names(parser, option, choices, meaning, *, old=None, read=str):
    """Add an option that takes one or several of some names, and may be repeated; None if it is not given.

    old   a spelling that is still taken, and not shown
    read  what makes a name of what was written
    """
    settings = {"dest": option.removeprefix("--"), "metavar": "NAME", "nargs": "+", "action": "extend", "type": read}
    if choices is not None:
        settings |= {"choices": choices}
    parser.add_argument(option, help=meaning, **settings)
    if old:
        parser.add_argument(old, help=argparse.SUPPRESS, **settings)


def one_of(choices, own):
    """What reads one of some names, or MODULE:NAME, which names `own`: what the user wrote."""

    def read(text):
        if text not in choices and ":" not in text:
            known = ", ".join(map(repr, choices))
            near = [text.replace(".", ":")] if text.count(".") == 1 else get_close_matches(text.lower(), choices, n=1)
            advice = f": is it {near[0]!r}?" if near else ""
            raise argparse.ArgumentTypeError(
                f"invalid choice: {text!r} (choose from {known}, or MODULE:NAME, {own}){advice}"
            )
        return text

    return read


def positive(text):
    """A whole number of at least 1."""
    digits = text.lstrip("0")
    if not digits.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    if len(digits) > MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"must be a whole number of at most {MOST_DIGITS} digits, got {text!r}")
    return int(digits)


def above_zero(text):
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return number


def folder(text):
    """A folder that can be written to, or made."""
    path = Path(text)
    existing = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise argparse.ArgumentTypeError(f"must be a folder that can be written, got {text!r}")
    return path


def file(text):
    """The name of a file, device or pipe that can be written: seen before any work, not after it."""
    path = Path(text)
    if path.exists() and not path.is_file() and not path.is_dir() and os.access(path, os.W_OK):
        return text
    try:
        parent = path.resolve().parent
    except (OSError, RuntimeError):  # a link that leads to itself
        raise argparse.ArgumentTypeError(f"must name a file, got a link that leads nowhere, {text!r}") from None
    if not parent.is_dir() or not os.access(parent, os.W_OK) or Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"must name a file in a folder that can be written, got {text!r}")
    return text
