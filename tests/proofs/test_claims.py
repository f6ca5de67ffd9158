"""Each claim holds on a few cases, its counterexamples stand, and it catches algorithms that are wrong."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings

import ottt_ref as ot
from proofs.claim import Refuted
from proofs.claims import BY_NAME, CLAIMS, h1, i1, m1, n1
from proofs.search import counterexamples, run

from ..selection import one_in, slow
from .wrong_variants import WRONG_VARIANTS

COUNTEREXAMPLES = Path(__file__).parent / "counterexamples.json"
CASES = 12
TRIES = 150  # cases in which a wrong variant must be caught
QUICK = ("C1", "H1", "P1", "R2")  # less than half a second each
SLOW = [claim.name for claim in CLAIMS if claim.name not in QUICK]


@pytest.mark.parametrize("claim", slow(CLAIMS, SLOW), ids=lambda claim: claim.name)
def test_claim_holds(claim):
    """On its cases; its identities are certified in test_identity.py, and on larger networks by `python -m proofs`."""
    result = run(claim, CASES, size=None)
    assert result.holds, result.failure
    assert result.cases > 0
    assert len(result.counterexamples) == len(claim.counterexamples)


OF_CLAIMS = one_in(len(WRONG_VARIANTS), WRONG_VARIANTS, default=3, kind=lambda variant: variant.claim)


@pytest.mark.parametrize("variant", OF_CLAIMS, ids=str)
def test_claim_catches(variant, monkeypatch):
    monkeypatch.setattr(variant.owner, variant.name, variant.wrong)
    claim = replace(BY_NAME[variant.claim], shrink=False, counterexamples=())  # what catches it are its cases
    result = run(claim, TRIES, size=None)
    assert not result.holds, f"{variant.claim} does not see: {variant.fault}"
    assert not result.failure.startswith(("vacuous", "the check stopped")), result.failure
    print(f"{variant.claim} refutes '{variant.fault}':\n{result.failure}")


@pytest.mark.slow
@settings(max_examples=5)
@given(case=BY_NAME["N1"].strategy)
def test_n1_is_not_exercised_where_all_gradients_are_0(case):
    nothing = SimpleNamespace(
        algebra=lambda network, *_: {name: 0 * value for name, value in network.parameters.items()}, public=None
    )
    assert not n1.check_exactly(case, (nothing, nothing), lambda network: list(network.parameters)).live


ALLOWED = {  # what the update of W[1, 2] of layer 1 at t = 3 may use, from layer 0, which sends at once
    "spike": {0: [(t, 0, 2) for t in range(4)]},
    "psi": {1: [(3, 0, 1)], 2: [(3, 0, j) for j in range(3)]},
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_h1_allows_the_trace_of_the_presynaptic_neuron_and_what_the_error_crosses_alone(kind):
    """By label (kind, layer, t, sample, neuron): three layers, five time steps, three neurons."""
    connection = SimpleNamespace(source=0, target=1, delay=0)
    for layer in range(3):
        places = [(t, 0, neuron) for t in range(5) for neuron in range(3)]
        found = [place for place in places if h1._allowed((kind, layer, *place), connection, 3, 1, 2)]
        assert found == ALLOWED[kind].get(layer, [])


@pytest.mark.slow
def test_m1_measures_steps_that_take_memory():
    """At least the traces of what enters the hidden layer: 16 floats of each of 4 samples."""
    setting = m1.Setting((16, 32, 10), 4, "linear", "derivation", 0)
    assert m1.online_peak(setting, 2, 1) > 16 * 4 * 8


def test_i1_is_not_refuted_where_both_losses_are_the_same_for_certain(monkeypatch):
    """Of one time step the average output is the step's: over intervals the difference is 0, with no width."""
    monkeypatch.setattr(i1, "LOSSES", (ot.losses.MeanSquaredError(),))
    network = ot.Network([ot.Layer(ot.Dense(np.array([[1.0], [0.5]])), ot.LIF(decay=0.5))])
    case = SimpleNamespace(float_network=network, float_inputs=np.ones((1, 1, 1)), targets=np.array([0]))
    i1._require_certain(case)
    monkeypatch.setattr(i1.losses, "average_loss", lambda *given: (i1.losses.sequence_loss(*given)[0] + 1, None))
    with pytest.raises(Refuted, match="of the average exceeds the mean of the steps"):
        i1._require_certain(case)


@pytest.mark.slow
@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.name != "M1"], ids=lambda claim: claim.name)
def test_counterexamples_are_those_that_are_written_down(claim):
    """The networks of the theory, with their numbers: what is said of one that was changed would be of another.

    M1 measures memory, which differs from run to run.
    """
    assert list(counterexamples(claim)[0]) == json.loads(COUNTEREXAMPLES.read_text(encoding="utf-8"))[claim.name]


def test_every_claim_has_a_wrong_variant_that_it_catches():
    assert {variant.claim for variant in WRONG_VARIANTS} == set(BY_NAME)
