"""What a fault is: a backend with one mistake, where the mistake shows, and where it does not."""

import re
from dataclasses import dataclass

FORWARD = ("forward",)
DETACHED, KEPT = ("bptt", "rtrl"), ("bptt-kept", "rtrl-kept")
BPTT = (*DETACHED, *KEPT)
OFFLINE_OTTT, ONLINE = ("ottt", "ottt-authors"), ("ottt-online", "ottt-online-authors")
DERIVATION = ("ottt", "ottt-online")
AUTHORS = ("ottt-authors", "ottt-online-authors")
OTTT = (*OFFLINE_OTTT, *ONLINE)
FORWARDS_IN_TIME = (*OFFLINE_OTTT, "sltt")
SURROGATE = (*BPTT, *FORWARDS_IN_TIME, *ONLINE)
RATES = ("spike-representation",)
OFFLINE = (*BPTT, *FORWARDS_IN_TIME, *RATES)
GRADIENTS = (*SURROGATE, *RATES)
ALL_BUT_RATES = (*FORWARD, *SURROGATE)
EVERYTHING = (*FORWARD, *GRADIENTS)
FAULTS = {}


@dataclass(frozen=True)
class Fault:
    """A backend with one mistake.

    name, description   what it is called, and what was done wrong
    backend             the class, an adapter
    shows               by case, the methods that fail and no others; where FORWARD alone does, spikes differ, and the
                        rest is not compared, or what is recorded does, and the rest passes
    spares              cases that it passes as a whole
    """

    name: str
    description: str
    backend: type
    shows: dict
    spares: tuple


def fault(description, *, shows, spares):
    """Put a Backend's subclass into FAULTS, by its name in lower case: UnleakedReset is "unleaked-reset"."""

    def add(backend):
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", backend.__name__).lower()
        FAULTS[name] = Fault(name, description, backend, shows, tuple(spares))
        return backend

    return add
