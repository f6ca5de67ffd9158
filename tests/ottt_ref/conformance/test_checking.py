"""The check: the reference passes everywhere; what differs is found at the first place, and said to be what it is."""

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.conformance import adapter as adapters
from ottt_ref.conformance import checking, files
from ottt_ref.conformance.compare import Divergence, Misfit, differing, first_in_time, misfit
from ottt_ref.conformance.reference import METHODS, ONLINE, targets_at
from ottt_ref.conformance.specifications import FEATURES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(by_name):
    return by_name["dense"]


def reference(case, method, network=None):
    """The reference itself as a backend, in arrays of its own."""
    network = network or case.network
    data = (network, case.inputs.copy(), case.targets.copy(), case.loss)
    asked = {"weights": case.weights, "initial_state": case.initial_state, "time_steps": case.loss_time_steps}
    if method == "forward":
        activity = ot.simulate(network, data[1], initial_state=case.initial_state)
        found = {f"potential/{l}": potential for l, potential in enumerate(activity.layer_potentials)}
        found.update({f"spikes/{l}": activity.layer_outputs[l] for l in network.spiking})
        return {**found, "outputs": activity.outputs}
    if method in ONLINE:
        optimizer = ot.training.SGD(case.entry["online"]["learning_rate"], momentum=0)
        learner = ONLINE[method](network, optimizer, case.loss, time_steps=case.loss_time_steps)
        learner.reset(case.initial_state)
        rows = []
        for t, row in enumerate(data[1]):
            weights = None if case.weights is None else case.weights[t]
            learner.step(np.ascontiguousarray(row), targets_at(data[2], t), weights=weights)
            rows.append({name: value.copy() for name, value in network.parameters.items()})
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    gradients = METHODS[method](*data, terms=True, **({} if method == "spike-representation" else asked))
    return {**gradients, **{f"error/{l}": error for l, error in enumerate(gradients.errors or ())}}


reference.features = FEATURES


def check_case(adapter, case, methods=None, relative=None):
    return checking.check(adapter, [case], methods, relative)


def by_method(verdicts):
    return {verdict.method: verdict for verdict in verdicts}


@pytest.mark.exhaustive
def test_the_reference_passes_every_case_and_method(cases):
    verdicts = list(checking.check(reference, cases))
    assert len(verdicts) == sum(len(case.methods) for case in cases)
    assert {verdict.outcome for verdict in verdicts} == {"passed"}
    assert all(verdict.found is None for verdict in verdicts)


def test_one_number_changed_is_found_at_its_place(base):
    def wrong(case, method):
        found = reference(case, method)
        if method == "ottt":
            found = {name: np.array(value) for name, value in found.items() if not name.startswith("error")}
            found["layer1.weight"][2, 3] += 1e-6
        return found

    verdicts = by_method(check_case(wrong, base))
    found = verdicts.pop("ottt").found
    assert (found.array, found.time_step, found.index) == ("gradient/ottt/layer1.weight", None, (2, 3))
    assert found.got == pytest.approx(found.expected + 1e-6) and found.ulps > 1e6
    assert {verdict.outcome for verdict in verdicts.values()} == {"passed"}


@pytest.mark.parametrize(("method", "time_step"), [("ottt", 2), ("bptt", 4)])
def test_the_first_error_is_the_first_in_the_methods_own_order(base, method, time_step):
    """OTTT goes forwards and BPTT backwards in time; both come down from the output."""

    def wrong(case, asked):
        found = dict(reference(case, asked))
        if asked == method:
            for t in (2, 4):
                for l in (0, 1):
                    error = found[f"error/{l}"]
                    error[t] += 1
        return found

    found = by_method(check_case(wrong, base))[method].found
    assert (found.array, found.time_step) == (f"error/{method}/1", time_step)


def test_a_wrong_forward_pass_is_found_in_its_order_and_gradients_are_left_alone(base):
    def unleaked(case, method):
        network = case.network
        for layer in network.layers[:-1]:
            object.__setattr__(layer.neuron, "reset", "unleaked")
        return reference(case, method, network)

    verdicts = by_method(check_case(unleaked, base))
    forward = verdicts.pop("forward")
    assert forward.outcome == "failed" and forward.found.array == "potential/0" and forward.found.time_step == 1
    assert {verdict.outcome for verdict in verdicts.values()} == {"not compared"}
    unleaked.given_spikes = True
    assert {v.outcome for m, v in by_method(check_case(unleaked, base)).items() if m != "forward"} == {"failed"}


