"""The file format before torch 1.6, taken apart and put together by hand.

Five pickles (magic number, version, system, object, storage keys), then for each key an element count and the
elements.
"""

import io
import pickle
import struct

STORAGE_BYTES = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}


class Inert(dict):
    """Stands in for every class and function of a pickle whose storages alone are of interest."""

    def __new__(cls, *arguments):
        return super().__new__(cls)

    def __init__(self, *arguments):
        super().__init__()

    def __setstate__(self, state):
        pass


def split(data):
    """The five pickles of a legacy file, as bytes, and its storages: key to (element count, bytes)."""
    sizes = {}

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            return STORAGE_BYTES.get(name, Inert)

        def persistent_load(self, saved):
            if saved[0] == "storage":
                sizes[saved[2]] = saved[1]
            return Inert

    stream = io.BytesIO(data)
    parts = []
    for _ in range(5):
        start = stream.tell()
        keys = Reader(stream).load()
        parts.append(data[start : stream.tell()])
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", stream.read(8))
        storages[key] = (count, stream.read(count * sizes[key]))
    assert not stream.read()
    return parts, storages


def string(text):
    """BINUNICODE, as pickle protocol 2 writes a str."""
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def tidy(path):
    """Gives the storages short keys in the order of first use.

    torch takes memory addresses, which differ in every run, and orders the storages by them.
    """
    (magic, protocol, system, body, _), storages = split(path.read_bytes())
    order = sorted(storages, key=lambda key: body.index(string(key)))
    renamed = {key: str(1000 + index) for index, key in enumerate(order)}
    for key, short in renamed.items():
        body = body.replace(string(key), string(short))
    data = magic + protocol + system + body + pickle.dumps(list(renamed.values()), protocol=2)
    for key in order:
        count, values = storages[key]
        data += struct.pack("<q", count) + values
    path.write_bytes(data)


class Python2Pickler:
    """As much of Python 2.7's pickle protocol 2 as a state dict takes."""

    def __init__(self):
        self.data = bytearray(b"\x80\x02")
        self.memo = {}

    def remembered(self, key, code):
        """Written once, then fetched from the memo, as Python 2 does with interned strings and globals."""
        if key in self.memo:
            self.data += b"h" + bytes([self.memo[key]])
        else:
            self.memo[key] = len(self.memo)
            self.data += code + b"q" + bytes([self.memo[key]])

    def text(self, value):
        self.remembered(value, b"U" + bytes([len(value)]) + value.encode())

    def name(self, module, attribute):
        self.remembered((module, attribute), f"c{module}\n{attribute}\n".encode())

    def small(self, value):
        self.data += b"K" + bytes([value])

    def long(self, value):
        body = pickle.encode_long(value)
        self.data += b"\x8a" + bytes([len(body)]) + body

    def longs(self, values):
        if not values:
            self.data += b")"
            return
        self.data += b"(" if len(values) > 3 else b""
        for value in values:
            self.long(value)
        self.data += {1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(values), b"t")

    def tensor(self, value, storage, key):
        self.name("torch._utils", "_rebuild_tensor")
        self.data += b"(("
        self.text("storage")
        self.name("torch", storage)
        self.text(key)
        self.text("cpu")
        self.small(value.numel())
        self.data += b"NtQ"
        self.small(0)
        self.longs(value.shape)
        self.longs(value.stride())
        self.data += b"tR"
