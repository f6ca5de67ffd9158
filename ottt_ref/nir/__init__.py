"""The Neuromorphic Intermediate Representation (NIR): networks written for other tools, and those of other tools read.

    nir.write(path, network, dt=1e-3)                        to_graph(network, dt=1e-3): a nir.NIRGraph
      with accept_hard_reset=True where the reset is not hard
    nir.read(path, dt=1e-4, reset="unleaked")                from_graph(graph, dt=1e-4, reset="unleaked"): a Network

It needs the package nir (`pip install 'ottt_ref[nir]'`), which is imported when it is first needed.

NIR describes neurons in continuous time. LIF:

    τ dv/dt = (v_leak - v) + r I,   a spike where v > v_threshold, and then v ← v_reset

IF is the same without the leak, dv/dt = r I; LI and I are the two without spikes. Forward Euler steps of length dt make
of it, with potentials that count from v_leak, u = v - v_leak,

    u[t] = (1 - dt/τ) u[t-1] + (r dt/τ) I[t]                 λ = 1 - dt/τ,   κ = r dt/τ;   IF and I: λ = 1, κ = r dt

which is our step of the decay λ, for a current κ I. The discretisation, then:

- a network of ours becomes τ = dt / (1 - λ) and r = τ/dt, so that κ = 1; for λ = 1, IF or I with r = 1/dt. A tool that
  takes exact steps of the same equation leaks by exp(-dt/τ) instead, and computes another network.
- where κ is not 1 in what is read, a Scale(κ) is put at the end of every connection into those neurons; weights stay
  what they are in the file. A κ that the rounding of τ and r explains counts as 1. Where τ is float32, λ = 1 - dt/τ is
  rounded to float32, too.
- v_leak: potentials, thresholds, reset potentials and what a leaky readout gives are those of the file less v_leak,
  from which neurons start. A network does not keep v_leak, and is written with 0. Where v_leak is above the threshold,
  a neuron fires by itself: its potential starts and counts from v_reset (without a hard reset from 0), and the leak
  towards v_leak is a current, v_leak / r, in the bias of the weights that lead into it.
- reset: NIR knows the hard one alone, v ← v_reset in the time step of the spike. A network with a soft or unleaked
  reset is refused, since other tools would compute other spikes, unless accept_hard_reset=True says that they may. What
  the reset was is kept in the metadata, beside λ, V_th and v_reset in full precision and the step's equation in words.
- threshold: NIR fires at v > v_threshold, we at u >= V_th. Of floats of one dtype both are the same condition where
  V_th is the number next above v_threshold. So v_threshold is written as the number next below V_th, and V_th read as
  the one next above v_threshold. This is exact with the hard reset, which is NIR's. Where a reader says that the reset
  is soft or unleaked, each spike also subtracts that V_th, one in the last place more than v_threshold - v_leak.
- surrogate: NIR describes no gradients, so no tool reads a wrong one. It is kept in the metadata alone, without a word.
- readout: nothing is lost. LI, I and sums of currents are what our readouts compute.
- time: all nodes act in one time step, the input's way to the output; an edge that closes a loop delivers the spikes of
  the time step before. NIR does not say so; snnTorch's and Norse's recurrent neurons do it, too. Which edges these are
  follows from the order of the layers. Ours is in the metadata; in a foreign graph they are those whose source is
  reached from the input by way of their target alone. Where a loop can be entered at two places that is undecided, and
  refused.

Which node is what:

    Dense                      Affine; Linear without a bias
    Conv2d, Conv1d             Conv2d, Conv1d; of padding "same" where as many zeros lie on both sides
    AveragePool2d              AvgPool2d; SumPool2d is read as AveragePool2d and Scale
    Flatten, Scale             Flatten of a whole sample, Scale by one number
    LIF                        LIF; IF where λ = 1
    a leaky readout            LI; I where λ = 1
    a stateless readout        none, or, as any other sum of currents, a Scale of ones

Graphs inside a graph, which snnTorch makes of recurrent layers, are unfolded, at most 8 deep; errors call the nodes in
them by the way from outside in, "lif1.w_rec". So a loop in a graph inside is the loop in a flat graph. In the nested
Braille graphs of the NIR paper, edges say "lif" of a node that is called "lif1". Edges are repaired so, with a warning,
where one of their names has no node and one node has no edge. Where currents meet before an operation, or part after
it, a layer without a state stands for them. Chains come back flat, [Dense] as Dense.

Refused by name on the way out: Dropout, WeightStandardised, SkipInit, Upsample2d and exact numbers, which NIR has not;
on the way in: CubaLIF, CubaLI, Delay, Threshold, Conv1d, τ, r, v_leak, thresholds or scales that differ within a layer,
layers that are not in a row.

What other tools write, measured with snnTorch 1.0.0 and Norse 1.1.0; their spikes are then ours, step by step:

- snnTorch: `export_to_nir(net, sample, ignore_dims=[0])`, with beta and threshold given per neuron; dt=1e-4. The file
  does not say the reset. Leaky and RLeaky reset one time step later and do not leak what they subtract: "unleaked".
  reset_mechanism="zero" is "hard". reset_delay=False is "soft" while no potential exceeds 2 V_th; one that does
  is compared with 2 V_th, not V_th, in the next time step, which we do not imitate. A beta of 1 is written as
  τ = r = ∞, which is read as λ = 1, κ = 1.
- Norse: `to_nir(net, sample)`. Of LIFBoxCell and LIBoxCell it writes dt times their time constant, which dt=1e-6, the
  square of its own 1e-3, makes good; IAFCell, an IF, knows no dt: dt=1. A graph with both is not consistent. It
  writes no v_reset. reset="hard"; with reset_subtract "soft". It takes the sample's batch for a part of its shape:
  input_shape=(n,). Its LIFCell is a CubaLIF.
"""

