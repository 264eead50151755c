"""Pickles, archives and tables that lie about their sizes, or grow without end."""

import io
import json
import struct
import zlib

import files as f
from corpus import CLEAN, UNREADABLE, W, fails, finds, reads, sample
from files import Member, archive, beside, call, dict_of, list_of, members, name, number, pickled, pytorch, text, tuple_of

JUDGED = finds("can't be judged")


def broken(file, what, body, code, says, scan=JUDGED, protocol=4):
    """An archive whose pickle is this."""
    sample(file, what, pytorch(pickle=b"\x80" + bytes([protocol]) + body), fails(code, says), scan)


# Pickles

broken("long4-huge.pth", "LONG4 of 2 GiB", b"\x8b\xff\xff\xff\x7f\0\0.", "truncated", "ends too early")
broken("long4-negative.pth", "LONG4 of a negative length", b"\x8b\xff\xff\xff\xff\0.", "truncated", "ends too early")
broken("binunicode8-huge.pth", "BINUNICODE8 of 2⁶³ bytes", b"\x8d" + struct.pack("<Q", 1 << 63) + b"a.", "corrupt",
       "too large")
broken("binunicode8-long.pth", "BINUNICODE8 of 2⁴⁰ bytes", b"\x8d" + struct.pack("<Q", 1 << 40) + b"a.", "truncated",
       "ends too early")
broken("binbytes8-huge.pth", "BINBYTES8 of 2⁶³-1 bytes", b"\x8e" + struct.pack("<Q", (1 << 63) - 1) + b"a.",
       "truncated", "ends too early")
broken("bytearray8-huge.pth", "BYTEARRAY8 of 2⁶⁴-1 bytes", b"\x96" + b"\xff" * 8 + b"a.", "corrupt", "too large")
broken("binstring-negative.pth", "BINSTRING of a negative length", b"T\xff\xff\xff\xffa.", "truncated",
       "ends too early")
broken("frame-lies.pth", "a frame of 2⁶² bytes", b"\x95" + struct.pack("<Q", 1 << 62) + b"N.", "truncated", "frame")
broken("frame-negative.pth", "a frame of 2⁶⁴-1 bytes", b"\x95" + b"\xff" * 8 + b"N.", "corrupt", "too large")
broken("underflow.pth", "REDUCE on an empty stack", b"R.", "corrupt", "empty stack")
broken("mark-underflow.pth", "TUPLE without a mark", b"NNt.", "corrupt", "mark")
broken("append-to-none.pth", "APPEND to None", b"NNa.", "corrupt", "appends", scan=CLEAN)
broken("odd-dictionary.pth", "a dictionary with a key and no value", b"}(Nu.", "corrupt", "no value")
broken("memo-missing.pth", "a memo entry that doesn't exist", b"h\x07.", "corrupt", "memo")
broken("memo-far.pth", "LONG_BINPUT at 2³²-1", b"Nr\xff\xff\xff\xff0j\xfe\xff\xff\xff.", "corrupt", "memo")
broken("marks.pth", "ten thousand marks", b"(" * 10_000 + b".", "limit_exceeded", "nests deeper")
broken("unknown-opcode.pth", "an opcode that doesn't exist", b"N\xfe.", "corrupt", "unknown opcode")
broken("protocol-9.pth", "a protocol that doesn't exist", b"\x80\x09N.", "unsupported", "protocol is 9")
broken("no-stop.pth", "a pickle without an end", b"N", "truncated", "ends too early")
broken("left-over.pth", "a pickle that leaves values behind", b"NN.", "corrupt", "left over", scan=CLEAN)

sample("contains-itself.pth", "a list that contains itself", pytorch(beside((text("loop"), b"]\x940h\0h\0a")),
       protocol=4), reads(), CLEAN)
sample("state-dict-in-itself.pth", "a state dict that is its own entry",
       pytorch(b"}\x94(" + text("w") + f.tensor() + text("self") + b"h\0u", protocol=4), reads(), CLEAN)
