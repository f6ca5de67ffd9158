"""Readers of events return what fabricated files hold; frames count each event once; broken files are refused."""

import os
import struct

import numpy as np
import pytest

from experiments.data import aedat, cifar10_dvs, events, gesture, nmnist
from experiments.data.encoding import Frames
from experiments.data.reading import DataError

from . import fabricated


def rng():
    return np.random.default_rng(4)


def assert_same(found, t, x, y, p):
    """The events are these columns."""
    polarity, row, column = found.coordinates
    for got, expected in ((found.times, t), (column, x), (row, y), (polarity, p)):
        assert np.array_equal(got, expected)


def test_nmnist_is_read_and_its_folders_are_its_labels(tmp_path):
    draw, held = rng(), {}
    for split in ("Train", "Test"):
        for digit in range(10):
            (tmp_path / split / str(digit)).mkdir(parents=True)
            for name in ("00002", "00010"):
                held[split, digit, name] = fabricated.columns(draw, 20, 34, 2**23)
                path = tmp_path / split / str(digit) / f"{name}.bin"
                path.write_bytes(fabricated.nmnist_file(*held[split, digit, name]))
    found = nmnist.nmnist(tmp_path)
    assert found.sizes() == {"train": 20, "test": 20} and found.shape == (2, 34, 34)
    assert np.array_equal(found.split("test").labels, np.repeat(np.arange(10), 2))
    assert_same(found.split("train").read(7), *held["Train", 3, "00010"])


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    for split in ("Train", "Test"):
        for digit in range(10):
            (tmp_path / split / str(digit)).mkdir(parents=True)
            (tmp_path / split / str(digit) / "1.bin").write_bytes(bytes(5))
    assert nmnist.nmnist(tmp_path).sizes() == {"train": 10, "test": 10}
    for make in (os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)):
        strange = tmp_path / "Test" / "3" / "2.bin"
        make(strange)
        with pytest.raises(DataError, match=r"2\.bin must be a file"):
            nmnist.nmnist(tmp_path)
        strange.rmdir() if make is os.mkdir else strange.unlink()


