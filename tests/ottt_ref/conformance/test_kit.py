"""The kit itself, piece by piece: its comparison, its diagnosis, its variations and its report, on small cases.

Each test is the death of a fault in `proofs/mutants/conformance_kit.py`.
"""

import json
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from ottt_ref.conformance import checking, diagnosis, report, suite
from ottt_ref.conformance.arrays import Expected, expected_of, near_names
from ottt_ref.conformance.checking import FAILED, NOT_COMPARED, PASSED, UNSUPPORTED, CaseChecks, Verdict
from ottt_ref.conformance.compare import RELATIVE, Divergence, Misfit, differing, first, first_in_time, misfit
from ottt_ref.conformance.diagnosis import Diagnosis, Diagnostician, of_shape
from ottt_ref.conformance.traps import surrogate_scaled
from ottt_ref.conformance.variations import Variation, compute

NOTHING = Variation("nothing", "as the reference", "nothing")


@pytest.fixture(scope="module")
def case(by_name):
    return by_name["dense-one-sample"]


@pytest.fixture(scope="module")
def loop(by_name):
    return by_name["recurrent"]


KEPT: dict = {}


def as_it_is(case, method):
    """What the reference returns, computed once."""
    key = case.name, method
    if key not in KEPT:
        KEPT[key] = compute(case, method, NOTHING)
    return KEPT[key]


def changed(*changes):
    """The reference as a backend, with changes: (method, change), a function of the mapping."""

    def adapter(case, method):
        found = {name: np.array(array) for name, array in as_it_is(case, method).items()}
        for asked, change in changes:
            if asked == method:
                change(found)
        return found

    return adapter


class Silent:
    """In place of the diagnosis, which takes long and is tested for itself."""

    def forward(self, case, found, relative):
        return []

    def gradients(self, case, method, found, relative):
        return []


class Short(Diagnostician):
    """The diagnosis without the search for traps, as if none were like it."""

    def _search(self, *data):
        return []


def verdicts(adapter, case, *methods, relative=None, diagnostician=None):
    checks = CaseChecks(adapter, case, relative, diagnostician or Silent())
    return [checks.verdict(method) for method in methods]


def set_to(name, value, place=...):
    def change(found):
        found[name][place] = value

    return change


# comparison


def test_tolerances_are_those_of_the_manifest():
    assert RELATIVE == {"float64": 1e-9, "float32": 1e-4}


def test_numbers_below_and_above_differ_and_nan_differs_from_everything():
    expected = np.array([0.5, 0.5, 0.5, 1e-3])
    got = np.array([0.5, 0.5 - 1e-8, np.nan, 1e-3 + 1e-10])  # the last within the tolerance of the largest
    assert differing(got, expected, 1e-9).tolist() == [False, True, True, False]
    assert differing(np.array([0.01]), np.array([0.0101]), 1e-9).tolist() == [True]
    assert differing(np.array([1e-3 + 1e-11]), np.array([1e-3]), 1e-9).tolist() == [True]


def test_a_sequence_is_compared_at_each_step_and_nan_is_found():
    expected = np.zeros((3, 2)) + 0.5
    for t, value in ((0, 0.4), (2, np.nan)):
        got = expected.copy()
        got[t, 1] = value
        found = first_in_time([("potential/0", got, expected)], 1e-9)
        assert (found.time_step, found.index) == (t, (1,))


@pytest.mark.parametrize("name", ["spikes/0", "spikes/12"])
def test_spikes_are_compared_exactly(name):
    expected = np.array([[1.0, 0.0]])
    for got in ([[0.7, 0.0]], [[1.0, 1e-12]]):
        assert first_in_time([(name, np.array(got), expected)], 1e-4) is not None
    assert first_in_time([(name, expected.astype(bool), expected)], 1e-9) is None


def test_time_goes_backwards_where_errors_do():
    expected, got = np.zeros((3, 1)), np.ones((3, 1))
    assert first_in_time([("error/0", got, expected)], 1e-9).time_step == 0
    assert first_in_time([("error/0", got, expected)], 1e-9, last_first=True).time_step == 2


