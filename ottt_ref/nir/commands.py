"""The part of the command line that is about NIR.

ottt-ref nir export --network net.npz --output net.nir
ottt-ref nir import net.nir --dt 1e-4 --reset unleaked --output net.npz
"""

from pathlib import Path

from ..network.network import Network
from ..network.neurons import RESETS
from . import read, write


def add(commands):
    """Add `nir export` and `nir import` to the commands of a parser."""
    parser = commands.add_parser("nir", help="networks as files of the Neuromorphic Intermediate Representation")
    actions = parser.add_subparsers(title="actions", metavar="action", required=True)
    export = actions.add_parser("export", help="write a network as a .nir file")
    export.set_defaults(command=export_network)
    export.add_argument("--network", required=True, metavar="FILE", help="the .npz file of the network")
    export.add_argument("--dt", type=float, default=1.0, help="the length of a time step (%(default)s)")
    export.add_argument("--output", required=True, metavar="FILE", help="the .nir file to write")
    back = actions.add_parser("import", help="write the network of a .nir file as .npz")
    back.set_defaults(command=import_graph)
    back.add_argument("graph", metavar="FILE", help="the .nir file, of this program or another")
    back.add_argument("--dt", type=float, help="the length of a time step, if the file does not say it")
    back.add_argument("--reset", choices=RESETS, help="what a spike does to the potential, if the file does not say it")
    back.add_argument(
        "--input-shape", type=int, nargs="+", metavar="N", help="of one sample, if the file's has a batch"
    )
    back.add_argument("--output", required=True, metavar="FILE", help="the .npz file to write")


def export_network(arguments):
    """Write the network of an .npz file as a .nir file."""
    network = Network.load(arguments.network)
    _write(lambda path: write(path, network, dt=arguments.dt), arguments.network, arguments.output)
    print(f"wrote {arguments.output}: {network!r}, dt {arguments.dt:g}")


def import_graph(arguments):
    """Write the network of a .nir file as an .npz file."""
    shape = arguments.input_shape
    network = read(
        arguments.graph, dt=arguments.dt, reset=arguments.reset, input_shape=None if shape is None else tuple(shape)
    )
    _write(network.save, arguments.graph, arguments.output)
    print(f"wrote {arguments.output}: {network!r}")


def _write(write_to, source, path):
    if Path(path).resolve() == Path(source).resolve():
        raise ValueError(f"argument --output: must not be the file that is read, got {path!r}")
    if not Path(path).name:
        raise ValueError(f"argument --output: must name a file, got {path!r}")
    try:
        write_to(path)
    except OSError as error:  # it names the temporary file
        raise OSError(f"cannot write {path}: {error.strerror}") from None
