"""Tensors from their names alone: the weights of the test networks, without a file of weights.

Element i of the tensor `name` is made of the i-th output of SplitMix64 (Steele, Lea and Flood, 2014)
started at the FNV-1a hash of the name:

    t = (top 24 bits of the output - 2^23) / 2^23         a multiple of 2^-23 in [-1, 1), exact in float32

and a map by the tensor's kind, which its name and rank tell. Every map is one float32 operation on t (a
product, or a sum with an exact term), so each language gets the same bits:

    *running_var                 1 + t/2             in [0.5, 1.5)
    *running_mean                t/4
    rank 1, *.weight             gain * (1 + t/2)    BatchNorm's factor; gain a power of two
    rank 1, *.bias               t/4
    rank 2 and 4                 gain * sqrt(6 / fan_in) * t, the factor rounded to float32 first: He's variance
    "mask..."                    1/2 + t/2           in [0, 1)
    "input..."                   2 t

tests/support/seeded.hpp is the same in C++.
"""

import math

import numpy as np

GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)
CHUNK = 1 << 18  # elements at a time: the passes below stay in the cache


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def unit(name, begin, end):
    """Elements [begin, end) of t, float32."""
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(name)) + np.arange(begin + 1, end + 1, dtype=np.uint64) * GOLDEN_RATIO
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    top = (z >> np.uint64(40)).astype(np.int32) - np.int32(1 << 23)
    return top.astype(np.float32) * np.float32(2.0**-23)


def value_map(name, shape, gain):
    """(offset, factor): an element is offset + factor * t."""
    if name.startswith("input"):
        return 0.0, 2.0
    if name.startswith("mask"):
        return 0.5, 0.5
    if name.endswith("running_var"):
        return 1.0, 0.5
    if len(shape) == 1 and name.endswith(".weight"):
        return gain, gain * 0.5
    if len(shape) == 1:
        return 0.0, 0.25
    return 0.0, gain * math.sqrt(6.0 / math.prod(shape[1:]))


def tensor(name, shape, gain=1.0):
    """The tensor as a float32 array."""
    offset, factor = (np.float32(v) for v in value_map(name, shape, gain))
    out = np.empty(math.prod(shape), np.float32)
    for begin in range(0, out.size, CHUNK):
        end = min(begin + CHUNK, out.size)
        out[begin:end] = offset + factor * unit(name, begin, end) if offset else factor * unit(name, begin, end)
    return out.reshape(shape)
