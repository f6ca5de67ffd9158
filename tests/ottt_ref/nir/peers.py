"""Networks in snnTorch, SpikingJelly and Norse: what they export to NIR, and what their neurons do on the same inputs.

    python -m tests.ottt_ref.nir.peers FOLDER [NAME ...]

writes them anew: NAME.nir, and NAME.npz with the inputs [T, B, ...] and what each layer of neurons gives, [T, B, ...].
Graphs of the cases norse_reads_* are made here, and Norse computes with what it reads of them; the potentials of its
membranes after the reset are in the .npz, too. It needs snntorch, spikingjelly, norse, nir and nirtorch. What lies in
tests/data/nir was written so, by the versions in VERSIONS.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .graphs import braille, leaking, two_neurons

VERSIONS = "snntorch 1.0.0, spikingjelly 2.0.0, norse 1.1.0, torch 2.13.0, nir 1.0.8, nirtorch 2.6, h5py 3.16.0"
TIME_STEPS, BATCH = 40, 3


@dataclass(frozen=True)
class Case:
    """Which tool makes it, what `read` must be told, how strong its inputs are, and the v_leak of its readout."""

    tool: str
    options: dict
    shape: tuple = (4,)
    strength: float = 1.2
    leak: float = 0.0


SNNTORCH, NORSE = {"dt": 1e-4}, {"dt": 1e-6, "input_shape": (4,)}
SPIKINGJELLY, READ = {"dt": 1e-4, "reset": "hard"}, {"dt": 1e-3, "reset": "hard"}
CASES = {
    "snntorch_subtract": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}),
    "snntorch_zero": Case("snntorch", {**SNNTORCH, "reset": "hard"}),
    "snntorch_no_delay": Case("snntorch", {**SNNTORCH, "reset": "soft"}, strength=0.3),
    "snntorch_recurrent": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}),
    "snntorch_convolution": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}, shape=(1, 6, 6)),
    "norse_box": Case("norse", {**NORSE, "reset": "hard"}, strength=4.0),
    "norse_box_subtract": Case("norse", {**NORSE, "reset": "soft"}, strength=4.0),
    "norse_integrate": Case("norse", {**NORSE, "dt": 1.0, "reset": "hard"}),
    "norse_leak": Case("norse", {**NORSE, "reset": "hard"}, strength=4.0, leak=0.5),
    "spikingjelly_leak": Case("spikingjelly", SPIKINGJELLY, strength=2.0),
    "snntorch_each": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}),
    "snntorch_channels": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}, shape=(1, 6, 6)),
    "snntorch_synapses": Case("snntorch", {**SNNTORCH, "reset": "hard"}, strength=0.5),
    "snntorch_recurrent_synapses": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}, strength=0.5),
    "spikingjelly_synapses": Case("spikingjelly", SPIKINGJELLY, strength=0.5),
    "norse_reads_leak": Case("norse_reads", READ, strength=4.0),
    "norse_reads_braille": Case("norse_reads", {"dt": 1e-4, "reset": "hard"}, shape=(12,), strength=0.5),
    "norse_reads_two": Case("norse_reads", READ, shape=(1,)),
}


def make(name):
    """The graph, the inputs, what each layer of the tool's neurons gives, and of norse_reads its potentials."""
    import torch

    case = CASES[name]
    torch.manual_seed(list(CASES).index(name))
    rng = np.random.default_rng(list(CASES).index(name))
    inputs = rng.normal(0.5, case.strength, (TIME_STEPS, BATCH, *case.shape)).astype(np.float32)
    tools = {"snntorch": _snntorch, "norse": _norse, "spikingjelly": _spikingjelly, "norse_reads": _norse_reads}
    return tools[case.tool](name, torch.from_numpy(inputs))


def _snntorch(name, inputs):
    import snntorch
    import torch
    from snntorch.export_nir import export_to_nir

    def leaky(shape, beta, threshold=0.7, kind=snntorch.Leaky, **options):
        numbers = {
            "beta": torch.full(shape, beta),
            "threshold": torch.full(shape, threshold),
        }  # one would have no shape
        return kind(**numbers, init_hidden=True, **options)

    def spread(*numbers):
        return torch.tensor(numbers, dtype=torch.float32)

    def synaptic(size, kind=snntorch.Synaptic, **options):
        decays = {"alpha": torch.linspace(0.3, 0.6, size), "beta": torch.linspace(0.5, 0.8, size)}
        return kind(**decays, threshold=torch.linspace(0.5, 1.0, size), init_hidden=True, **options)

    options = {"snntorch_zero": {"reset_mechanism": "zero"}, "snntorch_no_delay": {"reset_delay": False}}.get(name, {})
    layers = [torch.nn.Linear(4, 8), leaky((8,), 0.9, **options)]
    if name == "snntorch_recurrent":
        layers = [torch.nn.Linear(4, 8), leaky((8,), 0.9, kind=snntorch.RLeaky, linear_features=8)]
    if name == "snntorch_convolution":
        layers = [torch.nn.Conv2d(1, 2, 3, padding=1), leaky((2, 6, 6), 0.9), torch.nn.AvgPool2d(2), torch.nn.Flatten()]
    if name == "snntorch_each":
        each = {"beta": torch.linspace(0.3, 0.95, 8), "threshold": torch.linspace(0.5, 0.9, 8)}
        layers = [torch.nn.Linear(4, 8), snntorch.Leaky(**each, init_hidden=True)]
    if name == "snntorch_channels":
        each = {"beta": spread(0.9, 0.5), "threshold": spread(0.7, 0.4)}
        each = {name: values.reshape(2, 1, 1).expand(2, 6, 6) for name, values in each.items()}
        layers = [torch.nn.Conv2d(1, 2, 3, padding=1), snntorch.Leaky(**each, init_hidden=True)]
        layers += [torch.nn.AvgPool2d(2), torch.nn.Flatten()]
    if name == "snntorch_synapses":
        layers = [torch.nn.Linear(4, 8), synaptic(8, reset_mechanism="zero", reset_delay=False)]
        options = {"reset_mechanism": "zero", "reset_delay": False}
    if name == "snntorch_recurrent_synapses":
        layers = [torch.nn.Linear(4, 8), synaptic(8, snntorch.RSynaptic, linear_features=8)]
    width = 18 if name in ("snntorch_convolution", "snntorch_channels") else 8
    layers += [torch.nn.Linear(width, 5, bias=False), leaky((5,), 0.6, 0.4 if options else 0.2, **options)]
    kinds = (snntorch.Leaky, snntorch.RLeaky, snntorch.Synaptic, snntorch.RSynaptic)
    outputs, record = _recorded([layer for layer in layers if isinstance(layer, kinds)])
    net = torch.nn.Sequential(*layers)
    for step in inputs:
        net(step)
    graph = export_to_nir(net, inputs[0, :1], ignore_dims=[0])
    return graph, inputs.numpy(), record(outputs)


