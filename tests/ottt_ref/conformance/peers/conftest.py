"""One thread for torch, whose threads wait for each other on networks of a few neurons."""

import importlib.util

import pytest


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
