"""A network computed by fast operations."""

from __future__ import annotations

import copy
from dataclasses import replace

from ..network.network import Network, require_network
from ..network.operations import Dense, Operation, WeightStandardised
from ..network.operations.chain import alone
from .operations import fast_twin
from .operations.dense import FastDense


def require_fast(network: Network) -> Network:
    """`network`, if its numbers are floats; TypeError for exact numbers, of which the reference alone has any."""
    if require_network(network).dtype.hasobject:
        raise TypeError(
            "network must be of float64 or float32 for ottt_ref.fast, got one of objects such as fractions: the "
            "methods of ottt_ref take it"
        )
    return network


def fast_network(network: Network) -> Network:
    """The same network with the fast twins of its operations; it shares layers and parameters.

    A twin takes the arrays that the operation has now, and may keep what it computes of them: it is for one gradient.

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.network import fast_network
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> fast_network(network).parameters is network.parameters
    True
    """
    result = copy.copy(require_fast(network))
    _compute_by_twins(result, network)
    return result


def _compute_by_twins(network, original):
    """Have a network of the same layers and parameters computed by the twins of the original's operations."""
    network._connect(tuple(replace(c, operations=fast_twin(c.operations)) for c in original.connections))


def dense_of(operation: Operation) -> Dense | None:
    """The Dense that an operation is, alone or as all that a Chain holds; None where it is anything else."""
    operation = alone(operation)
    return operation if type(operation) in (Dense, FastDense) else None  # type: ignore[return-value]


class LearningNetwork:
    """A network with fast twins whose parameters change from one time step to the next.

    network  the one with the twins; `renew` brings it up to date
    """

    def __init__(self, network: Network) -> None:
        self._original, self.network = network, fast_network(network)
        self._keeps = any(_keeps(connection.operations) for connection in network.connections)
        self._arrays = list(network.parameters.values())

    def renew(self) -> None:
        """Make twins anew where one keeps what it computed of its parameters, or where they are other arrays now."""
        arrays = list(self._original.parameters.values())
        if self._keeps or any(now is not before for now, before in zip(arrays, self._arrays)):
            _compute_by_twins(self.network, self._original)
            self._arrays = arrays


def _keeps(operation: Operation) -> bool:
    return isinstance(operation, WeightStandardised) or any(_keeps(child) for child in operation.children)
