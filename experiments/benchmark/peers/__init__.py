"""Who is timed: a function per peer, which takes a Workload and gives an object with `step` and `parameters`.

    step()          one training step on the workload's inputs and labels, SGD's update included; returns the loss
    parameters()    the weights as they are now: a mapping of arrays by the workload's names

Gradients are not asked for. They are what the first step takes off the weights, divided by the learning rate: so what
is checked is what is timed. The object may say more:

    firing_rates()  the share of the neurons of each spiking layer that fire in a time step, with the weights of now
    method          "ottt" (if it does not say), "bptt" or "rtrl", whose gradients are BPTT's: which it must have
    dialect         of OTTT, "derivation" (if it does not say) or "authors", which does not trace the inputs
    reset           "soft" (if it does not say) or "unleaked": how its neurons are reset
    about           words on how it computes, which are printed

A function that cannot take a workload raises NotImplementedError, whose words are shown; one whose package is not
installed raises ImportError.
"""

from dataclasses import dataclass
from importlib import import_module

from ottt_ref.outside import OutsideError, named


@dataclass(frozen=True)
class Known:
    """A peer that is known by name.

    place     "module:function" in this package
    words     what it is
    devices   where it can compute
    packages  whose versions are recorded, and the extra that brings them
    """

    place: str
    words: str
    devices: tuple[str, ...] = ("cpu",)
    packages: tuple[str, ...] = ()


BOTH = ("cpu", "cuda")
PEERS = {
    "fast": Known("ours:fast", "ottt_ref.fast, OTTT"),
    "reference": Known("ours:reference", "the plain reference, OTTT"),
    "spikingjelly": Known(
        "spikingjelly:peer", "SpikingJelly's OTTTLIFNode in OTTTSequential", BOTH, ("torch", "spikingjelly")
    ),
    "torch-by-hand": Known("torch_by_hand:peer", "OTTT in a loop of torch without autograd", BOTH, ("torch",)),
    "torch-autograd": Known("torch_autograd:peer", "BPTT by torch's autograd", BOTH, ("torch",)),
    "snntorch-bptt": Known("snntorch:peer", "BPTT of snnTorch's neurons by autograd", BOTH, ("torch", "snntorch")),
    "fast-bptt": Known("ours:fast_bptt", "ottt_ref.fast, BPTT"),
    "fast-plain": Known("ours:fast_plain", "ottt_ref.fast without its hand-built loops"),
    "fast-events": Known("ours:fast_events", "ottt_ref.fast, dense layers event-driven at any rate"),
    "fast-dense": Known("ours:fast_dense", "ottt_ref.fast, dense layers by dense arithmetic at any rate"),
    "reference-bptt": Known("ours:reference_bptt", "the plain reference, BPTT"),
    "reference-rtrl": Known("ours:reference_rtrl", "the plain reference, RTRL"),
}
DEFAULT = ("fast", "reference", "spikingjelly", "torch-by-hand", "torch-autograd", "snntorch-bptt")
PACKAGES = tuple(dict.fromkeys(package for known in PEERS.values() for package in known.packages))
INSTALL = "pip install torch==2.13.0, then pip install 'ottt_ref[peers]'"


class AbsentError(Exception):
    """A known peer that is not there; the message says what it needs."""


def function_of(name, device="cpu"):
    """The function of a peer, one of PEERS or "module:function".

    Raises AbsentError for a known peer that is not installed or cannot compute there, OutsideError for another name
    that cannot be had.
    """
    if name not in PEERS:
        found = named("argument --peer:", name)
        if not callable(found):
            raise OutsideError(f"argument --peer: {name!r} must be a function of a Workload, got {found!r}")
        return found
    known = PEERS[name]
    if device not in known.devices:
        raise AbsentError(f"does not compute on {device}")
    module, _, function = known.place.partition(":")
    try:
        return getattr(import_module(f".{module}", __package__), function)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        advice = f": {INSTALL}" if missing in PACKAGES else ""
        raise AbsentError(f"{missing or error} is not installed{advice}") from None
