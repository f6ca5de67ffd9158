"""Corners are drawn on purpose: false claims that fail nowhere else are refuted by the default number of cases."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

import ottt_ref as ot
from proofs.cases import fires, networks
from proofs.claim import Claim, Finding, Refuted
from proofs.claims import BY_NAME, CLAIMS
from proofs.command import PROFILES
from proofs.corners import CORNERS, SHARE, Corner, drawing_in, here, quotas
from proofs.search import TRIES, run

from ..selection import one_in, slow

DEFAULT = PROFILES["default"].cases
ANY = {"widths": (1, 4), "time_steps": (1, 8), "batch_sizes": (1, 3), "readouts": ("spiking",), "loops": ("none",)}


def same_pairs(values, axis):
    """Whether two slices along the axis are the same, and not 0."""
    parts = np.moveaxis(values, axis, 0)
    return any(np.array_equal(a, b) and np.any(a != 0) for a, b in combinations(parts, 2))


def no_two_neurons_are_alike(case, activity):
    """Needs different neurons."""
    return any(same_pairs(potential, 2) for potential in activity.potentials)


def no_two_samples_are_alike(case, activity):
    """Needs different samples."""
    return same_pairs(activity.potentials[0], 1)


def a_trace_stays_below_two(case, activity):
    """Needs λ < 1, or more than two time steps, or another sample."""
    if case.neuron.decay != 1 or activity.inputs.shape[:2] != (2, 1):
        return False
    return any(np.any(spikes.sum(axis=0) == 2) for spikes in activity.spikes)


def a_trace_remembers(case, activity):
    """Needs λ > 0, or more than two time steps, or another sample."""
    if case.neuron.decay != 0 or activity.inputs.shape[:2] != (2, 1):
        return False
    return any(np.any(spikes[0] > spikes[1]) for spikes in activity.spikes)


def rows_of_a_gradient_differ(case, activity):
    """Needs more than one sample, or more than two time steps, or a leak, or neurons that differ."""
    if case.neuron.decay != 1 or activity.inputs.shape[:2] != (2, 1):
        return False
    return same_pairs(gradients(case)["layer0.weight"], 0)


def gradients(case):
    """OTTT's."""
    return ot.ottt.gradients(case.exact_network, case.exact_inputs, case.targets, ot.losses.MeanSquaredError())


FALSE = [
    no_two_neurons_are_alike,
    no_two_samples_are_alike,
    a_trace_stays_below_two,
    a_trace_remembers,
    rows_of_a_gradient_differ,
]


def false_claim(fails, **options):
    """What a new user might state: the conclusion fails where `fails` says so."""

    def check(case):
        activity = ot.simulate(case.exact_network, case.exact_inputs)
        if fails(case, activity):
            raise Refuted("it is not so")
        return Finding(None, live=fires(activity) and np.any(gradients(case)["layer0.weight"] != 0))

    strategy = networks(**{**ANY, **options})
    return Claim("X1", fails.__name__, "", "this test", "", "exact", strategy, check, shrink=False)


SLOW = ("no_two_samples_are_alike", "a_trace_stays_below_two", "a_trace_remembers", "rows_of_a_gradient_differ")


@pytest.mark.parametrize("fails", slow(FALSE, SLOW), ids=lambda fails: fails.__name__)
def test_a_false_claim_that_fails_in_corners_is_refuted_by_the_default_number_of_cases(fails):
    for seed_number in range(3):
        assert run(false_claim(fails), DEFAULT, seed_number).failure.startswith("it is not so"), seed_number


def drawn_in(corner, claim, count=12):
    """Cases of the claim in the corner."""
    cases = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @seed(0)
    @given(claim.strategy)
    def draw(case):
        cases.append(case)

    with drawing_in(corner):
        draw()
    return cases


