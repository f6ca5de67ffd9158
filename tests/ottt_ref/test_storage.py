"""Files of networks: what is written comes back, and what is damaged or foreign is refused and not executed."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import Network, simulate
from ottt_ref.files import storage
from ottt_ref.files.descriptions import describe
from ottt_ref.network.network import FILE_FORMAT, FILE_VERSION

from ..selection import one_in
from .general import case
from .helpers import READOUTS, RESETS, bits, dyadic_network

pytestmark = pytest.mark.slow

WEIGHT = "layer0.weight.npy"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


@pytest.fixture
def saved(path):
    """The bytes of a small network's file."""
    ot.dense_network([1, 1, 1], rng=0).save(path)
    return path.read_bytes()


def assert_same(network, other):
    assert bits(network.parameters) == bits(other.parameters)
    assert list(network.parameters) == list(other.parameters)
    assert network.dtype == other.dtype
    assert [layer.neuron for layer in network.layers] == [layer.neuron for layer in other.layers]


def refuse(path, *complaint):
    """Loading raises a ValueError that names the file (and contains `complaint`), and nothing else."""
    with pytest.raises(ValueError) as raised:
        Network.load(path)
    for part in (str(path), *complaint):
        assert part in str(raised.value)


def npy(header, data=b"\0" * 8):
    """A .npy member of one's own making."""
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def npy_of(shape="(1, 1)", descr="'<f8'", data=b"\0" * 8):
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)


def described(text):
    buffer = io.BytesIO()
    np.save(buffer, np.array(text))
    return buffer.getvalue()


def with_member(path, saved, name, content, compression=zipfile.ZIP_STORED):
    """Write the saved file with one member replaced, its checksum right."""
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for member, old in members.items():
            archive.writestr(member, content if member == name else old)


