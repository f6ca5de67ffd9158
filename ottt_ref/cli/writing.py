"""The file that a command writes: named before any work, and never one that it reads."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from ..console import CommandError


def check_output(path, *sources, argument="--output"):
    """Refuse a path that names no file, or one of the files that are read, or another that is written."""
    if not Path(path).name:
        raise CommandError(f"argument {argument}: must name a file, got {path!r}")
    if Path(path).resolve() in [Path(source).resolve() for source in sources]:
        raise CommandError(f"argument {argument}: must not be a file that is read, got {path!r}")


def write(write_to, path):
    """Write by `write_to(path)`; where to say so: standard output, or standard error if that is what was written to."""
    stream = sys.stderr if _is_standard_output(path) else sys.stdout
    try:
        write_to(path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    return stream


def _is_standard_output(path):
    with suppress(OSError, ValueError, AttributeError):  # no such file; what stands in for a stream has no number
        return os.path.samestat(os.stat(path), os.fstat(sys.stdout.fileno()))
    return False
