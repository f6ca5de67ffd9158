"""The directions experiment: what is measured, how it is summed up, what is written and drawn."""

import json
import re
import xml.etree.ElementTree
from concurrent.futures import Future, as_completed
from dataclasses import replace

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as program
from experiments import output
from experiments.directions import command, measure, picture, report, runs
from experiments.directions.measure import BASE, FACTORS, PAIRS, Condition, Measurement, conditions

pytestmark = pytest.mark.slow

SMALL = replace(BASE, depth=2, width=8, batch=8, time_steps=3)


def pair(measurement, left, right, layer="layer0"):
    return measurement.cosines[layer][PAIRS.index((left, right))]


def measured(condition, seed):
    """By the reference, whose loops are compiled sooner; that the fast backend measures the same is a slow test."""
    return measure.measure(condition, seed, "reference")


@pytest.fixture(scope="module")
def small():
    return measured(SMALL, 0)


def test_every_pair_of_methods_is_measured_in_every_layer(small):
    assert list(small.cosines) == ["layer0", "layer1", "readout"]
    assert all(len(cosines) == len(PAIRS) == 15 for cosines in small.cosines.values())
    assert all(-1 <= value <= 1 for cosines in small.cosines.values() for value in cosines if value is not None)
    assert len(small.firing_rates) == 2 and all(0 < rate < 1 for rate in small.firing_rates)


def test_what_the_theory_says_is_seen(small):
    """E1, E6, Q1: the last spiking layer and RTRL agree with BPTT, a hidden layer does not."""
    for layer in small.cosines:
        assert pair(small, "BPTT", "RTRL", layer) == pytest.approx(1, abs=1e-12)
    assert pair(small, "BPTT", "OTTT", "layer1") == pytest.approx(1, abs=1e-12)
    assert pair(small, "BPTT", "OTTT") < 0.9999
    assert pair(small, "OTTT", "SLTT") < 0.9999 and pair(small, "BPTT", "BPTT kept") < 0.9999


def test_at_one_time_step_and_without_memory_the_methods_are_one():
    for condition in (replace(SMALL, time_steps=1), replace(SMALL, decay=0.0)):
        found = measured(condition, 1)
        for right in ("OTTT", "SLTT"):
            assert pair(found, "BPTT", right) == pytest.approx(1, abs=1e-12)


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(small):
    assert measured(SMALL, 0) == small
    assert measured(SMALL, 1).cosines != small.cosines


def test_rtrl_is_left_out_of_long_sequences_and_of_later_seeds():
    assert pair(measured(replace(SMALL, time_steps=7), 0), "BPTT", "RTRL") is None
    assert pair(measured(SMALL, 2), "BPTT", "RTRL") is None


def test_training_changes_the_network_and_keeps_the_batch():
    trained = measured(replace(SMALL, epochs=1), 0)
    fresh = measured(SMALL, 0)
    assert trained.firing_rates != fresh.firing_rates and trained.cosines != fresh.cosines


def test_each_factor_varies_alone_and_passes_through_the_base():
    for factor, values in FACTORS.items():
        made = conditions(factor)
        assert [getattr(condition, factor) for condition in made] == list(values)
        assert BASE in made and all(replace(each, **{factor: getattr(BASE, factor)}) == BASE for each in made)


def test_the_cosine_of_nothing_is_none():
    one, none = np.array([[1.0, 2.0]]), np.zeros((1, 2))
    assert measure.cosine(one, 3 * one) == pytest.approx(1) and measure.cosine(one, -one) == pytest.approx(-1)
    assert measure.cosine(one, none) is None