def test_the_first_place_is_named_with_both_numbers_and_units_in_the_last_place():
    expected, got = np.ones((2, 2)), np.ones((2, 2))
    got[0, 1], got[1, 1] = 1 + 2**-51, 5.0
    found = first("a", got, expected, got != expected, timed=False)
    assert (found.time_step, found.index, found.expected, found.got, found.ulps) == (None, (0, 1), 1.0, 1 + 2**-51, 2.0)
    timed = first("a", got, expected, got != expected, timed=True)
    assert (timed.time_step, timed.index) == (0, (1,))


@pytest.mark.parametrize(
    ("expected", "got", "ulps", "text"),
    [
        (1.0, 1 + 2**-51, 2.0, "(2 units in the last place)"),
        (1.0, 1 + 1000 * 2**-52, 1000.0, "(1e+03 units in the last place)"),
        (1.0, 1 + 1001 * 2**-52, 1001.0, "(2.22e-13 apart, 2.22e-13 of the expected number)"),
        (1.0, 1.5, 2.0**51, "(0.5 apart, 0.5 of the expected number)"),
        (1.0, -7.0, 2.0**55, "(8 apart)"),
        (0.0, 1e-3, 1e300, "(0.001 apart)"),
        (1.0, np.nan, np.inf, "got nan"),
        (1.0, -np.inf, np.inf, "got -inf"),
    ],
)
def test_how_far_apart_two_numbers_are_is_said_in_a_unit_that_says_something(expected, got, ulps, text):
    assert str(Divergence("loss", None, (), expected, got, ulps)).endswith(text)


def test_a_single_number_has_no_index_and_a_spike_no_distance():
    assert str(Divergence("loss", None, (), 1.0, 1.5, 2.0**51)).startswith("loss: expected 1.0")
    assert str(Divergence("spikes/0", 0, (1,), 1.0, 0.0, 2.0**52)).endswith("expected 1.0, got 0.0")


def test_arrays_must_have_the_shape_and_be_real_numbers():
    expected = np.ones((2, 3))
    assert misfit("a", np.ones((3, 2)), expected).reason == "expected the shape [2, 3], got [3, 2]"
    assert misfit("a", np.ones(6), expected) is not None and misfit("a", expected.tolist(), expected) is None
    for wrong in (expected.astype(str), expected + 1j, expected.astype("m8[s]")):
        assert "real numbers" in misfit("a", wrong, expected).reason
    assert misfit("a", None, expected).reason == "expected an array of shape [2, 3], got None"


def test_each_method_is_asked_for_what_it_has(case):
    required = {m: {e.name for e in expected_of(case, m) if e.required} for m in ("forward", "ottt", "ottt-online")}
    assert required["forward"] == {"spikes/0", "spikes/1", "outputs"}
    assert required["ottt"] == required["ottt-online"] == set(case.parameters)
    optional = {m: {e.name for e in expected_of(case, m) if not e.required} for m in ("forward", "ottt", "sltt")}
    assert {"potential/0", "potential/1", "psi/0", "psi/1", "loss"} <= optional["forward"]
    assert {"error/0", "error/1", "error/2", "loss", "trace/layer1", "constant_trace/0"} <= optional["ottt"]
    assert not any("trace" in name for name in optional["sltt"])


def test_what_has_a_time_axis_is_said_to_have_one(case):
    timed = {m: {e.name for e in expected_of(case, m) if e.timed} for m in ("forward", "ottt", "ottt-online")}
    assert "loss" not in timed["forward"] and {"spikes/0", "outputs"} <= timed["forward"]
    assert timed["ottt-online"] == set(case.parameters) and not timed["ottt"] & set(case.parameters)
    rates = expected_of(case, "spike-representation")
    assert not any(each.timed for each in rates)
    assert next(each for each in rates if each.name == "loss").values == case.arrays["loss/spike-representation"]


def test_parameters_are_compared_from_the_output_down(case):
    names = [each.name for each in expected_of(case, "bptt") if each.required]
    assert names == list(reversed(case.parameters))


