"""The benchmark's peers that are built on torch compute what the reference does, in single and in double precision."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import ottt_ref as ot
from experiments.benchmark import checking, memory, peers, runs, timing
from experiments.benchmark.checking import Kind
from experiments.benchmark.workloads import Task, draw

TORCH = [name for name, known in peers.PEERS.items() if "torch" in known.packages]
DENSE = Task("dense", input_shape=(30,), hidden=(20, 10), classes=4, batch=6, time_steps=7, rate=0.2)
TASKS = (
    DENSE,
    replace(DENSE, name="images", input_shape=(4, 9, 8), hidden=(3, 4)),  # 9 pixels: pooling leaves out a row
    replace(DENSE, name="online", batch=1, time_steps=20, online=True),
    replace(DENSE, name="images-online", input_shape=(2, 8, 8), hidden=(3, 4), batch=1, time_steps=10, online=True),
)


def function(name):
    """The function of a peer, if its packages are there."""
    for package in peers.PEERS[name].packages:
        pytest.importorskip(package)
    return peers.function_of(name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("name", TORCH)
def test_every_peer_is_right(name, task, dtype):
    found = checking.check(function(name), replace(task, dtype=dtype))
    if name == "snntorch-bptt" and dtype == "float64":  # its spikes, and the errors at them, are of single precision
        assert found.gradient_off < 1e-6
        return
    assert found.wrong == "", found
    tight = {"float32": 1e-5 if not task.online else 1e-3, "float64": 1e-11}[dtype]
    assert found.gradient_off < tight and found.loss_off < tight and found.rates is not None


def test_snntorchs_surrogate_overflows_far_below_the_threshold_and_it_is_said():
    """Its sigmoid's derivative is inf / inf in single precision where α (u - V_th) is below -88."""
    task = replace(DENSE, input_shape=(2, 9, 8), hidden=(3, 4))
    lowest = min(u.min() for u in ot.simulate(draw(task).network("unleaked"), draw(task).inputs).potentials)
    assert 4 * (lowest - 1) < -89
    assert checking.check(function("snntorch-bptt"), task).wrong == "the gradient of layer0.weight is off by nan"


@pytest.mark.parametrize("name", TORCH)
def test_a_peer_with_another_number_is_wrong(name):
    make = function(name)

    def other(workload):
        changed = replace(workload)
        object.__setattr__(changed, "decay", 0.52)
        return make(changed)

    assert "the gradient of" in checking.check(other, DENSE).wrong


def test_each_says_what_it_computes():
    kinds = {name: Kind.of(function(name)(draw(DENSE))).words for name in TORCH}
    assert kinds == {
        "spikingjelly": "OTTT, authors",
        "torch-by-hand": "OTTT, derivation",
        "torch-autograd": "BPTT",
        "snntorch-bptt": "BPTT, unleaked",
    }


@pytest.mark.parametrize("name", ["spikingjelly", "torch-by-hand"])
def test_the_other_dialect_is_wrong(name):
    make = function(name)

    def mislabelled(workload):
        peer = make(workload)
        peer.dialect = "authors" if peer.dialect == "derivation" else "derivation"
        return peer

    assert "the gradient of layer0.weight" in checking.check(mislabelled, DENSE).wrong


@pytest.mark.parametrize("name", TORCH)
def test_a_step_learns_and_leaves_the_workload_as_it_is(name):
    workload = replace(draw(DENSE), learning_rate=0.5)
    before = {key: weight.copy() for key, weight in workload.weights.items()}
    peer = function(name)(workload)
    losses = [float(peer.step()) for _ in range(4)]
    assert losses[-1] < losses[0]
    for key, weight in peer.parameters().items():
        assert weight.dtype == np.float32 and not np.array_equal(weight, before[key])
        assert np.array_equal(workload.weights[key], before[key])


def test_all_of_them_are_timed_with_the_same_threads(monkeypatch):
    for name in TORCH:
        function(name)
    for name in ("WARM_UP", "BLOCK", "LEAD"):
        monkeypatch.setattr(timing, name, 0.0)
    threads = torch.get_num_threads()
    settings = runs.Settings((), (), (), rounds=3, threads=1)
    try:
        result = runs.run(DENSE, ("reference", *TORCH), settings)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert [each["status"] for each in result["peers"]] == ["timed"] * 5
    assert all(each["median"] > 0 and len(each["seconds"]) == 3 for each in result["peers"])


@pytest.mark.skipif(not (memory.PROCESS / "clear_refs").exists(), reason="needs Linux's /proc")
def test_bptts_memory_grows_with_t_and_ottts_hardly():
    base = replace(DENSE, hidden=(400, 400), batch=64)
    tasks = [replace(base, time_steps=steps) for steps in (8, 64)]
    found = memory.measure_all(tasks, ("torch-by-hand", "torch-autograd"), runs.Settings((), (), ()))
    by_hand, autograd = (each["bytes"][1] - each["bytes"][0] for each in found)
    kept = 64 * 800 * 4 * 56  # bytes of one number per neuron in 56 more time steps
    assert autograd > 2 * kept > 10 * by_hand