def with_spike_flipped(place):
    def flipped(case, method):
        found = dict(reference(case, method))
        if method == "forward":
            found["spikes/0"] = found["spikes/0"].copy()
            found["spikes/0"][place] = 1 - found["spikes/0"][place]
        return found

    return flipped


def test_a_spike_that_flips_within_the_tolerance_is_no_failure_but_nothing_is_compared_from_there(base):
    distances = np.abs(base.arrays["potential/0"] - 1)
    nearest = np.unravel_index(np.argmin(distances), distances.shape)
    assert distances[nearest] < 0.1
    verdicts = by_method(check_case(with_spike_flipped(nearest), base, relative=0.05))
    assert verdicts["forward"].outcome == "passed" and "flipped within rounding" in verdicts["forward"].reason
    assert verdicts["ottt"].outcome == "not compared"
    assert by_method(check_case(with_spike_flipped(nearest), base))["forward"].outcome == "failed"


def test_a_potential_at_the_threshold_exactly_must_fire():
    (case,) = files.make_cases(["at-threshold"])
    tied = tuple(np.argwhere(case.arrays["potential/0"] == 1)[0])
    verdict = by_method(check_case(with_spike_flipped(tied), case))["forward"]
    assert verdict.outcome == "failed" and verdict.found.array == "spikes/0" and verdict.found.expected == 1


def test_what_is_unsupported_is_no_pass_and_what_breaks_fails(base):
    def partial(case, method):
        if method in ("sltt", "bptt-kept"):
            raise NotImplementedError("no such rule" if method == "sltt" else "")
        if method == "bptt":
            raise RuntimeError("CUDA out of memory")
        return [1.0] if method == "ottt" else reference(case, method)

    verdicts = by_method(check_case(partial, base))
    assert (verdicts["sltt"].outcome, verdicts["sltt"].reason) == ("unsupported", "no such rule")
    assert verdicts["bptt-kept"].outcome == "unsupported"
    assert verdicts["bptt"].outcome == "failed" and "CUDA out of memory" in verdicts["bptt"].reason
    assert verdicts["ottt"].outcome == "failed" and "mapping of arrays, got [1.0]" in str(verdicts["ottt"].found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.pop("layer0.weight"), "got none"),
        (lambda found: found.update({"layer0.weight": np.zeros((2, 2))}), "expected the shape [5, 6], got [2, 2]"),
        (lambda found: found.update({"layer0.weight": "zeros"}), "expected an array of real numbers"),
        (lambda found: found.update({"layer0.weight": np.full((5, 6), np.nan)}), "got nan"),
    ],
)
def test_gradients_that_cannot_be_compared_say_why(base, change, message):
    def wrong(case, method):
        found = {name: value for name, value in reference(case, method).items() if not name.startswith("error")}
        if method == "sltt":
            change(found)
        return found

    verdict = by_method(check_case(wrong, base))["sltt"]
    assert verdict.outcome == "failed" and message in str(verdict.found)


def test_only_the_methods_that_were_asked_for_are_checked(base):
    assert [verdict.method for verdict in check_case(reference, base, methods=["sltt"])] == ["forward", "sltt"]


def test_gradients_alone_may_be_offered(base):
    def gradients_alone(case, method):
        if method == "forward":
            raise NotImplementedError("gradients alone")
        return reference(case, method)

    verdicts = by_method(check_case(gradients_alone, base))
    assert verdicts.pop("forward").outcome == "unsupported"
    assert {verdict.outcome for verdict in verdicts.values()} == {"passed"}


def test_tolerances_are_relative_to_the_largest_number():
    expected = np.array([1000.0, 0.0])
    assert differing([1000.0, 1e-7], expected, 1e-9).tolist() == [False, False]
    assert differing([1000.0, 2e-6], expected, 1e-9).tolist() == [False, True]
    assert differing([0.0, 1e-28], np.zeros(2), 1e-9).tolist() == [False, True]
    assert differing([0.0, 1e-30], np.array([1e-136, 0.0]), 1e-9).tolist() == [False, False]  # ψ far from the threshold