def test_names_of_nothing_are_known_by_what_is_missing():
    expected = [Expected("error/0", "", None, False, True), Expected("loss", "", None, False, False)]
    assert near_names({"errors/0": 0, "Loss": 0, "x": 0}, expected) == (
        ("errors/0", "error/0"),
        ("Loss", "loss"),
        ("x", ""),
    )
    assert near_names({"errors/0": 0, "error/0": 0}, expected) == (("errors/0", ""),)
    assert near_names({3: 0}, expected) == (("3", ""),)


# verdicts


def test_the_reference_passes(case):
    assert {each.outcome for each in verdicts(changed(), case, *case.methods)} == {PASSED}


def test_every_array_that_is_returned_is_compared(case):
    for method in ("forward", "bptt", "ottt", "spike-representation", "ottt-online"):
        found = as_it_is(case, method)
        recorded = {each.name for each in expected_of(case, method)} - set(found)
        names = [*found, *recorded]
        for name in names:
            wanted = next(each for each in expected_of(case, method) if each.name == name)
            other = np.array(wanted.values) + 1

            def wrong(found, name=name, other=other):
                found[name] = other

            verdict = verdicts(changed((method, wrong)), case, method)[0]
            assert verdict.outcome == FAILED and verdict.found.array == wanted.full, (method, name)


def test_gradients_are_not_compared_where_spikes_differ_unless_they_are_given(case):
    adapter = changed(("forward", set_to("spikes/0", 0.5)))
    forward, sltt = verdicts(adapter, case, "forward", "sltt")
    assert (forward.outcome, sltt.outcome) == (FAILED, NOT_COMPARED) and forward.found.array == "spikes/0"
    adapter.given_spikes = True
    assert verdicts(adapter, case, "sltt")[0].outcome == PASSED
    adapter.given_spikes = False
    assert verdicts(adapter, case, "sltt")[0].outcome == NOT_COMPARED


def test_one_layer_whose_spikes_differ_is_enough(case):
    place = (0, 0, 0)
    flipped = 1 - case.arrays["spikes/1"][place]
    adapter = changed(("forward", set_to("spikes/1", flipped, place)))
    assert [each.outcome for each in verdicts(adapter, case, "forward", "sltt")] == [FAILED, NOT_COMPARED]


def test_gradients_are_compared_where_only_what_is_recorded_differs(case):
    adapter = changed(("forward", set_to("potential/0", 9.0)), ("sltt", set_to("layer0.bias", 9.0)))
    forward, sltt, ottt = verdicts(adapter, case, "forward", "sltt", "ottt")
    assert [forward.outcome, sltt.outcome, ottt.outcome] == [FAILED, FAILED, PASSED]
    assert forward.reason == "the forward pass differs" and sltt.reason == "the gradients differ"


def test_a_flip_is_rounding_only_near_the_threshold_and_never_at_it(case):
    distances = np.abs(case.arrays["potential/0"] - 1)
    nearest = np.unravel_index(np.argmin(distances), distances.shape)
    other = np.unravel_index(np.argmax(distances), distances.shape)
    largest = np.abs(case.arrays["potential/0"]).max()
    just = distances[nearest] / largest
    for place, relative, outcome in (
        (nearest, just * 1.01, PASSED),
        (nearest, just * 0.99, FAILED),
        (other, just * 1.01, FAILED),
    ):
        flipped = 1 - case.arrays["spikes/0"][place]
        adapter = changed(("forward", set_to("spikes/0", flipped, place)))
        verdict = verdicts(adapter, case, "forward", relative=relative)[0]
        assert verdict.outcome == outcome
    assert checking._near_threshold(case, Divergence("spikes/0", nearest[0], nearest[1:], 1, 0, 1), just * 1.01)
    tied = SimpleNamespace(arrays={"potential/0": np.ones((1, 1, 1))}, entry=case.entry)
    assert not checking._near_threshold(tied, Divergence("spikes/0", 0, (0, 0), 1.0, 0.0, 1.0), 0.5)


def test_a_loss_alone_that_differs_is_said_to_be_alone(case):
    sum_of = case.entry["time_steps"] * float(case.arrays["loss"])
    adapter = changed(("forward", lambda found: found.update(loss=sum_of)))
    forward, sltt = verdicts(adapter, case, "forward", "sltt", diagnostician=Diagnostician())
    assert (forward.outcome, sltt.outcome) == (FAILED, PASSED)
    assert forward.reason == "the loss that is reported differs"
    (found,) = forward.diagnoses
    assert found.says == "the loss that is reported is a sum over the time steps, not a mean"


