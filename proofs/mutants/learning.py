"""Faults in what a network learns from, and how far: losses, optimisers, online learning, equilibria, overflow."""

from dataclasses import replace

from .mutant import of_library

TESTS = "tests/ottt_ref/"


def killed_by(test, *mutants):
    """The mutants, each of which the tests of its part must kill: no claim is about it."""
    return tuple(replace(mutant, tests=(TESTS + test,)) for mutant in mutants)


LOSSES = killed_by(
    "test_losses.py",
    *of_library(
        "learning/losses.py",
        (
            "cross-entropy shifted by the first output",
            "largest = max(largest, 1.0 * float(outputs[b, c]))",
            "largest = max(largest, 1.0 * float(outputs[b, 0]))",
        ),
        ("targets that sum to 1 within 1e-2", "atol=1e-6", "atol=1e-2"),
        ("targets below 0 taken", "np.all(rows >= 0) and", "np.all(rows >= -1) and"),
        (
            "the loss of the average over the batch alone",
            "step_loss(loss, summed / time_steps, targets, 1)",
            "step_loss(loss, summed, targets, 1)",
        ),
        ("shares of the mixture exchanged", "share = float(self.mse_weight)", "share = 1 - float(self.mse_weight)"),
    ),
)

WEIGHTS = killed_by(
    "methods/test_weights_and_targets.py",
    *of_library(
        "learning/losses.py",
        ("weights of the value alone", "gradient[b, c] = weights[b] * gradient[b, c]", "pass"),
        ("weights of the gradient alone", "value[b] = weights[b] * value[b]", "pass"),
        ("the last step is the first", "np.arange(time_steps) == time_steps - 1", "np.arange(time_steps) == 0"),
        ("T given and not taken", "len(outputs) if time_steps is None else time_steps", "len(outputs)"),
    ),
    *of_library(
        "methods/shared/task.py",
        (
            "targets of the first step",
            "self.targets if self.targets.ndim == 2 else self.targets[t]",
            "self.targets if self.targets.ndim == 2 else self.targets[0]",
        ),
        (
            "weights of the first step",
            "None if self.weights is None else self.weights[t]",
            "None if self.weights is None else self.weights[0]",
        ),
    ),
)

STATES = killed_by(
    "methods/test_states.py",
    *of_library(
        "simulation/state.py",
        ("outputs at rest", "        outputs.append(output)\n", "        outputs.append(output * 0)\n"),
        ("foreign arrays taken", "    if foreign:\n", "    if False:\n"),
    ),
    *of_library(
        "simulation/simulator.py",
        ("state forgotten", "            self._start(*self.before)\n", "            pass\n"),
        (
            "the state before the first step is rest",
            "np.zeros_like(record[0]) if initial is None else initial",
            "np.zeros_like(record[0])",
        ),
    ),
    *of_library(
        "methods/shared/task.py", ("the rule starts at rest", "        carried[name][...] = array\n", "        pass\n")
    ),
)

REGULARISERS = killed_by(
    "methods/test_regularisers.py",
    *of_library(
        "learning/regularisers.py",
        ("the rate summed over neurons", "gradient[b, i] = strength / size", "gradient[b, i] = strength"),
        ("the distance's gradient halved", "strength * (distance + distance) / size", "strength * distance / size"),
        ("summed over the batch", "scale = divisor * len(value)", "scale = divisor"),
    ),
    *of_library(
        "methods/shared/errors.py",
        (
            "a price without a gradient",
            "spike_error + self.regularisation[l] if l in self.regularisation else spike_error",
            "spike_error",
        ),
    ),
)

OPTIMISERS = killed_by(
    "test_training.py",
    *of_library(
        "learning/optimisers.py",
        (
            "velocity not kept",
            'velocity = self.momentum * self._state[name]["velocity"]\n            velocity += gradient',
            "pass",
        ),
        (
            "weight decay of the wrong sign",
            "gradient + self.weight_decay * value",
            "gradient - self.weight_decay * value",
        ),
        ("Adam's second moment not squared", "(1 - beta2) * gradient * gradient", "(1 - beta2) * abs(gradient)"),
        ("Adam's first moment not corrected", "first / (1 - beta1**count)", "first"),
        ("state kept of a step that was refused", "            self._state = before\n", ""),
    ),
    *of_library(
        "learning/schedules.py",
        ("cosine of half the way", "math.cos(math.pi * progress)", "math.cos(math.pi * progress / 2)"),
    ),
)

