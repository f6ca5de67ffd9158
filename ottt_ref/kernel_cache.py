"""Numba's on-disk cache of compiled kernels, for several processes at once, and for files that are damaged.

Numba writes a kernel's index before its code, and no lock holds others off. Of two processes that compile one kernel
for float64 and for float32 at the same moment, one can leave its code under the name that the other's index has.
Whoever loads that runs code that was made for other arrays: wrong numbers, without a word. Here a lock is held.

Numba writes a file under another name first, which stays for ever if the process is killed then. Whoever saves a kernel
removes what others left of it: while the lock is held, nobody alive is writing. And the code is written before the
index: an index that is there first leads, after a kill, to the code of an earlier source.

What cannot be read or written (a file that was cut off, a full disk) is done without: the kernel is compiled as if
there were no cache, a warning says so once, and a damaged index is emptied, so that the next process finds a sound one.
"""

import os
import re
import warnings
from contextlib import contextmanager, suppress
from itertools import count

from numba.core.caching import FunctionCache, IndexDataCacheFile

try:
    import fcntl
except ImportError:  # not on Windows, where Numba's files are replaced under a lock of the system's own
    fcntl = None  # type: ignore[assignment]

LOCK = "ottt_ref.lock"


class KernelFiles(IndexDataCacheFile):
    """The files of one kernel: the index, and the code for each kind of arrays."""

    def save(self, key, data):
        """Write the code, and then the index that leads to it."""
        names = self._load_index()
        if key not in names:
            free = (name for name in map(self._data_name, count(1)) if name not in names.values())
            names[key] = next(free)
        self._save_data(names[key], data)
        self._save_index(names)

    def remove_stale(self):
        """Remove what a process that was killed left of these files, called NAME.tmp.HEX by Numba."""
        base = re.escape(self._index_name.removesuffix(".nbi"))
        stale = re.compile(base + r"(\.nbi|\.\d+\.nbc)\.tmp\.[0-9a-f]+")
        with suppress(OSError):
            for name in filter(stale.fullmatch, os.listdir(self._cache_path)):
                os.unlink(os.path.join(self._cache_path, name))


class KernelCache(FunctionCache):
    """The cache of one kernel; raises RuntimeError where there is no place for it."""

    warned = False

    def __init__(self, source):
        super().__init__(source)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = KernelFiles(self.cache_path, self._impl.filename_base, stamp)

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
            with self._locked() as locked:
                if locked:
                    self._cache_file.remove_stale()
                super().save_overload(sig, data)
        except Exception as error:
            self._warn(error)

    @contextmanager
    def _locked(self):
        """Hold off other processes that load or save kernels of the same folder; whether that is so."""
        file = None
        if fcntl is not None:
            with suppress(OSError):  # a folder that is not there yet, or cannot be written
                file = os.open(os.path.join(self.cache_path, LOCK), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file is not None
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
