"""The conformance kit: cases against which the authors of other backends check them.

    ottt-ref cases export DIR                 the cases as files, for any language (`files` says of what kind)
    ottt-ref conform package.module:adapter   a backend against the cases, by an adapter (`adapter` says what that is)
    parametrize(adapter)                      the same inside a test-suite (`suite`)

What a backend does not have, its adapter says by raising NotImplementedError, or `Unsupported`.

`specifications` says which cases there are, `reference` computes what is expected, `files` writes and reads them;
`asking` runs an adapter, `checking` compares, `compare` finds the first difference, `diagnosis` names the trap that it
is like, one of `traps`, each one of the `variations` of the reference; `report` shows it. `peers` are adapters of other
frameworks.
"""

from .asking import Unsupported
from .suite import parametrize

__all__ = ["Unsupported", "parametrize"]
