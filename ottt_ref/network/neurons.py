"""Neuron dynamics: what one time step does to a membrane, and what a small change of it does to the next.

LIF, H(0) = 1, u[-1] = s[-1] = 0:
    soft reset   u[t] = λ (u[t-1] - V_th s[t-1]) + I[t]
    unleaked     u[t] = λ u[t-1] - V_th s[t-1] + I[t]
    hard reset   u[t] = λ ((1 - s[t-1]) u[t-1] + v_reset s[t-1]) + I[t]
    s[t] = H(u[t] - V_th)

J[t] = ∂u[t+1]/∂u[t], with the reset's gradient detached, and what keeping it adds:
    soft reset   λ              - λ V_th ψ[t]
    unleaked     λ              - V_th ψ[t]
    hard reset   λ (1 - s[t])   + λ (v_reset - u[t]) ψ[t]

CubaLIF, the same with i[t] in place of I[t], a current that leaks: i[t] = α i[t-1] + I[t].
Integrator, a readout without threshold: u[t] = λ u[t-1] + I[t], J = λ.

λ, V_th and v_reset are numbers, or arrays of the layer's neurons or channels (`per_neuron`), and λ and V_th may be
parameters: `own_numbers` has what follows for every neuron of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np

from ..annotations import Number
from ..kernel import kernel, rows
from ..validation import FLOAT_DTYPES, require_choice, require_flag, require_number, require_result
from . import each
from .neuron import Neuron, filled
from .own_numbers import OwnNumbers, require_decay, require_settings_held
from .per_neuron import Setting, require_setting, spread
from .surrogate import Sigmoid, Surrogate, from_description, require_surrogate, require_surrogate_held

RESETS = ("soft", "hard", "unleaked")
RESET_GRADIENTS = ("detached", "kept")
SOFT, HARD, UNLEAKED = range(3)


@kernel
def leaky_accumulate(state, value, decay):
    """state ← λ state + value: a trace, a leaky readout, a weighted sum over time."""
    for b in range(state.shape[0]):
        for i in range(state.shape[1]):
            state[b, i] = decay[0] * state[b, i] + value[b, i]


@kernel
def integrate(potential, spikes, current, constants, reset):
    """u[t-1] → u[t] in place, from the last step's spikes and this step's current."""
    decay, threshold, reset_potential = constants[0], constants[1], constants[2]
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            u = potential[b, i]
            s = spikes[b, i]
            if reset == SOFT:
                carried = decay * (u - threshold * s)
            elif reset == UNLEAKED:
                carried = decay * u - threshold * s
            else:
                carried = decay * (u - s * u + s * reset_potential)
            potential[b, i] = carried + current[b, i]


@kernel
def fire(spikes, potential, constants):
    """s = H(u - V_th), with H(0) = 1."""
    threshold = constants[1]
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            if potential[b, i] >= threshold:
                spikes[b, i] = 1
            else:
                spikes[b, i] = 0


@kernel
def distance_to_threshold(distance, potential, constants):
    """z = u - V_th."""
    threshold = constants[1]
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            distance[b, i] = potential[b, i] - threshold


@kernel
def membrane_jacobian(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    """J[t] = ∂u[t+1]/∂u[t]; `kept` says whether the gradient also crosses the reset."""
    decay, threshold, reset_potential = constants[0], constants[1], constants[2]
    for b in range(potential.shape[0]):
        for i in range(potential.shape[1]):
            if reset == HARD:
                jacobian[b, i] = decay - decay * spikes[b, i]
                if kept:
                    jacobian[b, i] += decay * (reset_potential - potential[b, i]) * surrogate_derivative[b, i]
            else:
                jacobian[b, i] = decay
                if kept and reset == SOFT:
                    jacobian[b, i] -= decay * threshold * surrogate_derivative[b, i]
                elif kept:
                    jacobian[b, i] -= threshold * surrogate_derivative[b, i]


def decay_from(decay: Setting | None, tau: Setting | None) -> Setting:
    """λ from `decay` or from the time constant `tau` (in time steps): λ = 1 - 1/τ. Neither given: λ = 0.5.

    Each is a number, or an array of one for each neuron.

    >>> from ottt_ref.network.neurons import decay_from
    >>> decay_from(None, 4.0)
    0.75
    """
    if decay is not None and tau is not None:
        raise ValueError(f"decay and tau must not be given together, got decay={decay!r} and tau={tau!r}")
    if tau is not None:
        return 1 - 1 / require_setting("tau", tau, _require_time_constant, lambda array: array >= 1, "of at least 1")
    return 0.5 if decay is None else require_decay(decay)


def _require_time_constant(name, value):
    return require_number(name, value, "of at least 1", lambda number: number >= 1)


class Membrane(OwnNumbers):
    """What `LIF` and `CubaLIF` have in common: a potential that leaks, fires and is reset.

    The first three of its settings are λ, V_th and v_reset.
    """

    reset: Literal["soft", "hard", "unleaked"]
    surrogate: Surrogate
    reset_potential: Setting

    def _take_membrane(self):
        """Check the fields of the membrane."""
        self._take_trainable()
        self._take_decay()
        self._take_threshold()
        require_choice("reset", self.reset, RESETS)
        require_surrogate(self.surrogate)
        self._take_reset_potential()

    def require_held(self, name: str, dtype: np.dtype) -> None:
        """Check that a network's dtype can hold its numbers; ValueError, which begins with `name`, otherwise."""
        require_settings_held(name, self, dtype)
        require_surrogate_held(name, self.surrogate, dtype)

    def surrogate_derivative(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """ψ[t] at u[t], [B, ...]."""
        potential = require_alike(self, state)
        constants = self.constants(potential.dtype, potential.shape[1:])
        return self.surrogate.derivative(self._distance(potential, constants))

    def _spike(self, potential, output, current, soft):
        constants = self.constants(potential.dtype, potential.shape[1:])
        step = integrate if constants.ndim == 1 else each.integrate_each
        step(rows(potential), rows(output), rows(current), constants, RESETS.index(self.reset))
        if soft:
            output[...] = self.surrogate.primitive(self._distance(potential, constants))
        else:
            (fire if constants.ndim == 1 else each.fire_each)(rows(output), rows(potential), constants)

    def _membrane_jacobian(self, potential, output, surrogate_derivative, kept):
        result = np.empty_like(potential)
        constants = self.constants(potential.dtype, potential.shape[1:])
        arrays = (rows(array) for array in (result, potential, output, surrogate_derivative))
        of_membrane = membrane_jacobian if constants.ndim == 1 else each.membrane_jacobian_each
        of_membrane(*arrays, constants, RESETS.index(self.reset), require_flag("kept", kept))
        return result

    def _derivative(self, name, potential, output):
        """∂u[t]/∂θ of λ or V_th from u[t-1] and s[t-1]."""
        result = np.empty_like(potential)
        constants = self._constants_of_each(result.dtype, result.shape[1:])
        if name == "decay":
            arrays = (rows(array) for array in (result, potential, output))
            each.decay_derivative(*arrays, constants, RESETS.index(self.reset))
        else:
            each.threshold_derivative(rows(result), rows(output), constants, RESETS.index(self.reset))
        return result

    def _reset_derivative(self, potential):
        """∂u[t+1]/∂s[t], an array [B, ...], or a number."""
        numbers: Any = [getattr(self, name) for name in self.setting_names[:3]]
        if any(isinstance(number, np.ndarray) for number in numbers):
            result, shape = np.empty_like(potential), potential.shape[1:]
            constants = self._constants_of_each(result.dtype, shape)
            each.reset_jacobian_each(rows(result), rows(potential), constants, RESETS.index(self.reset))
            return result
        decay, threshold, reset_potential = numbers  # of the kind that the arrays hold
        if self.reset == "hard":
            return decay * (reset_potential - potential)
        return -decay * threshold if self.reset == "soft" else -threshold

    def post_reset_potential(self, potential: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """v[t], what leaks into the next step; raises ValueError for "unleaked", which has no such potential.

        >>> import ottt_ref as ot
        >>> ot.LIF(threshold=1.0).post_reset_potential(1.25, 1)
        0.25
        """
        if self.reset == "unleaked":
            raise ValueError("reset must be 'soft' or 'hard' for a post-reset potential, got 'unleaked'")
        shape = np.shape(potential)[1:]
        if self.reset == "soft":
            return potential - spread(self.threshold, shape) * spikes
        return potential - spikes * potential + spikes * spread(self.reset_potential, shape)

    @staticmethod
    def _distance(potential, constants):
        distance = np.empty_like(potential)
        measure = distance_to_threshold if constants.ndim == 1 else each.distance_to_threshold_each
        measure(rows(distance), rows(potential), constants)
        return distance


@dataclass(frozen=True, eq=False, repr=False)
class LIF(Membrane):
    """Leaky integrate-and-fire neurons.

    u[t] = λ (u[t-1] - V_th s[t-1]) + I[t],   s[t] = H(u[t] - V_th)     with the soft reset

    `python -m pydoc ottt_ref.network.neurons` has the equations of the other resets.

    decay            λ in [0, 1]; 1 is the IF neuron (`dense_network` takes τ instead as well)
    threshold        V_th > 0
    reset            "soft" (subtract V_th, then leak), "hard" (to reset_potential), "unleaked" (leak, then subtract)
    surrogate        the derivative used for H
    reset_potential  v_reset, below the threshold; used by the hard reset alone
    trainable        which of "decay" and "threshold" are parameters, layerN.decay and layerN.threshold

    decay, threshold and reset_potential are numbers, or arrays: [n] or [C, H, W] for each neuron of the layer, [C] for
    each channel of images. A parameter is an array of one of these shapes, or [1], one number for the whole layer,
    which a number becomes. After an update a decay is brought back into [0, 1], a threshold to at least
    `SMALLEST_THRESHOLD`, 2^-10, and to at least that much above the reset potential.

    Raises ValueError or TypeError that names the field, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), ot.LIF(decay=0.5, threshold=1.0))])
    >>> activity = ot.simulate(network, np.full((4, 1, 1), 0.75))
    >>> activity.potentials[0].ravel()
    array([0.75   , 1.125  , 0.8125 , 1.15625])
    >>> activity.spikes[0].ravel()
    array([0., 1., 0., 1.])
    >>> each = ot.LIF(decay=np.array([0.5, 0.9]), threshold=0.75, trainable=("decay", "threshold"))
    >>> network = ot.Network([ot.Layer(ot.Dense(np.ones((2, 1))), each)])
    >>> {name: value.tolist() for name, value in network.parameters.items() if "weight" not in name}
    {'layer0.bias': [0.0, 0.0], 'layer0.decay': [0.5, 0.9], 'layer0.threshold': [0.75]}
    """

    decay: Setting = 0.5
    threshold: Setting = 1.0
    reset: Literal["soft", "hard", "unleaked"] = "soft"
    surrogate: Surrogate = field(default_factory=Sigmoid)
    reset_potential: Setting = 0.0
    trainable: tuple[str, ...] = ()

    setting_names = ("decay", "threshold", "reset_potential")
    learnable = ("decay", "threshold")

    def __post_init__(self) -> None:
        self._take_membrane()

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance u and s in place by one time step of input `current`, all [B, ...].

        With `soft`, the surrogate's primitive stands in for H: the network of claim E7.
        """
        potential = require_alike(self, state, output=output, current=current)
        self._spike(potential, output, current, soft)

    def jacobian(
        self, state: tuple[np.ndarray, ...], output: np.ndarray, surrogate_derivative: np.ndarray, kept: bool
    ) -> tuple[tuple[np.ndarray, ...], ...]:
        """J[t] = ∂u[t+1]/∂u[t], one row of one array [B, ...]."""
        potential = require_alike(self, state, output=output, surrogate_derivative=surrogate_derivative)
        return ((self._membrane_jacobian(potential, output, surrogate_derivative, kept),),)

    def reset_jacobian(self, state: tuple[np.ndarray, ...], output: np.ndarray) -> tuple[np.ndarray | Number, ...]:
        """∂u[t+1]/∂s[t], one array [B, ...] or number."""
        return (self._reset_derivative(require_alike(self, state)),)

    def parameter_derivatives(
        self,
        name: str,
        previous_state: tuple[np.ndarray, ...],
        previous_output: np.ndarray,
        state: tuple[np.ndarray, ...],
    ) -> tuple[tuple[np.ndarray | Number, ...], np.ndarray | Number]:
        """∂u[t]/∂θ and ∂z[t]/∂θ of λ, with z = u - V_th, or of V_th: `network.each` has the equations."""
        require_choice("name", name, self.learnable)
        potential = require_alike(self, previous_state, output=previous_output)
        return (self._derivative(name, potential, previous_output),), -1 if name == "threshold" else 0


@dataclass(frozen=True, eq=False, repr=False)
class CubaLIF(Membrane):
    """Leaky integrate-and-fire neurons with a synaptic current that leaks too: two leaks.

    i[t] = α i[t-1] + I[t]
    u[t] = λ (u[t-1] - V_th s[t-1]) + i[t],   s[t] = H(u[t] - V_th)     with the soft reset

    The resets are those of `LIF`, of the potential alone: the current goes on through a spike. It is NIR's CubaLIF and
    snnTorch's Synaptic, the latter with reset="unleaked".

    decay            λ in [0, 1], the membrane's leak
    current_decay    α in [0, 1], the current's; 0 makes it a LIF neuron
    trainable        which of "decay", "current_decay" and "threshold" are parameters

    All else is as of `LIF`: the numbers may be arrays.

    Raises ValueError or TypeError that names the field, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> neuron = ot.CubaLIF(decay=0.5, current_decay=0.5, threshold=1.0)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), neuron)])
    >>> activity = ot.simulate(network, np.array([0.75, 0.0, 0.0, 0.0]).reshape(4, 1, 1))
    >>> potential, current = activity.layer_states[0]
    >>> current.ravel(), potential.ravel()
    (array([0.75   , 0.375  , 0.1875 , 0.09375]), array([0.75  , 0.75  , 0.5625, 0.375 ]))
    """

    decay: Setting = 0.5
    current_decay: Setting = 0.5
    threshold: Setting = 1.0
    reset: Literal["soft", "hard", "unleaked"] = "soft"
    surrogate: Surrogate = field(default_factory=Sigmoid)
    reset_potential: Setting = 0.0
    trainable: tuple[str, ...] = ()

    states = ("potential", "current")
    input_vector = (1, 1)  # the current enters i, and by i the potential of the same time step
    setting_names = ("decay", "threshold", "reset_potential", "current_decay")
    learnable = ("decay", "current_decay", "threshold")

    def __post_init__(self) -> None:
        self._take_membrane()
        self._take_decay("current_decay")

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance u, i and s in place by one time step of input `current`, all [B, ...].

        With `soft`, the surrogate's primitive stands in for H: the network of claim E7.
        """
        potential = require_alike(self, state, output=output, current=current)
        constants = self.constants(potential.dtype, potential.shape[1:])
        accumulate = leaky_accumulate if constants.ndim == 1 else each.leaky_accumulate_each
        accumulate(rows(state[1]), rows(current), constants[3:] if constants.ndim == 1 else constants[3])
        self._spike(potential, output, state[1], soft)

    def jacobian(
        self, state: tuple[np.ndarray, ...], output: np.ndarray, surrogate_derivative: np.ndarray, kept: bool
    ) -> tuple[tuple[np.ndarray, ...], ...]:
        """∂(u, i)[t+1]/∂(u, i)[t], two rows of two arrays [B, ...]: ∂u/∂u and α, 0 and α."""
        potential = require_alike(self, state, output=output, surrogate_derivative=surrogate_derivative)
        through_current = filled(potential, spread(self.current_decay, potential.shape[1:]))
        of_membrane = self._membrane_jacobian(potential, output, surrogate_derivative, kept)
        return (of_membrane, through_current), (np.zeros_like(potential), through_current.copy())

    def reset_jacobian(self, state: tuple[np.ndarray, ...], output: np.ndarray) -> tuple[np.ndarray | Number, ...]:
        """∂u[t+1]/∂s[t], an array [B, ...] or number, and 0: no spike resets the current."""
        return self._reset_derivative(require_alike(self, state)), 0

    @property
    def leak(self) -> tuple[tuple[Setting, ...], ...]:
        """A: λ and α in the row of the potential, 0 and α in that of the current."""
        return (self.decay, self.current_decay), (0, self.current_decay)

    def parameter_derivatives(
        self,
        name: str,
        previous_state: tuple[np.ndarray, ...],
        previous_output: np.ndarray,
        state: tuple[np.ndarray, ...],
    ) -> tuple[tuple[np.ndarray | Number, ...], np.ndarray | Number]:
        """∂u[t]/∂θ and ∂i[t]/∂θ, and ∂z[t]/∂θ: of α they are i[t-1], i[t-1] and 0; of λ and V_th as of `LIF`."""
        require_choice("name", name, self.learnable)
        potential = require_alike(self, previous_state, output=previous_output)
        if name == "current_decay":
            return (previous_state[1].copy(), previous_state[1].copy()), 0
        return (self._derivative(name, potential, previous_output), 0), -1 if name == "threshold" else 0


