"""SHD and ImageNet are read through h5py and Pillow; the command says what a folder holds; the registry opens all."""

import struct
import zlib

import numpy as np
import pytest

from experiments import __main__ as program
from experiments.data import imagenet, registry, shd
from experiments.data.reading import DataError

from . import fabricated

h5py = pytest.importorskip("h5py")
Image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.slow  # h5py, Pillow and matplotlib take their time to import


def rng():
    return np.random.default_rng(11)


def write_shd(folder, count=4, **changes):
    """The two files; the columns (seconds, units) and labels of each split."""
    draw, held = rng(), {}
    for split in ("train", "test"):
        samples = [(draw.random(20).astype(np.float16), draw.integers(0, 700, 20)) for _ in range(count)]
        labels = draw.integers(0, 20, count)
        held[split] = samples, labels
        with h5py.File(folder / f"shd_{split}.h5", "w") as file:
            for name, column, kind in (("times", 0, np.float16), ("units", 1, np.uint16)):
                made = file.create_dataset(f"spikes/{name}", (count,), h5py.vlen_dtype(kind))
                for place, sample in enumerate(samples):
                    made[place] = changes.get(name, sample[column]).astype(kind)
            file["labels"] = changes.get("labels", labels)
    return held


def test_shd_is_read_in_the_order_of_time(tmp_path):
    held = write_shd(tmp_path)
    found = registry.open_set("shd", tmp_path)
    assert found.shape == (700,) and len(set(found.classes)) == 20
    for split, (samples, labels) in held.items():
        assert np.array_equal(found.split(split).labels, labels)
        for place, (seconds, units) in enumerate(samples):
            events, order = found.split(split).read(place), np.argsort(seconds, kind="stable")
            assert np.array_equal(events.places, units[order])
            assert np.abs(events.times - 1e6 * seconds[order].astype(float)).max() <= 0.5


def test_broken_shd_is_refused(tmp_path):
    for changes, message in (
        ({"labels": np.array([0, 1, 20, 3])}, "from 0 to 19, got 20 at sample 2"),
        ({"labels": np.array([0, 1])}, "as many times, units and labels"),
        ({"labels": np.array([0.5] * 4)}, "whole numbers"),
        ({"units": np.array([700] * 20)}, "units must be from 0 to 699, got 700"),
        ({"units": np.array([1])}, "one for one"),
        ({"times": np.array([-1.0] * 20)}, "times must be from 0"),
        ({"times": np.array([np.nan] * 20)}, "times must be from 0"),
    ):
        write_shd(tmp_path, **changes)
        with pytest.raises(DataError, match=message):
            registry.open_set("shd", tmp_path).split("train").read(0)
    (tmp_path / "shd_test.h5").write_bytes((tmp_path / "shd_test.h5").read_bytes()[:100])
    with pytest.raises(DataError, match="must be an HDF5 file"):
        shd._split(tmp_path / "shd_test.h5")


def test_links_out_of_an_hdf5_file_are_not_followed(tmp_path):
    write_shd(tmp_path)
    with h5py.File(tmp_path / "shd_train.h5", "a") as file:
        del file["labels"]
        file["labels"] = h5py.ExternalLink("shd_test.h5", "/labels")
    with pytest.raises(DataError, match="must hold the data set labels"):
        registry.open_set("shd", tmp_path)


def png(pixels):
    """A PNG of RGB, chunk by chunk."""
    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + bytes(row.ravel().tolist()) for row in pixels)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def write_imagenet(folder):
    draw = rng()
    for part in ("train", "val"):
        for name in ("n02", "n01"):
            (folder / part / name).mkdir(parents=True)
            pixels = draw.integers(0, 256, (256, 300, 3)).astype(np.uint8)
            (folder / part / name / "a.png").write_bytes(png(pixels))
            Image.fromarray(pixels).save(folder / part / name / "b.JPEG")
    return pixels


def test_imagenet_reads_the_middle_of_images(tmp_path):
    pixels = write_imagenet(tmp_path)
    found = registry.open_set("imagenet", tmp_path)
    assert found.classes == ("n01", "n02") and found.sizes() == {"train": 4, "test": 4}
    assert np.array_equal(found.split("test").labels, [0, 0, 1, 1])
    last = found.split("test").read(0)  # n01 was written last; its shorter side has 256 pixels
    assert last.dtype == np.uint8 and np.array_equal(last, pixels[16:240, 38:262].transpose(2, 0, 1))
    lossy = found.split("test").read(1)
    assert lossy.shape == (3, 224, 224) and lossy.std() > 20


