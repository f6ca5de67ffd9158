"""What a neuron is: state arrays, what a time step does to them, and what a small change of them does to the next step.

    h[t] = F(h[t-1], s[t-1], I[t])        h: K state arrays, of which the first is the potential
    z[t] = G(h[t])                        how far the neuron is above its threshold
    s[t] = H(z[t]),  H(0) = 1             its output; of a neuron that does not spike the potential itself

Every method takes from a neuron the derivatives of these, and nothing else:

    A, ∂h[t+1]/∂h[t] at a given s[t]      `leak`, [K][K] numbers
    r[t] = ∂h[t+1]/∂s[t]                  `reset_jacobian`, K arrays
    ψ[t], in place of ∂s[t]/∂z[t]         `surrogate_derivative`
    ∂h[t]/∂I[t], ∂z[t]/∂h[t]              `input_vector` and `output_vector`, K numbers each
    ∂h[t]/∂θ, ∂z[t]/∂θ                    `parameter_derivatives`, of parameters of its own, if it has any

The Jacobian of one time step is A, with the reset's gradient kept A + r[t] ψ[t] (∂z/∂h)^T (`jacobian`, which a neuron
whose A depends on its state overrides). The trace of what enters the neuron is

    q[t] = A q[t-1] + (∂h/∂I) s[t],   â[t] = (∂z/∂h) · q[t]               of the LIF neuron â[t] = λ â[t-1] + s[t]

which is exact in the sense of theorem E1 where the Jacobian is A, and an approximation where it depends on spikes, as
for a hard reset.
"""

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np

from ..annotations import ConvertArray, ConvertNumber, Number, Shape
from ..validation import describe_shape
from .surrogate import Surrogate


