"""`ottt-ref version`: what a result depends on."""

import platform
from importlib.metadata import version

from .. import __version__


def add(commands):
    """Add `version` to the commands of a parser."""
    parser = commands.add_parser(
        "version",
        help="print the versions of ottt_ref and of what it runs on",
        description="Print the versions of ottt_ref, of what it runs on, and of Python.",
        examples=("",),
    )
    parser.set_defaults(command=print_versions)


def print_versions(_):
    """Print the version of ottt_ref, and of what its results depend on."""
    print(f"{'ottt_ref':<9} {__version__}")  # not from the metadata, which a mere checkout does not have
    for name in ("numpy", "numba", "scipy"):
        print(f"{name:<9} {version(name)}")
    print(f"{'python':<9} {platform.python_version()}")
