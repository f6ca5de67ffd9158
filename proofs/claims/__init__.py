"""The claims, in the order of the theory."""

from . import d0, e1, e2, e3, e4, e5, e6, e7, h1, i1, m1, o1, q1, r1, r2

CLAIMS = tuple(module.CLAIM for module in (e1, e2, e3, e4, e5, e6, e7, q1, r1, r2, d0, i1, o1, h1, m1))
BY_NAME = {claim.name: claim for claim in CLAIMS}
