"""CubaLIF, neurons with a synaptic current that leaks, and the recurrent networks of the NIR paper made of them."""

import nir as peer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.nir import files
from ottt_ref.nir.structure import structure_of

from ..general import dense
from .graphs import braille, row, to_graph
from .test_graphs import assert_same, bare, there_and_back

OPTIONS = {"dt": 1e-4, "reset": "hard"}


def cuba(size=3, **changes):
    """A node whose κ is 1 at a time step of 1, but for the changes."""
    numbers = {"tau_syn": 4.0, "tau_mem": 2.0, "r": 2.0, "w_in": 4.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return peer.CubaLIF(**{name: np.zeros(size) + number for name, number in {**numbers, **changes}.items()})


def euler(node, currents, dt):
    """Potentials before the reset, and spikes: the membrane takes the current of the time step itself."""
    current, potential, potentials, spikes = 0.0 * currents[0], node.v_leak + 0.0 * currents[0], [], []
    for given_current in currents:
        current = current + dt / node.tau_syn * (node.w_in * given_current - current)
        potential = potential + dt / node.tau_mem * (node.v_leak - potential + node.r * current)
        potentials.append(potential)
        spikes.append((potential > node.v_threshold).astype(float))
        potential = np.where(spikes[-1] == 1, node.v_reset, potential)
    return np.stack(potentials), np.stack(spikes)


POWERS = st.sampled_from([1.0, 2.0, 4.0, 8.0])
HALVES = st.integers(-2, 2).map(lambda count: count / 2)


@pytest.mark.slow
@given(st.integers(0, 2**32), *[st.lists(POWERS, min_size=3, max_size=3)] * 3, HALVES)
def test_potentials_and_spikes_are_those_of_nirs_equations(seed, tau_syn, tau_mem, r, v_leak):
    """Exactly, of time constants that are powers of 2, whose products have few binary places in six time steps."""
    rng = np.random.default_rng(seed)
    changes = {"tau_syn": tau_syn, "tau_mem": tau_mem, "r": r, "v_leak": v_leak, "w_in": [1.0, 2.0, 4.0]}
    node = cuba(
        **{name: np.array(values) for name, values in changes.items()}, v_threshold=v_leak + 0.75, v_reset=v_leak
    )
    weight, inputs = peer.Linear(rng.integers(-4, 9, (3, 2)) / 4), rng.integers(0, 3, (6, 2, 2)) / 2
    network = nir.from_graph(row(weight, node, out=(3,)), dt=1.0, reset="hard")
    assert type(network.layers[0].neuron) is ot.CubaLIF
    potentials, spikes = euler(node, inputs @ weight.weight.T, 1.0)
    activity = ot.simulate(network, inputs)
    assert np.array_equal(activity.potentials[0] + v_leak, potentials)
    assert np.array_equal(activity.spikes[0], spikes)
    again = nir.from_graph(bare(to_graph(network)), dt=1.0, reset="hard")
    assert np.array_equal(ot.simulate(again, inputs).spikes[0], spikes)


THRESHOLDS = np.array([1.0, 2.0, 3.0])
SETTINGS = {
    "numbers": {"decay": 0.75, "current_decay": 1 / 3, "threshold": 0.7, "reset_potential": -0.25},
    "arrays": {"decay": np.array([0.0, 0.3, 1.0]), "current_decay": np.array([1.0, 0.0, 0.6]), "threshold": THRESHOLDS},
    "parameters": {"trainable": ("decay", "current_decay", "threshold"), "current_decay": np.array([0.25, 0.5, 0.75])},
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reset", ["hard", "soft", "unleaked"])
@pytest.mark.parametrize("kind", SETTINGS)
def test_currents_come_back_bit_for_bit(kind, reset, dtype):
    rng = np.random.default_rng(0)
    layers = [ot.Layer(dense(rng, 3, 2), ot.CubaLIF(**SETTINGS[kind], reset=reset), dense(rng, 3, 3))]
    network = ot.Network([*layers, ot.Layer(dense(rng, 2, 3), ot.Integrator(0.5))]).astype(dtype)
    assert_same(there_and_back(network, dt=1e-3), network)


def test_a_current_says_its_discretisation_in_words_and_arrays():
    layer = ot.Layer(dense(np.random.default_rng(0), 2, 2), ot.CubaLIF(decay=0.75, current_decay=0.5, reset="hard"))
    node = nir.to_graph(ot.Network([layer]), dt=1e-3).nodes["layer0"]
    assert node.metadata["ottt_ref"]["update"].startswith("I[t] = current_decay I[t-1] + input[t], u[t] = decay ((1 - ")
    np.testing.assert_allclose([node.tau_mem[0], node.r[0], node.tau_syn[0], node.w_in[0]], [4e-3, 4.0, 2e-3, 2.0])


@pytest.mark.slow
def test_currents_come_back_from_a_file(tmp_path):
    layer = ot.Layer(dense(np.random.default_rng(0), 3, 2), ot.CubaLIF(**SETTINGS["arrays"], reset="hard"))
    nir.write(tmp_path / "net.nir", ot.Network([layer]), dt=1e-4)
    assert_same(nir.read(tmp_path / "net.nir"), ot.Network([layer]))


@pytest.mark.parametrize("called", ["lif", "lif1"])
def test_the_braille_networks_in_either_form_are_one(called):
    """The nested form of the paper has the name "lif1", which its edges call "lif"."""
    flat = nir.from_graph(braille(), **OPTIONS)
    graph = braille(nested=True, called=called)
    if called == "lif1":
        with pytest.warns(UserWarning, match="edges name 'lif1.lif', which there is not: taken for 'lif1.lif1'"):
            network = nir.from_graph(graph, **OPTIONS)
    else:
        network = nir.from_graph(graph, **OPTIONS)
    assert_same(network, flat)
    assert structure_of(braille()).layers == ("lif1.lif", "lif2")
    first, last = network.layers
    assert (type(first.neuron), type(last.neuron)) == (ot.CubaLIF, ot.CubaLIF) and isinstance(first.recurrent, ot.Dense)
    np.testing.assert_allclose([first.neuron.current_decay, first.neuron.decay], [0.6, 0.75], rtol=1e-6)
    for dtype in ("float32", "float64"):
        assert_same(there_and_back(network.astype(dtype), dt=1e-4), network.astype(dtype))


def test_a_file_of_before_there_was_v_reset_is_read():
    """As the Braille networks' are, which are of NIR 0.2."""
    fields = braille().to_dict()
    for node in ("lif1.lif", "lif2"):
        assert not np.any(fields["nodes"][node].pop("v_reset"))
    assert_same(nir.from_graph(files.graph_of(peer, fields, "node"), **OPTIONS), nir.from_graph(braille(), **OPTIONS))


@pytest.mark.slow
def test_both_forms_of_a_braille_network_are_read_from_files(tmp_path):
    peer.write(tmp_path / "flat.nir", braille())
    peer.write(tmp_path / "nested.nir", braille(nested=True))
    assert_same(*(nir.read(tmp_path / f"{form}.nir", **OPTIONS) for form in ("flat", "nested")))


REFUSED = {
    r"node '1' \(CubaLIF\): tau_syn must be at least dt, .* got tau=0.5 and dt=1.0": {"tau_syn": 0.5},
    r"node '1' \(CubaLIF\): tau_mem must be at least dt": {"tau_mem": 0.5},
    r"node '1' \(CubaLIF\): tau_syn must be infinite where w_in is, and only there": {"tau_syn": np.inf},
    r"node '1' \(CubaLIF\): tau_mem must be infinite where r is, and only there": {"r": np.inf},
    r"node '1' \(CubaLIF\): v_leak must be at most v_threshold where a current leaks, too, .* got 2.0": {"v_leak": 2.0},
    r"node '1' \(CubaLIF\): w_in must hold finite numbers": {"w_in": np.nan},
    r"node '1' \(CubaLIF\): w_in must have the shape of the layer, \[3\], got \[2\]": {"w_in": np.ones(2)},
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_a_current_that_no_network_of_ours_has_is_refused_by_name(complaint):
    node = cuba()
    for field, value in REFUSED[complaint].items():
        setattr(node, field, value if isinstance(value, np.ndarray) else np.full(3, value))
    with pytest.raises(ValueError, match=complaint):
        nir.from_graph(row(peer.Linear(np.ones((3, 2))), node, out=(3,)), dt=1.0, reset="hard")


def test_what_contradicts_the_metadata_of_a_current_is_refused():
    layer = ot.Layer(dense(np.random.default_rng(0), 3, 2), ot.CubaLIF(reset="hard"))
    for field, word in (("tau_syn", "current_decay"), ("tau_mem", "decay"), ("v_leak", "v_leak")):
        graph = nir.to_graph(ot.Network([layer]))
        getattr(graph.nodes["layer0"], field)[1] += 0.25
        with pytest.raises(
            ValueError, match=rf"\(CubaLIF\): {word} must be the same in the metadata and in the arrays"
        ):
            nir.from_graph(graph)
