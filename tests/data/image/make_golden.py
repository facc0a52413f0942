#!/usr/bin/env python3
"""Writes the pictures and golden values of tests/image: Pillow and torchvision are the reference.

Run in this folder with Python 3, numpy, Pillow 9.4, PyTorch and torchvision 0.14. Everything is seeded or computed, so
that a second run writes the same bytes.
"""
import io
import struct
import zlib

import numpy as np
import torchvision.transforms as T
from PIL import Image, ImageOps

WIDTH, HEIGHT = 23, 17  # odd sizes: no block or byte boundary falls on an edge


def pattern(width, height):
    """A busy picture from a formula that the tests repeat in C++: it need not be stored."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return Image.fromarray((((x * 37 + y * 101 + c * 59) ^ (x * y)) & 255).astype(np.uint8))


def photo(width=WIDTH, height=HEIGHT):
    """Smooth colours, as a JPEG likes them."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    rgb = np.stack([255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 4) * np.cos(y / 3)], -1)
    return Image.fromarray(rgb.round().astype(np.uint8))


def save_rgb(name, image):
    with open(name + ".rgb", "wb") as file:
        file.write(image.convert("RGB").tobytes())


def over_white(image):
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(name, width, height, depth, colour_type, raw, interlace=0, more=b""):
    """What Pillow cannot write: 16-bit colour and Adam7."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlace)
    with open(name, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(raw, 9))
                   + chunk(b"IEND", b""))


def make_pngs():
    rgb = photo()
    rng = np.random.default_rng(1)
    alpha = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8))

    def both(name, image, **options):
        image.save(name + ".png", optimize=True, **options)
        save_rgb(name, over_white(image))

    both("rgb", rgb)
    both("grey", rgb.convert("L"))
    both("bilevel", rgb.convert("1"))
    both("palette", rgb.quantize(11))
    rgb.quantize(11).save("palette-transparent.png", optimize=True, transparency=bytes([0, 80, 160, 255]))
    save_rgb("palette-transparent", over_white(Image.open("palette-transparent.png")))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    both("rgba", rgba)
    both("grey-alpha", rgba.convert("LA"))

    # 16 bits: the high byte is the picture, the low byte noise that must not show.
    high = np.asarray(rgb).astype(np.uint16) << 8
    deep = high | rng.integers(0, 256, high.shape, dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    write_png("rgb16.png", WIDTH, HEIGHT, 16, 2, rows)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep[:, :, 1])
    write_png("grey16.png", WIDTH, HEIGHT, 16, 0, rows)

    # One colour declared transparent (tRNS without a palette).
    pixels = np.asarray(rgb).copy()
    pixels[3:9, 5:12] = (255, 0, 255)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    write_png("colour-key.png", WIDTH, HEIGHT, 8, 2, rows, more=chunk(b"tRNS", struct.pack(">HHH", 255, 0, 255)))
    pixels[3:9, 5:12] = 255
    save_rgb("colour-key", Image.fromarray(pixels))

    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in np.asarray(rgb)[y::dy, x::dx])
    write_png("interlaced.png", WIDTH, HEIGHT, 8, 2, rows, interlace=1)

    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save("exif.png", exif=exif)
    save_rgb("exif", ImageOps.exif_transpose(Image.open("exif.png")))


def make_jpegs():
    def both(name, image, **options):
        image.save(name + ".jpg", **options)
        save_rgb(name + "-jpg", Image.open(name + ".jpg"))

    rgb = photo(45, 37)
    both("baseline", rgb, quality=90)
    both("full-colour", rgb, quality=90, subsampling=0)
    both("progressive", rgb, quality=90, progressive=True)
    both("grey", rgb.convert("L"), quality=90)
    both("cmyk", rgb.convert("CMYK"), quality=95)

    # Six pixels and their places after each orientation, as Pillow turns them.
    exif = Image.Exif()
    exif[0x0112] = 1
    six = Image.fromarray(np.array([[0, 50, 100], [150, 200, 250]], dtype=np.uint8))
    six.save("orientation.jpg", quality=100, exif=exif)
    with open("orientation.txt", "w") as file:
        index = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
        for orientation in range(1, 9):
            exif[0x0112] = orientation
            file_in_memory = io.BytesIO()
            index.save(file_in_memory, "PNG", exif=exif)
            turned = np.asarray(ImageOps.exif_transpose(Image.open(file_in_memory)))
            print(*turned.shape[::-1], *turned.ravel(), file=file)


RESIZES = [((37, 29), (37, 29)), ((37, 29), (18, 14)), ((37, 29), (7, 29)), ((37, 29), (37, 5)), ((37, 29), (50, 41)),
           ((37, 29), (90, 7)), ((37, 29), (1, 1)), ((37, 29), (3, 60)), ((1, 1), (5, 4)), ((1, 40), (6, 3)),
           ((640, 480), (41, 30)), ((200, 3), (60, 2))]

# (width, height), resize, crop, interpolation
PREPROCESSES = [((37, 29), 20, 16, "bilinear"), ((29, 37), 20, 16, "bilinear"), ((37, 29), 20, 15, "bilinear"),
                ((37, 29), 16, 21, "bilinear"), ((61, 16), 16, 21, "bilinear"), ((16, 61), 15, 20, "bilinear"),
                ((37, 29), 29, 29, "bilinear"), ((37, 29), 50, 17, "bilinear"), ((2, 90), 9, 9, "bilinear"),
                ((640, 480), 18, 16, "bilinear"), ((37, 29), 20, 16, "bicubic"), ((37, 29), 41, 13, "bicubic")]

# (width, height), size, crop, interpolation: both sides resized to the size, and the longer side, with borders
FITS = [((37, 29), 20, 16, "bilinear"), ((29, 37), 21, 21, "bicubic"), ((16, 61), 15, 20, "bilinear"),
        ((61, 16), 24, 17, "bicubic"), ((4, 90), 16, 9, "bilinear"), ((7, 5), 30, 27, "bilinear")]


class Border:
    """timm's crop mode of this name: the longer side to `size`, and borders of the mean colour up to `crop`."""

    def __init__(self, size, crop, mean, mode):
        self.size, self.crop, self.fill, self.mode = size, crop, tuple(round(255 * m) for m in mean), mode

    def __call__(self, image):
        ratio = max(image.width, image.height) / self.size
        image = T.Resize((round(image.height / ratio), round(image.width / ratio)), self.mode)(image)
        across, down = max(self.crop - image.width, 0), max(self.crop - image.height, 0)
        padded = T.Pad((across // 2, down // 2, across - across // 2, down - down // 2), self.fill)(image)
        return T.CenterCrop(self.crop)(padded)


def make_fits():
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    for (width, height), size, crop, interpolation in FITS:
        mode = T.InterpolationMode(interpolation)
        squash = T.Compose([T.Resize((size, size), mode), T.CenterCrop(crop)])
        for fit, transform in [("squash", squash), ("border", Border(size, crop, mean, mode))]:
            tensor = T.Compose([transform, T.ToTensor(), T.Normalize(mean, std)])(pattern(width, height)).numpy()
            tensor.astype("<f4").tofile("%s-%dx%d-%d-%d-%s.f32" % (fit, width, height, size, crop, interpolation))


def make_resizes():
    for size, target in RESIZES:
        save_rgb("resize-%dx%d-%dx%d" % (size + target), pattern(*size).resize(target, Image.BILINEAR))
    for (width, height), resize, crop, interpolation in PREPROCESSES:
        mode = T.InterpolationMode(interpolation)
        transform = T.Compose([T.Resize(resize, mode), T.CenterCrop(crop), T.ToTensor(),
                               T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
        tensor = transform(pattern(width, height)).numpy()
        tensor.astype("<f4").tofile("preprocess-%dx%d-%d-%d-%s.f32" % (width, height, resize, crop, interpolation))


make_pngs()
make_jpegs()
make_resizes()
make_fits()
