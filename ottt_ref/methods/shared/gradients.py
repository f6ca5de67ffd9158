"""What every method shares: the sum that it makes, the result that it returns, and checks of an Activity."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from ...exactness import is_rounded
from ...finite import allowed, is_finite, refuse_non_finite
from ...network.layers import INPUTS, Connection
from ...network.network import Network, require_network
from ...simulation.equilibrium import Convergence
from ...simulation.simulator import Activity
from ...simulation.state import State
from ...validation import describe_shape, require_flag, require_result


class Gradients(Mapping[str, np.ndarray]):
    """The gradient of each parameter, keyed and ordered like `network.parameters`, and where it came from.

    loss      the loss whose gradient it is (or, for OTTT and SLTT, stands for), mean over the batch
    outputs   the network's outputs: [T, B, n_out]; of spike representation the outputs of the rates, [B, n_out]
    terms     on request, by parameter, [T, ...]: the part that each time step adds, whose sum is the gradient
    errors    on request, by layer, [T, B, ...]: the error at the potentials that each time step uses
              (BPTT δ[t]; OTTT and SLTT g[t], with delays Σ_k g_k[t+k]; spike representation one row; RTRL has none)
    convergence   of spike representation with recurrent or feedback connections: an equilibrium.Convergence
    final_state   what network and rule carry to the next time step, a State; spike representation has none
    regularisation   the regulariser's part of `loss`; 0 without one
    input_gradients  on request, ∂L/∂inputs [T, B, ...]: of BPTT the gradient; of OTTT and SLTT the part W^T g[t] of the
                     time step itself; of spike representation through the inputs' weighted rate

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2)), np.array([1])
    >>> gradients = ot.ottt.gradients(network, inputs, labels, terms=True)
    >>> list(gradients) == list(network.parameters), gradients.outputs.shape
    (True, (4, 1, 2))
    >>> name = "layer0.weight"
    >>> gradients.terms[name].shape, np.allclose(gradients.terms[name].sum(axis=0), gradients[name])
    ((4, 3, 2), True)
    """

    def __init__(
        self,
        values: Mapping[str, np.ndarray],
        loss: float | np.floating | Fraction,
        outputs: np.ndarray,
        terms: Mapping[str, np.ndarray] | None = None,
        errors: Sequence[np.ndarray] | None = None,
        convergence: Convergence | None = None,
        final_state: State | None = None,
        regularisation: float | np.floating | Fraction = 0,
        input_gradients: np.ndarray | None = None,
    ) -> None:
        self._values = values
        self.loss = loss
        self.outputs = outputs
        self.terms = terms
        self.errors = errors
        self.convergence = convergence
        self.final_state = final_state
        self.regularisation = regularisation
        self.input_gradients = input_gradients

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name!r}: {value.shape}" for name, value in self.items())
        return f"Gradients(loss={self.loss}, {{{shapes}}})"


class GradientSum:
    """The sum over time of (error at the potentials) times (what it is paired with), for every parameter.

    With `time_steps` it also records each time step's own term and, with `errors`, error; without, it holds one array
    per parameter. With `input_steps` it records the gradient at the inputs of so many time steps, `inputs` [T, B, ...].

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2))
    >>> sums = ot.ottt.accumulate(network, ot.simulate(network, inputs), np.ones((4, 1, 2)))
    >>> sums.values["readout.bias"].tolist(), sums.terms
    ([4.0, 4.0], None)
    """

    def __init__(
        self,
        network: Network,
        batch_size: int,
        time_steps: int | None = None,
        errors: bool = True,
        input_steps: int | None = None,
    ) -> None:
        self._from_inputs = [c for c in network.connections if c.source == INPUTS]
        self.steps_recorded = 0
        self.inputs: np.ndarray | None = None
        if input_steps is not None:
            shape = (input_steps, batch_size, *network.input_shape)
            self.inputs = np.full(shape, network.number(0), dtype=network.dtype)
        self.values: dict[str, np.ndarray] = network.zero_gradients()
        self._exact = network.exact_numbers
        self.terms: dict[str, np.ndarray] | None = None
        self.errors: tuple[np.ndarray, ...] | None = None
        if time_steps is not None:
            self.terms = {
                name: np.zeros((time_steps, *value.shape), dtype=network.dtype) for name, value in self.values.items()
            }
        if time_steps is not None and errors:
            self.errors = tuple(
                np.zeros((time_steps, batch_size, *shape), dtype=network.dtype) for shape in network.shapes
            )

    def at(self, t: int) -> Iterator[dict[str, np.ndarray]]:
        """What time step t's part is added to, one after the other: the sum, and the step's own terms if kept."""
        each = [self.values]
        if self.terms is not None:
            each.append({name: term[t] for name, term in self.terms.items()})
        for gradients in each:
            before = dict(gradients)
            yield gradients
            if list(gradients) != list(before) or any(gradients[name] is not array for name, array in before.items()):
                changed = [name for name in {**before, **gradients} if gradients.get(name) is not before.get(name)]
                raise ValueError(f"gradients must be added to in place, with +=, got other arrays for {changed}")

    def add(
        self,
        t: int,
        connection: Connection,
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
        delivered: np.ndarray | None = None,
    ) -> None:
        """Pair the error [B, ...] at the connection's target at time step t with what enters it, [B, ...] and [1].

        delivered  what parameters before an operation that is not linear need, [B, ...]
        """
        for gradients in self.at(t):
            connection.add_gradients(gradients, error, presynaptic, bias_input, delivered)

    def record(self, t: int, errors: Sequence[np.ndarray], activity: Activity | None = None) -> None:
        """Keep the errors at the potentials of time step t, by layer, if terms are kept.

        And if they are asked for those at the inputs: Σ W^T error[t], over the connections from the inputs.

        activity  of the time step: where a connection from the inputs is not linear, its Jacobian is taken there
        """
        if self.errors is not None:
            for record, error in zip(self.errors, errors):
                record[t] = error
        if self.inputs is not None:
            self.steps_recorded += 1
            for connection in self._from_inputs:
                if t >= connection.delay:
                    given = None if activity is None else activity.delivered(connection)
                    self.inputs[t - connection.delay] += connection.adjoint(errors[connection.target], given)

    def record_late(
        self,
        t: int,
        errors: Sequence[Mapping[int, np.ndarray]],
        delivered: Mapping[str, Sequence[np.ndarray]] | None = None,
    ) -> None:
        """The same of errors of time step t, by layer and lag, that belong to `lag` time steps before: they add up.

        delivered  of connections that are not linear, by name and lag, what they were given (`TimeStep`)
        """
        if self.errors is not None:
            for record, late in zip(self.errors, errors):
                for lag, error in late.items():
                    if t >= lag:
                        record[t - lag] += error
        if self.inputs is not None:
            self.steps_recorded += 1
            for connection in self._from_inputs:
                for lag, error in errors[connection.target].items():
                    if t >= lag + connection.delay:
                        given = None if connection.front is None else (delivered or {})[connection.name][lag]
                        self.inputs[t - lag - connection.delay] += connection.adjoint(error, given)

    def result(
        self,
        loss: float | np.floating | Fraction,
        outputs: np.ndarray,
        convergence: Convergence | None = None,
        final_state: State | None = None,
        regularisation: float | np.floating | Fraction = 0,
    ) -> Gradients:
        """The finished sum as Gradients; TypeError where a float got among exact numbers, from outside code."""
        every = {**self.values, "loss": np.array([loss])}
        every |= {} if self.inputs is None else {"inputs": self.inputs}
        for name, value in every.items() if self._exact else ():
            rounded = [number for number in value.flat if is_rounded(number)]
            if rounded:
                raise TypeError(
                    f"gradients[{name!r}] must be exact for a network of exact numbers, got the float {rounded[0]!r}: "
                    "a loss, rule, feedback, neuron, surrogate or operation of one's own gives floats"
                )
        given = (self.terms, self.errors, convergence, final_state, regularisation, self.inputs)
        return Gradients(self.values, loss, outputs, *given)


class WatchedSum(GradientSum):
    """A GradientSum that raises NonFiniteError for the first error or gradient that is NaN or infinite, unless allowed.

    first  which time step is its time step 0, for the message; None where it has no time
    """

    def __init__(
        self,
        network: Network,
        batch_size: int,
        time_steps: int | None = None,
        errors: bool = True,
        input_steps: int | None = None,
        first: int | None = 0,
    ) -> None:
        super().__init__(network, batch_size, time_steps, errors, input_steps)
        self._network, self._first = network, first

    def at(self, t: int) -> Iterator[dict[str, np.ndarray]]:
        yield from super().at(t)
        for name, value in self.values.items():
            self._require(value, t, "gradient of", name)

    def add(
        self,
        t: int,
        connection: Connection,
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
        delivered: np.ndarray | None = None,
    ) -> None:
        self._require(error, t, "error of", self._network.layer_names[connection.target])
        self._require(presynaptic, t, "what enters", connection.name)
        super().add(t, connection, error, presynaptic, bias_input, delivered)

    def record(self, t: int, errors: Sequence[np.ndarray], activity: Activity | None = None) -> None:
        for error, name in reversed(list(zip(errors, self._network.layer_names))):
            self._require(error, t, "error of", name)
        super().record(t, errors, activity)
        if self.inputs is not None:
            self._require(self.inputs[t], t, "gradient at the inputs")

    def record_late(
        self,
        t: int,
        errors: Sequence[Mapping[int, np.ndarray]],
        delivered: Mapping[str, Sequence[np.ndarray]] | None = None,
    ) -> None:
        for late, name in reversed(list(zip(errors, self._network.layer_names))):
            for lag, error in late.items():
                self._require(error, t, f"error with a lag of {lag} of", name)
        super().record_late(t, errors, delivered)
        if self.inputs is not None:
            self._require(self.inputs, t, "gradient at the inputs")

    def _require(self, array, t, *quantity):
        if not is_finite(array):
            refuse_non_finite(" ".join(quantity), array, None if self._first is None else self._first + t)


def finite_sum(compute: Callable[[Callable[..., GradientSum]], GradientSum], first: int | None = 0) -> GradientSum:
    """The GradientSum that `compute` returns, given the class to make it of.

    Where it is not finite it is computed once more, of the WatchedSum, which raises NonFiniteError where that began.
    """
    sums = compute(GradientSum)
    every = [*sums.values.values(), *([] if sums.inputs is None else [sums.inputs])]
    if not all(is_finite(value) for value in every) and not allowed():
        compute(partial(WatchedSum, first=first))
        for name, value in sums.values.items():  # where the second run differs from the first
            refuse_non_finite(f"gradient of {name}", value)
        if sums.inputs is not None:
            refuse_non_finite("gradient at the inputs", sums.inputs)
    return sums


def require_time_step(network: Network, batch_size: int, activity: Activity) -> None:
    """Check that an Activity of one time step is this network's, of that batch; TypeError or ValueError otherwise."""
    if not isinstance(activity, Activity):
        raise TypeError(f"activity must be an Activity of one time step, got {activity!r}")
    derivatives = activity.layer_surrogate_derivatives
    layers = (activity.layer_states, activity.layer_outputs, () if derivatives is None else derivatives)
    if {len(each) for each in layers} != {len(network.layers)}:
        raise ValueError(
            f"activity must be of {len(network.layers)} layers, with surrogate derivatives, got "
            f"{[len(each) for each in layers]}"
        )
    shapes = [(batch_size, *shape) for shape in network.shapes]
    require_result("activity.inputs", activity.inputs, (batch_size, *network.input_shape), network.dtype, "be")
    for l, (shape, states, output, derivative) in enumerate(zip(shapes, *layers)):
        for array in (*states, output, derivative):
            require_result(f"activity of layers[{l}]", array, shape, network.dtype, "be")
        if len(states) != len(network.layers[l].neuron.states):
            raise ValueError(f"activity.layer_states[{l}] must be {network.layers[l].neuron.states}, got {len(states)}")


