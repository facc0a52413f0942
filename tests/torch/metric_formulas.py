"""What a heatmap is worth, in float64: each metric written down on its own from its paper, with the choices that
src/evaluate/README.md tells. What check_metrics.py holds the program against.

`mask` is a map at the size of the network's input, scaled to [0, 1]; `probability(images)` the class's in each of a
batch [N, 3, H, W]."""

import copy
import math

import numpy as np
import torch
from torch import nn

import seeded


def mask_of(enlarge, map_, height, width):
    """`enlarge`: the cubic enlargement of tests/data/maps."""
    large = enlarge(map_, height, width)
    span = large.max() - large.min()
    return (large - large.min()) / span if span > 0 else np.zeros_like(large)


def masked(image, mask):
    return image * torch.from_numpy(mask)


def rise_kernel(window=11, sigma=5):
    """RISE's published kernel: a single bright pixel under a Gaussian filter that mirrors at the window's edges."""
    reach = int(4 * sigma + 0.5)
    spot = np.zeros(window)
    spot[window // 2] = 1
    padded = np.pad(spot, reach, mode="symmetric")
    gauss = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    row = np.convolve(padded, gauss / gauss.sum(), mode="valid")
    return np.outer(row, row)


def blurred(image):
    kernel = torch.from_numpy(rise_kernel())
    weight = torch.zeros(3, 3, *kernel.shape, dtype=torch.float64)
    for channel in range(3):
        weight[channel, channel] = kernel
    return nn.functional.conv2d(image, weight, padding=kernel.shape[0] // 2)


def curve(image, other, mask, probability, steps):
    """The probability as `other` becomes `image`, the mask's highest pixels first."""
    order = np.argsort(-mask.ravel(), kind="stable")
    images, state = [], other.clone()
    for step in range(steps + 1):
        begin, end = (max(step - 1, 0) * order.size // steps, step * order.size // steps)
        pixels = torch.from_numpy(order[begin:end])
        state.view(3, -1)[:, pixels] = image.view(3, -1)[:, pixels]
        images.append(state.clone())
    return probability(torch.cat(images)).numpy()


def area(points):
    return float(np.trapz(points, dx=1 / (len(points) - 1)))


def pearson(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def ranks(values):
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[inverse]


def spearman(a, b):
    return pearson(ranks(a.ravel()), ranks(b.ravel()))


def adcc(coherency, complexity, drop):
    parts = [coherency, 1 - complexity, 1 - drop]
    return 0.0 if min(parts) <= 0 else 3 / sum(1 / part for part in parts)


def inside(boxes, shape, crop):
    """[H, W]: which pixels of the input have their middle in a box; crop (x, y, width, height) in the photo."""
    ys = crop[1] + (np.arange(shape[0]) + 0.5) * crop[3] / shape[0]
    xs = crop[0] + (np.arange(shape[1]) + 0.5) * crop[2] / shape[1]
    hit = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        hit |= ((ys >= top) & (ys < bottom))[:, None] & ((xs >= left) & (xs < right))[None]
    return hit


def energy(mask, boxes, crop):
    return float(mask[inside(boxes, mask.shape, crop)].sum() / mask.sum())


def pointing(mask, boxes, crop, tolerance=15):
    at = np.argwhere(mask == mask.max())
    y, x = at[np.linalg.norm(at - at.mean(0), axis=1).argmin()]
    px = crop[0] + (x + 0.5) * crop[2] / mask.shape[1]
    py = crop[1] + (y + 0.5) * crop[3] / mask.shape[0]
    gaps = [math.hypot(max(l - px, 0, px - r), max(t - py, 0, py - b)) for l, t, r, b in boxes]
    return float(min(gaps) <= tolerance)


def splitmix(seed, count):
    """The generator's first numbers, in [0, 1)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * seeded.GOLDEN_RATIO
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z, (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def draw_anew(module, name, seed=0):
    if isinstance(module, nn.BatchNorm2d):
        module.reset_parameters()
        return
    of_layer = int(splitmix(seeded.fnv1a(name), 1)[0][0])
    weight = module.weight
    bound = math.sqrt(6 / math.prod(weight.shape[1:]))
    numbers = (2 * splitmix(seed ^ of_layer, weight.numel())[1] - 1) * bound
    weight.data = torch.from_numpy(numbers.astype(np.float32).reshape(weight.shape)).double()
    if module.bias is not None:
        module.bias.data.zero_()


def stages(network):
    """{stage: [(name, module)]}, the top first; a BatchNorm beside the convolution before it."""
    found, last = {}, None
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            last = ".".join(name.split(".")[:2])
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)):
            found.setdefault(last, []).append((name, module))
    return dict(reversed(list(found.items())))


def cascade(network):
    """The network after each stage."""
    changed = copy.deepcopy(network)
    for modules in stages(changed).values():
        for name, module in modules:
            draw_anew(module, name)
        yield changed
