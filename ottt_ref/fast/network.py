"""A network computed by fast operations."""

from __future__ import annotations

from ..network.network import Network, require_network
from .operations import fast_twin


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

    >>> import ottt_ref as ot
    >>> from ottt_ref.fast.network import fast_network
    >>> network = ot.dense_network([2, 3, 2], rng=0)
    >>> fast_network(network).parameters is network.parameters
    True
    """
    return require_fast(network).computed_by(lambda connection: fast_twin(connection.operations))