def test_a_loss_that_differs_beside_right_gradients_is_said_to_be_beside_them(by_name):
    case = by_name["dense"]

    def summed(found):
        found["loss"] = case.arrays["loss"] * case.entry["batch_size"]

    (verdict,) = verdicts(changed(("sltt", summed)), case, "sltt", diagnostician=Diagnostician())
    assert verdict.reason == "the loss that is reported differs, the gradients do not"
    (summed_so,) = verdict.diagnoses
    assert summed_so.says == "the loss that is reported is a sum over the batch, not a mean"

    def recorded(found):
        found["error/0"] = case.arrays["error/sltt/0"] * 2

    (verdict,) = verdicts(changed(("sltt", recorded)), case, "sltt", diagnostician=Diagnostician())
    assert verdict.reason == "what is recorded differs, the gradients do not"
    assert [each.name for each in verdict.diagnoses] == ["recorded-otherwise"]

    def both(found):
        summed(found), recorded(found)

    (verdict,) = verdicts(changed(("sltt", both)), case, "sltt", diagnostician=Diagnostician())
    assert [each.name for each in verdict.diagnoses] == ["recorded-otherwise"]


def test_nothing_is_said_to_be_right_beside_wrong_gradients(case):
    def wrong(found):
        found["loss"] = case.arrays["loss"] * case.entry["time_steps"]
        found["layer0.weight"][0, 0] += 1

    (verdict,) = verdicts(changed(("sltt", wrong)), case, "sltt", diagnostician=Short())
    assert verdict.reason == "the gradients differ" and verdict.found.array == "loss"
    text = report.details([verdict]) + report.diagnosis([verdict])
    assert "right" not in text and "reported-loss-summed" not in text


def test_a_mapping_that_lacks_an_array_names_what_may_be_meant(case):
    def torch_names(found):
        for name in list(found):
            found[name.replace("layer", "layers.")] = found.pop(name)

    (verdict,) = verdicts(changed(("sltt", torch_names)), case, "sltt")
    assert verdict.outcome == FAILED and isinstance(verdict.found, Misfit)
    assert verdict.found.reason == "expected an array of that name, got none, but something called 'layers.1.bias'"
    assert ("layers.0.weight", "layer0.weight") in verdict.unknown and not verdict.diagnoses


def test_a_gradient_of_none_is_said_to_be_none_and_no_missing_axis(case):
    def none(found):
        found["layer0.bias"] = None

    (verdict,) = verdicts(changed(("sltt", none)), case, "sltt")
    assert [each.name for each in verdict.diagnoses] == ["no-gradient"] and "got None" in str(verdict.found)


def test_a_misspelt_array_does_not_fail_and_is_not_passed_over(case, tmp_path):
    def misspelt(found):
        found["errors/0"] = np.zeros(3)

    (verdict,) = verdicts(changed(("sltt", misspelt)), case, "sltt")
    assert verdict.outcome == PASSED and verdict.unknown == (("errors/0", "error/0"),)
    text = "not compared, 1 times: 'errors/0', which is the name of nothing that is expected; is it 'error/0'?"
    assert text in report.details([verdict])
    report.write_json(tmp_path / "x.json", [verdict], "x:y")
    (row,) = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["verdicts"]
    assert row["unknown"] == [{"name": "errors/0", "near": "error/0"}]
    one = suite.Suite(changed(("sltt", misspelt)))
    with pytest.warns(UserWarning, match="dense-one-sample, sltt: not compared: 'errors/0', .* is it 'error/0'"):
        one.check("dense-one-sample", "sltt")


def test_a_second_call_that_gives_other_numbers_is_a_state(case):
    calls = []

    def adapter(case, method):
        calls.append(method)
        return {name: array + len(calls) for name, array in as_it_is(case, method).items()}

    (verdict,) = verdicts(adapter, case, "forward")
    assert [each.name for each in verdict.diagnoses] == ["state-kept"]
    (verdict,) = verdicts(changed(("forward", set_to("outputs", 9.0))), case, "forward")
    assert verdict.diagnoses == ()


