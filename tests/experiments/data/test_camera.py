"""The simulated camera follows log intensity; MNIST-1D is drawn as described; controls see what they may."""

import numpy as np
import pytest

from experiments.data import camera, controls, mnist1d
from experiments.data.camera import Camera
from experiments.data.events import Events
from experiments.data.sets import DataSet, Licence, Split, of_arrays

QUIET = {"mismatch": 0.0, "noise": 0.0}


def image(seed=0, side=8):
    return np.random.default_rng(seed).random((side, side))


def test_the_path_is_a_closed_isosceles_triangle_of_three_saccades():
    path = Camera(8, 8, 2, 2.0, steps=10).path()
    corners = path[[0, 10, 20, 30]]
    assert path.shape == (31, 2) and np.array_equal(corners[0], corners[3])
    sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    assert sides[0] == pytest.approx(sides[1]) and sides[2] != pytest.approx(sides[0])
    assert np.allclose(np.diff(path, n=2, axis=0)[np.r_[0:9, 10:19, 20:29]], 0, atol=1e-12)


def test_an_image_moved_by_whole_pixels_is_moved():
    seen = Camera(8, 8, 2, 2.0, steps=2, dark=1.0)
    light, path, still = np.exp(seen.light(image())) - 1, seen.path(), image()
    assert np.array_equal(path[0], [-1, -1])
    assert np.allclose(light[0, 1:9, 1:9], still) and light[0].sum() == pytest.approx(still.sum())
    assert np.array_equal(path[2], [1, 0]) and np.allclose(light[2, 3:11, 2:10], still)


def test_events_add_up_to_the_change_of_the_logarithm_within_a_threshold():
    quiet = Camera(8, 8, 2, 2.0, **QUIET)
    events, light = quiet.record(image(), 0), quiet.light(image())
    assert len(events) > 100 and np.all(np.diff(events.times) >= 0) and events.times[-1] < 300_000
    for moment in (20, 45, 60):
        before = events.times < moment * camera.SACCADE / quiet.steps
        sums = np.bincount(events.places[before], minlength=2 * 144).reshape(2, 12, 12).astype(float)
        change = light[moment] - light[0]
        # half a threshold for what was seen before, one for what is not yet an event
        assert np.abs(quiet.threshold * (sums[1] - sums[0]) - change).max() <= 1.5 * quiet.threshold + 1e-9


def test_a_dark_image_gives_no_events_but_noise():
    assert len(Camera(8, 8, 2, 2.0, **QUIET).record(np.zeros((8, 8)), 0)) == 0
    noisy = [len(Camera(8, 8, 2, 2.0, noise=10.0).record(np.zeros((8, 8)), k)) for k in range(20)]
    assert np.mean(noisy) == pytest.approx(0.3 * 10 * 144, rel=0.05)  # 432, deviation of the mean 4.6


