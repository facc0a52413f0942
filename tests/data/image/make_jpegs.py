#!/usr/bin/env python3
"""Writes the JPEGs of tests/image and what Pillow over libjpeg-turbo makes of them and of odd orientations.

Run in this folder with Python 3, numpy, Pillow 9.4 and a C compiler with libjpeg-turbo (write_jpeg.c). Everything is
seeded, so that a second run writes the same bytes.

jpeg/NAME.jpg        pictures of all kinds
jpeg/golden.txt      NAME WIDTH HEIGHT CRC: the CRC-32 of ImageOps.exif_transpose(...).convert("RGB")
orientations.txt     FILE ORIENTATION BEFORE BEHIND: with these bytes inserted (in hexadecimal, or -), Pillow turns turned.jpg
                     or turned.png so; in the JPEG behind its first marker, in the PNG before and behind its pixels
"""
import io
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")  # Pillow's, on the damaged EXIF blocks

SAMPLINGS = {"444": "1x1", "422": "2x1", "420": "2x2", "440": "1x2", "411": "4x1", "410": "4x2", "441": "1x4"}
SPACES = {"grey": 1, "ycc": 3, "rgb": 3, "cmyk": 4, "ycck": 4}

# (name, size, stored as, sampling, options)
JPEGS = [("grey", (45, 37), "grey", "444", []), ("grey-progressive", (45, 37), "grey", "444", ["progressive"]),
         ("one-pixel", (1, 1), "ycc", "420", []), ("wide", (61, 3), "ycc", "420", ["progressive"]),
         ("tall", (3, 61), "ycc", "422", []), ("eight", (8, 8), "ycc", "444", []),
         ("seventeen", (17, 17), "ycc", "420", ["restart=1"]),
         ("rgb", (45, 37), "rgb", "444", []), ("rgb-plain", (45, 37), "rgb", "444", ["plain", "progressive"]),
         ("ycc-plain", (45, 37), "ycc", "420", ["plain"]),
         ("quality-100", (45, 37), "ycc", "420", ["quality=100", "progressive"]),
         ("quality-10", (45, 37), "ycc", "420", ["quality=10"]),
         ("chroma-finer", (45, 37), "ycc", "1x1,2x2,1x1", []), ("mixed", (45, 37), "ycc", "2x2,2x1,1x2", []),
         ("mixed-progressive", (45, 37), "ycc", "2x2,1x1,1x2", ["progressive", "restart=2"])]
JPEGS += [(f"{name}{'-progressive' * bool(options)}", (45, 37), "ycc", name, options)
          for name in SAMPLINGS for options in ([], ["progressive"])]
JPEGS += [(f"restarts-{name}-{n}", (45, 37), "ycc", name, [f"restart={n}"]) for name in ("444", "420") for n in (1, 3)]
JPEGS += [(f"apart-{name}", (45, 37), "ycc", name, ["apart"]) for name in ("444", "420", "411")]
JPEGS += [(f"{space}{'-' * bool(options)}{'-'.join(options)}", (21, 19), space, "444", options)
          for space in ("cmyk", "ycck") for options in ([], ["plain"], ["progressive"], ["apart", "restart=2"])]
JPEGS += [(f"{space}-420", (21, 19), space, "2x2,1x1,1x1,2x2", []) for space in ("cmyk", "ycck")]


def pixels(width, height, channels):
    """Smooth, with noise, and with all extremes."""
    rng = np.random.default_rng(width * height * channels)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = [127 + 150 * np.sin(x / (3 + c) + c) * np.cos(y / (4 + 2 * c)) for c in range(channels)]
    noisy = np.stack(planes, -1) + rng.normal(0, 8, (height, width, channels))
    return noisy.clip(0, 255).astype(np.uint8).tobytes()


def seen_by_pillow(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def make_jpegs(writer):
    folder = pathlib.Path("jpeg")
    folder.mkdir(exist_ok=True)
    with open(folder / "golden.txt", "w") as golden:
        for name, (width, height), space, sampling, options in JPEGS:
            channels = SPACES[space]
            factors = SAMPLINGS.get(sampling, sampling).split(",")
            sampling = "sampling=" + ",".join((factors + ["1x1"] * 4)[:channels])
            words = [writer, str(width), str(height), str(channels), "stored=" + space, sampling, *options]
            data = subprocess.run(words, input=pixels(width, height, channels), stdout=subprocess.PIPE,
                                  check=True).stdout
            (folder / f"{name}.jpg").write_bytes(data)
            rgb = seen_by_pillow(data)
            print(name, *rgb.size, zlib.crc32(rgb.tobytes()), file=golden)


TURNS = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
         4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270,
         7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90}