ONLINE = killed_by(
    "test_online_learner.py",
    *of_library(
        "methods/shared/online.py",
        (
            "without time_steps a sixth of the loss",
            "time_steps = 1 if self.time_steps is None",
            "time_steps = 6 if self.time_steps is None",
        ),
        ("a step goes on after one that failed", "if self._failure is not None:", "if False:"),
        (
            "a reset does not forget that a step failed",
            "        self._failure: str | None = None\n",
            "        self._failure: str | None = getattr(self, '_failure', None)\n",
        ),
        (
            "the outputs of a step are overwritten by the next",
            "return total + penalty, self.activity.outputs.copy()",
            "return total + penalty, self.activity.outputs",
        ),
    ),
)

EQUILIBRIA = killed_by(
    "test_equilibrium.py",
    *of_library(
        "simulation/equilibrium.py",
        (
            "norms of parallel connections not added",
            "part[connection.target, connection.source] += norm",
            "part[connection.target, connection.source] = norm",
        ),
        (
            "norm of the last connection for the largest",
            "max(float(np.linalg.norm(matrices[:, b].astype(np.float64), 2)) for b in range(samples))",
            "min(float(np.linalg.norm(matrices[:, b].astype(np.float64), 2)) for b in range(samples))",
        ),
        (
            "norms not divided by the threshold",
            "spectral_norm(network, connection) / least",
            "spectral_norm(network, connection)",
        ),
        (
            "the trace of the norms for their radius",
            "np.abs(np.linalg.eigvals(norms)).max()",
            "np.abs(np.trace(norms))",
        ),
        (
            "a residual 1e6 times too large accepted",
            "    if not left <= tolerance:\n        raise",
            "    if not left <= 1e6 * tolerance:\n        raise",
        ),
        ("a small residual is enough near contraction 1", "* min(1.0, 100 * (1 - factor))", "* 1.0"),
        ("loops that expand are solved", "    if not factor < 1:\n", "    if not factor < 9:\n"),
        ("the norm's search begins with ones", "np.random.default_rng(0).normal(size=shape[1])", "np.ones(shape[1])"),
        ("the norm not scaled back", "return float(scale * found)", "return float(found)"),
        (
            "scipy's errors come through",
            "except (ValueError, ArithmeticError, np.linalg.LinAlgError):",
            "except ArithmeticError:",
        ),
        (
            "no sweeps after the root finder",
            "_root(residual, rates, tolerance), MOST_SWEEPS,",
            "_root(residual, rates, tolerance), 0,",
        ),
        ("strong loops scaled to two digits", "xtol=tiny", "xtol=2e-12"),
    ),
)

FINITE = killed_by(
    "test_finite.py",
    *of_library(
        "finite.py",
        (
            "the last number is not looked at",
            "for k in range(values.shape[0]):",
            "for k in range(values.shape[0] - 1):",
        ),
        ("infinity is finite", "if values[k] - values[k] != 0:", "if values[k] != values[k]:"),
        ("the block lasts for ever", "        _allowed.reset(token)\n", "        pass\n"),
    ),
    *of_library(
        "simulation/simulator.py",
        ("potentials are not tested", "if not is_finite(self._all_states) or (", "if ("),
        (
            "what neurons of one's own give is not tested",
            "(self._outside and not self._outside_is_finite(activity))",
            "False",
        ),
        (
            "time steps counted from 1",
            "self.network, activity, self.time_steps)",
            "self.network, activity, self.time_steps + 1)",
        ),
    ),
    *of_library(
        "methods/shared/gradients.py",
        (
            "sums of gradients are not tested",
            "if not all(is_finite(value) for value in every)",
            "if False",
        ),
        ("errors are not tested", '            self._require(error, t, "error of", name)\n', "            pass\n"),
    ),
    *of_library(
        "learning/optimisers.py",
        ("Adam takes what it cannot square", "if not is_finite(second):", "if False:"),
    ),
)

COMPARED = killed_by(
    "conformance/test_compare.py",
    *of_library(
        "conformance/compare.py",
        ("spikes compared within 0.4", "(0.0 if exact else", "(0.4 if exact else"),
        ("what differs is not found where the tolerance is 0", "relative * max(", "max(relative, 0.1) * max("),
    ),
    *of_library(
        "conformance/arrays.py",
        ("spikes compared as other numbers", 'self.name.startswith("spikes")', 'self.name.startswith("spike-trains")'),
    ),
)

LEARNING = (*LOSSES, *WEIGHTS, *STATES, *REGULARISERS, *OPTIMISERS, *ONLINE, *EQUILIBRIA, *FINITE, *COMPARED)