@pytest.mark.parametrize("corner", one_in(4, CORNERS), ids=[str(corner) for corner in CORNERS])
def test_networks_in_a_corner_lie_in_it(corner):
    for case in drawn_in(corner, false_claim(no_two_neurons_are_alike, outputs=(1, 3), loops=("recurrent",))):
        assert case.neuron.decay == (0 if corner.forgets else 1)
        assert len(case.inputs) == (1 if corner.fewest_steps else 2)
        assert len(case.labels) == (1 if corner.one_sample else 2)
        assert set(case.sizes) == {1 if corner.one_neuron else 2}
        rows = [*case.weights, *((value,) * 2 for bias in case.biases for value in set(bias) if len(set(bias)) > 1)]
        rows += [*(weight for _, _, weight in case.loops), *case.inputs]
        assert all(len(set(matrix)) == 1 for matrix in rows) and all(len(set(bias)) == 1 for bias in case.biases)


def test_a_corner_stays_within_the_hypotheses():
    corner = Corner(forgets=True, fewest_steps=False, one_sample=False, one_neuron=False)
    assert corner.decays([Fraction(1, 2), Fraction(1)]) == [1] and corner.decays([Fraction(1, 2)]) == [Fraction(1, 2)]
    assert corner.steps(1, 1) == (1, 1) and corner.steps(2, 5) == (3, 3) and corner.neurons(1, 1) == (1, 1)
    for case in drawn_in(corner, BY_NAME["D3"]):
        assert set(case[0].sizes[1:]) == {1} and case[0].neuron.decay == 1


@pytest.mark.slow
@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.corners], ids=lambda claim: claim.name)
def test_every_claim_draws_other_cases_in_corners(claim):
    """The corner with the fewest of everything: nothing larger is drawn there."""
    text = {str(case) for case in drawn_in(CORNERS[-1], claim, 6)}
    assert text and here() is None
    assert text.isdisjoint(str(case) for case in drawn_in(CORNERS[0], claim, 6))


def test_only_what_has_no_corners_says_so():
    assert [claim.name for claim in CLAIMS if not claim.corners] == ["M1"]


def test_each_corner_gets_its_part():
    assert sum(quotas(DEFAULT, 0).values()) == DEFAULT // SHARE and len(quotas(DEFAULT, 0)) == len(CORNERS) == 16
    assert set(quotas(DEFAULT, 0).values()) == {4, 5}
    few = quotas(15, 3)
    assert list(few.values()) == [1] * 5 and next(iter(few)) == CORNERS[3] and quotas(2, 0) == {}


@pytest.mark.slow
def test_corners_come_first_and_take_nothing_from_the_number_of_live_cases():
    seen = []

    def check(case):
        seen.append(here())
        return Finding(None, live=here() is None or not here().one_neuron)

    result = run(replace(false_claim(a_trace_remembers), check=check), 96)
    times = Counter(seen)
    assert result.holds and result.cases == 96
    assert all(times[corner] == (TRIES * 2 if corner.one_neuron else 2) for corner in CORNERS)
    assert result.in_corners == len(seen) - times[None] == 8 * 2 + 8 * 2 * TRIES
    assert seen[-times[None] :] == [None] * times[None] and times[None] == 96 - 16


def test_a_case_that_is_not_live_refutes_in_a_corner_too():
    def check(case):
        if here() == CORNERS[5]:
            raise Refuted("in the corner")
        return Finding(None, live=False)

    assert run(replace(false_claim(a_trace_remembers), check=check), 96).failure.startswith("in the corner")


@pytest.mark.slow
def test_a_refuting_case_in_a_corner_is_kept_and_tried_there_again(tmp_path):
    first = []

    def check(case):
        if here() == CORNERS[5]:
            first.append(len(case.weights))
            if first[-1] > 1:
                raise Refuted("in the corner")
        return Finding(None, live=True)

    claim = replace(false_claim(a_trace_remembers), check=check, shrink=True)
    assert not run(claim, 96, database=tmp_path).holds
    first.clear()
    assert not run(claim, 96, 1, database=tmp_path).holds
    assert first[0] == 2  # the shrunk case of the run before; without it the simplest network would be first
