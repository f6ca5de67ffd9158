"""Options as the commands write them: words of the library, with dashes for underscores."""

from .. import console
from ..files.storage import LARGEST_ARRAYS


def add_limit(parser):
    """Add --limit, how many bytes the arrays of a file that is read may take."""
    parser.add_argument(
        "--limit",
        type=console.positive,
        metavar="BYTES",
        default=LARGEST_ARRAYS,
        help="how many bytes the arrays of each file that is read may take in memory (%(default)s)",
    )


def add_choice(parser, option, choices, meaning, default=None):
    """Add an option that is one of the library's words; None if not given and there is no default."""
    parser.add_argument(
        flag(option),
        choices=[dashed(choice) for choice in choices],
        default=default,
        help=f"{meaning} ({default or dashed(choices[0])})",
    )


def flag(option):
    """The option as it is written: --reset-gradient."""
    return f"--{dashed(option)}"


def dashed(name):
    """A name of the library as the command line has it."""
    return name.replace("_", "-")
