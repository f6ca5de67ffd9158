"""Certificates of identities: true ones are certified, wrong and empty ones refused, and bounds are not too low."""

import numpy as np
import pytest

import ottt_ref as ot
from proofs.claim import Refuted
from proofs.claims import CLAIMS
from proofs.equality import OTTT, bptt, bptt_without_delays
from proofs.identity import LARGEST_FAILURE, Architecture, Identity, architectures, certify, unchecked
from proofs.images import CHAINS, Convolutional, Operated, chains, traced_results
from proofs.number_systems.polynomial import VARIABLE

from ..selection import one_in

IDENTITIES = [(claim.name, identity) for claim in CLAIMS for identity in claim.identities]
SMALL = Architecture((2, 2, 2), 3, loops=((0, 0), (1, 0)))


def rng():
    return np.random.default_rng(0)


def test_loops_fit_layers_of_different_sizes():
    loops = ((0, 0), (1, 1), (2, 2), (2, 0), (1, 0))
    network, _, errors = Architecture((1, 2, 3, 4), 2, loops=loops).data(lambda: VARIABLE)
    shapes = {name: value.shape for name, value in network.parameters.items() if "weight" in name}
    assert [shapes[f"layer{l}.recurrent.weight"] for l in range(3)] == [(2, 2), (3, 3), (4, 4)]
    assert sorted(shapes.values()) == sorted([(2, 1), (3, 2), (4, 3), (2, 2), (3, 3), (4, 4), (2, 4), (2, 3)])
    assert errors.shape == (2, 1, 4)


def largest_degree(architecture):
    """T + 2 N of what is detached; each step across a reset adds a threshold and a ψ; loops add N a step (theory).

    Of convolutions a scale and a share more; of a chain a factor for each operation, a number, an error and λ's.
    """
    if isinstance(architecture, Operated):
        return architecture.time_steps + architecture.depth + 2
    layers = architecture.depth + 2 if isinstance(architecture, Convolutional) else len(architecture.sizes) - 1
    return architecture.time_steps * (3 + 2 * layers) + 2 * layers


@pytest.mark.parametrize(("name", "identity"), one_in(16, IDENTITIES), ids=[f"{n}-{i.name}" for n, i in IDENTITIES])
def test_every_identity_is_certified_on_every_small_architecture(name, identity):
    for architecture in identity.architectures(2, 2, 3):
        certificate = certify(identity, architecture, rng())
        assert 0 < certificate.failure < LARGEST_FAILURE
        assert certificate.prime_bits > certificate.coefficient_bits
        assert certificate.degree <= largest_degree(architecture)


def test_a_wrong_identity_is_refused():
    wrong = Identity("OTTT = BPTT everywhere", OTTT.algebra, bptt().algebra, architectures)
    with pytest.raises(Refuted, match=r"OTTT = BPTT everywhere: the sides differ in layer0\.weight"):
        certify(wrong, SMALL, rng())


def test_a_wrong_identity_of_convolutions_is_refused():
    wrong = Identity("OTTT = BPTT everywhere", OTTT.algebra, bptt().algebra, architectures)
    with pytest.raises(Refuted, match=r"the sides differ in layer0\.weight as polynomials, on 2 convolutions"):
        certify(wrong, Convolutional(2, 2, 4, 2), rng())


def without_traced_constant(chain, given, error, decay):
    """The biases' constant input taken as it is, not traced: the authors' dialect."""
    one = given[0].reshape(-1)[:1] * 0 + 1
    trace = given[0] * 0
    for values in given:
        trace = trace * decay + values
    return {"trace": chain.forward(trace, one)}


def test_a_trace_without_that_of_the_constant_is_refused_where_there_are_biases():
    wrong = Identity("no Λ", traced_results, without_traced_constant, chains, lambda chain: ["trace"])
    assert certify(wrong, Operated(1, 2, 3, first=0), rng()).degree > 0
    with pytest.raises(Refuted, match="no Λ: the sides differ in trace as polynomials, on Conv2d"):
        certify(wrong, Operated(1, 2, 3, first=1), rng())


def test_a_wrong_adjoint_is_refused(monkeypatch):
    right = ot.Conv2d.adjoint
    monkeypatch.setattr(ot.Conv2d, "adjoint", lambda self, error, shape: right(self, error, shape)[..., ::-1])
    with pytest.raises(Refuted, match="the sides differ in pairing"):
        certify(CHAINS, Operated(1, 2, 2, first=1), rng())


def test_chains_hold_every_operation_of_images_alone_and_together():
    names = [str(architecture) for architecture in chains(4, 8, 16)]
    assert names[0].startswith("Scale, Conv2d, Upsample2d, Mask of 8 channels on 4 x 4 pixels, T = 16")
    for operation in ("Scale", "Conv2d", "Upsample2d", "Mask", "AveragePool2d", "SkipInit"):
        assert any(name.startswith(f"{operation} of ") for name in names)


def test_an_identity_that_holds_at_one_time_step_alone_is_refused_for_more():
    identity = Identity("OTTT = BPTT", OTTT.algebra, bptt().algebra, architectures)
    assert certify(identity, Architecture((2, 2, 2), 1), rng()).degree > 0
    with pytest.raises(Refuted):
        certify(identity, Architecture((2, 2, 2), 2), rng())


