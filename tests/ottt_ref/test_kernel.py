"""One source, two ways to run it: the compiled and the uncompiled run of every kernel give the same bits."""

import importlib
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import ottt_ref
from ottt_ref import kernel_cache
from ottt_ref.kernel import kernel
from ottt_ref.network.operations.windows import seen_by

from .helpers import MODULES


def all_kernels():
    """Every kernel of the package, as "module.name", the module without its packages."""
    values = [value for name in MODULES for value in vars(importlib.import_module(name)).values()]
    kernels = [value for value in values if hasattr(value, "source") and hasattr(value, "compiled")]
    return {f"{k.source.__module__.rpartition('.')[2]}.{k.source.__name__}": k for k in kernels}


class Draw:
    """Random arrays of one dtype; B = 2 samples, 3 presynaptic and 4 postsynaptic neurons, P = 20 parameters."""

    def __init__(self, dtype, seed):
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype

    def array(self, *shape):
        return self.rng.normal(size=shape).astype(self.dtype)

    def spikes(self, *shape):
        return self.rng.integers(0, 2, size=shape).astype(self.dtype)

    def constants(self):
        """λ, V_th, v_reset."""
        return np.array([self.rng.random(), 0.5 + self.rng.random(), -self.rng.random()], dtype=self.dtype)

    def constants_of_each(self):
        """λ, V_th, v_reset of each of 4 neurons."""
        return np.stack([self.constants() for _ in range(4)], axis=1)

    def neurons(self):
        return self.array(2, 4)

    def images(self, channels, height, width=None):
        return self.array(2, channels, height, width or height)

    def parameters(self, surrogate):
        return surrogate._typed_parameters(np.empty(0, dtype=self.dtype))


def surrogate_cases(kind):
    return lambda draw: [[draw.array(40), draw.array(40), draw.parameters(kind())]]


def membrane_cases(draw, constants=Draw.constants):
    return [
        [*(draw.neurons() for _ in range(2)), draw.spikes(2, 4), draw.neurons(), constants(draw), reset, kept]
        for reset in range(3)
        for kept in (False, True)
    ]