import os
from collections.abc import Sequence
from typing import Literal

from ..files.storage import LARGEST_ARRAYS
from ..network.network import Network
from ..network.surrogate import Surrogate
from . import files
from .exporting import to_graph
from .importing import from_graph

__all__ = ["from_graph", "read", "to_graph", "write"]


def write(path: str | os.PathLike[str], network: Network, *, dt: float = 1.0, accept_hard_reset: bool = False) -> None:
    """Write the network to `path` as a .nir file, atomically: a failure leaves what was there before.

    network, dt, accept_hard_reset   as in `to_graph`

    The same network gives the same bytes, with one version of nir and h5py. Raises what `to_graph` raises, before
    anything is written.

    >>> import os, tempfile, ottt_ref as ot, ottt_ref.nir
    >>> network = ot.dense_network([2, 3, 1], reset="hard", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "network.nir")
    ...     ot.nir.write(path, network, dt=1e-3)
    ...     again = ot.nir.read(path)
    >>> list(again.parameters) == list(network.parameters)
    True
    """
    files.write_graph(path, to_graph(network, dt=dt, accept_hard_reset=accept_hard_reset))


def read(
    path: str | os.PathLike[str],
    *,
    dt: float | None = None,
    reset: Literal["soft", "hard", "unleaked"] | None = None,
    surrogate: Surrogate | None = None,
    input_shape: Sequence[int] | None = None,
    limit: int = LARGEST_ARRAYS,
) -> Network:
    """The network in a .nir file, which is not trusted: nothing in it is executed.

    dt, reset, surrogate, input_shape   as in `from_graph`
    limit                               how many bytes its arrays may take in all; 2^28 if not given

    The HDF5 library, which hostile files send around loops or crash, takes the file apart in a process of its own with
    limits of memory and time (on Windows of time alone); that costs a third of a second. Raises FileNotFoundError where
    there is no file, ValueError that names the file and the fault for one that is damaged, truncated, of another
    version, too large, or no network of ours, and TypeError for arguments of the wrong kind.

    >>> import os, tempfile, ottt_ref as ot, ottt_ref.nir
    >>> network = ot.dense_network([2, 3, 1], reset="hard", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "network.nir")
    ...     ot.nir.write(path, network, dt=1e-3)
    ...     again = ot.nir.read(path)
    >>> again.layers[0].neuron == network.layers[0].neuron
    True
    """
    graph = files.read_graph(path, limit)
    try:
        return from_graph(graph, dt=dt, reset=reset, surrogate=surrogate, input_shape=input_shape)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
