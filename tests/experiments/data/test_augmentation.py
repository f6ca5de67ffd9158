"""The augmentation: a crop is a window of the image in black, a flip mirrors, a cutout is one grey rectangle."""

import numpy as np
import pytest

from experiments.data import augmentation
from experiments.data.augmentation import Augmentation, FrameAugmentation


def images(count=40, side=32):
    return np.random.default_rng(8).integers(1, 255, (count, 3, side, side)).astype(np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_same_seed_gives_the_same_images_and_the_input_stays():
    batch = images()
    before = batch.copy()
    first, again, other = (Augmentation()(batch, rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert np.array_equal(batch, before) and first.dtype == np.uint8 and first.shape == batch.shape
    assert np.array_equal(Augmentation(0, 0.0, 0.0)(batch, rng()), batch)


def test_a_crop_is_a_window_of_the_image_with_black_around():
    batch = images(60, 8)
    found = augmentation.crop(batch, 2, rng())
    places = []
    for image, result in zip(batch, found):
        black = np.zeros((3, 12, 12), np.uint8)
        black[:, 2:10, 2:10] = image
        here = [(a, b) for a in range(5) for b in range(5) if np.array_equal(result, black[:, a : a + 8, b : b + 8])]
        assert len(here) == 1
        places += here
    assert len(set(places)) > 15


def test_flips_mirror_half_of_the_images():
    batch = images(400, 4)
    found = Augmentation(0, 0.0, 0.5)(batch, rng())
    mirrored = [np.array_equal(result, image[..., ::-1]) for image, result in zip(batch, found)]
    same = [np.array_equal(result, image) for image, result in zip(batch, found)]
    assert all(a != b for a, b in zip(mirrored, same)) and 160 < sum(mirrored) < 240


def test_a_cutout_is_one_grey_rectangle():
    batch = images(300)
    found = Augmentation(0, 1.0, 0.0)(batch, rng())
    areas = []
    for image, result in zip(batch, found):
        changed = (image != result).any(axis=0)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        inside = result[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert len(np.unique(inside)) == 1
        areas.append(inside[0].size / 1024)
    assert 0.01 < min(areas) < 0.05 and 0.3 < max(areas) <= 0.4


@pytest.mark.parametrize(
    ("settings", "message"), [({"padding": -1}, "padding must be at least 0"), ({"flip": 2}, "flip must be in")]
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**settings)


def test_frames_of_a_sample_are_moved_and_mirrored_alike():
    frames = rng(3).integers(1, 9, (5, 40, 2, 6, 6)).astype(np.float32)
    before, found = frames.copy(), FrameAugmentation(2, 0.5)(frames, rng(1))
    assert np.array_equal(frames, before) and found.shape == frames.shape and found.dtype == frames.dtype
    assert np.array_equal(found, FrameAugmentation(2, 0.5)(frames, rng(1)))
    mirrored = 0
    for sample in range(40):
        padded = np.zeros((5, 2, 10, 10), np.float32)
        padded[..., 2:8, 2:8] = frames[:, sample]
        windows = [padded[..., a : a + 6, b : b + 6] for a in range(5) for b in range(5)]
        same = [np.array_equal(found[:, sample], window) for window in windows]
        turned = [np.array_equal(found[:, sample], window[..., ::-1]) for window in windows]
        assert sum(same) + sum(turned) == 1
        mirrored += sum(turned)
    assert 10 < mirrored < 30