class Neuron:
    """What every neuron offers. A subclass of one's own, a frozen dataclass for one, works in every method.

    states           the names of its state arrays; the first is the potential
    spiking          whether it has a threshold; a readout has none
    stateless        whether nothing is carried to the next time step
    parameter_names  its attributes that are parameters: arrays of the layer's shape [...], learned as layerN.NAME

    It must define `step` and `surrogate_derivative`, and what differs from a single potential that leaks by the
    attribute `decay`. SR needs the attribute `threshold` as well: its mapping is the clamp of I / V_th.

    >>> import numpy as np, ottt_ref as ot
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class PerfectIntegrator(ot.Neuron):
    ...     decay: float = 1.0
    ...     threshold: float = 1.0
    ...
    ...     def step(self, state, output, current, soft=False):
    ...         state[0][...] += current
    ...         output[...] = state[0] >= self.threshold
    ...
    ...     def surrogate_derivative(self, state):
    ...         return ot.surrogate.Triangle().derivative(state[0] - self.threshold)
    >>> network = ot.Network([ot.Layer(ot.Dense(np.array([[0.5]])), PerfectIntegrator())])
    >>> ot.simulate(network, np.ones((3, 1, 1))).spikes[0].ravel()
    array([0., 1., 1.])
    """

    states: tuple[str, ...] = ("potential",)
    spiking: bool = True
    stateless: bool = False
    parameter_names: tuple[str, ...] = ()
    decay: Number
    threshold: Number

    def step(self, state: tuple[np.ndarray, ...], output: np.ndarray, current: np.ndarray, soft: bool = False) -> None:
        """Advance by one time step, in place: `state`, a tuple of [B, ...], and `output` [B, ...], both of t - 1.

        current  I[t], [B, ...]
        soft     whether the surrogate's primitive stands in for H (claim E7)
        """
        raise TypeError(f"{type(self).__name__} must define step(state, output, current, soft)")

    def surrogate_derivative(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """ψ[t], [B, ...], from the state at t."""
        raise TypeError(f"{type(self).__name__} must define surrogate_derivative(state)")

    def jacobian(
        self, state: tuple[np.ndarray, ...], output: np.ndarray, surrogate_derivative: np.ndarray, kept: bool
    ) -> tuple[tuple[np.ndarray, ...], ...]:
        """J[t] = ∂h[t+1]/∂h[t] from what was at t: rows [m][k] of arrays [B, ...], ∂h_m[t+1]/∂h_k[t].

        kept  whether the gradient also crosses the reset, through s[t]
        """
        rows = [[filled(state[0], number) for number in row] for row in self.leak]
        if kept:
            resets: Iterable[Any] = self.reset_jacobian(state, output)  # arrays or numbers
            for row, reset in zip(rows, resets):
                for k, weight in enumerate(self.output_vector):
                    row[k] = row[k] + reset * surrogate_derivative * weight
        return tuple(tuple(row) for row in rows)

    def reset_jacobian(self, state: tuple[np.ndarray, ...], output: np.ndarray) -> tuple[np.ndarray | Number, ...]:
        """r[t] = ∂h[t+1]/∂s[t] from what was at t: K arrays [B, ...], or numbers; 0 for a neuron without a reset."""
        return tuple(0 for _ in self.states)

    @property
    def leak(self) -> tuple[tuple[Number, ...], ...]:
        """A, [K][K]: the constant part of the Jacobian, by which traces decay."""
        return ((self.decay,),)

    @property
    def input_vector(self) -> tuple[Number, ...]:
        """∂h[t]/∂I[t], K numbers: the current enters the potential."""
        return tuple(int(k == 0) for k in range(len(self.states)))

    @property
    def output_vector(self) -> tuple[Number, ...]:
        """∂z[t]/∂h[t], K numbers: the potential alone is compared with the threshold."""
        return tuple(int(k == 0) for k in range(len(self.states)))

    @property
    def one_potential(self) -> bool:
        """Whether the potential is the only state, and current and threshold meet it as they are."""
        return len(self.states) == 1 and self.input_vector == self.output_vector == (1,)

    @property
    def membrane(self) -> tuple[tuple[tuple[Number, ...], ...], tuple[Number, ...], tuple[Number, ...]]:
        """What decides how a trace of its input decays: neurons of equal membranes can share one."""
        return self.leak, self.input_vector, self.output_vector

    def parameter_derivatives(
        self,
        name: str,
        previous_state: tuple[np.ndarray, ...],
        previous_output: np.ndarray,
        state: tuple[np.ndarray, ...],
    ) -> tuple[tuple[np.ndarray | Number, ...], np.ndarray | Number]:
        """∂h[t]/∂θ, K arrays [B, ...], and ∂z[t]/∂θ [B, ...], of the parameter of that name.

        Of one time step alone: with h[t-1], s[t-1] and I[t] held as they are. A number stands for an array of it.
        """
        raise TypeError(f"{type(self).__name__} must define parameter_derivatives for its parameter {name!r}")

    def project(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Bring parameters of its own, arrays by name, back into their range after an update, in place."""

    def rebuilt(self, convert_array: ConvertArray, convert_number: ConvertNumber) -> Self:
        """A copy with each array turned by one function, and every other number by another."""
        neuron: Any = self  # of a subclass, a dataclass
        changed: dict[str, object] = {}
        for each in fields(neuron):
            value = getattr(self, each.name)
            if isinstance(value, Surrogate):
                changed[each.name] = value.with_numbers(convert_number)
            elif isinstance(value, np.ndarray):
                changed[each.name] = convert_array(value).copy()
            elif isinstance(value, numbers.Number) and not isinstance(value, bool):
                changed[each.name] = convert_number(value)
        return replace(neuron, **changed)

    def description(self) -> dict[str, object]:
        """The neuron as plain data, for files."""
        neuron: Any = self  # of a subclass, a dataclass
        values = {each.name: getattr(self, each.name) for each in fields(neuron)}
        surrogates = {name: value.description() for name, value in values.items() if isinstance(value, Surrogate)}
        numbers_first = {name: value for name, value in values.items() if name not in surrogates}
        return {"type": type(self).__name__, **numbers_first, **surrogates}


def filled(like: np.ndarray, value: Number) -> np.ndarray:
    """An array like another, every number of which is `value`."""
    result = np.empty_like(like)
    result[...] = value
    return result


def require_sound_neuron(name: str, neuron: Neuron, shape: Shape, dtype: np.dtype) -> None:
    """Try a neuron that is none of ours for one time step of one sample: what it returns must fit.

    Raises TypeError or ValueError that names the neuron, its method, what was expected and what came.
    """
    states = len(neuron.states)
    state = tuple(np.zeros((1, *shape), dtype=dtype) for _ in range(states))
    output, current = np.zeros((1, *shape), dtype=dtype), np.zeros((1, *shape), dtype=dtype)
    before = tuple(array.copy() for array in state)
    _require_fit(name, neuron, "leak", neuron.leak, (states, states))
    for vector in ("input_vector", "output_vector"):
        _require_fit(name, neuron, vector, getattr(neuron, vector), (states,))
    neuron.step(state, output, current)
    psi = neuron.surrogate_derivative(state)
    _require_array(name, neuron, "surrogate_derivative", psi, output)
    for kept in (False, True):
        rows = neuron.jacobian(state, output, psi, kept)
        _require_fit(name, neuron, "jacobian", rows, (states, states))
        for array in (array for row in rows for array in row):
            _require_array(name, neuron, "jacobian", array, output)
    resets = neuron.reset_jacobian(state, output)
    _require_fit(name, neuron, "reset_jacobian", resets, (states,))
    for reset in resets:
        _require_broadcast(name, neuron, "reset_jacobian", reset, output)
    for parameter in neuron.parameter_names:
        _require_parameter(name, neuron, parameter, shape, dtype)
        states_by, distance = neuron.parameter_derivatives(parameter, before, output, state)
        _require_fit(name, neuron, "parameter_derivatives", states_by, (states,))
        for derivative in (*states_by, distance):
            _require_broadcast(name, neuron, "parameter_derivatives", derivative, output)


def _require_fit(name, neuron, method, rows, lengths):
    found = []
    while isinstance(rows, tuple | list) and len(found) < len(lengths):
        found.append(len(rows))
        rows = rows[0] if rows else None
    if tuple(found) != lengths:
        raise ValueError(
            f"{name}: {method} of {type(neuron).__name__} must give {describe_shape(lengths)} for its states "
            f"{neuron.states}, got {describe_shape(found)}"
        )


def _require_array(name, neuron, method, array, like):
    if not isinstance(array, np.ndarray) or array.shape != like.shape or array.dtype != like.dtype:
        got = f"{array.dtype} {describe_shape(array.shape)}" if isinstance(array, np.ndarray) else repr(array)
        raise ValueError(
            f"{name}: {method} of {type(neuron).__name__} must give {like.dtype} {describe_shape(like.shape)} for one "
            f"sample, got {got}"
        )


def _require_parameter(name, neuron, parameter, shape, dtype):
    value = getattr(neuron, parameter)
    if not isinstance(value, np.ndarray) or value.shape != tuple(shape) or value.dtype != dtype:
        got = f"{value.dtype} {describe_shape(value.shape)}" if isinstance(value, np.ndarray) else repr(value)
        raise ValueError(
            f"{name}: the parameter {parameter} of {type(neuron).__name__} must be {dtype} {describe_shape(shape)}, "
            f"got {got}"
        )


def _require_broadcast(name, neuron, method, array, like):
    if isinstance(array, np.ndarray) and array.shape not in ((), like.shape):
        raise ValueError(
            f"{name}: {method} of {type(neuron).__name__} must give numbers or arrays "
            f"{describe_shape(like.shape)} for one sample, got {describe_shape(array.shape)}"
        )
