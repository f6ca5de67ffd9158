"""A network computed by fast operations."""

from __future__ import annotations

import copy
from dataclasses import replace

from ..network.network import Network, require_network
from ..network.operations import Dense, Operation
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
    compute_by_twins(result, network)
    return result


def compute_by_twins(network: Network, original: Network) -> None:
    """Have a network of the same layers and parameters computed by the twins of the original's operations."""
    network._connect(tuple(replace(c, operations=fast_twin(c.operations)) for c in original.connections))


def dense_of(operation: Operation) -> Dense | None:
    """The Dense that an operation is, alone or as all that a Chain holds; None where it is anything else."""
    operation = alone(operation)
    return operation if type(operation) in (Dense, FastDense) else None  # type: ignore[return-value]
