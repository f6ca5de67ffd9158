"""How every file of the project is written: whole or not at all, and never in the place of what is no file.

A regular file is written to a temporary one beside it, which then takes its place in one step: whatever happens on the
way, a reader finds the old content or the new. The mode and, where the system lets us, the owner stay; a symbolic link
stays, and the file that it leads to is written. A hard link cannot stay: the other name keeps the old content.

A device or a pipe (/dev/stdout, /dev/null, a FIFO) is written to, as it is.

Temporary files are called .ottt_ref-HEX.part, HEX being 32 random digits. A process that is killed leaves its own
behind, as nothing can prevent. The next one that writes to the same folder removes it. It knows that the writer is dead
by the lock that a living one holds, which the system takes back from a dead one.
"""

import errno
import os
import re
import stat
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is removed
    fcntl = None  # type: ignore[assignment]

TEMPORARY = re.compile(r"\.ottt_ref-[0-9a-f]{32}\.part")
BINARY = getattr(os, "O_BINARY", 0)  # Windows alone has it
CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
NO_SURPRISE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, no waiting for a pipe's other end


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content` to `path`: a regular file in one atomic step, a device or a pipe as it is.

    Raises OSError, which names `path`, where it cannot be written; a regular file is then what it was before.
    """
    path = Path(path)
    try:
        target = regular_target(path)
        if target is None:
            with open(path, "wb", buffering=0) as file:
                _write_all(file, content)
        else:
            _write_atomically(target, content)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the name of the temporary file


def _write_atomically(target, content):
    remove_stale(target.parent)
    with _temporary_beside(target) as (file, temporary):
        _write_all(file, content)
        os.fsync(file.fileno())
        if fcntl is None:  # Windows renames no open file
            file.close()
        os.replace(temporary, target)


def regular_target(path: Path) -> Path | None:
    """The regular file, there or not yet, that a write to `path` replaces; None for a device, a pipe, and so on.

    Raises OSError where it is a folder, a file that may not be written, or a link that leads around in a circle.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:  # a link may lead to a file that is not there yet
        return Path(os.path.realpath(path)) if path.is_symlink() else path
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        return None
    if not os.access(path, os.W_OK):  # a rename would not ask
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    target = Path(os.path.realpath(path))
    with suppress(OSError):
        if os.path.samestat(os.stat(target), found):
            return target
    return None  # /dev/fd/3 of a file that has no name any more


def remove_stale(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files in a folder whose writers are dead; those of others, and of the living, stay."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name):
                _remove_if_stale(entry.path)


def _remove_if_stale(path):
    with suppress(OSError):  # gone meanwhile, or another's
        file = os.open(path, os.O_RDONLY | NO_SURPRISE | CLOSE_ON_EXEC)
        try:
            found = os.fstat(file)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its writer lives
                os.unlink(path)
        finally:
            os.close(file)


@contextmanager
def _temporary_beside(target):
    """A new file, open and locked, and its name, which is gone afterwards; mode and owner are those of `target`."""
    file, temporary = _locked_temporary(target)
    try:
        with file:
            yield file, temporary
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _locked_temporary(target):
    old = None
    with suppress(FileNotFoundError):
        old = os.stat(target)
    while True:
        temporary = target.parent / f".ottt_ref-{uuid.uuid4().hex}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC | BINARY
        number = os.open(temporary, flags, 0o666 if old is None else 0o600)
        try:
            if _locked(number):
                if old is not None:
                    _take_over(number, old)
                return os.fdopen(number, "wb", buffering=0), temporary
        except BaseException:
            os.close(number)
            with suppress(OSError):
                os.unlink(temporary)
            raise
        os.close(number)  # another process took it for a dead one's before it was locked


def _locked(number):
    """Lock a file of our own; whether it still has its name. Without a lock nobody can hold it for a dead one's."""
    if fcntl is None:
        return True
    with suppress(OSError):  # a file system may have no locks: then no other process gets one either
        fcntl.flock(number, fcntl.LOCK_EX)
    return os.fstat(number).st_nlink > 0


def _take_over(number, old):
    """Give a file the group, the owner, as far as that is allowed, and the permissions of another."""
    if hasattr(os, "fchown"):
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(OSError):
                os.fchown(number, owner, group)
    if hasattr(os, "fchmod"):
        os.fchmod(number, stat.S_IMODE(old.st_mode) & 0o777)


def _write_all(file, content):
    left = memoryview(content)
    while len(left):
        left = left[file.write(left) :]
