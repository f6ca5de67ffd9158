"""Which loops are run: hand-built ones (`vector_loops`) where the processor has AVX-512, plain ones elsewhere.

Plain ones are run everywhere if the environment variable OTTT_REF_PLAIN_KERNELS is set to something but 0, and within
`plain_kernels`. Kernels that have both take which as an argument, `built`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from numba.core.registry import cpu_target

from .vector_loops import can_compress

VARIABLE = "OTTT_REF_PLAIN_KERNELS"
_plain: ContextVar[bool] = ContextVar("plain_kernels", default=False)


@functools.cache
def _by_default() -> bool:
    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return can_compress(features) and os.environ.get(VARIABLE, "0") in ("", "0")


def hand_built() -> bool:
    """Whether hand-built loops are to be run here and now.

    >>> from ottt_ref.fast.kernels.choosing import hand_built, plain_kernels
    >>> with plain_kernels():
    ...     hand_built()
    False
    """
    return not _plain.get() and _by_default()


@contextmanager
def plain_kernels() -> Iterator[None]:
    """A `with` block in which plain loops are run, whatever the processor has: in this thread or task.

    >>> import ottt_ref as ot
    >>> from ottt_ref import fast
    >>> with fast.plain_kernels():
    ...     print(fast.plan(ot.dense_network([2, 3, 2], rng=0)).loops)
    plain
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)
