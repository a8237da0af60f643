"""Writes Tests/Fixtures/formats/records.bin: a file of three records as `RecordHead` describes it, by `struct` and NumPy.

A record has one number in single precision and three for each of its tokens in half precision.
"""

import struct
from pathlib import Path

import numpy as np

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "formats"
WORD = (1 << 64) - 1

LENGTHS = [1, 2, 1]
SINGLE = [0.1, -2.5, 3]
HALF = [[1, 0.5, -0.25], [65504, 1 / 3, 0, -1, 2, 1e-8], [7, 8, 9]]


def fingerprint(*parts):
    value = 0x9E3779B97F4A7C15

    def add(word):
        nonlocal value
        value = ((value ^ word) * 0xD6E8FEB86659FD93) & WORD
        value = (value << 29 | value >> 35) & WORD

    for part in parts:
        add(len(part))
        whole = len(part) & ~7
        for start in range(0, whole, 8):
            add(int.from_bytes(part[start:start + 8], "little"))
        if whole < len(part):
            add(int.from_bytes(part[whole:], "big"))
    return value


def filled(data, byte=b"\0"):
    return data + byte * (-len(data) % 8)


def main():
    text = filled(b'{"examples": 3}', b" ")
    table = filled(struct.pack("<3I", *LENGTHS))
    records = [
        filled(struct.pack("<f", single) + np.array(half, np.float32).astype("<f2").tobytes())
        for single, half in zip(SINGLE, HALF)
    ]
    data = b"potstill" + struct.pack("<3Q", 1, len(text), fingerprint(text, table)) + text + table
    data += b"".join(struct.pack("<Q", max(1, fingerprint(record))) for record in records)
    (FIXTURES / "records.bin").write_bytes(data + b"".join(records))


if __name__ == "__main__":
    main()
