"""The Neuromorphic Intermediate Representation (NIR): networks written for other tools, and those of other tools read.

    nir.write(path, network, dt=1e-3)                        to_graph(network, dt=1e-3): a nir.NIRGraph
      with accept_hard_reset=True where the reset is not hard
    nir.read(path, dt=1e-4, reset="unleaked")                from_graph(graph, dt=1e-4, reset="unleaked"): a Network

It needs the package nir (`pip install 'ottt_ref[nir]'`), which is imported when it is first needed.

NIR describes neurons in continuous time. LIF:

    τ dv/dt = (v_leak - v) + r I,   a spike where v > v_threshold, and then v ← v_reset

IF is the same without the leak, dv/dt = r I; LI and I are the two without spikes. In CubaLIF, I is a leaking current:

    τ_syn dI/dt = w_in S - I,   τ_mem dv/dt = (v_leak - v) + r I

Forward Euler steps of length dt make of these, with potentials that count from v_leak, u = v - v_leak,

    u[t] = (1 - dt/τ) u[t-1] + (r dt/τ) I[t]                 λ = 1 - dt/τ,   κ = r dt/τ;   IF and I: λ = 1, κ = r dt
    I[t] = (1 - dt/τ_syn) I[t-1] + (w_in dt/τ_syn) S[t]      α = 1 - dt/τ_syn,   κ = (r dt/τ_mem) (w_in dt/τ_syn)

which are our steps of the decay λ, and of a current of the decay α, for an input κ I or κ S. The discretisation, then:

- a network of ours becomes τ = dt / (1 - λ) and r = τ/dt, so that κ = 1; of a current so with α, τ_syn and w_in; for
  λ = 1, IF or I with r = 1/dt. What does not leak among others that do has τ = r = ∞, as snnTorch writes it. A tool
  that takes exact steps of the same equation leaks by exp(-dt/τ) instead, and computes another network.
- the current of a time step enters the membrane in that step, as in snnTorch, SpikingJelly and what Norse reads. A tool
  that adds the current of the step before computes another network.
- where κ is not 1 in what is read, a Scale(κ) is put at the end of every connection into those neurons, a ChannelScale
  where it differs; weights stay what they are in the file. A κ that the rounding of τ and r explains counts as 1. Where
  τ is float32, λ = 1 - dt/τ is rounded to float32, too.
- arrays that are the same for all neurons are numbers here; alike within each channel, arrays [C]; else of the layer's
  shape. The other way round they are spread. Which numbers are learned, and their shape, is kept in the metadata.
- v_leak: potentials, thresholds, reset potentials and what a leaky readout gives are those of the file less v_leak,
  from which neurons start. A network does not keep v_leak, and is written with 0. Where v_leak is above the threshold,
  a neuron fires by itself: its potential starts and counts from v_reset (without a hard reset from 0), and the leak
  towards v_leak is a current, v_leak / r, in the bias of the weights that lead into it, or else in a ChannelScale.
- reset: NIR knows the hard one alone, v ← v_reset in the time step of the spike. A network with a soft or unleaked
  reset is refused, since other tools would compute other spikes, unless accept_hard_reset=True says that they may. What
  the reset was is kept in the metadata, beside λ, V_th and v_reset in full precision and the step's equation in words.
- threshold: NIR fires at v > v_threshold, we at u >= V_th. Of floats of one dtype both are the same condition where
  V_th is the number next above v_threshold. So v_threshold is written as the number next below V_th, and V_th read as
  the one next above v_threshold. This is exact with the hard reset, which is NIR's. Where a reader says that the reset
  is soft or unleaked, each spike also subtracts that V_th, one in the last place more than v_threshold - v_leak.
- surrogate: NIR describes no gradients, so no tool reads a wrong one. It is kept in the metadata alone, without a word.
- readout: nothing is lost. LI, I and sums of currents are what our readouts compute, and what leaky stages inside are.
- time: all nodes act in one time step, the input's way to the output; an edge that closes a loop delivers the spikes of
  the time step before. NIR does not say so; snnTorch's and Norse's recurrent neurons do it, too. Which edges these are
  follows from the order of the layers. Ours is in the metadata; in a foreign graph they are those whose source is
  reached from the input by way of their target alone. Where a loop can be entered at two places that is undecided, and
  refused.
- a Delay of whole time steps, before any bias, is the delay of its connection; in a loop the spikes come back after it,
  one time step later at least, and a loop of one time step is written without a Delay.

Which node is what:

    Dense                      Affine; Linear without a bias
    Conv2d, Conv1d             Conv2d, Conv1d; of padding "same" where as many zeros lie on both sides
    AveragePool2d              AvgPool2d; SumPool2d is read as AveragePool2d and Scale
    Flatten, Scale             Flatten of a whole sample, Scale by one number
    ChannelScale               Scale; with an offset a Conv2d or Conv1d of one pixel, of a row a diagonal Affine
    LIF                        LIF; IF where λ = 1
    CubaLIF                    CubaLIF
    a leaky stage or readout   LI; I where λ = 1
    a stateless readout        none, or, as any other sum of currents, a Scale of ones
    a delay                    Delay

Graphs inside a graph, which snnTorch makes of recurrent layers, are unfolded, at most 8 deep; errors call the nodes in
them by the way from outside in, "lif1.w_rec". So a loop in a graph inside is the loop in a flat graph. In the nested
Braille graphs of the NIR paper, edges say "lif" of a node that is called "lif1". Edges are repaired so, with a warning,
where one of their names has no node and one node has no edge. Where currents meet before an operation, or part after
it, a layer without a state stands for them. Chains come back flat, [Dense] as Dense.

Refused by name on the way out: Dropout, WeightStandardised, SkipInit, Upsample2d, MaxPool2d and exact numbers, which
NIR has not; on the way in: CubaLI, Threshold, delays or factors on currents that differ within a channel, a v_leak of
a stage that other nodes take, or one above the threshold of neurons with a current, layers that are not in a row.

What other tools write, measured with snnTorch 1.0.0, SpikingJelly 2.0.0 and Norse 1.1.0; their spikes are then ours,
step by step:

- snnTorch: `export_to_nir(net, sample, ignore_dims=[0])`, with alpha, beta and threshold given per neuron; dt=1e-4. The
  file does not say the reset. Leaky, RLeaky, Synaptic and RSynaptic reset one time step later and do not leak what they
  subtract: "unleaked". reset_mechanism="zero" is "hard", of Synaptic with reset_delay=False alone: with the delay, it
  loses the input of the step after a spike. reset_delay=False is "soft" while no potential exceeds 2 V_th; one that
  does is compared with 2 V_th, not V_th, in the next time step, which we do not imitate. A beta of 1 is written as
  τ = r = ∞, which is read as λ = 1, κ = 1.
- SpikingJelly: `export_to_nir(net, sample, dt=1e-4)`, of hard resets alone; dt=1e-4, reset="hard". v_leak is its
  v_reset, where its potentials start. It fires at its threshold, and NIR above it.
- Norse: `to_nir(net, sample)`. Of LIFBoxCell and LIBoxCell it writes dt times their time constant, which dt=1e-6, the
  square of its own 1e-3, makes good; IAFCell, an IF, knows no dt: dt=1. A graph with both is not consistent. It
  writes no v_reset. reset="hard"; with reset_subtract "soft", which takes v_threshold, whatever v_leak is. It takes the
  sample's batch for a part of its shape: input_shape=(n,). Its LIFCell is a CubaLIF without the w_in = τ_syn/dt that it
  computes with. What `from_nir` makes of a graph has our potentials; it starts from v_leak, above the threshold too.
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
