#!/usr/bin/env python3
"""Writes golden.json: what fused, smoothed and turned maps must be, in float64.

Run in this folder with Python 3, numpy and PyTorch. Maps, activations and inputs are made from their names
(../golden/seeded.py), so the C++ tests have the same.
"""
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
from seeded import tensor as seeded  # noqa: E402


def keys(t):
    """Keys' cubic kernel, a = -1/2."""
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def cubic_matrix(size, out):
    """[out, size]: half-pixel centres, positions and taps clamped to the edges."""
    matrix = np.zeros((out, size))
    for i in range(out):
        at = min(max((i + 0.5) * size / out - 0.5, 0), size - 1)
        base = int(np.floor(at))
        for tap in range(base - 1, base + 3):
            matrix[i, min(max(tap, 0), size - 1)] += keys(at - tap)
    return matrix


def enlarge(m, height, width):
    out = cubic_matrix(m.shape[0], height) @ m @ cubic_matrix(m.shape[1], width).T
    return np.clip(out, m.min(), m.max())


def fuse(maps, how):
    height, width = max((m.shape for m in maps), key=lambda s: s[0] * s[1])
    parts = np.stack([enlarge(m, height, width) / np.abs(m).max() for m in maps])
    if how == "mean":
        return parts.mean(0)
    if how == "max":
        first = np.abs(parts).argmax(0)
        return np.take_along_axis(parts, first[None], 0)[0]
    agree = (parts > 0).all(0) | (parts < 0).all(0)
    return np.where(agree, np.sign(parts[0]) * np.abs(parts).prod(0) ** (1 / len(parts)), 0)


def principal(activation, weights):
    """The sum over channels of the best rank-one approximation of the terms w_k A_k."""
    _, c, h, w = activation.shape
    terms = (weights[:, None] * activation.reshape(c, h * w)).T  # [places, channels]
    u, s, vt = np.linalg.svd(terms, full_matrices=False)
    return (s[0] * u[:, 0] * vt[0].sum()).reshape(h, w)


def seen(name, shape, size, mirrored):
    x = torch.from_numpy(seeded(name, shape).astype(np.float64))
    x = torch.nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
    return (x.flip(3) if mirrored else x).numpy()


def main():
    shapes = [(7, 5), (3, 4), (12, 9)]
    maps = [seeded("input.map%d" % i, s).astype(np.float64) for i, s in enumerate(shapes)]
    activation = np.maximum(seeded("input.activation", (1, 6, 5, 7)).astype(np.float64), 0)
    weights = seeded("input.weights", (6,)).astype(np.float64)
    golden = {
        "fused": {how: fuse(maps, how).ravel().tolist() for how in ("mean", "max", "product")},
        "principal": principal(activation, weights).ravel().tolist(),
        "views": [
            {"shape": [1, 2, h, w], "mirrored": m, "values": seen("input.view", (1, 2, 20, 19), (h, w), m).ravel().tolist()}
            for h, w, m in ((16, 16, False), (16, 16, True), (20, 19, True))
        ],
        "turned_back": enlarge(maps[0][:, ::-1], 6, 8).ravel().tolist(),
    }
    text = json.dumps(golden, separators=(",", ":"))
    pathlib.Path("golden.json").write_text(text.replace("],", "],\n") + "\n")


main()
