"""Memory as it may be found, for tests of whoever reads what was never written."""

import numpy as np


class NumPyOfNans:
    """NumPy, whose `empty` gives NaN where there is one; what kernels compile is NumPy's own."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def empty(shape, dtype=float, order="C"):
        kind = np.dtype(dtype)
        return np.full(shape, np.nan, kind, order) if kind.kind == "f" else np.ones(shape, kind, order)


def fill_memory(monkeypatch, *modules):
    """Have the modules find NaN in memory that they ask for."""
    for module in modules:
        monkeypatch.setattr(module, "np", NumPyOfNans())