# diagnosis


@pytest.mark.parametrize(
    ("shape", "wanted", "timed", "name"),
    [
        ((4, 6, 5), (6, 4, 5), True, "axes-swapped"),
        ((5, 6), (6, 5), False, "transposed"),
        ((4, 5), (6, 4, 5), True, "without-time"),
        ((4, 5), (6, 4, 5), False, None),
        ((), (5,), False, None),
        ((1, 5), (5,), False, "axis-of-one"),
        ((1,), (), False, "axis-of-one"),
        ((120,), (6, 4, 5), True, "flattened"),
        ((7,), (6, 4, 5), True, None),
        ((6, 5), (6, 5), False, None),
        ((5, 5), (5, 5), False, None),
    ],
)
def test_shapes_are_diagnosed(shape, wanted, timed, name):
    found = of_shape(np.zeros(shape), Expected("a", "a", np.zeros(wanted), True, timed), "sltt")
    assert [each.name for each in found] == ([] if name is None else [name])


@pytest.mark.parametrize(("method", "timed"), [("forward", False), ("ottt-online", True), ("sltt", True)])
def test_none_is_no_gradient_of_what_has_none(method, timed):
    assert of_shape(None, Expected("a", "a", np.zeros(3), True, timed), method) == ()


@pytest.fixture
def few_traps(monkeypatch):
    """A search among three traps: the others are held against every fault in `test_diagnosis`."""
    few = (
        surrogate_scaled(0.5),
        surrogate_scaled(0.0),
        replace(NOTHING, name="negative", says="-", parameters=negated),
    )
    monkeypatch.setattr(diagnosis, "gradient_traps", lambda case: few)
    monkeypatch.setattr(diagnosis, "forward_traps", tuple)
    monkeypatch.setattr(diagnosis, "surrogate_traps", tuple)


def negated(values):
    return {name: -value for name, value in values.items()}


def gradients(case, method, variation):
    return {name: np.array(array) for name, array in compute(case, method, variation).items()}


def named(case, method, found):
    return [each.name for each in Diagnostician().gradients(case, method, found, 1e-9)]


def test_one_array_that_is_unlike_a_trap_is_enough_to_be_unlike_it(case, few_traps):
    found = gradients(case, "sltt", surrogate_scaled(0.0))
    assert named(case, "sltt", found) == ["surrogate-scaled"]
    found["layer0.bias"][0] += 0.25
    assert named(case, "sltt", found) == []


def test_a_factor_of_everything_is_named_and_one_is_none(case, few_traps):
    found = {name: array * 1.75 for name, array in gradients(case, "sltt", NOTHING).items()}
    (named_so,) = Diagnostician().gradients(case, "sltt", found, 1e-9)
    assert (named_so.name, named_so.says) == ("scaled", "every gradient is 1.75 times what it should be")
    assert (
        diagnosis._ratio([np.ones(3)], [np.ones(3)]) is None and diagnosis._ratio([np.ones(3)], [np.zeros(3)]) is None
    )
    assert diagnosis._ratio([np.full(3, np.nan)], [np.ones(3)]) is None
    assert diagnosis._ratio([np.array([2.0, 4.0])], [np.array([1.0, 2.0])]) == 2.0


def test_another_methods_numbers_are_known_and_none_of_the_methods_own(case, few_traps):
    found = {name: np.array(array) for name, array in case.gradients("bptt").items()}
    assert "is-bptt" in named(case, "sltt", found)
    assert "is-bptt" not in named(case, "bptt", {name: array * 1.75 for name, array in found.items()})
    online = {name: np.array(array) for name, array in case.gradients("ottt-online-authors").items()}
    assert "is-ottt-online-authors" in named(case, "ottt-online", online)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_number_that_is_none_is_enough(case, value):
    found = gradients(case, "sltt", NOTHING)
    found["layer0.bias"][0] = value
    assert named(case, "sltt", found) == ["not-finite"]
    forward = {name: np.array(array) for name, array in compute(case, "forward", NOTHING).items()}
    forward["psi/0"][0, 0, 0] = value
    assert [each.name for each in Diagnostician().forward(case, forward, 1e-9)] == ["not-finite"]


