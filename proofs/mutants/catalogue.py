"""All faults. Those of the library are listed here, those of the tools of proof in files of their own."""

from .conformance_kit import CONFORMANCE_KIT
from .fast_backend import FAST
from .learning import LEARNING
from .mutant import Mutant, of_library
from .own_numbers import OWN_NUMBERS
from .paths import PATHS
from .practice import PRACTICE
from .proof_tools_numbers import CERTIFICATES, NUMBERS
from .proof_tools_search import SEARCH

__all__ = ["CATALOGUE", "Mutant"]

CATALOGUE = (
    *of_library(
        "network/neurons.py",
        ("trace not decayed", "decay[0] * state[b, i] + value[b, i]", "state[b, i] + value[b, i]"),
        ("value decayed as well", "decay[0] * state[b, i] + value[b, i]", "decay[0] * (state[b, i] + value[b, i])"),
        ("soft reset not leaked", "carried = decay * (u - threshold * s)", "carried = decay * u - threshold * s"),
        ("soft reset leaked twice", "decay * (u - threshold * s)", "decay * (u - decay * threshold * s)"),
        ("soft reset without the threshold", "decay * (u - threshold * s)", "decay * (u - s)"),
        ("unleaked reset leaked", "carried = decay * u - threshold * s", "carried = decay * (u - threshold * s)"),
        (
            "hard reset keeps the potential",
            "decay * (u - s * u + s * reset_potential)",
            "decay * (u + s * reset_potential)",
        ),
        ("hard reset to zero", "decay * (u - s * u + s * reset_potential)", "decay * (u - s * u)"),
        ("current decayed", "= carried + current[b, i]", "= carried + decay * current[b, i]"),
        ("current subtracted", "= carried + current[b, i]", "= carried - current[b, i]"),
        ("H(0) = 0", "potential[b, i] >= threshold", "potential[b, i] > threshold"),
        ("surrogate around zero", "potential[b, i] - threshold\n", "potential[b, i]\n"),
        ("hard reset's leak not gated", "decay - decay * spikes[b, i]", "decay"),
        (
            "hard reset's gradient of the wrong sign",
            "(reset_potential - potential[b, i])",
            "(potential[b, i] - reset_potential)",
        ),
        (
            "reset gradient without the leak",
            "-= decay * threshold * surrogate_derivative[b, i]",
            "-= threshold * surrogate_derivative[b, i]",
        ),
        (
            "reset gradient without the threshold",
            "-= decay * threshold * surrogate_derivative[b, i]",
            "-= decay * surrogate_derivative[b, i]",
        ),
        (
            "reset gradient added",
            "-= decay * threshold * surrogate_derivative[b, i]",
            "+= decay * threshold * surrogate_derivative[b, i]",
        ),
        (
            "unleaked reset's gradient leaked",
            "jacobian[b, i] -= threshold * surrogate_derivative",
            "jacobian[b, i] -= decay * threshold * surrogate_derivative",
        ),
        ("reset gradient always kept", "if kept and reset == SOFT:", "if reset == SOFT:"),
    ),
    *of_library(
        "network/operations/dense.py",
        ("bias forgotten", "current[b, i] = bias[i] * bias_input[0]", "current[b, i] = bias[i] - bias[i]"),
        ("bias not multiplied by its input", "current[b, i] = bias[i] * bias_input[0]", "current[b, i] = bias[i]"),
        (
            "last presynaptic neuron left out",
            "for j in range(presynaptic.shape[1]):\n            for i",
            "for j in range(presynaptic.shape[1] - 1):\n            for i",
        ),
        (
            "adjoint overwrites",
            "presynaptic_error[b, j] += weight[i, j] * error[b, i]",
            "presynaptic_error[b, j] = weight[i, j] * error[b, i]",
        ),
        ("adjoint of the first sample", "weight[i, j] * error[b, i]", "weight[i, j] * error[0, i]"),
        (
            "gradient of the wrong presynaptic neuron",
            "error[b, i] * presynaptic[b, j]",
            "error[b, i] * presynaptic[b, j - 1]",
        ),
        (
            "gradient of the last sample alone",
            "weight_gradient[i, j] += error[b, i]",
            "weight_gradient[i, j] = error[b, i]",
        ),
        (
            "bias gradient without its input",
            "bias_gradient[i] += error[b, i] * bias_input[0]",
            "bias_gradient[i] += error[b, i]",
        ),
    ),
    *of_library(
        "network/operations/convolution.py",
        ("stride forgotten on the way back", "result, stride, dilation)", "result, 1, dilation)"),
        ("dilation forgotten on the way back", "result, stride, dilation)", "result, stride, 1)"),
        (
            "kernel flipped in the adjoint",
            "weight[o, c, k, m] * error[b, o, y, x]",
            "weight[o, c, weight.shape[2] - 1 - k, m] * error[b, o, y, x]",
        ),
        (
            "bias not multiplied by its input",
            "current[b, o, n] = bias[o] * bias_input[0]",
            "current[b, o, n] = bias[o]",
        ),
        ("gradient of the wrong pixel", "seen[b, o // size, n, j]", "seen[b, o // size, n, 0]"),
        ("another group's channels", "weight[o, j] * seen[b, o // size, j, n]", "weight[o, j] * seen[b, 0, j, n]"),
        ("gradient not kept of a weight in pieces", "weight[...] = added_to.reshape(weight.shape)", "pass"),
    ),
    *of_library(
        "network/operations/windows.py",
        ("window turned upside down", "::horizontal, ::down, ::across]", "::horizontal, ::-down, ::across]"),
        ("window transposed", ".transpose(0, 1, 4, 5, 2, 3)", ".transpose(0, 1, 5, 4, 2, 3)"),
    ),
    *of_library(
        "network/operations/chain.py",
        (
            "chain's adjoint in the wrong order",
            "in reversed(list(zip(self.operations, self.child_shapes(input_shape)))):",
            "in list(zip(self.operations, self.child_shapes(input_shape))):",
        ),
    ),
    *of_library(
        "network/operations/pooling.py",
        ("pool sums", "result[b, c, y, x] = share[0] * total", "result[b, c, y, x] = total"),
        ("pool's adjoint not shared out", "part = share[0] * error[b, c, y, x]", "part = error[b, c, y, x]"),
    ),
    *of_library(
        "network/operations/channel_scale.py",
        (
            "offset not multiplied by its input",
            "values[b, c, i] + offset[c] * bias_input[0]",
            "values[b, c, i] + offset[c]",
        ),
        ("channels scaled once on the way back", "factor[c] * error[b, c, i]", "factor[0] * error[b, c, i]"),
    ),
    *of_library(
        "network/operations/max_pooling.py",
        ("of equals the last", "> image[b, c, first, beside]:", ">= image[b, c, first, beside]:"),
        (
            "the first of a window",
            "                                largest = image[b, c, row, column]\n",
            "                                pass\n",
        ),
        ("error of one window for another", "+= error[b, c, y, x]", "= error[b, c, y, x]"),
    ),
    *of_library(
        "network/operations/upsampling.py",
        (
            "upsampling's adjoint overwrites",
            "values_error[b, c, y // factor[0], x // factor[1]] += error",
            "values_error[b, c, y // factor[0], x // factor[1]] = error",
        ),
    ),
    *of_library(
        "network/operations/dropout.py",
        ("mask of the first sample", "mask[b % mask.shape[0], i]", "mask[0, i]"),
    ),
    *of_library(
        "network/operations/scale.py",
        (
            "scale applied twice",
            "result[b, i] = factor[0] * values[b, i]",
            "result[b, i] = factor[0] * factor[0] * values[b, i]",
        ),
    ),
    *of_library(
        "network/operations/weight_standardisation.py",
        ("biased variance", "variance /= count - 1", "variance /= count"),
        ("eps outside the root", "math.sqrt(variance * count + epsilon)", "math.sqrt(variance * count) + epsilon"),
        ("gradient not centred", "float(effective_gradient[i, j]) - total / count", "float(effective_gradient[i, j])"),
    ),
    *of_library(
        "network/operations/skip_init.py",
        ("gain's gradient of the wrong sign", "gradient[0] += error[b, i]", "gradient[0] -= error[b, i]"),
    ),
    *of_library(
        "simulation/simulator.py",
        (
            "delayed spikes of this time step",
            "            return self.previous_outputs[source]\n",
            "            return self.output_of(source)\n",
        ),
        (
            "delayed spikes one step late in a record",
            "        if t >= delay:\n            return record[t - delay]\n",
            "        if t > delay:\n            return record[t - delay - 1]\n",
        ),
        (
            "only the first way into a layer",
            "        total = total + other.forward(presynaptic(other), bias_input)\n",
            "        other.forward(presynaptic(other), bias_input)\n",
        ),
    ),
    *of_library(
        "methods/shared/errors.py",
        ("surrogate left out", "surrogate_derivative[b, i] * spike_error[b, i]", "spike_error[b, i]"),
        (
            "surrogate of the neighbour",
            "surrogate_derivative[b, i] * spike_error[b, i]",
            "surrogate_derivative[b, i - 1] * spike_error[b, i]",
        ),
        ("errors of branches not added up", "        total = total + part\n", "        total = part\n"),
        ("nothing comes back by delays", "if loops or not connection.loop:", "if not connection.loop:"),
    ),
    *of_library(
        "methods/bptt.py",
        (
            "error of the next step forgotten",
            "surrogate_derivative[b, i] * spike_error[b, i] + jacobian[b, i] * delta[b, i]",
            "surrogate_derivative[b, i] * spike_error[b, i]",
        ),
        ("error of the next step not leaked", "+ jacobian[b, i] * delta[b, i]", "+ delta[b, i]"),
        ("errors of the wrong time step", "errors, output_errors[t], **back", "errors, output_errors[t - 1], **back"),
    ),
    *of_library(
        "methods/shared/traces.py",
        ("bias not traced", 'dialect == "derivation" and not (l ==', 'dialect == "authors" and not (l =='),
        (
            "input not traced",
            'if dialect == "authors" and source == INPUTS:',
            "if source == INPUTS:",
        ),
        ("readout's bias traced", "not (l == len(network.layers) - 1 and layer.neuron.stateless)", "True"),
    ),
    *of_library(
        "methods/ottt.py",
        ("trace never updated", "        self.traces.update(activity)\n", "        pass\n"),
        ("biases not traced", "return self.traces.bias_input(l)", "return self.network.bias_input"),
    ),
    *of_library(
        "methods/shared/online.py",
        (
            "loss not divided by T",
            "step_loss(self.loss, self.activity.outputs, targets, time_steps, weights)",
            "step_loss(self.loss, self.activity.outputs, targets, 1, weights)",
        ),
    ),
    *of_library(
        "methods/shared/lags.py",
        (
            "late errors paired at once",
            "connection.add_gradients(gradients, error * mask, presynaptic[k], bias_inputs[k], given)",
            "connection.add_gradients(gradients, error * mask, presynaptic[0], bias_inputs[0], given)",
        ),
        ("surrogate of this time step", "gated(derivatives[k], found", "gated(derivatives[0], found"),
    ),
    *of_library(
        "methods/shared/rule.py",
        (
            "error of the first layer for every layer",
            "connection, errors[l], spike_errors[l]",
            "connection, errors[0], spike_errors[l]",
        ),
        (
            "errors not gated by the rule",
            "errors[l] = gated(derivative, spike_errors[l])",
            "errors[l] = spike_errors[l]",
        ),
    ),
    *of_library(
        "methods/shared/driver.py",
        ("the activity of the first step", "now = activity.at(t)", "now = activity.at(0)"),
    ),
    *of_library(
        "methods/rtrl.py",
        ("sensitivity of the membrane forgotten", "factor[b, i] * sensitivity[p, b, i]", "sensitivity[p, b, i]"),
        (
            "nothing arrives by delayed connections",
            "if connection.source != INPUTS:",
            "if connection.source != INPUTS and not connection.loop:",
        ),
        (
            "output error of the first sample",
            "output_error[b, i] * output_sensitivity",
            "output_error[0, i] * output_sensitivity",
        ),
    ),
    *of_library(
        "methods/spike_representation.py",
        (
            "clamp at twice the threshold",
            "elif current[b, i] >= threshold[0]:",
            "elif current[b, i] >= threshold[0] + threshold[0]:",
        ),
        (
            "mapping not divided by the threshold",
            "rate[b, i] = current[b, i] / threshold[0]",
            "rate[b, i] = current[b, i]",
        ),
        (
            "slope also outside the clamp",
            "if current[b, i] > 0 and current[b, i] < threshold[0]:",
            "if current[b, i] > 0:",
        ),
        (
            "error not divided by the threshold",
            "error[b, i] = rate_error[b, i] / threshold[0]",
            "error[b, i] = rate_error[b, i]",
        ),
        (
            "returning errors forgotten",
            "rate_error = rate_error + returned[l]",
            "rate_error = rate_error + 0 * returned[l]",
        ),
    ),
    *of_library(
        "simulation/trace.py",
        (
            "states of a trace not mixed",
            "scratch[m] += leak[m, k] * state[k, b, i]",
            "scratch[m] += leak[m, m] * state[m, b, i]",
        ),
        (
            "only the potential of a trace",
            "total += output_vector[m] * scratch[m]\n            value[b, i] = total\n\n\n@kernel\n",
            "pass\n            value[b, i] = total\n\n\n@kernel\n",
        ),
    ),
    *of_library(
        "simulation/equilibrium.py",
        (
            "implicit gradient of one sweep",
            "unit - (apply(unit.reshape(-1)) - constant)",
            "unit - 0 * (apply(unit.reshape(-1)) - constant)",
        ),
        ("elimination forgets a row", "if i != k:", "if i > k:"),
    ),
    *of_library(
        "learning/losses.py",
        ("squared error's gradient halved", "(difference + difference) / classes[0]", "difference / classes[0]"),
        ("squared error summed over the classes", "difference * difference / classes[0]", "difference * difference"),
        (
            "cross-entropy's gradient without the target",
            "math.exp(shifted) / normaliser - float(targets[b, c])",
            "math.exp(shifted) / normaliser",
        ),
        ("sum over the batch for the mean", "scale = time_steps * len(outputs)", "scale = time_steps"),
    ),
    *of_library(
        "network/surrogate.py",
        ("triangle twice as wide", "height * (width + z[i]) / width", "height * (width + width + z[i]) / width"),
        (
            "sigmoid without its slope",
            "alpha * decaying / ((1.0 + decaying) * (1.0 + decaying))",
            "decaying / ((1.0 + decaying) * (1.0 + decaying))",
        ),
        ("arctan not halved", "alpha / 2.0 / (1.0 + scaled * scaled)", "alpha / (1.0 + scaled * scaled)"),
    ),
    *of_library(
        "simulation/rates.py",
        ("rates not normalised", "trace.value / _normaliser(network, trace, len(inputs))", "trace.value"),
        ("Λ of one step less", "total = decay * total + 1", "total = decay * total + decay"),
    ),
    *LEARNING,
    *OWN_NUMBERS,
    *PRACTICE,
    *PATHS,
    *FAST,
    *CONFORMANCE_KIT,
    *NUMBERS,
    *CERTIFICATES,
    *SEARCH,
)
