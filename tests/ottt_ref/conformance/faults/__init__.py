"""FAULTS: mistakes that authors of backends make, each as a backend that makes it, by name."""

from . import connections, dynamics, layers, learning, losses, rates, surrogates, time, traces
from .catalogue import FAULTS

__all__ = ["FAULTS", "connections", "dynamics", "layers", "learning", "losses", "rates", "surrogates", "time", "traces"]
