"""The command line: networks and gradients for those who live in a shell.

    ottt-ref network --sizes 64 128 10 --seed 0 --output net.npz
    ottt-ref gradients --network net.npz --inputs x.npz --method ottt --output gradients.npz
    ottt-ref cases export DIR
    ottt-ref conform my_package.my_module:adapter
    ottt-ref nir export --network net.npz --output net.nir
    ottt-ref version

It says what it wrote and exits with 0; `conform` with 1 where a backend does not conform. An error is one line on
stderr that names the argument or the file, and 2.
"""

import argparse
import inspect
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from . import __version__
from .conformance import command as conformance
from .files import storage
from .learning import losses
from .methods import bptt, ottt, rtrl, sltt, spike_representation
from .methods.shared.traces import DIALECTS
from .network import initialisation, surrogate
from .network.network import READOUTS, Network, dense_network
from .network.neurons import RESET_GRADIENTS, RESETS
from .nir import commands as nir_commands
from .simulation.equilibrium import ConvergenceError

PROGRAM = "ottt-ref"
METHODS = {
    "ottt": ottt.gradients,
    "bptt": bptt.gradients,
    "sltt": sltt.gradients,
    "rtrl": rtrl.gradients,
    "spike-representation": spike_representation.gradients,
}
LOSSES = {
    "mixed": losses.Mixed(),
    "cross-entropy": losses.CrossEntropy(),
    "mean-squared-error": losses.MeanSquaredError(),
}
SURROGATES = {
    "sigmoid": surrogate.Sigmoid,
    "arctan": surrogate.Arctan,
    "triangle": surrogate.Triangle,
    "rectangle": surrogate.Rectangle,
    "multi-gaussian": surrogate.MultiGaussian,
}
METHOD_OPTIONS = {
    "dialect": (DIALECTS, "what is traced"),
    "reset_gradient": (RESET_GRADIENTS, "whether gradients also cross the reset"),
    "loss_of": (bptt.LOSSES_OF, "the loss of each time step, or of the time-averaged output"),
    "rates": (spike_representation.RATES, "the rates of the simulated spikes, or the mapping's own"),
}
FILES = """\
--inputs is an .npz file that holds
  inputs   [T, B, n_in], of the network's dtype: T time steps, B samples (images: [T, B, C, H, W])
  targets  [B] integer class labels, or [B, n_out] rows of the network's dtype
as numpy.savez("x.npz", inputs=..., targets=...) writes it.

--output is an .npz file that holds, without pickles,
  layer0.weight, layer0.bias, ...    the gradient of each parameter
  loss, outputs                      the loss, and the network's outputs [T, B, n_out]
                                     (of spike-representation the outputs of the rates, [B, n_out])
and with --terms
  terms.layer0.weight, ...           what each time step adds to that gradient, [T, ...]
  errors.layer0, ...                 the error at the potentials of each time step, [T, B, n] (rtrl has none)
"""


class CommandError(Exception):
    """A command line that cannot be carried out; the message names the argument or the file."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are raised, not printed."""

    def error(self, message):
        """Raise what argparse would print with the usage."""
        raise CommandError(message)


def main(argv=None):
    """Carry out the command line `argv` (without the program's name; sys.argv if not given); the exit status."""
    try:
        arguments = build_parser().parse_args(argv)
        return arguments.command(arguments) or 0
    except SystemExit as finished:  # --help
        return finished.code
    except (CommandError, ConvergenceError, ValueError, TypeError, OSError, MemoryError, ModuleNotFoundError) as error:
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def build_parser():
    """The parser; the function that carries out a command is its arguments' `command`."""
    parser = Parser(prog=PROGRAM, description="Reference gradients for spiking networks: OTTT, BPTT, SLTT, RTRL, SR.")
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    _add_version(commands)
    _add_network(commands)
    _add_gradients(commands)
    conformance.add_cases(commands)
    conformance.add_conform(commands, argparse.RawDescriptionHelpFormatter)
    nir_commands.add(commands)
    return parser


def _add_version(commands):
    parser = commands.add_parser("version", help="print the versions of ottt_ref and of what it runs on")
    parser.set_defaults(command=print_versions)


def _add_network(commands):
    parser = commands.add_parser("network", help="write a fresh network of dense layers")
    parser.set_defaults(command=write_network)
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", required=True, metavar="N", help="inputs, spiking layers, outputs: 64 128 10")
    add("--seed", type=int, help="of the random weights; fresh, and printed, if not given")
    leak = parser.add_mutually_exclusive_group()
    leak.add_argument("--decay", type=float, help="membrane leak in [0, 1] (0.5 if neither it nor --tau is given)")
    leak.add_argument("--tau", type=float, help="membrane time constant in time steps, decay = 1 - 1/tau")
    add("--threshold", type=float, default=1.0, help="firing threshold (%(default)s)")
    add(
        "--surrogate",
        nargs="+",
        default=["sigmoid"],
        metavar=("NAME", "PARAMETER=NUMBER"),
        help=f"{', '.join(SURROGATES)}; its parameters after it, as in: triangle width=2 height=0.5 (sigmoid)",
    )
    _add_choice(parser, "reset", RESETS, "what a spike does to the potential", "soft")
    _add_choice(parser, "readout", READOUTS, "what the outputs are", "linear")
    _add_choice(parser, "initialisation", tuple(initialisation.SCHEMES), "how weights are drawn", "uniform")
    _add_choice(parser, "dtype", ("float64", "float32"), "of every parameter", "float64")
    add("--output", required=True, metavar="FILE", help="the .npz file to write")