ORIENTATION = 0x0112
# TIFF's types of values, as struct's letters; bytes and text are no numbers.
LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
           14: "I", 16: "Q", 17: "q", 99: "I"}


def entry(order, tag, kind, values, room):
    """One entry of a TIFF directory, and what it puts behind the directory at `room`."""
    letters = LETTERS[kind]
    data = b"".join(struct.pack(order + letters[i % len(letters)], v) for i, v in enumerate(values))
    head = struct.pack(order + "HHI", tag, kind, len(values) // len(letters))
    return (head + data.ljust(4, b"\0"), b"") if len(data) <= 4 else (head + struct.pack(order + "I", room), data)


def tiff(entries, order="<", magic=None, gap=0, count=None):
    """A block of (tag, type, values)."""
    magic = magic or {"<": b"II*\0", ">": b"MM\0*"}[order]
    directory, behind = b"", b""
    for tag, kind, values in entries:
        piece, more = entry(order, tag, kind, values, 8 + gap + 2 + 12 * len(entries) + 4 + len(behind))
        directory += piece
        behind += more
    count = len(entries) if count is None else count
    return (magic + struct.pack(order + "I", 8 + gap) + bytes(gap) + struct.pack(order + "H", count) + directory
            + bytes(4) + behind)


def random_tiff(random):
    order = random.choice("<>")
    entries = []
    for _ in range(random.choice([1, 1, 2, 3])):
        kind = random.choice([3, 3, 4, *LETTERS])
        value = random.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 8])
        values = [value] * random.choice([1, 1, 1, 2, 3])
        if kind in (5, 10):
            values = [v * 3 if random.random() < 0.3 else v for value in values for v in (value, random.choice([1, 1, 3, 0]))]
        entries.append((random.choice([ORIENTATION] * 3 + [0x010F]), kind, values))
    block = tiff(entries, order, gap=random.choice([0, 0, 0, 2, 4]),
                 count=random.choice([None] * 8 + [0, 9]))
    return block[: random.randrange(len(block))] if random.random() < 0.1 else block


def app1(content):
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def exif(block):
    return app1(b"Exif\0\0" + block)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_profile(block, per_line=36):
    digits = (b"Exif\0\0" + block).hex()
    lines = [digits[i : i + 2 * per_line] for i in range(0, len(digits), 2 * per_line)]
    return f"\nexif\n{len(block) + 6:8}\n".encode() + "\n".join(lines).encode() + b"\n"


def xmp(value, form='<rdf:Description tiff:Orientation="{}"/>'):
    return form.format(value).encode()


def jpeg_insertions(random):
    """What stands after the start of the file."""
    for kind in LETTERS:
        for order in "<>":
            for value in (6, 8):
                yield exif(tiff([(ORIENTATION, kind, [value] + [1] * (kind in (5, 10)))], order))
    for value in (0, 1, 2, 3, 4, 5, 7, 9):
        yield exif(tiff([(ORIENTATION, 3, [value])]))
    for value in (0x10006, 0x60000, 9, 0):
        yield exif(tiff([(ORIENTATION, 4, [value])], ">"))
    six, eight = tiff([(ORIENTATION, 3, [6])]), tiff([(ORIENTATION, 4, [8])], ">")
    adobe = app1(b"http://ns.adobe.com/xap/1.0/\0" + xmp(3))
    yield exif(six) + exif(eight)
    yield exif(b"") + exif(six)
    yield exif(b"damaged!") + exif(six)
    yield adobe
    yield adobe + exif(six)
    yield exif(eight) + adobe
    yield app1(b"Exif\0" + six) + exif(eight)
    yield app1(b"Exif") + exif(eight)
    yield exif(tiff([(ORIENTATION, 3, [6]), (ORIENTATION, 3, [8])]))
    yield exif(tiff([(ORIENTATION, 3, [6]), (ORIENTATION, 2, list(b"text"))]))
    yield exif(tiff([(ORIENTATION, 3, [6, 8, 3])]))
    yield exif(tiff([(ORIENTATION, 10, [-12, -2])]))
    yield exif(tiff([(ORIENTATION, 5, [12, 5])]))
    yield exif(tiff([(ORIENTATION, 11, [6.5])]))
    yield exif(tiff([(ORIENTATION, 12, [float("nan")])]))
    # An entry that points outside of the block ends the reading.
    far = bytearray(tiff([(0x010F, 2, list(b"camera")), (ORIENTATION, 3, [6])]))
    far[18:22] = b"\xff\xff\xff\x7f"
    yield exif(bytes(far))
    for magic in (b"II\0*", b"MM*\0", b"MM\0+", b"II*\1"):
        yield exif(tiff([(ORIENTATION, 3, [6])], "<" if magic[:1] == b"I" else ">", magic))
    for _ in range(120):
        yield b"".join(exif(random_tiff(random)) for _ in range(random.choice([1, 1, 1, 2])))


