"""Surrogates and losses from outside: in every method, and tried before they are used."""

from dataclasses import dataclass

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods

from .helpers import assert_close, dyadic_network, dyadic_sequence


@dataclass(frozen=True)
class Trapezoid(ot.surrogate.Surrogate):
    """ψ(z) = 1 / width where |z| < width / 2, a rectangle of one's own."""

    width: float = 2.0
    rational = True

    def derivative(self, z):
        inside = (z > -self.width / 2) & (z < self.width / 2)
        return np.where(inside, 1 / self.width + 0 * z, 0 * z)

    def primitive(self, z):
        return np.clip(z / self.width + np.asarray(1, dtype=z.dtype) / 2, 0, 1)


class Weighted(ot.losses.Loss):
    """(1/C) Σ_c w_c (o_c - y_c)², with weights 1, 1/2, 1/4, ... of the classes."""

    rational = True
    distribution = False

    def evaluate(self, outputs, targets):
        one = outputs[:, :1] * 0 + 1
        weights = np.concatenate([one / 2**c for c in range(outputs.shape[1])], axis=1)
        difference = outputs - targets
        value = (weights * difference * difference).sum(axis=1) / outputs.shape[1]
        return value, weights * (difference + difference) / outputs.shape[1]


@pytest.mark.parametrize("method", methods.METHODS)
def test_they_run_in_every_method_as_over_fractions(method):
    network, (inputs, targets) = dyadic_network(0, surrogate=Trapezoid()), dyadic_sequence(0)
    found = methods.METHODS[method].gradients(network, inputs, targets, Weighted())
    exact = network.exact(), ot.exact_array(inputs), ot.exact_array(targets), Weighted()
    assert_close(dict(found), dict(methods.METHODS[method].gradients(*exact)), 1e-14)
    assert any(np.any(value != 0) for value in found.values())
    same = dyadic_network(0, surrogate=ot.surrogate.Rectangle(2.0))
    equal = methods.METHODS[method].gradients(same, inputs, targets, Weighted())
    assert_close(dict(found), dict(equal), 1e-14)


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        (lambda z: z[0], r"Other.derivative must give float64 \[1, 3\] for z of that kind, got float64 \[3\]"),
        (lambda z: 3.0, r"Other.derivative must give .*, got 3.0"),
        (lambda z: z.astype(np.float64), r"Other.derivative must give float32 \[1, 3\] .*, got float64"),
        (lambda z: z / 0.0 if z.dtype == float else z, r"Other.derivative must give finite numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_surrogate_that_returns_something_else_is_refused_by_the_neuron(returned, complaint):
    other = type("Other", (Trapezoid,), {"derivative": lambda self, z: returned(z)})
    with pytest.raises(ValueError, match=complaint):
        ot.LIF(surrogate=other())


@pytest.mark.parametrize(
    ("evaluate", "error", "complaint"),
    [
        (lambda o, y: o, TypeError, "loss.evaluate must return the values"),
        (lambda o, y: (o, o), ValueError, r"the values \[B\] as float64 \[2\], got float64 \[2, 2\]"),
        (lambda o, y: (o[:, 0], o[:, 0]), ValueError, r"the gradients \[B, C\] as float64 \[2, 2\], got float64 \[2\]"),
        (lambda o, y: (o[:, 0], o.astype(np.float32)), ValueError, r"as float64 \[2, 2\], got float32"),
    ],
)
@pytest.mark.parametrize("method", methods.METHODS)
def test_a_loss_that_returns_something_else_is_refused_before_any_work(method, evaluate, error, complaint):
    other = type("Other", (Weighted,), {"evaluate": lambda self, o, y: evaluate(o, y)})
    network, (inputs, targets) = dyadic_network(0), dyadic_sequence(0)
    with pytest.raises(error, match=complaint):
        methods.METHODS[method].gradients(network, inputs, targets, other())
