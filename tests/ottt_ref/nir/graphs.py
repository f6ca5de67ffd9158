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


def linked(edges, **nodes):
    named = {"in": peer.Input(np.array([2])), **nodes, "out": peer.Output(np.array([2]))}
    return peer.NIRGraph(named, [tuple(edge.split()) for edge in edges], type_check=False)


def leaking():
    """Linear, LIF, Affine, LIF, in float32, with a v_leak each."""
    rng = np.random.default_rng(0)

    def lif(size, **numbers):
        return peer.LIF(**{name: np.full(size, number, np.float32) for name, number in numbers.items()})

    first = lif(6, tau=0.01, r=1.0, v_leak=-0.25, v_threshold=0.1, v_reset=0.0)
    second = lif(3, tau=0.004, r=1.0, v_leak=0.2, v_threshold=0.5, v_reset=0.0)
    weight, bias = rng.normal(0.3, 1.0, (3, 6)).astype(np.float32), rng.normal(0.2, 0.2, 3).astype(np.float32)
    return row(
        peer.Linear(rng.normal(0.0, 1.0, (6, 4)).astype(np.float32)), first, peer.Affine(weight, bias), second,
        shape=(4,), out=(3,),
    )  # fmt: skip


def braille(hidden=8, nested=False, called="lif"):
    """The likeness of `braille_noDelay_noBias_subtract.nir` of the NIR paper, or of its nested form; both are not here.

    Names, edges, types and the time step of 1e-4 are those of the files, as the paper's programs print and use them:
    12 taxels, a recurrent layer of currents, 7 letters; τ_syn = dt / (1 - α), τ_mem = dt / (1 - β), r = τ_mem / dt and
    w_in = τ_syn / dt are snnTorch's. The numbers of neurons and all weights are others. In the paper's nested files,
    the edges inside say "lif" of the node that is called "lif1".
    """
    rng = np.random.default_rng(1)
    dt = 1e-4

    def cuba(alpha, beta, size):
        tau_syn, tau_mem = np.full(size, dt / (1 - alpha)), np.full(size, dt / (1 - beta))
        numbers = {"tau_syn": tau_syn, "tau_mem": tau_mem, "r": tau_mem / dt, "w_in": tau_syn / dt}
        numbers |= {"v_leak": np.zeros(size), "v_threshold": np.ones(size)}
        return peer.CubaLIF(**{name: array.astype(np.float32) for name, array in numbers.items()})

    def linear(n_out, n_in):
        return peer.Linear((rng.normal(0.1, 1.0, (n_out, n_in)) / np.sqrt(n_in)).astype(np.float32))

    fc1, w_rec, fc2 = linear(hidden, 12), linear(hidden, hidden), linear(7, hidden)
    lif, lif2 = cuba(0.6, 0.75, hidden), cuba(0.25, 0.25, 7)
    ends = {"input": peer.Input(np.array([12])), "output": peer.Output(np.array([7]))}
    if not nested:
        nodes = {**ends, "fc1": fc1, "lif1.lif": lif, "lif1.w_rec": w_rec, "fc2": fc2, "lif2": lif2}
        edges = "input fc1, fc1 lif1.lif, lif1.lif fc2, fc2 lif2, lif2 output, lif1.lif lif1.w_rec, lif1.w_rec lif1.lif"
    else:
        inside = {"input": peer.Input(np.array([hidden])), called: lif, "lin": w_rec}
        inside["output"] = peer.Output(np.array([hidden]))
        loop = [("input", "lif"), ("lif", "lin"), ("lin", "lif"), ("lif", "output")]
        inner = peer.NIRGraph(inside, loop, type_check=False)
        nodes = {**ends, "fc1": fc1, "fc2": fc2, "lif1": inner, "lif2": lif2}
        edges = "input fc1, fc1 lif1, lif1 fc2, fc2 lif2, lif2 output"
    return peer.NIRGraph(nodes, [tuple(edge.split()) for edge in edges.split(", ")], type_check=False)


def two_neurons():
    """The likeness of `two_lif_neurons.nir` of the NIR paper, with the nodes and numbers of the program that made it.

    The file itself is not here. v_leak of the first is above its threshold, so it fires without an input.
    """
    one = np.ones(1)
    nodes = {
        "in": peer.Input(np.array([1])),
        "linear1": peer.Linear(np.ones((1, 1))),
        "lif1": peer.LIF(tau=0.01 * one, r=one, v_leak=1.2 * one, v_threshold=one),
        "linear2": peer.Linear(np.ones((1, 1))),
        "lif2": peer.LIF(tau=0.01 * one, r=one, v_leak=0 * one, v_threshold=20 * one),
        "out": peer.Output(np.array([1])),
    }
    return peer.NIRGraph(nodes, list(zip(list(nodes), list(nodes)[1:])))
