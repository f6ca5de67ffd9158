"""`ottt-ref blackboard`: everything that happens in one small network of the user's, as a table."""

import json
import sys
from pathlib import Path

import numpy as np

from .. import console
from ..blackboard import board, description
from ..blackboard.quantities import HALF_SQUARES, METHODS, mean_loss
from ..console import CommandError
from ..files import storage
from ..learning.losses import MeanSquaredError, require_targets
from ..network.network import Network
from ..simulation.inputs import require_inputs
from .options import add_limit
from .writing import write

FORMAT = (description.__doc__ or "").partition("\n\n")[2]
NOTES = f"""\
FILE is a network that was written by hand, in JSON:

{FORMAT}
or one that `ottt-ref network` or Network.save wrote, with --inputs: an .npz file of inputs [T, B, n_in] and targets, as
`ottt-ref gradients` takes it; targets may be of each time step. Its loss is that of `gradients`, with weights of 1.

The table has at most {board.LARGEST_STEPS} time steps and {board.LARGEST_ROWS} lines. Its names are those of a
blackboard: u¹₂ is the potential of neuron 2 of layer 1, s its spikes, ψ the surrogate derivative, o the output of a
readout; w¹₂₁ the weight into neuron 2 of layer 1 from neuron 1, b¹₂ the bias. Errors are δ (BPTT), g (OTTT, SLTT) and p
(SR). Where neurons learn a number of their own, OTTT pairs their errors with ∂z/∂decay, ..., z = u - V_th.
Fractions are exact.
"""
LONG_NAMES = {"spike-representation": "sr"}  # as other commands have it
EXAMPLES = (
    "--example",
    "net.json",
    "net.json --method ottt bptt --json table.json",
    "net.npz --inputs x.npz --method sltt",
    "net.npz --inputs x.npz --targets 1 0 --loss half-squares",
)


def add(commands):
    """Add `blackboard` to the commands of a parser."""
    parser = commands.add_parser(
        "blackboard",
        help="print everything that happens in a small network",
        description="Print every potential, spike, trace, error and gradient term of a small network, by time step.",
        examples=EXAMPLES,
        notes=NOTES,
    )
    parser.set_defaults(command=print_board)
    option = parser.add_argument
    option("file", nargs="?", metavar="FILE", help="the network, in JSON or as an .npz file (see below)")
    option("--example", action="store_true", help="print a network in JSON, to start from, and do nothing else")
    add_data(parser)
    meaning = f"these methods alone, of {', '.join(METHODS)}; all if not given"
    console.names(parser, "--method", tuple(METHODS), meaning, read=lambda name: LONG_NAMES.get(name, name))
    option("--json", metavar="FILE", type=console.file, help="also write the table to FILE as JSON")
    add_limit(parser)


def add_data(parser):
    """Add what goes with a network in an .npz file: --inputs, --targets, --loss."""
    option = parser.add_argument
    option("--inputs", metavar="FILE", help="the .npz file of inputs and targets, of a network in an .npz file")
    option(
        "--targets",
        metavar="N",
        type=int,
        nargs="+",
        help="class labels, one for each sample, where the file of inputs has no targets",
    )
    names = [description.HALF, *description.LOSSES]
    option("--loss", choices=names, help=f"the loss of a network in an .npz file: {', '.join(names)} (mixed)")


def print_board(arguments):
    """Print the table of one network."""
    if arguments.example:
        given = [name for name in ("file", "inputs", "targets", "loss", "method", "json") if getattr(arguments, name)]
        if given:
            raise CommandError(f"argument --example: prints an example alone, got {_flag(given[0])} too")
        print(description.EXAMPLE, end="")
        return
    if arguments.file is None:
        raise CommandError("argument FILE: must be given, or --example")
    methods = list(dict.fromkeys(arguments.method or METHODS))
    network, inputs, targets, loss = read_given(arguments)
    board.require_printable(arguments.file, network, *inputs.shape[:2], methods)
    made = board.make(network, inputs, targets, loss, methods)
    stream = sys.stdout
    if arguments.json:
        text = json.dumps(board.as_data(made), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        stream = write(lambda path: storage.write_bytes(path, text.encode()), arguments.json)
    print(board.as_text(made), file=stream)


def read_given(arguments):
    """The network of `arguments.file`, with inputs, targets and loss: its own, or those of other arguments."""
    return (_stored if _is_npz(arguments.file) else _described)(arguments)


def _flag(name):
    return "FILE" if name == "file" else f"--{name}"


def _is_npz(path):
    if not Path(path).is_file():  # a pipe can be read only once: it is JSON
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"PK"


def _described(arguments):
    """The network of a JSON file, with its inputs, targets and loss."""
    for name in ("inputs", "targets", "loss"):
        if getattr(arguments, name):
            raise CommandError(f"argument --{name}: {arguments.file} is JSON, which has its own {name}")
    found = description.read(arguments.file)
    return found.network, found.inputs, found.targets, found.loss


def _stored(arguments):
    """The network of an .npz file, with what the file of inputs holds."""
    if arguments.inputs is None:
        raise CommandError(f"argument --inputs: must be given for {arguments.file}, which is no JSON")
    network = Network.load(arguments.file, limit=arguments.limit)
    arrays = storage.read_arrays(arguments.inputs, arguments.limit)
    if "inputs" not in arrays:
        raise CommandError(f"{arguments.inputs} must hold the array inputs, got {sorted(arrays)}")
    if ("targets" in arrays) == (arguments.targets is not None):
        got = "both" if "targets" in arrays else "neither"
        raise CommandError(f"argument --targets: must be given, or an array targets in {arguments.inputs}, got {got}")
    targets = arrays["targets"] if arguments.targets is None else np.array(arguments.targets)
    chosen = description.LOSSES.get(arguments.loss or "mixed")  # None of half the squares
    try:
        inputs = require_inputs(network, arrays["inputs"])
        rows = require_targets(chosen or MeanSquaredError(), targets, inputs.shape[1], network, len(inputs))
    except (ValueError, TypeError) as error:
        raise CommandError(f"{arguments.inputs} does not fit {arguments.file}: {error}") from None
    return network, inputs, rows, HALF_SQUARES if chosen is None else mean_loss(chosen)
