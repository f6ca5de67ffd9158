"""What the fast backend does with a network, in words: which engine takes it, why not another, what computes what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba

from ..learning.losses import Mixed
from ..learning.optimisers import Optimizer, require_optimizer
from ..learning.regularisers import Regulariser
from ..methods.bptt import LOSSES_OF
from ..methods.shared.errors import ErrorFeedback
from ..network.network import Network
from ..network.neurons import RESET_GRADIENTS
from ..validation import require_choice, require_flag
from . import backward, engines, streaming, windows
from .forward import LONGEST_WINDOW, window_length
from .kernels.choosing import hand_built
from .methods import METHODS
from .network import require_fast
from .neurons import has_kernels
from .operations import described


@dataclass(frozen=True)
class Plan:
    """What is done: `print(plan(network))` shows it.

    engine    the one that takes the network, in words
    refusals  (engine, why not) of those that would be faster and do not take it
    parts     (layer or connection, what computes it)
    loops     "hand-built" or "plain"
    threads   how many

    >>> import ottt_ref as ot
    >>> from ottt_ref import fast
    >>> fast.plan(ot.dense_network([2, 3, 2], rng=0), terms=True).engine
    "single time steps, the reference's loop with fast operations"
    """

    engine: str
    refusals: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]
    loops: str
    threads: int

    def __str__(self) -> str:
        lines = [f"{self.engine}; {self.loops} loops, threads: {self.threads}"]
        lines += [f"not {name}: {reason}" for name, reason in self.refusals]
        width = max(len(name) for name, _ in self.parts)
        return "\n".join([*lines, *(f"  {name:<{width}}  {what}" for name, what in self.parts)])


def plan(
    network: Network,
    method: str = "ottt",
    *,
    optimizer: Optimizer | None = None,
    error_feedback: ErrorFeedback | None = None,
    regulariser: Regulariser | None = None,
    input_gradients: bool = False,
    reset_gradient: str = "detached",
    loss_of: str = "steps",
    terms: bool = False,
) -> Plan:
    """What the fast backend does with a network, before it is done.

    method     "bptt", "ottt" or "sltt"
    optimizer  of an OnlineLearner, where it is to learn after each time step

    The other arguments are those that `gradients` is given.

    Raises TypeError for a network of exact numbers, ValueError for another method.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> layer = ot.Layer(ot.Dense(np.eye(2)), ot.LIF(), recurrent=ot.Dense(np.eye(2)))
    >>> plan = fast.plan(ot.Network([layer]))
    >>> plan.engine
    'layer by layer, one time step at a time, for its loops'
    >>> for part in plan.parts:
    ...     print(*part, sep=": ")
    layer0.neurons: LIF over a window
    layer0: event-driven or dense, by the share of spikes
    layer0.recurrent: event-driven or dense, by the share of spikes
    """
    require_fast(network)
    require_choice("method", method, tuple(METHODS))
    asked: dict[str, Any] = {
        "error_feedback": error_feedback,
        "regulariser": regulariser,
        "input_gradients": require_flag("input_gradients", input_gradients),
        "terms": require_flag("terms", terms),
        "reset_gradient": require_choice("reset_gradient", reset_gradient, RESET_GRADIENTS),
        "loss_of": require_choice("loss_of", loss_of, LOSSES_OF),
    }
    engine, refusals = _engine(network, method, optimizer, asked)
    return Plan(
        engine,
        tuple(refusals),
        tuple(_parts(network)),
        "hand-built" if hand_built() else "plain",
        numba.get_num_threads(),
    )


def _engine(network, method, optimizer, asked):
    error_feedback, terms, regulariser = (asked[name] for name in ("error_feedback", "terms", "regulariser"))
    if optimizer is not None:
        reason = _stream_reason(network, method, optimizer, error_feedback, regulariser)
        if not reason:
            return "a stream: updates are put off, exactly, until they are needed", []
        return "single time steps, the reference's loop with fast operations", [("a stream", reason)]
    refusals = []
    for name, reason in engines.refusals(network, method, Mixed(), asked).items():
        if not reason:
            return name, refusals
        refusals.append((name, reason))
    if method == "bptt":
        reason, general = backward.why_single_steps(network, terms), "layer by layer, all time steps at once"
    else:
        reason = windows.why_single_steps(network, error_feedback, terms)
        longest = window_length(network, 1, LONGEST_WINDOW)
        several = f"windows of up to {longest} time steps" if longest > 1 else "one time step at a time, for its loops"
        general = f"layer by layer, {several}"
    if not reason:
        return general, refusals
    return "single time steps, the reference's loop with fast operations", [*refusals, (general, reason)]


def _stream_reason(network, method, optimizer, error_feedback, regulariser):
    require_optimizer(optimizer)
    if method != "ottt":
        return f"the rule is {method}"
    return streaming.suits(network, optimizer, Mixed(), error_feedback=error_feedback, regulariser=regulariser)


def _parts(network):
    for l, layer in enumerate(network.layers):
        kind = type(layer.neuron).__name__
        yield f"{network.layer_names[l]}.neurons", f"{kind} {'over a window' if has_kernels(layer.neuron) else 'step'}"
        for connection in network.incoming(l):
            yield connection.name, described(connection.operations)