def test_gaps_are_those_of_the_mapping_and_r2_holds_for_neurons_within():
    rng = np.random.default_rng(0)
    for decay in (0.5, 1.0):
        network = ot.dense_network([5, 6, 2], decay=decay, rng=rng)
        weight = network.parameters["layer0.weight"].copy()
        weight[:3] = rng.uniform(0, 0.2, (3, 5))  # with inputs below 1 these currents stay within [0, 1]
        network.parameters["layer0.weight"] = weight
        inputs = rng.random((8, 4, 5))
        gaps, within = measure.rate_gaps(network, inputs, ot.simulate(network, inputs))
        assert gaps.shape == within.shape == (24,) and within.any() and not within.all()
        assert gaps[within].max() < 1 / ot.rate_normaliser(decay, 8)
        closed = np.clip(
            ot.weighted_rate(inputs, decay) @ network.parameters["layer0.weight"].T + network.parameters["layer0.bias"],
            0,
            1,
        )
        measured = ot.rates.measured_rates(network, inputs)[1]
        np.testing.assert_allclose(gaps, abs(closed - measured).ravel(), rtol=0, atol=1e-12)


def test_half_of_the_currents_never_fire_at_the_papers_decay():
    currents = np.array([0.0, 0.3, 0.49, 0.51, 1.0, 1.2])
    rates = measure.constant_current_rates(0.5, 100, currents)
    assert rates[:3].tolist() == [0, 0, 0] and rates[3] > 0 and rates[4:].tolist() == [1, 1]
    np.testing.assert_allclose(measure.constant_current_rates(1.0, 1000, currents[:5]), currents[:5], atol=1e-3)


def test_intervals_are_students():
    mean, low, high = report.interval([0.1, 0.2, 0.3])
    half = 4.302652729911275 * 0.1 / 3**0.5  # Student's 97.5 % point with two degrees of freedom
    assert (mean, low, high) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    assert report.interval([0.4]) == (0.4, None, None) and report.interval([]) == (None, None, None)
    assert report.interval([1.0, 0.9])[2] == 1.0


def invented(condition, seed):
    """A measurement without work: cosines that depend on the seed, and SR's gradient 0 for seed 1."""
    layers = [f"layer{l}" for l in range(condition.depth)] + ["readout"]
    cosines = [None if "SR" in methods and seed == 1 else 0.5 + 0.1 * seed for methods in PAIRS]
    return Measurement(seed, dict.fromkeys(layers, cosines), [0.25] * condition.depth, (0.1, 0.4), 0.125)


@pytest.fixture
def without_work(monkeypatch):
    def measure_all(pairs, workers, console, backend, interrupted, scheduler=None):
        return {(condition, seed): invented(condition, seed) for condition, seed in pairs}

    monkeypatch.setattr(command.runs, "measure_all", measure_all)


@pytest.mark.slow
def test_the_command_writes_numbers_and_pictures_and_prints_tables(without_work, tmp_path, capsys):
    assert program.main(["directions", "--seeds", "3", "--output", str(tmp_path / "new")]) == 0
    out = capsys.readouterr().out
    names = {f"directions{part}.{kind}" for part in ("", "-layers", "-rates") for kind in ("png", "svg")}
    assert {path.name for path in (tmp_path / "new").iterdir()} == names | {"directions.json"}
    for name in names:
        content = (tmp_path / "new" / name).read_bytes()
        if name.endswith("svg"):
            assert b"svg" in content[:200] and xml.etree.ElementTree.fromstring(content).tag.endswith("svg")
        else:
            assert content.startswith(b"\x89PNG")
    assert "0.60 ± 0.25" in out and "0.60 ± 0.90" not in out and "R2's bound" in out and "wrote" in out
    content = json.loads((tmp_path / "new" / "directions.json").read_text())
    assert content["experiment"] == "directions" and content["settings"]["seeds"] == 3
    assert content["base"]["decay"] == 0.5
    cells = content["cosines"]
    layers = {factor: len({(c["value"], c["layer"]) for c in cells if c["factor"] == factor}) for factor in FACTORS}
    assert layers["depth"] == sum(depth + 1 for depth in FACTORS["depth"]) and layers["decay"] == 4 * 6
    assert len(cells) == len(PAIRS) * sum(layers.values())
    undefined = next(cell for cell in cells if cell["methods"] == ["OTTT", "SR"])
    assert undefined["values"] == [0.5, 0.7]  # seed 1 has no cosine
    assert all(cell["low"] <= cell["mean"] <= cell["high"] for cell in cells)


