"""The online experiment: what a stream is, that tests come before learning, recovery, the order in η, the command."""

import json

import numpy as np
import pytest

import ottt_ref as ot
from experiments import __main__ as program
from experiments.online import command, picture, report
from experiments.online.runs import order, stream
from experiments.sweep.runs import Kept
from experiments.training import config as configs
from experiments.training import parts

CHANGES = {"optimiser.momentum": 0.0, "schedule.name": "constant", "training.epochs": 1, "training.time_steps": 2}


@pytest.fixture(scope="module")
def config():
    return configs.named("digits").changed({**CHANGES, "model.hidden": [8], "training.backend": "reference"})


@pytest.fixture(scope="module")
def data(config):
    return parts.data(config)


def samples_of(config, data, drift, seed=0, count=8):
    return stream.drawn(config, data, np.random.default_rng(seed), drift, count)


def test_a_stream_drifts_half_way_and_not_before(config, data):
    by_labels, by_pixels = (list(samples_of(config, data, drift)) for drift in stream.DRIFTS)
    classes, pixels = (getattr(samples_of(config, data, "labels"), name) for name in ("classes", "pixels"))
    for place, ((inputs, label), (moved, same)) in enumerate(zip(by_labels, by_pixels)):
        assert inputs.shape == (2, 1, 64) and np.array_equal(inputs[0], inputs[1])
        if place < 4:
            assert np.array_equal(inputs, moved) and label == same
        else:
            assert np.array_equal(inputs[..., pixels], moved) and not np.array_equal(inputs, moved)
            assert label == classes[same] and label != same


def test_a_stream_has_every_sample_once(config, data):
    whole = samples_of(config, data, "labels", count=None)
    assert len(whole) == len({(id(split), place) for split, place in whole.samples}) == 1797


def test_seeds_draw_orders_and_drifts(config, data):
    first, again, other = (samples_of(config, data, "labels", seed) for seed in (0, 0, 1))
    assert first.samples == again.samples and np.array_equal(first.classes, again.classes)
    assert [place for _, place in first.samples] != [place for _, place in other.samples]


@pytest.mark.slow
def test_a_sample_is_tested_on_before_it_is_learned_from(config, data, monkeypatch):
    """A learner after which the network says the last label: it is right where two labels in a row are the same."""

    def learner(config, network):
        def learn(inputs, label):
            network.parameters["readout.bias"][:] = 1e3 * (np.arange(10) == label)

        return learn

    monkeypatch.setattr(stream, "learner", learner)
    found = stream.work(config.tables, config.source, 3, "labels", 60, 1)
    rng = np.random.default_rng(3)
    parts.network(config, data.shape, 10, rng)
    labels = [int(label[0]) for _, label in stream.drawn(config, data, rng, "labels", 60)]
    same = [int(label == before) for before, label in zip(labels, labels[1:])]
    assert [int(each) for each in found["correct"][1:]] == same and sum(same) > 0


def test_the_window_does_not_reach_across_the_drift():
    right = np.array([1.0, 1, 0, 1, 0, 0, 1, 1])
    assert report.smoothed(right, 2).tolist() == [1, 1, 0.5, 0.5, 0, 0, 0.5, 1]


def test_recovery_is_when_a_whole_window_is_as_before():
    right = np.array([0.0, 0, 1, 1, 1, 0, 1, 1, 1, 1])
    assert report.recovery(right, 2) == 3  # before the drift 1 1; after it 0 1, and then 1 1
    assert report.recovery(np.array([1.0, 1, 1, 0, 0, 0]), 2) is None
    assert report.mistakes(right, 2) == pytest.approx(1)


def test_exponents_are_judged_by_their_intervals():
    rates, noise = np.array(order.RATES), 1 + 1e-4 * np.sin(np.arange(17))
    second, first = ((noise * rates**power)[np.newaxis] for power in (2, 1))
    slope, low, high = report.exponent(rates, second)
    assert low < slope < high and slope == pytest.approx(2, abs=1e-3) and report.second_order([slope, low, high])
    assert report.second_order(report.exponent(rates, first)) is False
    assert report.exponent(rates, second[:0]) is None


