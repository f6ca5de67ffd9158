"""The digits experiment: its data, its runs, what it writes, and what it says of wrong arguments."""

import importlib
import json
import subprocess
import sys
import xml.etree.ElementTree
from dataclasses import replace

import numpy as np
import pytest

from experiments import __main__ as program
from experiments import output
from experiments.backends import BACKENDS, DTYPES
from experiments.digits import command, data, picture, report, runs, training
from experiments.digits.training import METHODS, Settings
from experiments.training import rules

pytestmark = pytest.mark.slow

QUICK = Settings(epochs=2, dtype="float64")  # whose kernels other tests compile


@pytest.fixture(scope="module")
def digits():
    return data.load()


@pytest.fixture(scope="module")
def one_of_each():
    """One short run of every method, from seed 0."""
    return [training.train(method, 0, QUICK) for method in METHODS]


def test_the_split_is_80_to_20_and_stratified(digits):
    assert (len(digits.train_labels), len(digits.test_labels)) == (1437, 360)
    whole = np.concatenate([digits.train_labels, digits.test_labels])
    shares = [np.bincount(labels) / len(labels) for labels in (whole, digits.test_labels)]
    assert np.abs(shares[0] - shares[1]).max() < 0.002
    assert digits.train_images.min() == 0 and digits.train_images.max() == 1


def test_the_split_is_the_same_every_time_and_its_parts_are_apart(digits):
    again = data.load()
    assert np.array_equal(again.test_images, digits.test_images)
    train, test = ({image.tobytes() for image in part} for part in (digits.train_images, digits.test_images))
    assert not train & test


def test_validation_never_sees_the_test_images(digits):
    held_out = data.load(validation=True)
    seen = {image.tobytes() for part in (held_out.train_images, held_out.test_images) for image in part}
    assert seen == {image.tobytes() for image in digits.train_images}
    assert len(held_out.test_labels) == 360


def test_every_time_step_gets_the_image(digits):
    inputs = data.sequence(digits.train_images[:3], 4)
    assert inputs.shape == (4, 3, 64)
    assert all(np.array_equal(step, digits.train_images[:3]) for step in inputs)


