"""Rules from outside, by public names alone: each runs offline and online, in floats and over fractions."""

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import methods

from ..helpers import assert_close, dyadic_network, dyadic_sequence


# A rule like DECOLLE: each layer's own loss brings its error, and a trace of its inputs is paired with it.
class LocalTraces(methods.Rule):
    """Errors are paired with traces of the presynaptic spikes, biases with 1."""

    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        self.state = {c.name: np.zeros((batch_size, *network.shape_of(c.source)), network.dtype) for c in self.traced}

    @property
    def traced(self):
        return [c for c in self.network.connections if c.parameters]

    def advance(self, activity):
        for c in self.traced:
            trace = self.state[c.name]
            trace[...] = self.network.decay(self.network.trace_layer(c.target)) * trace + activity.presynaptic(c)

    def presynaptic(self, connection, activity):
        return self.state[connection.name]


# A rule like e-prop: an eligibility for each synapse of a dense layer, filtered by the readout's leak.
class Eligibility(methods.Rule):
    """∇W_ij += Σ_b e_i Ē_ij, Ē = κ Ē + ψ_i â_j: ψ of the past counts, as far as a leaky readout remembers."""

    def __init__(self, network, batch_size):
        super().__init__(network, batch_size)
        self.traces = methods.Traces(network, batch_size, "derivation")
        self.filtered = {
            c.name: np.zeros((batch_size, network.shapes[c.target][0], network.shape_of(c.source)[0]), network.dtype)
            for c in network.connections
        }
        self.state = {**self.traces.state, **self.filtered}

    def advance(self, activity):
        self.traces.update(activity)
        last = len(self.network.layers) - 1
        for c in self.network.connections:
            kappa = self.network.decay(last)[0] if c.target < last else 0
            psi, trace = activity.layer_surrogate_derivatives[c.target], self.traces.presynaptic(c)
            self.filtered[c.name][...] = kappa * self.filtered[c.name] + psi[:, :, None] * trace[:, None, :]

    def add_gradients(self, gradients, connection, error, spike_error, activity):
        gradients[f"{connection.name}.weight"] += (spike_error[:, :, None] * self.filtered[connection.name]).sum(axis=0)


def heads(network):
    rng = np.random.default_rng(3)
    sizes = [(network.output_size, int(np.prod(shape))) for shape in network.shapes[:-1]]
    values = [rng.integers(-8, 8, size=size) / 8 for size in sizes]
    return methods.LocalLosses([ot.exact_array(v) if network.dtype.hasobject else v for v in values])


RULES = {
    "like DECOLLE": (LocalTraces, heads),
    "like e-prop": (Eligibility, lambda network: None),
    "SLTT": (methods.Rule, lambda network: None),
}


def case(readout="linear"):
    network, (inputs, targets) = dyadic_network(0, readout=readout), dyadic_sequence(0, time_steps=6)
    return network, inputs, targets


@pytest.mark.parametrize("name", RULES)
def test_a_rule_from_outside_is_the_same_in_floats_and_over_fractions(name):
    rule, feedback = RULES[name]
    network, inputs, targets = case("leaky")
    exact = network.exact()
    loss = ot.losses.MeanSquaredError()
    found = methods.gradients(rule, network, inputs, targets, loss, error_feedback=feedback(network), terms=True)
    fractions = methods.gradients(
        rule, exact, ot.exact_array(inputs), ot.exact_array(targets), loss, error_feedback=feedback(exact)
    )
    assert all(isinstance(number, Fraction | int) for value in fractions.values() for number in value.flat)
    assert_close(dict(found), dict(fractions), 1e-14)
    for parameter, value in found.items():
        np.testing.assert_allclose(found.terms[parameter].sum(axis=0), value, rtol=1e-13, atol=1e-15)
    assert any(np.any(value != 0) for value in found.values())


