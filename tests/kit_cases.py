"""The kit's built-in cases, each made once in a process, when a test first asks for it."""

from collections.abc import Mapping

from ottt_ref.conformance import files
from ottt_ref.conformance.specifications import SPECIFICATIONS


class Cases(Mapping):
    """By name."""

    def __init__(self):
        self.made = {}

    def __getitem__(self, name):
        if name not in self.made:
            if name not in set(self):
                raise KeyError(name)
            (self.made[name],) = files.make_cases([name])
        return self.made[name]

    def __iter__(self):
        return (specification.name for specification in SPECIFICATIONS)

    def __len__(self):
        return len(SPECIFICATIONS)


def export(cases, folder, patch):
    """`files.export` of the Cases, which are not made anew."""
    made = list(cases.values())
    patch.setattr(files, "make_cases", lambda names: made)
    files.export(folder)
