"""Faults in the fast backend: windows, pairs, neurons over a window, the way back, filters; and the three engines."""

from .learning import killed_by
from .mutant import of_library

WINDOWS = killed_by(
    "fast/test_backend.py",
    *of_library(
        "fast/pairing.py",
        (
            "what entered before a window is forgotten",
            "for g, (trace, bias) in enumerate(parts if self._begun else ()):",
            "for g, (trace, bias) in enumerate(()):",
        ),
        (
            "the trace of biases is left out at a border",
            "constant = self._nothing if bias.neuron is None else _state(bias, k)",
            "constant = self._nothing",
        ),
        ("what reaches back is not decayed", "(rows(result[0]) * decay)", "rows(result[0])"),
        (
            "biases of a window of one time step have no trace",
            "as_rows(errors), followed, _followed(bias, self._one[np.newaxis])[0])",
            "as_rows(errors), followed, self._one)",
        ),
        (
            "a window of one time step has no trace",
            "followed = as_rows(_followed(trace, _windows(values, errors)))",
            "followed = values",
        ),
        (
            "biases of a readout are traced",
            "if (weight_errors is errors) == (bias.neuron is None):",
            "if True:",
        ),
        (
            "traces of biases move one time step a window",
            "for _ in range(steps):",
            "for _ in range(1):",
        ),
        ("a window's last trace is its first", "value[...] = followed[-1]", "value[...] = followed[0]"),
        (
            "of several states the first reaches back",
            "sum(entries[m][k] * r[m] for m in states)",
            "sum(entries[m][k] * r[m] for m in range(1))",
        ),
    ),
    *of_library(
        "fast/forward.py",
        (
            "windows longer than a loop",
            "loops = [connection.delay for connection in network.connections if connection.loop]",
            "loops = []",
        ),
        (
            "a delay counts from the wrong end",
            "late = sent[len(sent) - connection.delay :]",
            "late = sent[: connection.delay]",
        ),
        (
            "states of a window's first time step go on",
            "tuple(state[-1].copy() for state in states)",
            "tuple(state[0].copy() for state in states)",
        ),
    ),
    *of_library(
        "fast/stepping.py",
        ("a learner goes on with the weight of before", "            twin.forget()", "            pass"),
        (
            "a learner's twins keep arrays that were replaced",
            "if any(now is not before",
            "if False and any(now is not before",
        ),
        (
            "of a time step the last layer's surrogate derivative",
            "self._psi[l] if has_kernels(neuron)",
            "self._psi[max(self._psi)] if has_kernels(neuron)",
        ),
        (
            "a learner's step brings nothing back into range",
            "        self.network.project_parameters()",
            "        pass",
        ),
    ),
    *of_library(
        "fast/windows.py",
        (
            "the loss of a window over its own length",
            "scale = task.time_steps * batch_size",
            "scale = steps * batch_size",
        ),
        (
            "targets of the first window for all",
            "task.targets if task.targets.ndim == 2 else task.targets[first:last]",
            "task.targets if task.targets.ndim == 2 else task.targets[:steps]",
        ),
        (
            "weights of the first window for all",
            "weights = task.weights[first:last].reshape(-1)",
            "weights = task.weights[:steps].reshape(-1)",
        ),
        (
            "gradients at late inputs not shifted",
            "begin = first + early - connection.delay",
            "begin = first",
        ),
        ("what is not finite is let through", "is_finite(array) for array in arrays) and not allowed()", "False)"),
    ),
    *of_library(
        "fast/backward.py",
        ("an error comes back too late", "total[: max(0, len(total) - delay)] += part[delay:]", "total += part"),
    ),
    *of_library(
        "fast/neurons.py",
        ("α forgotten on the way back", "        leak(errors, np.zeros_like(errors[0]), errors, decay, True)\n", ""),
    ),
    *of_library(
        "fast/kernels/filters.py",
        ("a sum backwards runs forwards", "values.shape[0] - 1 - k if backwards else k", "k"),
        ("every neuron leaks as the first", "own = decay[i] if several else decay[0]", "own = decay[0]"),
    ),
    *of_library(
        "fast/kernels/neurons.py",
        ("a hard reset that leaks back", "own - own * spikes[at + i] if reset == HARD else own", "own"),
        (
            "an unleaked reset that leaks",
            "jacobian -= threshold[first + i] * psi",
            "jacobian -= own * threshold[first + i] * psi",
        ),
        ("above the threshold alone", "s[i] = 1 if u[i] >= above[i] else 0", "s[i] = 1 if u[i] > above[i] else 0"),
    ),
)