def test_broken_nmnist_files_are_refused(tmp_path):
    path = tmp_path / "a.bin"
    for content, message in (
        (bytes(9), "events of 5 bytes, and holds 9"),
        (b"", "holds 0 bytes"),
        (bytes([34, 0, 0, 0, 0]), "x must be from 0 to 33, got 34 at event 0"),
        (bytes(5) + bytes([0, 240, 0, 0, 0]), "y must be from 0 to 33, got 240 at event 1"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            nmnist.read_file(path)
    with pytest.raises(DataError, match="must be a folder, and is not there"):
        nmnist.nmnist(tmp_path)


@pytest.mark.parametrize("line", [b"", b"#text \xff\r\n", b"# " + b"x" * 5000 + b"\r\n"])
def test_aedat_2_is_read_after_any_header(tmp_path, line):
    path, held = tmp_path / "a.aedat", fabricated.columns(rng(), 50, 128, 2**32)
    path.write_bytes(fabricated.aedat_2(*held, head=b"#!AER-DAT2.0\r\n" + line))
    assert_same(aedat.read_2(path), *held)


def test_broken_aedat_2_is_refused(tmp_path):
    path, raw = tmp_path / "a.aedat", fabricated.aedat_2(*fabricated.columns(rng(), 5, 128))
    for content, message in (
        (raw[:-1], "events of 8 bytes"),
        (raw[1:], "must begin with #!AER-DAT2.0"),
        (b"", "must begin with"),
        (b"#!AER-DAT2.0 without an end", "no end"),
        (raw[:-40], "holds 0 bytes"),
        (raw + struct.pack(">II", 1 << 15, 0), "15 bits, got 32768 at event 5"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            aedat.read_2(path)


def test_cifar10_dvs_tests_on_the_first_hundred_of_each_class(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10_dvs, "TESTED", 2)
    draw, held = rng(), {}
    for name in cifar10_dvs.TEN:
        (tmp_path / name).mkdir()
        for number in (0, 2, 10):  # by name, 10 lies before 2
            held[name, number] = fabricated.columns(draw, 10, 128)
            (tmp_path / name / f"cifar10_{name}_{number}.aedat").write_bytes(fabricated.aedat_2(*held[name, number]))
    found = cifar10_dvs.cifar10_dvs(tmp_path)
    assert found.sizes() == {"train": 10, "test": 20}
    assert_same(found.split("train").read(3), *held["cat", 10])
    assert_same(found.split("test").read(7), *held["cat", 2])


@pytest.mark.parametrize("overflow", [0, 3])
def test_aedat_3_is_read_packet_by_packet(tmp_path, overflow):
    path, held = tmp_path / "a.aedat", fabricated.columns(rng(), 50, 128, 2**31)
    valid = np.arange(50) % 7 != 3
    path.write_bytes(fabricated.aedat_3(*held, valid=valid.astype(int), overflow=overflow, spare=2))
    t, x, y, p = (values[valid] for values in held)
    t = t + (overflow << 31)
    packets = aedat.packets_3(path)
    assert_same(aedat.read_3(path, packets), t, x, y, p)
    last = packets[0].last  # what happens at the very beginning belongs to the part
    assert_same(aedat.read_3(path, packets, last, last + 1), *(values[t == last] for values in (t, x, y, p)))
    inside = (t >= t[10]) & (t < t[20])
    assert_same(aedat.read_3(path, packets, t[10], t[20]), t[inside], x[inside], y[inside], p[inside])


def test_broken_aedat_3_is_refused(tmp_path):
    path, raw = tmp_path / "a.aedat", fabricated.aedat_3(*fabricated.columns(rng(), 6, 128), packets=1)
    start = raw.index(b"#!END-HEADER\r\n") + 14

    def with_header(*fields):
        return raw[:start] + struct.pack("<hhiiiiii", *fields) + raw[start + 28 :]

    for content, message in (
        (raw[:-1], "a packet of 48 bytes begins at byte"),
        (raw[: start + 20], "within the header"),
        (raw[:start], "must hold polarity events"),
        (raw[: start - 14] + raw[start:], "no end"),
        (b"#!AER-DAT2.0" + raw[12:], "must begin with #!AER-DAT3.1"),
        (with_header(1, 1, 8, 4, 0, 2**30, 6, 6), "a packet of 8589934592 bytes"),
        (with_header(1, 1, 8, 4, 0, 6, 7, 6), "room for 6 events and says 7"),
        (with_header(1, 1, -8, 4, 0, 6, 6, 6), "room for 6"),
        (with_header(1, 1, 16, 4, 0, 3, 3, 3), "must have 8 bytes"),
        (raw[:-4] + b"\xff\xff\xff\xff", "must not be negative, got -1"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            aedat.packets_3(path)
    far = [np.array([value]) for value in (5, 128, 3, 1)]
    path.write_bytes(fabricated.aedat_3(*far, packets=1))
    with pytest.raises(DataError, match="x must be from 0 to 127, got 128"):
        aedat.read_3(path, aedat.packets_3(path))


def test_gestures_are_cut_from_their_recordings(tmp_path):
    held = fabricated.gesture(tmp_path, rng())
    found = gesture.gesture(tmp_path)
    assert found.sizes() == {"train": 4, "test": 2}
    for split, samples in held.items():
        for place, (label, columns) in enumerate(samples):
            assert found.split(split).labels[place] == label
            assert_same(found.split(split).read(place), *columns)
            assert len(columns[0]) > 20


def test_broken_tables_of_gestures_are_refused(tmp_path):
    fabricated.gesture(tmp_path, rng())
    table, trials = tmp_path / "user01_led_labels.csv", tmp_path / "trials_to_train.txt"
    rows = "class,startTime_usec,endTime_usec\n"
    for content, message in (
        (rows + "12,1,2\n", "line 2: a class must be from 1 to 11, got 12"),
        (rows + "1,1,2\n0,1,2\n", "line 3: a class must be from 1 to 11, got 0"),
        (rows + "1,2,1\n", "must begin before it ends"),
        (rows + "1,2\n", "three whole numbers, got '1,2'"),
        (rows + "1,2,x\n", "three whole numbers"),
        ("1,2,3\n", "must begin with the line class"),
        ("", "must begin with the line class"),
    ):
        table.write_text(content)
        with pytest.raises(DataError, match=message):
            gesture.gesture(tmp_path)
    table.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="must be text"):
        gesture.gesture(tmp_path)
    for content, message in (
        ("../other.aedat\n", "of its own folder"),
        ("user01_led.aedat\nuser01_led.aedat\n", "names user01_led.aedat 2 times"),
        ("user09.aedat\n", "which is not there"),
        ("", "at least one"),
    ):
        trials.write_text(content)
        with pytest.raises(DataError, match=message):
            gesture.gesture(tmp_path)


def recording(times, places, shape=(2, 3, 4)):
    return events.Events(np.array(times, np.int64), np.array(places, np.int32), shape)


@pytest.mark.parametrize("by", events.DIVISIONS)
@pytest.mark.parametrize("count", [1, 3, 7, 40])
def test_frames_count_every_event_once(by, count):
    draw = rng()
    found = recording(np.sort(draw.integers(0, 1000, count)), draw.integers(0, 24, count))
    counted = events.frames(found, 4, by)
    assert counted.shape == (4, 2, 3, 4) and counted.sum() == count
    assert np.array_equal(counted.sum(axis=0).ravel(), np.bincount(found.places, minlength=24))


def test_frames_divide_by_count_and_by_time():
    found = recording([0, 1, 2, 3, 4, 100, 101], [0, 1, 2, 3, 4, 5, 6], (7,))
    by_count, by_time = (events.frames(found, 3, by).sum(axis=1).tolist() for by in events.DIVISIONS)
    assert by_count == [2, 2, 3]
    assert by_time == [5, 0, 2]  # 101 // 3 = 33 microseconds each, and none in the second
    short = recording([0, 2, 5], [0, 1, 2], (3,))  # 5 // 3 = 1 microsecond each, the last until the end
    assert events.frames(short, 3, "time").sum(axis=1).tolist() == [1, 0, 2]
    assert events.windows(found, 3, 2).sum(axis=1).tolist() == [2, 2, 1]
    assert not events.frames(recording([], []), 3).any()


def test_a_coarser_sensor_keeps_every_event():
    draw = rng()
    t, x, y, p = fabricated.columns(draw, 200, 128)
    found = events.of_camera("these", t, x, y, p, 128, 128)
    small = events.shrunk(found, 48, 48)
    assert_same(small, t, x * 48 // 128, y * 48 // 128, p)
    assert Frames(3, side=48)([found, small]).shape == (3, 2, 2, 48, 48)
    for other, message in ((recording([0], [0], (5,)), "a camera's"), (small, "can only be made smaller")):
        with pytest.raises(ValueError, match=message):
            events.shrunk(other, 64, 64)


def test_a_batch_of_frames_is_time_major_and_may_be_spikes():
    batch = [recording([0, 0, 9], [1, 1, 2]), recording([], [])]
    found = Frames(2)(batch)
    assert found.shape == (2, 2, 2, 3, 4) and found.dtype == np.float32 and found[0, 0].max() == 2
    assert Frames(2, spikes=True, flat=True)(batch).shape == (2, 2, 24)
    assert Frames(2, spikes=True)(batch).max() == 1
    for settings, message in (
        ({"by": "events"}, "by must be one of"),
        ({"by": "window"}, "duration must be a whole number"),
        ({"duration": 5}, "duration is for by='window'"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            Frames(2, **settings)