def test_a_difference_in_one_coefficient_is_seen():
    def off_by_one_term(network, activity, errors):
        values = bptt_without_delays(network, activity, errors)
        values["layer0.weight"][0, 0] = values["layer0.weight"][0, 0] + errors[0, 0, 0] * 0 + 1
        return values

    with pytest.raises(Refuted):
        certify(Identity("one more", bptt_without_delays, off_by_one_term, architectures), SMALL, rng())


def test_a_difference_in_the_last_number_of_the_last_parameter_is_seen():
    def off_at_the_end(*data):
        values = bptt_without_delays(*data)
        values["layer1.bias"][-1] = values["layer1.bias"][-1] + 1
        return values

    with pytest.raises(Refuted, match=r"differ in layer1\.bias"):
        certify(Identity("one more", bptt_without_delays, off_at_the_end, architectures), SMALL, rng())


def test_an_identity_of_zeros_is_refused():
    def zeros(network, activity, errors):
        return {name: value * 0 for name, value in bptt_without_delays(network, activity, errors).items()}

    with pytest.raises(Refuted, match="vacuous"):
        certify(Identity("0 = 0", zeros, zeros, architectures), SMALL, rng())


def scaled(factor):
    """BPTT's gradients times an integer."""

    def side(*data):
        return {name: value * factor for name, value in bptt_without_delays(*data).items()}

    return side


ONE_TERM = Architecture((1, 1), 1)  # each gradient is one product of variables: its mass is 1


def test_the_prime_is_above_twice_the_mass():
    """The sides differ by a multiple of 2^61 - 1, and neither has a coefficient of that size."""
    left, right = scaled(2**60), scaled(2**60 - (2**61 - 1))
    with pytest.raises(Refuted, match="differ"):
        certify(Identity("twice the mass", left, right, architectures), ONE_TERM, rng())


@pytest.mark.parametrize("factors", [(1, 2**61), (2**61, 1)])
def test_the_prime_is_above_the_coefficients_of_both_sides(factors):
    """1 and 2^61 are the same number modulo 2^61 - 1."""
    with pytest.raises(Refuted, match="differ"):
        certify(Identity("one side alone", *map(scaled, factors), architectures), ONE_TERM, rng())


def raised(value, squarings):
    for _ in range(squarings):
        value = value * value
    return value


@pytest.mark.parametrize("larger", [0, 1])
def test_the_prime_is_large_enough_for_the_degree_of_either_side(larger):
    """Degrees of millions, of what cancels: the sides stay equal, and the bound on their degree is high."""

    def higher(*data):
        values = bptt_without_delays(*data).items()
        return {name: value + (raised(value, 23) - raised(value, 23)) for name, value in values}

    sides = (bptt_without_delays, higher) if larger else (higher, bptt_without_delays)
    certificate = certify(Identity("high", *sides, architectures), ONE_TERM, rng())
    assert certificate.degree >= 2**23 and certificate.failure < LARGEST_FAILURE
    assert certificate.prime_bits == 89 and certificate.failure == certificate.degree / (2**89 - 1)


def test_a_certificate_says_what_it_stands_on():
    certificate = certify(Identity("three times", scaled(3), scaled(3), architectures), ONE_TERM, rng())
    assert (certificate.degree, certificate.coefficient_bits, certificate.prime_bits) == (3, 2, 61)
    assert certificate.failure == 3 / (2**61 - 1)


def test_sides_of_different_shapes_are_refused():
    def shorter(*data):
        return {name: value[:1] for name, value in bptt_without_delays(*data).items()}

    for sides in ((bptt_without_delays, shorter), (shorter, bptt_without_delays)):
        with pytest.raises(Refuted, match=r"layer0\.weight is"):
            certify(Identity("shorter", *sides, architectures), SMALL, rng())


def test_numbers_that_are_no_integers_are_no_coefficients():
    def halved(*data):
        return {name: value * 0.5 for name, value in bptt_without_delays(*data).items()}

    with pytest.raises(TypeError, match="must be integers"):
        certify(Identity("halves", halved, halved, architectures), ONE_TERM, rng())

    def constant(*data):
        return {name: np.full(value.shape, 0.5, object) for name, value in bptt_without_delays(*data).items()}

    with pytest.raises(TypeError, match="must be integers"):
        certify(Identity("constants", constant, constant, architectures), ONE_TERM, rng())


def test_coefficients_of_constants_count_too():
    def ones(factor):
        return lambda *data: {n: np.full(v.shape, factor, object) for n, v in bptt_without_delays(*data).items()}

    assert certify(Identity("constants", ones(2**70), ones(2**70), architectures), ONE_TERM, rng()).prime_bits == 89


def test_the_same_seed_gives_the_same_certificate():
    identity = IDENTITIES[0][1]
    assert certify(identity, SMALL, rng()) == certify(identity, SMALL, rng())


def test_the_largest_architecture_comes_first_with_every_loop():
    first, *others = architectures(4, 8, 16)
    assert first == Architecture((8, 8, 8, 8, 8), 16, "spiking", "soft", ((0, 0), (1, 1), (2, 2), (3, 3), (3, 0)))
    assert {a.reset for a in others} == {"soft", "unleaked"} and {a.readout for a in others} == {"spiking", "linear"}
    assert {a.loops for a in others} == {(), first.loops[:4], first.loops[4:], first.loops}
    assert "8-8-8-8-8, T = 16, readout spiking, reset soft, 0 to 0 at t - 1" in str(first)


def test_unchecked_neurons_hold_anything():
    neuron = unchecked(ot.LIF(), decay="λ")
    assert neuron.decay == "λ" and neuron.threshold == 1.0 and ot.LIF().decay == 0.5
