"""Compiled kernels on disk: several processes at once, damaged files, a folder that cannot be written."""

import os
import pickle
import subprocess
import sys

import pytest

from ..selection import one_in

# Checks a kernel's result for one dtype; waits before it writes its index, or its code, if that is asked for.
PROGRAM = """
import sys, time
import numpy as np
from numba.core import caching
dtype, slow = sys.argv[1], sys.argv[2:]
def delayed(method):
    def wait(self, *arguments):
        print("waiting", flush=True)
        time.sleep(5)
        method(self, *arguments)
    return wait
for name in slow:
    setattr(caching.IndexDataCacheFile, name, delayed(getattr(caching.IndexDataCacheFile, name)))
from ottt_ref.network.neurons import leaky_accumulate
state, value = np.ones((2, 3), dtype), np.full((2, 3), 0.25, dtype)
leaky_accumulate(state, value, np.array([0.5], dtype))
assert np.all(state == 0.75), state
print("right")
"""


def start(folder, *arguments):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finished(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


@pytest.mark.slow
def test_two_processes_that_compile_at_once_do_not_take_each_others_code(tmp_path):
    """Without a lock both find no index; the first one's is written over the second's, then the second's code."""
    first = start(tmp_path, "float64", "_save_index")
    assert first.stdout.readline() == "waiting\n"
    second = start(tmp_path, "float32", "_save_data")
    finished(first)
    finished(second)
    for dtype in ("float64", "float32"):
        out, err = finished(start(tmp_path, dtype))
        assert out == "right\n" and not err


@pytest.mark.parametrize("damage", one_in(3, [b"\x80\x04junk", b"", None], default=3))
@pytest.mark.slow
def test_damaged_files_are_done_without_and_replaced(tmp_path, damage):
    finished(start(tmp_path, "float64"))
    files = [path for path in tmp_path.rglob("*leaky_accumulate*")]
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    for path in files:
        path.write_bytes(path.read_bytes()[:40] if damage is None else damage)
    _, err = finished(start(tmp_path, "float64"))
    assert err.count("RuntimeWarning: compiled kernels cannot be kept") == 1
    _, err = finished(start(tmp_path, "float64"))
    assert not err


@pytest.mark.slow
def test_a_disk_that_is_full_stops_nothing_and_is_said_once(tmp_path):
    program = PROGRAM.replace("dtype, slow =", "import os; os.replace = lambda *_: 1 / 0\ndtype, slow =")
    program += 'leaky_accumulate(*(array.astype("float32") for array in (state, value, np.array([0.5]))))\n'
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "always::RuntimeWarning", "-c", program, "float64"]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert process.returncode == 0 and process.stdout.startswith("right")
    assert process.stderr.count("RuntimeWarning: compiled kernels cannot be kept") == 1


def names_in(folder):
    return {path.name for path in folder.rglob("*leaky_accumulate*")}


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_no_wrong_code_and_nothing_for_ever(tmp_path):
    """What was compiled from an earlier source lies there: an index without its code would lead to that."""
    finished(start(tmp_path, "float64"))
    (code,) = tmp_path.rglob("*leaky_accumulate*.nbc")
    (index,) = tmp_path.rglob("*leaky_accumulate*.nbi")
    code.write_bytes(pickle.dumps("the code of an earlier source"))
    index.unlink()
    killed = start(tmp_path, "float64", "_save_data")
    assert killed.stdout.readline() == "waiting\n"
    killed.kill()
    killed.communicate(timeout=60)
    for path in (index, code):
        path.with_name(f"{path.name}.tmp.0123456789abcdef").write_bytes(b"half a file")
    other = code.with_name("another.function-1.py311.1.nbc.tmp.0123456789abcdef")
    other.write_bytes(b"another's")
    out, err = finished(start(tmp_path, "float64"))
    assert out == "right\n" and not err
    assert names_in(tmp_path) == {index.name, code.name} and other.exists()
