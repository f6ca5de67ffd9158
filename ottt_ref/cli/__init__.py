"""The command line: networks, gradients, the kit, the claims and the experiments for those who live in a shell.

    ottt-ref network --sizes 64 128 10 --seed 0 --output net.npz
    ottt-ref gradients --network net.npz --inputs x.npz --method ottt --output gradients.npz
    ottt-ref cases export DIR
    ottt-ref conform my_package.my_module:adapter
    ottt-ref blackboard net.json
    ottt-ref explain --html page.html
    ottt-ref nir export --network net.npz --output net.nir
    ottt-ref prove --claim E1 E2
    ottt-ref experiment digits
    ottt-ref train digits
    ottt-ref version

It says what it wrote and exits with 0; `conform` with 1 where a backend does not conform, `prove` where a claim does
not hold. An error is one line on stderr that names the argument or the file, and 2.
"""

from .. import console
from ..simulation.equilibrium import ConvergenceError
from . import blackboard, conform, explain, gradients, network, nir, programs, versions

PROGRAM = "ottt-ref"
ERRORS = (ConvergenceError, ValueError, TypeError, ModuleNotFoundError)  # the library's words for what it refuses
EXAMPLES = (
    "network --sizes 64 128 10 --seed 0 --output net.npz",
    "gradients --network net.npz --inputs x.npz --method ottt",
    "blackboard net.json",
    "explain --html page.html",
    "conform my_module:adapter --case dense recurrent",
    "prove --claim E1 E2",
    "experiment digits --method ottt-a bptt",
    "train digits --epochs 5",
)


def main(argv=None):
    """Carry out the command line `argv` (without the program's name; sys.argv if not given); the exit status."""
    return console.run(PROGRAM, build_parser, argv, ERRORS)


def build_parser():
    """The parser; the function that carries out a command is its arguments' `command`."""
    parser = console.Parser(
        prog=PROGRAM,
        description="Reference gradients for spiking networks: OTTT, BPTT, SLTT, RTRL, SR.",
        examples=EXAMPLES,
        notes="COMMAND --help says what a command takes.",
    )
    parser.add_version()
    commands = parser.add_commands("commands", "command")
    for module in (network, gradients, blackboard, explain, conform, nir, programs, versions):
        module.add(commands)
    return parser
