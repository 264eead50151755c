"""Makes the pictures beside this script and pictures.json, what Pillow says to them.

Run with Pillow 13.0.0 (pass order of resize) and its libjpeg-turbo 3.2.0:
    python make_pictures.py
PNG files are put together by hand, because Pillow writes neither 16-bit colour nor Adam7.
"""
import hashlib
import io
import json
import os
import struct
import warnings
import zlib

import PIL
from PIL import Image, ImageOps, features

FOLDER = os.path.dirname(os.path.abspath(__file__))
W, H = 13, 9
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def random_bytes(count, seed):
    state, out = seed, bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state >> 24)
    return bytes(out)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(values, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", v) for v in values)
    bits = "".join(format(v, f"0{depth}b") for v in values)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, pixel_bytes):
    """Each row with another of the five filters."""
    out, above = b"", None
    for number, row in enumerate(rows):
        above = above if above is not None and len(above) == len(row) else bytes(len(row))
        kind, line = number % 5, bytearray()
        for i, value in enumerate(row):
            a = row[i - pixel_bytes] if i >= pixel_bytes else 0
            b = above[i]
            c = above[i - pixel_bytes] if i >= pixel_bytes else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((value - [0, a, b, (a + b) // 2, nearest][kind]) & 255)
        out += bytes([kind]) + bytes(line)
        above = row
    return out


def png(kind, depth, interlaced, extra=b"", seed=1, values=None):
    per = SAMPLES[kind]
    top = 1 << depth
    if values is None:
        raw = random_bytes(2 * W * H * per, seed)
        values = [(raw[2 * i] << 8 | raw[2 * i + 1]) % top for i in range(W * H * per)]
    pixel = lambda x, y: values[(y * W + x) * per : (y * W + x + 1) * per]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    data = b""
    for left, up, right, down in passes:
        rows = []
        for y in range(up, H, down):
            row = [v for x in range(left, W, right) for v in pixel(x, y)]
            if row:
                rows.append(packed(row, depth))
        data += filtered(rows, max(1, per * depth // 8))
    header = struct.pack(">IIBBBBB", W, H, depth, kind, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def pngs():
    for kind, depths in {0: [1, 2, 4, 8, 16], 2: [8, 16], 4: [8, 16], 6: [8, 16], 3: [1, 2, 4, 8]}.items():
        for depth in depths:
            for interlaced in [False, True]:
                entries = 200 if depth == 8 else 1 << depth
                palette = chunk(b"PLTE", random_bytes(3 * entries, 7)) if kind == 3 else b""
                name = f"png-{['grey', '', 'rgb', 'palette', 'grey-alpha', '', 'rgba'][kind]}-{depth}"
                yield name + ("-adam7" if interlaced else "") + ".png", png(kind, depth, interlaced, palette)
    low = [0, 1, 254, 255, 256, 257, 511, 512, 65535] * W
    yield "png-grey-16-low.png", png(0, 16, False, values=low)
    yield "png-grey-transparent.png", png(0, 8, False, chunk(b"tRNS", b"\0\x40"))
    yield "png-rgb-transparent.png", png(2, 8, False, chunk(b"tRNS", b"\0\1\0\2\0\3"))
    yield "png-palette-transparent.png", png(
        3, 4, False, chunk(b"PLTE", random_bytes(48, 5)) + chunk(b"tRNS", bytes(range(0, 160, 16))))
    yield "png-gamma.png", png(2, 8, False, chunk(b"gAMA", struct.pack(">I", 100000)))


def photograph(width, height, channels):
    """Something smooth with an edge and a little noise."""
    noise = random_bytes(width * height * channels, 3)
    out = bytearray()
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                value = (x * (7 - 2 * c) + y * (3 + 2 * c)) % 256 + (90 if (x - 12) ** 2 + (y - 9) ** 2 < 60 else 0)
                out.append(max(0, min(255, value + noise[(y * width + x) * channels + c] % 24)))
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[channels]
    return Image.frombytes(mode, (width, height), bytes(out))


def jpeg(picture, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", **{"quality": 85, **options})
    return out.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def jpegs():
    colour = photograph(35, 27, 3)
    yield "jpeg-444.jpg", jpeg(colour, subsampling=0)
    yield "jpeg-422.jpg", jpeg(colour, subsampling=1)
    yield "jpeg-420.jpg", jpeg(colour, subsampling=2)
    yield "jpeg-420-tiny.jpg", jpeg(photograph(3, 5, 3), subsampling=2)
    yield "jpeg-420-coarse.jpg", jpeg(colour, subsampling=2, quality=20)
    yield "jpeg-progressive.jpg", jpeg(colour, progressive=True)
    yield "jpeg-restart.jpg", jpeg(colour, restart_marker_blocks=2)
    yield "jpeg-rgb.jpg", jpeg(colour, keep_rgb=True)
    yield "jpeg-grey.jpg", jpeg(photograph(35, 27, 1))
    # 4:2:2 with its sampling factors exchanged is a valid 4:4:0 of as many blocks: 32×32 has 8 units either way.
    square = bytearray(jpeg(photograph(32, 32, 3), subsampling=1))
    at = square.index(b"\xff\xc0")
    assert square[at + 11] == 0x21
    square[at + 11] = 0x12
    yield "jpeg-440.jpg", bytes(square)
    cmyk = jpeg(photograph(35, 27, 4))
    yield "jpeg-cmyk.jpg", cmyk
    ycck = bytearray(cmyk)
    at = ycck.index(b"Adobe")
    assert ycck[at + 11] == 0
    ycck[at + 11] = 2
    yield "jpeg-ycck.jpg", bytes(ycck)
    for orientation in range(1, 9):
        yield f"jpeg-turned-{orientation}.jpg", jpeg(photograph(11, 7, 3), exif=exif(orientation))


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def resizes():
    sizes = [
        (1, 1, 7, 5), (2, 3, 1, 1), (28, 28, 32, 32), (28, 28, 14, 14), (32, 32, 224, 224), (640, 427, 383, 256),
        (100, 300, 50, 60), (100, 300, 150, 60), (100, 301, 200, 100), (100, 301, 201, 100), (50, 120, 60, 100),
        (50, 121, 60, 100), (300, 100, 50, 60), (64, 64, 64, 20), (64, 64, 20, 64), (17, 400, 17, 3),
    ]
    raw = random_bytes(4 * 4 * 60, 11)
    for i in range(60):
        a, b, c, d = raw[4 * i : 4 * i + 4]
        sizes.append((a % 90 + 1, b % 90 + 1, c % 90 + 1, d % 90 + 1))
    for number, (w, h, width, height) in enumerate(sizes):
        for channels in [1, 3]:
            data = random_bytes(w * h * channels, number)
            picture = Image.frombytes("L" if channels == 1 else "RGB", (w, h), data)
            for name, kind in [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)]:
                result = digest(picture.resize((width, height), kind).tobytes())
                yield {
                    "seed": number, "from": [w, h], "to": [width, height], "channels": channels,
                    "interpolation": name, "sha256": result,
                }


def main():
    assert PIL.__version__ == "13.0.0", PIL.__version__
    warnings.simplefilter("ignore")
    pictures = []
    for name, data in [*pngs(), *jpegs()]:
        with open(os.path.join(FOLDER, name), "wb") as file:
            file.write(data)
        picture = Image.open(io.BytesIO(data))
        rgb = picture.convert("RGB")
        entry = {
            "file": name, "width": rgb.width, "height": rgb.height,
            "rgb": digest(rgb.tobytes()), "grey": digest(picture.convert("L").tobytes()),
            "is_grey": picture.mode in ("1", "L", "I;16") or "grey" in name,
            "orientation": picture.getexif().get(0x0112, 1), "first_rgb": list(rgb.tobytes()[:12]),
        }
        if "turned" in name:
            entry["upright"] = digest(ImageOps.exif_transpose(picture).convert("RGB").tobytes())
        pictures.append(entry)
    document = {
        "made_with": {"pillow": PIL.__version__, "libjpeg_turbo": features.version("libjpeg_turbo")},
        "pictures": pictures, "resizes": list(resizes()),
    }
    with open(os.path.join(FOLDER, "pictures.json"), "w") as file:
        lines = ",\n".join
        file.write('{"made_with": ' + json.dumps(document["made_with"]) + ',\n"pictures": [\n')
        file.write(lines(json.dumps(entry) for entry in document["pictures"]) + '\n],\n"resizes": [\n')
        file.write(lines(json.dumps(entry) for entry in document["resizes"]) + "\n]}\n")


main()