ARGUMENTS = {
    "bptt.backpropagate": lambda draw: [[draw.neurons() for _ in range(4)]],
    "convolution.convolve": lambda draw: [
        [draw.array(2, 4, 6), draw.array(4, 5), draw.array(4), draw.array(2, groups, 5, 6), draw.array(1)]
        for groups in (1, 2)
    ],
    "convolution.convolve_adjoint": lambda draw: [
        [seen_by((2, 3), draw.images(3, 5, 6), 2, 1), draw.array(5, 3, 2, 3), draw.images(5, 2), 1],
        [seen_by((2, 2), draw.images(2, 5, 6), (3, 2), (1, 3)), draw.array(4, 1, 2, 2), draw.images(4, 2), 2],
    ],
    "convolution.convolve_gradients": lambda draw: [
        [draw.array(4, 5), draw.array(4), draw.array(2, 4, 6), draw.array(2, groups, 6, 5), draw.array(1)]
        for groups in (1, 2)
    ],
    "finite.all_finite": lambda draw: [[draw.array(9)]],
    "losses.cross_entropy": lambda draw: [[draw.array(9), *(draw.array(9, 4) for _ in range(3))]],
    "losses.weigh": lambda draw: [[draw.array(9), draw.array(9, 4), draw.array(9)]],
    "regularisers.mean_rate": lambda draw: [[draw.array(2), draw.neurons(), draw.spikes(2, 4), draw.constants()]],
    "regularisers.mean_distance": lambda draw: [[draw.array(2), draw.neurons(), draw.spikes(2, 4), draw.constants()]],
    "losses.squared_error": lambda draw: [
        [draw.array(9), *(draw.array(9, 4) for _ in range(3)), np.array([4], dtype=draw.dtype)]
    ],
    "neurons.leaky_accumulate": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants()[:1]]],
    "neurons.integrate": lambda draw: [
        [draw.neurons(), draw.spikes(2, 4), draw.neurons(), draw.constants(), reset] for reset in range(3)
    ],
    "each.leaky_accumulate_each": lambda draw: [[draw.neurons(), draw.neurons(), draw.array(4)]],
    "each.integrate_each": lambda draw: [
        [draw.neurons(), draw.spikes(2, 4), draw.neurons(), draw.constants_of_each(), reset] for reset in range(3)
    ],
    "each.fire_each": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants_of_each()]],
    "each.distance_to_threshold_each": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants_of_each()]],
    "each.membrane_jacobian_each": lambda draw: membrane_cases(draw, Draw.constants_of_each),
    "each.reset_jacobian_each": lambda draw: [
        [draw.neurons(), draw.neurons(), draw.constants_of_each(), reset] for reset in range(3)
    ],
    "each.decay_derivative": lambda draw: [
        [draw.neurons(), draw.neurons(), draw.spikes(2, 4), draw.constants_of_each(), reset] for reset in range(3)
    ],
    "each.threshold_derivative": lambda draw: [
        [draw.neurons(), draw.spikes(2, 4), draw.constants_of_each(), reset] for reset in range(3)
    ],
    "per_neuron.add_shared": lambda draw: [[draw.array(3), draw.neurons(), np.array([0, 2, 2, 1])]],
    "per_neuron.only_of_group": lambda draw: [[draw.neurons(), draw.neurons(), np.array([0, 1, 1, 0]), 1]],
    "neurons.fire": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants()]],
    "neurons.distance_to_threshold": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants()]],
    "neurons.membrane_jacobian": membrane_cases,
    "channel_scale.scale_channels": lambda draw: [
        [*(draw.array(2, 4, 3) for _ in range(2)), draw.array(4), draw.array(4), draw.array(1)]
    ],
    "channel_scale.scale_channels_adjoint": lambda draw: [[*(draw.array(2, 4, 3) for _ in range(2)), draw.array(4)]],
    "scale.multiply": lambda draw: [[draw.neurons(), draw.neurons(), draw.array(1)]],
    "dropout.apply_mask": lambda draw: [[draw.array(6, 4), draw.array(6, 4), draw.neurons()]],
    "pooling.average_pool": lambda draw: [[draw.images(3, 2), draw.images(3, 5, 6), (3, 2), (2, 3), draw.array(1)]],
    "pooling.average_pool_adjoint": lambda draw: [
        [draw.images(3, 5, 6), draw.images(3, 2), (3, 2), (2, 3), draw.array(1)]
    ],
    "max_pooling.max_pool": lambda draw: [[draw.images(3, 2), draw.images(3, 5, 6), (3, 2), (2, 3), (1, 0)]],
    "max_pooling.max_pool_adjoint": lambda draw: [
        [draw.images(3, 5, 6), draw.images(3, 2), draw.images(3, 5, 6), (3, 2), (2, 3), (1, 0)]
    ],
    "upsampling.upsample": lambda draw: [[draw.images(3, 4, 6), draw.images(3, 2), (2, 3)]],
    "upsampling.upsample_adjoint": lambda draw: [[draw.images(3, 2), draw.images(3, 4, 6), (2, 3)]],
    "rtrl.multiply_rows": lambda draw: [[draw.array(20, 2, 4), draw.neurons(), draw.array(20, 2, 4)]],
    "rtrl.add_through_row": lambda draw: [[draw.array(20, 2, 4), draw.array(2, 3), draw.array(20, 2, 3), 1]],
    "rtrl.add_output_gradient": lambda draw: [[draw.array(20), draw.neurons(), draw.array(20, 2, 4)]],
    "skip_init.add_products": lambda draw: [[draw.array(1), draw.neurons(), draw.neurons()]],
    "errors.gate": lambda draw: [[draw.neurons() for _ in range(3)]],
    "trace.filter_step": lambda draw: [
        [
            draw.neurons(),
            draw.array(2, 2, 4),
            draw.neurons(),
            draw.array(2, 2),
            draw.array(2),
            draw.array(2),
            draw.array(2) * 0,
        ]
    ],
    "trace.filter_step_each": lambda draw: [
        [
            draw.neurons(),
            draw.array(2, 2, 4),
            draw.neurons(),
            draw.array(2, 2, 4),
            draw.array(2),
            draw.array(2),
            draw.array(2) * 0,
        ]
    ],
    "spike_representation.clamp": lambda draw: [[draw.neurons(), draw.neurons(), draw.constants()[1:2]]],
    "spike_representation.clamp_each": lambda draw: [[draw.neurons(), draw.neurons(), 0.5 + abs(draw.array(4))]],
    "spike_representation.clamp_gate_each": lambda draw: [
        [*(draw.neurons() for _ in range(3)), 0.5 + abs(draw.array(4))]
    ],
    "spike_representation.threshold_gradient": lambda draw: [
        [*(draw.neurons() for _ in range(3)), 0.5 + abs(draw.array(4))]
    ],
    "spike_representation.clamp_gate": lambda draw: [[*(draw.neurons() for _ in range(3)), draw.constants()[1:2]]],
    "dense.dense_forward": lambda draw: [
        [draw.neurons(), draw.array(3, 4), draw.array(4), draw.array(2, 3), draw.array(1)]
    ],
    "dense.dense_adjoint": lambda draw: [[draw.array(2, 3), draw.array(4, 3), draw.neurons()]],
    "dense.dense_gradients": lambda draw: [
        [draw.array(4, 3), draw.array(4), draw.neurons(), draw.array(2, 3), draw.array(1)]
    ],
    "weight_standardisation.standardise": lambda draw: [[draw.neurons(), np.zeros(2), draw.neurons(), 1e-4]],
    "weight_standardisation.apply_gain": lambda draw: [[draw.neurons(), draw.neurons(), draw.array(2)]],
    "weight_standardisation.standardisation_gradients": lambda draw: [
        [
            draw.neurons(),
            draw.array(2),
            draw.neurons(),
            draw.neurons(),
            np.abs(draw.array(2)).astype(np.float64),
            draw.array(2),
        ]
    ],
    "surrogate.sigmoid_derivative": surrogate_cases(ottt_ref.network.surrogate.Sigmoid),
    "surrogate.sigmoid_primitive": surrogate_cases(ottt_ref.network.surrogate.Sigmoid),
    "surrogate.arctan_derivative": surrogate_cases(ottt_ref.network.surrogate.Arctan),
    "surrogate.arctan_primitive": surrogate_cases(ottt_ref.network.surrogate.Arctan),
    "surrogate.triangle_derivative": surrogate_cases(ottt_ref.network.surrogate.Triangle),
    "surrogate.triangle_primitive": surrogate_cases(ottt_ref.network.surrogate.Triangle),
    "surrogate.rectangle_derivative": surrogate_cases(ottt_ref.network.surrogate.Rectangle),
    "surrogate.rectangle_primitive": surrogate_cases(ottt_ref.network.surrogate.Rectangle),
    "surrogate.fast_sigmoid_derivative": surrogate_cases(ottt_ref.network.surrogate.FastSigmoid),
    "surrogate.fast_sigmoid_primitive": surrogate_cases(ottt_ref.network.surrogate.FastSigmoid),
    "surrogate.multi_gaussian_derivative": surrogate_cases(ottt_ref.network.surrogate.MultiGaussian),
    "surrogate.multi_gaussian_primitive": surrogate_cases(ottt_ref.network.surrogate.MultiGaussian),
}


