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

Integrator, a readout without threshold: u[t] = λ u[t-1] + I[t], J = λ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..annotations import Number
from ..kernel import kernel, rows
from ..validation import (
    FLOAT_DTYPES,
    require_choice,
    require_held,
    require_number,
    require_positive,
    require_result,
    require_unit_interval,
)
from .neuron import Neuron, filled
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


def decay_from(decay: Number | None, tau: Number | None) -> Number:
    """λ from `decay` or from the time constant `tau` (in time steps): λ = 1 - 1/τ. Neither given: λ = 0.5.

    >>> from ottt_ref.network.neurons import decay_from
    >>> decay_from(None, 4.0)
    0.75
    """
    if decay is not None and tau is not None:
        raise ValueError(f"decay and tau must not be given together, got decay={decay!r} and tau={tau!r}")
    if tau is not None:
        return 1 - 1 / require_number("tau", tau, "of at least 1", lambda number: number >= 1)
    return 0.5 if decay is None else require_unit_interval("decay", decay)


def _set(neuron, name, number):
    """Keep a number as the checks give it back, as one of Python's own."""
    object.__setattr__(neuron, name, number)
    return number


@dataclass(frozen=True)
class LIF(Neuron):
    """Leaky integrate-and-fire neurons.

    u[t] = λ (u[t-1] - V_th s[t-1]) + I[t],   s[t] = H(u[t] - V_th)     with the soft reset

    `python -m pydoc ottt_ref.network.neurons` has the equations of the other resets.

    decay            λ in [0, 1]; 1 is the IF neuron (`dense_network` takes τ instead as well)
    threshold        V_th > 0
    reset            "soft" (subtract V_th, then leak), "hard" (to reset_potential), "unleaked" (leak, then subtract)
    surrogate        the derivative used for H
    reset_potential  v_reset, below the threshold; used by the hard reset alone

    Raises ValueError or TypeError that names the field, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0]])), ot.LIF(decay=0.5, threshold=1.0))])
    >>> activity = ot.simulate(network, np.full((4, 1, 1), 0.75))
    >>> activity.potentials[0].ravel()
    array([0.75   , 1.125  , 0.8125 , 1.15625])
    >>> activity.spikes[0].ravel()
    array([0., 1., 0., 1.])
    """

    decay: Number = 0.5
    threshold: Number = 1.0
    reset: Literal["soft", "hard", "unleaked"] = "soft"
    surrogate: Surrogate = field(default_factory=Sigmoid)
    reset_potential: Number = 0.0

    def __post_init__(self) -> None:
        _set(self, "decay", require_unit_interval("decay", self.decay))
        threshold = _set(self, "threshold", require_positive("threshold", self.threshold))
        require_choice("reset", self.reset, RESETS)
        require_surrogate(self.surrogate)
        below = require_number(
            "reset_potential", self.reset_potential, "below the threshold", lambda number: number < threshold
        )
        _set(self, "reset_potential", below)

    def require_held(self, name: str, dtype: np.dtype) -> None:
        """Check that a network's dtype can hold its numbers; ValueError, which begins with `name`, otherwise."""
        for field_name in ("decay", "threshold", "reset_potential"):
            require_held(f"{name}: {field_name}", getattr(self, field_name), dtype)
        _, threshold, reset_potential = self.constants(dtype)
        if not reset_potential < threshold:
            raise ValueError(
                f"{name}: reset_potential must be below the threshold in {dtype}, got {self.reset_potential!r} and "
                f"threshold {self.threshold!r}"
            )
        require_surrogate_held(name, self.surrogate, dtype)

    def constants(self, dtype: np.dtype) -> np.ndarray:
        """λ, V_th and v_reset in an array of the network's dtype, as the kernels take them."""
        return np.array([self.decay, self.threshold, self.reset_potential], dtype=dtype)

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance u and s in place by one time step of input `current`, all [B, ...].

        With `soft`, the surrogate's primitive stands in for H: the network of claim E7.
        """
        potential = require_alike(self, state, output=output, current=current)
        constants = self.constants(potential.dtype)
        integrate(rows(potential), rows(output), rows(current), constants, RESETS.index(self.reset))
        if soft:
            output[...] = self.surrogate.primitive(self._distance(potential, constants))
        else:
            fire(rows(output), rows(potential), constants)

    def surrogate_derivative(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """ψ[t] at u[t], [B, ...]."""
        potential = require_alike(self, state)
        return self.surrogate.derivative(self._distance(potential, self.constants(potential.dtype)))

    def jacobian(
        self, state: tuple[np.ndarray, ...], output: np.ndarray, surrogate_derivative: np.ndarray, kept: bool
    ) -> tuple[tuple[np.ndarray, ...], ...]:
        """J[t] = ∂u[t+1]/∂u[t], one row of one array [B, ...]."""
        potential = require_alike(self, state, output=output, surrogate_derivative=surrogate_derivative)
        result = np.empty_like(potential)
        arrays = (rows(array) for array in (result, potential, output, surrogate_derivative))
        membrane_jacobian(*arrays, self.constants(potential.dtype), RESETS.index(self.reset), kept)
        return ((result,),)

    def reset_jacobian(self, state: tuple[np.ndarray, ...], output: np.ndarray) -> tuple[np.ndarray | Number, ...]:
        """∂u[t+1]/∂s[t], one array [B, ...] or number."""
        if self.reset == "hard":
            decay: Any = self.decay  # a number of the kind that the arrays hold
            return (decay * (self.reset_potential - state[0]),)
        return (-self.decay * self.threshold if self.reset == "soft" else -self.threshold,)

    def post_reset_potential(self, potential: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """v[t], what leaks into the next step; raises ValueError for "unleaked", which has no such potential.

        >>> import ottt_ref as ot
        >>> ot.LIF(threshold=1.0).post_reset_potential(1.25, 1)
        0.25
        """
        if self.reset == "unleaked":
            raise ValueError("reset must be 'soft' or 'hard' for a post-reset potential, got 'unleaked'")
        if self.reset == "soft":
            return potential - self.threshold * spikes
        return potential - spikes * potential + spikes * self.reset_potential

    @staticmethod
    def _distance(potential, constants):
        distance = np.empty_like(potential)
        distance_to_threshold(rows(distance), rows(potential), constants)
        return distance


@dataclass(frozen=True)
class Integrator(Neuron):
    """A readout without threshold: u[t] = λ u[t-1] + I[t], output u[t]. λ = 0 is the stateless linear readout.

    decay  λ in [0, 1]

    >>> import numpy as np, ottt_ref as ot
    >>> hidden = ot.Layer(ot.Dense(np.array([[2.0]])), ot.LIF(decay=0.0))
    >>> network = ot.Network([hidden, ot.Layer(ot.Dense(np.array([[1.0]])), ot.Integrator(decay=0.5))])
    >>> ot.simulate(network, np.ones((3, 1, 1))).outputs.ravel()
    array([1.  , 1.5 , 1.75])
    """

    decay: Number = 0.0

    spiking = False

    def __post_init__(self) -> None:
        _set(self, "decay", require_unit_interval("decay", self.decay))

    def require_held(self, name: str, dtype: np.dtype) -> None:
        """Check that a network's dtype can hold its decay; ValueError, which begins with `name`, otherwise."""
        require_held(f"{name}: decay", self.decay, dtype)

    @property
    def stateless(self) -> bool:  # type: ignore[override]
        """Whether nothing is carried to the next time step."""
        return self.decay == 0

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance the readout in place by one time step of input `current`, all [B, ...]."""
        potential = require_alike(self, state, output=output, current=current)
        leaky_accumulate(rows(potential), rows(current), np.array([self.decay], dtype=potential.dtype))
        output[...] = potential

    def surrogate_derivative(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """1: the output is the potential itself."""
        return filled(require_alike(self, state), 1)


def require_alike(neuron: Neuron, state: tuple[np.ndarray, ...], **arrays: np.ndarray) -> np.ndarray:
    """The potential [B, ...] of `state`, checked together with arrays of its shape and dtype, by name.

    Kernels trust shapes, and write into rows of the state and the output, which must be contiguous.
    Raises TypeError or ValueError.
    """
    where = type(neuron).__name__
    if not isinstance(state, tuple | list) or len(state) != 1:
        raise TypeError(f"{where}: state must be a tuple of one array, the potential, got {state!r}")
    (potential,) = state
    plain = isinstance(potential, np.ndarray) and not isinstance(potential, np.ma.MaskedArray)
    if not plain or potential.ndim < 2 or potential.dtype not in (*FLOAT_DTYPES, np.dtype(object)):
        raise TypeError(f"{where}: the potential must be an array [B, ...] of numbers, got {potential!r}")
    for name, array in arrays.items():
        require_result(f"{where}: {name}", array, potential.shape, potential.dtype, "be")
    for name, array in {"the potential": potential, "output": arrays.get("output", potential)}.items():
        if not array.flags.c_contiguous:
            raise ValueError(f"{where}: {name} must be contiguous, in C's order, got strides {array.strides}")
    return potential


def neuron_from_description(description: Mapping[str, Any]) -> LIF | Integrator:
    """Rebuild neurons from their `description()`; raise ValueError if it describes none of ours."""
    fields = dict(description)
    kind = fields.pop("type", None)
    if kind == "Integrator" and set(fields) == {"decay"}:
        return Integrator(**fields)
    if kind == "LIF" and set(fields) == {"decay", "threshold", "reset", "reset_potential", "surrogate"}:
        return LIF(**{**fields, "surrogate": from_description(fields["surrogate"])})
    raise ValueError(f"neuron must be described as LIF or Integrator with all their fields, got {description!r}")
