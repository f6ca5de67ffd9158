"""Recordings of event cameras as AEDAT 2.0 and AEDAT 3.1 (iniVation's description of the formats).

Both begin with lines of text, each with # before and CR LF after. In 2.0 come pairs of an address and a time in
microseconds, 32 bits each, the highest byte first. In 3.1 come packets, the lowest byte first: a header of 28 bytes
(the kind of its events, the source, an event's size, where in it the time lies, how often the 31 bits of time have
overflown, then three numbers of events: room, used, valid) and the events.
"""

from dataclasses import dataclass

import numpy as np

from .events import of_camera
from .reading import DataError

END = b"#!END-HEADER\r\n"
SIDE = 128  # a DVS128
POLARITY = 1  # the kind of packet that holds changes of brightness
PACKET = np.dtype(
    {
        "names": ("kind", "source", "size", "offset", "overflow", "room", "used", "valid"),
        "formats": ("<i2", "<i2", "<i4", "<i4", "<i4", "<i4", "<i4", "<i4"),
    }
)
EVENT = np.dtype([("data", "<u4"), ("time", "<i4")])
LONGEST_HEADER = 2**20  # bytes


def read_2(path):
    """The events of a DVS128 in an AEDAT 2.0 file; DataError that names it.

    An address has the polarity in bit 0, seven bits of x from bit 1 on, seven of y from bit 8 on, and says in bit 15
    that it is no pixel's. As SpikingJelly reads it, x is 127 less the bits of y, y is 127 less the bits of x (the
    recordings lie on their side), and bit 0 means OFF.
    """
    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    start = _after_header(path, data, b"#!AER-DAT2.0", end=None)
    if (len(data) - start) % 8 or len(data) == start:
        raise DataError(f"{path} must hold events of 8 bytes after its header, and holds {len(data) - start} bytes")
    words = np.frombuffer(data[start:].tobytes(), ">u4").astype(np.int64).reshape(-1, 2)
    address, time = words[:, 0], words[:, 1]
    strange = np.flatnonzero(address >> 15)
    if len(strange):
        first = int(strange[0])
        raise DataError(f"{path}: an address of a DVS128 has 15 bits, got {address[first]} at event {first}")
    x, y = 127 - (address >> 8 & 127), 127 - (address >> 1 & 127)
    return of_camera(str(path), time, x, y, 1 - (address & 1), SIDE, SIDE)


@dataclass(frozen=True)
class Packet:
    """Where in a file a packet of polarity events lies, how many it has, and its first and last time."""

    start: int
    count: int
    overflow: int
    first: int
    last: int


def packets_3(path):
    """The packets of polarity events of an AEDAT 3.1 file, checked; DataError that names the file."""
    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    place = _after_header(path, data, b"#!AER-DAT3.1", end=END)
    found = []
    while place < len(data):
        if len(data) - place < PACKET.itemsize:
            raise DataError(f"{path} ends within the header of a packet, at byte {place}")
        header = {name: int(value) for name, value in zip(PACKET.names, _item(data, place, PACKET))}
        length = header["size"] * header["room"]
        if (
            min(header["size"], header["room"], header["used"], header["overflow"]) < 0
            or header["used"] > header["room"]
        ):
            raise DataError(f"{path}: a packet has room for {header['room']} events and says {header['used']}")
        start, place = place + PACKET.itemsize, place + PACKET.itemsize + length
        if place > len(data):
            raise DataError(
                f"{path}: a packet of {length} bytes begins at byte {start}, and {len(data) - start} follow"
            )
        if header["kind"] != POLARITY or not header["used"]:
            continue
        if header["size"] != EVENT.itemsize or header["offset"] != 4:
            raise DataError(f"{path}: polarity events must have 8 bytes, the time from byte 4 on, got {header}")
        times = _events(data, start, header["used"])["time"]
        since = header["overflow"] << 31
        low, high = int(times.min()), int(times.max())
        if low < 0:
            raise DataError(f"{path}: a time must not be negative, got {low} in the packet at byte {start}")
        found.append(Packet(start, header["used"], header["overflow"], since + low, since + high))
    if not found:
        raise DataError(f"{path} must hold polarity events, and holds none")
    return found


def read_3(path, packets, begin=0, end=2**62):
    """The events of a DVS128 from time `begin` to before `end`; packets as `packets_3` found them.

    Bit 0 of an event says whether it is valid (others are left out), bit 1 the polarity, 1 for ON, 15 bits from
    bit 2 on y, 15 from bit 17 on x.
    """
    data = np.memmap(path, np.uint8, "r")
    words, times = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for packet in packets:
        if packet.last < begin or packet.first >= end:
            continue
        events = _events(data, packet.start, packet.count)
        time = events["time"].astype(np.int64) + (packet.overflow << 31)
        word = events["data"].astype(np.int64)
        keep = (word & 1 == 1) & (time >= begin) & (time < end)
        words.append(word[keep])
        times.append(time[keep])
    word, time = np.concatenate(words), np.concatenate(times)
    return of_camera(str(path), time, word >> 17 & 0x7FFF, word >> 2 & 0x7FFF, word >> 1 & 1, SIDE, SIDE)


def _item(data, place, kind):
    return np.frombuffer(data[place : place + kind.itemsize].tobytes(), kind)[0].item()


def _events(data, start, count):
    return np.frombuffer(data[start : start + count * EVENT.itemsize].tobytes(), EVENT)


def _after_header(path, data, first, end):
    """The place of the first byte after the lines of text; with `end` these must close with that line."""
    text, place = data[:LONGEST_HEADER].tobytes(), 0
    if not text.startswith(first):
        raise DataError(f"{path} must begin with {first.decode()}, and begins with {text[: len(first)]!r}")
    while text[place : place + 1] == b"#":
        line = text[place : text.find(b"\n", place) + 1]
        if not line:
            break
        place += len(line)
        if line == end:
            return place
    if end is not None or text[place : place + 1] == b"#":
        raise DataError(f"{path}: its lines of text have no end")
    return place
