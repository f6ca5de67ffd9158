"""How fast kernels are compiled."""

from numba import njit, prange

__all__ = ["fast_kernel", "prange"]


def fast_kernel(**options):
    return njit(nogil=True, error_model="numpy", **options)
