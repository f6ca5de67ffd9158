"""Networks in snnTorch and Norse: what they export to NIR, and what their neurons do on the same inputs.

    python -m tests.ottt_ref.nir.peers FOLDER

writes them anew: NAME.nir, and NAME.npz with the inputs [T, B, ...] and what each layer of neurons gives, [T, B, ...].
It needs snntorch, norse, nir and nirtorch. What lies in tests/data/nir was written so, by the versions in VERSIONS.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VERSIONS = "snntorch 1.0.0, norse 1.1.0, torch 2.13.0, nir 1.0.8, nirtorch 2.6, h5py 3.16.0"
TIME_STEPS, BATCH = 40, 3


@dataclass(frozen=True)
class Case:
    """Which tool makes it, what `read` must be told, and how strong its inputs are."""

    tool: str
    options: dict
    shape: tuple = (4,)
    strength: float = 1.2


SNNTORCH, NORSE = {"dt": 1e-4}, {"dt": 1e-6, "input_shape": (4,)}
CASES = {
    "snntorch_subtract": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}),
    "snntorch_zero": Case("snntorch", {**SNNTORCH, "reset": "hard"}),
    "snntorch_no_delay": Case("snntorch", {**SNNTORCH, "reset": "soft"}, strength=0.3),
    "snntorch_recurrent": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}),
    "snntorch_convolution": Case("snntorch", {**SNNTORCH, "reset": "unleaked"}, shape=(1, 6, 6)),
    "norse_box": Case("norse", {**NORSE, "reset": "hard"}, strength=4.0),
    "norse_box_subtract": Case("norse", {**NORSE, "reset": "soft"}, strength=4.0),
    "norse_integrate": Case("norse", {**NORSE, "dt": 1.0, "reset": "hard"}),
}


def make(name):
    """The graph that the tool exports, the inputs, and the outputs of each layer of its neurons."""
    import torch

    case = CASES[name]
    torch.manual_seed(list(CASES).index(name))
    rng = np.random.default_rng(list(CASES).index(name))
    inputs = rng.normal(0.5, case.strength, (TIME_STEPS, BATCH, *case.shape)).astype(np.float32)
    return (_snntorch if case.tool == "snntorch" else _norse)(name, torch.from_numpy(inputs))


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

    options = {"snntorch_zero": {"reset_mechanism": "zero"}, "snntorch_no_delay": {"reset_delay": False}}.get(name, {})
    layers = [torch.nn.Linear(4, 8), leaky((8,), 0.9, **options)]
    if name == "snntorch_recurrent":
        layers = [torch.nn.Linear(4, 8), leaky((8,), 0.9, kind=snntorch.RLeaky, linear_features=8)]
    if name == "snntorch_convolution":
        layers = [torch.nn.Conv2d(1, 2, 3, padding=1), leaky((2, 6, 6), 0.9), torch.nn.AvgPool2d(2), torch.nn.Flatten()]
    width = 18 if name == "snntorch_convolution" else 8
    layers += [torch.nn.Linear(width, 5, bias=False), leaky((5,), 0.6, 0.4 if options else 0.2, **options)]
    outputs, record = _recorded([layer for layer in layers if isinstance(layer, snntorch.Leaky | snntorch.RLeaky)])
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
        return norse.LIFBoxCell(norse.LIFBoxParameters(**constants, reset_method=reset))

    def integrate(size):
        return norse.IAFCell(norse.IAFParameters(**numbers(size, v_th=1.0, v_reset=0.0)))

    readout = norse.LIBoxCell(norse.LIBoxParameters(**numbers(5, tau_mem_inv=200.0, v_leak=0.0)))
    cells = [integrate(8), integrate(5)] if name == "norse_integrate" else [box(8), readout]
    net = norse.SequentialState(torch.nn.Linear(4, 8), cells[0], torch.nn.Linear(8, 5), cells[1])
    outputs, record = _recorded(cells)
    state = None
    for step in inputs:
        _, state = net(step, state)
    return norse.to_nir(net, inputs[0, :1]), inputs.numpy(), record(outputs)


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


def write(folder):
    """Write all cases to a folder."""
    import nir

    for name in CASES:
        graph, inputs, outputs = make(name)
        nir.write(Path(folder) / f"{name}.nir", graph, compression=None)  # which would double these small files
        arrays = {f"outputs{l}": values for l, values in enumerate(outputs)}
        np.savez_compressed(Path(folder) / f"{name}.npz", inputs=inputs, **arrays)


if __name__ == "__main__":
    write(sys.argv[1])
