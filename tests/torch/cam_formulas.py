"""The papers' formulas in float64, each written down on its own from its paper: what check_methods.py holds the
program against. `layer.a` is A [1, C, H, W]; `layer.tail(a)` the logits of a batch of replacements for it."""

import itertools
import math

import torch
import torch.nn.functional as F

import networks


class Layer:
    """A layer of a network and what lies behind it. The tail reruns the whole network with the layer's output
    replaced: slow, and independent of how a network is taken apart."""

    def __init__(self, network, image, name):
        self.network, self.image, self.name = network, image.double(), name
        self.a = self._run(lambda output: output)[1]

    def _run(self, replace, batch=1):
        seen = []

        def hook(output):
            seen.append(replace(output))
            return seen[-1]

        handle = networks.hook_output(self.network, self.name, hook)
        try:
            logits = self.network(self.image.expand(batch, -1, -1, -1))
        finally:
            handle.remove()
        return logits, seen[-1].detach()

    def tail(self, a):
        return self._run(lambda _output: a, len(a))[0]

    def whole(self, images):
        return self.network(images)


def logit(index):
    return lambda logits: logits[:, index]


def probability(index):
    return lambda logits: torch.softmax(logits, 1)[:, index]


def margin(index, against):
    return lambda logits: logits[:, index] - logits[:, against]


def gradient(layer, score, at=None):
    """dy/dA, and the graph-connected A for second derivatives."""
    with torch.enable_grad():
        a = (layer.a if at is None else at).clone().requires_grad_(True)
        y = score(layer.tail(a)).sum()
        return torch.autograd.grad(y, a)[0]


def weighted(weights, a):
    """sum_k w_k A_k, [H, W]"""
    return (weights.reshape(-1, 1, 1) * a[0]).sum(0)


def drops(layer, score):
    y = score(layer.tail(layer.a))
    out = []
    for k in range(layer.a.shape[1]):
        a = layer.a.clone()
        a[:, k] = 0
        out.append(y - score(layer.tail(a)))
    return torch.cat(out), y


def ablation(layer, score):
    fall, y = drops(layer, score)
    return weighted(fall / y.abs(), layer.a)


def cam(layer, _score, index):
    rows = layer.network.fc.weight
    return weighted(rows[index], layer.a)


def gradcam(layer, score):
    return weighted(gradient(layer, score).mean((0, 2, 3)), layer.a)


def gradcam_plus_plus(layer, score):
    """Y = exp(S): the derivatives of Y are exp(S) times powers of g = dS/dA; exp(S) cancels in alpha and is a
    common factor of the weights, which is left out."""
    g = gradient(layer, score)
    below = 2 * g**2 + layer.a.sum((2, 3), keepdim=True) * g**3
    alpha = torch.where(below != 0, g**2 / torch.where(below != 0, below, torch.ones_like(below)),
                        torch.zeros_like(below))
    return weighted((alpha * F.relu(g)).sum((0, 2, 3)), layer.a)


def xgradcam(layer, score):
    total = layer.a.sum((0, 2, 3))
    share = (gradient(layer, score) * layer.a).sum((0, 2, 3))
    return weighted(torch.where(total != 0, share / torch.where(total != 0, total, torch.ones_like(total)),
                                torch.zeros_like(total)), layer.a)


def hirescam(layer, score):
    return (gradient(layer, score) * layer.a)[0].sum(0)


def elementwise(layer, score):
    return F.relu(gradient(layer, score) * layer.a)[0].sum(0)


def layercam(layer, score):
    return (F.relu(gradient(layer, score)) * layer.a)[0].sum(0)


def first_component(channels, sign_of=None):
    """sigma u of the matrix [places, channels], signed to go with the sum of the channels (or of others)."""
    matrix = channels[0].flatten(1).T
    whole = (channels if sign_of is None else sign_of)[0].flatten(1).sum(0)
    u, s, _ = torch.linalg.svd(matrix, full_matrices=False)
    first = u[:, 0] * s[0]
    return (first * torch.sign(first @ whole)).reshape(channels.shape[2:])


def eigencam(layer, _score):
    return first_component(layer.a)


def eigengradcam(layer, score):
    return first_component(gradient(layer, score) * layer.a)


def shapleycam(layer, score):
    """w_k = mean(g - H A / 2), H A by differentiating the gradient along A."""
    with torch.enable_grad():
        a = layer.a.clone().requires_grad_(True)
        g = torch.autograd.grad(score(layer.tail(a)).sum(), a, create_graph=True)[0]
        h = torch.autograd.grad((g * layer.a).sum(), a, allow_unused=True)[0] if g.requires_grad else None
    g = g.detach()
    return weighted((g if h is None else g - h / 2).mean((0, 2, 3)), layer.a)


