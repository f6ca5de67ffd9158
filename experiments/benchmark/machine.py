"""What the numbers depend on: the processor, its caches, the threads, the versions, and what else was running."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numba

from .peers import PACKAGES

CPU = Path("/sys/devices/system/cpu")


def description(device="cpu"):
    """The machine, as plain data; what cannot be found out is left out."""
    found = {
        "processor": _processor(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "logical_cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "threads_per_core": _threads_per_core(),
        "caches": _caches(),
        "vector_instructions": _vector_instructions(),
        "memory_bytes": _memory_bytes(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
        "gpu": _gpu() if device == "cuda" else None,
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def versions():
    """Of the packages that the peers need, those that are installed."""
    found = {}
    for name in ("llvmlite", *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def usable_cores():
    """Logical cores on which this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(count):
    """Have Numba, and torch if it is loaded or will be, compute with so many threads."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(count)


def words(found):
    """The machine in a line."""
    caches = ", ".join(f"{name} {size}" for name, size in found.get("caches", {}).items())
    cores = f"{found['usable_cores']} of {found['logical_cores']} logical cores"
    gpu = f"; {found['gpu']}" if "gpu" in found else ""
    return f"{found.get('processor', found['architecture'])}, {cores}{f', {caches}' if caches else ''}{gpu}"


def _processor():
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _threads_per_core():
    siblings = _text(CPU / "cpu0" / "topology" / "thread_siblings_list")
    if not siblings:
        return None
    ends = [part.split("-") for part in siblings.split(",")]
    return sum(int(each[-1]) - int(each[0]) + 1 for each in ends)


def _caches():
    """Sizes by name: of a core's own data caches, and of what is shared."""
    found = {}
    for index in sorted((CPU / "cpu0" / "cache").glob("index*")):
        kind, level, size = (_text(index / name) for name in ("type", "level", "size"))
        if kind != "Instruction" and size:
            found[f"L{level}"] = size
    return found


def _vector_instructions():
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("flags"):
            flags = set(line.split())
            return [name for name in ("avx", "avx2", "fma", "avx512f", "avx512vl") if name in flags]
    return None


def _memory_bytes():
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _gpu():
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _text(path):
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _lines(path):
    return _text(path).splitlines()
