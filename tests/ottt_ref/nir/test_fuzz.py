"""The process that takes a file apart, and what fuzzing asks of it: whatever the bytes, a network or a ValueError."""

import copy
import functools
import io
from pathlib import Path

import nir as peer
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import ottt_ref as ot
from ottt_ref import nir
from ottt_ref.nir import files, hdf5

from ..general import case
from ..helpers import dyadic_network
from .graphs import braille, leaking, to_graph
from .peers import CASES
from .test_each import each_neuron
from .test_files import DATA, refuse


def test_a_file_is_taken_apart_in_a_process_as_in_this_one(written):
    assert files.taken_apart(written) == hdf5.take_apart(written)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that puts another program in the place of `hdf5`; its limits are `_limit`."""

    def put(text):
        place = tmp_path / "program.py"
        beginning = f"import sys; sys.path.insert(0, {str(Path(hdf5.__file__).parent)!r}); from hdf5 import _limit\n"
        place.write_text(beginning + text)
        monkeypatch.setattr(hdf5, "__file__", str(place))

    monkeypatch.setattr(files, "SECONDS", 1)
    return put


def test_no_file_can_be_written_while_one_is_taken_apart(program, tmp_path):
    program(f"_limit(2**32, 10)\nwith open({str(tmp_path / 'out')!r}, 'w') as file: file.write('x')\n")
    with pytest.raises(ValueError, match=r"the HDF5 library broke down on it, with status 1 OSError: .*File too large"):
        files.taken_apart(b"")
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.slow
def test_memory_without_end_cannot_be_taken(program):
    program("_limit(2**31, 10)\nbytearray(2**32)\n")
    with pytest.raises(ValueError, match="the HDF5 library broke down on it, with status 1 MemoryError"):
        files.taken_apart(b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["import os; os.abort()", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ""]
)
def test_a_crash_of_the_library_is_an_error(program, text):
    program(text)
    with pytest.raises(ValueError, match="the HDF5 library broke down on it, with status"):
        files.taken_apart(b"")


@pytest.mark.slow
def test_a_library_that_computes_for_ever_is_stopped(program):
    program("_limit(2**32, int(sys.argv[1]))\nwhile True: pass\n")
    with pytest.raises(ValueError, match="must be done with it in 1 s of computing, and was not"):
        files.taken_apart(b"")


@pytest.mark.slow
def test_a_library_that_waits_for_ever_is_stopped(program, monkeypatch):
    monkeypatch.setattr(files, "WAITING", 1)
    program("import time; time.sleep(600)\n")
    with pytest.raises(ValueError, match="must be done with it in 1 s, and was not"):
        files.taken_apart(b"")


@pytest.mark.slow
@pytest.mark.parametrize(("place", "byte"), [(2305, 1), (2448, 14)])
def test_a_file_that_sends_the_library_around_a_loop_is_refused(path, monkeypatch, place, byte):
    """Found by fuzzing: one byte of a heap of texts, and HDF5 2.0.0 never comes back."""
    content = bytearray((DATA / "snntorch_subtract.nir").read_bytes())
    content[place] = byte
    path.write_bytes(content)
    monkeypatch.setattr(files, "SECONDS", 1)
    refuse(path, "is no NIR graph, or a damaged one: ")


@functools.cache
def trees():
    """Trees of files of ours and of others, each with what else must be said."""
    networks = (dyadic_network(0), case("convolutional")[0], case("feedback")[0], case("delays")[0], each_neuron())
    graphs = [to_graph(network) for network in networks]
    contents = []
    for graph in graphs:
        buffer = io.BytesIO()
        peer.write(buffer, graph)
        contents.append((buffer.getvalue(), {}))
    for graph in (braille(), braille(nested=True), leaking()):
        buffer = io.BytesIO()
        peer.write(buffer, graph)
        contents.append((buffer.getvalue(), {"dt": 1e-4, "reset": "hard"}))
    for name in ("snntorch_recurrent", "snntorch_convolution", "norse_box", "snntorch_recurrent_synapses"):
        contents.append(((DATA / f"{name}.nir").read_bytes(), CASES[name].options))
    return [(files.parse(content)["node"], options) for content, options in contents]


def places(tree, where=()):
    """The way to each part of a tree."""
    for key, value in tree.items():
        yield (*where, key)
        if isinstance(value, dict):
            yield from places(value, (*where, key))


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
NUMBERS = hnp.arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?"]), SHAPES, elements=None)
PARTS = st.one_of(
    NUMBERS.map(lambda array: np.nan_to_num(array) if array.shape else np.nan_to_num(array)[()]),
    st.sampled_from(
        ["", "same", "LIF", "I", "Input", "Output", "NIRGraph", "Flatten", "SumPool2d", "hard", "CubaLIF", "Delay"]
    ),
    st.sampled_from([[], [("input", "output")], [("layer0", "layer0")]]),
    st.just({}),
    st.sampled_from([np.int64(-1), np.int64(2**62), np.float64(1e308), np.float64(5e-324), np.float64(0.0)]),
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:edges name")
@settings(max_examples=400)
@given(st.data())
def test_a_mutated_tree_is_a_network_or_refused(data):
    """What the process may hand back, whatever it is: parts taken out, exchanged, or put in place of others."""
    tree, options = data.draw(st.sampled_from(trees()))
    tree = copy.deepcopy(tree)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, key = data.draw(st.sampled_from(list(places(tree))))
        group = functools.reduce(dict.__getitem__, way, tree)
        kind = data.draw(st.sampled_from(["remove", "replace", "exchange", "add"]))
        if kind == "remove":
            del group[key]
        elif kind == "exchange":
            other = data.draw(st.sampled_from(sorted(group)))
            group[key], group[other] = group[other], group[key]
        else:
            group[key if kind == "replace" else data.draw(st.text(max_size=3))] = data.draw(PARTS)
    try:
        network = nir.from_graph(files.graph_of(peer, tree, "node"), **options)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(network, ot.Network)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:edges name")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_bytes_are_refused_or_read(path, written, data):
    """In the process of its own, as the library may do anything with them."""
    content = bytearray(written)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[place : place + len(piece)] = piece
    path.write_bytes(content)
    try:
        nir.read(path)
    except ValueError as error:
        assert str(path) in str(error)
