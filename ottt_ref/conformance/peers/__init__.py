"""Adapters for other people's frameworks: what the kit finds when it checks them against the reference.

    pytorch        PyTorch's automatic differentiation of an explicit loop over time
    spikingjelly   SpikingJelly's neurons, layers and online training
    snntorch       snnTorch's Leaky neurons
    braintrace     braintrace's online algorithms, on JAX

In each, `adapter` is the adapter: "ottt_ref.conformance.peers.pytorch:adapter". The frameworks are extras; importing
one of these modules without its framework raises ImportError, which says what to install. README.md in this folder has
what was found.
"""

import importlib

INSTALL = {
    "peers": "pip install torch==2.13.0, then pip install 'ottt_ref[peers]'",
    "peers-jax": "pip install 'ottt_ref[peers-jax]'",
}


def installed(module, extra="peers"):
    """The module of that name. Raises ImportError, which says what to install, where its package is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = error.name.partition(".")[0]
        raise ImportError(f"{package} is not installed, which this adapter needs: {INSTALL[extra]}") from error