sample("laughs.pth", "tuples of tuples, doubled sixty times", pytorch(beside((text("laughs"), b")" + b"2\x86" * 60)), protocol=4), reads(), CLEAN)
sample("deep-lists.pth", "ten thousand lists in each other",
       pytorch(beside((text("deep"), b"]" * 10_000 + b"a" * 9_999)), deflated=True), reads(), CLEAN)
pairs = (number(7) + b"N") * 20_000
sample("shared-dictionary.pth", "a dictionary of twenty thousand nameless entries, twenty thousand times", pytorch(
    b"}(" + b"NN" * 20_000 + b"u\x940" + beside((text("many"), b"](" + b"h\0" * 20_000 + b"e")), protocol=4,
    deflated=True), reads(), CLEAN)
key = text("k" * 900_000)
sample("long-keys.pth", "one key of a megabyte in ten thousand dictionaries", pytorch(
    key + b"\x940" + beside((text("many"), b"](" + b"}h\0Ns" * 10_000 + b"e")), protocol=4, deflated=True),
    reads(), CLEAN)
sample("long-name.pth", "a class named by a megabyte, ten thousand times", pytorch(
    key + b"\x940" + beside((text("many"), b"](" + b"h\0h\0\x93" * 10_000 + b"e")), protocol=4, deflated=True),
       fails("limit_exceeded", "4096 bytes"), JUDGED)
sample("long-path.pth", "state dicts under a key of a megabyte",
       pytorch(key + b"\x940" + b"}(" + b"h\0" + b"}(" + b"h\0" + b"}(" + b"".join(
           number(i) + b"}" for i in range(2_000)) + text("state_dict") + f.weights() + b"u" * 3, protocol=4,
           deflated=True), fails("missing_tensor", "no tensors"), CLEAN)
sample("shared-modules.pth", "a network whose layers are all the same one, on twenty levels", pytorch(
    f.ORDERED + b"0" + name("torch.nn.modules.linear", "Linear") + b")\x81" + dict_of(
        (text("_parameters"), dict_of((text("w"), f.tensor()))), (text("_modules"), b"}"), (text("_buffers"), b"}")) + b"b"
    + b"".join(
        b"\x94" + b"0" + name("torch.nn.modules.container", "Sequential") + b")\x81" + dict_of(
            (text("_parameters"), b"}"), (text("_buffers"), b"}"), (text("_modules"), dict_of(
                (text("0"), b"h" + bytes([i])), (text("1"), b"h" + bytes([i]))))) + b"b" for i in range(20)),
    protocol=4), fails("limit_exceeded", "nest without end"), CLEAN)
sample("list-of-doubts.pth", "ten thousand objects of unknown classes that share one long list", pytorch(
    b"](" + b"N" * 20_000 + b"e\x940" + name("vendor", "Thing") + b"\x940" + f.dict_of((text("w"), f.tensor()),
    (text("v"), f.tensor())) + b"(" + b"".join(number(i) + b"h\1h\0\x85\x81" for i in range(1)) + b"u", protocol=4,
    deflated=True), reads({"v": "f32 [2, 2]", "w": "f32 [2, 2]"}), finds("vendor.Thing, which isn't known"))
sample("pickle-bomb.pth", "sixteen million empty lists in sixteen kilobytes",
       pytorch(pickle=b"\x80\4" + b"]" * (16 << 20) + b".", deflated=True), fails("limit_exceeded", "expands"),
       UNREADABLE)

# Tensors


def bad_tensor(file, what, code, says, scan=CLEAN, **tensor):
    sample(file, what, pytorch(dict_of((text("w"), f.tensor(**tensor)))), fails(code, says), scan)