def description_of(saved):
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        return json.loads(str(np.load(io.BytesIO(archive.read("description.npy")))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("reset", RESETS)
def test_a_saved_network_comes_back(path, reset, readout, dtype):
    network = dyadic_network(
        0, reset=reset, readout=readout, decays=(0.75, 0.1, 1 / 3), thresholds=(1.0, 0.7, 1.3)
    ).astype(dtype)
    network.save(path)
    assert_same(Network.load(path), network)


@pytest.mark.parametrize("surrogate", ot.surrogate.ALL)
def test_every_surrogate_comes_back(path, surrogate):
    network = ot.dense_network([2, 3, 2], surrogate=surrogate(0.3), rng=0)
    network.save(path)
    assert_same(Network.load(str(path)), network)


def test_saving_twice_gives_the_same_bytes(path, saved):
    Network.load(path).save(path)
    assert path.read_bytes() == saved
    ot.dense_network([1, 1, 1], rng=0).save(path)
    assert path.read_bytes() == saved


def test_a_file_opens_with_numpy_without_pickles(path, saved):
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["description", "layer0.bias", "layer0.weight", "readout.bias", "readout.weight"]


def test_a_loaded_networks_parameters_can_be_assigned(path, saved):
    network = Network.load(path)
    network.parameters["layer0.bias"] = np.array([2.0])
    network.parameters["layer0.bias"][0] += 1
    assert network.parameters["layer0.bias"][0] == 3.0


def test_exact_numbers_have_no_file(path):
    with pytest.raises(TypeError, match=r"network.dtype must be float64 or float32, got dtype\('O'\)"):
        dyadic_network(0).exact().save(path)
    assert not path.exists()


def test_a_new_file_has_the_permissions_of_any_other(path, saved):
    other = path.with_name("other")
    other.write_bytes(b"")
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_during_a_write_leaves_the_old_file_and_no_other(path, saved, monkeypatch, failing):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="no space left"):
        ot.dense_network([2, 2, 2], rng=0).save(path)
    assert path.read_bytes() == saved
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_interrupted_write_leaves_no_file(path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ot.dense_network([2, 2, 2], rng=0).save(path)
    assert list(path.parent.iterdir()) == []


def test_a_missing_file_or_folder_is_an_os_error(path):
    with pytest.raises(FileNotFoundError, match=r"net\.npz"):
        Network.load(path)
    with pytest.raises(IsADirectoryError):
        Network.load(path.parent)
    with pytest.raises(FileNotFoundError):
        dyadic_network(0).save(path.parent / "missing" / "net.npz")


def test_a_file_truncated_at_any_length_is_refused(path, saved):
    for length in {*range(0, len(saved), 5), *range(len(saved) - 100, len(saved))}:
        path.write_bytes(saved[:length])
        refuse(path)


def test_a_file_with_any_byte_flipped_is_refused_or_the_same_network(path, saved):
    network = Network.load(path)
    refused = 0
    for k in range(len(saved)):
        flip = (0xFF, 0x01, 0x20)[k % 3]
        path.write_bytes(saved[:k] + bytes([saved[k] ^ flip]) + saved[k + 1 :])
        try:
            loaded = Network.load(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert_same(loaded, network)  # dates, permissions and versions in the zip's directory mean nothing here
    assert refused > len(saved) / 2


@pytest.mark.parametrize(
    "content", [b"", b"a text file\n", b"PK", b"\x89PNG\r\n\x1a\n" + bytes(100), b"\x93NUMPY\x01\x00" + bytes(100)]
)
def test_a_file_of_another_kind_is_refused(path, content):
    path.write_bytes(content)
    refuse(path, "is not an .npz file")


def test_a_foreign_zip_is_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refuse(path, "it must hold .npy arrays alone, got 'readme.txt'")


def test_arrays_without_a_description_are_refused(path):
    np.savez(path, weight=np.ones(3))
    refuse(path, "has no description")


class Bomb:
    """Says so when it is unpickled."""

    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def test_pickled_objects_are_refused_and_not_executed(path, saved):
    buffer = io.BytesIO()
    np.save(buffer, np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with_member(path, saved, WEIGHT, buffer.getvalue())
    refuse(path, f"{WEIGHT} holds pickled objects, which are never loaded")
    path.write_bytes(pickle.dumps(Bomb()))
    refuse(path)
    assert not Bomb.exploded
    pickle.loads(path.read_bytes())
    assert Bomb.exploded  # the bomb works


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(
    "shape", [f"({2**40},)", f"({2**62}, 1)", f"({2**70}, 1)", f"({2**70}, 0)", "(1, 2)", "(0, 1)"]
)
def test_a_declared_shape_that_the_content_does_not_have_is_refused(path, saved, shape, compression):
    with_member(path, saved, WEIGHT, npy_of(shape), compression)
    refuse(path)


def test_a_compressed_member_is_not_unpacked_beyond_its_declared_shape(path, saved):
    with_member(path, saved, WEIGHT, npy_of("(1, 1)", data=bytes(2**24)), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16
    refuse(path, "layer0.weight.npy must hold 8 bytes for shape (1, 1)")


@pytest.mark.parametrize(
    "content",
    [
        npy_of("(-1, 1)"),
        npy_of("(-1, -1)"),
        npy_of("(-1, 0)"),
        npy_of("[1, 1]"),
        npy_of("(1, 1"),
        npy_of("(1, 1L)"),
        npy_of("(1.0, 1)"),
        npy_of("()"),
        npy_of("(" * 200 + "1" + ")" * 200),
        npy_of(descr="'<U0'"),
        npy_of(descr="'|V0'"),
        npy_of(descr="'>f8'"),
        npy_of(descr="'<f4'", data=b"\0" * 4),
        npy_of(descr="'<c16'", data=b"\0" * 16),
        npy_of(descr="('<f8', (3,))", data=b"\0" * 24),
        npy_of(descr="[('a', '<f8')]"),
        npy_of(descr="[('a', '|O')]"),
        npy_of(descr="{}"),
        npy_of(descr="None"),
        npy("{[]: 3}"),
        npy("{'a': 1, 3: 2}"),
        npy("{"),
        npy("print('executed')"),
        b"\x93NUMPY\x09\x00",
        b"",
        npy_of(data=np.array([np.nan]).tobytes()),
        npy_of(data=np.array([np.inf]).tobytes()),
    ],
)
def test_a_malformed_member_is_refused(path, saved, content):
    with_member(path, saved, WEIGHT, content)
    refuse(path)


def test_a_well_formed_member_is_read(path, saved):
    with_member(path, saved, WEIGHT, npy_of(data=np.array([2.5]).tobytes()))
    assert Network.load(path).parameters["layer0.weight"].tolist() == [[2.5]]


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "3", "{", "[" * 100_000, "1" * 5000, '"x"', '{"format": "x"}', "\ud800"], ids=repr
)
def test_a_malformed_description_is_refused(path, saved, text):
    with_member(path, saved, "description.npy", described(text))
    refuse(path, "is not a file of format 'ottt_ref network'")


PLACES = [
    ("dtype",),
    ("layers",),
    ("layers", 0),
    ("layers", 0, "synapses"),
    ("layers", 0, "neuron"),
    ("layers", 0, "neuron", "type"),
    ("layers", 0, "neuron", "decay"),
    ("layers", 0, "neuron", "threshold"),
    ("layers", 0, "neuron", "reset"),
    ("layers", 0, "neuron", "reset_potential"),
    ("layers", 0, "neuron", "surrogate"),
    ("layers", 0, "neuron", "surrogate", "type"),
    ("layers", 0, "neuron", "surrogate", "alpha"),
]


@pytest.mark.parametrize(
    "value", [None, "x", [], {}, [[1]], {"a": 1}, True, float("nan"), float("inf"), [None]], ids=repr
)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_description_with_any_value_replaced_is_refused(path, saved, place, value):
    description = description_of(saved)
    target = description
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    with_member(path, saved, "description.npy", described(json.dumps(description)))
    refuse(path, "does not describe a network")


@pytest.mark.parametrize("version", [0, 1, 4, "2", True, None])
def test_another_version_is_refused(path, saved, version):
    description = {**description_of(saved), "version": version}
    with_member(path, saved, "description.npy", described(json.dumps(description)))
    refuse(path, f"must be of version 2 or 3, got version {version!r}")


def test_missing_and_surplus_parameters_are_refused(path, saved):
    arrays = storage.read_arrays(path)
    text = arrays.pop("description")
    surplus = {**arrays, "layer7.weight": np.ones((1, 1))}
    missing = {name: value for name, value in arrays.items() if name != "layer0.bias"}
    for changed in (surplus, missing):
        storage.write_arrays(path, {"description": text, **changed})
        refuse(path, "does not describe a network")


def test_arrays_of_any_shape_and_order_come_back(path):
    arrays = {
        "matrix": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.array(1.5, dtype=np.float32),
        "labels": np.array([1, 2], dtype=np.int8),
        "empty": np.zeros((0, 3)),
    }
    storage.write_arrays(path, arrays)
    read = storage.read_arrays(path)
    assert list(read) == list(arrays)
    for name, value in arrays.items():
        assert np.array_equal(read[name], value) and read[name].dtype == value.dtype
        assert read[name].flags.writeable and read[name].flags.c_contiguous


def places(value, path=()):
    """Every place in nested JSON, as a path of keys and indices."""
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def replaced(value, path, new):
    """A copy with what stands at the path replaced; removed if `new` is REMOVED."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is REMOVED:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


REMOVED = object()
JUNK = [
    REMOVED,
    None,
    True,
    -1,
    0,
    3,
    10**30,
    0.5,
    1e400,
    "Dense",
    "",
    [],
    {},
    [1, 2],
    {"type": "Chain"},
    [[]],
    "layer0",
]


@pytest.mark.parametrize("which", one_in(8, range(len(JUNK))))
@pytest.mark.parametrize("kind", ["feedback", "residual", "convolutional_feedback", "standardised_convolution"])
def test_any_part_of_a_description_may_be_junk(path, kind, which):
    network, inputs, _ = case(kind)
    network.save(path)
    saved = path.read_bytes()
    description = description_of(saved)
    for k, place in enumerate(places(description)):
        if not place or (k + which) % 3:
            continue  # a third of all pairs: each place is tried with a third of the junk
        text = json.dumps(replaced(description, place, JUNK[which]))
        with_member(path, saved, "description.npy", described(text))
        try:
            loaded = Network.load(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:  # junk that means something: another number, another flag
            if loaded.input_shape == network.input_shape and loaded.dtype == network.dtype:
                simulate(loaded, inputs)


def test_a_network_within_itself_without_end_is_refused(path, saved):
    description = description_of(saved)
    layer = {**description["layers"][0], "synapses": "HERE"}
    for depth in (100, 900, 5000):
        nested = '{"type": "Chain", "operations": [' * depth + '{"type": "Flatten"}' + "]}" * depth
        text = json.dumps({**description, "layers": [layer]}).replace('"HERE"', nested)
        with_member(path, saved, "description.npy", described(text))
        refuse(path)


@pytest.mark.parametrize("place", ["threshold", "factor"])
def test_a_whole_number_that_no_float_can_hold_is_refused(tmp_path, place):
    """JSON holds integers of any size; one in a file would fail in the first simulation, with no word of the file."""
    layer = ot.Layer([ot.Scale(2.0), ot.Dense(np.ones((3, 2)))], ot.LIF(threshold=1.0))
    network = ot.Network([layer], input_shape=(2,))
    description = describe(network)
    part = description["layers"][0]
    (part["neuron"] if place == "threshold" else part["synapses"]["operations"][0])[place] = 10**400
    path = tmp_path / "net.npz"
    storage.write(path, FILE_FORMAT, FILE_VERSION, description, dict(network.parameters))
    with pytest.raises(ValueError, match=r"net.npz does not describe a network: a number must be one that a float"):
        ot.Network.load(path)
