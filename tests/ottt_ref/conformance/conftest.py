"""The cases that are built in, each made once, when a test first asks for it."""

from collections.abc import Mapping

import pytest

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


@pytest.fixture(scope="session")
def by_name():
    return Cases()


@pytest.fixture(scope="session")
def cases(by_name):
    return list(by_name.values())
