"""SpikingJelly reads the fabricated files of event cameras as we do: the same events, the same frames."""

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("spikingjelly")

import spikingjelly

from experiments.data import aedat, events, gesture, nmnist

from .data import fabricated


def modules_of_theirs():
    """SpikingJelly's modules that read files, without what the whole package `datasets` imports beside them.

    That is torchvision and torchaudio, which reading needs nothing of, and which break where they are built for
    another torch.
    """
    utils = types.SimpleNamespace(extract_archive=None, check_integrity=None, download_url=None)
    vision = types.SimpleNamespace(DatasetFolder=object, utils=utils)
    package = types.ModuleType("spikingjelly.datasets")
    package.__path__ = [str(Path(spikingjelly.__file__).parent / "datasets")]
    stand_ins = {
        "spikingjelly.datasets": package,
        "torchvision": types.SimpleNamespace(datasets=vision, transforms=None),
        "torchvision.datasets": vision,
        "torchvision.datasets.utils": utils,
    }
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules |= stand_ins
    try:
        names = ("utils", "cifar10_dvs", "dvs128_gesture")
        return types.SimpleNamespace(
            **{name: importlib.import_module(f"spikingjelly.datasets.{name}") for name in names}
        )
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


theirs = modules_of_theirs()


def assert_equal_events(ours, other):
    """Events of theirs, a mapping of columns, are ours."""
    polarity, row, column = ours.coordinates
    for name, values in (("t", ours.times), ("x", column), ("y", row), ("p", polarity)):
        assert np.array_equal(values, np.asarray(other[name]).astype(np.int64)), name
    assert len(ours)


def rng():
    return np.random.default_rng(5)


def test_nmnist(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(fabricated.nmnist_file(*fabricated.columns(rng(), 400, 34, 2**23)))
    assert_equal_events(nmnist.read_file(path), theirs.utils.load_ATIS_bin(path))


def test_cifar10_dvs(tmp_path):
    path = tmp_path / "a.aedat"
    path.write_bytes(fabricated.aedat_2(*fabricated.columns(rng(), 400, 128, 2**32)))
    assert_equal_events(aedat.read_2(path), theirs.cifar10_dvs._load_origin_data(path))


def test_gesture_whole_recording(tmp_path):
    path = tmp_path / "a.aedat"
    path.write_bytes(fabricated.aedat_3(*fabricated.columns(rng(), 400, 128, 2**31), overflow=1))
    assert_equal_events(aedat.read_3(path, aedat.packets_3(path)), theirs.utils.load_aedat_v3(path))


def test_gesture_samples(tmp_path):
    """Their folders of samples, made by their code, against our split."""
    fabricated.gesture(tmp_path, rng())
    made = tmp_path / "made"
    for label in range(11):
        (made / str(label)).mkdir(parents=True)
    split = gesture.gesture(tmp_path).split("test")
    name = "user03_led"
    theirs.dvs128_gesture._split_aedat_files_to_np(
        name, tmp_path / f"{name}.aedat", tmp_path / f"{name}_labels.csv", made
    )
    seen = 0
    for place, label in enumerate(split.labels):
        for path in (made / str(label)).glob("*.npz"):
            other = np.load(path)
            if len(other["t"]) == len(split.read(place)):
                assert_equal_events(split.read(place), other)
                seen += 1
    assert seen == len(split.labels) == 2


@pytest.mark.parametrize(("by", "word"), [("count", "number"), ("time", "time")])
def test_frames(by, word):
    t, x, y, p = fabricated.columns(rng(), 1000, 16)
    ours = events.frames(events.of_camera("these", t, x, y, p, 16, 16), 7, by)
    columns = {"t": t, "x": x, "y": y, "p": p}
    other = theirs.utils.integrate_events_by_fixed_frames_number(columns, word, 7, 16, 16)
    assert np.array_equal(ours, other)
