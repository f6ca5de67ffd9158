"""Without its framework an adapter says what is missing and how to install it. This runs where none is installed."""

import importlib
import sys

import pytest

from ottt_ref.conformance.adapter import AdapterError, load_adapter
from ottt_ref.conformance.peers import installed

PEERS = {
    "pytorch": ("torch", "pip install torch==2.13.0, then pip install 'ottt_ref[peers]'"),
    "spikingjelly": ("spikingjelly", "pip install 'ottt_ref[peers]'"),
    "snntorch": ("snntorch", "pip install 'ottt_ref[peers]'"),
    "braintrace": ("jax", "pip install 'ottt_ref[peers-jax]'"),
}


@pytest.fixture
def without(monkeypatch):
    """Make a package look as if it were not installed, for modules that are imported anew."""

    def hide(package):
        for module in list(sys.modules):
            if module == package or module.startswith((f"{package}.", "ottt_ref.conformance.peers.")):
                monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, package, None)

    return hide


@pytest.mark.parametrize("peer", PEERS)
def test_a_missing_framework_is_named_with_what_to_install(peer, without):
    package, install = PEERS[peer]
    if peer in ("spikingjelly", "snntorch"):
        pytest.importorskip("torch")
    without(package)
    with pytest.raises(AdapterError) as refused:
        load_adapter(f"ottt_ref.conformance.peers.{peer}:adapter")
    assert f"{package} is not installed" in str(refused.value) and install in str(refused.value)


def test_the_package_of_adapters_needs_no_framework(without):
    without("torch")
    assert importlib.reload(sys.modules["ottt_ref.conformance.peers"]).INSTALL


def test_a_package_that_is_there_is_imported():
    assert installed("json").loads("[1]") == [1]
