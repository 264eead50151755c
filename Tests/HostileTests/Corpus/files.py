"""Pickles and archives put together byte by byte, with every length and offset open to lies."""

import io
import struct
import zlib

MARKER = "/tmp/menagerie-hostile-was-run"
COMMAND = f"touch {MARKER}"


# Pickles


def text(value):
    """BINUNICODE."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value):
    """BININT1, BININT or LONG1."""
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def name(module, what):
    """GLOBAL."""
    return f"c{module}\n{what}\n".encode()


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


def list_of(*items):
    return b"](" + b"".join(items) + b"e"


def dict_of(*pairs):
    return b"}(" + b"".join(key + value for key, value in pairs) + b"u"


def call(function, *arguments):
    """REDUCE."""
    return function + tuple_of(*arguments) + b"R"


def pickled(body, protocol=2):
    return b"\x80" + bytes([protocol]) + body + b"."


SYSTEM = name("os", "system")
CALL = call(SYSTEM, text(COMMAND))
ORDERED = call(name("collections", "OrderedDict"))


def storage(key="0", count=4, kind="FloatStorage", location=None):
    location = text("cpu") if location is None else location
    fields = tuple_of(text("storage"), name("torch", kind), text(key), location, number(count))
    return fields + b"Q"


def tensor(shape=(2, 2), strides=(2, 1), offset=0, place=None, hooks=ORDERED):
    """torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)."""
    return call(
        name("torch._utils", "_rebuild_tensor_v2"),
        storage() if place is None else place,
        number(offset),
        tuple_of(*map(number, shape)),
        tuple_of(*map(number, strides)),
        b"\x89",
        hooks,
    )


def weights(*more):
    """A state dict with the one tensor w, and further entries."""
    return dict_of((text("w"), tensor()), *more)


def beside(*more):
    """A checkpoint {"state_dict": {"w": …}, …}."""
    return dict_of((text("state_dict"), weights()), *more)


NUMBERS = struct.pack("<4f", 1, 2, 3, 4)


# Zip archives


class Member:
    """A member; what is given as local_… or central_… stands only there."""

    def __init__(self, name, data=b"", deflated=False, **lies):
        self.name = name.encode() if isinstance(name, str) else name
        self.plain = data
        self.stored = deflate(data) if deflated else data
        self.method = 8 if deflated else 0
        self.lies = lies

    def field(self, place, what, value):
        return self.lies.get(f"{place}_{what}", self.lies.get(what, value))

    def fields(self, place):
        method = self.field(place, "method", self.method)
        flags = self.field(place, "flags", 0)
        crc = self.field(place, "crc", zlib.crc32(self.plain))
        stored = self.field(place, "stored", len(self.stored))
        plain = self.field(place, "plain", len(self.plain))
        raw = self.field(place, "name", self.name)
        extra = self.field(place, "extra", b"")
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, flags, method, 0, 0x21, crc, stored, plain, len(raw), len(extra)
        )
        return fixed, raw, extra

    def local(self):
        fixed, raw, extra = self.fields("local")
        return b"PK\3\4" + fixed + raw + extra + self.stored + self.lies.get("tail", b"")

    def central(self, offset):
        fixed, raw, extra = self.fields("central")
        offset = self.lies.get("offset", offset)
        return b"PK\1\2\x14\0" + fixed + struct.pack("<HHHII", 0, self.lies.get("disk", 0), 0, 0, offset) + raw + extra


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def end_record(count, size, offset, comment=b"", total=None, disk=0):
    total = count if total is None else total
    return b"PK\5\6" + struct.pack("<HHHHIIH", disk, disk, count, total, size, offset, len(comment)) + comment


def archive(members, prefix=b"", tail=b"", shift=0, wide=None, **lies):
    """A zip archive; `shift` is added to all offsets, `wide` gives the zip64 record's (count, size, offset)."""
    body = bytearray(prefix)
    directory = b""
    for member in members:
        directory += member.central(len(body) + shift)
        body += member.local()
    start = len(body)
    body += directory
    if wide is not None:
        place = len(body)
        body += b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, wide[0], wide[0], wide[1], wide[2])
        body += b"PK\6\7" + struct.pack("<IQI", 0, place, 1)
    count = lies.pop("count", len(members))
    size = lies.pop("size", len(directory))
    offset = lies.pop("offset", start + shift)
    return bytes(body) + end_record(count, size, offset, **lies) + tail


def pytorch(body=None, more=(), protocol=2, numbers=NUMBERS, deflated=False, pickle=None, **lies):
    """The members of a file of torch.save, put together."""
    return archive(members(body, more, protocol, numbers, deflated, pickle), **lies)


def members(body=None, more=(), protocol=2, numbers=NUMBERS, deflated=False, pickle=None):
    content = pickled(weights() if body is None else body, protocol) if pickle is None else pickle
    return [
        Member("archive/data.pkl", content, deflated),
        Member("archive/byteorder", b"little"),
        Member("archive/data/0", numbers),
        Member("archive/version", b"3\n"),
        *more,
    ]


# The other containers

MAGIC = 0x1950A86A20F9469CFC6C


def stream(body=None, first=None, second=None, keys=None, protocol=2):
    """torch.save's format before 1.6: five pickles, then the storages."""
    def whole(content):
        """The format's storages say of what they are a view: of nothing."""
        device = text("cpu") + number(4)
        return content.replace(device + b"tQ", device + b"NtQ")

    system = dict_of((text("protocol_version"), number(1001)), (text("little_endian"), b"\x88"))
    keys = pickled(list_of(text("0"))) if keys is None else keys
    return (
        (pickled(number(MAGIC)) if first is None else first)
        + (pickled(number(1001)) if second is None else second)
        + pickled(system)
        + pickled(whole(weights() if body is None else body), protocol)
        + keys
        + struct.pack("<q", 4)
        + NUMBERS
    )


def tar_header(name, size, kind=b"0", checksum=None, link=b""):
    fields = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2
    fields += (size if isinstance(size, bytes) else b"%011o" % size + b" ") + b"00000000000\0" + b" " * 8 + kind
    fields += link.ljust(100, b"\0") + b"ustar\0" + b"00"
    fields = fields.ljust(512, b"\0")
    total = sum(fields) if checksum is None else checksum
    return fields[:148] + b"%06o\0 " % total + fields[156:]


def tar(files):
    """Files as (header, content)."""
    result = b""
    for header, content in files:
        result += header + content + b"\0" * (-len(content) % 512)
    return result + b"\0" * 1024


def old_tar_parts(body):
    """storages, tensors and pickle of PyTorch's tar format, for one tensor [2, 2] with the key 1."""
    storages = pickled(number(1)) + pickled(tuple_of(text("0"), text("cpu"), name("torch", "FloatStorage")))
    storages += struct.pack("<q", 4) + NUMBERS + pickled(list_of())
    tensors = pickled(number(1)) + pickled(tuple_of(number(1), text("0"), name("torch", "FloatTensor")))
    tensors += struct.pack("<i4x5q", 2, 2, 2, 2, 1, 0)
    return [(b"storages", storages), (b"tensors", tensors), (b"pickle", pickled(body))]


def safetensors(header, data=NUMBERS, count=None):
    raw = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(raw) if count is None else count) + raw + data


def npy(description, data, order="False", shape="(2, 2)"):
    header = f"{{'descr': {description}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data


def gzipped(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def png(tail=b""):
    """A picture of one grey pixel."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    result = io.BytesIO()
    result.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)))
    result.write(chunk(b"IDAT", zlib.compress(b"\0\x7f")) + chunk(b"IEND", b"") + tail)
    return result.getvalue()
