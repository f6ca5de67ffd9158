"""The one loop over time that drives every forward-in-time rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ...finite import of_time_step
from ...learning.losses import Loss, Mixed
from ...learning.regularisers import Regulariser
from ...network.network import Network
from ...simulation.simulator import Activity, Simulator, advance
from ...simulation.state import State, state_of
from .errors import ErrorFeedback, TimeStep, TransposedWeights
from .gradients import Gradients, GradientSum, finite_sum, require_activity
from .rule import Rule
from .task import require_task, started_from

PACKAGE = __name__.partition(".")[0] + "."


def gradients(
    rule: Callable[[Network, int], Rule],
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: Loss = Mixed(),
    *,
    error_feedback: ErrorFeedback | None = None,
    weights: npt.ArrayLike | None = None,
    time_steps: int | None = None,
    initial_state: Mapping[str, np.ndarray] | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    terms: bool = False,
) -> Gradients:
    """The gradient of a sequence's loss by a forward-in-time rule, summed over the sequence.

    rule            a Rule subclass, or another function (network, batch_size) → Rule: `partial(OTTT, dialect=...)`
    inputs          [T, B, n_in] (images: [T, B, C, H, W]), of the network's dtype or of whole numbers
    targets         class labels [B] or rows [B, n_out], or of each time step labels [T, B] or rows [T, B, n_out]
    error_feedback  how errors reach the layers: TransposedWeights() if not given
    weights         of time steps and samples, [T] or [T, B]: they multiply ℓ, and nothing is renormalised; or "last"
    time_steps      T of the loss's 1/T, where the sequence is a part of a longer one; its own T if not given
    initial_state   the State to start from, with or without the rule's part; rest if not given
    regulariser     a penalty of the firing rates, of `losses.Regulariser`
    input_gradients whether to record W^T g[t] at the inputs
    terms           whether to record what each time step adds

    Returns Gradients. Raises TypeError or ValueError that names the argument, before any work, and NonFiniteError where
    a potential, a loss, an error or a gradient overflows.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs, labels = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2)), np.array([1])
    >>> class SLTT(ot.methods.Rule):
    ...     pass  # the base class as it stands
    >>> gradients = ot.methods.gradients(SLTT, network, inputs, labels)
    >>> np.array_equal(gradients["layer0.weight"], ot.sltt.gradients(network, inputs, labels)["layer0.weight"])
    True
    """
    task = require_task(
        network,
        inputs,
        targets,
        loss,
        weights=weights,
        time_steps=time_steps,
        initial_state=initial_state,
        regulariser=regulariser,
        input_gradients=input_gradients,
        terms=terms,
        forwards="a rule that runs forwards in time",
    )
    steps, batch_size = task.inputs.shape[:2]
    outputs = np.empty((steps, batch_size, network.output_size), dtype=network.dtype)
    total: Any = 0  # any kind of number
    penalty: Any = 0
    final_state: State | None = None

    def follow(kind):
        nonlocal total, penalty, final_state
        total = penalty = 0
        running, feedback = started(rule, network, batch_size, error_feedback)
        if input_gradients and not running.follows_errors:
            raise ValueError(
                f"input_gradients must be False for {type(running).__name__}, which has no errors at the layers: "
                "exactly it would take a sensitivity for each input of each time step, a state that grows with T"
            )
        simulator = Simulator(network, batch_size, initial_state=started_from(network, initial_state, running.carried))
        sums = kind(
            network,
            batch_size,
            steps if terms else None,
            running.follows_errors,
            input_steps=steps if input_gradients else None,
        )
        for t in range(steps):
            activity = advance(simulator, task.inputs[t])
            take_in(running, activity)
            with of_time_step(t):
                step_total, output_error = task.step_loss(t, activity.outputs)
                step_penalty, regularisation = task.step_regularisation(activity)
                given = (loss, task.targets_at(t), task.time_steps, task.weights_at(t), regularisation)
                add_step(running, sums, t, TimeStep(activity, output_error, *given), feedback)
            outputs[t] = activity.outputs
            total, penalty = total + step_total, penalty + step_penalty
        if input_gradients and sums.steps_recorded < steps:
            raise ValueError(
                f"input_gradients must be False for {type(running).__name__}, whose add_step does not call "
                "sums.record(t, errors)"
            )
        final_state = state_of(network, simulator.states, simulator.outputs, running.carried, simulator.past)
        return sums

    sums = finite_sum(follow)
    return sums.result(total + penalty, outputs, final_state=final_state, regularisation=penalty)


def accumulate(
    rule: Callable[[Network, int], Rule],
    network: Network,
    activity: Activity,
    output_errors: np.ndarray,
    *,
    error_feedback: ErrorFeedback | None = None,
    terms: bool = False,
) -> GradientSum:
    """The algebra alone: `activity` and `output_errors` ∂L/∂o [T, B, n_out] may hold any numbers.

    Returns a GradientSum. Raises TypeError or ValueError where their shapes are not the network's.

    >>> import numpy as np, ottt_ref as ot
    >>> network, inputs = ot.dense_network([2, 3, 2], rng=0), np.ones((4, 1, 2))
    >>> activity, output_errors = ot.simulate(network, inputs), np.ones((4, 1, 2))
    >>> sums = ot.methods.accumulate(ot.sltt.SLTT, network, activity, output_errors, terms=True)
    >>> sums.values["readout.bias"].tolist(), sums.terms["readout.bias"].tolist()
    ([4.0, 4.0], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    """
    require_activity(network, activity, output_errors, terms)
    time_steps, batch_size = output_errors.shape[:2]

    def follow(kind):
        running, feedback = started(rule, network, batch_size, error_feedback)
        sums = kind(network, batch_size, time_steps if terms else None, running.follows_errors)
        for t in range(time_steps):
            now = activity.at(t)
            take_in(running, now)
            add_step(running, sums, t, TimeStep(now, output_errors[t]), feedback)
        return sums

    return finite_sum(follow)


def take_in(running: Rule, activity: Activity) -> None:
    """Have the rule take in one time step's Activity, which it must leave as it is: ValueError otherwise."""
    arrays_of = partial(_arrays_of, activity, running.network)
    with unchanged(f"rule: {type(running).__name__}.advance", arrays_of, running):
        running.take_in(activity)


def add_step(running: Rule, sums: GradientSum, t: int, step: TimeStep, error_feedback: ErrorFeedback) -> None:
    """Have the rule add its part of one TimeStep, which rule and feedback must leave as it is: ValueError otherwise."""
    where = f"rule: {type(running).__name__}.add_step, with {type(error_feedback).__name__},"
    with unchanged(where, partial(_arrays_of_step, step, running.network), running, error_feedback):
        running.add_step(sums, t, step, error_feedback)


@contextmanager
def unchanged(where: str, arrays_of: Callable[[], Mapping[str, np.ndarray | None]], *parts: object) -> Iterator[None]:
    """Raise ValueError if the block changes one of the arrays in place; where all parts are our own, nothing is done.

    The arrays of an Activity are those of the simulation itself: a change in them would go on to the next time step.
    """
    if all(type(part).__module__.startswith(PACKAGE) for part in parts):
        yield
        return
    arrays = arrays_of()
    before = {name: array.copy() for name, array in arrays.items() if array is not None}
    yield
    for name, copy in before.items():
        now = arrays[name]
        if now is not None and now.tobytes() != copy.tobytes():
            raise ValueError(f"{where} must not change what it is given, got {name} changed in place")


def _arrays_of_step(step, network):
    result = {**_arrays_of(step.activity, network), "output_error": step.output_error, "targets": step.targets}
    result["weights"] = step.weights
    return result | {f"regularisation[{l}]": penalty for l, penalty in step.regularisation.items()}


def _arrays_of(activity, network):
    result = {"activity.inputs": activity.inputs}
    for l, states in enumerate(activity.layer_states):
        result |= {f"activity.layer_states[{l}][{k}]": state for k, state in enumerate(states)}
        result[f"activity.layer_outputs[{l}]"] = activity.layer_outputs[l]
        if activity.layer_surrogate_derivatives is not None:
            result[f"activity.layer_surrogate_derivatives[{l}]"] = activity.layer_surrogate_derivatives[l]
    result |= {f"activity.previous_outputs[{l}]": output for l, output in activity.previous_outputs.items()}
    for l, states in activity.previous_states.items():
        result |= {f"activity.previous_states[{l}][{k}]": state for k, state in enumerate(states)}
    if activity.earlier is not None:
        late = (connection for connection in network.connections if connection.delay > 1)
        result |= {f"activity.delivered({connection.name})": activity.delivered(connection) for connection in late}
    return result


def started(
    rule: Callable[[Network, int], Rule], network: Network, batch_size: int, error_feedback: ErrorFeedback | None
) -> tuple[Rule, ErrorFeedback]:
    """The rule at work on a network and batch, and what brings its errors.

    Raises TypeError or ValueError for what is no rule, no feedback, or does not fit the network.
    """
    if not callable(rule):
        raise TypeError(f"rule must be a Rule subclass or a function (network, batch_size) → Rule, got {rule!r}")
    running = rule(network, batch_size)
    if not isinstance(running, Rule):
        raise TypeError(f"rule must give a Rule for (network, batch_size), got {running!r}")
    for name, given in (("network", network), ("batch_size", batch_size)):
        if getattr(running, name, None) is not given and getattr(running, name, None) != given:
            raise ValueError(
                f"rule must give a Rule with {name} {given!r}, as super().__init__(network, batch_size) sets it, got "
                f"{getattr(running, name, None)!r}"
            )
    if network.delays_errors:
        require_late_errors_suit(running)
    return running, require_feedback(error_feedback, running, network)


def require_late_errors_suit(running: Rule) -> None:
    """Raise TypeError where a rule of one's own adds gradients itself, and does not say that it does so with delays."""
    own = [name for name in ("add_gradients", "add_step") if getattr(type(running), name) is not getattr(Rule, name)]
    if own and not running.handles_delays:
        raise TypeError(
            f"rule {type(running).__name__} must pair errors by presynaptic and bias_input alone in a network with a "
            f"delay on a way to the outputs, whose errors belong to earlier time steps, got {' and '.join(own)} of its "
            "own: where that suits, set handles_delays = True"
        )


def require_feedback(error_feedback: ErrorFeedback | None, running: Rule, network: Network) -> ErrorFeedback:
    """`error_feedback`, or the default for None; TypeError or ValueError where it does not fit."""
    if error_feedback is None:
        return TransposedWeights()
    if not isinstance(error_feedback, ErrorFeedback) or type(error_feedback) is ErrorFeedback:
        raise TypeError(f"error_feedback must be one such as TransposedWeights(), got {error_feedback!r}")
    if not running.follows_errors:
        raise ValueError(
            f"error_feedback must be None for {type(running).__name__}, which needs the outputs' errors alone"
        )
    error_feedback.check(network)
    if running.lags is not None:
        _require_lagged_error(error_feedback)
    return error_feedback


def _require_lagged_error(error_feedback):
    """Raise TypeError for feedback that says how errors come, but not to which time step they belong."""
    where = {
        name: next(k for k, each in enumerate(type(error_feedback).__mro__) if name in vars(each))
        for name in ("spike_error", "lagged_error")
    }
    if where["spike_error"] < where["lagged_error"]:
        raise TypeError(
            f"error_feedback must define lagged_error for a network with a delay on a way to the outputs, whose errors "
            f"belong to earlier time steps, got {type(error_feedback).__name__} without it"
        )
