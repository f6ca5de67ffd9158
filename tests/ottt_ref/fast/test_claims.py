"""Claims of the theory on the fast kernels, in floats: cases are drawn as `python -m proofs` draws them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ottt_ref as ot
from ottt_ref import fast
from ottt_ref.fast import forward
from ottt_ref.fast.operations import fast_twin
from proofs.cases import networks
from proofs.claims.e1 import into_last_membrane, last_membrane
from proofs.claims.e2 import with_membrane
from proofs.claims.f1 import windowed
from proofs.claims.p1 import sequences
from proofs.equality import output_errors

pytestmark = pytest.mark.slow
LOSS = ot.losses.MeanSquaredError()
EXAMPLES = settings(max_examples=60)


def gradients(method, case):
    return method.gradients(case.float_network, case.float_inputs, case.targets, LOSS)


def assert_equal(one, other, names):
    scale = max(1e-3, *(float(np.max(np.abs(other[name]), initial=0)) for name in names))
    for name in names:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-12 * scale, err_msg=name)


@EXAMPLES
@given(networks(resets=("soft", "unleaked"), time_steps=(2, 6)))
def test_e1_ottt_is_bptt_in_the_last_membrane(case):
    network = case.float_network
    if not any(connection.loop for connection in network.outgoing(last_membrane(network))):
        assert_equal(gradients(fast.ottt, case), gradients(fast.bptt, case), into_last_membrane(network))


@EXAMPLES
@given(networks(resets=("soft", "unleaked"), time_steps=(2, 5)))
def test_e2_ottt_waits_in_its_own_layer_and_sltt_nowhere(case):
    network = case.float_network
    activity = fast.simulate(network, case.float_inputs)
    errors = output_errors(network, activity, case.targets, LOSS)
    for method, keep, names in (
        (fast.ottt, "ottt", with_membrane(network)),
        (fast.sltt, "sltt", list(network.parameters)),
        (fast.bptt, "bptt", list(network.parameters)),
    ):
        sums = ot.paths.accumulate(network, activity, errors, keep=keep)
        assert_equal(gradients(method, case), sums, names)


@EXAMPLES
@given(networks(time_steps=(1, 1)))
def test_e3_one_time_step(case):
    bptt = gradients(fast.bptt, case)
    for method in (fast.ottt, fast.sltt):
        assert_equal(gradients(method, case), bptt, list(bptt))


@EXAMPLES
@given(networks(decays=[0], time_steps=(2, 5)))
def test_e4_no_memory(case):
    bptt = gradients(fast.bptt, case)
    for method in (fast.ottt, fast.sltt):
        if not case.loops:
            assert_equal(gradients(method, case), bptt, list(bptt))


@EXAMPLES
@given(sequences())
def test_p1_traces_go_through_fast_operations(case):
    chain = case.chain.rebuilt(lambda array: array.astype(np.float64), float)
    spikes, error, decay, one = case.spikes.astype(np.float64), case.error.astype(np.float64), float(case.decay), 1.0
    if not chain.linear:
        return
    chain, bias_input = fast_twin(chain), np.ones(1)
    trace, constant, traced = np.zeros_like(spikes[0]), 0.0, 0.0
    for each in spikes:
        trace, constant = decay * trace + each, decay * constant + one
        traced = decay * traced + chain.forward(each, bias_input)
    np.testing.assert_allclose(traced, chain.forward(trace, np.array([constant])), rtol=1e-12, atol=1e-12)
    linear = chain.forward(trace, np.zeros(1))
    back = chain.adjoint(error, trace.shape[1:])
    assert (error * linear).sum() == pytest.approx((back * trace).sum(), rel=1e-12, abs=1e-12)


@EXAMPLES
@given(windowed(), st.integers(1, 7))
def test_f1_windows_of_any_length(case, other):
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for length in (case.window, other):
            patch.setattr(forward, "LONGEST_WINDOW", length)
            found.append(gradients(fast.ottt, case.case))
    assert_equal(*found, list(found[0]))
    assert_equal(found[0], gradients(ot.ottt, case.case), list(found[0]))
