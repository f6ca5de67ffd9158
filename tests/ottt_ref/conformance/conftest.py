"""The cases that are built in, made once."""

import pytest

from ottt_ref.conformance import files


@pytest.fixture(scope="session")
def cases():
    return files.make_cases()


@pytest.fixture(scope="session")
def by_name(cases):
    return {case.name: case for case in cases}
