"""`ottt-ref prove`, `experiment` and `train`: the claims and the experiments, which the library itself never imports.

A wheel carries them as `ottt_ref.proofs` and `ottt_ref.experiments`. In a checkout they are the folders beside the
package, `proofs` and `experiments`, as `python -m proofs` and the tests know them. So each module has one name in one
place, and is never there twice.
"""

import sys
from pathlib import Path

from .. import console

PACKAGE = Path(__file__).parents[1]


def add(commands):
    """Add `prove`, `experiment` and `train` to the commands of a parser; their options come when they are asked for."""
    commands.add_parser(
        "prove",
        help="check the claims of the theory, show the counterexamples",
        description="Check the claims of the theory, show the counterexamples.",
        fill=lambda parser: console.filled_by(f"{find('proofs')}.command", "proofs")(parser),
    )
    commands.add_parser(
        "experiment",
        help="train, measure and draw, as a table and figures",
        description="Train, measure and draw, as a table and figures.",
        fill=lambda parser: console.filled_by(f"{find('experiments')}.command", "experiments")(parser),
    )
    about = "train a network as a config says, to be stopped and gone on with anywhere"
    commands.add_parser(
        "train",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        fill=lambda parser: console.filled_by(f"{find('experiments')}.training.command", "experiments")(parser),
    )


def find(name, package=PACKAGE):
    """The name under which the program's folder is imported, made importable."""
    if (package / name).is_dir():
        return f"{package.name}.{name}"
    checkout = package.parent
    if not (checkout / name / "__main__.py").is_file():
        raise console.CommandError(f"{name} is neither in {package} nor beside it: install ottt_ref anew")
    if str(checkout) not in sys.path[:1]:
        sys.path.insert(0, str(checkout))  # before other packages of that name
    return name
