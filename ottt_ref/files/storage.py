"""Files of arrays: .npz without pickles, written atomically, read without trust.

A file is an uncompressed zip of .npy members. The member `description` is a JSON text that says what the file is;
the others are float64 or float32 arrays. The same content gives the same bytes.
"""

import io
import json
import os
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

DESCRIPTION = "description"


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
    text = np.array(json.dumps(header, sort_keys=True, allow_nan=False, default=float))
    write_arrays(path, {DESCRIPTION: text, **arrays})


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` (by name) to `path` as .npz in one atomic step."""
    buffer = io.BytesIO()
    by_name: dict[str, Any] = dict(arrays)
    np.savez(buffer, **by_name)
    write_bytes(path, buffer.getvalue())


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path` in one atomic step."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # tempfile's are readable by their owner alone
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike[str], file_format: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description and the arrays, in their order in the file.

    Raises FileNotFoundError or another OSError where the file cannot be read, and ValueError that names the file
    and the fault where its content is not what `write` makes.
    """
    arrays = read_arrays(path)
    try:
        description = json.loads(str(arrays.pop(DESCRIPTION)))
    except (KeyError, ValueError, RecursionError):
        raise ValueError(f"{path} is not a file of format {file_format!r}: it has no description") from None
    if not isinstance(description, dict) or description.get("format") != file_format:
        raise ValueError(f"{path} is not a file of format {file_format!r}")
    if description.get("version") != version:
        raise ValueError(f"{path} must be of version {version}, got version {description.get('version')!r}")
    return description, arrays


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Every array of an .npz file by name; raises as `read` does. Pickled objects are refused, not loaded."""
    return arrays_from(Path(path).read_bytes(), path)


def arrays_from(content: bytes, path: str | os.PathLike[str], limit: int | None = None) -> dict[str, np.ndarray]:
    """Every array of an .npz file's content by name; `path` is what errors call it.

    limit  how many bytes all arrays together may take, however they are compressed; any number if None
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            declared = sum(member.file_size for member in members)
            if limit is not None and declared > limit:
                raise ValueError(f"it must hold at most {limit} bytes, got {declared}")
            return {_array_name(member): _read_member(archive, member) for member in members}
    except Exception as error:  # of damaged content zipfile, zlib and numpy raise a dozen types, undocumented
        raise ValueError(
            f"{path} is not an .npz file of plain arrays, or a damaged or truncated one: {error}"
        ) from None


def _array_name(member):
    if not member.filename.endswith(".npy"):
        raise ValueError(f"it must hold .npy arrays alone, got {member.filename!r}")
    return member.filename.removesuffix(".npy")


def _read_member(archive, member):
    """Check the declared shape against the member's size before any memory is taken for it."""
    with archive.open(member) as stream:
        shape, fortran_order, dtype = _read_header(stream)
        header_size = stream.tell()
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds pickled objects, which are never loaded")
        count = 1
        for length in shape:
            count *= length
        if count * dtype.itemsize > member.file_size:
            raise ValueError(
                f"{member.filename} must hold {count * dtype.itemsize} bytes for shape {shape}, "
                f"got {member.file_size - header_size}"
            )
        content = stream.read(count * dtype.itemsize + 1)  # never more than declared, however it is compressed
    if len(content) != count * dtype.itemsize:
        raise ValueError(
            f"{member.filename} must hold {count * dtype.itemsize} bytes for shape {shape}, "
            f"got {member.file_size - header_size}"
        )
    return np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran_order else "C").copy(order="C")


def _read_header(stream):
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"it must be of .npy version 1.0 or 2.0, got {version}")
