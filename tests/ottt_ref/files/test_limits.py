"""Files that are small and hold much: refused before memory is taken, unless the caller allows so much."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import cli
from ottt_ref.files import storage


@pytest.fixture
def path(tmp_path):
    """A network of 2 MB of zeros, in a file of a hundredth of that."""
    path = tmp_path / "net.npz"
    ot.Network([ot.Layer(ot.Dense(np.zeros((512, 512))), ot.LIF())]).save(path)
    arrays = storage.read_arrays(path)
    np.savez_compressed(path, **arrays)
    assert path.stat().st_size < 2**15
    return path


def test_a_network_larger_than_the_limit_is_refused_before_memory_is_taken(path):
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"{path} must hold arrays of at most 1000000 bytes in all, .* got "):
        ot.Network.load(path, limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 2**20
    assert ot.Network.load(path, limit=2**22).shapes == ((512,),)
    assert ot.Network.load(path).shapes == ((512,),)


def test_the_limit_is_that_of_cases_and_is_a_whole_number(path):
    from ottt_ref.conformance import files

    assert files.LARGEST_ARRAYS == storage.LARGEST_ARRAYS == 2**28
    for limit, error in ((0, ValueError), (1.5, TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match="limit must be"):
            ot.Network.load(path, limit=limit)


def with_size_added(path, size):
    """Write a file whose directory says that its member has `size` bytes more than it has."""
    content = io.BytesIO()
    np.savez_compressed(content, zeros=np.zeros(1))
    with zipfile.ZipFile(content) as archive:
        info = archive.infolist()[0]
    old = info.file_size.to_bytes(4, "little")
    new = (info.file_size + size).to_bytes(4, "little")
    path.write_bytes(content.getvalue().replace(old, new))


def test_what_a_file_declares_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "x.npz"
    with_size_added(path, 2**31)
    with pytest.raises(ValueError, match=rf"x.npz must hold arrays of at most {2**28} bytes in all, .* got 21474"):
        storage.read_arrays(path)


def test_a_file_longer_than_the_limit_is_not_read_to_its_end(tmp_path, monkeypatch):
    """A device may have no end."""
    path = tmp_path / "x.npz"
    path.write_bytes(bytes(3000))
    monkeypatch.setattr(storage, "OVERHEAD", 1000)
    with pytest.raises(ValueError, match=r"must hold arrays of at most 1000 bytes in all, .* a file of more than 2000"):
        storage.read_arrays(path, 1000)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_cannot_be_unpacked_piece_by_piece_is_refused(tmp_path, compression):
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    with zipfile.ZipFile(tmp_path / "x.npz", "w", compression) as archive:
        archive.writestr("a.npy", content.getvalue())
    with pytest.raises(ValueError, match=r"a.npy must be stored as it is or deflated, as numpy does"):
        storage.read_arrays(tmp_path / "x.npz")


def test_a_description_has_a_limit_of_its_own(tmp_path):
    """What JSON makes of a text takes twenty times as much memory."""
    text = json.dumps({"format": "x", "version": 1, "lists": [[]] * (storage.LARGEST_DESCRIPTION // 16)})
    storage.write_arrays(tmp_path / "x.npz", {storage.DESCRIPTION: np.array(text)})
    with pytest.raises(ValueError, match="it has no description"):
        storage.read(tmp_path / "x.npz", "x", 1)


def test_a_command_has_the_same_limit_and_raises_it(path, tmp_path, capsys):
    inputs = tmp_path / "x.npz"
    np.savez(inputs, inputs=np.zeros((1, 1, 512)), targets=np.zeros(1, int))
    command = ["gradients", "--network", str(path), "--inputs", str(inputs), "--method", "sltt"]
    command += ["--output", str(tmp_path / "out.npz"), "--limit"]
    assert cli.main([*command, "1000000"]) == 2
    assert "net.npz must hold arrays of at most 1000000 bytes in all, unless" in capsys.readouterr().err
    assert cli.main([*command, "4000000"]) == 0
    np.savez_compressed(inputs, inputs=np.zeros((1000, 1, 512)), targets=np.zeros(1, int))
    assert cli.main([*command, "4000000"]) == 2
    assert "x.npz must hold arrays of at most 4000000 bytes in all, unless" in capsys.readouterr().err
