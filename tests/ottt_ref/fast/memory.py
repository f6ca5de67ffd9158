"""Memory as it may be found, for tests of whoever reads what was never written."""

import numpy as np


def of_nans(shape, dtype=float, order="C"):
    """What `np.empty` may give: NaN, where there is one."""
    kind = np.dtype(dtype)
    return np.full(shape, np.nan, kind, order) if kind.kind == "f" else np.ones(shape, kind, order)
