"""All-to-all synapses.

    forward        I[b, i] = Σ_j W[i, j] s[b, j] + b[i] c
    adjoint        ε[b, j] = Σ_i W[i, j] δ[b, i]
    gradients      ∇W[i, j] += Σ_b δ[b, i] x[b, j],   ∇b[i] += Σ_b δ[b, i] c

x is what a method pairs the error with: the presynaptic spikes (BPTT, SLTT), their trace (OTTT), the rates (SR); c is
the same thing of the bias's constant input 1.

Each sum is added up in the order of its index. The innermost loop runs over other sums, which lie side by side in
memory, so that a compiler adds to many of them at once: for the forward pass that takes the weight transposed.
"""

from collections.abc import Mapping, MutableMapping
from typing import Literal

import numpy as np

from ...annotations import Shape
from ...kernel import kernel
from ...validation import describe_shape, require_array
from .door import require_error, require_pairing, require_values
from .operation import Operation


@kernel
def dense_forward(current, transposed, bias, presynaptic, bias_input):
    """transposed[j, i] = W[i, j]."""
    for b in range(current.shape[0]):
        for i in range(current.shape[1]):
            current[b, i] = bias[i] * bias_input[0]
        for j in range(presynaptic.shape[1]):
            for i in range(current.shape[1]):
                current[b, i] += transposed[j, i] * presynaptic[b, j]


@kernel
def dense_adjoint(presynaptic_error, weight, error):
    for i in range(weight.shape[0]):
        for b in range(error.shape[0]):
            for j in range(weight.shape[1]):
                presynaptic_error[b, j] += weight[i, j] * error[b, i]


@kernel
def dense_gradients(weight_gradient, bias_gradient, error, presynaptic, bias_input):
    for i in range(error.shape[1]):
        for b in range(error.shape[0]):
            for j in range(presynaptic.shape[1]):
                weight_gradient[i, j] += error[b, i] * presynaptic[b, j]
            bias_gradient[i] += error[b, i] * bias_input[0]


class Synapses(Operation):
    """A weight whose first axis is that of the outputs, and a bias for each of them; `bias=False` for none."""

    parameter_names = ("weight", "bias")
    array_names = ("bias",)  # zeros, and no parameter, where there is none

    def __getattr__(self, name: str) -> np.ndarray:
        """An array that is not here: what was learned is yet to be added (`ottt_ref.fast.streaming`). Now it is.

        Python asks for it only where an attribute is missing.
        """
        debt = self.__dict__.get("_debt")
        if debt is None or name not in Synapses.parameter_names:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return debt.pay(self.__dict__)[name]

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, an array after its missing updates."""
        if "_debt" in self.__dict__ and name in Synapses.parameter_names:
            self.__dict__["_debt"].pay(self.__dict__)
        object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, object]:
        """What a copy gets (`copy`, `pickle`): the arrays with all that was learned."""
        if "_debt" in self.__dict__:
            self.__dict__["_debt"].pay(self.__dict__)
        return self.__dict__.copy()

    def _set(self, weight, bias, axes):
        self.weight = require_array("weight", weight, axes).copy()
        if isinstance(bias, bool | np.bool_):
            if bias:
                raise TypeError(
                    f"bias must be an array [{len(self.weight)}], None for zeros that are learned, or False for none, "
                    f"got {bias!r}"
                )
            self.parameter_names, bias = ("weight",), None
        if bias is None:
            bias = np.zeros(len(self.weight), dtype=self.weight.dtype)
        self.bias = require_array("bias", bias, (len(self.weight),), self.weight.dtype).copy()

    @property
    def _learned(self):
        return {name: getattr(self, name) for name in self.parameter_names}

    def bias_gradient(self, gradients: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where the gradient of the bias goes; nowhere if there is no bias."""
        if not isinstance(gradients, Mapping):
            raise TypeError(f"gradients must be a mapping of arrays by parameter, got {gradients!r}")
        return gradients["bias"] if "bias" in self.parameter_names else np.zeros_like(self.bias)


class Dense(Synapses):
    """All-to-all synapses: weight [n_out, n_in] and bias [n_out] (zeros if not given, none if False), copied.

    float64, float32 or object (exact numbers), both of one dtype.
    Raises TypeError or ValueError for another dtype, shapes that do not fit, NaN or infinite values.

    >>> import numpy as np, ottt_ref as ot
    >>> dense = ot.Dense(np.array([[1.0, 2.0]]), np.array([0.5]))
    >>> dense.forward(np.array([[1.0, 1.0]]), np.ones(1))
    array([[3.5]])
    >>> dense.adjoint(np.array([[2.0]]), (2,))
    array([[2., 4.]])
    >>> gradients = {"weight": np.zeros((1, 2)), "bias": np.zeros(1)}
    >>> dense.add_gradients(gradients, np.array([[2.0]]), np.array([[1.0, 0.0]]), np.ones(1))
    >>> gradients
    {'weight': array([[2., 0.]]), 'bias': array([2.])}
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray | Literal[False] | None = None) -> None:
        self._set(weight, bias, ("n_out", "n_in"))

    @property
    def input_size(self) -> int:
        """n_in, the number of presynaptic neurons."""
        return self.weight.shape[1]

    @property
    def output_size(self) -> int:
        """n_out, the number of postsynaptic neurons."""
        return self.weight.shape[0]

    def output_shape(self, input_shape: Shape) -> Shape:
        if tuple(input_shape) != (self.input_size,):
            raise ValueError(f"{self!r} must be given [{self.input_size}], got {describe_shape(input_shape)}")
        return (self.output_size,)

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        result = np.empty(require_values(self, values, bias_input, self.weight.dtype), dtype=self.weight.dtype)
        dense_forward(result, np.ascontiguousarray(self.weight.T), self.bias, values, bias_input)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        result = np.zeros(require_error(self, error, input_shape, self.weight.dtype), dtype=self.weight.dtype)
        dense_adjoint(result, self.weight, error)
        return result

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self._learned)
        dense_gradients(gradients["weight"], self.bias_gradient(gradients), error, presynaptic, bias_input)

    def __repr__(self) -> str:
        return f"Dense({self.input_size} -> {self.output_size}, {self.weight.dtype})"