@pytest.mark.parametrize("name", RULES)
def test_a_rule_from_outside_learns_online_what_its_terms_say(name):
    rule, feedback = RULES[name]
    network, inputs, targets = case("leaky")
    expected = methods.gradients(rule, network, inputs, targets, error_feedback=feedback(network), terms=True)
    seen = []

    class Recorder(ot.training.Optimizer):
        def __init__(self):
            super().__init__(0.1, 0.0)

        def step(self, parameters, gradients):
            seen.append({name: value.copy() for name, value in gradients.items()})

    options = {"error_feedback": feedback(network), "time_steps": len(inputs)}
    learner = methods.OnlineLearner(rule, network, Recorder(), **options)
    losses = [learner.step(x, targets)[0] for x in inputs]
    assert sum(losses) == expected.loss and len(seen) == len(inputs)
    for t, gradients in enumerate(seen):
        assert all(value.tobytes() == expected.terms[name][t].tobytes() for name, value in gradients.items())
    bytes_of_state = sum(array.nbytes for array in learner.rule.state.values())
    potentials_and_spikes = 2 * sum(int(np.prod(shape)) for shape in network.shapes) * inputs.shape[1] * 8
    assert learner.state_bytes == bytes_of_state + potentials_and_spikes


def test_the_layers_own_losses_give_bptts_gradient_of_the_network_cut_after_the_layer():
    """E1 for each layer: its update is BPTT's (detached) of a network that ends there, with the head as its readout."""
    network, inputs, targets = case()
    exact, x, y = network.exact(), ot.exact_array(inputs), ot.exact_array(targets)
    loss, feedback = ot.losses.MeanSquaredError(), heads(exact)
    found = ot.ottt.gradients(exact, x, y, loss, error_feedback=feedback)
    for l in range(len(exact.layers) - 1):
        head = ot.Layer(ot.Dense(feedback.matrices[l], bias=False), ot.Integrator(Fraction(0)))
        cut = ot.bptt.gradients(ot.Network([*exact.layers[: l + 1], head]), x, y, loss)
        for name in (f"layer{l}.weight", f"layer{l}.bias"):
            assert np.all(found[name] == cut[name]) and np.any(found[name] != 0)


def test_the_eligibility_filtered_by_a_leaky_readout_is_bptts_gradient_of_the_last_hidden_layer():
    network, inputs, targets = case("leaky")
    exact, loss = network.exact(), ot.losses.MeanSquaredError()
    data = (exact, ot.exact_array(inputs), ot.exact_array(targets), loss)
    found, right = methods.gradients(Eligibility, *data), ot.bptt.gradients(*data)
    assert np.all(found["layer1.weight"] == right["layer1.weight"]) and np.any(right["layer1.weight"] != 0)
    assert np.any(found["layer0.weight"] != right["layer0.weight"])
    assert np.any(ot.ottt.gradients(*data)["layer1.weight"] != right["layer1.weight"])


def test_direct_feedback_by_the_transposed_weights_is_ottt_in_the_last_hidden_layer_alone():
    network, inputs, targets = case()
    exact, loss = network.exact(), ot.losses.MeanSquaredError()
    data = (exact, ot.exact_array(inputs), ot.exact_array(targets), loss)
    above = exact.parameters["readout.weight"].T
    below = exact.parameters["layer1.weight"].T.dot(above)
    found = ot.ottt.gradients(*data, error_feedback=methods.FeedbackMatrices([below, above]))
    right = ot.ottt.gradients(*data)
    for name in ("readout.weight", "readout.bias", "layer1.weight", "layer1.bias"):
        assert np.all(found[name] == right[name])
    assert np.any(found["layer0.weight"] != right["layer0.weight"])


