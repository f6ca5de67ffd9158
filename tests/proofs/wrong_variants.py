"""Deliberately wrong algorithms: each variant patches a name in `ottt_ref`, and names the claim that sees it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ottt_ref import bptt, losses, ottt, plain, rtrl, sltt, spike_representation
from ottt_ref.methods.shared import driver, lags, task, traces
from ottt_ref.methods.shared import errors as spatial
from ottt_ref.network import neurons, per_neuron
from ottt_ref.network.operations import convolution, max_pooling
from ottt_ref.network.operations import dense as synapses
from ottt_ref.paths import Path, selection
from ottt_ref.paths.enumeration import Enumeration
from ottt_ref.paths.unrolled import Unrolled
from ottt_ref.simulation import simulator as simulation
from ottt_ref.simulation import trace


@dataclass(frozen=True)
class WrongVariant:
    """`wrong` in place of `getattr(owner, name)` must be refuted by `claim`."""

    claim: str
    fault: str
    owner: object
    name: str
    wrong: Callable

    def __str__(self):
        return f"{self.claim}-{self.fault.replace(' ', '-')}"


def trace_not_decayed(state, value, decay):
    state[...] = state + value


def trace_one_step_late(traces_, activity):
    _correct_update(traces_, replace(activity, layer_outputs=traces_.__dict__.get("last", _silent(activity))))
    traces_.last = tuple(output.copy() for output in activity.layer_outputs)


def _silent(activity):
    return tuple(output * 0 for output in activity.layer_outputs)


_correct_update = traces.Traces.update


def bias_not_traced(traces_, activity):
    _correct_update(traces_, activity)
    for of_bias in (each for of_layer in traces_._biases for each in of_layer):
        of_bias.value[...] = traces_._bias_input


def without_delay(activity, connection):
    return activity.output_of(connection.source)


def errors_without_surrogate(rule, l, activity):
    return activity.layer_surrogate_derivatives[l] * 0 + 1


def first_output_error_forgotten(rule, sums, t, step, error_feedback):
    wrong = step.output_error.copy()
    wrong[..., 0] = 0
    return _correct_add_step(rule, sums, t, replace(step, output_error=wrong), error_feedback)


_correct_add_step = sltt.SLTT.add_step


def transposed_weight(presynaptic_error, weight, error):
    """W δ in place of W^T δ, as far as the shapes allow."""
    rows, columns = weight.shape
    for b in range(len(error)):
        for i in range(rows):
            for j in range(columns):
                presynaptic_error[b, j] += weight[j % rows, i % columns] * error[b, i]


def sum_in_place_of_last_error(delta, surrogate_derivative, error, jacobian):
    delta[...] = surrogate_derivative * error + delta


def jacobian_without_threshold(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    unit = np.array([constants[0], constants[0] * 0 + 1, constants[2]], dtype=constants.dtype)
    _correct_jacobian(jacobian, potential, spikes, surrogate_derivative, unit, reset, kept)


def reset_always_kept(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    _correct_jacobian(jacobian, potential, spikes, surrogate_derivative, constants, reset, True)


def reset_never_kept(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    _correct_jacobian(jacobian, potential, spikes, surrogate_derivative, constants, reset, False)


def hard_reset_that_leaks(jacobian, potential, spikes, surrogate_derivative, constants, reset, kept):
    _correct_jacobian(jacobian, potential, spikes * 0, surrogate_derivative, constants, reset, kept)


_correct_jacobian = neurons.membrane_jacobian


def jacobian_of_this_step(rule, activity):
    """∂u[t]/∂u[t-1] at time t in place of t - 1."""
    began, rule.began = getattr(rule, "began", False), True
    for l, layer in enumerate(rule.network.layers):
        jacobian = rule._jacobians[l][0][0]
        if began:
            psi = activity.layer_surrogate_derivatives[l]
            jacobian[...] = layer.neuron.jacobian(activity.layer_states[l], activity.layer_outputs[l], psi, rule._kept)[
                0
            ][0]
    _correct_sensitivities(rule, activity)


_correct_sensitivities = rtrl.RTRL.advance


def presynaptic_sensitivity_dropped(sensitivities, carried, connection, activity):
    """What the layer before knows does not arrive."""


def delayed_spikes_of_this_step(activity, connection):
    """s[t] where a recurrent or feedback connection delivers s[t-1]."""
    return activity.output_of(connection.source)


def nothing_comes_back_by_delays(network, l, errors, output_error, *, loops, **others):
    return spatial.backpropagated_error(network, l, errors, output_error, loops=False, **others)


def late_errors_paired_at_once(lags_, rule, activity):
    """What is paired is that of this time step, whatever the lag."""
    _correct_take_in(lags_, rule, activity)
    for arrays in lags_._kept.values():
        for older in arrays[1:]:
            older[...] = arrays[0]


_correct_take_in = lags.Lags.take_in


def errors_one_step_early(network, l, errors, output_error, *, later, **options):
    """Errors come back by delays that are one time step too short, where they are longer than one."""
    return spatial.backpropagated_error(network, l, errors, output_error, later=[later[0], *later], **options)


def late_sensitivities_of_the_step_before(rule, current, connection, *given):
    """∂s/∂θ of t - 1, whatever the delay."""
    early = replace(connection, delay=min(connection.delay, 1))
    _correct_add_presynaptic(rule, current, early, *given)


_correct_add_presynaptic = rtrl.RTRL._add_presynaptic


def surrogate_after_reset(neuron, state):
    (potential,) = state
    constants = neuron.constants(potential.dtype)
    after = potential - np.where(potential >= neuron.threshold, 1, 0) * neuron.threshold
    return neuron.surrogate.derivative(neuron._distance(after, constants))


def mean_error_not_squared_gradient(value, gradient, outputs, targets, classes):
    _correct_squared_error(value, gradient, outputs, targets, classes)
    gradient[...] = gradient / 2


def squared_error_of_the_sum(value, gradient, outputs, targets, classes):
    """Σ_c where the mean over the classes is meant: value and gradient no longer fit."""
    _correct_squared_error(value, gradient, outputs, targets, classes)
    value[...] = value * classes[0]


_correct_squared_error = losses.squared_error


def readout_not_traced(traces_, network, batch_size, dialect):
    _correct_traces(traces_, network, batch_size, dialect)
    key = replace(traces_._keys["readout"][0], layer=None)
    shape = traces_.presynaptic(network.connections[-1]).shape
    traces_._traces[key] = trace.Trace(None, shape, network.dtype)
    traces_._keys["readout"] = [key]


def errors_of_all_groups(result, error, index, group):
    result[...] = error


def nothing_through_the_reset(neuron, now, l, deltas):
    return 0 * deltas[0]


def first_entry_for_all(own, shape):
    return _correct_entries(own, shape) * 0


_correct_entries = per_neuron.entries


_correct_traces = traces.Traces.__init__


def reset_to_zero(potential, spikes, current, constants, reset):
    _correct_integrate(potential, spikes, current, constants, neurons.HARD)


def reset_not_leaked(potential, spikes, current, constants, reset):
    _correct_integrate(potential, spikes, current, constants, neurons.UNLEAKED)


def no_reset(potential, spikes, current, constants, reset):
    _correct_integrate(potential, spikes * 0, current, constants, reset)


def input_decayed(potential, spikes, current, constants, reset):
    _correct_integrate(potential, spikes, current * constants[0], constants, reset)


_correct_integrate = neurons.integrate


def silent_at_threshold(spikes, potential, constants):
    """H(0) = 0: the potential after the reset can stay at the threshold."""
    spikes[...] = np.where(potential > constants[1], 1, 0)


def error_of_the_wrong_sign(error, current, rate_error, threshold):
    _correct_clamp_gate(error, current, rate_error, threshold)
    error[...] = error * -1


_correct_clamp_gate = spike_representation.clamp_gate


def bias_not_through(current, weight, bias, presynaptic, constant):
    """The bias as it is where the trace of its constant input is meant."""
    _correct_dense(current, weight, bias, presynaptic, constant * 0 + 1)


def stride_forgotten(seen_error, weight, error, groups):
    """The window moves to the next column, whatever its stride."""
    next_column = (*seen_error.strides[:5], seen_error.itemsize)
    moved = np.lib.stride_tricks.as_strided(seen_error, seen_error.shape, next_column)
    _correct_adjoint(moved, weight, error, groups)


def dilation_forgotten(seen_error, weight, error, groups):
    """The window's columns lie side by side, whatever its dilation."""
    next_column = (*seen_error.strides[:3], seen_error.itemsize, *seen_error.strides[4:])
    narrow = np.lib.stride_tricks.as_strided(seen_error, seen_error.shape, next_column)
    _correct_adjoint(narrow, weight, error, groups)