bad_tensor("short-storage.pth", "strides that reach beyond the storage", "corrupt", "storage", strides=(4, 1))
bad_tensor("negative-offset.pth", "a first element before the storage", "corrupt", "storage", offset=-1)
bad_tensor("negative-stride.pth", "a stride that leads before the storage", "corrupt", "storage", strides=(-2, 1))
bad_tensor("far-offset.pth", "a first element at 2⁶²", "corrupt", "reaches outside its storage", offset=1 << 62)
bad_tensor("stride-overflow.pth", "strides of 2⁶²", "corrupt", "too large to add up", strides=(1 << 62, 1 << 62))
bad_tensor("shape-overflow.pth", "a shape of 2⁸⁰ elements", "corrupt", "more elements", shape=(1 << 40, 1 << 40), strides=(0, 0))
bad_tensor("negative-shape.pth", "a negative extent", "corrupt", "is negative", shape=(-2, 2))
bad_tensor("expansion.pth", "four numbers as 2²⁸, by strides of zero", "limit_exceeded", "repeats its storage",
           shape=(1 << 14, 1 << 14), strides=(0, 0))
bad_tensor("rank.pth", "a thousand axes", "corrupt", "known form", shape=(1,) * 1000, strides=(1,) * 1000)
bad_tensor("storage-of-another-size.pth", "a storage that says it is longer than its member", "corrupt",
           "another size", place=f.storage(count=5))
bad_tensor("storage-negative.pth", "a storage of -4 elements", "corrupt", "storage", place=f.storage(count=-4))
bad_tensor("storage-huge.pth", "a storage of 2⁶² elements", "corrupt", "too large to add up", place=f.storage(count=1 << 62))
bad_tensor("storage-outside.pth", "a storage whose key leads out of the archive", "corrupt", "isn't in the file",
           place=f.storage(key="../../../../etc/passwd"))
sample("two-descriptions.pth", "two tensors that describe one storage differently", pytorch(f.weights(
    (text("v"), f.tensor(place=f.storage(count=2, kind="DoubleStorage"), shape=(2,), strides=(1,))),
    (text("u"), f.tensor(place=f.storage(count=3), shape=(1,), strides=(1,))))), fails("corrupt", "another size"), CLEAN)
sample("stream-count.pth", "the stream format's storage with another count than its tensors say",
       f.stream(f.weights(), keys=pickled(list_of(text("0"))))[:-24] + struct.pack("<q", 1 << 40) + f.NUMBERS,
       fails("corrupt", "another number of elements"), finds("can't be judged"))
sample("stream-tail.pth", "bytes behind the stream format's last storage", f.stream() + b"#!/bin/sh\n",
       fails("corrupt", "follow the last storage"), finds("follow the last storage"))

# Zip archives

bomb = [Member(f"archive/data/{i}", b"\0" * (15 << 20), True) for i in range(2)]
wide = [(text(f"w{i}"), f.tensor((15 << 18,), (1,), place=f.storage(str(i), 15 << 18))) for i in range(2)]
sample("bomb.pth", "two storages of 15 MiB of zeros in 16 kB each",
       archive([Member("archive/data.pkl", pickled(dict_of(*wide))), Member("archive/version", b"3\n"), *bomb]),
       reads({f"w{i}": f"f32 [{15 << 18}]" for i in range(2)}), CLEAN)
sample("huge-member.npz", "an array of 2⁴⁰ bytes in a kilobyte", archive([Member("w.npy", f.npy(
    "'<f4'", b"\0" * 4096, shape=f"({1 << 38},)"), True, plain=0xFFFFFFFF, extra=struct.pack(
        "<HHQ", 1, 8, (1 << 40) + 128), local_plain=0, local_extra=b"", flags=8)]),
    fails("limit_exceeded", "expands"), UNREADABLE)
nest = pytorch(beside((text("hook"), f.CALL)))
for _ in range(6):
    nest = archive([Member("inner.zip", nest)])
sample("nested.zip", "an archive in an archive, six times", nest, fails("limit_exceeded", "packed into itself"),
       finds("packed into each other"))

