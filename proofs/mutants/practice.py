"""Faults in what practice asks of a network: delays, states, traces of several decays, operations, graphs, tables."""

from .learning import killed_by
from .mutant import of_library

LATE = killed_by(
    "test_delays.py",
    *of_library(
        "methods/shared/lags.py",
        ("newer overwrites older", "in reversed(list(zip(arrays[1:], arrays)))", "in zip(arrays[1:], arrays)"),
        ("the last time step is not copied", "arrays[0][...] = value", "arrays[0] = value"),
        (
            "biases of now for late errors",
            "presynaptic[k], bias_inputs[k], given)",
            "presynaptic[k], bias_inputs[0], given)",
        ),
        (
            "a late price of firing",
            "found if k else step.with_regularisation(l, found)",
            "step.with_regularisation(l, found)",
        ),
        ("parts that were not announced", "if len(pairs) != len(masks):", "if False:"),
    ),
    *of_library(
        "methods/shared/gradients.py",
        (
            "late errors reach back before the sequence",
            "                    if t >= lag:\n                        record",
            "                    if True:\n                        record",
        ),
        (
            "late errors at the inputs without their delay",
            "self.inputs[t - lag - connection.delay] +=",
            "self.inputs[t - lag] +=",
        ),
    ),
    *of_library(
        "methods/shared/errors.py",
        (
            "of two ways with one lag the last",
            "                total = part if total is None else total + part\n",
            "                total = part\n",
        ),
    ),
)

ON_THE_WAY = killed_by(
    "test_delays.py",
    *of_library(
        "methods/shared/online.py",
        ("a learner's state without what is on its way", "self.rule.carried, simulator.past)", "self.rule.carried)"),
    ),
)

GUARDS = killed_by(
    "test_hostile_parts.py",
    *of_library(
        "methods/shared/driver.py",
        (
            "a rule changes the states before",
            "for l, states in activity.previous_states.items():",
            "for l, states in ():",
        ),
        ("a rule changes what a delay delivers", "if activity.earlier is not None:", "if False:"),
        ("feedback changes the weights", 'result["weights"] = step.weights', "pass"),
    ),
)

PRICES = killed_by(
    "methods/test_regularisers.py",
    *of_library(
        "methods/shared/task.py",
        ("the price of the last step at every step", "result[l][t] = gradient", "result[l][:] = gradient"),
        ("the average's price at each step", "each[np.newaxis] / steps, steps", "each[np.newaxis], steps"),
    ),
    *of_library(
        "learning/regularisers.py",
        ("a regulariser writes into the spikes", "regulariser.evaluate(spikes.copy())", "regulariser.evaluate(spikes)"),
    ),
)

BEFORE = killed_by(
    "methods/test_states.py",
    *of_library(
        "simulation/simulator.py",
        (
            "spikes before the start forgotten for learned neurons",
            "outputs[source : source + 1] if source != INPUTS else ()",
            "()",
        ),
    ),
)

CURRENT_DECAY = killed_by(
    "network/test_cuba_lif.py",
    *of_library(
        "network/neurons.py",
        (
            "a current's decay without the potential",
            "return (previous_state[1].copy(), previous_state[1].copy()), 0",
            "return (0 * previous_state[1], previous_state[1].copy()), 0",
        ),
    ),
)

OWN_RANGES = killed_by(
    "network/test_own_numbers.py",
    *of_library(
        "methods/shared/online.py", ("parameters leave their range", "self.network.project_parameters()", "pass")
    ),
    *of_library(
        "network/neurons.py",
        (
            "a learned decay of 0 has no state",
            "return not self.trainable and (not np.any(decay)",
            "return (not np.any(decay)",
        ),
        (
            "one threshold for the potential after the reset",
            "potential - spread(self.threshold, shape) * spikes",
            "potential - np.max(self.threshold) * spikes",
        ),
    ),
    *of_library(
        "simulation/trace.py",
        (
            "a learned decay is read once",
            "if self._now is not None and not self._learned else",
            "if self._now is not None else",
        ),
    ),
)

