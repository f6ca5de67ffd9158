"""Readers of images return what fabricated files hold, and refuse what is no such file with one clear message."""

import gzip
import os
import pickle

import numpy as np
import pytest

from experiments.data import cifar, idx
from experiments.data.encoding import DirectInput
from experiments.data.reading import DataError

from . import fabricated


def rng():
    return np.random.default_rng(3)


def assert_holds(found, held):
    """The data set found has the samples that were written."""
    for split, (images, labels) in held.items():
        assert found.sizes()[split] == len(labels)
        for place, (image, label) in enumerate(zip(images, labels)):
            read = found.split(split).read(place)
            assert read.dtype == np.uint8 and read.shape == found.shape
            assert np.array_equal(read, image.reshape(found.shape)) and found.split(split).labels[place] == label


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("opened", [idx.mnist, idx.fashion_mnist])
def test_idx_files_are_read_packed_or_not(tmp_path, opened, packed):
    held = fabricated.mnist(tmp_path, rng(), packed)
    assert_holds(opened(tmp_path), held)


def test_an_idx_file_that_is_not_packed_is_memory_mapped(tmp_path):
    fabricated.mnist(tmp_path, rng())
    base = idx.mnist(tmp_path).split("train").read(0)
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("python", [False, True])
@pytest.mark.parametrize("hundred", [False, True])
def test_cifar_is_read_from_both_kinds_of_files(tmp_path, hundred, python):
    held = fabricated.cifar(tmp_path, rng(), hundred, python)
    found = (cifar.cifar100 if hundred else cifar.cifar10)(tmp_path)
    assert len(found.classes) == len(set(found.classes)) == (100 if hundred else 10)
    assert_holds(found, held)


@pytest.mark.parametrize("protocol", [0, 2, 4, "python 2"])
def test_pickles_of_every_age_are_read(tmp_path, protocol):
    fabricated.cifar(tmp_path, rng(), python=True)
    pixels, labels = rng().integers(0, 256, (3, 3072)), np.array([1, 9, 0])
    old = protocol == "python 2"
    batch = (
        fabricated.python_2_batch(pixels, labels) if old else fabricated.python_batch(pixels, labels, False, protocol)
    )
    (tmp_path / "test_batch").write_bytes(batch)
    assert_holds(cifar.cifar10(tmp_path), {"test": (pixels, labels)})


MNIST_FAULTS = {
    "truncated": (lambda raw: raw[:-1], "follow"),
    "too long": (lambda raw: raw + b"\0", "follow"),
    "no header": (lambda raw: raw[:9], "header"),
    "empty": (lambda raw: b"", "header"),
    "magic": (lambda raw: b"\0\0\x0d\x03" + raw[4:], "must begin with the bytes"),
    "lengths that lie": (lambda raw: raw[:4] + b"\xff\xff\xff\xff" + raw[8:], "4294967295 x 28 x 28"),
    "no bytes of many": (lambda raw: raw[:4] + b"\xff\xff\xff\xff" * 2 + b"\0\0\0\0", "none of them 0"),
    "another size": (lambda raw: raw[:8] + b"\0\0\0\x0e\0\0\0\x38" + raw[16:], "28 x 28, got 14 x 56"),
    "fewer images": (lambda raw: raw[:7] + b"\x0b" + raw[8 : -28 * 28], "11 images"),
}


@pytest.mark.parametrize("fault", MNIST_FAULTS)
def test_broken_idx_images_are_refused(tmp_path, fault):
    fabricated.mnist(tmp_path, rng())
    path = tmp_path / "train-images-idx3-ubyte"
    change, message = MNIST_FAULTS[fault]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message) as refused:
        idx.mnist(tmp_path)
    assert str(path) in str(refused.value)