def to_the_last_of_equals(image_error, error, image, *windows):
    """The first of equals, seen from the end."""
    turned = (np.ascontiguousarray(each[:, :, ::-1, ::-1]) for each in (image_error, error, image))
    back = next(turned)
    _correct_pool_adjoint(back, *turned, *windows)
    image_error[...] = back[:, :, ::-1, ::-1]


_correct_pool_adjoint = max_pooling.max_pool_adjoint
_correct_dense = synapses.dense_forward
_correct_adjoint = convolution.convolve_adjoint


def clamp_of_the_double(rate, current, threshold):
    _correct_clamp(rate, current + current, threshold)


_correct_clamp = spike_representation.clamp


def nothing_returns(network, errors):
    """Only one sweep is differentiated."""
    return {l: value * 0 for l, value in _correct_returning(network, errors).items()}


_correct_returning = spike_representation._returning


def gate_without_threshold(error, current, rate_error, threshold):
    _correct_clamp_gate(error, current, rate_error, threshold)
    error[...] = error * threshold[0] * threshold[0]


def loss_of_the_sum(loss, outputs, targets):
    """ℓ of the summed output in place of the averaged one."""
    return _correct_average_loss(loss, outputs * len(outputs), targets)


_correct_average_loss = losses.average_loss


def sum_over_time_steps(learner, inputs, targets):
    """ℓ(o[t], y) in place of ℓ(o[t], y) / T."""
    learner.time_steps = 1
    return _correct_step(learner, inputs, targets)