def test_the_first_in_time_goes_before_the_first_by_name():
    zeros = np.zeros((3, 1))
    late, early = zeros.copy(), zeros.copy()
    late[2], early[1] = 1, 1
    found = first_in_time([("a", late, zeros), ("b", early, zeros)], 1e-9)
    assert (found.array, found.time_step, found.index) == ("b", 1, (0,))
    assert first_in_time([], 1e-9) is None and first_in_time([("a", zeros, zeros)], 1e-9) is None


def test_divergences_and_misfits_read_as_sentences():
    text = str(Divergence("potential/1", 3, (0, 2), 1.0, 1.5, 2.0**51))
    assert text == "potential/1 at t = 3, index [0, 2]: expected 1.0, got 1.5 (0.5 apart, 0.5 of the expected number)"
    assert str(Misfit("outputs", "why")) == "outputs: why"
    assert misfit("a", [1.0], np.zeros(1)) is None


class Counting:
    """An adapter that is a class."""

    made = 0

    def __init__(self):
        Counting.made += 1

    def __call__(self, case, method):
        return reference(case, method)


def test_adapters_are_found_by_name():
    name = f"{__name__}:Counting"
    made = adapters.load_adapter(name)
    assert isinstance(made, Counting) and Counting.made == 1
    assert adapters.load_adapter(f"{__name__}:reference") is reference


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_colon", "package.module:name"),
        (":name", "package.module:name"),
        ("no_such_module_anywhere:x", "cannot import no_such_module_anywhere"),
        ("ottt_ref:no_such_name", "has no 'no_such_name'"),
        ("ottt_ref:__version__", "must be callable"),
    ],
)
def test_an_adapter_that_cannot_be_had_says_why(text, message):
    with pytest.raises(adapters.AdapterError, match=message):
        adapters.load_adapter(text)


def changed(method, change):
    """The reference as a backend, one method's mapping changed."""

    def wrong(case, asked):
        found = dict(reference(case, asked))
        if asked == method:
            change(case, found)
        return found

    return wrong


def test_a_trace_that_is_wrong_is_found_where_it_begins(base):
    def late(case, found):
        trace = case.arrays["trace/layer1"]
        found["trace/layer1"] = np.concatenate([np.zeros_like(trace[:1]), trace[:-1]])

    found = by_method(check_case(changed("ottt", late), base))["ottt"].found
    assert found.array == "trace/layer1" and found.expected != found.got


def test_a_forward_pass_without_spikes_or_outputs_fails_and_without_potentials_does_not(base):
    for name, outcome in (("spikes/1", "failed"), ("outputs", "failed"), ("potential/1", "passed")):
        verdict = by_method(check_case(changed("forward", lambda _, found, name=name: found.pop(name)), base))[
            "forward"
        ]
        assert verdict.outcome == outcome and (outcome == "passed" or f"{name}: expected" in str(verdict.found))


def test_an_array_that_cannot_be_had_is_a_misfit():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("it still has a gradient")

    assert "it still has a gradient" in str(misfit("outputs", Tensor(), np.zeros(2)))


def test_an_adapter_is_asked_for_its_own_methods_alone(base):
    asked = []

    def adapter(case, method):
        asked.append(method)
        return reference(case, method)

    adapter.methods = ("forward", "sltt")
    verdicts = by_method(check_case(adapter, base))
    assert set(asked) == {"forward", "sltt"}
    assert verdicts["sltt"].outcome == "passed" and verdicts["ottt"].outcome == "unsupported"


def test_a_state_that_settles_after_the_first_call_is_found_by_the_forward_pass(base):
    """Every later call gives the same wrong numbers: only the forward pass, which was right once, shows the state."""

    class Settling:
        called = False

        def __call__(self, case, method):
            shift = 1 if self.called else 0
            self.called = True
            return {name: value + shift for name, value in reference(case, method).items()}

    verdicts = by_method(check_case(Settling(), base, ["sltt"]))
    assert verdicts["forward"].outcome == "passed"
    assert [each.name for each in verdicts["sltt"].diagnoses] == ["state-kept"]
