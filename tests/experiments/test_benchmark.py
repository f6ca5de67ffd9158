"""The benchmark: its workloads, how peers are checked, timed and measured, what it writes, and what it refuses."""

import importlib
import json
import os
import sys
import xml.etree.ElementTree
from dataclasses import replace

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as program
from experiments import output
from experiments.benchmark import (
    checking,
    command,
    limits,
    machine,
    memory,
    peers,
    picture,
    report,
    runs,
    sweeps,
    timing,
    workloads,
)
from experiments.benchmark.peers import ours
from experiments.benchmark.workloads import TASKS, Task, draw

TINY = Task("tiny", input_shape=(20,), hidden=(12, 8), classes=3, batch=4, time_steps=5, rate=0.2, dtype="float64")
IMAGES = replace(TINY, name="images", input_shape=(1, 8, 8), hidden=(3, 4), rate=0.2)
ONLINE = replace(TINY, name="online", batch=1, time_steps=12, online=True)
SETTINGS = runs.Settings((), (), (), rounds=2, dtype="float64")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No waiting for clocks and caches: blocks of one step."""
    for name in ("WARM_UP", "BLOCK", "LEAD"):
        monkeypatch.setattr(timing, name, 0.0)


def wrong_by(**changes):
    """A peer's function: the reference, which learns from a workload with other numbers than it was given."""

    def function(workload):
        other = replace(workload)
        for name, value in changes.items():
            object.__setattr__(other, name, value)
        return ours.reference(other)

    return function


class Counting:
    """The reference, whose steps are counted."""

    steps = 0

    def __init__(self, workload):
        self.peer = ours.reference(workload)
        self.parameters, self.firing_rates = self.peer.parameters, self.peer.firing_rates

    def step(self):
        Counting.steps += 1
        return self.peer.step()


class Scaled(Counting):
    """A peer that learns a hundredth too fast: fast, and wrong."""

    def __init__(self, workload):
        super().__init__(replace(workload, learning_rate=1.01 * workload.learning_rate))


def absent(workload):
    raise ImportError("no_such_package is not installed")


def refusing(workload):
    raise NotImplementedError("images")


def failing(workload):
    raise ZeroDivisionError("oh")


@pytest.fixture
def named(monkeypatch):
    """Let names stand for these functions."""
    functions = {
        "right": Counting,
        "scaled": Scaled,
        "absent": absent,
        "refusing": refusing,
        "failing": failing,
        "reference": ours.reference,
    }
    monkeypatch.setattr(runs, "function_of", lambda name, device: functions[name])
    monkeypatch.setattr(Counting, "steps", 0)


# Workloads


@pytest.mark.parametrize("task", [TINY, IMAGES, ONLINE], ids=lambda task: task.name)
def test_the_same_task_gives_the_same_arrays_and_another_seed_does_not(task):
    first, again, other = draw(task), draw(task), draw(replace(task, seed=1))
    for name, weight in first.weights.items():
        assert np.array_equal(weight, again.weights[name]) and not np.array_equal(weight, other.weights[name])
    assert np.array_equal(first.inputs, again.inputs) and np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.inputs, other.inputs)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.6])
def test_inputs_and_layers_fire_at_the_rate_that_was_asked_for(rate):
    workload = draw(Task("wide", input_shape=(80,), hidden=(60, 60), batch=16, rate=rate, dtype="float64"))
    assert workload.inputs.mean() == pytest.approx(rate, abs=0.02)  # 7680 draws: four standard deviations
    assert workload.firing_rates() == pytest.approx([rate, rate], abs=0.005)


