"""Small files in the data sets' original formats, made byte by byte with `struct`, apart from the readers."""

import gzip
import pickle
import struct
import zipfile

import numpy as np


def idx(array):
    """An IDX file of bytes."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", length) for length in array.shape)
    return head + bytes(array.ravel().tolist())


def mnist(folder, rng, packed=False, train=12, test=5):
    """The four files; what they hold, by split."""
    held = {}
    for split, prefix, count in (("train", "train", train), ("test", "t10k", test)):
        images, labels = rng.integers(0, 256, (count, 28, 28)), rng.integers(0, 10, count)
        held[split] = images, labels
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(array)
            path = folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)
    return held


def cifar_names(hundred):
    if hundred:
        return {"train": ["train"], "test": ["test"]}
    return {"train": [f"data_batch_{k}" for k in (1, 2, 3, 4, 5)], "test": ["test_batch"]}


def cifar(folder, rng, hundred=False, python=False, each=3):
    """The files of CIFAR-10 or CIFAR-100; what they hold, by split."""
    held = {}
    for split, names in cifar_names(hundred).items():
        images, labels = [], []
        for number, name in enumerate(names):
            count = each + number % 3
            pixels, fine = rng.integers(0, 256, (count, 3072)), rng.integers(0, 100 if hundred else 10, count)
            images.append(pixels.reshape(-1, 3, 32, 32))
            labels.append(fine)
            if python:
                (folder / name).write_bytes(python_batch(pixels, fine, hundred))
                continue
            content = b""
            for image, label in zip(pixels.tolist(), fine.tolist()):
                content += (bytes([7, label]) if hundred else bytes([label])) + bytes(image)
            (folder / f"{name}.bin").write_bytes(content)
        held[split] = np.concatenate(images), np.concatenate(labels)
    return held


def python_batch(pixels, labels, hundred=False, protocol=2):
    """A batch as `pickle` and NumPy write it."""
    key = b"fine_labels" if hundred else b"labels"
    return pickle.dumps({b"data": pixels.astype(np.uint8), key: labels.tolist(), b"batch_label": b"one"}, protocol)


def python_2_batch(pixels, labels):
    """A batch as Python 2 wrote it in protocol 2, where texts are bytes: opcode by opcode."""

    def text(value):
        return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value

    def number(value):
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    raw = bytes(pixels.ravel().tolist())
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    dtype = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01" + number(len(pixels)) + number(3072) + b"\x86" + dtype + b"\x89" + text(raw) + b"tb"
    found = b"](" + b"".join(number(label) for label in labels.tolist()) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + state + text(b"labels") + found + b"u."


def columns(rng, count, side, longest=200_000):
    """Events as columns: t in order, x, y, p."""
    t = np.sort(rng.integers(0, longest, count))
    return t, rng.integers(0, side, count), rng.integers(0, side, count), rng.integers(0, 2, count)


def nmnist_file(t, x, y, p):
    """A .bin file of N-MNIST."""
    content = bytearray()
    for time, column, row, polarity in zip(*(values.tolist() for values in (t, x, y, p))):
        content += bytes([column, row, polarity << 7 | time >> 16, time >> 8 & 255, time & 255])
    return bytes(content)


def aedat_2(t, x, y, p, head=b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"):
    """An AEDAT 2.0 file of a DVS128 whose pictures, turned upright, have these events."""
    content = bytearray(head)
    for time, column, row, polarity in zip(*(values.tolist() for values in (t, x, y, p))):
        content += struct.pack(">II", (127 - column) << 8 | (127 - row) << 1 | 1 - polarity, time)
    return bytes(content)


def aedat_3(t, x, y, p, packets=3, valid=None, overflow=0, spare=0):
    """An AEDAT 3.1 file: polarity packets, with one of another kind among them.

    valid  of each event; all if None        spare  how many more events than it has a packet has room for
    """
    content = bytearray(b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016\r\n#!END-HEADER\r\n")
    valid = np.ones(len(t), int) if valid is None else valid
    parts = np.array_split(np.arange(len(t)), packets)
    for number, part in enumerate(parts):
        if number == 1:  # special events, which are not a picture's
            content += struct.pack("<hhiiiiii", 0, 1, 8, 4, 0, 1, 1, 1) + struct.pack("<Ii", 3, 9)
        content += struct.pack("<hhiiiiii", 1, 1, 8, 4, overflow, len(part) + spare, len(part), int(valid[part].sum()))
        for k in part.tolist():
            word = int(x[k]) << 17 | int(y[k]) << 2 | int(p[k]) << 1 | int(valid[k])
            content += struct.pack("<Ii", word, int(t[k]))
        content += bytes(8 * spare)
    return bytes(content)


def gesture(folder, rng, recordings=("user01_led", "user02_lab"), test=("user03_led",)):
    """A folder of DVS128 Gesture; the samples of each split: (label, columns of events)."""
    held = {}
    for split, names in (("train", recordings), ("test", test)):
        (folder / f"trials_to_{split}.txt").write_text("".join(f"{name}.aedat\n" for name in names))
        held[split] = []
        for name in names:
            t, x, y, p = columns(rng, 300, 128, 100_000)
            (folder / f"{name}.aedat").write_bytes(aedat_3(t, x, y, p))
            rows = ["class,startTime_usec,endTime_usec"]
            for label, begin, end in ((int(rng.integers(1, 12)), 10_000, 40_000), (11, 50_000, 90_000)):
                rows.append(f"{label},{begin},{end}")
                inside = (t >= begin) & (t < end)
                held[split].append((label - 1, [values[inside] for values in (t, x, y, p)]))
            (folder / f"{name}_labels.csv").write_text("\n".join(rows) + "\n")
    return held


def wheel(folder, package, members, compression=zipfile.ZIP_STORED):
    """A wheel with these members; its path."""
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
