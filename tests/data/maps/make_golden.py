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
from maps import enlarge, fuse, principal, seen_through  # noqa: E402
from seeded import tensor as seeded  # noqa: E402


def seen(name, shape, size, mirrored):
    return seen_through(torch.from_numpy(seeded(name, shape)), size, mirrored).numpy()


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
