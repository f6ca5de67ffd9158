"""Files of arrays: .npz without pickles, written atomically, read without trust.

A file is an uncompressed zip of .npy members. The member `description` is a JSON text that says what the file is;
the others are float64 or float32 arrays. The same content gives the same bytes.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from ..validation import require_count
from .writing import write_bytes

DESCRIPTION = "description"
LARGEST_ARRAYS = 2**28  # bytes that the arrays of a file may take in all, unless its reader says another number
LARGEST_DESCRIPTION = 2**24  # bytes
OVERHEAD = 2**24  # bytes of a file that are no array's
PIECE = 2**20  # bytes that are read at a time
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # numpy's; others cannot be unpacked piece by piece

__all__ = [
    "arrays_from",
    "as_bytes",
    "as_text",
    "content_of",
    "read",
    "read_array",
    "read_arrays",
    "write",
    "write_arrays",
    "write_bytes",
]


def write(
    path: str | os.PathLike[str],
    file_format: str,
    version: int,
    description: Mapping[str, object],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write `arrays` (by name) and a JSON description to `path` in one atomic step.

    The content goes to a temporary file in the same folder, which then takes the place of `path`: whatever
    happens on the way, `path` is either the old file or the whole new one.
    """
    header = {"format": file_format, "version": version, **description}
    write_arrays(path, {DESCRIPTION: np.array(as_text(header)), **arrays})


def as_text(description: Mapping[str, object]) -> str:
    """A description as JSON. A Fraction becomes the float nearest to it; TypeError for what JSON has nothing for."""
    return json.dumps(description, sort_keys=True, allow_nan=False, default=_number)


def _number(value):
    if isinstance(value, Fraction):
        return float(value)
    raise TypeError(f"description must hold numbers, texts, lists and mappings, got {value!r}")


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` (by name) to `path` as .npz in one atomic step."""
    write_bytes(path, as_bytes(arrays))


def as_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The content of an .npz file of `arrays`, by name."""
    buffer = io.BytesIO()
    by_name: dict[str, Any] = dict(arrays)
    np.savez(buffer, **by_name)
    return buffer.getvalue()


def read(
    path: str | os.PathLike[str], file_format: str, version: int, limit: int = LARGEST_ARRAYS, oldest: int | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description and the arrays, in their order in the file.

    limit   how many bytes all arrays together may take
    oldest  the first version that can be read; `version` alone if None

    Raises FileNotFoundError or another OSError where the file cannot be read, and ValueError that names the file
    and the fault where its content is not what `write` makes.
    """
    arrays = read_arrays(path, limit)
    try:
        text = arrays.pop(DESCRIPTION)
        if text.nbytes > LARGEST_DESCRIPTION:
            raise ValueError(f"its description must take at most {LARGEST_DESCRIPTION} bytes, got {text.nbytes}")
        description = json.loads(str(text))
    except (KeyError, ValueError, RecursionError):
        raise ValueError(f"{path} is not a file of format {file_format!r}: it has no description") from None
    if not isinstance(description, dict) or description.get("format") != file_format:
        raise ValueError(f"{path} is not a file of format {file_format!r}")
    versions = range(version if oldest is None else oldest, version + 1)
    found = description.get("version")
    if isinstance(found, bool) or not isinstance(found, int) or found not in versions:
        raise ValueError(f"{path} must be of version {' or '.join(map(str, versions))}, got version {found!r}")
    return description, arrays


def read_arrays(path: str | os.PathLike[str], limit: int = LARGEST_ARRAYS) -> dict[str, np.ndarray]:
    """Every array of an .npz file by name; raises as `read` does. Pickled objects are refused, not loaded."""
    largest = require_count("limit", limit) + OVERHEAD
    content = content_of(path, largest)
    if content is None:
        raise _too_large(path, limit, f"a file of more than {largest}")
    return arrays_from(content, path, limit)


def read_array(path: str | os.PathLike[str], limit: int = LARGEST_ARRAYS) -> np.ndarray:
    """The array of an .npy file; raises as `read` does. Pickled objects are refused, not loaded."""
    largest = require_count("limit", limit) + OVERHEAD
    content = content_of(path, largest)
    if content is None:
        raise _too_large(path, limit, f"a file of more than {largest}")
    try:
        return _read_stream(io.BytesIO(content), "it", len(content), limit)
    except _TooLarge:
        raise _too_large(path, limit, len(content)) from None
    except Exception as error:  # as of members of an .npz file
        raise ValueError(
            f"{path} is not an .npy file of a plain array, or a damaged or truncated one: {error}"
        ) from None


def content_of(path: str | os.PathLike[str], largest: int) -> bytes | None:
    """The content of a file, device or pipe; None where it is longer than `largest`, which a device without end is."""
    content = io.BytesIO()
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > largest:
            return None
        while piece := file.read(PIECE):
            content.write(piece)
            if content.tell() > largest:
                return None
    return content.getvalue()


def arrays_from(content: bytes, path: str | os.PathLike[str], limit: int = LARGEST_ARRAYS) -> dict[str, np.ndarray]:
    """Every array of an .npz file's content by name; `path` is what errors call it.

    limit  how many bytes all arrays together may take, however they are compressed
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)  # with the arrays' headers, which may be long, too
            if size > limit + OVERHEAD:
                raise _TooLarge
            arrays: dict[str, np.ndarray] = {}
            left = limit
            for member in members:
                name = _array_name(member)
                arrays[name] = _read_member(archive, member, left)
                left -= arrays[name].nbytes
            return arrays
    except _TooLarge:
        raise _too_large(path, limit, size) from None
    except Exception as error:  # of damaged content zipfile, zlib and numpy raise a dozen types, undocumented
        raise ValueError(
            f"{path} is not an .npz file of plain arrays, or a damaged or truncated one: {error}"
        ) from None


class _TooLarge(Exception):
    """The arrays of a file would take more memory than its reader allows."""


def _too_large(path, limit, got):
    return ValueError(
        f"{path} must hold arrays of at most {limit} bytes in all, unless a larger limit is given, got {got}"
    )


def _array_name(member):
    if not member.filename.endswith(".npy"):
        raise ValueError(f"it must hold .npy arrays alone, got {member.filename!r}")
    return member.filename.removesuffix(".npy")


def _read_member(archive, member, left):
    if member.compress_type not in COMPRESSIONS:
        raise ValueError(f"{member.filename} must be stored as it is or deflated, as numpy does")
    with archive.open(member) as stream:
        return _read_stream(stream, member.filename, member.file_size, left)


def _read_stream(stream, name, size, left):
    """The array of an .npy stream of `size` bytes; its shape is checked against them before any memory is taken."""
    shape, fortran_order, dtype = _read_header(stream)
    header_size = stream.tell()
    if dtype.hasobject:
        raise ValueError(f"{name} holds pickled objects, which are never loaded")
    count = 1
    for length in shape:
        count *= length
    if count * dtype.itemsize > size:
        raise ValueError(f"{name} must hold {count * dtype.itemsize} bytes for shape {shape}, got {size - header_size}")
    if count * dtype.itemsize > left:
        raise _TooLarge
    content = stream.read(count * dtype.itemsize + 1)  # never more than declared, however it is compressed
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"{name} must hold {count * dtype.itemsize} bytes for shape {shape}, got {size - header_size}")
    return np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran_order else "C").copy(order="C")


def _read_header(stream):
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"it must be of .npy version 1.0 or 2.0, got {version}")