def png_insertions(random):
    """(before the pixels, behind them)"""
    six, eight = tiff([(ORIENTATION, 3, [6])]), tiff([(ORIENTATION, 4, [8])], ">")
    none = tiff([(0x010F, 3, [1])])
    text = {b"eXIf": chunk(b"eXIf", six), b"tEXt": chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile(eight)),
            b"zTXt": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(eight))),
            b"raw": chunk(b"tEXt", b"exif\0Exif\0\0" + eight)}
    for piece in text.values():
        yield piece, b""
        yield b"", piece
    yield text[b"eXIf"] + text[b"tEXt"], b""
    yield text[b"eXIf"] + text[b"raw"], b""
    yield chunk(b"eXIf", eight), text[b"eXIf"]
    yield chunk(b"eXIf", eight) + text[b"eXIf"], b""
    yield chunk(b"eXIf", b"Exif\0\0" + eight), b""
    yield chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile(eight)[:-20] + b"zz\n"), b""
    key = b"XML:com.adobe.xmp\0"
    for form in ('<x tiff:Orientation="{}"/>', "<tiff:Orientation>{}</tiff:Orientation>", "<x tiff:Orientation='{}'/>",
                 '<x tiff:Orientation="" tiff:Orientation="{}"/>'):
        for value in (6, 0, 9, 36):
            yield chunk(b"iTXt", key + b"\0\0\0\0" + xmp(value, form)), b""
    yield chunk(b"iTXt", key + b"\1\0en\0x\0" + zlib.compress(xmp(8))), b""
    yield chunk(b"iTXt", key + b"\1\1en\0x\0" + zlib.compress(xmp(8))), b""
    yield chunk(b"iTXt", key + b"\1\0en\0x\0damaged"), b""
    yield chunk(b"tEXt", key + xmp(5)), b""
    yield chunk(b"zTXt", key + b"\0" + zlib.compress(xmp(7))), b""
    yield b"", chunk(b"iTXt", key + b"\0\0\0\0" + xmp(3))
    yield chunk(b"eXIf", none), chunk(b"iTXt", key + b"\0\0\0\0" + xmp(3))
    yield chunk(b"eXIf", none) + chunk(b"iTXt", key + b"\0\0\0\0" + xmp(3)), b""
    yield chunk(b"eXIf", six) + chunk(b"iTXt", key + b"\0\0\0\0" + xmp(3)), b""
    yield chunk(b"eXIf", tiff([(ORIENTATION, 3, [9])])) + chunk(b"iTXt", key + b"\0\0\0\0" + xmp(3)), b""
    for _ in range(30):
        yield chunk(b"eXIf", random_tiff(random)), b""


def orientation_by_pillow(plain, data):
    """None where Pillow cannot read the file at all."""
    try:
        turned = seen_by_pillow(data)
    except Exception:  # whatever damaged EXIF makes it raise
        return None
    for orientation, turn in TURNS.items():
        expected = plain if turn is None else plain.transpose(turn)
        if (expected.size, expected.tobytes()) == (turned.size, turned.tobytes()):
            return orientation
    raise AssertionError("turned in no known way")


def make_orientations():
    y, x, c = np.meshgrid(np.arange(3), np.arange(5), np.arange(3), indexing="ij")
    six = Image.fromarray(((x * 47 + y * 83 + c * 11) % 256).astype(np.uint8))
    six.save("turned.jpg", quality=95)
    six.save("turned.png")
    jpeg, png = pathlib.Path("turned.jpg").read_bytes(), pathlib.Path("turned.png").read_bytes()
    source = random.Random(1)
    lines = []

    def add(name, plain, data, *inserted):
        orientation = orientation_by_pillow(seen_by_pillow(plain), data)
        if orientation is not None:
            lines.append(" ".join([name, str(orientation), *(piece.hex() or "-" for piece in inserted)]))

    for inserted in jpeg_insertions(source):
        add("turned.jpg", jpeg, jpeg[:2] + inserted + jpeg[2:], inserted, b"")
    pixels_at, end_at = png.index(b"IDAT") - 4, png.index(b"IEND") - 4
    for before, behind in png_insertions(source):
        data = png[:pixels_at] + before + png[pixels_at:end_at] + behind + png[end_at:]
        add("turned.png", png, data, before, behind)
    pathlib.Path("orientations.txt").write_text("\n".join(lines) + "\n")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        writer = str(pathlib.Path(scratch) / "write_jpeg")
        subprocess.run([shutil.which("cc"), "-O1", "-o", writer, "write_jpeg.c", "-ljpeg"], check=True)
        make_jpegs(writer)
    make_orientations()


main()