CHAINS = killed_by(
    "fast/test_dense_chains.py",
    *of_library(
        "fast/kernels/chains.py",
        (
            "the trace of before a window is not decayed at its border",
            "before[b * count + j] = decay * state[trace + j]",
            "before[b * count + j] = state[trace + j]",
        ),
        (
            "at a border every chunk has the traces of the first samples",
            "trace = layout[at + TRACE] + (now[FIRST_SAMPLE] + b) * inputs + first",
            "trace = layout[at + TRACE] + b * inputs + first",
        ),
        (
            "the trace of a bias is not decayed at a border",
            "factor = decay * traces[now[SLOT] * plan[LAYERS] + l]",
            "factor = traces[now[SLOT] * plan[LAYERS] + l]",
        ),
        (
            "the last spike of a list is lost",
            "counts[c * plan[CHUNK_COUNTS] + layout[above + COUNTS] + place] = count",
            "counts[c * plan[CHUNK_COUNTS] + layout[above + COUNTS] + place] = max(0, count - 1)",
        ),
        (
            "the gradient of the second chunk is lost",
            "for c in range(1, plan[CHUNKS]):\n        other",
            "for c in range(2, plan[CHUNKS]):\n        other",
        ),
        (
            "sums begin anew with each block of samples",
            "now[FRESH] = first_step == 0 and (plan[SMALL] or first_sample == 0)",
            "now[FRESH] = first_step == 0",
        ),
        (
            "traces of spikes decay once a window",
            "                    trace[j] = decay * trace[j]\n",
            "                    trace[j] = decay * trace[j] if t == 0 else trace[j]\n",
        ),
        (
            "the last part of each thread's share is left to nobody",
            "share * count // shares, (share + 1) * count // shares",
            "share * count // shares, (share + 1) * count // shares - 1",
        ),
        (
            "two slices of the rows of a gradient are the same",
            "first = k % SLICES * size",
            "first = max(0, k % SLICES - 1) * size",
        ),
    ),
)

LISTS = killed_by(
    "fast/test_kernels.py",
    *of_library(
        "fast/kernels/events.py",
        (
            "a list by row ends one column early",
            "for j in range(done, columns):",
            "for j in range(done, columns - 1):",
        ),
        ("a list by column leaves out the first", "if first <= j < columns:", "if first < j < columns:"),
    ),
)

SAMPLES = killed_by(
    "fast/test_images.py",
    *of_library(
        "fast/kernels/samples.py",
        (
            "on the way back every phase is convolved as the first",
            "of[BACK_OFFSETS] + f * depth",
            "of[BACK_OFFSETS]",
        ),
        (
            "errors of every phase are paired with what enters the first",
            "first, error = of[OFFSETS] + f * depth,",
            "first, error = of[OFFSETS],",
        ),
        (
            "the input's trace is not decayed at a border",
            "decay * state[of[TRACE] + i] if old",
            "state[of[TRACE] + i] if old",
        ),
        (
            "the trace of what is read out is not decayed at a border",
            "        scale *= shared_numbers[READ_TRACE_DECAY]\n",
            "        scale *= 1\n",
        ),
        ("a trace begins anew with each window", "if rest and t == 0:", "if t == 0:"),
        (
            "the samples of a part go on from the first one's state",
            "state = states[b]",
            "state = states[part * batch // parts]",
        ),
    ),
)

STREAMING = killed_by(
    "fast/test_streaming.py",
    *of_library(
        "fast/kernels/streaming.py",
        (
            "a row is paid what rows of this time step are owed",
            "places[owed + k], places[since + j] = mine, slot\n        number = listed",
            "places[owed + k], places[since + j] = slot, slot\n        number = listed",
        ),
        (
            "what the oldest rows are owed is lost",
            "pay_to_slot(memory, places, layout, numbers, l, count, True)",
            "pay_to_slot(memory, places, layout, numbers, l, 0, True)",
        ),
        (
            "what the last row is owed is not paid when the weights are read",
            "pay_to_slot(memory, places, layout, numbers, l, layout[l, SIZE_IN], False)",
            "pay_to_slot(memory, places, layout, numbers, l, layout[l, SIZE_IN] - 1, False)",
        ),
        (
            "a sum is used again with what was owed before",
            "    clear(memory[layout[l, SUMS] + slot * width : layout[l, SUMS] + (slot + 1) * width])\n",
            "",
        ),
        (
            "what is owed is decayed a time step too many",
            "power = memory[powers + (slot - s) % SLOTS]",
            "power = memory[powers + (slot + 1 - s) % SLOTS]",
        ),
        (
            "errors go back through weights without what these are owed",
            "errors[j] = factors[mine] * errors[j] + traces[j] * products[mine]",
            "errors[j] = factors[mine] * errors[j]",
        ),
        (
            "after a step that was undone traces are of a time step later",
            "memory[held + j] = memory[trace + j] * memory[powers + (slot - 1 - mine) % SLOTS]",
            "memory[held + j] = memory[trace + j] * memory[powers + (slot - mine) % SLOTS]",
        ),
        (
            "the state has traces of a time step later",
            "memory[trace + j] * memory[powers + (slot - 1 - places[since + j]) % SLOTS]",
            "memory[trace + j] * memory[powers + (slot - places[since + j]) % SLOTS]",
        ),
    ),
)

FAST = (*WINDOWS, *CHAINS, *LISTS, *SAMPLES, *STREAMING)
