"""Files of NIR graphs: the same bytes every time, read back whole, and anything hostile refused by name."""

import os
import pickle
from pathlib import Path

import h5py
import nir as peer
import numpy as np
import pytest

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.nir import files, hdf5

from ..general import case
from ..helpers import bits, dyadic_network
from .graphs import to_graph, write

DATA = Path(__file__).parents[2] / "data" / "nir"
WEIGHT = "node/nodes/layer0_0_affine/weight"


@pytest.fixture
def in_process(monkeypatch):
    """Well-formed files are taken apart in this process, which is a hundred times faster."""
    monkeypatch.setattr(files, "taken_apart", hdf5.take_apart)


def refuse(path, *complaint):
    """Reading raises a ValueError that names the file (and contains `complaint`), and writes nothing."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(ValueError) as raised:
        nir.read(path)
    for part in (str(path), *complaint):
        assert part in str(raised.value)
    assert sorted(path.parent.iterdir()) == before


def changed(path, written, change):
    """Write the file with something in its HDF5 tree changed."""
    path.write_bytes(written)
    with h5py.File(path, "r+") as file:
        change(file)


def replaced(name, value, **options):
    """A change: another array in place of the one that is there."""

    def change(file):
        if name in file:
            del file[name]
        if value is not None:
            file.create_dataset(name, data=value, **options)

    return change


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recurrent", "feedback", "skips", "convolutional"])
def test_a_written_network_is_read_back(path, name):
    network, inputs, _ = case(name)
    write(path, network, dt=1e-3)
    again = nir.read(path)
    assert bits(again.parameters) == bits(network.parameters)
    assert np.array_equal(ot.simulate(again, inputs).outputs, ot.simulate(network, inputs).outputs)


def test_writing_twice_gives_the_same_bytes(path, written):
    write(path, nir.from_graph(to_graph(dyadic_network(0), dt=1e-3)), dt=1e-3)
    assert path.read_bytes() == written


def test_the_package_nir_reads_what_we_write_and_finds_its_types_consistent(path, written):
    path.write_bytes(written)
    graph = peer.read(path)
    np.testing.assert_array_equal(graph.nodes["layer0_0_affine"].weight, dyadic_network(0).parameters["layer0.weight"])
    assert nir.from_graph(graph).layers[0].neuron == dyadic_network(0).layers[0].neuron


def test_what_the_package_nir_writes_without_compression_is_read(path, written):
    peer.write(path, to_graph(dyadic_network(0)), compression=None)
    assert bits(nir.read(path).parameters) == bits(dyadic_network(0).parameters)


def test_a_failed_write_leaves_the_old_file_and_no_other(path, written, monkeypatch):
    path.write_bytes(written)
    with pytest.raises(ValueError, match="WeightStandardised"):
        write(path, case("standardised_dense")[0])

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write(path, dyadic_network(1))
    assert path.read_bytes() == written and list(path.parent.iterdir()) == [path]


def test_a_missing_file_or_folder_is_an_os_error(path):
    with pytest.raises(FileNotFoundError, match=r"net\.nir"):
        nir.read(path)
    with pytest.raises(IsADirectoryError):
        nir.read(path.parent)
    with pytest.raises(FileNotFoundError):
        write(path.parent / "missing" / "net.nir", dyadic_network(0))


@pytest.mark.slow
def test_a_truncated_file_is_refused(path, written):
    for length in [0, 1, 8, 100, 1000, len(written) // 2, len(written) - 1]:
        path.write_bytes(written[:length])
        refuse(path, "is no NIR graph, or a damaged one")


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"a text file\n", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_a_file_of_another_kind_is_refused(path, content):
    path.write_bytes(content)
    refuse(path, "is no NIR graph")


def test_a_file_that_is_too_large_is_not_read(path, monkeypatch):
    path.write_bytes(b"")
    os.truncate(path, files.LARGEST_FILE + 1)  # it takes no room on the disk
    refuse(path, f"must have at most {files.LARGEST_FILE} bytes")


class Bomb:
    """Says so when it is unpickled."""

    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def vlen(file):
    replaced(WEIGHT, None)(file)
    file.create_dataset(WEIGHT, (2,), dtype=h5py.vlen_dtype(np.float64))


def reference(file):
    replaced(WEIGHT, None)(file)
    file.create_dataset(WEIGHT, data=file["node"].ref, dtype=h5py.ref_dtype)


def filled(shape, **options):
    """A change: an array that is declared, and not there."""

    def change(file):
        replaced(WEIGHT, None)(file)
        file.create_dataset(WEIGHT, shape, dtype="f8", **options)

    return change


def piece(file):
    """A huge shape, of which one element is there."""
    filled((2**31, 2**20), chunks=(1, 8))(file)
    file[WEIGHT][0, 0] = 1.0


def other_file(file):
    replaced(WEIGHT, None)(file)
    file[WEIGHT] = h5py.ExternalLink("/etc/hostname", "/weight")


def soft_link(file):
    replaced(WEIGHT, None)(file)
    file[WEIGHT] = h5py.SoftLink("/node/nodes/readout_0_affine/weight")


def loop(file):
    file["node/nodes/loop"] = file["node"]


def laughs(file):
    """Groups that each hold the next ten times: 10^6 objects."""
    group = file.create_group("node/laughs")
    for _ in range(6):
        inner = group.create_group("0")
        for k in range(1, 10):
            group[str(k)] = inner
        group = inner


def external(file):
    replaced(WEIGHT, None)(file)
    file.create_dataset(WEIGHT, (4, 3), dtype="f8", external=[("/etc/passwd", 0, 96)])


def virtual(file):
    replaced(WEIGHT, None)(file)
    layout = h5py.VirtualLayout(shape=(4, 3), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "weight", shape=(4, 3))
    file.create_virtual_dataset(WEIGHT, layout)


def nested(file):
    group = file["node"]
    for _ in range(40):
        group = group.create_group("deeper")


def named_type(file):
    file["node/type2"] = np.dtype("f8")


EDGES = "node/edges"
HOSTILE = {
    "no version": (replaced("version", None), "it must be of NIR version 0 or 1, got None"),
    "another version": (replaced("version", "2.0"), "it must be of NIR version 0 or 1, got '2.0'"),
    "a version in numbers": (replaced("version", 1.0), "it must be of NIR version 0 or 1, got"),
    "no node": (replaced("node", None), "node must be a NIRGraph"),
    "a number as node": (replaced("node", 1.0), "node must be a NIRGraph"),
    "no nodes": (replaced("node/nodes", None), "node must be a NIRGraph with nodes, got None"),
    "no edges": (replaced(EDGES, None), "node must be a NIRGraph with edges, got None"),
    "edges in numbers": (replaced(EDGES, np.zeros((3, 2))), "node must be a NIRGraph with edges, got array"),
    "edges of three ends": (replaced(EDGES, [["a", "b", "c"]]), "must be a text or pairs of them, got [1, 3]"),
    "edges to nowhere": (replaced(EDGES, [["input", "x"]]), "edges must join nodes that there are, got 'x'"),
    "a long text": (replaced(EDGES, [["input", "x" * 10**5]]), "must be a text of at most 1024 characters"),
    "an unknown type": (
        replaced("node/nodes/layer0/type", "os.system"),
        "node 'layer0' must be one of Affine, AvgPool2d,",
    ),
    "a type in numbers": (replaced("node/nodes/layer0/type", np.arange(3)), "node 'layer0' must be one of Affine"),
    "a missing weight": (replaced(WEIGHT, None), "node 'layer0_0_affine' must have the fields of Affine"),
    "a missing time constant": (
        replaced("node/nodes/layer0/tau", None),
        "node 'layer0' must have the fields of LIF",
    ),
    "a field too many": (replaced("node/nodes/layer0/mass", 1.0), "node 'layer0' must have the fields of LIF"),
    "shapes that differ": (
        replaced("node/nodes/layer0/tau", np.ones(7)),
        "node 'layer0' must have the fields of LIF: All",
    ),
    "a weight of one axis": (replaced(WEIGHT, np.ones(3)), "must have the fields of Affine: Weight must be"),
    "an empty weight": (replaced(WEIGHT, np.ones((0, 3))), "must be [n_out, n_in] with n_out of at least 1"),
    "NaN": (replaced(WEIGHT, np.full((4, 3), np.nan)), f"'/{WEIGHT}' must hold finite numbers"),
    "infinity": (replaced(WEIGHT, np.full((4, 3), -np.inf)), f"'/{WEIGHT}' must hold finite numbers"),
    "an infinite threshold": (
        replaced("node/nodes/layer0/v_threshold", np.full(4, np.inf)),
        "'/node/nodes/layer0/v_threshold' must hold finite numbers",
    ),
    "an infinite time constant": (
        replaced("node/nodes/layer0/tau", np.full(4, np.inf)),
        "node 'layer0' (LIF): tau must be infinite where r is, and only there",
    ),
    "a time constant of minus infinity": (
        replaced("node/nodes/layer0/tau", np.full(4, -np.inf)),
        "'/node/nodes/layer0/tau' must hold finite numbers",
    ),
    "complex numbers": (replaced(WEIGHT, np.ones((4, 3), complex)), f"'/{WEIGHT}' must hold numbers or text"),
    "records": (replaced(WEIGHT, np.zeros(3, [("a", "f8")])), f"'/{WEIGHT}' must hold numbers or text"),
    "opaque bytes": (replaced(WEIGHT, np.void(pickle.dumps(Bomb()))), f"'/{WEIGHT}' must hold numbers or text"),
    "arrays of arrays": (vlen, f"'/{WEIGHT}' must hold numbers or text"),
    "references": (reference, f"'/{WEIGHT}' must hold numbers or text"),
    "nothing": (replaced(WEIGHT, h5py.Empty("f8")), f"'/{WEIGHT}' must hold something, got nothing"),
    "a huge shape": (filled((2**40, 2**20)), f"'/{WEIGHT}' must not declare more than the file holds"),
    "a huge shape in pieces": (filled((2**31, 2**20), chunks=(1, 8)), f"'/{WEIGHT}' must not declare more than"),
    "a huge shape with a piece of it": (piece, f"'/{WEIGHT}' must not declare more than the file holds"),
    "a shape without content": (filled((4, 3)), f"'/{WEIGHT}' must not declare more than the file holds, got [4, 3]"),
    "a filter": (
        replaced(WEIGHT, np.ones((4, 3), int), scaleoffset=2, chunks=(4, 3)),
        f"'/{WEIGHT}' must be stored as it is or deflated, got the HDF5 filters [6]",
    ),
    "a link to another file": (other_file, f"'/{WEIGHT}' must lie in the file itself, got a link"),
    "a link by name": (soft_link, f"'/{WEIGHT}' must lie in the file itself, got a link"),
    "another file's bytes": (external, f"'/{WEIGHT}' must lie in the file itself, got another file's"),
    "a view of another file": (virtual, f"'/{WEIGHT}' must lie in the file itself, got another file's"),
    "a group in itself": (loop, "groups must be nested at most 32 deep"),
    "groups that multiply": (laughs, "it must hold at most 65536 objects"),
    "groups in groups": (nested, "groups must be nested at most 32 deep"),
    "a type with a name": (named_type, "'/node/type2' must be a group or an array, got Datatype"),
    "metadata in arrays": (
        replaced("node/nodes/layer0/metadata/ottt_ref/decay", np.ones(2)),
        "node 'layer0' (LIF): decay must be a number or have the shape [1] (one for the layer) or [4]",
    ),
    "metadata in whole numbers": (
        replaced("node/nodes/layer0/metadata/ottt_ref/decay", np.ones(4, int)),
        "the metadata of ottt_ref must hold numbers and texts",
    ),
    "metadata of another kind": (
        replaced("node/nodes/layer0/metadata/ottt_ref/decay", "half"),
        "node 'layer0' (LIF): decay must be a number in [0, 1], got 'half'",
    ),
    "a dt of another kind": (
        replaced("node/metadata/ottt_ref/dt", "1 ms"),
        "dt in the metadata must be a number above 0",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_by_name(path, written, in_process, kind):
    change, complaint = HOSTILE[kind]
    changed(path, written, change)
    refuse(path, complaint)
    assert not Bomb.exploded


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("readout_0_flatten/input_type", np.full(3, 1e308), r"(Flatten): input_type must hold whole numbers"),
        (
            "readout_0_flatten/input_type",
            np.array([2**62, 4]),
            r"(Flatten): input_type must be that of what it is given",
        ),
        (
            "layer0_0_conv2d/input_shape",
            np.array([2**62, 0]),
            r"(Conv2d): input_shape must be that of what it is given",
        ),
        ("layer0_0_conv2d/stride", np.array([0, 0]), r"(Conv2d): stride must be at least 1, got 0"),
        ("layer0_0_conv2d/padding", np.array([2**40, 2**40]), r"(Conv2d): padding must be at most 2147483647"),
        (
            "layer1_1_avgpool2d/kernel_size",
            np.array([-1, 2]),
            r"(AvgPool2d): size[0], the vertical one, must be at least 1, got -1",
        ),
    ],
)
def test_shapes_that_are_nonsense_are_refused(path, in_process, name, value, complaint):
    write(path, case("convolutional")[0])
    changed(path, path.read_bytes(), replaced(f"node/nodes/{name}", value))
    refuse(path, complaint)


@pytest.mark.slow
def test_a_process_of_its_own_refuses_the_same(path, written):
    for kind in ("another version", "a link to another file", "a huge shape"):
        changed(path, written, HOSTILE[kind][0])
        refuse(path, HOSTILE[kind][1])
