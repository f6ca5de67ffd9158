"""Whose loops compute: the fast backend's or the reference's."""

import os

import numba

import ottt_ref as ot
from ottt_ref import fast
from ottt_ref.fast.methods import METHODS as FAST
from ottt_ref.fast.network import fast_network
from ottt_ref.methods import METHODS as REFERENCE

BACKENDS = ("fast", "reference")
DTYPES = ("float32", "float64")
MEANING = (
    "whose loops compute: ottt_ref.fast, of the methods that it has, or the plain ones of the reference; results "
    "differ by rounding"
)


def add_option(option, default):
    """Add --backend to a command."""
    option("--backend", choices=BACKENDS, default=default, help=f"{MEANING} (%(default)s)")


def methods_of(backend):
    """Every Method by name; of the fast backend those that it has, and the reference's for the others."""
    return {**REFERENCE, **FAST} if backend == "fast" else REFERENCE


def simulate_by(backend):
    """`simulate` of the backend."""
    return fast.simulate if backend == "fast" else ot.simulate


def step_by(backend):
    """(optimizer, parameters, gradients): an optimiser's step."""
    return fast.step if backend == "fast" else lambda optimizer, *given: optimizer.step(*given)


def computed_by(network, backend):
    """The network as rules of one's own see it: of the same parameters."""
    return fast_network(network) if backend == "fast" else network


def share_processors(workers):
    """Let this process, one of so many, use its part of the processors: threads that wait for one slow all down."""
    numba.set_num_threads(max(1, min(numba.config.NUMBA_NUM_THREADS, (os.cpu_count() or 1) // workers)))