refused = fails("refused", "leads out of it")
for file, path in (
    ("parent.pth", "archive/../../evil"), ("absolute.pth", "/etc/passwd"), ("drive.pth", "C:evil"),
    ("backslash.pth", "archive\\..\\evil"), ("nul.pth", "archive/data.pkl\0.txt"), ("empty-name.pth", ""),
):
    sample(file, f"a member named {path!r}", pytorch(more=[Member(path, b"x")]), refused, UNREADABLE)
evil = members(beside((text("hook"), f.CALL)))[0]
found = finds("os.system, which can run anything", "can't be read")
sample("duplicate.pth", "two members named data.pkl, the first with a call", archive([evil] + members(f.weights())),
       fails("corrupt", "two members"), found, "torch")
data = members(beside((text("hook"), f.CALL)))
data[0] = Member("archive/data.pkl", data[0].plain, local_name=b"archive/data.txt")
sample("local-name.pth", "data.pkl has another name in its own header", archive(data), fails("corrupt", "differs"),
       found)
data = members()
data[0] = Member("archive/data.pkl", data[0].plain, crc=1)
sample("checksum.pth", "data.pkl doesn't have its checksum", archive(data), fails("checksum", "checksum"),
       UNREADABLE)
data = members()
data[2] = Member("archive/data/0", f.NUMBERS, central_crc=7, local_crc=7)
sample("storage-checksum.pth", "a storage doesn't have its checksum", archive(data),
       fails("checksum", "checksum", lists=True), CLEAN)
data = members()
data[0] = Member("archive/data.pkl", data[0].plain, flags=1)
sample("encrypted.pth", "data.pkl is marked as encrypted", archive(data), fails("unsupported", "encrypted"),
       UNREADABLE)
data = members()
data[0] = Member("archive/data.pkl", data[0].plain, method=99)
sample("method.pth", "data.pkl is compressed by an unknown method", archive(data), fails("unsupported", "method 99"),
       UNREADABLE)
for file, lie in (("deflated-long.pth", 5), ("deflated-short.pth", -5)):
    data = members(deflated=True)
    data[0].lies = {"plain": len(data[0].plain) + lie}
    sample(file, f"the compressed data.pkl is said to be {lie} bytes longer", archive(data), fails("corrupt", "length"),
           UNREADABLE)
data = members(deflated=True)
data[0] = Member("archive/data.pkl", data[0].plain, True)
data[0].stored = data[0].stored[:20] + b"\xff" * 20 + data[0].stored[40:]
sample("deflated-damaged.pth", "the compressed data.pkl is damaged", archive(data), fails("corrupt", "compressed data is damaged"),
       UNREADABLE)
data = members()
data[1].lies = {"offset": 0}
sample("overlapping.pth", "two entries of the table of contents for the same bytes", archive(data),
       fails("corrupt", "overlaps"), UNREADABLE)
data = members()
data[0].lies = {"central_stored": 1 << 20, "central_plain": 1 << 20}
sample("size-lies.pth", "the table of contents says that data.pkl is a megabyte", archive(data),
       fails("corrupt", "overlaps"), UNREADABLE)
data = members()
data[0].lies = {"central_stored": 20, "central_plain": 20}
sample("size-contradicts.pth", "data.pkl is shorter in the table of contents than in its header", archive(data),
       fails("corrupt", "differs"), finds("belong to no member"))
data = members()
data[2].lies = {"offset": 1 << 30}
sample("offset-lies.pth", "a member lies beyond the end of the file", archive(data), fails("corrupt", "overlaps"),
       UNREADABLE)
for file, count in (("count-more.pth", 5), ("count-fewer.pth", 3), ("count-huge.pth", 0xFFFE), ("count-zero.pth", 0)):
    sample(file, f"the end record counts {count} members of 4", archive(members(), count=count),
           fails("truncated" if count > 4 else "corrupt", "ends too early" if count > 4 else "more members"), UNREADABLE)
sample("directory-size.pth", "the table of contents is said to be 2 GiB", archive(members(), size=1 << 31),
       fails("corrupt", "outside the file"), UNREADABLE)
sample("directory-offset.pth", "the table of contents is said to begin one byte later",
       archive(members(), offset=len(archive(members())) - 21), fails("corrupt", "outside the file"), UNREADABLE)
