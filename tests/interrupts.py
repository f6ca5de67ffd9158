"""Ctrl-C in tests."""

import contextlib
import signal


@contextlib.contextmanager
def hearing_interrupts():
    """Processes started meanwhile hear Ctrl-C, also where the tests are a shell's background job, which does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