def first_step_only(learner, inputs, targets):
    """Every step starts from rest: the traces never reach the next step."""
    learner.reset()
    return _correct_step(learner, inputs, targets)


def with_history(learner, inputs, targets):
    """A learner that remembers what it has seen."""
    learner.__dict__.setdefault("history", []).append(inputs.copy())
    return _correct_step(learner, inputs, targets)


def state_that_grows(learner, inputs, targets):
    """Traces that grow by one row per step."""
    result = _correct_step(learner, inputs, targets)
    learner.rule.state[f"row {len(learner.rule.state)}"] = np.zeros(1)
    return result


_correct_step = ottt.OnlineLearner.step


def weights_squared(value, gradient, weights):
    for b in range(gradient.shape[0]):
        value[b] = weights[b] * value[b]
        for c in range(gradient.shape[1]):
            gradient[b, c] = weights[b] * weights[b] * gradient[b, c]


def weights_renormalised(given, t, outputs):
    """Each time step's loss divided by the sum of its weights."""
    weights = given.weights_at(t)
    value, error = losses.step_loss(given.loss, outputs, given.targets_at(t), given.time_steps, weights)
    total = 1 if weights is None or not weights.sum() else weights.sum()
    return value / total, error / total


def traces_at_rest(network, initial_state, carried):
    """The network's part of the state alone."""
    return initial_state and {name: each for name, each in initial_state.items() if not name.startswith("rule/")}


def starts_from_rest(simulator, *state):
    """Whatever state is given."""


def loss_of_the_chunk(*data, time_steps=None, **options):
    """1/T of the chunk's own T."""
    return _correct_task(*data, **options)


_correct_task = driver.require_task


def bptt_in_place_of_ottt(network, activity, output_errors, *, dialect="derivation", terms=False):
    return bptt.backward(network, activity, output_errors, terms=terms)


def next_step_is_seen(network, activity, output_errors, *, dialect="derivation", terms=False):
    late = replace(
        activity,
        layer_outputs=tuple(np.concatenate([output[1:], output[-1:]]) for output in activity.layer_outputs),
    )
    return _correct_forward(network, late, output_errors, dialect=dialect, terms=terms)


_correct_forward = ottt.accumulate


def surrogate_of_the_neighbour(error, surrogate_derivative, spike_error):
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            error[b, i] = surrogate_derivative[b, (i + 1) % error.shape[1]] * spike_error[b, i]


