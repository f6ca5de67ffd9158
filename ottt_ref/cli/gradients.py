"""`ottt-ref gradients`: the gradients of a network's parameters, by one of the methods, as a file."""

import numpy as np

from .. import console
from ..console import CommandError
from ..files import storage
from ..finite import NonFiniteError
from ..learning import losses
from ..methods import METHODS
from ..methods import gradients as driver_gradients
from ..methods.shared.task import require_task
from ..network.network import Network
from ..outside import OutsideError, look_here, rule_named, told
from ..simulation.state import State
from .options import add_choice, add_limit, flag
from .writing import check_output, write

LOSSES = {
    "mixed": losses.Mixed(),
    "cross-entropy": losses.CrossEntropy(),
    "mean-squared-error": losses.MeanSquaredError(),
}
METHOD_OPTIONS = {name: option for method in METHODS.values() for name, option in method.options.items()}
FILES = """\
--inputs is an .npz file that holds
  inputs   [T, B, n_in], of the network's dtype, or whole numbers or truth values: T time steps, B samples
           (images: [T, B, C, H, W])
  targets  [B] integer class labels, or [B, n_out] rows of the network's dtype; or of each time step, [T, B] or
           [T, B, n_out]
  weights  with --weights file: [T] or [T, B] numbers or truth values, what the loss of each time step and sample is
           multiplied by
as numpy.savez("x.npz", inputs=..., targets=...) writes it.

--initial-state is a file that --final-state wrote, or ottt_ref.State.save: what network and method carry to the next
time step. A long sequence in parts: give each part the final state of the one before, and --time-steps the whole T.

--output is an .npz file that holds, without pickles,
  layer0.weight, layer0.bias, ...    the gradient of each parameter
  loss, outputs                      the loss, and the network's outputs [T, B, n_out]
                                     (of spike-representation the outputs of the rates, [B, n_out])
with --input-gradients
  input_gradients                    the gradient at the inputs, [T, B, n_in]
and with --terms
  terms.layer0.weight, ...           what each time step adds to that gradient, [T, ...]
  errors.layer0, ...                 the error at the potentials of each time step, [T, B, n] (rtrl has none)
"""
OWN_RULES = """\
--method my_module:rule takes a rule of your own, from a module of the present folder or an installed one: a subclass of
ottt_ref.methods.Rule, or a function (network, batch_size) that gives one.

"""
EXAMPLES = (
    "--network net.npz --inputs x.npz --method ottt --output gradients.npz",
    "--network net.npz --inputs x.npz --method bptt --reset-gradient kept --terms",
    "--network net.npz --inputs x.npz --method spike-representation --rates closed-form --loss cross-entropy",
    "--network net.npz --inputs x.npz --method my_module:rule",
    "--network net.npz --inputs x.npz --method ottt --weights last --final-state state.npz",
)


def add(commands):
    """Add `gradients` to the commands of a parser."""
    parser = commands.add_parser(
        "gradients",
        help="write the gradients of a network's parameters",
        description="Write the gradients of a network's parameters, and print their norms.",
        examples=EXAMPLES,
        notes=OWN_RULES + FILES,
    )
    parser.set_defaults(command=write_gradients)
    option = parser.add_argument
    option("--network", required=True, metavar="FILE", help="a network, as `ottt-ref network` or Network.save write it")
    option("--inputs", required=True, metavar="FILE", help="the .npz file of inputs and targets (see below)")
    option(
        "--method",
        required=True,
        metavar="NAME",
        type=console.one_of(METHODS, "a rule of your own"),
        help=f"the method that computes them: {', '.join(METHODS)}; or a rule of your own, as my_module:rule",
    )
    option("--output", default="gradients.npz", metavar="FILE", help="the .npz file to write (%(default)s)")
    option("--loss", choices=LOSSES, default="mixed", help="the loss of the outputs: %(choices)s (%(default)s)")
    for name, each in METHOD_OPTIONS.items():
        add_choice(parser, name, each.choices, f"{each.meaning}; for {', '.join(_methods_with(name))}")
    of_steps = "weigh the losses: by the array weights of --inputs, or the last time step alone (all weigh 1)"
    option("--weights", choices=("file", "last"), help=of_steps)
    option("--time-steps", type=console.positive, metavar="T", help="the T of the loss's 1/T (that of the inputs)")
    option("--initial-state", metavar="FILE", help="the state to start from (rest)")
    option("--final-state", metavar="FILE", help="also write the state after the last time step")
    option("--input-gradients", action="store_true", help="also write the gradient at the inputs")
    option("--terms", action="store_true", help="also write what each time step adds")
    add_limit(parser)