def scorecam(layer, score):
    image = layer.image
    channels = [k for k in range(layer.a.shape[1]) if layer.a[0, k].min() != layer.a[0, k].max()]
    scores = []
    for k in channels:
        mask = F.interpolate(layer.a[:, k : k + 1], image.shape[2:], mode="bilinear", align_corners=False)
        mask = (mask - mask.min()) / (mask.max() - mask.min())
        scores.append(score(layer.whole(image * mask)))
    weights = torch.zeros(layer.a.shape[1], dtype=torch.float64)
    weights[channels] = torch.softmax(torch.cat(scores), 0)
    return weighted(weights, layer.a)


def reciprocam(layer, score):
    _, _, height, width = layer.a.shape
    out = torch.zeros(height, width, dtype=torch.float64)
    nothing = score(layer.tail(torch.zeros_like(layer.a)))
    for y, x in itertools.product(range(height), range(width)):
        a = torch.zeros_like(layer.a)
        a[:, :, y, x] = layer.a[:, :, y, x]
        out[y, x] = score(layer.tail(a)) - nothing
    return out


def finer_score(logits, index, references=3, strength=1.0):
    """The mean difference to the classes whose logits are nearest to the class's own."""
    distance = (logits[0] - logits[0, index]).abs()
    order = sorted((d, c) for c, d in enumerate(distance.tolist()) if c != index)
    others = [c for _, c in order[:references]]
    return lambda z: torch.stack([z[:, index] - strength * z[:, c] for c in others]).mean(0)


def random_weights(seed, index, channels):
    """From [-1, 1): numbers of SplitMix64 started from the seed, xor the first number of one started from the class."""
    mask = (1 << 64) - 1

    def numbers(state):
        while True:
            state = (state + 0x9E3779B97F4A7C15) & mask
            z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
            yield z ^ (z >> 31)

    stream = numbers(seed ^ next(numbers(index)))
    return torch.tensor([2 * ((next(stream) >> 11) / 2**53) - 1 for _ in range(channels)], dtype=torch.float64)


def path_parts(layer, score, intervals):
    """integral over t in [0, 1] of sum(A_k dy/dA_k at tA), with nodes at j / intervals, 0 < j < intervals; the first
    and the last stand for half an interval more."""
    total = torch.zeros(layer.a.shape[1], dtype=torch.float64)
    for j in range(1, intervals):
        weight = 1 + 0.5 * (j == 1) + 0.5 * (j == intervals - 1)
        total += weight * (gradient(layer, score, layer.a * (j / intervals)) * layer.a).sum((0, 2, 3))
    return total / intervals


def shapley_values(value, players):
    """By enumeration: value(frozenset) of every set of players."""
    n = len(players)
    out = []
    for player in players:
        others = [p for p in players if p != player]
        phi = 0.0
        for size in range(n):
            share = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for chosen in itertools.combinations(others, size):
                without = frozenset(chosen)
                phi += share * (value(without | {player}) - value(without))
        out.append(phi)
    return out


# ---- What pytorch-grad-cam 1.5.5 computes instead, where it differs from the papers


def library_gradcam_plus_plus(layer, score):
    """1e-6 more in alpha's divisor."""
    g = gradient(layer, score)
    alpha = g**2 / (2 * g**2 + layer.a.sum((2, 3), keepdim=True) * g**3 + 1e-6)
    return weighted((torch.where(g != 0, alpha, torch.zeros_like(g)) * F.relu(g)).sum((0, 2, 3)), layer.a)


def library_xgradcam(layer, score):
    """1e-7 more in the divisor."""
    g = gradient(layer, score)
    return weighted((g * layer.a / (layer.a.sum((2, 3), keepdim=True) + 1e-7)).sum((0, 2, 3)), layer.a)


def library_scorecam(layer, score):
    """Masks with align_corners=True; flat channels show an input of zeros and take part in the softmax."""
    masks = F.interpolate(layer.a, layer.image.shape[2:], mode="bilinear", align_corners=True)
    least, most = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
    masks = (masks - least) / (most - least + 1e-8)
    scores = [score(layer.whole(layer.image * masks[:, k : k + 1])) for k in range(masks.shape[1])]
    return weighted(torch.softmax(torch.cat(scores), 0), layer.a)


def library_eigencam(layer, _score):
    """Columns centred; the sign, which it leaves to the decomposition, is set here to go with the channels' sum."""
    return first_component(layer.a - layer.a.mean((2, 3), keepdim=True), layer.a)


def library_finer_score(logits, index, references=3, strength=1.0):
    """The similar classes weighted by their probabilities, which are differentiated too."""
    distance = (logits[0] - logits[0, index]).abs()
    others = [c for _, c in sorted((d, c) for c, d in enumerate(distance.tolist()) if c != index)][:references]

    def score(z):
        p = torch.softmax(z, 1)
        differences = sum(p[:, c] * (z[:, index] - strength * z[:, c]) for c in others)
        return differences / (sum(p[:, c] for c in others) + 1e-9)

    return score
