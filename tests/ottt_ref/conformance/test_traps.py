"""The traps: each shows somewhere, any two can be told apart somewhere, and without one nothing is varied."""

import numpy as np
import pytest

from ottt_ref.conformance.arrays import expected_of
from ottt_ref.conformance.compare import RELATIVE, differing
from ottt_ref.conformance.reference import FORWARD, METHODS, ONLINE
from ottt_ref.conformance.traps import combined, forward_traps, gradient_traps, surrogate_scaled
from ottt_ref.conformance.traps.neurons import HardUnleaked
from ottt_ref.conformance.variations import Variation, compute

pytestmark = pytest.mark.slow

NOTHING = Variation("nothing", "as the reference", "nothing")
VISIBLE = 1e-3
SEPARATING = (
    "dense",
    "dense-by-layer",
    "dense-hard",
    "dense-slow",
    "dense-two-decays",
    "dense-unleaked",
    "dense-soft-targets",
    "dense-squared-error",
    "dense-mixed",
    "dense-sharp",
    "dense-triangle",
    "dense-rectangle",
    "dense-multigaussian",
    "dense-leaky-readout",
    "dense-per-neuron",
    "dense-learned-neurons",
    "dense-two-leaks",
    "recurrent-learned-leaks",
    "dense-standardised",
    "recurrent",
    "feedback",
    "skip",
    "conv-windows",
    "conv-residual",
    "conv-standardised",
    "conv-feedback",
    "at-threshold",
    "dense-fastsigmoid",
    "conv-maxpool",
    "dense-masked",
    "dense-last-step",
    "recurrent-step-targets",
    "feedback-chunk",
    "delays",
)


def visible(left, right):
    """Whether two computations of one method differ so much that no rounding explains it."""
    return any(
        left[name].shape != right[name].shape or differing(left[name], right[name], VISIBLE).any() for name in left
    )


def computed(case, method, trap):
    try:
        with np.errstate(all="ignore"):
            return compute(case, method, trap)
    except ValueError:  # of labels that do not fit swapped axes, of rates without an equilibrium
        return None


@pytest.mark.slow
def test_without_a_trap_everything_is_as_the_reference_has_it(cases):
    for case in cases:
        for method in case.methods:
            found = compute(case, method, NOTHING)
            for each in expected_of(case, method):
                if each.required:
                    wrong = differing(found[each.name], each.values, RELATIVE[str(case.dtype)])
                    assert not wrong.any(), (case.name, each.full)


@pytest.mark.parametrize("index", range(len(forward_traps())), ids=lambda index: forward_traps()[index].name)
def test_every_forward_trap_shows_in_some_case(cases, index):
    trap = forward_traps()[index]
    for case in cases:
        found = computed(case, FORWARD, trap)
        if found is not None and any(
            each.name in found and visible({each.name: found[each.name]}, {each.name: each.values})
            for each in expected_of(case, FORWARD)
        ):
            return
    raise AssertionError(f"{trap.name} shows nowhere")


GRADIENTS = ("bptt", "bptt-kept", "ottt", "ottt-online", "sltt", "spike-representation")


@pytest.mark.exhaustive
def test_every_gradient_trap_shows_and_any_two_are_told_apart_in_some_case(by_name):
    """Place after place, a case and a method, what is like nothing else any more is not computed again."""
    hidden = {trap.name for case in by_name.values() for trap in gradient_traps(case)}
    alike = set()  # pairs (name, sentence) that no place so far has told apart
    known = set()
    for case, method in ((by_name[name], method) for name in SEPARATING for method in GRADIENTS):
        if method not in case.methods:
            continue
        traps = {(trap.name, trap.says): trap for trap in gradient_traps(case)}
        new = traps.keys() - known
        alike |= {frozenset((left, right)) for left in new for right in known | new if left[0] != right[0]}
        known |= new
        asked = {key for pair in alike for key in pair} | {key for key in traps if key[0] in hidden}
        right, found = case.gradients(method), {}
        for key in asked & traps.keys():
            varied = computed(case, method, traps[key])
            if varied is not None and visible(right, varied):
                found[key] = varied
        hidden -= {name for name, _ in found}
        alike = {pair for pair in alike if not told_apart(*(found.get(key) for key in pair))}
    assert not hidden and not alike


def told_apart(left, right):
    """Whether two results differ, None standing for that of the reference."""
    return (left is not right) if left is None or right is None else visible(left, right)


