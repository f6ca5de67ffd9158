"""Fast backend: the reference's signatures on kernels that exploit that spikes are sparse.

    from ottt_ref import fast
    fast.simulate, fast.bptt.gradients, fast.ottt.gradients, fast.ottt.OnlineLearner, fast.sltt.gradients
    fast.step(optimizer, network.parameters, gradients)    an optimiser's step, of SGD in one compiled call
    print(fast.plan(network))    which engine takes a network, and what computes what

Networks of float64 and float32, of every layer and neuron that the reference has. There is no `rtrl` and no
`spike_representation` here. A spike that is 0 is skipped: where results that are not finite are allowed, 0 · ∞ is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..network.network import Network
from ..simulation.inputs import require_inputs
from ..simulation.simulator import Activity, run
from . import bptt, ottt, sltt
from .forward import record_of
from .kernels.choosing import plain_kernels
from .network import fast_network
from .plan import Plan, plan
from .updates import step
from .windows import NotFinite, require_finite

__all__ = ["Plan", "bptt", "ottt", "plain_kernels", "plan", "simulate", "sltt", "step"]


def __getattr__(name: str) -> None:
    if name in ("rtrl", "spike_representation"):
        raise AttributeError(f"ottt_ref.fast has no {name}: ottt_ref.{name} is the reference's alone")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def simulate(
    network: Network, inputs: np.ndarray, *, initial_state: Mapping[str, np.ndarray] | None = None
) -> Activity:
    """Run the network on a sequence: `ottt_ref.simulate`, with the same arguments and results.

    Raises what it raises, and TypeError for a network of exact numbers.

    >>> import numpy as np, ottt_ref as ot
    >>> from ottt_ref import fast
    >>> network, inputs = ot.dense_network([4, 8, 3], rng=0), np.random.default_rng(1).random((6, 2, 4))
    >>> np.allclose(fast.simulate(network, inputs).outputs, ot.simulate(network, inputs).outputs)
    True
    """
    fast = fast_network(network)
    inputs = require_inputs(network, inputs)
    try:
        record = record_of(fast, inputs, initial_state)
        derivatives = record.layer_surrogate_derivatives or ()
        require_finite(*(state for states in record.layer_states for state in states), *derivatives)
    except NotFinite:  # single time steps say what, where and when
        return run(fast, inputs, initial_state=initial_state)
    return record