def after(run, arguments):
    """What the run returned, and the bytes of every array after it."""
    arguments = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    returned = run(*arguments)
    return [returned, *(argument.tobytes() for argument in arguments if isinstance(argument, np.ndarray))]


def test_every_kernel_has_arguments_here():
    assert set(ARGUMENTS) == set(all_kernels())


def test_no_kernel_hides_where_it_is_not_looked_for():
    """In a class or a function, or under another decorator: every @kernel and every njit in the sources is known."""
    package = Path(ottt_ref.__path__[0])
    paths = [path for path in package.rglob("*.py") if package / "fast" not in path.parents]  # whose kernels are others
    sources = [path.read_text(encoding="utf-8") for path in paths]
    assert sum(len(re.findall(r"^\s*@kernel\b", source, re.MULTILINE)) for source in sources) == len(all_kernels())
    compiled = re.compile(r"\b(njit|jit|vectorize|guvectorize|stencil)\(")
    assert sum(len(compiled.findall(source)) for source in sources) == 1  # that of kernel.py


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_compiled_and_uncompiled_kernels_agree_bit_for_bit(name, dtype):
    run = all_kernels()[name]
    for seed in range(5):
        for arguments in ARGUMENTS[name](Draw(dtype, seed)):
            result = after(run.compiled, arguments)
            assert result == after(run.source, arguments)
            assert result != after(lambda *_: None, arguments)


def test_the_first_arrays_dtype_chooses_how_a_kernel_runs():
    @kernel
    def double(result):
        result[0] = result[0] + result[0]

    exact = np.array([Fraction(3, 2)], dtype=object)
    double(exact)
    assert (exact[0], len(double.compiled.signatures)) == (Fraction(3), 0)
    for count, dtype in enumerate((np.float64, np.float32), start=1):
        values = np.array([1.5], dtype=dtype)
        double(values)
        assert (values[0], len(double.compiled.signatures)) == (3.0, count)


def test_a_kernel_compiles_in_memory_where_no_cache_can_be_written(monkeypatch):
    def nowhere(source):
        raise RuntimeError("cannot cache: no locator available")

    monkeypatch.setattr(kernel_cache, "KernelCache", nowhere)

    @kernel
    def double(result):
        result[0] = result[0] + result[0]

    values = np.array([2.0])
    double(values)
    assert values[0] == 4.0
