"""The enumerated paths against a gradient that can be written down by hand."""

from fractions import Fraction

import pytest

from proofs.examples import chain
from proofs.paths import Paths, PathSums

HALF = Fraction(1, 2)


def one_neuron(reset):
    """One neuron, λ = 1/2, w = 3/4, x = (1, 1), y = 0; its activity, errors, ψ and u."""
    case = chain(decay=HALF, inputs=(1, 1), weights=([[Fraction(3, 4)]],), targets=[0], reset=reset)
    activity, errors = case.data()
    psi = [activity.layer_surrogate_derivatives[0][t, 0, 0] for t in range(2)]
    potential = [activity.layer_potentials[0][t, 0, 0] for t in range(2)]
    return case.network, activity, errors + 1, psi, potential  # the errors of y = -1, none of them 0


def test_leak_paths_of_one_neuron():
    network, activity, errors, psi, _ = one_neuron("soft")
    e = [errors[t, 0, 0] for t in range(2)]
    expected = e[0] * psi[0] + e[1] * psi[1] * (1 + HALF)  # x[0] may wait for t = 1, by one leak edge
    assert Paths(network, activity, errors).gradients()["layer0.weight"][0, 0] == expected != 0


@pytest.mark.parametrize(
    "reset, edge",
    [
        ("soft", lambda psi, u: -HALF * psi),
        ("unleaked", lambda psi, u: -psi),
        ("hard", lambda psi, u: -HALF * u * psi),
    ],
)
def test_reset_paths_of_one_neuron(reset, edge):
    network, activity, errors, psi, potential = one_neuron(reset)
    expected = errors[1, 0, 0] * psi[1] * edge(psi[0], potential[0])
    gradients = Paths(network, activity, errors, resets="some").gradients()
    assert gradients["layer0.weight"][0, 0] == gradients["layer0.bias"][0] == expected != 0


def test_all_paths_are_those_with_and_without_resets():
    network, activity, errors, _, _ = one_neuron("soft")
    none, some, every = (
        Paths(network, activity, errors, resets=resets).gradients()["layer0.weight"][0, 0]
        for resets in ("none", "some", "any")
    )
    assert every == none + some


def test_a_path_through_two_layers_crosses_the_weight_between_them():
    case = chain(decay=HALF, inputs=(1,), weights=([[Fraction(5, 4)]], [[Fraction(3, 4)]]), targets=[0])
    activity, errors = case.data()
    errors = errors + 1
    psi = [values[0, 0, 0] for values in activity.layer_surrogate_derivatives]
    expected = errors[0, 0, 0] * psi[1] * Fraction(3, 4) * psi[0]
    assert Paths(case.network, activity, errors).gradients()["layer0.weight"][0, 0] == expected != 0


def test_a_hard_reset_forgets_what_waited():
    """The neuron fires at the first step: nothing waits there for the second."""
    case = chain(decay=HALF, inputs=(1, 1), weights=([[Fraction(5, 4)]],), targets=[0], reset="hard")
    activity, errors = case.data()
    errors = errors + 1
    psi = [activity.layer_surrogate_derivatives[0][t, 0, 0] for t in range(2)]
    assert activity.spikes[0][0, 0, 0] == 1 and psi[0] != 0 != psi[1]
    expected = errors[0, 0, 0] * psi[0] + errors[1, 0, 0] * psi[1]
    assert Paths(case.network, activity, errors).gradients()["layer0.weight"][0, 0] == expected


@pytest.mark.parametrize("sums", [Paths, PathSums])
def test_two_resets_are_crossed_one_after_the_other(sums):
    """Three time steps: the paths over at least one reset are all paths without those over none."""
    case = chain(decay=HALF, inputs=(1, 1, 1), weights=([[Fraction(3, 4)]],), targets=[0])
    activity, errors = case.data()
    gradients = [
        sums(case.network, activity, errors + 1, resets=resets).gradients()["layer0.weight"][0, 0]
        for resets in ("none", "some", "any")
    ]
    edge = [HALF * (1 - psi) for psi in activity.layer_surrogate_derivatives[0][:, 0, 0]]
    e = (errors + 1)[:, 0, 0] * activity.layer_surrogate_derivatives[0][:, 0, 0]
    assert gradients[2] == e[0] + e[1] * (1 + edge[0]) + e[2] * (1 + edge[1] + edge[0] * edge[1])
    assert gradients[2] == gradients[0] + gradients[1] and 0 not in gradients