def test_the_seed_and_the_number_draw_a_recording():
    first, again, other, later = (
        Camera(8, 8, 2, 2.0, seed=seed).record(image(), number) for seed, number in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert np.array_equal(first.times, again.times) and np.array_equal(first.places, again.places)
    for different in (other, later):
        assert len(first) != len(different) or not np.array_equal(first.times, different.times)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0}, "threshold"),
        ({"amplitude": 5.0}, "amplitude"),
        ({"noise": -1}, "noise"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_settings_of_the_camera_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Camera(**{"height": 8, "width": 8, "margin": 2, "amplitude": 2.0} | settings)


def still_and_moving(count=30):
    """Two kinds of images, and the camera's data set of them."""
    rng = np.random.default_rng(2)
    labels = np.arange(count) % 2
    pixels = rng.integers(0, 60, (count, 1, 8, 8)).astype(np.uint8)
    pixels[labels == 1, :, 2:4] += 150
    order = np.argsort(labels)  # of the test images
    split = {"train": of_arrays(pixels, labels), "test": of_arrays(pixels[order], labels[order])}
    return DataSet("images", Licence("none", "made here"), ("a", "b"), (1, 8, 8), "images", split, largest=255)


def test_recordings_have_the_labels_of_their_images_and_are_made_once():
    images = still_and_moving()
    found = camera.event_digits(images, seed=3)
    assert found.shape == (2, 12, 12) and found.sizes() == images.sizes() and camera.NOTE in found.notes
    split = found.split("test")
    assert np.array_equal(split.labels, images.split("test").labels)
    expected = Camera(8, 8, 2, 2.0, seed=3).record(images.split("test").read(4)[0] / 255, 30 + 4)
    for _ in range(2):
        assert np.array_equal(split.read(4).times, expected.times)
        assert np.array_equal(split.read(4).places, expected.places)


def test_controls_find_what_is_in_pixels():
    images = still_and_moving()
    found = controls.linear_controls(images, camera.event_digits(images), 5)
    assert list(found) == ["raw pixels", "time-summed events", "per-frame counts"]
    assert min(found.values()) > 0.9
    with pytest.raises(ValueError, match="events must be recordings of images"):
        controls.linear_controls(images, camera.event_digits(still_and_moving(20)), 5)


def test_only_the_control_with_frames_sees_when_events_came():
    """Two classes with the same sums: early at one place and late at another, or the other way round."""
    rng, labels = np.random.default_rng(0), np.arange(80) % 2

    def read(place):
        late = np.array([0, 1]) if labels[place] else np.array([1, 0])
        order = np.argsort(late * 100 + rng.integers(0, 10, 2))
        return Events((late * 100 + 5)[order], np.array([0, 1], np.int32)[order], (2,))

    licence = Licence("none", "made here")
    splits = {name: Split(labels, read) for name in ("train", "test")}
    timed = DataSet("timed", licence, ("a", "b"), (2,), "events", splits)
    blank = {name: of_arrays(np.zeros((80, 1, 1, 1), np.uint8), labels) for name in ("train", "test")}
    images = DataSet("blank", licence, ("a", "b"), (1, 1, 1), "images", blank, largest=255)
    found = controls.linear_controls(images, timed, 2)
    assert found["per-frame counts"] == 1 and max(found["raw pixels"], found["time-summed events"]) <= 0.7


def test_ridge_is_the_least_squares_solution():
    rng = np.random.default_rng(6)
    inputs, labels = rng.standard_normal((60, 5)), rng.integers(0, 3, 60)
    wide = np.concatenate([inputs, np.ones((60, 1))], axis=1)
    products = wide @ wide.T
    size = 0.1 * np.trace(products[:40, :40]) / 40
    primal = np.linalg.solve(wide[:40].T @ wide[:40] + size * np.eye(6), wide[:40].T @ np.eye(3)[labels[:40]])
    expected = np.mean((wide[40:] @ primal).argmax(axis=1) == labels[40:])
    assert controls._right(products[:40, :40], products[40:, :40], labels[:40], labels[40:], 3, 0.1) == expected


@pytest.mark.slow  # it measures a thousand samples
def test_mnist_1d_is_seeded_balanced_and_normalised():
    first, again, other = (mnist1d.mnist1d(seed) for seed in (1, 1, 2))
    assert first.sizes() == {"train": 4000, "test": 1000} and first.shape == (1, 1, 40)
    assert np.array_equal(np.bincount(first.split("test").labels), np.full(10, 100))
    sample = first.split("train").read(7)
    assert sample.dtype == np.uint8 and np.array_equal(sample, again.split("train").read(7))
    assert not np.array_equal(sample, other.split("train").read(7))
    assert not np.array_equal(sample, first.split("test").read(7))
    whole = np.array([first.split("test").read(k) for k in range(500)]).astype(float)
    assert whole.mean() == pytest.approx(128, abs=3) and whole.std() == pytest.approx(32, abs=2)


def test_without_noise_a_sample_of_mnist_1d_is_its_template_moved():
    class Still:
        """Draws the middle of what is asked for, and no noise."""

        def integers(self, low, high):
            return (low + high) // 2

        def uniform(self, low, high):
            return (low + high) / 2

        def standard_normal(self, count):
            return np.zeros(count)

    for template in mnist1d.templates():
        found = mnist1d.make(template, Still())
        assert found.shape == (40,)
        # 12 + 48 points are stretched to 72 and turned by 24: the template lies in the 24th to the 37th of 72
        begin, end = 24 * 39 / 71, (24 + 11 * 71 / 59) * 39 / 71
        outside = np.r_[0 : int(begin), int(end) + 3 : 40]
        assert np.abs(found[outside]).max() < 1e-12
        assert np.abs(found).max() == pytest.approx(np.abs(template).max(), rel=0.25)


@pytest.mark.slow
def test_mnist_1d_as_spikes_follows_the_same_samples():
    images, spikes = mnist1d.mnist1d(3), mnist1d.mnist1d_spikes(3)
    assert spikes.shape == (16,)
    places = np.linspace(-1.5, 1.5, 8)
    for place in (0, 11):
        values = (images.split("test").read(place).ravel().astype(float) - 128) / 32
        events = spikes.split("test").read(place)
        assert events.times.max() < 40
        rising, falling = (np.bincount(events.places[events.places % 2 == k], minlength=16) for k in (0, 1))
        above = (values[-1] >= places).astype(int) - (places <= 0).astype(int)
        near = np.abs(values[-1] - places) < 1 / 32  # what rounding to bytes may decide
        assert np.array_equal((rising[0::2] - falling[1::2])[~near], above[~near])