def test_every_method_learns(one_of_each):
    for run in one_of_each:
        first, last = run["epochs"]
        assert last["test_accuracy"] > 0.85, run["method"]
        assert last["loss"] < first["loss"], run["method"]
        assert 0.05 < last["firing_rates"][0] < 0.95, run["method"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ottt-a", "ottt-o", "bptt", "sltt"])
def test_both_backends_learn_the_same(method):
    settings = replace(QUICK, epochs=1)
    fast, plain = (training.train(method, 0, replace(settings, backend=backend)) for backend in BACKENDS)
    assert plain["epochs"][0]["loss"] == pytest.approx(fast["epochs"][0]["loss"], rel=1e-6)
    assert plain["epochs"][0]["test_accuracy"] == pytest.approx(fast["epochs"][0]["test_accuracy"], abs=0.01)


@pytest.mark.exhaustive
def test_single_precision_learns_as_well():
    single, double = (training.train("ottt-a", 0, replace(QUICK, dtype=dtype)) for dtype in DTYPES)
    assert single["epochs"][1]["test_accuracy"] == pytest.approx(double["epochs"][1]["test_accuracy"], abs=0.02)
    assert single["epochs"][1]["loss"] == pytest.approx(double["epochs"][1]["loss"], rel=0.05)
    assert training.learner("ottt-a", np.random.default_rng(0), Settings())[0].dtype == np.float32


def test_the_same_seed_gives_the_same_curves_and_another_does_not():
    first, again, other = (training.train("ottt-a", seed, replace(QUICK, epochs=1))["epochs"] for seed in (3, 3, 4))
    assert first == again != other


def test_methods_of_one_seed_start_from_the_same_network():
    rngs = [np.random.default_rng(5) for _ in METHODS]
    networks = [training.learner(method, rng, QUICK)[0] for method, rng in zip(METHODS, rngs)]
    for network in networks[1:]:
        for name, value in network.parameters.items():
            assert np.array_equal(value, networks[0].parameters[name])
    assert len({rng.bit_generator.state["state"]["state"] for rng in rngs}) == 1  # and the batches are the same


def test_methods_learn_by_themselves(one_of_each):
    losses = [run["epochs"][-1]["loss"] for run in one_of_each]
    assert len(set(losses)) == len(METHODS)


def test_bptt_needs_more_memory_for_more_time_steps_and_ottt_does_not():
    short, long = (replace(QUICK, time_steps=T, backend="reference") for T in (4, 16))
    growth = {m: runs.training_bytes(m, long) - runs.training_bytes(m, short) for m in ("bptt", "ottt-o", "ottt-a")}
    # a time step adds at least potentials, spikes and derivatives of 138 neurons, for 32 images
    assert growth["bptt"] > 12 * 3 * 138 * 32 * 8
    assert abs(growth["ottt-o"]) < 8192
    # inputs [T, B, 64] and outputs [T, B, 10] are what the caller gives and gets
    assert growth["ottt-a"] < 1.1 * 12 * 74 * 32 * 8


def test_summaries_are_means_and_sample_deviations_over_seeds():
    epochs = [{"loss": 1.0, "test_accuracy": a, "firing_rates": [r]} for a, r in ((0.5, 0.1), (0.9, 0.3))]
    made = [{"method": "bptt", "seed": s, "seconds": s, "epochs": [epochs[0], epochs[s]]} for s in (0, 1)]
    (found,) = report.summaries(made, {"bptt": 7})
    assert found["accuracy_mean"] == pytest.approx(0.7)
    assert found["accuracy_std"] == pytest.approx(0.4 / 2**0.5)
    assert (found["seconds_mean"], found["peak_bytes"], found["seeds"]) == (0.5, 7, 2)
    assert found["firing_rates"] == pytest.approx([0.2])
    assert report.accuracy_text(found) == "70.00 ± 28.28"


def test_one_seed_has_no_deviation(one_of_each):
    (found,) = report.summaries(one_of_each[:1], {"ottt-a": 7})
    assert found["accuracy_std"] is None
    assert "±" not in report.accuracy_text(found)


@pytest.mark.parametrize(
    "ottt, bptt, expected",
    [
        (0.980, 0.981, "ottt-a: 98.00 %, at least 97.5 %; -0.10 points against BPTT, within half a point"),
        (0.970, 0.981, "ottt-a: 97.00 %, less than 97.5 %; -1.10 points against BPTT, not within half a point"),
        (0.980, None, "ottt-a: 98.00 %, at least 97.5 %"),
    ],
)
def test_findings_say_what_came_out(ottt, bptt, expected):
    found = [{"method": "ottt-a", "accuracy_mean": ottt}]
    found += [] if bptt is None else [{"method": "bptt", "accuracy_mean": bptt}]
    assert report.findings(found) == [expected]


def test_pictures_are_pictures_and_the_same_every_time(one_of_each, tmp_path):
    for name in ("first", "second"):
        output.save(picture.draw(one_of_each, "test"), tmp_path, name)
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")
    assert xml.etree.ElementTree.parse(tmp_path / "first.svg").getroot().tag.endswith("svg")
    for kind in ("png", "svg"):
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()


def test_the_picture_names_every_method(one_of_each):
    texts = {text.get_text() for legend in picture.draw(one_of_each, "test").legends for text in legend.texts}
    assert texts == set(picture.NAMES.values())


@pytest.mark.slow
def test_the_command_writes_and_prints_what_it_promises(tmp_path):
    folder = tmp_path / "new" / "folder"
    arguments = f"--method bptt ottt-o --seeds 2 --epochs 1 --dtype float64 --output {folder}".split()
    process = subprocess.run(
        [sys.executable, "-m", "experiments", "digits", *arguments], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    for text in ("bptt", "ottt-o", "test accuracy", "peak bytes", "firing rate", "±", "against BPTT", "digits.svg"):
        assert text in process.stdout, text
    assert {path.name for path in folder.iterdir()} == {"digits.json", "digits.png", "digits.svg"}
    content = json.loads((folder / "digits.json").read_text())
    assert (content["settings"]["epochs"], content["settings"]["dtype"]) == (1, "float64")
    assert [(run["method"], run["seed"]) for run in content["runs"]] == [
        ("bptt", 0),
        ("bptt", 1),
        ("ottt-o", 0),
        ("ottt-o", 1),
    ]
    assert {each["method"] for each in content["summaries"]} == {"bptt", "ottt-o"}
    assert content["runs"][0]["epochs"][0].keys() == {"loss", "test_accuracy", "firing_rates"}
    assert 0 <= content["runs"][0]["train_accuracy"] <= 1
    assert content["versions"].keys() >= {"ottt_ref", "python", "numpy", "numba", "scipy", "scikit-learn"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["digits", "--method", "backprop"], "argument --method: invalid choice: 'backprop'"),
        (["digits", "--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got '0'"),
        (["digits", "--epochs", "-3"], "argument --epochs: must be a whole number of at least 1, got '-3'"),
        (["digits", "--learning-rate", "nan"], "argument --learning-rate: must be a number above 0, got 'nan'"),
        (["digits", "--learning-rate", "fast"], "argument --learning-rate: must be a number above 0, got 'fast'"),
        (["digits", "--output", __file__], "argument --output: must be a folder that can be written"),
        (["digit"], "invalid choice: 'digit'"),
    ],
)
def test_wrong_arguments_exit_with_2_before_any_work(arguments, message, capsys):
    assert program.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1


def test_an_interrupted_run_writes_nothing(monkeypatch, tmp_path, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.runs, "train_all", interrupt)
    assert program.main(["digits", "--output", str(tmp_path)]) == 130
    assert list(tmp_path.iterdir()) == []
    assert "no file is left half-written" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    def missing(name):
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert program.main(["digits"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("python -m experiments: error: this needs sklearn") and err.count("\n") == 1
    assert err.endswith("pip install 'ottt_ref[experiments]'\n")


IMAGES = [replace(QUICK, model=model, epochs=1, batch_size=64, time_steps=3) for model in ("conv", "feedback")]


@pytest.mark.parametrize("settings", IMAGES, ids=lambda settings: settings.model)
def test_images_are_standardised_on_the_training_part(settings, digits):
    images = training.prepared(settings)
    assert images.train_images.shape == (1437, 1, 8, 8) and images.test_images.shape == (360, 1, 8, 8)
    assert images.train_images.mean() == pytest.approx(0, abs=1e-12)
    assert images.train_images.std() == pytest.approx(1)
    scale, shift = digits.train_images.std(), digits.train_images.mean()
    assert images.test_images.reshape(360, 64) * scale + shift == pytest.approx(digits.test_images)


@pytest.fixture
def a_third_of_the_images(monkeypatch):
    """To learn from and to be tested on: enough for one epoch, in a third of the time."""

    def third(settings):
        images = prepared(settings)
        few = {"train_images": 480, "train_labels": 480, "test_images": 120, "test_labels": 120}
        return replace(images, **{name: getattr(images, name)[:count] for name, count in few.items()})

    prepared = training.prepared
    monkeypatch.setattr(training, "prepared", third)


@pytest.mark.slow
@pytest.mark.parametrize("settings", IMAGES, ids=lambda settings: settings.model)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_every_model(settings, method, a_third_of_the_images):
    (epoch,) = training.train(method, 0, settings)["epochs"]
    assert epoch["test_accuracy"] > 0.5, epoch  # 0.1 by chance
    assert all(0.01 < rate < 0.9 for rate in epoch["firing_rates"])


@pytest.mark.slow
def test_loops_that_sr_learns_stay_contracting():
    network, _, learn = training.learner("spike-representation", np.random.default_rng(0), IMAGES[1])
    images = training.prepared(IMAGES[1])
    for k in range(6):
        batch = slice(32 * k, 32 * (k + 1))
        learn(images.train_images[batch], images.train_labels[batch])
    assert 0 < training.ot.equilibrium.contraction_factor(network) < rules.LARGEST_CONTRACTION * (1 + 1e-6)


def summary_of(method, accuracy):
    return {
        "method": method,
        "seeds": 3,
        "accuracy_mean": accuracy,
        "accuracy_std": 0.01,
        "seconds_mean": 1.0,
        "peak_bytes": 7,
        "firing_rates": [0.25],
    }


def write_summary(folder, settings, accuracy):
    report.write_json(folder / f"{report.file_name(settings.model)}.json", settings, [], [summary_of("bptt", accuracy)])


def test_other_models_results_are_shown_beside(tmp_path):
    conv = replace(QUICK, model="conv", epochs=20)
    write_summary(tmp_path, conv, 0.5)
    write_summary(tmp_path, QUICK, 0.75)
    others, notes = report.stored(tmp_path, QUICK)
    assert (list(others), notes) == (["conv"], [])
    table = report.table({"dense": (QUICK, [summary_of("ottt-a", 0.75)]), **others})
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["dense, 2", "conv, 20"]
    assert cells[2] == ["75.00 ± 1.00", "50.00 ± 1.00"]


@pytest.mark.parametrize("other", [{"time_steps": 7}, {"validation": True}, {"model": "feedback"}])
def test_results_of_other_settings_are_not_shown_beside(tmp_path, other):
    report.write_json(
        tmp_path / "digits-conv.json",
        replace(QUICK, model="conv", **{**other}) if "model" not in other else replace(QUICK, **other),
        [],
        [summary_of("bptt", 0.5)],
    )
    others, (note,) = report.stored(tmp_path, QUICK)
    assert others == {} and "digits-conv.json is not shown: it is of other settings" in note


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"settings": {}, "summaries": [{}]}', '{"settings": {"model": "conv"}, "summaries": 3}'],
)
def test_damaged_results_are_named_and_left_out(tmp_path, content):
    (tmp_path / "digits-conv.json").write_text(content)
    others, (note,) = report.stored(tmp_path, replace(QUICK, model="dense"))
    assert others == {} and "digits-conv.json is not shown" in note


@pytest.mark.slow
def test_the_command_trains_a_model_and_shows_the_others(tmp_path, capsys):
    write_summary(tmp_path, replace(QUICK, time_steps=2), 0.5)
    options = f"--method ottt-a --seeds 1 --epochs 1 --time-steps 2 --workers 1 --dtype float64 --output {tmp_path}"
    arguments = f"digits --model conv {options}".split()
    assert program.main(arguments) == 0
    out = capsys.readouterr().out
    assert "conv, 1" in out and "dense, 2" in out and "50.00 ± 1.00" in out
    assert {path.name for path in tmp_path.iterdir()} == {
        "digits.json",
        "digits-conv.json",
        "digits-conv.png",
        "digits-conv.svg",
    }
    assert json.loads((tmp_path / "digits-conv.json").read_text())["settings"]["model"] == "conv"
