"""Known traps: what authors of backends did otherwise without knowing, each as a Variation of the reference.

`forward_traps` change spikes or potentials, `gradient_traps` leave them as they are. A trap that changes nothing in a
case, such as one about a reset where no neuron fires, cannot be told there from the reference, and is never matched.
"""

from .backward import backward_traps
from .forward import combined, forward_traps
from .learning import online_traps, trace_traps
from .losses import loss_traps
from .rates import rate_traps
from .surrogates import surrogate_scaled, surrogate_traps

__all__ = ["combined", "forward_traps", "gradient_traps", "surrogate_scaled", "surrogate_traps"]


def gradient_traps(case):
    """Variations of the gradients of a case that leave its forward pass as it is."""
    return (
        *surrogate_traps(),
        *loss_traps(case),
        *trace_traps(case),
        *backward_traps(),
        *rate_traps(),
        *online_traps(),
    )
