"""Traps of the way back through weights, scales, pools and standardisation, and of what is returned."""

from dataclasses import replace

import numpy as np

from ...kernel import rows
from ...operations import AveragePool2d, Scale
from ...synapses import Dense
from ...weight_standardisation import WeightStandardised
from ..variations import Variation
from .varying import with_operations


class Untransposed(Dense):
    """Dense synapses whose errors come back through W, not W^T; of square weights."""

    def adjoint(self, error, input_shape):
        if self.inputs != self.outputs:
            return super().adjoint(error, input_shape)
        return Dense.adjoint(self.with_weight(np.ascontiguousarray(self.weight.T)), error, input_shape)


def untransposed(operation):
    """Dense synapses with the wrong adjoint."""
    if not isinstance(operation, Dense):
        return operation
    bias = operation.bias if "bias" in operation.parameter_names else False
    return Untransposed(operation.weight, bias)


class FixedStandardisation(WeightStandardised):
    """Weight standardisation whose mean and variance are constants to the gradient."""

    def add_gradients(self, gradients, error, presynaptic, constant):
        through = {"weight": np.zeros_like(self.synapses.weight), "gain": np.zeros_like(self.gain)}
        super().add_gradients({**gradients, **through}, error, presynaptic, constant)
        effective = {name: np.zeros_like(value) for name, value in through.items() if name == "weight"}
        self.synapses.add_gradients({**effective, "bias": np.zeros_like(self.gain)}, error, presynaptic, constant)
        factor = (self.gain / self._standardised()[1])[:, np.newaxis]
        gradients["weight"] += (rows(effective["weight"]) * factor).reshape(self.synapses.weight.shape)
        gradients["gain"] += through["gain"]


def fixed_standardisation(operation):
    """Standardised weights whose gradient leaves mean and variance alone."""
    if not isinstance(operation, WeightStandardised):
        return operation
    return FixedStandardisation(operation.synapses, operation.gain, epsilon=operation.epsilon)


class OneWayScale(Scale):
    """A scale that errors do not go through."""

    def adjoint(self, error, input_shape):
        return error


class OneWayPool(AveragePool2d):
    """Average pooling whose errors are not divided by the window's size."""

    def adjoint(self, error, input_shape):
        return AveragePool2d.adjoint(replace(self, share=1.0), error, input_shape)


def one_way(operation):
    """Scales that act forwards alone."""
    return OneWayScale(operation.factor) if type(operation) is Scale else operation


def one_way_pool(operation):
    """Average pooling that divides forwards alone."""
    if not isinstance(operation, AveragePool2d):
        return operation
    return OneWayPool(operation.size, operation.stride, operation.padding)


def zero_biases(gradients):
    """Biases that have no gradient."""
    return {name: value * 0 if name.endswith("bias") else value for name, value in gradients.items()}


def backward_traps():
    """Variations of the way back, and of what is returned."""
    return (
        Variation("weight-untransposed", "errors come back through W, not through its transpose", "adjoint",
                  with_operations(untransposed)),
        Variation("delays-not-back", "no error comes back by recurrent and feedback connections", "adjoint",
                  delays_back=False),
        Variation("standardisation-fixed", "the gradient takes the mean and variance of weights for constants",
                  "adjoint", with_operations(fixed_standardisation)),
        Variation("scale-one-way", "errors do not go through the fixed scale", "adjoint", with_operations(one_way)),
        Variation("pool-one-way", "errors through average pooling are not divided by the window's size", "adjoint",
                  with_operations(one_way_pool)),
        Variation("bias-gradient-zero", "biases have no gradient", "result", parameters=zero_biases),
    )  # fmt: skip
