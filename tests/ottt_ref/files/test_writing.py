"""Files are written whole or not at all; what is no file is written to, not replaced; what the dead left is removed."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref.files import storage, writing
from ottt_ref.files.writing import remove_stale, write_bytes

OLD, NEW = b"what was there", b"what is new"
KILLED = """
import os, sys
from ottt_ref.files import writing
os.replace = lambda *_: (print("written", flush=True), sys.stdin.read())  # the last moment before the file is there
writing.write_bytes(sys.argv[1], b"x" * 1000)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_the_mode_of_a_file_stays(path, mode):
    path.write_bytes(OLD)
    path.chmod(mode)
    write_bytes(path, NEW)
    assert path.read_bytes() == NEW and mode_of(path) == mode
    assert names(path.parent) == ["file"]


def test_a_private_file_is_private_while_it_is_written(path, monkeypatch):
    path.write_bytes(OLD)
    path.chmod(0o600)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(stat.S_IMODE(os.fstat(number).st_mode)))
    write_bytes(path, NEW)
    assert seen == [0o600]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_mode_that_the_mask_leaves(path, mask):
    before = os.umask(mask)
    try:
        write_bytes(path, NEW)
    finally:
        os.umask(before)
    assert mode_of(path) == 0o666 & ~mask


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_of_a_file_stays(path):
    path.write_bytes(OLD)
    path.chmod(0o640)
    os.chown(path, 12345, 23456)
    write_bytes(path, NEW)
    found = path.stat()
    assert (found.st_uid, found.st_gid, mode_of(path)) == (12345, 23456, 0o640)


def test_a_write_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link, link_to_link = tmp_path / "folder" / "target", tmp_path / "link", tmp_path / "link_to_link"
    target.write_bytes(OLD)
    target.chmod(0o600)
    link.symlink_to("folder/target")
    link_to_link.symlink_to("link")
    write_bytes(link_to_link, NEW)
    assert target.read_bytes() == NEW and mode_of(target) == 0o600
    assert link.is_symlink() and os.readlink(link_to_link) == "link"
    assert names(tmp_path / "folder") == ["target"] and names(tmp_path) == ["folder", "link", "link_to_link"]


def test_a_link_to_a_file_that_is_not_there_makes_it(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("target")
    write_bytes(link, NEW)
    assert link.is_symlink() and (tmp_path / "target").read_bytes() == NEW


def test_links_that_lead_around_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError) as raised:
        write_bytes(tmp_path / "a", NEW)
    assert raised.value.errno == errno.ELOOP
    assert (tmp_path / "a").is_symlink() and names(tmp_path) == ["a", "b"]


def test_another_hard_link_keeps_the_old_content(path):
    path.write_bytes(OLD)
    other = path.with_name("other")
    os.link(path, other)
    write_bytes(path, NEW)
    assert (path.read_bytes(), other.read_bytes()) == (NEW, OLD)


def test_a_pipe_is_written_to(path):
    os.mkfifo(path)
    content, received = os.urandom(2**18), []  # more than a pipe holds: several writes
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    write_bytes(path, content)
    reader.join(timeout=60)
    assert received == [content] and stat.S_ISFIFO(path.stat().st_mode)
    assert names(path.parent) == ["file"]


def test_a_network_goes_through_a_pipe(path):
    network = ot.dense_network([2, 3, 1], rng=0)
    os.mkfifo(path)
    received = []
    reader = threading.Thread(target=lambda: received.append(ot.Network.load(path)))
    reader.start()
    network.save(path)
    reader.join(timeout=60)
    assert np.array_equal(received[0].parameters["layer0.weight"], network.parameters["layer0.weight"])


@pytest.fixture
def device(tmp_path):
    """A function that makes a device of one's own, of a given minor number: 3 swallows all, 7 is a full disk."""

    def make(minor):
        made = tmp_path / f"device{minor}"
        try:
            os.mknod(made, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            made.open("wb").close()
        except (AttributeError, OSError):
            pytest.skip("devices cannot be made here")
        return made

    return make


def test_a_device_is_written_to_and_stays(device):
    sink = device(3)
    before = sink.stat()
    write_bytes(sink, NEW)
    ot.dense_network([2, 3, 1], rng=0).save(sink)
    link = sink.with_name("link")
    link.symlink_to(sink.name)
    write_bytes(link, NEW)
    after = sink.stat()
    assert stat.S_ISCHR(after.st_mode) and (after.st_rdev, after.st_ino) == (before.st_rdev, before.st_ino)
    assert link.is_symlink() and names(sink.parent) == ["device3", "link"]


def test_a_device_that_is_full_says_so_and_stays(device):
    full = device(7)
    with pytest.raises(OSError, match=f"No space left on device: '{full}'"):
        write_bytes(full, NEW)
    assert stat.S_ISCHR(full.stat().st_mode) and names(full.parent) == ["device7"]


def test_a_pipe_without_a_name_is_written_to(tmp_path):
    """As /dev/stdout is one, or what a shell writes as >(command)."""
    reading, number = os.pipe()
    write_bytes(f"/dev/fd/{number}", NEW)
    os.close(number)
    with open(reading, "rb") as file:
        assert file.read() == NEW


def test_a_file_that_has_no_name_any_more_is_written_to(path):
    with open(path, "w+b") as file:
        path.unlink()
        write_bytes(f"/dev/fd/{file.fileno()}", NEW)
        assert os.pread(file.fileno(), 100, 0) == NEW
    assert names(path.parent) == []


def test_a_file_that_may_not_be_written_stays(path, monkeypatch):
    path.write_bytes(OLD)
    monkeypatch.setattr(os, "access", lambda *_: False)  # of a file of mode 0444, unless root asks
    with pytest.raises(PermissionError, match=str(path)):
        write_bytes(path, NEW)
    assert path.read_bytes() == OLD and names(path.parent) == ["file"]


def test_errors_name_the_file_and_not_the_temporary_one(tmp_path):
    with pytest.raises(IsADirectoryError, match=f"'{tmp_path}'"):
        write_bytes(tmp_path, NEW)
    missing = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError) as raised:
        write_bytes(missing, NEW)
    assert str(raised.value) == f"[Errno 2] No such file or directory: '{missing}'"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(path, monkeypatch, failing, error):
    path.write_bytes(OLD)

    def fail(*_):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        write_bytes(path, NEW)
    assert path.read_bytes() == OLD and names(path.parent) == ["file"]