sample("several-disks.pth", "one part of an archive on several disks", archive(members(), disk=3),
       fails("unsupported", "several files"), UNREADABLE)
plain = archive(members())
size, offset = struct.unpack("<II", plain[-10:-2])
sample("wide.pth", "a 64-bit end record that says the same", archive(members(), wide=(4, size, offset)), reads(), CLEAN)
sample("wide-contradicts.pth", "the 64-bit end record has another count", archive(members(), wide=(3, size, offset)),
       fails("corrupt", "contradict"), UNREADABLE)
sample("wide-outside.pth", "the 64-bit end record points to 2⁶²",
       archive(members(), wide=(4, size, 1 << 62), offset=0xFFFFFFFF), fails("corrupt", "outside the file"), UNREADABLE)
sample("wide-huge.pth", "the 64-bit end record counts 2⁶³ members",
       archive(members(), wide=(1 << 63, size, offset), count=0xFFFF), fails("corrupt", "too large"), UNREADABLE)
data = members()
data[2].lies = {"central_stored": 0xFFFFFFFF, "central_plain": 0xFFFFFFFF}
sample("wide-missing.pth", "a member's 64-bit size is missing", archive(data), fails("corrupt", "64-bit size"),
       UNREADABLE)
data = members()
data[2].lies = {"flags": 8, "local_crc": 0, "local_stored": 0, "local_plain": 0, "tail": b"PK\7\x08" + struct.pack(
    "<III", 1, 2, 3)}
sample("descriptor.pth", "a data descriptor that says something else", archive(data), reads(), CLEAN)
data = members()
data[2].lies = {"flags": 8, "local_crc": 0, "local_stored": 0, "local_plain": 0, "tail": b"PK\7\x08" + struct.pack(
    "<III", zlib.crc32(f.NUMBERS), 16, 16) + f.CALL}
sample("descriptor-tail.pth", "something hides behind a data descriptor", archive(data), reads(),
       finds("belong to no member"))
data = members()
data[1].lies = {"tail": pickled(f.CALL)}
sample("hole.pth", "a pickle hides between two members", archive(data), reads(), finds("belong to no member"))
sample("tail.pth", "something follows the archive", archive(members(), tail=b"#!/bin/sh\ntouch x\n"), reads(),
       finds("belong to no member"))
sample("two-ends.pth", "two archives, one behind the other; readers differ in which one they take",
       archive(members(beside((text("hook"), f.CALL)))) + archive(
           members(), shift=len(archive(members(beside((text("hook"), f.CALL)))))), reads(), finds("belong to no member"))
sample("prefix.pth", "a program stands in front of the archive", archive(members(), prefix=b"#!/bin/sh\nexit\n"),
       fails("unknown_format", "no known format"), finds("read from its end, a zip archive"))
sample("comment.pth", "an end record inside the comment of another",
       archive(members(), comment=f.end_record(0, 0, 0)), fails("unknown_format", "no checkpoint"), finds("more than one end"))
sample("version.pth", "a format version of a thousand digits", archive(
    [m for m in members() if b"version" not in m.name] + [Member("archive/version", b"9" * 1000)]),
       fails("corrupt", "version"), CLEAN)
sample("many-members.zip", "a table of contents full of empty members", archive(
    [Member(f"{i}", b"") for i in range(300)]), fails("unknown_format", "no checkpoint"), CLEAN)

# safetensors

ENTRY = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def st(file, what, content, code, says, scan=UNREADABLE):
    sample(file + ".safetensors", what, content, fails(code, says), scan)


def header(**entries):
    return f.safetensors(json.dumps(entries))


