"""All-to-all synapses, event-driven or dense, as few or many of the numbers that they are given are 0.

Which is chosen changes no bit of a sum over spikes: both add up in the same order, and what is 0 adds nothing.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np

from ...annotations import Shape
from ...network.operations.dense import Dense
from ...network.operations.door import require_error, require_pairing, require_values
from ..kernels import dense as kernels
from ..kernels.choosing import hand_built
from ..kernels.events import ALL_ONE, PADDING, into_panels, list_rows, panels
from ..kernels.events import gather_rows as gather
from ..kernels.product import add_products, add_products_of_rows
from ..kernels.vector_loops import BYTES

# Up to which share of numbers that are not 0 lists are faster, forwards and for gradients: measured with hand-built
# loops and with plain ones, of 512 x 784 weights and 768 rows, on processors with AVX-512.
FORWARD_SHARE = {True: 0.27, False: 0.6}
GRADIENT_SHARE = {True: 0.22, False: 0.6}
FEW_ROWS = 8  # below which W is read once by rows, and not turned into panels first
LISTABLE = 2**16  # rows and columns that an index of 16 bits can name


class FastDense(Dense):
    """The fast twin of a Dense: it has the same attributes, the very same arrays.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref.fast.operations.dense import FastDense
    >>> dense = ot.Dense(np.array([[1.0, 2.0]]), np.array([0.5]))
    >>> fast = FastDense.of(dense)
    >>> fast.weight is dense.weight, fast.forward(np.array([[1.0, 1.0]]), np.ones(1))
    (True, array([[3.5]]))
    """

    @classmethod
    def of(cls, operation: Dense) -> FastDense:
        """The twin of a Dense of floats."""
        twin = cls.__new__(cls)
        twin.__dict__ = operation.__dict__
        return twin

    def forward(self, values: np.ndarray, bias_input: np.ndarray) -> np.ndarray:
        shape = require_values(self, values, bias_input, self.weight.dtype)
        values, weight = np.ascontiguousarray(values), np.ascontiguousarray(self.weight)
        start = self.bias * bias_input[0]
        if shape[0] < FEW_ROWS:
            result = np.tile(start, (shape[0], 1))
            rows = (result.reshape(-1), values.reshape(-1), weight.reshape(-1))
            add_products_of_rows(*rows, (len(values), self.input_size, self.output_size))
            return result
        built, result = hand_built(), np.empty(shape, dtype=weight.dtype)
        count, vectors = panels(self.output_size, weight.dtype)
        table = np.empty(count * self.input_size * vectors * (BYTES // weight.itemsize), dtype=weight.dtype)
        into_panels(table, weight.reshape(-1), self.output_size, self.input_size, vectors, built)
        sizes = (self.output_size, self.input_size, vectors)
        lists = _Lists.of(values, FORWARD_SHARE[built], built)
        if lists is None:
            kernels.multiply_rows(result.reshape(-1), start, table, values.reshape(-1), *sizes, built)
        else:
            gather(result.reshape(-1), start, table, *lists.arrays, *sizes, lists.scaled, built)
        return result

    def adjoint(self, error: np.ndarray, input_shape: Shape) -> np.ndarray:
        shape = require_error(self, error, input_shape, self.weight.dtype)
        result = np.zeros(shape, dtype=self.weight.dtype)
        error, weight = np.ascontiguousarray(error), np.ascontiguousarray(self.weight)
        sizes = (shape[0], self.output_size, self.input_size)
        add_products(
            result.reshape(-1), error.reshape(-1), self.output_size, 1, weight.reshape(-1), sizes, hand_built()
        )
        return result

    def add_gradients(
        self,
        gradients: MutableMapping[str, np.ndarray],
        error: np.ndarray,
        presynaptic: np.ndarray,
        bias_input: np.ndarray,
    ) -> None:
        require_pairing(self, gradients, error, presynaptic, bias_input, self._learned)
        error, presynaptic = np.ascontiguousarray(error), np.ascontiguousarray(presynaptic)
        weight_gradient, built = gradients["weight"], hand_built()
        own = np.ascontiguousarray(weight_gradient)
        self._add_weight_gradient(own.reshape(-1), error, presynaptic, built)
        if own is not weight_gradient:
            weight_gradient[...] = own
        if "bias" in self.parameter_names:
            kernels.add_bias_gradient(gradients["bias"], error.reshape(-1), bias_input[0])

    def _add_weight_gradient(self, gradient, error, presynaptic, built):
        rows, columns, inputs = len(error), self.output_size, self.input_size
        lists = _Lists.of(presynaptic, GRADIENT_SHARE[built], built) if rows >= FEW_ROWS else None
        if lists is None:
            sizes = (columns, rows, inputs)
            add_products(gradient, error.reshape(-1), 1, columns, presynaptic.reshape(-1), sizes, built)
            return
        count, vectors = panels(columns, error.dtype)
        index = np.empty(rows * inputs, dtype=np.uint16)
        tables = np.empty(count * rows * vectors * (BYTES // error.itemsize), dtype=error.dtype)
        sizes = (columns, inputs, vectors, lists.scaled)
        kernels.add_gradient_of_events(gradient, error.reshape(-1), *lists.arrays, *sizes, index, tables, built)


class _Lists:
    """The lists of the rows of values [R, n]; `scaled` says whether some number is neither 0 nor 1."""

    def __init__(self, values, built):
        rows, columns = values.shape
        slots = columns + PADDING
        chosen = np.empty(rows * slots, dtype=np.uint16)
        counts, flags = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
        numbers: Any = np.empty(0, dtype=values.dtype)
        given = values.reshape(-1)
        list_rows(chosen, numbers, counts, flags, given, columns, slots, built)
        self.scaled = not (flags & ALL_ONE).all()
        if self.scaled:
            numbers = np.empty(rows * slots, dtype=values.dtype)
            list_rows(chosen, numbers, counts, flags, given, columns, slots, built)
        self.arrays = (chosen, numbers, counts, slots)

    @staticmethod
    def of(values, largest_share, built):
        """The lists, or None where dense arithmetic is faster, or indices would not fit."""
        if max(values.shape) >= LISTABLE:
            return None
        counts = np.empty(16, dtype=np.int64)
        kernels.count_nonzero(counts, values.reshape(-1))
        return _Lists(values, built) if counts.sum() <= largest_share * values.size else None
