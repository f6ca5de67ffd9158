"""The package nir, which is imported when it is first needed, and what ottt_ref keeps in the metadata of NIR nodes."""

import numpy as np

KEY = "ottt_ref"


def package():
    """The package nir. Raises ModuleNotFoundError that says which extra brings it."""
    try:
        import nir
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"ottt_ref.nir needs the package nir ({error}): pip install 'ottt_ref[nir]'", name=error.name
        ) from None
    return nir


def kept(node):
    """What ottt_ref kept in the metadata of a node or graph, as plain data; nothing in a foreign one."""
    found = node.metadata.get(KEY) if isinstance(node.metadata, dict) else None
    return _plain(found) if isinstance(found, dict) else {}


def _plain(value):
    """Numbers and texts as Python's own, which come back from files as numpy's; arrays of numbers, of each neuron."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray) and value.ndim and value.size and value.dtype.kind == "f":
        return value.copy()
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"the metadata of {KEY} must hold numbers and texts, got {value!r}")
    return value


def agreed(name, stored, given, advice):
    """The one of two values that there is; ValueError where there is none, or where there are two."""
    if stored is None and given is None:
        raise ValueError(f"{name} must be given for a graph that does not say it: {advice}")
    if stored is not None and given is not None and stored != given:
        raise ValueError(f"{name} must be what the graph says, {stored!r}, or not be given, got {given!r}")
    return given if stored is None else stored


def kind_of(node):
    """The name of a node's type."""
    return type(node).__name__
