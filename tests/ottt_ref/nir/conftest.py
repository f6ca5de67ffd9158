"""A place for a file, and the bytes of a small one."""

import pytest

from ..helpers import dyadic_network
from .graphs import write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.nir"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a small network's file."""
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    write(path, dyadic_network(0), dt=1e-3)
    return path.read_bytes()