def average_over_neurons(error, surrogate_derivative, spike_error):
    for b in range(error.shape[0]):
        for i in range(error.shape[1]):
            error[b, i] = sum(surrogate_derivative[b, k] * spike_error[b, k] for k in range(error.shape[1]))


def no_trace_edge(unrolled, connection, b, i, j, t):
    """OTTT's paths wait in membranes only."""


def all_but_the_last_weight(path):
    factors = _correct_factors(path)
    last = max((k for k, factor in enumerate(factors) if factor.kind == "weight"), default=None)
    return tuple(factor for k, factor in enumerate(factors) if k != last)


_correct_factors = Path.factors.fget


def otpe_above_alone(keeps, layers):
    """What one library calls OTPE: waits in the layer above the parameter's own, and not in that."""
    right = _correct_selection(keeps, layers)
    if keeps.label != "OTPE":
        return right
    return replace(right, waits={l: waits - {l} for l, waits in right.waits.items()})


_correct_selection = selection.Keeps.selection


def every_path_twice(enumeration, start):
    for path in _correct_paths(enumeration, start):
        yield path
        yield path


_correct_paths = Enumeration.paths


def in_the_own_layer_alone(selected, l, layer):
    return l == layer


def page_with(page, right, wrong):
    """The page's `gradients` with `wrong` in place of `right`, a piece of its source that occurs once."""
    source = inspect.getsource(page)
    assert source.count(right) == 1, f"{page.__name__} has {source.count(right)} times {right!r}"
    names = {}
    exec(source.replace(right, wrong), names)
    return names["gradients"]


def wrong_page(fault, page, right, wrong):
    return WrongVariant(
        "A1", f"{page.__name__.rpartition('.')[2]} {fault}", page, "gradients", page_with(page, right, wrong)
    )


TRACED = "(input_decay if l == 0 else decay) * trace[l][j] + s[l][j]"
WRONG_PAGES = [
    wrong_page("trace not decayed", plain.ottt, TRACED, "trace[l][j] + s[l][j]"),
    wrong_page("input traced for the authors", plain.ottt, "(input_decay if l == 0 else decay)", "decay"),
    wrong_page("readout's bias traced", plain.ottt, "(1 if l == readout else bias_trace)", "bias_trace"),
    wrong_page("error of the layer itself", plain.sltt, "weights[l + 1][i][j] * error[l + 1][i]", "error[l][j]"),
    wrong_page("sum over the batch", plain.sltt, "e / batch_size for e", "e for e"),
    wrong_page("reset gradient without the threshold", plain.bptt, "kept * threshold * psi", "kept * psi"),
    wrong_page("error of the next step not leaked", plain.bptt, "jacobian * error[l][j]", "error[l][j]"),
    wrong_page("spikes of the last step", plain.bptt, "s, psi = record[t]", "_, psi = record[t]"),
    wrong_page("nothing carried", plain.rtrl, "du = carried[m, i, j][l][k]", "du = 0"),
    wrong_page("layers below forgotten", plain.rtrl, "weights[l][k][h] * ds[l - 1][h]", "0"),
    wrong_page("soft reset not leaked", plain.rtrl, "(u[l][i] - threshold * s[l][i])", "u[l][i] - threshold * s[l][i]"),
    wrong_page("slope everywhere", plain.spike_representation, "1 if 0 < current < threshold else 0", "1"),
    wrong_page("rate not normalised", plain.spike_representation, "trace[l][j] / bias_trace", "trace[l][j]"),
    wrong_page("in floats", plain.spike_representation, "trace[l][j] / bias_trace", "float(trace[l][j] / bias_trace)"),
]