@pytest.mark.parametrize(("factor", "name"), [(1e-7, "single-precision"), (1e-4, "reduced-precision"), (0.05, None)])
def test_fewer_digits_are_told_apart(factor, name):
    expected = {"a": np.linspace(0.1, 1, 7)}
    found = {"a": expected["a"] + factor * np.array([1, -1, 1, -1, 1, -1, 1])}
    assert [each.name for each in diagnosis._imprecise(expected, found, ["a"])] == ([] if name is None else [name])
    single = {"a": expected["a"].astype(np.float32)}
    assert "single-precision" not in [each.name for each in diagnosis._imprecise(single, found, ["a"])]


@pytest.mark.parametrize(
    ("factor", "over"),
    [(4, "over the batch,"), (6, "over the time steps,"), (24, "over the batch and the time steps,"), (5, None)],
)
def test_a_sum_is_told_by_what_it_is_over(factor, over):
    case = SimpleNamespace(entry={"time_steps": 6, "batch_size": 4})
    found = diagnosis._loss_alone(case, {"loss": 0.5 * factor}, 0.5)
    assert [over in each.says for each in found] == ([] if over is None else [True])
    square = SimpleNamespace(entry={"time_steps": 4, "batch_size": 4})
    (either,) = diagnosis._loss_alone(square, {"loss": 2.0}, 0.5)
    assert "over the batch or over the time steps, not a mean" in either.says
    assert diagnosis._loss_alone(case, {"loss": 0.5}, 0.5) == []
    assert diagnosis._loss_alone(case, {}, 0.5) == [] and diagnosis._loss_alone(case, {"loss": 0.5}, 0.0) == []


# variations


def test_without_a_variation_everything_is_the_references(case, loop):
    for each in (case, loop):
        for name, array in compute(each, "forward", NOTHING).items():
            assert np.array_equal(array, each.arrays[name]), name
        for method in each.methods[1:]:
            found = compute(each, method, NOTHING)
            for name, values in each.gradients(method).items():
                assert not differing(found[name], values, 1e-9).any(), (method, name)


def test_what_a_variation_says_is_done(case, loop):
    """Each field of a Variation, by what it must do to a number."""
    expected = case.gradients("sltt")
    negative = replace(NOTHING, parameters=negated)
    twice = replace(NOTHING, steps=lambda loss, outputs, targets, errors: errors * 2)
    half = replace(NOTHING, loss=lambda loss: replace(loss, mse_weight=1.0))
    for name, values in expected.items():
        assert np.array_equal(compute(case, "sltt", negative)[name], -compute(case, "sltt", NOTHING)[name])
        assert not differing(compute(case, "sltt", twice)[name], 2 * values, 1e-9).any()
    assert differing(compute(case, "sltt", half)["readout.bias"], expected["readout.bias"], 1e-9).any()
    start = compute(case, "forward", replace(NOTHING, start=lambda neuron: 0.25))["potential/0"]
    decay = case.network.layers[0].neuron.decay
    assert start[0] == pytest.approx(case.arrays["potential/0"][0] + decay * 0.25)
    seen = replace(NOTHING, seen=lambda name, array, network, activity: array + 1)
    assert np.array_equal(compute(case, "forward", seen)["outputs"], case.arrays["outputs"] + 1)
    turned = compute(case, "forward", replace(NOTHING, returned=(1, 0)))["outputs"]
    assert np.array_equal(turned, np.swapaxes(case.arrays["outputs"], 0, 1))


