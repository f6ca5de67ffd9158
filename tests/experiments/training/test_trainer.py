"""One run: what it learns, what it keeps, and that it goes on to the same bytes wherever it was stopped."""

import json
import pickle

import numpy as np
import pytest

import ottt_ref as ot
from experiments.data.encoding import DirectInput
from experiments.training import checkpoints, config, parts, rules, trainer
from experiments.training.checkpoints import CheckpointError

from .configs import images, small

pytestmark = pytest.mark.slow  # scikit-learn and matplotlib take their time to import


class Stop(Exception):
    """The run is stopped here."""


def without_times(history):
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in history]


def bits(network):
    return {name: value.tobytes() for name, value in network.parameters.items()}


def stopped_at(kind, number):
    """What stops a run at the so many-th event of a kind."""
    seen = []

    def on_event(event):
        seen.extend([event] * (event["event"] == kind))
        if len(seen) == number:
            raise Stop

    return on_event


@pytest.mark.parametrize("rule", sorted(rules.RULES))
def test_every_rule_learns_what_its_method_says(rule):
    """The first batch, against the method called by hand."""
    chosen, data = small(rule__name=rule, training__epochs=1, training__batch_size=18), images()
    trained = trainer.train(chosen, 3, data=data)
    rng = np.random.default_rng(3)
    network = ot.dense_network([64, 8, 10], rng=rng)
    places = rng.permutation(18)
    inputs, labels = data.batch(data.split("train"), places, DirectInput(3, 16, dtype="float64", flat=True))
    method, optimizer = ot.methods.METHODS[rules.method_of(rule)], ot.training.SGD(0.1)
    if rule in ("ottt-o", "sltt-o", "rtrl-o"):
        learner = method.learner(network, optimizer, time_steps=3)
        loss = sum(learner.step(now, labels)[0] for now in inputs)
    else:
        found = method.gradients(network, inputs, labels)
        loss = found.loss
        optimizer.step(network.parameters, found)
    assert bits(trained.network) == bits(network)
    assert trained.epochs[0]["loss"] == loss and trained.epochs[0]["learning_rate"] == 0.1


def test_the_learning_rate_follows_the_schedule_and_evaluations_their_epochs():
    chosen = small(
        training__epochs=5, evaluation__every=2, evaluation__splits=["train", "test"], optimiser__name="adam"
    )
    found = trainer.train(chosen.changed({"optimiser.learning_rate": 0.01}), 0, data=images()).epochs
    cosine = ot.training.CosineSchedule(0.01, 5)
    assert [entry["learning_rate"] for entry in found] == [cosine.at(k) for k in range(5)]
    assert [sorted(set(entry) & {"train", "test"}) for entry in found] == [[], ["test", "train"]] * 2 + [
        ["test", "train"]
    ]
    by_step = parts.schedule(chosen.changed({"schedule.per": "step"}), 10)
    assert [by_step(k, 3) for k in (0, 4)] == [ot.training.CosineSchedule(0.1, 50).at(k) for k in (3, 43)]
    assert parts.schedule(chosen.changed({"schedule.name": "constant"}), 10)(4, 3) == 0.1