def _add_gradients(commands):
    parser = commands.add_parser(
        "gradients",
        help="write the gradients of a network's parameters",
        epilog=FILES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=write_gradients)
    add = parser.add_argument
    add("--network", required=True, metavar="FILE", help="a network, as `ottt-ref network` or Network.save write it")
    add("--inputs", required=True, metavar="FILE", help="the .npz file of inputs and targets (see below)")
    add("--method", required=True, choices=METHODS, help="how to compute them")
    add("--output", default="gradients.npz", metavar="FILE", help="the .npz file to write (%(default)s)")
    add("--loss", choices=LOSSES, default="mixed", help="the loss of one output (%(default)s)")
    for option, (choices, meaning) in METHOD_OPTIONS.items():
        _add_choice(parser, option, choices, f"{meaning}; for {', '.join(_methods_with(option))}")
    add("--terms", action="store_true", help="also write what each time step adds")


def _add_choice(parser, option, choices, meaning, default=None):
    parser.add_argument(
        _flag(option),
        choices=[_dashed(choice) for choice in choices],
        default=default,
        help=f"{meaning} ({default or _dashed(choices[0])})",
    )


def print_versions(_):
    """Print the version of ottt_ref, and of what its results depend on."""
    print(f"{'ottt_ref':<9} {__version__}")  # not from the metadata, which a mere checkout does not have
    for name in ("numpy", "numba", "scipy"):
        print(f"{name:<9} {version(name)}")
    print(f"{'python':<9} {platform.python_version()}")


def write_network(arguments):
    """Write a fresh network."""
    seed = np.random.SeedSequence().entropy if arguments.seed is None else arguments.seed
    if seed < 0:
        raise CommandError(f"argument --seed: must be at least 0, got {seed}")
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
    _write(network.save, arguments.output)
    print(f"wrote {arguments.output}: {network!r}, seed {seed}")


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


def write_gradients(arguments):
    """Write the gradients of one method."""
    options = method_options(arguments)
    if Path(arguments.output).resolve() in (Path(arguments.network).resolve(), Path(arguments.inputs).resolve()):
        raise CommandError(f"argument --output: must not be a file that is read, got {arguments.output!r}")
    network = Network.load(arguments.network)
    inputs, targets = read_sequence(arguments.inputs)
    try:
        gradients = METHODS[arguments.method](
            network, inputs, targets, LOSSES[arguments.loss], terms=arguments.terms, **options
        )
    except (ValueError, TypeError) as error:
        raise CommandError(f"{arguments.inputs} does not fit {arguments.network}: {error}") from None
    arrays = gradient_arrays(gradients, network.layer_names)
    _write(lambda path: storage.write_arrays(path, arrays), arguments.output)
    time_steps, batch_size = inputs.shape[:2]
    print(f"wrote {arguments.output}: {arguments.method} gradients, {time_steps} time steps of {batch_size} samples\n")
    print(table(gradients))


def method_options(arguments):
    """The options that were given, as keyword arguments of the method; an error for one that it does not have."""
    given = {option: getattr(arguments, option) for option in METHOD_OPTIONS if getattr(arguments, option) is not None}
    for option in given:
        methods = _methods_with(option)
        if arguments.method not in methods:
            raise CommandError(
                f"argument {_flag(option)}: method {arguments.method} has no such option, only {', '.join(methods)}"
            )
    return {option: choice.replace("-", "_") for option, choice in given.items()}


def read_sequence(path):
    """The inputs and targets of an .npz file."""
    arrays = storage.read_arrays(path)
    missing = [name for name in ("inputs", "targets") if name not in arrays]
    if missing:
        raise CommandError(f"{path} must hold the arrays inputs and targets, got {sorted(arrays)}")
    return arrays["inputs"], arrays["targets"]


def gradient_arrays(gradients, layer_names):
    """What the output file holds, by name."""
    arrays = {**gradients, "loss": np.asarray(gradients.loss), "outputs": gradients.outputs}
    if gradients.terms is not None:
        arrays.update({f"terms.{name}": terms for name, terms in gradients.terms.items()})
    if gradients.errors is not None:
        arrays.update({f"errors.{layer}": errors for layer, errors in zip(layer_names, gradients.errors)})
    return arrays


def table(gradients):
    """The loss, and shape and norm of each gradient, as aligned lines."""
    rows = [("parameter", "shape", "norm")]
    rows += [
        (name, " x ".join(map(str, value.shape)), f"{np.linalg.norm(value):.6g}") for name, value in gradients.items()
    ]
    rows += [("loss", "", f"{gradients.loss:.6g}")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{name:<{widths[0]}}  {shape:>{widths[1]}}  {norm:>{widths[2]}}" for name, shape, norm in rows)


def _methods_with(option):
    return [name for name, method in METHODS.items() if option in inspect.signature(method).parameters]


def _flag(option):
    return f"--{_dashed(option)}"


def _dashed(name):
    return name.replace("_", "-")


def _write(write, path):
    try:
        write(path)
    except OSError as error:  # it names the temporary file
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    except ValueError as error:  # of a path without a name, such as "." and ""
        raise CommandError(f"argument --output: cannot write {path!r}: {error}") from None
