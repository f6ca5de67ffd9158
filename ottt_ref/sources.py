"""What a result was computed by: a digest of source files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(folders: Iterable[Path], pattern: str = "*") -> str:
    """A digest of the files below the folders that fit the pattern, but for what Python and Numba keep there.

    >>> from pathlib import Path
    >>> import ottt_ref
    >>> from ottt_ref.sources import digest
    >>> len(digest([Path(ottt_ref.__file__).parent / "plain"], "*.py"))
    64
    """
    found = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(folder.parent)} ".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()