AT_THE_INPUTS = killed_by(
    "methods/test_input_gradients.py",
    *of_library(
        "methods/shared/gradients.py",
        (
            "late inputs through the maximum of now",
            "None if activity is None else activity.delivered(connection)",
            "None if activity is None else activity.inputs",
        ),
    ),
)

CURRENTS = killed_by(
    "nir/test_v_leak.py",
    *of_library(
        "nir/importing.py",
        ("v_leak's current by every way", "if own and np.any(read.current):", "if np.any(read.current):"),
    ),
    *of_library(
        "nir/operations.py",
        ("v_leak's current in place of the bias", "biased.bias = biased.bias + ", "biased.bias = 0 * biased.bias + "),
    ),
)

GRAPHS = tuple(
    mutant
    for test, mutants in {
        "v_leak": of_library(
            "nir/discretisation.py",
            (
                "a soft reset starts from v_reset",
                'return after if leaks and reset == "hard" else 0.0',
                "return after if leaks else 0.0",
            ),
            (
                "v_reset not counted from v_leak",
                "each(difference, fields[2], starts)",
                "each(difference, fields[2], 0.0)",
            ),
        ),
        "each": of_library(
            "nir/values.py",
            (
                "channels by the first of them",
                "np.all(channels == channels[:, :1])",
                "np.all(channels[0] == channels[0, 0])",
            ),
        ),
        "delays": of_library(
            "nir/importing.py",
            ("the last Delay on a way alone", "late += delay_from(", "late = delay_from("),
            (
                "a loop's Delay and one step more",
                '"recurrent_delay": max(delay, 1)',
                '"recurrent_delay": delay + 1',
            ),
        ),
        "subgraphs": of_library(
            "nir/structure.py", ("a loop of wires goes through", "    if name in onwards:\n", "    if False:\n")
        ),
    }.items()
    for mutant in killed_by(f"nir/test_{test}.py", *mutants)
)

TABLES = killed_by(
    "test_blackboard.py",
    *of_library(
        "blackboard/quantities.py",
        ("traces overwritten by the next step", "found[name].append([trace.copy()", "found[name].append([trace"),
        ("the mapping's arguments not in thresholds", "z = current / network.threshold(l)", "z = current"),
        ("SR's errors of the first sample", "row(errors[l][0])", "row(errors[l][0][[0] * len(errors[l][0])])"),
    ),
    *of_library(
        "blackboard/description.py",
        (
            "the first layer's decay in a leaky readout",
            "neuron = Integrator(decay if",
            'neuron = Integrator(convert(numbers["decay"][0]) if',
        ),
    ),
    *of_library(
        "blackboard/board.py",
        ("every sample is the first", "for name, values in of_sample(b)]", "for name, values in of_sample(0)]"),
        ("the size of one sample", "lines = batch_size * (", "lines = ("),
        (
            "a method that refuses stops all",
            "except (TypeError, ValueError, ConvergenceError)",
            "except (TypeError, ConvergenceError)",
        ),
    ),
)

MAXIMA = killed_by(
    "test_max_pooling.py",
    *of_library(
        "methods/shared/errors.py",
        (
            "late errors through the maxima of now",
            "step.delivered[connection.name][arrived]",
            "step.delivered[connection.name][0]",
        ),
    ),
    *of_library(
        "methods/shared/lags.py",
        ("weights before the maxima of now", "delivered[connection.name][k] if", "delivered[connection.name][0] if"),
    ),
    *of_library(
        "methods/shared/gradients.py",
        (
            "inputs through the maxima of now",
            "(delivered or {})[connection.name][lag]",
            "(delivered or {})[connection.name][0]",
        ),
    ),
)

PRACTICE = (
    *LATE,
    *MAXIMA,
    *ON_THE_WAY,
    *GUARDS,
    *PRICES,
    *BEFORE,
    *CURRENT_DECAY,
    *OWN_RANGES,
    *AT_THE_INPUTS,
    *CURRENTS,
    *GRAPHS,
    *TABLES,
)
