"""The cases, once; and one thread for torch, whose threads wait for each other on networks of a few neurons."""

import importlib.util

import pytest

from ottt_ref.conformance import files


@pytest.fixture(scope="session")
def cases():
    return files.make_cases()


@pytest.fixture(scope="session")
def by_name(cases):
    return {case.name: case for case in cases}


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
