#!/usr/bin/env python3
"""Writes the golden values of the thin test networks: make_golden.py [--out DIR] [NAME...]

NAME.json lists a network's tensors (name, shape, gain; see seeded.py for what is in them), its input and what
NAME.f64 holds: raw little-endian float64, whose positions are counted in numbers.

    logits        [N, classes]
    activations   for each layer: the sum of the activations, then `samples` of them, evenly spread
    drops         for each layer: [kind][score][channel], y - y_k for the first image of the batch
    gradients     for each layer, in the order of the activations: [score][norm, projection, samples], of dy/d layer
                  for the whole batch; the projection is the sum of gradient * the seeded "direction LAYER"

Everything is computed by PyTorch in float64; the drops by brute force, the gradients by autograd.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ablation
import networks
from networks import BASIC, BOTTLENECK, VGG, ResNet, Vgg

SAMPLES = 16
GRADIENT_SAMPLES = 4
OTHERS_LAYERS = 16
VGG_WIDTHS = (4, 6, 8, 12, 10)
VGG_ODD = (5, 7, 17, 12, 9)


def thin_networks():
    """name: (how to make it, input shape, head's gain, layers whose drops are wanted; "all" for every layer)"""
    pools = ["features.1", "features.3", "features.4", "features.5"]
    stages = ["conv1", "maxpool", "layer1", "layer2", "layer3.0.conv1", "layer3", "layer4"]
    table = {
        "resnet18": (lambda: ResNet(BASIC[18], 6, [6, 9, 12, 16]), (2, 3, 45, 61), 0.5, "all"),
        "resnet18_odd": (lambda: ResNet(BASIC[18], 5, [7, 1, 5, 12]), (2, 3, 61, 45), 0.5, stages),
        "resnet34": (lambda: ResNet(BASIC[34], 17, [17, 24, 33, 40]), (2, 3, 64, 64), 0.25, stages),
        "resnet50": (lambda: ResNet(BOTTLENECK[50], 8, [16, 24, 32, 40], [4, 6, 8, 10]), (2, 3, 45, 61), 0.125, stages),
        "bottleneck": (lambda: ResNet([2, 1, 2, 1], 6, [12, 16, 20, 28], [3, 4, 5, 7]), (2, 3, 45, 61), 1.0, "all"),
        "resnet101": (lambda: ResNet(BOTTLENECK[101], 5, [12, 20, 28, 36], [3, 5, 7, 9]), (2, 3, 33, 64), 2**-7, []),
        "resnext50": (
            lambda: ResNet(BOTTLENECK[50], 8, [16, 24, 32, 40], [8, 12, 16, 24], groups=4),
            (2, 3, 45, 61), 0.0625, stages,
        ),
        "resnext_odd": (
            lambda: ResNet([1, 2, 1, 1], 7, [12, 20, 28, 36], [3, 6, 9, 15], groups=3), (2, 3, 47, 32), 0.25, stages,
        ),
        "wide_resnet50": (
            lambda: ResNet(BOTTLENECK[50], 6, [16, 24, 32, 40], [8, 12, 16, 20]), (2, 3, 45, 61), 0.0625, stages,
        ),
    }
    for depth, repeats in VGG.items():
        for bn in (False, True):
            widths = VGG_ODD if depth in (13, 19) else VGG_WIDTHS
            wanted = "all" if (depth, bn) in ((11, True), (16, False)) else pools
            table[f"vgg{depth}{'_bn' if bn else ''}"] = (
                lambda r=repeats, w=widths, b=bn: Vgg(r, w, b),
                (2, 3, 64, 75) if wanted == "all" else (2, 3, 45, 61), 0.25 if bn else 0.5, wanted,
            )
    return table


def other_networks():
    """name: as thin_networks(), of torchvision's other families; few of their layers are recorded"""
    table = {
        "alexnet": ((2, 3, 111, 79), 0.5, ["features.4", "features.11"]),
        "squeezenet1_0": ((2, 3, 61, 45), 1.0, ["features.4", "features.12"]),
        "squeezenet1_1": ((2, 3, 45, 61), 1.0, ["features.7", "features.12"]),
        "mobilenet_v2": ((2, 3, 45, 61), 0.5, ["features.7", "features.17"]),
        "mobilenet_v3_small": ((2, 3, 45, 61), 0.125, ["features.4", "features.11"]),
        "mobilenet_v3_large": ((2, 3, 45, 61), 0.125, ["features.5", "features.11"]),
        "densenet": (
            (2, 3, 45, 61), 0.5, ["features.denseblock1.denselayer1", "features.denseblock2", "features.norm5"],
        ),
        "googlenet": ((2, 3, 61, 45), 0.125, ["inception3a", "inception4d"]),
        "inception_v3": ((2, 3, 79, 96), 0.125, ["Mixed_5c", "Mixed_6b"]),
        "mnasnet": ((2, 3, 45, 61), 0.125, ["layers.9.1", "layers.11"]),
        "shufflenet_v2": ((2, 3, 45, 61), 2**-6, ["stage2.1", "stage3"]),
        "efficientnet": ((2, 3, 45, 61), 0.5, ["features.2.1", "features.5"]),
        "efficientnet_v2": ((2, 3, 45, 61), 0.5, ["features.2.1", "features.5"]),
        "regnet_y": ((2, 3, 45, 61), 0.25, ["trunk_output.block2"]),
    }
    made = networks.other_families()
    return {name: (made[name], shape, head, wanted) for name, (shape, head, wanted) in table.items()}


class Numbers:
    """What goes into the .f64 file."""

    def __init__(self):
        self.values = []

    def add(self, values):
        """Appends and returns the position of the first number."""
        at = len(self.values)
        self.values.extend(np.asarray(values, np.float64).ravel().tolist())
        return at

    def write(self, path):
        np.asarray(self.values, "<f8").tofile(path)


def record_activations(network, batch, names):
    kept = {}
    handles = [
        networks.hook_output(network, name, lambda out, name=name: kept.__setitem__(name, out)) for name in names
    ]
    logits = network(batch)
    for handle in handles:
        handle.remove()
    return logits, kept


def sampled(activation):
    flat = activation.reshape(-1)
    count = min(SAMPLES, flat.numel())
    spread = [i * flat.numel() // count for i in range(count)]
    return [float(flat.sum())] + flat[spread].tolist()


def drops_of(network, image, layer, shape, scores, base):
    channels = list(range(shape[1]))
    numbers = []
    for kind in ablation.KINDS:
        logits = ablation.ablated_logits(network, image, layer, kind, channels)
        for what, index in scores:
            numbers.append(ablation.score(base, what, index) - ablation.score(logits, what, index))
    return torch.stack(numbers)


@torch.no_grad()
def golden(name, make, shape, head, wanted):
    network = networks.not_in_place(networks.fill(make(), head)).double()
    batch = networks.named_tensor("input", shape)
    names = networks.layers(network)
    if name in other_networks():
        names = list(dict.fromkeys(names[:: -(-len(names) // OTHERS_LAYERS)] + wanted))
    logits, kept = record_activations(network, batch, names)
    numbers = Numbers()
    index = {
        "network": name,
        "tensors": networks.parameters(network, head),
        "input": {"name": "input", "shape": list(shape)},
        "logits": {"shape": list(logits.shape), "at": numbers.add(logits)},
        "activations": [],
        "kinds": list(ablation.KINDS),
        "scale": ablation.SCALE,
        "drops": [],
    }
    for layer in names:
        values = sampled(kept[layer])
        index["activations"].append(
            {"layer": layer, "shape": list(kept[layer].shape), "samples": len(values) - 1, "at": numbers.add(values)}
        )
    best, second = (int(i) for i in logits[0].topk(2).indices)
    scores = [["logit", best], ["logit", second], ["softmax", best], ["sigmoid", best]]
    index["scores"] = scores
    for layer in names if wanted == "all" else wanted:
        if layer not in kept:  # a container: its last child
            layer_output = kept[[n for n in names if n.startswith(layer + ".") and n.count(".") == 1][-1]]
        else:
            layer_output = kept[layer]
        if layer_output.ndim == 2:  # behind the flattening there are no channels
            continue
        drops = drops_of(network, batch[:1], layer, layer_output.shape, scores, logits[:1])
        index["drops"].append({"layer": layer, "channels": layer_output.shape[1], "at": numbers.add(drops)})
    index["gradients"] = {"scores": [["logit", best], ["softmax", best]], "samples": GRADIENT_SAMPLES}
    found = [gradients_of(network, batch, names, *score) for score in index["gradients"]["scores"]]
    index["gradients"]["at"] = numbers.add(
        [[summary(layer, of_score[i]) for of_score in found] for i, layer in enumerate(names)]
    )
    return index, numbers


def gradients_of(network, batch, names, kind, index):
    """dy/d layer for every layer, y being the sum of the batch's scores."""
    with torch.enable_grad():
        leaf = batch.clone().requires_grad_()
        logits, kept = record_activations(network, leaf, names)
        return torch.autograd.grad(ablation.score(logits, kind, index).sum(), [kept[name] for name in names])


def summary(name, gradient):
    flat = gradient.reshape(-1)
    direction = networks.named_tensor(f"direction {name}", tuple(gradient.shape)).reshape(-1)
    spread = [i * flat.numel() // GRADIENT_SAMPLES for i in range(GRADIENT_SAMPLES)]
    return [float(flat.norm()), float(flat @ direction)] + flat[spread].tolist()


def dump(index):
    """JSON with one tensor, layer and drop a line."""
    lines = []
    for key, value in index.items():
        if isinstance(value, list) and value and not isinstance(value[0], str):
            rows = ",\n    ".join(json.dumps(row) for row in value)
            lines.append(f'  "{key}": [\n    {rows}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; all where none is named")
    parser.add_argument("--out", type=pathlib.Path, default=here, help="folder (default: beside this script)")
    arguments = parser.parse_args()
    table = thin_networks() | other_networks()
    for name in arguments.names or table:
        if name not in table:
            parser.error(f"no network {name}; there are {', '.join(table)}")
        index, numbers = golden(name, *table[name])
        (arguments.out / f"{name}.json").write_text(dump(index))
        numbers.write(arguments.out / f"{name}.f64")
        print(f"{name:16} {len(index['tensors']):4} tensors, {len(numbers.values):6} numbers")


if __name__ == "__main__":
    main()
