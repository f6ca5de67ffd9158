"""How kernels of the fast backend are compiled, and kept on disk.

A fast kernel differs from one of the reference (`ottt_ref.kernel`) in that it has no uncompiled run, may run on several
threads, and follows the rules of floating-point numbers where Python would raise: 1/0 is infinity. The check that
raises would keep loops with a division from being vectorised.

A kernel that calls another is compiled with it: its code on disk is stale as soon as the other's source changes,
whatever file that is in. So the stamp by which the cache tells fresh from stale code is made of the kernel's own file
and of every file of the fast backend that it imports from, and so on (`sources`). Numbers and kernels that are compiled
in must therefore come from the fast backend.

Results must not depend on the number of threads: a loop over `prange` is one over parts that the sizes of the arrays
decide, never the number of threads, and each part writes its own numbers.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import prange, types
from numba.core.ccallback import CFunc

from ...kernel_cache import KernelCache

__all__ = ["Part", "fast_kernel", "prange", "sources"]

FOLDERS = [Path(__file__).resolve().parents[1]]  # the fast backend
IMPORT = re.compile(r"^\s*from (\.+)([\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


@functools.cache
def sources(path: Path) -> frozenset[Path]:
    """A file of the fast backend, and those of it that the file imports from, directly or by others.

    >>> from ottt_ref.fast.kernels import compiling
    >>> sorted(path.name for path in compiling.sources(compiling.FOLDERS[0] / "kernels" / "compiling.py"))
    ['compiling.py']
    """
    found, open_ends = {path}, [path]
    while open_ends:
        here = open_ends.pop()
        for dots, module, names in IMPORT.findall(here.read_text(encoding="utf-8")):
            folder = here.parents[len(dots) - 1]
            base = folder.joinpath(*module.split(".")) if module else folder
            named = re.findall(r"\w+", names)
            for each in (base.with_suffix(".py"), *(base / f"{name}.py" for name in named)):
                if each not in found and not set(FOLDERS).isdisjoint(each.parents) and each.is_file():
                    found.add(each)
                    open_ends.append(each)
    return frozenset(found)


@functools.cache
def _stamp(path: Path) -> str:
    digest = hashlib.sha256()
    for each in sorted(sources(path)):
        digest.update(each.read_bytes())
    return digest.hexdigest()


class FastKernelCache(KernelCache):
    """The cache of one kernel whose code is stale when any of its `sources` changed."""

    def __init__(self, source):
        super().__init__(source)
        self._cache_file._source_stamp = _stamp(Path(source.__code__.co_filename).resolve())


def fast_kernel(
    source: Callable | None = None,
    *,
    parallel: bool = False,
    fastmath: set[str] | None = None,
    inline: bool = False,
    merged: bool = False,
) -> Any:
    """Compile a loop over arrays, and keep the code on disk.

    parallel  whether a loop over `prange` is shared out to threads; Numba does the same to operations on whole arrays,
              which kernels do without
    fastmath  what LLVM may do to sums and products, such as {"contract"}: x y + z rounded once
    inline    whether its code always becomes a part of what calls it
    merged    whether its source does, before anything is compiled: quicker to compile, of what is called in one place

    >>> import numpy as np
    >>> from ottt_ref.fast.kernels.compiling import fast_kernel, prange
    >>> @fast_kernel(parallel=True)
    ... def doubled(result, values):
    ...     for n in prange(len(values)):
    ...         result[n] = 2 * values[n]
    >>> result = np.empty(3)
    >>> doubled(result, np.ones(3))
    >>> result
    array([2., 2., 2.])
    """
    if source is None:
        return functools.partial(fast_kernel, parallel=parallel, fastmath=fastmath, inline=inline, merged=merged)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if inline:
        options["forceinline"] = True
    if merged:
        options["inline"] = "always"
    if inline or source.__name__.startswith("_"):  # called by kernels alone: no entrance for Python is compiled
        options["no_cpython_wrapper"] = options["no_cfunc_wrapper"] = True
    compiled: Any = numba.njit(source, parallel=parallel, fastmath=fastmath or False, **options)
    with suppress(RuntimeError, OSError):  # no place where a cache could lie, no source: compiled once per process
        compiled._cache = FastKernelCache(source)
    return compiled


class Part:
    """A kernel that others call at its address (`vector_loops.call_part`), and do not carry a copy of.

    Numba links what a kernel calls into it, and compiles all of it anew: of kernels that call kernels that call kernels
    that takes minutes. What is called at an address is compiled once.

    It takes (context, k, l, place, like): four whole numbers, as it pleases, and a pointer to numbers of the dtype that
    it is compiled for, which says no more than that.
    """

    def __init__(self, source: Callable) -> None:
        self.name = source.__name__
        self._source = source
        self._compiled: dict[np.dtype, Any] = {}

    def address(self, dtype: np.dtype) -> int:
        """Where the code for float32 or float64 lies; it is compiled, or read from disk, when it is first asked for."""
        if dtype not in self._compiled:
            whole, pointer = types.intp, types.CPointer(numba.from_dtype(dtype))
            signature = (whole, whole, whole, whole, pointer), types.void
            compiled: Any = CFunc(self._source, signature, {}, {"error_model": "numpy"})
            with suppress(RuntimeError, OSError):
                compiled._cache = FastKernelCache(self._source)
            numba.get_num_threads()  # starts the threads, without which a loop over `prange` cannot be read from disk
            compiled.compile()
            self._compiled[dtype] = compiled
        return self._compiled[dtype].address
