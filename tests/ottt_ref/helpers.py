"""Networks, inputs and comparisons that many tests share."""

import pkgutil
from itertools import product

import numpy as np

import ottt_ref as ot

NOT_HERE = ("ottt_ref.__main__", "ottt_ref.conformance.peers.")  # the command; adapters, each of which is an extra
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(ot.__path__, "ottt_ref.") if not module.name.startswith(NOT_HERE)
)
METHODS = {name.replace("-", "_"): method.gradients for name, method in ot.methods.METHODS.items()}
IN_TIME = [name for name in METHODS if name != "spike_representation"]  # those that go through the time steps
LIGHT = [name for name in METHODS if name != "rtrl"]  # those whose state holds no number per parameter and neuron
OPTIONS = [
    (name.replace("-", "_"), dict(zip(method.options, values)))
    for name, method in ot.methods.METHODS.items()
    for values in product(*(option.choices for option in method.options.values()))
]
OPTION_NAMES = ["-".join((method, *options.values())) for method, options in OPTIONS]
RESETS = ("soft", "hard", "unleaked")
READOUTS = ("linear", "spiking", "leaky")
DTYPES = (np.float64, np.float32, object)


def eighths(rng, low, high, shape):
    """Random multiples of 1/8 in [low, high]: sums and products of a few of them are exact floats."""
    return rng.integers(8 * low, 8 * high, size=shape, endpoint=True) / 8


def dyadic_network(
    seed, *, reset="soft", readout="linear", surrogate=None, decays=(0.5, 0.5, 0.5), thresholds=(1.0, 1.0, 1.0)
):
    """A live 3-4-3-2 network (the last layer its readout) with parameters in eighths, v_reset = -1/4."""
    rng = np.random.default_rng(seed)
    surrogate = ot.surrogate.Triangle(width=2.0, height=0.5) if surrogate is None else surrogate
    sizes = (3, 4, 3, 2)
    layers = []
    for fan_in, fan_out, decay, threshold in zip(sizes, sizes[1:], decays, thresholds):
        synapses = ot.Dense(eighths(rng, -1, 2, (fan_out, fan_in)), eighths(rng, -0.25, 0.25, fan_out))
        layers.append(ot.Layer(synapses, ot.LIF(decay, threshold, reset, surrogate, -0.25)))
    if readout != "spiking":
        layers[-1] = ot.Layer(layers[-1].synapses, ot.Integrator(decays[-1] if readout == "leaky" else 0.0))
    return ot.Network(layers)


def dyadic_sequence(seed, *, time_steps=4, batch_size=2, inputs=3):
    """Inputs [T, B, n_in] in eighths and one-hot targets [B, 2]."""
    rng = np.random.default_rng(seed)
    targets = np.eye(2)[np.arange(batch_size) % 2]
    return eighths(rng, 0, 1, (time_steps, batch_size, inputs)), targets


def random_network(rng, sizes, reset, readout):
    """Layers of those sizes, each with a decay, a threshold, a surrogate and biases of its own, v_reset < 0."""
    surrogates = (
        ot.surrogate.Sigmoid(rng.uniform(2, 5)),
        ot.surrogate.Arctan(rng.uniform(1, 3)),
        ot.surrogate.Triangle(rng.uniform(2, 4), rng.uniform(0.3, 1)),
        ot.surrogate.MultiGaussian(rng.uniform(0.5, 1)),
    )
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        synapses = ot.Dense(rng.normal(0.3, 1, (fan_out, fan_in)), rng.normal(0.1, 0.1, fan_out))
        decay, threshold, reset_potential = rng.uniform((0.2, 0.6, -0.5), (0.95, 1.4, -0.1)).tolist()
        layers.append(ot.Layer(synapses, ot.LIF(decay, threshold, reset, rng.choice(surrogates), reset_potential)))
    if readout != "spiking":
        layers[-1] = ot.Layer(layers[-1].synapses, ot.Integrator(0.6 if readout == "leaky" else 0.0))
    return ot.Network(layers)


def random_case(seed, depth, reset, readout, dtype=np.float64):
    """A live network of `depth` spiking layers, inputs and targets, drawn until no branch hangs on a rounding."""
    rng = np.random.default_rng([seed, depth, RESETS.index(reset), READOUTS.index(readout)])
    for _ in range(1000):
        sizes = rng.integers(2, 5, size=depth + 1 + (readout != "spiking"))
        network = random_network(rng, sizes, reset, readout).astype(dtype)
        inputs = rng.random((rng.integers(3, 6), rng.integers(2, 4), sizes[0])).astype(dtype)
        targets = rng.dirichlet(np.ones(sizes[-1]), size=inputs.shape[1]).astype(dtype)
        if _is_live(network, inputs) and _decided(network, inputs):
            return network, inputs, targets
    raise AssertionError("no live network in 1000 draws")


def _is_live(network, inputs):
    return all(0 < spikes.mean() < 1 for spikes in ot.simulate(network, inputs).spikes)


def _decided(network, inputs, margin=1e-3):
    """Every potential lies away from its threshold, and every rate's current from 0 and the threshold."""
    activity = ot.simulate(network, inputs)
    measured, closed = (
        ot.spike_representation.rates_of(network, inputs, rates)[0] for rates in ot.spike_representation.RATES
    )
    one = network.bias_input
    for l, layer in enumerate(network.layers[: network.spiking_layers]):
        threshold = layer.neuron.threshold
        currents = np.stack([layer.synapses.forward(values[l], one) for values in (measured, closed)])
        distances = [activity.potentials[l] - threshold, currents, currents - threshold]
        if min(np.abs(distance).min() for distance in distances) < margin:
            return False
    return True


def assert_alive(network, inputs):
    """Every spiking layer has a neuron that fires and one that does not, and not all ψ are 0."""
    activity = ot.simulate(network, inputs)
    for l, (spikes, psi) in enumerate(zip(activity.spikes, activity.surrogate_derivatives)):
        assert np.any(spikes == 1), f"layer {l} is silent"
        assert np.any(spikes == 0), f"layer {l} is saturated"
        assert np.any(psi != 0), f"layer {l} passes no gradient"


def assert_nonzero(gradients):
    """No parameter's gradient is zero everywhere."""
    for name, value in gradients.items():
        assert np.any(value != 0), f"the gradient of {name} is zero"


def content(gradients):
    """Everything in a result, by name, as arrays: loss, outputs, gradients and, if recorded, terms and errors."""
    arrays = {"loss": np.asarray(gradients.loss), "outputs": gradients.outputs, **gradients}
    for name, term in (gradients.terms or {}).items():
        arrays[f"terms of {name}"] = term
    for l, error in enumerate(gradients.errors or ()):
        arrays[f"errors of layer {l}"] = error
    return arrays


def bits(arrays):
    """The bytes of arrays by name; object arrays of Python floats as float64."""
    return {name: np.asarray(value, dtype=_plain(value.dtype)).tobytes() for name, value in arrays.items()}


def _plain(dtype):
    return np.float64 if dtype.hasobject else dtype


def assert_close(got, expected, tolerance):
    """Each array within `tolerance` times its own largest entry."""
    assert got.keys() == expected.keys()
    for name, value in got.items():
        wanted = np.asarray(expected[name], dtype=np.float64)
        assert value.shape == wanted.shape, name
        np.testing.assert_allclose(value, wanted, rtol=0, atol=tolerance * np.abs(wanted).max(), err_msg=name)