@pytest.mark.slow
def test_any_two_methods_are_told_apart_by_some_case(by_name):
    same = ({"bptt", "rtrl"}, {"bptt-kept", "rtrl-kept"})  # theorem E6
    for group in (METHODS, ONLINE):
        for left in group:
            for right in group:
                if left == right or {left, right} in same:
                    continue
                cases = (by_name[name] for name in SEPARATING)
                assert any(
                    left in case.methods and right in case.methods
                    and visible(case.gradients(left), case.gradients(right))
                    for case in cases
                ), (left, right)  # fmt: skip


def test_two_forward_traps_at_once_differ_from_each_alone(by_name):
    traps = {trap.name: trap for trap in forward_traps()}
    hard, decayed = traps["reset-hard"], traps["input-decayed"]
    both = combined(hard, decayed)
    assert both.name == "reset-hard + input-decayed" and hard.says in both.says and decayed.says in both.says
    case = by_name["dense"]
    results = [compute(case, FORWARD, trap) for trap in (hard, decayed, both, combined(decayed, hard))]
    assert visible(results[0], results[2]) and visible(results[1], results[2])
    assert not visible(results[2], results[3])


def test_traps_of_one_aspect_or_of_what_is_recorded_are_not_combined():
    traps = {trap.name: trap for trap in forward_traps()}
    assert combined(traps["reset-hard"], traps["reset-unleaked"]) is None
    assert combined(traps["reset-hard"], traps["outputs-averaged"]) is None


def test_a_hard_reset_that_does_not_leak_leaves_its_potential_whole():
    """u[t] = λ (1 - s[t-1]) u[t-1] + v_reset s[t-1] + I[t]."""
    neuron = HardUnleaked(decay=0.75, threshold=1.0, reset="hard", reset_potential=-0.5)
    potential, spikes, current = np.array([[2.0, 0.5, 1.0]]), np.array([[1.0, 0.0, 1.0]]), np.array([[0.25, 1.0, 1.5]])
    neuron.step((potential,), spikes, current)
    assert potential.tolist() == [[-0.25, 1.375, 1.0]] and spikes.tolist() == [[0, 1, 1]]


def test_a_scaled_surrogate_scales_what_is_linear_in_it(by_name):
    case = by_name["dense"]
    found = compute(case, "ottt", surrogate_scaled(0.5))
    np.testing.assert_allclose(found["layer1.weight"], case.gradients("ottt")["layer1.weight"] / 2, rtol=1e-12)
    np.testing.assert_allclose(found["layer0.weight"], case.gradients("ottt")["layer0.weight"] / 4, rtol=1e-12)
    np.testing.assert_allclose(found["readout.weight"], case.gradients("ottt")["readout.weight"], rtol=1e-12)


@pytest.mark.parametrize("late", [("inputs", "spikes", "constants"), ("inputs", "spikes"), ("spikes",)])
def test_late_traces_pair_errors_with_what_was_traced_a_step_before(by_name, late):
    """Σ_t g[t] â[t-1]^T and Σ_t g[t] Λ_{t-1}, of the case's own arrays; a stateless readout's bias is not traced."""
    case = by_name["dense"]
    found = compute(case, "ottt", Variation("late", "", "trace", late=late))
    for l, name in enumerate(("layer0", "layer1", "readout")):
        errors, trace = case.arrays[f"error/ottt/{l}"], case.arrays[f"trace/{name}"]
        constant = case.arrays[f"constant_trace/{l}"]
        if ("inputs" if l == 0 else "spikes") in late:
            trace = np.concatenate([np.zeros_like(trace[:1]), trace[:-1]])
        if "constants" in late and name != "readout":
            constant = np.concatenate([[0.0], constant[:-1]])
        weight = sum(error.T @ row for error, row in zip(errors, trace))
        bias = sum(error.sum(axis=0) * number for error, number in zip(errors, constant))
        np.testing.assert_allclose(found[f"{name}.weight"], weight, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found[f"{name}.bias"], bias, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["dense-per-neuron", "dense-two-leaks"])
def test_a_mistake_with_biases_leaves_weights_of_several_traces_as_they_are(by_name, name):
    case = by_name[name]
    found = compute(case, "ottt", Variation("untraced", "", "trace", constant_decay=lambda layer, decay: None))
    right = case.gradients("ottt")
    weights, biases = ([each for each in right if each.endswith(kind)] for kind in ("weight", "bias"))
    assert all(not differing(found[each], right[each], RELATIVE[str(case.dtype)]).any() for each in weights)
    assert any(differing(found[each], right[each], VISIBLE).any() for each in biases)


def test_a_trap_changes_nothing_of_the_case(by_name):
    case = by_name["dense"]
    before = {name: value.copy() for name, value in case.arrays.items()}
    for trap in (*forward_traps(), *gradient_traps(case)):
        computed(case, "ottt-online", trap)
    assert all(np.array_equal(case.arrays[name], value) for name, value in before.items())
