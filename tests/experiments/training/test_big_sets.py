"""The configs of the big data sets train on small files in the data sets' own formats, made byte by byte.

The models are the configs' own, but narrow: at their full width a step takes seconds, and compiling the loops of the
fast backend a minute. So the reference computes, in float64, whose loops other tests compile.
"""

import numpy as np
import pytest

from experiments.data import cifar10_dvs as cifar10_dvs_reader
from experiments.data.cifar import TEN
from experiments.training import config, trainer
from tests.experiments.data import fabricated

pytestmark = pytest.mark.slow

Image = pytest.importorskip("PIL.Image")

NARROW = {
    "model.width": 1 / 32,
    "training.batch_size": 2,
    "training.epochs": 1,
    "training.time_steps": 2,
    "training.dtype": "float64",
    "training.backend": "reference",
    "training.drop_last": False,
    "evaluation.batch_size": 4,
}


def rng():
    return np.random.default_rng(5)


def cifar10(folder):
    fabricated.cifar(folder, rng(), each=1)


def cifar100(folder):
    fabricated.cifar(folder, rng(), hundred=True, each=4)


def imagenet(folder):
    draw = rng()
    for part, count in (("train", 2), ("val", 1)):
        for name in ("n01440764", "n01443537"):
            (folder / part / name).mkdir(parents=True)
            for k in range(count):
                pixels = draw.integers(0, 256, (240, 260, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{k}.JPEG")


def cifar10_dvs(folder):
    draw = rng()
    for name in TEN:
        (folder / name).mkdir()
        for k in range(2):
            recording = fabricated.aedat_2(*fabricated.columns(draw, 200, 128))
            (folder / name / f"cifar10_{name}_{k}.aedat").write_bytes(recording)


def gesture(folder):
    fabricated.gesture(folder, rng())


MADE = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "imagenet": imagenet,
    "cifar10-dvs": cifar10_dvs,
    "dvs-gesture": gesture,
}


@pytest.mark.parametrize("name", MADE)
def test_a_big_config_trains_on_files_of_its_format(name, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_dvs_reader, "TESTED", 1)  # of each class, not a hundred
    data = tmp_path / "data"
    data.mkdir()
    MADE[name](data)
    chosen, steps = config.named(name).changed(NARROW), []

    def on_event(event):
        steps.extend([event["loss"]] if event["event"] == "step" else [])

    trained = trainer.train(chosen, 0, on_event, folder=tmp_path / "out", data_folder=data)
    assert len(steps) >= 2 and all(np.isfinite(steps))
    assert 0 <= trained.epochs[0]["test"]["accuracy"] <= 1 and trained.network.spiking_layers in (8, 32)
    assert (tmp_path / "out" / "seed0.checkpoint.npz").exists()
