"""How files of data are opened and refused: one message that names the file, what was expected and what was found."""

import gzip
import zlib
from pathlib import Path

LARGEST = 2**31  # bytes that one file may unpack to


class DataError(ValueError):
    """A file or folder that does not hold what its data set's format says."""


def folder_of(path, what):
    """`path` as a folder that exists."""
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{what}: {path} must be a folder, and is {'a file' if path.exists() else 'not there'}")
    return path


def first_of(folder, names, what):
    """The first of some names, or of some ways to write one, that lies in a folder."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{what}: {folder} must hold {' or '.join(names)}, and does not")


def files_of(folder, wanted):
    """The files of a folder whose names are wanted, in no order; a pipe or a folder of such a name is refused."""
    found = [path for path in folder.iterdir() if wanted(path)]
    for path in found:
        if not path.is_file():
            raise DataError(f"{path} must be a file, and is another thing")
    return found


def content(path, largest=LARGEST):
    """The bytes of a file, unpacked if its name ends in .gz."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            found = stream.read(largest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be unpacked: {error}") from None
    if len(found) > largest:
        raise DataError(f"{path} must hold at most {largest} bytes, and holds more")
    return found


def subfolders(folder, what):
    """The folders in a folder, sorted by name; an error if there is none."""
    found = sorted(path for path in folder.iterdir() if path.is_dir())
    if not found:
        raise DataError(f"{what}: {folder} must hold a folder for each class, and holds none")
    return found
