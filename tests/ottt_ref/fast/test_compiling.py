"""Compiled fast kernels on disk: parallel ones are found again, and an edit in a kernel that one calls is noticed."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ottt_ref.fast.kernels import choosing, compiling

CALLED = """
from ..kernels.compiling import fast_kernel
@fast_kernel
def part(x):
    return NUMBER * x
"""
CALLING = """
from ..kernels.compiling import fast_kernel, prange
from .called import part
@fast_kernel(parallel=True)
def whole(result):
    for n in prange(len(result)):
        result[n] = part(n)
"""
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import ottt_ref.fast
ottt_ref.fast.__path__.append(sys.argv[1])
from ottt_ref.fast.kernels import compiling
compiling.FOLDERS.append(Path(sys.argv[1]))
from ottt_ref.fast.made.calling import whole
result = np.empty(3)
whole(result)
print(result.tolist(), sum(whole.stats.cache_hits.values()))
"""


def run(folder, number):
    made = folder / "made"
    made.mkdir(exist_ok=True)
    for name, text in (("__init__", ""), ("called", CALLED.replace("NUMBER", str(number))), ("calling", CALLING)):
        (made / f"{name}.py").write_text(text)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.mark.slow
def test_a_parallel_kernel_is_found_again_until_what_it_calls_is_edited(tmp_path):
    assert run(tmp_path, 2) == "[0.0, 2.0, 4.0] 0"
    assert run(tmp_path, 2) == "[0.0, 2.0, 4.0] 1"
    assert run(tmp_path, 3) == "[0.0, 3.0, 6.0] 0"


def test_what_is_compiled_in_comes_from_the_fast_backend_alone():
    """Code on disk is stale where a file of the fast backend changed: constants from elsewhere would go unnoticed."""
    folder = Path(compiling.__file__).parent
    for path in folder.glob("*.py"):
        module = importlib.import_module(f"ottt_ref.fast.kernels.{path.stem}" if path.stem != "__init__" else "os")
        for name, value in vars(module).items():
            kernel = hasattr(value, "py_func") and hasattr(value, "signatures")
            assert not kernel or value.py_func.__module__.startswith(("ottt_ref.fast.", "numba.")), name


def test_plain_kernels_are_chosen_within_the_block_alone():
    before = choosing.hand_built()
    with choosing.plain_kernels():
        assert not choosing.hand_built()
    assert choosing.hand_built() == before


@pytest.mark.slow
def test_the_environment_chooses_plain_kernels():
    program = "from ottt_ref.fast.kernels.choosing import hand_built; print(hand_built())"
    environment = {**os.environ, choosing.VARIABLE: "1"}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == "False"