def test_images_fire_at_the_rate_too():
    assert draw(replace(IMAGES, batch=16)).firing_rates() == pytest.approx([0.2, 0.2], abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_workload_of_the_benchmark_fires_at_its_rate(task):
    few = replace(task, time_steps=min(task.time_steps, 10), batch=min(task.batch, 16))
    workload = draw(few)
    assert workload.firing_rates() == pytest.approx([0.1] * len(task.hidden), abs=0.01)


def test_sums_of_weights_are_exact_in_any_order():
    """In single precision, of any spikes: as if all of them fired, in random orders."""
    workload, rng = draw(replace(TINY, input_shape=(300,), batch=2)), np.random.default_rng(0)
    weight = workload.weights["layer0.weight"]
    exact = np.array([float(sum(map(ot.exact_array, row.tolist()))) for row in weight])
    for _ in range(5):
        order = rng.permutation(300)
        assert np.array_equal(np.cumsum(weight[:, order].astype(np.float32), axis=1)[:, -1], exact)


@pytest.mark.parametrize("task", [TINY, IMAGES], ids=lambda task: task.name)
def test_the_drawing_sees_the_spikes_of_the_reference(task):
    workload = draw(task)
    values = workload.inputs.astype(np.float32)
    for reset in workloads.RESETS:
        activity = ot.simulate(workload.network(reset), workload.inputs)
        arriving = values
        for weight, spikes in zip(workload.weights.values(), activity.spikes):
            current = workloads.currents(arriving, weight.astype(np.float32))
            found, _ = workloads.spikes(current, reset)
            assert np.array_equal(found, spikes)
            arriving = workloads.pooled(found)
        assert workload.firing_rates(reset=reset) == pytest.approx([spikes.mean() for spikes in activity.spikes])


def test_potentials_stay_off_the_threshold():
    for task in (TINY, IMAGES, ONLINE):
        workload = draw(task)
        least = workloads.MARGIN if task.online else 0
        for reset in workloads.RESETS:
            for potential in ot.simulate(workload.network(reset), workload.inputs).potentials:
                assert abs(potential - workload.threshold).min() > least


def test_a_rate_that_no_weights_give_is_refused():
    with pytest.raises(ValueError, match=r"no weights make the neurons fire at a rate of 0\.9"):
        workloads._scale(0.9, np.zeros((3, 2, 4), np.float32))


# What is checked


@pytest.mark.parametrize("task", [TINY, IMAGES, ONLINE], ids=lambda task: task.name)
def test_the_reference_is_right(task):
    for function in (ours.reference, ours.reference_bptt):
        found = checking.check(function, task)
        assert found.wrong == "" and found.gradient_off < 1e-11 and found.loss_off < 1e-12, found
    assert checking.check(ours.reference, task).rates == pytest.approx(draw(task).firing_rates())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "task"),
    [("fast", TINY), *(pytest.param("fast", task, marks=pytest.mark.exhaustive) for task in (IMAGES, ONLINE))]
    + [
        pytest.param(name, TINY, marks=pytest.mark.exhaustive)
        for name in ("fast-bptt", "fast-plain", "fast-events", "fast-dense")
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_fast_backend_is_right_whatever_it_is_made_to_choose(name, task):
    found = checking.check(peers.function_of(name), task)
    assert found.wrong == "" and found.gradient_off < 1e-11, found


def test_the_fast_backend_says_which_engine_computes_and_it_is_a_fast_one():
    """A workload that its engines did not take would be timed on single time steps, without a word."""
    for task in (TINY, IMAGES, ONLINE):
        about = peers.function_of("fast")(draw(task)).about
        assert about and "single time steps" not in about, about
    assert ours.reference(draw(TINY)).about == ""


def test_what_is_chosen_is_forced_within_a_step_alone():
    from ottt_ref.fast import dense_chains
    from ottt_ref.fast.operations import dense

    def shares():
        return [dict(each) for each in (dense_chains.SHARES, dense.FORWARD_SHARE, dense.GRADIENT_SHARE)]

    before = shares()
    with pytest.raises(ZeroDivisionError), ours._choosing(0.0):
        assert shares() == [{True: (0, 0), False: (0, 0)}, {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}]
        raise ZeroDivisionError
    assert shares() == before
    with ours._choosing(10.0):
        assert min(dense_chains.SHARES[True]) > 1000 and min(dense.FORWARD_SHARE.values()) > 1
    assert shares() == before


def test_gradients_are_what_the_reference_says():
    """They are read off the weights: here beside those of the function itself."""
    workload = draw(TINY)
    expected = ot.ottt.gradients(workload.network(), workload.inputs, workload.labels, checking.LOSS)
    found = checking.Oracle(workload).first_step(checking.Kind())
    assert found.loss == expected.loss
    for name, gradient in expected.items():
        assert np.array_equal(found.gradients[name], gradient) and gradient.any()


@pytest.mark.parametrize("task", [TINY, ONLINE], ids=lambda task: task.name)
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decay": 0.51}, "fires at"),
        ({"threshold": 1.02}, "fires at"),
        ({"alpha": 4.1}, "the gradient of layer"),
        ({"labels": np.array([0])}, "the loss is off by"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_a_peer_with_another_number_is_wrong(task, changes, words):
    if "labels" in changes:
        changes = {"labels": (draw(task).labels + 1) % task.classes}
    assert words in checking.check(wrong_by(**changes), task).wrong


def test_a_wrong_dialect_method_or_reset_is_seen():
    for said in ({"dialect": "authors"}, {"method": "bptt"}, {"reset": "unleaked"}):

        def function(workload, said=said):
            peer = ours.reference(workload)
            for name, value in said.items():
                setattr(peer, name, value)
            return peer

        if "method" in said:

            def function(workload):
                peer = Counting(workload)
                peer.method = "bptt"
                return peer

        assert checking.check(function, TINY).wrong != "", said


def test_one_update_after_the_sequence_is_not_one_after_each_step():
    def at_the_end(workload):
        return ours.reference(replace(workload, task=replace(workload.task, online=False)))

    assert "the gradient of" in checking.check(at_the_end, ONLINE).wrong


@pytest.mark.exhaustive
def test_rtrl_is_a_peer_whose_gradient_is_bptts():
    verdict = checking.check(ours.reference_rtrl, TINY)
    assert not verdict.wrong and verdict.gradient_off < 1e-12
    assert checking.Kind.of(ours.reference_rtrl(draw(TINY))).words == "RTRL"


def test_words_that_are_no_method_are_refused():
    class Other:
        method = "hebb"

    with pytest.raises(ValueError, match="its method must be one of ottt, bptt, rtrl, got 'hebb'"):
        checking.Kind.of(Other())


def test_parameters_of_other_names_are_refused():
    def function(workload):
        peer = ours.reference(workload)
        peer.parameters = lambda: {"w": np.zeros(3)}
        return peer

    with pytest.raises(ValueError, match=r"must give layer0.weight \[12, 20\], .*, got"):
        checking.check(function, TINY)


def test_no_number_is_wrong():
    expected = checking.FirstStep(1.0, {"a": np.ones(2), "b": np.ones(2)}, [0.5])
    found = checking.FirstStep(float("nan"), {"a": np.array([2.0, 1.0]), "b": np.array([1.0, np.nan])}, [0.5])
    verdict = checking.compare(found, expected, TINY)
    assert verdict.parameter == "b" and "the loss is off by nan; the gradient of b is off by nan" in verdict.wrong


def test_a_peer_need_not_say_how_often_it_fires():
    class Silent:
        def __init__(self, workload):
            peer = ours.reference(workload)
            self.step, self.parameters = peer.step, peer.parameters

    found = checking.check(Silent, TINY)
    assert found.rates is None and found.wrong == ""


# What is timed


def test_who_is_wrong_absent_or_fails_is_listed_and_not_timed_and_the_others_are(named):
    result = runs.run(TINY, ("right", "scaled", "absent", "refusing", "failing"), SETTINGS)
    found = {each["peer"]: each for each in result["peers"]}
    assert {name: each["status"] for name, each in found.items()} == {
        "right": "timed",
        "scaled": "wrong",
        "absent": "absent",
        "refusing": "refused",
        "failing": "failed",
    }
    assert "the gradient of" in found["scaled"]["reason"] and "is off by 1.0e-02" in found["scaled"]["reason"]
    assert found["scaled"]["gradient_off"] == pytest.approx(0.01, rel=1e-6)
    assert found["absent"]["reason"] == "no_such_package is not installed"
    assert found["refusing"]["reason"] == "images" and "ZeroDivisionError: oh" in found["failing"]["reason"]
    assert [name for name, each in found.items() if "seconds" in each] == ["right"]
    assert Counting.steps == 1 + 1 + 2 + 2  # each checked once; right alone warmed up twice and timed twice


def test_times_of_the_online_learner_are_per_time_step(named, monkeypatch):
    times = timing.Times([24.0, 12.0, 36.0], 1)
    monkeypatch.setattr(timing, "measure", lambda *args, **options: {"reference": times})
    result = runs.run(ONLINE, ("reference",), SETTINGS)
    (found,) = result["peers"]
    assert result["unit"] == "time step" and found["median"] == 2 and found["seconds"] == [2.0, 1.0, 3.0]


class Clock:
    """A clock that steps move, and what called them, in order."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def peer(self, name, seconds):
        clock = self

        class Peer:
            def step(self):
                clock.now += seconds
                clock.calls.append(name)

        return Peer()


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: found.now)
    return found


def test_rounds_go_from_peer_to_peer_and_start_with_each_in_turn(clock):
    found = timing.measure({"a": clock.peer("a", 1.0), "b": clock.peer("b", 2.0)}, rounds=4, patience=100.0)
    assert "".join(clock.calls) == "aabb" + "ab" + "ba" + "ab" + "ba"
    assert found["a"].seconds == [1.0] * 4 and found["b"].seconds == [2.0] * 4


def test_who_is_slow_takes_part_in_fewer_rounds_spread_evenly(clock):
    found = timing.measure({"a": clock.peer("a", 0.1), "b": clock.peer("b", 2.0)}, rounds=9, patience=6.5)
    assert (len(found["a"].seconds), len(found["b"].seconds)) == (9, 3)
    assert "".join(clock.calls[4:]) == "aa" + "ab" + "aa" + "ba" + "aa" + "ab"


def test_a_block_lasts_long_enough_and_begins_with_steps_that_are_not_timed(clock, monkeypatch):
    monkeypatch.setattr(timing, "BLOCK", 0.02)
    monkeypatch.setattr(timing, "LEAD", 0.01)
    found = timing.measure({"a": clock.peer("a", 2.0**-9)}, rounds=1)
    assert found["a"].steps_in_block == 11 and len(clock.calls) == 2 + 6 + 11
    assert found["a"].seconds == [2.0**-9]


def test_medians_and_quartiles():
    times = timing.Times([4.0, 1.0, 2.0, 3.0, 100.0], 1)
    assert times.median == 3 and times.quartiles == (2, 4)


# Memory


class Keeping:
    """A peer that keeps a megabyte for each time step of its first training step."""

    def __init__(self, workload):
        self.of = workload

    def step(self):
        self.kept = [np.ones(125_000) for _ in self.of.inputs]
        return 0.0

    def parameters(self):
        return self.of.weights


@pytest.mark.slow
@pytest.mark.skipif(not (memory.PROCESS / "clear_refs").exists(), reason="needs Linux's /proc")
def test_memory_is_what_a_peer_holds_at_its_peak(monkeypatch):
    tasks = [replace(TINY, time_steps=steps) for steps in (4, 16)]
    name = f"{__name__}:Keeping"
    (found,) = memory.measure_all(tasks, (name,), SETTINGS)
    assert found["status"] == "measured", found
    # Pages of 4 kB, and what Python itself takes on the way: half a megabyte of tolerance.
    assert found["bytes"] == pytest.approx([4e6, 16e6], abs=5e5)


@pytest.mark.slow
@pytest.mark.skipif(not (memory.PROCESS / "clear_refs").exists(), reason="needs Linux's /proc")
def test_bptts_memory_grows_with_t_and_ottts_hardly():
    tasks = [replace(TINY, input_shape=(100,), hidden=(400, 400), batch=32, time_steps=steps) for steps in (8, 64)]
    ottt, bptt = memory.measure_all(tasks, ("reference", "reference-bptt"), SETTINGS)
    kept = 32 * 800 * 8 * 56  # bytes of one number per neuron in 56 more time steps
    assert bptt["bytes"][1] - bptt["bytes"][0] > 2 * kept > 20 * (ottt["bytes"][1] - ottt["bytes"][0])


def die(workload):
    os._exit(1)


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_the_others_go_on():
    found = memory.measure_all([TINY], (f"{__name__}:die", "no_such_module:peer"), SETTINGS)
    assert [each["status"] for each in found] == ["failed", "failed"]
    assert "ended abruptly" in found[0]["reason"] and "cannot import no_such_module" in found[1]["reason"]


def test_memory_says_why_there_is_none():
    found = memory.measure("no_such_peer:function", [(TINY, "unread.npz")], "cpu", 1)
    assert found["status"] == "failed" and "no_such_peer" in found["reason"]


# The command


@pytest.fixture
def tiny(monkeypatch):
    """Tiny workloads, two of them, and sweeps of two points."""
    monkeypatch.setattr(command, "TASKS", {"digits": TINY, "stream": ONLINE})
    monkeypatch.setattr(sweeps, "TASKS", {sweeps.BASE: TINY})
    monkeypatch.setattr(
        sweeps, "VARIED", {name: (words, values[-3:-1], change) for name, (words, values, change) in VARIED.items()}
    )
    monkeypatch.setitem(sweeps.VARIED, "rate", (VARIED["rate"][0], (0.2, 0.3), VARIED["rate"][2]))
    monkeypatch.setitem(sweeps.VARIED, "width", (VARIED["width"][0], (4, 8), VARIED["width"][2]))


VARIED = dict(sweeps.VARIED)
BASIC = ("benchmark", "--dtype", "float64", "--firing-rate", "0.2", "--rounds", "2", "--threads", "1")


@pytest.mark.slow
def test_the_command_writes_numbers_and_pictures_and_prints_tables(tiny, tmp_path, capsys):
    options = [
        "--workload",
        "digits",
        "stream",
        "--sweep",
        "time-steps",
        "rate",
        "--peer",
        "reference",
        "reference-bptt",
    ]
    assert program.main([*BASIC, *options, "--output", str(tmp_path / "new")]) == 0
    out = capsys.readouterr().out
    pictures = {f"benchmark{part}.{kind}" for part in ("", "-sweeps") for kind in ("png", "svg")}
    assert {path.name for path in (tmp_path / "new").iterdir()} == pictures | {"benchmark.json"}
    for name in pictures:
        content = (tmp_path / "new" / name).read_bytes()
        if name.endswith("svg"):
            assert xml.etree.ElementTree.fromstring(content).tag.endswith("svg")
        else:
            assert content.startswith(b"\x89PNG")
    assert "OTTT, derivation" in out and "BPTT" in out and "ms per time step" in out and "Scaling" in out
    content = json.loads((tmp_path / "new" / "benchmark.json").read_text())
    assert set(content) == {"experiment", "settings", "versions", "schema", "machine", "workloads", "sweeps"}
    assert (content["experiment"], content["schema"]) == ("benchmark", report.SCHEMA)
    assert content["settings"]["threads"] == 1 and content["settings"]["peers"] == ["reference", "reference-bptt"]
    assert content["machine"]["usable_cores"] == machine.usable_cores()
    assert {"ottt_ref", "python", "numpy", "numba", "llvmlite"} <= set(content["versions"])
    assert [each["workload"]["name"] for each in content["workloads"]] == ["tiny", "online"]
    for each in content["workloads"][0]["peers"]:
        assert set(each) == {
            *("peer", "status", "reason", "kind", "loss", "loss_off", "gradient_off", "parameter", "rates"),
            *("seconds", "least", "median", "quartiles", "steps_in_block", "rates_after"),
        }
        assert each["status"] == "timed" and len(each["seconds"]) == 2 and each["gradient_off"] < 1e-9
        assert each["quartiles"][0] <= each["median"] <= each["quartiles"][1]
    assert [sweep["sweep"] for sweep in content["sweeps"]] == ["time-steps", "rate"]
    for sweep in content["sweeps"]:
        assert len(sweep["points"]) == 2 and [each["peer"] for each in sweep["points"][0]["peers"]] == [
            "reference",
            "reference-bptt",
        ]


def test_a_wrong_peer_is_in_the_table_and_in_the_file_and_has_no_time(tiny, tmp_path, capsys, monkeypatch):
    function_of = runs.function_of
    functions = {"torch-by-hand": Scaled}
    monkeypatch.setattr(runs, "function_of", lambda name, device: functions.get(name) or function_of(name, device))
    options = ["--workload", "digits", "--sweep", "none", "--peer", "reference", "torch-by-hand"]
    assert program.main([*BASIC, *options, "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "torch-by-hand: wrong, not timed: the gradient of" in " ".join(out.split())
    _, wrong = json.loads((tmp_path / "benchmark.json").read_text())["workloads"][0]["peers"]
    assert wrong["status"] == "wrong" and "median" not in wrong and wrong["gradient_off"] == pytest.approx(0.01)


@pytest.fixture
def without_torch(monkeypatch):
    """As where torch is not installed."""
    for module in list(sys.modules):
        if module.partition(".")[0] == "torch" or module.startswith("experiments.benchmark.peers."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)


def test_an_absent_peer_is_skipped_with_what_to_install(without_torch):
    with pytest.raises(peers.AbsentError, match=r"torch is not installed: pip install torch==.*ottt_ref\[peers\]"):
        peers.function_of("torch-by-hand")
    result = runs.run(TINY, ("torch-by-hand", "reference"), SETTINGS)
    assert [each["status"] for each in result["peers"]] == ["absent", "timed"]


def test_cuda_is_refused_where_there_is_none(without_torch, capsys):
    assert program.main(["benchmark", "--device", "cuda"]) == 2
    assert "--device: torch, which computes on cuda, is not installed" in capsys.readouterr().err
    with pytest.raises(peers.AbsentError, match="does not compute on cuda"):
        peers.function_of("reference", "cuda")


OWN = """
from experiments.benchmark.peers import ours
def peer(workload):
    return ours.reference(workload)
def hopeless(workload):
    raise ValueError("nothing here")
number = 3
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's own in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_benchmark_peers.py").write_text(OWN)
    importlib.invalidate_caches()
    yield "own_benchmark_peers"
    sys.modules.pop("own_benchmark_peers", None)


def test_a_peer_of_ones_own_is_timed_beside_the_others(tiny, own_module, tmp_path, capsys):
    options = ["--workload", "digits", "--sweep", "none", "--peer", f"{own_module}:peer", f"{own_module}:hopeless"]
    assert program.main([*BASIC, *options]) == 0
    out = capsys.readouterr().out
    right, failed = json.loads((tmp_path / "results" / "benchmark.json").read_text())["workloads"][0]["peers"]
    assert right["status"] == "timed" and failed["status"] == "failed"
    assert "ValueError: nothing here" in out and "own_benchmark_peers.py" in failed["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peer", "tensorflow"], "invalid choice"),
        (["--peer", "no_such_module:peer"], "cannot import no_such_module"),
        (["--peer", "own_benchmark_peers:nothing"], "has no 'nothing'"),
        (["--peer", "own_benchmark_peers:number"], "must be a function of a Workload, got 3"),
        (["--workload", "imagenet"], "invalid choice"),
        (["--sweep", "colour"], "invalid choice"),
        (["--threads", "100000"], "the cores that there are"),
        (["--rounds", "0"], "at least 1"),
        (["--firing-rate", "0.9"], "at most 0.8"),
        (["--firing-rate", "often"], "at most 0.8"),
        (["--seed", "-1"], "at least 0"),
        (["--device", "tpu"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_refused_by_name_before_any_work(arguments, message, own_module, tmp_path, capsys):
    assert program.main(["benchmark", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"own_benchmark_peers.py"}


def test_an_interrupted_run_keeps_what_was_measured(tiny, monkeypatch, tmp_path, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.sweeps, "run", interrupt)
    options = ["--workload", "digits", "--peer", "reference", "--output", str(tmp_path)]
    assert program.main([*BASIC, *options]) == 130
    assert "what was measured is in" in capsys.readouterr().err
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    assert path.name == "benchmark-unfinished.json" and len(content["workloads"]) == 1 and content["sweeps"] == []


def test_interrupted_before_anything_was_measured_nothing_is_written(tiny, monkeypatch, tmp_path, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.runs, "run", interrupt)
    assert program.main([*BASIC, "--workload", "digits", "--output", str(tmp_path)]) == 130
    assert "no file is left half-written" in capsys.readouterr().err and not list(tmp_path.iterdir())


# What comes out


def invented(seconds, peer="fast", status="timed"):
    return {
        "peer": peer,
        "status": status,
        "reason": "" if status == "timed" else "so",
        "median": seconds,
        "quartiles": [0.9 * seconds, 1.1 * seconds],
    }


def test_doubling_is_two_where_time_is_linear_and_four_where_it_is_quadratic():
    def point(value, seconds):
        return {"value": value, "peers": [invented(seconds)]}

    assert report.doubling("fast", point(10, 1.0), point(40, 4.0)) == pytest.approx(2)
    assert report.doubling("fast", point(10, 1.0), point(40, 16.0)) == pytest.approx(4)
    assert report.doubling("fast", point(10, 3.0), point(20, 3.0)) == pytest.approx(1)
    assert report.doubling("other", point(10, 1.0), point(40, 4.0)) is None


def test_how_good_a_choice_is_is_told_with_the_worst():
    def point(value, *seconds):
        return {"value": value, "peers": [invented(*pair) for pair in zip(seconds, sweeps.CHOICE)]}

    lines = report.choices({"points": [point(0.01, 1.1, 1.0, 3.0), point(0.5, 3.0, 4.0, 2.0)]})
    assert "1 % 1.10, 50 % 1.50" in lines[0] and lines[1] == "at worst 1.50 times, not within 1.2 times"
    assert report.choices({"points": [point(0.01, 1.1, 1.0, 3.0)]})[1] == "at worst 1.10 times, within 1.2 times"
    absent = {"value": 0.1, "peers": [invented(1.0, name, "absent") for name in sweeps.CHOICE]}
    assert report.choices({"points": [absent]}) == []


def test_a_busy_machine_is_warned_of():
    assert "busy here (load 3.0)" in report.warnings({"load_average": [3.0, 0, 0], "usable_cores": 2})[0]
    assert (
        report.warnings({"load_average": [0.2, 9, 9], "usable_cores": 2}) == report.warnings({"usable_cores": 2}) == []
    )


def test_milliseconds_have_three_digits():
    shown = [report.milliseconds(seconds) for seconds in (2.5e-6, 0.0123456, 0.123456, 1.23456, 12.3456)]
    assert shown == ["0.00250", "12.3", "123", "1,235", "12,346"]


def test_what_is_no_number_is_null_in_the_file(tmp_path):
    found = report.content({}, [{"loss": float("nan"), "seconds": (1.0, float("inf"))}], [])
    output.write_json(tmp_path / "a.json", "benchmark", SETTINGS, found)
    assert json.loads((tmp_path / "a.json").read_text())["workloads"] == [{"loss": None, "seconds": [1.0, None]}]


def test_styles_differ_and_peers_of_ones_own_have_some():
    looks = picture.styles([*peers.PEERS, "a:b", "c:d"])
    assert len(set(looks.values())) == len(looks)


@pytest.mark.slow
def test_pictures_are_the_same_bytes_every_time_and_take_what_was_not_timed(tmp_path):
    names = ("fast", "torch-by-hand")
    result = {
        "workload": {"name": "tiny"},
        "unit": "sequence",
        "peers": [invented(0.01, names[0]), invented(0.02, names[1], "wrong")],
    }
    points = [{"value": value, **result} for value in (1, 10, 100)]
    swept = [
        {"sweep": "batch", "words": "B", "base": "tiny", "points": points},
        {
            "sweep": "memory",
            "words": "T",
            "base": "tiny",
            "batch": 4,
            "values": [1, 10],
            "peers": [{"peer": "fast", "status": "measured", "bytes": [1e6, 2e6]}, {"peer": "a:b", "status": "absent"}],
        },
    ]
    for name in ("a", "b"):
        output.save(picture.of_workloads([result]), tmp_path, name)
        output.save(picture.of_sweeps(swept), tmp_path, f"{name}-sweeps")
    for part in ("", "-sweeps"):
        for kind in ("png", "svg"):
            assert (tmp_path / f"a{part}.{kind}").read_bytes() == (tmp_path / f"b{part}.{kind}").read_bytes()


def test_the_machine_is_described():
    found = machine.description()
    assert found["usable_cores"] >= 1 and found["architecture"] and "gpu" not in found
    assert f"{found['usable_cores']} of " in machine.words(found)


# What limits it


def test_the_work_is_what_the_loops_do():
    workload = draw(TINY)
    found = limits.work(workload)
    values, rows, products = workload.inputs, 0, 0
    for l, weight in enumerate(workload.weights.values()):
        for now in values.reshape(-1, values.shape[2]):  # a sample in a time step
            rows += sum(len(weight) for spike in now if spike)
            products += weight.size if l else 0
        if l < len(workload.weights) - 1:
            values = workloads.spikes(workloads.currents(values, weight), "soft")[0].astype(np.float64)
    size = 8 * sum(weight.size for weight in workload.weights.values())
    assert found["forward"] == found["gradients"] == {"row_bytes": 8 * rows}
    assert found["errors"] == {"multiply_adds": products} and found["weights"] == {"array_bytes": 2 * size}
    stream = limits.work(draw(ONLINE))
    above = sum(weight.size for weight in list(draw(ONLINE).weights.values())[1:])
    assert stream["errors"] == {"row_bytes": 8 * ONLINE.time_steps * above} and stream["weights"] == {}
    assert stream["gradients"]["row_bytes"] == 2 * stream["forward"]["row_bytes"]


def test_the_work_of_convolutions_counts_windows_and_pixels():
    found = limits.work(draw(IMAGES))
    first, second, readout = draw(IMAGES).weights.values()
    samples = IMAGES.batch * IMAGES.time_steps
    assert found["errors"] == {"multiply_adds": samples * (4 * 4 * second.size + readout.size)}
    spikes = np.count_nonzero(draw(IMAGES).inputs)
    assert found["forward"]["row_bytes"] > 8 * 9 * len(first) * spikes


@pytest.mark.exhaustive
def test_times_at_the_limits_are_the_work_over_what_was_measured(monkeypatch):
    for name in ("AGAIN", "BLOCKS", "REPEATS"):
        monkeypatch.setattr(limits, name, 2)
    monkeypatch.setattr(limits, "TASKS", {"tiny": TINY, "images": IMAGES})
    found = sweeps.run("limits", ("fast",), replace(SETTINGS, firing_rate=TINY.rate))
    assert set(found["limits"]) == {"multiply_adds", "row_bytes", "array_bytes"} and min(found["limits"].values()) > 0
    tiny, images = found["workloads"]
    (amount,) = limits.work(draw(TINY))["errors"].values()
    assert tiny["least"]["errors"] == pytest.approx(amount / found["limits"]["multiply_adds"])
    assert images["stages"] == {} and (not tiny["stages"] or sum(tiny["stages"].values()) == pytest.approx(1, abs=0.2))
    output.screen().print(report.sweep_table(found))


def test_the_table_of_limits_has_what_it_took_in_brackets():
    least = dict.fromkeys(limits.PARTS, 0.001)
    stages = {**dict.fromkeys(limits.PARTS, 0.2), "else": 0.2}
    each = {"workload": "w", "seconds": 0.012, "stages": stages, "of_gradient": 0.01, "least": least}
    assert report._limits_cells(each, limits.PARTS) == [*["1.00 (2.00)"] * 4, "(4.00)", "4.00 (12.0)"]
    assert report._limits_cells({**each, "stages": {}}, limits.PARTS) == [*["1.00 (-)"] * 4, "-", "4.00 (12.0)"]


def test_every_sweep_passes_through_the_workload_that_it_varies():
    base = TASKS[sweeps.BASE]
    for name, (_, values, changed) in sweeps.VARIED.items():
        assert list(values) == sorted(values) and changed(base, values[0]) != base
        assert base in [changed(base, value) for value in values], name
    assert base.time_steps in sweeps.MEMORY_STEPS
