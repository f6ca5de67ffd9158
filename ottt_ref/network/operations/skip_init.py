"""SkipInit: a learned number that a residual branch is multiplied by, 0 at first, so that blocks start as identities.

    forward   c x,   adjoint   c δ,   ∇c += Σ_b Σ_i δ[b, i] x[b, i]

Source: De and Smith 2020, Batch normalization biases residual blocks towards the identity function in deep networks.
"""

from collections.abc import MutableMapping

import numpy as np

from ...annotations import Shape
from ...kernel import kernel, rows
from ...validation import require_array
from .door import require_batch, require_error, require_pairing
from .operation import Operation
from .scale import multiply


@kernel
def add_products(gradient, error, values):
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            gradient[0] += error[b, i] * values[b, i]


class SkipInit(Operation):
    """c x with a learned c, the parameter `skip_gain` [1], copied.

    Raises TypeError or ValueError for another dtype or shape, NaN or infinity.

    >>> import numpy as np, ottt_ref as ot
    >>> branch = ot.SkipInit(np.zeros(1))
    >>> branch.forward(np.ones((1, 2)), np.ones(1))
    array([[0., 0.]])
    >>> gradients = {"skip_gain": np.zeros(1)}
    >>> branch.add_gradients(gradients, np.full((1, 2), 0.5), np.ones((1, 2)), np.ones(1))
    >>> gradients
    {'skip_gain': array([1.])}
    """

    parameter_names = ("skip_gain",)

    def __init__(self, skip_gain: np.ndarray) -> None:
        self.skip_gain = require_array("skip_gain", skip_gain, (1,)).copy()

    def forward(self, values: np.ndarray, bias_input: np.ndarray | None) -> np.ndarray:
        require_batch(self, "values", values, self.skip_gain.dtype)
        result = np.empty(values.shape, dtype=values.dtype)
        multiply(rows(result), rows(values), self.skip_gain)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        require_error(self, error, input_shape, self.skip_gain.dtype)
        return self.forward(error, None)

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, {"skip_gain": self.skip_gain})
        add_products(gradients["skip_gain"], rows(error), rows(presynaptic))

    def __repr__(self) -> str:
        return f"SkipInit({self.skip_gain[0]})"
