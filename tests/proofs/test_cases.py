"""Cases as networks: what they hold in fractions and in floats, and when one is alive."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import ottt_ref as ot
from proofs.cases import fires

from .test_equality import F, case_of


def activity(*layers):
    return SimpleNamespace(spikes=[np.array(layer) for layer in layers])


@pytest.mark.parametrize(
    "layers, expected",
    [
        (([1, 0], [0, 1]), True),
        (([1, 1], [0, 1]), True),
        (([0, 0], [0, 1]), False),  # a layer in which nothing fires sends nothing on
        (([1, 1], [1, 1]), False),  # nothing that is silent: a network without a threshold would do the same
    ],
)
def test_a_network_is_alive_where_every_layer_fires_and_something_does_not(layers, expected):
    assert fires(activity(*layers)) is expected or bool(fires(activity(*layers))) is expected


def test_the_readout_is_what_the_case_says():
    weights, biases = (case_of().weights[0],) * 2, ((F(0), F(0)),) * 2
    decays = {
        readout: case_of(weights=weights, biases=biases, readout=readout).exact_network.layers[-1].neuron.decay
        for readout in ("linear", "leaky", "spiking")
    }
    assert decays == {"linear": 0, "leaky": F(1, 2), "spiking": F(1, 2)}


def test_floats_have_the_surrogate_of_their_own():
    case = case_of()
    assert isinstance(case.float_network.layers[0].neuron.surrogate, ot.surrogate.Sigmoid)
    assert isinstance(case.exact_network.layers[0].neuron.surrogate, ot.surrogate.Triangle)
    assert isinstance(case.exact_network.parameters["layer0.weight"][0, 0], Fraction)
    assert replace(case, loops=((0, 0, case.weights[0]),)).exact_network.loop_sources