def test_a_label_out_of_range_a_broken_gz_and_a_missing_file_are_refused(tmp_path):
    fabricated.mnist(tmp_path, rng())
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    raw = labels.read_bytes()
    labels.write_bytes(raw[:-1] + b"\x0a")
    with pytest.raises(DataError, match="from 0 to 9, got 10 at sample 4"):
        idx.mnist(tmp_path)
    labels.unlink()
    with pytest.raises(DataError, match=r"must hold t10k-labels-idx1-ubyte or .*, and does not"):
        idx.mnist(tmp_path)
    for content in (gzip.compress(raw)[:-9], b"no gzip"):
        (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
        with pytest.raises(DataError, match="cannot be unpacked"):
            idx.mnist(tmp_path)
    with pytest.raises(DataError, match="must be a folder, and is not there"):
        idx.mnist(tmp_path / "nowhere")


def test_broken_cifar_records_are_refused(tmp_path):
    fabricated.cifar(tmp_path, rng())
    path = tmp_path / "data_batch_3.bin"
    raw = path.read_bytes()
    for content, message in ((raw[:-1], "3072 too many"), (b"\x0a" + raw[1:], "got 10 at sample 0"), (b"", "0 bytes")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            cifar.cifar10(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"data_batch_3\.bin is not there"):
        cifar.cifar10(tmp_path)


class Executes:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def hostile(folder):
    pixels = np.zeros((2, 3072), np.uint8)
    whole = fabricated.python_batch(pixels, np.array([1, 2]))
    return {
        "executes": (pickle.dumps({b"data": Executes(folder / "made")}, 2), "names .*mkdir, which is not allowed"),
        "getattr": (b"\x80\x02cnumpy\nsave\n.", "names numpy.save"),
        "truncated": (whole[:-100], "must be a pickle"),
        "nothing": (b"", "must be a pickle"),
        "no dict": (pickle.dumps([1], 2), "a pickled dict, got list"),
        "no data": (pickle.dumps({b"labels": [1]}, 2), "must have the entry 'data'"),
        "objects": (pickle.dumps({b"data": np.array([[None]]), b"labels": [1]}, 2), "an array of bytes"),
        "floats": (pickle.dumps({b"data": np.zeros((1, 3072)), b"labels": [1]}, 2), "an array of bytes"),
        "a text": (pickle.dumps({b"data": b"abc", b"labels": [1]}, 2), "an array of bytes"),
        "shape that lies": (whole.replace(b"K\x02M\x00\x0c", b"K\x09M\x00\x0c"), "says 9 x 3072 bytes"),
        "width": (fabricated.python_batch(pixels[:, :3071], np.array([1, 2])), r"must be \[n, 3072\]"),
        "labels": (fabricated.python_batch(pixels, np.array([1, 10])), "from 0 to 9, got 10 at sample 1"),
        "huge label": (pickle.dumps({b"data": pixels, b"labels": [1, 2**80]}, 2), "from 0 to 9, got 12089"),
        "label that is none": (pickle.dumps({b"data": pixels, b"labels": [1, 1.5]}, 2), "whole numbers"),
        "fewer labels": (fabricated.python_batch(pixels, np.array([1])), "2 images and 1 labels"),
        "label beyond words": (pickle.dumps({b"data": pixels, b"labels": [1, 10**5000]}, 2), "a number of"),
        "shape beyond arrays": (
            whole.replace(b"K\x02M\x00\x0c", b"K\x00\x8a\x0a" + bytes(9) + b"\x01"),
            "an array of bytes",
        ),
        "one text many times": (
            b"\x80\x02c_codecs\nencode\nq\x00X\x10\x27\x00\x00"
            + 10_000 * b"a"
            + b"q\x01K\x01"
            + 9 * b"h\x00h\x01\x85R"
            + b".",
            "more bytes than it holds",
        ),
        "memo": (b"\x80\x02]r\xff\xff\xff\xff.", "memo of 4294967295"),
        "deep": (b"\x80\x02" + b"(" * 10 + b".", "must be a pickle"),
    }


def test_hostile_pickles_are_refused_and_run_nothing(tmp_path):
    fabricated.cifar(tmp_path, rng(), python=True)
    for name, (content, message) in hostile(tmp_path).items():
        (tmp_path / "data_batch_2").write_bytes(content)
        with pytest.raises(DataError, match=message) as refused:
            cifar.cifar10(tmp_path)
        assert "data_batch_2" in str(refused.value), name
    assert not (tmp_path / "made").exists()
    pickle.loads(hostile(tmp_path)["executes"][0])  # what the test would miss if it could not see it
    assert (tmp_path / "made").is_dir()


def test_batches_are_shuffled_by_the_generator_alone_and_cover_the_split(tmp_path):
    held = fabricated.mnist(tmp_path, rng())
    found = idx.mnist(tmp_path)
    first, again, other = (list(found.batches("train", 5, rng=np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert [len(labels) for _, labels in first] == [5, 5, 2]
    assert all(np.array_equal(a, c) and np.array_equal(b, d) for (a, b), (c, d) in zip(first, again))
    assert not all(np.array_equal(a, c) for (a, _), (c, _) in zip(first, other))
    images = np.concatenate([inputs for inputs, _ in first]).reshape(12, -1)
    assert sorted(map(bytes, images)) == sorted(bytes(image.ravel().tolist()) for image in held["train"][0])
    labelled = {bytes(image.ravel().tolist()): label for image, label in zip(*held["train"])}
    assert all(labelled[bytes(image)] == label for batch, labels in first for image, label in zip(batch, labels))
    ordered = np.concatenate([labels for _, labels in found.batches("train", 5)])
    assert np.array_equal(ordered, held["train"][1])
    assert sum(len(labels) for _, labels in found.batches("train", 5, keep_last=False)) == 10


def test_wrong_arguments_of_batches_are_named_before_anything_is_read(tmp_path):
    fabricated.mnist(tmp_path, rng())
    found = idx.mnist(tmp_path)
    for settings, message in (
        ({"split": "valid"}, "split must be one of"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"rng": 3}, "rng must be a numpy.random.Generator"),
        ({"augment": abs}, "augment needs an rng"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            found.batches(**{"split": "train", "batch_size": 2} | settings)


def test_direct_input_repeats_normalised_pixels():
    images = rng().integers(0, 256, (4, 3, 2, 2)).astype(np.uint8)
    mean, std = (0.5, 0.25, 0.125), (2.0, 4.0, 0.5)
    found = DirectInput(3, mean=mean, std=std, dtype="float64")(images)
    assert found.shape == (3, 4, 3, 2, 2)
    for c in range(3):
        assert np.allclose(found[2, :, c], (images[:, c] / 255 - mean[c]) / std[c], rtol=1e-15, atol=1e-15)
    assert DirectInput(2, largest=16, flat=True)(images).shape == (2, 4, 12)
    with pytest.raises(ValueError, match="std must be above 0"):
        DirectInput(2, mean=mean, std=(1.0, 0.0, 1.0))
