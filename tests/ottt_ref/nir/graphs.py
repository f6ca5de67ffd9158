"""Graphs of NIR nodes, as other tools would write them, and as nobody should."""

from functools import partial

import nir as peer
import numpy as np

from ottt_ref import nir

to_graph = partial(nir.to_graph, accept_hard_reset=True)
write = partial(nir.write, accept_hard_reset=True)


def neurons(kind, size=2, **changes):
    """A node of neurons that are ours at dt = 1, but for the changes."""
    fields = {"LIF": "tau r v_leak v_threshold v_reset", "IF": "r v_threshold v_reset", "LI": "tau r v_leak", "I": "r"}
    numbers = {"tau": 2.0, "r": 1.0 if kind in ("IF", "I") else 2.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    arrays = {name: np.full(size, numbers[name]) for name in fields[kind].split()}
    return getattr(peer, kind)(**{**arrays, **changes})


def row(*nodes, shape=(2,), out=(2,)):
    """Input, nodes called 0, 1, ..., Output, in a row."""
    named = {"input": peer.Input(np.array(shape)), **{str(k): node for k, node in enumerate(nodes)}}
    named["output"] = peer.Output(np.array(out))
    return peer.NIRGraph(named, list(zip(list(named), list(named)[1:])), type_check=False)


def linear(n_out=2, n_in=2):
    return peer.Linear(np.ones((n_out, n_in)))


def convolution(**changes):
    fields = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1, "bias": np.zeros(2)}
    return peer.Conv2d(**{"input_shape": None, "weight": np.ones((2, 1, 3, 3)), **fields, **changes})


def row_convolution(**changes):
    fields = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1, "bias": np.zeros(2)}
    return peer.Conv1d(**{"input_shape": None, "weight": np.ones((2, 1, 3)), **fields, **changes})


def image(*nodes):
    return row(*nodes, peer.Flatten(None, 0, -1), peer.Linear(np.ones((2, 32))), neurons("LIF"), shape=(1, 4, 4))


def cuba():
    ones = np.ones(2)
    return peer.CubaLIF(ones, ones, ones, ones, ones, ones)


def linked(edges, **nodes):
    named = {"in": peer.Input(np.array([2])), **nodes, "out": peer.Output(np.array([2]))}
    return peer.NIRGraph(named, [tuple(edge.split()) for edge in edges], type_check=False)