def test_one_factor_alone(without_work, tmp_path, capsys):
    assert program.main(["directions", "--factor", "alpha", "--seeds", "1", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert (
        "by surrogate's α" in out and "by decay" not in out and "R2" not in out and "±" not in out.split("mean over")[0]
    )
    assert not (tmp_path / "directions-rates.png").exists()


@pytest.mark.slow
def test_pictures_are_the_same_bytes_every_time(tmp_path):
    measurements = {(c, s): invented(c, s) for factor in FACTORS for c in conditions(factor) for s in range(2)}
    found, rated = (make(measurements, FACTORS, 2) for make in (report.cells, report.rates))
    for name in ("a", "b"):
        output.save(picture.by_factor(found, rated, tuple(FACTORS)), tmp_path, name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.slow
def test_the_pool_measures_each_pair_once():
    pairs = [(SMALL, 0), (SMALL, 0), (replace(SMALL, decay=1.0), 0)]
    found = runs.measure_all(pairs, 1, output.screen(), "fast", interrupted=None)
    assert set(found) == set(pairs) and found[SMALL, 0] == measure.measure(SMALL, 0, "fast")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--factor", "colour"], "invalid choice"),
        (["--seeds", "0"], "at least 1"),
        (["--output", "setup.cfg"], "must be a folder"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message, capsys):
    assert program.main(["directions", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_an_interrupted_run_writes_nothing(monkeypatch, tmp_path, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.runs, "measure_all", interrupt)
    assert program.main(["directions", "--output", str(tmp_path)]) == 130
    assert "no file is left half-written" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_both_backends_measure_the_same(small):
    fast = measure.measure(SMALL, 0, "fast")
    for name, cosines in small.cosines.items():
        assert fast.cosines[name] == pytest.approx(cosines, abs=1e-9)


def interrupt_after(count):
    """Ctrl-C after so many measurements, in the place of `as_completed`."""

    def finished(pending):
        for _, future in zip(range(count), as_completed(pending)):
            yield future
        raise KeyboardInterrupt

    return finished


def test_an_interrupt_keeps_the_measurements_that_are_finished(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(runs, "as_completed", interrupt_after(1))
    monkeypatch.setattr(command, "conditions", lambda factor: [SMALL])
    options = ["--factor", "decay", "--seeds", "30", "--workers", "1", "--output", str(tmp_path)]
    assert program.main(["directions", *options]) == 130
    path = tmp_path / "directions-unfinished.json"
    said = re.search(r"the measurements that were finished, (\d+) of 30, are in (.*)\n", capsys.readouterr().err)
    assert said[2] == str(path) and list(tmp_path.iterdir()) == [path]
    content = json.loads(path.read_text())
    assert content["settings"] == {"seeds": 30, "factors": ["decay"], "backend": "fast"}
    assert len(content["measurements"]) == int(said[1]) >= 1
    first = content["measurements"][0]
    again = measure.measure(SMALL, first["seed"])
    assert Condition(**first["condition"]) == SMALL
    assert (first["cosines"], first["gaps"]) == (again.cosines, list(again.gaps))


def test_an_interrupt_before_the_first_measurement_writes_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(runs, "as_completed", interrupt_after(0))
    monkeypatch.setattr(runs, "engine", NoWork)
    assert program.main(["directions", "--seeds", "1", "--output", str(tmp_path)]) == 130
    assert "no measurement was finished" in capsys.readouterr().err and not list(tmp_path.iterdir())


class NoWork:
    """A pool that never begins."""

    on_machine = 1

    def __init__(self, workers, scheduler):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, *_):
        return Future()