def write_gradients(arguments):
    """Write the gradients of one method."""
    options = method_options(arguments)
    read = [arguments.network, arguments.inputs, *([arguments.initial_state] if arguments.initial_state else [])]
    check_output(arguments.output, *read)
    if arguments.final_state is not None:
        check_output(arguments.final_state, *read, arguments.output, argument="--final-state")
    network = Network.load(arguments.network, limit=arguments.limit)
    inputs, targets, weights = read_sequence(arguments.inputs, arguments.limit, arguments.weights)
    options |= asked(arguments, weights)
    compute = gradients_by(arguments.method, network)
    try:
        gradients = compute(network, inputs, targets, LOSSES[arguments.loss], terms=arguments.terms, **options)
    except OutsideError:
        raise
    except NonFiniteError as error:
        raise CommandError(f"{arguments.network} overflows on {arguments.inputs}: {error.finding}") from None
    except (ValueError, TypeError) as error:
        raise CommandError(f"{arguments.inputs} does not fit {arguments.network}: {error}") from None
    arrays = gradient_arrays(gradients, network.layer_names)
    if arguments.final_state is not None:
        if gradients.final_state is None:
            raise CommandError(f"argument --final-state: method {arguments.method} carries no state")
        write(gradients.final_state.save, arguments.final_state)
    stream = write(lambda path: storage.write_arrays(path, arrays), arguments.output)
    steps, batch = inputs.shape[:2]
    wrote = f"wrote {arguments.output}: {arguments.method} gradients, {steps} time steps of {batch} samples"
    print(f"{wrote}\n\n{table(gradients)}", file=stream)


def gradients_by(name, network):
    """What computes the gradients: a method's function, or the driver with a rule of the user's own."""
    if name in METHODS:
        return METHODS[name].gradients
    look_here()
    rule = rule_named("argument --method:", name, network)

    def gradients(network, inputs, targets, loss, **options):
        said = {each: options[each] for each in ("weights", "time_steps") if each in options}
        require_task(network, inputs, targets, loss, **said)  # what follows is the rule's own doing
        with told(f"argument --method: {name!r}"):
            return driver_gradients(rule, network, inputs, targets, loss, **options)

    return gradients


def method_options(arguments):
    """The options that were given, as keyword arguments of the method; an error for one that it does not have."""
    given = {option: getattr(arguments, option) for option in METHOD_OPTIONS if getattr(arguments, option) is not None}
    for option in given:
        methods = _methods_with(option)
        if arguments.method not in methods:
            raise CommandError(
                f"argument {flag(option)}: method {arguments.method} has no such option, only {', '.join(methods)}"
            )
    return {option: choice.replace("-", "_") for option, choice in given.items()}


def asked(arguments, weights):
    """What is asked of single time steps, as keyword arguments of the method, as far as something is."""
    state = None if arguments.initial_state is None else State.load(arguments.initial_state, limit=arguments.limit)
    given = {"weights": weights, "time_steps": arguments.time_steps, "initial_state": state}
    given["input_gradients"] = arguments.input_gradients or None
    return {name: value for name, value in given.items() if value is not None}


def read_sequence(path, limit=storage.LARGEST_ARRAYS, weights=None):
    """The inputs, targets and weights of an .npz file, whose arrays take at most `limit` bytes.

    weights  "file" for those of the file; another word, or None, is given back
    """
    arrays = storage.read_arrays(path, limit)
    wanted = ["inputs", "targets", *(["weights"] if weights == "file" else [])]
    if any(name not in arrays for name in wanted):
        raise CommandError(f"{path} must hold the arrays {' and '.join(wanted)}, got {sorted(arrays)}")
    return arrays["inputs"], arrays["targets"], arrays["weights"] if weights == "file" else weights


def gradient_arrays(gradients, layer_names):
    """What the output file holds, by name."""
    arrays = {**gradients, "loss": np.asarray(gradients.loss), "outputs": gradients.outputs}
    if gradients.input_gradients is not None:
        arrays["input_gradients"] = gradients.input_gradients
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
    return [name for name, method in METHODS.items() if option in method.options]
