"""`ottt-ref network`: a fresh network of dense layers, as a file."""

import inspect

import numpy as np

from ..console import CommandError
from ..network import initialisation, surrogate
from ..network.network import READOUTS, dense_network
from ..network.neurons import RESETS
from .options import add_choice
from .writing import check_output, write

SURROGATES = {
    "sigmoid": surrogate.Sigmoid,
    "arctan": surrogate.Arctan,
    "triangle": surrogate.Triangle,
    "rectangle": surrogate.Rectangle,
    "fast-sigmoid": surrogate.FastSigmoid,
    "multi-gaussian": surrogate.MultiGaussian,
}
EXAMPLES = (
    "--sizes 64 128 10 --seed 0 --output net.npz",
    "--sizes 64 128 128 10 --tau 2 --reset hard --surrogate triangle width=2 height=0.5 --output net.npz",
)


def add(commands):
    """Add `network` to the commands of a parser."""
    parser = commands.add_parser(
        "network",
        help="write a fresh network of dense layers",
        description="Write a fresh network of dense layers of LIF neurons, with random weights, as an .npz file.",
        examples=EXAMPLES,
    )
    parser.set_defaults(command=write_network)
    option = parser.add_argument
    option(
        "--sizes",
        type=int,
        nargs="+",
        required=True,
        metavar="N",
        help="how many inputs, neurons per layer, outputs: 64 128 10",
    )
    option("--seed", type=int, metavar="S", help="seed of the random weights; fresh, and printed, if not given")
    leak = parser.add_mutually_exclusive_group()
    leak.add_argument(
        "--decay", type=float, metavar="X", help="membrane leak in [0, 1] (0.5 if neither it nor --tau is given)"
    )
    leak.add_argument("--tau", type=float, metavar="X", help="membrane time constant in time steps, decay = 1 - 1/tau")
    option("--threshold", type=float, metavar="X", default=1.0, help="firing threshold (%(default)s)")
    option(
        "--surrogate",
        nargs="+",
        default=["sigmoid"],
        metavar=("NAME", "PARAMETER=NUMBER"),
        help=f"surrogate of the spike's derivative: {', '.join(SURROGATES)}; its parameters follow, as in: "
        "triangle width=2 height=0.5 (sigmoid)",
    )
    add_choice(parser, "reset", RESETS, "what a spike does to the potential", "soft")
    add_choice(parser, "readout", READOUTS, "what the outputs are", "linear")
    add_choice(parser, "initialisation", tuple(initialisation.SCHEMES), "how weights are drawn", "uniform")
    add_choice(parser, "dtype", ("float64", "float32"), "the dtype of every parameter", "float64")
    option("--output", required=True, metavar="FILE", help="the .npz file to write")


def write_network(arguments):
    """Write a fresh network."""
    seed = np.random.SeedSequence().entropy if arguments.seed is None else arguments.seed
    if seed < 0:
        raise CommandError(f"argument --seed: must be at least 0, got {seed}")
    check_output(arguments.output)
    network = dense_network(
        arguments.sizes,
        decay=arguments.decay,
        tau=arguments.tau,
        threshold=arguments.threshold,
        surrogate=parse_surrogate(*arguments.surrogate),
        reset=arguments.reset,
        readout=arguments.readout,
        initialisation=arguments.initialisation,
        rng=seed,
        dtype=arguments.dtype,
    )
    stream = write(network.save, arguments.output)
    print(f"wrote {arguments.output}: {network!r}, seed {seed}", file=stream)


def parse_surrogate(name, *settings):
    """The surrogate of that name, with parameters written as "alpha=2"."""
    if name not in SURROGATES:
        raise CommandError(f"argument --surrogate: must be one of {', '.join(SURROGATES)}, got {name!r}")
    numbers = {}
    for setting in settings:
        parameter, _, number = setting.partition("=")
        try:
            numbers[parameter] = float(number)
        except ValueError:
            raise CommandError(f"argument --surrogate: must be followed by PARAMETER=NUMBER, got {setting!r}") from None
    known = list(inspect.signature(SURROGATES[name]).parameters)
    if not set(numbers) <= set(known):
        raise CommandError(f"argument --surrogate: {name} has the parameters {', '.join(known)}, got {list(numbers)}")
    return SURROGATES[name](**numbers)
