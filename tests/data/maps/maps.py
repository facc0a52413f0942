"""Maps enlarged, fused and smoothed in float64: the reference of src/cam/fusion.cpp, principal.cpp and views.cpp."""

import numpy as np
import torch


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


def seen_through(image, size, mirrored):
    """A view of an input [1, C, H, W]."""
    seen = torch.nn.functional.interpolate(image.double(), size=size, mode="bilinear", align_corners=False)
    return seen.flip(3) if mirrored else seen


def views(height, width):
    """(size, mirrored) of an input's views."""
    sizes = [(height, width)]
    for scale in (0.85, 1.15):
        size = tuple(max(round(side * scale / 16), 1) * 16 for side in (height, width))
        if size not in sizes:
            sizes.append(size)
    return [(size, mirrored) for size in sizes for mirrored in (False, True)]
