"""What a neuron is: state arrays, what a time step does to them, and what a small change of them does to the next step.

    h[t] = F(h[t-1], s[t-1], I[t])        h: K state arrays, of which the first is the potential
    z[t] = G(h[t])                        how far the neuron is above its threshold
    s[t] = H(z[t]),  H(0) = 1             its output; of a neuron that does not spike the potential itself

Every method takes from a neuron the derivatives of these, and nothing else:

    A, ∂h[t+1]/∂h[t] at a given s[t]      `leak`, [K][K] numbers, or arrays of the neurons' own (`per_neuron`)
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

import copy
import math
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

import numpy as np

from ..annotations import ConvertArray, ConvertNumber, Number, Shape
from ..exactness import is_rounded
from ..validation import describe_shape, require_entry, require_finite, require_result
from .arrays import with_own_arrays
from .per_neuron import Setting, fitting_shapes, require_fitting, spread
from .surrogate import Surrogate


class Neuron:
    """What every neuron offers. A subclass of one's own, a frozen dataclass for one, works in every method.

    states           the names of its state arrays; the first is the potential
    spiking          whether it has a threshold; a readout has none
    stateless        whether nothing is carried to the next time step
    parameter_names  its attributes that are parameters, learned as layerN.NAME: arrays of the layer's shape [...], or
                     [C], of one number for each channel of images, or [1], of one for the layer

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
    decay: Setting
    threshold: Setting

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
        shape = state[0].shape[1:]
        rows = [[filled(state[0], spread(entry, shape)) for entry in row] for row in self.leak]
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
    def leak(self) -> tuple[tuple[Setting, ...], ...]:
        """A, [K][K]: the constant part of the Jacobian, by which traces decay.

        Numbers, or arrays [1], [C] or of the layer's shape, of neurons whose traces decay each in its own way.
        """
        return ((self.decay,),)

    @property
    def leak_parameters(self) -> tuple[str, ...]:
        """Those of its parameters that the leak depends on: all of them, unless a subclass knows better."""
        return self.parameter_names

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
    def membrane(self) -> tuple[tuple[tuple[Setting, ...], ...], tuple[Number, ...], tuple[Number, ...]]:
        """What decides how a trace of its input decays: neurons of equal membranes can share one (`same_membrane`)."""
        return self.leak, self.input_vector, self.output_vector

    def parameter_derivatives(
        self,
        name: str,
        previous_state: tuple[np.ndarray, ...],
        previous_output: np.ndarray,
        state: tuple[np.ndarray, ...],
    ) -> tuple[tuple[np.ndarray | Number, ...], np.ndarray | Number]:
        """∂h[t]/∂θ, K arrays [B, ...], and ∂z[t]/∂θ [B, ...], of the parameter of that name.

        Each neuron's, by the number of its own: where neurons share one, theirs are added up.
        Of one time step alone: with h[t-1], s[t-1] and I[t] held as they are. A number stands for an array of it.
        """
        raise TypeError(f"{type(self).__name__} must define parameter_derivatives for its parameter {name!r}")

    def project(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Bring parameters of its own, arrays by name, back into their range after an update, in place."""

    def copy(self) -> Self:
        """A copy with arrays of its own, among them its parameters."""
        arrays = [name for name, value in getattr(self, "__dict__", {}).items() if isinstance(value, np.ndarray)]
        return with_own_arrays(self, copy.copy(self), dict.fromkeys((*arrays, *self.parameter_names)))

    def rebuilt(self, convert_array: ConvertArray, convert_number: ConvertNumber) -> Self:
        """A copy with each array turned by one function, and every other number by another."""
        neuron: Any = self  # of a subclass, a dataclass
        if not is_dataclass(type(self)):
            raise TypeError(f"{type(self).__name__} must be a dataclass, or define rebuilt, to be copied or converted")
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


def same_membrane(one: Neuron, other: Neuron) -> bool:
    """Whether what enters two neurons has the same trace, and always will: a leak that is learned goes its own way.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.network.neuron import same_membrane
    >>> same_membrane(ot.LIF(decay=0.5), ot.LIF(decay=0.5, threshold=2.0))
    True
    >>> same_membrane(ot.LIF(trainable=("decay",)), ot.LIF(trainable=("decay",)))
    False
    """
    if one is other or one.leak_parameters or other.leak_parameters:
        return one is other
    (leak, *vectors), (other_leak, *other_vectors) = one.membrane, other.membrane
    if tuple(vectors) != tuple(other_vectors) or len(leak) != len(other_leak):
        return False
    pairs = [pair for row, other_row in zip(leak, other_leak) for pair in zip(row, other_row)]
    return all(_equal(a, b) for a, b in pairs)


def _equal(one, other):
    arrays = isinstance(one, np.ndarray), isinstance(other, np.ndarray)
    if one is other:  # numbers that cannot be compared, as bounds of polynomials, are like themselves
        return True
    return np.array_equal(one, other) if all(arrays) else not any(arrays) and one == other


def filled(like: np.ndarray, value: Setting) -> np.ndarray:
    """An array like another, every number of which is `value`, or an array that is spread over it."""
    result = np.empty_like(like)
    result[...] = value
    return result


SAMPLES = 2


def checked_jacobian(
    where: str,
    neuron: Neuron,
    state: tuple[np.ndarray, ...],
    output: np.ndarray,
    surrogate_derivative: np.ndarray,
    kept: bool,
) -> tuple[tuple[np.ndarray, ...], ...]:
    """`neuron.jacobian`, with the shapes that kernels trust; TypeError or ValueError otherwise."""
    rows = neuron.jacobian(state, output, surrogate_derivative, kept)
    if type(neuron).jacobian is not Neuron.jacobian:
        _require_fit(where, neuron, "jacobian", rows, (len(state), len(state)))
    for array in (array for row in rows for array in row):
        require_result(f"{where}: jacobian of {type(neuron).__name__}", array, output.shape, output.dtype)
    return rows


def require_neuron_names(name: str, neuron: Neuron) -> None:
    """TypeError where `states` or `parameter_names` are no tuples of names, or there is no state."""
    for attribute in ("states", "parameter_names"):
        names = getattr(neuron, attribute)
        if not isinstance(names, tuple) or not all(isinstance(each, str) for each in names):
            raise TypeError(f"{name}: {attribute} of {type(neuron).__name__} must be a tuple of names, got {names!r}")
    for parameter in neuron.parameter_names:
        value = getattr(neuron, parameter, None)
        if not isinstance(value, np.ndarray):
            raise TypeError(
                f"{name}: the parameter {parameter} of {type(neuron).__name__} must be an array, got {value!r}"
            )
    if not neuron.states:
        raise TypeError(f"{name}: states of {type(neuron).__name__} must name at least the potential, got ()")


def require_sound_neuron(name: str, neuron: Neuron, shape: Shape, one: np.ndarray) -> None:
    """Try a neuron that is none of ours, or whose surrogate is not, for a time step of two samples.

    one  1 as one of the network's numbers, in an array [1]

    The states are 1/4, 2/4, 3/4, ...: what is changed in place shows. Raises TypeError or ValueError that
    names the neuron, its method, what was expected and what came.
    """
    _NeuronTrial(name, neuron, tuple(shape), one).run()


class _NeuronTrial:
    """One neuron with what it is tried on."""

    def __init__(self, name, neuron, shape, one):
        self.name, self.neuron, self.shape, self.one = name, neuron, shape, one
        self.exact = one.dtype.hasobject and isinstance(one[0], numbers.Rational) and type(one[0]) is not int

    def run(self):
        neuron, count = self.neuron, len(self.neuron.states)
        for attribute, lengths in (("leak", (count, count)), ("input_vector", (count,)), ("output_vector", (count,))):
            self._require_numbers(attribute, self._attribute(attribute), lengths)
        for parameter in neuron.parameter_names:
            value = self._attribute(parameter)
            fits = isinstance(value, np.ndarray) and value.shape in fitting_shapes(self.shape)
            if not fits or value.dtype != self.one.dtype:
                got = f"{value.dtype} {describe_shape(value.shape)}" if isinstance(value, np.ndarray) else repr(value)
                shapes = " or ".join(describe_shape(shape) for shape in reversed(fitting_shapes(self.shape)))
                raise ValueError(
                    f"{self.name}: the parameter {parameter} of {type(neuron).__name__} must be {self.one.dtype} "
                    f"{shapes}, got {got}"
                )
        state = tuple(self._counting() for _ in neuron.states)
        output, current = self._counting() * 0, self._counting()
        before, previous_output = tuple(array.copy() for array in state), output.copy()
        self._called("step", (state, output, current), changes=(*state, output))
        for array in (*state, output):
            self._require_exact("step", array)
        psi = self._result("surrogate_derivative", self._called("surrogate_derivative", (state,)))
        for kept in (False, True):
            rows = self._called("jacobian", (state, output, psi, kept))
            _require_fit(self.name, neuron, "jacobian", rows, (count, count))
            for array in (array for row in rows for array in row):
                self._result("jacobian", array)
        resets = self._called("reset_jacobian", (state, output))
        _require_fit(self.name, neuron, "reset_jacobian", resets, (count,))
        for reset in resets:
            self._result("reset_jacobian", reset, or_number=True)
        for parameter in neuron.parameter_names:
            found = self._called("parameter_derivatives", (parameter, before, previous_output, state))
            if not isinstance(found, tuple | list) or len(found) != 2:
                raise TypeError(f"{self._where('parameter_derivatives')} must give ∂h/∂θ and ∂z/∂θ, got {found!r}")
            _require_fit(self.name, neuron, "parameter_derivatives", found[0], (count,))
            for derivative in (*found[0], found[1]):
                self._result("parameter_derivatives", derivative, or_number=True)

    def _where(self, method):
        return f"{self.name}: {method} of {type(self.neuron).__name__}"

    def _counting(self):
        shape = (SAMPLES, *self.shape)
        count = int(np.prod(shape, dtype=np.int64))
        values = (np.arange(count) % 7 + 1).astype(self.one.dtype) * self.one[0]
        return (values / (self.one[0] * 4) if self.exact or not self.one.dtype.hasobject else values).reshape(shape)

    def _attribute(self, attribute):
        try:
            return getattr(self.neuron, attribute)
        except AttributeError as error:
            raise TypeError(f"{self._where(attribute)} must be there, got AttributeError: {error}") from error

    def _called(self, method, arguments, changes=()):
        """What the method returns for the arguments, which it must leave as they are, but for `changes`."""
        arrays = [each for part in arguments for each in (part if isinstance(part, tuple) else (part,))]
        arrays = [each for each in arrays if isinstance(each, np.ndarray) and not any(each is c for c in changes)]
        before = [array.copy() for array in arrays]
        try:
            result = getattr(self.neuron, method)(*arguments)
        except Exception as error:
            kind = TypeError if isinstance(error, TypeError | AttributeError) else ValueError
            raise kind(
                f"{self._where(method)} must take {self.one.dtype} {describe_shape((SAMPLES, *self.shape))}, got "
                f"{type(error).__name__}: {error}"
            ) from error
        for then, now in zip(before, arrays):
            if then.tobytes() != now.tobytes():
                raise ValueError(f"{self._where(method)} must not change what it is given, got it changed in place")
        return result

    def _result(self, method, value, or_number=False):
        require = require_entry if or_number else require_result
        require(self._where(method), value, (SAMPLES, *self.shape), self.one.dtype)
        self._require_exact(method, value)
        return value

    def _require_numbers(self, attribute, rows, lengths):
        _require_fit(self.name, self.neuron, attribute, rows, lengths)
        for number in (number for row in rows for number in (row if len(lengths) == 2 else (row,))):
            if isinstance(number, np.ndarray) and number.ndim:
                self._require_own_array(attribute, number)
                continue
            if not isinstance(number, numbers.Number) and not self.one.dtype.hasobject:
                raise TypeError(f"{self._where(attribute)} must hold numbers, got {number!r}")
            if isinstance(number, float | np.floating) and not math.isfinite(number):
                raise ValueError(f"{self._where(attribute)} must hold finite numbers, got {number!r}")
            self._require_exact(attribute, number)

    def _require_own_array(self, attribute, array):
        """An array in the leak: of numbers like the network's, in a shape that fits the layer."""
        if attribute != "leak":
            raise TypeError(f"{self._where(attribute)} must hold numbers, got {array!r}")
        require_fitting(self._where(attribute), array, self.shape)
        require_finite(
            self._where(attribute), require_result(self._where(attribute), array, array.shape, self.one.dtype)
        )
        self._require_exact(attribute, array)

    def _require_exact(self, method, values):
        """No float among exact numbers."""
        for number in np.asarray(values, dtype=object).flat if self.exact else ():
            if is_rounded(number):
                raise TypeError(
                    f"{self._where(method)} must give exact numbers for exact numbers, got the float {number!r}: "
                    "numbers of its own are fields of the dataclass, which `exact` converts"
                )


def _require_fit(name, neuron, method, rows, lengths):
    """Check that `rows` is a tuple of lengths[0], each of them, if there is a second length, one of lengths[1]."""
    found, fits = [], isinstance(rows, tuple | list)
    if fits:
        found, fits = [len(rows)], len(rows) == lengths[0]
        if len(lengths) == 2:
            inner = [len(row) if isinstance(row, tuple | list) else None for row in rows]
            found, fits = [len(rows), *sorted(set(inner), key=str)], fits and set(inner) == {lengths[1]}
    if not fits:
        raise ValueError(
            f"{name}: {method} of {type(neuron).__name__} must give {describe_shape(lengths)} for its states "
            f"{neuron.states}, got {describe_shape(found) if found else repr(rows)}"
        )