@pytest.mark.parametrize(
    ("kind", "number", "changes"),
    [
        ("step", 3, {}),  # before the first checkpoint within an epoch
        ("step", 7, {"rule__name": "ottt-o"}),
        ("checkpoint", 2, {"optimiser__name": "adam", "optimiser__learning_rate": 0.01}),
        ("epoch", 1, {"model__name": "small_conv", "model__dropout": 0.2, "data__augment": "crop", "data__flip": 0.5}),
        ("evaluation", 2, {"training__backend": "fast"}),
        ("end", 1, {}),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path, kind, number, changes):
    changes = {"checkpoints__steps": 2, "training__batch_size": 4, **changes}
    base = small(**{name: value for name, value in changes.items() if name == "model__name"})
    chosen, data = base.changed({name.replace("__", "."): value for name, value in changes.items()}), images()
    whole = trainer.train(chosen, 1, data=data, folder=tmp_path / "whole")
    with pytest.raises(Stop):
        trainer.train(chosen, 1, stopped_at(kind, number), data=data, folder=tmp_path / "cut")
    log = tmp_path / "cut" / "seed1.jsonl"
    with log.open("ab") as file:
        file.write(b'{"event": "epo')  # half a line
    again = trainer.train(chosen, 1, data=data, folder=tmp_path / "cut")
    assert bits(again.network) == bits(whole.network)
    assert without_times(again.epochs) == without_times(whole.epochs)
    lines = [
        [{**json.loads(line), "seconds": 0} for line in (tmp_path / name / "seed1.jsonl").read_text().splitlines()]
        for name in ("whole", "cut")
    ]
    assert lines[0] == lines[1] and [line["event"] for line in lines[0]][-1] == "end"
    once_more = trainer.train(chosen, 1, lambda event: event["event"] != "step" or pytest.fail("learned"), data=data,
                              folder=tmp_path / "cut")  # fmt: skip
    assert bits(once_more.network) == bits(whole.network) and once_more.seconds == again.seconds


def test_a_checkpoint_of_another_config_seed_or_data_is_refused(tmp_path):
    trainer.train(small(training__epochs=1), 0, data=images(), folder=tmp_path)
    with pytest.raises(CheckpointError, match=r"seed0.checkpoint.npz is of another config: training.epochs is 1 there"):
        trainer.train(small(), 0, data=images(), folder=tmp_path)
    with pytest.raises(CheckpointError, match="is of 18 training samples, got 17"):
        trainer.train(small(training__epochs=1), 0, data=images(train=17), folder=tmp_path)
    (tmp_path / "seed0.checkpoint.npz").rename(tmp_path / "seed5.checkpoint.npz")
    with pytest.raises(CheckpointError, match="must be of seed 5, got 0"):
        trainer.train(small(training__epochs=1), 5, data=images(), folder=tmp_path)
    free = small(training__epochs=1).changed({"training.seeds": [5, 6], "data.folder": "elsewhere"})
    assert checkpoints.Files(tmp_path, 5).load(free, 0, 2**20) is not None


def test_damaged_files_are_refused_by_name(tmp_path):
    chosen, data = small(training__epochs=1), images()
    trainer.train(chosen, 0, data=data, folder=tmp_path)
    path, log = tmp_path / "seed0.checkpoint.npz", tmp_path / "seed0.jsonl"
    content, lines = path.read_bytes(), log.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"seed0.checkpoint.npz .*damaged or truncated"):
        trainer.train(chosen, 0, data=data, folder=tmp_path)
    path.write_bytes(content)
    for damaged, said in ((lines[:40], "must have the"), (b"x" * len(lines), "must hold a JSON text in each line")):
        log.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=rf"seed0.jsonl {said}"):
            trainer.train(chosen, 0, data=data, folder=tmp_path)


def test_numbers_that_overflow_are_told_with_their_place():
    with pytest.raises(trainer.TrainingError, match=r"seed 0, epoch \d+, batch \d+: "):
        trainer.train(small(optimiser__learning_rate=1e200, training__epochs=5), 0, data=images())


def test_held_out_samples_are_a_share_of_each_class_and_never_learned():
    whole = images(train=40)
    found = parts.held_out(whole, 0.25)
    assert found.sizes() == {"train": 30, "validation": 10, "test": 8}
    assert np.bincount(found.split("validation").labels).tolist() == [5, 5]
    seen = {name: {split.read(k).tobytes() for k in range(len(split))} for name, split in found.splits.items()}
    assert not seen["train"] & seen["validation"] and len(seen["train"]) == 30


def test_a_config_and_a_run_go_to_another_process():
    chosen = pickle.loads(pickle.dumps(small(training__epochs=1)))
    trained = pickle.loads(pickle.dumps(trainer.train(chosen, 0, data=images())))
    assert bits(trained.network) == bits(trainer.train(chosen, 0, data=images()).network)


def test_models_are_as_the_config_says():
    made = parts.network(
        small(model__name="recurrent", model__recurrent_std=0.25), (1, 8, 8), 10, np.random.default_rng(0)
    )
    assert made.layers[0].recurrent is not None and made.layers[1].recurrent is None
    assert made.parameters["layer0.recurrent.weight"].std() == pytest.approx(0.25 / np.sqrt(8), rel=0.3)
    tables = {**small().tables, "model": {"name": "small_conv", "width": 0.5, "surrogate": "triangle"}}
    narrow = parts.network(config.of(tables), (1, 8, 8), 10, np.random.default_rng(0))
    assert narrow.shapes == ((8, 8, 8), (16, 4, 4), (10,))
    assert isinstance(narrow.layers[0].neuron.surrogate, ot.surrogate.Triangle)
    tables["model"]["weight_standardisation"] = False
    free = parts.network(config.of(tables), (1, 8, 8), 10, np.random.default_rng(0))
    inputs = np.random.default_rng(1).random((3, 2, 1, 8, 8))
    assert not any("gain" in name for name in free.parameters) and any("gain" in name for name in narrow.parameters)
    assert np.array_equal(ot.simulate(free, inputs).outputs, ot.simulate(narrow, inputs).outputs)
    with pytest.raises(config.ConfigError, match=r"model small_conv: input_shape must have a height and a width that"):
        parts.network(config.of(tables), (1, 9, 8), 10, 0)
    with pytest.raises(config.ConfigError, match=r"it takes images, and data.set digits has inputs of shape \[64\]"):
        parts.network(config.of(tables), (64,), 10, 0)