@pytest.mark.slow
def test_the_difference_is_of_second_order_and_nothing_at_one_time_step():
    network = ot.dense_network([4, 6, 3], rng=1)
    inputs, label = np.random.default_rng(0).random((3, 1, 4)), np.array([1])
    (one, half), flips = order.differences(network, inputs, label, ot.losses.Mixed(), (1e-4, 5e-5))
    assert flips == [0, 0] and one / half == pytest.approx(4, abs=1e-3)
    (none,), _ = order.differences(network, inputs[:1], label, ot.losses.Mixed(), (1e-2,))
    assert none < 1e-14  # the rounding of parameters below 1


@pytest.mark.exhaustive
def test_the_command_goes_on_where_it_was_and_says_the_same(tmp_path, capsys, monkeypatch):
    """The second time from what is kept, but for one run that is missing."""
    done = []

    def here(jobs, folder, *_, what, **__):
        kept = Kept(folder)
        for job in jobs:
            if kept.load(job) is None:
                done.append(job.name)
                kept.write(job, job.call[0](*job.call[1], 1))
        return [kept.load(job) for job in jobs]

    monkeypatch.setattr(command, "carry_out", here)
    words = ["online", "--rate", "0.1", "--seeds", "2", "--samples", "12", "--window", "4", "--order-samples", "1"]
    words += ["--rule", "bptt", "ottt-o", "--drift", "labels", "--output", str(tmp_path)]
    program.main(words)
    first = json.loads((tmp_path / "online.json").read_text())
    assert len(done) == 8
    next(iter(sorted((tmp_path / "runs").glob("*ottt-o*")))).unlink()
    program.main(words)
    second = json.loads((tmp_path / "online.json").read_text())
    assert len(done) == 9
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    by_rule = {each["rule"]: each for each in first["summaries"]}
    assert by_rule["ottt-o"]["budget"]["updates"] == 12 * 6 and by_rule["bptt"]["budget"]["updates"] == 12
    assert (tmp_path / "online.md").read_text().count("|") > 40
    assert (tmp_path / "online-order.svg").exists() and "second order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--folder", "x"], "--folder: digits needs none"),
        (["--data", "mnist-5000"], "--folder: must be given for mnist-5000"),
        (["--samples", "1"], "--samples: must be at least 2"),
        (["--samples", "9999"], "--samples: must be at most 1797 of digits, got 9999"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(words, said, tmp_path, capsys):
    assert program.main(["online", *words, "--output", str(tmp_path / "new")]) and said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_pictures_are_drawn_of_one_seed():
    """Where there are no intervals."""
    runs = {("labels", rule, 0): _result(rule) for rule in ("bptt", "ottt-o")}
    rates = {("labels", rule): 0.1 for rule in ("bptt", "ottt-o")}
    found = report.summaries(runs, rates, 4)
    assert len(picture.draw(found, 4).axes) == 2
    assert report.rows(found)[1][4] == "+0.00" and "no interval" in report.findings(found)[0]


def _result(rule):
    updates = 6 if rule == "ottt-o" else 1
    counts = {"updates_of_a_sample": updates, "parameters": 3, "operations": [[1, 2], [3, 0], [4, 5]]}
    return {"correct": "01" * 15, "accuracy": 0.5, **counts}


def test_each_rule_takes_its_best_rate_of_the_seeds_that_are_not_reported():
    accuracies = {(0.03, 1000): 0.5, (0.03, 1001): 0.7, (0.1, 1000): 0.9, (0.1, 1001): 0.4}
    tried = {("labels", "bptt", *key): {"accuracy": value} for key, value in accuracies.items()}
    tried |= {("labels", "bptt", 0.3, seed): {"failed": "the outputs are not finite"} for seed in command.TUNING}
    assert command._best(tried, "labels", "bptt") == 0.1
    assert not set(command.TUNING) & set(range(100))