def require_activity(network: Network, activity: Activity, output_errors: np.ndarray, terms: bool) -> None:
    """Check what the algebra alone takes: shapes and dtypes of a whole sequence, with numbers of any value.

    Raises TypeError or ValueError that names the argument.
    """
    require_network(network)
    require_flag("terms", terms)
    if not isinstance(activity, Activity):
        raise TypeError(f"activity must be an Activity of a whole sequence, got {activity!r}")
    inputs = activity.inputs
    if inputs.ndim != 2 + len(network.input_shape) or 0 in inputs.shape[:2]:
        expected = describe_shape(("T", "B", *network.input_shape))
        raise ValueError(f"activity.inputs must be {expected} of a whole sequence, got {describe_shape(inputs.shape)}")
    steps, dtype = inputs.shape[:2], network.dtype
    derivatives = activity.layer_surrogate_derivatives
    if derivatives is None:
        raise ValueError("activity must hold surrogate derivatives, got none")
    layers = (activity.layer_states, activity.layer_outputs, derivatives)
    if {len(each) for each in layers} != {len(network.layers)}:
        raise ValueError(f"activity must be of {len(network.layers)} layers, got {[len(each) for each in layers]}")
    require_result("activity.inputs", inputs, (*steps, *network.input_shape), dtype, "be")
    for l, (shape, states, output, derivative) in enumerate(zip(network.shapes, *layers)):
        if len(states) != len(network.layers[l].neuron.states):
            raise ValueError(
                f"activity.layer_states[{l}] must be those of {network.layers[l].neuron.states}, got {len(states)}"
            )
        for array in (*states, output, derivative):
            require_result(f"activity of layers[{l}]", array, (*steps, *shape), dtype, "be")
            network.require_own_numbers(f"activity of layers[{l}]", array)
    require_result("output_errors", output_errors, (*steps, network.output_size), dtype, "be")
    network.require_own_numbers("activity.inputs", inputs)
    network.require_own_numbers("output_errors", output_errors)