plain = json.dumps({"w": ENTRY})
sample("harmless.safetensors", "a file with nothing wrong in it", f.safetensors(plain), reads(), CLEAN)
st("long-header", "a header longer than the file", f.safetensors(plain, count=1 << 20), "truncated", "ends too early")
st("huge-header", "a header of 2⁶³ bytes", f.safetensors(plain, count=1 << 63), "unknown_format", "no known format")
st("large-header", "a header of 512 MiB", f.safetensors(plain, count=1 << 29), "limit_exceeded", "header is too long")
st("duplicate", "two tensors of the same name", f.safetensors(plain[:-1] + ", " + plain[1:]), "corrupt", "twice")
st("hole", "a hole between tensors", header(w=ENTRY, v=ENTRY | {"shape": [1], "data_offsets": [20, 24]}), "corrupt",
   "hole", finds("a hole before a tensor"))
st("overlap", "tensors that overlap", header(w=ENTRY, v=ENTRY | {"shape": [2], "data_offsets": [8, 16]}), "corrupt",
   "overlaps", finds("overlaps"))
st("beyond", "a tensor beyond the end", header(w=ENTRY | {"shape": [200], "data_offsets": [0, 800]}), "truncated",
   "ends before")
sample("tail.safetensors", "bytes behind the last tensor", f.safetensors(plain, f.NUMBERS + b"#!/bin/sh\n"),
       fails("corrupt", "follow the last tensor"), finds("follow the last tensor"))
st("backwards", "a tensor that ends before it begins", header(w=ENTRY | {"data_offsets": [16, 0]}), "corrupt",
   "doesn't fit")
st("negative", "a tensor at -16", header(w=ENTRY | {"data_offsets": [-16, 0]}), "corrupt", "doesn't fit")
st("byte-count", "a place of another size than the shape's", header(w=ENTRY | {"shape": [2, 3]}), "corrupt",
   "doesn't fit")
st("shape-overflow", "a shape of 2⁸⁰ elements", header(w=ENTRY | {"shape": [1 << 40, 1 << 40]}), "corrupt", "more elements")
st("shape-digits", "an extent of a thousand digits",
   f.safetensors(plain.replace("[2, 2]", "[" + "9" * 1000 + "]")), "corrupt", "out of range")
st("fraction", "an extent that isn't whole", header(w=ENTRY | {"shape": [2.5, 2]}), "corrupt", "lacks")
st("not-utf8", "a name that isn't UTF-8", f.safetensors(plain.encode().replace(b"w", b"\xff\xfe")), "corrupt",
   "UTF-8")
st("deep", "JSON that nests ten thousand times", f.safetensors('{"__metadata__": ' + "[" * 10_000 + "]" * 10_000 + "}"),
   "corrupt", "nested deeper")
st("metadata", "metadata that isn't text", header(__metadata__={"format": {"a": 1}}, w=ENTRY), "corrupt", "metadata")
st("dtype", "a type that doesn't exist", header(w=ENTRY | {"dtype": "F31"}), "unsupported", "dtype")
st("not-a-table", "a header that ends in something else", f.safetensors(plain + "x" * 8), "corrupt", "follows")
sample("escapes.safetensors", "a name full of control characters", header(
    **{"w\x1b[31m\r\n": ENTRY}), reads({"w\x1b[31m\r\n": "f32 [2, 2]"}), CLEAN)

# NumPy

sample("dimensions.npy", "a shape of 2⁸⁰ elements", f.npy("'<f4'", f.NUMBERS, shape=f"({1 << 40}, {1 << 40})"),
       fails("corrupt", "more elements"), UNREADABLE)
sample("header.npy", "a header of 64 KiB that isn't there", b"\x93NUMPY\1\0\xff\xff{", fails("limit_exceeded", "header"),
       UNREADABLE)
sample("expression.npy", "a header with an expression in it", f.npy("__import__('os').system('true')", f.NUMBERS),
       fails("corrupt", "lacks a text"), UNREADABLE)

# tar

