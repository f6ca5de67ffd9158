"""Faults in the fast backend: windows, pairs, neurons over a window, the way back, filters."""

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
        (
            "the outputs' errors are changed in place",
            "        elif total is output_errors:\n            total = total.copy()\n",
            "",
        ),
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

FAST = WINDOWS
