"""Files of NIR graphs: HDF5, written in one atomic step, read without trust.

A process of its own takes the file apart and checks it (`hdf5`): what it hands back is plain data. Here the nodes are
made of that, of the kinds that NIR has, by the package nir.
"""

import io
import json
import math
import os
import re
import signal
import subprocess
import sys

import numpy as np

from ..files import storage
from ..validation import require_count
from . import hdf5
from .package import package

LARGEST_FILE = 2**28  # bytes
OUT_OF_TIME = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None  # how a process that computes too long ends
SECONDS, SECONDS_PER_MEGABYTE, WAITING = 10, 1, 6  # of computing; and how many times as long it may take in all
KINDS = (
    *("Affine", "AvgPool2d", "Conv1d", "Conv2d", "CubaLI", "CubaLIF", "Delay", "Flatten", "I", "IF", "Input", "LI"),
    *("LIF", "Linear", "Output", "Scale", "SumPool2d", "Threshold"),
)
FAULTS = (AssertionError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


def write_graph(path, graph):
    """Write a nir.NIRGraph to `path` in one atomic step; the same graph gives the same bytes, of one version of nir."""
    buffer = io.BytesIO()
    package().write(buffer, graph)
    storage.write_bytes(path, buffer.getvalue())


def read_graph(path, limit=storage.LARGEST_ARRAYS):
    """The nir.NIRGraph of a file, its types not checked, whose arrays take at most `limit` bytes.

    Raises OSError where the file cannot be read, and ValueError that names the file and the fault where it is damaged,
    truncated, too large, of another version, or holds anything but a graph of finite numbers.
    """
    nir = package()
    try:
        tree = parse(_content(path, require_count("limit", limit)), limit)
        version = tree.get("version")
        if not isinstance(version, str) or not re.match(r"[01]\.\d", version):
            raise ValueError(f"it must be of NIR version 0 or 1, got {version!r}")
        return graph_of(nir, tree.get("node"), "node")
    except ValueError as error:
        raise ValueError(f"{path} is no NIR graph, or a damaged one: {error}") from None


def _content(path, limit):
    largest = max(LARGEST_FILE, limit)
    content = storage.content_of(path, largest)
    if content is None:
        raise ValueError(f"it must have at most {largest} bytes, got more")
    return content


def parse(content, limit=storage.LARGEST_ARRAYS):
    """What the bytes of an HDF5 file hold: groups as dicts, texts, lists of pairs of texts, arrays."""
    header, _, rest = taken_apart(content, limit).partition(b"\n")
    answer = json.loads(header)
    if "error" in answer:
        raise ValueError(answer["error"])
    return _plain(answer["tree"], memoryview(rest))


def taken_apart(content, limit=storage.LARGEST_ARRAYS):
    """What `hdf5` says of the bytes of a file, in a process of its own; ValueError where it breaks down or is late."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "HDF5_PLUGIN_PRELOAD": "::",  # no plugin is loaded
        "OPENBLAS_NUM_THREADS": "1",  # each thread of it would reserve memory
    }
    seconds = SECONDS + SECONDS_PER_MEGABYTE * (len(content) // 2**20)
    program = [sys.executable, "-P", "-B", "-W", "ignore", hdf5.__file__, str(seconds), str(limit)]
    longest = WAITING * seconds
    try:
        done = subprocess.run(
            program, input=content, capture_output=True, env=environment, timeout=longest, check=False
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"the HDF5 library must be done with it in {longest} s, and was not") from None
    if done.returncode == OUT_OF_TIME:
        raise ValueError(f"the HDF5 library must be done with it in {seconds} s of computing, and was not")
    if done.returncode != 0 or not done.stdout:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValueError(f"the HDF5 library broke down on it, with status {done.returncode} {last}".rstrip())
    return done.stdout


def _plain(tree, rest):
    value, left = _value(tree, rest)
    if len(left):
        raise ValueError("it must hold the arrays that it declares, got more")
    return value


def _value(tree, rest):
    """A tree's value, and the bytes that are left for the trees after it."""
    kind, *content = tree
    if kind == "array":
        dtype, shape = np.dtype(content[0]), content[1]
        size = math.prod(shape) * dtype.itemsize
        array = np.frombuffer(rest[:size], dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="))
        return (array if shape else array[()]), rest[size:]
    if kind == "pairs":
        return [tuple(pair) for pair in content[0]], rest
    if kind == "text":
        return content[0], rest
    group = {}
    for name, each in content[0].items():
        group[name], rest = _value(each, rest)
    return group, rest


def graph_of(nir, fields, where):
    """The graph that a dict describes, with those inside; ValueError that names the node and what is wrong with it."""
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str) or fields["type"] != "NIRGraph":
        raise ValueError(f"{where} must be a NIRGraph, got another")
    nodes, edges, metadata = fields.get("nodes"), fields.get("edges"), fields.get("metadata", {})
    for name, value, kind in (("nodes", nodes, dict), ("edges", edges, list), ("metadata", metadata, dict)):
        if not isinstance(value, kind):
            raise ValueError(f"{where} must be a NIRGraph with {name}, got {value!r}")
    made = {name: _node(nir, each, f"node {name!r}") for name, each in nodes.items()}
    return nir.NIRGraph(made, edges, metadata=metadata, type_check=False)


def _node(nir, fields, where):
    kind = fields.get("type") if isinstance(fields, dict) else None
    if isinstance(kind, str) and kind == "NIRGraph":
        return graph_of(nir, fields, where)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{where} must be one of {', '.join(KINDS)}, got {kind!r}")
    fields = dict(fields)
    # nir computes shapes from these two, with warnings where they are nonsense; they are compared when layers are made
    later = {name: fields.pop(name) for name in ("input_shape", "input_type") if name in fields}
    if kind in ("Conv1d", "Conv2d"):
        fields["input_shape"] = None
    try:
        node = nir.dict2NIRNode(fields)
    except FAULTS as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{where} must have the fields of {kind}: {reason}") from None
    if kind in ("Conv1d", "Conv2d"):
        node.input_shape = later.get("input_shape")
    if kind == "Flatten" and "input_type" in later:
        node.input_type = {"input": later["input_type"]}
    return node