good = [(f.tar_header(n, len(c)), c) for n, c in f.old_tar_parts(dict_of((text("w"), number(1) + b"Q")))]
bad = list(good)
bad[1] = (f.tar_header(b"tensors", len(bad[1][1]), checksum=1), bad[1][1])
sample("tar-checksum.pth", "a header whose checksum is wrong", f.tar(bad), fails("corrupt", "header"), UNREADABLE)
bad[1] = (f.tar_header(b"tensors", b"77777777777 "), good[1][1])
sample("tar-size.pth", "a file of eight gigabytes", f.tar(bad), fails("truncated", "ends too early"), UNREADABLE)
bad[1] = (f.tar_header(b"tensors", b"-0000000777 "), good[1][1])
sample("tar-negative.pth", "a file of a negative size", f.tar(bad), fails("corrupt", "header"), UNREADABLE)
bad[1] = (f.tar_header(b"tensors", b"\x80\0\0\0" + struct.pack(">Q", 1 << 62)), good[1][1])
sample("tar-binary-size.pth", "a file of 2⁶² bytes", f.tar(bad), fails("corrupt", "header"), UNREADABLE)
bad[1] = (f.tar_header(b"tensors", 0, kind=b"2", link=b"/etc/passwd"), b"")
sample("tar-link.pth", "one of the files is a symbolic link", f.tar(bad), fails("unknown_format", "isn't a PyTorch"),
       finds("a symbolic link"))
sample("tar-more.pth", "a file that no checkpoint has", f.tar(good + [(f.tar_header(b"../evil.sh", 4), b"true")]),
       reads(), finds("../evil.sh"))
record = b"15 path=pickle\n"
renamed = good[:2] + [(f.tar_header(b"pax", len(record), kind=b"x"), record), (f.tar_header(b"harmless", len(
    pickled(f.CALL))), pickled(f.CALL)), good[2]]
sample("tar-renamed.pth", "an extended header gives a file another name", f.tar(renamed),
       reads(), finds("a second file, pickle"))

# gzip

sample("bomb.gz", "a hundred megabytes of zeros in a hundred kilobytes", f.gzipped(b"\0" * (100 << 20)),
       fails("limit_exceeded", "expands"), UNREADABLE)
nest = f.gzipped(pytorch())
for _ in range(6):
    nest = f.gzipped(nest)
sample("nested.gz", "a gzip file in a gzip file, six times", nest, fails("limit_exceeded", "packed into itself"),
       finds("packed into each other"))
sample("checksum.pth.gz", "a gzip file with a wrong checksum", f.gzipped(pytorch())[:-8] + b"\0" * 8,
       fails("corrupt", "compressed data is damaged"), UNREADABLE)

# Two things at once

both = finds("read from its end, a zip archive")
evil = archive(members(beside((text("hook"), f.CALL))))


def shifted(front):
    """The archive with its offsets counted from the beginning of what stands in front."""
    return archive(members(beside((text("hook"), f.CALL))), shift=len(front))


front = f.safetensors(plain)
sample("zip.safetensors", "an archive behind a safetensors file", front + shifted(front),
       fails("corrupt", "follow the last tensor"), both)
sample("plain-zip.safetensors", "an archive behind a safetensors file, its offsets unchanged", front + evil,
       fails("corrupt", "follow the last tensor"), both)
whole = json.dumps({"w": {"dtype": "U8", "shape": [len(evil)], "data_offsets": [0, len(evil)]}})
front = f.safetensors(whole, b"")
sample("tensor-is-zip.safetensors", "a tensor whose bytes are an archive", front + shifted(front),
       reads({"w": f"u8 [{len(evil)}]"}), both)
front = f.npy("'<f4'", f.NUMBERS)
sample("zip.npy", "an archive behind an array", front + shifted(front), fails("corrupt", "length", lists=True), both)
sample("pickle.png", "a pickle behind a picture", f.png(pickled(f.CALL)), fails("unknown_format", "a picture"),
       finds("follow the picture", "os.system"))
sample("zip.png", "an archive behind a picture", f.png() + shifted(f.png()), fails("unknown_format", "a picture"),
       both)
sample("pickle.pdf", "an archive behind a page", b"<html></html>\n" + shifted(b"<html></html>\n"),
       fails("unknown_format", "web page"), both)