@dataclass(frozen=True, eq=False, repr=False)
class Integrator(OwnNumbers):
    """A readout without threshold: u[t] = λ u[t-1] + I[t], output u[t]. λ = 0 is the stateless linear readout.

    decay      λ in [0, 1]: a number, or an array [n] of one for each output
    trainable  ("decay",) makes λ a parameter, readout.decay, an array [1] or [n]; brought back into [0, 1]

    >>> import numpy as np, ottt_ref as ot
    >>> hidden = ot.Layer(ot.Dense(np.array([[2.0]])), ot.LIF(decay=0.0))
    >>> network = ot.Network([hidden, ot.Layer(ot.Dense(np.array([[1.0]])), ot.Integrator(decay=0.5))])
    >>> ot.simulate(network, np.ones((3, 1, 1))).outputs.ravel()
    array([1.  , 1.5 , 1.75])
    """

    decay: Setting = 0.0
    trainable: tuple[str, ...] = ()

    spiking = False
    setting_names = ("decay",)
    learnable = ("decay",)

    def __post_init__(self) -> None:
        self._take_trainable()
        self._take_decay()

    def require_held(self, name: str, dtype: np.dtype) -> None:
        """Check that a network's dtype can hold its decay; ValueError, which begins with `name`, otherwise."""
        require_settings_held(name, self, dtype)

    @property
    def stateless(self) -> bool:  # type: ignore[override]
        """Whether nothing is carried to the next time step: a decay of 0 that is not learned."""
        decay = self.decay
        return not self.trainable and (not np.any(decay) if isinstance(decay, np.ndarray) else decay == 0)

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance the readout in place by one time step of input `current`, all [B, ...]."""
        potential = require_alike(self, state, output=output, current=current)
        constants = self.constants(potential.dtype, potential.shape[1:])
        accumulate = leaky_accumulate if constants.ndim == 1 else each.leaky_accumulate_each
        accumulate(rows(potential), rows(current), constants if constants.ndim == 1 else constants[0])
        output[...] = potential

    def surrogate_derivative(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """1: the output is the potential itself."""
        return filled(require_alike(self, state), 1)

    def parameter_derivatives(
        self,
        name: str,
        previous_state: tuple[np.ndarray, ...],
        previous_output: np.ndarray,
        state: tuple[np.ndarray, ...],
    ) -> tuple[tuple[np.ndarray | Number, ...], np.ndarray | Number]:
        """∂u[t]/∂λ = u[t-1], and 0: the output is u[t], whatever λ is."""
        require_choice("name", name, self.learnable)
        return (require_alike(self, previous_state).copy(),), 0


def require_alike(neuron: Neuron, state: tuple[np.ndarray, ...], **arrays: np.ndarray) -> np.ndarray:
    """The potential [B, ...] of `state`, checked together with its other states and arrays like it, by name.

    Kernels trust shapes, and write into rows of the state and the output, which must be contiguous.
    Raises TypeError or ValueError.
    """
    where = type(neuron).__name__
    if not isinstance(state, tuple | list) or len(state) != len(neuron.states):
        expected = "one array, the potential" if len(neuron.states) == 1 else f"arrays, the {', '.join(neuron.states)}"
        raise TypeError(f"{where}: state must be a tuple of {expected}, got {state!r}")
    potential, *others = state
    plain = isinstance(potential, np.ndarray) and not isinstance(potential, np.ma.MaskedArray)
    if not plain or potential.ndim < 2 or potential.dtype not in (*FLOAT_DTYPES, np.dtype(object)):
        raise TypeError(f"{where}: the potential must be an array [B, ...] of numbers, got {potential!r}")
    for name, array in arrays.items():
        require_result(f"{where}: {name}", array, potential.shape, potential.dtype, "be")
    for name, array in zip(neuron.states[1:], others):
        require_result(f"{where}: the {name}", array, potential.shape, potential.dtype, "be")
    own = dict(zip((f"the {name}" for name in neuron.states), state))
    for name, array in {**own, "output": arrays.get("output", potential)}.items():
        if not array.flags.c_contiguous:
            raise ValueError(f"{where}: {name} must be contiguous, in C's order, got strides {array.strides}")
    return potential


def neuron_from_description(description: Mapping[str, Any]) -> LIF | CubaLIF | Integrator:
    """Rebuild neurons from their `description()`; raise ValueError if it describes none of ours.

    A number may be an array, or nested lists of numbers.
    """
    given = dict(description)
    kind = KINDS.get(given.pop("type", None))
    learned = given.pop("trainable", [])
    if kind is None or set(given) != {each.name for each in fields(kind)} - {"trainable"}:
        raise ValueError(f"neuron must be described as {', '.join(KINDS)} with all their fields, got {description!r}")
    for name in kind.setting_names:
        if isinstance(given[name], list):
            given[name] = np.array(given[name], dtype=np.float64)
    if "surrogate" in given:
        given["surrogate"] = from_description(given["surrogate"])
    return kind(**given, trainable=tuple(learned) if isinstance(learned, list) else learned)


OURS = (LIF, CubaLIF, Integrator)
KINDS: dict[Any, type[LIF] | type[CubaLIF] | type[Integrator]] = {kind.__name__: kind for kind in OURS}