@pytest.mark.parametrize(
    ("rule", "options", "error", "complaint"),
    [
        ("SLTT", {}, TypeError, "rule must be a Rule subclass or a function"),
        (lambda network, batch_size: 3, {}, TypeError, r"rule must give a Rule .* got 3"),
        (methods.Rule, {"error_feedback": 3}, TypeError, "error_feedback must be one such as"),
        (methods.Rule, {"error_feedback": methods.ErrorFeedback()}, TypeError, "error_feedback must be one such as"),
        (methods.Rule, {"error_feedback": methods.FeedbackMatrices([])}, ValueError, "matrices must be 2, .* got 0"),
        (
            methods.Rule,
            {"error_feedback": methods.LocalLosses([np.zeros((2, 4)), np.zeros((3, 3))])},
            ValueError,
            r"matrices\[1\] must be \[2, 3\], got shape \(3, 3\)",
        ),
        (
            methods.Rule,
            {"error_feedback": methods.FeedbackMatrices([np.zeros((4, 2), np.float32)] * 2)},
            TypeError,
            r"matrices\[0\] must have dtype float64",
        ),
    ],
)
def test_what_is_no_rule_or_does_not_fit_is_refused_by_name(rule, options, error, complaint):
    network, inputs, targets = case()
    with pytest.raises(error, match=complaint):
        methods.gradients(rule, network, inputs, targets, **options)
    with pytest.raises(error, match=complaint):
        methods.OnlineLearner(rule, network, ot.training.SGD(), **options)


def test_a_rule_that_follows_no_errors_takes_no_feedback():
    network, inputs, targets = case()
    rule = partial(ot.rtrl.RTRL, reset_gradient="detached")
    with pytest.raises(ValueError, match="error_feedback must be None for RTRL"):
        methods.gradients(rule, network, inputs, targets, error_feedback=methods.TransposedWeights())


@pytest.mark.parametrize("learner", [ot.sltt.OnlineLearner, ot.rtrl.OnlineLearner])
def test_every_forward_rule_learns_online(learner):
    network, inputs, targets = case()
    start = network.copy()
    method = {ot.sltt.OnlineLearner: ot.sltt, ot.rtrl.OnlineLearner: ot.rtrl}[learner]
    online = learner(network, ot.training.SGD(0.5, momentum=0), time_steps=len(inputs))
    online.step(inputs[0], targets)
    first = method.gradients(start, inputs, targets, terms=True).terms
    for name, value in start.parameters.items():
        np.testing.assert_array_equal(network.parameters[name], value - 0.5 * first[name][0])
    sizes = set()
    for x in inputs[1:]:
        online.step(x, targets)
        sizes.add(online.state_bytes)
    assert len(sizes) == 1 and sizes.pop() > 0


def test_the_registry_lists_every_method_once():
    files = {path.stem for path in Path(methods.__file__).parent.glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in methods.METHODS} == files and len(files) >= 5
    for name, method in methods.METHODS.items():
        module = getattr(ot, name.replace("-", "_"))
        assert method.gradients is module.gradients and method.name == name
        assert method.learner is getattr(module, "OnlineLearner", None)


@pytest.mark.parametrize("name", RULES)
def test_the_algebra_alone_is_the_gradient_with_the_errors_of_each_time_step(name):
    rule, feedback = RULES[name]
    network, inputs, targets = case("leaky")
    activity = ot.simulate(network, inputs)
    _, errors = ot.losses.sequence_loss(ot.losses.Mixed(), activity.outputs, targets)
    if name == "like DECOLLE":
        with pytest.raises(ValueError, match="error_feedback must not be LocalLosses in the algebra alone"):
            methods.accumulate(rule, network, activity, errors, error_feedback=feedback(network))
        return
    found = methods.accumulate(rule, network, activity, errors, terms=True)
    right = methods.gradients(rule, network, inputs, targets, terms=True)
    assert np.any(errors[0] != errors[1])
    for parameter, value in right.items():
        assert np.array_equal(found.values[parameter], value)
        assert np.array_equal(found.terms[parameter], right.terms[parameter])


def test_a_learner_keeps_to_the_batch_of_drawn_masks():
    layers = [ot.Layer([ot.Dropout(0.5), ot.Dense(np.ones((3, 2)))], ot.LIF())]
    drawn = ot.Network(layers, input_shape=(2,)).with_dropout(2, rng=0)
    learner = ot.sltt.OnlineLearner(drawn, ot.training.SGD())
    with pytest.raises(ValueError, match=r"inputs must be \[2, 2\], got shape \(3, 2\)"):
        learner.step(np.ones((3, 2)), np.array([0, 1, 2]))
    learner.step(np.ones((2, 2)), np.array([0, 1]))