def test_broken_images_are_refused(tmp_path):
    write_imagenet(tmp_path)
    path, whole = tmp_path / "a.png", (tmp_path / "val" / "n01" / "a.png").read_bytes()
    large = whole[:16] + struct.pack(">II", 30000, 30000) + whole[24:29]
    large += struct.pack(">I", zlib.crc32(large[12:29])) + whole[33:]
    for content, message in (
        (whole[:-5000], "must be an image"),
        (b"", "must be an image"),
        (b"GIF89a", "must be an image"),
        (large, "must be an image|at most 67108864 pixels"),
        (png(np.zeros((1, 100, 3), np.uint8)), "no strip"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message) as refused:
            imagenet.read(path)
        assert str(path) in str(refused.value)
    (tmp_path / "val" / "n03").mkdir()
    with pytest.raises(DataError, match="differs in n03"):
        imagenet.imagenet(tmp_path)


def test_every_data_set_says_what_it_needs():
    for name, entry in registry.SETS.items():
        assert callable(entry.function()) and entry.about
        if entry.needs == registry.NOTHING:
            with pytest.raises(DataError, match="needs no folder"):
                registry.open_set(name, "here")
        else:
            with pytest.raises(DataError, match=f"{name} needs {entry.needs}"):
                registry.open_set(name)
    with pytest.raises(ValueError, match="name must be one of 'digits'"):
        registry.open_set("n-mnist")


def test_an_hdf5_file_of_more_samples_than_bytes_is_refused(tmp_path):
    write_shd(tmp_path)
    with h5py.File(tmp_path / "shd_train.h5", "w") as file:
        for name, kind in (("times", np.float16), ("units", np.uint16)):
            file.create_dataset(f"spikes/{name}", (2**24,), h5py.vlen_dtype(kind), chunks=(2**10,))
        file.create_dataset("labels", (2**24,), np.int64, chunks=(2**10,))
    with pytest.raises(DataError, match="says 16777216 samples, more than it has bytes"):
        registry.open_set("shd", tmp_path)


def test_the_command_says_which_file_is_damaged(tmp_path, capsys):
    write_shd(tmp_path, labels=np.array([25, 0, 1, 2]))
    assert program.main(["data", "shd", "--folder", str(tmp_path), "--all"]) == 2
    assert "shd_train.h5: a label must be from 0 to 19, got 25" in capsys.readouterr().err


def test_the_command_lists_and_checks(tmp_path, capsys):
    assert program.main(["data"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in registry.SETS)
    fabricated.mnist(tmp_path, rng())
    assert program.main(["data", "mnist", "--folder", str(tmp_path), "--samples", "3"]) == 0
    out = capsys.readouterr().out
    assert "mnist: 12 to learn from, 5 to test" in out and "licence: CC BY-SA" in out and "train: 3 samples read" in out
    for words, message in (
        (["data", "mnist"], "mnist needs a folder with its files"),
        (["data", "mnist", "--folder", str(tmp_path / "no")], "must be a folder, and is not there"),
        (["data", "mnist", "--folder", str(tmp_path), "--controls"], "--controls is for event-digits"),
        (["data", "nmist"], "invalid choice"),
    ):
        assert program.main(words) == 2
        assert message in capsys.readouterr().err


def test_a_crop_of_random_size_lies_in_the_image_and_has_its_area_and_ratio():
    draw, areas = rng(), []
    for _ in range(300):
        left, top, right, bottom = imagenet.drawn_box(400, 300, draw)
        assert 0 <= left < right <= 400 and 0 <= top < bottom <= 300
        assert 0.74 < (right - left) / (bottom - top) < 1.36
        areas.append((right - left) * (bottom - top) / 120_000)
    assert 0.07 < min(areas) < 0.12 and max(areas) > 0.8
    assert imagenet.drawn_box(900, 3, draw)[1::2] == (0, 3)  # no rectangle fits: the middle


def test_imagenet_draws_a_part_of_an_image_to_learn_from(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part / "n01").mkdir(parents=True)
        pixels = rng().integers(0, 256, (240, 300, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / part / "n01" / "0.png")
    found = registry.open_set("imagenet", tmp_path)
    train = found.split("train")
    (first, _), (again, _), (other, _) = (
        found.batch(train, np.array([0]), rng=np.random.default_rng(seed), drawn=True) for seed in (1, 1, 2)
    )
    assert first.shape == (1, 3, 224, 224) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert not np.array_equal(first, found.batch(train, np.array([0]))[0])