def writer(path):
    """A process that stands still in the midst of a write."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "written\n"
    return process


def ended(process, number):
    process.send_signal(number)
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=60)


@pytest.mark.slow
def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(path):
    other = path.with_name("other")
    killed, living = writer(path), writer(path)
    ended(killed, signal.SIGKILL)
    left = names(path.parent)
    assert len(left) == 2 and all(writing.TEMPORARY.fullmatch(name) for name in left)
    write_bytes(other, NEW)
    (still_there,) = set(names(path.parent)) - {"other"}
    assert still_there in left
    ended(living, signal.SIGKILL)
    write_bytes(other, NEW)
    assert names(path.parent) == ["other"]


@pytest.mark.slow
def test_a_writer_ends_well_while_others_clear_up(path):
    """A temporary file that is not locked yet may be taken for a dead one's; then another is made."""
    stop, found = threading.Event(), []

    def clear_up():
        while not stop.is_set():
            remove_stale(path.parent)

    cleaners = [threading.Thread(target=clear_up) for _ in range(2)]
    for cleaner in cleaners:
        cleaner.start()
    began = time.monotonic()
    try:
        for k in range(300):
            write_bytes(path, b"%d" % k)
            found.append(path.read_bytes())
            if time.monotonic() - began > 0.5:
                break
    finally:
        stop.set()
        for cleaner in cleaners:
            cleaner.join()
    assert found == [b"%d" % k for k in range(len(found))] and len(found) > 10
    assert names(path.parent) == ["file"]


def test_a_temporary_file_that_was_taken_before_it_was_locked_is_made_anew(path, monkeypatch):
    lock, taken = writing._locked, []

    def late(number):
        if not taken:  # another process comes in between, once
            taken.extend(names(path.parent))
            remove_stale(path.parent)
        return lock(number)

    monkeypatch.setattr(writing, "_locked", late)
    write_bytes(path, NEW)
    assert path.read_bytes() == NEW and names(path.parent) == ["file"]
    assert len(taken) == 1 and writing.TEMPORARY.fullmatch(taken[0])


def test_only_our_own_temporary_files_are_removed(tmp_path):
    stale = f".ottt_ref-{'0' * 32}.part"
    kept = [f".ottt_ref-{'0' * 31}.part", f"x.ottt_ref-{'0' * 32}.part", ".ottt_ref-part", f".net.npz.{'0' * 32}"]
    for name in (stale, *kept):
        (tmp_path / name).write_bytes(OLD)
    link, pipe, folder = (tmp_path / f".ottt_ref-{digit * 32}.part" for digit in "123")
    link.symlink_to(kept[0])
    os.mkfifo(pipe)
    folder.mkdir()
    write_bytes(tmp_path / "file", NEW)
    assert set(names(tmp_path)) == {"file", *kept, link.name, pipe.name, folder.name}


@pytest.mark.slow
def test_cases_clear_up_in_their_folder_and_keep_links(tmp_path):
    from ottt_ref.conformance import files

    (tmp_path / f".ottt_ref-{'0' * 32}.part").write_bytes(OLD)
    (tmp_path / "manifest.json").symlink_to("elsewhere.json")
    files.export(tmp_path, ["dense"])
    assert names(tmp_path) == ["dense.npz", "elsewhere.json", "manifest.json"]
    assert (tmp_path / "manifest.json").is_symlink()
    assert [case.name for case in files.load(tmp_path)] == ["dense"]


def test_the_bytes_of_arrays_are_those_of_their_file(path):
    arrays = {"a": np.arange(3.0), "b": np.ones((2, 2), np.float32)}
    storage.write_arrays(path, arrays)
    assert path.read_bytes() == storage.as_bytes(arrays)
