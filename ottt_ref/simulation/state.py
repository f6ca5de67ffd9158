"""The state: what is carried from one time step to the next, as arrays by name.

A sequence in chunks starts each of them from the state after the one before. What crosses a border are numbers, and no
gradient: BPTT over chunks is truncated BPTT. A forward-in-time rule carries its own arrays too, with which OTTT, SLTT
and RTRL over chunks are those of the whole sequence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..files import storage
from ..network.layers import INPUTS
from ..network.network import Network, object_array
from ..validation import FLOAT_DTYPES, require_array, require_result, shown

FILE_FORMAT = "ottt_ref state"
FILE_VERSION = 1
OF_RULE = "rule/"


# The neurons' states by layer, the outputs by layer, and by source with delays its outputs, the last ones first
Before = tuple[tuple[tuple[np.ndarray, ...], ...], tuple[np.ndarray, ...], dict[int, tuple[np.ndarray, ...]]]


class State(Mapping[str, np.ndarray]):
    """What a network, and a rule that learns on it, carries to the next time step: arrays by name.

    layer0.potential, ...   each state of the neurons of a layer, [B, ...], by the neuron's name for it
    layer0.output, ...      the outputs of a layer, [B, ...]: its reset and delayed connections see them a step later
    layer0.output.1, ...    of a layer that is heard with a longer delay, those of 1, 2, ... time steps before
    inputs, inputs.1, ...   where inputs arrive with a delay, the last ones and those of 1, 2, ... time steps before
    rule/...                what the rule keeps (`Rule.state`): the traces of OTTT, the sensitivities of RTRL

    Methods that go through time take one as `initial_state`, and give one as `final_state`; a mapping of arrays by the
    same names does as well. One without the rule's arrays starts the rule at rest. It holds copies of what it is given.

    Two halves of a sequence are the whole, where OTTT starts the second from the state after the first:

    >>> import numpy as np, ottt_ref as ot
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> inputs, labels = np.linspace(0, 0.6, 8).reshape(4, 1, 2), np.array([1])
    >>> whole = ot.ottt.gradients(network, inputs, labels)
    >>> first = ot.ottt.gradients(network, inputs[:2], labels, time_steps=4)
    >>> second = ot.ottt.gradients(network, inputs[2:], labels, time_steps=4, initial_state=first.final_state)
    >>> all(np.allclose(first[name] + second[name], whole[name]) for name in whole)
    True
    >>> list(first.final_state)[:3]
    ['layer0.potential', 'layer0.output', 'readout.potential']
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = {name: np.array(array) for name, array in _require_arrays("arrays", arrays).items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def copy(self) -> State:
        """A State with arrays of its own."""
        return State(self._arrays)

    def without_rule(self) -> State:
        """The network's part alone: for another method, or to start the rule at rest."""
        return State({name: array for name, array in self.items() if not name.startswith(OF_RULE)})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the arrays to `path` as .npz, atomically, as `Network.save` does.

        Raises TypeError for arrays of objects, such as exact numbers, which have no format without pickles.

        >>> import os, tempfile, numpy as np, ottt_ref as ot
        >>> state = ot.simulate(ot.dense_network([2, 3, 2], rng=7), np.ones((4, 1, 2))).final_state
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "state.npz")
        ...     state.save(path)
        ...     again = ot.State.load(path)
        >>> all(np.array_equal(again[name], state[name]) for name in state)
        True
        """
        for name, array in self.items():
            if array.dtype.hasobject:
                raise TypeError(f"state must hold plain numbers to be saved, got objects in {name!r}")
        storage.write(path, FILE_FORMAT, FILE_VERSION, {}, self._arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, limit: int = storage.LARGEST_ARRAYS) -> State:
        """Read a State that `save` wrote.

        limit  how many bytes its arrays may take in all

        Raises FileNotFoundError where there is no file, and ValueError that names the file and the fault for one that
        is damaged, of another version or kind, or larger than the limit.
        """
        return cls(storage.read(path, FILE_FORMAT, FILE_VERSION, limit)[1])

    def __repr__(self) -> str:
        return "State({" + ", ".join(f"{name!r}: {array.shape}" for name, array in self.items()) + "})"


def _require_arrays(name, arrays):
    if not isinstance(arrays, Mapping):
        raise TypeError(f"{name} must be a State, or a mapping of arrays by name, got {shown(arrays)}")
    for key, array in arrays.items():
        if not isinstance(key, str) or not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
            raise TypeError(f"{name} must hold arrays by name, got {shown(array)} for {key!r}")
    return arrays


def state_of(
    network: Network,
    states: tuple[tuple[np.ndarray, ...], ...],
    outputs: tuple[np.ndarray, ...],
    of_rule: Mapping[str, np.ndarray] | None = None,
    past: Mapping[int, Sequence[np.ndarray]] | None = None,
) -> State:
    """The State of the neurons' states and the outputs by layer, and of a rule's arrays; they are copied.

    past  by source with delays, -1 the inputs: its outputs, the last ones first, as far back as they are heard

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.state import state_of
    >>> network = ot.Network([ot.Layer(ot.Dense(np.ones((1, 1))), ot.LIF())])
    >>> state_of(network, ((np.zeros((1, 1)),),), (np.ones((1, 1)),))
    State({'layer0.potential': (1, 1), 'layer0.output': (1, 1)})
    """
    arrays = {}
    for l, name in enumerate(network.layer_names):
        for state, array in zip(network.layers[l].neuron.states, states[l]):
            arrays[f"{name}.{state}"] = array
        arrays[_output_name(network, l)] = outputs[l]
    for source, sent in (past or {}).items():
        arrays.update(zip(_past_names(network, source), sent))
    return State({**arrays, **{OF_RULE + name: array for name, array in (of_rule or {}).items()}})


def network_state(
    network: Network, state: Mapping[str, np.ndarray], batch_size: int, name: str = "initial_state"
) -> Before:
    """The neurons' states, the outputs and past outputs of a State that fits the network and the batch, as copies.

    Raises TypeError or ValueError that names what is missing, too much, or of another shape or dtype.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.state import network_state
    >>> network_state(ot.dense_network([2, 3, 2], rng=7), {}, 1)
    Traceback (most recent call last):
    ValueError: initial_state must hold 'layer0.potential' of the network, got []
    """
    _require_arrays(name, state)
    states, outputs, known = [], [], set()
    for l, layer in enumerate(network.layers):
        shape = (batch_size, *network.shapes[l])
        names = [f"{network.layer_names[l]}.{each}" for each in layer.neuron.states]
        *arrays, output = (_array_of(network, state, each, shape, name) for each in (*names, _output_name(network, l)))
        states.append(tuple(arrays))
        outputs.append(output)
        known |= {*names, _output_name(network, l)}
    past = {}
    for source in network.longest_delays:
        shape = (batch_size, *network.shape_of(source))
        names = _past_names(network, source)
        past[source] = tuple(_array_of(network, state, each, shape, name) for each in names)
        known |= set(names)
    foreign = [each for each in state if each not in known]
    if foreign:
        advice = ": state.without_rule() leaves out what a rule carries" if foreign[0].startswith(OF_RULE) else ""
        raise ValueError(f"{name} must hold {sorted(known)} alone here, got {foreign[0]!r} as well{advice}")
    return tuple(states), tuple(outputs), past


def rule_state(
    network: Network, state: Mapping[str, np.ndarray], carried: Mapping[str, np.ndarray], name: str = "initial_state"
) -> dict[str, np.ndarray]:
    """The rule's arrays of a State by their own names, of the shapes and dtypes of `carried`; none where it has none.

    Raises TypeError or ValueError that names what is missing, too much, or of another shape or dtype.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.simulation.state import rule_state
    >>> network = ot.dense_network([2, 3, 2], rng=7)
    >>> rule_state(network, {"rule/trace": np.ones(1)}, {"trace": np.zeros(1)})
    {'trace': array([1.])}
    """
    found = {each.removeprefix(OF_RULE): each for each in _require_arrays(name, state) if each.startswith(OF_RULE)}
    if not found:
        return {}
    if set(found) != set(carried):
        raise ValueError(
            f"{name} must hold what the rule carries, {[OF_RULE + each for each in carried]}, or nothing of a rule, "
            f"got {sorted(found.values())}"
        )
    result = {}
    for each, like in carried.items():
        if like.dtype in (*FLOAT_DTYPES, np.dtype(object)):
            result[each] = _array_of(network, state, OF_RULE + each, like.shape, name, like.dtype)
        else:
            result[each] = require_result(
                f"{name}[{OF_RULE + each!r}]", state[OF_RULE + each], like.shape, like.dtype, "be"
            )
    return result


def _array_of(network, state, key, shape, name, dtype=None):
    if key not in state:
        advice = ": its final_state is a State" if hasattr(state, "final_state") else ""
        raise ValueError(f"{name} must hold {key!r} of the network, got {list(state)}{advice}")
    where, array = f"{name}[{key!r}]", state[key]
    if array.dtype.hasobject:  # a neuron of one's own may give truth values for spikes
        array = object_array(array, lambda number: int(number) if isinstance(number, bool | np.bool_) else number)
    array = require_array(where, array, shape, network.dtype if dtype is None else dtype)
    return np.array(network.require_own_numbers(where, array)) if array.dtype.hasobject else array.copy()


def _past_names(network, source):
    """The names of a source's outputs, the last ones first, as many as its longest delay."""
    last = "inputs" if source == INPUTS else _output_name(network, source)
    return [last, *(f"{last}.{k}" for k in range(1, network.longest_delays[source]))]


def _output_name(network, l):
    """layer0.output; a neuron whose own state is called so has its outputs beside it."""
    taken = network.layers[l].neuron.states
    return f"{network.layer_names[l]}.{'output' if 'output' not in taken else 'output of the layer'}"
