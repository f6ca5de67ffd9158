"""Networks as files of the Neuromorphic Intermediate Representation.

ottt-ref nir export --network net.npz --accept-hard-reset --output net.nir
ottt-ref nir import net.nir --dt 1e-4 --reset unleaked --output net.npz
"""

from ..network.network import Network
from ..network.neurons import RESETS
from ..nir import read
from ..nir import write as write_graph
from .options import add_limit
from .writing import check_output, write


def add(commands):
    """Add `nir export` and `nir import` to the commands of a parser."""
    parser = commands.add_parser(
        "nir",
        help="networks as files of the Neuromorphic Intermediate Representation",
        description="Networks as files of the Neuromorphic Intermediate Representation (NIR), out and in.",
        examples=(
            "export --network net.npz --accept-hard-reset --output net.nir",
            "import theirs.nir --dt 1e-4 --reset unleaked --output net.npz",
        ),
    )
    actions = parser.add_commands("actions", "action")
    _add_export(actions)
    _add_import(actions)


def _add_export(actions):
    parser = actions.add_parser(
        "export",
        help="write a network as a .nir file",
        description="Write the network of an .npz file as a .nir file.",
        examples=(
            "--network net.npz --output net.nir",
            "--network net.npz --dt 1e-3 --accept-hard-reset --output net.nir",
        ),
    )
    parser.set_defaults(command=export_network)
    option = parser.add_argument
    option("--network", required=True, metavar="FILE", help="the .npz file of the network")
    option("--dt", type=float, metavar="X", default=1.0, help="the length of a time step (%(default)s)")
    option(
        "--accept-hard-reset",
        action="store_true",
        help="write a soft or unleaked reset, too: other tools compute with a hard one, the only one that NIR has",
    )
    add_limit(parser)
    option("--output", required=True, metavar="FILE", help="the .nir file to write")


def _add_import(actions):
    parser = actions.add_parser(
        "import",
        help="write the network of a .nir file as .npz",
        description="Write the network of a .nir file, of this program or another, as an .npz file.",
        usage="%(prog)s FILE [options]",  # the file first: after --input-shape it would be taken for a number
        examples=(
            "net.nir --output net.npz",
            "theirs.nir --dt 1e-4 --reset unleaked --output net.npz",
            "theirs.nir --dt 1e-4 --reset hard --input-shape 2 16 16 --output net.npz",
        ),
    )
    parser.set_defaults(command=import_graph)
    option = parser.add_argument
    option("graph", metavar="FILE", help="the .nir file")
    option("--dt", type=float, metavar="X", help="the length of a time step, if the file does not say it")
    option("--reset", choices=RESETS, help="what a spike does to the potential, if the file does not say it")
    option("--input-shape", type=int, nargs="+", metavar="N", help="the shape of one sample, if the file's has a batch")
    add_limit(parser)
    option("--output", required=True, metavar="FILE", help="the .npz file to write")


def export_network(arguments):
    """Write the network of an .npz file as a .nir file."""
    check_output(arguments.output, arguments.network)
    network = Network.load(arguments.network, limit=arguments.limit)
    options = {"dt": arguments.dt, "accept_hard_reset": arguments.accept_hard_reset}
    stream = write(lambda path: write_graph(path, network, **options), arguments.output)
    print(f"wrote {arguments.output}: {network!r}, dt {arguments.dt:g}", file=stream)


def import_graph(arguments):
    """Write the network of a .nir file as an .npz file."""
    check_output(arguments.output, arguments.graph)
    shape = arguments.input_shape
    network = read(
        arguments.graph,
        dt=arguments.dt,
        reset=arguments.reset,
        input_shape=None if shape is None else tuple(shape),
        limit=arguments.limit,
    )
    stream = write(network.save, arguments.output)
    print(f"wrote {arguments.output}: {network!r}", file=stream)
