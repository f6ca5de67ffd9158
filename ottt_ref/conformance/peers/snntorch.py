"""snnTorch as a backend: its Leaky neurons and surrogates in an explicit loop over time, BPTT alone.

    Leaky, and Synaptic for CubaLIF; numbers of each neuron are tensors.

    reset_mechanism "subtract"   u[t] = λ u[t-1] - V_th s[t-1] + I[t], what the reference calls "unleaked"; at λ = 1
                                 that is the soft reset as well
                    "zero"       the hard reset to 0
                    "none"       a leaky readout

It fires on a strict u > V_th, always detaches the reset, and its spikes are single precision whatever the potential is.
"""

from . import graph as graphs
from . import installed
from .soft_spikes import derivative, primitive_of

torch = installed("torch")
nn = torch.nn
snn = installed("snntorch")
surrogate = installed("snntorch.surrogate")

methods = ("forward", "bptt")
OWN = ("decay", "current_decay", "threshold")  # numbers that it takes of each neuron


class Neurons(nn.Module):
    """Leaky neurons, and their spikes in the precision of the current."""

    def __init__(self, leaky):
        super().__init__()
        self.leaky = leaky

    def forward(self, current):
        spikes, self.potential = self.leaky(current)
        return spikes.to(current.dtype)


class Currents(Neurons):
    """Neurons with a synaptic current, and their spikes in the precision of that."""

    def forward(self, current):
        spikes, self.current, self.potential = self.leaky(current)
        return spikes.to(current.dtype)


class Readout(Neurons):
    """Leaky neurons without a reset, and their potential."""

    def forward(self, current):
        _, self.potential = self.leaky(current)
        return self.potential


def surrogate_of(description):
    """Its surrogate for a case's; of what it has no name for, one of its custom surrogates."""
    if description["type"] == "Sigmoid":
        return surrogate.sigmoid(description["alpha"])
    if description["type"] == "Arctan":
        return surrogate.atan(description["alpha"])
    if description["type"] == "FastSigmoid" and description["height"] == 1:
        return surrogate.fast_sigmoid(description["slope"])
    primitive = primitive_of(description)
    return surrogate.custom_surrogate(lambda z, gradient, spikes: gradient * derivative(primitive, z))


def neuron_of(description, shape, dtype):
    """Its neurons for a case's. Raises NotImplementedError, which names the convention, where it has none."""
    learned = [name for name, value in description.items() if isinstance(value, str) and name in OWN]
    if learned:
        raise NotImplementedError(f"a learned {' and '.join(learned)}: the adapter reads its weights alone")
    numbers = {name: tensor_of(description[name], shape, dtype) for name in OWN if name in description}
    decay = numbers["decay"]  # a Python float would be rounded to single precision
    if description["type"] == "Integrator":
        return nn.Identity() if description["decay"] == 0 else Readout(snn.Leaky(decay, reset_mechanism="none"))
    threshold = numbers["threshold"].reshape(-1) if numbers["threshold"].ndim == 0 else numbers["threshold"]
    options = {"spike_grad": surrogate_of(description["surrogate"]), "reset_mechanism": mechanism_of(description)}
    if description["type"] == "CubaLIF":
        if description["reset"] == "hard":
            raise NotImplementedError("a hard reset of a current that leaks: what arrives with the reset is lost")
        return Currents(snn.Synaptic(numbers["current_decay"], decay, threshold, **options))
    return Neurons(snn.Leaky(decay, threshold, **options))


def tensor_of(value, shape, dtype):
    """A number, or numbers of each channel or neuron, as a tensor that goes with [B, *shape]."""
    tensor = torch.tensor(value, dtype=dtype)
    return tensor if tensor.ndim == 0 else tensor.reshape(*tensor.shape, *(1 for _ in shape[tensor.ndim :]))


def mechanism_of(description):
    """Its name for a reset. Raises NotImplementedError where it has none."""
    reset, potential = description["reset"], description["reset_potential"]
    if reset == "unleaked" or (reset == "soft" and description["decay"] == 1.0):
        return "subtract"
    if reset == "soft":
        raise NotImplementedError("a soft reset that leaks: it subtracts the threshold after the leak")
    if potential != 0:
        raise NotImplementedError(f"a hard reset to {potential}: it resets to 0")
    return "zero"


def adapter(case, method):
    """Run a case by snnTorch (`ottt_ref.conformance.adapter`)."""
    if method == "bptt-kept":
        raise NotImplementedError("a reset whose gradient is kept: it detaches it")
    if method not in methods:
        raise NotImplementedError(f"the method {method}")
    if case.margin == 0:
        raise NotImplementedError("a spike at the threshold itself: it fires above it")
    if method == "bptt" and case.dtype == "float64":
        raise NotImplementedError("gradients in float64: spikes, and the errors at them, are float32")
    return run(case, method)


def run(case, method):
    """The adapter without its scruples about precision and spikes at the threshold."""
    dtype = getattr(torch, str(case.dtype))
    shapes = case.network.shapes
    neurons = [neuron_of(each["neuron"], *own, dtype) for each, *own in zip(case.entry["network"]["layers"], shapes)]
    graph = graphs.Graph(case, neurons)
    if method == "bptt":
        return graphs.through_time(case, graph)
    return graphs.forward(case, graph, lambda neuron, output: getattr(neuron, "potential", output))


adapter.methods = methods
adapter.features = ("numbers of each neuron", "currents that leak")
