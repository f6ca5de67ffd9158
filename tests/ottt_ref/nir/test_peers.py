"""Graphs that snnTorch, SpikingJelly and Norse exported run here, and their neurons do the same, step by step."""

import functools
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.network.per_neuron import spread

from . import peers
from .graphs import to_graph, write
from .peers import BATCH, TIME_STEPS
from .test_graphs import assert_same

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "data" / "nir"
CASES = {name: case for name, case in peers.CASES.items() if name != "norse_reads_two"}  # which `test_v_leak` has


@functools.cache
def recorded(folder, name):
    """The network of a case, its inputs, and what the tool's layers gave."""
    with np.load(folder / f"{name}.npz") as arrays:
        inputs, outputs = arrays["inputs"], [arrays[name] for name in arrays.files if "outputs" in name]
    return nir.read(folder / f"{name}.nir", **CASES[name].options), inputs, outputs


def assert_same_spikes(folder, name):
    network, inputs, outputs = recorded(folder, name)
    activity = ot.simulate(network, inputs)
    assert len(outputs) == len(network.layers) and inputs.shape[:2] == (TIME_STEPS, BATCH)
    for l, theirs in enumerate(outputs):
        ours = activity.layer_outputs[l]
        if l in network.spiking:
            assert 0.02 < theirs.mean() < 0.98
            np.testing.assert_array_equal(ours, theirs)
        else:  # Norse adds dt/τ (I - v) where we add λ v and κ I: float32 rounds these differently
            volts = ours + np.float32(CASES[name].leak)
            np.testing.assert_allclose(volts, theirs, rtol=0, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", CASES)
def test_a_graph_of_another_tool_gives_its_spikes(name):
    assert_same_spikes(DATA, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_no_spike_of_these_hangs_on_a_rounding(name):
    network, inputs, _ = recorded(DATA, name)
    activity = ot.simulate(network, inputs)
    for l in network.spiking:
        threshold = spread(network.layers[l].neuron.threshold, network.shapes[l])
        distance = np.abs(activity.layer_potentials[l] - threshold)
        assert distance.min() > 2e-6  # float32 rounds potentials up to 8 by at most 5e-7


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_another_reset_gives_other_spikes(name):
    """So the comparison can fail: the reset that a file does not say makes a difference in these cases."""
    _, inputs, outputs = recorded(DATA, name)
    graph = peer.read(DATA / f"{name}.nir", type_check=False)
    for reset in {"soft", "hard", "unleaked"} - {CASES[name].options["reset"]}:
        network = nir.from_graph(graph, **{**CASES[name].options, "reset": reset})
        assert np.any(ot.simulate(network, inputs).layer_outputs[0] != outputs[0])


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("norse_reads")])
def test_norse_has_the_same_voltages_of_what_it_reads(name):
    """After the reset, and counted from v_leak here. Each step rounds to float32 what is left of the steps before."""
    network, inputs, outputs = recorded(DATA, name)
    graph = peer.read(DATA / f"{name}.nir", type_check=False)
    activity = ot.simulate(network, inputs)
    leaks = [node.v_leak for node in graph.nodes.values() if hasattr(node, "v_leak")]
    with np.load(DATA / f"{name}.npz") as arrays:
        for l, leak in enumerate(leaks):
            neuron = network.layers[l].neuron
            volts = neuron.post_reset_potential(activity.potentials[l], activity.spikes[l]) + leak
            rounding = 4 * np.finfo(np.float32).eps * np.abs(arrays[f"volts{l}"]).max()
            np.testing.assert_allclose(volts, arrays[f"volts{l}"], rtol=0, atol=rounding)
            assert np.ptp(arrays[f"volts{l}"]) > 0.5 and np.array_equal(activity.spikes[l], outputs[l])


@pytest.mark.parametrize("name", CASES)
def test_the_network_of_another_tool_comes_back_from_our_own_graph(name):
    network, inputs, _ = recorded(DATA, name)
    again = nir.from_graph(to_graph(network, dt=1e-3))
    assert_same(again, network)
    assert np.array_equal(ot.simulate(again, inputs).outputs, ot.simulate(network, inputs).outputs)


@pytest.mark.parametrize("name", ["snntorch_recurrent_synapses", "norse_box"])
def test_and_from_our_own_file(name, tmp_path):
    network, _, _ = recorded(DATA, name)
    write(tmp_path / "ours.nir", network, dt=1e-3)
    assert_same(nir.read(tmp_path / "ours.nir"), network)


def test_the_factor_on_the_currents_is_a_scale():
    network, _, _ = recorded(DATA, "norse_box")  # dt/τ = 0.1 and 0.2 of its neurons, r = 1
    factors = [layer.synapses.operations[-1].factor for layer in network.layers]
    np.testing.assert_allclose(factors, [0.1, 0.2], rtol=1e-6)
    network, _, _ = recorded(DATA, "snntorch_subtract")  # r = τ/dt
    assert all(isinstance(layer.synapses, ot.Dense) for layer in network.layers)


def test_the_decay_of_another_tool_comes_back_as_it_was():
    network, _, _ = recorded(DATA, "snntorch_subtract")
    assert [layer.neuron.decay for layer in network.layers] == [float(np.float32(0.9)), float(np.float32(0.6))]


@pytest.mark.parametrize(("name", "missing", "advice"), [
    ("snntorch_subtract", "dt", "dt must be given for a graph that does not say it"),
    ("snntorch_subtract", "reset", "reset must be given for a graph that does not say it: 'hard' is what"),
    ("norse_box", "input_shape", r"node '0' \(Affine\): Dense\(4 -> 8, float32\) must be given \[4\], got \[1, 4\]"),
])  # fmt: skip
def test_what_a_graph_does_not_say_is_asked_for(name, missing, advice):
    options = {key: value for key, value in CASES[name].options.items() if key != missing}
    with pytest.raises(ValueError, match=advice):
        nir.read(DATA / f"{name}.nir", **options)


def test_a_time_step_longer_than_the_time_constant_is_refused():
    with pytest.raises(
        ValueError, match=r"node '1' \(LIF\): tau must be at least dt, .* got tau=1.0000.*e-05 and dt=0.0"
    ):
        nir.read(DATA / "norse_box.nir", dt=1e-3, reset="hard", input_shape=(4,))


@pytest.mark.skipif(
    any(find_spec(package) is None for package in ("snntorch", "spikingjelly", "norse", "nirtorch")),
    reason="needs snntorch, spikingjelly and norse",
)
def test_graphs_exported_anew_give_the_same_spikes(tmp_path):
    program = [sys.executable, "-W", "ignore", "-m", "tests.ottt_ref.nir.peers", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=DATA.parents[2])
    assert done.returncode == 0, done.stderr
    for name in CASES:
        assert_same_spikes(tmp_path, name)
