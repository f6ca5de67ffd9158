"""The claims, in the order of the theory."""

from . import (
    a1,
    c1,
    d0,
    d1,
    d2,
    d3,
    e1,
    e2,
    e3,
    e4,
    e5,
    e6,
    e7,
    f1,
    h1,
    i1,
    k1,
    k2,
    k3,
    l1,
    m1,
    n1,
    n2,
    o1,
    p1,
    q1,
    r1,
    r2,
    r3,
    r4,
    s1,
    w1,
)

MODULES = (
    e1, e2, e3, e4, e5, e6, e7, k1, k2, k3, l1, n1, n2, f1, q1, p1, r1, r2, r3, c1, r4, d0, d1, d2, d3, i1, o1, h1, m1,
    w1, s1, a1,
)  # fmt: skip
CLAIMS = tuple(module.CLAIM for module in MODULES)
BY_NAME = {claim.name: claim for claim in CLAIMS}

# What the first letter of a claim's name stands for.
LETTERS = {
    "A": "agreement of two implementations of the same thing",
    "E": "equalities between the methods' gradients",
    "K": "keeping: which paths a method's gradient is the sum of",
    "N": "neurons' own parameters: decays and thresholds",
    "L": "lags: errors that come back late, where connections have delays",
    "F": "fast forms of the same gradient",
    "Q": "the question of the readout: of what its traced gradient is the gradient",
    "P": "passing through affine operations: traces and errors",
    "R": "rates: spikes averaged over time",
    "C": "contraction: when the rates have one equilibrium",
    "D": "directions: when two gradients point the same way",
    "I": "the instantaneous loss",
    "O": "online updates",
    "H": "Hebbian form: what an update depends on",
    "M": "memory",
    "W": "weights of the loss",
    "S": "state carried from chunk to chunk",
}
