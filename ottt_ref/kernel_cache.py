"""Numba's on-disk cache of compiled kernels, for several processes at once, and for files that are damaged.

Numba writes a kernel's index before its code, and no lock holds others off. Of two processes that compile one kernel
for float64 and for float32 at the same moment, one can leave its code under the name that the other's index has.
Whoever loads that runs code that was made for other arrays: wrong numbers, without a word. Here a lock is held.

What cannot be read or written (a file that was cut off, a full disk) is done without: the kernel is compiled as if
there were no cache, a warning says so once, and a damaged index is emptied, so that the next process finds a sound one.
"""

import os
import warnings
from contextlib import contextmanager, suppress

from numba.core.caching import FunctionCache

try:
    import fcntl
except ImportError:  # not on Windows, where Numba's files are replaced under a lock of the system's own
    fcntl = None  # type: ignore[assignment]

LOCK = "ottt_ref.lock"


class KernelCache(FunctionCache):
    """The cache of one kernel; raises RuntimeError where there is no place for it."""

    warned = False

    def load_overload(self, sig, target_context):
        """The compiled kernel for the signature; None where it must be compiled."""
        try:
            with self._locked():
                return super().load_overload(sig, target_context)
        except Exception as error:  # of damaged files pickle raises a dozen types, undocumented
            self._warn(error)
            with suppress(Exception):
                self.flush()
            return None

    def save_overload(self, sig, data):
        """Keep the compiled kernel."""
        try:
            with self._locked():
                super().save_overload(sig, data)
        except Exception as error:
            self._warn(error)

    @contextmanager
    def _locked(self):
        """Hold off other processes that load or save kernels of the same folder."""
        file = None
        if fcntl is not None:
            with suppress(OSError):  # a folder that is not there yet, or cannot be written
                file = os.open(os.path.join(self.cache_path, LOCK), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            if file is not None:
                os.close(file)

    def _warn(self, error):
        if not KernelCache.warned:
            KernelCache.warned = True
            warnings.warn(
                f"compiled kernels cannot be kept in {self.cache_path} ({type(error).__name__}: {error}): going on "
                "without, which takes longer",
                RuntimeWarning,
                stacklevel=2,
            )