def test_delayed_connections_are_given_the_step_before_and_late_ones_the_step_before_that(loop):
    late = replace(
        NOTHING,
        given=lambda connection, now, earlier: (
            earlier[1][connection.source] if connection.loop else now[connection.source]
        ),
    )
    seen = []

    def spy(connection, now, earlier):
        if connection.loop:
            seen.append((earlier[0][connection.source].copy(), earlier[1][connection.source].copy()))
        return earlier[0][connection.source] if connection.loop else now[connection.source]

    found = compute(loop, "forward", replace(NOTHING, given=spy))
    source = next(c.source for c in loop.network.connections if c.loop)
    spikes = found[f"spikes/{source}"]
    assert all(np.array_equal(seen[t][0], spikes[t - 1]) for t in range(1, len(spikes)))
    assert all(np.array_equal(seen[t][1], spikes[t - 2]) for t in range(2, len(spikes)))
    assert not seen[0][0].any() and not seen[1][1].any()
    assert differing(compute(loop, "forward", late)["outputs"], loop.arrays["outputs"], 1e-9).any()


# the report


def outcome(name, case="dense", method="ottt", traps=(), **options):
    return Verdict(case, method, name, "why", None, tuple(Diagnosis(trap, f"says {trap}") for trap in traps), **options)


def test_success_is_a_pass_and_nothing_else_than_passes_and_what_is_unsupported():
    passed, unsupported = outcome(PASSED), outcome(UNSUPPORTED)
    assert report.succeeded([passed, unsupported])
    assert not report.succeeded([unsupported]) and not report.succeeded([])
    assert not report.succeeded([passed, outcome(FAILED)]) and not report.succeeded([passed, outcome(NOT_COMPARED)])


def test_a_table_has_each_verdicts_mark_in_its_place():
    rows = [
        outcome(PASSED),
        outcome(FAILED, method="bptt"),
        outcome(NOT_COMPARED, "conv"),
        outcome(UNSUPPORTED, "conv", "bptt"),
    ]
    lines = report.table(rows).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["case", "ottt", "bptt"],
        ["dense", "ok", "FAIL"],
        ["conv", ".", "-"],
    ]


def test_two_failures_that_are_alike_are_shown_and_all_that_are_not():
    alike = [outcome(FAILED, f"case{k}", traps=("a",)) for k in range(5)]
    other = [outcome(FAILED, "case9", traps=("b",))]
    raised = [
        replace(outcome(FAILED, f"case{k}"), reason=f"Error {k}", frames=("f.py:1, in f: x",)) for k in (10, 11, 12)
    ]
    text = report.details([*alike, *other, *raised])
    shown = [f"case{k}," in text for k in (0, 1, 2, 3, 4, 9, 10, 11, 12)]
    assert shown == [True, True, False, False, False, True, True, True, True]
    assert "and 3 more failures like these" in text


def test_reasons_of_what_is_unsupported_are_counted():
    text = report.details([outcome(UNSUPPORTED), outcome(UNSUPPORTED), Verdict("dense", "bptt", PASSED)])
    assert text == "unsupported, 2 times: why"


def test_the_trap_that_explains_most_comes_first_and_failures_are_said_by_their_kind():
    rows = [outcome(FAILED, traps=("a", "b")), outcome(FAILED, traps=("b",)), outcome(FAILED, traps=("c",))]
    assert report.explanations(rows) == [("b", "says b", 2), ("c", "says c", 1)]
    kinds = [
        outcome(FAILED),
        outcome(FAILED, frames=("f.py:1, in f: x",)),
        replace(outcome(FAILED), found=Misfit("a", "expected")),
    ]
    lines = report.diagnosis(kinds).splitlines()
    assert lines[1:] == [
        "    1 of 3 failures are like no known trap",
        "    1 of 3 failures are exceptions of the adapter's, shown above",
        "    1 of 3 failures are of what was returned, which cannot be compared",
    ]


def test_files_count_what_failed_and_what_was_skipped(tmp_path):
    rows = [outcome(name) for name in (PASSED, FAILED, FAILED, UNSUPPORTED, NOT_COMPARED, NOT_COMPARED)]
    report.write_junit(tmp_path / "x.xml", rows, "x:y")
    test_suite = ElementTree.parse(tmp_path / "x.xml").getroot().find("testsuite")
    assert [test_suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "2", "0", "3"]
    assert [len(list(test_suite.iter(tag))) for tag in ("failure", "skipped")] == [2, 3]
    data = report.as_data(rows, "x:y")
    assert data["outcomes"] == {PASSED: 1, FAILED: 2, UNSUPPORTED: 1, NOT_COMPARED: 2} and not data["conforms"]