def _norse(name, inputs):
    import norse.torch as norse
    import torch
    from norse.torch.functional.reset import reset_subtract, reset_value

    def numbers(size, **values):
        return {key: torch.full((size,), value) for key, value in values.items()}

    def box(size):
        reset = reset_subtract if name == "norse_box_subtract" else reset_value
        constants = numbers(size, tau_mem_inv=100.0, v_leak=0.0, v_th=0.2, v_reset=0.0)
        if name == "norse_leak":
            constants |= numbers(size, v_leak=-0.3)
        return norse.LIFBoxCell(norse.LIFBoxParameters(**constants, reset_method=reset))

    def integrate(size):
        return norse.IAFCell(norse.IAFParameters(**numbers(size, v_th=1.0, v_reset=0.0)))

    readout = norse.LIBoxCell(norse.LIBoxParameters(**numbers(5, tau_mem_inv=200.0, v_leak=CASES[name].leak)))
    cells = [integrate(8), integrate(5)] if name == "norse_integrate" else [box(8), readout]
    net = norse.SequentialState(torch.nn.Linear(4, 8), cells[0], torch.nn.Linear(8, 5), cells[1])
    outputs, record = _recorded(cells)
    state = None
    for step in inputs:
        _, state = net(step, state)
    return norse.to_nir(net, inputs[0, :1]), inputs.numpy(), record(outputs)


def _spikingjelly(name, inputs):
    import torch
    from spikingjelly.activation_based import functional, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    cells = [
        neuron.LIFNode(tau=4.0, decay_input=True, v_threshold=0.3, v_reset=-0.2),
        neuron.LIFNode(tau=2.0, decay_input=False, v_threshold=0.25, v_reset=0.1),
    ]
    if name == "spikingjelly_synapses":
        cells = [
            neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, v_threshold=0.8, v_reset=0.0),
            neuron.CUBALIFNode(c_decay=0.25, v_decay=0.5, v_threshold=0.4, v_reset=0.0),
        ]
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), cells[0], torch.nn.Linear(8, 5), cells[1])
    outputs, record = _recorded(cells)
    with torch.no_grad():
        for step in inputs:
            net(step)
    functional.reset_net(net)
    return export_to_nir(net, inputs[0, :1], dt=1e-4), inputs.numpy(), record(outputs)


def _norse_reads(name, inputs):
    import norse.torch as norse
    import torch

    graph = {"norse_reads_braille": braille, "norse_reads_leak": leaking, "norse_reads_two": two_neurons}[name]()
    if name == "norse_reads_two":  # which fires by itself
        inputs = 0 * inputs
    net = norse.from_nir(graph, ignore_warnings=True, dt=CASES[name].options["dt"])
    membranes = [module for module in net.modules() if type(module).__name__ == "LIFBoxCell"]
    outputs, record = _recorded(membranes)
    volts = [[] for _ in membranes]
    for membrane, values in zip(membranes, volts):
        membrane.register_forward_hook(lambda module, given, output, values=values: values.append(output[1].v))
    state = None
    with torch.no_grad():
        for step in inputs:
            _, state = net(step, state)
    spikes = record(outputs)
    return graph, inputs.numpy(), spikes, [np.stack([value.numpy() for value in values]) for values in volts]


def _recorded(layers):
    """Lists that fill with what the layers give, and a function that turns them into arrays [T, B, ...]."""
    outputs = [[] for _ in layers]
    hooks = []
    for layer, values in zip(layers, outputs):
        hooks.append(layer.register_forward_hook(lambda module, given, output, values=values: values.append(output)))

    def record(outputs):
        for hook in hooks:
            hook.remove()
        first = [
            [value[0] if isinstance(value, tuple) else value for value in values[:TIME_STEPS]] for values in outputs
        ]
        return [np.stack([value.detach().numpy() for value in values]) for values in first]

    return outputs, record


def write(folder, names=tuple(CASES)):
    """Write cases, all if none are named, to a folder."""
    import nir

    for name in names:
        graph, inputs, outputs, *volts = make(name)
        nir.write(Path(folder) / f"{name}.nir", graph, compression=None)  # which would double these small files
        arrays = {f"outputs{l}": values for l, values in enumerate(outputs)}
        arrays |= {f"volts{l}": values for found in volts for l, values in enumerate(found)}
        np.savez_compressed(Path(folder) / f"{name}.npz", inputs=inputs, **arrays)


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2:] or tuple(CASES))
