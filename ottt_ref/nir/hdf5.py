"""What an HDF5 file holds, as plain data; a program of its own, which `files` runs.

The HDF5 library is not made for hostile files: one changed byte can send it around a loop for ever, make it take all
memory, or crash it. So it runs here, in a process that may not take more than so much memory and time, nor write files.

    argv    how many seconds of computing it may take, and how many bytes the arrays may take in all
    stdin   the bytes of the file
    stdout  a line of JSON, {"error": "..."} or {"tree": ...}, then the bytes of the arrays, one after the other

A tree is ["group", {name: tree}], ["text", "..."], ["pairs", [["...", "..."], ...]] or ["array", dtype, shape]. Each
piece is checked before memory is taken for it: the number and depth of the objects, links (none but those inside the
file), types (numbers and texts alone), how much each array declares, which filters it went through.
"""

import contextlib
import importlib
import io
import json
import math
import sys

import numpy as np

LARGEST_ARRAYS = 2**28  # bytes, as for every other file: `storage.LARGEST_ARRAYS`, which would import the package
LARGEST_DEPTH, LARGEST_COUNT, LARGEST_TEXT = 32, 2**16, 1024
MAY_BE_INFINITE = ("tau", "r", "tau_mem", "tau_syn", "w_in")  # of what does not leak, which the importer judges
LARGEST_RATIO = 1100  # deflate makes at most 1032 bytes of one
OVERHEAD = 2**31  # bytes that Python and its libraries take, most of them never touched
DEFLATE, SHUFFLE, CHECKSUM, LZF = 1, 2, 3, 32000  # HDF5 and h5py have these; others would be looked for as plugins
DAMAGES = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


def main():
    """Read a file's bytes from stdin and write what it holds to stdout."""
    importlib.import_module("h5py")  # before there are limits

    content = sys.stdin.buffer.read()
    seconds, limit = map(int, sys.argv[1:])
    _limit(OVERHEAD + len(content) + 3 * _most(content, limit), seconds)
    sys.stdout.buffer.write(take_apart(content, limit))


def take_apart(content, limit=LARGEST_ARRAYS):
    """The answer to the bytes of a file, whose arrays take at most `limit` bytes, as bytes."""
    import h5py

    arrays = []
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            answer = {"tree": Reader(h5py, _most(content, limit), limit, arrays).group(file, "")}
    except (*DAMAGES, MemoryError) as error:  # of damaged content the library raises all of these
        reason = error.args[0] if isinstance(error, KeyError) and error.args else error  # whose text is in quotes
        answer, arrays = {"error": f"{reason}" or type(error).__name__}, []
    return b"".join([json.dumps(answer).encode(), b"\n", *(np.ascontiguousarray(each).tobytes() for each in arrays)])


def _most(content, limit):
    """The bytes that all arrays together may declare: at most the limit, and what the file can hold."""
    return min(limit, LARGEST_RATIO * len(content))


def _limit(memory, seconds):
    """No more than so many bytes and seconds, no files written; where the system has no such limits, none."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    wanted = ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0))
    for which, most in (*wanted, (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(which)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses the limit of memory
            resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


class Reader:
    """Turns groups into trees, collects the arrays, and counts what there is.

    most   the bytes that all arrays together may declare
    limit  the bytes that the arrays of any file may take
    """

    def __init__(self, h5py, most, limit, arrays):
        self._h5py = h5py
        self._most = most
        self._limit = limit
        self._arrays = arrays
        self._count = 0

    def group(self, group, where, depth=1):
        """The tree of a group; ValueError that says where something is that must not be."""
        if depth > LARGEST_DEPTH:
            raise ValueError(f"groups must be nested at most {LARGEST_DEPTH} deep, got more in {where!r}")
        result = {}
        for name in group:
            self._count += 1
            if self._count > LARGEST_COUNT:
                raise ValueError(f"it must hold at most {LARGEST_COUNT} objects, got more")
            place = f"{where}/{name}"
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                raise ValueError(f"{place!r} must lie in the file itself, got a link")
            value = group[name]
            if isinstance(value, self._h5py.Group):
                result[name] = self.group(value, place, depth + 1)
            elif isinstance(value, self._h5py.Dataset):
                result[name] = self._dataset(value, place)
            else:
                raise ValueError(f"{place!r} must be a group or an array, got {type(value).__name__}")
        return ["group", result]

    def _dataset(self, dataset, place):
        dtype = dataset.dtype
        is_text = self._h5py.check_string_dtype(dtype) is not None
        if not is_text and (dtype.kind not in "fiub" or dtype.itemsize > 8):
            raise ValueError(f"{place!r} must hold numbers or text, got {dtype}")
        self._require_stored(dataset, place)
        if is_text:
            return _text_tree(dataset, place)
        array = np.asarray(dataset[()])
        array = array.astype(dtype.newbyteorder("<"), copy=False)
        endless = place.rpartition("/")[2] in MAY_BE_INFINITE
        if dtype.kind == "f" and not np.all(np.isfinite(array) | (endless & np.isposinf(array))):
            raise ValueError(f"{place!r} must hold finite numbers, got NaN or infinity")
        self._arrays.append(array)
        return ["array", array.dtype.str, list(array.shape)]

    def _require_stored(self, dataset, place):
        """What an array declares must lie in the file, as it is or deflated."""
        properties = dataset.id.get_create_plist()
        if properties.get_external_count() or dataset.is_virtual:
            raise ValueError(f"{place!r} must lie in the file itself, got another file's")
        filters = [properties.get_filter(k)[0] for k in range(properties.get_nfilters())]
        if not set(filters) <= {DEFLATE, SHUFFLE, CHECKSUM, LZF}:
            raise ValueError(f"{place!r} must be stored as it is or deflated, got the HDF5 filters {filters}")
        if dataset.shape is None:
            raise ValueError(f"{place!r} must hold something, got nothing")
        declared = math.prod(dataset.shape) * dataset.dtype.itemsize
        self._most -= declared
        if self._most < 0 and dataset.id.get_storage_size() * LARGEST_RATIO >= declared:
            raise ValueError(
                f"it must hold arrays of at most {self._limit} bytes in all, unless a larger limit is given, got more "
                f"with {place!r}"
            )
        if self._most < 0 or (declared and not dataset.id.get_storage_size()):
            raise ValueError(f"{place!r} must not declare more than the file holds, got {list(dataset.shape)}")


def _text_tree(dataset, place):
    """A text, or pairs of them, row by row: many of the cells may point at one long text."""
    if dataset.shape == ():
        return ["text", _text(dataset[()], place)]
    if len(dataset.shape) != 2 or dataset.shape[1] != 2 or len(dataset) > LARGEST_COUNT:
        raise ValueError(f"{place!r} must be a text or pairs of them, got {list(dataset.shape)}")
    return ["pairs", [[_text(cell, place) for cell in dataset[k]] for k in range(len(dataset))]]


def _text(cell, place):
    text = cell.decode() if isinstance(cell, bytes) else cell
    if not isinstance(text, str) or len(text) > LARGEST_TEXT:
        raise ValueError(f"{place!r} must be a text of at most {LARGEST_TEXT} characters, got something else")
    return text


if __name__ == "__main__":
    main()