WRONG_VARIANTS = [
    *WRONG_PAGES,
    WrongVariant("A1", "trace not decayed in the method", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("A1", "transposed weight in the method", synapses, "dense_adjoint", transposed_weight),
    WrongVariant("E1", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("E1", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("E1", "bias not traced", traces.Traces, "update", bias_not_traced),
    WrongVariant("E1", "OTTT without the surrogate", ottt.OTTT, "surrogate_derivative", errors_without_surrogate),
    WrongVariant("E1", "reset gradient kept", neurons, "membrane_jacobian", reset_always_kept),
    WrongVariant("E2", "transposed weight", synapses, "dense_adjoint", transposed_weight),
    WrongVariant("E2", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("E2", "leak of one in BPTT", bptt, "backpropagate", sum_in_place_of_last_error),
    WrongVariant("E2", "reset gradient kept", neurons, "membrane_jacobian", reset_always_kept),
    WrongVariant("E2", "one output error forgotten", sltt.SLTT, "add_step", first_output_error_forgotten),
    WrongVariant("E3", "OTTT without the surrogate", ottt.OTTT, "surrogate_derivative", errors_without_surrogate),
    WrongVariant("E3", "one output error forgotten", sltt.SLTT, "add_step", first_output_error_forgotten),
    WrongVariant("E3", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("E4", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("E4", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("E5", "reset edge without the threshold", neurons, "membrane_jacobian", jacobian_without_threshold),
    WrongVariant("E5", "reset gradient never kept", neurons, "membrane_jacobian", reset_never_kept),
    WrongVariant("E5", "hard reset that leaks", neurons, "membrane_jacobian", hard_reset_that_leaks),
    WrongVariant("E6", "Jacobian one step late", rtrl.RTRL, "advance", jacobian_of_this_step),
    WrongVariant("E6", "lower layers dropped", rtrl.RTRL, "_add_presynaptic", presynaptic_sensitivity_dropped),
    WrongVariant("E6", "transposed weight", synapses, "dense_adjoint", transposed_weight),
    WrongVariant("E6", "delays dropped from BPTT", bptt, "backpropagated_error", nothing_comes_back_by_delays),
    WrongVariant("E2", "delays dropped from BPTT", bptt, "backpropagated_error", nothing_comes_back_by_delays),
    WrongVariant("E7", "delayed spikes of this step", simulation.Activity, "delivered", delayed_spikes_of_this_step),
    WrongVariant("E7", "reset gradient never kept", neurons, "membrane_jacobian", reset_never_kept),
    WrongVariant("E7", "surrogate at the wrong potential", neurons.LIF, "surrogate_derivative", surrogate_after_reset),
    WrongVariant("E7", "gradient halved", losses, "squared_error", mean_error_not_squared_gradient),
    WrongVariant("E7", "sum for mean", losses, "squared_error", squared_error_of_the_sum),
    WrongVariant("E7", "transposed weight", synapses, "dense_adjoint", transposed_weight),
    WrongVariant("K1", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("K1", "bias not traced", traces.Traces, "update", bias_not_traced),
    WrongVariant("K1", "reset edge without the threshold", neurons, "membrane_jacobian", jacobian_without_threshold),
    WrongVariant("K1", "no path waits in the trace alone", Unrolled, "trace_edge", no_trace_edge),
    WrongVariant("K1", "a path without its last weight", Path, "factors", property(all_but_the_last_weight)),
    WrongVariant("K2", "OTPE waits in the layer above alone", selection.Keeps, "selection", otpe_above_alone),
    WrongVariant("K2", "leak of one in BPTT", bptt, "backpropagate", sum_in_place_of_last_error),
    WrongVariant("K2", "delays dropped from BPTT", bptt, "backpropagated_error", nothing_comes_back_by_delays),
    WrongVariant("K2", "a path twice", Enumeration, "paths", every_path_twice),
    WrongVariant("K3", "leak of one in BPTT", bptt, "backpropagate", sum_in_place_of_last_error),
    WrongVariant("K3", "OTTT without the surrogate", ottt.OTTT, "surrogate_derivative", errors_without_surrogate),
    WrongVariant("K3", "waits in the own layer alone", selection.Selection, "may_wait", in_the_own_layer_alone),
    WrongVariant("N1", "reset edge of a threshold forgotten", bptt, "_through_reset", nothing_through_the_reset),
    WrongVariant("N1", "the first number for every neuron", rtrl, "entries", first_entry_for_all),
    WrongVariant("N2", "every trace paired with all errors", traces, "only_of_group", errors_of_all_groups),
    WrongVariant("N2", "eligibility not carried on", ottt.OTTT, "traces_parameters", False),
    WrongVariant("N2", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("L1", "late errors paired at once", lags.Lags, "take_in", late_errors_paired_at_once),
    WrongVariant("L1", "errors one step early in BPTT", bptt, "backpropagated_error", errors_one_step_early),
    WrongVariant("L1", "no long delays in RTRL", rtrl.RTRL, "_add_presynaptic", late_sensitivities_of_the_step_before),
    WrongVariant("L1", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("Q1", "readout not traced", traces.Traces, "__init__", readout_not_traced),
    WrongVariant("Q1", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("R1", "hard reset", neurons, "integrate", reset_to_zero),
    WrongVariant("R1", "reset not leaked", neurons, "integrate", reset_not_leaked),
    WrongVariant("R1", "input decayed", neurons, "integrate", input_decayed),
    WrongVariant("R2", "no reset", neurons, "integrate", no_reset),
    WrongVariant("R2", "reset not leaked", neurons, "integrate", reset_not_leaked),
    WrongVariant("R2", "silent at threshold", neurons, "fire", silent_at_threshold),
    WrongVariant("P1", "bias not through", synapses, "dense_forward", bias_not_through),
    WrongVariant("P1", "stride forgotten", convolution, "convolve_adjoint", stride_forgotten),
    WrongVariant("P1", "dilation forgotten", convolution, "convolve_adjoint", dilation_forgotten),
    WrongVariant("P1", "to the last of equals", max_pooling, "max_pool_adjoint", to_the_last_of_equals),
    WrongVariant("F1", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("F1", "trace one step late", traces.Traces, "update", trace_one_step_late),
    WrongVariant("R3", "no reset", neurons, "integrate", no_reset),
    WrongVariant("R3", "clamp of the double", spike_representation, "clamp", clamp_of_the_double),
    WrongVariant("C1", "clamp of the double", spike_representation, "clamp", clamp_of_the_double),
    WrongVariant("R4", "one sweep alone", spike_representation, "_returning", nothing_returns),
    WrongVariant("R4", "error of the wrong sign", spike_representation, "clamp_gate", error_of_the_wrong_sign),
    WrongVariant("D1", "trace not decayed", trace, "leaky_accumulate", trace_not_decayed),
    WrongVariant("D1", "gate of the neighbour", spatial, "gate", surrogate_of_the_neighbour),
    WrongVariant("D2", "one sweep alone", spike_representation, "_returning", nothing_returns),
    WrongVariant("D2", "gate without threshold", spike_representation, "clamp_gate", gate_without_threshold),
    WrongVariant("D3", "error of the wrong sign", spike_representation, "clamp_gate", error_of_the_wrong_sign),
    WrongVariant("D3", "reset kept", neurons, "membrane_jacobian", reset_always_kept),
    WrongVariant("D0", "error of the wrong sign", spike_representation, "clamp_gate", error_of_the_wrong_sign),
    WrongVariant("D0", "surrogate of the layer in every neuron", spatial, "gate", average_over_neurons),
    WrongVariant("I1", "loss of the sum", bptt, "average_loss", loss_of_the_sum),
    WrongVariant("O1", "sum for mean", ottt.OnlineLearner, "step", sum_over_time_steps),
    WrongVariant("O1", "trace forgotten between steps", ottt.OnlineLearner, "step", first_step_only),
    WrongVariant("W1", "weights squared", losses, "weigh", weights_squared),
    WrongVariant("W1", "weights renormalised", task.Task, "step_loss", weights_renormalised),
    WrongVariant("S1", "traces at rest", driver, "started_from", traces_at_rest),
    WrongVariant("S1", "state forgotten", simulation.Simulator, "_start", starts_from_rest),
    WrongVariant("S1", "loss of the chunk", driver, "require_task", loss_of_the_chunk),
    WrongVariant("H1", "BPTT in place of OTTT", ottt, "accumulate", bptt_in_place_of_ottt),
    WrongVariant("H1", "next step is seen", ottt, "accumulate", next_step_is_seen),
    WrongVariant("H1", "loops without delay", simulation.Activity, "delivered", without_delay),
    WrongVariant("H1", "surrogate of the neighbour", spatial, "gate", surrogate_of_the_neighbour),
    WrongVariant("H1", "transposed weight", synapses, "dense_adjoint", transposed_weight),
    WrongVariant("M1", "history kept", ottt.OnlineLearner, "step", with_history),
    WrongVariant("M1", "state that grows", ottt.OnlineLearner, "step", state_that_grows),
]
