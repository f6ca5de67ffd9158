"""Scaled weight standardisation: synapses whose weight is standardised, output by output, and scaled by a gain.

    m_i = mean of W_i,   var_i = unbiased variance of W_i,   r_i = 1 / sqrt(var_i n + eps)        n: the fan-in
    x̂_ij = (W_ij - m_i) r_i,   the weight in use is gain_i x̂_ij
    ∇gain_i = Σ_j G_ij x̂_ij
    ∇W_ij = gain_i r_i (G_ij - mean of G_i - n / (n - 1) x̂_ij Σ_k G_ik x̂_ik)             G: ∇ of the weight in use

Source: Qiao et al. 2019 and Brock et al. 2021 (the scaled form, with a gain); Xiao et al. 2022, section 5 and its
appendix, with eps = 1e-4. The square root has no exact values: it evaluates in double precision, and rounds once.
"""

import math
from collections.abc import MutableMapping

import numpy as np

from ...annotations import Shape
from ...kernel import kernel, rows
from ...validation import require_array, require_positive, shown
from .dense import Synapses
from .door import require_pairing
from .operation import Operation

EPSILON = 1e-4


@kernel
def standardise(standardised, deviation, weight, epsilon):
    """x̂ [n_out, n] and 1 / r [n_out] of the raw weight [n_out, n]."""
    count = weight.shape[1]
    for i in range(weight.shape[0]):
        mean = 0.0
        for j in range(count):
            mean += float(weight[i, j])
        mean /= count
        variance = 0.0
        for j in range(count):
            variance += (float(weight[i, j]) - mean) * (float(weight[i, j]) - mean)
        variance /= count - 1
        root = math.sqrt(variance * count + epsilon)
        deviation[i] = root
        for j in range(count):
            standardised[i, j] = (float(weight[i, j]) - mean) / root


@kernel
def apply_gain(effective, standardised, gain):
    for i in range(effective.shape[0]):
        for j in range(effective.shape[1]):
            effective[i, j] = gain[i] * standardised[i, j]


@kernel
def standardisation_gradients(weight_gradient, gain_gradient, effective_gradient, standardised, deviation, gain):
    count = standardised.shape[1]
    for i in range(standardised.shape[0]):
        total, along = 0.0, 0.0
        for j in range(count):
            total += float(effective_gradient[i, j])
            along += 1.0 * float(effective_gradient[i, j]) * float(standardised[i, j])
        gain_gradient[i] = along
        factor = float(gain[i]) / float(deviation[i])
        for j in range(count):
            centred = float(effective_gradient[i, j]) - total / count
            weight_gradient[i, j] = factor * (centred - along * float(standardised[i, j]) * count / (count - 1))


class WeightStandardised(Operation):
    """Dense or Conv2d synapses with scaled weight standardisation; their weight is the raw one.

    synapses   Dense or Conv2d, with at least two inputs per output, of which a network takes a copy
    gain       [n_out], ones if not given
    epsilon    inside var · fan_in + epsilon, above 0

    Raises TypeError or ValueError that names the argument, what was expected and what came.

    >>> import numpy as np, ottt_ref as ot
    >>> synapses = ot.WeightStandardised(ot.Dense(np.array([[1.0, 3.0]])))
    >>> synapses.weight.round(3)
    array([[-0.5,  0.5]])
    >>> list(synapses.parameters)
    ['weight', 'gain', 'bias']
    """

    parameter_names: tuple[str, ...] = ("gain",)
    number_names = ("epsilon",)
    child_names = ("synapses",)

    def __init__(self, synapses: Synapses, gain: np.ndarray | None = None, *, epsilon: float = EPSILON) -> None:
        if not isinstance(synapses, Synapses):
            raise TypeError(f"synapses must be Dense or Conv2d, got {shown(synapses)}")
        if synapses.weight[0].size < 2:
            raise ValueError(f"synapses must have a fan-in of at least 2, whose variance is defined, got {synapses!r}")
        self.synapses = synapses
        if gain is None:
            gain = np.zeros_like(synapses.bias)
            gain[...] = 1
        self.gain = require_array("gain", gain, synapses.bias.shape, synapses.dtype).copy()
        self.epsilon = require_positive("epsilon", epsilon)
        self.parameter_names = ("weight", "gain", *synapses.parameter_names[1:])

    @property
    def weight(self) -> np.ndarray:
        """The weight in use, gain · x̂, of the raw weight's shape."""
        effective = np.empty_like(self.synapses.weight)
        apply_gain(rows(effective), self.standardised()[0], self.gain)
        return effective

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.synapses.output_shape(input_shape)

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        return self.synapses.replaced(weight=self.weight).forward(values, bias_input)

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        return self.synapses.replaced(weight=self.weight).adjoint(error, input_shape)

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self.parameters)
        effective = np.zeros_like(self.synapses.weight)
        self.synapses.add_gradients({**gradients, "weight": effective}, error, presynaptic, bias_input)
        weight, gain = np.empty_like(effective), np.empty_like(self.gain)
        standardisation_gradients(rows(weight), gain, rows(effective), *self.standardised(), self.gain)
        gradients["weight"] += weight
        gradients["gain"] += gain

    def __repr__(self) -> str:
        return f"WeightStandardised({self.synapses!r})"

    def standardised(self) -> tuple[np.ndarray, np.ndarray]:
        """x̂ [n_out, n] of the raw weight, and 1 / r [n_out], which it was divided by."""
        weight = rows(self.synapses.weight)
        if weight.dtype.hasobject and not all(isinstance(number, float | np.floating) for number in weight.flat):
            raise TypeError("network must have no weight standardisation for exact numbers: its square root has none")
        standardised = np.empty_like(weight)
        deviation = np.empty(len(weight), dtype=weight.dtype if weight.dtype.hasobject else np.float64)
        standardise(standardised, deviation, weight, float(self.epsilon))
        return standardised, deviation
